/* Frames, COMMITs and segment headers of the log as bytes (docs/protocol/LOG.md). Pure: no files, no state.
 * Everything read here may be damaged or hostile. */
#pragma once

#include "core/buf.h"
#include "core/hash.h"

/* kind, number on disk, may be written by callers, starts with a sealed head */
#define FRAME_KIND_LIST(X)                                                                                   \
    X(OBJ, 1, true, true)                                                                                    \
    X(SEEN, 2, true, false)                                                                                  \
    X(QUAR, 3, true, true)                                                                                   \
    X(POLICY, 4, true, false)                                                                                \
    X(DECIDE, 5, true, false)                                                                                \
    X(JOB, 6, true, false)                                                                                   \
    X(CHECKPOINT, 7, true, false)                                                                            \
    X(CURSOR, 8, true, false)                                                                                \
    X(RECEIPT, 9, true, false)                                                                               \
    X(RECALL, 10, true, false)                                                                               \
    X(PURGED, 11, true, false)                                                                               \
    X(EPOCH, 12, true, false)                                                                                \
    X(MINT, 13, true, true)                                                                                  \
    X(SECRET, 14, true, true)                                                                                \
    X(COMMIT, 255, false, false)

enum frame_kind {
#define X(name, number, written, sealed) FRAME_##name = (number),
    FRAME_KIND_LIST(X)
#undef X
};

enum {
    LSN_NONE = 0,
    LSN_FIRST = 64,
    LOG_SUITE = 1, /* of digests, in files that seal nothing */
    LOG_VERSION = 1,
    NODE_ID_SIZE = 16,
    FRAME_HEADER_SIZE = 24,
    COMMIT_PAYLOAD_SIZE = 112,
    COMMIT_FRAME_SIZE = FRAME_HEADER_SIZE + COMMIT_PAYLOAD_SIZE,
    SEGMENT_HEADER_SIZE = 4096,
    SEALED_HEAD_SIZE = 12,
};

struct node_id {
    uint8_t b[NODE_ID_SIZE];
};
/* Whose files these are follows from the node's name. */
struct node_id node_id_of(struct str name);

/* A frame as read: borrowed bytes, good as long as what they were read from. For sealed kinds slot, envelope
 * and sealed are set; otherwise they are zero. */
struct frame {
    uint64_t lsn;
    uint64_t lsn_next; /* where the next frame starts (a COMMIT counts as a frame) */
    enum frame_kind kind;
    struct bytes payload;
    uint64_t slot;
    struct bytes envelope;
    struct bytes sealed;
};

struct commit {
    uint64_t number;
    uint64_t lsn_first;
    uint64_t size_bytes;
    uint32_t frame_count;
    uint64_t slot_next;
    struct hash headers;
    struct hash previous;
};

struct segment_head {
    struct node_id node;
    uint64_t lsn_first;
    uint64_t number;    /* of the group that starts the segment */
    uint64_t slot_next; /* slots in use before it */
    struct hash previous;
    unsigned suite; /* that seals what the segment holds (core/seal.h) */
};

/* NULL for a number that is no kind. */
const char *frame_kind_name(unsigned kind);
bool frame_kind_written(unsigned kind);
bool frame_kind_sealed(unsigned kind);

/* Fills in the header for a payload of which every byte stands behind it. */
void frame_head_write(uint8_t head[FRAME_HEADER_SIZE], unsigned suite, enum frame_kind kind, uint64_t lsn,
                      struct bytes payload);

/* Reads the frame of a log of `suite` that should start at `lsn` in `data` (which may go on behind it).
 * ERR_NOTFOUND: 24 zero bytes, or nothing left at all: the end of what was written. ERR_SHORT: cut off.
 * ERR_CORRUPT: anything else that is no frame of this version. */
NODISCARD err_t frame_read(struct bytes data, unsigned suite, uint64_t lsn, struct frame *out);

void commit_write(struct buf *buf, const struct commit *commit);
/* `payload` of a COMMIT frame. ERR_CORRUPT unless well formed. */
NODISCARD err_t commit_read(struct bytes payload, struct commit *out);

/* Reads one whole group at the start of `data` and checks it against the group before: number, slots and
 * previous digest. *out_size: bytes with COMMIT. Errors as frame_read; ERR_NOTFOUND only when no frame was
 * there. */
struct group_expect {
    uint64_t lsn;
    uint64_t number;
    uint64_t slot_next;
    struct hash previous;
    unsigned suite; /* of the log: another one's frames are none of this log */
};
/* On success `expect` is moved on to the next group. `headers` is scratch memory, cleared first. */
NODISCARD err_t group_read(struct bytes data, struct group_expect *expect, struct buf *headers);

/* True when a valid COMMIT frame with a number above `number` stands anywhere in `data`, whose first byte has
 * position `lsn`. */
bool commit_beyond(struct bytes data, unsigned suite, uint64_t lsn, uint64_t number);

void segment_head_write(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_head *head);
/* ERR_CORRUPT; ERR_VERSION: of a version or a suite that this program does not know. */
NODISCARD err_t segment_head_read(struct bytes data, struct segment_head *out);
