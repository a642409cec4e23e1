/* RFC 8785 (JCS). Vectors marked "RFC" are the document's own. */
#include "json_test.h"

struct vector {
    const char *in;
    const char *out;
};

static const struct vector vectors[] = {
    /* RFC 8785 section 3.2.2 */
    {"{\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
     "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\"literals\": [null, true, "
     "false]}",
     "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
     "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
    /* RFC 8785 section 3.2.3: order by UTF-16 code units */
    {"{\"\\u20ac\": \"Euro Sign\",\"\\r\": \"Carriage Return\",\"\\ufb33\": \"Hebrew Letter Dalet With "
     "Dagesh\","
     "\"1\": \"One\",\"\\ud83d\\ude00\": \"Emoji: Grinning Face\",\"\\u0080\": \"Control\","
     "\"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
     "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\xc2\x80\":\"Control\","
     "\"\xc3\xb6\":\"Latin Small Letter O With Diaeresis\",\"\xe2\x82\xac\":\"Euro Sign\","
     "\"\xf0\x9f\x98\x80\":\"Emoji: Grinning Face\",\"\xef\xac\xb3\":\"Hebrew Letter Dalet With Dagesh\"}"},
    /* the same difference behind a common head longer than eight bytes, and behind one of three */
    {"{\"common head \\ufb33\":1,\"common head "
     "\\ud83d\\ude00\":2,\"abc\\uffff\":3,\"abc\\ud800\\udc00\":4,\"abc\":5}",
     "{\"abc\":5,\"abc\xf0\x90\x80\x80\":4,\"abc\xef\xbf\xbf\":3,\"common head \xf0\x9f\x98\x80\":2,"
     "\"common head \xef\xac\xb3\":1}"},
    {" [ ] ", "[]"},
    {" { } ", "{}"},
    {"[{},[],{\"a\":{}}]", "[{},[],{\"a\":{}}]"},
    {"\"\\b\\t\\n\\f\\r\\u0000\\u001f\\u007f\\/\"", "\"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f/\""},
    {"{\"b\":1,\"a\":2,\"\":3,\"ab\":4,\"aa\":5,\"B\":6}",
     "{\"\":3,\"B\":6,\"a\":2,\"aa\":5,\"ab\":4,\"b\":1}"},
    {"{\"created_by_ref\":1,\"created\":2,\"create\":3,\"created_b\":4}",
     "{\"create\":3,\"created\":2,\"created_b\":4,\"created_by_ref\":1}"},
    {"{\"a\\u0000\":1,\"a\":2,\"a\\u0000\\u0000\":3}", "{\"a\":2,\"a\\u0000\":1,\"a\\u0000\\u0000\":3}"},
    {"[-0,0.0,-0.0,1.0,10,100e0,1e2,-1]", "[0,0,0,1,10,100,100,-1]"},
    {"[9007199254740991,9007199254740992,-9007199254740992,9007199254740994,1152921504606846976]",
     "[9007199254740991,9007199254740992,-9007199254740992,9007199254740994,1152921504606847000]"},
};

static void assert_canon(const char *in, const char *want)
{
    struct buf out;
    struct fault fault;
    buf_init(&out, 1 << 20);
    assert_int_equal(reader_canon(str_of(in), &out, &fault), ERR_OK);
    buf_putc(&out, '\0');
    assert_string_equal((const char *)out.at, want);
    buf_deinit(&out);
}

static void writes_the_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_canon(vectors[i].in, vectors[i].out);
        assert_canon(vectors[i].out, vectors[i].out);
    }
    /* No parser of 64-bit integers reads these back: json_check_numbers refuses them. */
    assert_canon("18446744073709551615", "18446744073709552000");
    assert_canon("1e20", "100000000000000000000");
}

static void twins_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer;
    } rows[] = {
        {"{\"a\":1,\"a\":1}", "/a"},
        {"{\"a\":1,\"b\":2,\"\\u0061\":3}", "/a"},
        {"{\"\":1,\"\":2}", "/"},
        {"[0,{\"x\":[{\"long name here\":1,\"z\":[],\"long name here\":2}]}]", "/1/x/0/long name here"},
        {"{\"outer\":{\"in/ner\":0,\"in/ner\":0}}", "/outer/in~1ner"},
        {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":1}", "/\xf0\x9f\x98\x80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        struct fault fault;
        buf_init(&out, 1000);
        assert_int_equal(reader_canon(str_of(rows[i].text), &out, &fault), ERR_DUPLICATE_NAME);
        assert_int_equal(fault.code, ERR_DUPLICATE_NAME);
        assert_string_equal(fault.pointer, rows[i].pointer);
        buf_deinit(&out);
    }
}

enum { WIDE = 5000 };

/* Names of an object wider than any table on the stack, out of order, with `twin` (when below WIDE) twice. */
static void wide_object(struct buf *text, unsigned twin)
{
    buf_putc(text, '{');
    for (unsigned i = 0; i < WIDE; i++) {
        unsigned k = i * 2741u % WIDE; /* 2741 shares no factor with 5000: each k once */
        buf_printf(text, "%s\"member %u\":{\"v\":%u}", i == 0 ? "" : ",", k, k);
    }
    if (twin < WIDE)
        buf_printf(text, ",\"member %u\":0", twin);
    buf_putc(text, '}');
}

static void wide_objects_are_sorted_and_judged(void **state)
{
    (void)state;
    struct buf text, out;
    struct fault fault;
    buf_init(&text, 1 << 20);
    buf_init(&out, 1 << 20);
    wide_object(&text, WIDE);
    assert_int_equal(reader_canon(buf_str(&text), &out, &fault), ERR_OK);
    struct reader r;
    assert_int_equal(reader_open(&r, buf_str(&out)), ERR_OK);
    struct json_iter iter = json_object_iter(json_root(&r.doc));
    struct str name, before = {NULL, 0};
    struct json_val value;
    size_t count = 0;
    for (; json_object_next(&iter, &name, &value); count++) {
        assert_true(count == 0 || str_cmp(before, name) < 0);
        struct str digits = {name.at + 7, name.len - 7};
        uint64_t number;
        struct json_val v;
        assert_true(str_to_u64(digits, WIDE, &number));
        assert_true(json_get(value, STR("v"), &v));
        assert_int_equal(json_int(v), number);
        before = name;
    }
    assert_int_equal(count, WIDE);
    reader_close(&r);
    for (unsigned twin = 0; twin < WIDE; twin += 977) {
        buf_clear(&text);
        buf_clear(&out);
        wide_object(&text, twin);
        assert_int_equal(reader_canon(buf_str(&text), &out, &fault), ERR_DUPLICATE_NAME);
    }
    buf_deinit(&text);
    buf_deinit(&out);
}

static enum json_canon_act drop_or_replace(void *ctx, unsigned depth, struct str name, struct json_val value,
                                           struct buf *out)
{
    (void)value;
    unsigned *calls = ctx;
    calls[depth]++;
    if (str_eq(name, STR("drop"))) {
        buf_put_str(out, STR("rubbish"));
        return JSON_CANON_DROP;
    }
    if (!str_eq(name, STR("time")))
        return JSON_CANON_KEEP;
    json_write_str(out, STR("T"));
    return JSON_CANON_TEXT;
}

static void the_hook_drops_and_replaces(void **state)
{
    (void)state;
    static const struct vector rows[] = {
        {"{\"drop\":1}", "{}"},
        {"{\"drop\":{\"x\":1},\"a\":1,\"time\":0,\"z\":2}", "{\"a\":1,\"time\":\"T\",\"z\":2}"},
        {"{\"a\":{\"drop\":1,\"time\":[1,2]},\"b\":[{\"drop\":1,\"c\":1}]}",
         "{\"a\":{\"time\":\"T\"},\"b\":[{\"c\":1}]}"},
        {"{\"zz\":1,\"drop\":1,\"time\":1}", "{\"time\":\"T\",\"zz\":1}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reader r;
        struct buf out;
        unsigned calls[LIMIT_JSON_DEPTH + 1] = {0};
        struct json_canon_hook hook = {.member = drop_or_replace, .ctx = calls};
        buf_init(&out, 1000);
        assert_int_equal(reader_open(&r, str_of(rows[i].in)), ERR_OK);
        assert_int_equal(json_canon(json_root(&r.doc), &hook, &out, &r.fault), ERR_OK);
        assert_true(str_eq(buf_str(&out), str_of(rows[i].out)));
        assert_true(calls[0] > 0);
        buf_deinit(&out);
        reader_close(&r);
    }
}

/* Whatever the room in the buffer, the answer is all of it or a failure that names the limit. */
static void a_small_buffer_fails_cleanly(void **state)
{
    (void)state;
    struct str text =
        STR("{\"key with some length\":\"value \\\" with \\u0001 escapes and more than sixteen bytes\","
            "\"n\":[1,2.5,-3,true,null]}");
    struct buf whole;
    struct fault fault;
    buf_init(&whole, 1000);
    buf_put_str(&whole, STR("head"));
    assert_int_equal(reader_canon(text, &whole, &fault), ERR_OK);
    for (size_t size = 4; size <= whole.len; size++) {
        struct buf out;
        buf_init(&out, size);
        buf_put_str(&out, STR("head"));
        err_t err = reader_canon(text, &out, &fault);
        assert_int_equal(err, size < whole.len ? ERR_LIMIT : ERR_OK);
        assert_memory_equal(out.at, whole.at, out.len);
        if (err == ERR_OK)
            assert_int_equal(out.len, whole.len);
        buf_deinit(&out);
    }
    buf_deinit(&whole);
}

/* Every control character and every length around the vector's, escaped and read back. */
static void strings_come_back(void **state)
{
    (void)state;
    for (size_t len = 0; len < 70; len++) {
        for (size_t mark = 0; mark <= len; mark++) {
            char text[70];
            memset(text, 'a', sizeof text);
            if (mark < len)
                text[mark] = (char)((mark + len) % 0x22); /* controls, space, ! and the quote's neighbours */
            struct buf out;
            buf_init(&out, 1000);
            json_write_str(&out, (struct str) {text, len});
            struct reader r;
            assert_int_equal(reader_open(&r, buf_str(&out)), ERR_OK);
            assert_true(str_eq(json_str(json_root(&r.doc)), (struct str) {text, len}));
            struct buf again;
            buf_init(&again, 1000);
            assert_int_equal(json_canon(json_root(&r.doc), NULL, &again, NULL), ERR_OK);
            assert_true(str_eq(buf_str(&again), buf_str(&out)));
            buf_deinit(&again);
            buf_deinit(&out);
            reader_close(&r);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_the_vectors),
        cmocka_unit_test(twins_are_refused),
        cmocka_unit_test(wide_objects_are_sorted_and_judged),
        cmocka_unit_test(the_hook_drops_and_replaces),
        cmocka_unit_test(a_small_buffer_fails_cleanly),
        cmocka_unit_test(strings_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
