/* A TAXII 2.1 server that is no bongsu, with one collection that anybody reads and writes, and a partner who
 * is reached by it: one feed that reads and one that pushes, over a real gate. Tests only. */
#pragma once

#include "pull.h"

#include "gate/recall.h"
#include "json/json.h"

enum { FAR_OBJECTS = 64, FAR_OBJECT_BYTES = 4096, FAR_IN = 0, FAR_OUT = 1 };

struct far_object {
    char text[FAR_OBJECT_BYTES];
    char id[ID_MAX];
    char version[40]; /* modified, or created */
    int64_t added;
    unsigned posts; /* by the node */
};

struct far {
    struct pull p;
    struct feed *feeds[2];
    struct feed_conf confs[2];
    unsigned partner;
    uint32_t desk, source; /* the node's own, and the partner's */
    struct far_object at[FAR_OBJECTS];
    size_t count;
    int64_t clock;
    size_t calls[2];
    unsigned post_status, delete_status; /* 0: as it should be */
    size_t deletes;
    struct json_parser *parser;
};

static inline void far_member(struct json_val root, const char *name, char *out, size_t size)
{
    struct str text = {"", 0};
    (void)json_get_str(root, str_of(name), &text);
    assert_in_range(text.len, 0, size - 1);
    (void)snprintf(out, size, "%.*s", STR_ARG(text));
}

/* Takes an object as a server does: the same version again changes nothing. */
static inline void far_take(struct far *t, struct bytes text, bool posted)
{
    struct far_object object = {.posts = posted};
    struct json_doc doc;
    char padded[FAR_OBJECT_BYTES + JSON_PADDING] = "";
    assert_in_range(text.len, 1, sizeof object.text - 1);
    memcpy(padded, text.at, text.len);
    memcpy(object.text, text.at, text.len);
    assert_int_equal(json_parse(t->parser, bytes_of(padded, text.len), &doc, NULL), ERR_OK);
    far_member(json_root(&doc), "id", object.id, sizeof object.id);
    far_member(json_root(&doc), "modified", object.version, sizeof object.version);
    if (object.version[0] == '\0')
        far_member(json_root(&doc), "created", object.version, sizeof object.version);
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->at[i].id, object.id) != 0 || strcmp(t->at[i].version, object.version) != 0)
            continue;
        t->at[i].posts += posted;
        return;
    }
    assert_in_range(t->count, 0, FAR_OBJECTS - 1);
    object.added = ++t->clock;
    t->at[t->count++] = object;
}

static inline void far_put(struct far *t, const char *text)
{
    far_take(t, bytes_of(text, strlen(text)), false);
}

/* The last version that it has. */
static inline struct far_object *far_find(struct far *t, const char *id)
{
    struct far_object *found = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (strcmp(t->at[i].id, id) == 0)
            found = &t->at[i];
    return found;
}

/* The last one that holds these words. */
static inline struct far_object *far_says(struct far *t, const char *words)
{
    struct far_object *found = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (strstr(t->at[i].text, words) != NULL)
            found = &t->at[i];
    return found;
}

static inline void far_date(int64_t at, char out[40])
{
    (void)snprintf(out, 40, "2026-05-01T00:%02d:%02d.000000Z", (int)(at / 60), (int)(at % 60));
}

static inline void far_get(struct far *t)
{
    static char body[FAR_OBJECTS * FAR_OBJECT_BYTES];
    char after[40] = "", date[40], last[40] = "";
    const char *asked = strstr(t->p.target, "added_after=");
    size_t len = (size_t)snprintf(body, sizeof body, "{\"objects\":[");
    bool any = false;
    if (asked != NULL)
        for (size_t i = 0; asked[12 + i] != '\0' && asked[12 + i] != '&' && i < sizeof after - 1; i++)
            after[i] = asked[12 + i];
    for (size_t i = 0; i < t->count; i++) {
        far_date(t->at[i].added, date);
        if (strncmp(date, after, 19) <= 0 && after[0] != '\0')
            continue;
        len += (size_t)snprintf(body + len, sizeof body - len, "%s%s", any ? "," : "", t->at[i].text);
        any = true;
        memcpy(last, date, sizeof last);
    }
    (void)snprintf(body + len, sizeof body - len, "]}");
    struct feed_field field = {STR("x-taxii-date-added-last"), str_of(last)};
    pull_answer(&t->p, 200, &field, 1, any ? body : "{}");
}

static inline bool far_slice(void *ctx, struct json_slice slice)
{
    struct far *t = ctx;
    far_take(t, bytes_of(t->p.call.body.at + slice.from, slice.len), true);
    return true;
}

static inline void far_slices(struct far *t)
{
    enum json_split_kind kind;
    assert_int_equal(json_split(t->p.call.body, STR("objects"), &kind, far_slice, t, NULL), ERR_OK);
}

static inline void far_post(struct far *t)
{
    if (t->post_status != 0) {
        pull_answer(&t->p, t->post_status, NULL, 0, "{\"title\":\"no\"}");
        return;
    }
    far_slices(t);
    pull_answer(&t->p, 202, NULL, 0,
                "{\"id\":\"2d086da7-4bdc-4f91-900e-d77486753710\",\"status\":\"complete\",\"total_count\":1,"
                "\"success_count\":1,\"failure_count\":0,\"pending_count\":0}");
}

/* All versions of the object that the path names. */
static inline void far_delete(struct far *t)
{
    size_t kept = 0, before = t->count;
    const char *path = strstr(t->p.target, "/objects/");
    assert_non_null(path);
    t->deletes++;
    for (size_t i = 0; i < before && t->delete_status == 0; i++)
        if (strncmp(t->at[i].id, path + 9, strlen(t->at[i].id)) != 0)
            t->at[kept++] = t->at[i];
    if (t->delete_status == 0)
        t->count = kept;
    pull_answer(&t->p, t->delete_status != 0 ? t->delete_status : t->count < before ? 200 : 404, NULL, 0, "");
}

/* One feed runs until it rests; false: it had nothing to ask. */
static inline bool far_run(struct far *t, int which)
{
    size_t before = t->calls[which];
    t->p.feed = t->feeds[which];
    t->p.bench.now_us += INT64_C(3600) * 1000000;
    while (pull_step(&t->p)) {
        t->calls[which]++;
        if (t->p.call.method == EXCHANGE_POST)
            far_post(t);
        else if (t->p.call.method == EXCHANGE_DELETE)
            far_delete(t);
        else if (strstr(t->p.target, "/objects/") != NULL)
            far_get(t);
        else
            pull_answer(&t->p, 200, NULL, 0, "{\"max_content_length\":100000}");
        pull_commit(&t->p);
    }
    pull_commit(&t->p);
    return t->calls[which] > before;
}

/* What was decided is shown, goes, and what is there is read. */
static inline void far_round(struct far *t)
{
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
    (void)far_run(t, FAR_OUT);
    (void)far_run(t, FAR_IN);
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
}

/* Called back here, told to everybody, and destroyed. */
static inline void far_recall(struct far *t, const char *type, int n)
{
    struct gate *gate = t->p.bench.gate;
    struct stix_key key = key_of(type, n);
    struct gate_recalled told;
    uint64_t lsns[LIMIT_COPIES];
    size_t count;
    bool did = true;
    assert_int_equal(gate_spill_copies(gate, &key, lsns, LIMIT_COPIES, &count), ERR_OK);
    assert_int_equal(gate_recall(gate, lsns, count, 0, &by_test, true, t->p.bench.now_us, &told), ERR_OK);
    bench_settle(&t->p.bench);
    while (did)
        assert_int_equal(gate_recall_step(gate, t->p.bench.now_us, &did), ERR_OK);
    assert_int_equal(gate_purge(gate, NULL, t->p.bench.now_us), ERR_OK);
    assert_true(gate_is_destroyed(gate, lsns[0]));
}

static inline struct feed_status far_status(struct far *t, int which)
{
    struct feed_status status;
    feed_status(t->feeds[which], &status);
    return status;
}

static inline void far_feeds_open(struct far *t)
{
    for (int i = 0; i < 2; i++) {
        struct feed_setup setup = {.gate = t->p.bench.gate, .conf = &t->confs[i], .diag = &bench_diag};
        assert_int_equal(feed_new(&setup, t->p.bench.now_us, &t->feeds[i]), ERR_OK);
    }
}

static inline void far_feeds_close(struct far *t)
{
    for (int i = 0; i < 2; i++) {
        feed_free(t->feeds[i]);
        t->feeds[i] = NULL;
    }
}

/* The power goes: what is durable is all that is left. */
static inline void far_restart(struct far *t)
{
    far_feeds_close(t);
    bench_reopen(&t->p.bench);
    far_feeds_open(t);
}

static inline void far_init(struct far *t, const struct feed_setting *more, size_t count)
{
    struct bench *b = &t->p.bench;
    struct fault fault = {0};
    memset(t, 0, sizeof *t);
    bench_init(b);
    assert_int_equal(json_parser_new(FAR_OBJECT_BYTES, &t->parser), ERR_OK);
    t->desk = bench_source(b, "desk", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_peer_put(b->gate, STR("isac"), STR(""), STR("US"), bytes_of(NULL, 0), &by_test,
                                   b->now_us, &t->partner),
                     ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, t->partner, GATE_PEER_STARTED, false, &by_test, b->now_us),
                     ERR_OK);
    t->source = gate_peer_get(b->gate, t->partner)->source;
    bench_policy(b);
    t->confs[FAR_IN] = (struct feed_conf) {.name = STR("isac.in"),
                                           .kind = feed_kind_find(STR("taxii21")),
                                           .url = STR("https://far.example/api1/collections/one/"),
                                           .source = STR("peer.isac"),
                                           .every_s = 900};
    t->confs[FAR_OUT] = (struct feed_conf) {.name = STR("isac.out"),
                                            .kind = feed_kind_find(STR("taxii21-push")),
                                            .url = STR("https://far.example/api1/collections/one/"),
                                            .every_s = 900,
                                            .options = {{STR("audience"), STR("isac")}},
                                            .option_count = 1 + count};
    for (size_t i = 0; i < count; i++)
        t->confs[FAR_OUT].options[1 + i] = more[i];
    for (int i = 0; i < 2; i++)
        assert_int_equal(feed_conf_put(b->gate, &t->confs[i], &by_test, b->now_us, &fault), ERR_OK);
    far_feeds_open(t);
}

static inline void far_deinit(struct far *t)
{
    far_feeds_close(t);
    json_parser_free(t->parser);
    bench_deinit(&t->p.bench);
}
