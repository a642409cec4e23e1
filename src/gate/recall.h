/* Recall: what was given out is called back (DESIGN 6; docs/protocol/RECALL.md). An operator's word suspends
 * the object here at once and tells everybody who ever had it, by a leaf of his ledger, to destroy it; when
 * all are told it is destroyed here too (destroy.h). A partner's recall of what he sent does the same here,
 * and so travels on by this node's own ledgers. Suspending is spill.h's: so are the keyed tombstone and the
 * block of the same content from the same source.
 *
 * Whose word counts: the issuer of a ledger calls back what its own leaves brought. What is at home with him
 * goes whole. Of what is at home elsewhere his delivery alone is undone: content that another brought as well
 * stays, and he is answered all the same, so that he learns of nobody else.
 *
 * Budget: the word of one (of all operators here; of one partner) destroys LIMIT_RECALL_DAY objects a day.
 * What is more is suspended at once as well, and destroyed when two officers agree.
 *
 * Must never: destroy before everybody who has it is told; let a partner make this node lose what others
 * gave; forget a recall in a crash. The gate's thread. */
#pragma once

#include "gate/spill.h"

struct gate_recalled {
    size_t objects;    /* suspended by this word now */
    uint64_t partners; /* that ever had one of them */
    bool waits;        /* for two officers */
};

/* Positions of objects, or of conflicting copies, that are held; those that are called back already are
 * passed over. Durable when it returns. ERR_NOTFOUND: none of them is held, or all are called back;
 * ERR_FULL. `officer`: he counts as the first of two, where two are wanted. */
NODISCARD err_t gate_recall(struct gate *gate, const uint64_t *lsns, size_t count, int64_t deadline_us,
                            const struct gate_by *by, bool officer, int64_t now_us,
                            struct gate_recalled *out);
/* What that would be; changes nothing. */
NODISCARD err_t gate_recall_reach(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us,
                                  struct gate_recalled *out);

/* One of two officers agrees to destroying what waits at this position. The one who called it back here is
 * the first. *out_agreed: both have. ERR_NOTFOUND: nothing waits there; ERR_DENIED: he was the first. */
NODISCARD err_t gate_recall_confirm(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                                    bool *out_agreed);

/* Destroys what is called back and told to everybody, a bounded amount a call; gate_purge carries it out.
 * *out_did: something went. */
NODISCARD err_t gate_recall_step(struct gate *gate, int64_t now_us, bool *out_did);
/* May there be something to destroy? */
bool gate_recall_due(const struct gate *gate);

/* --- who has it --- */

struct gate_recall_holder {
    uint64_t lsn; /* of the object */
    unsigned partner;
    uint64_t seq;        /* of the leaf that told him */
    bool fetched;        /* he holds that leaf: his receipt says so */
    int64_t answered_us; /* he answered that it is gone; 0: not yet */
};
/* Everybody who was told of it; `lsn` 0: of everything. */
NODISCARD err_t gate_recall_holders(struct gate *gate, uint64_t lsn,
                                    void (*each)(void *ctx, const struct gate_recall_holder *holder),
                                    void *ctx);

/* --- answers --- */

/* An answer that this node owes for a partner's recall leaf: what the leaf called back is gone from here. */
struct gate_recall_owed {
    uint64_t seq; /* of the recall in the partner's ledger */
    int64_t done_us;
};
/* The first one to `partner` that he has not got. ERR_NOTFOUND: none. */
NODISCARD err_t gate_recall_owed(struct gate *gate, unsigned partner, struct gate_recall_owed *out);
/* He has it. Logged; a crash that loses it makes it be sent again. */
NODISCARD err_t gate_recall_acknowledged(struct gate *gate, unsigned partner, uint64_t seq, int64_t now_us);
/* A holder's verified note: he destroyed what leaf `seq` of his ledger called back. Logged with the note,
 * durable after gate_commit. ERR_NOTFOUND: that leaf is no recall; ERR_EXISTS: he has said so before. */
NODISCARD err_t gate_recall_answered(struct gate *gate, unsigned partner, uint64_t seq, struct bytes note,
                                     int64_t now_us);
