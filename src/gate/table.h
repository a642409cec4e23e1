/* The two tables that every file of the gate reads: the copies that are held of an identifier (ID), and what
 * was decided about each (STATE). Rows are derived from the log, and written by applying a frame alone.
 * Nobody outside src/gate includes this. */
#pragma once

#include "gate/gate.h"
#include "store/store.h"

/* --- entries of the ID table: one per copy of an id --- */

enum copy_flag {
    COPY_ASSERTION = 1,   /* not by the owner */
    COPY_QUARANTINED = 2, /* same key, other content; its marking binds all the same */
    COPY_REWRITE = 4,     /* replaced an earlier copy under the same version */
    COPY_SEEN = 8,        /* no bytes of its own: another source reported the same content */
    COPY_REVOKED = 16,
    COPY_SCO = 32, /* a variant: not versioned, one per source */
};

struct copy {
    struct stamp version;
    uint64_t lsn;
    uint8_t canon[16];   /* head of SHA-256 over the canonical text */
    uint8_t creator[16]; /* UUID of created_by_ref; zero when there is none */
    uint16_t source;
    uint16_t owner; /* source that speaks for the id */
    uint8_t flags;
};

struct copies {
    size_t count; /* in order of version, then lsn */
    struct copy at[LIMIT_COPIES];
};

struct gate;

/* All copies of one id, at most LIMIT_COPIES (the newest are kept when there are more). */
NODISCARD err_t copies_load(struct gate *gate, const struct stix_key *key, struct copies *out);
NODISCARD err_t copy_put(struct gate *gate, const struct stix_key *key, const struct copy *copy);
NODISCARD err_t copy_delete(struct gate *gate, const struct stix_key *key, struct stamp version,
                            uint64_t lsn);
/* Without those that an operator suspended: what arrives is taken as if they had never been there. */
void copies_unspilled(const struct gate *gate, struct copies *copies);
/* Has it a say at all? Not an assertion, not quarantined, not a mere SEEN mark. */
bool copy_speaks(const struct copy *copy);
/* The same version with the same canonical content. */
bool copy_says_same(const struct copy *a, const struct copy *b);
/* Is `copy` what its source now says? Versioned: the owner's newest version (the later of two rewrites); SCO:
 * the source's last variant. Assertions, quarantined copies and SEEN marks never are. */
bool copy_is_current(const struct copies *copies, const struct copy *copy);
/* The owner's newest copy, or the newest variant; NULL when there is none. */
const struct copy *copies_newest(const struct copies *copies);
/* Partners that hold some copy: it was released to them, or they are where it came from (`plain`), or they
 * have what was minted from one (`minted`). */
struct holders {
    uint64_t plain, minted;
};
NODISCARD err_t copies_held(struct gate *gate, const struct copies *copies, struct holders *out);

/* --- what was decided about one OBJ: the STATE table --- */

struct state_release {
    uint64_t decide; /* the DECIDE frame */
    uint32_t entry;  /* in it */
    uint64_t mask;
    uint64_t before; /* partners to whom an earlier epoch brought it: that ledger says nothing any more */
    uint64_t ended;  /* of these: the object's time in their view is over, and its bytes are given no more */
    int64_t expires_us; /* by a duty of the rule that let it go; INT64_MAX: never */
};

/* One each time that something goes to partners at once, at worst one a partner, and again when it was taken
 * back and comes again. Leaves are shown by them for good: when all are used it comes no more
 * (POLICY_RULE_REPEATS). */
enum { STATE_RELEASES_MAX = 2 * LIMIT_PARTNERS };
enum state_flag { STATE_OLD = 1, STATE_ENDS = 2, STATE_WAITS = 4, STATE_MINTED = 8 };

/* Since when a partner waits for people. One that is queued at most, and those whose deadline has passed. */
struct state_wait {
    int64_t since_us;
    uint16_t rule; /* gate.names */
    uint8_t partner;
    bool queued; /* it is held: a row of the queue says so. Else its deadline has passed */
};
enum { STATE_WAITS_MAX = 2 * LIMIT_PARTNERS }; /* beyond, a deadline that has passed begins anew */

struct state {
    uint64_t released;   /* partners that have a leaf with this content, and it did not end */
    uint64_t minted;     /* partners that have a leaf with what was minted from it for them */
    uint64_t blocked;    /* rules say release, closure says not yet */
    uint64_t superseded; /* partners that were told it is no longer current */
    int64_t change_us;   /* decide again then; INT64_MAX: never. A timer stands in the index */
    uint32_t outcome;    /* gate.outcomes: what the rules said, by partner */
    uint8_t flags;       /* STATE_OLD: a newer version was decided; no longer counted */
    uint8_t release_count;
    uint8_t wait_count;
    uint64_t budgeted; /* partners whose budget it waits for */
    struct state_release releases[STATE_RELEASES_MAX];
    struct state_wait waits[STATE_WAITS_MAX];
};

/* ERR_NOTFOUND: not decided. */
NODISCARD err_t state_load(struct gate *gate, uint64_t lsn, struct state *out);
NODISCARD err_t state_put(struct gate *gate, uint64_t lsn, const struct state *state);
/* Partners that had it under an earlier epoch of their ledger. */
uint64_t state_before(const struct state *state);
/* Partners for whom its time was over by `now_us`: it does not come back to them. */
uint64_t state_expired(const struct state *state, int64_t now_us);
/* Of `partners`, who have it not, and cannot be given it once more: what is kept of when it went has no room
 * for as many releases as that may take (one for each time of a duty, and each older version). */
uint64_t state_worn(const struct state *state, uint64_t partners, size_t bound_count,
                    const struct copies *copies);
/* When the first of those who have it must have it no longer; INT64_MAX: never. */
int64_t state_ends_us(const struct state *state);
/* Those of `mask` are held by this built-in rule. */
void verdict_hold(struct policy_verdict *verdict, uint64_t mask, enum policy_builtin rule);
NODISCARD err_t state_read(const struct gate *gate, struct bytes value, struct state *out);

/* What the rules said about some object, for every partner. Interned: few vectors serve millions of objects.
 */
struct outcome {
    uint64_t release, hold;
    uint16_t rule[LIMIT_PARTNERS]; /* gate.names */
};
