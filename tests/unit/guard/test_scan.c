/* The guard's reader of JSON: it finds every identifier, however it is written, and reads nothing that has
 * two readings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "guard/state.h"

#define U1 "00000000-0000-4000-8000-00000000000a"
#define U2 "00000000-0000-4000-8000-00000000000b"

struct seen {
    char text[4096];
    size_t len;
};

static const char *const roles[] = {"own", "ref", "mark", "mention", "named", "prose"};

static bool see_id(void *ctx, enum scan_role role, struct str id)
{
    struct seen *seen = ctx;
    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof seen->text - seen->len, "%s %.*s\n",
                                  roles[role], STR_ARG(id));
    return true;
}

static bool see_item(void *ctx, const struct scan_item *item)
{
    struct seen *seen = ctx;
    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof seen->text - seen->len, "item %.*s %u %zu\n",
                                  STR_ARG(item->id), (unsigned)item->level, item->bytes.len);
    return true;
}

static bool scan(const char *text, size_t len, bool listed, struct seen *seen)
{
    struct buf scratch;
    struct scan_sink sink = {see_id, see_item, seen};
    /* A block of its own, so that a read behind the end is seen by a sanitizer. */
    char *copy = test_malloc(len + 1);
    memcpy(copy, text, len);
    copy = test_realloc(copy, len == 0 ? 1 : len);
    buf_init(&scratch, LIMIT_OBJECT_BYTES);
    seen->len = 0;
    seen->text[0] = '\0';
    bool good = scan_json(bytes_of(copy, len), listed, &scratch, &sink);
    buf_deinit(&scratch);
    test_free(copy);
    return good;
}

static void expect(const char *text, bool listed, const char *wanted)
{
    struct seen seen;
    if (!scan(text, strlen(text), listed, &seen))
        fail_msg("not read: %s", text);
    assert_string_equal(seen.text, wanted);
}

static void refuse(const char *text)
{
    struct seen seen;
    if (scan(text, strlen(text), false, &seen))
        fail_msg("read: %s", text);
}

static const char whole[] =
    "{\"type\":\"report\",\"id\":\"report--" U1 "\",\"object_refs\":[\"indicator--" U2 "\", \"x\"],"
    "\"object_marking_refs\":[\"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da\"],\"n\":-1.5e+3,"
    "\"granular_markings\":[{\"marking_ref\":\"marking-definition--5E57C739-391A-4EB3-B6BE-7D15CA92D5ED\","
    "\"selectors\":[\"name\"]}],\"x\":[true,null,{}],\"e\":\"\\\"\\n\\u00e9--\"}";

static void test_item(void **state)
{
    (void)state;
    char wanted[1024];
    (void)snprintf(wanted, sizeof wanted,
                   "own report--" U1 "\nref indicator--" U2 "\n"
                   "mark marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da\n"
                   "mark marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed\n"
                   "item report--" U1 " %u %zu\n",
                   (unsigned)GUARD_RED, sizeof whole - 1);
    expect(whole, false, wanted);
}

static void test_every_prefix(void **state)
{
    (void)state;
    struct seen seen;
    for (size_t len = 0; len < sizeof whole - 1; len++)
        assert_false(scan(whole, len, false, &seen));
    assert_true(scan(whole, sizeof whole - 1, false, &seen));
}

/* One identifier, hidden in as many ways as JSON has. */
static void test_hidden(void **state)
{
    (void)state;
    static const struct {
        const char *member, *wanted;
    } rows[] = {
        {"\"a\":\"tool--" U2 "\"", "ref tool--" U2 "\n"},
        {"\"a\":\"TOOL--" U2 "\"", "named tool--" U2 "\n"},
        {"\"a\":\"tool\\u002d-" U2 "\"", "ref tool--" U2 "\n"},
        {"\"a\":\"\\u0074ool--00000000-0000-4000-8000-00000000000\\u0062\"", "ref tool--" U2 "\n"},
        {"\"a\":[[[{\"b\":[\"tool--" U2 "\"]}]]]", "ref tool--" U2 "\n"},
        {"\"tool--" U2 "\":1", "mention tool--" U2 "\n"},
        {"\"a\":{\"tool\\u002D\\u002D" U2 "\":{}}", "mention tool--" U2 "\n"},
        {"\"a\":\"see https://x/tool--" U2 "/ for more\"", "prose tool--" U2 "\n"},
        {"\"a\":\"tool--" U2 " \"", "named tool--" U2 "\n"},
        {"\"a\":\"---tool--" U2 "\"", "prose ---tool--" U2 "\n"},
        {"\"a\":\"\\ud83d\\ude00tool--" U2 "\"", "prose tool--" U2 "\n"},
        {"\"a\":\"x--y tool--" U1 " tool--" U2 "\"", "named tool--" U1 "\nnamed tool--" U2 "\n"},
        {"\"see tool--" U2 "\":1", "named tool--" U2 "\n"},
        {"\"to--" U2 "\":\"to--" U2 "\"", "prose to--" U2 "\nprose to--" U2 "\n"},
        {"\"a\":\"tool-x--00000000-0000-4000-8000-00000000000B\"", "ref tool-x--" U2 "\n"},
        {"\"object_marking\\u005frefs\":[\"marking-definition--" U2 "\"]",
         "mark marking-definition--" U2 "\n"},
        {"\"a\":\"--" U2 "\"", ""},
        {"\"a\":\"" U2 "\"", ""},
        {"\"a\":\"tool--0000000x-0000-4000-8000-00000000000b\"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[512], wanted[512];
        int len = snprintf(text, sizeof text, "{\"id\":\"tool--" U1 "\",%s}", rows[i].member);
        (void)snprintf(wanted, sizeof wanted, "own tool--" U1 "\n%sitem tool--" U1 " 0 %d\n", rows[i].wanted,
                       len);
        expect(text, false, wanted);
    }
}

/* However a string lies to the sixteen bytes that are read at a time. */
static void test_every_place(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 40; before++) {
        char text[512], wanted[512];
        int len = snprintf(text, sizeof text, "{\"id\":\"tool--" U1 "\",\"a\":\"%.*s tool--" U2 "\"}", before,
                           "----------------------------------------");
        (void)snprintf(wanted, sizeof wanted,
                       "own tool--" U1 "\nnamed tool--" U2 "\nitem tool--" U1 " 0 %d\n", len);
        expect(text, false, wanted);
    }
}

static void test_listed(void **state)
{
    (void)state;
    expect("{\"more\":false,\"next\":\"x tool--" U2 "\",\"objects\":[{\"id\":\"tool--" U1 "\"},"
           " {\"id\":\"tool--" U2 "\",\"objects\":[{\"id\":\"tool--" U1 "\"}]}]}",
           true,
           "mention tool--" U2 "\nown tool--" U1 "\nitem tool--" U1 " 0 51\n"
           "own tool--" U2 "\nref tool--" U1 "\nitem tool--" U2 " 0 115\n");
    expect("{}", true, "");
    expect("{\"things\":[{\"id\":\"tool--" U1 "\"}]}", true, "mention tool--" U1 "\n");
}

/* What others could read in another way is not read at all. */
static void test_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "[]",
        "{}",
        "{\"id\":1}",
        "{\"id\":\"tool\"}",
        "{\"id\":\"tool--" U1 "\",\"id\":\"tool--" U2 "\"}",
        "{\"id\":\"tool--" U1 "\"}{}",
        "{\"id\":\"tool--" U1 "\"} x",
        "{\"id\":\"tool--" U1 "\",}",
        "{\"id\":\"tool--" U1 "\" \"a\":1}",
        "{\"id\":\"tool--" U1 "\",\"a\" 1}",
        "{\"id\":\"tool--" U1 "\",\"a\":[1,]}",
        "{\"id\":\"tool--" U1 "\",\"a\":[1}}",
        "{\"id\":\"tool--" U1 "\",\"a\":'x'}",
        "{\"id\":\"tool--" U1 "\",\"a\":\"\\x\"}",
        "{\"id\":\"tool--" U1 "\",\"a\":\"\\u12g4\"}",
        "{\"id\":\"tool--" U1 "\",\"a\":\"\t\"}",
        "{\"id\":\"tool--" U1 "\",\"a\":}",
        "{\"id\":\"tool--" U1 "\",a:1}",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refuse(rows[i]);
    char deep[512] = "{\"id\":\"tool--" U1 "\",\"a\":";
    size_t len = strlen(deep);
    memset(deep + len, '[', SCAN_DEPTH);
    memset(deep + len + SCAN_DEPTH, ']', SCAN_DEPTH);
    memcpy(deep + len + 2 * (size_t)SCAN_DEPTH, "}", 2);
    refuse(deep);
}

static void test_definition(void **state)
{
    (void)state;
    char wanted[256];
    static const char *const rows[] = {
        "{\"type\":\"marking-definition\",\"id\":\"marking-definition--" U1
        "\",\"definition\":{\"tlp\":\"red\"}}",
        "{\"extensions\":{\"a\":{\"tlp_2_0\":\"TLP:AMBER+STRICT\"}},\"id\":\"marking-definition--" U1
        "\",\"type\":\"marking-definition\"}",
    };
    static const enum guard_level levels[] = {GUARD_RED, GUARD_AMBER_STRICT};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(wanted, sizeof wanted,
                       "own marking-definition--" U1 "\nitem marking-definition--" U1 " %u %zu\n",
                       (unsigned)levels[i], strlen(rows[i]));
        expect(rows[i], false, wanted);
    }
}

/* LEDGER.md section 10. */
static void test_leaf(void **state)
{
    (void)state;
    static const char leaf_hex[] = "01000102000000000000000000000007000660d0dac3e800"
                                   "d1886b7f84247467c1212e6a9d02e30001a53b365f979ce3311e4e48628f4d8f"
                                   "3ca7b56cdd9cd79774f2f519b418e9438dd52c9c08cb34f9be82098f8796826f";
    static const char opening_hex[] = "f9c8cebde6d27298205fdcb4c12d1427261b79dc5b39ba3d65b1d9e68309c8a1"
                                      "108306b19622de6e707bd186ecea05ce0a3e579192fb3a8387d8d18fb3c97dcc"
                                      "0000000000000003";
    uint8_t leaf[GUARD_LEAF_SIZE], opening[GUARD_OPENING_SIZE];
    struct guard_leaf read;
    assert_true(str_unhex(STR(leaf_hex), leaf, sizeof leaf));
    assert_true(str_unhex(STR(opening_hex), opening, sizeof opening));
    assert_true(leaf_opens(bytes_of(leaf, sizeof leaf), bytes_of(opening, sizeof opening), &read));
    assert_int_equal(read.op, 2);
    assert_int_equal(read.seq, 7);
    assert_true(leaf_has_content(&read));
    for (size_t i = 0; i < sizeof opening; i++) {
        opening[i] ^= 1;
        assert_false(leaf_opens(bytes_of(leaf, sizeof leaf), bytes_of(opening, sizeof opening), &read));
        opening[i] ^= 1;
    }
    for (size_t len = 0; len < sizeof leaf; len++)
        assert_false(leaf_opens(bytes_of(leaf, len), bytes_of(opening, sizeof opening), &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_item),       cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_hidden),     cmocka_unit_test(test_every_place),
        cmocka_unit_test(test_listed),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_definition), cmocka_unit_test(test_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
