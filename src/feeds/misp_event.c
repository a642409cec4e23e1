/* One event, put together again from what was kept of its parts. */
#include "feeds/misp_writing.h"

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
        joining->err = misp_writer_parse(joining->writer, joining->writer->parser, kept, &doc);
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
    if (first->report && misp_writer_parse(joining->writer, joining->writer->parser, first, &doc) == ERR_OK)
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
    if (first->report && misp_writer_parse(joining->writer, joining->writer->parser, first, &doc) == ERR_OK)
        misp_loose_tags(json_root(&doc), out);
    buf_putc(out, '}');
}

static void put_event(struct joining *joining, struct buf *out)
{
    struct json_doc doc, pieces;
    for (const struct kept *kept = joining->from; kept < joining->end; kept++)
        if (kept->level == MISP_LOCAL &&
            misp_writer_parse(joining->writer, joining->writer->second, kept, &pieces) == ERR_OK) {
            joining->pieces = json_root(&pieces);
            joining->has_pieces = true;
        }
    if (joining->from->level == MISP_EVENT) {
        joining->err = misp_writer_parse(joining->writer, joining->writer->parser, joining->from, &doc);
        if (joining->err != ERR_OK)
            return;
        put_restored(joining, MISP_EVENT, json_root(&doc), out);
    } else {
        put_shell(joining, out);
    }
    if (joining->err == ERR_OK && buf_err(out) == ERR_OK)
        put_lists(joining, out);
}

err_t misp_event_write(struct misp_writer *writer, const struct kept *from, const struct kept *end,
                       struct buf *out)
{
    struct joining joining = {.writer = writer, .from = from, .end = end};
    put_event(&joining, out);
    return joining.err != ERR_OK ? joining.err : buf_err(out);
}
