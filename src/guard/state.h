/* What the files of the guard share. Nobody else includes this. */
#pragma once

#include "core/buf.h"
#include "guard/guard.h"
#include "guard/known.h"
#include "guard/scan.h"
#include "guard/tree.h"

enum {
    LOOK_ITEMS = 1000,        /* objects of one page: docs/protocol/SYNC.md section 4, TAXII.md */
    LOOK_OWN_SLOTS = 4096,    /* a power of two, well above */
    LOOK_ID_BYTES = 4u << 20, /* identifiers that are new, in all */
};

/* What the answer in hand is. */
enum look_kind {
    LOOK_PLAIN,    /* no object belongs here */
    LOOK_OBJECTS,  /* of a release collection */
    LOOK_MANIFEST, /* likewise, identifiers alone */
    LOOK_FEED,     /* a page of a ledger */
    LOOK_FETCH,    /* leaves of a ledger, each with its proof */
    LOOK_PUSH,     /* a call that gives a view to a server */
};

struct look_ref {
    uint64_t print;
    uint32_t id_at;
    uint16_t id_len;
    bool mention;
    uint32_t item;
};

struct look_item {
    struct hash hash;
    uint64_t content; /* fingerprint that has to be known; 0: its leaf was there */
    uint32_t id_at;
    uint16_t id_len;
};

/* The page in hand. */
struct look {
    enum look_kind kind;
    unsigned partner;
    bool urgent; /* LOOK_FEED: of his urgent ledger */
    struct guard_case *c;
    bool has_seq; /* of the leaf in hand */
    uint64_t seq, first_seq;
    struct look_item items[LOOK_ITEMS];
    size_t item_count;
    struct hash leaves[LOOK_ITEMS]; /* of a page of a ledger */
    struct tree_end end;            /* where it ends */
    uint64_t own[LOOK_OWN_SLOTS];
    uint16_t own_at[LOOK_ITEMS]; /* its slots in use */
    size_t own_count;
    struct look_ref refs[LIMIT_GUARD_REFS];
    size_t ref_count;
    size_t named; /* in texts, without proof */
    struct buf ids;
    struct guard_finding *finding;
    bool found;
    /* Of a call of a feed. */
    struct hash around; /* SHA-256 of where it goes, for what is named there */
    struct str self;    /* whose words may stand in it */
    const uint8_t *at;  /* where the next object has to begin */
};

struct guard {
    struct known known;
    struct guard_told rules, next;
    bool held[LIMIT_PARTNERS]; /* by this guard, since */
    uint64_t resumed[LIMIT_PARTNERS];
    struct tree_end ends[2][LIMIT_PARTNERS]; /* of the last page that went: main ledgers, urgent ones */
    struct buf scratch;
    struct look look;
    struct {
        unsigned partner, run;
        uint32_t id_at;
        uint16_t id_len;
    } asks[LIMIT_GUARD_ASKS];
    size_t ask_count;
    struct guard_case nobody; /* who asked for nothing */
    struct guard_counts counts;
};

/* May anything go to this partner? Otherwise `out` says why not. */
bool guard_may_receive(const struct guard *guard, int partner, int64_t now_s, struct guard_finding *out);
/* Nothing is known of a policy: nothing was ever released, and what says that may go. look.c */
bool look_may_have(struct guard *guard);
/* Counts, and holds the partner from now on where that is the verdict. */
enum guard_verdict guard_conclude(struct guard *guard, enum guard_verdict verdict, struct bytes body,
                                  struct guard_finding *out);

/* Notes what is wrong, unless an operator waived it; false, so that a check can end with it. True: go on. */
bool look_fail(struct guard *guard, enum guard_rule rule, const struct hash *object);

/* --- look.c: objects and what they name --- */

void look_begin(struct guard *guard, enum look_kind kind, unsigned partner, struct guard_case *c,
                struct guard_finding *finding);
/* An object beside its leaf, which commits to `hash`. */
bool look_object(struct guard *guard, struct bytes object, const struct hash *hash);
/* A body with a list of objects, or any other JSON. */
bool look_body(struct guard *guard, struct bytes body);
/* The objects that a call gives: each by its leaf, or a word of this node's own (word.h). */
bool look_pushed(struct guard *guard, struct bytes body);
/* Named around objects: known to this partner, or nothing is held under it. */
bool look_mention(struct guard *guard, struct str id);
/* Text in which only what the request itself named may stand. */
bool look_plain(struct guard *guard, struct str text);
/* After everything was read. */
enum guard_verdict look_end(struct guard *guard);

/* --- witness.c: C2SP tlog-witness --- */

/* The whole body of an `add-checkpoint` for a log of a node: numbers, hashes and signatures in their one
 * spelling, and no place for anything else. */
bool witness_request_ok(struct str body);

/* --- leaf.c: the forms of LEDGER.md and SYNC.md --- */

struct guard_leaf {
    uint8_t op;
    uint32_t epoch;
    uint64_t seq;
    struct hash content; /* zero: none */
};
enum { GUARD_LEAF_SIZE = 88, GUARD_OPENING_SIZE = 72 };
/* False when the opening does not open the leaf. */
bool leaf_opens(struct bytes leaf, struct bytes opening, struct guard_leaf *out);
bool leaf_has_content(const struct guard_leaf *leaf);
/* A whole page of a ledger, the main or the urgent one, for the partner in hand. */
bool leaf_page(struct guard *guard, const struct rules_partner *partner, struct bytes body);
/* RECONCILE.md section 5: leaves of the main ledger of the partner in hand, proved one by one. */
bool leaf_fetched(struct guard *guard, const struct rules_partner *partner, struct bytes body);
/* Section 3: sums and bits, and nothing else. */
bool leaf_sums(struct guard *guard, const struct rules_partner *partner, struct bytes body);
