/* Reads wire and disk bytes: a cursor with a sticky error. After the first short read every call answers zero
 * and the cursor no longer moves; look at rd.err once. All integers are big-endian (network order) everywhere
 * in bongsu's formats. Borrowed memory. */
#pragma once

#include "core/err.h"
#include "core/str.h"

struct rd {
    const uint8_t *at;
    size_t left;
    err_t err;
};

static inline struct rd rd_of(struct bytes b)
{
    return (struct rd) {b.at, b.len, ERR_OK};
}

static inline struct bytes rd_bytes(struct rd *rd, size_t len)
{
    if (rd->err != ERR_OK || len > rd->left) {
        rd->err = rd->err != ERR_OK ? rd->err : ERR_SHORT;
        return (struct bytes) {NULL, 0};
    }
    struct bytes b = {rd->at, len};
    rd->at += len;
    rd->left -= len;
    return b;
}

static inline uint64_t rd_uint(struct rd *rd, size_t width)
{
    struct bytes b = rd_bytes(rd, width);
    uint64_t v = 0;
    for (size_t i = 0; i < b.len; i++)
        v = v << 8 | b.at[i];
    return v;
}

static inline uint8_t rd_u8(struct rd *rd)
{
    return (uint8_t)rd_uint(rd, 1);
}
static inline uint16_t rd_u16(struct rd *rd)
{
    return (uint16_t)rd_uint(rd, 2);
}
static inline uint32_t rd_u32(struct rd *rd)
{
    return (uint32_t)rd_uint(rd, 4);
}
static inline uint64_t rd_u64(struct rd *rd)
{
    return rd_uint(rd, 8);
}

/* Copies into `out`; zeroes it when short. */
static inline void rd_copy(struct rd *rd, void *out, size_t len)
{
    struct bytes b = rd_bytes(rd, len);
    if (b.at != NULL && len > 0)
        memcpy(out, b.at, len);
    else
        memset(out, 0, len);
}

/* A u32 length, then that many bytes; a length above `max` is ERR_LIMIT. */
static inline struct bytes rd_blob(struct rd *rd, size_t max)
{
    uint32_t len = rd_u32(rd);
    if (rd->err == ERR_OK && len > max)
        rd->err = ERR_LIMIT;
    return rd_bytes(rd, len);
}

/* ERR_OK only when nothing failed and nothing is left over. */
static inline err_t rd_end(const struct rd *rd)
{
    if (rd->err != ERR_OK)
        return rd->err;
    return rd->left == 0 ? ERR_OK : ERR_INVALID;
}
