/* Index entries that are not in the index yet: one generation, filled group by group, then frozen, merged and
 * thrown away. Internal to the room.
 *
 * Entries are appended to chunks and never move. A hash table over (table, key prefix) finds them, newest
 * first: a lookup of a whole key and a scan of one prefix both walk one chain. Tables without a prefix column
 * hash the whole key and are scanned through sorted runs, which are made when a scan asks and merged as they
 * grow (an append in key order extends the last run). Newest first also makes taking back the last entries a
 * matter of popping them.
 *
 * One thread changes it. tail_sort reads a frozen generation from any thread. */
#pragma once

#include "core/hash.h"
#include "store/index.h"

typedef uint32_t tail_ref; /* place of an entry; grows with age; 0: none */

struct tail_entry {
    uint64_t lsn;
    uint64_t hash;
    tail_ref chain;  /* older entry of the same bucket */
    tail_ref before; /* the entry appended before */
    uint32_t value_len;
    uint16_t key_len;
    uint8_t table;
    bool is_delete;
    uint8_t key[]; /* then the value */
};

struct tail_run {
    tail_ref *refs; /* sorted by key, equal keys newest first */
    size_t count;
    size_t room;
};

enum { TAIL_RUNS_MAX = 24 };

struct tail_table {
    struct tail_run fresh;               /* in order of arrival, not in a run yet */
    struct tail_run runs[TAIL_RUNS_MAX]; /* older and larger first */
    size_t run_count;
};

struct tail {
    uint8_t **chunks;
    size_t chunk_count;
    size_t chunk_room;
    size_t chunk_used; /* bytes of the last one */
    tail_ref last;
    size_t entry_count;
    tail_ref *buckets;
    size_t bucket_count; /* power of two */
    struct tail_table tables[TABLE_COUNT];
    uint64_t lsn_end; /* everything up to here is in this generation or an older one */
    uint64_t frames;
    bool frozen;
};

/* With a hash table for so many entries (a guess: rehashing touches every entry). NULL when memory is out. */
struct tail *tail_new(size_t entries);
void tail_free(struct tail *tail); /* accepts NULL */

const struct tail_entry *tail_at(const struct tail *tail, tail_ref ref);
static inline struct bytes tail_key(const struct tail_entry *entry)
{
    return bytes_of(entry->key, entry->key_len);
}
static inline struct bytes tail_value(const struct tail_entry *entry)
{
    return bytes_of(entry->key + entry->key_len, entry->value_len);
}
size_t tail_bytes(const struct tail *tail);

/* What chains are found by: of a whole key, or of a scan's prefix that reaches the prefix column. */
uint64_t tail_hash(const struct hash_sip_key *sip, enum index_table table, struct bytes key);

NODISCARD err_t tail_put(struct tail *tail, const struct index_change *change, uint64_t hash, uint64_t lsn);
/* The newest entry of the key, or NULL. */
const struct tail_entry *tail_find(const struct tail *tail, enum index_table table, uint64_t hash,
                                   struct bytes key);
/* Pops the newest entries while their lsn is at or above `lsn`. */
void tail_undo(struct tail *tail, uint64_t lsn);

/* Appends the entries of one prefix (hash and bytes), >= from, sorted by key, equal keys newest first. */
NODISCARD err_t tail_collect(const struct tail *tail, enum index_table table, uint64_t hash,
                             struct bytes prefix, struct bytes from, struct tail_run *run);
/* Brings the runs of the table up to date. */
NODISCARD err_t tail_settle(struct tail *tail, enum index_table table);
/* Index of the first of the run's keys that is >= from. */
size_t tail_seek(const struct tail *tail, const struct tail_run *run, struct bytes from);
/* All entries of one table in any order, for tail_sort; the thread that changes the generation calls it. */
NODISCARD err_t tail_copy(const struct tail *tail, enum index_table table, struct tail_run *run);
/* Sorts them by key and keeps the newest of each. Of a frozen generation: any thread. */
NODISCARD err_t tail_sort(const struct tail *tail, struct tail_run *run);

void tail_run_free(struct tail_run *run);
