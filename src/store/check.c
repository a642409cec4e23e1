/* `bongsu check` for the log: reads all of it, believes nothing. */
#include <stdio.h>

#include "core/mem.h"
#include "store/state.h"

enum { PROGRESS_BYTES = 16 << 20 };

struct checker {
    struct store *store;
    struct store_check *out;
    struct buf headers;
    struct buf plain;
    uint64_t progress_next;
};

static void fault(struct checker *checker, err_t err, uint64_t lsn, const char *what)
{
    struct store_check *out = checker->out;
    if (out->faults++ > 0)
        return;
    out->fault_lsn = lsn;
    out->fault_err = err;
    (void)snprintf(out->fault_what, sizeof out->fault_what, "%s at position %llu (%s)", what,
                   (unsigned long long)lsn, err_text(err));
}

static void check_seal(struct checker *checker, const struct frame *frame)
{
    buf_clear(&checker->plain);
    err_t err = store_unseal(checker->store, frame, &checker->plain);
    if (err == ERR_OK)
        checker->out->sealed++;
    else if (err == ERR_NOTFOUND)
        checker->out->destroyed++;
    else
        fault(checker, err, frame->lsn, "a sealed object does not open");
}

/* The frames of one group that group_read has found whole. */
static void check_frames(struct checker *checker, uint64_t lsn, uint64_t lsn_end)
{
    while (lsn < lsn_end) {
        struct frame frame;
        err_t err = store_read(checker->store, lsn, &frame);
        if (err != ERR_OK) {
            fault(checker, err, lsn, "a frame cannot be read");
            return;
        }
        if (frame.kind != FRAME_COMMIT)
            checker->out->frames++;
        if (frame_kind_sealed(frame.kind))
            check_seal(checker, &frame);
        lsn = frame.lsn_next;
    }
}

static bool head_continues(const struct segment_head *head, const struct group_expect *expect)
{
    return head->lsn_first == expect->lsn && head->number == expect->number &&
           head->slot_next == expect->slot_next && head->suite == expect->suite &&
           hash_eq(&head->previous, &expect->previous);
}

/* One segment; *expect is where the one before ended. After damage the next segment is taken at its word. */
static err_t check_segment(struct checker *checker, size_t i, struct group_expect *expect,
                           void (*progress)(void *ctx, uint64_t lsn, uint64_t lsn_end), void *ctx)
{
    struct log *log = &checker->store->log;
    const struct segment *segment = &log->segments[i];
    uint64_t end = i + 1 < log->segment_count ? log->segments[i + 1].lsn_first : log->lsn_durable;
    struct segment_head head;
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    err_t err = log->os->file_read(log->os->ctx, segment->file, 0, bytes, sizeof bytes);
    if (err == ERR_OK)
        err = segment_head_read(bytes_of(bytes, sizeof bytes), &head);
    if (err != ERR_OK || !head_continues(&head, expect))
        fault(checker, err == ERR_OK ? ERR_CORRUPT : err, segment->lsn_first,
              "a segment does not continue the one before");
    if (err != ERR_OK)
        return ERR_OK;
    *expect = (struct group_expect) {head.lsn_first, head.number, head.slot_next, head.previous, log->suite};
    checker->out->segments++;
    while (expect->lsn < end) {
        uint64_t lsn = expect->lsn;
        struct bytes data;
        err = log_bytes(log, lsn, &data);
        if (err == ERR_OK)
            err = group_read(data, expect, &checker->headers);
        if (err == ERR_NOMEM)
            return err;
        if (err != ERR_OK) {
            fault(checker, ERR_CORRUPT, lsn, "a group is damaged");
            return ERR_OK;
        }
        checker->out->groups++;
        check_frames(checker, lsn, expect->lsn);
        if (progress != NULL && expect->lsn >= checker->progress_next) {
            progress(ctx, expect->lsn, log->lsn_durable);
            checker->progress_next = expect->lsn + PROGRESS_BYTES;
        }
    }
    return ERR_OK;
}

err_t store_check(struct store *store, void (*progress)(void *ctx, uint64_t lsn, uint64_t lsn_end), void *ctx,
                  struct store_check *out)
{
    *out = (struct store_check) {0};
    struct checker checker = {.store = store, .out = out};
    buf_init(&checker.headers, (LIMIT_GROUP_FRAMES + 1) * FRAME_HEADER_SIZE);
    buf_init(&checker.plain, LIMIT_FRAME_BYTES);
    struct group_expect expect = {.lsn = LSN_FIRST, .number = 1, .suite = store->log.suite};
    err_t err = ERR_OK;
    for (size_t i = 0; i < store->log.segment_count && err == ERR_OK; i++)
        err = check_segment(&checker, i, &expect, progress, ctx);
    if (err == ERR_OK && out->faults == 0 &&
        (expect.lsn != store->log.lsn_durable || !hash_eq(&expect.previous, &store->log.digest_durable)))
        fault(&checker, ERR_CORRUPT, expect.lsn, "the log does not end where it should");
    buf_deinit(&checker.headers);
    mem_wipe(checker.plain.at, checker.plain.size);
    buf_deinit(&checker.plain);
    return err;
}
