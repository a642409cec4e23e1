/* Inside the room: JSON text through a raw cursor into a buf, because a call per piece costs more than the
 * piece. */
#pragma once

#include "core/buf.h"

/* buf->len is behind the cursor until write_sync. A failure sticks in the buf, as everywhere. */
struct write {
    uint8_t *at;
    uint8_t *end;
    struct buf *buf;
};

void write_begin(struct write *w, struct buf *buf);
/* Room for `len` bytes at the cursor; false with the buf's sticky error. */
bool write_grow(struct write *w, size_t len);
/* Quotes and escapes. `readable`: how many bytes behind the text may be read, 0 when unknown. */
void write_string(struct write *w, const char *text, size_t len, size_t readable);
void write_int(struct write *w, int64_t v);
void write_uint(struct write *w, uint64_t v);
/* ECMAScript's Number::toString, as RFC 8785 section 3.2.2.3 asks. Finite only. */
void write_double(struct write *w, double v);

static inline void write_sync(struct write *w)
{
    if (w->at != NULL)
        w->buf->len = (size_t)(w->at - w->buf->at);
}

static inline bool write_room(struct write *w, size_t len)
{
    return (size_t)(w->end - w->at) >= len || write_grow(w, len);
}

static inline void write_byte(struct write *w, char c)
{
    if (write_room(w, 1))
        *w->at++ = (uint8_t)c;
}

static inline void write_text(struct write *w, const char *text, size_t len)
{
    if (len > 0 && write_room(w, len)) {
        memcpy(w->at, text, len);
        w->at += len;
    }
}
