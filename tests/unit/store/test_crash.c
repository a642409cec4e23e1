/* The store on a disk that loses, tears and reorders what was not synced: what was acknowledged is always
 * there, the group in flight is whole or absent, and the index catches up from any earlier state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/sign.h"
#include "store/index_mem.h"
#include "store/store.h"

#include "disk.h"

enum { SEALS_MAX = 1 << 13 };

enum { FRAMES_MAX = 4096, LIVES = 6, GROUPS = 12, PLAIN_MAX = 3000 };

/* What the test itself knows. */
struct entry {
    uint64_t lsn;
    uint32_t len; /* of the plain bytes, which follow from len and salt */
    uint32_t salt;
    bool sealed;
    bool keyed; /* under a secret that came from outside, the same one each time */
};

/* Every seal that ever went to the disk, whether or not it stayed there. */
struct seals {
    const struct os *below;
    struct os_file *keys; /* the key file, as it was opened last */
    struct seal_secret secrets[SEALS_MAX];
    struct hash key[SEALS_MAX], sealed[SEALS_MAX];
    size_t count;
    bool repeats; /* one key sealed two things */
};
static struct seals seals;

struct model {
    struct disk *disk;
    unsigned suite;
    struct os os;
    struct index *index;
    struct store *store;
    uint64_t random;
    struct entry entries[FRAMES_MAX];
    size_t acked;   /* entries of acknowledged groups */
    size_t written; /* and of those in flight when the power went */
    uint64_t lsn_acked;
    uint64_t lsn_in_flight[3]; /* ends that the log may have beside lsn_acked */
    size_t in_flight;
    char fault[200]; /* what was found wrong; empty: nothing */
};

static uint64_t draw(struct model *m, uint64_t below)
{
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->random % below;
}

static bool wrong(struct model *m, const char *what, uint64_t number)
{
    if (m->fault[0] == 0)
        (void)snprintf(m->fault, sizeof m->fault, "%s (%llu)", what, (unsigned long long)number);
    return false;
}

/* --- no key twice --- */

static err_t seen_open(void *ctx, const char *path, unsigned flags, struct os_file **out)
{
    err_t err = seals.below->file_open(ctx, path, flags, out);
    if (err == ERR_OK && strstr(path, "secrets.key") != NULL)
        seals.keys = *out;
    return err;
}

/* A key is made of the secret and what is bound; a nonce is always zero. */
static void seen_seal(const struct frame *frame)
{
    uint8_t head[10] = {(uint8_t)(frame->kind >> 8), (uint8_t)frame->kind};
    for (unsigned i = 0; i < 8; i++)
        head[2 + i] = (uint8_t)(frame->slot >> (8 * (7 - i)));
    assert_true(frame->slot < SEALS_MAX && seals.count < SEALS_MAX);
    struct bytes parts[] = {bytes_of(seals.secrets[frame->slot].b, SEAL_SECRET_SIZE),
                            bytes_of(head, sizeof head), frame->envelope};
    /* One that was drawn seals once; one that was given, once in each place. */
    struct hash key = hash_sha256_parts(parts, frame->kind == FRAME_SECRET ? 3 : 1);
    struct hash sealed = hash_sha256(frame->sealed);
    for (size_t i = 0; i < seals.count; i++)
        seals.repeats =
            seals.repeats || (hash_eq(&seals.key[i], &key) && !hash_eq(&seals.sealed[i], &sealed));
    seals.key[seals.count] = key;
    seals.sealed[seals.count++] = sealed;
}

static void seen_frames(struct bytes data)
{
    uint64_t lsn = 0;
    struct frame frame;
    for (unsigned i = 0; data.len >= FRAME_HEADER_SIZE && i < 8; i++)
        lsn = lsn << 8 | data.at[8 + i];
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++) {
        size_t at = 0;
        while (frame_read(bytes_of(data.at + at, data.len - at), suite, lsn + at, &frame) == ERR_OK) {
            if (frame_kind_sealed(frame.kind))
                seen_seal(&frame);
            at += FRAME_HEADER_SIZE + frame.payload.len;
        }
    }
}

static err_t seen_write(void *ctx, struct os_file *file, uint64_t offset, const void *at, size_t len)
{
    const uint64_t first = 4096;
    if (file == seals.keys && offset >= first) {
        assert_true((offset - first + len) / SEAL_SECRET_SIZE <= SEALS_MAX);
        memcpy(seals.secrets[(offset - first) / SEAL_SECRET_SIZE].b, at, len);
    } else if (file != seals.keys) {
        seen_frames(bytes_of(at, len));
    }
    return seals.below->file_write(ctx, file, offset, at, len);
}

static struct os seen_os(struct disk *disk)
{
    seals = (struct seals) {.below = disk_os(disk)};
    struct os os = *seals.below;
    os.file_open = seen_open;
    os.file_write = seen_write;
    return os;
}

static void plain_make(const struct entry *entry, uint8_t out[PLAIN_MAX])
{
    for (uint32_t i = 0; i < entry->len; i++)
        out[i] = (uint8_t)(entry->salt * 31 + i * 7 + (i >> 8));
}

static void key_make(const struct entry *entry, uint8_t out[32])
{
    memset(out, 0, 32);
    (void)snprintf((char *)out, 24, "object %u", (unsigned)(entry->salt % 97));
    for (int i = 0; i < 8; i++)
        out[24 + i] = (uint8_t)(entry->lsn >> (8 * (7 - i)));
}

/* What gate would derive from a frame. */
static err_t derive(struct model *m, const struct entry *entry)
{
    uint8_t key[32];
    key_make(entry, key);
    return store_put(m->store, TABLE_REF, bytes_of(key, sizeof key),
                     bytes_of(&entry->salt, sizeof entry->salt));
}

static err_t append_one(struct model *m)
{
    struct entry *entry = &m->entries[m->written];
    uint8_t plain[PLAIN_MAX];
    *entry = (struct entry) {
        .len = (uint32_t)draw(m, PLAIN_MAX), .salt = (uint32_t)draw(m, 1 << 30), .sealed = draw(m, 3) > 0};
    entry->keyed = entry->sealed && draw(m, 6) == 0;
    entry->len = entry->keyed ? 0 : entry->len;
    plain_make(entry, plain);
    struct bytes body = bytes_of(plain, entry->len);
    uint64_t slot;
    static const struct seal_secret given = {{1, 2, 3}};
    err_t err = entry->keyed    ? store_append_keyed(m->store, FRAME_SECRET, bytes_of("given", 5), &given,
                                                     &entry->lsn, &slot)
                : entry->sealed ? store_append_sealed(m->store, FRAME_OBJ, bytes_of(plain, entry->len / 10),
                                                      body, &entry->lsn, &slot)
                                : store_append(m->store, FRAME_DECIDE, &body, 1, &entry->lsn);
    if (err == ERR_OK)
        err = derive(m, entry);
    m->written += err == ERR_OK;
    return err;
}

static err_t group_fill(struct model *m)
{
    err_t err = store_group_begin(m->store);
    for (uint64_t n = 1 + draw(m, 8); err == ERR_OK && n > 0; n--)
        err = append_one(m);
    if (err == ERR_OK)
        m->lsn_in_flight[m->in_flight++] = store_end_lsn(m->store) + COMMIT_FRAME_SIZE;
    return err;
}

static void acknowledge(struct model *m, size_t entries)
{
    m->acked = entries;
    m->lsn_acked = m->lsn_in_flight[0];
    m->in_flight--;
    memmove(m->lsn_in_flight, m->lsn_in_flight + 1, m->in_flight * sizeof m->lsn_in_flight[0]);
}

/* One group, or two overlapping ones; stops at the first error, which only the power may cause. */
static err_t groups_write(struct model *m)
{
    struct store_write *write;
    size_t before = m->written;
    if (draw(m, 8) == 0 && group_fill(m) == ERR_OK) {
        store_group_abort(m->store);
        m->written = before;
        m->in_flight--;
    }
    err_t err = group_fill(m);
    if (err != ERR_OK)
        return err;
    size_t first = m->written;
    bool overlap = draw(m, 3) == 0;
    err = store_group_close(m->store, &write);
    if (err != ERR_OK)
        return err;
    err_t filled = overlap ? group_fill(m) : ERR_OK;
    err = store_write_done(m->store, write, store_write_run(write));
    if (err != ERR_OK)
        return err;
    acknowledge(m, first);
    if (!overlap || filled != ERR_OK)
        return filled;
    err = store_group_commit(m->store);
    if (err == ERR_OK)
        acknowledge(m, m->written);
    return err;
}

static bool check_frame(struct model *m, const struct entry *entry, const struct frame *frame)
{
    uint8_t plain[PLAIN_MAX];
    plain_make(entry, plain);
    struct bytes want = bytes_of(plain, entry->len);
    if (frame->lsn != entry->lsn || frame->kind != (entry->keyed    ? FRAME_SECRET
                                                    : entry->sealed ? FRAME_OBJ
                                                                    : FRAME_DECIDE))
        return wrong(m, "another frame stands at", entry->lsn);
    if (!entry->sealed)
        return bytes_eq(frame->payload, want) || wrong(m, "another payload at", entry->lsn);
    struct buf buf;
    buf_init(&buf, 1 << 20);
    err_t err = store_unseal(m->store, frame, &buf);
    bool same = err == ERR_OK && bytes_eq(buf_bytes(&buf), want);
    buf_deinit(&buf);
    return same || wrong(m, "cannot be opened", entry->lsn);
}

/* Everything acknowledged is there; what was in flight is there whole or not at all. */
static bool check_log(struct model *m)
{
    uint64_t durable = store_durable_lsn(m->store);
    bool right = durable == m->lsn_acked;
    for (size_t i = 0; i < m->in_flight; i++)
        right = right || durable == m->lsn_in_flight[i];
    if (!right)
        return wrong(m, "the log ends in a strange place", durable);
    if (store_alarm(m->store) != NULL)
        return wrong(m, store_alarm(m->store), 0);
    struct store_iter iter = store_iter(m->store, 0, UINT64_MAX);
    struct frame frame;
    size_t n = 0;
    while (store_iter_next(&iter, &frame) == ERR_OK) {
        if (n == m->written)
            return wrong(m, "more frames than were written", n);
        if (!check_frame(m, &m->entries[n], &frame))
            return false;
        n++;
    }
    if (n < m->acked)
        return wrong(m, "acknowledged frames are missing", m->acked - n);
    m->acked = m->written = n;
    m->lsn_acked = durable;
    m->in_flight = 0;
    struct store_check check;
    err_t err = store_check(m->store, NULL, NULL, &check);
    if (err != ERR_OK || check.faults > 0 || check.frames != n)
        return wrong(m, "store_check finds faults", check.fault_lsn);
    return true;
}

static bool replay(struct model *m)
{
    size_t n = 0;
    while (n < m->acked && m->entries[n].lsn < store_applied_lsn(m->store))
        n++;
    for (; n < m->acked; n++)
        if (derive(m, &m->entries[n]) != ERR_OK ||
            store_replay_to(m->store, n + 1 < m->acked ? m->entries[n + 1].lsn : m->lsn_acked) != ERR_OK)
            return wrong(m, "cannot replay", m->entries[n].lsn);
    return true;
}

static bool check_index(struct model *m)
{
    for (size_t n = 0; n < m->acked; n++) {
        uint8_t key[32];
        struct bytes value;
        key_make(&m->entries[n], key);
        if (store_get(m->store, TABLE_REF, bytes_of(key, sizeof key), &value) != ERR_OK ||
            !bytes_eq(value, bytes_of(&m->entries[n].salt, sizeof m->entries[n].salt)))
            return wrong(m, "an entry is missing", m->entries[n].lsn);
    }
    struct store_scan *scan;
    struct bytes key;
    struct bytes value;
    size_t count = 0;
    if (store_scan_open(m->store, TABLE_REF, bytes_of("", 0), bytes_of("", 0), &scan) != ERR_OK)
        return wrong(m, "cannot scan", 0);
    while (store_scan_next(scan, &key, &value) == ERR_OK)
        count++;
    store_scan_close(scan);
    store_view_end(m->store);
    return count == m->acked || wrong(m, "the index holds another number of entries", count);
}

static err_t reopen(struct model *m)
{
    struct store_options options = {.os = &m->os,
                                    .dir = "base/store",
                                    .index = m->index,
                                    .node = {{7}},
                                    .suite = m->suite,
                                    .lsn_named = m->lsn_acked,
                                    .segment_bytes = 64 << 10,
                                    .merge_frames = 20};
    return store_open(&options, &m->store);
}

/* From opening to the loss of power. False when something was found wrong. */
static bool life(struct model *m)
{
    if (draw(m, 3) == 0) /* an older index file comes back */
        assert_int_equal(index_mem_rollback(m->index, (size_t)draw(m, index_mem_states(m->index) + 1)),
                         ERR_OK);
    if (draw(m, 4) == 0)
        disk_faults(m->disk)->power_fails = 1 + draw(m, 12); /* while opening */
    err_t err = reopen(m);
    if (err != ERR_OK || disk_dead(m->disk))
        return disk_dead(m->disk) || wrong(m, err_text(err), 0);
    disk_faults(m->disk)->power_fails = 0;
    if (!check_log(m) || !replay(m) || !check_index(m))
        return false;
    disk_faults(m->disk)->power_fails = 1 + draw(m, 60);
    for (size_t g = 0; g < GROUPS && err == ERR_OK; g++) {
        bool more;
        err = groups_write(m);
        if (err == ERR_OK && draw(m, 4) == 0)
            err = store_merge(m->store, draw(m, 2) == 0);
        if (err == ERR_OK && draw(m, 2) == 0)
            err = store_idle(m->store, &more);
    }
    if (err != ERR_OK && !disk_dead(m->disk))
        return wrong(m, err_text(err), 1);
    return err == ERR_OK || store_group_begin(m->store) == ERR_READONLY ||
           wrong(m, "writes after a failure", 0);
}

static void run(struct model *m, unsigned suite, uint64_t seed, bool sync_lies, const char *lies_about)
{
    *m = (struct model) {
        .suite = suite, .random = seed * 2654435761u + 88172645463325252u, .lsn_acked = LSN_FIRST};
    m->disk = disk_new(seed);
    m->os = seen_os(m->disk);
    disk_faults(m->disk)->sync_lies = sync_lies;
    disk_faults(m->disk)->lies_about = lies_about;
    assert_int_equal(index_mem_new(&m->index), ERR_OK);
    for (int i = 0; i < LIVES && m->fault[0] == 0; i++) {
        (void)life(m);
        store_close(m->store);
        m->store = NULL;
        disk_crash(m->disk);
    }
    m->index->ops->close(m->index);
    disk_free(m->disk);
}

static void acknowledged_survives(void **state)
{
    static struct model m;
    (void)state;
    for (unsigned suite = SUITE_OLDEST; suite <= SUITE_NEWEST; suite++)
        for (uint64_t seed = 1; seed <= (suite == SUITE_OLDEST ? 400 : 60); seed++) {
            run(&m, suite, seed, false, NULL);
            if (m.fault[0] != 0)
                fail_msg("suite %u, seed %llu: %s", suite, (unsigned long long)seed, m.fault);
            if (seals.repeats || seals.count == 0)
                fail_msg("suite %u, seed %llu: a key sealed two things", suite, (unsigned long long)seed);
        }
}

/* The test of the test: without one of its syncs the store loses something, and that is found. */
static void missing_sync_is_caught(void **state)
{
    static struct model m;
    static const char *const about[] = {NULL, ".seg", "secrets.key", "/log"};
    (void)state;
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        unsigned caught = 0;
        for (uint64_t seed = 1; seed <= 40; seed++) {
            run(&m, SUITE_1, seed, true, about[i]);
            caught += m.fault[0] != 0;
        }
        if (caught < 10)
            fail_msg("without the sync of %s: only %u of 40 seeds noticed",
                     about[i] == NULL ? "all" : about[i], caught);
    }
}

/* The test of the test: where the system draws one secret again and again, that is seen. */
static void a_key_that_repeats_is_caught(void **state)
{
    static struct model m;
    (void)state;
    m = (struct model) {.random = 88172645463325252u, .lsn_acked = LSN_FIRST, .suite = SUITE_2};
    m.disk = disk_new(1);
    m.os = seen_os(m.disk);
    disk_same_secrets(m.disk, true);
    assert_int_equal(index_mem_new(&m.index), ERR_OK);
    assert_int_equal(reopen(&m), ERR_OK);
    for (size_t g = 0; g < GROUPS; g++)
        assert_int_equal(groups_write(&m), ERR_OK);
    assert_true(seals.repeats);
    store_close(m.store);
    m.index->ops->close(m.index);
    disk_free(m.disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledged_survives),
        cmocka_unit_test(missing_sync_is_caught),
        cmocka_unit_test(a_key_that_repeats_is_caught),
    };
    return sign_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
