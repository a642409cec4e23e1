/* A partner's ledger comes in: verified pages become log frames, and the cursor moves in the same group
 * (DESIGN 4 step 8). */
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "gate/destroy.h"
#include "gate/halt.h"
#include "gate/state.h"
#include "ledger/cosign.h"

enum { RECEIVED_KEY_SIZE = 1 + 2 + 8 };

static struct bytes received_key(uint32_t source, uint64_t place, uint8_t out[RECEIVED_KEY_SIZE])
{
    out[0] = 'I';
    out[1] = (uint8_t)(source >> 8);
    out[2] = (uint8_t)source;
    wr_at_u64(out + 3, place);
    return bytes_of(out, RECEIVED_KEY_SIZE);
}

err_t received_put(struct gate *gate, uint32_t source, uint64_t place, uint64_t lsn)
{
    uint8_t key[RECEIVED_KEY_SIZE], value[8];
    wr_at_u64(value, lsn);
    return store_put(gate->store, TABLE_FACT, received_key(source, place, key),
                     bytes_of(value, sizeof value));
}

err_t received_get(struct gate *gate, uint32_t source, uint64_t place, uint64_t *out_lsn)
{
    uint8_t key[RECEIVED_KEY_SIZE];
    struct bytes again;
    err_t err = row_get_u64(gate, received_key(source, place, key), out_lsn);
    if (err != ERR_NOTFOUND)
        return err;
    /* It brought what was held already. */
    err = fact_get(gate, RECORD_FACT_AGAIN, bytes_of(key + 1, sizeof key - 1), &again);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(again);
    *out_lsn = rd_u64(&rd);
    return rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

/* --- what is held of them --- */

/* His leaf said that its time is over. */
static bool told_over(struct gate *gate, uint64_t lsn)
{
    uint8_t key[8];
    struct bytes op;
    wr_at_u64(key, lsn);
    return fact_get(gate, RECORD_FACT_TOLD, bytes_of(key, sizeof key), &op) == ERR_OK && op.len == 1 &&
           op.at[0] == LEAF_EXPIRE;
}

/* The frames that rows of this letter, or facts, name for these leaves: at[i] for leaf `place` + i, where it
 * is 0. */
static err_t scan_received(struct gate *gate, struct bytes head, uint64_t place, uint64_t *at, size_t count)
{
    uint8_t from[2 + RECEIVED_KEY_SIZE];
    struct store_scan *scan;
    struct bytes key, value;
    must(head.len + 8 <= sizeof from);
    memcpy(from, head.at, head.len);
    wr_at_u64(from + head.len, place);
    err_t err = store_scan_open(gate->store, TABLE_FACT, head, bytes_of(from, head.len + 8), &scan);
    if (err != ERR_OK)
        return err;
    while (!TRY(err, store_scan_next(scan, &key, &value))) {
        struct rd rd = rd_of(bytes_of(key.at + head.len, key.len - head.len)), in = rd_of(value);
        uint64_t where = rd_u64(&rd), lsn = rd_u64(&in);
        if (rd_end(&rd) != ERR_OK || rd_end(&in) != ERR_OK) {
            err = ERR_CORRUPT;
            break;
        }
        if (where - place >= count)
            break;
        if (at[where - place] == 0)
            at[where - place] = lsn;
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t gate_leaves_held(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t from, size_t count,
                       uint8_t *bits)
{
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    uint8_t key[RECEIVED_KEY_SIZE], again[FACT_KEY_SIZE_MAX];
    if (peer == NULL || gate_ledger_is_urgent(ledger))
        return ERR_NOTFOUND;
    uint64_t place = epoch_place(epoch, from), *at = mem_alloc_array(count + 1, sizeof *at);
    if (at == NULL)
        return ERR_NOMEM;
    (void)received_key(peer->source, place, key);
    struct bytes fact = fact_key(RECORD_FACT_AGAIN, bytes_of(key + 1, 2), again);
    err_t err = scan_received(gate, bytes_of(key, 1 + 2), place, at, count);
    if (err == ERR_OK && (gate->fact_kinds >> RECORD_FACT_AGAIN & 1) != 0)
        err = scan_received(gate, fact, place, at, count);
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        if (at[i] != 0 && !told_over(gate, at[i]))
            bits[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    mem_free(at);
    store_view_end(gate->store);
    return err;
}

bool gate_leaf_stands(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t seq)
{
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    struct record_envelope envelope;
    struct frame frame;
    uint64_t lsn;
    if (peer == NULL || received_get(gate, peer->source, epoch_place(epoch, seq), &lsn) != ERR_OK ||
        store_read(gate->store, lsn, &frame) != ERR_OK)
        return false;
    if (frame.kind == FRAME_SEEN && record_envelope_read(frame.payload, &envelope) != ERR_OK)
        return false;
    lsn = frame.kind == FRAME_SEEN ? envelope.about : lsn;
    return !recalled(gate, lsn) && !gate_is_destroyed(gate, lsn);
}

/* --- the cursor --- */

static err_t cursor_parse(const struct record_note *note, struct gate_cursor *out)
{
    struct rd rd = rd_of(note->edge);
    err_t err = merkle_edge_decode(&rd, &out->edge);
    if (err != ERR_OK)
        return err;
    out->epoch = note->epoch;
    out->refused = rd_u64(&rd);
    rd_copy(&rd, out->refused_digest.b, HASH_SIZE);
    return rd_end(&rd) == ERR_OK && out->edge.size == note->size ? ERR_OK : ERR_CORRUPT;
}

static struct bytes cursor_key(unsigned ledger, uint8_t out[2])
{
    out[0] = 'U';
    out[1] = (uint8_t)ledger;
    return bytes_of(out, 2);
}

err_t cursor_apply(struct gate *gate, uint64_t lsn, const struct record_note *note)
{
    uint8_t key[2], value[8];
    struct gate_cursor cursor;
    if (!ledger_held(gate, note->ledger) || cursor_parse(note, &cursor) != ERR_OK)
        return ERR_CORRUPT;
    if (!gate_ledger_is_urgent(note->ledger))
        gate->following[note->ledger] = note->epoch;
    wr_at_u64(value, lsn);
    return store_put(gate->store, TABLE_FACT, cursor_key(note->ledger, key), bytes_of(value, sizeof value));
}

err_t gate_cursor(struct gate *gate, unsigned ledger, struct gate_cursor *out)
{
    uint8_t key[2];
    struct bytes value;
    struct frame frame;
    struct record_note note;
    err_t err = store_get(gate->store, TABLE_FACT, cursor_key(ledger, key), &value);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(value);
    uint64_t lsn = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    struct gate_cursor cursor = {0};
    if (TRY(err, store_read(gate->store, lsn, &frame)) || TRY(err, record_note_read(frame.payload, &note)) ||
        TRY(err, cursor_parse(&note, &cursor)))
        return err;
    buf_init(&cursor.note, 2 * LIMIT_NOTE_BYTES);
    buf_put(&cursor.note, note.note.at, note.note.len);
    if (TRY(err, buf_err(&cursor.note))) {
        buf_deinit(&cursor.note);
        return err;
    }
    *out = cursor;
    return ERR_OK;
}

static err_t log_cursor(struct gate *gate, unsigned ledger, const struct gate_cursor *cursor, int64_t now_us)
{
    struct record_note note = {.ledger = (uint8_t)ledger,
                               .epoch = cursor->epoch,
                               .size = cursor->edge.size,
                               .root = merkle_edge_root(&cursor->edge),
                               .at_us = now_us,
                               .note = buf_bytes(&cursor->note)};
    struct buf edge;
    uint64_t lsn;
    buf_init(&edge, 8 + 64 * HASH_SIZE + 8 + HASH_SIZE);
    merkle_edge_encode(&cursor->edge, &edge);
    wr_u64(&edge, cursor->refused);
    wr_bytes(&edge, bytes_of(cursor->refused_digest.b, HASH_SIZE));
    note.edge = buf_bytes(&edge);
    err_t err = buf_err(&edge);
    if (err == ERR_OK) {
        buf_clear(&gate->record);
        record_note_write(&gate->record, &note);
        err = gate_append(gate, FRAME_CURSOR, &lsn);
    }
    if (err == ERR_OK)
        err = gate_torn(gate, cursor_apply(gate, lsn, &note), "a cursor could not be taken over");
    buf_deinit(&edge);
    return err;
}

uint32_t gate_following(const struct gate *gate, unsigned partner)
{
    return partner < gate->peer_count ? gate->following[partner] : 0;
}

err_t cursors_load(struct gate *gate)
{
    for (unsigned p = 0; p < gate->peer_count; p++) {
        struct gate_cursor cursor;
        err_t err = gate_cursor(gate, p, &cursor);
        if (err == ERR_NOTFOUND)
            continue;
        if (err != ERR_OK)
            return err;
        gate->following[p] = cursor.epoch;
        buf_deinit(&cursor.note);
    }
    return ERR_OK;
}

err_t gate_follow_epoch(struct gate *gate, unsigned partner, uint32_t epoch, const struct gate_by *by,
                        int64_t now_us)
{
    struct gate_cursor begin = {.epoch = epoch, .refused_digest = disposition_refused_begin()};
    err_t err;
    if (epoch > LIMIT_EPOCH)
        return ERR_LIMIT;
    if (epoch <= gate_following(gate, partner))
        return ERR_EXISTS;
    if (TRY(err, gate_resume(gate, partner, by, now_us)))
        return err;
    return log_cursor(gate, partner, &begin, now_us);
}

/* --- leaves --- */

struct receiving {
    struct gate *gate;
    unsigned partner;
    struct gate_received *leaf;
    struct stix_key key; /* what became of its object */
    uint64_t lsn;        /* 0: nothing is held of it */
    bool again;          /* it was held before */
};

/* What the leaves of the page so far brought; lsn 0: nothing. */
struct brought {
    struct stix_key key;
    uint64_t lsn;
};

struct page {
    const struct gate_received *leaves;
    struct brought *brought;
    size_t count;
};

/* Is a copy under this version in the partner's own view? Only then may it learn that another one exists
 * (DESIGN 5). */
static bool partner_knows(struct gate *gate, unsigned partner, struct str id, struct stamp version)
{
    struct stix_key key;
    struct copies copies;
    if (!stix_id_parse(id, &key) || copies_load(gate, &key, &copies) != ERR_OK)
        return false;
    for (size_t i = 0; i < copies.count; i++) {
        struct state state;
        const struct gate_source *source = gate_source_get(gate, copies.at[i].source);
        if (stamp_cmp(copies.at[i].version, version) != 0 || (copies.at[i].flags & COPY_QUARANTINED) != 0)
            continue;
        if (source != NULL && source->partner == (int)partner)
            return true;
        if (state_load(gate, copies.at[i].lsn, &state) == ERR_OK && (state.released >> partner & 1))
            return true;
    }
    return false;
}

static void received_answer(void *ctx, const struct gate_answer *answer)
{
    struct receiving *r = ctx;
    if (answer->disposition == GATE_REFUSED) {
        r->leaf->refused = true;
        r->leaf->code = (uint16_t)answer->fault->code;
    } else if (answer->disposition == GATE_CONFLICT &&
               partner_knows(r->gate, r->partner, answer->id, answer->version)) {
        r->leaf->refused = true;
        r->leaf->code = ERR_CONFLICT;
    }
    bool held = answer->disposition != GATE_REFUSED && answer->disposition != GATE_CONFLICT;
    if (held && answer->lsn != 0 && stix_id_parse(answer->id, &r->key))
        r->lsn = answer->lsn;
    r->again = answer->disposition == GATE_DUPLICATE;
}

static bool says_same(const struct copy *a, const struct copy *b)
{
    return stamp_cmp(a->version, b->version) == 0 && memcmp(a->canon, b->canon, sizeof a->canon) == 0;
}

/* Is it an OBJ that his word about it binds: one that he brought himself, or that is at home with him? Nobody
 * keeps back what came from others by repeating it. */
static bool word_binds(const struct copy *copy, const struct copy *told, const struct gate_peer *peer)
{
    enum { NO_OBJECT = COPY_SEEN | COPY_QUARANTINED };
    return (copy->flags & NO_OBJECT) == 0 && says_same(copy, told) &&
           (copy->source == peer->source || copy->owner == peer->source);
}

/* What came beside the object `key` at `lsn` is known in the same group in which it becomes durable. */
static err_t keep_about(struct gate *gate, const struct gate_peer *peer, const struct gate_received *leaf,
                        const struct stix_key *key, uint64_t lsn, int64_t now_us)
{
    struct copies copies;
    const struct copy *told = NULL;
    err_t err;
    if (TRY(err, copies_load(gate, key, &copies)))
        return err;
    for (size_t i = 0; i < copies.count; i++)
        if (copies.at[i].lsn == lsn)
            told = &copies.at[i];
    for (size_t i = 0; i < copies.count && told != NULL && err == ERR_OK; i++) {
        if (!word_binds(&copies.at[i], told, peer))
            continue;
        if (leaf->limits.len > 0)
            err = reshare_keep(gate, peer, key, copies.at[i].lsn, leaf->limits, now_us);
        if (err == ERR_OK && leaf->trail.len > 0)
            err = trail_keep(gate, peer, key, copies.at[i].lsn, leaf->trail, now_us);
    }
    return err;
}

static err_t keep_beside(struct receiving *r, const struct gate_peer *peer, int64_t now_us)
{
    bool nothing = r->leaf->limits.len == 0 && r->leaf->trail.len == 0;
    return nothing || r->lsn == 0 ? ERR_OK : keep_about(r->gate, peer, r->leaf, &r->key, r->lsn, now_us);
}

/* What a leaf brought that was held already left no frame: a recall that names the leaf has to find it. */
static err_t keep_again(struct receiving *r, const struct gate_by *by, int64_t now_us)
{
    uint8_t key[RECEIVED_KEY_SIZE];
    const struct gate_peer *peer = gate_peer_get(r->gate, r->partner);
    if (!r->again || r->lsn == 0)
        return ERR_OK;
    (void)received_key(peer->source, epoch_place(r->leaf->leaf.epoch, r->leaf->leaf.seq), key);
    buf_clear(&r->gate->scratch);
    wr_u64(&r->gate->scratch, r->lsn);
    err_t err = fact_state(r->gate, RECORD_FACT_AGAIN, bytes_of(key + 1, sizeof key - 1), by, now_us);
    return err == ERR_OK ? recall_said_again(r->gate, r->lsn, by, now_us) : err;
}

/* A contentless leaf: the origin says of an earlier object that it is no longer current. */
static err_t take_told(struct gate *gate, const struct gate_peer *peer, const struct gate_received *leaf,
                       int64_t now_us)
{
    uint64_t about, lsn;
    uint8_t key[8], op = (uint8_t)leaf->leaf.op;
    uint64_t place = epoch_place(leaf->leaf.epoch, leaf->opening.subject_seq);
    err_t err = received_get(gate, peer->source, place, &about);
    if (err == ERR_NOTFOUND)
        return ERR_OK; /* that leaf's object was refused here: nothing is held that could be outdated */
    if (err != ERR_OK)
        return err;
    wr_at_u64(key, about);
    struct record_fact fact = {.kind = RECORD_FACT_TOLD,
                               .key = bytes_of(key, sizeof key),
                               .value = bytes_of(&op, 1),
                               .by = peer->audience,
                               .because = str_of(leaf_op_word(op)),
                               .at_us = now_us};
    buf_clear(&gate->record);
    record_fact_write(&gate->record, &fact);
    if (TRY(err, gate_append(gate, FRAME_JOB, &lsn)))
        return err;
    return gate_torn(gate, fact_apply(gate, lsn, &fact), "a statement could not be taken over");
}

static err_t take_recall(struct gate *gate, unsigned ledger, struct gate_received *leaf, int64_t now_us)
{
    err_t err = recall_take(gate, ledger, leaf, now_us);
    leaf->refused = err == ERR_UNSUPPORTED;
    leaf->code = (uint16_t)(leaf->refused ? err : ERR_OK);
    return leaf->refused ? ERR_OK : err;
}

/* What the subject of this leaf brought, in this page or before. ERR_NOTFOUND: nothing of it is held. */
static err_t find_brought(struct gate *gate, const struct gate_peer *peer, const struct page *page,
                          const struct gate_received *leaf, struct stix_key *out_key, uint64_t *out_lsn)
{
    struct subject subject;
    struct frame frame;
    struct record_envelope envelope;
    uint64_t lsn, about = leaf->opening.subject_seq;
    err_t err;
    /* What came a moment ago cannot be opened yet. */
    for (size_t i = 0; i < page->count; i++)
        if (page->leaves[i].leaf.seq == about) {
            *out_key = page->brought[i].key;
            *out_lsn = page->brought[i].lsn;
            return *out_lsn == 0 ? ERR_NOTFOUND : ERR_OK;
        }
    if (TRY(err, received_get(gate, peer->source, epoch_place(leaf->leaf.epoch, about), out_lsn)) ||
        TRY(err, store_read(gate->store, *out_lsn, &frame)))
        return err;
    lsn = *out_lsn;
    if (frame.kind == FRAME_SEEN && !TRY(err, record_envelope_read(frame.payload, &envelope)))
        lsn = envelope.about;
    arena_reset(&gate->accept_arena);
    if (err == ERR_OK && !TRY(err, subject_load(gate, lsn, &gate->accept_arena, &subject)))
        *out_key = subject.object.key;
    return err;
}

/* He lets it go on less far than he said: it stays, and whoever has it from here beyond that does not keep it
 * (built-in.onward). */
static err_t take_narrow(struct gate *gate, const struct gate_peer *peer, const struct page *page,
                         const struct gate_received *leaf, int64_t now_us)
{
    struct stix_key key;
    uint64_t lsn;
    if (leaf->limits.len == 0)
        return ERR_OK; /* what it was about is gone there */
    err_t err = find_brought(gate, peer, page, leaf, &key, &lsn);
    if (err == ERR_OK)
        err = keep_about(gate, peer, leaf, &key, lsn, now_us);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t take_leaf(struct gate *gate, const struct gate_peer *peer, const struct page *page,
                       struct gate_received *leaf, struct brought *out, int64_t now_us)
{
    leaf->refused = false;
    leaf->code = 0;
    if (leaf->withheld || recall_came_first(gate, peer, &leaf->leaf)) {
        leaf->refused = true;
        leaf->code = ERR_EXPIRED;
        return ERR_OK;
    }
    if (leaf->leaf.op == LEAF_RECALL)
        return take_recall(gate, peer->index, leaf, now_us);
    if (leaf->leaf.op == LEAF_NARROW)
        return take_narrow(gate, peer, page, leaf, now_us);
    if (leaf->object.len == 0)
        return take_told(gate, peer, leaf, now_us);
    struct gate_submission submission = {.source = peer->source,
                                         .hops = leaf->hops,
                                         .leaf = epoch_place(leaf->leaf.epoch, leaf->leaf.seq) + 1,
                                         .voucher = leaf->voucher.wire.len > 0 ? &leaf->voucher : NULL};
    struct receiving receiving = {.gate = gate, .partner = peer->index, .leaf = leaf};
    struct fault fault = {0};
    err_t err = gate_accept(gate, &submission, leaf->object, now_us, received_answer, &receiving, &fault);
    /* What cannot even be cut is in quarantine as a whole, and the partner may know: it is its own object. */
    if (err != ERR_OK && leaf->refused)
        return ERR_OK;
    struct gate_by by = {peer->audience, str_of(leaf_op_word(leaf->leaf.op))};
    *out = (struct brought) {receiving.key, receiving.lsn};
    if (err != ERR_OK || TRY(err, keep_beside(&receiving, peer, now_us)))
        return err;
    return keep_again(&receiving, &by, now_us);
}

/* Of the urgent ledger: nothing but recalls. */
static err_t take_urgent(struct gate *gate, unsigned ledger, struct gate_received *leaf, int64_t now_us)
{
    if (leaf->leaf.op == LEAF_RECALL && !leaf->withheld)
        return take_recall(gate, ledger, leaf, now_us);
    leaf->refused = true;
    leaf->code = ERR_UNSUPPORTED;
    return ERR_OK;
}

err_t gate_receive(struct gate *gate, unsigned ledger, struct gate_received *leaves, size_t count,
                   const struct gate_cursor *cursor, int64_t now_us)
{
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    struct gate_cursor moved = *cursor;
    err_t err;
    if (peer == NULL)
        return ERR_NOTFOUND;
    /* The page is one group: dispositions and cursor are durable together or not at all. */
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    struct page page = {leaves, mem_alloc_array(count, sizeof *page.brought), 0};
    err = count > 0 && page.brought == NULL ? ERR_NOMEM : ERR_OK;
    for (; err == ERR_OK && page.count < count; page.count++) {
        struct gate_received *leaf = &leaves[page.count];
        err = gate_ledger_is_urgent(ledger)
                  ? take_urgent(gate, ledger, leaf, now_us)
                  : take_leaf(gate, peer, &page, leaf, &page.brought[page.count], now_us);
        if (err != ERR_OK || !leaf->refused)
            continue;
        moved.refused++;
        moved.refused_digest = disposition_refused_add(&moved.refused_digest, leaf->leaf.seq, leaf->code);
    }
    mem_free(page.brought);
    if (err == ERR_OK)
        err = log_cursor(gate, ledger, &moved, now_us);
    return gate_torn(gate, err, "a partner's page could not be taken over"); /* half a page is none */
}

err_t gate_receive_again(struct gate *gate, unsigned ledger, struct gate_received *leaves, size_t count,
                         int64_t now_us)
{
    const struct gate_peer *peer = gate_peer_get(gate, gate_ledger_partner(ledger));
    struct brought brought;
    struct page none = {leaves, &brought, 0}; /* of `narrow` alone is it asked what came before */
    err_t err = ERR_OK;
    if (peer == NULL || gate_ledger_is_urgent(ledger))
        return ERR_NOTFOUND;
    if (gate->group_open && TRY(err, gate_commit(gate)))
        return err;
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        must(leaves[i].object.len > 0 && !leaves[i].withheld);
        err = take_leaf(gate, peer, &none, &leaves[i], &brought, now_us);
    }
    return gate_torn(gate, err, "what a partner gave again could not be taken over");
}
