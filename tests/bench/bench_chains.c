/* bench_chains DIR [OBJECTS]: what translations of translations, and many objects about one, cost the gate.
 * Any partner can send them.
 *
 * Shapes: a chain, each a translation of the one before, sent from its head and from its tail; a fan of
 * translations, and one of notes, about one object. Each is decided as it comes; then an operator denies what
 * all of it is about, and a policy comes that denies all of it. The floor: as many notes that speak of
 * nothing in common. Beside it the longest step, for which whoever asks for a page has to wait. */
#include <string.h>

#include "bench_out.h"
#include "core/rd.h"
#include "gate/state.h"

enum { BATCH = 1000, OBJECT_MAX = 1024, BUNDLE_MAX = BATCH * OBJECT_MAX };

static const char wide[] = "language 1\nrelease open if tlp <= green to all\n";
static const char narrow[] =
    "language 1\ndeny first if type == indicator\nrelease open if tlp <= green to all\n";
static const struct gate_by by = {{"bench", 5}, {"bench", 5}};

enum shape { ALONE, CHAIN, CHAIN_BACK, FAN, NOTES, SHAPES };
static const char *const names[SHAPES] = {"alone", "chain", "chain_back", "translations", "notes"};

struct bench {
    struct gate *gate;
    uint32_t source;
    int64_t now_us;
    unsigned partner;
    double seconds, longest; /* of steps, since they were cleared */
};

static void take(void *ctx, const struct gate_answer *answer)
{
    (void)ctx;
    bench_check(answer->disposition == GATE_NEW ? ERR_OK : ERR_INVALID, "object");
}

static void step_all(struct bench *b)
{
    bool more = true;
    int64_t next;
    while (more) {
        double start = bench_now();
        b->now_us += 1000;
        bench_check(gate_step(b->gate, b->now_us, &more, &next), "step");
        bench_check(gate_commit(b->gate), "commit");
        double took = bench_now() - start;
        b->seconds += took;
        b->longest = took > b->longest ? took : b->longest;
    }
    if (gate_merge_due(b->gate))
        bench_check(gate_merge(b->gate, false), "merge");
}

static void activate(struct bench *b, const char *policy)
{
    struct policy_fault fault;
    bench_check(gate_policy_activate(b->gate, str_of(policy), &by, b->now_us, &fault), "policy");
    bench_check(gate_commit(b->gate), "commit");
}

static void prepare(struct bench *b, const char *dir, enum shape shape)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, names[shape]);
    struct gate_setup setup = {.os = os_linux(), .dir = path, .node_name = STR("kr")};
    struct gate_source source = {.name = STR("feed"), .assume = STIX_TLP_GREEN, .assume_until_us = INT64_MAX};
    *b = (struct bench) {.now_us = os_linux()->wall_us(NULL)};
    bench_check(gate_open(&setup, &b->gate), "gate");
    bench_check(gate_source_put(b->gate, &source, &by, b->now_us, &b->source), "source");
    activate(b, wide);
    bench_check(gate_peer_put(b->gate, STR("partner"), STR(""), STR("US"), bytes_of(NULL, 0), &by, b->now_us,
                              &b->partner),
                "peer");
    bench_check(gate_peer_set(b->gate, b->partner, GATE_PEER_STARTED, false, &by, b->now_us), "start");
    bench_check(gate_commit(b->gate), "commit");
}

/* --- objects --- */

static void put_head(struct buf *out, const char *type, size_t n)
{
    buf_printf(out,
               "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s--00000000-0000-4000-8000-%012zu\","
               "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\"",
               type, type, n);
}

static void put_first(struct buf *out)
{
    put_head(out, "indicator", 0);
    buf_printf(out,
               ",\"pattern\":\"[url:value = 'http://t.test/']\",\"pattern_type\":\"stix\",\"name\":\"n\","
               "\"valid_from\":\"2026-01-01T00:00:00Z\"}");
}

/* Number `n` of `count`, from 1. */
static void put_object(struct buf *out, enum shape shape, size_t n, size_t count)
{
    bool notes = shape == ALONE || shape == NOTES;
    size_t own = shape == CHAIN_BACK ? count + 1 - n : n, about = own - 1;
    const char *type = shape == FAN || notes || about == 0 ? "indicator" : "language-content";
    put_head(out, notes ? "note" : "language-content", own);
    if (notes)
        buf_printf(out, ",\"content\":\"c\",\"object_refs\":[\"identity--00000000-0000-4000-8000-%012zu\"",
                   n);
    if (shape == NOTES)
        buf_printf(out, ",\"indicator--00000000-0000-4000-8000-%012d\"", 0);
    if (notes)
        buf_printf(out, "]}");
    else
        buf_printf(out,
                   ",\"object_ref\":\"%s--00000000-0000-4000-8000-%012zu\",\"contents\":{\"ko\":{\"name\":"
                   "\"t\"}}}",
                   type, shape == FAN ? 0 : about);
}

static void send(struct bench *b, struct buf *text)
{
    static const uint8_t padding[JSON_PADDING];
    struct gate_submission submission = {.source = b->source};
    struct fault fault;
    buf_printf(text, "]}");
    size_t len = text->len;
    buf_put(text, padding, sizeof padding);
    bench_check(buf_err(text), "text");
    bench_check(gate_accept(b->gate, &submission, bytes_of(text->at, len), b->now_us, take, b, &fault),
                "accept");
    bench_check(gate_commit(b->gate), "commit");
    step_all(b);
}

static void begin(struct buf *text)
{
    buf_clear(text);
    buf_printf(text,
               "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000000\",\"objects\":[");
}

static void fill(struct bench *b, enum shape shape, size_t count)
{
    struct buf text;
    buf_init(&text, BUNDLE_MAX);
    begin(&text);
    put_first(&text);
    send(b, &text);
    b->seconds = b->longest = 0;
    for (size_t n = 1; n <= count;) {
        begin(&text);
        for (size_t i = 0; i < BATCH && n <= count; i++, n++) {
            buf_printf(&text, i == 0 ? "" : ",");
            put_object(&text, shape, n, count);
        }
        send(b, &text);
    }
    buf_deinit(&text);
}

/* --- figures --- */

static void report(const struct bench *b, enum shape shape, const char *what, size_t count, double floor)
{
    char name[64], note[160];
    (void)snprintf(name, sizeof name, "%s_%s_%zu", names[shape], what, count);
    (void)snprintf(note, sizeof note, "longest step %.0f ms; floor: notes that have nothing in common",
                   1e3 * b->longest);
    bench_row(name, b->seconds, "s", floor, b->seconds / floor, note);
}

static void deny_first(struct bench *b)
{
    struct stix_key first;
    bench_check(stix_key_from_id(STR("indicator--00000000-0000-4000-8000-000000000000"), &first, NULL),
                "key");
    bench_check(gate_approve(b->gate, &first, b->partner, GATE_DENY, 0, &by, b->now_us), "deny");
    bench_check(gate_commit(b->gate), "commit");
}

/* Arrival, an operator's no, a policy. */
enum { ARRIVES, DENIED, SWEPT, ACTS };
static const char *const acts[ACTS] = {"arrive", "deny", "policy"};

static void live(const char *dir, enum shape shape, size_t count, double floors[ACTS])
{
    struct bench b;
    prepare(&b, dir, shape);
    for (int act = ARRIVES; act < ACTS; act++) {
        if (act == ARRIVES)
            fill(&b, shape, count);
        else if (act == DENIED)
            deny_first(&b);
        else
            activate(&b, narrow);
        if (act != ARRIVES) {
            b.seconds = b.longest = 0;
            step_all(&b);
        }
        if (shape == ALONE)
            floors[act] = b.seconds;
        report(&b, shape, acts[act], count, floors[act]);
    }
    gate_close(b.gate);
}

int main(int argc, char **argv)
{
    double floors[ACTS];
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_chains DIR [OBJECTS]\n");
        return 2;
    }
    size_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000;
    bench_check(sign_start(), "sodium");
    for (int shape = 0; shape < SHAPES; shape++)
        live(argv[1], (enum shape)shape, count, floors);
    return 0;
}
