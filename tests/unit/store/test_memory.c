/* Memory that is short in the midst of a group: it becomes durable with all of its index entries, or not at
 * all. Whoever was refused an entry may forget to say so; whoever speaks next commits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "store/index_mem.h"
#include "store/store.h"

#include "../short_memory.h"
#include "disk.h"

enum { ENTRIES = 400, VALUE_SIZE = 300 };

struct world {
    struct disk *disk;
    struct index *index;
    struct store *store;
};

static void begin(struct world *w)
{
    w->disk = disk_new(5);
    assert_int_equal(index_mem_new(&w->index), ERR_OK);
    struct store_options options = {
        .os = disk_os(w->disk), .dir = "base/store", .index = w->index, .node = {{7}}};
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
}

static void end(struct world *w)
{
    store_close(w->store);
    w->index->ops->close(w->index);
    disk_free(w->disk);
}

/* A frame and its entries, of which the memory of the n-th allocation is refused. False: one of them is
 * missing. */
static bool fill(struct world *w, unsigned n, uint64_t *out_lsn)
{
    static const uint8_t value[VALUE_SIZE];
    struct bytes part = bytes_of("frame", 5);
    bool all = true;
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    assert_int_equal(store_append(w->store, FRAME_JOB, &part, 1, out_lsn), ERR_OK);
    fails_in = n;
    for (uint32_t i = 0; i < ENTRIES; i++)
        all &=
            store_put(w->store, TABLE_FACT, bytes_of(&i, sizeof i), bytes_of(value, sizeof value)) == ERR_OK;
    fails_in = 0;
    return all;
}

static size_t entries_held(struct world *w)
{
    struct bytes value;
    size_t held = 0;
    for (uint32_t i = 0; i < ENTRIES; i++)
        held += store_get(w->store, TABLE_FACT, bytes_of(&i, sizeof i), &value) == ERR_OK;
    return held;
}

static void a_group_is_whole_or_nothing(void **state)
{
    unsigned refused = 0;
    (void)state;
    for (unsigned n = 1; n < 60; n++) {
        struct world w;
        struct frame frame;
        uint64_t lsn = 0;
        begin(&w);
        bool all = fill(&w, n, &lsn);
        err_t err = store_group_commit(w.store);
        refused += !all;
        assert_int_equal(err, all ? ERR_OK : ERR_NOMEM);
        assert_int_equal(entries_held(&w), err == ERR_OK ? ENTRIES : 0);
        assert_int_equal(store_read(w.store, lsn, &frame) == ERR_OK, err == ERR_OK);
        /* The next one knows nothing of it. */
        assert_true(fill(&w, 0, &lsn));
        assert_int_equal(store_group_commit(w.store), ERR_OK);
        assert_int_equal(entries_held(&w), ENTRIES);
        end(&w);
    }
    assert_true(refused > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_group_is_whole_or_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
