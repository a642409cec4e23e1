#include "space/pc.h"

#include <math.h>
#include <stdbool.h>

static const double pi = 3.14159265358979323846;
static const double m_per_km = 1000;
static const double clip = 1e-4; /* of the radius: CARA's floor of a deviation */

enum { ORDER_MIN = 64, TRIANGLE = 6 };

/* The conjunction plane along the axes of the covariance: `x` the longer. Metres. */
struct plane {
    double x, y;             /* where the other object passes */
    double sigma_x, sigma_y; /* deviations */
};

const char *pc_method_name(enum pc_method method)
{
    switch (method) {
    case PC_FOSTER_2D:
        return "FOSTER-1992";
    }
    return "unknown";
}

/* --- vectors --- */

static double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static void cross(const double a[3], const double b[3], double out[3])
{
    out[0] = a[1] * b[2] - a[2] * b[1];
    out[1] = a[2] * b[0] - a[0] * b[2];
    out[2] = a[0] * b[1] - a[1] * b[0];
}

/* False for a vector without a direction. */
static bool unit(double a[3])
{
    double length = sqrt(dot(a, a));
    if (!(length > 0) || !isfinite(length))
        return false;
    for (unsigned k = 0; k < 3; k++)
        a[k] /= length;
    return true;
}

/* Two directions across `v`, starting from the axis that is least along it. */
static void across(const double v[3], double out[2][3])
{
    unsigned least = 0;
    for (unsigned k = 1; k < 3; k++)
        if (fabs(v[k]) < fabs(v[least]))
            least = k;
    double axis[3] = {0, 0, 0};
    axis[least] = 1;
    cross(v, axis, out[0]);
    (void)unit(out[0]);
    cross(v, out[0], out[1]);
    (void)unit(out[1]);
}

/* --- covariances --- */

/* By Cholesky's pivots. */
static bool positive_definite(const double c[TRIANGLE])
{
    if (!(c[0] > 0))
        return false;
    double tr = c[1] / c[0], nr = c[3] / c[0];
    double tt = c[2] - tr * c[1], nt = c[4] - tr * c[3], nn = c[5] - nr * c[3];
    return tt > 0 && nn - nt / tt * nt > 0;
}

/* Adds an object's covariance as the plane sees it: xx, xy, yy. False where its orbit has no plane. */
static bool add_projected(const struct pc_object *object, double plane[2][3], double sum[3])
{
    double rtn[3][3], seen[2][3];
    for (unsigned k = 0; k < 3; k++)
        rtn[0][k] = object->r[k];
    cross(object->r, object->v, rtn[2]);
    if (!unit(rtn[0]) || !unit(rtn[2]))
        return false;
    cross(rtn[2], rtn[0], rtn[1]);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 3; k++)
            seen[i][k] = dot(plane[i], rtn[k]);
    const double *c = object->covariance;
    const double full[3][3] = {{c[0], c[1], c[3]}, {c[1], c[2], c[4]}, {c[3], c[4], c[5]}};
    for (unsigned k = 0; k < 3; k++) {
        double along_x = dot(full[k], seen[0]), along_y = dot(full[k], seen[1]);
        sum[0] += seen[0][k] * along_x;
        sum[1] += seen[0][k] * along_y;
        sum[2] += seen[1][k] * along_y;
    }
    return true;
}

/* Turns the plane to the axes of the covariance `c` (xx, xy, yy), and clips what is too small. */
static struct plane turn(const double at[2], const double c[3], double radius, unsigned *violations)
{
    double mean = (c[0] + c[2]) / 2, half = hypot((c[0] - c[2]) / 2, c[1]);
    double large = mean + half;
    double small = mean > 0 ? (c[0] * c[2] - c[1] * c[1]) / large : mean - half;
    double angle = atan2(2 * c[1], c[0] - c[2]) / 2, floor = clip * radius * clip * radius;
    if (!(small > 0))
        *violations |= PC_NOT_POSITIVE;
    if (small < floor)
        *violations |= PC_CLIPPED;
    return (struct plane) {
        .x = fabs(cos(angle) * at[0] + sin(angle) * at[1]),
        .y = fabs(cos(angle) * at[1] - sin(angle) * at[0]),
        .sigma_x = sqrt(fmax(large, floor)),
        .sigma_y = sqrt(fmax(small, floor)),
    };
}

/* --- the integral --- */

/* erf(at + half) - erf(at - half), to its own digits also where both are near one, or near each other. */
static double erf_between(double at, double half)
{
    if (half * (1 + at) < 0.01) {
        double a2 = at * at, h2 = half * half;
        double bend = 1 + h2 * ((4 * a2 - 2) / 6 + h2 * (16 * a2 * a2 - 48 * a2 + 12) / 120);
        return 4 / sqrt(pi) * half * exp(-a2) * bend;
    }
    if (at > half)
        return erfc(at - half) - erfc(at + half);
    return erf(at + half) + erf(half - at);
}

/* With x = R cos t the integrand is analytic and periodic in t, so evenly spaced nodes are exact as soon as
 * they are closer than its narrowest feature: a deviation, or what is left of a far tail. */
static unsigned nodes(const struct plane *p, double radius)
{
    double x = radius / p->sigma_x, y = radius / p->sigma_y;
    double narrow = x * x + y * y + x * p->x / p->sigma_x + y * p->y / p->sigma_y;
    return ORDER_MIN + (unsigned)(9 * sqrt(narrow));
}

/* Nothing that a double holds reaches so far; it also bounds the nodes, by the floor of the deviations. */
static bool out_of_reach(const struct plane *p, double radius)
{
    return p->x - radius > 40 * p->sigma_x || p->y - radius > 40 * p->sigma_y;
}

/* Gauss and Chebyshev's quadrature of the second kind over the chords of the disk. */
static double integral(const struct plane *p, double radius)
{
    if (out_of_reach(p, radius))
        return 0;
    unsigned count = nodes(p, radius);
    double sum = 0, scale = sqrt(2) * p->sigma_y;
    for (unsigned k = 1; k <= count; k++) {
        double t = pi * k / (count + 1), away = (p->x - radius * cos(t)) / p->sigma_x;
        sum += sin(t) * exp(-away * away / 2) * erf_between(p->y / scale, radius * sin(t) / scale);
    }
    return fmin(1, sum * pi / (count + 1) * radius / (p->sigma_x * sqrt(8 * pi)));
}

/* --- two objects --- */

static bool finite_object(const struct pc_object *object)
{
    double sum = 0;
    for (unsigned k = 0; k < 3; k++)
        sum += 0 * object->r[k] + 0 * object->v[k];
    for (unsigned k = 0; k < TRIANGLE; k++)
        sum += 0 * object->covariance[k];
    return sum == 0;
}

err_t pc_foster(const struct pc_object *first, const struct pc_object *second, double radius_m,
                struct pc_answer *out, struct fault *fault)
{
    if (!finite_object(first) || !finite_object(second))
        return fault_set(fault, ERR_INVALID, 0, "states and covariances have finite numbers");
    if (!(radius_m > 0) || !isfinite(radius_m))
        return fault_set(fault, ERR_INVALID, 0, "a radius is above zero and finite, not %g m", radius_m);
    double r[3], v[3], plane[2][3], c[3] = {0, 0, 0};
    for (unsigned k = 0; k < 3; k++) {
        r[k] = (second->r[k] - first->r[k]) * m_per_km;
        v[k] = (second->v[k] - first->v[k]) * m_per_km;
    }
    double speed2 = dot(v, v);
    if (!(speed2 > 0) || !isfinite(speed2))
        return fault_set(fault, ERR_INVALID, 0,
                         "objects that do not move against each other meet in no plane");
    across(v, plane);
    if (!add_projected(first, plane, c) || !add_projected(second, plane, c))
        return fault_set(fault, ERR_INVALID, 0, "a position and a velocity span an orbit's plane");
    unsigned violations = (positive_definite(first->covariance) ? 0 : PC_FIRST_NOT_POSITIVE) |
                          (positive_definite(second->covariance) ? 0 : PC_SECOND_NOT_POSITIVE);
    /* Seen along the relative velocity, the objects stand at any time as they do when they are closest. */
    double at[2] = {dot(plane[0], r), dot(plane[1], r)};
    struct plane p = turn(at, c, radius_m, &violations);
    if (!isfinite(p.x + p.y + p.sigma_x + p.sigma_y) || !(p.sigma_y > 0))
        return fault_set(fault, ERR_INVALID, 0, "numbers too large or too small to reckon with");
    *out = (struct pc_answer) {
        .probability = integral(&p, radius_m),
        .method = PC_FOSTER_2D,
        .violations = violations,
        .miss_m = hypot(at[0], at[1]),
        .speed_ms = sqrt(speed2),
        .later_s = -dot(r, v) / speed2,
    };
    return ERR_OK;
}
