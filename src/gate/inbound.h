/* What is taken in from one source, a partner's among them (docs/protocol/INTAKE.md, "Inbound policy"):
 * types, creators, a TLP ceiling, a volume. What is outside goes to quarantine with its bytes and a reason
 * that names nothing but what an operator stated about this source: who sends learns his own limits, never
 * what this node holds.
 *
 * Stated by operators as facts in the log. What was taken in before stays; replay never judges again. */
#pragma once

#include "gate/gate.h"

/* At most so many objects of a type from each creator in one window; those that name no creator count as one
 * creator's. What beyond LIMIT_QUOTA_CREATORS is new counts together. */
struct gate_quota {
    struct str type;
    uint64_t objects;  /* 1 to LIMIT_QUOTA_OBJECTS */
    int64_t window_us; /* windows begin at multiples of it since 1970; counted since the program started */
};

/* Zero: everything is taken in. */
struct gate_inbound {
    const struct str *types; /* of STIX; count 0: any */
    size_t type_count;
    const struct stix_key *creators; /* identities that `created_by_ref` may name; count 0: any. What names
                                        nobody passes */
    size_t creator_count;
    enum stix_tlp tlp_max; /* by what its markings come down to as this source said them, or what is assumed
                              of unmarked ones; NONE: any */
    int64_t window_us;     /* 0: any volume. Windows begin at multiples of it since 1970 */
    uint64_t objects;      /* new to this source, in one window; 0: any number */
    uint64_t bytes;        /* likewise */
    const struct gate_quota *quotas; /* a type once */
    size_t quota_count;
};

struct gate_inbound_used {
    uint64_t objects, bytes; /* in the window of `now_us` */
    size_t creators_over;    /* at the end of a quota now */
};

/* Takes the place of what was stated before; all zero: nothing is stated any more. ERR_NOTFOUND,
 * ERR_INVALID (a type or identity that is none, objects or bytes without a window, a
 * type with two quotas), ERR_LIMIT. */
NODISCARD err_t gate_inbound_put(struct gate *gate, uint32_t source, const struct gate_inbound *inbound,
                                 const struct gate_by *by, int64_t now_us);
/* NULL: nothing is stated. Good until the next fact. `used` may be NULL. */
const struct gate_inbound *gate_inbound_get(const struct gate *gate, uint32_t source, int64_t now_us,
                                            struct gate_inbound_used *used);
