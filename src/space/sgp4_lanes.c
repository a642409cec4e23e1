/* What sgp4_at does, for LANES objects at once. Compiled for each form with its own instructions, named by
 * SGP4_LANES_FN; sums stand in sgp4.c's order, so that only roundings differ. */
#include "space/sgp4_lanes.h"

#include <string.h>

#include "space/wgs72.h"

#if defined(__SSE2__)
#include <immintrin.h>
#else
#include <math.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 8 };
#elif defined(__AVX2__)
enum { LANES = 4 };
#else
enum { LANES = 2 };
#endif

typedef double vec __attribute__((vector_size(LANES * sizeof(double))));
typedef int64_t mask __attribute__((vector_size(LANES * sizeof(double)))); /* of a lane: all bits, or none */

#define INLINE static inline __attribute__((always_inline))

enum { KEPLER_STEPS = 10 };

/* --- lanes --- */

INLINE vec all(double x)
{
    return x - (vec) {0};
}

INLINE vec load(const double *from)
{
    vec x;
    memcpy(&x, from, sizeof x);
    return x;
}

INLINE vec pick(mask which, vec yes, vec no)
{
    return (vec)((which & (mask)yes) | (~which & (mask)no));
}

INLINE vec absolute(vec x)
{
    return (vec)((mask)x & INT64_MAX);
}

INLINE bool any(mask which)
{
#if defined(__AVX512F__)
    return _mm512_movepi64_mask((__m512i)which) != 0;
#elif defined(__AVX2__)
    return _mm256_movemask_pd((__m256d)which) != 0;
#elif defined(__SSE2__)
    return _mm_movemask_pd((__m128d)which) != 0;
#else
    int64_t bits = 0;
    for (unsigned k = 0; k < LANES; k++)
        bits |= which[k];
    return bits != 0;
#endif
}

INLINE vec root(vec x)
{
#if defined(__AVX512F__)
    return (vec)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
    return (vec)_mm256_sqrt_pd((__m256d)x);
#elif defined(__SSE2__)
    return (vec)_mm_sqrt_pd((__m128d)x);
#else
    for (unsigned k = 0; k < LANES; k++)
        x[k] = sqrt(x[k]);
    return x;
#endif
}

/* --- angles --- */

struct angle {
    vec sin, cos;
};

/* The nearest whole number, up to 2^51, with its low bits where an integer has them. */
static const double to_whole = 6755399441055744.0; /* 1.5 * 2^52 */

/* fdlibm's polynomials, on a quarter of pi to both sides. */
INLINE struct angle quarter(vec x)
{
    vec z = x * x, half = 0.5 * z, w = 1 - half;
    vec s = 8.33333333332248946124e-03 +
            z * (-1.98412698298579493134e-04 +
                 z * (2.75573137070700676789e-06 +
                      z * (-2.50507602534068634195e-08 + z * 1.58969099521155010221e-10)));
    vec c = 4.16666666666666019037e-02 +
            z * (-1.38888888888741095749e-03 +
                 z * (2.48015872894767294178e-05 +
                      z * (-2.75573143513906633035e-07 +
                           z * (2.08757232129817482790e-09 + z * -1.13596475577881948265e-11))));
    return (struct angle) {x + x * z * (-1.66666666666666324348e-01 + z * s),
                           w + ((1 - w - half) + z * z * c)};
}

/* Half of pi is taken away in three parts, of which two have 33 bits: exact up to 2^20 of them. */
INLINE struct angle angle_of(vec x)
{
    vec shifted = x * 6.36619772367581382433e-01 + to_whole, k = shifted - to_whole;
    vec r = x - k * 1.57079632673412561417e+00;
    r = r - k * 6.07710050630396597660e-11;
    r = r - k * 2.02226624879595063154e-21;
    struct angle q = quarter(r);
    mask n = (mask)shifted, odd = -(n & 1);
    return (struct angle) {(vec)((mask)pick(odd, q.cos, q.sin) ^ ((n & 2) << 62)),
                           (vec)((mask)pick(odd, q.sin, q.cos) ^ (((n + 1) & 2) << 62))};
}

/* Most turns are small: by a series then, whose next term is below 1e-19. */
INLINE struct angle angle_turned(struct angle from, vec by)
{
    struct angle d;
    if (any(~(absolute(by) < 1.0 / 32))) {
        d = angle_of(by);
    } else {
        vec z = by * by;
        d.sin = by + by * z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040)));
        d.cos = 1 - z * (0.5 - z * (1.0 / 24 - z * (1.0 / 720 - z * (1.0 / 40320))));
    }
    return (struct angle) {from.sin * d.cos + from.cos * d.sin, from.cos * d.cos - from.sin * d.sin};
}

/* By whole turns of the double next to 2 pi, as fmod of sgp4.c does, in halves whose products are exact. */
INLINE vec less_turns(vec x)
{
    static const double high = 6.283185303211212, low = 3.968374073792802e-09;
    vec k = x * 1.59154943091895345554e-01 + to_whole - to_whole;
    return x - k * high - k * low;
}

/* --- a state --- */

struct mean {
    vec e, node, perigee, longitude; /* longitude: with node and perigee */
    vec axis;
};

INLINE struct mean mean_at(const struct sgp4_batch_models *m, unsigned k, vec t)
{
    vec t2 = t * t, t3 = t2 * t, t4 = t3 * t;
    vec anomaly = load(m->anomaly + k) + load(m->anomaly_rate + k) * t;
    vec perigee = load(m->perigee + k) + load(m->perigee_rate + k) * t;
    struct mean out = {.node = load(m->node + k) + load(m->node_rate + k) * t + load(m->node_drag + k) * t2};
    struct angle a = angle_of(anomaly);
    vec near = 1 + load(m->eta + k) * a.cos;
    vec shift = load(m->perigee_drag + k) * t +
                load(m->anomaly_drag + k) * (near * near * near - load(m->anomaly_first + k));
    a = angle_turned(a, shift);
    out.perigee = perigee - shift;
    vec factor =
        1 - load(m->c1 + k) * t - (load(m->d2 + k) * t2 + load(m->d3 + k) * t3 + load(m->d4 + k) * t4);
    vec drag = load(m->t2 + k) * t2 + (load(m->t3 + k) * t3 + t4 * (load(m->t4 + k) + t * load(m->t5 + k)));
    out.axis = load(m->axis + k) * factor * factor;
    out.e =
        load(m->e + k) - (load(m->e_time + k) * t + load(m->e_sine + k) * (a.sin - load(m->sin_anomaly + k)));
    out.longitude = less_turns(anomaly + shift + load(m->motion + k) * drag + out.perigee + out.node);
    return out;
}

/* Newton's steps as sgp4.c has them, up to the same step in every lane: a lane that has arrived stays. */
INLINE struct angle kepler(mask live, vec u, vec ax, vec ay)
{
    vec e = u;
    struct angle a = angle_of(e);
    for (unsigned steps = 1;; steps++) {
        vec step = (u - ay * a.cos + ax * a.sin - e) / (1 - a.cos * ax - a.sin * ay);
        step = pick(step > 0.95, all(0.95), pick(step < -0.95, all(-0.95), step));
        live &= absolute(step) >= 1.0e-12;
        if (steps == KEPLER_STEPS || !any(live))
            return a;
        step = pick(live, step, all(0));
        e += step;
        a = angle_turned(a, step);
    }
}

struct place {
    vec radius, speed, across; /* Earth radii, and by ke */
    struct angle u, node, i;
};

INLINE void store(const struct place *p, mask given, struct sgp4_batch_states *out, unsigned lane)
{
    const double km_s = earth_km * ke / 60;
    vec mx = -p->node.sin * p->i.cos, my = p->node.cos * p->i.cos;
    vec to[3] = {mx * p->u.sin + p->node.cos * p->u.cos, my * p->u.sin + p->node.sin * p->u.cos,
                 p->i.sin * p->u.sin};
    vec along[3] = {mx * p->u.cos - p->node.cos * p->u.sin, my * p->u.cos - p->node.sin * p->u.sin,
                    p->i.sin * p->u.cos};
    for (unsigned k = 0; k < 3; k++) {
        vec r = (vec)(given & (mask)(p->radius * to[k] * earth_km));
        vec v = (vec)(given & (mask)((p->speed * to[k] + p->across * along[k]) * km_s));
        memcpy(out->r[k] + lane, &r, sizeof r);
        memcpy(out->v[k] + lane, &v, sizeof v);
    }
}

/* Ends in the order in which sgp4.c meets them: the first one stays. */
INLINE void end_with(mask *ends, mask which, int64_t end)
{
    *ends |= (*ends == 0) & which & end;
}

INLINE void osculate(const struct sgp4_batch_models *m, unsigned k, const struct mean *mean, mask ends,
                     struct sgp4_batch_states *out)
{
    const double over_ke = 1 / ke;
    vec a = mean->axis, root_a = root(a), n = ke / (a * root_a), e = mean->e;
    vec part = 1 / (a * (1 - e * e));
    struct angle w = angle_of(mean->perigee);
    vec ax = e * w.cos, ay = e * w.sin - part * load(m->long_y + k);
    vec u0 = mean->longitude - mean->node - part * load(m->long_l + k) * ax;
    struct angle ea = kepler(ends == 0, u0, ax, ay);
    vec e_cos = ax * ea.cos + ay * ea.sin, e_sin = ax * ea.sin - ay * ea.cos;
    vec e2 = ax * ax + ay * ay, p = a * (1 - e2);
    end_with(&ends, p < 0, SGP4_LATUS);
    vec r = a * (1 - e_cos), over_r = 1 / r, beta = root(1 - e2), turn = e_sin / (1 + beta);
    vec sin_u = a * over_r * (ea.sin - ay - ax * turn), cos_u = a * over_r * (ea.cos - ax + ay * turn);
    vec sin_2u = 2 * cos_u * sin_u, cos_2u = 1 - 2 * sin_u * sin_u;
    vec over_p = 1 / p, one = 0.5 * j2 * over_p, two = one * over_p;
    vec ci = load(m->cos_i + k), si = load(m->sin_i + k);
    vec c2 = ci * ci, con41 = 3 * c2 - 1, lean = 1 - c2, seven = 7 * c2 - 1;
    struct place place = {
        .radius = r * (1 - 1.5 * two * beta * con41) + 0.5 * one * lean * cos_2u,
        .speed = root_a * e_sin * over_r - n * one * lean * sin_2u * over_ke,
        .across = root_a * beta * over_r + n * one * (lean * cos_2u + 1.5 * con41) * over_ke,
        .u = angle_turned((struct angle) {sin_u, cos_u}, -0.25 * two * seven * sin_2u),
        .node = angle_of(mean->node + 1.5 * two * ci * sin_2u),
        .i = angle_turned((struct angle) {si, ci}, 1.5 * two * ci * si * cos_2u),
    };
    end_with(&ends, place.radius < 1, SGP4_DECAYED);
    store(&place, (ends == SGP4_OK) | (ends == SGP4_DECAYED), out, k);
    memcpy(out->end + k, &ends, sizeof ends);
}

void SGP4_LANES_FN(const struct sgp4_batch_models *blocks, size_t count, double at_us,
                   struct sgp4_batch_states *out)
{
    static const double minute_us = 60e6;
    for (size_t i = 0; i < count; i++)
        for (unsigned k = 0; k < SGP4_BATCH_LANES; k += LANES) {
            const struct sgp4_batch_models *m = &blocks[i];
            struct mean mean = mean_at(m, k, (at_us - load(m->epoch_us + k)) / minute_us);
            mask ends = {0};
            end_with(&ends, load(m->motion + k) <= 0, SGP4_MOTION);
            end_with(&ends, (mean.e >= 1) | (mean.e < -0.001), SGP4_ECCENTRICITY);
            mean.e = pick(mean.e < 1.0e-6, all(1.0e-6), mean.e);
            osculate(m, k, &mean, ends, &out[i]);
        }
}
