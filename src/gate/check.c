/* `bongsu check`: every frame, every object's and decision's index entries, every leaf, tile and root, each
 * made again from the log. */
#include <stdio.h>

#include "core/mem.h"
#include "core/wr.h"
#include "gate/destroy.h"
#include "gate/mint.h"
#include "gate/words.h"

struct checking {
    struct gate *gate;
    void (*line)(void *ctx, const char *text);
    void *ctx;
    uint64_t bad;
    uint64_t bare_lsn;   /* of a frame with the secret of minting in clear */
    uint64_t bare_words; /* frames with words in clear */
};

static void finding(struct checking *c, const char *text)
{
    c->bad++;
    if (c->line != NULL)
        c->line(c->ctx, text);
}

/* --- the index --- */

static bool row_stands(struct gate *gate, enum index_table table, struct bytes head, uint64_t lsn)
{
    uint8_t key[STIX_KEY_SIZE + 8];
    struct bytes value;
    must(head.len <= STIX_KEY_SIZE);
    memcpy(key, head.at, head.len);
    wr_at_u64(key + head.len, lsn);
    return store_get(gate->store, table, bytes_of(key, head.len + 8), &value) == ERR_OK;
}

static bool copy_is_right(const struct subject *subject, enum frame_kind kind, const struct hash *canon)
{
    const struct copy *copy = subject->copy;
    const struct record_envelope *envelope = &subject->envelope;
    struct copy wanted = {0};
    copy_set_creator(&wanted, &subject->object);
    wanted.flags = (uint8_t)((subject->object.type->category == STIX_SCO ? COPY_SCO : 0) |
                             (subject->object.revoked ? COPY_REVOKED : 0) |
                             (envelope->flags & RECORD_OBJECT_ASSERTION ? COPY_ASSERTION : 0) |
                             (envelope->flags & RECORD_OBJECT_REWRITE ? COPY_REWRITE : 0) |
                             (kind == FRAME_QUAR ? COPY_QUARANTINED : 0));
    return memcmp(copy->canon, canon->b, sizeof copy->canon) == 0 && copy->flags == wanted.flags &&
           copy->source == envelope->source &&
           memcmp(copy->creator, wanted.creator, sizeof copy->creator) == 0 &&
           stamp_cmp(copy->version, subject->object.version) == 0;
}

/* An object stands under its id with what it is, under its source, and under everything that it refers to. */
static err_t check_object(struct checking *c, const struct frame *frame)
{
    struct gate *gate = c->gate;
    struct subject subject;
    arena_reset(&gate->step_arena);
    err_t err = subject_load(gate, frame->lsn, &gate->step_arena, &subject);
    if (err == ERR_NOMEM)
        return err;
    if (err == ERR_NOTFOUND)
        return ERR_OK; /* its secret was destroyed */
    if (err != ERR_OK) {
        finding(c, "an object in the log cannot be read, or is missing in the index");
        return ERR_OK;
    }
    buf_clear(&gate->canon);
    if (TRY(err, stix_canon(&subject.object, &gate->canon, NULL)))
        return err == ERR_NOMEM ? err : ERR_CORRUPT;
    struct hash canon = hash_sha256(buf_bytes(&gate->canon));
    if (!copy_is_right(&subject, frame->kind, &canon))
        finding(c, "the index says something else of an object than the log");
    uint8_t source[2] = {(uint8_t)(subject.envelope.source >> 8), (uint8_t)subject.envelope.source};
    if (!row_stands(gate, TABLE_SOURCE, bytes_of(source, sizeof source), frame->lsn))
        finding(c, "an object is missing in the index of its source");
    for (size_t i = 0; i < subject.object.ref_count; i++) {
        const struct stix_key *key = &subject.object.refs[i].key;
        if (!key_is_builtin(key) && !row_stands(gate, TABLE_REF, bytes_of(key->b, STIX_KEY_SIZE), frame->lsn))
            finding(c, "a reference is missing in the index");
    }
    for (size_t i = 0; i < subject.object.named_count; i++)
        if (!row_stands(gate, TABLE_REF, bytes_of(subject.object.named[i].key.b, STIX_KEY_SIZE), frame->lsn))
            finding(c, "a name within a text is missing in the index");
    return ERR_OK;
}

/* The state of every object that a DECIDE released names that DECIDE. */
static err_t check_decide(struct checking *c, const struct frame *frame)
{
    struct record_decide decide;
    arena_reset(&c->gate->step_arena);
    err_t err = record_decide_read(frame->payload, &c->gate->step_arena, &decide);
    if (err == ERR_NOMEM)
        return err;
    if (err != ERR_OK)
        finding(c, "a decision in the log cannot be read");
    for (size_t e = 0; err == ERR_OK && e < decide.entry_count; e++) {
        const struct record_entry *entry = &decide.entries[e];
        struct state state;
        uint64_t has = 0, given = 0;
        if (entry_contentless(entry))
            continue;
        if (state_load(c->gate, entry->lsn, &state) != ERR_OK) {
            finding(c, "what was decided about an object is missing in the index");
            continue;
        }
        for (size_t i = 0; i < state.release_count; i++) {
            has |= state.releases[i].ended | state.releases[i].before;
            if (state.releases[i].decide == frame->lsn && state.releases[i].entry == e)
                given |= state.releases[i].mask | state.releases[i].before;
        }
        if (given != entry->release || (entry->release & ~(state.released | has)) != 0)
            finding(c, "the index says something else of a release than the log");
    }
    return ERR_OK;
}

/* Whatever lost its secret must be named by a RECALL, and what one names must have lost it. */
static void check_secret(struct checking *c, const struct frame *frame)
{
    struct gate *gate = c->gate;
    struct seal_secret secret;
    if (!frame_kind_sealed(frame->kind))
        return;
    bool opens = store_secret(gate->store, frame->slot, &secret) == ERR_OK;
    mem_wipe(&secret, sizeof secret);
    bool gone = gate_is_destroyed(gate, frame->lsn);
    if (!opens && !gone)
        finding(c, "the secret of an object is gone, and nothing in the log says that it was destroyed");
    else if (opens && gone && gate->purges == 0)
        finding(c, "the log says that an object was destroyed, and its secret is there");
}

static err_t check_index(struct checking *c)
{
    struct store *store = c->gate->store;
    struct store_iter iter = store_iter(store, LSN_FIRST, store_durable_lsn(store));
    struct frame frame;
    struct record_envelope envelope;
    err_t err;
    while ((err = store_iter_next(&iter, &frame)) == ERR_OK) {
        check_secret(c, &frame);
        bool conflict = frame.kind == FRAME_QUAR &&
                        record_envelope_read(frame.envelope, &envelope) == ERR_OK &&
                        envelope.reason == RECORD_QUARANTINE_CONFLICT;
        if (frame.kind == FRAME_OBJ || conflict)
            err = check_object(c, &frame);
        else if (frame.kind == FRAME_DECIDE)
            err = check_decide(c, &frame);
        else if (secret_is_bare(&frame))
            c->bare_lsn = frame.lsn;
        c->bare_words += words_are_bare(&frame);
        if (err != ERR_OK)
            return err;
    }
    if (err != ERR_NOTFOUND)
        finding(c, "the log cannot be read to its end");
    return err == ERR_NOMEM ? err : ERR_OK;
}

/* What a log of an earlier version holds in clear is no damage, and cannot be mended in a log that only
 * grows. */
static void check_minting(struct checking *c)
{
    char text[FAULT_WHAT_MAX];
    struct hash secret;
    if (c->gate->mint_slot != 0 && secret_held(c->gate, &secret) != ERR_OK)
        finding(c, "the secret of minted identifiers is not in the key file: nothing more can be minted");
    mem_wipe(&secret, sizeof secret);
    if (c->bare_lsn == 0 || c->line == NULL)
        return;
    (void)snprintf(
        text, sizeof text,
        "the frame at %llu, of an earlier version, holds the secret of minted identifiers in clear: "
        "keep copies of log/ as safe as keys/",
        (unsigned long long)c->bare_lsn);
    c->line(c->ctx, text);
}

static void check_words(struct checking *c)
{
    char text[FAULT_WHAT_MAX];
    if (c->bare_words == 0 || c->line == NULL)
        return;
    (void)snprintf(text, sizeof text,
                   "%llu statements of an earlier version hold operators' words in clear: no retention "
                   "forgets them (bongsu retention)",
                   (unsigned long long)c->bare_words);
    c->line(c->ctx, text);
}

/* --- ledgers --- */

/* Every leaf made again from (OBJ, DECIDE, partner) must give the tree that was signed, and the tiles that
 * are served. */
struct rooting {
    struct tile_tree *tree;
    struct merkle_edge edge;
    struct hash row[TILE_LEVELS][TILE_WIDTH]; /* of the tile that is being filled */
    uint64_t differ;                          /* hashes in the tiles that are not what the leaves give */
};

static struct hash tile_root(struct hash row[TILE_WIDTH])
{
    for (size_t width = TILE_WIDTH; width > 1; width /= 2)
        for (size_t i = 0; i < width / 2; i++)
            row[i] = merkle_node(&row[2 * i], &row[2 * i + 1]);
    return row[0];
}

static bool root_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct rooting *r = ctx;
    struct hash hash = leaf_hash(&leaf->leaf), stored;
    uint64_t index = r->edge.size;
    merkle_edge_append(&r->edge, &hash);
    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        if (tile_tree_hash(r->tree, level * TILE_HEIGHT, index, &stored) != ERR_OK ||
            !hash_eq(&hash, &stored))
            r->differ++;
        r->row[level][index % TILE_WIDTH] = hash;
        if (index % TILE_WIDTH != TILE_WIDTH - 1)
            return true;
        hash = tile_root(r->row[level]);
        index /= TILE_WIDTH;
    }
    return true;
}

static err_t check_view(struct checking *c, unsigned ledger)
{
    struct gate *gate = c->gate;
    struct view *view = &gate->views[ledger];
    arena_reset(&gate->step_arena);
    struct rooting *rooting = arena_zalloc(&gate->step_arena, 1, sizeof *rooting);
    if (rooting == NULL)
        return ERR_NOMEM;
    rooting->tree = &view->tree;
    if (view->stopped) {
        finding(c, "a ledger was stopped: its root is not the one that was signed");
        return ERR_OK;
    }
    err_t err = gate_leaves(gate, ledger, 0, root_leaf, rooting);
    struct hash root = merkle_edge_root(&rooting->edge);
    if (err != ERR_OK || rooting->edge.size != view->visible)
        finding(c, "a ledger's leaves cannot be made again from the log");
    else if (view->visible > 0 && !hash_eq(&root, &view->visible_root))
        finding(c, "a ledger made again from the log has another root than its checkpoint");
    if (rooting->differ > 0)
        finding(c, "a ledger's tiles hold other hashes than its leaves give");
    return ERR_OK;
}

static err_t check_log(struct checking *c)
{
    uint64_t bad;
    err_t err = nodelog_check(c->gate, &bad);
    if (err == ERR_OK && bad > 0)
        finding(c, "the log of the node, made again from the object log, is not what was signed");
    return err;
}

err_t gate_check(struct gate *gate, void (*line)(void *ctx, const char *text), void *ctx, uint64_t *out_bad)
{
    struct checking c = {.gate = gate, .line = line, .ctx = ctx};
    struct store_check store;
    err_t err;
    if (TRY(err, store_check(gate->store, NULL, NULL, &store)))
        return err;
    c.bad += store.faults;
    if (store.faults > 0 && line != NULL)
        line(ctx, store.fault_what);
    if (store_alarm(gate->store) != NULL) { /* what lies behind the damage cannot be walked */
        c.bad++;
        if (line != NULL)
            line(ctx, store_alarm(gate->store));
    }
    err = check_index(&c);
    if (err == ERR_OK) {
        check_minting(&c);
        check_words(&c);
    }
    for (unsigned i = 0; err == ERR_OK && i < GATE_LEDGERS; i++)
        err = ledger_held(gate, i) ? check_view(&c, i) : ERR_OK;
    if (err == ERR_OK)
        err = check_log(&c);
    store_view_end(gate->store);
    if (err == ERR_OK)
        *out_bad = c.bad;
    return err;
}
