/* Leaves in any place of a ledger, with proof (docs/protocol/RECONCILE.md section 5): the two bodies, and
 * their verification before anything of them is believed. Decoding borrows; bounded; any thread. */
#pragma once

#include "gate/gate.h"
#include "sync/wire.h"

struct sync_fetch {
    uint32_t epoch;
    uint64_t size;
    uint16_t count;
    uint64_t leaves[LIMIT_FETCH_LEAVES]; /* rising, below size */
};

void sync_fetch_write(struct buf *out, const struct sync_fetch *fetch);
/* ERR_VERSION, ERR_LIMIT, ERR_SHORT, ERR_INVALID. */
NODISCARD err_t sync_fetch_read(struct bytes wire, struct sync_fetch *out);

struct sync_fetched {
    uint32_t epoch;
    struct str checkpoint;
    uint16_t count;
    struct bytes entries; /* walk: sync_entry_next, sync_proof_read; every one is well formed */
};

/* Head, then entries (sync_entry_write, sync_proof_write); the issuer finds their number while writing. */
void sync_fetched_head_write(struct buf *out, uint32_t epoch, struct str checkpoint, size_t *out_count_at);
void sync_fetched_count_set(struct buf *out, size_t count_at, uint16_t count);
NODISCARD err_t sync_fetched_read(struct bytes wire, struct sync_fetched *out);

/* Reads the answer to `asked`, and verifies each leaf against `root`, the caller's own at asked->size. Writes
 * *out_count of them, of the first ones asked for, at least one; what is borrowed points into `body`. Behind
 * every object are JSON_PADDING readable bytes, if there are behind the body. */
NODISCARD err_t sync_fetched_check(const struct sync_fetch *asked, const struct hash *root, struct bytes body,
                                   struct gate_received leaves[LIMIT_FETCH_LEAVES], size_t *out_count,
                                   struct fault *fault);
