/* Inside the room: what a feed that pushes remembers of each leaf: of one whose object went, what is needed
 * to take it back when nothing of it can be opened any more; of one that takes something back, what was done
 * about it there. In settings of its own, "feed/NAME/sN", 64 leaves a setting, so that a trickle of objects
 * does not write the same rows again and again; one of them is held open, and written when another is wanted
 * or push_sent_flush is called. What is put stands in the gate's open group then. One thread, the gate's. */
#pragma once

#include "core/buf.h"
#include "feeds/feed.h"
#include "stix/marking.h"

enum { PUSH_SENT_LEAVES = 64 };

/* Of one whose object went, or was about to. Texts are borrowed until the next call. */
struct push_sent {
    struct str id;
    enum stix_tlp level; /* the strictest that stands on it or a part of it; another marking than TLP: RED */
    bool own;            /* it names this node as its creator */
    int64_t created_us;  /* 0: it has none */
};

/* Of one that takes something back. */
struct push_back {
    struct feed_taken_back done;
    uint64_t as;   /* leaf of which all this was said before; LEAF_SUBJECT_NONE: of none */
    struct str id; /* of the object that said it; empty: none did */
};

struct push_rows {
    struct gate *gate;
    struct str feed;
    struct gate_by by;
    uint32_t epoch; /* rows of another are nothing */
    uint64_t block; /* that is open; UINT64_MAX: none */
    bool dirty;
    struct buf rows, row;
};

/* Borrows the feed's name. */
void push_rows_init(struct push_rows *rows, struct gate *gate, struct str feed, uint32_t epoch);
void push_rows_deinit(struct push_rows *rows);
/* ERR_NOTFOUND: nothing is known of it. */
NODISCARD err_t push_sent_get(struct push_rows *rows, uint64_t seq, struct push_sent *out);
NODISCARD err_t push_sent_put(struct push_rows *rows, uint64_t seq, const struct push_sent *sent,
                              int64_t now_us);
NODISCARD err_t push_back_get(struct push_rows *rows, uint64_t seq, struct push_back *out);
NODISCARD err_t push_back_put(struct push_rows *rows, uint64_t seq, const struct push_back *back,
                              int64_t now_us);
/* The object did not go after all. */
NODISCARD err_t push_sent_drop(struct push_rows *rows, uint64_t seq, int64_t now_us);
NODISCARD err_t push_rows_flush(struct push_rows *rows, int64_t now_us);
/* All of a feed that is removed. */
NODISCARD err_t push_rows_forget(struct gate *gate, struct str feed, const struct gate_by *by,
                                 int64_t now_us);
