/* Attributes of an event that stand alone. */
#include <stdio.h>

#include "feeds/misp_reading.h"

void misp_put_times(struct reading *r, const struct element *element)
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

void misp_put_category(struct reading *r, struct str category)
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
    misp_put_category(r, category);
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
    misp_put_times(r, element);
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

void misp_put_based_on(struct reading *r, const struct element *element)
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
    return misp_main_of(type);
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
            misp_put_based_on(r, element);
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
