/* Opening the log: finding its end, cutting the torn tail of a group that was never acknowledged, and
 * refusing to write behind damage (docs/protocol/LOG.md, "Opening"). */
#include <stdio.h>
#include <stdlib.h>

#include "core/mem.h"
#include "core/suite.h"
#include "store/log.h"

enum { ZERO_BYTES = 64 << 10 };

struct names {
    uint64_t *lsn;
    size_t count;
    size_t room;
};

static err_t name_add(void *ctx, const char *name)
{
    struct names *names = ctx;
    uint8_t digits[8];
    struct str text = str_of(name);
    if (text.len != 20 || !str_ends(text, STR(".seg")) || !str_unhex((struct str) {text.at, 16}, digits, 8))
        return ERR_OK;
    if (names->count == names->room) {
        size_t room = names->room == 0 ? 64 : names->room * 2;
        uint64_t *wider = mem_grow(names->lsn, room * sizeof *wider);
        if (wider == NULL)
            return ERR_NOMEM;
        names->lsn = wider;
        names->room = room;
    }
    uint64_t lsn = 0;
    for (size_t i = 0; i < sizeof digits; i++)
        lsn = lsn << 8 | digits[i];
    names->lsn[names->count++] = lsn;
    return ERR_OK;
}

static int lsn_cmp(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* The suite of a log is that of its first segment, and no other one belongs to it. */
static bool suite_fits(const struct log *log, const struct segment_head *head)
{
    return log->segment_count == 0 || head->suite == log->suite;
}

/* Opens one segment and checks its header. ERR_CORRUPT, ERR_VERSION (also: of another suite than those
 * before), ERR_INVALID (another node's) or the system's. */
static err_t segment_open(struct log *log, uint64_t lsn, struct segment *out, struct segment_head *out_head)
{
    const struct os *os = log->os;
    char name[32];
    char path[LIMIT_PATH_BYTES];
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    (void)snprintf(name, sizeof name, "%016llx.seg", (unsigned long long)lsn);
    struct segment segment = {.lsn_first = lsn};
    uint64_t size = 0;
    err_t err = log_path(log->dir, name, path);
    if (err == ERR_OK)
        err = os->file_open(os->ctx, path, log->read_only ? OS_READ : OS_WRITE, &segment.file);
    if ((err == ERR_READONLY || err == ERR_DENIED) && !log->read_only) {
        log_damaged(log, "%s cannot be opened for writing (%s)", name, err_text(err));
        err = os->file_open(os->ctx, path, OS_READ, &segment.file);
    }
    if (err == ERR_OK)
        err = os->file_size(os->ctx, segment.file, &size);
    if (err == ERR_OK)
        err = os->file_read(os->ctx, segment.file, 0, bytes, sizeof bytes);
    if (err == ERR_OK)
        err = segment_head_read(bytes_of(bytes, sizeof bytes), out_head);
    if (err == ERR_OK && memcmp(out_head->node.b, log->node.b, NODE_ID_SIZE) != 0)
        err = ERR_INVALID;
    if (err == ERR_OK && (out_head->lsn_first != lsn || size > SIZE_MAX))
        err = ERR_CORRUPT;
    if (err == ERR_OK && !suite_fits(log, out_head))
        err = ERR_VERSION;
    if (err != ERR_OK) {
        os->file_close(os->ctx, segment.file);
        return err == ERR_SHORT ? ERR_CORRUPT : err;
    }
    segment.size = (size_t)size;
    *out = segment;
    return ERR_OK;
}

static bool fits(const struct log *log, uint64_t lsn)
{
    if (log->segment_count == 0)
        return lsn == LSN_FIRST;
    const struct segment *before = &log->segments[log->segment_count - 1];
    return lsn - before->lsn_first <= before->size - SEGMENT_HEADER_SIZE;
}

/* Opens the segments in order, up to the first damaged one; `head` is that of the last good one. */
static err_t segments_open(struct log *log, const struct names *names, struct segment_head *head)
{
    for (size_t i = 0; i < names->count; i++) {
        struct segment segment;
        struct segment_head found;
        if (!fits(log, names->lsn[i])) {
            log_damaged(log, "a segment is missing before %016llx.seg", (unsigned long long)names->lsn[i]);
            return ERR_OK;
        }
        err_t err = segment_open(log, names->lsn[i], &segment, &found);
        if (err == ERR_CORRUPT || err == ERR_IO) {
            log_damaged(log, "the header of %016llx.seg is damaged (%s)", (unsigned long long)names->lsn[i],
                        err_text(err));
            return ERR_OK;
        }
        if (err != ERR_OK)
            return err;
        if (TRY(err, log_segment_add(log, &segment))) {
            log->os->file_close(log->os->ctx, segment.file);
            return err;
        }
        log->suite = found.suite;
        *head = found;
    }
    return ERR_OK;
}

/* The end of what is not zero, at least `offset`. */
static uint64_t tail_end(const struct segment *segment, uint64_t offset)
{
    static const uint8_t zeros[4096];
    uint64_t end = segment->size;
    /* A segment is made at its full size, so that most of it is zeros: by the page, not by the byte. */
    while (end - offset >= sizeof zeros &&
           memcmp(segment->map + end - sizeof zeros, zeros, sizeof zeros) == 0)
        end -= sizeof zeros;
    while (end > offset && segment->map[end - 1] == 0)
        end--;
    return end;
}

/* Writes zeros over [offset, end) and syncs. */
static err_t tail_cut(struct log *log, struct segment *segment, uint64_t offset, uint64_t end)
{
    const struct os *os = log->os;
    diag_say(log->diag, DIAG_NOTICE, ERR_OK, "store", NULL,
             "cut %llu bytes of a group that was being written when the node stopped (never acknowledged)",
             (unsigned long long)(end - offset));
    static const uint8_t zeros[ZERO_BYTES];
    while (offset < end) {
        size_t len = end - offset < ZERO_BYTES ? (size_t)(end - offset) : ZERO_BYTES;
        err_t err = os->file_write(os->ctx, segment->file, offset, zeros, len);
        if (err != ERR_OK)
            return err;
        offset += len;
    }
    return os->file_sync(os->ctx, segment->file);
}

/* Whoever wrote the last group may have ended between writing and syncing, or the sync failed: it can be
 * read, and still be nowhere but in the system's memory. It is written again before anybody believes that it
 * is durable: a mere sync need not write what a failed one has dropped. */
static err_t last_group_sync(struct log *log, const struct segment *segment, uint64_t offset, uint64_t end)
{
    const struct os *os = log->os;
    uint64_t from = offset == SEGMENT_HEADER_SIZE ? 0 : offset;
    size_t len = (size_t)(end - from);
    void *copy = mem_alloc(len);
    if (copy == NULL)
        return ERR_NOMEM;
    memcpy(copy, segment->map + from, len);
    err_t err = os->file_write(os->ctx, segment->file, from, copy, len);
    mem_free(copy);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, segment->file);
    if (err == ERR_OK)
        err = os->dir_sync(os->ctx, log->dir);
    if (err != ERR_OK)
        log_damaged(log, "the last group of the log cannot be made durable (%s)", err_text(err));
    return ERR_OK;
}

/* What the last segment was read to. */
struct tail {
    struct group_expect next;
    struct bytes rest; /* from `next` to the segment's end */
    uint64_t last;     /* offset of the last whole group */
};

/* Reads whole groups from `tail->next` on; ends with what the first that is none was refused with. */
static err_t groups_read(const struct segment *segment, struct tail *tail)
{
    struct buf headers;
    buf_init(&headers, (LIMIT_GROUP_FRAMES + 1) * FRAME_HEADER_SIZE);
    uint64_t before = tail->last;
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        uint64_t offset = SEGMENT_HEADER_SIZE + (tail->next.lsn - segment->lsn_first);
        tail->last = before;
        before = offset;
        tail->rest = bytes_of(segment->map + offset, segment->size - (size_t)offset);
        err = group_read(tail->rest, &tail->next, &headers);
    }
    buf_deinit(&headers);
    return err;
}

/* Whether a whole group stands behind one that is none. Who only reads may look while another writes: what
 * was under way when it was read can be whole, and have a successor, a moment later. It is damaged if it
 * stays as it was. */
static bool damaged_within(const struct log *log, const struct segment *segment, struct tail *tail,
                           err_t *err)
{
    uint64_t number;
    do {
        number = tail->next.number;
        if (!commit_beyond(tail->rest, tail->next.suite, tail->next.lsn, number))
            return false;
        if (log->read_only)
            *err = groups_read(segment, tail);
    } while (tail->next.number > number && *err != ERR_NOMEM);
    return true;
}

/* Reads the last segment group by group; log->next ends behind the last whole one. */
static err_t tail_read(struct log *log, const struct segment_head *head, uint64_t lsn_named)
{
    struct segment *segment = &log->segments[log->segment_count - 1];
    struct tail tail = {.next = {head->lsn_first, head->number, head->slot_next, head->previous, head->suite},
                        .last = SEGMENT_HEADER_SIZE};
    err_t err = log->os->file_map(log->os->ctx, segment->file, segment->size, &segment->map);
    if (err == ERR_OK)
        err = groups_read(segment, &tail);
    if (err == ERR_NOMEM || segment->map == NULL)
        return err;
    bool damaged = damaged_within(log, segment, &tail, &err);
    if (err == ERR_NOMEM)
        return err;
    struct group_expect next = tail.next;
    log->next = next;
    uint64_t offset = SEGMENT_HEADER_SIZE + (next.lsn - segment->lsn_first);
    uint64_t end = tail_end(segment, offset);
    if (!log->stopped && !log->read_only && TRY(err, last_group_sync(log, segment, tail.last, offset)))
        return err;
    if (end == offset)
        return ERR_OK;
    if (damaged)
        log_damaged(log, "group %llu at position %llu is damaged, and a later group follows it",
                    (unsigned long long)next.number, (unsigned long long)next.lsn);
    else if (lsn_named > next.lsn)
        log_damaged(
            log, "group %llu at position %llu is damaged, but position %llu is known to have been durable",
            (unsigned long long)next.number, (unsigned long long)next.lsn, (unsigned long long)lsn_named);
    if (log->stopped || log->read_only)
        return ERR_OK;
    err = tail_cut(log, segment, offset, end);
    if (err != ERR_OK)
        log_damaged(log, "the tail of the log could not be cut (%s)", err_text(err));
    return ERR_OK;
}

static err_t segments_load(struct log *log, uint64_t lsn_named)
{
    struct names names = {0};
    struct segment_head head = {.lsn_first = LSN_FIRST, .number = 1, .suite = log->suite};
    log->next = (struct group_expect) {.lsn = LSN_FIRST, .number = 1, .suite = log->suite};
    err_t err = log->os->dir_list(log->os->ctx, log->dir, name_add, &names);
    if (err == ERR_OK && names.count > 0) {
        qsort(names.lsn, names.count, sizeof *names.lsn, lsn_cmp);
        err = segments_open(log, &names, &head);
    }
    mem_free(names.lsn);
    if (err == ERR_OK && log->segment_count > 0)
        err = tail_read(log, &head, lsn_named);
    log->lsn_durable = log->next.lsn;
    log->number_durable = log->next.number - 1;
    log->digest_durable = log->next.previous;
    return err;
}

/* Without its key file a log that sealed anything is damaged: it can be served, not continued. */
static err_t keys_load(struct log *log, const char *dir)
{
    bool used = log->next.slot_next > 0;
    bool fixed = log->read_only || log->stopped;
    char path[LIMIT_PATH_BYTES];
    uint64_t slots = 0;
    err_t err = log_path(dir, "keys", path);
    if (err == ERR_OK && !fixed && !used)
        err = log->os->dir_make(log->os->ctx, path);
    if (err == ERR_OK)
        err = keyfile_open(log->os, path, &log->node, log->suite,
                           fixed  ? KEYFILE_READ
                           : used ? KEYFILE_WRITE
                                  : KEYFILE_CREATE,
                           &log->keyfile);
    if (err == ERR_OK)
        err = keyfile_slots(log->keyfile, &slots);
    if (err == ERR_INVALID || err == ERR_NOMEM || err == ERR_LIMIT)
        return err;
    if (err == ERR_OK && slots < log->next.slot_next)
        log_damaged(log, "the key file holds %llu secrets, the log counts %llu", (unsigned long long)slots,
                    (unsigned long long)log->next.slot_next);
    else if (err != ERR_OK && (used || !fixed))
        log_damaged(log, "the key file cannot be used (%s)", err_text(err));
    return ERR_OK;
}

err_t log_init(struct log *log, const struct log_options *options)
{
    *log = (struct log) {.os = options->os,
                         .diag = options->diag,
                         .node = options->node,
                         .suite = options->suite == 0 ? SUITE_1 : options->suite,
                         .read_only = options->read_only,
                         .segment_bytes =
                             options->segment_bytes == 0 ? LIMIT_SEGMENT_BYTES : options->segment_bytes};
    for (size_t i = 0; i < 2; i++) {
        buf_init(&log->groups[i].bytes,
                 LIMIT_GROUP_BYTES + FRAME_HEADER_SIZE + LIMIT_FRAME_BYTES + COMMIT_FRAME_SIZE);
        buf_init(&log->groups[i].headers, LIMIT_GROUP_FRAMES * FRAME_HEADER_SIZE);
        buf_init(&log->groups[i].secrets, LIMIT_GROUP_FRAMES * SEAL_SECRET_SIZE);
        /* At its full size at once (untouched pages cost nothing): growing would leave secrets behind. */
        if (buf_extend(&log->groups[i].secrets, LIMIT_GROUP_FRAMES * SEAL_SECRET_SIZE) == NULL)
            return ERR_NOMEM;
        log->groups[i].secrets.len = 0;
    }
    buf_init(&log->bound, LIMIT_ENVELOPE_BYTES + 64);
    const struct os *os = log->os;
    err_t err = log_path(options->dir, "log", log->dir);
    if (err == ERR_OK && !log->read_only)
        err = os->dir_make(os->ctx, log->dir);
    if (err == ERR_OK)
        err = segments_load(log, options->lsn_named);
    if (err == ERR_OK)
        err = keys_load(log, options->dir);
    if (err == ERR_OK && !log->read_only && !log->stopped)
        err = os->dir_sync(os->ctx, options->dir);
    return err;
}

void log_deinit(struct log *log)
{
    if (log == NULL || log->os == NULL)
        return;
    must(log->write == NULL);
    const struct os *os = log->os;
    for (size_t i = 0; i < log->segment_count; i++) {
        os->file_unmap(os->ctx, log->segments[i].map, log->segments[i].size);
        os->file_close(os->ctx, log->segments[i].file);
    }
    mem_free(log->segments);
    os->file_close(os->ctx, log->spare);
    keyfile_close(log->keyfile);
    for (size_t i = 0; i < 2; i++) {
        buf_deinit(&log->groups[i].bytes);
        buf_deinit(&log->groups[i].headers);
        mem_wipe(log->groups[i].secrets.at, log->groups[i].secrets.len);
        buf_deinit(&log->groups[i].secrets);
    }
    buf_deinit(&log->bound);
    *log = (struct log) {0};
}
