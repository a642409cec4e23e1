/* Comparing what two partners have of one ledger (docs/protocol/RECONCILE.md sections 2 and 3): one bit a
 * leaf, blocks of bits, a tree of sums above them, and the walk down to the blocks that differ. Sums hash
 * what stands below them and are never added up: nobody can make two sets that cancel out.
 *
 * A set of n leaves takes n/8 bytes and 16 for each block. Bodies are read strictly; an asker compares each
 * answer with what the one before stated. Owns its memory; no clock, no gate. One thread. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "core/limit.h"
#include "core/rd.h"

enum {
    RECONCILE_BLOCK = 4096,
    RECONCILE_BITMAP = RECONCILE_BLOCK / 8,
    RECONCILE_FAN = 64,
    RECONCILE_SUM = 16
};

struct reconcile_node {
    uint8_t level;
    uint32_t index;
};

struct reconcile_sum {
    uint8_t b[RECONCILE_SUM];
};

/* --- the shape of a set: by its size alone, 1 to LIMIT_RECONCILE_LEAVES --- */

uint32_t reconcile_blocks(uint64_t size);
struct reconcile_node reconcile_top(uint64_t size);
bool reconcile_has(uint64_t size, struct reconcile_node node);
/* Bytes that answer a question for this node, which is there. */
size_t reconcile_answer_size(uint64_t size, struct reconcile_node node);
/* Leaves of a block, which is there. */
unsigned reconcile_leaves(uint64_t size, uint32_t block);

static inline bool reconcile_bit(const uint8_t *bits, uint64_t at)
{
    return (bits[at / 8] & (0x80u >> (at % 8))) != 0;
}

static inline void reconcile_flip(uint8_t *bits, uint64_t at)
{
    bits[at / 8] ^= (uint8_t)(0x80u >> (at % 8));
}

/* --- the bits of one side --- */

struct reconcile_set {
    uint64_t size;
    uint32_t made; /* blocks whose bits are there: the set is whole when that is all of them */
    uint8_t *bits;
    struct reconcile_sum *sums; /* of blocks */
};

/* Empty: reconcile_set_begin makes it. */
NODISCARD err_t reconcile_set_begin(struct reconcile_set *set, uint64_t size);
void reconcile_set_deinit(struct reconcile_set *set); /* makes it empty */
bool reconcile_set_whole(const struct reconcile_set *set);
/* Where the bits of the next block belong, all zero; then say that they are made. */
uint8_t *reconcile_set_next(struct reconcile_set *set);
void reconcile_set_made(struct reconcile_set *set);
const uint8_t *reconcile_set_block(const struct reconcile_set *set, uint32_t block);

/* --- the one who is asked --- */

struct reconcile_question {
    uint32_t epoch;
    uint64_t size;
    uint16_t count;
    struct bytes nodes; /* walk with reconcile_node_next */
};

void reconcile_question_write(struct buf *out, uint32_t epoch, uint64_t size,
                              const struct reconcile_node *nodes, size_t count);
/* ERR_VERSION, ERR_LIMIT, ERR_SHORT, ERR_INVALID: every node is there. */
NODISCARD err_t reconcile_question_read(struct bytes wire, struct reconcile_question *out);
struct reconcile_node reconcile_node_next(struct rd *rd);
/* The set is whole, and of the question's size. */
void reconcile_answer_write(struct buf *out, const struct reconcile_question *question,
                            const struct reconcile_set *set);

/* --- the one who asks --- */

struct reconcile_open { /* to be asked */
    struct reconcile_node node;
    bool stated;              /* ...and what its sum is; of the top nothing is */
    struct reconcile_sum sum; /* by the other side */
};

struct reconcile {
    const struct reconcile_set *own; /* borrowed: whole */
    uint32_t epoch;
    struct reconcile_open *open; /* there are no more nodes than places */
    size_t open_count;
    struct reconcile_open *asked; /* by the question that is out: LIMIT_RECONCILE_NODES places */
    size_t asked_count;
    uint32_t blocks_differ;
};

NODISCARD err_t reconcile_begin(struct reconcile *r, const struct reconcile_set *own, uint32_t epoch);
void reconcile_end(struct reconcile *r); /* accepts what was never begun, if zero */
/* Nothing is left to be asked. */
bool reconcile_done(const struct reconcile *r);
/* The next question; the one before was answered. */
void reconcile_ask(struct reconcile *r, struct buf *out);
/* Its answer. `differs` is called for each block that is not ours, with the bits of the other side. A fault
 * says what is wrong with the answer; then some blocks may have been told. */
NODISCARD err_t reconcile_take(struct reconcile *r, struct bytes wire,
                               err_t (*differs)(void *ctx, uint32_t block, const uint8_t *theirs), void *ctx,
                               struct fault *fault);
