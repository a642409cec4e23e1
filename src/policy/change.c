/* What would have to change for a rule to bind, or to bind no longer: the smallest set of comparisons that
 * turn the whole condition, by the weight of what each asks for. Costs go up the postfix program, the choice
 * comes down again. */
#include <stdarg.h>
#include <stdio.h>

#include "core/stamp.h"
#include "policy/table.h"

enum { NODES_MAX = 512, COST_MAX = 10000 };

struct node {
    uint32_t left, right; /* children, relative to the rule's first instruction; of `not` only left */
    uint16_t cost[2];     /* of making it false, true */
    bool yes;
};

/* What an operator can bring about counts little, what another object would have to be counts much. */
static uint16_t weight(const struct ins *ins)
{
    switch ((enum op)ins->op) {
    case OP_TAG:
    case OP_TAGS:
    case OP_TAG_PARTNER:
    case OP_PARTNERS:
    case OP_AGE:
        return 1;
    case OP_TLP:
    case OP_LEVELS:
    case OP_MARKING:
    case OP_NUMBER:
    case OP_TERM:
        return 3;
    case OP_MASK:
        return 30;
    case OP_RETIRED:
        return COST_MAX;
    default:
        return 100;
    }
}

static uint16_t add(uint16_t a, uint16_t b)
{
    return a > COST_MAX - b ? COST_MAX : (uint16_t)(a + b);
}

static uint16_t least(uint16_t a, uint16_t b)
{
    return a < b ? a : b;
}

static struct node joined(const struct node *nodes, uint32_t left, uint32_t right, bool and)
{
    const struct node *a = &nodes[left], *b = &nodes[right];
    struct node node = {.left = left, .right = right, .yes = and? a->yes && b->yes : a->yes || b->yes};
    node.cost[and] = add(a->cost[and], b->cost[and]);
    node.cost[!and] = least(a->cost[!and], b->cost[!and]);
    return node;
}

/* Fills nodes, and gives the root's position. */
static uint32_t weigh(struct row *row, const struct rule *rule, unsigned partner, struct node *nodes)
{
    uint32_t stack[LIMIT_POLICY_DEPTH + 1];
    unsigned depth = 0;
    for (uint32_t i = 0; i < rule->count; i++) {
        const struct ins *ins = &row->policy->program.at[rule->first + i];
        uint64_t known;
        switch (ins->op) {
        case OP_AND_SKIP:
        case OP_OR_SKIP:
            continue;
        case OP_NOT:
            nodes[i] = nodes[stack[depth - 1]];
            nodes[i].left = stack[--depth];
            nodes[i].yes = !nodes[i].yes;
            nodes[i].cost[0] = nodes[nodes[i].left].cost[1];
            nodes[i].cost[1] = nodes[nodes[i].left].cost[0];
            break;
        case OP_AND:
        case OP_OR:
            depth -= 2;
            nodes[i] = joined(nodes, stack[depth], stack[depth + 1], ins->op == OP_AND);
            break;
        default:
            nodes[i] = (struct node) {.yes = row_compare(row, ins, 1ull << partner, &known) >> partner & 1};
            nodes[i].cost[!nodes[i].yes] = weight(ins);
        }
        stack[depth++] = i;
    }
    return stack[0];
}

/* --- saying it --- */

struct text {
    char *to;
    size_t size, used;
};

static void put(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *fmt, ...)
{
    va_list args;
    if (text->used >= text->size)
        return;
    va_start(args, fmt);
    text->used += (size_t)vsnprintf(text->to + text->used, text->size - text->used, fmt, args);
    va_end(args);
}

static void put_when(struct text *text, int64_t when_us)
{
    char when[TIME_TEXT_SIZE];
    time_text(when_us, when);
    put(text, "after %.19sZ", when);
}

static void put_leaf(struct text *text, struct row *row, uint32_t pc, unsigned partner, bool want)
{
    const struct policy *policy = row->policy;
    const struct ins *ins = &policy->program.at[pc];
    struct span span = policy->spans.at[pc];
    int64_t turn_us;
    if (text->used > 0)
        put(text, " and ");
    if (ins->op == OP_AGE && row_age_turn(row, ins, &turn_us) && turn_us > row->now_us)
        put_when(text, turn_us);
    else if (ins->op == OP_TAG_PARTNER)
        put(text, "%stagged %.*s", want ? "" : "not ",
            STR_ARG(policy->strings.at[policy->templates.at[ins->arg].id[partner]]));
    else
        put(text, "%s%.*s", want ? "" : "not ", (int)span.len, policy->text.at + span.at);
}

/* The cheaper way down from the root, left before right. */
static void choose(struct text *text, struct row *row, const struct rule *rule, const struct node *nodes,
                   uint32_t root, unsigned partner)
{
    struct {
        uint32_t at;
        bool want;
    } stack[NODES_MAX + 1];
    unsigned depth = 0;
    stack[depth].at = root;
    stack[depth++].want = !nodes[root].yes;
    while (depth > 0) {
        uint32_t at = stack[--depth].at;
        bool want = stack[depth].want;
        const struct node *node = &nodes[at];
        uint8_t op = row->policy->program.at[rule->first + at].op;
        if (node->yes == want)
            continue;
        if (op == OP_NOT) {
            stack[depth].at = node->left;
            stack[depth++].want = !want;
        } else if (op != OP_AND && op != OP_OR) {
            put_leaf(text, row, rule->first + at, partner, want);
        } else if (want == (op == OP_AND)) { /* both */
            stack[depth].at = node->right;
            stack[depth++].want = want;
            stack[depth].at = node->left;
            stack[depth++].want = want;
        } else {
            bool right = nodes[node->right].cost[want] < nodes[node->left].cost[want];
            stack[depth].at = right ? node->right : node->left;
            stack[depth++].want = want;
        }
    }
}

void change_put(struct row *row, const struct rule *rule, unsigned partner, char *to, size_t size)
{
    struct node nodes[NODES_MAX];
    struct text text = {to, size, 0};
    to[0] = '\0';
    if (rule->count > NODES_MAX)
        return;
    uint32_t root = weigh(row, rule, partner, nodes);
    if (nodes[root].cost[!nodes[root].yes] < COST_MAX)
        choose(&text, row, rule, nodes, root, partner);
}
