/* A partner without a node, reached by a TAXII server of his both ways: what he sent does not go back, and is
 * his; both ways rest with him; what comes back in the node's own name is not taken in. */
#include "far.h"

#include "gate/query.h"

static void add(struct far *t, int n, int version, const char *more)
{
    char text[TEXT_MAX];
    assert_int_equal(bench_add(&t->p.bench, t->desk, indicator(text, n, version, more)), GATE_NEW);
}

static const char *name(int n)
{
    static char id[ID_MAX];
    return id_of(id, "indicator", n);
}

static struct gate_object last;

static bool keep_last(void *ctx, const struct gate_object *object)
{
    (void)ctx;
    last = *object;
    return true;
}

/* Three rounds both ways over one collection: each object goes there once, and what he sent never. */
static void no_loop(void **state)
{
    struct far *t = *state;
    char text[TEXT_MAX];
    far_init(t, NULL, 0);
    unsigned other = bench_partner(&t->p.bench, "jp");
    add(t, 1, 0, "");
    far_put(t, indicator(text, 2, 0, MARKED(TLP_GREEN)));
    far_put(t, indicator(text, 3, 0, MARKED(TLP_AMBER)));
    for (int i = 0; i < 3; i++)
        far_round(t);
    assert_int_equal(t->count, 3);
    assert_int_equal(far_find(t, name(1))->posts, 1);
    assert_int_equal(far_find(t, name(2))->posts + far_find(t, name(3))->posts, 0);
    struct feed_counts in = far_status(t, FAR_IN).counts, out = far_status(t, FAR_OUT).counts;
    assert_int_equal(in.fresh, 2);
    assert_true(in.echo > 0);
    assert_int_equal(out.pushed, 1);
    assert_int_equal(out.unconfirmed, 0);
    /* His, by one node at least, and by his source; others get of it what his marking lets go. */
    struct stix_key key = key_of("indicator", 2);
    assert_int_equal(gate_versions(t->p.bench.gate, &key, keep_last, NULL), ERR_OK);
    assert_int_equal(last.envelope.source, t->source);
    assert_int_equal(last.envelope.hops, 1);
    assert_true(bench_is_released(&t->p.bench, other, "indicator", 2));
    assert_false(bench_is_released(&t->p.bench, other, "indicator", 3));
    assert_false(bench_is_released(&t->p.bench, t->partner, "indicator", 2));
    /* A policy that comes into force again takes nothing back on account of what he repeated. */
    bench_policy(&t->p.bench);
    far_round(t);
    assert_int_equal(t->count, 3);
    assert_int_equal(far_status(t, FAR_OUT).counts.unconfirmed, 0);
    far_deinit(t);
}

/* What his platform rewrote comes back as an echo; what he changed is his word, and does not go back to him
 * either. */
static void rewritten_there(void **state)
{
    struct far *t = *state;
    char text[TEXT_MAX];
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    far_round(t);
    far_put(t, indicator(text, 1, 30, ""));
    far_put(t, indicator(text, 1, 31, ",\"labels\":[\"theirs\"]"));
    far_round(t);
    far_round(t);
    struct feed_counts in = far_status(t, FAR_IN).counts;
    assert_int_equal(in.asserted, 1);
    assert_int_equal(in.fresh, 0);
    assert_int_equal(t->count, 3);
    assert_int_equal(far_status(t, FAR_OUT).counts.pushed, 1);
    far_deinit(t);
}

static void set(struct far *t, enum gate_peer_state to)
{
    struct bench *b = &t->p.bench;
    assert_int_equal(gate_peer_set(b->gate, t->partner, to, false, &by_test, b->now_us), ERR_OK);
}

/* Both ways rest with him, also in the midst of a call, and go on when he does. */
static void rests_with_him(void **state)
{
    struct far *t = *state;
    struct feed_action action;
    char text[TEXT_MAX];
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
    far_put(t, indicator(text, 2, 0, MARKED(TLP_GREEN)));
    for (int i = 0; i < 2; i++) {
        t->p.feed = t->feeds[i];
        assert_true(pull_step(&t->p));
    }
    set(t, GATE_PEER_PAUSED);
    for (int i = 0; i < 2; i++) {
        feed_next(t->feeds[i], t->p.bench.now_us, &action);
        assert_int_equal(action.act, FEED_CANCEL);
        assert_false(far_run(t, i));
        assert_non_null(strstr(far_status(t, i).what, "paused"));
    }
    set(t, GATE_PEER_STARTED);
    for (int i = 0; i < 2; i++) { /* at once, not when the clock says so */
        feed_next(t->feeds[i], t->p.bench.now_us, &action);
        assert_int_equal(action.act, FEED_CALL);
    }
    set(t, GATE_PEER_REMOVED);
    for (int i = 0; i < 2; i++) {
        assert_false(far_run(t, i));
        assert_non_null(strstr(far_status(t, i).what, "removed"));
    }
    assert_int_equal(t->count, 1);
    far_deinit(t);
}

static void agreement_over(void **state)
{
    struct far *t = *state;
    char text[TEXT_MAX];
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    far_round(t);
    far_put(t, indicator(text, 2, 0, MARKED(TLP_GREEN)));
    add(t, 3, 0, "");
    bench_policy_text(&t->p.bench, "language 1\nagreement mou { partners [isac]; valid-until 2020-01-01 }\n"
                                   "release open if tlp <= green and onward to all\n");
    far_round(t);
    assert_null(far_find(t, name(3)));
    assert_int_equal(far_status(t, FAR_IN).counts.fresh, 0);
    assert_non_null(strstr(far_status(t, FAR_IN).what, "agreement"));
    bench_policy(&t->p.bench);
    far_round(t);
    assert_int_equal(far_status(t, FAR_IN).counts.fresh, 1);
    far_deinit(t);
}

/* A node's word comes over its own link, and by no feed. */
static void no_feed_of_a_node(void **state)
{
    struct far *t = *state;
    struct fault fault = {0};
    struct feed *feed;
    far_init(t, NULL, 0);
    (void)bench_partner(&t->p.bench, "jp");
    struct feed_conf conf = t->confs[FAR_IN];
    conf.name = STR("jp.in");
    conf.source = STR("peer.jp");
    assert_int_equal(feed_conf_put(t->p.bench.gate, &conf, &by_test, t->p.bench.now_us, &fault), ERR_OK);
    struct feed_setup setup = {.gate = t->p.bench.gate, .conf = &conf, .diag = &bench_diag};
    assert_int_equal(feed_new(&setup, t->p.bench.now_us, &feed), ERR_NOTFOUND);
    far_deinit(t);
}

/* His server still has what was called back from him: it does not come in again as his. */
static void left_over_there(void **state)
{
    struct far *t = *state;
    char text[TEXT_MAX];
    far_init(t, NULL, 0);
    add(t, 1, 0, "");
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
    assert_true(far_run(t, FAR_OUT)); /* and is not read before it is called back */
    assert_non_null(far_find(t, name(1)));
    far_recall(t, "indicator", 1);
    far_put(t, indicator(text, 1, 30, "")); /* his platform gave it another date */
    far_round(t);
    struct stix_key key = key_of("indicator", 1);
    struct gate_reach reach;
    assert_int_equal(far_status(t, FAR_IN).counts.fresh, 0);
    assert_int_equal(far_status(t, FAR_IN).counts.refused, 2);
    assert_int_equal(gate_reach(t->p.bench.gate, &key, &reach), ERR_OK);
    assert_false(reach.held);
    far_deinit(t);
}

static void count_edge(void *ctx, const struct gate_edge *edge)
{
    size_t *count = ctx;
    *count += str_starts(edge->from, STR("sighting--")) || str_starts(edge->from, STR("opinion--"));
}

/* He knows an object by another name, since it left changed: what he says of it counts for the object here.
 */
static void of_what_was_minted(void **state)
{
    struct far *t = *state;
    char text[TEXT_MAX], id[ID_MAX];
    size_t count = 0;
    far_init(t, NULL, 0);
    bench_policy_text(&t->p.bench, "language 1\nrelease part if tlp <= green and onward to all with redact "
                                   "\"description\"\n");
    add(t, 1, 0, ",\"description\":\"a secret\"" MARKED(TLP_GREEN));
    far_round(t);
    const struct far_object *made = far_says(t, "\"type\":\"indicator\"");
    assert_non_null(made);
    assert_string_not_equal(made->id, name(1));
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"sighting\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-02-01T00:"
        "00:00.000Z\",\"modified\":\"2026-02-01T00:00:00.000Z\",\"sighting_of_ref\":\"%s\"%s}",
        id_of(id, "sighting", 1), made->id, MARKED(TLP_GREEN));
    far_put(t, text);
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"opinion\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-02-01T00:"
                   "00:00.000Z\",\"modified\":\"2026-02-01T00:00:00.000Z\",\"opinion\":\"agree\","
                   "\"object_refs\":[\"%s\"]%s}",
                   id_of(id, "opinion", 1), made->id, MARKED(TLP_GREEN));
    far_put(t, text);
    far_round(t);
    far_round(t);
    assert_int_equal(far_status(t, FAR_IN).counts.fresh, 2);
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_neighbours(t->p.bench.gate, &key, false, 10, count_edge, &count), ERR_OK);
    assert_int_equal(count, 2);
    far_deinit(t);
}

static int make(void **state)
{
    *state = mem_alloc(sizeof(struct far));
    return *state == NULL;
}

static int unmake(void **state)
{
    mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_loop, make, unmake),
        cmocka_unit_test_setup_teardown(rewritten_there, make, unmake),
        cmocka_unit_test_setup_teardown(rests_with_him, make, unmake),
        cmocka_unit_test_setup_teardown(agreement_over, make, unmake),
        cmocka_unit_test_setup_teardown(no_feed_of_a_node, make, unmake),
        cmocka_unit_test_setup_teardown(left_over_there, make, unmake),
        cmocka_unit_test_setup_teardown(of_what_was_minted, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
