/* What a lenient source sends: minted objects in the place of what STIX 2.1 refuses, and the bytes that came
 * beside them. */
#include "stix/mend.h"
#include "core/mem.h"
#include "core/wr.h"
#include "gate/mint.h"

enum { ORIGINAL_KEY_SIZE = 1 + 8 };

static struct bytes original_key(uint64_t lsn, uint8_t out[ORIGINAL_KEY_SIZE])
{
    out[0] = 'O';
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, ORIGINAL_KEY_SIZE);
}

/* --- one object --- */

void gate_minted_id(const struct gate *gate, struct str id, struct buf *out)
{
    struct stix_mint mint = {.creator_id = {"", 0}};
    if (secret_held(gate, &mint.key) == ERR_OK)
        stix_mint_id(&mint, id, out);
    mem_wipe(&mint, sizeof mint);
}

err_t mend_object(struct gate *gate, const struct gate_submission *submission, struct json_val value,
                  struct bytes bytes, int64_t now_us, struct bytes *out)
{
    static const uint8_t padding[JSON_PADDING];
    struct stix_mint mint;
    struct buf creator;
    buf_clear(&gate->minted);
    buf_clear(&gate->mended);
    /* Refused in every profile: numbers that do not round-trip. Duplicate names json_canon finds. */
    if (json_has_hard_number(value) && json_check_numbers(bytes, NULL) != ERR_OK)
        return ERR_UNSUPPORTED;
    err_t err = mint_secret(gate, now_us, &mint.key);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_UNSUPPORTED : err; /* destroyed: nothing is minted any more */
    buf_init(&creator, LIMIT_ID_BYTES);
    err = mint_creator_id(gate, now_us, &creator);
    mint.creator_id = buf_str(&creator);
    if (err == ERR_OK && !TRY(err, stix_mend(value, &mint, &gate->minted, &gate->mended)) &&
        !TRY(err, buf_err(&gate->mended)))
        err = mint_creator(gate, submission->source, now_us); /* from here on `value` may be gone */
    buf_deinit(&creator);
    size_t len = gate->minted.len;
    buf_put(&gate->minted, padding, sizeof padding);
    if (err == ERR_DUPLICATE_NAME || err == ERR_NUMBER || err == ERR_LIMIT)
        err = ERR_UNSUPPORTED;
    if (err == ERR_OK)
        *out = bytes_of(gate->minted.at, len);
    return err;
}

struct str mend_report(const struct gate *gate)
{
    return buf_str(&gate->mended);
}

/* --- the bytes that came --- */

err_t mend_keep(struct gate *gate, const struct record_envelope *minted, uint64_t lsn, struct bytes bytes)
{
    uint8_t key[ORIGINAL_KEY_SIZE];
    struct record_envelope envelope = {.source = minted->source,
                                       .reason = RECORD_QUARANTINE_MENDED,
                                       .received_us = minted->received_us,
                                       .about = lsn};
    struct fault report = {0};
    uint64_t at, slot;
    err_t err = row_get_u64(gate, original_key(lsn, key), &at);
    if (err != ERR_NOTFOUND)
        return err; /* kept when it first came */
    (void)fault_set(&report, ERR_OK, 0, "%.*s", STR_ARG(mend_report(gate)));
    buf_clear(&gate->plain);
    record_fault_write(&gate->plain, &report, bytes);
    if (TRY(err, buf_err(&gate->plain)) ||
        TRY(err, object_append(gate, FRAME_QUAR, &envelope, buf_bytes(&gate->plain), &at, &slot)))
        return err;
    return mend_apply(gate, at, &envelope);
}

err_t mend_apply(struct gate *gate, uint64_t lsn, const struct record_envelope *envelope)
{
    uint8_t key[ORIGINAL_KEY_SIZE], number[8];
    wr_at_u64(number, lsn);
    return store_put(gate->store, TABLE_FACT, original_key(envelope->about, key),
                     bytes_of(number, sizeof number));
}

err_t mend_forget(struct gate *gate, uint64_t obj)
{
    uint8_t key[ORIGINAL_KEY_SIZE];
    return store_delete(gate->store, TABLE_FACT, original_key(obj, key));
}

err_t mend_original(struct gate *gate, uint64_t lsn, struct arena *arena, struct bytes *out_bytes,
                    struct str *out_report)
{
    uint8_t key[ORIGINAL_KEY_SIZE];
    struct frame frame;
    struct fault report;
    struct bytes bytes;
    uint64_t at;
    err_t err;
    buf_clear(&gate->plain);
    if (TRY(err, row_get_u64(gate, original_key(lsn, key), &at)) ||
        TRY(err, store_read(gate->store, at, &frame)) ||
        TRY(err, store_unseal(gate->store, &frame, &gate->plain)) ||
        TRY(err, record_fault_read(buf_bytes(&gate->plain), &report, &bytes)))
        return err;
    struct str copy = arena_str(arena, str_from_bytes(bytes));
    struct str what = arena_str(arena, str_of(report.what));
    if (copy.at == NULL || what.at == NULL)
        return ERR_NOMEM;
    *out_bytes = bytes_from_str(copy);
    *out_report = what;
    return ERR_OK;
}
