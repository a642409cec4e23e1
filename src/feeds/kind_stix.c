/* A URL that serves STIX: a bundle, an envelope, a list, or an object a line. Asked with the ETag and the
 * date that came last, so that an unchanged file costs one 304 (RFC 9110 section 13.1). */
#include "feeds/fresh.h"
#include "feeds/kind.h"

static err_t begin(struct feed *feed)
{
    struct fresh *fresh;
    err_t err = fresh_new(&fresh);
    if (err != ERR_OK)
        return err;
    *feed_work(feed) = fresh;
    feed_ask(feed, feed_url(feed).target);
    feed_ask_field(feed, "accept", STR("application/stix+json, application/json;q=0.9, */*;q=0.1"));
    fresh_ask(feed);
    return ERR_OK;
}

static void answer(struct feed *feed, struct feed_answer *answer)
{
    if (!fresh_answered(feed, *feed_work(feed), answer))
        return;
    if (feed_breaks_off(buf_bytes(answer->body)))
        feed_fail(feed, ERR_CLOSED, "nothing of it was taken in; it is tried again",
                  "the answer breaks off after %zu bytes: its JSON has no end", answer->body->len);
    else
        feed_take(feed, answer->body);
}

static void taken(struct feed *feed)
{
    fresh_taken(feed, *feed_work(feed));
    feed_done(feed);
}

const struct feed_kind feed_kind_stix = {
    .name = "stix",
    .summary = "a file of STIX at a URL",
    .begin = begin,
    .answer = answer,
    .taken = taken,
    .end = fresh_end,
};
