/* Inside the room: the signs of an address, as they are written so that nobody clicks on them, or said in
 * words. Pure; any thread; `text` is as stix/plain.h has it. */
#pragma once

#include "core/str.h"

/* What a sign says of the address that it stands in. */
enum {
    SIGN_DEFANGED = 1,
    SIGN_AT_WORD = 2,    /* " at ", which stands in sentences */
    SIGN_DOT_WORD = 4,   /* a dot in English words */
    SIGN_SPOKEN_DOT = 8, /* in Korean ones, or in brackets */
    SIGN_SNAIL = 16,     /* 골뱅이 behind a blank, which may be the dish */
    SIGN_NEEDS_TOP = 32, /* 골뱅이 with no more than ASCII before it */
    SIGN_TOP_WORD = 64   /* a top level in words */
};

/* Bytes of an at-sign, or of a dot, at `at`; adds to `is` what it says. 0: none. */
size_t sign_at(struct str text, size_t at, unsigned *is);
size_t sign_dot(struct str text, size_t at, unsigned *is);
/* Bytes of a dot and a top level in Korean words (닷컴, also " 닷 컴"), which `out` then is: ".com". 0: none.
 */
size_t sign_top(struct str text, size_t at, struct str *out);
/* Is it a top level that exists, of a country or of all? */
bool sign_is_known_top(struct str label);
/* What one of them at `at` stands for, "@", "." or ".com", and its bytes; 0: there is none. */
size_t mail_sign(struct str text, size_t at, struct str *out);
