/* Guards: comparisons without which a rule cannot match, because they stand in the `and` chain of its whole
 * condition, and whose value is one for all partners and does not change with time. Equal guards of different
 * rules are one. Deciding asks each guard once and strikes out the rules of those that fail; of two hundred
 * rules a handful is left to run. */
#include <stdlib.h>

#include "core/mem.h"
#include "policy/table.h"

/* A longer rule simply runs: the search for its chain would be quadratic. */
enum { RULE_INS_MAX = 64, GUARDS_PER_RULE_MAX = 8 };

struct found {
    struct ins ins;
    uint32_t run; /* position of the rule in the order of running */
};

static bool is_guard(const struct ins *ins)
{
    switch ((enum op)ins->op) {
    case OP_LEVELS:
    case OP_MARKING:
    case OP_CATEGORY:
    case OP_NAME:
    case OP_NAMES:
    case OP_SOURCE:
    case OP_TAG:
    case OP_TAGS:
    case OP_NUMBER:
    case OP_TERM:
    case OP_NEIGHBOUR:
    case OP_VICTIM:
    case OP_PERSONAL:
    case OP_FLAG:
    case OP_RETIRED:
    case OP_HAS:
        return true;
    default:
        return false;
    }
}

/* Cuts [first, end) at the `and` that it is: *out_skip is the instruction between its two sides. */
static bool cut(const struct ins *program, uint32_t first, uint32_t end, uint32_t *out_skip)
{
    if (program[end - 1].op != OP_AND)
        return false;
    for (uint32_t i = first; i < end; i++) {
        if (program[i].op == OP_AND_SKIP && program[i].arg == end) {
            *out_skip = i;
            return true;
        }
    }
    return false;
}

struct range {
    uint32_t first, end;
};

/* Guards of one rule, appended to `found`. */
static uint32_t find(const struct policy *policy, const struct rule *rule, uint32_t run, struct found *found)
{
    struct range stack[RULE_INS_MAX];
    uint32_t depth = 0, count = 0, skip;
    if (rule->count > RULE_INS_MAX)
        return 0;
    stack[depth++] = (struct range) {rule->first, rule->first + rule->count};
    while (depth > 0 && count < GUARDS_PER_RULE_MAX) {
        struct range range = stack[--depth];
        if (range.end - range.first == 1 && is_guard(&policy->program.at[range.first])) {
            found[count++] = (struct found) {policy->program.at[range.first], run};
        } else if (cut(policy->program.at, range.first, range.end, &skip)) {
            stack[depth++] = (struct range) {skip + 1, range.end - 1};
            stack[depth++] = (struct range) {range.first, skip};
        }
    }
    return count;
}

static int order_ins(const struct ins *a, const struct ins *b)
{
    const int64_t keys[][2] = {
        {a->op, b->op},         {a->field, b->field}, {a->cmp, b->cmp},      {a->absent_true, b->absent_true},
        {a->negate, b->negate}, {a->arg, b->arg},     {a->number, b->number}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    return 0;
}

static int order_found(const void *a, const void *b)
{
    return order_ins(&((const struct found *)a)->ins, &((const struct found *)b)->ins);
}

/* One guard a run of equal ones, each with the rules that need it. */
static err_t build(struct policy *policy, const struct found *found, uint32_t count)
{
    uint32_t guards = 0, words = policy->run_words;
    for (uint32_t i = 0; i < count; i++)
        guards += i == 0 || order_found(&found[i - 1], &found[i]) != 0;
    policy->guards = arena_zalloc(&policy->arena, guards, sizeof *policy->guards);
    policy->guard_rules = arena_zalloc(&policy->arena, (size_t)guards * words, sizeof *policy->guard_rules);
    if (policy->guards == NULL || policy->guard_rules == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < count; i++) {
        if (i == 0 || order_found(&found[i - 1], &found[i]) != 0)
            policy->guards[policy->guard_count++] = found[i].ins;
        uint64_t *rules = policy->guard_rules + (size_t)(policy->guard_count - 1) * words;
        rules[found[i].run / 64] |= 1ull << (found[i].run % 64);
    }
    return ERR_OK;
}

err_t guard_build(struct policy *policy)
{
    uint32_t run = 0, count = 0;
    policy->run_words = policy->rules.count / 64 + 1;
    policy->run = arena_zalloc(&policy->arena, policy->rules.count + 1, sizeof *policy->run);
    struct found *found = mem_alloc_array(policy->rules.count + 1, GUARDS_PER_RULE_MAX * sizeof *found);
    err_t err = policy->run == NULL || found == NULL ? ERR_NOMEM : ERR_OK;
    for (unsigned effect = 0; effect < 3 && err == ERR_OK; effect++) {
        policy->run_first[effect] = run;
        for (uint32_t i = 0; i < policy->order[effect].count; i++, run++) {
            policy->run[run] = policy->order[effect].at[i];
            const struct rule *rule = &policy->rules.at[policy->run[run] - POLICY_RULE_BUILTIN_COUNT];
            count += find(policy, rule, run, found + count);
        }
    }
    policy->run_first[3] = run;
    policy->dutiful = arena_zalloc(&policy->arena, policy->run_words, sizeof *policy->dutiful);
    if (err == ERR_OK && policy->dutiful == NULL)
        err = ERR_NOMEM;
    for (uint32_t i = 0; i < run && err == ERR_OK; i++)
        if (policy->rules.at[policy->run[i] - POLICY_RULE_BUILTIN_COUNT].duties != 0)
            policy->dutiful[i / 64] |= 1ull << (i % 64);
    if (err == ERR_OK && count > 0) {
        qsort(found, count, sizeof *found, order_found);
        err = build(policy, found, count);
    }
    mem_free(found);
    return err;
}
