#define _GNU_SOURCE /* close_range, P_PIDFD */

#include "os/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

/* What a child begins with. */
struct beginning {
    const char *const *args;
    const int *fds;
    size_t fd_count;
    pid_t parent; /* whose end ends it; APART: nobody's */
    bool plain;   /* of no capability */
    const struct os_account *as;
};

static bool change_account(const struct beginning *with)
{
    err_t err = with->as != NULL ? os_account_become(with->as) : with->plain ? os_account_drop() : ERR_OK;
    return err == ERR_OK;
}

static bool take_descriptors(const int *fds, size_t fd_count)
{
    int copies[OS_PROC_FDS_MAX];
    /* First out of the way of the numbers that the child expects, then onto them. */
    for (size_t i = 0; i < fd_count; i++)
        if ((copies[i] = fcntl(fds[i], F_DUPFD, OS_PROC_FD_FIRST + OS_PROC_FDS_MAX)) < 0)
            return false;
    for (size_t i = 0; i < fd_count; i++)
        if (dup2(copies[i], OS_PROC_FD_FIRST + (int)i) < 0)
            return false;
    return close_range(OS_PROC_FD_FIRST + (unsigned)fd_count, ~0u, 0) == 0;
}

/* Between fork and exec: only calls that are safe after fork in a program with threads. */
static _Noreturn void become(const struct beginning *with)
{
    sigset_t none;
    sigemptyset(&none);
    if (!take_descriptors(with->fds, with->fd_count) || sigprocmask(SIG_SETMASK, &none, NULL) != 0 ||
        !change_account(with))
        _exit(CANNOT_EXEC);
    /* Watched: the parent may have ended before it could be. Behind the change of account, which undoes it.
     */
    if (with->parent != APART && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != with->parent))
        _exit(CANNOT_EXEC);
    if (with->parent == APART && !stand_apart())
        _exit(CANNOT_EXEC);
    execve("/proc/self/exe", (char *const *)(uintptr_t)with->args, environ);
    _exit(CANNOT_EXEC);
}

static err_t spawn(const struct beginning *with, struct os_proc *out)
{
    if (with->fd_count > OS_PROC_FDS_MAX)
        return ERR_LIMIT;
    pid_t pid = fork();
    if (pid < 0)
        return ERR_FULL;
    if (pid == 0)
        become(with);
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
    const struct beginning with = {args, fds, fd_count, getpid(), false, NULL};
    return spawn(&with, out);
}

err_t os_proc_spawn_as(const char *const *args, const int *fds, size_t fd_count, const struct os_account *as,
                       struct os_proc *out)
{
    const struct beginning with = {args, fds, fd_count, getpid(), true, as};
    return spawn(&with, out);
}

err_t os_proc_spawn_apart(const char *const *args, struct os_proc *out)
{
    const struct beginning with = {args, NULL, 0, APART, false, NULL};
    return spawn(&with, out);
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

/* --- a line --- */

err_t os_proc_line(int out_ends[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, out_ends) == 0 ? ERR_OK
                                                                                                : ERR_FULL;
}

void os_proc_line_close(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

err_t os_proc_line_send(int fd, struct bytes message)
{
    ssize_t n = send(fd, message.at, message.len, MSG_NOSIGNAL);
    if (n == (ssize_t)message.len)
        return ERR_OK;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? ERR_BUSY : ERR_CLOSED;
}

err_t os_proc_line_take(int fd, void *out, size_t size)
{
    ssize_t n = recv(fd, out, size, MSG_TRUNC);
    if (n == (ssize_t)size)
        return ERR_OK;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_BUSY;
    return n > 0 ? ERR_CORRUPT : ERR_CLOSED;
}

err_t os_proc_wait(const int *fds, size_t count, bool *out_ready)
{
    struct pollfd polled[OS_PROC_FDS_MAX];
    int n;
    must(count <= OS_PROC_FDS_MAX);
    for (size_t i = 0; i < count; i++)
        polled[i] = (struct pollfd) {.fd = fds[i], .events = POLLIN};
    do {
        n = poll(polled, count, -1);
    } while (n < 0 && errno == EINTR);
    for (size_t i = 0; i < count; i++)
        out_ready[i] = n > 0 && polled[i].revents != 0;
    return n > 0 ? ERR_OK : ERR_IO;
}

/* --- a file that is handed to children --- */

err_t os_proc_file_open(const char *path, int *out_fd)
{
    struct stat facts;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOTFOUND : errno == EACCES ? ERR_DENIED : ERR_IO;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        (void)close(fd);
        return ERR_IO;
    }
    *out_fd = fd;
    return ERR_OK;
}

err_t os_proc_file_read(int fd, void *out, size_t size, size_t *out_len)
{
    size_t len = 0;
    ssize_t n = 1;
    uint8_t more;
    while (len < size && (n = pread(fd, (uint8_t *)out + len, size - len, (off_t)len)) > 0)
        len += (size_t)n;
    if (n < 0)
        return ERR_IO;
    if (len == size && pread(fd, &more, 1, (off_t)len) != 0)
        return ERR_LIMIT;
    *out_len = len;
    return ERR_OK;
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
