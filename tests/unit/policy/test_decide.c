/* Which rule wins, when, and how it is explained. */
#include "policy_test.h"

static void deny_over_hold_over_release_in_any_order(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    static const char text[] = "language 1\n"
                               "release r1 if always to all\n"
                               "hold h1 if always to [us-cisa jp]\n"
                               "release r2 if always to all\n"
                               "hold h2 if always to jp\n"
                               "deny d1 if always to us-cisa\n"
                               "deny d2 if always to us-cisa\n";
    struct policy *policy = test_compile(text);
    struct policy_verdict verdict;
    policy_decide(policy, &facts, NOW, &verdict);
    assert_int_equal(verdict.deny, 1 << US);
    assert_int_equal(verdict.hold, 1 << JP);
    assert_int_equal(verdict.release, 1 << EU);
    assert_int_equal(verdict.rule[US], policy_rule_find(policy, STR("d1")));
    assert_int_equal(verdict.rule[JP], policy_rule_find(policy, STR("h1")));
    assert_int_equal(verdict.rule[EU], policy_rule_find(policy, STR("r1")));
    assert_int_equal(verdict.rule[3], POLICY_RULE_DEFAULT);
    assert_int_equal(policy_rule_line(policy, verdict.rule[US]), 6);
    assert_int_equal(policy_rule_count(policy), POLICY_RULE_BUILTIN_COUNT + 6);
    assert_int_equal(policy_rule_find(policy, STR("built-in.onward")), POLICY_RULE_ONWARD);
    assert_int_equal(policy_rule_find(policy, STR("d3")), -1);
    policy_unref(policy);
}

static void builtin_rules_bind_against_any_text(void **state)
{
    (void)state;
    static const char text[] = "language 1 release open if always to all";
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.denials = 1 << EU;
    struct policy_verdict verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.deny, 1 << EU);
    assert_int_equal(verdict.rule[EU], POLICY_RULE_OPERATOR);
    facts.denials = 0;
    facts.origin = US;
    facts.onward = 1 << US | 1 << JP;
    verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.deny, 1 << US | 1 << EU);
    assert_int_equal(verdict.rule[US], POLICY_RULE_ORIGIN);
    assert_int_equal(verdict.rule[EU], POLICY_RULE_ONWARD);
    facts = test_facts(POLICY_TLP_AMBER);
    verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.deny, 1 << JP);
    assert_int_equal(verdict.rule[JP], POLICY_RULE_TLP_MAX);
    verdict = test_decide("language 1 partner jp { tlp-max red } release open if always to all", &facts, NOW);
    assert_int_equal(verdict.release, ALL);
    facts = (struct policy_facts) {0};
    verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.deny, ALL);
    facts = test_facts(POLICY_TLP_CLEAR);
    verdict = test_decide("language 1", &facts, NOW);
    assert_int_equal(verdict.deny, ALL);
    assert_int_equal(verdict.rule[US], POLICY_RULE_DEFAULT);
}

static void a_delay_holds_then_releases(void **state)
{
    (void)state;
    static const char text[] = "language 1 release slow if own to [us-cisa eu-cert] after 10m";
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.received_us = NOW;
    struct policy_verdict verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
    assert_int_equal(verdict.rule[US], POLICY_RULE_BUILTIN_COUNT);
    assert_true(verdict.next_change_us == NOW + 10 * MIN_US);
    verdict = test_decide(text, &facts, NOW + 10 * MIN_US - 1);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
    verdict = test_decide(text, &facts, NOW + 10 * MIN_US);
    assert_int_equal(verdict.release, 1 << US | 1 << EU);
    assert_true(verdict.next_change_us == INT64_MAX);
    facts.settled_us = NOW + 5 * MIN_US; /* tagged later: the operators' time starts again */
    verdict = test_decide(text, &facts, NOW + 10 * MIN_US);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
    assert_true(verdict.next_change_us == NOW + 15 * MIN_US);
    facts.approvals = 1 << EU; /* an approval ends the wait: one that was said to it */
    verdict = test_decide(text, &facts, NOW + 10 * MIN_US);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
    struct policy_answer answer = test_answer(text, "slow", 1 << EU);
    facts.answers = &answer;
    facts.answer_count = 1;
    verdict = test_decide(text, &facts, NOW + 10 * MIN_US);
    assert_int_equal(verdict.hold, 1 << US);
    assert_int_equal(verdict.release, 1 << EU);
    facts.received_us = POLICY_TIME_NONE; /* never ready */
    verdict = test_decide(text, &facts, NOW + 10 * DAY_US);
    assert_int_equal(verdict.hold, 1 << US);
    assert_true(verdict.next_change_us == INT64_MAX);
}

static void another_release_need_not_wait(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    facts.received_us = NOW;
    struct policy_verdict verdict = test_decide("language 1 release slow if own to all after 10m "
                                                "release slower if own to all after 20m "
                                                "release fast if own to jp",
                                                &facts, NOW);
    assert_int_equal(verdict.release, 1 << JP);
    assert_int_equal(verdict.rule[JP], POLICY_RULE_BUILTIN_COUNT + 2);
    assert_int_equal(verdict.hold, 1 << US | 1 << EU);
    assert_int_equal(verdict.rule[US], POLICY_RULE_BUILTIN_COUNT);
    assert_true(verdict.next_change_us == NOW + 10 * MIN_US);
}

static void ages_and_dates_turn_when_they_say(void **state)
{
    (void)state;
    static const char until[] = "language 1 release r if always to all until 2024-10-04T00:00:01Z";
    static const char young[] = "language 1 hold young if age < 2d release r if always to all";
    static const char old[] = "language 1 deny old if age.modified > 3d release r if always to all";
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    assert_true(NOW == 1728000000000000ll); /* 2024-10-04 */
    struct policy_verdict verdict = test_decide(until, &facts, NOW);
    assert_int_equal(verdict.release, ALL);
    assert_true(verdict.next_change_us == NOW + 1000000);
    assert_int_equal(test_decide(until, &facts, NOW + 999999).release, ALL);
    assert_int_equal(test_decide(until, &facts, NOW + 1000000).release, 0);
    verdict = test_decide("language 1 hold x if own until 2024-10-05 release r if own to all", &facts, NOW);
    assert_int_equal(verdict.hold, ALL);
    assert_true(verdict.next_change_us == NOW + DAY_US);
    verdict = test_decide(young, &facts, NOW);
    assert_int_equal(verdict.hold, ALL);
    assert_true(verdict.next_change_us == NOW + DAY_US);
    assert_int_equal(test_decide(young, &facts, NOW + DAY_US).release, ALL);
    verdict = test_decide(old, &facts, NOW);
    assert_int_equal(verdict.release, ALL);
    assert_true(verdict.next_change_us == NOW + DAY_US + 1);
    assert_int_equal(test_decide(old, &facts, NOW + DAY_US).release, ALL);
    assert_int_equal(test_decide(old, &facts, NOW + DAY_US + 1).deny, ALL);
    facts.modified_us = INT64_MAX - 1; /* a hostile date wraps nothing */
    assert_int_equal(test_decide(old, &facts, NOW).release, ALL);
    facts.modified_us = INT64_MIN + 1;
    assert_int_equal(test_decide(old, &facts, NOW).deny, ALL);
}

static void an_approval_ends_only_holds_that_say_so(void **state)
{
    (void)state;
    struct policy_facts facts = test_facts(POLICY_TLP_CLEAR);
    static const char text[] = "language 1 hold ask if own until approved release r if always to all";
    facts.approvals = ALL; /* said when nothing asked */
    struct policy_answer answer = test_answer(text, "ask", 1 << US);
    facts.answers = &answer;
    facts.answer_count = 1;
    struct policy_verdict verdict = test_decide(text, &facts, NOW);
    assert_int_equal(verdict.release, 1 << US);
    assert_int_equal(verdict.hold, 1 << JP | 1 << EU);
    verdict = test_decide("language 1 hold ask if own release r if always to all", &facts, NOW);
    assert_int_equal(verdict.hold, ALL);
}

/* --- explain --- */

struct seen {
    unsigned count;
    char text[32][200];
};

static void note_step(void *ctx, const struct policy_step *step)
{
    struct seen *seen = ctx;
    assert_true(seen->count < 32);
    snprintf(seen->text[seen->count++], sizeof seen->text[0], "%s %.*s%s%s%s: %.*s; %.*s",
             policy_effect_name(step->effect), STR_ARG(step->name), step->matched ? " matched" : "",
             step->absent ? " absent" : "", step->decided ? " decided" : "", STR_ARG(step->condition),
             STR_ARG(step->value));
}

/* A definition without a marking waits for what names it, whatever holds or releases; what denies it binds.
 */
static void a_follower_waits_for_what_names_it(void **state)
{
    (void)state;
    static const char text[] = "language 1\n"
                               "deny never if type == marking-definition to jp\n"
                               "hold unmarked if marking none\n"
                               "release open if always to all\n";
    struct policy *policy = test_compile(text);
    struct policy_facts facts = test_facts(POLICY_TLP_NONE);
    struct policy_verdict verdict;
    struct seen seen = {0};
    facts.type = STR("marking-definition");
    facts.markings = POLICY_MARKING_NONE;
    facts.follows = true;
    facts.denials = 1 << EU;
    policy_decide(policy, &facts, NOW, &verdict);
    assert_int_equal(verdict.deny, 1 << JP | 1 << EU);
    assert_int_equal(verdict.hold, 1 << US);
    assert_int_equal(verdict.rule[US], POLICY_RULE_FOLLOWS);
    assert_int_equal(verdict.rule[EU], POLICY_RULE_OPERATOR);
    assert_int_equal(verdict.next_change_us, INT64_MAX);
    assert_int_equal(policy_explain(policy, &facts, NOW, US, note_step, &seen), POLICY_HOLD);
    /* The rule behind it, which was not asked for, is shown as well. */
    assert_string_equal(seen.text[seen.count - 1], "release open matched: always; partner is us-cisa");
    bool decided = false;
    for (unsigned i = 0; i < seen.count; i++)
        decided |= strcmp(seen.text[i], "hold built-in.follows matched decided: a definition that carries no "
                                        "marking; marking is none") == 0;
    assert_true(decided);
    policy_unref(policy);
}

static void explain_names_what_decided(void **state)
{
    (void)state;
    static const char text[] =
        "language 1\n"
        "deny red if has tlp and tlp == red\n"
        "deny low if confidence < 20 and not own\n"
        "release mine if own and tlp <= green and tag \"share:{partner}\" to all after 10m\n"
        "release big if tlp <= green and confidence >= 50 to us-cisa\n";
    const struct str tags[] = {STR("share:jp")};
    struct policy *policy = test_compile(text);
    struct policy_facts facts = test_facts(POLICY_TLP_GREEN);
    struct seen seen = {0};
    facts.tags = tags;
    facts.tag_count = 1;
    facts.received_us = NOW;
    assert_int_equal(policy_explain(policy, &facts, NOW, US, note_step, &seen), POLICY_DENY);
    assert_string_equal(seen.text[0], "deny red: tlp == red; tlp is green");
    assert_string_equal(seen.text[1], "deny low: own; own is true");
    assert_string_equal(seen.text[2], "deny built-in.operator: denied by an operator; not denied");
    unsigned at = 2 + POLICY_RULE_FOLLOWS - 1;
    assert_string_equal(seen.text[at], "release mine: tag \"share:{partner}\"; tags are share:jp");
    assert_string_equal(seen.text[at + 1], "release big absent: confidence >= 50; confidence is absent");
    assert_string_equal(seen.text[at + 2], "deny built-in.default matched decided: no other rule decided; ");
    assert_int_equal(seen.count, at + 3);
    seen.count = 0;
    assert_int_equal(policy_explain(policy, &facts, NOW, JP, note_step, &seen), POLICY_HOLD);
    assert_string_equal(seen.text[at],
                        "release mine matched decided: tag \"share:{partner}\"; tags are share:jp");
    seen.count = 0;
    facts.tlp = POLICY_TLP_NONE;
    assert_int_equal(policy_explain(policy, &facts, NOW, 9, note_step, &seen), POLICY_DENY);
    assert_int_equal(seen.count, 0);
    policy_unref(policy);
}

/* A limit that he has by being in a community says so: his own block does not name it. */
static void explain_names_the_community_of_a_limit(void **state)
{
    (void)state;
    struct policy *policy = test_compile("language 1 community pacific { tlp-max green } = [us-cisa jp] "
                                         "release r if always to all");
    struct policy_facts facts = test_facts(POLICY_TLP_AMBER);
    static const struct {
        unsigned partner;
        const char *text;
    } rows[] = {
        {US, "deny built-in.tlp-max matched decided: tlp > partner.tlp-max; tlp is amber, partner.tlp-max is "
             "green, by community pacific"},
        {JP, "deny built-in.tlp-max matched decided: tlp > partner.tlp-max; tlp is amber, partner.tlp-max is "
             "green"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct seen seen = {0};
        bool told = false;
        assert_int_equal(policy_explain(policy, &facts, NOW, rows[i].partner, note_step, &seen), POLICY_DENY);
        for (unsigned s = 0; s < seen.count; s++)
            told |= strcmp(seen.text[s], rows[i].text) == 0;
        assert_true(told);
    }
    policy_unref(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deny_over_hold_over_release_in_any_order),
        cmocka_unit_test(builtin_rules_bind_against_any_text),
        cmocka_unit_test(a_delay_holds_then_releases),
        cmocka_unit_test(another_release_need_not_wait),
        cmocka_unit_test(ages_and_dates_turn_when_they_say),
        cmocka_unit_test(an_approval_ends_only_holds_that_say_so),
        cmocka_unit_test(a_follower_waits_for_what_names_it),
        cmocka_unit_test(explain_names_what_decided),
        cmocka_unit_test(explain_names_the_community_of_a_limit),
    };
    return cmocka_run_group_tests_name("policy decide", tests, NULL, NULL);
}
