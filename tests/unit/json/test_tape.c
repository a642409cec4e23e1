/* The layout that json/tape.h describes, seen on a tape that simdjson wrote: fails when another version
 * changes it. */
#include "json/tape.h"

#include "json_test.h"

static void assert_word(const struct json_doc *doc, size_t at, unsigned type, uint64_t payload)
{
    assert_int_equal(tape_type(doc->tape[at]), type);
    assert_true(tape_payload(doc->tape[at]) == payload);
}

static void assert_string(const struct json_doc *doc, size_t at, const char *want)
{
    assert_int_equal(tape_type(doc->tape[at]), TAPE_STRING);
    const uint8_t *entry = doc->strings + tape_payload(doc->tape[at]);
    uint32_t len;
    memcpy(&len, entry, sizeof len);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(entry + sizeof len, want, len + 1);
}

static void is_laid_out_as_described(void **state)
{
    (void)state;
    struct reader r;
    assert_int_equal(
        reader_open(&r, STR("{\"a\":[-1,18446744073709551615,0.5],\"bc\":{},\"d\":[null,true,false]}")),
        ERR_OK);
    const struct json_doc *doc = &r.doc;
    double half = 0.5;
    uint64_t half_bits;
    memcpy(&half_bits, &half, sizeof half_bits);
    assert_int_equal(doc->tape_len, 22);
    assert_word(doc, 0, TAPE_ROOT, 22);
    assert_word(doc, 1, TAPE_OBJECT, UINT64_C(3) << 32 | 21);
    assert_string(doc, 2, "a");
    assert_word(doc, 3, TAPE_ARRAY, UINT64_C(3) << 32 | 11);
    assert_word(doc, 4, TAPE_INT, 0);
    assert_true(doc->tape[5] == UINT64_MAX);
    assert_word(doc, 6, TAPE_UINT, 0);
    assert_true(doc->tape[7] == UINT64_MAX);
    assert_word(doc, 8, TAPE_DOUBLE, 0);
    assert_true(doc->tape[9] == half_bits);
    assert_word(doc, 10, TAPE_ARRAY_END, 3);
    assert_string(doc, 11, "bc");
    assert_word(doc, 12, TAPE_OBJECT, 14);
    assert_word(doc, 13, TAPE_OBJECT_END, 12);
    assert_string(doc, 14, "d");
    assert_word(doc, 15, TAPE_ARRAY, UINT64_C(3) << 32 | 20);
    assert_word(doc, 16, TAPE_NULL, 0);
    assert_word(doc, 17, TAPE_TRUE, 0);
    assert_word(doc, 18, TAPE_FALSE, 0);
    reader_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_laid_out_as_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
