/* One event to a bundle. */
#include <stdio.h>

#include "core/mem.h"
#include "feeds/misp_reading.h"

/* Of the mapping's relationships, so that the same event gives the same ids everywhere. */
static const struct uuid relationship_space = {
    {0x76, 0xbe, 0xed, 0x5f, 0x72, 0x51, 0x45, 0x7e, 0x8c, 0x2a, 0xb4, 0x5f, 0x7b, 0x58, 0x9d, 0x3d}};

static const struct str mains[] = {
    [MISP_MAIN_FREE] = {"", 0},
    [MISP_MAIN_NONE] = {"", 0},
    [MISP_MAIN_INDICATOR] = {"indicator", 9},
    [MISP_MAIN_OBSERVED] = {"observed-data", 13},
    [MISP_MAIN_ATTRIBUTE] = {"x-misp-attribute", 16},
    [MISP_MAIN_OBJECT] = {"x-misp-object", 13},
    [MISP_MAIN_ATTACK_PATTERN] = {"attack-pattern", 14},
    [MISP_MAIN_CAMPAIGN] = {"campaign", 8},
    [MISP_MAIN_COURSE_OF_ACTION] = {"course-of-action", 16},
    [MISP_MAIN_IDENTITY] = {"identity", 8},
    [MISP_MAIN_INTRUSION_SET] = {"intrusion-set", 13},
    [MISP_MAIN_LOCATION] = {"location", 8},
    [MISP_MAIN_MALWARE] = {"malware", 7},
    [MISP_MAIN_NOTE] = {"note", 4},
    [MISP_MAIN_TOOL] = {"tool", 4},
    [MISP_MAIN_VULNERABILITY] = {"vulnerability", 13},
};

enum misp_main misp_main_of(struct str type)
{
    for (size_t i = 0; i < sizeof mains / sizeof mains[0]; i++)
        if (str_eq(mains[i], type))
            return (enum misp_main)i;
    return MISP_MAIN_NONE;
}

void misp_fail(struct reading *r, err_t err, const char *what, struct str about)
{
    if (r->err == ERR_OK)
        r->err = fault_set(r->fault, err, 0, "%s%s%.*s", what, about.len > 0 ? ": " : "", STR_ARG(about));
}

/* --- writing --- */

void misp_string(struct reading *r, const char *name, struct str text)
{
    buf_printf(&r->body, ",\"%s\":", name);
    json_write_str(&r->body, text);
}

void misp_head(struct reading *r, struct str type, const struct element *element)
{
    buf_printf(&r->body, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%s\"", STR_ARG(type),
               STR_ARG(type), element->uuid);
    if (r->creator[0] != '\0')
        buf_printf(&r->body, ",\"created_by_ref\":\"identity--%s\"", r->creator);
    buf_printf(&r->body, ",\"created\":\"%.*s\",\"modified\":\"%.*s\"", MISP_TIME_BYTES, element->time.text,
               MISP_TIME_BYTES, element->time.text);
    if (element->deleted)
        buf_put_str(&r->body, STR(",\"revoked\":true"));
}

void misp_tail(struct reading *r, const struct element *element)
{
    misp_marks_put(&element->marks, &r->body);
    buf_put_str(&r->body, STR("},"));
}

bool misp_narrower(const struct misp_marks *marks, const struct misp_marks *than)
{
    struct misp_marks both = *than;
    misp_marks_add(&both, marks);
    return (both.bits & ~(than->bits | (unsigned)MISP_MARK_TLP << STIX_TLP_CLEAR)) != 0 ||
           both.group_count != than->group_count;
}

void misp_member(struct reading *r, struct str type, const struct element *element)
{
    /* What the list has no room for still belongs to the event: its own member says so. */
    if (!misp_narrower(&element->marks, &r->marks) && r->ref_count++ < LIMIT_MISP_MEMBERS)
        buf_printf(&r->refs, "%s\"%.*s--%s\"", r->refs.len > 0 ? "," : "", STR_ARG(type), element->uuid);
}

static void put_label(struct reading *r, const char **comma, const char *name, struct str value)
{
    char text[64];
    if (value.len == 0)
        return;
    buf_clear(&r->one);
    int len = snprintf(text, sizeof text, "misp:%s=\"", name);
    buf_put(&r->one, text, (size_t)len);
    buf_put_str(&r->one, value);
    buf_putc(&r->one, '"');
    buf_printf(&r->body, "%s", *comma);
    json_write_str(&r->body, buf_str(&r->one));
    *comma = ",";
}

/* Tags about TLP are markings, tags of galaxies objects; local ones stay here. */
static bool is_label(struct json_val tag, struct str *out_name)
{
    struct json_val exportable;
    enum stix_tlp level;
    return json_get_str(tag, STR("name"), out_name) && out_name->len > 0 && !misp_flag(tag, "local") &&
           !(json_get(tag, STR("exportable"), &exportable) && !misp_flag(tag, "exportable")) &&
           !misp_tag_tlp(*out_name, &level) && !str_starts(*out_name, STR("misp-galaxy:"));
}

static void put_tags(struct reading *r, struct json_val element, const char **comma)
{
    struct json_val tags, tag;
    struct str name;
    if (!json_get(element, STR("Tag"), &tags) || !json_is(tags, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(tags);
    while (json_array_next(&iter, &tag))
        if (is_label(tag, &name)) {
            buf_printf(&r->body, "%s", *comma);
            json_write_str(&r->body, name);
            *comma = ",";
        }
}

void misp_labels(struct reading *r, struct json_val element, const char *one_name, struct str one,
                 const char *two_name, struct str two)
{
    const char *comma = ",\"labels\":[";
    put_label(r, &comma, one_name, one);
    put_label(r, &comma, two_name, two);
    put_tags(r, element, &comma);
    if (comma[1] == '\0')
        buf_putc(&r->body, ']');
}

/* A word that STIX takes (section 3.7): small letters, digits, hyphens. */
static void put_word(struct buf *out, struct str word)
{
    for (size_t i = 0; i < word.len; i++) {
        char c = word.at[i];
        c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        buf_putc(out, (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '-');
    }
}

void misp_relationship(struct reading *r, const struct element *element, struct str type, struct str source,
                       struct str target, struct str uuid)
{
    struct element self = *element;
    self.deleted = element->deleted;
    buf_clear(&r->one);
    if (uuid.len > 0) {
        memcpy(self.uuid, uuid.at, UUID_TEXT_SIZE);
    } else {
        buf_printf(&r->one, "%.*s - %.*s - %.*s", STR_ARG(source), STR_ARG(type), STR_ARG(target));
        struct uuid id = uuid_v5(&relationship_space, buf_bytes(&r->one));
        uuid_text(&id, self.uuid);
    }
    misp_head(r, STR("relationship"), &self);
    buf_clear(&r->one);
    put_word(&r->one, type);
    misp_string(r, "relationship_type", buf_str(&r->one));
    misp_string(r, "source_ref", source);
    misp_string(r, "target_ref", target);
    misp_tail(r, &self);
}

/* --- elements --- */

bool misp_set_main(struct reading *r, const char *uuid, enum misp_main main)
{
    if (r->err == ERR_OK)
        r->err = r->keep.err;
    if (r->err != ERR_OK)
        return false;
    const uint64_t *before = map_get(&r->mains, uuid);
    if (before != NULL && *before != MISP_MAIN_FREE) {
        misp_fail(r, ERR_INVALID, "two elements of the event have one uuid", str_of(uuid));
        return false;
    }
    buf_put(&r->added, uuid, UUID_TEXT_SIZE);
    err_t err = map_put(&r->mains, uuid, (uint64_t)main);
    if (err != ERR_OK)
        misp_fail(r, err == ERR_FULL ? ERR_LIMIT : err, "too many elements in one event", (struct str) {0});
    return err == ERR_OK;
}

struct str misp_main_id(const struct reading *r, struct str text, char out[96])
{
    struct uuid uuid;
    char normal[MISP_UUID_ROOM] = {0};
    if (!uuid_parse(text, &uuid))
        return (struct str) {0};
    uuid_text(&uuid, normal);
    const uint64_t *main = map_get(&r->mains, normal);
    if (main == NULL || *main <= MISP_MAIN_NONE)
        return (struct str) {0};
    int len = snprintf(out, 96, "%.*s--%s", STR_ARG(mains[*main]), normal);
    return (struct str) {out, (size_t)len};
}

bool misp_element(struct reading *r, struct json_val v, const char *what, struct element *out)
{
    struct str text = {0};
    struct uuid uuid;
    int64_t seconds;
    *out = (struct element) {.v = v, .time = r->time, .marks = r->marks};
    if (r->err != ERR_OK)
        return false;
    if (!json_is(v, JSON_OBJECT) || !json_get_str(v, STR("uuid"), &text) || !uuid_parse(text, &uuid)) {
        misp_fail(r, ERR_INVALID, "an element of the event is no object, or has no uuid", str_of(what));
        return false;
    }
    uuid_text(&uuid, out->uuid);
    if (misp_seconds(v, "timestamp", &seconds) == ERR_OK)
        out->time = misp_time_of(seconds);
    out->deleted = misp_flag(v, "deleted");
    misp_marks_of(v, true, &out->marks);
    misp_marks_add(&r->used, &out->marks);
    return true;
}

static void put_event_report(struct reading *r, struct json_val v, size_t position)
{
    struct element element;
    struct str name = {0}, content = {0};
    if (!misp_element(r, v, "a report", &element))
        return;
    (void)json_get_str(v, STR("name"), &name);
    (void)json_get_str(v, STR("content"), &content);
    misp_head(r, STR("note"), &element);
    if (name.len > 0)
        misp_string(r, "abstract", name);
    misp_string(r, "content", content);
    buf_printf(&r->body, ",\"object_refs\":[\"%s--%s\"]", r->report->published ? "report" : "grouping",
               r->uuid);
    buf_put_str(&r->body, STR(",\"labels\":[\"misp:data-layer=\\\"Event Report\\\"\"]"));
    misp_keep_put(&r->keep, MISP_EVENT_REPORT, v, position, &r->body);
    misp_tail(r, &element);
    (void)misp_set_main(r, element.uuid, MISP_MAIN_NONE);
}

static void put_reference(struct reading *r, const struct element *object, struct json_val v)
{
    char source_room[96], target_room[96], normal[MISP_UUID_ROOM] = {0};
    struct str target_text = {0}, type = {0}, text = {0};
    struct uuid uuid;
    struct element element = *object;
    int64_t seconds;
    if (!json_is(v, JSON_OBJECT) || !json_get_str(v, STR("referenced_uuid"), &target_text) ||
        !json_get_str(v, STR("relationship_type"), &type) || type.len == 0)
        return;
    struct str source = misp_main_id(r, str_of(object->uuid), source_room);
    struct str target = misp_main_id(r, target_text, target_room);
    if (source.len == 0 || target.len == 0)
        return; /* to something outside the event: it stays in the object's own members */
    if (misp_seconds(v, "timestamp", &seconds) == ERR_OK)
        element.time = misp_time_of(seconds);
    element.deleted = misp_flag(v, "deleted");
    if (json_get_str(v, STR("uuid"), &text) && uuid_parse(text, &uuid)) {
        uuid_text(&uuid, normal);
        misp_relationship(r, &element, type, source, target, str_of(normal));
    } else {
        misp_relationship(r, &element, type, source, target, (struct str) {0});
    }
}

/* After all elements: references point forwards too. */
static void put_references(struct reading *r, struct json_val v, size_t position)
{
    struct element element;
    struct json_val list, entry;
    (void)position;
    if (!json_get(v, STR("ObjectReference"), &list) || !json_is(list, JSON_ARRAY) ||
        !misp_element(r, v, "an object", &element))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &entry))
        put_reference(r, &element, entry);
}

static void put_sighting(struct reading *r, const struct element *of, struct json_val v)
{
    char room[96], digits[24], normal[MISP_UUID_ROOM] = {0};
    struct str text, id = misp_main_id(r, str_of(of->uuid), room);
    struct uuid uuid;
    struct element element = *of;
    int64_t seconds;
    if (!json_is(v, JSON_OBJECT) || !json_get_str(v, STR("uuid"), &text) || !uuid_parse(text, &uuid) ||
        id.len == 0)
        return;
    uuid_text(&uuid, normal);
    memcpy(element.uuid, normal, sizeof normal);
    if (misp_seconds(v, "date_sighting", &seconds) == ERR_OK)
        element.time = misp_time_of(seconds);
    element.deleted = false;
    struct str type = misp_text(v, "type", digits);
    if (str_eq(type, STR("0"))) {
        misp_head(r, STR("sighting"), &element);
        misp_string(r, "sighting_of_ref", id);
    } else if (str_eq(type, STR("1"))) {
        misp_head(r, STR("opinion"), &element);
        buf_printf(&r->body, ",\"opinion\":\"strongly-disagree\",\"object_refs\":[\"%.*s\"]", STR_ARG(id));
        misp_string(r, "explanation", STR("False positive Sighting"));
    } else {
        return; /* expiration: it stays with the attribute's own members */
    }
    misp_tail(r, &element);
}

static void put_sightings(struct reading *r, struct json_val v, size_t position)
{
    struct element element;
    struct json_val list, entry;
    (void)position;
    if (!json_get(v, STR("Sighting"), &list) || !json_is(list, JSON_ARRAY) ||
        !misp_element(r, v, "an attribute", &element))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &entry))
        put_sighting(r, &element, entry);
}

/* --- the event --- */

static void put_report(struct reading *r)
{
    struct element element = {.v = r->event, .time = r->time, .marks = r->marks};
    struct str name = {0};
    struct misp_time published = r->time;
    int64_t seconds;
    memcpy(element.uuid, r->uuid, sizeof element.uuid);
    (void)json_get_str(r->event, STR("info"), &name);
    misp_head(r, r->report->published ? STR("report") : STR("grouping"), &element);
    misp_string(r, "name", name.len > 0 ? name : STR("MISP event"));
    if (misp_seconds(r->event, "publish_timestamp", &seconds) == ERR_OK)
        published = misp_time_of(seconds);
    if (r->report->published)
        misp_string(r, "published", (struct str) {published.text, MISP_TIME_BYTES});
    else
        misp_string(r, "context", STR("suspicious-activity"));
    buf_put_str(&r->body, STR(",\"object_refs\":["));
    buf_put_str(&r->body, buf_str(&r->refs));
    const char *comma = ",";
    buf_put_str(&r->body, STR("],\"labels\":[\"Threat-Report\",\"misp:tool=\\\"MISP-STIX-Converter\\\"\""));
    put_tags(r, r->event, &comma);
    buf_putc(&r->body, ']');
    misp_keep_put(&r->keep, MISP_EVENT, r->event, 0, &r->body);
    misp_tail(r, &element);
}

static void put_empty_note(struct reading *r)
{
    struct element element = {.time = r->time, .marks = r->marks};
    memcpy(element.uuid, r->uuid, sizeof element.uuid);
    misp_head(r, STR("note"), &element);
    misp_string(r, "content",
                r->refusal_count > 0
                    ? STR("Nothing that this MISP Event contains could be read.")
                    : STR("This MISP Event is empty and contains no attribute, object, galaxy or tag."));
    buf_printf(&r->body, ",\"object_refs\":[\"%s--%s\"]", r->report->published ? "report" : "grouping",
               r->uuid);
    misp_tail(r, &element);
    misp_member(r, STR("note"), &element);
}

/* What stays here, in one object that leaves with nothing. */
static void put_pieces(struct reading *r)
{
    struct element element = {.time = r->time, .marks = {.bits = MISP_MARK_STAYS}};
    if (r->keep.piece_count == 0)
        return;
    memcpy(element.uuid, r->uuid, sizeof element.uuid);
    misp_marks_add(&r->used, &element.marks);
    misp_head(r, STR("x-misp-local"), &element);
    buf_put_str(&r->body,
                STR(",\"extensions\":{\"" MISP_EXTENSION
                    "\":{\"extension_type\":\"property-extension\",\"kind\":\"local\",\"event\":\""));
    buf_put_str(&r->body, str_of(r->uuid));
    buf_put_str(&r->body, STR("\",\"pieces\":["));
    buf_put(&r->body, r->keep.pieces.at, r->keep.pieces.len - 1);
    buf_put_str(&r->body, STR("]}}"));
    misp_tail(r, &element);
    r->report->kept_here = r->keep.piece_count;
}

static void put_creator(struct reading *r, struct buf *out)
{
    struct json_val org;
    struct str name = {0};
    if (r->creator[0] == '\0')
        return;
    if (json_get(r->event, STR("Orgc"), &org))
        (void)json_get_str(org, STR("name"), &name);
    /* The same organisation in every event: no time of any event may stand in it. */
    buf_printf(
        out,
        "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--%s\",\"created\":\"" MISP_EPOCH
        "\",\"modified\":\"" MISP_EPOCH "\",\"name\":",
        r->creator);
    json_write_str(out, name.len > 0 ? name : STR("MISP organisation"));
    buf_put_str(out, STR(",\"identity_class\":\"organization\"},"));
}

static void put_extension(struct buf *out)
{
    buf_put_str(out,
                STR("{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"" MISP_AUTHOR
                    "\",\"created\":\"" MISP_EPOCH "\",\"modified\":\"" MISP_EPOCH
                    "\",\"name\":\"bongsu\",\"identity_class\":\"system\"},"
                    "{\"type\":\"extension-definition\",\"spec_version\":\"2.1\",\"id\":\"" MISP_EXTENSION
                    "\",\"created_by_ref\":\"" MISP_AUTHOR "\",\"created\":\"" MISP_EPOCH
                    "\",\"modified\":\"" MISP_EPOCH "\",\"name\":\"MISP element\",\"description\":\"What an "
                    "element of a MISP event says beyond the STIX object "
                    "that stands for it\",\"schema\":\"docs/protocol/MISP.md\",\"version\":\"1.0.0\","
                    "\"extension_types\":[\"property-extension\"]},"));
}

static bool begin(struct reading *r)
{
    struct json_val org;
    struct str text = {0};
    struct uuid uuid;
    int64_t seconds;
    if (!json_is(r->event, JSON_OBJECT) || !json_get_str(r->event, STR("uuid"), &text) ||
        !uuid_parse(text, &uuid)) {
        misp_fail(r, ERR_INVALID, "this is no MISP event: it has no uuid", (struct str) {0});
        return false;
    }
    uuid_text(&uuid, r->uuid);
    r->keep.event = str_of(r->uuid);
    if (misp_seconds(r->event, "timestamp", &seconds) != ERR_OK) {
        misp_fail(r, ERR_INVALID, "the event has no timestamp", str_of(r->uuid));
        return false;
    }
    r->time = misp_time_of(seconds);
    if (json_get(r->event, STR("Orgc"), &org) && json_get_str(org, STR("uuid"), &text) &&
        uuid_parse(text, &uuid))
        uuid_text(&uuid, r->creator);
    r->report->published = misp_flag(r->event, "published");
    misp_marks_of(r->event, false, &r->marks);
    if (!r->report->published)
        r->marks.bits |= MISP_MARK_STAYS;
    r->used = r->marks;
    return true;
}

static void convert(struct reading *r)
{
    if (!begin(r))
        return;
    misp_each(r, "Attribute", misp_put_attribute);
    misp_each(r, "Object", misp_note_part);
    misp_each(r, "Object", misp_note_use);
    misp_each(r, "Object", misp_put_object);
    misp_each(r, "Object", misp_put_annotation);
    misp_put_galaxies(r, r->event, (struct str) {0});
    misp_each(r, "Attribute", put_sightings);
    misp_each(r, "Object", put_references);
    misp_each(r, "EventReport", put_event_report);
    if (r->ref_count == 0)
        put_empty_note(r);
    put_report(r);
    put_pieces(r);
    if (r->err == ERR_OK)
        r->err = r->keep.err;
    if (r->err == ERR_OK)
        r->err = buf_err(&r->body);
}

static err_t finish(struct reading *r, struct buf *out)
{
    if (r->err == ERR_OK)
        r->err = buf_err(&r->refs);
    if (r->err == ERR_OK)
        r->err = buf_err(&r->keep.pieces);
    if (r->err != ERR_OK)
        return r->err;
    size_t was = out->len;
    buf_printf(out, "{\"type\":\"bundle\",\"id\":\"bundle--%s\",\"objects\":[", r->uuid);
    put_extension(out);
    put_creator(r, out);
    misp_marks_define(&r->used, out);
    buf_put(out, r->body.at, r->body.len - 1);
    buf_put_str(out, STR("]}"));
    if (buf_err(out) != ERR_OK)
        out->len = was;
    return buf_err(out);
}

static struct hash_sip_key sip_of(struct bytes text)
{
    struct hash_sip_key key;
    struct hash digest = hash_sha256(text);
    memcpy(key.b, digest.b, sizeof key.b);
    return key;
}

static void init(struct reading *r, struct hash_sip_key *sip)
{
    buf_init(&r->body, LIMIT_MISP_STIX_BYTES);
    buf_init(&r->refs, LIMIT_OBJECT_BYTES);
    buf_init(&r->one, LIMIT_OBJECT_BYTES);
    buf_init(&r->two, LIMIT_OBJECT_BYTES);
    buf_init(&r->keep.pieces, LIMIT_OBJECT_BYTES);
    buf_init(&r->added, LIMIT_MISP_ELEMENTS * UUID_TEXT_SIZE);
    map_init(&r->mains, UUID_TEXT_SIZE, LIMIT_MISP_ELEMENTS, sip);
    map_init(&r->parts, UUID_TEXT_SIZE, LIMIT_MISP_ELEMENTS, sip);
    map_init(&r->clusters, UUID_TEXT_SIZE, LIMIT_MISP_ELEMENTS, sip);
    map_init(&r->refused, sizeof(uint64_t), LIMIT_MISP_REFUSED, sip);
}

static void deinit(struct reading *r)
{
    map_deinit(&r->mains);
    map_deinit(&r->clusters);
    map_deinit(&r->parts);
    map_deinit(&r->refused);
    mem_free(r->refusals);
    misp_objects_free(r->objects);
    misp_empties_deinit(&r->keep.empties);
    buf_deinit(&r->added);
    buf_deinit(&r->keep.pieces);
    buf_deinit(&r->two);
    buf_deinit(&r->one);
    buf_deinit(&r->refs);
    buf_deinit(&r->body);
}

err_t misp_read(struct json_parser *parser, struct bytes event, const struct misp_refuse *refuse,
                struct buf *out, struct misp_report *report, struct fault *fault)
{
    struct json_doc doc;
    struct json_val root;
    err_t err = json_parse(parser, event, &doc, fault);
    if (err != ERR_OK)
        return err;
    root = json_root(&doc);
    if (json_has_hard_number(root) && (err = json_check_numbers(event, fault)) != ERR_OK)
        return err;
    *report = (struct misp_report) {0};
    struct fault own;
    struct fault *told = fault != NULL ? fault : &own;
    *told = (struct fault) {0};
    struct hash_sip_key sip = sip_of(event);
    struct reading r = {.event = root, .report = report, .fault = told, .keep = {.fault = told}};
    r.wrapped = json_get(root, STR("Event"), &r.event);
    init(&r, &sip);
    convert(&r);
    err = finish(&r, out);
    report->refused = r.refusal_count;
    if (err == ERR_OK && refuse != NULL)
        misp_tell_refused(&r, event, refuse);
    deinit(&r);
    return err;
}
