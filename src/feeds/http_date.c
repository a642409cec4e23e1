#include "feeds/http_date.h"

#include <stdio.h>

static unsigned month_of(struct str text)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned i = 0; i < 12; i++)
        if (memcmp(text.at, names + 3 * (size_t)i, 3) == 0)
            return i + 1;
    return 0;
}

bool http_date_read(struct str text, int64_t *out_us)
{
    char whole[24];
    struct stamp stamp;
    if (text.len != 29 || text.at[3] != ',' || memcmp(text.at + 25, " GMT", 4) != 0)
        return false;
    unsigned month = month_of((struct str) {text.at + 8, 3});
    if (month == 0)
        return false;
    (void)snprintf(whole, sizeof whole, "%.4s-%02u-%.2sT%.8sZ", text.at + 12, month, text.at + 5,
                   text.at + 17);
    if (stamp_parse(str_of(whole), &stamp, NULL) != ERR_OK)
        return false;
    *out_us = stamp_us(stamp);
    return true;
}
