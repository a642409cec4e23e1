/* Whole small files by way of os: keys, cards, configuration. Never for the store. Any thread. */
#pragma once

#include "core/buf.h"
#include "core/limit.h"
#include "os/os.h"

enum { FILE_PATH_SIZE = LIMIT_PATH_BYTES };

/* "dir/name", or `name` alone when it is absolute. ERR_LIMIT. */
NODISCARD err_t file_path(const char *dir, const char *name, char out[FILE_PATH_SIZE]);
/* Appends to `out`. ERR_LIMIT when the file is larger than `out` may become. */
NODISCARD err_t file_read_all(const struct os *os, const char *path, struct buf *out);
/* The new content is whole and durable, or the old one stands. The name beside it, ".new", is used on the
 * way. */
NODISCARD err_t file_replace(const struct os *os, const char *dir, const char *name, struct bytes content);
/* The same, and the group of its directory may read it: where the node's accounts are several (accounts.h).
 */
NODISCARD err_t file_replace_shared(const struct os *os, const char *dir, const char *name,
                                    struct bytes content);
bool file_exists(const struct os *os, const char *path);
