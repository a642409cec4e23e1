#include "policy/table.h"

/* The condition's value for the `live` partners; other bits mean nothing. */
static uint64_t run(struct row *row, const struct rule *rule, uint64_t live)
{
    uint64_t stack[LIMIT_POLICY_DEPTH + 1], known;
    unsigned depth = 0;
    const struct ins *program = row->policy->program.at;
    for (uint32_t pc = rule->first; pc < rule->first + rule->count; pc++) {
        const struct ins *ins = &program[pc];
        switch (ins->op) {
        case OP_NOT:
            stack[depth - 1] = ~stack[depth - 1];
            break;
        case OP_AND:
            depth--;
            stack[depth - 1] &= stack[depth];
            break;
        case OP_OR:
            depth--;
            stack[depth - 1] |= stack[depth];
            break;
        case OP_AND_SKIP:
            if ((stack[depth - 1] & live) == 0)
                pc = ins->arg - 1;
            break;
        case OP_OR_SKIP:
            if ((~stack[depth - 1] & live) == 0)
                pc = ins->arg - 1;
            break;
        default:
            stack[depth++] = row_compare(row, ins, live, &known);
        }
    }
    return stack[0] & live;
}

static void name_rule(struct policy_verdict *out, uint64_t partners, unsigned rule)
{
    for (; partners != 0; partners &= partners - 1)
        out->rule[__builtin_ctzll(partners)] = (uint16_t)rule;
}

/* Partners of `live` for which this rule's condition holds and its clauses let it bind. */
static uint64_t match(struct row *row, const struct rule *rule, uint64_t live)
{
    live &= rule->to & ~rule_approved(rule, row->facts);
    if (live == 0 || row->now_us >= rule->until_us)
        return 0;
    uint64_t matched = run(row, rule, live);
    if (matched != 0 && rule->until_us != INT64_MAX)
        row_note(row, rule->until_us);
    return matched;
}

/* Of those that a hold with a deadline binds, for whom it has passed. */
static uint64_t lapsed(struct row *row, const struct rule *rule, unsigned index, uint64_t matched)
{
    uint64_t passed = 0;
    for (; matched != 0; matched &= matched - 1) {
        unsigned p = (unsigned)__builtin_ctzll(matched);
        int64_t since = row_waits_since(row, index, p);
        if (row->now_us - since >= rule->deadline_us) {
            passed |= 1ull << p;
            continue;
        }
        row_note(row, since + rule->deadline_us);
        if (rule->remind_us != 0)
            row_note(row, since + rule->remind_us);
    }
    return passed;
}

/* The next open position from `at` on, or `end`. */
static uint32_t next_open(const uint64_t *open, uint32_t at, uint32_t end)
{
    while (at < end) {
        uint64_t left = open[at / 64] >> (at % 64);
        if (left != 0) {
            at += (uint32_t)__builtin_ctzll(left);
            return at < end ? at : end;
        }
        at = (at / 64 + 1) * 64;
    }
    return end;
}

/* All rules of deny or hold, then the built-in ones. Returns whom they bind. */
static uint64_t decide_effect(struct row *row, enum policy_effect effect, const uint64_t *open, uint64_t live,
                              struct policy_verdict *out)
{
    const struct policy *policy = row->policy;
    uint64_t taken = 0;
    uint32_t end = policy->run_first[effect + 1];
    uint32_t at = next_open(open, policy->run_first[effect], end);
    for (; at < end && taken != live; at = next_open(open, at + 1, end)) {
        uint16_t index = policy->run[at];
        const struct rule *rule = &policy->rules.at[index - POLICY_RULE_BUILTIN_COUNT];
        uint64_t matched = match(row, rule, live & ~taken);
        uint64_t passed = rule->deadline_us == 0 ? 0 : lapsed(row, rule, index, matched);
        if (rule->lapse == POLICY_LAPSE_RELEASE)
            matched &= ~passed;
        else
            out->deny |= passed;
        name_rule(out, matched, index);
        taken |= matched;
    }
    for (unsigned rule = POLICY_RULE_DEFAULT + 1; rule < POLICY_RULE_FOLLOWS; rule++) {
        if (words_builtin_effect(rule) != effect)
            continue;
        uint64_t matched = row_builtin(row, rule) & live & ~taken;
        name_rule(out, matched, rule);
        taken |= matched;
    }
    return taken;
}

/* Releases go out; those whose only releases wait are held by the first of them. */
static uint64_t decide_release(struct row *row, const uint64_t *open, uint64_t live,
                               struct policy_verdict *out, uint64_t *out_wait)
{
    const struct policy *policy = row->policy;
    uint64_t released = 0, waiting = 0;
    uint32_t end = policy->run_first[POLICY_RELEASE + 1];
    uint32_t at = next_open(open, policy->run_first[POLICY_RELEASE], end);
    for (; at < end && released != live; at = next_open(open, at + 1, end)) {
        uint16_t index = policy->run[at];
        const struct rule *rule = &policy->rules.at[index - POLICY_RULE_BUILTIN_COUNT];
        uint64_t matched = match(row, rule, live & ~released), ready = matched;
        if (matched != 0 && rule->after_us != 0) {
            int64_t when = row_release_time(row, rule);
            ready = row->now_us >= when ? matched : matched & row->facts->approvals;
            if (ready != matched)
                row_note(row, when);
        }
        name_rule(out, ready | (matched & ~waiting), index);
        released |= ready;
        waiting = (waiting | matched) & ~released;
    }
    *out_wait = waiting;
    return released;
}

uint64_t policy_onward(const struct policy_facts *facts)
{
    if (facts->own || facts->follows)
        return UINT64_MAX;
    /* A feed of this node that says nothing forbids nothing either: its objects wait as unmarked, and not for
     * somebody's grant. */
    if (facts->tlp == POLICY_TLP_NONE && facts->origin == POLICY_ORIGIN_OWN)
        return UINT64_MAX;
    /* A marking that names whom it may go to is his grant, up to what its neighbours on the object say: what
     * he marked RED beside it is for nobody else. */
    if (facts->granted && facts->bare_tlp != POLICY_TLP_RED)
        return UINT64_MAX;
    /* TLP 2.0: CLEAR may go anywhere, GREEN within the community; anything narrower needs the originator's
     * grant. */
    return facts->tlp == POLICY_TLP_CLEAR || facts->tlp == POLICY_TLP_GREEN ? UINT64_MAX : 0;
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                   struct policy_verdict *out)
{
    struct row row;
    uint64_t open[RUN_WORDS], live = policy->partners, wait = 0;
    row_init(&row, policy, facts, now_us);
    row_open_rules(&row, open);
    memset(out->rule, 0, sizeof out->rule); /* POLICY_RULE_DEFAULT */
    out->deny = 0;
    out->deny = decide_effect(&row, POLICY_DENY, open, live, out);
    live &= ~out->deny;
    if (facts->follows) {
        name_rule(out, live, POLICY_RULE_FOLLOWS);
        out->hold = live;
    } else {
        out->hold = decide_effect(&row, POLICY_HOLD, open, live, out) & ~out->deny;
    }
    live &= ~(out->hold | out->deny);
    uint64_t released = decide_release(&row, open, live, out, &wait);
    uint64_t lapsed = row_lapsed(&row, released) & released;
    name_rule(out, lapsed, POLICY_RULE_AGREEMENT);
    out->release = released & ~lapsed;
    out->hold |= wait | lapsed;
    out->deny |= live & ~released & ~wait;
    out->next_change_us = row.next_us;
}
