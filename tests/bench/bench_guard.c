/* The guard's last look at pages of a ledger: time an object, against SHA-256 of the same bytes beside it. */
#include <string.h>
#include <time.h>

#include "bench_out.h"
#include "core/wr.h"
#include "corpus.h"
#include "guard/guard.h"
#include "sync/wire.h"

enum { PAGES = 20, LEAVES = 1000, ROUNDS = 9 };

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
static const char rules[] = "bongsu guard 1\n"
                            "policy 1111111111111111111111111111111111111111111111111111111111111111\n"
                            "partner 0 us green 0 - " ZEROS " 0 0\n";

/* Of this process: one thread, and no other program counts. */
static double cpu_now(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static struct hash hashes[PAGES * LEAVES]; /* of the whole ledger's leaves */

static err_t tree_hash(void *ctx, unsigned level, uint64_t index, struct hash *out)
{
    struct merkle_edge edge = {.size = 0};
    (void)ctx;
    for (uint64_t seq = index << level; seq < (index + 1) << level; seq++)
        merkle_edge_append(&edge, &hashes[seq]);
    *out = merkle_edge_root(&edge);
    return ERR_OK;
}

static void tail_make(uint64_t from, struct buf *out)
{
    const struct merkle_source source = {NULL, tree_hash};
    struct merkle_proof proof;
    struct hash root;
    char note[128], text[64];
    bench_check(merkle_root(&source, from + LEAVES, &root), "a root");
    bench_check(merkle_consistency(&source, from, from + LEAVES, &proof), "a proof");
    (void)snprintf(note, sizeof note, "bongsu/kr/us/0\n%llu\n%.*s\n\nsigned\n",
                   (unsigned long long)(from + LEAVES), (int)str_base64(root.b, HASH_SIZE, text), text);
    sync_page_tail_write(out, str_of(note), &proof);
}

static void page_make(struct corpus *corpus, uint64_t from, struct buf *object, struct buf *out)
{
    sync_page_head_write(out, 0, from, LEAVES);
    for (uint64_t seq = from; seq < from + LEAVES; seq++) {
        struct leaf_opening opening = {.subject_seq = LEAF_SUBJECT_NONE};
        buf_clear(object);
        corpus_next(corpus, object);
        opening.content = hash_sha256(buf_bytes(object));
        struct leaf leaf = {.op = LEAF_RELEASE, .seq = seq, .partner = leaf_partner(LEAF_RELEASE, &opening)};
        sync_entry_write(out, &leaf, &opening, buf_bytes(object), &(struct sync_beside) {.hops = 1});
        hashes[seq] = leaf_hash(&leaf);
    }
    tail_make(from, out);
    bench_check(buf_err(out), "making a page");
}

static void look(struct guard *guard, const struct buf *page)
{
    static const uint8_t key[RULES_KEY_SIZE];
    static struct guard_case c;
    struct guard_request request = {
        .reads = true, .has_key = true, .key = key, .path = STR("/bongsu/v1/feed")};
    struct guard_answer answer = {.status = 200, .body = buf_bytes(page)};
    struct guard_finding finding;
    guard_case_open(&c, &request);
    if (guard_check(guard, &c, &answer, &finding) != GUARD_PASS)
        bench_check(ERR_DENIED, "a page that should pass");
}

/* What the formats demand of anybody who looks: of each object its hash, the commitment that its opening
 * makes, its leaf's hash, and one node of the tree; of two objects at a time. */
static double hashing_ns(struct corpus *corpus, struct buf *object)
{
    enum { COMMITMENT = 105, LEAF = 89, NODE = 65, SAMPLES = 2000 };
    static const uint8_t zeros[COMMITMENT];
    double best = 1e9;
    buf_clear(object);
    corpus_next(corpus, object);
    const struct bytes data[] = {buf_bytes(object),     bytes_of(zeros, COMMITMENT), bytes_of(zeros, LEAF),
                                 buf_bytes(object),     bytes_of(zeros, COMMITMENT), bytes_of(zeros, LEAF),
                                 bytes_of(zeros, NODE), bytes_of(zeros, NODE)};
    struct hash made[sizeof data / sizeof *data];
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = cpu_now();
        for (unsigned i = 0; i < SAMPLES; i += 2)
            hash_sha256_each(data, sizeof data / sizeof *data, made);
        double ns = (cpu_now() - start) * 1e9 / SAMPLES;
        best = ns < best ? ns : best;
    }
    return best;
}

int main(void)
{
    static const struct hash_sip_key key = {{1}};
    static struct buf pages[PAGES];
    struct corpus corpus;
    struct buf object;
    struct guard *guard;
    struct fault fault;
    double best_ns = 1e9, hash_ns = 1e9;
    uint8_t sink = 0;
    bench_check(guard_new(&key, &guard), "a guard");
    bench_check(guard_rules(guard, str_of(rules), &fault), "its rules");
    corpus_init(&corpus, 1);
    buf_init(&object, LIMIT_OBJECT_BYTES);
    for (unsigned i = 0; i < PAGES; i++) {
        buf_init(&pages[i], LIMIT_SYNC_PAGE_BYTES);
        page_make(&corpus, (uint64_t)i * LEAVES, &object, &pages[i]);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        double start = cpu_now();
        for (unsigned i = 0; i < PAGES; i++)
            look(guard, &pages[i]);
        double middle = cpu_now();
        for (unsigned i = 0; i < PAGES; i++)
            sink ^= hash_sha256(buf_bytes(&pages[i])).b[0];
        double end = cpu_now(), looked = (middle - start) * 1e9 / PAGES / LEAVES;
        double hashed = (end - middle) * 1e9 / PAGES / LEAVES;
        best_ns = looked < best_ns ? looked : best_ns;
        hash_ns = hashed < hash_ns ? hashed : hash_ns;
    }
    bench_row("guard, a page of 1,000", best_ns, "ns an object", hash_ns, best_ns / hash_ns,
              sink == 0 ? "measured over SHA-256 of the same bytes; aim 1,000 ns; best of 9 rounds "
                        : "measured over SHA-256 of the same bytes; aim 1,000 ns; best of 9 rounds");
    double demanded = hashing_ns(&corpus, &object);
    bench_row("guard, the hashing in it", demanded, "ns an object", best_ns, demanded / best_ns,
              "object, opening, leaf and a node; share of the row above");
    for (unsigned i = 0; i < PAGES; i++)
        buf_deinit(&pages[i]);
    buf_deinit(&object);
    guard_free(guard);
    return 0;
}
