/* The store's entries against a plain model, over both indexes: random puts, deletes, aborts, merges,
 * look-ups and scans must agree after every step. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/limit.h"
#include "store/index_lmdb.h"
#include "store/index_mem.h"
#include "store/store.h"

#include "disk.h"
#include "scratch.h"

enum { KEYS = 700, STEPS = 250 };

/* What should be held: a value of 0 means absent. Key n of a table is made by key_make. */
struct model {
    uint32_t now[TABLE_COUNT][KEYS];
    uint32_t before[TABLE_COUNT][KEYS]; /* at the start of the group, for aborts */
    uint64_t random;
    struct store *store;
};

static uint64_t draw(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % below;
}

/* Ordered as n is; ID and REF: 24 bytes of which 20 keys share one, then the rest. */
static struct bytes key_make(enum index_table table, unsigned n, uint8_t out[64])
{
    memset(out, 'k', 64);
    int len = index_table_prefix(table) > 0
                  ? snprintf((char *)out, 64, "%024u%03u%s", n / 20, n % 20, n % 3 == 0 ? "x" : "")
                  : snprintf((char *)out, 64, "%04u%s", n, n % 5 == 0 ? "/long" : "");
    return bytes_of(out, (size_t)len);
}

static void change_some(struct model *m)
{
    for (uint64_t n = draw(m, 60); n > 0; n--) {
        enum index_table table = (enum index_table)draw(m, TABLE_COUNT);
        unsigned key = (unsigned)draw(m, KEYS);
        uint32_t value = draw(m, 4) == 0 ? 0 : (uint32_t)draw(m, UINT32_MAX) + 1;
        uint8_t memory[64];
        struct bytes k = key_make(table, key, memory);
        if (value == 0)
            assert_int_equal(store_delete(m->store, table, k), ERR_OK);
        else
            assert_int_equal(store_put(m->store, table, k, bytes_of(&value, sizeof value)), ERR_OK);
        m->now[table][key] = value;
    }
}

static void check_gets(struct model *m)
{
    for (int i = 0; i < 40; i++) {
        enum index_table table = (enum index_table)draw(m, TABLE_COUNT);
        unsigned key = (unsigned)draw(m, KEYS);
        uint8_t memory[64];
        struct bytes value;
        err_t err = store_get(m->store, table, key_make(table, key, memory), &value);
        uint32_t want = m->now[table][key];
        assert_int_equal(err, want == 0 ? ERR_NOTFOUND : ERR_OK);
        if (want != 0)
            assert_memory_equal(value.at, &want, 4);
    }
}

static void check_scan(struct model *m, enum index_table table, struct bytes prefix, struct bytes from)
{
    struct store_scan *scan;
    struct bytes key;
    struct bytes value;
    assert_int_equal(store_scan_open(m->store, table, prefix, from, &scan), ERR_OK);
    for (unsigned n = 0; n < KEYS; n++) {
        uint8_t memory[64];
        struct bytes k = key_make(table, n, memory);
        if (m->now[table][n] == 0 || k.len < prefix.len || memcmp(k.at, prefix.at, prefix.len) != 0 ||
            index_key_cmp(k, from) < 0)
            continue;
        assert_int_equal(store_scan_next(scan, &key, &value), ERR_OK);
        assert_true(bytes_eq(key, k));
        assert_memory_equal(value.at, &m->now[table][n], 4);
    }
    assert_int_equal(store_scan_next(scan, &key, &value), ERR_NOTFOUND);
    store_scan_close(scan);
}

static void check_scans(struct model *m)
{
    uint8_t memory[64];
    uint8_t from_memory[64];
    for (int i = 0; i < 4; i++) {
        enum index_table table = (enum index_table)draw(m, TABLE_COUNT);
        unsigned n = (unsigned)draw(m, KEYS);
        struct bytes key = key_make(table, n, memory);
        struct bytes from = key_make(table, (n + (unsigned)draw(m, 10)) % KEYS, from_memory);
        struct bytes prefix = bytes_of(key.at, index_table_prefix(table) > 0 ? 24 : draw(m, 4));
        check_scan(m, table, prefix, draw(m, 2) == 0 ? from : bytes_of(from.at, 0));
    }
    if (draw(m, 10) == 0)
        check_scan(m, (enum index_table)draw(m, TABLE_COUNT), bytes_of(memory, 0), bytes_of(memory, 0));
    store_view_end(m->store);
}

static void step(struct model *m)
{
    uint64_t lsn;
    memcpy(m->before, m->now, sizeof m->now);
    assert_int_equal(store_group_begin(m->store), ERR_OK);
    assert_int_equal(store_append(m->store, FRAME_JOB, NULL, 0, &lsn), ERR_OK);
    change_some(m);
    check_gets(m);
    check_scans(m);
    change_some(m);
    if (draw(m, 5) == 0) {
        store_group_abort(m->store);
        memcpy(m->now, m->before, sizeof m->now);
    } else {
        assert_int_equal(store_group_commit(m->store), ERR_OK);
    }
    check_gets(m);
    check_scans(m);
    if (draw(m, 6) == 0)
        assert_int_equal(store_merge(m->store, true), ERR_OK);
    struct store_merge *merge;
    if (draw(m, 6) == 0 && store_merge_begin(m->store, true, &merge) == ERR_OK) {
        check_scans(m); /* while the batch is on its way */
        err_t err = store_merge_run(merge);
        check_gets(m);
        assert_int_equal(store_merge_done(m->store, merge, err), ERR_OK);
    }
}

static void run(struct index *index, uint64_t seed)
{
    static struct model m;
    m = (struct model) {.random = seed};
    struct disk *disk = disk_new(seed);
    struct store_options options = {.os = disk_os(disk),
                                    .dir = "d/s",
                                    .index = index,
                                    .segment_bytes = 1 << 20,
                                    .filter_keys = 100,
                                    .merge_frames = 9};
    assert_int_equal(store_open(&options, &m.store), ERR_OK);
    for (int i = 0; i < STEPS; i++)
        step(&m);
    assert_int_equal(store_merge(m.store, true), ERR_OK);
    store_close(m.store);
    assert_int_equal(store_open(&options, &m.store), ERR_OK);
    assert_int_equal(store_applied_lsn(m.store), store_durable_lsn(m.store));
    for (unsigned t = 0; t < TABLE_COUNT; t++)
        check_scan(&m, (enum index_table)t, bytes_of("", 0), bytes_of("", 0));
    store_close(m.store);
    disk_free(disk);
}

static void memory_twin_agrees(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed < 9; seed++) {
        struct index *index;
        assert_int_equal(index_mem_new(&index), ERR_OK);
        run(index, seed * 977);
        index->ops->close(index);
    }
}

static void lmdb_agrees(void **state)
{
    (void)state;
    char *dir = scratch_new();
    struct index *index;
    assert_int_equal(index_lmdb_open(dir, 0, false, &index), ERR_OK);
    run(index, 31337);
    index->ops->close(index);
    assert_int_equal(index_lmdb_open(dir, 0, false, &index), ERR_OK); /* it was durable */
    struct index_snap *snap;
    assert_int_equal(index->ops->snap_begin(index, &snap), ERR_OK);
    assert_true(index->ops->applied_lsn(snap) > LSN_FIRST);
    index->ops->snap_end(snap);
    assert_int_equal(index->ops->reset(index), ERR_OK);
    assert_int_equal(index->ops->snap_begin(index, &snap), ERR_OK);
    assert_int_equal(index->ops->applied_lsn(snap), LSN_NONE);
    struct index_cursor *cursor;
    struct bytes key;
    struct bytes value;
    assert_int_equal(index->ops->cursor_open(snap, TABLE_FACT, bytes_of("", 0), &cursor), ERR_OK);
    assert_int_equal(index->ops->cursor_next(cursor, &key, &value), ERR_NOTFOUND);
    index->ops->cursor_close(cursor);
    index->ops->snap_end(snap);
    index->ops->close(index);
    scratch_free(dir);
}

struct feed {
    unsigned at;
    uint8_t key[8];
    uint8_t value[4000];
};

static bool feed_next(void *ctx, struct index_change *out)
{
    struct feed *feed = ctx;
    if (feed->at == 1000)
        return false;
    (void)snprintf((char *)feed->key, sizeof feed->key, "%06u", feed->at++);
    *out = (struct index_change) {.table = TABLE_FACT,
                                  .key = bytes_of(feed->key, 6),
                                  .value = bytes_of(feed->value, sizeof feed->value)};
    return true;
}

static void full_map_changes_nothing(void **state)
{
    (void)state;
    char *dir = scratch_new();
    struct index *index;
    struct feed feed = {0};
    struct index_batch batch = {feed_next, &feed};
    assert_int_equal(index_lmdb_open(dir, 1 << 20, false, &index), ERR_OK);
    assert_int_equal(index->ops->apply(index, &batch, 99), ERR_FULL);
    struct index_snap *snap;
    struct bytes value;
    assert_int_equal(index->ops->snap_begin(index, &snap), ERR_OK);
    assert_int_equal(index->ops->applied_lsn(snap), LSN_NONE);
    assert_int_equal(index->ops->get(snap, TABLE_FACT, bytes_of("000000", 6), &value), ERR_NOTFOUND);
    index->ops->snap_end(snap);
    index->ops->close(index);
    assert_int_equal(index_lmdb_open(dir, 0, false, &index), ERR_OK);
    feed.at = 0;
    assert_int_equal(index->ops->apply(index, &batch, 99), ERR_OK);
    index->ops->close(index);
    scratch_free(dir);
}

/* More entries than the index may lag: refused until merged. */
static void lag_is_bounded(void **state)
{
    (void)state;
    struct index *index;
    struct store *store;
    struct disk *disk = disk_new(3);
    assert_int_equal(index_mem_new(&index), ERR_OK);
    struct store_options options = {.os = disk_os(disk), .dir = "d/s", .index = index};
    assert_int_equal(store_open(&options, &store), ERR_OK);
    err_t err = ERR_OK;
    uint64_t frames = 0;
    while ((err = store_group_begin(store)) == ERR_OK) {
        uint64_t lsn;
        for (unsigned i = 0; i < 20000; i++)
            assert_int_equal(store_append(store, FRAME_SEEN, NULL, 0, &lsn), ERR_OK);
        assert_int_equal(store_put(store, TABLE_FACT, bytes_of(&lsn, 8), bytes_of("", 0)), ERR_OK);
        assert_int_equal(store_group_commit(store), ERR_OK);
        frames += 20000;
    }
    assert_int_equal(err, ERR_BUSY);
    assert_int_equal(frames, LIMIT_INDEX_LAG);
    assert_true(store_merge_due(store, false));
    assert_int_equal(store_merge(store, false), ERR_OK);
    assert_int_equal(store_group_begin(store), ERR_OK);
    store_close(store);
    index->ops->close(index);
    disk_free(disk);
}

/* Two may find that there is none, of which the later one made what the earlier one has open anew. */
static void one_at_a_time_makes_it(void **state)
{
    (void)state;
    const struct os *os = os_linux();
    char *dir = scratch_new();
    char lock[LIMIT_PATH_BYTES], path[LIMIT_PATH_BYTES];
    struct os_file *held;
    assert_non_null(dir);
    (void)snprintf(lock, sizeof lock, "%s/birth.lock", dir);
    (void)snprintf(path, sizeof path, "%s/data.mdb", dir);
    assert_int_equal(os->file_open(os->ctx, lock, OS_WRITE | OS_CREATE, &held), ERR_OK);
    assert_int_equal(os->file_lock(os->ctx, held), ERR_OK);
    assert_int_equal(index_lmdb_make(os, dir), ERR_BUSY);
    assert_int_equal(access(path, F_OK), -1);
    os->file_close(os->ctx, held);
    assert_int_equal(index_lmdb_make(os, dir), ERR_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(access(lock, F_OK), -1);
    scratch_free(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_twin_agrees),       cmocka_unit_test(lmdb_agrees),
        cmocka_unit_test(full_map_changes_nothing), cmocka_unit_test(lag_is_bounded),
        cmocka_unit_test(one_at_a_time_makes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
