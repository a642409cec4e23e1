/* A ledger begins anew under the next number: what may be had is released again, what was over stays over,
 * nothing of one epoch is taken for another's; also after the log is read from its beginning. */
#include "acts.h"
#include "gate/recall.h"

static void begin(struct node *n, uint32_t epoch)
{
    assert_int_equal(gate_peer_epoch(n->b.gate, n->us, epoch, &by_test, n->b.now_us), ERR_OK);
    assert_int_equal(gate_commit(n->b.gate), ERR_OK);
    bench_settle(&n->b);
}

static struct gate_ledger ledger_of(struct node *n, unsigned partner)
{
    struct gate_ledger ledger;
    bench_sign(&n->b);
    assert_int_equal(gate_ledger(n->b.gate, partner, &ledger), ERR_OK);
    return ledger;
}

static bool is_zero(const struct hash *hash)
{
    static const struct hash zero;
    return hash_eq(hash, &zero);
}

/* Number, place and proof of every leaf. */
static void expect_ops(struct node *n, uint32_t epoch, const enum leaf_op *ops, size_t count)
{
    struct bench_leaves *leaves = read_now(n, n->us);
    assert_int_equal(leaves->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(leaves->at[i].leaf.op, ops[i]);
        assert_int_equal(leaves->at[i].leaf.epoch, epoch);
        assert_int_equal(leaves->at[i].leaf.seq, i);
        if (ops[i] != LEAF_RELEASE)
            assert_true(leaves->at[i].opening.subject_seq < i);
        if (!is_zero(&leaves->at[i].opening.salt)) /* its content was destroyed: nobody opens it */
            assert_int_equal(leaf_opening_verify(&leaves->at[i].leaf, &leaves->at[i].opening, false), ERR_OK);
    }
    mem_free(leaves);
}

static void what_may_be_had_comes_again(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct gate_tally told, counted;
    static const enum leaf_op both[] = {LEAF_RELEASE, LEAF_RELEASE};
    static const enum leaf_op more[] = {LEAF_RELEASE, LEAF_RELEASE, LEAF_SUPERSEDE, LEAF_SUPERSEDE};
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    add(&n, 3, MARKED(TLP_GREEN));
    add(&n, 4, MARKED(TLP_AMBER));
    bench_settle(&n.b);
    struct gate_ledger before = ledger_of(&n, n.us);
    assert_int_equal(before.visible, 3);
    (void)bench_add(&n.b, n.own,
                    indicator(text, 3, 2, MARKED(TLP_RED))); /* taken back: no leaf of a new one */
    bench_settle(&n.b);
    int64_t last_us = ledger_of(&n, n.us).last_time_us;
    begin(&n, 1);
    struct gate_ledger ledger = ledger_of(&n, n.us);
    assert_int_equal(ledger.origin.epoch, 1);
    assert_true(ledger.taken > before.taken);
    expect_ops(&n, 1, both, 2);
    struct bench_leaves *leaves = read_now(&n, n.us);
    assert_true(leaves->at[0].leaf.time_us > last_us); /* a reader that asks by time sees them */
    mem_free(leaves);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    told = bench_tally(&n.b, n.us);
    bench_reopen(&n.b);
    counted = bench_tally(&n.b, n.us);
    assert_memory_equal(&told, &counted, sizeof told);
    /* It lives: a newer version, and something that is taken back. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 2, MARKED(TLP_RED)));
    bench_settle(&n.b);
    expect_ops(&n, 1, more, 4);
    node_end(&n);
}

static void only_upwards_and_with_a_reason(void **state)
{
    (void)state;
    struct node n;
    const struct gate_by silent = {{"kim", 3}, {NULL, 0}};
    node_init(&n, GREEN_TO_US);
    assert_int_equal(gate_peer_epoch(n.b.gate, n.us, 0, &by_test, n.b.now_us), ERR_EXISTS);
    assert_int_equal(gate_peer_epoch(n.b.gate, n.us, 1, &silent, n.b.now_us), ERR_USAGE);
    assert_int_equal(gate_peer_epoch(n.b.gate, n.us, LIMIT_EPOCH + 1, &by_test, n.b.now_us), ERR_LIMIT);
    assert_int_equal(gate_peer_epoch(n.b.gate, 9, 1, &by_test, n.b.now_us), ERR_NOTFOUND);
    begin(&n, 7);
    assert_int_equal(gate_peer_epoch(n.b.gate, n.us, 7, &by_test, n.b.now_us), ERR_EXISTS);
    begin(&n, 8);
    assert_int_equal(ledger_of(&n, n.us).origin.epoch, 8);
    assert_int_equal(ledger_of(&n, n.jp).origin.epoch, 0);
    bench_reopen(&n.b);
    assert_int_equal(ledger_of(&n, n.us).origin.epoch, 8);
    /* Under a name that is new here somebody may have been signed for before. */
    unsigned fr = bench_partner(&n.b, "fr-anssi");
    assert_int_equal(ledger_of(&n, fr).origin.epoch, 8);
    node_end(&n);
}

/* Two of an odd number of steps: rows of three epochs stand side by side, and each finds its own. */
static void epochs_do_not_mix(void **state)
{
    (void)state;
    struct node n;
    static const enum leaf_op ops[] = {LEAF_RELEASE, LEAF_RELEASE, LEAF_RELEASE, LEAF_RELEASE,
                                       LEAF_RELEASE, LEAF_RELEASE, LEAF_RELEASE};
    node_init(&n, GREEN_TO_US);
    for (int i = 1; i <= 7; i++) {
        add(&n, i, MARKED(TLP_GREEN));
        bench_settle(&n.b);
        (void)ledger_of(&n, n.us); /* a checkpoint each */
        if (i == 3 || i == 5)
            begin(&n, (uint32_t)i);
    }
    expect_ops(&n, 5, ops, 7);
    for (uint64_t size = 1; size <= 7; size++) {
        struct buf note;
        uint64_t found;
        buf_init(&note, LIMIT_NOTE_BYTES);
        assert_int_equal(gate_checkpoint(n.b.gate, n.us, size, &found, &note), ERR_OK);
        assert_true(found >= size && found <= 7);
        assert_non_null(memmem(note.at, note.len, "/us-cisa/5\n", 11));
        buf_deinit(&note);
    }
    node_end(&n);
}

static void what_was_over_stays_over(void **state)
{
    (void)state;
    struct node n;
    static const enum leaf_op one[] = {LEAF_RELEASE};
    node_init(&n, "language 1\nrelease short if tlp == amber to us-cisa with expire 1h\n"
                  "release green if tlp <= green to us-cisa\n");
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_AMBER));
    bench_settle(&n.b);
    assert_int_equal(ledger_of(&n, n.us).visible, 2);
    later(&n, 2 * HOUR);
    assert_int_equal(ledger_of(&n, n.us).visible, 3);
    begin(&n, 1);
    expect_ops(&n, 1, one, 1);
    later(&n, 2 * HOUR);
    expect_ops(&n, 1, one, 1);
    node_end(&n);
}

/* What was minted comes again under its name, as a later version of it. */
static void what_is_minted_comes_again(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease part if tlp <= green to us-cisa with redact \"description\"\n");
    add(&n, 1, ",\"description\":\"secret\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    size_t before = minted_of(&n, n.us, "198.51.100.1");
    assert_int_equal(before, 1);
    begin(&n, 1);
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 1);
    assert_int_equal(minted_of(&n, n.us, "secret"), 0);
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 2, ",\"description\":\"secret\",\"name\":\"n\"" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "198.51.100.1"), 2);
    node_end(&n);
}

static void take_holder(void *ctx, const struct gate_recall_holder *holder)
{
    struct gate_recall_holder *out = ctx;
    *out = *holder;
}

/* What is recalled is recalled from the present ledger; a recall that the earlier one told of is answered by
 * nobody any more. */
static void recalls_name_the_present_ledger(void **state)
{
    (void)state;
    struct node n;
    struct gate_recalled told;
    struct gate_recall_counts counts;
    struct gate_recall_holder holder = {0};
    static const enum leaf_op ops[] = {LEAF_RELEASE, LEAF_RECALL};
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    uint64_t first = n.b.last_lsn;
    add(&n, 2, MARKED(TLP_GREEN));
    uint64_t second = n.b.last_lsn;
    bench_settle(&n.b);
    const uint64_t *lsns[] = {&first, &second};
    for (unsigned i = 0; i < 2; i++) {
        bool did = true;
        assert_int_equal(
            gate_recall(n.b.gate, lsns[i], 1, n.b.now_us + DAY, &by_test, true, n.b.now_us, &told), ERR_OK);
        bench_settle(&n.b);
        while (did)
            assert_int_equal(gate_recall_step(n.b.gate, n.b.now_us, &did), ERR_OK);
        if (gate_purge_due(n.b.gate))
            assert_int_equal(gate_purge(n.b.gate, NULL, n.b.now_us), ERR_OK);
        assert_true(gate_is_destroyed(n.b.gate, *lsns[i]));
        if (i == 0)
            begin(&n, 1);
    }
    expect_ops(&n, 1, ops, 2);
    assert_int_equal(gate_recall_holders(n.b.gate, first, take_holder, &holder), ERR_OK);
    assert_true(holder.before && !holder.fetched);
    assert_int_equal(gate_recall_holders(n.b.gate, second, take_holder, &holder), ERR_OK);
    assert_true(!holder.before && holder.seq == 1);
    assert_int_equal(gate_recall_count(n.b.gate, n.b.now_us, &counts), ERR_OK);
    assert_int_equal(counts.cannot, 1);
    assert_int_equal(counts.pending, 1);
    assert_int_equal(gate_recall_answered(n.b.gate, n.us, 1, false, bytes_of("note", 4), n.b.now_us), ERR_OK);
    node_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_had_comes_again), cmocka_unit_test(only_upwards_and_with_a_reason),
        cmocka_unit_test(epochs_do_not_mix),           cmocka_unit_test(what_was_over_stays_over),
        cmocka_unit_test(what_is_minted_comes_again),  cmocka_unit_test(recalls_name_the_present_ledger),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("epoch", tests, NULL, NULL);
}
