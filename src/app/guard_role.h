/* The guard role (DESIGN 3): stands between core and edge. Every message of either passes it; answers of core
 * go on to edge only when the guard (guard/guard.h) passes them. What it holds is answered 503 in its place,
 * and core is told. Opens no file, no socket; knows no key.
 *
 * Answers that need proof wait here, bounded in number and bytes, while core is asked; nothing else waits for
 * them. One thread, one loop. */
#pragma once

#include "core/diag.h"
#include "net/loop.h"
#include "os/channel.h"
#include "os/os.h"

struct guard_role;

/* `core` is side 1 of the link to core, `edge` side 0 of the link to edge. */
NODISCARD err_t guard_role_open(struct loop *loop, const struct os *os, const struct diag *diag,
                                const struct os_channel_fds *core, const struct os_channel_fds *edge,
                                void (*broken)(void *ctx), void *ctx, struct guard_role **out);
void guard_role_close(struct guard_role *role); /* accepts NULL */
