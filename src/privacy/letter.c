#include "privacy/scan.h"

/* U+FF10..FF19 are EF BC 90..99; U+FF21..FF3A EF BC A1..BA; U+FF41..FF5A EF BD 81..9A. */
static bool is_full(const struct scan *scan, size_t at, uint8_t second, uint8_t low, uint8_t high)
{
    uint8_t third = scan_byte(scan, at + 2);
    return scan_byte(scan, at) == 0xef && scan_byte(scan, at + 1) == second && third >= low && third <= high;
}

int scan_digit_wide(const struct scan *scan, size_t at, size_t *out_size)
{
    if (!is_full(scan, at, 0xbc, 0x90, 0x99))
        return -1;
    *out_size = 3;
    return scan_byte(scan, at + 2) - 0x90;
}

size_t scan_alnum_wide(const struct scan *scan, size_t at)
{
    uint8_t c = scan_byte(scan, at);
    /* Latin letters with marks: U+00C0..024F. */
    if (c >= 0xc3 && c <= 0xc9)
        return at + 1 < scan->text.len ? 2 : 0;
    return is_full(scan, at, 0xbc, 0x90, 0x99) || is_full(scan, at, 0xbc, 0xa1, 0xba) ||
                   is_full(scan, at, 0xbd, 0x81, 0x9a)
               ? 3
               : 0;
}

size_t scan_size(uint8_t lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* Marks between groups beside ASCII's, as people and word processors write them. */
static const struct {
    struct str text;
    unsigned bits;
} marks[] = {
    {{"\xe2\x80\x90", 3}, SEP_DASH},  /* hyphen */
    {{"\xe2\x80\x91", 3}, SEP_DASH},  /* non-breaking hyphen */
    {{"\xe2\x80\x93", 3}, SEP_DASH},  /* en dash */
    {{"\xe2\x80\x94", 3}, SEP_DASH},  /* em dash */
    {{"\xe2\x88\x92", 3}, SEP_DASH},  /* minus */
    {{"\xef\xbc\x8d", 3}, SEP_DASH},  /* full-width hyphen */
    {{"\xe3\x85\xa1", 3}, SEP_DASH},  /* the Hangul letter EU, typed for a dash */
    {{"\xef\xbc\x8e", 3}, SEP_DOT},   /* full-width stop */
    {{"\xe3\x80\x80", 3}, SEP_SPACE}, /* ideographic space */
    {{"\xc2\xa0", 2}, SEP_SPACE},     /* no-break space */
    {{"\xef\xbc\x89", 3}, SEP_CLOSE}, /* full-width parentheses */
    {{"\xef\xbc\x88", 3}, SEP_OPEN},
};

static unsigned mark(const struct scan *scan, size_t at, size_t *out_size)
{
    uint8_t c = scan_byte(scan, at);
    *out_size = 1;
    switch (c) {
    case '-':
        return SEP_DASH;
    case '.':
        return SEP_DOT;
    case ' ':
        return SEP_SPACE;
    case ')':
        return SEP_CLOSE;
    case '(':
        return SEP_OPEN;
    default:
        break;
    }
    if (c < 0x80)
        return 0;
    struct str rest = {scan->text.at + at, scan->text.len - at};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (str_starts(rest, marks[i].text)) {
            *out_size = marks[i].text.len;
            return marks[i].bits;
        }
    }
    return 0;
}

/* At most one of each mark but the space, of which two may stand: " - ", ") ", "-". */
unsigned scan_separator(const struct scan *scan, size_t at, size_t *out_end)
{
    unsigned bits = 0, spaces = 0, bit;
    size_t size;
    while (at < scan->text.len && (bit = mark(scan, at, &size)) != 0) {
        if ((bits & bit) != 0 && (bit != SEP_SPACE || ++spaces > 1))
            return 0;
        bits |= bit;
        at += size;
    }
    /* A dash or a dot, not both; a dot with spaces is the end of a sentence. */
    if ((bits & SEP_DOT) != 0 && (bits & (SEP_DASH | SEP_SPACE)) != 0)
        return 0;
    *out_end = at;
    return bits;
}
