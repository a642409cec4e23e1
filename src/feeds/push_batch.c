#include "feeds/push_batch.h"

#include <stdio.h>

#include "gate/query.h"

static const char head[] = "{\"objects\":[", tail[] = "]}";
/* WORD_BYTES: the largest word, and this node's identity before it. */
enum { FRAME_BYTES = sizeof head + sizeof tail, WORD_BYTES = 2048 };

struct filling {
    struct push_batch *batch;
    struct feed *feed;
    const struct push_wanted *wanted;
    size_t looked;
};

void push_batch_init(struct push_batch *batch)
{
    buf_init(&batch->objects, LIMIT_FEED_PUSH_BYTES + LIMIT_OBJECT_BYTES);
    buf_init(&batch->ids, LIMIT_FEED_PUSH_BYTES);
    buf_init(&batch->body, LIMIT_FEED_PUSH_BYTES);
    buf_init(&batch->text, LIMIT_OBJECT_BYTES + JSON_PADDING);
}

void push_batch_deinit(struct push_batch *batch)
{
    buf_deinit(&batch->objects);
    buf_deinit(&batch->ids);
    buf_deinit(&batch->body);
    buf_deinit(&batch->text);
}

static struct str id_at(const struct push_batch *batch, size_t from, size_t len)
{
    return (struct str) {(const char *)batch->ids.at + from, len};
}

struct str push_batch_id(const struct push_batch *batch, size_t index)
{
    return id_at(batch, batch->items[index].id_from, batch->items[index].id_len);
}

struct str push_batch_about(const struct push_batch *batch, const struct push_batch_taking *taking)
{
    return id_at(batch, taking->about_from, taking->about_len);
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
    *item = (struct push_item) {.place = 2 * leaf->leaf.seq,
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

static bool add_taking(struct filling *filling, const struct gate_leaf *leaf)
{
    struct push_batch *batch = filling->batch;
    struct push_batch_taking *taking = &batch->takings[batch->taking_count++];
    *taking = (struct push_batch_taking) {
        .leaf = {filling->wanted->partner, leaf->leaf.seq, leaf->leaf.time_us, leaf->leaf.op},
        .subject = leaf->opening.subject_seq,
        .id_from = batch->ids.len,
        .id_len = leaf->id.len};
    buf_put_str(&batch->ids, leaf->id);
    return buf_err(&batch->ids) == ERR_OK;
}

static bool take_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct filling *filling = ctx;
    struct push_batch *batch = filling->batch;
    bool has = leaf->object.len > 0, content = has && 2 * leaf->leaf.seq >= filling->wanted->from;
    bool takes = leaf->opening.subject_seq != LEAF_SUBJECT_NONE && takes_out(leaf->leaf.op, has);
    size_t bytes = filling->wanted->bytes, words = WORD_BYTES * batch->taking_count;
    if (filling->looked == LIMIT_FEED_PUSH_LEAVES || batch->taking_count == LIMIT_FEED_PUSH_WORDS ||
        batch->count + batch->taking_count >= filling->wanted->objects)
        return false;
    bool fits = leaf->object.len <= bytes && bytes - leaf->object.len >= FRAME_BYTES;
    /* One comma an object. */
    if (content && fits && batch->objects.len + batch->count + words > bytes - leaf->object.len - FRAME_BYTES)
        return false;
    if (takes && batch->count > 0 && batch->objects.len + words + WORD_BYTES > bytes)
        return false;
    filling->looked++;
    batch->next = 2 * leaf->leaf.seq + 2;
    if (content && !fits) {
        batch->large++;
        (void)snprintf(batch->large_id, sizeof batch->large_id, "%.*s", STR_ARG(leaf->id));
    }
    if (takes && !add_taking(filling, leaf))
        return false;
    return !content || !fits || add_item(batch, leaf);
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

/* Does a later leaf of the view withdraw it? What it replaces by a newer version goes before that. */
static err_t is_withdrawn(const struct filling *filling, const struct push_item *item, bool *out)
{
    struct asking asking = {.seq = item->place / 2};
    err_t err = gate_leaf_versions(feed_gate(filling->feed), filling->wanted->partner, &item->key, look_later,
                                   &asking);
    *out = asking.superseded && !asking.replaced;
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- what is known of what goes, for the day when it is taken back --- */

/* What was said of taking an object back: by which leaf, as what. Its memory is 0 when it goes again. */
static struct str said_name(struct str id, char out[LIMIT_ID_BYTES + 8])
{
    int len = snprintf(out, LIMIT_ID_BYTES + 8, "back/%.*s", STR_ARG(id));
    return (struct str) {out, (size_t)len};
}

static err_t parse(struct filling *filling, const struct push_item *item, struct json_doc *doc)
{
    struct push_batch *batch = filling->batch;
    static const uint8_t padding[JSON_PADDING];
    buf_clear(&batch->text);
    buf_put(&batch->text, batch->objects.at + item->from, item->len);
    buf_put(&batch->text, padding, sizeof padding);
    return buf_err(&batch->text) == ERR_OK
               ? json_parse(feed_parser(filling->feed), bytes_of(batch->text.at, item->len), doc, NULL)
               : buf_err(&batch->text);
}

static err_t remember(struct filling *filling, const struct push_item *item)
{
    char name[LIMIT_ID_BYTES + 8];
    struct json_doc doc;
    struct str id = id_at(filling->batch, item->id_from, item->id_len);
    err_t err = parse(filling, item, &doc);
    if (err != ERR_OK || id.len > LIMIT_ID_BYTES)
        return err;
    struct push_sent sent = push_sent_of(feed_gate(filling->feed), id, json_root(&doc));
    struct str said = said_name(id, name);
    if (feed_recall(filling->feed, said) != 0 && TRY(err, feed_remember(filling->feed, said, 0)))
        return err;
    return push_sent_put(filling->wanted->rows, item->place / 2, &sent, feed_now(filling->feed));
}

/* --- words --- */

enum { SAID_OP_BITS = 4 };

/* Was as much said of it by another leaf? */
static bool is_said(struct filling *filling, const struct push_batch_taking *taking, struct str said,
                    uint64_t *out_seq)
{
    uint64_t value = feed_recall(filling->feed, said);
    enum leaf_op op = (enum leaf_op)(value & ((1u << SAID_OP_BITS) - 1));
    *out_seq = (value >> SAID_OP_BITS) - 1;
    return value != 0 && *out_seq != taking->leaf.seq && (op == LEAF_RECALL || op == taking->leaf.op);
}

/* Leaves the same bytes at the end of the objects as an item. */
static err_t add_word(struct filling *filling, size_t index, const struct push_sent *sent)
{
    struct push_batch *batch = filling->batch;
    struct push_batch_taking *taking = &batch->takings[index];
    struct push_item *item = &batch->items[batch->count];
    *item = (struct push_item) {.place = 2 * taking->leaf.seq + 1,
                                .stamp = stamp_from_us(taking->leaf.time_us),
                                .id_from = batch->ids.len,
                                .from = batch->objects.len,
                                .about = index};
    err_t err = push_word_write(feed_gate(filling->feed), &taking->leaf, sent, &batch->objects, &batch->ids,
                                &item->word);
    if (err != ERR_OK)
        return err;
    item->id_len = batch->ids.len - item->id_from;
    item->len = batch->objects.len - item->from;
    taking->about_from = batch->ids.len;
    taking->about_len = sent->id.len;
    buf_put_str(&batch->ids, sent->id);
    batch->count++;
    return buf_err(&batch->ids);
}

/* `sent` stands in the rows: what is put there moves it. */
static err_t say(struct filling *filling, size_t index, const struct push_sent *sent)
{
    char name[LIMIT_ID_BYTES + 8];
    const struct push_batch_taking *taking = &filling->batch->takings[index];
    struct str said = said_name(sent->id, name);
    struct push_back back = {.as = LEAF_SUBJECT_NONE};
    int64_t now_us = feed_now(filling->feed);
    if (is_said(filling, taking, said, &back.as))
        return push_back_put(filling->wanted->rows, taking->leaf.seq, &back, now_us);
    err_t err = add_word(filling, index, sent);
    return err != ERR_OK ? err
                         : feed_remember(filling->feed, said,
                                         (taking->leaf.seq + 1) << SAID_OP_BITS | (uint64_t)taking->leaf.op);
}

/* Nothing is said of what never went there, nor of what a newer version under the same id replaces. */
static err_t take_back(struct filling *filling, size_t index)
{
    struct push_batch *batch = filling->batch;
    struct push_batch_taking *taking = &batch->takings[index];
    struct push_sent sent;
    err_t err = push_sent_get(filling->wanted->rows, taking->subject, &sent);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    taking->went = true;
    return str_eq(sent.id, id_at(batch, taking->id_from, taking->id_len)) ? ERR_OK
                                                                          : say(filling, index, &sent);
}

static err_t take_all_back(struct filling *filling)
{
    err_t err = ERR_OK;
    for (size_t i = 0; i < filling->batch->taking_count && err == ERR_OK; i++)
        err = take_back(filling, i);
    return err == ERR_NOTFOUND ? ERR_OK : err; /* no identity: nothing is in this node's name */
}

/* --- the envelope --- */

/* Who reads a word wants to know whose it is. It stands where the leaf of the first word has no object. */
static err_t add_self(struct filling *filling)
{
    struct push_batch *batch = filling->batch;
    const struct push_item *word = NULL;
    struct stix_key self;
    for (size_t i = 0; i < batch->count && word == NULL; i++)
        if (batch->items[i].word != 0)
            word = &batch->items[i];
    if (word == NULL || filling->wanted->self || word->place - 1 < filling->wanted->from ||
        batch->takings[word->about].id_len > 0 || !gate_self(feed_gate(filling->feed), &self))
        return ERR_OK;
    struct push_item *item = &batch->items[batch->count++];
    *item = (struct push_item) {.place = word->place - 1,
                                .versionless = true,
                                .self = true,
                                .id_from = batch->ids.len,
                                .from = batch->objects.len};
    err_t err = gate_self_write(feed_gate(filling->feed), &batch->objects);
    item->len = batch->objects.len - item->from;
    stix_key_print(&self, &batch->ids);
    item->id_len = batch->ids.len - item->id_from;
    return err == ERR_OK ? buf_err(&batch->ids) : err;
}

/* By place: words stand behind all objects so far. */
static void sort(struct push_batch *batch)
{
    for (size_t i = 1; i < batch->count; i++) {
        struct push_item item = batch->items[i];
        size_t at = i;
        for (; at > 0 && batch->items[at - 1].place > item.place; at--)
            batch->items[at] = batch->items[at - 1];
        batch->items[at] = item;
    }
}

static err_t drop_withdrawn(struct filling *filling)
{
    struct push_batch *batch = filling->batch;
    size_t kept = 0;
    for (size_t i = 0; i < batch->count; i++) {
        bool withdrawn;
        err_t err = is_withdrawn(filling, &batch->items[i], &withdrawn);
        if (err == ERR_OK && !withdrawn)
            err = remember(filling, &batch->items[i]);
        if (err != ERR_OK)
            return err;
        if (!withdrawn)
            batch->items[kept++] = batch->items[i];
    }
    batch->count = kept;
    return ERR_OK;
}

/* No more than were wanted: the next envelope goes on in the midst of a leaf. */
static void cut(struct push_batch *batch, size_t objects)
{
    sort(batch);
    if (batch->count > objects) {
        batch->next = batch->items[objects].place;
        batch->count = objects;
    }
    for (size_t i = 0; i < batch->taking_count; i++)
        batch->unconfirmed += batch->takings[i].went && 2 * batch->takings[i].leaf.seq + 1 < batch->next;
}

static err_t put_body(struct push_batch *batch)
{
    buf_put_str(&batch->body, str_of(head));
    for (size_t i = 0; i < batch->count; i++) {
        if (i > 0)
            buf_putc(&batch->body, ',');
        buf_put(&batch->body, batch->objects.at + batch->items[i].from, batch->items[i].len);
    }
    buf_put_str(&batch->body, str_of(tail));
    return buf_err(&batch->objects) != ERR_OK ? buf_err(&batch->objects) : buf_err(&batch->body);
}

static void clear(struct push_batch *batch, uint64_t from)
{
    buf_clear(&batch->objects);
    buf_clear(&batch->ids);
    buf_clear(&batch->body);
    batch->count = batch->taking_count = 0;
    batch->next = from;
    batch->unconfirmed = batch->large = 0;
}

err_t push_batch_fill(struct push_batch *batch, struct feed *feed, const struct push_wanted *wanted)
{
    struct filling filling = {.batch = batch, .feed = feed, .wanted = wanted};
    clear(batch, wanted->from);
    err_t err = gate_leaves(feed_gate(feed), wanted->partner, wanted->from / 2, take_leaf, &filling);
    if (err == ERR_OK)
        err = buf_err(&batch->objects) == ERR_OK ? buf_err(&batch->ids) : buf_err(&batch->objects);
    if (err != ERR_OK || TRY(err, drop_withdrawn(&filling)) || TRY(err, take_all_back(&filling)) ||
        TRY(err, add_self(&filling)))
        return err;
    cut(batch, wanted->objects);
    if (TRY(err, put_body(batch)))
        return err;
    return push_rows_flush(wanted->rows, feed_now(feed));
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
