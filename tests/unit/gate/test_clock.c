/* A clock that jumped: what time takes away goes, and what time lets go waits for a confirmation. */
#include "acts.h"
#include "gate/retention.h"

#define GIVE "release g if tlp <= green to us-cisa\n"

static const struct gate_forgotten none;

/* As a node that runs for so many days. */
static void pass(struct node *n, int days)
{
    for (int i = 0; i < 2 * days; i++) {
        later(n, DAY / 2);
        assert_int_equal(gate_retained(n->b.gate, &none, n->b.now_us), ERR_OK);
    }
}

static void confirm(struct node *n)
{
    assert_int_equal(gate_clock_confirm(n->b.gate, &by_test, n->b.now_us), ERR_OK);
    bench_settle(&n->b);
}

static bool given(struct node *n, int number)
{
    return bench_is_released(&n->b, n->us, "indicator", number);
}

/* What lets an indicator go after no more than 30 days. */
static const char *const releases[] = {
    "language 1\nhold e if always until 2027-02-10\n" GIVE,
    "language 1\ndeny e if always until 2027-02-10\n" GIVE,
    "language 1\nhold h if always until approved deadline 20d default release\n" GIVE,
    "language 1\nrelease g if tlp <= green to us-cisa after 30d\n",
    "language 1\nrelease g if tlp <= green and age.received > 20d to us-cisa\n",
    "language 1\nhold y if age.received < 20d\n" GIVE,
};
enum { RELEASES = sizeof releases / sizeof *releases };

/* It waited before the jump (1), or came behind it (2). */
static void jump(struct node *n, const char *policy)
{
    node_init(n, policy);
    add(n, 1, MARKED(TLP_GREEN));
    bench_settle(&n->b);
    pass(n, 1);
    later(n, 60 * DAY);
    add(n, 2, MARKED(TLP_GREEN));
    bench_settle(&n->b);
    assert_int_equal(effect_of(n, 1),
                     strstr(policy, "deny") == NULL && strstr(policy, "age.received >") == NULL
                         ? POLICY_HOLD
                         : POLICY_DENY);
}

static void what_time_lets_go_waits(void **state)
{
    (void)state;
    for (size_t i = 0; i < RELEASES; i++) {
        struct node n;
        jump(&n, releases[i]);
        for (int day = 0; day < 3; day++) { /* it goes on as it is, and through a restart */
            assert_false(given(&n, 1));
            assert_false(given(&n, 2));
            later(&n, 40 * DAY);
            bench_reopen(&n.b);
            bench_settle(&n.b);
        }
        assert_true(gate_clock_holds(n.b.gate));
        confirm(&n);
        assert_false(gate_clock_holds(n.b.gate));
        assert_true(given(&n, 1));
        node_end(&n);
    }
}

/* Nobody confirms it: the clock is set right, and all goes when its time has come. */
static void a_clock_set_right_again_needs_no_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < RELEASES; i++) {
        struct node n;
        jump(&n, releases[i]);
        bench_reopen(&n.b);
        later(&n, -60 * DAY);
        assert_false(gate_clock_holds(n.b.gate));
        pass(&n, 17);
        assert_false(given(&n, 1));
        pass(&n, 14);
        assert_true(given(&n, 1));
        node_end(&n);
    }
}

/* A day is believed, again and again while the node runs; and what no time is asked for does not wait. */
static void only_time_waits(void **state)
{
    (void)state;
    struct node n;
    jump(&n, "language 1\nhold e if tlp == green until 2027-02-10\nrelease g if tlp <= green to us-cisa\n");
    add(&n, 3, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    assert_true(given(&n, 3));
    assert_false(given(&n, 2));
    node_end(&n);
    node_init(&n, releases[2]);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    pass(&n, 21);
    assert_true(given(&n, 1));
    node_end(&n);
}

/* Whoever runs no retention yet has no time to hold against it. */
static void before_the_first_run_nothing_waits(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, releases[0]);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    later(&n, 60 * DAY);
    assert_true(given(&n, 1));
    node_end(&n);
}

static void a_person_need_not_wait(void **state)
{
    (void)state;
    struct node n;
    jump(&n, releases[2]);
    assert_int_equal(gate_holds_count(n.b.gate, n.us), 2); /* both stand in the queue */
    say(&n, 1, GATE_APPROVE, "kim");
    assert_true(given(&n, 1));
    assert_false(given(&n, 2));
    node_end(&n);
}

static void what_time_takes_away_does_not_wait(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease g if tlp <= green to us-cisa with expire 30d\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    expect_bytes(&n, 1, (bool[]) {true});
    pass(&n, 1);
    later(&n, 60 * DAY);
    expect_bytes(&n, 2, (bool[]) {false, false});
    assert_false(given(&n, 1));
    node_end(&n);
    node_init(&n, "language 1\nagreement a { partners [us-cisa]; valid-until 2027-02-10 }\n" GIVE);
    pass(&n, 1);
    later(&n, 60 * DAY);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(effect_of(&n, 1), POLICY_HOLD);
    assert_false(given(&n, 1));
    node_end(&n);
    node_init(&n, "language 1\nhold h if tlp == green until approved deadline 20d default deny\n" GIVE);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    pass(&n, 1);
    later(&n, 60 * DAY);
    assert_int_equal(effect_of(&n, 1), POLICY_DENY);
    node_end(&n);
}

/* A duty that ends by a clock which nobody believes binds. */
static void duties_of_both_times_bind(void **state)
{
    (void)state;
    struct node n;
    node_init(
        &n,
        "language 1\nrelease a if tlp <= green to us-cisa until 2027-02-10 with redact \"x_inner\"\n" GIVE);
    pass(&n, 1);
    later(&n, 60 * DAY);
    add(&n, 1, ",\"x_inner\":\"bimil\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 1);
    assert_int_equal(minted_of(&n, n.us, "bimil"), 0);
    confirm(&n);
    assert_int_equal(minted_of(&n, n.us, "bimil"), 1);
    node_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_time_lets_go_waits),   cmocka_unit_test(a_clock_set_right_again_needs_no_word),
        cmocka_unit_test(only_time_waits),           cmocka_unit_test(before_the_first_run_nothing_waits),
        cmocka_unit_test(a_person_need_not_wait),    cmocka_unit_test(what_time_takes_away_does_not_wait),
        cmocka_unit_test(duties_of_both_times_bind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
