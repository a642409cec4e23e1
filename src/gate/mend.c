/* What a lenient source sends: minted objects in the place of what STIX 2.1 refuses, and the bytes that came
 * beside them. */
#include "stix/mend.h"
#include "core/wr.h"
#include "gate/state.h"

enum { ORIGINAL_KEY_SIZE = 1 + 8 };

static struct bytes original_key(uint64_t lsn, uint8_t out[ORIGINAL_KEY_SIZE])
{
    out[0] = 'O';
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, ORIGINAL_KEY_SIZE);
}

/* --- the node as the creator of what it mints --- */

/* The secret under which identifiers are minted: made when it is first needed, never changed. */
static err_t mint_key(struct gate *gate, int64_t now_us, struct hash *out)
{
    static const struct gate_by by = {{"gate", 4}, {"first minted object", 19}};
    struct buf value;
    err_t err = ERR_OK;
    buf_init(&value, HASH_SIZE);
    if (!gate_setting_get(gate, STR("gate/mint"), &value)) {
        err = gate->os->random(gate->os->ctx, out->b, HASH_SIZE);
        if (err == ERR_OK)
            err = gate_setting_put(gate, STR("gate/mint"), bytes_of(out->b, HASH_SIZE), &by, now_us);
    } else if (value.len == HASH_SIZE) {
        memcpy(out->b, value.at, HASH_SIZE);
    } else {
        err = ERR_CORRUPT;
    }
    buf_deinit(&value);
    return err;
}

/* The identity that stands for this node: what its name says, for everybody. */
static void write_identity(const struct gate *gate, struct str id, int64_t now_us, struct buf *out)
{
    static const char tlp_clear[] = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
    static const uint8_t padding[JSON_PADDING];
    char at[TIME_TEXT_SIZE];
    time_text(now_us, at);
    buf_printf(out,
               "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%.*s\",\"created\":\"%s\","
               "\"modified\":\"%s\",\"name\":"
               "\"%.*s\",\"identity_class\":\"system\",\"object_marking_refs\":[\"%s\"]}",
               STR_ARG(id), at, at, STR_ARG(gate->node_name), tlp_clear);
    buf_put(out, padding, sizeof padding);
}

static err_t mint_creator(struct gate *gate, const struct gate_submission *submission,
                          const struct stix_mint *mint, int64_t now_us)
{
    struct gate_submission own = {.source = submission->source};
    struct copies copies;
    struct stix_key key;
    struct buf text;
    must(stix_id_parse(mint->creator_id, &key));
    err_t err = copies_load(gate, &key, &copies);
    if (err != ERR_OK || copies.count > 0)
        return err;
    buf_init(&text, LIMIT_ID_BYTES * 4);
    write_identity(gate, mint->creator_id, now_us, &text);
    err = buf_err(&text);
    if (err == ERR_OK)
        err = accept_one(gate, &own, bytes_of(text.at, text.len - JSON_PADDING), now_us);
    buf_deinit(&text);
    return err;
}

void gate_minted_id(const struct gate *gate, struct str id, struct buf *out)
{
    struct stix_mint mint = {.creator_id = {"", 0}};
    struct buf value;
    buf_init(&value, HASH_SIZE);
    if (gate_setting_get(gate, STR("gate/mint"), &value) && value.len == HASH_SIZE) {
        memcpy(mint.key.b, value.at, HASH_SIZE);
        stix_mint_id(&mint, id, out);
    }
    buf_deinit(&value);
}

/* --- one object --- */

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
    err_t err = mint_key(gate, now_us, &mint.key);
    if (err != ERR_OK)
        return err;
    buf_init(&creator, LIMIT_ID_BYTES);
    stix_mint_id(&mint, STR("identity--00000000-0000-4000-8000-000000000000"), &creator);
    mint.creator_id = buf_str(&creator);
    if (!TRY(err, buf_err(&creator)) && !TRY(err, stix_mend(value, &mint, &gate->minted, &gate->mended)) &&
        !TRY(err, buf_err(&gate->mended)))
        err = mint_creator(gate, submission, &mint, now_us); /* from here on `value` may be gone */
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
