/* A session's answers to recalls: asked of the gate, signed by the keeper, sent, acknowledged, one at a time.
 */
#include "gate/recall.h"
#include "sync/recall.h"
#include "sync/session_state.h"

#define SIGN_US (10 * SESSION_SECOND_US)
#define SEND_US (60 * SESSION_SECOND_US)

bool session_recall_step(struct sync_session *session, int64_t now_us, int64_t *until,
                         struct sync_action *out)
{
    struct recall_answer *answer = &session->recall;
    struct gate_recall_owed owed;
    if (answer->signing && now_us >= answer->sign_until_us)
        answer->signing = false;
    if (answer->retry.at_us > now_us) {
        *until = answer->retry.at_us < *until ? answer->retry.at_us : *until;
        return false;
    }
    if (answer->flight.id != 0 || answer->signing)
        return false;
    if (answer->body.len > 0) {
        struct sync_send what = {.method = EXCHANGE_POST,
                                 .path = session_path(session, SYNC_PATH_RECALL_DONE),
                                 .content_type = SYNC_MEDIA_TYPE,
                                 .body = buf_bytes(&answer->body)};
        session_send(session, &answer->flight, now_us, SEND_US, &what, out);
        return true;
    }
    if (session_other_signs(session) || gate_recall_owed(session->gate, session->ledger, 0, &owed) != ERR_OK)
        return false;
    session_recall_sign(session, &owed, now_us, out);
    return true;
}

void session_recall_sign(struct sync_session *session, const struct gate_recall_owed *owed, int64_t now_us,
                         struct sync_action *out)
{
    struct recall_answer *answer = &session->recall;
    answer->signing = true;
    answer->sign_until_us = now_us + SIGN_US;
    answer->seq = owed->seq;
    answer->held = owed->held;
    out->kind = SYNC_ANSWER;
    out->answer = (struct sync_recall_done) {.origin = {session->origin, session->origin_len},
                                             .holder = {session->node, session->node_len},
                                             .seq = owed->seq,
                                             .held = owed->held};
}

int64_t session_recall_until(const struct sync_session *session)
{
    const struct recall_answer *answer = &session->recall;
    if (answer->flight.id != 0)
        return answer->flight.until_us;
    return answer->signing ? answer->sign_until_us : INT64_MAX;
}

void sync_session_recall_signed(struct sync_session *session, err_t err, uint64_t seq, struct str note,
                                int64_t now_us)
{
    if (session->urgent != NULL && session->urgent->recall.signing)
        session = session->urgent;
    struct recall_answer *answer = &session->recall;
    if (!answer->signing || answer->seq != seq)
        return;
    answer->signing = false;
    buf_clear(&answer->body);
    if (err == ERR_OK) {
        sync_recall_write(&answer->body, session->epoch, note);
        err = buf_err(&answer->body);
    }
    if (session->carry == CARRY_RECALLS) {
        session_carry_recall(session, err);
        return;
    }
    if (err == ERR_OK)
        return;
    buf_clear(&answer->body);
    session_retry_later(session, &answer->retry, now_us);
    session_trouble(session, err, "the keeper did not sign the answer to a recall",
                    "see that the keeper runs", now_us);
}

void session_recall_failed(struct sync_session *session, err_t err, const char *what, int64_t now_us)
{
    session->recall.flight.id = 0;
    buf_clear(&session->recall.body); /* it may be another epoch by then */
    session_retry_later(session, &session->recall.retry, now_us);
    session_trouble(session, err, what, "if it goes on, compare the cards on both sides", now_us);
}

/* He has it. */
void session_recall_answer(struct sync_session *session, int64_t now_us)
{
    struct recall_answer *answer = &session->recall;
    err_t err = gate_recall_acknowledged(session->gate, session->ledger, answer->seq, answer->held, now_us);
    answer->retry = (struct retry) {0, now_us};
    buf_clear(&answer->body);
    if (err != ERR_OK) /* it is sent again: harmless */
        session_retry_later(session, &answer->retry, now_us);
}
