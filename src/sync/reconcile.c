#include "sync/reconcile.h"

#include "core/hash.h"
#include "core/mem.h"
#include "core/wr.h"

enum { FORMAT = 1, NODE_SIZE = 1 + 4, LEVELS = 3 };

_Static_assert((LIMIT_RECONCILE_LEAVES - 1) / RECONCILE_BLOCK / RECONCILE_FAN / RECONCILE_FAN < RECONCILE_FAN,
               "the top is at level 3 at most");

/* --- the shape --- */

/* Nodes of this level. */
static uint32_t nodes_at(uint64_t size, unsigned level)
{
    uint64_t count = (size + RECONCILE_BLOCK - 1) / RECONCILE_BLOCK;
    for (unsigned i = 0; i < level; i++)
        count = (count + RECONCILE_FAN - 1) / RECONCILE_FAN;
    return (uint32_t)count;
}

uint32_t reconcile_blocks(uint64_t size)
{
    return nodes_at(size, 0);
}

struct reconcile_node reconcile_top(uint64_t size)
{
    uint8_t level = 1;
    while (nodes_at(size, level) > 1)
        level++;
    return (struct reconcile_node) {level, 0};
}

bool reconcile_has(uint64_t size, struct reconcile_node node)
{
    return node.level <= reconcile_top(size).level && node.index < nodes_at(size, node.level);
}

unsigned reconcile_leaves(uint64_t size, uint32_t block)
{
    uint64_t left = size - (uint64_t)block * RECONCILE_BLOCK;
    return left < RECONCILE_BLOCK ? (unsigned)left : RECONCILE_BLOCK;
}

static uint32_t children(uint64_t size, struct reconcile_node node)
{
    uint32_t left = nodes_at(size, node.level - 1u) - node.index * RECONCILE_FAN;
    return left < RECONCILE_FAN ? left : RECONCILE_FAN;
}

size_t reconcile_answer_size(uint64_t size, struct reconcile_node node)
{
    return node.level == 0 ? (reconcile_leaves(size, node.index) + 7u) / 8u
                           : (size_t)children(size, node) * RECONCILE_SUM;
}

/* --- sums --- */

static struct reconcile_sum sum_of(struct str label, struct bytes place, struct bytes below)
{
    /* The label with its zero. */
    const struct bytes parts[] = {bytes_of((const uint8_t *)label.at, label.len + 1), place, below};
    struct hash hash = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    struct reconcile_sum sum;
    memcpy(sum.b, hash.b, sizeof sum.b);
    return sum;
}

/* By what answers a question for the node. */
static struct reconcile_sum sum_of_answer(struct reconcile_node node, struct bytes answer)
{
    uint8_t place[1 + 8];
    place[0] = node.level;
    wr_at_u64(place + 1, node.index);
    return node.level == 0 ? sum_of(STR("bongsu reconcile block v1"), bytes_of(place + 1, 8), answer)
                           : sum_of(STR("bongsu reconcile node v1"), bytes_of(place, sizeof place), answer);
}

static bool sum_eq(const struct reconcile_sum *a, const struct reconcile_sum *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* --- the bits of one side --- */

err_t reconcile_set_begin(struct reconcile_set *set, uint64_t size)
{
    if (size == 0 || size > LIMIT_RECONCILE_LEAVES)
        return ERR_LIMIT;
    uint32_t blocks = reconcile_blocks(size);
    *set = (struct reconcile_set) {.size = size,
                                   .bits = mem_alloc_array(blocks, RECONCILE_BITMAP),
                                   .sums = mem_alloc_array(blocks, sizeof *set->sums)};
    if (set->bits != NULL && set->sums != NULL)
        return ERR_OK;
    reconcile_set_deinit(set);
    return ERR_NOMEM;
}

void reconcile_set_deinit(struct reconcile_set *set)
{
    mem_free(set->bits);
    mem_free(set->sums);
    *set = (struct reconcile_set) {.size = 0};
}

bool reconcile_set_whole(const struct reconcile_set *set)
{
    return set->size > 0 && set->made == reconcile_blocks(set->size);
}

uint8_t *reconcile_set_next(struct reconcile_set *set)
{
    must(set->size > 0 && !reconcile_set_whole(set));
    return set->bits + (size_t)set->made * RECONCILE_BITMAP;
}

const uint8_t *reconcile_set_block(const struct reconcile_set *set, uint32_t block)
{
    return set->bits + (size_t)block * RECONCILE_BITMAP;
}

static struct bytes block_bytes(const struct reconcile_set *set, uint32_t block)
{
    struct reconcile_node node = {0, block};
    return bytes_of(reconcile_set_block(set, block), reconcile_answer_size(set->size, node));
}

void reconcile_set_made(struct reconcile_set *set)
{
    struct reconcile_node node = {0, set->made};
    set->sums[set->made] = sum_of_answer(node, block_bytes(set, set->made));
    set->made++;
}

/* What answers a question for a node above blocks. */
static size_t sums_below(const struct reconcile_set *set, struct reconcile_node node,
                         uint8_t out[RECONCILE_FAN * RECONCILE_SUM]);

/* Goes down as many levels as the tree has. */
static struct reconcile_sum sum_in(const struct reconcile_set *set, struct reconcile_node node)
{
    uint8_t below[RECONCILE_FAN * RECONCILE_SUM];
    if (node.level == 0)
        return set->sums[node.index];
    size_t len = sums_below(set, node, below);
    return sum_of_answer(node, bytes_of(below, len));
}

static size_t sums_below(const struct reconcile_set *set, struct reconcile_node node,
                         uint8_t out[RECONCILE_FAN * RECONCILE_SUM])
{
    uint32_t count = children(set->size, node);
    for (uint32_t i = 0; i < count; i++) {
        struct reconcile_node child = {(uint8_t)(node.level - 1), node.index * RECONCILE_FAN + i};
        struct reconcile_sum sum = sum_in(set, child);
        memcpy(out + (size_t)i * RECONCILE_SUM, sum.b, RECONCILE_SUM);
    }
    return (size_t)count * RECONCILE_SUM;
}

/* --- questions --- */

static void node_write(struct buf *out, struct reconcile_node node)
{
    wr_u8(out, node.level);
    wr_u32(out, node.index);
}

struct reconcile_node reconcile_node_next(struct rd *rd)
{
    struct reconcile_node node = {.level = rd_u8(rd)};
    node.index = rd_u32(rd);
    return node;
}

void reconcile_question_write(struct buf *out, uint32_t epoch, uint64_t size,
                              const struct reconcile_node *nodes, size_t count)
{
    must(count >= 1 && count <= LIMIT_RECONCILE_NODES);
    wr_u8(out, FORMAT);
    wr_u32(out, epoch);
    wr_u64(out, size);
    wr_u16(out, (uint16_t)count);
    for (size_t i = 0; i < count; i++)
        node_write(out, nodes[i]);
}

static bool nodes_there(const struct reconcile_question *question)
{
    struct rd rd = rd_of(question->nodes);
    for (unsigned i = 0; i < question->count; i++)
        if (!reconcile_has(question->size, reconcile_node_next(&rd)))
            return false;
    return true;
}

err_t reconcile_question_read(struct bytes wire, struct reconcile_question *out)
{
    struct rd rd = rd_of(wire);
    if (rd_u8(&rd) != FORMAT)
        return wire.len == 0 ? ERR_SHORT : ERR_VERSION;
    struct reconcile_question question = {.epoch = rd_u32(&rd)};
    question.size = rd_u64(&rd);
    question.count = rd_u16(&rd);
    if (rd.err == ERR_OK &&
        (question.size > LIMIT_RECONCILE_LEAVES || question.count > LIMIT_RECONCILE_NODES))
        return ERR_LIMIT;
    question.nodes = rd_bytes(&rd, (size_t)question.count * NODE_SIZE);
    err_t err = rd_end(&rd);
    if (err != ERR_OK)
        return err;
    if (question.size == 0 || question.count == 0 || !nodes_there(&question))
        return ERR_INVALID;
    *out = question;
    return ERR_OK;
}

static void head_write(struct buf *out, uint32_t epoch, uint64_t size, size_t count)
{
    wr_u8(out, FORMAT);
    wr_u32(out, epoch);
    wr_u64(out, size);
    wr_u16(out, (uint16_t)count);
}

void reconcile_answer_write(struct buf *out, const struct reconcile_question *question,
                            const struct reconcile_set *set)
{
    struct rd rd = rd_of(question->nodes);
    must(reconcile_set_whole(set) && set->size == question->size);
    head_write(out, question->epoch, question->size, question->count);
    for (unsigned i = 0; i < question->count; i++) {
        uint8_t below[RECONCILE_FAN * RECONCILE_SUM];
        struct reconcile_node node = reconcile_node_next(&rd);
        node_write(out, node);
        wr_bytes(out, node.level == 0 ? block_bytes(set, node.index)
                                      : bytes_of(below, sums_below(set, node, below)));
    }
}

/* --- asking --- */

err_t reconcile_begin(struct reconcile *r, const struct reconcile_set *own, uint32_t epoch)
{
    struct reconcile_node top = reconcile_top(own->size);
    size_t all = 0;
    must(reconcile_set_whole(own));
    for (unsigned level = 0; level <= top.level; level++)
        all += nodes_at(own->size, level);
    *r = (struct reconcile) {.own = own,
                             .epoch = epoch,
                             .open = mem_alloc_array(all, sizeof *r->open),
                             .asked = mem_alloc_array(LIMIT_RECONCILE_NODES, sizeof *r->asked)};
    if (r->open == NULL || r->asked == NULL) {
        reconcile_end(r);
        return ERR_NOMEM;
    }
    r->open[r->open_count++] = (struct reconcile_open) {.node = top};
    return ERR_OK;
}

void reconcile_end(struct reconcile *r)
{
    mem_free(r->open);
    mem_free(r->asked);
    *r = (struct reconcile) {.own = NULL};
}

bool reconcile_done(const struct reconcile *r)
{
    return r->open_count == 0 && r->asked_count == 0;
}

/* Blocks first come first: what was found last is asked for first, so that little stays open. */
void reconcile_ask(struct reconcile *r, struct buf *out)
{
    struct reconcile_node nodes[LIMIT_RECONCILE_NODES];
    must(r->asked_count == 0 && r->open_count > 0);
    while (r->open_count > 0 && r->asked_count < LIMIT_RECONCILE_NODES) {
        r->asked[r->asked_count] = r->open[--r->open_count];
        nodes[r->asked_count] = r->asked[r->asked_count].node;
        r->asked_count++;
    }
    reconcile_question_write(out, r->epoch, r->own->size, nodes, r->asked_count);
}

/* Children that are not as ours: each is found once, as its parent is. */
static void take_sums(struct reconcile *r, struct reconcile_node node, struct bytes answer)
{
    for (size_t i = 0; i < answer.len / RECONCILE_SUM; i++) {
        struct reconcile_open child = {
            .node = {(uint8_t)(node.level - 1), node.index * RECONCILE_FAN + (uint32_t)i}, .stated = true};
        memcpy(child.sum.b, answer.at + i * RECONCILE_SUM, RECONCILE_SUM);
        struct reconcile_sum ours = sum_in(r->own, child.node);
        if (!sum_eq(&ours, &child.sum))
            r->open[r->open_count++] = child;
    }
}

static bool unused_are_zero(uint64_t size, uint32_t block, struct bytes bits)
{
    unsigned leaves = reconcile_leaves(size, block);
    return leaves % 8 == 0 || (bits.at[bits.len - 1] & (0xffu >> (leaves % 8))) == 0;
}

static err_t take_one(struct reconcile *r, const struct reconcile_open *asked, struct rd *rd,
                      err_t (*differs)(void *ctx, uint32_t block, const uint8_t *theirs), void *ctx,
                      struct fault *fault)
{
    struct reconcile_node node = reconcile_node_next(rd);
    if (rd->err == ERR_OK && (node.level != asked->node.level || node.index != asked->node.index))
        return fault_set(fault, ERR_INVALID, 0, "the answer is about another node than was asked for");
    struct bytes answer = rd_bytes(rd, reconcile_answer_size(r->own->size, asked->node));
    if (rd->err != ERR_OK)
        return fault_set(fault, rd->err, 0, "the answer is not well formed");
    struct reconcile_sum sum = sum_of_answer(node, answer);
    if (asked->stated && !sum_eq(&sum, &asked->sum))
        return fault_set(fault, ERR_INVALID, 0, "the answers contradict each other");
    if (node.level > 0) {
        take_sums(r, node, answer);
        return ERR_OK;
    }
    if (!unused_are_zero(r->own->size, node.index, answer))
        return fault_set(fault, ERR_INVALID, 0, "the answer has bits behind the last leaf");
    r->blocks_differ++;
    err_t err = differs(ctx, node.index, answer.at);
    return err == ERR_OK ? ERR_OK : fault_set(fault, err, 0, "%s", err_text(err));
}

err_t reconcile_take(struct reconcile *r, struct bytes wire,
                     err_t (*differs)(void *ctx, uint32_t block, const uint8_t *theirs), void *ctx,
                     struct fault *fault)
{
    struct rd rd = rd_of(wire);
    size_t count = r->asked_count;
    r->asked_count = 0;
    uint8_t format = rd_u8(&rd);
    uint32_t epoch = rd_u32(&rd);
    uint64_t size = rd_u64(&rd);
    uint16_t said = rd_u16(&rd);
    if (rd.err != ERR_OK || format != FORMAT || epoch != r->epoch || size != r->own->size || said != count)
        return fault_set(fault, ERR_INVALID, 0, "the answer is not one to this question");
    for (size_t i = 0; i < count; i++) {
        err_t err = take_one(r, &r->asked[i], &rd, differs, ctx, fault);
        if (err != ERR_OK)
            return err;
    }
    return rd_end(&rd) == ERR_OK ? ERR_OK
                                 : fault_set(fault, ERR_INVALID, 0, "the answer goes on behind its end");
}
