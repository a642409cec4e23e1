#include "taxii/objects.h"

#include "taxii/page.h"
#include "taxii/text.h"
#include "taxii/ticket.h"

enum reading { READING_MANIFEST, READING_OBJECTS, READING_OBJECT, READING_VERSIONS };
enum { ETAG_SIZE = 3 + 32 + 1 }; /* W/"32 hexadecimal digits" */
enum { BOUND_SIZE = UUID_SIZE + 1 + STIX_KEY_SIZE + HASH_SIZE };

struct get {
    const struct call *call;
    const struct collection *collection;
    enum reading reading;
    struct stix_key key; /* of the one object */
    struct query query;
    struct view view;
    uint8_t bound[BOUND_SIZE]; /* what `next` is tied to */
    struct arena arena;
};

struct endpoint {
    unsigned parts;
    const char *list;
    bool with_objects;
    void (*item)(struct buf *out, const struct page *page, const struct item *item);
};

/* --- items --- */

static struct str version_text(const struct page *page, const struct item *item, char date[TIME_TEXT_SIZE])
{
    if (item->version_len > 0)
        return page_text(page, item->version_at, item->version_len);
    time_text(item->date_us, date);
    return str_of(date);
}

static void write_object(struct buf *out, const struct page *page, const struct item *item)
{
    buf_put_str(out, page_text(page, item->object_at, item->object_len));
}

/* Section 5.3.1. */
static void write_record(struct buf *out, const struct page *page, const struct item *item)
{
    char date[TIME_TEXT_SIZE], version[TIME_TEXT_SIZE];
    time_text(item->date_us, date);
    buf_put_str(out, STR("{\"id\":"));
    json_write_str(out, page_text(page, item->id_at, item->id_len));
    buf_printf(out, ",\"date_added\":\"%s\",\"version\":", date);
    json_write_str(out, version_text(page, item, version));
    buf_put_str(out, STR(",\"media_type\":\"" STIX_TYPE_TEXT "\"}"));
}

static void write_version(struct buf *out, const struct page *page, const struct item *item)
{
    char version[TIME_TEXT_SIZE];
    json_write_str(out, version_text(page, item, version));
}

static const struct endpoint endpoints[] = {
    [READING_MANIFEST] = {QUERY_PAGE | QUERY_ID | QUERY_TYPE | QUERY_VERSION | QUERY_SPEC, "objects", false,
                          write_record},
    [READING_OBJECTS] = {QUERY_PAGE | QUERY_ID | QUERY_TYPE | QUERY_VERSION | QUERY_SPEC, "objects", true,
                         write_object},
    [READING_OBJECT] = {QUERY_PAGE | QUERY_VERSION | QUERY_SPEC, "objects", true, write_object},
    [READING_VERSIONS] = {QUERY_PAGE | QUERY_SPEC, "versions", false, write_version},
};

/* --- the answer --- */

static void bind(struct get *get)
{
    uint8_t *at = get->bound;
    memcpy(at, get->collection->id.b, UUID_SIZE);
    at[UUID_SIZE] = (uint8_t)get->reading;
    memcpy(at + UUID_SIZE + 1, get->key.b, STIX_KEY_SIZE);
    memcpy(at + UUID_SIZE + 1 + STIX_KEY_SIZE, get->query.digest.b, HASH_SIZE);
}

static void write_dates(struct exchange_response *response, const struct page *page)
{
    char date[TIME_TEXT_SIZE];
    if (page->count == 0)
        return;
    time_text(page->items[0].date_us, date);
    exchange_header_put(response, "X-TAXII-Date-Added-First", str_of(date));
    time_text(page->items[page->count - 1].date_us, date);
    exchange_header_put(response, "X-TAXII-Date-Added-Last", str_of(date));
}

/* Weak: edge may compress the page on its way (RFC 9110 section 8.8.1). The dates count, for they are part
 * of what a client goes on from. */
static struct str etag_of(const struct page *page, struct bytes body, char out[ETAG_SIZE])
{
    int64_t dates[2] = {0, 0};
    if (page->count > 0) {
        dates[0] = page->items[0].date_us;
        dates[1] = page->items[page->count - 1].date_us;
    }
    const struct bytes parts[] = {body, bytes_of(dates, sizeof dates)};
    struct hash digest = hash_sha256_parts(parts, 2);
    memcpy(out, "W/\"", 3);
    str_hex(digest.b, 16, out + 3);
    out[ETAG_SIZE - 1] = '"';
    return (struct str) {out, ETAG_SIZE};
}

/* If-None-Match (RFC 9110 section 13.1.2): does the client hold this page? Compares weakly. */
static bool is_held(struct str held, struct str etag)
{
    struct str opaque = {etag.at + 2, etag.len - 2};
    while (held.len > 0) {
        struct str one = str_trim(str_cut(&held, ','));
        if (str_starts(one, STR("W/")))
            one = (struct str) {one.at + 2, one.len - 2};
        if (str_eq(one, opaque) || str_eq(one, STR("*")))
            return true;
    }
    return false;
}

static void write_etag(const struct call *call, const struct page *page)
{
    struct exchange_response *response = call->response;
    char text[ETAG_SIZE];
    if (buf_err(&response->body) != ERR_OK)
        return;
    struct str etag = etag_of(page, buf_bytes(&response->body), text);
    exchange_header_put(response, "ETag", etag);
    if (!is_held(call->request->if_none_match, etag))
        return;
    response->status = 304;
    response->content_type = NULL;
    buf_clear(&response->body);
}

static void write_page(struct get *get, const struct page *page)
{
    const struct call *call = get->call;
    const struct endpoint *endpoint = &endpoints[get->reading];
    struct exchange_response *response = call->response;
    struct buf *body = &response->body;
    answer_begin(response, 200);
    write_dates(response, page);
    response->cacheable = get->collection->role == TAXII_READ;
    buf_putc(body, '{');
    if (page->more) {
        char next[TICKET_TEXT_SIZE];
        ticket_next(call->taxii, bytes_of(get->bound, BOUND_SIZE), page->next, next);
        buf_printf(body, "\"more\":true,\"next\":\"%.*s\"", TICKET_TEXT_SIZE, next);
    }
    for (size_t i = 0; i < page->count; i++) {
        if (i > 0)
            buf_putc(body, ',');
        else
            buf_printf(body, "%s\"%s\":[", page->more ? "," : "", endpoint->list);
        endpoint->item(body, page, &page->items[i]);
    }
    buf_put_str(body, page->count > 0 ? STR("]}") : STR("}"));
    call->effect->access.objects = page->count;
    write_etag(call, page);
}

/* Where the page begins: `next` goes on from a position, added_after from a time; the later one counts, since
 * clients repeat added_after with `next` or leave it out. */
static err_t find_start(struct get *get, uint64_t *out)
{
    uint64_t from = 0, after = 0;
    err_t err = ERR_OK;
    bind(get);
    if (get->query.next.len > 0 && ticket_next_read(get->call->taxii, bytes_of(get->bound, BOUND_SIZE),
                                                    get->query.next, &from) != ERR_OK)
        return ERR_INVALID;
    if (get->query.has_after)
        err = view_after(&get->view, get->query.after_us, &after);
    *out = from > after ? from : after;
    return err;
}

/* The one object of the path, as a filter; ERR_NOTFOUND when the view holds no version of it. */
static err_t narrow(struct get *get)
{
    struct version version;
    size_t count = 0;
    if (get->reading != READING_OBJECT && get->reading != READING_VERSIONS)
        return ERR_OK;
    if (get->reading == READING_VERSIONS)
        get->query.all = true;
    get->query.has_ids = true;
    get->query.ids = &get->key;
    get->query.id_count = 1;
    err_t err = view_versions(&get->view, &get->key, &version, 1, &count);
    return err == ERR_OK && count == 0 ? ERR_NOTFOUND : err;
}

static void answer_page(struct get *get)
{
    struct exchange_response *response = get->call->response;
    uint64_t from;
    struct page page;
    err_t err = narrow(get);
    if (err == ERR_NOTFOUND) {
        answer_not_found(response);
        return;
    }
    if (err == ERR_OK && (err = find_start(get, &from)) == ERR_INVALID) {
        answer_error(response, 400, "Bad query", STR("next is not a value that this server gave"));
        return;
    }
    if (err == ERR_OK)
        err = page_read(&get->view, &get->query, from, endpoints[get->reading].with_objects, &page);
    if (err != ERR_OK) {
        answer_failed(response, err);
        return;
    }
    write_page(get, &page);
    page_deinit(&page);
}

static void answer_query(struct get *get)
{
    struct fault fault = {0};
    const struct call *call = get->call;
    err_t err =
        query_read(call->request->query, endpoints[get->reading].parts, &get->arena, &get->query, &fault);
    if (err == ERR_INVALID)
        answer_error(call->response, 400, "Bad query", str_of(fault.what));
    else if (err == ERR_OK && (err = view_init(&get->view, call->taxii, get->collection)) == ERR_OK)
        answer_page(get);
    if (err != ERR_OK && err != ERR_INVALID)
        answer_failed(call->response, err);
    view_deinit(&get->view);
}

static bool is_unsigned(const struct get *get)
{
    struct gate_ledger ledger;
    return get->collection->role == TAXII_READ &&
           gate_ledger(get->call->taxii->gate, (unsigned)get->collection->partner, &ledger) == ERR_OK &&
           ledger.visible < ledger.size;
}

static void read(const struct call *call, const struct place *place, enum reading reading)
{
    const struct collection *collection = &place->collection;
    struct get get = {.call = call, .collection = collection, .reading = reading};
    bool one = reading == READING_OBJECT || reading == READING_VERSIONS;
    if (one && !stix_id_parse(place->id, &get.key)) {
        answer_not_found(call->response);
        return;
    }
    if (collection->role == TAXII_READ)
        call->effect->polled = collection->partner;
    if (call->may_wait && is_unsigned(&get))
        return;
    arena_init(&get.arena, 1u << 20);
    answer_query(&get);
    arena_deinit(&get.arena);
}

void objects_manifest(const struct call *call, const struct place *place)
{
    read(call, place, READING_MANIFEST);
}

void objects_all(const struct call *call, const struct place *place)
{
    read(call, place, READING_OBJECTS);
}

void objects_one(const struct call *call, const struct place *place)
{
    read(call, place, READING_OBJECT);
}

void objects_versions(const struct call *call, const struct place *place)
{
    read(call, place, READING_VERSIONS);
}
