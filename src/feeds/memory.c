/* What a feed remembers of each of many things: which version of which event it has. 256 settings, by the
 * first byte of the thing's hash; 16 bytes a thing, so that remembering one writes one small setting again.
 * And what it remembers of a whole set, in 256 settings of their own: 24 bytes a member. */
#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "feeds/kept.h"

enum { ROW_BYTES = 16, BUCKET_ROWS_MAX = RECORD_FACT_VALUE_MAX / ROW_BYTES, BUCKETS = 256 };
_Static_assert(LIMIT_FEED_THINGS / BUCKETS <= BUCKET_ROWS_MAX, "a bucket holds its share");

static struct str bucket_key(struct str feed, const char *set, unsigned bucket, char *out)
{
    char tail[8];
    (void)snprintf(tail, sizeof tail, "%s%02x", set, bucket);
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
    if (gate_setting_get(feed_gate(feed), bucket_key(feed_conf_of(feed)->name, "", hash.b[0], key), &held)) {
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
    struct str name = bucket_key(feed_conf_of(feed)->name, "", hash.b[0], key);
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

/* --- whole sets --- */

enum { MEMBER_BYTES = UUID_SIZE + 8, SHARE_MEMBERS_MAX = RECORD_FACT_VALUE_MAX / MEMBER_BYTES };
/* A share of n at random is hardly ever a fifth above its mean of two thousand (that would be nine times the
 * deviation); there is room for more than a third. */
_Static_assert(LIMIT_FEED_LIST_VALUES / FEED_SHARES * 4 / 3 <= SHARE_MEMBERS_MAX, "a share holds its part");

static const char members_set[] = "m";

struct members {
    struct feed_member *at;
    size_t count, room;
};

static err_t add_share(struct members *members, struct bytes text)
{
    size_t more = text.len / MEMBER_BYTES;
    if (text.len % MEMBER_BYTES != 0)
        return ERR_CORRUPT;
    if (more > members->room - members->count) {
        size_t room = 2 * members->room > members->count + more ? 2 * members->room : members->count + more;
        struct feed_member *grown = mem_grow(members->at, room * sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        members->at = grown;
        members->room = room;
    }
    for (size_t at = 0; at < text.len; at += MEMBER_BYTES) {
        struct feed_member *member = &members->at[members->count++];
        struct rd rd = rd_of(bytes_of(text.at + at + UUID_SIZE, 8));
        memcpy(member->id.b, text.at + at, UUID_SIZE);
        member->value = rd_u64(&rd);
    }
    return ERR_OK;
}

err_t feed_members_read(struct feed *feed, struct feed_member **out, size_t *out_count)
{
    char key[RECORD_FACT_KEY_MAX];
    struct members members = {0};
    struct buf held;
    err_t err = ERR_OK;
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    for (unsigned i = 0; err == ERR_OK && i < FEED_SHARES; i++) {
        buf_clear(&held);
        if (gate_setting_get(feed_gate(feed), bucket_key(feed_conf_of(feed)->name, members_set, i, key),
                             &held))
            err = add_share(&members, buf_bytes(&held));
    }
    buf_deinit(&held);
    if (err != ERR_OK) {
        mem_free(members.at);
        return err;
    }
    *out = members.at;
    *out_count = members.count;
    return ERR_OK;
}

err_t feed_members_put(struct feed *feed, unsigned share, const struct feed_member *members, size_t count)
{
    char key[RECORD_FACT_KEY_MAX];
    struct gate_by by = feed_by(feed);
    struct buf text;
    buf_init(&text, RECORD_FACT_VALUE_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_put(&text, members[i].id.b, UUID_SIZE);
        wr_u64(&text, members[i].value);
    }
    err_t err = buf_err(&text) == ERR_LIMIT ? ERR_FULL : buf_err(&text);
    if (err == ERR_OK)
        err = gate_setting_put(feed_gate(feed), bucket_key(feed_conf_of(feed)->name, members_set, share, key),
                               buf_bytes(&text), &by, feed_now(feed));
    buf_deinit(&text);
    return err;
}

/* --- the end --- */

void feed_memory_forget(struct gate *gate, struct str name, const struct gate_by *by, int64_t now_us)
{
    char key[RECORD_FACT_KEY_MAX];
    struct buf held;
    buf_init(&held, RECORD_FACT_VALUE_MAX);
    for (unsigned i = 0; i < 2 * BUCKETS; i++) {
        struct str bucket = bucket_key(name, i < BUCKETS ? "" : members_set, i % BUCKETS, key);
        buf_clear(&held);
        if (gate_setting_get(gate, bucket, &held) && held.len > 0 &&
            gate_setting_put(gate, bucket, bytes_of(NULL, 0), by, now_us) != ERR_OK)
            break; /* the gate takes nothing any more; what is left is of no feed */
    }
    buf_deinit(&held);
}
