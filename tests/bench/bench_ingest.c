/* bench_ingest DIR [OBJECTS] [PARTNERS]: durable ingest through the gate, against a floor measured in the
 * same run.
 *
 * Floor: the same bytes through bare loops: parse, canonical form, SHA-256, seal, append, fdatasync, and one
 * sorted merge of the keys into LMDB every 100,000 objects. Beside it, and timed apart: what the leaves of
 * all partners cost as bare loops (salts, both commitments, the tree's hashes). Gate: gate_accept in batches
 * of 1,000, gate_commit after each (the acknowledgement), gate_step and gate_merge as a node runs them. The
 * floor and the gate take turns in slices, so that a busy machine bends both alike. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench_out.h"
#include "core/mem.h"
#include "core/seal.h"
#include "core/suite.h"
#include "corpus.h"
#include "gate/gate.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"
#include "store/index_lmdb.h"
#include "json/json.h"

enum { BATCH = 1000, MERGE = 100000, SLICE = 50000, BUNDLE_MAX = 8 << 20 };

struct floor_state {
    struct json_parser *parser;
    struct buf canon, frames, keys;
    struct os_file *log, *secrets;
    uint64_t log_at, secrets_at;
    struct index *index;
    uint8_t (*merge)[48];
    size_t merge_count, merged;
    uint64_t lsn;
    double seconds;
    unsigned partners;
    struct merkle_edge trees[LIMIT_PARTNERS];
    double leaf_seconds;
};

static int by_key(const void *a, const void *b)
{
    return memcmp(a, b, 48);
}

static void floor_open(struct floor_state *f, const char *dir)
{
    char path[512];
    const struct os *os = os_linux();
    bench_check(json_parser_new(BUNDLE_MAX, &f->parser), "parser");
    buf_init(&f->canon, BUNDLE_MAX);
    buf_init(&f->frames, BUNDLE_MAX);
    buf_init(&f->keys, BUNDLE_MAX);
    (void)snprintf(path, sizeof path, "%s/floor", dir);
    bench_check(os->dir_make(NULL, path), "dir");
    bench_check(index_lmdb_open(path, UINT64_C(1) << 36, false, &f->index), "lmdb");
    (void)snprintf(path, sizeof path, "%s/floor.log", dir);
    bench_check(os->file_open(NULL, path, OS_WRITE | OS_CREATE, &f->log), "log");
    (void)snprintf(path, sizeof path, "%s/floor.keys", dir);
    bench_check(os->file_open(NULL, path, OS_WRITE | OS_CREATE, &f->secrets), "keys");
    f->merge = mem_alloc_array(MERGE, sizeof *f->merge);
    f->lsn = 64;
}

static void floor_object(struct floor_state *f, struct json_val value, struct bytes raw)
{
    struct str id;
    struct fault fault;
    struct seal_secret secret = {{0}};
    buf_clear(&f->canon);
    bench_check(json_canon(value, NULL, &f->canon, &fault), "canon");
    struct hash hash = hash_sha256(buf_bytes(&f->canon));
    memcpy(secret.b, hash.b, sizeof secret.b);
    uint8_t *out = buf_extend(&f->frames, raw.len + SEAL_TAG_SIZE + 64);
    must(out != NULL && json_get_str(value, STR("id"), &id));
    bench_check(seal_close(SUITE_1, &secret, raw, bytes_of(NULL, 0), out + 64), "seal");
    buf_put(&f->keys, secret.b, sizeof secret.b);
    memcpy(f->merge[f->merge_count++], hash.b, 32);
}

static bool floor_next(void *ctx, struct index_change *out)
{
    struct floor_state *f = ctx;
    if (f->merged == f->merge_count)
        return false;
    const uint8_t *at = f->merge[f->merged++];
    *out = (struct index_change) {.table = TABLE_ID, .key = bytes_of(at, 48), .value = bytes_of(at, 24)};
    return true;
}

static void floor_merge(struct floor_state *f)
{
    qsort(f->merge, f->merge_count, sizeof *f->merge, by_key);
    f->merged = 0;
    struct index_batch batch = {floor_next, f};
    bench_check(f->index->ops->apply(f->index, &batch, f->lsn), "merge");
    f->merge_count = 0;
}

/* One leaf a partner for every object of the batch; the salts come from what the loop before kept. */
static void floor_leaves(struct floor_state *f, size_t objects)
{
    static const struct str origin = {"bongsu/kr/partner0/1", 20};
    double start = bench_now();
    for (size_t i = 0; i < objects; i++)
        for (unsigned p = 0; p < f->partners; p++) {
            struct merkle_edge *tree = &f->trees[p];
            struct seal_secret secret;
            memcpy(secret.b, f->keys.at + i * sizeof secret.b, sizeof secret.b);
            struct ledger_salts salts = ledger_salts(&secret, origin, tree->size);
            struct leaf_opening opening = {.salt = salts.partner, .subject_seq = LEAF_SUBJECT_NONE};
            struct leaf_reason reason = {.salt = salts.issuer, .rule = STR("open"), .source = STR("feed")};
            struct leaf leaf = {.op = LEAF_RELEASE,
                                .seq = tree->size,
                                .partner = leaf_partner(LEAF_RELEASE, &opening),
                                .issuer = leaf_issuer(&reason)};
            struct hash hash = leaf_hash(&leaf);
            merkle_edge_append(tree, &hash);
        }
    f->leaf_seconds += bench_now() - start;
}

struct floor_slices {
    struct json_slice at[BATCH + 1];
    size_t count;
};

static bool floor_slice(void *ctx, struct json_slice slice)
{
    struct floor_slices *slices = ctx;
    slices->at[slices->count++] = slice;
    return true;
}

static void floor_batch(struct floor_state *f, struct bytes text)
{
    const struct os *os = os_linux();
    double start = bench_now();
    struct json_doc doc;
    struct json_val list, value;
    enum json_split_kind kind;
    static struct floor_slices slices;
    slices.count = 0;
    bench_check(json_split(text, STR("objects"), &kind, floor_slice, &slices, NULL), "split");
    bench_check(json_parse(f->parser, text, &doc, NULL), "parse");
    must(json_get(json_root(&doc), STR("objects"), &list));
    struct json_iter iter = json_array_iter(list);
    buf_clear(&f->frames);
    buf_clear(&f->keys);
    for (size_t i = 0; json_array_next(&iter, &value); i++)
        floor_object(f, value, bytes_of(text.at + slices.at[i].from, slices.at[i].len));
    bench_check(os->file_write(NULL, f->log, f->log_at, f->frames.at, f->frames.len), "write");
    bench_check(os->file_write(NULL, f->secrets, f->secrets_at, f->keys.at, f->keys.len), "write");
    f->log_at += f->frames.len;
    f->secrets_at += f->keys.len;
    bench_check(os->file_sync(NULL, f->log), "sync");
    bench_check(os->file_sync(NULL, f->secrets), "sync");
    f->lsn++;
    if (f->merge_count + BATCH > MERGE)
        floor_merge(f);
    f->seconds += bench_now() - start;
    floor_leaves(f, slices.count);
}

struct gate_state {
    struct gate *gate;
    uint32_t source;
    size_t taken;
    double seconds, accept_seconds, step_seconds, merge_seconds;
    int64_t now_us;
};

static void taken(void *ctx, const struct gate_answer *answer)
{
    struct gate_state *g = ctx;
    if (answer->disposition != GATE_NEW) {
        fprintf(stderr, "bench_ingest: %.*s: %s\n", STR_ARG(answer->id),
                answer->fault == NULL ? gate_disposition_word(answer->disposition) : answer->fault->what);
        exit(1);
    }
    g->taken++;
}

static void gate_prepare(struct gate_state *g, const char *dir, unsigned partners)
{
    static const char policy[] = "language 1\nrelease open if tlp <= green and onward to all\n";
    char path[512], name[32];
    const struct gate_by by = {STR("bench"), STR("bench")};
    (void)snprintf(path, sizeof path, "%s/gate", dir);
    struct gate_setup setup = {.os = os_linux(), .dir = path, .node_name = STR("kr")};
    g->now_us = os_linux()->wall_us(NULL);
    bench_check(gate_open(&setup, &g->gate), "gate");
    struct gate_source source = {.name = STR("feed"), .own = true, .assume_until_us = INT64_MAX};
    bench_check(gate_source_put(g->gate, &source, &by, g->now_us, &g->source), "source");
    struct policy_fault fault;
    bench_check(gate_policy_activate(g->gate, STR(policy), &by, g->now_us, &fault), "policy");
    for (unsigned p = 0; p < partners; p++) {
        unsigned index;
        (void)snprintf(name, sizeof name, "partner%u", p);
        bench_check(gate_peer_put(g->gate, str_of(name), STR("us"), STR("US"), bytes_of(NULL, 0), &by,
                                  g->now_us, &index),
                    "peer");
        bench_check(gate_peer_set(g->gate, index, GATE_PEER_STARTED, false, &by, g->now_us), "start");
    }
    bench_check(gate_commit(g->gate), "commit");
}

static void gate_batch(struct gate_state *g, struct bytes text)
{
    struct gate_submission submission = {.source = g->source};
    struct fault fault;
    bool more = true;
    int64_t next;
    double start = bench_now();
    g->now_us = os_linux()->wall_us(NULL);
    bench_check(gate_accept(g->gate, &submission, text, g->now_us, taken, g, &fault), "accept");
    bench_check(gate_commit(g->gate), "commit");
    double accepted = bench_now();
    while (more)
        bench_check(gate_step(g->gate, g->now_us, &more, &next), "step");
    double stepped = bench_now();
    if (gate_merge_due(g->gate))
        bench_check(gate_merge(g->gate, false), "merge");
    double merged = bench_now();
    g->accept_seconds += accepted - start;
    g->step_seconds += stepped - accepted;
    g->merge_seconds += merged - stepped;
    g->seconds += merged - start;
}

static void report(const struct floor_state *f, const struct gate_state *g, size_t objects, unsigned partners,
                   double bytes)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    double gate_rate = (double)objects / g->seconds, floor_rate = (double)objects / f->seconds;
    char note[160];
    (void)snprintf(note, sizeof note,
                   "%u partners, %.0f bytes an object; accept %.0f%% step %.0f%% merge %.0f%%", partners,
                   bytes / (double)objects, 100 * g->accept_seconds / g->seconds,
                   100 * g->step_seconds / g->seconds, 100 * g->merge_seconds / g->seconds);
    char name[64];
    (void)snprintf(name, sizeof name, "ingest_durable_%u_partners", partners);
    bench_row(name, gate_rate, "objects/s", floor_rate, gate_rate / floor_rate, note);
    if (partners > 0) {
        double both = (double)objects / (f->seconds + f->leaf_seconds);
        (void)snprintf(note, sizeof note, "floor: the same and %u leaves an object, in bare loops", partners);
        (void)snprintf(name, sizeof name, "ingest_durable_%u_leaves", partners);
        bench_row(name, gate_rate, "objects/s", both, gate_rate / both, note);
    }
    bench_row("ingest_resident_peak", (double)usage.ru_maxrss / 1024, "MiB", 300,
              (double)usage.ru_maxrss / 1024 / 300, "whole process, floor and mapped files included");
}

/* Anonymous memory of this process, in MiB: mapped files do not count. */
static double anonymous_mib(void)
{
    char line[256];
    unsigned long kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    must(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "RssAnon: %lu", &kib) == 1)
            break;
    (void)fclose(status);
    return (double)kib / 1024;
}

/* bench_ingest --open DIR: what a node that starts over these objects costs. Run as its own process, so that
 * nothing else counts. */
static int measure_start(const char *dir)
{
    struct gate *gate;
    struct gate_counts counts;
    char path[512], note[96];
    (void)snprintf(path, sizeof path, "%s/gate", dir);
    struct gate_setup setup = {.os = os_linux(), .dir = path, .node_name = STR("kr")};
    double start = bench_now();
    bench_check(gate_open(&setup, &gate), "open");
    double seconds = bench_now() - start;
    gate_counts(gate, &counts);
    (void)snprintf(note, sizeof note, "%llu objects, %u partners", (unsigned long long)counts.objects,
                   gate_peer_count(gate));
    bench_row("start_up", seconds, "s", 1, seconds, note);
    bench_row("anonymous_memory_core", anonymous_mib(), "MiB", 300, anonymous_mib() / 300, note);
    gate_close(gate);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--open") == 0)
        return measure_start(argv[2]);
    if (argc < 2) {
        fprintf(stderr, "usage: bench_ingest DIR [OBJECTS] [PARTNERS]\n");
        return 2;
    }
    size_t objects = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000000;
    unsigned partners = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    static struct floor_state f;
    struct gate_state g = {0};
    struct corpus corpus;
    struct buf text;
    double bytes = 0;
    bench_check(sign_start(), "sodium");
    corpus_init(&corpus, 1);
    buf_init(&text, BUNDLE_MAX);
    floor_open(&f, argv[1]);
    f.partners = partners;
    gate_prepare(&g, argv[1], partners);
    for (size_t done = 0; done < objects; done += BATCH) {
        static const uint8_t padding[JSON_PADDING];
        buf_clear(&text);
        corpus_bundle(&corpus, BATCH, &text);
        size_t len = text.len;
        buf_put(&text, padding, sizeof padding);
        bytes += (double)len;
        floor_batch(&f, bytes_of(text.at, len));
        gate_batch(&g, bytes_of(text.at, len));
    }
    report(&f, &g, objects, partners, bytes);
    gate_close(g.gate);
    (void)fflush(stdout);
    execl("/proc/self/exe", argv[0], "--open", argv[1], (char *)NULL);
    return 1;
}
