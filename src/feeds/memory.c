/* What a feed remembers of each of many things: which version of which event it has. 256 settings, by the
 * first byte of the thing's hash; 16 bytes a thing, so that remembering one writes one small setting again.
 */
#include <stdio.h>

#include "core/rd.h"
#include "core/wr.h"
#include "feeds/kept.h"

enum { ROW_BYTES = 16, BUCKET_ROWS_MAX = RECORD_FACT_VALUE_MAX / ROW_BYTES, BUCKETS = 256 };
_Static_assert(LIMIT_FEED_THINGS / BUCKETS <= BUCKET_ROWS_MAX, "a bucket holds its share");

static struct str bucket_key(struct str feed, unsigned bucket, char *out)
{
    char tail[8];
    (void)snprintf(tail, sizeof tail, "%02x", bucket);
    return kept_key(feed, tail, out);
}

static uint64_t row_name(const struct hash *hash)
{
    struct rd rd = rd_of(bytes_of(hash->b + 1, 8));
    return rd_u64(&rd);
}

/* Offset of the row, or `held.len`. */
static size_t find(const struct buf *held, uint64_t name)
{
    for (size_t at = 0; at + ROW_BYTES <= held->len; at += ROW_BYTES) {
        struct rd rd = rd_of(bytes_of(held->at + at, 8));
        if (rd_u64(&rd) == name)
            return at;
    }
    return held->len;
}

uint64_t feed_recall(struct feed *feed, struct str thing)
{
    char key[RECORD_FACT_KEY_MAX];
    struct hash hash = hash_sha256(bytes_from_str(thing));
    struct buf held;
    uint64_t value = 0;
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    if (gate_setting_get(feed_gate(feed), bucket_key(feed_conf_of(feed)->name, hash.b[0], key), &held)) {
        size_t at = find(&held, row_name(&hash));
        if (at < held.len) {
            struct rd rd = rd_of(bytes_of(held.at + at + 8, 8));
            value = rd_u64(&rd);
        }
    }
    buf_deinit(&held);
    return value;
}

err_t feed_remember(struct feed *feed, struct str thing, uint64_t value)
{
    char key[RECORD_FACT_KEY_MAX];
    struct hash hash = hash_sha256(bytes_from_str(thing));
    struct gate_by by = feed_by(feed);
    struct buf held, row;
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    buf_init(&row, ROW_BYTES);
    struct str name = bucket_key(feed_conf_of(feed)->name, hash.b[0], key);
    (void)gate_setting_get(feed_gate(feed), name, &held);
    size_t at = find(&held, row_name(&hash));
    wr_u64(&row, row_name(&hash));
    wr_u64(&row, value);
    if (at == held.len)
        (void)buf_extend(&held, ROW_BYTES);
    err_t err = buf_err(&held) == ERR_LIMIT ? ERR_FULL : buf_err(&held);
    if (err == ERR_OK)
        err = buf_err(&row);
    if (err == ERR_OK) {
        memcpy(held.at + at, row.at, ROW_BYTES);
        err = gate_setting_put(feed_gate(feed), name, buf_bytes(&held), &by, feed_now(feed));
    }
    buf_deinit(&held);
    buf_deinit(&row);
    return err;
}

void feed_memory_forget(struct gate *gate, struct str name, const struct gate_by *by, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf held;
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct str bucket = bucket_key(name, i, key);
        buf_clear(&held);
        if (gate_setting_get(gate, bucket, &held) && held.len > 0 &&
            gate_setting_put(gate, bucket, bytes_of(NULL, 0), by, now_us) != ERR_OK)
            break; /* the gate takes nothing any more; what is left is of no feed */
    }
    buf_deinit(&held);
}
