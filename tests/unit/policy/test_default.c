/* The policy that ships: what it does with each kind of object, for a node with partners and for one without.
 */
#include <stdlib.h>

#include "policy_test.h"

static char shipped[1 << 16];

static int read_shipped(void **state)
{
    (void)state;
    const char *path = getenv("BONGSU_DEFAULT_POLICY");
    FILE *file = fopen(path != NULL ? path : "share/default.policy", "rb");
    if (file == NULL)
        return -1;
    size_t len = fread(shipped, 1, sizeof shipped - 1, file);
    fclose(file);
    return len == 0;
}

struct expectation {
    enum policy_tlp tlp;
    unsigned markings;
    bool own;
    const char *tag;
    uint64_t release, hold; /* the rest is denied; it came from jp when it is not own */
    const char *rule_us;    /* which rule decides for us-cisa */
};

static void each_kind_of_object(void **state)
{
    (void)state;
    enum { NONE = POLICY_MARKING_NONE, KNOWN = POLICY_MARKING_KNOWN, ASSUMED = POLICY_MARKING_ASSUMED };
    const uint64_t back = ALL & ~(1ull << JP);
    static const enum policy_tlp clear = POLICY_TLP_CLEAR, green = POLICY_TLP_GREEN, amber = POLICY_TLP_AMBER,
                                 strict = POLICY_TLP_AMBER_STRICT, red = POLICY_TLP_RED,
                                 none = POLICY_TLP_NONE;
    const struct expectation rows[] = {
        {clear, KNOWN, true, "", ALL, 0, "open"},
        {green, KNOWN, true, "", ALL, 0, "open"},
        {amber, KNOWN, true, "", 0, 0, "built-in.default"},
        {amber, KNOWN, true, "share:us-cisa", 1 << US, 0, "own-amber"},
        {amber, KNOWN, true, "share:jp", 0, 0, "built-in.default"}, /* jp's tlp-max is green */
        {strict, KNOWN, true, "share:us-cisa", 0, 0, "strict"},
        {red, KNOWN, true, "share:us-cisa", 0, 0, "red"},
        {none, NONE, true, "", 0, ALL, "unmarked"},
        {clear, NONE | ASSUMED, true, "", ALL, 0, "open"},
        {red, NONE | ASSUMED, true, "", 0, 0, "red"},
        {none, POLICY_MARKING_STATEMENT, true, "", 0, ALL, "statement"},
        {clear, KNOWN | POLICY_MARKING_STATEMENT, true, "", 0, ALL, "statement"},
        {none, POLICY_MARKING_UNRESOLVED, true, "", 0, ALL, "unresolved"},
        {clear, KNOWN | POLICY_MARKING_UNKNOWN, true, "", 0, 0, "unreadable"},
        {none, POLICY_MARKING_UNKNOWN, true, "share:us-cisa", 0, 0, "unreadable"},
        {clear, KNOWN, false, "", back, 0, "open"},
        {green, KNOWN, false, "", back, 0, "open"},
        {amber, KNOWN, false, "share:us-cisa", 0, 0, "built-in.default"},
        {none, NONE, false, "", 0, back, "unmarked"},
        {clear, 0, true, "", 0, 0, "unreadable"},
    };
    struct policy *policy = test_compile(shipped);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_verdict verdict;
        struct policy_facts facts = test_facts(rows[i].tlp);
        struct str tag = str_of(rows[i].tag);
        facts.markings = rows[i].markings;
        facts.own = rows[i].own;
        facts.origin = rows[i].own ? POLICY_ORIGIN_OWN : JP;
        facts.tags = &tag;
        facts.tag_count = tag.len > 0;
        policy_decide(policy, &facts, NOW, &verdict);
        struct str rule = policy_rule_name(policy, verdict.rule[US]);
        if (verdict.release != rows[i].release || verdict.hold != rows[i].hold ||
            !str_eq(rule, str_of(rows[i].rule_us)))
            fail_msg("row %zu: release %u hold %u by %.*s", i, (unsigned)verdict.release,
                     (unsigned)verdict.hold, STR_ARG(rule));
    }
    policy_unref(policy);
}

static void amber_waits_ten_minutes_from_its_tag(void **state)
{
    (void)state;
    const struct str tag = STR("share:eu-cert");
    struct policy_facts facts = test_facts(POLICY_TLP_AMBER);
    facts.tags = &tag;
    facts.tag_count = 1;
    facts.settled_us = NOW;
    struct policy_verdict verdict = test_decide(shipped, &facts, NOW);
    assert_int_equal(verdict.hold, 1 << EU);
    assert_true(verdict.next_change_us == NOW + 10 * MIN_US);
    assert_int_equal(test_decide(shipped, &facts, NOW + 10 * MIN_US).release, 1 << EU);
}

static void nothing_goes_on_without_a_grant(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.own = false;
    facts.origin = JP;
    facts.onward = 1 << EU;
    assert_int_equal(test_decide(shipped, &facts, NOW).release, 1 << EU);
}

static void a_node_without_partners_can_start(void **state)
{
    (void)state;
    struct policy *policy = NULL;
    struct policy_verdict verdict;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    assert_int_equal(policy_compile(str_of(shipped), NULL, 0, &policy, NULL), ERR_OK);
    policy_decide(policy, &facts, NOW, &verdict);
    assert_int_equal(verdict.release | verdict.hold | verdict.deny, 0);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_object),
        cmocka_unit_test(amber_waits_ten_minutes_from_its_tag),
        cmocka_unit_test(nothing_goes_on_without_a_grant),
        cmocka_unit_test(a_node_without_partners_can_start),
    };
    return cmocka_run_group_tests_name("policy default", tests, read_shipped, NULL);
}
