/* The core role (DESIGN 3): gate, TAXII, both sides of synchronisation, operators' commands. It opens no
 * socket and reads no signing key; it hears and speaks over three links.
 *
 * Its life is a turn, repeated: everything that arrived is handled (handlers append to the open group), one
 * commit covers all of it, answers that waited for it go out, a bounded amount is decided, what partners wait
 * for is signed by the keeper. Whatever arrives while the disk works is in the next group: there is no timer.
 *
 * One thread, one loop. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "net/loop.h"
#include "os/channel.h"

struct core_role;

#define CORE_STORE_DIR   "store" /* below the node's directory: gate_setup.dir */
#define CORE_SEARCH_FILE CORE_STORE_DIR "/search.db"

struct core_links {
    /* This end is side 0 of edge and keeper, side 1 of parent. */
    const struct os_channel_fds *edge, *keeper, *parent; /* edge NULL: a store opened for a command,
                                                              and nobody is an operator */
    const struct os_channel_fds *marks; /* side 0, beside `edge`, which is the guard's: link_marks */
};

/* Opens the store below conf->dir. `broken` is called when the role cannot go on. */
NODISCARD err_t core_role_open(struct loop *loop, const struct os *os, const struct conf *conf,
                               const struct diag *diag, const struct core_links *links,
                               void (*broken)(void *ctx), void *ctx, struct core_role **out);
/* Is it bounded which files this process opens (confine.h), and have roles accounts of their own
 * (accounts.h)? For `status`. */
void core_role_bounded(struct core_role *role, bool bounded, bool accounts);
/* Makes durable what was handed in, and closes. Accepts NULL. */
void core_role_close(struct core_role *role);
