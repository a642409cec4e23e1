/* One piece of work beside the loop: a thread that is born for it and joined. What it touches is nobody
 * else's until os_thread_join. Signals stay with the thread that began it, and so does the processor when
 * both want it: the work yields. */
#pragma once

#include "core/err.h"

struct os_thread; /* owned by who began it; os_thread_join frees */

NODISCARD err_t os_thread_begin(void (*run)(void *ctx), void *ctx, struct os_thread **out);
/* Waits for its end. Accepts NULL. */
void os_thread_join(struct os_thread *thread);
