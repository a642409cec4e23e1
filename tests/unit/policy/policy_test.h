/* What the policy tests share: three partners, facts to start from, one decision. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/policy.h"

enum { US, JP, EU, PARTNERS };
#define ALL    7ull
#define MIN_US (60 * 1000000ll)
#define DAY_US (1440 * MIN_US)
#define NOW    (20000 * DAY_US)

static const struct policy_attribute us_attributes[] = {
    {{"country", 7}, {"US", 2}}, {{"communities", 11}, {"five", 4}}, {{"communities", 11}, {"ais", 3}}};
static const struct policy_attribute jp_attributes[] = {{{"country", 7}, {"JP", 2}},
                                                        {{"tlp-max", 7}, {"green", 5}}};
static const struct policy_partner test_partners[PARTNERS] = {
    {{"us-cisa", 7}, US, us_attributes, 3},
    {{"jp", 2}, JP, jp_attributes, 2},
    {{"eu-cert", 7}, EU, NULL, 0},
};

static inline struct policy *test_compile(const char *text)
{
    struct policy_fault fault;
    struct policy *policy = NULL;
    err_t err = policy_compile(str_of(text), test_partners, PARTNERS, &policy, &fault);
    if (err != ERR_OK)
        fail_msg("%u:%u: %s (%s)\n%s", fault.line, fault.column, fault.what, fault.suggestion, text);
    return policy;
}

/* An own, marked object of yesterday that nothing speaks against. */
static inline struct policy_facts test_facts(enum policy_tlp tlp)
{
    return (struct policy_facts) {.type = STR("indicator"),
                                  .owner = STR("kr"),
                                  .source = STR("soc"),
                                  .category = POLICY_CATEGORY_SDO,
                                  .tlp = tlp,
                                  .markings = POLICY_MARKING_KNOWN,
                                  .confidence = POLICY_CONFIDENCE_NONE,
                                  .own = true,
                                  .origin = POLICY_ORIGIN_OWN,
                                  .created_us = NOW - 3 * DAY_US,
                                  .modified_us = NOW - 2 * DAY_US,
                                  .received_us = NOW - DAY_US,
                                  .settled_us = POLICY_TIME_NONE,
                                  .onward = UINT64_MAX};
}

/* Operators' words to a rule of this text, as it asks there. */
static inline struct policy_answer test_answer(const char *text, const char *rule, uint64_t one)
{
    struct policy *policy = test_compile(text);
    const struct policy_facts facts = {.own = true};
    int index = policy_rule_find(policy, str_of(rule));
    assert_true(index >= 0);
    struct policy_answer answer = {.asked = policy_rule_asks(policy, (unsigned)index, &facts), .one = one};
    policy_unref(policy);
    return answer;
}

static inline struct policy_verdict test_decide(const char *text, const struct policy_facts *facts,
                                                int64_t now)
{
    struct policy_verdict verdict;
    struct policy *policy = test_compile(text);
    policy_decide(policy, facts, now, &verdict);
    assert_int_equal(verdict.release & verdict.hold, 0);
    assert_int_equal(verdict.release & verdict.deny, 0);
    assert_int_equal(verdict.hold & verdict.deny, 0);
    assert_int_equal(verdict.release | verdict.hold | verdict.deny, ALL);
    policy_unref(policy);
    return verdict;
}

/* Whom `EFFECT r if CONDITION` matches, as a mask. */
static inline uint64_t test_matched(const char *effect, const char *condition,
                                    const struct policy_facts *facts)
{
    char text[1024];
    bool release = strcmp(effect, "release") == 0;
    snprintf(text, sizeof text, "language 1\n%s r if %s%s\n%s", effect, condition, release ? " to all" : "",
             release ? "" : "release rest if always to all\n");
    struct policy_verdict verdict = test_decide(text, facts, NOW);
    return release ? verdict.release : *effect == 'h' ? verdict.hold : verdict.deny;
}
