/* Inside the room: a stream of server-sent events (WHATWG HTML section 9.2), byte by byte as it comes in.
 * Line ends are LF, CR or CR LF; a byte order mark at the beginning is skipped; several data lines are joined
 * with LF; `retry` is read and ignored. An event is at most LIMIT_FEED_EVENT_BYTES. Fuzz target: sse. */
#pragma once

#include "core/buf.h"

struct sse_event {   /* borrowed for the call */
    struct str type; /* "message" when none was given */
    struct str id;   /* the last one given, by this event or one before; may be empty */
    struct str data; /* without the LF at the end */
};

struct sse {
    struct buf line, data, type, id;
    bool was_cr, begun;
    void (*event)(void *ctx, const struct sse_event *event);
    void *ctx;
};

void sse_init(struct sse *sse, void (*event)(void *ctx, const struct sse_event *event), void *ctx);
void sse_deinit(struct sse *sse);
/* Calls `event` for each event that ends in `part`. ERR_LIMIT, ERR_NOMEM: nothing more can be read of it. */
NODISCARD err_t sse_feed(struct sse *sse, struct bytes part);
