/* The split forms with real threads: one writes groups to the disk, one merges, while this one appends, looks
 * up and scans. Meant for TSan; without it, it still checks that nothing is lost. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "store/index_lmdb.h"
#include "store/index_mem.h"
#include "store/store.h"

#include "scratch.h"

enum { GROUPS = 300, PER_GROUP = 20 };

struct job {
    pthread_t thread;
    struct store_write *write;
    struct store_merge *merge;
    err_t err;
    bool running;
};

static void *run(void *ctx)
{
    struct job *job = ctx;
    job->err = job->write != NULL ? store_write_run(job->write) : store_merge_run(job->merge);
    return NULL;
}

static void start(struct job *job)
{
    job->running = true;
    assert_int_equal(pthread_create(&job->thread, NULL, run, job), 0);
}

static void finish(struct store *store, struct job *job)
{
    if (!job->running)
        return;
    assert_int_equal(pthread_join(job->thread, NULL), 0);
    job->running = false;
    assert_int_equal(job->write != NULL ? store_write_done(store, job->write, job->err)
                                        : store_merge_done(store, job->merge, job->err),
                     ERR_OK);
}

static struct bytes key_of(uint64_t n, char out[40])
{
    return bytes_of(
        out, (size_t)snprintf(out, 40, "%024llu%08llu", (unsigned long long)(n % 50), (unsigned long long)n));
}

static void check_some(struct store *store, uint64_t count)
{
    char key[40];
    struct bytes k;
    struct bytes value;
    struct store_scan *scan;
    for (uint64_t n = count % 7; n < count; n += 97)
        assert_int_equal(store_get(store, TABLE_REF, key_of(n, key), &value), ERR_OK);
    uint64_t seen = 0;
    assert_int_equal(store_scan_open(store, TABLE_FACT, bytes_of("", 0), bytes_of("", 0), &scan), ERR_OK);
    while (store_scan_next(scan, &k, &value) == ERR_OK)
        seen++;
    store_scan_close(scan);
    assert_int_equal(seen, count);
    store_view_end(store);
}

static void group_fill(struct store *store, uint64_t *count)
{
    assert_int_equal(store_group_begin(store), ERR_OK);
    for (int i = 0; i < PER_GROUP; i++) {
        char key[40];
        uint64_t lsn;
        uint64_t slot;
        struct bytes plain = key_of(*count, key);
        assert_int_equal(store_append_sealed(store, FRAME_OBJ, plain, plain, &lsn, &slot), ERR_OK);
        assert_int_equal(store_put(store, TABLE_REF, plain, plain), ERR_OK);
        assert_int_equal(store_put(store, TABLE_FACT, plain, plain), ERR_OK);
        ++*count;
    }
}

static void three_threads_agree(void **state)
{
    (void)state;
    char *dir = scratch_new();
    struct index *index;
    struct store *store;
    struct job writer = {0};
    struct job merger = {0};
    uint64_t count = 0;
    assert_int_equal(index_lmdb_open(dir, 0, false, &index), ERR_OK);
    struct store_options options = {
        .os = os_linux(), .dir = dir, .index = index, .segment_bytes = 64 << 10, .merge_frames = 400};
    assert_int_equal(store_open(&options, &store), ERR_OK);
    for (int g = 0; g < GROUPS; g++) {
        group_fill(store, &count);
        if (g % 10 == 0)
            check_some(store, count);
        finish(store, &writer);
        assert_int_equal(store_group_close(store, &writer.write), ERR_OK);
        start(&writer);
        if (g % 20 == 7)
            finish(store, &merger);
        if (!merger.running && store_merge_begin(store, false, &merger.merge) == ERR_OK)
            start(&merger);
        if (g % 10 == 5)
            check_some(store, count);
    }
    finish(store, &writer);
    finish(store, &merger);
    assert_true(store_applied_lsn(store) > LSN_FIRST);
    struct store_check check;
    assert_int_equal(store_check(store, NULL, NULL, &check), ERR_OK);
    assert_true(check.faults == 0 && check.sealed == GROUPS * PER_GROUP && check.segments > 5);
    assert_int_equal(store_merge(store, true), ERR_OK);
    check_some(store, count);
    store_close(store);
    index->ops->close(index);
    scratch_free(dir);
}

/* --- beside a writer --- */

enum { BUSY_GROUPS = 1500 };

struct busy {
    pthread_t thread;
    const char *dir;
    atomic_bool done;
};

static void *keep_writing(void *ctx)
{
    struct busy *busy = ctx;
    struct index *index;
    struct store *store;
    uint64_t count = 0;
    assert_int_equal(index_mem_new(&index), ERR_OK);
    struct store_options options = {
        .os = os_linux(), .dir = busy->dir, .index = index, .segment_bytes = 1 << 20};
    assert_int_equal(store_open(&options, &store), ERR_OK);
    for (int g = 0; g < BUSY_GROUPS; g++) {
        group_fill(store, &count);
        assert_int_equal(store_group_commit(store), ERR_OK);
    }
    store_close(store);
    index->ops->close(index);
    busy->done = true;
    return NULL;
}

/* What is under way while it is read looks torn; that it has a successor a moment later is no damage. */
static void who_reads_beside_a_writer_sees_no_damage(void **state)
{
    (void)state;
    char *dir = scratch_new();
    struct busy busy = {.dir = dir};
    assert_int_equal(pthread_create(&busy.thread, NULL, keep_writing, &busy), 0);
    uint64_t seen = 0, looks = 0;
    while (!busy.done) {
        struct index *index;
        struct store *store;
        assert_int_equal(index_mem_new(&index), ERR_OK);
        struct store_options options = {.os = os_linux(), .dir = dir, .index = index, .read_only = true};
        if (store_open(&options, &store) == ERR_OK) {
            assert_null(store_alarm(store));
            assert_true(store_durable_lsn(store) >= seen);
            seen = store_durable_lsn(store);
            store_close(store);
            looks++;
        }
        index->ops->close(index);
    }
    assert_int_equal(pthread_join(busy.thread, NULL), 0);
    assert_true(looks > 0);
    scratch_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(three_threads_agree),
                                       cmocka_unit_test(who_reads_beside_a_writer_sees_no_damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
