#include "policy/table.h"

uint64_t rule_holds(struct row *row, const struct rule *rule, uint64_t live)
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
    uint64_t matched = rule_holds(row, rule, live);
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
            ready = row->now_us >= when ? matched : matched & rule_hastened(rule, row->facts);
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

/* Calls `each` for the rules with duties that match for some of `released`, whichever rule let it go. All are
 * asked to the end: when one begins or ceases to match, the duties change. */
static void each_dutiful(struct row *row, const uint64_t *open, uint64_t released,
                         void (*each)(void *ctx, const struct rule *rule, uint64_t matched), void *ctx)
{
    const struct policy *policy = row->policy;
    uint64_t both[RUN_WORDS];
    uint32_t end = policy->run_first[POLICY_RELEASE + 1];
    if (policy->duties.count == 0 || released == 0)
        return;
    for (uint32_t word = 0; word < policy->run_words; word++)
        both[word] = open[word] & policy->dutiful[word];
    for (uint32_t at = next_open(both, policy->run_first[POLICY_RELEASE], end); at < end;
         at = next_open(both, at + 1, end)) {
        const struct rule *rule = &policy->rules.at[policy->run[at] - POLICY_RULE_BUILTIN_COUNT];
        uint64_t matched = match(row, rule, released);
        if (matched != 0)
            each(ctx, rule, matched);
    }
}

static void add_mask(void *ctx, const struct rule *rule, uint64_t matched)
{
    (void)rule;
    *(uint64_t *)ctx |= matched;
}

/* --- the duties of all that match, together --- */

struct binding {
    const struct policy *policy;
    struct {
        const struct policy_duties *said;
        uint64_t partners;
    } * at;
    size_t count;
};

static void add_binding(void *ctx, const struct rule *rule, uint64_t matched)
{
    struct binding *b = ctx;
    b->at[b->count].said = &b->policy->duties.at[rule->duties - 1].said;
    b->at[b->count++].partners = matched;
}

static void add_once(struct str *list, size_t *count, const struct str *from, size_t from_count)
{
    for (size_t i = 0; i < from_count; i++) {
        size_t at = 0;
        while (at < *count && !str_eq(list[at], from[i]))
            at++;
        if (at == *count)
            list[(*count)++] = from[i];
    }
}

static err_t bind_one(const struct binding *b, unsigned partner, struct arena *arena,
                      struct policy_duties *out)
{
    size_t selectors = 0, limits = 0;
    for (size_t i = 0; i < b->count; i++) {
        selectors += b->at[i].said->redact_count;
        limits += b->at[i].said->reshare_count;
    }
    struct str *redact = arena_zalloc(arena, selectors + 1, sizeof *redact);
    struct str *reshare = arena_zalloc(arena, limits + 1, sizeof *reshare);
    if (redact == NULL || reshare == NULL)
        return ERR_NOMEM;
    *out = (struct policy_duties) {.redact = redact, .reshare = reshare};
    for (size_t i = 0; i < b->count; i++) {
        const struct policy_duties *said = b->at[i].said;
        if ((b->at[i].partners >> partner & 1) == 0)
            continue;
        out->what |= said->what;
        if (said->expire_us != 0 && (out->expire_us == 0 || said->expire_us < out->expire_us))
            out->expire_us = said->expire_us;
        add_once(redact, &out->redact_count, said->redact, said->redact_count);
        add_once(reshare, &out->reshare_count, said->reshare, said->reshare_count);
    }
    return ERR_OK;
}

/* Partners for whom just the same rules match as for this one. */
static uint64_t alike(const struct binding *b, unsigned partner, uint64_t left)
{
    for (size_t i = 0; i < b->count; i++)
        left &= b->at[i].partners >> partner & 1 ? b->at[i].partners : ~b->at[i].partners;
    return left;
}

err_t policy_bind(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                  uint64_t partners, struct arena *arena, struct policy_bound **out, size_t *out_count)
{
    struct row row;
    uint64_t open[RUN_WORDS], left = 0;
    struct binding b = {.policy = policy};
    *out = NULL;
    *out_count = 0;
    partners &= policy->partners;
    if (policy->duties.count == 0 || partners == 0)
        return ERR_OK;
    b.at = arena_alloc(arena, 2 * policy->duties.count * sizeof *b.at);
    if (b.at == NULL)
        return ERR_NOMEM;
    row_init(&row, policy, facts, now_us);
    row_open_rules(&row, open);
    each_dutiful(&row, open, partners, add_binding, &b);
    if (facts->unsure_us != 0) {
        row_init(&row, policy, facts, now_us - facts->unsure_us);
        row_open_rules(&row, open);
        each_dutiful(&row, open, partners, add_binding, &b);
    }
    for (size_t i = 0; i < b.count; i++)
        left |= b.at[i].partners;
    struct policy_bound *bound = arena_zalloc(arena, LIMIT_PARTNERS, sizeof *bound);
    if (bound == NULL)
        return ERR_NOMEM;
    size_t count = 0;
    for (; left != 0; left &= ~bound[count++].partners) {
        unsigned partner = (unsigned)__builtin_ctzll(left);
        err_t err = bind_one(&b, partner, arena, &bound[count].duties);
        if (err != ERR_OK)
            return err;
        bound[count].partners = alike(&b, partner, left);
    }
    *out = bound;
    *out_count = count;
    return ERR_OK;
}

const struct policy_duties *policy_bound_of(const struct policy_bound *bound, size_t count, unsigned partner)
{
    for (size_t i = 0; i < count; i++)
        if (bound[i].partners >> partner & 1)
            return &bound[i].duties;
    return NULL;
}

/* --- deciding --- */

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

static void decide_at(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
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
    out->dutied = 0;
    each_dutiful(&row, open, out->release, add_mask, &out->dutied);
    out->hold |= wait | lapsed;
    out->deny |= live & ~released & ~wait;
    out->next_change_us = row.next_us;
}

void policy_decide(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                   struct policy_verdict *out)
{
    struct policy_verdict then;
    decide_at(policy, facts, now_us, out);
    if (facts->unsure_us == 0)
        return;
    /* What it is believed to be stands still, and has no next change. */
    decide_at(policy, facts, now_us - facts->unsure_us, &then);
    uint64_t held = out->release & then.hold, denied = (out->release | out->hold) & then.deny;
    for (uint64_t left = held | denied; left != 0; left &= left - 1)
        out->rule[__builtin_ctzll(left)] = then.rule[__builtin_ctzll(left)];
    out->release &= ~(held | denied);
    out->hold = (out->hold | held) & ~denied;
    out->deny |= denied;
    out->dutied = (out->dutied | then.dutied) & out->release;
}

/* --- what waits for a person --- */

/* The first hold of the text that matches, and that a word ends. */
static int hold_asks(struct row *row, const uint64_t *open, uint64_t bit)
{
    const struct policy *policy = row->policy;
    uint32_t end = policy->run_first[POLICY_HOLD + 1];
    for (uint32_t at = next_open(open, policy->run_first[POLICY_HOLD], end); at < end;
         at = next_open(open, at + 1, end)) {
        uint16_t index = policy->run[at];
        const struct rule *rule = &policy->rules.at[index - POLICY_RULE_BUILTIN_COUNT];
        if (rule->approvals == 0 || match(row, rule, bit) == 0)
            continue;
        if (rule->deadline_us == 0 || rule->lapse != POLICY_LAPSE_RELEASE ||
            lapsed(row, rule, index, bit) == 0)
            return index;
    }
    return -1;
}

static int asked_at(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                    unsigned partner)
{
    struct row row;
    struct policy_verdict verdict;
    struct policy_facts allowed = *facts; /* whoever approves takes a denial back */
    uint64_t open[RUN_WORDS], bit = 1ull << (partner % LIMIT_PARTNERS);
    allowed.denials &= ~bit;
    allowed.unsure_us = 0;
    if ((policy->partners & bit) == 0 || facts->follows)
        return -1;
    row_init(&row, policy, &allowed, now_us);
    row_open_rules(&row, open);
    int asks = hold_asks(&row, open, bit);
    if (asks >= 0)
        return asks;
    if ((row_builtin(&row, POLICY_RULE_SAFETY) & bit) != 0)
        return POLICY_RULE_SAFETY;
    policy_decide(policy, &allowed, now_us, &verdict);
    bool waits =
        (verdict.hold & bit) != 0 && policy_rule_effect(policy, verdict.rule[partner]) == POLICY_RELEASE;
    return waits ? verdict.rule[partner] : -1;
}

int policy_asked(const struct policy *policy, const struct policy_facts *facts, int64_t now_us,
                 unsigned partner)
{
    int rule = asked_at(policy, facts, now_us, partner);
    return rule >= 0 || facts->unsure_us == 0 ? rule
                                              : asked_at(policy, facts, now_us - facts->unsure_us, partner);
}
