#include "space/sgp4.h"

#include <math.h>

#include "space/sgp4_deep.h"
#include "space/wgs72.h"

static const double pi = 3.14159265358979323846;
static const double two_pi = 2 * 3.14159265358979323846;
static const double drag_top_km = 120, drag_base_km = 78;

enum { KEPLER_STEPS = 10 };

const char *sgp4_end_text(enum sgp4_end end)
{
    switch (end) {
    case SGP4_OK:
        return "propagated";
    case SGP4_ECCENTRICITY:
        return "the mean eccentricity has left 0 to 1: the elements do not reach so far";
    case SGP4_MOTION:
        return "the mean motion is not above zero: the elements do not reach so far";
    case SGP4_PERTURBED:
        return "the eccentricity with the periods of Moon and Sun has left 0 to 1";
    case SGP4_LATUS:
        return "the semi-latus rectum is below zero: the elements do not reach so far";
    case SGP4_DECAYED:
        return "below the surface: it has decayed";
    }
    return "unknown";
}

static double cubed(double x)
{
    return x * x * x;
}

static double power4(double x)
{
    return x * x * x * x;
}

/* --- making a model --- */

/* What is used while it is made. */
struct making {
    double a, beta2, beta; /* semi-major axis; 1 - e^2 and its root */
    double p, p2;          /* semi-latus rectum, and its square's inverse */
    double cos2, con41;    /* cos^2 i; 3 cos^2 i - 1 */
    double s, q4;          /* of the density's fit */
    double xi, coef, coef1, eta2, e_eta;
    double node_first; /* node's rate by J2 alone */
};

/* The mean motion that catalogues give is Kozai's; the theory is Brouwer's. */
static void unkozai(struct sgp4 *m, struct making *w)
{
    double kozai = m->motion;
    double a1 = pow(ke / kozai, 2.0 / 3);
    double d1 = 0.75 * j2 * (3 * w->cos2 - 1) / (w->beta * w->beta2);
    double d = d1 / (a1 * a1);
    double a0 = a1 * (1 - d * d - d * (1.0 / 3 + 134 * d * d / 81));
    m->motion = kozai / (1 + d1 / (a0 * a0));
    w->a = pow(ke / m->motion, 2.0 / 3);
}

/* The atmosphere's fit, for a low perigee another. */
static void fit_density(struct making *w, double e)
{
    double perigee_km = (w->a * (1 - e) - 1) * earth_km;
    double base_km = perigee_km >= 156 ? drag_base_km : perigee_km < 98 ? 20 : perigee_km - drag_base_km;
    w->s = base_km / earth_km + 1;
    w->q4 = power4((drag_top_km - base_km) / earth_km);
}

static void secular_rates(struct sgp4 *m, struct making *w)
{
    double c2 = w->cos2, c4 = c2 * c2, n = m->motion;
    double one = 1.5 * j2 * w->p2 * n, two = 0.5 * one * j2 * w->p2;
    double four = -0.46875 * j4 * w->p2 * w->p2 * n;
    m->anomaly_rate = n + 0.5 * one * w->beta * w->con41 + 0.0625 * two * w->beta * (13 - 78 * c2 + 137 * c4);
    m->perigee_rate =
        -0.5 * one * (1 - 5 * c2) + 0.0625 * two * (7 - 114 * c2 + 395 * c4) + four * (3 - 36 * c2 + 49 * c4);
    w->node_first = -one * m->cos_i;
    m->node_rate = w->node_first + (0.5 * two * (4 - 19 * c2) + 2 * four * (3 - 7 * c2)) * m->cos_i;
}

static void drag_first(struct sgp4 *m, struct making *w)
{
    double e = m->e, n = m->motion;
    w->xi = 1 / (w->a - w->s);
    m->eta = w->a * e * w->xi;
    w->eta2 = m->eta * m->eta;
    w->e_eta = e * m->eta;
    double psi2 = fabs(1 - w->eta2);
    w->coef = w->q4 * power4(w->xi);
    w->coef1 = w->coef / pow(psi2, 3.5);
    double c2 = w->coef1 * n *
                (w->a * (1 + 1.5 * w->eta2 + w->e_eta * (4 + w->eta2)) +
                 0.375 * j2 * w->xi / psi2 * w->con41 * (8 + 3 * w->eta2 * (8 + w->eta2)));
    double lean = 1 - w->cos2;
    m->c1 = m->bstar * c2;
    m->c4 = 2 * n * w->coef1 * w->a * w->beta2 *
            (m->eta * (2 + 0.5 * w->eta2) + e * (0.5 + 2 * w->eta2) -
             j2 * w->xi / (w->a * psi2) *
                 (-3 * w->con41 * (1 - 2 * w->e_eta + w->eta2 * (1.5 - 0.5 * w->e_eta)) +
                  0.75 * lean * (2 * w->eta2 - w->e_eta * (1 + w->eta2)) * cos(2 * m->perigee)));
    m->c5 = 2 * w->coef1 * w->a * w->beta2 * (1 + 2.75 * (w->eta2 + w->e_eta) + w->e_eta * w->eta2);
    m->t2 = 1.5 * m->c1;
    m->node_drag = 3.5 * w->beta2 * w->node_first * m->c1;
    bool round = e <= 1.0e-4;
    double c3 = round ? 0 : -2 * w->coef * w->xi * (j3 / j2) * n * m->sin_i / e;
    m->perigee_drag = m->bstar * c3 * cos(m->perigee);
    m->anomaly_drag = round ? 0 : -2.0 / 3 * w->coef * m->bstar / w->e_eta;
    m->anomaly_first = cubed(1 + m->eta * cos(m->anomaly));
    m->sin_anomaly = sin(m->anomaly);
}

static void drag_higher(struct sgp4 *m, const struct making *w)
{
    double c1 = m->c1, c12 = c1 * c1, a = w->a;
    m->d2 = 4 * a * w->xi * c12;
    double part = m->d2 * w->xi * c1 / 3;
    m->d3 = (17 * a + w->s) * part;
    m->d4 = 0.5 * part * a * w->xi * (221 * a + 31 * w->s) * c1;
    m->t3 = m->d2 + 2 * c12;
    m->t4 = 0.25 * (3 * m->d3 + c1 * (12 * m->d2 + 10 * c12));
    m->t5 = 0.2 * (3 * m->d4 + 12 * c1 * m->d3 + 6 * m->d2 * m->d2 + 15 * c12 * (2 * m->d2 + c12));
}

/* From 1950 January 0.0, as the theory counts, and to the last bit of a Julian date, 40 microseconds, as
 * others do who fit elements: the Moon's phase at the epoch is multiplied by what it does, and a bit is
 * millimetres for an object beyond it. */
static double days_of(int64_t epoch_us)
{
    static const int64_t to_1970 = 7306;
    static const double julian = 2433281.5;
    static const int64_t day_us = INT64_C(86400000000);
    double part = (double)(epoch_us % day_us) / (double)day_us;
    return julian + (double)(epoch_us / day_us + to_1970) + part - julian;
}

err_t sgp4_init(const struct space_elements *elements, struct sgp4 *out, struct fault *fault)
{
    static const double minutes = 1440;
    struct making w;
    const double degree = pi / 180;
    if (elements->type == 4)
        return fault_set(fault, ERR_UNSUPPORTED, 0,
                         "object %u: elements of SGP4-XP (type 4), whose theory is not published",
                         elements->number);
    if (!(elements->eccentricity >= 0 && elements->eccentricity < 1) || !(elements->motion > 0) ||
        !isfinite(elements->motion) || !isfinite(elements->bstar) || !isfinite(elements->inclination) ||
        !isfinite(elements->node) || !isfinite(elements->perigee) || !isfinite(elements->anomaly))
        return fault_set(fault, ERR_INVALID, 0, "object %u: elements of no orbit", elements->number);
    *out =
        (struct sgp4) {.epoch_us = elements->epoch_us, .e = elements->eccentricity, .bstar = elements->bstar};
    out->motion = elements->motion * two_pi / minutes;
    out->i = elements->inclination * degree;
    out->node = elements->node * degree;
    out->perigee = elements->perigee * degree;
    out->anomaly = elements->anomaly * degree;
    out->cos_i = cos(out->i);
    out->sin_i = sin(out->i);
    w.cos2 = out->cos_i * out->cos_i;
    w.con41 = 3 * w.cos2 - 1;
    w.beta2 = 1 - out->e * out->e;
    w.beta = sqrt(w.beta2);
    unkozai(out, &w);
    w.p = w.a * w.beta2;
    w.p2 = 1 / (w.p * w.p);
    fit_density(&w, out->e);
    secular_rates(out, &w);
    drag_first(out, &w);
    out->deep = two_pi / out->motion >= 225;
    out->simple = out->deep || w.a * (1 - out->e) < 220 / earth_km + 1;
    if (out->deep)
        sgp4_deep_init(out, days_of(elements->epoch_us));
    if (!out->simple)
        drag_higher(out, &w);
    return ERR_OK;
}

/* --- a state --- */

/* What drag takes from the axis (as a factor of its root), the eccentricity, and adds to the longitude. */
struct drag {
    double axis, e, longitude;
};

static struct drag drag_at(const struct sgp4 *m, double t, struct sgp4_mean *mean)
{
    double t2 = t * t;
    struct drag drag = {1 - m->c1 * t, m->bstar * m->c4 * t, m->t2 * t2};
    if (m->simple)
        return drag;
    double t3 = t2 * t, t4 = t3 * t;
    double shift =
        m->perigee_drag * t + m->anomaly_drag * (cubed(1 + m->eta * cos(mean->anomaly)) - m->anomaly_first);
    mean->anomaly += shift;
    mean->perigee -= shift;
    drag.axis -= m->d2 * t2 + m->d3 * t3 + m->d4 * t4;
    drag.e += m->bstar * m->c5 * (sin(mean->anomaly) - m->sin_anomaly);
    drag.longitude += m->t3 * t3 + t4 * (m->t4 + t * m->t5);
    return drag;
}

/* Eccentric longitude measured from the node. `axn`, `ayn`: the eccentricity's two halves. */
static void kepler(double u, double axn, double ayn, double *out_sin, double *out_cos)
{
    double e = u, step;
    unsigned steps = 0;
    do {
        *out_sin = sin(e);
        *out_cos = cos(e);
        step = (u - ayn * *out_cos + axn * *out_sin - e) / (1 - *out_cos * axn - *out_sin * ayn);
        step = step > 0.95 ? 0.95 : step < -0.95 ? -0.95 : step;
        e += step;
    } while (fabs(step) >= 1.0e-12 && ++steps < KEPLER_STEPS);
}

/* What J2 does within a revolution, and from there to a place and its velocity. */
struct plane {
    double cos_i, con41, lean, seven; /* 3c^2-1, 1-c^2, 7c^2-1 */
    double sin_i;
};

static struct plane plane_of(double cos_i, double sin_i)
{
    double c2 = cos_i * cos_i;
    return (struct plane) {cos_i, 3 * c2 - 1, 1 - c2, 7 * c2 - 1, sin_i};
}

static void orient(double radius, double speed, double across, double u, double node, double i,
                   struct sgp4_state *out)
{
    const double km_s = earth_km * ke / 60;
    double su = sin(u), cu = cos(u), sn = sin(node), cn = cos(node), si = sin(i), ci = cos(i);
    double mx = -sn * ci, my = cn * ci;
    double to[3] = {mx * su + cn * cu, my * su + sn * cu, si * su};
    double along[3] = {mx * cu - cn * su, my * cu - sn * su, si * cu};
    for (unsigned k = 0; k < 3; k++) {
        out->r[k] = radius * to[k] * earth_km;
        out->v[k] = (speed * to[k] + across * along[k]) * km_s;
    }
}

static enum sgp4_end osculate(const struct sgp4_mean *mean, double a, const struct plane *plane,
                              struct sgp4_state *out)
{
    const double j3oj2 = j3 / j2;
    double sin_e, cos_e, n = mean->motion;
    double bottom = fabs(1 + plane->cos_i) > 1.5e-12 ? 1 + plane->cos_i : 1.5e-12;
    double axn = mean->e * cos(mean->perigee), part = 1 / (a * (1 - mean->e * mean->e));
    double ayn = mean->e * sin(mean->perigee) - part * 0.5 * j3oj2 * plane->sin_i;
    double l = mean->anomaly + mean->perigee + mean->node -
               part * 0.25 * j3oj2 * plane->sin_i * (3 + 5 * plane->cos_i) / bottom * axn;
    kepler(fmod(l - mean->node, two_pi), axn, ayn, &sin_e, &cos_e);
    double e_cos = axn * cos_e + ayn * sin_e, e_sin = axn * sin_e - ayn * cos_e;
    double e2 = axn * axn + ayn * ayn, p = a * (1 - e2);
    if (p < 0)
        return SGP4_LATUS;
    double r = a * (1 - e_cos), r_rate = sqrt(a) * e_sin / r, across = sqrt(p) / r;
    double beta = sqrt(1 - e2), turn = e_sin / (1 + beta);
    double sin_u = a / r * (sin_e - ayn - axn * turn), cos_u = a / r * (cos_e - axn + ayn * turn);
    double sin_2u = 2 * cos_u * sin_u, cos_2u = 1 - 2 * sin_u * sin_u;
    double one = 0.5 * j2 / p, two = one / p;
    double radius = r * (1 - 1.5 * two * beta * plane->con41) + 0.5 * one * plane->lean * cos_2u;
    double u = atan2(sin_u, cos_u) - 0.25 * two * plane->seven * sin_2u;
    double node = mean->node + 1.5 * two * plane->cos_i * sin_2u;
    double i = mean->i + 1.5 * two * plane->cos_i * plane->sin_i * cos_2u;
    orient(radius, r_rate - n * one * plane->lean * sin_2u / ke,
           across + n * one * (plane->lean * cos_2u + 1.5 * plane->con41) / ke, u, node, i, out);
    return radius < 1 ? SGP4_DECAYED : SGP4_OK;
}

/* With the periods of Moon and Sun an orbit may lean over the pole. */
static enum sgp4_end perturb(const struct sgp4 *m, double minutes, struct sgp4_mean *mean,
                             struct plane *plane)
{
    sgp4_deep_periods(&m->far, minutes, mean);
    if (mean->i < 0) {
        mean->i = -mean->i;
        mean->node += pi;
        mean->perigee -= pi;
    }
    if (mean->e < 0 || mean->e > 1)
        return SGP4_PERTURBED;
    *plane = plane_of(cos(mean->i), sin(mean->i));
    return SGP4_OK;
}

enum sgp4_end sgp4_at(const struct sgp4 *m, double minutes, struct sgp4_state *out)
{
    struct sgp4_mean mean = {.e = m->e,
                             .i = m->i,
                             .node = m->node + m->node_rate * minutes + m->node_drag * minutes * minutes,
                             .perigee = m->perigee + m->perigee_rate * minutes,
                             .anomaly = m->anomaly + m->anomaly_rate * minutes,
                             .motion = m->motion};
    struct plane plane = plane_of(m->cos_i, m->sin_i);
    struct drag drag = drag_at(m, minutes, &mean);
    enum sgp4_end end = SGP4_OK;
    if (m->deep)
        sgp4_deep_secular(m, minutes, &mean);
    if (mean.motion <= 0)
        return SGP4_MOTION;
    double a = pow(ke / mean.motion, 2.0 / 3) * drag.axis * drag.axis;
    mean.motion = ke / pow(a, 1.5);
    mean.e -= drag.e;
    if (mean.e >= 1 || mean.e < -0.001)
        return SGP4_ECCENTRICITY;
    mean.e = mean.e < 1.0e-6 ? 1.0e-6 : mean.e;
    mean.anomaly += m->motion * drag.longitude;
    double l = fmod(mean.anomaly + mean.perigee + mean.node, two_pi);
    mean.node = fmod(mean.node, two_pi);
    mean.perigee = fmod(mean.perigee, two_pi);
    mean.anomaly = fmod(l - mean.perigee - mean.node, two_pi);
    if (m->deep)
        end = perturb(m, minutes, &mean, &plane);
    return end != SGP4_OK ? end : osculate(&mean, a, &plane, out);
}
