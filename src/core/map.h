/* A hash table from short byte keys to 64-bit values, keyed with SipHash because outsiders choose the keys.
 * Keys are copied. Grows up to a maximum given at birth. One thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/hash.h"

struct map_slot;

struct map {
    struct map_slot *slots; /* power of two, open addressing, never over 3/4 full */
    size_t slot_count;
    size_t count;
    size_t count_max;
    size_t key_size; /* every key of this map has this size, at most MAP_KEY_SIZE_MAX */
    struct hash_sip_key sip;
};

enum { MAP_KEY_SIZE_MAX = 48 };

void map_init(struct map *map, size_t key_size, size_t count_max, const struct hash_sip_key *sip);
void map_deinit(struct map *map);
void map_clear(struct map *map);
/* NULL when absent. The pointer is good until the next map_put. */
uint64_t *map_get(const struct map *map, const void *key);
/* Sets or replaces. ERR_FULL at the maximum, ERR_NOMEM. */
NODISCARD err_t map_put(struct map *map, const void *key, uint64_t value);
/* Calls visit for each entry in table order; stops at the first false. */
void map_each(const struct map *map, bool (*visit)(void *ctx, const void *key, uint64_t *value), void *ctx);
