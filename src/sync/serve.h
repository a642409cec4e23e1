/* The issuer's side of synchronisation (docs/protocol/SYNC.md): answers hello, feed, receipt and card out of
 * the gate. No sockets, no clock, no keys: requests come in as messages, answers go out as messages, late
 * answers (long polls) are asked for.
 *
 * Whoever asks is known by the TLS key alone; a stranger, a paused or removed partner, one whose card is out
 * of time and a wrong path get the same bytes. It must never show a leaf that gate does not call visible, nor
 * let an answer depend on anything outside the partner's view and own requests.
 *
 * Borrows the gate. One thread, the gate's. */
#pragma once

#include "gate/gate.h"
#include "net/exchange.h"

struct sync_serve;

NODISCARD err_t sync_serve_new(struct gate *gate, const struct diag *diag, struct sync_serve **out);
void sync_serve_free(struct sync_serve *serve);

/* Reads the partners' cards again: at birth and after every change of a partner. A card that does not verify
 * makes its partner a stranger, with a diagnostic. */
void sync_serve_refresh(struct sync_serve *serve);

/* Our own cards, which partners are shown, and whose ledger key signs what they are given; borrowed for as
 * long as `serve` lives. NULL, or none in it: no card is shown. */
struct sync_own;
void sync_serve_own(struct sync_serve *serve, const struct sync_own *own);
/* Did cards of partners change, since this was last asked? */
bool sync_serve_news(struct sync_serve *serve);

/* Is this path ours to answer? Everything below /bongsu/v1/. */
bool sync_serve_owns(struct str path);

/* Answers, or leaves status 0: the answer comes from sync_serve_next. The response must allow for
 * LIMIT_SYNC_PAGE_BYTES. When *out_commit, the answer may be sent only after gate_commit succeeded; when that
 * fails send nothing. */
void sync_serve_handle(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                       struct exchange_response *response, bool *out_commit);

/* The same for a partner whose messages an operator carries (docs/protocol/BUNDLE.md): whoever asks is said,
 * and not known by a key. The neutral answer where the partner would get it. */
void sync_serve_carried(struct sync_serve *serve, unsigned partner, const struct exchange_request *request,
                        int64_t now_us, struct exchange_response *response, bool *out_commit);

/* One late answer that can be given now; false when there is none. Initialises `out`, which the caller
 * deinits. Call it whenever something became visible, a partner changed, or the deadline came. */
bool sync_serve_next(struct sync_serve *serve, int64_t now_us, struct exchange_response *out);
/* INT64_MAX: nobody waits. */
int64_t sync_serve_deadline(const struct sync_serve *serve);
/* The connection of a kept request is gone. */
void sync_serve_forget(struct sync_serve *serve, uint64_t request_id);
/* Partners (by index, as a mask) with a request that waits: their decided leaves are worth a signature. */
uint64_t sync_serve_waiting(const struct sync_serve *serve);

struct sync_served {
    uint64_t pages, leaves, bytes; /* sent */
    uint64_t receipts, receipts_refused;
    int64_t seen_us;      /* last request; 0: never */
    uint64_t our_card;    /* number of ours that it said last it holds, whatever we have; 0: never */
    int64_t downgrade_us; /* last time that somebody showed a card of a lower suite in its name; 0: never */
    /* Set by a hello that does not fit our ledger; NULL when all is well. Static texts. */
    const char *alarm, *alarm_next;
};
struct sync_served sync_serve_status(const struct sync_serve *serve, unsigned partner);
