/* What the partner signed: receipts, and answers to recalls. */
#include "core/wr.h"
#include "gate/recall.h"
#include "sync/recall.h"
#include "sync/serve_state.h"

/* The cosignature over the text of our own checkpoint of that size, which stands in serve->note. */
static err_t cosignature_check(struct sync_serve *serve, const struct note_key *key, struct str lines)
{
    struct note ours, note;
    struct buf whole;
    int64_t time_s;
    err_t err = note_parse(buf_str(&serve->note), &ours, NULL);
    if (err != ERR_OK)
        return ERR_CORRUPT;
    buf_init(&whole, LIMIT_NOTE_BYTES);
    if (TRY(err, note_begin(ours.text, &whole)))
        goto out;
    buf_put_str(&whole, lines);
    if (TRY(err, buf_err(&whole)) || TRY(err, note_parse(buf_str(&whole), &note, NULL)))
        goto out;
    /* The lines must not have moved the end of the text. */
    err = str_eq(note.text, ours.text) ? cosign_verify(&note, key, &time_s) : ERR_SYNTAX;
out:
    buf_deinit(&whole);
    return err;
}

static err_t disposition_check(const struct sync_serve *serve, const struct partner *partner,
                               const struct note_key *key, const struct sync_receipt *receipt)
{
    struct note note;
    struct checkpoint ours;
    struct disposition held;
    err_t err;
    if (note_parse(buf_str(&serve->note), &note, NULL) != ERR_OK ||
        checkpoint_parse(note.text, &ours, NULL) != ERR_OK)
        return ERR_CORRUPT;
    if (TRY(err, disposition_open(receipt->disposition, key, &held, NULL)))
        return err;
    struct hash digest = sync_receipt_digest(receipt);
    if (!str_eq(held.origin, ours.origin) || !str_eq(held.holder, str_of(partner->cards.present.node)) ||
        held.size != receipt->size || !hash_eq(&held.root, &ours.root))
        return ERR_CONFLICT;
    if (held.refused_count < receipt->before_count ||
        held.refused_count - receipt->before_count != receipt->refusal_count ||
        !hash_eq(&held.refused, &digest))
        return ERR_CONFLICT;
    return ERR_OK;
}

static err_t receipt_by(struct sync_serve *serve, unsigned partner, unsigned which,
                        const struct sync_receipt *receipt)
{
    const struct accepted *by = &serve->partners[partner].accepted[which];
    err_t err = cosignature_check(serve, &by->cosign, receipt->cosignature);
    return err != ERR_OK ? err
                         : disposition_check(serve, &serve->partners[partner], &by->disposition, receipt);
}

/* Of either ledger, by the keys of either card. */
static err_t receipt_check(struct sync_serve *serve, unsigned partner, const struct sync_receipt *receipt,
                           int64_t now_us, bool *out_commit)
{
    err_t err = receipt_by(serve, partner, PRESENT, receipt);
    if (err != ERR_OK && serve_holds(serve, partner, NEXT, now_us) &&
        receipt_by(serve, partner, NEXT, receipt) == ERR_OK) {
        serve_turn_card(serve, partner, now_us, out_commit);
        return ERR_OK;
    }
    if (err == ERR_OK)
        return ERR_OK;
    serve->partners[partner].served.receipts_refused++;
    diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
             "a receipt of %s for %llu leaves does not verify: %s", serve_name_of(serve, partner),
             (unsigned long long)receipt->size, err_text(err));
    return err;
}

void serve_receipt(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                   int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct sync_receipt receipt;
    struct gate_ledger ledger;
    if (sync_receipt_read(request->body, &receipt) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err != ERR_OK) {
        serve_answer_body(serve, response, err);
        return;
    }
    if (receipt.epoch != ledger.origin.epoch || receipt.size > ledger.visible || receipt.size == 0 ||
        serve_checkpoint_kept(serve, number, receipt.size) != ERR_OK) {
        serve_answer_status(response, AGAIN);
        return;
    }
    if (receipt_check(serve, gate_ledger_partner(number), &receipt, now_us, out_commit) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    if (receipt.size > ledger.receipted) {
        err = gate_receipt(serve->gate, number, receipt.size, receipt.before_count + receipt.refusal_count,
                           request->body, now_us);
        *out_commit = *out_commit || err == ERR_OK;
        ledger.receipted = receipt.size;
        serve->partners[gate_ledger_partner(number)].served.receipts += err == ERR_OK;
    }
    sync_received_write(&response->body, ledger.receipted);
    serve_answer_body(serve, response, err);
}

/* --- recall-done --- */

static err_t recall_done_check(struct sync_serve *serve, unsigned number, struct str note, int64_t now_us,
                               uint64_t *out_seq, bool *out_held)
{
    const struct partner *partner = &serve->partners[gate_ledger_partner(number)];
    struct sync_recall_done done;
    struct gate_ledger ledger;
    err_t err = sync_recall_open(note, &partner->accepted[PRESENT].recall, &done);
    if (err != ERR_OK && serve_holds(serve, gate_ledger_partner(number), NEXT, now_us))
        err = sync_recall_open(note, &partner->accepted[NEXT].recall, &done);
    if (err != ERR_OK || TRY(err, gate_ledger(serve->gate, number, &ledger)))
        return err;
    buf_clear(&serve->note);
    if (TRY(err, ledger_origin_print(&ledger.origin, &serve->note)))
        return err;
    if (!str_eq(done.origin, buf_str(&serve->note)) ||
        !str_eq(done.holder, str_of(partner->cards.present.node)) || done.seq >= ledger.visible)
        return ERR_CONFLICT;
    *out_seq = done.seq;
    *out_held = done.held;
    return ERR_OK;
}

/* Answers by this partner's own ledger alone. */
void serve_recall_done(struct sync_serve *serve, unsigned number, const struct exchange_request *request,
                       int64_t now_us, struct exchange_response *response, bool *out_commit)
{
    struct gate_ledger ledger;
    struct str note;
    uint32_t epoch;
    uint64_t seq;
    bool held;
    if (sync_recall_read(request->body, &epoch, &note) != ERR_OK) {
        serve_answer_status(response, BAD);
        return;
    }
    err_t err = gate_ledger(serve->gate, number, &ledger);
    if (err == ERR_OK && epoch != ledger.origin.epoch) {
        serve_answer_status(response, AGAIN);
        return;
    }
    if (err == ERR_OK && TRY(err, recall_done_check(serve, number, note, now_us, &seq, &held))) {
        diag_say(&serve->diag, DIAG_WARNING, err, "sync", "compare the cards on both sides",
                 "an answer of %s to a recall does not verify: %s",
                 serve_name_of(serve, gate_ledger_partner(number)), err_text(err));
        serve_answer_status(response, BAD);
        return;
    }
    if (err == ERR_OK)
        err = gate_recall_answered(serve->gate, number, seq, held, bytes_from_str(note), now_us);
    *out_commit = *out_commit || err == ERR_OK;
    if (err == ERR_NOTFOUND) { /* his leaf, and no recall */
        serve_answer_status(response, BAD);
        return;
    }
    wr_u8(&response->body, SYNC_FORMAT);
    serve_answer_body(serve, response, err == ERR_EXISTS ? ERR_OK : err);
}
