/* Proof files (C2SP tlog-proof): one leaf, its path and the signed checkpoint in one text that verifies
 * without a network. `extra` of a bongsu proof is leaf || partner opening (88 + 72 bytes), leaf || reason, or
 * empty. It is not authenticated until proof_verify has bound the leaf, and leaf_opening_verify the opening.
 * Parsing borrows. */
#pragma once

#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"

struct proof {
    uint64_t index;
    struct merkle_proof path;
    struct str checkpoint; /* the whole signed note */
    size_t extra_len;
    uint8_t extra[LIMIT_PROOF_EXTRA_BYTES];
};

/* ERR_LIMIT on too much extra, ERR_INVALID on a checkpoint that is no note. */
NODISCARD err_t proof_print(const struct proof *proof, struct buf *out);
NODISCARD err_t proof_parse(struct str whole, struct proof *out, struct fault *fault);
/* The checkpoint is signed by `key` for `origin`, and the leaf hash stands at proof->index of its tree.
 * ERR_PROOF, or what checkpoint_open says. */
NODISCARD err_t proof_verify(const struct proof *proof, const struct hash *leaf, struct str origin,
                             const struct note_key *key, struct checkpoint *out_checkpoint,
                             struct fault *fault);

/* For bongsu leaves: fills index and extra from the leaf and its opening; and reads them back out of a parsed
 * proof, verifying everything including that the leaf's seq is the index. */
void proof_leaf_set(struct proof *proof, const struct leaf *leaf, const struct leaf_opening *opening);
/* For oversight: extra is leaf || reason, which is longer than any opening. */
void proof_reason_set(struct proof *proof, const struct leaf *leaf, const struct leaf_reason *reason);
NODISCARD err_t proof_leaf_verify(const struct proof *proof, struct str origin, const struct note_key *key,
                                  struct leaf *out_leaf, struct leaf_opening *out_opening,
                                  struct fault *fault);
