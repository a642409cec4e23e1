#include "store/store.h"

#include "core/limit.h"
#include "core/mem.h"
#include "store/state.h"

/* 8 MiB, of which only what is used gets touched: over a million objects before it has to be made anew. */
enum { FILTER_KEYS = 4 << 20 };

/* --- opening --- */

static err_t lock_take(struct store *store, const char *dir)
{
    const struct os *os = store->os;
    char path[LIMIT_PATH_BYTES];
    char parent[LIMIT_PATH_BYTES];
    err_t err = log_path(dir, "LOCK", path);
    if (err != ERR_OK)
        return err;
    memcpy(parent, path, sizeof parent);
    size_t cut = strlen(dir);
    while (cut > 0 && parent[cut - 1] != '/')
        cut--;
    parent[cut > 1 ? cut - 1 : cut] = 0;
    err = os->dir_make(os->ctx, dir);
    if (err == ERR_OK)
        err = os->dir_sync(os->ctx, parent[0] == 0 ? "." : parent);
    if (err == ERR_OK)
        err = os->file_open(os->ctx, path, OS_WRITE | OS_CREATE, &store->lock);
    return err == ERR_OK ? os->file_lock(os->ctx, store->lock) : err;
}

static err_t tail_add(struct store *store)
{
    must(store->tail_count < STORE_TAILS_MAX);
    /* As many as the generation before: load changes slowly. */
    struct tail *tail =
        tail_new(store->tail_count == 0 ? 0 : store->tails[store->tail_count - 1]->entry_count);
    if (tail == NULL)
        return ERR_NOMEM;
    tail->lsn_end = store->indexed_lsn;
    store->tails[store->tail_count++] = tail;
    return ERR_OK;
}

static struct tail *tail_active(const struct store *store)
{
    return store->tails[store->tail_count - 1];
}

/* Every prefix of the tables with a prefix column, from the index and from memory. */
static err_t bloom_fill(struct store *store)
{
    struct bloom wider;
    size_t keys = store->bloom.count * 4 > store->filter_keys ? store->bloom.count * 4 : store->filter_keys;
    err_t err = bloom_init(&wider, keys);
    for (unsigned table = 0; table < TABLE_COUNT && err == ERR_OK; table++)
        if (index_table_prefix(table) > 0)
            err = store_bloom_table(store, table, &wider);
    for (size_t i = 0; i < store->tail_count && err == ERR_OK; i++)
        for (tail_ref ref = store->tails[i]->last; ref != 0; ref = tail_at(store->tails[i], ref)->before)
            if (index_table_prefix(tail_at(store->tails[i], ref)->table) > 0)
                bloom_add(&wider, tail_at(store->tails[i], ref)->hash);
    if (err != ERR_OK) {
        bloom_deinit(&wider);
        return err;
    }
    bloom_deinit(&store->bloom);
    store->bloom = wider;
    return ERR_OK;
}

/* Once more when the walk found more than it was made for; then its size follows from what was counted. */
static err_t bloom_fit(struct store *store)
{
    err_t err = bloom_fill(store);
    return err == ERR_OK && store->bloom.count > store->bloom.capacity ? bloom_fill(store) : err;
}

static err_t index_attach(struct store *store)
{
    const struct index_ops *ops = store->index->ops;
    if (store->applied_lsn > store->log.lsn_durable && !store->log.read_only && !store->log.stopped) {
        diag_say(store->diag, DIAG_ERROR, ERR_CORRUPT, "store", "find out how the log lost its end",
                 "the index knows position %llu, the log ends at %llu: rebuilding the index",
                 (unsigned long long)store->applied_lsn, (unsigned long long)store->log.lsn_durable);
        store_view_end(store);
        err_t err = ops->reset(store->index);
        if (err != ERR_OK)
            return err;
        store->applied_lsn = LSN_FIRST;
    }
    store->indexed_lsn = store->applied_lsn;
    err_t err = store->os->random(store->os->ctx, &store->sip, sizeof store->sip);
    if (err == ERR_OK)
        err = tail_add(store);
    return err == ERR_OK ? bloom_fit(store) : err;
}

static err_t applied_read(struct store *store)
{
    struct index_snap *snap;
    err_t err = store->index->ops->snap_begin(store->index, &snap);
    if (err != ERR_OK)
        return err;
    uint64_t lsn = store->index->ops->applied_lsn(snap);
    store->index->ops->snap_end(snap);
    store->applied_lsn = lsn == LSN_NONE ? LSN_FIRST : lsn;
    return ERR_OK;
}

err_t store_open(const struct store_options *options, struct store **out)
{
    if (options->merge_frames > LIMIT_INDEX_LAG || options->index == NULL || options->os == NULL)
        return ERR_USAGE;
    struct store *store = mem_alloc(sizeof *store);
    if (store == NULL)
        return ERR_NOMEM;
    store->os = options->os;
    store->diag = options->diag;
    store->index = options->index;
    store->filter_keys = options->filter_keys == 0 ? FILTER_KEYS : options->filter_keys;
    store->merge_frames = options->merge_frames == 0 ? LIMIT_INDEX_LAG / 2 : options->merge_frames;
    err_t err = options->read_only ? ERR_OK : lock_take(store, options->dir);
    if (err == ERR_OK)
        err = applied_read(store);
    if (err == ERR_OK) {
        struct log_options how = {.os = options->os,
                                  .dir = options->dir,
                                  .node = options->node,
                                  .suite = options->suite,
                                  .lsn_named = options->lsn_named,
                                  .read_only = options->read_only,
                                  .segment_bytes = options->segment_bytes,
                                  .diag = options->diag};
        how.lsn_named = store->applied_lsn > how.lsn_named ? store->applied_lsn : how.lsn_named;
        err = log_init(&store->log, &how);
    }
    if (err == ERR_OK)
        err = index_attach(store);
    if (err != ERR_OK) {
        store_close(store);
        return err;
    }
    *out = store;
    return ERR_OK;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    must(!store->merge.running);
    store_view_end(store);
    store_scan_free(store);
    log_deinit(&store->log);
    for (size_t i = 0; i < store->tail_count; i++)
        tail_free(store->tails[i]);
    for (size_t i = 0; i < TABLE_COUNT; i++)
        tail_run_free(&store->merge.runs[i]);
    bloom_deinit(&store->bloom);
    store->os->file_close(store->os->ctx, store->lock);
    mem_free_secret(store, sizeof *store);
}

/* --- where things stand --- */

const char *store_alarm(const struct store *store)
{
    return store->log.alarm[0] == 0 ? NULL : store->log.alarm;
}

unsigned store_suite(const struct store *store)
{
    return store->log.suite;
}

bool store_writable(const struct store *store)
{
    return !store->log.stopped && !store->log.read_only;
}

uint64_t store_durable_lsn(const struct store *store)
{
    return store->log.lsn_durable;
}

uint64_t store_end_lsn(const struct store *store)
{
    const struct group *open = store->log.open;
    return open == NULL ? store->log.next.lsn : open->lsn_first + open->bytes.len;
}

uint64_t store_applied_lsn(const struct store *store)
{
    return store->applied_lsn;
}

uint64_t store_lag(const struct store *store)
{
    uint64_t frames = 0;
    for (size_t i = 0; i < store->tail_count; i++)
        frames += store->tails[i]->frames;
    return frames;
}

uint64_t store_group_number(const struct store *store, struct hash *out_digest)
{
    *out_digest = store->log.digest_durable;
    return store->log.number_durable;
}

/* --- groups --- */

static size_t tails_bytes(const struct store *store)
{
    size_t bytes = 0;
    for (size_t i = 0; i < store->tail_count; i++)
        bytes += tail_bytes(store->tails[i]);
    return bytes;
}

static bool tail_full(const struct store *store, const struct tail *tail)
{
    return tail->frames >= store->merge_frames || tail_bytes(tail) >= LIMIT_OVERLAY_BYTES / 3;
}

/* A generation ends at the border of a group: what it holds becomes durable together. */
static err_t tail_rotate(struct store *store)
{
    struct tail *tail = tail_active(store);
    if (store->tail_count == STORE_TAILS_MAX)
        return ERR_OK; /* it grows on; LIMIT_INDEX_LAG bounds it */
    err_t err = tail_add(store);
    if (err == ERR_OK)
        tail->frozen = true;
    return err;
}

err_t store_group_begin(struct store *store)
{
    if (!store_writable(store))
        return ERR_READONLY;
    if (store->indexed_lsn != store->log.next.lsn || store->log.open != NULL)
        return ERR_WRONGSTATE;
    if (store_lag(store) >= LIMIT_INDEX_LAG || tails_bytes(store) >= LIMIT_OVERLAY_BYTES)
        return ERR_BUSY;
    if (tail_full(store, tail_active(store))) {
        err_t err = tail_rotate(store);
        if (err != ERR_OK)
            return err;
    }
    return log_group_begin(&store->log);
}

size_t store_group_left(const struct store *store)
{
    return log_group_left(&store->log);
}

uint32_t store_group_frames(const struct store *store)
{
    return store->log.open == NULL ? 0 : store->log.open->frame_count;
}

err_t store_append(struct store *store, enum frame_kind kind, const struct bytes *parts, size_t count,
                   uint64_t *out_lsn)
{
    return log_append(&store->log, kind, parts, count, out_lsn);
}

err_t store_append_sealed(struct store *store, enum frame_kind kind, struct bytes envelope,
                          struct bytes plain, uint64_t *out_lsn, uint64_t *out_slot)
{
    return log_append_sealed(&store->log, kind, envelope, plain, NULL, out_lsn, out_slot);
}

err_t store_append_keyed(struct store *store, enum frame_kind kind, struct bytes envelope,
                         const struct seal_secret *secret, uint64_t *out_lsn, uint64_t *out_slot)
{
    must(!seal_secret_destroyed(secret));
    return log_append_sealed(&store->log, kind, envelope, bytes_of(NULL, 0), secret, out_lsn, out_slot);
}

err_t store_group_secret(const struct store *store, uint64_t slot, struct seal_secret *out)
{
    const struct group *open = store->log.open;
    if (open == NULL || slot < open->slot_first || slot - open->slot_first >= open->slot_count)
        return ERR_NOTFOUND;
    memcpy(out->b, open->secrets.at + (slot - open->slot_first) * SEAL_SECRET_SIZE, SEAL_SECRET_SIZE);
    return ERR_OK;
}

static err_t change(struct store *store, const struct index_change *what)
{
    bool replaying = store->indexed_lsn < store->log.lsn_durable;
    if (store->log.open == NULL && !replaying)
        return ERR_WRONGSTATE;
    must(what->table < TABLE_COUNT);
    uint64_t lsn = replaying ? store->indexed_lsn : store->log.open->lsn_first;
    uint64_t hash = tail_hash(&store->sip, what->table, what->key);
    bloom_prefetch(&store->bloom, hash);
    err_t err = tail_put(tail_active(store), what, hash, lsn);
    if (err == ERR_OK && index_table_prefix(what->table) > 0) {
        bloom_add(&store->bloom, hash);
        if (store->bloom.count > store->bloom.capacity)
            err = bloom_fit(store);
    }
    store->lacks_entries |= err == ERR_NOMEM && !replaying;
    return err;
}

err_t store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value)
{
    return change(store, &(struct index_change) {.table = table, .key = key, .value = value});
}

err_t store_delete(struct store *store, enum index_table table, struct bytes key)
{
    return change(store, &(struct index_change) {.table = table, .key = key, .is_delete = true});
}

static void tails_undo(struct store *store, uint64_t lsn)
{
    for (size_t i = store->tail_count; i-- > 0;)
        tail_undo(store->tails[i], lsn);
}

void store_group_abort(struct store *store)
{
    if (store->log.open == NULL)
        return;
    tails_undo(store, store->log.open->lsn_first);
    log_group_abort(&store->log);
    store->lacks_entries = false;
}

err_t store_group_close(struct store *store, struct store_write **out)
{
    if (store->log.open == NULL)
        return ERR_WRONGSTATE;
    if (store->lacks_entries) {
        store_group_abort(store);
        return ERR_NOMEM;
    }
    uint32_t frames = store->log.open->frame_count;
    uint64_t lsn = store->log.open->lsn_first;
    err_t err = log_group_close(&store->log, out);
    if (store->log.open == NULL && (err != ERR_OK || *out == NULL))
        tails_undo(store, lsn);
    if (err != ERR_OK || *out == NULL)
        return err;
    store->indexed_lsn = store->log.next.lsn;
    tail_active(store)->frames += frames;
    tail_active(store)->lsn_end = store->indexed_lsn;
    return ERR_OK;
}

err_t store_write_run(struct store_write *write)
{
    return log_write_run(write);
}

err_t store_write_done(struct store *store, struct store_write *write, err_t err)
{
    err = log_write_done(&store->log, write, err);
    if (err == ERR_OK)
        return ERR_OK;
    tails_undo(store, store->log.lsn_durable);
    store->indexed_lsn = store->log.lsn_durable;
    for (size_t i = 0; i < store->tail_count; i++)
        if (store->tails[i]->lsn_end > store->indexed_lsn)
            store->tails[i]->lsn_end = store->indexed_lsn;
    return err;
}

err_t store_group_commit(struct store *store)
{
    struct store_write *write;
    err_t err = store_group_close(store, &write);
    if (err != ERR_OK || write == NULL)
        return err;
    return store_write_done(store, write, store_write_run(write));
}

err_t store_idle(struct store *store, bool *out_more)
{
    return log_idle(&store->log, out_more);
}

/* --- frames --- */

err_t store_read(struct store *store, uint64_t lsn, struct frame *out)
{
    return log_read(&store->log, lsn, out);
}

struct store_iter store_iter(struct store *store, uint64_t from, uint64_t until)
{
    uint64_t durable = store->log.lsn_durable;
    return (struct store_iter) {store, from < LSN_FIRST ? LSN_FIRST : from,
                                until < durable ? until : durable};
}

err_t store_iter_next(struct store_iter *iter, struct frame *out)
{
    struct frame frame;
    do {
        if (iter->lsn >= iter->until)
            return ERR_NOTFOUND;
        err_t err = log_read(&iter->store->log, iter->lsn, &frame);
        if (err != ERR_OK)
            return err;
        iter->lsn = frame.lsn_next;
    } while (frame.kind == FRAME_COMMIT);
    *out = frame;
    return ERR_OK;
}

err_t store_unseal(struct store *store, const struct frame *frame, struct buf *out)
{
    return log_unseal(&store->log, frame, out);
}

err_t store_secret(struct store *store, uint64_t slot, struct seal_secret *out)
{
    return store->log.keyfile == NULL ? ERR_IO : keyfile_read(store->log.keyfile, slot, out);
}

err_t store_secrets_destroy(struct store *store, const uint64_t *slots, size_t count)
{
    if (!store_writable(store) || store->log.keyfile == NULL)
        return ERR_READONLY;
    for (size_t i = 0; i < count; i++)
        if (slots[i] >= store->log.next.slot_next)
            return ERR_NOTFOUND;
    err_t err = keyfile_destroy(store->log.keyfile, slots, count);
    if (err != ERR_OK)
        log_damaged(&store->log, "destroying secrets failed (%s)", err_text(err));
    else
        copies_destroy(store, slots, count);
    return err;
}

/* --- replay and merging --- */

err_t store_replay_to(struct store *store, uint64_t lsn)
{
    /* A damaged log ends before what its index knows: it is served as far as it goes. */
    if (!store_writable(store) && store->indexed_lsn > store->log.lsn_durable)
        return ERR_OK;
    if (lsn > store->log.lsn_durable || lsn < store->indexed_lsn || store->log.open != NULL ||
        store->log.write != NULL)
        return ERR_WRONGSTATE;
    if (lsn == store->indexed_lsn)
        return ERR_OK;
    struct tail *tail = tail_active(store);
    store->indexed_lsn = lsn;
    tail->lsn_end = lsn;
    tail->frames++;
    return ERR_OK;
}

static bool mergeable(const struct store *store, bool any)
{
    const struct tail *oldest = store->tails[0];
    if (store->merge.running || store->merge.failed || oldest->lsn_end <= store->applied_lsn ||
        oldest->lsn_end > store->log.lsn_durable)
        return false;
    return oldest->frozen || ((any || tail_full(store, oldest)) && store->log.open == NULL);
}

bool store_merge_due(const struct store *store, bool any)
{
    return mergeable(store, any);
}

static bool merge_next(void *ctx, struct index_change *out)
{
    struct store_merge *merge = ctx;
    while (merge->table < TABLE_COUNT && merge->at == merge->runs[merge->table].count) {
        merge->table++;
        merge->at = 0;
    }
    if (merge->table == TABLE_COUNT)
        return false;
    const struct tail_entry *entry = tail_at(merge->tail, merge->runs[merge->table].refs[merge->at++]);
    *out = (struct index_change) {.table = entry->table,
                                  .is_delete = entry->is_delete,
                                  .key = tail_key(entry),
                                  .value = tail_value(entry)};
    return true;
}

err_t store_merge_begin(struct store *store, bool any, struct store_merge **out)
{
    if (store->merge.running)
        return ERR_BUSY;
    if (!mergeable(store, any))
        return ERR_NOTFOUND;
    struct tail *oldest = store->tails[0];
    if (!oldest->frozen) {
        err_t err = tail_rotate(store);
        if (err != ERR_OK)
            return err;
    }
    struct store_merge *merge = &store->merge;
    for (unsigned table = 0; table < TABLE_COUNT; table++) {
        err_t err = tail_copy(oldest, table, &merge->runs[table]);
        if (err != ERR_OK)
            return err;
    }
    merge->index = store->index;
    merge->tail = oldest;
    merge->table = merge->at = 0;
    merge->running = true;
    *out = merge;
    return ERR_OK;
}

err_t store_merge_run(struct store_merge *merge)
{
    for (size_t table = 0; table < TABLE_COUNT; table++) {
        err_t err = tail_sort(merge->tail, &merge->runs[table]);
        if (err != ERR_OK)
            return err;
    }
    struct index_batch batch = {merge_next, merge};
    return merge->index->ops->apply(merge->index, &batch, merge->tail->lsn_end);
}

err_t store_merge_done(struct store *store, struct store_merge *merge, err_t err)
{
    must(merge == &store->merge && merge->running);
    merge->running = false;
    if (err != ERR_OK) {
        merge->failed = true;
        diag_say(store->diag, DIAG_ERROR, err, "store", "make room or mend the disk, then restart",
                 "the index could not be written (%s): what is not in it stays in memory", err_text(err));
        return err;
    }
    store_view_end(store);
    store->applied_lsn = merge->tail->lsn_end;
    tail_free(store->tails[0]);
    store->tail_count--;
    memmove(store->tails, store->tails + 1, store->tail_count * sizeof *store->tails);
    must(store->tail_count > 0); /* what is merged was frozen, and freezing adds a new one */
    return ERR_OK;
}

err_t store_merge(struct store *store, bool any)
{
    if (store->log.open != NULL)
        return ERR_WRONGSTATE;
    for (;;) {
        struct store_merge *merge;
        err_t err = store_merge_begin(store, any, &merge);
        if (err == ERR_NOTFOUND)
            return ERR_OK;
        if (err == ERR_OK)
            err = store_merge_done(store, merge, store_merge_run(merge));
        if (err != ERR_OK)
            return err;
    }
}
