/* The set of objects that one step decides together: what src/gate/grow.c gathers and closes over,
 * src/gate/draft.c writes as a DECIDE, and src/gate/decide.c asks for. Nobody else includes this.
 *
 * Everything of a set lives in the gate's step_arena, until the next one begins. */
#pragma once

#include "gate/closure.h"
#include "gate/state.h"

struct candidate {
    uint64_t lsn;
    struct stix_key key;
    struct policy_verdict verdict;
    uint64_t eligible; /* partners that are decided for: not those for whom this is history */
    uint64_t slot;
    struct hash content;
    size_t size;
    struct state state;
    bool decided;    /* state was there */
    bool asked;      /* logged even when nothing changes: new, or named by a job or timer */
    uint64_t given;  /* partners for whom it is looked at for its own sake: all when asked */
    uint64_t reach;  /* these, and those of whoever led here */
    uint64_t walked; /* of these, for whom the set has grown from here */
    uint64_t stays;  /* of `given`, for whom the closure withholds it: it leads nowhere */
    bool approved;
    struct copies *copies;
    const struct copy *copy;
    struct closure_member member;
    uint64_t leaves; /* result: partners that get the content now */
};

struct deciding {
    struct gate *gate;
    struct arena *arena;
    const struct policy *policy;
    int64_t now_us;
    uint64_t partners;
    uint64_t durable;
    struct candidate *at; /* LIMIT_CLOSURE_MEMBERS */
    size_t count;
    struct closure_target *targets;
    struct stix_key *target_keys;
    size_t target_count, target_size;
    struct map by_lsn;        /* lsn -> index + 1; 0: looked at and left out */
    struct map by_key;        /* object key -> target */
    struct stix_key overflow; /* a walk that was cut: go on later */
    bool overflowed;
    struct stix_key *definitions; /* markings that just arrived: what waits for them is decided again */
    size_t definition_count;
};

/* --- grow.c --- */

/* An empty set for those of `partners` that are started. */
NODISCARD err_t set_begin(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners);
void set_end(struct deciding *d);
/* Adds one OBJ unless it is there or no longer speaks for its id. `given`: partners for whom it is looked at
 * for its own sake; `led`: for whom something else led here. ERR_FULL at LIMIT_CLOSURE_MEMBERS. */
NODISCARD err_t set_add(struct deciding *d, uint64_t lsn, bool asked, uint64_t given, uint64_t led);
/* The same, by its arrival, a job or a timer: for everybody. */
NODISCARD err_t set_ask(struct deciding *d, uint64_t lsn);
/* Objects that one of these partners waits for, and that refer to this id. */
NODISCARD err_t set_add_waiting(struct deciding *d, const struct stix_key *key, uint64_t partners,
                                bool given);
/* Grows the set, and solves which of it leave together. A walk that is cut is noted (`overflowed`). */
NODISCARD err_t set_close(struct deciding *d);

/* --- draft.c --- */

/* Closes over the set, writes and applies the DECIDE. Positions (`to`) and job cursor are the caller's. */
NODISCARD err_t set_conclude(struct deciding *d, uint64_t to, const struct job *job, uint64_t job_cursor);
