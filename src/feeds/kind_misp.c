/* A static MISP feed: manifest.json names the events with their times, {uuid}.json holds each. Only events
 * whose time is another than the one that was taken in are fetched, oldest first; what was taken in is
 * remembered event by event, so that a run that breaks off goes on there. An unchanged manifest costs one
 * 304. What cannot be read as an event goes to quarantine as it came.
 *
 * A folder without manifest.json is read by its hashes.csv: that names the events as well, and in the place
 * of the time stands a digest of what it says of one. What changes no value of an event is not seen then. */
#include <stdlib.h>

#include "core/mem.h"
#include "core/uuid.h"
#include "feeds/fresh.h"
#include "feeds/kind.h"
#include "feeds/misp.h"
#include "feeds/misp_hashes.h"

struct event {
    struct uuid uuid;
    uint64_t time; /* or the digest of its lines; 0: neither is known */
};

struct misp {
    struct fresh *fresh; /* of the manifest, or of hashes.csv */
    bool hashes;         /* there is no manifest */
    struct event *events;
    size_t count, room, at;
    bool listed;         /* the list was read */
    bool missed, broken; /* an event was not there, or its text broke off */
    size_t refused;      /* events, and elements of others */
    err_t err;           /* what was refused could not be kept */
};

static void end(void *work)
{
    struct misp *misp = work;
    if (misp->fresh != NULL)
        fresh_end(misp->fresh);
    mem_free(misp->events);
    mem_free(misp);
}

/* The folder of the feed, with a slash at its end. */
static void put_folder(struct feed *feed, struct buf *out)
{
    struct str target = feed_url(feed).target;
    if (str_ends(target, STR("manifest.json")))
        target.len -= sizeof "manifest.json" - 1;
    buf_put_str(out, target);
    if (out->len == 0 || out->at[out->len - 1] != '/')
        buf_putc(out, '/');
}

static void ask(struct feed *feed, struct str name)
{
    struct buf target;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    put_folder(feed, &target);
    buf_put_str(&target, name);
    feed_ask(feed, buf_str(&target));
    feed_ask_field(feed, "accept", STR("application/json"));
    buf_deinit(&target);
}

static err_t begin(struct feed *feed)
{
    struct misp *misp = mem_alloc(sizeof *misp);
    if (misp == NULL)
        return ERR_NOMEM;
    *feed_work(feed) = misp;
    err_t err = fresh_new(&misp->fresh);
    if (err != ERR_OK)
        return err;
    ask(feed, STR("manifest.json"));
    /* What was kept of the other list says nothing of this one. */
    if (!str_eq(feed_get(feed, "list"), STR("hashes.csv")))
        fresh_ask(feed);
    return ERR_OK;
}

/* --- the manifest --- */

/* Seconds, as text or as a number; 0 when it is none. */
static uint64_t time_of(struct json_val entry)
{
    struct json_val value;
    uint64_t time = 0;
    if (!json_get(entry, STR("timestamp"), &value))
        return 0;
    if (json_is(value, JSON_STRING))
        (void)str_to_u64(json_str(value), INT64_MAX, &time);
    else if (json_is(value, JSON_INT) && json_int(value) > 0)
        time = (uint64_t)json_int(value);
    return time;
}

static bool add_event(struct misp *misp, const struct event *event)
{
    if (misp->count == misp->room) {
        size_t room = misp->room == 0 ? 256 : 2 * misp->room;
        struct event *grown = mem_grow(misp->events, room * sizeof *grown);
        if (grown == NULL)
            return false;
        misp->events = grown;
        misp->room = room;
    }
    misp->events[misp->count++] = *event;
    return true;
}

static int by_time(const void *a, const void *b)
{
    const struct event *x = a, *y = b;
    if (x->time != y->time)
        return x->time < y->time ? -1 : 1;
    return memcmp(x->uuid.b, y->uuid.b, UUID_SIZE);
}

/* Of those that are new, or of another time than the one that is remembered. */
static err_t want_event(struct feed *feed, struct misp *misp, const struct event *event)
{
    char name[UUID_TEXT_SIZE];
    uuid_text(&event->uuid, name);
    if (event->time != 0 && feed_recall(feed, (struct str) {name, sizeof name}) == event->time)
        return ERR_OK;
    if (misp->count >= LIMIT_FEED_THINGS)
        return ERR_LIMIT;
    return add_event(misp, event) ? ERR_OK : ERR_NOMEM;
}

static err_t read_manifest(struct feed *feed, struct misp *misp, struct json_val root)
{
    struct str name;
    struct json_val entry;
    if (!json_is(root, JSON_OBJECT))
        return ERR_INVALID;
    struct json_iter iter = json_object_iter(root);
    while (json_object_next(&iter, &name, &entry)) {
        /* Without a time it is fetched each time that the manifest changed. */
        struct event event = {.time = time_of(entry)};
        if (!uuid_parse(name, &event.uuid) || !json_is(entry, JSON_OBJECT))
            return ERR_INVALID;
        err_t err = want_event(feed, misp, &event);
        if (err != ERR_OK)
            return err;
    }
    if (misp->count > 0)
        qsort(misp->events, misp->count, sizeof misp->events[0], by_time);
    return ERR_OK;
}

static const char degraded[] = "there is no manifest.json: of an event only new and changed values are seen";

static void end_run(struct feed *feed, const struct misp *misp)
{
    const char *list = misp->hashes ? "hashes.csv" : "manifest.json";
    if (misp->broken)
        feed_remark(feed, "an event broke off in the midst of its text: it is fetched again");
    else if (misp->missed)
        feed_remark(feed, "an event that %s names is not there", list);
    else if (misp->refused > 0)
        feed_remark(feed, "%zu events or parts of them cannot be read: bongsu quarantine list",
                    misp->refused);
    else if (misp->hashes)
        feed_remark(feed, "%s", degraded);
    /* With an event missing, the list is read again although it did not change. */
    if (!misp->missed && !misp->broken)
        fresh_taken(feed, misp->fresh);
    (void)feed_set(feed, "list", str_of(list));
    feed_done(feed);
}

static void next_event(struct feed *feed)
{
    struct misp *misp = *feed_work(feed);
    char name[UUID_TEXT_SIZE + 6];
    if (misp->at == misp->count) {
        end_run(feed, misp);
        return;
    }
    uuid_text(&misp->events[misp->at].uuid, name);
    memcpy(name + UUID_TEXT_SIZE, ".json", 6);
    ask(feed, str_of(name));
}

/* --- the list of hashes, when there is no manifest --- */

static void ask_hashes(struct feed *feed, struct misp *misp)
{
    misp->hashes = true;
    ask(feed, STR("hashes.csv"));
    if (str_eq(feed_get(feed, "list"), STR("hashes.csv")))
        fresh_ask(feed);
}

static err_t want_listed(struct feed *feed, struct misp *misp, struct bytes text, struct fault *fault)
{
    struct misp_listed *listed;
    size_t count;
    err_t err = misp_hashes_read(text, &listed, &count, fault);
    if (err != ERR_OK)
        return err;
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        struct event event = {listed[i].uuid, listed[i].digest};
        err = want_event(feed, misp, &event);
    }
    mem_free(listed);
    return err;
}

static void take_hashes(struct feed *feed, struct feed_answer *answer)
{
    struct misp *misp = *feed_work(feed);
    struct fault fault = {0};
    if (answer->status == 304)
        feed_remark(feed, "%s", degraded);
    if (!fresh_answered(feed, misp->fresh, answer))
        return;
    err_t err = want_listed(feed, misp, buf_bytes(answer->body), &fault);
    if (err != ERR_OK) {
        feed_fail(feed, err, "is --url the folder of a static MISP feed?",
                  "there is no manifest.json, and hashes.csv is no list of MISP events: byte %zu: %s",
                  fault.offset, fault.what[0] != '\0' ? fault.what : err_text(err));
        return;
    }
    misp->listed = true;
    next_event(feed);
}

static void take_manifest(struct feed *feed, struct feed_answer *answer)
{
    struct misp *misp = *feed_work(feed);
    struct json_doc doc;
    /* One that was there before has not become another kind of folder: something is wrong. */
    if ((answer->status == 404 || answer->status == 410) &&
        !str_eq(feed_get(feed, "list"), STR("manifest.json"))) {
        ask_hashes(feed, misp);
        return;
    }
    if (!fresh_answered(feed, misp->fresh, answer))
        return;
    err_t err = json_parse(feed_parser(feed), buf_bytes(answer->body), &doc, NULL);
    if (err == ERR_OK)
        err = read_manifest(feed, misp, json_root(&doc));
    if (err != ERR_OK) {
        feed_fail(feed, err, "is --url the folder of a static MISP feed?",
                  "manifest.json is no manifest of MISP events: %s", err_text(err));
        return;
    }
    misp->listed = true;
    next_event(feed);
}

/* --- events --- */

static void taken(struct feed *feed)
{
    struct misp *misp = *feed_work(feed);
    const struct event *event = &misp->events[misp->at];
    char name[UUID_TEXT_SIZE];
    uuid_text(&event->uuid, name);
    err_t err =
        event->time == 0 ? ERR_OK : feed_remember(feed, (struct str) {name, sizeof name}, event->time);
    if (err != ERR_OK) {
        feed_fail(feed, err, "look at bongsu status", "which events it has could not be kept: %s",
                  err_text(err));
        return;
    }
    misp->at++;
    next_event(feed);
}

static void refuse(void *ctx, struct bytes text, const struct fault *fault)
{
    struct feed *feed = ctx;
    struct misp *misp = *feed_work(feed);
    err_t err = feed_refuse(feed, text, fault);
    if (misp->err == ERR_OK)
        misp->err = err;
    misp->refused++;
}

/* The next time it is fetched again, and those behind it are not held up. */
static void pass_over(struct feed *feed, bool *why)
{
    struct misp *misp = *feed_work(feed);
    *why = true;
    misp->at++;
    next_event(feed);
}

static void take_event(struct feed *feed, struct feed_answer *answer)
{
    struct misp *misp = *feed_work(feed);
    const struct misp_refuse to = {refuse, feed};
    struct bytes event = buf_bytes(answer->body);
    struct buf bundle;
    struct misp_report report = {0};
    struct fault fault = {0};
    if (feed_breaks_off(event)) {
        pass_over(feed, &misp->broken);
        return;
    }
    buf_init(&bundle, LIMIT_FEED_ANSWER_BYTES);
    err_t err = misp_read(feed_parser(feed), event, &to, &bundle, &report, &fault);
    bool whole = err != ERR_OK && err != ERR_NOMEM;
    if (whole)
        refuse(feed, event, &fault);
    if (err == ERR_NOMEM || misp->err != ERR_OK)
        feed_fail(feed, err == ERR_NOMEM ? err : misp->err, "look at bongsu status",
                  "an event could not be taken in");
    else if (whole)
        taken(feed);
    else
        feed_take(feed, &bundle);
    buf_deinit(&bundle);
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    struct misp *misp = *feed_work(feed);
    if (!misp->listed && misp->hashes) {
        take_hashes(feed, answer);
    } else if (!misp->listed) {
        take_manifest(feed, answer);
    } else if (answer->status == 200) {
        take_event(feed, answer);
    } else if (answer->status == 404 || answer->status == 410) {
        pass_over(feed, &misp->missed);
    } else {
        feed_refused(feed, answer);
    }
}

const struct feed_kind feed_kind_misp = {
    .name = "misp",
    .summary = "a static feed of MISP events",
    .begin = begin,
    .answer = answer,
    .taken = taken,
    .end = end,
};
