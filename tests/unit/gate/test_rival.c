/* Rival copies (gate/rival.h): who tightened how much, and an operator's word that the owner's marking
 * stands. */
#include "acts.h"

#include "gate/rival.h"
#include "gate/spill.h"

struct two {
    struct node n;
    uint32_t theirs; /* a partner's source that brings stricter copies */
    unsigned kr;     /* ...of this partner */
};

static void two_init(struct two *t, const char *policy)
{
    node_init(&t->n, policy);
    t->kr = bench_partner(&t->n.b, "kr-other");
    t->theirs = gate_peer_get(t->n.b.gate, t->kr)->source;
    bench_settle(&t->n.b);
}

/* Theirs: the same version with another content, marked so. */
static void tighten(struct two *t, int number, const char *marked)
{
    char text[TEXT_MAX], more[256];
    (void)snprintf(more, sizeof more, ",\"name\":\"theirs\"%s", marked);
    assert_int_equal(bench_add(&t->n.b, t->theirs, indicator(text, number, 1, more)), GATE_CONFLICT);
    bench_settle(&t->n.b);
}

static struct gate_rival_word about(int number)
{
    return (struct gate_rival_word) {.object = key_of("indicator", number), .until_us = INT64_MAX};
}

static struct gate_rival_word about_source(uint32_t source)
{
    return (struct gate_rival_word) {.source = source, .until_us = INT64_MAX};
}

static err_t keep_by(struct two *t, struct gate_rival_word word, const char *who)
{
    struct gate_by by = {str_of(who), STR("telephoned")};
    bool waits;
    err_t err = gate_rival_keep(t->n.b.gate, &word, &by, t->n.b.now_us, &waits);
    bench_settle(&t->n.b);
    return err;
}

static err_t lift(struct two *t, struct gate_rival_word word)
{
    err_t err = gate_rival_lift(t->n.b.gate, &word, &by_test, t->n.b.now_us);
    bench_settle(&t->n.b);
    return err;
}

static bool us_has(struct two *t, int number)
{
    return bench_is_released(&t->n.b, t->n.us, "indicator", number);
}

static struct gate_why why_of(struct two *t, int number, struct arena *arena)
{
    struct gate_why why;
    struct stix_key key = key_of("indicator", number);
    arena_init(arena, 64 << 20);
    assert_int_equal(gate_explain(t->n.b.gate, &key, t->n.us, t->n.b.now_us, arena, NULL, NULL, &why),
                     ERR_OK);
    return why;
}

static void a_word_lets_the_owners_marking_stand(void **state)
{
    (void)state;
    struct two t;
    struct arena arena;
    two_init(&t, GREEN_TO_US);
    add(&t.n, 1, MARKED(TLP_GREEN));
    add(&t.n, 2, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    tighten(&t, 1, MARKED(TLP_RED));
    tighten(&t, 2, MARKED(TLP_RED));
    assert_false(us_has(&t, 1));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_true(us_has(&t, 1));
    assert_false(us_has(&t, 2)); /* it was about the other one */
    struct gate_why why = why_of(&t, 1, &arena);
    assert_int_equal(why.rival.source.len, 0);
    assert_true(str_eq(why.aside.source, STR("peer.kr-other")));
    assert_true(str_eq(why.aside.by, STR("kim")) && str_eq(why.aside.because, STR("telephoned")));
    assert_true(why.aside.quarantined);
    arena_deinit(&arena);
    bench_reopen(&t.n.b);
    bench_settle(&t.n.b);
    assert_true(us_has(&t, 1));
    /* A second word undoes it. */
    assert_int_equal(lift(&t, about(1)), ERR_OK);
    assert_false(us_has(&t, 1));
    assert_int_equal(lift(&t, about(1)), ERR_NOTFOUND);
    node_end(&t.n);
}

static void a_word_is_about_what_was_there(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t, GREEN_TO_US);
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_NOTFOUND);
    add(&t.n, 1, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_NOTFOUND);
    tighten(&t, 1, MARKED(TLP_RED));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_true(us_has(&t, 1));
    /* What comes afterwards nobody has seen: it binds. */
    assert_int_equal(
        bench_add(&t.n.b, t.theirs, indicator(text, 1, 1, ",\"name\":\"again\"" MARKED(TLP_RED))),
        GATE_CONFLICT);
    bench_settle(&t.n.b);
    assert_false(us_has(&t, 1));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_true(us_has(&t, 1));
    /* Set aside, it stays in quarantine and leaves in no form. */
    assert_int_equal(minted_of(&t.n, t.n.us, "theirs"), 0);
    node_end(&t.n);
}

static void a_word_about_a_source_has_an_end(void **state)
{
    (void)state;
    struct two t;
    two_init(&t, GREEN_TO_US);
    for (int i = 1; i <= 3; i++)
        add(&t.n, i, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    for (int i = 1; i <= 3; i++)
        tighten(&t, i, i == 3 ? MARKED(TLP_CLEAR) : MARKED(TLP_RED));
    assert_false(us_has(&t, 1) || us_has(&t, 2));
    assert_true(us_has(&t, 3));
    struct gate_rival_word word = about_source(t.theirs);
    word.until_us = t.n.b.now_us + DAY;
    assert_int_equal(keep_by(&t, about_source(4000), "kim"), ERR_NOTFOUND);
    assert_int_equal(keep_by(&t, word, "kim"), ERR_OK);
    assert_true(us_has(&t, 1) && us_has(&t, 2));
    later(&t.n, DAY + HOUR);
    assert_false(us_has(&t, 1) || us_has(&t, 2));
    node_end(&t.n);
}

/* What the owner says himself nobody here loosens, whoever the owner is: also where he is at home only since
 * his copy came. */
static void the_owners_own_copy_binds(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    static const char by_two[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000002\"";
    char red[256], green[256];
    (void)snprintf(red, sizeof red, "%s%s", by_two, MARKED(TLP_RED));
    (void)snprintf(green, sizeof green, "%s%s", by_two, MARKED(TLP_GREEN));
    two_init(&t, GREEN_TO_US);
    struct stix_key two = key_of("identity", 2);
    (void)bench_add(&t.n.b, t.n.own, identity(text, 2, "organization", MARKED(TLP_CLEAR)));
    assert_int_equal(bench_add(&t.n.b, t.n.own, indicator(text, 1, 1, green)), GATE_NEW);
    bench_settle(&t.n.b);
    assert_true(us_has(&t, 1));
    tighten(&t, 1, red);
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_int_equal(keep_by(&t, about_source(t.theirs), "kim"), ERR_OK);
    assert_true(us_has(&t, 1));
    assert_int_equal(gate_identity_bind(t.n.b.gate, &two, t.theirs, &by_test, t.n.b.now_us), ERR_OK);
    bench_policy_text(&t.n.b, GREEN_TO_US "# again\n");
    bench_settle(&t.n.b);
    assert_false(us_has(&t, 1));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_NOTFOUND);
    node_end(&t.n);
}

static void two_persons_where_the_policy_wants_two(void **state)
{
    (void)state;
    struct two t;
    struct gate_rival_word ends = about(1);
    two_init(&t, GREEN_TO_US "activation by 2\n");
    add(&t.n, 1, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    tighten(&t, 1, MARKED(TLP_RED));
    ends.until_us = t.n.b.now_us + DAY;
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_false(us_has(&t, 1));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_DENIED);
    assert_int_equal(keep_by(&t, ends, "lee"), ERR_CONFLICT);
    assert_false(us_has(&t, 1));
    bench_reopen(&t.n.b);
    assert_int_equal(keep_by(&t, about(1), "lee"), ERR_OK);
    assert_true(us_has(&t, 1));
    assert_int_equal(lift(&t, about(1)), ERR_OK); /* tightening wants one */
    assert_false(us_has(&t, 1));
    /* What waits is taken back too. */
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_int_equal(lift(&t, about(1)), ERR_OK);
    assert_int_equal(keep_by(&t, about(1), "lee"), ERR_OK);
    assert_false(us_has(&t, 1));
    node_end(&t.n);
}

struct listening {
    struct bench *b;
    size_t warnings;
};

static void listen_to(void *ctx, const struct diag_line *line)
{
    struct listening *l = ctx;
    l->warnings += line->level == DIAG_WARNING && strstr(line->what, "tightened more than 3") != NULL;
}

static void many_are_told(void **state)
{
    (void)state;
    struct two t;
    struct gate_tightened told = {0};
    struct listening heard = {.b = &t.n.b};
    struct diag diag = {listen_to, &heard};
    two_init(&t, GREEN_TO_US);
    gate_close(t.n.b.gate);
    struct gate_setup setup = {.os = os_linux(), .dir = t.n.b.dir, .node_name = STR("kr"), .diag = &diag};
    assert_int_equal(gate_open(&setup, &t.n.b.gate), ERR_OK);
    gate_rival_bound(t.n.b.gate, 3);
    for (int i = 1; i <= 6; i++)
        add(&t.n, i, i == 6 ? MARKED(TLP_RED) : MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    assert_false(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    tighten(&t, 6, MARKED(TLP_RED));   /* takes nothing from anybody */
    tighten(&t, 5, MARKED(TLP_CLEAR)); /* nor does this */
    for (int i = 1; i <= 3; i++)
        tighten(&t, i, MARKED(TLP_AMBER));
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_int_equal(told.today, 3);
    assert_false(told.alarm);
    assert_int_equal(heard.warnings, 0);
    /* The same again, in other words, tightens nothing more. */
    char text[TEXT_MAX];
    (void)bench_add(&t.n.b, t.theirs, indicator(text, 1, 1, ",\"name\":\"2\"" MARKED(TLP_AMBER)));
    bench_settle(&t.n.b);
    assert_int_equal(heard.warnings, 0);
    gate_close(t.n.b.gate);
    assert_int_equal(gate_open(&setup, &t.n.b.gate), ERR_OK);
    gate_rival_bound(t.n.b.gate, 3);
    tighten(&t, 4, MARKED(TLP_RED));
    assert_int_equal(heard.warnings, 1);
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_int_equal(told.today, 4);
    assert_int_equal(told.most, 4);
    assert_true(told.alarm);
    tighten(&t, 5, ",\"revoked\":false" MARKED(TLP_RED));
    assert_int_equal(heard.warnings, 1); /* once a day */
    assert_false(gate_tightened_get(t.n.b.gate, t.n.own, t.n.b.now_us, &told));
    /* Answered by a word about all of it; or it is old. */
    assert_int_equal(keep_by(&t, about_source(t.theirs), "kim"), ERR_OK);
    assert_true(us_has(&t, 1) && us_has(&t, 5));
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_false(told.alarm);
    assert_int_equal(lift(&t, about_source(t.theirs)), ERR_OK);
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_true(told.alarm);
    later(&t.n, 8 * DAY);
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_false(told.alarm);
    assert_int_equal(told.today, 0);
    gate_close(t.n.b.gate);
    setup.reindex = true;
    assert_int_equal(gate_open(&setup, &t.n.b.gate), ERR_OK);
    assert_true(gate_tightened_get(t.n.b.gate, t.theirs, t.n.b.now_us, &told));
    assert_int_equal(told.most, 5);
    bench_deinit(&t.n.b);
}

/* What an operator suspended is no rival: no word is about it. */
static void what_is_spilled_stays_out(void **state)
{
    (void)state;
    struct two t;
    struct gate_spill spill = {0};
    two_init(&t, GREEN_TO_US);
    add(&t.n, 1, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    tighten(&t, 1, MARKED(TLP_RED));
    uint64_t lsn = t.n.b.last_lsn;
    assert_int_equal(gate_spill(t.n.b.gate, lsn, &by_test, t.n.b.now_us, &spill), ERR_OK);
    bench_settle(&t.n.b);
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_NOTFOUND);
    node_end(&t.n);
}

/* A translation of what is set aside goes as if the rival were not there. */
static void a_translation_goes_again(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX], id[ID_MAX];
    two_init(&t, GREEN_TO_US);
    add(&t.n, 1, MARKED(TLP_GREEN));
    bench_settle(&t.n.b);
    tighten(&t, 1, MARKED(TLP_RED));
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\","
        "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
        "\"object_ref\":\"indicator--00000000-0000-4000-8000-000000000001\","
        "\"object_modified\":\"2026-01-01T00:00:01.000Z\",\"contents\":{\"ko\":{\"name\":\"x\"}}%s}",
        id_of(id, "language-content", 1), MARKED(TLP_GREEN));
    assert_int_equal(bench_add(&t.n.b, t.n.own, text), GATE_NEW);
    bench_settle(&t.n.b);
    assert_false(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_true(us_has(&t, 1));
    assert_true(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
    assert_int_equal(lift(&t, about(1)), ERR_OK);
    assert_false(us_has(&t, 1));
    assert_false(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
    node_end(&t.n);
}

/* The same of an older version: its translation, which a stricter copy of that version keeps back, and in the
 * second round one that does not say of which version it speaks. */
static void a_word_reaches_older_versions(void **state)
{
    (void)state;
    static const char *const abouts[] = {",\"object_modified\":\"2026-01-01T00:00:01.000Z\"", ""};
    for (size_t i = 0; i < sizeof abouts / sizeof *abouts; i++) {
        struct two t;
        char text[TEXT_MAX], id[ID_MAX];
        two_init(&t, GREEN_TO_US);
        for (int version = 1; version <= 2; version++) {
            (void)bench_add(&t.n.b, t.n.own,
                            indicator(text, 1, version, ",\"name\":\"n\"" MARKED(TLP_GREEN)));
            bench_settle(&t.n.b);
        }
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                       "\"object_ref\":\"indicator--00000000-0000-4000-8000-000000000001\""
                       "%s,\"contents\":{\"ko\":{\"name\":\"x\"}}%s}",
                       id_of(id, "language-content", 1), abouts[i], MARKED(TLP_GREEN));
        assert_int_equal(bench_add(&t.n.b, t.n.own, text), GATE_NEW);
        bench_settle(&t.n.b);
        assert_true(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
        assert_int_equal(keep_by(&t, about(1), "kim"), ERR_NOTFOUND); /* nobody else has a copy */
        tighten(&t, 1, MARKED(TLP_RED));
        assert_false(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
        assert_true(us_has(&t, 1)); /* the newer one */
        assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
        assert_true(us_has(&t, 1));
        assert_true(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
        assert_int_equal(lift(&t, about(1)), ERR_OK);
        assert_false(bench_is_released(&t.n.b, t.n.us, "language-content", 1));
        assert_true(us_has(&t, 1));
        node_end(&t.n);
    }
}

/* What was taken back of an older version does not come again: the newest is what he is to have. */
static void an_older_version_stays_back(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t, "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\"\n");
    for (int version = 1; version <= 2; version++) {
        (void)bench_add(&t.n.b, t.n.own,
                        indicator(text, 1, version,
                                  version == 1
                                      ? ",\"description\":\"d\",\"labels\":[\"older\"]" MARKED(TLP_GREEN)
                                      : ",\"description\":\"d\",\"labels\":[\"newer\"]" MARKED(TLP_GREEN)));
        bench_settle(&t.n.b);
    }
    assert_int_equal(minted_of(&t.n, t.n.us, "older"), 1);
    tighten(&t, 1, MARKED(TLP_RED));
    assert_int_equal(minted_of(&t.n, t.n.us, "older"), 0);
    assert_int_equal(keep_by(&t, about(1), "kim"), ERR_OK);
    assert_int_equal(minted_of(&t.n, t.n.us, "older"), 0);
    assert_int_equal(minted_of(&t.n, t.n.us, "newer"), 1);
    node_end(&t.n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_lets_the_owners_marking_stand),
        cmocka_unit_test(a_word_is_about_what_was_there),
        cmocka_unit_test(a_word_about_a_source_has_an_end),
        cmocka_unit_test(the_owners_own_copy_binds),
        cmocka_unit_test(two_persons_where_the_policy_wants_two),
        cmocka_unit_test(many_are_told),
        cmocka_unit_test(what_is_spilled_stays_out),
        cmocka_unit_test(a_translation_goes_again),
        cmocka_unit_test(a_word_reaches_older_versions),
        cmocka_unit_test(an_older_version_stays_back),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate rival", tests, NULL, NULL);
}
