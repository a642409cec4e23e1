#include "feeds/push_batch.h"

#include <stdio.h>

static const char head[] = "{\"objects\":[", tail[] = "]}";
enum { FRAME_BYTES = sizeof head + sizeof tail };

struct filling {
    struct push_batch *batch;
    struct feed *feed;
    const struct push_wanted *wanted;
    size_t looked;
    uint64_t subjects[LIMIT_FEED_PUSH_LEAVES];
    size_t subject_count;
};

void push_batch_init(struct push_batch *batch)
{
    buf_init(&batch->objects, LIMIT_FEED_PUSH_BYTES + LIMIT_OBJECT_BYTES);
    buf_init(&batch->ids, LIMIT_FEED_PUSH_BYTES);
    buf_init(&batch->body, LIMIT_FEED_PUSH_BYTES);
}

void push_batch_deinit(struct push_batch *batch)
{
    buf_deinit(&batch->objects);
    buf_deinit(&batch->ids);
    buf_deinit(&batch->body);
}

struct str push_batch_id(const struct push_batch *batch, size_t index)
{
    const struct push_item *item = &batch->items[index];
    return (struct str) {(const char *)batch->ids.at + item->id_from, item->id_len};
}

/* --- what was left out, so that its withdrawal is none --- */

static struct str skip_name(uint32_t epoch, uint64_t seq, char out[48])
{
    int len = snprintf(out, 48, "leaf/%u/%llu", epoch, (unsigned long long)seq);
    return (struct str) {out, (size_t)len};
}

static void remember_skipped(struct feed *feed, uint32_t epoch, uint64_t seq)
{
    char name[48];
    /* Unheard, its withdrawal counts as one that cannot be confirmed. */
    (void)!feed_remember(feed, skip_name(epoch, seq, name), 1);
}

static bool was_skipped(struct feed *feed, uint32_t epoch, uint64_t seq)
{
    char name[48];
    return feed_recall(feed, skip_name(epoch, seq, name)) == 1;
}

/* --- gathering --- */

/* What may be passed on less far from the partner stays in his view. */
static bool takes_out(enum leaf_op op, bool content)
{
    return (!content && op != LEAF_NARROW) || op == LEAF_RECALL || op == LEAF_REDACT || op == LEAF_EXPIRE;
}

static bool add_item(struct push_batch *batch, const struct gate_leaf *leaf)
{
    struct push_item *item = &batch->items[batch->count++];
    *item = (struct push_item) {.seq = leaf->leaf.seq,
                                .key = leaf->key,
                                .stamp = leaf->stamp,
                                .versionless = leaf->version.len == 0,
                                .id_from = batch->ids.len,
                                .id_len = leaf->id.len,
                                .from = batch->objects.len,
                                .len = leaf->object.len};
    buf_put_str(&batch->ids, leaf->id);
    buf_put(&batch->objects, leaf->object.at, leaf->object.len);
    return buf_err(&batch->ids) == ERR_OK && buf_err(&batch->objects) == ERR_OK;
}

static bool take_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct filling *filling = ctx;
    struct push_batch *batch = filling->batch;
    bool content = leaf->object.len > 0;
    if (filling->looked == LIMIT_FEED_PUSH_LEAVES || batch->count == filling->wanted->objects)
        return false;
    bool fits = leaf->object.len <= filling->wanted->bytes &&
                filling->wanted->bytes - leaf->object.len >= FRAME_BYTES;
    /* One comma an object. */
    if (content && fits &&
        batch->objects.len + batch->count > filling->wanted->bytes - leaf->object.len - FRAME_BYTES)
        return false;
    filling->looked++;
    batch->next = leaf->leaf.seq + 1;
    if (leaf->opening.subject_seq != LEAF_SUBJECT_NONE && takes_out(leaf->leaf.op, content))
        filling->subjects[filling->subject_count++] = leaf->opening.subject_seq;
    if (content && !fits) {
        batch->large++;
        (void)snprintf(batch->large_id, sizeof batch->large_id, "%.*s", STR_ARG(leaf->id));
        return true;
    }
    return !content || add_item(batch, leaf);
}

struct asking {
    uint64_t seq;
    bool superseded, replaced;
};

static bool look_later(void *ctx, const struct gate_leaf_version *version)
{
    struct asking *asking = ctx;
    if (version->seq == asking->seq)
        asking->superseded = version->superseded;
    else if (version->subject_seq == asking->seq && !takes_out(version->op, version->has_object))
        asking->replaced = true;
    return true;
}

/* Leaves out what a later leaf of the view withdraws; what it replaces by a newer version goes before that.
 */
static err_t put_body(struct filling *filling)
{
    struct push_batch *batch = filling->batch;
    size_t kept = 0;
    buf_put_str(&batch->body, str_of(head));
    for (size_t i = 0; i < batch->count; i++) {
        struct push_item item = batch->items[i];
        struct asking asking = {.seq = item.seq};
        err_t err = gate_leaf_versions(feed_gate(filling->feed), filling->wanted->partner, &item.key,
                                       look_later, &asking);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return err;
        if (asking.superseded && !asking.replaced) {
            remember_skipped(filling->feed, filling->wanted->epoch, item.seq);
            continue;
        }
        if (kept > 0)
            buf_putc(&batch->body, ',');
        buf_put(&batch->body, batch->objects.at + item.from, item.len);
        batch->items[kept++] = item;
    }
    buf_put_str(&batch->body, str_of(tail));
    batch->count = kept;
    return buf_err(&batch->body);
}

err_t push_batch_fill(struct push_batch *batch, struct feed *feed, const struct push_wanted *wanted)
{
    struct filling filling = {.batch = batch, .feed = feed, .wanted = wanted};
    buf_clear(&batch->objects);
    buf_clear(&batch->ids);
    buf_clear(&batch->body);
    batch->count = 0;
    batch->next = wanted->from;
    batch->unconfirmed = batch->large = 0;
    err_t err = gate_leaves(feed_gate(feed), wanted->partner, wanted->from, take_leaf, &filling);
    if (err == ERR_OK)
        err = buf_err(&batch->objects) == ERR_OK ? buf_err(&batch->ids) : buf_err(&batch->objects);
    if (err == ERR_OK)
        err = put_body(&filling);
    for (size_t i = 0; err == ERR_OK && i < filling.subject_count; i++)
        batch->unconfirmed += !was_skipped(feed, wanted->epoch, filling.subjects[i]);
    return err;
}

/* --- what the server has --- */

void push_batch_found(struct push_batch *batch, struct str id, struct str version)
{
    struct stamp stamp;
    bool dated = version.len > 0 && stamp_parse(version, &stamp, NULL) == ERR_OK;
    for (size_t i = 0; i < batch->count; i++) {
        struct push_item *item = &batch->items[i];
        if (str_eq(push_batch_id(batch, i), id) &&
            (item->versionless || (dated && stamp_cmp(stamp, item->stamp) == 0)))
            item->found = true;
    }
}
