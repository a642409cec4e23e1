/* Pages that came in a bundle instead of an answer, and receipts that go back by hand. What is taken over,
 * and how, is the session's: there is no second way in. */
#include "gate/recall.h"
#include "sync/bundle.h"
#include "sync/session_state.h"

/* Receipts wait for nobody here: what was refused so far is known by its number and digest alone. */
static void refusals_fold(struct sync_session *session)
{
    struct refusals *refusals = &session->refusals;
    for (size_t i = 0; i < refusals->count; i++)
        refusals->before =
            disposition_refused_add(&refusals->before, refusals->at[i].seq, refusals->at[i].code);
    refusals->before_count += refusals->count;
    refusals->count = 0;
}

err_t sync_session_carried(struct sync_session *session, struct str origin, struct buf *body, int64_t now_us,
                           struct fault *fault)
{
    err_t err;
    if (session->state == SYNC_IDLE || session->state == SYNC_ALARM)
        return fault_set(fault, ERR_WRONGSTATE, 0, "this partner's ledger is not followed now");
    if (session->page_count == SESSION_PAGES)
        return ERR_BUSY;
    if (TRY(err, session_origin_take(session, origin)))
        return fault_set(fault, err, 0, "the bundle is of another ledger than the one that is followed");
    struct sync_followed followed = {.epoch = session->epoch,
                                     .origin = origin,
                                     .key = &session->ledger_key,
                                     .next = session_next_key(session, now_us),
                                     .overlap = true};
    struct sync_checked *page = &session->pages[session->page_count];
    err = sync_page_check(&followed, &session->tip, body, page, fault);
    if (err == ERR_PROOF) {
        struct sync_page read;
        must(sync_page_read(buf_bytes(body), &read, NULL) == ERR_OK); /* it came as far as the proof */
        session_equivocation(session, read.checkpoint, fault->what, now_us);
    }
    if (err != ERR_OK)
        return err;
    must(page->count > 0);
    session->feed.id = 0; /* what was asked for is here */
    session->page_count++;
    if (session->tip.edge.size > session->status.offered)
        session->status.offered = session->tip.edge.size;
    if (session->state != SYNC_FEED && LIMIT_SYNC_REFUSALS - session->refusals.count < LIMIT_SYNC_PAGE_LEAVES)
        refusals_fold(session);
    return ERR_OK;
}

bool sync_session_resting(const struct sync_session *session)
{
    return session->page_count == 0;
}

/* --- what goes back --- */

void session_carry_made(struct sync_session *session)
{
    if (session->carry != CARRY_RECEIPT || session->receipt_body.len == 0 ||
        session->receipt_size != session->held.size)
        return;
    buf_clear(&session->carried);
    bundle_report_begin(&session->carried);
    bundle_report_put(&session->carried, "receipt", buf_bytes(&session->receipt_body));
    session->carried_size = session->receipt_size;
    session->carried_recalls = 0;
    if (buf_err(&session->carried) == ERR_OK)
        session->carry = CARRY_RECALLS;
}

/* While the link is up answers go by it: one signature is enough. */
bool session_carry_step(struct sync_session *session, int64_t now_us, struct sync_action *out)
{
    struct gate_recall_owed owed;
    struct recall_answer *answer = &session->recall;
    if (session->carry == CARRY_RECALLS && answer->signing && now_us >= answer->sign_until_us) {
        answer->signing = false;
        session_carry_recall(session, ERR_TIMEOUT);
    }
    if (session->carry != CARRY_RECALLS || answer->signing || session_other_signs(session))
        return false;
    bool full = session->state == SYNC_FEED || session->carried_recalls == LIMIT_BUNDLE_RECALLS;
    if (full || gate_recall_owed(session->gate, session->partner, session->carried_seq, &owed) != ERR_OK) {
        session->carry = CARRY_NOTHING;
        if (!full) /* all were told: the next report begins with the first, nobody says that it arrived */
            session->carried_seq = 0;
        return false;
    }
    session_recall_sign(session, &owed, now_us, out);
    return true;
}

void session_carry_recall(struct sync_session *session, err_t err)
{
    struct buf *body = &session->recall.body;
    if (err == ERR_OK)
        bundle_report_put(&session->carried, "recall-done", buf_bytes(body));
    else
        session->carry = CARRY_NOTHING; /* what is missing goes with the next report */
    buf_clear(body);
    session->carried_seq = session->recall.seq + 1;
    session->carried_recalls++;
}

err_t sync_session_report_want(struct sync_session *session)
{
    if (session->held.size == 0)
        return ERR_NOTFOUND;
    buf_clear(&session->carried);
    session->carry = CARRY_RECEIPT;
    session_carry_made(session);
    if (session->carry != CARRY_RECEIPT)
        return ERR_OK;
    session->receipt_wanted = true;
    if (session->receipt.id == 0 && session->receipt_body.len > 0)
        buf_clear(&session->receipt_body); /* of less: the new one says it as well */
    return ERR_OK;
}

bool sync_session_report_get(const struct sync_session *session, struct str *out, uint64_t *out_size)
{
    if (session->carry != CARRY_NOTHING || session->carried.len == 0 || buf_err(&session->carried) != ERR_OK)
        return false;
    *out = buf_str(&session->carried);
    *out_size = session->carried_size;
    return true;
}
