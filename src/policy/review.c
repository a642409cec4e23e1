/* Remarks about a well-formed policy: rules that never decide anything, releases that meet another rule's
 * duties, waits that another rule does not keep.
 *
 * Two rules are compared by trying: every value that one of their conditions tells apart is put into facts,
 * all combinations of them, and both conditions are asked by the evaluator that decides. So a remark is never
 * wrong about the conditions; where there are too many combinations, or a condition's values cannot be listed
 * (personal data), nothing is said. What built-in rules keep is not looked at. */
#include <stdarg.h>
#include <stdio.h>

#include "policy/table.h"

enum {
    AXES_MAX = 16,
    VALUES_MAX = 64,
    BITS_MAX = 8,           /* tags, sectors: each there or not */
    COMBINATIONS = 1 << 14, /* of one pair */
    TRIES = 1 << 20         /* of one policy: some tenths of a second, in which a node does nothing else */
};

/* Something that conditions ask about, and the values that they tell apart. */
struct axis {
    uint8_t kind; /* enum op, or OP_HAS for a plain field */
    uint8_t field;
    uint32_t count; /* of options, or of bits (of which 1 << count are tried) */
    int64_t values[VALUES_MAX];
};

struct space {
    const struct policy *policy;
    struct axis axes[AXES_MAX];
    size_t count;
    bool opaque; /* not all values can be tried */
};

/* --- what is told apart --- */

static struct axis *axis_of(struct space *space, uint8_t kind, uint8_t field)
{
    for (size_t i = 0; i < space->count; i++)
        if (space->axes[i].kind == kind && space->axes[i].field == field)
            return &space->axes[i];
    if (space->count == AXES_MAX) {
        space->opaque = true;
        return &space->axes[0];
    }
    struct axis *axis = &space->axes[space->count++];
    *axis = (struct axis) {.kind = kind, .field = field};
    return axis;
}

static void add_value(struct space *space, struct axis *axis, int64_t value)
{
    for (uint32_t i = 0; i < axis->count; i++)
        if (axis->values[i] == value)
            return;
    if (axis->count == VALUES_MAX)
        space->opaque = true;
    else
        axis->values[axis->count++] = value;
}

static void add_range(struct space *space, uint8_t kind, uint8_t field, int64_t first, int64_t last)
{
    struct axis *axis = axis_of(space, kind, field);
    for (int64_t value = first; value <= last; value++)
        add_value(space, axis, value);
}

/* Every string of the set, any other, none. */
static void add_names(struct space *space, struct axis *axis, const struct idset *set)
{
    for (uint32_t id = 1; id < space->policy->strings.count && id / 64 < set->word_count; id++)
        if (idset_has(set, (uint16_t)id))
            add_value(space, axis, id);
}

static struct axis *name_axis(struct space *space, uint8_t field)
{
    struct axis *axis = axis_of(space, OP_NAME, field);
    add_value(space, axis, -1);
    add_value(space, axis, 0);
    return axis;
}

/* Just below, at and just above; absent. */
static void add_number(struct space *space, uint8_t kind, const struct ins *ins)
{
    struct axis *axis = axis_of(space, kind, ins->field);
    if (ins->field != FIELD_HOPS)
        add_value(space, axis, INT64_MIN);
    for (int64_t by = -1; by <= 1; by++)
        if (ins->number + by >= 0)
            add_value(space, axis, ins->number + by);
}

static void add_has(struct space *space, const struct ins *ins)
{
    struct ins any = *ins;
    any.number = 1;
    if (ins->field < FIELD_NAME_COUNT)
        (void)name_axis(space, ins->field);
    else if (ins->field == FIELD_TLP)
        add_range(space, OP_LEVELS, 0, 0, POLICY_TLP_COUNT - 1);
    else if (ins->field == FIELD_CONFIDENCE || ins->field == FIELD_HOPS)
        add_number(space, OP_NUMBER, &any);
    else if (ins->field >= FIELD_AGE_RECEIVED)
        add_number(space, OP_AGE, &any);
    else
        space->opaque = true;
}

static void add_source(struct space *space, const struct ins *ins)
{
    struct axis *axis = name_axis(space, FIELD_SOURCE);
    add_names(space, axis, &space->policy->idsets.at[ins->arg]);
    if (ins->number >= 0)
        add_names(space, axis, &space->policy->idsets.at[ins->number]);
}

/* Names, tags and sectors; false: another comparison. */
static bool add_strings(struct space *space, const struct ins *ins)
{
    const struct policy *policy = space->policy;
    struct axis *axis = NULL;
    switch ((enum op)ins->op) {
    case OP_NAME:
        add_value(space, name_axis(space, ins->field), ins->arg);
        return true;
    case OP_NAMES:
        add_names(space, name_axis(space, ins->field), &policy->idsets.at[ins->arg]);
        return true;
    case OP_SOURCE:
        add_source(space, ins);
        return true;
    case OP_TAG:
        axis = axis_of(space, OP_TAG, 0);
        add_value(space, axis, ins->arg);
        break;
    case OP_TAG_PARTNER: /* all partners' or none: asked of each by itself */
        axis = axis_of(space, OP_TAG, 0);
        add_value(space, axis, -1 - (int64_t)ins->arg);
        break;
    case OP_TAGS:
    case OP_VICTIM:
        axis = axis_of(space, ins->op == OP_TAGS ? OP_TAG : OP_VICTIM, 0);
        add_names(space, axis, &policy->idsets.at[ins->arg]);
        break;
    default:
        return false;
    }
    space->opaque |= axis->count > BITS_MAX;
    return true;
}

static void add_ins(struct space *space, const struct ins *ins)
{
    if (add_strings(space, ins))
        return;
    switch ((enum op)ins->op) {
    case OP_TLP:
    case OP_LEVELS:
        add_range(space, OP_LEVELS, 0, 0, POLICY_TLP_COUNT - 1);
        return;
    case OP_MARKING:
        add_range(space, OP_MARKING, 0, 0, 63);
        return;
    case OP_CATEGORY:
        add_range(space, OP_CATEGORY, 0, 0, POLICY_CATEGORY_COUNT - 1);
        return;
    case OP_NUMBER:
        space->opaque |= ins->field == FIELD_PERSONAL_SCORE;
        add_number(space, OP_NUMBER, ins);
        return;
    case OP_AGE:
        add_number(space, OP_AGE, ins);
        return;
    case OP_TERM:
        add_range(space, OP_TERM, ins->field, 0, words_terms[ins->field].count);
        return;
    case OP_FLAG:
        add_range(space, OP_FLAG, (uint8_t)ins->arg, 0, 1);
        return;
    case OP_PARTNERS:
        add_range(space, OP_PARTNERS, (uint8_t)ins->arg, ins->arg == BITS_ORIGIN ? -1 : 0,
                  ins->arg == BITS_ORIGIN ? LIMIT_PARTNERS - 2 : 1);
        return;
    case OP_NEIGHBOUR:
        add_range(space, OP_NEIGHBOUR, 0, -1, POLICY_TLP_COUNT - 1);
        return;
    case OP_HAS:
        add_has(space, ins);
        return;
    case OP_PERSONAL:
        space->opaque = true;
        return;
    default: /* OP_MASK is settled; the rest joins */
        return;
    }
}

static void add_rule(struct space *space, const struct rule *rule)
{
    for (uint32_t i = 0; i < rule->count; i++)
        add_ins(space, &space->policy->program.at[rule->first + i]);
}

static bool is_bits(const struct axis *axis)
{
    return axis->kind == OP_TAG || axis->kind == OP_VICTIM;
}

/* An axis of sectors has one option more: nobody knows. */
static uint32_t options(const struct axis *axis)
{
    return is_bits(axis) ? (1u << axis->count) + (axis->kind == OP_VICTIM) : axis->count;
}

/* How many combinations there are; 0: too many. */
static uint32_t size_of(const struct space *space)
{
    uint32_t size = 1;
    for (size_t i = 0; i < space->count && !space->opaque; i++) {
        if (options(&space->axes[i]) > COMBINATIONS / size)
            return 0;
        size *= options(&space->axes[i]);
    }
    return space->opaque ? 0 : size;
}

/* --- facts with these values --- */

struct made {
    struct policy_facts facts;
    struct str tags[LIMIT_PARTNERS * BITS_MAX], sectors[BITS_MAX];
    int64_t now_us;
};

static void put_tags(const struct policy *policy, const struct axis *axis, uint32_t set, struct made *made)
{
    made->facts.tags = made->tags;
    for (uint32_t i = 0; i < axis->count; i++) {
        if ((set >> i & 1) == 0)
            continue;
        if (axis->values[i] >= 0) {
            made->tags[made->facts.tag_count++] = policy->strings.at[axis->values[i]];
            continue;
        }
        const struct template *template = &policy->templates.at[-1 - axis->values[i]];
        for (uint64_t left = policy->partners; left != 0; left &= left - 1)
            made->tags[made->facts.tag_count++] = policy->strings.at[template->id[__builtin_ctzll(left)]];
    }
}

static void put_sectors(const struct policy *policy, const struct axis *axis, uint32_t set, struct made *made)
{
    made->facts.victims_known = set < 1u << axis->count;
    made->facts.victim_sectors = made->sectors;
    for (uint32_t i = 0; i < axis->count && made->facts.victims_known; i++)
        if (set >> i & 1)
            made->sectors[made->facts.victim_sector_count++] = policy->strings.at[axis->values[i]];
}

static void put_partners(uint8_t which, int64_t value, struct policy_facts *facts)
{
    if (which == BITS_ORIGIN)
        facts->origin = (int)value;
    else if (which == BITS_ONWARD)
        facts->onward = 0 - (uint64_t)value;
    else
        facts->approvals = 0 - (uint64_t)value;
}

static void put_number(uint8_t field, int64_t value, struct policy_facts *facts)
{
    if (field == FIELD_HOPS)
        facts->hops = (unsigned)value;
    else
        facts->confidence = value == INT64_MIN ? POLICY_CONFIDENCE_NONE : (int)value;
}

static void put_age(uint8_t field, int64_t age_us, struct made *made)
{
    int64_t when = age_us == INT64_MIN ? POLICY_TIME_NONE : made->now_us - age_us;
    if (field == FIELD_AGE_RECEIVED)
        made->facts.received_us = when;
    else if (field == FIELD_AGE_CREATED)
        made->facts.created_us = when;
    else
        made->facts.modified_us = when;
}

static void put_name(const struct policy *policy, uint8_t field, int64_t id, struct policy_facts *facts)
{
    struct str *const fields[FIELD_NAME_COUNT] = {&facts->type, &facts->owner, &facts->source,
                                                  &facts->collection, &facts->origin_node};
    *fields[field] = id < 0 ? STR("") : id == 0 ? STR("any other name") : policy->strings.at[id];
}

static void put_option(const struct policy *policy, const struct axis *axis, uint32_t option,
                       struct made *made)
{
    struct policy_facts *facts = &made->facts;
    int64_t value = is_bits(axis) ? 0 : axis->values[option];
    switch ((enum op)axis->kind) {
    case OP_TAG:
        put_tags(policy, axis, option, made);
        return;
    case OP_VICTIM:
        put_sectors(policy, axis, option, made);
        return;
    case OP_LEVELS:
        facts->tlp = (enum policy_tlp)value;
        return;
    case OP_MARKING:
        facts->markings = (unsigned)value;
        return;
    case OP_CATEGORY:
        facts->category = (enum policy_category)value;
        return;
    case OP_NAME:
        put_name(policy, axis->field, value, facts);
        return;
    case OP_NUMBER:
        put_number(axis->field, value, facts);
        return;
    case OP_AGE:
        put_age(axis->field, value, made);
        return;
    case OP_TERM:
        facts->terms[axis->field] = (uint8_t)value;
        return;
    case OP_FLAG:
        *(axis->field == FLAG_OWN ? &facts->own : &facts->revoked) = value != 0;
        return;
    case OP_PARTNERS:
        put_partners(axis->field, value, facts);
        return;
    default: /* OP_NEIGHBOUR */
        facts->neighbours_known = value >= 0;
        facts->neighbour_tlp = value < 0 ? POLICY_TLP_NONE : (enum policy_tlp)value;
    }
}

static void make(const struct space *space, uint32_t number, struct made *made)
{
    made->facts = (struct policy_facts) {.confidence = POLICY_CONFIDENCE_NONE, .origin = POLICY_ORIGIN_OWN};
    for (size_t i = 0; i < space->count; i++) {
        uint32_t count = options(&space->axes[i]);
        put_option(space->policy, &space->axes[i], number % count, made);
        number /= count;
    }
}

/* --- two rules --- */

struct review {
    const struct policy *policy;
    int64_t now_us;
    uint32_t tries;
    void (*each)(void *ctx, const struct policy_remark *remark);
    void *ctx;
};

/* What trying showed. */
struct compared {
    bool tried;
    bool matches; /* a matches somewhere */
    bool outside; /* ...where b does not, for a partner of b's too */
    bool both;
};

static struct compared compare(struct review *review, const struct rule *a, const struct rule *b)
{
    struct compared found = {.tried = false};
    struct space space = {.policy = review->policy};
    struct made made = {.now_us = review->now_us};
    add_rule(&space, a);
    add_rule(&space, b);
    uint32_t size = size_of(&space);
    if (size == 0 || size > TRIES - review->tries)
        return found;
    review->tries += size;
    found.tried = true;
    for (uint32_t i = 0; i < size && !(found.outside && found.both); i++) {
        struct row row;
        make(&space, i, &made);
        row_init(&row, review->policy, &made.facts, review->now_us);
        uint64_t in_a = rule_holds(&row, a, a->to), in_b = rule_holds(&row, b, b->to);
        found.matches |= in_a != 0;
        found.outside |= (in_a & ~in_b) != 0;
        found.both |= (in_a & in_b) != 0;
    }
    return found;
}

static void say(struct review *review, const struct rule *rule, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(struct review *review, const struct rule *rule, const char *fmt, ...)
{
    struct policy_remark remark = {.line = rule->line, .column = 1};
    va_list args;
    for (uint32_t at = rule->at; at > 0 && review->policy->text.at[at - 1] != '\n'; at--)
        remark.column += ((uint8_t)review->policy->text.at[at - 1] & 0xc0) != 0x80;
    va_start(args, fmt);
    (void)vsnprintf(remark.what, sizeof remark.what, fmt, args);
    va_end(args);
    review->each(review->ctx, &remark);
}

static struct str name_of(const struct policy *policy, const struct rule *rule)
{
    return policy->rule_names.at[rule - policy->rules.at];
}

/* Whatever it matches it decides, now and later: no word of a person, no time ends that. */
static bool is_firm(const struct rule *rule)
{
    return rule->approvals == 0 && rule->deadline_us == 0 && rule->until_us == INT64_MAX;
}

/* `first` is tried before `rule` and leaves nothing of it. */
static bool is_shadowed(struct review *review, const struct rule *rule, const struct rule *first)
{
    bool later = first->effect == POLICY_RELEASE && first->after_us > rule->after_us;
    if (!is_firm(first) || later || (rule->to & ~first->to) != 0)
        return false;
    struct compared found = compare(review, rule, first);
    if (!found.tried || found.outside)
        return false;
    bool releases = first->effect == POLICY_RELEASE;
    if (!found.matches) {
        say(review, rule, "rule `%.*s` can never match", STR_ARG(name_of(review->policy, rule)));
        return true;
    }
    if (releases && rule->duties != 0)
        return false; /* its duties bind what the other lets go */
    say(review, rule, "rule `%.*s` %s: `%.*s` (line %u) %s all that it matches%s",
        STR_ARG(name_of(review->policy, rule)),
        rule->effect == POLICY_RELEASE && !releases ? "lets nothing go" : "never decides",
        STR_ARG(name_of(review->policy, first)), first->line,
        first->effect == POLICY_DENY   ? "denies"
        : first->effect == POLICY_HOLD ? "holds"
                                       : "lets go before it",
        rule->duties != 0 ? "; its duties never count" : "");
    return true;
}

/* The next rule in the order of trying, from `at` on. */
static const struct rule *tried(const struct policy *policy, uint32_t at)
{
    return &policy->rules.at[policy->run[at] - POLICY_RULE_BUILTIN_COUNT];
}

static bool look_for_shadow(struct review *review, uint32_t at)
{
    for (uint32_t before = 0; before < at; before++)
        if (is_shadowed(review, tried(review->policy, at), tried(review->policy, before)))
            return true;
    return false;
}

static bool overlap(struct review *review, const struct rule *a, const struct rule *b)
{
    return (a->to & b->to) != 0 && compare(review, a, b).both;
}

/* A plain release above one with duties: they bind what it lets go. */
static void look_for_duties(struct review *review, uint32_t at)
{
    const struct rule *plain = tried(review->policy, at);
    for (uint32_t i = at + 1; i < review->policy->run_first[3] && plain->duties == 0; i++) {
        const struct rule *rule = tried(review->policy, i);
        if (rule->duties == 0 || !overlap(review, plain, rule))
            continue;
        say(review, plain,
            "rule `%.*s` has no duties, but what `%.*s` (line %u) matches as well leaves with its duties",
            STR_ARG(name_of(review->policy, plain)), STR_ARG(name_of(review->policy, rule)), rule->line);
        return;
    }
}

/* A wait that another release does not keep. */
static void look_for_haste(struct review *review, uint32_t at)
{
    const struct rule *waits = tried(review->policy, at);
    for (uint32_t i = review->policy->run_first[POLICY_RELEASE]; i < review->policy->run_first[3]; i++) {
        const struct rule *rule = tried(review->policy, i);
        if (rule->after_us >= waits->after_us || !overlap(review, waits, rule))
            continue;
        say(review, waits,
            "rule `%.*s` waits, but `%.*s` (line %u) lets go sooner what both match; to wait "
            "whatever else says, write: hold NAME if age < ...",
            STR_ARG(name_of(review->policy, waits)), STR_ARG(name_of(review->policy, rule)), rule->line);
        return;
    }
}

/* A demand for a basis that ends by itself. */
static void look_for_basis(struct review *review, const struct rule *rule)
{
    if (rule->basis && rule->until_us != INT64_MAX)
        say(review, rule, "rule `%.*s` asks for a basis until its `until`; from then on it asks for none",
            STR_ARG(name_of(review->policy, rule)));
}

void policy_review(const struct policy *policy, int64_t now_us,
                   void (*each)(void *ctx, const struct policy_remark *remark), void *ctx)
{
    struct review review = {policy, now_us, 0, each, ctx};
    for (uint32_t at = 0; at < policy->run_first[3]; at++) {
        const struct rule *rule = tried(policy, at);
        if (rule->until_us <= now_us) {
            say(&review, rule, "rule `%.*s` has ended (`until`)", STR_ARG(name_of(policy, rule)));
            continue;
        }
        look_for_basis(&review, rule);
        if (look_for_shadow(&review, at) || rule->effect != POLICY_RELEASE)
            continue;
        look_for_duties(&review, at);
        look_for_haste(&review, at);
    }
    if (review.tries > TRIES - COMBINATIONS)
        each(ctx, &(struct policy_remark) {.what = "there are more rules than could be compared"});
}
