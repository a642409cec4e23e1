/* Says rule by rule why a partner gets, waits for, or does not get an object. It evaluates whole conditions
 * without skipping, and remembers which comparison made each value; the verdict itself is policy_decide's. */
#include <stdio.h>

#include "core/stamp.h"
#include "policy/table.h"

struct traced {
    bool yes;
    bool absent;  /* rests on an absent value */
    uint32_t ins; /* the comparison that made it so */
};

enum { VALUE_SIZE = 200 };

/* --- what the object has --- */

static void put_name(char *to, const char *what, struct str name)
{
    if (name.len == 0)
        snprintf(to, VALUE_SIZE, "%s is absent", what);
    else
        snprintf(to, VALUE_SIZE, "%s is %.*s", what, (int)(name.len < 120 ? name.len : 120), name.at);
}

static void put_markings(char *to, unsigned markings)
{
    size_t used = (size_t)snprintf(to, VALUE_SIZE, "marking is%s", markings == 0 ? " absent" : "");
    for (unsigned i = 0; i < WORDS_MARKING_COUNT && used < VALUE_SIZE; i++)
        if ((markings >> i & 1) != 0)
            used += (size_t)snprintf(to + used, VALUE_SIZE - used, " %s", words_marking[i]);
}

static void put_tags(char *to, const struct policy_facts *facts)
{
    size_t used = (size_t)snprintf(to, VALUE_SIZE, facts->tag_count == 0 ? "no tags" : "tags are");
    for (size_t i = 0; i < facts->tag_count && used < VALUE_SIZE; i++)
        used += (size_t)snprintf(to + used, VALUE_SIZE - used, " %.*s", STR_ARG(facts->tags[i]));
}

static void put_sectors(char *to, const struct policy_facts *facts)
{
    size_t used = (size_t)snprintf(to, VALUE_SIZE, "victims' sectors are%s",
                                   facts->victims_known ? "" : " not all known:");
    for (size_t i = 0; i < facts->victim_sector_count && used < VALUE_SIZE; i++)
        used += (size_t)snprintf(to + used, VALUE_SIZE - used, " %.*s", STR_ARG(facts->victim_sectors[i]));
}

static void put_confidence(char *to, int confidence)
{
    if (confidence < 0)
        snprintf(to, VALUE_SIZE, "confidence is absent");
    else
        snprintf(to, VALUE_SIZE, "confidence is %d", confidence);
}

static void put_age(char *to, const char *what, int64_t basis_us, int64_t now_us)
{
    int64_t age_us;
    if (basis_us == POLICY_TIME_NONE || __builtin_sub_overflow(now_us, basis_us, &age_us))
        snprintf(to, VALUE_SIZE, "%s is absent", what);
    else
        snprintf(to, VALUE_SIZE, "%s is %llds", what, (long long)(age_us / 1000000));
}

static void put_field(char *to, const struct row *row, uint8_t field)
{
    const struct policy_facts *facts = row->facts;
    switch ((enum field)field) {
    case FIELD_TYPE:
        put_name(to, "type", facts->type);
        return;
    case FIELD_OWNER:
        put_name(to, "owner", facts->owner);
        return;
    case FIELD_SOURCE:
        put_name(to, "source", facts->source);
        return;
    case FIELD_ORIGIN_NODE:
        put_name(to, "origin-node", facts->origin_node);
        return;
    case FIELD_SIGNED_BY:
        put_name(to, "signed-by", facts->signed_by);
        return;
    case FIELD_HOPS:
        snprintf(to, VALUE_SIZE, "hops is %u", facts->hops);
        return;
    case FIELD_PERSONAL_SCORE:
        snprintf(to, VALUE_SIZE,
                 facts->personal_known ? "personal-data.score is %u" : "personal data is not known",
                 facts->personal.score);
        return;
    case FIELD_CONFIDENCE:
        put_confidence(to, facts->confidence);
        return;
    case FIELD_TLP:
        snprintf(to, VALUE_SIZE, "tlp is %s",
                 facts->tlp == POLICY_TLP_NONE ? "absent" : words_tlp[facts->tlp]);
        return;
    case FIELD_AGE_RECEIVED:
        put_age(to, "age.received", facts->received_us, row->now_us);
        return;
    case FIELD_AGE_CREATED:
        put_age(to, "age.created", facts->created_us, row->now_us);
        return;
    case FIELD_AGE_MODIFIED:
        put_age(to, "age.modified", facts->modified_us, row->now_us);
        return;
    case FIELD_COUNT:
        break;
    }
}

static void put_term(char *to, const struct policy_facts *facts, uint8_t field)
{
    const struct words_term *term = &words_terms[field];
    snprintf(to, VALUE_SIZE, "%s is %s", term->name,
             facts->terms[field] == 0 ? "absent" : term->words[facts->terms[field] - 1]);
}

/* Kinds of the half that was asked about. */
static void put_personal(char *to, const struct policy_facts *facts, uint32_t asked)
{
    bool related = asked > UINT16_MAX;
    size_t len = 0;
    unsigned kinds = related ? facts->personal.kinds >> 16 : facts->personal.kinds & UINT16_MAX;
    const char *name = related ? "related personal data" : "personal data";
    if (!facts->personal_known || kinds == 0) {
        snprintf(to, VALUE_SIZE, "%s is %s", name, facts->personal_known ? "not there" : "not known");
        return;
    }
    for (unsigned i = 0; i < PRIVACY_KINDS && len < VALUE_SIZE; i++)
        if (kinds >> i & 1)
            len += (size_t)snprintf(to + len, VALUE_SIZE - len, "%s%s", len == 0 ? "it holds " : ", ",
                                    privacy_kind_name((enum privacy_kind)i));
}

static void put_partners(char *to, const struct policy_facts *facts, uint32_t which, unsigned partner)
{
    bool approved = (facts->approvals >> partner & 1) != 0, onward = (facts->onward >> partner & 1) != 0;
    if (which == BITS_ORIGIN)
        snprintf(to, VALUE_SIZE,
                 facts->origin == (int)partner ? "it came from this partner"
                                               : "it did not come from this partner");
    else if (which == BITS_ONWARD)
        snprintf(to, VALUE_SIZE, "onward sharing to this partner is %s", onward ? "granted" : "not granted");
    else
        snprintf(to, VALUE_SIZE, "%s for this partner", approved ? "approved" : "not approved");
}

static void put_value(char *to, const struct row *row, const struct ins *ins, unsigned partner, bool absent)
{
    switch ((enum op)ins->op) {
    case OP_MASK:
        snprintf(to, VALUE_SIZE, absent ? "partner %.*s does not have it" : "partner is %.*s",
                 STR_ARG(row->policy->partner_name[partner]));
        return;
    case OP_TLP:
    case OP_LEVELS:
        put_field(to, row, FIELD_TLP);
        return;
    case OP_MARKING:
        put_markings(to, row->facts->markings);
        return;
    case OP_CATEGORY:
        snprintf(to, VALUE_SIZE, "category is %s", words_category[row->facts->category]);
        return;
    case OP_TAG:
    case OP_TAGS:
    case OP_TAG_PARTNER:
        put_tags(to, row->facts);
        return;
    case OP_FLAG:
        snprintf(to, VALUE_SIZE, ins->arg == FLAG_OWN ? "own is %s" : "revoked is %s",
                 (ins->arg == FLAG_OWN ? row->facts->own : row->facts->revoked) ? "true" : "false");
        return;
    case OP_PARTNERS:
        put_partners(to, row->facts, ins->arg, partner);
        return;
    case OP_NEIGHBOUR:
        snprintf(to, VALUE_SIZE, "the strictest neighbour is %s",
                 !row->facts->neighbours_known ? "not known" : words_tlp[row->facts->neighbour_tlp]);
        return;
    case OP_VICTIM:
        put_sectors(to, row->facts);
        return;
    case OP_PERSONAL:
        put_personal(to, row->facts, ins->arg);
        return;
    case OP_RETIRED:
        put_name(to, retired_name(ins->arg), STR(""));
        return;
    case OP_TERM:
        put_term(to, row->facts, ins->field);
        return;
    default:
        put_field(to, row, ins->field);
    }
}

/* --- conditions --- */

/* Of two values joined, the one that made the result: the one equal to it; of two, one that rests on absence,
 * else the later. */
static struct traced join(struct traced a, struct traced b, bool yes)
{
    if (a.yes != yes)
        return b;
    if (b.yes != yes)
        return a;
    return a.absent && !b.absent ? a : b;
}

static struct traced trace(struct row *row, const struct rule *rule, unsigned partner)
{
    struct traced stack[LIMIT_POLICY_DEPTH + 1];
    unsigned depth = 0;
    for (uint32_t pc = rule->first; pc < rule->first + rule->count; pc++) {
        const struct ins *ins = &row->policy->program.at[pc];
        if (ins->op == OP_AND_SKIP || ins->op == OP_OR_SKIP)
            continue;
        if (ins->op == OP_NOT) {
            stack[depth - 1].yes = !stack[depth - 1].yes;
            continue;
        }
        if (ins->op == OP_AND || ins->op == OP_OR) {
            struct traced a = stack[depth - 2], b = stack[depth - 1];
            depth--;
            stack[depth - 1] = join(a, b, ins->op == OP_AND ? a.yes && b.yes : a.yes || b.yes);
            continue;
        }
        uint64_t known, yes = row_compare(row, ins, 1ull << partner, &known);
        stack[depth++] = (struct traced) {(yes >> partner & 1) != 0, (known >> partner & 1) == 0, pc};
    }
    return stack[0];
}

/* --- steps --- */

struct explain {
    struct row row;
    const struct policy_verdict *verdict;
    unsigned partner;
    bool stands; /* the verdict */
    void (*step)(void *ctx, const struct policy_step *step);
    void *ctx;
};

static struct policy_step step_of(const struct explain *explain, unsigned rule)
{
    const struct policy *policy = explain->row.policy;
    return (struct policy_step) {.rule = rule,
                                 .name = policy_rule_name(policy, rule),
                                 .effect = policy_rule_effect(policy, rule),
                                 .line = policy_rule_line(policy, rule),
                                 .decided = explain->verdict->rule[explain->partner] == rule,
                                 .reached = !explain->stands,
                                 .waits_until_us = POLICY_TIME_NONE,
                                 .deadline_us = POLICY_TIME_NONE};
}

static void clauses(const struct explain *explain, const struct rule *rule, struct policy_step *step)
{
    const struct row *row = &explain->row;
    bool approved = (rule_hastened(rule, row->facts) >> explain->partner & 1) != 0;
    step->addressed = (rule->to >> explain->partner & 1) != 0 && row->now_us < rule->until_us &&
                      !(rule_approved(rule, row->facts) >> explain->partner & 1);
    if (rule->after_us == 0 || approved)
        return;
    int64_t when = row_release_time(row, rule);
    if (when > row->now_us)
        step->waits_until_us = when;
}

/* True when the deadline has passed and the rule then no longer binds. */
static bool deadline(const struct explain *explain, const struct rule *rule, unsigned index,
                     struct policy_step *step)
{
    const struct row *row = &explain->row;
    step->deadline_us = row_waits_since(row, index, explain->partner) + rule->deadline_us;
    step->lapsed = row->now_us >= step->deadline_us;
    step->lapse = (enum policy_lapse)rule->lapse;
    return step->lapsed && rule->lapse == POLICY_LAPSE_RELEASE;
}

/* Behind `if`: what ends a deny or hold, or makes a release match. */
static void put_change(struct explain *explain, const struct rule *rule, const struct policy_step *step,
                       char *to)
{
    char until[TIME_TEXT_SIZE];
    if (!step->addressed || step->matched == (rule->effect == POLICY_RELEASE))
        return;
    size_t used = 0;
    if (rule->approvals > 0)
        used += (size_t)snprintf(to, VALUE_SIZE, "approved by %s%s, or ",
                                 rule->approvals == 1 ? "an operator" : "two operators",
                                 rule->basis ? " with a basis (--because)" : "");
    change_put(&explain->row, rule, explain->partner, to + used, VALUE_SIZE - used);
    used = strlen(to);
    if (rule->effect == POLICY_RELEASE || rule->until_us == INT64_MAX)
        return;
    time_text(rule->until_us, until);
    snprintf(to + used, VALUE_SIZE - used, ", or after %.19sZ", until);
}

static void try_rule(struct explain *explain, unsigned index)
{
    char value[VALUE_SIZE] = "", change[VALUE_SIZE] = "";
    const struct policy *policy = explain->row.policy;
    const struct rule *rule = &policy->rules.at[index - POLICY_RULE_BUILTIN_COUNT];
    struct policy_step step = step_of(explain, index);
    struct traced traced = trace(&explain->row, rule, explain->partner);
    struct span span = policy->spans.at[traced.ins];
    clauses(explain, rule, &step);
    step.matched = step.addressed && traced.yes;
    if (!step.matched)
        step.waits_until_us = POLICY_TIME_NONE;
    bool lapses = step.matched && rule->deadline_us != 0 && deadline(explain, rule, index, &step);
    step.absent = traced.absent;
    step.condition = (struct str) {policy->text.at + span.at, span.len};
    put_value(value, &explain->row, &policy->program.at[traced.ins], explain->partner, traced.absent);
    step.value = str_of(value);
    put_change(explain, rule, &step, change);
    step.change = str_of(change);
    step.basis = rule->basis;
    if (step.matched && rule->duties != 0)
        step.duties = policy->duties.at[rule->duties - 1].said.text;
    explain->step(explain->ctx, &step);
    explain->stands |= step.matched && step.waits_until_us == POLICY_TIME_NONE && !lapses;
}

static const char *const builtin_condition[POLICY_RULE_BUILTIN_COUNT] = {
    [POLICY_RULE_DEFAULT] = "no other rule decided",
    [POLICY_RULE_OPERATOR] = "denied by an operator",
    [POLICY_RULE_ORIGIN] = "origin",
    [POLICY_RULE_ONWARD] = "not onward",
    [POLICY_RULE_TLP_MAX] = "tlp > partner.tlp-max",
    [POLICY_RULE_UNKNOWN] = "marking unknown",
    [POLICY_RULE_UNRESOLVED] = "marking unresolved",
    [POLICY_RULE_STATEMENT] = "marking statement",
    [POLICY_RULE_SAFETY] = "on a list, and not approved; or another copy was spilled",
    [POLICY_RULE_FOLLOWS] = "a definition that carries no marking",
    [POLICY_RULE_AGREEMENT] = "the agreement with this partner has ended",
    [POLICY_RULE_DUTIES] = "a duty cannot be carried out",
    [POLICY_RULE_EXPIRED] = "its time with the partner is over",
    [POLICY_RULE_REPEATS] = "it was given and taken back too often",
    [POLICY_RULE_BUDGET] = "the budget is used up",
    [POLICY_RULE_LOOP] = "it was here before, under another name, or has passed too many nodes",
};

/* The one that ended last. */
static void put_agreement(char *to, const struct row *row, unsigned partner)
{
    char end[TIME_TEXT_SIZE];
    const struct policy *policy = row->policy;
    const struct agreement *last = NULL;
    for (uint32_t i = 0; i < policy->agreements.count; i++)
        if ((policy->agreements.at[i].partners >> partner & 1) != 0 &&
            (last == NULL || policy->agreements.at[i].until_us > last->until_us))
            last = &policy->agreements.at[i];
    if (last == NULL) {
        snprintf(to, VALUE_SIZE, "no agreement names this partner");
        return;
    }
    time_text(last->until_us, end);
    snprintf(to, VALUE_SIZE, "agreement %.*s ended %s; contacts: %.*s", STR_ARG(last->name), end,
             (int)(last->contacts.len < 80 ? last->contacts.len : 80), last->contacts.at);
}

static const char *const builtin_change[POLICY_RULE_BUILTIN_COUNT] = {
    [POLICY_RULE_DEFAULT] = "one of the release rules matched",
    [POLICY_RULE_OPERATOR] = "the operator took the denial back (bongsu approve)",
    [POLICY_RULE_ORIGIN] = "",
    [POLICY_RULE_ONWARD] = "the originator's marking or grant named this partner",
    [POLICY_RULE_TLP_MAX] = "tlp <= partner.tlp-max",
    [POLICY_RULE_UNKNOWN] = "its marking could be read, or were classified (bongsu marking classify)",
    [POLICY_RULE_UNRESOLVED] = "its marking arrived",
    [POLICY_RULE_STATEMENT] = "its marking were classified (bongsu marking classify)",
    [POLICY_RULE_SAFETY] =
        "an operator let it go (bongsu approve, or bongsu tag add ID safety:ok or spill:ok)",
    [POLICY_RULE_FOLLOWS] = "something that names it goes there",
    [POLICY_RULE_AGREEMENT] = "the agreement were renewed (valid-until)",
    [POLICY_RULE_DUTIES] = "",
    [POLICY_RULE_EXPIRED] = "",
    [POLICY_RULE_REPEATS] = "a newer version came",
    [POLICY_RULE_BUDGET] = "",
    [POLICY_RULE_LOOP] = "",
};

/* ...and whose word the limit is, where the partner's own block does not say it. */
static void put_limit(char *to, const struct row *row, unsigned partner)
{
    const struct policy *policy = row->policy;
    put_field(to, row, FIELD_TLP);
    size_t used = strlen(to);
    if (policy->tlp_max[partner] == POLICY_TLP_NONE)
        return;
    used += (size_t)snprintf(to + used, VALUE_SIZE - used, ", partner.tlp-max is %s",
                             words_tlp[policy->tlp_max[partner]]);
    for (uint32_t i = 0; i < policy->attributes.count && used < VALUE_SIZE; i++) {
        const struct attribute *attribute = &policy->attributes.at[i];
        if (attribute->of == OF_PARTNER && attribute->holder == partner && attribute->community.at != NULL &&
            str_eq(attribute->key, STR("tlp-max")))
            used += (size_t)snprintf(to + used, VALUE_SIZE - used, ", by community %.*s",
                                     STR_ARG(attribute->community));
    }
}

static void put_builtin(char *to, const struct explain *explain, unsigned rule)
{
    const struct row *row = &explain->row;
    if (rule == POLICY_RULE_ORIGIN || rule == POLICY_RULE_ONWARD)
        put_partners(to, row->facts, rule == POLICY_RULE_ORIGIN ? BITS_ORIGIN : BITS_ONWARD,
                     explain->partner);
    else if (rule == POLICY_RULE_TLP_MAX)
        put_limit(to, row, explain->partner);
    else if (rule == POLICY_RULE_AGREEMENT)
        put_agreement(to, row, explain->partner);
    else if (rule == POLICY_RULE_SAFETY)
        snprintf(to, VALUE_SIZE, "%.*s", row->facts->safety.len == 0 ? 17 : (int)row->facts->safety.len,
                 row->facts->safety.len == 0 ? "it is on no lists" : row->facts->safety.at);
    else if (rule >= POLICY_RULE_UNKNOWN)
        put_markings(to, row->facts->markings);
    else if (rule == POLICY_RULE_OPERATOR)
        snprintf(to, VALUE_SIZE,
                 (row->facts->denials >> explain->partner & 1) != 0 ? "denied" : "not denied");
}

static void try_builtin(struct explain *explain, unsigned rule)
{
    char value[VALUE_SIZE] = "";
    struct policy_step step = step_of(explain, rule);
    step.addressed = true;
    step.matched =
        rule == POLICY_RULE_AGREEMENT || (row_builtin(&explain->row, rule) >> explain->partner & 1) != 0;
    step.absent = rule == POLICY_RULE_UNKNOWN && explain->row.facts->markings == 0;
    step.condition = str_of(builtin_condition[rule]);
    put_builtin(value, explain, rule);
    step.value = str_of(value);
    step.change = str_of(step.matched ? builtin_change[rule] : "");
    explain->step(explain->ctx, &step);
    explain->stands |= step.matched;
}

static void try_effect(struct explain *explain, enum policy_effect effect)
{
    const struct policy *policy = explain->row.policy;
    if (effect == POLICY_HOLD && explain->row.facts->follows)
        try_builtin(explain, POLICY_RULE_FOLLOWS);
    for (uint32_t i = 0; i < policy->order[effect].count; i++)
        try_rule(explain, policy->order[effect].at[i]);
    if (effect == POLICY_RELEASE)
        return;
    for (unsigned rule = POLICY_RULE_DEFAULT + 1; rule < POLICY_RULE_FOLLOWS; rule++)
        if (words_builtin_effect(rule) == effect)
            try_builtin(explain, rule);
}

/* Would he get more of it, were the clock believed? */
static bool waits_for_clock(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                            unsigned partner, const struct policy_verdict *verdict)
{
    struct policy_facts sure = *facts;
    struct policy_verdict by_clock;
    sure.unsure_us = 0;
    if (facts->unsure_us == 0)
        return false;
    policy_decide(policy, &sure, now_us, &by_clock);
    uint64_t other = (by_clock.release ^ verdict->release) | (by_clock.hold ^ verdict->hold);
    return (other >> partner & 1) != 0;
}

enum policy_effect policy_explain(const struct policy *policy, const struct policy_facts *facts,
                                  int64_t now_us, unsigned partner,
                                  void (*step)(void *ctx, const struct policy_step *step), void *ctx)
{
    struct policy_verdict verdict;
    if (partner >= LIMIT_PARTNERS || (policy->partners >> partner & 1) == 0)
        return POLICY_DENY;
    policy_decide(policy, facts, now_us, &verdict);
    struct explain explain = {.verdict = &verdict, .partner = partner, .step = step, .ctx = ctx};
    row_init(&explain.row, policy, facts,
             waits_for_clock(policy, facts, now_us, partner, &verdict) ? now_us - facts->unsure_us : now_us);
    for (unsigned effect = POLICY_DENY; effect <= POLICY_RELEASE; effect++)
        try_effect(&explain, (enum policy_effect)effect);
    explain.stands &= verdict.rule[partner] != POLICY_RULE_AGREEMENT;
    if (!explain.stands &&
        (verdict.rule[partner] == POLICY_RULE_AGREEMENT || verdict.rule[partner] == POLICY_RULE_DEFAULT))
        try_builtin(&explain, verdict.rule[partner]);
    if ((verdict.release >> partner & 1) != 0)
        return POLICY_RELEASE;
    return (verdict.hold >> partner & 1) != 0 ? POLICY_HOLD : POLICY_DENY;
}
