#include "privacy/scan.h"

size_t scan_size(uint8_t lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static unsigned mark(uint8_t c)
{
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
    case '_':
    case '/':
    case ':':
    case '~':
    case '\n':
    case '\r':
        return SEP_ODD;
    default:
        return 0;
    }
}

/* A mark may stand once, a space and what is odd twice: " - ", ") ", "-"; two dashes are odd as well. */
unsigned scan_separator(const struct scan *scan, size_t at, size_t *out_end)
{
    unsigned bits = 0, bit;
    unsigned spaces = 0, odds = 0, dashes = 0;
    for (; at < scan->text.len && (bit = mark(scan_byte(scan, at))) != 0; at++) {
        spaces += bit == SEP_SPACE;
        odds += bit == SEP_ODD;
        dashes += bit == SEP_DASH;
        if ((bits & bit & (SEP_DOT | SEP_CLOSE | SEP_OPEN)) != 0 || spaces > 2 || odds > 2 || dashes > 2)
            return 0;
        bits |= bit;
    }
    /* A dot with anything beside it is the end of a sentence. */
    if ((bits & SEP_DOT) != 0 && bits != SEP_DOT)
        return 0;
    *out_end = at;
    return dashes > 1 ? bits | SEP_ODD : bits;
}
