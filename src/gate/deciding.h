/* The set of objects that one step decides together: what src/gate/grow.c gathers and closes over,
 * src/gate/draft.c writes as a DECIDE, and src/gate/decide.c asks for. Nobody else includes this.
 *
 * Everything of a set lives in the gate's step_arena, until the next one begins. */
#pragma once

#include "gate/closure.h"
#include "gate/cut.h"

/* What is minted from one candidate for one partner in this DECIDE. */
struct made {
    unsigned partner;
    bool same; /* he holds just that already */
    bool had;  /* he holds another, `old` */
    struct mint old, mint;
    struct str text;
};

struct candidate {
    uint64_t lsn;
    struct stix_key key;
    struct policy_verdict verdict;
    uint64_t eligible; /* partners that are decided for: not those for whom this is history */
    uint64_t slot;
    struct hash content;
    size_t size;
    struct state state;
    bool recall;            /* withdraw.c: it is called back */
    uint64_t again;         /* withdraw.c: position of the object that is to be decided anew; 0: none is */
    uint64_t again_blocked; /* ...and its state's partners that it is blocked for */
    bool decided;           /* state was there */
    bool asked;             /* logged even when nothing changes: new, or named by a job or timer */
    bool speaks;            /* asked for what it translates: taken back, it has to be decided anew */
    uint64_t given;         /* partners for whom it is looked at for its own sake: all when asked */
    uint64_t reach;         /* these, and those of whoever led here */
    uint64_t walked;        /* of these, for whom the set has grown from here */
    uint64_t stays;         /* of `given`, for whom the closure withholds it: it leads nowhere */
    bool approved;
    struct copies *copies;
    const struct copy *copy;
    struct closure_member member;
    const uint32_t *names; /* diff.c: targets that its texts name, needed or not */
    size_t name_count;
    uint64_t would_go, may_base, may_demand; /* budget.c: of `member`, were there no budget */
    uint64_t over;                           /* partners whose budget it is beyond */
    uint64_t unfit;  /* of these, for whom it goes together with more than what is left */
    uint64_t leaves; /* result: partners that get the content now */
    struct str type_name;
    const struct policy_bound *bound; /* duties of what goes */
    size_t bound_count;
    const struct form *forms; /* how it leaves where it may not leave whole */
    size_t form_count;
    uint64_t cut;     /* partners to whom it never goes whole */
    uint64_t loose;   /* partners for whom references, or names in texts, may be left out */
    uint64_t lacks;   /* result: for whom one is */
    uint64_t untold;  /* partners for whom it waits for others to be said otherwise (struct cutting) */
    uint64_t minted;  /* result: partners that get it, or hold it, under another form */
    uint64_t renamed; /* of these, for whom it has another identifier */
    int refers;       /* of an observable: does its identifier follow from others'? -1: not asked yet */
    struct made *made;
    size_t made_count;
};

/* By what name partners know an id that was minted for them before. */
struct target_mint {
    uint64_t minted;  /* partners that ever got it minted */
    uint64_t renamed; /* partners that know it by another identifier */
};

/* One that was asked about, and is no longer what its source says. */
struct old {
    uint64_t lsn;
    bool looked;       /* at all that is left of it with anybody */
    int64_t change_us; /* result: when the rules may say otherwise of that */
};

struct deciding {
    struct gate *gate;
    struct arena *arena;
    const struct policy *policy;
    int64_t now_us;
    uint64_t partners;
    uint64_t history;    /* partners for whom it counts as well: nothing is decided here (diff.c) */
    uint64_t from_queue; /* partners for whom these are what waits for their budget */
    uint64_t durable;
    uint64_t opened;      /* of the gate's, when it began */
    struct candidate *at; /* LIMIT_CLOSURE_MEMBERS */
    size_t count;
    struct closure_target *targets;
    struct stix_key *target_keys;
    size_t target_count, target_size;
    struct target_mint *target_mints; /* beside `targets` */
    uint64_t *names;                  /* form.c: by target, for whom it has another identifier now */
    size_t name_count;
    struct map by_lsn;        /* lsn -> index + 1; 0: looked at and left out */
    struct map by_key;        /* object key -> target */
    struct stix_key overflow; /* a walk that was cut: go on later */
    bool overflowed;
    struct old *old; /* LIMIT_STEP_OBJECTS */
    size_t old_count;
    struct stix_key *definitions; /* markings that just arrived: what waits for them is decided again */
    size_t definition_count;
    struct stix_key *renamed; /* what partners know by another name, or in another version, than before */
    size_t renamed_count;
    bool took_back; /* set_conclude */
    bool foresees; /* diff.c: who keeps nothing minted of an id (target_mints) gets what he had anew; names in
                      texts are asked about as what is needed is */
};

/* --- grow.c --- */

/* An empty set for those of `partners` that are started. */
NODISCARD err_t set_begin(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners);
/* The same for these partners, started or not, beside another set in the step's arena. */
NODISCARD err_t set_begin_beside(struct deciding *d, struct gate *gate, int64_t now_us, uint64_t partners);
void set_end(struct deciding *d);
/* Was so much read for it that the step takes on no more? One object may ask for as many as LIMIT_TRANSLATED,
 * LIMIT_ALONG or LIMIT_CARRIERS others: how many a step decides is not all that it costs. */
bool set_is_heavy(const struct deciding *d);
/* Adds one OBJ unless it is there or no longer speaks for its id. `given`: partners for whom it is looked at
 * for its own sake; `led`: for whom something else led here. ERR_FULL at LIMIT_CLOSURE_MEMBERS. */
NODISCARD err_t set_add(struct deciding *d, uint64_t lsn, bool asked, uint64_t given, uint64_t led);
/* The same, by its arrival, a job or a timer: for everybody. */
NODISCARD err_t set_ask(struct deciding *d, uint64_t lsn);
/* An observable, because of what a carrier of it says, whoever gets that carrier: for everybody. To whom a
 * job that looks at everything has yet to decide it, it newly goes with that job, and not because a carrier
 * that he does not see came by: the order of his leaves would tell of it. */
NODISCARD err_t set_add_carried(struct deciding *d, uint64_t lsn, uint64_t led);
/* Objects that one of these partners waits for, and that refer to this id. */
NODISCARD err_t set_add_waiting(struct deciding *d, const struct stix_key *key, uint64_t partners,
                                bool given);
/* Grows the set, and solves which of it leave together. A walk that is cut is noted (`overflowed`). */
NODISCARD err_t set_close(struct deciding *d);
/* The same over the members as they are: after something was taken out of them. */
NODISCARD err_t set_solve(struct deciding *d);

/* --- carried.c --- */

/* Keys of all that it refers to, in the step's arena. */
NODISCARD err_t wake_keys(struct deciding *d, const struct stix_object *object, struct stix_key **out);
/* What the object at `lsn` carries, of this source, which said or reported it. Uses accept_arena. ERR_FULL.
 */
NODISCARD err_t wake_said(struct deciding *d, uint64_t lsn, uint32_t source);
/* What copies of this object carry, each of its own source's unmarked observables: copies of one version bind
 * each other, and so all that any of them carries. `version`: NULL: every one. Not what a candidate that is
 * asked about carries: it finds that by growing. Uses accept_arena. ERR_FULL. */
NODISCARD err_t wake_carried(struct deciding *d, const struct stix_key *key, const struct stamp *version);

/* --- budget.c --- */

/* What would go beyond a partner's budget stays, and what needs it. `order`: of the leaves. */
NODISCARD err_t budget_cut(struct deciding *d, const uint32_t *order);

/* What the id of `key` is to the set: an index into targets. */
NODISCARD err_t set_target(struct deciding *d, const struct stix_key *key, uint32_t *out);
/* As if these had it, and nobody else (diff.c). */
NODISCARD err_t set_hold(struct deciding *d, uint32_t target, const struct holders *held);

/* --- form.c --- */

/* Who gets what minted, and all these texts; what cannot be made stays behind, with what needs it. `order`:
 * of the leaves. */
NODISCARD err_t set_mint(struct deciding *d, const uint32_t *order);
const struct made *made_for(const struct candidate *c, unsigned partner);
/* Which variant of an observable it is (struct mint). */
uint32_t variant_of(const struct candidate *c);

/* --- draft.c --- */

/* In what order they stand in a ledger: indices, in the arena. */
NODISCARD err_t set_order(const struct deciding *d, uint32_t **out);
/* Closes over the set, writes and applies the DECIDE. Positions (`to`) and job cursor are the caller's. When
 * something has to be taken back, that alone is done (d->took_back): the caller stays where he is, and looks
 * at the same again. */
NODISCARD err_t set_conclude(struct deciding *d, uint64_t to, const struct job *job, uint64_t job_cursor);
/* No rules and no closure: every candidate's `leaves` are told that their object's time is over. */
NODISCARD err_t set_withdraw(struct deciding *d, const struct job *job, uint64_t job_cursor);

/* --- withdraw.c --- */

/* A copy that somebody has, judged for him: nobody loses it by having brought it too, by a stop, or by a
 * loop. */
struct judged {
    struct subject subject;
    struct cutting cutting;
    uint64_t along; /* partners to whom it comes along */
};
/* In the arena. ERR_NOTFOUND: its secret was destroyed. */
NODISCARD err_t judge_had(struct gate *gate, const struct policy *policy, uint64_t lsn, int64_t now_us,
                          struct arena *arena, struct judged *out);
/* Of `asked`, who may no longer keep it by that policy. `minted`: of what was minted from it; NULL: of the
 * object itself. Denied to them; in another form than theirs; with texts that name what they never had. */
NODISCARD err_t judged_denied(struct gate *gate, const struct judged *judged, const struct mint *minted,
                              uint64_t asked, struct arena *arena, uint64_t *out);
/* Of everything that the set looks at for its own sake, what is denied by now and somebody has is taken back,
 * in a DECIDE of its own. After the set has grown: what a carrier says may deny its observables. */
NODISCARD err_t set_take_back(struct deciding *d, bool *out_did);

/* --- reads.c --- */

enum reads_what { READS_NOTHING, READS_MINTED, READS_WHOLE };
struct reads {
    enum reads_what what;
    struct mint mint; /* of what is minted: that. Its texts are in the arena */
};
/* What this partner reads of the copy at `lsn`, of the object of `key`. `state`: of that copy. `judged`: only
 * what that policy leaves of what was minted; NULL: all of it. */
NODISCARD err_t reads_of(struct gate *gate, const struct stix_key *key, uint64_t lsn,
                         const struct state *state, const struct judged *judged, unsigned partner,
                         struct arena *arena, struct reads *out);
