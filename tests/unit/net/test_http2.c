/* A server that speaks HTTP/2 and a client that writes its frames byte by byte: what a stranger can do to it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <nghttp2/nghttp2.h>

#include "net/coding.h"
#include "rig.h"

enum { PAGE_BYTES = 1 << 20 };
enum {
    DATA,
    HEADERS,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    PUSH_PROMISE,
    PING,
    GOAWAY,
    WINDOW_UPDATE,
    CONTINUATION
};
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4 };
enum { PROTOCOL_ERROR = 1, REFUSED_STREAM = 7, CANCEL = 8, ENHANCE_YOUR_CALM = 11 };

static void say_path(void *ctx, struct request *request)
{
    (void)ctx;
    struct buf body;
    buf_init(&body, 20000);
    buf_put_str(&body, request_path(request));
    buf_putc(&body, '|');
    buf_put_str(&body, request_head(request)->host);
    buf_putc(&body, '|');
    buf_put_str(&body, request_field(request, STR("authorization")));
    struct answer answer = {.status = 200, .type = "text/plain", .body = buf_bytes(&body)};
    answer.fields[0] = (struct http1_field) {STR("X-Date"), STR("today")};
    request_answer(request, &answer);
    buf_deinit(&body);
}

static int start(void **state)
{
    static const struct route more[] = {{"GET", "/at/{}", 0, say_path, NULL}};
    struct rig *rig = calloc(1, sizeof *rig);
    rig_open(rig, PAGE_BYTES, more, 1,
             (struct server_conf) {
                 .head_ms = 300, .idle_ms = 300, .stall_ms = 200, .stop_ms = 300, .methods = "GET"});
    *state = rig;
    return 0;
}

static int finish(void **state)
{
    rig_close(*state);
    free(*state);
    return 0;
}

/* --- the client: frames out --- */

struct client {
    struct rig *rig;
    int fd;
    struct buf out, in;
    size_t seen; /* of `in` */
    nghttp2_hd_inflater *inflater;
    bool closed;
};

struct frame {
    uint8_t type, flags;
    uint32_t stream, len;
    const uint8_t *at;
};

static void put_number(struct buf *out, uint32_t number, size_t bytes)
{
    for (size_t i = bytes; i-- > 0;)
        buf_putc(out, (char)(number >> (8 * i)));
}

static void put_frame(struct client *client, uint8_t type, uint8_t flags, uint32_t stream, const void *at,
                      size_t len)
{
    put_number(&client->out, (uint32_t)len, 3);
    buf_putc(&client->out, (char)type);
    buf_putc(&client->out, (char)flags);
    put_number(&client->out, stream, 4);
    buf_put(&client->out, at, len);
}

/* RFC 7541 section 6.2.2, a literal without indexing and without Huffman; lengths as 7-bit prefix integers.
 */
static void put_length(struct buf *out, size_t len)
{
    if (len < 127) {
        buf_putc(out, (char)len);
        return;
    }
    buf_putc(out, 127);
    for (len -= 127; len >= 128; len >>= 7)
        buf_putc(out, (char)(len % 128 + 128));
    buf_putc(out, (char)len);
}

enum { PLAIN = 0, ENTERED = 0x40 }; /* section 6.2.1: becomes entry 62 of the table */

static void put_literal(struct buf *block, int kind, const char *name, const char *value)
{
    buf_putc(block, (char)kind);
    put_length(block, strlen(name));
    buf_put(block, name, strlen(name));
    put_length(block, strlen(value));
    buf_put(block, value, strlen(value));
}

static void put_field(struct buf *block, const char *name, const char *value)
{
    put_literal(block, PLAIN, name, value);
}

static struct buf head_of(const char *method, const char *path)
{
    struct buf block;
    buf_init(&block, 1 << 20);
    put_field(&block, ":method", method);
    put_field(&block, ":scheme", "http");
    put_field(&block, ":authority", "kr.example");
    put_field(&block, ":path", path);
    return block;
}

static void put_head(struct client *client, uint32_t stream, struct buf *block, bool ends)
{
    put_frame(client, HEADERS, (uint8_t)(END_HEADERS | (ends ? END_STREAM : 0)), stream, block->at,
              block->len);
    buf_deinit(block);
}

static void get(struct client *client, uint32_t stream, const char *path)
{
    struct buf block = head_of("GET", path);
    put_head(client, stream, &block, true);
}

static void put_window(struct client *client, uint32_t stream, uint32_t more)
{
    struct buf payload;
    buf_init(&payload, 4);
    put_number(&payload, more, 4);
    put_frame(client, WINDOW_UPDATE, 0, stream, payload.at, 4);
    buf_deinit(&payload);
}

static void put_reset(struct client *client, uint32_t stream)
{
    static const uint8_t cancel[] = {0, 0, 0, CANCEL};
    put_frame(client, RST_STREAM, 0, stream, cancel, 4);
}

/* Sends what was put, while the server turns; gives up when it has closed. */
static void send_out(struct client *client)
{
    size_t sent = 0;
    for (size_t turns = 0; sent < client->out.len && turns < 3000; turns++) {
        struct bytes piece = bytes_of(client->out.at + sent, client->out.len - sent);
        size_t n = 0;
        err_t err = os_net_write(client->fd, &piece, 1, &n);
        if (err == ERR_CLOSED || err == ERR_IO)
            break;
        sent += err == ERR_OK ? n : 0;
        loop_turn(client->rig->loop, 1);
    }
    buf_clear(&client->out);
}

static void open_client(struct client *client, struct rig *rig)
{
    *client = (struct client) {.rig = rig, .fd = -1};
    buf_init(&client->out, 16 << 20);
    buf_init(&client->in, 64 << 20);
    assert_int_equal(nghttp2_hd_inflate_new(&client->inflater), 0);
    assert_int_equal(os_net_connect("127.0.0.1", rig->port, &client->fd), ERR_OK);
    loop_turn(rig->loop, 20);
    buf_put_str(&client->out, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    put_frame(client, SETTINGS, 0, 0, NULL, 0);
}

static void close_client(struct client *client)
{
    os_net_close(client->fd);
    nghttp2_hd_inflate_del(client->inflater);
    buf_deinit(&client->out);
    buf_deinit(&client->in);
    for (size_t i = 0; i < 5; i++)
        loop_turn(client->rig->loop, 2);
}

/* --- frames in --- */

static uint32_t number_at(const uint8_t *at, size_t bytes)
{
    uint32_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number = number << 8 | at[i];
    return number;
}

/* The next whole frame; false when none came for a second, or the server has closed. */
static bool hear(struct client *client, struct frame *out)
{
    uint64_t until = os_net_now_ms() + 1000;
    static uint8_t piece[65536];
    for (;;) {
        size_t left = client->in.len - client->seen;
        const uint8_t *at = left == 0 ? NULL : client->in.at + client->seen;
        if (left >= 9 && left - 9 >= number_at(at, 3)) {
            *out = (struct frame) {at[3], at[4], number_at(at + 5, 4), number_at(at, 3), at + 9};
            client->seen += 9 + out->len;
            return true;
        }
        if (client->closed || os_net_now_ms() > until)
            return false;
        size_t n = 0;
        err_t err = os_net_read(client->fd, piece, sizeof piece, &n);
        if (err == ERR_OK)
            buf_put(&client->in, piece, n);
        else if (err != ERR_BUSY)
            client->closed = true;
        loop_turn(client->rig->loop, err == ERR_OK ? 0 : 2);
    }
}

struct heard {
    int status;
    struct buf fields, body; /* "name: value\n" */
    bool ended, reset;
    uint32_t error;
};

static void inflate_head(struct client *client, const struct frame *frame, struct heard *out)
{
    const uint8_t *at = frame->at;
    size_t left = frame->len;
    int flags = 0;
    while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0) {
        nghttp2_nv nv;
        ssize_t n = nghttp2_hd_inflate_hd2(client->inflater, &nv, &flags, at, left, 1);
        assert_true(n >= 0);
        at += n;
        left -= (size_t)n;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
            continue;
        buf_printf(&out->fields, "%.*s: %.*s\n", (int)nv.namelen, nv.name, (int)nv.valuelen, nv.value);
        if (nv.namelen == 7 && memcmp(nv.name, ":status", 7) == 0)
            out->status = (nv.value[0] - '0') * 100 + (nv.value[1] - '0') * 10 + nv.value[2] - '0';
    }
    nghttp2_hd_inflate_end_headers(client->inflater);
}

/* Reads until that stream has ended, or all is silent or closed. Window updates follow what was read. */
static void await(struct client *client, uint32_t stream, struct heard *out)
{
    struct frame frame;
    *out = (struct heard) {.status = 0};
    buf_init(&out->fields, 1 << 16);
    buf_init(&out->body, 8 << 20);
    while (!out->ended && !out->reset && hear(client, &frame)) {
        if (frame.type == HEADERS)
            inflate_head(client, &frame, out);
        if (frame.type == DATA && frame.len > 0) {
            put_window(client, 0, frame.len);
            put_window(client, frame.stream, frame.len);
            send_out(client);
        }
        if (frame.type == DATA && frame.stream == stream)
            buf_put(&out->body, frame.at, frame.len);
        if ((frame.type == RST_STREAM && frame.stream == stream) || frame.type == GOAWAY) {
            out->reset = true;
            out->error = number_at(frame.at + (frame.type == GOAWAY ? 4 : 0), 4);
        }
        out->ended = frame.stream == stream && (frame.type == DATA || frame.type == HEADERS) &&
                     (frame.flags & END_STREAM) != 0;
    }
}

static void forget(struct heard *heard)
{
    buf_deinit(&heard->fields);
    buf_deinit(&heard->body);
}

/* What went before did not end the connection; then it ends. */
static void lives_on(struct client *client, uint32_t stream)
{
    struct heard heard;
    get(client, stream, "/at/x");
    send_out(client);
    await(client, stream, &heard);
    assert_int_equal(heard.status, 200);
    forget(&heard);
    close_client(client);
}

/* The status of one request on a connection of its own; 0: it was reset, *out_error says how. */
static int ask(struct rig *rig, struct buf *block, struct bytes body, bool ends, uint32_t *out_error)
{
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    put_head(&client, 1, block, ends);
    if (!ends)
        put_frame(&client, DATA, END_STREAM, 1, body.at, body.len);
    send_out(&client);
    await(&client, 1, &heard);
    int status = heard.status;
    *out_error = heard.error;
    forget(&heard);
    close_client(&client);
    return status;
}

/* The error of the GOAWAY that ends a connection; UINT32_MAX: none came. */
static uint32_t goodbye(struct client *client)
{
    struct frame frame;
    while (hear(client, &frame))
        if (frame.type == GOAWAY)
            return number_at(frame.at + 4, 4);
    return UINT32_MAX;
}

/* --- what it does --- */

static void answers_side_by_side(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    get(&client, 1, "/wait");
    get(&client, 3, "/at/%EB%8F%99");
    send_out(&client);
    await(&client, 3, &heard);
    assert_int_equal(heard.status, 200);
    assert_true(rig_has(&heard.fields, "content-type: text/plain\n") &&
                rig_has(&heard.fields, "x-date: today\n"));
    assert_true(rig_has(&heard.fields, "content-length: 19\n"));
    assert_true(str_eq(buf_str(&heard.body), STR("/at/\xeb\x8f\x99|kr.example|")));
    forget(&heard);
    assert_int_equal(rig->waits, 1); /* the long poll still waits */
    request_answer(rig->waiting, &(struct answer) {.status = 200, .body = bytes_of("late", 4)});
    await(&client, 1, &heard);
    assert_true(str_eq(buf_str(&heard.body), STR("late")));
    forget(&heard);
    close_client(&client);
    assert_int_equal(server_connections(rig->server), 0);
}

static void serves_a_large_page_and_its_head(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    get(&client, 1, "/page");
    send_out(&client);
    await(&client, 1, &heard);
    assert_true(heard.ended && heard.body.len == PAGE_BYTES &&
                memcmp(heard.body.at, page_bytes(rig->page).at, PAGE_BYTES) == 0);
    forget(&heard);
    struct buf block = head_of("HEAD", "/page");
    put_head(&client, 3, &block, true);
    send_out(&client);
    await(&client, 3, &heard);
    assert_true(heard.ended && heard.status == 200 && heard.body.len == 0);
    assert_true(rig_has(&heard.fields, "content-length: 1048576\n"));
    forget(&heard);
    close_client(&client);
}

static void takes_bodies_within_bounds(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    static uint8_t part[16000];
    open_client(&client, rig);
    struct buf block = head_of("POST", "/echo");
    put_head(&client, 1, &block, false);
    memset(part, 'x', sizeof part);
    for (size_t i = 0; i < 10; i++)
        put_frame(&client, DATA, i == 9 ? END_STREAM : 0, 1, part, sizeof part);
    send_out(&client);
    await(&client, 1, &heard);
    assert_true(heard.status == 200 && heard.body.len == 10 * sizeof part);
    forget(&heard);
    /* More than the route takes, said ahead and not said ahead. */
    block = head_of("POST", "/echo");
    put_field(&block, "content-length", "1048577");
    put_head(&client, 3, &block, false);
    send_out(&client);
    await(&client, 3, &heard);
    assert_int_equal(heard.status, 413);
    forget(&heard);
    block = head_of("POST", "/echo");
    put_head(&client, 5, &block, false);
    for (size_t i = 0; i <= RIG_BODY_MAX / sizeof part; i++) {
        put_frame(&client, DATA, 0, 5, part, sizeof part);
        send_out(&client);
        struct frame frame;
        while (client.in.len > client.seen && hear(&client, &frame))
            continue;
    }
    await(&client, 5, &heard);
    assert_int_equal(heard.status, 413);
    forget(&heard);
    lives_on(&client, 7);
}

/* A body that goes on behind its answer is dropped, then reset; one that just stops is reset in time. */
static void drops_what_follows_an_answer(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    struct frame frame;
    static uint8_t part[16000];
    open_client(&client, rig);
    for (uint32_t stream = 1; stream <= 5; stream += 2) {
        struct buf block = head_of("POST", "/none");
        put_head(&client, stream, &block, false);
        send_out(&client);
        await(&client, stream, &heard);
        assert_int_equal(heard.status, 404);
        forget(&heard);
        for (size_t i = 0; stream < 5 && i < (stream == 1 ? 8 : 2); i++)
            put_frame(&client, DATA, stream == 3 && i == 1 ? END_STREAM : 0, stream, part, sizeof part);
        send_out(&client);
        uint32_t error = UINT32_MAX;
        while (stream != 3 && error == UINT32_MAX && hear(&client, &frame))
            if (frame.type == RST_STREAM && frame.stream == stream)
                error = number_at(frame.at, 4);
        assert_int_equal(error, stream == 1 ? 0 : stream == 3 ? UINT32_MAX : CANCEL);
    }
    lives_on(&client, 7);
}

static void unpacks_bodies(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    struct buf packed, block = head_of("POST", "/echo");
    uint32_t error;
    buf_init(&packed, 1 << 16);
    assert_int_equal(coding_pack(CODING_ZSTD, bytes_of("beacon beacon", 13), &packed), ERR_OK);
    open_client(&client, rig);
    put_field(&block, "content-encoding", "zstd");
    put_head(&client, 1, &block, false);
    put_frame(&client, DATA, END_STREAM, 1, packed.at, packed.len);
    send_out(&client);
    await(&client, 1, &heard);
    assert_true(str_eq(buf_str(&heard.body), STR("beacon beacon")));
    forget(&heard);
    close_client(&client);
    block = head_of("POST", "/echo");
    put_field(&block, "content-encoding", "gzip");
    assert_int_equal(ask(rig, &block, buf_bytes(&packed), false, &error), 400);
    block = head_of("POST", "/echo");
    put_field(&block, "content-encoding", "br");
    assert_int_equal(ask(rig, &block, buf_bytes(&packed), false, &error), 415);
    buf_deinit(&packed);
}

static void refuses_what_http1_refuses(void **state)
{
    struct rig *rig = *state;
    static const struct {
        const char *name, *value;
        int status; /* 0: reset */
    } rows[] = {
        {"authorization", "Bearer x", 200},
        {"host", "kr.example", 200},
        {"host", "other.example", 400},
        {"x-a", "a\r\nhost: b", 0},
        {"x-a", "a\nb", 0},
        {"x:a", "b", 0},
        {"X-A", "b", 0},
        {"connection", "close", 0},
        {"transfer-encoding", "chunked", 0},
        {"content-length", "1", 0},
        {"content-length", "x", 0},
        {":path", "/at/b", 0},
        {":protocol", "websocket", 0},
        {"", "b", 0},
        {"te", "gzip", 0},
        {"expect", "the unexpected", 417},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf block = head_of("GET", "/at/a");
        uint32_t error = 0;
        put_field(&block, rows[i].name, rows[i].value);
        int status = ask(rig, &block, bytes_of(NULL, 0), true, &error);
        if (status != rows[i].status || (status == 0 && error == 0))
            fail_msg("%s: %s: status %d, error %u", rows[i].name, rows[i].value, status, error);
    }
    static const struct {
        const char *method, *path;
        int status;
    } lines[] = {{"GET", "/at/../a", 400},       {"GET", "/at/a b", 400},
                 {"GET", "/at/a HTTP/1.1", 400}, {"GET /at/x HTTP/1.1", "/", 400},
                 {"GET", "http://a/", 0},        {"GET", "", 0},
                 {"GET", "/at/%2f", 400},        {"GET", "/nothing", 404},
                 {"POST", "/at/a", 405},         {"G(T", "/at/a", 0},
                 {"OPTIONS", "*", 204}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct buf block = head_of(lines[i].method, lines[i].path);
        uint32_t error = 0;
        int status = ask(rig, &block, bytes_of(NULL, 0), true, &error);
        if (status != lines[i].status && !(status == 0 && lines[i].status == 400))
            fail_msg("%s %s: status %d, error %u", lines[i].method, lines[i].path, status, error);
    }
    struct buf twice = head_of("GET", "/at/a");
    uint32_t error;
    put_field(&twice, "authorization", "Bearer x");
    put_field(&twice, "authorization", "Bearer y");
    assert_int_equal(ask(rig, &twice, bytes_of(NULL, 0), true, &error), 400);
}

static void refuses_large_heads(void **state)
{
    struct rig *rig = *state;
    static char value[17000];
    uint32_t error = 0;
    memset(value, 'v', sizeof value - 1);
    struct buf block = head_of("GET", "/at/a");
    put_field(&block, "x-a", value + 1000);
    assert_int_equal(ask(rig, &block, bytes_of(NULL, 0), true, &error), 200);
    block = head_of("GET", "/at/a");
    for (size_t i = 0; i < 70; i++)
        put_field(&block, "x-a", "b");
    assert_int_equal(ask(rig, &block, bytes_of(NULL, 0), true, &error), 431);
    value[8000] = '/';
    block = head_of("GET", value + 8000);
    assert_int_equal(ask(rig, &block, bytes_of(NULL, 0), true, &error), 414);
}

/* The stream alone is refused, and what its head put into the table is there for the next. */
static void answers_a_header_bomb(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    for (uint32_t stream = 1; stream <= 5; stream += 2) {
        struct buf block = head_of(stream == 3 ? "POST" : "GET", stream == 3 ? "/echo" : "/at/a");
        for (size_t i = 0; stream < 5 && i < 400; i++)
            put_field(&block, "x-a", "some value that no program ever reads"); /* 48 bytes of wire each */
        if (stream == 1)
            put_literal(&block, ENTERED, "authorization", "Bearer of the first head");
        if (stream == 5)
            buf_putc(&block, (char)(0x80 | 62));
        size_t first = block.len < 16000 ? block.len : 16000;
        uint8_t ends = stream == 3 ? 0 : END_STREAM;
        put_frame(&client, HEADERS, ends | (first == block.len ? END_HEADERS : 0), stream, block.at, first);
        if (first < block.len)
            put_frame(&client, CONTINUATION, END_HEADERS, stream, block.at + first, block.len - first);
        buf_deinit(&block);
        if (stream == 3) /* nobody waits for it */
            put_frame(&client, DATA, END_STREAM, stream, "body", 4);
        send_out(&client);
        await(&client, stream, &heard);
        assert_int_equal(heard.status, stream == 5 ? 200 : 431);
        assert_true(heard.ended && !heard.reset);
        assert_true(rig_has(&heard.body, stream == 5 ? "|Bearer of the first head" : "longer than 16 KiB"));
        forget(&heard);
    }
    lives_on(&client, 7);
}

/* An entry of the table, named again and again: 4 KB for one byte each (RFC 7541 section 7.3). */
static void survives_a_header_bomb(void **state)
{
    struct rig *rig = *state;
    struct client client;
    static char value[3900];
    memset(value, 'v', sizeof value - 1);
    open_client(&client, rig);
    for (uint32_t stream = 1; stream < 41; stream += 2) {
        struct buf block = head_of("GET", "/at/a");
        if (stream == 1)
            put_literal(&block, ENTERED, "x-a", value);
        for (size_t i = 0; i < 10000; i++)
            buf_putc(&block, (char)(0x80 | 62));
        put_head(&client, stream, &block, true);
    }
    send_out(&client);
    assert_int_equal(goodbye(&client), ENHANCE_YOUR_CALM);
    close_client(&client);
    assert_int_equal(server_connections(rig->server), 0);
}

static void calms_floods(void **state)
{
    struct rig *rig = *state;
    static const uint8_t zeros[8];
    for (size_t kind = 0; kind < 7; kind++) {
        struct client client;
        open_client(&client, rig);
        struct buf block = head_of("POST", "/echo");
        put_head(&client, 1, &block, false);
        for (uint32_t i = 0; i < 3000; i++) {
            uint32_t stream = 3 + 2 * i;
            switch (kind) {
            case 0: /* rapid reset */
                get(&client, stream, "/wait");
                put_reset(&client, stream);
                break;
            case 1:
                put_frame(&client, PING, 0, 0, zeros, 8);
                break;
            case 2:
                put_frame(&client, SETTINGS, 0, 0, NULL, 0);
                break;
            case 3:
                put_frame(&client, PRIORITY, 0, stream, "\0\0\0\0\1", 5);
                break;
            case 4:
                put_window(&client, 0, 1);
                break;
            case 5:
                put_frame(&client, DATA, 0, 1, NULL, 0);
                break;
            case 6: /* heads that are reset by us */
                block = head_of("GET", "/at/a");
                put_field(&block, "X-A", "b");
                put_head(&client, stream, &block, true);
                break;
            }
        }
        send_out(&client);
        uint32_t error = goodbye(&client);
        if (error != ENHANCE_YOUR_CALM)
            fail_msg("flood %zu: %u", kind, error);
        assert_true(rig->waits <= LIMIT_HTTP2_CALM / LIMIT_HTTP2_RESET_PRICE + LIMIT_HTTP2_STREAMS);
        close_client(&client);
        assert_int_equal(server_connections(rig->server), 0);
        assert_int_equal(rig->gone, rig->waits);
    }
}

static void ends_long_continuations(void **state)
{
    struct rig *rig = *state;
    struct client client;
    open_client(&client, rig);
    struct buf block = head_of("GET", "/at/a");
    put_frame(&client, HEADERS, END_STREAM, 1, block.at, block.len);
    buf_clear(&block);
    put_field(&block, "x-a", "b");
    for (size_t i = 0; i < 1000; i++)
        put_frame(&client, CONTINUATION, 0, 1, block.at, block.len);
    buf_deinit(&block);
    send_out(&client);
    assert_int_not_equal(goodbye(&client), UINT32_MAX);
    close_client(&client);
    assert_int_equal(server_connections(rig->server), 0);
}

static void bounds_streams(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    for (uint32_t i = 0; i < LIMIT_HTTP2_STREAMS + 5; i++)
        get(&client, 1 + 2 * i, "/wait");
    send_out(&client);
    await(&client, 1 + 2 * LIMIT_HTTP2_STREAMS, &heard);
    assert_true(heard.reset && heard.error == REFUSED_STREAM);
    assert_int_equal(rig->waits, LIMIT_HTTP2_STREAMS);
    forget(&heard);
    close_client(&client);
    assert_int_equal(rig->gone, LIMIT_HTTP2_STREAMS);
}

static bool ends_within(struct rig *rig, uint64_t ms)
{
    uint64_t began = os_net_now_ms();
    while (server_connections(rig->server) > 0 && os_net_now_ms() - began < ms)
        loop_turn(rig->loop, 20);
    return server_connections(rig->server) == 0;
}

/* A preface that stops, a head that stops, silence after it: each costs its deadline and no more. */
static void ends_slow_clients(void **state)
{
    struct rig *rig = *state;
    for (size_t kind = 0; kind < 4; kind++) {
        struct client client;
        open_client(&client, rig);
        if (kind == 0)
            client.out.len = 20;
        struct buf block = head_of("GET", "/at/a");
        if (kind == 2)
            put_frame(&client, HEADERS, END_STREAM, 1, block.at, block.len);
        if (kind == 3)
            put_frame(&client, HEADERS, END_STREAM | END_HEADERS, 1, block.at, block.len);
        buf_deinit(&block);
        send_out(&client);
        assert_int_equal(server_connections(rig->server), 1);
        if (!ends_within(rig, 3000))
            fail_msg("kind %zu stays", kind);
        close_client(&client);
    }
}

/* A body that stalls and a window that is never opened end their streams; the connection serves on. */
static void resets_stalled_streams(void **state)
{
    struct rig *rig = *state;
    struct client client;
    open_client(&client, rig);
    struct buf block = head_of("POST", "/echo");
    put_head(&client, 1, &block, false);
    put_frame(&client, DATA, 0, 1, "ab", 2);
    get(&client, 3, "/page"); /* 64 KiB go out, then the window is shut */
    put_window(&client, 0, 1 << 20);
    send_out(&client);
    struct frame frame;
    bool body = false, page = false;
    struct heard head = {.status = 0};
    buf_init(&head.fields, 1000);
    while (!(body && page) && hear(&client, &frame)) {
        if (frame.type == HEADERS)
            inflate_head(&client, &frame, &head);
        body = body || (frame.type == RST_STREAM && frame.stream == 1);
        page = page || (frame.type == RST_STREAM && frame.stream == 3);
    }
    assert_true(body && page && head.status == 200);
    forget(&head);
    lives_on(&client, 5);
}

/* Who reads nothing at all is not read from, and is ended. */
static void ends_deaf_clients(void **state)
{
    struct rig *rig = *state;
    struct client client;
    open_client(&client, rig);
    put_frame(&client, SETTINGS, 0, 0, "\0\4\x7f\xff\xff\xff", 6);
    put_window(&client, 0, 0x7f000000);
    for (uint32_t i = 0; i < 50; i++)
        get(&client, 1 + 2 * i, "/page");
    send_out(&client);
    assert_true(ends_within(rig, 5000));
    close_client(&client);
}

static void long_polls_have_no_deadline(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    get(&client, 1, "/wait");
    send_out(&client);
    for (size_t i = 0; i < 50; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->waits, 1);
    assert_int_equal(rig->gone, 0);
    request_answer(rig->waiting, &(struct answer) {.status = 204});
    await(&client, 1, &heard);
    assert_int_equal(heard.status, 204);
    forget(&heard);
    close_client(&client);
}

static void stops_gracefully(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct heard heard;
    open_client(&client, rig);
    get(&client, 1, "/wait");
    send_out(&client);
    server_stop(rig->server, rig_on_stopped, rig);
    assert_int_equal(goodbye(&client), 0);
    request_answer(rig->waiting, &(struct answer) {.status = 200, .body = bytes_of("done", 4)});
    await(&client, 1, &heard);
    assert_true(str_eq(buf_str(&heard.body), STR("done")));
    forget(&heard);
    for (size_t i = 0; i < 100 && !rig->stopped; i++)
        loop_turn(rig->loop, 20);
    assert_true(rig->stopped);
    close_client(&client);
}

/* Every prefix of a good conversation, cut off: nothing breaks, nothing stays. */
static void every_prefix_ends(void **state)
{
    struct rig *rig = *state;
    struct client client;
    struct buf whole;
    buf_init(&whole, 1 << 16);
    open_client(&client, rig);
    struct buf block = head_of("POST", "/echo");
    put_head(&client, 1, &block, false);
    put_frame(&client, DATA, END_STREAM, 1, "body", 4);
    get(&client, 3, "/at/a");
    buf_put(&whole, client.out.at, client.out.len);
    close_client(&client);
    for (size_t len = 0; len <= whole.len; len++) {
        open_client(&client, rig);
        buf_clear(&client.out);
        buf_put(&client.out, whole.at, len);
        send_out(&client);
        close_client(&client);
        assert_int_equal(server_connections(rig->server), 0);
    }
    buf_deinit(&whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_side_by_side),
        TEST(serves_a_large_page_and_its_head),
        TEST(takes_bodies_within_bounds),
        TEST(drops_what_follows_an_answer),
        TEST(unpacks_bodies),
        TEST(refuses_what_http1_refuses),
        TEST(refuses_large_heads),
        TEST(answers_a_header_bomb),
        TEST(survives_a_header_bomb),
        TEST(calms_floods),
        TEST(ends_long_continuations),
        TEST(bounds_streams),
        TEST(ends_slow_clients),
        TEST(resets_stalled_streams),
        TEST(ends_deaf_clients),
        TEST(long_polls_have_no_deadline),
        TEST(stops_gracefully),
        TEST(every_prefix_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
