#include "gate/spill.h"

#include "core/mem.h"
#include "core/rd.h"
#include "core/uuid.h"
#include "core/wr.h"
#include "gate/legal.h"
#include "gate/mint.h"
#include "gate/words.h"

enum { VALUE_VERSION_SPILL = 1, VALUE_VERSION_ONE = 2, VALUE_VERSION = 3 };

enum { SAYS_WAITS = 1, SAYS_REPORT = 2, SAYS_BEFORE = 4 };

/* --- the fact: its key is the digest, so that what comes in is looked up by it --- */

/* A source may have brought the same twice (with something else between): the second place has its number
 * behind the digest. */
enum { AGAIN_KEY_SIZE = HASH_SIZE + 8 };

static void spill_write(struct buf *out, const struct gate_spill *spill)
{
    wr_u8(out, VALUE_VERSION);
    wr_u64(out, spill->lsn);
    wr_u32(out, spill->source);
    wr_u64(out, (uint64_t)spill->received_us);
    wr_u64(out, (uint64_t)spill->spilled_us);
    wr_bytes(out, bytes_of(spill->key.b, STIX_KEY_SIZE));
    wr_u64(out, spill->released);
    wr_blob(out, bytes_from_str(spill->by));
    wr_blob(out, bytes_from_str(spill->because));
    wr_u8(out, (uint8_t)spill->why);
    wr_u8(out, (uint8_t)((spill->waits ? SAYS_WAITS : 0) | (spill->report ? SAYS_REPORT : 0) |
                         (spill->before ? SAYS_BEFORE : 0)));
    wr_u64(out, (uint64_t)spill->deadline_us);
    wr_blob(out, bytes_from_str(spill->agreed));
    wr_u64(out, spill->recall);
}

static void recall_read(struct rd *rd, unsigned version, struct gate_spill *out)
{
    out->why = (enum gate_spill_why)rd_u8(rd);
    unsigned says = rd_u8(rd);
    out->waits = (says & SAYS_WAITS) != 0;
    out->report = (says & SAYS_REPORT) != 0;
    out->before = (says & SAYS_BEFORE) != 0;
    out->deadline_us = (int64_t)rd_u64(rd);
    out->agreed = str_from_bytes(rd_blob(rd, RECORD_TEXT_MAX));
    if (version == VALUE_VERSION)
        out->recall = rd_u64(rd);
    if (out->why < GATE_SPILLED || out->why > GATE_CALLED_BACK)
        rd->err = ERR_CORRUPT;
}

static err_t spill_read(struct bytes key, struct bytes value, struct gate_spill *out)
{
    struct rd key_rd = rd_of(key), rd = rd_of(value);
    rd_copy(&key_rd, out->digest.b, HASH_SIZE);
    *out = (struct gate_spill) {.digest = out->digest, .why = GATE_SPILLED};
    uint64_t place = key.len == AGAIN_KEY_SIZE ? rd_u64(&key_rd) : 0;
    unsigned version = rd_u8(&rd);
    if (version < VALUE_VERSION_SPILL || version > VALUE_VERSION)
        return ERR_VERSION;
    out->lsn = rd_u64(&rd);
    out->source = rd_u32(&rd);
    out->received_us = (int64_t)rd_u64(&rd);
    out->spilled_us = (int64_t)rd_u64(&rd);
    rd_copy(&rd, out->key.b, STIX_KEY_SIZE);
    out->released = rd_u64(&rd);
    out->by = str_from_bytes(rd_blob(&rd, RECORD_TEXT_MAX));
    out->because = str_from_bytes(rd_blob(&rd, RECORD_WORDS_MAX));
    if (version != VALUE_VERSION_SPILL)
        recall_read(&rd, version, out);
    bool fits = place == 0 || place == out->lsn;
    return fits && rd_end(&rd) == ERR_OK && rd_end(&key_rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

static err_t key_of(struct gate *gate, const struct gate_spill *spill, uint8_t room[AGAIN_KEY_SIZE],
                    struct bytes *out)
{
    struct gate_spill first;
    struct bytes value;
    memcpy(room, spill->digest.b, HASH_SIZE);
    wr_at_u64(room + HASH_SIZE, spill->lsn);
    *out = bytes_of(room, HASH_SIZE);
    err_t err = fact_get(gate, RECORD_FACT_SPILL, *out, &value);
    if (err != ERR_OK || TRY(err, spill_read(*out, value, &first)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    if (first.lsn != spill->lsn)
        *out = bytes_of(room, AGAIN_KEY_SIZE);
    return ERR_OK;
}

/* Says all that `spill` says, or says it anew. */
static err_t spill_put(struct gate *gate, const struct gate_spill *spill, const struct gate_by *by,
                       int64_t now_us)
{
    uint8_t room[AGAIN_KEY_SIZE];
    char words[RECORD_WORDS_MAX];
    struct gate_spill said = *spill;
    struct bytes key;
    err_t err = key_of(gate, spill, room, &key);
    if (err != ERR_OK || TRY(err, words_seal(gate, spill->because, now_us, words, &said.because)))
        return err;
    buf_clear(&gate->scratch);
    spill_write(&gate->scratch, &said);
    return fact_state(gate, RECORD_FACT_SPILL, key, by, now_us);
}

err_t spill_key(const struct record_fact *fact, struct stix_key *out)
{
    struct gate_spill spill;
    err_t err = spill_read(fact->key, fact->value, &spill);
    if (err == ERR_OK)
        *out = spill.key;
    return err;
}

static size_t place_of(const struct gate *gate, uint64_t lsn)
{
    size_t low = 0, high = gate->spill_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (gate->spills[mid].lsn < lsn)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct spilled *spilled_at(const struct gate *gate, uint64_t lsn)
{
    size_t at = place_of(gate, lsn);
    return at < gate->spill_count && gate->spills[at].lsn == lsn ? &gate->spills[at] : NULL;
}

bool spilled(const struct gate *gate, uint64_t lsn)
{
    return spilled_at(gate, lsn) != NULL;
}

bool spill_of(const struct gate *gate, const struct stix_key *key, uint64_t *out_lsn)
{
    const uint64_t *lsn = gate->spilled_keys.count == 0 ? NULL : map_get(&gate->spilled_keys, key);
    if (lsn != NULL)
        *out_lsn = *lsn;
    return lsn != NULL;
}

bool spilled_or_recalled(const struct gate *gate, const struct stix_key *key)
{
    uint64_t lsn;
    return spill_of(gate, key, &lsn) ||
           (gate->recalled_keys.count > 0 && map_get(&gate->recalled_keys, key) != NULL);
}

bool recalled(const struct gate *gate, uint64_t lsn)
{
    const struct spilled *row = gate->recall_count == 0 ? NULL : spilled_at(gate, lsn);
    return row != NULL && row->recall;
}

bool recalled_from(const struct gate *gate, const struct stix_key *key, unsigned partner)
{
    for (size_t i = 0; gate->recall_count > 0 && i < gate->spill_count; i++) {
        const struct spilled *row = &gate->spills[i];
        if (row->recall && (row->released >> partner & 1) && stix_key_eq(&row->key, key))
            return true;
    }
    return false;
}

static err_t spills_add(struct gate *gate, uint64_t lsn)
{
    if (gate->spill_count == LIMIT_SPILLS)
        return ERR_FULL;
    if (gate->spills == NULL)
        gate->spills = mem_alloc_array(LIMIT_SPILLS, sizeof *gate->spills);
    if (gate->spills == NULL)
        return ERR_NOMEM;
    size_t at = place_of(gate, lsn);
    memmove(gate->spills + at + 1, gate->spills + at, (gate->spill_count - at) * sizeof *gate->spills);
    gate->spills[at] = (struct spilled) {.lsn = lsn};
    gate->spill_count++;
    return ERR_OK;
}

err_t spill_apply(struct gate *gate, const struct record_fact *fact)
{
    struct gate_spill spill;
    err_t err = spill_read(fact->key, fact->value, &spill);
    if (err != ERR_OK)
        return err;
    bool known = spilled(gate, spill.lsn);
    if (!known && TRY(err, spills_add(gate, spill.lsn)))
        return err;
    struct spilled *row = &gate->spills[place_of(gate, spill.lsn)];
    row->key = spill.key;
    row->released = spill.released;
    row->deadline_us = spill.deadline_us;
    if ((spill.why == GATE_SPILLED || spill.before) && !row->spill) {
        if (TRY(err, map_put(&gate->spilled_keys, &row->key, row->lsn)))
            return err;
        row->spill = true;
        fresh_forget(gate); /* what is remembered was looked at without it */
    }
    if (spill.why != GATE_SPILLED && !spill.report &&
        TRY(err, map_put(&gate->recalled_keys, &row->key, row->lsn)))
        return err;
    if (spill.why != GATE_SPILLED) {
        gate->recall_count += !row->recall;
        gate->recalls_open = row->recall = true;
    }
    if (!known)
        views_take(gate, spill.released);
    return ERR_OK;
}

/* --- the digest --- */

static err_t digest_of(struct gate *gate, uint32_t source, const struct hash *content, int64_t now_us,
                       struct hash *out)
{
    struct hash secret;
    uint8_t text[7 + 4 + HASH_SIZE] = "spill: ";
    err_t err = mint_secret(gate, now_us, &secret);
    if (err != ERR_OK)
        return err;
    wr_at(text + 7, source, 4);
    memcpy(text + 11, content->b, HASH_SIZE);
    *out = hash_hmac_sha256(bytes_of(secret.b, HASH_SIZE), bytes_of(text, sizeof text));
    mem_wipe(&secret, sizeof secret);
    return ERR_OK;
}

err_t spill_known(struct gate *gate, uint32_t source, const struct hash *content, bool *out)
{
    struct hash digest;
    struct bytes held;
    *out = false;
    if (gate->spill_count == 0)
        return ERR_OK;
    err_t err = digest_of(gate, source, content, 0, &digest);
    if (err != ERR_OK)
        return err;
    err = fact_get(gate, RECORD_FACT_SPILL, bytes_of(digest.b, HASH_SIZE), &held);
    *out = err == ERR_OK;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- all of them --- */

err_t gate_spills(struct gate *gate, void (*each)(void *ctx, const struct gate_spill *spill), void *ctx)
{
    uint8_t head[FACT_KEY_SIZE_MAX];
    struct store_scan *scan;
    struct bytes key, value;
    struct gate_spill spill;
    err_t err = store_scan_open(gate->store, TABLE_FACT, fact_key(RECORD_FACT_SPILL, bytes_of(NULL, 0), head),
                                bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        if (TRY(err, spill_read(bytes_of(key.at + 2, key.len - 2), value, &spill)))
            break;
        spill.destroyed = gate_is_destroyed(gate, spill.lsn);
        each(ctx, &spill);
    }
    store_scan_close(scan);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

struct finding {
    uint64_t lsn;
    struct gate_spill *out;
    struct arena *texts;
    bool found;
};

static void find_one(void *ctx, const struct gate_spill *spill)
{
    struct finding *finding = ctx;
    if (spill->lsn != finding->lsn)
        return;
    *finding->out = *spill;
    finding->out->by = arena_str(finding->texts, spill->by);
    finding->out->because = arena_str(finding->texts, spill->because);
    finding->out->agreed = arena_str(finding->texts, spill->agreed);
    finding->found = true;
}

static err_t held_at(struct gate *gate, uint64_t lsn, struct gate_spill *out)
{
    struct finding finding = {lsn, out, &gate->step_arena, false};
    arena_reset(&gate->step_arena);
    err_t err = gate_spills(gate, find_one, &finding);
    if (err == ERR_OK && finding.found && (out->by.at == NULL || out->because.at == NULL))
        return ERR_NOMEM;
    return err != ERR_OK ? err : finding.found ? ERR_OK : ERR_NOTFOUND;
}

/* --- by identifier --- */

struct naming {
    struct gate *gate;
    struct str id;
    struct stix_key key;
    struct arena *texts;
    struct gate_spill *out;
    uint64_t partners;
    unsigned tried;
    err_t err; /* ERR_NOTFOUND: nothing yet */
};

/* The identifier that each of these had of it. */
static uint64_t named_for(struct naming *naming, const struct gate_spill *spill)
{
    uint64_t partners = 0;
    struct buf id;
    buf_init(&id, LIMIT_ID_BYTES);
    for (uint64_t left = spill->released; left != 0 && naming->tried < LIMIT_SPILL_NAMES; left &= left - 1) {
        struct stix_key minted;
        unsigned p = (unsigned)__builtin_ctzll(left);
        naming->tried++;
        buf_clear(&id);
        if (mint_id(naming->gate, p, &spill->key, stix_id_type(naming->id), &id) == ERR_OK &&
            stix_id_parse(buf_str(&id), &minted) && stix_key_eq(&minted, &naming->key))
            partners |= UINT64_C(1) << p;
    }
    buf_deinit(&id);
    return partners;
}

static void name_one(void *ctx, const struct gate_spill *spill)
{
    struct naming *naming = ctx;
    bool own = stix_key_eq(&spill->key, &naming->key);
    /* A minted identifier is of its object's type. */
    bool typed = memcmp(spill->key.b + UUID_SIZE, naming->key.b + UUID_SIZE, STIX_TYPE_DIGEST_SIZE) == 0;
    uint64_t partners = own || !typed ? 0 : named_for(naming, spill);
    bool newer = naming->err == ERR_NOTFOUND || spill->spilled_us >= naming->out->spilled_us;
    if (!own && partners == 0)
        return;
    naming->partners |= partners;
    if (!newer)
        return;
    *naming->out = *spill;
    naming->out->by = arena_str(naming->texts, spill->by);
    naming->out->because = arena_str(naming->texts, spill->because);
    naming->out->agreed = STR("");
    naming->err = naming->out->by.at == NULL || naming->out->because.at == NULL ? ERR_NOMEM : ERR_OK;
}

err_t gate_spill_known_as(struct gate *gate, struct str id, struct arena *texts, struct gate_spill *out,
                          uint64_t *out_partners)
{
    struct naming naming = {.gate = gate, .id = id, .texts = texts, .out = out, .err = ERR_NOTFOUND};
    if (!stix_id_parse(id, &naming.key))
        return ERR_INVALID;
    err_t err = gate_spills(gate, name_one, &naming);
    *out_partners = naming.partners;
    return err != ERR_OK ? err : naming.err;
}

/* --- stating --- */

/* An object by its canonical text, so that other blanks do not bring it back. */
static err_t object_content(struct gate *gate, uint64_t lsn, struct gate_spill *out, struct hash *content)
{
    struct subject subject;
    struct state state = {0};
    arena_reset(&gate->step_arena);
    err_t err = subject_load(gate, lsn, &gate->step_arena, &subject);
    if (err != ERR_OK)
        return err;
    buf_clear(&gate->canon);
    if (TRY(err, stix_canon(&subject.object, &gate->canon, NULL)))
        return err;
    *content = hash_sha256(buf_bytes(&gate->canon));
    out->key = subject.object.key;
    err = state_load(gate, lsn, &state);
    out->released = err == ERR_OK ? state.released | state.minted : 0;
    /* A recall is for those too whose time with it is over. */
    for (size_t i = 0; err == ERR_OK && out->why != GATE_SPILLED && i < state.release_count; i++)
        out->released |= state.releases[i].mask;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* What was refused: byte by byte. */
static err_t refused_content(struct gate *gate, const struct frame *frame, struct hash *content)
{
    struct fault fault;
    struct bytes refused;
    err_t err;
    buf_clear(&gate->plain);
    if (TRY(err, store_unseal(gate->store, frame, &gate->plain)) ||
        TRY(err, record_fault_read(buf_bytes(&gate->plain), &fault, &refused)))
        return err;
    *content = hash_sha256(refused);
    return ERR_OK;
}

static err_t look(struct gate *gate, uint64_t lsn, struct gate_spill *out, struct hash *content,
                  bool *out_refused)
{
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    if (TRY(err, store_read(gate->store, lsn, &frame)))
        return ERR_NOTFOUND; /* no frame begins there */
    if ((frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR) ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)))
        return ERR_NOTFOUND;
    out->source = envelope.source;
    out->received_us = envelope.received_us;
    *out_refused = frame.kind == FRAME_QUAR && envelope.reason != RECORD_QUARANTINE_CONFLICT;
    return *out_refused ? refused_content(gate, &frame, content) : object_content(gate, lsn, out, content);
}

/* `spill` says which frame, whose and why; the digest is of what is there. */
static err_t state_one(struct gate *gate, struct gate_spill *spill, const struct hash *content,
                       const struct gate_by *by, int64_t now_us)
{
    const struct spilled *row = spilled_at(gate, spill->lsn);
    err_t err = digest_of(gate, spill->source, content, now_us, &spill->digest);
    if (err != ERR_OK)
        return err;
    spill->before = row != NULL && row->spill;
    if (gate->spill_count == LIMIT_SPILLS)
        return ERR_FULL;
    return spill_put(gate, spill, by, now_us);
}

/* Other sources brought the same content: their submissions stand for these bytes, and go with them. */
static err_t state_reports(struct gate *gate, const struct gate_spill *spill, const struct hash *content,
                           const struct gate_by *by, int64_t now_us)
{
    struct copies copies;
    err_t err = copies_load(gate, &spill->key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++) {
        struct gate_spill report = *spill;
        struct record_envelope envelope;
        struct frame frame;
        report.report = true;
        report.lsn = copies.at[i].lsn;
        report.source = copies.at[i].source;
        report.released = 0;
        if ((copies.at[i].flags & COPY_SEEN) == 0 ||
            (spill->why == GATE_SPILLED ? spilled(gate, report.lsn) : recalled(gate, report.lsn)))
            continue;
        if (TRY(err, store_read(gate->store, report.lsn, &frame)) ||
            TRY(err, record_envelope_read(frame.payload, &envelope)))
            return err;
        if (envelope.about != spill->lsn)
            continue;
        report.received_us = envelope.received_us;
        err = state_one(gate, &report, content, by, now_us);
    }
    return err;
}

/* What stands there, and all that `spill` says of it. */
static err_t state_all(struct gate *gate, struct gate_spill *spill, const struct gate_by *by, int64_t now_us,
                       bool *out_refused)
{
    struct hash content;
    err_t err;
    spill->spilled_us = now_us;
    spill->by = by->who;
    spill->because = by->because;
    if (TRY(err, look(gate, spill->lsn, spill, &content, out_refused)) ||
        TRY(err, state_one(gate, spill, &content, by, now_us)))
        return err;
    return *out_refused ? ERR_OK : state_reports(gate, spill, &content, by, now_us);
}

err_t spill_state(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                  struct gate_spill *spill)
{
    bool refused;
    if (lsn >= store_durable_lsn(gate->store))
        return ERR_UNSUPPORTED;
    if (recalled(gate, lsn) || gate_is_destroyed(gate, lsn))
        return ERR_EXISTS;
    spill->lsn = lsn;
    return state_all(gate, spill, by, now_us, &refused);
}

err_t spill_report(struct gate *gate, uint64_t lsn, uint64_t about, const struct gate_by *by, int64_t now_us,
                   struct gate_spill *spill)
{
    struct record_envelope envelope;
    struct frame frame;
    struct hash content;
    err_t err;
    if (recalled(gate, lsn))
        return ERR_EXISTS;
    if (TRY(err, store_read(gate->store, lsn, &frame)) ||
        TRY(err, record_envelope_read(frame.payload, &envelope)) ||
        TRY(err, object_content(gate, about, spill, &content)))
        return err;
    spill->lsn = lsn;
    spill->source = envelope.source;
    spill->received_us = envelope.received_us;
    spill->spilled_us = now_us;
    spill->by = by->who;
    spill->because = by->because;
    spill->released = 0;
    spill->report = true;
    return state_one(gate, spill, &content, by, now_us);
}

err_t spill_restate(struct gate *gate, const struct gate_spill *spill, int64_t now_us)
{
    struct gate_by by = {spill->by, spill->because};
    return spill_put(gate, spill, &by, now_us);
}

err_t gate_spill(struct gate *gate, uint64_t lsn, const struct gate_by *by, int64_t now_us,
                 struct gate_spill *out)
{
    struct gate_spill spill = {.lsn = lsn, .why = GATE_SPILLED};
    bool refused;
    err_t err;
    if (gate->group_open && TRY(err, gate_commit(gate))) /* it is read back */
        return err;
    if (lsn == 0 || lsn >= store_durable_lsn(gate->store))
        return ERR_NOTFOUND;
    if (spilled(gate, lsn)) { /* what is destroyed cannot be looked at */
        err = held_at(gate, lsn, out);
        return err == ERR_OK ? ERR_EXISTS : err;
    }
    err = state_all(gate, &spill, by, now_us, &refused);
    *out = spill;
    if (err != ERR_OK || !refused)
        return err;
    err = gate_quarantine_drop(gate, lsn, by, now_us);
    return err == ERR_NOTFOUND ? ERR_OK : err; /* closed before */
}

err_t gate_spill_copies(struct gate *gate, const struct stix_key *object, uint64_t *out, size_t size,
                        size_t *out_count)
{
    struct copies copies;
    size_t count = 0;
    err_t err = copies_load(gate, object, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count && count < size; i++)
        if ((copies.at[i].flags & COPY_SEEN) == 0)
            out[count++] = copies.at[i].lsn;
    *out_count = count;
    return err != ERR_OK ? err : count == 0 ? ERR_NOTFOUND : ERR_OK;
}

/* --- destroying --- */

struct agreeing {
    const uint64_t *lsns;
    size_t count, found;
    struct str who;
    bool alone; /* the same one suspended it */
    bool ordered;
    struct gate *gate;
};

static void agree(void *ctx, const struct gate_spill *spill)
{
    struct agreeing *a = ctx;
    for (size_t i = 0; i < a->count; i++)
        if (a->lsns[i] == spill->lsn) {
            a->found++;
            a->alone |= str_eq(spill->by, a->who);
            a->ordered |= gate_legal_is(a->gate, &spill->key);
        }
}

err_t gate_spill_destroy(struct gate *gate, const uint64_t *lsns, size_t count, const struct gate_by *by,
                         int64_t now_us, struct gate_destroyed *out)
{
    struct agreeing a = {.lsns = lsns, .count = count, .who = by->who, .gate = gate};
    err_t err = gate_spills(gate, agree, &a);
    if (err != ERR_OK)
        return err;
    if (count == 0 || a.found != count)
        return ERR_NOTFOUND;
    if (a.ordered)
        return ERR_WRONGSTATE;
    return a.alone ? ERR_DENIED : gate_destroy(gate, lsns, count, RECORD_CAUSE_SPILL, by, now_us, out);
}
