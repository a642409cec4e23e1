/* SGP4 for many near-Earth objects at one time, several by each instruction.
 *
 * Models and states stand in blocks of eight objects, each quantity of the eight side by side: object k is
 * lane k % 8 of block k / 8. All memory is the caller's, of any alignment (64 bytes is quickest), models
 * zeroed before the first is put. Nothing is kept anywhere else; a block is only read once it is made. Any
 * thread.
 *
 * Within a week of the epoch an end is sgp4_at's, and a state is its to 1e-8 km for orbits that keep above
 * the surface. Where the theory is no longer steady (eccentricity close to 1, drag that has turned the object
 * a thousand times) roundings grow in both, and they may be apart without bound. Angles are reduced well up
 * to 1,600,000 radians, 40 years of a low orbit: ask for nothing further away. */
#pragma once

#include <stddef.h>

#include "space/sgp4.h"

enum { SGP4_BATCH_LANES = 8 };

/* What of struct sgp4 a time asks for; of what takes drag to the first orders alone, the rest is zero. */
struct sgp4_batch_models {
    double epoch_us[SGP4_BATCH_LANES]; /* exact up to 2^53 */
    double e[SGP4_BATCH_LANES], node[SGP4_BATCH_LANES], perigee[SGP4_BATCH_LANES];
    double anomaly[SGP4_BATCH_LANES], motion[SGP4_BATCH_LANES], axis[SGP4_BATCH_LANES];
    double cos_i[SGP4_BATCH_LANES], sin_i[SGP4_BATCH_LANES];
    double node_rate[SGP4_BATCH_LANES], perigee_rate[SGP4_BATCH_LANES], anomaly_rate[SGP4_BATCH_LANES];
    double node_drag[SGP4_BATCH_LANES], perigee_drag[SGP4_BATCH_LANES], anomaly_drag[SGP4_BATCH_LANES];
    double eta[SGP4_BATCH_LANES], anomaly_first[SGP4_BATCH_LANES], sin_anomaly[SGP4_BATCH_LANES];
    double e_time[SGP4_BATCH_LANES], e_sine[SGP4_BATCH_LANES]; /* what drag takes from e */
    double c1[SGP4_BATCH_LANES], d2[SGP4_BATCH_LANES], d3[SGP4_BATCH_LANES], d4[SGP4_BATCH_LANES];
    double t2[SGP4_BATCH_LANES], t3[SGP4_BATCH_LANES], t4[SGP4_BATCH_LANES], t5[SGP4_BATCH_LANES];
    double long_y[SGP4_BATCH_LANES], long_l[SGP4_BATCH_LANES]; /* periods by J3 */
};

/* TEME, as struct sgp4_state. Zeros with another end than SGP4_OK and SGP4_DECAYED. */
struct sgp4_batch_states {
    double r[3][SGP4_BATCH_LANES]; /* km */
    double v[3][SGP4_BATCH_LANES]; /* km/s */
    int64_t end[SGP4_BATCH_LANES]; /* enum sgp4_end; SGP4_MOTION where no model was put */
};

enum sgp4_batch_form {
    SGP4_BATCH_PORTABLE, /* 2 lanes, every machine */
    SGP4_BATCH_AVX2,     /* 4 lanes, with FMA */
    SGP4_BATCH_AVX512,   /* 8 lanes, F and DQ */
    SGP4_BATCH_FORMS
};

/* Whether this machine has it; the widest that it has. */
bool sgp4_batch_has(enum sgp4_batch_form form);
enum sgp4_batch_form sgp4_batch_widest(void);

/* Makes `model` object `at` of the blocks. ERR_UNSUPPORTED: a deep-space object, which sgp4_at alone
 * propagates; its lane stays as it was. */
NODISCARD err_t sgp4_batch_put(struct sgp4_batch_models *blocks, size_t at, const struct sgp4 *model);
/* All lanes of `count` blocks at `at_us` (UTC, since 1970). `form` is one that this machine has. */
void sgp4_batch_at(enum sgp4_batch_form form, const struct sgp4_batch_models *blocks, size_t count,
                   int64_t at_us, struct sgp4_batch_states *out);
