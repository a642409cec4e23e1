/* bench_store DIR [OBJECTS]: the store's append path against the bare cost of the same work, both in this
 * run.
 *
 * Bare: per object seal + copy + xxh3; per 1,000 objects SHA-256 over headers, one write into a zero-filled
 * file and two fdatasyncs (keys, frames). Store: the same bytes through store_append_sealed, four entries and
 * one look-up an object, with merging into LMDB at the end of each due generation. Prints lines of JSON. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench_out.h"
#include "core/buf.h"
#include "core/mem.h"
#include "core/suite.h"
#include "store/index_lmdb.h"
#include "store/store.h"

enum { BATCH = 1000, PLAIN = 741, ENVELOPE = 96 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double now(void)
{
    return (double)os_linux()->mono_us(NULL) / 1e6;
}

/* What the phases are timed with: work in memory by processor time, which a busy machine does not bend. */
static double cpu(void)
{
    struct timespec ts;
    must(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void check(err_t err, const char *what)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "bench_store: %s: %s\n", what, err_text(err));
    exit(1);
}

static double bare(const char *dir, size_t objects, const uint8_t *plain, double *out_cpu)
{
    const struct os *os = os_linux();
    char path[1024];
    struct os_file *file;
    struct os_file *keys;
    size_t frame = FRAME_HEADER_SIZE + SEALED_HEAD_SIZE + ENVELOPE + PLAIN + SEAL_TAG_SIZE;
    uint64_t size = 64 << 20;
    (void)snprintf(path, sizeof path, "%s/bare.seg", dir);
    check(os->file_open(NULL, path, OS_WRITE | OS_CREATE, &file), "open");
    (void)snprintf(path, sizeof path, "%s/bare.key", dir);
    check(os->file_open(NULL, path, OS_WRITE | OS_CREATE, &keys), "open");
    check(os->file_reserve(NULL, keys, objects * 32), "reserve");
    uint8_t *group = calloc(BATCH, frame);
    uint8_t *headers = calloc(BATCH, FRAME_HEADER_SIZE);
    uint8_t *secrets = calloc(BATCH, 32);
    uint64_t offset = 0;
    double start = now();
    double start_cpu = cpu();
    for (size_t done = 0; done < objects; done += BATCH) {
        check(os->random(NULL, secrets, (size_t)BATCH * 32), "random");
        for (size_t i = 0; i < BATCH; i++) {
            uint8_t *to = group + i * frame;
            struct seal_secret *secret = (struct seal_secret *)(void *)(secrets + i * 32);
            memcpy(to + FRAME_HEADER_SIZE + SEALED_HEAD_SIZE, plain, ENVELOPE);
            check(seal_close(SUITE_1, secret, bytes_of(plain, PLAIN), bytes_of(plain, 26 + ENVELOPE),
                             to + FRAME_HEADER_SIZE + SEALED_HEAD_SIZE + ENVELOPE),
                  "seal");
            frame_head_write(to, LOG_SUITE, FRAME_OBJ, offset,
                             bytes_of(to + FRAME_HEADER_SIZE, frame - FRAME_HEADER_SIZE));
            memcpy(headers + i * FRAME_HEADER_SIZE, to, FRAME_HEADER_SIZE);
        }
        struct hash digest = hash_sha256(bytes_of(headers, (size_t)BATCH * FRAME_HEADER_SIZE));
        memcpy(headers, digest.b, 1);
        if (offset % size + BATCH * frame > size)
            offset = (offset / size + 1) * size;
        if (offset % size == 0)
            check(os->file_reserve(NULL, file, offset + size), "reserve");
        check(os->file_write(NULL, keys, done * 32, secrets, (size_t)BATCH * 32), "write");
        check(os->file_sync(NULL, keys), "sync");
        check(os->file_write(NULL, file, offset, group, BATCH * frame), "write");
        check(os->file_sync(NULL, file), "sync");
        offset += BATCH * frame;
    }
    double took = now() - start;
    *out_cpu = cpu() - start_cpu;
    os->file_close(NULL, file);
    os->file_close(NULL, keys);
    free(group);
    free(headers);
    free(secrets);
    return took;
}

struct times {
    double wall; /* append, commit */
    double append;
    double entries;
    double commit;
    double merge;
};

static void put_lsn(uint8_t *to, uint64_t lsn)
{
    for (int i = 0; i < 8; i++)
        to[i] = (uint8_t)(lsn >> (8 * (7 - i)));
}

/* ID, two REFs and a STATE an object, and the look-up that says it is new. */
static void entries_put(struct store *store, uint64_t *state, uint64_t lsn, const uint8_t *plain)
{
    uint8_t key[48];
    for (size_t i = 0; i < 24; i += 8) {
        uint64_t word = next_random(state);
        memcpy(key + i, &word, 8);
    }
    memset(key + 24, 0, 16);
    put_lsn(key + 40, lsn);
    struct store_scan *scan;
    struct bytes k;
    struct bytes v;
    check(store_scan_open(store, TABLE_ID, bytes_of(key, 24), bytes_of("", 0), &scan), "scan");
    if (store_scan_next(scan, &k, &v) != ERR_NOTFOUND)
        exit(2);
    store_scan_close(scan);
    check(store_put(store, TABLE_ID, bytes_of(key, 48), bytes_of(plain, 64)), "put");
    check(store_put(store, TABLE_STATE, bytes_of(key + 40, 8), bytes_of(plain, 16)), "put");
    for (int i = 0; i < 2; i++) {
        uint64_t word = next_random(state);
        memcpy(key, &word, 8);
        memmove(key + 24, key + 40, 8);
        check(store_put(store, TABLE_REF, bytes_of(key, 32), bytes_of("", 0)), "put");
    }
}

static struct times whole(const char *dir, size_t objects, const uint8_t *plain)
{
    char path[1024];
    struct index *index;
    struct store *store;
    struct times times = {0};
    uint64_t state = 42;
    uint64_t *lsn = calloc(BATCH, sizeof *lsn);
    (void)snprintf(path, sizeof path, "%s/index", dir);
    check(os_linux()->dir_make(NULL, path), "mkdir");
    check(index_lmdb_open(path, 0, false, &index), "lmdb");
    (void)snprintf(path, sizeof path, "%s/store", dir);
    struct store_options options = {.os = os_linux(), .dir = path, .index = index};
    check(store_open(&options, &store), "open");
    for (size_t done = 0; done < objects; done += BATCH) {
        uint64_t slot;
        double w0 = now();
        double t0 = cpu();
        check(store_group_begin(store), "begin");
        for (size_t i = 0; i < BATCH; i++)
            check(store_append_sealed(store, FRAME_OBJ, bytes_of(plain, ENVELOPE), bytes_of(plain, PLAIN),
                                      &lsn[i], &slot),
                  "append");
        double t1 = cpu();
        double w1 = now();
        for (size_t i = 0; i < BATCH; i++)
            entries_put(store, &state, lsn[i], plain);
        double t2 = cpu();
        double w2 = now();
        check(store_group_commit(store), "commit");
        double t3 = cpu();
        times.wall += w1 - w0 + now() - w2;
        if (store_merge_due(store, false))
            check(store_merge(store, false), "merge");
        times.append += t1 - t0;
        times.entries += t2 - t1;
        times.commit += t3 - t2;
        times.merge += cpu() - t3;
    }
    store_close(store);
    double t0 = now();
    check(store_open(&options, &store), "reopen");
    fprintf(stderr, "reopen: %.3f s\n", now() - t0);
    struct store_check report;
    t0 = now();
    check(store_check(store, NULL, NULL, &report), "check");
    fprintf(stderr, "check: %.3f s, %llu frames, %llu faults\n", now() - t0,
            (unsigned long long)report.frames, (unsigned long long)report.faults);
    store_close(store);
    index->ops->close(index);
    free(lsn);
    return times;
}

static void print(const char *name, double seconds, size_t objects, double floor)
{
    double us = seconds / (double)objects * 1e6;
    if (floor > 0)
        bench_row(name, us, "us/object", floor / (double)objects * 1e6, floor / seconds,
                  "floor over measured");
    else
        bench_row(name, us, "us/object", 0, 0, "a floor itself");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench_store EMPTY_DIRECTORY [OBJECTS]\n");
        return 2;
    }
    size_t objects = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) / BATCH * BATCH : 300000;
    uint8_t plain[1024];
    uint64_t state = 7;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)next_random(&state);
    double floor_cpu;
    double floor = bare(argv[1], objects, plain, &floor_cpu);
    struct times times = whole(argv[1], objects, plain);
    print("store append and commit, wall", times.wall, objects, floor);
    print("store append and commit, cpu", times.append + times.commit, objects, floor_cpu);
    print("store append, cpu", times.append, objects, 0);
    print("store commit, cpu", times.commit, objects, 0);
    print("store entries (4 puts, 1 scan), cpu", times.entries, objects, 0);
    print("store merge into LMDB, cpu", times.merge, objects, 0);
    return 0;
}
