/* A growing run of bytes, born with its maximum. The first failure sticks: later calls do nothing, and
 * buf_err() tells once. Owned by one thread. Serialisers therefore read like prose and are checked at the
 * end. */
#pragma once

#include <stdarg.h>

#include "core/err.h"
#include "core/str.h"

struct buf {
    uint8_t *at;
    size_t len;
    size_t size;     /* allocated */
    size_t size_max; /* never grows beyond */
    err_t err;       /* sticky: ERR_NOMEM or ERR_LIMIT */
};

void buf_init(struct buf *buf, size_t size_max);
void buf_deinit(struct buf *buf);
/* Keeps the memory, forgets content and error. */
void buf_clear(struct buf *buf);

static inline err_t buf_err(const struct buf *buf)
{
    return buf->err;
}

/* `len` more writable bytes at the end (already counted in buf->len), or NULL with the sticky error set. */
uint8_t *buf_extend(struct buf *buf, size_t len);
void buf_put(struct buf *buf, const void *at, size_t len);
void buf_put_str(struct buf *buf, struct str s);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drops the first `len` bytes (what a consumer has taken). */
void buf_drop(struct buf *buf, size_t len);

static inline struct str buf_str(const struct buf *buf)
{
    return (struct str) {(const char *)buf->at, buf->len};
}

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes) {buf->at, buf->len};
}
