/* Writes wire and disk bytes at the end of a buf; the counterpart of core/rd.h. Big-endian. The buf's sticky
 * error is the result. */
#pragma once

#include "core/buf.h"

/* Into memory that is there: `width` bytes at `to`. A key that begins with it sorts as the number does. */
static inline void wr_at(uint8_t *to, uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        to[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static inline void wr_at_u64(uint8_t *to, uint64_t v)
{
    wr_at(to, v, 8);
}

static inline void wr_uint(struct buf *buf, uint64_t v, size_t width)
{
    uint8_t *to = buf_extend(buf, width);
    if (to != NULL)
        wr_at(to, v, width);
}

static inline void wr_u8(struct buf *buf, uint8_t v)
{
    wr_uint(buf, v, 1);
}
static inline void wr_u16(struct buf *buf, uint16_t v)
{
    wr_uint(buf, v, 2);
}
static inline void wr_u32(struct buf *buf, uint32_t v)
{
    wr_uint(buf, v, 4);
}
static inline void wr_u64(struct buf *buf, uint64_t v)
{
    wr_uint(buf, v, 8);
}

static inline void wr_bytes(struct buf *buf, struct bytes b)
{
    buf_put(buf, b.at, b.len);
}

/* A u32 length, then the bytes. */
static inline void wr_blob(struct buf *buf, struct bytes b)
{
    must(b.len <= UINT32_MAX);
    wr_u32(buf, (uint32_t)b.len);
    buf_put(buf, b.at, b.len);
}
