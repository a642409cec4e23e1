/* Collision probabilities: against closed forms, against an integral of the test's own, and against those
 * that CARA publishes with its messages, which are beside the repository (BONGSU_DATA); skipped by name where
 * they are absent. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "space/pc.h"

enum { LINE_MAX_BYTES = 2048, PATH_BYTES = 4096, REAL_CASES = 27, ALFANO_CASES = 11 };

static const double pi = 3.14159265358979323846;

/* --- two objects that pass each other at right angles --- */

/* The first flies along y, the second along z, so that each radius is along x and the conjunction plane is of
 * x and of y + z. The second is `up` and `aside` in that plane (metres), the covariance is the first's. */
static void meet(double up, double aside, double xx, double rest, struct pc_object out[2])
{
    double half = aside / sqrt(2) / 1000;
    out[0] =
        (struct pc_object) {.r = {7000, 0, 0}, .v = {0, 7.5, 0}, .covariance = {xx, 0, rest, 0, 0, rest}};
    out[1] = (struct pc_object) {
        .r = {7000 + up / 1000, half, half}, .v = {0, 0, 7.5}, .covariance = {0, 0, 0, 0, 0, 0}};
}

static struct pc_answer ask(const struct pc_object two[2], double radius)
{
    struct pc_answer answer;
    struct fault fault = {0};
    assert_int_equal(pc_foster(&two[0], &two[1], radius, &answer, &fault), ERR_OK);
    return answer;
}

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        print_message("# %.17g, not %.17g\n", got, want);
    assert_true(fabs(got - want) <= relative * fabs(want));
}

static void a_round_covariance_has_a_closed_form(void **state)
{
    (void)state;
    struct pc_object two[2];
    for (double ratio = 1e-6; ratio < 1000; ratio *= 3) {
        double sigma = 10 / ratio;
        meet(0, 0, sigma * sigma, sigma * sigma, two);
        near(ask(two, 10).probability, -expm1(-ratio * ratio / 2), 1e-13);
    }
}

/* Beside the centre: Poisson's weights over those of a disk (a chi-square that is not central). */
static double round_beside(double radius, double away)
{
    double a = radius * radius / 2, b = away * away / 2, weight = exp(-b), term = exp(-a), below = term;
    double sum = 0;
    for (unsigned k = 0; k < 400; k++) {
        sum += weight * (1 - below);
        weight *= b / (k + 1);
        term *= a / (k + 1);
        below += term;
    }
    return sum;
}

static void beside_the_centre_it_is_a_chi_square(void **state)
{
    (void)state;
    static const double cases[][2] = {{1, 0.5}, {1, 3}, {2, 2}, {5, 4}, {10, 8}, {12, 12.5}, {0.5, 4}};
    struct pc_object two[2];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double radius = cases[i][0], away = cases[i][1];
        for (unsigned turned = 0; turned < 8; turned++) {
            double angle = turned * pi / 4;
            meet(100 * away * cos(angle), 100 * away * sin(angle), 1e4, 1e4, two);
            struct pc_answer answer = ask(two, 100 * radius);
            near(answer.probability, round_beside(radius, away), 1e-9);
            near(answer.miss_m, 100 * away, 1e-8);
        }
    }
}

/* A small disk has its area times the density; differences of error functions have lost half their digits. */
static void a_small_disk_keeps_its_digits(void **state)
{
    (void)state;
    struct pc_object two[2];
    for (double away = 0.5; away < 8; away += 1.5) {
        meet(6e3 * away, 8e3 * away, 1e8, 1e8, two);
        near(ask(two, 0.01).probability, 0.5e-12 * exp(-away * away / 2), 1e-11);
    }
}

/* Needles: where they lie across the disk it is the chord's share. */
static void a_needle_is_a_chord(void **state)
{
    (void)state;
    struct pc_object two[2];
    for (double thin = 0.01; thin > 0.001; thin /= 3) {
        meet(0, 0, thin * thin, 9, two);
        /* The mean of a chord's share over a thin normal: chord(x) = erf(sqrt(R^2 - x^2) / (s sqrt 2)). */
        double sum = 0, all = 0;
        for (int k = -4000; k <= 4000; k++) {
            double x = k * 0.002, weight = exp(-x * x / 2);
            sum += weight * erf(sqrt(25 - x * x * thin * thin) / (3 * sqrt(2)));
            all += weight;
        }
        near(ask(two, 5).probability, sum / all, 1e-12);
    }
}

/* By rings and angles, which the code does not use. */
static double by_rings(double radius, const double at[2], const double sigma[2])
{
    enum { RINGS = 2000, ANGLES = 256 };
    double sum = 0;
    for (unsigned i = 0; i < RINGS; i++)
        for (unsigned k = 0; k < ANGLES; k++) {
            double r = radius * sqrt((i + 0.5) / RINGS), t = 2 * pi * k / ANGLES;
            double x = (at[0] + r * cos(t)) / sigma[0], y = (at[1] + r * sin(t)) / sigma[1];
            sum += exp(-(x * x + y * y) / 2);
        }
    return sum * radius * radius / (2.0 * RINGS * ANGLES * sigma[0] * sigma[1]);
}

static void a_long_covariance_agrees_with_rings(void **state)
{
    (void)state;
    static const double cases[][5] = {{10, 30, 20, 15, 60},
                                      {10, 30, 20, 60, 15},
                                      {20, 0, 100, 12, 40},
                                      {5, 200, 0, 30, 8},
                                      {15, 10, 10, 9, 11}};
    struct pc_object two[2];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const double *c = cases[i];
        meet(c[1], c[2], c[3] * c[3], c[4] * c[4], two);
        near(ask(two, c[0]).probability, by_rings(c[0], c + 1, c + 3), 1e-5);
    }
}

/* What both know counts together, and each along its own orbit: along the track of one is across the other.
 */
static void covariances_add_each_along_its_orbit(void **state)
{
    (void)state;
    struct pc_object two[2];
    meet(0, 0, 400, 400, two);
    for (unsigned k = 0; k < 6; k++)
        two[1].covariance[k] = k == 0 || k == 2 || k == 5 ? 500 : 0;
    near(ask(two, 10).probability, -expm1(-100 / 1800.0), 1e-12);
    assert_int_equal(ask(two, 10).violations, 0);
    /* Radial 4, track 100, normal 9 and 16: seen along (0, -1, 1) the plane has x, and y + z over root two.
     */
    const double first[6] = {4, 0, 100, 0, 0, 9}, second[6] = {4, 0, 16, 0, 0, 25};
    memcpy(two[0].covariance, first, sizeof first);
    memcpy(two[1].covariance, second, sizeof second);
    const double at[2] = {0, 0}, sigma[2] = {sqrt(8), sqrt((100 + 9 + 16 + 25) / 2.0)};
    near(ask(two, 2).probability, by_rings(2, at, sigma), 1e-6);
    /* Radius and track together, on both sides of the plane: (x, y) and (x, -y) miss unlike. */
    two[0].covariance[1] = 15;
    meet(5, 5, 0, 0, two);
    const double leaning[6] = {4, 15, 100, 0, 0, 100};
    memcpy(two[0].covariance, leaning, sizeof leaning);
    double along = ask(two, 2).probability;
    meet(5, -5, 0, 0, two);
    memcpy(two[0].covariance, leaning, sizeof leaning);
    assert_true(along > 2 * ask(two, 2).probability);
}

/* The message's time is rounded: a millisecond beside it, at 10.6 km/s, is metres. */
static void the_time_of_closest_approach_is_found_again(void **state)
{
    (void)state;
    struct pc_object two[2], later[2];
    meet(30, 20, 900, 900, two);
    struct pc_answer there = ask(two, 10);
    near(there.miss_m, hypot(30, 20), 1e-9);
    near(there.speed_ms, 7500 * sqrt(2), 1e-12);
    assert_true(fabs(there.later_s) < 1e-9);
    memcpy(later, two, sizeof later);
    for (unsigned k = 0; k < 3; k++)
        later[1].r[k] -= 0.0005 * (two[1].v[k] - two[0].v[k]);
    struct pc_answer here = ask(later, 10);
    near(here.later_s, 0.0005, 1e-6);
    near(here.miss_m, there.miss_m, 1e-9);
    near(here.probability, there.probability, 1e-9);
}

static void a_covariance_that_is_none_is_clipped_and_said(void **state)
{
    (void)state;
    struct pc_object two[2];
    /* The second has none at all: that alone is said, for both together are as they should be. */
    meet(0, 0, 100, 100, two);
    assert_int_equal(ask(two, 10).violations, PC_SECOND_NOT_POSITIVE);
    /* Below zero across the track: taken as (R / 10,000)^2, so a chord through the middle is left. */
    meet(0, 0, -1, 100, two);
    struct pc_answer answer = ask(two, 10);
    assert_int_equal(answer.violations,
                     PC_FIRST_NOT_POSITIVE | PC_SECOND_NOT_POSITIVE | PC_NOT_POSITIVE | PC_CLIPPED);
    near(answer.probability, erf(1 / sqrt(2)), 1e-7);
    /* Positive, and too small. */
    meet(0, 0, 1e-8, 100, two);
    assert_int_equal(ask(two, 10).violations, PC_SECOND_NOT_POSITIVE | PC_CLIPPED);
    /* Neither has any: it hits, or it does not. */
    meet(9.9, 0, 0, 0, two);
    near(ask(two, 10).probability, 1, 1e-12);
    meet(10.1, 0, 0, 0, two);
    assert_true(ask(two, 10).probability == 0);
    /* At the floor itself, at the disk's edge: half of it. */
    meet(10, 0, 0, 0, two);
    near(ask(two, 10).probability, 0.5, 1e-3);
    /* Not positive definite only as a whole: each two of its axes are, and so is what the plane sees. */
    meet(0, 0, 100, 100, two);
    const double whole[6] = {100, -60, 100, -60, -60, 100};
    memcpy(two[0].covariance, whole, sizeof whole);
    memcpy(two[1].covariance, (const double[6]) {100, 0, 100, 0, 0, 100}, sizeof whole);
    assert_int_equal(ask(two, 10).violations, PC_FIRST_NOT_POSITIVE);
}

static void what_is_no_encounter_is_refused(void **state)
{
    (void)state;
    struct pc_object good[2], two[2];
    struct pc_answer answer = {.probability = 7};
    struct fault fault = {0};
    meet(0, 0, 100, 100, good);
    static const double radii[] = {0, -1, NAN, INFINITY, 1e-300};
    for (size_t i = 0; i < sizeof radii / sizeof radii[0]; i++) {
        meet(0, 0, 0, 0, two);
        assert_int_equal(pc_foster(&two[0], &two[1], radii[i], &answer, NULL), ERR_INVALID);
    }
    double *const numbers[] = {&two[0].r[2], &two[1].v[0], &two[0].covariance[5]};
    static const double bad[] = {NAN, INFINITY, -INFINITY, 1e308};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
            memcpy(two, good, sizeof two);
            *numbers[i] = bad[k];
            assert_int_equal(pc_foster(&two[0], &two[1], 10, &answer, &fault), ERR_INVALID);
            assert_int_equal(strstr(fault.what, "finite") != NULL, !isfinite(bad[k]));
        }
    memcpy(two, good, sizeof two);
    memcpy(two[1].v, two[0].v, sizeof two[1].v);
    assert_int_equal(pc_foster(&two[0], &two[1], 10, &answer, NULL), ERR_INVALID);
    memcpy(two, good, sizeof two);
    memcpy(two[1].v, (const double[3]) {0, 0, 0}, sizeof two[1].v);
    assert_int_equal(pc_foster(&two[0], &two[1], 10, &answer, &fault), ERR_INVALID);
    assert_non_null(strstr(fault.what, "orbit's plane"));
    assert_true(answer.probability == 7);
}

/* --- messages of others --- */

static FILE *open_data(const char *folder, const char *name, const char *end)
{
    char path[PATH_BYTES];
    const char *base = getenv("BONGSU_DATA");
    assert_true(snprintf(path, sizeof path, "%s/space/cara/%s%s%s", base != NULL ? base : DATA_DEFAULT,
                         folder, name, end) < (int)sizeof path);
    return fopen(path, "rb");
}

static const struct {
    const char *key;
    const char *unit;
    size_t at;
} keys[] = {
#define AT(member) offsetof(struct pc_object, member)
    {"X", "[km]", AT(r[0])},
    {"Y", "[km]", AT(r[1])},
    {"Z", "[km]", AT(r[2])},
    {"X_DOT", "[km/s]", AT(v[0])},
    {"Y_DOT", "[km/s]", AT(v[1])},
    {"Z_DOT", "[km/s]", AT(v[2])},
    {"CR_R", "[m**2]", AT(covariance[0])},
    {"CT_R", "[m**2]", AT(covariance[1])},
    {"CT_T", "[m**2]", AT(covariance[2])},
    {"CN_R", "[m**2]", AT(covariance[3])},
    {"CN_T", "[m**2]", AT(covariance[4])},
    {"CN_N", "[m**2]", AT(covariance[5])},
#undef AT
};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* One line of a message: of the keys that are wanted each once in each object, a number and its unit. */
static void take_line(const char *line, struct pc_object two[2], int *object, unsigned seen[2])
{
    char key[64], value[64], unit[64] = "", rest[2];
    int count = sscanf(line, "%63[A-Z0-9_] = %63s %63s %1s", key, value, unit, rest);
    if (count < 2 || strncmp(line, "COMMENT", 7) == 0)
        return;
    if (strcmp(key, "OBJECT") == 0) {
        *object += 1;
        assert_string_equal(value, *object == 0 ? "OBJECT1" : "OBJECT2");
    }
    if (strcmp(key, "REF_FRAME") == 0)
        assert_string_equal(value, "EME2000");
    for (unsigned k = 0; k < KEYS; k++) {
        if (strcmp(key, keys[k].key) != 0)
            continue;
        assert_true(*object == 0 || *object == 1);
        assert_int_equal(count, 3);
        assert_string_equal(unit, keys[k].unit);
        assert_false(seen[*object] >> k & 1);
        seen[*object] |= 1U << k;
        char *end = NULL;
        double number = strtod(value, &end);
        assert_true(*end == '\0' && end != value);
        memcpy((char *)&two[*object] + keys[k].at, &number, sizeof number);
    }
}

static void read_message(const char *folder, const char *name, struct pc_object two[2])
{
    char line[LINE_MAX_BYTES];
    unsigned seen[2] = {0, 0};
    int object = -1;
    FILE *file = open_data(folder, name, ".cdm");
    if (file == NULL)
        print_message("# %s is missing\n", name);
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        assert_non_null(strchr(line, '\n'));
        take_line(line, two, &object, seen);
    }
    (void)fclose(file);
    assert_int_equal(seen[0], (1U << KEYS) - 1);
    assert_int_equal(seen[1], (1U << KEYS) - 1);
}

enum { COLUMNS_MAX = 40 };

/* Cuts a row into its columns; none of those that are read is quoted. */
static size_t cut(char *line, char *out[COLUMNS_MAX])
{
    size_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at != NULL && count < COLUMNS_MAX; count++) {
        out[count] = at;
        at = strchr(at, ',');
        if (at != NULL)
            *at++ = '\0';
    }
    return count;
}

static double number(const char *text)
{
    char *end = NULL;
    double value = strtod(text, &end);
    assert_true(*text != '\0' && *end == '\0');
    return value;
}

static size_t column(char *const names[], size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    fail_msg("no column %s", name);
    return 0;
}

static void the_probabilities_of_real_messages_agree(void **state)
{
    (void)state;
    char line[LINE_MAX_BYTES], *row[COLUMNS_MAX];
    FILE *file = open_data("", "expected_pc", ".csv");
    if (file == NULL)
        skip();
    assert_non_null(fgets(line, sizeof line, file));
    size_t width = cut(line, row), at_radius = column(row, width, "HBR_m"),
           at_pc = column(row, width, "Pc2D");
    size_t at_miss = column(row, width, "MissDist_m"), at_speed = column(row, width, "Vrel_mps");
    unsigned count = 0;
    double worst = 0;
    for (; fgets(line, sizeof line, file) != NULL; count++) {
        assert_int_equal(cut(line, row), width);
        struct pc_object two[2];
        read_message("cdm/", row[0], two);
        struct pc_answer answer = ask(two, number(row[at_radius]));
        double off = fabs(answer.probability / number(row[at_pc]) - 1);
        if (!(off <= 1e-8))
            print_message("# %s: %.10g, %.1e off\n", row[0], answer.probability, off);
        /* Its column has the distance at the message's time. */
        near(hypot(answer.miss_m, answer.later_s * answer.speed_ms), number(row[at_miss]), 1e-9);
        near(answer.speed_ms, number(row[at_speed]), 1e-10);
        assert_true(fabs(answer.later_s) < 0.001);
        assert_int_equal(answer.violations, 0);
        worst = fmax(worst, off);
    }
    (void)fclose(file);
    print_message("# %u messages, at most %.2e off\n", count, worst);
    assert_int_equal(count, REAL_CASES);
    assert_true(worst <= 1e-8);
}

/* Their states are rounded to a millimetre and a micrometre a second, and the objects are slow: half a digit
 * of each moves some by a thousandth. Case 12 has no probability in two dimensions (NaN) and no message. */
static void the_cases_of_alfano_agree(void **state)
{
    (void)state;
    char line[LINE_MAX_BYTES], name[PATH_BYTES], *row[COLUMNS_MAX];
    FILE *file = open_data("", "alfano_2009", ".csv");
    if (file == NULL)
        skip();
    assert_non_null(fgets(line, sizeof line, file));
    size_t width = cut(line, row), at_pc = column(row, width, "CARA_Pc2D");
    unsigned count = 0;
    double worst = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        assert_int_equal(cut(line, row), width);
        if (strcmp(row[0], "12") == 0) {
            assert_string_equal(row[at_pc], "NaN");
            continue;
        }
        struct pc_object two[2];
        (void)snprintf(name, sizeof name, "AlfanoTestCase%02d", (int)number(row[0]));
        read_message("sample/", name, two);
        struct pc_answer answer = ask(two, number(row[1]));
        double off = fabs(answer.probability / number(row[at_pc]) - 1);
        worst = fmax(worst, off);
        count++;
    }
    (void)fclose(file);
    print_message("# %u cases, at most %.2e off\n", count, worst);
    assert_int_equal(count, ALFANO_CASES);
    assert_true(worst <= 3e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_covariance_has_a_closed_form),
        cmocka_unit_test(beside_the_centre_it_is_a_chi_square),
        cmocka_unit_test(a_small_disk_keeps_its_digits),
        cmocka_unit_test(a_needle_is_a_chord),
        cmocka_unit_test(a_long_covariance_agrees_with_rings),
        cmocka_unit_test(covariances_add_each_along_its_orbit),
        cmocka_unit_test(the_time_of_closest_approach_is_found_again),
        cmocka_unit_test(a_covariance_that_is_none_is_clipped_and_said),
        cmocka_unit_test(what_is_no_encounter_is_refused),
        cmocka_unit_test(the_probabilities_of_real_messages_agree),
        cmocka_unit_test(the_cases_of_alfano_agree),
    };
    return cmocka_run_group_tests_name("space pc", tests, NULL, NULL);
}
