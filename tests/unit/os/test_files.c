/* The real system behind os.h: each call once, and each error that others rely on. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/os.h"

static char base[512];
static char path_a[600];
static char path_b[600];

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(base, sizeof base, "%s/bongsu-test-XXXXXX", tmp == NULL ? P_tmpdir : tmp);
    *state = mkdtemp(base);
    (void)snprintf(path_a, sizeof path_a, "%s/a", base);
    (void)snprintf(path_b, sizeof path_b, "%s/b", base);
    return *state == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(path_a);
    (void)unlink(path_b);
    return rmdir(base);
}

static void files_keep_what_is_written(void **state)
{
    (void)state;
    const struct os *os = os_linux();
    struct os_file *file;
    uint8_t got[4];
    uint64_t size;
    assert_int_equal(os->file_open(NULL, path_a, OS_READ, &file), ERR_NOTFOUND);
    assert_int_equal(os->file_open(NULL, path_a, OS_WRITE | OS_CREATE, &file), ERR_OK);
    struct os_file *second;
    assert_int_equal(os->file_open(NULL, path_a, OS_WRITE | OS_CREATE | OS_EXCLUSIVE, &second), ERR_EXISTS);
    assert_int_equal(os->file_reserve(NULL, file, 8192), ERR_OK);
    assert_int_equal(os->file_size(NULL, file, &size), ERR_OK);
    assert_int_equal(size, 8192);
    const uint8_t *map;
    assert_int_equal(os->file_map(NULL, file, 8192, &map), ERR_OK);
    assert_int_equal(map[4095], 0);
    assert_int_equal(os->file_write(NULL, file, 4094, "wxyz", 4), ERR_OK);
    assert_memory_equal(map + 4094, "wxyz", 4); /* a map shows writes at once */
    assert_int_equal(os->file_sync(NULL, file), ERR_OK);
    assert_int_equal(os->file_read(NULL, file, 4094, got, 4), ERR_OK);
    assert_memory_equal(got, "wxyz", 4);
    assert_int_equal(os->file_read(NULL, file, 8190, got, 4), ERR_SHORT);
    os->file_unmap(NULL, map, 8192);
    assert_int_equal(os->file_truncate(NULL, file, 4096), ERR_OK);
    assert_int_equal(os->file_read(NULL, file, 4094, got, 3), ERR_SHORT);
    os->file_close(NULL, file);
    os->file_close(NULL, NULL);
}

static void lock_is_exclusive(void **state)
{
    (void)state;
    const struct os *os = os_linux();
    struct os_file *first;
    struct os_file *second;
    assert_int_equal(os->file_open(NULL, path_a, OS_WRITE | OS_CREATE, &first), ERR_OK);
    assert_int_equal(os->file_open(NULL, path_a, OS_WRITE, &second), ERR_OK);
    assert_int_equal(os->file_lock(NULL, first), ERR_OK);
    assert_int_equal(os->file_lock(NULL, second), ERR_BUSY);
    os->file_close(NULL, first);
    assert_int_equal(os->file_lock(NULL, second), ERR_OK);
    os->file_close(NULL, second);
}

static err_t count(void *ctx, const char *name)
{
    size_t *seen = ctx;
    *seen += strcmp(name, "b") == 0 ? 1 : 100;
    return ERR_OK;
}

static void names_move(void **state)
{
    (void)state;
    const struct os *os = os_linux();
    struct os_file *file;
    size_t seen = 0;
    assert_int_equal(os->dir_make(NULL, base), ERR_OK);
    assert_int_equal(os->file_open(NULL, path_a, OS_WRITE | OS_CREATE, &file), ERR_OK);
    os->file_close(NULL, file);
    assert_int_equal(os->path_rename(NULL, path_a, path_b), ERR_OK);
    assert_int_equal(os->dir_sync(NULL, base), ERR_OK);
    assert_int_equal(os->dir_list(NULL, base, count, &seen), ERR_OK);
    assert_int_equal(seen, 1);
    assert_int_equal(os->path_unlink(NULL, path_b), ERR_OK);
    assert_int_equal(os->path_unlink(NULL, path_b), ERR_NOTFOUND);
    assert_int_equal(os->path_rename(NULL, path_a, path_b), ERR_NOTFOUND);
    assert_int_equal(os->dir_list(NULL, path_a, count, &seen), ERR_NOTFOUND);
}

static void clocks_and_random_move(void **state)
{
    (void)state;
    const struct os *os = os_linux();
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    assert_true(os->wall_us(NULL) > 1600000000000000);
    int64_t before = os->mono_us(NULL);
    assert_true(os->mono_us(NULL) >= before);
    assert_int_equal(os->random(NULL, a, sizeof a), ERR_OK);
    assert_int_equal(os->random(NULL, b, sizeof b), ERR_OK);
    assert_memory_not_equal(a, b, sizeof a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_keep_what_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(lock_is_exclusive, setup, teardown),
        cmocka_unit_test_setup_teardown(names_move, setup, teardown),
        cmocka_unit_test_setup_teardown(clocks_and_random_move, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
