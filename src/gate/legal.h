/* Legal hold: an order (of a court, an inquiry) to keep an object as evidence. While it stands nothing
 * destroys what is held under that identifier: what calls it back, or a spill, suspends it as ever, so that
 * nobody finds it or gets it, and its bytes stay sealed under their own secret. A partner whose recall it
 * stops is answered `held under order` (docs/protocol/RECALL.md). Lifting it carries out what waited for
 * that.
 *
 * It binds objects, conflicting copies of them and all made of them; not refused input, which has no
 * identifier. It gives nobody anything: what is released goes on as before. The gate's thread. */
#pragma once

#include "gate/gate.h"

struct gate_legal {
    struct stix_key object;
    int64_t at_us;
    struct str by, because; /* borrowed for the call */
};

/* Sets it or lifts it. Durable after gate_commit. ERR_EXISTS: it stands already; ERR_NOTFOUND: none does. */
NODISCARD err_t gate_legal_put(struct gate *gate, const struct stix_key *object, bool hold,
                               const struct gate_by *by, int64_t now_us);
bool gate_legal_is(struct gate *gate, const struct stix_key *object);
/* All that stand, in no order. */
NODISCARD err_t gate_legal_each(struct gate *gate, void (*each)(void *ctx, const struct gate_legal *legal),
                                void *ctx);
