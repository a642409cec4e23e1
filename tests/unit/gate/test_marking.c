/* Markings beyond TLP's own identifiers: what each comes down to, whose word counts, and circles. */
#include "gate_test.h"

struct node {
    struct bench b;
    unsigned us;
    uint32_t own, feed, other; /* our source, and two of strangers */
};

static void node_init(struct node *n)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    bench_policy_text(&n->b, "language 1 release any if tlp <= red to us-cisa");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    n->feed = bench_source(&n->b, "feed", STIX_TLP_NONE, false, false);
    n->other = bench_source(&n->b, "other", STIX_TLP_NONE, false, false);
}

/* A marking-definition with those further members. */
static const char *definition(char out[TEXT_MAX], int n, const char *members)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",%s}",
                   id_of(id, "marking-definition", n), members);
    return out;
}

#define ONE        "marking-definition--00000000-0000-4000-8000-000000000001"
#define TWO        "marking-definition--00000000-0000-4000-8000-000000000002"
#define THREE      "marking-definition--00000000-0000-4000-8000-000000000003"
#define SAYS(text) "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"" text "\"}"
#define ACS(classification)                                                                                  \
    "\"extensions\":{\"extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce\":{\"extension_type\":"    \
    "\"property-extension\",\"identifier\":\"i\",\"create_date_time\":\"2018-05-27T14:10:26.723Z\","         \
    "\"responsible_entity_custodian\":\"USA.DHS\",\"policy_reference\":\"urn:isa:policy:acs:ns:v3.0?"        \
    "privdefault=permit&sharedefault=permit\",\"control_set\":{\"classification\":\"" classification         \
    "\",\"formal_determination\":[\"PUBREL\"]}}}"

struct seen {
    unsigned count;
    char state[16], why[120];
    enum stix_tlp tlp;
};

static bool keep(void *ctx, const struct gate_marking *marking)
{
    struct seen *seen = ctx;
    seen->count++;
    seen->tlp = marking->tlp;
    (void)snprintf(seen->state, sizeof seen->state, "%s", marking->state);
    (void)snprintf(seen->why, sizeof seen->why, "%s", marking->why);
    return true;
}

/* How the one marking of indicator `number` is read. */
static struct seen look(struct node *n, int number)
{
    struct seen seen = {0};
    struct arena arena;
    struct stix_key key = key_of("indicator", number);
    arena_init(&arena, 64 << 20);
    bench_settle(&n->b);
    assert_int_equal(gate_markings(n->b.gate, &key, n->b.now_us, &arena, keep, &seen), ERR_OK);
    assert_int_equal(seen.count, 1);
    arena_deinit(&arena);
    return seen;
}

static void only_its_source_or_we_define_a_marking(void **state)
{
    (void)state;
    static const struct {
        bool by_own, by_other;
        const char *word;
        enum stix_tlp tlp;
    } cases[] = {{false, false, "known", STIX_TLP_RED},
                 {true, false, "known", STIX_TLP_RED},
                 {false, true, "statement", STIX_TLP_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n);
        uint32_t by = cases[i].by_own ? n.own : cases[i].by_other ? n.other : n.feed;
        (void)bench_add(&n.b, by, definition(text, 1, SAYS("TLP:RED")));
        (void)bench_add(&n.b, n.feed, indicator(text, 1, 1, MARKED(ONE)));
        struct seen seen = look(&n, 1);
        assert_string_equal(seen.state, cases[i].word);
        assert_int_equal(seen.tlp, cases[i].tlp);
        bench_deinit(&n.b);
    }
}

static void acs_is_read_or_denied(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own,
                    definition(text, 1, ACS("U") ",\"object_marking_refs\":[\"" TLP_CLEAR "\"]"));
    (void)bench_add(&n.b, n.own,
                    definition(text, 2, ACS("S") ",\"object_marking_refs\":[\"" TLP_CLEAR "\"]"));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TWO)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "known");
    assert_int_equal(seen.tlp, STIX_TLP_CLEAR);
    seen = look(&n, 2);
    assert_string_equal(seen.state, "unknown");
    assert_string_equal(seen.why, "ACS: classified");
    bench_deinit(&n.b);
}

/* The one and only rule would release everything: the built-in rule stands before it. */
static void what_is_unread_never_leaves(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, definition(text, 2, ACS("TS")));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TWO)));
    (void)bench_add(&n.b, n.own,
                    indicator(text, 3, 1, ",\"object_marking_refs\":[\"" TLP_CLEAR "\",\"" TWO "\"]"));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    bench_deinit(&n.b);
}

static void circles_are_unknown(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    struct stix_key keys[] = {key_of("marking-definition", 1), key_of("marking-definition", 2),
                              key_of("marking-definition", 3)};
    static const char *const members[] = {SAYS("tlp:amber") MARKED(TWO), SAYS("tlp:amber") MARKED(THREE),
                                          SAYS("tlp:amber") MARKED(ONE)};
    for (int i = 0; i < 3; i++)
        (void)bench_add(&n.b, n.own, definition(text, i + 1, members[i]));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "unknown");
    assert_non_null(strstr(seen.why, "marked by itself"));
    /* No operator's word about one of them opens the circle. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(gate_marking_classify(n.b.gate, &keys[i], STIX_TLP_CLEAR, &by_test, n.b.now_us),
                         ERR_OK);
    seen = look(&n, 1);
    assert_string_equal(seen.state, "unknown");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_deinit(&n.b);
}

/* A chain is no circle: the definition at its end is reached, and each is marked by the next. */
static void chains_are_read(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, definition(text, 1, SAYS("tlp:amber") MARKED(TWO)));
    (void)bench_add(&n.b, n.own, definition(text, 2, SAYS("tlp:amber") MARKED(THREE)));
    (void)bench_add(&n.b, n.own, definition(text, 3, SAYS("tlp:red") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    struct seen seen = look(&n, 1);
    assert_string_equal(seen.state, "known");
    assert_int_equal(seen.tlp, STIX_TLP_AMBER);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.us, "marking-definition", 3));
    bench_deinit(&n.b);
}

static bool goes(struct node *n, unsigned partner, int number)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, partner, "indicator", number);
}

/* A marking that an operator mapped to partners lets go to these alone, whatever else is said. */
static void a_grant_names_its_partners(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    unsigned jp = bench_partner(&n.b, "jp-nisc");
    bench_policy_text(&n.b, "language 1 release any if always to all");
    struct stix_key one = bench_key(ONE), two = bench_key(TWO);
    (void)bench_add(&n.b, n.own, definition(text, 1, SAYS("the first group") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, definition(text, 2, SAYS("the second group") MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(ONE)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(ONE "\",\"" TWO)));
    assert_false(goes(&n, n.us, 1) || goes(&n, jp, 1)); /* nobody said who is in it */
    uint64_t bit_us = UINT64_C(1) << n.us, bit_jp = UINT64_C(1) << jp;
    assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_GREEN, bit_us, &by_test, NOW), ERR_OK);
    assert_true(goes(&n, n.us, 1));
    assert_false(goes(&n, jp, 1) || goes(&n, n.us, 2));
    /* In both groups at once: only who is in both. */
    assert_int_equal(gate_marking_grant(n.b.gate, &two, STIX_TLP_CLEAR, bit_jp, &by_test, NOW), ERR_OK);
    assert_false(goes(&n, n.us, 2) || goes(&n, jp, 2));
    assert_int_equal(gate_marking_grant(n.b.gate, &two, STIX_TLP_CLEAR, bit_us | bit_jp, &by_test, NOW),
                     ERR_OK);
    assert_true(goes(&n, n.us, 2));
    assert_false(goes(&n, jp, 2));
    /* Read again from what is stored, it still binds; and it may name nobody. */
    bench_reopen(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(ONE)));
    assert_true(goes(&n, n.us, 3));
    assert_false(goes(&n, jp, 3));
    assert_int_equal(gate_marking_grant(n.b.gate, &one, STIX_TLP_GREEN, 0, &by_test, NOW), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, MARKED(ONE)));
    assert_false(goes(&n, n.us, 4) || goes(&n, jp, 4));
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_its_source_or_we_define_a_marking),
        cmocka_unit_test(acs_is_read_or_denied),
        cmocka_unit_test(what_is_unread_never_leaves),
        cmocka_unit_test(circles_are_unknown),
        cmocka_unit_test(chains_are_read),
        cmocka_unit_test(a_grant_names_its_partners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
