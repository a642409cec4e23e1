/* What an origin's signature costs: one for each object, against one for a batch with a path for each (the
 * leaf of each behind a salt, as its neighbours may be withheld), and SHA-256 of the object beside both. */
#include <string.h>
#include <time.h>

#include "bench_out.h"
#include "core/mem.h"
#include "corpus.h"
#include "ledger/merkle.h"
#include "ledger/voucher.h"

enum { OBJECTS = 1024, ROUNDS = 7, SALT = 32, PLACE = 4 };

static struct hash contents[OBJECTS], leaves[OBJECTS], roots[OBJECTS]; /* of the batch that begins there */
static struct signature made[OBJECTS];
static struct merkle_proof proofs[OBJECTS];

/* Of this process: one thread, and no other program counts. */
static double cpu_now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static err_t tree_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    const size_t *from = ctx;
    struct merkle_edge edge = {.size = 0};
    for (uint64_t at = index << level; at < (index + 1) << level; at++)
        merkle_edge_append(&edge, &leaves[*from + at]);
    *out = merkle_edge_root(&edge);
    return ERR_OK;
}

/* As many bytes as a statement and its salt have. */
static void leaf_make(size_t i)
{
    uint8_t text[2 + 4 + 2 + HASH_SIZE + 4 + SALT] = {0};
    memcpy(text, contents[i].b, HASH_SIZE);
    leaves[i] = merkle_leaf(bytes_of(text, sizeof text));
}

static struct hash root_of(size_t from, size_t count)
{
    struct merkle_edge edge = {.size = 0};
    for (size_t i = from; i < from + count; i++)
        merkle_edge_append(&edge, &leaves[i]);
    return merkle_edge_root(&edge);
}

typedef void round(const struct sign_key *key, size_t batch);

static void sign_each(const struct sign_key *key, size_t batch)
{
    (void)batch;
    for (size_t i = 0; i < OBJECTS; i++)
        bench_check(voucher_sign(STR("kr"), &contents[i], STR(""), key, &made[i]), "signing");
}

static void verify_each(const struct sign_key *key, size_t batch)
{
    (void)batch;
    for (size_t i = 0; i < OBJECTS; i++) {
        struct voucher voucher = {SUITE_1, STR("kr"), voucher_key_id(&key->public), STR(""),
                                  signature_bytes(&made[i])};
        bench_check(voucher_verify(&voucher, &contents[i], &key->public), "verifying");
    }
}

static void sign_batches(const struct sign_key *key, size_t batch)
{
    for (size_t from = 0; from < OBJECTS; from += batch) {
        for (size_t i = from; i < from + batch; i++)
            leaf_make(i);
        struct hash root = roots[from] = root_of(from, batch);
        bench_check(sign_message(key, "bench", bytes_of(root.b, HASH_SIZE), &made[from]), "signing");
    }
}

/* Whoever gets all of a batch verifies its root once; of whom one object came by another way, once each. */
static void verify_paths(const struct sign_key *key, size_t batch, size_t every)
{
    for (size_t from = 0; from < OBJECTS; from += batch) {
        struct hash root = roots[from];
        for (size_t i = from; i < from + batch; i++) {
            leaf_make(i);
            bench_check(merkle_inclusion_verify(&proofs[i], i - from, batch, &leaves[i], &root), "a path");
            if ((i - from) % every == 0)
                bench_check(sign_verify(&key->public, "bench", bytes_of(root.b, HASH_SIZE), &made[from]),
                            "verifying");
        }
    }
}

static void verify_batches(const struct sign_key *key, size_t batch)
{
    verify_paths(key, batch, batch);
}

static void verify_scattered(const struct sign_key *key, size_t batch)
{
    verify_paths(key, batch, 1);
}

static double best_us(round *run, const struct sign_key *key, size_t batch)
{
    double best = 1e9;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double start = cpu_now();
        run(key, batch);
        double us = (cpu_now() - start) * 1e6 / OBJECTS;
        best = us < best ? us : best;
    }
    return best;
}

static void hash_all(const struct sign_key *key, size_t batch)
{
    static struct buf object;
    (void)key;
    (void)batch;
    if (object.len == 0) {
        struct corpus corpus;
        corpus_init(&corpus, 1);
        buf_init(&object, LIMIT_OBJECT_BYTES);
        corpus_next(&corpus, &object);
    }
    for (size_t i = 0; i < OBJECTS; i++)
        (void)hash_sha256(buf_bytes(&object));
}

static void row(const char *name, double us, double floor_us, size_t bytes)
{
    char note[64];
    (void)snprintf(note, sizeof note, "%zu bytes an object", bytes);
    bench_row(name, us, "us an object", floor_us, us / floor_us, note);
}

int main(void)
{
    static const uint8_t seed[SIGN_SEED_SIZE] = {1};
    static const size_t batches[] = {16, OBJECTS};
    bench_check(sign_start(), "a start");
    struct sign_key key = sign_key_from_seed(seed);
    struct voucher one = {SUITE_1, STR("kr"), 0, STR(""), signature_bytes(&made[0])};
    struct buf wire;
    for (uint64_t i = 0; i < OBJECTS; i++)
        contents[i] = hash_sha256(bytes_of((const uint8_t *)&i, sizeof i));
    buf_init(&wire, LIMIT_VOUCHER_BYTES);
    voucher_write(&wire, &one);
    double floor_us = best_us(hash_all, &key, 0);
    row("voucher: SHA-256 of an object", floor_us, floor_us, 0);
    row("voucher: signing, each", best_us(sign_each, &key, 0), floor_us, wire.len);
    row("voucher: verifying, each", best_us(verify_each, &key, 0), floor_us, wire.len);
    for (size_t b = 0; b < sizeof batches / sizeof *batches; b++) {
        char name[64];
        size_t batch = batches[b], depth = 0;
        while ((size_t)1 << depth < batch)
            depth++;
        size_t bytes = wire.len + SALT + PLACE + depth * HASH_SIZE;
        (void)snprintf(name, sizeof name, "voucher: signing, batches of %zu", batch);
        row(name, best_us(sign_batches, &key, batch), floor_us, bytes);
        for (size_t i = 0; i < OBJECTS; i++) {
            size_t from = i / batch * batch;
            const struct merkle_source source = {&from, tree_hash};
            bench_check(merkle_inclusion(&source, i - from, batch, &proofs[i]), "a path");
        }
        (void)snprintf(name, sizeof name, "voucher: verifying, whole batches of %zu", batch);
        row(name, best_us(verify_batches, &key, batch), floor_us, bytes);
        (void)snprintf(name, sizeof name, "voucher: verifying, one of %zu", batch);
        row(name, best_us(verify_scattered, &key, batch), floor_us, bytes);
    }
    buf_deinit(&wire);
    return 0;
}
