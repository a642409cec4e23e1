/* What a policy says to one object, judged from the policy's own structure, in three-valued logic
 * (docs/protocol/POLICY.md, sections 2, 5 to 8). Nothing of the room policy is used. */
#include "leak.h"

enum { HOUR = 3600 };

/* --- judging --- */

enum { FALSE_ = 0, TRUE_ = 1, ABSENT = 2 };

static int compare(int64_t left, int op, int64_t right)
{
    switch (op) {
    case 0:
        return left == right;
    case 1:
        return left != right;
    case 2:
        return left < right;
    case 3:
        return left <= right;
    case 4:
        return left > right;
    default:
        return left >= right;
    }
}

static bool is_own(const struct facts *facts)
{
    return facts->owner == 0 || facts->owner == NODE_SOURCE;
}

/* To whom the originator's word lets it go on (POLICY.md section 5a). */
static bool is_onward(const struct facts *facts, unsigned p)
{
    bool local = facts->source < LOCALS || facts->source == NODE_SOURCE;
    if ((facts->onward >> p & 1) == 0)
        return false;
    if (is_own(facts) || facts->follows || (local && facts->tlp == 0))
        return true;
    if (facts->granted && facts->bare_tlp != 5)
        return true;
    return facts->tlp == 1 || facts->tlp == 2;
}

static int nation_of(const struct policy_plan *policy, unsigned p)
{
    return policy->nation[p] != 0 ? policy->nation[p] : NATION_USA; /* the node's country is US */
}

/* Absent in whom no community has. */
static int in_community(const struct policy_plan *policy, int community, unsigned p)
{
    unsigned any = 0;
    for (unsigned c = 0; c < COMMUNITIES; c++)
        any |= policy->community[c];
    if ((any >> p & 1) == 0)
        return ABSENT;
    return (policy->community[community] >> p & 1) != 0;
}

static const char *type_of(const struct world *w, const struct facts *facts)
{
    return facts->thing == NODE_THING ? "identity" : kind_type(w->plan->things[facts->thing].kind);
}

static int category_of(const struct world *w, const struct facts *facts)
{
    enum kind kind = facts->thing == NODE_THING ? KIND_IDENTITY : w->plan->things[facts->thing].kind;
    if (kind_is_observable(kind))
        return 2;
    if (kind == KIND_RELATIONSHIP || kind == KIND_SIGHTING)
        return 1;
    if (kind == KIND_STATEMENT || kind == KIND_EXTENSION || kind == KIND_TRANSLATION)
        return 3;
    return kind == KIND_CUSTOM ? 4 : 0;
}

static bool is_approved(const struct facts *facts, unsigned p)
{
    return facts->copy != NULL && ((facts->copy->approved[0] | facts->copy->approved[1]) >> p & 1);
}

/* Did so many operators answer this rule, as it reads now? */
static bool is_answered(const struct world *w, const struct facts *facts, const struct rule *rule,
                        int operators, unsigned p)
{
    int number = (int)(rule - w->plan->policies[w->policy].rule);
    for (size_t i = 0; operators > 0 && facts->copy != NULL && i < facts->copy->answer_count; i++) {
        const struct answer *answer = &facts->copy->answer[i];
        uint32_t by = operators == 2 ? answer->by[0] & answer->by[1] : answer->by[0] | answer->by[1];
        if ((by >> p & 1) && answer->rule >= 0 &&
            policy_asks_same(w->plan, answer->policy, answer->rule, w->policy, number))
            return true;
    }
    return false;
}

static int atom_value(const struct world *w, const struct facts *facts, const struct atom *atom, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    switch (atom->kind) {
    case ATOM_ALWAYS:
        return TRUE_;
    case ATOM_TLP:
        return facts->tlp == 0 ? ABSENT : compare(facts->tlp, atom->op, atom->value);
    case ATOM_TYPE:
        return str_eq(str_of(type_of(w, facts)), str_of(kind_type((enum kind)atom->value)));
    case ATOM_CATEGORY:
        return category_of(w, facts) == atom->value;
    case ATOM_TAG:
        return facts->thing != NODE_THING && w->tagged[facts->thing][atom->value];
    case ATOM_SOURCE:
        return facts->source == (unsigned)atom->value;
    case ATOM_OWN:
        return is_own(facts);
    case ATOM_APPROVED:
        return is_approved(facts, p);
    case ATOM_CONFIDENCE:
        return facts->confidence < 0 ? ABSENT : compare(facts->confidence, atom->op, atom->value);
    case ATOM_REVOKED:
        return facts->revoked;
    case ATOM_ONWARD:
        return is_onward(facts, p);
    case ATOM_MARKING:
        return (facts->states >> atom->value & 1) != 0;
    case ATOM_PARTNER:
        return p == (unsigned)atom->value;
    case ATOM_HAS_TLP:
        return facts->tlp != 0;
    case ATOM_NATION:
        return nation_of(policy, p) == atom->value;
    case ATOM_CLEARANCE:
        return policy->clearance[p] == 0 ? ABSENT : policy->clearance[p] == atom->value;
    case ATOM_COMMUNITY:
        return in_community(policy, atom->value, p);
    case ATOM_NEIGHBOUR:
        return compare(facts_neighbour(w, facts), atom->op, atom->value);
    default:
        if (facts->copy == NULL)
            return ABSENT;
        return compare(w->now_us - facts->copy->received_us, atom->op, atom->value * HOUR * SECOND);
    }
}

/* Of the whole condition; an absent atom stays absent under `not`. */
static int condition(const struct world *w, const struct facts *facts, const struct rule *rule, unsigned p)
{
    int result = rule->any ? FALSE_ : TRUE_;
    for (size_t i = 0; i < rule->atom_count; i++) {
        int value = atom_value(w, facts, &rule->atom[i], p);
        if (value != ABSENT && rule->atom[i].negate)
            value = !value;
        if (value == (rule->any ? TRUE_ : FALSE_))
            return value;
        if (value == ABSENT)
            result = ABSENT;
    }
    return result;
}

static bool matches(const struct world *w, const struct facts *facts, const struct rule *rule, unsigned p)
{
    if ((rule->to >> p & 1) == 0 || (rule->until_us != 0 && w->now_us >= rule->until_us))
        return false;
    int value = condition(w, facts, rule, p);
    return value == TRUE_ || (value == ABSENT && rule->effect != EFFECT_RELEASE);
}

/* A hold that denies when nobody said a word in time: it may have. */
static bool has_turned(const struct world *w, const struct facts *facts, const struct rule *rule, unsigned p)
{
    return w->sure && !w->taking && rule->effect == EFFECT_HOLD && rule->deadline_us != 0 &&
           !rule->lapses_to_release && facts->copy != NULL &&
           w->now_us - facts->copy->received_us >= rule->deadline_us && matches(w, facts, rule, p) &&
           !is_answered(w, facts, rule, rule->approvals, p);
}

static bool is_denied(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    for (size_t i = 0; i < policy->rule_count; i++)
        if ((policy->rule[i].effect == EFFECT_DENY && matches(w, facts, &policy->rule[i], p)) ||
            has_turned(w, facts, &policy->rule[i], p))
            return true;
    bool above = policy->tlp_max[p] != 0 && facts->tlp > policy->tlp_max[p];
    bool said_no = facts->copy != NULL && (facts->copy->denied >> p & 1);
    bool unknown = (facts->states & STATE_UNKNOWN) != 0;
    return said_no || unknown || facts->source == LOCALS + p || !is_onward(facts, p) || above;
}

/* Is it over for sure (or: can it be over), though nobody said a word? Since when the rule holds it only the
 * gate knows: not before it came, and since all untils and ages are behind it. */
static bool is_lapsed(const struct world *w, const struct facts *facts, const struct rule *rule, unsigned p)
{
    bool surely = (w->sure && !w->taking) || facts->copy == NULL;
    int64_t since = surely ? w->calm_us : facts->copy->received_us;
    if (rule->deadline_us == 0 || !rule->lapses_to_release || w->waits)
        return false;
    /* Who has it waits for nobody, and so nothing ends: what translates it waits for a person. */
    for (size_t i = 0; surely && facts->copy != NULL && i < w->view[p].count; i++)
        if (w->view[p].at[i].saying == facts->copy->saying && !w->view[p].at[i].gone)
            return false;
    /* Nor is an older version in any list of holds: what translates it waits on. */
    if (surely && facts->copy != NULL && !kept_is_current(w, facts->copy))
        return false;
    /* What is held but for a part that is denied waits for nobody, so far (docs/status.md). */
    if (surely && facts->copy != NULL && w->plan->sayings[facts->copy->saying].granular_count > 0)
        return false;
    return since != INT64_MAX && w->now_us - since >= rule->deadline_us;
}

bool rules_lapse_unsure(const struct world *w, const struct kept *copy)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    bool unsure = false;
    for (size_t i = 0; i < policy->rule_count; i++)
        unsure |= policy->rule[i].deadline_us != 0 && policy->rule[i].lapses_to_release &&
                  w->now_us - copy->received_us >= policy->rule[i].deadline_us;
    return unsure;
}

static bool has_lapsed(const struct world *w, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    bool named = false, lasts = false;
    for (unsigned a = 0; a < AGREEMENTS; a++)
        if (policy->agreement[a].partners >> p & 1) {
            named = true;
            lasts |= w->now_us < policy->agreement[a].until_us;
        }
    return named ? !lasts : policy->agreements_required;
}

static bool is_held(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rule[i];
        if (rule->effect == EFFECT_HOLD && matches(w, facts, rule, p) &&
            !is_answered(w, facts, rule, rule->approvals, p) && !is_lapsed(w, facts, rule, p))
            return true;
    }
    return facts->follows || (facts->states & (STATE_UNRESOLVED | STATE_STATEMENT)) != 0;
}

static bool is_due(const struct world *w, const struct facts *facts, const struct rule *rule, unsigned p)
{
    int64_t since = facts->copy == NULL ? w->now_us : facts->copy->received_us;
    if (facts->copy != NULL && w->settled_us[facts->thing] > since)
        since = w->settled_us[facts->thing];
    return rule->after_us == 0 || is_answered(w, facts, rule, 1, p) || w->now_us >= since + rule->after_us;
}

/* The rule that lets it go, or -1; *out_waits: one will. */
static int let_go_by(const struct world *w, const struct facts *facts, unsigned p, bool *out_waits)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    *out_waits = false;
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rule[i];
        if (rule->effect != EFFECT_RELEASE || !matches(w, facts, rule, p))
            continue;
        if (is_due(w, facts, rule, p))
            return (int)i;
        *out_waits = true;
    }
    return -1;
}

void rules_judge(const struct world *w, const struct facts *facts, struct verdict *out)
{
    *out = (struct verdict) {0};
    for (unsigned p = 0; p < w->plan->partners; p++) {
        uint32_t bit = 1u << p;
        bool waits;
        out->rule[p] = -1;
        if (is_denied(w, facts, p)) {
            out->denied |= bit;
            continue;
        }
        int rule = let_go_by(w, facts, p, &waits);
        if (is_held(w, facts, p) || (rule < 0 && waits) || (rule >= 0 && has_lapsed(w, p))) {
            out->held |= bit;
        } else if (rule >= 0) {
            out->release |= bit;
            out->rule[p] = rule;
        }
    }
}

struct duties rules_bind(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    struct duties all = {0};
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct duties *one = &policy->rule[i].duties;
        if (policy->rule[i].effect != EFFECT_RELEASE || !matches(w, facts, &policy->rule[i], p))
            continue;
        all.anonymise |= one->anonymise;
        all.drop |= one->drop;
        for (size_t k = 0; k < one->redact_count; k++)
            all.redact[all.redact_count++] = one->redact[k];
        if (one->personal != TREAT_NOT && all.personal != TREAT_MASK)
            all.personal = one->personal;
        all.reshare |= one->reshare;
        if (one->expire_us != 0 && (all.expire_us == 0 || one->expire_us < all.expire_us))
            all.expire_us = one->expire_us;
    }
    return all;
}

bool rules_treats(const struct world *w, const struct facts *facts, unsigned p,
                  bool (*treats)(const void *ctx, const struct duties *duties), const void *ctx)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    bool found = false;
    for (int tlp = 0; tlp <= 5; tlp++) {
        struct facts as = *facts;
        if (tlp > 0) {
            as.states = STATE_KNOWN;
            as.tlp = as.bare_tlp = tlp;
            as.follows = false;
            as.onward = UINT32_MAX;
        }
        for (size_t i = 0; i < policy->rule_count && !found; i++)
            found = policy->rule[i].effect == EFFECT_RELEASE && matches(w, &as, &policy->rule[i], p) &&
                    treats(ctx, &policy->rule[i].duties);
    }
    return found;
}
