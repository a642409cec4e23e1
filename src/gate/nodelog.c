#include "gate/nodelog.h"

#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"

/* What a fact of this kind states, by the first byte of its key. */
enum {
    STATES_ENTRY = 'S',      /* u32 epoch, u64 index: u64 time, seed, and each ledger's newest checkpoint */
    STATES_CHECKPOINT = 'C', /* u32 epoch, u64 size: root, note */
    STATES_COSIGNED = 'W',   /* name of the witness: u32 epoch, u64 size, u64 time, u64 came, line */
    STATES_EPOCH = 'E',      /* u32 */
};

/* Rows of the index. */
enum { ROW = 'n', ROW_TILE = 't', ROW_HEAD = 'H', KEY_SIZE_MAX = 2 + LIMIT_WITNESS_NAME_BYTES };

enum { SECOND_US = 1000000 };

static struct bytes row_of(uint8_t letter, uint32_t epoch, unsigned level, uint64_t number,
                           uint8_t out[KEY_SIZE_MAX])
{
    struct buf key = {.at = out, .size = KEY_SIZE_MAX, .size_max = KEY_SIZE_MAX};
    wr_u8(&key, ROW);
    wr_u8(&key, letter);
    wr_u32(&key, epoch);
    wr_u8(&key, (uint8_t)level);
    wr_u64(&key, number);
    return buf_bytes(&key);
}

static struct bytes witness_row(struct str name, uint8_t out[KEY_SIZE_MAX])
{
    struct buf key = {.at = out, .size = KEY_SIZE_MAX, .size_max = KEY_SIZE_MAX};
    wr_u8(&key, ROW);
    wr_u8(&key, STATES_COSIGNED);
    wr_bytes(&key, bytes_from_str(name));
    return buf_bytes(&key);
}

/* --- the tree --- */

static err_t tile_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash)
{
    struct gate *gate = ctx;
    uint8_t key[KEY_SIZE_MAX];
    return store_put(gate->store, TABLE_FACT, row_of(ROW_TILE, gate->log.epoch, level, index, key),
                     bytes_of(hash->b, HASH_SIZE));
}

static err_t tile_read(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out)
{
    const struct gate *gate = ctx;
    uint8_t key[KEY_SIZE_MAX];
    struct bytes value;
    for (size_t i = 0; i < count; i++) {
        err_t err = store_get(gate->store, TABLE_FACT,
                              row_of(ROW_TILE, gate->log.epoch, level, first + i, key), &value);
        if (err != ERR_OK || value.len != HASH_SIZE)
            return err == ERR_OK || err == ERR_NOTFOUND ? ERR_CORRUPT : err;
        memcpy(out[i].b, value.at, HASH_SIZE);
    }
    return ERR_OK;
}

static struct tile_store tiles_of(struct gate *gate)
{
    return (struct tile_store) {gate, tile_append, tile_read};
}

static err_t head_save(struct gate *gate)
{
    const struct nodelog *log = &gate->log;
    uint8_t key[] = {ROW, ROW_HEAD}, raw[80];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u32(&value, log->epoch);
    wr_u64(&value, log->tree.edge.size);
    wr_u64(&value, (uint64_t)log->last_us);
    wr_u64(&value, log->signed_size);
    wr_u64(&value, log->signed_lsn);
    wr_bytes(&value, bytes_of(log->signed_root.b, HASH_SIZE));
    return store_put(gate->store, TABLE_FACT, bytes_of(key, sizeof key), buf_bytes(&value));
}

err_t nodelog_load(struct gate *gate)
{
    struct nodelog *log = &gate->log;
    struct tile_store tiles = tiles_of(gate);
    const uint8_t key[] = {ROW, ROW_HEAD};
    struct bytes value;
    *log = (struct nodelog) {.visible_root = merkle_empty(), .signed_root = merkle_empty()};
    tile_tree_init(&log->tree, &tiles);
    err_t err = store_get(gate->store, TABLE_FACT, bytes_of(key, sizeof key), &value);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    struct rd rd = rd_of(value);
    log->epoch = rd_u32(&rd);
    uint64_t size = rd_u64(&rd);
    log->last_us = (int64_t)rd_u64(&rd);
    log->signed_size = rd_u64(&rd);
    log->signed_lsn = rd_u64(&rd);
    rd_copy(&rd, log->signed_root.b, HASH_SIZE);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    return tile_tree_open(&log->tree, &tiles, size);
}

/* --- entries --- */

/* A statement of STATES_ENTRY. Heads borrow. */
struct snapshot {
    struct nodelog_entry entry;
    struct hash seed;
    size_t count;
    struct nodelog_head heads[NODELOG_HEADS_MAX];
};

static err_t snapshot_read(const struct record_fact *fact, struct snapshot *out)
{
    struct rd key = rd_of(fact->key), rd = rd_of(fact->value);
    (void)rd_u8(&key);
    out->entry.epoch = rd_u32(&key);
    out->entry.index = rd_u64(&key);
    out->entry.time_us = (int64_t)rd_u64(&rd);
    rd_copy(&rd, out->seed.b, HASH_SIZE);
    out->count = 0;
    while (rd.err == ERR_OK && rd.left > 0) {
        if (out->count == NODELOG_HEADS_MAX)
            return ERR_CORRUPT;
        struct nodelog_head *head = &out->heads[out->count++];
        head->origin = str_from_bytes(rd_blob(&rd, LEDGER_ORIGIN_MAX));
        head->size = rd_u64(&rd);
        rd_copy(&rd, head->root.b, HASH_SIZE);
    }
    if (rd_end(&key) != ERR_OK || rd_end(&rd) != ERR_OK || out->entry.time_us < 0)
        return ERR_CORRUPT;
    return nodelog_map(&out->seed, out->heads, out->count, &out->entry.map);
}

static void snapshot_write(const struct snapshot *snapshot, struct buf *out)
{
    wr_u64(out, (uint64_t)snapshot->entry.time_us);
    wr_bytes(out, bytes_of(snapshot->seed.b, HASH_SIZE));
    for (size_t i = 0; i < snapshot->count; i++) {
        wr_blob(out, bytes_from_str(snapshot->heads[i].origin));
        wr_u64(out, snapshot->heads[i].size);
        wr_bytes(out, bytes_of(snapshot->heads[i].root.b, HASH_SIZE));
    }
}

static err_t put_lsn(struct gate *gate, struct bytes key, uint64_t lsn)
{
    uint8_t raw[8];
    wr_at_u64(raw, lsn);
    return store_put(gate->store, TABLE_FACT, key, bytes_of(raw, sizeof raw));
}

static err_t apply_entry(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    struct nodelog *log = &gate->log;
    uint8_t key[KEY_SIZE_MAX];
    struct snapshot snapshot;
    err_t err = snapshot_read(fact, &snapshot);
    if (err != ERR_OK)
        return err;
    if (snapshot.entry.epoch != log->epoch || snapshot.entry.index != log->tree.edge.size)
        return ERR_CORRUPT;
    struct hash hash = nodelog_entry_hash(&snapshot.entry);
    if (TRY(err, tile_tree_append(&log->tree, &hash)) ||
        TRY(err, put_lsn(gate, row_of(STATES_ENTRY, log->epoch, 0, snapshot.entry.index, key), lsn)))
        return err;
    log->last_us = snapshot.entry.time_us;
    return head_save(gate);
}

static err_t apply_checkpoint(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    struct nodelog *log = &gate->log;
    struct merkle_source source = tile_tree_source(&log->tree);
    struct rd key_rd = rd_of(fact->key), rd = rd_of(fact->value);
    uint8_t key[KEY_SIZE_MAX];
    struct hash signed_root, root;
    (void)rd_u8(&key_rd);
    uint32_t epoch = rd_u32(&key_rd);
    uint64_t size = rd_u64(&key_rd);
    rd_copy(&rd, signed_root.b, HASH_SIZE);
    (void)rd_blob(&rd, LIMIT_NOTE_BYTES);
    if (rd_end(&key_rd) != ERR_OK || rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    if (epoch != log->epoch)
        return ERR_OK; /* of a log that is over */
    err_t err;
    if (size > log->tree.edge.size || TRY(err, merkle_root(&source, size, &root)) ||
        !hash_eq(&root, &signed_root)) {
        log->stopped = true;
        diag_say(gate->diag, DIAG_ERROR, ERR_PROOF, "gate", "run `bongsu check`",
                 "the log of the node does not have the root that was signed; nothing of it is shown");
        return ERR_OK;
    }
    log->signed_size = size;
    log->signed_root = root;
    log->signed_lsn = lsn;
    if (TRY(err, put_lsn(gate, row_of(STATES_CHECKPOINT, epoch, 0, size, key), lsn)))
        return err;
    return head_save(gate);
}

static err_t apply_cosigned(struct gate *gate, const struct record_fact *fact)
{
    uint8_t key[KEY_SIZE_MAX];
    struct str name = {(const char *)fact->key.at + 1, fact->key.len - 1};
    if (name.len == 0 || name.len > LIMIT_WITNESS_NAME_BYTES)
        return ERR_CORRUPT;
    return store_put(gate->store, TABLE_FACT, witness_row(name, key), fact->value);
}

static err_t apply_epoch(struct gate *gate, const struct record_fact *fact)
{
    struct nodelog *log = &gate->log;
    struct tile_store tiles = tiles_of(gate);
    struct rd rd = rd_of(fact->value);
    uint32_t epoch = rd_u32(&rd);
    if (rd_end(&rd) != ERR_OK || epoch <= log->epoch)
        return ERR_CORRUPT;
    *log = (struct nodelog) {.epoch = epoch, .visible_root = merkle_empty(), .signed_root = merkle_empty()};
    tile_tree_init(&log->tree, &tiles);
    return head_save(gate);
}

err_t nodelog_apply(struct gate *gate, uint64_t lsn, const struct record_fact *fact)
{
    switch (fact->key.len == 0 ? 0 : fact->key.at[0]) {
    case STATES_ENTRY:
        return apply_entry(gate, lsn, fact);
    case STATES_CHECKPOINT:
        return apply_checkpoint(gate, lsn, fact);
    case STATES_COSIGNED:
        return apply_cosigned(gate, fact);
    case STATES_EPOCH:
        return apply_epoch(gate, fact);
    default:
        return ERR_VERSION;
    }
}

void nodelog_publish(struct gate *gate)
{
    struct nodelog *log = &gate->log;
    if (log->signed_size > log->visible && log->signed_lsn < store_durable_lsn(gate->store) &&
        !log->stopped) {
        log->visible = log->signed_size;
        log->visible_root = log->signed_root;
    }
}

/* --- stating --- */

/* The value stands in gate->scratch. */
static err_t state(struct gate *gate, char what, struct str name, uint64_t number, const struct gate_by *by,
                   int64_t now_us)
{
    uint8_t raw[KEY_SIZE_MAX];
    struct buf key = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u8(&key, (uint8_t)what);
    if (name.at != NULL) {
        wr_bytes(&key, bytes_from_str(name));
    } else if (what != STATES_EPOCH) {
        wr_u32(&key, gate->log.epoch);
        wr_u64(&key, number);
    }
    err_t err = buf_err(&key);
    return err != ERR_OK ? err : fact_state(gate, RECORD_FACT_NODELOG, buf_bytes(&key), by, now_us);
}

static const struct gate_by nobody = {{"", 0}, {"", 0}};
static const struct str no_name = {NULL, 0};

void gate_log(const struct gate *gate, struct gate_log *out)
{
    const struct nodelog *log = &gate->log;
    *out = (struct gate_log) {.epoch = log->epoch,
                              .size = log->tree.edge.size,
                              .visible = log->visible,
                              .visible_root = log->visible_root,
                              .last_us = log->last_us,
                              .stopped = log->stopped};
}

err_t gate_log_origin(const struct gate *gate, struct buf *out)
{
    return nodelog_origin_print(gate->node_name, gate->log.epoch, out);
}

err_t gate_log_append(struct gate *gate, int64_t now_us)
{
    struct nodelog *log = &gate->log;
    struct snapshot snapshot = {.count = 0};
    err_t err;
    if (gate->read_only || log->stopped)
        return ERR_READONLY;
    if (log->tree.edge.size > log->visible)
        return ERR_BUSY;
    if (TRY(err, gate->os->random(gate->os->ctx, snapshot.seed.b, HASH_SIZE)))
        return err;
    for (unsigned i = 0; i < GATE_LEDGERS; i++) {
        const struct view *view = &gate->views[i];
        if (!ledger_held(gate, i) || view->visible == 0 || view->stopped)
            continue;
        snapshot.heads[snapshot.count++] =
            (struct nodelog_head) {{view->origin, view->origin_len}, view->visible, view->visible_root};
    }
    /* Whole seconds, and never back: how long a turn took is nobody's business. */
    int64_t time_us = now_us < 0 ? 0 : now_us - now_us % SECOND_US;
    snapshot.entry.time_us = time_us < log->last_us ? log->last_us : time_us;
    buf_clear(&gate->scratch);
    snapshot_write(&snapshot, &gate->scratch);
    err = state(gate, STATES_ENTRY, no_name, log->tree.edge.size, &nobody, now_us);
    store_view_end(gate->store);
    return err;
}

bool gate_log_sign_next(struct gate *gate, struct gate_sign_request *out)
{
    struct nodelog *log = &gate->log;
    uint64_t size = log->tree.edge.size;
    /* Only what is durable is signed. */
    if (log->signing || log->stopped || gate->group_open || gate->read_only || size == log->signed_size)
        return false;
    *out = (struct gate_sign_request) {.ledger = GATE_NODE_LOG,
                                       .origin = {.issuer = gate->node_name, .epoch = log->epoch},
                                       .old_size = log->signed_size,
                                       .count = 1};
    out->at[0].size = size;
    out->at[0].root = tile_tree_root(&log->tree);
    struct merkle_source source = tile_tree_source(&log->tree);
    log->signing = merkle_consistency(&source, log->signed_size, size, &out->at[0].proof) == ERR_OK;
    store_view_end(gate->store);
    return log->signing;
}

void gate_log_sign_abandon(struct gate *gate)
{
    gate->log.signing = false;
}

err_t gate_log_signed(struct gate *gate, const struct gate_sign_request *request, struct str note,
                      int64_t now_us)
{
    gate->log.signing = false;
    if (request->origin.epoch != gate->log.epoch)
        return ERR_OK; /* that log grows no more */
    buf_clear(&gate->scratch);
    wr_bytes(&gate->scratch, bytes_of(request->at[0].root.b, HASH_SIZE));
    wr_blob(&gate->scratch, bytes_from_str(note));
    err_t err = state(gate, STATES_CHECKPOINT, no_name, request->at[0].size, &nobody, now_us);
    store_view_end(gate->store);
    return err;
}

err_t gate_log_anew(struct gate *gate, uint32_t epoch, const struct gate_by *by, int64_t now_us)
{
    if (by->because.len == 0)
        return ERR_USAGE;
    if (epoch <= gate->log.epoch)
        return ERR_EXISTS;
    if (epoch > LIMIT_EPOCH)
        return ERR_LIMIT;
    buf_clear(&gate->scratch);
    wr_u32(&gate->scratch, epoch);
    return state(gate, STATES_EPOCH, no_name, 0, by, now_us);
}

/* --- showing --- */

/* The frame of what a row names; *out borrows from the log. */
static err_t stated(struct gate *gate, uint8_t letter, uint64_t number, struct frame *frame,
                    struct record_fact *out)
{
    uint8_t key[KEY_SIZE_MAX];
    uint64_t lsn;
    err_t err;
    if (TRY(err, row_get_u64(gate, row_of(letter, gate->log.epoch, 0, number, key), &lsn)) ||
        TRY(err, store_read(gate->store, lsn, frame)))
        return err;
    return record_fact_read(frame->payload, out);
}

err_t gate_log_checkpoint(struct gate *gate, uint64_t size, struct buf *note)
{
    struct frame frame;
    struct record_fact fact;
    if (size == 0 || size > gate->log.visible)
        return ERR_NOTFOUND;
    err_t err = stated(gate, STATES_CHECKPOINT, size, &frame, &fact);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(fact.value);
    struct hash root;
    rd_copy(&rd, root.b, HASH_SIZE);
    struct bytes held = rd_blob(&rd, LIMIT_NOTE_BYTES);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    buf_put(note, held.at, held.len);
    store_view_end(gate->store);
    return buf_err(note);
}

err_t gate_log_inclusion(struct gate *gate, uint64_t index, uint64_t size, struct merkle_proof *out)
{
    struct merkle_source source = tile_tree_source(&gate->log.tree);
    if (size > gate->log.visible)
        return ERR_NOTFOUND;
    err_t err = merkle_inclusion(&source, index, size, out);
    store_view_end(gate->store);
    return err;
}

err_t gate_log_consistency(struct gate *gate, uint64_t old_size, uint64_t size, struct merkle_proof *out)
{
    struct merkle_source source = tile_tree_source(&gate->log.tree);
    if (size > gate->log.visible)
        return ERR_NOTFOUND;
    err_t err = merkle_consistency(&source, old_size, size, out);
    store_view_end(gate->store);
    return err;
}

err_t gate_log_root(struct gate *gate, uint64_t size, struct hash *out)
{
    struct merkle_source source = tile_tree_source(&gate->log.tree);
    if (size > gate->log.visible)
        return ERR_NOTFOUND;
    err_t err = merkle_root(&source, size, out);
    store_view_end(gate->store);
    return err;
}

static err_t snapshot_get(struct gate *gate, uint64_t index, struct frame *frame, struct snapshot *out)
{
    struct record_fact fact;
    err_t err = stated(gate, STATES_ENTRY, index, frame, &fact);
    return err == ERR_OK ? snapshot_read(&fact, out) : err;
}

static err_t bundle_entry(void *ctx, uint64_t index, struct buf *out)
{
    struct frame frame;
    struct snapshot snapshot;
    uint8_t wire[NODELOG_ENTRY_SIZE];
    err_t err = snapshot_get(ctx, index, &frame, &snapshot);
    if (err != ERR_OK)
        return err;
    nodelog_entry_encode(&snapshot.entry, wire);
    buf_put(out, wire, sizeof wire);
    return buf_err(out);
}

err_t gate_log_tile(struct gate *gate, struct str path, struct buf *out)
{
    struct tile_entries entries = {gate, bundle_entry};
    struct tile_id id;
    struct buf scratch;
    err_t err = tile_path_parse(path, &id);
    if (err != ERR_OK)
        return err;
    buf_init(&scratch, NODELOG_ENTRY_SIZE);
    err = id.entries ? tile_bundle(&entries, gate->log.visible, &id, &scratch, out)
                     : tile_data(&gate->log.tree, gate->log.visible, &id, out);
    buf_deinit(&scratch);
    store_view_end(gate->store);
    return err;
}

err_t gate_log_open(struct gate *gate, uint64_t index, struct str origin, struct proof *out,
                    struct nodelog_opening *out_opening)
{
    struct frame frame;
    struct snapshot snapshot;
    size_t which = 0;
    if (index >= gate->log.visible)
        return ERR_NOTFOUND;
    err_t err = snapshot_get(gate, index, &frame, &snapshot);
    while (err == ERR_OK && which < snapshot.count && !str_eq(snapshot.heads[which].origin, origin))
        which++;
    if (err == ERR_OK && which == snapshot.count)
        err = ERR_NOTFOUND;
    if (err != ERR_OK ||
        TRY(err, nodelog_open(&snapshot.seed, snapshot.heads, snapshot.count, which, out_opening)))
        return err;
    out_opening->head.origin = origin;
    err = nodelog_extra_set(out, &snapshot.entry, out_opening);
    store_view_end(gate->store);
    return err;
}

/* --- witnesses --- */

err_t gate_log_cosigned_put(struct gate *gate, struct str witness, const struct gate_cosigned *cosigned)
{
    if (witness.len == 0 || witness.len > LIMIT_WITNESS_NAME_BYTES ||
        cosigned->line.len > LIMIT_NOTE_BYTES / 2)
        return ERR_LIMIT;
    buf_clear(&gate->scratch);
    wr_u32(&gate->scratch, cosigned->epoch);
    wr_u64(&gate->scratch, cosigned->size);
    wr_u64(&gate->scratch, (uint64_t)cosigned->time_s);
    wr_u64(&gate->scratch, (uint64_t)cosigned->at_us);
    wr_blob(&gate->scratch, bytes_from_str(cosigned->line));
    return state(gate, STATES_COSIGNED, witness, 0, &nobody, cosigned->at_us);
}

err_t gate_log_cosigned(const struct gate *gate, struct str witness, struct buf *line,
                        struct gate_cosigned *out)
{
    uint8_t key[KEY_SIZE_MAX];
    struct bytes value;
    struct gate_cosigned made;
    if (witness.len > LIMIT_WITNESS_NAME_BYTES)
        return ERR_NOTFOUND;
    err_t err = store_get(gate->store, TABLE_FACT, witness_row(witness, key), &value);
    if (err != ERR_OK)
        return err;
    struct rd rd = rd_of(value);
    made.epoch = rd_u32(&rd);
    made.size = rd_u64(&rd);
    made.time_s = (int64_t)rd_u64(&rd);
    made.at_us = (int64_t)rd_u64(&rd);
    struct bytes held = rd_blob(&rd, LIMIT_NOTE_BYTES / 2);
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    if (made.epoch != gate->log.epoch)
        return ERR_NOTFOUND;
    size_t from = line->len;
    buf_put(line, held.at, held.len);
    store_view_end(gate->store);
    if (TRY(err, buf_err(line)))
        return err;
    made.line = (struct str) {(const char *)line->at + from, held.len};
    *out = made;
    return ERR_OK;
}

enum { HEADS_MAX = 64 }; /* witnesses that ever cosigned; more are not looked at */

/* The size that most of them cosigned, and of those the largest; 0: none. */
static err_t best_size(struct gate *gate, uint64_t index, uint64_t *out)
{
    const uint8_t prefix[] = {ROW, STATES_COSIGNED};
    uint64_t sizes[HEADS_MAX];
    size_t count = 0, best = 0;
    struct store_scan *scan;
    struct bytes key, value;
    err_t err =
        store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while (count < HEADS_MAX && (err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(value);
        bool present = rd_u32(&rd) == gate->log.epoch;
        uint64_t size = rd_u64(&rd);
        if (present && rd.err == ERR_OK && size > index && size <= gate->log.visible)
            sizes[count++] = size;
    }
    store_scan_close(scan);
    *out = 0;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0;
        for (size_t k = 0; k < count; k++)
            same += sizes[k] == sizes[i];
        if (same > best || (same == best && sizes[i] > *out)) {
            best = same;
            *out = sizes[i];
        }
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* The lines of all who cosigned this size. */
static err_t put_lines(struct gate *gate, uint64_t size, struct buf *note)
{
    const uint8_t prefix[] = {ROW, STATES_COSIGNED};
    struct store_scan *scan;
    struct bytes key, value;
    err_t err =
        store_scan_open(gate->store, TABLE_FACT, bytes_of(prefix, sizeof prefix), bytes_of(NULL, 0), &scan);
    if (err != ERR_OK)
        return err;
    while ((err = store_scan_next(scan, &key, &value)) == ERR_OK) {
        struct rd rd = rd_of(value);
        bool same = rd_u32(&rd) == gate->log.epoch;
        same = rd_u64(&rd) == size && same;
        (void)rd_u64(&rd);
        (void)rd_u64(&rd);
        struct bytes line = rd_blob(&rd, LIMIT_NOTE_BYTES / 2);
        if (same && rd_end(&rd) == ERR_OK)
            buf_put(note, line.at, line.len);
    }
    store_scan_close(scan);
    return err == ERR_NOTFOUND ? buf_err(note) : err;
}

err_t gate_log_head(struct gate *gate, uint64_t index, uint64_t *out_size, struct buf *note)
{
    uint64_t size;
    if (index >= gate->log.visible || gate->log.stopped)
        return ERR_NOTFOUND;
    err_t err = best_size(gate, index, &size);
    if (err == ERR_OK && size == 0)
        size = gate->log.visible;
    if (err != ERR_OK || TRY(err, gate_log_checkpoint(gate, size, note)) ||
        TRY(err, put_lines(gate, size, note)))
        return err;
    store_view_end(gate->store);
    *out_size = size;
    return ERR_OK;
}

/* --- checking --- */

err_t nodelog_check(struct gate *gate, uint64_t *out_bad)
{
    struct nodelog *log = &gate->log;
    struct merkle_edge edge = {.size = 0};
    uint64_t bad = log->stopped;
    for (uint64_t i = 0; i < log->visible; i++) {
        struct frame frame;
        struct snapshot snapshot;
        struct hash stored;
        if (snapshot_get(gate, i, &frame, &snapshot) != ERR_OK ||
            tile_read(gate, 0, i, 1, &stored) != ERR_OK) {
            *out_bad = bad + 1;
            return ERR_OK;
        }
        struct hash hash = nodelog_entry_hash(&snapshot.entry);
        bad += !hash_eq(&hash, &stored);
        merkle_edge_append(&edge, &hash);
        store_view_end(gate->store);
    }
    struct hash root = merkle_edge_root(&edge);
    *out_bad = bad + (log->visible > 0 && !hash_eq(&root, &log->visible_root));
    return ERR_OK;
}
