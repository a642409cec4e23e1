#include "store/frame.h"

#include "core/limit.h"
#include "core/rd.h"
#include "core/suite.h"
#include "core/wr.h"

struct node_id node_id_of(struct str name)
{
    struct node_id id;
    struct hash hash = hash_sha256(bytes_from_str(name));
    memcpy(id.b, hash.b, NODE_ID_SIZE);
    return id;
}

enum { MAGIC_SIZE = 8, SEGMENT_HEAD_USED = 88 };

static const char commit_magic[] = "BNGSCMT1";
static const char segment_magic[] = "BNGSLOG1";

struct kind_row {
    unsigned number;
    const char *name;
    bool written;
    bool sealed;
};

static const struct kind_row kinds[] = {
#define X(name, number, written, sealed) {(number), #name, (written), (sealed)},
    FRAME_KIND_LIST(X)
#undef X
};

static const struct kind_row *kind_row(unsigned kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].number == kind)
            return &kinds[i];
    return NULL;
}

const char *frame_kind_name(unsigned kind)
{
    const struct kind_row *row = kind_row(kind);
    return row == NULL ? NULL : row->name;
}

bool frame_kind_written(unsigned kind)
{
    const struct kind_row *row = kind_row(kind);
    return row != NULL && row->written;
}

bool frame_kind_sealed(unsigned kind)
{
    const struct kind_row *row = kind_row(kind);
    return row != NULL && row->sealed;
}

static void put_uint(uint8_t *to, uint64_t v, size_t width)
{
    for (size_t i = 0; i < width; i++)
        to[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
}

static uint64_t check_of(const uint8_t *head, struct bytes payload)
{
    return hash_xxh3(payload) ^ hash_xxh3(bytes_of(head, 16));
}

void frame_head_write(uint8_t head[FRAME_HEADER_SIZE], unsigned suite, enum frame_kind kind, uint64_t lsn,
                      struct bytes payload)
{
    must(payload.len <= LIMIT_FRAME_BYTES);
    put_uint(head, payload.len, 4);
    put_uint(head + 4, kind, 2);
    put_uint(head + 6, suite, 2);
    put_uint(head + 8, lsn, 8);
    put_uint(head + 16, check_of(head, payload), 8);
}

static bool all_zero(struct bytes b)
{
    uint8_t any = 0;
    for (size_t i = 0; i < b.len; i++)
        any |= b.at[i];
    return any == 0;
}

/* The head that OBJ and QUAR share: slot, envelope, sealed bytes. */
static err_t sealed_head_read(struct frame *frame)
{
    struct rd rd = rd_of(frame->payload);
    frame->slot = rd_u64(&rd);
    frame->envelope = rd_blob(&rd, LIMIT_ENVELOPE_BYTES);
    frame->sealed = rd_bytes(&rd, rd.left);
    return rd.err == ERR_OK ? ERR_OK : ERR_CORRUPT;
}

err_t frame_read(struct bytes data, unsigned suite, uint64_t lsn, struct frame *out)
{
    if (data.len == 0)
        return ERR_NOTFOUND;
    struct rd rd = rd_of(data);
    struct bytes head = rd_bytes(&rd, FRAME_HEADER_SIZE);
    if (head.at == NULL)
        return all_zero(data) ? ERR_NOTFOUND : ERR_SHORT;
    struct rd in = rd_of(head);
    uint32_t len = rd_u32(&in);
    unsigned kind = rd_u16(&in);
    unsigned found = rd_u16(&in);
    uint64_t own = rd_u64(&in);
    uint64_t check = rd_u64(&in);
    if (kind == 0)
        return all_zero(head) ? ERR_NOTFOUND : ERR_CORRUPT;
    if (found != suite || own != lsn || len > LIMIT_FRAME_BYTES || kind_row(kind) == NULL)
        return ERR_CORRUPT;
    struct bytes payload = rd_bytes(&rd, len);
    if (rd.err != ERR_OK)
        return ERR_SHORT;
    if (check_of(head.at, payload) != check)
        return ERR_CORRUPT;
    struct frame frame = {.lsn = lsn,
                          .lsn_next = lsn + FRAME_HEADER_SIZE + len,
                          .kind = (enum frame_kind)kind,
                          .payload = payload};
    if (frame_kind_sealed(kind) && sealed_head_read(&frame) != ERR_OK)
        return ERR_CORRUPT;
    *out = frame;
    return ERR_OK;
}

void commit_write(struct buf *buf, const struct commit *commit)
{
    buf_put(buf, commit_magic, MAGIC_SIZE);
    wr_u64(buf, commit->number);
    wr_u64(buf, commit->lsn_first);
    wr_u64(buf, commit->size_bytes);
    wr_u32(buf, commit->frame_count);
    wr_u32(buf, 0);
    wr_u64(buf, commit->slot_next);
    buf_put(buf, commit->headers.b, HASH_SIZE);
    buf_put(buf, commit->previous.b, HASH_SIZE);
}

err_t commit_read(struct bytes payload, struct commit *out)
{
    struct rd rd = rd_of(payload);
    struct bytes magic = rd_bytes(&rd, MAGIC_SIZE);
    struct commit commit = {.number = rd_u64(&rd), .lsn_first = rd_u64(&rd), .size_bytes = rd_u64(&rd)};
    commit.frame_count = rd_u32(&rd);
    uint32_t zero = rd_u32(&rd);
    commit.slot_next = rd_u64(&rd);
    rd_copy(&rd, commit.headers.b, HASH_SIZE);
    rd_copy(&rd, commit.previous.b, HASH_SIZE);
    if (rd_end(&rd) != ERR_OK || zero != 0 || memcmp(magic.at, commit_magic, MAGIC_SIZE) != 0)
        return ERR_CORRUPT;
    *out = commit;
    return ERR_OK;
}

static err_t commit_agrees(const struct frame *frame, const struct group_expect *expect,
                           const struct buf *headers, struct commit *out)
{
    if (commit_read(frame->payload, out) != ERR_OK)
        return ERR_CORRUPT;
    struct hash digest = hash_sha256(buf_bytes(headers));
    bool right = out->number == expect->number && out->lsn_first == expect->lsn &&
                 out->size_bytes == frame->lsn - expect->lsn && out->frame_count > 0 &&
                 out->frame_count == headers->len / FRAME_HEADER_SIZE &&
                 out->slot_next >= expect->slot_next &&
                 out->slot_next - expect->slot_next <= out->frame_count && hash_eq(&out->headers, &digest) &&
                 hash_eq(&out->previous, &expect->previous);
    return right ? ERR_OK : ERR_CORRUPT;
}

err_t group_read(struct bytes data, struct group_expect *expect, struct buf *headers)
{
    uint64_t lsn = expect->lsn;
    size_t done = 0;
    buf_clear(headers);
    for (;;) {
        struct frame frame;
        err_t err = frame_read(bytes_of(data.at + done, data.len - done), expect->suite, lsn, &frame);
        if (err != ERR_OK)
            return err == ERR_NOTFOUND && done > 0 ? ERR_SHORT : err;
        if (frame.kind == FRAME_COMMIT) {
            struct commit commit;
            err = commit_agrees(&frame, expect, headers, &commit);
            if (err == ERR_OK)
                *expect = (struct group_expect) {frame.lsn_next, commit.number + 1, commit.slot_next,
                                                 hash_sha256(frame.payload), expect->suite};
            return err;
        }
        buf_put(headers, data.at + done, FRAME_HEADER_SIZE);
        if (buf_err(headers) != ERR_OK)
            return buf_err(headers);
        done += (size_t)(frame.lsn_next - lsn);
        lsn = frame.lsn_next;
    }
}

bool commit_beyond(struct bytes data, unsigned suite, uint64_t lsn, uint64_t number)
{
    size_t at = 0;
    while (data.len - at >= COMMIT_FRAME_SIZE) {
        /* The length field of every COMMIT is the same: its first byte that is not zero is a cheap filter. */
        const uint8_t *hit =
            memchr(data.at + at + 3, COMMIT_PAYLOAD_SIZE, data.len - at - COMMIT_FRAME_SIZE + 1);
        if (hit == NULL)
            return false;
        at = (size_t)(hit - data.at) - 3;
        struct frame frame;
        struct commit commit;
        if (frame_read(bytes_of(data.at + at, COMMIT_FRAME_SIZE), suite, lsn + at, &frame) == ERR_OK &&
            frame.kind == FRAME_COMMIT && commit_read(frame.payload, &commit) == ERR_OK &&
            commit.number > number)
            return true;
        at++;
    }
    return false;
}

void segment_head_write(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_head *head)
{
    memset(out, 0, SEGMENT_HEADER_SIZE);
    memcpy(out, segment_magic, MAGIC_SIZE);
    put_uint(out + 8, LOG_VERSION, 2);
    put_uint(out + 10, head->suite, 2);
    put_uint(out + 12, SEGMENT_HEADER_SIZE, 4);
    memcpy(out + 16, head->node.b, NODE_ID_SIZE);
    put_uint(out + 32, head->lsn_first, 8);
    put_uint(out + 40, head->number, 8);
    put_uint(out + 48, head->slot_next, 8);
    memcpy(out + 56, head->previous.b, HASH_SIZE);
    put_uint(out + SEGMENT_HEAD_USED, hash_xxh3(bytes_of(out, SEGMENT_HEAD_USED)), 8);
}

err_t segment_head_read(struct bytes data, struct segment_head *out)
{
    struct rd rd = rd_of(data);
    struct bytes magic = rd_bytes(&rd, MAGIC_SIZE);
    unsigned version = rd_u16(&rd);
    struct segment_head head = {.suite = rd_u16(&rd)};
    uint32_t size = rd_u32(&rd);
    rd_copy(&rd, head.node.b, NODE_ID_SIZE);
    head.lsn_first = rd_u64(&rd);
    head.number = rd_u64(&rd);
    head.slot_next = rd_u64(&rd);
    rd_copy(&rd, head.previous.b, HASH_SIZE);
    uint64_t check = rd_u64(&rd);
    struct bytes zeros = rd_bytes(&rd, SEGMENT_HEADER_SIZE - SEGMENT_HEAD_USED - 8);
    if (rd.err != ERR_OK)
        return ERR_SHORT;
    if (memcmp(magic.at, segment_magic, MAGIC_SIZE) != 0 ||
        check != hash_xxh3(bytes_of(data.at, SEGMENT_HEAD_USED)) || !all_zero(zeros))
        return ERR_CORRUPT;
    if (version != LOG_VERSION || suite_of(head.suite) == NULL || size != SEGMENT_HEADER_SIZE)
        return ERR_VERSION;
    *out = head;
    return ERR_OK;
}
