/* What the gate writes into log frames (docs/protocol/LOG.md, "Payloads"): encoders and strict decoders,
 * nothing else.
 *
 * A payload begins with its version byte; an unknown version is ERR_VERSION, never guessed at. Decoded
 * structs borrow from the payload. Everything an outsider could have chosen (ids, texts, markings) stands in
 * the sealed part of OBJ and QUAR; an envelope shows only what the node itself decided. Pure; any thread. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"
#include "core/limit.h"
#include "stix/stix.h"

/* --- a partner's ledgers, by number: the main one has his own, the urgent one (LEDGER.md section 1) stands
 * as many behind it as there may be partners --- */

enum { GATE_LEDGERS = 2 * LIMIT_PARTNERS };

static inline unsigned gate_urgent(unsigned partner)
{
    return partner + LIMIT_PARTNERS;
}

static inline unsigned gate_ledger_partner(unsigned ledger)
{
    return ledger % LIMIT_PARTNERS;
}

static inline bool gate_ledger_is_urgent(unsigned ledger)
{
    return ledger >= LIMIT_PARTNERS;
}

/* --- OBJ, SEEN, QUAR: the envelope --- */

enum record_object_flag {
    RECORD_OBJECT_ASSERTION =
        1, /* a version by someone who is not the owner: kept, never supersedes (DESIGN 5) */
    RECORD_OBJECT_REWRITE =
        2, /* the owner's later copy under the same (id, modified), from a source declared `rewrites` */
    RECORD_OBJECT_UNWALKED = 4, /* its source had spent its steps when it came: what its patterns match is
                                   never walked (safety.c) */
};

struct record_envelope {
    uint32_t source;     /* the source's number, given when it was first declared */
    uint8_t flags;       /* enum record_object_flag */
    uint64_t seq;        /* from a partner: 1 + number of the leaf that brought it; 0: not from a ledger */
    uint8_t hops;        /* nodes it passed before this one */
    uint8_t reason;      /* QUAR: enum record_quarantine; 0 otherwise */
    int64_t received_us; /* our clock */
    uint64_t about; /* SEEN: the OBJ it repeats; QUAR for a conflict: the OBJ it conflicts with, for a piece:
                       the first piece (0: it is the first); else 0 */
};

enum record_quarantine {
    RECORD_QUARANTINE_NONE,
    RECORD_QUARANTINE_REFUSED,  /* broke a rule: the sealed part starts with the fault */
    RECORD_QUARANTINE_CONFLICT, /* same (id, modified), other content: newer arrival */
    RECORD_QUARANTINE_PIECE,    /* refused because larger than an object: one of several, sealed as REFUSED */
    RECORD_QUARANTINE_MENDED,   /* waits for nobody: what the OBJ `about` was minted from, sealed as REFUSED,
                                   the   changes in the place of the fault */
    RECORD_QUARANTINE_FOREIGN,  /* refused before it was STIX, by what converts its format; sealed as REFUSED
                                 */
};

void record_envelope_write(struct buf *out, const struct record_envelope *envelope);
NODISCARD err_t record_envelope_read(struct bytes payload, struct record_envelope *out);

/* The sealed part of a QUAR: why, then the bytes as they came. */
void record_fault_write(struct buf *out, const struct fault *fault, struct bytes refused);
NODISCARD err_t record_fault_read(struct bytes sealed, struct fault *out_fault, struct bytes *out_refused);

/* --- MINT: an object made for one partner --- */

struct record_mint {
    struct record_envelope envelope; /* source and hops of the OBJ; `about`: that OBJ; when it was made */
    uint8_t partner;
    struct hash profile; /* SHA-256 over the profile */
};

void record_mint_write(struct buf *out, const struct record_mint *mint);
NODISCARD err_t record_mint_read(struct bytes payload, struct record_mint *out);

/* The sealed part of a MINT. */
struct record_minted {
    struct stix_key source; /* of the object that it was made of */
    struct str profile;     /* what was taken out, a line each; may be empty */
    struct bytes trail;     /* goes beside it, LIMIT_TRAIL_BYTES; empty: made by an earlier version */
    uint8_t kind;           /* enum record_mint_kind */
    struct bytes object;
};
enum record_mint_kind {
    RECORD_MINT_OBJECT,  /* in the place of its source */
    RECORD_MINT_DERIVED, /* the relationship that says so, for who holds the source as well */
};
void record_minted_write(struct buf *out, const struct record_minted *minted);
NODISCARD err_t record_minted_read(struct bytes sealed, struct record_minted *out);

/* --- SECRET: the envelope says what the secret of the frame's slot is for; nothing is sealed --- */

enum record_secret_purpose {
    RECORD_SECRET_MINTING = 1,
    RECORD_SECRET_WORDS, /* of a day: words.h */
};

struct record_secret {
    enum record_secret_purpose purpose;
    int64_t from_us; /* WORDS: when the day began */
};

void record_secret_write(struct buf *out, const struct record_secret *secret);
NODISCARD err_t record_secret_read(struct bytes payload, struct record_secret *out);

/* --- DECIDE --- */

/* What happens to one object in one DECIDE. Entries are in release order: definitions, creators, observables,
 * objects, relationships, containers, each by arrival. One object has two entries when its leaves differ:
 * SUPERSEDE for partners that hold an older version, RELEASE for the others. */
struct record_entry {
    uint64_t lsn;      /* the OBJ; its secret gives the salts of the leaves */
    uint64_t about;    /* the OBJ that the partner holds and the leaf is about, or 0; == lsn: no content */
    uint8_t op;        /* enum ledger_op of the leaves that this entry makes */
    uint16_t approver; /* index into the DECIDE\'s names; RECORD_NAME_NONE: nobody was asked */
    uint16_t class;    /* index into the DECIDE's classes; no meaning for contentless ops */
    uint64_t release;  /* partners that get a leaf now */
    uint64_t blocked;  /* partners whose rules would release it, but something it refers to is withheld */
    int64_t change_us; /* decide again then; INT64_MAX: never */
};

/* One outcome of the rules, shared by the objects that had it. */
struct record_class {
    uint64_t release; /* by the rules alone, before closure */
    uint64_t hold;
    uint16_t rule[LIMIT_PARTNERS];  /* by partner index: the rule's name in the DECIDE's names; known partners
                                       only */
    uint16_t terms[LIMIT_PARTNERS]; /* likewise: what of the duties outlasts the release (LOG.md);
                                       RECORD_NAME_NONE: nothing */
};

/* Where a ledger stood before this DECIDE. */
struct record_start {
    uint8_t ledger; /* of a partner, by number: gate.h */
    uint32_t epoch;
    uint64_t seq;    /* of the first leaf that this DECIDE gives to it */
    int64_t time_us; /* of that leaf; the next one is a microsecond later, and so on */
};

enum { RECORD_NAME_NONE = 0xffff, RECORD_NAMES_MAX = 8192 };

struct record_decide {
    uint64_t from, to; /* decided log positions [from, to): next.from == this.to; equal for jobs */
    uint64_t policy;   /* lsn of the POLICY frame; 0: no policy, all denied */
    int64_t now_us;
    uint64_t partners;   /* mask of the partners that were decided for */
    uint32_t job;        /* number of the job whose cursor moves here; 0: none */
    uint64_t job_cursor; /* where that job goes on; UINT64_MAX: it is done */
    struct hash policy_digest;
    const struct str *names; /* of rules and approvers: a DECIDE needs no other frame to be understood */
    size_t name_count;
    const struct record_start *starts;
    size_t start_count;
    const struct record_class *classes;
    size_t class_count;
    const struct record_entry *entries;
    size_t entry_count;
};

void record_decide_write(struct buf *out, const struct record_decide *decide);
/* Arrays are laid out in the arena. Entries with masks outside `partners`, a class out of range: ERR_CORRUPT.
 */
NODISCARD err_t record_decide_read(struct bytes payload, struct arena *arena, struct record_decide *out);
/* The start of `ledger` in it; NULL when it got no leaf. */
const struct record_start *record_decide_start(const struct record_decide *decide, unsigned ledger);
/* In which of the partner's ledgers a leaf of this entry stands: a recall in the urgent one, where the DECIDE
 * says that one begins to be, or goes on. */
unsigned record_entry_ledger(const struct record_decide *decide, const struct record_entry *entry,
                             unsigned partner);
/* Does the entry give a leaf to this ledger? */
bool record_entry_in(const struct record_decide *decide, const struct record_entry *entry, unsigned ledger);

/* --- JOB: a fact that an operator stated, which may ask for old decisions to be made again --- */

/*    name, number in the log (never reused), what its key is */
#define RECORD_FACT_LIST(X)                                                                                  \
    X(SOURCE, 1, "source name")                                                                              \
    X(MARKING, 2, "object key of a marking-definition")                                                      \
    X(TAG, 3, "object key")                                                                                  \
    X(PEER, 4, "audience name")                                                                              \
    X(IDENTITY, 5, "object key of an identity")                                                              \
    X(APPROVAL, 6, "object key")                                                                             \
    X(QUARANTINE, 7, "lsn of a QUAR")                                                                        \
    X(STOP, 8, "kind and name: partner, source or rule")                                                     \
    X(HISTORY, 9, "audience name")                                                                           \
    X(NODE, 10, "setting")                                                                                   \
    X(RECHECK, 11, "object key")                                                                             \
    X(TOLD, 12, "lsn of an object: its origin said that it is no longer current")                            \
    X(EXTENSION, 13, "object key of an extension-definition")                                                \
    X(REPEATS, 14, "source number and week: how much it sent again that changed nothing")                    \
    X(INBOUND, 15, "source name: what is accepted from it")                                                  \
    X(LIST, 16, "name of a list of values that must not go out by mistake")                                  \
    X(LIST_PART, 17, "slot, number and name: a part of such a list's text")                                  \
    X(SPILL, 18, "keyed digest of source and content that must not be here")                                 \
    X(LIMITED, 19, "object key and lsn of an object: how far those who gave it let it go on")                \
    X(TRAIL, 20, "object key and lsn of an object: which nodes made it anew on its way here")                \
    X(RECALL, 21, "source number and leaf: what a partner called back by it")                                \
    X(AGAIN, 22, "source number and leaf: what a partner sent again by it, lsn of an object")                \
    X(ANSWER, 23, "partner and leaf: what a holder answered to a recall")                                    \
    X(NODELOG, 24, "of the log of the node: an entry, a checkpoint, a witness, an epoch (nodelog.c)")        \
    X(VOUCHER, 25, "object key and lsn of an object, and which limits: what its origin signed (voucher.c)")  \
    X(WORD, 26, "digest of who says what, and how often he did: what an operator signed (word.c)")           \
    X(UNSAID, 27, "lsn of an object: who brought it called it back, and it stays by others' word")           \
    X(HALT, 28, "audience name: the link from that partner stands still")                                    \
    X(LEGAL, 29, "object key: an order to keep it as evidence")                                              \
    X(RIVAL, 30, "a letter, object key or source number: others' stricter copies, and words about them")     \
    X(AHEAD, 31, "source number and leaf: called back before it came")

enum record_fact_kind {
#define X(name, number, key) RECORD_FACT_##name = (number),
    RECORD_FACT_LIST(X)
#undef X
};

struct record_fact {
    enum record_fact_kind kind;
    struct bytes key;   /* at most RECORD_FACT_KEY_MAX */
    struct bytes value; /* empty: the fact is withdrawn */
    struct str by;      /* operator */
    struct str because; /* sealed (words.h) where people say it */
    int64_t at_us;
};

enum {
    RECORD_FACT_KEY_MAX = 96,
    RECORD_FACT_VALUE_MAX = 64 * 1024,
    RECORD_TEXT_MAX = 1024,
    RECORD_WORDS_MAX = RECORD_TEXT_MAX + 42, /* sealed */
};

void record_fact_write(struct buf *out, const struct record_fact *fact);
NODISCARD err_t record_fact_read(struct bytes payload, struct record_fact *out);

/* --- POLICY --- */

struct record_policy {
    int64_t at_us;
    struct str by;
    struct str text;
};

void record_policy_write(struct buf *out, const struct record_policy *policy);
NODISCARD err_t record_policy_read(struct bytes payload, struct record_policy *out);

/* --- CHECKPOINT, CURSOR, RECEIPT: signed notes with the tree they speak of --- */

struct record_note {
    uint8_t ledger;
    uint32_t epoch;
    uint64_t size;
    struct hash root;
    int64_t at_us;
    struct bytes edge; /* CURSOR: the right edge (frontier) of the followed ledger */
    struct bytes note; /* CHECKPOINT: ours; CURSOR: the issuer's; RECEIPT: the partner's cosignature and
                          disposition note */
};

void record_note_write(struct buf *out, const struct record_note *note);
NODISCARD err_t record_note_read(struct bytes payload, struct record_note *out);

/* --- RECALL, PURGED: content that is destroyed (DESIGN 4.11) --- */

enum record_cause {
    RECORD_CAUSE_SPILL = 1, /* it must not be here */
    RECORD_CAUSE_RETENTION, /* it was kept as long as it is to be kept */
    RECORD_CAUSE_RECALL,    /* it was called back */
};

enum record_gone_flag { RECORD_GONE_DERIVED = 1 /* a MINT that was no copy of its source */ };

/* A frame whose content goes. */
struct record_gone {
    uint64_t lsn;
    uint8_t flags;
    uint32_t size; /* of the object that its leaves were about; 0: it had none */
};

/* What a leaf needs that its secret gave. Neither tells of the content. */
struct record_gone_leaf {
    uint8_t ledger;
    uint64_t seq;
    struct hash opening; /* with content: the commitment; without: the salt that opens it */
    struct hash issuer;  /* the salt that opens its reason to oversight */
};

struct record_recall {
    enum record_cause cause;
    int64_t at_us;
    struct str by, because;
    const struct record_gone *gone; /* rising by position */
    size_t gone_count;              /* 1 to LIMIT_RECALL_FRAMES */
    const struct record_gone_leaf *leaves;
    size_t leaf_count;
};

void record_recall_write(struct buf *out, const struct record_recall *recall);
/* Arrays are laid out in the arena. */
NODISCARD err_t record_recall_read(struct bytes payload, struct arena *arena, struct record_recall *out);

/* Everything that the RECALL at `recall` names is gone from this node. */
struct record_purged {
    uint64_t recall;
    int64_t at_us;
    uint8_t unsure; /* copies of the key file of which that cannot be confirmed; another PURGED may follow */
};

void record_purged_write(struct buf *out, const struct record_purged *purged);
NODISCARD err_t record_purged_read(struct bytes payload, struct record_purged *out);
