#include <stdio.h>

#include "stix/reader.h"

/* Values of dictionaries whose values have a kind. */
static const struct stix_prop dict_string = {"", 0, STIX_KIND_STRING, 0, STIX_REF_OTHER, 0, 0, UINT64_MAX};
static const struct stix_prop dict_list = {"", 0, STIX_KIND_STRING, STIX_PROP_LIST, STIX_REF_OTHER,
                                           0,  0, UINT64_MAX};
static const struct stix_prop dict_dict = {"", 0, STIX_KIND_DICT, 0, STIX_REF_OTHER, 0, 0, UINT64_MAX};
static const struct stix_prop dict_int = {"", 0, STIX_KIND_INT, 0, STIX_REF_OTHER, 0, 0, UINT64_MAX};

/* --- containers --- */

static struct stix_frame *push(struct stix_reader *r)
{
    if (r->depth >= LIMIT_JSON_DEPTH)
        return NULL;
    struct stix_frame *frame = &r->frames[r->depth++];
    frame->shape = NULL;
    frame->prop = NULL;
    frame->seen = 0;
    frame->name = (struct str) {NULL, 0};
    frame->index = SIZE_MAX;
    frame->kind = STIX_KIND_ANY;
    frame->array = false;
    frame->object = false;
    return frame;
}

static err_t open_array(struct stix_reader *r, const struct stix_prop *prop, struct json_val v,
                        bool *out_absent)
{
    struct json_iter peek = json_array_iter(v);
    struct json_val first;
    if (!json_array_next(&peek, &first)) {
        *out_absent = true;
        return stix_warn(r, STIX_WARNING, "2.12", "an empty list: read as if the property were absent");
    }
    struct stix_frame *frame = push(r);
    if (frame == NULL)
        return stix_refuse(r, ERR_LIMIT, "", "nested deeper than %d", LIMIT_JSON_DEPTH);
    frame->iter = json_array_iter(v);
    frame->value = v;
    frame->prop = prop;
    frame->array = true;
    return ERR_OK;
}

static err_t open_object(struct stix_reader *r, const struct stix_prop *prop, const struct stix_shape *shape,
                         struct json_val v, bool *out_absent)
{
    struct json_iter peek = json_object_iter(v);
    struct str name;
    struct json_val first;
    if (prop != NULL && prop->kind != STIX_KIND_SHAPE && !json_object_next(&peek, &name, &first)) {
        *out_absent = true;
        return stix_warn(r, STIX_WARNING, "2.3", "an empty dictionary: read as if the property were absent");
    }
    struct stix_frame *frame = push(r);
    if (frame == NULL)
        return stix_refuse(r, ERR_LIMIT, "", "nested deeper than %d", LIMIT_JSON_DEPTH);
    frame->iter = json_object_iter(v);
    frame->value = v;
    if (prop != NULL)
        frame->kind = prop->kind;
    if (frame->kind == STIX_KIND_CONTAINER)
        r->container = r->depth;
    frame->shape = shape;
    if (prop != NULL && prop->kind == STIX_KIND_SHAPE)
        frame->shape = stix_shape((enum stix_shape_code)prop->bound);
    if (frame->shape != NULL)
        frame->kind = STIX_KIND_SHAPE;
    return ERR_OK;
}

/* A value that no table describes. */
static err_t take_free(struct stix_reader *r, const struct stix_shape *shape, struct json_val v,
                       bool *out_absent)
{
    switch (json_type(v)) {
    case JSON_STRING:
        return stix_take_free_string(r, json_str(v));
    case JSON_ARRAY:
        return open_array(r, NULL, v, out_absent);
    case JSON_OBJECT:
        return open_object(r, NULL, shape, v, out_absent);
    case JSON_NULL:
        return stix_warn(r, STIX_WARNING, "2", "null is no STIX value");
    default:
        return ERR_OK;
    }
}

static err_t take_value(struct stix_reader *r, const struct stix_prop *prop, bool element, struct json_val v,
                        bool *out_absent)
{
    enum json_type type = json_type(v);
    if ((prop->flags & STIX_PROP_LIST) != 0 && !element) {
        if (type != JSON_ARRAY)
            return stix_wrong_type(r, prop, "a list", type);
        return open_array(r, prop, v, out_absent);
    }
    switch (prop->kind) {
    case STIX_KIND_ANY:
        return take_free(r, NULL, v, out_absent);
    case STIX_KIND_BOOL:
        return stix_take_bool(r, prop, type);
    case STIX_KIND_INT:
    case STIX_KIND_FLOAT:
        return stix_take_number(r, prop, v);
    default:
        break;
    }
    if (prop->kind < STIX_KIND_SHAPE)
        return stix_take_string(r, prop, v);
    if (type != JSON_OBJECT)
        return stix_wrong_type(r, prop, "an object", type);
    return open_object(r, prop, NULL, v, out_absent);
}

/* --- members --- */

/* Slots whose value is kept, once it is known to be there. */
static err_t keep_slot(struct stix_reader *r, const struct stix_prop *prop, struct json_val v)
{
    uint32_t bit = UINT32_C(1) << prop->slot;
    r->common_seen |= bit;
    if (prop->slot == STIX_SLOT_LABELS) {
        r->object->has_labels = true;
        r->object->labels = v;
    } else if (prop->slot == STIX_SLOT_OBJECT_MARKINGS) {
        r->object->has_markings = true;
    } else if (prop->slot == STIX_SLOT_GRANULAR_MARKINGS) {
        r->object->has_granular_markings = true;
        r->object->granular_markings = v;
    }
    if ((stix_common_excluded(r->object->type) & bit) == 0)
        return ERR_OK;
    if (prop->slot == STIX_SLOT_DEFANGED)
        return stix_warn(r, STIX_WARNING, "3.2", "defanged is for cyber-observable objects alone");
    return stix_warn(r, STIX_REMARK, "3.2", "a common property that does not apply to this type");
}

static err_t take_custom_member(struct stix_reader *r, struct str name, struct json_val v)
{
    bool absent = false;
    err_t err = stix_take_free_string(r, name);
    return err != ERR_OK ? err : take_free(r, NULL, v, &absent);
}

/* The container's own objects have such properties too; what they say is not said of the root. */
static err_t take_common(struct stix_reader *r, const struct stix_prop *prop, bool root, struct json_val v)
{
    bool absent = false;
    size_t depth = r->depth;
    err_t err = take_value(r, prop, false, v, &absent);
    if (err != ERR_OK || absent || !root)
        return err;
    struct stix_frame *opened = r->depth > depth ? &r->frames[depth] : NULL;
    r->depth = depth; /* a warning names the member, not what is opened below it */
    err = keep_slot(r, prop, v);
    r->depth += opened != NULL;
    return err;
}

static err_t take_shape_member(struct stix_reader *r, struct stix_frame *frame, struct str name,
                               struct json_val v)
{
    bool absent = false;
    bool root = r->depth == 1;
    err_t err;
    const struct stix_prop *prop = frame->object ? stix_prop_common(name) : NULL;
    if (prop != NULL)
        return take_common(r, prop, root, v);
    prop = stix_prop_find(frame->shape, name);
    if (prop == NULL) {
        if (root && TRY(err, stix_check_custom(r, name, v)))
            return err;
        return take_custom_member(r, name, v);
    }
    err = take_value(r, prop, false, v, &absent);
    if (err != ERR_OK || absent)
        return err;
    size_t at = (size_t)(prop - frame->shape->props);
    frame->seen |= UINT64_C(1) << at;
    if (root)
        r->values[at] = v;
    return ERR_OK;
}

/* --- extensions --- */

static err_t take_extension(struct stix_reader *r, struct str name, struct json_val v)
{
    bool absent = false;
    struct stix_key key;
    err_t err;
    const struct stix_shape *shape = stix_shape_of_extension(name);
    if (json_type(v) != JSON_OBJECT)
        return stix_refuse(r, ERR_INVALID, "3.2", "an extension must be an object");
    const struct stix_type *type = stix_id_read(name, &key);
    if (type == NULL)
        return TRY(err, stix_check_named_extension(r, shape, name, v)) ||
                       TRY(err, stix_take_free_string(r, name))
                   ? err
                   : take_free(r, shape, v, &absent);
    if (type->code != STIX_TYPE_EXTENSION_DEFINITION)
        return stix_refuse(r, ERR_INVALID, "3.2", "a key of extensions may not be the id of a %s",
                           type->code == STIX_TYPE_UNKNOWN ? "custom object" : type->name);
    if (TRY(err, stix_add_ref(r, name, &key, STIX_REF_EXTENSION)) ||
        TRY(err, stix_check_defined_extension(r, v)))
        return err;
    return take_free(r, stix_shape(STIX_SHAPE_extension), v, &absent);
}

/* --- dictionaries --- */

static err_t take_hash(struct stix_reader *r, struct str name, struct json_val v)
{
    const char *what;
    if (json_type(v) != JSON_STRING)
        return stix_refuse(r, ERR_INVALID, "2.7", "a hash must be a string, not %s",
                           stix_json_type_name(json_type(v)));
    if ((what = stix_check_hash(name, json_str(v))) != NULL)
        return stix_refuse(r, ERR_INVALID, "2.7", "hash %.*s %s", STR_ARG(stix_shown(name)), what);
    err_t err = stix_take_free_string(r, json_str(v));
    if (err != ERR_OK)
        return err;
    const struct stix_terms *terms = stix_terms(STIX_TERMS_HASH_ALGORITHM);
    return stix_terms_have(terms, name) ? ERR_OK : stix_warn(r, STIX_WARNING, terms->section, terms->what);
}

static err_t take_scalar(struct stix_reader *r, struct json_val v)
{
    enum json_type type = json_type(v);
    if (type == JSON_STRING)
        return stix_take_free_string(r, json_str(v));
    if (type == JSON_INT)
        return stix_take_number(r, &dict_int, v);
    return stix_refuse(r, ERR_INVALID, stix_section_here(r, &dict_int),
                       "a value must be an integer or a string, not %s", stix_json_type_name(type));
}

/* Section 2.13: an object in the deprecated container has no id, and its type says what else it has. */
static err_t take_contained(struct stix_reader *r, struct json_val v)
{
    bool absent = false;
    struct str type;
    if (!json_get_str(v, STR("type"), &type))
        return stix_refuse(r, ERR_INVALID, "2.13", "an object of the container needs a type");
    size_t depth = r->depth;
    err_t err = take_free(r, stix_shape_of_type(stix_type_find(type)->code), v, &absent);
    if (err == ERR_OK && r->depth > depth)
        r->frames[depth].object = true;
    return err;
}

static err_t take_dict_member(struct stix_reader *r, uint8_t kind, struct str name, struct json_val v)
{
    bool absent = false;
    err_t err;
    if (kind == STIX_KIND_EXTENSIONS)
        return take_extension(r, name, v);
    if (TRY(err, stix_take_free_string(r, name)))
        return err;
    switch (kind) {
    case STIX_KIND_HASHES:
        return take_hash(r, name, v);
    case STIX_KIND_CONTENTS:
        if (!stix_check_lang(name))
            return stix_refuse(r, ERR_INVALID, "7.1.1", "contents: \"%.*s\" is no RFC 5646 language code",
                               STR_ARG(stix_shown(name)));
        return take_value(r, &dict_dict, false, v, &absent);
    case STIX_KIND_CONTAINER:
        return take_contained(r, v);
    case STIX_KIND_ANY:
        if (r->thorough && !stix_is_lower(name) &&
            TRY(err, stix_warn(r, STIX_REMARK, "2.3", "a key of a dictionary is not in lower case")))
            return err;
        return take_custom_member(r, name, v);
    default:
        break;
    }
    if (!stix_check_key(name) &&
        TRY(err, stix_warn(r, STIX_WARNING, "2.3", "a key of a dictionary is not a-z, A-Z, 0-9, - and _")))
        return err;
    switch (kind) {
    case STIX_KIND_STRINGS:
        return take_value(r, &dict_string, false, v, &absent);
    case STIX_KIND_LISTS:
        return take_value(r, &dict_list, false, v, &absent);
    case STIX_KIND_SCALARS:
        return take_scalar(r, v);
    case STIX_KIND_INTS:
        return take_value(r, &dict_int, false, v, &absent);
    default:
        return take_custom_member(r, name, v);
    }
}

/* --- steps --- */

static bool has_extensions(const struct stix_reader *r, const struct stix_frame *frame)
{
    struct json_val v;
    if (r->depth == 1)
        return (r->common_seen >> STIX_SLOT_EXTENSIONS & 1) != 0;
    return frame->object && json_get(frame->value, STR("extensions"), &v);
}

/* The end of an object with known members: what had to be there, and what goes together. */
static err_t close_shape(struct stix_reader *r, const struct stix_frame *frame)
{
    const struct stix_shape *shape = frame->shape;
    struct stix_breach breach;
    bool root = r->depth == 1;
    err_t err;
    for (size_t i = 0; i < shape->count; i++)
        if ((shape->props[i].flags & STIX_PROP_REQUIRED) != 0 && (frame->seen >> i & 1) == 0 &&
            TRY(err, stix_refuse(r, ERR_INVALID, shape->section, "%s is required", shape->props[i].name)))
            return err;
    struct stix_ruling ruling = {.shape = shape,
                                 .seen = frame->seen,
                                 .object = frame->value,
                                 .stamps = root ? r->stamps : NULL,
                                 .extended = has_extensions(r, frame)};
    while (stix_rule_broken(&ruling, &breach)) {
        if (breach.level == STIX_ERROR)
            err = stix_refuse(r, ERR_INVALID, breach.section, "%s", breach.what);
        else
            err = stix_warn(r, breach.level, breach.section, breach.what);
        if (err != ERR_OK)
            return err;
    }
    return r->thorough ? stix_check_should(r, frame) : ERR_OK;
}

static err_t step_array(struct stix_reader *r, struct stix_frame *frame)
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

static err_t step_object(struct stix_reader *r, struct stix_frame *frame)
{
    struct json_val v;
    struct str name;
    if (!json_object_next(&frame->iter, &name, &v)) {
        frame->name = (struct str) {NULL, 0};
        err_t err = frame->shape == NULL ? ERR_OK : close_shape(r, frame);
        if (r->container == r->depth)
            r->container = 0;
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
static err_t refuse_id(struct stix_reader *r, const char *what)
{
    (void)snprintf(r->tail, sizeof r->tail, "/id");
    err_t err =
        stix_refuse(r, ERR_INVALID, "2.9", "the id \"%.*s\" %s", STR_ARG(stix_shown(r->object->id)), what);
    r->tail[0] = '\0';
    return err;
}

static err_t read_id(struct stix_reader *r)
{
    struct stix_object *object = r->object;
    object->type = stix_type_find(object->type_name);
    if (!json_get_str(object->root, STR("id"), &object->id))
        return stix_refuse(r, ERR_INVALID, "3.2", "id is required");
    if (stix_id_read(object->id, &object->key) == NULL)
        return refuse_id(r, "is not an identifier of the form type--UUID");
    if (!str_eq(stix_id_type(object->id), object->type_name))
        return refuse_id(r, "does not begin with the object's type");
    return ERR_OK;
}

/* The type and the id come first, wherever they stand: both decide how the rest is read. `*out_end`: there is
 * no object to read on in. */
static err_t read_identity(struct stix_reader *r, bool *out_end)
{
    struct stix_object *object = r->object;
    *out_end = true;
    if (!json_is(object->root, JSON_OBJECT))
        return stix_refuse(r, ERR_INVALID, "3", "a STIX object must be a JSON object, not %s",
                           stix_json_type_name(json_type(object->root)));
    if (!json_get_str(object->root, STR("type"), &object->type_name))
        return stix_refuse(r, ERR_INVALID, "3.2", "type is required");
    if (str_eq(object->type_name, STR("bundle")))
        return stix_refuse(r, ERR_INVALID, "8",
                           "a bundle is no object that can stand in a bundle or a store");
    *out_end = false;
    return read_id(r);
}

static err_t check_common(struct stix_reader *r)
{
    static const char *const names[] = {[STIX_SLOT_TYPE] = "type",
                                        [STIX_SLOT_ID] = "id",
                                        [STIX_SLOT_SPEC_VERSION] = "spec_version",
                                        [STIX_SLOT_CREATED] = "created",
                                        [STIX_SLOT_MODIFIED] = "modified",
                                        [STIX_SLOT_CREATED_BY] = "created_by_ref"};
    const struct stix_object *object = r->object;
    uint32_t told = UINT32_C(1) << STIX_SLOT_TYPE | UINT32_C(1) << STIX_SLOT_ID;
    uint32_t missing = stix_common_required(object->type) & ~r->common_seen & ~told;
    for (; missing != 0; missing &= missing - 1) {
        unsigned slot = (unsigned)__builtin_ctz(missing);
        err_t err = stix_refuse(r, ERR_INVALID, "3.2", "%s is required%s", names[slot],
                                slot == STIX_SLOT_SPEC_VERSION ? " (is this STIX 2.0?)" : "");
        if (err != ERR_OK)
            return err;
    }
    if (object->has_created && object->has_modified && stamp_cmp(object->modified, object->created) < 0)
        return stix_refuse(r, ERR_INVALID, "3.6.1", "modified is before created");
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

static err_t walk(struct stix_reader *r)
{
    struct stix_frame *root = push(r);
    root->iter = json_object_iter(r->object->root);
    root->value = r->object->root;
    root->shape = stix_shape_of_type(r->object->type->code);
    root->kind = STIX_KIND_SHAPE;
    root->object = true;
    while (r->depth > 0) {
        struct stix_frame *frame = &r->frames[r->depth - 1];
        err_t err = frame->array ? step_array(r, frame) : step_object(r, frame);
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

/* Without those that it refers to anyhow; both lists are sorted. */
static void set_named(struct stix_reader *r)
{
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < r->named.count; i++) {
        const struct stix_key *key = &r->named.at[i].key;
        while (at < r->refs.count && memcmp(r->refs.at[at].key.b, key->b, STIX_KEY_SIZE) < 0)
            at++;
        if (at == r->refs.count || !stix_key_eq(&r->refs.at[at].key, key))
            r->named.at[kept++] = r->named.at[i];
    }
    r->object->named = r->named.at;
    r->object->named_count = kept;
}

static err_t read_object(struct stix_reader *r)
{
    bool end;
    err_t err = read_identity(r, &end);
    if (err != ERR_OK || end)
        return err;
    if (TRY(err, walk(r)) || TRY(err, check_common(r)))
        return err;
    if (stix_refs_finish(&r->refs) != ERR_OK || stix_refs_finish(&r->named) != ERR_OK)
        return stix_refuse(r, ERR_NOMEM, "", "no memory for references");
    r->object->refs = r->refs.at;
    r->object->ref_count = r->refs.count;
    set_named(r);
    set_version(r->object);
    return r->held ? ERR_OK : stix_check_whole(r);
}

static void start(struct stix_reader *r, struct stix_object *object, struct arena *arena, struct fault *fault)
{
    r->object = object;
    r->fault = fault;
    r->arena = arena;
    r->refs = r->named = (struct stix_refs) {.arena = arena};
    r->warnings = NULL;
    r->warning_size = 0;
    r->warning_max = LIMIT_STIX_WARNINGS;
    r->all = false;
    r->held = r->thorough = false;
    r->refs_full = false;
    r->errors = 0;
    r->tail[0] = '\0';
    r->property = (struct str) {NULL, 0};
    r->common_seen = 0;
    r->custom = 0;
    r->custom_told = false;
    r->extensions = NULL;
    r->gathered = r->extended = r->extended_freely = r->used_dropped = false;
    r->used_count = 0;
    r->container = 0;
    r->depth = 0;
}

err_t stix_read(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                struct stix_object *out, struct fault *fault)
{
    struct stix_object object = {.root = v, .confidence = -1};
    struct stix_reader r;
    start(&r, &object, arena, fault);
    r.extensions = extensions;
    err_t err = read_object(&r);
    if (err == ERR_OK)
        *out = object;
    return err;
}

err_t stix_lint(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                struct stix_findings *out, struct fault *fault)
{
    struct stix_object object = {.root = v,
                                 .confidence = -1,
                                 .id = STR(""),
                                 .type_name = STR(""),
                                 .type = stix_type_row(STIX_TYPE_UNKNOWN)};
    struct stix_reader r;
    start(&r, &object, arena, fault);
    r.extensions = extensions;
    r.all = r.thorough = true;
    r.warning_max = LIMIT_STIX_FINDINGS;
    err_t err = read_object(&r);
    if (err == ERR_OK)
        *out = (struct stix_findings) {r.warnings, object.warning_count, object.warnings_dropped, r.errors,
                                       object};
    return err;
}

err_t stix_read_held(struct json_val v, struct arena *arena, struct stix_object *out)
{
    struct stix_object object = {.root = v, .confidence = -1};
    struct stix_reader r;
    start(&r, &object, arena, NULL);
    r.all = r.held = true;
    r.warning_max = 0;
    err_t err = read_object(&r);
    if (err != ERR_OK)
        return err;
    if (object.type == NULL || !stix_id_parse(object.id, &object.key))
        return ERR_INVALID;
    *out = object;
    return ERR_OK;
}
