/* Lists and tables on a schedule: what differs goes in as versions that rise, what is gone ends, what is no
 * list is not believed, and a power cut loses and repeats nothing. */
#include "pull.h"

enum { BODY_MAX = 8 << 20 };

static const char url[] = "https://far.example/bad.csv";

static void open_list(struct pull *p, const char *kind, const char *map, const char *least)
{
    struct feed_setting options[2] = {0};
    size_t count = 0;
    if (map != NULL)
        options[count++] = (struct feed_setting) {STR("map"), str_of(map)};
    if (least != NULL)
        options[count++] = (struct feed_setting) {STR("least"), str_of(least)};
    pull_init(p, kind, url, options, count);
}

/* A run that gets this answer; how it went. */
static err_t serve_with(struct pull *p, unsigned status, const char *etag, const char *body)
{
    struct feed_field field = {STR("etag"), str_of(etag == NULL ? "" : etag)};
    pull_due(p);
    assert_true(pull_step(p));
    pull_answer(p, status, &field, etag != NULL, body);
    assert_false(pull_step(p));
    bench_settle(&p->bench);
    return pull_status(p).err;
}

static err_t serve(struct pull *p, const char *body)
{
    return serve_with(p, 200, NULL, body);
}

/* --- what is held --- */

struct looking {
    const char *value;
    size_t versions;
    bool ended;
    char created[32], modified[32];
};

static void member(const char *text, const char *name, char out[32])
{
    char want[32];
    (void)snprintf(want, sizeof want, "\"%s\":\"", name);
    const char *at = strstr(text, want);
    (void)snprintf(out, 32, "%.24s", at == NULL ? "" : at + strlen(want));
}

static bool look_at(void *ctx, const struct gate_object *object)
{
    struct looking *looking = ctx;
    static char text[1 << 16];
    char created[32], modified[32], quoted[64];
    assert_false(object->quarantined);
    assert_true(object->bytes.len < sizeof text);
    memcpy(text, object->bytes.at, object->bytes.len);
    text[object->bytes.len] = '\0';
    (void)snprintf(quoted, sizeof quoted, "'%s'", looking->value);
    if (strstr(text, quoted) == NULL)
        return true;
    member(text, "created", created);
    member(text, "modified", modified);
    if (looking->versions++ > 0) {
        assert_string_equal(created, looking->created);
        assert_true(strcmp(modified, looking->modified) > 0);
    }
    memcpy(looking->created, created, sizeof created);
    memcpy(looking->modified, modified, sizeof modified);
    looking->ended = strstr(text, "valid_until") != NULL;
    assert_null(strstr(text, "revoked"));
    return true;
}

/* All versions of a value: they rise, and created stays. */
static struct looking held(struct pull *p, const char *value)
{
    struct looking looking = {.value = value};
    uint32_t source = gate_source_find(p->bench.gate, STR("far"))->number;
    assert_int_equal(gate_source_objects(p->bench.gate, source, 0, look_at, &looking), ERR_OK);
    return looking;
}

static void expect(struct pull *p, const char *value, size_t versions, bool ended)
{
    struct looking looking = held(p, value);
    if (looking.versions != versions || looking.ended != ended)
        fail_msg("%s: %zu versions, ended %d", value, looking.versions, looking.ended);
}

static void expect_counts(struct pull *p, uint64_t fresh, uint64_t withdrawn)
{
    struct feed_counts counts = pull_status(p).counts;
    assert_int_equal(counts.fresh, fresh);
    assert_int_equal(counts.withdrawn, withdrawn);
    assert_int_equal(counts.duplicate + counts.conflict + counts.refused + counts.asserted, 0);
}

/* --- tests --- */

static void only_what_differs_goes_in(void **state)
{
    struct pull p;
    (void)state;
    open_list(&p, "list", NULL, NULL);
    assert_int_equal(serve_with(&p, 200, "\"1\"", "# list\na.example\nb.example\na.example\n"), ERR_OK);
    assert_null(pull_field(&p, "if-none-match"));
    expect_counts(&p, 2, 0);
    pull_restart(&p);
    assert_int_equal(serve_with(&p, 304, NULL, ""), ERR_OK);
    assert_string_equal(pull_field(&p, "if-none-match"), "\"1\"");
    assert_int_equal(serve(&p, "b.example\nc.example\n"), ERR_OK);
    expect_counts(&p, 4, 1);
    expect(&p, "a.example", 2, true);
    expect(&p, "b.example", 1, false);
    assert_int_equal(serve(&p, "b.example\nc.example\n"), ERR_OK);
    expect_counts(&p, 4, 1);
    assert_int_equal(serve(&p, "c.example\nb.example\nhxxp://a[.]example/\na.example\n"), ERR_OK);
    expect_counts(&p, 6, 1);
    expect(&p, "a.example", 3, false);
    expect(&p, "http://a.example/", 1, false);
    assert_string_equal(held(&p, "a.example").created, "2026-01-01T00:00:00.000Z");
    pull_deinit(&p);
}

static void rows_of_a_table_change(void **state)
{
    struct pull p;
    (void)state;
    open_list(&p, "csv", "value=col:ip valid_from=col:seen valid_until=col:until labels=bot,col:family",
              NULL);
    assert_int_equal(serve(&p, "ip,seen,until,family\n192.0.2.1,2026-02-01,,x\n192.0.2.2,2090-01-01,,x\n"
                               "192.0.2.3,2026-01-01,2026-01-02,x\n"),
                     ERR_OK);
    expect_counts(&p, 3, 0);
    /* Another label, an older date, and a value of the future twice: versions rise, created stays. */
    for (int i = 0; i < 3; i++) {
        char body[256];
        (void)snprintf(body, sizeof body,
                       "ip,seen,until,family\n192.0.2.1,2026-01-%02d,,x\n192.0.2.2,2090-01-01,,y%d\n"
                       "192.0.2.3,2026-01-01,2026-01-02,x\n",
                       20 - i, i);
        assert_int_equal(serve(&p, body), ERR_OK);
        expect(&p, "192.0.2.1", (size_t)i + 2, false);
        expect(&p, "192.0.2.2", (size_t)i + 2, false);
    }
    expect_counts(&p, 9, 0);
    assert_string_equal(held(&p, "192.0.2.2").modified, "2090-01-01T00:00:00.003Z");
    /* Gone: of the future too; what has ended by its own word is not ended again. */
    assert_int_equal(serve(&p, "ip,seen,until,family\n192.0.2.4,2026-01-01,,x\n192.0.2.5,2026-01-01,,x\n"),
                     ERR_OK);
    expect_counts(&p, 13, 2);
    expect(&p, "192.0.2.2", 5, true);
    expect(&p, "192.0.2.3", 1, true);
    pull_deinit(&p);
}

static void what_is_no_list_ends_nothing(void **state)
{
    static const char *const bodies[] = {
        "",
        "# nothing today\n\n",
        "\xef\xbb\xbf \n<!DOCTYPE html><html>e.example\n",
        "<?xml version='1.0'?>\na.example\nb.example\nc.example\n",
        "{\"error\":\"too many requests\"}",
        "rate limit exceeded\n",
        "a.example\n",
    };
    struct pull p;
    (void)state;
    open_list(&p, "list", "type=domain-name", NULL);
    assert_int_equal(serve_with(&p, 200, "\"1\"", "a.example\nb.example\nc.example\n"), ERR_OK);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        err_t err = serve_with(&p, 200, "\"2\"", bodies[i]);
        if (err != ERR_INVALID && err != ERR_DENIED)
            fail_msg("%s: %s", bodies[i], err_text(err));
        assert_non_null(strstr(pull_status(&p).next, "nothing ended"));
        assert_string_equal(pull_field(&p, "if-none-match"), "\"1\"");
    }
    assert_int_equal(serve_with(&p, 500, NULL, "a.example\n"), ERR_IO);
    expect_counts(&p, 3, 0);
    assert_int_equal(serve(&p, "b.example\nc.example\n"), ERR_OK);
    expect_counts(&p, 4, 1);
    pull_deinit(&p);
}

/* The same feed under another declaration. */
static void declare(struct pull *p, const char *map, const char *least)
{
    struct fault fault = {0};
    p->conf.option_count = 0;
    if (map != NULL)
        p->conf.options[p->conf.option_count++] = (struct feed_setting) {STR("map"), str_of(map)};
    if (least != NULL)
        p->conf.options[p->conf.option_count++] = (struct feed_setting) {STR("least"), str_of(least)};
    assert_int_equal(feed_conf_put(p->bench.gate, &p->conf, &by_test, p->bench.now_us, &fault), ERR_OK);
    pull_restart(p);
}

static void least_says_how_far_a_list_may_come_down(void **state)
{
    struct pull p;
    (void)state;
    open_list(&p, "list", NULL, "3");
    assert_int_equal(serve(&p, "a.example\nb.example\n"), ERR_DENIED);
    assert_int_equal(serve(&p, "a.example\nb.example\nc.example\nd.example\ne.example\n"), ERR_OK);
    assert_int_equal(serve(&p, "a.example\nb.example\n"), ERR_DENIED);
    declare(&p, NULL, "1");
    assert_int_equal(serve(&p, "a.example\n"), ERR_OK);
    expect_counts(&p, 9, 4);
    assert_int_equal(serve(&p, ""), ERR_DENIED);
    declare(&p, NULL, "0");
    assert_int_equal(serve(&p, ""), ERR_OK);
    expect_counts(&p, 10, 5);
    /* Words alone are no empty list. */
    assert_int_equal(serve(&p, "what is this\n"), ERR_INVALID);
    pull_deinit(&p);
}

static void bad_rows_are_told_while_they_stand_there(void **state)
{
    struct pull p;
    (void)state;
    open_list(&p, "list", NULL, NULL);
    assert_int_equal(serve_with(&p, 200, "\"1\"", "a.example\n999.999.999.999\n\xff\n"), ERR_OK);
    assert_non_null(
        strstr(pull_status(&p).what, "2 rows hold no value that could be taken; the first in line 2"));
    pull_restart(&p);
    assert_int_equal(serve_with(&p, 304, NULL, ""), ERR_OK);
    assert_non_null(strstr(pull_status(&p).what, "2 rows"));
    assert_int_equal(serve(&p, "a.example\n"), ERR_OK);
    assert_string_equal(pull_status(&p).what, "");
    expect_counts(&p, 1, 0);
    pull_deinit(&p);
}

static void another_mapping_reads_the_same_text_again(void **state)
{
    struct pull p;
    (void)state;
    open_list(&p, "list", "labels=one", NULL);
    assert_int_equal(serve_with(&p, 200, "\"1\"", "a.example\nb.example\n"), ERR_OK);
    declare(&p, "labels=two", NULL);
    assert_int_equal(serve_with(&p, 200, "\"1\"", "a.example\nb.example\n"), ERR_OK);
    assert_null(pull_field(&p, "if-none-match"));
    expect_counts(&p, 4, 0);
    expect(&p, "a.example", 2, false);
    /* As observables they are other objects: the indicators end, and facts that are gone do not. */
    declare(&p, "as=observable", NULL);
    assert_int_equal(serve(&p, "a.example\nb.example\n"), ERR_OK);
    expect_counts(&p, 8, 2);
    expect(&p, "a.example", 3, true);
    assert_int_equal(serve(&p, "a.example\nc.example\n"), ERR_OK);
    expect_counts(&p, 9, 2);
    pull_deinit(&p);
}

/* Removed and declared again: nothing is remembered, and what is held says the same. */
static void what_is_held_is_not_made_again(void **state)
{
    struct pull p;
    struct fault fault = {0};
    (void)state;
    open_list(&p, "list", NULL, NULL);
    assert_int_equal(serve(&p, "a.example\nb.example\nc.example\n"), ERR_OK);
    assert_int_equal(serve(&p, "b.example\nc.example\n"), ERR_OK);
    feed_free(p.feed);
    assert_int_equal(feed_conf_remove(p.bench.gate, STR("far"), &by_test, p.bench.now_us), ERR_OK);
    assert_int_equal(feed_conf_put(p.bench.gate, &p.conf, &by_test, p.bench.now_us, &fault), ERR_OK);
    pull_open(&p);
    assert_int_equal(serve(&p, "a.example\nb.example\nd.example\n"), ERR_OK);
    expect_counts(&p, 2, 0); /* one that is back, one that is new */
    expect(&p, "a.example", 3, false);
    expect(&p, "b.example", 1, false);
    pull_deinit(&p);
}

enum { MANY = 12000 };

/* Rows of some size, so that a list is taken in in several parts; from one number to another. */
static const char *many(char *body, int from, int to)
{
    size_t len = 0;
    for (int i = from; i < to; i++)
        len += (size_t)snprintf(body + len, BODY_MAX - len, "h%d.example,%0200d\n", i, i);
    return body;
}

static bool count_one(void *ctx, const struct gate_object *object)
{
    size_t *count = ctx;
    (void)object;
    ++*count;
    return true;
}

static size_t count_held(struct pull *p)
{
    size_t count = 0;
    uint32_t source = gate_source_find(p->bench.gate, STR("far"))->number;
    assert_int_equal(gate_source_objects(p->bench.gate, source, 0, count_one, &count), ERR_OK);
    return count;
}

/* The power goes after some steps of a run; whatever stood in the log by then, the next run brings the rest,
 * and nothing twice. */
static void a_power_cut_repeats_nothing(void **state)
{
    char *body = malloc(BODY_MAX);
    struct pull p;
    (void)state;
    assert_non_null(body);
    open_list(&p, "csv", "header=no value=col:1 description=col:2", NULL);
    for (int cut = 1; cut < 5; cut++) {
        pull_due(&p);
        assert_true(pull_step(&p));
        pull_answer(&p, 200, NULL, 0, many(body, 0, MANY));
        for (int i = 0; i < cut; i++) {
            struct feed_action action;
            feed_next(p.feed, p.bench.now_us, &action);
            assert_int_equal(action.act, FEED_NOTHING);
        }
        assert_int_equal(pull_status(&p).state, FEED_RUNNING);
        pull_restart(&p);
        bench_settle(&p.bench);
    }
    assert_int_equal(serve(&p, many(body, 0, MANY)), ERR_OK);
    assert_int_equal(count_held(&p), MANY);
    assert_int_equal(pull_status(&p).counts.duplicate, 0);
    uint64_t fresh = pull_status(&p).counts.fresh;
    assert_int_equal(serve(&p, many(body, 5000, MANY)), ERR_OK);
    assert_int_equal(pull_status(&p).counts.fresh, fresh + 5000);
    assert_int_equal(pull_status(&p).counts.withdrawn, 5000);
    expect(&p, "h4999.example", 2, true);
    expect(&p, "h5000.example", 1, false);
    pull_deinit(&p);
    free(body);
}

static void declarations_are_checked(void **state)
{
    static const struct {
        const char *kind, *name, *value;
    } wrong[] = {
        {"csv", "map", " "},         {"csv", "map", "type=ipv4-addr nonsense=1"},
        {"csv", "limit", "5"},       {"list", "map", "value=col:1"},
        {"list", "least", "some"},   {"list", "least", "9999999"},
        {"stix", "map", "type=url"},
    };
    struct feed_conf conf = {.name = STR("x"), .url = str_of(url), .source = STR("x"), .every_s = 60};
    struct fault fault = {0};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        conf.kind = feed_kind_find(str_of(wrong[i].kind));
        conf.options[0] = (struct feed_setting) {str_of(wrong[i].name), str_of(wrong[i].value)};
        conf.option_count = 1;
        assert_int_equal(feed_conf_check(&conf, &fault), ERR_USAGE);
    }
    conf.option_count = 0;
    conf.kind = feed_kind_find(STR("csv"));
    assert_int_equal(feed_conf_check(&conf, &fault), ERR_USAGE);
    conf.kind = feed_kind_find(STR("list"));
    assert_int_equal(feed_conf_check(&conf, &fault), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_differs_goes_in),
        cmocka_unit_test(rows_of_a_table_change),
        cmocka_unit_test(what_is_no_list_ends_nothing),
        cmocka_unit_test(least_says_how_far_a_list_may_come_down),
        cmocka_unit_test(bad_rows_are_told_while_they_stand_there),
        cmocka_unit_test(another_mapping_reads_the_same_text_again),
        cmocka_unit_test(what_is_held_is_not_made_again),
        cmocka_unit_test(a_power_cut_repeats_nothing),
        cmocka_unit_test(declarations_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
