/* What a store is made of. Internal to the room. */
#pragma once

#include "store/bloom.h"
#include "store/keycopy.h"
#include "store/log.h"
#include "store/store.h"
#include "store/tail.h"

enum { STORE_TAILS_MAX = 4 };

struct store_merge {
    struct index *index;
    const struct tail *tail;
    struct tail_run runs[TABLE_COUNT];
    size_t table;
    size_t at;
    bool running;
    bool failed;
};

struct store {
    const struct os *os;
    const struct diag *diag;
    struct os_file *lock;
    struct log log;
    struct index *index;
    struct index_snap *snap; /* opened by the first question to the index, closed by store_view_end */
    struct store_scan *scan; /* kept for the next one */
    struct tail *tails[STORE_TAILS_MAX]; /* generations, oldest first; the last takes entries */
    size_t tail_count;
    struct bloom bloom;
    struct hash_sip_key sip;
    struct store_merge merge;
    uint64_t applied_lsn;
    uint64_t indexed_lsn; /* memory and index together know everything below */
    bool lacks_entries;   /* the open group: there was no memory for one of them */
    uint32_t merge_frames;
    size_t filter_keys;
    struct store_copy copies[STORE_COPIES_MAX];
    size_t copy_count;
};

/* Adds every prefix of one table of the index. */
NODISCARD err_t store_bloom_table(struct store *store, enum index_table table, struct bloom *bloom);
void store_scan_free(struct store *store);
/* Overwrites these secrets wherever a copy was brought so far; one that fails is compared anew. */
void copies_destroy(struct store *store, const uint64_t *slots, size_t count);
