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
    uint64_t number;   /* by which status and confirm know this recall; 0: nothing was done */
    size_t objects;    /* identifiers, and what was refused and has none */
    size_t versions;   /* of these, variants and copies: suspended by this word now */
    uint64_t partners; /* that ever had one of them */
    uint64_t leaves;   /* of their ledgers that gave it, as it came or minted */
    bool waits;        /* for two officers */
};

/* Positions of objects, or of entries of the quarantine, that are held, each once; those that are called back
 * already are passed over. Durable when it returns; an error may leave some of them suspended, and saying it
 * again does the rest. ERR_NOTFOUND: none of them is held, or all are called back; ERR_FULL. `officer`: he
 * counts as the first of two, where two are wanted. */
NODISCARD err_t gate_recall(struct gate *gate, const uint64_t *lsns, size_t count, int64_t deadline_us,
                            const struct gate_by *by, bool officer, int64_t now_us,
                            struct gate_recalled *out);
/* What that would be; changes nothing. */
NODISCARD err_t gate_recall_reach(struct gate *gate, const uint64_t *lsns, size_t count, int64_t now_us,
                                  struct gate_recalled *out);

/* How many objects the word of one destroys in a day, LIMIT_RECALL_DAY unless it is set; 0: every recall
 * wants two officers. Not logged: whoever looks after the node sets it when it opens. */
void gate_recall_budget(struct gate *gate, size_t objects);

/* Which of what is called back: one recall, or one position, by its number; or all of an identifier. */
struct gate_recall_which {
    uint64_t number;            /* 0: */
    const struct stix_key *key; /* ...by this */
};
bool gate_recall_is(const struct gate_recall_which *which, const struct gate_spill *spill);

/* One of two officers agrees to destroying what waits of it. The one who called it back here is the first.
 * *out_agreed: what both agree to now; *out_first: to what he is the first: both also of what was done before
 * an error. ERR_NOTFOUND: nothing waits; ERR_DENIED: he was the first. */
NODISCARD err_t gate_recall_confirm(struct gate *gate, const struct gate_recall_which *which,
                                    const struct gate_by *by, int64_t now_us, size_t *out_agreed,
                                    size_t *out_first);

/* --- choosing what: each position may come more than once, and may be called back already --- */

/* What was released, by what the decision says that let it go. All that is given must hold. */
struct gate_released {
    struct str rule;            /* its name; empty: any */
    struct hash policy;         /* in force then, by its digest */
    size_t policy_bytes;        /* ...of which so many were given; 0: any */
    int64_t since_us, until_us; /* date of the leaf, in [since, until) */
    uint64_t partners;          /* to one of these */
};
/* Reads the decisions of the whole log. What was minted counts as what it was made from. */
NODISCARD err_t gate_recall_released(struct gate *gate, const struct gate_released *wanted,
                                     void (*each)(void *ctx, uint64_t lsn), void *ctx);
/* An object and what it holds or names: the members of a report or grouping, what an incident refers to, what
 * a relationship ties to it, and these relationships. Of these what is at home where the object itself is:
 * who else's knowledge it names (a technique, a marking, a creator) stays, and is counted. ERR_NOTFOUND: it
 * is not held. */
NODISCARD err_t gate_recall_around(struct gate *gate, const struct stix_key *object,
                                   void (*each)(void *ctx, uint64_t lsn), void *ctx, size_t *out_stays);

/* Destroys what is called back and told to everybody, a bounded amount a call; gate_purge carries it out.
 * *out_did: something went. */
NODISCARD err_t gate_recall_step(struct gate *gate, int64_t now_us, bool *out_did);
/* May there be something to destroy? */
bool gate_recall_due(const struct gate *gate);

/* --- who has it --- */

struct gate_recall_holder {
    uint64_t lsn;             /* of the object */
    unsigned partner, ledger; /* which of his ledgers */
    uint64_t first, seq;      /* of the leaf that told him; of several, the first and the last */
    bool before;              /* that leaf is of an earlier epoch: he cannot answer for it any more */
    bool fetched;             /* he holds that leaf: his receipt says so */
    int64_t answered_us;      /* when he answered; 0: not yet */
    bool held;                /* ...that an order there keeps it, sealed; else that it is gone */
};
/* Everybody who was told of it; `lsn` 0: of everything. Leaves for one object that stand together in his
 * ledger are one holder, who has answered when he answered each. */
NODISCARD err_t gate_recall_holders(struct gate *gate, uint64_t lsn,
                                    void (*each)(void *ctx, const struct gate_recall_holder *holder),
                                    void *ctx);

/* How they stand: each holder of each object counts once. */
struct gate_recall_counts {
    size_t done, pending, held, cannot, overdue;
    int64_t next_us;    /* the next deadline of somebody who is asked; INT64_MAX: none */
    int64_t overdue_us; /* the last deadline that somebody let pass; 0: nobody did */
};
/* Has any of it changed since this was asked last? */
bool gate_recall_moved(struct gate *gate);
NODISCARD err_t gate_recall_count(struct gate *gate, int64_t now_us, struct gate_recall_counts *out);

/* --- answers --- */

/* An answer that this node owes for a partner's recall leaf: what the leaf called back is gone from here, or
 * an order keeps it (legal.h); then, when that was lifted, that it is gone. */
struct gate_recall_owed {
    uint64_t seq; /* of the recall in the partner's ledger */
    int64_t done_us;
    bool held;
};
/* The first one to `partner`, for leaf `from` or a later one, that he has not got. ERR_NOTFOUND: none. */
NODISCARD err_t gate_recall_owed(struct gate *gate, unsigned ledger, uint64_t from,
                                 struct gate_recall_owed *out);
/* He has it. Logged; a crash that loses it makes it be sent again. */
NODISCARD err_t gate_recall_acknowledged(struct gate *gate, unsigned ledger, uint64_t seq, bool held,
                                         int64_t now_us);
/* A holder's verified note: he destroyed what leaf `seq` of his ledger called back, or an order has him keep
 * it. Logged with the note, durable after gate_commit. ERR_NOTFOUND: that leaf is no recall; ERR_EXISTS: he
 * has said so before, or that it is gone. */
NODISCARD err_t gate_recall_answered(struct gate *gate, unsigned ledger, uint64_t seq, bool held,
                                     struct bytes note, int64_t now_us);
