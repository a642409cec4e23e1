/* The one door (DESIGN 2.2): the only way in (accept) and the only way out (release) of a node.
 *
 * A gate owns the node's store, its facts (sources, markings, tags, partners, the policy), and one release
 * ledger per partner. Protocol rooms see objects only through it, so that no protocol can forget a rule. It
 * is a step machine: bytes and time in, bytes and deadlines out; it knows no sockets, threads or signing
 * keys. One thread at a time.
 *
 * It must never: acknowledge what is not durable; decide a position twice; show a leaf that no durable
 * checkpoint covers; let anything reach a partner that its policy and closure did not let go; resign a past.
 *
 * Times are microseconds since 1970 by the caller's clock. Strings and bytes handed to callbacks are good
 * during the call. */
#pragma once

#include <stdbool.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/diag.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/limit.h"
#include "gate/record.h"
#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/merkle.h"
#include "ledger/voucher.h"
#include "os/os.h"
#include "policy/policy.h"
#include "stix/extension.h"
#include "stix/marking.h"
#include "stix/stix.h"

struct gate;
struct index;

/* --- life --- */

/* Names of the log of which two make two persons (`until approved by 2`). Others' approvals stand in the log
 * and end what one may end. Whoever is named no more counts no more: what his word let go stays. */
struct gate_operators {
    size_t count;
    const struct str *name;
};

struct gate_setup {
    const struct os *os;
    const char *dir;      /* holds log/, keys/, index/, ledger/ */
    struct str node_name; /* 1 to LIMIT_NAME_BYTES of a-z 0-9 . _ - */
    unsigned suite;       /* of the node: what a new store is sealed by (core/suite.h); 0: suite 1 */
    struct index *index;  /* the caller's, outlives the gate (simulator, tests); NULL: LMDB below dir */
    const struct gate_operators
        *persons; /* the caller's, outlives the gate; NULL: every name (simulator, tests) */
    bool reindex; /* forget the index and make it again from the log */
    const struct diag *diag;
};

/* Opens or creates, replays from where the index stands. ERR_CORRUPT: see `bongsu check`; the gate then still
 * opens read-only where the log allows it (gate_health tells). */
NODISCARD err_t gate_open(const struct gate_setup *setup, struct gate **out);
void gate_close(struct gate *gate);

struct gate_health {
    bool read_only;  /* nothing is accepted; what is durable is served */
    const char *why; /* static text; NULL when all is well */
    const char *what_next;
};
struct gate_health gate_health(const struct gate *gate);

struct gate_counts {
    uint64_t suite; /* that seals the store; as wide as the others: no byte of it is left over */
    uint64_t log_bytes, durable_lsn, decided_lsn, applied_lsn;
    uint64_t objects;     /* versions and variants held */
    uint64_t quarantined; /* open */
    uint64_t jobs;        /* re-decisions waiting */
};
void gate_counts(const struct gate *gate, struct gate_counts *out);

/* --- facts: what operators state. Each is logged with who and why, and queues what has to be decided again
 * --- */

enum { GATE_SOURCE_NONE = 0 };

/* What is taken in from a source. Duplicate names, lone surrogates and numbers that do not round-trip are
 * refused in every one (docs/protocol/INTAKE.md). */
enum gate_profile {
    GATE_PROFILE_STANDARD, /* breaches of a MUST that leave one reading are warnings */
    GATE_PROFILE_STRICT,   /* ...are refused */
    GATE_PROFILE_LENIENT,  /* and what can be mended is: a minted object is held and leaves, the bytes that
                              came are kept */
};

struct gate_source {
    uint32_t number; /* from 1; stands in envelopes */
    struct str name;
    bool own;        /* what it delivers without another bound creator is this node's */
    bool rewrites;   /* its later copy under the same (id, modified) wins (ATT&CK); what it gives back of what
                        others brought first is an echo (MISP) */
    bool undeclared; /* made by first use; nothing was assumed */
    int partner;     /* index of the partner whose node it is; -1: a local source */
    enum gate_profile profile;
    enum stix_tlp assume;    /* for objects without any marking; STIX_TLP_NONE: hold them */
    int64_t assume_until_us; /* INT64_MAX: no end */
};

/* Who states a fact and why; both go to the log, at most RECORD_TEXT_MAX bytes each. */
struct gate_by {
    struct str who;
    struct str because;
};

/* Declares or changes a source by name; `number` and `partner` of `source` are ignored for an existing one.
 * Of that of a partner without a node only whether it rewrites; of one with a node ERR_DENIED: its card says
 * all. */
NODISCARD err_t gate_source_put(struct gate *gate, const struct gate_source *source, const struct gate_by *by,
                                int64_t now_us, uint32_t *out_number);
/* NULL when unknown; good until the next fact. Number counts from 1. */
const struct gate_source *gate_source_find(const struct gate *gate, struct str name);
const struct gate_source *gate_source_get(const struct gate *gate, uint32_t number);
uint32_t gate_source_count(const struct gate *gate);

/* Binds an identity to the source that is its home: only that source speaks for it (DESIGN 5). */
NODISCARD err_t gate_identity_bind(struct gate *gate, const struct stix_key *identity, uint32_t source,
                                   const struct gate_by *by, int64_t now_us);
/* Number of the source that is its home; 0: none is. */
uint32_t gate_identity_home(const struct gate *gate, const struct stix_key *identity);
/* Another source is its home from now on, by the word of both: that is for the caller to see to.
 * ERR_NOTFOUND: no such source, or it has no home yet. */
NODISCARD err_t gate_identity_move(struct gate *gate, const struct stix_key *identity, uint32_t source,
                                   const struct gate_by *by, int64_t now_us);
/* What a statement marking means here; binds to the definition's present meaning. ERR_NOTFOUND when it is not
 * held. */
NODISCARD err_t gate_marking_classify(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                                      const struct gate_by *by, int64_t now_us);
/* The same, and what carries it goes to these partners (a bit each) and to nobody else, also not to who is
 * added later: no policy and no other marking lifts that (built-in.onward). Several such markings: to those
 * alone whom each of them names. */
NODISCARD err_t gate_marking_grant(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                                   uint64_t partners, const struct gate_by *by, int64_t now_us);
/* The same as a REL TO list: besides, it goes to those alone all of whose nations (`nation` of the policy),
 * or one of whose communities, stand in `rel_to`; empty: says nothing. Judged anew by each policy. At most
 * LIMIT_REL_TO of LIMIT_NAME_BYTES each. */
NODISCARD err_t gate_marking_rel_to(struct gate *gate, const struct stix_key *marking, enum stix_tlp as,
                                    uint64_t partners, struct policy_list rel_to, const struct gate_by *by,
                                    int64_t now_us);
NODISCARD err_t gate_tag(struct gate *gate, const struct stix_key *object, struct str tag, bool add,
                         const struct gate_by *by, int64_t now_us);
/* Registers an extension (or another version of it): objects that use it are checked on the way in from now
 * on; what is held stays as it is. As stix_extension_read; ERR_FULL. `*out` as gate_extension_find. */
NODISCARD err_t gate_extension_put(struct gate *gate, struct bytes definition, struct str schema,
                                   const struct gate_by *by, int64_t now_us,
                                   const struct stix_extension **out, struct fault *fault);
NODISCARD err_t gate_extension_remove(struct gate *gate, const struct stix_key *key, const struct gate_by *by,
                                      int64_t now_us);
/* Those in force; each is good until the next fact. NULL when not registered. */
const struct stix_extensions *gate_extensions(const struct gate *gate);
const struct stix_extension *gate_extension_find(const struct gate *gate, const struct stix_key *key);
/* The two texts as they were given; the schema is empty when it stands in the definition. Borrowed from the
 * index. ERR_NOTFOUND. */
NODISCARD err_t gate_extension_text(const struct gate *gate, const struct stix_key *key,
                                    struct bytes *out_definition, struct str *out_schema);

enum gate_approval { GATE_APPROVAL_NONE, GATE_APPROVE, GATE_DENY };
/* `because` is the basis of an approval: what a hold `until approved with basis` asks for. About every
 * version of the object that is held or will come? No: about the newest held one, and only when
 * it stands at `lsn` (0: whichever it is). ERR_CONFLICT: another is the newest, which nobody has read yet;
 * ERR_NOTFOUND. */
NODISCARD err_t gate_approve(struct gate *gate, const struct stix_key *object, unsigned partner,
                             enum gate_approval approval, uint64_t lsn, const struct gate_by *by,
                             int64_t now_us);
/* Which rule an approval answers now: one word is about one version, one partner and the rule that asks, and
 * counts as long as that rule reads as it did (docs/decisions/0121). Answering one, another may ask. */
struct gate_asked {
    struct str rule;      /* empty: none asks; the word then counts for the condition `approved` alone */
    unsigned needed;      /* operators */
    bool basis;           /* a word counts only with one */
    struct str approvers; /* who answered it already, and counts */
};
/* Strings are good until the next call. ERR_NOTFOUND: no such object is held. */
NODISCARD err_t gate_asked(struct gate *gate, const struct stix_key *object, unsigned partner, int64_t now_us,
                           struct gate_asked *out);
/* On what basis those approved the version at `lsn` for him who said: "alice: warrant 12/2026; bob: ...".
 * Empty: nobody did. Lives in the arena. ERR_NOTFOUND: it is not held (any more). */
NODISCARD err_t gate_basis(struct gate *gate, uint64_t lsn, unsigned partner, struct arena *arena,
                           struct str *out);
/* Which version that is: where it stands, and its time (zero: objects of this kind have none). */
NODISCARD err_t gate_approve_which(struct gate *gate, const struct stix_key *object, uint64_t *out_lsn,
                                   struct stamp *out_version);
enum gate_stop_kind { GATE_STOP_ALL, GATE_STOP_PARTNER, GATE_STOP_SOURCE, GATE_STOP_RULE };
/* Releases stop (stop = true) or go on; what was released stays. ERR_NOTFOUND: no such stop is in force. */
NODISCARD err_t gate_stop(struct gate *gate, enum gate_stop_kind kind, struct str name, bool stop,
                          const struct gate_by *by, int64_t now_us);
size_t gate_stop_count(const struct gate *gate);
/* Those in force, in no order; `name` is empty for GATE_STOP_ALL and good as long as nothing changes. */
enum gate_stop_kind gate_stop_get(const struct gate *gate, size_t index, struct str *out_name);

/* A small setting of the node that other rooms keep in the log: key and value are theirs. An empty value
 * removes it. */
NODISCARD err_t gate_setting_put(struct gate *gate, struct str key, struct bytes value,
                                 const struct gate_by *by, int64_t now_us);
/* False when absent, or when it cannot be had now: then buf_err(out) says why. Copied to `out`. */
bool gate_setting_get(const struct gate *gate, struct str key, struct buf *out);

/* --- partners --- */

enum gate_peer_state { GATE_PEER_PAUSED, GATE_PEER_STARTED, GATE_PEER_REMOVED };

struct gate_peer {
    unsigned index;      /* its bit in every mask; never used again for another */
    struct str audience; /* name of the view, e.g. us-cisa */
    struct str node;     /* name of the partner's node; empty: takes part by TAXII alone */
    struct str country;
    uint32_t source; /* what it sends arrives as this source */
    enum gate_peer_state state;
    uint32_t epoch;     /* of the ledger that is kept for it */
    uint64_t epoch_lsn; /* where that began: what was decided before is in no ledger of it; 0: the first */
    uint64_t since_lsn; /* objects logged before are history: not released unless asked for */
    bool urgent;        /* its node follows the urgent ledger as well: what is called back is told there */
    struct bytes card;  /* opaque here: sync/card */
};

/* Adds (paused, without history) or changes a partner: node, country, card. At most LIMIT_PARTNERS ever. */
NODISCARD err_t gate_peer_put(struct gate *gate, struct str audience, struct str node, struct str country,
                              struct bytes card, const struct gate_by *by, int64_t now_us,
                              unsigned *out_index);
/* `history`: also decide what was held before it was added. */
NODISCARD err_t gate_peer_set(struct gate *gate, unsigned partner, enum gate_peer_state state, bool history,
                              const struct gate_by *by, int64_t now_us);
/* A new, empty ledger under the number `epoch` for this partner: after a backup came back nothing may be
 * signed over what was signed before (DESIGN 4 step 15). What the policy lets it have is released again, what
 * was taken back or had its time stays away. ERR_EXISTS: not above the present epoch. ERR_LIMIT: above
 * LIMIT_EPOCH. */
NODISCARD err_t gate_peer_epoch(struct gate *gate, unsigned partner, uint32_t epoch, const struct gate_by *by,
                                int64_t now_us);
/* The partner's node says whether it follows the urgent ledger as well. That it does is logged once; that it
 * does no longer holds until it says otherwise, or a restart. */
NODISCARD err_t gate_peer_urgent(struct gate *gate, unsigned partner, bool follows, int64_t now_us);
unsigned gate_peer_count(const struct gate *gate); /* removed ones included; indices are 0 .. count - 1 */
const struct gate_peer *gate_peer_get(const struct gate *gate, unsigned partner);
const struct gate_peer *gate_peer_find(const struct gate *gate, struct str audience);

/* --- policy --- */

/* Compiles for the present partners, logs, and takes it into force; a bad text changes nothing. */
NODISCARD err_t gate_policy_activate(struct gate *gate, struct str text, const struct gate_by *by,
                                     int64_t now_us, struct policy_fault *fault);
/* Where the policy in force wants two operators (policy_activation_by): one proposes, which replaces what was
 * proposed before, another confirms what he read, by its digest (SHA-256 of the text). Their two names stand
 * in the log. ERR_DENIED: it is the same operator; ERR_CONFLICT: something else waits; ERR_NOTFOUND: nothing
 * does. */
struct gate_pending {
    struct str who;
    int64_t at_us;
    uint64_t bytes; /* of the text */
    struct hash digest;
};
NODISCARD err_t gate_policy_propose(struct gate *gate, struct str text, const struct gate_by *by,
                                    int64_t now_us, struct policy_fault *fault);
NODISCARD err_t gate_policy_confirm(struct gate *gate, const struct hash *digest, const struct gate_by *by,
                                    int64_t now_us, struct policy_fault *fault);
NODISCARD err_t gate_policy_pending(const struct gate *gate, struct arena *arena, struct gate_pending *out);
/* Its text, appended to `out`. */
NODISCARD err_t gate_policy_pending_text(const struct gate *gate, const struct gate_pending *pending,
                                         struct buf *out);
/* Compiles only. The caller unrefs. */
NODISCARD err_t gate_policy_compile(const struct gate *gate, struct str text, struct policy **out,
                                    struct policy_fault *fault);
/* Borrowed; NULL before the first activation (everything is denied). */
const struct policy *gate_policy(const struct gate *gate);
/* Have all agreements with this partner that the policy in force names ended by now? */
bool gate_agreement_over(const struct gate *gate, unsigned partner, int64_t now_us);

/* --- in: accept --- */

/* What the node where an object entered signed of it (ledger/voucher.h), as it came with the object. */
enum gate_vouched {
    GATE_VOUCHED_UNKNOWN =
        1, /* no card here names that node, or that key: kept and passed on, and no proof */
    GATE_VOUCHED_VERIFIED,
    GATE_VOUCHED_FALSE, /* by a key that a card here names, and it does not verify */
};
struct gate_voucher {
    struct bytes wire; /* well formed; empty: nothing came */
    enum gate_vouched state;
    uint64_t card; /* GATE_VOUCHED_VERIFIED: number of the card whose key it is */
};

/* What came from here, or from others, and comes back rewritten, saying nothing that is not held
 * (docs/decisions/0156): is it known as an echo? */
enum gate_echoes {
    GATE_ECHOES_TAKEN, /* no: it is taken in and judged like anything else */
    GATE_ECHOES_OF_ALL,
    GATE_ECHOES_OF_VIEW, /* of what was released to `reader` alone: he may see what became of it */
};

struct gate_submission {
    uint32_t source; /* declared; GATE_SOURCE_NONE is refused */
    enum gate_echoes echoes;
    unsigned reader; /* index of a partner */
    uint8_t hops;
    uint64_t leaf; /* 1 + number of the partner's leaf that brought it; 0 otherwise */
    /* With one object alone; NULL: none. Kept with what is held because of this submission, and its limits
     * bind; GATE_VOUCHED_FALSE: refused, ERR_SIGNATURE. */
    const struct gate_voucher *voucher;
};

enum gate_disposition {
    GATE_NEW,       /* a version or variant that was not held */
    GATE_DUPLICATE, /* equal to what is held: success */
    GATE_SEEN,      /* equal, but from a source that had not reported it: recorded */
    GATE_ASSERTION, /* somebody else's "version": kept, supersedes nothing */
    GATE_ECHO,      /* what is held, rewritten on a way there and back: counted, nothing of it is kept */
    GATE_CONFLICT,  /* same key, other content: in quarantine */
    GATE_REFUSED,   /* broke a rule: in quarantine with its bytes */
};
const char *gate_disposition_word(enum gate_disposition disposition);

struct gate_answer {
    enum gate_disposition disposition;
    size_t index;  /* of the object in the submission */
    struct str id; /* may be empty when it could not be read */
    struct stamp version;
    uint64_t lsn;  /* where it or its quarantined copy stands; 0: an echo, or refused without any bytes */
    size_t offset; /* of the object in the text */
    const struct fault
        *fault;        /* GATE_REFUSED and GATE_CONFLICT; its offset counts from the start of the text */
    struct str mended; /* what was changed to make the object that is held; empty: nothing */
    size_t warnings;
    bool echo; /* GATE_ECHO; of the others, unchanged: it is also what the disposition says */
};

/* Takes a bundle, an envelope, a list ({"objects": [...]}), one object, or one object a line; at most
 * LIMIT_BATCH_BYTES plus one object. `text` must be followed by JSON_PADDING readable bytes. Calls `answer`
 * once an object, in order. Nothing is acknowledged before gate_commit answers ERR_OK. Fails as a whole
 * (nothing appended) only when the text cannot be cut into objects at all (then the whole text goes to
 * quarantine), the gate is read-only, or the index lags (ERR_BUSY). */
NODISCARD err_t gate_accept(struct gate *gate, const struct gate_submission *submission, struct bytes text,
                            int64_t now_us, void (*answer)(void *ctx, const struct gate_answer *answer),
                            void *ctx, struct fault *fault);
/* Makes durable whatever was appended. One fdatasync for any number of accepts and facts before it. After an
 * error the gate is read-only. */
NODISCARD err_t gate_commit(struct gate *gate);

/* What changes nothing (a duplicate, an echo, a conflict or a refusal that waits already) leaves no frame: it
 * is counted by source and week, and gate_step logs the counts LIMIT_REPEATS_KEEP_US after the first. This
 * logs them now, into the open group: before the end. A crash loses what was counted since. */
NODISCARD err_t gate_repeats_keep(struct gate *gate, int64_t now_us);

struct gate_quarantined {
    uint64_t lsn;
    int64_t received_us;
    uint32_t source;
    enum record_quarantine reason;
    uint64_t first; /* of a piece: the entry that the first one has; 0 otherwise */
    struct fault fault;
    struct bytes bytes; /* as they came */
};

/* A piece of something that the caller refuses itself, because it is larger than gate_accept takes. */
struct gate_piece {
    uint64_t whole;     /* bytes of all of it */
    uint64_t at;        /* where this piece begins: pieces come in order and without gaps */
    struct hash digest; /* SHA-256 of all of it: tells one from another */
    struct bytes bytes; /* at most LIMIT_OBJECT_BYTES */
    uint64_t first;     /* entry of the first piece; 0: this is it */
};
/* Keeps it (as gate_accept keeps what it refuses: what waits already stays as it is). ERR_BUSY, ERR_READONLY;
 * ERR_INVALID when it is no such piece, ERR_LIMIT beyond LIMIT_REFUSED_BYTES. */
NODISCARD err_t gate_quarantine_piece(struct gate *gate, uint32_t source, const struct gate_piece *piece,
                                      int64_t now_us, uint64_t *out_lsn);
/* Keeps what a converter refuses before it is STIX (an attribute of MISP), with its reason: `fault` counts in
 * the converter's input. *out_lsn: its entry. ERR_NOTFOUND: no such source; ERR_READONLY; ERR_INVALID: it is
 * empty. */
NODISCARD err_t gate_quarantine_foreign(struct gate *gate, uint32_t source, const struct fault *fault,
                                        struct bytes bytes, int64_t now_us, uint64_t *out_lsn);
/* Open ones, oldest first, from lsn `from`; visit answers false to stop. */
NODISCARD err_t gate_quarantine_list(struct gate *gate, uint64_t from,
                                     bool (*visit)(void *ctx, const struct gate_quarantined *quarantined),
                                     void *ctx);
/* Dropping a piece drops all that belong to it. Retry submits the bytes again under the source they came from
 * (the answer says how it went), then closes the entry, unless they are refused again for the same reason.
 * ERR_UNSUPPORTED for a piece, for what is no STIX, and for what its origin did not sign. */
NODISCARD err_t gate_quarantine_drop(struct gate *gate, uint64_t lsn, const struct gate_by *by,
                                     int64_t now_us);
NODISCARD err_t gate_quarantine_retry(struct gate *gate, uint64_t lsn, const struct gate_by *by,
                                      int64_t now_us,
                                      void (*answer)(void *ctx, const struct gate_answer *answer), void *ctx);

/* What the object that a lenient source calls `id` is held as, once it was minted; empty when this node never
 * minted anything. Appended to `out`. */
void gate_minted_id(const struct gate *gate, struct str id, struct buf *out);

/* --- deciding --- */

/* Decides what is durable and undecided, then due timers and jobs, a bounded amount a call. Commits what was
 * open before, and leaves its DECIDE in the open group: the next gate_commit covers it and what was accepted
 * meanwhile. *out_more: call again at once. *out_next_us: nothing to do before (INT64_MAX: never). */
NODISCARD err_t gate_step(struct gate *gate, int64_t now_us, bool *out_more, int64_t *out_next_us);

/* Another copy of a version, the strictest of them (gate/rival.h). */
struct gate_rival {
    struct str source; /* who brought it; empty: there is none */
    uint64_t lsn;
    enum stix_tlp tlp; /* NONE: it names readers, or cannot be judged */
    bool quarantined;
    struct str by, second, because; /* of one that is set aside: by whose word, and why */
    int64_t until_us;               /* ...how long; INT64_MAX: without an end */
};

enum gate_beyond {
    GATE_BEYOND_NOT,
    GATE_BEYOND_TIME,    /* his time with it is over: only a newer version that says something else goes */
    GATE_BEYOND_REPEATS, /* it came and went too often: only a newer version goes */
    GATE_BEYOND_BUDGET,  /* his budget has no room for it: the time goes by, what waits longest goes first */
};
struct gate_why {
    enum policy_effect effect; /* what the rules say */
    bool released;             /* a leaf exists */
    bool blocked;              /* the rules let it go, but it names something that is withheld */
    bool superseded;           /* a newer version is held */
    bool stopped;
    bool follows;            /* no rule releases or denies it: it comes along with what names it */
    bool untreated;          /* it would, but a rule asks for it to be changed, or holds its personal data */
    bool kept_along;         /* ...the latter alone, by `rule` */
    struct str blocked_by;   /* id of the first withheld reference; empty otherwise */
    bool blocked_by_unknown; /* ...which this node does not hold */
    struct str held_as;      /* ...but as this, which it minted from it; empty otherwise */
    struct str named;        /* id that its texts name and he has not: he gets it without; empty: none */
    struct str rule;
    struct str
        limited_by;   /* who gave it and lets it go on within `limit` only, which is not to this partner */
    struct str limit; /* "never"; empty: nobody */
    struct str approvers, basis; /* whose word lets this version go to him, and on what basis; empty: none */
    bool minted;                 /* he has it, as another object */
    struct str without;          /* he gets it, or got it, without these: selectors, a line each */
    const char *unmade;          /* why he cannot get it without these, for people; NULL: he can. Static */
    uint64_t lsn;                /* the copy that was looked at */
    struct stamp version;
    struct str variant_of;   /* an observable of which there are several: who brought this one; else empty */
    struct gate_rival rival; /* another copy of this version whose stricter marking binds */
    struct gate_rival aside; /* ...does not, because an operator lets the owner's marking stand */
    enum gate_beyond beyond; /* by what no approval ends; a copy that is out all the same goes with a step */
    int64_t room_us;         /* GATE_BEYOND_BUDGET: there is room again, now or then */
};
/* The index follows the log: merges what is due (or, with `any`, all that is durable). Blocking; no group may
 * be open. */
NODISCARD err_t gate_merge(struct gate *gate, bool any);
bool gate_merge_due(const struct gate *gate);
/* The same beside the writer: begin (which commits), run in any thread while the gate works on (it syncs the
 * ledgers' hashes first), done in the gate's thread. One at a time; gate_merge and gate_close must wait for
 * it. ERR_NOTFOUND: nothing is due. */
struct gate_merge;
NODISCARD err_t gate_merge_begin(struct gate *gate, struct gate_merge **out);
NODISCARD err_t gate_merge_run(struct gate_merge *merge);
NODISCARD err_t gate_merge_done(struct gate *gate, struct gate_merge *merge, err_t err);

/* One marking of an object as it is read now. Borrowed for the call. */
struct gate_marking {
    struct str id;
    bool granular;
    const char *state; /* "known", "statement", "unresolved", "unknown" */
    enum stix_tlp tlp; /* of "known", else NONE */
    const char *why;   /* how it was read, or why not */
    const char *keeps; /* why it keeps this object from the partner asked about; NULL: it does not */
};
/* Calls `each` for every marking reference of the newest version of `object` (the strictest variant of an
 * SCO), until it answers false. `partner`: whom `keeps` is about; -1: nobody. ERR_NOTFOUND. */
NODISCARD err_t gate_markings(struct gate *gate, const struct stix_key *object, int partner, int64_t now_us,
                              struct arena *arena,
                              bool (*each)(void *ctx, const struct gate_marking *marking), void *ctx);

/* Decides afresh without changing anything, for the newest version of `object` (the strictest variant of an
 * SCO). `step` may be NULL. ERR_NOTFOUND. Strings live in `arena`. */
NODISCARD err_t gate_explain(struct gate *gate, const struct stix_key *object, unsigned partner,
                             int64_t now_us, struct arena *arena,
                             void (*step)(void *ctx, const struct policy_step *step), void *ctx,
                             struct gate_why *out);

/* What the rules would say to this partner, started or not, of every object that is held, history included;
 * changes nothing. References are not followed: what names something withheld stays with it. `rule` is called
 * once for each rule that holds or denies something. Reads every object. */
struct gate_outlook {
    uint64_t released, held, denied;
};
NODISCARD err_t gate_outlook(struct gate *gate, unsigned partner, int64_t now_us, struct gate_outlook *out,
                             void (*rule)(void *ctx, struct str name, enum policy_effect effect,
                                          uint64_t count),
                             void *ctx);

struct gate_tally {
    uint64_t released, held, blocked, denied; /* newest versions, by partner */
};
NODISCARD err_t gate_tally(struct gate *gate, unsigned partner, struct gate_tally *out);
/* How many newest versions each rule holds or denies for this partner; closure counts under "closure". */
NODISCARD err_t gate_tally_rules(struct gate *gate, unsigned partner,
                                 void (*rule)(void *ctx, struct str name, enum policy_effect effect,
                                              uint64_t count),
                                 void *ctx);
/* What another policy would decide otherwise, over everything held, with what references need: what names
 * something withheld stays with it. Changes nothing. Budgets, and definitions and creators that merely come
 * along, are not looked at. */
enum gate_diff_kind {
    GATE_DIFF_RELEASED,  /* newly goes out */
    GATE_DIFF_HELD_BACK, /* would go by the policy in force, has not gone yet, and would stay */
    GATE_DIFF_WITHDRAWN, /* the partner has it, and would not have it any more */
    GATE_DIFF_WHOLE,     /* goes, or went, with something taken out, and would go as it is */
    GATE_DIFF_PART,      /* ...as it is, and would go with something taken out */
    GATE_DIFF_OTHER,     /* ...with something taken out, and would go with something else taken out */
    GATE_DIFF_DUTIES,    /* the same under other duties, which bind what goes from then on */
    GATE_DIFF_KEPT,      /* the rules would newly let it go, and it names what stays, or cannot be made */
    GATE_DIFF_LATER,  /* stays for now, and the rules would let it go, or more of it, when a time is over */
    GATE_DIFF_DENIED, /* waits, and would be denied: nobody would be asked about it any more */
    GATE_DIFF_HELD,   /* is denied, or nothing decided it yet, and would wait */
    GATE_DIFF_STAYS,  /* the partner has it, and would keep it; what comes of it from then on is held */
    GATE_DIFF_KINDS
};
/* Among what is taken out: texts and references that name what the partner does not have. */
#define GATE_DIFF_LACKING "!what-it-lacks"
/* What a policy says of it, before what it names is looked at. */
enum gate_diff_word {
    GATE_DIFF_NO_WORD, /* no policy */
    GATE_DIFF_RELEASE,
    GATE_DIFF_WAITS, /* a hold, or it names what stays */
    GATE_DIFF_DENY,
};
struct gate_diff_line {
    unsigned partner;
    struct str id;
    enum gate_diff_kind change;
    enum gate_diff_word now, then;
    struct str now_rule, then_rule;     /* "closure": it names what stays */
    struct str now_duties, then_duties; /* of these rules, as written */
    struct str shown;                   /* what was taken out and would not be, a line each */
    struct str hidden;                  /* what would be taken out and is not now, a line each */
    int64_t at_us;                      /* of GATE_DIFF_LATER: that time */
    /* Of what he loses: objects that stay with him as they came and name it as he knew it; minted ones that
     * name it, which stay so unless they can be made anew; and do more name it than were looked at? */
    size_t named_by, named_minted;
    bool named_more;
};
/* Looks at up to `most` frames from *cursor (0: the first) on and moves it; UINT64_MAX: that was all, or line
 * answered false. */
NODISCARD err_t gate_policy_diff(struct gate *gate, const struct policy *other, int64_t now_us,
                                 uint64_t *cursor, size_t most,
                                 bool (*line)(void *ctx, const struct gate_diff_line *line), void *ctx);

/* --- what is held --- */

/* What lets it go. */
enum gate_remedy {
    GATE_REMEDY_APPROVE,  /* operators' words */
    GATE_REMEDY_TIME,     /* by itself; an operator's word sooner */
    GATE_REMEDY_CLASSIFY, /* the marking `about` is a statement that nobody classified */
    GATE_REMEDY_ARRIVE,   /* the marking `about` is not held */
    GATE_REMEDY_RENEW,    /* the agreement `about` ended; empty: there is none */
    GATE_REMEDY_LIFT,     /* an operator stopped releases */
    GATE_REMEDY_NEWER,    /* its origin said that it is outdated: a newer version */
    GATE_REMEDY_RULE,     /* the rule's condition turns, or another policy */
    GATE_REMEDIES
};

struct gate_hold {
    unsigned partner;
    uint64_t lsn;
    struct str id, type;
    struct stamp version; /* zero: objects of this kind have none */
    struct str rule;
    int64_t since_us;
    int64_t remind_us, deadline_us; /* 0: none */
    enum policy_lapse lapse;        /* what happens at the deadline */
    unsigned approvals,
        approved; /* needed (0: an approval does not end it), and given so far by who counts */
    bool basis;   /* a word counts only with a basis */
    struct str approvers;
    enum gate_remedy remedy;
    struct str about;
};
/* All that rules hold back from a partner, but for what comes along with something else, waits for his
 * budget, or came before he did, or after his time with it. First what people have a time for, the longest
 * waiting first (`since_us`: that rule began to hold it); then the rest in order of arrival (`since_us`:
 * that). */
struct gate_queue { /* where a listing stands; zero: at the beginning */
    bool rest, end;
    int64_t since_us;
    uint64_t lsn;
};
/* Looks at up to `most` and moves *at, until visit answers false. */
NODISCARD err_t gate_holds(struct gate *gate, unsigned partner, int64_t now_us, struct gate_queue *at,
                           size_t most, bool (*visit)(void *ctx, const struct gate_hold *hold), void *ctx);
/* The one at `lsn`; what `out` borrows is good until the next call. ERR_NOTFOUND: it does not wait. */
NODISCARD err_t gate_hold_find(struct gate *gate, unsigned partner, uint64_t lsn, int64_t now_us,
                               struct gate_hold *out);
/* How many that lists. */
uint64_t gate_holds_count(const struct gate *gate, unsigned partner);
/* Of these, how many people have a time for, or approve. */
uint64_t gate_waiting_count(const struct gate *gate, unsigned partner);

/* --- out: ledgers, each by its number (record.h): a partner's own is that of his main one --- */

struct gate_ledger {
    struct ledger_origin origin; /* issuer = this node */
    uint64_t size;               /* leaves decided */
    uint64_t visible;            /* leaves covered by a durable checkpoint */
    struct hash visible_root;
    int64_t last_time_us; /* of the last visible leaf; 0 when empty */
    uint64_t receipted;   /* size of the last receipt; 0: none */
    uint64_t refused;     /* of the last disposition note */
    int64_t receipted_us;
    bool stopped;    /* a replayed root differed: nothing of it is served */
    uint64_t policy; /* changes with the policy in force: what may be given of the leaves may be less now */
    /* Rises whenever something that this partner had, or that its readers might get, may not leave any more:
     * another policy, a spill of what it had, a partner no longer started, a ledger that was stopped. Never
     * because of anything that it had not (DESIGN 2.4), nor because of a release. Counts from the start of
     * this program. */
    uint64_t taken;
};
NODISCARD err_t gate_ledger(const struct gate *gate, unsigned ledger, struct gate_ledger *out);

/* Checkpoints that want signing: the keeper signs, gate_signed logs. At most one request a ledger is out at a
 * time. */
struct gate_sign_request {
    unsigned ledger;
    struct ledger_origin origin;
    uint64_t old_size; /* last signed; the keeper knows its root */
    size_t count;      /* checkpoints wanted, rising in size */
    struct {
        uint64_t size;
        struct hash root;
        struct merkle_proof proof; /* consistency with the one before */
    } at[16];
};
/* False when nothing of this ledger waits for a signature. */
bool gate_sign_next(struct gate *gate, unsigned ledger, struct gate_sign_request *out);
/* The keeper did not answer: ask again later. */
void gate_sign_abandon(struct gate *gate, unsigned ledger);
/* The keeper has signed `size` leaves before, and a crash took the CHECKPOINT: the next request ends there,
 * so that it can sign the same again. False when the log does not reach that far: it was restored (DESIGN
 * 4.15). */
bool gate_sign_again(struct gate *gate, unsigned ledger, uint64_t size);
/* The kept checkpoint of exactly this size shall be signed once more, under a new key: it is asked for before
 * anything else. Forgotten at a restart. False: there is none, or it is not visible. */
bool gate_sign_anew(struct gate *gate, unsigned ledger, uint64_t size);
/* Partners (as a mask) for whom one is wanted, in either of their ledgers. */
uint64_t gate_sign_anew_wanted(const struct gate *gate);
/* `notes`: one signed checkpoint each. Logged; visible after the next gate_commit. */
NODISCARD err_t gate_signed(struct gate *gate, const struct gate_sign_request *request,
                            const struct str *notes, int64_t now_us);

/* --- vouchers: the origin's signature goes with an object (docs/decisions/0150) --- */

/* From now on this partner gets what origins signed: this node of what entered here, others of what it passes
 * on. Until somebody says so he gets none, because it names the origin. */
NODISCARD err_t gate_vouch(struct gate *gate, unsigned partner, bool with, const struct gate_by *by,
                           int64_t now_us);
bool gate_vouches(const struct gate *gate, unsigned partner);

/* What the keeper is asked to sign before a checkpoint covers it. */
struct gate_vouching {
    unsigned partner;
    uint64_t from, to; /* leaves of his main ledger */
    size_t count;      /* 1 to LIMIT_CHECKPOINT_LEAVES */
    struct gate_vouch {
        struct hash content; /* of the object's bytes */
        struct str limits;
        struct stix_key key;
        uint64_t lsn;
    } * at;
};
/* NULL: nothing of this partner's wants it now, or something is out already. The gate's, until gate_vouched
 * or gate_vouch_skip. */
const struct gate_vouching *gate_vouch_next(struct gate *gate, unsigned partner);
/* What is out; NULL. */
const struct gate_vouching *gate_vouch_out(const struct gate *gate);
/* A signature for each, by the key of that id. Logged; then a checkpoint may cover these leaves. */
NODISCARD err_t gate_vouched(struct gate *gate, uint16_t suite, uint32_t key_id,
                             const struct signature *signatures, int64_t now_us);
/* The keeper signs none of it: these leaves go without. */
void gate_vouch_skip(struct gate *gate);
/* The keeper could not be asked: ask again later. */
void gate_vouch_abandon(struct gate *gate);

/* One leaf as the partner gets it. */
struct gate_leaf {
    struct leaf leaf;
    struct leaf_opening opening;
    struct bytes object; /* exact bytes; empty for contentless ops, and when withheld */
    bool withheld; /* its time in the view is over: neither bytes nor opening are for the partner any more */
    bool closed;   /* its content was destroyed, and nobody can open it: `opening` is nothing */
    struct str id; /* of the object; empty for contentless ops */
    struct str version; /* text of modified (created) as in the object; empty for SCOs and where there is
                           none:  date_added stands for it */
    struct stix_key key;
    struct stamp stamp;
    uint8_t hops;
    struct str
        limits; /* how far the partner may pass it on (SYNC.md section 4), a line each; empty: no word */
    struct hash limits_salt; /* with them: opens the leaf's salt (ledger_limited_salt) */
    struct bytes trail;      /* which nodes made it anew, LIMIT_TRAIL_BYTES (SYNC.md section 4); or empty */
    struct bytes voucher;    /* what its origin signed (ledger/voucher.h), where he gets such; or empty */
    uint64_t lsn;            /* where what it brings stands here; 0: it brings nothing */
    bool entered_here;       /* no other node has had it: its origin is this one */
};
/* Visits visible leaves from `seq` on, in order, until visit answers false. ERR_BUSY: a policy that came into
 * force denies the next one, and gate_step has not told the partner yet; what stands before it was visited.
 */
NODISCARD err_t gate_leaves(struct gate *gate, unsigned ledger, uint64_t seq,
                            bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx);
/* Whose content would gate_leaves give now? One bit for each of the `count` visible leaves from `from` on,
 * the highest of a byte first, into `bits`, which is zero. No bytes are read. ERR_BUSY as gate_leaves. */
NODISCARD err_t gate_leaves_given(struct gate *gate, unsigned ledger, uint64_t from, size_t count,
                                  uint8_t *bits);
/* First visible leaf with time > after_us; `visible` when there is none. */
NODISCARD err_t gate_leaf_after(struct gate *gate, unsigned ledger, int64_t after_us, uint64_t *out_seq);
/* Visible leaves that carry a version or variant of this object, newest first. */
NODISCARD err_t gate_leaves_of(struct gate *gate, unsigned partner, const struct stix_key *object,
                               bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx);
/* As gate_leaves, for readers who ask for no proofs: of `leaf` only op, seq and time_us are filled in, of
 * `opening` nothing. */
NODISCARD err_t gate_leaf_objects(struct gate *gate, unsigned ledger, uint64_t seq,
                                  bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx);
/* What the index knows of such a leaf: no bytes are read. */
struct gate_leaf_version {
    uint64_t seq;
    int64_t time_us;
    enum leaf_op op;
    uint64_t subject_seq; /* LEAF_SUBJECT_NONE, or what the leaf is about */
    bool has_object;
    bool superseded;    /* the partner was, or is about to be, told that it is no longer current */
    bool versionless;   /* an SCO, or it states no time (the first second of 1970 counts as none) */
    struct stamp stamp; /* zero when versionless */
};
/* As gate_leaves_of. */
NODISCARD err_t gate_leaf_versions(struct gate *gate, unsigned partner, const struct stix_key *object,
                                   bool (*visit)(void *ctx, const struct gate_leaf_version *version),
                                   void *ctx);
/* The kept checkpoint with the smallest size >= `size`, whole note. ERR_NOTFOUND. */
NODISCARD err_t gate_checkpoint(struct gate *gate, unsigned ledger, uint64_t size, uint64_t *out_size,
                                struct buf *note);
/* Root, proofs and tiles over the visible part. */
NODISCARD err_t gate_root(struct gate *gate, unsigned ledger, uint64_t size, struct hash *out);
NODISCARD err_t gate_consistency(struct gate *gate, unsigned ledger, uint64_t old_size, uint64_t size,
                                 struct merkle_proof *out);
NODISCARD err_t gate_inclusion(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t size,
                               struct merkle_proof *out);
NODISCARD err_t gate_tile(struct gate *gate, unsigned ledger, struct str path, struct buf *out);
/* What the issuer commitment of a visible leaf opens to (leaf_reason_encode), for oversight, never for the
 * partner: whoever calls writes down who asked and why. Destroyed content keeps its reason. ERR_NOTFOUND: no
 * such leaf. *out_lsn: the object that it was about, whatever was minted of it. */
NODISCARD err_t gate_leaf_reason(struct gate *gate, unsigned ledger, uint64_t seq, struct leaf *out_leaf,
                                 uint64_t *out_lsn, struct buf *out);
/* What gate_receipt was given last, and its size. ERR_NOTFOUND: nothing. */
NODISCARD err_t gate_receipt_notes(struct gate *gate, unsigned ledger, uint64_t *out_size, struct buf *out);
/* The partner's verified cosignature and disposition note; verifying is sync's. Logged, durable after
 * gate_commit. */
NODISCARD err_t gate_receipt(struct gate *gate, unsigned ledger, uint64_t size, uint64_t refused,
                             struct bytes notes, int64_t now_us);

/* --- in: a partner's ledgers, by the same numbers --- */

struct gate_cursor {
    uint32_t epoch;
    struct merkle_edge edge; /* edge.size: leaves taken over */
    uint64_t refused;        /* leaves of it whose object was refused */
    struct hash refused_digest;
    struct buf note; /* the issuer's checkpoint at that size; deinit with buf_deinit */
};
/* ERR_NOTFOUND before the first page. */
NODISCARD err_t gate_cursor(struct gate *gate, unsigned ledger, struct gate_cursor *out);

/* One verified leaf of a page. */
struct gate_received {
    struct leaf leaf;
    struct leaf_opening opening;
    struct bytes object; /* followed by JSON_PADDING readable bytes; empty for contentless ops */
    uint8_t hops;
    struct str limits;  /* how far it may go on from here, a line each; empty: nothing was said */
    struct bytes trail; /* which nodes made it anew, LIMIT_TRAIL_BYTES; empty: nothing was said */
    struct gate_voucher voucher;
    bool withheld; /* the leaf came alone: its issuer gives the content no more. Counts as refused */
    bool refused;  /* result */
    uint16_t code; /* result: err_t of the refusal that the partner may learn */
};
/* Takes over a page that sync has verified completely, and moves the cursor in the same group. Durable, and
 * only then to be receipted, after gate_commit. */
NODISCARD err_t gate_receive(struct gate *gate, unsigned ledger, struct gate_received *leaves, size_t count,
                             const struct gate_cursor *cursor, int64_t now_us);

/* Of which of the `count` leaves from `from` on of a partner's main ledger in this epoch does something stand
 * here (refused objects, and what was destroyed since, count), and did not end by his word? Bits as
 * gate_leaves_given. */
NODISCARD err_t gate_leaves_held(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t from,
                                 size_t count, uint8_t *bits);
/* Does what this one leaf brought stand here, whatever was said of it since, and was neither called back nor
 * destroyed? */
bool gate_leaf_stands(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t seq);
/* Takes over once more what verified leaves brought that were taken over before and are lost: as
 * gate_receive, and the cursor stays. All have content. */
NODISCARD err_t gate_receive_again(struct gate *gate, unsigned ledger, struct gate_received *leaves,
                                   size_t count, int64_t now_us);

/* --- looking --- */

struct gate_object {
    uint64_t lsn;
    struct bytes bytes;
    struct record_envelope envelope;
    bool newest, assertion, quarantined, current_view; /* current_view: not superseded by its owner */
    uint64_t released;                                 /* partners that have it */
    struct bytes original;       /* what it was minted from; empty: it is held as it came */
    struct str mended;           /* what was changed then */
    struct gate_voucher voucher; /* what its origin signed, as it came */
};
/* Every copy held of one id: versions in order, then variants. */
NODISCARD err_t gate_versions(struct gate *gate, const struct stix_key *object,
                              bool (*visit)(void *ctx, const struct gate_object *object), void *ctx);
/* Whom an id has reached already, a bit a partner; no bytes are read. */
struct gate_reach {
    bool held;         /* something is held under it, in quarantine or not */
    uint64_t released; /* by a leaf, signed or not */
    uint64_t given;    /* it came from there */
    uint64_t gone;     /* either of these, of copies whose content was destroyed since */
};
NODISCARD err_t gate_reach(struct gate *gate, const struct stix_key *object, struct gate_reach *out);
/* Objects that came from one source, in order of arrival, from lsn `from` (workspaces, inboxes). */
NODISCARD err_t gate_source_objects(struct gate *gate, uint32_t source, uint64_t from,
                                    bool (*visit)(void *ctx, const struct gate_object *object), void *ctx);
/* What one source submitted under this id, in order of version, then of arrival; no bytes are read. What
 * another source had brought before counts like anything else: a source must not learn that somebody holds
 * it. */
struct gate_submitted {
    uint64_t lsn; /* as in gate_source_objects */
    struct stamp version;
    bool versionless; /* as in gate_leaf_version */
};
NODISCARD err_t gate_source_versions(struct gate *gate, uint32_t source, const struct stix_key *object,
                                     bool (*visit)(void *ctx, const struct gate_submitted *submitted),
                                     void *ctx);

/* Every frame, every index entry, every root. Calls `line` for each finding; *out_bad counts them. */
NODISCARD err_t gate_check(struct gate *gate, void (*line)(void *ctx, const char *text), void *ctx,
                           uint64_t *out_bad);
