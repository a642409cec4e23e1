/* The parent's end of what operators reach: the control socket (docs/protocol/CONTROL.md) and the metrics
 * socket. Both are local sockets of mode 0600; the first is 0660 where operators are declared (operators.h),
 * and then serves them, root and the node's own account, and nobody else of the group. Who asks is known by
 * the kernel's word (SO_PEERCRED). It carries request lines and batches to core and lines back, and
 * understands neither.
 *
 * One thread, one loop. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "net/loop.h"
#include "os/channel.h"

struct control;

struct control_setup {
    struct loop *loop;
    const struct os *os;
    const struct conf *conf;
    const struct diag *diag;
    const struct os_channel_fds *core;       /* this end is side 0 */
    bool metrics;                            /* also serve the metrics socket */
    bool stopped;                            /* a store that a command opened: nobody is an operator */
    void (*ready)(void *ctx, uint16_t port); /* core, edge and keeper work together */
    void (*deserted)(void *ctx);             /* the last operator left; may be NULL */
    void *ctx;
};

/* ERR_BUSY: a node of this directory runs already. */
NODISCARD err_t control_open(const struct control_setup *setup, struct control **out);
void control_close(struct control *control); /* also removes the sockets; accepts NULL */
/* Is there an operator connected? */
bool control_busy(const struct control *control);
/* Before the end: lets nobody in any more and looks who knocked before. True: nobody, it stays closed. False:
 * somebody came in, who is to be served, and the door is open again. */
bool control_leave(struct control *control);
