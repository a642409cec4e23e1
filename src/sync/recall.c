#include "sync/recall.h"

#include "core/rd.h"
#include "core/wr.h"
#include "ledger/merkle.h"
#include "sync/wire.h"

#define HEAD_DONE "bongsu/recall-done/v1"
#define HEAD_HELD "bongsu/recall-held/v1"

static bool done_ok(const struct sync_recall_done *done)
{
    struct ledger_origin origin;
    return ledger_origin_parse(done->origin, &origin) == ERR_OK && ledger_name_ok(done->holder) &&
           done->seq < MERKLE_SIZE_MAX;
}

err_t sync_recall_sign(const struct sync_recall_done *done, const struct note_key *key,
                       const struct sign_key *secret, struct buf *out)
{
    struct buf text;
    if (!done_ok(done))
        return ERR_INVALID;
    buf_init(&text, LIMIT_RECALL_ANSWER_BYTES);
    note_text_head_put(done->held ? HEAD_HELD : HEAD_DONE, key->public.suite, &text);
    buf_printf(&text, "\n%.*s\n%.*s\n%llu\n", STR_ARG(done->origin), STR_ARG(done->holder),
               (unsigned long long)done->seq);
    err_t err = buf_err(&text);
    if (err == ERR_OK)
        err = note_begin(buf_str(&text), out);
    if (err == ERR_OK)
        err = note_sign(buf_str(&text), key, secret, out);
    buf_deinit(&text);
    return err;
}

err_t sync_recall_open(struct str whole, const struct note_key *key, struct sync_recall_done *out)
{
    struct sync_recall_done done = {.seq = 0};
    struct note note;
    struct str text, line;
    err_t err;
    if (TRY(err, note_parse(whole, &note, NULL)) || TRY(err, note_verify(&note, key)))
        return err;
    text = note.text;
    if (!note_text_line(&text, &line))
        return ERR_SYNTAX;
    done.held = note_text_head_by(line, HEAD_HELD, key);
    if ((!done.held && !note_text_head_by(line, HEAD_DONE, key)) || !note_text_line(&text, &done.origin) ||
        !note_text_line(&text, &done.holder) || !note_text_line(&text, &line) ||
        !note_text_u64(line, MERKLE_SIZE_MAX - 1, &done.seq) || text.len > 0)
        return ERR_SYNTAX;
    if (!done_ok(&done))
        return ERR_INVALID;
    *out = done;
    return ERR_OK;
}

void sync_recall_write(struct buf *out, uint32_t epoch, struct str note)
{
    wr_u8(out, SYNC_FORMAT);
    wr_u16(out, SYNC_SUITE);
    wr_u32(out, epoch);
    wr_blob(out, bytes_from_str(note));
}

err_t sync_recall_read(struct bytes wire, uint32_t *out_epoch, struct str *out_note)
{
    struct rd rd = rd_of(wire);
    unsigned format = rd_u8(&rd), suite = rd_u16(&rd);
    uint32_t epoch = rd_u32(&rd);
    struct str note = str_from_bytes(rd_blob(&rd, LIMIT_RECALL_ANSWER_BYTES));
    err_t err = rd_end(&rd);
    if (err != ERR_OK || format != SYNC_FORMAT || suite != SYNC_SUITE)
        return err != ERR_OK ? err : ERR_VERSION;
    *out_epoch = epoch;
    *out_note = note;
    return ERR_OK;
}
