/* Memory that runs out when a test says so. One file of a test program includes this, and the program is
 * linked with --wrap for the three functions of core/mem.h below; what it links stays as it is. */
#pragma once

#include <stdbool.h>

#include "core/mem.h"

static unsigned fails_in; /* the n-th allocation from now on gets nothing; 0: none */

__typeof__(mem_alloc) __real_mem_alloc, __wrap_mem_alloc;
__typeof__(mem_alloc_array) __real_mem_alloc_array, __wrap_mem_alloc_array;
__typeof__(mem_grow) __real_mem_grow, __wrap_mem_grow;

static bool runs_out(void)
{
    return fails_in > 0 && --fails_in == 0;
}

void *__wrap_mem_alloc(size_t size)
{
    return runs_out() ? NULL : __real_mem_alloc(size);
}

void *__wrap_mem_alloc_array(size_t count, size_t size)
{
    return runs_out() ? NULL : __real_mem_alloc_array(count, size);
}

void *__wrap_mem_grow(void *at, size_t size)
{
    return runs_out() ? NULL : __real_mem_grow(at, size);
}
