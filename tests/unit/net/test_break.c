/* Answers under way that are broken off: what a slow reader still gets, and who is left alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "rig.h"

enum {
    PAGE_BYTES = 6 << 20,
    SMALL_BYTES = 40 << 10, /* the system takes it whole, and a client that does not read does not */
    RECEIVE_BYTES = 4 << 10,
    TAKEN = 7,
};

#define GET_TAIL " HTTP/1.1\r\nHost: a\r\n\r\n"

/* "/page/3": the page, on the ground of view 3; "/small/3" likewise. */
static void say(struct rig *rig, struct request *request, size_t len)
{
    struct bytes page = page_bytes(rig->page);
    struct answer answer = {.status = 200, .ground = {.taken = TAKEN}};
    answer.ground.view = (unsigned)request_capture(request, 0).at[0] - '0';
    if (len < page.len)
        answer.body = bytes_of(page.at, len);
    else
        answer.page = rig->page;
    request_answer(request, &answer);
}

static void say_page(void *ctx, struct request *request)
{
    say(*(struct rig **)ctx, request, PAGE_BYTES);
}

static void say_small(void *ctx, struct request *request)
{
    say(*(struct rig **)ctx, request, SMALL_BYTES);
}

struct kit {
    struct rig *self; /* what the routes get */
    struct rig rig;
};

static int start(void **state)
{
    struct kit *kit = calloc(1, sizeof *kit);
    struct route more[] = {{"GET", "/page/{}", 0, say_page, &kit->self},
                           {"GET", "/small/{}", 0, say_small, &kit->self}};
    kit->self = &kit->rig;
    rig_open(&kit->rig, PAGE_BYTES, more, sizeof more / sizeof more[0],
             (struct server_conf) {.head_ms = 20000, .idle_ms = 20000, .stall_ms = 20000, .stop_ms = 200});
    *state = kit;
    return 0;
}

static int finish(void **state)
{
    struct kit *kit = *state;
    rig_close(&kit->rig);
    free(kit);
    return 0;
}

/* --- a client that reads when it is told to --- */

static void turn(struct kit *kit)
{
    for (size_t i = 0; i < 40; i++)
        loop_turn(kit->rig.loop, 1);
}

static int dial(struct kit *kit)
{
    const int most = RECEIVE_BYTES;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(kit->rig.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &most, sizeof most), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void ask_bytes(struct kit *kit, int fd, const void *at, size_t len)
{
    assert_int_equal(send(fd, at, len, MSG_NOSIGNAL), (ssize_t)len);
    turn(kit);
}

static void ask(struct kit *kit, int fd, const char *text)
{
    ask_bytes(kit, fd, text, strlen(text));
}

enum end { SILENT, WHOLE, RESET };

/* Reads to the end, or until nothing more comes. */
static enum end read_all(struct kit *kit, int fd, size_t *out_len)
{
    static uint8_t piece[1 << 16];
    *out_len = 0;
    for (size_t idle = 0; idle < 200;) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n == 0)
            return WHOLE;
        if (n < 0 && errno != EAGAIN)
            return errno == ECONNRESET ? RESET : SILENT;
        *out_len += n > 0 ? (size_t)n : 0;
        idle = n > 0 ? 0 : idle + 1;
        loop_turn(kit->rig.loop, n > 0 ? 0 : 2);
    }
    return SILENT;
}

static size_t window_of(int fd)
{
    int size = 0;
    socklen_t len = sizeof size;
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, &len), 0);
    return (size_t)size;
}

static bool over(void *ctx, const struct answer_ground *ground)
{
    assert_int_equal(ground->taken, TAKEN);
    return ground->view == *(unsigned *)ctx;
}

static size_t break_off(struct kit *kit, unsigned view)
{
    return server_break(kit->rig.server, over, &view);
}

/* No more than the client's own system had received, and then an error, not an end. */
static void is_cut(struct kit *kit, int fd)
{
    size_t len = 0, window = window_of(fd);
    assert_int_equal(read_all(kit, fd, &len), RESET);
    assert_true(len <= window);
    close(fd);
}

/* --- tests --- */

static void breaks_off_what_is_over(void **state)
{
    struct kit *kit = *state;
    int slow = dial(kit), other = dial(kit), plain = dial(kit);
    size_t len = 0;
    ask(kit, slow, "GET /page/1" GET_TAIL);
    ask(kit, other, "GET /page/2" GET_TAIL);
    ask(kit, plain, "GET /page" GET_TAIL);
    assert_int_equal(break_off(kit, 3), 0);
    assert_int_equal(break_off(kit, 1), 1);
    assert_int_equal(server_connections(kit->rig.server), 2);
    is_cut(kit, slow);
    assert_int_equal(read_all(kit, other, &len), SILENT);
    assert_true(len > PAGE_BYTES);
    assert_int_equal(read_all(kit, plain, &len), SILENT);
    assert_true(len > PAGE_BYTES);
    assert_int_equal(break_off(kit, 2), 0); /* read to its end */
    ask(kit, other, "GET /small/2" GET_TAIL);
    assert_int_equal(read_all(kit, other, &len), SILENT);
    assert_true(len > SMALL_BYTES && len < PAGE_BYTES);
    close(other);
    close(plain);
}

/* It is written to its end: this program has nothing left to write, and the system has. */
static void takes_back_what_the_system_holds(void **state)
{
    struct kit *kit = *state;
    int slow = dial(kit), last = dial(kit);
    ask(kit, slow, "GET /small/1" GET_TAIL);
    ask(kit, last, "GET /small/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_int_equal(break_off(kit, 2), 0);
    assert_int_equal(break_off(kit, 1), 2);
    is_cut(kit, slow);
    is_cut(kit, last);
}

static void several_answers_ahead_of_a_reader(void **state)
{
    struct kit *kit = *state;
    int both = dial(kit), same = dial(kit);
    ask(kit, both, "GET /small/1" GET_TAIL "GET /small/2" GET_TAIL "GET /small/2" GET_TAIL);
    ask(kit, same, "GET /small/2" GET_TAIL "GET /small/2" GET_TAIL);
    assert_int_equal(break_off(kit, 1), 1);
    is_cut(kit, both);
    assert_int_equal(break_off(kit, 2), 1);
    is_cut(kit, same);
}

/* A connection that ends does not end before its reader has what the system holds for it. */
static void waits_for_slow_readers(void **state)
{
    struct kit *kit = *state;
    int last = dial(kit);
    size_t len = 0;
    ask(kit, last, "GET /small/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    for (uint64_t until = os_net_now_ms() + 1500; os_net_now_ms() < until;) /* the usual wait is over */
        loop_turn(kit->rig.loop, 20);
    assert_int_equal(read_all(kit, last, &len), WHOLE);
    assert_true(len > SMALL_BYTES);
    close(last);
}

/* --- HTTP/2 --- */

#define H2_GET(stream, path_len, path)                                                                       \
    "\0\0" path_len "\1\5\0\0\0" stream "\x82\x86\1\1a\4" path /* GET, http, a */

/* Windows so large that only the reader is slow. */
static const char h2_begin[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                               "\0\0\6\4\0\0\0\0\0"
                               "\0\4\x7f\xff\xff\xff"
                               "\0\0\4\x8\0\0\0\0\0"
                               "\x7f\0\0\0";
static const char h2_page[] = H2_GET("\1", "\xe", "\x7/page/1");
static const char h2_other[] = H2_GET("\3", "\xe", "\x7/page/2");
static const char h2_small[] = H2_GET("\5", "\xf", "\x8/small/2");

static void breaks_off_http2(void **state)
{
    struct kit *kit = *state;
    int slow = dial(kit), other = dial(kit);
    size_t len = 0;
    ask_bytes(kit, slow, h2_begin, sizeof h2_begin - 1);
    ask_bytes(kit, slow, h2_other, sizeof h2_other - 1);
    ask_bytes(kit, slow, h2_small, sizeof h2_small - 1);
    ask_bytes(kit, other, h2_begin, sizeof h2_begin - 1);
    ask_bytes(kit, other, h2_other, sizeof h2_other - 1);
    assert_int_equal(break_off(kit, 1), 0);
    assert_int_equal(break_off(kit, 2), 2);
    is_cut(kit, slow);
    is_cut(kit, other);
    int again = dial(kit);
    ask_bytes(kit, again, h2_begin, sizeof h2_begin - 1);
    ask_bytes(kit, again, h2_page, sizeof h2_page - 1);
    assert_int_equal(break_off(kit, 2), 0);
    assert_int_equal(read_all(kit, again, &len), SILENT);
    assert_true(len > PAGE_BYTES);
    assert_int_equal(break_off(kit, 1), 0); /* read to its end */
    close(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(breaks_off_what_is_over),
        TEST(takes_back_what_the_system_holds),
        TEST(several_answers_ahead_of_a_reader),
        TEST(waits_for_slow_readers),
        TEST(breaks_off_http2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
