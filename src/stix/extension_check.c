/* An object against the schemas of the registered extensions that it uses. Walks with a stack of its own: no
 * deeper than the schema is. */
#include <stdio.h>

#include "stix/extension_in.h"
#include "stix/reader.h"

/* A container that is being checked. */
struct frame {
    struct json_iter iter;
    const struct extension_rule *rule;
    uint64_t seen;
    struct str name; /* member in hand; at NULL: none */
    size_t index;    /* element in hand; SIZE_MAX: none */
    bool array;
    bool object; /* the STIX object itself: the standard's own properties are not the extension's */
};

struct check {
    struct stix_reader *r;
    const struct stix_used_extension *used;
    const struct extension_table *table;
    bool nested; /* in `extensions`, otherwise at the object */
    size_t depth;
    struct frame frames[LIMIT_EXTENSION_DEPTH + 1];
};

/* --- the extensions of an object --- */

static void use(struct stix_reader *r, struct str name, struct json_val v)
{
    struct stix_key key;
    struct str word;
    struct stix_used_extension used = {.id = name, .value = v, .type = STIX_EXTENSION_TYPES};
    if (json_get_str(v, STR("extension_type"), &word))
        (void)extension_type_read(word, &used.type);
    bool known = stix_id_parse(name, &key);
    used.extension = known ? stix_extensions_find(r->extensions, &key) : NULL;
    bool adds = used.type != STIX_EXTENSION_PROPERTY && json_get_str(v, STR("extension_type"), &word);
    r->extended |= adds;
    r->extended_freely |= adds && used.extension == NULL;
    if (used.extension == NULL)
        return;
    if (r->used_count < LIMIT_EXTENSIONS_USED)
        r->used[r->used_count++] = used;
    else
        r->used_dropped = true;
}

void stix_extensions_gather(struct stix_reader *r)
{
    struct json_val extensions, v;
    struct str name;
    if (r->gathered)
        return;
    r->gathered = true;
    if (!json_get(r->object->root, STR("extensions"), &extensions) || !json_is(extensions, JSON_OBJECT))
        return;
    struct json_iter iter = json_object_iter(extensions);
    while (json_object_next(&iter, &name, &v))
        if (json_is(v, JSON_OBJECT))
            use(r, name, v);
}

static bool names(const struct stix_used_extension *used, struct str object_type, struct str name)
{
    const struct stix_extension *extension = used->extension;
    if (used->type == STIX_EXTENSION_PROPERTY || used->type == STIX_EXTENSION_TYPES)
        return false;
    for (size_t i = 0; used->type == STIX_EXTENSION_TOPLEVEL && i < extension->property_count; i++)
        if (str_eq(extension->properties[i], name))
            return true;
    const struct extension_part *part = extension_part_find(extension, used->type, object_type);
    return part != NULL &&
           extension_prop_find(extension->table, &extension->table->rules[part->rule], name) != SIZE_MAX;
}

bool stix_extensions_name(struct stix_reader *r, struct str name)
{
    stix_extensions_gather(r);
    for (size_t i = 0; i < r->used_count; i++)
        if (names(&r->used[i], r->object->type_name, name))
            return true;
    return false;
}

/* --- saying what is wrong --- */

struct pointer {
    char *at;
    size_t len, size;
};

static void put(struct pointer *out, struct str text)
{
    for (size_t i = 0; i < text.len && out->size - out->len > 2; i++) {
        bool escaped = text.at[i] == '~' || text.at[i] == '/';
        out->at[out->len++] = escaped ? '~' : text.at[i];
        if (escaped)
            out->at[out->len++] = text.at[i] == '~' ? '0' : '1';
    }
    out->at[out->len] = '\0';
}

static void put_step(struct pointer *out, struct str text)
{
    if (out->size - out->len > 2)
        out->at[out->len++] = '/';
    put(out, text);
}

static void write_pointer(const struct check *c)
{
    struct pointer out = {c->r->tail, 0, sizeof c->r->tail};
    char index[24];
    out.at[0] = '\0';
    if (c->nested) {
        put_step(&out, STR("extensions"));
        put_step(&out, c->used->id);
    }
    for (size_t i = 0; i < c->depth; i++) {
        const struct frame *frame = &c->frames[i];
        if (frame->array && frame->index != SIZE_MAX) {
            (void)snprintf(index, sizeof index, "%zu", frame->index);
            put_step(&out, str_of(index));
        } else if (!frame->array && frame->name.at != NULL) {
            put_step(&out, frame->name);
        }
    }
}

/* What is in hand, for a sentence; its element when `out_element` says so. */
static struct str name_here(const struct check *c, bool *out_element)
{
    *out_element = false;
    for (size_t i = c->depth; i-- > 0; *out_element |= c->frames[i].array)
        if (!c->frames[i].array && c->frames[i].name.at != NULL)
            return stix_shown(c->frames[i].name);
    return c->nested ? STR("the extension") : STR("the object");
}

static err_t breach(struct check *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static err_t breach(struct check *c, const char *fmt, ...)
{
    char what[FAULT_WHAT_MAX];
    struct stix_reader *r = c->r;
    struct str text = STR("breaks the schema of an extension");
    if (r->object->warning_count < r->warning_max) { /* beyond that they are counted alone */
        va_list args;
        bool element;
        struct str name = name_here(c, &element);
        int len = snprintf(what, sizeof what, "%s%.*s ", element ? "an element of " : "", STR_ARG(name));
        va_start(args, fmt);
        len += vsnprintf(what + len, sizeof what - (size_t)len, fmt, args);
        va_end(args);
        if (len > 0 && (size_t)len < sizeof what)
            (void)snprintf(what + len, sizeof what - (size_t)len, " (%.*s)",
                           STR_ARG(stix_shown(c->used->extension->name)));
        text = arena_str(r->arena, str_of(what));
        if (text.at == NULL)
            return stix_refuse(r, ERR_NOMEM, "", "no memory for warnings");
    }
    write_pointer(c);
    err_t err = stix_warn(r, STIX_WARNING, "7.3", text.at);
    r->tail[0] = '\0';
    return err;
}

/* --- one value --- */

static uint8_t type_of(struct json_val v)
{
    static const uint8_t types[] = {
        [JSON_NULL] = EXTENSION_NULL,     [JSON_FALSE] = EXTENSION_BOOL,   [JSON_TRUE] = EXTENSION_BOOL,
        [JSON_INT] = EXTENSION_INTEGER,   [JSON_UINT] = EXTENSION_INTEGER, [JSON_DOUBLE] = EXTENSION_FRACTION,
        [JSON_STRING] = EXTENSION_STRING, [JSON_ARRAY] = EXTENSION_ARRAY,  [JSON_OBJECT] = EXTENSION_OBJECT};
    enum json_type type = json_type(v);
    /* JSON Schema: 1.0 is an integer. Beyond 2^53 every double is whole. */
    if (type == JSON_DOUBLE && json_double(v) == __builtin_trunc(json_double(v)))
        return EXTENSION_INTEGER;
    return types[type];
}

static const char *wanted_text(uint8_t types)
{
    switch (types) {
    case EXTENSION_NULL:
        return "null";
    case EXTENSION_BOOL:
        return "true or false";
    case EXTENSION_INTEGER:
        return "an integer";
    case EXTENSION_INTEGER | EXTENSION_FRACTION:
        return "a number";
    case EXTENSION_STRING:
        return "a string";
    case EXTENSION_ARRAY:
        return "a list";
    case EXTENSION_OBJECT:
        return "an object";
    default:
        return "of one of the types that the schema lists";
    }
}

static bool word_is(const struct extension_word *word, struct json_val v)
{
    enum json_type type = json_type(v);
    if (word->type == JSON_STRING)
        return type == JSON_STRING && str_eq(word->text, json_str(v));
    if (word->type == JSON_INT && type == JSON_DOUBLE)
        return json_double(v) == (double)word->number;
    return type == word->type && (type != JSON_INT || json_int(v) == word->number);
}

static err_t check_words(struct check *c, const struct extension_rule *rule, struct json_val v)
{
    const struct extension_word *words = &c->table->words[rule->word];
    if (rule->word_count == 0 || extension_form_is_id(rule->form))
        return ERR_OK;
    for (size_t i = 0; i < rule->word_count; i++)
        if (word_is(&words[i], v))
            return ERR_OK;
    return breach(c, "is none of the values that the schema lists");
}

static size_t code_points(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.at[i] & 0xc0) != 0x80;
    return count;
}

static err_t check_string(struct check *c, const struct extension_rule *rule, struct str text)
{
    size_t length = rule->length_min > 0 || rule->length_max < UINT32_MAX ? code_points(text) : 0;
    if (length < rule->length_min)
        return breach(c, "has fewer than %u characters", rule->length_min);
    if (length > rule->length_max)
        return breach(c, "has more than %u characters", rule->length_max);
    if (rule->form == 0)
        return ERR_OK;
    if (!extension_form_holds(rule->form, text))
        return breach(c, "is not %s", extension_form_what(rule->form));
    if (!extension_form_is_id(rule->form) || rule->word_count == 0)
        return ERR_OK;
    for (size_t i = 0; i < rule->word_count; i++)
        if (str_eq(stix_id_type(text), c->table->words[rule->word + i].text))
            return ERR_OK;
    return breach(c, "may not name a %.*s", STR_ARG(stix_shown(stix_id_type(text))));
}

static err_t check_number(struct check *c, const struct extension_rule *rule, struct json_val v)
{
    double value = json_is(v, JSON_INT)    ? (double)json_int(v)
                   : json_is(v, JSON_UINT) ? (double)json_uint(v)
                                           : json_double(v);
    if (value < rule->min)
        return breach(c, "is below %.17g", rule->min);
    return value > rule->max ? breach(c, "is above %.17g", rule->max) : ERR_OK;
}

static void push(struct check *c, const struct extension_rule *rule, struct json_val v, bool object)
{
    must(c->depth <= LIMIT_EXTENSION_DEPTH);
    bool array = json_is(v, JSON_ARRAY);
    c->frames[c->depth++] = (struct frame) {.iter = array ? json_array_iter(v) : json_object_iter(v),
                                            .rule = rule,
                                            .index = SIZE_MAX,
                                            .array = array,
                                            .object = object};
}

static err_t check_list(struct check *c, const struct extension_rule *rule, struct json_val v)
{
    size_t count = rule->items_min > 0 || rule->items_max < UINT32_MAX ? json_array_count(v) : 0;
    err_t err = ERR_OK;
    if (count < rule->items_min)
        err = breach(c, "has fewer than %u elements", rule->items_min);
    else if (count > rule->items_max)
        err = breach(c, "has more than %u elements", rule->items_max);
    if (err == ERR_OK && rule->item != EXTENSION_ANYTHING)
        push(c, rule, v, false);
    return err;
}

static err_t check_value(struct check *c, const struct extension_rule *rule, struct json_val v, bool object)
{
    uint8_t type = type_of(v);
    err_t err;
    if ((rule->types & type) == 0)
        return breach(c, "must be %s", wanted_text(rule->types));
    if (TRY(err, check_words(c, rule, v)))
        return err;
    switch (type) {
    case EXTENSION_INTEGER:
    case EXTENSION_FRACTION:
        return check_number(c, rule, v);
    case EXTENSION_STRING:
        return check_string(c, rule, json_str(v));
    case EXTENSION_ARRAY:
        return check_list(c, rule, v);
    case EXTENSION_OBJECT:
        if (rule->prop_count > 0 || rule->closed)
            push(c, rule, v, object);
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

/* --- containers --- */

/* Beside the properties that the schema names: those of the standard, and of the other extensions. */
static bool is_expected(struct check *c, const struct frame *frame)
{
    const struct stix_shape *shape = stix_shape_of_type(c->r->object->type->code);
    if (frame->object)
        return stix_prop_common(frame->name) != NULL ||
               (shape != NULL && stix_prop_find(shape, frame->name) != NULL) ||
               stix_extensions_name(c->r, frame->name);
    return c->nested && c->depth == 1 && str_eq(frame->name, STR("extension_type"));
}

static err_t step_member(struct check *c, struct frame *frame, struct json_val v)
{
    const struct extension_rule *rule = frame->rule;
    size_t at = extension_prop_find(c->table, rule, frame->name);
    if (at == SIZE_MAX)
        return !rule->closed || is_expected(c, frame) ? ERR_OK
                                                      : breach(c, "is no property that the schema names");
    frame->seen |= UINT64_C(1) << at;
    return check_value(c, &c->table->rules[c->table->props[rule->prop + at].rule], v, false);
}

static err_t close_object(struct check *c, struct frame *frame)
{
    const struct extension_rule *rule = frame->rule;
    err_t err = ERR_OK;
    frame->name = (struct str) {NULL, 0};
    for (size_t i = 0; err == ERR_OK && i < rule->prop_count; i++) {
        const struct extension_prop *prop = &c->table->props[rule->prop + i];
        if (prop->required && (frame->seen >> i & 1) == 0)
            err = breach(c, "lacks %.*s", STR_ARG(stix_shown(prop->name)));
    }
    c->depth--;
    return err;
}

static err_t step(struct check *c)
{
    struct frame *frame = &c->frames[c->depth - 1];
    struct json_val v;
    if (!frame->array)
        return json_object_next(&frame->iter, &frame->name, &v) ? step_member(c, frame, v)
                                                                : close_object(c, frame);
    if (!json_array_next(&frame->iter, &v)) {
        c->depth--;
        return ERR_OK;
    }
    frame->index++;
    return check_value(c, &c->table->rules[frame->rule->item], v, false);
}

/* --- one extension --- */

/* Section 7.3: a new object follows the rules of what it is. */
static err_t check_new(struct check *c)
{
    const struct stix_object *object = c->r->object;
    bool times = c->used->type == STIX_EXTENSION_NEW_SDO || c->used->type == STIX_EXTENSION_NEW_SRO;
    if (times && (!object->has_created || !object->has_modified))
        return breach(c, "is a new SDO or SRO, and lacks created or modified");
    return ERR_OK;
}

static err_t check_used(struct stix_reader *r, const struct stix_used_extension *used)
{
    struct check c = {.r = r, .used = used, .table = used->extension->table, .nested = true};
    const struct extension_part *part;
    err_t err;
    if (used->type == STIX_EXTENSION_TYPES)
        return ERR_OK; /* told already: extension_type is missing, or no word of the standard */
    if ((used->extension->types >> used->type & 1) == 0)
        return breach(&c, "is of a type that its definition does not have: %s",
                      stix_extension_type_name(used->type));
    part = extension_part_find(used->extension, used->type, r->object->type_name);
    if (part == NULL)
        return breach(&c, "is for no %.*s", STR_ARG(stix_shown(r->object->type_name)));
    c.nested = used->type == STIX_EXTENSION_PROPERTY;
    if (TRY(err, check_new(&c)) || TRY(err, check_value(&c, &c.table->rules[part->rule],
                                                        c.nested ? used->value : r->object->root, !c.nested)))
        return err;
    while (c.depth > 0)
        if (TRY(err, step(&c)))
            return err;
    return ERR_OK;
}

err_t stix_extensions_check(struct stix_reader *r)
{
    err_t err;
    if (r->extensions == NULL || r->extensions->count == 0)
        return ERR_OK;
    stix_extensions_gather(r);
    for (size_t i = 0; i < r->used_count; i++)
        if (TRY(err, check_used(r, &r->used[i])))
            return err;
    return r->used_dropped ? stix_warn(r, STIX_WARNING, "7.3",
                                       "more registered extensions than are checked in one object")
                           : ERR_OK;
}
