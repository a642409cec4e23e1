#include "net/conn.h"

#include "core/mem.h"
#include "net/answer.h"
#include "net/uri.h"

enum {
    READ_SIZE = 16 << 10,
    REQUESTS_PER_TURN = 16,
    SMALL_BODY = 16 << 10,
    BODY_PADDING = 64, /* readable bytes behind a gathered body: simdjson reads so far */
    LINGER_MS = 1000,
    LINGER_BYTES = 1 << 20
};

static void advance(void *ctx);
static void on_ready(void *ctx, unsigned ready);
static void on_timer(void *ctx);

/* --- life --- */

static void set_deadline(struct conn *conn, uint64_t ms)
{
    conn->deadline_ms = ms == UINT64_MAX ? UINT64_MAX : loop_now_ms(conn->server->loop) + ms;
    /* A deadline that moves away costs nothing: the timer looks again when it fires. */
    if (conn->deadline_ms >= conn->timer_ms)
        return;
    if (loop_timer_set(conn->server->loop, &conn->timer, conn->deadline_ms) != ERR_OK) {
        conn_doom(conn); /* without a deadline it must not stay */
        return;
    }
    conn->timer_ms = conn->deadline_ms;
}

static void enter(struct conn *conn, enum conn_stage stage, uint64_t ms)
{
    conn->stage = stage;
    conn->since_ms = loop_now_ms(conn->server->loop);
    conn->moved = 0;
    set_deadline(conn, ms);
}

void conn_open(struct server *server, int fd, const struct os_net_addr *address, struct tls *tls)
{
    struct conn *conn = mem_alloc(sizeof *conn);
    if (conn == NULL) {
        os_net_close(fd);
        return;
    }
    conn->server = server;
    conn->id = server->next_id++;
    conn->address = *address;
    conn->timer = (struct loop_timer) {on_timer, conn, NULL};
    conn->timer_ms = UINT64_MAX;
    conn->task = (struct loop_task) {NULL, advance, conn, false};
    buf_init(&conn->in, LIMIT_HTTP_INPUT_BYTES + READ_SIZE);
    buf_init(&conn->out, LIMIT_HTTP_HEAD_BYTES + SMALL_BODY);
    err_t err = stream_open(&conn->stream, fd, tls);
    if (err == ERR_OK)
        err = loop_watch(server->loop, &conn->watch, fd, LOOP_READ, on_ready, conn);
    if (err != ERR_OK) {
        stream_close(&conn->stream);
        mem_free(conn);
        return;
    }
    conn->next = server->conns;
    if (conn->next != NULL)
        conn->next->prev = conn;
    server->conns = conn;
    server->conn_count++;
    enter(conn, CONN_HANDSHAKE, server->conf.head_ms);
}

static void free_request(struct conn *conn)
{
    struct request *request = conn->request;
    if (request == NULL)
        return;
    conn->request = NULL;
    arena_deinit(&request->arena);
    buf_deinit(&request->body);
    mem_free(request);
}

void conn_free(struct conn *conn)
{
    struct server *server = conn->server;
    must(!conn->advancing);
    struct request *request = conn->request;
    if (request != NULL && request->gone != NULL && conn->stage != CONN_WRITING)
        request->gone(request->gone_ctx);
    free_request(conn);
    loop_unwatch(server->loop, &conn->watch);
    loop_timer_stop(server->loop, &conn->timer);
    loop_later_cancel(server->loop, &conn->task);
    stream_close(&conn->stream);
    page_unref(conn->page);
    buf_deinit(&conn->in);
    buf_deinit(&conn->out);
    if (conn->prev != NULL)
        conn->prev->next = conn->next;
    else
        server->conns = conn->next;
    if (conn->next != NULL)
        conn->next->prev = conn->prev;
    server->conn_count--;
    mem_free(conn);
    server_conn_gone(server);
}

void conn_doom(struct conn *conn)
{
    conn->doomed = true;
    loop_later(conn->server->loop, &conn->task);
}

bool conn_is_idle(const struct conn *conn)
{
    return conn->stage == CONN_HANDSHAKE || conn->stage == CONN_LINGER ||
           (conn->stage == CONN_HEAD && conn->in.len == 0);
}

/* --- reading --- */

static err_t fill(struct conn *conn)
{
    if (conn->in.len >= LIMIT_HTTP_INPUT_BYTES)
        return ERR_FULL;
    uint8_t *to = buf_extend(&conn->in, READ_SIZE);
    if (to == NULL)
        return ERR_NOMEM;
    size_t n = 0;
    err_t err = stream_read(&conn->stream, to, READ_SIZE, &n);
    conn->in.len -= READ_SIZE - n;
    conn->moved += n;
    /* An idle connection keeps no buffer. */
    if (conn->in.len == 0) {
        buf_deinit(&conn->in);
        buf_init(&conn->in, LIMIT_HTTP_INPUT_BYTES + READ_SIZE);
    }
    return err;
}

static void answer_refusal(struct conn *conn, int status, const char *title)
{
    conn->close_after = true;
    request_refuse(conn->request, status, title, NULL);
}

static struct request *request_new(struct conn *conn)
{
    struct request *request = mem_alloc(sizeof *request);
    if (request == NULL)
        return NULL;
    request->conn = conn;
    arena_init(&request->arena, 8 * LIMIT_HTTP_HEAD_BYTES);
    buf_init(&request->body, 0);
    conn->request = request;
    return request;
}

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

static void refuse_method(struct conn *conn, const struct route *other)
{
    struct answer answer = {.status = 405};
    answer.fields[0] = (struct http1_field) {STR("Allow"), str_of(other->method)};
    conn->close_after = conn->close_after || conn->body_unread;
    request_answer(conn->request, &answer);
}

/* The head is known: finds its route and says how the body will be read, or answers. */
static void begin_request(struct conn *conn)
{
    struct request *request = conn->request;
    const struct http1_head *head = &request->head;
    conn->close_after = conn->close_after || !head->keep_open;
    conn->body_unread =
        head->framing == HTTP1_CHUNKED || (head->framing == HTTP1_LENGTH && head->content_length > 0);
    if (uri_path(&request->arena, head->path, &request->path) != ERR_OK) {
        answer_refusal(conn, 400, "the path is not well encoded");
        return;
    }
    const struct route *other = NULL;
    request->route = find_route(request, &other);
    if (request->route == NULL && other != NULL) {
        refuse_method(conn, other);
    } else if (request->route == NULL) {
        conn->close_after = conn->close_after || conn->body_unread;
        request_refuse(request, 404, "nothing is here", NULL);
    } else if ((conn->body_unread && request->route->body_max == 0) ||
               http1_body_init(&request->decoder, head, request->route->body_max) != ERR_OK) {
        answer_refusal(conn, 413, "the body is longer than this path accepts");
    } else {
        must(request->route->piece != NULL || request->route->body_max <= LIMIT_HTTP_BODY_BYTES);
        buf_init(&request->body, (size_t)request->route->body_max + BODY_PADDING);
        enter(conn, CONN_BODY, conn->server->conf.stall_ms);
    }
}

/* True: go on; false: wait for more input. */
static bool step_head(struct conn *conn)
{
    struct fault fault = {.code = ERR_OK};
    size_t len = 0;
    enum http1_step step = http1_head_find(buf_bytes(&conn->in), &conn->scanned, &len, &fault);
    if (step == HTTP1_NEED) {
        if (conn->in.len > 0 && conn->deadline_ms > conn->since_ms + conn->server->conf.head_ms)
            enter(conn, CONN_HEAD, conn->server->conf.head_ms); /* the first byte ends the idle time */
        return false;
    }
    conn->scanned = 0;
    struct request *request = request_new(conn);
    if (request == NULL) {
        conn->doomed = true;
        return true;
    }
    err_t err = step == HTTP1_DONE ? ERR_OK : fault.code;
    if (err == ERR_OK) {
        struct str copy = arena_str(&request->arena, (struct str) {(const char *)conn->in.at, len});
        buf_drop(&conn->in, len);
        err = copy.at == NULL ? ERR_NOMEM : http1_head_parse(bytes_from_str(copy), &request->head, &fault);
    }
    if (err == ERR_OK)
        begin_request(conn);
    else
        answer_refusal(conn, http1_refusal_status(&fault), fault.what);
    return true;
}

static err_t take_piece(struct request *request, struct bytes piece)
{
    if (request->route->piece != NULL)
        return request->route->piece(request->route->ctx, request, piece);
    buf_put(&request->body, piece.at, piece.len);
    return buf_err(&request->body);
}

static bool say_continue(struct conn *conn)
{
    if (!conn->request->head.expect_continue || conn->in.len > 0)
        return true;
    conn->request->head.expect_continue = false;
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct bytes piece = {(const uint8_t *)line, sizeof line - 1};
    size_t n = 0;
    /* Between two answers the socket's buffer is empty: what does not fit at once is no honest client's. */
    return stream_write(&conn->stream, &piece, 1, &n) == ERR_OK && n == piece.len;
}

static void piece_refused(struct conn *conn, err_t err)
{
    if (conn->stage == CONN_BODY)
        answer_refusal(conn, err == ERR_NOMEM || err == ERR_FULL ? 503 : 400, "the body was not accepted");
}

/* True: go on; false: wait for more input (or for request_resume: then `offered` stands). */
static bool step_body(struct conn *conn)
{
    struct request *request = conn->request;
    enum http1_step step = HTTP1_NEED;
    do {
        struct fault fault = {.code = ERR_OK};
        struct http1_body before = request->decoder;
        struct bytes data;
        size_t used = 0;
        step = http1_body_step(&request->decoder, buf_bytes(&conn->in), &used, &data, &fault);
        if (step == HTTP1_REFUSED) {
            answer_refusal(conn, fault.code == ERR_LIMIT ? 413 : 400, fault.what);
            return true;
        }
        err_t err = data.len == 0 ? ERR_OK : take_piece(request, data);
        if (err == ERR_BUSY && conn->stage == CONN_BODY) {
            request->decoder = before;
            request->offered = data;
            set_deadline(conn, UINT64_MAX); /* the consumer's delay is not the client's */
            return false;
        }
        buf_drop(&conn->in, used);
        if (err != ERR_OK)
            piece_refused(conn, err);
        if (conn->stage != CONN_BODY)
            return true; /* answered early */
    } while (step == HTTP1_NEED && conn->in.len > 0);
    if (step == HTTP1_NEED) {
        conn->doomed = conn->doomed || !say_continue(conn);
        return conn->doomed;
    }
    conn->body_unread = false;
    if (request->body.len > 0 && buf_extend(&request->body, BODY_PADDING) != NULL)
        request->body.len -= BODY_PADDING;
    if (buf_err(&request->body) != ERR_OK) {
        answer_refusal(conn, 503, "no memory for the body");
        return true;
    }
    enter(conn, CONN_HANDLING, UINT64_MAX);
    request->route->handle(request->route->ctx, request);
    return conn->stage != CONN_HANDLING;
}

/* --- writing --- */

static struct bytes rest_of(struct bytes all, size_t done)
{
    return all.len == done ? (struct bytes) {NULL, 0} : (struct bytes) {all.at + done, all.len - done};
}

static err_t write_out(struct conn *conn)
{
    size_t budget = LIMIT_NET_WRITE_TURN;
    for (;;) {
        struct bytes page = conn->page == NULL ? (struct bytes) {NULL, 0} : page_bytes(conn->page);
        struct bytes pieces[2] = {rest_of(buf_bytes(&conn->out), conn->out_sent),
                                  rest_of(page, conn->page_sent)};
        if (pieces[0].len == 0 && pieces[1].len == 0)
            return ERR_OK;
        if (budget == 0)
            return ERR_FULL;
        size_t first = pieces[0].len == 0 ? 1 : 0;
        size_t n = 0;
        err_t err = stream_write(&conn->stream, pieces + first, pieces[1].len == 0 ? 1 : 2 - first, &n);
        if (err != ERR_OK)
            return err;
        size_t of_head = n < pieces[0].len ? n : pieces[0].len;
        conn->out_sent += of_head;
        conn->page_sent += n - of_head;
        conn->moved += n;
        budget -= n < budget ? n : budget;
    }
}

static void finish_request(struct conn *conn)
{
    free_request(conn);
    page_unref(conn->page);
    conn->page = NULL;
    conn->out_sent = conn->page_sent = 0;
    buf_deinit(&conn->out);
    buf_init(&conn->out, LIMIT_HTTP_HEAD_BYTES + SMALL_BODY);
    if (conn->close_after || conn->server->stopping) {
        stream_shut(&conn->stream);
        enter(conn, CONN_LINGER, LINGER_MS);
    } else {
        enter(conn, CONN_HEAD, conn->server->conf.idle_ms);
    }
}

/* --- turning --- */

/* Handshakes are the only long computation here: the others' turn comes after a few of them. */
static bool may_shake_hands(const struct conn *conn)
{
    struct server *server = conn->server;
    if (server->handshake_turn != loop_turns(server->loop)) {
        server->handshake_turn = loop_turns(server->loop);
        server->handshakes = 0;
    }
    return conn->stream.ssl == NULL || ++server->handshakes <= LIMIT_NET_HANDSHAKES_TURN;
}

/* Does what can be done without waiting. ERR_BUSY: wait for the socket; ERR_FULL: another turn; ERR_OK: go
 * on; anything else: the connection ends. */
static err_t step(struct conn *conn)
{
    err_t err = ERR_OK;
    switch (conn->stage) {
    case CONN_HANDSHAKE:
        if (!may_shake_hands(conn))
            return ERR_FULL;
        err = stream_handshake(&conn->stream);
        if (err == ERR_OK)
            conn->stage = CONN_HEAD; /* under the same deadline: three bytes buy no second one */
        return err;
    case CONN_HEAD:
        return step_head(conn) ? ERR_OK : fill(conn);
    case CONN_BODY:
        if (step_body(conn))
            return ERR_OK;
        return conn->request->offered.len > 0 ? ERR_WRONGSTATE : fill(conn);
    case CONN_HANDLING:
        /* Only to notice that the client has gone. */
        err = fill(conn);
        return err == ERR_FULL ? ERR_WRONGSTATE : err;
    case CONN_WRITING:
        err = write_out(conn);
        if (err == ERR_OK)
            finish_request(conn);
        return err;
    case CONN_LINGER:
        buf_clear(&conn->in);
        return conn->moved > LINGER_BYTES ? ERR_CLOSED : fill(conn);
    }
    return ERR_IO;
}

static err_t run_steps(struct conn *conn)
{
    size_t answered = 0;
    for (;;) {
        enum conn_stage before = conn->stage;
        err_t err = conn->doomed ? ERR_CLOSED : step(conn);
        if (err != ERR_OK)
            return err;
        if (before == CONN_WRITING && ++answered == REQUESTS_PER_TURN)
            return ERR_FULL;
    }
}

static void advance(void *ctx)
{
    struct conn *conn = ctx;
    conn->advancing = true;
    err_t err = run_steps(conn);
    conn->advancing = false;
    unsigned want = 0;
    if (err == ERR_BUSY) {
        want = conn->stream.want;
    } else if (err == ERR_FULL) {
        loop_later(conn->server->loop, &conn->task);
    } else if (err != ERR_WRONGSTATE) { /* WRONGSTATE: rests until the handler speaks */
        conn_free(conn);
        return;
    }
    if (loop_want(conn->server->loop, &conn->watch, want) != ERR_OK)
        conn_free(conn);
}

static void on_ready(void *ctx, unsigned ready)
{
    (void)ready;
    advance(ctx);
}

static void on_timer(void *ctx)
{
    struct conn *conn = ctx;
    struct server *server = conn->server;
    conn->timer_ms = UINT64_MAX;
    if (conn->deadline_ms == UINT64_MAX)
        return;
    bool late = loop_now_ms(server->loop) >= conn->deadline_ms;
    bool moves = conn->stage == CONN_BODY || conn->stage == CONN_WRITING;
    if (late && !(moves && conn->moved >= LIMIT_HTTP_STALL_BYTES)) {
        conn_free(conn);
        return;
    }
    if (late) {
        conn->moved = 0;
        set_deadline(conn, server->conf.stall_ms);
        return;
    }
    conn->timer_ms = conn->deadline_ms;
    if (loop_timer_set(server->loop, &conn->timer, conn->deadline_ms) != ERR_OK)
        conn_doom(conn);
}

/* --- the request's side --- */

void request_resume(struct request *request)
{
    struct conn *conn = request->conn;
    if (conn->stage != CONN_BODY || request->offered.len == 0)
        return;
    request->offered = (struct bytes) {NULL, 0};
    enter(conn, CONN_BODY, conn->server->conf.stall_ms);
    loop_later(conn->server->loop, &conn->task);
}

void request_answer(struct request *request, const struct answer *answer)
{
    struct conn *conn = request->conn;
    must(conn->stage != CONN_WRITING);
    bool head_only = str_eq(request->head.method, STR("HEAD"));
    conn->close_after = conn->close_after || answer->close || conn->body_unread;
    struct bytes body = answer->page != NULL ? page_bytes(answer->page) : answer->body;
    err_t err = answer_head(&conn->out, answer, body.len, conn->close_after || conn->server->stopping);
    if (err == ERR_OK && !head_only && !answer_is_bare(answer->status)) {
        if (body.len <= SMALL_BODY)
            buf_put(&conn->out, body.at, body.len);
        else
            conn->page = answer->page != NULL ? page_ref(answer->page) : page_copy(body);
        if (buf_err(&conn->out) != ERR_OK || (body.len > SMALL_BODY && conn->page == NULL))
            err = ERR_NOMEM;
    }
    if (err != ERR_OK && err != ERR_INVALID)
        conn->doomed = true; /* no memory even to say so */
    enter(conn, CONN_WRITING, conn->server->conf.stall_ms);
    if (!conn->advancing)
        loop_later(conn->server->loop, &conn->task);
}
