#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/stamp.h"
#include "space/elements.h"

enum { PATH_BYTES = 1024, TEXT_MAX = 8 << 10, CATALOGUE_MAX = 8 << 20, ROWS = 26834, UNNAMED = 494 };

#define NAMES                                                                                                \
    "OBJECT_NAME,OBJECT_ID,EPOCH,MEAN_MOTION,ECCENTRICITY,INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,"     \
    "MEAN_ANOMALY,NORAD_CAT_ID,BSTAR"
#define ROW "V,1958-002B,2024-10-29T12:18:43.492896,10.8574679,.1843421,34.2551,352.8583,332.7861,18.6796,5,0"

static err_t read_first(const char *text, struct space_elements *out, struct fault *fault)
{
    struct space_csv csv;
    *fault = (struct fault) {.code = ERR_OK};
    err_t err = space_csv_open(&csv, str_of(text), fault);
    return err == ERR_OK ? space_csv_next(&csv, out, fault) : err;
}

static void rows_are_read(void **state)
{
    (void)state;
    struct space_csv csv;
    struct space_elements e;
    struct fault fault;
    char when[TIME_TEXT_SIZE];
    const char *text = NAMES ",REV_AT_EPOCH,MEAN_MOTION_DOT,CLASSIFICATION_TYPE\n" ROW ",37861,-.1286E-4,U\n";
    assert_int_equal(space_csv_open(&csv, str_of(text), &fault), ERR_OK);
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_OK);
    time_text(e.epoch_us, when);
    assert_string_equal(when, "2024-10-29T12:18:43.492896Z");
    assert_string_equal(e.name, "V");
    assert_string_equal(e.designator, "1958-002B");
    assert_true(e.motion == 10.8574679 && e.eccentricity == .1843421 && e.inclination == 34.2551);
    assert_true(e.node == 352.8583 && e.perigee == 332.7861 && e.anomaly == 18.6796 && e.bstar == 0);
    assert_true(e.motion_dot == -.1286E-4 && e.motion_ddot == 0);
    assert_true(e.number == 5 && e.revolution == 37861 && e.classification == 'U' && e.type == 0);
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_NOTFOUND);
}

static void a_designator_may_name_no_part(void **state)
{
    (void)state;
    struct space_elements e;
    struct fault fault;
    assert_int_equal(read_first(NAMES "\nV,1970-025,2024-10-29T12:18:43,1,0,0,0,0,0,5,0", &e, &fault),
                     ERR_OK);
    assert_string_equal(e.designator, "1970-025");
    assert_int_equal(read_first(NAMES "\nV,1970-025ABCD,2024-10-29T12:18:43,1,0,0,0,0,0,5,0", &e, &fault),
                     ERR_SYNTAX);
}

static void columns_stand_in_any_order(void **state)
{
    (void)state;
    struct space_elements e;
    struct fault fault;
    const char *text =
        "NORAD_CAT_ID,BSTAR,EPOCH,\"OBJECT_NAME\",OBJECT_ID,MEAN_MOTION,ECCENTRICITY,"
        "INCLINATION,RA_OF_ASC_NODE,ARG_OF_PERICENTER,MEAN_ANOMALY,REF_FRAME,OTHER\r\n"
        "799500001,-1.5E-4,2024-10-29T12:18:43Z,\"A \"\"B\"\", C\",,15.5,.001,51.6,1,2,3,TEME,x";
    assert_int_equal(read_first(text, &e, &fault), ERR_OK);
    assert_int_equal(e.number, 799500001);
    assert_string_equal(e.name, "A \"B\", C");
    assert_string_equal(e.designator, "");
    assert_true(e.bstar == -1.5E-4 && e.motion == 15.5 && e.perigee == 2);
}

static void refusals_say_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        err_t err;
        const char *what;
    } cases[] = {
        {"", ERR_SYNTAX, "line 1, column 1: no names of columns"},
        {"OBJECT_NAME,OBJECT_ID\n", ERR_SYNTAX, "line 1, column 22: EPOCH: the column is missing"},
        {NAMES ",EPOCH\n", ERR_SYNTAX, "line 1, column 131: EPOCH: a second time"},
        {NAMES "\nV,,,1,0,0,0,0,0,5,0", ERR_SYNTAX, "line 2, column 4: EPOCH: is empty"},
        {NAMES "\nV,,2024-02-30T00:00:00,1,0,0,0,0,0,5,0", ERR_SYNTAX,
         "line 2, column 4: EPOCH: not a time of at most six decimals"},
        {NAMES "\nV,,2024-02-03T00:00:00,0,0,0,0,0,0,5,0", ERR_INVALID,
         "line 2, column 24: MEAN_MOTION: not above zero"},
        {NAMES "\nV,,2024-02-03T00:00:00,1,1,0,0,0,0,5,0", ERR_INVALID,
         "line 2, column 26: ECCENTRICITY: not from 0 to below 1"},
        {NAMES "\nV,,2024-02-03T00:00:00,1,0,181,0,0,0,5,0", ERR_INVALID,
         "line 2, column 28: INCLINATION: not from 0 to 180 degrees"},
        {NAMES "\nV,,2024-02-03T00:00:00,1,0,0,nan,0,0,5,0", ERR_SYNTAX,
         "line 2, column 30: RA_OF_ASC_NODE: not a number of at most 15 digits"},
        {NAMES "\nV,,2024-02-03T00:00:00,1,0,0,0,0,0,1234567890,0", ERR_SYNTAX,
         "line 2, column 36: NORAD_CAT_ID: not a whole number of at most nine digits"},
        {NAMES "\nV,1958-2B,", ERR_SYNTAX, "line 2, column 3: OBJECT_ID: not a designator such as 1998-067A"},
        {NAMES "\n\"V,", ERR_SYNTAX, "line 2, column 1: a quotation mark is not closed"},
        {NAMES "\nV\"V,", ERR_SYNTAX, "line 2, column 2: a quotation mark within a field"},
        {NAMES "\n\"V\"V,", ERR_SYNTAX, "line 2, column 4: no comma behind a quotation mark"},
        {NAMES "\n" ROW ",1", ERR_SYNTAX, "line 2, column 98: more fields than columns"},
        {NAMES "\nV,", ERR_SYNTAX, "line 2, column 3: fewer fields than columns"},
        {NAMES ",REV_AT_EPOCH\n" ROW, ERR_SYNTAX, "line 2, column 97: fewer fields than columns"},
        {NAMES ",REF_FRAME\n" ROW ",ITRF", ERR_UNSUPPORTED,
         "line 2, column 98: REF_FRAME: not what elements for SGP4 have"},
    };
    struct space_elements e;
    struct fault fault;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        err_t err = read_first(cases[i].text, &e, &fault);
        assert_string_equal(fault.what, cases[i].what);
        assert_int_equal(err, cases[i].err);
    }
}

static void a_bad_row_fails_no_neighbour(void **state)
{
    (void)state;
    static char text[TEXT_MAX];
    struct space_csv csv;
    struct space_elements e;
    struct fault fault;
    int len = snprintf(text, sizeof text, "%s\n%s\n%0*d\n%064d%s\n%s\n", NAMES, ROW,
                       LIMIT_SPACE_LINE_BYTES + 1, 0, 0, ROW, ROW);
    assert_true(len > 0 && len < TEXT_MAX);
    assert_int_equal(space_csv_open(&csv, str_of(text), &fault), ERR_OK);
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_OK);
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_LIMIT);
    assert_string_equal(fault.what, "line 3, column 4097: the line is too long");
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_LIMIT);
    assert_string_equal(fault.what, "line 4, column 1: OBJECT_NAME: longer than 63 bytes");
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_OK);
    assert_int_equal(space_csv_next(&csv, &e, &fault), ERR_NOTFOUND);
}

static size_t load(char *out)
{
    char path[PATH_BYTES];
    const char *folder = getenv("BONGSU_DATA");
    assert_true(snprintf(path, sizeof path, "%s/space/catalogue/celestrak_on_orbit_20241101.csv",
                         folder != NULL ? folder : DATA_DEFAULT) < (int)sizeof path);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t len = fread(out, 1, CATALOGUE_MAX, file);
    assert_int_equal(fclose(file), 0);
    assert_true(len < CATALOGUE_MAX);
    return len;
}

static void a_whole_catalogue_is_read(void **state)
{
    (void)state;
    static char text[CATALOGUE_MAX];
    struct space_csv csv;
    struct space_elements e;
    struct fault fault;
    size_t rows = 0, unnamed = 0, longest = 0, len = load(text);
    err_t err;
    if (len == 0) {
        print_message("space/catalogue/celestrak_on_orbit_20241101.csv is not here\n");
        skip();
    }
    assert_int_equal(space_csv_open(&csv, (struct str) {text, len}, &fault), ERR_OK);
    while ((err = space_csv_next(&csv, &e, &fault)) == ERR_OK) {
        rows++;
        unnamed += e.designator[0] == '\0';
        if (strlen(e.name) > longest)
            longest = strlen(e.name);
    }
    assert_int_equal(err, ERR_NOTFOUND);
    assert_int_equal(rows, ROWS);
    assert_int_equal(unnamed, UNNAMED);
    assert_int_equal(longest, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(a_designator_may_name_no_part),
        cmocka_unit_test(columns_stand_in_any_order),
        cmocka_unit_test(refusals_say_where),
        cmocka_unit_test(a_bad_row_fails_no_neighbour),
        cmocka_unit_test(a_whole_catalogue_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
