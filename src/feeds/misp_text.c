/* Members as MISP writes them: numbers in quotes, times as seconds or with an offset. */
#include <stdio.h>

#include "core/stamp.h"
#include "feeds/misp_state.h"

struct str misp_text(struct json_val element, const char *name, char digits[24])
{
    struct json_val value;
    if (!json_get(element, str_of(name), &value))
        return (struct str) {0};
    if (json_is(value, JSON_STRING))
        return json_str(value);
    if (!json_is(value, JSON_INT))
        return (struct str) {0};
    int len = snprintf(digits, 24, "%lld", (long long)json_int(value));
    return (struct str) {digits, (size_t)len};
}

bool misp_flag(struct json_val element, const char *name)
{
    char digits[24];
    struct json_val value;
    if (json_get(element, str_of(name), &value) && json_is(value, JSON_TRUE))
        return true;
    struct str text = misp_text(element, name, digits);
    return str_eq(text, STR("1")) || str_eq(text, STR("true")) || str_eq(text, STR("True"));
}

err_t misp_seconds(struct json_val element, const char *name, int64_t *out)
{
    char digits[24];
    uint64_t seconds;
    /* The last second of the year 9999: RFC 3339 ends there. */
    if (!str_to_u64(misp_text(element, name, digits), 253402300799u, &seconds))
        return ERR_INVALID;
    *out = (int64_t)seconds;
    return ERR_OK;
}

struct misp_time misp_time_of_us(int64_t time_us)
{
    char text[TIME_TEXT_SIZE];
    struct misp_time time;
    time_text(time_us, text);
    memcpy(time.text, text, MISP_TIME_BYTES - 1);
    time.text[MISP_TIME_BYTES - 1] = 'Z';
    return time;
}

struct misp_time misp_time_of(int64_t seconds)
{
    return misp_time_of_us(seconds * 1000000);
}

static bool two(const char *at, int64_t max, int64_t *out)
{
    uint64_t number;
    if (!str_to_u64((struct str) {at, 2}, (uint64_t)max, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

/* Cuts "+09:00" or "+0000" off; seconds east of Greenwich. */
static bool cut_offset(struct str *text, int64_t *out)
{
    size_t len = text->len;
    size_t size = len > 6 && text->at[len - 3] == ':' ? 6 : 5;
    if (len < 20 + size - 1 || (text->at[len - size] != '+' && text->at[len - size] != '-'))
        return false;
    int64_t hours, minutes;
    if (!two(text->at + len - size + 1, 23, &hours) || !two(text->at + len - 2, 59, &minutes))
        return false;
    *out = (hours * 3600 + minutes * 60) * (text->at[len - size] == '-' ? -1 : 1);
    text->len -= size;
    return true;
}

bool misp_time_parse(struct str text, struct misp_time *out)
{
    char padded[64];
    struct stamp stamp;
    int64_t offset = 0;
    uint64_t seconds;
    if (str_to_u64(text, 253402300799u, &seconds)) {
        *out = misp_time_of((int64_t)seconds);
        return true;
    }
    if (text.len > 0 && text.at[text.len - 1] == 'Z')
        text.len--;
    else if (text.len > 19)
        (void)cut_offset(&text, &offset);
    if (text.len < 19 || text.len > sizeof padded - 2)
        return false;
    memcpy(padded, text.at, text.len);
    padded[10] = 'T';
    padded[text.len] = 'Z';
    if (stamp_parse((struct str) {padded, text.len + 1}, &stamp, NULL) != ERR_OK)
        return false;
    stamp.seconds -= offset;
    *out = misp_time_of_us(stamp_us(stamp));
    return true;
}
