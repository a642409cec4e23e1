/* A request, whichever version of HTTP it came by: from its head to its handler, and what a handler may ask.
 */
#include "core/mem.h"
#include "net/answer.h"
#include "net/conn.h"
#include "net/http2.h"
#include "net/uri.h"

enum { BODY_PADDING = 64 /* readable bytes behind a gathered body: simdjson reads so far */ };

struct request *request_new(struct conn *conn, int32_t stream)
{
    struct request *request = mem_alloc(sizeof *request);
    if (request == NULL)
        return NULL;
    request->conn = conn;
    request->stream = stream;
    request->since_ms = loop_now_ms(conn->server->loop);
    arena_init(&request->arena, 8 * LIMIT_HTTP_HEAD_BYTES);
    buf_init(&request->body, 0);
    request->next = conn->requests;
    if (request->next != NULL)
        request->next->prev = request;
    conn->requests = request;
    conn->used = true;
    return request;
}

void request_free(struct request *request)
{
    if (request == NULL)
        return;
    if (request->prev != NULL)
        request->prev->next = request->next;
    else
        request->conn->requests = request->next;
    if (request->next != NULL)
        request->next->prev = request->prev;
    conn_written(request->conn, &request->ground);
    request->conn->server->held -= request->held;
    arena_deinit(&request->arena);
    buf_deinit(&request->body);
    page_unref(request->page);
    mem_free(request);
}

void request_abandon(struct request *request)
{
    if (request->gone != NULL && request->stage != REQUEST_ANSWERED)
        request->gone(request->gone_ctx);
    request_free(request);
}

static void enter(struct request *request, enum request_stage stage)
{
    request->stage = stage;
    request->since_ms = loop_now_ms(request->conn->server->loop);
    request->moved = 0;
}

/* --- routes --- */

static bool method_fits(const struct route *route, struct str method)
{
    struct str want = str_of(route->method);
    return str_eq(want, STR("*")) || str_eq(want, method) ||
           (str_eq(want, STR("GET")) && str_eq(method, STR("HEAD")));
}

/* NULL: none; *out_other is then a route of the same path with another method, if there is one. */
static const struct route *find_route(struct request *request, const struct route **out_other)
{
    const struct server_conf *conf = &request->conn->server->conf;
    *out_other = NULL;
    for (size_t i = 0; i < conf->route_count; i++) {
        const struct route *route = &conf->routes[i];
        if (!uri_match(str_of(route->pattern), request->path, request->captures, LIMIT_HTTP_CAPTURES,
                       &request->capture_count))
            continue;
        if (method_fits(route, request->head.method))
            return route;
        *out_other = route;
    }
    return NULL;
}

/* `title` is ours or a fault's: quotes and backslashes are escaped, control bytes become blanks. */
static void put_json_text(struct buf *out, const char *title)
{
    for (const char *c = title; *c != 0; c++) {
        if (*c == '"' || *c == '\\')
            buf_putc(out, '\\');
        buf_putc(out, (uint8_t)*c < 0x20 || (uint8_t)*c > 0x7e ? ' ' : *c);
    }
}

/* A field without a name is none. */
static void refuse_with(struct request *request, int status, const char *title, const char *type,
                        struct http1_field field)
{
    const char *own = request->conn->server->conf.refusal_type;
    struct buf body;
    buf_init(&body, 4096);
    buf_put_str(&body, STR("{\"title\":\""));
    put_json_text(&body, title);
    buf_printf(&body, "\",\"http_status\":\"%d\"}\n", status);
    struct answer answer = {.status = status,
                            .type = type != NULL  ? type
                                    : own != NULL ? own
                                                  : "application/json",
                            .fields = {field},
                            .body = buf_err(&body) == ERR_OK ? buf_bytes(&body) : (struct bytes) {NULL, 0}};
    request_answer(request, &answer);
    buf_deinit(&body);
}

static void refuse_method(struct request *request, const struct route *other)
{
    struct answer answer = {.status = 405};
    answer.fields[0] = (struct http1_field) {STR("Allow"), str_of(other->method)};
    request_answer(request, &answer);
}

/* "OPTIONS *" asks about the server as a whole, whoever asks (RFC 9110 section 9.3.7). */
static bool asks_for_methods(const struct request *request)
{
    return request->conn->server->conf.methods != NULL && str_eq(request->head.method, STR("OPTIONS")) &&
           str_eq(request->head.path, STR("*"));
}

static void answer_methods(struct request *request)
{
    struct answer answer = {.status = 204};
    answer.fields[0] = (struct http1_field) {STR("Allow"), str_of(request->conn->server->conf.methods)};
    request_answer(request, &answer);
}

/* RFC 9110 section 15.5.16: says what would be understood. */
static void refuse_coding(struct request *request)
{
    refuse_with(request, 415,
                "the Content-Encoding is not gzip alone, nor zstd alone: pack it once, or not at all", NULL,
                (struct http1_field) {STR("Accept-Encoding"), STR(CODING_UNDERSTOOD)});
}

bool request_begin(struct request *request, bool has_body)
{
    const struct http1_head *head = &request->head;
    const struct route *other = NULL;
    request->body_unread = has_body;
    if (str_same(head->scheme, STR("https")) && request->conn->stream.ssl == NULL) {
        request_reject(request, 421,
                       "what is asked for by https is not served without TLS"); /* RFC 9110 7.4 */
        return false;
    }
    if (uri_path(&request->arena, head->path, &request->path) != ERR_OK) {
        request_reject(request, 400, "the path is not well encoded");
        return false;
    }
    const struct route *route = request->route = find_route(request, &other);
    if (asks_for_methods(request)) {
        answer_methods(request);
    } else if (route == NULL && other != NULL) {
        refuse_method(request, other);
    } else if (route == NULL) {
        request_refuse(request, 404, "nothing is here", NULL);
    } else if (has_body && (route->body_max == 0 ||
                            (head->framing == HTTP1_LENGTH && head->content_length > route->body_max))) {
        request_reject(request, 413, "the body is longer than this path accepts");
    } else if (has_body &&
               coding_read(http1_field_get(head, STR("content-encoding")), &request->coding) != ERR_OK) {
        refuse_coding(request);
    } else {
        must(route->body_max <= LIMIT_HTTP_BODY_BYTES);
        buf_init(&request->body, (size_t)route->body_max + BODY_PADDING);
        return true;
    }
    return false;
}

/* --- bodies --- */

static void refuse_body(struct request *request, err_t err)
{
    static const struct {
        err_t err;
        int status;
        const char *title;
    } rows[] = {
        {ERR_LIMIT, 413, "the body is longer than this path accepts, or packed more tightly: send it plain"},
        {ERR_FULL, 503, "too many bodies at once; try again"},
        {ERR_NOMEM, 503, "no memory for the body"},
        {ERR_SYNTAX, 400, "the body is not what its Content-Encoding says"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].err == err) {
            request_reject(request, rows[i].status, rows[i].title);
            return;
        }
    }
    request_reject(request, 400, "the body was not accepted");
}

bool request_gather(struct request *request, struct bytes piece)
{
    err_t err = ERR_FULL;
    request->moved += piece.len;
    if (piece.len > request->route->body_max - request->body.len)
        err = ERR_LIMIT;
    else if (server_hold(request->conn->server, request, piece.len)) {
        buf_put(&request->body, piece.at, piece.len);
        err = buf_err(&request->body);
    }
    if (err != ERR_OK)
        refuse_body(request, err);
    return err == ERR_OK;
}

/* Puts what was packed in the place of the packed body. */
static err_t unpack(struct request *request)
{
    struct buf out;
    size_t max = (size_t)request->route->body_max;
    if (request->coding == CODING_IDENTITY || request->body.len == 0)
        return ERR_OK;
    buf_init(&out, max + BODY_PADDING);
    err_t err = coding_unpack(request->coding, buf_bytes(&request->body), max, &out);
    if (err == ERR_OK && !server_hold(request->conn->server, request, out.len))
        err = ERR_FULL;
    if (err != ERR_OK) {
        buf_deinit(&out);
        return err;
    }
    request->conn->server->held -= request->body.len;
    request->held -= request->body.len;
    buf_deinit(&request->body);
    request->body = out;
    return ERR_OK;
}

void request_complete(struct request *request)
{
    request->body_unread = false;
    err_t err = unpack(request);
    if (err == ERR_OK && request->body.len > 0 && buf_extend(&request->body, BODY_PADDING) != NULL)
        request->body.len -= BODY_PADDING;
    if (err == ERR_OK)
        err = buf_err(&request->body);
    if (err != ERR_OK) {
        refuse_body(request, err);
        return;
    }
    enter(request, REQUEST_HANDLING);
    request->route->handle(request->route->ctx, request);
}

/* --- answers --- */

/* Once a second a text is made; a handler's answer never has the last field. */
static void add_date(struct server *server, struct answer *answer)
{
    if (server->conf.wall_us == NULL)
        return;
    int64_t now_us = server->conf.wall_us(server->conf.wall_ctx);
    if (now_us / 1000000 != server->date_s || server->date[0] == '\0') {
        server->date_s = now_us / 1000000;
        http_date(now_us, server->date);
    }
    size_t i = 0;
    while (i < ANSWER_FIELDS_MAX - 1 && answer->fields[i].name.at != NULL)
        i++;
    answer->fields[i] = (struct http1_field) {STR("Date"), str_of(server->date)};
}

void request_answer(struct request *request, const struct answer *wanted)
{
    struct answer dated = *wanted;
    const struct answer *answer = &dated;
    add_date(request->conn->server, &dated);
    must(request->stage != REQUEST_ANSWERED);
    enter(request, REQUEST_ANSWERED);
    request->ground = wanted->ground;
    request->conn->served = request->conn->served || answer->status < 400;
    if (request->stream != 0)
        http2_answer(request, answer);
    else
        conn_answer(request, answer);
}

err_t request_keep(struct request *request, const struct answer *answer)
{
    if (answer->page != NULL) {
        request->page = page_ref(answer->page);
        return ERR_OK;
    }
    if (!server_hold(request->conn->server, request, answer->body.len))
        return ERR_FULL;
    request->page = page_copy(answer->body);
    return request->page == NULL ? ERR_NOMEM : ERR_OK;
}

struct bytes request_left(const struct request *request)
{
    struct bytes all = request->page == NULL ? (struct bytes) {NULL, 0} : page_bytes(request->page);
    return all.len == request->sent ? (struct bytes) {NULL, 0}
                                    : (struct bytes) {all.at + request->sent, all.len - request->sent};
}

void request_refuse(struct request *request, int status, const char *title, const char *type)
{
    refuse_with(request, status, title, type, (struct http1_field) {{NULL, 0}, {NULL, 0}});
}

void request_reject(struct request *request, int status, const char *title)
{
    request->close = true;
    request_refuse(request, status, title, NULL);
}

/* --- what a handler may ask --- */

const struct http1_head *request_head(const struct request *request)
{
    return &request->head;
}

struct str request_field(const struct request *request, struct str name)
{
    return http1_field_get(&request->head, name);
}

struct str request_list(const struct request *request, struct str name, char *out)
{
    return http1_field_list(&request->head, name, out);
}

struct str request_path(const struct request *request)
{
    return request->path;
}

struct str request_capture(const struct request *request, size_t index)
{
    return index < request->capture_count ? request->captures[index] : (struct str) {NULL, 0};
}

err_t request_query(struct request *request, struct str name, struct str *out)
{
    struct str rest = request->head.query;
    struct str found = {NULL, 0}, have, value;
    err_t err;
    while ((err = uri_query_next(&request->arena, &rest, &have, &value)) == ERR_OK) {
        if (!str_eq(have, name))
            continue;
        if (found.at != NULL)
            return ERR_DUPLICATE_NAME;
        found = value;
    }
    if (err != ERR_NOTFOUND)
        return err;
    if (found.at == NULL)
        return ERR_NOTFOUND;
    *out = found;
    return ERR_OK;
}

struct bytes request_body(const struct request *request)
{
    return buf_bytes(&request->body);
}

const struct tls_peer *request_peer(const struct request *request)
{
    return &request->conn->stream.peer;
}

const struct os_net_addr *request_address(const struct request *request)
{
    return &request->conn->address;
}

uint64_t request_connection(const struct request *request)
{
    return request->conn->id;
}

struct arena *request_arena(struct request *request)
{
    return &request->arena;
}

void request_set_user(struct request *request, void *user)
{
    request->user = user;
}

void *request_user(const struct request *request)
{
    return request->user;
}

void request_on_gone(struct request *request, void (*gone)(void *ctx), void *ctx)
{
    request->gone = gone;
    request->gone_ctx = ctx;
}
