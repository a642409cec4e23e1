/* Inside the room: the object that says at a partner's server that something was taken back
 * (docs/protocol/RECALL.md section 4): a newer version of it with `revoked` (STIX 2.1 section 3.2) where this
 * node is its creator and its type can be said without content, else a note of this node about it. Nothing
 * that was taken back stands in it. The same bytes each time: what goes again after a crash is the same
 * object to whoever gets it. One thread, the gate's. */
#pragma once

#include "feeds/push_sent.h"

/* Which leaf takes back what. */
struct push_taking {
    unsigned partner;
    uint64_t seq;
    int64_t time_us;
    enum leaf_op op;
};

/* Appends the object to `out`, and its id to `out_id`. ERR_NOTFOUND: this node has no identity. */
NODISCARD err_t push_word_write(struct gate *gate, const struct push_taking *taking,
                                const struct push_sent *sent, struct buf *out, struct buf *out_id,
                                enum feed_word *out_word);
/* What is to be known of an object that goes. `root`: the parsed object; texts are borrowed from it. */
struct push_sent push_sent_of(const struct gate *gate, struct str id, struct json_val root);
