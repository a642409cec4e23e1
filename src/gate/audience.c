/* Who may read what an ACS 3.0 marking stands on, partner by partner: each term takes partners away that it
 * does not let read, and what is not judged takes all. A partner is what the policy says of him: `nation`,
 * `organisations`, `clearance`, `entities`, `shareability`, `caveats`, `purposes`. What is not stated of him
 * counts against him. */
#include "gate/state.h"

enum { LIST_MAX = 64 }; /* strings of one list that are looked at; a longer one is not judged */

void reading_limit(struct marking_reading *reading, uint64_t allowed, const char *why)
{
    uint64_t out = ~allowed & reading->partners;
    reading->partners &= allowed;
    if (out != 0 && reading->limit_count < MARKING_LIMITS)
        reading->limits[reading->limit_count++] = (struct marking_limit) {why, out};
}

/* Strings of a JSON list; false when it holds something else or too many. */
static bool take_list(struct json_val list, struct str out[LIST_MAX], struct policy_list *out_list)
{
    size_t count = 0;
    struct json_val v;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v)) {
        if (count == LIST_MAX || !json_is(v, JSON_STRING))
            return false;
        out[count++] = json_str(v);
    }
    *out_list = (struct policy_list) {out, count};
    return true;
}

static bool is_all(struct policy_list list)
{
    return list.count == 1 && str_eq(list.at[0], STR("ALL"));
}

static uint64_t nationals(const struct policy *policy, const char *nation)
{
    struct str name = str_of(nation);
    return policy_partners_within(policy, STR("nation"), (struct policy_list) {&name, 1});
}

/* --- control_set --- */

static void judge_classification(const struct policy *policy, const struct stix_acs *acs,
                                 struct marking_reading *reading)
{
    const struct str classes[] = {STR("U"), STR("C"), STR("S"), STR("TS")};
    struct policy_list enough = {classes + acs->classification, 4 - acs->classification};
    if (acs->classification != STIX_ACS_U)
        reading_limit(reading, policy_partners_within(policy, STR("clearance"), enough),
                      "ACS: classified above the partner's clearance");
}

/* What each list of control_set asks of a reader. */
static const struct {
    const char *key;
    bool holds; /* he must have all that it names; else all that he is must be named */
    const char *why;
} lists[STIX_ACS_LISTS] = {
    [STIX_ACS_NATIONALITIES] = {"nation", false, "ACS: not among the permitted nationalities"},
    [STIX_ACS_ORGANISATIONS] = {"organisations", false, "ACS: not among the permitted organizations"},
    [STIX_ACS_ENTITIES] = {"entities", false, "ACS: not among the entities"},
    [STIX_ACS_SHAREABILITY] = {"shareability", false, "ACS: not in its shareability"},
    [STIX_ACS_CAVEATS] = {"caveats", true, "ACS: a caveat that the partner is not cleared for"},
};

static void judge_lists(const struct policy *policy, const struct stix_acs *acs,
                        struct marking_reading *reading)
{
    struct str values[LIST_MAX];
    struct policy_list list;
    for (size_t i = 0; i < STIX_ACS_LISTS; i++) {
        if (!acs->has_list[i])
            continue;
        uint64_t allowed = 0;
        if (take_list(acs->list[i], values, &list))
            allowed = lists[i].holds ? policy_partners_holding(policy, str_of(lists[i].key), list)
                                     : policy_partners_within(policy, str_of(lists[i].key), list);
        reading_limit(reading, allowed, lists[i].why);
    }
}

/* --- rules --- */

/* Whom the scope of a rule means: `permit` those whom it surely means, else those whom it might mean. */
struct scope {
    const struct policy *policy;
    bool permit;
};

static uint64_t in_scope(const struct scope *scope, struct str key, struct policy_list list)
{
    if (is_all(list))
        return UINT64_MAX;
    return scope->permit ? policy_partners_within(scope->policy, key, list)
                         : policy_partners_touched(scope->policy, key, list);
}

/* A scope is an organisation by name, or a kind of readers, FOREIGNGOV and SECTOR: a partner says `scopes
 * FOREIGNGOV`. A rule that denies foreign governments denies whoever is not surely American. */
static uint64_t sharing_scope(const struct scope *scope, struct policy_list list)
{
    uint64_t kinds = policy_partners_any(scope->policy, STR("scopes"), list);
    if (is_all(list))
        return UINT64_MAX;
    if (scope->permit)
        return kinds | policy_partners_within(scope->policy, STR("organisations"), list);
    for (size_t i = 0; i < list.count; i++)
        if (str_eq(list.at[i], STR("FOREIGNGOV")))
            kinds |= ~nationals(scope->policy, "USA");
        else if (str_eq(list.at[i], STR("SECTOR")))
            kinds |= policy_partners_touched(scope->policy, STR("scopes"), list);
    return kinds | policy_partners_touched(scope->policy, STR("organisations"), list);
}

static bool scope_list(struct json_val rule, const char *name, struct str values[LIST_MAX],
                       struct policy_list *out)
{
    struct json_val list;
    return json_get(rule, str_of(name), &list) && json_is(list, JSON_ARRAY) && take_list(list, values, out);
}

/* entity and shareability of a rule's scope: what is not ALL surely means nobody, and might mean everybody.
 */
static uint64_t privilege_scope(const struct scope *scope, struct json_val rule)
{
    static const struct {
        const char *name;
        const char *key;
    } parts[] = {{"permitted_nationalities", "nation"},
                 {"permitted_organizations", "organisations"},
                 {"entity", "entities"},
                 {"shareability", "shareability"}};
    struct json_val object;
    struct str values[LIST_MAX];
    struct policy_list list;
    uint64_t mask = UINT64_MAX;
    if (!json_get(rule, STR("privilege_scope"), &object) || !json_is(object, JSON_OBJECT))
        return scope->permit ? 0 : UINT64_MAX;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct json_val v;
        if (!json_get(object, str_of(parts[i].name), &v))
            continue;
        if (!scope_list(object, parts[i].name, values, &list))
            return scope->permit ? 0 : UINT64_MAX;
        mask &= in_scope(scope, str_of(parts[i].key), list);
    }
    return mask;
}

static bool is_effect(struct json_val rule, const char *effect)
{
    struct str word;
    return json_get_str(rule, STR("rule_effect"), &word) && str_eq(word, str_of(effect));
}

static void judge_sharing(const struct policy *policy, const struct stix_acs *acs,
                          struct marking_reading *reading)
{
    uint64_t permitted = acs->sharing_permits ? UINT64_MAX : 0, denied = 0;
    struct str values[LIST_MAX];
    struct policy_list list;
    struct json_val rule;
    struct json_iter iter;
    if (acs->has_sharing)
        iter = json_array_iter(acs->sharing);
    while (acs->has_sharing && json_array_next(&iter, &rule)) {
        struct scope scope = {policy, is_effect(rule, "permit")};
        bool read = scope_list(rule, "sharing_scope", values, &list);
        uint64_t meant = read ? sharing_scope(&scope, list) : scope.permit ? 0 : UINT64_MAX;
        permitted |= scope.permit ? meant : 0;
        denied |= scope.permit ? 0 : meant;
    }
    reading_limit(reading, permitted & ~denied, "ACS: no further sharing with the partner");
}

/* What a reader does with it: he sees it, learns its source, and has his purposes. Of whom no purpose is
 * known, any might be one. */
static uint64_t acts(const struct policy *policy, struct str action)
{
    if (str_eq(action, STR("ALL")) || str_eq(action, STR("DSPLY")) || str_eq(action, STR("IDSRC")))
        return UINT64_MAX;
    return policy_partners_touched(policy, STR("purposes"), (struct policy_list) {&action, 1});
}

/* Rules about one action: whom they let do it. */
static uint64_t may(const struct policy *policy, const struct stix_acs *acs, struct str action)
{
    uint64_t permitted = acs->privilege_permits ? UINT64_MAX : 0, denied = 0;
    struct json_val rule;
    struct json_iter iter;
    if (acs->has_privileges)
        iter = json_array_iter(acs->privileges);
    while (acs->has_privileges && json_array_next(&iter, &rule)) {
        struct str about;
        struct scope scope = {policy, is_effect(rule, "permit")};
        bool stated = json_get_str(rule, STR("privilege_action"), &about);
        if (stated && !str_eq(about, action) && !str_eq(about, STR("ALL")))
            continue;
        uint64_t meant = privilege_scope(&scope, rule);
        permitted |= scope.permit && stated ? meant : 0;
        denied |= scope.permit ? 0 : meant;
    }
    return permitted & ~denied;
}

static void judge_privileges(const struct policy *policy, const struct stix_acs *acs,
                             struct marking_reading *reading)
{
    static const char *const actions[] = {"DSPLY",   "IDSRC",           "TENOT",    "NETDEF",
                                          "LEGAL",   "INTEL",           "TEARLINE", "OPACTION",
                                          "REQUEST", "ANONYMOUSACCESS", "CISAUSES"};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        struct str action = str_of(actions[i]);
        reading_limit(reading, may(policy, acs, action) | ~acts(policy, action),
                      i == 0   ? "ACS: the partner may not see it"
                      : i == 1 ? "ACS: the partner may not learn its source"
                               : "ACS: denied for a purpose of the partner (`purposes`)");
    }
}

void reading_judge_acs(const struct policy *policy, const struct stix_acs *acs, int64_t now_us,
                       struct marking_reading *reading)
{
    judge_classification(policy, acs, reading);
    judge_lists(policy, acs, reading);
    if ((acs->determinations & STIX_ACS_NF) != 0)
        reading_limit(reading, nationals(policy, "USA"), "ACS: not for foreigners");
    if (acs->unread)
        reading_limit(reading, 0, "ACS: limited by a control that is not judged here");
    judge_sharing(policy, acs, reading);
    judge_privileges(policy, acs, reading);
    reading->terms[POLICY_TERM_CLASSIFICATION] = (uint8_t)(1 + acs->classification);
    if (!acs->has_disposition)
        return;
    int64_t end_us = stamp_us(acs->disposition);
    if (now_us >= end_us)
        reading_limit(reading, 0, "ACS: was to be disposed of by now");
    else
        reading->turns_us = end_us;
}
