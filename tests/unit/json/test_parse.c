#include "json_test.h"

struct refusal {
    const char *text;
    err_t err;
    size_t offset;
    const char *pointer;
};

static const struct refusal refusals[] = {
    {"", ERR_SHORT, 0, ""},
    {"   ", ERR_SHORT, 3, ""},
    {"{", ERR_SHORT, 1, ""},
    {"{\"a\"", ERR_SHORT, 4, "/a"},
    {"{\"a\":", ERR_SHORT, 5, "/a"},
    {"{\"a\":1", ERR_SHORT, 6, "/a"},
    {"{\"a\":1,}", ERR_SYNTAX, 7, ""},
    {"{\"a\":1 \"b\":2}", ERR_SYNTAX, 7, "/a"},
    {"{\"a\":tru}", ERR_SYNTAX, 5, "/a"},
    {"[1,2,]", ERR_SYNTAX, 5, "/2"},
    {"[1,{\"x\":[true,\"a]", ERR_SHORT, 14, "/1/x/1"},
    {"[01]", ERR_SYNTAX, 2, "/0"},
    {"[1.]", ERR_SYNTAX, 1, "/0"},
    {"[.5]", ERR_SYNTAX, 1, "/0"},
    {"[-]", ERR_SYNTAX, 1, "/0"},
    {"[+1]", ERR_SYNTAX, 1, "/0"},
    {"[NaN]", ERR_SYNTAX, 1, "/0"},
    {"{} {}", ERR_SYNTAX, 3, ""},
    {"\"a\tb\"", ERR_SYNTAX, 2, ""},
    {"\"a\\x\"", ERR_SYNTAX, 2, ""},
    {"\"\\u12g4\"", ERR_SYNTAX, 1, ""},
    {"\"\xff\"", ERR_ENCODING, 1, ""},
    {"\"\xc0\xaf\"", ERR_ENCODING, 1, ""},
    {"\"\xed\xa0\x80\"", ERR_ENCODING, 1, ""},
    {"{\"k\":\"\\ud800\"}", ERR_ENCODING, 6, "/k"},
    {"[\"\\udc00\"]", ERR_ENCODING, 2, "/0"},
    {"[\"\\ud800x\"]", ERR_ENCODING, 2, "/0"},
    {"[\"\\ud800\\n\"]", ERR_ENCODING, 2, "/0"},
    {"[\"\\ud800\\ud800\"]", ERR_ENCODING, 2, "/0"},
    {"[\"\\ud83d\\u0041\"]", ERR_ENCODING, 2, "/0"},
    {"[\"\\uDC00\\uD800\"]", ERR_ENCODING, 2, "/0"},
    {"[1e400]", ERR_NUMBER, 1, "/0"},
    {"[-1e400]", ERR_NUMBER, 1, "/0"},
    {"[18446744073709551616]", ERR_NUMBER, 1, "/0"},
    {"[-9223372036854775809]", ERR_NUMBER, 1, "/0"},
    {"\xef\xbb\xbf{}", ERR_SYNTAX, 0, ""},
    {"{\"a/b\":{\"c~d\":x}}", ERR_SYNTAX, 14, "/a~1b/c~0d"},
    {"[}", ERR_SYNTAX, 1, "/0"},
    {"{]", ERR_SYNTAX, 1, ""},
    {"]", ERR_SYNTAX, 0, ""},
};

static void refuses_with_code_offset_and_pointer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *row = &refusals[i];
        struct reader r;
        err_t err = reader_open(&r, str_of(row->text));
        if (err != row->err || r.fault.offset != row->offset || strcmp(r.fault.pointer, row->pointer) != 0)
            print_message("# %s: %s at %zu \"%s\": %s\n", row->text, err_name(err), r.fault.offset,
                          r.fault.pointer, r.fault.what);
        assert_int_equal(err, row->err);
        assert_int_equal(r.fault.code, row->err);
        assert_int_equal(r.fault.offset, row->offset);
        assert_string_equal(r.fault.pointer, row->pointer);
        assert_true(strlen(r.fault.what) > 0);
        reader_close(&r);
    }
}

static void nul_bytes_are_no_text(void **state)
{
    (void)state;
    struct reader r;
    assert_int_equal(reader_open(&r, STR("{\"a\":1}\0")), ERR_SYNTAX);
    assert_int_equal(r.fault.offset, 7);
    reader_close(&r);
    assert_int_equal(reader_open(&r, STR("\"a\0b\"")), ERR_SYNTAX);
    reader_close(&r);
    assert_int_equal(reader_open(&r, STR("\"a\\u0000b\"")), ERR_OK);
    assert_int_equal(json_str(json_root(&r.doc)).len, 3);
    reader_close(&r);
}

/* `depth` containers in each other, the innermost one holding a number or nothing. */
static struct str nested(size_t depth, bool empty)
{
    static char text[8 * LIMIT_JSON_DEPTH];
    size_t len = 2 * depth + !empty;
    assert_true(len <= sizeof text);
    memset(text, '[', depth);
    memset(text + depth, '1', 1);
    memset(text + len - depth, ']', depth);
    return (struct str) {text, len};
}

static void depth_is_limited_exactly(void **state)
{
    (void)state;
    struct reader r;
    assert_int_equal(reader_open(&r, nested(LIMIT_JSON_DEPTH + 1, true)), ERR_OK);
    struct buf out;
    buf_init(&out, 1000);
    assert_int_equal(json_canon(json_root(&r.doc), NULL, &out, &r.fault), ERR_OK);
    assert_int_equal(out.len, 2 * LIMIT_JSON_DEPTH + 2);
    buf_deinit(&out);
    reader_close(&r);
    assert_int_equal(reader_open(&r, nested(LIMIT_JSON_DEPTH, false)), ERR_OK);
    reader_close(&r);
    assert_int_equal(reader_open(&r, nested(LIMIT_JSON_DEPTH + 2, true)), ERR_LIMIT);
    reader_close(&r);
    for (size_t depth = LIMIT_JSON_DEPTH + 1; depth < 2 * LIMIT_JSON_DEPTH; depth++) {
        assert_int_equal(reader_open(&r, nested(depth, false)), ERR_LIMIT);
        assert_int_equal(r.fault.offset, LIMIT_JSON_DEPTH);
        reader_close(&r);
    }
}

static void size_is_limited(void **state)
{
    (void)state;
    struct json_parser *parser;
    struct json_doc doc;
    struct fault fault = {0};
    uint8_t text[16 + JSON_PADDING] = "[1,2,3,4,5,6,7]";
    assert_int_equal(json_parser_new(14, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(text, 15), &doc, &fault), ERR_LIMIT);
    json_parser_free(parser);
    assert_int_equal(json_parser_new(15, &parser), ERR_OK);
    assert_int_equal(json_parse(parser, bytes_of(text, 15), &doc, &fault), ERR_OK);
    json_parser_free(parser);
}

static void walks_members_in_order(void **state)
{
    (void)state;
    struct reader r;
    struct str text =
        STR("{\"b\":[1,-2,[],{}],\"a\":{\"x\":\"y\"},\"n\":null,\"t\":true,\"f\":false,\"d\":1.5,"
            "\"u\":18446744073709551615,\"esc\\u0041\\ud83d\\ude00\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}");
    assert_int_equal(reader_open(&r, text), ERR_OK);
    static const char *const names[] = {"b", "a", "n", "t", "f", "d", "u", "escA\xf0\x9f\x98\x80"};
    static const enum json_type types[] = {JSON_ARRAY, JSON_OBJECT, JSON_NULL, JSON_TRUE,
                                           JSON_FALSE, JSON_DOUBLE, JSON_UINT, JSON_STRING};
    struct json_iter iter = json_object_iter(json_root(&r.doc));
    struct str name;
    struct json_val value;
    size_t i = 0;
    for (; json_object_next(&iter, &name, &value); i++) {
        assert_true(str_eq(name, str_of(names[i])));
        assert_int_equal(json_type(value), types[i]);
    }
    assert_int_equal(i, 8);
    assert_true(str_eq(json_str(value), STR("\"\\/\b\f\n\r\t")));
    assert_true(json_get(json_root(&r.doc), STR("u"), &value));
    assert_true(json_uint(value) == UINT64_MAX);
    assert_true(json_get(json_root(&r.doc), STR("d"), &value));
    assert_true(json_double(value) == 1.5);
    assert_true(json_get(json_root(&r.doc), STR("b"), &value));
    assert_int_equal(json_array_count(value), 4);
    iter = json_array_iter(value);
    assert_true(json_array_next(&iter, &value) && json_int(value) == 1);
    assert_true(json_array_next(&iter, &value) && json_int(value) == -2);
    assert_true(json_array_next(&iter, &value) && json_array_count(value) == 0);
    assert_true(json_array_next(&iter, &value) && json_is(value, JSON_OBJECT));
    assert_false(json_array_next(&iter, &value));
    reader_close(&r);
}

static void get_finds_only_what_is_there(void **state)
{
    (void)state;
    struct reader r;
    struct json_val value;
    struct str text;
    assert_int_equal(reader_open(&r, STR("{\"id\":\"x\",\"n\":1,\"\":\"empty\"}")), ERR_OK);
    struct json_val root = json_root(&r.doc);
    assert_true(json_get_str(root, STR("id"), &text) && str_eq(text, STR("x")));
    assert_true(json_get_str(root, STR(""), &text) && str_eq(text, STR("empty")));
    assert_false(json_get_str(root, STR("n"), &text));
    assert_false(json_get(root, STR("i"), &value));
    assert_false(json_get(root, STR("idx"), &value));
    assert_true(json_get(root, STR("n"), &value));
    assert_false(json_get(value, STR("n"), &value));
    reader_close(&r);
}

/* One parser, texts of every size: a later parse must not see an earlier one. */
static void a_parser_is_reused(void **state)
{
    (void)state;
    struct json_parser *parser;
    static uint8_t text[70000 + JSON_PADDING];
    assert_int_equal(json_parser_new(sizeof text, &parser), ERR_OK);
    for (size_t len = 2; len < 70000; len += 1 + len / 3) {
        struct json_doc doc;
        memset(text, 'x', sizeof text);
        text[0] = text[len - 1] = '"';
        assert_int_equal(json_parse(parser, bytes_of(text, len), &doc, NULL), ERR_OK);
        assert_int_equal(json_str(json_root(&doc)).len, len - 2);
    }
    json_parser_free(parser);
}

/* The rescan has to find a reason for each prefix, and every prefix has to be refused. */
static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct str text =
        STR("{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[{\"a\":[1.5e3,-2,true,null],"
            "\"n\\u00e9\":\"\\ud83d\\ude00\xc3\xa9\"},{},[]],\"z\":false}");
    struct reader r;
    assert_int_equal(reader_open(&r, text), ERR_OK);
    reader_close(&r);
    for (size_t len = 0; len < text.len; len++) {
        err_t err = reader_open(&r, (struct str) {text.at, len});
        assert_int_not_equal(err, ERR_OK);
        assert_true(r.fault.offset <= len);
        assert_string_not_equal(r.fault.what, "the text is not well formed");
        reader_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_with_code_offset_and_pointer),
        cmocka_unit_test(nul_bytes_are_no_text),
        cmocka_unit_test(depth_is_limited_exactly),
        cmocka_unit_test(size_is_limited),
        cmocka_unit_test(walks_members_in_order),
        cmocka_unit_test(get_finds_only_what_is_there),
        cmocka_unit_test(a_parser_is_reused),
        cmocka_unit_test(every_prefix_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
