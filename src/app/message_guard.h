/* What guard and core say to each other. Encoders and strict decoders; integers are big-endian. Decoding
 * borrows. */
#pragma once

#include "core/buf.h"
#include "core/rd.h"
#include "guard/guard.h"

/* MESSAGE_GUARD_ASK: u64 id of the answer that waits, then questions. */
struct message_ask {
    uint8_t partner;
    uint16_t run;
    struct str id;
};
void message_ask_write(struct buf *out, const struct message_ask *ask);
struct message_ask message_ask_next(struct rd *rd); /* look at rd->err */

/* MESSAGE_GUARD_EVIDENCE: u64 id, then as many replies as there were questions. */
enum { MESSAGE_HELD_SOON = GUARD_OVER + 1 }; /* released, and not signed yet: ask again */
struct message_evidence {
    uint8_t partner;
    struct str id;
    uint8_t held; /* enum guard_held, or MESSAGE_HELD_SOON */
    struct bytes leaves;
};
void message_evidence_write(struct buf *out, const struct message_evidence *evidence);
struct message_evidence message_evidence_next(struct rd *rd);

/* MESSAGE_GUARD_HELD */
void message_held_write(struct buf *out, const struct guard_finding *finding);
NODISCARD err_t message_held_read(struct bytes wire, struct guard_finding *out);

/* MESSAGE_GUARD_COUNT */
void message_guarded_write(struct buf *out, const struct guard_counts *counts);
NODISCARD err_t message_guarded_read(struct bytes wire, struct guard_counts *out);
