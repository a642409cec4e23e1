/* os/sandbox.h, files: what is named can be opened, and by no way anything else. Each test is a child
 * process, since nobody gets out again. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "os/sandbox.h"
#include "os/thread.h"

/* base/read/file, base/write/file, base/out/file; base/write/link leads to base/out, base/write/way to
 * base/out/file. */
static char base[512];

static const char *in(const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", base, name);
    return path;
}

static int put(const char *name)
{
    int fd = open(in(name), O_RDWR | O_CREAT, 0700);
    if (fd < 0 || write(fd, "bytes", 5) != 5)
        return -1;
    return close(fd);
}

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(base, sizeof base, "%s/bongsu-test-XXXXXX", tmp == NULL ? P_tmpdir : tmp);
    *state = mkdtemp(base);
    return *state == NULL || mkdir(in("read"), 0700) != 0 || mkdir(in("write"), 0700) != 0 ||
                   mkdir(in("out"), 0700) != 0 || put("read/file") != 0 || put("write/file") != 0 ||
                   put("out/file") != 0 || symlink(in("out"), in("write/link")) != 0 ||
                   symlink(in("out/file"), in("write/way")) != 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"read/file",   "read/new",   "write/file",      "write/new",
                                        "write/moved", "write/link", "write/way",       "out/file",
                                        "out/new",     "write/dir",  "write/late/file", "write/late"};
    static const char *const dirs[] = {"write/dir", "write/late", "read", "write", "out"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(in(names[i]));
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        (void)rmdir(in(dirs[i]));
    return rmdir(base);
}

static bool opens(const char *name, int how)
{
    int fd = open(in(name), how | O_CLOEXEC, 0600);
    return fd >= 0 && close(fd) == 0;
}

/* EXDEV: what Landlock says of moves between directories. */
static bool refused(int result)
{
    return result < 0 && (errno == EACCES || errno == EXDEV || errno == EPERM);
}

static bool closed(const char *name, int how)
{
    int fd = open(in(name), how | O_CLOEXEC, 0600);
    bool shut = refused(fd);
    if (fd >= 0)
        (void)close(fd);
    return shut;
}

static err_t enter(void)
{
    const struct os_sandbox_path paths[] = {
        {in("read"), OS_SANDBOX_READ}, {in("write"), OS_SANDBOX_WRITE}, {in("absent"), OS_SANDBOX_WRITE}};
    return os_sandbox_files(paths, sizeof paths / sizeof paths[0]);
}

/* The number of the line that is wrong. */
#define HOLDS(what)                                                                                          \
    do {                                                                                                     \
        if (!(what))                                                                                         \
            return __LINE__;                                                                                 \
    } while (0)

static int within(void)
{
    HOLDS(enter() == ERR_OK);
    HOLDS(opens("read/file", O_RDONLY) && opens("read", O_RDONLY | O_DIRECTORY));
    HOLDS(opens("write/file", O_RDWR) && opens("write/file", O_WRONLY | O_TRUNC));
    HOLDS(opens("write/new", O_RDWR | O_CREAT | O_EXCL) && truncate(in("write/new"), 100) == 0);
    HOLDS(rename(in("write/new"), in("write/moved")) == 0 && unlink(in("write/moved")) == 0);
    HOLDS(mkdir(in("write/dir"), 0700) == 0 && opens("write/../read/file", O_RDONLY));
    return 0;
}

static int beyond(void)
{
    HOLDS(enter() == ERR_OK);
    HOLDS(closed("out/file", O_RDONLY) && closed("out/file", O_WRONLY) &&
          closed("out/new", O_RDWR | O_CREAT));
    HOLDS(closed("out", O_RDONLY | O_DIRECTORY) && closed("", O_RDONLY | O_DIRECTORY));
    HOLDS(closed("write/../out/file", O_RDONLY) && closed("write/link/file", O_RDONLY));
    HOLDS(closed("write/way", O_RDONLY) && closed("write/way", O_WRONLY));
    HOLDS(closed("absent", O_RDWR | O_CREAT) && !opens("absent", O_RDONLY));
    HOLDS(refused(unlink(in("out/file"))) && refused(mkdir(in("out/new"), 0700)) &&
          refused(rmdir(in("out"))));
    HOLDS(refused(symlink("file", in("out/new"))) && refused(symlink("file", in("write/new"))));
    HOLDS(refused(mkfifo(in("write/new"), 0600)));
    int out = open("/", O_PATH | O_CLOEXEC | O_DIRECTORY);
    HOLDS(refused(openat(out, in("out/file") + 1, O_RDONLY)));
    return 0;
}

static int only_to_read(void)
{
    HOLDS(enter() == ERR_OK);
    HOLDS(closed("read/file", O_WRONLY) && closed("read/file", O_RDWR) &&
          closed("read/new", O_RDWR | O_CREAT));
    HOLDS(refused(unlink(in("read/file"))) && refused(rename(in("read/file"), in("read/new"))));
    HOLDS(closed("read/file", O_RDONLY | O_TRUNC));
    return 0;
}

static int moves(void)
{
    HOLDS(enter() == ERR_OK);
    HOLDS(refused(rename(in("out/file"), in("write/new"))) &&
          refused(rename(in("write/file"), in("out/new"))));
    HOLDS(refused(link(in("out/file"), in("write/new"))) && refused(link(in("read/file"), in("write/new"))));
    HOLDS(refused(rename(in("read/file"), in("write/new"))));
    return 0;
}

static int nothing_at_all(void)
{
    char *const args[] = {(char *)"true", NULL};
    int before = open(in("read/file"), O_RDONLY | O_CLOEXEC);
    char got[5];
    HOLDS(os_sandbox_files(NULL, 0) == ERR_OK);
    HOLDS(closed("read/file", O_RDONLY) && closed("write/file", O_RDONLY));
    HOLDS(refused(open("/etc/passwd", O_RDONLY)) && refused(open("/proc/self/status", O_RDONLY)));
    HOLDS(refused(execv("/bin/true", args)));
    HOLDS(read(before, got, sizeof got) == 5 && memcmp(got, "bytes", 5) == 0);
    return 0;
}

static int a_file_alone(void)
{
    const struct os_sandbox_path paths[] = {{in("write/file"), OS_SANDBOX_WRITE},
                                            {in("out"), OS_SANDBOX_NAMES}};
    HOLDS(os_sandbox_files(paths, 2) == ERR_OK);
    HOLDS(opens("write/file", O_RDWR | O_TRUNC) && closed("write/new", O_RDWR | O_CREAT));
    HOLDS(refused(unlink(in("write/file"))) && closed("write", O_RDONLY | O_DIRECTORY));
    HOLDS(closed("out/file", O_RDONLY) && closed("out/new", O_RDWR | O_CREAT) && unlink(in("out/file")) == 0);
    HOLDS(mknod(in("out/new"), S_IFSOCK | 0600, 0) == 0);
    return 0;
}

static void look_out(void *ctx)
{
    *(bool *)ctx = closed("out/file", O_RDONLY) && opens("read/file", O_RDONLY);
}

static int threads_too(void)
{
    struct os_thread *thread;
    bool bound = false;
    HOLDS(enter() == ERR_OK && enter() == ERR_OK); /* twice: the narrower of both */
    HOLDS(os_thread_begin(look_out, &bound, &thread) == ERR_OK);
    os_thread_join(thread);
    HOLDS(bound);
    return 0;
}

static int signals_nobody(void)
{
    bool knows = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 6;
    HOLDS(kill(getppid(), 0) == 0 && enter() == ERR_OK);
    HOLDS(!knows || refused(kill(getppid(), 0)));
    HOLDS(kill(getpid(), 0) == 0);
    return 0;
}

static int hidden(void)
{
    struct stat facts;
    HOLDS(setgid(65534) == 0 && setuid(65534) == 0 && os_sandbox_hide() == ERR_OK);
    HOLDS(stat("/proc/self/mem", &facts) == 0 && facts.st_uid == 0);
    return 0;
}

static void run(int (*child)(void))
{
    int status = 0;
    if (!os_sandbox_files_known())
        skip();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(child() % 256); /* no exit handlers: they look at files */
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void what_is_named_can_be_used(void **state)
{
    (void)state;
    run(within);
}

static void no_way_leads_out(void **state)
{
    (void)state;
    run(beyond);
}

static void reading_is_no_writing(void **state)
{
    (void)state;
    run(only_to_read);
}

static void nothing_moves_over_the_border(void **state)
{
    (void)state;
    run(moves);
}

static void no_path_is_no_file(void **state)
{
    (void)state;
    run(nothing_at_all);
}

static void a_file_is_not_its_directory(void **state)
{
    (void)state;
    run(a_file_alone);
}

static void later_threads_are_bound(void **state)
{
    (void)state;
    run(threads_too);
}

static void signals_stay_inside(void **state)
{
    (void)state;
    run(signals_nobody);
}

static void others_of_the_account_see_nothing(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip(); /* another account is needed */
    run(hidden);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_named_can_be_used),
        TEST(no_way_leads_out),
        TEST(reading_is_no_writing),
        TEST(nothing_moves_over_the_border),
        TEST(no_path_is_no_file),
        TEST(a_file_is_not_its_directory),
        TEST(later_threads_are_bound),
        TEST(signals_stay_inside),
        TEST(others_of_the_account_see_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
