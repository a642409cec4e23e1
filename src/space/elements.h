/* Mean elements of one object, as catalogues publish them (CCSDS 502.0-B-3 section 4, OMM; TLE and 3LE are
 * older spellings of the same). They mean something to SGP4 alone (space/sgp4.h): averages over perturbations
 * that its theory adds again.
 *
 * This room is orbits, messages about them, and what follows from both. It computes; it must never decide who
 * may know a result: that is the gate's, and everything here reaches a partner as an object through it.
 *
 * Plain memory, no pointers. Any thread. */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "core/str.h"

enum {
    SPACE_NAME_SIZE = 26,      /* of a 3LE, 24, with its end and a mark of its own */
    SPACE_DESIGNATOR_SIZE = 13 /* "2024-001ABC" and an end */
};

struct space_elements {
    uint32_t number; /* in its catalogue; nine digits are live */
    char classification;
    char name[SPACE_NAME_SIZE];             /* "": none */
    char designator[SPACE_DESIGNATOR_SIZE]; /* COSPAR's, "1998-067A"; "": none */
    int64_t epoch_us;                       /* UTC, since 1970; a TLE's last digit is 864 us */
    double motion;                          /* revolutions a day, as Kozai means it */
    double eccentricity;
    double inclination, node, perigee, anomaly; /* degrees: TEME of the epoch */
    double bstar;                               /* per Earth radius */
    double motion_dot, motion_ddot; /* halves and sixths of derivatives, as published: rev/day^2, /day^3 */
    unsigned type;                  /* EPHEMERIS_TYPE: 0 is SGP4; 4, SGP4-XP, is not */
    uint32_t set, revolution;
};

/* Two lines of 69 columns as catalogues have them since 1980, trailing blanks and line ends allowed; numbers
 * to 339999 by Alpha-5 (letters without I and O for the first digit). Columns, digits and checksums are
 * strict: ERR_SYNTAX, with the column in `fault->offset` (from 0, of the line that `what` names);
 * ERR_INVALID: lines of two objects, or elements that no orbit has. The name stays empty. */
NODISCARD err_t space_tle_read(struct str first, struct str second, struct space_elements *out,
                               struct fault *fault);
