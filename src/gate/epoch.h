/* Epochs of a partner's ledger (docs/protocol/LEDGER.md section 1). After a backup came back nothing may be
 * signed over what was signed before (DESIGN 4 step 15): the partner gets another ledger, empty, under the
 * next number.
 *
 * What was decided before stays in the log and in the rows of the index. That it is in no ledger any more
 * follows from where the new epoch began, whenever a row is read: no walk over everything holds the node up.
 *
 * Must never: let a leaf of one epoch be taken for one of another; release again what was taken back, or
 * whose time was over. The gate's thread. Inside src/gate. */
#pragma once

#include "core/err.h"
#include "gate/gate.h"

/* A leaf among all leaves of all epochs: how rows and frames name it. Those of the first epoch have their
 * number alone. A tree stays far below 2^40 leaves, and epochs below 2^23; the bit that is left tells leaves
 * of an urgent ledger from those of the main one where nothing else does. */
enum { EPOCH_PLACE_BITS = 40 };
#define EPOCH_PLACE_URGENT (UINT64_C(1) << 63)

static inline uint64_t epoch_place(uint32_t epoch, uint64_t seq)
{
    return (uint64_t)epoch << EPOCH_PLACE_BITS | seq;
}

static inline uint64_t epoch_place_in(unsigned ledger, uint32_t epoch, uint64_t seq)
{
    return epoch_place(epoch, seq) | (gate_ledger_is_urgent(ledger) ? EPOCH_PLACE_URGENT : 0);
}

static inline bool epoch_place_is_urgent(uint64_t place)
{
    return (place & EPOCH_PLACE_URGENT) != 0;
}

static inline uint64_t epoch_place_seq(uint64_t place)
{
    return place & ((UINT64_C(1) << EPOCH_PLACE_BITS) - 1);
}

static inline uint32_t epoch_place_epoch(uint64_t place)
{
    return (uint32_t)((place & ~EPOCH_PLACE_URGENT) >> EPOCH_PLACE_BITS);
}

/* Partners whose present ledger began after this DECIDE. */
uint64_t epoch_before(const struct gate *gate, uint64_t decide_lsn);
/* A fact gave the partner at `partner` a new epoch: what it has of the one before is had no more. */
NODISCARD err_t epoch_begin(struct gate *gate, unsigned partner);
