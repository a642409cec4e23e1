/* Merkle trees as in RFC 6962 section 2.1 (the same as RFC 9162 section 2.1) over SHA-256: hashing, the right
 * edge that lets a tree grow without its leaves, proofs and their verification. Mathematics only: no memory
 * of its own, no input or output but a caller's function that knows hashes. Any thread.
 *
 * A node (level, index) is the hash of the complete subtree over leaves [index << level, (index + 1) <<
 * level); level 0 are the leaf hashes. A tree of `size` leaves holds the node when (index + 1) << level <=
 * size. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "core/rd.h"

enum { MERKLE_LEVELS = 63, MERKLE_PROOF_MAX = 64 };
#define MERKLE_SIZE_MAX ((uint64_t)INT64_MAX) /* other implementations keep sizes in signed 64 bits */

/* SHA-256(0x00 || entry), SHA-256(0x01 || left || right), and the root of no leaves: SHA-256 of nothing. */
struct hash merkle_leaf(struct bytes entry);
struct hash merkle_node(const struct hash *left, const struct hash *right);
struct hash merkle_empty(void);

/* The right edge: for every set bit k of size, at[k] is the hash of the complete subtree of 2^k leaves that
 * the bit stands for; other places are meaningless. A zeroed struct is the empty tree. About 2 KiB, no
 * pointers. */
struct merkle_edge {
    uint64_t size;
    struct hash at[MERKLE_LEVELS];
};

/* The nodes that leaf number edge->size would complete: made[k] has level k and index edge->size >> k, for k
 * below the returned count (1 + trailing one bits of edge->size). Changes nothing. edge->size <
 * MERKLE_SIZE_MAX must hold. */
unsigned merkle_edge_next(const struct merkle_edge *edge, const struct hash *leaf,
                          struct hash made[MERKLE_LEVELS]);
/* Appends one leaf hash. edge->size < MERKLE_SIZE_MAX must hold. */
void merkle_edge_append(struct merkle_edge *edge, const struct hash *leaf);
struct hash merkle_edge_root(const struct merkle_edge *edge);

/* u64 size, then the hashes of the set bits from the highest to the lowest. Decoding reads exactly that;
 * ERR_SHORT, or ERR_LIMIT above MERKLE_SIZE_MAX. It proves nothing: compare merkle_edge_root with a root that
 * is trusted. */
void merkle_edge_encode(const struct merkle_edge *edge, struct buf *out);
NODISCARD err_t merkle_edge_decode(struct rd *rd, struct merkle_edge *out);

/* Where proofs take hashes from. Asked only for nodes of the tree in question. */
struct merkle_source {
    void *ctx;
    err_t (*hash)(void *ctx, unsigned level, uint64_t index, struct hash *out);
};

struct merkle_proof {
    size_t count;
    struct hash at[MERKLE_PROOF_MAX];
};

/* Root of the first `size` leaves. Any size that the source covers, not only the newest. */
NODISCARD err_t merkle_root(const struct merkle_source *source, uint64_t size, struct hash *out);
/* The right edge of the first `size` leaves. */
NODISCARD err_t merkle_edge_load(const struct merkle_source *source, uint64_t size, struct merkle_edge *out);
/* PATH(index, D[size]) of RFC 6962 section 2.1.1. ERR_USAGE unless index < size. */
NODISCARD err_t merkle_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                                 struct merkle_proof *out);
/* PROOF(old_size, D[size]) of RFC 6962 section 2.1.2; empty when old_size is 0 or equals size. ERR_USAGE
 * unless old_size <= size. */
NODISCARD err_t merkle_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
                                   struct merkle_proof *out);

/* RFC 9162 sections 2.1.3.2 and 2.1.4.2. ERR_PROOF unless the proof holds and nothing is missing or left
 * over. From size 0 every tree is consistent: the proof must be empty and old_root merkle_empty(). Equal
 * sizes: the proof must be empty and the roots equal. */
NODISCARD err_t merkle_inclusion_verify(const struct merkle_proof *proof, uint64_t index, uint64_t size,
                                        const struct hash *leaf, const struct hash *root);
NODISCARD err_t merkle_consistency_verify(const struct merkle_proof *proof, uint64_t old_size, uint64_t size,
                                          const struct hash *old_root, const struct hash *root);
