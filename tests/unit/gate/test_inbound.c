/* What is accepted from a source: types, creators, a ceiling, a volume; what is outside waits with its bytes.
 */
#include "gate/inbound.h"

#include "gate_test.h"

#define CREATED_BY(n) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-00000000000" n "\""

static void accept_only(struct bench *b, uint32_t source, const struct gate_inbound *inbound)
{
    assert_int_equal(gate_inbound_put(b->gate, source, inbound, &by_test, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

static uint64_t waiting(struct bench *b)
{
    struct gate_counts counts;
    gate_counts(b->gate, &counts);
    return counts.quarantined;
}

static void types(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX], two[2 * TEXT_MAX + 128], other[TEXT_MAX];
    static const struct str only[] = {{"indicator", 9}};
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t free = bench_source(&b, "free", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.types = only, .type_count = 1});
    /* One that is outside never fails its neighbour. */
    (void)snprintf(two, sizeof two,
                   "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000001\","
                   "\"objects\":[%s,%s]}",
                   identity(other, 1, "organization", ""), indicator(text, 1, 1, ""));
    assert_int_equal(bench_accept(&b, feed, two, strlen(two)), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_DENIED);
    assert_string_equal(b.last_pointer, "/type");
    assert_string_equal(b.last_fault, "objects of type identity are not accepted from this source");
    assert_memory_equal(two + b.last_offset, "\"identity\"", 10);
    assert_int_equal(waiting(&b), 1);
    /* The same again opens no second entry; another source is not concerned. */
    assert_int_equal(bench_add(&b, feed, other), GATE_REFUSED);
    assert_int_equal(waiting(&b), 1);
    uint64_t entry = b.last_lsn;
    bench_reopen(&b);
    assert_int_equal(bench_add(&b, feed, other), GATE_REFUSED);
    assert_int_equal(bench_add(&b, free, identity(text, 2, "organization", "")), GATE_NEW);
    /* Stated otherwise, what waits can be tried again. */
    accept_only(&b, feed, &(struct gate_inbound) {0});
    assert_null(gate_inbound_get(b.gate, feed, b.now_us, NULL));
    memset(b.answers, 0, sizeof b.answers);
    assert_int_equal(gate_quarantine_retry(b.gate, entry, &by_test, b.now_us, bench_answer, &b), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 1);
    assert_int_equal(waiting(&b), 0);
    bench_deinit(&b);
}

static void creators(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    struct stix_key trusted = key_of("identity", 1);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.creators = &trusted, .creator_count = 1});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, CREATED_BY("1"))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, CREATED_BY("2"))), GATE_REFUSED);
    assert_string_equal(b.last_pointer, "/created_by_ref");
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_NEW);
    bench_deinit(&b);
}

static void ceiling(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_AMBER, true, false);
    accept_only(&b, feed, &(struct gate_inbound) {.tlp_max = STIX_TLP_GREEN});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, MARKED(TLP_RED))), GATE_REFUSED);
    assert_string_equal(b.last_fault, "marked above TLP:green, the ceiling of this source");
    /* What is assumed of it speaks for what says nothing. */
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_REFUSED);
    /* A part that is marked above it is enough. */
    assert_int_equal(
        bench_add(&b, feed,
                  indicator(text, 4, 1,
                            MARKED(TLP_CLEAR) ",\"granular_markings\":[{\"selectors\":[\"pattern\"],"
                                              "\"marking_ref\":\"" TLP_RED "\"}]")),
        GATE_REFUSED);
    bench_deinit(&b);
}

static void volume(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_inbound_used used;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    uint32_t other = bench_source(&b, "other", STIX_TLP_NONE, true, false);
    const int64_t day_us = INT64_C(86400) * 1000000;
    accept_only(&b, feed, &(struct gate_inbound) {.window_us = day_us, .objects = 3});
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, "")), GATE_NEW);
    size_t len = strlen(text);
    /* Repetition costs nothing; that another source has it makes no difference that could be seen. */
    assert_int_equal(bench_add(&b, feed, text), GATE_DUPLICATE);
    assert_int_equal(bench_add(&b, other, indicator(text, 2, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, text), GATE_SEEN);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    assert_int_equal(used.bytes, len);
    /* A restart, and the log read again without its index, count the same. */
    bench_reopen(&b);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    gate_close(b.gate);
    struct gate_setup setup = {.os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true};
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    assert_non_null(gate_inbound_get(b.gate, feed, b.now_us, &used));
    assert_int_equal(used.objects, 2);
    assert_int_equal(used.bytes, len);
    assert_int_equal(bench_add(&b, feed, indicator(text, 3, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 4, 1, "")), GATE_REFUSED);
    assert_int_equal(b.last_code, ERR_DENIED);
    assert_int_equal(bench_add(&b, other, indicator(text, 5, 1, "")), GATE_NEW);
    /* The next window is a new one. */
    b.now_us += day_us;
    assert_int_equal(bench_add(&b, feed, indicator(text, 4, 1, "")), GATE_NEW);
    accept_only(&b, feed, &(struct gate_inbound) {.window_us = day_us, .bytes = 2 * len});
    assert_int_equal(bench_add(&b, feed, indicator(text, 6, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 7, 1, "")), GATE_REFUSED);
    bench_deinit(&b);
}

static void a_partner_is_told_refused(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    unsigned us = bench_partner(&b, "us");
    uint32_t source = gate_peer_get(b.gate, us)->source;
    accept_only(&b, source, &(struct gate_inbound) {.tlp_max = STIX_TLP_CLEAR});
    struct gate_submission submission = {.source = source, .leaf = 1};
    struct fault fault = {0};
    char padded[TEXT_MAX + JSON_PADDING] = "";
    size_t len = strlen(indicator(text, 1, 1, MARKED(TLP_RED)));
    memcpy(padded, text, len);
    assert_int_equal(
        gate_accept(b.gate, &submission, bytes_of(padded, len), b.now_us, bench_answer, &b, &fault), ERR_OK);
    assert_int_equal(b.answers[GATE_REFUSED], 1);
    assert_int_equal(b.last_code, ERR_DENIED);
    bench_deinit(&b);
}

static void what_cannot_be_stated(void **state)
{
    (void)state;
    struct bench b;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    static const struct str bad[] = {{"In dicator", 10}};
    struct stix_key no_identity = key_of("malware", 1);
    const struct gate_inbound wrong[] = {
        {.types = bad, .type_count = 1},
        {.creators = &no_identity, .creator_count = 1},
        {.objects = 5},
        {.window_us = 5000000},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(gate_inbound_put(b.gate, feed, &wrong[i], &by_test, b.now_us), ERR_INVALID);
    assert_int_equal(gate_inbound_put(b.gate, 99, &wrong[2], &by_test, b.now_us), ERR_NOTFOUND);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),
        cmocka_unit_test(creators),
        cmocka_unit_test(ceiling),
        cmocka_unit_test(volume),
        cmocka_unit_test(a_partner_is_told_refused),
        cmocka_unit_test(what_cannot_be_stated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
