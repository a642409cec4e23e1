#include "space/sgp4_deep.h"

#include <math.h>

static const double pi = 3.14159265358979323846;
static const double two_pi = 2 * 3.14159265358979323846;
static const double ke = 0.07436691613317342; /* sgp4.c */

/* Rates of the Sun and the Moon, radians a minute, and their eccentricities. */
static const double sun_rate = 1.19459e-5, sun_e = 0.01675;
static const double moon_rate = 1.5835218e-4, moon_e = 0.05490;
/* The Earth's turn, radians a minute, against the stars. */
static const double earth_rate = 4.37526908801129966e-3;

/* --- Moon and Sun --- */

/* Where a body's orbit lies against the equator, and how strong it pulls. */
struct pull {
    double cos_g, sin_g; /* argument of perigee */
    double cos_i, sin_i;
    double cos_h, sin_h; /* node, from the object's node */
    double strength, e, rate;
};

/* An object's orbit, as the pulls see it. */
struct seen {
    double e, e2, beta2, beta; /* 1 - e^2 and its root */
    double cos_i, sin_i, cos_w, sin_w, cos_node, sin_node;
    double motion, i;
};

/* The sums of section 10 of Spacetrack Report 3 (X1 to X8, Z1 to Z33), and what they are multiplied by. */
struct sums {
    double s1, s2, s3, s4, s5, s6, s7;
    double z1, z2, z3, z11, z12, z13, z21, z22, z23, z31, z32, z33;
};

static struct sums sums_of(const struct pull *b, const struct seen *o)
{
    double a1 = b->cos_g * b->cos_h + b->sin_g * b->cos_i * b->sin_h;
    double a3 = -b->sin_g * b->cos_h + b->cos_g * b->cos_i * b->sin_h;
    double a7 = -b->cos_g * b->sin_h + b->sin_g * b->cos_i * b->cos_h;
    double a8 = b->sin_g * b->sin_i;
    double a9 = b->sin_g * b->sin_h + b->cos_g * b->cos_i * b->cos_h;
    double a10 = b->cos_g * b->sin_i;
    double a2 = o->cos_i * a7 + o->sin_i * a8, a4 = o->cos_i * a9 + o->sin_i * a10;
    double a5 = -o->sin_i * a7 + o->cos_i * a8, a6 = -o->sin_i * a9 + o->cos_i * a10;
    double x1 = a1 * o->cos_w + a2 * o->sin_w, x2 = a3 * o->cos_w + a4 * o->sin_w;
    double x3 = -a1 * o->sin_w + a2 * o->cos_w, x4 = -a3 * o->sin_w + a4 * o->cos_w;
    double x5 = a5 * o->sin_w, x6 = a6 * o->sin_w, x7 = a5 * o->cos_w, x8 = a6 * o->cos_w;
    double e2 = o->e2;
    struct sums s;
    s.z31 = 12 * x1 * x1 - 3 * x3 * x3;
    s.z32 = 24 * x1 * x2 - 6 * x3 * x4;
    s.z33 = 12 * x2 * x2 - 3 * x4 * x4;
    s.z11 = -6 * a1 * a5 + e2 * (-24 * x1 * x7 - 6 * x3 * x5);
    s.z12 = -6 * (a1 * a6 + a3 * a5) + e2 * (-24 * (x2 * x7 + x1 * x8) - 6 * (x3 * x6 + x4 * x5));
    s.z13 = -6 * a3 * a6 + e2 * (-24 * x2 * x8 - 6 * x4 * x6);
    s.z21 = 6 * a2 * a5 + e2 * (24 * x1 * x5 - 6 * x3 * x7);
    s.z22 = 6 * (a4 * a5 + a2 * a6) + e2 * (24 * (x2 * x5 + x1 * x6) - 6 * (x4 * x7 + x3 * x8));
    s.z23 = 6 * a4 * a6 + e2 * (24 * x2 * x6 - 6 * x4 * x8);
    s.z1 = 2 * (3 * (a1 * a1 + a2 * a2) + s.z31 * e2) + o->beta2 * s.z31;
    s.z2 = 2 * (6 * (a1 * a3 + a2 * a4) + s.z32 * e2) + o->beta2 * s.z32;
    s.z3 = 2 * (3 * (a3 * a3 + a4 * a4) + s.z33 * e2) + o->beta2 * s.z33;
    s.s3 = b->strength / o->motion;
    s.s2 = -0.5 * s.s3 / o->beta;
    s.s4 = s.s3 * o->beta;
    s.s1 = -15 * o->e * s.s4;
    s.s5 = x1 * x3 + x2 * x4;
    s.s6 = x2 * x3 + x1 * x4;
    s.s7 = x2 * x4 - x1 * x3;
    return s;
}

/* Near the equator the node is nowhere: no rate of it. */
static bool is_flat(double i)
{
    return i < 5.2359877e-2 || i > pi - 5.2359877e-2;
}

static void body_of(const struct pull *b, const struct seen *o, struct sgp4_body *out)
{
    struct sums s = sums_of(b, o);
    out->e[0] = 2 * s.s1 * s.s6;
    out->e[1] = 2 * s.s1 * s.s7;
    out->i[0] = 2 * s.s2 * s.z12;
    out->i[1] = 2 * s.s2 * (s.z13 - s.z11);
    out->l[0] = -2 * s.s3 * s.z2;
    out->l[1] = -2 * s.s3 * (s.z3 - s.z1);
    out->l[2] = -2 * s.s3 * (-21 - 9 * o->e2) * b->e;
    out->g[0] = 2 * s.s4 * s.z32;
    out->g[1] = 2 * s.s4 * (s.z33 - s.z31);
    out->g[2] = -18 * s.s4 * b->e;
    out->h[0] = -2 * s.s2 * s.z22;
    out->h[1] = -2 * s.s2 * (s.z23 - s.z21);
    out->e_rate = s.s1 * b->rate * s.s5;
    out->i_rate = s.s2 * b->rate * (s.z11 + s.z13);
    out->l_rate = -b->rate * s.s3 * (s.z1 + s.z3 - 14 - 6 * o->e2);
    out->g_rate = s.s4 * b->rate * (s.z31 + s.z33 - 6);
    out->h_rate = is_flat(o->i) ? 0 : -b->rate * s.s2 * (s.z21 + s.z23);
}

/* The Sun's orbit does not move; the Moon's turns about the pole of the ecliptic in 18.6 years. */
static void pulls_of(const struct seen *o, double day, struct pull *sun, struct pull *moon,
                     double *out_moon_turn)
{
    static const double ecliptic_sin = 0.39785416, ecliptic_cos = 0.91744867;
    double node = fmod(4.5236020 - 9.2422029e-4 * day, two_pi), sin_node = sin(node), cos_node = cos(node);
    *sun = (struct pull) {0.1945905,   -0.98088458,  ecliptic_cos, ecliptic_sin, o->cos_node,
                          o->sin_node, 2.9864797e-6, sun_e,        sun_rate};
    double cos_i = 0.91375164 - 0.03568096 * cos_node, sin_i = sqrt(1 - cos_i * cos_i);
    double sin_h = 0.089683511 * sin_node / sin_i, cos_h = sqrt(1 - sin_h * sin_h);
    double turn = 5.8351514 + 0.0019443680 * day;
    double y = ecliptic_sin * sin_node / sin_i, x = cos_h * cos_node + ecliptic_cos * sin_h * sin_node;
    double g = turn + atan2(y, x) - node;
    *moon = (struct pull) {cos(g),
                           sin(g),
                           cos_i,
                           sin_i,
                           cos_h * o->cos_node + sin_h * o->sin_node,
                           o->sin_node * cos_h - o->cos_node * sin_h,
                           4.7968065e-7,
                           moon_e,
                           moon_rate};
    *out_moon_turn = turn;
}

/* --- resonances --- */

struct powers {
    double e, e2, e3;
};

static double poly(const double k[4], struct powers p)
{
    return k[0] + k[1] * p.e + k[2] * p.e2 + k[3] * p.e3;
}

/* Of eccentricities up to 0.65, and above; Spacetrack Report 3 section 10. */
static const double g211[2][4] = {{3.616, -13.2470, 16.2900, 0}, {-72.099, 331.819, -508.738, 266.724}};
static const double g310[2][4] = {{-19.302, 117.3900, -228.4190, 156.5910},
                                  {-346.844, 1582.851, -2415.925, 1246.113}};
static const double g322[2][4] = {{-18.9068, 109.7927, -214.6334, 146.5816},
                                  {-342.585, 1554.908, -2366.899, 1215.972}};
static const double g410[2][4] = {{-41.122, 242.6940, -471.0940, 313.9530},
                                  {-1052.797, 4758.686, -7193.992, 3651.957}};
static const double g422[2][4] = {{-146.407, 841.8800, -1629.014, 1083.4350},
                                  {-3581.690, 16178.110, -24462.770, 12422.520}};
/* The second from 0.65 to 0.715, the third above. */
static const double g520[3][4] = {{-532.114, 3017.977, -5740.032, 3708.2760},
                                  {1464.74, -4664.75, 3763.64, 0},
                                  {-5149.66, 29936.92, -54087.36, 31324.56}};
/* Up to 0.7, and above. */
static const double g533[2][4] = {{-919.22770, 4988.6100, -9064.7700, 5542.21},
                                  {-37995.780, 161616.52, -229838.20, 109377.94}};
static const double g521[2][4] = {{-822.71072, 4568.6173, -8491.4146, 5337.524},
                                  {-51752.104, 218913.95, -309468.16, 146349.42}};
static const double g532[2][4] = {{-853.66600, 4690.2500, -8624.7700, 5341.4},
                                  {-40023.880, 170470.89, -242699.48, 115605.82}};

/* The terms, in this order everywhere: 2201 2211 3210 3222 4410 4422 5220 5232 5421 5433. */
static void half_day_terms(const struct seen *o, double terms[SGP4_TERMS])
{
    double e = o->e, c = o->cos_i, c2 = c * c, s = o->sin_i, s2 = s * s;
    struct powers p = {e, o->e2, e * o->e2};
    unsigned high = e > 0.65, higher = e >= 0.7, third = e <= 0.65 ? 0 : e > 0.715 ? 2 : 1;
    double f220 = 0.75 * (1 + 2 * c + c2);
    double f[SGP4_TERMS] = {
        f220,
        1.5 * s2,
        1.875 * s * (1 - 2 * c - 3 * c2),
        -1.875 * s * (1 + 2 * c - 3 * c2),
        35 * s2 * f220,
        39.3750 * s2 * s2,
        9.84375 * s * (s2 * (1 - 2 * c - 5 * c2) + 0.33333333 * (-2 + 4 * c + 6 * c2)),
        s * (4.92187512 * s2 * (-2 - 4 * c + 10 * c2) + 6.56250012 * (1 + 2 * c - 3 * c2)),
        29.53125 * s * (2 - 8 * c + c2 * (-12 + 8 * c + 10 * c2)),
        29.53125 * s * (-2 - 8 * c + c2 * (12 + 8 * c - 10 * c2)),
    };
    double g[SGP4_TERMS] = {
        -0.306 - (e - 0.64) * 0.440, poly(g211[high], p),   poly(g310[high], p),  poly(g322[high], p),
        poly(g410[high], p),         poly(g422[high], p),   poly(g520[third], p), poly(g532[higher], p),
        poly(g521[higher], p),       poly(g533[higher], p),
    };
    static const double root[SGP4_TERMS] = {1.7891679e-6,     1.7891679e-6,     3.7393792e-7, 3.7393792e-7,
                                            2 * 7.3636953e-9, 2 * 7.3636953e-9, 1.1428639e-7, 1.1428639e-7,
                                            2 * 2.1765803e-9, 2 * 2.1765803e-9};
    static const unsigned order[SGP4_TERMS] = {2, 2, 3, 3, 4, 4, 5, 5, 5, 5};
    double inverse = pow(o->motion / ke, 2.0 / 3), base = 3 * o->motion * o->motion;
    for (unsigned k = 0; k < SGP4_TERMS; k++)
        terms[k] = base * pow(inverse, order[k]) * root[k] * f[k] * g[k];
}

static void day_terms(const struct seen *o, double terms[SGP4_TERMS])
{
    double c = o->cos_i, s = o->sin_i, inverse = pow(o->motion / ke, 2.0 / 3), up = 1 + c;
    double g200 = 1 + o->e2 * (-2.5 + 0.8125 * o->e2), g310_of = 1 + 2 * o->e2;
    double g300 = 1 + o->e2 * (-6 + 6.60937 * o->e2);
    double base = 3 * o->motion * o->motion * inverse * inverse;
    terms[0] = base * (0.9375 * s * s * (1 + 3 * c) - 0.75 * up) * g310_of * 2.1460748e-6 * inverse;
    terms[1] = 2 * base * 0.75 * up * up * g200 * 1.7891679e-6;
    terms[2] = 3 * base * 1.875 * up * up * up * g300 * 2.2123015e-7 * inverse;
}

static void resonate(struct sgp4 *m, const struct seen *o)
{
    struct sgp4_deep *far = &m->far;
    double theta = fmod(far->sidereal, two_pi), n = m->motion;
    if (n > 0.0034906585 && n < 0.0052359877) {
        far->resonance = SGP4_DAY;
        day_terms(o, far->terms);
        far->longitude = fmod(m->anomaly + m->node + m->perigee - theta, two_pi);
        far->longitude_rate = m->anomaly_rate + m->perigee_rate + m->node_rate - earth_rate +
                              far->anomaly_rate + far->perigee_rate + far->node_rate - n;
    } else if (n >= 8.26e-3 && n <= 9.24e-3 && m->e >= 0.5) {
        far->resonance = SGP4_HALF_DAY;
        half_day_terms(o, far->terms);
        far->longitude = fmod(m->anomaly + m->node + m->node - theta - theta, two_pi);
        far->longitude_rate =
            m->anomaly_rate + far->anomaly_rate + 2 * (m->node_rate + far->node_rate - earth_rate) - n;
    }
}

/* --- making --- */

/* Greenwich mean sidereal time (IAU 1982); `days` from 1950 January 0.0, of UT1, for which UTC is taken. */
static double sidereal_of(double days)
{
    double t = (days + 2433281.5 - 2451545.0) / 36525;
    double seconds =
        -6.2e-6 * t * t * t + 0.093104 * t * t + (876600.0 * 3600 + 8640184.812866) * t + 67310.54841;
    double angle = fmod(seconds * (pi / 180) / 240, two_pi);
    return angle < 0 ? angle + two_pi : angle;
}

static void secular_of(struct sgp4_deep *far, const struct seen *o)
{
    const struct sgp4_body *sun = &far->sun, *moon = &far->moon;
    double sun_h = o->sin_i != 0 ? sun->h_rate / o->sin_i : sun->h_rate;
    far->e_rate = sun->e_rate + moon->e_rate;
    far->i_rate = sun->i_rate + moon->i_rate;
    far->anomaly_rate = sun->l_rate + moon->l_rate;
    far->perigee_rate = sun->g_rate - o->cos_i * sun_h + moon->g_rate;
    far->node_rate = sun_h;
    if (o->sin_i != 0) {
        far->perigee_rate -= o->cos_i / o->sin_i * moon->h_rate;
        far->node_rate += moon->h_rate / o->sin_i;
    }
}

void sgp4_deep_init(struct sgp4 *m, double days)
{
    struct sgp4_deep *far = &m->far;
    double e2 = m->e * m->e, day = days + 18261.5, turn; /* from 1900 January 0.5 */
    struct seen o = {m->e,         e2,           1 - e2,          sqrt(1 - e2),
                     m->cos_i,     m->sin_i,     cos(m->perigee), sin(m->perigee),
                     cos(m->node), sin(m->node), m->motion,       m->i};
    struct pull sun, moon;
    pulls_of(&o, day, &sun, &moon, &turn);
    body_of(&sun, &o, &far->sun);
    body_of(&moon, &o, &far->moon);
    far->sun.phase = fmod(6.2565837 + 0.017201977 * day, two_pi);
    far->moon.phase = fmod(4.7199672 + 0.22997150 * day - turn, two_pi);
    secular_of(far, &o);
    far->sidereal = sidereal_of(days);
    resonate(m, &o);
}

/* --- at a time --- */

enum { STEP_MINUTES = 720 };

/* Where in a resonance: its longitude, the mean motion, and how they change. */
struct swing {
    double l, n;
    double n_rate, l_rate, n_rate2;
};

static void swing_day(const struct sgp4_deep *far, struct swing *w)
{
    static const double at[3] = {0.13130908, 2.8843198, 0.37448087};
    w->n_rate = w->n_rate2 = 0;
    for (unsigned k = 0; k < 3; k++) {
        double angle = (k + 1) * (w->l - at[k]);
        w->n_rate += far->terms[k] * sin(angle);
        w->n_rate2 += (k + 1) * far->terms[k] * cos(angle);
    }
}

static void swing_half_day(const struct sgp4 *m, double minutes, struct swing *w)
{
    /* How often the argument of perigee and the longitude stand in each term, and its phase. */
    static const struct {
        double perigee, longitude, phase;
    } in[SGP4_TERMS] = {
        {2, 1, 5.7686396}, {0, 1, 5.7686396}, {1, 1, 0.95240898}, {-1, 1, 0.95240898}, {2, 2, 1.8014998},
        {0, 2, 1.8014998}, {1, 1, 1.0508330}, {-1, 1, 1.0508330}, {1, 2, 4.4108898},   {-1, 2, 4.4108898},
    };
    double perigee = m->perigee + m->perigee_rate * minutes;
    w->n_rate = w->n_rate2 = 0;
    for (unsigned k = 0; k < SGP4_TERMS; k++) {
        double angle = in[k].perigee * perigee + in[k].longitude * w->l - in[k].phase;
        w->n_rate += m->far.terms[k] * sin(angle);
        w->n_rate2 += in[k].longitude * m->far.terms[k] * cos(angle);
    }
}

static void swing_at(const struct sgp4 *m, double minutes, struct swing *w)
{
    if (m->far.resonance == SGP4_DAY)
        swing_day(&m->far, w);
    else
        swing_half_day(m, minutes, w);
    w->l_rate = w->n + m->far.longitude_rate;
    w->n_rate2 *= w->l_rate;
}

/* Half-day steps from the epoch, each time anew: what was asked before changes nothing. */
static struct swing swing_to(const struct sgp4 *m, double minutes, double *out_left)
{
    struct swing w = {.l = m->far.longitude, .n = m->motion};
    double step = minutes < 0 ? -STEP_MINUTES : STEP_MINUTES, at = 0;
    swing_at(m, at, &w);
    while (fabs(minutes - at) >= STEP_MINUTES) {
        w.l += w.l_rate * step + w.n_rate * (step * step / 2);
        w.n += w.n_rate * step + w.n_rate2 * (step * step / 2);
        at += step;
        swing_at(m, at, &w);
    }
    *out_left = minutes - at;
    return w;
}

void sgp4_deep_secular(const struct sgp4 *m, double minutes, struct sgp4_mean *mean)
{
    const struct sgp4_deep *far = &m->far;
    mean->e += far->e_rate * minutes;
    mean->i += far->i_rate * minutes;
    mean->perigee += far->perigee_rate * minutes;
    mean->node += far->node_rate * minutes;
    mean->anomaly += far->anomaly_rate * minutes;
    if (far->resonance == SGP4_NO_RESONANCE)
        return;
    double left, theta = fmod(far->sidereal + minutes * earth_rate, two_pi);
    struct swing w = swing_to(m, minutes, &left);
    double l = w.l + w.l_rate * left + w.n_rate * left * left / 2;
    mean->motion = w.n + w.n_rate * left + w.n_rate2 * left * left / 2;
    mean->anomaly =
        far->resonance == SGP4_DAY ? l - mean->node - mean->perigee + theta : l - 2 * mean->node + 2 * theta;
}

struct shift {
    double e, i, l, g, h;
};

static void shift_by(const struct sgp4_body *body, double e, double rate, double minutes, struct shift *sum)
{
    double mean = body->phase + rate * minutes, f = mean + 2 * e * sin(mean), sine = sin(f);
    double two = 0.5 * sine * sine - 0.25, three = -0.5 * sine * cos(f);
    sum->e += body->e[0] * two + body->e[1] * three;
    sum->i += body->i[0] * two + body->i[1] * three;
    sum->l += body->l[0] * two + body->l[1] * three + body->l[2] * sine;
    sum->g += body->g[0] * two + body->g[1] * three + body->g[2] * sine;
    sum->h += body->h[0] * two + body->h[1] * three;
}

/* Lyddane's way for low inclinations, where node and perigee alone mean little. */
static void shift_flat(const struct shift *by, struct sgp4_mean *mean)
{
    double sin_i = sin(mean->i), cos_i = cos(mean->i), sin_h = sin(mean->node), cos_h = cos(mean->node);
    double alpha = sin_i * sin_h + by->h * cos_h + by->i * cos_i * sin_h;
    double beta = sin_i * cos_h - by->h * sin_h + by->i * cos_i * cos_h;
    double before = fmod(mean->node, two_pi);
    double l = mean->anomaly + mean->perigee + cos_i * before + by->l + by->g - by->i * before * sin_i;
    mean->node = atan2(alpha, beta);
    if (fabs(before - mean->node) > pi)
        mean->node += mean->node < before ? two_pi : -two_pi;
    mean->anomaly += by->l;
    mean->perigee = l - mean->anomaly - cos_i * mean->node;
}

void sgp4_deep_periods(const struct sgp4_deep *far, double minutes, struct sgp4_mean *mean)
{
    struct shift by = {0};
    shift_by(&far->sun, sun_e, sun_rate, minutes, &by);
    shift_by(&far->moon, moon_e, moon_rate, minutes, &by);
    mean->i += by.i;
    mean->e += by.e;
    if (mean->i < 0.2) {
        shift_flat(&by, mean);
        return;
    }
    double h = by.h / sin(mean->i);
    mean->perigee += by.g - cos(mean->i) * h;
    mean->node += h;
    mean->anomaly += by.l;
}
