/* Weeks, spreads, and rows of several weeks under a clock of the test's own; that replay and reindexing keep
 * what was only counted. tests/scenario/quality.py compares whole reports with an account in Python. */
#include "gate/quality.h"
#include "gate/state.h"
#include "gate_test.h"

#define DAY_US INT64_C(86400000000)

static void expect_week(int64_t time_us, const char *text)
{
    char out[GATE_WEEK_TEXT_SIZE];
    gate_week_text(gate_week(time_us), out);
    assert_string_equal(out, text);
}

static int64_t time_of(const char *text)
{
    struct stamp stamp;
    assert_int_equal(stamp_parse(str_of(text), &stamp, NULL), ERR_OK);
    return stamp_us(stamp);
}

/* From the calendar of ISO 8601: years that begin and end in weeks of others. */
static void test_weeks(void **state)
{
    (void)state;
    expect_week(0, "1970-W01");
    expect_week(-1, "1970-W01");
    expect_week(time_of("1969-12-28T23:59:59Z"), "1969-W52");
    expect_week(time_of("1969-12-29T00:00:00Z"), "1970-W01");
    expect_week(time_of("2005-01-01T12:00:00Z"), "2004-W53");
    expect_week(time_of("2008-12-29T00:00:00Z"), "2009-W01");
    expect_week(time_of("2010-01-03T23:59:59.999999Z"), "2009-W53");
    expect_week(time_of("2026-11-22T00:00:00Z"), "2026-W47");
    expect_week(time_of("2026-11-23T00:00:00Z"), "2026-W48");
    expect_week(time_of("2026-12-31T00:00:00Z"), "2026-W53");
    assert_int_equal(gate_week(0), 0);
    assert_int_equal(gate_week_start_us(gate_week(NOW)) % DAY_US, 0);
    assert_in_range(NOW - gate_week_start_us(gate_week(NOW)), 0, 7 * DAY_US - 1);
    assert_true(gate_week(INT64_MIN) < 0 && gate_week(INT64_MAX) > 0);
}

static void test_spread(void **state)
{
    (void)state;
    struct gate_spread *spread = mem_alloc(sizeof *spread);
    assert_non_null(spread);
    assert_int_equal(gate_spread_quantile(spread, 500), 0);
    for (int64_t ms = 1; ms <= 1000; ms++)
        gate_spread_put(spread, ms * 1000);
    assert_in_range(gate_spread_quantile(spread, 500), 465, 535);
    assert_in_range(gate_spread_quantile(spread, 900), 837, 963);
    *spread = (struct gate_spread) {0};
    /* Every size on its own: within 7 of 100, whatever the octave. */
    for (uint64_t ms = 1; ms < UINT64_C(4000000000000); ms = ms * 9 / 8 + 1) {
        gate_spread_put(spread, (int64_t)ms * 1000);
        uint64_t got = gate_spread_quantile(spread, 1000);
        assert_true(got * 100 >= ms * 93 && got * 100 <= ms * 107);
    }
    gate_spread_put(spread, INT64_MAX);
    gate_spread_put(spread, INT64_MIN);
    assert_int_equal(gate_spread_quantile(spread, 1), 0);
    mem_free(spread);
}

static struct gate_quality *read_all(struct bench *b, uint32_t source, int32_t from)
{
    struct gate_quality_ask ask = {.source = source, .from = from};
    struct gate_quality *quality;
    bool end = false;
    assert_int_equal(gate_quality_open(b->gate, &ask, &quality), ERR_OK);
    while (!end) /* portions of one frame: the walk must not depend on their size */
        assert_int_equal(gate_quality_step(quality, 1, &end), ERR_OK);
    return quality;
}

static void reopen(struct bench *b, bool reindex)
{
    struct gate_setup setup = {
        .os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .reindex = reindex, .diag = &bench_diag};
    gate_close(b->gate);
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
}

/* kr brings one object in the first week; us the same in the second, twice, a version of it and a conflict,
 * three times. Then nothing for two weeks. */
static void fill(struct bench *b, uint32_t kr, uint32_t us)
{
    char text[TEXT_MAX];
    assert_int_equal(bench_add(b, kr, indicator(text, 1, 1, "")), GATE_NEW);
    b->now_us += 7 * DAY_US;
    assert_int_equal(bench_add(b, us, indicator(text, 1, 1, "")), GATE_SEEN);
    assert_int_equal(bench_add(b, us, indicator(text, 1, 1, "")), GATE_DUPLICATE);
    assert_int_equal(bench_add(b, us, indicator(text, 1, 2, "")), GATE_ASSERTION);
    for (int i = 0; i < 3; i++)
        assert_int_equal(bench_add(b, us, indicator(text, 1, 1, ",\"confidence\":3")), GATE_CONFLICT);
    for (int i = 0; i < 2; i++)
        assert_int_equal(bench_add(b, us, "{\"type\":\"tool\",\"spec_version\":\"2.1\"}"), GATE_REFUSED);
    b->now_us += 14 * DAY_US;
    assert_int_equal(bench_add(b, kr, indicator(text, 1, 1, "")), GATE_DUPLICATE);
}

static void expect_rows(struct bench *b, uint32_t kr, uint32_t us)
{
    struct gate_quality *quality = read_all(b, GATE_SOURCE_NONE, gate_week(NOW));
    const struct gate_quality_row *first = gate_quality_row(quality, 0), *last = gate_quality_row(quality, 1),
                                  *other = gate_quality_row(quality, 2);
    assert_non_null(other);
    assert_null(gate_quality_row(quality, 3));
    assert_int_equal(first->source, kr);
    assert_int_equal(first->week, gate_week(NOW));
    assert_int_equal(first->objects, 1);
    assert_int_equal(first->unmarked, 1);
    assert_int_equal(first->ahead.count, 1);
    assert_int_equal(first->repeated, 0);
    assert_int_equal(last->source, kr);
    assert_int_equal(last->week, gate_week(NOW) + 3);
    assert_int_equal(last->repeated, 1);
    assert_int_equal(gate_quality_delivered(last), 0);
    assert_int_equal(other->source, us);
    assert_int_equal(other->week, gate_week(NOW) + 1);
    assert_int_equal(other->seen, 1);
    assert_int_equal(other->repeated, 1);
    assert_int_equal(other->assertions, 1);
    assert_int_equal(other->conflicts, 1);
    assert_int_equal(other->conflicts_again, 2);
    assert_int_equal(other->refused, 1);
    assert_int_equal(other->refused_again, 1);
    assert_int_equal(other->reason_count, 1);
    uint64_t week_ms = 7 * (uint64_t)(DAY_US / 1000);
    assert_in_range(gate_spread_quantile(&other->behind, 500), week_ms * 93 / 100, week_ms * 107 / 100);
    gate_quality_close(quality);
    /* One week, and one source. */
    quality = read_all(b, GATE_SOURCE_NONE, gate_week(NOW) + 2);
    assert_int_equal(gate_quality_row(quality, 0)->week, gate_week(NOW) + 3);
    assert_null(gate_quality_row(quality, 1));
    gate_quality_close(quality);
    quality = read_all(b, us, gate_week(NOW));
    assert_int_equal(gate_quality_row(quality, 0)->source, us);
    assert_null(gate_quality_row(quality, 1));
    gate_quality_close(quality);
}

static void test_rows(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t kr = bench_source(&b, "kr", STIX_TLP_CLEAR, true, false);
    uint32_t us = bench_source(&b, "us", STIX_TLP_CLEAR, false, false);
    fill(&b, kr, us);
    expect_rows(&b, kr, us);
    assert_int_equal(gate_repeats_keep(b.gate, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    expect_rows(&b, kr, us);
    reopen(&b, false);
    expect_rows(&b, kr, us);
    reopen(&b, true);
    expect_rows(&b, kr, us);
    bench_deinit(&b);
}

/* Counts are logged when they are due, and not before; what is in the log goes on counting. */
static void test_kept(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bool more;
    int64_t next;
    bench_init(&b);
    uint32_t kr = bench_source(&b, "kr", STIX_TLP_CLEAR, true, false);
    for (int i = 0; i < 3; i++)
        (void)bench_add(&b, kr, indicator(text, 1, 1, ""));
    struct gate_counts before, after;
    gate_counts(b.gate, &before);
    assert_int_equal(gate_step(b.gate, b.now_us, &more, &next), ERR_OK);
    assert_int_equal(next, b.now_us + LIMIT_REPEATS_KEEP_US);
    gate_counts(b.gate, &after);
    assert_int_equal(after.log_bytes, before.log_bytes);
    assert_int_equal(gate_step(b.gate, next, &more, &next), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    gate_counts(b.gate, &after);
    assert_true(after.log_bytes > before.log_bytes);
    assert_int_equal(next, INT64_MAX);
    bench_reopen(&b);
    (void)bench_add(&b, kr, indicator(text, 1, 1, ""));
    struct gate_quality *quality = read_all(&b, kr, gate_week(NOW));
    assert_int_equal(gate_quality_row(quality, 0)->repeated, 3);
    gate_quality_close(quality);
    bench_deinit(&b);
}

static uint64_t echoes(struct bench *b, uint32_t source)
{
    uint64_t count;
    assert_int_equal(gate_echoes(b->gate, source, &count), ERR_OK);
    return count;
}

static void give_back(struct bench *b, uint32_t source, int version)
{
    struct gate_submission submission = {.source = source, .echoes = GATE_ECHOES_OF_ALL};
    struct fault fault = {0};
    char text[TEXT_MAX + JSON_PADDING] = "";
    size_t len = strlen(indicator(text, 1, version, ""));
    memset(b->answers, 0, sizeof b->answers);
    assert_int_equal(
        gate_accept(b->gate, &submission, bytes_of(text, len), b->now_us, bench_answer, b, &fault), ERR_OK);
}

/* Echoes leave no frame, and are counted by source and week; also beside what an older node logged. */
static void test_echoes(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    static const uint8_t week[] = {0, 0, 0, 2, 0, 0, 0, 1};
    bench_init(&b);
    uint32_t kr = bench_source(&b, "kr", STIX_TLP_CLEAR, true, false),
             far = bench_source(&b, "far", STIX_TLP_CLEAR, false, false);
    assert_int_equal(bench_add(&b, kr, indicator(text, 1, 1, "")), GATE_NEW);
    for (int i = 0; i < 3; i++) {
        give_back(&b, far, 2 + i);
        assert_int_equal(b.answers[GATE_ECHO], 1);
    }
    give_back(&b, far, 1);
    assert_int_equal(b.answers[GATE_SEEN], 1);
    assert_int_equal(gate_repeats_keep(b.gate, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_int_equal(echoes(&b, far), 4);
    b.now_us += INT64_C(8) * 86400 * 1000000;
    give_back(&b, far, 9);
    assert_int_equal(echoes(&b, far), 5);
    assert_int_equal(echoes(&b, kr), 0);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    struct gate_quality *quality = read_all(&b, far, gate_week(NOW));
    assert_int_equal(gate_quality_row(quality, 0)->echoes, 4);
    assert_int_equal(gate_quality_row(quality, 0)->seen, 1);
    assert_int_equal(gate_quality_row(quality, 1)->echoes, 1);
    gate_quality_close(quality);
    bench_deinit(&b);
    /* What older nodes logged: duplicates, conflicts, refusals. */
    static const uint8_t three[24] = {[7] = 4, [15] = 5, [23] = 6}, four[32] = {[7] = 4, [31] = 7};
    struct repeats repeats;
    assert_int_equal(repeats_read(bytes_of(week, 8), bytes_of(three, 24), &repeats), ERR_OK);
    assert_true(repeats.count[REPEAT_REFUSED] == 6 && repeats.count[REPEAT_ECHO] == 0);
    assert_int_equal(repeats_read(bytes_of(week, 8), bytes_of(four, 32), &repeats), ERR_OK);
    assert_true(repeats.count[REPEAT_DUPLICATE] == 4 && repeats.count[REPEAT_ECHO] == 7);
    for (size_t len = 0; len < 32; len++)
        assert_int_equal(repeats_read(bytes_of(week, 8), bytes_of(four, len), &repeats),
                         len == 24 ? ERR_OK : ERR_CORRUPT);
}

/* More sources at once than are counted in memory. */
static void test_many(void **state)
{
    (void)state;
    enum { SOURCES = LIMIT_REPEATS * 2 + 3 };
    struct bench b;
    char text[TEXT_MAX], name[16];
    bench_init(&b);
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < SOURCES; i++) {
            (void)snprintf(name, sizeof name, "s%d", i);
            uint32_t source = bench_source(&b, name, STIX_TLP_CLEAR, true, false);
            (void)bench_add(&b, source, indicator(text, i, 1, ""));
        }
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    struct gate_quality *quality = read_all(&b, GATE_SOURCE_NONE, gate_week(NOW));
    for (size_t i = 0; i < SOURCES; i++)
        assert_int_equal(gate_quality_row(quality, i)->repeated, 2);
    assert_null(gate_quality_row(quality, SOURCES));
    gate_quality_close(quality);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weeks), cmocka_unit_test(test_spread), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_kept),  cmocka_unit_test(test_echoes), cmocka_unit_test(test_many),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
