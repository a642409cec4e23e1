#include "store/index_mem.h"

#include "core/mem.h"

/* A table is a sorted array of entries; entries are shared by the states that hold them. */
struct item {
    size_t refs;
    size_t key_len;
    size_t value_len;
    uint8_t bytes[];
};

struct table {
    struct item **items;
    size_t count;
};

struct state {
    struct table tables[TABLE_COUNT];
    uint64_t applied_lsn;
};

struct index_mem {
    struct index index;
    struct state *states; /* [0] is empty; the last is current */
    size_t count;
    size_t room;
    size_t snaps;
};

struct index_snap {
    struct index_mem *mem;
    size_t state;
};

struct index_cursor {
    const struct table *table;
    size_t at;
};

static struct index_mem *mem_of(struct index *index)
{
    return (struct index_mem *)index;
}

static struct bytes item_key(const struct item *item)
{
    return bytes_of(item->bytes, item->key_len);
}

static void item_unref(struct item *item)
{
    if (--item->refs == 0)
        mem_free(item);
}

static void state_clear(struct state *state)
{
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        for (size_t i = 0; i < state->tables[t].count; i++)
            item_unref(state->tables[t].items[i]);
        mem_free(state->tables[t].items);
    }
    *state = (struct state) {0};
}

static void mem_close(struct index *index)
{
    if (index == NULL)
        return;
    struct index_mem *mem = mem_of(index);
    while (mem->count > 0)
        state_clear(&mem->states[--mem->count]);
    mem_free(mem->states);
    mem_free(mem);
}

static size_t seek(const struct table *table, struct bytes key)
{
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (index_key_cmp(item_key(table->items[mid]), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static err_t state_room(struct index_mem *mem)
{
    if (mem->count < mem->room)
        return ERR_OK;
    size_t room = mem->room == 0 ? 16 : mem->room * 2;
    struct state *wider = mem_grow(mem->states, room * sizeof *wider);
    if (wider == NULL)
        return ERR_NOMEM;
    mem->states = wider;
    mem->room = room;
    return ERR_OK;
}

static struct item *item_new(const struct index_change *change)
{
    struct item *item = mem_alloc(sizeof *item + change->key.len + change->value.len);
    if (item == NULL)
        return NULL;
    item->refs = 1;
    item->key_len = change->key.len;
    item->value_len = change->value.len;
    memcpy(item->bytes, change->key.at, change->key.len);
    if (change->value.len > 0)
        memcpy(item->bytes + change->key.len, change->value.at, change->value.len);
    return item;
}

static err_t table_push(struct table *table, size_t *room, struct item *item)
{
    if (item == NULL)
        return ERR_NOMEM;
    if (table->count == *room) {
        size_t wider_room = *room == 0 ? 64 : *room * 2;
        struct item **wider = mem_grow(table->items, wider_room * sizeof *wider);
        if (wider == NULL) {
            item_unref(item);
            return ERR_NOMEM;
        }
        table->items = wider;
        *room = wider_room;
    }
    table->items[table->count++] = item;
    return ERR_OK;
}

struct feed {
    const struct index_batch *batch;
    struct index_change change;
    bool some;
};

static err_t table_merge(const struct table *old, enum index_table number, struct feed *feed,
                         struct table *out)
{
    size_t at = 0;
    size_t room = 0;
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        bool some = feed->some && feed->change.table == number;
        if (!some && at == old->count)
            break;
        int order = !some              ? -1
                    : at == old->count ? 1
                                       : index_key_cmp(item_key(old->items[at]), feed->change.key);
        if (order < 0) {
            old->items[at]->refs++;
            err = table_push(out, &room, old->items[at++]);
            continue;
        }
        at += order == 0;
        if (!feed->change.is_delete)
            err = table_push(out, &room, item_new(&feed->change));
        feed->some = feed->batch->next(feed->batch->ctx, &feed->change);
    }
    return err;
}

static err_t mem_apply(struct index *index, const struct index_batch *batch, uint64_t applied_lsn)
{
    struct index_mem *mem = mem_of(index);
    err_t err = state_room(mem);
    if (err != ERR_OK)
        return err;
    struct state next = {.applied_lsn = applied_lsn};
    struct feed feed = {.batch = batch};
    feed.some = batch->next(batch->ctx, &feed.change);
    for (unsigned t = 0; t < TABLE_COUNT && err == ERR_OK; t++)
        err = table_merge(&mem->states[mem->count - 1].tables[t], t, &feed, &next.tables[t]);
    if (err != ERR_OK) {
        state_clear(&next);
        return err;
    }
    must(!feed.some); /* the batch was not in order */
    mem->states[mem->count++] = next;
    return ERR_OK;
}

static err_t mem_reset(struct index *index)
{
    struct index_mem *mem = mem_of(index);
    must(mem->snaps == 0);
    return index_mem_rollback(index, 0);
}

static err_t snap_begin(struct index *index, struct index_snap **out)
{
    struct index_snap *snap = mem_alloc(sizeof *snap);
    if (snap == NULL)
        return ERR_NOMEM;
    *snap = (struct index_snap) {mem_of(index), mem_of(index)->count - 1};
    snap->mem->snaps++;
    *out = snap;
    return ERR_OK;
}

static void snap_end(struct index_snap *snap)
{
    if (snap == NULL)
        return;
    snap->mem->snaps--;
    mem_free(snap);
}

static uint64_t snap_applied(struct index_snap *snap)
{
    return snap->mem->states[snap->state].applied_lsn;
}

static const struct table *table_of(struct index_snap *snap, enum index_table table)
{
    must(table < TABLE_COUNT);
    return &snap->mem->states[snap->state].tables[table];
}

static err_t snap_get(struct index_snap *snap, enum index_table number, struct bytes key, struct bytes *out)
{
    const struct table *table = table_of(snap, number);
    size_t at = seek(table, key);
    if (at == table->count || !bytes_eq(item_key(table->items[at]), key))
        return ERR_NOTFOUND;
    *out = bytes_of(table->items[at]->bytes + key.len, table->items[at]->value_len);
    return ERR_OK;
}

/* The table's array is copied into the cursor's view by value: states may move when another is added. */
static err_t cursor_open(struct index_snap *snap, enum index_table number, struct bytes from,
                         struct index_cursor **out)
{
    struct index_cursor *cursor = mem_alloc(sizeof *cursor + sizeof(struct table));
    if (cursor == NULL)
        return ERR_NOMEM;
    struct table *table = (struct table *)(void *)(cursor + 1);
    *table = *table_of(snap, number);
    *cursor = (struct index_cursor) {table, seek(table, from)};
    *out = cursor;
    return ERR_OK;
}

static err_t cursor_next(struct index_cursor *cursor, struct bytes *out_key, struct bytes *out_value)
{
    if (cursor->at == cursor->table->count)
        return ERR_NOTFOUND;
    const struct item *item = cursor->table->items[cursor->at++];
    *out_key = item_key(item);
    *out_value = bytes_of(item->bytes + item->key_len, item->value_len);
    return ERR_OK;
}

static void cursor_close(struct index_cursor *cursor)
{
    mem_free(cursor);
}

static const struct index_ops ops = {
    .close = mem_close,
    .apply = mem_apply,
    .reset = mem_reset,
    .snap_begin = snap_begin,
    .snap_end = snap_end,
    .applied_lsn = snap_applied,
    .get = snap_get,
    .cursor_open = cursor_open,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
};

err_t index_mem_new(struct index **out)
{
    struct index_mem *mem = mem_alloc(sizeof *mem);
    if (mem == NULL || state_room(mem) != ERR_OK) {
        mem_free(mem);
        return ERR_NOMEM;
    }
    mem->index.ops = &ops;
    mem->states[0] = (struct state) {0};
    mem->count = 1;
    *out = &mem->index;
    return ERR_OK;
}

size_t index_mem_states(const struct index *index)
{
    return ((const struct index_mem *)index)->count - 1;
}

err_t index_mem_rollback(struct index *index, size_t states)
{
    struct index_mem *mem = mem_of(index);
    must(mem->snaps == 0);
    if (states >= mem->count)
        return ERR_NOTFOUND;
    while (mem->count > states + 1)
        state_clear(&mem->states[--mem->count]);
    return ERR_OK;
}
