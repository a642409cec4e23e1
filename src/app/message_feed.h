/* What core and edge say to each other about feeds (feeds/feed.h): core knows what is to be asked and never
 * the secrets; the guard reads what is asked and may hold it (FEED_OVER comes from there then); edge knows
 * the secrets (feeds/feed-NAME.json, feed_secret.h) and adds them. As message.h: decoding borrows and is
 * strict. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "feeds/feed.h"

/* Behind the feeds stand the witnesses of the log of the node, in the order of the configuration. */
enum { MESSAGE_FEEDS_MAX = LIMIT_FEEDS + LIMIT_WITNESSES };

static inline bool message_is_witness(uint32_t feed)
{
    return feed >= LIMIT_FEEDS;
}

struct message_feed_open {
    uint32_t feed; /* below MESSAGE_FEEDS_MAX; an open one of that number is closed first */
    struct str name;
    struct str origin;
    bool private;
    bool secrets;
    /* For the guard, which stands between. */
    int partner;       /* whose view goes there; -1: it is read from */
    struct str target; /* path and query of the declared address */
    struct str self;   /* this node's identity, when a view goes there; empty: it has none */
};
void message_feed_open_write(struct buf *out, const struct message_feed_open *message);
NODISCARD err_t message_feed_open_read(struct bytes wire, struct message_feed_open *out);

struct message_feed_call {
    uint32_t feed;
    uint64_t id;
    uint8_t method; /* enum exchange_method */
    struct str target;
    struct feed_field fields[FEED_FIELDS_MAX];
    uint8_t field_count;
    uint64_t answer_max;
    uint32_t timeout_ms;
    struct bytes body;
};
void message_feed_call_write(struct buf *out, const struct message_feed_call *message);
NODISCARD err_t message_feed_call_read(struct bytes wire, struct message_feed_call *out);

struct message_feed_head {
    uint32_t feed;
    uint64_t id;
    uint16_t status;
    struct feed_field fields[FEED_FIELDS_MAX];
    uint8_t field_count;
};
void message_feed_head_write(struct buf *out, const struct message_feed_head *message);
NODISCARD err_t message_feed_head_read(struct bytes wire, struct message_feed_head *out);

struct message_feed_over {
    uint32_t feed;
    uint64_t id;
    err_t err;
    struct str what;
};
void message_feed_over_write(struct buf *out, const struct message_feed_over *message);
NODISCARD err_t message_feed_over_read(struct bytes wire, struct message_feed_over *out);
