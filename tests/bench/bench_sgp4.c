/* bench_sgp4 [OBJECTS]: states a second of near-Earth objects at one time on one core, one by one (the floor)
 * and by each form of lanes that this machine has; the best of some rounds. */
#include "bench_out.h"
#include "core/mem.h"
#include "space/sgp4_batch.h"

enum { ROUNDS = 15, STEP_US = 60000000 };

static const int64_t start_us = INT64_C(1767225600000000);
static const char *const names[SGP4_BATCH_FORMS] = {"sgp4_portable", "sgp4_avx2", "sgp4_avx512"};

struct bench {
    size_t count, blocks;
    struct sgp4 *one;
    struct sgp4_batch_models *models;
    struct sgp4_batch_states *states;
};

/* Spread over heights, planes and up to a week of epochs. */
static void fill(struct bench *b)
{
    struct fault fault = {0};
    for (size_t i = 0; i < b->count; i++) {
        double spread = (double)(i * 7919 % 10007) / 10007;
        struct space_elements elements = {
            .number = 1, .motion = 12.5 + 3 * spread, .eccentricity = 0.0001 + 0.01 * spread, .bstar = 1e-4};
        elements.inclination = 100 * (double)(i % 101) / 101;
        elements.node = 360 * (double)(i % 359) / 359;
        elements.perigee = 360 * (double)(i % 211) / 211;
        elements.anomaly = 360 * (double)(i % 997) / 997;
        elements.epoch_us = start_us - (int64_t)(spread * 7 * 86400e6);
        bench_check(sgp4_init(&elements, &b->one[i], &fault), "elements");
        bench_check(sgp4_batch_put(b->models, i, &b->one[i]), "batch");
    }
}

static double one_by_one(struct bench *b)
{
    double best = 0;
    struct sgp4_state state;
    for (int64_t round = 0; round < ROUNDS; round++) {
        double start = bench_now();
        for (size_t i = 0; i < b->count; i++) {
            int64_t at_us = start_us + round * STEP_US - b->one[i].epoch_us;
            bench_check(sgp4_at(&b->one[i], (double)at_us / 60e6, &state) == SGP4_OK ? ERR_OK : ERR_INVALID,
                        "state");
        }
        double rate = (double)b->count / (bench_now() - start);
        best = rate > best ? rate : best;
    }
    return best;
}

static double by_lanes(struct bench *b, enum sgp4_batch_form form)
{
    double best = 0;
    for (int64_t round = 0; round < ROUNDS; round++) {
        double start = bench_now();
        sgp4_batch_at(form, b->models, b->blocks, start_us + round * STEP_US, b->states);
        double rate = (double)b->count / (bench_now() - start);
        best = rate > best ? rate : best;
        bench_check(b->states[b->blocks - 1].end[0] == SGP4_OK ? ERR_OK : ERR_INVALID, "state");
    }
    return best;
}

int main(int argc, char **argv)
{
    struct bench b = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000};
    if (b.count == 0) {
        fprintf(stderr, "usage: bench_sgp4 [OBJECTS]\n");
        return 2;
    }
    b.blocks = (b.count + SGP4_BATCH_LANES - 1) / SGP4_BATCH_LANES;
    b.one = mem_alloc_array(b.count, sizeof *b.one);
    b.models = mem_alloc_array(b.blocks, sizeof *b.models);
    b.states = mem_alloc_array(b.blocks, sizeof *b.states);
    bench_check(b.one != NULL && b.models != NULL && b.states != NULL ? ERR_OK : ERR_NOMEM, "memory");
    fill(&b);
    double floor_value = one_by_one(&b);
    bench_row("sgp4_one", floor_value, "states/s", floor_value, 1, "sgp4_at, one by one");
    for (enum sgp4_batch_form form = 0; form < SGP4_BATCH_FORMS; form++) {
        if (!sgp4_batch_has(form))
            continue;
        double rate = by_lanes(&b, form);
        bench_row(names[form], rate, "states/s", floor_value, rate / floor_value, "ratio to one by one");
    }
    mem_free(b.one);
    mem_free(b.models);
    mem_free(b.states);
    return 0;
}
