/* What the guard asks for (docs/decisions/0110-guard.md): the leaves that a partner has of an identifier,
 * with what opens them. Tells of this partner's visible leaves alone, and, where there is none, whether
 * anything is held; that word is for the guard and goes no further. */
#pragma once

#include "gate/gate.h"

enum sync_held {
    SYNC_HELD_NOTHING,  /* nothing is held under that identifier */
    SYNC_HELD_WITHHELD, /* something is, and this partner has no leaf of it */
    SYNC_HELD_RELEASED, /* leaves were written */
    SYNC_HELD_GIVEN,    /* it has no leaf of it, and gave it to us itself; or what it had was destroyed */
    SYNC_HELD_OVER,     /* leaves were written; what they brought was taken back since, all of it */
    SYNC_HELD_SOON,     /* it has a leaf that no checkpoint covers yet */
};

/* Appends leaves as { 88 bytes leaf, 72 bytes opening, u32 length and that many bytes }: those of `id`, the
 * first with its object, which shows that it is of `id`, and without one up to `run` that follow the oldest
 * of them. */
NODISCARD err_t sync_evidence(struct gate *gate, unsigned partner, struct str id, unsigned run,
                              enum sync_held *out_held, struct buf *out);
