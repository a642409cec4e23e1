#include "net/http2.h"

#include <nghttp2/nghttp2.h>

#include "core/mem.h"
#include "net/answer.h"

enum {
    OUT_BYTES = 64 << 10, /* frames made ahead of the socket; then nghttp2 waits */
    OUT_SPARE = 32 << 10, /* the frame that crosses it: 16 KiB and its head */
    DROP_BYTES = 64 << 10,
};

enum mode {
    FRESH,   /* nothing was asked yet: under the deadline of the handshake */
    QUIET,   /* nothing is under way */
    WAITING, /* only handlers have something to do */
    MOVING,  /* the client has something to send or to read */
};

struct http2 {
    struct conn *conn;
    nghttp2_session *session;
    enum mode mode;
    bool over; /* the purse is empty, or nghttp2 gave up: nothing more is read */
    bool gave_up;
    uint64_t calm, calm_ms;
    size_t moved; /* data since the last look at the deadline */

    /* The header block in hand. */
    struct request *heading;
    uint64_t heading_ms;
    size_t heading_bytes;               /* of which LIMIT_HTTP_HEAD_BYTES at most are kept */
    struct str method, path, authority; /* in its arena */
    struct buf fields;                  /* as lines of HTTP/1.1 */
};

/* --- the purse --- */

static void earn(struct http2 *http2, uint64_t calm)
{
    http2->calm += calm;
    if (http2->calm > LIMIT_HTTP2_CALM)
        http2->calm = LIMIT_HTTP2_CALM;
}

/* False: it is empty. */
static bool pay(struct http2 *http2, uint64_t price)
{
    uint64_t now_ms = loop_now_ms(http2->conn->server->loop);
    earn(http2, (now_ms - http2->calm_ms) * LIMIT_HTTP2_CALM_S / 1000);
    if ((now_ms - http2->calm_ms) * LIMIT_HTTP2_CALM_S / 1000 > 0)
        http2->calm_ms = now_ms;
    if (http2->calm < price) {
        http2->over = true;
        return false;
    }
    http2->calm -= price;
    return true;
}

static uint64_t price_of(const nghttp2_frame_hd *hd)
{
    switch (hd->type) {
    case NGHTTP2_DATA:
        return hd->length == 0 && (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0 ? 1 : 0;
    case NGHTTP2_HEADERS:
        return 0; /* a request; LIMIT_HTTP2_STREAMS bounds them, and what is refused costs a reset */
    case NGHTTP2_RST_STREAM:
        return LIMIT_HTTP2_RESET_PRICE;
    case NGHTTP2_CONTINUATION:
        return LIMIT_HTTP2_CONTINUATION_PRICE;
    default:
        return 1;
    }
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *hd, void *ctx)
{
    (void)session;
    return pay(ctx, price_of(hd)) ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static struct request *request_of(nghttp2_session *session, int32_t stream)
{
    return nghttp2_session_get_stream_user_data(session, stream);
}

static int on_frame_send(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct http2 *http2 = ctx;
    (void)session;
    if (frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code != NGHTTP2_NO_ERROR)
        (void)pay(http2, LIMIT_HTTP2_RESET_PRICE);
    return 0;
}

/* --- heads --- */

/* A stream beside others of its connection opens only while half of what may be held is free: whoever opens
 * hundreds must not take the place of those who ask for one thing at a time. */
static struct request *open_stream(struct conn *conn, int32_t stream)
{
    struct server *server = conn->server;
    if (conn->requests != NULL && server->held > LIMIT_HTTP_HELD_BYTES / 2)
        return NULL;
    struct request *request = request_new(conn, stream);
    if (request != NULL && server_hold(server, request, LIMIT_HTTP2_STREAM_BYTES))
        return request;
    request_free(request);
    return NULL;
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct http2 *http2 = ctx;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* trailers */
    int32_t stream = frame->hd.stream_id;
    struct request *request = open_stream(http2->conn, stream);
    if (request == NULL || nghttp2_session_set_stream_user_data(session, stream, request) != 0) {
        request_free(request);
        /* RFC 9113 section 8.7: nothing was done for it, it may be asked for again. */
        (void)nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_REFUSED_STREAM);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    http2->heading = request;
    http2->heading_ms = loop_now_ms(http2->conn->server->loop);
    http2->heading_bytes = 0;
    http2->method = http2->path = http2->authority = (struct str) {NULL, 0};
    buf_clear(&http2->fields);
    return 0;
}

/* nghttp2 has looked at the grammar; this is what would break a line of HTTP/1.1. */
static bool is_line_clean(struct str s, bool name)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.at[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || (name && i > 0 && c == ':'))
            return false;
    }
    return s.len > 0 || !name;
}

static bool take_pseudo(struct http2 *http2, struct str name, struct str value)
{
    struct str *place = str_eq(name, STR(":method"))      ? &http2->method
                        : str_eq(name, STR(":path"))      ? &http2->path
                        : str_eq(name, STR(":authority")) ? &http2->authority
                                                          : NULL;
    if (place == NULL)
        return str_eq(name, STR(":scheme"));
    *place = arena_str(&http2->heading->arena, value);
    return place->at != NULL;
}

static bool take_field(struct http2 *http2, struct str name, struct str value)
{
    if (!is_line_clean(name, true) || !is_line_clean(value, false))
        return false;
    if (name.at[0] == ':')
        return take_pseudo(http2, name, value);
    if (str_eq(name, STR("host")) && str_eq(value, http2->authority))
        return true; /* said twice, alike; otherwise the parser sees two hosts */
    buf_put_str(&http2->fields, name);
    buf_put_str(&http2->fields, STR(": "));
    buf_put_str(&http2->fields, value);
    buf_put_str(&http2->fields, STR("\r\n"));
    return buf_err(&http2->fields) == ERR_OK;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *ctx)
{
    struct http2 *http2 = ctx;
    (void)session;
    (void)flags;
    if (http2->heading == NULL || http2->heading->stream != frame->hd.stream_id)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    http2->heading_bytes += name_len + value_len + 4;
    if (http2->heading_bytes > LIMIT_HTTP2_BOMB_BYTES) { /* the rest is read for HPACK's table alone */
        (void)pay(http2, LIMIT_HTTP2_BOMB_PRICE);
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    bool good = http2->heading_bytes > LIMIT_HTTP_HEAD_BYTES ||
                take_field(http2, (struct str) {(const char *)name, name_len},
                           (struct str) {(const char *)value, value_len});
    return good ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                             size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                             void *ctx)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    (void)ctx;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE; /* nghttp2 alone would leave the field out */
}

/* The same head in the words of HTTP/1.1, in the request's arena. */
static err_t parse_head(struct http2 *http2, struct request *request, struct fault *fault)
{
    struct buf text;
    if (http2->heading_bytes > LIMIT_HTTP_HEAD_BYTES) {
        (void)pay(http2, LIMIT_HTTP2_RESET_PRICE);
        return fault_set(fault, ERR_LIMIT, 0, "the head is longer than 16 KiB");
    }
    if (!str_starts(http2->path, STR("/")) && !str_eq(http2->path, STR("*"))) /* RFC 9113 section 8.3.1 */
        return fault_set(fault, ERR_SYNTAX, 0, ":path is not a path");
    buf_init(&text, LIMIT_HTTP_HEAD_BYTES + 64);
    buf_put_str(&text, http2->method);
    buf_putc(&text, ' ');
    buf_put_str(&text, http2->path);
    buf_put_str(&text, STR(" HTTP/1.1\r\n"));
    if (http2->authority.at != NULL) {
        buf_put_str(&text, STR("host: "));
        buf_put_str(&text, http2->authority);
        buf_put_str(&text, STR("\r\n"));
    }
    buf_put_str(&text, buf_str(&http2->fields));
    buf_put_str(&text, STR("\r\n"));
    struct str copy = {NULL, 0};
    err_t err = buf_err(&text);
    if (err == ERR_OK)
        copy = arena_str(&request->arena, buf_str(&text));
    buf_deinit(&text);
    if (err != ERR_OK || copy.at == NULL)
        return fault_set(fault, err != ERR_OK ? err : ERR_NOMEM, 0, "the head is too long");
    return http1_head_parse(bytes_from_str(copy), &request->head, fault);
}

static void say_continue(struct http2 *http2, const struct request *request)
{
    static const char name[] = ":status", value[] = "100";
    const nghttp2_nv status = {(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, sizeof name - 1,
                               sizeof value - 1, NGHTTP2_NV_FLAG_NONE};
    if (request->head.expect_continue && nghttp2_submit_headers(http2->session, NGHTTP2_FLAG_NONE,
                                                                request->stream, NULL, &status, 1, NULL) != 0)
        http2->over = true;
}

static void end_heading(struct http2 *http2, bool has_body)
{
    struct request *request = http2->heading;
    struct fault fault = {.code = ERR_OK};
    http2->heading = NULL;
    request->body_unread = has_body;
    if (parse_head(http2, request, &fault) != ERR_OK)
        request_reject(request, http1_refusal_status(&fault), fault.what);
    else if (request_begin(request, has_body) && !has_body)
        request_complete(request);
    else if (request->stage == REQUEST_BODY)
        say_continue(http2, request);
    buf_deinit(&http2->fields);
    buf_init(&http2->fields, LIMIT_HTTP_HEAD_BYTES);
}

/* --- bodies, ends --- */

static int on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t len,
                   void *ctx)
{
    struct http2 *http2 = ctx;
    struct request *request = request_of(session, stream);
    (void)flags;
    http2->moved += len;
    earn(http2, LIMIT_HTTP2_DATA_EARNS);
    if (request == NULL)
        return 0;
    if (request->stage == REQUEST_BODY) {
        (void)!request_gather(request, (struct bytes) {data, len});
        return 0;
    }
    /* Answered before its end: what little is left is dropped, as clients (curl 7.88) forget an answer that a
     * reset follows; from who goes on and on we ask for no more (RFC 9113 section 8.1). */
    request->dropped += len;
    bool enough =
        request->dropped > DROP_BYTES && request->stage == REQUEST_ANSWERED && request_left(request).len == 0;
    if (enough && nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, stream, NGHTTP2_NO_ERROR) != 0)
        http2->over = true;
    return 0;
}

static int on_frame_recv(nghttp2_session *session, const nghttp2_frame *frame, void *ctx)
{
    struct http2 *http2 = ctx;
    bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    struct request *request = request_of(session, frame->hd.stream_id);
    if (frame->hd.type == NGHTTP2_HEADERS && request != NULL && request == http2->heading)
        end_heading(http2, !ends);
    else if (frame->hd.type == NGHTTP2_DATA && ends && request != NULL && request->stage == REQUEST_BODY)
        request_complete(request);
    else if (frame->hd.type == NGHTTP2_DATA && ends && request != NULL)
        request->body_unread = false;
    return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t error, void *ctx)
{
    struct http2 *http2 = ctx;
    struct request *request = request_of(session, stream);
    (void)error;
    if (request == NULL)
        return 0;
    if (request == http2->heading)
        http2->heading = NULL;
    request_abandon(request);
    return 0;
}

/* --- answers --- */

static ssize_t give_data(nghttp2_session *session, int32_t stream, uint8_t *to, size_t size, uint32_t *flags,
                         nghttp2_data_source *source, void *ctx)
{
    struct http2 *http2 = ctx;
    struct request *request = source->ptr;
    struct bytes left = request_left(request);
    size_t n = left.len < size ? left.len : size;
    (void)session;
    (void)stream;
    if (n > 0)
        memcpy(to, left.at, n);
    request->sent += n;
    request->moved += n;
    http2->moved += n;
    earn(http2, LIMIT_HTTP2_DATA_EARNS);
    if (n == left.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

struct fields {
    nghttp2_nv all[ANSWER_FIELDS_MAX + 3];
    size_t count;
};

static bool add_field(struct fields *fields, struct arena *arena, struct str name, struct str value)
{
    struct str lowered = arena_str(arena, name);
    if (lowered.at == NULL)
        return false;
    char *at = (char *)(uintptr_t)lowered.at;
    for (size_t i = 0; i < lowered.len; i++)
        at[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + 32 : at[i]);
    fields->all[fields->count++] = (nghttp2_nv) {(uint8_t *)(uintptr_t)lowered.at,
                                                 (uint8_t *)(uintptr_t)(value.at == NULL ? "" : value.at),
                                                 lowered.len, value.len, NGHTTP2_NV_FLAG_NONE};
    return true;
}

static bool add_number(struct fields *fields, struct arena *arena, const char *name, uint64_t number)
{
    struct buf text;
    buf_init(&text, 32);
    buf_printf(&text, "%llu", (unsigned long long)number);
    struct str value = arena_str(arena, buf_str(&text));
    buf_deinit(&text);
    return value.at != NULL && add_field(fields, arena, str_of(name), value);
}

static bool gather_fields(struct request *request, const struct answer *answer, size_t len,
                          struct fields *out)
{
    struct arena *arena = &request->arena;
    bool good = add_number(out, arena, ":status", (uint64_t)answer->status);
    if (answer->type != NULL)
        good = good && add_field(out, arena, STR("content-type"), str_of(answer->type));
    if (!answer_is_bare(answer->status))
        good = good && add_number(out, arena, "content-length", len);
    for (size_t i = 0; i < ANSWER_FIELDS_MAX && answer->fields[i].name.at != NULL; i++)
        good = good && add_field(out, arena, answer->fields[i].name, answer->fields[i].value);
    return good;
}

void http2_answer(struct request *request, const struct answer *answer)
{
    struct conn *conn = request->conn;
    const struct answer broken = {.status = 500};
    const struct answer *say = answer_is_clean(answer) ? answer : &broken;
    struct bytes body = say->page != NULL ? page_bytes(say->page) : say->body;
    bool bare = body.len == 0 || answer_is_bare(say->status) || str_eq(request->head.method, STR("HEAD"));
    struct fields fields = {.count = 0};
    nghttp2_data_provider data = {.source = {.ptr = request}, .read_callback = give_data};
    bool good = gather_fields(request, say, body.len, &fields) &&
                (bare || request_keep(request, say) == ERR_OK) &&
                nghttp2_submit_response(conn->http2->session, request->stream, fields.all, fields.count,
                                        bare ? NULL : &data) == 0;
    if (!good && nghttp2_submit_rst_stream(conn->http2->session, NGHTTP2_FLAG_NONE, request->stream,
                                           NGHTTP2_REFUSED_STREAM) != 0)
        conn_doom(conn);
    if (!conn->advancing)
        loop_later(conn->server->loop, &conn->task);
}

/* --- deadlines --- */

static enum mode mode_of(const struct http2 *http2)
{
    const struct conn *conn = http2->conn;
    if (http2->heading != NULL || http2->over || conn->out.len > 0)
        return MOVING;
    enum mode mode = conn->requests == NULL ? QUIET : WAITING;
    for (const struct request *request = conn->requests; request != NULL; request = request->next)
        if (request->stage != REQUEST_HANDLING)
            mode = MOVING;
    return mode;
}

static void look_at_deadline(struct http2 *http2)
{
    struct conn *conn = http2->conn;
    enum mode mode = mode_of(http2);
    if (mode == http2->mode || (http2->mode == FRESH && !conn->used))
        return;
    http2->mode = mode;
    http2->moved = conn->moved = 0;
    conn_deadline(conn, mode == QUIET     ? conn->server->conf.idle_ms
                        : mode == WAITING ? UINT64_MAX
                                          : conn->server->conf.stall_ms);
}

/* Its client neither sends nor reads enough. A stream that waits behind others is not at fault. */
static bool is_stalled(const struct http2 *http2, const struct request *request)
{
    uint64_t now_ms = loop_now_ms(http2->conn->server->loop);
    if (request->stage == REQUEST_HANDLING || request == http2->heading ||
        request->moved >= LIMIT_HTTP_STALL_BYTES ||
        now_ms - request->since_ms < http2->conn->server->conf.stall_ms)
        return false;
    if (request->stage == REQUEST_BODY || request_left(request).len == 0)
        return true; /* in the second case its body has no end */
    if (nghttp2_session_get_remote_window_size(http2->session) <= 0)
        return http2->moved < LIMIT_HTTP_STALL_BYTES;
    return nghttp2_session_get_stream_remote_window_size(http2->session, request->stream) <= 0;
}

bool http2_is_stuck(struct conn *conn)
{
    struct http2 *http2 = conn->http2;
    uint64_t now_ms = loop_now_ms(conn->server->loop);
    if (http2->mode != MOVING || (conn->out.len > 0 && conn->moved < LIMIT_HTTP_STALL_BYTES) ||
        (http2->heading != NULL && now_ms - http2->heading_ms >= conn->server->conf.head_ms))
        return true;
    for (struct request *request = conn->requests; request != NULL; request = request->next) {
        if (is_stalled(http2, request) && nghttp2_submit_rst_stream(http2->session, NGHTTP2_FLAG_NONE,
                                                                    request->stream, NGHTTP2_CANCEL) != 0)
            return true;
        request->moved = 0;
    }
    http2->moved = 0;
    loop_later(conn->server->loop, &conn->task);
    return false;
}

/* --- turning --- */

/* Writes what nghttp2 has to say. ERR_OK: all of it. */
static err_t flush(struct http2 *http2)
{
    struct conn *conn = http2->conn;
    size_t budget = LIMIT_NET_WRITE_TURN;
    for (;;) {
        while (conn->out.len < OUT_BYTES) {
            const uint8_t *at = NULL;
            ssize_t len = nghttp2_session_mem_send(http2->session, &at);
            if (len < 0)
                return ERR_IO;
            if (len == 0)
                break;
            buf_put(&conn->out, at, (size_t)len);
        }
        struct bytes left = conn_left(conn);
        if (buf_err(&conn->out) != ERR_OK || left.len == 0)
            return buf_err(&conn->out);
        if (budget == 0)
            return ERR_FULL;
        size_t n = 0;
        err_t err = conn_write(conn, &left, 1, &n);
        if (err != ERR_OK)
            return err;
        budget -= n < budget ? n : budget;
        conn->out_sent += n;
        if (conn->out_sent == conn->out.len) {
            buf_clear(&conn->out);
            conn->out_sent = 0;
        }
    }
}

/* Nothing more is read; our GOAWAY says why. */
static err_t give_up(struct http2 *http2, uint32_t error)
{
    http2->over = http2->gave_up = true;
    return nghttp2_session_terminate_session(http2->session, error) == 0 ? ERR_OK : ERR_IO;
}

static err_t take_input(struct http2 *http2)
{
    struct conn *conn = http2->conn;
    ssize_t n = nghttp2_session_mem_recv(http2->session, conn->in.at, conn->in.len);
    buf_clear(&conn->in);
    if (n >= 0)
        return ERR_OK;
    bool flood = n == NGHTTP2_ERR_CALLBACK_FAILURE || n == NGHTTP2_ERR_FLOODED;
    return give_up(http2, flood ? NGHTTP2_ENHANCE_YOUR_CALM : NGHTTP2_PROTOCOL_ERROR);
}

static err_t step(struct http2 *http2)
{
    struct conn *conn = http2->conn;
    err_t err = flush(http2);
    if (err != ERR_OK)
        return err;
    if (http2->over && !http2->gave_up) /* resets that we sent emptied the purse */
        return give_up(http2, NGHTTP2_ENHANCE_YOUR_CALM);
    if (http2->over ||
        (!nghttp2_session_want_read(http2->session) && !nghttp2_session_want_write(http2->session))) {
        conn_linger(conn);
        return ERR_OK;
    }
    if (conn->out.size > 0 && conn->requests == NULL) { /* an idle connection keeps no buffer */
        buf_deinit(&conn->out);
        buf_init(&conn->out, OUT_BYTES + OUT_SPARE);
    }
    if (conn->in.len == 0)
        err = conn_fill(conn);
    return err == ERR_OK ? take_input(http2) : err;
}

err_t http2_step(struct conn *conn)
{
    struct http2 *http2 = conn->http2;
    err_t err = step(http2);
    if (conn->stage == CONN_HTTP2)
        look_at_deadline(http2);
    return err;
}

void http2_say_goodbye(struct conn *conn)
{
    nghttp2_session *session = conn->http2->session;
    if (nghttp2_submit_goaway(session, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session),
                              NGHTTP2_NO_ERROR, NULL, 0) != 0)
        conn_doom(conn);
    loop_later(conn->server->loop, &conn->task);
}

/* --- life --- */

static const nghttp2_settings_entry settings[] = {
    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_HTTP2_STREAMS},
    {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_HTTP2_WINDOW_BYTES},
    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_HTTP_HEAD_BYTES},
    {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
};

static int make_session(struct http2 *http2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int result = nghttp2_session_callbacks_new(&callbacks);
    if (result == 0)
        result = nghttp2_option_new(&option);
    if (result == 0) {
        nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
        nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
        nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
        nghttp2_option_set_no_closed_streams(option, 1);
        nghttp2_option_set_max_settings(option, LIMIT_HTTP2_SETTINGS);
        nghttp2_option_set_max_outbound_ack(option, LIMIT_HTTP2_ACKS);
        result = nghttp2_session_server_new2(&http2->session, callbacks, http2, option);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return result;
}

err_t http2_open(struct conn *conn)
{
    struct http2 *http2 = mem_alloc(sizeof *http2);
    if (http2 == NULL)
        return ERR_NOMEM;
    http2->conn = conn;
    http2->calm = LIMIT_HTTP2_CALM;
    http2->calm_ms = loop_now_ms(conn->server->loop);
    buf_init(&http2->fields, LIMIT_HTTP_HEAD_BYTES);
    conn->http2 = http2;
    conn->stage = CONN_HTTP2; /* under the deadline of the handshake until something is asked */
    buf_deinit(&conn->out);
    buf_init(&conn->out, OUT_BYTES + OUT_SPARE);
    if (make_session(http2) != 0 ||
        nghttp2_submit_settings(http2->session, NGHTTP2_FLAG_NONE, settings,
                                sizeof settings / sizeof settings[0]) != 0 ||
        nghttp2_session_set_local_window_size(http2->session, NGHTTP2_FLAG_NONE, 0,
                                              LIMIT_HTTP2_CONNECTION_BYTES) != 0)
        return ERR_NOMEM; /* conn_free gives back the rest */
    return ERR_OK;
}

void http2_close(struct http2 *http2)
{
    if (http2 == NULL)
        return;
    nghttp2_session_del(http2->session);
    buf_deinit(&http2->fields);
    mem_free(http2);
}
