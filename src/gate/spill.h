/* Spillage: something arrived that must not be here. An operator's word suspends it at once: no question
 * finds it, nothing shows it, no partner gets it, who has it is told that it is over, and the same content
 * from the same source is not taken in again. What stays is the evidence: where in the log, from whom, when,
 * a keyed digest, who said so and why.
 *
 * Suspending destroys nothing, and can be an error. A second operator has it destroyed (destroy.h);
 * `docs/guide/spillage.md` says what that leaves to people. */
#pragma once

#include "gate/destroy.h"

/* Who wants it gone. */
enum gate_spill_why {
    GATE_SPILLED = 1, /* an operator: it must not be here */
    GATE_RECALLED,    /* an operator: it is called back from everybody (recall.h) */
    GATE_CALLED_BACK, /* the partner who sent it; `by` is his audience */
};

struct gate_spill {
    uint64_t lsn;
    uint32_t source;
    int64_t received_us, spilled_us;
    struct stix_key key;    /* zero: it could not be read as an object */
    struct hash digest;     /* keyed: tells the same content of the same source again, and nothing else */
    uint64_t released;      /* partners that had it then, as it came or minted from it */
    struct str by, because; /* of the log; good during the call */
    bool destroyed;         /* its content is gone, or goes in a moment */
    enum gate_spill_why why;
    int64_t deadline_us; /* of a recall: until then everybody who has it is to answer */
    bool waits;          /* of a recall: beyond the budget, two officers have to agree to destroying it */
    bool report;         /* somebody else's words, whose content stays or goes with the other's frame */
    struct str agreed;   /* of these two the first; empty: nobody yet */
    uint64_t recall;     /* number of the operator's recall that it is of; 0: of none */
    bool before;         /* of a recall: an operator had suspended it as spilled before */
};

/* Suspends what stands at this position: an object, or an entry of the quarantine, which is closed. Who else
 * reported the same content reported this: what he submitted is suspended with it. *out is
 * written also when it was suspended before (ERR_EXISTS). ERR_NOTFOUND: nothing of the kind stands there;
 * ERR_FULL. Commits what was open before. */
NODISCARD err_t gate_spill(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                           struct gate_spill *out);
/* Copies under the same identifier that are not suspended themselves, of whatever source and version, also
 * what comes later: they are held by built-in.safety until a person approves one for a partner, or gives the
 * tag GATE_SPILL_OK. */
#define GATE_SPILL_OK "spill:ok"

/* Positions of everything held under this id, suspended or not. At most `size`. */
NODISCARD err_t gate_spill_copies(struct gate *gate, const struct stix_key *object, uint64_t *out,
                                  size_t size, size_t *out_count);
/* Destroys what was suspended at these positions, by the word of another operator than who suspended it.
 * ERR_NOTFOUND: one of them is not suspended. ERR_DENIED: nobody destroys alone. ERR_WRONGSTATE: an order
 * keeps one of them (legal.h). Else as gate_destroy. */
NODISCARD err_t gate_spill_destroy(struct gate *gate, const uint64_t *lsns, size_t count,
                                   const struct gate_by *by, int64_t now_us, struct gate_destroyed *out);
/* What was suspended, destroyed or called back under this identifier, or left minted under it: the word said
 * last, its texts in the arena. *out_partners: who have it so; 0: it is its own. Identifiers stay as
 * evidence, and nobody's content is asked: an observable's that followed from what was left of its value is
 * not known. ERR_NOTFOUND: nothing, or what is beyond the first LIMIT_SPILL_NAMES names (of what, for whom).
 */
NODISCARD err_t gate_spill_known_as(struct gate *gate, struct str id, struct arena *texts,
                                    struct gate_spill *out, uint64_t *out_partners);
/* All of them, in no order. */
NODISCARD err_t gate_spills(struct gate *gate, void (*each)(void *ctx, const struct gate_spill *spill),
                            void *ctx);
