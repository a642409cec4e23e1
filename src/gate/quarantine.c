/* Quarantine: what was refused, with its bytes, until somebody looks. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

enum { QUARANTINE_KEY_SIZE = 1 + 8 };

static struct bytes quarantine_key(uint64_t lsn, uint8_t out[QUARANTINE_KEY_SIZE])
{
    out[0] = 'Q';
    for (int i = 0; i < 8; i++)
        out[1 + i] = (uint8_t)(lsn >> (56 - 8 * i));
    return bytes_of(out, QUARANTINE_KEY_SIZE);
}

err_t quarantine_opened(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    gate->quarantine_count++;
    return store_put(gate->store, TABLE_FACT, quarantine_key(lsn, key), bytes_of(NULL, 0));
}

err_t quarantine_closed(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, quarantine_key(lsn, key), &value);
    if (err != ERR_OK)
        return err;
    gate->quarantine_count--;
    return store_delete(gate->store, TABLE_FACT, quarantine_key(lsn, key));
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
        if (TRY(err, quarantined_load(gate, lsn, &entry)))
            break;
        if (!visit(ctx, &entry))
            break;
        from = lsn + 1;
    }
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t close_entry(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    uint8_t key[8];
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(lsn >> (56 - 8 * i));
    struct record_fact fact = {
        RECORD_FACT_QUARANTINE, bytes_of(key, sizeof key), bytes_of(NULL, 0), by->who, by->because, now_us};
    uint64_t fact_lsn;
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    err_t err = gate_append(gate, FRAME_JOB, &fact_lsn);
    return err != ERR_OK ? err : fact_apply(gate, fact_lsn, &fact);
}

/* ERR_NOTFOUND: no such entry, or it was closed. A fact about it must not be logged then: no replay could
 * apply it. */
static err_t check_open(struct gate *gate, uint64_t lsn)
{
    uint8_t key[QUARANTINE_KEY_SIZE];
    struct bytes value;
    return store_get(gate->store, TABLE_FACT, quarantine_key(lsn, key), &value);
}

err_t gate_quarantine_drop(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us)
{
    err_t err = check_open(gate, lsn);
    return err != ERR_OK ? err : close_entry(gate, lsn, by, now_us);
}

struct retry {
    void (*answer)(void *ctx, const struct gate_answer *answer);
    void *ctx;
    uint64_t lsn;
    bool still_there; /* the same conflict again: nothing new was kept, so this entry stays */
};

static void retry_answer(void *ctx, const struct gate_answer *answer)
{
    struct retry *retry = ctx;
    retry->still_there |= answer->disposition == GATE_CONFLICT && answer->lsn == retry->lsn;
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
    /* Accepting uses the gate's buffers: the bytes move to one of their own. A refusal again opens a new
     * entry. */
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
    if (err != ERR_OK && gate->quarantine_count > before)
        err = ERR_OK;
    /* Closed last: a power failure between the two leaves the entry open, never the bytes nowhere. */
    if (err == ERR_OK && !retry.still_there)
        err = close_entry(gate, lsn, by, now_us);
    buf_deinit(&copy);
    return err;
}
