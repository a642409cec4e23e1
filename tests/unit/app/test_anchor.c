#define _XOPEN_SOURCE 700
#include "app_test.h"

#include "app/anchor.h"

static struct anchor_row row_of(uint64_t size)
{
    struct anchor_row row = {.size = size};
    row.root.b[0] = (uint8_t)size;
    return row;
}

static struct anchor *reopen(const char *path, struct anchor *anchor)
{
    anchor_close(anchor);
    assert_int_equal(anchor_open(os_linux(), path, &anchor), ERR_OK);
    return anchor;
}

/* Opening never makes one: it would be an empty memory in the place of a lost one. */
static struct anchor *make(const char *path)
{
    struct anchor *anchor = NULL;
    assert_int_equal(anchor_open(os_linux(), path, &anchor), ERR_NOTFOUND);
    assert_int_equal(anchor_open(os_linux(), path, &anchor), ERR_NOTFOUND);
    assert_int_equal(anchor_make(os_linux(), path), ERR_OK);
    assert_int_equal(anchor_make(os_linux(), path), ERR_EXISTS);
    return reopen(path, NULL);
}

static void remembers(void **state)
{
    char *dir = scratch_new(), path[600];
    struct anchor_row got;
    (void)state;
    (void)snprintf(path, sizeof path, "%s/anchor", dir);
    struct anchor *anchor = make(path);
    assert_false(anchor_get(anchor, STR("bongsu/kr/us/0"), &got));
    for (uint64_t size = 1; size <= 5; size++) {
        struct anchor_row row = row_of(size), other = row_of(size + 100);
        assert_int_equal(anchor_put(anchor, STR("bongsu/kr/us/0"), &row), ERR_OK);
        assert_int_equal(anchor_put(anchor, STR("bongsu/kr/jp/0"), &other), ERR_OK);
        anchor = reopen(path, anchor);
        assert_true(anchor_get(anchor, STR("bongsu/kr/us/0"), &got));
        assert_int_equal(got.size, size);
        assert_memory_equal(got.root.b, row.root.b, HASH_SIZE);
        assert_true(anchor_get(anchor, STR("bongsu/kr/jp/0"), &got));
        assert_int_equal(got.size, size + 100);
    }
    anchor_close(anchor);
    scratch_free(dir);
}

static void damage(const char *path, uint64_t at)
{
    const struct os *os = os_linux();
    struct os_file *file;
    uint8_t byte;
    assert_int_equal(os->file_open(os->ctx, path, OS_WRITE, &file), ERR_OK);
    assert_int_equal(os->file_read(os->ctx, file, at, &byte, 1), ERR_OK);
    byte ^= 1;
    assert_int_equal(os->file_write(os->ctx, file, at, &byte, 1), ERR_OK);
    os->file_close(os->ctx, file);
}

static uint64_t slot_size(const char *path)
{
    const struct os *os = os_linux();
    struct os_file *file;
    uint64_t size;
    assert_int_equal(os->file_open(os->ctx, path, OS_READ, &file), ERR_OK);
    assert_int_equal(os->file_size(os->ctx, file, &size), ERR_OK);
    os->file_close(os->ctx, file);
    return size / 2;
}

/* A torn write costs the newer slot; both gone is corruption, never an empty anchor. */
static void survives_a_torn_slot(void **state)
{
    char *dir = scratch_new(), path[600];
    struct anchor_row got, one = row_of(1), two = row_of(2);
    (void)state;
    (void)snprintf(path, sizeof path, "%s/anchor", dir);
    struct anchor *anchor = make(path); /* turn 1: slot 1 */
    assert_int_equal(anchor_put(anchor, STR("a"), &one), ERR_OK);
    assert_int_equal(anchor_put(anchor, STR("a"), &two), ERR_OK); /* turn 3: slot 1 */
    damage(path, slot_size(path) + 60);
    anchor = reopen(path, anchor);
    assert_true(anchor_get(anchor, STR("a"), &got));
    assert_int_equal(got.size, 1);
    anchor_close(anchor);
    damage(path, 60);
    assert_int_equal(anchor_open(os_linux(), path, &anchor), ERR_CORRUPT);
    scratch_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(remembers), cmocka_unit_test(survives_a_torn_slot)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
