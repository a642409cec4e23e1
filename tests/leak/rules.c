/* Random policies: as text for the gate, and judged here from their own structure, in three-valued logic
 * (docs/protocol/POLICY.md, sections 2, 5 to 8). Nothing of the room policy is used. */
#include "leak.h"

static const char *const levels[] = {"none", "clear", "green", "amber", "amber+strict", "red"};
static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const categories[] = {"sdo", "sro", "sco", "meta", "custom"};
static const char *const source_names[] = {"own", "feed", "quiet"};
static const char *const states[] = {"none", "statement", "known", "unresolved", "assumed"};
enum { OPERATORS = 6, LEVELS = 5, CATEGORIES = 5, STATES = 5, HOUR = 3600 };

/* --- drawing --- */

static struct atom atom_draw(enum effect effect, unsigned partners, struct draw *draw)
{
    static const enum atom_kind usual[] = {ATOM_TLP, ATOM_TLP, ATOM_TLP, ATOM_TYPE, ATOM_TAG, ATOM_SOURCE};
    struct atom atom = {.negate = draw_chance(draw, 200), .op = (int)draw_below(draw, OPERATORS)};
    atom.kind = draw_chance(draw, 400) ? usual[draw_below(draw, 6)] : (enum atom_kind)draw_below(draw, ATOMS);
    if (atom.kind == ATOM_AGE && effect == EFFECT_DENY)
        atom.kind = ATOM_TLP;
    switch (atom.kind) {
    case ATOM_TLP:
        atom.value = 1 + (int)draw_below(draw, LEVELS);
        atom.op = effect == EFFECT_RELEASE ? 2 + (int)draw_below(draw, 2) : 4 + (int)draw_below(draw, 2);
        if (draw_chance(draw, 250))
            atom.op = (int)draw_below(draw, OPERATORS);
        break;
    case ATOM_TYPE:
        atom.value = (int)draw_below(draw, KINDS);
        break;
    case ATOM_CATEGORY:
        atom.value = (int)draw_below(draw, CATEGORIES);
        break;
    case ATOM_TAG:
        atom.value = (int)draw_below(draw, TAGS);
        break;
    case ATOM_SOURCE:
        atom.value = (int)draw_below(draw, LOCALS);
        break;
    case ATOM_CONFIDENCE:
        atom.value = 10 * (int)draw_below(draw, 10);
        break;
    case ATOM_MARKING:
        atom.value = (int)draw_below(draw, STATES);
        break;
    case ATOM_PARTNER:
        atom.value = (int)draw_below(draw, partners);
        break;
    case ATOM_AGE:
        atom.op = 2 + (int)draw_below(draw, 4);
        atom.value = 1 + (int)draw_below(draw, 48);
        break;
    default:
        break;
    }
    return atom;
}

static struct rule rule_draw(enum effect effect, unsigned partners, struct draw *draw)
{
    struct rule rule = {.effect = effect, .to = (1u << partners) - 1, .any = draw_chance(draw, 300)};
    rule.atom_count = 1 + draw_below(draw, effect == EFFECT_RELEASE ? 2 : 3);
    for (size_t i = 0; i < rule.atom_count; i++)
        rule.atom[i] = atom_draw(effect, partners, draw);
    if (effect != EFFECT_RELEASE)
        rule.any = false; /* denials that nobody passes test nothing */
    unsigned some = (unsigned)draw_next(draw) & rule.to;
    if (draw_chance(draw, 400) && some != 0)
        rule.to = some;
    if (draw_chance(draw, 150))
        rule.until_us = START + (int64_t)draw_below(draw, 200) * HOUR * SECOND;
    if (effect == EFFECT_HOLD)
        rule.until_approved = rule.until_us == 0 && draw_chance(draw, 500);
    if (effect == EFFECT_RELEASE && draw_chance(draw, 150))
        rule.after_us = (int64_t)(1 + draw_below(draw, 30)) * HOUR * SECOND;
    return rule;
}

void policy_draw(struct policy_plan *policy, unsigned partners, struct draw *draw)
{
    unsigned denies = draw_below(draw, 3), holds = draw_below(draw, 2);
    *policy = (struct policy_plan) {0};
    for (unsigned i = 0; i < denies; i++)
        policy->rule[policy->rule_count++] = rule_draw(EFFECT_DENY, partners, draw);
    for (unsigned i = 0; i < holds; i++)
        policy->rule[policy->rule_count++] = rule_draw(EFFECT_HOLD, partners, draw);
    for (unsigned i = 0; i < 2; i++)
        policy->rule[policy->rule_count++] = rule_draw(EFFECT_RELEASE, partners, draw);
    /* One that lets a good part go, so that closure has something to do. */
    struct rule *open = &policy->rule[policy->rule_count++];
    *open = (struct rule) {.effect = EFFECT_RELEASE, .atom_count = 1, .to = (1u << partners) - 1};
    open->atom[0] = (struct atom) {.kind = ATOM_TLP, .op = 3, .value = 1 + (int)draw_below(draw, 3)};
    if (draw_chance(draw, 300))
        open->to &= (unsigned)draw_next(draw) | 1u;
    for (unsigned p = 0; p < partners; p++)
        if (draw_chance(draw, 200))
            policy->tlp_max[p] = 1 + (int)draw_below(draw, LEVELS);
}

/* --- as text --- */

static void atom_write(const struct atom *atom, struct buf *out)
{
    if (atom->negate)
        buf_printf(out, "not ");
    switch (atom->kind) {
    case ATOM_ALWAYS:
        buf_printf(out, "always");
        break;
    case ATOM_TLP:
        buf_printf(out, "tlp %s %s", operators[atom->op], levels[atom->value]);
        break;
    case ATOM_TYPE:
        buf_printf(out, "type == \"%s\"", kind_type((enum kind)atom->value));
        break;
    case ATOM_CATEGORY:
        buf_printf(out, "category == %s", categories[atom->value]);
        break;
    case ATOM_TAG:
        buf_printf(out, "tag t%d", atom->value);
        break;
    case ATOM_SOURCE:
        buf_printf(out, "source == \"%s\"", source_names[atom->value]);
        break;
    case ATOM_OWN:
        buf_printf(out, "own");
        break;
    case ATOM_APPROVED:
        buf_printf(out, "approved");
        break;
    case ATOM_CONFIDENCE:
        buf_printf(out, "confidence %s %d", operators[atom->op], atom->value);
        break;
    case ATOM_REVOKED:
        buf_printf(out, "revoked");
        break;
    case ATOM_ONWARD:
        buf_printf(out, "onward");
        break;
    case ATOM_MARKING:
        buf_printf(out, "marking %s", states[atom->value]);
        break;
    case ATOM_PARTNER:
        buf_printf(out, "partner == p%d", atom->value);
        break;
    case ATOM_HAS_TLP:
        buf_printf(out, "has tlp");
        break;
    default:
        buf_printf(out, "age.received %s %dh", operators[atom->op], atom->value);
        break;
    }
}

static void rule_write(const struct rule *rule, size_t number, unsigned partners, struct buf *out)
{
    static const char *const words[] = {"deny", "hold", "release"};
    static char when[TIME_TEXT_SIZE + 1];
    buf_printf(out, "%s r%zu if ", words[rule->effect], number);
    for (size_t i = 0; i < rule->atom_count; i++) {
        if (i > 0)
            buf_printf(out, rule->any ? " or " : " and ");
        atom_write(&rule->atom[i], out);
    }
    buf_printf(out, " to ");
    if (rule->to == (1u << partners) - 1) {
        buf_printf(out, "all");
    } else {
        buf_printf(out, "[");
        for (unsigned p = 0; p < partners; p++)
            if (rule->to >> p & 1)
                buf_printf(out, " p%u", p);
        buf_printf(out, " ]");
    }
    if (rule->until_us != 0) {
        time_text(rule->until_us, when);
        buf_printf(out, " until %s", when);
    }
    if (rule->until_approved)
        buf_printf(out, " until approved");
    if (rule->after_us != 0)
        buf_printf(out, " after %llds", (long long)(rule->after_us / SECOND));
    buf_putc(out, '\n');
}

void policy_write(const struct policy_plan *policy, unsigned partners, struct buf *out)
{
    buf_printf(out, "language 1\n");
    for (unsigned p = 0; p < partners; p++)
        if (policy->tlp_max[p] != 0)
            buf_printf(out, "partner p%u { tlp-max %s }\n", p, levels[policy->tlp_max[p]]);
    for (size_t i = 0; i < policy->rule_count; i++)
        rule_write(&policy->rule[i], i, partners, out);
}

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

/* To whom the originator's word lets it go on (section 7, and DESIGN 7: CLEAR and GREEN alone). */
static bool is_onward(const struct facts *facts, unsigned p)
{
    bool local = facts->source < LOCALS || facts->source == NODE_SOURCE;
    if ((facts->onward >> p & 1) == 0)
        return false;
    if (is_own(facts) || facts->follows || (local && facts->tlp == 0))
        return true;
    return facts->tlp == 1 || facts->tlp == 2;
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
    return facts->copy != NULL && (facts->copy->approved >> p & 1);
}

static int atom_value(const struct world *w, const struct facts *facts, const struct atom *atom, unsigned p)
{
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

static bool is_denied(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    for (size_t i = 0; i < policy->rule_count; i++)
        if (policy->rule[i].effect == EFFECT_DENY && matches(w, facts, &policy->rule[i], p))
            return true;
    bool above = policy->tlp_max[p] != 0 && facts->tlp > policy->tlp_max[p];
    bool said_no = facts->copy != NULL && (facts->copy->denied >> p & 1);
    return said_no || facts->source == LOCALS + p || !is_onward(facts, p) || above;
}

static bool is_held(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rule[i];
        if (rule->effect == EFFECT_HOLD && matches(w, facts, rule, p) &&
            !(rule->until_approved && is_approved(facts, p)))
            return true;
    }
    return facts->follows || (facts->states & (STATE_UNRESOLVED | STATE_STATEMENT)) != 0;
}

static bool is_let_go(const struct world *w, const struct facts *facts, unsigned p)
{
    const struct policy_plan *policy = &w->plan->policies[w->policy];
    for (size_t i = 0; i < policy->rule_count; i++) {
        const struct rule *rule = &policy->rule[i];
        if (rule->effect != EFFECT_RELEASE || !matches(w, facts, rule, p))
            continue;
        int64_t since = facts->copy == NULL ? w->now_us : facts->copy->received_us;
        if (facts->copy != NULL && w->settled_us[facts->thing] > since)
            since = w->settled_us[facts->thing];
        if (rule->after_us == 0 || is_approved(facts, p) || w->now_us >= since + rule->after_us)
            return true;
    }
    return false;
}

void rules_judge(const struct world *w, const struct facts *facts, struct verdict *out)
{
    *out = (struct verdict) {0};
    for (unsigned p = 0; p < w->plan->partners; p++) {
        if (is_denied(w, facts, p))
            out->denied |= 1u << p;
        else if (!is_held(w, facts, p) && is_let_go(w, facts, p))
            out->release |= 1u << p;
    }
}
