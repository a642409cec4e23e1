/* The anchor: one small file outside the store's directory and outside backups, that names what this node has
 * signed. A store that is behind its anchor was restored from an older copy and must sign nothing (DESIGN 4
 * step 15). Format: docs/protocol/LOG.md. */
#pragma once

#include "os/os.h"
#include "store/frame.h"

struct anchor_row {
    uint8_t ledger[32]; /* id of one ledger */
    uint32_t epoch;
    uint64_t size;
    struct hash root;
};

struct anchor {
    struct node_id node;
    uint64_t lsn_durable; /* the log must reach it */
    int64_t time_us;
    struct anchor_row *rows; /* the caller's memory */
    uint32_t row_count;      /* at most LIMIT_ANCHOR_ROWS */
};

/* Replaces the file in one durable step. */
NODISCARD err_t anchor_write(const struct os *os, const char *path, const struct anchor *anchor);
/* `rows` has room for LIMIT_ANCHOR_ROWS; out->rows points to it. ERR_NOTFOUND: there is none. ERR_CORRUPT.
 * ERR_VERSION. ERR_INVALID: another node's. */
NODISCARD err_t anchor_read(const struct os *os, const char *path, const struct node_id *node,
                            struct anchor_row *rows, struct anchor *out);
