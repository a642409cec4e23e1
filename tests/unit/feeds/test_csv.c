/* Tables and plain lists. */
#include "misp_test.h"

#include "feeds/csv.h"

struct result {
    struct buf out;
    struct csv_report report;
    struct fault fault;
    size_t bad_line;
};

static void note_refusal(void *ctx, size_t line, struct str value, const char *what)
{
    struct result *result = ctx;
    (void)value;
    assert_non_null(what);
    result->bad_line = line;
}

static err_t run(struct result *result, err_t err, const struct csv_map *map, const char *text,
                 const char *previous)
{
    struct csv_setup setup = {.map = map,
                              .source = STR("abuse"),
                              .previous = bytes_from_str(str_of(previous)),
                              .now_us = INT64_C(1790000000000000),
                              .refuse = note_refusal,
                              .ctx = result};
    if (err == ERR_OK)
        err = csv_read(bytes_from_str(str_of(text)), &setup, &result->out, &result->report, &result->fault);
    return err;
}

static void begin(struct result *result)
{
    *result = (struct result) {0};
    buf_init(&result->out, 1 << 20);
}

static err_t convert(struct result *result, const char *map_text, const char *text, const char *previous)
{
    struct csv_map map;
    begin(result);
    return run(result, csv_map_parse(str_of(map_text), &map, &result->fault), &map, text, previous);
}

static err_t convert_list(struct result *result, const char *map_text, const char *text)
{
    struct csv_map map;
    begin(result);
    return run(result, csv_map_parse_list(str_of(map_text), &map, &result->fault), &map, text, NULL);
}

static bool take_object(void *ctx, struct json_slice slice)
{
    struct result *result = ctx;
    struct json_parser *parser;
    struct json_doc doc;
    struct arena arena;
    struct stix_object object;
    char *copy = padded((struct str) {(char *)result->out.at + slice.from, slice.len});
    arena_init(&arena, 1 << 20);
    assert_int_equal(json_parser_new(1 << 20, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(copy, slice.len), &doc, &result->fault), ERR_OK);
    err_t err = stix_read(json_root(&doc), NULL, &arena, &object, &result->fault);
    if (err != ERR_OK)
        print_message("# %s\n", result->fault.what);
    assert_int_equal(err, ERR_OK);
    if (object.type->category == STIX_SCO) {
        enum stix_sco_id id;
        assert_int_equal(stix_sco_id_check(&object, &id, NULL), ERR_OK);
        assert_int_equal(id, STIX_SCO_ID_MATCH);
    }
    json_parser_free(parser);
    arena_deinit(&arena);
    free(copy);
    return true;
}

/* Every object is STIX, and the text has `part`. */
static void expect(struct result *result, const char *part)
{
    enum json_split_kind kind;
    assert_int_equal(
        json_split(buf_bytes(&result->out), STR("objects"), &kind, take_object, result, &result->fault),
        ERR_OK);
    if (memmem(result->out.at, result->out.len, part, strlen(part)) == NULL)
        fail_msg("%s is not in %.*s", part, (int)result->out.len, (char *)result->out.at);
}

static void a_plain_list(void **state)
{
    (void)state;
    struct result r;
    assert_int_equal(convert(&r, "",
                             "# bad addresses\r\n192.0.2.1\nhxxp://evil[.]example/a,b\"c\n\n2001:db8::1\n"
                             "evil.example\nme@evil.example\nd41d8cd98f00b204e9800998ecf8427e\n192.0.2.1\n"
                             "what is this\n198.51.100.0/24",
                             NULL),
                     ERR_OK);
    assert_int_equal(r.report.rows, 9);
    assert_int_equal(r.report.objects, 7);
    assert_int_equal(r.report.refused, 1);
    assert_int_equal(r.bad_line, 10);
    assert_int_equal(r.report.refanged, 1);
    expect(&r, "[url:value = 'http://evil.example/a,b\\\"c']");
    expect(&r, "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']");
    expect(&r, "[ipv4-addr:value = '198.51.100.0/24']");
    buf_deinit(&r.out);
}

static void values_are_what_their_type_says(void **state)
{
    (void)state;
    static const struct {
        const char *type, *value;
    } good[] = {
        {"ipv4-addr", "0.0.0.0/0"},
        {"ipv4-addr", "255.255.255.255/32"},
        {"ipv6-addr", "::"},
        {"ipv6-addr", "1:2:3:4:5:6:7:8/128"},
        {"ipv6-addr", "::ffff:192.0.2.1"},
        {"mac-addr", "00:11:22:33:44:55"},
        {"domain-name", "_dmarc.a-b.example"},
        {"domain-name", "\xed\x95\x9c\xea\xb5\xad.\xed\x95\x9c\xea\xb5\xad"},
        {"domain-name", "xn--3e0b707e.kr."},
        {"url", "http://a.example:8080/{x}|y?z#f"},
        {"url", "ftp://u:p@[2001:db8::1]:21/"},
        {"url", "http://192.0.2.1"},
        {"email-addr", "a.b+c@d.example"},
        {"sha1", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
    };
    char map[64], wanted[32];
    struct result r;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        for (int named = 0; named < 2; named++) {
            (void)snprintf(map, sizeof map, "as=observable type=%s", named ? good[i].type : "auto");
            bool hash = strncmp(good[i].type, "sha", 3) == 0;
            (void)snprintf(wanted, sizeof wanted, "\"%s--", hash ? "file" : good[i].type);
            assert_int_equal(convert_list(&r, map, good[i].value), ERR_OK);
            if (r.report.objects != 1)
                fail_msg("%s is no %s", good[i].value, map);
            expect(&r, wanted);
            buf_deinit(&r.out);
        }
}

static void other_values_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"1.2.3.4:80",
                                      ":",
                                      "::::",
                                      ":::",
                                      "1:2",
                                      "12345:1::1",
                                      "1::2::3",
                                      "::1/129",
                                      "1:2:3:4:5:6:7:8:9",
                                      "999.999.999.999",
                                      "1.2.3.4/99",
                                      "1.2.3.4/",
                                      "01.02.03.04",
                                      "256.1.1.1",
                                      "a..b",
                                      ".com",
                                      "-.-",
                                      "1.2.3",
                                      "-a.example",
                                      "com",
                                      "a.1",
                                      "@",
                                      "a@",
                                      "@b",
                                      "a@b",
                                      "a@@b.example",
                                      "a..b@c.example",
                                      ".a@c.example",
                                      "http://",
                                      "http:///x",
                                      "http://:80/",
                                      "http://[::1/",
                                      "http://[1]/",
                                      "http://a.example:99999/",
                                      "://a.example",
                                      "1http://a.example",
                                      "http:a.example",
                                      "00:11:22:33:44",
                                      "00:11:22:33:44:5g",
                                      "d41d8cd98f00b204e9800998ecf8427",
                                      "d41d8cd98f00b204e9800998ecf8427g"};
    static const char *const types[] = {"auto",       "ipv4-addr",   "ipv6-addr", "url",
                                        "email-addr", "domain-name", "mac-addr",  "md5",
                                        "sha1",       "sha256",      "sha512"};
    char map[64];
    struct result r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
            (void)snprintf(map, sizeof map, "type=%s", types[k]);
            assert_int_equal(convert_list(&r, map, bad[i]), ERR_OK);
            if (r.report.refused != 1 || r.report.objects != 0)
                fail_msg("%s is taken for %s", bad[i], types[k]);
            buf_deinit(&r.out);
        }
    assert_int_equal(convert_list(&r, "", "00-11-AA-33-44-55"), ERR_OK);
    expect(&r, "[mac-addr:value = '00:11:aa:33:44:55']");
    buf_deinit(&r.out);
}

static void a_list_has_a_mapping_without_columns(void **state)
{
    (void)state;
    static const char *const wrong[] = {"bogus=1",     "header=no",    "delimiter=;",
                                        "value=col:1", "name=col:two", "labels=a,col:2"};
    struct result r;
    assert_int_equal(convert_list(&r, "labels=bot name=\"a list\" confidence=7", "a.example\n"), ERR_OK);
    expect(&r, "\"confidence\":7,\"labels\":[\"bot\"]");
    expect(&r, "\"name\":\"a list\"");
    buf_deinit(&r.out);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(convert_list(&r, wrong[i], "a.example\n"), ERR_INVALID);
        buf_deinit(&r.out);
    }
}

static void a_table(void **state)
{
    (void)state;
    struct result r;
    static const char map[] = "type=ipv4-addr value=col:ip valid_from=col:seen name=\"a scanner\" "
                              "labels=bot,col:family confidence=col:sure";
    assert_int_equal(convert(&r, map,
                             "seen,ip,family,sure\r\n2026-01-02,192.0.2.1,\"Mirai, the \"\"new\"\"\",80\r\n"
                             "2026-01-02T03:04:05+09:00,192.0.2.2,,x\r\n,no,,\r\n",
                             NULL),
                     ERR_OK);
    assert_int_equal(r.report.objects, 2);
    assert_int_equal(r.report.refused, 1);
    expect(&r, "\"labels\":[\"bot\",\"Mirai, the \\\"new\\\"\"]");
    expect(&r, "\"valid_from\":\"2026-01-01T18:04:05.000Z\"");
    expect(&r, "\"confidence\":80");
    expect(&r, "\"name\":\"a scanner\"");
    buf_deinit(&r.out);
    assert_int_equal(convert(&r, "value=col:nothing", "a,b\n", NULL), ERR_INVALID);
    buf_deinit(&r.out);
}

static void observables_have_their_own_ids(void **state)
{
    (void)state;
    struct result r;
    assert_int_equal(convert(&r, "as=observable header=no delimiter=tab value=col:2 type=auto",
                             "x\tevil.example\ny\td41d8cd98f00b204e9800998ecf8427e\n", NULL),
                     ERR_OK);
    assert_int_equal(r.report.objects, 2);
    expect(&r, "domain-name--");
    buf_deinit(&r.out);
}

static const char now_text[] = "2026-09-21T14:13:20.000Z";

/* How often `part` is in the text. */
static size_t times_in(const struct result *result, const char *part)
{
    size_t count = 0, len = strlen(part);
    for (size_t at = 0; at + len <= result->out.len; at++)
        count += memcmp(result->out.at + at, part, len) == 0;
    return count;
}

/* Created, modified and valid_until ("-": none) of the only object. */
static void expect_times(struct result *r, const char *created, const char *modified, const char *until)
{
    char part[160];
    assert_int_equal(times_in(r, "\"type\":\"indicator\""), 1);
    (void)snprintf(part, sizeof part, "\"created\":\"%s\",\"modified\":\"%s\"", created, modified);
    expect(r, part);
    (void)snprintf(part, sizeof part, "\"valid_until\":\"%s\"", until);
    assert_int_equal(times_in(r, part), until[0] != '-');
    assert_int_equal(times_in(r, "valid_until"), until[0] != '-');
    assert_int_equal(times_in(r, "revoked"), 0);
}

static void the_same_list_is_the_same(void **state)
{
    (void)state;
    struct result one, two, none;
    assert_int_equal(convert(&one, "", "a.example\nb.example\n", NULL), ERR_OK);
    assert_int_equal(convert(&two, "", "a.example\nb.example\n", NULL), ERR_OK);
    assert_true(str_eq(buf_str(&one.out), buf_str(&two.out)));
    assert_int_equal(times_in(&one, now_text), 0);
    assert_int_equal(convert(&none, "", "b.example\na.example\nb.example\n", "a.example\nb.example\n"),
                     ERR_OK);
    assert_int_equal(none.report.unchanged, 2);
    assert_int_equal(none.report.objects + none.report.over, 0);
    assert_int_equal(times_in(&none, "objects"), 0);
    buf_deinit(&one.out);
    buf_deinit(&two.out);
    buf_deinit(&none.out);
}

static void a_previous_list_leaves_the_difference(void **state)
{
    (void)state;
    /* Columns: value, date, end, family. The present is 2026-09-21. */
    static const char map[] = "header=no value=col:1 valid_from=col:2 valid_until=col:3 labels=col:4";
    static const struct {
        const char *previous, *text, *created, *modified, *until;
    } rows[] = {
        /* new, of the past and of the future */
        {"x.example", "x.example\na.example,2026-02-01,,bot", "2026-02-01T00:00:00.000Z", now_text, "-"},
        {"x.example", "x.example\na.example,2027-02-01,,bot", "2027-02-01T00:00:00.000Z",
         "2027-02-01T00:00:00.000Z", "-"},
        /* changed: another label, another date, another end; a date that is still to come */
        {"a.example,2026-02-01,,bot", "a.example,2026-02-01,,worm", "2026-02-01T00:00:00.000Z", now_text,
         "-"},
        {"a.example,2026-02-01,,bot", "a.example,2026-01-15,,bot", "2026-02-01T00:00:00.000Z", now_text, "-"},
        {"a.example,2026-02-01,,bot", "a.example,2026-02-01,2026-03-01,bot", "2026-02-01T00:00:00.000Z",
         now_text, "2026-03-01T00:00:00.000Z"},
        {"a.example,2027-02-01,,bot", "a.example,2027-02-01,,worm", "2027-02-01T00:00:00.000Z",
         "2027-02-01T00:00:00.001Z", "-"},
        /* gone: of the past, of the future, with an end that is still to come */
        {"a.example,2026-02-01,,bot\nx.example", "x.example", "2026-02-01T00:00:00.000Z", now_text, now_text},
        {"a.example,2027-02-01,,bot\nx.example", "x.example", "2027-02-01T00:00:00.000Z",
         "2027-02-01T00:00:00.001Z", "2027-02-01T00:00:00.001Z"},
        {"a.example,2026-02-01,2027-01-01,bot\nx.example", "x.example", "2026-02-01T00:00:00.000Z", now_text,
         now_text},
    };
    struct result r;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(convert(&r, map, rows[i].text, rows[i].previous), ERR_OK);
        assert_int_equal(r.report.objects + r.report.over, 1);
        assert_int_equal(r.report.over, i >= 6);
        expect_times(&r, rows[i].created, rows[i].modified, rows[i].until);
        expect(&r, "[domain-name:value = 'a.example']");
        buf_deinit(&r.out);
    }
    /* Its own end is over: nothing is left to say. Of two rows of one value the first counts. */
    assert_int_equal(convert(&r, map, "x.example", "a.example,2026-02-01,2026-03-01,bot\nx.example"), ERR_OK);
    assert_int_equal(r.report.objects + r.report.over, 0);
    buf_deinit(&r.out);
    assert_int_equal(convert(&r, map, "a.example,,,bot\na.example,,,worm", "a.example,,,bot"), ERR_OK);
    assert_int_equal(r.report.objects + r.report.over, 0);
    buf_deinit(&r.out);
}

/* What is gone and comes back: three lists, each against the one before. */
static void a_value_comes_back_without_its_end(void **state)
{
    (void)state;
    struct result gone, back;
    assert_int_equal(convert(&gone, "", "b.example\n", "a.example\nb.example\n"), ERR_OK);
    expect_times(&gone, "2026-01-01T00:00:00.000Z", now_text, now_text);
    assert_int_equal(convert(&back, "", "a.example\nb.example\n", "b.example\n"), ERR_OK);
    expect_times(&back, "2026-01-01T00:00:00.000Z", now_text, "-");
    buf_deinit(&gone.out);
    buf_deinit(&back.out);
}

static void observables_do_not_end(void **state)
{
    (void)state;
    struct result r;
    assert_int_equal(convert(&r, "as=observable header=no", "b.example\nc.example", "a.example\nb.example"),
                     ERR_OK);
    assert_int_equal(r.report.objects, 1);
    assert_int_equal(r.report.over, 0);
    expect(&r, "\"value\":\"c.example\"");
    assert_int_equal(times_in(&r, "a.example") + times_in(&r, "b.example"), 0);
    buf_deinit(&r.out);
}

static void a_previous_list_has_the_same_columns(void **state)
{
    (void)state;
    struct result r;
    assert_int_equal(convert(&r, "value=col:v", "v\na.example\n", "w\na.example\n"), ERR_INVALID);
    assert_non_null(strstr(r.fault.what, "previous"));
    buf_deinit(&r.out);
}

static void bad_mappings_and_records(void **state)
{
    (void)state;
    static const char *const maps[] = {"type", "=x", "nonsense=1", "header=maybe", "name=\"x", "value="};
    struct result r;
    for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++) {
        assert_int_not_equal(convert(&r, maps[i], "a\n", NULL), ERR_OK);
        buf_deinit(&r.out);
    }
    /* A broken record never fails its neighbours. */
    assert_int_equal(
        convert(&r, "value=col:v", "v\na.exa\"mple\n\"b.example\"x\nc.example\n\"d.example\n", NULL), ERR_OK);
    assert_int_equal(r.report.objects, 1);
    assert_int_equal(r.report.refused, 3);
    buf_deinit(&r.out);
    assert_int_equal(convert(&r, "", "\xff\n", NULL), ERR_OK);
    assert_int_equal(r.report.refused, 1);
    buf_deinit(&r.out);
}

static void every_prefix_is_read(void **state)
{
    (void)state;
    static const char text[] = "v,w\r\n\"a.example\",1\r\nb.example,\"2\n\"\r\n";
    for (size_t len = 0; len < sizeof text; len++) {
        char prefix[sizeof text];
        struct result r;
        memcpy(prefix, text, len);
        prefix[len < sizeof prefix ? len : len - 1] = '\0';
        err_t err = convert(&r, "value=col:1", prefix, NULL);
        assert_true(err == ERR_OK || (err == ERR_INVALID && len == 0));
        assert_true(r.report.objects <= 2);
        buf_deinit(&r.out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_list),
        cmocka_unit_test(values_are_what_their_type_says),
        cmocka_unit_test(other_values_are_refused),
        cmocka_unit_test(a_list_has_a_mapping_without_columns),
        cmocka_unit_test(a_table),
        cmocka_unit_test(observables_have_their_own_ids),
        cmocka_unit_test(the_same_list_is_the_same),
        cmocka_unit_test(a_previous_list_leaves_the_difference),
        cmocka_unit_test(a_value_comes_back_without_its_end),
        cmocka_unit_test(observables_do_not_end),
        cmocka_unit_test(a_previous_list_has_the_same_columns),
        cmocka_unit_test(bad_mappings_and_records),
        cmocka_unit_test(every_prefix_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
