#include "core/buf.h"

#include <stdio.h>

#include "core/mem.h"

enum { SIZE_FIRST = 256 };

void buf_init(struct buf *buf, size_t size_max)
{
    *buf = (struct buf) {.size_max = size_max};
}

void buf_deinit(struct buf *buf)
{
    if (buf == NULL)
        return;
    mem_free(buf->at);
    *buf = (struct buf) {.size_max = buf->size_max};
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->err = ERR_OK;
}

static err_t grow(struct buf *buf, size_t need)
{
    size_t size = buf->size > SIZE_FIRST ? buf->size : SIZE_FIRST;
    while (size < need)
        size = size > buf->size_max / 2 ? buf->size_max : size * 2;
    if (size > buf->size_max)
        size = buf->size_max;
    uint8_t *at = mem_grow(buf->at, size);
    if (at == NULL)
        return ERR_NOMEM;
    buf->at = at;
    buf->size = size;
    return ERR_OK;
}

uint8_t *buf_extend(struct buf *buf, size_t len)
{
    if (buf->err != ERR_OK)
        return NULL;
    if (len > buf->size_max - buf->len) {
        buf->err = ERR_LIMIT;
        return NULL;
    }
    if (len > buf->size - buf->len || buf->at == NULL)
        buf->err = grow(buf, buf->len + len);
    if (buf->err != ERR_OK)
        return NULL;
    uint8_t *at = buf->at + buf->len;
    buf->len += len;
    return at;
}

void buf_put(struct buf *buf, const void *at, size_t len)
{
    uint8_t *to = buf_extend(buf, len);
    if (to != NULL && len > 0)
        memcpy(to, at, len);
}

void buf_put_str(struct buf *buf, struct str s)
{
    buf_put(buf, s.at, s.len);
}

void buf_putc(struct buf *buf, char c)
{
    buf_put(buf, &c, 1);
}

/* vsnprintf wants a byte for its terminator, which the last byte of a full buf cannot give. */
static void print_aside(struct buf *buf, size_t len, const char *fmt, va_list args)
{
    char *aside = mem_alloc(len + 1);
    if (aside == NULL) {
        buf->err = ERR_NOMEM;
        return;
    }
    (void)vsnprintf(aside, len + 1, fmt, args);
    buf_put(buf, aside, len);
    mem_free(aside);
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int wanted = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    must(wanted >= 0);
    size_t len = (size_t)wanted;
    va_start(args, fmt);
    if (buf->err == ERR_OK && len == buf->size_max - buf->len) {
        print_aside(buf, len, fmt, args);
    } else {
        uint8_t *to = buf_extend(buf, len + 1);
        if (to != NULL) {
            (void)vsnprintf((char *)to, len + 1, fmt, args);
            buf->len--;
        }
    }
    va_end(args);
}

void buf_drop(struct buf *buf, size_t len)
{
    must(len <= buf->len);
    buf->len -= len;
    if (buf->len > 0 && len > 0)
        memmove(buf->at, buf->at + len, buf->len);
}
