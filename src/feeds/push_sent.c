#include "feeds/push_sent.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "feeds/kept.h"

/* A setting: u32 epoch, then rows of `u64 leaf, u8 kind, blob`. */
enum { ROW_SENT = 1, ROW_BACK = 2, ROW_HEAD = 8 + 1 + 4, ROW_MAX = LIMIT_ID_BYTES + 64, EPOCH_SIZE = 4 };
_Static_assert(EPOCH_SIZE + PUSH_SENT_LEAVES * 2 * (ROW_HEAD + ROW_MAX) <= RECORD_FACT_VALUE_MAX,
               "a setting holds two rows of each of its leaves");

/* How many settings there are: its own setting, "feed/NAME/s". */
static struct str count_key(struct str feed, char *out)
{
    return kept_key(feed, "s", out);
}

static struct str block_key(struct str feed, uint64_t block, char *out)
{
    char tail[24];
    (void)snprintf(tail, sizeof tail, "s%llx", (unsigned long long)block);
    return kept_key(feed, tail, out);
}

void push_rows_init(struct push_rows *rows, struct gate *gate, struct str feed, uint32_t epoch)
{
    *rows = (struct push_rows) {
        .gate = gate, .feed = feed, .by = {feed, STR("feed")}, .epoch = epoch, .block = UINT64_MAX};
    buf_init(&rows->rows, RECORD_FACT_VALUE_MAX);
    buf_init(&rows->row, ROW_MAX);
}

void push_rows_deinit(struct push_rows *rows)
{
    buf_deinit(&rows->rows);
    buf_deinit(&rows->row);
}

/* --- settings --- */

static uint64_t count_get(struct gate *gate, struct str feed)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf held;
    uint64_t count = 0;
    buf_init(&held, 8);
    if (gate_setting_get(gate, count_key(feed, key), &held)) {
        struct rd rd = rd_of(buf_bytes(&held));
        count = rd_u64(&rd);
    }
    buf_deinit(&held);
    return count;
}

static err_t count_put(const struct push_rows *rows, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    uint8_t value[8];
    if (rows->block < count_get(rows->gate, rows->feed))
        return ERR_OK;
    wr_at_u64(value, rows->block + 1);
    return gate_setting_put(rows->gate, count_key(rows->feed, key), bytes_of(value, sizeof value), &rows->by,
                            now_us);
}

err_t push_rows_flush(struct push_rows *rows, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    err_t err;
    if (!rows->dirty)
        return ERR_OK;
    if (TRY(err, buf_err(&rows->rows)) || TRY(err, count_put(rows, now_us)))
        return err;
    err = gate_setting_put(rows->gate, block_key(rows->feed, rows->block, key), buf_bytes(&rows->rows),
                           &rows->by, now_us);
    rows->dirty = err != ERR_OK;
    return err;
}

static err_t open_block(struct push_rows *rows, uint64_t seq, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    uint64_t block = seq / PUSH_SENT_LEAVES;
    err_t err;
    if (rows->block == block)
        return ERR_OK;
    if (TRY(err, push_rows_flush(rows, now_us)))
        return err;
    rows->block = UINT64_MAX;
    buf_clear(&rows->rows);
    bool held = gate_setting_get(rows->gate, block_key(rows->feed, block, key), &rows->rows);
    struct rd rd = rd_of(buf_bytes(&rows->rows));
    if (!held || rd_u32(&rd) != rows->epoch || rd.err != ERR_OK) {
        buf_clear(&rows->rows);
        wr_u32(&rows->rows, rows->epoch);
    }
    if (TRY(err, buf_err(&rows->rows)))
        return err;
    rows->block = block;
    return ERR_OK;
}

/* --- rows --- */

/* Where the row stands: [*out_from, *out_end), and what it says. */
static err_t find(const struct push_rows *rows, uint64_t seq, uint8_t kind, struct bytes *out,
                  size_t *out_from, size_t *out_end)
{
    struct rd rd = rd_of(buf_bytes(&rows->rows));
    (void)rd_u32(&rd);
    while (rd.err == ERR_OK && rd.left > 0) {
        size_t from = rows->rows.len - rd.left;
        uint64_t at = rd_u64(&rd);
        uint8_t what = rd_u8(&rd);
        struct bytes text = rd_blob(&rd, ROW_MAX);
        if (rd.err != ERR_OK || at != seq || what != kind)
            continue;
        *out = text;
        *out_from = from;
        *out_end = rows->rows.len - rd.left;
        return ERR_OK;
    }
    return rd.err == ERR_OK ? ERR_NOTFOUND : ERR_CORRUPT;
}

static err_t row_get(struct push_rows *rows, uint64_t seq, uint8_t kind, struct rd *out)
{
    struct bytes text;
    size_t from, end;
    err_t err = open_block(rows, seq, 0);
    if (err == ERR_OK)
        err = find(rows, seq, kind, &text, &from, &end);
    if (err == ERR_OK)
        *out = rd_of(text);
    return err;
}

static err_t row_drop(struct push_rows *rows, uint64_t seq, uint8_t kind, int64_t now_us)
{
    struct bytes text;
    size_t from, end;
    err_t err = open_block(rows, seq, now_us);
    if (err == ERR_OK)
        err = find(rows, seq, kind, &text, &from, &end);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    memmove(rows->rows.at + from, rows->rows.at + end, rows->rows.len - end);
    rows->rows.len -= end - from;
    rows->dirty = true;
    return ERR_OK;
}

/* What stands in `row`, in place of what was said of the leaf before. */
static err_t row_put(struct push_rows *rows, uint64_t seq, uint8_t kind, int64_t now_us)
{
    err_t err = buf_err(&rows->row);
    if (err != ERR_OK || TRY(err, row_drop(rows, seq, kind, now_us)))
        return err;
    wr_u64(&rows->rows, seq);
    wr_u8(&rows->rows, kind);
    wr_blob(&rows->rows, buf_bytes(&rows->row));
    rows->dirty = true;
    return buf_err(&rows->rows);
}

err_t push_sent_get(struct push_rows *rows, uint64_t seq, struct push_sent *out)
{
    struct rd rd;
    err_t err = row_get(rows, seq, ROW_SENT, &rd);
    if (err != ERR_OK)
        return err;
    struct push_sent sent = {.level = (enum stix_tlp)rd_u8(&rd), .own = rd_u8(&rd) == 1};
    sent.created_us = (int64_t)rd_u64(&rd);
    sent.id = str_from_bytes(rd_blob(&rd, LIMIT_ID_BYTES));
    if (rd_end(&rd) != ERR_OK || sent.level > STIX_TLP_RED)
        return ERR_CORRUPT;
    *out = sent;
    return ERR_OK;
}

err_t push_sent_put(struct push_rows *rows, uint64_t seq, const struct push_sent *sent, int64_t now_us)
{
    buf_clear(&rows->row);
    wr_u8(&rows->row, (uint8_t)sent->level);
    wr_u8(&rows->row, sent->own);
    wr_u64(&rows->row, (uint64_t)sent->created_us);
    wr_blob(&rows->row, bytes_from_str(sent->id));
    return row_put(rows, seq, ROW_SENT, now_us);
}

err_t push_sent_drop(struct push_rows *rows, uint64_t seq, int64_t now_us)
{
    return row_drop(rows, seq, ROW_SENT, now_us);
}

err_t push_back_get(struct push_rows *rows, uint64_t seq, struct push_back *out)
{
    struct rd rd;
    err_t err = row_get(rows, seq, ROW_BACK, &rd);
    if (err != ERR_OK)
        return err;
    struct push_back back = {
        .done = {.word = (enum feed_word)rd_u8(&rd), .fate = (enum feed_fate)rd_u8(&rd)}};
    back.done.deleted = rd_u16(&rd);
    back.done.at_us = (int64_t)rd_u64(&rd);
    back.as = rd_u64(&rd);
    back.id = str_from_bytes(rd_blob(&rd, LIMIT_ID_BYTES));
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    *out = back;
    return ERR_OK;
}

err_t push_back_put(struct push_rows *rows, uint64_t seq, const struct push_back *back, int64_t now_us)
{
    buf_clear(&rows->row);
    wr_u8(&rows->row, (uint8_t)back->done.word);
    wr_u8(&rows->row, (uint8_t)back->done.fate);
    wr_u16(&rows->row, (uint16_t)back->done.deleted);
    wr_u64(&rows->row, (uint64_t)back->done.at_us);
    wr_u64(&rows->row, back->as);
    wr_blob(&rows->row, bytes_from_str(back->id));
    return row_put(rows, seq, ROW_BACK, now_us);
}

/* --- for others --- */

err_t push_rows_forget(struct gate *gate, struct str feed, const struct gate_by *by, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf held;
    err_t err = ERR_OK;
    uint64_t count = count_get(gate, feed);
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    for (uint64_t block = 0; block < count && err == ERR_OK; block++) {
        buf_clear(&held);
        if (gate_setting_get(gate, block_key(feed, block, key), &held) && held.len > 0)
            err = gate_setting_put(gate, str_of(key), bytes_of(NULL, 0), by, now_us);
    }
    if (err == ERR_OK && count > 0)
        err = gate_setting_put(gate, count_key(feed, key), bytes_of(NULL, 0), by, now_us);
    buf_deinit(&held);
    return err;
}

err_t feed_taken_back(struct gate *gate, struct str name, uint32_t epoch, uint64_t seq,
                      struct feed_taken_back *out)
{
    struct push_rows rows;
    struct push_back back;
    push_rows_init(&rows, gate, name, epoch);
    err_t err = push_back_get(&rows, seq, &back);
    if (err == ERR_OK && back.as != LEAF_SUBJECT_NONE)
        err = push_back_get(&rows, back.as, &back);
    if (err == ERR_OK)
        *out = back.done;
    push_rows_deinit(&rows);
    return err;
}
