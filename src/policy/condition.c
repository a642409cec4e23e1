/* Conditions: operator precedence with an explicit stack (Dijkstra's shunting yard), straight into postfix.
 * `and` and `or` leave a skip after their left side, so that deciding walks only what can still matter. */
#include "policy/parse.h"

struct pending {
    char kind; /* '(' '!' '&' '|', '{': inside a named condition */
    uint32_t at;
    uint32_t skip;      /* instruction to patch, of & and | */
    struct token back;  /* of '{': what stands behind the name */
    uint32_t back_last; /* where the name ends */
};

struct stack {
    struct pending at[LIMIT_POLICY_DEPTH];
    unsigned count;
    unsigned nots; /* of them */
};

static err_t push(struct parse *parse, struct stack *stack, struct pending pending)
{
    if (stack->count >= LIMIT_POLICY_DEPTH) {
        err_t err =
            parse_fail(parse, ERR_LIMIT, pending.at, "a condition nests at most %d deep", LIMIT_POLICY_DEPTH);
        parse_suggest(parse, "split it into several rules");
        return err;
    }
    stack->at[stack->count++] = pending;
    stack->nots += pending.kind == '!';
    return ERR_OK;
}

static err_t pop(struct parse *parse, struct stack *stack)
{
    struct pending top = stack->at[--stack->count];
    struct ins ins = {.op = top.kind == '!' ? OP_NOT : top.kind == '&' ? OP_AND : OP_OR};
    stack->nots -= top.kind == '!';
    err_t err = parse_emit(parse, ins, top.at);
    if (err == ERR_OK && top.kind != '!')
        parse->policy->program.at[top.skip].arg = parse->policy->program.count;
    return err;
}

/* Finishes what binds at least as strongly as `kind`: '&' takes ! and &, '|' takes |, too; ')' takes all. */
static err_t reduce(struct parse *parse, struct stack *stack, char kind)
{
    while (stack->count > 0) {
        char top = stack->at[stack->count - 1].kind;
        if (top == '(' || top == '{' || (kind == '&' && top == '|'))
            return ERR_OK;
        err_t err = pop(parse, stack);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* Goes on reading where the named condition stands; leave_definition comes back. */
static err_t enter_definition(struct parse *parse, struct stack *stack, const struct definition *definition)
{
    err_t err;
    struct pending pending = {.kind = '{', .at = parse->now.at};
    if (TRY(err, lex_next(parse)))
        return err;
    pending.back = parse->now;
    pending.back_last = parse->last_end;
    parse->now = definition->start;
    parse->last_end = definition->last_end;
    return push(parse, stack, pending);
}

/* False when no named condition ends here. */
static bool in_definition(const struct stack *stack)
{
    unsigned i = stack->count;
    while (i > 0 && stack->at[i - 1].kind != '(' && stack->at[i - 1].kind != '{')
        i--;
    return i > 0 && stack->at[i - 1].kind == '{';
}

static err_t leave_definition(struct parse *parse, struct stack *stack)
{
    err_t err = reduce(parse, stack, ')');
    if (err != ERR_OK)
        return err;
    const struct pending *entered = &stack->at[--stack->count];
    parse->now = entered->back;
    parse->last_end = entered->back_last;
    return ERR_OK;
}

/* Which operator stands here; 0: none. */
static char at_operator(const struct parse *parse)
{
    return lex_is_word(parse, STR("and")) ? '&' : lex_is_word(parse, STR("or")) ? '|' : '\0';
}

/* `not`, `(`, names of conditions and, at last, a comparison. */
static err_t operand(struct parse *parse, struct stack *stack, enum policy_effect effect)
{
    err_t err;
    for (;;) {
        const struct definition *definition = statement_definition(parse);
        if (definition != NULL && TRY(err, enter_definition(parse, stack, definition)))
            return err;
        if (definition != NULL)
            continue;
        char kind = lex_is_mark(parse, '(') ? '(' : lex_is_word(parse, STR("not")) ? '!' : '\0';
        if (kind == '\0')
            break;
        struct pending pending = {.kind = kind, .at = parse->now.at};
        if (TRY(err, push(parse, stack, pending)) || TRY(err, lex_next(parse)))
            return err;
    }
    return parse_compare(parse, (effect != POLICY_RELEASE) != (stack->nots % 2 != 0));
}

static err_t close_group(struct parse *parse, struct stack *stack)
{
    err_t err;
    if (TRY(err, reduce(parse, stack, ')')))
        return err;
    if (stack->count == 0)
        return parse_fail(parse, ERR_SYNTAX, parse->now.at, "this `)` closes nothing");
    stack->count--;
    return lex_next(parse);
}

static err_t operator_(struct parse *parse, struct stack *stack, char kind)
{
    err_t err;
    struct pending pending = {.kind = kind, .at = parse->now.at, .skip = 0};
    struct ins skip = {.op = kind == '&' ? OP_AND_SKIP : OP_OR_SKIP};
    if (TRY(err, reduce(parse, stack, kind)))
        return err;
    pending.skip = parse->policy->program.count;
    if (TRY(err, parse_emit(parse, skip, pending.at)) || TRY(err, push(parse, stack, pending)))
        return err;
    return lex_next(parse);
}

err_t parse_condition(struct parse *parse, enum policy_effect effect)
{
    err_t err;
    struct stack stack = {.count = 0};
    for (;;) {
        if (TRY(err, operand(parse, &stack, effect)))
            return err;
        for (;;) {
            if (lex_is_mark(parse, ')'))
                err = close_group(parse, &stack);
            else if (!at_operator(parse) && in_definition(&stack))
                err = leave_definition(parse, &stack);
            else
                break;
            if (err != ERR_OK)
                return err;
        }
        char kind = at_operator(parse);
        if (kind == '\0')
            break;
        if (TRY(err, operator_(parse, &stack, kind)))
            return err;
    }
    if (TRY(err, reduce(parse, &stack, ')')))
        return err;
    if (stack.count == 0)
        return ERR_OK;
    err = parse_expected(parse, "`and`, `or` or `)`");
    parse_suggest(parse, "a `(` of this condition is still open");
    return err;
}

err_t parse_emit(struct parse *parse, struct ins ins, uint32_t at)
{
    err_t err;
    struct policy *policy = parse->policy;
    if (ins.op < OP_COMPARISONS && ++parse->comparisons > LIMIT_POLICY_CONDITIONS)
        return parse_fail(parse, ERR_LIMIT, at, "more than %d comparisons", LIMIT_POLICY_CONDITIONS);
    if (TRY(err, TABLE_ROOM(policy->program, 4 * LIMIT_POLICY_CONDITIONS)) ||
        TRY(err, TABLE_ROOM(policy->spans, 4 * LIMIT_POLICY_CONDITIONS)))
        return parse_fail(parse, err, at, "the conditions are too long");
    if (ins.op == OP_NAME || ins.op == OP_NAMES || ins.op == OP_SOURCE)
        policy->names_used |= 1u << ins.field;
    if ((ins.op == OP_NAME || ins.op == OP_NAMES || ins.op == OP_HAS) && ins.field == FIELD_SIGNED_BY)
        policy->needs |= POLICY_NEED_SIGNER;
    policy->program.at[policy->program.count++] = ins;
    policy->spans.at[policy->spans.count++] =
        (struct span) {at, parse->last_end > at ? parse->last_end - at : 0};
    return ERR_OK;
}
