/* The guard's own Merkle tree (RFC 6962): do the leaves of a page grow this partner's ledger into the tree
 * that the page's checkpoint names? Shares no code with ledger/.
 *
 * The proof of a page is consistency from its first leaf to its end (SYNC.md section 4). Its left hashes are
 * the right edge that the leaves are appended to; what comes out has to be the checkpoint's root, whatever
 * made the hashes. Where the page begins at a power of two the edge is one hash, the root before, which no
 * proof holds: then it is the end of a page that this guard saw, or, after it forgot, the leaves are compared
 * with the proof's right hashes, which are all theirs.
 *
 * For guard/ only. Pure; one thread. */
#pragma once

#include <stdbool.h>

#include "core/hash.h"
#include "core/str.h"

enum { TREE_LEVELS = 64, TREE_LEAF_TEXT = 1 + 88 };

/* Where a page ended. Zero: nothing is known. */
struct tree_end {
    uint32_t epoch;
    uint64_t size;
    struct hash root;
};

/* What is hashed of one leaf, whose bytes are LEDGER.md's 88. */
void tree_leaf_text(struct bytes leaf, uint8_t out[TREE_LEAF_TEXT]);

struct tree_page {
    uint64_t from;
    const struct hash *leaves; /* the hash of each one's tree_leaf_text */
    size_t count;              /* above 0; from + count does not overflow */
    struct bytes proof;        /* hashes */
    struct hash root;          /* of the checkpoint, at from + count */
};
/* `before`: where the page before ended, if that was at `from`; else NULL. */
bool tree_grows(const struct tree_page *page, const struct hash *before);
/* Does this leaf stand at `seq` in the tree of `size` leaves? RFC 9162 section 2.1.3.2. */
bool tree_holds(const struct hash *leaf, uint64_t seq, uint64_t size, struct bytes proof,
                const struct hash *root);
