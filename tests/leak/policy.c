/* Random policies, and their text for the gate. */
#include "leak.h"

static const char *const levels[] = {"none", "clear", "green", "amber", "amber+strict", "red"};
static const char *const operators[] = {"==", "!=", "<", "<=", ">", ">="};
static const char *const categories[] = {"sdo", "sro", "sco", "meta", "custom"};
static const char *const states[] = {"none", "statement", "known", "unresolved", "assumed", "unknown"};
enum { COMPARISONS = 6, LEVELS = 5, CATEGORIES = 5, STATES = 6, HOUR = 3600 };

const char *const policy_sources[LOCALS] = {"own", "feed", "quiet"};
const char *const policy_communities[COMMUNITIES] = {"c0", "c1"};

/* What rules have taken out. Some of these are what an object cannot be without. */
static const char *const redacted[] = {
    "description",         "name",     "x_note",  "labels", "x_list.[0]", "x_deep.in",
    "external_references", "x_people", "content", "user_id"};

/* --- drawing --- */

static struct atom atom_draw(enum effect effect, unsigned partners, struct draw *draw)
{
    static const enum atom_kind usual[] = {ATOM_TLP, ATOM_TLP, ATOM_TLP, ATOM_TYPE, ATOM_TAG, ATOM_SOURCE};
    struct atom atom = {.negate = draw_chance(draw, 200), .op = (int)draw_below(draw, COMPARISONS)};
    atom.kind = draw_chance(draw, 400) ? usual[draw_below(draw, 6)] : (enum atom_kind)draw_below(draw, ATOMS);
    if (atom.kind == ATOM_AGE && effect == EFFECT_DENY)
        atom.kind = ATOM_TLP;
    switch (atom.kind) {
    case ATOM_TLP:
        atom.value = 1 + (int)draw_below(draw, LEVELS);
        atom.op = effect == EFFECT_RELEASE ? 2 + (int)draw_below(draw, 2) : 4 + (int)draw_below(draw, 2);
        if (draw_chance(draw, 250))
            atom.op = (int)draw_below(draw, COMPARISONS);
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
    case ATOM_NATION:
        atom.value = 1 + (int)draw_below(draw, NATIONS - 1);
        break;
    case ATOM_CLEARANCE:
        atom.value = 1 + (int)draw_below(draw, CLEARANCES - 1);
        break;
    case ATOM_COMMUNITY:
        atom.value = (int)draw_below(draw, COMMUNITIES);
        break;
    case ATOM_NEIGHBOUR: /* it may only withhold */
        atom.negate = effect == EFFECT_RELEASE;
        atom.op = 4 + (int)draw_below(draw, 2);
        atom.value = 1 + (int)draw_below(draw, LEVELS - 1);
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

static struct duties duties_draw(struct draw *draw)
{
    struct duties duties = {0};
    switch (draw_below(draw, 6)) {
    case 0:
        duties.anonymise = true;
        break;
    case 1:
        duties.drop = true;
        break;
    case 2:
        duties.personal = TREAT_MASK;
        break;
    case 3:
        duties.personal = TREAT_PSEUDONYMISE;
        break;
    case 4:
        duties.expire_us = (int64_t)(1 + draw_below(draw, 60)) * HOUR * SECOND;
        break;
    default:
        break;
    }
    if (duties.expire_us == 0 && draw_chance(draw, 400))
        duties.redact[duties.redact_count++] = redacted[draw_below(draw, sizeof redacted / sizeof *redacted)];
    if (draw_chance(draw, 150))
        duties.drop = true;
    if (draw_chance(draw, 200))
        duties.reshare = draw_chance(draw, 500) ? RESHARE_NEVER : RESHARE_COUNTRY;
    return duties;
}

static void people_draw(struct rule *rule, struct draw *draw)
{
    if (rule->until_us != 0)
        return;
    if (draw_chance(draw, 500))
        rule->approvals = 1 + (int)draw_below(draw, 2);
    if (draw_chance(draw, 400)) {
        rule->deadline_us = (int64_t)(1 + draw_below(draw, 96)) * HOUR * SECOND;
        rule->lapses_to_release = draw_chance(draw, 600);
        rule->approvals = rule->approvals == 0 ? 1 : rule->approvals;
    }
    if (rule->approvals == 2) /* so that it binds something */
        rule->atom_count = 1;
}

static struct rule rule_draw(enum effect effect, const struct policy_plan *policy, unsigned partners,
                             struct draw *draw)
{
    struct rule rule = {
        .effect = effect, .to = (1u << partners) - 1, .community = -1, .any = draw_chance(draw, 300)};
    rule.atom_count = 1 + draw_below(draw, effect == EFFECT_RELEASE ? 2 : 3);
    for (size_t i = 0; i < rule.atom_count; i++)
        rule.atom[i] = atom_draw(effect, partners, draw);
    if (effect != EFFECT_RELEASE)
        rule.any = false; /* denials that nobody passes test nothing */
    unsigned some = (unsigned)draw_next(draw) & rule.to;
    if (draw_chance(draw, 400) && some != 0)
        rule.to = some;
    unsigned community = draw_below(draw, COMMUNITIES);
    if (policy->community[community] != 0 && draw_chance(draw, 250)) {
        rule.community = (int)community;
        rule.to = policy->community[community];
    }
    if (draw_chance(draw, 150))
        rule.until_us = START + (int64_t)draw_below(draw, 200) * HOUR * SECOND;
    if (effect == EFFECT_HOLD)
        people_draw(&rule, draw);
    if (effect == EFFECT_RELEASE && draw_chance(draw, 200))
        rule.duties = duties_draw(draw);
    if (effect == EFFECT_RELEASE && draw_chance(draw, 150))
        rule.after_us = (int64_t)(1 + draw_below(draw, 30)) * HOUR * SECOND;
    return rule;
}

/* What is said of partners: who is where, in which community, by which agreement, and up to what. */
static void partners_draw(struct policy_plan *policy, unsigned partners, struct draw *draw)
{
    unsigned all = (1u << partners) - 1;
    for (unsigned p = 0; p < partners; p++) {
        if (draw_chance(draw, 200))
            policy->tlp_max[p] = 1 + (int)draw_below(draw, LEVELS);
        if (draw_chance(draw, 300))
            policy->nation[p] = 1 + (int)draw_below(draw, NATIONS - 1);
        if (draw_chance(draw, 300))
            policy->clearance[p] = 1 + (int)draw_below(draw, CLEARANCES - 1);
    }
    for (unsigned c = 0; c < COMMUNITIES; c++)
        policy->community[c] = draw_chance(draw, 600) ? (unsigned)draw_next(draw) & all : 0;
    for (unsigned a = 0; a < AGREEMENTS && draw_chance(draw, 150); a++) {
        policy->agreement[a].partners = (unsigned)draw_next(draw) & all;
        policy->agreement[a].until_us = START + (int64_t)draw_below(draw, 300) * HOUR * SECOND;
        policy->agreements_required = draw_chance(draw, 100);
    }
    if (draw_chance(draw, 120)) {
        policy->budget.partners = draw_chance(draw, 500) ? all : (unsigned)draw_next(draw) & all;
        policy->budget.objects = 2 + draw_below(draw, 30);
        policy->budget.per_us = (int64_t)(1 + draw_below(draw, 48)) * HOUR * SECOND;
    }
}

static void rule_add(struct policy_plan *policy, enum effect effect, unsigned partners, struct draw *draw)
{
    struct rule rule = rule_draw(effect, policy, partners, draw);
    policy->rule[policy->rule_count++] = rule;
}

void policy_draw(struct policy_plan *policy, unsigned partners, struct draw *draw)
{
    unsigned denies = draw_below(draw, 3), holds = draw_below(draw, 2);
    *policy = (struct policy_plan) {0};
    partners_draw(policy, partners, draw);
    for (unsigned i = 0; i < denies; i++)
        rule_add(policy, EFFECT_DENY, partners, draw);
    for (unsigned i = 0; i < holds; i++)
        rule_add(policy, EFFECT_HOLD, partners, draw);
    for (unsigned i = 0; i < 2; i++)
        rule_add(policy, EFFECT_RELEASE, partners, draw);
    /* One that lets a good part go, so that closure has something to do. */
    struct rule *open = &policy->rule[policy->rule_count++];
    *open = (struct rule) {
        .effect = EFFECT_RELEASE, .atom_count = 1, .to = (1u << partners) - 1, .community = -1};
    open->atom[0] = (struct atom) {.kind = ATOM_TLP, .op = 3, .value = 1 + (int)draw_below(draw, 3)};
    if (draw_chance(draw, 100))
        open->atom[0].value = 5;
    if (draw_chance(draw, 300))
        open->to &= (unsigned)draw_next(draw) | 1u;
    if (draw_chance(draw, 250))
        open->duties = duties_draw(draw);
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
        buf_printf(out, "source == \"%s\"", policy_sources[atom->value]);
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
    case ATOM_NATION:
        buf_printf(out, "partner.nation == %s", nation_names[atom->value]);
        break;
    case ATOM_CLEARANCE:
        buf_printf(out, "partner.clearance == %s", clearance_names[atom->value]);
        break;
    case ATOM_COMMUNITY:
        buf_printf(out, "partner.communities == %s", policy_communities[atom->value]);
        break;
    case ATOM_NEIGHBOUR:
        buf_printf(out, "neighbour.tlp %s %s", operators[atom->op], levels[atom->value]);
        break;
    default:
        buf_printf(out, "age.received %s %dh", operators[atom->op], atom->value);
        break;
    }
}

static void list_write(unsigned partners, struct buf *out)
{
    buf_printf(out, "[");
    for (unsigned p = 0; p < PARTNERS; p++)
        if (partners >> p & 1)
            buf_printf(out, " p%u", p);
    buf_printf(out, " ]");
}

static void duties_write(const struct duties *duties, struct buf *out)
{
    static const char *const treats[] = {"", "mask-personal-data", "pseudonymise-personal-data"};
    const char *before = " with ";
    if (duties->anonymise) {
        buf_printf(out, "%sanonymise-creator", before);
        before = ", ";
    }
    if (duties->drop) {
        buf_printf(out, "%sdrop-references", before);
        before = ", ";
    }
    for (size_t i = 0; i < duties->redact_count; i++) {
        buf_printf(out, "%sredact \"%s\"", before, duties->redact[i]);
        before = ", ";
    }
    if (duties->personal != TREAT_NOT) {
        buf_printf(out, "%s%s", before, treats[duties->personal]);
        before = ", ";
    }
    if (duties->expire_us != 0) {
        buf_printf(out, "%sexpire %llds", before, (long long)(duties->expire_us / SECOND));
        before = ", ";
    }
    if (duties->reshare != 0)
        buf_printf(out, "%sreshare %s", before, duties->reshare == RESHARE_NEVER ? "never" : "own-country");
}

static void clauses_write(const struct rule *rule, struct buf *out)
{
    static char when[TIME_TEXT_SIZE + 1];
    if (rule->until_us != 0) {
        time_text(rule->until_us, when);
        buf_printf(out, " until %s", when);
    }
    if (rule->approvals != 0)
        buf_printf(out, rule->approvals == 2 ? " until approved by 2" : " until approved");
    if (rule->deadline_us != 0)
        buf_printf(out, " deadline %llds default %s", (long long)(rule->deadline_us / SECOND),
                   rule->lapses_to_release ? "release" : "deny");
    if (rule->after_us != 0)
        buf_printf(out, " after %llds", (long long)(rule->after_us / SECOND));
    duties_write(&rule->duties, out);
    buf_putc(out, '\n');
}

static void rule_write(const struct rule *rule, size_t number, unsigned partners, struct buf *out)
{
    static const char *const words[] = {"deny", "hold", "release"};
    buf_printf(out, "%s r%zu if ", words[rule->effect], number);
    for (size_t i = 0; i < rule->atom_count; i++) {
        if (i > 0)
            buf_printf(out, rule->any ? " or " : " and ");
        atom_write(&rule->atom[i], out);
    }
    buf_printf(out, " to ");
    if (rule->community >= 0)
        buf_printf(out, "%s", policy_communities[rule->community]);
    else if (rule->to == (1u << partners) - 1)
        buf_printf(out, "all");
    else
        list_write(rule->to, out);
    clauses_write(rule, out);
}

static void partners_write(const struct policy_plan *policy, unsigned partners, struct buf *out)
{
    static char when[TIME_TEXT_SIZE + 1];
    for (unsigned p = 0; p < partners; p++) {
        buf_printf(out, "partner p%u { ", p);
        if (policy->tlp_max[p] != 0)
            buf_printf(out, "tlp-max %s; ", levels[policy->tlp_max[p]]);
        if (policy->nation[p] != 0)
            buf_printf(out, "nation %s; ", nation_names[policy->nation[p]]);
        if (policy->clearance[p] != 0)
            buf_printf(out, "clearance %s; ", clearance_names[policy->clearance[p]]);
        buf_printf(out, "}\n");
    }
    for (unsigned c = 0; c < COMMUNITIES; c++)
        if (policy->community[c] != 0) {
            buf_printf(out, "community %s = ", policy_communities[c]);
            list_write(policy->community[c], out);
            buf_putc(out, '\n');
        }
    for (unsigned a = 0; a < AGREEMENTS; a++)
        if (policy->agreement[a].partners != 0) {
            time_text(policy->agreement[a].until_us, when);
            buf_printf(out, "agreement a%u { partners ", a);
            list_write(policy->agreement[a].partners, out);
            buf_printf(out, "; valid-until %s }\n", when);
        }
    if (policy->agreements_required)
        buf_printf(out, "agreements required\n");
}

void policy_write(const struct policy_plan *policy, unsigned partners, bool unbound, struct buf *out)
{
    buf_printf(out, "language 1\n");
    partners_write(policy, partners, out);
    if (policy->budget.partners != 0 && !unbound) {
        buf_printf(out, "budget b to ");
        list_write(policy->budget.partners, out);
        buf_printf(out, " %u objects per %llds\n", policy->budget.objects,
                   (long long)(policy->budget.per_us / SECOND));
    }
    for (size_t i = 0; i < policy->rule_count; i++)
        rule_write(&policy->rule[i], i, partners, out);
}

static void question_write(const struct policy_plan *policy, int rule, unsigned partners, struct buf *out)
{
    rule_write(&policy->rule[rule], (size_t)rule, partners, out);
    for (unsigned c = 0; c < COMMUNITIES; c++)
        if (policy->rule[rule].community == (int)c)
            list_write(policy->community[c], out);
}

bool policy_asks_same(const struct plan *plan, int policy, int rule, int other_policy, int other_rule)
{
    struct buf one, other;
    if (policy == other_policy || rule != other_rule) /* their numbers are their names */
        return policy == other_policy && rule == other_rule;
    buf_init(&one, 1 << 14);
    buf_init(&other, 1 << 14);
    question_write(&plan->policies[policy], rule, plan->partners, &one);
    question_write(&plan->policies[other_policy], other_rule, plan->partners, &other);
    must(buf_err(&one) == ERR_OK && buf_err(&other) == ERR_OK);
    bool same = str_eq(buf_str(&one), buf_str(&other));
    buf_deinit(&one);
    buf_deinit(&other);
    return same;
}
