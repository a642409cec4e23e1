/* bench_overlap DIR [NAMES [OBJECTS]]: what patterns cost that are walked over a list of so many names
 * (gate/overlap.h).
 *
 * First single patterns: how many steps, and milliseconds, when nothing bounds them. Then so many indicators
 * of one source in a row: the longest that one is taken in for, all of them, and how many could not be told.
 * The floor: indicators of values that are looked up. */
#include <string.h>

#include "bench_out.h"
#include "core/mem.h"
#include "gate/list.h"
#include "gate/overlap.h"
#include "gate/safety.h"
#include "json/json.h"

enum { OBJECT_MAX = 4096 };

static const struct gate_by by = {{"bench", 5}, {"bench", 5}};

/* Names as people have them: two or three labels of some letters. */
static void put_names(struct buf *out, size_t count)
{
    static const char *const ends[] = {"com", "net", "org", "co.kr", "de", "io", "example"};
    uint64_t seed = 1;
    for (size_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t bits = seed >> 20;
        for (unsigned k = 0; k < 6 + bits % 7; k++)
            buf_putc(out, (char)('a' + (int)((seed >> (8 + 4 * k)) % 26)));
        buf_printf(out, "%zu.%s\n", i, ends[bits % 7]);
    }
}

static const struct asked {
    const char *what;
    enum overlap_place place;
    bool like;
    const char *pattern; /* as STIX writes it */
} rows[] = {
    {"tail", OVERLAP_NAME, true, "%.evil.example"},
    {"url", OVERLAP_URL, true, "http://%.evil.example/gate.php"},
    {"url_begin", OVERLAP_URL, true, "http://evil.example/%/gate.php"},
    {"url_any", OVERLAP_URL, true, "%/gate.php"},
    {"middle", OVERLAP_NAME, true, "%evil%"},
    {"url_middle", OVERLAP_URL, true, "%evil%"},
    {"regex", OVERLAP_NAME, false, "^[a-z]{3,12}[0-9]+[.]evil[.]xyz$"},
    {"dga", OVERLAP_NAME, false, "^[bcdf]{4,9}[0-9]{2}[.](com|net|org)$"},
    {"hostile", OVERLAP_URL, true, "%q_%z_%j_%"},
    {"hostile_states", OVERLAP_URL, false, "[a-m][a-z]{5}zz"},
};

static void one_pattern(const struct list *list, const struct asked *row)
{
    struct overlap overlap;
    uint64_t steps = UINT64_C(1) << 40;
    char note[128];
    double start = bench_now();
    overlap_open(&overlap, row->place, str_of(row->pattern), row->like, &steps);
    bool hit = overlap_hits(&overlap, list), lost = overlap_lost(&overlap);
    overlap_close(&overlap);
    double took = bench_now() - start;
    (void)snprintf(note, sizeof note, "%.1f ms, %s", took * 1e3,
                   lost  ? "cannot be told"
                   : hit ? "hit"
                         : "no hit");
    bench_row(row->what, (double)((UINT64_C(1) << 40) - steps), "steps", 0, 0, note);
}

struct intake {
    struct gate *gate;
    uint32_t source;
    int64_t now_us;
    double longest, all;
};

static void take(void *ctx, const struct gate_answer *answer)
{
    (void)ctx;
    bench_check(answer->disposition == GATE_NEW ? ERR_OK : ERR_INVALID, "object");
}

static void take_in(struct intake *in, unsigned number, const char *pattern)
{
    char text[OBJECT_MAX] = {0};
    struct fault fault;
    struct gate_submission submission = {.source = in->source};
    int len =
        snprintf(text, sizeof text - JSON_PADDING,
                 "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%08x-0000-4000-8000-"
                 "%012x\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                 "\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"pattern\":\"%s\","
                 "\"object_marking_refs\":[\"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb\"]}",
                 in->source, number, pattern);
    double start = bench_now();
    bench_check(
        gate_accept(in->gate, &submission, bytes_of(text, (size_t)len), in->now_us, take, NULL, &fault),
        "accept");
    double took = bench_now() - start;
    in->longest = took > in->longest ? took : in->longest;
    in->all += took;
}

static void count_rule(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    uint64_t *held = ctx;
    if (str_eq(name, STR("built-in.safety")) && effect == POLICY_HOLD)
        *held += count;
}

static void many(struct gate *gate, unsigned partner, const char *name, const char *pattern, unsigned count)
{
    struct intake in = {.gate = gate, .now_us = INT64_C(1800000000000000)};
    struct gate_source source = {.name = str_of(name), .own = true, .assume_until_us = INT64_MAX};
    uint64_t before = 0, held = 0;
    char row[64], note[128];
    bool more = true;
    int64_t next;
    bench_check(gate_tally_rules(gate, partner, count_rule, &before), "tally");
    bench_check(gate_source_put(gate, &source, &by, in.now_us, &in.source), "source");
    for (unsigned i = 0; i < count; i++)
        take_in(&in, i, pattern);
    bench_check(gate_commit(gate), "commit");
    while (more) {
        bench_check(gate_step(gate, in.now_us, &more, &next), "step");
        bench_check(gate_commit(gate), "commit");
    }
    bench_check(gate_tally_rules(gate, partner, count_rule, &held), "tally");
    (void)snprintf(row, sizeof row, "%s_longest", name);
    (void)snprintf(note, sizeof note, "%u in %.2f s, %llu held", count, in.all,
                   (unsigned long long)(held - before));
    bench_row(row, in.longest * 1e3, "ms", 0, 0, note);
}

static void open_gate(const char *dir, const struct buf *names, struct gate **out, unsigned *out_partner)
{
    struct fault fault;
    struct policy_fault wrong;
    unsigned parts = 0;
    struct gate_setup setup = {.os = os_linux(), .dir = dir, .node_name = STR("kr")};
    bench_check(gate_open(&setup, out), "open");
    bench_check(gate_peer_put(*out, STR("us"), STR("us"), STR("US"), bytes_of(NULL, 0), &by, 1, out_partner),
                "peer");
    bench_check(gate_peer_set(*out, *out_partner, GATE_PEER_STARTED, false, &by, 1), "peer");
    bench_check(
        gate_policy_activate(*out, STR("language 1\nrelease open if tlp <= green to all\n"), &by, 1, &wrong),
        "policy");
    for (size_t at = 0; at < names->len; at += LIMIT_LIST_PART_BYTES, parts++) {
        size_t len = names->len - at < LIMIT_LIST_PART_BYTES ? names->len - at : LIMIT_LIST_PART_BYTES;
        bench_check(gate_list_part(*out, STR("names"), parts, bytes_of(names->at + at, len), &by, 1), "part");
    }
    bench_check(gate_list_put(*out, STR("names"), GATE_LIST_DOMAIN, parts, &by, 1, &fault), "list");
    bench_check(gate_commit(*out), "commit");
}

int main(int argc, char **argv)
{
    struct gate *gate;
    unsigned partner;
    struct buf names;
    struct arena arena;
    const struct list *list;
    struct fault fault;
    size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000;
    unsigned objects = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 100;
    if (argc < 2)
        return 2;
    buf_init(&names, LIMIT_LIST_BYTES);
    arena_init(&arena, UINT64_C(400) << 20);
    put_names(&names, count);
    open_gate(argv[1], &names, &gate, &partner);
    many(gate, partner, "values", "[domain-name:value = 'evil.example']", objects);
    many(gate, partner, "tails", "[domain-name:value LIKE '%.evil.example']", objects);
    many(gate, partner, "urls", "[url:value LIKE 'http://evil.example/%/gate.php']", objects);
    many(
        gate, partner, "hostile",
        "[url:value LIKE '%evil1%' OR url:value LIKE '%evil2%' OR url:value LIKE '%evil3%' OR url:value LIKE "
        "'%evil4%' OR url:value LIKE '%evil5%' OR url:value LIKE '%evil6%' OR url:value LIKE '%evil7%']",
        objects);
    gate_close(gate);
    (void)buf_extend(&names, JSON_PADDING);
    bench_check(
        list_read(GATE_LIST_DOMAIN, bytes_of(names.at, names.len - JSON_PADDING), &arena, &list, &fault),
        "list");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        one_pattern(list, &rows[i]);
    arena_deinit(&arena);
    buf_deinit(&names);
    return 0;
}
