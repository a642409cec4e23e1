/* Partners' ledgers, by number (record.h): their trees, the checkpoints that the keeper signed, receipts. */
#include "core/rd.h"
#include "core/wr.h"
#include "gate/state.h"
#include "gate/tile_files.h"

/* --- rows in the index --- */

enum { FACT_ROW_MAX = 1 + 1 + 8 };

static struct bytes row_key(char letter, unsigned ledger, uint64_t number, bool with_number,
                            uint8_t out[FACT_ROW_MAX])
{
    out[0] = (uint8_t)letter;
    out[1] = (uint8_t)ledger;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(number >> (56 - 8 * i));
    return bytes_of(out, with_number ? FACT_ROW_MAX : 2);
}

/* Rows are found from behind: the scan goes forward, so numbers are stored inverted and the first row at or
 * before one comes first. */
static struct bytes view_key(unsigned view, uint64_t number, uint8_t out[10])
{
    uint64_t inverted = ~number;
    out[0] = (uint8_t)(view >> 8);
    out[1] = (uint8_t)view;
    for (int i = 0; i < 8; i++)
        out[2 + i] = (uint8_t)(inverted >> (56 - 8 * i));
    return bytes_of(out, 10);
}

enum { VIEW_BY_TIME = 0x8000 };

/* A leaf's number as rows name it: those of an earlier epoch stay where they are. */
static uint64_t place_of(const struct gate *gate, unsigned ledger, uint64_t seq)
{
    return epoch_place(gate->peers[gate_ledger_partner(ledger)].epoch, seq);
}

err_t view_row_put(struct gate *gate, const struct record_start *start, uint64_t decide_lsn)
{
    uint8_t key[10], raw[32];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u64(&value, start->seq);
    wr_u64(&value, decide_lsn);
    wr_u64(&value, (uint64_t)start->time_us);
    wr_u64(&value, gate->views[start->ledger].sent_bytes);
    err_t err =
        store_put(gate->store, TABLE_VIEW,
                  view_key(start->ledger, epoch_place(start->epoch, start->seq), key), buf_bytes(&value));
    if (err != ERR_OK)
        return err;
    return store_put(gate->store, TABLE_VIEW,
                     view_key(start->ledger | VIEW_BY_TIME, (uint64_t)start->time_us, key),
                     buf_bytes(&value));
}

struct view_start {
    uint64_t seq;
    uint64_t decide;
    int64_t time_us;
    uint64_t bytes; /* of objects in all leaves before; 0 in a row of before this was counted */
};

/* The last row of the present epoch at or before `number`, a leaf's or a time. ERR_NOTFOUND. */
static err_t view_floor(struct gate *gate, unsigned view, uint64_t number, struct view_start *out)
{
    uint8_t key[10];
    struct store_scan *scan;
    struct bytes found, value;
    unsigned ledger = view & ~(unsigned)VIEW_BY_TIME;
    struct bytes from = view_key(view, view == ledger ? place_of(gate, ledger, number) : number, key);
    err_t err = store_scan_open(gate->store, TABLE_VIEW, bytes_of(key, 2), from, &scan);
    if (err != ERR_OK)
        return err;
    err = store_scan_next(scan, &found, &value);
    if (err == ERR_OK) {
        struct rd rd = rd_of(value);
        out->seq = rd_u64(&rd);
        out->decide = rd_u64(&rd);
        out->time_us = (int64_t)rd_u64(&rd);
        out->bytes = rd.left > 0 ? rd_u64(&rd) : 0;
        err = rd_end(&rd) == ERR_OK ? ERR_OK : ERR_CORRUPT;
        if (err == ERR_OK && out->decide < gate->peers[gate_ledger_partner(ledger)].epoch_lsn)
            err = ERR_NOTFOUND;
    }
    store_scan_close(scan);
    return err;
}

err_t view_row(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t *out_first, uint64_t *out_decide)
{
    struct view_start start;
    err_t err = view_floor(gate, ledger, seq, &start);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_CORRUPT : err;
    *out_first = start.seq;
    *out_decide = start.decide;
    return ERR_OK;
}

/* The first leaf below `bound` with a later time; `bound` when there is none. */
static err_t leaf_after(struct gate *gate, unsigned ledger, int64_t after_us, uint64_t bound,
                        uint64_t *out_seq)
{
    struct view_start start, next;
    if (after_us < 0 || bound == 0) {
        *out_seq = 0;
        return ERR_OK;
    }
    err_t err = view_floor(gate, ledger | VIEW_BY_TIME, (uint64_t)after_us, &start);
    if (err == ERR_NOTFOUND) {
        *out_seq = 0;
        return ERR_OK;
    }
    if (err != ERR_OK)
        return err;
    /* Leaves of one row are a microsecond apart; the next row's first number bounds them, however long after
     * the row's last leaf the time is. */
    if (start.seq >= bound) {
        *out_seq = bound;
        return ERR_OK;
    }
    uint64_t later = (uint64_t)(after_us - start.time_us);
    uint64_t left = bound - start.seq;
    uint64_t seq = later < left ? start.seq + later + 1 : bound;
    uint64_t last = seq < bound ? seq : bound - 1;
    if (TRY(err, view_floor(gate, ledger, last, &next)))
        return err;
    if (next.seq != start.seq) {
        /* Beyond this row's last leaf: the first leaf of the row behind it. */
        uint64_t low = start.seq + 1, high = last;
        while (low < high) {
            uint64_t middle = low + (high - low) / 2;
            if (TRY(err, view_floor(gate, ledger, middle, &next)))
                return err;
            if (next.seq > start.seq)
                high = middle;
            else
                low = middle + 1;
        }
        seq = low;
    }
    *out_seq = seq < bound ? seq : bound;
    return ERR_OK;
}

err_t gate_leaf_after(struct gate *gate, unsigned ledger, int64_t after_us, uint64_t *out_seq)
{
    if (!ledger_held(gate, ledger))
        return ERR_NOTFOUND;
    err_t err = leaf_after(gate, ledger, after_us, gate->views[ledger].visible, out_seq);
    store_view_end(gate->store);
    return err;
}

err_t view_since(struct gate *gate, unsigned ledger, int64_t after_us, uint64_t *out_count)
{
    uint64_t seq, size = gate->views[ledger].tree.edge.size;
    err_t err = leaf_after(gate, ledger, after_us, size, &seq);
    if (err == ERR_OK)
        *out_count = size - seq;
    return err;
}

err_t view_bytes_from(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t *out_bytes)
{
    struct view_start start;
    const struct view *view = &gate->views[ledger];
    *out_bytes = 0;
    if (seq >= view->tree.edge.size)
        return ERR_OK;
    err_t err = view_floor(gate, ledger, seq, &start);
    if (err == ERR_OK)
        *out_bytes = view->sent_bytes - start.bytes;
    return err;
}

err_t view_time(struct gate *gate, unsigned ledger, uint64_t seq, int64_t *out_us)
{
    struct view_start start;
    err_t err = view_floor(gate, ledger, seq, &start);
    if (err == ERR_OK)
        *out_us = start.time_us + (int64_t)(seq - start.seq);
    return err;
}

/* --- life --- */

err_t view_save(struct gate *gate, unsigned ledger)
{
    const struct view *view = &gate->views[ledger];
    uint8_t key[FACT_ROW_MAX], raw[64];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u64(&value, view->tree.edge.size);
    wr_u64(&value, (uint64_t)view->last_time_us);
    wr_u64(&value, view->mark_leaves);
    wr_u64(&value, view->mark_bytes);
    wr_u64(&value, view->sent_bytes);
    return store_put(gate->store, TABLE_FACT, row_key('L', ledger, 0, false, key), buf_bytes(&value));
}

static err_t row_get(struct gate *gate, char letter, unsigned ledger, struct rd *out)
{
    uint8_t key[FACT_ROW_MAX];
    struct bytes value;
    err_t err = store_get(gate->store, TABLE_FACT, row_key(letter, ledger, 0, false, key), &value);
    if (err == ERR_OK)
        *out = rd_of(value);
    return err;
}

static err_t view_load(struct gate *gate, unsigned ledger, uint64_t *out_size)
{
    struct view *view = &gate->views[ledger];
    struct rd rd;
    err_t err = row_get(gate, 'L', ledger, &rd);
    *out_size = 0;
    if (err == ERR_OK) {
        *out_size = rd_u64(&rd);
        view->last_time_us = (int64_t)rd_u64(&rd);
        view->mark_leaves = rd_u64(&rd);
        view->mark_bytes = rd_u64(&rd);
        view->sent_bytes = rd.left > 0 ? rd_u64(&rd) : 0;
        err = rd_end(&rd);
    }
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    err = row_get(gate, 'V', ledger, &rd);
    if (err == ERR_OK) {
        view->signed_size = rd_u64(&rd);
        view->signed_lsn = rd_u64(&rd);
        rd_copy(&rd, view->signed_root.b, HASH_SIZE);
        err = rd_end(&rd);
    }
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    err = row_get(gate, 'R', ledger, &rd);
    if (err == ERR_OK) {
        view->receipted = rd_u64(&rd);
        view->refused = rd_u64(&rd);
        view->receipted_us = (int64_t)rd_u64(&rd);
        view->receipt_lsn = rd.left > 0 ? rd_u64(&rd) : 0;
        err = rd_end(&rd);
    }
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t view_open(struct gate *gate, unsigned ledger)
{
    struct view *view = &gate->views[ledger];
    const struct gate_peer *peer = &gate->peers[gate_ledger_partner(ledger)];
    struct ledger_origin origin = {gate->node_name, peer->audience, peer->epoch,
                                   gate_ledger_is_urgent(ledger)};
    struct buf line = {
        .at = (uint8_t *)view->origin, .size = sizeof view->origin, .size_max = sizeof view->origin};
    uint64_t size;
    err_t err;
    if (TRY(err, ledger_origin_print(&origin, &line)) || TRY(err, buf_err(&line)))
        return err;
    view->origin_len = line.len;
    if (TRY(err, tile_files_open(gate, ledger, &view->files)) || TRY(err, view_load(gate, ledger, &size)))
        return err;
    struct tile_store store = {view->files, tile_files_append, tile_files_read};
    return tile_tree_open(&view->tree, &store, size);
}

void view_close(struct gate *gate, unsigned ledger)
{
    struct tile_files *files = gate->views[ledger].files;
    if (files != NULL && !gate->read_only && tile_files_flush(files) != ERR_OK)
        diag_say(gate->diag, DIAG_WARNING, ERR_IO, "gate", NULL,
                 "a ledger's hashes were not written; replay makes them again");
    tile_files_close(files);
    gate->views[ledger].files = NULL;
}

/* Rows that say how the ledger stands, each once. */
static err_t rows_forget(struct gate *gate, unsigned ledger)
{
    static const char letters[] = {'L', 'V', 'R'};
    uint8_t key[FACT_ROW_MAX];
    err_t err = ERR_OK;
    for (size_t i = 0; i < sizeof letters && err == ERR_OK; i++)
        err = store_delete(gate->store, TABLE_FACT, row_key(letters[i], ledger, 0, false, key));
    return err;
}

err_t view_renew(struct gate *gate, unsigned ledger)
{
    struct view *view = &gate->views[ledger], before = *view;
    err_t err;
    if ((before.files != NULL && TRY(err, tile_files_flush(before.files))) ||
        TRY(err, rows_forget(gate, ledger)))
        return err;
    *view = (struct view) {.taken = before.taken};
    err = view_open(gate, ledger);
    view->last_time_us = before.last_time_us;
    if (view->files == NULL) /* the disk fails: they are closed with the gate */
        view->files = before.files;
    else
        tile_files_follow(view->files, before.files);
    return err == ERR_OK ? view_save(gate, ledger) : err;
}

err_t views_sync_begin(struct gate *gate, struct views_sync *out)
{
    out->os = gate->os;
    out->count = 0;
    out->dir = NULL;
    for (unsigned i = 0; i < GATE_LEDGERS; i++) {
        err_t err = ledger_held(gate, i) ? tile_files_collect(gate->views[i].files, out) : ERR_OK;
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}

err_t views_sync_run(const struct views_sync *sync)
{
    const struct os *os = sync->os;
    for (size_t i = 0; i < sync->count; i++) {
        err_t err = os->file_sync(os->ctx, sync->files[i]);
        if (err != ERR_OK)
            return err;
    }
    /* A synced file whose name is lost is a lost file. */
    return sync->dir == NULL ? ERR_OK : os->dir_sync(os->ctx, sync->dir);
}

void views_take(struct gate *gate, uint64_t partners)
{
    for (unsigned p = 0; p < LIMIT_PARTNERS; p++)
        gate->views[p].taken += partners >> p & 1;
}

err_t gate_ledger(const struct gate *gate, unsigned ledger, struct gate_ledger *out)
{
    if (!ledger_held(gate, ledger))
        return ERR_NOTFOUND;
    const struct view *view = &gate->views[ledger];
    const struct gate_peer *peer = &gate->peers[gate_ledger_partner(ledger)];
    *out = (struct gate_ledger) {
        .origin = {gate->node_name, peer->audience, peer->epoch, gate_ledger_is_urgent(ledger)},
        .size = view->tree.edge.size,
        .visible = view->visible,
        .visible_root = view->visible == 0 ? merkle_empty() : view->visible_root,
        .last_time_us = view->visible_time_us,
        .receipted = view->receipted,
        .refused = view->refused,
        .receipted_us = view->receipted_us,
        .stopped = view->stopped,
        .policy = gate->policy_lsn,
        .taken = view->taken,
    };
    return ERR_OK;
}

/* --- growing --- */

err_t view_append(struct gate *gate, unsigned ledger, const struct leaf *leaf, size_t object_bytes)
{
    struct view *view = &gate->views[ledger];
    struct hash hash = leaf_hash(leaf);
    err_t err;
    if (view->mark_leaves > 0 && (view->mark_leaves >= LIMIT_CHECKPOINT_LEAVES ||
                                  object_bytes > LIMIT_CHECKPOINT_BYTES - view->mark_bytes)) {
        /* A page must be able to end here: a checkpoint of this size will be kept. */
        uint8_t key[FACT_ROW_MAX];
        if (TRY(err, store_put(gate->store, TABLE_FACT,
                               row_key('X', ledger, place_of(gate, ledger, view->tree.edge.size), true, key),
                               bytes_of(NULL, 0))))
            return err;
        view->mark_leaves = 0;
        view->mark_bytes = 0;
    }
    if (TRY(err, tile_tree_append(&view->tree, &hash)))
        return err;
    view->mark_leaves++;
    view->mark_bytes += object_bytes;
    view->sent_bytes += object_bytes;
    if (view->mark_bytes > LIMIT_CHECKPOINT_BYTES)
        view->mark_bytes = LIMIT_CHECKPOINT_BYTES;
    view->last_time_us = leaf->time_us;
    return ERR_OK;
}

/* --- signing --- */

enum {
    WANTED_MAX =
        sizeof(((struct gate_sign_request *)NULL)->at) / sizeof(((struct gate_sign_request *)NULL)->at[0])
};

static err_t wanted_sizes(struct gate *gate, unsigned ledger, uint64_t *out, size_t *out_count)
{
    const struct view *view = &gate->views[ledger];
    uint8_t key[FACT_ROW_MAX];
    struct store_scan *scan;
    struct bytes found, value;
    size_t count = 0;
    /* What was signed and whose CHECKPOINT was lost comes first, ending where it ended. */
    uint64_t limit = view->again_size > view->signed_size ? view->again_size : view->tree.edge.size;
    struct bytes from = row_key('X', ledger, place_of(gate, ledger, view->signed_size + 1), true, key);
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(key, 2), from, &scan);
    if (err != ERR_OK)
        return err;
    while (count < WANTED_MAX && (err = store_scan_next(scan, &found, &value)) == ERR_OK) {
        struct rd rd = rd_of(bytes_of(found.at + 2, found.len - 2));
        uint64_t mark = epoch_place_seq(rd_u64(&rd));
        if (mark > limit)
            break;
        out[count++] = mark;
    }
    store_scan_close(scan);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    uint64_t last = count == 0 ? view->signed_size : out[count - 1];
    if (count < WANTED_MAX && limit > last)
        out[count++] = limit;
    *out_count = count;
    return ERR_OK;
}

/* Of these, those whose leaves have what their origin signs. What was signed and lost is asked for whole. */
static bool vouched_sizes(const struct gate *gate, unsigned ledger, const uint64_t *sizes, size_t *count)
{
    const struct view *view = &gate->views[ledger];
    uint64_t ready = vouched_size(gate, ledger);
    size_t wanted = *count;
    while (*count > 0 && sizes[*count - 1] > ready)
        --*count;
    return *count > 0 && (*count == wanted || view->again_size <= view->signed_size);
}

/* Under a new key: the same size and root, then the end that was signed last, as the keeper wants it of what
 * does not grow. */
static size_t anew_sizes(const struct view *view, uint64_t *out)
{
    size_t count = 0;
    out[count++] = view->anew_size;
    if (view->anew_size < view->signed_size)
        out[count++] = view->signed_size;
    return count;
}

bool gate_sign_next(struct gate *gate, unsigned ledger, struct gate_sign_request *out)
{
    if (!ledger_held(gate, ledger) || gate->read_only)
        return false;
    struct view *view = &gate->views[ledger];
    const struct gate_peer *peer = &gate->peers[gate_ledger_partner(ledger)];
    uint64_t sizes[WANTED_MAX];
    bool anew = view->anew_size > 0 && view->again_size <= view->signed_size;
    /* Only what is durable is signed: DECIDEs of the open group are not in any checkpoint yet. */
    if (view->signing || view->stopped || gate->group_open ||
        (!anew && view->tree.edge.size == view->signed_size))
        return false;
    if (anew)
        out->count = anew_sizes(view, sizes);
    else if (wanted_sizes(gate, ledger, sizes, &out->count) != ERR_OK ||
             !vouched_sizes(gate, ledger, sizes, &out->count))
        return false;
    out->ledger = ledger;
    out->origin =
        (struct ledger_origin) {gate->node_name, peer->audience, peer->epoch, gate_ledger_is_urgent(ledger)};
    out->old_size = anew ? sizes[0] - 1 : view->signed_size;
    struct merkle_source source = tile_tree_source(&view->tree);
    uint64_t before = out->old_size;
    for (size_t i = 0; i < out->count; i++) {
        out->at[i].size = sizes[i];
        if (merkle_root(&source, sizes[i], &out->at[i].root) != ERR_OK ||
            merkle_consistency(&source, before, sizes[i], &out->at[i].proof) != ERR_OK)
            return false;
        before = sizes[i];
    }
    view->signing = true;
    store_view_end(gate->store);
    return true;
}

bool gate_sign_again(struct gate *gate, unsigned ledger, uint64_t size)
{
    if (!ledger_held(gate, ledger))
        return false;
    struct view *view = &gate->views[ledger];
    if (size <= view->signed_size || size > view->tree.edge.size)
        return false;
    view->again_size = size;
    view->signing = false;
    return true;
}

bool gate_sign_anew(struct gate *gate, unsigned ledger, uint64_t size)
{
    if (!ledger_held(gate, ledger) || size == 0 || size > gate->views[ledger].visible)
        return false;
    gate->views[ledger].anew_size = size;
    return true;
}

uint64_t gate_sign_anew_wanted(const struct gate *gate)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        if (gate->views[i].anew_size > 0)
            mask |= UINT64_C(1) << gate_ledger_partner(i);
    return mask;
}

void gate_sign_abandon(struct gate *gate, unsigned ledger)
{
    if (ledger_held(gate, ledger))
        gate->views[ledger].signing = false;
}

err_t gate_signed(struct gate *gate, const struct gate_sign_request *request, const struct str *notes,
                  int64_t now_us)
{
    err_t err = ERR_OK;
    if (request->origin.epoch != gate->peers[gate_ledger_partner(request->ledger)].epoch)
        return ERR_OK; /* that ledger grows no more */
    struct view *view = &gate->views[request->ledger];
    view->signing = false;
    if (request->at[0].size == view->anew_size)
        view->anew_size = 0;
    for (size_t i = 0; i < request->count; i++) {
        struct record_note note = {.ledger = (uint8_t)request->ledger,
                                   .epoch = request->origin.epoch,
                                   .size = request->at[i].size,
                                   .root = request->at[i].root,
                                   .at_us = now_us,
                                   .note = bytes_from_str(notes[i])};
        uint64_t lsn;
        buf_clear(&gate->record);
        record_note_write(&gate->record, &note);
        if (TRY(err, gate_append(gate, FRAME_CHECKPOINT, &lsn)) ||
            TRY(err,
                gate_torn(gate, checkpoint_apply(gate, lsn, &note), "a checkpoint could not be taken over")))
            return err;
    }
    return err;
}

err_t checkpoint_apply(struct gate *gate, uint64_t lsn, const struct record_note *note)
{
    if (!ledger_held(gate, note->ledger))
        return ERR_CORRUPT;
    struct view *view = &gate->views[note->ledger];
    struct merkle_source source = tile_tree_source(&view->tree);
    struct hash root;
    err_t err;
    if (note->size > view->tree.edge.size || TRY(err, merkle_root(&source, note->size, &root)) ||
        !hash_eq(&root, &note->root)) {
        view->stopped = true;
        view->taken++;
        diag_say(gate->diag, DIAG_ERROR, ERR_PROOF, "gate",
                 "run `bongsu check`; the partner keeps what it has",
                 "the ledger of %.*s does not have the root that was signed; nothing of it is served",
                 STR_ARG(gate->peers[gate_ledger_partner(note->ledger)].audience));
        return ERR_OK;
    }
    uint8_t key[FACT_ROW_MAX], raw[64];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    wr_u64(&value, lsn);
    if (TRY(err, store_put(gate->store, TABLE_FACT,
                           row_key('C', note->ledger, epoch_place(note->epoch, note->size), true, key),
                           buf_bytes(&value))))
        return err;
    if (note->size < view->signed_size)
        return ERR_OK; /* signed once more, under a new key: the end stays where it is */
    buf_clear(&value);
    wr_u64(&value, note->size);
    wr_u64(&value, lsn);
    wr_bytes(&value, bytes_of(note->root.b, HASH_SIZE));
    view->signed_size = note->size;
    view->signed_lsn = lsn;
    view->signed_root = note->root;
    return store_put(gate->store, TABLE_FACT, row_key('V', note->ledger, 0, false, key), buf_bytes(&value));
}

void views_publish(struct gate *gate)
{
    uint64_t durable = store_durable_lsn(gate->store);
    for (unsigned i = 0; i < GATE_LEDGERS; i++) {
        struct view *view = &gate->views[i];
        if (view->signed_size > view->visible && view->signed_lsn < durable) {
            view->visible = view->signed_size;
            view->visible_root = view->signed_root;
            struct view_start start;
            if (view_floor(gate, i, view->visible - 1, &start) == ERR_OK)
                view->visible_time_us = start.time_us + (int64_t)(view->visible - 1 - start.seq);
        }
    }
    nodelog_publish(gate);
}

err_t gate_checkpoint(struct gate *gate, unsigned ledger, uint64_t size, uint64_t *out_size, struct buf *note)
{
    uint8_t key[FACT_ROW_MAX];
    struct store_scan *scan;
    struct bytes found, value;
    if (!ledger_held(gate, ledger) || size > gate->views[ledger].visible)
        return ERR_NOTFOUND;
    struct bytes from = row_key('C', ledger, place_of(gate, ledger, size), true, key);
    err_t err = store_scan_open(gate->store, TABLE_FACT, bytes_of(key, 2), from, &scan);
    if (err != ERR_OK)
        return err;
    uint64_t lsn = 0, at = 0;
    if ((err = store_scan_next(scan, &found, &value)) == ERR_OK) {
        struct rd key_rd = rd_of(bytes_of(found.at + 2, found.len - 2)), rd = rd_of(value);
        at = epoch_place_seq(rd_u64(&key_rd));
        lsn = rd_u64(&rd);
    }
    store_scan_close(scan);
    struct frame frame;
    struct record_note held;
    if (err != ERR_OK || TRY(err, store_read(gate->store, lsn, &frame)) ||
        TRY(err, record_note_read(frame.payload, &held)))
        return err;
    buf_put(note, held.note.at, held.note.len);
    store_view_end(gate->store);
    *out_size = at;
    return buf_err(note);
}

/* --- proofs, tiles, receipts --- */

err_t gate_consistency(struct gate *gate, unsigned ledger, uint64_t old_size, uint64_t size,
                       struct merkle_proof *out)
{
    if (!ledger_held(gate, ledger) || size > gate->views[ledger].visible)
        return ERR_NOTFOUND;
    struct merkle_source source = tile_tree_source(&gate->views[ledger].tree);
    return merkle_consistency(&source, old_size, size, out);
}

err_t gate_inclusion(struct gate *gate, unsigned ledger, uint64_t seq, uint64_t size,
                     struct merkle_proof *out)
{
    if (!ledger_held(gate, ledger) || size > gate->views[ledger].visible)
        return ERR_NOTFOUND;
    struct merkle_source source = tile_tree_source(&gate->views[ledger].tree);
    return merkle_inclusion(&source, seq, size, out);
}

struct bundling {
    struct buf *out;
    uint64_t left;
};

static bool bundle_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct bundling *bundling = ctx;
    uint8_t raw[LEAF_SIZE];
    leaf_encode(&leaf->leaf, raw);
    tile_entry_put(bundling->out, bytes_of(raw, sizeof raw));
    return --bundling->left > 0;
}

err_t gate_tile(struct gate *gate, unsigned ledger, struct str path, struct buf *out)
{
    struct tile_id id;
    err_t err;
    if (!ledger_held(gate, ledger))
        return ERR_NOTFOUND;
    struct view *view = &gate->views[ledger];
    if (TRY(err, tile_path_parse(path, &id)))
        return err;
    if (!id.entries)
        return tile_data(&view->tree, view->visible, &id, out);
    if (id.width > tile_width(view->visible, 0, id.index))
        return ERR_NOTFOUND;
    struct bundling bundling = {out, id.width};
    if (TRY(err, gate_leaves(gate, ledger, id.index * TILE_WIDTH, bundle_leaf, &bundling)))
        return err;
    return buf_err(out);
}

err_t gate_root(struct gate *gate, unsigned ledger, uint64_t size, struct hash *out)
{
    if (!ledger_held(gate, ledger) || size > gate->views[ledger].visible)
        return ERR_NOTFOUND;
    struct merkle_source source = tile_tree_source(&gate->views[ledger].tree);
    return merkle_root(&source, size, out);
}

err_t receipt_apply(struct gate *gate, uint64_t lsn, const struct record_note *note)
{
    if (!ledger_held(gate, note->ledger))
        return ERR_CORRUPT;
    struct view *view = &gate->views[note->ledger];
    struct rd edge = rd_of(note->edge);
    uint64_t refused = rd_u64(&edge);
    if (rd_end(&edge) != ERR_OK)
        return ERR_CORRUPT;
    uint8_t key[FACT_ROW_MAX], raw[64];
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    view->receipted = note->size;
    view->refused = refused;
    view->receipted_us = note->at_us;
    view->receipt_lsn = lsn;
    wr_u64(&value, note->size);
    wr_u64(&value, refused);
    wr_u64(&value, (uint64_t)note->at_us);
    wr_u64(&value, lsn);
    return store_put(gate->store, TABLE_FACT, row_key('R', note->ledger, 0, false, key), buf_bytes(&value));
}

err_t gate_receipt(struct gate *gate, unsigned ledger, uint64_t size, uint64_t refused, struct bytes notes,
                   int64_t now_us)
{
    err_t err;
    uint8_t raw[8];
    struct buf edge = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    if (!ledger_held(gate, ledger) || size > gate->views[ledger].visible)
        return ERR_NOTFOUND;
    if (size < gate->views[ledger].receipted)
        return ERR_OK; /* an older receipt that came late */
    wr_u64(&edge, refused);
    struct record_note note = {.ledger = (uint8_t)ledger,
                               .epoch = gate->peers[gate_ledger_partner(ledger)].epoch,
                               .size = size,
                               .at_us = now_us,
                               .edge = buf_bytes(&edge),
                               .note = notes};
    uint64_t lsn;
    if (TRY(err, gate_root(gate, ledger, size, &note.root)))
        return err;
    buf_clear(&gate->record);
    record_note_write(&gate->record, &note);
    if (TRY(err, gate_append(gate, FRAME_RECEIPT, &lsn)))
        return err;
    return gate_torn(gate, receipt_apply(gate, lsn, &note), "a receipt could not be taken over");
}

err_t gate_receipt_notes(struct gate *gate, unsigned ledger, uint64_t *out_size, struct buf *out)
{
    struct frame frame;
    struct record_note note;
    err_t err;
    if (!ledger_held(gate, ledger) || gate->views[ledger].receipt_lsn == 0)
        return ERR_NOTFOUND;
    if (TRY(err, store_read(gate->store, gate->views[ledger].receipt_lsn, &frame)) ||
        TRY(err, record_note_read(frame.payload, &note)))
        return err;
    buf_put(out, note.note.at, note.note.len);
    *out_size = note.size;
    store_view_end(gate->store);
    return buf_err(out);
}
