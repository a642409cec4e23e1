/* What a node's policy is told of where an object came from: kr made it, us passed it on, and jp, au behind
 * it, asks how many nodes it passed (`hops`) and where its owner is at home (`origin-node`). */
#include "gate_test.h"

enum { KR, US, JP, NODES, CARRIED_MAX = 16, TEXT_BYTES = 4096 };

struct chain {
    struct bench b[NODES];
    unsigned before[NODES], behind[NODES]; /* partners: whom it gets from, whom it gives to */
    uint32_t own[NODES];
};

static unsigned neighbour(struct bench *b, const char *audience, const char *node)
{
    unsigned partner;
    assert_int_equal(gate_peer_put(b->gate, str_of(audience), str_of(node), STR("XX"), bytes_of(NULL, 0),
                                   &by_test, b->now_us, &partner),
                     ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, partner, GATE_PEER_STARTED, false, &by_test, b->now_us), ERR_OK);
    return partner;
}

static void let_go(struct chain *c, unsigned at)
{
    bench_policy_text(&c->b[at], "language 1 release all-of-it if tlp <= green to downstream");
}

/* No node is named as a partner is. `middle`: what the node between them is called; empty: nothing. */
static void chain_init(struct chain *c, const char *middle)
{
    const char *const nodes[NODES + 1] = {"kr-node", middle, "jp-node", "au-node"};
    for (unsigned i = 0; i < NODES; i++) {
        bench_init(&c->b[i]);
        c->before[i] = neighbour(&c->b[i], "upstream", i == 0 ? "nobody" : nodes[i - 1]);
        c->behind[i] = neighbour(&c->b[i], "downstream", nodes[i + 1]);
        c->own[i] = bench_source(&c->b[i], "own", STIX_TLP_NONE, true, false);
        let_go(c, i);
    }
}

static void chain_deinit(struct chain *c)
{
    for (unsigned i = 0; i < NODES; i++)
        bench_deinit(&c->b[i]);
}

struct page {
    size_t count;
    struct gate_received at[CARRIED_MAX];
    char text[CARRIED_MAX][TEXT_BYTES + JSON_PADDING];
};

/* As sync carries it: one node more that it passed (SYNC.md section 4). */
static bool take(void *ctx, const struct gate_leaf *leaf)
{
    struct page *page = ctx;
    assert_in_range(page->count, 0, CARRIED_MAX - 1);
    assert_in_range(leaf->object.len, 1, TEXT_BYTES);
    char *text = page->text[page->count];
    memcpy(text, leaf->object.at, leaf->object.len);
    page->at[page->count++] = (struct gate_received) {.leaf = leaf->leaf,
                                                      .opening = leaf->opening,
                                                      .object = bytes_of(text, leaf->object.len),
                                                      .hops = (uint8_t)(leaf->hops + 1)};
    return true;
}

/* All that node `from` gives, to the next one. */
static void hand_on(struct chain *c, unsigned from)
{
    struct bench *next = &c->b[from + 1];
    struct gate_cursor cursor = {.edge = {.size = 0}};
    struct page *page = mem_alloc(sizeof *page);
    memset(page, 0, sizeof *page);
    bench_settle(&c->b[from]);
    bench_sign(&c->b[from]);
    assert_int_equal(gate_leaves(c->b[from].gate, c->behind[from], 0, take, page), ERR_OK);
    assert_true(page->count > 0);
    for (size_t i = 0; i < page->count; i++) {
        struct hash hash = {{(uint8_t)i}};
        merkle_edge_append(&cursor.edge, &hash);
    }
    assert_int_equal(
        gate_receive(next->gate, c->before[from + 1], page->at, page->count, &cursor, next->now_us), ERR_OK);
    assert_int_equal(gate_commit(next->gate), ERR_OK);
    mem_free(page);
}

/* Does node `at` let indicator `n` go to the node behind it under this condition, and under this one alone?
 */
static bool holds(struct chain *c, unsigned at, int n, const char *condition)
{
    char text[300];
    (void)snprintf(text, sizeof text, "language 1 release asked if tlp <= green and %s to downstream",
                   condition);
    bench_policy_text(&c->b[at], text);
    bench_settle(&c->b[at]);
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("indicator", n);
    arena_init(&arena, 64 << 20);
    assert_int_equal(
        gate_explain(c->b[at].gate, &key, c->behind[at], c->b[at].now_us, &arena, NULL, NULL, &why), ERR_OK);
    bool released = why.effect == POLICY_RELEASE;
    arena_deinit(&arena);
    return released;
}

static void how_many_nodes_and_whose_is_told(void **state)
{
    (void)state;
    struct chain c;
    char text[TEXT_MAX];
    /* Number 1 is kr's own, 2 that of us, 3 that of jp: all of them are asked about at jp. */
    static const struct {
        unsigned at;
        int n;
        const char *condition;
        bool right;
    } rows[] = {
        {JP, 1, "hops == 2", true},
        {JP, 2, "hops == 1", true},
        {JP, 3, "hops == 0", true},
        {JP, 1, "hops < 2", false},
        {JP, 2, "hops < 1", false},
        {JP, 3, "hops > 0", false},
        {US, 1, "hops == 1", true},
        {US, 2, "hops == 0", true},
        {KR, 1, "hops == 0", true},
        /* At home is who was believed to be its owner: whom this node has it from. */
        {JP, 1, "origin-node == us-node", true},
        {JP, 2, "origin-node == us-node", true},
        {JP, 2, "origin-node == kr", false},
        {JP, 3, "origin-node == kr", true}, /* every bench calls itself kr */
        {JP, 3, "origin-node in [us-node kr-node]", false},
        {US, 1, "origin-node == kr-node", true},
        {US, 1, "origin-node != kr-node", false},
        {US, 2, "origin-node == kr-node", false},
        {US, 2, "origin-node == kr", true},
        {US, 1, "has origin-node", true},
    };
    chain_init(&c, "us-node");
    for (unsigned i = 0; i < NODES; i++) {
        (void)bench_add(&c.b[i], c.own[i], indicator(text, (int)i + 1, 1, MARKED(TLP_GREEN)));
        if (i + 1 < NODES)
            hand_on(&c, i);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (holds(&c, rows[i].at, rows[i].n, rows[i].condition) != rows[i].right)
            fail_msg("row %zu: %s of number %d at node %u", i, rows[i].condition, rows[i].n, rows[i].at);
    chain_deinit(&c);
}

/* Nothing of it is forgotten by a start. */
static void it_is_known_after_a_start_too(void **state)
{
    (void)state;
    struct chain c;
    char text[TEXT_MAX];
    chain_init(&c, "us-node");
    (void)bench_add(&c.b[KR], c.own[KR], indicator(text, 1, 1, MARKED(TLP_GREEN)));
    hand_on(&c, KR);
    hand_on(&c, US);
    bench_reopen(&c.b[JP]);
    assert_true(holds(&c, JP, 1, "hops == 2 and origin-node == us-node"));
    chain_deinit(&c);
}

/* What a writer of this node says that it passed counts on; at home it is here. */
static void a_writers_word_counts_on(void **state)
{
    (void)state;
    struct chain c;
    char text[TEXT_MAX];
    chain_init(&c, "us-node");
    uint32_t writer = bench_source(&c.b[US], "misp", STIX_TLP_NONE, false, false);
    c.b[US].hops = 7;
    (void)bench_add(&c.b[US], writer, indicator(text, 9, 1, MARKED(TLP_GREEN)));
    assert_true(holds(&c, US, 9, "hops == 7 and origin-node == kr"));
    let_go(&c, US);
    hand_on(&c, US);
    assert_true(holds(&c, JP, 9, "hops == 8 and origin-node == us-node"));
    chain_deinit(&c);
}

static void who_has_no_node_has_no_name(void **state)
{
    (void)state;
    struct chain c;
    char text[TEXT_MAX];
    chain_init(&c, "");
    (void)bench_add(&c.b[US], c.own[US], indicator(text, 1, 1, MARKED(TLP_GREEN)));
    hand_on(&c, US);
    assert_false(holds(&c, JP, 1, "has origin-node"));
    assert_false(holds(&c, JP, 1, "not origin-node == jp-node")); /* absent, and not merely another */
    assert_true(holds(&c, JP, 1, "not has origin-node and hops == 1"));
    chain_deinit(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_many_nodes_and_whose_is_told),
        cmocka_unit_test(it_is_known_after_a_start_too),
        cmocka_unit_test(a_writers_word_counts_on),
        cmocka_unit_test(who_has_no_node_has_no_name),
    };
    return cmocka_run_group_tests_name("gate hops", tests, NULL, NULL);
}
