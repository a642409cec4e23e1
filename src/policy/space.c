#include "policy/space.h"

/* --- what is told apart --- */

static struct axis *axis_of(struct space *space, uint8_t kind, uint8_t field)
{
    for (size_t i = 0; i < space->count; i++)
        if (space->axes[i].kind == kind && space->axes[i].field == field)
            return &space->axes[i];
    if (space->count == SPACE_AXES) {
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
    if (axis->count == SPACE_VALUES)
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
    space->opaque |= axis->count > SPACE_BITS;
    return true;
}

/* Kinds of personal data that conditions tell apart, as disjoint sets of them: each new one is cut out of
 * those that are there. */
static void add_kinds(struct space *space, uint32_t kinds)
{
    struct axis *axis = axis_of(space, OP_PERSONAL, 0);
    for (uint32_t i = 0, count = axis->count; i < count && kinds != 0; i++) {
        uint32_t held = (uint32_t)axis->values[i], both = held & kinds;
        if (both != 0 && both != held) {
            axis->values[i] = both;
            add_value(space, axis, held & ~both);
        }
        kinds &= ~both;
    }
    if (kinds != 0)
        add_value(space, axis, kinds);
    space->opaque |= axis->count > SPACE_BITS;
}

/* With a score there is something, and without there is not. */
static void add_score(struct space *space)
{
    add_kinds(space, UINT16_MAX);
    struct axis *axis = axis_of(space, OP_NUMBER, FIELD_PERSONAL_SCORE);
    add_value(space, axis, 0);
    add_value(space, axis, PRIVACY_SCORE_HIT);
    add_value(space, axis, 100);
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
        if (ins->field == FIELD_PERSONAL_SCORE)
            add_score(space);
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
        add_kinds(space, ins->arg);
        return;
    default: /* OP_MASK is settled; the rest joins */
        return;
    }
}

void space_add(struct space *space, const struct rule *rule)
{
    for (uint32_t i = 0; i < rule->count; i++)
        add_ins(space, &space->policy->program.at[rule->first + i]);
}

static bool is_bits(const struct axis *axis)
{
    return axis->kind == OP_TAG || axis->kind == OP_VICTIM || axis->kind == OP_PERSONAL;
}

/* An axis of sectors, or of personal data, has one option more: nobody knows. */
static uint32_t options(const struct axis *axis)
{
    return is_bits(axis) ? (1u << axis->count) + (axis->kind != OP_TAG) : axis->count;
}

uint32_t space_size(const struct space *space)
{
    uint32_t size = 1;
    for (size_t i = 0; i < space->count && !space->opaque; i++) {
        if (options(&space->axes[i]) > SPACE_COMBINATIONS / size)
            return 0;
        size *= options(&space->axes[i]);
    }
    return space->opaque ? 0 : size;
}

/* --- facts with these values --- */

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

static void put_kinds(const struct axis *axis, uint32_t set, struct policy_facts *facts)
{
    facts->personal_known = set < 1u << axis->count;
    for (uint32_t i = 0; i < axis->count && facts->personal_known; i++)
        if (set >> i & 1)
            facts->personal.kinds |= (uint32_t)axis->values[i];
    /* A score that nobody asks about; else its own axis puts it. */
    facts->personal.score = (facts->personal.kinds & UINT16_MAX) != 0 ? 100 : 0;
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
    else if (field == FIELD_PERSONAL_SCORE)
        facts->personal.score = value < 0 ? UINT8_MAX : (uint8_t)value;
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
                                                  &facts->origin_node, &facts->signed_by};
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
    case OP_PERSONAL:
        put_kinds(axis, option, facts);
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

/* A score of 50 and more is there with what counts, and no score without (privacy_facts). The axis of the
 * score was put after that of the kinds: UINT8_MAX is its absence. */
static bool score_fits(const struct space *space, struct policy_facts *facts)
{
    bool asked = false, any = (facts->personal.kinds & UINT16_MAX) != 0;
    for (size_t i = 0; i < space->count; i++)
        asked |= space->axes[i].kind == OP_NUMBER && space->axes[i].field == FIELD_PERSONAL_SCORE;
    if (!asked)
        return true;
    if (!facts->personal_known || facts->personal.score == UINT8_MAX)
        return !facts->personal_known && facts->personal.score == UINT8_MAX;
    return any ? facts->personal.score >= PRIVACY_SCORE_HIT && facts->personal.score <= 100
               : facts->personal.score == 0;
}

bool space_make(const struct space *space, uint32_t number, struct made *made)
{
    made->facts = (struct policy_facts) {.confidence = POLICY_CONFIDENCE_NONE, .origin = POLICY_ORIGIN_OWN};
    for (size_t i = 0; i < space->count; i++) {
        uint32_t count = options(&space->axes[i]);
        put_option(space->policy, &space->axes[i], number % count, made);
        number /= count;
    }
    return score_fits(space, &made->facts);
}
