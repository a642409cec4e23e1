/* What somebody has of a version of which another took the place, or of what speaks of one: what denies it
 * later takes it back all the same. */
#include "acts.h"

#define FIRST "indicator--00000000-0000-4000-8000-000000000001"

static void version(struct node *n, uint32_t source, int number, const char *more)
{
    char text[TEXT_MAX];
    (void)bench_add(&n->b, source, indicator(text, 1, number, more));
    bench_settle(&n->b);
}

/* Stricter words about an older version reach its minted copies too. */
static void a_part_of_an_older_version_goes_back(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\"\n");
    uint32_t other = bench_source(&n.b, "other", STIX_TLP_NONE, false, false);
    version(&n, n.own, 1, ",\"description\":\"d\",\"labels\":[\"older\"]" MARKED(TLP_GREEN));
    version(&n, n.own, 2, ",\"description\":\"d\",\"labels\":[\"newer\"]" MARKED(TLP_GREEN));
    assert_int_equal(minted_of(&n, n.us, "older"), 1);
    version(&n, other, 1, MARKED(TLP_RED));
    assert_int_equal(minted_of(&n, n.us, "older"), 0);
    assert_int_equal(minted_of(&n, n.us, "newer"), 1);
    node_end(&n);
}

/* A rule that is over takes back what it let go, whatever came since; where another one lets it go still, it
 * stays until that is over as well. */
static void an_older_version_ends_with_its_rules(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        struct node n;
        char rules[512];
        const char *duty = part ? " with redact \"description\"" : "";
        (void)snprintf(rules, sizeof rules,
                       "language 1\n"
                       "release a if tlp <= green to us-cisa until 2027-02-01T00:00:00Z%s\n"
                       "release b if tlp <= clear to us-cisa until 2027-03-01T00:00:00Z%s\n",
                       duty, duty);
        node_init(&n, rules);
        version(&n, n.own, 1, ",\"description\":\"d\",\"labels\":[\"green\"]" MARKED(TLP_GREEN));
        version(&n, n.own, 2, ",\"description\":\"d\",\"labels\":[\"clear\"]" MARKED(TLP_CLEAR));
        version(&n, n.own, 3, MARKED(TLP_RED));
        assert_int_equal(minted_of(&n, n.us, "green"), 1);
        later(&n, 20 * DAY);
        assert_int_equal(minted_of(&n, n.us, "green"), 0);
        assert_int_equal(minted_of(&n, n.us, "clear"), 1);
        later(&n, 30 * DAY);
        assert_int_equal(minted_of(&n, n.us, "clear"), 0);
        node_end(&n);
    }
}

#define SPEAKS                                                                                               \
    "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-0000-4000-" \
    "8000-000000000009\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\"" \
    ",\"object_ref\":\"" FIRST                                                                               \
    "\",\"contents\":{\"ko\":{\"name\":\"bimil\",\"x_a\":\"gonggae\"}}%s" MARKED(TLP_GREEN) "}"

/* Of which version it speaks nobody says, and one that comes is kept from him; where it says so, only that
 * counts. */
static void another_version_takes_a_translation_back(void **state)
{
    (void)state;
    static const struct {
        int comes;
        const char *about;
        bool stays;
    } rows[] = {
        {1, "", false},
        {3, "", false},
        {2, "", false}, /* by somebody else */
        {1, ",\"object_modified\":\"2026-01-01T00:00:02.000Z\"", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n, GREEN_TO_US);
        uint32_t other = bench_source(&n.b, "other", STIX_TLP_NONE, false, false);
        version(&n, n.own, 2, ",\"name\":\"n\"" MARKED(TLP_GREEN));
        (void)snprintf(text, sizeof text, SPEAKS, rows[i].about);
        (void)bench_add(&n.b, n.own, text);
        bench_settle(&n.b);
        assert_int_equal(minted_of(&n, n.us, "bimil"), 1);
        version(&n, rows[i].comes == 2 ? other : n.own, rows[i].comes, MARKED(TLP_RED));
        assert_int_equal(minted_of(&n, n.us, "bimil"), rows[i].stays);
        node_end(&n);
    }
}

#define SELF "release self if tlp <= clear to us-cisa\n"

/* ...and it comes again without what that one may not tell, be it the first that is ever made in part. */
static void a_translation_comes_again_in_part(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    version(&n, n.own, 2, ",\"name\":\"n\"" MARKED(TLP_GREEN));
    (void)snprintf(text, sizeof text, SPEAKS, "");
    (void)bench_add(&n.b, n.own, text);
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "bimil"), 1);
    version(&n, n.own, 1,
            ",\"name\":\"n\",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED
            "\",\"selectors\":[\"name\"]}]" MARKED(TLP_GREEN));
    assert_int_equal(minted_of(&n, n.us, "bimil"), 0);
    assert_int_equal(minted_of(&n, n.us, "gonggae"), 1);
    node_end(&n);
}

/* A definition that comes along names who made it, whatever rule hides makers: it goes, and stays. */
static void a_definition_that_came_along_stays(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease g if not own to us-cisa with anonymise-creator\n" SELF);
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, false);
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"extension-definition\",\"spec_version\":\"2.1\",\"id\":\"extension-definition"
                   "--00000000-0000-4000-8000-000000000003\",\"created\":\"2026-01-01T00:00:00.000Z\","
                   "\"modified\":\"2026-01-01T00:00:00.000Z\",\"created_by_ref\":\"identity--00000000-0000-"
                   "4000-8000-000000000004\",\"name\":\"ours\",\"schema\":\"https://x.example/s\","
                   "\"version\":\"1.0.0\",\"extension_types\":[\"property-extension\"]}");
    (void)bench_add(&n.b, feed, text);
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--00000000-0000-4000-"
        "8000-000000000004\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:"
        "00:00.000Z\",\"name\":\"maker\",\"identity_class\":\"organization\"}");
    (void)bench_add(&n.b, n.own, text);
    (void)bench_add(&n.b, feed,
                    indicator(text, 1, 1,
                              ",\"extensions\":{\"extension-definition--00000000-0000-4000-8000-000000000003"
                              "\":{\"extension_type\":\"property-extension\",\"x\":1}}" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "x.example"), 1);
    bench_policy_text(&n.b, "language 1\nrelease h if not own to us-cisa with anonymise-creator\n" SELF);
    bench_settle(&n.b);
    struct bench_leaves *leaves = read_now(&n, n.us);
    for (size_t i = 0; i < leaves->count; i++)
        assert_int_not_equal(leaves->at[i].leaf.op, LEAF_EXPIRE);
    mem_free(leaves);
    node_end(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_of_an_older_version_goes_back),
        cmocka_unit_test(an_older_version_ends_with_its_rules),
        cmocka_unit_test(another_version_takes_a_translation_back),
        cmocka_unit_test(a_translation_comes_again_in_part),
        cmocka_unit_test(a_definition_that_came_along_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
