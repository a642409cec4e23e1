/* What a recall is about: chosen by what let it go, or by the incident that it belongs to; how much of it one
 * may destroy; and one word of a second officer for all of it. */
#include "gate/recall.h"

#include "gate_test.h"

static const struct gate_by officer = {{"officer", 7}, {"a source is in danger", 21}};
static const struct gate_by by_other = {{"second", 6}, {"I read it", 9}};

enum { CHOSEN_MAX = 64 };

struct chosen {
    uint64_t at[CHOSEN_MAX];
    size_t count; /* each once */
};

static void choose(void *ctx, uint64_t lsn)
{
    struct chosen *c = ctx;
    for (size_t i = 0; i < c->count; i++)
        if (c->at[i] == lsn)
            return;
    assert_in_range(c->count, 0, CHOSEN_MAX - 1);
    c->at[c->count++] = lsn;
}

static bool has(const struct chosen *c, uint64_t lsn)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->at[i] == lsn)
            return true;
    return false;
}

static struct chosen released(struct bench *b, struct gate_released wanted)
{
    struct chosen chosen = {.count = 0};
    if (wanted.until_us == 0)
        wanted.until_us = INT64_MAX;
    if (wanted.partners == 0)
        wanted.partners = UINT64_MAX;
    assert_int_equal(gate_recall_released(b->gate, &wanted, choose, &chosen), ERR_OK);
    return chosen;
}

static uint64_t add(struct bench *b, uint32_t source, const char *text)
{
    assert_int_equal(bench_add(b, source, text), GATE_NEW);
    uint64_t lsn = b->last_lsn;
    bench_settle(b);
    return lsn;
}

/* By the rule, the policy, the partner and the moment, alone and together; a minted copy counts as its
 * source; what was never released, and what merely ended, is not among them. */
static void by_what_let_it_go(void **state)
{
    static const char first_policy[] = "language 1\nrelease open if tlp == clear to all\n"
                                       "release inner if tlp == green to us-cisa\n";
    static const char second_policy[] = "language 1\nrelease open if tlp == clear to all\n";
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned us = bench_partner(&b, "us-cisa"), jp = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, first_policy);
    uint64_t clear = add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t green = add(&b, feed, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    uint64_t red = add(&b, feed, indicator(text, 3, 1, MARKED(TLP_RED)));
    uint64_t part = add(&b, feed,
                        indicator(text, 4, 1,
                                  ",\"description\":\"secret\"" MARKED(
                                      TLP_CLEAR) ",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED
                                                 "\",\"selectors\":[\"description\"]}]"));
    int64_t between = b.now_us + 500;
    b.now_us += 1000000;
    bench_policy_text(&b, second_policy);
    bench_settle(&b); /* green is taken back: that is no release */
    uint64_t late = add(&b, feed, indicator(text, 5, 1, MARKED(TLP_CLEAR)));

    struct chosen all = released(&b, (struct gate_released) {.rule = STR("")});
    assert_true(has(&all, clear) && has(&all, green) && has(&all, part) && has(&all, late));
    assert_false(has(&all, red));
    struct chosen inner = released(&b, (struct gate_released) {.rule = STR("inner")});
    assert_true(has(&inner, green) && inner.count == 1);
    struct chosen open = released(&b, (struct gate_released) {.rule = STR("open")});
    assert_true(has(&open, clear) && has(&open, late) && has(&open, part) && !has(&open, green));
    struct chosen to = released(&b, (struct gate_released) {.partners = UINT64_C(1) << jp});
    assert_true(has(&to, clear) && !has(&to, green));
    to = released(&b, (struct gate_released) {.rule = STR("inner"), .partners = UINT64_C(1) << jp});
    assert_int_equal(to.count, 0);
    to = released(&b, (struct gate_released) {.rule = STR("inner"), .partners = UINT64_C(1) << us});
    assert_int_equal(to.count, 1);
    struct chosen early = released(&b, (struct gate_released) {.until_us = between});
    assert_true(has(&early, clear) && has(&early, green) && !has(&early, late));
    struct chosen since = released(&b, (struct gate_released) {.since_us = between});
    assert_true(has(&since, late) && !has(&since, clear) && !has(&since, green));

    struct hash digest = hash_sha256(bytes_from_str(str_of(second_policy)));
    struct chosen by_policy =
        released(&b, (struct gate_released) {.policy = digest, .policy_bytes = HASH_SIZE});
    assert_true(has(&by_policy, late) && !has(&by_policy, clear));
    by_policy = released(&b, (struct gate_released) {.policy = digest, .policy_bytes = 4});
    assert_true(has(&by_policy, late) && !has(&by_policy, clear));
    digest.b[3] ^= 1;
    by_policy = released(&b, (struct gate_released) {.policy = digest, .policy_bytes = 4});
    assert_int_equal(by_policy.count, 0);
    bench_deinit(&b);
}

/* A report and its members; an incident and what a relationship ties to it. Somebody else's knowledge stays.
 */
static void by_incident(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    size_t stays = 99;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t world = bench_source(&b, "world", STIX_TLP_CLEAR, false, false);
    uint64_t one = add(&b, feed, indicator(text, 1, 1, "")), newer = add(&b, feed, indicator(text, 1, 2, ""));
    uint64_t two = add(&b, feed, indicator(text, 2, 1, ""));
    uint64_t theirs = add(&b, world, indicator(text, 3, 1, ""));
    uint64_t apart = add(&b, feed, indicator(text, 4, 1, ""));
    uint64_t report = add(
        &b, feed,
        "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"report--00000000-0000-4000-8000-"
        "000000000001\","
        "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"r\","
        "\"published\":\"2026-01-01T00:00:00Z\",\"object_refs\":["
        "\"indicator--00000000-0000-4000-8000-000000000001\","
        "\"indicator--00000000-0000-4000-8000-000000000003\"]}");
    uint64_t tie = add(&b, feed, relationship(text, 1, 1, 2, ""));
    struct chosen chosen = {.count = 0};
    struct stix_key key = key_of("report", 1);
    assert_int_equal(gate_recall_around(b.gate, &key, choose, &chosen, &stays), ERR_OK);
    assert_true(has(&chosen, report) && has(&chosen, one) && has(&chosen, newer));
    assert_int_equal(chosen.count, 3);
    assert_false(has(&chosen, theirs));
    assert_int_equal(stays, 1);
    /* By a relationship; the report that holds it is not of it. */
    chosen.count = 0;
    key = key_of("indicator", 1);
    assert_int_equal(gate_recall_around(b.gate, &key, choose, &chosen, &stays), ERR_OK);
    assert_true(has(&chosen, one) && has(&chosen, newer) && has(&chosen, tie) && has(&chosen, two));
    assert_false(has(&chosen, report) || has(&chosen, apart));
    assert_int_equal(stays, 0);
    key = key_of("report", 9);
    assert_int_equal(gate_recall_around(b.gate, &key, choose, &chosen, &stays), ERR_NOTFOUND);
    bench_deinit(&b);
}

static void count_waiting(void *ctx, const struct gate_spill *spill)
{
    *(size_t *)ctx += spill->waits;
}

static size_t waiting(struct bench *b)
{
    size_t count = 0;
    assert_int_equal(gate_spills(b->gate, count_waiting, &count), ERR_OK);
    return count;
}

/* The setting counts; objects, versions and leaves are told apart; one confirmation is for one recall, all of
 * it, and for nothing else; also after a restart. */
static void one_word_for_all(void **state)
{
    enum { EACH = 150 }; /* more than a batch */
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    uint64_t lsns[EACH + 1];
    struct gate_recalled told, other;
    size_t agreed = 0, first = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    bench_partner(&b, "us-cisa");
    bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    for (int i = 0; i < EACH; i++) {
        /* Two versions of one object at the end. */
        assert_int_equal(bench_add(&b, feed, indicator(text, i < EACH - 1 ? i : i - 1, i, MARKED(TLP_GREEN))),
                         GATE_NEW);
        lsns[i] = b.last_lsn;
    }
    assert_int_equal(bench_add(&b, feed, indicator(text, EACH, 1, MARKED(TLP_GREEN))), GATE_NEW);
    lsns[EACH] = b.last_lsn;
    bench_settle(&b);
    gate_recall_budget(b.gate, EACH);
    assert_int_equal(gate_recall_reach(b.gate, lsns, EACH, b.now_us, &told), ERR_OK);
    assert_false(told.waits);
    assert_int_equal(told.objects, EACH - 1);
    assert_int_equal(told.versions, EACH);
    assert_int_equal(told.partners, 3);
    assert_int_equal(told.leaves,
                     2 * (EACH - 1)); /* the older of the two never left: both were there at once */
    assert_int_equal(told.number, 0);
    gate_recall_budget(b.gate, 0);
    assert_int_equal(gate_recall(b.gate, lsns, EACH, 0, &officer, true, b.now_us, &told), ERR_OK);
    assert_true(told.waits);
    assert_int_equal(gate_recall(b.gate, &lsns[EACH], 1, 0, &officer, true, b.now_us, &other), ERR_OK);
    assert_true(other.waits && other.number != told.number);
    assert_int_equal(waiting(&b), EACH + 1);
    bench_reopen(&b);
    struct gate_recall_which which = {.number = told.number};
    assert_int_equal(gate_recall_confirm(b.gate, &which, &officer, b.now_us, &agreed, &first), ERR_DENIED);
    assert_int_equal(gate_recall_confirm(b.gate, &which, &by_other, b.now_us, &agreed, &first), ERR_OK);
    assert_int_equal(agreed, EACH);
    assert_int_equal(waiting(&b), 1);
    assert_int_equal(gate_recall_confirm(b.gate, &which, &by_other, b.now_us, &agreed, &first), ERR_NOTFOUND);
    bench_deinit(&b);
}

/* What was refused can be called back as well: its bytes are somebody's words. */
static void refused_input(void **state)
{
    (void)state;
    struct bench b;
    struct gate_recalled told;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    assert_int_equal(bench_add(&b, feed, "{\"type\":\"indicator\",\"id\":\"nonsense\"}"), GATE_REFUSED);
    uint64_t lsn = b.last_lsn;
    assert_int_not_equal(lsn, 0);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, 0, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(told.objects, 1);
    bool did = true;
    bench_settle(&b);
    assert_int_equal(gate_recall_step(b.gate, b.now_us, &did), ERR_OK);
    assert_true(did);
    assert_int_equal(gate_purge(b.gate, NULL, b.now_us), ERR_OK);
    assert_true(gate_is_destroyed(b.gate, lsn));
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_what_let_it_go),
        cmocka_unit_test(by_incident),
        cmocka_unit_test(one_word_for_all),
        cmocka_unit_test(refused_input),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
