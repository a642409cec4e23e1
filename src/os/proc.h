/* Child processes of the same binary (the roles of DESIGN 3), and the signals that end a program.
 *
 * The supervising parent calls these, from one thread that lives as long as the process: a child is killed
 * when that thread ends, so that no role outlives its supervisor. Only os_proc_spawn_apart begins what does.
 */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"
#include "os/account.h"

enum { OS_PROC_FD_FIRST = 3, OS_PROC_FDS_MAX = 32 };

struct os_proc {
    int pid;
    int fd; /* readable when the child has ended */
};

/* Runs /proc/self/exe with `args` (NULL-terminated, args[0] is the name it shows). In the child descriptor
 * fds[i] is OS_PROC_FD_FIRST + i; standard input, output and error are ours; everything else is closed. */
NODISCARD err_t os_proc_spawn(const char *const *args, const int *fds, size_t fd_count, struct os_proc *out);

/* The same as another account, or without capabilities as ours where `as` is NULL. It is killed with us only
 * if we may signal that account (os_account_may_switch). */
NODISCARD err_t os_proc_spawn_as(const char *const *args, const int *fds, size_t fd_count,
                                 const struct os_account *as, struct os_proc *out);

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

/* --- a line: small whole messages between two processes, of which neither waits for the other --- */

NODISCARD err_t os_proc_line(int out_ends[2]);
void os_proc_line_close(int *fd); /* sets it to -1, which it accepts */
/* ERR_BUSY: no room now. ERR_CLOSED: nobody is at the other end. */
NODISCARD err_t os_proc_line_send(int fd, struct bytes message);
/* One message of `size` bytes; another size is ERR_CORRUPT. ERR_BUSY: none now. ERR_CLOSED: the end. */
NODISCARD err_t os_proc_line_take(int fd, void *out, size_t size);

/* Waits until something can be heard, or a child has ended: which of them. -1 is passed over. At most
 * OS_PROC_FDS_MAX. */
NODISCARD err_t os_proc_wait(const int *fds, size_t count, bool *out_ready);

/* --- a file that is handed to children --- */

/* To read only. ERR_NOTFOUND, ERR_DENIED, ERR_IO. */
NODISCARD err_t os_proc_file_open(const char *path, int *out_fd);
/* From its beginning, whatever others read of it. ERR_LIMIT: there is more than `size`. */
NODISCARD err_t os_proc_file_read(int fd, void *out, size_t size, size_t *out_len);

/* Opens whichever of standard input, output and error came closed, before anything else takes its number:
 * what is printed must not go into a socket. Reading or writing there fails, as if they were closed. Before
 * any other file is opened. */
NODISCARD err_t os_proc_hold_standard(void);

enum os_signal { OS_SIGNAL_NONE, OS_SIGNAL_STOP /* TERM, INT */, OS_SIGNAL_RELOAD /* HUP */ };

/* From now on these signals are read from the descriptor instead of interrupting anything. Before threads
 * start. */
NODISCARD err_t os_signals_open(int *out_fd);
enum os_signal os_signals_next(int fd);
