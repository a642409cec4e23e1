/* How probable a collision is: the two-dimensional method of Foster and Estes, "A Parametric Analysis of
 * Orbital Debris Collision Probability and Maneuver Rate for Space Vehicles" (NASA JSC-25898, 1992),
 * integrated in Elrod's form: chords of the disk by the error function, and over them Gauss and Chebyshev's
 * quadrature. Eigenvalues are clipped as Hall, Hejduk and Johnson do, "Remediating Non-Positive Definite
 * State Covariances for Collision Probability Estimation" (AAS 17-567).
 *
 * It takes both paths as straight lines, the velocities as known, and the positions' errors as normal and
 * independent. For slow encounters and for orbits that bend within their errors that is not so, and nothing
 * here says it: the method's limits are written in docs/decisions/0171-collision-probability.md.
 *
 * No memory is taken, and the same bits go in and come out. Any thread. */
#pragma once

#include "core/err.h"

/* At the time of closest approach that a message gives, both objects in one frame that does not turn. */
struct pc_object {
    double r[3]; /* km */
    double v[3]; /* km/s */
    /* Of the position, m^2, along the radius, the track and the normal of its own orbit. A lower triangle in
     * the order of a CDM: RR, TR, TT, NR, NT, NN. */
    double covariance[6];
};

enum pc_method { PC_FOSTER_2D };
/* As COLLISION_PROBABILITY_METHOD of a CDM names it. */
const char *pc_method_name(enum pc_method method);

/* What was not as the method wants it; a probability is given all the same. */
enum pc_violation {
    PC_FIRST_NOT_POSITIVE = 1,  /* the first object's covariance is not positive definite */
    PC_SECOND_NOT_POSITIVE = 2, /* the second's */
    PC_NOT_POSITIVE = 4,        /* both together, in the conjunction plane, are not */
    PC_CLIPPED = 8, /* a variance in that plane was below (radius / 10,000)^2 and was taken as that */
};

struct pc_answer {
    double probability;
    enum pc_method method;
    unsigned violations; /* of enum pc_violation */
    double miss_m;       /* where the lines are closest */
    double speed_ms;     /* relative */
    double later_s;      /* closest so long after the message's time, which is rounded */
};

/* `radius_m` is that of both bodies together. ERR_INVALID: a number that is not finite, a radius that is not
 * above zero, an object without an orbital plane, or two that do not move against each other. */
NODISCARD err_t pc_foster(const struct pc_object *first, const struct pc_object *second, double radius_m,
                          struct pc_answer *out, struct fault *fault);
