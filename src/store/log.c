#include "store/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/wr.h"

enum { SECRET_BLOCK = 4096 /* bytes of secrets drawn at a time */, IDLE_BYTES = 4 << 20 };

err_t log_path(const char *dir, const char *tail, char out[LIMIT_PATH_BYTES])
{
    int len = snprintf(out, LIMIT_PATH_BYTES, "%s/%s", dir, tail);
    return len > 0 && len < LIMIT_PATH_BYTES ? ERR_OK : ERR_LIMIT;
}

void log_damaged(struct log *log, const char *fmt, ...)
{
    log->stopped = true;
    if (log->alarm[0] != 0)
        return;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(log->alarm, sizeof log->alarm, fmt, args);
    va_end(args);
    diag_say(
        log->diag, DIAG_ERROR, ERR_CORRUPT, "store",
        "the node serves what is durable and accepts nothing; run `bongsu check`, then restart or restore",
        "%s", log->alarm);
}

/* --- groups --- */

static void group_clear(struct group *group)
{
    buf_clear(&group->bytes);
    buf_clear(&group->headers);
    mem_wipe(group->secrets.at, group->secrets.len);
    buf_clear(&group->secrets);
    group->slot_count = group->frame_count = 0;
}

err_t log_group_begin(struct log *log)
{
    if (log->stopped || log->read_only)
        return ERR_READONLY;
    if (log->open != NULL)
        return ERR_WRONGSTATE;
    bool first_busy = log->write != NULL && log->write->group == &log->groups[0];
    log->open = &log->groups[first_busy ? 1 : 0];
    group_clear(log->open);
    log->open->lsn_first = log->next.lsn;
    log->open->slot_first = log->next.slot_next;
    return ERR_OK;
}

size_t log_group_left(const struct log *log)
{
    const struct group *group = log->open;
    if (group == NULL || group->bytes.len >= LIMIT_GROUP_BYTES || group->frame_count >= LIMIT_GROUP_FRAMES)
        return 0;
    return LIMIT_GROUP_BYTES - group->bytes.len;
}

/* Room for a whole frame in the open group; its payload is to be filled in. */
static err_t frame_begin(struct log *log, enum frame_kind kind, size_t payload_len, uint8_t **out_head)
{
    if (log->open == NULL)
        return ERR_WRONGSTATE;
    if (payload_len > LIMIT_FRAME_BYTES)
        return ERR_LIMIT;
    if (log_group_left(log) == 0)
        return ERR_FULL;
    if (!frame_kind_written(kind))
        return ERR_USAGE;
    uint8_t *head = buf_extend(&log->open->bytes, FRAME_HEADER_SIZE + payload_len);
    if (head == NULL) {
        log->open->bytes.err = ERR_OK;
        return ERR_NOMEM;
    }
    *out_head = head;
    return ERR_OK;
}

static err_t frame_end(struct log *log, enum frame_kind kind, uint8_t *head, size_t payload_len,
                       uint64_t *out_lsn)
{
    struct group *group = log->open;
    uint64_t lsn = group->lsn_first + (uint64_t)(head - group->bytes.at);
    frame_head_write(head, log->suite, kind, lsn, bytes_of(head + FRAME_HEADER_SIZE, payload_len));
    buf_put(&group->headers, head, FRAME_HEADER_SIZE);
    if (buf_err(&group->headers) != ERR_OK) {
        group->headers.err = ERR_OK;
        group->bytes.len -= FRAME_HEADER_SIZE + payload_len;
        return ERR_NOMEM;
    }
    group->frame_count++;
    *out_lsn = lsn;
    return ERR_OK;
}

err_t log_append(struct log *log, enum frame_kind kind, const struct bytes *parts, size_t count,
                 uint64_t *out_lsn)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > LIMIT_FRAME_BYTES - len)
            return ERR_LIMIT;
        len += parts[i].len;
    }
    if (frame_kind_sealed(kind))
        return ERR_USAGE;
    uint8_t *head;
    err_t err = frame_begin(log, kind, len, &head);
    if (err != ERR_OK)
        return err;
    uint8_t *to = head + FRAME_HEADER_SIZE;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(to, parts[i].at, parts[i].len);
        to += parts[i].len;
    }
    return frame_end(log, kind, head, len, out_lsn);
}

/* Binds a seal to its node, kind, slot and envelope. */
static err_t bound_make(struct log *log, enum frame_kind kind, uint64_t slot, struct bytes envelope)
{
    buf_clear(&log->bound);
    buf_put(&log->bound, log->node.b, NODE_ID_SIZE);
    wr_u16(&log->bound, (uint16_t)kind);
    wr_u64(&log->bound, slot);
    wr_bytes(&log->bound, envelope);
    return buf_err(&log->bound);
}

/* The secret of the group's next slot; drawn in blocks, one call to the system for many. */
static err_t secret_next(struct log *log, struct seal_secret **out)
{
    struct group *group = log->open;
    size_t at = (size_t)group->slot_count * SEAL_SECRET_SIZE;
    if (at == group->secrets.len) {
        uint8_t *more = buf_extend(&group->secrets, SECRET_BLOCK);
        err_t err = more == NULL ? ERR_NOMEM : log->os->random(log->os->ctx, more, SECRET_BLOCK);
        if (err != ERR_OK) {
            group->secrets.err = ERR_OK;
            group->secrets.len = at;
            return err;
        }
    }
    *out = (struct seal_secret *)(void *)(group->secrets.at + at);
    return seal_secret_destroyed(*out) ? ERR_IO : ERR_OK; /* a random source that gives zeros is none */
}

err_t log_append_sealed(struct log *log, enum frame_kind kind, struct bytes envelope, struct bytes plain,
                        const struct seal_secret *given, uint64_t *out_lsn, uint64_t *out_slot)
{
    if (!frame_kind_sealed(kind))
        return ERR_USAGE;
    if (plain.len > LIMIT_SEALED_BYTES || envelope.len > LIMIT_ENVELOPE_BYTES)
        return ERR_LIMIT;
    if (log->open == NULL)
        return ERR_WRONGSTATE;
    struct seal_secret *secret;
    uint64_t slot = log->open->slot_first + log->open->slot_count;
    size_t len = SEALED_HEAD_SIZE + envelope.len + plain.len + SEAL_TAG_SIZE;
    uint8_t *head;
    err_t err = secret_next(log, &secret);
    if (err == ERR_OK)
        err = bound_make(log, kind, slot, envelope);
    if (err == ERR_OK)
        err = frame_begin(log, kind, len, &head);
    if (err != ERR_OK)
        return err;
    if (given != NULL)
        *secret = *given;
    uint8_t *to = head + FRAME_HEADER_SIZE;
    for (size_t i = 0; i < 8; i++)
        to[i] = (uint8_t)(slot >> (8 * (7 - i)));
    for (size_t i = 0; i < 4; i++)
        to[8 + i] = (uint8_t)(envelope.len >> (8 * (3 - i)));
    if (envelope.len > 0)
        memcpy(to + SEALED_HEAD_SIZE, envelope.at, envelope.len);
    err = seal_close(log->suite, secret, plain, buf_bytes(&log->bound), to + SEALED_HEAD_SIZE + envelope.len);
    if (err != ERR_OK)
        log->open->bytes.len -= FRAME_HEADER_SIZE + len;
    else
        err = frame_end(log, kind, head, len, out_lsn);
    if (err != ERR_OK) {
        /* It may have sealed what nobody will see, or be a given one: a fresh one is due. */
        log->open->secrets.len = (size_t)log->open->slot_count * SEAL_SECRET_SIZE;
        return err;
    }
    log->open->slot_count++;
    *out_slot = slot;
    return ERR_OK;
}

void log_group_abort(struct log *log)
{
    if (log->open == NULL)
        return;
    group_clear(log->open);
    log->open = NULL;
}

/* Appends the COMMIT frame and moves log->next behind the group. */
static err_t group_seal(struct log *log, struct group *group)
{
    struct commit commit = {.number = log->next.number,
                            .lsn_first = group->lsn_first,
                            .size_bytes = group->bytes.len,
                            .frame_count = group->frame_count,
                            .slot_next = group->slot_first + group->slot_count,
                            .headers = hash_sha256(buf_bytes(&group->headers)),
                            .previous = log->next.previous};
    size_t at = group->bytes.len;
    if (buf_extend(&group->bytes, FRAME_HEADER_SIZE) != NULL)
        commit_write(&group->bytes, &commit);
    if (buf_err(&group->bytes) != ERR_OK) {
        group->bytes.len = at;
        group->bytes.err = ERR_OK;
        return ERR_NOMEM;
    }
    struct bytes payload = bytes_of(group->bytes.at + at + FRAME_HEADER_SIZE, COMMIT_PAYLOAD_SIZE);
    frame_head_write(group->bytes.at + at, log->suite, FRAME_COMMIT, group->lsn_first + at, payload);
    log->next = (struct group_expect) {.lsn = group->lsn_first + group->bytes.len,
                                       .number = commit.number + 1,
                                       .slot_next = commit.slot_next,
                                       .previous = hash_sha256(payload),
                                       .suite = log->suite};
    return ERR_OK;
}

err_t log_group_close(struct log *log, struct store_write **out)
{
    struct group *group = log->open;
    if (group == NULL)
        return ERR_WRONGSTATE;
    if (log->stopped || log->read_only) {
        log_group_abort(log);
        return ERR_READONLY;
    }
    if (group->frame_count == 0) {
        log_group_abort(log);
        *out = NULL;
        return ERR_OK;
    }
    if (log->write != NULL)
        return ERR_BUSY;
    struct segment_head head = {log->node,           group->lsn_first,   log->next.number,
                                log->next.slot_next, log->next.previous, log->suite};
    err_t err = group_seal(log, group);
    if (err != ERR_OK)
        return err;
    struct store_write *write = &log->write_memory;
    *write = (struct store_write) {.os = log->os,
                                   .keyfile = log->keyfile,
                                   .group = group,
                                   .dir = log->dir,
                                   .head = head,
                                   .segment_bytes = log->segment_bytes,
                                   .lsn_end = log->next.lsn,
                                   .digest = log->next.previous};
    const struct segment *last = log->segment_count == 0 ? NULL : &log->segments[log->segment_count - 1];
    uint64_t offset = last == NULL ? 0 : SEGMENT_HEADER_SIZE + (group->lsn_first - last->lsn_first);
    write->fresh = last == NULL || offset > last->size || group->bytes.len > last->size - offset;
    write->offset = write->fresh ? SEGMENT_HEADER_SIZE : offset;
    if (write->segment_bytes < SEGMENT_HEADER_SIZE + group->bytes.len)
        write->segment_bytes = SEGMENT_HEADER_SIZE + group->bytes.len;
    if (write->fresh) {
        write->spare = log->spare;
        log->spare = NULL;
        log->spare_filled = 0;
    } else {
        write->segment = *last;
    }
    log->write = write;
    log->open = NULL;
    *out = write;
    return ERR_OK;
}

/* --- the disk --- */

static err_t segment_make(struct store_write *write)
{
    const struct os *os = write->os;
    char spare[LIMIT_PATH_BYTES];
    char path[LIMIT_PATH_BYTES];
    char name[32];
    uint8_t head[SEGMENT_HEADER_SIZE];
    (void)snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)write->head.lsn_first);
    err_t err = log_path(write->dir, "spare.seg", spare);
    if (err == ERR_OK)
        err = log_path(write->dir, name, path);
    if (err == ERR_OK && write->spare == NULL)
        err = os->file_open(os->ctx, spare, OS_WRITE | OS_CREATE, &write->spare);
    if (err == ERR_OK)
        err = os->file_reserve(os->ctx, write->spare, write->segment_bytes);
    segment_head_write(head, &write->head);
    if (err == ERR_OK)
        err = os->file_write(os->ctx, write->spare, 0, head, sizeof head);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, write->spare);
    if (err == ERR_OK)
        err = os->path_rename(os->ctx, spare, path);
    if (err == ERR_OK)
        err = os->dir_sync(os->ctx, write->dir);
    if (err == ERR_OK) {
        write->segment = (struct segment) {
            .lsn_first = write->head.lsn_first, .file = write->spare, .size = write->segment_bytes};
        write->spare = NULL;
    }
    return err;
}

/* Secrets first: a whole group without its secrets would be lost although it looks sound. */
err_t log_write_run(struct store_write *write)
{
    const struct os *os = write->os;
    const struct group *group = write->group;
    err_t err = write->fresh ? segment_make(write) : ERR_OK;
    struct bytes secrets = bytes_of(group->secrets.at, (size_t)group->slot_count * SEAL_SECRET_SIZE);
    if (err == ERR_OK && secrets.len > 0)
        err = keyfile_write(write->keyfile, group->slot_first, secrets);
    if (err == ERR_OK)
        err = os->file_write(os->ctx, write->segment.file, write->offset, group->bytes.at, group->bytes.len);
    return err == ERR_OK ? os->file_sync(os->ctx, write->segment.file) : err;
}

err_t log_write_done(struct log *log, struct store_write *write, err_t err)
{
    must(write == log->write);
    log->write = NULL;
    struct group *group = write->group;
    keyfile_forget(log->keyfile, group->slot_first, group->slot_count);
    if (write->fresh && write->segment.file != NULL && err == ERR_OK)
        err = log_segment_add(log, &write->segment);
    if (write->fresh && err != ERR_OK)
        log->os->file_close(log->os->ctx, write->segment.file);
    log->os->file_close(log->os->ctx, write->spare);
    if (err == ERR_OK) {
        log->lsn_durable = write->lsn_end;
        log->number_durable = write->head.number;
        log->digest_durable = write->digest;
    } else {
        log_damaged(log,
                    "writing group %llu failed (%s): nothing is accepted until the store is opened again",
                    (unsigned long long)write->head.number, err_text(err));
        log_group_abort(log);
    }
    group_clear(group);
    return err;
}

static err_t spare_fill(struct log *log)
{
    const struct os *os = log->os;
    err_t err = ERR_OK;
    if (log->spare == NULL) {
        char path[LIMIT_PATH_BYTES];
        err = log_path(log->dir, "spare.seg", path);
        if (err == ERR_OK)
            err = os->file_open(os->ctx, path, OS_WRITE | OS_CREATE, &log->spare);
        if (err == ERR_OK)
            err = os->file_reserve(os->ctx, log->spare, log->segment_bytes);
    }
    uint64_t left = log->segment_bytes - log->spare_filled;
    size_t len = left < IDLE_BYTES ? (size_t)left : IDLE_BYTES;
    uint8_t *zeros = err == ERR_OK ? mem_alloc(len) : NULL;
    if (zeros == NULL)
        return err == ERR_OK ? ERR_NOMEM : err;
    err = os->file_write(os->ctx, log->spare, log->spare_filled, zeros, len);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, log->spare);
    mem_free(zeros);
    log->spare_filled += err == ERR_OK ? len : 0;
    return err;
}

/* A full disk is no reason to stop before the room is needed; any other failure is. */
err_t log_idle(struct log *log, bool *out_more)
{
    *out_more = false;
    if (log->stopped || log->read_only || log->write != NULL || log->spare_filled >= log->segment_bytes)
        return ERR_OK;
    err_t err = spare_fill(log);
    if (err != ERR_OK && err != ERR_FULL && err != ERR_NOMEM)
        log_damaged(log, "preparing the next segment failed (%s)", err_text(err));
    *out_more = err == ERR_OK && log->spare_filled < log->segment_bytes;
    return err;
}

/* --- reading --- */

err_t log_segment_add(struct log *log, const struct segment *segment)
{
    if (log->segment_count == log->segment_room) {
        size_t room = log->segment_room == 0 ? 16 : log->segment_room * 2;
        struct segment *wider = mem_grow(log->segments, room * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        log->segments = wider;
        log->segment_room = room;
    }
    log->segments[log->segment_count++] = *segment;
    return ERR_OK;
}

static uint64_t segment_end(const struct log *log, size_t i)
{
    return i + 1 < log->segment_count ? log->segments[i + 1].lsn_first : log->lsn_durable;
}

static struct segment *segment_of(struct log *log, uint64_t lsn)
{
    size_t last = log->segment_last_read;
    if (last < log->segment_count && lsn >= log->segments[last].lsn_first && lsn < segment_end(log, last))
        return &log->segments[last];
    size_t low = 0;
    size_t high = log->segment_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (log->segments[mid].lsn_first <= lsn)
            low = mid + 1;
        else
            high = mid;
    }
    if (low == 0)
        return NULL;
    log->segment_last_read = low - 1;
    return &log->segments[low - 1];
}

err_t log_bytes(struct log *log, uint64_t lsn, struct bytes *out)
{
    if (lsn >= log->lsn_durable)
        return ERR_NOTFOUND;
    struct segment *segment = segment_of(log, lsn);
    if (segment == NULL)
        return ERR_NOTFOUND;
    if (segment->map == NULL) {
        err_t err = log->os->file_map(log->os->ctx, segment->file, segment->size, &segment->map);
        if (err != ERR_OK)
            return err;
    }
    uint64_t end = segment_end(log, (size_t)(segment - log->segments));
    uint64_t offset = SEGMENT_HEADER_SIZE + (lsn - segment->lsn_first);
    if (offset > segment->size || end - lsn > segment->size - offset)
        return ERR_CORRUPT;
    *out = bytes_of(segment->map + offset, (size_t)(end - lsn));
    return ERR_OK;
}

err_t log_read(struct log *log, uint64_t lsn, struct frame *out)
{
    struct bytes data;
    err_t err = log_bytes(log, lsn, &data);
    if (err != ERR_OK)
        return err;
    err = frame_read(data, log->suite, lsn, out);
    /* Below the durable position there is always something: zeros or a cut there are damage. */
    return err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t log_unseal(struct log *log, const struct frame *frame, struct buf *out)
{
    if (!frame_kind_sealed(frame->kind))
        return ERR_USAGE;
    if (frame->sealed.len < SEAL_TAG_SIZE)
        return ERR_CORRUPT;
    struct seal_secret secret;
    err_t err = log->keyfile == NULL ? ERR_IO : keyfile_read(log->keyfile, frame->slot, &secret);
    if (err == ERR_OK)
        err = bound_make(log, frame->kind, frame->slot, frame->envelope);
    if (err != ERR_OK)
        return err;
    size_t len = frame->sealed.len - SEAL_TAG_SIZE;
    uint8_t *to = buf_extend(out, len);
    if (to == NULL) {
        err = buf_err(out);
    } else {
        err = seal_open(log->suite, &secret, frame->sealed, buf_bytes(&log->bound), to);
        if (err != ERR_OK)
            out->len -= len;
    }
    mem_wipe(&secret, sizeof secret);
    return err;
}
