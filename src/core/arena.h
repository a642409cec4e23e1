/* A region of memory that is given back all at once: one per request or batch. Born with its maximum.
 * One thread at a time. Memory is aligned to 16 bytes and not zeroed unless said. */
#pragma once

#include <stddef.h>

#include "core/err.h"
#include "core/str.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* newest first */
    size_t used_bytes;          /* handed out, for the limit */
    size_t limit_bytes;
};

void arena_init(struct arena *arena, size_t limit_bytes);
void arena_deinit(struct arena *arena);
/* Forgets everything handed out but keeps the largest chunk for the next request. */
void arena_reset(struct arena *arena);

/* NULL when the limit or the system's memory is reached. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_zalloc(struct arena *arena, size_t count, size_t size);
/* A copy that lives in the arena and ends with a NUL beyond its length. at is NULL when memory is out. */
struct str arena_str(struct arena *arena, struct str s);
