#include "store/anchor.h"

#include <stdio.h>

#include "core/limit.h"
#include "core/rd.h"
#include "core/wr.h"

enum { HEAD_SIZE = 48, ROW_SIZE = 96, SIZE_MAX_BYTES = HEAD_SIZE + LIMIT_ANCHOR_ROWS * ROW_SIZE + HASH_SIZE };

static const char magic[] = "BNGSANC1";

static void rows_put(struct buf *buf, const struct anchor *anchor)
{
    static const uint8_t zero[16];
    for (uint32_t i = 0; i < anchor->row_count; i++) {
        const struct anchor_row *row = &anchor->rows[i];
        buf_put(buf, row->ledger, sizeof row->ledger);
        wr_u32(buf, row->epoch);
        wr_u32(buf, 0);
        wr_u64(buf, row->size);
        buf_put(buf, row->root.b, HASH_SIZE);
        buf_put(buf, zero, sizeof zero);
    }
}

static err_t replace(const struct os *os, const char *path, struct bytes bytes)
{
    char fresh[LIMIT_PATH_BYTES];
    char dir[LIMIT_PATH_BYTES];
    size_t len = strlen(path);
    if (len + sizeof ".new" > sizeof fresh)
        return ERR_LIMIT;
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    memcpy(dir, path, len + 1);
    while (len > 0 && dir[len - 1] != '/')
        len--;
    dir[len > 1 ? len - 1 : len] = 0;
    struct os_file *file;
    err_t err = os->file_open(os->ctx, fresh, OS_WRITE | OS_CREATE, &file);
    if (err != ERR_OK)
        return err;
    err = os->file_truncate(os->ctx, file, 0);
    if (err == ERR_OK)
        err = os->file_write(os->ctx, file, 0, bytes.at, bytes.len);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, file);
    os->file_close(os->ctx, file);
    if (err == ERR_OK)
        err = os->path_rename(os->ctx, fresh, path);
    return err == ERR_OK ? os->dir_sync(os->ctx, dir[0] == 0 ? "." : dir) : err;
}

err_t anchor_write(const struct os *os, const char *path, const struct anchor *anchor)
{
    if (anchor->row_count > LIMIT_ANCHOR_ROWS)
        return ERR_LIMIT;
    struct buf buf;
    buf_init(&buf, SIZE_MAX_BYTES);
    buf_put(&buf, magic, 8);
    wr_u16(&buf, LOG_VERSION);
    wr_u16(&buf, LOG_SUITE);
    wr_u32(&buf, anchor->row_count);
    buf_put(&buf, anchor->node.b, NODE_ID_SIZE);
    wr_u64(&buf, anchor->lsn_durable);
    wr_u64(&buf, (uint64_t)anchor->time_us);
    rows_put(&buf, anchor);
    struct hash digest = hash_sha256(buf_bytes(&buf));
    buf_put(&buf, digest.b, HASH_SIZE);
    err_t err = buf_err(&buf);
    if (err == ERR_OK)
        err = replace(os, path, buf_bytes(&buf));
    buf_deinit(&buf);
    return err;
}

static err_t parse(struct bytes bytes, struct anchor_row *rows, struct anchor *out)
{
    if (bytes.len < HEAD_SIZE + HASH_SIZE)
        return ERR_CORRUPT;
    struct hash digest = hash_sha256(bytes_of(bytes.at, bytes.len - HASH_SIZE));
    if (memcmp(digest.b, bytes.at + bytes.len - HASH_SIZE, HASH_SIZE) != 0 || memcmp(bytes.at, magic, 8) != 0)
        return ERR_CORRUPT;
    struct rd rd = rd_of(bytes_of(bytes.at + 8, bytes.len - HASH_SIZE - 8));
    if (rd_u16(&rd) != LOG_VERSION || rd_u16(&rd) != LOG_SUITE)
        return ERR_VERSION;
    struct anchor anchor = {.rows = rows, .row_count = rd_u32(&rd)};
    if (anchor.row_count > LIMIT_ANCHOR_ROWS)
        return ERR_CORRUPT;
    rd_copy(&rd, anchor.node.b, NODE_ID_SIZE);
    anchor.lsn_durable = rd_u64(&rd);
    anchor.time_us = (int64_t)rd_u64(&rd);
    for (uint32_t i = 0; i < anchor.row_count; i++) {
        rd_copy(&rd, rows[i].ledger, sizeof rows[i].ledger);
        rows[i].epoch = rd_u32(&rd);
        (void)rd_u32(&rd);
        rows[i].size = rd_u64(&rd);
        rd_copy(&rd, rows[i].root.b, HASH_SIZE);
        (void)rd_bytes(&rd, 16);
    }
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    *out = anchor;
    return ERR_OK;
}

err_t anchor_read(const struct os *os, const char *path, const struct node_id *node, struct anchor_row *rows,
                  struct anchor *out)
{
    struct os_file *file;
    uint64_t size = 0;
    struct anchor anchor;
    struct buf buf;
    err_t err = os->file_open(os->ctx, path, OS_READ, &file);
    if (err != ERR_OK)
        return err;
    buf_init(&buf, SIZE_MAX_BYTES);
    err = os->file_size(os->ctx, file, &size);
    if (err == ERR_OK && (size > SIZE_MAX_BYTES || size == 0))
        err = ERR_CORRUPT;
    uint8_t *at = err == ERR_OK ? buf_extend(&buf, (size_t)size) : NULL;
    if (err == ERR_OK)
        err = at == NULL ? ERR_NOMEM : os->file_read(os->ctx, file, 0, at, (size_t)size);
    if (err == ERR_OK)
        err = parse(buf_bytes(&buf), rows, &anchor);
    os->file_close(os->ctx, file);
    buf_deinit(&buf);
    if (err == ERR_OK && memcmp(anchor.node.b, node->b, NODE_ID_SIZE) != 0)
        err = ERR_INVALID;
    if (err == ERR_OK)
        *out = anchor;
    return err;
}
