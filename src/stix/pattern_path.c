#include "stix/pattern_build.h"

/* One comparison expression (section 9.6) and the object path in it (section 9.7). */

/* --- paths --- */

static err_t take_key(struct pattern *p, struct stix_pattern_step *out)
{
    *out = (struct stix_pattern_step) {.kind = STIX_PATTERN_KEY};
    if (pattern_peek(p) == '\'') {
        size_t from = p->at;
        err_t err = pattern_quoted(p, &out->key, &out->escaped);
        if (err == ERR_OK && out->key.len == 0)
            return pattern_refuse(p, from, "9.7", "a property's name is not empty");
        return err;
    }
    out->key = pattern_word(p, false);
    if (out->key.len == 0)
        return pattern_expected(p, "a property's name");
    if (pattern_peek(p) == '-')
        return pattern_refuse(p, p->at, "9.7", "a name with a hyphen must stand in apostrophes");
    return ERR_OK;
}

/* Behind "[". */
static err_t take_index(struct pattern *p, struct stix_pattern_step *out)
{
    *out = (struct stix_pattern_step) {.kind = STIX_PATTERN_ANY};
    err_t err = pattern_skip(p);
    if (err != ERR_OK)
        return err;
    if (!pattern_take(p, '*')) {
        uint64_t index;
        struct str digits = pattern_word_ahead(p, true);
        bool tidy = digits.len == 1 || (digits.len > 1 && digits.at[0] != '0');
        if (!tidy || !str_to_u64(digits, UINT32_MAX, &index))
            return pattern_expected(p, "a list index (0, 1, 2 and so on) or *");
        out->kind = STIX_PATTERN_INDEX;
        out->index = (uint32_t)index;
        p->at += digits.len;
    }
    if ((err = pattern_skip(p)) != ERR_OK)
        return err;
    return pattern_take(p, ']') ? ERR_OK : pattern_expected(p, "] behind the list index");
}

static bool is_reference(struct str key)
{
    return str_ends(key, STR("_ref")) || str_ends(key, STR("_refs"));
}

static err_t add_step(struct pattern *p, struct pattern_walk *walk, struct stix_pattern_node *node,
                      const struct stix_pattern_step *step, size_t offset)
{
    if (step->kind == STIX_PATTERN_KEY)
        pattern_walk_key(p, walk, step->key, offset);
    else
        pattern_walk_index(p, walk, offset);
    uint32_t at;
    err_t err = pattern_add_step(p, step, &at);
    if (node->step_count++ == 0)
        node->step = at;
    return err;
}

static err_t take_step(struct pattern *p, struct pattern_walk *walk, struct stix_pattern_node *node,
                       char mark)
{
    struct stix_pattern_step step;
    err_t err = mark == '[' ? ERR_OK : pattern_skip(p);
    size_t offset = p->at;
    if (err == ERR_OK)
        err = mark == '[' ? take_index(p, &step) : take_key(p, &step);
    if (err != ERR_OK)
        return err;
    step.follows = step.kind == STIX_PATTERN_KEY && is_reference(step.key);
    return add_step(p, walk, node, &step, offset);
}

static err_t take_path(struct pattern *p, struct pattern_walk *walk, struct stix_pattern_node *node)
{
    size_t from = p->at;
    char mark = ':';
    if (pattern_peek(p) == '-' || (node->type = pattern_word(p, true)).len == 0)
        return pattern_expected(p, "an object path such as file:name, or (");
    err_t err = pattern_skip(p);
    if (err == ERR_OK && !pattern_take(p, ':'))
        err = pattern_expected(p, "a colon between object type and property");
    if (err != ERR_OK)
        return err;
    pattern_walk_type(p, walk, node->type, from);
    while (mark != '\0') {
        if ((err = take_step(p, walk, node, mark)) != ERR_OK || (err = pattern_skip(p)) != ERR_OK)
            return err;
        mark = pattern_take(p, '.') ? '.' : pattern_take(p, '[') ? '[' : '\0';
    }
    return ERR_OK;
}

/* --- operators --- */

static const char *const marks[] = {
    [STIX_PATTERN_EQ] = "=",  [STIX_PATTERN_NE] = "!=", [STIX_PATTERN_LT] = "<",
    [STIX_PATTERN_LE] = "<=", [STIX_PATTERN_GT] = ">",  [STIX_PATTERN_GE] = ">="};
static const struct {
    struct str word;
    enum stix_pattern_op op;
} words[] = {{{"IN", 2}, STIX_PATTERN_IN},
             {{"LIKE", 4}, STIX_PATTERN_LIKE},
             {{"MATCHES", 7}, STIX_PATTERN_MATCHES},
             {{"ISSUBSET", 8}, STIX_PATTERN_ISSUBSET},
             {{"ISSUPERSET", 10}, STIX_PATTERN_ISSUPERSET}};

/* The mark that is written with = ! < and >, as long as it gets. */
static err_t take_mark(struct pattern *p, uint8_t *out)
{
    size_t from = p->at;
    struct str mark = {p->text.at + from, 0};
    for (char c = pattern_peek(p); c == '=' || c == '!' || c == '<' || c == '>'; c = pattern_peek(p))
        p->at++;
    mark.len = p->at - from;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        if (str_eq(mark, str_of(marks[i]))) {
            *out = (uint8_t)i;
            return ERR_OK;
        }
    }
    return pattern_refuse(p, from, "9.6.1", "no operator is written \"%.*s\"; there are = != < <= > >=",
                          mark.len > 8 ? 8 : (int)mark.len, mark.at);
}

static err_t take_op(struct pattern *p, uint8_t *out)
{
    char c = pattern_peek(p);
    if (c == '=' || c == '!' || c == '<' || c == '>')
        return take_mark(p, out);
    struct str word = pattern_word_ahead(p, false);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (str_eq(word, words[i].word)) {
            p->at += word.len;
            *out = (uint8_t)words[i].op;
            return ERR_OK;
        }
    }
    return pattern_expected(p, "a comparison operator");
}

/* --- constants --- */

static err_t add_constant(struct pattern *p, struct stix_pattern_node *node,
                          const struct stix_pattern_constant *constant)
{
    uint32_t at;
    err_t err = pattern_add_constant(p, constant, &at);
    if (node->constant_count++ == 0)
        node->constant = at;
    return err;
}

/* Integers and floats are compared with each other (section 9.2): one type to a set. */
static uint8_t family(uint8_t kind)
{
    return kind == STIX_PATTERN_FLOAT ? STIX_PATTERN_INT : kind;
}

static err_t take_element(struct pattern *p, const struct pattern_walk *walk, struct stix_pattern_node *node,
                          uint8_t *kind)
{
    struct stix_pattern_constant constant;
    size_t from = p->at;
    err_t err = pattern_constant(p, "a constant", &constant);
    if (err != ERR_OK)
        return err;
    if (node->constant_count == 0)
        *kind = family(constant.kind);
    else if (family(constant.kind) != *kind)
        pattern_remark(p, p->version == STIX_PATTERN_2_1, from, "9.6.1",
                       "the constants of a set are of one data type");
    pattern_walk_constant(p, walk, node->op, &constant, from);
    err = add_constant(p, node, &constant);
    return err == ERR_OK ? pattern_skip(p) : err;
}

static err_t take_set(struct pattern *p, const struct pattern_walk *walk, struct stix_pattern_node *node)
{
    size_t from = p->at;
    uint8_t kind = 0;
    if (!pattern_take(p, '('))
        return pattern_expected(p, "( and a set of constants");
    err_t err = pattern_skip(p);
    if (err == ERR_OK && pattern_take(p, ')')) {
        pattern_remark(p, false, from, "9.6.1", "an empty set: nothing matches");
        return ERR_OK;
    }
    while (err == ERR_OK) {
        if ((err = take_element(p, walk, node, &kind)) != ERR_OK)
            return err;
        if (pattern_take(p, ')'))
            return ERR_OK;
        err = pattern_take(p, ',') ? pattern_skip(p) : pattern_expected(p, "a comma or )");
    }
    return err;
}

static err_t take_operand(struct pattern *p, const struct pattern_walk *walk, struct stix_pattern_node *node)
{
    struct stix_pattern_constant constant;
    size_t from = p->at;
    if (node->op == STIX_PATTERN_IN)
        return take_set(p, walk, node);
    if (node->op > STIX_PATTERN_IN && pattern_peek(p) != '\'')
        return pattern_expected(p, "a string");
    err_t err = pattern_constant(p, "a constant", &constant);
    if (err != ERR_OK)
        return err;
    if (node->op >= STIX_PATTERN_LT && node->op <= STIX_PATTERN_GE && constant.kind == STIX_PATTERN_BOOL)
        return pattern_refuse(p, from, "9.6.1", "true and false have no order");
    pattern_walk_constant(p, walk, node->op, &constant, from);
    return add_constant(p, node, &constant);
}

/* --- the whole --- */

static err_t take_comparison(struct pattern *p, struct pattern_walk *walk, struct stix_pattern_node *node)
{
    err_t err = take_path(p, walk, node);
    if (err != ERR_OK)
        return err;
    node->negated = pattern_take_word(p, STR("NOT"));
    size_t from = p->at;
    if ((err = pattern_skip(p)) != ERR_OK || (err = take_op(p, &node->op)) != ERR_OK)
        return err;
    pattern_walk_end(p, walk, node->op, from);
    err = pattern_skip(p);
    return err == ERR_OK ? take_operand(p, walk, node) : err;
}

err_t pattern_comparison(struct pattern *p, struct stix_pattern_node *out)
{
    struct pattern_walk walk = {NULL, NULL, false, false};
    *out = (struct stix_pattern_node) {.kind = STIX_PATTERN_COMPARISON,
                                       .first = STIX_PATTERN_NONE,
                                       .last = STIX_PATTERN_NONE,
                                       .next = STIX_PATTERN_NONE,
                                       .offset = (uint32_t)p->at};
    size_t from = p->at;
    err_t err = ERR_OK;
    bool negated = pattern_take_word(p, STR("NOT"));
    if (negated && (err = pattern_skip(p)) != ERR_OK)
        return err;
    if (pattern_take_word(p, STR("EXISTS"))) {
        out->op = STIX_PATTERN_EXISTS;
        out->negated = negated;
        if ((err = pattern_skip(p)) == ERR_OK && (err = take_path(p, &walk, out)) == ERR_OK)
            pattern_walk_end(p, &walk, out->op, from);
        return err;
    }
    if (negated)
        return pattern_refuse(p, from, "9.6.1",
                              "NOT stands behind the path and before the operator: file:name NOT = 'x'");
    return take_comparison(p, &walk, out);
}
