/* Spillage: suspended at once, for everybody, over restarts, and not taken in again. */
#include "gate/spill.h"
#include "gate/words.h"

#include "gate/recall.h"

#include "gate_test.h"

static bool count_copy(void *ctx, const struct gate_object *object)
{
    (void)object;
    ++*(size_t *)ctx;
    return true;
}

static size_t shown(struct bench *b, int n)
{
    struct stix_key key = key_of("indicator", n);
    size_t count = 0;
    assert_int_equal(gate_versions(b->gate, &key, count_copy, &count), ERR_OK);
    return count;
}

static bool count_entry(void *ctx, const struct gate_quarantined *entry)
{
    (void)entry;
    ++*(size_t *)ctx;
    return true;
}

static void count_spill(void *ctx, const struct gate_spill *spill)
{
    assert_true(str_eq(spill->by, by_test.who));
    assert_true(spill->because.len > 0);
    ++*(size_t *)ctx;
}

static size_t leaves(struct bench *b)
{
    struct gate_ledger ledger;
    bench_settle(b);
    bench_sign(b);
    assert_int_equal(gate_ledger(b->gate, 0, &ledger), ERR_OK);
    return (size_t)ledger.visible;
}

static bool leaf_bytes(void *ctx, const struct gate_leaf *leaf)
{
    *(size_t *)ctx += leaf->object.len;
    return true;
}

static void suspended(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_spill spill;
    size_t bytes = 0, count = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t other = bench_source(&b, "other", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(leaves(&b), 1);
    assert_int_equal(gate_leaves(b.gate, 0, 0, leaf_bytes, &bytes), ERR_OK);
    assert_int_equal(bytes, strlen(text));
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_int_equal(spill.released, 1);
    assert_int_equal(spill.source, feed);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_EXISTS);
    assert_int_equal(shown(&b, 1), 0);
    /* Who has it is told so, and the old leaf gives no content any more. */
    assert_int_equal(leaves(&b), 2);
    bytes = 0;
    assert_int_equal(gate_leaves(b.gate, 0, 0, leaf_bytes, &bytes), ERR_OK);
    assert_int_equal(bytes, 0);
    for (int round = 0; round < 2; round++) {
        /* Neither byte by byte nor in other words for the same; nothing of it is kept. */
        assert_int_not_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
        assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR) ",\"revoked\":false")),
                         GATE_REFUSED);
        count = 0;
        assert_int_equal(gate_quarantine_list(b.gate, 0, count_entry, &count), ERR_OK);
        assert_int_equal(count, 0);
        assert_int_equal(bench_add(&b, other, indicator(text, 10 + round, 1, MARKED(TLP_CLEAR))), GATE_NEW);
        bench_reopen(&b);
        assert_int_equal(shown(&b, 1), 0);
    }
    count = 0;
    assert_int_equal(gate_spills(b.gate, count_spill, &count), ERR_OK);
    assert_int_equal(count, 1);
    bench_deinit(&b);
}

static uint64_t taken(const struct bench *b, unsigned partner)
{
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(b->gate, partner, &ledger), ERR_OK);
    return ledger.taken;
}

/* What breaks off answers under way: never a release, and of a spill only who had it. */
static void taken_from_whom(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_spill spill;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    unsigned had = bench_partner(&b, "us-cisa");
    bench_policy(&b);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    bench_settle(&b);
    unsigned later = bench_partner(&b, "jp"); /* without the history */
    uint64_t from_one = taken(&b, had), from_other = taken(&b, later);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(leaves(&b), 2);
    assert_int_equal(taken(&b, had), from_one);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_true(taken(&b, had) > from_one);
    assert_int_equal(taken(&b, later), from_other);
    from_one = taken(&b, had);
    bench_settle(&b);
    assert_int_equal(taken(&b, had), from_one);
    assert_int_equal(gate_peer_set(b.gate, later, GATE_PEER_PAUSED, false, &by_test, b.now_us), ERR_OK);
    assert_true(taken(&b, later) > from_other);
    assert_int_equal(taken(&b, had), from_one);
    from_other = taken(&b, later);
    bench_policy(&b);
    assert_true(taken(&b, had) > from_one && taken(&b, later) > from_other);
    bench_deinit(&b);
}

static void of_the_quarantine(void **state)
{
    (void)state;
    struct bench b;
    struct gate_spill spill;
    size_t count = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_NONE, true, false);
    assert_int_equal(bench_add(&b, feed, "{\"type\":\"indicator\",\"name\":\"secret\"}"), GATE_REFUSED);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(bench_add(&b, feed, "{\"type\":\"indicator\",\"name\":\"secret\"}"), GATE_REFUSED);
        assert_int_equal(gate_quarantine_list(b.gate, 0, count_entry, &count), ERR_OK);
        assert_int_equal(count, 0);
        bench_reopen(&b);
    }
    assert_int_equal(gate_spill(b.gate, lsn + 1, &by_test, b.now_us, &spill), ERR_NOTFOUND);
    assert_int_equal(gate_spill(b.gate, 1 << 30, &by_test, b.now_us, &spill), ERR_NOTFOUND);
    bench_deinit(&b);
}

static bool take_one(void *ctx, const struct gate_object *object)
{
    (void)object;
    ++*(size_t *)ctx;
    return true;
}

/* What another source is told of its own submissions is the same whether or not somebody's is suspended. */
static void tells_nobody_else(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_spill spill;
    size_t own = 0;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t early = bench_source(&b, "early", STIX_TLP_CLEAR, false, false);
    uint32_t late = bench_source(&b, "late", STIX_TLP_CLEAR, false, false);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(bench_add(&b, early, text), GATE_SEEN);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    /* The same bytes stand for both: who had reported them is refused them, too. */
    assert_int_equal(gate_source_objects(b.gate, early, 0, take_one, &own), ERR_OK);
    assert_int_equal(own, 0);
    assert_int_equal(bench_add(&b, early, text), GATE_REFUSED);
    /* To who comes later it was never here: neither the same nor other content of that version. */
    assert_int_equal(bench_add(&b, late, text), GATE_NEW);
    assert_int_equal(gate_source_objects(b.gate, late, 0, take_one, &own), ERR_OK);
    assert_int_equal(own, 1);
    assert_int_equal(bench_add(&b, feed, indicator(text, 2, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(gate_spill(b.gate, b.last_lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_int_equal(bench_add(&b, late, indicator(text, 2, 1, MARKED(TLP_GREEN))), GATE_NEW);
    bench_deinit(&b);
}

static enum policy_effect ruled(struct bench *b, int n, const char *rule)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("indicator", n);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(b->gate, &key, 0, b->now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_int_equal(why.rule.len, strlen(rule));
    assert_memory_equal(why.rule.at, rule, why.rule.len);
    enum policy_effect effect = why.effect;
    arena_deinit(&arena);
    return effect;
}

/* What another source has, or sends later, under the same identifier waits for a person. */
static void others_wait(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_spill spill;
    struct stix_key key = key_of("indicator", 1);
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t other = bench_source(&b, "other", STIX_TLP_CLEAR, true, false);
    uint32_t late = bench_source(&b, "late", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(bench_add(&b, other, indicator(text, 1, 2, MARKED(TLP_CLEAR))), GATE_ASSERTION);
    assert_int_equal(leaves(&b), 1);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    assert_int_equal(leaves(&b), 2); /* told that it is over; and nothing else */
    assert_int_equal(bench_add(&b, late, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(bench_add(&b, other, indicator(text, 2, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(leaves(&b), 3); /* the other object */
        assert_int_equal(ruled(&b, 1, "built-in.safety"), POLICY_HOLD);
        bench_reopen(&b);
    }
    /* A word about lists is none about this; a word about this is. */
    assert_int_equal(gate_tag(b.gate, &key, STR("safety:ok"), true, &by_test, b.now_us), ERR_OK);
    assert_int_equal(leaves(&b), 3);
    assert_int_equal(gate_tag(b.gate, &key, STR(GATE_SPILL_OK), true, &by_test, b.now_us), ERR_OK);
    size_t let_go = leaves(&b);
    assert_true(let_go > 3);
    bench_deinit(&b);
}

/* Approved for one partner; and called back after it was suspended, which is how what partners have goes. */
static void a_person_decides(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct gate_spill spill;
    struct gate_recalled told;
    struct stix_key key = key_of("indicator", 1);
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t late = bench_source(&b, "late", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    uint64_t lsn = b.last_lsn;
    assert_int_equal(leaves(&b), 1);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    (void)leaves(&b);
    assert_int_equal(gate_recall(b.gate, &lsn, 1, 0, &by_test, true, b.now_us, &told), ERR_OK);
    size_t before = leaves(&b);
    for (int life = 0; life < 2; life++) {
        bench_reopen(&b);
        assert_int_equal(bench_add(&b, late, indicator(text, 1, 2 + life, MARKED(TLP_CLEAR))), GATE_NEW);
        assert_int_equal(leaves(&b), before);
        assert_int_equal(ruled(&b, 1, "built-in.safety"), POLICY_HOLD);
    }
    assert_true(gate_holds_count(b.gate, 0) > 0);
    assert_int_equal(gate_approve(b.gate, &key, 0, GATE_APPROVE, 0, &by_test, b.now_us), ERR_OK);
    assert_int_equal(leaves(&b), before + 1);
    bench_deinit(&b);
}

static bool keep_id(void *ctx, const struct gate_leaf *leaf)
{
    char *id = ctx;
    if (str_starts(leaf->id, STR("indicator--")))
        (void)snprintf(id, ID_MAX, "%.*s", STR_ARG(leaf->id));
    return true;
}

/* Who is called about an identifier that was minted learns whose it was, by whom and why it is gone. */
static void its_minted_name_leads_to_it(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX], minted[ID_MAX] = "", own[ID_MAX];
    struct gate_spill spill, found;
    struct gate_destroyed told;
    struct gate_by other = {.who = STR("eve"), .because = STR("agreed")};
    struct arena arena;
    uint64_t partners = 0, lsn;
    struct stix_key key = key_of("indicator", 1);
    size_t count;
    bench_init(&b);
    arena_init(&arena, 1u << 20);
    unsigned us = bench_partner(&b, "us-cisa");
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    bench_policy_text(&b, "language 1\nrelease r if tlp <= clear to us-cisa with redact \"description\"\n");
    (void)bench_add(&b, feed, indicator(text, 1, 1, ",\"description\":\"a\""));
    (void)leaves(&b);
    assert_int_equal(gate_leaves(b.gate, us, 0, keep_id, minted), ERR_OK);
    assert_string_not_equal(minted, id_of(own, "indicator", 1));
    assert_int_equal(gate_spill_known_as(b.gate, str_of(minted), &arena, &found, &partners), ERR_NOTFOUND);
    assert_int_equal(gate_spill_copies(b.gate, &key, &lsn, 1, &count), ERR_OK);
    assert_int_equal(gate_spill(b.gate, lsn, &by_test, b.now_us, &spill), ERR_OK);
    bench_settle(&b);
    assert_int_equal(gate_spill_destroy(b.gate, &lsn, 1, &other, b.now_us, &told), ERR_OK);
    assert_int_equal(gate_spill_known_as(b.gate, str_of(minted), &arena, &found, &partners), ERR_OK);
    assert_int_equal(partners, UINT64_C(1) << us);
    assert_true(found.destroyed);
    assert_true(stix_key_eq(&found.key, &key));
    assert_int_equal(gate_words(b.gate, found.because, &arena, &found.because), ERR_OK);
    assert_true(str_eq(found.because, by_test.because));
    assert_int_equal(gate_spill_known_as(b.gate, str_of(own), &arena, &found, &partners), ERR_OK);
    assert_int_equal(partners, 0);
    assert_int_equal(
        gate_spill_known_as(b.gate, str_of(id_of(own, "indicator", 2)), &arena, &found, &partners),
        ERR_NOTFOUND);
    arena_deinit(&arena);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(suspended),
                                       cmocka_unit_test(taken_from_whom),
                                       cmocka_unit_test(of_the_quarantine),
                                       cmocka_unit_test(tells_nobody_else),
                                       cmocka_unit_test(others_wait),
                                       cmocka_unit_test(a_person_decides),
                                       cmocka_unit_test(its_minted_name_leads_to_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
