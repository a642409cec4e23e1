#include "taxii/server.h"

#include "core/mem.h"
#include "taxii/answer.h"
#include "taxii/auth.h"
#include "taxii/collection.h"
#include "taxii/objects.h"
#include "taxii/post.h"
#include "taxii/status.h"
#include "taxii/text.h"

enum { SEGMENTS_MAX = 6 };

struct hash taxii_mac(const struct taxii *taxii, const char *label, struct bytes context)
{
    struct hash key = hash_hmac_sha256(bytes_of(taxii->key.b, HASH_SIZE), bytes_from_str(str_of(label)));
    return hash_hmac_sha256(bytes_of(key.b, HASH_SIZE), context);
}

/* --- life --- */

static err_t key_load(struct taxii *taxii, int64_t now_us)
{
    static const struct gate_by by = {{"taxii", 5}, {"first start", 11}};
    struct buf value;
    buf_init(&value, HASH_SIZE);
    err_t err = ERR_OK;
    if (!gate_setting_get(taxii->gate, STR("taxii/key"), &value)) {
        err = taxii->random(taxii->random_ctx, taxii->key.b, HASH_SIZE);
        if (err == ERR_OK)
            err = gate_setting_put(taxii->gate, STR("taxii/key"), bytes_of(taxii->key.b, HASH_SIZE), &by,
                                   now_us);
    } else if (value.len == HASH_SIZE) {
        memcpy(taxii->key.b, value.at, HASH_SIZE);
    } else {
        err = ERR_CORRUPT;
    }
    buf_deinit(&value);
    return err;
}

static void text_keep(char out[LIMIT_TAXII_TITLE_BYTES], struct str text)
{
    size_t len = text.len < LIMIT_TAXII_TITLE_BYTES ? text.len : LIMIT_TAXII_TITLE_BYTES - 1;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = '\0';
}

err_t taxii_open(const struct taxii_setup *setup, int64_t now_us, struct taxii **out)
{
    struct taxii *taxii = mem_alloc(sizeof *taxii);
    if (taxii == NULL)
        return ERR_NOMEM;
    taxii->gate = setup->gate;
    taxii->random = setup->random;
    taxii->random_ctx = setup->random_ctx;
    taxii->strict = setup->strict;
    taxii->allow_plain = setup->allow_plain;
    text_keep(taxii->title, setup->title);
    text_keep(taxii->description, setup->description);
    taxii->accounts = mem_alloc_array(LIMIT_TAXII_IDENTITIES, sizeof *taxii->accounts);
    err_t err = taxii->accounts == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK)
        err = json_parser_new(LIMIT_TAXII_CONTENT_BYTES + JSON_PADDING, &taxii->parser);
    if (err == ERR_OK)
        err = taxii->random(taxii->random_ctx, taxii->run_key.b, HASH_SIZE);
    if (err == ERR_OK)
        err = key_load(taxii, now_us);
    if (err == ERR_OK)
        err = taxii_accounts_load(taxii);
    if (err == ERR_OK)
        *out = taxii;
    else
        taxii_close(taxii);
    return err;
}

void taxii_close(struct taxii *taxii)
{
    if (taxii == NULL)
        return;
    for (size_t i = 0; i < taxii->workspace_count; i++)
        mem_free(taxii->workspaces[i].marks);
    json_parser_free(taxii->parser);
    if (taxii->accounts != NULL)
        mem_free_secret(taxii->accounts, LIMIT_TAXII_IDENTITIES * sizeof *taxii->accounts);
    mem_free_secret(taxii, sizeof *taxii);
}

/* --- simple resources --- */

/* Section 4.1.1. */
static void get_discovery(const struct call *call)
{
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, STR("{\"title\":"));
    json_write_str(body, str_of(call->taxii->title));
    if (call->taxii->description[0] != '\0') {
        buf_put_str(body, STR(",\"description\":"));
        json_write_str(body, str_of(call->taxii->description));
    }
    buf_put_str(body, STR(",\"default\":\"/api/\",\"api_roots\":[\"/api/\"]}"));
}

/* Section 4.2.1. */
static void get_root(const struct call *call)
{
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, STR("{\"title\":"));
    json_write_str(body, str_of(call->taxii->title));
    buf_printf(body, ",\"versions\":[\"" TAXII_TYPE "\"],\"max_content_length\":%u}",
               LIMIT_TAXII_CONTENT_BYTES);
}

static void get_collections(const struct call *call)
{
    struct collection collections[COLLECTION_KINDS];
    size_t count = collections_of(call->taxii, call->identity, collections);
    struct buf *body = &call->response->body;
    answer_begin(call->response, 200);
    buf_put_str(body, count > 0 ? STR("{\"collections\":[") : STR("{"));
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_putc(body, ',');
        collection_write(body, &collections[i]);
    }
    buf_put_str(body, count > 0 ? STR("]}") : STR("}"));
}

static void get_collection(const struct call *call, const struct collection *collection)
{
    answer_begin(call->response, 200);
    collection_write(&call->response->body, collection);
}

/* --- paths --- */

struct path {
    struct str part[SEGMENTS_MAX];
    size_t count;
};

/* False for paths that no endpoint has. A missing last "/" is let pass. */
static bool path_read(struct str text, struct path *out)
{
    *out = (struct path) {0};
    if (text.len == 0 || text.at[0] != '/')
        return false;
    text.at++;
    text.len--;
    while (text.len > 0) {
        struct str part = str_cut(&text, '/');
        if (part.len == 0 || out->count == SEGMENTS_MAX)
            return false;
        out->part[out->count++] = part;
    }
    return out->count > 0;
}

static bool path_is(const struct path *path, size_t index, const char *word)
{
    return index < path->count && str_eq(path->part[index], str_of(word));
}

bool taxii_owns(struct str path)
{
    return str_eq(path, STR("/taxii2")) || str_starts(path, STR("/taxii2/")) || str_eq(path, STR("/api")) ||
           str_starts(path, STR("/api/"));
}

/* --- methods and rights --- */

static bool is_read(const struct call *call)
{
    return call->request->method == EXCHANGE_GET || call->request->method == EXCHANGE_HEAD;
}

/* Answers and says false unless it is a GET that the client can read the answer of. */
static bool may_read(const struct call *call)
{
    if (!is_read(call))
        answer_method(call->response, "GET, HEAD");
    else if (!media_accepted(call->request->accept))
        answer_error(call->response, 406, "Accept " TAXII_TYPE, STR(""));
    else
        return true;
    return false;
}

static void read_collection(const struct call *call, const struct collection *collection,
                            enum reading reading, struct str id)
{
    if (!may_read(call))
        return;
    if (collection->can_read)
        objects_get(call, collection, reading, id);
    else
        answer_error(call->response, 403, "The collection cannot be read", STR(""));
}

static void route_objects(const struct call *call, const struct collection *collection)
{
    if (is_read(call)) {
        read_collection(call, collection, READING_OBJECTS, STR(""));
    } else if (call->request->method != EXCHANGE_POST) {
        answer_method(call->response, "GET, HEAD, POST");
    } else if (!media_accepted(call->request->accept)) {
        answer_error(call->response, 406, "Accept " TAXII_TYPE, STR(""));
    } else if (!collection->can_write) {
        answer_error(call->response, 403, "The collection cannot be written", STR(""));
    } else {
        post_objects(call, collection);
    }
}

static void route_object(const struct call *call, const struct collection *collection, struct str id)
{
    bool both = collection->can_read && collection->can_write;
    if (call->request->method == EXCHANGE_DELETE && !both)
        answer_error(call->response, 403, "Not permitted", STR(""));
    else
        read_collection(call, collection, READING_OBJECT, id);
}

static void route_collection(const struct call *call, const struct path *path)
{
    struct collection collection;
    if (!collection_find(call->taxii, call->identity, path->part[2], &collection))
        answer_not_found(call->response);
    else if (path->count == 3 && may_read(call))
        get_collection(call, &collection);
    else if (path->count == 3)
        return;
    else if (path->count == 4 && path_is(path, 3, "manifest"))
        read_collection(call, &collection, READING_MANIFEST, STR(""));
    else if (path->count == 4 && path_is(path, 3, "objects"))
        route_objects(call, &collection);
    else if (path->count == 5 && path_is(path, 3, "objects"))
        route_object(call, &collection, path->part[4]);
    else if (path->count == 6 && path_is(path, 3, "objects") && path_is(path, 5, "versions"))
        read_collection(call, &collection, READING_VERSIONS, path->part[4]);
    else
        answer_not_found(call->response);
}

static void simple(const struct call *call, void (*get)(const struct call *call))
{
    if (may_read(call))
        get(call);
}

static void route(const struct call *call)
{
    struct path path;
    bool found = path_read(call->request->path, &path);
    bool api = found && path_is(&path, 0, "api");
    if (found && path.count == 1 && path_is(&path, 0, "taxii2"))
        simple(call, get_discovery);
    else if (api && path.count == 1)
        simple(call, get_root);
    else if (api && path.count == 2 && path_is(&path, 1, "collections"))
        simple(call, get_collections);
    else if (api && path.count == 3 && path_is(&path, 1, "status")) {
        if (may_read(call))
            status_get(call, path.part[2]);
    } else if (api && path.count >= 3 && path_is(&path, 1, "collections"))
        route_collection(call, &path);
    else
        answer_not_found(call->response);
}

/* --- the door --- */

static void answer_stranger(struct exchange_response *response, enum auth_outcome outcome)
{
    if (outcome == AUTH_BUSY) {
        answer_error(response, 429, "Too many attempts", STR(""));
        exchange_header_put(response, "Retry-After", STR("8"));
        return;
    }
    answer_error(response, 401, "Who are you?", STR("Basic, Bearer, or a client certificate"));
    exchange_header_put(response, "WWW-Authenticate", STR("Basic realm=\"bongsu\", charset=\"UTF-8\""));
    exchange_header_put(response, "WWW-Authenticate", STR("Bearer realm=\"bongsu\""));
}

static void handle(struct call *call)
{
    struct taxii *taxii = call->taxii;
    const struct exchange_request *request = call->request;
    struct exchange_response *response = call->response;
    struct taxii_effect *effect = call->effect;
    *effect = (struct taxii_effect) {.polled = -1};
    if (!request->secure && !taxii->allow_plain) {
        answer_error(response, 403, "TAXII is served over TLS", STR(""));
        return;
    }
    enum auth_outcome outcome = auth_request(taxii, request, call->now_us, &call->identity);
    if (outcome != AUTH_KNOWN)
        answer_stranger(response, outcome);
    else
        route(call);
    if (buf_err(&response->body) == ERR_OK)
        return;
    response->header_count = 0;
    answer_failed(response, buf_err(&response->body));
    effect->needs_commit = false;
}

void taxii_handle(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                  struct exchange_response *response, struct taxii_effect *effect)
{
    struct call call = {taxii, request, now_us, NULL, response, effect, false};
    handle(&call);
}

bool taxii_try(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
               struct exchange_response *response, struct taxii_effect *effect)
{
    struct call call = {taxii, request, now_us, NULL, response, effect, true};
    handle(&call);
    return response->status != 0;
}

void taxii_uncommitted(struct exchange_response *response)
{
    response->header_count = 0;
    answer_failed(response, ERR_READONLY);
}
