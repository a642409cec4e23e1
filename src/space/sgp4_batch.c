#include "space/sgp4_batch.h"

#include <assert.h>
#include <math.h>

#include "space/sgp4_lanes.h"
#include "space/wgs72.h"

typedef void lanes_fn(const struct sgp4_batch_models *blocks, size_t count, double at_us,
                      struct sgp4_batch_states *out);

#ifdef __x86_64__
static lanes_fn *const forms[SGP4_BATCH_FORMS] = {sgp4_lanes_portable, sgp4_lanes_avx2, sgp4_lanes_avx512};

bool sgp4_batch_has(enum sgp4_batch_form form)
{
    switch (form) {
    case SGP4_BATCH_PORTABLE:
        return true;
    case SGP4_BATCH_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case SGP4_BATCH_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               sgp4_batch_has(SGP4_BATCH_AVX2);
    case SGP4_BATCH_FORMS:
        break;
    }
    return false;
}
#else
static lanes_fn *const forms[SGP4_BATCH_FORMS] = {sgp4_lanes_portable};

bool sgp4_batch_has(enum sgp4_batch_form form)
{
    return form == SGP4_BATCH_PORTABLE;
}
#endif

enum sgp4_batch_form sgp4_batch_widest(void)
{
    return sgp4_batch_has(SGP4_BATCH_AVX512) ? SGP4_BATCH_AVX512
           : sgp4_batch_has(SGP4_BATCH_AVX2) ? SGP4_BATCH_AVX2
                                             : SGP4_BATCH_PORTABLE;
}

/* Zeros instead of a branch where drag is taken to the first orders alone. */
static void put_drag(struct sgp4_batch_models *b, size_t k, const struct sgp4 *m)
{
    double higher = m->simple ? 0 : 1;
    b->c1[k] = m->c1;
    b->t2[k] = m->t2;
    b->node_drag[k] = m->node_drag;
    b->e_time[k] = m->bstar * m->c4;
    b->e_sine[k] = higher * (m->bstar * m->c5);
    b->perigee_drag[k] = higher * m->perigee_drag;
    b->anomaly_drag[k] = higher * m->anomaly_drag;
    b->eta[k] = m->eta;
    b->anomaly_first[k] = m->anomaly_first;
    b->sin_anomaly[k] = m->sin_anomaly;
    b->d2[k] = m->d2;
    b->d3[k] = m->d3;
    b->d4[k] = m->d4;
    b->t3[k] = m->t3;
    b->t4[k] = m->t4;
    b->t5[k] = m->t5;
}

err_t sgp4_batch_put(struct sgp4_batch_models *blocks, size_t at, const struct sgp4 *m)
{
    struct sgp4_batch_models *b = &blocks[at / SGP4_BATCH_LANES];
    size_t k = at % SGP4_BATCH_LANES;
    if (m->deep)
        return ERR_UNSUPPORTED;
    double bottom = fabs(1 + m->cos_i) > 1.5e-12 ? 1 + m->cos_i : 1.5e-12;
    b->epoch_us[k] = (double)m->epoch_us;
    b->e[k] = m->e;
    b->node[k] = m->node;
    b->perigee[k] = m->perigee;
    b->anomaly[k] = m->anomaly;
    b->motion[k] = m->motion;
    b->axis[k] = pow(ke / m->motion, 2.0 / 3);
    b->cos_i[k] = m->cos_i;
    b->sin_i[k] = m->sin_i;
    b->node_rate[k] = m->node_rate;
    b->perigee_rate[k] = m->perigee_rate;
    b->anomaly_rate[k] = m->anomaly_rate;
    b->long_y[k] = 0.5 * (j3 / j2) * m->sin_i;
    b->long_l[k] = 0.25 * (j3 / j2) * m->sin_i * (3 + 5 * m->cos_i) / bottom;
    put_drag(b, k, m);
    return ERR_OK;
}

void sgp4_batch_at(enum sgp4_batch_form form, const struct sgp4_batch_models *blocks, size_t count,
                   int64_t at_us, struct sgp4_batch_states *out)
{
    assert(sgp4_batch_has(form));
    forms[form](blocks, count, (double)at_us, out);
}
