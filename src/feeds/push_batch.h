/* Inside the room: the next envelope for a server that is pushed to, out of one audience's release view: what
 * that partner's ledger shows under a durable, signed checkpoint, and nothing else. Objects go as they were
 * released, byte for byte, in the order of their leaves.
 *
 * A leaf whose object the view no longer shows (a later leaf withdraws it) is left out. A leaf that withdraws
 * one that was pushed is counted: TAXII has no word for it. One thread, the gate's. */
#pragma once

#include "core/buf.h"
#include "feeds/kind.h"

struct push_item {
    uint64_t seq;
    struct stix_key key;
    struct stamp stamp;
    bool versionless;
    size_t id_from, id_len; /* in `ids` */
    size_t from, len;       /* in `objects` */
    bool found;             /* by push_batch_found */
};

struct push_batch {
    struct buf objects, ids, body;
    struct push_item items[LIMIT_FEED_PUSH_OBJECTS];
    size_t count;
    uint64_t next;        /* the first leaf behind it */
    uint64_t unconfirmed; /* withdrawals met on the way */
    uint64_t large;       /* objects left out: none of this size is taken there */
    char large_id[160];
};

struct push_wanted {
    unsigned partner;
    uint32_t epoch; /* of its ledger */
    uint64_t from;  /* the first leaf */
    size_t objects; /* at most LIMIT_FEED_PUSH_OBJECTS */
    size_t bytes;   /* of the envelope; at most LIMIT_FEED_PUSH_BYTES */
};

void push_batch_init(struct push_batch *batch);
void push_batch_deinit(struct push_batch *batch);
/* Looks at leaves from `from` on, LIMIT_FEED_PUSH_LEAVES at most. None that can be sent: count is 0,
 * and `next` has moved all the same. Remembers in the open group what it left out. */
NODISCARD err_t push_batch_fill(struct push_batch *batch, struct feed *feed,
                                const struct push_wanted *wanted);
struct str push_batch_id(const struct push_batch *batch, size_t index);
/* The server says that it has this version; `version` is empty where it has none. */
void push_batch_found(struct push_batch *batch, struct str id, struct str version);
