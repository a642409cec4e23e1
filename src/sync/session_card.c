/* Cards: the partner's, as they change while it is followed, and ours, which it is shown. */
#include "sync/session_state.h"

#define CARD_US (15 * SESSION_SECOND_US)
#define DAY_US  (INT64_C(86400) * SESSION_SECOND_US)

const struct sync_cards *session_cards(const struct sync_session *session)
{
    return session->main != NULL ? &session->main->cards : &session->cards;
}

/* What is on its way is verified by the keys of now. */
static void key_take(struct sync_session *session)
{
    struct str origin = {session->origin, session->origin_len};
    if (origin.len > 0)
        (void)!sync_card_ledger_key(&session_cards(session)->present, origin, &session->ledger_key);
}

void sync_session_card(struct sync_session *session, const struct sync_card *card,
                       const struct sync_card *next)
{
    session->cards.present = *card;
    session->cards.has_next = next != NULL;
    if (next != NULL)
        session->cards.next = *next;
    key_take(session);
    if (session->urgent != NULL)
        key_take(session->urgent);
}

bool sync_session_news(struct sync_session *session)
{
    bool news = session->news;
    session->news = false;
    return news;
}

const struct note_key *session_next_key(struct sync_session *session, int64_t now_us)
{
    struct str origin = {session->origin, session->origin_len};
    const struct sync_cards *cards = session_cards(session);
    bool valid = sync_cards_next_valid(cards, now_us) &&
                 sync_card_ledger_key(&cards->next, origin, &session->next_key) == ERR_OK;
    return valid ? &session->next_key : NULL;
}

void session_card_turn(struct sync_session *session, int64_t now_us)
{
    if (session->main != NULL)
        session = session->main;
    if (!session->cards.has_next)
        return;
    err_t err = sync_cards_turn(session->gate, session->partner, now_us);
    diag_say(&session->diag, err == ERR_OK ? DIAG_NOTICE : DIAG_WARNING, err, "sync", NULL,
             "%s signs by keys of its next card: it is in force, and the keys before it are refused",
             session->cards.present.node);
    struct sync_card next = session->cards.next;
    sync_session_card(session, &next, NULL);
    session->news = true;
}

/* --- ours --- */

void session_card_again(struct sync_session *session)
{
    if (session->showing.shown != sync_own_number(session->own))
        session->showing.tried = 0;
}

void session_card_refused(struct sync_session *session)
{
    struct showing *showing = session->main != NULL ? &session->main->showing : &session->showing;
    showing->open = true;
    showing->tried = 0;
}

void session_card_failed(struct sync_session *session, err_t err)
{
    bool was_open = session->showing.open;
    session->showing.flight.id = 0;
    session->showing.open = false; /* hello tells why, and they are shown again */
    if (err == ERR_DENIED && !was_open)
        session_card_refused(session);
}

bool session_card_step(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct showing *showing = &session->showing;
    uint64_t number = sync_own_number(session->own);
    bool due = number > 0 && (showing->tried != number || now_us >= showing->again_us);
    if (!due || showing->flight.id != 0 || (session->state != SYNC_HELLO && session->state != SYNC_FEED))
        return false;
    buf_clear(&session->request);
    sync_own_write(session->own, sync_cards_newest(&session->cards), &session->request);
    struct sync_send what = {.method = EXCHANGE_POST,
                             .path = STR(SYNC_PATH_CARD),
                             .content_type = SYNC_MEDIA_TYPE,
                             .body = buf_bytes(&session->request),
                             .any_key = showing->open};
    showing->tried = number;
    showing->again_us = now_us + DAY_US;
    session_send(session, &showing->flight, now_us, CARD_US, &what, out);
    return true;
}

int64_t session_card_until(const struct sync_session *session)
{
    bool later = session->showing.tried > 0 && session->state == SYNC_FEED;
    return later && session->showing.flight.id == 0 ? session->showing.again_us : INT64_MAX;
}

void session_card_clip(struct sync_session *session, int64_t now_us)
{
    if (session->showing.again_us > now_us + DAY_US)
        session->showing.again_us = now_us + DAY_US;
}

/* By what came in: the cards of the gate. */
static void cards_reload(struct sync_session *session)
{
    struct sync_cards cards;
    struct fault fault = {.code = ERR_OK};
    if (sync_cards_load(session->gate, session->partner, &cards, &fault) == ERR_OK)
        sync_session_card(session, &cards.present, cards.has_next ? &cards.next : NULL);
    session->news = true;
}

static void cards_take(struct sync_session *session, const struct sync_shown *shown, int64_t now_us)
{
    for (size_t i = 0; i < shown->count; i++) {
        struct fault fault = {.code = ERR_OK};
        enum sync_card_taken taken = SYNC_CARD_KNOWN;
        err_t err = sync_cards_take(session->gate, session->partner, shown->cards[i], &session->showing.pace,
                                    NULL, now_us, &taken, &fault);
        bool said =
            err == ERR_UNSUPPORTED && sync_card_downgrade_said(session->showing.downgrade_said_us, now_us);
        if (err == ERR_UNSUPPORTED)
            session->status.downgrade_us = now_us;
        if (err == ERR_UNSUPPORTED && !said)
            session->showing.downgrade_said_us = now_us;
        if (err != ERR_OK && !said)
            diag_say(&session->diag, err == ERR_UNSUPPORTED ? DIAG_ERROR : DIAG_WARNING, err, "sync",
                     err == ERR_UNSUPPORTED
                         ? "ask its operators, by another way, whether the card is theirs"
                         : "if the partner's operators say that it is theirs: bongsu peer add FILE",
                     "a card that %s showed is not taken: %s", session->cards.present.node, fault.what);
        if (taken != SYNC_CARD_KNOWN)
            cards_reload(session);
    }
}

void session_card_answer(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    struct sync_shown shown;
    bool logged, was_open = session->showing.open;
    session->showing.open = false;
    if (sync_shown_read(buf_bytes(body), &shown) != ERR_OK)
        return;
    cards_take(session, &shown, now_us);
    if (was_open)
        return; /* whoever it was: the cards are signed, what he says of ours is not */
    session->showing.shown = session->showing.tried;
    session->status.our_card = shown.held;
    (void)!sync_cards_told_put(session->gate, session->partner, shown.held, sync_own_number(session->own),
                               now_us, &logged); /* it is told again */
}
