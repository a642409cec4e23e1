/* What the tests of recall share: what is shown, what can go goes, and a partner's ledger as it would come.
 */
#pragma once

#include "gate/recall.h"
#include "gate_test.h"

#define DEADLINE (NOW + INT64_C(86400) * 1000 * 1000)

static const struct gate_by officer = {{"officer", 7}, {"a source is in danger", 21}};

static inline bool count_copy(void *ctx, const struct gate_object *object)
{
    (void)object;
    ++*(size_t *)ctx;
    return true;
}

static inline size_t shown(struct bench *b, int n)
{
    struct stix_key key = key_of("indicator", n);
    size_t count = 0;
    assert_int_equal(gate_versions(b->gate, &key, count_copy, &count), ERR_OK);
    return count;
}

static inline size_t ops(struct bench *b, unsigned partner, enum leaf_op op)
{
    struct bench_leaves *leaves = bench_ledger(b, partner);
    size_t count = 0;
    for (size_t i = 0; i < leaves->count; i++) {
        count += leaves->at[i].leaf.op == op;
        if (leaves->at[i].leaf.op == LEAF_RECALL)
            assert_int_equal(leaf_opening_verify(&leaves->at[i].leaf, &leaves->at[i].opening, false), ERR_OK);
    }
    mem_free(leaves);
    return count;
}

/* All that can go goes. */
static inline size_t carry_out(struct bench *b)
{
    size_t count = 0;
    bool did = true;
    bench_settle(b);
    while (did) {
        assert_int_equal(gate_recall_step(b->gate, b->now_us, &did), ERR_OK);
        count += did;
    }
    if (gate_purge_due(b->gate))
        assert_int_equal(gate_purge(b->gate, NULL, b->now_us), ERR_OK);
    return count;
}

static inline void say_bad(void *ctx, const char *text)
{
    (void)ctx;
    print_message("# %s\n", text);
}

static inline void expect_whole(struct bench *b)
{
    uint64_t bad = 1;
    assert_int_equal(gate_check(b->gate, say_bad, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

/* A partner's ledger as it would come, leaf by leaf. */
struct giver {
    unsigned partner;
    struct gate_cursor cursor;
};

static inline void giver_init(struct bench *b, struct giver *g, const char *name)
{
    *g = (struct giver) {.partner = bench_partner(b, name)};
    buf_init(&g->cursor.note, LIMIT_NOTE_BYTES);
    buf_put_str(&g->cursor.note, STR("note"));
}

static inline struct gate_received give_leaf(struct bench *b, struct giver *g, struct gate_received leaf)
{
    leaf.leaf.seq = g->cursor.edge.size++;
    assert_int_equal(gate_receive(b->gate, g->partner, &leaf, 1, &g->cursor, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    return leaf;
}

static inline uint64_t give(struct bench *b, struct giver *g, const char *text)
{
    size_t len = strlen(text);
    char *padded = mem_alloc(len + JSON_PADDING);
    memcpy(padded, text, len);
    struct gate_received leaf =
        give_leaf(b, g,
                  (struct gate_received) {.leaf = {.op = LEAF_RELEASE},
                                          .opening = {.subject_seq = LEAF_SUBJECT_NONE},
                                          .object = bytes_of(padded, len),
                                          .hops = 1});
    mem_free(padded);
    return leaf.leaf.seq;
}

static inline struct gate_received call_back(struct bench *b, struct giver *g, uint64_t subject)
{
    return give_leaf(
        b, g, (struct gate_received) {.leaf = {.op = LEAF_RECALL}, .opening = {.subject_seq = subject}});
}

static inline err_t owed(struct bench *b, const struct giver *g, uint64_t *out_seq)
{
    struct gate_recall_owed answer = {0};
    err_t err = gate_recall_owed(b->gate, g->partner, 0, &answer);
    *out_seq = answer.seq;
    return err;
}
