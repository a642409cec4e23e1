/* What form 1 of the language has beside rules and plain comparisons: communities, agreements, named
 * conditions, terms of ACS and IEP, neighbours, and what would have to change. */
#include "policy_test.h"

static void communities_are_sets_of_partners(void **state)
{
    (void)state;
    static const char text[] =
        "language 1 community pacific = [jp us-cisa] community wide = [pacific eu-cert] "
        "release a if type == url to pacific "
        "release b if type == file and partner.communities == pacific to all "
        "release c if type == tool and partner in wide to [wide] "
        "release d if type == malware and partner.communities == five to all";
    static const struct {
        const char *type;
        uint64_t released;
    } rows[] = {{"url", 1 << JP | 1 << US}, {"file", 1 << JP | 1 << US}, {"tool", ALL}, {"malware", 1 << US}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
        facts.type = str_of(rows[i].type);
        assert_int_equal(test_decide(text, &facts, NOW).release, rows[i].released);
    }
}

/* Of each key what he has himself, from the node or from his block, wherever the block stands. */
static void a_community_gives_what_its_members_lack(void **state)
{
    (void)state;
    static const char text[] =
        "language 1 community pacific { country KR; level [a b]; tlp-max amber; clearance S } = [jp us-cisa] "
        "community wide { tlp-max amber; level [b a] x y } = [pacific eu-cert] "
        "partner us-cisa { level c } "
        "release a if type == url and partner.country == KR to all "
        "release b if type == file and partner.level == b to all "
        "release c if type == tool and partner.level == c to all "
        "release d if type == malware and partner.x == y to all "
        "release e if type == campaign and partner.clearance == S to all "
        "release f if type == grouping and partner.tlp-max == amber to all "
        "release g if type == note and has partner.country to all";
    static const struct {
        const char *type;
        uint64_t released;
    } rows[] = {{"url", 0},
                {"file", 1 << JP | 1 << EU},
                {"tool", 1 << US},
                {"malware", ALL},
                {"campaign", 1 << US | 1 << JP},
                {"grouping", 1 << US | 1 << EU},
                {"note", 1 << US | 1 << JP}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
        facts.type = str_of(rows[i].type);
        assert_int_equal(test_decide(text, &facts, NOW).release, rows[i].released);
    }
}

/* Markings and the guard ask the same attributes; a limit that a community sets binds without any rule. */
static void what_a_community_gives_binds(void **state)
{
    (void)state;
    struct str cisa = STR("USA.DHS.CISA");
    struct policy_facts facts = test_facts(POLICY_TLP_RED);
    static const char text[] = "language 1 community c { organisations USA.DHS.CISA; tlp-max amber } = "
                               "[us-cisa jp] release r if always to all";
    struct policy *policy = test_compile(text);
    assert_int_equal(policy_partners_within(policy, STR("organisations"), (struct policy_list) {&cisa, 1}),
                     1 << US | 1 << JP);
    assert_string_equal(policy_partner_tlp_max(policy, US), "amber");
    assert_string_equal(policy_partner_tlp_max(policy, JP), "green");
    assert_null(policy_partner_tlp_max(policy, EU));
    policy_unref(policy);
    assert_int_equal(test_decide(text, &facts, NOW).release, 1 << EU);
    assert_int_equal(test_decide(text, &facts, NOW).rule[US], POLICY_RULE_TLP_MAX);
}

static void nations_come_from_countries(void **state)
{
    (void)state;
    struct str korea = STR("KOR"), both[] = {STR("USA"), STR("JPN")}, unit = STR("USA.DHS");
    struct policy *policy = test_compile("language 1 partner eu-cert { nation [JPN KOR]; organisations "
                                         "[USA.DHS.CISA]; caveats [POSSIBLEPII FISA] } "
                                         "partner jp { organisations [EU] }");
    assert_int_equal(policy_partners_within(policy, STR("nation"), (struct policy_list) {both, 2}),
                     1 << US | 1 << JP);
    assert_int_equal(policy_partners_any(policy, STR("nation"), (struct policy_list) {&korea, 1}), 1 << EU);
    assert_int_equal(policy_partners_any(policy, STR("nation"), (struct policy_list) {both, 2}), ALL);
    /* A part of what is named, and who says nothing. */
    assert_int_equal(policy_partners_touched(policy, STR("organisations"), (struct policy_list) {&unit, 1}) &
                         ALL,
                     1 << US | 1 << EU);
    struct str caveats[] = {STR("FISA"), STR("POSSIBLEPII")};
    assert_int_equal(policy_partners_holding(policy, STR("caveats"), (struct policy_list) {caveats, 2}),
                     1 << EU);
    assert_int_equal(policy_partners_within(NULL, STR("nation"), (struct policy_list) {both, 2}), 0);
    assert_true(policy_partners_touched(NULL, STR("nation"), (struct policy_list) {both, 2}) == UINT64_MAX);
    policy_unref(policy);
}

static void a_lapsed_agreement_holds_what_would_go(void **state)
{
    (void)state;
    struct policy_verdict verdict;
    struct policy_agreement agreement;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    static const char text[] =
        "language 1 agreement us-kr { partners [us-cisa jp]; basis \"MoU 2023\"; contacts [\"desk@us\" d2]; "
        "valid-until 2024-10-05 } agreement longer { partners [jp]; valid-until 2024-10-06T00:00:00Z } "
        "deny secret if type == file release r if always to all";
    const int64_t end = NOW + DAY_US;
    struct policy *policy = test_compile(text);
    policy_agreement(policy, 0, &agreement);
    assert_int_equal(agreement.partners, 1 << US | 1 << JP);
    assert_int_equal(agreement.until_us, end);
    assert_true(str_eq(agreement.basis, STR("MoU 2023")) &&
                str_eq(agreement.contacts, STR("\"desk@us\" d2")));
    policy_decide(policy, &facts, end - 1, &verdict);
    assert_int_equal(verdict.release, ALL);
    assert_int_equal(verdict.next_change_us, end);
    policy_decide(policy, &facts, end, &verdict);
    assert_int_equal(verdict.release,
                     1 << JP | 1 << EU); /* the longer one counts; eu-cert is named in none */
    assert_int_equal(verdict.hold, 1 << US);
    assert_int_equal(verdict.rule[US], POLICY_RULE_AGREEMENT);
    assert_int_equal(verdict.next_change_us, end + DAY_US);
    facts.type = STR("file"); /* what is denied stays denied, and no clock is set for it */
    policy_decide(policy, &facts, end - 1, &verdict);
    assert_int_equal(verdict.deny, ALL);
    assert_int_equal(verdict.next_change_us, INT64_MAX);
    policy_unref(policy);
    facts = test_facts(POLICY_TLP_CLEAR);
    verdict = test_decide("language 1 agreements required agreement a { partners [jp] } "
                          "release r if always to all",
                          &facts, NOW);
    assert_int_equal(verdict.release, 1 << JP);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
}

/* The same condition counts an absent value against release, and for deny. */
static void a_named_condition_means_what_its_place_means(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    static const struct {
        const char *text;
        uint64_t released;
    } rows[] = {
        {"define sure = confidence >= 50 release r if sure to all", 0},
        {"define sure = confidence >= 50 deny d if sure release r if own to all", 0},
        {"define sure = confidence >= 50 release r if not sure to all", 0},
        {"define ours = own or revoked release r if ours and type == indicator to all", ALL},
        {"define ours = own or revoked release r if not (ours) to all", 0},
        {"define ours = own or revoked release r if type == url and ours or ours to all", ALL},
        {"define a = own define b = a and not revoked define c = (b) or revoked release r if c to all", ALL},
        {"define a = own and tlp == red release r if not a and (a or not a) to all", ALL},
        {"define pair = own and revoked or type == indicator release r if pair and own to jp", 1 << JP},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[300];
        snprintf(text, sizeof text, "language 1 %s", rows[i].text);
        if (test_decide(text, &facts, NOW).release != rows[i].released)
            fail_msg("%s", text);
    }
}

static void terms_of_markings_are_compared(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    assert_int_equal(test_matched("release", "classification >= U", &facts), 0);
    assert_int_equal(test_matched("deny", "classification > TS", &facts), ALL); /* absent */
    assert_int_equal(test_matched("release", "not has classification", &facts), ALL);
    facts.terms[POLICY_TERM_CLASSIFICATION] = 3; /* S */
    facts.terms[POLICY_TERM_ATTRIBUTION] = 3;    /* must-not */
    facts.terms[POLICY_TERM_ACTIONS] = 2;        /* contact-for-instruction */
    facts.hops = 2;
    facts.origin_node = STR("au");
    static const struct {
        const char *condition;
        bool yes;
    } rows[] = {{"classification > C", true},
                {"classification in [U TS]", false},
                {"classification != S", false},
                {"has classification", true},
                {"iep.provider-attribution == must-not", true},
                {"iep.provider-attribution in [may must]", false},
                {"iep.permitted-actions <= internally-visible-actions", true},
                {"iep.permitted-actions == none", false},
                {"not has iep.unmodified-resale", true},
                {"hops >= 2", true},
                {"hops < 2", false},
                {"origin-node in [au nz]", true},
                {"origin-node != au", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (test_matched("release", rows[i].condition, &facts) != (rows[i].yes ? ALL : 0))
            fail_msg("%s", rows[i].condition);
}

static void who_signed_it_is_asked_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool kr, none, none_denies;
    } rows[] = {{"signed-by == kr", true, false, true},      {"signed-by != kr", false, false, true},
                {"signed-by in [au kr]", true, false, true}, {"signed-by in [au nz]", false, false, true},
                {"not signed-by == kr", false, false, true}, {"has signed-by", true, false, false},
                {"not has signed-by", false, true, true}};
    struct policy_facts signed_by_kr = test_facts(POLICY_TLP_CLEAR), none = test_facts(POLICY_TLP_CLEAR);
    signed_by_kr.signed_by = STR("kr");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *condition = rows[i].condition;
        if (test_matched("release", condition, &signed_by_kr) != (rows[i].kr ? ALL : 0) ||
            test_matched("deny", condition, &signed_by_kr) != (rows[i].kr ? ALL : 0) ||
            test_matched("release", condition, &none) != (rows[i].none ? ALL : 0) ||
            test_matched("deny", condition, &none) != (rows[i].none_denies ? ALL : 0))
            fail_msg("%s", condition);
        char text[120];
        (void)snprintf(text, sizeof text, "language 1 release r if %s to all", condition);
        struct policy *policy = test_compile(text);
        assert_int_equal(policy_needs(policy), POLICY_NEED_SIGNER);
        policy_unref(policy);
    }
    struct policy *policy = test_compile("language 1 release r if has origin-node and hops < 3 to all");
    assert_int_equal(policy_needs(policy), 0);
    policy_unref(policy);
}

static void personal_data_is_asked_by_kind_and_role(void **state)
{
    (void)state;
    static const struct {
        const char *condition;
        bool yes, absent;
    } rows[] = {{"personal-data", true, true},
                {"personal-data in [kr-rrn card]", true, true},
                {"personal-data == us-ssn", false, true},
                {"personal-data != us-ssn", true, true},
                {"personal-data == email", false, true}, /* it is the attacker's */
                {"personal-data.related == email", true, true},
                {"personal-data.related in [kr-rrn]", false, true},
                {"personal-data.score >= 80", true, true},
                {"personal-data.score > 80", false, true},
                {"not personal-data", false, true}};
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    for (unsigned known = 0; known < 2; known++) {
        facts.personal_known = known;
        facts.personal =
            (struct privacy_facts) {PRIVACY_FACT(PRIVACY_KR_RRN) | PRIVACY_RELATED(PRIVACY_EMAIL), 80};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            bool denies = known ? rows[i].yes : rows[i].absent;
            if (test_matched("deny", rows[i].condition, &facts) != (denies ? ALL : 0) ||
                test_matched("release", rows[i].condition, &facts) != (known && rows[i].yes ? ALL : 0))
                fail_msg("%s", rows[i].condition);
        }
    }
    struct policy *policy = test_compile("language 1 release r if own to all with mask-personal-data");
    assert_int_equal(policy_needs(policy), POLICY_NEED_PERSONAL);
    assert_int_equal(policy_rule_duties(policy, POLICY_RULE_BUILTIN_COUNT)->what, POLICY_DUTY_MASK);
    policy_unref(policy);
}

/* However the neighbours change towards stricter and more, nobody gets what he did not. */
static void neighbours_only_withhold(void **state)
{
    (void)state;
    static const struct str sectors[] = {{"energy", 6}, {"water", 5}};
    struct policy_facts facts = test_facts(POLICY_TLP_GREEN);
    static const char text[] = "language 1 deny near if neighbour.tlp > amber to us-cisa "
                               "hold grid if victim.sector in [energy] to jp "
                               "release r if not neighbour.tlp >= green to all";
    facts.victim_sectors = sectors;
    uint64_t before = 0;
    for (unsigned known = 0; known < 2; known++) {
        facts.neighbours_known = facts.victims_known = known;
        uint64_t stricter = ALL;
        for (unsigned level = 0; level < POLICY_TLP_COUNT; level++) {
            facts.neighbour_tlp = (enum policy_tlp)level;
            for (facts.victim_sector_count = 0; facts.victim_sector_count <= 2; facts.victim_sector_count++) {
                uint64_t released = test_decide(text, &facts, NOW).release;
                assert_int_equal(released & ~stricter, 0);
                stricter = facts.victim_sector_count == 2 ? released | 1 << JP : released;
                before |= released;
            }
        }
        assert_int_equal(before, known ? ALL : 0); /* what is not known withholds */
    }
    struct policy *policy = test_compile(text);
    assert_int_equal(policy_needs(policy), POLICY_NEED_NEIGHBOURS | POLICY_NEED_VICTIMS);
    policy_unref(policy);
    policy = test_compile("language 1 deny d if own");
    assert_int_equal(policy_needs(policy), 0);
    policy_unref(policy);
}

static void facts_that_turn_set_the_clock(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.turns_us = NOW + 5;
    assert_int_equal(test_decide("language 1 release r if own to all", &facts, NOW).next_change_us, NOW + 5);
    assert_int_equal(test_decide("language 1 release r if own to all", &facts, NOW + 5).next_change_us,
                     INT64_MAX);
}

/* --- what would have to change --- */

struct wanted {
    const char *rule;
    char change[200];
    bool reached;
};

static void take_change(void *ctx, const struct policy_step *step)
{
    struct wanted *wanted = ctx;
    if (!str_eq(step->name, str_of(wanted->rule)))
        return;
    snprintf(wanted->change, sizeof wanted->change, "%.*s", STR_ARG(step->change));
    wanted->reached = step->reached;
}

static void explain_says_what_would_have_to_change(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *name, *change;
    } rows[] = {
        {"release r if tlp <= green and tag \"share:{partner}\" to all", "r",
         "tlp <= green and tagged share:jp"},
        {"release r if type == url or tag x to all", "r", "tag x"},
        {"release r if own and not revoked and confidence > 3 to all", "r", "confidence > 3"},
        {"release r if age >= 25h to all", "r", "after 2024-10-04T01:00:00Z"},
        {"define narrow = tlp > amber release r if not narrow to all", "r", "not tlp > amber"},
        {"deny d if tlp == red or tag never", "d", "not tlp == red"},
        {"deny d if tlp == red and not tag yes release r if own to all", "d", "tag yes"},
        {"hold h if own until approved", "h", "approved by an operator, or not own"},
        {"deny d if own until 2025-01-01", "d", "not own, or after 2025-01-01T00:00:00Z"},
        {"release r if own to all", "r", ""}, /* it matches: nothing has to */
        {"deny d if revoked release r if own to all", "built-in.tlp-max", "tlp <= partner.tlp-max"},
        {"agreement a { partners [jp]; valid-until 2020-01-01 } release r if own to all",
         "built-in.agreement", "the agreement were renewed (valid-until)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[300];
        struct wanted wanted = {.rule = rows[i].name};
        struct policy_facts facts = test_facts(POLICY_TLP_RED);
        if (i == 11)
            facts.tlp = POLICY_TLP_CLEAR;
        snprintf(text, sizeof text, "language 1 %s", rows[i].rules);
        struct policy *policy = test_compile(text);
        (void)policy_explain(policy, &facts, NOW, JP, take_change, &wanted);
        policy_unref(policy);
        if (strcmp(wanted.change, rows[i].change) != 0)
            fail_msg("%s: %s", text, wanted.change);
    }
}

/* The rules behind the one that decided are shown, and told apart. */
static void explain_goes_on(void **state)
{
    (void)state;
    struct wanted wanted = {.rule = "late", .reached = true};
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    struct policy *policy =
        test_compile("language 1 deny first if own deny late if tag x release r if own to all");
    (void)policy_explain(policy, &facts, NOW, US, take_change, &wanted);
    assert_false(wanted.reached);
    wanted = (struct wanted) {.rule = "first"};
    (void)policy_explain(policy, &facts, NOW, US, take_change, &wanted);
    assert_true(wanted.reached);
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(communities_are_sets_of_partners),
        cmocka_unit_test(a_community_gives_what_its_members_lack),
        cmocka_unit_test(what_a_community_gives_binds),
        cmocka_unit_test(nations_come_from_countries),
        cmocka_unit_test(a_lapsed_agreement_holds_what_would_go),
        cmocka_unit_test(a_named_condition_means_what_its_place_means),
        cmocka_unit_test(terms_of_markings_are_compared),
        cmocka_unit_test(who_signed_it_is_asked_by_name),
        cmocka_unit_test(personal_data_is_asked_by_kind_and_role),
        cmocka_unit_test(neighbours_only_withhold),
        cmocka_unit_test(facts_that_turn_set_the_clock),
        cmocka_unit_test(explain_says_what_would_have_to_change),
        cmocka_unit_test(explain_goes_on),
    };
    return cmocka_run_group_tests_name("policy language", tests, NULL, NULL);
}
