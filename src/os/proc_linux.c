#define _GNU_SOURCE /* close_range, P_PIDFD */

#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { CANNOT_EXEC = 127, APART = 0 };

err_t os_proc_hold_standard(void)
{
    static const int wrong_ways[] = {O_WRONLY, O_RDONLY, O_RDONLY};
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", wrong_ways[fd]) != fd)
            return ERR_IO;
    return ERR_OK;
}

static bool stand_apart(void)
{
    int null = open("/dev/null", O_RDWR);
    return null >= 0 && setsid() >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
           (null <= 2 || close(null) == 0);
}

/* Between fork and exec: only calls that are safe after fork in a program with threads. */
static _Noreturn void become(const char *const *args, const int *fds, size_t fd_count, pid_t parent)
{
    int copies[OS_PROC_FDS_MAX];
    sigset_t none;
    sigemptyset(&none);
    /* First out of the way of the numbers that the child expects, then onto them. */
    for (size_t i = 0; i < fd_count; i++)
        if ((copies[i] = fcntl(fds[i], F_DUPFD, OS_PROC_FD_FIRST + OS_PROC_FDS_MAX)) < 0)
            _exit(CANNOT_EXEC);
    for (size_t i = 0; i < fd_count; i++)
        if (dup2(copies[i], OS_PROC_FD_FIRST + (int)i) < 0)
            _exit(CANNOT_EXEC);
    if (close_range(OS_PROC_FD_FIRST + (unsigned)fd_count, ~0u, 0) != 0 ||
        sigprocmask(SIG_SETMASK, &none, NULL) != 0)
        _exit(CANNOT_EXEC);
    /* Watched: the parent may have ended before it could be. */
    if (parent != APART && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(CANNOT_EXEC);
    if (parent == APART && !stand_apart())
        _exit(CANNOT_EXEC);
    execve("/proc/self/exe", (char *const *)(uintptr_t)args, environ);
    _exit(CANNOT_EXEC);
}

/* `parent`: whose end ends it; APART: nobody's. */
static err_t spawn(const char *const *args, const int *fds, size_t fd_count, pid_t parent,
                   struct os_proc *out)
{
    pid_t pid = fork();
    if (pid < 0)
        return ERR_FULL;
    if (pid == 0)
        become(args, fds, fd_count, parent);
    /* Nobody else reaps it, so the number cannot have been given to another process. */
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return ERR_FULL;
    }
    *out = (struct os_proc) {pid, fd};
    return ERR_OK;
}

err_t os_proc_spawn(const char *const *args, const int *fds, size_t fd_count, struct os_proc *out)
{
    return fd_count > OS_PROC_FDS_MAX ? ERR_LIMIT : spawn(args, fds, fd_count, getpid(), out);
}

err_t os_proc_spawn_apart(const char *const *args, struct os_proc *out)
{
    return spawn(args, NULL, 0, APART, out);
}

void os_proc_leave(struct os_proc *proc)
{
    if (proc->fd >= 0)
        (void)close(proc->fd);
    *proc = (struct os_proc) {-1, -1};
}

err_t os_proc_reap(struct os_proc *proc, struct os_proc_end *out)
{
    siginfo_t info = {.si_pid = 0};
    if (proc->fd < 0)
        return ERR_WRONGSTATE;
    if (waitid(P_PIDFD, (id_t)proc->fd, &info, WEXITED | WNOHANG) != 0)
        return ERR_IO;
    if (info.si_pid == 0)
        return ERR_BUSY;
    *out = (struct os_proc_end) {info.si_code != CLD_EXITED, info.si_status};
    (void)close(proc->fd);
    *proc = (struct os_proc) {-1, -1};
    return ERR_OK;
}

static void send_signal(const struct os_proc *proc, int signal)
{
    if (proc->fd >= 0)
        (void)syscall(SYS_pidfd_send_signal, proc->fd, signal, NULL, 0);
}

void os_proc_stop(const struct os_proc *proc)
{
    send_signal(proc, SIGTERM);
}

void os_proc_kill(const struct os_proc *proc)
{
    send_signal(proc, SIGKILL);
}

err_t os_signals_open(int *out_fd)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return ERR_IO;
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return ERR_FULL;
    *out_fd = fd;
    return ERR_OK;
}

enum os_signal os_signals_next(int fd)
{
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n != (ssize_t)sizeof info)
        return OS_SIGNAL_NONE;
    return info.ssi_signo == SIGHUP ? OS_SIGNAL_RELOAD : OS_SIGNAL_STOP;
}
