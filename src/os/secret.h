/* Memory for keys that are used again and again: locked, so that it is never written to swap, left out of
 * core dumps, zero in a child process. Whole pages: for a record of keys, not for each key. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"

/* Zeroed. *out_locked false: RLIMIT_MEMLOCK is used up, and the memory serves all the same. ERR_NOMEM. */
NODISCARD err_t os_secret_new(size_t size, bool *out_locked, void **out);
/* Wipes. Accepts NULL; `size` as it was asked for. */
void os_secret_free(void *at, size_t size);
