#include "gate/destroy.h"

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/mint.h"
#include "gate/query.h"
#include "gate/words.h"

/* --- rows: 'g' position: its content is gone; 'l' partner, number: a leaf of such; 'p' position of a RECALL:
 * it has to be carried out --- */

enum { GONE_KEY_SIZE = 1 + 8, LEAF_KEY_SIZE = 1 + 1 + 8 };

static struct bytes lsn_key(char letter, uint64_t lsn, uint8_t out[GONE_KEY_SIZE])
{
    out[0] = (uint8_t)letter;
    wr_at_u64(out + 1, lsn);
    return bytes_of(out, GONE_KEY_SIZE);
}

static struct bytes leaf_key(unsigned ledger, uint64_t place, uint8_t out[LEAF_KEY_SIZE])
{
    out[0] = 'l';
    out[1] = (uint8_t)ledger;
    wr_at_u64(out + 2, place);
    return bytes_of(out, LEAF_KEY_SIZE);
}

static err_t rows_put(struct gate *gate, const struct record_recall *recall)
{
    err_t err = ERR_OK;
    gate->any_gone = true;
    for (size_t i = 0; i < recall->gone_count && err == ERR_OK; i++) {
        uint8_t key[GONE_KEY_SIZE], value[5] = {recall->gone[i].flags};
        wr_at(value + 1, recall->gone[i].size, 4);
        err = store_put(gate->store, TABLE_FACT, lsn_key('g', recall->gone[i].lsn, key),
                        bytes_of(value, sizeof value));
    }
    for (size_t i = 0; i < recall->leaf_count && err == ERR_OK; i++) {
        const struct record_gone_leaf *leaf = &recall->leaves[i];
        uint8_t key[LEAF_KEY_SIZE], value[2 * HASH_SIZE];
        memcpy(value, leaf->opening.b, HASH_SIZE);
        memcpy(value + HASH_SIZE, leaf->issuer.b, HASH_SIZE);
        err = store_put(gate->store, TABLE_FACT, leaf_key(leaf->ledger, leaf->seq, key),
                        bytes_of(value, sizeof value));
    }
    return err;
}

/* Replay comes to a frame before it comes to the RECALL that names it. */
static err_t look_ahead(struct gate *gate)
{
    struct store_iter iter =
        store_iter(gate->store, store_applied_lsn(gate->store), store_durable_lsn(gate->store));
    struct arena arena;
    struct frame frame;
    err_t err = ERR_OK;
    gate->looked_ahead = true;
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    while (err == ERR_OK && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        struct record_recall recall;
        if (frame.kind != FRAME_RECALL)
            continue;
        arena_reset(&arena);
        if (!TRY(err, record_recall_read(frame.payload, &arena, &recall)))
            err = rows_put(gate, &recall);
    }
    arena_deinit(&arena);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gone_find(struct gate *gate, uint64_t lsn, struct record_gone *out)
{
    uint8_t key[GONE_KEY_SIZE];
    struct bytes value;
    err_t err;
    if (gate->replaying && !gate->looked_ahead && TRY(err, look_ahead(gate)))
        return err;
    if (!gate->any_gone)
        return ERR_NOTFOUND;
    if (TRY(err, store_get(gate->store, TABLE_FACT, lsn_key('g', lsn, key), &value)))
        return err;
    struct rd rd = rd_of(value);
    *out = (struct record_gone) {.lsn = lsn, .flags = rd_u8(&rd)};
    out->size = rd_u32(&rd);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

bool gate_is_destroyed(struct gate *gate, uint64_t lsn)
{
    struct record_gone gone;
    return gone_find(gate, lsn, &gone) == ERR_OK;
}

err_t gone_leaf(const struct gate *gate, unsigned ledger, uint64_t place, struct record_gone_leaf *out)
{
    uint8_t key[LEAF_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, leaf_key(ledger, place, key), &value);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    struct rd rd = rd_of(value);
    *out = (struct record_gone_leaf) {.ledger = (uint8_t)ledger, .seq = place};
    rd_copy(&rd, out->opening.b, HASH_SIZE);
    rd_copy(&rd, out->issuer.b, HASH_SIZE);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t gone_load(struct gate *gate)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("g", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    err = store_scan_next(scan, &key, &value);
    gate->any_gone |= err == ERR_OK;
    store_scan_close(scan);
    if ((err != ERR_OK && err != ERR_NOTFOUND) ||
        TRY(err, store_scan_open(gate->store, TABLE_FACT, bytes_of("p", 1), bytes_of(NULL, 0), &scan)))
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK)
        gate->purges++;
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- what a RECALL means for the index --- */

/* Rows of an object or of a report of it. `about`: the frame that holds the bytes. Where they cannot be read
 * no row was ever put: it is a replay. But an index of before has rows that nobody finds any more. */
static err_t forget_object(struct gate *gate, const struct frame *frame, const struct frame *about,
                           const struct record_envelope *envelope, struct arena *arena)
{
    struct stix_object object;
    struct json_doc doc;
    struct bytes bytes;
    err_t err = frame_bytes(gate, about, arena, &bytes);
    if (err == ERR_NOTFOUND && frame->lsn < gate->replay_from) {
        gate->index_is_old = true;
        return ERR_EXPIRED;
    }
    if (err == ERR_NOTFOUND)
        return frame->kind == FRAME_OBJ ? state_retire(gate, frame->lsn) : ERR_OK;
    if (err != ERR_OK || TRY(err, json_parse(gate->parser_one, bytes, &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), arena, &object)))
        return err;
    return object_forget(gate, frame, envelope, &object);
}

static err_t forget_quarantined(struct gate *gate, const struct frame *frame,
                                const struct record_envelope *envelope)
{
    if (envelope->reason == RECORD_QUARANTINE_MENDED)
        return mend_forget(gate, envelope->about);
    return quarantine_forget(gate, frame->lsn);
}

static err_t forget(struct gate *gate, const struct record_gone *gone, int64_t at_us, struct arena *arena)
{
    struct record_envelope envelope;
    struct frame frame, about;
    err_t err;
    arena_reset(arena);
    if (TRY(err, store_read(gate->store, gone->lsn, &frame)))
        return err;
    if (frame.kind == FRAME_MINT)
        return mint_forget(gate, &frame, gone, arena);
    if (frame.kind == FRAME_SECRET)
        return words_forget(gate, frame.slot, at_us);
    bool seen = frame.kind == FRAME_SEEN;
    if (TRY(err, record_envelope_read(seen ? frame.payload : frame.envelope, &envelope)))
        return err;
    bool conflict = frame.kind == FRAME_QUAR && envelope.reason == RECORD_QUARANTINE_CONFLICT;
    if (frame.kind == FRAME_QUAR && TRY(err, forget_quarantined(gate, &frame, &envelope)))
        return err;
    if (frame.kind == FRAME_QUAR && !conflict)
        return ERR_OK;
    about = frame;
    if (seen && TRY(err, store_read(gate->store, envelope.about, &about)))
        return err;
    return forget_object(gate, &frame, &about, &envelope, arena);
}

err_t recall_apply(struct gate *gate, uint64_t lsn, const struct record_recall *recall)
{
    uint8_t key[GONE_KEY_SIZE];
    struct arena arena;
    err_t err = ERR_OK;
    arena_init(&arena, LIMIT_NEIGHBOUR_BYTES);
    /* The last first: reports are read by the object that they are about. */
    for (size_t i = recall->gone_count; i > 0 && err == ERR_OK; i--)
        err = forget(gate, &recall->gone[i - 1], recall->at_us, &arena);
    for (size_t i = 0; i < recall->gone_count && err == ERR_OK; i++) {
        const struct spilled *row = spilled_at(gate, recall->gone[i].lsn);
        err = row == NULL ? ERR_OK : words_note_object(gate, recall->because, &row->key);
    }
    arena_deinit(&arena);
    fresh_forget(gate);
    gate->personal.lsn = 0;
    if (err != ERR_OK || TRY(err, rows_put(gate, recall)) ||
        TRY(err, store_put(gate->store, TABLE_FACT, lsn_key('p', lsn, key), bytes_of("", 0))))
        return err;
    gate->purges++;
    return ERR_OK;
}

err_t purged_apply(struct gate *gate, const struct record_purged *purged)
{
    uint8_t key[GONE_KEY_SIZE];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, lsn_key('p', purged->recall, key), &value);
    bool first = err == ERR_OK;
    if ((err != ERR_OK && err != ERR_NOTFOUND) || TRY(err, copies_purged(gate, purged, first)) || !first)
        return err;
    gate->purges--;
    return store_delete(gate->store, TABLE_FACT, lsn_key('p', purged->recall, key));
}

/* --- gathering what goes --- */

struct gathering {
    struct gate *gate;
    struct gate_destroyed *told;
    struct map wanted; /* positions -> 0 */
    struct arena arena;
    struct arena one; /* of the frame at hand */
    struct bytes *contents;
    size_t content_count;
    struct record_gone gone[LIMIT_RECALL_FRAMES];
    size_t gone_count;
    struct record_gone_leaf *leaves;
    size_t leaf_count, leaf_size;
    uint64_t *again; /* what is decided otherwise without it */
    size_t again_count, again_size;
    struct map asked; /* positions of these -> 0 */
};

static bool is_wanted(const struct gathering *g, uint64_t lsn)
{
    return map_get(&g->wanted, &lsn) != NULL;
}

static err_t gone_add(struct gathering *g, const struct frame *frame, uint8_t flags, size_t size)
{
    struct record_gone known;
    if (gone_find(g->gate, frame->lsn, &known) == ERR_OK)
        return ERR_OK;
    if (g->gone_count == LIMIT_RECALL_FRAMES)
        return ERR_LIMIT;
    size_t *count = frame->kind == FRAME_OBJ      ? &g->told->objects
                    : frame->kind == FRAME_SEEN   ? &g->told->reports
                    : frame->kind == FRAME_MINT   ? &g->told->minted
                    : frame->kind == FRAME_SECRET ? &g->told->words
                                                  : &g->told->quarantined;
    *count += 1;
    g->gone[g->gone_count++] = (struct record_gone) {frame->lsn, flags, (uint32_t)size};
    return map_put(&g->wanted, &frame->lsn, 0);
}

bool bytes_contain(struct bytes text, struct bytes part)
{
    const uint8_t *at = text.at;
    size_t left = text.len;
    while (part.len > 0 && left >= part.len) {
        const uint8_t *found = memchr(at, part.at[0], left - part.len + 1);
        if (found == NULL)
            return false;
        if (memcmp(found, part.at, part.len) == 0)
            return true;
        left -= (size_t)(found + 1 - at);
        at = found + 1;
    }
    return false;
}

/* Does the quarantine hold the very bytes of what goes, alone or among others? */
static err_t holds_content(struct gathering *g, const struct frame *frame, bool *out)
{
    struct bytes bytes;
    err_t err = frame_bytes(g->gate, frame, &g->one, &bytes);
    *out = false;
    for (size_t i = 0; err == ERR_OK && i < g->content_count && !*out; i++)
        *out = bytes_contain(bytes, g->contents[i]);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t gather_sealed(struct gathering *g, const struct frame *frame)
{
    struct record_envelope envelope = {0};
    struct bytes bytes;
    bool goes = is_wanted(g, frame->lsn);
    err_t err;
    if (frame->kind == FRAME_QUAR && !goes) {
        if (TRY(err, record_envelope_read(frame->envelope, &envelope)))
            return err;
        goes = envelope.reason == RECORD_QUARANTINE_MENDED && is_wanted(g, envelope.about);
        if (!goes && TRY(err, holds_content(g, frame, &goes)))
            return err;
    }
    if (!goes)
        return ERR_OK;
    err = frame_bytes(g->gate, frame, &g->one, &bytes);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err; /* gone before */
    return gone_add(g, frame, 0, frame->kind == FRAME_OBJ ? bytes.len : 0);
}

static err_t gather_minted(struct gathering *g, const struct frame *frame)
{
    struct record_mint record;
    struct record_minted minted;
    struct gate *gate = g->gate;
    err_t err;
    if (TRY(err, record_mint_read(frame->envelope, &record)) || !is_wanted(g, record.envelope.about))
        return err;
    buf_clear(&gate->plain);
    err = store_unseal(gate->store, frame, &gate->plain);
    if (err != ERR_OK || TRY(err, record_minted_read(buf_bytes(&gate->plain), &minted)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    uint8_t flags = minted.kind == RECORD_MINT_DERIVED ? RECORD_GONE_DERIVED : 0;
    return gone_add(g, frame, flags, minted.object.len);
}

static err_t gather_report(struct gathering *g, const struct frame *frame)
{
    struct record_envelope envelope;
    err_t err = record_envelope_read(frame->payload, &envelope);
    return err != ERR_OK || !is_wanted(g, envelope.about) ? err : gone_add(g, frame, 0, 0);
}

/* --- leaves that were made of it --- */

static err_t leaf_room(struct gathering *g)
{
    if (g->leaf_count < g->leaf_size)
        return ERR_OK;
    size_t size = g->leaf_size == 0 ? 64 : g->leaf_size * 2;
    struct record_gone_leaf *wider = mem_grow(g->leaves, size * sizeof *wider);
    if (wider == NULL)
        return ERR_NOMEM;
    g->leaves = wider;
    g->leaf_size = size;
    return ERR_OK;
}

static err_t leaf_add(struct gathering *g, const struct leaf_ground *ground, unsigned ledger, uint64_t seq,
                      uint64_t decide_lsn)
{
    struct gate *gate = g->gate;
    unsigned partner = gate_ledger_partner(ledger);
    const struct record_entry *entry = &ground->decide->entries[ground->entry];
    uint64_t subject;
    struct ledger_salts salts;
    struct leaf leaf;
    struct leaf_opening opening;
    err_t err;
    if (TRY(err, leaf_subject(gate, ground, partner, decide_lsn, &subject)) ||
        TRY(err, leaf_make(gate, ground, ledger, seq, subject, &leaf, &opening)) || TRY(err, leaf_room(g)) ||
        TRY(err, leaf_salts(gate, &ground->secret, ledger, epoch_place(leaf.epoch, seq), &salts)))
        return err;
    g->leaves[g->leaf_count++] = (struct record_gone_leaf) {
        .ledger = (uint8_t)ledger,
        .seq = epoch_place(leaf.epoch, seq),
        .opening = entry_contentless(entry) ? opening.salt : leaf.partner,
        .issuer = salts.issuer,
    };
    return ERR_OK;
}

static err_t entry_leaves(struct gathering *g, const struct record_decide *decide, size_t e,
                          uint64_t decide_lsn)
{
    struct gate *gate = g->gate;
    const struct record_entry *entry = &decide->entries[e];
    struct leaf_ground ground = {.decide = decide, .entry = e};
    struct frame frame;
    struct bytes bytes;
    err_t err;
    if (TRY(err, store_read(gate->store, entry->lsn, &frame)) ||
        TRY(err, frame_bytes(gate, &frame, &g->one, &bytes)) ||
        TRY(err, leaf_source(gate, &frame, &ground.source)) ||
        TRY(err, store_secret(gate->store, frame.slot, &ground.secret)))
        return err;
    if (!entry_contentless(entry))
        ground.content = hash_sha256(bytes);
    for (unsigned p = 0; p < gate->peer_count && err == ERR_OK; p++) {
        unsigned ledger = record_entry_ledger(decide, entry, p);
        const struct record_start *start = record_decide_start(decide, ledger);
        uint64_t before = 0;
        if ((entry->release >> p & 1) == 0)
            continue;
        for (size_t i = 0; i < e; i++)
            before += record_entry_in(decide, &decide->entries[i], ledger);
        err = start == NULL ? ERR_CORRUPT : leaf_add(g, &ground, ledger, start->seq + before, decide_lsn);
    }
    mem_wipe(&ground.secret, sizeof ground.secret);
    return err;
}

static err_t gather_leaves(struct gathering *g, const struct frame *frame)
{
    struct record_decide decide;
    struct record_gone known;
    err_t err;
    if (TRY(err, record_decide_read(frame->payload, &g->one, &decide)))
        return err;
    for (size_t e = 0; e < decide.entry_count && err == ERR_OK; e++)
        if (decide.entries[e].release != 0 && is_wanted(g, decide.entries[e].lsn) &&
            gone_find(g->gate, decide.entries[e].lsn, &known) == ERR_NOTFOUND)
            err = entry_leaves(g, &decide, e, frame->lsn);
    return err;
}

/* --- what it marked --- */

static err_t again_add(struct gathering *g, uint64_t lsn)
{
    if (is_wanted(g, lsn) || map_get(&g->asked, &lsn) != NULL)
        return ERR_OK;
    if (g->again_count == g->again_size) {
        size_t size = g->again_size == 0 ? 64 : g->again_size * 2;
        uint64_t *wider = mem_grow(g->again, size * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        g->again = wider;
        g->again_size = size;
    }
    g->again[g->again_count++] = lsn;
    return map_put(&g->asked, &lsn, 0);
}

/* What is left under an identifier. */
static err_t again_copies(struct gathering *g, const struct stix_key *key)
{
    struct copies copies;
    err_t err = copies_load(g->gate, key, &copies);
    for (size_t i = 0; i < copies.count && err == ERR_OK; i++)
        if ((copies.at[i].flags & COPY_SEEN) == 0)
            err = again_add(g, copies.at[i].lsn);
    return err;
}

/* Where the policy asks for neighbours, what it refers to and what refers to it lies beside it no more. */
static err_t again_around(struct gathering *g, const struct stix_object *object)
{
    uint64_t found[LIMIT_NEIGHBOURS];
    size_t count = 0;
    err_t err = ERR_OK;
    if (g->gate->policy == NULL || (policy_needs(g->gate->policy) & POLICY_NEED_AROUND) == 0)
        return ERR_OK;
    for (size_t i = 0; i < object->ref_count && err == ERR_OK; i++)
        if (!key_is_definition(&object->refs[i].key))
            err = again_copies(g, &object->refs[i].key);
    if (err == ERR_OK)
        err = referrers(g->gate, &object->key, 0, found, LIMIT_NEIGHBOURS, &count);
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = again_add(g, found[i]);
    return err;
}

/* One that goes: it bound other copies of its version, what these carry, and what it carried itself. */
static err_t again_without(struct gathering *g, const struct record_gone *gone)
{
    struct record_envelope envelope;
    struct stix_object object;
    struct json_doc doc;
    struct frame frame;
    struct bytes bytes;
    err_t err;
    if (TRY(err, store_read(g->gate->store, gone->lsn, &frame)))
        return err;
    if ((frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR) ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)) ||
        (frame.kind == FRAME_QUAR && envelope.reason != RECORD_QUARANTINE_CONFLICT))
        return frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR ? ERR_OK : err;
    arena_reset(&g->one);
    if (TRY(err, frame_bytes(g->gate, &frame, &g->one, &bytes)) ||
        TRY(err, json_parse(g->gate->parser_one, bytes, &doc, NULL)) ||
        TRY(err, stix_read_held(json_root(&doc), &g->one, &object)) ||
        TRY(err, again_copies(g, &object.key)) || TRY(err, again_around(g, &object)))
        return err;
    for (size_t i = 0; i < object.ref_count && err == ERR_OK; i++)
        if (key_is_observable(&object.refs[i].key) && !key_is_observable(&object.key))
            err = again_copies(g, &object.refs[i].key); /* whoever reported it carried them too */
    return err;
}

/* Before the RECALL, while it can be read: a crash between the two forgets nothing. */
static err_t ask_again(struct gathering *g, int64_t now_us)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < g->gone_count && err == ERR_OK; i++)
        err = again_without(g, &g->gone[i]);
    return err != ERR_OK ? err
                         : job_list(g->gate, g->again, g->again_count, now_us,
                                    "what marked it, or stood beside it, was destroyed");
}

/* --- the whole of it --- */

static err_t gather_frame(struct gathering *g, const struct frame *frame)
{
    arena_reset(&g->one);
    switch (frame->kind) {
    case FRAME_OBJ:
    case FRAME_QUAR:
        return gather_sealed(g, frame);
    case FRAME_SEEN:
        return gather_report(g, frame);
    case FRAME_MINT:
        return gather_minted(g, frame);
    case FRAME_DECIDE:
        return gather_leaves(g, frame);
    default:
        return ERR_OK;
    }
}

static err_t gather_log(struct gathering *g)
{
    struct store_iter iter = store_iter(g->gate->store, LSN_FIRST, store_durable_lsn(g->gate->store));
    struct frame frame;
    err_t err;
    while ((err = store_iter_next(&iter, &frame)) == ERR_OK)
        if (TRY(err, gather_frame(g, &frame)))
            return err;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* Nobody has it: its leaves were ended before, and it waits for no decision. */
static err_t nobody_has(struct gate *gate, uint64_t lsn)
{
    struct state state;
    if (lsn >= gate->decided_lsn && partners_concerned(gate) != 0 && gate->policy != NULL &&
        lsn >= gate->scanned_lsn)
        return ERR_BUSY;
    err_t err = state_load(gate, lsn, &state);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    uint64_t owed;
    if (TRY(err, recall_owed(gate, lsn, &state, &owed)))
        return err;
    return (state.released | state.minted | owed) != 0 ? ERR_BUSY : ERR_OK;
}

/* The secret of minting goes with nothing. */
static bool is_of_words(const struct frame *frame)
{
    struct record_secret record;
    return record_secret_read(frame->envelope, &record) == ERR_OK && record.purpose == RECORD_SECRET_WORDS;
}

/* One that was named. Its bytes are kept: the quarantine may hold them again. */
static err_t want(struct gathering *g, uint64_t lsn, bool refused_alone)
{
    struct gate *gate = g->gate;
    struct record_envelope envelope;
    struct record_gone known;
    struct frame frame;
    struct bytes bytes;
    err_t err;
    if (lsn == 0 || lsn >= store_durable_lsn(gate->store) || store_read(gate->store, lsn, &frame) != ERR_OK)
        return ERR_NOTFOUND;
    if (gone_find(gate, lsn, &known) == ERR_OK)
        return ERR_OK;
    if (frame.kind == FRAME_SEEN) /* goes with what it is about */
        return ERR_OK;
    if (frame.kind == FRAME_SECRET)
        return refused_alone && is_of_words(&frame) ? gone_add(g, &frame, 0, 0) : ERR_INVALID;
    if ((frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR) || TRY(err, nobody_has(gate, lsn)) ||
        TRY(err, record_envelope_read(frame.envelope, &envelope)))
        return frame.kind != FRAME_OBJ && frame.kind != FRAME_QUAR ? ERR_NOTFOUND : err;
    bool refused = frame.kind == FRAME_QUAR && envelope.reason != RECORD_QUARANTINE_CONFLICT;
    if (refused_alone)
        return refused ? gone_add(g, &frame, 0, 0) : ERR_INVALID;
    if (TRY(err, frame_bytes(gate, &frame, &g->arena, &bytes)))
        return err;
    g->contents[g->content_count++] = bytes;
    return map_put(&g->wanted, &lsn, 0);
}

static err_t state_recall(struct gathering *g, struct record_recall *recall)
{
    struct gate *gate = g->gate;
    err_t err;
    recall->gone = g->gone;
    recall->gone_count = g->gone_count;
    recall->leaves = g->leaves;
    recall->leaf_count = g->leaf_count;
    g->told->leaves = g->leaf_count;
    buf_clear(&gate->record);
    record_recall_write(&gate->record, recall);
    if (TRY(err, buf_err(&gate->record)))
        return err;
    if (TRY(err, gate_append(gate, FRAME_RECALL, &g->told->lsn)))
        return err;
    if (TRY(err, recall_apply(gate, g->told->lsn, recall)))
        return gate_torn(gate, err, "a recall could not be taken over");
    return gate_commit(gate);
}

static err_t gather(struct gathering *g, const uint64_t *lsns, size_t count, bool alone)
{
    err_t err = ERR_OK;
    g->contents = arena_zalloc(&g->arena, count + 1, sizeof *g->contents);
    if (g->contents == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = want(g, lsns[i], alone);
    if (err == ERR_OK && !alone && g->wanted.count > 0)
        err = gather_log(g);
    return err != ERR_OK ? err : g->gone_count == 0 ? ERR_EXISTS : ERR_OK;
}

err_t gate_destroy(struct gate *gate, const uint64_t *lsns, size_t count, enum record_cause cause,
                   const struct gate_by *by, int64_t now_us, struct gate_destroyed *out)
{
    struct record_recall recall = {.cause = cause, .at_us = now_us, .by = by->who, .because = by->because};
    struct gate_destroyed told = {0};
    char room[RECORD_WORDS_MAX];
    err_t err;
    if (gate->read_only)
        return ERR_READONLY;
    /* A retention's words are the program's. */
    if (cause != RECORD_CAUSE_RETENTION &&
        TRY(err, words_seal(gate, by->because, now_us, room, &recall.because)))
        return err;
    if (gate->group_open && TRY(err, gate_commit(gate))) /* it is read back */
        return err;
    struct gathering *g = mem_alloc(sizeof *g);
    if (g == NULL)
        return ERR_NOMEM;
    g->gate = gate;
    g->told = &told;
    map_init(&g->wanted, sizeof(uint64_t), 2 * LIMIT_RECALL_FRAMES, &gate->sip);
    arena_init(&g->arena, LIMIT_RECALL_CONTENT_BYTES);
    arena_init(&g->one, LIMIT_NEIGHBOUR_BYTES);
    map_init(&g->asked, sizeof(uint64_t), SIZE_MAX / 2, &gate->sip);
    err = gather(g, lsns, count, cause == RECORD_CAUSE_RETENTION);
    if (err == ERR_OK)
        err = ask_again(g, now_us);
    if (err == ERR_OK)
        err = state_recall(g, &recall);
    store_view_end(gate->store);
    mem_free(g->leaves);
    mem_free(g->again);
    map_deinit(&g->asked);
    map_deinit(&g->wanted);
    arena_deinit(&g->one);
    arena_deinit(&g->arena);
    mem_free_secret(g, sizeof *g);
    if (err == ERR_OK)
        *out = told;
    return err;
}

/* --- carrying out --- */

bool gate_purge_due(const struct gate *gate)
{
    return gate->purges > 0 && !gate->read_only;
}

static err_t purge_next(struct gate *gate, uint64_t *out)
{
    struct store_scan *scan;
    struct bytes key, value;
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of("p", 1), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    err = store_scan_next(scan, &key, &value);
    if (err == ERR_OK) {
        struct rd rd = rd_of(bytes_of(key.at + 1, key.len - 1));
        *out = rd_u64(&rd);
    }
    store_scan_close(scan);
    return err;
}

static void wipe(struct buf *buf)
{
    if (buf->at != NULL)
        mem_wipe(buf->at, buf->size);
}

/* Secrets of everything that the RECALL names, and the words that the search file has of it. */
static err_t purge_one(struct gate *gate, struct gate_search *search, const struct record_recall *recall,
                       struct arena *arena)
{
    uint64_t *slots = arena_zalloc(arena, recall->gone_count, sizeof *slots);
    uint64_t *lsns = arena_zalloc(arena, recall->gone_count, sizeof *lsns);
    size_t count = 0;
    err_t err;
    if (slots == NULL || lsns == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < recall->gone_count; i++) {
        struct frame frame;
        if (TRY(err, store_read(gate->store, recall->gone[i].lsn, &frame)))
            return err;
        lsns[i] = frame.lsn;
        if (frame_kind_sealed(frame.kind))
            slots[count++] = frame.slot;
    }
    if (TRY(err, store_secrets_destroy(gate->store, slots, count)))
        return err;
    /* What was opened last may still stand in memory. */
    wipe(&gate->plain);
    wipe(&gate->canon);
    wipe(&gate->scratch);
    wipe(&gate->minted);
    return search == NULL || recall->cause == RECORD_CAUSE_RETENTION
               ? ERR_OK
               : gate_search_forget(search, lsns, recall->gone_count);
}

static err_t purge(struct gate *gate, struct gate_search *search, uint64_t lsn, int64_t now_us,
                   struct arena *arena)
{
    struct record_purged purged = {.recall = lsn, .at_us = now_us};
    struct record_recall recall;
    struct frame frame;
    uint64_t at;
    err_t err;
    if (TRY(err, store_read(gate->store, lsn, &frame)) ||
        TRY(err, record_recall_read(frame.payload, arena, &recall)) ||
        TRY(err, purge_one(gate, search, &recall, arena)) ||
        TRY(err, copies_unsure(gate, &recall, &purged.unsure)))
        return err;
    buf_clear(&gate->record);
    record_purged_write(&gate->record, &purged);
    if (TRY(err, gate_append(gate, FRAME_PURGED, &at)))
        return err;
    if (TRY(err, purged_apply(gate, &purged)))
        return gate_torn(gate, err, "what was destroyed could not be noted");
    return gate_commit(gate);
}

err_t gate_purge(struct gate *gate, struct gate_search *search, int64_t now_us)
{
    struct arena arena;
    uint64_t lsn;
    err_t err;
    if (!gate_purge_due(gate))
        return ERR_OK;
    /* The index first: see the header. */
    if (TRY(err, gate_merge(gate, true)))
        return err;
    arena_init(&arena, LIMIT_FRAME_BYTES * 4u);
    while ((err = purge_next(gate, &lsn)) == ERR_OK) {
        arena_reset(&arena);
        err = lsn >= store_applied_lsn(gate->store) ? ERR_BUSY : purge(gate, search, lsn, now_us, &arena);
        if (err != ERR_OK)
            break;
    }
    arena_deinit(&arena);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}
