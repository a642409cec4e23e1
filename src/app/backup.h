/* A copy of a node that is made while it runs, and a node that is made of one.
 *
 * A backup is a folder with the node's files in their places and SHA256SUMS, which `sha256sum -c` reads: what
 * is true (the log and its key file), configuration, card and keys. Not in it: what is derived (index,
 * ledgers' tiles, search), the access record, the root key, and the anchor, which exists to notice that a
 * backup came back. The secrets may go to a folder of their own: each of the two opens nothing alone.
 *
 * Must never: hold a log without the word that a secret of it was destroyed, or a log that is ahead of its
 * secrets; write into the node; take a file that SHA256SUMS does not vouch for. Any thread. */
#pragma once

#include "os/os.h"

#define BACKUP_SUMS "SHA256SUMS"

struct backup {
    const struct os *os;
    const char *node;    /* the node's directory */
    const char *name;    /* the node's name */
    const char *folder;  /* of the backup */
    const char *secrets; /* another folder for keys and secrets; NULL: in `folder` too */
};

struct backup_told {
    uint64_t lsn;   /* the log up to here, or what was taken back of it */
    uint64_t files; /* written */
    uint64_t bytes;
    uint64_t kept; /* files that stood there as they are: segments of the log never change */
};

/* Makes it, or brings one of this node up to date. ERR_BUSY: contents were destroyed again and again while it
 * was copied. ERR_EXISTS: a folder is there and holds something else. `fault` says what. */
NODISCARD err_t backup_make(const struct backup *backup, struct backup_told *out, struct fault *fault);
/* Makes the directory `node` of it. ERR_EXISTS: there is a node. ERR_CORRUPT: a file is not what was backed
 * up. What was written stays for a look. The caller makes the index. */
NODISCARD err_t backup_restore(const struct backup *backup, struct backup_told *out, struct fault *fault);
