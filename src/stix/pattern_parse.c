#include "stix/pattern_build.h"

/* Observation expressions, their operators and qualifiers (section 9.5), by operator precedence on two fixed
 * stacks: operands that are whole, and operators and open brackets that wait. */

enum {
    /* What waits besides the operators (enum stix_pattern_kind). */
    OPEN_GROUP = 100, /* ( around observation expressions */
    OPEN_BRACKET,     /* [ */
    OPEN_INNER,       /* ( around comparison expressions */
    /* At most three operators of rising precedence wait in each open bracket. */
    STACK_SIZE = 4 * (LIMIT_STIX_PATTERN_DEPTH + 2),
    TYPES_MAX = 64,
};

struct operand {
    uint32_t node;
    uint32_t offset;
    uint64_t types;     /* bits over parser.types: where one object can satisfy it */
    uint8_t kind;       /* enum stix_pattern_kind */
    uint8_t qualifiers; /* bits over the qualifiers it has */
    bool closed;        /* in parentheses: nothing joins it any more */
};

struct waiting {
    uint32_t offset;
    uint8_t what;
};

struct parser {
    struct pattern p;
    size_t operand_count, waiting_count, depth;
    unsigned type_count;
    bool inside;                 /* of [ ] */
    struct str types[TYPES_MAX]; /* object types of the observation expression in hand */
    struct operand operands[STACK_SIZE];
    struct waiting waiting[STACK_SIZE];
};

/* --- the tree --- */

static err_t add(struct pattern *p, struct pattern_list *list, size_t size, const void *item, uint32_t *out)
{
    if (list->count == list->size) {
        uint32_t grown = list->size == 0 ? 8 : 2 * list->size;
        void *at = arena_alloc(p->arena, grown * size);
        if (at == NULL)
            return fault_set(p->fault, ERR_NOMEM, 0, "no memory for a pattern");
        if (list->count > 0)
            memcpy(at, list->at, list->count * size);
        list->at = at;
        list->size = grown;
    }
    memcpy((char *)list->at + list->count * size, item, size);
    *out = list->count++;
    return ERR_OK;
}

err_t pattern_add_node(struct pattern *p, const struct stix_pattern_node *node, uint32_t *out)
{
    *out = STIX_PATTERN_NONE;
    return p->arena == NULL ? ERR_OK : add(p, &p->nodes, sizeof *node, node, out);
}

err_t pattern_add_step(struct pattern *p, const struct stix_pattern_step *step, uint32_t *out)
{
    *out = STIX_PATTERN_NONE;
    return p->arena == NULL ? ERR_OK : add(p, &p->steps, sizeof *step, step, out);
}

err_t pattern_add_constant(struct pattern *p, const struct stix_pattern_constant *constant, uint32_t *out)
{
    *out = STIX_PATTERN_NONE;
    return p->arena == NULL ? ERR_OK : add(p, &p->constants, sizeof *constant, constant, out);
}

static struct stix_pattern_node *node_at(struct pattern *p, uint32_t at)
{
    must(at < p->nodes.count);
    return (struct stix_pattern_node *)p->nodes.at + at;
}

static struct stix_pattern_node parent(uint8_t kind, uint32_t first, uint32_t last, uint32_t offset)
{
    return (struct stix_pattern_node) {
        .kind = kind, .first = first, .last = last, .next = STIX_PATTERN_NONE, .offset = offset};
}

/* --- stacks --- */

static err_t open_with(struct parser *s, uint8_t what)
{
    if (++s->depth > LIMIT_STIX_PATTERN_DEPTH)
        return fault_set(s->p.fault, ERR_LIMIT, s->p.at, "brackets nested deeper than %d",
                         LIMIT_STIX_PATTERN_DEPTH);
    must(s->waiting_count < STACK_SIZE);
    s->waiting[s->waiting_count++] = (struct waiting) {(uint32_t)s->p.at, what};
    s->p.at++;
    return ERR_OK;
}

static void push(struct parser *s, struct operand operand)
{
    must(s->operand_count < STACK_SIZE);
    s->operands[s->operand_count++] = operand;
}

static struct operand *top(struct parser *s)
{
    must(s->operand_count > 0);
    return &s->operands[s->operand_count - 1];
}

static unsigned precedence(uint8_t kind)
{
    static const uint8_t of[] = {[STIX_PATTERN_OR] = 1,
                                 [STIX_PATTERN_AND] = 2,
                                 [STIX_PATTERN_THEN] = 1,
                                 [STIX_PATTERN_EITHER] = 2,
                                 [STIX_PATTERN_ALSO] = 3};
    return kind < sizeof of ? of[kind] : 0;
}

/* Section 9.5: what AND joins must be satisfiable by one object, and an object has one type. */
static uint64_t join_types(struct parser *s, const struct operand *a, const struct operand *b, uint8_t kind)
{
    if (kind != STIX_PATTERN_AND)
        return a->types | b->types;
    if ((a->types & b->types) != 0)
        return a->types & b->types;
    pattern_remark(&s->p, s->p.version == STIX_PATTERN_2_1, b->offset, "9.5",
                   "no object satisfies both sides of AND: their paths start at different object types");
    return a->types | b->types;
}

/* Joins the two operands on top by the operator on top. */
static err_t join(struct parser *s)
{
    must(s->waiting_count > 0 && s->operand_count > 1);
    struct waiting op = s->waiting[--s->waiting_count];
    struct operand right = s->operands[--s->operand_count];
    struct operand *left = top(s);
    err_t err = ERR_OK;
    left->types = join_types(s, left, &right, op.what);
    bool flat = left->kind == op.what && !left->closed;
    if (s->p.arena != NULL) {
        uint32_t before = flat ? node_at(&s->p, left->node)->last : left->node;
        node_at(&s->p, before)->next = right.node;
        struct stix_pattern_node node = parent(op.what, left->node, right.node, op.offset);
        if (flat)
            node_at(&s->p, left->node)->last = right.node;
        else
            err = pattern_add_node(&s->p, &node, &left->node);
    }
    left->kind = op.what;
    left->closed = false;
    left->qualifiers = 0;
    return err;
}

static err_t join_down_to(struct parser *s, unsigned level)
{
    err_t err = ERR_OK;
    while (err == ERR_OK && s->waiting_count > 0 &&
           precedence(s->waiting[s->waiting_count - 1].what) >= level)
        err = join(s);
    return err;
}

static err_t push_operator(struct parser *s, uint8_t kind, size_t offset)
{
    err_t err = join_down_to(s, precedence(kind));
    must(s->waiting_count < STACK_SIZE);
    s->waiting[s->waiting_count++] = (struct waiting) {(uint32_t)offset, kind};
    return err;
}

/* --- operands --- */

static err_t type_bit(struct parser *s, struct str type, uint64_t *out)
{
    unsigned i = 0;
    while (i < s->type_count && !str_eq(s->types[i], type))
        i++;
    if (i == TYPES_MAX)
        return fault_set(s->p.fault, ERR_LIMIT, s->p.at, "more than %d object types in one [ ]", TYPES_MAX);
    if (i == s->type_count)
        s->types[s->type_count++] = type;
    *out = UINT64_C(1) << i;
    return ERR_OK;
}

static err_t take_comparison(struct parser *s, bool *out_whole)
{
    struct stix_pattern_node node;
    struct operand operand = {.kind = STIX_PATTERN_COMPARISON, .offset = (uint32_t)s->p.at};
    if (pattern_peek(&s->p) == '(')
        return open_with(s, OPEN_INNER);
    err_t err = pattern_comparison(&s->p, &node);
    if (err != ERR_OK || (err = type_bit(s, node.type, &operand.types)) != ERR_OK ||
        (err = pattern_add_node(&s->p, &node, &operand.node)) != ERR_OK)
        return err;
    push(s, operand);
    *out_whole = true;
    return ERR_OK;
}

/* *out_whole: an operand is complete, and an operator may follow. */
static err_t take_operand(struct parser *s, bool *out_whole)
{
    if (s->inside)
        return take_comparison(s, out_whole);
    if (pattern_peek(&s->p) == '(')
        return open_with(s, OPEN_GROUP);
    if (pattern_peek(&s->p) != '[')
        return pattern_expected(&s->p, "[ or (");
    s->inside = true;
    s->type_count = 0;
    return open_with(s, OPEN_BRACKET);
}

/* --- closing --- */

static err_t take_close(struct parser *s, uint8_t what)
{
    static const char *const unclosed[] = {
        [OPEN_GROUP - OPEN_GROUP] = "there is no ( for this )",
        [OPEN_BRACKET - OPEN_GROUP] = "a ) is missing before this ]",
        [OPEN_INNER - OPEN_GROUP] = "there is no ( for this )",
    };
    err_t err = join_down_to(s, 1);
    if (err != ERR_OK)
        return err;
    if (s->waiting_count == 0 || s->waiting[s->waiting_count - 1].what != what)
        return pattern_refuse(&s->p, s->p.at, "9.5", "%s", unclosed[what - OPEN_GROUP]);
    struct waiting open = s->waiting[--s->waiting_count];
    struct operand *operand = top(s);
    s->depth--;
    s->p.at++;
    operand->closed = true;
    operand->qualifiers = 0;
    if (what != OPEN_BRACKET)
        return ERR_OK;
    s->inside = false;
    operand->kind = STIX_PATTERN_OBSERVATION;
    struct stix_pattern_node node =
        parent(STIX_PATTERN_OBSERVATION, operand->node, operand->node, open.offset);
    return pattern_add_node(&s->p, &node, &operand->node);
}

/* --- qualifiers (section 9.5.1) --- */

static err_t take_keyword(struct pattern *p, struct str word, const char *what)
{
    err_t err = pattern_skip(p);
    if (err == ERR_OK && !pattern_take_word(p, word))
        return pattern_expected(p, what);
    return err;
}

static bool positive(const struct stix_pattern_constant *c)
{
    if (c->text.at[0] == '-')
        return false;
    for (size_t i = 0; i < c->text.len; i++)
        if (c->text.at[i] >= '1' && c->text.at[i] <= '9')
            return true;
    return false;
}

static err_t take_constant(struct pattern *p, const char *what, struct stix_pattern_constant *out,
                           size_t *out_from)
{
    err_t err = pattern_skip(p);
    *out_from = p->at;
    return err == ERR_OK ? pattern_constant(p, what, out) : err;
}

static err_t take_repeats(struct pattern *p, struct stix_pattern_constant out[2])
{
    size_t from;
    err_t err = take_constant(p, "a number of times", out, &from);
    if (err == ERR_OK && (out->kind != STIX_PATTERN_INT || !positive(out)))
        return pattern_refuse(p, from, "9.5.1", "REPEATS takes a positive integer");
    return err == ERR_OK ? take_keyword(p, STR("TIMES"), "TIMES") : err;
}

static err_t take_within(struct pattern *p, struct stix_pattern_constant out[2])
{
    size_t from;
    err_t err = take_constant(p, "a number of seconds", out, &from);
    if (err == ERR_OK &&
        ((out->kind != STIX_PATTERN_INT && out->kind != STIX_PATTERN_FLOAT) || !positive(out)))
        return pattern_refuse(p, from, "9.5.1", "WITHIN takes a positive number");
    return err == ERR_OK ? take_keyword(p, STR("SECONDS"), "SECONDS") : err;
}

static err_t take_time(struct pattern *p, struct stix_pattern_constant *out)
{
    size_t from;
    err_t err = take_constant(p, "a timestamp t'...'", out, &from);
    if (err != ERR_OK || out->kind == STIX_PATTERN_TIME)
        return err;
    if (p->version == STIX_PATTERN_2_1 || out->kind != STIX_PATTERN_STRING)
        return pattern_refuse(p, from, "9.5.1", "START and STOP take timestamps: t'2026-01-01T00:00:00Z'");
    out->kind = STIX_PATTERN_TIME;
    if (stamp_parse(out->text, &out->value.time, NULL) != ERR_OK)
        return pattern_refuse(p, from, "2.16", "no timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z");
    return ERR_OK;
}

static err_t take_start_stop(struct pattern *p, struct stix_pattern_constant out[2])
{
    size_t from = p->at;
    err_t err = take_time(p, &out[0]);
    if (err == ERR_OK)
        err = take_keyword(p, STR("STOP"), "STOP");
    if (err == ERR_OK)
        err = take_time(p, &out[1]);
    if (err == ERR_OK && stamp_cmp(out[0].value.time, out[1].value.time) >= 0)
        pattern_remark(p, false, from, "9.5.1", "STOP is not after START: nothing matches");
    return err;
}

static const struct qualifier {
    struct str word;
    uint8_t kind, constants;
    err_t (*take)(struct pattern *p, struct stix_pattern_constant out[2]);
} qualifiers[] = {{{"REPEATS", 7}, STIX_PATTERN_REPEATS, 1, take_repeats},
                  {{"WITHIN", 6}, STIX_PATTERN_WITHIN, 1, take_within},
                  {{"START", 5}, STIX_PATTERN_START_STOP, 2, take_start_stop}};

static err_t once(struct parser *s, uint8_t bit, size_t offset)
{
    struct operand *operand = top(s);
    if ((operand->qualifiers & bit) != 0 && s->p.version == STIX_PATTERN_2_1)
        return pattern_refuse(&s->p, offset, "9.5.1",
                              "an observation expression has one qualifier of a kind");
    operand->qualifiers |= bit;
    return ERR_OK;
}

static err_t take_qualifier(struct parser *s, const struct qualifier *q)
{
    struct stix_pattern_constant constants[2];
    struct stix_pattern_node node = parent(q->kind, top(s)->node, top(s)->node, (uint32_t)s->p.at);
    uint32_t second;
    err_t err = once(s, (uint8_t)(1u << (q - qualifiers)), s->p.at);
    s->p.at += q->word.len;
    if (err != ERR_OK || (err = q->take(&s->p, constants)) != ERR_OK ||
        (err = pattern_add_constant(&s->p, &constants[0], &node.constant)) != ERR_OK)
        return err;
    if (q->constants > 1 && (err = pattern_add_constant(&s->p, &constants[1], &second)) != ERR_OK)
        return err;
    node.constant_count = q->constants;
    top(s)->kind = q->kind;
    return pattern_add_node(&s->p, &node, &top(s)->node);
}

/* --- operators --- */

static const struct {
    struct str word;
    uint8_t inside, outside; /* enum stix_pattern_kind, or no operator there: COMPARISON */
} operators[] = {{{"AND", 3}, STIX_PATTERN_AND, STIX_PATTERN_ALSO},
                 {{"OR", 2}, STIX_PATTERN_OR, STIX_PATTERN_EITHER},
                 {{"FOLLOWEDBY", 10}, STIX_PATTERN_COMPARISON, STIX_PATTERN_THEN}};

static err_t take_word(struct parser *s, bool *out_whole)
{
    struct str word = pattern_word_ahead(&s->p, false);
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        uint8_t kind = s->inside ? operators[i].inside : operators[i].outside;
        if (kind == STIX_PATTERN_COMPARISON || !str_eq(word, operators[i].word))
            continue;
        *out_whole = false;
        s->p.at += word.len;
        return push_operator(s, kind, s->p.at - word.len);
    }
    if (s->inside)
        return pattern_expected(&s->p, "AND, OR or ]");
    for (size_t i = 0; i < sizeof qualifiers / sizeof qualifiers[0]; i++)
        if (str_eq(word, qualifiers[i].word))
            return take_qualifier(s, &qualifiers[i]);
    return pattern_expected(&s->p, "AND, OR, FOLLOWEDBY, REPEATS, WITHIN or START");
}

static err_t take_after(struct parser *s, bool *out_whole)
{
    char c = pattern_peek(&s->p);
    if (c == ')')
        return take_close(s, s->inside ? OPEN_INNER : OPEN_GROUP);
    if (c == ']' && s->inside)
        return take_close(s, OPEN_BRACKET);
    return take_word(s, out_whole);
}

/* --- the whole --- */

static err_t finish(struct parser *s, bool whole)
{
    if (!whole)
        return pattern_expected(&s->p, s->inside ? "an object path such as file:name" : "[ or (");
    err_t err = join_down_to(s, 1);
    if (err == ERR_OK && s->waiting_count > 0)
        return pattern_refuse(&s->p, s->waiting[s->waiting_count - 1].offset, "9.5",
                              "this bracket is never closed");
    return err;
}

static err_t parse(struct parser *s)
{
    bool whole = false;
    err_t err = ERR_OK;
    if (s->p.text.len > LIMIT_OBJECT_BYTES)
        return fault_set(s->p.fault, ERR_LIMIT, 0, "a pattern of more than %u bytes", LIMIT_OBJECT_BYTES);
    while (err == ERR_OK && (err = pattern_skip(&s->p)) == ERR_OK) {
        if (s->p.at >= s->p.text.len)
            return finish(s, whole);
        err = whole ? take_after(s, &whole) : take_operand(s, &whole);
    }
    return err;
}

static err_t run(struct str text, enum stix_pattern_version version, struct arena *arena,
                 struct stix_pattern *out, struct stix_pattern_remarks *remarks, struct fault *fault)
{
    struct parser s;
    struct stix_pattern_remarks kept;
    kept.count = kept.dropped = 0;
    s.p = (struct pattern) {.text = text,
                            .version = version,
                            .remarks = remarks == NULL ? NULL : &kept,
                            .fault = fault,
                            .arena = arena};
    s.operand_count = s.waiting_count = s.depth = 0;
    s.type_count = 0;
    s.inside = false;
    err_t err = parse(&s);
    if (err == ERR_OK && remarks != NULL)
        *remarks = kept;
    if (err == ERR_OK && out != NULL)
        *out = (struct stix_pattern) {.text = text,
                                      .nodes = s.p.nodes.at,
                                      .steps = s.p.steps.at,
                                      .constants = s.p.constants.at,
                                      .node_count = s.p.nodes.count,
                                      .step_count = s.p.steps.count,
                                      .constant_count = s.p.constants.count,
                                      .root = top(&s)->node};
    return err;
}

err_t stix_pattern_check(struct str text, enum stix_pattern_version version,
                         struct stix_pattern_remarks *remarks, struct fault *fault)
{
    return run(text, version, NULL, NULL, remarks, fault);
}

err_t stix_pattern_parse(struct str text, enum stix_pattern_version version, struct arena *arena,
                         struct stix_pattern *out, struct stix_pattern_remarks *remarks, struct fault *fault)
{
    must(arena != NULL && out != NULL);
    return run(text, version, arena, out, remarks, fault);
}
