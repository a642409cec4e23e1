#include "core/arena.h"

#include <stdint.h>

#include "core/mem.h"

/* A chunk is twice as large as the one before, so that thousands of small regions stay small. */
enum { ALIGN = 16, CHUNK_SIZE_FIRST = 4 * 1024, CHUNK_SIZE_USUAL = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    size_t used;
    _Alignas(ALIGN) uint8_t data[];
};

void arena_init(struct arena *arena, size_t limit_bytes)
{
    *arena = (struct arena) {.limit_bytes = limit_bytes};
}

void arena_deinit(struct arena *arena)
{
    if (arena == NULL)
        return;
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        mem_free(chunk);
        chunk = next;
    }
    *arena = (struct arena) {.limit_bytes = arena->limit_bytes};
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *keep = arena->chunks;
    for (struct arena_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next)
        if (chunk->size > keep->size)
            keep = chunk;
    struct arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct arena_chunk *next = chunk->next;
        if (chunk != keep)
            mem_free(chunk);
        chunk = next;
    }
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
    }
    arena->chunks = keep;
    arena->used_bytes = 0;
}

static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t want = arena->chunks == NULL ? (size_t)CHUNK_SIZE_FIRST : 2 * arena->chunks->size;
    if (want > CHUNK_SIZE_USUAL)
        want = CHUNK_SIZE_USUAL;
    if (want < size)
        want = size;
    struct arena_chunk *chunk = mem_grow(NULL, sizeof *chunk + want);
    if (chunk == NULL)
        return NULL;
    chunk->next = arena->chunks;
    chunk->size = want;
    chunk->used = 0;
    arena->chunks = chunk;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size_t rounded = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (rounded > arena->limit_bytes - arena->used_bytes)
        return NULL;
    struct arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || rounded > chunk->size - chunk->used)
        chunk = add_chunk(arena, rounded);
    if (chunk == NULL)
        return NULL;
    void *at = chunk->data + chunk->used;
    chunk->used += rounded;
    arena->used_bytes += rounded;
    return at;
}

void *arena_zalloc(struct arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    void *at = arena_alloc(arena, count * size);
    if (at != NULL)
        memset(at, 0, count * size);
    return at;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = s.len == SIZE_MAX ? NULL : arena_alloc(arena, s.len + 1);
    if (copy == NULL)
        return (struct str) {NULL, 0};
    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct str) {copy, s.len};
}
