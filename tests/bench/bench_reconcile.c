/* bench_reconcile DIR [LEAVES] [OBJECTS]: what it costs to find out what two partners do not both have.
 *
 * Questions: two sets of LEAVES bits (ten million), some of which differ; round trips, bytes of all bodies
 * both ways, memory of one side, time of the sums. Floor of the time: SHA-256 once over the same bits. Bits:
 * a gate that released OBJECTS to a partner, and had as many from him, says of each leaf whether it gives it
 * and holds it; floor: the same number of point lookups in its index. */
#include <string.h>

#include "bench_out.h"
#include "core/mem.h"
#include "corpus.h"
#include "gate/epoch.h"
#include "gate/state.h"
#include "sync/reconcile.h"

static const struct gate_by by = {{"bench", 5}, {"bench", 5}};

/* --- questions --- */

static uint64_t state = 7;

static uint64_t draw(uint64_t below)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (state >> 16) % below;
}

static void set_make(struct reconcile_set *set, const uint8_t *bits, uint64_t size)
{
    bench_check(reconcile_set_begin(set, size), "set");
    while (!reconcile_set_whole(set)) {
        size_t at = (size_t)set->made * RECONCILE_BITMAP;
        memcpy(reconcile_set_next(set), bits + at, RECONCILE_BITMAP);
        reconcile_set_made(set);
    }
}

struct found {
    const struct reconcile_set *own;
    uint64_t leaves;
};

static err_t count(void *ctx, uint32_t block, const uint8_t *theirs)
{
    struct found *found = ctx;
    const uint8_t *ours = reconcile_set_block(found->own, block);
    for (unsigned i = 0; i < reconcile_leaves(found->own->size, block); i++)
        found->leaves += reconcile_bit(ours, i) != reconcile_bit(theirs, i);
    return ERR_OK;
}

static void ask(const struct reconcile_set *own, const struct reconcile_set *other, uint64_t differ,
                const char *where)
{
    struct found found = {.own = own};
    struct reconcile walk;
    struct reconcile_question question;
    struct fault fault = {.code = ERR_OK};
    struct buf asked, answer;
    unsigned round_trips = 0;
    size_t bytes = 0;
    char name[64];
    buf_init(&asked, 1u << 20);
    buf_init(&answer, 1u << 20);
    bench_check(reconcile_begin(&walk, own, 0), "walk");
    while (!reconcile_done(&walk)) {
        buf_clear(&asked);
        buf_clear(&answer);
        reconcile_ask(&walk, &asked);
        bench_check(reconcile_question_read(buf_bytes(&asked), &question), "question");
        reconcile_answer_write(&answer, &question, other);
        bench_check(reconcile_take(&walk, buf_bytes(&answer), count, &found, &fault), fault.what);
        round_trips++;
        bytes += asked.len + answer.len;
    }
    bench_check(found.leaves == differ ? ERR_OK : ERR_CORRUPT, "all differences found, and no others");
    (void)snprintf(name, sizeof name, "reconcile_%llu_%s", (unsigned long long)differ, where);
    bench_row(name, (double)bytes, "bytes", 5000, (double)bytes / 5000, "both ways; beside 5,000");
    (void)snprintf(name, sizeof name, "reconcile_%llu_%s_rounds", (unsigned long long)differ, where);
    bench_row(name, round_trips, "round trips", 4, round_trips / 4.0, "to find them; one more fetches");
    reconcile_end(&walk);
    buf_deinit(&asked);
    buf_deinit(&answer);
}

static void differ(uint8_t *bits, uint64_t size, uint64_t how_many, bool tail)
{
    uint8_t *flipped = mem_alloc_array(size / 8 + 1, 1);
    bench_check(flipped == NULL ? ERR_NOMEM : ERR_OK, "memory");
    for (uint64_t done = 0; done < how_many;) {
        uint64_t at = tail ? size - 1 - done : draw(size);
        if (reconcile_bit(flipped, at))
            continue;
        reconcile_flip(flipped, at);
        reconcile_flip(bits, at);
        done++;
    }
    mem_free(flipped);
}

static void questions(uint64_t size)
{
    static const struct {
        uint64_t differ;
        bool tail;
    } rows[] = {{0, false}, {1, false}, {100, false}, {10000, false}, {10000, true}};
    size_t bytes = (size_t)reconcile_blocks(size) * RECONCILE_BITMAP;
    uint8_t *bits = mem_alloc_array(bytes, 1);
    struct reconcile_set own, other;
    bench_check(bits == NULL ? ERR_NOMEM : ERR_OK, "memory");
    for (uint64_t i = 0; i < size; i++)
        if (draw(10) > 0)
            reconcile_flip(bits, i);
    double began = bench_now();
    struct hash hash = hash_sha256(bytes_of(bits, bytes));
    double floor = bench_now() - began;
    began = bench_now();
    set_make(&own, bits, size);
    double took = bench_now() - began;
    bench_row("reconcile_sums", took * 1e3, "ms", floor * 1e3, took / floor,
              hash.b[0] == 0 ? "sums of all blocks" : "sums of all blocks; floor: SHA-256 of the bits");
    bench_row("reconcile_memory", (double)(bytes + (size_t)own.made * RECONCILE_SUM) / 1024, "KiB", 0, 0,
              "of one side");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t *others = mem_alloc_array(bytes, 1);
        bench_check(others == NULL ? ERR_NOMEM : ERR_OK, "memory");
        memcpy(others, bits, bytes);
        differ(others, size, rows[i].differ, rows[i].tail);
        set_make(&other, others, size);
        ask(&own, &other, rows[i].differ, rows[i].tail ? "at_the_end" : "anywhere");
        reconcile_set_deinit(&other);
        mem_free(others);
    }
    reconcile_set_deinit(&own);
    mem_free(bits);
}

/* --- bits --- */

struct bench {
    struct gate *gate;
    uint32_t own;
    unsigned partner;
    int64_t now_us;
};

static void ignore(void *ctx, const struct gate_answer *answer)
{
    (void)ctx;
    (void)answer;
}

static void prepare(struct bench *b, const char *dir)
{
    static const char policy[] = "language 1\nrelease open if tlp <= green and onward to all\n";
    struct policy_fault fault;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/gate", dir);
    struct gate_setup setup = {.os = os_linux(), .dir = path, .node_name = STR("kr")};
    struct gate_source source = {.name = STR("feed"), .own = true, .assume_until_us = INT64_MAX};
    b->now_us = os_linux()->wall_us(NULL);
    bench_check(gate_open(&setup, &b->gate), "gate");
    bench_check(gate_source_put(b->gate, &source, &by, b->now_us, &b->own), "source");
    bench_check(gate_policy_activate(b->gate, str_of(policy), &by, b->now_us, &fault), "policy");
    bench_check(gate_peer_put(b->gate, STR("us"), STR("us"), STR("US"), bytes_of(NULL, 0), &by, b->now_us,
                              &b->partner),
                "peer");
    bench_check(gate_peer_set(b->gate, b->partner, GATE_PEER_STARTED, false, &by, b->now_us), "start");
    bench_check(gate_commit(b->gate), "commit");
}

static void settle(struct bench *b)
{
    static struct gate_sign_request request;
    struct str notes[16];
    bool more = true;
    int64_t next;
    bench_check(gate_commit(b->gate), "commit");
    while (more)
        bench_check(gate_step(b->gate, b->now_us, &more, &next), "step");
    bench_check(gate_commit(b->gate), "commit");
    while (gate_sign_next(b->gate, b->partner, &request)) {
        for (size_t i = 0; i < request.count; i++)
            notes[i] = STR("unsigned\n");
        bench_check(gate_signed(b->gate, &request, notes, b->now_us), "signed");
        bench_check(gate_commit(b->gate), "commit");
    }
    if (gate_merge_due(b->gate))
        bench_check(gate_merge(b->gate, false), "merge");
}

/* Of our own, and from him by a leaf each. */
static void fill(struct bench *b, uint32_t source, size_t objects, uint64_t seed)
{
    static const uint8_t padding[JSON_PADDING];
    const struct gate_peer *peer = gate_peer_get(b->gate, b->partner);
    struct corpus corpus;
    struct buf text;
    corpus_init(&corpus, seed);
    buf_init(&text, 1u << 20);
    for (size_t i = 0; i < objects; i++) {
        struct gate_submission submission = {.source = source, .leaf = source == peer->source ? i + 1 : 0};
        struct fault fault;
        buf_clear(&text);
        corpus_next(&corpus, &text);
        size_t len = text.len;
        buf_put(&text, padding, sizeof padding);
        bench_check(gate_accept(b->gate, &submission, bytes_of(text.at, len), b->now_us, ignore, b, &fault),
                    "accept");
        if (i % 1000 == 999)
            settle(b);
    }
    settle(b);
    buf_deinit(&text);
}

static double lookups(struct bench *b, uint64_t leaves)
{
    uint32_t source = gate_peer_get(b->gate, b->partner)->source;
    double began = bench_now();
    for (uint64_t i = 0; i < leaves; i++) {
        uint64_t lsn;
        (void)!received_get(b->gate, source, epoch_place(0, i), &lsn);
    }
    store_view_end(b->gate->store);
    return bench_now() - began;
}

/* A block at a time. */
static double walk_bits(struct bench *b, uint64_t leaves, bool given, uint64_t *out_ones)
{
    double began = bench_now();
    *out_ones = 0;
    for (uint64_t from = 0; from < leaves; from += RECONCILE_BLOCK) {
        uint8_t bits[RECONCILE_BITMAP] = {0};
        size_t here = leaves - from < RECONCILE_BLOCK ? leaves - from : RECONCILE_BLOCK;
        bench_check(given ? gate_leaves_given(b->gate, b->partner, from, here, bits)
                          : gate_leaves_held(b->gate, b->partner, 0, from, here, bits),
                    "bits");
        for (size_t i = 0; i < sizeof bits; i++)
            *out_ones += (unsigned)__builtin_popcount(bits[i]);
    }
    return bench_now() - began;
}

/* A tenth is taken back: from then on the state of each object is looked at. */
static void take_back(struct bench *b)
{
    static const char policy[] = "language 1\ndeny addresses if type == ipv4-addr\n"
                                 "release open if tlp <= green and onward to all\n";
    struct policy_fault fault;
    b->now_us = os_linux()->wall_us(NULL);
    bench_check(gate_policy_activate(b->gate, str_of(policy), &by, b->now_us, &fault), "policy");
    settle(b);
    bench_check(gate_merge(b->gate, true), "merge");
}

static void bits(const char *dir, size_t objects)
{
    static struct bench b;
    struct gate_ledger ledger;
    uint64_t ones;
    prepare(&b, dir);
    fill(&b, b.own, objects, 1);
    fill(&b, gate_peer_get(b.gate, b.partner)->source, objects, 2);
    bench_check(gate_merge(b.gate, true), "merge");
    bench_check(gate_ledger(b.gate, b.partner, &ledger), "ledger");
    double floor = lookups(&b, objects) / (double)objects;
    double took = walk_bits(&b, ledger.visible, true, &ones) / (double)ledger.visible;
    bench_check(ones == ledger.visible ? ERR_OK : ERR_CORRUPT, "all are given");
    bench_row("reconcile_given", took * 1e6, "us a leaf", floor * 1e6, took / floor,
              "issuer; floor: a lookup");
    took = walk_bits(&b, objects, false, &ones) / (double)objects;
    bench_check(ones > 0 ? ERR_OK : ERR_CORRUPT, "they are held");
    bench_row("reconcile_held", took * 1e6, "us a leaf", floor * 1e6, took / floor,
              "partner; floor: a lookup");
    take_back(&b);
    took = walk_bits(&b, ledger.visible, true, &ones) / (double)ledger.visible;
    bench_check(ones < ledger.visible ? ERR_OK : ERR_CORRUPT, "some were taken back");
    bench_row("reconcile_given_after", took * 1e6, "us a leaf", floor * 1e6, took / floor,
              "issuer, a tenth taken back; floor: a lookup");
    gate_close(b.gate);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    questions(argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000);
    bits(argv[1], argc > 3 ? strtoull(argv[3], NULL, 10) : 200000);
    return 0;
}
