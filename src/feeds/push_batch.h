/* Inside the room: the next envelope for a server that is pushed to, out of one audience's release view: what
 * that partner's ledger shows under a durable, signed checkpoint, and nothing else. Objects go as they were
 * released, byte for byte, in the order of their leaves.
 *
 * A leaf whose object the view no longer shows (a later leaf withdraws it) is left out. In the place of a
 * leaf that takes back one that went there stands this node's word about it (push_word.h), once an object: a
 * second leaf about another version of it says no more.
 *
 * A leaf has two places, 2 * number and the next: its object or, before the first word, this node's identity;
 * and its word. One thread, the gate's. */
#pragma once

#include "feeds/kind.h"
#include "feeds/push_word.h"

struct push_item {
    uint64_t place;
    struct stix_key key;
    struct stamp stamp;
    bool versionless;
    size_t id_from, id_len; /* in `ids` */
    size_t from, len;       /* in `objects` */
    bool found;             /* by push_batch_found */
    bool self;              /* it is this node's identity */
    enum feed_word word;    /* 0: none */
    size_t about;           /* of a word: index of the taking that it is about */
};

/* A leaf that takes back what went before. */
struct push_batch_taking {
    struct push_taking leaf;
    uint64_t subject;
    size_t id_from, id_len;       /* of the content that comes in its place, in `ids`; 0: none does */
    size_t about_from, about_len; /* id of what is taken back, in `ids`; 0: nothing is said of it now */
    bool went;                    /* what is taken back went there */
    unsigned deleted;             /* the server's answer to DELETE; 0: not asked */
};

struct push_batch {
    struct buf objects, ids, body, text;
    struct push_item items[LIMIT_FEED_PUSH_OBJECTS + 2]; /* the last leaf may have two; and the identity */
    size_t count;
    struct push_batch_taking takings[LIMIT_FEED_PUSH_WORDS];
    size_t taking_count;
    uint64_t next;        /* the first place behind it */
    uint64_t unconfirmed; /* takings of what went */
    uint64_t large;       /* objects left out: none of this size is taken there */
    char large_id[160];
};

struct push_wanted {
    unsigned partner;
    uint32_t epoch; /* of its ledger */
    uint64_t from;  /* the first place */
    size_t objects; /* at most LIMIT_FEED_PUSH_OBJECTS */
    size_t bytes;   /* of the envelope; at most LIMIT_FEED_PUSH_BYTES */
    bool self;      /* the server has this node's identity */
    struct push_rows *rows;
};

void push_batch_init(struct push_batch *batch);
void push_batch_deinit(struct push_batch *batch);
/* Looks at leaves from `from` on, LIMIT_FEED_PUSH_LEAVES at most. None that can be sent: count is 0,
 * and `next` has moved all the same. What is to be known of it later is put into `rows`. */
NODISCARD err_t push_batch_fill(struct push_batch *batch, struct feed *feed,
                                const struct push_wanted *wanted);
struct str push_batch_id(const struct push_batch *batch, size_t index);
/* Of what a word is about. */
struct str push_batch_about(const struct push_batch *batch, const struct push_batch_taking *taking);
/* The server says that it has this version; `version` is empty where it has none. */
void push_batch_found(struct push_batch *batch, struct str id, struct str version);
