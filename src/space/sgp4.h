/* SGP4 and SDP4: where an object is, by its mean elements.
 *
 * The theory is that of Hoots and Roehrich, "Models for Propagation of NORAD Element Sets" (Spacetrack Report
 * 3, 1980), with the corrections of Vallado, Crawford, Hujsak and Kelso, "Revisiting Spacetrack Report #3"
 * (AIAA 2006-6753): WGS-72, improved mode. Elements are fitted to it and to nothing better; what it gives is
 * good to about a kilometre at its epoch and loses one to three a day.
 *
 * A model is made once and never changes: the same time gives the same state, whatever was asked before. No
 * memory is taken. Any thread. */
#pragma once

#include <stdbool.h>

#include "space/elements.h"

/* Why there is no state. The numbers are those that others use. */
enum sgp4_end {
    SGP4_OK = 0,
    SGP4_ECCENTRICITY = 1, /* mean eccentricity not in [-0.001, 1) */
    SGP4_MOTION = 2,       /* mean motion not above zero */
    SGP4_PERTURBED = 3,    /* eccentricity with the Moon's and the Sun's periods not in [0, 1] */
    SGP4_LATUS = 4,        /* semi-latus rectum below zero */
    SGP4_DECAYED = 6,      /* below the Earth's surface: a state is given all the same */
};
const char *sgp4_end_text(enum sgp4_end end);

/* In TEME: true equator, mean equinox of the time (AIAA 2006-6753 appendix C). */
struct sgp4_state {
    double r[3]; /* km */
    double v[3]; /* km/s */
};

/* What one body, the Moon or the Sun, does with each element over one of its periods: as sine squared and as
 * double sine of where it stands, and in the last places as sine. */
struct sgp4_body {
    double e[2], i[2], l[3], g[3], h[2];
    double phase;                                  /* mean anomaly at the epoch, radians */
    double e_rate, i_rate, l_rate, g_rate, h_rate; /* without end, radians a minute */
};

enum { SGP4_TERMS = 10 }; /* of the resonance of half a day */
enum sgp4_resonance { SGP4_NO_RESONANCE, SGP4_DAY, SGP4_HALF_DAY };

/* Of objects that take 225 minutes and longer. */
struct sgp4_deep {
    struct sgp4_body sun, moon;
    double e_rate, i_rate, node_rate, perigee_rate, anomaly_rate;
    enum sgp4_resonance resonance;
    double terms[SGP4_TERMS];
    double longitude, longitude_rate; /* of the resonance at the epoch; beside the mean motion */
    double sidereal;                  /* Greenwich's at the epoch, radians */
};

struct sgp4 {
    int64_t epoch_us;
    double e, i, node, perigee, anomaly, motion; /* radians; radians a minute, as Brouwer means it */
    double bstar;
    double cos_i, sin_i;
    double anomaly_rate, perigee_rate, node_rate;  /* secular, by J2 and J4 */
    double c1, c4, c5, d2, d3, d4, t2, t3, t4, t5; /* of drag */
    double node_drag, perigee_drag, anomaly_drag, eta, anomaly_first, sin_anomaly;
    bool simple; /* perigee below 220 km, or deep: drag to the first orders alone */
    bool deep;
    struct sgp4_deep far;
};

/* ERR_UNSUPPORTED: elements of another theory (type 4, SGP4-XP); ERR_INVALID: of no orbit. */
NODISCARD err_t sgp4_init(const struct space_elements *elements, struct sgp4 *out, struct fault *fault);
/* `minutes` since the epoch, also before it. Written with SGP4_OK and SGP4_DECAYED alone. */
enum sgp4_end sgp4_at(const struct sgp4 *model, double minutes, struct sgp4_state *out);
