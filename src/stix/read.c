#include <stdarg.h>
#include <stdio.h>

#include "core/limit.h"
#include "stix/refs.h"
#include "stix/shape.h"

/* One container that is being read. The reader walks without recursion. */
struct frame {
    struct json_iter iter;
    const struct stix_shape *shape; /* of an object with known members, else NULL */
    const struct stix_prop *prop;   /* of an array: what each element is, or NULL */
    uint64_t seen;                  /* properties of `shape` that are there */
    struct str name;                /* member in hand; at is NULL before the first and after the last */
    size_t index;                   /* element in hand; SIZE_MAX before the first */
    uint8_t kind;                   /* of an object: enum stix_kind from SHAPE on, or ANY */
    bool array;
};

struct reader {
    struct stix_object *object;
    struct fault *fault;
    struct arena *arena;
    struct stix_refs refs;
    struct stix_warning *warnings;
    struct str property;  /* member of the root in hand */
    uint32_t common_seen; /* bits of enum stix_slot */
    size_t depth;
    struct json_val values[64]; /* of the root's shape, by position: valid where seen */
    struct frame frames[LIMIT_JSON_DEPTH];
};

/* Values of dictionaries whose values have a kind. */
static const struct stix_prop dict_string = {"", 0, STIX_KIND_STRING, 0, STIX_REF_OTHER, 0, 0, UINT64_MAX};
static const struct stix_prop dict_list = {"", 0, STIX_KIND_STRING, STIX_PROP_LIST, STIX_REF_OTHER,
                                           0,  0, UINT64_MAX};
static const struct stix_prop dict_dict = {"", 0, STIX_KIND_DICT, 0, STIX_REF_OTHER, 0, 0, UINT64_MAX};

/* --- saying what is wrong --- */

static void put_name(struct buf *out, struct str name)
{
    buf_putc(out, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '~' || name.at[i] == '/')
            buf_put_str(out, name.at[i] == '~' ? STR("~0") : STR("~1"));
        else
            buf_putc(out, name.at[i]);
    }
}

static void put_pointer(const struct reader *r, struct buf *out)
{
    for (size_t i = 0; i < r->depth; i++) {
        const struct frame *frame = &r->frames[i];
        if (!frame->array && frame->name.at != NULL)
            put_name(out, frame->name);
        else if (frame->array && frame->index != SIZE_MAX)
            buf_printf(out, "/%zu", frame->index);
    }
}

static void set_pointer(const struct reader *r, struct fault *fault)
{
    struct buf pointer;
    buf_init(&pointer, LIMIT_JSON_DEPTH * (LIMIT_ID_BYTES + 2));
    put_pointer(r, &pointer);
    bool whole = buf_err(&pointer) == ERR_OK && pointer.len < sizeof fault->pointer;
    size_t keep = whole ? pointer.len : sizeof fault->pointer - 4;
    keep = keep < pointer.len ? keep : pointer.len;
    if (keep > 0)
        memcpy(fault->pointer, pointer.at, keep);
    memcpy(fault->pointer + keep, "...", whole ? 0 : 3);
    fault->pointer[keep + (whole ? 0 : 3)] = '\0';
    buf_deinit(&pointer);
}

static err_t refuse(struct reader *r, err_t code, const char *section, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static err_t refuse(struct reader *r, err_t code, const char *section, const char *fmt, ...)
{
    if (r->fault == NULL)
        return code;
    va_list args;
    va_start(args, fmt);
    char what[FAULT_WHAT_MAX];
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    fault_set(r->fault, code, 0, "%s", what);
    snprintf(r->fault->section, sizeof r->fault->section, "%s", section);
    set_pointer(r, r->fault);
    return code;
}

/* Pointers of warnings beyond LIMIT_STIX_POINTER bytes are left out; the warning stays. */
static err_t warn(struct reader *r, bool must_rule, const char *section, const char *what)
{
    struct stix_object *object = r->object;
    if (object->warning_count >= LIMIT_STIX_WARNINGS) {
        object->warnings_dropped++;
        return ERR_OK;
    }
    if (r->warnings == NULL) {
        r->warnings = arena_alloc(r->arena, LIMIT_STIX_WARNINGS * sizeof *r->warnings);
        if (r->warnings == NULL)
            return refuse(r, ERR_NOMEM, "", "no memory for warnings");
        object->warnings = r->warnings;
    }
    struct buf pointer;
    buf_init(&pointer, LIMIT_STIX_POINTER);
    put_pointer(r, &pointer);
    struct str text = arena_str(r->arena, buf_err(&pointer) == ERR_OK ? buf_str(&pointer) : STR(""));
    buf_deinit(&pointer);
    if (text.at == NULL)
        return refuse(r, ERR_NOMEM, "", "no memory for warnings");
    r->warnings[object->warning_count++] = (struct stix_warning) {must_rule, what, section, text};
    return ERR_OK;
}

static struct str shown(struct str text)
{
    return (struct str) {text.at, text.len > 60 ? 60 : text.len};
}

static struct str name_of(const struct stix_prop *prop, const struct reader *r)
{
    return prop->len > 0 ? (struct str) {prop->name, prop->len} : shown(r->property);
}

/* --- references --- */

static err_t add_ref(struct reader *r, struct str id, const struct stix_key *key, enum stix_ref_role role)
{
    if (stix_key_eq(key, &r->object->key)) {
        if (role == STIX_REF_MARKING || role == STIX_REF_GRANULAR_MARKING)
            return refuse(r, ERR_INVALID, "3.2", "a marking definition must not mark itself");
        return ERR_OK;
    }
    struct stix_ref ref = {*key, role, id, r->property};
    err_t err = stix_refs_add(&r->refs, &ref);
    if (err == ERR_LIMIT)
        return refuse(r, err, "", "more than %d references in one object", LIMIT_REFS_PER_OBJECT);
    return err == ERR_OK ? ERR_OK : refuse(r, err, "", "no memory for references");
}

/* Strings of any property: one that is an identifier refers, wherever it stands. */
static err_t take_free_string(struct reader *r, struct str text)
{
    struct stix_key key;
    if (stix_id_read(text, &key) == NULL)
        return ERR_OK;
    return add_ref(r, text, &key, STIX_REF_OTHER);
}

static err_t take_ref(struct reader *r, const struct stix_prop *prop, struct str text)
{
    struct stix_key key;
    const struct stix_type *type = stix_id_read(text, &key);
    if (type == NULL)
        return refuse(r, ERR_INVALID, "2.9", "%.*s: \"%.*s\" is not an identifier of the form type--UUID",
                      STR_ARG(name_of(prop, r)), STR_ARG(shown(text)));
    if ((prop->targets >> type->code & 1) == 0)
        return refuse(r, ERR_INVALID, "3.3", "%.*s may not refer to a %.*s", STR_ARG(name_of(prop, r)),
                      STR_ARG(shown(stix_id_type(text))));
    if (prop->slot == STIX_SLOT_CREATED_BY) {
        r->object->has_creator = true;
        r->object->creator_id = text;
        r->object->creator = key;
    }
    return add_ref(r, text, &key, (enum stix_ref_role)prop->role);
}

/* --- values --- */

static const char *type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean", [JSON_TRUE] = "a boolean",
        [JSON_INT] = "a number",    [JSON_UINT] = "a number",   [JSON_DOUBLE] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "a list",    [JSON_OBJECT] = "an object"};
    return names[type];
}

static err_t wrong_type(struct reader *r, const struct stix_prop *prop, const char *wanted,
                        enum json_type found)
{
    return refuse(r, ERR_INVALID, "2", "%.*s must be %s, not %s", STR_ARG(name_of(prop, r)), wanted,
                  type_name(found));
}

static err_t take_number(struct reader *r, const struct stix_prop *prop, struct json_val v)
{
    enum json_type type = json_type(v);
    bool whole = type == JSON_INT || type == JSON_UINT;
    if (!whole && (type != JSON_DOUBLE || prop->kind == STIX_KIND_INT))
        return wrong_type(r, prop, prop->kind == STIX_KIND_INT ? "an integer" : "a number", type);
    double value = type == JSON_INT    ? (double)json_int(v)
                   : type == JSON_UINT ? (double)json_uint(v)
                                       : json_double(v);
    struct stix_range range = stix_range(prop->bound);
    if (value < range.min || value > range.max)
        return refuse(r, ERR_INVALID, prop->kind == STIX_KIND_INT ? "2.10" : "2.6",
                      "%.*s is outside %.0f to %.0f", STR_ARG(name_of(prop, r)), range.min, range.max);
    if (prop->slot == STIX_SLOT_CONFIDENCE)
        r->object->confidence = (int)value;
    return ERR_OK;
}

static err_t take_time(struct reader *r, const struct stix_prop *prop, struct str text)
{
    struct stamp stamp;
    unsigned digits;
    err_t err = stamp_parse(text, &stamp, &digits);
    if (err != ERR_OK)
        return refuse(r, err, "2.16", "%.*s: \"%.*s\" is not a timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z",
                      STR_ARG(name_of(prop, r)), STR_ARG(shown(text)));
    struct stix_object *object = r->object;
    if (prop->slot == STIX_SLOT_CREATED) {
        object->has_created = true;
        object->created = stamp;
    } else if (prop->slot == STIX_SLOT_MODIFIED) {
        object->has_modified = true;
        object->modified = stamp;
    } else {
        return ERR_OK;
    }
    return digits >= 3 ? ERR_OK : warn(r, true, "3.2", "less precise than milliseconds");
}

static err_t take_text(struct reader *r, const struct stix_prop *prop, struct str text)
{
    const char *section = "2";
    const char *what = prop->kind == STIX_KIND_STRING ? NULL : stix_check_text(prop, text, &section);
    if (what != NULL)
        return refuse(r, ERR_INVALID, section, "%.*s: \"%.*s\" %s", STR_ARG(name_of(prop, r)),
                      STR_ARG(shown(text)), what);
    if (prop->slot == STIX_SLOT_LANG)
        r->object->lang = text;
    else if (prop->slot == STIX_SLOT_TYPE)
        return ERR_OK;
    else if (prop->slot == STIX_SLOT_SPEC_VERSION && !str_eq(text, STR("2.1")))
        return refuse(r, ERR_INVALID, "3.2", "spec_version is \"%.*s\", not \"2.1\"", STR_ARG(shown(text)));
    return take_free_string(r, text);
}

static err_t take_bool(struct reader *r, const struct stix_prop *prop, enum json_type type)
{
    if (type != JSON_TRUE && type != JSON_FALSE)
        return wrong_type(r, prop, "true or false", type);
    if (prop->slot == STIX_SLOT_REVOKED)
        r->object->revoked = type == JSON_TRUE;
    else if (prop->slot == STIX_SLOT_DEFANGED)
        r->object->defanged = type == JSON_TRUE;
    return ERR_OK;
}

/* --- containers --- */

static struct frame *push(struct reader *r)
{
    if (r->depth >= LIMIT_JSON_DEPTH)
        return NULL;
    struct frame *frame = &r->frames[r->depth++];
    frame->shape = NULL;
    frame->prop = NULL;
    frame->seen = 0;
    frame->name = (struct str) {NULL, 0};
    frame->index = SIZE_MAX;
    frame->kind = STIX_KIND_ANY;
    frame->array = false;
    return frame;
}

static err_t open_array(struct reader *r, const struct stix_prop *prop, struct json_val v, bool *out_absent)
{
    struct json_iter peek = json_array_iter(v);
    struct json_val first;
    if (!json_array_next(&peek, &first)) {
        *out_absent = true;
        return warn(r, true, "2.12", "an empty list: read as if the property were absent");
    }
    struct frame *frame = push(r);
    if (frame == NULL)
        return refuse(r, ERR_LIMIT, "", "nested deeper than %d", LIMIT_JSON_DEPTH);
    frame->iter = json_array_iter(v);
    frame->prop = prop;
    frame->array = true;
    return ERR_OK;
}

static err_t open_object(struct reader *r, const struct stix_prop *prop, const struct stix_shape *shape,
                         struct json_val v, bool *out_absent)
{
    struct json_iter peek = json_object_iter(v);
    struct str name;
    struct json_val first;
    if (prop != NULL && prop->kind != STIX_KIND_SHAPE && !json_object_next(&peek, &name, &first)) {
        *out_absent = true;
        return warn(r, true, "2.3", "an empty dictionary: read as if the property were absent");
    }
    struct frame *frame = push(r);
    if (frame == NULL)
        return refuse(r, ERR_LIMIT, "", "nested deeper than %d", LIMIT_JSON_DEPTH);
    frame->iter = json_object_iter(v);
    if (prop != NULL)
        frame->kind = prop->kind;
    frame->shape = shape;
    if (prop != NULL && prop->kind == STIX_KIND_SHAPE)
        frame->shape = stix_shape((enum stix_shape_code)prop->bound);
    if (frame->shape != NULL)
        frame->kind = STIX_KIND_SHAPE;
    return ERR_OK;
}

/* A value that no table describes. */
static err_t take_free(struct reader *r, const struct stix_shape *shape, struct json_val v, bool *out_absent)
{
    switch (json_type(v)) {
    case JSON_STRING:
        return take_free_string(r, json_str(v));
    case JSON_ARRAY:
        return open_array(r, NULL, v, out_absent);
    case JSON_OBJECT:
        return open_object(r, NULL, shape, v, out_absent);
    case JSON_NULL:
        return warn(r, true, "2", "null is no STIX value");
    default:
        return ERR_OK;
    }
}

static err_t take_string_kind(struct reader *r, const struct stix_prop *prop, struct json_val v)
{
    enum json_type type = json_type(v);
    if (type != JSON_STRING)
        return wrong_type(r, prop, "a string", type);
    switch (prop->kind) {
    case STIX_KIND_ID:
        return ERR_OK; /* read before everything else */
    case STIX_KIND_REF:
        return take_ref(r, prop, json_str(v));
    case STIX_KIND_TIME:
        return take_time(r, prop, json_str(v));
    default:
        return take_text(r, prop, json_str(v));
    }
}

static err_t take_value(struct reader *r, const struct stix_prop *prop, bool element, struct json_val v,
                        bool *out_absent)
{
    enum json_type type = json_type(v);
    if ((prop->flags & STIX_PROP_LIST) != 0 && !element) {
        if (type != JSON_ARRAY)
            return wrong_type(r, prop, "a list", type);
        return open_array(r, prop, v, out_absent);
    }
    switch (prop->kind) {
    case STIX_KIND_ANY:
        return take_free(r, NULL, v, out_absent);
    case STIX_KIND_BOOL:
        return take_bool(r, prop, type);
    case STIX_KIND_INT:
    case STIX_KIND_FLOAT:
        return take_number(r, prop, v);
    default:
        break;
    }
    if (prop->kind < STIX_KIND_SHAPE)
        return take_string_kind(r, prop, v);
    if (type != JSON_OBJECT)
        return wrong_type(r, prop, "an object", type);
    return open_object(r, prop, NULL, v, out_absent);
}

/* --- members --- */

/* Slots whose value is kept, once it is known to be there. */
static void keep_slot(struct reader *r, const struct stix_prop *prop, struct json_val v)
{
    r->common_seen |= UINT32_C(1) << prop->slot;
    if (prop->slot == STIX_SLOT_LABELS) {
        r->object->has_labels = true;
        r->object->labels = v;
    } else if (prop->slot == STIX_SLOT_OBJECT_MARKINGS) {
        r->object->has_markings = true;
    } else if (prop->slot == STIX_SLOT_GRANULAR_MARKINGS) {
        r->object->has_granular_markings = true;
        r->object->granular_markings = v;
    }
}

static err_t take_custom_member(struct reader *r, struct str name, struct json_val v)
{
    bool absent = false;
    struct stix_key key;
    if (stix_id_read(name, &key) != NULL) {
        err_t err = add_ref(r, name, &key, STIX_REF_OTHER);
        if (err != ERR_OK)
            return err;
    }
    return take_free(r, NULL, v, &absent);
}

static err_t take_shape_member(struct reader *r, struct frame *frame, struct str name, struct json_val v)
{
    bool absent = false;
    err_t err;
    const struct stix_prop *prop = r->depth == 1 ? stix_prop_common(name) : NULL;
    if (prop != NULL) {
        if ((err = take_value(r, prop, false, v, &absent)) == ERR_OK && !absent)
            keep_slot(r, prop, v);
        return err;
    }
    prop = stix_prop_find(frame->shape, name);
    if (prop == NULL) {
        if (r->depth == 1 && !stix_check_custom_name(name) &&
            (err = warn(r, true, "11.1.1", "a custom property's name is not a-z, 0-9 and _, 3 to 250")) !=
                ERR_OK)
            return err;
        return take_custom_member(r, name, v);
    }
    bool root = r->depth == 1;
    err = take_value(r, prop, false, v, &absent);
    if (err != ERR_OK || absent)
        return err;
    size_t at = (size_t)(prop - frame->shape->props);
    frame->seen |= UINT64_C(1) << at;
    if (root)
        r->values[at] = v;
    return ERR_OK;
}

static err_t take_extension(struct reader *r, struct str name, struct json_val v)
{
    bool absent = false;
    struct stix_key key;
    const struct stix_shape *shape = stix_shape_of_extension(name);
    if (json_type(v) != JSON_OBJECT)
        return refuse(r, ERR_INVALID, "3.2", "an extension must be an object");
    const struct stix_type *type = stix_id_read(name, &key);
    if (type == NULL)
        return take_free(r, shape, v, &absent);
    if (type->code != STIX_TYPE_EXTENSION_DEFINITION)
        return refuse(r, ERR_INVALID, "3.2", "a key of extensions may not be the id of a %s", type->name);
    err_t err = add_ref(r, name, &key, STIX_REF_EXTENSION);
    if (err != ERR_OK)
        return err;
    struct json_val kind;
    if (!json_get(v, STR("extension_type"), &kind) &&
        (err = warn(r, true, "3.2", "extension_type is missing")) != ERR_OK)
        return err;
    return take_free(r, stix_shape(STIX_SHAPE_extension), v, &absent);
}

static err_t take_dict_member(struct reader *r, uint8_t kind, struct str name, struct json_val v)
{
    bool absent = false;
    const char *what;
    switch (kind) {
    case STIX_KIND_EXTENSIONS:
        return take_extension(r, name, v);
    case STIX_KIND_STRINGS:
        return take_value(r, &dict_string, false, v, &absent);
    case STIX_KIND_LISTS:
        return take_value(r, &dict_list, false, v, &absent);
    case STIX_KIND_HASHES:
        if (json_type(v) != JSON_STRING)
            return wrong_type(r, &dict_string, "a dictionary of strings", json_type(v));
        if ((what = stix_check_hash(name, json_str(v))) != NULL)
            return refuse(r, ERR_INVALID, "2.7", "hash %.*s %s", STR_ARG(shown(name)), what);
        return ERR_OK;
    case STIX_KIND_CONTENTS:
        if (!stix_check_lang(name))
            return refuse(r, ERR_INVALID, "7.1.1", "contents: \"%.*s\" is no RFC 5646 language code",
                          STR_ARG(shown(name)));
        return take_value(r, &dict_dict, false, v, &absent);
    default:
        return take_custom_member(r, name, v);
    }
}

/* The end of an object with known members: what had to be there, and what goes together. */
static err_t close_shape(struct reader *r, const struct frame *frame)
{
    const struct stix_shape *shape = frame->shape;
    for (size_t i = 0; i < shape->count; i++)
        if ((shape->props[i].flags & STIX_PROP_REQUIRED) != 0 && (frame->seen >> i & 1) == 0)
            return refuse(r, ERR_INVALID, shape->section, "%s is required", shape->props[i].name);
    bool extended = r->depth == 1 && (r->common_seen & UINT32_C(1) << STIX_SLOT_EXTENSIONS) != 0;
    const char *what = stix_check_rules(shape, frame->seen, r->values, extended);
    return what == NULL ? ERR_OK : refuse(r, ERR_INVALID, shape->section, "%s", what);
}

static err_t step_array(struct reader *r, struct frame *frame)
{
    struct json_val v;
    bool absent = false;
    if (!json_array_next(&frame->iter, &v)) {
        r->depth--;
        return ERR_OK;
    }
    frame->index++;
    if (frame->prop != NULL)
        return take_value(r, frame->prop, true, v, &absent);
    return take_free(r, NULL, v, &absent);
}

static err_t step_object(struct reader *r, struct frame *frame)
{
    struct json_val v;
    struct str name;
    if (!json_object_next(&frame->iter, &name, &v)) {
        frame->name = (struct str) {NULL, 0};
        err_t err = frame->shape == NULL ? ERR_OK : close_shape(r, frame);
        r->depth--;
        return err;
    }
    frame->name = name;
    if (r->depth == 1)
        r->property = name;
    if (frame->kind == STIX_KIND_SHAPE)
        return take_shape_member(r, frame, name, v);
    return take_dict_member(r, frame->kind, name, v);
}

/* --- the whole object --- */

/* A refusal about a member that was read before the walk. */
static err_t refuse_at(struct reader *r, const char *pointer, err_t err)
{
    if (r->fault != NULL)
        snprintf(r->fault->pointer, sizeof r->fault->pointer, "%s", pointer);
    return err;
}

/* The type and the id come first, wherever they stand: both decide how the rest is read. */
static err_t read_identity(struct reader *r, struct json_val v)
{
    struct stix_object *object = r->object;
    if (!json_is(v, JSON_OBJECT))
        return refuse(r, ERR_INVALID, "3", "a STIX object must be a JSON object, not %s",
                      type_name(json_type(v)));
    if (!json_get_str(v, STR("type"), &object->type_name))
        return refuse(r, ERR_INVALID, "3.2", "type is required");
    if (str_eq(object->type_name, STR("bundle")))
        return refuse(r, ERR_INVALID, "8", "a bundle is no object that can stand in a bundle or a store");
    if (!json_get_str(v, STR("id"), &object->id))
        return refuse(r, ERR_INVALID, "3.2", "id is required");
    object->type = stix_id_read(object->id, &object->key);
    if (object->type == NULL)
        return refuse_at(r, "/id", stix_key_from_id(object->id, &object->key, r->fault));
    if (!str_eq(stix_id_type(object->id), object->type_name))
        return refuse_at(r, "/id",
                         refuse(r, ERR_INVALID, "2.9",
                                "the id \"%.*s\" does not begin with the type \"%.*s\"",
                                STR_ARG(shown(object->id)), STR_ARG(shown(object->type_name))));
    return ERR_OK;
}

static err_t check_common(struct reader *r)
{
    static const char *const names[] = {[STIX_SLOT_SPEC_VERSION] = "spec_version",
                                        [STIX_SLOT_CREATED] = "created",
                                        [STIX_SLOT_MODIFIED] = "modified",
                                        [STIX_SLOT_CREATED_BY] = "created_by_ref"};
    const struct stix_object *object = r->object;
    uint32_t missing = stix_common_required(object->type) & ~r->common_seen;
    if (missing != 0) {
        unsigned slot = (unsigned)__builtin_ctz(missing);
        return refuse(r, ERR_INVALID, "3.2", "%s is required%s", names[slot],
                      slot == STIX_SLOT_SPEC_VERSION ? " (is this STIX 2.0?)" : "");
    }
    if (object->has_created && object->has_modified && stamp_cmp(object->modified, object->created) < 0)
        return refuse(r, ERR_INVALID, "3.6.1", "modified is before created");
    bool rfc4122 =
        (object->key.b[8] & 0xc0) == 0x80 && object->key.b[6] >> 4 >= 1 && object->key.b[6] >> 4 <= 8;
    if (!rfc4122 && warn(r, true, "2.9", "the UUID of the id has no RFC 4122 version or variant") != ERR_OK)
        return ERR_NOMEM;
    if ((stix_common_excluded(object->type) & r->common_seen) != 0)
        return warn(r, false, "3.2", "has common properties that do not apply to its type");
    return ERR_OK;
}

static void set_version(struct stix_object *object)
{
    if (object->type->category == STIX_SCO)
        return;
    if (object->has_modified && object->type->versioned)
        object->version = object->modified;
    else if (object->has_created)
        object->version = object->created;
}

static err_t read_object(struct reader *r, struct json_val v)
{
    err_t err = read_identity(r, v);
    if (err != ERR_OK)
        return err;
    struct frame *root = push(r);
    root->iter = json_object_iter(v);
    root->shape = stix_shape_of_type(r->object->type->code);
    root->kind = STIX_KIND_SHAPE;
    while (r->depth > 0) {
        struct frame *frame = &r->frames[r->depth - 1];
        err = frame->array ? step_array(r, frame) : step_object(r, frame);
        if (err != ERR_OK)
            return err;
    }
    if ((err = check_common(r)) != ERR_OK)
        return err;
    if (stix_refs_finish(&r->refs) != ERR_OK)
        return refuse(r, ERR_NOMEM, "", "no memory for references");
    r->object->refs = r->refs.at;
    r->object->ref_count = r->refs.count;
    set_version(r->object);
    return ERR_OK;
}

err_t stix_read(struct json_val v, struct arena *arena, struct stix_object *out, struct fault *fault)
{
    struct stix_object object = {.root = v, .confidence = -1};
    struct reader r;
    r.object = &object;
    r.fault = fault;
    r.arena = arena;
    r.refs = (struct stix_refs) {.arena = arena};
    r.warnings = NULL;
    r.property = (struct str) {NULL, 0};
    r.common_seen = 0;
    r.depth = 0;
    err_t err = read_object(&r, v);
    if (err == ERR_OK)
        *out = object;
    return err;
}
