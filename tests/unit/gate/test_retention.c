/* Retention: what waited long enough goes, by a clock that is right, and by no other. */
#include "gate/retention.h"

#include "gate/spill.h"
#include "gate_test.h"

#define DAY  INT64_C(86400000000)
#define DAYS 90

enum { MANY = 600 };

static const struct gate_forgotten none;

static bool count_entry(void *ctx, const struct gate_quarantined *entry)
{
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

static size_t waiting(struct bench *b)
{
    size_t count = 0;
    assert_int_equal(gate_quarantine_list(b->gate, 0, count_entry, &count), ERR_OK);
    return count;
}

static uint64_t refuse(struct bench *b, uint32_t source, int n)
{
    char text[64];
    (void)snprintf(text, sizeof text, "{\"type\":\"indicator\",\"name\":\"%d\"}", n);
    assert_int_equal(bench_add(b, source, text), GATE_REFUSED);
    return b->last_lsn;
}

/* A whole run, as core makes it. */
static size_t run(struct bench *b)
{
    uint64_t cursor = 0;
    size_t all = 0;
    while (cursor != UINT64_MAX) {
        size_t gone;
        assert_int_equal(gate_retain(b->gate, DAYS, b->now_us, &cursor, &gone), ERR_OK);
        assert_int_equal(gate_purge(b->gate, NULL, b->now_us), ERR_OK);
        all += gone;
    }
    assert_int_equal(gate_retained(b->gate, &(struct gate_forgotten) {.quarantined = all}, b->now_us),
                     ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    return all;
}

static err_t try_run(struct bench *b)
{
    uint64_t cursor = 0;
    size_t gone;
    return gate_retain(b->gate, DAYS, b->now_us, &cursor, &gone);
}

/* Hour by hour, as a node that runs. */
static void pass(struct bench *b, int64_t days)
{
    for (int64_t i = 0; i < days; i++) {
        b->now_us += DAY;
        assert_int_equal(gate_retained(b->gate, &none, b->now_us), ERR_OK);
    }
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static void expect_whole(struct bench *b)
{
    uint64_t bad = 1;
    struct gate_setup setup = {
        .os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    size_t before = waiting(b);
    gate_close(b->gate);
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
    assert_int_equal(waiting(b), before);
    assert_int_equal(gate_check(b->gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

static void goes_when_its_time_is_over(void **state)
{
    (void)state;
    struct bench b;
    struct gate_kept kept;
    struct gate_keeping keeping;
    struct gate_spill spill;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_retained(b.gate, &none, b.now_us), ERR_OK);
    uint64_t old = refuse(&b, feed, 1), closed, suspended;
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, ",\"name\":\"other\"")), GATE_CONFLICT);
    uint64_t conflict = b.last_lsn;
    pass(&b, DAYS);
    assert_int_equal(run(&b), 0); /* not a moment too early */
    uint64_t young = refuse(&b, feed, 2);
    closed = refuse(&b, feed, 3);
    suspended = refuse(&b, feed, 4);
    assert_int_equal(gate_quarantine_drop(b.gate, closed, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_spill(b.gate, suspended, &by_test, b.now_us, &spill), ERR_OK);
    pass(&b, 1);
    assert_int_equal(gate_keeping(b.gate, DAYS, b.now_us, &keeping), ERR_OK);
    assert_int_equal(keeping.waiting, 2);
    assert_int_equal(keeping.closed, 2); /* what is suspended waits for a second operator */
    assert_int_equal(keeping.conflicts, 1);
    assert_int_equal(keeping.due, 2);
    assert_int_equal(keeping.oldest_us, NOW);
    assert_int_equal(run(&b), 2);
    for (int round = 0; round < 2; round++) {
        assert_true(gate_is_destroyed(b.gate, old));
        assert_true(gate_is_destroyed(b.gate, closed));
        assert_false(gate_is_destroyed(b.gate, young));
        assert_false(gate_is_destroyed(b.gate, suspended));
        assert_false(gate_is_destroyed(b.gate, conflict));
        assert_int_equal(waiting(&b), 2);
        expect_whole(&b);
        assert_int_equal(run(&b), 0);
    }
    assert_int_equal(gate_kept_get(b.gate, &kept), ERR_OK);
    assert_int_equal(kept.quarantined, 2);
    assert_int_equal(kept.run_us, b.now_us);
    /* The same again is a new entry: nothing of the old one is known. */
    assert_int_not_equal(refuse(&b, feed, 1), old);
    bench_deinit(&b);
}

static void no_wrong_clock_destroys(void **state)
{
    (void)state;
    static const int64_t jumps[] = {DAY + 1, 400 * DAY, 3650 * DAY, -DAY - 1, -3650 * DAY};
    struct bench b;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    (void)refuse(&b, feed, 1);
    uint64_t closed = refuse(&b, feed, 2);
    assert_int_equal(gate_quarantine_drop(b.gate, closed, &by_test, b.now_us), ERR_OK);
    /* Before the first run nobody knows what time it was. */
    b.now_us = NOW + 3650 * DAY;
    assert_int_equal(try_run(&b), ERR_DENIED);
    b.now_us = NOW;
    assert_int_equal(gate_retained(b.gate, &none, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        b.now_us = NOW + jumps[i];
        assert_int_equal(try_run(&b), ERR_DENIED);
        assert_int_equal(gate_retained(b.gate, &none, b.now_us),
                         ERR_DENIED); /* nor is it noted as the time */
        bench_reopen(&b);
        assert_int_equal(try_run(&b), ERR_DENIED);
        assert_int_equal(waiting(&b), 1);
        assert_false(gate_is_destroyed(b.gate, closed));
    }
    /* It was set right again: all goes on. A node that was off asks. */
    b.now_us = NOW + DAY;
    assert_int_equal(run(&b), 1);
    b.now_us = NOW + 100 * DAY;
    assert_int_equal(try_run(&b), ERR_DENIED);
    assert_int_equal(gate_clock_confirm(b.gate, &by_test, b.now_us), ERR_OK);
    assert_int_equal(run(&b), 1);
    assert_int_equal(waiting(&b), 0);
    /* Confirmed in the future by mistake: it is confirmed again, backwards, and what is kept stays. */
    assert_int_equal(gate_clock_confirm(b.gate, &by_test, b.now_us + 400 * DAY), ERR_OK);
    assert_int_equal(try_run(&b), ERR_DENIED);
    assert_int_equal(gate_clock_confirm(b.gate, &by_test, b.now_us), ERR_OK);
    assert_int_equal(run(&b), 0);
    bench_deinit(&b);
}

/* The power goes between two pages, and between a page and what it asks for. */
static void a_run_that_was_cut_begins_anew(void **state)
{
    (void)state;
    struct bench b;
    char *text = mem_alloc(MANY * 64);
    size_t len = (size_t)snprintf(text, 16, "{\"objects\":["), gone = 0;
    uint64_t cursor = 0;
    assert_non_null(text);
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_retained(b.gate, &none, b.now_us), ERR_OK);
    for (int i = 0; i < MANY; i++)
        len +=
            (size_t)snprintf(text + len, 64, "%s{\"type\":\"tool\",\"name\":\"%d\"}", i == 0 ? "" : ",", i);
    len += (size_t)snprintf(text + len, 8, "]}");
    assert_int_equal(bench_accept(&b, feed, text, len), ERR_OK);
    assert_int_equal(waiting(&b), MANY);
    pass(&b, DAYS + 1);
    while (gone == 0)
        assert_int_equal(gate_retain(b.gate, DAYS, b.now_us, &cursor, &gone), ERR_OK);
    assert_in_range(gone, 1, MANY - 1);
    bench_reopen(&b);
    assert_true(gate_purge_due(b.gate));
    assert_int_equal(waiting(&b), MANY - gone);
    assert_int_equal(run(&b), MANY - gone);
    assert_int_equal(waiting(&b), 0);
    expect_whole(&b);
    mem_free(text);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(goes_when_its_time_is_over),
                                       cmocka_unit_test(no_wrong_clock_destroys),
                                       cmocka_unit_test(a_run_that_was_cut_begins_anew)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
