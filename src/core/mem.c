#include "core/mem.h"

#include <sodium.h>
#include <stdlib.h>

void *mem_alloc(size_t size)
{
    return calloc(1, size == 0 ? 1 : size);
}

void *mem_alloc_array(size_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
}

void *mem_grow(void *at, size_t size)
{
    return realloc(at, size == 0 ? 1 : size);
}

void mem_free(void *at)
{
    free(at);
}

void mem_wipe(void *at, size_t size)
{
    if (at != NULL && size > 0)
        sodium_memzero(at, size);
}

void mem_free_secret(void *at, size_t size)
{
    mem_wipe(at, size);
    free(at);
}
