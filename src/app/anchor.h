/* The anchor (DESIGN 4.7): what the keeper signed last, for every ledger, in one small file outside backups.
 * It is durable before a signature leaves, so that a restored or rolled-back log cannot make the node sign a
 * second past. The file holds two slots of fixed size, written in turn and each with its own digest: a torn
 * write costs the newer one at most (docs/protocol/LOG.md). One thread. */
#pragma once

#include <stdbool.h>

#include "core/hash.h"
#include "core/limit.h"
#include "os/os.h"

struct anchor;

struct anchor_row {
    uint64_t size;
    struct hash root;
};

/* Once, when the node is made: from then on a node without its anchor was restored from a backup. ERR_EXISTS.
 */
NODISCARD err_t anchor_make(const struct os *os, const char *path);
/* ERR_NOTFOUND: there is none. ERR_CORRUPT: the file is there and neither slot is whole. */
NODISCARD err_t anchor_open(const struct os *os, const char *path, struct anchor **out);
void anchor_close(struct anchor *anchor); /* accepts NULL */

/* False: nothing was signed under this origin. */
bool anchor_get(const struct anchor *anchor, struct str origin, struct anchor_row *out);
/* Durable on ERR_OK. ERR_FULL: LIMIT_ANCHOR_ROWS. After ERR_IO the anchor must not be used any more. */
NODISCARD err_t anchor_put(struct anchor *anchor, struct str origin, const struct anchor_row *row);
