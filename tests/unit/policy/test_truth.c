/* What conditions mean, above all where a value is absent. */
#include "policy_test.h"

struct truth {
    const char *condition;
    uint64_t deny_hold; /* whom it matches in deny and hold */
    uint64_t release;
};

static void check_truth(const struct truth *row, const struct policy_facts *facts)
{
    uint64_t deny = test_matched("deny", row->condition, facts);
    uint64_t hold = test_matched("hold", row->condition, facts);
    uint64_t release = test_matched("release", row->condition, facts);
    if (deny != row->deny_hold || hold != row->deny_hold || release != row->release)
        fail_msg("`%s`: deny %u hold %u release %u, expected %u %u", row->condition, (unsigned)deny,
                 (unsigned)hold, (unsigned)release, (unsigned)row->deny_hold, (unsigned)row->release);
}

static void absent_is_true_in_deny_and_hold_only(void **state)
{
    (void)state;
    static const struct truth rows[] = {
        {"tlp == red", ALL, 0},
        {"not tlp == red", ALL, 0},
        {"tlp != red", ALL, 0},
        {"not not tlp != red", ALL, 0},
        {"tlp <= partner.tlp-max", ALL, 0},
        {"tlp in [clear green]", ALL, 0},
        {"has tlp", 0, 0},
        {"not has tlp", ALL, ALL},
        {"has tlp and tlp == red", 0, 0},
        {"not (has tlp and tlp == red)", ALL, ALL},
        {"confidence > 50", ALL, 0},
        {"confidence <= 50", ALL, 0},
        {"confidence > 50 or confidence <= 50", ALL, 0},
        {"confidence > 50 and own", ALL, 0},
        {"confidence > 50 and not own", 0, 0},
        {"confidence > 50 or own", ALL, ALL},
        {"not (confidence > 50 or own)", 0, 0},
        {"not (confidence > 50 and own)", ALL, 0},
        {"has confidence", 0, 0},
        {"type == malware", ALL, 0},
        {"type != malware", ALL, 0},
        {"type in [malware url]", ALL, 0},
        {"not type in [malware url]", ALL, 0},
        {"owner == kr", ALL, 0},
        {"source == soc", ALL, 0},
        {"source != soc", ALL, 0},
        {"has type", 0, 0},
        {"has owner or has source", 0, 0},
        {"age > 1d", ALL, 0},
        {"age.received <= 1d", ALL, 0},
        {"age.created < 1d", ALL, 0},
        {"not age.modified < 1d", ALL, 0},
        {"has age or has age.created or has age.modified", 0, 0},
        {"tag a", 0, 0},
        {"not tag a", ALL, ALL},
        {"category == custom", ALL, ALL},
        {"revoked", 0, 0},
        {"partner.country == US", 1 << US | 1 << EU, 1 << US},
        {"partner.country != US", 1 << JP | 1 << EU, 1 << JP},
        {"not partner.country == US", 1 << JP | 1 << EU, 1 << JP},
        {"partner.country in [US JP]", ALL, 1 << US | 1 << JP},
        {"has partner.country", 1 << US | 1 << JP, 1 << US | 1 << JP},
        {"has partner.country and partner.country == US", 1 << US, 1 << US},
        {"partner.organisations == CISA", ALL, 0},
        {"partner.communities == ais", ALL, 1 << US},
        {"partner.tlp-max >= green", ALL, 1 << JP},
        {"partner.tlp-max == red", 1 << US | 1 << EU, 0},
        {"has partner.tlp-max", 1 << JP, 1 << JP},
    };
    struct policy_facts facts = {.own = true,
                                 .confidence = POLICY_CONFIDENCE_NONE,
                                 .origin = POLICY_ORIGIN_OWN,
                                 .onward = UINT64_MAX,
                                 .markings = POLICY_MARKING_NONE,
                                 .created_us = POLICY_TIME_NONE,
                                 .modified_us = POLICY_TIME_NONE,
                                 .received_us = POLICY_TIME_NONE};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_truth(&rows[i], &facts);
    facts.markings = 0; /* without any state nothing leaves, whatever the text */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(test_matched("deny", rows[i].condition, &facts), ALL);
        assert_int_equal(test_matched("release", rows[i].condition, &facts), 0);
    }
}

static void present_values_mean_what_they_say(void **state)
{
    (void)state;
    static const struct truth rows[] = {
        {"always", ALL, ALL},
        {"tlp == green", ALL, ALL},
        {"tlp < green", 0, 0},
        {"tlp <= green and tlp >= green", ALL, ALL},
        {"tlp > clear", ALL, ALL},
        {"tlp < amber+strict", ALL, ALL},
        {"tlp in [clear green]", ALL, ALL},
        {"tlp in [white red]", 0, 0},
        {"tlp > red", 0, 0},
        {"tlp <= red", ALL, ALL},
        {"tlp == partner.tlp-max", ALL, 1 << JP},
        {"has partner.tlp-max and tlp > partner.tlp-max", 0, 0},
        {"type == indicator", ALL, ALL},
        {"type != indicator", 0, 0},
        {"type in [url indicator]", ALL, ALL},
        {"not type in [url, file,]", ALL, ALL},
        {"type == \"x y\" or type == x-own", 0, 0},
        {"category == sdo", ALL, ALL},
        {"category in [sco sro]", 0, 0},
        {"category != sco", ALL, ALL},
        {"owner == kr and source == soc", ALL, ALL},
        {"owner in [us jp]", 0, 0},
        {"confidence >= 60 and confidence < 61", ALL, ALL},
        {"confidence == 60", ALL, ALL},
        {"confidence != 60", 0, 0},
        {"age >= 1d", ALL, ALL},
        {"age > 1d", 0, 0},
        {"age <= 24h", ALL, ALL},
        {"age < 1440m", 0, 0},
        {"age.created > 2d and age.modified > 1d", ALL, ALL},
        {"age.created > 1w or age.modified >= 172801s", 0, 0},
        {"tag b", ALL, ALL},
        {"tag c", 0, 0},
        {"tag in [c b]", ALL, ALL},
        {"tag in [c d]", 0, 0},
        {"tag \"share:{partner}\"", 1 << JP, 1 << JP},
        {"not tag \"share:{partner}\"", 1 << US | 1 << EU, 1 << US | 1 << EU},
        {"own and not revoked", ALL, ALL},
        {"marking known and not marking in [none statement unresolved unknown assumed]", ALL, ALL},
        {"marking in [none known]", ALL, ALL},
        {"onward", ALL, ALL},
        {"origin", 0, 0},
        {"approved", 1 << EU, 1 << EU},
        {"partner == jp", 1 << JP, 1 << JP},
        {"partner in [jp us-cisa]", 1 << US | 1 << JP, 1 << US | 1 << JP},
        {"partner != jp", 1 << US | 1 << EU, 1 << US | 1 << EU},
        {"own or tlp == red and revoked", ALL, ALL},
        {"(own or tlp == red) and revoked", 0, 0},
        {"not own or own", ALL, ALL},
        {"not (own or own)", 0, 0},
        {"partner == jp or partner == us-cisa and revoked", 1 << JP, 1 << JP},
        {"revoked or partner == jp or partner == eu-cert", 1 << JP | 1 << EU, 1 << JP | 1 << EU},
        {"partner != jp and (revoked or not partner == us-cisa)", 1 << EU, 1 << EU},
    };
    const struct str tags[] = {STR("b"), STR("share:jp"), STR("nobody asks for this one")};
    struct policy_facts facts = test_facts(POLICY_TLP_GREEN);
    facts.confidence = 60;
    facts.tags = tags;
    facts.tag_count = 3;
    facts.approvals = 1 << EU;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_truth(&rows[i], &facts);
}

static void each_marking_state_with_each_effect(void **state)
{
    (void)state;
    static const struct {
        unsigned markings;
        enum policy_effect at_most; /* the best that a text can do */
        unsigned rule;
    } rows[] = {
        {POLICY_MARKING_NONE, POLICY_RELEASE, POLICY_RULE_BUILTIN_COUNT},
        {POLICY_MARKING_NONE | POLICY_MARKING_ASSUMED, POLICY_RELEASE, POLICY_RULE_BUILTIN_COUNT},
        {POLICY_MARKING_STATEMENT, POLICY_HOLD, POLICY_RULE_STATEMENT},
        {POLICY_MARKING_KNOWN, POLICY_RELEASE, POLICY_RULE_BUILTIN_COUNT},
        {POLICY_MARKING_UNRESOLVED, POLICY_HOLD, POLICY_RULE_UNRESOLVED},
        {POLICY_MARKING_UNKNOWN, POLICY_DENY, POLICY_RULE_UNKNOWN},
        {POLICY_MARKING_KNOWN | POLICY_MARKING_STATEMENT, POLICY_HOLD, POLICY_RULE_STATEMENT},
        {POLICY_MARKING_KNOWN | POLICY_MARKING_UNRESOLVED, POLICY_HOLD, POLICY_RULE_UNRESOLVED},
        {POLICY_MARKING_STATEMENT | POLICY_MARKING_UNKNOWN, POLICY_DENY, POLICY_RULE_UNKNOWN},
    };
    static const char *const words[] = {"none", "statement", "known", "unresolved", "unknown", "assumed"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
        facts.markings = rows[i].markings;
        struct policy_verdict verdict =
            test_decide("language 1 release everything if always to all", &facts, NOW);
        uint64_t got[] = {verdict.deny, verdict.hold, verdict.release};
        assert_int_equal(got[rows[i].at_most], ALL);
        assert_int_equal(verdict.rule[US], rows[i].rule);
        for (unsigned word = 0; word < 6; word++) {
            char condition[64];
            snprintf(condition, sizeof condition, "marking %s", words[word]);
            bool set = (rows[i].markings >> word & 1) != 0;
            bool deny = set || rows[i].at_most == POLICY_DENY;
            bool hold = !(rows[i].at_most == POLICY_DENY) && (set || rows[i].at_most == POLICY_HOLD);
            bool release = set && rows[i].at_most == POLICY_RELEASE;
            assert_int_equal(test_matched("deny", condition, &facts), deny ? ALL : 0);
            assert_int_equal(test_matched("hold", condition, &facts), hold ? ALL : 0);
            assert_int_equal(test_matched("release", condition, &facts), release ? ALL : 0);
        }
    }
}

static void sources_have_attributes(void **state)
{
    (void)state;
    static const char heads[] = "language 1 source soc { trust high; kind [own lab] } "
                                "source feed { trust low } source bare release r if ";
    static const struct {
        const char *source, *condition;
        uint64_t release;
    } rows[] = {
        {"soc", "source.trust == high", ALL},   {"feed", "source.trust == high", 0},
        {"feed", "source.trust != high", ALL},  {"bare", "source.trust != high", 0},
        {"other", "source.trust != high", 0},   {"soc", "source.kind == lab", ALL},
        {"soc", "source.kind in [lab x]", ALL}, {"feed", "not source.kind == lab", 0},
        {"feed", "has source.kind", 0},         {"soc", "has source.kind", ALL},
        {"bare", "not has source.trust", ALL},  {"soc", "source in [soc feed]", ALL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[512];
        struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
        facts.source = str_of(rows[i].source);
        snprintf(text, sizeof text, "%s%s to all", heads, rows[i].condition);
        if (test_decide(text, &facts, NOW).release != rows[i].release)
            fail_msg("%s: %s", rows[i].source, rows[i].condition);
    }
}

static void blocks_replace_what_the_node_knows(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    static const char text[] = "language 1 partner us-cisa { country CA } partner eu-cert { level [u c] } "
                               "set friends = [us-cisa eu-cert] "
                               "release ca if partner.country == CA to friends "
                               "release us if partner.country == US or partner.level == c to friends";
    struct policy *policy = test_compile(text);
    struct policy_verdict verdict;
    policy_decide(policy, &facts, NOW, &verdict);
    assert_int_equal(verdict.release, 1 << US | 1 << EU);
    assert_int_equal(verdict.rule[US], policy_rule_find(policy, STR("ca")));
    assert_int_equal(verdict.rule[EU], policy_rule_find(policy, STR("us")));
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_is_true_in_deny_and_hold_only),
        cmocka_unit_test(present_values_mean_what_they_say),
        cmocka_unit_test(each_marking_state_with_each_effect),
        cmocka_unit_test(sources_have_attributes),
        cmocka_unit_test(blocks_replace_what_the_node_knows),
    };
    return cmocka_run_group_tests_name("policy truth", tests, NULL, NULL);
}
