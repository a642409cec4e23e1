/* Child processes of the same binary (the roles of DESIGN 3), and the signals that end a program.
 *
 * The supervising parent calls these, from one thread that lives as long as the process: a child is killed
 * when that thread ends, so that no role outlives its supervisor. Only os_proc_spawn_apart begins what does.
 */
#pragma once

#include <stdbool.h>

#include "core/err.h"

enum { OS_PROC_FD_FIRST = 3, OS_PROC_FDS_MAX = 32 };

struct os_proc {
    int pid;
    int fd; /* readable when the child has ended */
};

/* Runs /proc/self/exe with `args` (NULL-terminated, args[0] is the name it shows). In the child descriptor
 * fds[i] is OS_PROC_FD_FIRST + i; standard input, output and error are ours; everything else is closed. */
NODISCARD err_t os_proc_spawn(const char *const *args, const int *fds, size_t fd_count, struct os_proc *out);

/* The same without descriptors, for a child that serves others as well: it outlives us and hears no signals
 * of our terminal. Its standard input and output are /dev/null. */
NODISCARD err_t os_proc_spawn_apart(const char *const *args, struct os_proc *out);
/* Closes the handle of a child that need not be reaped. */
void os_proc_leave(struct os_proc *proc);

struct os_proc_end {
    bool by_signal;
    int code; /* exit status, or the signal's number */
};

/* ERR_BUSY while it runs. Afterwards the handle is closed. */
NODISCARD err_t os_proc_reap(struct os_proc *proc, struct os_proc_end *out);
/* Asks it to stop (SIGTERM), or ends it (SIGKILL). Harmless when it has ended. */
void os_proc_stop(const struct os_proc *proc);
void os_proc_kill(const struct os_proc *proc);

/* Opens whichever of standard input, output and error came closed, before anything else takes its number:
 * what is printed must not go into a socket. Reading or writing there fails, as if they were closed. Before
 * any other file is opened. */
NODISCARD err_t os_proc_hold_standard(void);

enum os_signal { OS_SIGNAL_NONE, OS_SIGNAL_STOP /* TERM, INT */, OS_SIGNAL_RELOAD /* HUP */ };

/* From now on these signals are read from the descriptor instead of interrupting anything. Before threads
 * start. */
NODISCARD err_t os_signals_open(int *out_fd);
enum os_signal os_signals_next(int fd);
