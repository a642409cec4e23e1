/* What readers change and ask besides pages: submissions and their statuses, deletions in the workspace,
 * answers that never change, and what they have no right to. */
#include "world.h"

#include <stdio.h>

enum { BODY_MAX = READER_POST * THING_TEXT + 256, FORGOTTEN_AT_ONCE = 2 };
#define STATUS_US (24 * 60 * MINUTE_US)

/* --- submissions --- */

static bool same_version(const struct thing *a, const struct thing *b)
{
    return shelf_has_version(a) && a->target == b->target && shelf_second(a) == shelf_second(b);
}

static bool is_rival(const struct thing *a, const struct thing *b)
{
    return b != NULL && a != b && same_version(a, b);
}

/* May it be told that something else stands under this version? Only of what it gave or was given itself. */
static bool may_conflict(const struct visit *visit, const struct errand *errand, const struct thing *thing)
{
    for (unsigned list = 0; list < 2; list++) {
        struct shelf shelf = visit_shelf(visit, list == 1);
        for (size_t i = 0; i < shelf.count; i++)
            if (is_rival(thing, shelf.at[i].thing))
                return true;
    }
    for (size_t i = 0; i < errand->count; i++)
        if (is_rival(thing, errand->thing[i]))
            return true;
    return false;
}

/* Must it be? Of what it gave before, and did not take away. */
static bool must_conflict(const struct reader *reader, const struct thing *thing)
{
    for (size_t i = 0; i < reader->desk_count && reader->desk[i].thing != thing; i++)
        if (!reader->desk[i].gone && is_rival(thing, reader->desk[i].thing))
            return true;
    return false;
}

struct verdict {
    size_t success_min, success_max;
};

static struct verdict verdict_of(const struct visit *visit, const struct errand *errand)
{
    struct verdict verdict = {0};
    for (size_t i = 0; i < errand->count; i++) {
        const struct thing *thing = errand->thing[i];
        verdict.success_min += thing->valid && !may_conflict(visit, errand, thing);
        verdict.success_max += thing->valid && !must_conflict(visit->reader, thing);
    }
    return verdict;
}

static struct hash digest_of(const struct visit *visit)
{
    return hash_sha256(buf_bytes(&visit->response.body));
}

/* Two old ones make room for each new one. */
static void keep_status(struct visit *visit, const char *id)
{
    struct reader *reader = visit->reader;
    int64_t now = node_now(visit->node);
    for (unsigned i = 0; i < FORGOTTEN_AT_ONCE && reader->forgotten < reader->status_count; i++) {
        if (reader->statuses[reader->forgotten].at_us + STATUS_US > now)
            break;
        reader->forgotten++;
    }
    must(reader->status_count < READER_STATUSES);
    struct reader_status *status = &reader->statuses[reader->status_count++];
    *status = (struct reader_status) {.digest = digest_of(visit), .at_us = now};
    memcpy(status->id, id, sizeof status->id - 1);
}

/* NULL: all is well. */
static const char *judge_status(struct visit *visit, const struct errand *errand, struct verdict verdict)
{
    static const char head[] = "{\"id\":\"", counts[] = "\"total_count\":";
    struct buf *body = &visit->response.body;
    size_t total = 0, success = 0, failure = 0;
    if (visit->response.status != 202)
        return "a status is expected";
    buf_putc(body, '\0');
    body->len--;
    const char *text = (const char *)body->at, *at = strstr(text, counts);
    if (memcmp(text, head, sizeof head - 1) != 0 || at == NULL ||
        sscanf(at, "\"total_count\":%zu,\"success_count\":%zu,\"failure_count\":%zu", &total, &success,
               &failure) != 3)
        return "the status is no status";
    if (total != errand->count || success + failure != total)
        return "the counts do not add up";
    if (success < verdict.success_min)
        return "something was not taken, and nothing that the reader may know of speaks against it";
    if (success > verdict.success_max)
        return "something was taken that breaks a rule";
    keep_status(visit, text + sizeof head - 1);
    return NULL;
}

/* What is handed in once more is there again. */
static void undo_removal(struct reader *reader, const struct errand *errand)
{
    for (size_t i = 0; i < errand->count; i++)
        for (size_t k = 0; k < reader->desk_count; k++)
            if (reader->desk[k].thing == errand->thing[i])
                reader->desk[k].gone = false;
}

static bool is_on_desk(const struct reader *reader, const struct thing *thing)
{
    for (size_t i = 0; i < reader->desk_count; i++)
        if (reader->desk[i].thing == thing && !reader->desk[i].gone)
            return true;
    return false;
}

static void write_body(const struct errand *errand, char out[BODY_MAX], size_t *out_len)
{
    int len = snprintf(out, BODY_MAX, "{\"objects\":[");
    for (size_t i = 0; i < errand->count; i++)
        len += snprintf(out + len, BODY_MAX - (size_t)len, "%s%s", i > 0 ? "," : "", errand->thing[i]->text);
    len += snprintf(out + len, BODY_MAX - (size_t)len, "]}");
    must((size_t)len + JSON_PADDING < BODY_MAX);
    *out_len = (size_t)len;
}

static void submit(struct visit *visit)
{
    static char text[BODY_MAX];
    struct reader *reader = visit->reader;
    struct errand errand = reader->errand;
    size_t len;
    write_body(&errand, text, &len);
    struct verdict verdict = verdict_of(visit, &errand);
    struct exchange_request request = {.method = EXCHANGE_POST,
                                       .path = errand.inbox ? STR("/api/collections/inbox/objects/")
                                                            : STR("/api/collections/workspace/objects/"),
                                       .content_type = STR("application/taxii+json;version=2.1"),
                                       .body = bytes_of(text, len)};
    if (!visit_ask(visit, &request)) {
        reader->unsure = true;
        return;
    }
    reader->has_errand = false;
    const char *fault = judge_status(visit, &errand, verdict);
    if (fault != NULL)
        visit_wrong(visit, &request, fault);
    exchange_response_deinit(&visit->response);
    undo_removal(reader, &errand);
    visit->node->changed = true;
    node_pump(visit->node);
    for (size_t i = 0; i < errand.count && node_is_up(visit->node) && !node_stands_still(visit->node) &&
                       !visit->world->broken;
         i++)
        if (errand.thing[i]->valid && !recall_bars(visit->node, reader->source, errand.thing[i]) &&
            !is_on_desk(reader, errand.thing[i]))
            world_break(visit->world, "TAXII: %s does not have what %s handed in:\n%.400s", visit->node->name,
                        visit->world->nodes[visit->who].name, errand.thing[i]->text);
}

/* --- statuses --- */

/* Somebody else who reads here, if there is anybody. */
static unsigned another(const struct visit *visit)
{
    unsigned number = visit->node->number, first = world_partner(visit->world, number, 0);
    bool taken = first == visit->who && world_partner_count(visit->world, number) > 1;
    return taken ? world_partner(visit->world, number, 1) : first;
}

static void ask_status(struct draw *draw, struct visit *visit)
{
    struct reader *reader = visit->reader;
    unsigned other = another(visit);
    const struct reader *asked = draw_chance(draw, 150) ? &visit->node->reader[other] : reader;
    char path[ASK_PATH_MAX];
    if (asked->status_count == 0)
        return;
    size_t at = draw_below(draw, (unsigned)asked->status_count);
    const struct reader_status *status = &asked->statuses[at];
    bool old = status->at_us + STATUS_US <= node_now(visit->node);
    (void)snprintf(path, sizeof path, "/api/status/%s/", status->id);
    struct exchange_request request = {.method = EXCHANGE_GET, .path = str_of(path)};
    if (!visit_ask(visit, &request))
        return;
    struct hash digest = digest_of(visit);
    bool there = visit->response.status == 200 && hash_eq(&digest, &status->digest);
    bool gone = visit->response.status == 404, forgotten = asked != reader || at < reader->forgotten;
    if (asked == reader && old && reader->unsure ? !there && !gone : forgotten ? !gone : !there)
        visit_wrong(visit, &request,
                    forgotten ? "a status that should be gone" : "a status that should be there");
    exchange_response_deinit(&visit->response);
}

/* --- deletions --- */

static void take_away(struct visit *visit)
{
    struct reader *reader = visit->reader;
    struct errand errand = reader->errand;
    char path[ASK_PATH_MAX], query[ASK_QUERY_MAX] = "", id[THING_ID_SIZE];
    bool any = false;
    thing_id(errand.target, id);
    (void)snprintf(path, sizeof path, "/api/collections/workspace/objects/%s/", id);
    if (errand.second != NO_SECOND)
        (void)snprintf(query, sizeof query, "match[version]=2026-01-01T00:00:%02uZ", errand.second);
    struct exchange_request request = {
        .method = EXCHANGE_DELETE, .path = str_of(path), .query = str_of(query)};
    if (!visit_ask(visit, &request)) {
        reader->errand.again = true;
        return;
    }
    reader->has_errand = false;
    for (size_t i = 0; i < reader->desk_count; i++) {
        struct shelf_entry *entry = &reader->desk[i];
        bool version = errand.second == NO_SECOND ||
                       (shelf_has_version(entry->thing) && shelf_second(entry->thing) == errand.second);
        if (entry->gone || entry->thing->target != errand.target || !version)
            continue;
        any = entry->gone = true;
    }
    unsigned status = visit->response.status;
    if (status != (any ? 200 : 404) && !(errand.again && any && status == 404))
        visit_wrong(visit, &request, any ? "it is there to be deleted" : "nothing of that is there");
    exchange_response_deinit(&visit->response);
    node_pump(visit->node);
}

static void run(struct visit *visit)
{
    if (visit->reader->errand.remove)
        take_away(visit);
    else
        submit(visit);
}

void errand_retry(struct node *node)
{
    for (unsigned p = 0; p < node->world->node_count && node_is_up(node) && !node->world->broken; p++) {
        struct visit visit = {.world = node->world, .node = node, .who = p, .reader = &node->reader[p]};
        if (visit.reader->has_errand)
            run(&visit);
    }
}

/* --- what never changes, and what is nobody's right --- */

static const struct {
    enum exchange_method method;
    const char *path, *query;
    unsigned status;
} fixed[READER_FIXED] = {
    {EXCHANGE_GET, "/taxii2/", "", 200},
    {EXCHANGE_GET, "/api/", "", 200},
    {EXCHANGE_GET, "/api/collections/", "", 200},
    {EXCHANGE_GET, "/api/collections/workspace/", "", 200},
    {EXCHANGE_OPTIONS, "/api/collections/release/objects/", "", 200},
    {EXCHANGE_GET, "/api/collections/inbox/objects/", "", 403},
    {EXCHANGE_POST, "/api/collections/release/objects/", "", 403},
    {EXCHANGE_DELETE, "/api/collections/release/objects/indicator--0b009500-0000-4000-8000-000000000001/", "",
     403},
    {EXCHANGE_GET, "/api/collections/release/objects/", "limit=0", 400},
    {EXCHANGE_GET, "/api/collections/release/manifest/", "match[nonsense]=1", 400},
    {EXCHANGE_GET, "/api/collections/nowhere/objects/", "", 404},
    {EXCHANGE_GET, "/api/status/0b009500-0000-4000-8000-000000000001/", "", 404},
};

static void ask_fixed(struct draw *draw, struct visit *visit)
{
    unsigned row = draw_below(draw, READER_FIXED);
    struct reader *reader = visit->reader;
    struct exchange_request request = {
        .method = fixed[row].method, .path = str_of(fixed[row].path), .query = str_of(fixed[row].query)};
    if (!visit_ask(visit, &request))
        return;
    struct hash digest = digest_of(visit);
    if (visit->response.status != fixed[row].status)
        visit_wrong(visit, &request, "another status is expected");
    else if (reader->fixed_known[row] && !hash_eq(&digest, &reader->fixed[row]))
        visit_wrong(visit, &request, "the answer was another one before");
    reader->fixed[row] = digest;
    reader->fixed_known[row] = true;
    exchange_response_deinit(&visit->response);
}

/* `next` belongs to the collection that gave it. */
static void ask_elsewhere(struct visit *visit)
{
    static struct shelf_page page;
    const struct reader_page *held = &visit->reader->pages[0];
    struct ask ask = held->ask;
    char path[ASK_PATH_MAX], query[ASK_QUERY_MAX];
    if (held->next[0] == '\0')
        return;
    memcpy(ask.next, held->next, sizeof ask.next);
    ask.workspace = !ask.workspace;
    ask_print(&ask, path, query);
    struct exchange_request request = {.method = EXCHANGE_GET, .path = str_of(path), .query = str_of(query)};
    if (!visit_ask(visit, &request))
        return;
    struct shelf shelf = visit_shelf(visit, ask.workspace);
    bool found = shelf_read(&shelf, &ask, &page);
    if (visit->response.status != (found ? 400 : 404))
        visit_wrong(visit, &request, "the next of another collection");
    exchange_response_deinit(&visit->response);
}

/* --- drawing --- */

static struct errand draw_removal(struct draw *draw, const struct reader *reader)
{
    struct errand errand = {.remove = true,
                            .second = draw_chance(draw, 500) ? draw_below(draw, 4) : NO_SECOND};
    size_t at = draw_below(draw, (unsigned)reader->desk_count + 1);
    errand.target =
        thing_target((enum thing_kind)draw_below(draw, THING_KINDS), draw_below(draw, THING_PER_KIND));
    if (at < reader->desk_count && draw_chance(draw, 800))
        errand.target = reader->desk[at].thing->target;
    return errand;
}

/* What the world speaks of; or something under an id that only the second of two twins has from others, and
 * that stays here in both. Not from a partner itself what other secrets refer to: it has that then, and they
 * may go. */
static const struct thing *draw_thing(struct draw *draw, struct world *world, const struct reader *reader)
{
    const struct thing *thing = NULL;
    if (!draw_chance(draw, 250))
        return op_thing(world, draw, PARTS_PLAIN);
    while (thing == NULL || (reader->own && thing->kind != THING_REPORT && thing->kind != THING_RELATION))
        thing = things_secret(&world->things, draw, draw_chance(draw, 500) ? THING_RED : THING_UNMARKED);
    return thing;
}

static struct errand draw_submission(struct draw *draw, struct world *world, const struct reader *reader)
{
    struct errand errand = {.inbox = draw_chance(draw, 400), .count = 1 + draw_below(draw, READER_POST)};
    for (size_t i = 0; i < errand.count; i++)
        errand.thing[i] = draw_thing(draw, world, reader);
    return errand;
}

void errand_draw(struct draw *draw, struct visit *visit, unsigned what)
{
    struct reader *reader = visit->reader;
    if (what < 70) {
        ask_status(draw, visit);
    } else if (what < 76) {
        ask_fixed(draw, visit);
    } else if (what < 80) {
        ask_elsewhere(visit);
    } else {
        reader->errand = what < 88 ? draw_removal(draw, reader) : draw_submission(draw, visit->world, reader);
        reader->has_errand = true;
        run(visit);
    }
}
