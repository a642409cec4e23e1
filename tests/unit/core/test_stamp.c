#include "core/stamp.h"

#include "core_test.h"

static void reads_real_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
        uint64_t fraction;
        unsigned digits;
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0, 0, 0},
        {"2016-04-06T20:03:48.000Z", 1459973028, 0, 3},
        {"2000-02-29T23:59:59.9Z", 951868799, UINT64_C(900000000000000000), 1},
        {"1969-12-31T23:59:59.000000000000000001Z", -1, 1, 18},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200), 0, 0},
        {"9999-12-31T23:59:59.999999999999999999Z", INT64_C(253402300799), UINT64_C(999999999999999999), 18},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stamp stamp;
        unsigned digits;
        assert_int_equal(stamp_parse(str_of(rows[i].text), &stamp, &digits), ERR_OK);
        assert_true(stamp.seconds == rows[i].seconds && stamp.fraction == rows[i].fraction);
        assert_int_equal(digits, rows[i].digits);
        assert_int_equal(stamp_parse(str_of(rows[i].text), &stamp, NULL), ERR_OK);
    }
}

static void refuses_the_rest(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "Z",
        "2016-04-06T20:03:48",
        "2016-04-06T20:03:48+00:00",
        "2016-04-06T20:03:48z",
        "2016-04-06t20:03:48Z",
        "2016-04-06 20:03:48Z",
        "2016-04-06T20:03Z",
        "2016-04-06T20:03:48.Z",
        "2016-04-06T20:03:48.1.2Z",
        "2016-04-06T20:03:48,1Z",
        "2016-02-30T00:00:00Z",
        "2015-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2016-13-01T00:00:00Z",
        "2016-00-01T00:00:00Z",
        "2016-01-00T00:00:00Z",
        "2016-04-31T00:00:00Z",
        "2016-01-01T24:00:00Z",
        "2016-01-01T00:60:00Z",
        "2016-12-31T23:59:60Z",
        "+016-01-01T00:00:00Z",
        "2016-1-01T00:00:000Z",
        "02016-01-01T00:00:00Z",
        "2016-04-06T20:03:48.000Zx",
        " 2016-04-06T20:03:48Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct stamp stamp;
        assert_int_equal(stamp_parse(str_of(wrong[i]), &stamp, NULL), ERR_INVALID);
    }
    struct stamp stamp;
    assert_int_equal(stamp_parse(STR("2016-04-06T20:03:48.0000000000000000000Z"), &stamp, NULL), ERR_LIMIT);
}

static void every_character_counts(void **state)
{
    (void)state;
    static const char any[] = "0123456789";
    const char *const good[] = {any, any,   any, any, "-",      "1", "012", "-",      "123", any,
                                "T", "012", any, ":", "012345", any, ":",   "012345", any};
    char text[] = "2000-10-10T10:10:10Z";
    struct stamp stamp;
    for (size_t i = 0; i < sizeof text - 1; i++) {
        char before = text[i];
        for (unsigned c = 1; c < 256; c++) {
            text[i] = (char)c;
            bool want = i < sizeof text - 2 ? strchr(good[i], (char)c) != NULL : c == 'Z';
            assert_int_equal(stamp_parse(str_of(text), &stamp, NULL) == ERR_OK, want);
        }
        text[i] = before;
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    struct str text = STR("2016-04-06T20:03:48.123Z");
    for (size_t len = 0; len < text.len; len++) {
        struct stamp stamp;
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, text.at, len);
        assert_int_equal(stamp_parse((struct str) {copy, len}, &stamp, NULL), ERR_INVALID);
        free(copy);
    }
}

/* Every day of four centuries and their edges: text and number agree both ways, and keys order as times do.
 */
static void every_day_comes_back(void **state)
{
    (void)state;
    const int64_t day_us = INT64_C(86400) * 1000000;
    uint8_t before[STAMP_KEY_SIZE] = {0}, key[STAMP_KEY_SIZE];
    for (int64_t day = -146097; day <= 146097; day++) {
        int64_t us = day * day_us + (day % 1000) * 1001;
        char text[TIME_TEXT_SIZE];
        struct stamp stamp;
        time_text(us, text);
        assert_int_equal(stamp_parse(str_of(text), &stamp, NULL), ERR_OK);
        assert_true(stamp_us(stamp) == us);
        stamp_key(stamp, key);
        assert_true(memcmp(before, key, sizeof key) < 0);
        assert_int_equal(stamp_cmp(stamp_from_key(key), stamp), 0);
        memcpy(before, key, sizeof key);
    }
}

static void compares_as_numbers(void **state)
{
    (void)state;
    struct stamp a, b;
    assert_int_equal(stamp_parse(STR("2016-04-06T20:03:07Z"), &a, NULL), ERR_OK);
    assert_int_equal(stamp_parse(STR("2016-04-06T20:03:07.000Z"), &b, NULL), ERR_OK);
    assert_int_equal(stamp_cmp(a, b), 0);
    b.fraction = 1;
    assert_true(stamp_cmp(a, b) < 0 && stamp_cmp(b, a) > 0);
    a.seconds++;
    assert_true(stamp_cmp(a, b) > 0);
}

/* The example of RFC 9110 section 5.6.7, and days of which calendars tell. */
static void dates_of_http(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},         {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1795330800, "Sun, 22 Nov 2026 07:00:00 GMT"},
    };
    char text[HTTP_DATE_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        http_date(rows[i].seconds * 1000000, text);
        assert_string_equal(text, rows[i].text);
    }
    http_date(INT64_MAX, text);
    assert_string_equal(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}

static void clamps_at_the_ends(void **state)
{
    (void)state;
    char text[TIME_TEXT_SIZE];
    time_text(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
    time_text(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000000Z");
    time_text(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999999Z");
    assert_true(stamp_us((struct stamp) {INT64_MAX, 0}) == INT64_MAX);
    assert_true(stamp_us((struct stamp) {INT64_MIN, 0}) == INT64_MIN);
    assert_true(stamp_us(stamp_from_us(-1)) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_real_times),       cmocka_unit_test(refuses_the_rest),
        cmocka_unit_test(every_character_counts), cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(every_day_comes_back),   cmocka_unit_test(compares_as_numbers),
        cmocka_unit_test(dates_of_http),          cmocka_unit_test(clamps_at_the_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
