/* What comes in where partners compare what they have: the questions of both, leaves with their proofs, and
 * answers to a walk. The first byte chooses. What was read is written again and must be the same bytes; a
 * walk ends whatever it is told, and tells of no leaf that there is not. */
#include <stdlib.h>

#include "sync/fetch.h"
#include "sync/reconcile.h"

static void same(const struct buf *made, struct bytes wire)
{
    if (buf_err(made) != ERR_OK || !bytes_eq(buf_bytes(made), wire))
        abort();
}

static void question(struct bytes wire, struct buf *made)
{
    static struct reconcile_node nodes[LIMIT_RECONCILE_NODES];
    struct reconcile_question question;
    if (reconcile_question_read(wire, &question) != ERR_OK)
        return;
    struct rd rd = rd_of(question.nodes);
    for (unsigned i = 0; i < question.count; i++) {
        nodes[i] = reconcile_node_next(&rd);
        size_t size = reconcile_answer_size(question.size, nodes[i]);
        if (size == 0 || size > (size_t)RECONCILE_FAN * RECONCILE_SUM)
            abort();
    }
    reconcile_question_write(made, question.epoch, question.size, nodes, question.count);
    same(made, wire);
}

static void fetch(struct bytes wire, struct buf *made)
{
    static struct sync_fetch fetch;
    if (sync_fetch_read(wire, &fetch) != ERR_OK)
        return;
    sync_fetch_write(made, &fetch);
    same(made, wire);
}

/* Leaf 0 of the only leaf of a tree: whatever leaf is given, its own hash is the root. */
static void fetched(struct bytes wire)
{
    static struct gate_received leaves[LIMIT_FETCH_LEAVES];
    static struct sync_fetch asked = {.size = 1, .count = 1};
    struct sync_fetched read;
    struct fault fault = {.code = ERR_OK};
    struct hash root = {{0}};
    size_t count = 0;
    if (sync_fetched_read(wire, &read) == ERR_OK) {
        struct rd rd = rd_of(read.entries);
        asked.epoch = read.epoch;
        root = merkle_leaf(sync_entry_next(&rd).leaf);
    }
    err_t err = sync_fetched_check(&asked, &root, wire, leaves, &count, &fault);
    if (err == ERR_OK ? count != 1 || leaves[0].leaf.seq != 0 : fault.code == ERR_OK)
        abort();
}

enum { SIZE = 2 * RECONCILE_FAN * RECONCILE_BLOCK + 5 };

static err_t see(void *ctx, uint32_t block, const uint8_t *theirs)
{
    unsigned *seen = ctx;
    for (unsigned i = 0; i < reconcile_leaves(SIZE, block); i++)
        *seen += reconcile_bit(theirs, i);
    return ERR_OK;
}

/* Answers of u16 length, one after the other. */
static void walk(struct bytes wire, struct buf *asked)
{
    struct reconcile_set own;
    struct reconcile walk;
    unsigned seen = 0, rounds = 0;
    struct rd rd = rd_of(wire);
    if (reconcile_set_begin(&own, SIZE) != ERR_OK)
        return;
    while (!reconcile_set_whole(&own))
        reconcile_set_made(&own);
    err_t err = reconcile_begin(&walk, &own, 1);
    while (err == ERR_OK && !reconcile_done(&walk)) {
        struct fault fault = {.code = ERR_OK};
        buf_clear(asked);
        reconcile_ask(&walk, asked);
        err = reconcile_take(&walk, rd_bytes(&rd, rd_u16(&rd)), see, &seen, &fault);
        if ((err == ERR_OK) != (fault.code == ERR_OK) || ++rounds > 4)
            abort();
    }
    reconcile_end(&walk);
    reconcile_set_deinit(&own);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct buf made;
    if (size == 0)
        return 0;
    struct bytes rest = bytes_of(bytes + 1, size - 1);
    buf_init(&made, LIMIT_SYNC_PAGE_BYTES);
    switch (bytes[0] % 4) {
    case 0:
        question(rest, &made);
        break;
    case 1:
        fetch(rest, &made);
        break;
    case 2:
        fetched(rest);
        break;
    default:
        walk(rest, &made);
    }
    buf_deinit(&made);
    return 0;
}
