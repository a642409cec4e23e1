/* The inside of the issuer's side, for the files that it is cut into: serve.c (life, feed, dispatch, late
 * answers), serve_card.c (who asks, cards), serve_hello.c, serve_receipt.c and serve_reconcile.c. `number`:
 * of a ledger; `index`: of a partner. */
#pragma once

#include "sync/cards.h"
#include "sync/reconcile.h"
#include "sync/serve.h"
#include "sync/wire.h"

enum {
    OK = 200,
    BAD = 400,
    NEUTRAL = 404,
    AGAIN = 409,
    LATER = 503,
    SLOTS = 2 * LIMIT_SYNC_WAITING, /* of one ledger: waiting ones, and those that are due but were not
                                       collected yet */
    SECOND_US = 1000000,
};

/* What a card lets its holder sign and show. */
struct accepted {
    bool known;
    uint8_t tls[EXCHANGE_KEY_SIZE];
    struct note_key cosign, disposition, recall;
};

enum { PRESENT, NEXT, CARDS };

struct waiting {
    uint64_t id;
    struct sync_feed feed;
    int64_t until_us; /* INT64_MIN: to be answered at once */
    uint64_t age;     /* rising */
    bool used;
};

struct partner {
    bool known;
    struct sync_cards cards;
    struct accepted accepted[CARDS];
    struct sync_pace pace;
    struct sync_served served;
    int64_t downgrade_said_us; /* 0: never */
    int64_t reconcile_us;      /* bits of his ledger are made again from then on */
};

/* The bits of a partner's ledger, for the questions of one run. */
struct reconcile_made {
    bool used;
    unsigned partner;
    uint32_t epoch;
    struct reconcile_set set;
    int64_t begun_us, asked_us; /* last */
};

enum { RECONCILE_QUESTION_MAX = 1 + 4 + 8 + 2 + LIMIT_RECONCILE_NODES * 5 };

/* A question that waits for them. */
struct reconcile_asking {
    bool used;
    uint64_t id;
    int64_t until_us, look_us; /* nothing to do before */
    size_t len;
    uint8_t body[RECONCILE_QUESTION_MAX];
};

/* A ledger that somebody follows. */
struct served {
    struct waiting waiting[SLOTS];
    /* As in sync_served. */
    const char *alarm, *alarm_next;
};

struct sync_serve {
    struct gate *gate;
    struct diag diag;
    uint64_t ages;
    struct buf note; /* a checkpoint, while an answer is made */
    const struct sync_own *own;
    bool news; /* a partner's cards changed */
    struct partner partners[LIMIT_PARTNERS];
    struct served ledgers[GATE_LEDGERS];
    struct reconcile_made made[LIMIT_RECONCILE_SETS];
    struct reconcile_asking asking[LIMIT_PARTNERS];
};

/* --- serve.c --- */
void serve_answer_status(struct exchange_response *response, unsigned status);
/* The body is written; an error while writing becomes 503. */
void serve_answer_body(struct sync_serve *serve, struct exchange_response *response, err_t err);

/* --- serve_card.c --- */
bool serve_started(const struct sync_serve *serve, unsigned index);
/* Is this one of its cards in force? */
bool serve_holds(const struct sync_serve *serve, unsigned index, unsigned which, int64_t now_us);
bool serve_admits(const struct sync_serve *serve, unsigned index, int64_t now_us);
/* Index of the partner, or -1; *out_which: by which of its cards. */
int serve_partner_of(const struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                     unsigned *out_which);
const char *serve_name_of(const struct sync_serve *serve, unsigned index);
/* A key that only its next card names was seen: that card is the present one from now on. */
void serve_turn_card(struct sync_serve *serve, unsigned index, int64_t now_us, bool *out_commit);
/* The partner whose newer card a stranger shows; -1: nobody's. One of a lower suite is told to people. */
int serve_whose_card(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us);
void serve_card(struct sync_serve *serve, unsigned index, const struct exchange_request *request,
                int64_t now_us, struct exchange_response *response, bool *out_commit);

/* --- serve_hello.c --- */
/* Said once; `what` NULL: all is well. Static texts. */
void serve_alarm(struct sync_serve *serve, unsigned number, const char *what, const char *next);
/* The kept checkpoint of exactly this size into serve->note, whatever key of ours signed it. */
NODISCARD err_t serve_checkpoint_kept(struct sync_serve *serve, unsigned number, uint64_t size);
/* ...signed by the present one, or ERR_BUSY: it is being signed once more. */
NODISCARD err_t serve_checkpoint_at(struct sync_serve *serve, unsigned number, uint64_t size);
void serve_hello(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                 int64_t now_us, struct exchange_response *response);

/* --- serve_receipt.c --- */
void serve_receipt(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                   int64_t now_us, struct exchange_response *response, bool *out_commit);
void serve_recall_done(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                       int64_t now_us, struct exchange_response *response, bool *out_commit);

/* --- serve_reconcile.c --- */
void serve_reconcile(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                     int64_t now_us, struct exchange_response *response, bool *out_commit);
void serve_fetch(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                 int64_t now_us, struct exchange_response *response, bool *out_commit);
/* As sync_serve_next, sync_serve_deadline and sync_serve_forget. Each call makes bits of a block for each
 * that waits. */
bool serve_reconcile_next(struct sync_serve *serve, int64_t now_us, struct exchange_response *out);
int64_t serve_reconcile_deadline(const struct sync_serve *serve);
void serve_reconcile_forget(struct sync_serve *serve, uint64_t request_id);
void serve_reconcile_drop(struct reconcile_made *made);
