#include "store/tail.h"

#include <stdlib.h>

#include "core/limit.h"
#include "core/mem.h"

enum {
    CHUNK_BYTES = 1 << 20,
    UNIT = 8, /* entries stand at multiples of it */
    CHUNK_UNITS = CHUNK_BYTES / UNIT,
    BUCKETS_FIRST = 1 << 10,
    BUCKETS_GUESS_MAX = 1 << 20,
};

struct tail *tail_new(size_t entries)
{
    struct tail *tail = mem_alloc(sizeof *tail);
    if (tail == NULL)
        return NULL;
    tail->bucket_count = BUCKETS_FIRST;
    while (tail->bucket_count < entries && tail->bucket_count < BUCKETS_GUESS_MAX)
        tail->bucket_count *= 2;
    tail->buckets = mem_alloc_array(tail->bucket_count, sizeof *tail->buckets);
    tail->chunk_used = CHUNK_BYTES;
    if (tail->buckets == NULL) {
        tail_free(tail);
        return NULL;
    }
    return tail;
}

void tail_run_free(struct tail_run *run)
{
    mem_free(run->refs);
    *run = (struct tail_run) {0};
}

void tail_free(struct tail *tail)
{
    if (tail == NULL)
        return;
    for (size_t i = 0; i < tail->chunk_count; i++)
        mem_free(tail->chunks[i]);
    mem_free(tail->chunks);
    mem_free(tail->buckets);
    for (size_t t = 0; t < TABLE_COUNT; t++) {
        tail_run_free(&tail->tables[t].fresh);
        for (size_t i = 0; i < TAIL_RUNS_MAX; i++)
            tail_run_free(&tail->tables[t].runs[i]);
    }
    mem_free(tail);
}

/* References count from 1. */
static struct tail_entry *entry_at(const struct tail *tail, tail_ref ref)
{
    size_t unit = ref - 1;
    return (struct tail_entry *)(void *)(tail->chunks[unit / CHUNK_UNITS] + unit % CHUNK_UNITS * UNIT);
}

const struct tail_entry *tail_at(const struct tail *tail, tail_ref ref)
{
    return entry_at(tail, ref);
}

size_t tail_bytes(const struct tail *tail)
{
    return tail->chunk_count * CHUNK_BYTES + tail->bucket_count * sizeof *tail->buckets;
}

uint64_t tail_hash(const struct hash_sip_key *sip, enum index_table table, struct bytes key)
{
    size_t prefix = index_table_prefix(table);
    if (prefix > 0 && key.len > prefix)
        key.len = prefix;
    /* Tables are few and not chosen by outsiders: an odd multiplier keeps their keys apart. */
    return hash_sip(sip, key) ^ (uint64_t)(table + 1) * 0x9e3779b97f4a7c15u;
}

static err_t chunk_add(struct tail *tail)
{
    if (tail->chunk_count == tail->chunk_room) {
        size_t room = tail->chunk_room == 0 ? 16 : tail->chunk_room * 2;
        uint8_t **wider = mem_grow(tail->chunks, room * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        tail->chunks = wider;
        tail->chunk_room = room;
    }
    uint8_t *chunk = mem_alloc(CHUNK_BYTES);
    if (chunk == NULL)
        return ERR_NOMEM;
    tail->chunks[tail->chunk_count++] = chunk;
    tail->chunk_used = 0;
    return ERR_OK;
}

static void chain_in(struct tail *tail, struct tail_entry *entry, tail_ref ref)
{
    tail_ref *bucket = &tail->buckets[entry->hash & (tail->bucket_count - 1)];
    entry->chain = *bucket;
    *bucket = ref;
}

/* A chain splits in two whose members keep their order: each entry goes to the end of its new chain. */
static err_t buckets_widen(struct tail *tail)
{
    size_t old_count = tail->bucket_count;
    tail_ref *wider = mem_alloc_array(old_count * 2, sizeof *wider);
    if (wider == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < old_count; i++) {
        tail_ref *ends[2] = {&wider[i], &wider[i + old_count]};
        for (tail_ref ref = tail->buckets[i]; ref != 0;) {
            struct tail_entry *entry = entry_at(tail, ref);
            size_t side = (entry->hash & old_count) != 0;
            *ends[side] = ref;
            ends[side] = &entry->chain;
            ref = entry->chain;
        }
        *ends[0] = *ends[1] = 0;
    }
    mem_free(tail->buckets);
    tail->buckets = wider;
    tail->bucket_count = old_count * 2;
    return ERR_OK;
}

static err_t run_room(struct tail_run *run, size_t more)
{
    if (more <= run->room - run->count)
        return ERR_OK;
    size_t room = run->room < 64 ? 64 : run->room * 2;
    if (room < run->count + more)
        room = run->count + more;
    tail_ref *wider = mem_grow(run->refs, room * sizeof *wider);
    if (wider == NULL)
        return ERR_NOMEM;
    run->refs = wider;
    run->room = room;
    return ERR_OK;
}

err_t tail_put(struct tail *tail, const struct index_change *change, uint64_t hash, uint64_t lsn)
{
    if (change->key.len == 0 || change->key.len > LIMIT_KEY_BYTES || change->value.len > LIMIT_VALUE_BYTES)
        return ERR_LIMIT;
    must(!tail->frozen);
    size_t size = sizeof(struct tail_entry) + change->key.len + change->value.len;
    size = (size + UNIT - 1) / UNIT * UNIT;
    struct tail_run *fresh = &tail->tables[change->table].fresh;
    err_t err = run_room(fresh, 1);
    if (err == ERR_OK && tail->entry_count >= tail->bucket_count)
        err = buckets_widen(tail);
    if (err == ERR_OK && size > CHUNK_BYTES - tail->chunk_used)
        err = chunk_add(tail);
    if (err != ERR_OK)
        return err;
    tail_ref ref = (tail_ref)((tail->chunk_count - 1) * CHUNK_UNITS + tail->chunk_used / UNIT + 1);
    struct tail_entry *entry = entry_at(tail, ref);
    *entry = (struct tail_entry) {.lsn = lsn,
                                  .hash = hash,
                                  .before = tail->last,
                                  .value_len = (uint32_t)change->value.len,
                                  .key_len = (uint16_t)change->key.len,
                                  .table = (uint8_t)change->table,
                                  .is_delete = change->is_delete};
    memcpy(entry->key, change->key.at, change->key.len);
    if (change->value.len > 0)
        memcpy(entry->key + change->key.len, change->value.at, change->value.len);
    chain_in(tail, entry, ref);
    fresh->refs[fresh->count++] = ref;
    tail->chunk_used += size;
    tail->last = ref;
    tail->entry_count++;
    return ERR_OK;
}

const struct tail_entry *tail_find(const struct tail *tail, enum index_table table, uint64_t hash,
                                   struct bytes key)
{
    for (tail_ref ref = tail->buckets[hash & (tail->bucket_count - 1)]; ref != 0;) {
        const struct tail_entry *entry = entry_at(tail, ref);
        if (entry->hash == hash && entry->table == table && bytes_eq(tail_key(entry), key))
            return entry;
        ref = entry->chain;
    }
    return NULL;
}

/* Takes one reference out of a run, wherever it stands. */
static bool run_remove(struct tail_run *run, tail_ref ref)
{
    for (size_t i = run->count; i-- > 0;) {
        if (run->refs[i] != ref)
            continue;
        memmove(run->refs + i, run->refs + i + 1, (run->count - i - 1) * sizeof *run->refs);
        run->count--;
        return true;
    }
    return false;
}

static void table_remove(struct tail_table *table, tail_ref ref)
{
    if (run_remove(&table->fresh, ref))
        return;
    for (size_t i = table->run_count; i-- > 0;)
        if (run_remove(&table->runs[i], ref))
            return;
}

void tail_undo(struct tail *tail, uint64_t lsn)
{
    while (tail->last != 0) {
        struct tail_entry *entry = entry_at(tail, tail->last);
        if (entry->lsn < lsn)
            return;
        tail_ref *bucket = &tail->buckets[entry->hash & (tail->bucket_count - 1)];
        must(*bucket == tail->last);
        *bucket = entry->chain;
        table_remove(&tail->tables[entry->table], tail->last);
        /* Its bytes stay unused until the generation goes: undoing is rare. */
        tail->last = entry->before;
        tail->entry_count--;
    }
}

/* Key order, equal keys newest first. */
static int ref_cmp(const struct tail *tail, tail_ref a, tail_ref b)
{
    int order = index_key_cmp(tail_key(entry_at(tail, a)), tail_key(entry_at(tail, b)));
    return order != 0 ? order : (a < b) - (a > b);
}

/* The first 16 bytes of the key beside the reference: comparing rarely has to touch the entry. */
struct sort_item {
    uint64_t high;
    uint64_t low;
    tail_ref ref;
    const struct tail_entry *entry;
};

static uint64_t key_word(struct bytes key, size_t at)
{
    uint64_t word = 0;
    if (key.len >= at + 8) {
        memcpy(&word, key.at + at, 8);
        return __builtin_bswap64(word);
    }
    for (size_t i = at; i < at + 8; i++)
        word = word << 8 | (i < key.len ? key.at[i] : 0);
    return word;
}

static int item_cmp(const void *a, const void *b)
{
    const struct sort_item *x = a;
    const struct sort_item *y = b;
    if (x->high != y->high)
        return x->high < y->high ? -1 : 1;
    if (x->low != y->low)
        return x->low < y->low ? -1 : 1;
    int order = index_key_cmp(tail_key(x->entry), tail_key(y->entry));
    return order != 0 ? order : (x->ref < y->ref) - (x->ref > y->ref);
}

static bool refs_sorted(const struct tail *tail, const tail_ref *refs, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (ref_cmp(tail, refs[i - 1], refs[i]) > 0)
            return false;
    return true;
}

static err_t refs_sort(const struct tail *tail, tail_ref *refs, size_t count)
{
    if (count < 2 || refs_sorted(tail, refs, count))
        return ERR_OK;
    struct sort_item *items = mem_alloc_array(count, sizeof *items);
    if (items == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct tail_entry *entry = entry_at(tail, refs[i]);
        struct bytes key = tail_key(entry);
        items[i] = (struct sort_item) {key_word(key, 0), key_word(key, 8), refs[i], entry};
    }
    qsort(items, count, sizeof *items, item_cmp);
    for (size_t i = 0; i < count; i++)
        refs[i] = items[i].ref;
    mem_free(items);
    return ERR_OK;
}

static bool starts(struct bytes key, struct bytes prefix)
{
    return key.len >= prefix.len && (prefix.len == 0 || memcmp(key.at, prefix.at, prefix.len) == 0);
}

static void refs_reverse(tail_ref *refs, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        tail_ref kept = refs[i];
        refs[i] = refs[count - 1 - i];
        refs[count - 1 - i] = kept;
    }
}

err_t tail_collect(const struct tail *tail, enum index_table table, uint64_t hash, struct bytes prefix,
                   struct bytes from, struct tail_run *run)
{
    size_t first = run->count;
    for (tail_ref ref = tail->buckets[hash & (tail->bucket_count - 1)]; ref != 0;) {
        const struct tail_entry *entry = entry_at(tail, ref);
        if (entry->hash == hash && entry->table == table && starts(tail_key(entry), prefix) &&
            index_key_cmp(tail_key(entry), from) >= 0) {
            err_t err = run_room(run, 1);
            if (err != ERR_OK)
                return err;
            run->refs[run->count++] = ref;
        }
        ref = entry->chain;
    }
    if (run->count == first)
        return ERR_OK;
    /* Keys that end in a position arrive in order, and the chain gives the newest first. */
    refs_reverse(run->refs + first, run->count - first);
    return refs_sort(tail, run->refs + first, run->count - first);
}

/* Appends `from` to the run that sorts before it, or merges the two. */
static err_t run_join(const struct tail *tail, struct tail_run *into, struct tail_run *from)
{
    if (from->count == 0)
        return ERR_OK;
    err_t err = run_room(into, from->count);
    if (err != ERR_OK)
        return err;
    size_t a = into->count;
    size_t b = from->count;
    size_t to = a + b;
    into->count = to;
    while (b > 0) {
        bool take_a = a > 0 && ref_cmp(tail, into->refs[a - 1], from->refs[b - 1]) > 0;
        into->refs[--to] = take_a ? into->refs[--a] : from->refs[--b];
    }
    from->count = 0;
    return ERR_OK;
}

err_t tail_settle(struct tail *tail, enum index_table number)
{
    struct tail_table *table = &tail->tables[number];
    if (table->fresh.count == 0)
        return ERR_OK;
    err_t err = refs_sort(tail, table->fresh.refs, table->fresh.count);
    if (err != ERR_OK)
        return err;
    struct tail_run *last = table->run_count == 0 ? NULL : &table->runs[table->run_count - 1];
    bool behind = last != NULL &&
                  (last->count == 0 || ref_cmp(tail, last->refs[last->count - 1], table->fresh.refs[0]) < 0);
    if (behind)
        return run_join(tail, last, &table->fresh);
    if (table->run_count == TAIL_RUNS_MAX) /* sizes at least halve from run to run, so this is not reached */
        return run_join(tail, last, &table->fresh);
    struct tail_run *run = &table->runs[table->run_count];
    err = run_join(tail, run, &table->fresh);
    if (err != ERR_OK)
        return err;
    table->run_count++;
    while (table->run_count > 1 &&
           table->runs[table->run_count - 2].count <= table->runs[table->run_count - 1].count * 2) {
        err = run_join(tail, &table->runs[table->run_count - 2], &table->runs[table->run_count - 1]);
        if (err != ERR_OK)
            return err;
        table->run_count--;
    }
    return ERR_OK;
}

size_t tail_seek(const struct tail *tail, const struct tail_run *run, struct bytes from)
{
    size_t low = 0;
    size_t high = run->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (index_key_cmp(tail_key(entry_at(tail, run->refs[mid])), from) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

err_t tail_copy(const struct tail *tail, enum index_table number, struct tail_run *run)
{
    const struct tail_table *table = &tail->tables[number];
    run->count = 0;
    size_t total = table->fresh.count;
    for (size_t i = 0; i < table->run_count; i++)
        total += table->runs[i].count;
    err_t err = run_room(run, total);
    if (err != ERR_OK || total == 0)
        return err;
    for (size_t i = 0; i <= table->run_count; i++) {
        const struct tail_run *from = i < table->run_count ? &table->runs[i] : &table->fresh;
        if (from->count > 0)
            memcpy(run->refs + run->count, from->refs, from->count * sizeof *run->refs);
        run->count += from->count;
    }
    return ERR_OK;
}

err_t tail_sort(const struct tail *tail, struct tail_run *run)
{
    err_t err = refs_sort(tail, run->refs, run->count);
    if (err != ERR_OK || run->count == 0)
        return err;
    size_t kept = 1;
    for (size_t i = 1; i < run->count; i++)
        if (index_key_cmp(tail_key(entry_at(tail, run->refs[i])),
                          tail_key(entry_at(tail, run->refs[kept - 1]))) != 0)
            run->refs[kept++] = run->refs[i];
    run->count = kept;
    return ERR_OK;
}
