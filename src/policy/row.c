/* One object's facts against single comparisons. */
#include "policy/table.h"

static inline uint64_t all_if(bool yes)
{
    return 0 - (uint64_t)yes;
}

/* 0 for a value that the policy does not name; absent values are recognised by the facts, not here. */
static uint16_t id_of(const struct policy *policy, struct str name)
{
    int id = name.len == 0 ? 0 : names_find(&policy->strings, name);
    return id < 0 ? 0 : (uint16_t)id;
}

void row_init(struct row *row, const struct policy *policy, const struct policy_facts *facts, int64_t now_us)
{
    must(facts->tlp < POLICY_TLP_COUNT && facts->category < POLICY_CATEGORY_COUNT);
    must(facts->origin < LIMIT_PARTNERS);
    row->policy = policy;
    row->facts = facts;
    row->now_us = now_us;
    row->next_us = INT64_MAX;
    if (facts->turns_us != 0)
        row_note(row, facts->turns_us);
    row->markings_known = all_if(facts->markings != 0);
    row->known[FIELD_TYPE] = all_if(facts->type.len > 0);
    row->known[FIELD_OWNER] = all_if(facts->owner.len > 0);
    row->known[FIELD_SOURCE] = all_if(facts->source.len > 0);
    row->known[FIELD_CONFIDENCE] = all_if(facts->confidence >= 0);
    row->known[FIELD_TLP] = all_if(facts->tlp != POLICY_TLP_NONE);
    row->known[FIELD_AGE_RECEIVED] = all_if(facts->received_us != POLICY_TIME_NONE);
    row->known[FIELD_AGE_CREATED] = all_if(facts->created_us != POLICY_TIME_NONE);
    row->known[FIELD_AGE_MODIFIED] = all_if(facts->modified_us != POLICY_TIME_NONE);
    row->known[FIELD_ORIGIN_NODE] = all_if(facts->origin_node.len > 0);
    row->known[FIELD_SIGNED_BY] = all_if(facts->signed_by.len > 0);
    row->known[FIELD_HOPS] = UINT64_MAX;
    row->known[FIELD_PERSONAL_SCORE] = all_if(facts->personal_known);
    const struct str names[FIELD_NAME_COUNT] = {facts->type, facts->owner, facts->source, facts->origin_node,
                                                facts->signed_by};
    for (unsigned left = policy->names_used; left != 0; left &= left - 1) {
        unsigned field = (unsigned)__builtin_ctz(left);
        row->name[field] = id_of(policy, names[field]);
    }
    memset(row->tags, 0, (policy->strings.count + 63) / 64 * sizeof *row->tags);
    for (size_t i = 0; i < facts->tag_count; i++) {
        uint16_t id = id_of(policy, facts->tags[i]);
        row->tags[id / 64] |= (uint64_t)(id != 0) << (id % 64);
    }
}

static int64_t time_of(const struct policy_facts *facts, uint8_t field)
{
    return field == FIELD_AGE_RECEIVED  ? facts->received_us
           : field == FIELD_AGE_CREATED ? facts->created_us
                                        : facts->modified_us;
}

static int64_t number_of(const struct policy_facts *facts, uint8_t field)
{
    if (field == FIELD_PERSONAL_SCORE)
        return facts->personal.score;
    return field == FIELD_HOPS ? (int64_t)facts->hops : facts->confidence;
}

static int64_t add_saturated(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum; /* b is never negative here */
}

int64_t row_waits_since(const struct row *row, unsigned rule, unsigned partner)
{
    const struct policy_facts *facts = row->facts;
    struct str name = policy_rule_name(row->policy, rule);
    for (size_t i = 0; i < facts->wait_count; i++)
        if (facts->waits[i].partner == partner && str_eq(facts->waits[i].rule, name))
            return facts->waits[i].since_us < row->now_us ? facts->waits[i].since_us : row->now_us;
    return row->now_us;
}

void row_note(struct row *row, int64_t when_us)
{
    if (when_us > row->now_us && when_us < row->next_us)
        row->next_us = when_us;
}

static bool tag_in(const struct row *row, const struct idset *set)
{
    uint64_t common = 0;
    for (uint32_t i = 0; i < set->word_count; i++)
        common |= set->words[i] & row->tags[i];
    return common != 0;
}

static bool victim_in(const struct row *row, const struct idset *set)
{
    const struct policy_facts *facts = row->facts;
    bool yes = !facts->victims_known;
    for (size_t i = 0; i < facts->victim_sector_count && !yes; i++)
        yes = idset_has(set, id_of(row->policy, facts->victim_sectors[i]));
    return yes;
}

static bool tagged(const struct row *row, uint16_t id)
{
    return (row->tags[id / 64] >> (id % 64) & 1) != 0;
}

static uint64_t tagged_partners(const struct row *row, const struct template *template, uint64_t live)
{
    uint64_t yes = 0, any = 0;
    for (uint32_t i = 0; i < template->all.word_count; i++)
        any |= template->all.words[i] & row->tags[template->first + i];
    if (any == 0)
        return 0;
    for (uint64_t left = live & row->policy->partners; left != 0; left &= left - 1) {
        unsigned p = (unsigned)__builtin_ctzll(left);
        yes |= (uint64_t)tagged(row, template->id[p]) << p;
    }
    return yes;
}

static bool number_holds(int64_t has, uint8_t cmp, int64_t number)
{
    unsigned order = has < number   ? 1u << CMP_NE | 1u << CMP_LT | 1u << CMP_LE
                     : has > number ? 1u << CMP_NE | 1u << CMP_GT | 1u << CMP_GE
                                    : 1u << CMP_EQ | 1u << CMP_LE | 1u << CMP_GE;
    return (order >> cmp & 1) != 0;
}

static int64_t age_turn(int64_t basis, uint8_t cmp, int64_t number)
{
    bool after = cmp == CMP_LE || cmp == CMP_GT; /* equal still counts as young */
    return add_saturated(add_saturated(basis, number), after);
}

/* now - basis CMP number, without the subtraction that could overflow; notes the moment at which it turns. */
static bool age_holds(struct row *row, int64_t basis, uint8_t cmp, int64_t number)
{
    int64_t turn = age_turn(basis, cmp, number);
    bool old = row->now_us >= turn;
    row_note(row, turn);
    return (cmp == CMP_GT || cmp == CMP_GE) == old;
}

static uint64_t partners_of(const struct policy_facts *facts, uint32_t which)
{
    if (which == BITS_ORIGIN)
        return facts->origin < 0 ? 0 : 1ull << facts->origin;
    return which == BITS_ONWARD ? facts->onward : facts->approvals;
}

/* Inlined into the loop over guards, which stand sorted by op: half of a decision is spent here.
 * The value where everything it needs is there; *out_known says for which partners that is so. */
static inline __attribute__((always_inline)) uint64_t value(struct row *row, const struct ins *ins,
                                                            uint64_t live, uint64_t *known)
{
    const struct policy *policy = row->policy;
    const struct policy_facts *facts = row->facts;
    *known = UINT64_MAX;
    switch ((enum op)ins->op) {
    case OP_MASK:
        *known = policy->masks.at[ins->arg].known;
        return policy->masks.at[ins->arg].yes;
    case OP_TLP:
        *known = row->known[FIELD_TLP] & policy->tlps.at[ins->arg].known;
        return policy->tlps.at[ins->arg].yes[facts->tlp];
    case OP_LEVELS:
        *known = row->known[FIELD_TLP];
        return all_if((ins->arg >> facts->tlp & 1) != 0);
    case OP_MARKING:
        *known = row->markings_known;
        return all_if((facts->markings & ins->arg) != 0);
    case OP_CATEGORY:
        return all_if((ins->arg >> facts->category & 1) != 0);
    case OP_NAME:
        *known = row->known[ins->field];
        return all_if(row->name[ins->field] == ins->arg);
    case OP_NAMES:
        *known = row->known[ins->field];
        return all_if(idset_has(&policy->idsets.at[ins->arg], row->name[ins->field]));
    case OP_SOURCE:
        if (ins->number >= 0)
            *known = all_if(idset_has(&policy->idsets.at[ins->number], row->name[FIELD_SOURCE]));
        return all_if(idset_has(&policy->idsets.at[ins->arg], row->name[FIELD_SOURCE]));
    case OP_TAG:
        return all_if(tagged(row, (uint16_t)ins->arg));
    case OP_TAGS:
        return all_if(tag_in(row, &policy->idsets.at[ins->arg]));
    case OP_TAG_PARTNER:
        return tagged_partners(row, &policy->templates.at[ins->arg], live);
    case OP_NUMBER:
        *known = row->known[ins->field];
        return all_if(number_holds(number_of(facts, ins->field), ins->cmp, ins->number));
    case OP_TERM:
        *known = all_if(facts->terms[ins->field] != 0 || ins->number != 0);
        return all_if((ins->arg >> facts->terms[ins->field] & 1) != 0);
    case OP_AGE:
        *known = row->known[ins->field];
        return *known == 0 ? 0 : all_if(age_holds(row, time_of(facts, ins->field), ins->cmp, ins->number));
    case OP_FLAG:
        return all_if(ins->arg == FLAG_OWN ? facts->own : facts->revoked);
    case OP_PARTNERS:
        return partners_of(facts, ins->arg);
    case OP_NEIGHBOUR:
        return all_if(!facts->neighbours_known || (ins->arg >> facts->neighbour_tlp & 1) != 0);
    case OP_VICTIM:
        return all_if(victim_in(row, &policy->idsets.at[ins->arg]));
    case OP_PERSONAL:
        *known = row->known[FIELD_PERSONAL_SCORE];
        return all_if((facts->personal.kinds & ins->arg) != 0);
    case OP_RETIRED:
        *known = all_if(ins->number != 0);
        return 0;
    case OP_HAS:
        return row->known[ins->field];
    default:
        break;
    }
    err_must_failed(__FILE__, __LINE__, "every other code is a comparison and does not come here");
}

static inline __attribute__((always_inline)) uint64_t compare(struct row *row, const struct ins *ins,
                                                              uint64_t live, uint64_t *out_known)
{
    uint64_t known, yes = value(row, ins, live, &known);
    yes = (yes & known) | (all_if(ins->absent_true) & ~known);
    *out_known = known;
    return yes ^ all_if(ins->negate);
}

bool row_age_turn(const struct row *row, const struct ins *ins, int64_t *out_us)
{
    int64_t basis = time_of(row->facts, ins->field);
    *out_us = basis == POLICY_TIME_NONE ? 0 : age_turn(basis, ins->cmp, ins->number);
    return basis != POLICY_TIME_NONE;
}

uint64_t row_compare(struct row *row, const struct ins *ins, uint64_t live, uint64_t *out_known)
{
    return compare(row, ins, live, out_known);
}

void row_open_rules(struct row *row, uint64_t *open)
{
    const struct policy *policy = row->policy;
    const uint64_t *rules = policy->guard_rules;
    uint32_t words = policy->run_words;
    memset(open, 0xff, words * sizeof *open);
    for (uint32_t i = 0; i < policy->guard_count; i++, rules += words) {
        uint64_t known, shut = ~compare(row, &policy->guards[i], UINT64_MAX, &known);
        for (uint32_t word = 0; word < words; word++)
            open[word] &= ~(rules[word] & shut);
    }
}

int64_t row_release_time(const struct row *row, const struct rule *rule)
{
    const struct policy_facts *facts = row->facts;
    if (facts->received_us == POLICY_TIME_NONE)
        return INT64_MAX;
    int64_t basis = facts->settled_us > facts->received_us ? facts->settled_us : facts->received_us;
    return add_saturated(basis, rule->after_us);
}

uint64_t row_lapsed(struct row *row, uint64_t releasing)
{
    uint64_t lapsed = 0;
    for (unsigned i = 0; i < row->policy->end_count; i++) {
        const struct agreement_end *end = &row->policy->ends[i];
        if (row->now_us >= end->us)
            lapsed |= end->partners;
        else if ((end->partners & releasing) != 0)
            row_note(row, end->us);
    }
    return lapsed;
}

uint64_t row_builtin(const struct row *row, unsigned rule)
{
    const struct policy_facts *facts = row->facts;
    switch (rule) {
    case POLICY_RULE_OPERATOR:
        return facts->denials;
    case POLICY_RULE_ORIGIN:
        return partners_of(facts, BITS_ORIGIN);
    case POLICY_RULE_ONWARD:
        return ~facts->onward;
    case POLICY_RULE_TLP_MAX:
        return row->policy->tlp_above[facts->tlp];
    case POLICY_RULE_UNKNOWN:
        return all_if(facts->markings == 0 || (facts->markings & POLICY_MARKING_UNKNOWN) != 0);
    case POLICY_RULE_UNRESOLVED:
        return all_if((facts->markings & POLICY_MARKING_UNRESOLVED) != 0);
    case POLICY_RULE_STATEMENT:
        return all_if((facts->markings & POLICY_MARKING_STATEMENT) != 0);
    case POLICY_RULE_SAFETY:
        return facts->safety.len == 0 ? 0 : ~policy_answered(row->policy, rule, facts);
    case POLICY_RULE_FOLLOWS:
        return all_if(facts->follows);
    default:
        return UINT64_MAX; /* POLICY_RULE_DEFAULT */
    }
}
