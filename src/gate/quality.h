/* What each source was worth, week by week: volume, timeliness, repetition, conflicts, refusals, and what
 * others said about it. For the operator of this node alone, like gate/query.h.
 *
 * It is read from the log, frame by frame, in portions: nothing of it is kept elsewhere, so that it says the
 * same after a restart and after `bongsu reindex`. The exception is what leaves no frame because it changes
 * nothing (gate_repeats_keep). What belongs to whom is judged by what is held when the report is made. */
#pragma once

#include "gate/gate.h"

/* Weeks of ISO 8601 (they begin on Monday, UTC), counted from the one that holds 1970-01-01, which is 0. */
int32_t gate_week(int64_t time_us);
int64_t gate_week_start_us(int32_t week);
enum { GATE_WEEK_TEXT_SIZE = 12 };
void gate_week_text(int32_t week, char out[GATE_WEEK_TEXT_SIZE]); /* "2026-W47", NUL-terminated */

/* Times by count: eight steps for each doubling, so a quantile is right to 7 in 100. */
enum { GATE_SPREAD_STEPS = 8, GATE_SPREAD_BINS = GATE_SPREAD_STEPS * 40 };
struct gate_spread {
    uint64_t count;
    uint32_t bins[GATE_SPREAD_BINS]; /* milliseconds */
};
void gate_spread_put(struct gate_spread *spread, int64_t time_us); /* below 0 counts as 0 */
/* The smallest time that `permille` of them do not exceed, in milliseconds; 0 when there are none. */
uint64_t gate_spread_quantile(const struct gate_spread *spread, unsigned permille);

struct gate_reason {
    char word[48]; /* name of the error, and the section of STIX when there is one: "invalid 4.7" */
    uint64_t count;
};

/* One source in one week. Unless it says otherwise, the week is the one in which something arrived. */
struct gate_quality_row {
    uint32_t source;
    int32_t week;
    uint64_t objects;    /* identifiers that were not held */
    uint64_t versions;   /* and versions, or variants, of those that were */
    uint64_t assertions; /* "versions" of what another speaks for */
    uint64_t seen;       /* another source had brought the same */
    uint64_t repeated;   /* itself had brought the same */
    uint64_t echoes; /* what others had brought first came back by it, as it was (also seen, or repeated) or
                        rewritten */
    uint64_t conflicts, conflicts_again; /* other content under a version that is held; the same conflict */
    uint64_t refused, refused_again;     /* closed ones as well; the same bytes for the same reason */
    struct gate_reason reasons[LIMIT_QUALITY_REASONS]; /* of `refused` */
    size_t reason_count;
    uint64_t reasons_other;
    uint64_t mended;   /* kept as a minted object: its bytes broke a rule */
    uint64_t unmarked; /* of delivered: no marking of its own (marking definitions are none of them) */
    uint64_t indicators, expired; /* of delivered: indicators, and those whose valid_until was past */
    uint64_t safety; /* of delivered: on a list of what must not go out by mistake, as they are now */
    uint64_t opinions, sightings; /* new ones that it brought */
    /* New ones that another source brought about its objects, one for each object, in the week they came. */
    uint64_t opinions_about, disagreeing_about, sightings_about;
    uint64_t unreadable; /* their secrets were destroyed: counted nowhere else */
    /* Arrival less modified (or created, where there is no modified), of delivered. */
    struct gate_spread delay;
    struct gate_spread behind; /* of seen: how long after the first source */
    struct gate_spread ahead;  /* of objects and versions that others brought as well: how long before each */
};
/* objects, versions, assertions and seen: what it brought and this node took. */
uint64_t gate_quality_delivered(const struct gate_quality_row *row);
/* All echoes of a source since it is known (gate/echo.h). */
NODISCARD err_t gate_echoes(struct gate *gate, uint32_t source, uint64_t *out);

struct gate_quality;

struct gate_quality_ask {
    uint32_t source; /* GATE_SOURCE_NONE: all */
    int32_t from;    /* first week */
};

NODISCARD err_t gate_quality_open(struct gate *gate, const struct gate_quality_ask *ask,
                                  struct gate_quality **out);
void gate_quality_close(struct gate_quality *quality); /* accepts NULL */
/* Reads up to `frames` more of what was durable when it was opened. ERR_LIMIT: more than LIMIT_QUALITY_ROWS
 * sources and weeks. */
NODISCARD err_t gate_quality_step(struct gate_quality *quality, unsigned frames, bool *out_end);
/* After the end, in order of source and week; NULL behind the last. */
const struct gate_quality_row *gate_quality_row(const struct gate_quality *quality, size_t index);
