/* The one door: what goes in, what is decided, what a partner sees, and that all of it survives a restart. */
#include "gate_test.h"

static bool count_leaf(void *ctx, const struct gate_leaf *leaf)
{
    (void)leaf;
    ++*(size_t *)ctx;
    return true;
}

static size_t leaves(struct bench *b, unsigned partner)
{
    size_t count = 0;
    assert_int_equal(gate_leaves(b->gate, partner, 0, count_leaf, &count), ERR_OK);
    return count;
}

static void accepts_campaign(struct bench *b, uint32_t *out_source)
{
    size_t len = 0;
    char *text = bench_file("samples/campaign/kr-cert.json", &len);
    assert_non_null(text);
    *out_source = bench_source(b, "kr-cert", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_accept(b, *out_source, text, len), ERR_OK);
    assert_int_equal(b->answers[GATE_NEW], 174);
    assert_int_equal(bench_accept(b, *out_source, text, len), ERR_OK);
    assert_int_equal(b->answers[GATE_DUPLICATE], 174);
    mem_free(text);
}

static void explain_to(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    (void)ctx;
    print_message("  %-24.*s %s %llu\n", STR_ARG(name), policy_effect_name(effect),
                  (unsigned long long)count);
}

static void test_campaign(void **state)
{
    (void)state;
    struct bench b;
    uint32_t source;
    struct gate_tally tally;
    struct gate_ledger ledger;
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    accepts_campaign(&b, &source);
    bench_settle(&b);
    assert_int_equal(gate_tally(b.gate, us, &tally), ERR_OK);
    print_message("released %llu held %llu blocked %llu denied %llu\n", (unsigned long long)tally.released,
                  (unsigned long long)tally.held, (unsigned long long)tally.blocked,
                  (unsigned long long)tally.denied);
    assert_int_equal(gate_tally_rules(b.gate, us, explain_to, NULL), ERR_OK);
    /* samples/campaign/expected.json: kr_cert_up_to_green is 142, marking definitions not counted. */
    assert_int_equal(leaves(&b, us), 0);
    bench_sign(&b);
    assert_int_equal(gate_ledger(b.gate, us, &ledger), ERR_OK);
    assert_int_equal(ledger.size, ledger.visible);
    assert_int_equal(leaves(&b, us), ledger.size);
    assert_int_equal(tally.released, ledger.size);
    struct hash root = ledger.visible_root;
    bench_reopen(&b);
    assert_int_equal(gate_ledger(b.gate, us, &ledger), ERR_OK);
    assert_memory_equal(ledger.visible_root.b, root.b, HASH_SIZE);
    assert_int_equal(leaves(&b, us), ledger.size);
    assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    bench_reopen(&b);
    assert_int_equal(gate_ledger(b.gate, us, &ledger), ERR_OK);
    assert_memory_equal(ledger.visible_root.b, root.b, HASH_SIZE);
    struct gate_tally again;
    assert_int_equal(gate_tally(b.gate, us, &again), ERR_OK);
    assert_memory_equal(&again, &tally, sizeof tally);
    uint64_t bad = 1;
    assert_int_equal(gate_check(b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_campaign),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
