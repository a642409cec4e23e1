/* Single values of an object that is being read: strings, numbers, times, terms, references. */
#include "stix/cut.h"
#include "stix/reader.h"

/* --- saying what is wrong --- */

const char *stix_section_here(const struct stix_reader *r, const struct stix_prop *prop)
{
    if (prop->slot != STIX_SLOT_NONE)
        return "3.2";
    for (size_t i = r->depth; i-- > 0;)
        if (r->frames[i].shape != NULL)
            return r->frames[i].shape->section;
    return "2";
}

static struct str name_of(const struct stix_prop *prop, const struct stix_reader *r)
{
    return prop->len > 0 ? (struct str) {prop->name, prop->len} : stix_shown(r->property);
}

/* --- references --- */

static err_t keep_ref(struct stix_reader *r, struct stix_refs *refs, struct stix_ref ref)
{
    if (r->refs_full)
        return ERR_OK;
    err_t err = stix_refs_add(refs, &ref);
    r->refs_full = err == ERR_LIMIT;
    if (err == ERR_LIMIT)
        return stix_refuse(r, err, "", "more than %d references in one object", LIMIT_REFS_PER_OBJECT);
    return err == ERR_OK ? ERR_OK : stix_refuse(r, err, "", "no memory for references");
}

err_t stix_add_ref(struct stix_reader *r, struct str id, const struct stix_key *key, enum stix_ref_role role)
{
    if (stix_key_eq(key, &r->object->key)) {
        if (role == STIX_REF_MARKING || role == STIX_REF_GRANULAR_MARKING)
            return stix_refuse(r, ERR_INVALID, "3.2", "a marking definition must not mark itself");
        return ERR_OK;
    }
    return keep_ref(r, &r->refs, (struct stix_ref) {*key, role, id, r->property});
}

struct passing {
    struct stix_reader *r;
    err_t err;
};

/* Few objects have any: the memory for the plain form is the arena's. */
static void take_passing(void *ctx, const struct stix_key *key, struct str id)
{
    struct passing *passing = ctx;
    struct stix_reader *r = passing->r;
    if (passing->err != ERR_OK || stix_key_eq(key, &r->object->key))
        return;
    char *text = arena_alloc(r->arena, id.len);
    if (text == NULL) {
        passing->err = stix_refuse(r, ERR_NOMEM, "", "no memory for names");
        return;
    }
    memcpy(text, id.at, id.len);
    passing->err =
        keep_ref(r, &r->named, (struct stix_ref) {*key, STIX_REF_OTHER, {text, id.len}, r->property});
}

err_t stix_take_free_string(struct stix_reader *r, struct str text)
{
    struct stix_key key;
    struct passing passing = {r, ERR_OK};
    if (stix_id_hyphened(text) && stix_id_read(text, &key) != NULL)
        return stix_add_ref(r, text, &key, STIX_REF_OTHER);
    err_t err = stix_cut_names(text, take_passing, &passing);
    return err != ERR_OK ? stix_refuse(r, err, "", "no memory for names") : passing.err;
}

/* Section 2.13: in the deprecated container a reference is the key of another object beside it. */
static err_t take_local_ref(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    struct json_val target;
    struct str type;
    err_t err = stix_take_free_string(r, text);
    if (err != ERR_OK)
        return err;
    if (!json_get(r->frames[r->container - 1].value, text, &target))
        return stix_warn(r, STIX_WARNING, "2.13", "refers to nothing in its container");
    if (!json_get_str(target, STR("type"), &type) || (prop->targets >> stix_type_find(type)->code & 1) != 0)
        return ERR_OK;
    return stix_refuse(r, ERR_INVALID, stix_section_here(r, prop), "%.*s may not refer to a %.*s",
                       STR_ARG(name_of(prop, r)), STR_ARG(stix_shown(type)));
}

static err_t take_ref(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    struct stix_key key;
    if (r->container != 0)
        return take_local_ref(r, prop, text);
    const struct stix_type *type = stix_id_read(text, &key);
    if (type == NULL)
        return stix_refuse(r, ERR_INVALID, "2.9",
                           "%.*s: \"%.*s\" is not an identifier of the form type--UUID",
                           STR_ARG(name_of(prop, r)), STR_ARG(stix_shown(text)));
    if (type->code == STIX_TYPE_UNKNOWN && str_eq(stix_id_type(text), STR("bundle")))
        return stix_refuse(r, ERR_INVALID, "8.2", "%.*s: nothing refers to a bundle",
                           STR_ARG(name_of(prop, r)));
    if ((prop->targets >> type->code & 1) == 0)
        return stix_refuse(r, ERR_INVALID, stix_section_here(r, prop), "%.*s may not refer to a %.*s",
                           STR_ARG(name_of(prop, r)), STR_ARG(stix_shown(stix_id_type(text))));
    if (prop->slot == STIX_SLOT_CREATED_BY) {
        r->object->has_creator = true;
        r->object->creator_id = text;
        r->object->creator = key;
    }
    return stix_add_ref(r, text, &key, (enum stix_ref_role)prop->role);
}

/* --- values --- */

const char *stix_json_type_name(enum json_type type)
{
    static const char *const names[] = {
        [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean", [JSON_TRUE] = "a boolean",
        [JSON_INT] = "a number",    [JSON_UINT] = "a number",   [JSON_DOUBLE] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "a list",    [JSON_OBJECT] = "an object"};
    return names[type];
}

static const char *section_of_kind(const struct stix_prop *prop, bool list)
{
    if (list)
        return "2.12";
    switch (prop->kind) {
    case STIX_KIND_BOOL:
        return "2.2";
    case STIX_KIND_INT:
        return "2.10";
    case STIX_KIND_FLOAT:
        return "2.6";
    case STIX_KIND_TIME:
        return "2.16";
    case STIX_KIND_ID:
    case STIX_KIND_REF:
        return "2.9";
    case STIX_KIND_HASHES:
        return "2.7";
    default:
        return prop->kind > STIX_KIND_SHAPE ? "2.3" : prop->kind == STIX_KIND_SHAPE ? "2" : "2.15";
    }
}

err_t stix_wrong_type(struct stix_reader *r, const struct stix_prop *prop, const char *wanted,
                      enum json_type found)
{
    return stix_refuse(r, ERR_INVALID, section_of_kind(prop, strcmp(wanted, "a list") == 0),
                       "%.*s must be %s, not %s", STR_ARG(name_of(prop, r)), wanted,
                       stix_json_type_name(found));
}

err_t stix_take_number(struct stix_reader *r, const struct stix_prop *prop, struct json_val v)
{
    enum json_type type = json_type(v);
    bool whole = type == JSON_INT || type == JSON_UINT;
    if (!whole && (type != JSON_DOUBLE || prop->kind == STIX_KIND_INT))
        return stix_wrong_type(r, prop, prop->kind == STIX_KIND_INT ? "an integer" : "a number", type);
    double value = type == JSON_INT    ? (double)json_int(v)
                   : type == JSON_UINT ? (double)json_uint(v)
                                       : json_double(v);
    struct stix_range range = stix_range(prop->bound);
    if (value < range.min || value > range.max)
        return stix_refuse(r, ERR_INVALID, prop->bound == 0 ? "2.10" : stix_section_here(r, prop),
                           "%.*s is outside %.0f to %.0f", STR_ARG(name_of(prop, r)), range.min, range.max);
    if (prop->slot == STIX_SLOT_CONFIDENCE)
        r->object->confidence = (int)value;
    return ERR_OK;
}

static err_t take_time(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    struct stamp stamp;
    unsigned digits;
    const struct stix_frame *frame = &r->frames[r->depth - 1];
    bool kept = r->depth == 1 && prop->slot == STIX_SLOT_NONE;
    err_t err = stamp_parse(text, &stamp, &digits);
    if (kept)
        r->stamps[prop - frame->shape->props] = err == ERR_OK ? stamp : STIX_NO_STAMP;
    if (err != ERR_OK)
        return stix_refuse(r, err, "2.16", "%.*s: \"%.*s\" is not a timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z",
                           STR_ARG(name_of(prop, r)), STR_ARG(stix_shown(text)));
    struct stix_object *object = r->object;
    if (r->depth != 1 || (prop->slot != STIX_SLOT_CREATED && prop->slot != STIX_SLOT_MODIFIED))
        return ERR_OK;
    if (prop->slot == STIX_SLOT_CREATED) {
        object->has_created = true;
        object->created = stamp;
    } else {
        object->has_modified = true;
        object->modified = stamp;
    }
    return digits >= 3 ? ERR_OK : stix_warn(r, STIX_WARNING, "3.2", "less precise than milliseconds");
}

static err_t check_term(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    const struct stix_terms *terms = stix_terms(prop->bound);
    if (stix_terms_have(terms, text))
        return ERR_OK;
    if (terms->open) {
        err_t err = stix_warn(r, STIX_REMARK, terms->section, terms->what);
        return err != ERR_OK || !r->thorough || stix_format(STIX_KIND_PHASE)->ok(text)
                   ? err
                   : stix_warn(r, STIX_REMARK, "2.14", "not lower-case words with hyphens between");
    }
    return stix_refuse(r, ERR_INVALID, terms->section, "%.*s: \"%.*s\" is %s", STR_ARG(name_of(prop, r)),
                       STR_ARG(stix_shown(text)), terms->what);
}

static bool is_defanged(const struct stix_reader *r)
{
    struct json_val v;
    return json_get(r->object->root, STR("defanged"), &v) && json_is(v, JSON_TRUE);
}

static err_t check_format(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    const struct stix_format *format = stix_format(prop->kind);
    if (format == NULL || format->ok(text) || (format->defangs && is_defanged(r)))
        return ERR_OK;
    const char *section = format->section != NULL ? format->section : stix_section_here(r, prop);
    if (format->level != STIX_ERROR)
        return stix_warn(r, format->level, section, format->what);
    return stix_refuse(r, ERR_INVALID, section, "%.*s: \"%.*s\" %s", STR_ARG(name_of(prop, r)),
                       STR_ARG(stix_shown(text)), format->what);
}

static err_t take_text(struct stix_reader *r, const struct stix_prop *prop, struct str text)
{
    err_t err = ERR_OK;
    if (prop->kind == STIX_KIND_TERM)
        err = check_term(r, prop, text);
    else if (prop->kind != STIX_KIND_STRING)
        err = check_format(r, prop, text);
    if (err != ERR_OK)
        return err;
    if (prop->slot == STIX_SLOT_TYPE)
        return ERR_OK;
    if (prop->slot == STIX_SLOT_LANG && r->depth == 1)
        r->object->lang = text;
    else if (prop->slot == STIX_SLOT_SPEC_VERSION && !str_eq(text, STR("2.1")))
        return stix_refuse(r, ERR_INVALID, "3.2", "spec_version is \"%.*s\", not \"2.1\"",
                           STR_ARG(stix_shown(text)));
    return stix_take_free_string(r, text);
}

err_t stix_take_bool(struct stix_reader *r, const struct stix_prop *prop, enum json_type type)
{
    if (type != JSON_TRUE && type != JSON_FALSE)
        return stix_wrong_type(r, prop, "true or false", type);
    if (r->depth != 1)
        return ERR_OK;
    if (prop->slot == STIX_SLOT_REVOKED)
        r->object->revoked = type == JSON_TRUE;
    else if (prop->slot == STIX_SLOT_DEFANGED)
        r->object->defanged = type == JSON_TRUE;
    return ERR_OK;
}

err_t stix_take_string(struct stix_reader *r, const struct stix_prop *prop, struct json_val v)
{
    enum json_type type = json_type(v);
    if (type != JSON_STRING)
        return stix_wrong_type(r, prop, "a string", type);
    switch (prop->kind) {
    case STIX_KIND_ID: /* the root's was read before everything else */
        return r->depth == 1 ? ERR_OK : stix_take_free_string(r, json_str(v));
    case STIX_KIND_REF:
        return take_ref(r, prop, json_str(v));
    case STIX_KIND_TIME:
        return take_time(r, prop, json_str(v));
    default:
        return take_text(r, prop, json_str(v));
    }
}
