/* str, buf, rd, wr and err: what carries bytes. */
#include "core/buf.h"
#include "core/err.h"
#include "core/rd.h"
#include "core/wr.h"

#include "core_test.h"

static void base64_follows_rfc_4648(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *coded;
    } rows[] = {{"", ""},
                {"f", "Zg=="},
                {"fo", "Zm8="},
                {"foo", "Zm9v"},
                {"foob", "Zm9vYg=="},
                {"fooba", "Zm9vYmE="},
                {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char coded[16];
        uint8_t plain[16];
        size_t len = strlen(rows[i].plain), plain_len;
        assert_int_equal(str_base64((const uint8_t *)rows[i].plain, len, coded), str_base64_size(len));
        assert_memory_equal(coded, rows[i].coded, str_base64_size(len));
        assert_true(str_unbase64(str_of(rows[i].coded), plain, sizeof plain, &plain_len));
        assert_int_equal(plain_len, len);
        assert_memory_equal(plain, rows[i].plain, len);
        /* One byte too small is refused, never overrun. */
        if (len > 0)
            assert_false(str_unbase64(str_of(rows[i].coded), plain, len - 1, &plain_len));
    }
}

static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Z",    "Zg",   "Zg=",  "Zg===", "Zh==", "Zm9=", "Zm 9",  "Zg==Zg==",
                                        "====", "=g==", "Z===", "Zm9\n", "Zm-_", "Zg=v", "Zm9v\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        uint8_t out[16];
        size_t len;
        assert_false(str_unbase64(str_of(wrong[i]), out, sizeof out, &len));
    }
}

static void hexadecimal_is_strict(void **state)
{
    (void)state;
    uint8_t out[2];
    assert_true(str_unhex(STR("0aFf"), out, 2));
    assert_hex(out, 2, "0aff");
    assert_false(str_unhex(STR("0aF"), out, 2));
    assert_false(str_unhex(STR("0aF"), out, 1));
    assert_false(str_unhex(STR("0aFf00"), out, 2));
    assert_false(str_unhex(STR("0g"), out, 1));
    assert_false(str_unhex(STR(" 1"), out, 1));
}

static void numbers_stop_at_their_maximum(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t max;
        bool good;
        uint64_t want;
    } rows[] = {
        {"0", 0, true, 0},
        {"1", 0, false, 0},
        {"9", 5, false, 0},
        {"007", 7, true, 7},
        {"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
        {"18446744073709551616", UINT64_MAX, false, 0},
        {"99999999999999999999", UINT64_MAX, false, 0},
        {"256", 255, false, 0},
        {"255", 255, true, 255},
        {"", 9, false, 0},
        {"-1", 9, false, 0},
        {"+1", 9, false, 0},
        {" 1", 9, false, 0},
        {"1x", 9, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t out = 77;
        assert_int_equal(str_to_u64(str_of(rows[i].text), rows[i].max, &out), rows[i].good);
        assert_true(out == (rows[i].good ? rows[i].want : 77));
    }
}

/* Every code point round, and the ill-formed sequences of RFC 3629 and the Unicode standard's table 3-7. */
static void utf8_is_strict(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x80",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "\xe2\x82",
                                        "\xf0\x9f\x98",
                                        "a\xc3(",
                                        "\xe2\x28\xa1"};
    static const char *const right[] = {"",
                                        "a",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf",
                                        "a\xc3\xa9z"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(str_is_utf8(str_of(wrong[i])));
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_true(str_is_utf8(str_of(right[i])));
}

static void text_is_cut_and_trimmed(void **state)
{
    (void)state;
    struct str rest = STR("a,,b");
    assert_true(str_eq(str_cut(&rest, ','), STR("a")));
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    assert_non_null(rest.at);
    assert_true(str_eq(str_cut(&rest, ','), STR("b")));
    assert_null(rest.at);
    assert_true(str_eq(str_cut(&rest, ','), STR("")));
    rest = STR("a,");
    (void)str_cut(&rest, ',');
    assert_true(rest.at != NULL && rest.len == 0);
    assert_true(str_eq(str_trim(STR(" \t\r\n x y \n")), STR("x y")));
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
    assert_true(str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0);
    assert_true(str_cmp(STR("\xff"), STR("a")) > 0 && str_cmp(STR(""), STR("")) == 0);
    assert_true(str_starts(STR("abc"), STR("ab")) && !str_starts(STR("a"), STR("ab")) &&
                str_starts(STR(""), STR("")));
    assert_true(str_ends(STR("abc"), STR("bc")) && !str_ends(STR("c"), STR("bc")) &&
                !str_ends(STR("abd"), STR("bc")));
}

static void a_buf_stops_at_its_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    buf_put_str(&buf, STR("12345678"));
    assert_int_equal(buf_err(&buf), ERR_OK);
    buf_put_str(&buf, STR("xyz"));
    assert_int_equal(buf_err(&buf), ERR_LIMIT);
    buf_putc(&buf, 'x'); /* would fit, but the failure sticks */
    assert_true(str_eq(buf_str(&buf), STR("12345678")));
    buf_clear(&buf);
    buf_put_str(&buf, STR("1234567890"));
    assert_int_equal(buf_err(&buf), ERR_OK);
    buf_drop(&buf, 3);
    assert_true(str_eq(buf_str(&buf), STR("4567890")));
    buf_drop(&buf, 7);
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
    buf_deinit(&buf);
}

static void printf_may_fill_a_buf_exactly(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 6);
    buf_printf(&buf, "%s-%d", "abc", 42);
    assert_int_equal(buf_err(&buf), ERR_OK);
    assert_true(str_eq(buf_str(&buf), STR("abc-42")));
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf_err(&buf), ERR_OK);
    buf_printf(&buf, "x");
    assert_int_equal(buf_err(&buf), ERR_LIMIT);
    assert_int_equal(buf.len, 6);
    buf_deinit(&buf);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    wr_u8(&buf, 0x01);
    wr_u16(&buf, 0x0203);
    wr_u32(&buf, 0x04050607);
    wr_u64(&buf, UINT64_C(0x08090a0b0c0d0e0f));
    wr_blob(&buf, bytes_of("blob", 4));
    assert_hex(buf.at, buf.len, "0102030405060708090a0b0c0d0e0f00000004626c6f62");
    struct rd rd = rd_of(buf_bytes(&buf));
    assert_int_equal(rd_u8(&rd), 0x01);
    assert_int_equal(rd_u16(&rd), 0x0203);
    assert_int_equal(rd_u32(&rd), 0x04050607);
    assert_true(rd_u64(&rd) == UINT64_C(0x08090a0b0c0d0e0f));
    assert_int_equal(rd_end(&rd), ERR_INVALID);
    assert_true(bytes_eq(rd_blob(&rd, 4), bytes_of("blob", 4)));
    assert_int_equal(rd_end(&rd), ERR_OK);
    buf_deinit(&buf);
}

static void every_prefix_reads_short(void **state)
{
    (void)state;
    static const uint8_t wire[] = {1, 0, 2, 0, 0, 0, 3, 'a', 'b', 'c'};
    for (size_t len = 0; len <= sizeof wire; len++) {
        uint8_t *copy = malloc(len + 1), fixed[2] = {9, 9};
        assert_non_null(copy);
        memcpy(copy, wire, len);
        struct rd rd = rd_of((struct bytes) {copy, len});
        uint8_t first = rd_u8(&rd);
        rd_copy(&rd, fixed, 2);
        struct bytes blob = rd_blob(&rd, 3);
        assert_int_equal(rd_end(&rd), len < sizeof wire ? ERR_SHORT : ERR_OK);
        assert_int_equal(first, len >= 1);
        assert_int_equal(fixed[1], len >= 3 ? 2 : 0);
        assert_int_equal(blob.len, len == sizeof wire ? 3 : 0);
        free(copy);
    }
    struct rd rd = rd_of(bytes_of(wire + 3, 7));
    assert_int_equal(rd_blob(&rd, 2).len, 0);
    assert_int_equal(rd_end(&rd), ERR_LIMIT);
}

static void every_byte_of_a_text_counts(void **state)
{
    (void)state;
    char a[41], b[41];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    for (size_t len = 0; len < sizeof a; len++) {
        assert_true(str_eq_bytes(a, b, len));
        for (size_t i = 0; i < sizeof a; i++) {
            b[i] ^= 1;
            assert_int_equal(str_eq_bytes(a, b, len), memcmp(a, b, len) == 0);
            b[i] ^= 1;
        }
    }
    assert_true(str_eq((struct str) {NULL, 0}, STR("")));
    assert_false(str_eq(STR("ab"), STR("abc")));
}

static void errors_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_true(strlen(err_name((err_t)i)) > 0 && strlen(err_text((err_t)i)) > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(err_name((err_t)i), err_name((err_t)k));
    }
    assert_string_equal(err_name((err_t)ERR_COUNT), "unknown");
    assert_string_equal(err_name((err_t)-1), "unknown");
    struct fault fault = {0};
    char longer[2 * FAULT_WHAT_MAX];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(fault_set(&fault, ERR_SHORT, 7, "%s", longer), ERR_SHORT);
    assert_int_equal(strlen(fault.what), FAULT_WHAT_MAX - 1);
    assert_true(fault.code == ERR_SHORT && fault.offset == 7);
    assert_int_equal(fault_set(NULL, ERR_SHORT, 7, "x"), ERR_SHORT);
}

static void same_but_for_case(void **state)
{
    (void)state;
    assert_true(str_same(STR("Keep-Alive"), STR("kEEP-aLIVE")));
    assert_true(str_same(STR(""), STR("")));
    assert_false(str_same(STR("ko"), STR("ko-KR")));
    assert_false(str_same(STR("@"), STR("`"))); /* 32 apart, and no letters */
    assert_false(str_same(STR("["), STR("{")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_but_for_case),
        cmocka_unit_test(base64_follows_rfc_4648),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(hexadecimal_is_strict),
        cmocka_unit_test(numbers_stop_at_their_maximum),
        cmocka_unit_test(utf8_is_strict),
        cmocka_unit_test(text_is_cut_and_trimmed),
        cmocka_unit_test(a_buf_stops_at_its_maximum),
        cmocka_unit_test(printf_may_fill_a_buf_exactly),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_prefix_reads_short),
        cmocka_unit_test(every_byte_of_a_text_counts),
        cmocka_unit_test(errors_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
