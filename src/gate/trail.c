/* What two nodes of a ring both make anew goes round under ever new identifiers, and no content tells that it
 * is the same. So whoever mints leaves a mark, which goes on beside the object, through whatever is made of
 * it, and stops what carries a mark of one's own (docs/decisions/0052, SYNC.md section 4).
 *
 * A mark is 8 bytes that follow from the audience's secret and the source, and 8 that only this node can make
 * of these: it knows its marks without remembering them, and nobody else can make one. A trail has always
 * LIMIT_TRAIL_MARKS, so that it does not tell how many there are: the first who mints fills it. */
#include "core/mem.h"
#include "core/wr.h"
#include "gate/mint.h"

enum {
    MARK_SIZE = 16,
    HALF = MARK_SIZE / 2,
    KEY_SIZE = STIX_KEY_SIZE + 8,
    VALUE_SIZE = 1 + LIMIT_TRAIL_BYTES,
};

static const char mark_label[] = "bongsu trail mark 1";
static const char seal_label[] = "bongsu trail seal 1";
static const char fill_label[] = "bongsu trail fill 1";

/* Head of HMAC(secret, label NUL what). */
static err_t keyed(const struct hash *secret, const char *label, struct bytes what, size_t size, uint8_t *out)
{
    struct buf text;
    buf_init(&text, 128);
    buf_put(&text, label, strlen(label) + 1);
    buf_put(&text, what.at, what.len);
    err_t err = buf_err(&text);
    if (err == ERR_OK) {
        struct hash made = hash_hmac_sha256(bytes_of(secret->b, HASH_SIZE), buf_bytes(&text));
        memcpy(out, made.b, size);
    }
    buf_deinit(&text);
    return err;
}

static err_t put_mark(const struct hash *node, const struct hash *audience, const struct stix_key *source,
                      uint8_t out[MARK_SIZE])
{
    err_t err = keyed(audience, mark_label, bytes_of(source->b, STIX_KEY_SIZE), HALF, out);
    return err != ERR_OK ? err : keyed(node, seal_label, bytes_of(out, HALF), HALF, out + HALF);
}

/* Is one of them this node's? None is where it never had a secret to make marks of, or has it no more. */
static err_t find_ours(const struct gate *gate, struct bytes trail, bool *out)
{
    struct hash node;
    uint8_t seal[HALF];
    err_t err = secret_held(gate, &node);
    *out = false;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    for (size_t at = 0; at < trail.len && err == ERR_OK && !*out; at += MARK_SIZE) {
        err = keyed(&node, seal_label, bytes_of(trail.at + at, HALF), HALF, seal);
        *out = err == ERR_OK && memcmp(seal, trail.at + at + HALF, HALF) == 0;
    }
    mem_wipe(&node, sizeof node);
    return err;
}

/* --- kept beside an OBJ: is it ours, and the trail --- */

static struct bytes fact_of(const struct stix_key *object, uint64_t lsn, uint8_t out[KEY_SIZE])
{
    memcpy(out, object->b, STIX_KEY_SIZE);
    wr_at_u64(out + STIX_KEY_SIZE, lsn);
    return bytes_of(out, KEY_SIZE);
}

err_t trail_keep(struct gate *gate, const struct gate_peer *peer, const struct stix_key *object, uint64_t lsn,
                 struct bytes trail, int64_t now_us)
{
    uint8_t key[KEY_SIZE], value[VALUE_SIZE];
    struct bytes held;
    bool ours;
    uint64_t at;
    must(trail.len == LIMIT_TRAIL_BYTES);
    err_t err = fact_get(gate, RECORD_FACT_TRAIL, fact_of(object, lsn, key), &held);
    if (err != ERR_NOTFOUND || TRY(err, find_ours(gate, trail, &ours)))
        return err;
    value[0] = ours;
    memcpy(value + 1, trail.at, trail.len);
    struct record_fact fact = {.kind = RECORD_FACT_TRAIL,
                               .key = bytes_of(key, sizeof key),
                               .value = bytes_of(value, sizeof value),
                               .by = peer->audience,
                               .because = STR("it was made anew on its way"),
                               .at_us = now_us};
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    if (TRY(err, gate_append(gate, FRAME_JOB, &at)))
        return err;
    return gate_torn(gate, fact_apply(gate, at, &fact), "a trail could not be taken over");
}

err_t trail_load(struct gate *gate, const struct stix_key *object, uint64_t lsn, struct arena *arena,
                 struct bytes *out, bool *out_ours)
{
    uint8_t key[KEY_SIZE];
    struct bytes value;
    err_t err = fact_get(gate, RECORD_FACT_TRAIL, fact_of(object, lsn, key), &value);
    *out = bytes_of(NULL, 0);
    if (out_ours != NULL)
        *out_ours = false;
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (value.len != VALUE_SIZE)
        return ERR_CORRUPT;
    uint8_t *trail = arena_alloc(arena, LIMIT_TRAIL_BYTES);
    if (trail == NULL)
        return ERR_NOMEM;
    memcpy(trail, value.at + 1, LIMIT_TRAIL_BYTES);
    *out = bytes_of(trail, LIMIT_TRAIL_BYTES);
    if (out_ours != NULL)
        *out_ours = value.at[0] != 0;
    return ERR_OK;
}

/* Definitions are never made anew: they end by their content, and what they mark needs them. */
err_t trail_ends(struct gate *gate, const struct subject *subject, struct arena *arena, bool *out)
{
    struct bytes trail;
    bool far = subject->envelope.hops >= LIMIT_HOPS && !key_is_definition(&subject->object.key), ours;
    err_t err = trail_load(gate, &subject->object.key, subject->lsn, arena, &trail, &ours);
    *out = err == ERR_OK && (far || ours);
    return err;
}

/* --- beside a MINT --- */

/* Where nobody is to know who made it, its hops would say whether this node did. */
uint8_t trail_hops(const struct mint *mint, uint8_t hops)
{
    return hops < HOPS_HIDDEN && str_starts(mint->profile, STR("!creator\n")) ? HOPS_HIDDEN : hops;
}

/* As if others had been here before. */
static err_t fill(const struct hash *audience, const struct stix_key *source, uint8_t out[LIMIT_TRAIL_BYTES])
{
    uint8_t what[STIX_KEY_SIZE + 1];
    err_t err = ERR_OK;
    memcpy(what, source->b, STIX_KEY_SIZE);
    for (uint8_t i = 0; i < LIMIT_TRAIL_MARKS && err == ERR_OK; i++) {
        what[STIX_KEY_SIZE] = i;
        err =
            keyed(audience, fill_label, bytes_of(what, sizeof what), MARK_SIZE, out + (size_t)i * MARK_SIZE);
    }
    return err;
}

/* Each node on the way has a place of its own, by the hops: the oldest mark gives way only where hops were
 * raised. */
err_t trail_make(struct gate *gate, const struct mint *mint, uint64_t obj, uint8_t hops,
                 uint8_t out[LIMIT_TRAIL_BYTES])
{
    uint8_t held[LIMIT_TRAIL_BYTES];
    struct arena arena;
    struct bytes trail;
    struct hash node, audience;
    err_t err;
    arena_init(&arena, sizeof held * 8);
    if (!TRY(err, secret_held(gate, &node)) && !TRY(err, mint_secret_of(gate, mint->partner, &audience)) &&
        !TRY(err, trail_load(gate, &mint->source, obj, &arena, &trail, NULL))) {
        if (trail.len > 0)
            memcpy(held, trail.at, sizeof held);
        else
            err = fill(&audience, &mint->source, held);
        if (err == ERR_OK)
            err = put_mark(&node, &audience, &mint->source,
                           held + (size_t)(hops % LIMIT_TRAIL_MARKS) * MARK_SIZE);
        if (err == ERR_OK)
            memcpy(out, held, sizeof held);
    }
    mem_wipe(&node, sizeof node);
    mem_wipe(&audience, sizeof audience);
    arena_deinit(&arena);
    return err;
}
