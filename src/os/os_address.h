/* Sockets for calls to servers that somebody else's configuration or answer may have named: never to an
 * address that is this machine's or this network's own (RFC 6890, RFC 4193), whatever the name resolved to.
 * Any thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"

/* `address` is a struct sockaddr of `size` bytes. True for addresses of the public Internet; those of other
 * families are none. */
bool os_address_is_public(const void *address, size_t size);
/* True for the text of an address (IPv6 also in brackets), or the name localhost, that is not public. Of
 * other names only their resolution knows. */
bool os_address_is_private_text(const char *host);
/* A stream socket of the address's family, non-blocking and close-on-exec. ERR_DENIED: not public. */
NODISCARD err_t os_address_socket(const void *address, size_t size, int *out_fd);
