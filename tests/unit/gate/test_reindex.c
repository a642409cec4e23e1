/* The index is derived: made again from the log alone it tells the same, also when the log is larger than
 * what fits in memory. */
#include "gate_test.h"

enum { BATCHES = 70, BATCH = 1000 };

/* Small objects, each with an id of its own. */
static size_t batch_text(unsigned batch, char *out, size_t size)
{
    size_t n = (size_t)snprintf(out, size, "{\"objects\":[");
    for (unsigned i = 0; i < BATCH; i++)
        n += (size_t)snprintf(out + n, size - n,
                              "%s{\"type\":\"ipv4-addr\",\"spec_version\":\"2.1\",\"id\":\"ipv4-addr--%08x-"
                              "0000-4000-8000-%012x\","
                              "\"value\":\"198.51.100.%u\"}",
                              i == 0 ? "" : ",", batch, i, i % 256);
    return n + (size_t)snprintf(out + n, size - n, "]}");
}

static void test_reindex(void **state)
{
    (void)state;
    enum { TEXT_SIZE = BATCH * 160 };
    struct bench b;
    struct gate_ledger before, after;
    struct gate_tally counted, again;
    struct gate_counts counts;
    char *text = mem_alloc(TEXT_SIZE);
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t source = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    for (unsigned i = 0; i < BATCHES; i++) {
        size_t len = batch_text(i, text, TEXT_SIZE);
        assert_int_equal(bench_accept(&b, source, text, len), ERR_OK);
        assert_int_equal(b.answers[GATE_NEW], BATCH);
        bench_settle(&b);
        if (gate_merge_due(b.gate))
            assert_int_equal(gate_merge(b.gate, false), ERR_OK);
    }
    bench_sign(&b);
    assert_int_equal(gate_ledger(b.gate, us, &before), ERR_OK);
    assert_int_equal(gate_tally(b.gate, us, &counted), ERR_OK);
    assert_int_equal(before.visible, BATCHES * BATCH);
    gate_close(b.gate);
    struct gate_setup setup = {
        .os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    assert_int_equal(gate_ledger(b.gate, us, &after), ERR_OK);
    assert_int_equal(gate_tally(b.gate, us, &again), ERR_OK);
    assert_int_equal(after.visible, before.visible);
    assert_memory_equal(after.visible_root.b, before.visible_root.b, HASH_SIZE);
    assert_memory_equal(&again, &counted, sizeof again);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.objects, BATCHES * BATCH);

    mem_free(text);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reindex),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("reindex", tests, NULL, NULL);
}
