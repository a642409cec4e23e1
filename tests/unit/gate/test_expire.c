/* The duty `expire`: what a partner's time is over with goes in whatever version, form or language he has it.
 */
#include "acts.h"

/* Everything that us reads has this so often. */
static void expect(struct node *n, const char *part, size_t count)
{
    assert_int_equal(minted_of(n, n->us, part), count);
}

static void translate(struct node *n, int number, const char *of, int version, const char *text_of)
{
    char text[TEXT_MAX], id[ID_MAX];
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:01.000Z\","
                   "\"object_ref\":\"%s-0000-4000-8000-00000000000%d\",\"object_modified\":"
                   "\"2026-01-01T00:00:%02d.000Z\",\"contents\":{\"ko\":{\"name\":\"%s\"}}}",
                   id_of(id, "language-content", number), of, number % 10, version, text_of);
    (void)bench_add(&n->b, n->own, text);
    bench_settle(&n->b);
}

#define OF_INDICATOR "indicator--00000000"
#define OF_WORDS     "language-content--00000000"

/* An older version that no time was set for goes with the newer one. */
static void older_versions_go(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(
        &n,
        "language 1\nrelease plain if tlp == clear to all\n"
        "release brief if tlp == green to us-cisa with expire 7d\nrelease r if tlp == green to jp-nisc\n");
    add(&n, 1, MARKED(TLP_CLEAR) ",\"name\":\"first\"");
    add(&n, 2, MARKED(TLP_CLEAR) ",\"name\":\"other\"");
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN) ",\"name\":\"second\""));
    bench_settle(&n.b);
    expect(&n, "first", 1);
    expect(&n, "second", 1);
    bench_reopen(&n.b);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "second", 0);
    expect(&n, "first", 0);
    expect(&n, "other", 1);
    assert_int_equal(minted_of(&n, n.jp, "first"), 1);
    /* What says something newer goes, and has its own time. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 3, MARKED(TLP_CLEAR) ",\"name\":\"third\""));
    bench_settle(&n.b);
    later(&n, 30 * DAY);
    expect(&n, "third", 1);
    node_end(&n);
}

/* What came later is not over with what came before. */
static void newer_versions_stay(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease plain if tlp == clear to us-cisa\n"
                  "release brief if tlp == green to us-cisa with expire 7d\n");
    add(&n, 1, MARKED(TLP_GREEN) ",\"name\":\"first\"");
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR) ",\"name\":\"second\""));
    bench_settle(&n.b);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "first", 0);
    expect(&n, "second", 1);
    node_end(&n);
}

/* A form that was minted under an older policy goes with the object itself; and the other way round. */
static void older_forms_go(void **state)
{
    (void)state;
    static const char part[] = "language 1\nrelease r if tlp <= green to us-cisa with redact \"x_inner\"\n";
    static const char brief[] = "language 1\nrelease r if tlp <= green to us-cisa with expire 7d\n";
    static const char both[] =
        "language 1\nrelease r if tlp <= green to us-cisa with redact \"x_inner\", expire 7d\n";
    struct node n;
    node_init(&n, part);
    add(&n, 1, ",\"x_inner\":\"one\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    expect(&n, "198.51.100.1", 1);
    bench_policy_text(&n.b, brief);
    bench_settle(&n.b);
    expect(&n, "198.51.100.1", 2);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "198.51.100.1", 0);
    bench_policy_text(&n.b, part);
    add(&n, 2, ",\"x_inner\":\"one\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    expect(&n, "198.51.100.2", 1);
    bench_policy_text(&n.b, both);
    char text[TEXT_MAX];
    (void)bench_add(&n.b, n.own,
                    indicator(text, 2, 2, ",\"name\":\"changed\",\"x_inner\":\"one\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    expect(&n, "198.51.100.2", 2);
    bench_reopen(&n.b);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "198.51.100.2", 0);
    node_end(&n);
}

/* What translates it, however far, goes with it, and does not come afterwards. */
static void translations_go(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease words if type == language-content to us-cisa\n"
                  "release brief if tlp == green to us-cisa with expire 7d\n"
                  "release plain if tlp == clear to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN) ",\"name\":\"canary\"");
    add(&n, 2, MARKED(TLP_CLEAR) ",\"name\":\"canary\"");
    bench_settle(&n.b);
    translate(&n, 1, OF_INDICATOR, 1, "words of it");
    translate(&n, 11, OF_WORDS, 1, "words of words of it");
    translate(&n, 2, OF_INDICATOR, 1, "words of another");
    expect(&n, "words of it", 2);
    bench_reopen(&n.b);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "canary", 1);
    expect(&n, "words of it", 0);
    expect(&n, "words of another", 1);
    translate(&n, 21, OF_INDICATOR, 1, "words of it come late");
    expect(&n, "words of it", 0);
    /* Of what says something newer. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR) ",\"name\":\"newer\""));
    translate(&n, 31, OF_INDICATOR, 2, "words of the newer one");
    expect(&n, "newer", 2);
    later(&n, 7 * DAY);
    expect(&n, "newer", 2);
    node_end(&n);
}

/* Of a version whose time is over; those of one whose time is not stay. */
static void a_translation_follows_its_version(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease words if type == language-content to us-cisa\n"
                  "release brief if tlp == green to us-cisa with expire 7d\n"
                  "release plain if tlp == clear to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    translate(&n, 1, OF_INDICATOR, 1, "words of the first");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR)));
    translate(&n, 11, OF_INDICATOR, 2, "words of the second");
    expect(&n, "words of", 2);
    later(&n, 7 * DAY + HOUR);
    expect(&n, "words of the first", 0);
    expect(&n, "words of the second", 1);
    node_end(&n);
}

/* --- what people are told of it --- */

static struct gate_why why_of(struct node *n, int number)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("indicator", number);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, n->us, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    arena_deinit(&arena);
    return why;
}

static void what_is_over_is_said_to_be(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease brief if tlp == green to us-cisa with expire 7d\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(why_of(&n, 1).beyond, GATE_BEYOND_NOT);
    later(&n, 8 * DAY);
    assert_int_equal(why_of(&n, 1).beyond, GATE_BEYOND_TIME);
    /* It does not help to approve it, whoever does. */
    say(&n, 1, GATE_APPROVE, "kim");
    assert_int_equal(why_of(&n, 1).beyond, GATE_BEYOND_TIME);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    node_end(&n);
}

static void when_a_budget_has_room_is_said(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "language 1\nbudget slow to us-cisa 1 objects per 1d\nrelease r if tlp <= green to all\n",
        "language 1\nbudget slow to us-cisa 1 KB per 1d\nrelease r if tlp <= green to all\n"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct node n;
        char name[1024];
        node_init(&n, policies[i]);
        int64_t first_us = n.b.now_us;
        (void)snprintf(name, sizeof name, "%s,\"name\":\"%0500d\"", MARKED(TLP_GREEN), 1);
        add(&n, 1, name);
        bench_settle(&n.b);
        int64_t sent_us = n.b.now_us;
        later(&n, HOUR);
        add(&n, 2, name);
        bench_settle(&n.b);
        struct gate_why why = why_of(&n, 2);
        assert_int_equal(why.beyond, GATE_BEYOND_BUDGET);
        assert_in_range(why.room_us, first_us + DAY, sent_us + DAY);
        n.b.now_us = why.room_us - HOUR;
        bench_settle(&n.b);
        assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
        n.b.now_us = why.room_us + 1;
        bench_settle(&n.b);
        assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
        assert_int_equal(why_of(&n, 2).beyond, GATE_BEYOND_NOT);
        node_end(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_versions_go),
        cmocka_unit_test(newer_versions_stay),
        cmocka_unit_test(older_forms_go),
        cmocka_unit_test(translations_go),
        cmocka_unit_test(a_translation_follows_its_version),
        cmocka_unit_test(what_is_over_is_said_to_be),
        cmocka_unit_test(when_a_budget_has_room_is_said),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate expire", tests, NULL, NULL);
}
