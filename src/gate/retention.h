/* Retention: what is kept for people to look at is kept for a time, and then destroyed
 * (docs/guide/retention.md). Here: refused input in the quarantine. What somebody closed (dropped, or taken
 * in after all) goes with the next run, what waits goes when it has waited so long. Not forgotten by time:
 * conflicting copies, whose marking binds as long as the object is held; what an object was mended from; what
 * is suspended, which a second operator destroys; and the evidence that proofs rest on. What people wrote
 * beside that evidence goes by words.h, under the same clock.
 *
 * Nothing is destroyed by a wrong clock (DESIGN 5). The time of the last run stands in the log; when our
 * clock differs from it by more than a day, forwards (it jumped, or the node was off) or backwards, nothing
 * goes until an operator confirms the time.
 *
 * Nor does a clock that stands ahead let anything go: embargoes, delays and deadlines that end in a release
 * wait at the last run and a day, while what time takes away (the duty `expire`, agreements, markings that
 * end) goes by the clock. When it is confirmed, or set right, all is decided again. */
#pragma once

#include "gate/destroy.h"

enum gate_clock {
    GATE_CLOCK_GOOD,
    GATE_CLOCK_NEW, /* no run yet: the first one takes note of the time, and destroys nothing */
    GATE_CLOCK_AHEAD,
    GATE_CLOCK_BEHIND,
};

/* As it stands in the log; all zero before the first run. What cannot be read is no first run: a clock would
 * be believed by it. */
struct gate_kept {
    int64_t run_us;                            /* last run, or last confirmation, by our clock */
    int64_t forgot_us;                         /* last time that anything was destroyed; 0: never */
    uint64_t quarantined, access_files, words; /* destroyed in all; days of words */
};
NODISCARD err_t gate_kept_get(const struct gate *gate, struct gate_kept *out);
enum gate_clock gate_clock(const struct gate_kept *kept, int64_t now_us);
/* Does what time lets go wait for a confirmation, as of the last step? */
bool gate_clock_holds(const struct gate *gate);
/* An operator says that `now_us` is the time. */
NODISCARD err_t gate_clock_confirm(struct gate *gate, const struct gate_by *by, int64_t now_us);

/* One page of a run: destroys at most a few hundred entries (logged; gate_purge carries it out) and moves
 * *cursor, 0 at first; UINT64_MAX: that was all. ERR_DENIED: the clock is not to be believed. A run that was
 * cut begins anew: what is gone is gone. */
NODISCARD err_t gate_retain(struct gate *gate, unsigned days, int64_t now_us, uint64_t *cursor,
                            size_t *out_gone);
/* The end of a run, which forgot so much. */
struct gate_forgotten {
    uint64_t quarantined, access_files, words; /* entries, files, days of words */
};
NODISCARD err_t gate_retained(struct gate *gate, const struct gate_forgotten *forgot, int64_t now_us);

/* What there is now. Reads every open entry. */
struct gate_keeping {
    uint64_t waiting, due, closed, conflicts;
    int64_t oldest_us; /* of what waits; 0: nothing does */
};
NODISCARD err_t gate_keeping(struct gate *gate, unsigned days, int64_t now_us, struct gate_keeping *out);
