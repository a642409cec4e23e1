/* What leaves, and when: markings, tags, delays, approvals, stops, partners, closure, newer versions. */
#include "gate_test.h"

#define MINUTE (INT64_C(60) * 1000000)

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t own, theirs; /* our source; what us sends */
};

static void node_init(struct node *n)
{
    bench_init(&n->b);
    bench_policy(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    n->theirs = gate_peer_get(n->b.gate, n->us)->source;
}

/* Settled, and does us have it? */
static bool out(struct node *n, const char *type, int number)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, n->us, type, number);
}

static bool out_jp(struct node *n, const char *type, int number)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, n->jp, type, number);
}

static void unmarked_waits_for_its_source(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ""));
    assert_false(out(&n, "indicator", 1));
    assert_int_equal(bench_tally(&n.b, n.us).held, 1);
    (void)bench_source(&n.b, "own", STIX_TLP_GREEN, true, false);
    assert_true(out(&n, "indicator", 1));
    assert_int_equal(bench_tally(&n.b, n.us).held, 0);
    bench_deinit(&n.b);
}

static void an_assumption_lapses(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    uint32_t number;
    bool more;
    int64_t next;
    node_init(&n);
    struct gate_source feed = {
        .name = STR("feed"), .own = true, .assume = STIX_TLP_AMBER, .assume_until_us = NOW + 5 * MINUTE};
    assert_int_equal(gate_source_put(n.b.gate, &feed, &by_test, NOW, &number), ERR_OK);
    (void)bench_add(&n.b, number, indicator(text, 1, 1, ""));
    struct stix_key key = key_of("indicator", 1);
    bench_settle(&n.b);
    struct gate_tally before = bench_tally(&n.b, n.us);
    assert_int_equal(before.denied, 1); /* AMBER without a tag */
    assert_int_equal(gate_step(n.b.gate, n.b.now_us, &more, &next), ERR_OK);
    assert_int_equal(next, NOW + 5 * MINUTE);
    n.b.now_us = NOW + 6 * MINUTE;
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).held, 1); /* unmarked again, and waits */
    assert_int_equal(gate_tag(n.b.gate, &key, STR("share:us-cisa"), true, &by_test, n.b.now_us), ERR_OK);
    n.b.now_us += 60 * MINUTE;
    assert_false(out(&n, "indicator", 1));
    bench_deinit(&n.b);
}

static void statement_waits_for_its_class(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key marking = key_of("marking-definition", 1);
    (void)bench_source(&n.b, "own", STIX_TLP_NONE, true, true);
    /* The object first: its marking is not here. */
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000001")));
    assert_false(out(&n, "indicator", 1));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW), ERR_NOTFOUND);
    (void)bench_add(&n.b, n.own, statement(text, 1, "Copyright somebody"));
    assert_false(out(&n, "indicator", 1));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
    assert_true(out(&n, "indicator", 1));
    assert_true(out(&n, "marking-definition", 1));
    /* Other words under the same id: nobody said what these mean. */
    (void)bench_add(&n.b, n.own, statement(text, 1, "For Koreans only"));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 2, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000001")));
    assert_false(out(&n, "indicator", 2));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_GREEN, &by_test, NOW), ERR_OK);
    assert_true(out(&n, "indicator", 2));
    struct stix_key red = bench_key(TLP_RED);
    assert_int_not_equal(gate_marking_classify(n.b.gate, &red, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
    bench_deinit(&n.b);
}

/* "Stays here" is built in: neither another marking nor another's words under its id let anything out. */
static void what_stays_here_never_leaves(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, true);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(STIX_MARKING_STAYS_ID)));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_CLEAR "\",\"" STIX_MARKING_STAYS_ID)));
    assert_true(out(&n, "indicator", 1));
    assert_false(out(&n, "indicator", 2));
    assert_int_equal(bench_tally(&n.b, n.us).denied, 2); /* not held: nothing can be waited for */
    struct stix_key stays = bench_key(STIX_MARKING_STAYS_ID);
    assert_int_equal(gate_marking_classify(n.b.gate, &stays, STIX_TLP_CLEAR, &by_test, NOW), ERR_NOTFOUND);
    (void)bench_add(
        &n.b, n.own,
        "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"" STIX_MARKING_STAYS_ID
        "\",\"created\":\"2026-01-01T00:00:00Z\",\"definition_type\":\"statement\","
        "\"definition\":{\"statement\":\"share freely\"}}");
    assert_int_equal(gate_marking_classify(n.b.gate, &stays, STIX_TLP_CLEAR, &by_test, NOW), ERR_DENIED);
    bench_settle(&n.b);
    assert_false(out(&n, "indicator", 2));
    assert_false(out(&n, "indicator", 3));
    bench_deinit(&n.b);
}

/* A TLP marking in another's words (definition_type tlp, its own id) decides as soon as it arrives. */
static void a_late_definition_decides(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key marking = key_of("marking-definition", 1);
    for (int i = 0; i < 3; i++)
        (void)bench_add(
            &n.b, n.own,
            indicator(text, i, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000001")));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).held, 3);
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("indicator", 1);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n.b.gate, &key, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(str_eq(why.rule, STR("unresolved")));
    (void)bench_add(&n.b, n.own, statement(text, 1, "Copyright somebody"));
    bench_settle(&n.b);
    assert_int_equal(gate_explain(n.b.gate, &key, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(str_eq(why.rule, STR("statement")));
    uint64_t held = 0;
    struct gate_tally tally = bench_tally(&n.b, n.us);
    held = tally.held;
    assert_int_equal(held, 4); /* and the unmarked definition itself, which nobody needs yet */
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).released, 4);
    arena_deinit(&arena);
    bench_deinit(&n.b);
}

static void own_amber_needs_tag_and_time(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key key = key_of("indicator", 1);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    n.b.now_us += 60 * MINUTE;
    assert_false(out(&n, "indicator", 1));
    assert_int_equal(gate_tag(n.b.gate, &key, STR("share:us-cisa"), true, &by_test, n.b.now_us), ERR_OK);
    int64_t tagged = n.b.now_us;
    assert_false(out(&n, "indicator", 1));
    n.b.now_us = tagged + 9 * MINUTE;
    assert_false(out(&n, "indicator", 1));
    n.b.now_us = tagged + 10 * MINUTE;
    assert_true(out(&n, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.jp, "indicator", 1));
    /* Another's AMBER never goes on. */
    struct stix_key theirs = key_of("indicator", 2);
    (void)bench_add(&n.b, n.theirs, indicator(text, 2, 1, MARKED(TLP_AMBER)));
    assert_int_equal(gate_tag(n.b.gate, &theirs, STR("share:jp-nisc"), true, &by_test, n.b.now_us), ERR_OK);
    n.b.now_us += 60 * MINUTE;
    assert_false(out_jp(&n, "indicator", 2));
    bench_deinit(&n.b);
}

static void approval_ends_the_delay(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key key = key_of("indicator", 1), other = key_of("indicator", 2);
    for (int i = 1; i <= 2; i++)
        (void)bench_add(&n.b, n.own, indicator(text, i, 1, MARKED(TLP_AMBER)));
    assert_int_equal(gate_tag(n.b.gate, &key, STR("share:us-cisa"), true, &by_test, n.b.now_us), ERR_OK);
    assert_int_equal(gate_tag(n.b.gate, &other, STR("share:us-cisa"), true, &by_test, n.b.now_us), ERR_OK);
    assert_false(out(&n, "indicator", 1));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
    assert_int_equal(gate_approve(n.b.gate, &other, n.us, GATE_DENY, 0, &by_test, n.b.now_us), ERR_OK);
    assert_true(out(&n, "indicator", 1));
    n.b.now_us += 60 * MINUTE;
    assert_false(out(&n, "indicator", 2));
    assert_int_equal(gate_approve(n.b.gate, &other, n.us, GATE_APPROVAL_NONE, 0, &by_test, n.b.now_us),
                     ERR_OK);
    assert_true(out(&n, "indicator", 2));
    bench_deinit(&n.b);
}

static void stops_and_lifting_them(void **state)
{
    (void)state;
    static const struct {
        enum gate_stop_kind kind;
        struct str name;
        bool us, jp;
    } stops[] = {{GATE_STOP_ALL, {"", 0}, false, false},
                 {GATE_STOP_PARTNER, {"us-cisa", 7}, false, true},
                 {GATE_STOP_SOURCE, {"own", 3}, false, false},
                 {GATE_STOP_SOURCE, {"another", 7}, true, true},
                 {GATE_STOP_RULE, {"open", 4}, false, false}};
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    for (int i = 0; i < (int)(sizeof stops / sizeof *stops); i++) {
        assert_int_equal(gate_stop(n.b.gate, stops[i].kind, stops[i].name, true, &by_test, NOW), ERR_OK);
        (void)bench_add(&n.b, n.own, indicator(text, i, 1, MARKED(TLP_GREEN)));
        assert_int_equal(out(&n, "indicator", i), stops[i].us);
        assert_int_equal(out_jp(&n, "indicator", i), stops[i].jp);
        bench_reopen(&n.b);
        assert_int_equal(out(&n, "indicator", i), stops[i].us);
        assert_int_equal(gate_stop(n.b.gate, stops[i].kind, stops[i].name, false, &by_test, NOW), ERR_OK);
        assert_true(out(&n, "indicator", i));
        assert_true(out_jp(&n, "indicator", i));
    }
    bench_deinit(&n.b);
}

/* A creator comes along with what it created; not when its source is stopped. */
static void a_stopped_source_does_not_come_along(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t people = bench_source(&n.b, "people", STIX_TLP_NONE, true, false);
    assert_int_equal(gate_stop(n.b.gate, GATE_STOP_SOURCE, STR("people"), true, &by_test, NOW), ERR_OK);
    (void)bench_add(&n.b, people, identity(text, 1, "organization", ""));
    (void)bench_add(
        &n.b, n.own,
        indicator(
            text, 1, 1,
            MARKED(TLP_GREEN) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\""));
    assert_false(out(&n, "indicator", 1));
    assert_false(out(&n, "identity", 1));
    assert_int_equal(gate_stop(n.b.gate, GATE_STOP_SOURCE, STR("people"), false, &by_test, NOW), ERR_OK);
    assert_true(out(&n, "identity", 1));
    assert_true(out(&n, "indicator", 1));
    bench_deinit(&n.b);
}

static void partners_come_and_go(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    unsigned au;
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(gate_peer_put(n.b.gate, STR("au-acsc"), STR("au"), STR("AU"), bytes_of(NULL, 0),
                                   &by_test, n.b.now_us, &au),
                     ERR_OK);
    assert_int_equal(gate_peer_get(n.b.gate, au)->state, GATE_PEER_PAUSED);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, au).released, 0);
    /* Started: what came since it was added, no history. */
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_STARTED, false, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, au, "indicator", 1));
    assert_true(bench_is_released(&n.b, au, "indicator", 2));
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_STARTED, true, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, au, "indicator", 1));
    /* Paused: nothing; started again: what it missed. */
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_PAUSED, false, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, au, "indicator", 3));
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_STARTED, false, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, au, "indicator", 3));
    /* Removed: nothing more. Added again: paused, in its old ledger, without what it missed. */
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_REMOVED, false, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    unsigned again;
    assert_int_equal(gate_peer_put(n.b.gate, STR("au-acsc"), STR("au"), STR("AU"), bytes_of(NULL, 0),
                                   &by_test, n.b.now_us, &again),
                     ERR_OK);
    assert_int_equal(again, au);
    assert_int_equal(gate_peer_get(n.b.gate, au)->state, GATE_PEER_PAUSED);
    assert_int_equal(gate_peer_set(n.b.gate, au, GATE_PEER_STARTED, false, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 5, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, au, "indicator", 4));
    assert_true(bench_is_released(&n.b, au, "indicator", 5));
    bench_deinit(&n.b);
}

/* A policy that names a partner stays in force, and the node starts, when that partner is removed. */
/* What the first partner's history covers is decided by its job alone, also after a restart in between. */
static void the_first_history_is_decided_once(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_counts before, after;
    unsigned us;
    bench_init(&b);
    bench_policy(&b);
    assert_int_equal(gate_peer_put(b.gate, STR("us-cisa"), STR("us"), STR("US"), bytes_of(NULL, 0), &by_test,
                                   b.now_us, &us),
                     ERR_OK);
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&b);
    gate_counts(b.gate, &before);
    assert_int_equal(gate_peer_set(b.gate, us, GATE_PEER_STARTED, true, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    bench_reopen(&b);
    bench_settle(&b);
    gate_counts(b.gate, &after);
    assert_true(bench_is_released(&b, us, "indicator", 1));
    assert_int_equal(after.decided_lsn, before.decided_lsn);
    (void)bench_add(&b, own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    bench_settle(&b);
    gate_counts(b.gate, &after);
    assert_true(bench_is_released(&b, us, "indicator", 2));
    assert_true(after.decided_lsn > before.decided_lsn);
    bench_deinit(&b);
}

static void a_policy_names_a_removed_partner(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease a if tlp <= green to us-cisa\n"
                            "release b if tlp <= green to jp-nisc\n");
    bench_settle(&n.b);
    assert_int_equal(gate_peer_set(n.b.gate, n.jp, GATE_PEER_REMOVED, false, &by_test, NOW), ERR_OK);
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    bench_reopen(&n.b);
    assert_int_equal(gate_merge(n.b.gate, true), ERR_OK);
    bench_reopen(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_true(out(&n, "indicator", 1));
    assert_false(out_jp(&n, "indicator", 1));
    struct policy_fault fault;
    assert_int_not_equal(gate_policy_activate(n.b.gate,
                                              STR("language 1\nrelease open if tlp <= green to jp-nisc\n"),
                                              &by_test, NOW, &fault),
                         ERR_OK);
    bench_deinit(&n.b);
}

static void a_new_policy_decides_again(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    assert_false(out(&n, "indicator", 1));
    bench_policy_text(&n.b, "language 1\nrelease amber if tlp <= amber to us-cisa\n");
    assert_true(out(&n, "indicator", 1));
    assert_false(out_jp(&n, "indicator", 1));
    struct policy_fault fault;
    assert_int_not_equal(gate_policy_activate(n.b.gate, STR("language 1\nrelase x\n"), &by_test, NOW, &fault),
                         ERR_OK);
    assert_int_equal(fault.line, 2);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_AMBER)));
    assert_true(out(&n, "indicator", 2));
    bench_deinit(&n.b);
}

/* More tags than jobs may wait: nothing is lost, and the log can be replayed. */
static void more_jobs_than_fit(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    for (int i = 0; i < LIMIT_JOBS + 100; i++)
        (void)bench_add(&n.b, n.own, indicator(text, i, 1, MARKED(TLP_AMBER)));
    bench_settle(&n.b);
    for (int i = 0; i < LIMIT_JOBS + 100; i++) {
        struct stix_key key = key_of("indicator", i);
        assert_int_equal(gate_tag(n.b.gate, &key, STR("share:us-cisa"), true, &by_test, n.b.now_us), ERR_OK);
    }
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    bench_reopen(&n.b);
    bench_settle(&n.b);
    n.b.now_us += 60 * MINUTE;
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).released, LIMIT_JOBS + 100);
    bench_deinit(&n.b);
}

/* --- newer versions --- */

static void newer_versions_in_the_ledger(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 9, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR)));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 3, MARKED(TLP_RED)));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 9, 2, MARKED(TLP_GREEN) ",\"revoked\":true"));
    bench_settle(&n.b);
    /* Older than what is out: tells nobody anything. */
    (void)bench_add(&n.b, n.own, indicator(text, 9, 0, MARKED(TLP_GREEN)));
    struct bench_leaves *leaves = bench_ledger(&n.b, n.us);
    struct stix_key one = key_of("indicator", 1), nine = key_of("indicator", 9);
    assert_int_equal(leaves->count, 5);
    assert_int_equal(leaves->at[0].leaf.op, LEAF_RELEASE);
    assert_true(stix_key_eq(&leaves->at[0].key, &nine));
    assert_int_equal(leaves->at[1].leaf.op, LEAF_RELEASE);
    assert_true(stix_key_eq(&leaves->at[1].key, &one));
    assert_true(leaves->at[1].opening.subject_seq == LEAF_SUBJECT_NONE);
    assert_int_equal(leaves->at[2].leaf.op, LEAF_SUPERSEDE);
    assert_int_equal(leaves->at[2].opening.subject_seq, 1);
    assert_true(leaves->at[2].bytes > 0);
    /* The RED one is withheld: that the green one is no longer current is all that leaves. */
    assert_int_equal(leaves->at[3].leaf.op, LEAF_SUPERSEDE);
    assert_int_equal(leaves->at[3].opening.subject_seq, 2);
    assert_int_equal(leaves->at[3].bytes, 0);
    assert_int_equal(leaves->at[4].leaf.op, LEAF_REVOKE);
    assert_int_equal(leaves->at[4].opening.subject_seq, 0);
    assert_true(leaves->at[4].bytes > 0);
    /* Unique and increasing dates. */
    for (size_t i = 1; i < leaves->count; i++)
        assert_true(leaves->at[i].leaf.time_us > leaves->at[i - 1].leaf.time_us);
    mem_free(leaves);
    bench_reopen(&n.b);
    uint64_t bad = 1;
    assert_int_equal(gate_check(n.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&n.b);
}

static void a_stricter_twin_binds(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    /* Waits for its creator, who is a person and here not at all. */
    static const char creator[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000009\"";
    char more[256];
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_GREEN), creator);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).blocked, 1);
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_RED), creator);
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 1, 1, more)), GATE_CONFLICT);
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).blocked, 0); /* at once, not when something else happens */
    assert_int_equal(bench_tally(&n.b, n.us).denied, 1);
    (void)bench_add(&n.b, n.own, identity(text, 9, "organization", MARKED(TLP_GREEN)));
    assert_false(out(&n, "indicator", 1));
    /* So does a twin that says revoked. */
    bench_policy_text(&n.b, "language 1\nhold gone if revoked\nrelease open if tlp <= green to all\n");
    (void)snprintf(more, sizeof more,
                   "%s,\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000008\"",
                   MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).blocked, 1);
    (void)snprintf(
        more, sizeof more,
        "%s,\"revoked\":true,\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000008\"",
        MARKED(TLP_GREEN));
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 2, 1, more)), GATE_CONFLICT);
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).blocked, 0);
    (void)bench_add(&n.b, n.own, identity(text, 8, "organization", MARKED(TLP_GREEN)));
    assert_false(out(&n, "indicator", 2));
    bench_deinit(&n.b);
}

/* --- a partner's objects --- */

static void never_back_and_onward(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.theirs, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.theirs, indicator(text, 2, 1, MARKED(TLP_AMBER)));
    (void)bench_add(&n.b, n.theirs, indicator(text, 3, 1, ""));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    for (int i = 1; i <= 3; i++) {
        assert_false(bench_is_released(&n.b, n.us, "indicator", i));
        assert_int_equal(bench_is_released(&n.b, n.jp, "indicator", i), i == 1);
    }
    /* Held here first, reported by us before it could leave: not back either. */
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, MARKED(TLP_GREEN)));
    assert_int_equal(bench_add(&n.b, n.theirs, indicator(text, 4, 1, MARKED(TLP_GREEN))), GATE_SEEN);
    assert_false(out(&n, "indicator", 4));
    assert_true(out_jp(&n, "indicator", 4));
    bench_deinit(&n.b);
}

/* What waits for an object that us has not, goes when us itself brings it: as new, as seen, as an assertion.
 */
static void a_partner_brings_what_was_missing(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    for (int i = 2; i <= 4; i++)
        (void)bench_add(&n.b, n.own, relationship(text, i, 1, i, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, MARKED(TLP_RED)));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).blocked, 3);
    assert_int_equal(bench_add(&n.b, n.theirs, indicator(text, 2, 1, MARKED(TLP_AMBER))), GATE_NEW);
    assert_true(out(&n, "relationship", 2));
    assert_int_equal(bench_add(&n.b, n.theirs, indicator(text, 3, 1, MARKED(TLP_RED))), GATE_SEEN);
    assert_true(out(&n, "relationship", 3));
    assert_int_equal(bench_add(&n.b, n.theirs, indicator(text, 4, 2, MARKED(TLP_AMBER))), GATE_ASSERTION);
    assert_true(out(&n, "relationship", 4));
    for (int i = 2; i <= 4; i++)
        assert_false(bench_is_released(&n.b, n.jp, "relationship", i));
    bench_deinit(&n.b);
}

/* ...but not when what it brings contradicts what is held: that is nobody's word until a person has looked,
 * and what waits says so. */
static void what_is_quarantined_counts_for_nobody(void **state)
{
    (void)state;
    struct node n;
    struct gate_why why;
    struct arena arena;
    char text[TEXT_MAX];
    struct stix_key waits = key_of("relationship", 2);
    node_init(&n);
    arena_init(&arena, 64 << 20);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, relationship(text, 2, 1, 2, MARKED(TLP_GREEN)));
    assert_int_equal(bench_add(&n.b, n.theirs, indicator(text, 2, 1, ",\"x_other\":1" MARKED(TLP_AMBER))),
                     GATE_CONFLICT);
    assert_false(out(&n, "relationship", 2));
    assert_int_equal(gate_explain(n.b.gate, &waits, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(why.blocked && str_starts(why.blocked_by, STR("indicator--")));
    arena_deinit(&arena);
    bench_deinit(&n.b);
}

/* A creator that needs a marking that is not here: who needs the creator waits, and goes in the end. */
static void followers_wait_for_followers(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own,
                    identity(text, 1, "organization",
                             ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000002\""));
    bench_settle(&n.b);
    (void)bench_add(
        &n.b, n.own,
        indicator(
            text, 1, 1,
            MARKED(TLP_GREEN) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\""));
    assert_false(out(&n, "indicator", 1));
    (void)bench_add(&n.b, n.own, identity(text, 2, "organization", ""));
    assert_true(out(&n, "indicator", 1));
    assert_true(out(&n, "identity", 1));
    assert_true(out(&n, "identity", 2));
    bench_deinit(&n.b);
}

static size_t leaf_count(struct node *n, unsigned partner)
{
    struct bench_leaves *leaves = bench_ledger(&n->b, partner);
    size_t count = leaves->count;
    mem_free(leaves);
    return count;
}

/* What a partner holds from one source is not said again when another source comes round to it; what it was
 * told to be outdated is. */
static void nothing_is_said_twice(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, true);
    (void)bench_add(&n.b, n.own, address(text, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, feed, address(text, 1, MARKED(TLP_RED)));
    assert_int_equal(leaf_count(&n, n.us), 1);
    assert_int_equal(bench_add(&n.b, feed, address(text, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(leaf_count(&n, n.us), 1);
    assert_int_equal(bench_tally(&n.b, n.us).denied, 0);
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(leaf_count(&n, n.us), 2);
    /* In between and back before anybody looked. */
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN) ",\"confidence\":3"));
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(leaf_count(&n, n.us), 2);
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN) ",\"confidence\":3"));
    assert_int_equal(leaf_count(&n, n.us), 3); /* no longer current */
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(leaf_count(&n, n.us), 4);
    bench_deinit(&n.b);
}

/* Two sources that say the same in the end, decided in one step. */
static void nothing_is_said_twice_at_once(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, true);
    (void)bench_add(&n.b, feed, address(text, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, address(text, 1, MARKED(TLP_GREEN)));
    assert_int_equal(bench_add(&n.b, feed, address(text, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(leaf_count(&n, n.us), 1);
    assert_int_equal(bench_tally(&n.b, n.us).released, 2);
    bench_deinit(&n.b);
}

static void classify(struct node *n, int marking)
{
    struct stix_key key = key_of("marking-definition", marking);
    assert_int_equal(gate_marking_classify(n->b.gate, &key, STIX_TLP_CLEAR, &by_test, n->b.now_us), ERR_OK);
}

/* A statement that only another copy of the version carries, one that was rewritten or one that waits in
 * quarantine, holds it; classified, it lets it go. */
static void a_twins_statement_is_classified(void **state)
{
    (void)state;
    static const char first[] = MARKED("marking-definition--00000000-0000-4000-8000-000000000001");
    static const char second[] = MARKED("marking-definition--00000000-0000-4000-8000-000000000002");
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, true);
    (void)bench_add(&n.b, n.own, statement(text, 1, "ours"));
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, first));
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_CLEAR)));
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 2, 1, second)), GATE_CONFLICT);
    assert_false(out(&n, "indicator", 1));
    assert_false(out(&n, "indicator", 2));
    classify(&n, 1);
    assert_true(out(&n, "indicator", 1));
    (void)bench_add(&n.b, n.own, statement(text, 2, "theirs")); /* so does its arrival */
    assert_false(out(&n, "indicator", 2));
    classify(&n, 2);
    assert_true(out(&n, "indicator", 2));
    bench_deinit(&n.b);
}

enum withheld { NOTHING, BY_RULES, BY_CLOSURE };

/* An object that waits for its creator's marking to be classified; `withheld`: one more by that creator,
 * which arrives while the classification waits for its job. Answers us's first leaves, in order. */
static void released_types(enum withheld withheld, struct stix_key out[4])
{
    struct node n;
    char text[TEXT_MAX];
    static const char by[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"";
    static const char marking[] = MARKED("marking-definition--00000000-0000-4000-8000-000000000001");
    char more[512];
    node_init(&n);
    (void)bench_add(&n.b, n.own, statement(text, 1, "ours"));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, marking));
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", marking));
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_GREEN), by);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    assert_int_equal(leaf_count(&n, n.us), 0);
    struct stix_key key = key_of("marking-definition", 1);
    assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_CLEAR, &by_test, NOW), ERR_OK);
    (void)snprintf(
        more, sizeof more, "%s%s%s", withheld == BY_RULES ? MARKED(TLP_RED) : MARKED(TLP_GREEN), by,
        withheld == BY_CLOSURE ? ",\"x_ref\":\"indicator--00000000-0000-4000-8000-000000000009\"" : "");
    if (withheld != NOTHING)
        (void)bench_add(&n.b, n.own, indicator(text, 3, 1, more));
    struct bench_leaves *leaves = bench_ledger(&n.b, n.us);
    assert_int_equal(leaves->count, 4);
    for (size_t i = 0; i < 4; i++)
        out[i] = leaves->at[i].key;
    mem_free(leaves);
    bench_deinit(&n.b);
}

static void what_is_withheld_moves_nothing(void **state)
{
    (void)state;
    struct stix_key without[4], with[4];
    released_types(NOTHING, without);
    for (enum withheld how = BY_RULES; how <= BY_CLOSURE; how++) {
        released_types(how, with);
        for (size_t i = 0; i < 4; i++)
            assert_true(stix_key_eq(&without[i], &with[i]));
    }
}

/* --- order of arrival --- */

enum { WORLD = 12 };

/* A small world: cycles, followers, a secret, an unmarked observable, a report over most of it. */
static const char *world(char text[TEXT_MAX], int i)
{
    static const char by[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"";
    char more[768];
    switch (i) {
    case 0:
        return identity(text, 1, "organization",
                        MARKED("marking-definition--00000000-0000-4000-8000-000000000001"));
    case 1:
        return statement(text, 1, "ours");
    case 2:
        (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_GREEN), by);
        return indicator(text, 1, 1, more);
    case 3:
        (void)snprintf(more, sizeof more, "%s,\"x_ref\":\"indicator--00000000-0000-4000-8000-000000000003\"",
                       MARKED(TLP_GREEN));
        return indicator(text, 2, 1, more);
    case 4:
        (void)snprintf(more, sizeof more, "%s,\"x_ref\":\"indicator--00000000-0000-4000-8000-000000000002\"",
                       MARKED(TLP_CLEAR));
        return indicator(text, 3, 1, more);
    case 5:
        return indicator(text, 4, 1, MARKED(TLP_RED));
    case 6:
        return relationship(text, 1, 1, 2, MARKED(TLP_GREEN));
    case 7:
        return relationship(text, 2, 1, 4, MARKED(TLP_GREEN));
    case 8:
        (void)snprintf(more, sizeof more,
                       "%s,\"x_ref\":\"relationship--00000000-0000-4000-8000-000000000002\"",
                       MARKED(TLP_GREEN));
        return indicator(text, 5, 1, more);
    case 9:
        (void)snprintf(more, sizeof more, "%s,\"x_ref\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"",
                       MARKED(TLP_GREEN));
        return indicator(text, 6, 1, more);
    case 10:
        return address(text, 1, "");
    default:
        return indicator(text, 1, 2, MARKED(TLP_CLEAR));
    }
}

static void any_order_gives_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        int n;
        bool out;
    } expected[] = {{"identity", 1, true},      {"indicator", 1, true},         {"indicator", 2, true},
                    {"indicator", 3, true},     {"indicator", 4, false},        {"relationship", 1, true},
                    {"relationship", 2, false}, {"indicator", 5, false},        {"indicator", 6, true},
                    {"ipv4-addr", 1, true},     {"marking-definition", 1, true}};
    uint64_t seed = 99;
    char text[TEXT_MAX];
    for (int round = 0; round < 40; round++) {
        struct node n;
        int order[WORLD];
        node_init(&n);
        for (int i = 0; i < WORLD; i++)
            order[i] = i;
        for (int i = WORLD - 1; i > 0; i--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            int other = (int)((seed >> 33) % (unsigned)(i + 1)), kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
        bool classified = false, in_steps = round % 2 == 0;
        struct stix_key marking = key_of("marking-definition", 1);
        for (int i = 0; i < WORLD; i++) {
            (void)bench_add(&n.b, n.own, world(text, order[i]));
            if (in_steps)
                bench_settle(&n.b);
            if (order[i] == 1 && round % 3 != 0) {
                assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW),
                                 ERR_OK);
                classified = true;
            }
        }
        if (!classified)
            assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, NOW),
                             ERR_OK);
        bench_settle(&n.b);
        for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
            bool is = bench_is_released(&n.b, n.us, expected[i].type, expected[i].n);
            if (is != expected[i].out) {
                print_message("# round %d, %s %d; order", round, expected[i].type, expected[i].n);
                for (int k = 0; k < WORLD; k++)
                    print_message(" %d", order[k]);
                print_message("\n");
            }
            assert_int_equal(is, expected[i].out);
            assert_int_equal(bench_is_released(&n.b, n.jp, expected[i].type, expected[i].n), expected[i].out);
        }
        bench_deinit(&n.b);
    }
}

/* Old versions by the thousand say nothing, cost a bounded amount a step, and stop nothing. */
static void many_old_versions(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct buf lines;
    node_init(&n);
    buf_init(&lines, LIMIT_BATCH_BYTES);
    for (int version = 3; version >= 1; version--) {
        buf_clear(&lines);
        for (int i = 0; i < 1500; i++) {
            indicator(text, i, version, MARKED(TLP_GREEN));
            buf_put(&lines, text, strlen(text));
            buf_put(&lines, "\n", 1);
        }
        assert_int_equal(bench_accept(&n.b, n.own, (char *)lines.at, lines.len), ERR_OK);
        assert_int_equal(n.b.answers[GATE_NEW], 1500);
    }
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).released, 1500);
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 2000, 1, MARKED(TLP_GREEN)));
    bench_reopen(&n.b);
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).released, 1501);
    buf_deinit(&lines);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unmarked_waits_for_its_source),
        cmocka_unit_test(an_assumption_lapses),
        cmocka_unit_test(statement_waits_for_its_class),
        cmocka_unit_test(what_stays_here_never_leaves),
        cmocka_unit_test(a_late_definition_decides),
        cmocka_unit_test(own_amber_needs_tag_and_time),
        cmocka_unit_test(approval_ends_the_delay),
        cmocka_unit_test(stops_and_lifting_them),
        cmocka_unit_test(a_stopped_source_does_not_come_along),
        cmocka_unit_test(partners_come_and_go),
        cmocka_unit_test(the_first_history_is_decided_once),
        cmocka_unit_test(a_policy_names_a_removed_partner),
        cmocka_unit_test(a_new_policy_decides_again),
        cmocka_unit_test(more_jobs_than_fit),
        cmocka_unit_test(newer_versions_in_the_ledger),
        cmocka_unit_test(a_stricter_twin_binds),
        cmocka_unit_test(never_back_and_onward),
        cmocka_unit_test(a_partner_brings_what_was_missing),
        cmocka_unit_test(what_is_quarantined_counts_for_nobody),
        cmocka_unit_test(followers_wait_for_followers),
        cmocka_unit_test(nothing_is_said_twice),
        cmocka_unit_test(nothing_is_said_twice_at_once),
        cmocka_unit_test(a_twins_statement_is_classified),
        cmocka_unit_test(what_is_withheld_moves_nothing),
        cmocka_unit_test(any_order_gives_the_same),
        cmocka_unit_test(many_old_versions),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate decide", tests, NULL, NULL);
}
