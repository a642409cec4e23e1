/* Safety holds: what stands on an operator's list waits for a person, whichever way the list was given. */
#include "gate/safety.h"

#include "gate/broad.h"
#include "gate/state.h"
#include "gate_test.h"

static const struct list *read_list(struct arena *arena, enum gate_list_kind kind, const char *text,
                                    err_t wanted)
{
    const struct list *list = NULL;
    struct fault fault = {0};
    size_t len = strlen(text);
    char *padded = mem_alloc(len + JSON_PADDING);
    memcpy(padded, text, len);
    assert_int_equal(list_read(kind, bytes_of(padded, len), arena, &list, &fault), wanted);
    mem_free(padded);
    return list;
}

static bool hits(const struct list *list, const char *text)
{
    return list_hits(list, &(struct list_value) {.text = str_of(text), .host = true});
}

static void networks(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct list *list =
        read_list(&arena, GATE_LIST_CIDR,
                  "# own\n192.0.2.0/24\n10.1.0.0/16 # again\n10.0.0.0/8\n2001:db8::/32\n", ERR_OK);
    assert_int_equal(list_entries(list), 3); /* one lies in another */
    assert_true(hits(list, "10.1.2.3"));
    assert_true(hits(list, "10.255.0.0/16"));
    assert_true(hits(list, "8.0.0.0/5")); /* holds it */
    assert_true(hits(list, "http://10.9.9.9:8080/a"));
    assert_true(hits(list, "2001:db8:1::1"));
    assert_true(hits(list, "0.0.0.0/0"));
    assert_false(hits(list, "11.0.0.0/8"));
    assert_false(hits(list, "192.0.3.1"));
    assert_false(hits(list, "2001:db9::1"));
    assert_false(list_hits(list, &(struct list_value) {.text = STR("10.1.2.3")})); /* a file's name, say */
    (void)read_list(&arena, GATE_LIST_CIDR, "10.0.0.0/8\nno network\n", ERR_INVALID);
    arena_deinit(&arena);
}

static void names(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct list *list = read_list(&arena, GATE_LIST_DOMAIN, "Example.ORG\n.kr.test\ncorp\n", ERR_OK);
    assert_true(hits(list, "example.org"));
    assert_true(hits(list, "www.EXAMPLE.org"));
    assert_true(hits(list, "https://u@www.example.org:8/x"));
    assert_true(hits(list, "somebody@mail.kr.test"));
    assert_true(hits(list, "printer.corp"));
    assert_false(hits(list, "notexample.org"));
    assert_false(hits(list, "example.org.evil.net"));
    const struct list *words = read_list(&arena, GATE_LIST_STRING, "Google.com\n8.8.8.8\n", ERR_OK);
    assert_true(hits(words, "google.COM"));
    assert_false(hits(words, "www.google.com"));
    assert_false(hits(words, "https://google.com/x"));
    assert_true(hits(words, "8.8.8.8"));
    assert_false(hits(words, "8.8.8.9"));
    const struct list *hashes =
        read_list(&arena, GATE_LIST_HASH, "D41D8CD98F00B204E9800998ECF8427E\n", ERR_OK);
    assert_true(hits(hashes, "d41d8cd98f00b204e9800998ecf8427e"));
    (void)read_list(&arena, GATE_LIST_HASH, "xyz\n", ERR_INVALID);
    arena_deinit(&arena);
}

/* A host in all the ways that programs take it. */
static void spellings(void **state)
{
    static const char *const inside[] = {"http://2130706433/",
                                         "http://0x7f.1:8080/a",
                                         "http://0x7F000001/",
                                         "http://0177.0.0.1/",
                                         "http://127.1",
                                         "HTTP://user:pw@127.1:80/x?y#z",
                                         "http://localhost:8080/",
                                         "http://LOCALHOST./",
                                         "localhost.",
                                         "a.localhost.",
                                         "http://[::ffff:a00:1]/",
                                         "[::ffff:a00:1]",
                                         "::ffff:10.0.0.1",
                                         "::10.0.0.1",
                                         "64:ff9b::10.0.0.1",
                                         "fe80::1%eth0",
                                         "10.0.0.1.",
                                         "010.0.0.1",
                                         "someone@[10.0.0.1]",
                                         "127.1"};
    static const char *const outside[] = {"http://134744072/", "http://8.2056/",    "::ffff:8.8.8.8",
                                          "http://0x.g/",      "localhost.evil.su", "0x7f.1.evil.su",
                                          "64:ff9b::8.8.8.8"};
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct list *reserved = read_list(&arena, GATE_LIST_RESERVED, "", ERR_OK);
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++)
        if (!list_hits(reserved,
                       &(struct list_value) {.text = str_of(inside[i]), .host = true, .is_place = true}))
            fail_msg("%s is not seen", inside[i]);
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++)
        if (list_hits(reserved,
                      &(struct list_value) {.text = str_of(outside[i]), .host = true, .is_place = true}))
            fail_msg("%s is taken for a reserved one", outside[i]);
    assert_false(hits(reserved, "2130706433")); /* a subject, say */
    const struct list *eight = read_list(&arena, GATE_LIST_CIDR, "8.0.0.0/8\n", ERR_OK);
    assert_true(hits(eight, "http://010.0.0.1/")); /* octal for some, */
    assert_false(hits(eight, "http://10.0.0.1/"));
    arena_deinit(&arena);
}

static void spellings_of_names(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct list *words =
        read_list(&arena, GATE_LIST_STRING, "google.com\nm\xc3\xbcnchen.de\nxn--bcher-kva.de\na b\n", ERR_OK);
    assert_true(hits(words, "google.com."));
    assert_true(hits(words, "GOOGLE.com."));
    assert_false(hits(words, "www.google.com."));
    assert_true(hits(words, "xn--mnchen-3ya.de"));
    assert_true(hits(words, "M\xc3\x9cNCHEN.de"));
    assert_true(hits(words, "b\xc3\xbc"
                            "cher.de"));
    assert_true(hits(words, "A B"));
    const struct list *domains = read_list(&arena, GATE_LIST_DOMAIN, "m\xc3\xbcnchen.de\n", ERR_OK);
    assert_true(hits(domains, "https://www.xn--mnchen-3ya.de./"));
    arena_deinit(&arena);
}

static void warninglists(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    static const char json[] =
        "{\"name\":\"n\",\"type\":\"hostname\",\"version\":1,\"list\":[\"a.example.org\",\"b.net\"]}";
    char part[sizeof json];
    const struct list *list = read_list(&arena, GATE_LIST_MISP, json, ERR_OK);
    assert_int_equal(list_entries(list), 2);
    assert_true(hits(list, "www.b.net"));
    (void)read_list(&arena, GATE_LIST_MISP, "{\"type\":\"regex\",\"list\":[\"/./\"]}", ERR_UNSUPPORTED);
    (void)read_list(&arena, GATE_LIST_MISP, "{\"type\":\"cidr\",\"list\":[1]}", ERR_INVALID);
    (void)read_list(&arena, GATE_LIST_MISP, "[]", ERR_INVALID);
    for (size_t len = 0; len + 1 < sizeof json; len++) {
        struct fault fault = {0};
        char padded[sizeof json + JSON_PADDING] = "";
        memcpy(part, json, len);
        memcpy(padded, json, len);
        assert_int_not_equal(list_read(GATE_LIST_MISP, bytes_of(padded, len), &arena, &list, &fault), ERR_OK);
    }
    arena_deinit(&arena);
}

static void too_broad(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    const struct list *list = read_list(&arena, GATE_LIST_BROAD, "", ERR_OK);
    assert_true(hits(list, "100.0.0.0/12"));
    assert_false(hits(list, "100.1.0.0/16"));
    assert_true(hits(list, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    assert_true(list_hits(list, &(struct list_value) {.text = STR("com"), .is_domain = true}));
    assert_false(list_hits(list, &(struct list_value) {.text = STR("evil.com"), .is_domain = true}));
    assert_true(list_hits(list, &(struct list_value) {.text = STR("%"), .matched = true}));
    assert_true(list_hits(list, &(struct list_value) {.text = STR("^.*$"), .matched = true}));
    assert_false(list_hits(list, &(struct list_value) {.text = STR("%.evil"), .matched = true}));
    assert_false(
        list_hits(list, &(struct list_value) {.text = STR("0.0.0.0/0"), .host = true, .observed = true}));
    const struct list *reserved = read_list(&arena, GATE_LIST_RESERVED, "", ERR_OK);
    assert_true(hits(reserved, "169.254.1.1"));
    assert_true(hits(reserved, "::1"));
    assert_true(hits(reserved, "a.b.invalid"));
    assert_true(hits(reserved, "localhost"));
    assert_false(hits(reserved, "9.9.9.9"));
    arena_deinit(&arena);
}

static void bytes_demanded(void **state)
{
    static const struct {
        const char *text;
        size_t bytes;
    } rows[] = {
        {".", 0},
        {"^1", 1},
        {"^.*$", 0},
        {"evil", 4},
        {"^evil\\.example$", 12},
        {"evil|x", 1},
        {"(?:evil|badness)\\.su", 7},
        {"(evil)?", 0},
        {"(evil){2}", 8},
        {"(evil){2,}x*", 8},
        {"a{0,3}", 0},
        {"ab+c", 3},
        {"ab*c", 2},
        {"ab??c", 2},
        {"[a-z]{10}", 0},
        {"[]abc]x[^]]y", 2},
        {"[[:alpha:]]x", 1},
        {"\\d\\w\\s\\b", 0},
        {"\\x41\\x{42}\\n\\.", 4},
        {"(?i)evil.su", 6},
        {"(?<name>evil)", 4},
        {"(?=evil)x", 1},
        {"(?!evil)", 0},
        {"a{b", 3},
        {"^(\\d{1,3}\\.){3}\\d{1,3}$", 3},
        /* Cannot be read: demands nothing. */
        {"evil.example(", 0},
        {"evil.example)", 0},
        {"evil.example[", 0},
        {"evil.example\\", 0},
        {"(?x)evil.example", 0},
        {"((((((((((((((((((((((((((((((((evil.example))))))))))))))))))))))))))))))))", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (broad_regex_literals(str_of(rows[i].text)) != rows[i].bytes)
            fail_msg("%s: %zu", rows[i].text, broad_regex_literals(str_of(rows[i].text)));
    assert_int_equal(broad_like_literals(STR("1%")), 1);
    assert_int_equal(broad_like_literals(STR("_%")), 0);
    assert_int_equal(broad_like_literals(STR("%.example.org")), 12);
}

static bool is_broad(const char *text)
{
    struct stix_pattern pattern;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    assert_int_equal(stix_pattern_parse(str_of(text), STIX_PATTERN_2_1, &arena, &pattern, NULL, NULL),
                     ERR_OK);
    bool broad = broad_pattern(&pattern, &arena);
    arena_deinit(&arena);
    return broad;
}

static void open_patterns(void **state)
{
    static const char *const broad[] = {
        "[ipv4-addr:value != '10.9.8.7']",
        "[ipv4-addr:value NOT = '10.9.8.7']",
        "[ipv4-addr:value NOT IN ('10.9.8.7', '10.9.8.6')]",
        "[ipv4-addr:value NOT ISSUBSET '10.0.0.0/8']",
        "[domain-name:value NOT LIKE '%.example.org']",
        "[domain-name:value > 'a']",
        "[domain-name:value <= 'z']",
        "[EXISTS file:name]",
        "[url:value MATCHES '^1']",
        "[ipv4-addr:value LIKE '1%']",
        "[ipv4-addr:value LIKE '_%']",
        "[file:name LIKE '%.exe']",
        "[url:value LIKE 'https://%']", /* every URL has what it demands */
        "[url:value LIKE 'http%://www.%']",
        "[url:value MATCHES '^https?://[^/]+/']",
        "[domain-name:value LIKE 'www.%.com']",
        "[ipv4-addr:value != 'a' AND ipv4-addr:value != 'b']",
        "[ipv4-addr:value = '8.8.8.8' OR ipv4-addr:value != 'b']",
        "[ipv4-addr:value != 'a'] OR [domain-name:value = 'evil.su']",
        "[ipv4-addr:value != 'a'] FOLLOWEDBY [domain-name:value != 'evil.su'] WITHIN 5 SECONDS",
    };
    static const char *const narrow[] = {
        "[ipv4-addr:value = '10.9.8.7']",
        "[file:size > 10]",
        "[domain-name:value LIKE '%.evil.su']",
        "[url:value LIKE 'http://%/gate.php']",
        "[url:value MATCHES '^https?://[^/]+/[a-z]{5}[.]php']",
        "[file:name LIKE 'https://%']",
        "[domain-name:value MATCHES '^[a-z]{8}\\\\.evil\\\\.su$']",
        "[ipv4-addr:value != 'a' AND domain-name:value = 'evil.su']",
        "[ipv4-addr:value != 'a'] AND [domain-name:value = 'evil.su']",
        "[file:name LIKE '%.exe' AND file:size = 4711]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof broad / sizeof broad[0]; i++)
        if (!is_broad(broad[i]))
            fail_msg("%s is not broad", broad[i]);
    for (size_t i = 0; i < sizeof narrow / sizeof narrow[0]; i++)
        if (is_broad(narrow[i]))
            fail_msg("%s is broad", narrow[i]);
}

static const char *const broad_numbers[] = {
    "[file:size > 0]",
    "[file:size >= 0]",
    "[file:size > -1]",
    "[file:size >= 1]",
    "[network-traffic:dst_port >= 0]",
    "[network-traffic:dst_port <= 65535]",
    "[network-traffic:dst_port NOT > 65535]",
    "[network-traffic:dst_port NOT < 1]",
    "[file:size < 100000000000]",
    "[file:created > t'1970-01-01T00:00:00Z']",
    "[file:size > 0 AND file:name LIKE '%']",
    "[file:name LIKE '%' AND file:name LIKE '%e%']",
    "[file:name != 'x' AND file:size >= 0]",
};
static const char *const narrow_numbers[] = {
    "[file:size > 10]",
    "[file:size = 0]",
    "[file:size < 4096]",
    "[network-traffic:dst_port > 60000]",
    "[network-traffic:dst_port NOT < 60000]",
    "[network-traffic:dst_port = 4444]",
    "[file:size > 0 AND file:name = 'evil.exe']",
    "[file:created > t'2026-01-01T00:00:00Z' AND file:name = 'evil.exe']",
};

static void numbers_that_leave_nothing_out(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof broad_numbers / sizeof broad_numbers[0]; i++)
        if (!is_broad(broad_numbers[i]))
            fail_msg("%s is not broad", broad_numbers[i]);
    for (size_t i = 0; i < sizeof narrow_numbers / sizeof narrow_numbers[0]; i++)
        if (is_broad(narrow_numbers[i]))
            fail_msg("%s is broad", narrow_numbers[i]);
}

static void samples_of_expressions(void **state)
{
    static const struct {
        const char *text;
        unsigned choice;
        const char *sample; /* NULL: none */
    } rows[] = {
        {"^8\\.8\\.8\\.8$", 0, "8.8.8.8"},
        {"8.8.8.8", 0, "8.8.8.8"},
        {"^https?://(www\\.)?google\\.com/.*", 0, "http://google.com/"},
        {"^https?://(www\\.)?google\\.com/.*", 1, NULL},
        {"(bing|google|a)\\.com", 0, "bing.com"},
        {"(bing|google|a)\\.com", 1, "google.com"},
        {"(bing|google|a)\\.com", 2, "a.com"},
        {"(bing|google|a)\\.com", 3, NULL},
        {"evil|google", 1, "google"},
        {"x(?=abc)y(?:z)*", 0, "xy"},
        {"[a-z]*google\\.com", 0, "google.com"},
        {"\\bgoogle\\.com\\b", 0, "google.com"},
        {"[a-z]+\\.google\\.com", 0, NULL},
        {"\\d\\.8", 0, NULL},
        {"a{3}", 0, NULL},
        {"(a", 0, NULL},
        {"(?x)a", 0, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char sample[64] = "";
        size_t len = 0;
        bool is = broad_regex_sample(str_of(rows[i].text), rows[i].choice, sample, sizeof sample, &len);
        if (is != (rows[i].sample != NULL) ||
            (is && !str_eq((struct str) {sample, len}, str_of(rows[i].sample))))
            fail_msg("%s, %u: %.*s", rows[i].text, rows[i].choice, (int)len, sample);
    }
    char small[4];
    size_t len;
    assert_false(broad_regex_sample(STR("abcde"), 0, small, sizeof small, &len));
}

struct asked {
    const struct list *lists[3];
};

static bool is_listed(void *ctx, const struct list_value *value)
{
    const struct asked *asked = ctx;
    for (size_t i = 0; i < sizeof asked->lists / sizeof *asked->lists; i++)
        if (list_hits(asked->lists[i], value))
            return true;
    return false;
}

/* An object, against popular names, networks and what is too broad. */
static bool is_held_object(const struct asked *asked, struct buf *text)
{
    struct arena arena;
    struct json_parser *parser;
    struct json_doc doc;
    struct stix_object object;
    arena_init(&arena, 4 << 20);
    size_t len = text->len;
    buf_put(text, (const uint8_t[JSON_PADDING]) {0}, JSON_PADDING);
    assert_int_equal(json_parser_new(1 << 16, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(text->at, len), &doc, NULL), ERR_OK);
    assert_int_equal(stix_read_held(json_root(&doc), &arena, &object), ERR_OK);
    uint64_t steps = LIMIT_LIST_STEPS;
    bool held = list_each_value(&object, &arena, &steps, is_listed, (void *)(uintptr_t)asked);
    assert_true(!held || list_concerns(&object));
    json_parser_free(parser);
    arena_deinit(&arena);
    return held;
}

/* An indicator with this pattern. */
static bool is_held(const struct asked *asked, const char *language, const char *pattern)
{
    static const char head[] =
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--"
        "00000000-0000-4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\","
        "\"modified\":\"2026-01-01T00:00:00.000Z\",\"valid_from\":"
        "\"2026-01-01T00:00:00Z\",\"pattern_type\":\"";
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_printf(&text, "%s%s\",\"pattern\":\"", head, language);
    for (const char *c = pattern; *c != '\0'; c++)
        if (*c == '\n')
            buf_put(&text, "\\n", 2);
        else {
            if (*c == '"' || *c == '\\')
                buf_putc(&text, '\\');
            buf_putc(&text, *c);
        }
    buf_printf(&text, "\"}");
    bool held = is_held_object(asked, &text);
    buf_deinit(&text);
    return held;
}

/* An observable with these members. */
static bool is_held_observable(const struct asked *asked, const char *type, const char *members)
{
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_printf(&text,
               "{\"type\":\"%s\",\"spec_version\":\"2.1\",\"id\":\"%s--00000000-0000-5000-8000-"
               "000000000001\",%s}",
               type, type, members);
    bool held = is_held_object(asked, &text);
    buf_deinit(&text);
    return held;
}

#define REQUEST(members) "\"extensions\":{\"http-request-ext\":{\"request_method\":\"get\"," members "}}"
#define EMPTY_MD5        "\"hashes\":{\"MD5\":\"D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E\"}"

static void observables(void **state)
{
    static const struct {
        const char *type, *members;
        bool held;
    } rows[] = {
        {"domain-name", "\"value\":\"google.com:443\"", true},
        {"domain-name", "\"value\":\"*.com\"", false}, /* nothing that was seen is too broad */
        {"ipv4-addr", "\"value\":\"8.8.8.*\"", true},
        {"url", "\"value\":\"google.com/x\"", true},
        {"file", EMPTY_MD5, true},
        {"artifact", EMPTY_MD5, true},
        {"artifact", "\"url\":\"http://google.com/a.zip\"", true},
        {"artifact", "\"url\":\"http://evil.su/google.com\"", false},
        {"x509-certificate", EMPTY_MD5, true},
        {"x509-certificate", "\"serial_number\":\"d41d8cd98f00b204e9800998ecf8427e\"", false},
        {"network-traffic", REQUEST("\"request_value\":\"http://google.com/x\""), true},
        {"network-traffic", REQUEST("\"request_value\":\"/google.com/x\""), false},
        {"network-traffic", REQUEST("\"request_header\":{\"HOST\":\"google.com:80\"}"), true},
        {"network-traffic", REQUEST("\"request_header\":{\"Host\":[\"evil.su\",\"8.8.8.8\"]}"), true},
        {"network-traffic", REQUEST("\"request_header\":{\"Referer\":\"google.com\"}"), false},
        {"network-traffic", "\"extensions\":{\"http-request-ext\":1}", false},
    };
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct asked asked = {{read_list(&arena, GATE_LIST_DOMAIN, "google.com\n", ERR_OK),
                           read_list(&arena, GATE_LIST_CIDR, "8.8.8.0/24\n", ERR_OK),
                           read_list(&arena, GATE_LIST_HASH, "d41d8cd98f00b204e9800998ecf8427e\n", ERR_OK)}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (is_held_observable(&asked, rows[i].type, rows[i].members) != rows[i].held)
            fail_msg("%s %s", rows[i].type, rows[i].members);
    arena_deinit(&arena);
}

struct row {
    const char *language, *pattern;
};

static const struct row held_rows[] = {
    {"stix", "[domain-name:value = '\xef\xbd\x87\xef\xbd\x8f\xef\xbd\x8f\xef\xbd\x87\xef\xbd\x8c\xef\xbd\x85"
             "\xef\xbc\x8e\xef\xbd\x83\xef\xbd\x8f\xef\xbd\x8d']"},
    {"stix", "[domain-name:value = 'google\xe3\x80\x82"
             "com']"},
    {"stix", "[url:value = 'hxxp://google[.]com']"},
    {"stix", "[url:value = 'hXXps[:]//www(dot)google{.}com/x']"},
    {"stix", "[domain-name:value = 'google(dot)com']"},
    {"stix", "[email-addr:value = 'a[at]google[.]com']"},
    {"stix", "[ipv4-addr:value = '8[.]8[.]8[.]8']"},
    {"stix", "[url:value = 'http://%67oogle.com/']"},
    {"stix", "[url:value = 'http://goog%6ce%2ecom/x']"},
    {"stix", "[url:value = 'http://%38.8.8.8/']"},
    {"stix", "[ipv4-addr:value LIKE '8.8.8.8']"},
    {"stix", "[url:value LIKE '%://8.8.8.8/%']"},
    {"stix", "[domain-name:value LIKE '%google.com']"},
    {"stix", "[domain-name:value LIKE '%oogle.com']"},
    {"stix", "[domain-name:value LIKE 'google.%']"},
    {"stix", "[domain-name:value MATCHES '^g..gle\\\\.com$']"},
    {"stix", "[ipv4-addr:value LIKE '8.8.8._']"},
    {"stix", "[ipv4-addr:value LIKE '_.8.8.8']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.[0-9]\\\\.[0-9]$']"},
    {"stix", "[url:value LIKE 'http://8.8.8._/x']"},
    {"stix", "[network-traffic:dst_ref.value LIKE '8.8._.8']"},
    {"stix", "[file:hashes.MD5 LIKE 'd41d8cd98f00b204%']"},
    {"stix",
     "[file:size = 4711 AND domain-name:value IN ('evil.su')] OR [email-addr:value LIKE '%@goo_le.%']"},
    {"stix", "[domain-name:value LIKE 'googl_.com']"}, /* one unknown character */
    {"stix", "[domain-name:value LIKE '%goo_le.c_m']"},
    {"stix", "[domain-name:value LIKE '______.com']"},
    {"stix", "[domain-name:value LIKE 'www.googl_.com']"},
    {"stix", "[domain-name:value LIKE 'google_com']"},
    {"stix", "[domain-name:value LIKE 'www_google_co_']"},
    {"stix", "[url:value LIKE 'http://goo_le.com/%']"},
    {"stix", "[url:value LIKE 'http://google.com/a_b%']"},
    {"stix", "[email-addr:value LIKE '%@_oogle.com']"},
    {"stix", "[url:value LIKE 'http%://www.google.com/%']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.8\\\\.8$']"},
    {"stix", "[url:value MATCHES '^https?://(www\\\\.)?google\\\\.com/']"},
    {"stix", "[domain-name:value MATCHES '^(evil|google)\\\\.com$']"},
    {"stix", "[file:size > 0]"},
    {"yara", "rule a { meta: author = \"x\" strings: $a = \"google.com\" condition: $a }"},
    {"yara", "rule a { strings: $a = \"hxxp://google[.]com/\" condition: $a }"},
    {"yara",
     "import \"hash\" rule a { condition: hash.md5(0, filesize) == \"d41d8cd98f00b204e9800998ecf8427e\" }"},
    {"yara", "rule a { condition: true }"},
    {"yara", "rule a\n{\n  /* all */\n  condition:\n    (true)\n}\n"},
    {"yara", "rule b { strings: $a = \"evilevil\" condition: $a } rule a { condition: filesize > 0 }"},
    {"snort", "alert tcp $HOME_NET any -> 8.8.8.8 any (msg:\"x\"; sid:1;)"},
    {"snort", "alert tcp any any -> [198.51.100.1, 8.8.8.8] any (msg:\"x\"; sid:1;)"},
    {"suricata", "alert dns any any -> any any (dns.query; content:\"google.com\"; sid:1;)"},
    {"suricata", "alert ip any any -> any any (msg:\"all\"; sid:1; rev:2;)"},
    {"snort", "alert tcp $EXTERNAL_NET any -> $HOME_NET any (msg:\"all\"; flow:established; sid:1;)"},
    {"sigma",
     "title: x\ndetection:\n  sel:\n    DestinationHostname|endswith: '.google.com'\n  condition: sel\n"},
    {"sigma", "detection:\n  sel:\n    DestinationIp:\n      - '8.8.8.8'\n  condition: sel\n"},
    {"sigma", "detection:\n  sel:\n    c|contains: ['evil.su', \"google.com\"]\n  condition: sel\n"},
    {"pcre", "^https?://google\\.com/"},
    {"pcre", ".*"},
    /* Ports, and slashes of every kind and number. */
    {"stix", "[ipv4-addr:value = '8.8.8.8:53']"},
    {"stix", "[domain-name:value = 'google.com:443']"},
    {"stix", "[domain-name:value = 'www.google.com.:443']"},
    {"stix", "[ipv6-addr:value = '[::ffff:8.8.8.8]:53']"},
    {"stix", "[url:value = 'google.com/x']"},
    {"stix", "[url:value = 'www.google.com:8080?x']"},
    {"stix", "[url:value = '8.8.8.8/x']"},
    {"stix", "[url:value = 'u:p@google.com:80/x']"},
    {"stix", "[url:value = '//google.com/x']"},
    {"stix", "[url:value = 'http:/google.com']"},
    {"stix", "[url:value = 'http:///google.com']"},
    {"stix", "[url:value = 'http:google.com/']"},
    {"stix", "[url:value = 'http:\\\\\\\\google.com']"},
    {"stix", "[url:value = 'https:/\\\\google.com\\\\x']"},
    {"stix", "[url:value = '\\\\\\\\google.com\\\\share']"},
    {"stix", "[url:value = 'ht\ntp://goo\ngle.com/']"},
    {"stix", "[url:value = 'http://evil.su\\\\@google.com/']"}, /* browsers and others differ */
    {"stix", "[url:value = 'http://google.com\\\\@evil.su/']"},
    {"stix", "[url:value = 'http://evil.su@google.com/']"},
    {"stix", "[url:value = 'http://a@b@google.com:80#@evil.su']"},
    {"stix", "[email-addr:value = 'Google <a@google.com>']"},
    {"stix", "[url:value = 'mailto:a@google.com?subject=x']"},
    /* More than one address or name. */
    {"stix", "[domain-name:value = '*.google.com']"},
    {"stix", "[url:value = 'https://*.google.com:443/*']"},
    {"stix", "[ipv4-addr:value = '8.8.8.*']"},
    {"stix", "[ipv4-addr:value = '8.8.*.*']"},
    {"stix", "[ipv4-addr:value = '8.8.8.0-8.8.8.255']"},
    {"stix", "[ipv4-addr:value = '8.8.7.0 - 8.8.9.255']"},
    {"stix", "[ipv4-addr:value = '8.8.8.1\xe2\x80\x93"
             "8.8.8.2']"},
    {"stix", "[ipv4-addr:value = '8.8.8.1-254']"},
    {"stix", "[ipv4-addr:value = '8.8.8.0/255.255.255.0']"},
    {"stix", "[ipv4-addr:value = '9.0.0.0-9.255.255.255']"}, /* broad */
    {"stix", "[ipv4-addr:value = '9.*']"},
    {"stix", "[domain-name:value = '*.com']"},
    {"stix", "[ipv4-addr:value LIKE '8.8.8.%']"},
    {"stix", "[ipv4-addr:value LIKE '8.8.8%']"},
    {"stix", "[url:value LIKE 'http://8.8.8.%']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.8\\\\.']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.8\\\\.\\\\d{1,3}$']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.[0-9]+\\\\.[0-9]+$']"},
    /* IPv4 within IPv6. */
    {"stix", "[ipv6-addr:value = '2002:808:808::1']"},
    {"stix", "[ipv6-addr:value = '2002:808:800::/40']"},
    {"stix", "[ipv6-addr:value = '::ffff:0:8.8.8.8']"},
    {"stix", "[ipv6-addr:value = '64:ff9b::8.8.8.0/120']"},
    {"stix", "[ipv6-addr:value = '2001:0:1234:5678:0:0:f7f7:f7f7']"}, /* Teredo */
    {"stix", "[ipv6-addr:value = 'fe80::5efe:8.8.8.8']"},             /* ISATAP */
    {"stix", "[ipv6-addr:value = 'fe80::200:5efe:808:808']"},
    {"stix", "[ipv6-addr:value = '2001:4860:4860:*']"},
    {"stix", "[ipv6-addr:value LIKE '2001:4860:4860:%']"},
    {"stix", "[ipv6-addr:value = '2001:4860:4860::-2001:4860:4860::ffff']"},
    /* Where a host stands, and what is asked of it. */
    {"stix", "[ipv4-addr:value NOT != '8.8.8.8']"},
    {"stix", "[artifact:url = 'http://google.com/x']"},
    {"stix", "[artifact:url = 'google.com/x']"},
    {"stix", "[process:opened_connection_refs[*].dst_ref.value = '8.8.8.8']"},
    {"stix", "[network-traffic:extensions.'http-request-ext'.request_header.Host = 'google.com:80']"},
    {"stix", "[network-traffic:extensions.'http-request-ext'.request_value = 'http://google.com/x']"},
    {"stix", "[domain-name:value = h'676f6f676c652e636f6d']"},
    {"stix", "[domain-name:value = b'Z29vZ2xlLmNvbQ==']"},
    {"stix", "[file:hashes.MD5 = h'd41d8cd98f00b204e9800998ecf8427e']"},
    {"stix", "[file:hashes.MD5 = b'1B2M2Y8AsgTpgAmY7PhCfg==']"},
    {"stix", "[file:hashes.MD5 = 'D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E']"},
    {"stix", "[file:hashes.MD5 = 'D4-1D-8C-D9-8F-00-B2-04-E9-80-09-98-EC-F8-42-7E']"},
    {"stix", "[file:hashes.MD5 = 'd4 1d 8c d9 8f 00 b2 04 e9 80 09 98 ec f8 42 7e']"},
    {"stix", "[file:hashes.MD5 = '0xd41d8cd98f00b204e9800998ecf8427e']"},
    {"stix", "[file:hashes.MD5 = 'md5:d41d8cd98f00b204e9800998ecf8427e']"},
    {"stix", "[file:hashes.MD5 LIKE 'd41d8cd98f00b204e9800998ecf8427e%']"},
    {"yara", "rule a { strings: $a = \"8.8.8.8:53\" condition: $a }"},
    {"yara", "rule a { strings: $a = \"http:\\\\google.com\" condition: $a }"},
    {"sigma", "detection:\n  sel:\n    DestinationIp: 8.8.8.*\n  condition: sel\n"},
    {"sigma", "detection:\n  sel:\n    DestinationIp|startswith: '8.8.8.'\n  condition: sel\n"},
    {"snort", "alert tcp $HOME_NET any -> 2002:808:808::1 any (msg:\"x\"; sid:1;)"},
};

/* Nothing ordinary. */
static const struct row left_rows[] = {
    {"stix", "[url:value = 'http://evil.su/?u=http%3A%2F%2Fgoogle.com%2F']"},
    {"stix", "[url:value = 'http://evil.su/a%20b(dot)c']"},
    {"stix", "[url:value = 'http://google.com.evil.su/%67oogle.com']"},
    {"stix", "[domain-name:value = 'google[.]com[.]evil[.]su']"},
    {"stix", "[domain-name:value = 'xn--ggle-0nda.com']"},
    {"stix", "[domain-name:value = 'fxpro.evil.su']"},
    {"stix", "[domain-name:value = 'g\xd0\xbe\xd0\xbegle.com']"}, /* phishing: another name than the one it
                                                                     looks like */
    {"stix", "[url:value LIKE '%google.com.%']"},
    {"stix", "[url:value LIKE 'http://%/gate.php']"},
    {"stix", "[url:value MATCHES '^http://[0-9.]+/[a-z]{4}[.]exe$']"},
    {"stix", "[domain-name:value NOT MATCHES '^google\\\\.' AND domain-name:value = 'evil.su']"},
    {"stix", "[file:name LIKE '%oogle.com']"},
    {"stix", "[file:hashes.MD5 LIKE 'e41d8cd98f00b204%']"},
    {"stix", "[url:value LIKE '%google.com-login%']"},
    {"stix", "[domain-name:value LIKE '%.evil.su']"},
    {"stix", "[domain-name:value LIKE 'goog_.com']"},
    {"stix", "[domain-name:value LIKE 'google_.com']"},
    {"stix", "[domain-name:value LIKE 'googl_.com.evil.su']"},
    {"stix", "[domain-name:value LIKE '%evi_.su']"},
    {"stix", "[domain-name:value LIKE 'googl_.n_t']"},
    {"stix", "[domain-name:value = 'googl_.com']"}, /* itself, a letter of names */
    {"stix", "[url:value LIKE '%login_page%']"},
    {"stix", "[file:name LIKE 'googl_.com']"},
    {"stix", "[url:value MATCHES 'google\\\\.com\\\\.']"},
    {"stix", "[url:value MATCHES '^https?://[a-z0-9]+\\\\.evil\\\\.su/']"},
    {"stix", "[ipv4-addr:value LIKE '198.51.%']"},
    {"stix", "[file:name = 'google(dot)com.exe']"},
    {"stix", "[file:name MATCHES '^svchost[0-9]\\\\.exe$']"},
    {"stix", "[file:size = 4711]"},
    {"yara",
     "rule a { meta: reference = \"https://google.com/report\" hash = \"d41d8cd98f00b204e9800998ecf8427e\""
     " strings: $a = \"evil.su\" $b = \"true\" condition: any of them }"},
    {"yara", "rule a { strings: $a = \"visit google.com now\" condition: $a and true }"},
    {"yara", "rule a { strings: $a = { 6A 40 } // condition: true\n condition: $a }"},
    {"yara", "rule truely { strings: $a = \"condition: true }\" condition: $a }"},
    {"snort", "alert tcp any any -> any 4444 (msg:\"port\"; sid:1;)"},
    {"snort",
     "alert tcp any any -> any any (msg:\"x\"; content:\"evilevil\"; reference:url,google.com/a; sid:1;)"},
    {"snort", "alert tcp !8.8.8.8 any -> 198.51.100.1 any (msg:\"google.com\"; sid:1;)"},
    {"snort", "# alert ip any any -> any any (sid:1;)\nalert tcp any any -> 198.51.100.1 any (sid:2;)"},
    {"suricata",
     "alert http any any -> any any (http.host; content:!\"google.com\"; content:\"evil\"; sid:1;)"},
    {"sigma",
     "title: google.com\nreferences:\n  - https://google.com/report\ndetection:\n  sel:\n    Image|endswith: "
     "'\\\\evil.exe'\n  condition: sel\nfalsepositives:\n  - 8.8.8.8\n"},
    {"sigma", "detection:\n  sel:\n    CommandLine|contains: 'ping google.com'\n  condition: sel\n"},
    {"pcre", "^https?://evil\\.su/[a-z]+"},
    {"stix", "[url:value = 'http://google.com@evil.su/']"},
    {"stix", "[url:value = 'evil.su/google.com']"},
    {"stix", "[url:value = 'http:/evil.su//google.com']"},
    {"stix", "[url:value = 'a.su/?u=http://google.com']"},
    {"stix", "[url:value = '/google.com']"},
    {"stix", "[url:value = 'file:///google.com/x']"},
    {"stix", "[domain-name:value = 'evil.su:443']"},
    {"stix", "[domain-name:value = '*.evil.su']"},
    {"stix", "[domain-name:value = 'google.*.su']"},
    {"stix", "[domain-name:value = '8-8.evil.su']"},
    {"stix", "[email-message:subject = 'google.com: you won']"},
    {"stix", "[email-message:subject = 'google.com/x']"},
    {"stix", "[ipv4-addr:value = '8.8.7.*']"},
    {"stix", "[ipv4-addr:value = '8.8.9.0-8.8.9.255']"},
    {"stix", "[ipv4-addr:value = '8.8.9.0-8.8.8.0']"},
    {"stix", "[ipv4-addr:value = '9.9.9.9:53']"},
    {"stix", "[ipv4-addr:value LIKE '8.8.9.%']"},
    {"stix", "[ipv4-addr:value MATCHES '^8\\\\.8\\\\.9\\\\.']"},
    {"stix", "[ipv6-addr:value = '2002:909:909::808:808']"},
    {"stix", "[ipv6-addr:value = '2001:db8::808:808']"},
    {"stix", "[ipv4-addr:value != '8.8.8.8' AND file:name = 'evil.exe']"},
    {"stix", "[file:hashes.MD5 = h'00112233445566778899aabbccddeeff']"},
    {"stix", "[x509-certificate:serial_number = 'd41d8cd98f00b204e9800998ecf8427e']"},
    {"stix", "[x509-certificate:serial_number = 'D4:1D:8C:D9:8F:00:B2:04:E9:80:09:98:EC:F8:42:7E']"},
    {"stix", "[x509-certificate:serial_number = h'd41d8cd98f00b204e9800998ecf8427e']"},
    {"yara", "rule a { strings: $a = \"google.com: you won\" condition: $a }"},
    {"yara", "rule a { strings: $a = \"8.8.8\" $b = \"1\" condition: $a }"},
    {"spl", "index=proxy host=google.com"},
    {"yara", ""},
    {"yara", "rule a { strings: $a = \"unterminated"},
    {"snort", "alert tcp any"},
    {"sigma", "detection:"},
};

static void what_is_meant_is_asked(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1 << 20);
    struct asked asked = {{read_list(&arena, GATE_LIST_DOMAIN, "google.com\n", ERR_OK),
                           read_list(&arena, GATE_LIST_CIDR, "8.8.8.0/24\n2001:4860:4860::/48\n", ERR_OK),
                           read_list(&arena, GATE_LIST_BROAD, "", ERR_OK)}};
    for (size_t i = 0; i < sizeof held_rows / sizeof held_rows[0]; i++)
        if (!is_held(&asked, held_rows[i].language, held_rows[i].pattern))
            fail_msg("%s: %s is not held", held_rows[i].language, held_rows[i].pattern);
    for (size_t i = 0; i < sizeof left_rows / sizeof left_rows[0]; i++)
        if (is_held(&asked, left_rows[i].language, left_rows[i].pattern))
            fail_msg("%s: %s is held", left_rows[i].language, left_rows[i].pattern);
    for (size_t i = 0; i < sizeof held_rows / sizeof held_rows[0]; i++) /* cut anywhere: read, and no crash */
        for (size_t len = strlen(held_rows[i].pattern); len-- > 0 && held_rows[i].language[1] != 't';) {
            char part[512];
            (void)snprintf(part, sizeof part, "%.*s", (int)len, held_rows[i].pattern);
            (void)is_held(&asked, held_rows[i].language, part);
        }
    arena_deinit(&arena);
}

/* --- at the gate --- */

static void add_list(struct bench *b, const char *name, enum gate_list_kind kind, const char *text)
{
    struct fault fault = {0};
    size_t half = strlen(text) / 2;
    unsigned parts = text[0] == '\0' ? 0 : 2; /* cut anywhere */
    if (parts > 0) {
        assert_int_equal(gate_list_part(b->gate, str_of(name), 0, bytes_of(text, half), &by_test, b->now_us),
                         ERR_OK);
        assert_int_equal(gate_list_part(b->gate, str_of(name), 1, bytes_of(text + half, strlen(text) - half),
                                        &by_test, b->now_us),
                         ERR_OK);
    }
    assert_int_equal(gate_list_put(b->gate, str_of(name), kind, parts, &by_test, b->now_us, &fault), ERR_OK);
    assert_int_equal(gate_commit(b->gate), ERR_OK);
    bench_settle(b);
}

static struct str rule_for(struct bench *b, int n, struct arena *arena, enum policy_effect *effect)
{
    struct gate_why why;
    struct stix_key key = key_of("indicator", n);
    arena_reset(arena);
    assert_int_equal(gate_explain(b->gate, &key, 0, b->now_us, arena, NULL, NULL, &why), ERR_OK);
    *effect = why.effect;
    return why.rule;
}

static void assert_rule(struct bench *b, int n, enum policy_effect wanted, const char *rule)
{
    struct arena arena;
    enum policy_effect effect;
    arena_init(&arena, 64 << 20);
    struct str got = rule_for(b, n, &arena, &effect);
    assert_int_equal(effect, wanted);
    if (rule != NULL)
        assert_memory_equal(got.at, rule, strlen(rule));
    arena_deinit(&arena);
}

static size_t leaves(struct bench *b)
{
    struct gate_ledger ledger;
    bench_settle(b);
    assert_int_equal(gate_ledger(b->gate, 0, &ledger), ERR_OK);
    return (size_t)ledger.size;
}

static void holds(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct fault fault;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    add_list(&b, "own", GATE_LIST_CIDR, "198.51.100.7\n203.0.113.0/24\n");
    assert_int_equal(bench_add(&b, feed, indicator(text, 7, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(bench_add(&b, feed, indicator(text, 8, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(leaves(&b), 1);
    assert_rule(&b, 7, POLICY_HOLD, "built-in.safety");
    assert_rule(&b, 8, POLICY_RELEASE, NULL);
    /* The same after a restart, and without the index. */
    bench_reopen(&b);
    assert_rule(&b, 7, POLICY_HOLD, "built-in.safety");
    gate_close(b.gate);
    struct gate_setup setup = {.os = os_linux(), .dir = b.dir, .node_name = STR("kr"), .reindex = true};
    assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
    assert_int_equal(leaves(&b), 1);
    assert_rule(&b, 7, POLICY_HOLD, "built-in.safety");
    assert_int_equal(gate_list_count(b.gate), 1);
    assert_int_equal(gate_list_get(b.gate, 0).entries, 2);
    /* A bad one changes nothing; half of one neither. */
    assert_int_equal(gate_list_part(b.gate, STR("own"), 0, bytes_of("no", 2), &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_list_put(b.gate, STR("own"), GATE_LIST_CIDR, 1, &by_test, b.now_us, &fault),
                     ERR_INVALID);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_rule(&b, 7, POLICY_HOLD, "built-in.safety");
    /* An operator's word for one partner lets it go there. Until then it stands in the queue. */
    struct stix_key key = key_of("indicator", 7);
    assert_int_equal(gate_holds_count(b.gate, 0), 1);
    assert_int_equal(gate_approve(b.gate, &key, 0, GATE_APPROVE, 0, &by_test, b.now_us), ERR_OK);
    assert_int_equal(leaves(&b), 2);
    assert_int_equal(gate_holds_count(b.gate, 0), 0);
    bench_deinit(&b);
}

static void lists_change(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    add_list(&b, "reserved", GATE_LIST_RESERVED, "");
    for (int n = 1; n <= 3; n++)
        assert_int_equal(bench_add(&b, feed, indicator(text, n, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(leaves(&b), 0);
    struct stix_key key = key_of("indicator", 2);
    assert_int_equal(gate_tag(b.gate, &key, STR(GATE_SAFETY_OK), true, &by_test, b.now_us), ERR_OK);
    assert_int_equal(leaves(&b), 1);
    /* Without the list everything is decided again. */
    assert_int_equal(gate_list_remove(b.gate, STR("reserved"), &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_list_remove(b.gate, STR("reserved"), &by_test, b.now_us), ERR_NOTFOUND);
    assert_int_equal(leaves(&b), 3);
    bench_deinit(&b);
}

/* What was accepted before a list and is not decided yet is looked at with it. */
static void a_list_binds_what_waits(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    struct fault fault;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    assert_int_equal(bench_add(&b, feed, indicator(text, 1, 1, MARKED(TLP_CLEAR))), GATE_NEW);
    assert_int_equal(gate_list_put(b.gate, STR("r"), GATE_LIST_RESERVED, 0, &by_test, b.now_us, &fault),
                     ERR_OK);
    assert_int_equal(leaves(&b), 0);
    bench_deinit(&b);
}

static void hear_safety(void *ctx, const struct policy_step *step)
{
    if (str_eq(step->name, STR("built-in.safety")) && step->matched)
        (void)snprintf(ctx, ID_MAX * 2, "%.*s", STR_ARG(step->value));
}

static void told_of(struct bench *b, int n, char out[ID_MAX * 2])
{
    struct arena arena;
    struct gate_why why;
    struct stix_key key = key_of("indicator", n);
    arena_init(&arena, 64 << 20);
    out[0] = '\0';
    assert_int_equal(gate_explain(b->gate, &key, 0, b->now_us, &arena, hear_safety, out, &why), ERR_OK);
    arena_deinit(&arena);
}

static void add_pattern(struct bench *b, uint32_t source, int n, const char *pattern)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-"
                   "8000-%012x\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":"
                   "\"2026-01-01T00:00:00.000Z\",\"pattern_type\":\"stix\",\"valid_from\":"
                   "\"2026-01-01T00:00:00Z\",\"pattern\":\"%s\"" MARKED(TLP_CLEAR) "}",
                   (unsigned)n, pattern);
    assert_int_equal(bench_add(b, source, text), GATE_NEW);
    bench_settle(b);
}

/* As people read it: in all later decisions, too, and whether or not the node was started again. */
static void assert_told(struct bench *b, int n, const char *wanted)
{
    char told[ID_MAX * 2];
    told_of(b, n, told);
    if (wanted == NULL ? told[0] != '\0' : strstr(told, wanted) == NULL)
        fail_msg("%d: %s", n, told);
    assert_rule(b, n, wanted == NULL ? POLICY_RELEASE : POLICY_HOLD,
                wanted == NULL ? NULL : "built-in.safety");
}

/* A source spends what its patterns cost, and gets it back with time. Behind that they are held unread, and
 * stay so; nobody else waits for it. */
static void a_source_has_so_many_steps(void **state)
{
    static const char much[] = "[url:value LIKE '%evil1%']", tail[] = "[domain-name:value LIKE '%.evil.su']",
                      value[] = "[url:value = 'http://evil.su/']",
                      too_much[] = "its source sent too much to tell";
    struct bench b;
    struct buf names;
    (void)state;
    bench_init(&b);
    buf_init(&names, 1 << 20);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    uint32_t other = bench_source(&b, "other", STIX_TLP_CLEAR, true, false);
    (void)bench_partner(&b, "us-cisa");
    bench_policy(&b);
    for (unsigned i = 0; i < 3000; i++)
        buf_printf(&names, "some-name-%u.example\n", i);
    buf_put(&names, "", 1);
    add_pattern(&b, feed, 1, much);
    assert_null(b.gate->spending); /* without lists nothing is asked */
    add_list(&b, "own", GATE_LIST_DOMAIN, (const char *)names.at);
    add_pattern(&b, feed, 2, much);
    struct list_spending *spending = &b.gate->spending[feed];
    assert_true(spending->steps > 3000 * 20 && spending->steps < 3000 * 100);
    spending->steps = LIMIT_LIST_STEPS_SOURCE;
    add_pattern(&b, feed, 3, much);
    add_pattern(&b, other, 4, much);
    add_pattern(&b, feed, 5, tail);
    add_pattern(&b, feed, 6, value);
    assert_true(spending->steps <= LIMIT_LIST_STEPS_SOURCE);
    b.now_us += 1000000;
    add_pattern(&b, feed, 7, much);
    uint64_t spent = LIMIT_LIST_STEPS_SOURCE - LIMIT_LIST_STEPS_SECOND;
    assert_true(spending->steps > spent - 100000 && spending->steps < spent + 3000 * 100);
    b.now_us -= 3600 * INT64_C(1000000); /* a clock that is set back gives nothing back, and takes nothing */
    uint64_t before = spending->steps;
    add_pattern(&b, feed, 8, value);
    assert_true(spending->steps == before);
    b.now_us += 7200 * INT64_C(1000000);
    add_pattern(&b, feed, 9, tail);
    assert_int_equal(spending->steps, 0);
    for (int again = 0; again < 4; again++) {
        for (int n = 1; n <= 9; n++)
            assert_told(&b, n, n == 3 ? too_much : NULL);
        if (again == 0)
            bench_reopen(&b);
        else if (again == 1)
            bench_reindex(&b);
        else
            bench_policy_text(&b, "language 1\nrelease any if tlp <= clear to all\n");
        bench_settle(&b);
    }
    buf_deinit(&names);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks),
        cmocka_unit_test(names),
        cmocka_unit_test(spellings),
        cmocka_unit_test(spellings_of_names),
        cmocka_unit_test(bytes_demanded),
        cmocka_unit_test(open_patterns),
        cmocka_unit_test(numbers_that_leave_nothing_out),
        cmocka_unit_test(samples_of_expressions),
        cmocka_unit_test(what_is_meant_is_asked),
        cmocka_unit_test(observables),
        cmocka_unit_test(warninglists),
        cmocka_unit_test(too_broad),
        cmocka_unit_test(holds),
        cmocka_unit_test(lists_change),
        cmocka_unit_test(a_list_binds_what_waits),
        cmocka_unit_test(a_source_has_so_many_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
