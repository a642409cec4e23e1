/* Quarantine: what was refused, with its bytes, until somebody looks. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { QUARANTINE_KEY_SIZE = 1 + 8, SAME_KEY_SIZE = 1 + 16 };

static struct bytes quarantine_key(uint64_t lsn, uint8_t out[QUARANTINE_KEY_SIZE])
{
    out[0] = 'Q';
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, QUARANTINE_KEY_SIZE);
}

static struct bytes closed_key(uint64_t lsn, uint8_t out[QUARANTINE_KEY_SIZE])
{
    (void)quarantine_key(lsn, out);
    out[0] = 'c';
    return bytes_of(out, QUARANTINE_KEY_SIZE);
}

/* --- the same again: one entry for the same bytes of the same source, refused for the same reason --- */

static struct bytes same_key(uint32_t source, const struct fault *fault, struct bytes refused,
                             uint8_t out[SAME_KEY_SIZE])
{
    uint8_t head[6];
    wr_at(head, source, 4);
    wr_at(head + 4, fault->code, 2);
    /* With their ends: two texts must not run into one another. The offset may differ: it counts in a batch.
     */
    struct bytes parts[] = {bytes_of(head, sizeof head), bytes_of(fault->what, strlen(fault->what) + 1),
                            bytes_of(fault->pointer, strlen(fault->pointer) + 1), refused};
    struct hash digest = hash_sha256_parts(parts, sizeof parts / sizeof parts[0]);
    out[0] = 'S';
    memcpy(out + 1, digest.b, SAME_KEY_SIZE - 1);
    return bytes_of(out, SAME_KEY_SIZE);
}

/* --- opening and closing --- */

/* A partner's leaf brought it: a recall of that leaf has to find it. */
static err_t note_leaf(struct gate *gate, const struct record_envelope *envelope, uint64_t lsn)
{
    return envelope->seq == 0 ? ERR_OK : received_put(gate, envelope->source, envelope->seq - 1, lsn);
}

/* `same`: empty for a conflict, which the ID table knows again. */
static err_t open_entry(struct gate *gate, uint64_t lsn, struct bytes same)
{
    uint8_t key[QUARANTINE_KEY_SIZE], number[8];
    wr_at_u64(number, lsn);
    err_t err = ERR_OK;
    if (same.len > 0)
        err = store_put(gate->store, TABLE_FACT, same, bytes_of(number, sizeof number));
    if (err == ERR_OK)
        err = store_put(gate->store, TABLE_FACT, quarantine_key(lsn, key), same);
    gate->quarantine_count += err == ERR_OK;
    return err;
}

err_t quarantine_opened(struct gate *gate, uint64_t lsn)
{
    return open_entry(gate, lsn, bytes_of(NULL, 0));
}

static err_t keep_one(struct gate *gate, const struct record_envelope *envelope, const struct fault *fault,
                      struct bytes bytes, uint64_t *out_lsn)
{
    uint8_t key[SAME_KEY_SIZE];
    struct bytes same = same_key(envelope->source, fault, bytes, key);
    uint64_t slot;
    /* What a partner sent has its place in the ledger and its own entry. */
    err_t err = envelope->seq != 0 ? ERR_NOTFOUND : row_get_u64(gate, same, out_lsn);
    if (err == ERR_OK && (envelope->reason != RECORD_QUARANTINE_PIECE || envelope->about == 0))
        return repeat_note(gate, envelope->source, envelope->received_us, REPEAT_REFUSED);
    if (err != ERR_NOTFOUND)
        return err;
    buf_clear(&gate->plain);
    record_fault_write(&gate->plain, fault, bytes);
    if (TRY(err, buf_err(&gate->plain)) ||
        TRY(err, object_append(gate, FRAME_QUAR, envelope, buf_bytes(&gate->plain), out_lsn, &slot)) ||
        TRY(err, note_leaf(gate, envelope, *out_lsn)))
        return err;
    return open_entry(gate, *out_lsn, same);
}

err_t gate_quarantine_piece(struct gate *gate, uint32_t source, const struct gate_piece *piece,
                            int64_t now_us, uint64_t *out_lsn)
{
    char digest[2 * HASH_SIZE + 1];
    struct fault fault = {0};
    struct record_envelope envelope = {
        .source = source, .reason = RECORD_QUARANTINE_PIECE, .received_us = now_us, .about = piece->first};
    if (gate->read_only)
        return ERR_READONLY;
    if (gate_source_get(gate, source) == NULL)
        return ERR_NOTFOUND;
    if (piece->bytes.len == 0 || piece->bytes.len > LIMIT_OBJECT_BYTES || piece->at > piece->whole ||
        piece->bytes.len > piece->whole - piece->at || (piece->at == 0) != (piece->first == 0))
        return ERR_INVALID;
    if (piece->at > LIMIT_REFUSED_BYTES || piece->bytes.len > LIMIT_REFUSED_BYTES - piece->at)
        return ERR_LIMIT;
    str_hex(piece->digest.b, HASH_SIZE, digest);
    (void)fault_set(
        &fault, ERR_LIMIT, piece->at,
        "bytes %llu to %llu of %llu that are no object: one has at most %u (SHA-256 of all %.64s)",
        (unsigned long long)piece->at, (unsigned long long)(piece->at + piece->bytes.len),
        (unsigned long long)piece->whole, LIMIT_OBJECT_BYTES, digest);
    return keep_one(gate, &envelope, &fault, piece->bytes, out_lsn);
}

static err_t keep_pieces(struct gate *gate, uint32_t source, struct bytes bytes, int64_t now_us,
                         uint64_t *out_lsn)
{
    struct gate_piece piece = {.whole = bytes.len, .digest = hash_sha256(bytes)};
    for (; piece.at < bytes.len; piece.at += LIMIT_OBJECT_BYTES) {
        size_t left = bytes.len - (size_t)piece.at;
        uint64_t lsn;
        piece.bytes = bytes_of(bytes.at + piece.at, left < LIMIT_OBJECT_BYTES ? left : LIMIT_OBJECT_BYTES);
        err_t err = gate_quarantine_piece(gate, source, &piece, now_us, &lsn);
        if (err != ERR_OK)
            return err;
        if (piece.at == 0)
            piece.first = lsn;
    }
    *out_lsn = piece.first;
    return ERR_OK;
}

err_t quarantine_keep(struct gate *gate, const struct gate_submission *submission, const struct fault *fault,
                      struct bytes bytes, int64_t now_us, uint64_t *out_lsn)
{
    struct record_envelope envelope = {.source = submission->source,
                                       .reason = RECORD_QUARANTINE_REFUSED,
                                       .received_us = now_us,
                                       .seq = submission->leaf};
    if (bytes.len > LIMIT_OBJECT_BYTES && submission->leaf != 0)
        bytes.len = LIMIT_OBJECT_BYTES; /* no page holds such; pieces would not fit the page's group */
    if (bytes.len > LIMIT_OBJECT_BYTES)
        return keep_pieces(gate, submission->source, bytes, now_us, out_lsn);
    if (bytes.len > 0 || submission->leaf != 0)
        return keep_one(gate, &envelope, fault, bytes, out_lsn);
    *out_lsn = 0; /* a list without its end: nothing stands there */
    return ERR_OK;
}

err_t gate_quarantine_foreign(struct gate *gate, uint32_t source, const struct fault *fault,
                              struct bytes bytes, int64_t now_us, uint64_t *out_lsn)
{
    struct record_envelope envelope = {
        .source = source, .reason = RECORD_QUARANTINE_FOREIGN, .received_us = now_us};
    if (gate->read_only)
        return ERR_READONLY;
    if (gate_source_get(gate, source) == NULL)
        return ERR_NOTFOUND;
    if (bytes.len == 0)
        return ERR_INVALID;
    return bytes.len > LIMIT_OBJECT_BYTES ? keep_pieces(gate, source, bytes, now_us, out_lsn)
                                          : keep_one(gate, &envelope, fault, bytes, out_lsn);
}

err_t quarantine_replay(struct gate *gate, const struct frame *frame, const struct record_envelope *envelope)
{
    uint8_t key[SAME_KEY_SIZE];
    struct fault fault;
    struct bytes refused;
    err_t err;
    if (envelope->reason == RECORD_QUARANTINE_MENDED)
        return mend_apply(gate, frame->lsn, envelope);
    struct record_gone gone;
    if (TRY(err, note_leaf(gate, envelope, frame->lsn)))
        return err;
    buf_clear(&gate->plain);
    err = store_unseal(gate->store, frame, &gate->plain);
    if (err == ERR_NOTFOUND) { /* its bytes were destroyed: nothing is known again by them */
        err = gone_find(gate, frame->lsn, &gone);
        return err != ERR_OK ? err : open_entry(gate, frame->lsn, bytes_of(NULL, 0));
    }
    if (err != ERR_OK || TRY(err, record_fault_read(buf_bytes(&gate->plain), &fault, &refused)))
        return err;
    return open_entry(gate, frame->lsn, same_key(envelope->source, &fault, refused, key));
}

err_t quarantine_closed(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    struct bytes value, same;
    uint64_t number;
    err_t err = store_get(gate->store, TABLE_FACT, quarantine_key(lsn, key), &value);
    if (err != ERR_OK)
        return err;
    size_t value_len = value.len; /* 0: a conflict, which binds by its marking */
    gate->quarantine_count--;
    /* A partner's may have been kept twice: then the later one is found again. */
    uint8_t copy[SAME_KEY_SIZE];
    if (value.len == sizeof copy) {
        memcpy(copy, value.at, sizeof copy);
        same = bytes_of(copy, sizeof copy);
        if (row_get_u64(gate, same, &number) == ERR_OK && number == lsn &&
            TRY(err, store_delete(gate->store, TABLE_FACT, same)))
            return err;
    }
    if (TRY(err, store_delete(gate->store, TABLE_FACT, quarantine_key(lsn, key))) || value_len == 0)
        return err;
    /* Nobody can get at its bytes any more: the next run of the retention destroys them. */
    return store_put(gate->store, TABLE_FACT, closed_key(lsn, key), bytes_of("", 0));
}

err_t quarantine_forget(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    err_t err = quarantine_closed(gate, lsn);
    if (err != ERR_OK && err != ERR_NOTFOUND) /* closed before */
        return err;
    return store_delete(gate->store, TABLE_FACT, closed_key(lsn, key));
}

err_t quarantine_count(struct gate *gate)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("Q", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK)
        gate->quarantine_count++;
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Reads one entry into `gate->plain`, followed by padding. */
static err_t quarantined_load(struct gate *gate, uint64_t lsn, struct gate_quarantined *out)
{
    if (spilled(gate, lsn))
        return ERR_NOTFOUND;
    static const uint8_t padding[JSON_PADDING];
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    buf_clear(&gate->plain);
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return err;
    if (frame.kind != FRAME_QUAR)
        return ERR_NOTFOUND;
    if (TRY(err, record_envelope_read(frame.envelope, &envelope)) ||
        TRY(err, store_unseal(gate->store, &frame, &gate->plain)))
        return err;
    size_t len = gate->plain.len;
    buf_put(&gate->plain, padding, sizeof padding);
    if (TRY(err, buf_err(&gate->plain)))
        return err;
    *out = (struct gate_quarantined) {.lsn = lsn,
                                      .received_us = envelope.received_us,
                                      .source = envelope.source,
                                      .reason = (enum record_quarantine)envelope.reason};
    if (envelope.reason == RECORD_QUARANTINE_PIECE)
        out->first = envelope.about == 0 ? lsn : envelope.about;
    return record_fault_read(bytes_of(gate->plain.at, len), &out->fault, &out->bytes);
}

/* The next open entry at or behind `from`; entries are read one by one because a visitor may look at the
 * store. */
static err_t next_open(struct gate *gate, uint64_t from, uint64_t *out)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    struct store_scan *scan;
    struct bytes found, value;
    struct bytes start = quarantine_key(from, key);
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("Q", 1), start, &scan);
    if (err != ERR_OK)
        return err;
    err = store_scan_next(scan, &found, &value);
    if (err == ERR_OK) {
        struct rd rd = rd_of(bytes_of(found.at + 1, found.len - 1));
        *out = rd_u64(&rd);
    }
    store_scan_close(scan);
    return err;
}

err_t gate_quarantine_list(struct gate *gate, uint64_t from,
                           bool (*visit)(void *ctx, const struct gate_quarantined *quarantined), void *ctx)
{
    uint64_t lsn;
    err_t err;
    uint64_t durable = store_durable_lsn(gate->store);
    while ((err = next_open(gate, from, &lsn)) == ERR_OK && lsn < durable) {
        struct gate_quarantined entry;
        err = quarantined_load(gate, lsn, &entry);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            break;
        if (err == ERR_OK && !visit(ctx, &entry))
            break;
        from = lsn + 1;
    }
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t close_entry(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    uint8_t key[8];
    wr_at_u64(key, lsn);
    buf_clear(&gate->scratch);
    return fact_state(gate, RECORD_FACT_QUARANTINE, bytes_of(key, sizeof key), by, now_us);
}

/* ERR_NOTFOUND: no such entry, or it was closed. A fact about it must not be logged then: no replay could
 * apply it. */
static err_t check_open(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    struct bytes value;
    return store_get(gate->store, TABLE_FACT, quarantine_key(lsn, key), &value);
}

/* The entry of the first piece that this one belongs to; 0: it is no piece. */
static err_t first_piece(struct gate *gate, uint64_t lsn, uint64_t *out)
{
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    if (TRY(err, store_read(gate->store, lsn, &frame)) || frame.kind != FRAME_QUAR ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)))
        return err != ERR_OK ? err : ERR_CORRUPT;
    bool piece = envelope.reason == RECORD_QUARANTINE_PIECE;
    *out = !piece ? 0 : envelope.about == 0 ? lsn : envelope.about;
    return ERR_OK;
}

err_t gate_quarantine_drop(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    uint64_t first, next;
    err_t err;
    if (gate->group_open && TRY(err, gate_commit(gate))) /* entries are read back */
        return err;
    if (TRY(err, check_open(gate, lsn)) || TRY(err, first_piece(gate, lsn, &first)))
        return err;
    if (first == 0)
        return close_entry(gate, lsn, by, now_us);
    /* The first one last: while it stands, what a power failure left of them can be dropped. */
    uint64_t from = first + 1;
    while ((err = next_open(gate, from, &next)) == ERR_OK) {
        uint64_t its = 0;
        if (TRY(err, first_piece(gate, next, &its)) ||
            (its == first && TRY(err, close_entry(gate, next, by, now_us))))
            return err;
        from = next + 1;
    }
    if (err != ERR_NOTFOUND)
        return err;
    err = close_entry(gate, first, by, now_us);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

struct retry {
    void (*answer)(void *ctx, const struct gate_answer *answer);
    void *ctx;
    uint64_t lsn;
    bool still_there; /* for the same reason again: nothing new was kept, so this entry stays */
};

static void retry_answer(void *ctx, const struct gate_answer *answer)
{
    struct retry *retry = ctx;
    bool refused = answer->disposition == GATE_CONFLICT || answer->disposition == GATE_REFUSED;
    retry->still_there |= refused && answer->lsn == retry->lsn;
    if (retry->answer != NULL)
        retry->answer(retry->ctx, answer);
}

err_t gate_quarantine_retry(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                            void (*answer)(void *ctx, const struct gate_answer *answer), void *ctx)
{
    struct gate_quarantined entry;
    struct buf copy;
    err_t err;
    if (TRY(err, check_open(gate, lsn)) || TRY(err, quarantined_load(gate, lsn, &entry)))
        return err;
    /* What is whole by itself in the middle of a piece is no object of its source; what another format says
     * would be refused again for not being STIX. What a partner gave as another's and is not would come in as
     * his own. */
    if (entry.reason == RECORD_QUARANTINE_PIECE || entry.reason == RECORD_QUARANTINE_FOREIGN ||
        entry.fault.code == ERR_SIGNATURE)
        return ERR_UNSUPPORTED;
    /* Accepting uses the gate's buffers: the bytes move to one of their own. A refusal for another reason
     * opens a new entry. */
    buf_init(&copy, LIMIT_OBJECT_BYTES + JSON_PADDING);
    buf_put(&copy, entry.bytes.at, entry.bytes.len);
    size_t len = copy.len;
    static const uint8_t padding[JSON_PADDING];
    buf_put(&copy, padding, sizeof padding);
    struct gate_submission submission = {.source = entry.source};
    struct retry retry = {answer, ctx, lsn, false};
    struct fault fault;
    uint64_t before = gate->quarantine_count;
    err = buf_err(&copy);
    if (err == ERR_OK)
        err = gate_accept(gate, &submission, bytes_of(copy.at, len), now_us, retry_answer, &retry, &fault);
    /* What cannot be cut into objects is kept again as a whole: answered, no error of the retry. */
    if (err != ERR_OK && (gate->quarantine_count > before || retry.still_there))
        err = ERR_OK;
    /* Closed last: a power failure between the two leaves the entry open, never the bytes nowhere. */
    if (err == ERR_OK && !retry.still_there)
        err = close_entry(gate, lsn, by, now_us);
    buf_deinit(&copy);
    return err;
}
