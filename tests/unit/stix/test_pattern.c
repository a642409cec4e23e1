/* STIX patterns (section 9): what is read, where and why the rest is refused, and the tree. */
#include <stdio.h>

#include "stix_test.h"

#include "stix/pattern.h"

struct refusal {
    const char *text;
    size_t offset;
    const char *what; /* part of the sentence */
};

static const char *const valid[] = {
    "[a:b = 1]",
    " \t\r\n[ a : b = 1 ] ",
    "[\xc2\xa0"
    "a:b\xe3\x80\x80=\xe2\x80\xa8"
    "1]",
    "[a:b=-1]",
    "[a:b=.5]",
    "[a:b=-0.50]",
    "[a:b=true OR a:b=false]",
    "[a:b='']",
    "[a:b='\\'\\\\']",
    "[a:b='\xed\x95\x9c\xea\xb8\x80\n']",
    "[a:b=h'']",
    "[a:b=b'AA\nA=']",
    "[a:b NOT = 1]",
    "[a:b NOT IN (1, 2.5)]",
    "[a:b IN ('x','y')]",
    "[a:b<1 AND a:b<=1 AND a:b>1 AND a:b>=1 AND a:b!=1]",
    "[a:b NOT LIKE 'x' AND a:b MATCHES'x' AND a:b ISSUBSET 'x' AND a:b NOT ISSUPERSET 'x']",
    "[EXISTS a:b AND NOT EXISTS a:c]",
    "[a:'b-c'.d[*].e[0].f_ref.g[12] = 1]",
    "[((a:b = 1))]",
    "[a:b = 1 AND (a:c = 1 OR d:e = 1)]",
    "([a:b = 1])",
    "[a:b = 1] AND [a:b = 1] OR [c:d = 1] FOLLOWEDBY [e:f = 1]",
    "[a:b = 1] REPEATS 5 TIMES WITHIN 0.5 SECONDS",
    "([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS",
    "[a:b = 1] START t'2020-01-01T00:00:00Z' STOP t'2020-01-01T00:00:00.1Z'",
    "[a:b = 9007199254740991]",
    "/* one */ [a:b = 1] // two",
};

static const struct refusal refusals[] = {
    {"", 0, "the pattern ends"},
    {"a:b = 1", 0, "[ or ("},
    {"[]", 1, "object path"},
    {"[a:b = 1", 0, "never closed"},
    {"([a:b = 1]", 0, "never closed"},
    {"[a:b = 1]]", 9, "AND, OR, FOLLOWEDBY"},
    {"[a:b = 1])", 9, "no ( for"},
    {"[(a:b = 1]", 9, "missing before"},
    {"[a:b = 1)]", 8, "no ( for"},
    {"[a:b = 1] [a:b = 1]", 10, "AND, OR, FOLLOWEDBY"},
    {"[a:b = 1] and [a:b = 1]", 10, "AND, OR, FOLLOWEDBY"},
    {"[a:b = 1 FOLLOWEDBY a:b = 1]", 9, "AND, OR or ]"},
    {"[a:b = 1 AND]", 12, "object path"},
    {"[a:b = 1] AND", 13, "pattern ends"},
    {"[a = 1]", 3, "colon"},
    {"[a:b]", 4, "comparison operator"},
    {"[a:b == 1]", 5, "no operator"},
    {"[a:b <> 1]", 5, "no operator"},
    {"[a:b LIKES 'x']", 5, "comparison operator"},
    {"[a:b = ]", 7, "constant"},
    {"[a:b = x]", 7, "constant"},
    {"[a:b = +1]", 7, "plus"},
    {"[a:b = 01]", 7, "zeros"},
    {"[a:b = 1.]", 9, "digit"},
    {"[a:b = 9007199254740992]", 7, "2^53"},
    {"[a:b = 'x]", 7, "never ends"},
    {"[a:b = 'C:\\Windows']", 10, "twice"},
    {"[a:b = h'0']", 9, "odd"},
    {"[a:b = h'0g']", 10, "hexadecimal"},
    {"[a:b = b'A']", 9, "base64"},
    {"[a:b = b'A=AA']", 11, "base64"},
    {"[a:b = t'2020-13-01T00:00:00Z']", 9, "timestamp"},
    {"[a:b > true]", 7, "no order"},
    {"[a:b LIKE 1]", 10, "a string"},
    {"[a:b IN 1]", 8, "( and a set"},
    {"[a:b IN (1 2)]", 11, "comma"},
    {"[a:b IN (1,)]", 11, "a constant"},
    {"[NOT a:b = 1]", 1, "behind the path"},
    {"[a:b-c = 1]", 4, "apostrophes"},
    {"[a:b. = 1]", 6, "property's name"},
    {"[a:b[-1] = 1]", 5, "list index"},
    {"[a:b[01] = 1]", 5, "list index"},
    {"[a:b[1 = 1]", 7, "]"},
    {"[a:'' = 1]", 3, "not empty"},
    {"[a:b = 1] REPEATS 0 TIMES", 18, "positive integer"},
    {"[a:b = 1] REPEATS 1.5 TIMES", 18, "positive integer"},
    {"[a:b = 1] REPEATS 2", 19, "TIMES"},
    {"[a:b = 1] WITHIN 0.0 SECONDS", 17, "positive number"},
    {"[a:b = 1] WITHIN -1 SECONDS", 17, "positive number"},
    {"[a:b = 1] WITHIN 5 MINUTES", 19, "SECONDS"},
    {"[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", 27, "one qualifier"},
    {"[a:b = 1] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z'", 16, "timestamps"},
    {"[a:b = 1] START t'2020-01-01T00:00:00Z'", 39, "STOP"},
    {"/* [a:b = 1]", 0, "never ends"},
};

static err_t check(const char *text, struct stix_pattern_remarks *remarks, struct fault *fault)
{
    memset(fault, 0, sizeof *fault);
    return stix_pattern_check(str_of(text), STIX_PATTERN_2_1, remarks, fault);
}

static void the_grammar_is_read(void **state)
{
    (void)state;
    struct stix_pattern_remarks remarks;
    struct fault fault;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        if (check(valid[i], &remarks, &fault) != ERR_OK)
            fail_msg("%s: %zu: %s", valid[i], fault.offset, fault.what);
}

static void refusals_say_where_and_why(void **state)
{
    (void)state;
    struct fault fault;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *r = &refusals[i];
        if (check(r->text, NULL, &fault) != ERR_INVALID)
            fail_msg("%s: not refused", r->text);
        if (fault.offset != r->offset || strstr(fault.what, r->what) == NULL || fault.section[0] != '9')
            if (fault.section[0] != '2' || strstr(fault.what, r->what) == NULL || fault.offset != r->offset)
                fail_msg("%s: %s %zu: %s", r->text, fault.section, fault.offset, fault.what);
    }
}

/* No prefix of a valid pattern crashes; one that is refused at its end says that the pattern ends or what is
 * open. */
static void prefixes_are_survived(void **state)
{
    (void)state;
    struct fault fault;
    unsigned refused = 0;
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        for (size_t len = 0; len < strlen(valid[i]); len++) {
            char *cut = malloc(len + 1); /* exact, so that a sanitizer sees a byte read too far */
            assert_non_null(cut);
            memcpy(cut, valid[i], len);
            fault = (struct fault) {0};
            struct stix_pattern_remarks remarks;
            err_t err = stix_pattern_check((struct str) {cut, len}, STIX_PATTERN_2_1, &remarks, &fault);
            assert_true(err == ERR_OK || fault.offset <= len);
            refused += err != ERR_OK;
            free(cut);
        }
    }
    assert_true(refused > 700);
}

struct remark {
    const char *text;
    bool must;
    size_t offset;
    const char *section;
};

static const struct remark remarks_expected[] = {
    {"[file:name = 'a' AND url:value = 'b']", true, 21, "9.5"},
    {"[file:size = 1 AND (url:value = 'b' OR url:value = 'c')]", true, 20, "9.5"},
    {"[x-a:value IN ('a', 1)]", true, 20, "9.6.1"},
    {"[url:value IN ('a', 'b') OR file:size IN (1, 2.0) OR url:value = 1]", true, 65, "9.2"},
    {"[file:size = '1']", true, 13, "9.2"},
    {"[process:is_hidden != 'true']", true, 22, "9.2"},
    {"[file:ctime > '2020-01-01T00:00:00Z']", true, 14, "9.2"},
    {"[url:value = t'2020-01-01T00:00:00Z']", true, 13, "9.2"},
    {"[network-traffic:protocols[*] = 6]", true, 32, "9.2"},
    {"[url:value ISSUBSET '198.51.100.0/24']", true, 20, "9.6.1"},
    {"[ipv4-addr:value ISSUBSET '198.51.100.0/33']", true, 26, "9.6.1"},
    {"[ipv6-addr:value ISSUPERSET '198.51.100.0/24']", true, 28, "9.6.1"},
    {"[network-traffic:src_ref.value ISSUBSET 'all']", true, 40, "9.6.1"},
    {"[file:name.length = 1]", false, 11, "9.7.3"},
    {"[network-traffic:src_ref.name = 'a']", false, 25, "9.7.4"},
    {"[file:magic_number_hex = h'FFD8']", true, 27, "9.2"},
    {"[url:value IN ()]", false, 14, "9.6.1"},
    {"[url:value = 'a'] START t'2021-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'", false, 23, "9.5.1"},
    {"[win-registry-key:key = 'a']", false, 1, "9.7"},
    {"[indicator:name = 'a']", false, 1, "9.7"},
    {"[file:nome = 'a']", false, 6, "9.7"},
    {"[network-traffic:protocols = 'tcp']", false, 27, "9.7.2"},
    {"[file:name[0] = 'a']", false, 11, "9.7.2"},
    {"[file:extensions.'windows-pebinary-ext'.sections.entropy > 7.0]", false, 49, "9.7.2"},
    {"[file:extensions.'windows-pebinary-ext'.sektions[*].entropy > 7.0]", false, 40, "9.7"},
    {"[url:value = 'a' /* why */]", false, 17, "9"},
};

static const char *const unremarked[] = {
    "[(file:name = 'a' AND file:size = 1) OR url:value = 'b']",
    "[file:size = 1 AND (file:name = 'b' OR url:value = 'c')]",
    "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]",
    "[network-traffic:protocols[*] = 'tcp' AND network-traffic:src_ref.value = '1.2.3.4']",
    "[x-usb-device:usbdrive.serial_number = '5']",
    "[file:hashes.'SHA-256' = 'a' AND file:id = 'b' AND file:type = 'file']",
    "[email-message:body_multipart[*].body_raw_ref.name MATCHES 'x']",
    "[EXISTS windows-registry-key:values]",
    "[file:magic_number_hex = 'a' OR artifact:payload_bin = h'0a' OR file:name = b'YQ==']",
    "[file:extensions.'windows-pebinary-ext'.sections[*].entropy = 7 OR file:size < 1.5]",
    "[network-traffic:dst_ref.value ISSUBSET '2001:db8::/32' OR ipv4-addr:value ISSUPERSET '198.51.100.3']",
    "[process:environment_variables.path = 'a' OR x-own:thing.more = 1]",
    "[file:parent_directory_ref.path = 'a' AND file:content_ref.url = 'b']",
};

static void readable_faults_are_remarked(void **state)
{
    (void)state;
    struct stix_pattern_remarks remarks;
    struct fault fault;
    for (size_t i = 0; i < sizeof remarks_expected / sizeof remarks_expected[0]; i++) {
        const struct remark *r = &remarks_expected[i];
        assert_int_equal(check(r->text, &remarks, &fault), ERR_OK);
        if (remarks.count != 1 || remarks.at[0].must != r->must || remarks.at[0].offset != r->offset ||
            strcmp(remarks.at[0].section, r->section) != 0)
            fail_msg("%s: %zu remarks, %s at %zu", r->text, remarks.count,
                     remarks.count > 0 ? remarks.at[0].what : "",
                     remarks.count > 0 ? remarks.at[0].offset : 0);
    }
    for (size_t i = 0; i < sizeof unremarked / sizeof unremarked[0]; i++) {
        assert_int_equal(check(unremarked[i], &remarks, &fault), ERR_OK);
        if (remarks.count != 0)
            fail_msg("%s: %s", unremarked[i], remarks.at[0].what);
    }
}

static void version_2_0_is_read_by_its_own_rules(void **state)
{
    (void)state;
    static const char *const texts[] = {"[a:b = 1] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z'",
                                        "[a:b = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS",
                                        "[file:name = 'a' AND url:value = 'b']"};
    struct stix_pattern_remarks remarks;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(stix_pattern_check(str_of(texts[i]), STIX_PATTERN_2_0, &remarks, NULL), ERR_OK);
        for (size_t k = 0; k < remarks.count; k++)
            assert_false(remarks.at[k].must);
    }
}

/* --- the tree --- */

static void put(struct buf *out, const struct stix_pattern *pattern, uint32_t at)
{
    static const char *const names[] = {"cmp",    "and",  "or",      "obs",    "ALSO",
                                        "EITHER", "THEN", "repeats", "within", "start"};
    const struct stix_pattern_node *node = &pattern->nodes[at];
    if (node->kind == STIX_PATTERN_COMPARISON) {
        buf_printf(out, "%s%.*s%u/%u", node->negated ? "!" : "", STR_ARG(node->type), node->step_count,
                   node->constant_count);
        return;
    }
    buf_printf(out, "%s(", names[node->kind]);
    for (uint32_t child = node->first; child != STIX_PATTERN_NONE; child = pattern->nodes[child].next) {
        put(out, pattern, child);
        buf_putc(out, child == node->last ? ')' : ' ');
    }
}

static void trees_follow_precedence(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"[a:b=1 AND a:b=1 OR c:d=1]", "obs(or(and(a1/1 a1/1) c1/1))"},
        {"[a:b=1 OR a:b=1 AND a:d=1]", "obs(or(a1/1 and(a1/1 a1/1)))"},
        {"[(a:b=1 OR a:b=1) AND a:d=1]", "obs(and(or(a1/1 a1/1) a1/1))"},
        {"[a:b=1 OR a:b.c=1 OR a:d IN (1,2)]", "obs(or(a1/1 a2/1 a1/2))"},
        {"[a:b=1 OR (a:b=1 OR a:d=1)]", "obs(or(a1/1 or(a1/1 a1/1)))"},
        {"[a:b NOT = 1]", "obs(!a1/1)"},
        {"[NOT EXISTS a:b[*].c]", "obs(!a3/0)"},
        {"[a:b=1] FOLLOWEDBY [b:b=1] OR [c:c=1] AND [d:d=1]",
         "THEN(obs(a1/1) EITHER(obs(b1/1) ALSO(obs(c1/1) obs(d1/1))))"},
        {"([a:b=1] FOLLOWEDBY [b:b=1]) AND [d:d=1]", "ALSO(THEN(obs(a1/1) obs(b1/1)) obs(d1/1))"},
        {"[a:b=1] FOLLOWEDBY [b:b=1] REPEATS 5 TIMES WITHIN 2 SECONDS",
         "THEN(obs(a1/1) within(repeats(obs(b1/1))))"},
        {"([a:b=1] AND [b:b=1] AND [c:c=1]) START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
         "start(ALSO(obs(a1/1) obs(b1/1) obs(c1/1)))"},
    };
    struct arena arena;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct stix_pattern pattern;
        struct buf out;
        buf_init(&out, 4096);
        assert_int_equal(
            stix_pattern_parse(str_of(texts[i][0]), STIX_PATTERN_2_1, &arena, &pattern, NULL, NULL), ERR_OK);
        put(&out, &pattern, pattern.root);
        if (!str_eq(buf_str(&out), str_of(texts[i][1])))
            fail_msg("%s: %.*s", texts[i][0], STR_ARG(buf_str(&out)));
        buf_deinit(&out);
    }
    arena_deinit(&arena);
}

static void paths_and_constants_are_kept(void **state)
{
    (void)state;
    struct arena arena;
    struct stix_pattern p;
    arena_init(&arena, 1u << 20);
    assert_int_equal(stix_pattern_parse(STR("[a:'b\\'c'.d_ref[*].e[7] IN ('x\\\\y', -12, 2.5, true, "
                                            "t'2020-01-01T00:00:00Z')]"),
                                        STIX_PATTERN_2_1, &arena, &p, NULL, NULL),
                     ERR_OK);
    assert_int_equal(p.step_count, 5);
    assert_true(p.steps[0].escaped && str_eq(stix_pattern_text(p.steps[0].key, true, &arena), STR("b'c")));
    assert_true(p.steps[1].follows && str_eq(p.steps[1].key, STR("d_ref")));
    assert_int_equal(p.steps[2].kind, STIX_PATTERN_ANY);
    assert_true(!p.steps[3].follows && p.steps[4].kind == STIX_PATTERN_INDEX && p.steps[4].index == 7);
    assert_int_equal(p.constant_count, 5);
    assert_true(str_eq(stix_pattern_text(p.constants[0].text, p.constants[0].escaped, &arena), STR("x\\y")));
    assert_true(p.constants[1].value.integer == -12 && stix_pattern_number(&p.constants[1]) == -12.0);
    assert_true(p.constants[2].kind == STIX_PATTERN_FLOAT && stix_pattern_number(&p.constants[2]) == 2.5);
    assert_true(p.constants[3].kind == STIX_PATTERN_BOOL && p.constants[3].value.integer == 1);
    assert_true(p.constants[4].value.time.seconds == 1577836800);
    arena_deinit(&arena);
}

static void depth_and_types_are_bounded(void **state)
{
    (void)state;
    struct buf text;
    struct fault fault = {0};
    buf_init(&text, 1u << 20);
    for (unsigned i = 0; i < LIMIT_STIX_PATTERN_DEPTH; i++)
        buf_putc(&text, '(');
    buf_put_str(&text, STR("[a:b=1]"));
    assert_int_equal(stix_pattern_check(buf_str(&text), STIX_PATTERN_2_1, NULL, &fault), ERR_LIMIT);
    assert_int_equal(fault.offset, LIMIT_STIX_PATTERN_DEPTH);
    buf_deinit(&text);
    buf_init(&text, 1u << 20);
    for (unsigned i = 0; i < 65; i++)
        buf_printf(&text, "%s%u:b=1", i == 0 ? "[" : " OR ", i);
    buf_putc(&text, ']');
    assert_int_equal(stix_pattern_check(buf_str(&text), STIX_PATTERN_2_1, NULL, &fault), ERR_LIMIT);
    buf_deinit(&text);
}

/* The fullest stacks that the depth allows: three waiting operators in every bracket. */
static void the_fullest_stacks_hold(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, 1u << 20);
    for (unsigned i = 0; i < LIMIT_STIX_PATTERN_DEPTH - 1; i++)
        buf_put_str(&text, STR("([a:b=1] FOLLOWEDBY [a:b=1] OR [a:b=1] AND "));
    buf_put_str(&text, STR("[a:b=1 OR a:b=1 AND a:b=1]"));
    for (unsigned i = 0; i < LIMIT_STIX_PATTERN_DEPTH - 1; i++)
        buf_putc(&text, ')');
    assert_int_equal(stix_pattern_check(buf_str(&text), STIX_PATTERN_2_1, NULL, NULL), ERR_OK);
    buf_deinit(&text);
}

static void places_are_lines_and_characters(void **state)
{
    (void)state;
    struct str text = STR("[a:b =\n '\xed\x95\x9c' x]");
    struct fault fault = {0};
    assert_int_equal(stix_pattern_check(text, STIX_PATTERN_2_1, NULL, &fault), ERR_INVALID);
    struct stix_pattern_place place = stix_pattern_place(text, fault.offset);
    assert_true(place.line == 2 && place.column == 6);
}

/* Patterns of the specification, and of the reference matcher: what it errs on is refused here. */
static void others_patterns_are_judged_alike(void **state)
{
    (void)state;
    char path[4096], line[8192];
    const char *folder = getenv("BONGSU_DATA");
    snprintf(path, sizeof path, "%s/patterns/spec_examples.txt", folder != NULL ? folder : DATA_DEFAULT);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        skip();
    unsigned count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        struct fault fault;
        line[strcspn(line, "\n")] = '\0';
        if (check(line, NULL, &fault) != ERR_OK)
            fail_msg("%s: %zu %s", line, fault.offset, fault.what);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_grammar_is_read),
        cmocka_unit_test(refusals_say_where_and_why),
        cmocka_unit_test(prefixes_are_survived),
        cmocka_unit_test(readable_faults_are_remarked),
        cmocka_unit_test(version_2_0_is_read_by_its_own_rules),
        cmocka_unit_test(trees_follow_precedence),
        cmocka_unit_test(paths_and_constants_are_kept),
        cmocka_unit_test(depth_and_types_are_bounded),
        cmocka_unit_test(the_fullest_stacks_hold),
        cmocka_unit_test(places_are_lines_and_characters),
        cmocka_unit_test(others_patterns_are_judged_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
