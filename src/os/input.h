/* What a command reads, whatever its size: a file, a pipe or standard input, and files without a name to
 * unpack into. For the command line only: the store and everything else use os.h. Waits. One thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/str.h"

struct os_input {
    int fd;
    bool plain;    /* a file that has a size and can be mapped */
    uint64_t size; /* when plain */
};

/* "-" is standard input. ERR_NOTFOUND, ERR_DENIED, ERR_USAGE for a directory, ERR_UNSUPPORTED
 * for a device, a socket or a named pipe by their name: they may have no end. ERR_IO. */
NODISCARD err_t os_input_open(const char *path, struct os_input *out);
/* At most `size` bytes from where the last call ended; 0: the end. */
NODISCARD err_t os_input_read(const struct os_input *input, void *to, size_t size, size_t *out_len);
/* An empty file without a name below TMPDIR (/var/tmp): gone with the process. ERR_FULL, ERR_DENIED. */
NODISCARD err_t os_input_spool(struct os_input *out);
/* Appends to a spool. ERR_FULL. */
NODISCARD err_t os_input_spool_write(struct os_input *spool, struct bytes bytes);
/* All of a plain file or spool, read-only; nothing is read before it is looked at. A file that somebody cuts
 * shorter meanwhile ends the process. */
NODISCARD err_t os_input_map(const struct os_input *input, struct bytes *out);
void os_input_unmap(struct bytes bytes);     /* accepts an empty one */
void os_input_close(struct os_input *input); /* leaves standard input open */
