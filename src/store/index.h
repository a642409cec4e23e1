/* The index: ordered tables of byte keys, derived from the log and rebuilt from it. An interface with two
 * makers: index_lmdb (the real one) and index_mem (a twin for tests and the simulator that can go back to any
 * earlier state). Each applied batch is one durable transaction that also stores applied_lsn: the index shows
 * either all of a batch or nothing of it.
 *
 * One thread applies; other threads may read through snapshots of their own. Keys: 1 to LIMIT_KEY_BYTES;
 * values up to LIMIT_VALUE_BYTES, may be empty. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

/* table, number, name on disk, prefix: leading key bytes by which lookups and scans come, 0: any
 *
 * ID     object key (24) stamp (16) lsn (8)   -> what gate wants to know of the version without reading it
 * REF    target's object key (24) lsn (8)     -> (empty): the frame names it; a byte: in a text alone
 * STATE  lsn (8)                              -> decision masks
 * VIEW   view (2) sequence number (8)         -> leaf's facts
 * FACT   short text or bytes                  -> sources, tags, classifications, peers, cursors
 * SOURCE source (2) lsn (8)                   -> (empty): what came from a source
 * ID and REF are the only tables whose keys come in random order; keep it so (an insert elsewhere is an
 * append). */
#define INDEX_TABLE_LIST(X)                                                                                  \
    X(ID, 0, "id", 24)                                                                                       \
    X(REF, 1, "ref", 24)                                                                                     \
    X(STATE, 2, "state", 0)                                                                                  \
    X(VIEW, 3, "view", 0)                                                                                    \
    X(FACT, 4, "fact", 0)                                                                                    \
    X(SOURCE, 5, "source", 0)

enum index_table {
#define X(name, number, text, prefix) TABLE_##name = (number),
    INDEX_TABLE_LIST(X)
#undef X
        TABLE_COUNT
};

/* Name on disk, and the prefix column. */
const char *index_table_name(enum index_table table);
size_t index_table_prefix(enum index_table table);

struct index_change {
    enum index_table table;
    bool is_delete;
    struct bytes key;
    struct bytes value;
};

/* Changes one after the other: sorted by table and key, each key once. Bytes are borrowed until the next
 * call. */
struct index_batch {
    bool (*next)(void *ctx, struct index_change *out); /* false at the end */
    void *ctx;
};

struct index;
struct index_snap;   /* one consistent state */
struct index_cursor; /* a place in one table of a snapshot */

struct index_ops {
    void (*close)(struct index *index); /* accepts NULL members; frees */
    /* All or nothing; durable on return. Deleting what is absent is success. */
    err_t (*apply)(struct index *index, const struct index_batch *batch, uint64_t applied_lsn);
    /* Forgets everything: applied_lsn becomes LSN_NONE. */
    err_t (*reset)(struct index *index);
    err_t (*snap_begin)(struct index *index, struct index_snap **out);
    void (*snap_end)(struct index_snap *snap); /* accepts NULL */
    uint64_t (*applied_lsn)(struct index_snap *snap);
    /* Borrowed until snap_end. ERR_NOTFOUND. */
    err_t (*get)(struct index_snap *snap, enum index_table table, struct bytes key, struct bytes *out);
    /* The next cursor_next gives the first key >= from. */
    err_t (*cursor_open)(struct index_snap *snap, enum index_table table, struct bytes from,
                         struct index_cursor **out);
    /* ERR_NOTFOUND at the end. Borrowed until snap_end. */
    err_t (*cursor_next)(struct index_cursor *cursor, struct bytes *out_key, struct bytes *out_value);
    void (*cursor_close)(struct index_cursor *cursor); /* accepts NULL */
};

/* The first member of each maker's own struct. */
struct index {
    const struct index_ops *ops;
};

/* Byte order, shorter first on a common head. */
int index_key_cmp(struct bytes a, struct bytes b);
