#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limit.h"
#include "store/index_mem.h"
#include "store/store.h"

#include "scratch.h"

struct world {
    char *dir;
    struct index *index;
    struct store *store;
};

static const struct node_id node = {{1, 2, 3}};

static struct store_options options_of(const struct world *w)
{
    return (struct store_options) {.os = os_linux(), .dir = w->dir, .index = w->index, .node = node};
}

static void reopen(struct world *w)
{
    store_close(w->store);
    w->store = NULL;
    struct store_options options = options_of(w);
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
}

static int setup(void **state)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->dir = scratch_new();
    assert_non_null(w->dir);
    assert_int_equal(index_mem_new(&w->index), ERR_OK);
    reopen(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    store_close(w->store);
    w->index->ops->close(w->index);
    scratch_free(w->dir);
    test_free(w);
    return 0;
}

static struct bytes text(const char *s)
{
    return bytes_of(s, strlen(s));
}

static uint64_t add(struct world *w, const char *envelope, const char *plain)
{
    uint64_t lsn;
    uint64_t slot;
    assert_int_equal(store_append_sealed(w->store, FRAME_OBJ, text(envelope), text(plain), &lsn, &slot),
                     ERR_OK);
    return lsn;
}

static void expect_plain(struct world *w, uint64_t lsn, const char *envelope, const char *plain)
{
    struct frame frame;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    assert_int_equal(store_read(w->store, lsn, &frame), ERR_OK);
    assert_int_equal(frame.kind, FRAME_OBJ);
    assert_true(bytes_eq(frame.envelope, text(envelope)));
    assert_int_equal(store_unseal(w->store, &frame, &buf), ERR_OK);
    assert_true(bytes_eq(buf_bytes(&buf), text(plain)));
    buf_deinit(&buf);
}

static void group_comes_back(void **state)
{
    struct world *w = *state;
    assert_int_equal(store_durable_lsn(w->store), LSN_FIRST);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    uint64_t a = add(w, "env a", "plain a");
    uint64_t b = add(w, "", "");
    struct bytes parts[] = {text("one"), text("two")};
    uint64_t c;
    assert_int_equal(store_append(w->store, FRAME_DECIDE, parts, 2, &c), ERR_OK);
    assert_int_equal(a, LSN_FIRST);
    struct frame frame;
    assert_int_equal(store_read(w->store, a, &frame), ERR_NOTFOUND);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    expect_plain(w, a, "env a", "plain a");
    for (int i = 0; i < 2; i++) {
        struct hash digest;
        assert_int_equal(store_group_number(w->store, &digest), 1);
        expect_plain(w, a, "env a", "plain a");
        expect_plain(w, b, "", "");
        struct store_iter iter = store_iter(w->store, 0, UINT64_MAX);
        uint64_t seen[3];
        for (size_t n = 0; n < 3; n++) {
            assert_int_equal(store_iter_next(&iter, &frame), ERR_OK);
            seen[n] = frame.lsn;
        }
        assert_true(seen[0] == a && seen[1] == b && seen[2] == c);
        assert_true(bytes_eq(frame.payload, text("onetwo")));
        assert_int_equal(store_iter_next(&iter, &frame), ERR_NOTFOUND);
        reopen(w);
    }
    assert_int_equal(store_group_begin(w->store), ERR_WRONGSTATE); /* replay first */
    assert_int_equal(store_replay_to(w->store, store_durable_lsn(w->store)), ERR_OK);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    assert_true(add(w, "x", "y") > c);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
}

static void destroyed_secret_stays_destroyed(void **state)
{
    struct world *w = *state;
    uint64_t lsn[2];
    uint64_t slot[2];
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            store_append_sealed(w->store, FRAME_OBJ, text("e"), text("plain"), &lsn[i], &slot[i]), ERR_OK);
    struct seal_secret early;
    struct seal_secret late;
    assert_int_equal(store_group_secret(w->store, slot[0], &early), ERR_OK);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    assert_int_equal(store_secret(w->store, slot[0], &late), ERR_OK);
    assert_memory_equal(&early, &late, sizeof early);
    assert_int_equal(store_secrets_destroy(w->store, slot, 1), ERR_OK);
    uint64_t never = slot[1] + 1;
    assert_int_equal(store_secrets_destroy(w->store, &never, 1), ERR_NOTFOUND);
    struct buf buf;
    buf_init(&buf, 1 << 20);
    for (int i = 0; i < 2; i++) {
        struct frame frame;
        assert_int_equal(store_read(w->store, lsn[0], &frame), ERR_OK);
        assert_int_equal(store_unseal(w->store, &frame, &buf), ERR_NOTFOUND);
        expect_plain(w, lsn[1], "e", "plain");
        reopen(w);
    }
    buf_deinit(&buf);
}

static void put(struct world *w, enum index_table table, const char *key, const char *value)
{
    assert_int_equal(store_put(w->store, table, text(key), text(value)), ERR_OK);
}

static void expect(struct world *w, enum index_table table, const char *key, const char *value)
{
    struct bytes found;
    err_t err = store_get(w->store, table, text(key), &found);
    assert_int_equal(err, value == NULL ? ERR_NOTFOUND : ERR_OK);
    if (value != NULL)
        assert_true(bytes_eq(found, text(value)));
}

static void expect_scan(struct world *w, enum index_table table, const char *prefix, const char *from,
                        const char *all)
{
    struct store_scan *scan;
    char got[400] = "";
    size_t len = 0;
    struct bytes key;
    struct bytes value;
    assert_int_equal(store_scan_open(w->store, table, text(prefix), text(from), &scan), ERR_OK);
    while (store_scan_next(scan, &key, &value) == ERR_OK)
        len += (size_t)snprintf(got + len, sizeof got - len, "%.*s=%.*s ", (int)key.len, (const char *)key.at,
                                (int)value.len, (const char *)value.at);
    store_scan_close(scan);
    assert_string_equal(got, all);
}

#define P24 "abcdefghijklmnopqrstuvwx"

static void entries_of_group(struct world *w)
{
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    (void)add(w, "e", "p");
    put(w, TABLE_FACT, "b", "2");
    put(w, TABLE_FACT, "a", "1");
    put(w, TABLE_REF, P24 "2", "");
    put(w, TABLE_REF, P24 "1", "r");
    put(w, TABLE_REF, "another target of 24 byt3", "");
}

static void memory_and_index_are_one(void **state)
{
    struct world *w = *state;
    entries_of_group(w);
    expect(w, TABLE_FACT, "a", "1");
    store_group_abort(w->store);
    expect(w, TABLE_FACT, "a", NULL);
    expect_scan(w, TABLE_REF, P24, "", "");
    entries_of_group(w);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    assert_int_equal(store_lag(w->store), 1);
    assert_int_equal(store_merge(w->store, true), ERR_OK);
    assert_int_equal(store_lag(w->store), 0);
    assert_int_equal(store_applied_lsn(w->store), store_durable_lsn(w->store));
    expect(w, TABLE_FACT, "a", "1");
    expect_scan(w, TABLE_REF, P24, "", P24 "1=r " P24 "2= ");
    expect_scan(w, TABLE_REF, P24, P24 "2", P24 "2= ");

    assert_int_equal(store_group_begin(w->store), ERR_OK);
    (void)add(w, "e", "p");
    assert_int_equal(store_delete(w->store, TABLE_FACT, text("a")), ERR_OK);
    put(w, TABLE_FACT, "b", "3");
    put(w, TABLE_FACT, "c", "4");
    put(w, TABLE_FACT, "b", "5");
    put(w, TABLE_REF, P24 "15", "");
    expect(w, TABLE_FACT, "a", NULL);
    expect(w, TABLE_FACT, "b", "5");
    expect_scan(w, TABLE_FACT, "", "", "b=5 c=4 ");
    expect_scan(w, TABLE_FACT, "", "bb", "c=4 ");
    expect_scan(w, TABLE_REF, P24, "", P24 "1=r " P24 "15= " P24 "2= ");
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    assert_int_equal(store_merge(w->store, true), ERR_OK);
    reopen(w);
    assert_int_equal(store_applied_lsn(w->store), store_durable_lsn(w->store));
    expect_scan(w, TABLE_FACT, "", "", "b=5 c=4 ");
    expect_scan(w, TABLE_REF, "another", "", "another target of 24 byt3= ");
    assert_int_equal(index_mem_states(w->index), 2);
}

static void second_opener_is_told(void **state)
{
    struct world *w = *state;
    struct store_options options = options_of(w);
    struct store *second;
    assert_int_equal(store_open(&options, &second), ERR_BUSY);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    (void)add(w, "e", "p");
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    options.read_only = true;
    assert_int_equal(store_open(&options, &second), ERR_OK);
    assert_int_equal(store_durable_lsn(second), store_durable_lsn(w->store));
    assert_int_equal(store_group_begin(second), ERR_READONLY);
    store_close(second);
    options.node.b[0] = 9;
    assert_int_equal(store_open(&options, &second), ERR_INVALID);
}

static void limits_hold(void **state)
{
    struct world *w = *state;
    uint8_t *big = test_calloc(1, LIMIT_FRAME_BYTES + 1);
    struct bytes part = bytes_of(big, LIMIT_FRAME_BYTES + 1);
    uint64_t lsn;
    uint64_t slot;
    assert_int_equal(store_append(w->store, FRAME_JOB, &part, 1, &lsn), ERR_LIMIT);
    part.len = 1;
    assert_int_equal(store_append(w->store, FRAME_JOB, &part, 1, &lsn), ERR_WRONGSTATE);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    assert_int_equal(store_append(w->store, FRAME_OBJ, &part, 1, &lsn), ERR_USAGE);
    assert_int_equal(store_append(w->store, FRAME_COMMIT, &part, 1, &lsn), ERR_USAGE);
    assert_int_equal(store_append_sealed(w->store, FRAME_JOB, part, part, &lsn, &slot), ERR_USAGE);
    struct bytes large = bytes_of(big, LIMIT_SEALED_BYTES + 1);
    assert_int_equal(store_append_sealed(w->store, FRAME_OBJ, part, large, &lsn, &slot), ERR_LIMIT);
    assert_int_equal(store_group_frames(w->store), 0);
    large.len = LIMIT_GROUP_BYTES - 100;
    assert_int_equal(store_append(w->store, FRAME_JOB, &large, 1, &lsn), ERR_OK);
    assert_true(store_group_left(w->store) == 100 - FRAME_HEADER_SIZE);
    large.len = LIMIT_FRAME_BYTES;
    assert_int_equal(store_append(w->store, FRAME_JOB, &large, 1, &lsn), ERR_OK); /* one may cross */
    assert_int_equal(store_append(w->store, FRAME_JOB, &part, 1, &lsn), ERR_FULL);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    assert_int_equal(store_group_commit(w->store), ERR_OK); /* an empty group is nothing */
    struct hash digest;
    assert_int_equal(store_group_number(w->store, &digest), 1);
    test_free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(group_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(destroyed_secret_stays_destroyed, setup, teardown),
        cmocka_unit_test_setup_teardown(memory_and_index_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(second_opener_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
