/* Receipts: what is signed, sent and acknowledged. */
#include "sync/session_state.h"

#define SIGN_US (10 * SESSION_SECOND_US)

bool session_sign_ask(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct note note;
    if (note_parse(buf_str(&session->held.note), &note, NULL) != ERR_OK)
        return false; /* it was verified; only lost memory leads here, and the next page mends it */
    session->signing = session->held.size;
    session->sign_until_us = now_us + SIGN_US;
    session->receipt_wanted = false;
    out->kind = SYNC_SIGN;
    out->sign.checkpoint = buf_str(&session->held.note);
    out->sign.text = note.text;
    out->sign.wanted = (struct disposition) {.origin = {session->origin, session->origin_len},
                                             .holder = {session->node, session->node_len},
                                             .size = session->held.size,
                                             .root = session->held.root,
                                             .refused_count = session->held.refused,
                                             .refused = session->held.refused_digest};
    return true;
}

void session_sign_later(struct sync_session *session, err_t err, int64_t now_us)
{
    session->signing = 0;
    session->receipt_wanted = true;
    session->sign_at_us = now_us + SESSION_SECOND_US;
    session_trouble(session, err, "the keeper did not sign a receipt", "see that the keeper runs", now_us);
}

void sync_session_signed(struct sync_session *session, err_t err, uint64_t size, struct str cosignature,
                         struct str disposition, int64_t now_us)
{
    if (session->urgent != NULL && session->urgent->signing != 0)
        session = session->urgent;
    if (session->signing == 0 || session->signing != size)
        return;
    if (err != ERR_OK) {
        session_sign_later(session, err, now_us);
        return;
    }
    const struct refusals *refusals = &session->refusals;
    struct sync_receipt receipt = {.epoch = session->epoch,
                                   .size = size,
                                   .cosignature = cosignature,
                                   .disposition = disposition,
                                   .before_count = refusals->before_count,
                                   .before = refusals->before};
    while (receipt.refusal_count < refusals->count && refusals->at[receipt.refusal_count].seq < size)
        receipt.refusal_count++;
    session->signing = 0;
    buf_clear(&session->receipt_body);
    sync_receipt_write(&session->receipt_body, &receipt, refusals->at);
    session->receipt_size = size;
    if (buf_err(&session->receipt_body) != ERR_OK)
        session_sign_later(session, buf_err(&session->receipt_body), now_us);
    else
        session_carry_made(session);
}

/* The issuer holds a receipt for `size`: the list begins behind it. More than we hold means that we were set
 * back: nothing is signed until we hold more than that again. */
void session_acknowledge(struct sync_session *session, uint64_t size)
{
    struct refusals *refusals = &session->refusals;
    size_t done = 0;
    for (; done < refusals->count && refusals->at[done].seq < size &&
           refusals->at[done].seq < session->held.size;
         done++)
        refusals->before =
            disposition_refused_add(&refusals->before, refusals->at[done].seq, refusals->at[done].code);
    refusals->before_count += done;
    refusals->count -= done;
    memmove(refusals->at, refusals->at + done, refusals->count * sizeof refusals->at[0]);
    if (size > session->status.acknowledged)
        session->status.acknowledged = size;
}

void session_receipt_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us)
{
    session->receipt.id = 0;
    buf_clear(&session->receipt_body);
    session->receipt_wanted = true;
    session_retry_later(session, &session->receipt_retry, now_us);
    session_trouble(session, err, what, "if it goes on, compare the cards on both sides", now_us);
}

void session_receipt_answer(struct sync_session *session, const struct buf *body, int64_t now_us)
{
    uint64_t size;
    if (sync_received_read(buf_bytes(body), &size) != ERR_OK || size < session->receipt_size) {
        session_receipt_failed(session, ERR_INVALID, "the answer to a receipt is not well formed", now_us);
        return;
    }
    session->receipt_retry = (struct retry) {0, now_us};
    session_acknowledge(session, session->receipt_size);
    buf_clear(&session->receipt_body);
    if (session->held.size > session->status.acknowledged)
        session->receipt_wanted = true;
}
