/* Memory that is short while objects are taken in or an operator speaks: whatever allocation fails, what was
 * begun is whole or nothing, also when whoever comes next commits, and the node is well after a start. */
#include "../short_memory.h"
#include "gate/retention.h"
#include "gate_test.h"

#define ONE(number)                                                                                          \
    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--0b009500-0000-4000-8000-"          \
    "00000000000" number "\",\"created\":\"2026-01-01T00:00:00.000Z\","                                      \
    "\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[a:b='c']\",\"pattern_type\":\"stix\","         \
    "\"valid_from\":\"2026-01-01T00:00:00Z\"}"
static const char bundle[] = "{\"type\":\"bundle\",\"id\":\"bundle--0b009500-0000-4000-8000-000000000001\","
                             "\"objects\":[" ONE("1") "," ONE("2") "," ONE("3") "]}";

static bool count(void *ctx, const struct gate_object *object)
{
    (void)object;
    ++*(size_t *)ctx;
    return true;
}

static size_t listed(struct bench *b, uint32_t source)
{
    size_t n = 0;
    assert_int_equal(gate_source_objects(b->gate, source, 0, count, &n), ERR_OK);
    return n;
}

static err_t hand_in(struct bench *b, uint32_t source, unsigned fails)
{
    static char padded[sizeof bundle + JSON_PADDING];
    struct gate_submission submission = {.source = source};
    struct fault fault = {0};
    memcpy(padded, bundle, sizeof bundle);
    fails_in = fails;
    err_t err = gate_accept(b->gate, &submission, bytes_of(padded, sizeof bundle - 1), b->now_us,
                            bench_answer, b, &fault);
    fails_in = 0;
    return err;
}

/* Whoever comes next has nothing to do with it. */
static void somebody_else_commits(struct bench *b)
{
    err_t err = gate_tag(b->gate, &(struct stix_key) {{1}}, STR("seen"), true, &by_test, b->now_us);
    if (err != ERR_READONLY && err != ERR_NOTFOUND)
        assert_int_equal(err, ERR_OK);
    (void)!gate_commit(b->gate);
    (void)!gate_merge(b->gate, true); /* what lacks in the index now would lack for good */
}

static void objects_are_taken_in_whole(void **state)
{
    unsigned failed = 0, stopped = 0;
    (void)state;
    for (unsigned n = 1; n < 120; n++) {
        struct bench b;
        uint64_t bad = 0;
        bench_init(&b);
        uint32_t source = bench_source(&b, "feed", STIX_TLP_CLEAR, false, false);
        assert_int_equal(gate_commit(b.gate), ERR_OK);
        failed += hand_in(&b, source, n) != ERR_OK;
        somebody_else_commits(&b);
        stopped += gate_health(b.gate).read_only;
        bench_reopen(&b);
        assert_int_equal(gate_check(b.gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
        assert_int_equal(hand_in(&b, source, 0), ERR_OK);
        assert_int_equal(gate_commit(b.gate), ERR_OK);
        assert_int_equal(listed(&b, source), 3);
        bench_deinit(&b);
    }
    assert_true(failed > 5);
    assert_true(stopped > 0);
}

/* What there is no memory to read is no first run, which would believe any time. */
static void a_clock_that_jumped_is_not_believed(void **state)
{
    static const struct gate_forgotten none;
    const int64_t day_us = INT64_C(86400) * 1000 * 1000;
    (void)state;
    for (unsigned n = 0; n < 40; n++) {
        struct bench b;
        struct gate_kept kept;
        bench_init(&b);
        assert_int_equal(gate_retained(b.gate, &none, b.now_us), ERR_OK);
        assert_int_equal(gate_commit(b.gate), ERR_OK);
        const int64_t before_us = b.now_us;
        b.now_us += 3 * day_us;
        fails_in = n;
        err_t err = gate_retained(b.gate, &none, b.now_us);
        fails_in = 0;
        assert_int_not_equal(err, ERR_OK);
        assert_int_equal(gate_kept_get(b.gate, &kept), ERR_OK);
        assert_int_equal(kept.run_us, before_us);
        bench_deinit(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(objects_are_taken_in_whole),
                                       cmocka_unit_test(a_clock_that_jumped_is_not_believed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
