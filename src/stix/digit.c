#include "stix/digit.h"

#include "stix/disguise.h"

static const struct row {
    uint32_t first, last;
    char is;
    uint8_t cycle, when;
} rows[] = {
#define DIGITS(first, last, is, cycle, when) {first, last, is, cycle, STIX_DIGIT_##when},
#include "stix/digit.inc"
#undef DIGITS
};

enum { ROWS = sizeof rows / sizeof *rows, HANGUL_LEAD = 0xea, HANGUL_SECOND = 0xb0 };

bool stix_digit_leads(uint8_t byte)
{
    static const bool leads[256] = {
        [0xc2] = true, [0xd9] = true, [0xdb] = true, [0xdf] = true, [0xe0] = true,
        [0xe1] = true, [0xe2] = true, [0xea] = true, [0xef] = true, [0xf0] = true,
    };
    return leads[byte];
}

/* From U+AC00 on, and most of what has this lead in a Korean text. */
static bool is_hangul(struct str rest)
{
    return rest.len > 1 && (uint8_t)rest.at[0] == HANGUL_LEAD && (uint8_t)rest.at[1] >= HANGUL_SECOND;
}

size_t stix_digit_at(struct str rest, char *out, enum stix_digit_when *out_when)
{
    uint32_t code;
    size_t low = 0, high = ROWS, size;
    if (rest.len == 0 || !stix_digit_leads((uint8_t)rest.at[0]) || is_hangul(rest) ||
        (size = stix_disguise_code(rest, &code)) == 0)
        return 0;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (rows[mid].last < code)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == ROWS || rows[low].first > code)
        return 0;
    *out = (char)(rows[low].is + (char)((code - rows[low].first) % rows[low].cycle));
    *out_when = (enum stix_digit_when)rows[low].when;
    return size;
}
