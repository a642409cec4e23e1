/* The inside of a session, for the files that it is cut into: session.c (life, sending, taking over, step),
 * session_answer.c (what comes back) and session_receipt.c (what is signed and acknowledged).
 *
 * A session follows the main ledger, and has another one inside for the urgent ledger, once the issuer has
 * said that it keeps one. The two share nothing but numbers of requests, and that one at a time has something
 * at the keeper: an answer is the one's whose request or signature it is. */
#pragma once

#include "sync/cards.h"
#include "sync/fetch.h"
#include "sync/page.h"
#include "sync/reconcile.h"
#include "sync/session.h"
#include "sync/wire.h"

struct gate_recall_owed;

enum { SESSION_PAGES = 2 }; /* one being stored, one behind it */

#define SESSION_SECOND_US INT64_C(1000000)

struct flight { /* a request that is out; id 0: none */
    uint64_t id;
    int64_t until_us; /* later whenever something of the answer came */
    int64_t sent_us;
    int64_t quiet_us, most_us; /* without a byte of the answer; in all */
};

struct retry {
    unsigned failures; /* in a row */
    int64_t at_us;     /* not before */
};

struct refusals {
    size_t count;
    struct sync_refusal at[LIMIT_SYNC_REFUSALS];
    uint64_t before_count; /* of the refused leaves before the list */
    struct hash before;
};

/* What a report for hand carriage still wants. */
enum carry { CARRY_NOTHING, CARRY_RECEIPT, CARRY_RECALLS };

struct held { /* durably taken over */
    uint64_t size;
    struct hash root;
    uint64_t refused;
    struct hash refused_digest;
    struct buf note; /* empty before the first page */
};

/* One at a time, and apart from everything else: a partner that cannot take it is followed all the same. */
struct recall_answer {
    uint64_t seq; /* of the recall that it answers */
    bool held;    /* ...with: an order keeps it */
    bool signing;
    int64_t sign_until_us;
    struct buf body; /* not empty: to be sent, or sent and not acknowledged */
    struct flight flight;
    struct retry retry;
};

/* Our cards, shown to the issuer. */
struct showing {
    uint64_t shown;            /* number of the newest that it answered to in this session */
    uint64_t tried;            /* ...and that was sent; 0: since the link began anew none was */
    int64_t again_us;          /* once more then, without need */
    int64_t downgrade_said_us; /* 0: never */
    bool open;                 /* the issuer's TLS key was refused: they are shown to whoever is there */
    struct flight flight;
    struct sync_pace pace;
};

/* Is what was taken over still here? One run at a time, apart from everything else. */
enum reconciling_phase {
    RECONCILING_REST,
    RECONCILING_LOOK, /* our bits are made, a block a step */
    RECONCILING_ASK,
    RECONCILING_FETCH,
    RECONCILING_TAKE, /* leaves were fetched and verified */
    RECONCILING_KEEP, /* what they brought waits for its commit */
    RECONCILING_END,
    RECONCILING_NOTE /* what was found out waits for its commit */
};

struct reconciling {
    enum reconciling_phase phase;
    bool known;     /* the issuer answers such questions */
    int64_t due_us; /* the next run by itself; 0: not set */
    struct retry retry;
    struct flight flight;
    uint64_t size; /* of the cursor when it began */
    struct hash root;
    uint32_t epoch;
    struct reconcile_set own;
    struct reconcile walk;
    struct buf request;
    uint64_t *missing; /* LIMIT_RECONCILE_MISSING places */
    size_t missing_count, missing_next;
    struct sync_fetch fetch;
    struct buf fetched;          /* its answer */
    struct gate_received *again; /* LIMIT_FETCH_LEAVES places */
    size_t again_count;
    struct sync_reconciled result;
};

struct sync_session {
    struct gate *gate;
    unsigned partner, ledger;
    struct sync_session
        *main; /* of the urgent one: that which it is in; NULL: this follows the main ledger */
    struct sync_session *urgent; /* NULL: none yet */
    char path[48];               /* of a request, while an action is read */
    struct sync_cards cards;     /* the partner's; the main session's are those of both (session_cards) */
    const struct sync_own *own;  /* NULL: none are shown, as by the urgent one */
    bool news;                   /* the partner's cards changed; in the main one */
    char node[LIMIT_NAME_BYTES];
    size_t node_len;
    uint64_t random;
    struct diag diag;

    enum sync_state state;
    struct retry link;
    uint32_t page_leaves; /* asked for at most: fewer after an answer that broke off */
    uint64_t ids;
    struct flight hello, feed, receipt;
    struct buf request; /* hello body or feed query, while an action is read */

    char origin[LEDGER_ORIGIN_MAX]; /* of the followed ledger; empty before the first hello */
    size_t origin_len;
    uint32_t epoch;
    struct note_key ledger_key, next_key; /* of the partner's present and next card */
    bool vouchers;                        /* the issuer can bring what origins signed */

    struct sync_tip tip; /* verified so far */
    struct sync_checked pages[SESSION_PAGES];
    size_t page_count;
    bool receiving;   /* pages[0] was given to the gate and waits for its commit */
    uint64_t refused; /* with pages[0], when receiving */
    struct hash refused_digest;
    int64_t receive_at_us;

    struct held held;
    struct refusals refusals;
    bool receipt_wanted;
    uint64_t signing; /* size out for signing; 0: none */
    int64_t sign_until_us, sign_at_us;
    struct buf receipt_body; /* not empty: to be sent, or sent and not acknowledged */
    uint64_t receipt_size;
    struct retry receipt_retry;

    struct recall_answer recall;
    struct showing showing;
    struct reconciling reconciling;

    enum carry carry;      /* a report that somebody carries is wanted, whether or not the link is up */
    struct buf carried;    /* its text, as far as it is made */
    uint64_t carried_size; /* of the receipt in it */
    uint64_t carried_seq;  /* answers to recalls before this leaf are in it, or were in the one before */
    size_t carried_recalls;

    struct buf evidence; /* the checkpoint that contradicts ours */
    bool halting;        /* an alarm waits for its commit */
    struct sync_status status;
};

/* After one more failure: at_us is set to a moment after now, later each time (SYNC.md section 2). */
void session_retry_later(struct sync_session *session, struct retry *retry, int64_t now_us);
/* Remembers the trouble, and says it once. */
void session_trouble(struct sync_session *session, err_t err, const char *what, const char *next,
                     int64_t now_us);
/* The link waits and says hello again; verified pages stay. */
void session_link_failed(struct sync_session *session, err_t err, const char *what, const char *next,
                         int64_t now_us);
/* The link stops until an operator starts it again. */
void session_link_alarm(struct sync_session *session, err_t err, const char *what, const char *next,
                        int64_t now_us);

/* Where a resource of its ledger is; good until the next call. */
struct str session_path(struct sync_session *session, const char *path);

/* The issuer keeps an urgent ledger, or does not: follows it, or not. */
void session_urgent(struct sync_session *session, bool kept, int64_t now_us);
/* Given up when nothing came for quiet_us, and when the largest answer over the slowest line would be there.
 */
void session_send(struct sync_session *session, struct flight *flight, int64_t now_us, int64_t quiet_us,
                  const struct sync_send *send, struct sync_action *out);

/* splitmix64: jitter only, no secret hangs on it. */
uint64_t session_random(struct sync_session *session);

/* Has the other session something at the keeper? */
bool session_other_signs(const struct sync_session *session);

/* --- session_card.c --- */
/* The partner's cards: of the main session, for both. */
const struct sync_cards *session_cards(const struct sync_session *session);
/* The key of the partner's next card, where that one is believed already; NULL. */
const struct note_key *session_next_key(struct sync_session *session, int64_t now_us);
/* A key that only the partner's next card names was seen, in either ledger. */
void session_card_turn(struct sync_session *session, int64_t now_us);
/* Our cards, when they are to be shown now. */
bool session_card_step(struct sync_session *session, int64_t now_us, struct sync_action *out);
int64_t session_card_until(const struct sync_session *session);
/* They are shown again no later than a day from now. */
void session_card_clip(struct sync_session *session, int64_t now_us);
void session_card_answer(struct sync_session *session, const struct buf *body, int64_t now_us);
/* The other side's TLS key is none that its cards name, either session found: has it others by now? */
void session_card_refused(struct sync_session *session);
/* No answer came. */
void session_card_failed(struct sync_session *session, err_t err);
/* The link begins, or begins again: they are shown before hello, unless they were. */
void session_card_again(struct sync_session *session);

/* --- session_answer.c --- */
/* Takes origin and key from what the issuer's side says. ERR_CONFLICT: not the ledger that we follow. */
err_t session_origin_take(struct sync_session *session, struct str line);
/* The issuer signed `checkpoint`, and it is not consistent with what it signed before. */
void session_equivocation(struct sync_session *session, struct str checkpoint, const char *what,
                          int64_t now_us);

/* What a status other than 200 means; static. */
const char *session_status_words(unsigned status);

/* --- session_bundle.c --- */
/* A receipt was made: keeps it when one is to be carried. */
void session_carry_made(struct sync_session *session);
/* The next answer to a recall for the report, where the link does not bring them itself. False: none is
 * wanted.
 */
bool session_carry_step(struct sync_session *session, int64_t now_us, struct sync_action *out);
/* It was signed, into recall.body; or not. */
void session_carry_recall(struct sync_session *session, err_t err);

/* --- recall_session.c --- */
/* False: nothing to do now; *until is then no later than when there is. */
bool session_recall_step(struct sync_session *session, int64_t now_us, int64_t *until,
                         struct sync_action *out);
void session_recall_sign(struct sync_session *session, const struct gate_recall_owed *owed, int64_t now_us,
                         struct sync_action *out);
int64_t session_recall_until(const struct sync_session *session);
void session_recall_answer(struct sync_session *session, int64_t now_us);
void session_recall_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us);

/* False when there is nothing to sign after all. */
bool session_sign_ask(struct sync_session *session, int64_t now_us, struct sync_action *out);
void session_sign_later(struct sync_session *session, err_t err, int64_t now_us);
/* The issuer holds a receipt for `size`. */
void session_acknowledge(struct sync_session *session, uint64_t size);
void session_receipt_answer(struct sync_session *session, const struct buf *body, int64_t now_us);
/* The receipt is made again after a while; the feed goes on. */
void session_receipt_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us);

/* --- session_reconcile.c --- */
void session_reconcile_init(struct sync_session *session);
void session_reconcile_deinit(struct sync_session *session);
/* The link begins anew, or stops: what was under way is given up. */
void session_reconcile_again(struct sync_session *session);
/* hello was answered: by such a program? */
void session_reconcile_known(struct sync_session *session, bool known, int64_t now_us);
/* False: nothing to do now; *until is then no later than when there is. */
bool session_reconcile_step(struct sync_session *session, int64_t now_us, int64_t *until,
                            struct sync_action *out);
void session_reconcile_answer(struct sync_session *session, unsigned status, struct buf *body,
                              int64_t now_us);
void session_reconcile_failed(struct sync_session *session, err_t err, int64_t now_us);
void session_reconcile_committed(struct sync_session *session, err_t err, int64_t now_us);
/* Nothing is waited for longer than it would be from now on. */
void session_reconcile_clip(struct sync_session *session, int64_t now_us);
