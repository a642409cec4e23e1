/* What was taken back, and is let go again: it comes again, however many partners there are; and when it has
 * come and gone as often as can be kept, a rule says so. */
#include "gate_test.h"

#define OPEN "language 1\nrelease open if tlp <= green to all\n"
#define SHUT "language 1\ndeny shut if tlp <= green to all\n"

static uint32_t begin(struct bench *b, unsigned partners)
{
    bench_init(b);
    uint32_t own = bench_source(b, "own", STIX_TLP_NONE, true, false);
    for (unsigned p = 0; p < partners; p++) {
        char name[16];
        (void)snprintf(name, sizeof name, "partner%u", p);
        assert_int_equal(bench_partner(b, name), p);
    }
    bench_policy_text(b, OPEN);
    bench_settle(b);
    return own;
}

static void comes_and_goes(struct bench *b)
{
    bench_policy_text(b, SHUT);
    bench_settle(b);
    bench_policy_text(b, OPEN);
    bench_settle(b);
}

static unsigned holders(struct bench *b, unsigned partners)
{
    unsigned count = 0;
    for (unsigned p = 0; p < partners; p++)
        count += bench_is_released(b, p, "indicator", 1);
    return count;
}

/* To all at once, and to those who had it one after the other. */
static void to_as_many_as_there_may_be(void **state)
{
    (void)state;
    for (unsigned first = 1; first <= LIMIT_PARTNERS; first += LIMIT_PARTNERS - 1) {
        struct bench b;
        char text[TEXT_MAX];
        uint32_t own = begin(&b, first);
        (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
        bench_settle(&b);
        for (unsigned p = first; p < LIMIT_PARTNERS; p++) {
            char name[16];
            (void)snprintf(name, sizeof name, "partner%u", p);
            (void)bench_partner(&b, name);
            assert_int_equal(gate_peer_set(b.gate, p, GATE_PEER_STARTED, true, &by_test, b.now_us), ERR_OK);
            bench_settle(&b);
            assert_int_equal(holders(&b, p + 1), p + 1);
        }
        for (int round = 0; round < 20; round++) {
            comes_and_goes(&b);
            assert_int_equal(holders(&b, LIMIT_PARTNERS), LIMIT_PARTNERS);
        }
        bench_deinit(&b);
    }
}

static enum gate_beyond beyond(struct bench *b)
{
    struct gate_why why;
    struct stix_key key = key_of("indicator", 1);
    struct arena arena;
    arena_init(&arena, 1 << 24);
    assert_int_equal(gate_explain(b->gate, &key, 0, b->now_us, &arena, NULL, NULL, &why), ERR_OK);
    if (why.beyond != GATE_BEYOND_NOT)
        assert_true(str_eq(why.rule, STR("built-in.repeats")));
    arena_deinit(&arena);
    return why.beyond;
}

/* Once too often: it is held, what names it as well, and a newer version goes. */
static void until_it_did_too_often(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    size_t rounds = 0;
    uint32_t own = begin(&b, 1);
    (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&b);
    for (; holders(&b, 1) == 1 && rounds < 1000; rounds++) {
        assert_int_equal(beyond(&b), GATE_BEYOND_NOT);
        comes_and_goes(&b);
    }
    assert_in_range(rounds, 100, 999);
    assert_int_equal(beyond(&b), GATE_BEYOND_REPEATS);
    (void)bench_add(&b, own,
                    indicator(text, 2, 1,
                              MARKED(TLP_GREEN) ",\"x_see_ref\":"
                                                "\"indicator--00000000-0000-4000-8000-000000000001\""));
    bench_settle(&b);
    assert_false(bench_is_released(&b, 0, "indicator", 2));
    bench_reopen(&b);
    assert_int_equal(beyond(&b), GATE_BEYOND_REPEATS);
    (void)bench_add(&b, own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&b);
    assert_int_equal(beyond(&b), GATE_BEYOND_NOT);
    assert_int_equal(holders(&b, 1), 1);
    assert_true(bench_is_released(&b, 0, "indicator", 2));
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(to_as_many_as_there_may_be),
        cmocka_unit_test(until_it_did_too_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
