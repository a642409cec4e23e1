/* Points in time.
 *
 * stamp: a time that a document states (STIX 2.1 section 2.16, RFC 3339 with "Z" only), exact to 18 decimals,
 * compared as a number:
 * ...07Z equals ...07.000Z. The text itself is kept by whoever holds the bytes. Years 0000-9999.
 * time_us: our own clock, microseconds since 1970-01-01T00:00:00Z, int64_t. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

struct stamp {
    int64_t seconds;   /* since 1970-01-01T00:00:00Z; negative before */
    uint64_t fraction; /* 10^-18 seconds, below 10^18 */
};

enum { STAMP_DIGITS_MAX = 18, STAMP_KEY_SIZE = 16, TIME_TEXT_SIZE = 28 };

/* Strict: YYYY-MM-DDTHH:MM:SS[.d+]Z, upper case, real calendar days, seconds 00-59 (a leap second 60 is
 * refused). ERR_INVALID otherwise; ERR_LIMIT with more than 18 decimals. *out_digits (may be NULL): decimals
 * written. */
NODISCARD err_t stamp_parse(struct str text, struct stamp *out, unsigned *out_digits);

int stamp_cmp(struct stamp a, struct stamp b);

/* 16 bytes whose byte order is the order in time: for keys. */
void stamp_key(struct stamp stamp, uint8_t out[STAMP_KEY_SIZE]);
struct stamp stamp_from_key(const uint8_t key[STAMP_KEY_SIZE]);

struct stamp stamp_from_us(int64_t time_us);
/* Rounded down to the microsecond; clamped to what int64_t holds. */
int64_t stamp_us(struct stamp stamp);

/* "2026-11-21T22:23:49.000001Z": exactly six decimals (TAXII 2.1 section 3.1), NUL-terminated. Times outside
 * 0000-9999 clamp. */
void time_text(int64_t time_us, char out[TIME_TEXT_SIZE]);

/* "Sun, 22 Nov 2026 07:00:00 GMT" (RFC 9110 section 5.6.7), NUL-terminated, clamped likewise. */
enum { HTTP_DATE_SIZE = 30 };
void http_date(int64_t time_us, char out[HTTP_DATE_SIZE]);
