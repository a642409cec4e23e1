/* Sockets and wake-ups as this program needs them, and nothing more: the only door of room net to the system.
 *
 * Every descriptor is non-blocking and close-on-exec. Writing to a closed peer never raises SIGPIPE here
 * (MSG_NOSIGNAL); OpenSSL writes with write(), so os_net_start() also ignores the signal, once per process.
 * Nothing blocks. Addresses are numeric: only the HTTP client resolves names.
 * Any thread; one descriptor belongs to one thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

/* Ignores SIGPIPE in the whole process. Idempotent. */
void os_net_start(void);

/* Milliseconds of the monotonic clock: for deadlines only, never for anything that leaves the node. */
uint64_t os_net_now_ms(void);

enum { OS_NET_HOST_MAX = 64, OS_NET_NO_USER = -1 };

/* A numeric address: "127.0.0.1", "::1"; or "unix" with the user at the other end of a local socket. */
struct os_net_addr {
    char host[OS_NET_HOST_MAX];
    uint16_t port;
    uint64_t network; /* what one subscriber has: an IPv4 address, the first 64 bits of an IPv6 one; else 0 */
    int64_t user;     /* user number as the kernel vouches for it (SO_PEERCRED), or OS_NET_NO_USER */
};

/* Listens on a numeric address ("0.0.0.0", "::", "127.0.0.1"); port 0 lets the system choose. Or on a local
 * socket, "unix:" and a path (at most 107 bytes, the port is ignored): mode 0600; ERR_EXISTS when the name is
 * taken, also by one that was left over. */
NODISCARD err_t os_net_listen(const char *host, uint16_t port, int *out_fd);
NODISCARD err_t os_net_local(int fd, struct os_net_addr *out);
/* ERR_BUSY: nobody waits. ERR_FULL: no descriptor or memory left; try again later. */
NODISCARD err_t os_net_accept(int listener, int *out_fd, struct os_net_addr *out_peer);
/* Starts a connection to a numeric address or a local socket; writable when it stands (os_net_connected tells
 * how it went). */
NODISCARD err_t os_net_connect(const char *host, uint16_t port, int *out_fd);
NODISCARD err_t os_net_connected(int fd);

/* ERR_BUSY: would block. ERR_CLOSED: the peer closed. ERR_IO: anything else. */
NODISCARD err_t os_net_read(int fd, void *to, size_t size, size_t *out_len);
/* Gathers the pieces into one send. Writes at least one byte, or ERR_BUSY. At most 8 pieces. */
NODISCARD err_t os_net_write(int fd, const struct bytes *pieces, size_t count, size_t *out_len);
/* Bytes that were written and that the system has not sent yet. SIZE_MAX: it does not tell. */
size_t os_net_unsent(int fd);
/* os_net_close will then throw those away and reset the connection: the peer reads what it has received, and
 * an error, never an end. */
void os_net_abort(int fd);
/* Says that no more will be written; the peer reads an end. */
void os_net_shut_write(int fd);
/* Nobody gets in any more: connecting is refused from here on. Who knocked before is still accepted. */
void os_net_refuse(int listener);
void os_net_close(int fd);

/* --- wake-ups (eventfd): readable once woken, until drained --- */

NODISCARD err_t os_wake_open(int *out_fd);
/* Async-signal-safe; any thread. */
void os_wake_up(int fd);
void os_wake_drain(int fd);
