/* ECMAScript number forms (RFC 8785 section 3.2.2.3 and appendix B) and numbers that do not survive. */
#include <math.h>

#include "json_test.h"

static void assert_double(uint64_t bits, const char *want)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    struct buf out;
    buf_init(&out, 64);
    json_write_double(&out, v);
    buf_putc(&out, '\0');
    assert_int_equal(buf_err(&out), ERR_OK);
    assert_string_equal((const char *)out.at, want);
    buf_deinit(&out);
}

/* RFC 8785 appendix B, all rows but NaN and Infinity, which have no form. */
static const struct {
    uint64_t bits;
    const char *text;
} appendix_b[] = {
    {0x0000000000000000, "0"},
    {0x8000000000000000, "0"},
    {0x0000000000000001, "5e-324"},
    {0x8000000000000001, "-5e-324"},
    {0x7fefffffffffffff, "1.7976931348623157e+308"},
    {0xffefffffffffffff, "-1.7976931348623157e+308"},
    {0x4340000000000000, "9007199254740992"},
    {0xc340000000000000, "-9007199254740992"},
    {0x4430000000000000, "295147905179352830000"},
    {0x44b52d02c7e14af5, "9.999999999999997e+22"},
    {0x44b52d02c7e14af6, "1e+23"},
    {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
    {0x444b1ae4d6e2ef4e, "999999999999999700000"},
    {0x444b1ae4d6e2ef4f, "999999999999999900000"},
    {0x444b1ae4d6e2ef50, "1e+21"},
    {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
    {0x3eb0c6f7a0b5ed8d, "0.000001"},
    {0x41b3de4355555553, "333333333.3333332"},
    {0x41b3de4355555554, "333333333.33333325"},
    {0x41b3de4355555555, "333333333.3333333"},
    {0x41b3de4355555556, "333333333.3333334"},
    {0x41b3de4355555557, "333333333.33333343"},
    {0xbecbf647612f3696, "-0.0000033333333333333333"},
    {0x43143ff3c1cb0959, "1424953923781206.2"},
};

static void writes_appendix_b(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof appendix_b / sizeof *appendix_b; i++)
        assert_double(appendix_b[i].bits, appendix_b[i].text);
}

/* Every power of ten and its neighbours: the text reads back as the same double. */
static void doubles_come_back(void **state)
{
    (void)state;
    for (int power = -320; power <= 308; power++) {
        for (int step = -2; step <= 2; step++) {
            double v = pow(10, power);
            uint64_t bits;
            memcpy(&bits, &v, sizeof bits);
            bits = step < 0 && bits < 2 ? bits : bits + (uint64_t)(int64_t)step;
            memcpy(&v, &bits, sizeof v);
            struct buf out;
            buf_init(&out, 64);
            json_write_double(&out, -v);
            buf_putc(&out, '\0');
            assert_true(strtod((const char *)out.at, NULL) == -v);
            buf_deinit(&out);
        }
    }
}

static void integers_are_written(void **state)
{
    (void)state;
    static const struct {
        int64_t v;
        const char *text;
    } rows[] = {{0, "0"},
                {-1, "-1"},
                {10, "10"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out;
        buf_init(&out, 64);
        json_write_int(&out, rows[i].v);
        assert_true(str_eq(buf_str(&out), str_of(rows[i].text)));
        buf_deinit(&out);
    }
}

static const struct {
    const char *text;
    err_t err;
    size_t offset;
} checks[] = {
    {"[0,-0,0.0,1,1.5,0.1,0.10,100e-2,1E+2,1e-7]", ERR_OK, 0},
    {"9007199254740991", ERR_OK, 0},
    {"9007199254740992", ERR_OK, 0},
    {"-9007199254740992", ERR_OK, 0},
    {"[9007199254740993]", ERR_NUMBER, 1},
    {"[-9007199254740993]", ERR_NUMBER, 1},
    {"9007199254740994", ERR_OK, 0},
    {"1152921504606846976", ERR_NUMBER, 0},
    {"1152921504606847000", ERR_OK, 0},
    {"18446744073709551615", ERR_NUMBER, 0},
    {"1e19", ERR_OK, 0},
    {"1e20", ERR_NUMBER, 0},
    {"-1e18", ERR_OK, 0},
    {"-1e19", ERR_NUMBER, 0},
    {"-9.223372036854776e18", ERR_NUMBER, 0},
    {"1e21", ERR_OK, 0},
    {"1e22", ERR_OK, 0},
    {"1e23", ERR_OK, 0},
    {"0.1000000000000000055511151231257827", ERR_NUMBER, 0},
    {"0.30000000000000004", ERR_OK, 0},
    {"0.300000000000000041", ERR_NUMBER, 0},
    {"1.00000000000000000000000000000000000", ERR_OK, 0},
    {"0.00000000000000000000000000000000000", ERR_OK, 0},
    {"123456789012345678", ERR_NUMBER, 0},
    {"5e-324", ERR_OK, 0},
    {"4e-324", ERR_NUMBER, 0},
    {"1e-400", ERR_NUMBER, 0},
    {"1e400", ERR_NUMBER, 0},
    {"0e99999999999999999999", ERR_OK, 0},
    {"1e99999999999999999999999", ERR_NUMBER, 0},
    {"1.7976931348623157e308", ERR_OK, 0},
    {"1.7976931348623158e308", ERR_NUMBER, 0},
    {"{\"9007199254740993\":\"1e400 \\\" 1e400\",\"a\":[1,2.5,1e400]}", ERR_NUMBER, 48},
    {"{\"a\":\"9007199254740993\"}", ERR_OK, 0},
};

static void numbers_that_do_not_survive_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
        struct fault fault = {0};
        err_t err = json_check_numbers(bytes_from_str(str_of(checks[i].text)), &fault);
        if (err != checks[i].err)
            print_message("# %s: %s\n", checks[i].text, fault.what);
        assert_int_equal(err, checks[i].err);
        assert_int_equal(fault.code, checks[i].err);
        assert_int_equal(fault.offset, checks[i].offset);
    }
}

static void hard_numbers_are_seen_on_the_tape(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool hard;
    } rows[] = {
        {"[1,-1,0,\"1.5\",{\"1e5\":true}]", false},
        {"[9007199254740992,-9007199254740992]", false},
        {"[9007199254740993]", true},
        {"[-9007199254740993]", true},
        {"{\"a\":{\"b\":[[1.0]]}}", true},
        {"18446744073709551615", true},
        /* an integer whose bits look like another word of the tape */
        {"[7205759403792794]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct reader r;
        assert_int_equal(reader_open(&r, str_of(rows[i].text)), ERR_OK);
        assert_int_equal(json_has_hard_number(json_root(&r.doc)), rows[i].hard);
        reader_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_appendix_b),
        cmocka_unit_test(doubles_come_back),
        cmocka_unit_test(integers_are_written),
        cmocka_unit_test(numbers_that_do_not_survive_are_refused),
        cmocka_unit_test(hard_numbers_are_seen_on_the_tape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
