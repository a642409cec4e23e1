#define _GNU_SOURCE /* accept4 */

#include "os/os_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/limit.h"

enum { WRITE_PIECES_MAX = 8 };

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
};

void os_net_start(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    must(sigaction(SIGPIPE, &ignore, NULL) == 0);
}

uint64_t os_net_now_ms(void)
{
    struct timespec now;
    must(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static err_t address_parse(const char *host, uint16_t port, union address *out, socklen_t *out_len)
{
    memset(out, 0, sizeof *out);
    struct str name = str_of(host);
    if (str_starts(name, STR("unix:"))) {
        if (name.len - 5 >= sizeof out->local.sun_path)
            return ERR_LIMIT;
        out->local.sun_family = AF_UNIX;
        memcpy(out->local.sun_path, host + 5, name.len - 5);
        *out_len = sizeof out->local;
        return ERR_OK;
    }
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons(port);
        *out_len = sizeof out->v4;
        return ERR_OK;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
        out->v6.sin6_family = AF_INET6;
        out->v6.sin6_port = htons(port);
        *out_len = sizeof out->v6;
        return ERR_OK;
    }
    return ERR_USAGE;
}

static uint64_t network_of(const uint8_t *at, size_t len)
{
    uint64_t network = 0;
    for (size_t i = 0; i < len; i++)
        network = network << 8 | at[i];
    return network;
}

/* An IPv4 address is the same however it came: ::ffff:192.0.2.1 is 192.0.2.1 (RFC 4291 section 2.5.5.2). */
static uint64_t network6_of(const struct in6_addr *address)
{
    return IN6_IS_ADDR_V4MAPPED(address) ? network_of(address->s6_addr + 12, 4)
                                         : network_of(address->s6_addr, 8);
}

static void address_text(const union address *address, struct os_net_addr *out)
{
    memset(out, 0, sizeof *out);
    out->user = OS_NET_NO_USER;
    if (address->any.sa_family == AF_UNIX) {
        memcpy(out->host, "unix", 5);
    } else if (address->any.sa_family == AF_INET) {
        (void)inet_ntop(AF_INET, &address->v4.sin_addr, out->host, sizeof out->host);
        out->port = ntohs(address->v4.sin_port);
        out->network = network_of((const uint8_t *)&address->v4.sin_addr, 4);
    } else if (address->any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address->v6.sin6_addr, out->host, sizeof out->host);
        out->port = ntohs(address->v6.sin6_port);
        out->network = network6_of(&address->v6.sin6_addr);
    }
}

static err_t socket_error(void)
{
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return ERR_FULL;
    case EADDRINUSE:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    default:
        return ERR_IO;
    }
}

err_t os_net_listen(const char *host, uint16_t port, int *out_fd)
{
    union address address;
    socklen_t len = 0;
    err_t err = address_parse(host, port, &address, &len);
    if (err != ERR_OK)
        return err;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return socket_error();
    const int on = 1;
    /* The mode of a local socket is taken at bind: no moment in which others may connect. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        (address.any.sa_family == AF_UNIX && fchmod(fd, S_IRUSR | S_IWUSR) != 0) ||
        bind(fd, &address.any, len) != 0 || listen(fd, LIMIT_NET_BACKLOG) != 0) {
        err = socket_error();
        close(fd);
        return err;
    }
    *out_fd = fd;
    return ERR_OK;
}

err_t os_net_local(int fd, struct os_net_addr *out)
{
    union address address;
    socklen_t len = sizeof address;
    if (getsockname(fd, &address.any, &len) != 0)
        return ERR_IO;
    address_text(&address, out);
    return ERR_OK;
}

/* Small answers must not wait for the peer's delayed acknowledgement (measured: 45 ms without). */
static void no_delay(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* What waits in the system for a slow reader is memory, and cannot be told apart from what was read. */
static void keep_few(int fd)
{
    const int most = LIMIT_NET_UNSENT_BYTES;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most, sizeof most);
}

err_t os_net_accept(int listener, int *out_fd, struct os_net_addr *out_peer)
{
    union address address;
    socklen_t len = sizeof address;
    memset(&address, 0, sizeof address);
    int fd = accept4(listener, &address.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM ? ERR_FULL
                                                                                         : ERR_BUSY;
    no_delay(fd);
    keep_few(fd);
    address_text(&address, out_peer);
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (address.any.sa_family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        out_peer->user = (int64_t)peer.uid;
    *out_fd = fd;
    return ERR_OK;
}

err_t os_net_connect(const char *host, uint16_t port, int *out_fd)
{
    union address address;
    socklen_t len = 0;
    err_t err = address_parse(host, port, &address, &len);
    if (err != ERR_OK)
        return err;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return socket_error();
    no_delay(fd);
    if (connect(fd, &address.any, len) != 0 && errno != EINPROGRESS) {
        close(fd);
        return ERR_CLOSED;
    }
    *out_fd = fd;
    return ERR_OK;
}

err_t os_net_connected(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        return ERR_IO;
    return error == 0 ? ERR_OK : ERR_CLOSED;
}

err_t os_net_read(int fd, void *to, size_t size, size_t *out_len)
{
    ssize_t n;
    do
        n = recv(fd, to, size, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_BUSY : errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
    if (n == 0)
        return ERR_CLOSED;
    *out_len = (size_t)n;
    return ERR_OK;
}

err_t os_net_write(int fd, const struct bytes *pieces, size_t count, size_t *out_len)
{
    must(count <= WRITE_PIECES_MAX);
    struct iovec parts[WRITE_PIECES_MAX];
    for (size_t i = 0; i < count; i++)
        parts[i] = (struct iovec) {(void *)(uintptr_t)pieces[i].at, pieces[i].len};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_BUSY
               : errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED
                                                       : ERR_IO;
    *out_len = (size_t)n;
    return ERR_OK;
}

size_t os_net_unsent(int fd)
{
    int bytes = 0;
    return ioctl(fd, SIOCOUTQNSD, &bytes) == 0 && bytes >= 0 ? (size_t)bytes : SIZE_MAX;
}

void os_net_abort(int fd)
{
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
}

void os_net_shut_write(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void os_net_refuse(int listener)
{
    (void)shutdown(listener, SHUT_RD);
}

void os_net_close(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

err_t os_wake_open(int *out_fd)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return socket_error();
    *out_fd = fd;
    return ERR_OK;
}

void os_wake_up(int fd)
{
    const uint64_t one = 1;
    (void)!write(fd, &one, sizeof one);
}

void os_wake_drain(int fd)
{
    uint64_t count;
    (void)!read(fd, &count, sizeof count);
}
