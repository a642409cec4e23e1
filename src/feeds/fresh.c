#include "feeds/fresh.h"

#include "core/mem.h"

struct fresh {
    struct buf etag, modified;
};

err_t fresh_new(struct fresh **out)
{
    struct fresh *fresh = mem_alloc(sizeof *fresh);
    if (fresh == NULL)
        return ERR_NOMEM;
    buf_init(&fresh->etag, FEED_KEPT_BYTES);
    buf_init(&fresh->modified, FEED_KEPT_BYTES);
    *out = fresh;
    return ERR_OK;
}

void fresh_end(void *at)
{
    struct fresh *fresh = at;
    buf_deinit(&fresh->etag);
    buf_deinit(&fresh->modified);
    mem_free(fresh);
}

void fresh_ask(struct feed *feed)
{
    feed_ask_field(feed, "if-none-match", feed_get(feed, "etag"));
    feed_ask_field(feed, "if-modified-since", feed_get(feed, "modified"));
}

bool fresh_answered(struct feed *feed, struct fresh *fresh, const struct feed_answer *answer)
{
    if (answer->status == 304) {
        feed_done(feed);
        return false;
    }
    if (answer->status != 200) {
        feed_refused(feed, answer);
        return false;
    }
    buf_put_str(&fresh->etag, feed_answer_field(answer, "etag"));
    buf_put_str(&fresh->modified, feed_answer_field(answer, "last-modified"));
    return true;
}

static struct str or_none(const struct buf *buf)
{
    return buf_err(buf) == ERR_OK && str_is_utf8(buf_str(buf)) ? buf_str(buf) : (struct str) {NULL, 0};
}

void fresh_taken(struct feed *feed, const struct fresh *fresh)
{
    /* What cannot be kept is forgotten: then the whole file comes again. */
    if (!feed_set(feed, "etag", or_none(&fresh->etag)))
        (void)feed_set(feed, "etag", STR(""));
    if (!feed_set(feed, "modified", or_none(&fresh->modified)))
        (void)feed_set(feed, "modified", STR(""));
}
