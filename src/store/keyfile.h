/* The key file: one 32-byte secret per sealed frame, beside the log and never in it (docs/protocol/LOG.md).
 * Zero bytes mean unused or destroyed. Internal to the room.
 *
 * keyfile_write may run on another thread than the rest; keyfile_forget then tells the reading side that the
 * slots have changed. */
#pragma once

#include "core/seal.h"
#include "os/os.h"
#include "store/frame.h"

struct keyfile;

enum keyfile_how { KEYFILE_READ, KEYFILE_WRITE, KEYFILE_CREATE };

/* `suite`: of the log. KEYFILE_CREATE makes the file when it is absent and syncs the directory. ERR_INVALID:
 * another node's; ERR_CORRUPT, ERR_VERSION: a header that this version does not know, or of another suite. */
NODISCARD err_t keyfile_open(const struct os *os, const char *dir, const struct node_id *node, unsigned suite,
                             enum keyfile_how how, struct keyfile **out);
void keyfile_close(struct keyfile *keyfile); /* accepts NULL */

/* Slots that the file has room for now. */
NODISCARD err_t keyfile_slots(struct keyfile *keyfile, uint64_t *out);
/* Writes `count` secrets from `slot` on and syncs them. */
NODISCARD err_t keyfile_write(struct keyfile *keyfile, uint64_t slot, struct bytes secrets);
void keyfile_forget(struct keyfile *keyfile, uint64_t slot, uint64_t count);
/* ERR_NOTFOUND when unused or destroyed. */
NODISCARD err_t keyfile_read(struct keyfile *keyfile, uint64_t slot, struct seal_secret *out);
/* Overwrites with zeros; one sync for all of them. */
NODISCARD err_t keyfile_destroy(struct keyfile *keyfile, const uint64_t *slots, size_t count);
