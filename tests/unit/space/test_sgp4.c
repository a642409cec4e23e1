/* SGP4 against the verification cases of AIAA 2006-6753, which are beside the repository (BONGSU_DATA);
 * skipped by name where they are absent. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "space/sgp4.h"

enum { LINE_MAX_BYTES = 256, TLE_LINE = 69, CASES = 33, PATH_BYTES = 4096 };

/* Where there is no state, and why: by the order of the file, since 20413 occurs twice. */
static const struct {
    unsigned number;
    enum sgp4_end end;
} ends[] = {
    {22312, SGP4_ECCENTRICITY}, {28350, SGP4_ECCENTRICITY}, {28872, SGP4_DECAYED}, {29141, SGP4_DECAYED},
    {33333, SGP4_LATUS},        {33334, SGP4_PERTURBED},    {20413, SGP4_DECAYED},
};

struct row {
    double minutes, r[3], v[3];
};

static FILE *open_data(const char *name)
{
    char path[PATH_BYTES];
    const char *folder = getenv("BONGSU_DATA");
    assert_true(snprintf(path, sizeof path, "%s/space/sgp4/%s", folder != NULL ? folder : DATA_DEFAULT,
                         name) < (int)sizeof path);
    return fopen(path, "rb");
}

/* Cases that were made up of others have their sums. */
static void sum(char *line)
{
    unsigned total = 0;
    for (size_t i = 0; i < TLE_LINE - 1; i++)
        total += line[i] >= '0' && line[i] <= '9' ? (unsigned)(line[i] - '0') : line[i] == '-';
    line[TLE_LINE - 1] = (char)('0' + total % 10);
}

/* The next two lines of elements, and how far they are to be followed. */
static bool next_case(FILE *file, struct space_elements *out, double span[3])
{
    char line[2][LINE_MAX_BYTES];
    struct fault fault = {0};
    do {
        if (fgets(line[0], LINE_MAX_BYTES, file) == NULL)
            return false;
    } while (line[0][0] != '1');
    assert_non_null(fgets(line[1], LINE_MAX_BYTES, file));
    assert_int_equal(sscanf(line[1] + TLE_LINE, "%lf %lf %lf", &span[0], &span[1], &span[2]), 3);
    sum(line[0]);
    sum(line[1]);
    err_t err =
        space_tle_read((struct str) {line[0], TLE_LINE}, (struct str) {line[1], TLE_LINE}, out, &fault);
    if (err != ERR_OK)
        print_message("# %.69s: %s\n", line[0], fault.what);
    assert_int_equal(err, ERR_OK);
    return true;
}

static bool next_row(FILE *file, struct row *out)
{
    char line[LINE_MAX_BYTES];
    long before = ftell(file);
    if (fgets(line, sizeof line, file) == NULL)
        return false;
    int read = sscanf(line, "%lf %lf %lf %lf %lf %lf %lf", &out->minutes, &out->r[0], &out->r[1], &out->r[2],
                      &out->v[0], &out->v[1], &out->v[2]);
    if (read == 7)
        return true;
    (void)fseek(file, before, SEEK_SET);
    return false;
}

/* What the file has for 33334, which has no state at all, is the last one of the case before. */
static void compare(const struct sgp4 *model, const struct row *row, unsigned number, double worst[2])
{
    struct sgp4_state state;
    enum sgp4_end end = sgp4_at(model, row->minutes, &state);
    assert_int_equal(end, number == 33334 ? SGP4_PERTURBED : SGP4_OK);
    if (end != SGP4_OK)
        return;
    for (unsigned k = 0; k < 3; k++) {
        double r = fabs(state.r[k] - row->r[k]), v = fabs(state.v[k] - row->v[k]);
        if (r > 2e-7 || v > 1e-9)
            print_message("# %u at %.1f: %.10f km, %.12f km/s off\n", number, row->minutes, r, v);
        worst[0] = r > worst[0] ? r : worst[0];
        worst[1] = v > worst[1] ? v : worst[1];
    }
}

/* What ends it on its way, if anything does. */
static enum sgp4_end follow(const struct sgp4 *model, const double span[3])
{
    struct sgp4_state state;
    enum sgp4_end end = sgp4_at(model, 0, &state);
    for (double at = span[0]; at <= span[1] && end == SGP4_OK; at += span[2])
        end = sgp4_at(model, at, &state);
    return end;
}

static void the_verification_cases_agree(void **state)
{
    (void)state;
    FILE *cases = open_data("SGP4-VER.TLE"), *expected = open_data("tcppver.out");
    if (cases == NULL || expected == NULL)
        skip();
    struct space_elements elements;
    struct sgp4 model;
    struct fault fault = {0};
    struct row row;
    double span[3], worst[2] = {0, 0};
    char head[LINE_MAX_BYTES];
    unsigned count = 0, rows = 0, ended = 0;
    for (; next_case(cases, &elements, span); count++) {
        assert_non_null(fgets(head, sizeof head, expected));
        assert_int_equal((uint32_t)strtoul(head, NULL, 10), elements.number);
        assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_OK);
        for (; next_row(expected, &row); rows++)
            compare(&model, &row, elements.number, worst);
        enum sgp4_end end = follow(&model, span);
        if (end == SGP4_OK)
            continue;
        print_message("# %u ends: %d, %s\n", elements.number, (int)end, sgp4_end_text(end));
        assert_true(ended < sizeof ends / sizeof ends[0]);
        assert_int_equal(elements.number, ends[ended].number);
        assert_int_equal(end, ends[ended].end);
        ended++;
    }
    print_message("# %u cases, %u states; at most %.2e km and %.2e km/s off\n", count, rows, worst[0],
                  worst[1]);
    assert_int_equal(count, CASES);
    assert_int_equal(ended, sizeof ends / sizeof ends[0]);
    assert_true(rows > 600);
    assert_true(worst[0] <= 2e-7 && worst[1] <= 1e-9);
    (void)fclose(cases);
    (void)fclose(expected);
}

/* The same time gives the same bits, whatever was asked between. */
static void nothing_is_remembered(void **state)
{
    (void)state;
    static const char one[] = "1 09880U 77021A   06176.56157475  .00000421  00000-0  10000-3 0  9814";
    static const char two[] = "2 09880  64.5968 349.3786 7069051 270.0229  16.3320  2.00813614112380";
    struct space_elements elements;
    struct sgp4 model;
    struct sgp4_state first, again, other;
    struct fault fault = {0};
    assert_int_equal(space_tle_read(STR(one), STR(two), &elements, &fault), ERR_OK);
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_OK);
    assert_int_equal(model.far.resonance, SGP4_HALF_DAY);
    assert_int_equal(sgp4_at(&model, 2880, &first), SGP4_OK);
    assert_int_equal(sgp4_at(&model, -100000, &other), SGP4_OK);
    assert_int_equal(sgp4_at(&model, 2880, &again), SGP4_OK);
    assert_memory_equal(&first, &again, sizeof first);
}

static void other_theories_are_refused(void **state)
{
    (void)state;
    struct space_elements elements = {.number = 1, .motion = 15, .eccentricity = 0.01, .type = 4};
    struct sgp4 model;
    struct fault fault = {0};
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_UNSUPPORTED);
    assert_non_null(strstr(fault.what, "SGP4-XP"));
    elements.type = 0;
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_OK);
    elements.eccentricity = 1;
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_INVALID);
    elements.eccentricity = NAN;
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_INVALID);
    elements.eccentricity = 0.01;
    elements.motion = 0;
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verification_cases_agree),
        cmocka_unit_test(nothing_is_remembered),
        cmocka_unit_test(other_theories_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
