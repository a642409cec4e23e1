#include "json_test.h"

enum { SLICES_MAX = 16, SLICE_TEXT_MAX = 64 };

struct cut {
    const uint8_t *text;
    size_t len;
    size_t count;
    size_t stop_after;
    size_t end; /* of the last slice */
    char slices[SLICES_MAX][SLICE_TEXT_MAX];
};

static bool take(void *ctx, struct json_slice slice)
{
    struct cut *cut = ctx;
    assert_true(slice.from <= cut->len && slice.len <= cut->len - slice.from && slice.from >= cut->end);
    cut->end = slice.from + slice.len;
    if (cut->count < SLICES_MAX && slice.len < SLICE_TEXT_MAX) {
        memcpy(cut->slices[cut->count], cut->text + slice.from, slice.len);
        cut->slices[cut->count][slice.len] = '\0';
    }
    cut->count++;
    return cut->stop_after == 0 || cut->count < cut->stop_after;
}

/* A copy of exactly the text's size, so that a sanitizer sees a step too far. */
static err_t cut_text(struct cut *cut, struct str text, size_t stop_after, enum json_split_kind *kind,
                      struct fault *fault)
{
    uint8_t *copy = malloc(text.len > 0 ? text.len : 1);
    assert_non_null(copy);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    memset(cut, 0, sizeof *cut);
    *fault = (struct fault) {0};
    cut->text = copy;
    cut->len = text.len;
    cut->stop_after = stop_after;
    err_t err = json_split((struct bytes) {copy, text.len}, STR("objects"), kind, take, cut, fault);
    free(copy);
    return err;
}

struct expectation {
    const char *text;
    enum json_split_kind kind;
    const char *slices[5];
};

static const struct expectation expectations[] = {
    {"{\"type\":\"bundle\",\"objects\":[{\"a\":1},{\"b\":[2]} , {\"c\":\"]}\\\"\"}],\"x\":1}",
     JSON_SPLIT_LIST,
     {"{\"a\":1}", "{\"b\":[2]}", "{\"c\":\"]}\\\"\"}"}},
    {" { \"objects\" : [ 1 , \"two\" , [3] , null ] } ", JSON_SPLIT_LIST, {"1", "\"two\"", "[3]", "null"}},
    {"{\"objects\":[]}", JSON_SPLIT_LIST, {NULL}},
    {"{\"obj\\u0065cts\":[{}]}", JSON_SPLIT_LIST, {"{}"}},
    {"{\"more\":true,\"nested\":{\"objects\":[1]},\"objects\":[2]}", JSON_SPLIT_LIST, {"2"}},
    {" {\"type\":\"indicator\"} ", JSON_SPLIT_OBJECT, {"{\"type\":\"indicator\"}"}},
    {"{}", JSON_SPLIT_OBJECT, {"{}"}},
    {"{\"objects\":{\"0\":{}}}", JSON_SPLIT_OBJECT, {"{\"objects\":{\"0\":{}}}"}},
    {"{\"x\":{\"objects\":[1]}}", JSON_SPLIT_OBJECT, {"{\"x\":{\"objects\":[1]}}"}},
    {"[{\"objects\":[1]}]", JSON_SPLIT_OBJECT, {"[{\"objects\":[1]}]"}},
    {"{\"a\":1}\n{\"b\":2}\r\n\n  {\"c\":3}  \n", JSON_SPLIT_LINES, {"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"}},
    {"{\"a\":1}\n{\"b\n{\"c\":3}", JSON_SPLIT_LINES, {"{\"a\":1}", "{\"b", "{\"c\":3}"}},
    {"{\n\"a\":1\n}\n", JSON_SPLIT_OBJECT, {"{\n\"a\":1\n}"}},
};

static void cuts_what_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct expectation *row = &expectations[i];
        struct cut cut;
        enum json_split_kind kind;
        struct fault fault;
        assert_int_equal(cut_text(&cut, str_of(row->text), 0, &kind, &fault), ERR_OK);
        assert_int_equal(kind, row->kind);
        size_t count = 0;
        for (; row->slices[count] != NULL; count++)
            assert_string_equal(cut.slices[count], row->slices[count]);
        assert_int_equal(cut.count, count);
    }
}

static void refuses_with_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        err_t err;
        size_t offset, slices;
    } rows[] = {
        {"", ERR_SHORT, 0, 0},
        {"  ", ERR_SHORT, 2, 0},
        {"{", ERR_SHORT, 1, 0},
        {"{\"objects\":[", ERR_SHORT, 12, 0},
        {"{\"objects\":[{},{\"a\":", ERR_SHORT, 15, 1},
        {"{\"objects\":[{},]}", ERR_SYNTAX, 15, 1},
        {"{\"objects\":[{} {}]}", ERR_SYNTAX, 15, 1},
        {"{\"objects\":[{}],\"objects\":[{}]}", ERR_DUPLICATE_NAME, 16, 1},
        {"{\"objects\":[{}]}x", ERR_SYNTAX, 16, 1},
        {"{\"objects\":[{}]}\n{}", ERR_SYNTAX, 17, 1},
        {"{} {}", ERR_SYNTAX, 3, 0},
        {"{objects:[]}", ERR_SYNTAX, 1, 0},
        {"{\"a\" 1}", ERR_SYNTAX, 5, 0},
        {"{\"a\":\"", ERR_SHORT, 5, 0},
        {"{\"a\\", ERR_SHORT, 1, 0},
        {"]", ERR_SYNTAX, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cut cut;
        enum json_split_kind kind;
        struct fault fault;
        assert_int_equal(cut_text(&cut, str_of(rows[i].text), 0, &kind, &fault), rows[i].err);
        assert_int_equal(fault.code, rows[i].err);
        assert_int_equal(fault.offset, rows[i].offset);
        assert_int_equal(cut.count, rows[i].slices);
    }
}

static void stops_when_told(void **state)
{
    (void)state;
    struct cut cut;
    enum json_split_kind kind;
    struct fault fault;
    assert_int_equal(cut_text(&cut, STR("{\"objects\":[1,2,3,rubbish"), 2, &kind, &fault), ERR_OK);
    assert_int_equal(cut.count, 2);
    assert_int_equal(kind, JSON_SPLIT_LIST);
    assert_int_equal(cut_text(&cut, STR("{}\n{}\n{}\n"), 1, &kind, &fault), ERR_OK);
    assert_int_equal(cut.count, 1);
}

/* Every prefix: the slices are those of the whole text, as many as fit, and the prefix itself is refused. */
static void every_prefix_gives_whole_slices(void **state)
{
    (void)state;
    struct str text =
        STR("{\"type\":\"bundle\",\"objects\":[{\"id\":\"a\",\"text\":\"\\\\\\\" ]}\"},{\"id\":\"b\","
            "\"list\":[[],{}]},\"s\",{\"id\":\"d\"}],\"spec\":\"a string of more than sixteen bytes\"}");
    struct cut whole, cut;
    enum json_split_kind kind;
    struct fault fault;
    assert_int_equal(cut_text(&whole, text, 0, &kind, &fault), ERR_OK);
    assert_int_equal(whole.count, 4);
    for (size_t len = 0; len < text.len; len++) {
        assert_int_equal(cut_text(&cut, (struct str) {text.at, len}, 0, &kind, &fault), ERR_SHORT);
        assert_true(cut.count <= whole.count && fault.offset <= len);
        for (size_t i = 0; i < cut.count; i++)
            assert_string_equal(cut.slices[i], whole.slices[i]);
    }
}

/* Deeper than any stack: only counting may hold it. */
static void depth_does_not_matter(void **state)
{
    (void)state;
    const size_t depth = 1 << 20;
    struct buf text;
    buf_init(&text, 4 * depth);
    buf_put_str(&text, STR("{\"objects\":["));
    uint8_t *at = buf_extend(&text, 2 * depth);
    assert_non_null(at);
    memset(at, '[', depth);
    memset(at + depth, ']', depth);
    buf_put_str(&text, STR(",{}]}"));
    struct cut cut;
    enum json_split_kind kind;
    struct fault fault;
    assert_int_equal(cut_text(&cut, buf_str(&text), 0, &kind, &fault), ERR_OK);
    assert_int_equal(cut.count, 2);
    assert_int_equal(cut.end, text.len - 2);
    buf_deinit(&text);
}

static void names_foreign_marks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } rows[] = {{"\xef\xbb\xbf{}", "byte order mark"},
                {"\xff\xfe{", "UTF-16"},
                {"\xfe\xff", "UTF-16"},
                {"\x1f\x8b\x08", "packed by gzip"},
                {"\x28\xb5\x2f\xfd\x04", "packed by zstd"}};
    struct cut cut;
    struct fault fault;
    enum json_split_kind kind;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(cut_text(&cut, str_of(rows[i].text), 0, &kind, &fault), ERR_ENCODING);
        assert_int_equal(cut.count, 0);
        assert_non_null(strstr(fault.what, rows[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_what_it_should),   cmocka_unit_test(refuses_with_offset),
        cmocka_unit_test(stops_when_told),       cmocka_unit_test(every_prefix_gives_whole_slices),
        cmocka_unit_test(depth_does_not_matter), cmocka_unit_test(names_foreign_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
