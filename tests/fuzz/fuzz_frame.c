/* Frames, groups, COMMITs and segment headers from damaged or hostile bytes. The first byte chooses whether
 * checks are mended first, so that the fuzzer gets behind them. */
#include <stdint.h>
#include <stdlib.h>

#include "core/limit.h"
#include "store/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct bytes outer, struct bytes inner)
{
    must(inner.len <= outer.len);
    must(inner.len == 0 || (inner.at >= outer.at && inner.at + inner.len <= outer.at + outer.len));
}

/* Makes every frame that is long enough valid in place: position and check. */
static void mend(uint8_t *at, size_t size, uint64_t lsn)
{
    while (size >= FRAME_HEADER_SIZE) {
        size_t len = (size_t)at[2] << 8 | at[3];
        len = len > size - FRAME_HEADER_SIZE ? size - FRAME_HEADER_SIZE : len;
        unsigned kind = (unsigned)at[4] << 8 | at[5];
        frame_head_write(at, LOG_SUITE, (enum frame_kind)kind, lsn, bytes_of(at + FRAME_HEADER_SIZE, len));
        at += FRAME_HEADER_SIZE + len;
        size -= FRAME_HEADER_SIZE + len;
        lsn += FRAME_HEADER_SIZE + len;
    }
}

static void walk(struct bytes data, uint64_t lsn)
{
    struct frame frame;
    while (frame_read(data, LOG_SUITE, lsn, &frame) == ERR_OK) {
        inside(data, frame.payload);
        inside(frame.payload, frame.envelope);
        inside(frame.payload, frame.sealed);
        must(frame.lsn_next > lsn && frame.lsn_next - lsn <= data.len);
        data.at += frame.lsn_next - lsn;
        data.len -= (size_t)(frame.lsn_next - lsn);
        lsn = frame.lsn_next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size--;
    uint8_t *copy = malloc(size == 0 ? 1 : size); /* exactly as long: reading past the end is seen */
    must(copy != NULL);
    if (size > 0)
        memcpy(copy, data + 1, size);
    if ((data[0] & 1) != 0)
        mend(copy, size, LSN_FIRST);
    struct bytes bytes = bytes_of(copy, size);
    walk(bytes, LSN_FIRST);
    struct buf headers;
    buf_init(&headers, (LIMIT_GROUP_FRAMES + 1) * FRAME_HEADER_SIZE);
    struct group_expect expect = {.lsn = LSN_FIRST, .number = 1, .suite = LOG_SUITE};
    struct bytes rest = bytes;
    while (group_read(rest, &expect, &headers) == ERR_OK) {
        must(expect.lsn - LSN_FIRST <= size);
        rest = bytes_of(copy + (expect.lsn - LSN_FIRST), size - (size_t)(expect.lsn - LSN_FIRST));
    }
    (void)commit_beyond(bytes, LOG_SUITE, LSN_FIRST, 1);
    struct segment_head head;
    struct commit commit;
    if (segment_head_read(bytes, &head) == ERR_OK) {
        uint8_t again[SEGMENT_HEADER_SIZE];
        segment_head_write(again, &head);
        must(memcmp(again, copy, sizeof again) == 0);
    }
    if (commit_read(bytes, &commit) == ERR_OK) {
        struct buf again;
        buf_init(&again, COMMIT_PAYLOAD_SIZE);
        commit_write(&again, &commit);
        must(bytes_eq(buf_bytes(&again), bytes));
        buf_deinit(&again);
    }
    buf_deinit(&headers);
    free(copy);
    return 0;
}
