/* The store: log, key file, index and what of the index is still in memory, behind one door for gate.
 *
 * How it is used (one thread, "the writer", calls everything but store_write_run and store_merge_run):
 *
 *     store_group_begin -> store_append / store_append_sealed, store_put / store_delete ... ->
 * store_group_commit
 *
 * Appended frames and index entries of a group become durable together or not at all. What store_put wrote is
 * seen by store_get and store_scan at once, also before it is durable: whoever answers outsiders or decides
 * releases looks at store_durable_lsn and reads no frame at or behind it. The index follows: store_merge
 * writes sorted batches of durable entries; entries stay visible throughout.
 *
 * The split form keeps the writer running while the disk works: store_group_close hands out a job,
 * store_write_run does its input and output (any thread, touches nothing else), store_write_done publishes.
 * One job at a time, in order; meanwhile the next group may be filled. store_merge_begin / _run / _done
 * likewise.
 *
 * After opening, gate replays: store_iter from store_applied_lsn up to store_durable_lsn, store_put for what
 * each frame means, store_replay_to after each. Until that reaches store_durable_lsn no group may begin.
 *
 * The first failed write or sync stops the writer for good: everything that writes answers ERR_READONLY from
 * then on, the unpublished groups' index entries are taken back, and reading below store_durable_lsn goes on.
 */
#pragma once

#include "core/diag.h"
#include "core/seal.h"
#include "os/os.h"
#include "store/frame.h"
#include "store/index.h"

struct store;
struct store_write; /* one group on its way to the disk */
struct store_merge; /* one batch on its way to the index */

struct store_options {
    const struct os *os;
    const char *dir;         /* made when absent */
    struct index *index;     /* the caller's, outlives the store */
    struct node_id node;     /* must match what the files say */
    unsigned suite;          /* that seals (core/seal.h) in a new log; an old one keeps its own. 0: SUITE_1 */
    uint64_t lsn_named;      /* the highest position that somebody outside names (anchor); LSN_NONE */
    bool read_only;          /* no lock, nothing written, a bad tail is left where it is */
    uint64_t segment_bytes;  /* 0: LIMIT_SEGMENT_BYTES; tests use small ones */
    size_t filter_keys;      /* first size of the filter that spares questions to the index; 0: 4 million */
    uint32_t merge_frames;   /* a merge is due after so many frames; 0: half of LIMIT_INDEX_LAG */
    const struct diag *diag; /* may be NULL */
};

/* ERR_BUSY: another process has it open. ERR_INVALID: another node's. ERR_VERSION: of a suite or a version
 * that this program does not know. Damage does not fail the opening: the store is then read-only, and
 * store_alarm says why. */
NODISCARD err_t store_open(const struct store_options *options, struct store **out);
/* Accepts NULL. Throws away an open group. A job must be done before. Entries that are not merged yet come
 * back by replay. */
void store_close(struct store *store);

/* NULL while all is well; otherwise why the store is read-only, as a sentence. */
const char *store_alarm(const struct store *store);
/* That seals what is in it. */
unsigned store_suite(const struct store *store);
bool store_writable(const struct store *store);
/* Everything below is durable: the end of the last group that was synced. LSN_FIRST when empty. */
uint64_t store_durable_lsn(const struct store *store);
/* Where the next frame goes. */
uint64_t store_end_lsn(const struct store *store);
/* The index on disk holds all entries of frames below. LSN_FIRST when it is empty. */
uint64_t store_applied_lsn(const struct store *store);
/* Frames whose entries are in memory only. */
uint64_t store_lag(const struct store *store);
/* Number and digest of the last durable group (0 and zero at the start). */
uint64_t store_group_number(const struct store *store, struct hash *out_digest);

/* --- writing --- */

/* ERR_BUSY: the index lags by LIMIT_INDEX_LAG frames; merge first. ERR_READONLY. ERR_WRONGSTATE: a group is
 * open, or replay is not complete. */
NODISCARD err_t store_group_begin(struct store *store);
/* Bytes that still fit in the open group before it should be committed; 0 when it is full. One frame may
 * cross. */
size_t store_group_left(const struct store *store);
/* Frames in the open group. */
uint32_t store_group_frames(const struct store *store);
/* One frame whose payload is the parts in order. ERR_FULL: the group is full, commit first. ERR_LIMIT: too
 * large a payload, ever. ERR_USAGE: a kind that is sealed or not for callers. A refused append leaves the
 * group as it was. */
NODISCARD err_t store_append(struct store *store, enum frame_kind kind, const struct bytes *parts,
                             size_t count, uint64_t *out_lsn);
/* OBJ or QUAR: seals `plain` (at most LIMIT_SEALED_BYTES) under a fresh secret. `envelope` stays clear, is
 * authenticated by the seal, and should hold nothing that a recall has to destroy. */
NODISCARD err_t store_append_sealed(struct store *store, enum frame_kind kind, struct bytes envelope,
                                    struct bytes plain, uint64_t *out_lsn, uint64_t *out_slot);
/* The same under a secret of the caller's, which from then on stands in the key file alone and goes as every
 * other goes (store_secrets_destroy). Never all zeros. */
NODISCARD err_t store_append_keyed(struct store *store, enum frame_kind kind, struct bytes envelope,
                                   const struct seal_secret *secret, uint64_t *out_lsn, uint64_t *out_slot);
/* The secret of a slot of the open group (for leaf salts); store_secret for durable ones. */
NODISCARD err_t store_group_secret(const struct store *store, uint64_t slot, struct seal_secret *out);

/* Index entries of the open group (or of the frame being replayed). Newest wins. Keys and values are copied.
 * After ERR_NOMEM the open group can only be aborted: whoever commits it is told ERR_NOMEM, and it is. */
NODISCARD err_t store_put(struct store *store, enum index_table table, struct bytes key, struct bytes value);
NODISCARD err_t store_delete(struct store *store, enum index_table table, struct bytes key);

/* Writes and syncs, then publishes. An empty group (no frames) is success and takes back its entries. */
NODISCARD err_t store_group_commit(struct store *store);
/* Forgets the open group: frames and entries. */
void store_group_abort(struct store *store);

/* The split form. *out is NULL after an empty group. ERR_BUSY: the job before is not done. */
NODISCARD err_t store_group_close(struct store *store, struct store_write **out);
/* Any thread; keep its result for store_write_done. */
NODISCARD err_t store_write_run(struct store_write *write);
/* `err`: what store_write_run gave. Publishes, or stops the writer. Returns err. */
err_t store_write_done(struct store *store, struct store_write *write, err_t err);

/* Housekeeping for an idle moment: fills the next segment with zeros, 4 MiB a call. *out_more: call again.
 * Optional: a segment that was not filled ahead is only reserved, and its first syncs are dearer. */
NODISCARD err_t store_idle(struct store *store, bool *out_more);

/* --- reading frames --- */

/* The frame that starts at `lsn`, verified; borrowed until store_close. ERR_NOTFOUND at or above the durable
 * position, or when no frame starts there; ERR_CORRUPT. */
NODISCARD err_t store_read(struct store *store, uint64_t lsn, struct frame *out);

struct store_iter {
    struct store *store;
    uint64_t lsn;   /* of the next frame */
    uint64_t until; /* exclusive */
};
/* Frames in [from, until), COMMITs left out. `from` must be the start of a frame or the end of a group. An
 * `until` above the durable position is lowered to it. */
struct store_iter store_iter(struct store *store, uint64_t from, uint64_t until);
/* ERR_NOTFOUND at the end. */
NODISCARD err_t store_iter_next(struct store_iter *iter, struct frame *out);

/* Opens the sealed bytes of an OBJ or QUAR and appends the plain ones to `out`. ERR_NOTFOUND: the secret was
 * destroyed. ERR_SIGNATURE: damaged. */
NODISCARD err_t store_unseal(struct store *store, const struct frame *frame, struct buf *out);
/* ERR_NOTFOUND: destroyed. The caller wipes its copy. */
NODISCARD err_t store_secret(struct store *store, uint64_t slot, struct seal_secret *out);
/* Overwrites these secrets and syncs once: the payloads are gone. Only for durable frames; those that are
 * gone already may be among them. Then the same at each registered copy, whose state says how that went
 * (keycopy.h). */
NODISCARD err_t store_secrets_destroy(struct store *store, const uint64_t *slots, size_t count);

/* --- reading index entries: memory and disk as one --- */

/* Borrowed until the next store_put, store_delete, a begin/commit/abort/done, or store_view_end. */
NODISCARD err_t store_get(struct store *store, enum index_table table, struct bytes key, struct bytes *out);
/* The same for an entry that no frame below `lsn` put: while the index has not come so far, only memory is
 * asked. */
NODISCARD err_t store_get_since(struct store *store, uint64_t lsn, enum index_table table, struct bytes key,
                                struct bytes *out);

/* An ordered walk over the keys that begin with `prefix` (may be empty: the whole table), from the first key
 * >= `from` (empty: from the start of the prefix). In ID and REF a walk by less than their prefix column
 * sorts everything that is in memory first: for operators' commands only. Nothing may be put while a scan is
 * open. */
struct store_scan;
NODISCARD err_t store_scan_open(struct store *store, enum index_table table, struct bytes prefix,
                                struct bytes from, struct store_scan **out);
/* ERR_NOTFOUND at the end. Borrowed until store_scan_close. */
NODISCARD err_t store_scan_next(struct store_scan *scan, struct bytes *out_key, struct bytes *out_value);
void store_scan_close(struct store_scan *scan); /* accepts NULL */

/* Gives back the index's read transaction. Call at the end of every step: none may be held across a socket
 * write or 250 ms. */
void store_view_end(struct store *store);

/* --- replay and merging --- */

/* All frames below `lsn` have been replayed (their entries put). */
NODISCARD err_t store_replay_to(struct store *store, uint64_t lsn);

/* True when a merge is due, or always when `any` and there is something durable to merge. */
bool store_merge_due(const struct store *store, bool any);
/* Merges what is due (or, with `any`, all that is durable). Success when there is nothing to do. No group may
 * be open. */
NODISCARD err_t store_merge(struct store *store, bool any);
/* The split form. ERR_NOTFOUND: nothing to do. ERR_BUSY: the merge before is not done. */
NODISCARD err_t store_merge_begin(struct store *store, bool any, struct store_merge **out);
NODISCARD err_t store_merge_run(struct store_merge *merge); /* any thread */
/* Returns err. After a failure the entries stay in memory, and merging stops. */
err_t store_merge_done(struct store *store, struct store_merge *merge, err_t err);

/* --- checking --- */

struct store_check {
    uint64_t segments;
    uint64_t groups;
    uint64_t frames;
    uint64_t sealed;    /* opened and found whole */
    uint64_t destroyed; /* sealed frames whose secret is gone: compare with RECALL and PURGED */
    uint64_t faults;    /* 0 when all is well */
    uint64_t fault_lsn; /* the first */
    err_t fault_err;
    char fault_what[FAULT_WHAT_MAX];
};
/* Reads everything that is durable: each frame's check, each COMMIT and the chain of digests, each seal.
 * `progress` (may be NULL) is called about every 16 MiB. Returns an error only when checking itself was
 * impossible; faults are counted. */
NODISCARD err_t store_check(struct store *store, void (*progress)(void *ctx, uint64_t lsn, uint64_t lsn_end),
                            void *ctx, struct store_check *out);
