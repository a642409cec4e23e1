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

/* What tells a registered copy (keycopy.h) from every other file of the same node. */
enum { KEYFILE_LABEL_SIZE = 16 };

/* `suite`: of the log. KEYFILE_CREATE makes the file when it is absent and syncs the directory. ERR_INVALID:
 * another node's; ERR_CORRUPT, ERR_VERSION: a header that this version does not know, or of another suite. */
NODISCARD err_t keyfile_open(const struct os *os, const char *dir, const struct node_id *node, unsigned suite,
                             enum keyfile_how how, struct keyfile **out);
void keyfile_close(struct keyfile *keyfile); /* accepts NULL */

/* Makes the file in a directory that is there, with this label; where one of this node stands, labels it. */
NODISCARD err_t keyfile_label(const struct os *os, const char *dir, const struct node_id *node,
                              unsigned suite, const uint8_t label[KEYFILE_LABEL_SIZE]);
/* ERR_NOTFOUND: it has another one, or none. */
NODISCARD err_t keyfile_labelled(struct keyfile *keyfile, const uint8_t label[KEYFILE_LABEL_SIZE]);

/* How far the log was when a copy was written last: the end of a group, and the digest of that group. */
struct keyfile_mark {
    uint64_t lsn_end;
    struct hash digest;
};
/* ERR_NOTFOUND: it has none. ERR_CORRUPT. */
NODISCARD err_t keyfile_mark_read(struct keyfile *keyfile, struct keyfile_mark *out);
/* Durable when it returns; one that is torn leaves that of before. */
NODISCARD err_t keyfile_mark_write(struct keyfile *keyfile, const struct keyfile_mark *mark);

/* Slots that the file has room for now. */
NODISCARD err_t keyfile_slots(struct keyfile *keyfile, uint64_t *out);
/* Secrets as they stand from `slot` on, zeros where the file ends before. Goes round what was read lately;
 * the caller wipes them. */
NODISCARD err_t keyfile_slots_read(struct keyfile *keyfile, uint64_t slot, struct seal_secret *out,
                                   size_t count);
/* Writes secrets from `slot` on; durable with keyfile_sync. */
NODISCARD err_t keyfile_slots_write(struct keyfile *keyfile, uint64_t slot, struct bytes secrets);
NODISCARD err_t keyfile_sync(struct keyfile *keyfile);
/* Overwrites all of them with zeros and syncs. */
NODISCARD err_t keyfile_erase(struct keyfile *keyfile);
/* Writes secrets from `slot` on and syncs them. */
NODISCARD err_t keyfile_write(struct keyfile *keyfile, uint64_t slot, struct bytes secrets);
/* Overwritten, or as much of it that it opens nothing. */
bool keyfile_is_destroyed(const struct seal_secret *secret);
void keyfile_forget(struct keyfile *keyfile, uint64_t slot, uint64_t count);
/* ERR_NOTFOUND when unused or destroyed. */
NODISCARD err_t keyfile_read(struct keyfile *keyfile, uint64_t slot, struct seal_secret *out);
/* Overwrites with zeros; one sync for all of them. */
NODISCARD err_t keyfile_destroy(struct keyfile *keyfile, const uint64_t *slots, size_t count);
