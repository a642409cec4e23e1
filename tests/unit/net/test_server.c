/* A server and a raw client on one loop: what a stranger can do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

enum { PAGE_BYTES = 3 << 20 };

static void say_user(void *ctx, struct request *request)
{
    (void)ctx;
    char text[64];
    const struct os_net_addr *address = request_address(request);
    int len = snprintf(text, sizeof text, "user %d from %llx;", (int)address->user,
                       (unsigned long long)address->network);
    request_answer(request, &(struct answer) {.status = 200, .body = bytes_of(text, (size_t)len)});
}

static void say_path(void *ctx, struct request *request)
{
    (void)ctx;
    struct buf body;
    buf_init(&body, 1000);
    struct str query;
    buf_put_str(&body, request_path(request));
    buf_putc(&body, '|');
    buf_put_str(&body, request_capture(request, 0));
    err_t err = request_query(request, STR("match[id]"), &query);
    buf_printf(&body, "|%s|", err_name(err));
    if (err == ERR_OK)
        buf_put_str(&body, query);
    request_answer(request, &(struct answer) {.status = 200, .type = "text/plain", .body = buf_bytes(&body)});
    buf_deinit(&body);
}

static void split(void *ctx, struct request *request)
{
    (void)ctx;
    struct answer answer = {.status = 200};
    answer.fields[0] = (struct http1_field) {STR("X-Bad"), STR("a\r\nSet-Cookie: b")};
    request_answer(request, &answer);
}

static void start_with(struct rig *rig, struct server_conf conf)
{
    static const struct route more[] = {{"GET", "/at/{}/x/", 0, say_path, NULL},
                                        {"GET", "/user", 0, say_user, NULL},
                                        {"GET", "/split", 0, split, NULL}};
    rig_open(rig, PAGE_BYTES, more, sizeof more / sizeof more[0], conf);
}

static int start(void **state)
{
    struct rig *rig = malloc(sizeof *rig);
    start_with(rig,
               (struct server_conf) {
                   .head_ms = 150, .idle_ms = 300, .stall_ms = 150, .stop_ms = 200, .methods = "GET, POST"});
    *state = rig;
    return 0;
}

static int finish(void **state)
{
    rig_close(*state);
    free(*state);
    return 0;
}

/* --- a client that says exactly what it is told --- */

static int dial(const struct rig *rig)
{
    int fd = -1;
    assert_int_equal(os_net_connect("127.0.0.1", rig->port, &fd), ERR_OK);
    loop_turn(rig->loop, 20);
    return fd;
}

static void say_bytes(const struct rig *rig, int fd, const char *at, size_t len)
{
    size_t sent = 0;
    for (size_t turns = 0; sent < len && turns < 10000; turns++) {
        struct bytes piece = bytes_of(at + sent, len - sent);
        size_t n = 0;
        err_t err = os_net_write(fd, &piece, 1, &n);
        if (err == ERR_CLOSED || err == ERR_IO)
            return;
        sent += err == ERR_OK ? n : 0;
        loop_turn(rig->loop, 1);
    }
}

static void say(const struct rig *rig, int fd, const char *text)
{
    say_bytes(rig, fd, text, strlen(text));
}

/* Reads until `len` bytes, the end, or half a second of silence; true when the server has closed. */
static bool hear(const struct rig *rig, int fd, size_t len, struct buf *out)
{
    uint64_t until = os_net_now_ms() + 500;
    static uint8_t piece[65536];
    while (out->len < len && os_net_now_ms() < until) {
        size_t n = 0;
        err_t err = os_net_read(fd, piece, sizeof piece, &n);
        if (err == ERR_OK) {
            buf_put(out, piece, n);
            until = os_net_now_ms() + 500;
        } else if (err != ERR_BUSY) {
            return true;
        }
        loop_turn(rig->loop, err == ERR_OK ? 0 : 2);
    }
    return false;
}

static size_t count(const struct buf *heard, const char *text)
{
    size_t n = 0, len = strlen(text);
    for (size_t i = 0; i + len <= heard->len; i++)
        n += memcmp(heard->at + i, text, len) == 0;
    return n;
}

/* Says `text` on a new connection and hears everything until the server closes or falls silent. */
static bool ask(const struct rig *rig, const char *text, struct buf *out)
{
    buf_init(out, 8 << 20);
    int fd = dial(rig);
    say(rig, fd, text);
    bool closed = hear(rig, fd, SIZE_MAX, out);
    os_net_close(fd);
    return closed;
}

#define TAIL " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void answers_by_route(void **state)
{
    struct rig *rig = *state;
    struct buf heard;
    assert_true(ask(rig, "GET /at/%EB%8F%99/x/?a=b&match%5Bid%5D=c+d%2C" TAIL, &heard));
    assert_true(rig_has(&heard, "HTTP/1.1 200 OK\r\n"));
    assert_true(rig_has(&heard, "Content-Length: 22\r\n"));
    assert_true(rig_has(&heard, "/at/\xeb\x8f\x99/x/|\xeb\x8f\x99|ok|c d,"));
    buf_deinit(&heard);
    ask(rig, "GET /at/b/x/?match[id]=1&match[id]=2" TAIL, &heard);
    assert_true(rig_has(&heard, "duplicate_name"));
    buf_deinit(&heard);
    static const struct {
        const char *text, *status;
    } rows[] = {
        {"GET /at/b/" TAIL, "404 Not Found"},        {"GET /at//x/" TAIL, "404 Not Found"},
        {"GET /at/b/x/y" TAIL, "404 Not Found"},     {"GET /at/a%2Fb/x/" TAIL, "400 Bad"},
        {"GET /at/../x/" TAIL, "400 Bad"},           {"GET /at/%2e%2e/x/" TAIL, "400 Bad"},
        {"GET /at/%00/x/" TAIL, "400 Bad"},          {"GET /at/%zz/x/" TAIL, "400 Bad"},
        {"GET /at/%ff/x/" TAIL, "400 Bad"},          {"POST /page" TAIL, "405 Method"},
        {"POST /page" TAIL, "\r\nAllow: GET\r\n"},   {"GET /split" TAIL, "500 Internal"},
        {"GET http://b/at/b/x/" TAIL, "200 OK"},     {"GET https://a/at/b/x/" TAIL, "421 Misdirected"},
        {"GET / HTTP/1.1\r\n\r\n", "400 Bad"},       {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505 HTTP"},
        {"\x16\x03\x01\x02\x00\x01\x00", "400 Bad"}, {"GET *" TAIL, "404 Not Found"},
        {"OPTIONS *" TAIL, "204 No Content"},        {"OPTIONS *" TAIL, "\r\nAllow: GET, POST\r\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool closed = ask(rig, rows[i].text, &heard);
        if (!closed || !rig_has(&heard, rows[i].status))
            fail_msg("%s: %.*s", rows[i].text, (int)heard.len, (char *)heard.at);
        assert_false(rig_has(&heard, "Set-Cookie"));
        buf_deinit(&heard);
    }
}

static void serves_a_large_page_and_its_head(void **state)
{
    struct rig *rig = *state;
    struct buf heard;
    size_t size = page_bytes(rig->page).len;
    assert_true(ask(rig, "GET /page" TAIL, &heard));
    assert_true(heard.len > size && memcmp(heard.at + heard.len - size, page_bytes(rig->page).at, size) == 0);
    buf_deinit(&heard);
    assert_true(ask(rig, "HEAD /page" TAIL, &heard));
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", size);
    assert_true(rig_has(&heard, length) && heard.len < 200);
    assert_true(str_ends(buf_str(&heard), STR("\r\n\r\n")));
    buf_deinit(&heard);
}

static void keeps_order_when_asked_ahead(void **state)
{
    struct rig *rig = *state;
    struct buf text, heard;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < 100; i++)
        buf_printf(&text, "GET /at/n%zu/x/ HTTP/1.1\r\nHost: a\r\n\r\n", i);
    buf_printf(&text, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbodyGET /at/last/x/" TAIL);
    buf_putc(&text, 0);
    assert_true(ask(rig, (const char *)text.at, &heard));
    assert_int_equal(count(&heard, "HTTP/1.1 200 OK\r\n"), 102);
    const char *at = (const char *)heard.at;
    buf_putc(&heard, 0);
    at = (const char *)heard.at;
    for (size_t i = 0; i < 100; i++) {
        char want[32];
        snprintf(want, sizeof want, "/at/n%zu/x/|", i);
        at = strstr(at, want);
        assert_non_null(at);
    }
    at = strstr(at, "\r\n\r\nbody");
    assert_non_null(at);
    assert_non_null(strstr(at, "/at/last/x/"));
    buf_deinit(&heard);
    buf_deinit(&text);
}

static void takes_bodies_within_bounds(void **state)
{
    struct rig *rig = *state;
    struct buf heard;
    ask(rig,
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        &heard);
    assert_true(rig_has(&heard, "\r\n\r\nabcde"));
    buf_deinit(&heard);
    assert_true(ask(rig, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n", &heard));
    assert_true(rig_has(&heard, "413"));
    buf_deinit(&heard);
    assert_true(
        ask(rig, "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n", &heard));
    assert_true(rig_has(&heard, "413"));
    buf_deinit(&heard);
    assert_true(
        ask(rig, "GET /page HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\nGET /at/b/x/ HTTP/1.1\r\n\r\n",
            &heard));
    assert_true(rig_has(&heard, "413"));
    assert_int_equal(count(&heard, "HTTP/1.1 "), 1);
    buf_deinit(&heard);
    /* What stands behind an unread body is never taken for a request. */
    assert_true(
        ask(rig, "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nGET /at/b/x/" TAIL, &heard));
    assert_int_equal(count(&heard, "HTTP/1.1 "), 1);
    buf_deinit(&heard);
}

static void says_continue_first(void **state)
{
    struct rig *rig = *state;
    struct buf heard;
    buf_init(&heard, 10000);
    int fd = dial(rig);
    say(rig, fd, "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    hear(rig, fd, 25, &heard);
    assert_true(str_eq(buf_str(&heard), STR("HTTP/1.1 100 Continue\r\n\r\n")));
    say(rig, fd, "body");
    hear(rig, fd, 65, &heard);
    assert_true(rig_has(&heard, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"));
    os_net_close(fd);
    buf_deinit(&heard);
}

static void answers_later_or_tells_that_the_client_is_gone(void **state)
{
    struct rig *rig = *state;
    struct buf heard;
    buf_init(&heard, 10000);
    int fd = dial(rig);
    say(rig, fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t i = 0; i < 20; i++)
        loop_turn(rig->loop, 20); /* longer than every deadline: a long poll has none */
    assert_non_null(rig->waiting);
    request_answer(rig->waiting, &(struct answer) {.status = 200, .body = bytes_of("late", 4)});
    hear(rig, fd, 42, &heard);
    assert_true(rig_has(&heard, "\r\n\r\nlate"));

    rig->waiting = NULL;
    say(rig, fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    loop_turn(rig->loop, 20);
    assert_non_null(rig->waiting);
    os_net_close(fd);
    for (size_t i = 0; i < 10 && rig->gone == 0; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->gone, 1);
    assert_int_equal(server_connections(rig->server), 0);
    buf_deinit(&heard);
}

/* Three bytes, a dripping head, a body that stalls, an answer that nobody reads: each ends at its deadline.
 */
static void ends_slow_clients(void **state)
{
    struct rig *rig = *state;
    int three = dial(rig), drip = dial(rig), stall = dial(rig), deaf = dial(rig);
    say(rig, three, "GET");
    say(rig, stall, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
    say(rig, deaf, "GET /page HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_int_equal(server_connections(rig->server), 4);
    uint64_t began = os_net_now_ms();
    while (server_connections(rig->server) > 0 && os_net_now_ms() - began < 2000) {
        struct bytes piece = bytes_of("G", 1);
        size_t n = 0;
        if (os_net_write(drip, &piece, 1, &n) != ERR_OK)
            n = 0;
        loop_turn(rig->loop, 20);
    }
    assert_int_equal(server_connections(rig->server), 0);
    os_net_close(three);
    os_net_close(drip);
    os_net_close(stall);
    os_net_close(deaf);
}

static void waiting_clients_cost_no_turns(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    start_with(rig, (struct server_conf) {.head_ms = 5000});
    int fds[50];
    for (size_t i = 0; i < 50; i++) {
        fds[i] = dial(rig);
        say(rig, fds[i], "GET");
    }
    /* Nothing is due: one turn sleeps its whole time, so fifty waiting clients wake nobody. */
    loop_turn(rig->loop, 0);
    uint64_t began = os_net_now_ms();
    loop_turn(rig->loop, 200);
    assert_true(os_net_now_ms() - began >= 190);
    assert_int_equal(server_connections(rig->server), 50);
    for (size_t i = 0; i < 50; i++)
        os_net_close(fds[i]);
}

static void makes_room_for_new_clients(void **state)
{
    struct rig *rig = *state;
    rig_close(rig);
    start_with(rig, (struct server_conf) {.connections_max = 3});
    int held[3];
    for (size_t i = 0; i < 3; i++)
        held[i] = dial(rig);
    say(rig, held[2], "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    struct buf heard;
    assert_int_equal(server_connections(rig->server), 3); /* nobody goes for who is not there */
    assert_true(ask(rig, "GET /at/new/x/" TAIL, &heard));
    assert_true(rig_has(&heard, "200 OK"));
    for (int i = 0; i < 100 && server_connections(rig->server) > 2; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(server_connections(rig->server), 2); /* the first went, and the new one was answered */
    assert_int_equal(rig->gone, 0); /* who has a request in hand is not the one that goes */
    buf_deinit(&heard);
    for (size_t i = 0; i < 3; i++)
        os_net_close(held[i]);
}

/* On a local socket the kernel says who asks; on others nobody is believed. */
static void knows_local_users(void **state)
{
    struct rig *rig = *state;
    char host[64], want[32], mode[8];
    snprintf(host, sizeof host, "unix:net-test-%d.sock", (int)getpid());
    assert_int_equal(server_listen(rig->server, host, 0, NULL, NULL), ERR_OK);
    assert_int_equal(server_listen(rig->server, host, 0, NULL, NULL), ERR_EXISTS);
    struct stat stat_of;
    assert_int_equal(stat(host + 5, &stat_of), 0);
    snprintf(mode, sizeof mode, "%o", stat_of.st_mode & 0777);
    assert_string_equal(mode, "600");
    int fd = -1;
    struct buf heard;
    buf_init(&heard, 10000);
    assert_int_equal(os_net_connect(host, 0, &fd), ERR_OK);
    say(rig, fd, "GET /user" TAIL);
    assert_true(hear(rig, fd, SIZE_MAX, &heard));
    snprintf(want, sizeof want, "user %d from 0;", (int)getuid());
    assert_true(rig_has(&heard, want));
    os_net_close(fd);
    assert_int_equal(unlink(host + 5), 0);
    buf_deinit(&heard);
    assert_true(ask(rig, "GET /user" TAIL, &heard));
    assert_true(rig_has(&heard, "user -1 from 7f000001;"));
    buf_deinit(&heard);
}

static void stops_gracefully(void **state)
{
    struct rig *rig = *state;
    int idle = dial(rig), busy = dial(rig), stuck = dial(rig);
    say(rig, stuck, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    rig->waiting = NULL;
    say(rig, busy, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_non_null(rig->waiting);
    struct request *answerable = rig->waiting;
    server_stop(rig->server, rig_on_stopped, rig);
    loop_turn(rig->loop, 20);
    int fd = -1;
    struct buf heard;
    buf_init(&heard, 10000);
    assert_int_equal(server_connections(rig->server), 2);
    request_answer(answerable, &(struct answer) {.status = 200, .body = bytes_of("done", 4)});
    assert_true(hear(rig, busy, SIZE_MAX, &heard));
    assert_true(rig_has(&heard, "Connection: close\r\n\r\ndone"));
    os_net_close(busy);
    uint64_t began = os_net_now_ms();
    while (!rig->stopped && os_net_now_ms() - began < 2000)
        loop_turn(rig->loop, 20);
    assert_true(rig->stopped);
    assert_int_equal(rig->gone, 1); /* the stuck one was told */
    if (os_net_connect("127.0.0.1", rig->port, &fd) == ERR_OK) {
        loop_turn(rig->loop, 20);
        assert_int_not_equal(os_net_connected(fd), ERR_OK);
        os_net_close(fd);
    }
    os_net_close(idle);
    os_net_close(stuck);
    buf_deinit(&heard);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_by_route),
        TEST(serves_a_large_page_and_its_head),
        TEST(keeps_order_when_asked_ahead),
        TEST(takes_bodies_within_bounds),
        TEST(says_continue_first),
        TEST(answers_later_or_tells_that_the_client_is_gone),
        TEST(ends_slow_clients),
        TEST(waiting_clients_cost_no_turns),
        TEST(makes_room_for_new_clients),
        TEST(knows_local_users),
        TEST(stops_gracefully),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
