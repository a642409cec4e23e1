#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/limit.h"
#include "core/sign.h"
#include "store/index_mem.h"
#include "store/state.h"

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

static void put_at(const struct world *w, const char *name, long offset, const uint8_t *at, size_t len)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fwrite(at, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static void get_at(const struct world *w, const char *name, long offset, uint8_t *at, size_t len)
{
    char path[600];
    (void)snprintf(path, sizeof path, "%s/%s", w->dir, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, offset, SEEK_SET), 0);
    assert_int_equal(fread(at, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static const char first_segment[] = "log/0000000000000040.seg";

/* The store of a world made anew, sealed by this suite, with one object in it. */
static uint64_t anew(struct world *w, unsigned suite)
{
    struct store_options options = options_of(w);
    char command[600];
    store_close(w->store);
    w->store = NULL;
    (void)snprintf(command, sizeof command, "rm -rf %s/log %s/keys", w->dir, w->dir);
    assert_int_equal(system(command), 0);
    options.suite = suite;
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    uint64_t lsn = add(w, "e", "what nobody reads");
    assert_int_equal(store_group_commit(w->store), ERR_OK);
    return lsn;
}

/* What is there keeps its suite, whatever is asked for; and each file says which it is. */
static void a_store_keeps_its_suite(void **state)
{
    struct world *w = *state;
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        uint64_t lsn = anew(w, suite);
        uint8_t number[2];
        assert_int_equal(store_suite(w->store), suite);
        get_at(w, first_segment, 10, number, 2); /* of the segment */
        assert_int_equal(number[1], suite);
        get_at(w, first_segment, 4096 + 6, number, 2); /* of a frame */
        assert_int_equal(number[1], suite);
        get_at(w, "keys/secrets.key", 10, number, 2);
        assert_int_equal(number[1], suite);
        store_close(w->store);
        w->store = NULL;
        struct store_options options = options_of(w);
        options.suite = SUITE_NEWEST + SUITE_OLDEST - suite;
        assert_int_equal(store_open(&options, &w->store), ERR_OK);
        assert_int_equal(store_suite(w->store), suite);
        assert_null(store_alarm(w->store));
        expect_plain(w, lsn, "e", "what nobody reads");
        assert_int_equal(store_replay_to(w->store, store_durable_lsn(w->store)), ERR_OK);
        assert_int_equal(store_group_begin(w->store), ERR_OK);
        uint64_t more = add(w, "f", "more");
        assert_int_equal(store_group_commit(w->store), ERR_OK);
        expect_plain(w, more, "f", "more");
        struct store_check check;
        assert_int_equal(store_check(w->store, NULL, NULL, &check), ERR_OK);
        assert_int_equal(check.faults, 0);
        assert_int_equal(check.sealed, 2);
    }
}

/* `at` begins a header whose check of `used` bytes stands behind them: with another suite. */
static void relabel(const struct world *w, const char *name, size_t used, unsigned suite)
{
    uint8_t head[128];
    get_at(w, name, 0, head, used);
    head[10] = (uint8_t)(suite >> 8);
    head[11] = (uint8_t)suite;
    uint64_t check = hash_xxh3(bytes_of(head, used));
    for (size_t i = 0; i < 8; i++)
        head[used + i] = (uint8_t)(check >> (8 * (7 - i)));
    put_at(w, name, 0, head, used + 8);
}

/* A label is no secret, and whoever can write it can make its check: nothing opens by the wrong cipher. */
static void another_suite_opens_nothing(void **state)
{
    struct world *w = *state;
    struct store_options options = options_of(w);
    struct frame frame;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    (void)anew(w, SUITE_2);
    store_close(w->store);
    w->store = NULL;
    relabel(w, "keys/secrets.key", 32, SUITE_3);
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
    assert_non_null(strstr(store_alarm(w->store), "key file")); /* of another suite than the log */
    assert_int_equal(store_group_begin(w->store), ERR_READONLY);
    store_close(w->store);
    w->store = NULL;
    relabel(w, first_segment, 88, 99);
    assert_int_equal(store_open(&options, &w->store), ERR_VERSION); /* none that is known */
    relabel(w, first_segment, 88, SUITE_3);
    options.read_only = true;
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
    assert_int_equal(store_read(w->store, LSN_FIRST, &frame), ERR_NOTFOUND); /* frames of 2 are none of 3 */
    store_close(w->store);
    w->store = NULL;
    relabel(w, first_segment, 88, SUITE_2); /* both headers, and not what they head */
    relabel(w, "keys/secrets.key", 32, SUITE_2);
    options.read_only = false;
    assert_int_equal(store_open(&options, &w->store), ERR_OK);
    assert_null(store_alarm(w->store));
    expect_plain(w, LSN_FIRST, "e", "what nobody reads");
    w->store->log.suite = SUITE_3; /* and what is read as of another suite does not open */
    assert_int_equal(store_read(w->store, LSN_FIRST, &frame), ERR_CORRUPT);
    w->store->log.suite = SUITE_2;
    assert_int_equal(store_read(w->store, LSN_FIRST, &frame), ERR_OK);
    w->store->log.suite = SUITE_3;
    assert_int_equal(store_unseal(w->store, &frame, &buf), ERR_SIGNATURE);
    buf_deinit(&buf);
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
        cmocka_unit_test_setup_teardown(a_store_keeps_its_suite, setup, teardown),
        cmocka_unit_test_setup_teardown(another_suite_opens_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_hold, setup, teardown),
    };
    return sign_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
