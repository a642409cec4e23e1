/* OpenCTI's live stream: server-sent events `create`, `update`, `delete`, `merge`, each with an object in
 * data.data, and `heartbeat` every five seconds. Read from the id of the last event that was taken in: the id
 * is kept behind the objects, so a crash repeats events and loses none.
 *
 *   create, update   the object is taken in
 *   delete           it is tagged feed.deleted here: policies hold it back by that, nothing is destroyed. It
 * may only have left what our account sees merge            the object that is left is taken in; those that
 * went into it are tagged feed.merged
 *
 * A create or an update takes both tags away again. The server ends a session after a day; the next one goes
 * on where it ended. After the server's retention (about a month) ids are not known any more: then `--from`
 * names a time to recover from. */
#include "core/mem.h"
#include "feeds/kind.h"
#include "feeds/sse.h"
#include "json/json.h"

#define TAG_DELETED STR("feed.deleted")
#define TAG_MERGED  STR("feed.merged")

enum { OPS_MAX = 4096, GATHER_BYTES = 8 << 20 };

struct op {
    struct stix_key key;
    enum { OP_PRESENT, OP_DELETED, OP_MERGED } kind;
};

struct opencti {
    struct sse sse;
    struct feed *feed;
    struct buf objects; /* "{"objects":[...": what gathered since the last taking in */
    size_t object_count;
    struct op ops[OPS_MAX]; /* in order */
    size_t op_count, taken_ops;
    struct buf last, taken_last; /* id of the last event gathered; of the last one being taken in */
    err_t err;
    bool under_way;
};

static void on_event(void *ctx, const struct sse_event *event);

static void end(void *work)
{
    struct opencti *opencti = work;
    sse_deinit(&opencti->sse);
    buf_deinit(&opencti->objects);
    buf_deinit(&opencti->last);
    buf_deinit(&opencti->taken_last);
    mem_free(opencti);
}

static err_t begin(struct feed *feed)
{
    struct opencti *opencti = mem_alloc(sizeof *opencti);
    if (opencti == NULL)
        return ERR_NOMEM;
    *feed_work(feed) = opencti;
    opencti->feed = feed;
    sse_init(&opencti->sse, on_event, opencti);
    buf_init(&opencti->objects, GATHER_BYTES);
    buf_init(&opencti->last, FEED_KEPT_BYTES);
    buf_init(&opencti->taken_last, FEED_KEPT_BYTES);
    struct str last = feed_get(feed, "event");
    feed_ask(feed, feed_url(feed).target);
    feed_ask_field(feed, "accept", STR("text/event-stream"));
    feed_ask_field(feed, "from", last.len > 0 ? last : STR("0-0"));
    feed_ask_field(feed, "last-event-id", last);
    if (last.len == 0)
        feed_ask_field(feed, "recover-date", feed_option(feed, "from"));
    feed_ask_field(feed, "listen-delete", STR("true"));
    return ERR_OK;
}

/* --- events --- */

static void put_op(struct opencti *opencti, struct str id, int kind)
{
    struct op *op = &opencti->ops[opencti->op_count];
    if (opencti->op_count == OPS_MAX) {
        opencti->err = ERR_FULL;
        return;
    }
    if (!stix_id_parse(id, &op->key))
        return;
    op->kind = (uint8_t)kind;
    opencti->op_count++;
}

/* Behind the object that begins at `from`; 0: it does not end. The text is known to be JSON. */
static size_t object_end(struct str text, size_t from)
{
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = from; i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && c == '{')
            depth++;
        else if (!quoted && c == '}' && --depth == 0)
            return i + 1;
    }
    return 0;
}

/* The object's own text, cut out of the event: bytes are sacred. */
static void put_object(struct opencti *opencti, struct str data)
{
    size_t from = json_pointer_offset(bytes_from_str(data), STR("/data"));
    size_t to = from < data.len && data.at[from] == '{' ? object_end(data, from) : 0;
    if (to == 0)
        return;
    buf_put_str(&opencti->objects, opencti->object_count++ == 0 ? STR("{\"objects\":[") : STR(","));
    buf_put(&opencti->objects, data.at + from, to - from);
}

static void put_sources(struct opencti *opencti, struct json_val root)
{
    struct json_val context, sources, source;
    struct str id;
    if (!json_get(root, STR("context"), &context) || !json_get(context, STR("sources"), &sources) ||
        !json_is(sources, JSON_ARRAY))
        return;
    struct json_iter iter = json_array_iter(sources);
    while (json_array_next(&iter, &source))
        if (json_get_str(source, STR("id"), &id))
            put_op(opencti, id, OP_MERGED);
}

static void take_change(struct opencti *opencti, struct str type, struct str data)
{
    struct json_doc doc;
    struct json_val object;
    struct str id;
    struct buf padded;
    buf_init(&padded, LIMIT_FEED_EVENT_BYTES + JSON_PADDING);
    buf_put_str(&padded, data);
    if (buf_extend(&padded, JSON_PADDING) == NULL) {
        opencti->err = buf_err(&padded);
    } else if (json_parse(feed_parser(opencti->feed), bytes_of(padded.at, data.len), &doc, NULL) == ERR_OK &&
               json_get(json_root(&doc), STR("data"), &object) && json_get_str(object, STR("id"), &id)) {
        if (str_eq(type, STR("delete"))) {
            put_op(opencti, id, OP_DELETED);
        } else {
            put_object(opencti, data);
            put_op(opencti, id, OP_PRESENT);
            put_sources(opencti, json_root(&doc));
        }
    } else {
        feed_tally(opencti->feed)->refused++;
    }
    buf_deinit(&padded);
}

static void on_event(void *ctx, const struct sse_event *event)
{
    static const char *const changes[] = {"create", "update", "delete", "merge"};
    struct opencti *opencti = ctx;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        if (opencti->err == ERR_OK && str_eq(event->type, str_of(changes[i])))
            take_change(opencti, event->type, event->data);
    if (event->id.len > 0 && str_is_utf8(event->id)) {
        buf_clear(&opencti->last);
        buf_put_str(&opencti->last, event->id);
    }
}

static void part(struct feed *feed, struct bytes part)
{
    struct opencti *opencti = *feed_work(feed);
    err_t err = sse_feed(&opencti->sse, part);
    if (err == ERR_OK)
        err = opencti->err != ERR_OK ? opencti->err : buf_err(&opencti->objects);
    if (err != ERR_OK)
        feed_fail(feed, err, "it is opened again from the last event that was taken in",
                  "the stream brings more than can be taken in at once, or an event of more than %u MiB",
                  LIMIT_FEED_EVENT_BYTES >> 20);
}

/* --- taking in --- */

static void idle(struct feed *feed)
{
    struct opencti *opencti = *feed_work(feed);
    struct buf text;
    if (opencti == NULL || opencti->under_way || (opencti->object_count == 0 && opencti->op_count == 0))
        return;
    opencti->under_way = true;
    opencti->taken_ops = opencti->op_count;
    buf_clear(&opencti->taken_last);
    buf_put_str(&opencti->taken_last, buf_str(&opencti->last));
    if (opencti->object_count == 0)
        buf_put_str(&opencti->objects, STR("{\"objects\":["));
    buf_put_str(&opencti->objects, STR("]}"));
    text = opencti->objects;
    buf_init(&opencti->objects, GATHER_BYTES);
    opencti->object_count = 0;
    feed_take(feed, &text);
    buf_deinit(&text);
}

/* Present: neither tag; deleted, merged: that one. */
static err_t apply(struct feed *feed, const struct op *op)
{
    struct gate_by by = feed_by(feed);
    struct gate *gate = feed_gate(feed);
    if (op->kind != OP_PRESENT) {
        feed_tally(feed)->withdrawn++;
        return gate_tag(gate, &op->key, op->kind == OP_MERGED ? TAG_MERGED : TAG_DELETED, true, &by,
                        feed_now(feed));
    }
    err_t err = gate_tag(gate, &op->key, TAG_DELETED, false, &by, feed_now(feed));
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    err = gate_tag(gate, &op->key, TAG_MERGED, false, &by, feed_now(feed));
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static void taken(struct feed *feed)
{
    struct opencti *opencti = *feed_work(feed);
    for (size_t i = 0; i < opencti->taken_ops; i++) {
        err_t err = apply(feed, &opencti->ops[i]);
        if (err == ERR_OK)
            continue;
        feed_fail(feed, err, "it is opened again from the last event that was taken in",
                  "an object could not be tagged: %s", err_text(err));
        return;
    }
    size_t left = opencti->op_count - opencti->taken_ops;
    memmove(opencti->ops, opencti->ops + opencti->taken_ops, left * sizeof opencti->ops[0]);
    opencti->op_count = left;
    opencti->taken_ops = 0;
    opencti->under_way = false;
    (void)feed_set(feed, "event", buf_str(&opencti->taken_last));
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    if (answer->status == 410)
        feed_fail(feed, ERR_WRONGSTATE, "start the stream there",
                  "the stream has been stopped at the server");
    else
        feed_refused(feed, answer);
}

static const struct feed_option options[] = {
    {"from", "a time as 2026-01-31T00:00:00Z: at first, recover what changed since then", false, NULL},
    {NULL, NULL, false, NULL},
};

const struct feed_kind feed_kind_opencti = {
    .name = "opencti",
    .summary = "the live stream of an OpenCTI platform",
    .options = options,
    .stream = true,
    .begin = begin,
    .answer = answer,
    .taken = taken,
    .part = part,
    .idle = idle,
    .end = end,
};
