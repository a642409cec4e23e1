/* A view that is pushed to servers as they are: what goes is what the view shows, in order, once; what a
 * server does not take is counted with its words; what it leaves open is asked for. */
#include "pull.h"

static const char empty_root[] = "{\"title\":\"far\",\"versions\":[\"application/taxii+json;version=2.1\"],"
                                 "\"max_content_length\":100000}";

struct push_bench {
    struct pull p;
    unsigned partner;
    uint32_t desk;
    char posted[1 << 20]; /* all bodies, a line each */
    size_t posts;
};

static void open_push(struct push_bench *t, const struct feed_setting *more, size_t count)
{
    struct fault fault = {0};
    struct pull *p = &t->p;
    memset(t, 0, sizeof *t);
    bench_init(&p->bench);
    t->desk = bench_source(&p->bench, "desk", STIX_TLP_CLEAR, true, false);
    t->partner = bench_partner(&p->bench, "kr");
    bench_policy(&p->bench);
    p->conf = (struct feed_conf) {.name = STR("out"),
                                  .kind = feed_kind_find(STR("taxii21-push")),
                                  .url = STR("https://far.example/api1/collections/one/"),
                                  .every_s = 900,
                                  .options = {{STR("audience"), STR("kr")}},
                                  .option_count = 1 + count};
    for (size_t i = 0; i < count; i++)
        p->conf.options[1 + i] = more[i];
    assert_int_equal(feed_conf_put(p->bench.gate, &p->conf, &by_test, p->bench.now_us, &fault), ERR_OK);
    pull_open(p);
}

static void add(struct push_bench *t, int n, int version, const char *more)
{
    char text[TEXT_MAX];
    assert_int_equal(bench_add(&t->p.bench, t->desk, indicator(text, n, version, more)), GATE_NEW);
}

static void release(struct push_bench *t)
{
    bench_settle(&t->p.bench);
    bench_sign(&t->p.bench);
}

/* The next call; its body is remembered when it is a POST. */
static bool step(struct push_bench *t)
{
    if (!pull_step(&t->p))
        return false;
    if (t->p.call.method == EXCHANGE_POST) {
        size_t len = strlen(t->posted);
        t->posts++;
        assert_in_range(len + t->p.call.body.len, 0, sizeof t->posted - 2);
        memcpy(t->posted + len, t->p.call.body.at, t->p.call.body.len);
        t->posted[len + t->p.call.body.len] = '\n';
    }
    return true;
}

static bool is_root(const struct push_bench *t)
{
    return strcmp(t->p.target, "/api1/") == 0;
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    return count;
}

/* How often an object stood in what was posted. */
static size_t times(const struct push_bench *t, int n)
{
    char id[ID_MAX], member[ID_MAX + 8];
    (void)snprintf(member, sizeof member, "\"id\":\"%s\"", id_of(id, "indicator", n));
    return count_of(t->posted, member);
}

static size_t last_body(const struct push_bench *t)
{
    char body[1 << 16];
    assert_in_range(t->p.call.body.len, 0, sizeof body - 1);
    memcpy(body, t->p.call.body.at, t->p.call.body.len);
    body[t->p.call.body.len] = '\0';
    return count_of(body, "\"id\":");
}

static void answer_status(struct push_bench *t, unsigned code, const char *word, size_t ok, size_t failed,
                          size_t left, const char *failures)
{
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "{\"id\":\"2d086da7-4bdc-4f91-900e-d77486753710\",\"status\":\"%s\",\"total_count\":%zu,"
                   "\"success_count\":%zu,\"failure_count\":%zu,\"pending_count\":%zu,\"failures\":[%s]}",
                   word, ok + failed + left, ok, failed, left, failures);
    pull_answer(&t->p, code, NULL, 0, text);
}

/* A server that takes all. */
static void run_good(struct push_bench *t)
{
    while (step(t)) {
        if (t->p.call.method == EXCHANGE_POST)
            answer_status(t, 202, "complete", last_body(t), 0, 0, "");
        else
            pull_answer(&t->p, 200, NULL, 0, empty_root);
        pull_commit(&t->p);
    }
}

static void in_order_and_once(void **state)
{
    struct push_bench *t = *state;
    struct feed_setting limit[] = {{STR("limit"), STR("10")}};
    open_push(t, limit, 1);
    for (int n = 0; n < 25; n++)
        add(t, n, 0, n == 7 ? MARKED(TLP_RED) : "");
    release(t);
    run_good(t);
    assert_int_equal(t->posts, 3);
    assert_int_equal(pull_status(&t->p).counts.pushed, 24);
    char text[TEXT_MAX];
    const char *before = t->posted;
    for (int n = 0; n < 25; n++) {
        const char *at = strstr(t->posted, indicator(text, n, 0, n == 7 ? MARKED(TLP_RED) : ""));
        if (n == 7) {
            assert_null(at); /* the policy keeps it */
            continue;
        }
        assert_non_null(at); /* byte for byte */
        assert_true(at > before);
        before = at;
        assert_int_equal(times(t, n), 1);
    }
    /* Nothing is new: nothing is asked. */
    size_t calls = t->p.calls;
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(t->p.calls, calls);
    /* And only the new one after a restart. */
    pull_restart(&t->p);
    add(t, 100, 0, "");
    release(t);
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(t->posts, 4);
    assert_int_equal(pull_status(&t->p).counts.pushed, 25);
    assert_int_equal(times(t, 3), 1);
    assert_int_equal(times(t, 100), 1);
    pull_deinit(&t->p);
}

/* What is decided and not signed does not go. */
static void nothing_unsigned(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    add(t, 1, 0, "");
    bench_settle(&t->p.bench);
    run_good(t);
    assert_int_equal(t->p.calls, 0);
    pull_commit(&t->p);
    bench_sign(&t->p.bench);
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(times(t, 1), 1);
    pull_deinit(&t->p);
}

static void paused_and_stopped(void **state)
{
    struct push_bench *t = *state;
    struct bench *b = &t->p.bench;
    open_push(t, NULL, 0);
    add(t, 1, 0, "");
    release(t);
    assert_int_equal(gate_stop(b->gate, GATE_STOP_PARTNER, STR("kr"), true, &by_test, b->now_us), ERR_OK);
    run_good(t);
    assert_int_equal(t->p.calls, 0);
    assert_int_equal(gate_stop(b->gate, GATE_STOP_PARTNER, STR("kr"), false, &by_test, b->now_us), ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, t->partner, GATE_PEER_PAUSED, false, &by_test, b->now_us),
                     ERR_OK);
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(t->p.calls, 0);
    assert_int_equal(gate_peer_set(b->gate, t->partner, GATE_PEER_STARTED, false, &by_test, b->now_us),
                     ERR_OK);
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(times(t, 1), 1);
    pull_deinit(&t->p);
}

/* The server bounds an envelope; what is larger alone is counted, the rest goes. */
static void bounded(void **state)
{
    struct push_bench *t = *state;
    char large[20000];
    open_push(t, NULL, 0);
    for (int n = 0; n < 60; n++)
        add(t, n, 0, "");
    (void)snprintf(
        large, sizeof large,
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-8000-"
        "000000000099\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
        "000Z\",\"pattern\":\"[ipv4-addr:value = '198.51.100.1']\",\"pattern_type\":\"stix\","
        "\"valid_from\":\"2026-01-01T00:00:00Z\",\"description\":\"%012000d\"}",
        0);
    assert_int_equal(bench_add(&t->p.bench, t->desk, large), GATE_NEW);
    release(t);
    while (step(t)) {
        if (t->p.call.method == EXCHANGE_POST) {
            assert_in_range(t->p.call.body.len, 1, 10000);
            answer_status(t, 202, "complete", last_body(t), 0, 0, "");
        } else {
            assert_true(is_root(t));
            pull_answer(&t->p, 200, NULL, 0, "{\"max_content_length\":10000}");
        }
    }
    struct feed_status status = pull_status(&t->p);
    assert_int_equal(status.counts.pushed, 60);
    assert_int_equal(status.counts.failed, 1);
    assert_non_null(strstr(status.what, "000000000099"));
    assert_true(t->posts > 1);
    pull_deinit(&t->p);
}

static void pending_across_a_restart(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    for (int n = 0; n < 3; n++)
        add(t, n, 0, "");
    release(t);
    assert_true(step(t));
    pull_answer(&t->p, 200, NULL, 0, empty_root);
    assert_true(step(t));
    answer_status(t, 202, "pending", 0, 0, 3, "");
    assert_true(step(t));
    assert_string_equal(t->p.target, "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/");
    answer_status(t, 200, "pending", 1, 0, 2, "");
    pull_restart(&t->p);
    pull_due(&t->p);
    assert_true(step(t));
    assert_string_equal(t->p.target, "/api1/status/2d086da7-4bdc-4f91-900e-d77486753710/");
    answer_status(
        t, 200, "complete", 2, 1, 0,
        "{\"id\":\"indicator--00000000-0000-4000-8000-000000000001\",\"version\":\"2026-01-01T00:00:00."
        "000Z\",\"message\":\"not today\"}");
    assert_false(step(t));
    struct feed_status status = pull_status(&t->p);
    assert_int_equal(status.err, ERR_OK);
    assert_int_equal(status.counts.pushed, 2);
    assert_int_equal(status.counts.failed, 1);
    assert_non_null(strstr(status.what, "000000000001: not today"));
    assert_int_equal(t->posts, 1);
    pull_deinit(&t->p);
}

/* One object spoils the envelope: the others go all the same. */
static void one_bad(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    for (int n = 0; n < 20; n++)
        add(t, n, 0, n == 13 ? ",\"name\":\"spoilt\"" : "");
    release(t);
    while (step(t)) {
        if (t->p.call.method != EXCHANGE_POST)
            pull_answer(&t->p, 200, NULL, 0, empty_root);
        else if (memmem(t->p.call.body.at, t->p.call.body.len, "spoilt", 6) != NULL)
            pull_answer(&t->p, 422, NULL, 0, "{\"title\":\"No\",\"description\":\"it is spoilt\"}");
        else
            answer_status(t, 202, "complete", last_body(t), 0, 0, "");
    }
    struct feed_status status = pull_status(&t->p);
    assert_int_equal(status.counts.pushed, 19);
    assert_int_equal(status.counts.failed, 1);
    assert_non_null(strstr(status.what, "000000000013: No: it is spoilt (status 422)"));
    pull_deinit(&t->p);
}

/* A server that refuses whatever comes: the cursor stays, and all goes when it has come to its senses. */
static void all_refused(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    for (int n = 0; n < 50; n++)
        add(t, n, 0, "");
    release(t);
    while (step(t))
        pull_answer(&t->p, t->p.call.method == EXCHANGE_POST ? 400 : 200, NULL, 0, "{\"title\":\"No\"}");
    struct feed_status status = pull_status(&t->p);
    assert_int_equal(status.err, ERR_DENIED);
    assert_int_equal(status.counts.pushed + status.counts.failed, 0);
    pull_restart(&t->p);
    pull_due(&t->p);
    run_good(t);
    assert_int_equal(pull_status(&t->p).counts.pushed, 50);
    pull_deinit(&t->p);
}

/* 500, and the objects are there all the same (OpenTAXII 0.9.3); or only some; or none. */
static void left_open(void **state)
{
    struct push_bench *t = *state;
    char manifest[16384];
    size_t len = 0, keeps[] = {30, 12, 0};
    open_push(t, NULL, 0);
    for (int n = 0; n < 30; n++)
        add(t, n, 0, "");
    release(t);
    add(t, 5, 1, ""); /* another version of one */
    release(t);
    for (size_t round = 1; round < 3; round++) {
        for (int tries = 0; step(t) && tries < 20; tries++) {
            if (t->p.call.method == EXCHANGE_POST) {
                pull_answer(&t->p, 500, NULL, 0, "<html>");
            } else if (strstr(t->p.target, "/manifest/") != NULL) {
                len = (size_t)snprintf(manifest, sizeof manifest, "{\"objects\":[");
                for (size_t n = 0; n < keeps[round]; n++) {
                    char id[ID_MAX];
                    len += (size_t)snprintf(
                        manifest + len, sizeof manifest - len,
                        "%s{\"id\":\"%s\",\"date_added\":\"2026-02-01T00:00:00Z\",\"version\":"
                        "\"2026-01-01T00:00:00Z\"}",
                        n == 0 ? "" : ",", id_of(id, "indicator", (int)n));
                }
                (void)snprintf(manifest + len, sizeof manifest - len, "]}");
                pull_answer(&t->p, 200, NULL, 0, manifest);
            } else {
                pull_answer(&t->p, 200, NULL, 0, empty_root);
            }
        }
        struct feed_status status = pull_status(&t->p);
        assert_int_equal(status.err, ERR_IO);
        assert_int_equal(status.counts.pushed, 12);
        assert_int_equal(status.counts.failed, 0);
        pull_restart(&t->p);
        pull_due(&t->p);
    }
    memset(t->posted, 0, sizeof t->posted);
    run_good(t);
    assert_int_equal(times(t, 11), 0);
    assert_int_equal(times(t, 12), 1);
    assert_int_equal(times(t, 5), 1); /* its second version: the first was there */
    assert_int_equal(pull_status(&t->p).counts.pushed, 31);
    pull_deinit(&t->p);
}

/* A withheld newer version withdraws the older one from the view without saying what came instead. */
static void withdrawn(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    add(t, 1, 0, "");
    release(t);
    run_good(t);
    add(t, 2, 0, "");
    release(t);
    add(t, 1, 1, MARKED(TLP_RED)); /* pushed: a note says so, and whose it is */
    add(t, 2, 1, MARKED(TLP_RED)); /* not pushed yet: does not go */
    add(t, 3, 0, "");
    release(t);
    pull_due(&t->p);
    run_good(t);
    struct feed_status status = pull_status(&t->p);
    assert_int_equal(times(t, 1), 1);
    assert_int_equal(times(t, 2), 0);
    assert_int_equal(times(t, 3), 1);
    assert_int_equal(status.counts.pushed, 4);
    assert_int_equal(status.counts.unconfirmed, 1);
    assert_int_equal(status.counts.taken_back, 1);
    assert_int_equal(count_of(t->posted, "\"type\":\"note\""), 1);
    assert_int_equal(count_of(t->posted, "\"type\":\"identity\""), 1);
    pull_deinit(&t->p);
}

/* The power goes at every step; objects go again only when their answer was not durable. */
static void power_goes(void **state)
{
    struct push_bench *t = *state;
    struct feed_setting limit[] = {{STR("limit"), STR("4")}};
    open_push(t, limit, 1);
    for (int n = 0; n < 20; n++)
        add(t, n, 0, "");
    release(t);
    for (int i = 0; i < 100 && pull_status(&t->p).counts.pushed < 20; i++) {
        if (!step(t)) {
            pull_due(&t->p);
            continue;
        }
        if (t->p.call.method == EXCHANGE_POST)
            answer_status(t, 202, "complete", last_body(t), 0, 0, "");
        else
            pull_answer(&t->p, 200, NULL, 0, empty_root);
        if (i % 2 == 1) {
            pull_restart(&t->p);
            pull_due(&t->p);
        }
    }
    assert_int_equal(pull_status(&t->p).counts.pushed, 20);
    for (int n = 0; n < 20; n++)
        assert_int_equal(times(t, n), 1);
    pull_deinit(&t->p);
}

/* Another place than the one that was declared gets nothing. */
static void moved(void **state)
{
    struct push_bench *t = *state;
    open_push(t, NULL, 0);
    add(t, 1, 0, "");
    release(t);
    assert_true(step(t));
    pull_answer(&t->p, 200, NULL, 0, empty_root);
    assert_true(step(t));
    struct feed_field to = {STR("location"), STR("https://other.example/api1/collections/one/objects/")};
    pull_answer(&t->p, 308, &to, 1, "");
    assert_false(step(t));
    assert_int_equal(pull_status(&t->p).err, ERR_DENIED);
    pull_due(&t->p);
    assert_true(step(t));
    pull_answer(&t->p, 200, NULL, 0, empty_root);
    assert_true(step(t));
    struct feed_field same = {STR("location"), STR("/api1/collections/two/objects/")};
    pull_answer(&t->p, 302, &same, 1, "");
    assert_false(step(t)); /* a GET of it would push nothing */
    assert_int_equal(pull_status(&t->p).counts.pushed, 0);
    pull_deinit(&t->p);
}

static int make(void **state)
{
    *state = mem_alloc(sizeof(struct push_bench));
    return *state == NULL;
}

static int unmake(void **state)
{
    mem_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order_and_once, make, unmake),
        cmocka_unit_test_setup_teardown(nothing_unsigned, make, unmake),
        cmocka_unit_test_setup_teardown(paused_and_stopped, make, unmake),
        cmocka_unit_test_setup_teardown(bounded, make, unmake),
        cmocka_unit_test_setup_teardown(pending_across_a_restart, make, unmake),
        cmocka_unit_test_setup_teardown(one_bad, make, unmake),
        cmocka_unit_test_setup_teardown(all_refused, make, unmake),
        cmocka_unit_test_setup_teardown(left_open, make, unmake),
        cmocka_unit_test_setup_teardown(withdrawn, make, unmake),
        cmocka_unit_test_setup_teardown(power_goes, make, unmake),
        cmocka_unit_test_setup_teardown(moved, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
