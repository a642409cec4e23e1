/* Recall: what stands beside what is called back. It goes, or stays, by what it says of it. */
#include "recall_test.h"

#define OPEN "language 1\nrelease open if tlp <= green to all\n"

/* A source of the node's own, and one partner. */
static uint32_t begin(struct bench *b, const char *policy)
{
    bench_init(b);
    uint32_t own = bench_source(b, "own", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_partner(b, "us-cisa"), 0);
    bench_policy_text(b, policy);
    return own;
}

static void recall_one(struct bench *b, uint64_t lsn)
{
    struct gate_recalled told;
    assert_int_equal(gate_recall(b->gate, &lsn, 1, DEADLINE, &officer, true, b->now_us, &told), ERR_OK);
}

#define TOLD(n, modified)                                                                                    \
    "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-0000-4000-" \
    "8000-00000000000" n "\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."   \
    "000Z\",\"object_ref\":\"indicator--00000000-0000-4000-8000-000000000001\"" modified                     \
    ",\"contents\":{\"ko\":{\"name\":\"t\"}}" MARKED(TLP_GREEN) "}"
#define OF(second) ",\"object_modified\":\"2026-01-01T00:00:0" second ".000Z\""

/* What translates a version that is called back goes with it, be another version there; what comes later
 * too. Where nothing says of which version it speaks, it may be that one. */
static void what_translates_it_goes(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    uint32_t own = begin(&b, OPEN);
    const unsigned us = 0;
    (void)bench_add(&b, own, indicator(text, 1, 1, ",\"name\":\"n\"" MARKED(TLP_GREEN)));
    uint64_t lsn = b.last_lsn;
    (void)bench_add(&b, own, TOLD("1", OF("1")));
    (void)bench_add(&b, own, TOLD("2", ""));
    bench_settle(&b);
    (void)bench_add(&b, own, indicator(text, 1, 2, ",\"name\":\"n\"" MARKED(TLP_GREEN)));
    (void)bench_add(&b, own, TOLD("3", OF("2")));
    bench_settle(&b);
    for (int i = 1; i <= 3; i++)
        assert_true(bench_is_released(&b, us, "language-content", i));
    recall_one(&b, lsn);
    bench_settle(&b); /* before it is destroyed, and after */
    for (int round = 0; round < 2; round++) {
        assert_false(bench_is_released(&b, us, "language-content", 1));
        assert_false(bench_is_released(&b, us, "language-content", 2));
        assert_true(bench_is_released(&b, us, "language-content", 3));
        (void)carry_out(&b);
        bench_settle(&b);
    }
    assert_true(gate_is_destroyed(b.gate, lsn));
    (void)bench_add(&b, own, TOLD("4", OF("1")));
    (void)bench_add(&b, own, TOLD("5", OF("2")));
    bench_settle(&b);
    bench_reindex(&b);
    bench_settle(&b);
    assert_false(bench_is_released(&b, us, "language-content", 4));
    assert_true(bench_is_released(&b, us, "language-content", 5));
    bench_deinit(&b);
}

/* An older version of which a part left has a timer of its rule. Destroyed, it has none: no step comes back
 * to it for good. */
static void what_is_destroyed_has_no_timer(void **state)
{
    (void)state;
    enum { STEPS = 100 };
    struct bench b;
    char text[TEXT_MAX];
    bool more = true;
    int64_t next;
    uint32_t own =
        begin(&b, "language 1\nrelease open if tlp <= green to all until 2027-02-01T00:00:00Z with "
                  "redact \"description\"\n");
    (void)bench_add(&b, own, indicator(text, 1, 1, ",\"description\":\"d\"" MARKED(TLP_GREEN)));
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    (void)bench_add(&b, own, indicator(text, 1, 2, MARKED(TLP_RED)));
    bench_settle(&b);
    recall_one(&b, lsn);
    assert_int_equal(carry_out(&b), 1);
    b.now_us += INT64_C(40) * 86400 * 1000 * 1000;
    for (int i = 0; i < STEPS && more; i++)
        assert_int_equal(gate_step(b.gate, b.now_us, &more, &next), ERR_OK);
    assert_false(more);
    bench_deinit(&b);
}

/* A text names what he brought himself. He knew it: that it is destroyed here, and another one after it,
 * hides nothing. */
static void what_names_it_stays(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    uint32_t own = begin(&b, OPEN);
    const unsigned us = 0;
    (void)bench_add(&b, gate_peer_get(b.gate, us)->source, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    uint64_t lsn = b.last_lsn;
    (void)bench_add(&b, own,
                    indicator(text, 2, 1,
                              MARKED(TLP_GREEN) ",\"description\":\"see "
                                                "indicator--00000000-0000-4000-8000-000000000001\""));
    bench_settle(&b);
    assert_true(bench_is_released(&b, us, "indicator", 2));
    (void)bench_add(&b, own, indicator(text, 3, 1, MARKED(TLP_GREEN)));
    for (uint64_t goes = lsn; goes != 0; goes = goes == lsn ? b.last_lsn : 0) {
        recall_one(&b, goes);
        assert_int_equal(carry_out(&b), 1);
        assert_true(gate_is_destroyed(b.gate, goes));
    }
    assert_true(bench_is_released(&b, us, "indicator", 2));
    expect_whole(&b);
    bench_deinit(&b);
}

/* Which leaves of the partner's are called back, as bits by their numbers. */
static unsigned subjects(struct bench *b, unsigned partner)
{
    struct bench_leaves *leaves = bench_ledger(b, partner);
    unsigned called = 0;
    for (size_t i = 0; i < leaves->count; i++) {
        const struct leaf_opening *opening = &leaves->at[i].opening;
        if (leaves->at[i].leaf.op != LEAF_RECALL)
            continue;
        assert_int_equal(leaf_opening_verify(&leaves->at[i].leaf, opening, false), ERR_OK);
        assert_true(opening->subject_seq < i);
        called |= 1u << opening->subject_seq;
    }
    mem_free(leaves);
    return called;
}

static void count_holder(void *ctx, const struct gate_recall_holder *holder)
{
    unsigned *holders = ctx;
    holders[holder->partner]++;
    holders[2 + holder->partner] += holder->answered_us != 0;
}

/* How many holders each is, and how many of them answered. */
static void expect_holders(struct bench *b, uint64_t lsn, unsigned first_answered, unsigned second_answered)
{
    for (int of_all = 0; of_all < 2; of_all++) {
        unsigned holders[4] = {0};
        assert_int_equal(gate_recall_holders(b->gate, of_all ? 0 : lsn, count_holder, holders), ERR_OK);
        assert_int_equal(holders[0], 1);
        assert_int_equal(holders[1], 1);
        assert_int_equal(holders[2], first_answered);
        assert_int_equal(holders[3], second_answered);
    }
}

static void answer(struct bench *b, unsigned partner, uint64_t seq)
{
    assert_int_equal(gate_recall_answered(b->gate, partner, seq, false, bytes_of("note", 4), b->now_us),
                     ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

/* Given, taken back, and given again: whoever has fetched the first alone has it by that. Each leaf that gave
 * it is called back, and that of who was given it once. */
static void each_leaf_that_gave_it(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    uint32_t own = begin(&b, OPEN);
    const unsigned twice = 0, once = bench_partner(&b, "jp-nisc");
    (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    bench_policy_text(
        &b, "language 1\ndeny no if tlp <= green to us-cisa\nrelease open if tlp <= green to all\n");
    bench_settle(&b);
    bench_policy_text(&b, OPEN);
    bench_settle(&b);
    assert_true(bench_is_released(&b, twice, "indicator", 1));
    recall_one(&b, lsn);
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(subjects(&b, twice), 1u << 0 | 1u << 2); /* 1 is the leaf that took it back */
        assert_int_equal(subjects(&b, once), 1u << 0);
        expect_whole(&b);
        bench_reindex(&b);
    }
    /* One holder, however many leaves tell him: he has answered when he answered each. */
    expect_holders(&b, lsn, 0, 0);
    answer(&b, twice, 3);
    expect_holders(&b, lsn, 0, 0);
    answer(&b, once, 1);
    answer(&b, twice, 4);
    expect_holders(&b, lsn, 1, 1);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_leaf_that_gave_it),
        cmocka_unit_test(what_is_destroyed_has_no_timer),
        cmocka_unit_test(what_names_it_stays),
        cmocka_unit_test(what_translates_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
