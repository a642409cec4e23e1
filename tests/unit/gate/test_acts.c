/* What a policy does besides letting go: waiting for people, budgets, duties, the time after. */
#include "acts.h"

#include "gate/query.h"

/* --- people --- */

#define FOUR_EYES                                                                                            \
    "language 1\nhold eyes if always until approved by 2\nrelease r if tlp <= green to us-cisa\n"

static void two_different_people_approve(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, FOUR_EYES);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "ana");
    say(&n, 1, GATE_APPROVE, "ana");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    say(&n, 1, GATE_DENY, "bo"); /* takes hers back */
    say(&n, 1, GATE_APPROVE, "bo");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    say(&n, 1, GATE_APPROVE, "ana");
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    node_end(&n);
}

static void expect_approvers(struct node *n, const char *names)
{
    struct gate_why why;
    struct stix_key key = key_of("indicator", 1);
    struct arena arena;
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, n->us, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(str_eq(why.approvers, str_of(names)));
    arena_deinit(&arena);
}

/* As one of two counts who is an operator at the moment; others' words end what one may end. */
static void operators_are_the_persons(void **state)
{
    (void)state;
    struct node n;
    struct gate_hold hold;
    struct stix_key key = key_of("indicator", 1);
    struct stamp version;
    uint64_t lsn;
    struct str names[] = {STR("ana"), STR("bo")};
    struct gate_operators operators = {2, names};
    bench_init(&n.b);
    gate_close(n.b.gate);
    struct gate_setup setup = {
        .os = os_linux(), .dir = n.b.dir, .node_name = STR("kr"), .diag = &bench_diag, .persons = &operators};
    assert_int_equal(gate_open(&setup, &n.b.gate), ERR_OK);
    n.us = bench_partner(&n.b, "us-cisa");
    n.jp = bench_partner(&n.b, "jp-nisc");
    n.own = bench_source(&n.b, "own", STIX_TLP_NONE, true, false);
    bench_policy_text(&n.b, FOUR_EYES);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "root");
    say(&n, 1, GATE_APPROVE, "bongsu");
    say(&n, 1, GATE_APPROVE, "ana");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(gate_approve_which(n.b.gate, &key, &lsn, &version), ERR_OK);
    assert_int_equal(gate_hold_find(n.b.gate, n.us, lsn, n.b.now_us, &hold), ERR_OK);
    assert_int_equal(hold.approved, 1);
    names[0] = STR("cy"); /* ana is one no more */
    say(&n, 1, GATE_APPROVE, "bo");
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    expect_approvers(&n, "bo"); /* the others' words stand in the log, and let nothing go */
    say(&n, 1, GATE_APPROVE, "cy");
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    expect_approvers(&n, "bo, cy");
    operators.count = 0; /* what they let go stays */
    bench_policy_text(&n.b, FOUR_EYES "# again\n");
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_policy_text(
        &n.b, "language 1\nhold ask if always until approved\nrelease r if tlp <= green to us-cisa\n");
    add(&n, 2, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say(&n, 2, GATE_APPROVE, "root"); /* one is enough: whoever it is */
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    node_end(&n);
}

/* Who read one version does not let the next one go. */
static void an_approval_is_of_the_version_read(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct gate_by ana = {STR("ana"), STR("read it")};
    struct stix_key key = key_of("indicator", 1);
    uint64_t first, second;
    struct stamp version;
    struct gate_hold hold;
    node_init(
        &n,
        "language 1\nhold ask if always to us-cisa until approved\nrelease r if tlp <= green to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(gate_approve_which(n.b.gate, &key, &first, &version), ERR_OK);
    assert_int_equal(gate_hold_find(n.b.gate, n.us, first, n.b.now_us, &hold), ERR_OK);
    assert_true(hold.lsn == first && stamp_cmp(hold.version, version) == 0);
    assert_int_equal(gate_hold_find(n.b.gate, n.jp, first, n.b.now_us, &hold), ERR_NOTFOUND);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(gate_approve_which(n.b.gate, &key, &second, &version), ERR_OK);
    assert_true(second > first);
    assert_int_equal(gate_hold_find(n.b.gate, n.us, first, n.b.now_us, &hold), ERR_NOTFOUND);
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, first, &ana, n.b.now_us), ERR_CONFLICT);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, second, &ana, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(gate_hold_find(n.b.gate, n.us, second, n.b.now_us, &hold), ERR_NOTFOUND);
    node_end(&n);
}

struct queue {
    size_t count;
    struct gate_hold at[8];
    char rule[8][32];
};

static bool take_hold(void *ctx, const struct gate_hold *hold)
{
    struct queue *queue = ctx;
    queue->at[queue->count] = *hold;
    (void)snprintf(queue->rule[queue->count], 32, "%.*s", STR_ARG(hold->rule));
    queue->count++;
    return queue->count < 8;
}

static struct queue queue_of(struct node *n, unsigned partner)
{
    struct queue queue = {0};
    struct gate_queue at = {.end = false};
    while (!at.end && queue.count < 8) /* two at a time: it goes on where it stood */
        assert_int_equal(gate_holds(n->b.gate, partner, n->b.now_us, &at, 2, take_hold, &queue), ERR_OK);
    assert_int_equal(gate_holds_count(n->b.gate, partner), queue.count);
    return queue;
}

static void the_queue_says_who_waits_since_when(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n,
              "language 1\nhold ask if tlp == green to us-cisa deadline 48h remind 24h default deny\n"
              "hold eyes if tlp == clear to us-cisa until approved by 2\nrelease r if tlp <= green to all\n");
    add(&n, 1, MARKED(TLP_GREEN));
    later(&n, HOUR);
    add(&n, 2, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    say(&n, 2, GATE_APPROVE, "ana");
    bench_reopen(&n.b);
    struct queue queue = queue_of(&n, n.us);
    assert_int_equal(queue.count, 2);
    assert_string_equal(queue.rule[0], "ask");
    assert_true(queue.at[0].deadline_us == queue.at[0].since_us + 48 * HOUR);
    assert_true(queue.at[0].remind_us == queue.at[0].since_us + 24 * HOUR);
    assert_int_equal(queue.at[0].lapse, POLICY_LAPSE_DENY);
    assert_string_equal(queue.rule[1], "eyes");
    assert_int_equal(queue.at[1].approvals, 2);
    assert_int_equal(queue.at[1].approved, 1);
    assert_true(queue.at[1].since_us > queue.at[0].since_us);
    assert_int_equal(queue_of(&n, n.jp).count, 0);
    /* What is decided again for another reason waits since when it did. */
    int64_t since = queue.at[0].since_us;
    struct gate_late late;
    assert_int_equal(gate_late(n.b.gate, n.us, since + 24 * HOUR - 1, &late), ERR_OK);
    assert_int_equal(late.reminded, 0);
    assert_true(late.deadline_us == since + 48 * HOUR);
    assert_int_equal(gate_late(n.b.gate, n.us, since + 24 * HOUR, &late), ERR_OK);
    assert_int_equal(late.reminded, 1); /* of who is to approve nobody is reminded */
    assert_true(late.deadline_us == since + 48 * HOUR && !late.more);
    assert_int_equal(gate_late(n.b.gate, n.jp, since + 24 * HOUR, &late), ERR_OK);
    assert_true(late.reminded == 0 && late.deadline_us == 0);
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_tag(n.b.gate, &key, STR("seen"), true, &by_test, n.b.now_us), ERR_OK);
    later(&n, 12 * HOUR);
    assert_true(queue_of(&n, n.us).at[0].since_us == since);
    /* A newer version begins anew. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    queue = queue_of(&n, n.us);
    assert_int_equal(queue.count, 2);
    assert_string_equal(queue.rule[1], "ask");
    assert_true(queue.at[1].since_us > since + 12 * HOUR);
    say(&n, 2, GATE_APPROVE, "bo");
    assert_int_equal(queue_of(&n, n.us).count, 1);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    node_end(&n);
}

/* It waits for people, and a part of it will not leave whatever they say: it stands in the queue like all
 * that waits, and leaves without that part. */
static void what_waits_but_for_a_denied_part_is_in_the_queue(void **state)
{
    (void)state;
    struct node n;
    static const char part[] =
        ",\"description\":\"the inner part\",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED
        "\",\"selectors\":[\"description\"]}]";
    char more[512];
    node_init(&n, "language 1\ndeny red if has tlp and tlp == red\n"
                  "hold ask if tlp == green to us-cisa deadline 48h remind 24h default release\n"
                  "hold nod if tlp == clear to us-cisa deadline 48h default deny\n"
                  "release r if tlp <= green to all\n");
    (void)snprintf(more, sizeof more, "%s%s", part, MARKED(TLP_GREEN));
    add(&n, 1, more);
    add(&n, 2, more);
    (void)snprintf(more, sizeof more, "%s%s", part, MARKED(TLP_CLEAR));
    add(&n, 3, more);
    /* Without its pattern it would be no indicator: no word of anybody lets it go. */
    add(&n, 4,
        ",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED
        "\",\"selectors\":[\"pattern\"]}]" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    struct queue queue = queue_of(&n, n.us);
    assert_int_equal(queue.count, 3);
    assert_string_equal(queue.rule[0], "ask");
    assert_true(queue.at[0].deadline_us == queue.at[0].since_us + 48 * HOUR);
    assert_true(queue.at[0].remind_us == queue.at[0].since_us + 24 * HOUR);
    assert_int_equal(effect_of(&n, 1), POLICY_HOLD);
    assert_int_equal(effect_of(&n, 4), POLICY_DENY);
    say(&n, 1, GATE_APPROVE, "ana");
    assert_int_equal(queue_of(&n, n.us).count, 2);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    later(&n, 49 * HOUR);
    assert_int_equal(queue_of(&n, n.us).count, 0);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    assert_int_equal(effect_of(&n, 3), POLICY_DENY);
    assert_int_equal(minted_of(&n, n.us, "the inner part"), 0);
    assert_int_equal(minted_of(&n, n.us, "198.51.100"), 2);
    node_end(&n);
}

static void the_default_comes_at_the_deadline(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\ndeny secret if tag secret\n"
                  "hold ask if tlp == green to us-cisa deadline 48h default deny\n"
                  "hold nod if tlp == clear to us-cisa deadline 48h default release\nrelease r if tlp <= "
                  "green to all\n");
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_CLEAR));
    add(&n, 3, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    later(&n, 47 * HOUR);
    assert_int_equal(queue_of(&n, n.us).count, 3);
    struct stix_key key = key_of("indicator", 3);
    assert_int_equal(gate_tag(n.b.gate, &key, STR("secret"), true, &by_test, n.b.now_us), ERR_OK);
    later(&n, 2 * HOUR);
    assert_int_equal(queue_of(&n, n.us).count, 0);
    assert_int_equal(effect_of(&n, 1), POLICY_DENY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    /* Decided again it stays so: the deadline has passed. */
    key = key_of("indicator", 1);
    assert_int_equal(gate_tag(n.b.gate, &key, STR("seen"), true, &by_test, n.b.now_us), ERR_OK);
    later(&n, HOUR);
    assert_int_equal(effect_of(&n, 1), POLICY_DENY);
    node_end(&n);
}

/* A creator's time is over: what names him later does not bring him back, without his time and limits. */
static void what_is_over_does_not_come_along(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease who if type == \"identity\" to all with expire 1h\n"
                  "release r if tlp <= green to all\n");
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", ""));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "identity", 1));
    later(&n, 2 * HOUR);
    assert_false(bench_is_released(&n.b, n.us, "identity", 1));
    add(&n, 1, MARKED(TLP_GREEN) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"");
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "identity", 1));
    node_end(&n);
}

/* --- budgets --- */

static void a_budget_lets_go_in_order(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nbudget slow to us-cisa 2 objects per 1d\nrelease r if tlp <= green to all\n");
    for (int i = 1; i <= 5; i++)
        add(&n, i, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_int_equal(bench_tally(&n.b, n.us).released, 2);
    assert_int_equal(bench_tally(&n.b, n.us).held, 3);
    assert_int_equal(effect_of(&n, 5), POLICY_HOLD); /* explained as what it is */
    assert_int_equal(effect_of(&n, 1), POLICY_RELEASE);
    assert_int_equal(bench_tally(&n.b, n.jp).released, 5); /* nobody else's */
    later(&n, 12 * HOUR);
    add(&n, 6, MARKED(TLP_GREEN)); /* behind those that wait */
    bench_settle(&n.b);
    bench_reopen(&n.b);
    later(&n, 13 * HOUR);
    assert_int_equal(bench_tally(&n.b, n.us).released, 4);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 4));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 5));
    later(&n, DAY);
    assert_int_equal(bench_tally(&n.b, n.us).released, 6);
    node_end(&n);
}

/* A circle that does not fit, and what waits for it, which leaves the queue and enters it: nothing goes
 * round, and when it fits all goes. */
static void a_budget_comes_to_rest(void **state)
{
    (void)state;
    struct node n;
    char text[512];
    node_init(&n, "language 1\nbudget slow to us-cisa 3 objects per 1d\nrelease r if tlp <= green to all\n");
    add(&n, 4, MARKED(TLP_GREEN));
    add(&n, 5, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    for (int i = 1; i <= 3; i++) {
        (void)snprintf(text, sizeof text, "%s,\"x_to\":\"indicator--00000000-0000-4000-8000-00000000000%d\"",
                       MARKED(TLP_GREEN), i == 2 ? 3 : 2);
        add(&n, i, text);
    }
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    later(&n, DAY);
    for (int i = 1; i <= 5; i++)
        assert_true(bench_is_released(&n.b, n.us, "indicator", i));
    node_end(&n);
}

/* What was let go at its deadline, and waits for its budget, does not begin to wait for people again. */
static void a_budget_forgets_no_deadline(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nbudget slow to us-cisa 1 objects per 10d\n"
                  "hold ask if type == \"indicator\" to all until approved deadline 1d default release\n"
                  "release r if tlp <= green to all\n");
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    later(&n, DAY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    later(&n, 10 * DAY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    node_end(&n);
}

/* Objects of some 400 bytes, of which two fit; one that is larger than the budget goes when nothing counts.
 */
/* A circle of more than the budget waits for good, and stops nothing that comes behind it. */
static void a_group_that_never_fits_stops_nobody(void **state)
{
    (void)state;
    struct node n;
    char more[512], id[ID_MAX];
    node_init(&n, "language 1\nbudget slow to us-cisa 3 objects per 1d\nrelease r if tlp <= green to all\n");
    for (int i = 1; i <= 4; i++) {
        (void)snprintf(more, sizeof more, ",\"x_next\":\"%s\"%s", id_of(id, "indicator", 1 + i % 4),
                       MARKED(TLP_GREEN));
        add(&n, i, more);
    }
    for (int i = 5; i <= 9; i++)
        add(&n, i, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    for (int day = 0; day < 3; day++)
        later(&n, DAY + HOUR);
    for (int i = 1; i <= 9; i++)
        assert_int_equal(bench_is_released(&n.b, n.us, "indicator", i), i >= 5);
    assert_int_equal(effect_of(&n, 1), POLICY_HOLD);
    node_end(&n);
}

static void a_budget_counts_bytes(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], long_name[1500];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    node_init(&n, "language 1\nbudget slow to us-cisa 1 KB per 1d\nrelease r if tlp <= green to all\n");
    for (int i = 1; i <= 5; i++)
        add(&n, i, MARKED(TLP_GREEN));
    (void)snprintf(text, sizeof text, ",\"description\":\"%s\"%s", long_name, MARKED(TLP_GREEN));
    add(&n, 6, text);
    add(&n, 7, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    unsigned first = (unsigned)bench_tally(&n.b, n.us).released;
    assert_in_range(first, 2, 3);
    assert_int_equal(bench_tally(&n.b, n.jp).released, 7);
    later(&n, 12 * HOUR);
    bench_reopen(&n.b);
    later(&n, HOUR);
    assert_int_equal(bench_tally(&n.b, n.us).released, first);
    later(&n, 12 * HOUR);
    assert_int_equal(bench_tally(&n.b, n.us).released, first == 3 ? 5 : 4);
    later(&n,
          25 *
              HOUR); /* what is left of the small ones, then (in the same window or the next) the large one */
    later(&n, 25 * HOUR);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 6));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 7));
    later(&n, 25 * HOUR);
    assert_int_equal(bench_tally(&n.b, n.us).released, 7);
    node_end(&n);
}

static void what_names_it_waits_with_it(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nbudget slow to us-cisa 2 objects per 1d\nrelease r if tlp <= green to all\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    add(&n, 2, MARKED(TLP_GREEN));
    add(&n, 3, MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, relationship(text, 1, 1, 3, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "relationship", 1));
    assert_true(bench_is_released(&n.b, n.jp, "relationship", 1));
    later(&n, DAY + HOUR);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 3));
    assert_true(bench_is_released(&n.b, n.us, "relationship", 1));
    node_end(&n);
}

/* --- timers --- */

/* What one partner waits for comes when another's timer is due for the same object: it is looked at for the
 * first, and must not be forgotten for the second. */
static void a_timer_outlives_a_look_for_another(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease now if tag here to jp-nisc\n"
                  "release late if age.received >= 25h and not tag here to all\n"
                  "release late-too if age.received >= 25h to us-cisa\n"
                  "release clear if tlp <= clear to all\n");
    struct stix_key key = key_of("indicator", 1);
    add(&n, 1, ",\"x_about\":\"indicator--00000000-0000-4000-8000-000000000002\"");
    assert_int_equal(gate_tag(n.b.gate, &key, STR("here"), true, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    n.b.now_us += 26 * HOUR;
    add(&n, 2, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    node_end(&n);
}

/* --- duties --- */

static void it_expires(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease brief if tlp <= green to us-cisa with expire 7d\nrelease r if tlp <= "
                  "green to jp-nisc\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    later(&n, 6 * DAY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    later(&n, DAY + HOUR);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    expect_bytes(&n, 2, (bool[]) {false, false});
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_tag(n.b.gate, &key, STR("again"), true, &by_test, n.b.now_us), ERR_OK);
    later(&n, DAY);
    expect_bytes(&n, 2, (bool[]) {false, false}); /* it does not come back */
    node_end(&n);
}

/* Also under a name of its own, of a version and of an observable; nothing that says no more comes after it.
 */
static void what_is_minted_expires(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease brief if tlp <= green to us-cisa with expire 7d, redact \"x_inner\"\n"
                  "release r if tlp <= green to jp-nisc\n");
    add(&n, 1, ",\"x_inner\":\"one\"" MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, address(text, 1, ",\"x_inner\":\"one\"" MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, relationship(text, 1, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    later(&n, 2 * DAY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 1);
    assert_int_equal(minted_of(&n, n.us, "203.0.113.1"), 1);
    assert_int_equal(minted_of(&n, n.us, "related-to"), 1);
    /* What changed is what he does not see: his time goes on as it was. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, ",\"x_inner\":\"two\"" MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, address(text, 1, ",\"x_inner\":\"two\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    bench_reopen(&n.b);
    later(&n, 4 * DAY);
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 1);
    later(&n, DAY + HOUR);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 0);
    assert_int_equal(minted_of(&n, n.us, "203.0.113.1"), 0);
    assert_int_equal(minted_of(&n, n.us, "related-to"), 0);
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    struct bench_leaves *leaves = read_now(&n, n.us);
    assert_int_equal(leaves->count, 7); /* the node, three objects, three ends */
    size_t ends = 0;
    for (size_t i = 0; i < leaves->count; i++)
        ends += leaves->at[i].leaf.op == LEAF_EXPIRE;
    assert_int_equal(ends, 3);
    mem_free(leaves);
    /* Decided again it stays so; what says something else goes. */
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_tag(n.b.gate, &key, STR("again"), true, &by_test, n.b.now_us), ERR_OK);
    later(&n, HOUR);
    assert_int_equal(effect_of(&n, 1), POLICY_HOLD);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 3, ",\"x_inner\":\"three\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 0);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 4, ",\"name\":\"said again\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "said again"), 1);
    later(&n, 8 * DAY);
    assert_int_equal(minted_of(&n, n.us, "said again"), 0);
    node_end(&n);
}

/* An observable that its source changes before the time was over. */
static void an_older_observable_expires_too(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease brief if tlp <= green to us-cisa with expire 7d\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ",\"x_seen\":\"first\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    later(&n, 2 * DAY);
    (void)bench_add(&n.b, n.own, address(text, 1, ",\"x_seen\":\"second\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "first"), 1);
    assert_int_equal(minted_of(&n, n.us, "second"), 1);
    bench_reopen(&n.b);
    later(&n, 5 * DAY + HOUR);
    assert_int_equal(minted_of(&n, n.us, "first"), 0);
    assert_int_equal(minted_of(&n, n.us, "second"), 1);
    later(&n, 2 * DAY);
    assert_int_equal(minted_of(&n, n.us, "second"), 0);
    node_end(&n);
}

/* A plain rule above takes nothing away from what the others ask. */
static void the_shortest_time_counts(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease plain if tlp <= green to all\n"
                  "release long if tlp <= green to us-cisa with expire 30d\n"
                  "release brief if type == indicator to us-cisa after 1h with expire 7d\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_reopen(&n.b);
    later(&n, 6 * DAY);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    later(&n, DAY + HOUR);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    node_end(&n);
}

/* A newer version takes nothing from the time that the older one has. */
static void an_older_version_expires_too(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease brief if tlp <= clear to us-cisa with expire 7d\nrelease r if tlp <= "
                  "green to us-cisa\n");
    add(&n, 1, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    later(&n, 2 * DAY);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {true, true});
    bench_reopen(&n.b);
    later(&n, 6 * DAY);
    expect_bytes(&n, 3, (bool[]) {false, true, false}); /* the last one says that the first is over */
    later(&n, 6 * DAY);
    expect_bytes(&n, 3, (bool[]) {false, true, false});
    node_end(&n);
}

static void what_cannot_be_carried_out_holds(void **state)
{
    (void)state;
    struct node n;
    unsigned reader;
    node_init(&n, "language 1\n");
    assert_int_equal(gate_peer_put(n.b.gate, STR("reader"), STR(""), STR("US"), bytes_of(NULL, 0), &by_test,
                                   n.b.now_us, &reader),
                     ERR_OK);
    assert_int_equal(gate_peer_set(n.b.gate, reader, GATE_PEER_STARTED, false, &by_test, n.b.now_us), ERR_OK);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to all with reshare never\n");
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, reader, "indicator", 1)); /* nobody could tell him */
    assert_int_equal(bench_tally(&n.b, reader).held, 1);
    node_end(&n);
}

/* --- two operators, and what changes --- */

static void another_operator_confirms(void **state)
{
    (void)state;
    struct node n;
    struct policy_fault fault;
    struct gate_pending pending;
    struct arena arena;
    struct gate_by ana = {STR("ana"), STR("new")}, bo = {STR("bo"), STR("seen")};
    node_init(&n, "language 1\nactivation by 2\nrelease clear if tlp <= clear to us-cisa\n");
    size_t size = 150000; /* more than one piece */
    char *text = mem_alloc(size);
    memset(text, ' ', size);
    memcpy(text, GREEN_TO_US, sizeof GREEN_TO_US - 1);
    struct str policy = {text, size};
    struct hash digest = hash_sha256(bytes_from_str(policy)), other = hash_sha256(bytes_from_str(STR("x")));
    assert_int_equal(gate_policy_confirm(n.b.gate, &digest, &bo, n.b.now_us, &fault), ERR_NOTFOUND);
    assert_int_equal(gate_policy_propose(n.b.gate, STR("language 2"), &ana, n.b.now_us, &fault), ERR_VERSION);
    assert_int_equal(gate_policy_propose(n.b.gate, policy, &ana, n.b.now_us, &fault), ERR_OK);
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_reopen(&n.b);
    arena_init(&arena, 4096);
    assert_int_equal(gate_policy_pending(n.b.gate, &arena, &pending), ERR_OK);
    assert_true(str_eq(pending.who, STR("ana")) && pending.bytes == size);
    assert_int_equal(gate_policy_confirm(n.b.gate, &digest, &ana, n.b.now_us, &fault), ERR_DENIED);
    assert_int_equal(gate_policy_confirm(n.b.gate, &other, &bo, n.b.now_us, &fault), ERR_CONFLICT);
    struct buf read;
    buf_init(&read, 2 * size);
    buf_put_str(&read, STR("before"));
    assert_int_equal(gate_policy_pending_text(n.b.gate, &pending, &read), ERR_OK);
    assert_true(read.len == 6 + size && memcmp(read.at + 6, text, size) == 0);
    buf_deinit(&read);
    assert_int_equal(gate_policy_confirm(n.b.gate, &digest, &bo, n.b.now_us, &fault), ERR_OK);
    assert_int_equal(gate_policy_pending(n.b.gate, &arena, &pending), ERR_NOTFOUND);
    arena_deinit(&arena);
    mem_free(text);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    node_end(&n);
}

static bool count_change(void *ctx, const struct gate_diff_line *line)
{
    size_t(*counts)[2] = ctx;
    assert_true(line->partner < 2);
    counts[line->change][line->partner]++;
    return true;
}

static void a_difference_is_counted_in_portions(void **state)
{
    (void)state;
    struct node n;
    struct policy *other;
    struct policy_fault fault;
    size_t counts[GATE_DIFF_KINDS][2] = {{0}};
    node_init(
        &n, "language 1\nbudget one to us-cisa 1 objects per 1d\nrelease green if tlp == green to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    add(&n, 3, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    uint64_t cursor = 0;
    assert_int_equal(gate_policy_compile(n.b.gate, STR("language 1\nrelease clear if tlp == clear to all"),
                                         &other, &fault),
                     ERR_OK);
    for (size_t rounds = 0; cursor != UINT64_MAX; rounds++) {
        assert_in_range(rounds, 0, 1000);
        assert_int_equal(gate_policy_diff(n.b.gate, other, n.b.now_us, &cursor, 1, count_change, counts),
                         ERR_OK);
    }
    policy_unref(other);
    assert_int_equal(counts[GATE_DIFF_RELEASED][n.us], 1);
    assert_int_equal(counts[GATE_DIFF_RELEASED][n.jp], 1);
    assert_int_equal(counts[GATE_DIFF_WITHDRAWN][n.us], 1);
    assert_int_equal(counts[GATE_DIFF_HELD_BACK][n.us], 1);
    node_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_different_people_approve),
        cmocka_unit_test(operators_are_the_persons),
        cmocka_unit_test(an_approval_is_of_the_version_read),
        cmocka_unit_test(the_queue_says_who_waits_since_when),
        cmocka_unit_test(what_waits_but_for_a_denied_part_is_in_the_queue),
        cmocka_unit_test(the_default_comes_at_the_deadline),
        cmocka_unit_test(what_is_over_does_not_come_along),
        cmocka_unit_test(a_budget_lets_go_in_order),
        cmocka_unit_test(a_budget_comes_to_rest),
        cmocka_unit_test(a_budget_forgets_no_deadline),
        cmocka_unit_test(a_group_that_never_fits_stops_nobody),
        cmocka_unit_test(a_budget_counts_bytes),
        cmocka_unit_test(what_names_it_waits_with_it),
        cmocka_unit_test(a_timer_outlives_a_look_for_another),
        cmocka_unit_test(it_expires),
        cmocka_unit_test(the_shortest_time_counts),
        cmocka_unit_test(what_is_minted_expires),
        cmocka_unit_test(an_older_observable_expires_too),
        cmocka_unit_test(an_older_version_expires_too),
        cmocka_unit_test(what_cannot_be_carried_out_holds),
        cmocka_unit_test(another_operator_confirms),
        cmocka_unit_test(a_difference_is_counted_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
