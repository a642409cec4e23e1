#include "sync/voucher.h"

/* The cards of the node that was named last: a page mostly brings what few origins signed. */
struct known {
    struct str node; /* empty: none yet */
    bool held;
    struct sync_cards cards;
};

static bool own_cards(const struct sync_own *own, struct str node, struct sync_cards *out)
{
    if (own == NULL || sync_own_number(own) == 0 || !str_eq(str_of(own->card.node), node))
        return false;
    out->present = own->card;
    out->has_next = own->has_next;
    if (own->has_next)
        out->next = own->next;
    return true;
}

static void known_find(struct gate *gate, const struct sync_own *own, struct str node, struct known *known)
{
    if (str_eq(known->node, node))
        return;
    known->node = node;
    known->held = own_cards(own, node, &known->cards);
    for (unsigned p = 0; p < gate_peer_count(gate) && !known->held; p++) {
        const struct gate_peer *peer = gate_peer_get(gate, p);
        if (peer->state != GATE_PEER_REMOVED && str_eq(peer->node, node))
            known->held = sync_cards_load(gate, p, &known->cards, NULL) == ERR_OK;
    }
}

/* By this card? ERR_NOTFOUND: by another key, or it is not its time. */
static err_t by_card(const struct voucher *voucher, const struct hash *content, const struct sync_card *card,
                     int64_t now_us, struct gate_voucher *out)
{
    if (sync_card_valid(card, now_us, NULL) != ERR_OK)
        return ERR_NOTFOUND;
    err_t err = voucher_verify(voucher, content, &card->key[SYNC_CARD_LEDGER]);
    if (err == ERR_OK) {
        out->state = GATE_VOUCHED_VERIFIED;
        out->card = card->number;
    } else if (err == ERR_SIGNATURE) {
        out->state = GATE_VOUCHED_FALSE;
    }
    return err;
}

static void look(struct gate *gate, const struct sync_own *own, struct known *known,
                 struct gate_received *leaf, int64_t now_us)
{
    struct voucher voucher;
    struct rd rd = rd_of(leaf->voucher.wire);
    voucher_read(&rd, &voucher);
    leaf->voucher.state = GATE_VOUCHED_UNKNOWN;
    leaf->voucher.card = 0;
    if (rd_end(&rd) != ERR_OK)
        return;
    known_find(gate, own, voucher.node, known);
    if (!known->held)
        return;
    /* The opening was verified: its content is the digest of these bytes. */
    const struct hash *content = &leaf->opening.content;
    err_t err = by_card(&voucher, content, &known->cards.present, now_us, &leaf->voucher);
    if (err != ERR_OK && err != ERR_SIGNATURE && known->cards.has_next)
        (void)by_card(&voucher, content, &known->cards.next, now_us, &leaf->voucher);
}

void sync_vouchers_look(struct gate *gate, const struct sync_own *own, const char *issuer,
                        struct gate_received *leaves, size_t count, int64_t now_us, const struct diag *diag)
{
    struct known known = {.held = false};
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        if (leaves[i].voucher.wire.len == 0)
            continue;
        look(gate, own, &known, &leaves[i], now_us);
        wrong += leaves[i].voucher.state == GATE_VOUCHED_FALSE;
    }
    if (wrong > 0)
        diag_say(diag, DIAG_ERROR, ERR_SIGNATURE, "sync",
                 "bongsu quarantine list names them; ask both nodes by another way: one of them, or its key, "
                 "is not what it seems",
                 "%zu of what %s passed on is not what its origin signed, and is refused", wrong, issuer);
}
