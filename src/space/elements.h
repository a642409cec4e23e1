/* Mean elements of one object, as catalogues publish them (CCSDS 502.0-B-3 section 4, OMM; TLE and 3LE are
 * older spellings of the same). They mean something to SGP4 alone (space/sgp4.h): averages over perturbations
 * that its theory adds again.
 *
 * This room is orbits, messages about them, and what follows from both. It computes; it must never decide who
 * may know a result: that is the gate's, and everything here reaches a partner as an object through it.
 *
 * Elements are plain memory, no pointers. Any thread. */
#pragma once

#include <stdint.h>

#include "core/err.h"
#include "core/limit.h"
#include "core/str.h"

enum {
    SPACE_NAME_SIZE = 64,      /* a 3LE has 24 columns, catalogues in CSV have names of 32 bytes */
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

/* A catalogue as a table (RFC 4180) with an OMM's keywords as names of its columns, in any order; columns
 * that nobody knows are skipped. A record is one line: none of its values has a line break. The text is
 * borrowed. */
struct space_csv {
    struct str text;
    size_t at;         /* of the next line */
    size_t line;       /* read last, from 1 */
    const char *start; /* of that line */
    size_t count;
    uint8_t known[LIMIT_SPACE_COLUMNS]; /* what each column is */
};

/* Reads the names. Refusals, here and below, say line and column (from 1, in bytes) and the name;
 * `fault->offset` is of the text. ERR_SYNTAX: a name that is missing or there twice; ERR_LIMIT. */
NODISCARD err_t space_csv_open(struct space_csv *csv, struct str text, struct fault *fault);
/* ERR_NOTFOUND behind the last row. Else the reader stands behind the row, so that a bad one fails none of
 * its neighbours: ERR_SYNTAX; ERR_INVALID: elements that no orbit has; ERR_UNSUPPORTED: another centre, frame
 * or time than SGP4's; ERR_LIMIT: a long line or name. */
NODISCARD err_t space_csv_next(struct space_csv *csv, struct space_elements *out, struct fault *fault);
