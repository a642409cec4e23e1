#include "json_test.h"

static const char text[] = " {\"a\":[10,{\"x/y\":1,\"~\":2},\"s]\"],\"k\\u00e9y\":{\"\":true},\"z\":\n null}";

static void finds_values(void **state)
{
    (void)state;
    static const struct {
        const char *pointer;
        const char *rest; /* what stands at the offset */
    } rows[] = {
        {"", "{\"a\""},
        {"/a", "[10,"},
        {"/a/0", "10,"},
        {"/a/1", "{\"x/y\""},
        {"/a/1/x~1y", "1,"},
        {"/a/1/~0", "2}"},
        {"/a/2", "\"s]\""},
        {"/k\xc3\xa9y/", "true"},
        {"/z", "null"},
        /* not there: the deepest that is */
        {"/a/3", "[10,"},
        {"/a/01", "[10,"},
        {"/a/x", "[10,"},
        {"/a/1/nope/more", "{\"x/y\""},
        {"/a/1/~2", "{\"x/y\""},
        {"/nope", "{\"a\""},
        {"nope", "{\"a\""},
        {"/z/0", "null"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t at = json_pointer_offset(bytes_of(text, sizeof text - 1), str_of(rows[i].pointer));
        assert_true(at < sizeof text);
        assert_memory_equal(text + at, rows[i].rest, strlen(rows[i].rest));
    }
}

/* The text is what somebody sent: cut anywhere, the answer stays inside it. */
static void stays_inside_a_torn_text(void **state)
{
    (void)state;
    static const char *const pointers[] = {"/a/2", "/a/1/~0", "/k\xc3\xa9y/", "/z"};
    for (size_t len = 0; len < sizeof text; len++) {
        uint8_t *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, text, len);
        for (size_t i = 0; i < sizeof pointers / sizeof *pointers; i++)
            assert_true(json_pointer_offset((struct bytes) {copy, len}, str_of(pointers[i])) <= len);
        free(copy);
    }
}

/* A fault's pointer longer than its field ends in dots, whole characters before them. */
static void long_pointers_are_cut(void **state)
{
    (void)state;
    for (size_t names = 1; names < 40; names++) {
        struct buf in;
        buf_init(&in, 10000);
        for (size_t i = 0; i < names; i++)
            buf_put_str(&in, STR("{\"na~me\xf0\x9f\x98\x80\":"));
        struct reader r;
        assert_int_equal(reader_open(&r, buf_str(&in)), ERR_SHORT);
        struct str pointer = str_of(r.fault.pointer);
        assert_true(pointer.len < FAULT_POINTER_MAX && str_is_utf8(pointer));
        assert_int_equal(str_ends(pointer, STR("...")), names * 11 > FAULT_POINTER_MAX - 4);
        if (!str_ends(pointer, STR("...")))
            assert_int_equal(pointer.len, names * 11);
        reader_close(&r);
        buf_deinit(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_values),
        cmocka_unit_test(stays_inside_a_torn_text),
        cmocka_unit_test(long_pointers_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
