#include "stix/shape.h"

/* Timestamps that the standard defines below the root: of windows-pebinary-ext and of x509_v3_extensions. */
static const struct str nested_times[] = {{"time_date_stamp", 15},
                                          {"private_key_usage_period_not_after", 34},
                                          {"private_key_usage_period_not_before", 35}};

enum { WHOLE_SECONDS = 19 /* YYYY-MM-DDTHH:MM:SS */ };

/* How much of a timestamp counts: without the zeros that end its fraction, and without the Z. */
static size_t significant(struct str text)
{
    size_t end = text.len - 1;
    while (end > WHOLE_SECONDS && text.at[end - 1] == '0')
        end--;
    return end == WHOLE_SECONDS + 1 ? (size_t)WHOLE_SECONDS : end;
}

/* `checked`: stix_read found this value to be a timestamp. */
static enum json_canon_act put_time(struct json_val value, bool checked, struct buf *out)
{
    struct stamp stamp;
    if (!json_is(value, JSON_STRING))
        return JSON_CANON_KEEP;
    struct str text = json_str(value);
    if (text.len <= WHOLE_SECONDS + 1 || text.at[text.len - 2] != '0' ||
        (!checked && stamp_parse(text, &stamp, NULL) != ERR_OK))
        return JSON_CANON_KEEP;
    buf_putc(out, '"');
    buf_put_str(out, (struct str) {text.at, significant(text)});
    buf_put_str(out, STR("Z\""));
    return JSON_CANON_TEXT;
}

static bool is_empty(struct json_val value)
{
    struct str name;
    struct json_val first;
    struct json_iter iter;
    switch (json_type(value)) {
    case JSON_ARRAY:
        iter = json_array_iter(value);
        return !json_array_next(&iter, &first);
    case JSON_OBJECT:
        iter = json_object_iter(value);
        return !json_object_next(&iter, &name, &first);
    default:
        return false;
    }
}

static bool is_text(struct json_val value, struct str text)
{
    return json_is(value, JSON_STRING) && str_eq(json_str(value), text);
}

/* Section 3.6: a property whose value is its default may be left out without changing the object. */
static bool is_default(const struct stix_object *object, const struct stix_prop *prop, struct json_val value)
{
    switch (prop->slot) {
    case STIX_SLOT_REVOKED:
    case STIX_SLOT_DEFANGED:
        return json_is(value, JSON_FALSE);
    case STIX_SLOT_LANG:
        return is_text(value, STR("en"));
    case STIX_SLOT_SPEC_VERSION:
        return object->type->category == STIX_SCO && is_text(value, STR("2.1"));
    default:
        return object->type->code == STIX_TYPE_SIGHTING && json_is(value, JSON_FALSE) &&
               strcmp(prop->name, "summary") == 0;
    }
}

static enum json_canon_act canon_member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                        struct buf *out)
{
    const struct stix_object *object = ctx;
    if (depth > 0) {
        for (size_t i = 0; i < sizeof nested_times / sizeof nested_times[0]; i++)
            if (str_eq(name, nested_times[i]))
                return put_time(value, false, out);
        return JSON_CANON_KEEP;
    }
    const struct stix_prop *prop = stix_prop_common(name);
    if (prop == NULL)
        prop = stix_prop_find(stix_shape_of_type(object->type->code), name);
    if (prop == NULL)
        return JSON_CANON_KEEP;
    if (prop->kind == STIX_KIND_TIME)
        return put_time(value, true, out);
    if (((prop->flags & STIX_PROP_LIST) != 0 || prop->kind >= STIX_KIND_SHAPE) && is_empty(value))
        return JSON_CANON_DROP;
    return is_default(object, prop, value) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

err_t stix_canon(const struct stix_object *object, struct buf *out, struct fault *fault)
{
    struct stix_object copy = *object;
    struct json_canon_hook hook = {.member = canon_member, .ctx = &copy};
    return json_canon(object->root, &hook, out, fault);
}
