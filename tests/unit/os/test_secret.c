/* os/secret.h: locked while there is room for it, usable in any case. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/secret.h"

enum { SIZE = 300 };

static long locked_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmLck: %ld", &kib) == 1)
            break;
    if (status != NULL)
        (void)fclose(status);
    return kib;
}

/* A sanitizer's mlock does nothing, and says that it did. */
static bool locks_are_real(void)
{
    static char page[4096];
    long before = locked_kib();
    bool real = mlock(page, sizeof page) == 0 && locked_kib() > before;
    (void)munlock(page, sizeof page);
    return real;
}

static int is_zero(const uint8_t *at)
{
    for (size_t i = 0; i < SIZE; i++)
        if (at[i] != 0)
            return 0;
    return 1;
}

static void is_locked_and_given_back(void **state)
{
    bool locked = false;
    void *at = NULL;
    long before = locked_kib();
    (void)state;
    assert_int_equal(os_secret_new(SIZE, &locked, &at), ERR_OK);
    assert_true(locked && is_zero(at));
    if (locks_are_real())
        assert_true(locked_kib() > before);
    memset(at, 7, SIZE);
    os_secret_free(at, SIZE);
    assert_int_equal(locked_kib(), before);
    os_secret_free(NULL, SIZE);
}

/* The child's answer: what is wrong; 0: nothing. */
static int without_room(void)
{
    const struct rlimit none = {0, 0};
    bool locked = true;
    void *at = NULL;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (getuid() == 0 && setuid(65534) != 0))
        return 1;
    if (os_secret_new(SIZE, &locked, &at) != ERR_OK || locked || !is_zero(at))
        return 2;
    memset(at, 7, SIZE);
    os_secret_free(at, SIZE);
    return 0;
}

static int in_child(int (*run)(void))
{
    int status = 0;
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(run());
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void serves_without_room_and_says_so(void **state)
{
    (void)state;
    if (!locks_are_real())
        skip();
    assert_int_equal(in_child(without_room), 0);
}

static uint8_t *kept;

static int sees_nothing(void)
{
    return is_zero(kept) ? 0 : 1;
}

static void a_child_sees_nothing(void **state)
{
    bool locked;
    void *at = NULL;
    (void)state;
    assert_int_equal(os_secret_new(SIZE, &locked, &at), ERR_OK);
    kept = at;
    memset(kept, 7, SIZE);
    assert_int_equal(in_child(sees_nothing), 0);
    assert_int_equal(kept[SIZE - 1], 7);
    os_secret_free(at, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_locked_and_given_back),
        cmocka_unit_test(serves_without_room_and_says_so),
        cmocka_unit_test(a_child_sees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
