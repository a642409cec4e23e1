/* Registered copies of the key file: each a folder, on another disk, with a `secrets.key` that is kept equal
 * to the key file, and in which secrets are overwritten with it (DESIGN 4.11, docs/protocol/LOG.md "Copies").
 *
 * Which places are registered is the caller's to know, and to keep. Nothing here fails the store: whatever
 * goes wrong at a copy makes that copy unreachable or foreign. A copy's file is opened for each step and
 * closed again, so that its disk can be taken away; one that comes back counts when it has been compared from
 * its beginning. The writer's thread. A disk that answers neither yes nor no holds the caller up.
 *
 * What is never done: a file is made where one was before (keycopy_make alone makes any); a secret is written
 * over another one; a secret is overwritten because the key file lacks it, unless it was destroyed. */
#pragma once

#include "core/limit.h"
#include "store/store.h"

enum { STORE_COPIES_MAX = LIMIT_KEY_COPIES, STORE_COPY_LABEL_SIZE = 16 };

enum store_copy_state {
    STORE_COPY_UNREACHABLE, /* `err` says why */
    STORE_COPY_FOREIGN, /* another file stands there. ERR_INVALID: of another node; ERR_EXISTS: another copy
                         * than was registered; ERR_CONFLICT: of another past of this node, or of a later
                         * one than its log, which was set back; ERR_CORRUPT,
                         * ERR_VERSION: no key file of this log. Never written */
    STORE_COPY_BEHIND,  /* not all of it was compared yet */
    STORE_COPY_CURRENT,
};

struct store_copy {
    char dir[LIMIT_PATH_BYTES];
    uint8_t label[STORE_COPY_LABEL_SIZE];
    enum store_copy_state state;
    err_t err;
    uint64_t slots; /* the first so many are equal to the key file's, durably */
    uint64_t lost;  /* ...but for these, which the key file has lost and nobody destroyed */
    bool made;      /* secrets may be written; before that only its file is made */
    bool distrust;  /* a write failed: what reads as equal may not be on the disk */
};

/* Was the secret of this slot destroyed, or is it about to be? Any other error than ERR_OK: it is asked
 * again.
 */
typedef err_t store_copy_gone(void *ctx, uint64_t slot, bool *out);

/* One more, unreachable until the next step. `made`: its file was made at some time. ERR_EXISTS, ERR_FULL,
 * ERR_LIMIT (too long a path). */
NODISCARD err_t store_copy_add(struct store *store, const char *dir,
                               const uint8_t label[STORE_COPY_LABEL_SIZE], bool made);
/* No more of it; its file stays as it is. */
void store_copy_drop(struct store *store, size_t at);
/* Overwrites all that it holds; durable when it returns. Its file stays, and is filled again by the next step
 * unless it is dropped. Its state says why not. */
NODISCARD err_t store_copy_erase(struct store *store, size_t at);
size_t store_copy_count(const struct store *store);
const struct store_copy *store_copy_at(const struct store *store, size_t at);
/* Makes its file, without a secret, in a folder that is there, or labels one of this node that stands there.
 * Durable when it returns. The copy's state says it, too. */
NODISCARD err_t store_copy_make(struct store *store, size_t at);
/* From now on it gets secrets: the caller knows for good that its file was made. */
void store_copy_begin(struct store *store, size_t at);

/* Opens each copy and brings it on by a bounded amount. True: there is more to do at once. Durable secrets
 * only. */
bool store_copies_step(struct store *store, store_copy_gone *gone, void *ctx);
/* All that get secrets, as the last step or destroying left them? True without any. */
bool store_copies_current(const struct store *store);
/* Slots of the key file that durable groups use, while the store can be written. */
uint64_t store_slots(const struct store *store);
