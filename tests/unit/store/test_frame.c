/* The log's bytes: a vector made by hand, every prefix, and every flipped bit of a valid group. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/limit.h"
#include "core/wr.h"
#include "store/frame.h"

static void frame_add(struct buf *buf, struct buf *headers, enum frame_kind kind, size_t len)
{
    uint64_t lsn = LSN_FIRST + buf->len;
    uint8_t *at = buf_extend(buf, FRAME_HEADER_SIZE + len);
    assert_non_null(at);
    memset(at + FRAME_HEADER_SIZE, 0, len);
    if (frame_kind_sealed(kind))
        at[FRAME_HEADER_SIZE + 11] = 3; /* an envelope of 3 bytes, the rest sealed */
    frame_head_write(at, LOG_SUITE, kind, lsn, bytes_of(at + FRAME_HEADER_SIZE, len));
    buf_put(headers, at, FRAME_HEADER_SIZE);
}

static void group_add(struct buf *buf)
{
    struct buf headers;
    buf_init(&headers, 4096);
    frame_add(buf, &headers, FRAME_OBJ, 60);
    frame_add(buf, &headers, FRAME_DECIDE, 0);
    frame_add(buf, &headers, FRAME_EPOCH, 9);
    struct commit commit = {.number = 1,
                            .lsn_first = LSN_FIRST,
                            .size_bytes = buf->len,
                            .frame_count = 3,
                            .slot_next = 1,
                            .headers = hash_sha256(buf_bytes(&headers))};
    size_t at = buf->len;
    assert_non_null(buf_extend(buf, FRAME_HEADER_SIZE));
    commit_write(buf, &commit);
    frame_head_write(buf->at + at, LOG_SUITE, FRAME_COMMIT, LSN_FIRST + at,
                     bytes_of(buf->at + at + FRAME_HEADER_SIZE, 112));
    buf_deinit(&headers);
}

static err_t read_group(struct bytes data)
{
    struct buf headers;
    struct group_expect expect = {.lsn = LSN_FIRST, .number = 1, .suite = LOG_SUITE};
    buf_init(&headers, 4096);
    err_t err = group_read(data, &expect, &headers);
    if (err == ERR_OK)
        assert_true(expect.number == 2 && expect.slot_next == 1 && expect.lsn == LSN_FIRST + data.len);
    else
        assert_true(expect.number == 1 && expect.lsn == LSN_FIRST); /* outputs only on success */
    buf_deinit(&headers);
    return err;
}

/* The check is 78af5f94892f3950 (payload) XOR d60ca6f2a821fe72 (header bytes 0-15), as xxhsum -H3 prints
 * them. */
static void header_is_as_written_down(void **state)
{
    (void)state;
    static const uint8_t want[FRAME_HEADER_SIZE] = {
        0, 0, 0, 3, 0, 5, 0, 1, 0, 0, 0, 0, 0, 0, 0, 64, 0xae, 0xa3, 0xf9, 0x66, 0x21, 0x0e, 0xc7, 0x22};
    uint8_t head[FRAME_HEADER_SIZE + 3];
    memcpy(head + FRAME_HEADER_SIZE, "abc", 3);
    frame_head_write(head, LOG_SUITE, FRAME_DECIDE, LSN_FIRST, bytes_of(head + FRAME_HEADER_SIZE, 3));
    assert_memory_equal(head, want, sizeof want);
    struct frame frame;
    assert_int_equal(frame_read(bytes_of(head, sizeof head), LOG_SUITE, LSN_FIRST, &frame), ERR_OK);
    assert_int_equal(frame.kind, FRAME_DECIDE);
    assert_int_equal(frame.lsn_next, LSN_FIRST + sizeof head);
    assert_int_equal(frame_read(bytes_of(head, sizeof head), LOG_SUITE, LSN_FIRST + 1, &frame),
                     ERR_CORRUPT); /* moved */
}

static void every_prefix_is_short(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    group_add(&buf);
    assert_int_equal(read_group(buf_bytes(&buf)), ERR_OK);
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *copy = malloc(len == 0 ? 1 : len); /* its end is the end of what may be read */
        assert_non_null(copy);
        memcpy(copy, buf.at, len);
        err_t err = read_group(bytes_of(copy, len));
        /* Three zero bytes, the start of a length, cannot be told from the end of what was written. */
        assert_true(err == ERR_SHORT || (err == ERR_NOTFOUND && len <= 3));
        free(copy);
    }
    buf_deinit(&buf);
}

static void every_bit_counts(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    group_add(&buf);
    for (size_t bit = 0; bit < buf.len * 8; bit++) {
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
        err_t err = read_group(buf_bytes(&buf));
        assert_true(err == ERR_CORRUPT || err == ERR_SHORT);
        buf.at[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(commit_beyond(buf_bytes(&buf), LOG_SUITE, LSN_FIRST, 1));
    assert_true(commit_beyond(buf_bytes(&buf), LOG_SUITE, LSN_FIRST, 0));
    assert_false(commit_beyond(bytes_of(buf.at, buf.len - 1), LOG_SUITE, LSN_FIRST, 0));
    buf_deinit(&buf);
}

static void segment_head_comes_back(void **state)
{
    (void)state;
    uint8_t bytes[SEGMENT_HEADER_SIZE];
    struct segment_head head = {{{1, 2}}, 4711, 12, 34, {{5, 6}}, LOG_SUITE};
    struct segment_head found;
    segment_head_write(bytes, &head);
    assert_int_equal(segment_head_read(bytes_of(bytes, sizeof bytes), &found), ERR_OK);
    assert_memory_equal(&head, &found, sizeof head);
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(segment_head_read(bytes_of(bytes, len), &found), ERR_SHORT);
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] ^= 0x20;
        assert_int_equal(segment_head_read(bytes_of(bytes, sizeof bytes), &found), ERR_CORRUPT);
        bytes[at] ^= 0x20;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_is_as_written_down),
        cmocka_unit_test(every_prefix_is_short),
        cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(segment_head_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
