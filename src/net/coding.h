/* Content codings (RFC 9110 section 8.4): gzip (RFC 1952) and zstd (RFC 8878), both ways: bodies of HTTP
 * whole, files in pieces. A packed text comes from a stranger: what comes out is bounded in size, in its
 * ratio to what went in, and in the memory that it may ask for (zstd's window). Pure but for memory, which is
 * given back before the call returns. Any thread. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

enum coding { CODING_IDENTITY, CODING_GZIP, CODING_ZSTD, CODING_COUNT };

#define CODING_UNDERSTOOD "gzip, zstd"

/* The value of a Content-Encoding field; at NULL (absent) and empty are identity. ERR_UNSUPPORTED: another
 * coding, or several. */
NODISCARD err_t coding_read(struct str value, enum coding *out);
/* Its name in Content-Encoding; NULL: identity has none. */
const char *coding_name(enum coding coding);
/* Chooses by all values of Accept-Encoding joined by ", " (at NULL: absent), RFC 9110 section 12.5.3: the
 * highest weight, among equals zstd, then gzip. "*" stands for gzip, which every client understands. identity
 * when nothing is named; *out_plain: it would be acceptable too. `packs`: otherwise identity alone is
 * offered. ERR_UNSUPPORTED: identity is forbidden and nothing else is acceptable. */
NODISCARD err_t coding_choose(struct str accept, bool packs, enum coding *out, bool *out_plain);

/* What unpacking may cost. Both codings are held to the same. */
struct coding_bounds {
    uint64_t max;        /* bytes in all */
    uint64_t free;       /* so many may come out of anything; */
    unsigned ratio;      /* beyond them so many for each byte that went in so far */
    unsigned window_log; /* of zstd: 2^window_log bytes of memory */
};

/* Takes a piece of what was unpacked; anything but ERR_OK ends the unpacking. */
typedef err_t coding_sink(void *ctx, struct bytes piece);

/* Hands what `packed` (gzip or zstd, not identity) holds to `sink`, piece by piece, and stops at the first
 * piece that goes beyond the bounds. `fault` (may be NULL) says why, and at which byte of `packed`:
 * ERR_LIMIT: beyond the bounds; ERR_SHORT: it is not whole; ERR_SYNTAX: not of that coding (also: something
 * stands behind its end). ERR_NOMEM, and what `sink` says, have no sentence. */
NODISCARD err_t coding_unpack_to(enum coding coding, struct bytes packed, const struct coding_bounds *bounds,
                                 coding_sink *sink, void *ctx, struct fault *fault);
/* Appends what `packed` holds, at most `max` bytes, within LIMIT_CODING_*. ERR_SYNTAX: it is not whole, or
 * not of that coding; ERR_LIMIT: it unpacks to more than max, or than its size allows; ERR_NOMEM. */
NODISCARD err_t coding_unpack(enum coding coding, struct bytes packed, size_t max, struct buf *out);
/* Appends `plain` packed. ERR_LIMIT: it is larger than `out` may be; ERR_NOMEM. */
NODISCARD err_t coding_pack(enum coding coding, struct bytes plain, struct buf *out);
