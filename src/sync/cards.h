/* Which cards of a partner are in force (docs/protocol/SYNC.md section 1), and our own as they are shown to
 * partners.
 *
 * Of a partner the gate holds the present card, and aside at most one that is to follow it: newer, and issued
 * in the future when it came. Keys of both are believed until one that only the next one names was seen, or a
 * day has passed since it was issued (clocks differ); then the next one is the present one and the keys of
 * the one before are a stranger's. A card that was issued already when it comes takes its place at once: that
 * is how a key that was stolen ends.
 *
 * Borrows the gate. One thread, the gate's. */
#pragma once

#include "gate/gate.h"
#include "sync/card.h"

struct sync_cards {
    bool has_next;
    struct sync_card present, next; /* verified; each is for its own time (sync_card_valid) */
};

/* ERR_NOTFOUND: takes part by TAXII alone; else as sync_card_parse. */
NODISCARD err_t sync_cards_load(struct gate *gate, unsigned partner, struct sync_cards *out,
                                struct fault *fault);
/* Number of the newest of both. */
uint64_t sync_cards_newest(const struct sync_cards *cards);
/* The next one is believed by now. */
bool sync_cards_next_valid(const struct sync_cards *cards, int64_t now_us);
/* Should the next one be the present one, whatever was seen? */
bool sync_cards_overdue(const struct sync_cards *cards, int64_t now_us);

enum sync_card_taken {
    SYNC_CARD_KNOWN,   /* it, or a newer one, was held */
    SYNC_CARD_AHEAD,   /* held aside */
    SYNC_CARD_PRESENT, /* in force from now on */
};
/* How many came over the line of late: whoever has a root key can sign more than anybody's log should keep.
 */
struct sync_pace {
    int64_t since_us;
    unsigned taken;
};
/* A newer card of the same node and root key, over the line, or by an operator's hand: then `pace` is NULL,
 * and it may name another country, on which policies turn. ERR_CONFLICT: another node, root or country;
 * ERR_UNSUPPORTED: a lower suite; ERR_EXPIRED; ERR_BUSY: too many in an hour; as sync_card_parse. Logged,
 * durable after gate_commit. */
NODISCARD err_t sync_cards_take(struct gate *gate, unsigned partner, struct str whole, struct sync_pace *pace,
                                const struct gate_by *by, int64_t now_us, enum sync_card_taken *out,
                                struct fault *fault);
/* A key that the next one alone names was seen, or it is overdue: it is the present one from now on. Without
 * one nothing happens. */
NODISCARD err_t sync_cards_turn(struct gate *gate, unsigned partner, int64_t now_us);

/* Number of the newest card of ours that the partner said it holds; 0: not known. */
uint64_t sync_cards_told(const struct gate *gate, unsigned partner);
/* Logged when it is more than before and not above `newest`, the newest of ours: so it ends. *out_logged. */
NODISCARD err_t sync_cards_told_put(struct gate *gate, unsigned partner, uint64_t number, uint64_t newest,
                                    int64_t now_us, bool *out_logged);

/* --- ours --- */

/* As they are shown. Whoever fills it in keeps it for as long as sync_serve and sessions live. */
struct sync_own {
    struct sync_card card, next; /* in force; to follow it, when has_next */
    bool has_next;
    unsigned minimum; /* the least suite of partners' cards; 0: any will do */
    struct buf card_text, next_text;
};
/* May this card's node be a partner's? ERR_UNSUPPORTED: below our minimum. `own` may be NULL. */
NODISCARD err_t sync_own_enough(const struct sync_own *own, const struct sync_card *card,
                                struct fault *fault);
/* The newest number; 0: there is none, and none is shown. */
uint64_t sync_own_number(const struct sync_own *own);
/* The body that shows them; `held`: number of the newest card of the other side. */
void sync_own_write(const struct sync_own *own, uint64_t held, struct buf *out);
