/* Secrets that are of no object: a slot of the key file each, named by a SECRET frame. The secret under which
 * identifiers are minted, and those of the days' words (words.c). The first stands in the key file, in a slot
 * like that of an object: gone for good when the slot is overwritten, and no copy of the log holds it. The
 * slot is that of a SECRET frame, which seals nothing.
 *
 * Logs of earlier versions hold it as a setting, in a JOB frame. What is minted must not change its name, so
 * the same secret moves; that frame stays in the log as it is (gate_check says so). */
#include "core/mem.h"
#include "gate/mint.h"
#include "gate/words.h"

static const char audience_label[] = "bongsu audience 1";
static const struct str setting = {"gate/mint", 9};
static const struct gate_by by_gate = {{"gate", 4}, {"it stands in the key file now", 29}};

/* Memory may be short, and what is held must not be taken for absent then. */
static err_t setting_held(const struct gate *gate, struct hash *out)
{
    uint8_t raw[HASH_SIZE];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    bool held = gate_setting_get(gate, setting, &value) && value.len == HASH_SIZE;
    if (held)
        memcpy(out->b, raw, HASH_SIZE);
    mem_wipe(raw, sizeof raw);
    if (held)
        return ERR_OK;
    return buf_err(&value) == ERR_OK || buf_err(&value) == ERR_LIMIT ? ERR_NOTFOUND : buf_err(&value);
}

err_t secret_held(const struct gate *gate, struct hash *out)
{
    struct seal_secret secret;
    if (gate->mint_slot == 0)
        return setting_held(gate, out);
    err_t err = store_group_secret(gate->store, gate->mint_slot - 1, &secret);
    if (err == ERR_NOTFOUND)
        err = store_secret(gate->store, gate->mint_slot - 1, &secret);
    if (err == ERR_OK)
        memcpy(out->b, secret.b, HASH_SIZE);
    mem_wipe(&secret, sizeof secret);
    return err;
}

static err_t keep(struct gate *gate, uint64_t slot)
{
    gate->mint_slot = slot + 1;
    return meta_put_u64(gate, "minting", gate->mint_slot);
}

err_t secret_append(struct gate *gate, const struct record_secret *record, const struct hash *value,
                    uint64_t *out_lsn, uint64_t *out_slot)
{
    struct seal_secret secret;
    err_t err;
    _Static_assert((int)HASH_SIZE == (int)SEAL_SECRET_SIZE, "a slot holds it");
    buf_clear(&gate->record);
    record_secret_write(&gate->record, record);
    if (TRY(err, buf_err(&gate->record)) || TRY(err, gate_group(gate)))
        return err;
    memcpy(secret.b, value->b, SEAL_SECRET_SIZE);
    struct bytes envelope = buf_bytes(&gate->record);
    err = store_append_keyed(gate->store, FRAME_SECRET, envelope, &secret, out_lsn, out_slot);
    if (err == ERR_FULL && !TRY(err, gate_commit(gate)) && !TRY(err, gate_group(gate)))
        err = store_append_keyed(gate->store, FRAME_SECRET, envelope, &secret, out_lsn, out_slot);
    mem_wipe(&secret, sizeof secret);
    return err;
}

static err_t append(struct gate *gate, const struct hash *value)
{
    static const struct record_secret minting = {.purpose = RECORD_SECRET_MINTING};
    uint64_t lsn, slot;
    err_t err = secret_append(gate, &minting, value, &lsn, &slot);
    return err != ERR_OK ? err : keep(gate, slot);
}

err_t secret_settle(struct gate *gate, int64_t now_us)
{
    struct hash secret;
    err_t err = gate->mint_slot != 0 ? ERR_NOTFOUND : setting_held(gate, &secret);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    err = append(gate, &secret);
    mem_wipe(&secret, sizeof secret);
    return err != ERR_OK ? err : gate_setting_put(gate, setting, bytes_of(NULL, 0), &by_gate, now_us);
}

err_t mint_secret(struct gate *gate, int64_t now_us, struct hash *out)
{
    err_t err = secret_settle(gate, now_us);
    if (err != ERR_OK || gate->mint_slot != 0)
        return err != ERR_OK ? err : secret_held(gate, out);
    if (TRY(err, gate->os->random(gate->os->ctx, out->b, HASH_SIZE)))
        return err;
    return append(gate, out);
}

err_t mint_secret_of(const struct gate *gate, unsigned partner, struct hash *out)
{
    struct hash secret;
    struct buf label;
    err_t err = secret_held(gate, &secret);
    if (err != ERR_OK)
        return err;
    buf_init(&label, sizeof audience_label + LIMIT_NAME_BYTES);
    buf_put(&label, audience_label, sizeof audience_label);
    buf_put_str(&label, gate->peers[partner].audience);
    err = buf_err(&label);
    if (err == ERR_OK)
        *out = hash_hmac_sha256(bytes_of(secret.b, HASH_SIZE), buf_bytes(&label));
    buf_deinit(&label);
    mem_wipe(&secret, sizeof secret);
    return err;
}

err_t secret_replay(struct gate *gate, const struct frame *frame)
{
    struct record_secret record;
    err_t err = record_secret_read(frame->envelope, &record);
    if (err != ERR_OK)
        return err;
    return record.purpose == RECORD_SECRET_WORDS ? words_apply(gate, frame->lsn, frame->slot, record.from_us)
                                                 : keep(gate, frame->slot);
}

bool secret_is_bare(const struct frame *frame)
{
    struct record_fact fact;
    return frame->kind == FRAME_JOB && record_fact_read(frame->payload, &fact) == ERR_OK &&
           fact.kind == RECORD_FACT_NODE && str_eq(str_from_bytes(fact.key), setting) && fact.value.len > 0;
}
