/* Every form of lanes that this machine has against sgp4_at, over random near-Earth elements. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <setjmp.h>

#include <cmocka.h>

#include "core/mem.h"
#include "space/sgp4_batch.h"

enum { DRAWS = 100000, BLOCKS = (DRAWS + SGP4_BATCH_LANES - 1) / SGP4_BATCH_LANES, ENDS = 8 };

static const int64_t now_us = INT64_C(1767225600123457);
static const double week_us = 7 * 86400e6;
static const char *const names[SGP4_BATCH_FORMS] = {"portable", "avx2", "avx512"};

/* SplitMix64: in [low, high). */
static double draw(uint64_t *seed, double low, double high)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return low + (high - low) * (double)((x ^ (x >> 31)) >> 11) * 0x1p-53;
}

/* As catalogues have them, from what falls to what takes 225 minutes. */
static void draw_ordinary(uint64_t *seed, struct space_elements *out)
{
    double perigee = 1 + draw(seed, 120, 2500) / 6378.135;
    double most = 1 - perigee / 2.07;
    out->eccentricity = draw(seed, 0, 1) < 0.8 ? pow(10, draw(seed, -6, -1.5)) : draw(seed, 0, most);
    out->motion = 17.04 * pow(perigee / (1 - out->eccentricity), -1.5);
    out->bstar = pow(10, draw(seed, -7, -2.5)) * (draw(seed, 0, 1) < 0.1 ? -1 : 1);
}

/* What no catalogue has, for every end. */
static void draw_wild(uint64_t *seed, struct space_elements *out)
{
    out->eccentricity = draw(seed, 0, 0.999);
    out->motion = draw(seed, 6.5, 18);
    out->bstar = pow(10, draw(seed, -5, 0)) * (draw(seed, 0, 1) < 0.5 ? -1 : 1);
}

static void draw_model(uint64_t *seed, bool wild, struct sgp4 *out)
{
    struct fault fault = {0};
    do {
        struct space_elements e = {.number = 1};
        e.epoch_us = now_us - (int64_t)draw(seed, -week_us, week_us);
        e.inclination = draw(seed, 0, 180);
        e.node = draw(seed, 0, 360);
        e.perigee = draw(seed, 0, 360);
        e.anomaly = draw(seed, 0, 360);
        if (wild)
            draw_wild(seed, &e);
        else
            draw_ordinary(seed, &e);
        assert_int_equal(sgp4_init(&e, out, &fault), ERR_OK);
    } while (out->deep);
}

struct tally {
    unsigned ends[ENDS], others; /* others: ends that differ */
    unsigned apart;              /* states beyond 1e-8 km or 1e-11 km/s */
    double r, v;                 /* furthest from sgp4_at, km and km/s */
};

static void compare(const struct sgp4 *model, const struct sgp4_batch_states *block, size_t k,
                    struct tally *tally)
{
    struct sgp4_state one;
    enum sgp4_end end = sgp4_at(model, (double)(now_us - model->epoch_us) / 60e6, &one);
    tally->ends[end]++;
    tally->others += block->end[k] != (int64_t)end;
    bool given = end == SGP4_OK || end == SGP4_DECAYED, near = true;
    for (unsigned i = 0; i < 3; i++) {
        double r = fabs(block->r[i][k] - (given ? one.r[i] : 0));
        double v = fabs(block->v[i][k] - (given ? one.v[i] : 0));
        near = near && r <= 1e-8 && v <= 1e-11; /* not with what is no number */
        tally->r = fmax(r, tally->r);
        tally->v = fmax(v, tally->v);
    }
    tally->apart += !near;
}

/* Draws again from the seed what was put. */
static struct tally run(enum sgp4_batch_form form, uint64_t seed, bool wild)
{
    struct sgp4_batch_models *models = mem_alloc_array(BLOCKS, sizeof *models);
    struct sgp4_batch_states *states = mem_alloc_array(BLOCKS, sizeof *states);
    struct sgp4 model;
    struct tally tally = {0};
    assert_non_null(models);
    assert_non_null(states);
    uint64_t at = seed;
    for (size_t i = 0; i < DRAWS; i++) {
        draw_model(&at, wild, &model);
        assert_int_equal(sgp4_batch_put(models, i, &model), ERR_OK);
    }
    sgp4_batch_at(form, models, BLOCKS, now_us, states);
    at = seed;
    for (size_t i = 0; i < DRAWS; i++) {
        draw_model(&at, wild, &model);
        compare(&model, &states[i / SGP4_BATCH_LANES], i % SGP4_BATCH_LANES, &tally);
    }
    print_message("# %s: %.2e km, %.2e km/s; ends", names[form], tally.r, tally.v);
    for (unsigned i = 0; i < ENDS; i++)
        print_message(" %u", tally.ends[i]);
    print_message("; %u others, %u apart\n", tally.others, tally.apart);
    mem_free(models);
    mem_free(states);
    return tally;
}

static void lanes_agree_with_one_state(void **state)
{
    (void)state;
    for (enum sgp4_batch_form form = 0; form < SGP4_BATCH_FORMS; form++) {
        if (!sgp4_batch_has(form))
            continue;
        struct tally tally = run(form, 1, false);
        assert_int_equal(tally.others, 0);
        assert_true(tally.ends[SGP4_OK] > DRAWS / 2);
        assert_int_equal(tally.apart, 0);
    }
}

/* Beyond 1e-8 km are some, where the theory itself makes roundings grow. */
static void lanes_end_as_one_state_does(void **state)
{
    (void)state;
    for (enum sgp4_batch_form form = 0; form < SGP4_BATCH_FORMS; form++) {
        if (!sgp4_batch_has(form))
            continue;
        struct tally tally = run(form, 2, true);
        assert_int_equal(tally.others, 0);
        assert_true(tally.apart < DRAWS / 100);
        assert_true(tally.ends[SGP4_OK] > 100 && tally.ends[SGP4_ECCENTRICITY] > 100);
        assert_true(tally.ends[SGP4_LATUS] > 100 && tally.ends[SGP4_DECAYED] > 100);
    }
}

static void empty_lanes_have_no_motion_and_deep_ones_are_refused(void **state)
{
    (void)state;
    struct space_elements elements = {.number = 1, .motion = 1, .eccentricity = 0.01, .epoch_us = now_us};
    struct sgp4_batch_models models = {0}, before = {0};
    struct sgp4_batch_states states;
    struct sgp4 model;
    struct fault fault = {0};
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_OK);
    assert_int_equal(sgp4_batch_put(&models, 3, &model), ERR_UNSUPPORTED);
    assert_memory_equal(&models, &before, sizeof models);
    elements.motion = 15;
    assert_int_equal(sgp4_init(&elements, &model, &fault), ERR_OK);
    assert_int_equal(sgp4_batch_put(&models, 3, &model), ERR_OK);
    assert_true(sgp4_batch_has(SGP4_BATCH_PORTABLE));
    assert_true(sgp4_batch_has(sgp4_batch_widest()));
    for (enum sgp4_batch_form form = 0; form < SGP4_BATCH_FORMS; form++) {
        if (!sgp4_batch_has(form))
            continue;
        memset(&states, 0xff, sizeof states);
        sgp4_batch_at(form, &models, 1, now_us, &states);
        for (unsigned k = 0; k < SGP4_BATCH_LANES; k++) {
            assert_int_equal(states.end[k], k == 3 ? SGP4_OK : SGP4_MOTION);
            assert_true((states.r[0][k] != 0) == (k == 3));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_agree_with_one_state),
        cmocka_unit_test(lanes_end_as_one_state_does),
        cmocka_unit_test(empty_lanes_have_no_motion_and_deep_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
