#include "gate/legal.h"

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"
#include "gate/words.h"

enum { VALUE_VERSION = 1 };

err_t gate_legal_put(struct gate *gate, const struct stix_key *object, bool hold, const struct gate_by *by,
                     int64_t now_us)
{
    if (gate->read_only)
        return ERR_READONLY;
    if (gate_legal_is(gate, object) == hold)
        return hold ? ERR_EXISTS : ERR_NOTFOUND;
    buf_clear(&gate->scratch);
    if (hold) {
        wr_u8(&gate->scratch, VALUE_VERSION);
        wr_u64(&gate->scratch, (uint64_t)now_us);
        wr_blob(&gate->scratch, bytes_from_str(by->who));
        err_t err = words_put(gate, &gate->scratch, by->because, now_us);
        if (err != ERR_OK)
            return err;
    }
    return fact_state(gate, RECORD_FACT_LEGAL, bytes_of(object->b, STIX_KEY_SIZE), by, now_us);
}

bool gate_legal_is(struct gate *gate, const struct stix_key *object)
{
    struct bytes value;
    /* What cannot be looked up is kept. */
    return fact_get(gate, RECORD_FACT_LEGAL, bytes_of(object->b, STIX_KEY_SIZE), &value) != ERR_NOTFOUND;
}

/* Partners whose recalls it stops are told so; what waited for its end goes on. */
void legal_apply(struct gate *gate)
{
    gate->recalls_open = true;
    memset(gate->recalls_answered, 0xff, sizeof gate->recalls_answered);
}

static err_t legal_read(struct bytes key, struct bytes value, struct gate_legal *out)
{
    struct rd key_rd = rd_of(key), rd = rd_of(value);
    if (rd_u8(&rd) != VALUE_VERSION)
        return ERR_VERSION;
    rd_copy(&key_rd, out->object.b, STIX_KEY_SIZE);
    out->at_us = (int64_t)rd_u64(&rd);
    out->by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    out->because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    return rd_end(&rd) == ERR_OK && rd_end(&key_rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t gate_legal_each(struct gate *gate, void (*each)(void *ctx, const struct gate_legal *legal), void *ctx)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_LEGAL, bytes_of(NULL, 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct gate_legal legal;
        if (TRY(err, legal_read(bytes_of(key.at + 2, key.len - 2), value, &legal)))
            break;
        each(ctx, &legal);
    }
    store_scan_close(scan);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
