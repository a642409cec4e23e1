/* Digits of every script and dress, and ASCII in full width, as rows of one table (digit.inc). Part of
 * plain.h's reading of texts. Private to stix/. Pure; any thread. */
#pragma once

#include "core/str.h"

/* When a digit is read as one. A circled one also numbers the items of a list, and then it stands before a
 * telephone; a raised one is also a footnote, and then it stands behind. */
enum stix_digit_when {
    STIX_DIGIT_WIDE, /* always, and it is nothing else: all of ASCII in full width */
    STIX_DIGIT_ALWAYS,
    STIX_DIGIT_ZERO,   /* always: no list has such an item */
    STIX_DIGIT_ITEM,   /* beside another of them or of those zeros, between two digits, or in a run as long as
                          the number of a person (plain.c) */
    STIX_DIGIT_RAISED, /* not behind a digit that is not raised */
};

/* May one of them begin with this byte? */
bool stix_digit_leads(uint8_t byte);
/* Bytes of the one at the beginning; 0: there is none. */
size_t stix_digit_at(struct str rest, char *out, enum stix_digit_when *out_when);
