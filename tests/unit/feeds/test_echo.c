/* What comes back of what went out, and what only looks like it: nothing that says something else passes as
 * ours. */
#include "pull.h"

static unsigned partner;
static uint32_t desk;

static void open_echo(struct pull *p)
{
    pull_init(p, "stix", "https://far.example/back.json", NULL, 0);
    desk = bench_source(&p->bench, "desk", STIX_TLP_CLEAR, true, false);
    partner = bench_partner(&p->bench, "kr");
    bench_policy(&p->bench);
}

static void settle(struct pull *p)
{
    bench_settle(&p->bench);
    bench_sign(&p->bench);
}

/* A run that brings this one object: what it adds to the counts. */
static struct feed_counts brings(struct pull *p, const char *object)
{
    char body[2 * TEXT_MAX];
    struct feed_counts before = pull_status(p).counts, after;
    (void)snprintf(body, sizeof body, "{\"objects\":[%s]}", object);
    pull_due(p);
    assert_true(pull_step(p));
    pull_answer(p, 200, NULL, 0, body);
    assert_false(pull_step(p));
    pull_commit(p);
    after = pull_status(p).counts;
    assert_int_equal(pull_status(p).err, ERR_OK);
    return (struct feed_counts) {.fresh = after.fresh - before.fresh,
                                 .duplicate = after.duplicate - before.duplicate,
                                 .asserted = after.asserted - before.asserted,
                                 .conflict = after.conflict - before.conflict,
                                 .refused = after.refused - before.refused,
                                 .echo = after.echo - before.echo};
}

static uint64_t taken(struct feed_counts counts)
{
    return counts.fresh + counts.asserted + counts.conflict;
}

static void what_went_out(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, ",\"labels\":[\"a\"]")), GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 10, ",\"labels\":[\"a\"]"));
    assert_true(got.echo == 1 && got.duplicate == 1 && taken(got) == 0);
    /* Another date, an author, what OpenCTI adds, another order of members. */
    got = brings(
        &p, "{\"labels\":[\"a\"],\"valid_from\":\"2026-01-01T00:00:00.000Z\",\"pattern_type\":\"stix\","
            "\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\",\"x_opencti_score\":50,\"extensions\":{"
            "\"extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba\":{\"extension_type\":"
            "\"property-extension\",\"id\":\"x\"}},\"created_by_ref\":"
            "\"identity--00000000-0000-4000-8000-000000000009\",\"modified\":\"2026-03-01T00:00:00.000Z\","
            "\"created\":\"2026-01-01T00:00:00.000Z\",\"id\":"
            "\"indicator--00000000-0000-4000-8000-000000000001\",\"spec_version\":\"2.1\",\"type\":"
            "\"indicator\"}");
    assert_true(got.echo == 1 && got.duplicate == 0 && taken(got) == 0 && got.refused == 0);
    /* The same date and the same but for one word: theirs, not ours. */
    got = brings(&p, indicator(text, 1, 10, ",\"labels\":[\"b\"]"));
    assert_true(got.echo == 0 && taken(got) == 1);
    got = brings(&p, indicator(text, 1, 30, ",\"labels\":[\"a\"],\"revoked\":true"));
    assert_true(got.echo == 0 && taken(got) == 1);
    got = brings(&p, indicator(text, 1, 31, ",\"labels\":[\"a\"]" MARKED(TLP_RED)));
    assert_true(got.echo == 0 && taken(got) == 1);
    pull_deinit(&p);
}

/* Content that was ours once, under a date behind our newer version, takes that version back: no echo. */
static void what_was_taken_back(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, ",\"labels\":[\"a\"]")), GATE_NEW);
    settle(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 20, ",\"labels\":[\"b\"]")), GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 15, ",\"labels\":[\"a\"]"));
    assert_true(got.echo == 1 && taken(got) == 0); /* late */
    got = brings(&p, indicator(text, 1, 25, ",\"labels\":[\"b\"]"));
    assert_true(got.echo == 1 && taken(got) == 0);
    got = brings(&p, indicator(text, 1, 26, ",\"labels\":[\"a\"]"));
    assert_true(got.echo == 0 && taken(got) == 1);
    pull_deinit(&p);
}

/* What somebody else brought and nobody got is no echo: a third one may have it from elsewhere. */
static void what_never_went_out(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    uint32_t other = bench_source(&p.bench, "other", STIX_TLP_RED, false, false);
    assert_int_equal(bench_add(&p.bench, other, indicator(text, 1, 10, "")), GATE_NEW);
    settle(&p);
    assert_int_equal(brings(&p, indicator(text, 1, 10, "")).echo, 0);
    assert_int_equal(brings(&p, indicator(text, 1, 11, "")).echo, 0);
    pull_deinit(&p);
}

struct minted {
    char text[TEXT_MAX];
};

static bool find_minted(void *ctx, const struct gate_leaf *leaf)
{
    struct minted *minted = ctx;
    assert_in_range(leaf->object.len, 1, sizeof minted->text - 1);
    if (str_starts(leaf->id, STR("indicator--"))) {
        memcpy(minted->text, leaf->object.at, leaf->object.len);
        minted->text[leaf->object.len] = '\0';
    }
    return true;
}

/* What a node minted out of a lenient source's object comes back under the id that it minted. */
static void what_was_minted(void **state)
{
    struct pull p;
    struct minted minted = {0};
    (void)state;
    open_echo(&p);
    struct gate_source source = {.name = STR("old"),
                                 .own = true,
                                 .profile = GATE_PROFILE_LENIENT,
                                 .assume = STIX_TLP_CLEAR,
                                 .partner = -1,
                                 .assume_until_us = INT64_MAX};
    uint32_t old;
    assert_int_equal(gate_source_put(p.bench.gate, &source, &by_test, p.bench.now_us, &old), ERR_OK);
    assert_int_equal(
        bench_add(&p.bench, old,
                  "{\"type\":\"indicator\",\"id\":\"indicator--00000000-0000-4000-8000-000000000001\","
                  "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                  "\"labels\":[\"malicious-activity\"],\"valid_from\":\"2026-01-01T00:00:00Z\","
                  "\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\"}"),
        GATE_NEW);
    settle(&p);
    assert_int_equal(gate_leaves(p.bench.gate, partner, 0, find_minted, &minted), ERR_OK);
    assert_non_null(strstr(minted.text, "indicator--"));
    assert_null(strstr(minted.text, "indicator--00000000-0000-4000-8000-000000000001"));
    struct feed_counts got = brings(&p, minted.text);
    assert_true(got.echo == 1 && got.duplicate == 1 && taken(got) == 0);
    pull_deinit(&p);
}

/* --- what MISP wrote --- */

#define MISP     ",\"labels\":[\"a\",\"misp:type=\\\"ip-dst\\\"\"]"
#define GREEN_1  "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
#define AUTHOR   "identity--00000000-0000-4000-8000-000000000077"
#define CREATED  ",\"created_by_ref\":\"" AUTHOR "\""
#define OBSERVED "observed-data--00000000-0000-4000-8000-000000000005"
#define SEEN                                                                                                 \
    "{\"type\":\"observed-data\",\"spec_version\":\"2.1\",\"id\":\"" OBSERVED                                \
    "\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","                 \
    "\"first_observed\":\"2026-01-01T00:00:00Z\",\"last_observed\":\"2026-01-01T00:00:00Z\","                \
    "\"number_observed\":1,\"object_refs\":[\"ipv4-addr--00000000-0000-5000-8000-000000000006\"]"

/* The source that is the partner's node. */
static uint32_t his_source(const struct pull *p)
{
    for (uint32_t n = 1; n <= gate_source_count(p->bench.gate); n++)
        if (gate_source_get(p->bench.gate, n)->partner == (int)partner)
            return n;
    fail_msg("the partner has no source");
    return 0;
}

static void what_misp_wrote(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    assert_int_equal(
        bench_add(&p.bench, desk, indicator(text, 1, 10, ",\"labels\":[\"a\"]" MARKED(TLP_GREEN))), GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 10, MISP MARKED(GREEN_1)));
    assert_true(got.echo == 1 && got.duplicate == 0 && taken(got) == 0);
    got = brings(&p, indicator(text, 1, 30, MISP)); /* under a new date, and the marking is lost */
    assert_true(got.echo == 1 && taken(got) == 0);
    /* What somebody says there binds as it did. */
    got = brings(&p, indicator(text, 1, 10, MISP MARKED(TLP_RED)));
    assert_true(got.echo == 0 && got.conflict == 1);
    got = brings(&p, indicator(text, 1, 31, MISP ",\"revoked\":true"));
    assert_true(got.echo == 0 && got.asserted == 1);
    got = brings(&p, indicator(text, 1, 32, MISP ",\"description\":\"seen here\""));
    assert_true(got.echo == 0 && got.asserted == 1);
    pull_deinit(&p);
}

/* MISP says less, and less than the version behind it: that is older content again. */
static void what_misp_took_back(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, "")), GATE_NEW);
    settle(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 20, ",\"revoked\":true")), GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 25, MISP));
    assert_true(got.echo == 0 && taken(got) == 1);
    pull_deinit(&p);
}

/* The marking of what carries observables is for those of its source, which MISP does not mark. */
static void what_carries(void **state)
{
    struct pull p;
    (void)state;
    open_echo(&p);
    assert_int_equal(bench_add(&p.bench, desk, SEEN MARKED(TLP_GREEN) "}"), GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, SEEN ",\"labels\":[\"misp:type=\\\"ip-dst\\\"\"]}");
    assert_true(got.echo == 1 && taken(got) == 0);
    got = brings(&p, SEEN ",\"labels\":[\"misp:type=\\\"ip-dst\\\"\"]" MARKED(GREEN_1) "}");
    assert_true(got.echo == 0 && taken(got) == 1);
    pull_deinit(&p);
}

/* A partner says all that he can think of, and more than others: their words are not hidden by his. */
static void what_only_a_partner_said(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    uint32_t his = his_source(&p);
    assert_int_equal(
        bench_add(&p.bench, his,
                  indicator(text, 1, 10, ",\"labels\":[\"a\",\"false-positive\"]" MARKED(TLP_RED))),
        GATE_NEW);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 30, MISP));
    assert_true(got.echo == 0 && got.asserted == 1);
    got = brings(&p, indicator(text, 1, 31, ",\"labels\":[\"a\",\"false-positive\"]" MARKED(TLP_RED)));
    assert_true(got.echo == 1 && taken(got) == 0); /* his, but for the date */
    pull_deinit(&p);
}

/* A stricter copy of what is held under its date binds: also when a partner said so under another date. */
static void under_the_date_of_ours(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    uint32_t his = his_source(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, MARKED(TLP_GREEN))), GATE_NEW);
    settle(&p);
    assert_int_equal(bench_add(&p.bench, his, indicator(text, 1, 20, MARKED(TLP_RED))), GATE_ASSERTION);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 10, MARKED(TLP_RED)));
    assert_true(got.echo == 0 && got.conflict == 1);
    got = brings(&p, indicator(text, 1, 21, MARKED(TLP_RED)));
    assert_true(got.echo == 1 && taken(got) == 0);
    pull_deinit(&p);
}

/* So does one of what a third one brought and nobody got, whatever a partner says of it under another date.
 */
static void under_the_date_of_anothers(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    uint32_t his = his_source(&p);
    uint32_t other = bench_source(&p.bench, "other", STIX_TLP_RED, false, false);
    for (int n = 1; n <= 2; n++) {
        int his_date = n == 1 ? 20 : 5;
        assert_int_equal(bench_add(&p.bench, other, indicator(text, n, 10, MARKED(TLP_AMBER))), GATE_NEW);
        settle(&p);
        assert_int_equal(bench_add(&p.bench, his, indicator(text, n, his_date, MARKED(TLP_RED))),
                         GATE_ASSERTION);
        settle(&p);
        struct feed_counts got = brings(&p, indicator(text, n, 10, MARKED(TLP_RED)));
        assert_true(got.echo == 0 && got.conflict == 1);
        got = brings(&p, indicator(text, n, 21, MARKED(TLP_RED)));
        assert_true(got.echo == 1 && taken(got) == 0); /* his, but for the date */
    }
    pull_deinit(&p);
}

/* Who speaks for an object may date and shorten it: that is no echo of what others hold of it. */
static void what_its_owner_says(void **state)
{
    struct pull p;
    char text[TEXT_MAX];
    (void)state;
    open_echo(&p);
    const struct gate_source *far = gate_source_find(p.bench.gate, STR("far"));
    struct stix_key author = bench_key(AUTHOR);
    assert_int_equal(
        gate_identity_bind(p.bench.gate, &author, (uint32_t)far->number, &by_test, p.bench.now_us), ERR_OK);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, CREATED ",\"labels\":[\"a\"]")),
                     GATE_ASSERTION);
    settle(&p);
    struct feed_counts got = brings(&p, indicator(text, 1, 20, CREATED ",\"labels\":[\"a\"]"));
    assert_true(got.echo == 0 && got.fresh == 1);
    got = brings(&p, indicator(text, 1, 30, CREATED));
    assert_true(got.echo == 0 && got.fresh == 1);
    pull_deinit(&p);
}

/* What is said there of what came back is new, and refers to what is held. */
static void what_is_said_of_it(void **state)
{
    struct pull p;
    char text[TEXT_MAX], both[2 * TEXT_MAX], id[ID_MAX];
    (void)state;
    open_echo(&p);
    assert_int_equal(bench_add(&p.bench, desk, indicator(text, 1, 10, ",\"labels\":[\"a\"]")), GATE_NEW);
    settle(&p);
    (void)snprintf(
        both, sizeof both,
        "%s,{\"type\":\"sighting\",\"spec_version\":\"2.1\",\"id\":"
        "\"sighting--00000000-0000-4000-8000-000000000008\",\"created\":\"2026-01-01T00:00:00.000Z\","
        "\"modified\":\"2026-01-01T00:00:00.000Z\",\"sighting_of_ref\":\"%s\"}",
        indicator(text, 1, 30, MISP), id_of(id, "indicator", 1));
    struct feed_counts got = brings(&p, both);
    assert_true(got.echo == 1 && got.fresh == 1 && taken(got) == 1);
    pull_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_went_out),          cmocka_unit_test(what_was_taken_back),
        cmocka_unit_test(what_never_went_out),    cmocka_unit_test(what_was_minted),
        cmocka_unit_test(what_misp_wrote),        cmocka_unit_test(what_misp_took_back),
        cmocka_unit_test(what_carries),           cmocka_unit_test(what_only_a_partner_said),
        cmocka_unit_test(under_the_date_of_ours), cmocka_unit_test(under_the_date_of_anothers),
        cmocka_unit_test(what_its_owner_says),    cmocka_unit_test(what_is_said_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
