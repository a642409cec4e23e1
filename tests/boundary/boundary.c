/* Ends a program at one of its own writes or syncs: before it, halfway through it, or behind it. Loaded into
 * the program (LD_PRELOAD); nothing in src/ knows of it. Whatever a crash can cut apart on the way to the
 * disk is cut apart so, not where a clock happens to strike.
 *
 * BONGSU_BOUNDARY names a board: a file that all lives of the program map and count in (tests/scenario/
 * boundary.py makes it and reads it). Each life draws from the board's seed a kind of file, and which of the
 * first boundaries at such files is its end: some lives end at once, some only after a while of work. Files
 * of no kind, pipes, sockets and the standard streams are no boundaries. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { CALL_WRITE, CALL_SYNC, CALL_SIZE, CALL_RENAME, CALL_UNLINK, CALLS };
enum phase { PHASE_BEFORE, PHASE_WITHIN, PHASE_BEHIND, PHASES };

/* By what stands in the file's path, and among how many of its boundaries a life ends.
 * tests/scenario/boundary.py knows the order. */
static const struct kind {
    const char *within;
    unsigned reach;
} kinds[] = {
    {"/log/", 12}, {"/keys/", 12}, {"/index/", 8}, {"/ledger/", 6}, {"/anchor", 4}, {"/search.db", 40},
};
enum { KINDS = sizeof kinds / sizeof *kinds, FIRST_FILE = 3 };
/* Of all kinds together: some are rare. */
enum { REACH_ALL = 150 };

struct board {
    uint64_t seed;
    _Atomic uint64_t lives, ends;
    _Atomic uint64_t met[CALLS][KINDS];
    _Atomic uint64_t ended[CALLS][KINDS][PHASES];
};

static struct board *board;
static uint64_t life;
static unsigned where; /* the kind at which this life ends... */
static uint64_t last;  /* ...and at the how manieth */
static _Atomic uint64_t passed, passed_all;

static uint64_t mixed(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("BONGSU_BOUNDARY");
    int fd = path == NULL ? -1 : open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    if (at == MAP_FAILED)
        return;
    board = at;
    life = atomic_fetch_add(&board->lives, 1);
    uint64_t draw = mixed(board->seed ^ mixed(life));
    where = (unsigned)(draw % KINDS);
    last = 1 + (draw >> 32) % kinds[where].reach;
}

static unsigned kind_of(const char *path)
{
    unsigned kind = 0;
    while (kind < KINDS && strstr(path, kinds[kind].within) == NULL)
        kind++;
    return kind;
}

/* KINDS: no boundary. */
static unsigned kind_of_fd(int fd)
{
    char link[40], path[4096];
    struct stat st;
    if (board == NULL || fd < FIRST_FILE || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return KINDS;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = '\0';
    return kind_of(path);
}

static _Noreturn void end(void)
{
    (void)syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        (void)syscall(SYS_exit_group, 137); /* where a role may not signal */
}

/* The phase in which this call is the end; PHASES: it is not. */
static enum phase meet(enum call call, unsigned kind)
{
    if (board == NULL || kind == KINDS)
        return PHASES;
    atomic_fetch_add(&board->met[call][kind], 1);
    bool old = atomic_fetch_add(&passed_all, 1) + 1 == REACH_ALL;
    if (!old && (kind != where || atomic_fetch_add(&passed, 1) + 1 != last))
        return PHASES;
    enum phase phase = (enum phase)(mixed(life * 3 + board->seed) % PHASES);
    if (call != CALL_WRITE && phase == PHASE_WITHIN)
        phase = PHASE_BEHIND;
    atomic_fetch_add(&board->ended[call][kind][phase], 1);
    atomic_fetch_add(&board->ends, 1);
    if (phase == PHASE_BEFORE)
        end();
    return phase;
}

static void pass(enum phase phase)
{
    if (phase == PHASE_BEHIND)
        end();
}

/* Under the names that programs call; headers would give another name to some (large files). */
ssize_t met_pwrite(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite");
ssize_t met_pwrite64(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite64");
ssize_t met_write(int fd, const void *data, size_t len) __asm__("write");
ssize_t met_writev(int fd, const struct iovec *parts, int count) __asm__("writev");
int met_fdatasync(int fd) __asm__("fdatasync");
int met_fsync(int fd) __asm__("fsync");
int met_ftruncate(int fd, off_t size) __asm__("ftruncate");
int met_ftruncate64(int fd, off_t size) __asm__("ftruncate64");
int met_fallocate(int fd, off_t from, off_t size) __asm__("posix_fallocate");
int met_fallocate64(int fd, off_t from, off_t size) __asm__("posix_fallocate64");
int met_rename(const char *from, const char *to) __asm__("rename");
int met_unlink(const char *path) __asm__("unlink");

ssize_t met_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    enum phase phase = meet(CALL_WRITE, kind_of_fd(fd));
    if (phase == PHASE_WITHIN) {
        (void)syscall(SYS_pwrite64, fd, data, len / 2, offset);
        end();
    }
    ssize_t done = syscall(SYS_pwrite64, fd, data, len, offset);
    pass(phase);
    return done;
}

ssize_t met_pwrite64(int fd, const void *data, size_t len, off_t offset)
{
    return met_pwrite(fd, data, len, offset);
}

ssize_t met_write(int fd, const void *data, size_t len)
{
    enum phase phase = meet(CALL_WRITE, kind_of_fd(fd));
    if (phase == PHASE_WITHIN) {
        (void)syscall(SYS_write, fd, data, len / 2);
        end();
    }
    ssize_t done = syscall(SYS_write, fd, data, len);
    pass(phase);
    return done;
}

ssize_t met_writev(int fd, const struct iovec *parts, int count)
{
    enum phase phase = meet(CALL_WRITE, kind_of_fd(fd));
    if (phase == PHASE_WITHIN) {
        (void)syscall(SYS_writev, fd, parts, count / 2);
        end();
    }
    ssize_t done = syscall(SYS_writev, fd, parts, count);
    pass(phase);
    return done;
}

static int sync_by(long number, int fd)
{
    enum phase phase = meet(CALL_SYNC, kind_of_fd(fd));
    int done = (int)syscall(number, fd);
    pass(phase);
    return done;
}

int met_fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

int met_fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

int met_ftruncate(int fd, off_t size)
{
    enum phase phase = meet(CALL_SIZE, kind_of_fd(fd));
    int done = (int)syscall(SYS_ftruncate, fd, size);
    pass(phase);
    return done;
}

int met_ftruncate64(int fd, off_t size)
{
    return met_ftruncate(fd, size);
}

/* Answers an error, and leaves errno alone. */
int met_fallocate(int fd, off_t from, off_t size)
{
    enum phase phase = meet(CALL_SIZE, kind_of_fd(fd));
    int done = syscall(SYS_fallocate, fd, 0, from, size) == 0 ? 0 : errno;
    pass(phase);
    return done;
}

int met_fallocate64(int fd, off_t from, off_t size)
{
    return met_fallocate(fd, from, size);
}

int met_rename(const char *from, const char *to)
{
    enum phase phase = meet(CALL_RENAME, kind_of(to));
    int done = (int)syscall(SYS_rename, from, to);
    pass(phase);
    return done;
}

int met_unlink(const char *path)
{
    enum phase phase = meet(CALL_UNLINK, kind_of(path));
    int done = (int)syscall(SYS_unlink, path);
    pass(phase);
    return done;
}
