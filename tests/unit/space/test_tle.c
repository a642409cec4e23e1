#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/stamp.h"
#include "space/elements.h"

enum { LINE = 69 };

static const char iss[2][LINE + 1] = {
    "1 25544U 98067A   08264.51782528 -.00002182  00000-0 -11606-4 0  2927",
    "2 25544  51.6416 247.4627 0006703 130.5360 325.0288 15.72125391563537"};

static err_t read_both(const char *first, const char *second, struct space_elements *out, struct fault *fault)
{
    *fault = (struct fault) {.code = ERR_OK};
    return space_tle_read(str_of(first), str_of(second), out, fault);
}

/* The last column, for lines that a test has changed. */
static void sum(char line[LINE + 1])
{
    unsigned total = 0;
    for (size_t i = 0; i < LINE - 1; i++)
        total += line[i] >= '0' && line[i] <= '9' ? (unsigned)(line[i] - '0') : line[i] == '-';
    line[LINE - 1] = (char)('0' + total % 10);
}

static void elements_are_read(void **state)
{
    (void)state;
    struct space_elements e;
    struct fault fault;
    char when[TIME_TEXT_SIZE];
    assert_int_equal(read_both(iss[0], iss[1], &e, &fault), ERR_OK);
    assert_int_equal(e.number, 25544);
    assert_int_equal(e.classification, 'U');
    assert_string_equal(e.designator, "1998-067A");
    time_text(e.epoch_us, when);
    assert_string_equal(when, "2008-09-20T12:25:40.104192Z");
    assert_true(e.motion_dot == -0.00002182 && e.motion_ddot == 0 && e.bstar == -0.11606e-4);
    assert_true(e.inclination == 51.6416 && e.node == 247.4627 && e.eccentricity == 0.0006703);
    assert_true(e.perigee == 130.5360 && e.anomaly == 325.0288 && e.motion == 15.72125391);
    assert_int_equal(e.set, 292);
    assert_int_equal(e.revolution, 56353);
}

/* What follows is a number; a line's end is as well as none. */
static void line_ends_are_no_columns(void **state)
{
    (void)state;
    struct space_elements e;
    struct fault fault;
    char first[LINE + 4], second[LINE + 4];
    (void)snprintf(first, sizeof first, "%s \r\n", iss[0]);
    (void)snprintf(second, sizeof second, "%s\n", iss[1]);
    assert_int_equal(read_both(first, second, &e, &fault), ERR_OK);
}

static void numbers_go_on_in_letters(void **state)
{
    (void)state;
    static const struct {
        const char *column;
        uint32_t number;
    } rows[] = {{"00005", 5},      {"    5", 5},      {"99999", 99999},  {"A0000", 100000}, {"E8493", 148493},
                {"H9999", 179999}, {"J0000", 180000}, {"P0000", 230000}, {"Z9999", 339999}};
    struct space_elements e;
    struct fault fault;
    char line[2][LINE + 1];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(line, iss, sizeof line);
        memcpy(line[0] + 2, rows[i].column, 5);
        memcpy(line[1] + 2, rows[i].column, 5);
        sum(line[0]);
        sum(line[1]);
        assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_OK);
        assert_int_equal(e.number, rows[i].number);
    }
    static const char *const none[] = {"I0000", "O0000", "a0000", "A 000", "AA000", "-0001"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        memcpy(line, iss, sizeof line);
        memcpy(line[0] + 2, none[i], 5);
        memcpy(line[1] + 2, none[i], 5);
        sum(line[0]);
        sum(line[1]);
        assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_SYNTAX);
        assert_int_equal(fault.offset >= 2 && fault.offset < 7, true);
    }
}

/* A byte that is another, anywhere: refused, or another object, and never past the line. */
static void every_byte_counts(void **state)
{
    (void)state;
    struct space_elements e, other;
    struct fault fault;
    assert_int_equal(read_both(iss[0], iss[1], &e, &fault), ERR_OK);
    for (unsigned n = 0; n < 2; n++)
        for (size_t at = 0; at < LINE; at++)
            for (unsigned c = 1; c < 256; c++) {
                char *line[2] = {strdup(iss[0]), strdup(iss[1])};
                line[n][at] = (char)c;
                err_t err = read_both(line[0], line[1], &other, &fault);
                assert_true(err != ERR_OK || c == (unsigned char)iss[n][at] || at < LINE - 1);
                assert_true(err == ERR_OK || (fault.what[0] != '\0' && fault.offset <= LINE));
                free(line[0]);
                free(line[1]);
            }
    for (size_t len = 0; len < LINE; len++) {
        assert_int_equal(space_tle_read((struct str) {iss[0], len}, str_of(iss[1]), &other, &fault),
                         ERR_SYNTAX);
        assert_int_equal(space_tle_read(str_of(iss[0]), (struct str) {iss[1], len}, &other, &fault),
                         ERR_SYNTAX);
    }
}

static void refusals_say_where(void **state)
{
    (void)state;
    struct space_elements e;
    struct fault fault;
    char line[2][LINE + 1];
    memcpy(line, iss, sizeof line);
    line[0][LINE - 1] = '8';
    assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_SYNTAX);
    assert_string_equal(fault.what, "line 1, column 69: the checksum is another");
    memcpy(line, iss, sizeof line);
    line[1][6] = '5';
    sum(line[1]);
    assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_INVALID);
    assert_string_equal(fault.what, "line 2 is another object's");
    memcpy(line, iss, sizeof line);
    memcpy(line[1] + 8, "181.6416", 8);
    sum(line[1]);
    assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_INVALID);
    memcpy(line, iss, sizeof line);
    memcpy(line[1] + 26, "-000335", 7);
    sum(line[1]);
    assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_INVALID);
    assert_string_equal(fault.what, "line 2: an eccentricity is not below zero");
    memcpy(line, iss, sizeof line);
    line[0][17] = '1';
    sum(line[0]);
    assert_int_equal(read_both(line[0], line[1], &e, &fault), ERR_SYNTAX);
    assert_string_equal(fault.what, "line 1, column 18: not a blank");
    assert_int_equal(read_both(iss[1], iss[0], &e, &fault), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_read),        cmocka_unit_test(line_ends_are_no_columns),
        cmocka_unit_test(numbers_go_on_in_letters), cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(refusals_say_where),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
