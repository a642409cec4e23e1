/* What people wrote: in no file in clear, forgotten with its day by a clock that is right, kept by an order
 * or a link that stands still; what was said, and every proof, stays. */
#include "gate_test.h"

#include <ftw.h>

#include "core/wr.h"
#include "gate/halt.h"
#include "gate/legal.h"
#include "gate/mint.h"
#include "gate/retention.h"
#include "gate/signed_word.h"
#include "gate/spill.h"
#include "gate/words.h"

#define DAY INT64_C(86400000000)

enum { DAYS = 30 };

static const struct gate_forgotten none;
static const struct gate_by by_kim = {{"kim", 3}, {"zebra warrant 7", 15}};
static const char gone[] = "(the words were forgotten by retention on ";
static const char policy[] = "language 1\nrelease open if tlp <= green and approved to all\n";

/* --- bytes below the node's folder --- */

static struct {
    const char *word;
    size_t found;
} grepping;

static int grep_file(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)at;
    if (flag != FTW_F)
        return 0;
    FILE *file = fopen(path, "rb");
    char *all = mem_alloc((size_t)st->st_size + 1);
    assert_non_null(file);
    assert_non_null(all);
    size_t len = fread(all, 1, (size_t)st->st_size, file);
    grepping.found += memmem(all, len, grepping.word, strlen(grepping.word)) != NULL;
    mem_free(all);
    (void)fclose(file);
    return 0;
}

/* How many files hold it, the index among them. */
static size_t files_with(struct bench *b, const char *word)
{
    grepping.word = word;
    grepping.found = 0;
    assert_int_equal(gate_merge(b->gate, true), ERR_OK);
    assert_int_equal(nftw(b->dir, grep_file, 16, FTW_PHYS), 0);
    return grepping.found;
}

/* --- a node where something was said --- */

struct said {
    struct bench b;
    unsigned us;
    uint32_t own;
    uint64_t object, spilled;
    size_t words; /* that were signed */
};

/* The reason stands in what he signed, and nowhere else. */
static void sign(struct said *s)
{
    static const struct hash said;
    struct gate_word word = {
        .who = by_kim.who, .key = STR("k"), .text = by_kim.because, .signature = STR("s")};
    const struct gate_by by = {by_kim.who, STR("")};
    assert_int_equal(gate_word_put(s->b.gate, &said, (uint32_t)s->words++, &word, &by, s->b.now_us), ERR_OK);
    assert_int_equal(gate_commit(s->b.gate), ERR_OK);
}

static bool take_lsn(void *ctx, const struct gate_quarantined *quarantined)
{
    *(uint64_t *)ctx = quarantined->lsn;
    return true;
}

/* Of another copy of what was approved. */
static void drop(struct said *s)
{
    char text[TEXT_MAX];
    uint64_t lsn = 0;
    assert_int_equal(bench_add(&s->b, s->own, indicator(text, 1, 1, MARKED(TLP_RED))), GATE_CONFLICT);
    assert_int_equal(gate_commit(s->b.gate), ERR_OK);
    assert_int_equal(gate_quarantine_list(s->b.gate, 0, take_lsn, &lsn), ERR_OK);
    assert_int_equal(gate_quarantine_drop(s->b.gate, lsn, &by_kim, s->b.now_us), ERR_OK);
    assert_int_equal(gate_commit(s->b.gate), ERR_OK);
}

static void say(struct said *s)
{
    char text[TEXT_MAX];
    struct gate_spill spill;
    struct bench *b = &s->b;
    s->words = 0;
    bench_init(b);
    s->us = bench_partner(b, "us-cisa");
    bench_policy_text(b, policy);
    s->own = bench_source(b, "own", STIX_TLP_CLEAR, true, false);
    assert_int_equal(bench_add(b, s->own, indicator(text, 1, 1, MARKED(TLP_GREEN))), GATE_NEW);
    s->object = b->last_lsn;
    assert_int_equal(bench_add(b, s->own, indicator(text, 2, 1, "")), GATE_NEW);
    s->spilled = b->last_lsn;
    bench_settle(b);
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_approve(b->gate, &key, s->us, GATE_APPROVE, 0, &by_kim, b->now_us), ERR_OK);
    assert_int_equal(gate_spill(b->gate, s->spilled, &by_kim, b->now_us, &spill), ERR_OK);
    sign(s);
    bench_settle(b);
    bench_sign(b);
    assert_true(bench_is_released(b, s->us, "indicator", 1));
    assert_int_equal(gate_retained(b->gate, &none, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

struct reading {
    struct gate *gate;
    struct arena *arena;
    struct str words;
};

static void read_spill(void *ctx, const struct gate_spill *spill)
{
    struct reading *r = ctx;
    assert_int_equal(gate_words(r->gate, spill->because, r->arena, &r->words), ERR_OK);
}

struct signing {
    bool kept;
    size_t count;
};

static void read_word(void *ctx, const struct gate_word *word)
{
    struct signing *signing = ctx;
    signing->count++;
    assert_true(signing->kept ? str_eq(word->text, by_kim.because) : str_starts(word->text, str_of(gone)));
    assert_true(signing->kept ? str_eq(word->signature, STR("s"))
                              : str_starts(word->signature, str_of(gone)));
    assert_true(str_eq(word->key, STR("k")));
}

/* What the approval rests on, and why the other is suspended, as people are told. */
static void expect_words(struct said *s, bool kept)
{
    struct arena arena;
    struct str basis;
    arena_init(&arena, 64 << 20);
    struct reading r = {.gate = s->b.gate, .arena = &arena};
    assert_int_equal(gate_basis(s->b.gate, s->object, s->us, &arena, &basis), ERR_OK);
    assert_int_equal(gate_spills(s->b.gate, read_spill, &r), ERR_OK);
    struct signing signing = {.kept = kept};
    assert_int_equal(gate_word_each(s->b.gate, read_word, &signing), ERR_OK);
    assert_int_equal(signing.count, s->words);
    assert_true(str_starts(basis, STR("kim: ")));
    basis = (struct str) {basis.at + 5, basis.len - 5};
    assert_true(kept ? str_eq(basis, by_kim.because) : str_starts(basis, str_of(gone)));
    assert_true(kept ? str_eq(r.words, by_kim.because) : str_starts(r.words, str_of(gone)));
    arena_deinit(&arena);
}

static void pass(struct bench *b, int64_t days)
{
    for (int64_t i = 0; i < days; i++) {
        b->now_us += DAY;
        assert_int_equal(gate_retained(b->gate, &none, b->now_us), ERR_OK);
    }
    assert_int_equal(gate_commit(b->gate), ERR_OK);
}

/* A whole run, as core makes it. */
static size_t run(struct bench *b)
{
    size_t all = 0, one = 1;
    while (one > 0) {
        assert_int_equal(gate_retain_words(b->gate, DAYS, b->now_us, &one), ERR_OK);
        assert_int_equal(gate_purge(b->gate, NULL, b->now_us), ERR_OK);
        all += one;
    }
    assert_int_equal(gate_retained(b->gate, &(struct gate_forgotten) {.words = all}, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    return all;
}

struct findings {
    size_t lines, bare;
};

static void take_line(void *ctx, const char *text)
{
    struct findings *findings = ctx;
    findings->lines++;
    findings->bare += strstr(text, "words in clear") != NULL;
}

static struct findings expect_whole(struct bench *b)
{
    uint64_t bad = 1;
    struct findings findings = {0};
    struct gate_setup setup = {
        .os = os_linux(), .dir = b->dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    gate_close(b->gate);
    assert_int_equal(gate_open(&setup, &b->gate), ERR_OK);
    assert_int_equal(gate_check(b->gate, take_line, &findings, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    return findings;
}

static struct gate_words_kept keeping(struct bench *b, unsigned days)
{
    struct gate_words_kept kept;
    assert_int_equal(gate_words_keeping(b->gate, days, b->now_us, &kept), ERR_OK);
    return kept;
}

/* --- tests --- */

static void they_stand_in_no_file_in_clear(void **state)
{
    (void)state;
    struct said s;
    say(&s);
    assert_int_equal(files_with(&s.b, "us-cisa") > 0, true); /* what is in clear is found */
    assert_int_equal(files_with(&s.b, "kim") > 0, true);
    assert_int_equal(files_with(&s.b, "zebra"), 0);
    assert_int_equal(files_with(&s.b, "because"), 0);
    expect_words(&s, true);
    assert_int_equal(keeping(&s.b, 0).days, 1);
    assert_false(keeping(&s.b, 0).bare);
    bench_reopen(&s.b);
    expect_words(&s, true);
    assert_int_equal(expect_whole(&s.b).bare, 0);
    expect_words(&s, true);
    bench_deinit(&s.b);
}

static void they_go_with_their_day(void **state)
{
    (void)state;
    struct said s;
    say(&s);
    struct bench *b = &s.b;
    pass(b, DAYS);
    assert_int_equal(run(b), 0); /* the day is not over so long */
    pass(b, 1);
    assert_int_equal(keeping(b, 0).due, 0); /* nothing has an end where nobody says so */
    assert_int_equal(keeping(b, DAYS).due, 1);
    assert_int_equal(run(b), 1);
    assert_int_equal(keeping(b, DAYS).forgotten, 1);
    for (int round = 0; round < 2; round++) {
        expect_words(&s, false);
        bench_settle(b);
        assert_true(bench_is_released(b, s.us, "indicator", 1)); /* an approval without words is one still */
        (void)expect_whole(b);
    }
    assert_int_equal(run(b), 0);
    /* Words of today are under another secret. */
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_approve(b->gate, &key, s.us, GATE_APPROVE, 0, &by_kim, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    assert_int_equal(keeping(b, DAYS).days, 1);
    bench_deinit(b);
}

static uint64_t secret_frame(struct bench *b, uint64_t slot)
{
    struct store_iter iter = store_iter(b->gate->store, LSN_FIRST, UINT64_MAX);
    struct frame frame;
    while (store_iter_next(&iter, &frame) == ERR_OK)
        if (frame.kind == FRAME_SECRET && frame.slot == slot)
            return frame.lsn;
    fail();
    return 0;
}

static void nothing_opens_them_again(void **state)
{
    (void)state;
    struct said s;
    struct seal_secret secret;
    struct gate_destroyed told;
    say(&s);
    struct bench *b = &s.b;
    uint64_t slot = b->gate->words_slot - 1;
    assert_int_equal(store_secret(b->gate->store, slot, &secret), ERR_OK);
    pass(b, DAYS + 1);
    assert_int_equal(run(b), 1);
    assert_int_equal(store_secret(b->gate->store, slot, &secret), ERR_NOTFOUND);
    struct stix_key key = key_of("indicator", 1);
    assert_int_equal(gate_tag(b->gate, &key, STR("later"), true, &by_kim, b->now_us), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    /* The secret of minting stands in a SECRET as well, and nothing may name it; nor a spill a day's. */
    uint64_t minting = secret_frame(b, b->gate->mint_slot - 1),
             day = secret_frame(b, b->gate->words_slot - 1);
    assert_int_equal(gate_destroy(b->gate, &minting, 1, RECORD_CAUSE_RETENTION, &by_kim, b->now_us, &told),
                     ERR_INVALID);
    assert_int_equal(gate_destroy(b->gate, &day, 1, RECORD_CAUSE_SPILL, &by_kim, b->now_us, &told),
                     ERR_INVALID);
    assert_int_equal(store_secret(b->gate->store, b->gate->mint_slot - 1, &secret), ERR_OK);
    bench_deinit(b);
}

static void no_wrong_clock_forgets(void **state)
{
    (void)state;
    static const int64_t jumps[] = {DAY + 1, 400 * DAY, 36500 * DAY, -DAY - 1};
    struct said s;
    size_t one;
    say(&s);
    struct bench *b = &s.b;
    int64_t now_us = b->now_us;
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps; i++) {
        b->now_us = now_us + jumps[i];
        assert_int_equal(gate_retain_words(b->gate, DAYS, b->now_us, &one), ERR_DENIED);
        bench_reopen(b);
        assert_int_equal(gate_retain_words(b->gate, DAYS, b->now_us, &one), ERR_DENIED);
        expect_words(&s, true);
    }
    b->now_us = now_us + 400 * DAY;
    assert_int_equal(gate_clock_confirm(b->gate, &by_test, b->now_us), ERR_OK);
    assert_int_equal(run(b), 1);
    expect_words(&s, false);
    bench_deinit(b);
}

static void redone_when_the_power_went(void **state)
{
    (void)state;
    struct said s;
    struct seal_secret secret;
    size_t one;
    say(&s);
    struct bench *b = &s.b;
    uint64_t slot = b->gate->words_slot - 1;
    pass(b, DAYS + 1);
    assert_int_equal(gate_retain_words(b->gate, DAYS, b->now_us, &one), ERR_OK);
    assert_int_equal(one, 1);
    expect_words(&s, false); /* as soon as it is logged */
    bench_reopen(b);
    assert_true(gate_purge_due(b->gate));
    assert_int_equal(store_secret(b->gate->store, slot, &secret), ERR_OK);
    assert_int_equal(gate_purge(b->gate, NULL, b->now_us), ERR_OK);
    assert_int_equal(store_secret(b->gate->store, slot, &secret), ERR_NOTFOUND);
    expect_words(&s, false);
    (void)expect_whole(b);
    expect_words(&s, false);
    bench_deinit(b);
}

static void an_order_keeps_them(void **state)
{
    (void)state;
    static const char *const about[] = {"1", "2"}; /* what was approved, what was suspended */
    for (int i = 0; i < 2; i++) {
        struct said s;
        struct stix_key key = key_of("indicator", about[i][0] - '0');
        say(&s);
        struct bench *b = &s.b;
        pass(b, 1);
        drop(&s);
        pass(b, 1);
        sign(&s);
        pass(b, 1);
        assert_int_equal(gate_legal_put(b->gate, &key, true, &by_test, b->now_us), ERR_OK);
        pass(b, DAYS + 5);
        assert_int_equal(run(b), 0);
        assert_int_equal(keeping(b, DAYS).held, 4); /* those of the order itself as well */
        (void)expect_whole(b);
        assert_int_equal(run(b), 0);
        expect_words(&s, true);
        assert_int_equal(gate_legal_put(b->gate, &key, false, &by_test, b->now_us), ERR_OK);
        assert_int_equal(run(b), 4);
        expect_words(&s, false);
        bench_deinit(b);
    }
}

static void a_link_that_stands_still_keeps_them(void **state)
{
    (void)state;
    struct said s;
    struct gate_halt halt = {STR("another history"), STR("heldnote\n"), STR("shownnote\n"), 0}, read;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    say(&s);
    struct bench *b = &s.b;
    halt.at_us = b->now_us;
    assert_int_equal(gate_halt(b->gate, s.us, &halt), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    assert_int_equal(files_with(b, "shownnote"), 0);
    pass(b, DAYS + 5);
    assert_int_equal(run(b), 0);
    (void)expect_whole(b);
    assert_int_equal(gate_halted(b->gate, s.us, &arena, &read), ERR_OK);
    assert_true(str_eq(read.shown, halt.shown) && str_eq(read.held, halt.held));
    assert_int_equal(gate_resume(b->gate, s.us, &by_test, b->now_us), ERR_OK);
    assert_int_equal(run(b), 1);
    expect_words(&s, false);
    arena_deinit(&arena);
    bench_deinit(b);
}

/* As an earlier version logged it. */
static void words_of_before_stand_as_they_are(void **state)
{
    (void)state;
    struct bench b;
    uint64_t lsn;
    uint8_t tag[8] = {0};
    struct stix_key key = key_of("indicator", 1);
    bench_init(&b);
    struct record_fact fact = {RECORD_FACT_TAG,
                               bytes_of(key.b, STIX_KEY_SIZE),
                               bytes_of(tag, sizeof tag),
                               by_kim.who,
                               by_kim.because,
                               b.now_us};
    buf_clear(&b.gate->record);
    record_fact_write(&b.gate->record, &fact);
    assert_int_equal(gate_append(b.gate, FRAME_JOB, &lsn), ERR_OK);
    assert_int_equal(fact_apply(b.gate, lsn, &fact), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    (void)bench_source(&b, "own", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    assert_true(keeping(&b, DAYS).bare);
    assert_int_equal(keeping(&b, DAYS).days, 1);
    assert_int_equal(files_with(&b, "zebra"), 1);
    assert_int_equal(expect_whole(&b).bare, 1); /* a line, and no damage */
    bench_deinit(&b);
}

/* Only words that the gate sealed are opened: others read as they stand, whatever they look like. */
static void what_looks_sealed_opens_nothing(void **state)
{
    (void)state;
    struct said s;
    struct arena arena;
    struct str out;
    char forged[80] = "\xff\x01";
    arena_init(&arena, 1 << 20);
    say(&s);
    assert_int_equal(gate_words(s.b.gate, STR(""), &arena, &out), ERR_OK);
    assert_int_equal(out.len, 0);
    for (size_t len = 0; len < sizeof forged; len++) {
        err_t err = gate_words(s.b.gate, (struct str) {forged, len}, &arena, &out);
        assert_true(err == ERR_CORRUPT || (err == ERR_OK && out.len == len));
    }
    wr_at_u64((uint8_t *)forged + 2, s.b.gate->words_slot - 1);
    assert_int_equal(gate_words(s.b.gate, (struct str) {forged, sizeof forged}, &arena, &out), ERR_CORRUPT);
    arena_deinit(&arena);
    bench_deinit(&s.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stand_in_no_file_in_clear),
        cmocka_unit_test(they_go_with_their_day),
        cmocka_unit_test(nothing_opens_them_again),
        cmocka_unit_test(no_wrong_clock_forgets),
        cmocka_unit_test(redone_when_the_power_went),
        cmocka_unit_test(an_order_keeps_them),
        cmocka_unit_test(a_link_that_stands_still_keeps_them),
        cmocka_unit_test(words_of_before_stand_as_they_are),
        cmocka_unit_test(what_looks_sealed_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
