/* Minted objects as frames and as rows of the index, and the node as their creator. */
#include "core/mem.h"
#include "core/rd.h"
#include "core/uuid.h"
#include "core/wr.h"
#include "gate/cut.h"
#include "gate/query.h"
#include "stix/mend.h"

static const struct gate_by by_gate = {{"gate", 4}, {"first minted object", 19}};

/* Namespace of identifiers that are minted for partners: our own, once and for all. */
static const struct uuid name_space = {
    {0x9c, 0x41, 0x5e, 0x0a, 0x37, 0xd8, 0x4b, 0x1d, 0xa6, 0x52, 0x0e, 0x93, 0xbf, 0x28, 0x71, 0x64}};

/* --- the node as creator --- */

static const struct str nobody = {"identity--00000000-0000-4000-8000-000000000000", 46};

err_t mint_creator_id(struct gate *gate, int64_t now_us, struct buf *out)
{
    struct stix_mint mint = {.creator_id = {"", 0}};
    err_t err = mint_secret(gate, now_us, &mint.key);
    if (err != ERR_OK)
        return err;
    stix_mint_id(&mint, nobody, out);
    return buf_err(out);
}

bool mint_creator_key(const struct gate *gate, struct stix_key *out)
{
    struct stix_mint mint = {.creator_id = {"", 0}};
    struct buf id;
    if (secret_held(gate, &mint.key) != ERR_OK)
        return false;
    buf_init(&id, LIMIT_ID_BYTES);
    stix_mint_id(&mint, nobody, &id);
    bool ok = stix_id_parse(buf_str(&id), out);
    buf_deinit(&id);
    return ok;
}

/* The identity that stands for this node: what its name says, for everybody. Its times tell nothing of when
 * it was first needed: that would be somebody's first minted object. */
static void write_identity(const struct gate *gate, struct str id, struct buf *out)
{
    static const char tlp_clear[] = "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487";
    static const char at[] = "2026-01-01T00:00:00.000Z";
    buf_printf(out,
               "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%.*s\",\"created\":\"%s\","
               "\"modified\":\"%s\",\"name\":"
               "\"%.*s\",\"identity_class\":\"system\",\"object_marking_refs\":[\"%s\"]}",
               STR_ARG(id), at, at, STR_ARG(gate->node_name), tlp_clear);
}

bool gate_self(const struct gate *gate, struct stix_key *out)
{
    return mint_creator_key(gate, out);
}

err_t gate_self_write(const struct gate *gate, struct buf *out)
{
    struct stix_key self;
    struct buf id;
    if (!mint_creator_key(gate, &self))
        return ERR_NOTFOUND;
    buf_init(&id, LIMIT_ID_BYTES);
    stix_key_print(&self, &id);
    write_identity(gate, buf_str(&id), out);
    err_t err = buf_err(&id) == ERR_OK ? buf_err(out) : buf_err(&id);
    buf_deinit(&id);
    return err;
}

/* What is hashed begins as no name of a minted object does. */
err_t gate_self_note_id(const struct gate *gate, unsigned partner, struct str about, struct buf *out)
{
    struct hash secret;
    struct buf name;
    char text[UUID_TEXT_SIZE];
    err_t err = mint_secret_of(gate, partner, &secret);
    if (err != ERR_OK)
        return err;
    buf_init(&name, LIMIT_ID_BYTES + 64);
    buf_put_str(&name, STR("a note about "));
    buf_put_str(&name, about);
    err = buf_err(&name);
    struct hash keyed = hash_hmac_sha256(bytes_of(secret.b, HASH_SIZE), buf_bytes(&name));
    struct uuid uuid = uuid_v5(&name_space, bytes_of(keyed.b, HASH_SIZE));
    uuid_text(&uuid, text);
    buf_put_str(out, STR("note--"));
    buf_put(out, text, sizeof text);
    buf_deinit(&name);
    mem_wipe(&secret, sizeof secret);
    return err == ERR_OK ? buf_err(out) : err;
}

err_t mint_creator(struct gate *gate, uint32_t source, int64_t now_us)
{
    struct gate_submission own = {.source = source};
    struct copies copies;
    struct stix_key key;
    struct buf id, text;
    static const uint8_t padding[JSON_PADDING];
    err_t err;
    buf_init(&id, LIMIT_ID_BYTES);
    buf_init(&text, LIMIT_ID_BYTES * 4);
    if (TRY(err, mint_creator_id(gate, now_us, &id)))
        goto out;
    must(stix_id_parse(buf_str(&id), &key));
    if (TRY(err, copies_load(gate, &key, &copies)) || copies.count > 0)
        goto out;
    write_identity(gate, buf_str(&id), &text);
    buf_put(&text, padding, sizeof padding);
    err = buf_err(&text);
    if (err == ERR_OK)
        err = accept_one(gate, &own, bytes_of(text.at, text.len - JSON_PADDING), now_us);
out:
    buf_deinit(&id);
    buf_deinit(&text);
    return err;
}

bool mint_creator_held(struct gate *gate)
{
    struct stix_key key;
    struct copies copies;
    if (!mint_creator_key(gate, &key) || copies_load(gate, &key, &copies) != ERR_OK)
        return false;
    return copies.count > 0 && copies.at[0].lsn < store_durable_lsn(gate->store);
}

err_t mint_creator_ready(struct gate *gate, int64_t now_us)
{
    struct gate_source self = {
        .name = STR("this-node"), .own = true, .partner = -1, .assume_until_us = INT64_MAX};
    const struct gate_source *held = gate_source_find(gate, self.name);
    uint32_t number = held == NULL ? 0 : held->number;
    err_t err;
    if (held == NULL && TRY(err, gate_source_put(gate, &self, &by_gate, now_us, &number)))
        return err;
    arena_reset(&gate->accept_arena);
    if (TRY(err, mint_creator(gate, number, now_us)))
        return err;
    return gate_commit(gate);
}

err_t mint_id(struct gate *gate, unsigned partner, const struct stix_key *source, struct str type,
              struct buf *out)
{
    struct hash secret;
    struct buf name;
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    err_t err = mint_secret_of(gate, partner, &secret);
    if (err != ERR_OK)
        return err;
    memcpy(uuid.b, source->b, UUID_SIZE);
    uuid_text(&uuid, text);
    buf_init(&name, LIMIT_ID_BYTES);
    buf_put_str(&name, type);
    buf_put(&name, "--", 2);
    buf_put(&name, text, sizeof text);
    if (!TRY(err, buf_err(&name))) {
        struct hash keyed = hash_hmac_sha256(bytes_of(secret.b, HASH_SIZE), buf_bytes(&name));
        /* Section 2.9: what is not derived from an observable's properties looks like a random one. */
        uuid = stix_type_find(type)->category == STIX_SCO
                   ? uuid_v4(keyed.b)
                   : uuid_v5(&name_space, bytes_of(keyed.b, HASH_SIZE));
        uuid_text(&uuid, text);
        buf_put_str(out, type);
        buf_put(out, "--", 2);
        buf_put(out, text, sizeof text);
        err = buf_err(out);
    }
    buf_deinit(&name);
    mem_wipe(&secret, sizeof secret);
    return err;
}

/* --- rows: 'm' MINT -> what it is; 'y' (source key, partner, variant) -> the newest; 'w' (minted key, MINT)
 * -> whose; 'v' minted key -> source key --- */

enum {
    AT_KEY_SIZE = 1 + 8,
    NEWEST_KEY_SIZE = 1 + STIX_KEY_SIZE + 1 + 4,
    ID_KEY_SIZE = 1 + STIX_KEY_SIZE + 8,
    FLAG_DERIVED = 1,
    FLAG_SUPERSEDED = 2,
};

static struct bytes at_key(uint64_t lsn, uint8_t out[AT_KEY_SIZE])
{
    out[0] = 'm';
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, AT_KEY_SIZE);
}

/* Without a variant where there is none: also the beginning of all others. */
static struct bytes newest_key(const struct stix_key *source, unsigned partner, uint32_t variant,
                               uint8_t out[NEWEST_KEY_SIZE])
{
    out[0] = 'y';
    memcpy(out + 1, source->b, STIX_KEY_SIZE);
    out[1 + STIX_KEY_SIZE] = (uint8_t)partner;
    wr_at(out + NEWEST_KEY_SIZE - 4, variant, 4);
    return bytes_of(out, variant == 0 ? NEWEST_KEY_SIZE - 4 : NEWEST_KEY_SIZE);
}

static struct bytes newest_key_of(const struct mint *mint, uint8_t out[NEWEST_KEY_SIZE])
{
    return newest_key(&mint->source, mint->partner, mint->variant, out);
}

/* Of which source's variant a MINT was made: its OBJ says. */
static err_t set_variant(struct gate *gate, struct mint *mint)
{
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    mint->variant = 0;
    if (!key_is_observable(&mint->source))
        return ERR_OK;
    if (TRY(err, store_read(gate->store, mint->obj, &frame)) ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)))
        return err;
    mint->variant = envelope.source;
    return ERR_OK;
}

static struct bytes id_key(const struct stix_key *minted, uint64_t lsn, uint8_t out[ID_KEY_SIZE])
{
    out[0] = 'w';
    memcpy(out + 1, minted->b, STIX_KEY_SIZE);
    wr_at_u64(out + 1 + STIX_KEY_SIZE, lsn);
    return bytes_of(out, ID_KEY_SIZE);
}

static err_t row_put(struct gate *gate, struct bytes key, const struct mint *mint)
{
    struct buf row;
    buf_init(&row, LIMIT_ID_BYTES + LIMIT_MINT_PROFILE_BYTES + 256);
    wr_bytes(&row, bytes_of(mint->source.b, STIX_KEY_SIZE));
    wr_u8(&row, (uint8_t)mint->partner);
    wr_u64(&row, mint->lsn);
    wr_u64(&row, mint->obj);
    wr_u64(&row, (uint64_t)mint->created_us);
    wr_u64(&row, (uint64_t)mint->modified_us);
    wr_u8(&row, (uint8_t)((mint->derived ? FLAG_DERIVED : 0) | (mint->superseded ? FLAG_SUPERSEDED : 0)));
    wr_bytes(&row, bytes_of(mint->form, sizeof mint->form));
    wr_blob(&row, bytes_from_str(mint->id));
    wr_blob(&row, bytes_from_str(mint->profile));
    err_t err = buf_err(&row);
    if (err == ERR_OK)
        err = store_put(gate->store, TABLE_FACT, key, buf_bytes(&row));
    buf_deinit(&row);
    return err;
}

static err_t row_read(struct bytes value, struct arena *arena, struct mint *out)
{
    struct rd rd = rd_of(value);
    struct mint mint = {0};
    rd_copy(&rd, mint.source.b, STIX_KEY_SIZE);
    mint.partner = rd_u8(&rd);
    mint.lsn = rd_u64(&rd);
    mint.obj = rd_u64(&rd);
    mint.created_us = (int64_t)rd_u64(&rd);
    mint.modified_us = (int64_t)rd_u64(&rd);
    uint8_t flags = rd_u8(&rd);
    mint.derived = (flags & FLAG_DERIVED) != 0;
    mint.superseded = (flags & FLAG_SUPERSEDED) != 0;
    rd_copy(&rd, mint.form, sizeof mint.form);
    mint.id = arena_str(arena, str_from_bytes(rd_blob(&rd, LIMIT_ID_BYTES)));
    mint.profile = arena_str(arena, str_from_bytes(rd_blob(&rd, LIMIT_MINT_PROFILE_BYTES)));
    if (rd_end(&rd) != ERR_OK || mint.partner >= LIMIT_PARTNERS)
        return ERR_CORRUPT;
    if (mint.id.at == NULL || mint.profile.at == NULL)
        return ERR_NOMEM;
    *out = mint;
    return ERR_OK;
}

static err_t row_get(struct gate *gate, struct bytes key, struct arena *arena, struct mint *out)
{
    struct bytes value;
    if (!mint_any(gate))
        return ERR_NOTFOUND;
    err_t err = store_get(gate->store, TABLE_FACT, key, &value);
    return err != ERR_OK ? err : row_read(value, arena, out);
}

err_t mint_load(struct gate *gate, const struct stix_key *source, unsigned partner, uint32_t variant,
                struct arena *arena, struct mint *out)
{
    uint8_t key[NEWEST_KEY_SIZE];
    err_t err = row_get(gate, newest_key(source, partner, variant, key), arena, out);
    if (err == ERR_OK)
        out->variant = variant;
    return err;
}

err_t mint_variants(struct gate *gate, const struct stix_key *source, unsigned partner, struct arena *arena,
                    struct mint **out)
{
    uint8_t start[NEWEST_KEY_SIZE];
    struct mint *first = NULL, **last = &first;
    struct store_scan *scan;
    struct bytes key, value;
    err_t err;
    *out = NULL;
    if (!mint_any(gate))
        return ERR_OK;
    if (TRY(err, store_scan_open(gate->store, TABLE_FACT, newest_key(source, partner, 0, start),
                                 bytes_of(NULL, 0), &scan)))
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct mint *mint = arena_zalloc(arena, 1, sizeof *mint);
        if (mint == NULL)
            err = ERR_NOMEM;
        if (err != ERR_OK || TRY(err, row_read(value, arena, mint)))
            break;
        struct rd rd = rd_of(bytes_of(key.at + NEWEST_KEY_SIZE - 4, key.len - (NEWEST_KEY_SIZE - 4)));
        mint->variant = rd.left == 0 ? 0 : rd_u32(&rd);
        *last = mint;
        last = &mint->next;
    }
    store_scan_close(scan);
    *out = first;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

const struct mint *mint_known(const struct mint *variants)
{
    const struct mint *known = variants;
    while (known != NULL && known->superseded)
        known = known->next;
    return known == NULL ? variants : known;
}

bool mint_says_same(const struct mint *a, const struct mint *b)
{
    return str_eq(a->id, b->id) && memcmp(a->form, b->form, sizeof a->form) == 0;
}

err_t mint_is_over(struct gate *gate, const struct mint *as, int64_t now_us, struct arena *arena, bool *out)
{
    struct mint *variants;
    struct state state;
    err_t err = mint_variants(gate, &as->source, as->partner, arena, &variants);
    *out = false;
    for (; err == ERR_OK && variants != NULL && !*out; variants = variants->next) {
        if (variants->obj != as->obj && !mint_says_same(variants, as))
            continue;
        err = state_load(gate, variants->lsn, &state);
        *out = err == ERR_OK && (state_expired(&state, now_us) >> as->partner & 1);
    }
    return err;
}

err_t mint_at(struct gate *gate, uint64_t lsn, struct arena *arena, struct mint *out)
{
    uint8_t key[AT_KEY_SIZE];
    return row_get(gate, at_key(lsn, key), arena, out);
}

/* --- the frame --- */

/* What a logged MINT means for the index: it can be found. Nobody holds it before a DECIDE says so. */
static err_t apply(struct gate *gate, const struct mint *mint)
{
    uint8_t key[AT_KEY_SIZE], by_id[ID_KEY_SIZE];
    uint8_t owner[1 + STIX_KEY_SIZE + 8] = {(uint8_t)mint->partner};
    struct stix_key minted;
    err_t err;
    if (!stix_id_parse(mint->id, &minted))
        return ERR_CORRUPT;
    memcpy(owner + 1, mint->source.b, STIX_KEY_SIZE);
    wr_at_u64(owner + 1 + STIX_KEY_SIZE, (uint64_t)mint->modified_us);
    gate->mint_count++;
    uint8_t source[1 + STIX_KEY_SIZE] = {'v'};
    memcpy(source + 1, minted.b, STIX_KEY_SIZE);
    if (TRY(err, row_put(gate, at_key(mint->lsn, key), mint)) ||
        (!mint->derived && TRY(err, store_put(gate->store, TABLE_FACT, bytes_of(source, sizeof source),
                                              bytes_of(mint->source.b, STIX_KEY_SIZE)))) ||
        TRY(err, store_put(gate->store, TABLE_FACT, id_key(&minted, mint->lsn, by_id),
                           bytes_of(owner, sizeof owner))))
        return err;
    return meta_put_u64(gate, "mints", gate->mint_count);
}

err_t mint_append(struct gate *gate, const struct mint *mint, const struct frame *obj, struct bytes object,
                  int64_t now_us, uint64_t *out_lsn, uint64_t *out_slot)
{
    uint8_t trail[LIMIT_TRAIL_BYTES];
    struct record_mint record = {.partner = (uint8_t)mint->partner,
                                 .profile = hash_sha256(bytes_from_str(mint->profile))};
    struct record_minted minted = {.source = mint->source,
                                   .profile = mint->profile,
                                   .trail = bytes_of(trail, sizeof trail),
                                   .kind = mint->derived ? RECORD_MINT_DERIVED : RECORD_MINT_OBJECT,
                                   .object = object};
    struct mint placed = *mint;
    err_t err;
    if (TRY(err, record_envelope_read(obj->envelope, &record.envelope)))
        return err;
    record.envelope.about = obj->lsn;
    record.envelope.seq = 0;
    record.envelope.received_us = now_us;
    record.envelope.hops = trail_hops(mint, record.envelope.hops);
    if (TRY(err, trail_make(gate, mint, obj->lsn, record.envelope.hops, trail)))
        return err;
    buf_clear(&gate->record);
    buf_clear(&gate->plain);
    record_mint_write(&gate->record, &record);
    record_minted_write(&gate->plain, &minted);
    if (TRY(err, buf_err(&gate->record)) || TRY(err, buf_err(&gate->plain)) ||
        TRY(err, sealed_append(gate, FRAME_MINT, buf_bytes(&gate->record), buf_bytes(&gate->plain), out_lsn,
                               out_slot)))
        return err;
    placed.lsn = *out_lsn;
    placed.obj = obj->lsn;
    return apply(gate, &placed);
}

err_t mint_object(const struct frame *frame, struct bytes plain, struct bytes *out, struct bytes *out_trail)
{
    struct record_minted minted;
    err_t err;
    *out = plain;
    if (frame->kind != FRAME_MINT)
        return ERR_OK;
    if (TRY(err, record_minted_read(plain, &minted)))
        return err;
    *out = minted.object;
    if (out_trail != NULL)
        *out_trail = minted.trail;
    return ERR_OK;
}

static err_t scan_id(struct gate *gate, const struct stix_key *minted, struct store_scan **out)
{
    uint8_t prefix[1 + STIX_KEY_SIZE] = {'w'};
    memcpy(prefix + 1, minted->b, STIX_KEY_SIZE);
    return store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix), bytes_of(NULL, 0), out);
}

/* --- when its content goes --- */

/* What is left of one: whose it was, and of what. Nothing leads to it but its leaf. */
static err_t put_gone(struct gate *gate, const struct frame *frame, const struct record_mint *record,
                      const struct record_gone *gone)
{
    uint8_t key[AT_KEY_SIZE];
    struct mint mint = {.partner = record->partner,
                        .lsn = frame->lsn,
                        .obj = record->envelope.about,
                        .derived = (gone->flags & RECORD_GONE_DERIVED) != 0,
                        .id = STR(""),
                        .profile = STR("")};
    return row_put(gate, at_key(frame->lsn, key), &mint);
}

static bool is_gone(const struct mint *mint)
{
    return mint->id.len == 0;
}

/* The newest of those that are left takes its place as what the partner got last. */
static err_t newest_again(struct gate *gate, const struct mint *gone, const struct stix_key *minted,
                          struct arena *arena)
{
    uint8_t key[NEWEST_KEY_SIZE];
    struct copies copies;
    struct mint newest;
    struct mint last = *gone;
    err_t err = set_variant(gate, &last);
    struct bytes row = newest_key_of(&last, key);
    if (err != ERR_OK || TRY(err, row_get(gate, row, arena, &newest)) || newest.lsn != gone->lsn)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (TRY(err, mint_copies(gate, minted, gone->partner, &copies)))
        return err;
    for (size_t i = copies.count; i-- > 0;) {
        if (TRY(err, mint_at(gate, copies.at[i].lsn, arena, &newest)) || TRY(err, set_variant(gate, &newest)))
            return err;
        newest.superseded = true;
        if (newest.variant == last.variant)
            return row_put(gate, row, &newest);
    }
    return store_delete(gate->store, TABLE_FACT, row);
}

err_t mint_forget(struct gate *gate, const struct frame *frame, const struct record_gone *gone,
                  struct arena *arena)
{
    uint8_t by_id[ID_KEY_SIZE], source[1 + STIX_KEY_SIZE] = {'v'};
    struct record_mint record;
    struct stix_key minted;
    struct store_scan *scan;
    struct bytes key, value;
    struct mint mint;
    err_t err;
    if (TRY(err, record_mint_read(frame->envelope, &record)) ||
        TRY(err, mint_at(gate, frame->lsn, arena, &mint)) || is_gone(&mint))
        return err;
    if (!stix_id_parse(mint.id, &minted))
        return ERR_CORRUPT;
    if (TRY(err, store_delete(gate->store, TABLE_FACT, id_key(&minted, frame->lsn, by_id))) ||
        (!mint.derived && TRY(err, newest_again(gate, &mint, &minted, arena))) ||
        TRY(err, scan_id(gate, &minted, &scan)))
        return err;
    err = store_scan_next(scan, &key, &value);
    store_scan_close(scan);
    memcpy(source + 1, minted.b, STIX_KEY_SIZE);
    if (err == ERR_NOTFOUND) /* it was the last of this identifier */
        err = store_delete(gate->store, TABLE_FACT, bytes_of(source, sizeof source));
    return err != ERR_OK ? err : put_gone(gate, frame, &record, gone);
}

static err_t replay_gone(struct gate *gate, const struct frame *frame, const struct record_mint *record)
{
    struct record_gone gone;
    err_t err = gone_find(gate, frame->lsn, &gone);
    if (err != ERR_OK || TRY(err, put_gone(gate, frame, record, &gone)))
        return err;
    gate->mint_count++;
    return meta_put_u64(gate, "mints", gate->mint_count);
}

err_t mint_replay(struct gate *gate, const struct frame *frame)
{
    struct record_mint record;
    struct record_minted minted;
    struct stix_object object;
    struct json_doc doc;
    err_t err;
    arena_reset(&gate->step_arena);
    buf_clear(&gate->plain);
    if (TRY(err, record_mint_read(frame->envelope, &record)))
        return err;
    err = store_unseal(gate->store, frame, &gate->plain);
    if (err == ERR_NOTFOUND)
        return replay_gone(gate, frame, &record);
    if (err != ERR_OK || TRY(err, record_minted_read(buf_bytes(&gate->plain), &minted)))
        return err;
    uint8_t *text = arena_zalloc(&gate->step_arena, minted.object.len + JSON_PADDING, 1);
    if (text == NULL)
        return ERR_NOMEM;
    memcpy(text, minted.object.at, minted.object.len);
    struct bytes bytes = bytes_of(text, minted.object.len);
    if (TRY(err, json_parse(gate->parser_one, bytes, &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), &gate->step_arena, &object)))
        return err == ERR_NOMEM ? err : ERR_CORRUPT;
    struct mint mint = {.source = minted.source,
                        .partner = record.partner,
                        .lsn = frame->lsn,
                        .obj = record.envelope.about,
                        .derived = minted.kind == RECORD_MINT_DERIVED,
                        .id = object.id,
                        .profile = minted.profile};
    if (object.has_created && object.has_modified) {
        mint.created_us = stamp_us(object.created);
        mint.modified_us = stamp_us(object.modified);
    }
    if (TRY(err, mint_form(gate, json_root(&doc), mint.form)))
        return err;
    return apply(gate, &mint);
}

/* --- decisions --- */

err_t mint_released(struct gate *gate, uint64_t lsn, struct mint *out)
{
    uint8_t key[NEWEST_KEY_SIZE];
    err_t err = mint_at(gate, lsn, &gate->step_arena, out);
    if (err != ERR_OK || out->derived || is_gone(out) || TRY(err, set_variant(gate, out)))
        return err;
    return row_put(gate, newest_key_of(out, key), out);
}

err_t mint_superseded(struct gate *gate, uint64_t lsn)
{
    uint8_t key[NEWEST_KEY_SIZE];
    struct mint mint, newest;
    err_t err = mint_at(gate, lsn, &gate->step_arena, &mint);
    if (err != ERR_OK || is_gone(&mint) || TRY(err, set_variant(gate, &mint)))
        return err;
    struct bytes row = newest_key_of(&mint, key);
    err = row_get(gate, row, &gate->step_arena, &newest);
    if (err != ERR_OK || newest.lsn != lsn)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    newest.superseded = true;
    return row_put(gate, row, &newest);
}

/* The partner's MINTs from `*at` on, at most `size`; *at moves. */
static err_t page_of(struct gate *gate, unsigned partner, uint64_t *at, struct mint *out, size_t size,
                     size_t *out_count)
{
    uint8_t start[AT_KEY_SIZE];
    struct store_scan *scan;
    struct bytes key, value;
    *out_count = 0;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("m", 1), at_key(*at, start), &scan);
    if (err != ERR_OK)
        return err;
    while (*out_count < size && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct mint *mint = &out[*out_count];
        if (TRY(err, row_read(value, &gate->step_arena, mint)))
            break;
        *at = mint->lsn + 1;
        *out_count += mint->partner == partner && !is_gone(mint) && !mint->derived;
    }
    store_scan_close(scan);
    return err;
}

static err_t end_one(struct gate *gate, const struct mint *mint)
{
    struct state state;
    err_t err;
    if (TRY(err, mint_superseded(gate, mint->lsn)))
        return err;
    err = state_load(gate, mint->obj, &state);
    if (err != ERR_OK || (state.minted >> mint->partner & 1) == 0)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    state.minted &= ~(UINT64_C(1) << mint->partner);
    return state_put(gate, mint->obj, &state);
}

err_t mint_end_all(struct gate *gate, unsigned partner)
{
    enum { PAGE = 64 };
    struct mint page[PAGE];
    uint64_t at = 0;
    err_t err = mint_any(gate) ? ERR_OK : ERR_NOTFOUND;
    while (err == ERR_OK) {
        size_t count;
        arena_reset(&gate->step_arena);
        err = page_of(gate, partner, &at, page, PAGE, &count);
        for (size_t i = 0; i < count && (err == ERR_OK || err == ERR_NOTFOUND); i++) {
            err_t ended = end_one(gate, &page[i]);
            err = ended == ERR_OK ? err : ended;
        }
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- by identifier --- */

bool mint_source_of(const struct gate *gate, const struct stix_key *minted, struct stix_key *out_source)
{
    uint8_t key[1 + STIX_KEY_SIZE] = {'v'};
    struct bytes value;
    memcpy(key + 1, minted->b, STIX_KEY_SIZE);
    if (!mint_any(gate) || store_get(gate->store, TABLE_FACT, bytes_of(key, sizeof key), &value) != ERR_OK ||
        value.len != STIX_KEY_SIZE)
        return false;
    memcpy(out_source->b, value.at, STIX_KEY_SIZE);
    return true;
}

struct stix_key mint_meant(const struct gate *gate, const struct stix_key *key)
{
    struct stix_key source;
    return mint_source_of(gate, key, &source) ? source : *key;
}

bool mint_is_ours(const struct gate *gate, const struct stix_object *object)
{
    struct stix_key self, source;
    return mint_any(gate) && object->has_creator && mint_creator_key(gate, &self) &&
           stix_key_eq(&self, &object->creator) && mint_source_of(gate, &object->key, &source);
}

/* What it says, but for the times, which nobody else sets. */
err_t mint_is_echo(struct gate *gate, const struct stix_object *object, struct arena *arena, bool *out)
{
    struct store_scan *scan;
    struct bytes key, value;
    uint8_t form[16];
    err_t err;
    *out = false;
    if (!mint_is_ours(gate, object))
        return ERR_OK;
    if (TRY(err, mint_form(gate, object->root, form)) || TRY(err, scan_id(gate, &object->key, &scan)))
        return err;
    uint64_t lsns[LIMIT_COPIES];
    size_t count = 0;
    while (count < LIMIT_COPIES && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1 + STIX_KEY_SIZE, 8));
        lsns[count++] = rd_u64(&rd);
    }
    store_scan_close(scan);
    for (size_t i = 0; i < count && !*out; i++) {
        struct mint mint;
        if (TRY(err, mint_at(gate, lsns[i], arena, &mint)))
            return err;
        *out = memcmp(mint.form, form, sizeof form) == 0;
    }
    return ERR_OK;
}

err_t mint_copies(struct gate *gate, const struct stix_key *minted, unsigned partner, struct copies *out)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err;
    out->count = 0;
    if (!mint_any(gate))
        return ERR_OK;
    if (TRY(err, scan_id(gate, minted, &scan)))
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1 + STIX_KEY_SIZE, 8));
        struct rd owner = rd_of(value);
        bool his = rd_u8(&owner) == partner;
        (void)rd_bytes(&owner, STIX_KEY_SIZE);
        int64_t modified_us = (int64_t)rd_u64(&owner);
        if (!his)
            continue;
        if (out->count == LIMIT_COPIES) {
            memmove(out->at, out->at + 1, (LIMIT_COPIES - 1) * sizeof *out->at);
            out->count--;
        }
        out->at[out->count++] =
            (struct copy) {.lsn = rd_u64(&rd),
                           .version = modified_us == 0 ? (struct stamp) {0} : stamp_from_us(modified_us)};
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- for operators --- */

err_t gate_minted(struct gate *gate, const struct stix_key *id, struct gate_minted *out)
{
    struct gate_minted told = {.partners = 0};
    struct store_scan *scan;
    struct bytes key, value;
    struct stix_key source;
    err_t err;
    if (!mint_any(gate))
        return ERR_NOTFOUND;
    if (TRY(err, scan_id(gate, id, &scan)))
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(value);
        unsigned partner = rd_u8(&rd);
        rd_copy(&rd, source.b, STIX_KEY_SIZE);
        if (rd.err != ERR_OK || partner >= gate->peer_count || stix_key_eq(&source, id))
            continue; /* what is left of an observable may be called as it was */
        told.others |= told.partners != 0 && !stix_key_eq(&source, &told.source);
        if (told.partners == 0)
            told.source = source;
        told.partners |= UINT64_C(1) << partner;
    }
    store_scan_close(scan);
    store_view_end(gate->store);
    if (err != ERR_NOTFOUND)
        return err;
    if (told.partners == 0)
        return ERR_NOTFOUND;
    *out = told;
    return ERR_OK;
}

err_t gate_minted_as(struct gate *gate, const struct stix_key *source, unsigned partner, struct arena *arena,
                     struct str *out)
{
    struct mint *variants = NULL;
    if (!mint_any(gate))
        return ERR_NOTFOUND;
    err_t err = mint_variants(gate, source, partner, arena, &variants);
    store_view_end(gate->store);
    if (err == ERR_OK && variants == NULL)
        return ERR_NOTFOUND;
    if (err == ERR_OK)
        *out = mint_known(variants)->id;
    return err;
}
