#include "net/conn.h"

#include "core/mem.h"
#include "net/answer.h"
#include "net/http2.h"

enum {
    READ_SIZE = 16 << 10,
    REQUESTS_PER_TURN = 16,
    SMALL_BODY = 16 << 10,
    LINGER_MS = 1000,
    LINGER_BODY_MS = 5000, /* whoever still sends a refused body shall read why: closing now would reset it */
    LINGER_BYTES = LIMIT_HTTP_BODY_BYTES
};

static void advance(void *ctx);
static void on_ready(void *ctx, unsigned ready);
static void on_timer(void *ctx);

/* --- life --- */

void conn_deadline(struct conn *conn, uint64_t ms)
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

void conn_enter(struct conn *conn, enum conn_stage stage, uint64_t ms)
{
    conn->stage = stage;
    conn->since_ms = loop_now_ms(conn->server->loop);
    conn->moved = 0;
    conn_deadline(conn, ms);
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
    conn_enter(conn, CONN_HANDSHAKE, server->conf.head_ms);
}

/* Answers are written to their end that stand on something, and the system has not sent all of them. */
static bool tail_unsent(const struct conn *conn)
{
    return conn->ground.view != 0 && (conn_left(conn).len > 0 || os_net_unsent(conn->stream.fd) > 0);
}

bool conn_is_over(const struct conn *conn, bool (*over)(void *ctx, const struct answer_ground *ground),
                  void *ctx)
{
    for (const struct request *request = conn->requests; request != NULL; request = request->next)
        if (request->ground.view != 0 && over(ctx, &request->ground))
            return true;
    return tail_unsent(conn) && (conn->mixed || over(ctx, &conn->ground));
}

void conn_written(struct conn *conn, const struct answer_ground *ground)
{
    if (ground->view == 0 || (ground->view == conn->ground.view && ground->taken == conn->ground.taken))
        return;
    conn->mixed = tail_unsent(conn);
    conn->ground = *ground;
}

/* Closed as usual, the system would go on to send what stands on something, and nobody could break it off. */
static bool must_reset(const struct conn *conn)
{
    for (const struct request *request = conn->requests; request != NULL; request = request->next)
        if (request->ground.view != 0)
            return true;
    return tail_unsent(conn);
}

void conn_free(struct conn *conn)
{
    struct server *server = conn->server;
    must(!conn->advancing);
    if (must_reset(conn))
        os_net_abort(conn->stream.fd);
    http2_close(conn->http2);
    while (conn->requests != NULL)
        request_abandon(conn->requests);
    loop_unwatch(server->loop, &conn->watch);
    loop_timer_stop(server->loop, &conn->timer);
    loop_later_cancel(server->loop, &conn->task);
    stream_close(&conn->stream);
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
    bool rests = conn->stage == CONN_HANDSHAKE || conn->stage == CONN_LINGER ||
                 (conn->stage == CONN_HEAD && conn->in.len == 0) ||
                 (conn->stage == CONN_HTTP2 && conn->requests == NULL);
    return rests && !tail_unsent(conn);
}

void conn_say_goodbye(struct conn *conn)
{
    if (conn->stage == CONN_HTTP2)
        http2_say_goodbye(conn);
}

/* --- reading --- */

err_t conn_fill(struct conn *conn)
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

/* RFC 9113 section 3.4: how a client begins that knows already that we speak HTTP/2. DONE: it does. */
static enum http1_step find_preface(const struct conn *conn)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    size_t len = conn->in.len < sizeof preface - 1 ? conn->in.len : sizeof preface - 1;
    if (conn->used || conn->stream.ssl != NULL || memcmp(conn->in.at, preface, len) != 0)
        return HTTP1_REFUSED;
    return len < sizeof preface - 1 ? HTTP1_NEED : HTTP1_DONE;
}

static void begin_request(struct conn *conn)
{
    struct request *request = conn->requests;
    const struct http1_head *head = &request->head;
    bool has_body =
        head->framing == HTTP1_CHUNKED || (head->framing == HTTP1_LENGTH && head->content_length > 0);
    conn->close_after = conn->close_after || !head->keep_open;
    if (!request_begin(request, has_body))
        return;
    if (http1_body_init(&conn->decoder, head, request->route->body_max) != ERR_OK)
        request_reject(request, 413, "the body is longer than this path accepts");
    else
        conn_enter(conn, CONN_BODY, conn->server->conf.stall_ms);
}

/* A whole head, or one that was refused for `fault`. */
static void take_head(struct conn *conn, enum http1_step step, size_t len, struct fault *fault)
{
    struct request *request = request_new(conn, 0);
    if (request == NULL) {
        conn->doomed = true;
        return;
    }
    err_t err = step == HTTP1_DONE ? ERR_OK : fault->code;
    if (err == ERR_OK) {
        struct str copy = arena_str(&request->arena, (struct str) {(const char *)conn->in.at, len});
        buf_drop(&conn->in, len);
        err = copy.at == NULL ? ERR_NOMEM : http1_head_parse(bytes_from_str(copy), &request->head, fault);
    }
    if (err == ERR_OK)
        begin_request(conn);
    else
        request_reject(request, http1_refusal_status(fault), fault->what);
}

/* True: go on; false: wait for more input. */
static bool step_head(struct conn *conn)
{
    struct fault fault = {.code = ERR_OK};
    size_t len = 0;
    enum http1_step begins = conn->in.len == 0 ? HTTP1_NEED : find_preface(conn);
    if (begins == HTTP1_DONE) {
        conn->doomed = http2_open(conn) != ERR_OK;
        return true;
    }
    enum http1_step step = HTTP1_NEED;
    if (begins == HTTP1_REFUSED)
        step = http1_head_find(buf_bytes(&conn->in), &conn->scanned, &len, &fault);
    if (step == HTTP1_NEED) {
        if (conn->in.len > 0 && conn->deadline_ms > conn->since_ms + conn->server->conf.head_ms)
            conn_enter(conn, CONN_HEAD, conn->server->conf.head_ms); /* the first byte ends the idle time */
        return false;
    }
    conn->scanned = 0;
    take_head(conn, step, len, &fault);
    return true;
}

static bool say_continue(struct conn *conn)
{
    struct http1_head *head = &conn->requests->head;
    if (!head->expect_continue || conn->in.len > 0)
        return true;
    head->expect_continue = false;
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    struct bytes piece = {(const uint8_t *)line, sizeof line - 1};
    size_t n = 0;
    /* Between two answers the socket's buffer is empty: what does not fit at once is no honest client's. */
    return stream_write(&conn->stream, &piece, 1, &n) == ERR_OK && n == piece.len;
}

/* True: go on; false: wait for more input. */
static bool step_body(struct conn *conn)
{
    struct request *request = conn->requests;
    enum http1_step step = HTTP1_NEED;
    do {
        struct fault fault = {.code = ERR_OK};
        struct bytes data;
        size_t used = 0;
        step = http1_body_step(&conn->decoder, buf_bytes(&conn->in), &used, &data, &fault);
        if (step == HTTP1_REFUSED) {
            request_reject(request, fault.code == ERR_LIMIT ? 413 : 400, fault.what);
            return true;
        }
        if (data.len > 0 && !request_gather(request, data))
            return true;
        buf_drop(&conn->in, used);
    } while (step == HTTP1_NEED && conn->in.len > 0);
    if (step == HTTP1_NEED) {
        conn->doomed = conn->doomed || !say_continue(conn);
        return conn->doomed;
    }
    conn_enter(conn, CONN_HANDLING, UINT64_MAX);
    request_complete(request);
    return conn->stage != CONN_HANDLING;
}

/* --- writing --- */

err_t conn_write(struct conn *conn, const struct bytes *pieces, size_t count, size_t *out_len)
{
    err_t err = stream_write(&conn->stream, pieces, count, out_len);
    if (err == ERR_OK)
        conn->moved += *out_len;
    return err;
}

struct bytes conn_left(const struct conn *conn)
{
    if (conn->out_sent == conn->out.len)
        return (struct bytes) {NULL, 0};
    return (struct bytes) {conn->out.at + conn->out_sent, conn->out.len - conn->out_sent};
}

static err_t write_out(struct conn *conn)
{
    struct request *request = conn->requests;
    size_t budget = LIMIT_NET_WRITE_TURN;
    for (;;) {
        struct bytes pieces[2] = {conn_left(conn), request_left(request)};
        if (pieces[0].len == 0 && pieces[1].len == 0)
            return ERR_OK;
        if (budget == 0)
            return ERR_FULL;
        size_t first = pieces[0].len == 0 ? 1 : 0;
        size_t n = 0;
        err_t err = conn_write(conn, pieces + first, pieces[1].len == 0 ? 1 : 2 - first, &n);
        if (err != ERR_OK)
            return err;
        size_t of_head = n < pieces[0].len ? n : pieces[0].len;
        conn->out_sent += of_head;
        request->sent += n - of_head;
        budget -= n < budget ? n : budget;
    }
}

void conn_linger(struct conn *conn)
{
    stream_shut(&conn->stream);
    conn_enter(conn, CONN_LINGER, LINGER_MS);
}

static void finish_request(struct conn *conn)
{
    bool unread = conn->requests->body_unread;
    request_free(conn->requests);
    conn->out_sent = 0;
    buf_deinit(&conn->out);
    buf_init(&conn->out, LIMIT_HTTP_HEAD_BYTES + SMALL_BODY);
    if (conn->close_after || conn->server->stopping) {
        conn_linger(conn);
        if (unread)
            conn_deadline(conn, LINGER_BODY_MS);
    } else {
        conn_enter(conn, CONN_HEAD, conn->server->conf.idle_ms);
    }
}

/* --- turning --- */

/* Whoever was never answered well shares a part of each turn with all others like it: handshakes, floods and
 * bombs delay those who were by no more than that. */
static bool may_go_on(const struct conn *conn)
{
    struct server *server = conn->server;
    if (server->strangers_turn != loop_turns(server->loop)) {
        server->strangers_turn = loop_turns(server->loop);
        server->strangers_us = 0;
    }
    return conn->served || server->strangers_us < LIMIT_NET_STRANGERS_US;
}

/* Does what can be done without waiting. ERR_BUSY: wait for the socket; ERR_FULL: another turn; ERR_OK: go
 * on; anything else: the connection ends. */
static err_t step(struct conn *conn)
{
    err_t err = ERR_OK;
    switch (conn->stage) {
    case CONN_HANDSHAKE:
        err = stream_handshake(&conn->stream);
        if (err == ERR_OK)
            conn->stage = CONN_HEAD; /* under the same deadline: three bytes buy no second one */
        return err == ERR_OK && conn->stream.http2 ? http2_open(conn) : err;
    case CONN_HEAD:
        return step_head(conn) ? ERR_OK : conn_fill(conn);
    case CONN_BODY:
        return step_body(conn) ? ERR_OK : conn_fill(conn);
    case CONN_HANDLING:
        /* Only to notice that the client has gone. */
        err = conn_fill(conn);
        return err == ERR_FULL ? ERR_WRONGSTATE : err;
    case CONN_WRITING:
        err = write_out(conn);
        if (err == ERR_OK)
            finish_request(conn);
        return err;
    case CONN_HTTP2:
        return http2_step(conn);
    case CONN_LINGER:
        buf_clear(&conn->in);
        return conn->moved > LINGER_BYTES ? ERR_CLOSED : conn_fill(conn);
    }
    return ERR_IO;
}

static err_t run_steps(struct conn *conn)
{
    size_t answered = 0;
    while (may_go_on(conn)) {
        enum conn_stage before = conn->stage;
        uint64_t began_us = conn->served ? 0 : loop_clock_us();
        err_t err = conn->doomed ? ERR_CLOSED : step(conn);
        if (began_us > 0)
            conn->server->strangers_us += loop_clock_us() - began_us;
        if (err != ERR_OK)
            return err;
        answered += before == CONN_WRITING || before == CONN_HTTP2;
        if (answered == REQUESTS_PER_TURN)
            break;
    }
    return ERR_FULL;
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

/* A slow reader still reads what the system holds for it. */
static bool drains(struct conn *conn)
{
    size_t before = conn->unsent;
    if (!tail_unsent(conn))
        return false;
    conn->unsent = os_net_unsent(conn->stream.fd);
    return before < conn->unsent || before - conn->unsent >= LIMIT_HTTP_STALL_BYTES;
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
    bool stays = conn->stage == CONN_HTTP2 ? late && !http2_is_stuck(conn)
                                           : moves && conn->moved >= LIMIT_HTTP_STALL_BYTES;
    if (late && !stays && !drains(conn)) {
        conn_free(conn);
        return;
    }
    if (late) {
        conn->moved = 0;
        conn_deadline(conn, server->conf.stall_ms);
        return;
    }
    conn->timer_ms = conn->deadline_ms;
    if (loop_timer_set(server->loop, &conn->timer, conn->deadline_ms) != ERR_OK)
        conn_doom(conn);
}

/* --- the request's side --- */

void conn_answer(struct request *request, const struct answer *answer)
{
    struct conn *conn = request->conn;
    bool head_only = str_eq(request->head.method, STR("HEAD"));
    conn->close_after = conn->close_after || answer->close || request->close || request->body_unread;
    struct bytes body = answer->page != NULL ? page_bytes(answer->page) : answer->body;
    err_t err = answer_head(&conn->out, answer, body.len, conn->close_after || conn->server->stopping);
    if (err == ERR_OK && !head_only && !answer_is_bare(answer->status)) {
        if (body.len <= SMALL_BODY)
            buf_put(&conn->out, body.at, body.len);
        else
            err = request_keep(request, answer);
        if (err == ERR_OK)
            err = buf_err(&conn->out);
    }
    if (err != ERR_OK && err != ERR_INVALID)
        conn->doomed = true; /* no memory even to say so */
    conn_enter(conn, CONN_WRITING, conn->server->conf.stall_ms);
    if (!conn->advancing)
        loop_later(conn->server->loop, &conn->task);
}
