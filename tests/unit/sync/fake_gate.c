#include "fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/halt.h"
#include "gate/nodelog.h"
#include "gate/recall.h"
#include "ledger/cosign.h"

enum { MOST = 4096, CARD_DAYS = 3, FAKE_SETTINGS = 32 };

struct fake_setting {
    char key[96];
    size_t key_len;
    uint8_t value[LIMIT_CARD_BYTES];
    size_t value_len;
};

struct fake_leaf {
    struct leaf leaf;
    struct leaf_opening opening;
    struct buf object;
    bool withheld;
};

struct fake_note {
    uint64_t size;
    struct hash root;
    struct buf note;
};

struct fake_taken {
    struct buf object;
    uint8_t hops;
    bool lost, for_good, back; /* back: with the next commit */
};

struct gate {
    char node[LIMIT_NAME_BYTES + 1], audience[LIMIT_NAME_BYTES + 1];
    struct sign_key ledger;
    struct gate_peer peer;
    uint32_t epoch;
    /* issuing */
    struct fake_leaf *leaves;
    size_t leaf_count;
    struct tile_memory memory;
    struct tile_tree tree;
    struct fake_note *notes;
    size_t note_count;
    struct fake_receipt receipt, receipt_pending;
    /* receiving */
    struct fake_taken *taken; /* [0, held) durable, [held, pending) not yet */
    size_t held, pending;
    struct gate_cursor cursor, cursor_pending;
    bool has_cursor, has_pending;
    uint64_t twice, again;
    unsigned busy;
    bool commit_fails;
    struct {
        bool stands;
        char what[256], held[GATE_HALT_NOTE_MAX], shown[GATE_HALT_NOTE_MAX];
        int64_t at_us;
    } halt, halt_pending;
    struct fake_setting settings[FAKE_SETTINGS];
    struct buf card; /* put later than at birth */
};

/* --- keys --- */

static struct sign_key key_of(uint8_t node, uint8_t role)
{
    uint8_t seed[SIGN_SEED_SIZE] = {node, role};
    return sign_key_from_seed(seed);
}

void fake_keys_make(struct fake_keys *keys, const char *node, uint8_t seed, int64_t now_us)
{
    *keys = (struct fake_keys) {.root = key_of(seed, SYNC_CARD_ROOT),
                                .tls = key_of(seed, SYNC_CARD_TLS),
                                .ledger = key_of(seed, SYNC_CARD_LEDGER),
                                .cosign = key_of(seed, SYNC_CARD_COSIGN),
                                .disposition = key_of(seed, SYNC_CARD_DISPOSITION)};
    keys->card = (struct sync_card) {.country = "KR",
                                     .number = 1,
                                     .issued_us = now_us,
                                     .expires_us = now_us + CARD_DAYS * INT64_C(86400000000)};
    memcpy(keys->card.node, node, strlen(node));
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++)
        keys->card.key[i] = key_of(seed, i).public;
    buf_init(&keys->card_text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&keys->card, &keys->root, &keys->card_text, NULL), ERR_OK);
}

void fake_keys_deinit(struct fake_keys *keys)
{
    buf_deinit(&keys->card_text);
}

/* --- life --- */

struct gate *fake_gate_new(const struct fake_gate_setup *setup)
{
    struct gate *gate = calloc(1, sizeof *gate);
    assert_non_null(gate);
    gate->leaves = calloc(MOST, sizeof *gate->leaves);
    gate->notes = calloc(MOST, sizeof *gate->notes);
    gate->taken = calloc(MOST, sizeof *gate->taken);
    memcpy(gate->node, setup->node, strlen(setup->node));
    memcpy(gate->audience, setup->audience, strlen(setup->audience));
    gate->ledger = *setup->ledger;
    gate->peer.audience = str_of(gate->audience);
    gate->peer.state = GATE_PEER_STARTED;
    gate->peer.card = buf_bytes(setup->partner_card);
    struct tile_store store = tile_memory_store(&gate->memory);
    tile_tree_init(&gate->tree, &store);
    return gate;
}

void fake_gate_free(struct gate *gate)
{
    for (size_t i = 0; i < MOST; i++) {
        buf_deinit(&gate->leaves[i].object);
        buf_deinit(&gate->notes[i].note);
        buf_deinit(&gate->taken[i].object);
    }
    buf_deinit(&gate->card);
    buf_deinit(&gate->cursor.note);
    buf_deinit(&gate->cursor_pending.note);
    tile_memory_deinit(&gate->memory);
    free(gate->leaves);
    free(gate->notes);
    free(gate->taken);
    free(gate);
}

void fake_gate_state(struct gate *gate, enum gate_peer_state state)
{
    gate->peer.state = state;
}

void fake_gate_card(struct gate *gate, const struct buf *card)
{
    gate->peer.card = buf_bytes(card);
}

unsigned gate_peer_count(const struct gate *gate)
{
    (void)gate;
    return 1;
}

const struct gate_peer *gate_peer_get(const struct gate *gate, unsigned partner)
{
    return partner == 0 ? &gate->peer : NULL;
}

/* --- issuing --- */

static struct ledger_origin origin_of(const struct gate *gate)
{
    return (struct ledger_origin) {str_of(gate->node), str_of(gate->audience), gate->epoch, false};
}

void fake_release(struct gate *gate, struct str object, int64_t now_us)
{
    assert_true(gate->leaf_count < MOST);
    struct fake_leaf *made = &gate->leaves[gate->leaf_count];
    int64_t last = gate->leaf_count > 0 ? made[-1].leaf.time_us : 0;
    made->leaf = (struct leaf) {.op = object.len > 0 ? LEAF_RELEASE : LEAF_SUPERSEDE,
                                .epoch = gate->epoch,
                                .seq = gate->leaf_count,
                                .time_us = now_us > last ? now_us : last + 1};
    made->opening = (struct leaf_opening) {.subject_seq = LEAF_SUBJECT_NONE};
    made->opening.salt.b[0] = (uint8_t)gate->leaf_count;
    if (object.len > 0)
        made->opening.content = hash_sha256(bytes_from_str(object));
    else
        made->opening.subject_seq = gate->leaf_count - 1;
    made->leaf.partner = leaf_partner(made->leaf.op, &made->opening);
    buf_init(&made->object, LIMIT_OBJECT_BYTES);
    buf_put_str(&made->object, object);
    struct hash hash = leaf_hash(&made->leaf);
    assert_int_equal(tile_tree_append(&gate->tree, &hash), ERR_OK);
    gate->leaf_count++;
}

void fake_sign(struct gate *gate, uint64_t size, const struct hash *root, struct buf *out)
{
    struct ledger_origin origin = origin_of(gate);
    struct note_key key;
    struct buf line;
    buf_init(&line, LEDGER_ORIGIN_MAX);
    assert_int_equal(ledger_origin_print(&origin, &line), ERR_OK);
    assert_int_equal(note_key_make(buf_str(&line), NOTE_SIGNATURE, &gate->ledger.public, &key), ERR_OK);
    struct checkpoint checkpoint = {buf_str(&line), size, *root, {NULL, 0}};
    assert_int_equal(checkpoint_sign(&checkpoint, &key, &gate->ledger, out), ERR_OK);
    buf_deinit(&line);
}

void fake_checkpoint(struct gate *gate)
{
    if (gate->note_count > 0 && gate->notes[gate->note_count - 1].size == gate->leaf_count)
        return;
    struct fake_note *made = &gate->notes[gate->note_count++];
    made->size = gate->leaf_count;
    made->root = tile_tree_root(&gate->tree);
    buf_deinit(&made->note);
    buf_init(&made->note, LIMIT_NOTE_BYTES);
    fake_sign(gate, made->size, &made->root, &made->note);
}

uint64_t fake_released(const struct gate *gate)
{
    return gate->leaf_count;
}

struct hash fake_root(struct gate *gate, uint64_t size)
{
    struct merkle_source source = tile_tree_source(&gate->tree);
    struct hash root;
    assert_int_equal(merkle_root(&source, size, &root), ERR_OK);
    return root;
}

static void issue_again(struct gate *gate, size_t keep, bool other)
{
    struct tile_store store = tile_memory_store(&gate->memory);
    tile_memory_deinit(&gate->memory);
    tile_tree_init(&gate->tree, &store);
    for (size_t i = 0; i < gate->leaf_count; i++) {
        struct fake_leaf *leaf = &gate->leaves[i];
        if (i >= keep) {
            buf_deinit(&leaf->object);
            continue;
        }
        leaf->leaf.issuer.b[0] ^= (uint8_t)other;
        leaf->leaf.epoch = gate->epoch;
        struct hash hash = leaf_hash(&leaf->leaf);
        assert_int_equal(tile_tree_append(&gate->tree, &hash), ERR_OK);
    }
    gate->leaf_count = keep;
    size_t count = gate->note_count, kept = 0;
    for (; kept < count && gate->notes[kept].size <= keep; kept++) {
        struct fake_note *note = &gate->notes[kept];
        note->root = fake_root(gate, note->size);
        buf_clear(&note->note);
        fake_sign(gate, note->size, &note->root, &note->note);
    }
    gate->note_count = kept;
    fake_checkpoint(gate);
}

void fake_fork(struct gate *gate)
{
    issue_again(gate, gate->leaf_count, true);
}

void fake_set_back(struct gate *gate, uint64_t size)
{
    issue_again(gate, (size_t)size, false);
}

void fake_epoch(struct gate *gate, uint32_t epoch)
{
    gate->epoch = epoch;
    issue_again(gate, gate->leaf_count, false);
}

static uint64_t visible_of(const struct gate *gate)
{
    return gate->note_count > 0 ? gate->notes[gate->note_count - 1].size : 0;
}

/* Nothing is ever called back: the urgent ledger stays empty. */
err_t gate_peer_urgent(struct gate *gate, unsigned partner, bool follows, int64_t now_us)
{
    (void)now_us;
    assert_int_equal(partner, 0);
    gate->peer.urgent = gate->peer.urgent || follows;
    return ERR_OK;
}

err_t gate_ledger(const struct gate *gate, unsigned ledger, struct gate_ledger *out)
{
    assert_int_equal(gate_ledger_partner(ledger), 0);
    if (gate_ledger_is_urgent(ledger)) {
        *out = (struct gate_ledger) {.origin = origin_of(gate), .visible_root = merkle_empty()};
        out->origin.urgent = true;
        return ERR_OK;
    }
    *out = (struct gate_ledger) {.origin = origin_of(gate),
                                 .size = gate->leaf_count,
                                 .visible = visible_of(gate),
                                 .visible_root = merkle_empty(),
                                 .receipted = gate->receipt.size,
                                 .refused = gate->receipt.refused};
    if (gate->note_count > 0)
        out->visible_root = gate->notes[gate->note_count - 1].root;
    return ERR_OK;
}

err_t gate_leaves(struct gate *gate, unsigned partner, uint64_t seq,
                  bool (*visit)(void *ctx, const struct gate_leaf *leaf), void *ctx)
{
    assert_int_equal(partner, 0);
    for (; seq < visible_of(gate); seq++) {
        const struct fake_leaf *leaf = &gate->leaves[seq];
        struct gate_leaf told = {
            .leaf = leaf->leaf, .opening = leaf->opening, .object = buf_bytes(&leaf->object), .hops = 2};
        told.withheld = leaf->withheld;
        told.object = leaf->withheld ? bytes_of(NULL, 0) : told.object;
        if (!visit(ctx, &told))
            break;
    }
    return ERR_OK;
}

err_t gate_leaves_given(struct gate *gate, unsigned ledger, uint64_t from, size_t count, uint8_t *bits)
{
    assert_int_equal(ledger, 0);
    assert_true(from + count <= visible_of(gate));
    for (size_t i = 0; i < count; i++)
        if (gate->leaves[from + i].object.len > 0 && !gate->leaves[from + i].withheld)
            bits[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    return ERR_OK;
}

void fake_withhold(struct gate *gate, uint64_t seq, bool withheld)
{
    gate->leaves[seq].withheld = withheld;
}

err_t gate_inclusion(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t size,
                     struct merkle_proof *out)
{
    assert_int_equal(ledger, 0);
    struct merkle_source source = tile_tree_source(&gate->tree);
    return merkle_inclusion(&source, seq, size, out);
}

err_t gate_checkpoint(struct gate *gate, unsigned partner, uint64_t size, uint64_t *out_size,
                      struct buf *note)
{
    assert_int_equal(partner, 0);
    for (size_t i = 0; i < gate->note_count; i++)
        if (gate->notes[i].size >= size) {
            *out_size = gate->notes[i].size;
            buf_put(note, gate->notes[i].note.at, gate->notes[i].note.len);
            return buf_err(note);
        }
    return ERR_NOTFOUND;
}

/* This gate keeps no tiles: test_sync_gate asks a real one. */
err_t gate_tile(struct gate *gate, unsigned partner, struct str path, struct buf *out)
{
    (void)gate;
    (void)partner;
    (void)path;
    (void)out;
    return ERR_NOTFOUND;
}

/* Nor a log of the node. */
err_t gate_log_head(struct gate *gate, uint64_t index, uint64_t *out_size, struct buf *note)
{
    (void)gate;
    (void)index;
    (void)out_size;
    (void)note;
    return ERR_NOTFOUND;
}

err_t gate_log_tile(struct gate *gate, struct str path, struct buf *out)
{
    (void)gate;
    (void)path;
    (void)out;
    return ERR_NOTFOUND;
}

err_t gate_consistency(struct gate *gate, unsigned partner, uint64_t old_size, uint64_t size,
                       struct merkle_proof *out)
{
    assert_int_equal(partner, 0);
    struct merkle_source source = tile_tree_source(&gate->tree);
    return merkle_consistency(&source, old_size, size, out);
}

err_t gate_receipt(struct gate *gate, unsigned partner, uint64_t size, uint64_t refused, struct bytes notes,
                   int64_t now_us)
{
    (void)now_us;
    assert_int_equal(partner, 0);
    assert_true(notes.len > 0 && size > gate->receipt.size);
    gate->receipt_pending = (struct fake_receipt) {size, refused, gate->receipt.count + 1};
    return ERR_OK;
}

struct fake_receipt fake_receipt(const struct gate *gate)
{
    return gate->receipt;
}

/* --- receiving --- */

static void cursor_copy(struct gate_cursor *to, const struct gate_cursor *from)
{
    struct buf note = to->note;
    if (note.size_max == 0)
        buf_init(&note, LIMIT_NOTE_BYTES);
    *to = *from;
    to->note = note;
    buf_clear(&to->note);
    buf_put(&to->note, from->note.at, from->note.len);
    assert_int_equal(buf_err(&to->note), ERR_OK);
}

err_t gate_cursor(struct gate *gate, unsigned ledger, struct gate_cursor *out)
{
    assert_int_equal(gate_ledger_partner(ledger), 0);
    if (!gate->has_cursor || gate_ledger_is_urgent(ledger))
        return ERR_NOTFOUND;
    out->note = (struct buf) {.at = NULL};
    cursor_copy(out, &gate->cursor);
    return ERR_OK;
}

static bool says_bad(struct bytes object)
{
    for (size_t i = 0; object.len - i >= 3 && i < object.len; i++)
        if (memcmp(object.at + i, "bad", 3) == 0)
            return true;
    return false;
}

err_t gate_receive(struct gate *gate, unsigned partner, struct gate_received *leaves, size_t count,
                   const struct gate_cursor *cursor, int64_t now_us)
{
    (void)now_us;
    assert_int_equal(partner, 0);
    assert_false(gate->has_pending);
    if (gate->busy > 0) {
        gate->busy--;
        return ERR_BUSY;
    }
    cursor_copy(&gate->cursor_pending, cursor);
    for (size_t i = 0; i < count; i++) {
        struct gate_received *leaf = &leaves[i];
        if (leaf->leaf.seq < gate->held)
            gate->twice++;
        assert_int_equal(leaf->leaf.seq, gate->held + i);
        struct fake_taken *taken = &gate->taken[leaf->leaf.seq];
        buf_deinit(&taken->object);
        buf_init(&taken->object, LIMIT_OBJECT_BYTES);
        buf_put(&taken->object, leaf->object.at, leaf->object.len);
        taken->hops = leaf->hops;
        leaf->refused = false;
        if (says_bad(leaf->object)) {
            leaf->refused = true;
            leaf->code = ERR_INVALID;
            gate->cursor_pending.refused++;
            gate->cursor_pending.refused_digest =
                disposition_refused_add(&gate->cursor_pending.refused_digest, leaf->leaf.seq, leaf->code);
        }
    }
    assert_int_equal(cursor->edge.size, gate->held + count);
    gate->pending = gate->held + count;
    gate->has_pending = true;
    return ERR_OK;
}

err_t gate_leaves_held(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t from, size_t count,
                       uint8_t *bits)
{
    assert_int_equal(ledger, 0);
    assert_int_equal(epoch, gate->cursor.epoch);
    assert_true(from + count <= gate->held);
    for (size_t i = 0; i < count; i++)
        if (gate->taken[from + i].object.len > 0 && !gate->taken[from + i].lost)
            bits[i / 8] |= (uint8_t)(0x80u >> (i % 8));
    return ERR_OK;
}

bool gate_leaf_stands(struct gate *gate, unsigned ledger, uint32_t epoch, uint64_t seq)
{
    uint8_t bits = 0;
    return gate_leaves_held(gate, ledger, epoch, seq, 1, &bits) == ERR_OK && bits != 0;
}

err_t gate_receive_again(struct gate *gate, unsigned ledger, struct gate_received *leaves, size_t count,
                         int64_t now_us)
{
    (void)now_us;
    assert_int_equal(ledger, 0);
    if (gate->busy > 0) {
        gate->busy--;
        return ERR_BUSY;
    }
    for (size_t i = 0; i < count; i++) {
        struct fake_taken *taken = &gate->taken[leaves[i].leaf.seq];
        assert_true(taken->lost && leaves[i].leaf.seq < gate->held);
        assert_true(bytes_eq(buf_bytes(&taken->object), leaves[i].object));
        taken->back = !taken->for_good;
        leaves[i].refused = taken->for_good;
        gate->again += !taken->for_good;
    }
    return ERR_OK;
}

void fake_lose(struct gate *gate, uint64_t seq, bool for_good)
{
    assert_true(seq < gate->held && gate->taken[seq].object.len > 0);
    gate->taken[seq].lost = true;
    gate->taken[seq].for_good = for_good;
}

uint64_t fake_again(const struct gate *gate)
{
    return gate->again;
}

err_t gate_commit(struct gate *gate)
{
    if (gate->commit_fails)
        return ERR_IO;
    for (size_t i = 0; i < gate->held; i++) {
        gate->taken[i].lost = gate->taken[i].lost && !gate->taken[i].back;
        gate->taken[i].back = false;
    }
    if (gate->has_pending) {
        cursor_copy(&gate->cursor, &gate->cursor_pending);
        gate->held = gate->pending;
        gate->has_cursor = true;
    }
    gate->has_pending = false;
    gate->halt = gate->halt_pending;
    if (gate->receipt_pending.count > gate->receipt.count)
        gate->receipt = gate->receipt_pending;
    return ERR_OK;
}

void fake_crash(struct gate *gate)
{
    for (size_t i = 0; i < gate->held; i++)
        gate->taken[i].back = false;
    gate->has_pending = false;
    gate->receipt_pending = gate->receipt;
    gate->halt_pending = gate->halt;
}

/* --- links that stand still --- */

err_t gate_halt(struct gate *gate, unsigned partner, const struct gate_halt *halt)
{
    assert_int_equal(partner, 0);
    if (gate->halt_pending.stands)
        return ERR_OK;
    assert_true(halt->what.len < sizeof gate->halt.what && halt->held.len < GATE_HALT_NOTE_MAX &&
                halt->shown.len < GATE_HALT_NOTE_MAX);
    memset(&gate->halt_pending, 0, sizeof gate->halt_pending);
    gate->halt_pending.stands = true;
    gate->halt_pending.at_us = halt->at_us;
    memcpy(gate->halt_pending.what, halt->what.at, halt->what.len);
    memcpy(gate->halt_pending.held, halt->held.at, halt->held.len);
    memcpy(gate->halt_pending.shown, halt->shown.at, halt->shown.len);
    return ERR_OK;
}

err_t gate_halted(struct gate *gate, unsigned partner, struct arena *arena, struct gate_halt *out)
{
    (void)arena;
    assert_int_equal(partner, 0);
    if (!gate->halt_pending.stands)
        return ERR_NOTFOUND;
    *out = (struct gate_halt) {str_of(gate->halt.what), str_of(gate->halt.held), str_of(gate->halt.shown),
                               gate->halt.at_us};
    return ERR_OK;
}

bool gate_is_halted(const struct gate *gate, unsigned partner)
{
    assert_int_equal(partner, 0);
    return gate->halt_pending.stands;
}

uint32_t gate_following(const struct gate *gate, unsigned partner)
{
    assert_int_equal(partner, 0);
    return gate->has_cursor ? gate->cursor.epoch : 0;
}

err_t gate_resume(struct gate *gate, unsigned partner, const struct gate_by *by, int64_t now_us)
{
    (void)now_us;
    assert_true(partner == 0 && by->because.len > 0);
    gate->halt_pending.stands = false;
    return ERR_OK;
}

void fake_busy(struct gate *gate, unsigned times)
{
    gate->busy = times;
}

void fake_commit_fails(struct gate *gate, bool fails)
{
    gate->commit_fails = fails;
}

uint64_t fake_held(const struct gate *gate)
{
    return gate->held;
}

uint64_t fake_taken_twice(const struct gate *gate)
{
    return gate->twice;
}

bool fake_holds(const struct gate *gate, uint64_t seq, struct str object)
{
    return seq < gate->held && !gate->taken[seq].lost && str_eq(buf_str(&gate->taken[seq].object), object);
}

unsigned fake_hops(const struct gate *gate, uint64_t seq)
{
    return gate->taken[seq].hops;
}

/* --- recalls: there are none --- */

err_t gate_recall_owed(struct gate *gate, unsigned partner, uint64_t from, struct gate_recall_owed *out)
{
    (void)gate;
    (void)from;
    (void)partner;
    (void)out;
    return ERR_NOTFOUND;
}

err_t gate_recall_acknowledged(struct gate *gate, unsigned partner, uint64_t seq, bool held, int64_t now_us)
{
    (void)held;
    (void)gate;
    (void)partner;
    (void)seq;
    (void)now_us;
    return ERR_NOTFOUND;
}

err_t gate_recall_answered(struct gate *gate, unsigned partner, uint64_t seq, bool held, struct bytes note,
                           int64_t now_us)
{
    (void)held;
    (void)gate;
    (void)partner;
    (void)seq;
    (void)note;
    (void)now_us;
    return ERR_NOTFOUND;
}

/* --- cards --- */

static struct fake_setting *setting_of(struct gate *gate, struct str key)
{
    for (size_t i = 0; i < FAKE_SETTINGS; i++)
        if (gate->settings[i].key_len == key.len && memcmp(gate->settings[i].key, key.at, key.len) == 0)
            return &gate->settings[i];
    return NULL;
}

err_t gate_setting_put(struct gate *gate, struct str key, struct bytes value, const struct gate_by *by,
                       int64_t now_us)
{
    (void)now_us;
    assert_true(by->who.len > 0 && by->because.len > 0);
    struct fake_setting *setting = setting_of(gate, key);
    for (size_t i = 0; i < FAKE_SETTINGS && setting == NULL; i++)
        if (gate->settings[i].key_len == 0)
            setting = &gate->settings[i];
    assert_non_null(setting);
    assert_true(key.len <= sizeof setting->key && value.len <= sizeof setting->value);
    memcpy(setting->key, key.at, key.len);
    setting->key_len = key.len;
    if (value.len > 0)
        memcpy(setting->value, value.at, value.len);
    setting->value_len = value.len;
    return ERR_OK;
}

bool gate_setting_get(const struct gate *gate, struct str key, struct buf *out)
{
    const struct fake_setting *setting = setting_of((struct gate *)(uintptr_t)gate, key);
    if (setting == NULL || setting->value_len == 0)
        return false;
    buf_put(out, setting->value, setting->value_len);
    return true;
}

err_t gate_peer_put(struct gate *gate, struct str audience, struct str node, struct str country,
                    struct bytes card, const struct gate_by *by, int64_t now_us, unsigned *out_index)
{
    (void)by;
    (void)now_us;
    assert_true(str_eq(audience, gate->peer.audience) && node.len > 0 && country.len == 2);
    struct buf kept = gate->card;
    buf_init(&gate->card, LIMIT_CARD_BYTES);
    buf_put(&gate->card, card.at, card.len);
    buf_deinit(&kept);
    gate->peer.card = buf_bytes(&gate->card);
    *out_index = 0;
    return ERR_OK;
}

bool gate_sign_anew(struct gate *gate, unsigned ledger, uint64_t size)
{
    (void)gate;
    (void)ledger;
    (void)size;
    return false; /* test_cards asks a real one */
}

uint64_t gate_sign_anew_wanted(const struct gate *gate)
{
    (void)gate;
    return 0;
}
