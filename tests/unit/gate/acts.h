/* A node with a source of its own and two partners, and what the tests of its acts ask of it. */
#pragma once

#include "gate_test.h"

#define HOUR (INT64_C(3600) * 1000000)
#define DAY  (24 * HOUR)

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t own;
};

static inline void node_init(struct node *n, const char *policy)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    bench_policy_text(&n->b, policy);
    bench_settle(&n->b);
}

/* All that a partner may read now: signed, without another step. */
static inline struct bench_leaves *read_now(struct node *n, unsigned partner)
{
    struct bench_leaves *leaves = mem_alloc(sizeof *leaves);
    bench_sign(&n->b);
    assert_non_null(leaves);
    assert_int_equal(gate_leaves(n->b.gate, partner, 0, bench_leaf, leaves), ERR_OK);
    return leaves;
}

/* Reads the log from the beginning too: what follows from it must be the same. */
static inline void node_end(struct node *n)
{
    uint64_t bad = 1;
    bench_settle(&n->b);
    struct bench_leaves *before = read_now(n, n->us);
    gate_close(n->b.gate);
    struct gate_setup setup = {
        .os = os_linux(), .dir = n->b.dir, .node_name = STR("kr"), .diag = &bench_diag, .reindex = true};
    assert_int_equal(gate_open(&setup, &n->b.gate), ERR_OK);
    assert_int_equal(gate_check(n->b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_settle(&n->b);
    struct bench_leaves *after = read_now(n, n->us);
    assert_int_equal(before->count, after->count);
    for (size_t i = 0; i < after->count; i++)
        assert_int_equal(before->at[i].bytes, after->at[i].bytes);
    mem_free(before);
    mem_free(after);
    bench_deinit(&n->b);
}

struct searching {
    const char *part;
    size_t found;
};

static inline bool search_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct searching *s = ctx;
    s->found +=
        leaf->object.len > 0 && memmem(leaf->object.at, leaf->object.len, s->part, strlen(s->part)) != NULL;
    return true;
}

/* Leaves of this partner in which this stands. */
static inline size_t minted_of(struct node *n, unsigned partner, const char *part)
{
    struct searching s = {part, 0};
    bench_sign(&n->b);
    assert_int_equal(gate_leaves(n->b.gate, partner, 0, search_leaf, &s), ERR_OK);
    return s.found;
}

static inline void add(struct node *n, int number, const char *more)
{
    char text[TEXT_MAX];
    (void)bench_add(&n->b, n->own, indicator(text, number, 1, more));
}

static inline void later(struct node *n, int64_t by_us)
{
    n->b.now_us += by_us;
    bench_settle(&n->b);
}

#define GREEN_TO_US "language 1\nrelease green if tlp <= green to us-cisa\n"

/* Which of the leaves come with their object. */
static inline void expect_bytes(struct node *n, size_t count, const bool *given)
{
    struct bench_leaves *leaves = read_now(n, n->us);
    assert_int_equal(leaves->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(leaves->at[i].bytes > 0, given[i]);
    mem_free(leaves);
}

static inline enum policy_effect effect_of(struct node *n, int number)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("indicator", number);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, n->us, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    arena_deinit(&arena);
    return why.effect;
}

static inline void say(struct node *n, int number, enum gate_approval word, const char *who)
{
    struct stix_key key = key_of("indicator", number);
    struct gate_by by = {str_of(who), STR("looked at")};
    assert_int_equal(gate_approve(n->b.gate, &key, n->us, word, 0, &by, n->b.now_us), ERR_OK);
    bench_settle(&n->b);
}
