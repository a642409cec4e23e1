/* The keeper as a role: app/keeper.h behind a link to core. One thread, one loop. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "net/loop.h"
#include "os/channel.h"

struct keeper_role;

/* `core` is side 1 of the link. */
NODISCARD err_t keeper_role_open(struct loop *loop, const struct os *os, const struct conf *conf,
                                 const struct diag *diag, const struct os_channel_fds *core,
                                 void (*broken)(void *ctx), void *ctx, struct keeper_role **out);
void keeper_role_close(struct keeper_role *role); /* accepts NULL */
