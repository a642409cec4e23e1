/* The segment log and its key file: frames in, groups out, frames read back (docs/protocol/LOG.md). Internal
 * to the room; store.h is what others see, and says what each call promises. One thread, save log_write_run.
 */
#pragma once

#include "core/diag.h"
#include "core/limit.h"
#include "os/os.h"
#include "store/frame.h"
#include "store/keyfile.h"

enum { LOG_ALARM_MAX = 300 };

struct segment {
    uint64_t lsn_first;
    struct os_file *file;
    size_t size;        /* of the file */
    const uint8_t *map; /* NULL until the first read */
};

/* Frames gathered in memory. */
struct group {
    struct buf bytes;   /* frames, then COMMIT */
    struct buf headers; /* their headers once more: what COMMIT's digest is taken over */
    struct buf secrets; /* drawn ahead in blocks */
    uint64_t lsn_first;
    uint64_t slot_first;
    uint32_t slot_count;
    uint32_t frame_count;
};

/* A group on its way to the disk: everything that log_write_run may touch. */
struct store_write {
    const struct os *os;
    struct keyfile *keyfile;
    struct group *group;
    struct segment segment; /* the one to write into; file NULL: make it */
    struct os_file *spare;  /* what a new segment is made of; NULL: none is there */
    uint64_t offset;
    struct segment_head head; /* of a new segment */
    const char *dir;
    uint64_t segment_bytes;
    bool fresh;
    uint64_t lsn_end;
    struct hash digest;
};

struct log {
    const struct os *os;
    const struct diag *diag;
    char dir[LIMIT_PATH_BYTES];
    struct node_id node;
    unsigned suite; /* that seals: of its first segment, or what a new log is begun with */
    uint64_t segment_bytes;
    bool read_only;
    bool stopped; /* a write failed, or damage was found */
    char alarm[LOG_ALARM_MAX];

    struct segment *segments; /* in order */
    size_t segment_count;
    size_t segment_room;
    size_t segment_last_read;
    struct os_file *spare;
    uint64_t spare_filled;
    struct keyfile *keyfile;

    uint64_t lsn_durable;
    uint64_t number_durable;
    struct hash digest_durable;
    struct group_expect next; /* state behind the last closed group */

    struct group groups[2];
    struct group *open;        /* being filled */
    struct store_write *write; /* in flight */
    struct store_write write_memory;
    struct buf bound; /* scratch: associated data of a seal */
};

struct log_options {
    const struct os *os;
    const char *dir;
    struct node_id node;
    unsigned suite; /* of a new log; 0: SUITE_1 */
    uint64_t lsn_named;
    bool read_only;
    uint64_t segment_bytes;
    const struct diag *diag;
};

/* `log` is the caller's memory; log_deinit also after a failure. */
NODISCARD err_t log_init(struct log *log, const struct log_options *options);
void log_deinit(struct log *log);
/* Raises the alarm and stops the writer. */
void log_damaged(struct log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

NODISCARD err_t log_group_begin(struct log *log);
size_t log_group_left(const struct log *log);
NODISCARD err_t log_append(struct log *log, enum frame_kind kind, const struct bytes *parts, size_t count,
                           uint64_t *out_lsn);
/* `given`: the secret that the slot gets; NULL: a fresh one. */
NODISCARD err_t log_append_sealed(struct log *log, enum frame_kind kind, struct bytes envelope,
                                  struct bytes plain, const struct seal_secret *given, uint64_t *out_lsn,
                                  uint64_t *out_slot);
void log_group_abort(struct log *log);
NODISCARD err_t log_group_close(struct log *log, struct store_write **out);
NODISCARD err_t log_write_run(struct store_write *write);
err_t log_write_done(struct log *log, struct store_write *write, err_t err);
NODISCARD err_t log_idle(struct log *log, bool *out_more);

NODISCARD err_t log_segment_add(struct log *log, const struct segment *segment);
/* What stands at `lsn` up to the end of its segment, below the durable position. ERR_NOTFOUND. */
NODISCARD err_t log_bytes(struct log *log, uint64_t lsn, struct bytes *out);
NODISCARD err_t log_read(struct log *log, uint64_t lsn, struct frame *out);
NODISCARD err_t log_unseal(struct log *log, const struct frame *frame, struct buf *out);

NODISCARD err_t log_path(const char *dir, const char *tail, char out[LIMIT_PATH_BYTES]);
