/* What many objects that speak of each other cost: how often an object is read from the log, counted. Any
 * partner can send chains and fans of them. */
#include "acts.h"
#include "gate/recall.h"
#include "gate/state.h"

enum { BATCH = 1000 };

static const char all[] = "language 1\ndeny s if tag stop to us-cisa\nrelease r if tlp <= green to all\n";
static const char none[] = "language 1\ndeny n if type == indicator\nrelease r if tlp <= green to all\n";

enum shape { CHAIN, BACKWARDS, FAN, NOTES };

struct reading {
    uint64_t all, most; /* objects read, and by one step */
    size_t steps;
};

static void begin(struct node *n)
{
    node_init(n, all);
    (void)bench_source(&n->b, "own", STIX_TLP_GREEN, true, false);
}

static struct reading settle(struct node *n)
{
    struct reading found = {0};
    bool more = true;
    int64_t next;
    while (more) {
        uint64_t before = n->b.gate->opened;
        n->b.now_us += 1000;
        assert_int_equal(gate_step(n->b.gate, n->b.now_us, &more, &next), ERR_OK);
        uint64_t read = n->b.gate->opened - before;
        found.all += read;
        found.most = read > found.most ? read : found.most;
        found.steps++;
    }
    assert_int_equal(gate_commit(n->b.gate), ERR_OK);
    return found;
}

static void put_translation(struct buf *out, int number, const char *type, int about)
{
    char id[ID_MAX], target[ID_MAX];
    buf_printf(out,
               "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-"
               "01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"object_ref\":\"%s\","
               "\"contents\":{\"ko\":{\"name\":\"t\"}}}",
               id_of(id, "language-content", number), id_of(target, type, about));
}

static void put_note(struct buf *out, int number)
{
    char id[ID_MAX], target[ID_MAX];
    buf_printf(out,
               "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-01T00:00:00."
               "000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"content\":\"c\",\"object_refs\":[\"%s\"]}",
               id_of(id, "note", number), id_of(target, "indicator", 1));
}

/* Number `i` of `count` of the others, from 1: all of a chain speak of the indicator through those before. */
static void put_other(struct buf *out, enum shape shape, int i, int count)
{
    int number = shape == BACKWARDS ? count + 1 - i : i;
    if (shape == NOTES)
        put_note(out, number);
    else if (shape == FAN || number == 1)
        put_translation(out, number, "indicator", 1);
    else
        put_translation(out, number, "language-content", number - 1);
}

static void take_in(struct node *n, struct buf *text)
{
    buf_printf(text, "]}");
    assert_int_equal(buf_err(text), ERR_OK);
    assert_int_equal(bench_accept(&n->b, n->own, (const char *)text->at, text->len), ERR_OK);
}

static void open_bundle(struct buf *text)
{
    buf_clear(text);
    buf_printf(text,
               "{\"type\":\"bundle\",\"id\":\"bundle--00000000-0000-4000-8000-000000000000\",\"objects\":[");
}

/* An indicator, and so many others; what reading these costs. */
static struct reading send(struct node *n, enum shape shape, int count)
{
    struct reading sum = {0}, one;
    struct buf text;
    char first[TEXT_MAX];
    (void)bench_add(&n->b, n->own, indicator(first, 1, 1, ",\"name\":\"n\""));
    (void)settle(n);
    buf_init(&text, 4 << 20);
    for (int i = 1; i <= count;) {
        open_bundle(&text);
        for (int k = 0; k < BATCH && i <= count; k++, i++) {
            buf_printf(&text, k == 0 ? "" : ",");
            put_other(&text, shape, i, count);
        }
        take_in(n, &text);
        one = settle(n);
        sum.all += one.all;
        sum.most = one.most > sum.most ? one.most : sum.most;
        sum.steps += one.steps;
    }
    buf_deinit(&text);
    return sum;
}

static void print(const char *what, int count, struct reading found)
{
    print_message("# %s, %d: %zu read, at most %zu by one of %zu steps\n", what, count, (size_t)found.all,
                  (size_t)found.most, found.steps);
}

/* By a tag, to one partner. */
static struct reading deny_first(struct node *n, bool denied)
{
    struct stix_key first = key_of("indicator", 1);
    assert_int_equal(gate_tag(n->b.gate, &first, STR("stop"), denied, &by_test, n->b.now_us), ERR_OK);
    return settle(n);
}

/* As many as are sent are read, a few times each, whatever speaks of what; then what all of it is about is
 * denied to one partner, and is no more, and a policy denies it to everybody. */
static void costs(enum shape shape, const char *what, int count)
{
    struct node n;
    begin(&n);
    struct reading found = send(&n, shape, count);
    print(what, count, found);
    /* Beyond LIMIT_TRANSLATED nobody knows what all of it speaks of. */
    bool chain = shape == CHAIN || shape == BACKWARDS;
    size_t some = chain && count >= LIMIT_TRANSLATED ? LIMIT_TRANSLATED - 1 : (size_t)count;
    assert_int_equal(bench_tally(&n.b, n.jp).released, 1 + some);
    uint64_t most = 16u * (uint64_t)count + 2000;
    assert_true(found.all <= most);
    found = deny_first(&n, true);
    print("denied", count, found);
    assert_int_equal(bench_tally(&n.b, n.us).released, shape == NOTES ? some : 0);
    assert_int_equal(bench_tally(&n.b, n.jp).released, 1 + some);
    assert_true(found.all <= most);
    found = deny_first(&n, false);
    print("denied no more", count, found);
    assert_int_equal(bench_tally(&n.b, n.us).released, 1 + some);
    assert_true(found.all <= most);
    bench_policy_text(&n.b, none);
    found = settle(&n);
    print("a policy", count, found);
    assert_true(found.all <= 2 * most);
    assert_int_equal(bench_tally(&n.b, n.jp).released, shape == NOTES ? some : 0);
    bench_deinit(&n.b);
}

static void chains_cost_what_their_length_says(void **state)
{
    (void)state;
    for (int count = 100; count <= 10000; count *= 10) {
        costs(CHAIN, "a chain", count);
        if (count < 10000)
            costs(BACKWARDS, "a chain from its end", count);
    }
}

static void fans_cost_what_their_width_says(void **state)
{
    (void)state;
    for (int count = 100; count <= 10000; count *= 10) {
        costs(FAN, "translations of one", count);
        costs(NOTES, "notes on one", count);
    }
}

/* Links of chains that have nothing in common, each with a number of its own; `link` 1 speaks of the
 * indicator. */
enum { CHAINS = 40, LENGTH = 250 };

static void put_link(struct buf *out, int chain, int link)
{
    int number = chain * 1000 + link;
    put_translation(out, number, link == 1 ? "indicator" : "language-content", link == 1 ? 1 : number - 1);
}

static struct reading send_links(struct node *n, int first, int last)
{
    struct reading found = {0};
    struct buf text;
    buf_init(&text, 4 << 20);
    for (int chain = 1; chain <= CHAINS; chain += last == first ? CHAINS : 1) {
        int sent = 0;
        open_bundle(&text);
        for (int of = chain; of <= (last == first ? CHAINS : chain); of++)
            for (int link = first; link <= last; link++) {
                buf_printf(&text, sent++ == 0 ? "" : ",");
                put_link(&text, of, link);
            }
        take_in(n, &text);
        found = settle(n);
    }
    buf_deinit(&text);
    return found;
}

/* The next link of each of many chains, at once: a step looks at as many as it can, and leaves the others. */
static void no_step_reads_more_than_its_share(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    begin(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"n\""));
    (void)send_links(&n, 1, LENGTH);
    struct reading found = send_links(&n, LENGTH + 1, LENGTH + 1);
    print("ends of chains", CHAINS, found);
    const uint64_t share = LIMIT_STEP_OPENED + 4 * LIMIT_TRANSLATED;
    assert_true(found.all > 2 * share);
    assert_true(found.most <= share);
    assert_int_equal(bench_tally(&n.b, n.us).released, 1 + CHAINS * (LENGTH + 1));
    bench_policy_text(&n.b, none);
    found = settle(&n);
    print("a policy", CHAINS * (LENGTH + 1), found);
    assert_true(found.most <= share);
    assert_int_equal(bench_tally(&n.b, n.us).released, 0);
    bench_deinit(&n.b);
}

static const char *version(char out[TEXT_MAX], int number, int second, const char *type, int about)
{
    char id[ID_MAX], target[ID_MAX];
    (void)snprintf(
        out, TEXT_MAX,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-"
        "01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:%02d:%02d.000Z\",\"object_ref\":\"%s\","
        "\"contents\":{\"ko\":{\"name\":\"t\"}}}",
        id_of(id, "language-content", number), second / 60, second % 60, id_of(target, type, about));
    return out;
}

/* A translation that left, and of which nobody knows any more what all of it speaks of, since that is more
 * than is looked at: what is known to be denied takes it back all the same. */
static void what_is_lost_is_taken_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    begin(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"n\""));
    (void)bench_add(&n.b, n.own, version(text, 1, 1, "indicator", 1));
    (void)bench_add(&n.b, n.own, version(text, 2, 1, "language-content", 1));
    (void)settle(&n);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 2));
    for (int i = 2; i <= LIMIT_COPIES; i++)
        (void)bench_add(&n.b, n.own, version(text, 1, i, "indicator", 1));
    for (int i = 2; i <= 2 * LIMIT_TRANSLATED - LIMIT_COPIES - LIMIT_COPIES; i++)
        (void)bench_add(&n.b, n.own, indicator(text, 1, i, ",\"name\":\"n\""));
    (void)settle(&n);
    (void)bench_add(&n.b, n.own, version(text, 3, 1, "language-content", 1));
    (void)settle(&n);
    assert_false(bench_is_released(&n.b, n.us, "language-content", 3));
    assert_true(bench_is_released(&n.b, n.us, "language-content", 2));
    (void)deny_first(&n, true);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    assert_false(bench_is_released(&n.b, n.us, "language-content", 2));
    assert_true(bench_is_released(&n.b, n.jp, "language-content", 2));
    bench_deinit(&n.b);
}

/* However much else partners have, what is called back goes back first, and nothing else is looked at. */
static void a_recall_costs_what_it_is_about(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    struct node n;
    struct gate_recalled told;
    struct buf text;
    char one[TEXT_MAX];
    begin(&n);
    buf_init(&text, 4 << 20);
    open_bundle(&text);
    for (int i = 1; i <= COUNT; i++)
        buf_printf(&text, "%s%s", i == 1 ? "" : ",", indicator(one, i, 1, ""));
    take_in(&n, &text);
    buf_deinit(&text);
    (void)settle(&n);
    (void)bench_add(&n.b, n.own, indicator(one, COUNT + 1, 1, ""));
    uint64_t lsn = n.b.last_lsn;
    (void)settle(&n);
    assert_int_equal(bench_tally(&n.b, n.us).released, COUNT + 1);
    gate_recall_budget(n.b.gate, 1);
    assert_int_equal(gate_recall(n.b.gate, &lsn, 1, n.b.now_us + HOUR, &by_test, false, n.b.now_us, &told),
                     ERR_OK);
    struct reading found = settle(&n);
    print("a recall among others", COUNT, found);
    assert_true(found.all < 20);
    assert_int_equal(bench_tally(&n.b, n.us).released, COUNT);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recall_costs_what_it_is_about),
        cmocka_unit_test(chains_cost_what_their_length_says),
        cmocka_unit_test(fans_cost_what_their_width_says),
        cmocka_unit_test(no_step_reads_more_than_its_share),
        cmocka_unit_test(what_is_lost_is_taken_back),
    };
    return cmocka_run_group_tests_name("gate chains", tests, NULL, NULL);
}
