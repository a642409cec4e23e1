/* JSON laid out for people, and compared value by value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "core/limit.h"

static void tell(void *ctx, struct str pointer, const struct str *old, const struct str *new)
{
    struct buf *out = ctx;
    buf_printf(out, "%.*s %.*s > %.*s\n", STR_ARG(pointer), STR_ARG((old == NULL ? STR("-") : *old)),
               STR_ARG((new == NULL ? STR("-") : *new)));
}

static bool compare(const char *before, const char *after, struct buf *out)
{
    buf_clear(out);
    bool good = pretty_diff(str_of(before), str_of(after), tell, out);
    buf_putc(out, '\0');
    return good;
}

static void every_value_that_differs_is_told_once_in_order(void **state)
{
    static const struct {
        const char *before, *after, *wanted;
    } rows[] = {
        {"{}", "{}", ""},
        {"{\"a\":1}", "{ \"a\" : 1 }", ""},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", ""},
        {"{\"a\":\"x\"}", "{\"a\":\"\\u0078\"}", ""},
        {"{\"a\":1}", "{\"a\":2}", "/a 1 > 2\n"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "/a 1 > \"1\"\n"},
        {"{\"a\":null,\"b\":1}", "{\"b\":1}", "/a null > -\n"},
        {"{}", "{\"a\":[],\"b\":{}}", " {} > -\n/a - > []\n/b - > {}\n"},
        {"{\"a\":[]}", "{\"a\":[1]}", "/a [] > -\n/a/0 - > 1\n"},
        {"{\"a\":1}", "{\"a\":{\"b\":1}}", "/a 1 > -\n/a/b - > 1\n"},
        {"[1,2,3]", "[1,3]", "/1 2 > 3\n/2 3 > -\n"},
        {"1", "2", " 1 > 2\n"},
        {"{\"z\":true,\"a\":1.5}", "{\"z\":false,\"a\":2}", "/a 1.5 > 2\n/z true > false\n"},
        /* RFC 6901 section 3: "~" and "/" in names; section 5: names that are empty or hold quotes */
        {"{\"a/b\":0,\"m~n\":0,\"\":0,\"k\\\"l\":0,\" \":0}", "{}",
         " - > {}\n/ 0 > -\n/  0 > -\n/a~1b 0 > -\n/k\"l 0 > -\n/m~0n 0 > -\n"},
        {"[0,0,0,0,0,0,0,0,0,0,0]", "[0,0,1,0,0,0,0,0,0,0,2]", "/2 0 > 1\n/10 0 > 2\n"},
        {"{\"a9\":1,\"a10\":1,\"a\":[1]}", "{\"a\":[2]}", "/a/0 1 > 2\n/a9 1 > -\n/a10 1 > -\n"},
        {"{\"a\":\"\\u202e\\u001b\"}", "{\"a\":\"\\u202d\"}", "/a \"\\u202e\\u001b\" > \"\\u202d\"\n"},
    };
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!compare(rows[i].before, rows[i].after, &out) || strcmp((char *)out.at, rows[i].wanted) != 0)
            fail_msg("%s and %s: %s, not %s", rows[i].before, rows[i].after, (char *)out.at, rows[i].wanted);
    }
    buf_deinit(&out);
}

/* Every beginning of a text is no text. */
static void what_is_no_json_is_not_compared(void **state)
{
    static const char text[] = "{\"a\":[1,\"b\",{\"c\":null}]}";
    struct buf out;
    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct str cut = {text, len};
        assert_false(pretty_diff(cut, str_of(text), tell, &out));
        assert_false(pretty_diff(str_of(text), cut, tell, &out));
        assert_false(pretty_json(cut, &out));
    }
    assert_false(pretty_diff((struct str) {NULL, 0}, str_of(text), tell, &out));
    assert_int_equal(out.len, 0);
    buf_deinit(&out);
}

static void a_text_is_laid_out_a_member_a_line(void **state)
{
    static const char wanted[] =
        "{\n  \"a\": [\n    1,\n    []\n  ],\n  \"b\\u001b\": {\n    \"c\": \"\\u202e\"\n  }\n}\n";
    struct buf out, again;
    (void)state;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    assert_true(pretty_json(STR("{\"a\":[1,[]],\"b\\u001b\":{\"c\":\"\\u202e\"}}"), &out));
    assert_true(str_eq(buf_str(&out), STR(wanted)));
    assert_true(pretty_json(buf_str(&out), &again));
    assert_true(str_eq(buf_str(&again), STR(wanted)));
    buf_deinit(&out);
    buf_deinit(&again);
}

/* The deepest that is parsed is compared to the bottom; deeper is refused. */
static void depth_is_bounded_and_reached(void **state)
{
    struct buf sides[2], out;
    (void)state;
    buf_init(&out, 1 << 16);
    for (size_t deeper = 0; deeper < 2; deeper++) {
        for (size_t side = 0; side < 2; side++) {
            buf_init(&sides[side], 1 << 16);
            for (size_t i = 0; i < LIMIT_JSON_DEPTH + deeper; i++)
                buf_putc(&sides[side], '[');
            buf_printf(&sides[side], "%zu", side);
            for (size_t i = 0; i < LIMIT_JSON_DEPTH + deeper; i++)
                buf_putc(&sides[side], ']');
            buf_putc(&sides[side], '\0');
        }
        assert_int_equal(compare((char *)sides[0].at, (char *)sides[1].at, &out), deeper == 0);
        assert_int_equal(strstr((char *)out.at, "/0/0/0 0 > 1\n") != NULL, deeper == 0);
        buf_deinit(&sides[0]);
        buf_deinit(&sides[1]);
    }
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_that_differs_is_told_once_in_order),
        cmocka_unit_test(what_is_no_json_is_not_compared),
        cmocka_unit_test(a_text_is_laid_out_a_member_a_line),
        cmocka_unit_test(depth_is_bounded_and_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
