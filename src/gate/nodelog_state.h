/* The log of the whole node inside the gate: what nodelog.c keeps, and what other files of src/gate call. */
#pragma once

#include "gate/gate.h"
#include "gate/record.h"
#include "ledger/tile.h"

struct nodelog {
    uint32_t epoch;
    struct tile_tree tree; /* its hashes are rows of the index */
    int64_t last_us;
    uint64_t signed_size; /* last logged checkpoint */
    struct hash signed_root;
    uint64_t signed_lsn; /* its frame: visible once durable */
    uint64_t visible;
    struct hash visible_root;
    bool signing, stopped;
};

NODISCARD err_t nodelog_load(struct gate *gate); /* from the index, when opening */
NODISCARD err_t nodelog_apply(struct gate *gate, uint64_t lsn, const struct record_fact *fact);
void nodelog_publish(struct gate *gate); /* after a commit */
/* Every entry made again from the log gives the tree that was signed. Counts what does not. */
NODISCARD err_t nodelog_check(struct gate *gate, uint64_t *out_bad);
