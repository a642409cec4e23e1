/* A link that stands still: a partner's ledger contradicts what the partner signed before (another history,
 * fewer leaves, another epoch). What it showed and what is held of it stay in the log as evidence, through
 * restarts, until an operator lets the link go on and says why (`bongsu peer resume`).
 *
 * Only following stops: what this node releases is not the partner's to stop.
 *
 * Must never: be forgotten by a restart, a new card or a pause; go on without a person's word. The gate's
 * thread. */
#pragma once

#include "gate/gate.h"

struct gate_halt {
    struct str what; /* in a line */
    struct str held; /* the checkpoint that this node follows; empty: none yet */
    struct str
        shown; /* the signed checkpoint that contradicts it; empty: the partner signed nothing that does */
    int64_t at_us;
};

/* Appends to the open group: durable with the next gate_commit. A link that stands still already keeps its
 * first evidence. Texts of at most GATE_HALT_NOTE_MAX each. */
NODISCARD err_t gate_halt(struct gate *gate, unsigned partner, const struct gate_halt *halt);
/* Texts in the arena. ERR_NOTFOUND: the link is free. */
NODISCARD err_t gate_halted(struct gate *gate, unsigned partner, struct arena *arena, struct gate_halt *out);
bool gate_is_halted(const struct gate *gate, unsigned partner);
/* ERR_NOTFOUND: it does not stand still; ERR_USAGE without `because`. */
NODISCARD err_t gate_resume(struct gate *gate, unsigned partner, const struct gate_by *by, int64_t now_us);
/* ...and from now on another epoch of the partner's ledger is followed, from its beginning: what he sent
 * under the one before stays. ERR_EXISTS: that epoch is not above the one that is followed; ERR_LIMIT: above
 * LIMIT_EPOCH. */
NODISCARD err_t gate_follow_epoch(struct gate *gate, unsigned partner, uint32_t epoch,
                                  const struct gate_by *by, int64_t now_us);
/* The epoch of the partner's ledger that this node follows; 0 before anything came. */
uint32_t gate_following(const struct gate *gate, unsigned partner);

enum { GATE_HALT_NOTE_MAX = 8 << 10 };
