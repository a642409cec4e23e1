/* A schema becomes flat tables. Its objects are taken in the order in which they were found (a queue, no
 * recursion), so that the properties of one stand together. */
#include <math.h>
#include <stdio.h>

#include "core/mem.h"
#include "stix/extension_in.h"
#include "stix/reader.h"

/* A schema that waits: where it stands, for faults. */
struct todo {
    struct json_val v;
    uint16_t parent; /* place of the one that it stands in; its own for parts */
    const char *under;
    struct str name;
};

struct build {
    struct arena *arena;
    struct fault *fault;
    unsigned types;
    struct json_val required; /* of the schema in hand: taken behind its properties */
    bool has_required;
    struct str keyword; /* in hand */
    uint16_t here;
    size_t rule_count, prop_count, word_count, part_count;
    struct todo todos[LIMIT_EXTENSION_RULES];
    struct extension_rule rules[LIMIT_EXTENSION_RULES];
    struct extension_prop props[LIMIT_EXTENSION_RULES];
    struct extension_word words[LIMIT_EXTENSION_WORDS];
    struct extension_part parts[LIMIT_EXTENSION_PARTS];
};

/* --- saying what is wrong --- */

static void write_pointer(const struct build *b, char out[FAULT_POINTER_MAX])
{
    uint16_t path[LIMIT_EXTENSION_DEPTH + 2];
    size_t depth = 0;
    int len = snprintf(out, FAULT_POINTER_MAX, "schema:");
    for (uint16_t at = b->here; at != EXTENSION_ANYTHING && depth < LIMIT_EXTENSION_DEPTH + 2;) {
        path[depth++] = at;
        at = b->todos[at].parent == at ? EXTENSION_ANYTHING : b->todos[at].parent;
    }
    while (depth-- > 0 && len >= 0 && len < FAULT_POINTER_MAX) {
        const struct todo *todo = &b->todos[path[depth]];
        len +=
            snprintf(out + len, FAULT_POINTER_MAX - (size_t)len, "%s%.*s", todo->under, STR_ARG(todo->name));
    }
    if (b->keyword.len > 0 && len >= 0 && len < FAULT_POINTER_MAX)
        (void)snprintf(out + len, FAULT_POINTER_MAX - (size_t)len, "/%.*s", STR_ARG(stix_shown(b->keyword)));
}

#define REFUSE(b, code, ...) (write_fault_pointer(b), fault_set((b)->fault, code, 0, __VA_ARGS__))

static void write_fault_pointer(struct build *b)
{
    if (b->fault != NULL)
        write_pointer(b, b->fault->pointer);
}

/* --- rows --- */

static const struct extension_rule anything = {.types = EXTENSION_ANY,
                                               .length_max = UINT32_MAX,
                                               .items_max = UINT32_MAX,
                                               .min = -INFINITY,
                                               .max = INFINITY};

/* A schema that stands in the one in hand (or begins a part) waits for its turn. */
static err_t add_rule(struct build *b, struct json_val v, const char *under, struct str name, uint16_t *out)
{
    if (json_is(v, JSON_TRUE)) {
        *out = EXTENSION_ANYTHING;
        return ERR_OK;
    }
    if (!json_is(v, JSON_OBJECT))
        return REFUSE(b, ERR_INVALID, "a schema is an object, or true");
    if (b->rule_count >= LIMIT_EXTENSION_RULES)
        return REFUSE(b, ERR_LIMIT, "more than %d schemas in it", LIMIT_EXTENSION_RULES);
    unsigned depth = b->rules[b->here].depth + 1u;
    if (depth > LIMIT_EXTENSION_DEPTH)
        return REFUSE(b, ERR_LIMIT, "schemas in each other deeper than %d", LIMIT_EXTENSION_DEPTH);
    uint16_t at = (uint16_t)b->rule_count++;
    b->rules[at] = anything;
    b->rules[at].depth = (uint8_t)depth;
    b->todos[at] = (struct todo) {v, b->here == EXTENSION_ANYTHING ? at : b->here, under, name};
    *out = at;
    return ERR_OK;
}

static err_t copy_text(struct build *b, struct str text, struct str *out)
{
    *out = arena_str(b->arena, text);
    return out->at == NULL ? REFUSE(b, ERR_NOMEM, "no memory for the schema") : ERR_OK;
}

static err_t add_prop(struct build *b, struct str name, uint16_t rule, bool required)
{
    struct extension_rule *here = &b->rules[b->here];
    struct extension_prop *prop = &b->props[b->prop_count];
    if (here->prop_count >= LIMIT_EXTENSION_PROPS)
        return REFUSE(b, ERR_LIMIT, "more than %d properties of one object", LIMIT_EXTENSION_PROPS);
    if (b->prop_count >= LIMIT_EXTENSION_RULES)
        return REFUSE(b, ERR_LIMIT, "more than %d properties", LIMIT_EXTENSION_RULES);
    *prop = (struct extension_prop) {.rule = rule, .required = required};
    if (here->prop_count == 0)
        here->prop = (uint16_t)b->prop_count;
    b->prop_count++;
    here->prop_count++;
    return copy_text(b, name, &prop->name);
}

static err_t add_word(struct build *b, const struct extension_word *word)
{
    struct extension_rule *here = &b->rules[b->here];
    if (b->word_count >= LIMIT_EXTENSION_WORDS)
        return REFUSE(b, ERR_LIMIT, "more than %d listed values", LIMIT_EXTENSION_WORDS);
    if (here->word_count == 0)
        here->word = (uint16_t)b->word_count;
    struct extension_word *kept = &b->words[b->word_count++];
    here->word_count++;
    *kept = *word;
    return copy_text(b, word->text, &kept->text);
}

/* --- keywords --- */

static err_t add_type(struct build *b, uint8_t *types, struct json_val v)
{
    static const struct {
        struct str name;
        uint8_t types;
    } names[] = {{{"null", 4}, EXTENSION_NULL},       {{"boolean", 7}, EXTENSION_BOOL},
                 {{"integer", 7}, EXTENSION_INTEGER}, {{"number", 6}, EXTENSION_INTEGER | EXTENSION_FRACTION},
                 {{"string", 6}, EXTENSION_STRING},   {{"array", 5}, EXTENSION_ARRAY},
                 {{"object", 6}, EXTENSION_OBJECT}};
    for (size_t i = 0; json_is(v, JSON_STRING) && i < sizeof names / sizeof names[0]; i++)
        if (str_eq(json_str(v), names[i].name)) {
            *types |= names[i].types;
            return ERR_OK;
        }
    return REFUSE(b, ERR_INVALID, "a type is one of null, boolean, integer, number, string, array, object");
}

static err_t take_type(struct build *b, struct json_val v)
{
    struct json_val element;
    uint8_t types = 0;
    err_t err;
    if (!json_is(v, JSON_ARRAY)) {
        err = add_type(b, &types, v);
    } else {
        struct json_iter iter = json_array_iter(v);
        err = json_array_count(v) > 0 ? ERR_OK : REFUSE(b, ERR_INVALID, "an empty list of types");
        while (err == ERR_OK && json_array_next(&iter, &element))
            err = add_type(b, &types, element);
    }
    b->rules[b->here].types = types;
    return err;
}

static err_t take_properties(struct build *b, struct json_val v)
{
    struct json_val schema;
    struct str name;
    uint16_t rule;
    err_t err;
    if (!json_is(v, JSON_OBJECT))
        return REFUSE(b, ERR_INVALID, "properties is an object of schemas");
    struct json_iter iter = json_object_iter(v);
    while (json_object_next(&iter, &name, &schema))
        if (TRY(err, add_rule(b, schema, "/properties/", name, &rule)) ||
            TRY(err, add_prop(b, name, rule, false)))
            return err;
    return ERR_OK;
}

static err_t take_required(struct build *b, struct json_val v)
{
    b->has_required = true;
    b->required = v;
    return ERR_OK;
}

/* Behind the properties: a name that they do not describe may be anything. */
static err_t close_required(struct build *b)
{
    struct extension_table table = {.props = b->props};
    struct json_val v;
    err_t err;
    b->keyword = STR("required");
    if (!json_is(b->required, JSON_ARRAY))
        return REFUSE(b, ERR_INVALID, "required is a list of names");
    struct json_iter iter = json_array_iter(b->required);
    while (json_array_next(&iter, &v)) {
        if (!json_is(v, JSON_STRING))
            return REFUSE(b, ERR_INVALID, "required is a list of names");
        size_t at = extension_prop_find(&table, &b->rules[b->here], json_str(v));
        if (at != SIZE_MAX)
            b->props[b->rules[b->here].prop + at].required = true;
        else if (TRY(err, add_prop(b, json_str(v), EXTENSION_ANYTHING, true)))
            return err;
    }
    return ERR_OK;
}

static err_t take_items(struct build *b, struct json_val v)
{
    uint16_t rule;
    err_t err = add_rule(b, v, "/items", STR(""), &rule);
    b->rules[b->here].item = err == ERR_OK ? rule : EXTENSION_ANYTHING;
    return err;
}

static err_t take_additional(struct build *b, struct json_val v)
{
    if (!json_is(v, JSON_TRUE) && !json_is(v, JSON_FALSE))
        return REFUSE(b, ERR_UNSUPPORTED, "additionalProperties is true or false here");
    b->rules[b->here].closed = json_is(v, JSON_FALSE);
    return ERR_OK;
}

static err_t take_word(struct build *b, struct json_val v)
{
    struct extension_word word = {.type = json_type(v), .text = STR("")};
    switch (word.type) {
    case JSON_STRING:
        word.text = json_str(v);
        break;
    case JSON_INT:
        word.number = json_int(v);
        break;
    case JSON_NULL:
    case JSON_TRUE:
    case JSON_FALSE:
        break;
    default:
        return REFUSE(b, ERR_UNSUPPORTED,
                      "a listed value is a string, an integer of 64 bits, true, false or null");
    }
    return add_word(b, &word);
}

static err_t take_enum(struct build *b, struct json_val v)
{
    struct json_val element;
    err_t err = ERR_OK;
    if (b->rules[b->here].word_count > 0)
        return REFUSE(b, ERR_UNSUPPORTED, "one of enum, const and the types of an identifier is enough");
    if (!json_is(v, JSON_ARRAY) || json_array_count(v) == 0)
        return REFUSE(b, ERR_INVALID, "enum is a list of values, at least one");
    struct json_iter iter = json_array_iter(v);
    while (err == ERR_OK && json_array_next(&iter, &element))
        err = take_word(b, element);
    return err;
}

static err_t take_const(struct build *b, struct json_val v)
{
    if (b->rules[b->here].word_count > 0)
        return REFUSE(b, ERR_UNSUPPORTED, "one of enum, const and the types of an identifier is enough");
    return take_word(b, v);
}

static err_t take_number(struct build *b, struct json_val v, double *out)
{
    switch (json_type(v)) {
    case JSON_INT:
        *out = (double)json_int(v);
        return ERR_OK;
    case JSON_UINT:
        *out = (double)json_uint(v);
        return ERR_OK;
    case JSON_DOUBLE:
        *out = json_double(v);
        return ERR_OK;
    default:
        return REFUSE(b, ERR_INVALID, "it is a number");
    }
}

static err_t take_minimum(struct build *b, struct json_val v)
{
    return take_number(b, v, &b->rules[b->here].min);
}

static err_t take_maximum(struct build *b, struct json_val v)
{
    return take_number(b, v, &b->rules[b->here].max);
}

static err_t take_count(struct build *b, struct json_val v, uint32_t *out)
{
    if (!json_is(v, JSON_INT) || json_int(v) < 0 || json_int(v) >= UINT32_MAX)
        return REFUSE(b, ERR_INVALID, "it is a whole number from 0 on");
    *out = (uint32_t)json_int(v);
    return ERR_OK;
}

static err_t take_min_length(struct build *b, struct json_val v)
{
    return take_count(b, v, &b->rules[b->here].length_min);
}

static err_t take_max_length(struct build *b, struct json_val v)
{
    return take_count(b, v, &b->rules[b->here].length_max);
}

static err_t take_min_items(struct build *b, struct json_val v)
{
    return take_count(b, v, &b->rules[b->here].items_min);
}

static err_t take_max_items(struct build *b, struct json_val v)
{
    return take_count(b, v, &b->rules[b->here].items_max);
}

/* "identifier malware tool": words behind the first are the types that it may name. */
static err_t take_format(struct build *b, struct json_val v)
{
    struct str rest = json_is(v, JSON_STRING) ? json_str(v) : STR("");
    struct str word = str_cut(&rest, ' ');
    uint8_t form = extension_form_find(word);
    err_t err = ERR_OK;
    if (form == 0)
        return REFUSE(b, ERR_UNSUPPORTED, "a format that is not checked here; leave it out");
    b->rules[b->here].form = form;
    if (rest.at != NULL && (!extension_form_is_id(form) || b->rules[b->here].word_count > 0))
        return REFUSE(b, ERR_INVALID, "only an identifier has types behind it, and then no enum beside it");
    while (err == ERR_OK && rest.at != NULL) {
        word = str_cut(&rest, ' ');
        err = word.len == 0 ? REFUSE(b, ERR_INVALID, "types are parted by one blank")
                            : add_word(b, &(struct extension_word) {.type = JSON_STRING, .text = word});
    }
    return err;
}

/* NULL: says something to people alone. */
static const struct keyword {
    struct str name;
    err_t (*take)(struct build *b, struct json_val v);
} keywords[] = {
    {{"type", 4}, take_type},
    {{"properties", 10}, take_properties},
    {{"required", 8}, take_required},
    {{"items", 5}, take_items},
    {{"additionalProperties", 20}, take_additional},
    {{"enum", 4}, take_enum},
    {{"const", 5}, take_const},
    {{"minimum", 7}, take_minimum},
    {{"maximum", 7}, take_maximum},
    {{"minLength", 9}, take_min_length},
    {{"maxLength", 9}, take_max_length},
    {{"minItems", 8}, take_min_items},
    {{"maxItems", 8}, take_max_items},
    {{"format", 6}, take_format},
    {{"$schema", 7}, NULL},
    {{"$id", 3}, NULL},
    {{"$comment", 8}, NULL},
    {{"title", 5}, NULL},
    {{"description", 11}, NULL},
    {{"default", 7}, NULL},
    {{"examples", 8}, NULL},
    {{"deprecated", 10}, NULL},
};

static const struct keyword *keyword_find(struct str name)
{
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (str_eq(keywords[i].name, name))
            return &keywords[i];
    return NULL;
}

static err_t check_ranges(struct build *b)
{
    const struct extension_rule *rule = &b->rules[b->here];
    b->keyword = STR("");
    if (rule->min > rule->max || rule->length_min > rule->length_max || rule->items_min > rule->items_max)
        return REFUSE(b, ERR_INVALID, "a minimum above its maximum");
    return ERR_OK;
}

static err_t take_schema(struct build *b, uint16_t at)
{
    struct json_val v;
    struct str name;
    err_t err;
    b->here = at;
    b->has_required = false;
    struct json_iter iter = json_object_iter(b->todos[at].v);
    while (json_object_next(&iter, &name, &v)) {
        const struct keyword *keyword = keyword_find(name);
        b->keyword = name;
        if (keyword == NULL)
            return REFUSE(b, ERR_UNSUPPORTED, "\"%.*s\" is no keyword that is checked here",
                          STR_ARG(stix_shown(name)));
        if (keyword->take != NULL && TRY(err, keyword->take(b, v)))
            return err;
    }
    if (b->has_required && TRY(err, close_required(b)))
        return err;
    return check_ranges(b);
}

/* --- parts --- */

/* "new-sdo", "new-sdo:x-camera". */
static bool part_name(struct str name, enum stix_extension_type *out_type, struct str *out_object)
{
    struct str rest = name;
    struct str head = str_cut(&rest, ':');
    *out_object = rest.at == NULL ? STR("") : rest;
    return extension_type_read(head, out_type) && (rest.at == NULL || rest.len > 0);
}

static err_t add_part(struct build *b, enum stix_extension_type type, struct str object, struct str name,
                      struct json_val v)
{
    struct extension_part *part = &b->parts[b->part_count];
    uint16_t rule;
    err_t err;
    b->here = EXTENSION_ANYTHING;
    b->keyword = name;
    if (b->part_count >= LIMIT_EXTENSION_PARTS)
        return REFUSE(b, ERR_LIMIT, "more than %d kinds of objects", LIMIT_EXTENSION_PARTS);
    if ((b->types >> type & 1) == 0)
        return REFUSE(b, ERR_INVALID, "%s is none of the definition's extension_types",
                      stix_extension_type_name(type));
    if (TRY(err, copy_text(b, object, &part->object_type)) ||
        TRY(err, add_rule(b, v, name.len > 0 ? "/" : "", name, &rule)))
        return err;
    part->type = type;
    part->rule = rule;
    b->part_count++;
    return ERR_OK;
}

/* `true` says that anything goes; silence may be an oversight. */
static err_t check_complete(struct build *b)
{
    b->here = EXTENSION_ANYTHING;
    b->keyword = STR("");
    for (unsigned type = 0; type < STIX_EXTENSION_TYPES; type++) {
        bool has = (b->types >> type & 1) == 0;
        for (size_t i = 0; i < b->part_count; i++)
            has |= b->parts[i].type == type;
        if (!has)
            return REFUSE(b, ERR_INVALID,
                          "no schema for the extension type %s: write true when anything goes",
                          stix_extension_type_name((enum stix_extension_type)type));
    }
    return ERR_OK;
}

static err_t take_parts(struct build *b, struct json_val schema)
{
    struct json_iter iter = json_object_iter(schema);
    enum stix_extension_type type;
    struct json_val v;
    struct str name, object;
    err_t err;
    while (json_object_next(&iter, &name, &v)) {
        if (!part_name(name, &type, &object)) {
            b->keyword = name;
            return REFUSE(b, ERR_INVALID, "beside schemas by extension type stands nothing else");
        }
        if (TRY(err, add_part(b, type, object, name, v)))
            return err;
    }
    return check_complete(b);
}

static err_t take_root(struct build *b, struct json_val schema)
{
    enum stix_extension_type type;
    struct json_val v;
    struct str name, object;
    if (!json_is(schema, JSON_OBJECT))
        return REFUSE(b, ERR_INVALID, "a schema is an object");
    struct json_iter iter = json_object_iter(schema);
    if (json_object_next(&iter, &name, &v) && part_name(name, &type, &object))
        return take_parts(b, schema);
    if ((b->types & (b->types - 1)) != 0)
        return REFUSE(b, ERR_INVALID,
                      "the extension has several types: write {\"new-sdo\": schema, \"property-extension\": "
                      "schema, ...}");
    return add_part(b, (enum stix_extension_type)__builtin_ctz(b->types), STR(""), STR(""), schema);
}

/* Section 7.3.2: what an extension may call its properties. */
static err_t check_names(struct build *b, const struct extension_part *part)
{
    const struct extension_rule *rule = &b->rules[part->rule];
    for (size_t i = 0; i < rule->prop_count; i++) {
        struct str name = b->props[rule->prop + i].name;
        b->here = part->rule;
        b->keyword = STR("properties");
        if (!stix_check_custom_name(name))
            return REFUSE(b, ERR_INVALID, "%.*s: a property's name is a-z, 0-9 and _, 3 to 250 (7.3.2)",
                          STR_ARG(stix_shown(name)));
        if (part->type != STIX_EXTENSION_PROPERTY && stix_prop_common(name) != NULL)
            return REFUSE(b, ERR_INVALID, "%.*s is the standard's own: leave it out (7.3)",
                          STR_ARG(stix_shown(name)));
    }
    return ERR_OK;
}

/* --- the whole --- */

static err_t keep(struct build *b, const void *from, size_t count, size_t size, const void **out)
{
    void *at = arena_alloc(b->arena, (count > 0 ? count : 1) * size);
    if (at == NULL)
        return REFUSE(b, ERR_NOMEM, "no memory for the schema");
    if (count > 0)
        memcpy(at, from, count * size);
    *out = at;
    return ERR_OK;
}

static err_t keep_all(struct build *b, struct extension_table *out)
{
    const void *parts, *rules, *props, *words;
    err_t err;
    if (TRY(err, keep(b, b->parts, b->part_count, sizeof b->parts[0], &parts)) ||
        TRY(err, keep(b, b->rules, b->rule_count, sizeof b->rules[0], &rules)) ||
        TRY(err, keep(b, b->props, b->prop_count, sizeof b->props[0], &props)) ||
        TRY(err, keep(b, b->words, b->word_count, sizeof b->words[0], &words)))
        return err;
    *out = (struct extension_table) {parts,         rules,         props,         words,
                                     b->part_count, b->rule_count, b->prop_count, b->word_count};
    return ERR_OK;
}

static err_t build(struct build *b, struct json_val schema, struct extension_table *out)
{
    err_t err;
    b->rules[EXTENSION_ANYTHING] = anything;
    b->rule_count = 1;
    b->keyword = STR("");
    if (TRY(err, take_root(b, schema)))
        return err;
    for (size_t at = 1; at < b->rule_count; at++)
        if (TRY(err, take_schema(b, (uint16_t)at)))
            return err;
    for (size_t i = 0; i < b->part_count; i++)
        if (TRY(err, check_names(b, &b->parts[i])))
            return err;
    return keep_all(b, out);
}

err_t extension_table_build(struct json_val schema, unsigned types, struct arena *arena,
                            struct extension_table *out, struct fault *fault)
{
    struct build *b = mem_alloc(sizeof *b);
    if (b == NULL)
        return fault_set(fault, ERR_NOMEM, 0, "no memory for the schema");
    b->arena = arena;
    b->fault = fault;
    b->types = types;
    err_t err =
        types == 0 ? REFUSE(b, ERR_INVALID, "the definition has no extension_types") : build(b, schema, out);
    mem_free(b);
    return err;
}
