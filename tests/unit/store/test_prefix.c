/* The index in real LMDB, cut off anywhere: every write and sync that LMDB makes is recorded here, and each
 * beginning of that record is a disk that somebody finds after a crash. It must open and show exactly one
 * batch, the last one that was acknowledged or the one that was under way.
 *
 * Two kinds of end. A process that is killed leaves a beginning of its writes. A machine that loses power
 * leaves all that was synced, and of the writes since then any sectors; a sector of 512 bytes is written or
 * not, which LMDB counts on for its meta pages. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/mem.h"
#include "os/os.h"
#include "store/index_lmdb.h"

#include "scratch.h"

enum { BATCHES = 14, CHANGES = 60, KEYS = 400, OPS = 4096, SECTOR = 512, SUBSETS = 6 };
#define MAP_BYTES   ((uint64_t)64 << 20)
#define IMAGE_BYTES ((size_t)4 << 20)

/* --- the record --- */

struct op {
    uint8_t *data; /* NULL: a sync */
    size_t len;
    uint64_t offset;
};

static struct recorder {
    bool on;
    struct op ops[OPS];
    size_t count;
    size_t ended[BATCHES + 1]; /* operations when so many batches were acknowledged */
} recorder;

static bool is_index(int fd)
{
    char link[64], path[512];
    if (!recorder.on)
        return false;
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    path[len < 0 ? 0 : len] = '\0';
    return (strstr(path, "/data.mdb") != NULL || strstr(path, "/born.mdb") != NULL);
}

static void note(const void *data, size_t len, uint64_t offset)
{
    must(recorder.count < OPS);
    struct op *op = &recorder.ops[recorder.count++];
    *op = (struct op) {.data = data == NULL ? NULL : mem_alloc(len), .len = len, .offset = offset};
    if (data != NULL)
        memcpy(op->data, data, len);
}

static void note_sync(int fd)
{
    if (is_index(fd))
        note(NULL, 0, 0);
}

static void note_write(int fd, const void *data, ssize_t len, off_t offset)
{
    if (len < 0 || !is_index(fd))
        return;
    note(data, (size_t)len, (uint64_t)offset);
    if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0)
        note_sync(fd);
}

/* What liblmdb calls. These stand before those of the C library, under its names; the headers would give
 * another name to some of them (large files). */
ssize_t recorded_pwrite(int fd, const void *data, size_t len, off_t offset) __asm__("pwrite");
ssize_t recorded_write(int fd, const void *data, size_t len) __asm__("write");
ssize_t recorded_writev(int fd, const struct iovec *parts, int count) __asm__("writev");
int recorded_fdatasync(int fd) __asm__("fdatasync");
int recorded_fsync(int fd) __asm__("fsync");

ssize_t recorded_pwrite(int fd, const void *data, size_t len, off_t offset)
{
    ssize_t done = syscall(SYS_pwrite64, fd, data, len, offset);
    note_write(fd, data, done, offset);
    return done;
}

ssize_t recorded_write(int fd, const void *data, size_t len)
{
    off_t offset = is_index(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = syscall(SYS_write, fd, data, len);
    note_write(fd, data, done, offset);
    return done;
}

ssize_t recorded_writev(int fd, const struct iovec *parts, int count)
{
    off_t offset = is_index(fd) ? lseek(fd, 0, SEEK_CUR) : 0;
    ssize_t done = syscall(SYS_writev, fd, parts, count), left = done;
    for (int i = 0; i < count && left > 0; i++) {
        ssize_t len = (ssize_t)parts[i].iov_len < left ? (ssize_t)parts[i].iov_len : left;
        note_write(fd, parts[i].iov_base, len, offset + (done - left));
        left -= len;
    }
    return done;
}

int recorded_fdatasync(int fd)
{
    note_sync(fd);
    return recorder.on ? (int)syscall(SYS_fdatasync, fd) : 0; /* disks to look at outlive nothing */
}

int recorded_fsync(int fd)
{
    note_sync(fd);
    return (int)syscall(SYS_fsync, fd);
}

/* --- batches --- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* After so many batches: which batch put the value, 0: absent. */
static uint8_t model[BATCHES + 1][KEYS];

static struct bytes key_make(unsigned n, uint8_t out[32])
{
    return bytes_of(out, (size_t)snprintf((char *)out, 32, "%027u", n));
}

static size_t value_make(unsigned batch, unsigned n, uint8_t out[900])
{
    size_t len = (size_t)(mixed(batch * KEYS + n) % 900);
    memset(out, (int)(batch * 16 + n % 16), len);
    return len;
}

static void model_make(void)
{
    for (unsigned b = 1; b <= BATCHES; b++) {
        memcpy(model[b], model[b - 1], KEYS);
        for (unsigned i = 0; i < CHANGES; i++) {
            uint64_t draw = mixed(b * 1000 + i);
            model[b][draw % KEYS] = draw >> 32 & 3 ? (uint8_t)b : 0;
        }
    }
}

struct feeding {
    unsigned batch, at;
    uint8_t key[32], value[900];
};

static bool feed(void *ctx, struct index_change *out)
{
    struct feeding *f = ctx;
    while (f->at < KEYS && model[f->batch][f->at] == model[f->batch - 1][f->at])
        f->at++;
    if (f->at == KEYS)
        return false;
    *out = (struct index_change) {
        .table = TABLE_ID, .is_delete = model[f->batch][f->at] == 0, .key = key_make(f->at, f->key)};
    out->value = bytes_of(f->value, value_make(f->batch, f->at, f->value));
    f->at++;
    return true;
}

static void record_all(const char *dir)
{
    struct index *index;
    recorder.on = true;
    assert_int_equal(index_lmdb_make(os_linux(), dir), ERR_OK);
    recorder.ended[0] = recorder.count;
    assert_int_equal(index_lmdb_open(dir, MAP_BYTES, false, &index), ERR_OK);
    for (unsigned b = 1; b <= BATCHES; b++) {
        struct feeding feeding = {.batch = b};
        assert_int_equal(index->ops->apply(index, &(struct index_batch) {feed, &feeding}, b), ERR_OK);
        recorder.ended[b] = recorder.count;
    }
    recorder.on = false;
    index->ops->close(index);
}

/* --- disks --- */

struct image {
    uint8_t *bytes;
    size_t len;
};

static void image_put(struct image *image, const struct op *op, size_t from, size_t to)
{
    must(op->offset + to <= IMAGE_BYTES);
    if (to <= from)
        return;
    memcpy(image->bytes + op->offset + from, op->data + from, to - from);
    image->len = op->offset + to > image->len ? op->offset + to : image->len;
}

static void path_in(const char *dir, const char *name, char out[600])
{
    (void)snprintf(out, 600, "%s/%s", dir, name);
}

static void forget(const char *dir, const char *name)
{
    char path[600];
    path_in(dir, name, path);
    (void)unlink(path);
}

static void image_write(const struct image *image, const char *dir, const char *name)
{
    char path[600];
    path_in(dir, name, path);
    forget(dir, "lock.mdb");
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->bytes, image->len), image->len);
    assert_int_equal(close(fd), 0);
}

static void look_at_batch(struct index *index, unsigned low, unsigned high)
{
    struct index_snap *snap;
    struct bytes value;
    uint8_t key[32], wanted[900];
    assert_int_equal(index->ops->snap_begin(index, &snap), ERR_OK);
    uint64_t lsn = index->ops->applied_lsn(snap);
    unsigned batch = lsn > BATCHES ? 0 : (unsigned)lsn; /* LSN_NONE before the first one */
    assert_in_range(batch, low, high);
    for (unsigned n = 0; n < KEYS; n++) {
        unsigned by = model[batch][n];
        err_t err = index->ops->get(snap, TABLE_ID, key_make(n, key), &value);
        assert_int_equal(err, by == 0 ? ERR_NOTFOUND : ERR_OK);
        if (by != 0)
            assert_true(bytes_eq(value, bytes_of(wanted, value_make(by, n, wanted))));
    }
    index->ops->snap_end(snap);
}

/* Cut off while it is made: there is none, and the next start makes one. */
static void look_at_birth(const struct image *image, const char *dir)
{
    struct index *index;
    forget(dir, "data.mdb");
    image_write(image, dir, "born.mdb");
    assert_int_equal(index_lmdb_make(os_linux(), dir), ERR_OK);
    assert_int_equal(index_lmdb_open(dir, MAP_BYTES, false, &index), ERR_OK);
    look_at_batch(index, 0, 0);
    index->ops->close(index);
}

/* `count`: operations that were begun. One more batch goes in, as after a restart. */
static void look_at(const struct image *image, size_t count, const char *dir)
{
    struct index *index;
    unsigned low = 0;
    if (count <= recorder.ended[0]) {
        look_at_birth(image, dir);
        return;
    }
    while (low < BATCHES && recorder.ended[low + 1] <= count)
        low++;
    image_write(image, dir, "data.mdb");
    assert_int_equal(index_lmdb_open(dir, MAP_BYTES, false, &index), ERR_OK);
    look_at_batch(index, low, count > recorder.ended[low] && low < BATCHES ? low + 1 : low);
    struct feeding feeding = {.batch = BATCHES};
    assert_int_equal(index->ops->apply(index, &(struct index_batch) {feed, &feeding}, BATCHES), ERR_OK);
    index->ops->close(index);
}

/* --- ends --- */

struct ends {
    char *dir;
    struct image image;
};

/* Killed after each write, and after each sector of one. */
static void a_killed_process_leaves_one_batch(void **state)
{
    struct ends *e = *state;
    struct image *image = &e->image;
    size_t disks = 0;
    image->len = 0;
    memset(image->bytes, 0, IMAGE_BYTES);
    for (size_t i = 0; i < recorder.count; i++) {
        const struct op *op = &recorder.ops[i];
        for (size_t to = SECTOR; op->data != NULL && to < op->len && to <= 8 * SECTOR; to *= 2) {
            image_put(image, op, 0, to);
            look_at(image, i + 1, e->dir);
            disks++;
        }
        if (op->data != NULL)
            image_put(image, op, 0, op->len);
        look_at(image, i + 1, e->dir);
        disks++;
    }
    assert_true(disks > 100);
}

static size_t synced_before(size_t count)
{
    while (count > 0 && recorder.ops[count - 1].data != NULL)
        count--;
    return count;
}

/* The power went: of what was written since the last sync, any sectors. */
static void a_lost_power_leaves_one_batch(void **state)
{
    struct ends *e = *state;
    struct image *image = &e->image;
    uint64_t seed = 1;
    for (size_t count = 1; count <= recorder.count; count++)
        for (unsigned s = 0; s < SUBSETS; s++) {
            size_t synced = synced_before(count);
            image->len = 0;
            memset(image->bytes, 0, IMAGE_BYTES);
            for (size_t i = 0; i < count; i++) {
                const struct op *op = &recorder.ops[i];
                for (size_t at = 0; op->data != NULL && at < op->len; at += SECTOR)
                    if (i < synced || mixed(seed++) & 1)
                        image_put(image, op, at, at + SECTOR < op->len ? at + SECTOR : op->len);
            }
            look_at(image, count, e->dir);
        }
}

/* Each batch is synced, then shown, and that is durable before the call returns. */
static void a_batch_is_synced_before_it_is_shown(void **state)
{
    (void)state;
    for (unsigned b = 1; b <= BATCHES; b++) {
        size_t syncs = 0, end = recorder.ended[b];
        for (size_t i = recorder.ended[b - 1]; i < end; i++)
            syncs += recorder.ops[i].data == NULL;
        assert_true(syncs >= 2);
        assert_null(recorder.ops[end - 1].data);
    }
}

static int setup(void **state)
{
    static struct ends ends;
    if (access("/dev/shm", W_OK) == 0)
        (void)setenv("TMPDIR", "/dev/shm", 0); /* thousands of disks, none of which has to last */
    ends.dir = scratch_new();
    ends.image.bytes = mem_alloc(IMAGE_BYTES);
    *state = &ends;
    if (ends.dir == NULL || ends.image.bytes == NULL)
        return -1;
    model_make();
    record_all(ends.dir);
    return 0;
}

static int teardown(void **state)
{
    struct ends *ends = *state;
    for (size_t i = 0; i < recorder.count; i++)
        mem_free(recorder.ops[i].data);
    mem_free(ends->image.bytes);
    scratch_free(ends->dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_synced_before_it_is_shown),
        cmocka_unit_test(a_killed_process_leaves_one_batch),
        cmocka_unit_test(a_lost_power_leaves_one_batch),
    };
    return cmocka_run_group_tests_name("store prefix", tests, setup, teardown);
}
