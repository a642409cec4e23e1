#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/limit.h"
#include "core/mem.h"
#include "search/document.h"
#include "search/term.h"

static void show(const struct buf *terms, char *out, size_t size)
{
    assert_true(terms->len < size);
    for (size_t i = 0; i < terms->len; i++)
        out[i] = terms->at[i] == TERM_END ? '|' : (char)terms->at[i];
    out[terms->len] = '\0';
}

static void expect(void (*put)(struct buf *out, struct str text), const char *text, const char *terms)
{
    char out[2048];
    struct buf buf;
    buf_init(&buf, sizeof out - 1);
    put(&buf, str_of(text));
    show(&buf, out, sizeof out);
    assert_string_equal(out, terms);
    buf_deinit(&buf);
}

static void values(void **state)
{
    (void)state;
    expect(term_put_value, "203.0.113.7", "v203.0.113.7|411001011000000000111000100000111|");
    expect(term_put_value, "203.0.113.0/24", "v203.0.113.0/24|n110010110000000001110001.|");
    expect(term_put_value, "203.0.113.7/32", "v203.0.113.7/32|411001011000000000111000100000111|");
    expect(term_put_value, "::ffff:203.0.113.7", "v::ffff:203.0.113.7|411001011000000000111000100000111|");
    expect(term_put_value, "2001:db8::/16", "v2001:db8::/16|o0010000000000001.|");
    expect(term_put_value, "WWW.Evil.Example", "vwww.evil.example|dexample.evil.www.|");
    expect(term_put_value, "네이버.한국", "v네이버.한국|dxn--3e0b707e.xn--950bt9s8xi.|");
    expect(term_put_value, "http://www.네이버.한국/로그인",
           "vhttp://www.네이버.한국/로그인|dxn--3e0b707e.xn--950bt9s8xi.www.|");
    expect(term_put_value, "BÜCHER.example", "vbÜcher.example|dexample.xn--bcher-kva.|");
    expect(term_put_value, "xn--bcher-kva.example", "vxn--bcher-kva.example|dexample.xn--bcher-kva.|");
    expect(term_put_value, "a。example", "va。example|dexample.a.|");
    expect(term_put_value, "-네.example", "v-네.example|dexample.-네.|");
    expect(term_put_value, "https://u@evil.example:8443/a?b",
           "vhttps://u@evil.example:8443/a?b|dexample.evil.|");
    expect(term_put_value, "http://203.0.113.7/x",
           "vhttp://203.0.113.7/x|411001011000000000111000100000111|");
    expect(term_put_value, "mallory@evil.example", "vmallory@evil.example|dexample.evil.|");
    expect(term_put_value, "D41D8CD98F00B204E9800998ECF8427E",
           "vd41d8cd98f00b204e9800998ecf8427e|hd41d8cd98f00b204e9800998ecf8427e|");
    expect(term_put_value, "203.0.113.0/33", "v203.0.113.0/33|");
    expect(term_put_value, "a..example", "va..example|");
    expect(term_put_value, "", "");
}

static void expect_pattern(const char *text, const char *terms)
{
    char out[2048];
    struct buf buf;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    buf_init(&buf, sizeof out - 1);
    assert_true(term_put_pattern(&buf, str_of(text), &arena));
    show(&buf, out, sizeof out);
    assert_string_equal(out, terms);
    buf_deinit(&buf);
    arena_deinit(&arena);
}

static void patterns(void **state)
{
    struct buf buf;
    struct arena arena;
    (void)state;
    expect_pattern("[domain-name:value = 'evil.example']", "vevil.example|dexample.evil.|");
    expect_pattern("[file:name IN ('a b', 'c') AND file:name != 'd' OR file:name LIKE 'e%']", "va b|vc|");
    expect_pattern("[file:name NOT = 'a' AND file:name = 'b\\'c']", "vb'c|");
    expect_pattern("[ipv4-addr:value ISSUBSET '10.0.0.0/8']", "v10.0.0.0/8|n00001010.|");
    expect_pattern("[autonomous-system:number = 64512]", "vas64512|v64512|");
    expect_pattern("[file:hashes.'SHA-256' = 'AB'] FOLLOWEDBY [mutex:name = 'm']", "vab|vm|");
    arena_init(&arena, 1 << 20);
    buf_init(&buf, 1024);
    assert_false(term_put_pattern(&buf, STR("rule x { condition: true }"), &arena));
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
    arena_deinit(&arena);
}

static void long_values(void **state)
{
    char text[600], shown[700];
    struct buf a, b;
    (void)state;
    memset(text, 'a', sizeof text);
    buf_init(&a, 2048);
    buf_init(&b, 2048);
    term_put(&a, TERM_VALUE, (struct str) {text, sizeof text});
    text[599] = 'b';
    term_put(&b, TERM_VALUE, (struct str) {text, sizeof text});
    show(&a, shown, sizeof shown);
    assert_int_equal(a.len, 1 + TERM_BYTES_MAX + 1);
    assert_false(bytes_eq(buf_bytes(&a), buf_bytes(&b)));
    buf_deinit(&a);
    buf_deinit(&b);
}

static void document(void **state)
{
    static const char json[] =
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--11111111-1111-4111-8111-"
        "111111111111\",\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\","
        "\"name\":\"나쁜 도메인\",\"labels\":[\"Phish\"],\"pattern\":\"[domain-name:value = "
        "'evil.example']\","
        "\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\",\"object_marking_refs\":["
        "\"marking-"
        "definition--f88d31f6-486f-44da-b317-01333bde0b82\"],\"external_references\":[{\"source_name\":"
        "\"cve\","
        "\"external_id\":\"CVE-2024-1\",\"hashes\":{\"MD5\":\"D41D8CD98F00B204E9800998ECF8427E\"}}]}";
    char padded[sizeof json + JSON_PADDING] = {0}, out[2048];
    struct json_parser *parser;
    struct json_doc doc;
    struct fault fault = {0};
    struct arena arena;
    struct stix_object object;
    struct buf terms, text;
    (void)state;
    memcpy(padded, json, sizeof json);
    arena_init(&arena, 1 << 20);
    buf_init(&terms, LIMIT_SEARCH_TERM_BYTES);
    buf_init(&text, LIMIT_SEARCH_TEXT_BYTES);
    assert_int_equal(json_parser_new(sizeof padded, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(padded, sizeof json - 1), &doc, &fault), ERR_OK);
    assert_int_equal(stix_read(json_root(&doc), NULL, &arena, &object, &fault), ERR_OK);
    search_document(&object, 7, &arena, &terms, &text);
    show(&terms, out, sizeof out);
    static const char *const wanted[] = {
        "*.|",          "tindicator|",     "s7|",          "mtlp:amber|",
        "lphish|",      "dexample.evil.|", "vcve-2024-1|", "hd41d8cd98f00b204e9800998ecf8427e|",
        "v나쁜 도메인|"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (strstr(out, wanted[i]) == NULL)
            fail_msg("%s is not in %s", wanted[i], out);
    assert_null(strstr(out, "mnone|"));
    buf_putc(&text, '\0');
    assert_string_equal((const char *)text.at, "나쁜 도메인\nPhish\ncve\nCVE-2024-1\n");
    buf_deinit(&terms);
    buf_deinit(&text);
    json_parser_free(parser);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values),
        cmocka_unit_test(patterns),
        cmocka_unit_test(long_values),
        cmocka_unit_test(document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
