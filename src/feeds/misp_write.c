/* What becomes events: keeping objects, finding the event of each, and the files of a feed. */
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

err_t misp_writer_parse(struct misp_writer *writer, struct json_parser *parser, const struct kept *kept,
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
    err_t err = misp_writer_parse(writer, writer->parser, report, &doc);
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
        err_t err = misp_writer_parse(writer, writer->parser, kept, &doc);
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
    char uuid[UUID_TEXT_SIZE];
    struct json_doc doc;
    buf_init(&text, LIMIT_MISP_STIX_BYTES);
    buf_init(&manifest, LIMIT_OBJECT_BYTES);
    buf_init(&hashes, LIMIT_MISP_STIX_BYTES);
    buf_put_str(&text, STR("{\"Event\":"));
    struct buf inner;
    buf_init(&inner, LIMIT_MISP_STIX_BYTES);
    err_t err = misp_event_write(writer, from, end, &inner);
    buf_put_str(&text, buf_str(&inner));
    buf_putc(&text, '}');
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
