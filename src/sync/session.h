/* The follower's side of synchronisation (docs/protocol/SYNC.md): follows one partner's ledger, as a step
 * machine without sockets, clock or keys. Bytes and time go in; requests, a wish to commit, and things to
 * sign come out:
 *
 *     while (sync_session_next(session, now, &action), action.kind != SYNC_NOTHING)
 *         SEND    send the request; sync_session_coming while its answer comes in; later
 *                 sync_session_answer or sync_session_failed with its id
 *         COMMIT  gate_commit (one for any number of sessions); then sync_session_committed
 *         SIGN    let the keeper sign; then sync_session_signed
 *         ANSWER  likewise; then sync_session_recall_signed
 *     call again after any of these, and at action.until_us at the latest
 *
 * Verification comes before belief: nothing of a page reaches the gate before signature, consistency, every
 * leaf, every opening and the root have been verified in memory. The next page is asked for while the one
 * before is stored and receipted. Messages may be lost, repeated or late; an answer to a request that is not
 * out any more is ignored. After a restart a new session goes on from gate_cursor.
 *
 * The urgent ledger beside it (LEDGER.md section 1) is followed by the same session, with requests of its
 * own, where the issuer keeps one: a recall waits behind no page.
 *
 * A ledger that contradicts itself stops the link with an alarm (SYNC_ALARM), which the log keeps with the
 * evidence (gate/halt.h): also a later session stands still until an operator lets the link go on, and
 * sync_session_start is called again. It is never silently synchronised over.
 *
 * Borrows the gate. One thread, the gate's. */
#pragma once

#include "gate/gate.h"
#include "ledger/cosign.h"
#include "net/exchange.h"
#include "sync/cards.h"
#include "sync/latency.h"
#include "sync/recall.h"

struct sync_session;

struct sync_session_setup {
    struct gate *gate;
    unsigned partner;             /* index in the gate */
    const struct sync_card *card; /* the partner's, verified; copied */
    const struct sync_card *next; /* the one that is to follow it, or NULL; copied */
    const struct sync_own *own;   /* ours, which the partner is shown; NULL: none. Borrowed */
    struct str node;              /* our node name: the holder that signs; copied */
    uint64_t seed;                /* of the jitter; any number, another for each session */
    const struct diag *diag;
};

/* Reads the cursor. Idle until started. ERR_CORRUPT when the cursor's checkpoint is not one. */
NODISCARD err_t sync_session_new(const struct sync_session_setup *setup, struct sync_session **out);
void sync_session_free(struct sync_session *session);

/* Begins, or begins again after a stop or an alarm, from what is durable. A link that stands still
 * (gate/halt.h) goes on doing so: SYNC_ALARM. */
NODISCARD err_t sync_session_start(struct sync_session *session, int64_t now_us);
/* An operator let the link go on (gate_resume): sync_session_start is to be called. */
bool sync_session_resumable(const struct sync_session *session);
/* Forgets what is under way (late answers are ignored); a page that waits for its commit may still be
 * committed. */
void sync_session_stop(struct sync_session *session);
/* Other cards of the same partner: the present one, and the one that is to follow it or NULL. */
void sync_session_card(struct sync_session *session, const struct sync_card *card,
                       const struct sync_card *next);
/* Did the partner's cards change by what came in (they are in the gate), since this was last asked? */
bool sync_session_news(struct sync_session *session);

struct sync_send { /* borrowed until the next call into the session */
    uint64_t id;   /* rising from 1 in each session */
    enum exchange_method method;
    struct str path, query;
    const char *content_type; /* NULL without a body */
    struct bytes body;
    bool any_key;       /* whoever answers, by whatever TLS key: cards are shown, which nobody need believe */
    int64_t quiet_us;   /* give up when nothing of the answer came for so long (sync_session_coming) */
    int64_t timeout_us; /* give up after so long, whatever comes */
};

struct sync_sign {             /* borrowed until the next call into the session */
    struct str checkpoint;     /* the issuer's whole note: verified, its leaves durably taken over */
    struct str text;           /* of that note: what the cosignature is over */
    struct disposition wanted; /* what the disposition note shall say */
};

enum sync_action_kind { SYNC_NOTHING, SYNC_SEND, SYNC_COMMIT, SYNC_SIGN, SYNC_ANSWER };

struct sync_action {
    enum sync_action_kind kind;
    struct sync_send send;
    struct sync_sign sign;
    struct sync_recall_done answer; /* borrowed until the next call into the session */
    int64_t until_us; /* SYNC_NOTHING: nothing to do before, unless something comes in; INT64_MAX: never */
};

void sync_session_next(struct sync_session *session, int64_t now_us, struct sync_action *out);

/* The most that the body of an answer may hold: what to give the transport as its limit. */
#define SYNC_ANSWER_BYTES_MAX LIMIT_SYNC_PAGE_BYTES
/* Takes `body` over (it is left empty, with its limit). Any status. */
void sync_session_answer(struct sync_session *session, uint64_t id, unsigned status, struct buf *body,
                         int64_t now_us);
/* More of the answer has come in, of a line so slow that the whole takes long: it is waited for. Worth saying
 * once a second. */
void sync_session_coming(struct sync_session *session, uint64_t id, int64_t now_us);
/* No answer: not reachable, broken off, timed out. */
void sync_session_failed(struct sync_session *session, uint64_t id, err_t err, int64_t now_us);
/* gate_commit answered `err`; now_us is after it. Anything but ERR_OK ends the session until it is started
 * again: the gate is read-only. */
void sync_session_committed(struct sync_session *session, err_t err, int64_t now_us);
/* The keeper signed for `size` (of sync_sign.wanted): signature line and whole disposition note. On an error
 * the wish is repeated after a while. */
void sync_session_signed(struct sync_session *session, err_t err, uint64_t size, struct str cosignature,
                         struct str disposition, int64_t now_us);

/* The keeper signed the answer to the recall at `seq`: whole note. On an error the wish is repeated after a
 * while. */
void sync_session_recall_signed(struct sync_session *session, err_t err, uint64_t seq, struct str note,
                                int64_t now_us);

/* --- pages that came in a bundle (docs/protocol/BUNDLE.md) --- */

/* Verifies and takes over a page as if it had been asked for; its commit is wanted next. It may begin before
 * what is held, and must end behind it. Takes `body` over when it succeeds. ERR_BUSY: commit first;
 * ERR_WRONGSTATE: not followed now; ERR_CONFLICT: of another ledger; ERR_PROOF: equivocation, the link
 * stopped with an alarm; else the page is refused, and nothing of it was taken. */
NODISCARD err_t sync_session_carried(struct sync_session *session, struct str origin, struct buf *body,
                                     int64_t now_us, struct fault *fault);
/* Nothing verified waits for its commit. */
bool sync_session_resting(const struct sync_session *session);
/* A report is to be made, even if the issuer cannot be reached: the receipt for all that is held, and, where
 * the link is not up, the answers to recalls that the issuer has not got. ERR_NOTFOUND: nothing is held. */
NODISCARD err_t sync_session_report_want(struct sync_session *session);
/* Its text, once all of it was signed, and the size that the receipt in it is for. Borrowed until the next
 * call.
 */
bool sync_session_report_get(const struct sync_session *session, struct str *out, uint64_t *out_size);

/* --- is what was taken over still here? (docs/protocol/RECONCILE.md) --- */

struct sync_reconciled { /* of the run that is under way, or of the last one; zero: there was none */
    bool running;
    uint64_t run;     /* their number in this session */
    int64_t ended_us; /* 0: never; stands in the log */
    err_t err;        /* ERR_OK: compared to the end; else `what` says what happened */
    char what[FAULT_WHAT_MAX];
    uint64_t size;                       /* leaves compared */
    uint64_t missing;                    /* that the issuer gives and were not here: */
    uint64_t mended;                     /* ...taken over again */
    uint64_t refused;                    /* ...refused by our rules once more */
    uint64_t moved;                      /* ...taken back meanwhile */
    uint64_t left;                       /* ...for the next run */
    uint64_t given_no_more;              /* held here, and neither given any more nor called back */
    unsigned round_trips, fetches;       /* questions that were answered; requests for leaves */
    uint64_t sent_bytes, received_bytes; /* of the bodies of both */
    uint64_t find_bytes;                 /* ...of questions and their answers alone */
};

/* Compares once a day by itself. Now: ERR_BUSY: it does already; ERR_WRONGSTATE: the link does not stand, or
 * nothing is held; ERR_UNSUPPORTED: the issuer's program answers no such questions. */
NODISCARD err_t sync_session_reconcile(struct sync_session *session, int64_t now_us);
const struct sync_reconciled *sync_session_reconciled(const struct sync_session *session);

/* --- watching --- */

enum sync_state {
    SYNC_IDLE,    /* not started, or stopped */
    SYNC_HELLO,   /* comparing */
    SYNC_FEED,    /* following */
    SYNC_WAITING, /* after a failure, until next_try_us */
    SYNC_ALARM,   /* stopped for good: an operator has to look */
};
const char *sync_state_word(enum sync_state state);

struct sync_trouble { /* the last one; err == ERR_OK: none since the last success */
    err_t err;
    char what[FAULT_WHAT_MAX]; /* what happened and why */
    const char *next;          /* what to do; static */
    int64_t at_us;
};

struct sync_status {
    enum sync_state state;
    struct sync_trouble trouble;
    struct str origin;         /* of the followed ledger; empty before the first hello. Borrowed */
    uint64_t offered;          /* leaves that the issuer said it has for us */
    uint64_t verified;         /* leaves verified */
    uint64_t held;             /* leaves durably taken over... */
    struct hash root;          /* ...and their root */
    uint64_t refused;          /* of those, refused by our rules */
    uint64_t acknowledged;     /* size that the issuer holds our receipt for */
    uint64_t pages, leaves;    /* since birth, durably taken over */
    uint64_t bytes;            /* of answers */
    uint64_t failures;         /* since birth */
    uint64_t our_card;         /* number of ours that the issuer said last it holds; 0: never */
    int64_t downgrade_us;      /* the issuer's address showed a card of a lower suite last; 0: never */
    int64_t next_try_us;       /* SYNC_WAITING */
    int64_t arrived_us;        /* last durable page; 0: none */
    struct sync_latency times; /* from the leaf's time (issuer's clock) to durably held (ours) */
};
/* After an alarm for equivocation: the issuer's signed checkpoint that contradicts what we hold; empty
 * otherwise. Borrowed until the next call. */
struct str sync_session_evidence(const struct sync_session *session);
void sync_session_status(const struct sync_session *session, struct sync_status *out);
