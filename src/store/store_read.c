/* Looking things up: the generations in memory, newest first, then the index, as one ordered map. */
#include "core/mem.h"
#include "store/state.h"

enum { SOURCES_MAX = STORE_TAILS_MAX * (TAIL_RUNS_MAX + 1) };

/* One sorted run of one generation. */
struct source {
    const struct tail *tail;
    struct tail_run run; /* borrowed from the generation, or into store_scan.collected */
    size_t at;
    size_t age; /* generation: larger is newer */
};

struct store_scan {
    struct store *store;
    enum index_table table;
    struct bytes prefix; /* in key_memory */
    struct source sources[SOURCES_MAX];
    size_t source_count;
    struct tail_run collected; /* chains, copied out */
    struct index_cursor *cursor;
    struct bytes index_key;
    struct bytes index_value;
    bool index_some;
    uint8_t key_memory[LIMIT_KEY_BYTES];
};

static err_t snap_ready(struct store *store)
{
    return store->snap != NULL ? ERR_OK : store->index->ops->snap_begin(store->index, &store->snap);
}

void store_view_end(struct store *store)
{
    if (store->snap != NULL)
        store->index->ops->snap_end(store->snap);
    store->snap = NULL;
}

/* The newest entry of memory, which may say that the key was deleted; NULL: the index has to be asked. */
static const struct tail_entry *memory_find(const struct store *store, enum index_table table, uint64_t hash,
                                            struct bytes key)
{
    const struct tail_entry *entry = NULL;
    for (size_t i = store->tail_count; entry == NULL && i-- > 0;)
        entry = tail_find(store->tails[i], table, hash, key);
    return entry;
}

static bool index_may_know(const struct store *store, enum index_table table, uint64_t hash, struct bytes key)
{
    size_t prefix = index_table_prefix(table);
    return prefix == 0 || key.len < prefix || bloom_maybe(&store->bloom, hash);
}

err_t store_get_since(struct store *store, uint64_t lsn, enum index_table table, struct bytes key,
                      struct bytes *out)
{
    must(table < TABLE_COUNT);
    if (key.len == 0 || key.len > LIMIT_KEY_BYTES)
        return ERR_NOTFOUND;
    uint64_t hash = tail_hash(&store->sip, table, key);
    const struct tail_entry *entry = memory_find(store, table, hash, key);
    if (entry != NULL) {
        if (entry->is_delete)
            return ERR_NOTFOUND;
        *out = tail_value(entry);
        return ERR_OK;
    }
    if (lsn >= store->applied_lsn || !index_may_know(store, table, hash, key))
        return ERR_NOTFOUND;
    err_t err = snap_ready(store);
    return err == ERR_OK ? store->index->ops->get(store->snap, table, key, out) : err;
}

err_t store_get(struct store *store, enum index_table table, struct bytes key, struct bytes *out)
{
    return store_get_since(store, 0, table, key, out);
}

err_t store_bloom_table(struct store *store, enum index_table table, struct bloom *bloom)
{
    const struct index_ops *ops = store->index->ops;
    struct index_cursor *cursor;
    err_t err = snap_ready(store);
    if (err == ERR_OK)
        err = ops->cursor_open(store->snap, table, bytes_of("", 0), &cursor);
    if (err != ERR_OK)
        return err;
    uint64_t before = 0;
    struct bytes key;
    struct bytes value;
    while ((err = ops->cursor_next(cursor, &key, &value)) == ERR_OK) {
        uint64_t hash = tail_hash(&store->sip, table, key);
        if (hash != before)
            bloom_add(bloom, hash);
        before = hash;
    }
    ops->cursor_close(cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- scans --- */

static bool starts(struct bytes key, struct bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.at, prefix.at, prefix.len) == 0);
}

static void source_add(struct store_scan *scan, const struct tail *tail, struct tail_run run, size_t at,
                       size_t age)
{
    must(scan->source_count < SOURCES_MAX);
    if (at < run.count)
        scan->sources[scan->source_count++] = (struct source) {tail, run, at, age};
}

/* One chain of each generation; `collected` may move while it grows, so sources are cut out of it at the end.
 */
static err_t collect(struct store_scan *scan, uint64_t hash, struct bytes from)
{
    struct store *store = scan->store;
    size_t ends[STORE_TAILS_MAX];
    scan->collected.count = 0;
    for (size_t i = 0; i < store->tail_count; i++) {
        err_t err = tail_collect(store->tails[i], scan->table, hash, scan->prefix, from, &scan->collected);
        if (err != ERR_OK)
            return err;
        ends[i] = scan->collected.count;
    }
    size_t start = 0;
    for (size_t i = 0; i < store->tail_count; i++) {
        if (ends[i] == start)
            continue; /* refs may be NULL: nothing is added to it */
        struct tail_run run = {.refs = scan->collected.refs + start, .count = ends[i] - start};
        source_add(scan, store->tails[i], run, 0, i);
        start = ends[i];
    }
    return ERR_OK;
}

static err_t settle(struct store_scan *scan, struct bytes from)
{
    struct store *store = scan->store;
    for (size_t i = 0; i < store->tail_count; i++) {
        struct tail *tail = store->tails[i];
        err_t err = tail_settle(tail, scan->table);
        if (err != ERR_OK)
            return err;
        const struct tail_table *table = &tail->tables[scan->table];
        for (size_t r = 0; r < table->run_count; r++)
            source_add(scan, tail, table->runs[r], tail_seek(tail, &table->runs[r], from), i);
    }
    return ERR_OK;
}

static err_t index_step(struct store_scan *scan)
{
    const struct index_ops *ops = scan->store->index->ops;
    scan->index_some = false;
    err_t err = ops->cursor_next(scan->cursor, &scan->index_key, &scan->index_value);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    scan->index_some = err == ERR_OK && starts(scan->index_key, scan->prefix);
    return err;
}

static err_t index_start(struct store_scan *scan, struct bytes from)
{
    struct store *store = scan->store;
    err_t err = snap_ready(store);
    if (err == ERR_OK)
        err = store->index->ops->cursor_open(store->snap, scan->table, from, &scan->cursor);
    return err == ERR_OK ? index_step(scan) : err;
}

err_t store_scan_open(struct store *store, enum index_table table, struct bytes prefix, struct bytes from,
                      struct store_scan **out)
{
    must(table < TABLE_COUNT);
    if (prefix.len > LIMIT_KEY_BYTES)
        return ERR_LIMIT;
    struct store_scan *scan = store->scan != NULL ? store->scan : mem_alloc(sizeof *scan);
    if (scan == NULL)
        return ERR_NOMEM;
    store->scan = NULL;
    scan->store = store;
    scan->table = table;
    scan->source_count = 0;
    scan->cursor = NULL;
    scan->index_some = false;
    if (prefix.len > 0)
        memcpy(scan->key_memory, prefix.at, prefix.len);
    scan->prefix = bytes_of(scan->key_memory, prefix.len);
    if (from.len == 0 || index_key_cmp(from, prefix) < 0)
        from = scan->prefix;
    size_t column = index_table_prefix(table);
    bool chained = column > 0 && prefix.len >= column;
    uint64_t hash = chained ? tail_hash(&store->sip, table, prefix) : 0;
    err_t err = chained ? collect(scan, hash, from) : settle(scan, from);
    if (err == ERR_OK && (!chained || bloom_maybe(&store->bloom, hash)))
        err = index_start(scan, from);
    if (err != ERR_OK) {
        store_scan_close(scan);
        return err;
    }
    *out = scan;
    return ERR_OK;
}

static const struct tail_entry *source_entry(const struct source *source)
{
    return tail_at(source->tail, source->run.refs[source->at]);
}

/* The source with the smallest key; of equal keys the newest. NULL when memory has no more. */
static struct source *source_least(struct store_scan *scan)
{
    struct source *least = NULL;
    for (size_t i = 0; i < scan->source_count; i++) {
        struct source *source = &scan->sources[i];
        if (source->at == source->run.count)
            continue;
        int order =
            least == NULL ? -1 : index_key_cmp(tail_key(source_entry(source)), tail_key(source_entry(least)));
        bool newer =
            order == 0 &&
            (source->age > least->age ||
             (source->age == least->age && source->run.refs[source->at] > least->run.refs[least->at]));
        if (order < 0 || newer)
            least = source;
    }
    return least;
}

static void sources_skip(struct store_scan *scan, struct bytes key)
{
    for (size_t i = 0; i < scan->source_count; i++) {
        struct source *source = &scan->sources[i];
        while (source->at < source->run.count && bytes_eq(tail_key(source_entry(source)), key))
            source->at++;
    }
}

err_t store_scan_next(struct store_scan *scan, struct bytes *out_key, struct bytes *out_value)
{
    for (;;) {
        struct source *least = source_least(scan);
        const struct tail_entry *entry = least == NULL ? NULL : source_entry(least);
        if (entry != NULL && !starts(tail_key(entry), scan->prefix)) /* runs go on behind the prefix */
            entry = NULL;
        int order = entry == NULL || !scan->index_some ? 0 : index_key_cmp(tail_key(entry), scan->index_key);
        if (entry == NULL && !scan->index_some)
            return ERR_NOTFOUND;
        if (entry == NULL || (scan->index_some && order > 0)) {
            *out_key = scan->index_key;
            *out_value = scan->index_value;
            return index_step(scan);
        }
        if (scan->index_some && order == 0) {
            err_t err = index_step(scan);
            if (err != ERR_OK)
                return err;
        }
        sources_skip(scan, tail_key(entry));
        if (entry->is_delete)
            continue;
        *out_key = tail_key(entry);
        *out_value = tail_value(entry);
        return ERR_OK;
    }
}

void store_scan_close(struct store_scan *scan)
{
    if (scan == NULL)
        return;
    struct store *store = scan->store;
    store->index->ops->cursor_close(scan->cursor);
    scan->cursor = NULL;
    if (store->scan == NULL) {
        store->scan = scan;
        return;
    }
    tail_run_free(&scan->collected);
    mem_free(scan);
}

void store_scan_free(struct store *store)
{
    if (store->scan == NULL)
        return;
    tail_run_free(&store->scan->collected);
    mem_free(store->scan);
    store->scan = NULL;
}
