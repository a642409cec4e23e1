/* Whatever holds an object back stands in the queue, with what ends it. */
#include "acts.h"

#define STATEMENT_ID "marking-definition--00000000-0000-4000-8000-000000000001"
#define ABSENT_ID    "marking-definition--00000000-0000-4000-8000-000000000099"

struct line {
    char rule[40], about[LIMIT_ID_BYTES], id[LIMIT_ID_BYTES];
    enum gate_remedy remedy;
    uint64_t lsn;
};
struct lines {
    size_t count;
    struct line at[16];
};

static bool take(void *ctx, const struct gate_hold *hold)
{
    struct lines *lines = ctx;
    struct line *line = &lines->at[lines->count++];
    (void)snprintf(line->rule, sizeof line->rule, "%.*s", STR_ARG(hold->rule));
    (void)snprintf(line->about, sizeof line->about, "%.*s", STR_ARG(hold->about));
    (void)snprintf(line->id, sizeof line->id, "%.*s", STR_ARG(hold->id));
    line->remedy = hold->remedy;
    line->lsn = hold->lsn;
    return lines->count < 16;
}

static struct lines list(struct node *n, unsigned partner, size_t most)
{
    struct lines lines = {0};
    struct gate_queue at = {.end = false};
    while (!at.end && lines.count < 16)
        assert_int_equal(gate_holds(n->b.gate, partner, n->b.now_us, &at, most, take, &lines), ERR_OK);
    assert_int_equal(gate_holds_count(n->b.gate, partner), lines.count);
    return lines;
}

static void expect(const struct line *line, const char *rule, enum gate_remedy remedy, const char *about)
{
    assert_string_equal(line->rule, rule);
    assert_int_equal(line->remedy, remedy);
    assert_string_equal(line->about, about);
}

static void all_that_is_held_is_listed(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct gate_hold hold;
    node_init(&n, "language 1\nhold ask if tag ask until approved\nhold shut if tag shut\n"
                  "hold paper if marking statement\n"
                  "release r if tlp <= green to us-cisa\nrelease slow if tlp == amber to us-cisa after 1h\n");
    struct stix_key asked = key_of("indicator", 6), shut = key_of("indicator", 5);
    assert_int_equal(gate_tag(n.b.gate, &asked, STR("ask"), true, &by_test, n.b.now_us), ERR_OK);
    assert_int_equal(gate_tag(n.b.gate, &shut, STR("shut"), true, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.own, statement(text, 1, "for friends"));
    add(&n, 1, MARKED(STATEMENT_ID));
    add(&n, 2, MARKED(ABSENT_ID));
    add(&n, 3, MARKED(TLP_GREEN));
    add(&n, 4, MARKED(TLP_AMBER));
    add(&n, 5, MARKED(TLP_GREEN));
    add(&n, 6, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    for (size_t most = 1; most < 4; most++) {
        struct lines lines = list(&n, n.us, most);
        assert_int_equal(lines.count, 5);
        expect(&lines.at[0], "ask", GATE_REMEDY_APPROVE, "");
        expect(&lines.at[1], "paper", GATE_REMEDY_CLASSIFY, STATEMENT_ID);
        expect(&lines.at[2], "built-in.unresolved", GATE_REMEDY_ARRIVE, ABSENT_ID);
        expect(&lines.at[3], "slow", GATE_REMEDY_TIME, "");
        expect(&lines.at[4], "shut", GATE_REMEDY_RULE, "");
        assert_int_equal(gate_waiting_count(n.b.gate, n.us), 1);
        assert_int_equal(gate_hold_find(n.b.gate, n.us, lines.at[1].lsn, n.b.now_us, &hold), ERR_OK);
        assert_int_equal(hold.approvals, 0);
        bench_reopen(&n.b);
    }
    /* What something else does ends it. */
    struct stix_key marking = key_of("marking-definition", 1);
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    later(&n, 2 * HOUR);
    struct lines lines = list(&n, n.us, 100);
    assert_int_equal(lines.count, 3);
    expect(&lines.at[1], "built-in.unresolved", GATE_REMEDY_ARRIVE, ABSENT_ID);
    node_end(&n);
}

/* An agreement that ended, a duty that cannot be carried out, a stop: each says what it is. */
static void what_no_word_ends_says_what_does(void **state)
{
    (void)state;
    struct node n;
    struct lines lines;
    node_init(&n, "language 1\nagreement mou { partners [us-cisa]; valid-until 2020-01-01 }\n"
                  "release r if tlp <= green to us-cisa\nrelease far if tlp <= green to jp-nisc with redact "
                  "\"pattern\"\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    lines = list(&n, n.us, 100);
    assert_int_equal(lines.count, 1);
    expect(&lines.at[0], "built-in.agreement", GATE_REMEDY_RENEW, "mou");
    say(&n, 1, GATE_APPROVE, "ana");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    lines = list(&n, n.jp, 100);
    assert_int_equal(lines.count, 1);
    expect(&lines.at[0], "built-in.duties", GATE_REMEDY_RULE, "");
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa\n");
    assert_int_equal(gate_stop(n.b.gate, GATE_STOP_ALL, STR(""), true, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    lines = list(&n, n.us, 100);
    assert_int_equal(lines.count, 1);
    expect(&lines.at[0], "r", GATE_REMEDY_LIFT, "");
    assert_int_equal(list(&n, n.jp, 100).count, 0);
    node_end(&n);
}

/* Budgets, and what comes along with something else, wait for nobody. */
static void what_waits_for_nobody_is_not_listed(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n,
              "language 1\nbudget slow to us-cisa 1 objects per 10d\nrelease r if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, statement(text, 1, "for friends"));
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).held, 2);
    assert_int_equal(list(&n, n.us, 100).count, 0);
    node_end(&n);
}

struct told {
    struct gate_why why;
    char rule[40], rival[40];
    unsigned lapsed;
    int64_t deadline_us;
};

static void take_step(void *ctx, const struct policy_step *step)
{
    struct told *told = ctx;
    if (!step->lapsed)
        return;
    told->lapsed++;
    told->deadline_us = step->deadline_us;
    assert_int_equal(step->lapse, POLICY_LAPSE_RELEASE);
}

static struct told explain(struct node *n, int number)
{
    struct told told = {.lapsed = 0};
    struct arena arena;
    struct stix_key key = key_of("indicator", number);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, n->us, n->b.now_us, &arena, take_step, &told, &told.why),
                     ERR_OK);
    (void)snprintf(told.rule, sizeof told.rule, "%.*s", STR_ARG(told.why.rule));
    (void)snprintf(told.rival, sizeof told.rival, "%.*s", STR_ARG(told.why.rival.source));
    arena_deinit(&arena);
    return told;
}

/* A deadline that let it go stays past while another hold keeps it: nothing begins anew. */
static void a_deadline_that_passed_stays_past(void **state)
{
    (void)state;
    struct node n;
    struct stix_key key = key_of("indicator", 1);
    node_init(&n, "language 1\nhold first if always deadline 1h default release\n"
                  "hold then if always until approved\nrelease r if tlp <= green to us-cisa\n");
    int64_t begin = n.b.now_us;
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(explain(&n, 1).lapsed, 0);
    later(&n, 2 * HOUR);
    for (int i = 0; i < 3; i++) {
        struct lines lines = list(&n, n.us, 10);
        struct told told = explain(&n, 1);
        assert_int_equal(lines.count, 1);
        assert_string_equal(lines.at[0].rule, "then");
        assert_string_equal(told.rule, "then");
        assert_int_equal(told.lapsed, 1);
        assert_true(told.deadline_us >= begin + HOUR && told.deadline_us < begin + 2 * HOUR);
        assert_int_equal(
            gate_tag(n.b.gate, &key, i % 2 == 0 ? STR("a") : STR("b"), true, &by_test, n.b.now_us), ERR_OK);
        bench_settle(&n.b);
        bench_reopen(&n.b);
    }
    say(&n, 1, GATE_APPROVE, "ana");
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    node_end(&n);
}

static void take_effect(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    if (str_eq(name, STR("ask"))) {
        assert_int_equal(effect, *(enum policy_effect *)ctx);
        assert_int_equal(count, 1);
        *(enum policy_effect *)ctx = POLICY_RELEASE; /* seen */
    }
}

static void a_hold_that_denies_by_now_is_counted_so(void **state)
{
    (void)state;
    struct node n;
    enum policy_effect effect = POLICY_HOLD;
    node_init(&n, "language 1\nhold ask if always to us-cisa deadline 1h default deny\n"
                  "release r if tlp <= green to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(gate_tally_rules(n.b.gate, n.us, take_effect, &effect), ERR_OK);
    assert_int_equal(effect, POLICY_RELEASE);
    later(&n, 2 * HOUR);
    effect = POLICY_DENY;
    assert_int_equal(gate_tally_rules(n.b.gate, n.us, take_effect, &effect), ERR_OK);
    assert_int_equal(effect, POLICY_RELEASE);
    assert_int_equal(list(&n, n.us, 10).count, 0);
    node_end(&n);
}

/* Another's copy of the same version binds with its marking: say whose. */
static void a_stricter_copy_is_named(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease r if tlp <= green to us-cisa\n");
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, false);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_string_equal(explain(&n, 1).rival, "");
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, MARKED(TLP_RED)));
    bench_settle(&n.b);
    struct told told = explain(&n, 1);
    assert_string_equal(told.rival, "feed");
    assert_int_equal(told.why.rival.tlp, STIX_TLP_RED);
    assert_true(told.why.rival.quarantined && told.why.rival.lsn > told.why.lsn);
    (void)bench_add(&n.b, feed, indicator(text, 2, 1, MARKED(TLP_CLEAR)));
    add(&n, 2, MARKED(TLP_GREEN)); /* the looser copy binds nobody */
    bench_settle(&n.b);
    told = explain(&n, 2);
    assert_true(told.rival[0] == '\0' || told.why.rival.tlp == STIX_TLP_GREEN);
    node_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_is_held_is_listed),
        cmocka_unit_test(what_no_word_ends_says_what_does),
        cmocka_unit_test(what_waits_for_nobody_is_not_listed),
        cmocka_unit_test(a_deadline_that_passed_stays_past),
        cmocka_unit_test(a_hold_that_denies_by_now_is_counted_so),
        cmocka_unit_test(a_stricter_copy_is_named),
    };
    return cmocka_run_group_tests_name("gate queue", tests, NULL, NULL);
}
