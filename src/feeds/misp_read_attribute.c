/* Attributes and objects of an event. */
#include <stdio.h>

#include "feeds/misp_reading.h"

static void put_times(struct reading *r, const struct element *element)
{
    char digits[24];
    struct misp_time first, last;
    if (!misp_time_parse(misp_text(element->v, "first_seen", digits), &first))
        first = element->time;
    if (!misp_time_parse(misp_text(element->v, "last_seen", digits), &last))
        last = element->time;
    /* One form, so that the order of the text is the order in time. */
    if (memcmp(last.text, first.text, MISP_TIME_BYTES) < 0)
        last = first;
    buf_printf(&r->body, ",\"first_observed\":\"%.*s\",\"last_observed\":\"%.*s\",\"number_observed\":1",
               MISP_TIME_BYTES, first.text, MISP_TIME_BYTES, last.text);
}

static void put_category(struct reading *r, struct str category)
{
    if (category.len == 0)
        return;
    buf_put_str(&r->body, STR(",\"kill_chain_phases\":[{\"kill_chain_name\":\"misp-category\""));
    misp_string(r, "phase_name", category);
    buf_put_str(&r->body, STR("}]"));
}

static void put_own_labels(struct reading *r, const struct element *element, struct str type)
{
    struct str category = {0};
    (void)json_get_str(element->v, STR("category"), &category);
    misp_labels(r, element->v, "type", type, "category", category);
}

static void put_indicator(struct reading *r, const struct element *element, const struct misp_row *row,
                          const struct misp_value *value, size_t position)
{
    struct str comment = {0}, category = {0};
    (void)json_get_str(element->v, STR("comment"), &comment);
    (void)json_get_str(element->v, STR("category"), &category);
    misp_head(r, STR("indicator"), element);
    if (comment.len > 0)
        misp_string(r, "description", comment);
    buf_clear(&r->one);
    misp_row_pattern(row, value, &r->one);
    misp_string(r, "pattern", buf_str(&r->one));
    misp_string(r, "pattern_type", misp_row_language(row));
    if (misp_row_kind(row) == MISP_KIND_OBSERVABLE)
        misp_string(r, "pattern_version", STR("2.1"));
    misp_string(r, "valid_from", (struct str) {element->time.text, MISP_TIME_BYTES});
    put_category(r, category);
    put_own_labels(r, element, value->type);
    misp_keep_put(&r->keep, MISP_ATTRIBUTE, element->v, position, &r->body);
    misp_tail(r, element);
    misp_member(r, STR("indicator"), element);
}

static void put_observed(struct reading *r, const struct element *element, const struct misp_row *row,
                         const struct misp_value *value, bool carries, size_t position)
{
    struct buf tail;
    buf_init(&tail, 4096);
    misp_marks_put(&element->marks, &tail);
    buf_clear(&r->one);
    buf_clear(&r->two);
    misp_row_observables(row, value, buf_str(&tail), &r->two, &r->one);
    if (buf_err(&tail) != ERR_OK)
        r->err = buf_err(&tail);
    buf_deinit(&tail);
    misp_head(r, STR("observed-data"), element);
    put_times(r, element);
    buf_put_str(&r->body, STR(",\"object_refs\":["));
    buf_put_str(&r->body, buf_str(&r->one));
    buf_putc(&r->body, ']');
    put_own_labels(r, element, value->type);
    if (carries)
        misp_keep_put(&r->keep, MISP_ATTRIBUTE, element->v, position, &r->body);
    misp_tail(r, element);
    buf_put_str(&r->body, buf_str(&r->two));
    misp_member(r, STR("observed-data"), element);
}

static void put_based_on(struct reading *r, const struct element *element)
{
    char source[96], target[96];
    int one = snprintf(source, sizeof source, "indicator--%s", element->uuid);
    int two = snprintf(target, sizeof target, "observed-data--%s", element->uuid);
    misp_relationship(r, element, STR("based-on"), (struct str) {source, (size_t)one},
                      (struct str) {target, (size_t)two}, (struct str) {0});
}

static void put_custom(struct reading *r, const struct element *element, const struct misp_value *value,
                       size_t position)
{
    struct str comment = {0}, category = {0};
    (void)json_get_str(element->v, STR("comment"), &comment);
    (void)json_get_str(element->v, STR("category"), &category);
    misp_head(r, STR("x-misp-attribute"), element);
    misp_string(r, "x_misp_category", category);
    if (comment.len > 0)
        misp_string(r, "x_misp_comment", comment);
    misp_string(r, "x_misp_type", value->type);
    misp_string(r, "x_misp_value", value->value);
    put_own_labels(r, element, value->type);
    misp_keep_put(&r->keep, MISP_ATTRIBUTE, element->v, position, &r->body);
    misp_tail(r, element);
    misp_member(r, STR("x-misp-attribute"), element);
    r->report->custom++;
}

static enum misp_main put_sdo(struct reading *r, const struct element *element, const struct misp_row *row,
                              const struct misp_value *value, size_t position)
{
    struct str type, comment = {0};
    (void)json_get_str(element->v, STR("comment"), &comment);
    buf_clear(&r->one);
    misp_row_sdo(row, value, &type, &r->one);
    misp_head(r, type, element);
    buf_putc(&r->body, ',');
    buf_put_str(&r->body, buf_str(&r->one));
    if (comment.len > 0)
        misp_string(r, "description", comment);
    put_own_labels(r, element, value->type);
    misp_keep_put(&r->keep, MISP_ATTRIBUTE, element->v, position, &r->body);
    misp_tail(r, element);
    misp_member(r, type, element);
    return str_eq(type, STR("campaign")) ? MISP_MAIN_CAMPAIGN : MISP_MAIN_VULNERABILITY;
}

static enum misp_main put_mapped(struct reading *r, const struct element *element, const struct misp_row *row,
                                 const struct misp_value *value, size_t position)
{
    bool rule = misp_row_kind(row) == MISP_KIND_RULE;
    bool indicates = rule || misp_flag(element->v, "to_ids");
    if (misp_row_kind(row) == MISP_KIND_SDO)
        return put_sdo(r, element, row, value, position);
    if (misp_row_has_observables(row))
        put_observed(r, element, row, value, !indicates, position);
    if (indicates) {
        put_indicator(r, element, row, value, position);
        if (misp_row_has_observables(row))
            put_based_on(r, element);
        return MISP_MAIN_INDICATOR;
    }
    if (misp_row_has_observables(row))
        return MISP_MAIN_OBSERVED;
    put_custom(r, element, value, position);
    return MISP_MAIN_ATTRIBUTE;
}

void misp_put_attribute(struct reading *r, struct json_val v, size_t position)
{
    struct element element;
    struct misp_value value = {0};
    bool invalid;
    if (!misp_element(r, v, "an attribute", &element))
        return;
    if (!json_get_str(v, STR("type"), &value.type) || !json_get_str(v, STR("value"), &value.value)) {
        misp_fail(r, ERR_INVALID, "an attribute has no type or no value", str_of(element.uuid));
        return;
    }
    (void)json_get_str(v, STR("data"), &value.data);
    value.uuid = str_of(element.uuid);
    const struct misp_row *row = misp_row_find(&value, &invalid);
    enum misp_main main = MISP_MAIN_ATTRIBUTE;
    if (row != NULL)
        main = put_mapped(r, &element, row, &value, position);
    else
        put_custom(r, &element, &value, position);
    r->report->invalid += invalid;
    r->report->attributes++;
    if (misp_set_main(r, element.uuid, main)) {
        char id[96];
        misp_put_galaxies(r, v, misp_main_id(r, str_of(element.uuid), id));
    }
}

/* --- objects --- */

static void put_object_attribute(struct reading *r, struct json_val v, const char *comma)
{
    static const char *const names[] = {"type", "object_relation", "value", "category", "comment", "uuid",
                                        "data"};
    const char *inner = "";
    struct str text;
    buf_printf(&r->body, "%s{", comma);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get_str(v, str_of(names[i]), &text) && text.len > 0) {
            buf_printf(&r->body, "%s\"%s\":", inner, names[i]);
            json_write_str(&r->body, text);
            inner = ",";
        }
    if (misp_flag(v, "to_ids"))
        buf_printf(&r->body, "%s\"to_ids\":true", inner);
    buf_putc(&r->body, '}');
}

/* What any of its attributes keeps back keeps all of it back: until an object can leave in parts. */
static void add_inner_marks(struct reading *r, struct json_val attributes, struct element *element)
{
    struct json_val attribute;
    struct json_iter iter = json_array_iter(attributes);
    while (json_array_next(&iter, &attribute)) {
        if (!json_is(attribute, JSON_OBJECT)) {
            misp_fail(r, ERR_INVALID, "an attribute is no object", str_of(element->uuid));
            return;
        }
        misp_marks_of(attribute, true, &element->marks);
    }
    misp_marks_add(&r->used, &element->marks);
}

/* Objects whose detecting attributes, each read alone, say together what the object says. */
static bool has_pattern(struct str name)
{
    static const struct str names[] = {
        {"file", 4}, {"url", 3}, {"email", 5}, {"domain-ip", 9}, {"ip-port", 7}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(names[i], name))
            return true;
    return false;
}

/* One comparison of an object's pattern into r->two; false: this attribute cannot be said in it. */
static bool put_comparison(struct reading *r, struct str object, struct json_val v)
{
    struct misp_value value = {0};
    struct str relation = {0};
    bool invalid;
    (void)json_get_str(v, STR("type"), &value.type);
    (void)json_get_str(v, STR("value"), &value.value);
    (void)json_get_str(v, STR("data"), &value.data);
    (void)json_get_str(v, STR("object_relation"), &relation);
    const struct misp_row *row = misp_row_find(&value, &invalid);
    if (row == NULL || misp_row_kind(row) != MISP_KIND_OBSERVABLE)
        return false;
    buf_clear(&r->one);
    misp_row_pattern(row, &value, &r->one);
    struct str pattern = buf_str(&r->one);
    if (buf_err(&r->one) != ERR_OK)
        return false;
    if (r->two.len > 0)
        buf_put_str(&r->two, STR(" AND "));
    struct str inner = {pattern.at + 1, pattern.len - 2};
    if (str_eq(object, STR("domain-ip")) && str_eq(relation, STR("ip"))) {
        /* The domain resolves to it: not traffic of its own. */
        buf_put_str(&r->two, STR("domain-name:resolves_to_refs[*].value = '"));
        buf_put_str(&r->two, value.value); /* an address: nothing to escape */
        buf_putc(&r->two, '\'');
    } else {
        buf_put_str(&r->two, inner);
    }
    return true;
}

/* The pattern of an object's detecting attributes in r->two; false: none, or one that cannot be said. */
static bool object_pattern(struct reading *r, struct str name, struct json_val attributes)
{
    struct json_val v;
    struct json_iter iter = json_array_iter(attributes);
    buf_clear(&r->two);
    if (!has_pattern(name))
        return false;
    while (json_array_next(&iter, &v))
        if (misp_flag(v, "to_ids") && !put_comparison(r, name, v))
            return false;
    return r->two.len > 0;
}

static void put_object_indicator(struct reading *r, const struct element *element, struct str category)
{
    struct buf pattern;
    buf_init(&pattern, r->two.size_max + 2);
    buf_printf(&pattern, "[%.*s]", STR_ARG(buf_str(&r->two)));
    misp_head(r, STR("indicator"), element);
    misp_string(r, "pattern", buf_str(&pattern));
    buf_deinit(&pattern);
    buf_put_str(&r->body, STR(",\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\""));
    misp_string(r, "valid_from", (struct str) {element->time.text, MISP_TIME_BYTES});
    put_category(r, category);
}

static void put_object_custom(struct reading *r, const struct element *element, struct str name,
                              struct str category, struct json_val attributes)
{
    struct json_val attribute;
    struct str comment = {0};
    const char *comma = "";
    (void)json_get_str(element->v, STR("comment"), &comment);
    misp_head(r, STR("x-misp-object"), element);
    buf_put_str(&r->body, STR(",\"x_misp_attributes\":["));
    struct json_iter iter = json_array_iter(attributes);
    for (; json_array_next(&iter, &attribute); comma = ",")
        put_object_attribute(r, attribute, comma);
    buf_putc(&r->body, ']');
    misp_string(r, "x_misp_meta_category", category);
    misp_string(r, "x_misp_name", name);
    if (comment.len > 0)
        misp_string(r, "x_misp_comment", comment);
    r->report->custom++;
}

/* Their uuids are taken as well: references may name them. */
static void note_attributes(struct reading *r, struct json_val attributes)
{
    struct json_val v;
    struct str text;
    struct uuid uuid;
    char normal[MISP_UUID_ROOM] = {0};
    struct json_iter iter = json_array_iter(attributes);
    for (; json_array_next(&iter, &v); r->report->attributes++) {
        if (!json_get_str(v, STR("uuid"), &text) || !uuid_parse(text, &uuid)) {
            misp_fail(r, ERR_INVALID, "an object's attribute has no uuid", (struct str) {0});
            return;
        }
        uuid_text(&uuid, normal);
        if (!misp_set_main(r, normal, MISP_MAIN_NONE))
            return;
    }
}

void misp_put_object(struct reading *r, struct json_val v, size_t position)
{
    struct element element;
    struct json_val attributes;
    struct str name = {0}, category = {0};
    if (!misp_element(r, v, "an object", &element))
        return;
    if (!json_get_str(v, STR("name"), &name) || !json_get(v, STR("Attribute"), &attributes) ||
        !json_is(attributes, JSON_ARRAY)) {
        misp_fail(r, ERR_INVALID, "an object has no name or no attributes", str_of(element.uuid));
        return;
    }
    (void)json_get_str(v, STR("meta-category"), &category);
    add_inner_marks(r, attributes, &element);
    if (r->err != ERR_OK)
        return;
    bool indicates = object_pattern(r, name, attributes);
    if (indicates)
        put_object_indicator(r, &element, category);
    else
        put_object_custom(r, &element, name, category, attributes);
    misp_labels(r, v, "name", name, "meta-category", category);
    misp_keep_put(&r->keep, MISP_OBJECT, v, position, &r->body);
    misp_tail(r, &element);
    misp_member(r, indicates ? STR("indicator") : STR("x-misp-object"), &element);
    r->report->objects++;
    if (misp_set_main(r, element.uuid, indicates ? MISP_MAIN_INDICATOR : MISP_MAIN_OBJECT))
        note_attributes(r, attributes);
}
