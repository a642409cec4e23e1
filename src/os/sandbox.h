/* Gives up what a role never needs (DESIGN 3), so that a fault in it reaches less. Linux seccomp: a call that
 * was given up answers EPERM. There is no way back, and every thread and child has it too. Always given up:
 * gaining privileges, running programs, tracing, loading into the kernel, io_uring (it would go round the
 * filter), core dumps. */
#pragma once

#include "core/err.h"

enum {
    OS_SANDBOX_NO_NETWORK = 1, /* no new sockets: `core`, `keeper`, `worker` */
    OS_SANDBOX_NO_WRITING = 2, /* no file opened for writing, made, renamed or removed: `edge`, `worker` */
};

/* ERR_UNSUPPORTED: the kernel has no filters, or an unknown processor. Call before serving, after what must
 * be opened. */
NODISCARD err_t os_sandbox_enter(unsigned what);
