/* Events put together again. */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/stamp.h"
#include "feeds/misp_writing.h"

/* --- adding --- */

static err_t memory_put(void *ctx, struct bytes text)
{
    struct misp_writer *writer = ctx;
    buf_put(&writer->memory, text.at, text.len);
    return buf_err(&writer->memory);
}

static err_t memory_get(void *ctx, uint64_t offset, uint8_t *to, size_t len)
{
    const struct misp_writer *writer = ctx;
    must(offset <= writer->memory.len && len <= writer->memory.len - offset);
    if (len > 0)
        memcpy(to, writer->memory.at + offset, len);
    return ERR_OK;
}

err_t misp_writer_new(const struct misp_spill *spill, int64_t now_us, struct misp_writer **out)
{
    static const struct hash_sip_key sip = {{0}}; /* keys are digests */
    struct misp_writer *writer = mem_alloc(sizeof *writer);
    if (writer == NULL)
        return ERR_NOMEM;
    *writer = (struct misp_writer) {.now_us = now_us};
    writer->spill = spill != NULL ? *spill : (struct misp_spill) {memory_put, memory_get, writer};
    buf_init(&writer->memory, LIMIT_MISP_WRITE_BYTES);
    map_init(&writer->ids, HASH_SIZE, LIMIT_MISP_WRITE_COUNT, &sip);
    map_init(&writer->elements, UUID_SIZE, LIMIT_MISP_WRITE_COUNT, &sip);
    buf_init(&writer->text, LIMIT_MISP_STIX_BYTES);
    err_t err = json_parser_new(LIMIT_MISP_STIX_BYTES, &writer->parser);
    if (err == ERR_OK)
        err = json_parser_new(LIMIT_MISP_STIX_BYTES, &writer->second);
    if (err != ERR_OK) {
        misp_writer_free(writer);
        return err;
    }
    *out = writer;
    return ERR_OK;
}

void misp_writer_free(struct misp_writer *writer)
{
    if (writer == NULL)
        return;
    json_parser_free(writer->parser);
    json_parser_free(writer->second);
    buf_deinit(&writer->text);
    map_deinit(&writer->ids);
    map_deinit(&writer->elements);
    buf_deinit(&writer->memory);
    mem_free(writer->kept);
    mem_free(writer);
}

/* What never becomes an attribute: it says something about others, or stands in the events already. */
static bool is_context(struct json_val object, struct str type)
{
    static const struct str names[] = {{"identity", 8},         {"marking-definition", 18},
                                       {"relationship", 12},    {"extension-definition", 20},
                                       {"sighting", 8},         {"opinion", 7},
                                       {"language-content", 16}};
    struct json_val labels, label;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_eq(names[i], type))
            return true;
    if (!json_get(object, STR("labels"), &labels) || !json_is(labels, JSON_ARRAY))
        return false;
    struct json_iter iter = json_array_iter(labels);
    while (json_array_next(&iter, &label))
        if (json_is(label, JSON_STRING) && str_starts(json_str(label), STR("misp:galaxy-type=")))
            return true;
    return false;
}

static unsigned level_of(struct str kind)
{
    for (unsigned level = 0; level < MISP_LEVELS; level++)
        if (str_eq(misp_level_name(level), kind))
            return level;
    return str_eq(kind, STR("local")) ? MISP_LOCAL : MISP_LOOSE;
}

/* What a MISP event left in it; false: nothing. */
static bool read_element(struct json_val object, struct kept *out, struct json_val *out_data)
{
    struct json_val extensions, extension, position;
    struct str kind, event;
    if (!json_get(object, STR("extensions"), &extensions) || !json_is(extensions, JSON_OBJECT) ||
        !json_get(extensions, STR(MISP_EXTENSION), &extension) ||
        !json_get_str(extension, STR("kind"), &kind) || !json_get_str(extension, STR("event"), &event) ||
        !uuid_parse(event, &out->event))
        return false;
    out->level = level_of(kind);
    if (json_get(extension, STR("position"), &position) && json_is(position, JSON_INT) &&
        json_int(position) >= 0)
        out->position = (uint64_t)json_int(position);
    if (out->level == MISP_LOCAL)
        return json_get(extension, STR("pieces"), out_data) && json_is(*out_data, JSON_ARRAY);
    return out->level != MISP_LOOSE && json_get(extension, STR("data"), out_data) &&
           json_is(*out_data, JSON_OBJECT);
}

static err_t grow(struct misp_writer *writer)
{
    if (writer->count < writer->size)
        return ERR_OK;
    size_t size = writer->size == 0 ? 1024 : writer->size * 2;
    struct kept *kept = mem_grow(writer->kept, size * sizeof *kept);
    if (kept == NULL)
        return ERR_NOMEM;
    writer->kept = kept;
    writer->size = size;
    return ERR_OK;
}

static err_t keep(struct misp_writer *writer, struct str id, const struct kept *kept)
{
    struct hash key = hash_sha256(bytes_from_str(id));
    err_t err = grow(writer);
    if (err != ERR_OK)
        return err;
    const uint64_t *before = map_get(&writer->ids, key.b);
    if (before != NULL && stamp_cmp(kept->version, writer->kept[*before - 1].version) < 0)
        return ERR_OK;
    if (before != NULL)
        writer->kept[*before - 1].level = MISP_GONE;
    if ((err = map_put(&writer->ids, key.b, writer->count + 1)) != ERR_OK)
        return err;
    writer->kept[writer->count++] = *kept;
    return ERR_OK;
}

static err_t note_inner(struct misp_writer *writer, struct json_val data)
{
    struct json_val list, attribute;
    struct str text;
    struct uuid uuid;
    err_t err = ERR_OK;
    if (!json_get(data, STR("Attribute"), &list) || !json_is(list, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(list);
    while (err == ERR_OK && json_array_next(&iter, &attribute))
        if (json_get_str(attribute, STR("uuid"), &text) && uuid_parse(text, &uuid))
            err = map_put(&writer->elements, uuid.b, 1);
    return err;
}

/* When it last changed, and whether it has ended: an end is a change that no version tells. */
static void read_times(const struct misp_writer *writer, struct json_val object, struct kept *out)
{
    struct str text;
    struct stamp until;
    if (json_get_str(object, STR("modified"), &text) && stamp_parse(text, &out->version, NULL) != ERR_OK)
        out->version = (struct stamp) {0};
    out->changed_s = out->version.seconds > 0 ? out->version.seconds : 0;
    if (!json_get_str(object, STR("valid_until"), &text) || stamp_parse(text, &until, NULL) != ERR_OK ||
        until.seconds * 1000000 + (int64_t)(until.fraction / UINT64_C(1000000000000)) > writer->now_us)
        return;
    out->ended = true;
    if (until.seconds > out->changed_s)
        out->changed_s = until.seconds;
}

err_t misp_writer_add(struct misp_writer *writer, struct bytes object, struct fault *fault)
{
    struct json_doc doc;
    struct json_val data;
    struct stix_key key;
    struct str id, type;
    struct kept kept = {.level = MISP_LOOSE, .position = writer->count};
    err_t err = json_parse(writer->parser, object, &doc, fault);
    if (err != ERR_OK)
        return err;
    struct json_val root = json_root(&doc), revoked;
    read_times(writer, root, &kept);
    if (!json_get_str(root, STR("id"), &id) || !stix_id_parse(id, &key) ||
        !json_get_str(root, STR("type"), &type))
        return fault_set(fault, ERR_INVALID, 0, "this is no STIX object");
    memcpy(kept.uuid.b, key.b, UUID_SIZE);
    if (!read_element(root, &kept, &data)) {
        bool gone = json_get(root, STR("revoked"), &revoked) && json_is(revoked, JSON_TRUE);
        if (is_context(root, type))
            return ERR_OK;
        kept.level = gone ? MISP_GONE : MISP_LOOSE;
        data = root;
        kept.report = str_eq(type, STR("report")) || str_eq(type, STR("grouping"));
    }
    if (kept.level == MISP_OBJECT && TRY(err, note_inner(writer, data)))
        return err;
    buf_clear(&writer->text);
    if ((err = json_canon(data, NULL, &writer->text, fault)) != ERR_OK)
        return err;
    if (writer->text.len > UINT32_MAX ||
        TRY(err, writer->spill.put(writer->spill.ctx, buf_bytes(&writer->text))))
        return err != ERR_OK ? err : ERR_LIMIT;
    kept.at = writer->end;
    kept.len = (uint32_t)writer->text.len;
    writer->end += kept.len;
    return keep(writer, id, &kept);
}

/* --- finding --- */

static int by_event(const void *one, const void *two)
{
    const struct kept *a = one, *b = two;
    int order = memcmp(a->event.b, b->event.b, UUID_SIZE);
    if (order == 0)
        order = (a->level > b->level) - (a->level < b->level);
    if (order == 0)
        order = (a->position > b->position) - (a->position < b->position);
    return order != 0 ? order : memcmp(a->uuid.b, b->uuid.b, UUID_SIZE);
}

/* Room for a text and its padding in the writer's buffer; NULL: none. */
static uint8_t *text_room(struct misp_writer *writer, size_t len)
{
    buf_clear(&writer->text);
    uint8_t *at = len > SIZE_MAX - JSON_PADDING ? NULL : buf_extend(&writer->text, len + JSON_PADDING);
    if (at != NULL)
        memset(at + len, 0, JSON_PADDING);
    return at;
}

/* Parses a text that has no padding of its own. */
static err_t parse_text(struct misp_writer *writer, struct json_parser *parser, struct str text,
                        struct json_doc *doc)
{
    struct fault fault;
    uint8_t *at = text_room(writer, text.len);
    if (at == NULL)
        return ERR_LIMIT;
    memcpy(at, text.at, text.len);
    return json_parse(parser, bytes_of(at, text.len), doc, &fault);
}

/* Parses what was kept of an object. */
static err_t parse(struct misp_writer *writer, struct json_parser *parser, const struct kept *kept,
                   struct json_doc *doc)
{
    struct fault fault;
    uint8_t *at = text_room(writer, kept->len);
    if (at == NULL)
        return ERR_LIMIT;
    err_t err = writer->spill.get(writer->spill.ctx, kept->at, at, kept->len);
    return err == ERR_OK ? json_parse(parser, bytes_of(at, kept->len), doc, &fault) : err;
}

/* --- loose objects: which event --- */

/* Namespace of events that no MISP made. */
static const struct uuid name_space = {
    {0x8a, 0x1f, 0x6d, 0x4e, 0x52, 0xc7, 0x4b, 0x0f, 0x9d, 0x3a, 0x6e, 0x7c, 0x0b, 0x95, 0xf2, 0xd1}};

/* One event a creator and day of creation (observables have neither: one for all). */
static struct uuid day_event(struct json_val object)
{
    char text[LIMIT_ID_BYTES + 16];
    struct str creator = {0}, created = {0};
    (void)json_get_str(object, STR("created_by_ref"), &creator);
    (void)json_get_str(object, STR("created"), &created);
    if (creator.len > LIMIT_ID_BYTES)
        creator.len = 0;
    created.len = created.len > 10 ? 10 : created.len;
    int len = snprintf(text, sizeof text, "%.*s %.*s", STR_ARG(creator), STR_ARG(created));
    return uuid_v5(&name_space, bytes_of(text, (size_t)len));
}

/* Members of a report go with it, unless an earlier one has them. */
static err_t claim(struct misp_writer *writer, const struct kept *report, struct map *claimed)
{
    struct json_doc doc;
    struct json_val refs, ref;
    err_t err = parse(writer, writer->parser, report, &doc);
    if (err != ERR_OK)
        return err;
    if (!json_get(json_root(&doc), STR("object_refs"), &refs) || !json_is(refs, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(refs);
    while (err == ERR_OK && json_array_next(&iter, &ref)) {
        if (!json_is(ref, JSON_STRING))
            continue;
        struct hash key = hash_sha256(bytes_from_str(json_str(ref)));
        const uint64_t *index = map_get(&writer->ids, key.b);
        if (index == NULL || map_get(claimed, key.b) != NULL)
            continue;
        struct kept *member = &writer->kept[*index - 1];
        if (member->level == MISP_LOOSE && !member->report) {
            member->event = report->uuid;
            err = map_put(claimed, key.b, 1);
        }
    }
    return err;
}

/* Observables and the like that carry the uuid of an element of an event are that element again. */
static err_t drop_derived(struct misp_writer *writer)
{
    struct map *elements = &writer->elements;
    err_t err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < writer->count; i++)
        if (writer->kept[i].level < MISP_LEVELS)
            err = map_put(elements, writer->kept[i].uuid.b, 1);
    for (size_t i = 0; err == ERR_OK && i < writer->count; i++)
        if (writer->kept[i].level == MISP_LOOSE && map_get(elements, writer->kept[i].uuid.b) != NULL)
            writer->kept[i].level = MISP_GONE;
    return err;
}

static err_t place_rest(struct misp_writer *writer)
{
    static const struct uuid none = {{0}};
    for (size_t i = 0; i < writer->count; i++) {
        struct kept *kept = &writer->kept[i];
        struct json_doc doc;
        if (kept->level != MISP_LOOSE || memcmp(kept->event.b, none.b, UUID_SIZE) != 0)
            continue;
        if (kept->report) {
            kept->event = kept->uuid;
            continue;
        }
        err_t err = parse(writer, writer->parser, kept, &doc);
        if (err != ERR_OK)
            return err;
        kept->event = day_event(json_root(&doc));
    }
    return ERR_OK;
}

static err_t place_loose(struct misp_writer *writer)
{
    static const struct hash_sip_key sip = {{0}};
    struct map claimed;
    map_init(&claimed, HASH_SIZE, LIMIT_MISP_WRITE_COUNT, &sip);
    err_t err = drop_derived(writer);
    for (size_t i = 0; err == ERR_OK && i < writer->count; i++)
        if (writer->kept[i].level == MISP_LOOSE && writer->kept[i].report)
            err = claim(writer, &writer->kept[i], &claimed);
    map_deinit(&claimed);
    return err != ERR_OK ? err : place_rest(writer);
}

/* --- one event --- */

struct joining {
    struct misp_writer *writer;
    const struct kept *from, *end; /* of this event, sorted */
    struct json_val pieces;
    bool has_pieces;
    struct str uuid; /* of the element in hand */
    unsigned level;
    bool ended; /* the element in hand detects no more */
    err_t err;
    struct fault fault;
};

static void put_restored(struct joining *joining, unsigned level, struct json_val data, struct buf *out);

/* Finds the piece of this element and member that stood at `position` (-1: the whole member). */
static bool piece_at(const struct joining *joining, struct str member, int64_t position, struct json_val *out)
{
    struct json_val piece, at;
    struct str of, name;
    if (!joining->has_pieces)
        return false;
    struct json_iter iter = json_array_iter(joining->pieces);
    while (json_array_next(&iter, &piece)) {
        bool positioned = json_get(piece, STR("position"), &at) && json_is(at, JSON_INT);
        if (json_get_str(piece, STR("of"), &of) && str_eq(of, joining->uuid) &&
            json_get_str(piece, STR("member"), &name) && str_eq(name, member) &&
            (positioned ? json_int(at) == position : position < 0) && json_get(piece, STR("value"), out))
            return true;
    }
    return false;
}

static enum json_canon_act copy_member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                       struct buf *out)
{
    (void)out;
    return misp_full_note(ctx, depth, name, value) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

static void copy_end(void *ctx, unsigned depth, bool any, struct buf *out)
{
    misp_full_put(ctx, depth, any, out, NULL, NULL);
}

static void put_value(struct joining *joining, struct json_val value, struct buf *out)
{
    struct misp_fulls fulls = {0};
    struct json_canon_hook hook = {.member = copy_member, .ctx = &fulls, .end = copy_end};
    err_t err = json_canon(value, &hook, out, &joining->fault);
    if (err != ERR_OK && joining->err == ERR_OK)
        joining->err = err;
}

/* The list (NULL: empty) with what stayed here in its old places. */
static void put_list(struct joining *joining, struct str name, const struct json_val *list, struct buf *out)
{
    struct json_val entry, piece;
    const char *comma = "";
    int64_t position = 0;
    struct json_iter iter = list != NULL ? json_array_iter(*list) : (struct json_iter) {0};
    bool more = list != NULL && json_array_next(&iter, &entry);
    buf_putc(out, '[');
    for (;; position++) {
        bool kept = piece_at(joining, name, position, &piece);
        if (!kept && !more)
            break;
        buf_printf(out, "%s", comma);
        put_value(joining, kept ? piece : entry, out);
        if (!kept)
            more = json_array_next(&iter, &entry);
        comma = ",";
    }
    buf_putc(out, ']');
}

static void put_inner(struct joining *joining, struct json_val list, struct buf *out)
{
    struct json_val entry;
    const char *comma = "";
    struct json_iter iter = json_array_iter(list);
    buf_putc(out, '[');
    while (json_array_next(&iter, &entry)) {
        buf_printf(out, "%s", comma);
        put_restored(joining, MISP_ATTRIBUTE, entry, out);
        comma = ",";
    }
    buf_putc(out, ']');
}

/* Of the level, or loose and written as attributes. */
static bool belongs(const struct kept *kept, unsigned level)
{
    return kept->level == level || (kept->level == MISP_LOOSE && level == MISP_ATTRIBUTE && !kept->report);
}

/* What misp_keep.c cuts out of an event. */
static const struct list {
    unsigned level;
    struct str name;
} lists[] = {
    {MISP_ATTRIBUTE, {"Attribute", 9}},
    {MISP_OBJECT, {"Object", 6}},
    {MISP_EVENT_REPORT, {"EventReport", 11}},
};

/* A member that the lists of the event fill again. */
static bool is_filled(const struct joining *joining, struct str name)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (str_eq(lists[i].name, name))
            for (const struct kept *kept = joining->from; kept < joining->end; kept++)
                if (belongs(kept, lists[i].level))
                    return true;
    return false;
}

/* An element on its way back. */
struct restoring {
    struct joining *joining;
    bool head; /* it is the event: its lists are filled again */
    struct misp_fulls fulls;
};

static bool is_sifted(struct str name)
{
    return str_eq(name, STR("Tag")) || str_eq(name, STR("Galaxy"));
}

static enum json_canon_act restore(void *ctx, unsigned depth, struct str name, struct json_val value,
                                   struct buf *out)
{
    struct restoring *restoring = ctx;
    struct joining *joining = restoring->joining;
    if (misp_full_note(&restoring->fulls, depth, name, value) ||
        (depth == 0 && restoring->head && is_filled(joining, name)))
        return JSON_CANON_DROP;
    if (depth == 0 && joining->ended && str_eq(name, STR("to_ids"))) {
        buf_put_str(out, STR("false"));
        return JSON_CANON_TEXT;
    }
    if (depth != 0 || !json_is(value, JSON_ARRAY))
        return JSON_CANON_KEEP;
    if (joining->level == MISP_OBJECT && str_eq(name, STR("Attribute"))) {
        struct str uuid = joining->uuid;
        put_inner(joining, value, out);
        joining->uuid = uuid;
        joining->level = MISP_OBJECT;
        return JSON_CANON_TEXT;
    }
    if (!is_sifted(name))
        return JSON_CANON_KEEP;
    put_list(joining, name, &value, out);
    return JSON_CANON_TEXT;
}

/* Lists that are empty but for what stayed here, or what stands elsewhere. */
static bool restore_list(void *ctx, struct str name, const char *comma, struct buf *out)
{
    const struct restoring *restoring = ctx;
    if (restoring->head && is_filled(restoring->joining, name))
        return true;
    if (!is_sifted(name))
        return false;
    buf_printf(out, "%s\"%.*s\":", comma, STR_ARG(name));
    put_list(restoring->joining, name, NULL, out);
    return true;
}

static void restore_end(void *ctx, unsigned depth, bool any, struct buf *out)
{
    struct restoring *restoring = ctx;
    misp_full_put(&restoring->fulls, depth, any, out, depth == 0 ? restore_list : NULL, restoring);
}

static void put_whole_members(struct joining *joining, struct buf *out)
{
    struct json_val piece, position, value;
    struct str of, name;
    if (!joining->has_pieces || out->len == 0)
        return;
    struct json_iter iter = json_array_iter(joining->pieces);
    while (json_array_next(&iter, &piece)) {
        if (json_get(piece, STR("position"), &position) || !json_get_str(piece, STR("of"), &of) ||
            !str_eq(of, joining->uuid) || !json_get_str(piece, STR("member"), &name) ||
            !json_get(piece, STR("value"), &value))
            continue;
        out->len--; /* the brace */
        buf_printf(out, "%s", out->at[out->len - 1] == '{' ? "" : ",");
        json_write_str(out, name);
        buf_putc(out, ':');
        put_value(joining, value, out);
        buf_putc(out, '}');
    }
}

static void put_restored(struct joining *joining, unsigned level, struct json_val data, struct buf *out)
{
    struct restoring restoring = {.joining = joining, .head = level == MISP_EVENT};
    struct json_canon_hook hook = {.member = restore, .ctx = &restoring, .end = restore_end};
    joining->level = level;
    joining->uuid = (struct str) {0};
    (void)json_get_str(data, STR("uuid"), &joining->uuid);
    err_t err = json_canon(data, &hook, out, &joining->fault);
    if (err != ERR_OK && joining->err == ERR_OK)
        joining->err = err;
    put_whole_members(joining, out);
}

/* All elements of one level, each with a comma behind it. */
static void put_level(struct joining *joining, unsigned level, struct buf *out)
{
    for (const struct kept *kept = joining->from; joining->err == ERR_OK && kept < joining->end; kept++) {
        struct json_doc doc;
        if (!belongs(kept, level))
            continue;
        joining->err = parse(joining->writer, joining->writer->parser, kept, &doc);
        if (joining->err != ERR_OK)
            return;
        if (kept->level == MISP_LOOSE) {
            misp_loose_attributes(json_root(&doc), kept, out);
            continue;
        }
        joining->ended = kept->ended;
        put_restored(joining, level, json_root(&doc), out);
        buf_putc(out, ',');
    }
}

/* `"Attribute":[...]` for the lists that were cut out; the event's text `event` ends with a brace. */
static void put_lists(struct joining *joining, struct buf *event)
{
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        size_t before = event->len;
        event->len--;
        buf_printf(event, "%s", event->at[event->len - 1] == '{' ? "" : ",");
        buf_printf(event, "\"%.*s\":[", STR_ARG(lists[i].name));
        size_t empty = event->len;
        put_level(joining, lists[i].level, event);
        if (buf_err(event) != ERR_OK)
            return;
        if (event->len == empty) {
            event->len = before - 1; /* nothing: the event's own empty list, or none, stands */
        } else {
            event->len--; /* the last comma */
            buf_putc(event, ']');
        }
        buf_putc(event, '}');
    }
}

/* An event of which this view has no head: only what its parts say. */
static void put_shell(struct joining *joining, struct buf *out)
{
    char uuid[UUID_TEXT_SIZE];
    struct json_doc doc;
    struct str name = {0};
    int64_t seconds = 0;
    const struct kept *first = joining->from;
    for (const struct kept *kept = joining->from; kept < joining->end; kept++) {
        if (kept->report)
            first = kept;
        /* Who has the event looks again when any part of it has changed. */
        if (kept->level != MISP_GONE && kept->changed_s > seconds)
            seconds = kept->changed_s;
    }
    if (first->report && parse(joining->writer, joining->writer->parser, first, &doc) == ERR_OK)
        (void)json_get_str(json_root(&doc), STR("name"), &name);
    struct misp_time time = misp_time_of(seconds);
    uuid_text(&first->event, uuid);
    buf_printf(out, "{\"uuid\":\"%.*s\",\"info\":", UUID_TEXT_SIZE, uuid);
    json_write_str(out, name.len > 0 ? name : STR("STIX objects"));
    buf_printf(out,
               ",\"date\":\"%.10s\",\"timestamp\":\"%lld\",\"publish_timestamp\":\"%lld\",\"published\":true,"
               "\"analysis\":\"2\",\"threat_level_id\":\"4\",\"distribution\":\"0\","
               "\"Orgc\":{\"name\":\"bongsu\",\"uuid\":\"%.36s\"}",
               time.text, (long long)seconds, (long long)seconds, &MISP_AUTHOR[sizeof "identity-"]);
    if (first->report && parse(joining->writer, joining->writer->parser, first, &doc) == ERR_OK)
        misp_loose_tags(json_root(&doc), out);
    buf_putc(out, '}');
}

static void put_event(struct joining *joining, struct buf *out)
{
    struct json_doc doc, pieces;
    for (const struct kept *kept = joining->from; kept < joining->end; kept++)
        if (kept->level == MISP_LOCAL &&
            parse(joining->writer, joining->writer->second, kept, &pieces) == ERR_OK) {
            joining->pieces = json_root(&pieces);
            joining->has_pieces = true;
        }
    if (joining->from->level == MISP_EVENT) {
        joining->err = parse(joining->writer, joining->writer->parser, joining->from, &doc);
        if (joining->err != ERR_OK)
            return;
        put_restored(joining, MISP_EVENT, json_root(&doc), out);
    } else {
        put_shell(joining, out);
    }
    if (joining->err == ERR_OK && buf_err(out) == ERR_OK)
        put_lists(joining, out);
}

/* --- the feed's other files --- */

static void put_manifest(struct json_val event, struct str text, struct buf *out)
{
    static const char *const names[] = {"info", "analysis", "timestamp", "date", "threat_level_id",
                                        "Orgc", "Tag"};
    struct fault fault;
    struct json_val value;
    char hex[2 * HASH_SIZE];
    struct hash digest = hash_sha256(bytes_from_str(text));
    str_hex(digest.b, HASH_SIZE, hex);
    buf_put_str(out, STR("{\"integrity:sha256\":\""));
    buf_put(out, hex, sizeof hex);
    buf_putc(out, '"');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!json_get(event, str_of(names[i]), &value))
            continue;
        buf_printf(out, ",\"%s\":", names[i]);
        if (json_canon(value, NULL, out, &fault) != ERR_OK)
            buf_put_str(out, STR("null"));
    }
    buf_putc(out, '}');
}

/* MISP takes both parts of a value around the bar for values of their own. */
static void put_hashes_of(struct json_val attributes, struct str uuid, struct buf *out)
{
    struct json_val attribute;
    struct str value, type;
    struct json_iter iter = json_array_iter(attributes);
    while (json_array_next(&iter, &attribute)) {
        if (!json_get_str(attribute, STR("value"), &value) || !json_get_str(attribute, STR("type"), &type))
            continue;
        bool composite = memchr(type.at, '|', type.len) != NULL || str_eq(type, STR("malware-sample"));
        struct str rest = value, part = composite ? str_cut(&rest, '|') : value;
        for (int i = 0; i < (composite ? 2 : 1); i++, part = rest) {
            char hex[32];
            uint8_t digest[HASH_MD5_SIZE];
            if (part.len == 0)
                continue;
            hash_md5(bytes_from_str(part), digest);
            str_hex(digest, sizeof digest, hex);
            buf_printf(out, "%.32s,%.*s\n", hex, STR_ARG(uuid));
        }
    }
}

static void put_hashes(struct json_val event, struct str uuid, struct buf *out)
{
    struct json_val list, object;
    if (json_get(event, STR("Attribute"), &list) && json_is(list, JSON_ARRAY))
        put_hashes_of(list, uuid, out);
    if (!json_get(event, STR("Object"), &list) || !json_is(list, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &object)) {
        struct json_val inner;
        if (json_get(object, STR("Attribute"), &inner) && json_is(inner, JSON_ARRAY))
            put_hashes_of(inner, uuid, out);
    }
}

static err_t write_event(struct misp_writer *writer, const struct kept *from, const struct kept *end,
                         bool (*event)(void *ctx, const struct misp_written *written), void *ctx,
                         bool *out_on)
{
    struct buf text, manifest, hashes;
    struct joining joining = {.writer = writer, .from = from, .end = end};
    char uuid[UUID_TEXT_SIZE];
    struct json_doc doc;
    buf_init(&text, LIMIT_MISP_STIX_BYTES);
    buf_init(&manifest, LIMIT_OBJECT_BYTES);
    buf_init(&hashes, LIMIT_MISP_STIX_BYTES);
    buf_put_str(&text, STR("{\"Event\":"));
    struct buf inner;
    buf_init(&inner, LIMIT_MISP_STIX_BYTES);
    put_event(&joining, &inner);
    buf_put_str(&text, buf_str(&inner));
    buf_putc(&text, '}');
    err_t err = joining.err != ERR_OK ? joining.err : buf_err(&inner);
    if (err == ERR_OK)
        err = buf_err(&text);
    uuid_text(&from->event, uuid);
    struct str name = {uuid, UUID_TEXT_SIZE};
    if (err == ERR_OK && (err = parse_text(writer, writer->parser, buf_str(&inner), &doc)) == ERR_OK) {
        put_manifest(json_root(&doc), buf_str(&text), &manifest);
        put_hashes(json_root(&doc), name, &hashes);
        struct misp_written written = {name, buf_str(&text), buf_str(&manifest), buf_str(&hashes)};
        *out_on = event(ctx, &written);
    }
    buf_deinit(&inner);
    buf_deinit(&hashes);
    buf_deinit(&manifest);
    buf_deinit(&text);
    return err;
}

err_t misp_writer_finish(struct misp_writer *writer,
                         bool (*event)(void *ctx, const struct misp_written *written), void *ctx)
{
    bool on = true;
    err_t err = place_loose(writer);
    if (err != ERR_OK || writer->count == 0)
        return err;
    qsort(writer->kept, writer->count, sizeof *writer->kept, by_event);
    for (size_t i = 0; err == ERR_OK && on && i < writer->count;) {
        size_t end = i + 1, live = writer->kept[i].level != MISP_GONE;
        while (end < writer->count &&
               memcmp(writer->kept[end].event.b, writer->kept[i].event.b, UUID_SIZE) == 0)
            live += writer->kept[end++].level != MISP_GONE;
        if (live > 0)
            err = write_event(writer, &writer->kept[i], &writer->kept[end], event, ctx, &on);
        i = end;
    }
    return err;
}
