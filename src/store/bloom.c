#include "store/bloom.h"

#include "core/mem.h"

enum { BLOCK_WORDS = 8, KEYS_PER_BLOCK = 42 /* 512 bits, 12 a key */, PROBES = 6 };

err_t bloom_init(struct bloom *bloom, size_t capacity)
{
    size_t blocks = 16;
    while (blocks * KEYS_PER_BLOCK < capacity)
        blocks *= 2;
    *bloom = (struct bloom) {.block_count = blocks, .capacity = blocks * KEYS_PER_BLOCK};
    bloom->words = mem_alloc_array(blocks * BLOCK_WORDS, sizeof *bloom->words);
    return bloom->words == NULL ? ERR_NOMEM : ERR_OK;
}

void bloom_deinit(struct bloom *bloom)
{
    mem_free(bloom->words);
    *bloom = (struct bloom) {0};
}

/* The low bits choose the block; the probes come from a product, 9 bits each, off its top. */
static uint64_t probes_of(uint64_t hash)
{
    return (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9u;
}

void bloom_add(struct bloom *bloom, uint64_t hash)
{
    uint64_t *block = bloom->words + (hash & (bloom->block_count - 1)) * BLOCK_WORDS;
    uint64_t bits = probes_of(hash);
    for (int i = 0; i < PROBES; i++, bits >>= 9)
        block[bits >> 6 & 7] |= (uint64_t)1 << (bits & 63);
    bloom->count++;
}

bool bloom_maybe(const struct bloom *bloom, uint64_t hash)
{
    const uint64_t *block = bloom->words + (hash & (bloom->block_count - 1)) * BLOCK_WORDS;
    uint64_t bits = probes_of(hash);
    for (int i = 0; i < PROBES; i++, bits >>= 9)
        if ((block[bits >> 6 & 7] >> (bits & 63) & 1) == 0)
            return false;
    return true;
}
