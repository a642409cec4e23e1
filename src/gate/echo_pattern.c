#include "gate/echo_pattern.h"

#include "stix/pattern.h"

/* Compared in pairs, with all that stands in them. */
enum { COMPARISONS_MAX = 64, STEPS_MAX = 512, CONSTANTS_MAX = 256 };

/* --- parts of two trees --- */

struct both {
    const struct stix_pattern *came, *held;
    struct arena *arena;
};

static bool same_text(const struct both *both, struct str a, bool a_escaped, struct str b, bool b_escaped)
{
    struct str x = stix_pattern_text(a, a_escaped, both->arena);
    struct str y = stix_pattern_text(b, b_escaped, both->arena);
    return x.at != NULL && y.at != NULL && str_eq(x, y);
}

static bool same_path(const struct both *both, const struct stix_pattern_node *a,
                      const struct stix_pattern_node *b)
{
    if (!str_eq(a->type, b->type) || a->step_count != b->step_count)
        return false;
    for (uint32_t i = 0; i < a->step_count; i++) {
        const struct stix_pattern_step *x = &both->came->steps[a->step + i];
        const struct stix_pattern_step *y = &both->held->steps[b->step + i];
        if (x->kind != y->kind || x->index != y->index ||
            (x->kind == STIX_PATTERN_KEY && !same_text(both, x->key, x->escaped, y->key, y->escaped)))
            return false;
    }
    return true;
}

static bool same_constants(const struct both *both, const struct stix_pattern_node *a,
                           const struct stix_pattern_node *b)
{
    if (a->constant_count != b->constant_count)
        return false;
    for (uint32_t i = 0; i < a->constant_count; i++) {
        const struct stix_pattern_constant *x = &both->came->constants[a->constant + i];
        const struct stix_pattern_constant *y = &both->held->constants[b->constant + i];
        if (x->kind != y->kind || !same_text(both, x->text, x->escaped, y->text, y->escaped))
            return false;
    }
    return true;
}

/* Alike but for their children. */
static bool same_node(const struct both *both, const struct stix_pattern_node *a,
                      const struct stix_pattern_node *b)
{
    return a->kind == b->kind && a->op == b->op && a->negated == b->negated && same_path(both, a, b) &&
           same_constants(both, a, b);
}

/* Children stand before their parents in both, so that equal places are equal trees. */
static bool same_tree(const struct both *both)
{
    if (both->came->node_count != both->held->node_count || both->came->root != both->held->root)
        return false;
    for (uint32_t i = 0; i < both->came->node_count; i++) {
        const struct stix_pattern_node *a = &both->came->nodes[i], *b = &both->held->nodes[i];
        if (a->first != b->first || a->last != b->last || a->next != b->next || !same_node(both, a, b))
            return false;
    }
    return true;
}

/* --- one observation, of comparisons that all have to hold --- */

struct joined {
    const struct stix_pattern_node *at[COMPARISONS_MAX];
    size_t count;
};

static bool joined_by_and(const struct stix_pattern *pattern, struct joined *out)
{
    const struct stix_pattern_node *root = &pattern->nodes[pattern->root];
    out->count = 0;
    if (root->kind != STIX_PATTERN_OBSERVATION || pattern->step_count > STEPS_MAX ||
        pattern->constant_count > CONSTANTS_MAX)
        return false;
    const struct stix_pattern_node *node = &pattern->nodes[root->first];
    if (node->kind == STIX_PATTERN_COMPARISON)
        out->at[out->count++] = node;
    if (node->kind != STIX_PATTERN_AND)
        return out->count > 0;
    for (uint32_t i = node->first; i != STIX_PATTERN_NONE; i = pattern->nodes[i].next) {
        if (out->count == COMPARISONS_MAX || pattern->nodes[i].kind != STIX_PATTERN_COMPARISON)
            return false;
        out->at[out->count++] = &pattern->nodes[i];
    }
    return true;
}

static bool is_among(const struct both *both, const struct stix_pattern_node *came, const struct joined *held)
{
    for (size_t i = 0; i < held->count; i++)
        if (same_node(both, came, held->at[i]))
            return true;
    return false;
}

static bool same_comparisons(const struct both *both, const struct joined *came, const struct joined *held)
{
    struct both turned = {both->held, both->came, both->arena};
    for (size_t i = 0; i < came->count; i++)
        if (!is_among(both, came->at[i], held))
            return false;
    for (size_t i = 0; i < held->count; i++)
        if (!is_among(&turned, held->at[i], came))
            return false;
    return true;
}

/* --- a value, and where MISP says that it stands --- */

static const struct form {
    const char *held;       /* type of the observable, of which `value` is compared */
    const char *came, *key; /* type and first key of what MISP compares */
    const char *kind;       /* what it says beside: key.type = kind; NULL: nothing */
} forms[] = {
    {"ipv4-addr", "network-traffic", "dst_ref", "ipv4-addr"},
    {"ipv4-addr", "network-traffic", "src_ref", "ipv4-addr"},
    {"ipv6-addr", "network-traffic", "dst_ref", "ipv6-addr"},
    {"ipv6-addr", "network-traffic", "src_ref", "ipv6-addr"},
    {"email-addr", "email-message", "to_refs", NULL},
    {"email-addr", "email-message", "from_ref", NULL},
};

static bool is_key(const struct stix_pattern_step *step, const char *key)
{
    return step->kind == STIX_PATTERN_KEY && !step->escaped && str_eq(step->key, str_of(key));
}

/* TYPE:KEY.LAST, or TYPE:KEY[*].LAST of a list; `key` NULL: TYPE:LAST. */
static bool compares(const struct stix_pattern *pattern, const struct stix_pattern_node *node,
                     const char *type, const char *key, const char *last)
{
    const struct stix_pattern_step *step = &pattern->steps[node->step];
    uint32_t left = node->step_count;
    if (node->op != STIX_PATTERN_EQ || node->negated || !str_eq(node->type, str_of(type)))
        return false;
    if (key != NULL) {
        if (left == 0 || !is_key(step, key))
            return false;
        step++, left--;
        if (left > 0 && step->kind == STIX_PATTERN_ANY)
            step++, left--;
    }
    return left == 1 && is_key(step, last);
}

static bool is_form(const struct both *both, const struct form *form, const struct joined *came,
                    const struct stix_pattern_node *held)
{
    size_t wanted = form->kind == NULL ? 1 : 2, values = 0, kinds = 0;
    if (came->count != wanted || !compares(both->held, held, form->held, NULL, "value"))
        return false;
    for (size_t i = 0; i < came->count; i++) {
        const struct stix_pattern_constant *constant = &both->came->constants[came->at[i]->constant];
        values += compares(both->came, came->at[i], form->came, form->key, "value") &&
                  same_constants(both, came->at[i], held);
        kinds += form->kind != NULL && compares(both->came, came->at[i], form->came, form->key, "type") &&
                 !constant->escaped && str_eq(constant->text, str_of(form->kind));
    }
    return values == 1 && values + kinds == wanted;
}

static bool stands_there(const struct both *both, const struct joined *came, const struct joined *held)
{
    for (size_t i = 0; held->count == 1 && i < sizeof forms / sizeof *forms; i++)
        if (is_form(both, &forms[i], came, held->at[0]))
            return true;
    return false;
}

bool echo_same_pattern(struct str came, struct str held, struct arena *arena)
{
    struct stix_pattern a, b;
    struct both both = {&a, &b, arena};
    struct joined came_joined, held_joined;
    arena_reset(arena);
    if (stix_pattern_parse(came, STIX_PATTERN_2_1, arena, &a, NULL, NULL) != ERR_OK ||
        stix_pattern_parse(held, STIX_PATTERN_2_1, arena, &b, NULL, NULL) != ERR_OK)
        return false;
    if (same_tree(&both))
        return true;
    return joined_by_and(&a, &came_joined) && joined_by_and(&b, &held_joined) &&
           (same_comparisons(&both, &came_joined, &held_joined) ||
            stands_there(&both, &came_joined, &held_joined));
}
