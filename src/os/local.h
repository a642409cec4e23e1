/* The command line's end of a local (unix) socket, and the service manager's. The server's end is os_net.h.
 * Everything here waits. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

/* Blocking. ERR_NOTFOUND: nobody listens there. ERR_DENIED. */
NODISCARD err_t os_local_connect(const char *path, int *out_fd);
/* The socket at `path` may be spoken to by its group as well: mode 0660. Made with the owner's rights alone
 * (os_net_listen), so at no moment with more. */
NODISCARD err_t os_local_share(const char *path);
/* Blocking: all of it, or an error. */
NODISCARD err_t os_local_write(int fd, struct bytes bytes);
/* Blocking: at least one byte. ERR_CLOSED at the end. */
NODISCARD err_t os_local_read(int fd, void *to, size_t size, size_t *out_len);
/* Can something be read without waiting? Waits at most `wait_ms` (< 0: until it can). */
bool os_local_readable(int fd, int wait_ms);
/* Tells the service manager ("READY=1") by the socket that it named; nothing when there is none. */
void os_local_notify(const char *state);
