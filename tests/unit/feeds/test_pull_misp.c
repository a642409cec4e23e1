/* Static MISP feeds: by manifest.json, by hashes.csv where there is none; what breaks off is fetched again,
 * what cannot be read goes to quarantine by itself, and a run that the power cut goes on at once. */
#include "pull.h"

#define UUID(n)   "5e000000-0000-4000-8000-00000000000" #n
#define MD5(c)    "5d41402abc4b2a76b9719d911017c5" c
#define ROW(c, n) MD5(c) "," UUID(n) "\n"

enum { EVENTS = 4 };

struct folder {
    const char *manifest, *hashes; /* NULL: not there */
    const char *etag;
    const char *event[EVENTS]; /* 1 to 3; NULL: made */
    char log[512];             /* what was asked for */
    size_t calls_max;          /* then the power goes; 0: never */
};

static void make_event(char *out, size_t size, unsigned n)
{
    (void)snprintf(
        out, size,
        "{\"Event\":{\"uuid\":\"5e000000-0000-4000-8000-%012u\",\"info\":\"i\",\"timestamp\":\"1760000000\","
        "\"published\":true,\"distribution\":\"3\",\"Attribute\":[{\"uuid\":"
        "\"5e000000-0000-4000-8000-%012u\",\"type\":\"text\",\"value\":\"v\"}]}}",
        n, 100 + n);
}

static void answer_list(struct pull *p, const struct folder *folder, const char *text)
{
    struct feed_field field = {STR("etag"), str_of(folder->etag == NULL ? "" : folder->etag)};
    const char *known = pull_field(p, "if-none-match");
    bool same = text != NULL && known != NULL && folder->etag != NULL && strcmp(known, folder->etag) == 0;
    pull_answer(p,
                text == NULL ? 404
                : same       ? 304
                             : 200,
                &field, folder->etag != NULL, text == NULL || same ? "" : text);
}

static void answer_one(struct pull *p, struct folder *folder)
{
    const char *name = strrchr(p->target, '/') + 1;
    char event[1024];
    size_t used = strlen(folder->log);
    bool is_event = strncmp(name, "5e", 2) == 0;
    (void)snprintf(folder->log + used, sizeof folder->log - used, "%s%.*s", used > 0 ? " " : "",
                   is_event ? 1 : (int)strcspn(name, "."), is_event ? name + 35 : name);
    if (strcmp(name, "manifest.json") == 0) {
        answer_list(p, folder, folder->manifest);
    } else if (strcmp(name, "hashes.csv") == 0) {
        answer_list(p, folder, folder->hashes);
    } else {
        unsigned n = (unsigned)(name[35] - '0');
        assert_true(n >= 1 && n < EVENTS);
        make_event(event, sizeof event, n);
        pull_answer(p, 200, NULL, 0, folder->event[n] != NULL ? folder->event[n] : event);
    }
}

/* A run to its end, or to where the power goes (then true). */
static bool serve(struct pull *p, struct folder *folder)
{
    folder->log[0] = '\0';
    for (size_t calls = 0; pull_step(p); calls++) {
        if (folder->calls_max > 0 && calls == folder->calls_max)
            return true;
        answer_one(p, folder);
    }
    bench_settle(&p->bench);
    return false;
}

static bool serve_again(struct pull *p, struct folder *folder)
{
    pull_due(p);
    return serve(p, folder);
}

static void begin(struct pull *p)
{
    pull_init(p, "misp", "https://far.example/feed/", NULL, 0);
}

static void a_folder_without_manifest_is_read_by_its_hashes(void **state)
{
    struct folder folder = {.hashes = ROW("92", 2) ROW("93", 1) ROW("94", 1), .etag = "\"1\""};
    struct pull p;
    (void)state;
    begin(&p);
    serve(&p, &folder);
    assert_string_equal(folder.log, "manifest hashes 1 2");
    assert_int_equal(pull_status(&p).err, ERR_OK);
    assert_int_equal(pull_status(&p).counts.refused, 0);
    assert_non_null(strstr(pull_status(&p).what, "there is no manifest.json"));
    uint64_t fresh = pull_status(&p).counts.fresh;
    assert_true(fresh >= 4);
    pull_restart(&p);
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest hashes");
    assert_non_null(strstr(pull_status(&p).what, "there is no manifest.json"));
    /* other lines in another order, an event that is new, one with another value */
    folder.etag = "\"2\"";
    folder.hashes = ROW("94", 1) ROW("95", 3) ROW("93", 1) ROW("92", 2) ROW("96", 2);
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest hashes 2 3");
    assert_true(pull_status(&p).counts.fresh > fresh && pull_status(&p).counts.refused == 0);
    /* a manifest appears */
    folder.manifest = "{\"" UUID(3) "\":{\"timestamp\":\"1760000000\"}}";
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest 3");
    assert_string_equal(pull_status(&p).what, "");
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest");
    /* and is gone: that is no reason to believe in another kind of folder */
    folder.manifest = NULL;
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest");
    assert_int_equal(pull_status(&p).err, ERR_NOTFOUND);
    pull_deinit(&p);
}

static void a_folder_with_neither_or_with_another_text_is_none(void **state)
{
    static const char *const texts[] = {NULL, "<html>", "a,b\n",
                                        MD5("92") "," UUID(1) "\n" MD5("92") ",5e00"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct folder folder = {.hashes = texts[i]};
        struct pull p;
        begin(&p);
        serve(&p, &folder);
        assert_string_equal(folder.log, "manifest hashes");
        assert_int_equal(pull_status(&p).err, texts[i] == NULL ? ERR_NOTFOUND : ERR_INVALID);
        assert_int_equal(pull_status(&p).counts.fresh, 0);
        pull_deinit(&p);
    }
}

#define TIMES(a, b, c)                                                                                       \
    "{\"" UUID(1) "\":{\"timestamp\":" a "},\"" UUID(2) "\":{\"timestamp\":" b                               \
                                                        "},\"" UUID(3) "\":{\"timestamp\":" c "}}"

static void an_event_that_breaks_off_is_fetched_again(void **state)
{
    struct folder folder = {.manifest = TIMES("1", "2", "3"), .etag = "\"1\""};
    struct pull p;
    (void)state;
    begin(&p);
    folder.event[2] =
        "{\"Event\":{\"uuid\":\"" UUID(2) "\",\"timestamp\":\"1760000000\",\"Attribute\":[{\"uu";
    serve(&p, &folder);
    assert_string_equal(folder.log, "manifest 1 2 3");
    assert_non_null(strstr(pull_status(&p).what, "broke off"));
    assert_int_equal(pull_status(&p).counts.refused, 0);
    folder.event[2] = NULL;
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest 2");
    assert_string_equal(pull_status(&p).what, "");
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest");
    pull_deinit(&p);
}

struct looking {
    size_t count;
    char text[4][160], what[4][128], pointer[4][64];
};

static bool look_at(void *ctx, const struct gate_quarantined *entry)
{
    struct looking *looking = ctx;
    assert_true(looking->count < 4);
    assert_int_equal(entry->reason, RECORD_QUARANTINE_FOREIGN);
    (void)snprintf(looking->text[looking->count], 160, "%.*s", (int)entry->bytes.len,
                   (const char *)entry->bytes.at);
    (void)snprintf(looking->pointer[looking->count], 64, "%.60s", entry->fault.pointer);
    (void)snprintf(looking->what[looking->count++], 128, "%.120s", entry->fault.what);
    return true;
}

static void what_cannot_be_read_goes_to_quarantine_by_itself(void **state)
{
    static const char none[] = "{\"Event\":{\"uuid\":\"" UUID(3) "\"}}";
    struct folder folder = {.manifest = TIMES("1", "2", "3"), .etag = "\"1\""};
    struct looking looking = {0};
    struct pull p;
    (void)state;
    begin(&p);
    folder.event[1] = "{\"Event\":{\"uuid\":\"" UUID(
        1) "\",\"timestamp\":\"1760000000\",\"published\":true,"
           "\"distribution\":\"3\",\"Attribute\":[{\"uuid\":\"" UUID(
               8) "\",\"type\":\"text\"},"
                  "{\"uuid\":\"" UUID(9) "\",\"type\":\"text\",\"value\":\"v\"}]}}";
    folder.event[3] = none;
    serve(&p, &folder);
    assert_string_equal(folder.log, "manifest 1 2 3");
    assert_int_equal(pull_status(&p).err, ERR_OK);
    assert_int_equal(pull_status(&p).counts.refused, 2);
    assert_string_equal(pull_status(&p).what,
                        "2 events or parts of them cannot be read: bongsu quarantine list");
    assert_int_equal(gate_quarantine_list(p.bench.gate, 0, look_at, &looking), ERR_OK);
    assert_int_equal(looking.count, 2);
    assert_string_equal(looking.text[0], "{\"uuid\":\"" UUID(8) "\",\"type\":\"text\"}");
    assert_string_equal(looking.pointer[0], "/Event/Attribute/0");
    assert_string_equal(looking.what[0], "an attribute has no type or no value: " UUID(8));
    assert_string_equal(looking.text[1], none);
    assert_string_equal(looking.what[1], "the event has no timestamp: " UUID(3));
    /* it is known, and not asked for again */
    pull_restart(&p);
    serve_again(&p, &folder);
    assert_string_equal(folder.log, "manifest");
    pull_deinit(&p);
}

/* --- the power --- */

static struct feed_status after_cut(struct pull *p)
{
    pull_restart(p);
    return pull_status(p);
}

/* Another run than the clock's: without a mark the rest of it would wait for the next. */
static void a_run_that_was_cut_goes_on_at_once(void **state)
{
    struct folder folder = {.manifest = TIMES("1", "2", "3")};
    struct pull p;
    (void)state;
    for (size_t cut = 1; cut <= EVENTS; cut++) {
        begin(&p);
        folder.manifest = TIMES("1", "2", "3");
        folder.calls_max = 0;
        serve(&p, &folder);
        assert_false(after_cut(&p).cut);
        int64_t due_us = pull_status(&p).next_us;
        assert_true(due_us > p.bench.now_us);
        folder.manifest = TIMES("11", "12", "13");
        folder.calls_max = cut == EVENTS ? 0 : cut;
        assert_int_equal(feed_run(p.feed, p.bench.now_us), ERR_OK);
        assert_int_equal(serve(&p, &folder), cut < EVENTS);
        struct feed_status status = after_cut(&p);
        assert_int_equal(status.cut, cut < EVENTS);
        if (cut < EVENTS)
            assert_true(status.next_us >= p.bench.now_us && status.next_us <= p.bench.now_us + 5000000);
        else
            assert_true(status.next_us > p.bench.now_us + 5000000);
        if (cut < EVENTS) {
            folder.calls_max = 0;
            p.bench.now_us = status.next_us;
            assert_false(serve(&p, &folder));
            assert_false(pull_status(&p).cut);
            /* what was made durable is not asked for again */
            assert_string_equal(folder.log, cut == 1   ? "manifest 1 2 3"
                                            : cut == 2 ? "manifest 2 3"
                                                       : "manifest 3");
            assert_false(after_cut(&p).cut);
        }
        pull_deinit(&p);
    }
}

/* A run by the clock: the mark stands before the first object of it. */
static void what_was_taken_in_tells_that_the_run_was_cut(void **state)
{
    struct folder folder = {.manifest = TIMES("1", "2", "3"), .calls_max = 2};
    struct feed_status stopped;
    struct pull p;
    (void)state;
    begin(&p);
    assert_true(serve(&p, &folder));
    assert_true(after_cut(&p).cut);
    assert_int_equal(feed_status_read(p.bench.gate, &p.conf, &stopped), ERR_OK);
    assert_true(stopped.cut);
    /* a failure is an end: told, and tried again by its own clock */
    p.bench.now_us = pull_status(&p).next_us;
    assert_true(pull_step(&p));
    pull_answer(&p, 500, NULL, 0, "");
    assert_false(pull_status(&p).cut);
    assert_false(after_cut(&p).cut);
    pull_deinit(&p);
}

/* --- texts that break off --- */

static void json_that_does_not_close_is_not_believed(void **state)
{
    static const struct {
        const char *body;
        err_t err;
    } rows[] = {
        {"", ERR_CLOSED},
        {"{\"type\":\"bundle\",\"objects\":[{\"type\":\"x\"},{\"ty", ERR_CLOSED},
        {"{\"type\":\"bundle\",\"objects\":[{\"type\":\"x\"}", ERR_CLOSED},
        {"{\"type\":\"bundle\",\"objects\":[{\"type\":\"x\"}]", ERR_CLOSED},
        {"{\"type\":\"x\"}\n{\"type\":\"y\"}\n{\"ty", ERR_CLOSED},
        {"{\"type\":\"bundle\",\"objects\":[{\"type\":\"x\"}]}", ERR_OK},
        {"{\"type\":\"x\"}\n{\"type\":\"y\"}\n", ERR_OK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct feed_field field = {STR("etag"), STR("\"1\"")};
        struct pull p;
        pull_init(&p, "stix", "https://far.example/all.json", NULL, 0);
        assert_true(pull_step(&p));
        pull_answer(&p, 200, &field, 1, rows[i].body);
        assert_false(pull_step(&p));
        assert_int_equal(pull_status(&p).err, rows[i].err);
        assert_int_equal(pull_status(&p).counts.refused > 0, rows[i].err == ERR_OK);
        pull_due(&p);
        assert_true(pull_step(&p));
        assert_int_equal(pull_field(&p, "if-none-match") != NULL, rows[i].err == ERR_OK);
        pull_deinit(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_without_manifest_is_read_by_its_hashes),
        cmocka_unit_test(a_folder_with_neither_or_with_another_text_is_none),
        cmocka_unit_test(an_event_that_breaks_off_is_fetched_again),
        cmocka_unit_test(what_cannot_be_read_goes_to_quarantine_by_itself),
        cmocka_unit_test(a_run_that_was_cut_goes_on_at_once),
        cmocka_unit_test(what_was_taken_in_tells_that_the_run_was_cut),
        cmocka_unit_test(json_that_does_not_close_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
