/* A filter that says "certainly not there" about key prefixes without asking the index: most accepted objects
 * are new. One cache line a question. Wrong about one in a hundred at its capacity. Internal to the room. */
#pragma once

#include <stdbool.h>

#include "core/err.h"

struct bloom {
    uint64_t *words;
    size_t block_count; /* of 8 words; power of two */
    size_t count;       /* keys added, repeats included */
    size_t capacity;
};

/* For at least `capacity` keys. */
NODISCARD err_t bloom_init(struct bloom *bloom, size_t capacity);
void bloom_deinit(struct bloom *bloom);
void bloom_add(struct bloom *bloom, uint64_t hash);
/* Asks for the cache line that bloom_add will touch, while there is other work. */
static inline void bloom_prefetch(const struct bloom *bloom, uint64_t hash)
{
    __builtin_prefetch(bloom->words + (hash & (bloom->block_count - 1)) * 8, 1);
}
bool bloom_maybe(const struct bloom *bloom, uint64_t hash);
