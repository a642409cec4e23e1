/* The only door to the heap. Every room takes memory here (or from an arena or buf), so that limits and
 * failure tests see it. mem_alloc returns zeroed memory or NULL. mem_free accepts NULL. Any thread. */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size) __attribute__((malloc));
/* count * size without overflow. */
void *mem_alloc_array(size_t count, size_t size) __attribute__((malloc));
/* Keeps the first min(old, new) bytes; what grows is not zeroed. NULL leaves `at` as it was. */
void *mem_grow(void *at, size_t size);
void mem_free(void *at);
/* Overwrites secrets so that the compiler may not leave it out, then frees. */
void mem_free_secret(void *at, size_t size);
void mem_wipe(void *at, size_t size);
