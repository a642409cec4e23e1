/* Remarks about a well-formed policy: rules that never decide anything, releases that meet another rule's
 * duties, waits that another rule does not keep.
 *
 * Two rules are compared by trying: every value that one of their conditions tells apart is put into facts,
 * all combinations of them (space.h), and both conditions are asked by the evaluator that decides. So a
 * remark is never wrong about the conditions; where there are too many combinations nothing is said. What
 * built-in rules keep is not looked at. */
#include <stdarg.h>
#include <stdio.h>

#include "policy/space.h"

enum {
    TRIES = 1 << 20, /* of one policy: some tenths of a second, in which a node does nothing else */
    TOGETHER = 16,   /* rules that may shadow another together */
};

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
    space_add(&space, a);
    space_add(&space, b);
    uint32_t size = space_size(&space);
    if (size == 0 || size > TRIES - review->tries)
        return found;
    review->tries += size;
    found.tried = true;
    for (uint32_t i = 0; i < size && !(found.outside && found.both); i++) {
        struct row row;
        if (!space_make(&space, i, &made))
            continue;
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

/* --- several rules before one --- */

/* The next rule in the order of trying, from `at` on. */
static const struct rule *tried(const struct policy *policy, uint32_t at)
{
    return &policy->rules.at[policy->run[at] - POLICY_RULE_BUILTIN_COUNT];
}

struct together {
    const struct rule *at[TOGETHER];
    size_t count;
    unsigned needed; /* bit i: at[i] leaves nothing with the others that are needed */
};

/* One more firm rule, where it can be tried as well. */
static void widen(struct review *review, const struct rule *rule, struct space *space, uint32_t *size,
                  struct together *all)
{
    struct space wider = *space;
    if (!is_firm(rule) || all->count == TOGETHER)
        return;
    space_add(&wider, rule);
    uint32_t with = space_size(&wider);
    if (with == 0 || with > TRIES - review->tries)
        return;
    *space = wider;
    *size = with;
    all->at[all->count++] = rule;
}

/* May it be one of those that leave nothing of `rule`? */
static bool comes_before(const struct rule *rule, const struct rule *first)
{
    bool later = first->effect == POLICY_RELEASE && first->after_us > rule->after_us;
    /* Duties bind what another release lets go. */
    bool duties = first->effect == POLICY_RELEASE && rule->duties != 0;
    return !later && !duties && (rule->to & first->to) != 0;
}

/* Of one combination: adds to `needed` what else is needed; false: something of the rule is left. */
static bool cover(struct row *row, const struct rule *rule, struct together *all, bool *out_matches)
{
    uint64_t left = rule_holds(row, rule, rule->to);
    *out_matches |= left != 0;
    for (size_t i = 0; i < all->count && left != 0; i++)
        if (all->needed >> i & 1)
            left &= ~rule_holds(row, all->at[i], left & all->at[i]->to);
    for (size_t i = 0; i < all->count && left != 0; i++) {
        uint64_t taken = rule_holds(row, all->at[i], left & all->at[i]->to);
        all->needed |= taken != 0 ? 1u << i : 0;
        left &= ~taken;
    }
    return left == 0;
}

static bool covers(struct review *review, const struct rule *rule, const struct space *space, uint32_t size,
                   struct together *all)
{
    struct made made = {.now_us = review->now_us};
    bool matches = false;
    review->tries += size;
    for (uint32_t i = 0; i < size; i++) {
        struct row row;
        if (!space_make(space, i, &made))
            continue;
        row_init(&row, review->policy, &made.facts, review->now_us);
        if (!cover(&row, rule, all, &matches))
            return false;
    }
    return matches;
}

static void say_together(struct review *review, const struct rule *rule, const struct together *all)
{
    const struct policy *policy = review->policy;
    char names[120];
    size_t used = 0;
    names[0] = '\0';
    for (size_t i = 0; i < all->count && used < sizeof names; i++)
        if (all->needed >> i & 1)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s`%.*s` (line %u)",
                                     used > 0 ? ", " : "", STR_ARG(name_of(policy, all->at[i])),
                                     all->at[i]->line);
    say(review, rule, "rule `%.*s` never decides: together these leave it nothing: %s%s",
        STR_ARG(name_of(policy, rule)), names, used >= sizeof names ? "..." : "");
}

/* As many of the rules before as can be tried with it, the nearest first. */
static bool look_together(struct review *review, uint32_t at)
{
    const struct rule *rule = tried(review->policy, at);
    struct space space = {.policy = review->policy};
    struct together all = {.count = 0};
    uint32_t size = 0;
    space_add(&space, rule);
    for (uint32_t before = at; before-- > 0;)
        if (comes_before(rule, tried(review->policy, before)))
            widen(review, tried(review->policy, before), &space, &size, &all);
    if (all.count < 2 || !covers(review, rule, &space, size, &all))
        return false;
    say_together(review, rule, &all);
    return true;
}

/* --- each rule --- */

static bool look_for_shadow(struct review *review, uint32_t at)
{
    for (uint32_t before = 0; before < at; before++)
        if (is_shadowed(review, tried(review->policy, at), tried(review->policy, before)))
            return true;
    return look_together(review, at);
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

/* Line and column of a place in the text. */
static struct policy_remark remark_at(const struct policy *policy, const char *at)
{
    struct policy_remark remark = {.line = 1, .column = 1};
    for (const char *c = policy->text.at; c < at; c++) {
        remark.line += *c == '\n';
        remark.column = *c == '\n' ? 1 : remark.column + (((uint8_t)*c & 0xc0) != 0x80);
    }
    return remark;
}

/* A partner whose texts are not looked at. */
static void look_for_names(struct review *review)
{
    const struct policy *policy = review->policy;
    for (uint32_t i = 0; i < policy->attributes.count; i++) {
        const struct attribute *one = &policy->attributes.at[i];
        if (one->of != OF_PARTNER || !one->from_text || !str_eq(one->key, STR("names-in-texts")) ||
            !str_eq(one->value, STR("any")))
            continue;
        struct policy_remark remark = remark_at(policy, one->key.at);
        (void)snprintf(
            remark.what, sizeof remark.what,
            "texts for `%.*s` may name what he was not given: `names-in-texts any` lets stand what "
            "is taken out for everybody else",
            STR_ARG(policy->partner_name[one->holder]));
        review->each(review->ctx, &remark);
    }
}

/* Partners for whom some hold asks for a basis. */
static uint64_t asked_for_basis(const struct policy *policy)
{
    uint64_t partners = 0;
    for (uint32_t i = 0; i < policy->rules.count; i++)
        partners |= policy->rules.at[i].basis ? policy->rules.at[i].to : 0;
    return partners;
}

/* For whom `open` lets go, among those that are spared, what `rule` asks a basis for, and nothing withholds.
 */
static uint64_t spared_by(struct review *review, const struct rule *rule, const struct rule *open,
                          uint64_t spared)
{
    struct space space = {.policy = review->policy};
    struct together all = {.count = 0};
    struct made made = {.now_us = review->now_us};
    uint64_t found = 0;
    space_add(&space, rule);
    space_add(&space, open);
    uint32_t size = space_size(&space);
    for (uint32_t at = 0; at < review->policy->run_first[POLICY_RELEASE]; at++)
        widen(review, tried(review->policy, at), &space, &size, &all);
    if (size == 0 || size > TRIES - review->tries)
        return 0;
    review->tries += size;
    for (uint32_t i = 0; i < size && found == 0; i++) {
        struct row row;
        if (!space_make(&space, i, &made))
            continue;
        row_init(&row, review->policy, &made.facts, review->now_us);
        found = rule_holds(&row, rule, spared) & rule_holds(&row, open, spared & open->to);
        for (size_t k = 0; k < all.count && found != 0; k++)
            found &= ~rule_holds(&row, all.at[k], found & all.at[k]->to);
    }
    return found;
}

/* What is asked of some partners and spared others: a release that lets the same go to these. */
static void look_for_spared(struct review *review, const struct rule *rule)
{
    const struct policy *policy = review->policy;
    uint64_t spared = policy->partners & ~asked_for_basis(policy);
    for (uint32_t at = policy->run_first[POLICY_RELEASE]; rule->basis && at < policy->run_first[3]; at++) {
        const struct rule *open = tried(policy, at);
        bool treats = open->duties != 0 && (policy->duties.at[open->duties - 1].said.what &
                                            (POLICY_DUTY_MASK | POLICY_DUTY_PSEUDONYMISE)) != 0;
        uint64_t found = treats ? 0 : spared_by(review, rule, open, spared);
        if (found == 0)
            continue;
        say(review, rule, "`%.*s` (line %u) lets go to `%.*s` without a basis what `%.*s` asks one for",
            STR_ARG(name_of(policy, open)), open->line, STR_ARG(policy->partner_name[__builtin_ctzll(found)]),
            STR_ARG(name_of(policy, rule)));
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
    look_for_names(&review);
    for (uint32_t at = 0; at < policy->run_first[3]; at++) {
        const struct rule *rule = tried(policy, at);
        if (rule->until_us <= now_us) {
            say(&review, rule, "rule `%.*s` has ended (`until`)", STR_ARG(name_of(policy, rule)));
            continue;
        }
        look_for_basis(&review, rule);
        look_for_spared(&review, rule);
        if (look_for_shadow(&review, at) || rule->effect != POLICY_RELEASE)
            continue;
        look_for_duties(&review, at);
        look_for_haste(&review, at);
    }
    if (review.tries > TRIES - SPACE_COMBINATIONS)
        each(ctx, &(struct policy_remark) {.what = "there are more rules than could be compared"});
}
