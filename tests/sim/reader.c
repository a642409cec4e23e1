/* Readers: their life, what they ask, and whether a page is the right one. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "taxii/identity.h"

enum { ANSWER_MAX = 8 << 20 };

static const char *const method_names[] = {"GET", "HEAD", "POST", "DELETE", "OPTIONS"};
static const struct gate_by by_setup = {{"sim", 3}, {"readers", 7}};

/* --- life --- */

void reader_init(struct reader *reader, bool own)
{
    *reader = (struct reader) {.own = own};
    reader->desk = calloc(SHELF_MAX, sizeof *reader->desk);
    reader->statuses = calloc(READER_STATUSES, sizeof *reader->statuses);
    must(reader->desk != NULL && reader->statuses != NULL);
}

void reader_deinit(struct reader *reader)
{
    free(reader->desk);
    free(reader->statuses);
}

static struct str desk_name(const struct node *node, unsigned p, char out[16])
{
    int len = snprintf(out, 16, "desk-%s", node->world->nodes[p].name);
    return (struct str) {out, (size_t)len};
}

static err_t set_up(struct node *node, unsigned p, int64_t now_us)
{
    char text[16];
    const struct node *other = &node->world->nodes[p];
    struct str name = str_of(other->name), desk = node->reader[p].own ? STR("") : desk_name(node, p, text);
    struct gate_source source = {.name = desk, .assume_until_us = INT64_MAX};
    unsigned roles = TAXII_READ | TAXII_SUBMIT | TAXII_WORKSPACE;
    uint32_t number;
    err_t err;
    if ((!node->reader[p].own &&
         TRY(err, gate_source_put(node->gate, &source, &by_setup, now_us, &number))) ||
        TRY(err, taxii_identity_put(node->taxii, name, name, desk, roles, &by_setup, now_us)))
        return err;
    return taxii_identity_certificate(node->taxii, name, other->reader_key.b, &by_setup, now_us);
}

err_t reader_set_up(struct node *node, int64_t now_us)
{
    err_t err = ERR_OK;
    for (unsigned p = 0; err == ERR_OK && p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p))
            err = set_up(node, p, now_us);
    return err;
}

void reader_find_again(struct node *node)
{
    char text[16];
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p))
            node->reader[p].source = node->reader[p].own
                                         ? gate_peer_get(node->gate, node->partner[p])->source
                                         : gate_source_find(node->gate, desk_name(node, p, text))->number;
}

/* Refused bytes are no objects. What came together is a microsecond apart. */
void reader_look(struct node *node, const struct gate_object *object, const struct thing *thing)
{
    for (unsigned p = 0; p < node->world->node_count; p++) {
        struct reader *reader = &node->reader[p];
        if (!world_linked(node->world, node->number, p) || object->envelope.source != reader->source ||
            (object->quarantined && object->envelope.reason != RECORD_QUARANTINE_CONFLICT))
            continue;
        must(reader->desk_count < SHELF_MAX);
        int64_t date = object->envelope.received_us;
        if (reader->desk_count > 0 && date <= reader->desk[reader->desk_count - 1].date_us)
            date = reader->desk[reader->desk_count - 1].date_us + 1;
        reader->desk[reader->desk_count++] = (struct shelf_entry) {.thing = thing, .date_us = date};
    }
}

/* --- asking --- */

void visit_wrong(struct visit *visit, const struct exchange_request *request, const char *what)
{
    const struct exchange_response *response = &visit->response;
    struct str body = buf_str(&response->body);
    world_blame(visit->world, "TAXII: %s asked %s for %.*s?%.*s: %s; got %u %.*s",
                visit->world->nodes[visit->who].name, visit->node->name, STR_ARG(request->path),
                STR_ARG(request->query), what, response->status, (int)(body.len < 200 ? body.len : 200),
                body.at);
}

bool visit_ask(struct visit *visit, struct exchange_request *request)
{
    struct node *node = visit->node;
    struct taxii_effect effect;
    request->secure = request->has_peer_key = true;
    memcpy(request->peer_key, visit->world->nodes[visit->who].reader_key.b, EXCHANGE_KEY_SIZE);
    disk_time_set(node->disk, node_now(node));
    exchange_response_init(&visit->response, request->id, ANSWER_MAX);
    visit->world->counts.asks++;
    (void)memory_of(node);
    bool answered = taxii_try(node->taxii, request, node_now(node), &visit->response, &effect);
    (void)memory_of(NULL);
    if (!answered) {
        node_pump(node); /* the keeper is asked for the rest of this ledger, and may not answer */
        if (!node_is_up(node) || visit->world->broken)
            return false;
        (void)memory_of(node);
        taxii_handle(node->taxii, request, node_now(node), &visit->response, &effect);
        (void)memory_of(NULL);
    }
    bool dead = disk_dead(node->disk);
    if (!dead && node->memory.struck &&
        (visit->response.status >= 500 || buf_err(&visit->response.body) != ERR_OK))
        dead = node_failed(node, ERR_NOMEM, "answering");
    bool changes = request->method == EXCHANGE_POST || request->method == EXCHANGE_DELETE;
    if (!dead && changes && gate_health(node->gate).read_only) /* it says so; it is asked again */
        dead = node_failed(node, ERR_READONLY, "answering");
    else if (dead && disk_dead(node->disk))
        (void)node_failed(node, ERR_IO, "answering");
    else if (!dead && effect.needs_commit)
        dead = node_failed(node, node_commit(node), "committing an answer");
    if (!dead)
        watch_answer(node, visit->who, request, &visit->response);
    /* What wants a decision, or a signature, has to wait for the disk. */
    dead = dead || (node_stands_still(node) && visit->response.status == 503);
    if (dead)
        exchange_response_deinit(&visit->response);
    else if (node->number == 0)
        transcript_note(visit->world, visit->who, &visit->response);
    if (!dead)
        world_say(visit->world, "%s asks %s: %s %s?%s: %u, %zu bytes", visit->world->nodes[visit->who].name,
                  node->name, method_names[request->method], request->path.at,
                  request->query.len > 0 ? request->query.at : "", visit->response.status,
                  visit->response.body.len);
    return !dead;
}

struct str visit_header(const struct visit *visit, const char *name)
{
    const struct exchange_response *response = &visit->response;
    for (size_t i = 0; i < response->header_count; i++)
        if (str_eq(str_of(response->headers[i].name), str_of(name)))
            return response->headers[i].value;
    return STR("");
}

/* What a policy took back is no longer given. That it may not be given is the oracle's to say (oracle.c);
 * that it is missing everywhere alike is said here. */
struct given {
    struct shelf_entry *at;
    size_t count;
};

static bool keep_given(void *ctx, const struct gate_leaf *leaf)
{
    struct given *given = ctx;
    if (leaf->leaf.seq < given->count && leaf->withheld)
        given->at[leaf->leaf.seq].thing = NULL;
    return true;
}

struct shelf visit_shelf(const struct visit *visit, bool workspace)
{
    static struct shelf_entry leaves[LEDGER_MAX];
    const struct seen_ledger *ledger = &visit->node->ledger[visit->who];
    if (workspace)
        return (struct shelf) {visit->reader->desk, visit->reader->desk_count, true};
    for (size_t i = 0; i < ledger->count; i++)
        leaves[i] = (struct shelf_entry) {.thing = ledger->at[i].thing, .date_us = ledger->at[i].time_us};
    struct given given = {leaves, ledger->count};
    err_t err = gate_leaves(visit->node->gate, visit->node->partner[visit->who], 0, keep_given, &given);
    must(err == ERR_OK || err == ERR_BUSY);
    return (struct shelf) {leaves, ledger->count, false};
}

/* --- a page, and what it has to be --- */

struct reading {
    struct visit *visit;
    struct ask ask;
    char path[ASK_PATH_MAX], query[ASK_QUERY_MAX];
    struct shelf shelf;
    struct shelf_page page;
    struct buf body;
    const struct reader_page *held; /* sent along in If-None-Match */
    char next[NEXT_SIZE + 1];
};

static const struct reader_page *page_held(const struct reader *reader, const struct reading *r)
{
    for (size_t i = 0; i < READER_PAGES && i < reader->page_count; i++)
        if (str_eq(str_of(reader->pages[i].path), str_of(r->path)) &&
            str_eq(str_of(reader->pages[i].query), str_of(r->query)))
            return &reader->pages[i];
    return NULL;
}

static int64_t date_of(const struct reading *r, bool last)
{
    size_t count = r->page.count;
    return count == 0 ? 0 : r->shelf.at[r->page.at[last ? count - 1 : 0]].date_us;
}

/* The body, and one digest over it and the dates: when that is the same, the reader has the page. */
static struct hash write_expected(struct reading *r, const char *next)
{
    int64_t dates[2] = {date_of(r, false), date_of(r, true)};
    memmove(r->next, next, strlen(next) + 1);
    buf_clear(&r->body);
    shelf_write(&r->shelf, &r->ask, &r->page, next, &r->body);
    must(buf_err(&r->body) == ERR_OK);
    const struct bytes parts[] = {buf_bytes(&r->body), bytes_of(dates, sizeof dates)};
    return hash_sha256_parts(parts, 2);
}

static bool is_unchanged(struct reading *r)
{
    const struct reader_page *held = r->held;
    if (held == NULL || r->page.more != (held->next[0] != '\0') ||
        (r->page.more && r->page.next != held->from))
        return false;
    struct hash digest = write_expected(r, held->next);
    return hash_eq(&digest, &held->digest);
}

static bool dates_right(const struct reading *r)
{
    char first[32] = "", last[32] = "";
    if (r->page.count > 0) {
        shelf_date(date_of(r, false), first);
        shelf_date(date_of(r, true), last);
    }
    return str_eq(visit_header(r->visit, "X-TAXII-Date-Added-First"), str_of(first)) &&
           str_eq(visit_header(r->visit, "X-TAXII-Date-Added-Last"), str_of(last));
}

/* The server's own word for where to go on. */
static bool next_of(const struct visit *visit, char out[NEXT_SIZE + 1])
{
    static const char head[] = "{\"more\":true,\"next\":\"";
    const struct buf *body = &visit->response.body;
    if (body->len < sizeof head - 1 + NEXT_SIZE || memcmp(body->at, head, sizeof head - 1) != 0)
        return false;
    memcpy(out, body->at + sizeof head - 1, NEXT_SIZE);
    out[NEXT_SIZE] = '\0';
    return strspn(out, "0123456789abcdef") == NEXT_SIZE;
}

static void remember(struct reading *r, const struct hash *digest)
{
    struct reader *reader = r->visit->reader;
    struct str etag = visit_header(r->visit, "ETag");
    struct reader_page *held = &reader->pages[reader->page_count++ % READER_PAGES];
    must(etag.len < sizeof held->etag);
    *held = (struct reader_page) {.ask = r->ask, .from = r->page.next, .digest = *digest};
    memcpy(held->path, r->path, sizeof held->path);
    memcpy(held->query, r->query, sizeof held->query);
    memcpy(held->next, r->next, sizeof held->next);
    memcpy(held->etag, etag.at, etag.len);
}

/* NULL: all is well. */
static const char *judge_page(struct reading *r)
{
    const struct exchange_response *response = &r->visit->response;
    struct str etag = visit_header(r->visit, "ETag");
    struct str held = str_of(r->held == NULL ? "" : r->held->etag);
    char next[NEXT_SIZE + 1] = "";
    if (!dates_right(r))
        return "wrong dates of the first and the last object";
    if (is_unchanged(r))
        return response->status == 304 && response->body.len == 0 && str_eq(etag, held)
                   ? NULL
                   : "the reader holds it";
    if (response->status != 200)
        return "a page is expected";
    if (r->page.more && !next_of(r->visit, next))
        return "there is more, and no next";
    struct hash digest = write_expected(r, next);
    if (!str_eq(buf_str(&r->body), buf_str(&response->body)))
        return "the page is another one";
    if (etag.len == 0 || str_eq(etag, held))
        return "no ETag, or that of another page";
    remember(r, &digest);
    return NULL;
}

/* False: broken, or down. */
static bool read_page(struct reading *r, enum exchange_method method, bool conditional)
{
    struct visit *visit = r->visit;
    ask_print(&r->ask, r->path, r->query);
    struct exchange_request request = {.method = method, .path = str_of(r->path), .query = str_of(r->query)};
    r->held = conditional ? page_held(visit->reader, r) : NULL;
    if (r->held != NULL)
        request.if_none_match = str_of(r->held->etag);
    if (!visit_ask(visit, &request))
        return false;
    r->shelf = visit_shelf(visit, r->ask.workspace);
    bool found = shelf_read(&r->shelf, &r->ask, &r->page);
    const char *fault = NULL;
    if (found)
        fault = judge_page(r);
    else if (visit->response.status != 404)
        fault = "nothing of that object is there";
    if (fault != NULL)
        visit_wrong(visit, &request, fault);
    exchange_response_deinit(&visit->response);
    return fault == NULL;
}

/* This page, and as many of those behind it. */
static void read_on(struct visit *visit, const struct ask *ask, unsigned pages, enum exchange_method method)
{
    struct reading *r = calloc(1, sizeof *r);
    must(r != NULL);
    r->visit = visit;
    r->ask = *ask;
    buf_init(&r->body, ANSWER_MAX);
    for (bool more = true; more && pages > 0; pages--) {
        more = read_page(r, method, true) && r->page.more;
        memcpy(r->ask.next, r->next, sizeof r->ask.next);
        r->ask.from = r->page.next;
    }
    buf_deinit(&r->body);
    free(r);
}

/* --- drawing --- */

static void draw_filters(struct draw *draw, struct ask *ask)
{
    bool many = ask->list == ASK_OBJECTS || ask->list == ASK_MANIFEST;
    ask->by_id = many && draw_chance(draw, 200);
    if (many && draw_chance(draw, 200))
        ask->type = thing_type((enum thing_kind)draw_below(draw, THING_KINDS));
    if (ask->list != ASK_VERSIONS)
        ask->versions = (enum ask_versions)draw_below(draw, VERSIONS_ONE + 1);
    ask->second = draw_below(draw, 4);
    ask->limit = draw_chance(draw, 600) ? 1 + draw_below(draw, 5) : 0;
}

static struct ask draw_ask(struct draw *draw, const struct visit *visit)
{
    struct ask ask = {.list = (enum ask_list)draw_below(draw, ASK_LISTS), .after_us = INT64_MIN};
    ask.workspace = draw_chance(draw, 400);
    ask.target =
        thing_target((enum thing_kind)draw_below(draw, THING_KINDS), draw_below(draw, THING_PER_KIND));
    draw_filters(draw, &ask);
    struct shelf shelf = visit_shelf(visit, ask.workspace);
    size_t at = draw_below(draw, (unsigned)shelf.count + 1);
    if (at < shelf.count && draw_chance(draw, 700)) /* something that is there, mostly */
        ask.target = shelf.at[at].thing != NULL ? shelf.at[at].thing->target : ask.target;
    if (at < shelf.count && draw_chance(draw, 250))
        ask.after_us = shelf.at[at].date_us - draw_below(draw, 2);
    return ask;
}

/* Something new; a page again that is held; or what stands behind such a page, whatever happened since. */
static void draw_reading(struct draw *draw, struct visit *visit)
{
    const struct reader *reader = visit->reader;
    enum exchange_method method = draw_chance(draw, 120) ? EXCHANGE_HEAD : EXCHANGE_GET;
    unsigned pages = draw_chance(draw, 200) ? UINT32_MAX : 1, what = draw_below(draw, 10);
    struct ask ask = draw_ask(draw, visit);
    size_t held = reader->page_count < READER_PAGES ? reader->page_count : READER_PAGES;
    if (what < 4 && held > 0) {
        const struct reader_page *page = &reader->pages[draw_below(draw, (unsigned)held)];
        ask = page->ask;
        if (what < 2 && page->next[0] != '\0') {
            memcpy(ask.next, page->next, sizeof ask.next);
            ask.from = page->from;
        }
    }
    read_on(visit, &ask, pages, method);
}

void reader_visit(struct world *world)
{
    struct draw *draw = &world->ask_draw;
    struct node *node = &world->nodes[draw_below(draw, world->node_count)];
    unsigned partners = world_partner_count(world, node->number);
    unsigned who = world_partner(world, node->number, draw_below(draw, partners)), asks = draw_below(draw, 5);
    struct draw own = {0};
    struct visit visit = {.world = world, .node = node, .who = who, .reader = &node->reader[who]};
    if (!node_is_up(node) || node->pending != NULL || world->restored || world->jumped)
        return;
    oracle_look(node);
    if (world_has(world, WITH_COLLUDERS)) { /* whatever the third one has */
        own = draw_of(world->options.seed, 41, world->ops_left);
        draw = &own;
        asks = who == THIRD ? 0 : asks;
    }
    for (; asks > 0 && node_is_up(node) && !world->broken; asks--) {
        unsigned what = draw_below(draw, 100);
        if (what < 60 || node_stands_still(node))
            draw_reading(draw, &visit);
        else
            errand_draw(draw, &visit, what);
    }
}

void reader_settled(struct node *node)
{
    static const struct ask asks[] = {
        {.list = ASK_OBJECTS, .versions = VERSIONS_ALL, .limit = 7, .after_us = INT64_MIN},
        {.list = ASK_MANIFEST, .limit = 5, .after_us = INT64_MIN},
        {.list = ASK_OBJECTS, .workspace = true, .versions = VERSIONS_ALL, .limit = 7, .after_us = INT64_MIN},
        {.list = ASK_MANIFEST, .workspace = true, .limit = 5, .after_us = INT64_MIN},
    };
    for (unsigned p = 0; p < node->world->node_count; p++)
        for (size_t i = 0; i < sizeof asks / sizeof *asks && world_linked(node->world, node->number, p) &&
                           !node->world->broken;
             i++) {
            struct visit visit = {.world = node->world, .node = node, .who = p, .reader = &node->reader[p]};
            read_on(&visit, &asks[i], UINT32_MAX, EXCHANGE_GET);
        }
}
