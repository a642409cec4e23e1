/* Registered copies of the key file: equal to it, destroyed with it, never a reason to stop, and never
 * written where they are not what was registered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "store/index_mem.h"
#include "store/keycopy.h"
#include "store/keyfile.h"

#include "disk.h"

enum { COPIES = 2, SLOTS_MAX = 512, HANDLES = 64, HEAD = 4096 };

/* Where a disk is that was taken away, or fails, and how. */
struct broken {
    const char *dir; /* NULL: none */
    enum { AT_OPEN, AT_READ, AT_WRITE, AT_RESERVE, AT_SYNC, NOWHERE } at;
    err_t err;
};

struct world {
    struct disk *disk;
    struct os os;
    struct index *index;
    struct store *store;
    struct broken broken;
    struct os_file *theirs[HANDLES]; /* open files of the broken folder */
    size_t written;                  /* bytes into these */
    bool gone[SLOTS_MAX];
    uint64_t slots;
    uint8_t node;
};

static struct world *now; /* os.ctx is the disk's own */

static const char *const dirs[COPIES] = {"usb/a", "safe/b"};
static const uint8_t labels[COPIES][STORE_COPY_LABEL_SIZE] = {{1, 2, 3}, {4, 5, 6}};

/* --- a disk of which one folder fails --- */

static bool breaks(struct os_file *file, unsigned at)
{
    for (size_t i = 0; now->broken.dir != NULL && now->broken.at == at && i < HANDLES; i++)
        if (now->theirs[i] == file)
            return true;
    return false;
}

static err_t broken_open(void *ctx, const char *path, unsigned flags, struct os_file **out)
{
    bool theirs = now->broken.dir != NULL && strncmp(path, now->broken.dir, strlen(now->broken.dir)) == 0;
    if (theirs && now->broken.at == AT_OPEN)
        return now->broken.err;
    err_t err = disk_os(now->disk)->file_open(ctx, path, flags, out);
    for (size_t i = 0; theirs && err == ERR_OK && i < HANDLES; i++)
        if (now->theirs[i] == NULL) {
            now->theirs[i] = *out;
            break;
        }
    return err;
}

static void broken_close(void *ctx, struct os_file *file)
{
    for (size_t i = 0; file != NULL && i < HANDLES; i++)
        if (now->theirs[i] == file)
            now->theirs[i] = NULL;
    disk_os(now->disk)->file_close(ctx, file);
}

static err_t broken_read(void *ctx, struct os_file *file, uint64_t offset, void *out, size_t len)
{
    return breaks(file, AT_READ) ? now->broken.err
                                 : disk_os(now->disk)->file_read(ctx, file, offset, out, len);
}

static err_t broken_write(void *ctx, struct os_file *file, uint64_t offset, const void *at, size_t len)
{
    now->written += breaks(file, now->broken.at) ? len : 0;
    if (!breaks(file, AT_WRITE))
        return disk_os(now->disk)->file_write(ctx, file, offset, at, len);
    (void)!disk_os(now->disk)->file_write(ctx, file, offset, at, len / 2 + 5);
    return now->broken.err;
}

static err_t broken_reserve(void *ctx, struct os_file *file, uint64_t size)
{
    return breaks(file, AT_RESERVE) ? now->broken.err : disk_os(now->disk)->file_reserve(ctx, file, size);
}

static err_t broken_sync(void *ctx, struct os_file *file)
{
    return breaks(file, AT_SYNC) ? now->broken.err : disk_os(now->disk)->file_sync(ctx, file);
}

/* --- the store --- */

static err_t open_again(struct world *w)
{
    store_close(w->store);
    w->store = NULL;
    struct store_options options = {
        .os = &w->os, .dir = "base/store", .index = w->index, .node = {{w->node}}, .segment_bytes = 64 << 10};
    err_t err = store_open(&options, &w->store);
    for (size_t i = 0; err == ERR_OK && i < COPIES; i++)
        err = store_copy_add(w->store, dirs[i], labels[i], true);
    return err == ERR_OK ? store_replay_to(w->store, store_durable_lsn(w->store)) : err;
}

static err_t add(struct world *w, size_t frames)
{
    uint64_t lsn;
    err_t err = store_group_begin(w->store);
    for (size_t i = 0; err == ERR_OK && i < frames; i++)
        err = store_append_sealed(w->store, FRAME_OBJ, bytes_of("env", 3), bytes_of("plain", 5), &lsn,
                                  &w->slots);
    if (err == ERR_OK)
        err = store_group_commit(w->store);
    w->slots = err == ERR_OK ? w->slots + 1 : store_slots(w->store);
    return err;
}

static err_t is_gone(void *ctx, uint64_t slot, bool *out)
{
    *out = ((struct world *)ctx)->gone[slot];
    return ERR_OK;
}

static void step(struct world *w)
{
    while (store_copies_step(w->store, is_gone, w))
        ;
}

static err_t destroy(struct world *w, uint64_t slot)
{
    w->gone[slot] = true;
    return store_secrets_destroy(w->store, &slot, 1);
}

static struct world *world_new(uint64_t seed)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->disk = disk_new(seed);
    w->os = *disk_os(w->disk);
    w->os.file_open = broken_open;
    w->os.file_close = broken_close;
    w->os.file_read = broken_read;
    w->os.file_write = broken_write;
    w->os.file_reserve = broken_reserve;
    w->os.file_sync = broken_sync;
    w->node = 7;
    now = w;
    assert_int_equal(index_mem_new(&w->index), ERR_OK);
    return w;
}

static void world_close(struct world *w)
{
    store_close(w->store);
    w->index->ops->close(w->index);
    disk_free(w->disk);
}

static void world_free(struct world *w)
{
    world_close(w);
    test_free(w);
}

static int setup(void **state)
{
    struct world *w = world_new(3);
    assert_int_equal(open_again(w), ERR_OK);
    for (size_t i = 0; i < COPIES; i++)
        assert_int_equal(store_copy_make(w->store, i), ERR_OK);
    assert_int_equal(add(w, 6), ERR_OK);
    step(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    world_free(*state);
    return 0;
}

/* --- what stands in a folder --- */

static struct os_file *file_in(struct world *w, const char *dir, unsigned flags)
{
    char path[100];
    struct os_file *file = NULL;
    (void)snprintf(path, sizeof path, "%s/secrets.key", dir);
    (void)!disk_os(w->disk)->file_open(w->disk, path, flags, &file);
    return file;
}

static struct seal_secret secret_in(struct world *w, const char *dir, uint64_t slot)
{
    struct seal_secret secret = {{0}};
    struct os_file *file = file_in(w, dir, OS_READ);
    if (file != NULL)
        (void)!disk_os(w->disk)->file_read(w->disk, file, HEAD + slot * sizeof secret, &secret,
                                           sizeof secret);
    disk_os(w->disk)->file_close(w->disk, file);
    return secret;
}

static void put_in(struct world *w, const char *dir, uint64_t slot, const struct seal_secret *secret)
{
    struct os_file *file = file_in(w, dir, OS_WRITE);
    assert_non_null(file);
    assert_int_equal(
        disk_os(w->disk)->file_write(w->disk, file, HEAD + slot * sizeof *secret, secret, sizeof *secret),
        ERR_OK);
    disk_os(w->disk)->file_close(w->disk, file);
}

static bool empty_in(struct world *w, const char *dir, uint64_t slot)
{
    struct seal_secret secret = secret_in(w, dir, slot);
    return seal_secret_destroyed(&secret) != 0;
}

static bool equal_in(struct world *w, const char *dir)
{
    for (uint64_t slot = 0; slot < w->slots; slot++) {
        struct seal_secret ours = secret_in(w, "base/store/keys", slot), theirs = secret_in(w, dir, slot);
        if (memcmp(&ours, &theirs, sizeof ours) != 0)
            return false;
    }
    return true;
}

static void expect(struct world *w, size_t at, enum store_copy_state state, err_t err)
{
    const struct store_copy *copy = store_copy_at(w->store, at);
    assert_int_equal(copy->state, state);
    assert_int_equal(copy->err, err);
    assert_int_equal(store_copies_current(w->store),
                     store_copy_at(w->store, 0)->state == STORE_COPY_CURRENT &&
                         store_copy_at(w->store, 1)->state == STORE_COPY_CURRENT);
}

static void expect_writing(struct world *w)
{
    assert_null(store_alarm(w->store));
    assert_true(store_writable(w->store));
    assert_int_equal(add(w, 1), ERR_OK);
}

/* --- tests --- */

static void copies_are_equal(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COPIES; i++) {
        expect(w, i, STORE_COPY_CURRENT, ERR_OK);
        assert_false(empty_in(w, dirs[i], 5));
        assert_true(equal_in(w, dirs[i]));
    }
    assert_int_equal(add(w, 3), ERR_OK);
    assert_false(equal_in(w, dirs[0]));
    step(w);
    assert_int_equal(store_copy_at(w->store, 0)->slots, 9);
    assert_true(equal_in(w, dirs[0]) && equal_in(w, dirs[1]));
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(add(w, 40), ERR_OK);
        step(w);
        disk_crash(w->disk); /* all of it is durable */
        assert_int_equal(open_again(w), ERR_OK);
        assert_true(equal_in(w, dirs[0]) && equal_in(w, dirs[1]));
    }
    expect(w, 0, STORE_COPY_UNREACHABLE, ERR_NOTFOUND); /* nobody has looked */
    step(w);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
    assert_int_equal(store_copy_add(w->store, dirs[0], labels[0], true), ERR_EXISTS);
}

static void destroying_reaches_them(void **state)
{
    struct world *w = *state;
    assert_int_equal(destroy(w, 2), ERR_OK);
    assert_true(store_copies_current(w->store));
    disk_crash(w->disk);
    for (size_t i = 0; i < COPIES; i++) {
        assert_true(empty_in(w, dirs[i], 2));
        assert_false(empty_in(w, dirs[i], 1));
        assert_false(empty_in(w, dirs[i], 3));
    }
}

static void one_that_was_away_is_brought_up_to_date(void **state)
{
    struct world *w = *state;
    w->broken = (struct broken) {dirs[1], AT_OPEN, ERR_NOTFOUND};
    assert_int_equal(destroy(w, 2), ERR_OK);
    expect(w, 1, STORE_COPY_UNREACHABLE, ERR_NOTFOUND);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
    expect_writing(w);
    step(w);
    assert_true(equal_in(w, dirs[0]));
    assert_false(empty_in(w, dirs[1], 2));
    w->broken.dir = NULL;
    assert_int_equal(destroy(w, 3), ERR_OK); /* before anybody looked: it does not count */
    assert_false(store_copies_current(w->store));
    step(w);
    expect(w, 1, STORE_COPY_CURRENT, ERR_OK);
    disk_crash(w->disk);
    assert_true(empty_in(w, dirs[1], 2) && empty_in(w, dirs[1], 3) && equal_in(w, dirs[1]));
}

/* Whatever fails, wherever: the node goes on, and what came back is whole. */
static void no_error_stops_the_node(void **state)
{
    static const err_t errs[] = {ERR_IO, ERR_FULL, ERR_READONLY, ERR_DENIED, ERR_NOTFOUND};
    struct world *w = *state;
    uint64_t slot = 0;
    for (unsigned at = AT_OPEN; at <= AT_SYNC; at++)
        for (size_t e = 0; e < sizeof errs / sizeof errs[0]; e++) {
            if (at == AT_RESERVE) /* it grows in steps: to the beginning of the next */
                assert_true(disk_remove(w->disk, "usb/a/secrets.key"));
            if (at == AT_RESERVE)
                assert_int_equal(store_copy_make(w->store, 0), ERR_OK);
            w->broken = (struct broken) {dirs[0], at, errs[e]};
            expect_writing(w);
            step(w);
            if (at != AT_RESERVE)
                expect(w, 0, STORE_COPY_UNREACHABLE, errs[e]);
            expect(w, 1, STORE_COPY_CURRENT, ERR_OK);
            if (slot < 5)
                assert_int_equal(destroy(w, slot), ERR_OK);
            expect_writing(w);
            w->broken.dir = NULL;
            memset(w->theirs, 0, sizeof w->theirs);
            step(w);
            expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
            assert_true(empty_in(w, dirs[0], slot < 5 ? slot : 4) && equal_in(w, dirs[0]));
            slot++;
        }
}

static void a_failed_sync_is_not_believed_later(void **state)
{
    struct world *w = *state;
    w->broken = (struct broken) {dirs[0], AT_SYNC, ERR_IO};
    assert_int_equal(destroy(w, 1), ERR_OK);
    expect_writing(w);
    step(w);
    w->broken.at = NOWHERE;
    w->written = 0;
    step(w);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
    assert_int_equal(w->written, w->slots * SEAL_SECRET_SIZE); /* what reads as equal may be nowhere else */
    assert_int_equal(open_again(w), ERR_OK);
    w->written = 0;
    step(w);
    assert_int_equal(w->written, SEAL_SECRET_SIZE); /* ...nor the zeros of a process before */
    disk_crash(w->disk);
    assert_true(empty_in(w, dirs[0], 1) && equal_in(w, dirs[0]));
}

static void an_empty_folder_is_not_filled(void **state)
{
    struct world *w = *state;
    assert_true(disk_remove(w->disk, "usb/a/secrets.key")); /* the place where its disk was mounted */
    assert_int_equal(add(w, 1), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_UNREACHABLE, ERR_NOTFOUND);
    assert_null(file_in(w, dirs[0], OS_READ));
    assert_int_equal(store_copy_make(w->store, 0), ERR_OK);
    assert_true(empty_in(w, dirs[0], 0));
    step(w);
    assert_true(equal_in(w, dirs[0]));
}

static void another_file_is_never_written(void **state)
{
    struct world *w = *state;
    struct seal_secret other = {{9, 9, 9, 9}}, found;
    const struct node_id stranger = {{8}};
    put_in(w, dirs[0], 6, &other); /* a past in which the next secret was another one */
    assert_int_equal(add(w, 2), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_FOREIGN, ERR_CONFLICT);
    found = secret_in(w, dirs[0], 6);
    assert_memory_equal(&found, &other, sizeof found);
    assert_true(empty_in(w, dirs[0], 7));
    assert_int_equal(destroy(w, 0), ERR_OK);
    assert_false(empty_in(w, dirs[0], 0));
    assert_true(disk_remove(w->disk, "usb/a/secrets.key"));
    assert_int_equal(keyfile_label(&w->os, dirs[0], &stranger, 1, labels[0]), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_FOREIGN, ERR_INVALID);
    assert_int_equal(store_copy_make(w->store, 0), ERR_INVALID);
    assert_true(empty_in(w, dirs[0], 1));
    assert_true(disk_remove(w->disk, "usb/a/secrets.key"));
    assert_int_equal(keyfile_label(&w->os, dirs[0], &(struct node_id) {{7}}, 1, labels[1]), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_FOREIGN, ERR_EXISTS); /* the other one's disk */
    assert_true(empty_in(w, dirs[0], 1));
    assert_true(disk_flip(w->disk, "usb/a/secrets.key", 3, 1));
    step(w);
    expect(w, 0, STORE_COPY_FOREIGN, ERR_CORRUPT);
    expect(w, 1, STORE_COPY_CURRENT, ERR_OK);
    expect_writing(w);
}

static void carry(struct world *from, struct world *to, const char *dir)
{
    static uint8_t raw[HEAD + SLOTS_MAX * SEAL_SECRET_SIZE];
    struct os_file *file = file_in(from, dir, OS_READ);
    assert_int_equal(disk_os(from->disk)->file_read(from->disk, file, 0, raw, sizeof raw), ERR_OK);
    disk_os(from->disk)->file_close(from->disk, file);
    file = file_in(to, dir, OS_WRITE);
    assert_int_equal(disk_os(to->disk)->file_write(to->disk, file, 0, raw, sizeof raw), ERR_OK);
    disk_os(to->disk)->file_close(to->disk, file);
}

static void say(struct world *w, const char *what)
{
    uint64_t lsn;
    struct bytes words = bytes_of(what, strlen(what));
    assert_int_equal(store_group_begin(w->store), ERR_OK);
    assert_int_equal(store_append(w->store, FRAME_JOB, &words, 1, &lsn), ERR_OK);
    assert_int_equal(store_group_commit(w->store), ERR_OK);
}

/* A backup comes back, and has forgotten what was destroyed since: it must not bring it back, now or when it
 * has gone on. */
static void a_node_that_was_set_back_writes_none(void **state)
{
    struct world *w = *state, older = *w;
    older.disk = disk_copy(w->disk, 5);
    older.os.ctx = disk_os(older.disk)->ctx;
    older.store = NULL;
    memset(older.theirs, 0, sizeof older.theirs);
    assert_int_equal(index_mem_new(&older.index), ERR_OK);
    say(w, "recall"); /* no secret of its own */
    assert_int_equal(destroy(w, 2), ERR_OK);
    assert_true(store_copies_current(w->store) && empty_in(w, dirs[0], 2));
    now = &older;
    carry(w, &older, dirs[0]);
    assert_int_equal(open_again(&older), ERR_OK);
    assert_false(empty_in(&older, "base/store/keys", 2));
    for (int round = 0; round < 3; round++) {
        step(&older);
        expect(&older, 0, STORE_COPY_FOREIGN, ERR_CONFLICT);
        expect(&older, 1, STORE_COPY_CURRENT, ERR_OK); /* of that time, too */
        assert_true(empty_in(&older, dirs[0], 2));
        if (round == 0)
            say(&older, "nothin"); /* its log is as long now */
        else
            assert_int_equal(add(&older, 3), ERR_OK);
    }
    world_close(&older);
    now = w;
    step(w);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
}

/* A copy of before is registered as it stands: what was destroyed since goes. */
static void one_made_by_hand_is_taken_over(void **state)
{
    struct world *w = *state;
    struct seal_secret was = secret_in(w, dirs[0], 3), half = secret_in(w, dirs[0], 4);
    assert_int_equal(destroy(w, 3), ERR_OK);
    assert_true(disk_remove(w->disk, "usb/a/secrets.key"));
    struct keyfile *plain;
    assert_int_equal(keyfile_open(&w->os, dirs[0], &(struct node_id) {{7}}, 1, KEYFILE_CREATE, &plain),
                     ERR_OK);
    keyfile_close(plain);
    put_in(w, dirs[0], 3, &was);
    memset(half.b + 9, 0, sizeof half.b - 9); /* that was being written */
    put_in(w, dirs[0], 4, &half);
    step(w);
    expect(w, 0, STORE_COPY_FOREIGN, ERR_EXISTS);
    assert_int_equal(store_copy_make(w->store, 0), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
    assert_true(empty_in(w, dirs[0], 3) && equal_in(w, dirs[0]));
}

/* It is what copies are for: a key file that loses a secret takes it away nowhere else. */
static void what_the_key_file_lost_stays(void **state)
{
    static const struct seal_secret zero;
    struct world *w = *state;
    put_in(w, "base/store/keys", 2, &zero);
    assert_int_equal(open_again(w), ERR_OK);
    step(w);
    expect(w, 0, STORE_COPY_CURRENT, ERR_OK);
    assert_int_equal(store_copy_at(w->store, 0)->lost, 1);
    assert_false(empty_in(w, dirs[0], 2));
    assert_int_equal(destroy(w, 2), ERR_OK); /* by a recall */
    assert_true(empty_in(w, dirs[0], 2));
}

static void one_that_is_dropped_is_left_alone(void **state)
{
    struct world *w = *state;
    store_copy_drop(w->store, 0);
    assert_int_equal(store_copy_count(w->store), 1);
    assert_string_equal(store_copy_at(w->store, 0)->dir, dirs[1]);
    assert_int_equal(destroy(w, 2), ERR_OK);
    assert_true(store_copies_current(w->store));
    assert_false(empty_in(w, dirs[0], 2));
    assert_true(empty_in(w, dirs[1], 2));
}

/* Its file may be there, and holds nothing, until its caller knows that for good. */
static void none_is_written_before_it_is_begun(void **state)
{
    struct world *w = *state;
    store_copy_drop(w->store, 1);
    assert_int_equal(store_copy_add(w->store, "usb/c", labels[1], false), ERR_OK);
    assert_int_equal(store_copy_make(w->store, 1), ERR_OK);
    step(w);
    assert_true(empty_in(w, "usb/c", 0));
    assert_true(store_copies_current(w->store)); /* there is nothing in it to destroy */
    store_copy_begin(w->store, 1);
    assert_false(store_copies_current(w->store));
    step(w);
    expect(w, 1, STORE_COPY_CURRENT, ERR_OK);
    assert_true(equal_in(w, "usb/c"));
}

/* One life, until the power goes at the n-th change. False: it did not. */
static bool life(struct world *w, uint64_t n, bool *out_confirmed)
{
    *out_confirmed = false;
    assert_int_equal(open_again(w), ERR_OK);
    disk_faults(w->disk)->power_fails = n;
    for (size_t i = 0; i < COPIES; i++)
        (void)!store_copy_make(w->store, i);
    if (add(w, 3) == ERR_OK)
        step(w);
    if (add(w, 2) == ERR_OK) {
        step(w);
        if (destroy(w, 1) == ERR_OK)
            *out_confirmed = store_copies_current(w->store);
    }
    bool died = disk_dead(w->disk);
    disk_crash(w->disk);
    return died;
}

static void power_may_fail_at_each_write(void **state)
{
    (void)state;
    bool died = true, confirmed;
    size_t lives = 0;
    for (uint64_t n = 1; died; n++)
        for (uint64_t seed = 1; seed <= 6; seed++) {
            struct world *w = world_new(seed);
            died = life(w, n, &confirmed);
            lives++;
            for (size_t i = 0; confirmed && i < COPIES; i++)
                assert_true(empty_in(w, dirs[i], 1)); /* nobody said so before it was durable */
            assert_true(confirmed || died);
            assert_int_equal(open_again(w), ERR_OK);
            assert_null(store_alarm(w->store));
            w->slots = store_slots(w->store);
            for (size_t i = 0; i < COPIES; i++)
                assert_int_equal(store_copy_make(w->store, i), ERR_OK);
            if (w->gone[1])
                assert_int_equal(destroy(w, 1), ERR_OK); /* a RECALL without its PURGED */
            step(w);
            for (size_t i = 0; i < COPIES; i++) {
                expect(w, i, STORE_COPY_CURRENT, ERR_OK);
                assert_true(equal_in(w, dirs[i]));
                assert_true(!w->gone[1] || empty_in(w, dirs[i], 1));
            }
            expect_writing(w);
            world_free(w);
        }
    assert_true(lives > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_are_equal, setup, teardown),
        cmocka_unit_test_setup_teardown(destroying_reaches_them, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_was_away_is_brought_up_to_date, setup, teardown),
        cmocka_unit_test_setup_teardown(no_error_stops_the_node, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_sync_is_not_believed_later, setup, teardown),
        cmocka_unit_test_setup_teardown(an_empty_folder_is_not_filled, setup, teardown),
        cmocka_unit_test_setup_teardown(another_file_is_never_written, setup, teardown),
        cmocka_unit_test_setup_teardown(a_node_that_was_set_back_writes_none, setup, teardown),
        cmocka_unit_test_setup_teardown(one_made_by_hand_is_taken_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_key_file_lost_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_dropped_is_left_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(none_is_written_before_it_is_begun, setup, teardown),
        cmocka_unit_test(power_may_fail_at_each_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
