/* Who asks, and cards over the line (docs/protocol/SYNC.md sections 1 and 8): whoever asks is known by the
 * TLS key of the present card, or of the next one, whose first use takes it into force. */
#include "sync/serve_state.h"

bool serve_started(const struct sync_serve *serve, unsigned index)
{
    const struct gate_peer *peer = gate_peer_get(serve->gate, index);
    return serve->partners[index].known && peer != NULL && peer->state == GATE_PEER_STARTED;
}

bool serve_holds(const struct sync_serve *serve, unsigned index, unsigned which, int64_t now_us)
{
    const struct partner *partner = &serve->partners[index];
    const struct sync_card *card = which == PRESENT ? &partner->cards.present : &partner->cards.next;
    return partner->accepted[which].known && sync_card_valid(card, now_us, NULL) == ERR_OK;
}

bool serve_admits(const struct sync_serve *serve, unsigned index, int64_t now_us)
{
    return serve_started(serve, index) &&
           (serve_holds(serve, index, PRESENT, now_us) || serve_holds(serve, index, NEXT, now_us));
}

int serve_partner_of(const struct sync_serve *serve, const struct exchange_request *request, int64_t now_us,
                     unsigned *out_which)
{
    if (!request->secure || !request->has_peer_key)
        return -1;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        for (unsigned which = PRESENT; which < CARDS; which++)
            if (serve->partners[i].accepted[which].known &&
                memcmp(serve->partners[i].accepted[which].tls, request->peer_key, EXCHANGE_KEY_SIZE) == 0 &&
                serve_started(serve, i) && serve_holds(serve, i, which, now_us)) {
                *out_which = which;
                return (int)i;
            }
    return -1;
}

const char *serve_name_of(const struct sync_serve *serve, unsigned index)
{
    return serve->partners[index].cards.present.node;
}

void serve_turn_card(struct sync_serve *serve, unsigned index, int64_t now_us, bool *out_commit)
{
    err_t err = sync_cards_turn(serve->gate, index, now_us);
    if (err != ERR_OK) {
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "look at the disk",
                 "the next card of %s could not be taken into force: %s", serve_name_of(serve, index),
                 err_text(err));
        return;
    }
    diag_say(&serve->diag, DIAG_NOTICE, ERR_OK, "sync", NULL,
             "%s shows keys of its next card: it is in force, and the keys before it are refused",
             serve_name_of(serve, index));
    *out_commit = true;
    serve->news = true;
    sync_serve_refresh(serve);
}

/* Whoever breaks a lower suite would come back with it: nothing of it is believed, and people are told, at
 * most once an hour. */
static void tell_downgrade(struct sync_serve *serve, unsigned index, const struct sync_card *card,
                           int64_t now_us)
{
    struct partner *partner = &serve->partners[index];
    partner->served.downgrade_us = now_us;
    if (sync_card_downgrade_said(partner->downgrade_said_us, now_us))
        return;
    partner->downgrade_said_us = now_us;
    diag_say(&serve->diag, DIAG_ERROR, ERR_UNSUPPORTED, "sync",
             "ask its operators, by another way, whether the card is theirs",
             "somebody showed a card of suite %u in the name of %s, which has one of suite %u: a downgrade, "
             "refused",
             sync_card_suite(card), serve_name_of(serve, index), sync_card_suite(&partner->cards.present));
}

static bool shows_key(const struct sync_card *card, const struct exchange_request *request)
{
    struct hash pin = sign_public_pin(&card->key[SYNC_CARD_TLS]);
    return memcmp(pin.b, request->peer_key, EXCHANGE_KEY_SIZE) == 0;
}

/* Shown by a stranger: is it the newer card of somebody we know, and is it his who shows it? Its root key
 * signed both, and the connection proves the TLS key. -1: no. */
int serve_whose_card(struct sync_serve *serve, const struct exchange_request *request, int64_t now_us)
{
    struct sync_shown shown;
    struct sync_card card;
    if (!request->secure || !request->has_peer_key || sync_shown_read(request->body, &shown) != ERR_OK)
        return -1;
    for (size_t i = 0; i < shown.count; i++) {
        if (sync_card_parse(shown.cards[i], &card, NULL) != ERR_OK ||
            sync_card_valid(&card, now_us, NULL) != ERR_OK || !shows_key(&card, request))
            continue;
        for (unsigned k = 0; k < LIMIT_PARTNERS; k++) {
            if (serve->partners[k].known && sync_card_downgrades(&serve->partners[k].cards.present, &card))
                tell_downgrade(serve, k, &card, now_us);
            if (serve_started(serve, k) &&
                sync_card_replaces(&serve->partners[k].cards.present, &card, NULL) == ERR_OK &&
                (!serve->partners[k].cards.has_next ||
                 sync_card_replaces(&serve->partners[k].cards.next, &card, NULL) == ERR_OK))
                return (int)k;
        }
    }
    return -1;
}

static void cards_take(struct sync_serve *serve, unsigned index, const struct sync_shown *shown,
                       int64_t now_us, bool *out_commit)
{
    for (size_t i = 0; i < shown->count; i++) {
        struct fault fault = {.code = ERR_OK};
        enum sync_card_taken taken = SYNC_CARD_KNOWN;
        err_t err = sync_cards_take(serve->gate, index, shown->cards[i], &serve->partners[index].pace, NULL,
                                    now_us, &taken, &fault);
        if (err == ERR_UNSUPPORTED)
            serve->partners[index].served.downgrade_us = now_us;
        if (err == ERR_UNSUPPORTED)
            serve_alarm(serve, index, "the partner showed a card of a lower suite: a downgrade, refused",
                        "ask its operators, by another way, whether the card is theirs");
        else if (err != ERR_OK)
            diag_say(&serve->diag, DIAG_WARNING, err, "sync",
                     "if the partner's operators say that it is theirs: bongsu peer add FILE",
                     "a card that %s showed is not taken: %s", serve_name_of(serve, index), fault.what);
        serve->news = serve->news || taken != SYNC_CARD_KNOWN;
        *out_commit = *out_commit || taken != SYNC_CARD_KNOWN;
    }
    if (*out_commit)
        sync_serve_refresh(serve);
}

void serve_card(struct sync_serve *serve, unsigned index, const struct exchange_request *request,
                int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct sync_shown shown;
    if (sync_shown_read(request->body, &shown) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    cards_take(serve, index, &shown, now_us, out_commit);
    bool logged;
    err_t err =
        sync_cards_told_put(serve->gate, index, shown.held, sync_own_number(serve->own), now_us, &logged);
    *out_commit = *out_commit || logged;
    serve->partners[index].served.our_card = shown.held;
    sync_own_write(serve->own, sync_cards_newest(&serve->partners[index].cards), &response->body);
    serve_answer_body(serve, response, err);
}
