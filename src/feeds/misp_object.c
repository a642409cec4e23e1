/* Objects of an event: the STIX that misp_objects.inc makes of them, or x-misp-object. */
#include <stdio.h>

#include "core/mem.h"
#include "feeds/misp_object.h"

/* --- parts: objects that say something of the one that names them --- */

/* Who is told with whom. Three levels, so no loop. */
static const struct use {
    struct str whole, part;
} uses[] = {
    {{"file", 4}, {"pe", 2}},
    {{"pe", 2}, {"pe-section", 10}},
    {{"registry-key", 12}, {"registry-key-value", 18}},
};

enum { PART_USED = 1, PART_SHIFT = 1 };

static const struct use *use_of(struct str whole)
{
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (str_eq(uses[i].whole, whole))
            return &uses[i];
    return NULL;
}

static bool normal_uuid(struct json_val v, const char *name, char out[MISP_UUID_ROOM])
{
    struct str text;
    struct uuid uuid;
    if (!json_get_str(v, str_of(name), &text) || !uuid_parse(text, &uuid))
        return false;
    uuid_text(&uuid, out);
    out[UUID_TEXT_SIZE] = '\0';
    return true;
}

void misp_note_part(struct reading *r, struct json_val v, size_t position)
{
    char uuid[MISP_UUID_ROOM];
    struct str name;
    (void)position;
    if (!json_get_str(v, STR("name"), &name) || !normal_uuid(v, "uuid", uuid))
        return;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++)
        if (str_eq(uses[i].part, name)) {
            err_t err = map_put(&r->parts, uuid, (uint64_t)v.at << PART_SHIFT);
            if (err != ERR_OK)
                misp_fail(r, err == ERR_FULL ? ERR_LIMIT : err, "too many elements in one event",
                          (struct str) {0});
        }
}

/* The entry of the part that a reference names, if the object may have it. */
static uint64_t *part_of(const struct reading *r, struct json_val reference, struct str part,
                         struct json_val *out)
{
    char uuid[MISP_UUID_ROOM];
    struct str type, name;
    if (!json_get_str(reference, STR("relationship_type"), &type) ||
        (!str_eq(type, STR("includes")) && !str_eq(type, STR("contains"))) ||
        !normal_uuid(reference, "referenced_uuid", uuid))
        return NULL;
    uint64_t *entry = map_get(&r->parts, uuid);
    if (entry == NULL)
        return NULL;
    *out = (struct json_val) {r->event.doc, (size_t)(*entry >> PART_SHIFT)};
    return json_get_str(*out, STR("name"), &name) && str_eq(name, part) && !misp_flag(*out, "deleted") ? entry
                                                                                                       : NULL;
}

static bool references(struct json_val v, struct json_iter *out)
{
    struct json_val list;
    if (!json_get(v, STR("ObjectReference"), &list) || !json_is(list, JSON_ARRAY))
        return false;
    *out = json_array_iter(list);
    return true;
}

void misp_note_use(struct reading *r, struct json_val v, size_t position)
{
    struct json_iter iter;
    struct json_val reference, part;
    struct str name;
    (void)position;
    const struct use *use = json_get_str(v, STR("name"), &name) ? use_of(name) : NULL;
    if (use == NULL || !references(v, &iter))
        return;
    while (json_array_next(&iter, &reference)) {
        uint64_t *entry = part_of(r, reference, use->part, &part);
        if (entry != NULL)
            *entry |= PART_USED;
    }
}

static bool is_used(const struct reading *r, const struct element *element)
{
    const uint64_t *entry = map_get(&r->parts, element->uuid);
    return entry != NULL && (*entry & PART_USED) != 0;
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

static bool attributes_of(struct json_val v, struct json_val *out)
{
    return json_get(v, STR("Attribute"), out) && json_is(*out, JSON_ARRAY);
}

/* What a part says must not go further than the part: one that is narrower is left to itself. */
static bool may_tell(struct reading *r, const struct element *whole, struct json_val part,
                     struct json_val attributes)
{
    struct element element;
    if (misp_element(r, part, "an object", &element))
        add_inner_marks(r, attributes, &element);
    bool good = r->err == ERR_OK;
    /* One that cannot be read is refused by itself: what names it is told without. */
    if (misp_is_of_element(r->err))
        r->err = ERR_OK;
    return good && !misp_narrower(&element.marks, &whole->marks);
}

/* The parts of one kind that `v` names; the last of them to `out_last`. */
static bool gather_level(struct reading *r, const struct element *whole, struct json_val v,
                         const struct use *use, struct json_val *out_last)
{
    struct misp_parts *parts = r->objects;
    struct json_iter iter;
    struct json_val reference, part, attributes;
    size_t index = 0;
    if (!references(v, &iter))
        return false;
    while (!parts->over && json_array_next(&iter, &reference)) {
        if (part_of(r, reference, use->part, &part) == NULL || !attributes_of(part, &attributes) ||
            parts->part_count == LIMIT_MISP_OBJECT || !may_tell(r, whole, part, attributes))
            continue;
        parts->parts[parts->part_count++] =
            (struct misp_part) {misp_template_find(use->part, attributes), index++};
        misp_parts_gather(parts, attributes, (unsigned)parts->part_count);
        *out_last = part;
    }
    return index > 0;
}

/* A file is told with its pe, that with its sections. */
static void gather_parts(struct reading *r, const struct element *whole, struct str name)
{
    struct json_val v = whole->v, last;
    for (const struct use *use = use_of(name); use != NULL; use = use_of(use->part)) {
        if (!gather_level(r, whole, v, use, &last))
            return;
        v = last;
    }
}

/* --- what no template maps --- */

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

static void put_custom(struct reading *r, const struct element *element, struct str name, struct str category,
                       struct json_val attributes)
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

/* --- objects --- */

/* One object on its way. */
struct object {
    struct element element;
    struct str name, category;
    struct json_val attributes;
    const struct misp_template *template; /* NULL: it stays custom */
    size_t position;
    struct buf pattern;
};

/* Labels, the object's own members when this is what stands for it, and the end. */
static void put_end(struct reading *r, const struct object *object, struct str type, bool carries)
{
    misp_labels(r, object->element.v, "name", object->name, "meta-category", object->category);
    if (carries)
        misp_keep_put(&r->keep, MISP_OBJECT, object->element.v, object->position, &r->body);
    misp_tail(r, &object->element);
    misp_member(r, type, &object->element);
}

static void put_members(struct reading *r, unsigned owner)
{
    buf_clear(&r->two);
    misp_parts_members(r->objects, owner, &r->two);
    buf_putc(&r->body, ',');
    buf_put_str(&r->body, buf_str(&r->two));
}

static void put_valid_from(struct reading *r, const struct element *element)
{
    misp_string(r, "valid_from", (struct str) {element->time.text, MISP_TIME_BYTES});
}

static void put_indicator(struct reading *r, const struct object *object)
{
    misp_head(r, STR("indicator"), &object->element);
    misp_string(r, "pattern", buf_str(&object->pattern));
    buf_put_str(&r->body, STR(",\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\""));
    put_valid_from(r, &object->element);
    misp_put_category(r, object->category);
    put_end(r, object, STR("indicator"), true);
    misp_put_based_on(r, &object->element);
}

static struct str made_uuid(const struct object *object, const struct misp_made *made)
{
    return made->item != NULL ? made->item->value.uuid : str_of(object->element.uuid);
}

static void put_observed(struct reading *r, const struct object *object)
{
    const struct misp_parts *parts = r->objects;
    misp_head(r, STR("observed-data"), &object->element);
    misp_put_times(r, &object->element);
    for (size_t i = 0; i < parts->made_count; i++)
        buf_printf(&r->body, "%s\"%.*s--%.*s\"", i == 0 ? ",\"object_refs\":[" : ",",
                   STR_ARG(parts->made[i].type), STR_ARG(made_uuid(object, &parts->made[i])));
    buf_putc(&r->body, ']');
    put_end(r, object, STR("observed-data"), object->pattern.len == 0);
    for (unsigned i = 0; i < parts->made_count; i++) {
        struct str type = parts->made[i].type;
        buf_printf(&r->body, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%.*s\"",
                   STR_ARG(type), STR_ARG(type), STR_ARG(made_uuid(object, &parts->made[i])));
        put_members(r, i);
        misp_tail(r, &object->element);
    }
}

/* What the note is about: the elements of the event that its references name; false: none. */
static bool put_note_refs(struct reading *r, const struct object *object)
{
    struct json_iter iter;
    struct json_val reference;
    struct str uuid;
    char room[96];
    const char *comma = ",\"object_refs\":[";
    if (!references(object->element.v, &iter))
        return false;
    buf_clear(&r->one);
    while (json_array_next(&iter, &reference)) {
        struct str id = json_get_str(reference, STR("referenced_uuid"), &uuid) ? misp_main_id(r, uuid, room)
                                                                               : (struct str) {0};
        if (id.len == 0)
            continue;
        buf_printf(&r->one, "%s\"%.*s\"", comma, STR_ARG(id));
        comma = ",";
    }
    buf_putc(&r->one, ']');
    return comma[1] == '\0';
}

/* The one object that stands for it. */
static void put_single(struct reading *r, const struct object *object)
{
    enum misp_object_kind kind = object->template->kind;
    struct str type = object->template->type;
    misp_head(r, type, &object->element);
    if (kind == MISP_OBJECT_NOTE)
        buf_put_str(&r->body, buf_str(&r->one));
    put_members(r, 0);
    if (kind == MISP_OBJECT_RULE)
        put_valid_from(r, &object->element);
    if (kind == MISP_OBJECT_RULE || kind == MISP_OBJECT_CHAIN)
        misp_put_category(r, object->category);
    put_end(r, object, type, true);
}

/* What detects, then what is to be said at all; without what STIX asks for it stays custom. */
static void collect(struct reading *r, struct object *object)
{
    struct misp_parts *parts = r->objects;
    struct buf inner;
    buf_init(&inner, LIMIT_OBJECT_BYTES);
    if (object->template->kind == MISP_OBJECT_OBSERVED) {
        (void)misp_parts_collect(parts, true);
        misp_parts_pattern(parts, &inner);
    }
    if (inner.len > 0)
        buf_printf(&object->pattern, "[%.*s]", STR_ARG(buf_str(&inner)));
    if (!misp_parts_collect(parts, false) || buf_err(&inner) != ERR_OK || buf_err(&object->pattern) != ERR_OK)
        object->template = NULL;
    r->report->invalid += misp_parts_misfits(parts);
    buf_deinit(&inner);
}

static bool may_be_mapped(const struct reading *r, const struct object *object)
{
    const struct misp_template *template = object->template;
    return template != NULL && template->kind != MISP_OBJECT_PART && !is_used(r, &object->element) &&
           /* the event's own organisation: its identity says another thing */
           !(str_eq(template->type, STR("identity")) && strcmp(object->element.uuid, r->creator) == 0);
}

static void begin(struct reading *r, struct object *object)
{
    struct misp_parts *parts = r->objects;
    parts->item_count = parts->part_count = 0;
    parts->over = false;
    parts->template = object->template;
    arena_reset(&parts->arena);
    misp_parts_gather(parts, object->attributes, 0);
    gather_parts(r, &object->element, object->name);
}

static struct str put_mapped(struct reading *r, struct object *object)
{
    if (object->template->kind != MISP_OBJECT_OBSERVED) {
        put_single(r, object);
        return object->template->type;
    }
    put_observed(r, object);
    if (object->pattern.len == 0)
        return STR("observed-data");
    put_indicator(r, object);
    return STR("indicator");
}

static void put_object(struct reading *r, struct object *object)
{
    struct str type = STR("x-misp-object");
    if (!may_be_mapped(r, object)) {
        object->template = NULL;
    } else {
        begin(r, object);
        collect(r, object);
    }
    if (object->template != NULL && object->template->kind == MISP_OBJECT_NOTE && !put_note_refs(r, object))
        object->template = NULL;
    if (r->err != ERR_OK)
        return;
    if (object->template != NULL) {
        type = put_mapped(r, object);
    } else {
        put_custom(r, &object->element, object->name, object->category, object->attributes);
        put_end(r, object, type, true);
    }
    r->report->objects++;
    if (misp_set_main(r, object->element.uuid, misp_main_of(type)))
        note_attributes(r, object->attributes);
}

static bool make_room(struct reading *r)
{
    if (r->objects == NULL) {
        r->objects = mem_alloc(sizeof *r->objects);
        if (r->objects != NULL)
            arena_init(&r->objects->arena, 4 * LIMIT_OBJECT_BYTES);
    }
    if (r->objects == NULL)
        misp_fail(r, ERR_NOMEM, "no memory for an object", (struct str) {0});
    return r->objects != NULL;
}

void misp_objects_free(struct misp_parts *objects)
{
    if (objects != NULL)
        arena_deinit(&objects->arena);
    mem_free(objects);
}

/* Those that speak of others come when these have their ids. */
static void put_either(struct reading *r, struct json_val v, size_t position, bool speaks)
{
    struct object object = {.position = position};
    if (!misp_element(r, v, "an object", &object.element) || !make_room(r))
        return;
    if (!json_get_str(v, STR("name"), &object.name) || !attributes_of(v, &object.attributes)) {
        misp_fail(r, ERR_INVALID, "an object has no name or no attributes", str_of(object.element.uuid));
        return;
    }
    (void)json_get_str(v, STR("meta-category"), &object.category);
    object.template = misp_template_find(object.name, object.attributes);
    if ((object.template != NULL && object.template->kind == MISP_OBJECT_NOTE) != speaks)
        return;
    add_inner_marks(r, object.attributes, &object.element);
    if (r->err != ERR_OK)
        return;
    buf_init(&object.pattern, LIMIT_OBJECT_BYTES);
    put_object(r, &object);
    buf_deinit(&object.pattern);
}

void misp_put_object(struct reading *r, struct json_val v, size_t position)
{
    put_either(r, v, position, false);
}

void misp_put_annotation(struct reading *r, struct json_val v, size_t position)
{
    put_either(r, v, position, true);
}
