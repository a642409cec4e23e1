/* Gives up what a role never needs (DESIGN 3), so that a fault in it reaches less. There is no way back, and
 * every thread and child that begins later has it too.
 *
 * os_sandbox_files is Linux Landlock: which files may be opened, by path. os_sandbox_enter is Linux seccomp:
 * a call that was given up answers EPERM. Always given up: gaining privileges, running programs, tracing,
 * loading into the kernel, io_uring (it would go round the filter), core dumps. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/err.h"
#include "os/account.h"

enum {
    OS_SANDBOX_NO_NETWORK = 1, /* no new sockets: `core`, `keeper`, `worker` */
    OS_SANDBOX_NO_WRITING = 2, /* no file opened for writing, made, renamed or removed: `edge`, `worker` */
};

enum { OS_SANDBOX_ACCOUNTS_MAX = 8 }; /* a role has one, and a filter's jumps are short */

/* ERR_UNSUPPORTED: the kernel has no filters, or an unknown processor. Call before serving, after what must
 * be opened. All threads have it at once. */
NODISCARD err_t os_sandbox_enter(unsigned what);

/* For a process that may change accounts (os_account_may_switch): from now on it and its children can become
 * these and no others, drop groups and take none, and can neither look into processes nor change the system
 * around them. What each may do beyond is its own to give up: programs are run, files and sockets opened. */
NODISCARD err_t os_sandbox_accounts(const struct os_account *accounts, size_t count);

enum {
    OS_SANDBOX_READ = 1,  /* files opened for reading, directories listed */
    OS_SANDBOX_WRITE = 2, /* the same, and files and directories made, written, renamed and removed there */
    OS_SANDBOX_NAMES = 4, /* sockets made, names removed; nothing opened */
    OS_SANDBOX_LIST = 8,  /* directories listed, and their names made durable; no file opened */
};

/* A file, or a directory with all below it; what a symbolic link leads to, not the link. */
struct os_sandbox_path {
    const char *path;
    unsigned rights;
};

/* Can this kernel do it? */
bool os_sandbox_files_known(void);
/* From now on this thread opens these paths and nothing else, whatever their modes say; what is open stays
 * open. What does not exist now is left out, also when it is made later. A file cannot move from one
 * directory to another. Where the kernel knows how, no process that was not begun from here is sent signals.
 * For the first thing in a process, before any thread. ERR_UNSUPPORTED: nothing was given up. */
NODISCARD err_t os_sandbox_files(const struct os_sandbox_path *paths, size_t count);

/* What stands at a path: tells whether it is still what a rule was made for. Looking at it is not bounded. */
struct os_sandbox_place {
    uint64_t device, number;
};
/* ERR_NOTFOUND: nothing does, or it cannot be looked at. */
NODISCARD err_t os_sandbox_place(const char *path, struct os_sandbox_place *out);

/* Other processes of the same account cannot look into this one (memory, descriptors), and it leaves no core
 * dump. */
NODISCARD err_t os_sandbox_hide(void);
