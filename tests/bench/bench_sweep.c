/* bench_sweep DIR [OBJECTS] [PARTNERS]: what a new policy costs that takes back a tenth of what every partner
 * has.
 *
 * The job: gate_step from the activation until nothing waits to be taken back, denials first; then until
 * everything else is decided anew, the store closed and opened again in the midst of it; then the policy
 * before it again, by which what was taken back goes out. Floor: each object's state read once from the
 * index, in the order of the job. Beside it pages of 100 objects, as TAXII makes them: alone before the
 * activation, and, while the job takes back, after the step that a request would have had to wait for. */
#include <string.h>

#include "bench_out.h"
#include "core/rd.h"
#include "corpus.h"
#include "gate/state.h"

enum { BATCH = 1000, BUNDLE_MAX = 8 << 20, PAGE = 100, SAMPLES = 100000, ALONE = 2000 };

static const char wide[] = "language 1\nrelease open if tlp <= green and onward to all\n";
static const char narrow[] = "language 1\ndeny addresses if type == ipv4-addr\n"
                             "release open if tlp <= green and onward to all\n";
static const struct gate_by by = {{"bench", 5}, {"bench", 5}};

struct bench {
    char path[512];
    struct gate *gate;
    uint32_t source;
    int64_t now_us;
    unsigned partners;
    size_t taken;
    uint64_t draw;
};

static void taken(void *ctx, const struct gate_answer *answer)
{
    struct bench *b = ctx;
    b->taken += answer->disposition == GATE_NEW;
}

static void activate(struct bench *b, const char *policy)
{
    struct policy_fault fault;
    b->now_us = os_linux()->wall_us(NULL);
    bench_check(gate_policy_activate(b->gate, str_of(policy), &by, b->now_us, &fault), "policy");
    bench_check(gate_commit(b->gate), "commit");
}

static void step_all(struct bench *b)
{
    bool more = true;
    int64_t next;
    while (more)
        bench_check(gate_step(b->gate, b->now_us, &more, &next), "step");
    bench_check(gate_commit(b->gate), "commit");
}

static void open_gate(struct bench *b)
{
    struct gate_setup setup = {.os = os_linux(), .dir = b->path, .node_name = STR("kr")};
    bench_check(gate_open(&setup, &b->gate), "gate");
}

static void prepare(struct bench *b, const char *dir)
{
    char name[32];
    (void)snprintf(b->path, sizeof b->path, "%s/gate", dir);
    struct gate_source source = {.name = STR("feed"), .own = true, .assume_until_us = INT64_MAX};
    b->now_us = os_linux()->wall_us(NULL);
    open_gate(b);
    bench_check(gate_source_put(b->gate, &source, &by, b->now_us, &b->source), "source");
    activate(b, wide);
    for (unsigned p = 0; p < b->partners; p++) {
        unsigned index;
        (void)snprintf(name, sizeof name, "partner%u", p);
        bench_check(gate_peer_put(b->gate, str_of(name), STR(""), STR("US"), bytes_of(NULL, 0), &by,
                                  b->now_us, &index),
                    "peer");
        bench_check(gate_peer_set(b->gate, index, GATE_PEER_STARTED, false, &by, b->now_us), "start");
    }
    bench_check(gate_commit(b->gate), "commit");
}

static void fill(struct bench *b, size_t objects)
{
    static const uint8_t padding[JSON_PADDING];
    struct corpus corpus;
    struct buf text;
    corpus_init(&corpus, 1);
    buf_init(&text, BUNDLE_MAX);
    for (size_t done = 0; done < objects; done += BATCH) {
        struct gate_submission submission = {.source = b->source};
        struct fault fault;
        buf_clear(&text);
        corpus_bundle(&corpus, BATCH, &text);
        size_t len = text.len;
        buf_put(&text, padding, sizeof padding);
        bench_check(gate_accept(b->gate, &submission, bytes_of(text.at, len), b->now_us, taken, b, &fault),
                    "accept");
        bench_check(gate_commit(b->gate), "commit");
        step_all(b);
        if (gate_merge_due(b->gate))
            bench_check(gate_merge(b->gate, false), "merge");
    }
    buf_deinit(&text);
}

/* Every leaf is shown: signed by nobody, which no page asks about. */
static void sign(struct bench *b)
{
    static struct gate_sign_request request;
    struct str notes[16];
    for (unsigned p = 0; p < b->partners; p++)
        while (gate_sign_next(b->gate, p, &request)) {
            for (size_t i = 0; i < request.count; i++)
                notes[i] = STR("unsigned\n");
            bench_check(gate_signed(b->gate, &request, notes, b->now_us), "signed");
            bench_check(gate_commit(b->gate), "commit");
            if (gate_merge_due(b->gate))
                bench_check(gate_merge(b->gate, false), "merge");
        }
}

/* --- pages --- */

static bool count_leaf(void *ctx, const struct gate_leaf *leaf)
{
    unsigned *left = ctx;
    (void)leaf;
    return --*left > 0;
}

/* From anywhere, for anybody. False: the job has not come to that part yet, and its reader is told to wait.
 */
static bool page(struct bench *b)
{
    struct gate_ledger ledger;
    unsigned left = PAGE, p;
    b->draw = b->draw * UINT64_C(6364136223846793005) + 1442695040888963407;
    p = (unsigned)(b->draw >> 33) % b->partners;
    bench_check(gate_ledger(b->gate, p, &ledger), "ledger");
    uint64_t from = ledger.visible > PAGE ? (b->draw >> 11) % (ledger.visible - PAGE) : 0;
    err_t err = gate_leaf_objects(b->gate, p, from, count_leaf, &left);
    if (err != ERR_BUSY)
        bench_check(err, "page");
    return err != ERR_BUSY;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double percentile(double *at, size_t count, unsigned percent)
{
    qsort(at, count, sizeof *at, by_value);
    return count == 0 ? 0 : at[(count - 1) * percent / 100];
}

/* --- the job --- */

static double floor_seconds(struct bench *b, size_t *out_states)
{
    struct store_scan *scan;
    struct bytes key, value;
    struct state state;
    err_t err;
    double start = bench_now();
    bench_check(store_scan_open(b->gate->store, TABLE_STATE, bytes_of(NULL, 0), bytes_of(NULL, 0), &scan),
                "scan");
    for (*out_states = 0; (err = store_scan_next(scan, &key, &value)) == ERR_OK; ++*out_states)
        bench_check(state_read(b->gate, value, &state), "state");
    store_scan_close(scan);
    store_view_end(b->gate->store);
    return bench_now() - start;
}

/* Pages asked for while the job runs, and how long those took that were served, with the step before them. */
struct pages {
    double waits[SAMPLES];
    size_t served, sampled, refused;
};

static bool step(struct bench *b)
{
    int64_t next;
    bool more;
    bench_check(gate_step(b->gate, b->now_us, &more, &next), "step");
    bench_check(gate_commit(b->gate), "commit");
    return more;
}

static double take_back(struct bench *b, struct pages *pages)
{
    double seconds = 0;
    while (job_withdraw(b->gate) != NULL) {
        double start = bench_now();
        (void)step(b);
        seconds += bench_now() - start;
        bool served = page(b);
        pages->served += served;
        pages->refused += !served;
        if (served && pages->sampled < SAMPLES)
            pages->waits[pages->sampled++] = bench_now() - start;
        start = bench_now(); /* a node does this in a thread: it costs the job, and no page waits for it */
        if (gate_merge_due(b->gate))
            bench_check(gate_merge(b->gate, false), "merge");
        seconds += bench_now() - start;
    }
    return seconds;
}

/* How far the first job has come, of all positions that it looks at. */
static double progress(const struct bench *b)
{
    const struct job *job = &b->gate->jobs[0];
    return b->gate->job_count == 0 || job->until == 0 ? 1 : (double)job->cursor / (double)job->until;
}

struct restart {
    double seconds, before, after; /* how long opening took; progress */
};

/* What is left of the job; `restart`: in the midst of it the store is closed and opened. */
static double decide_rest(struct bench *b, struct restart *restart)
{
    double seconds = 0;
    bool more = true;
    while (more) {
        double start = bench_now();
        more = step(b);
        if (gate_merge_due(b->gate))
            bench_check(gate_merge(b->gate, false), "merge");
        seconds += bench_now() - start;
        if (restart == NULL || restart->seconds > 0 || progress(b) < 0.5)
            continue;
        restart->before = progress(b);
        gate_close(b->gate);
        start = bench_now();
        open_gate(b);
        restart->seconds = bench_now() - start;
        restart->after = progress(b);
    }
    return seconds;
}

static void rest_row(struct bench *b, double best)
{
    struct restart restart = {0};
    char note[240];
    double rate = (double)b->taken / decide_rest(b, &restart);
    (void)snprintf(note, sizeof note,
                   "all that is not taken back, decided anew; closed at %.1f %%, opened in %.2f s at %.1f %%",
                   100 * restart.before, restart.seconds, 100 * restart.after);
    bench_row("sweep_decide_anew", rate, "objects/s", best, rate / best, note);
}

static void back_row(struct bench *b, double best)
{
    struct gate_ledger before, after;
    char note[240];
    bench_check(gate_ledger(b->gate, 0, &before), "ledger");
    activate(b, wide);
    double rate = (double)b->taken / decide_rest(b, NULL);
    bench_check(gate_ledger(b->gate, 0, &after), "ledger");
    (void)snprintf(note, sizeof note,
                   "under the policy of before: %llu of %zu objects go to each partner again",
                   (unsigned long long)(after.size - before.size), b->taken);
    bench_row("sweep_give_again", rate, "objects/s", best, rate / best, note);
}

int main(int argc, char **argv)
{
    static double alone[ALONE];
    static struct pages pages;
    struct bench b = {.draw = 1};
    char note[240];
    size_t states;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_sweep DIR [OBJECTS] [PARTNERS]\n");
        return 2;
    }
    size_t objects = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
    b.partners = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : LIMIT_PARTNERS;
    bench_check(sign_start(), "sodium");
    prepare(&b, argv[1]);
    fill(&b, objects);
    sign(&b);
    for (unsigned i = 0; i < ALONE; i++) {
        double start = bench_now();
        bench_check(page(&b) ? ERR_OK : ERR_BUSY, "page alone");
        alone[i] = bench_now() - start;
    }
    double floor = floor_seconds(&b, &states);
    activate(&b, narrow);
    double seconds = take_back(&b, &pages);
    double rate = (double)states / seconds, best = (double)states / floor;
    (void)snprintf(note, sizeof note,
                   "%zu objects, %u partners; at 10,000,000 it would take %.0f s, its floor %.0f s", b.taken,
                   b.partners, 1e7 / rate, 1e7 / best);
    bench_row("sweep_take_back", rate, "objects/s", best, rate / best, note);
    double before = percentile(alone, ALONE, 99), beside = percentile(pages.waits, pages.sampled, 99);
    (void)snprintf(note, sizeof note,
                   "page of %d objects and the step before it; floor: pages alone; median %.2f, alone %.2f; "
                   "%zu pages served, %zu refused because the job had not come to them",
                   PAGE, 1e3 * percentile(pages.waits, pages.sampled, 50), 1e3 * percentile(alone, ALONE, 50),
                   pages.served, pages.refused);
    bench_row("sweep_page_p99", 1e3 * beside, "ms", 1e3 * before, beside / before, note);
    rest_row(&b, best);
    back_row(&b, best);
    gate_close(b.gate);
    return 0;
}
