/* Verification of a page before anything of it is believed (docs/protocol/SYNC.md section 4, steps 1 to 6).
 * Pure but for the memory of the result. */
#pragma once

#include "gate/gate.h"
#include "sync/wire.h"

/* What is followed: agreed at hello. */
struct sync_followed {
    uint32_t epoch;
    struct str origin;
    const struct note_key *key;  /* the issuer's ledger key under that origin */
    const struct note_key *next; /* that of its next card, where that one is believed already; or NULL */
    bool urgent;                 /* the urgent ledger: recalls, of leaves of the main one */
    /* A page may begin before the tip, as those of bundles that overlap do: what is held is passed over, and
     * the rest has to lead from the tip to the page's checkpoint. Only where the page begins at the tip can
     * equivocation be told from damage. */
    bool overlap;
};

/* How far the ledger has been verified. */
struct sync_tip {
    struct merkle_edge edge;
    int64_t time_us; /* of the last leaf; -1: not known (none, or before a restart) */
};

/* A verified page. Owns its memory; pointers go into `body`. */
struct sync_checked {
    struct buf body;
    struct gate_received *leaves;
    size_t count; /* 0: an empty page */
    struct str checkpoint;
    struct merkle_edge edge; /* after the page */
    bool by_next;            /* its checkpoint is signed by followed->next */
};

void sync_checked_deinit(struct sync_checked *checked);

/* Opens a checkpoint by the key of either card; *out_by_next says by which. As checkpoint_open. */
NODISCARD err_t sync_checkpoint_open(const struct sync_followed *followed, struct str whole,
                                     struct checkpoint *out, bool *out_by_next, struct fault *fault);

/* Step 5 for one entry whose leaf is decoded in *made: what comes with it is what the leaf commits to. */
NODISCARD err_t sync_entry_check(const struct sync_entry *entry, bool urgent, struct gate_received *made,
                                 struct fault *fault);

/* Verifies; then *tip moves on, `body` moves into *out (leaving *body empty) and *out is written. Otherwise
 * nothing changes and the fault says what is wrong: ERR_PROOF is kept for equivocation (a signed checkpoint
 * that is not consistent with the tip), everything else is a page that may be asked for again. */
NODISCARD err_t sync_page_check(const struct sync_followed *followed, struct sync_tip *tip, struct buf *body,
                                struct sync_checked *out, struct fault *fault);
