/* What an operator's word lets go: one version, for one partner, past the rule that asked. */
#include "acts.h"

#include "core/wr.h"
#include "gate/list.h"
#include "gate/safety.h"
#include "gate/state.h"

#define GO "release r if tlp <= green to us-cisa\n"

static const char *asked_of(struct node *n, int number)
{
    static char name[LIMIT_NAME_BYTES + 1];
    struct gate_asked asked;
    struct stix_key key = key_of("indicator", number);
    assert_int_equal(gate_asked(n->b.gate, &key, n->us, n->b.now_us, &asked), ERR_OK);
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(asked.rule));
    return name;
}

static bool is_out(struct node *n, int number)
{
    return bench_is_released(&n->b, n->us, "indicator", number);
}

static void a_word_answers_the_rule_that_asked(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nhold a if always until approved\nhold b if always until approved\n" GO);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    assert_string_equal(asked_of(&n, 1), "a");
    say(&n, 1, GATE_APPROVE, "ana");
    assert_false(is_out(&n, 1));
    assert_string_equal(asked_of(&n, 1), "b");
    bench_reopen(&n.b);
    assert_string_equal(asked_of(&n, 1), "b");
    say(&n, 1, GATE_APPROVE, "ana");
    assert_true(is_out(&n, 1));
    assert_string_equal(asked_of(&n, 1), "");
    node_end(&n);
}

/* A new policy asks again where it asks something else. */
static void a_changed_rule_asks_again(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nhold shut if always\nhold a if always until approved\n" GO);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "ana");
    assert_false(is_out(&n, 1));
    bench_policy_text(&n.b, "language 1\nhold a if always until approved by 2\n" GO);
    bench_settle(&n.b);
    assert_string_equal(asked_of(&n, 1), "a");
    bench_policy_text(&n.b, "language 1\nhold z if always until approved\n" GO);
    bench_settle(&n.b);
    assert_string_equal(asked_of(&n, 1), "z");
    assert_false(is_out(&n, 1));
    bench_policy_text(&n.b, "language 1\n" GO "hold a if # as before\n always until approved");
    bench_settle(&n.b);
    assert_true(is_out(&n, 1));
    node_end(&n);
}

/* Nothing asks: the word stands for `approved`, and for no hold that comes. */
static void a_word_that_nothing_asked_for_answers_no_hold(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease r if tlp <= green and approved to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_AMBER));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "ana");
    assert_true(is_out(&n, 1));
    say(&n, 2, GATE_APPROVE, "ana");
    bench_policy_text(&n.b,
                      "language 1\nhold a if always until approved\nrelease r if approved to us-cisa\n");
    bench_settle(&n.b);
    assert_false(is_out(&n, 2));
    say(&n, 2, GATE_APPROVE, "ana");
    assert_true(is_out(&n, 2));
    node_end(&n);
}

/* Two say so, each to the rule; a denial takes all of it back. */
static void two_answer_the_same_rule(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nhold a if always until approved\nhold b if always until approved by 2\n" GO);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "ana");
    say(&n, 1, GATE_APPROVE, "bo");
    assert_false(is_out(&n, 1)); /* ana has said nothing of b */
    say(&n, 1, GATE_APPROVE, "bo");
    assert_false(is_out(&n, 1));
    say(&n, 1, GATE_APPROVE, "ana");
    assert_true(is_out(&n, 1));
    say(&n, 1, GATE_DENY, "ana");
    assert_string_equal(asked_of(&n, 1), "a");
    node_end(&n);
}

/* What is on another list than it was. */
static void another_list_asks_again(void **state)
{
    (void)state;
    struct node n;
    struct fault fault;
    static const char near[] = "198.51.100.0/24\n";
    node_init(&n, "language 1\n" GO);
    const char *const names[] = {"near", "again"};
    for (int i = 0; i < 2; i++) {
        if (i == 1) {
            assert_int_equal(gate_list_remove(n.b.gate, STR("near"), &by_test, n.b.now_us), ERR_OK);
            bench_settle(&n.b);
            n.b.now_us++;
        }
        assert_int_equal(gate_list_part(n.b.gate, str_of(names[i]), 0, bytes_of(near, sizeof near - 1),
                                        &by_test, n.b.now_us),
                         ERR_OK);
        assert_int_equal(
            gate_list_put(n.b.gate, str_of(names[i]), GATE_LIST_CIDR, 1, &by_test, n.b.now_us, &fault),
            ERR_OK);
        bench_settle(&n.b);
        add(&n, i + 1, MARKED(TLP_GREEN));
        bench_settle(&n.b);
        assert_string_equal(asked_of(&n, i + 1), "built-in.safety");
        assert_false(is_out(&n, i + 1));
        say(&n, i + 1, GATE_APPROVE, "ana");
        assert_true(is_out(&n, i + 1));
    }
    node_end(&n);
}

/* As older versions wrote it: word and name, on a basis. */
static void say_as_before(struct node *n, int number, const char *who)
{
    struct gate *gate = n->b.gate;
    struct stix_key key = key_of("indicator", number);
    struct stamp version;
    uint64_t lsn;
    assert_int_equal(gate_approve_which(gate, &key, &lsn, &version), ERR_OK);
    buf_clear(&gate->scratch);
    wr_u64(&gate->scratch, lsn);
    wr_u8(&gate->scratch, (uint8_t)n->us);
    wr_u8(&gate->scratch, 3);
    wr_blob(&gate->scratch, bytes_from_str(str_of(who)));
    wr_blob(&gate->scratch, bytes_from_str(STR("looked at")));
    assert_int_equal(
        fact_state(gate, RECORD_FACT_APPROVAL, bytes_of(key.b, STIX_KEY_SIZE), &by_test, n->b.now_us),
        ERR_OK);
    bench_settle(&n->b);
}

static void an_older_word_answers_what_held_it_then(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nhold a if tlp == green until approved by 2\n" GO);
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    say_as_before(&n, 1, "ana");
    say_as_before(&n, 2, "ana"); /* nothing held it */
    say(&n, 1, GATE_APPROVE, "bo");
    assert_true(is_out(&n, 1));
    bench_policy_text(&n.b, "language 1\nhold b if always until approved\n" GO);
    add(&n, 3, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    say_as_before(&n, 3, "ana");
    assert_true(is_out(&n, 3));
    bench_policy_text(&n.b, "language 1\nhold c if always until approved\n" GO);
    bench_settle(&n.b);
    assert_string_equal(asked_of(&n, 3), "c");
    node_end(&n); /* and so from the log alone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_answers_the_rule_that_asked),
        cmocka_unit_test(a_changed_rule_asks_again),
        cmocka_unit_test(a_word_that_nothing_asked_for_answers_no_hold),
        cmocka_unit_test(two_answer_the_same_rule),
        cmocka_unit_test(another_list_asks_again),
        cmocka_unit_test(an_older_word_answers_what_held_it_then),
    };
    return cmocka_run_group_tests_name("gate approval", tests, NULL, NULL);
}
