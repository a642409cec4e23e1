/* Conditions about what lies one reference away: what withholds, what a late arrival changes, and that nobody
 * gets more because of something that is kept. */
#include "gate_test.h"

struct node {
    struct bench b;
    unsigned us;
    uint32_t own;
};

static void node_init(struct node *n, const char *rules)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    bench_policy_text(&n->b, rules);
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
}

#define NEAR "language 1 deny near if neighbour.tlp > amber release r if tlp <= amber to all"
#define GRID "language 1 deny grid if victim.sector in [energy] release r if tlp <= red to all after 1s"

/* A sentence about object `about`. */
static const char *note(char out[TEXT_MAX], int n, const char *about, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":"
                   "\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"content\":\"x\","
                   "\"object_refs\":[\"%s\"]%s}",
                   id_of(id, "note", n), about, more);
    return out;
}

static bool released(struct node *n, int object)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, n->us, "indicator", object);
}

static void a_strict_neighbour_keeps_it(void **state)
{
    (void)state;
    static const struct {
        const char *marking;
        bool leaves;
    } rows[] = {{"", true},
                {MARKED(TLP_AMBER), true},
                {MARKED(TLP_RED), false},
                {MARKED("marking-definition--00000000-0000-4000-8000-000000000077"), false}}; /* not here */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int first = 0; first < 2; first++) { /* the neighbour refers to it, or it to the neighbour */
            struct node n;
            char text[TEXT_MAX], id[ID_MAX], more[300];
            node_init(&n, NEAR);
            if (first == 0) {
                (void)bench_add(&n.b, n.own, note(text, 1, id_of(id, "indicator", 1), rows[i].marking));
                (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
            } else {
                (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_GREEN),
                               id_of(id, "identity", 1));
                (void)bench_add(&n.b, n.own, identity(text, 1, "organization", rows[i].marking));
                (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
            }
            bench_settle(&n.b);
            struct gate_why why;
            struct arena arena;
            struct stix_key key = key_of("indicator", 1);
            arena_init(&arena, 64 << 20);
            assert_int_equal(gate_explain(n.b.gate, &key, n.us, n.b.now_us, &arena, NULL, NULL, &why),
                             ERR_OK);
            assert_int_equal(why.effect, rows[i].leaves ? POLICY_RELEASE : POLICY_DENY);
            if (!rows[i].leaves)
                assert_true(str_eq(why.rule, STR("near")));
            arena_deinit(&arena);
            bench_deinit(&n.b);
        }
    }
}

/* What waits is decided again when a neighbour comes, in either direction, and when its marking changes. */
static void a_late_neighbour_is_noticed(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX], more[300];
    struct gate_tally tally;
    node_init(&n, "language 1 deny near if neighbour.tlp > amber hold ask if own until approved");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_GREEN), id_of(id, "identity", 1));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    bench_settle(&n.b);
    tally = bench_tally(&n.b, n.us);
    assert_int_equal(tally.held, 2);
    assert_int_equal(tally.denied, 0);
    (void)bench_add(&n.b, n.own, note(text, 1, id_of(id, "indicator", 1), MARKED(TLP_RED)));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).denied, 1);
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", MARKED(TLP_RED)));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).denied, 2);
    bench_deinit(&n.b);
}

/* A newer version that names it no more keeps it no longer. */
static void a_neighbour_that_leaves_is_noticed(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX], more[300];
    node_init(&n, NEAR);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_RED), id_of(id, "indicator", 1));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    assert_false(released(&n, 1));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 2, MARKED(TLP_RED)));
    assert_true(released(&n, 1));
    bench_deinit(&n.b);
}

/* A definition that is classified counts for the neighbours of what carries it. */
static void a_classification_is_noticed_next_door(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    struct stix_key one = key_of("marking-definition", 1);
    node_init(&n, NEAR);
    (void)bench_add(&n.b, n.own, statement(text, 1, "see us"));
    (void)bench_add(&n.b, n.own,
                    note(text, 1, id_of(id, "indicator", 1),
                         MARKED("marking-definition--00000000-0000-4000-8000-000000000001")));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_false(released(&n, 1)); /* a statement that nobody classified counts as red */
    assert_int_equal(gate_marking_classify(n.b.gate, &one, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    assert_true(released(&n, 1));
    bench_deinit(&n.b);
}

/* What is RED and carries a definition keeps nothing else back that carries it. */
static void a_definition_has_no_neighbours(void **state)
{
    (void)state;
    static const char ours[] = "marking-definition--00000000-0000-4000-8000-000000000001";
    struct node n;
    char text[TEXT_MAX], id[ID_MAX], more[300];
    struct stix_key one = key_of("marking-definition", 1);
    node_init(&n, NEAR);
    (void)bench_add(&n.b, n.own, statement(text, 1, "see us"));
    assert_int_equal(gate_marking_classify(n.b.gate, &one, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    (void)snprintf(more, sizeof more, ",\"object_marking_refs\":[\"%s\",\"%s\"]", ours, TLP_RED);
    (void)bench_add(&n.b, n.own, note(text, 1, id_of(id, "indicator", 9), more));
    (void)snprintf(more, sizeof more, ",\"object_marking_refs\":[\"%s\"]", ours);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    assert_true(released(&n, 1));
    bench_deinit(&n.b);
}

/* Too many to look at count as the strictest. */
static void a_crowd_counts_as_red(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n, NEAR);
    for (int i = 1; i < LIMIT_NEIGHBOURS; i++)
        (void)bench_add(&n.b, n.own, note(text, i, id_of(id, "indicator", 1), ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_true(released(&n, 1));
    (void)bench_add(&n.b, n.own, note(text, LIMIT_NEIGHBOURS, id_of(id, "indicator", 2), ""));
    for (int i = 1; i <= LIMIT_NEIGHBOURS; i++)
        (void)bench_add(&n.b, n.own, note(text, 1000 + i, id_of(id, "indicator", 3), ""));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_GREEN)));
    assert_true(released(&n, 2));
    assert_false(released(&n, 3));
    bench_deinit(&n.b);
}

/* Two crowds that name each other: deciding comes to an end. */
static void crowds_that_name_each_other_come_to_rest(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX], more[300];
    node_init(&n, NEAR);
    for (int hub = 1; hub <= 2; hub++) {
        (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_GREEN),
                       id_of(id, "indicator", 3 - hub));
        (void)bench_add(&n.b, n.own, indicator(text, hub, 1, more));
        for (int i = 1; i <= LIMIT_NEIGHBOURS + 4; i++)
            (void)bench_add(&n.b, n.own, note(text, 1000 * hub + i, id_of(id, "indicator", hub), ""));
    }
    bench_settle(&n.b);
    for (int hub = 1; hub <= 2; hub++) { /* both again, now that each has its crowd */
        (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_GREEN),
                       id_of(id, "indicator", 3 - hub));
        (void)bench_add(&n.b, n.own, indicator(text, hub, 2, more));
    }
    unsigned steps = 0;
    bool going = true;
    for (int64_t next; going && steps < 100; steps++)
        assert_int_equal(gate_step(n.b.gate, n.b.now_us += 1000, &going, &next), ERR_OK);
    assert_in_range(steps, 1, 99);
    bench_deinit(&n.b);
}

/* The same objects twice, the second time with more that is kept beside them: nobody gets more. */
static void what_is_kept_lets_nothing_go(void **state)
{
    (void)state;
    enum { OBJECTS = 6, NOTES = 6 };
    static const char *const markings[] = {"", MARKED(TLP_CLEAR), MARKED(TLP_AMBER), MARKED(TLP_RED)};
    unsigned fewer = 0;
    for (unsigned seed = 1; seed <= 20; seed++) {
        unsigned mask[2] = {0, 0};
        for (unsigned more = 0; more < 2; more++) {
            struct node n;
            char text[TEXT_MAX], id[ID_MAX];
            unsigned drawn = seed;
            node_init(&n, NEAR);
            for (int i = 1; i <= NOTES; i++) {
                drawn = drawn * 1103515245u + 12345u;
                bool extra = (drawn >> 16) % 2 == 0; /* stays here, and only in the second world */
                const char *marking = extra ? MARKED(TLP_RED) : markings[(drawn >> 20) % 3];
                if (!extra || more == 1)
                    (void)bench_add(
                        &n.b, n.own,
                        note(text, i, id_of(id, "indicator", 1 + (int)(drawn >> 24) % OBJECTS), marking));
            }
            for (int i = 1; i <= OBJECTS; i++)
                (void)bench_add(&n.b, n.own, indicator(text, i, 1, MARKED(TLP_GREEN)));
            for (int i = 1; i <= OBJECTS; i++)
                mask[more] |= (unsigned)released(&n, i) << i;
            bench_deinit(&n.b);
        }
        assert_int_equal(mask[1] & ~mask[0], 0);
        fewer += mask[1] != mask[0];
    }
    assert_in_range(fewer, 5, 20); /* it did make a difference */
}

/* --- victims --- */

static const char *targets(char out[TEXT_MAX], int n, int from, int to)
{
    char id[ID_MAX], source[ID_MAX], target[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"relationship\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"relationship_type\":\"targets\",\"source_ref\":\"%s\",\"target_ref\":\"%s\"}",
                   id_of(id, "relationship", n), id_of(source, "indicator", from),
                   id_of(target, "identity", to));
    return out;
}

static const char *sighting(char out[TEXT_MAX], int n, int of, int where)
{
    char id[ID_MAX], seen[ID_MAX], at[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"sighting\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"sighting_of_ref\":\"%s\",\"where_sighted_refs\":[\"%s\"]}",
                   id_of(id, "sighting", n), id_of(seen, "indicator", of), id_of(at, "identity", where));
    return out;
}

/* In all orders of arrival the same is kept, as long as it waits for the last of the three. */
static void a_victims_sector_keeps_it(void **state)
{
    (void)state;
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < 24; i++) {
        struct node n;
        char text[TEXT_MAX];
        bool energy = i / 12 == 0, seen = i / 6 % 2 == 0;
        node_init(&n, GRID);
        for (size_t k = 0; k < 3; k++) {
            if (orders[i % 6][k] == 0)
                (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
            else if (orders[i % 6][k] == 1)
                (void)bench_add(&n.b, n.own, seen ? sighting(text, 1, 1, 1) : targets(text, 1, 1, 1));
            else
                (void)bench_add(
                    &n.b, n.own,
                    identity(text, 1, "organization",
                             energy ? ",\"sectors\":[\"water\",\"energy\"]" : ",\"sectors\":[\"water\"]"));
            bench_settle(&n.b); /* a step each: 1 ms of the wait of one second passes */
        }
        assert_int_equal(bench_tally(&n.b, n.us).denied, energy ? 3 : 2); /* two carry no marking */
        n.b.now_us += 2000000;
        assert_int_equal(released(&n, 1), !energy);
        bench_deinit(&n.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_strict_neighbour_keeps_it),
        cmocka_unit_test(a_late_neighbour_is_noticed),
        cmocka_unit_test(a_neighbour_that_leaves_is_noticed),
        cmocka_unit_test(a_classification_is_noticed_next_door),
        cmocka_unit_test(a_definition_has_no_neighbours),
        cmocka_unit_test(a_crowd_counts_as_red),
        cmocka_unit_test(crowds_that_name_each_other_come_to_rest),
        cmocka_unit_test(what_is_kept_lets_nothing_go),
        cmocka_unit_test(a_victims_sector_keeps_it),
    };
    return cmocka_run_group_tests_name("gate neighbour", tests, NULL, NULL);
}
