#define _DEFAULT_SOURCE

#include "os/local.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static err_t address_of(const char *path, struct sockaddr_un *out)
{
    size_t len = strlen(path);
    memset(out, 0, sizeof *out);
    out->sun_family = AF_UNIX;
    if (len >= sizeof out->sun_path)
        return ERR_LIMIT;
    memcpy(out->sun_path, path, len + 1);
    return ERR_OK;
}

err_t os_local_connect(const char *path, int *out_fd)
{
    struct sockaddr_un address;
    err_t err = address_of(path, &address);
    if (err != ERR_OK)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_FULL;
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int why = errno;
        close(fd);
        return why == EACCES || why == EPERM                             ? ERR_DENIED
               : why == ENOENT || why == ECONNREFUSED || why == ENOTSOCK ? ERR_NOTFOUND
                                                                         : ERR_IO;
    }
    *out_fd = fd;
    return ERR_OK;
}

err_t os_local_share(const char *path)
{
    if (chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP) == 0)
        return ERR_OK;
    return errno == EACCES || errno == EPERM ? ERR_DENIED : errno == ENOENT ? ERR_NOTFOUND : ERR_IO;
}

err_t os_local_write(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t put = send(fd, bytes.at, bytes.len, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == EPIPE || errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
        bytes.at += put;
        bytes.len -= (size_t)put;
    }
    return ERR_OK;
}

err_t os_local_read(int fd, void *to, size_t size, size_t *out_len)
{
    ssize_t got;
    do
        got = recv(fd, to, size, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == ECONNRESET ? ERR_CLOSED : ERR_IO;
    if (got == 0)
        return ERR_CLOSED;
    *out_len = (size_t)got;
    return ERR_OK;
}

bool os_local_readable(int fd, int wait_ms)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&one, 1, wait_ms);
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

void os_local_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    if (path == NULL || address_of(path, &address) != ERR_OK)
        return;
    size_t len = strlen(path);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0'; /* an abstract name: a leading zero, no terminator */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}
