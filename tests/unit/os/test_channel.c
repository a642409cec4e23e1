/* Channels between real processes, and against a peer that scribbles into the shared memory. */
#define _GNU_SOURCE /* memfd_create */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/channel.h"
#include "os/os_net.h"
#include "os/proc.h"
#include "os/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

enum { RING = 8192, HEADER = 4096, MESSAGES = 20000 };

static void wait_for(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 10000), 1);
}

struct pair {
    struct os_channel_fds fds;
    struct os_channel *side[2];
    struct buf got;
};

static int start(void **state)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_int_equal(os_channel_make(RING, &pair->fds), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(os_channel_open(&pair->fds, i, &pair->side[i]), ERR_OK);
    buf_init(&pair->got, 1 << 20);
    *state = pair;
    return 0;
}

static int finish(void **state)
{
    struct pair *pair = *state;
    os_channel_close(pair->side[0]);
    os_channel_close(pair->side[1]);
    os_channel_fds_close(&pair->fds);
    buf_deinit(&pair->got);
    free(pair);
    return 0;
}

static err_t send_text(struct os_channel *channel, const char *text)
{
    struct bytes piece = bytes_of(text, strlen(text));
    return os_channel_send(channel, &piece, 1);
}

static void carries_messages_both_ways(void **state)
{
    struct pair *pair = *state;
    struct bytes pieces[] = {bytes_of("one", 3), bytes_of("", 0), bytes_of("two", 3)};
    assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_NOTFOUND);
    assert_int_equal(os_channel_send(pair->side[0], pieces, 3), ERR_OK);
    assert_int_equal(os_channel_send(pair->side[0], NULL, 0), ERR_OK);
    assert_int_equal(send_text(pair->side[1], "back"), ERR_OK);
    assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_OK);
    assert_true(str_eq(buf_str(&pair->got), STR("onetwo")));
    assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_OK);
    assert_int_equal(pair->got.len, 0);
    assert_int_equal(os_channel_receive(pair->side[0], &pair->got), ERR_OK);
    assert_true(str_eq(buf_str(&pair->got), STR("back")));
}

static void says_full_and_wakes_when_there_is_room(void **state)
{
    struct pair *pair = *state;
    static uint8_t block[RING];
    struct bytes piece = {block, 1000};
    size_t sent = 0;
    os_channel_woken(pair->side[0]);
    while (os_channel_send(pair->side[0], &piece, 1) == ERR_OK)
        sent++;
    assert_int_equal(sent, RING / 1004);
    assert_int_equal(os_channel_send(pair->side[0], &piece, 1), ERR_BUSY);
    assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_OK);
    wait_for(os_channel_fd(pair->side[0]));
    assert_int_equal(os_channel_send(pair->side[0], &piece, 1), ERR_OK);
    piece.len = RING - 4;
    assert_int_equal(os_channel_send(pair->side[0], &piece, 1), ERR_BUSY);
    piece.len = RING - 3;
    assert_int_equal(os_channel_send(pair->side[0], &piece, 1), ERR_LIMIT);

    struct buf small;
    buf_init(&small, 10);
    assert_int_equal(os_channel_receive(pair->side[1], &small), ERR_LIMIT);
    assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_OK); /* it stayed */
#define _GNU_SOURCE                                                          /* memfd_create */
    assert_int_equal(pair->got.len, 1000);
    buf_deinit(&small);
}

static uint64_t *shared_word(const struct pair *pair, size_t offset, uint8_t **out_map)
{
    *out_map = mmap(NULL, 2 * HEADER + 2 * RING, PROT_READ | PROT_WRITE, MAP_SHARED, pair->fds.memory, 0);
    assert_ptr_not_equal(*out_map, MAP_FAILED);
    return (uint64_t *)(void *)(*out_map + offset);
}

/* Head, tail and length are set to every kind of lie: the answer is a refusal or a message, never a fault. */
static void survives_a_peer_that_scribbles(void **state)
{
    struct pair *pair = *state;
    static const uint64_t lies[] = {
        1, 3, 4, RING, RING + 1, RING + 1000, 1u << 31, UINT32_MAX, INT64_MAX, UINT64_MAX, UINT64_MAX - RING};
    size_t corrupt = 0;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        for (size_t where = 0; where < 3; where++) {
            finish(state);
            start(state);
            pair = *state;
            assert_int_equal(send_text(pair->side[0], "honest"), ERR_OK);
            uint8_t *map = NULL;
            static const size_t offsets[] = {0, 64, 2 * HEADER}; /* head, tail, the first length */
            *shared_word(pair, offsets[where], &map) = lies[i];
            err_t send = send_text(pair->side[0], "again"); /* before an honest reader mends its index */
            if (where == 0)                                 /* what the send above has mended */
                *(uint64_t *)(void *)map = lies[i];
            err_t receive = os_channel_receive(pair->side[1], &pair->got);
            assert_true(receive == ERR_OK || receive == ERR_CORRUPT || receive == ERR_NOTFOUND);
            assert_true(pair->got.len <= RING);
            if (receive == ERR_CORRUPT) {
                corrupt++;
                assert_int_equal(os_channel_receive(pair->side[1], &pair->got), ERR_CORRUPT);
            }
            assert_true(where != 1 || lies[i] <= 10 || send == ERR_CORRUPT);
            munmap(map, 2 * HEADER + 2 * RING);
        }
    }
    assert_true(corrupt >= 12);
}

static void refuses_memory_that_could_shrink(void **state)
{
    struct pair *pair = *state;
    assert_int_not_equal(ftruncate(pair->fds.memory, 100), 0);
    struct os_channel_fds loose = {memfd_create("loose", 0), {pair->fds.wake[0], pair->fds.wake[1]}};
    assert_int_equal(ftruncate(loose.memory, 2 * HEADER + 2 * RING), 0);
    struct os_channel *channel = NULL;
    assert_int_equal(os_channel_open(&loose, 0, &channel), ERR_CORRUPT);
    close(loose.memory);
}

/* --- two processes --- */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Sends back what comes, until an empty message. */
static int echo(struct os_channel *channel, struct buf *got)
{
    for (;;) {
        struct pollfd ready = {.fd = os_channel_fd(channel), .events = POLLIN};
        if (poll(&ready, 1, 10000) != 1)
            return 11;
        os_channel_woken(channel);
        err_t err;
        while ((err = os_channel_receive(channel, got)) == ERR_OK) {
            if (got->len == 0)
                return 42;
            struct bytes piece = buf_bytes(got);
            while ((err = os_channel_send(channel, &piece, 1)) == ERR_BUSY) {
                if (poll(&ready, 1, 10000) != 1)
                    return 12;
                os_channel_woken(channel);
            }
            if (err != ERR_OK)
                return 13;
        }
        if (err != ERR_NOTFOUND)
            return 14;
    }
}

static int child_echo(void)
{
    struct os_channel_fds fds = {3, {4, 5}};
    struct os_channel *channel = NULL;
    struct buf got;
    buf_init(&got, RING);
    if (os_channel_open(&fds, 1, &channel) != ERR_OK)
        return 10;
    int code = echo(channel, &got);
    os_channel_close(channel);
    buf_deinit(&got);
    return code;
}

static struct os_proc spawn(struct pair *pair, const char *what)
{
    const char *const args[] = {"child", what, NULL};
    const int fds[] = {pair->fds.memory, pair->fds.wake[0], pair->fds.wake[1]};
    struct os_proc proc;
    assert_int_equal(os_proc_spawn(args, fds, 3, &proc), ERR_OK);
    return proc;
}

static struct os_proc_end reap(struct os_proc *proc)
{
    struct os_proc_end end;
    wait_for(proc->fd);
    assert_int_equal(os_proc_reap(proc, &end), ERR_OK);
    return end;
}

static void keeps_order_between_processes(void **state)
{
    struct pair *pair = *state;
    struct os_proc proc = spawn(pair, "echo");
    uint32_t send_seed = 1, get_seed = 1;
    static uint8_t block[3000];
    size_t sent = 0, got = 0;
    while (got < MESSAGES) {
        for (; sent < MESSAGES; sent++) {
            uint32_t seed = send_seed;
            size_t len = 1 + next_random(&seed) % 2999;
            memset(block, (int)(sent & 0xff), len);
            struct bytes piece = {block, len};
            err_t err = os_channel_send(pair->side[0], &piece, 1);
            if (err == ERR_BUSY)
                break;
            assert_int_equal(err, ERR_OK);
            send_seed = seed;
        }
        err_t err = os_channel_receive(pair->side[0], &pair->got);
        if (err == ERR_NOTFOUND) {
            wait_for(os_channel_fd(pair->side[0]));
            os_channel_woken(pair->side[0]);
            continue;
        }
        assert_int_equal(err, ERR_OK);
        assert_int_equal(pair->got.len, 1 + next_random(&get_seed) % 2999);
        assert_int_equal(pair->got.at[0], got & 0xff);
        assert_int_equal(pair->got.at[pair->got.len - 1], got & 0xff);
        got++;
    }
    assert_int_equal(os_channel_send(pair->side[0], NULL, 0), ERR_OK);
    struct os_proc_end end = reap(&proc);
    assert_false(end.by_signal);
    assert_int_equal(end.code, 42);
}

static void notices_how_a_child_ends(void **state)
{
    struct pair *pair = *state;
    struct os_proc proc = spawn(pair, "echo");
    struct os_proc_end end;
    assert_int_equal(os_proc_reap(&proc, &end), ERR_BUSY);
    os_proc_kill(&proc);
    end = reap(&proc);
    assert_true(end.by_signal);
    assert_int_equal(end.code, 9);
    assert_int_equal(os_proc_reap(&proc, &end), ERR_WRONGSTATE);
    os_proc_kill(&proc);
    /* The other side of a dead peer goes on without a fault. */
    assert_int_equal(os_channel_receive(pair->side[0], &pair->got), ERR_NOTFOUND);
    proc = spawn(pair, "fds");
    end = reap(&proc);
    assert_false(end.by_signal);
    assert_int_equal(end.code, 0);
}

/* Only the standard descriptors and the three that were given. */
static int child_fds(void)
{
    for (int fd = 3; fd < 200; fd++)
        if ((fcntl(fd, F_GETFD) >= 0) != (fd < 6))
            return fd;
    return 0;
}

static bool denied(long result)
{
    return result < 0 && errno == EPERM;
}

static int child_no_network(void)
{
    if (os_sandbox_enter(OS_SANDBOX_NO_NETWORK) != ERR_OK)
        return 77;
    if (!denied(socket(AF_INET, SOCK_STREAM, 0)) || !denied(socket(AF_UNIX, SOCK_STREAM, 0)))
        return 1;
    char *const args[] = {(char *)"true", NULL};
    if (!denied(execve("/bin/true", args, NULL)))
        return 2;
    int fd = open("/dev/null", O_RDWR);
    return fd < 0 ? 3 : 0;
}

static int child_no_writing(void)
{
    if (os_sandbox_enter(OS_SANDBOX_NO_WRITING) != ERR_OK)
        return 77;
    if (!denied(open("/dev/null", O_RDWR)) || !denied(openat(AT_FDCWD, "/dev/null", O_WRONLY)) ||
        !denied(unlink("nothing")) || !denied(rename("nothing", "else")) || !denied(mkdir("nothing", 0700)))
        return 1;
    if (open("/dev/null", O_RDONLY) < 0)
        return 2;
    return socket(AF_INET, SOCK_STREAM, 0) < 0 ? 3 : 0;
}

static void a_sandbox_gives_up_what_it_says(void **state)
{
    struct pair *pair = *state;
    static const char *const roles[] = {"no-network", "no-writing"};
    for (size_t i = 0; i < 2; i++) {
        struct os_proc proc = spawn(pair, roles[i]);
        struct os_proc_end end = reap(&proc);
        if (!end.by_signal && end.code == 77)
            skip();
        assert_false(end.by_signal);
        assert_int_equal(end.code, 0);
    }
}

static void marks_are_seen_at_once_and_only_rise(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(os_channel_mark(pair->side[1], 3), 0);
    os_channel_raise(pair->side[0], 3);
    os_channel_raise(pair->side[0], 3);
    assert_int_equal(os_channel_mark(pair->side[1], 3), 2);
    assert_int_equal(os_channel_raised(pair->side[0], 3), 2);
    assert_int_equal(os_channel_mark(pair->side[1], OS_CHANNEL_MARKS - 1), 0);
    assert_int_equal(os_channel_mark(pair->side[0], 3), 0); /* each side has its own */
    /* A successor goes on where the dead one stopped: what was seen never comes back. */
    os_channel_close(pair->side[0]);
    assert_int_equal(os_channel_open(&pair->fds, 0, &pair->side[0]), ERR_OK);
    os_channel_raise(pair->side[0], 3);
    assert_int_equal(os_channel_mark(pair->side[1], 3), 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } children[] = {{"echo", child_echo},
                    {"fds", child_fds},
                    {"no-network", child_no_network},
                    {"no-writing", child_no_writing}};
    for (size_t i = 0; argc == 2 && i < sizeof children / sizeof children[0]; i++)
        if (strcmp(argv[1], children[i].name) == 0)
            _exit(children[i].run()); /* the leak check at exit traces, which the sandbox forbids */
    const struct CMUnitTest tests[] = {
        TEST(carries_messages_both_ways),      TEST(says_full_and_wakes_when_there_is_room),
        TEST(survives_a_peer_that_scribbles),  TEST(refuses_memory_that_could_shrink),
        TEST(keeps_order_between_processes),   TEST(notices_how_a_child_ends),
        TEST(a_sandbox_gives_up_what_it_says), TEST(marks_are_seen_at_once_and_only_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
