/* The guard role's knowledge of feeds: whose view goes to which of the servers that edge calls for core, and
 * where those servers are. Read from the messages that pass on their way (message_feed.h). One thread, the
 * guard role's. */
#pragma once

#include "app/message_feed.h"
#include "guard/guard.h"

struct guard_feeds;

NODISCARD err_t guard_feeds_new(struct guard_feeds **out);
void guard_feeds_free(struct guard_feeds *feeds); /* accepts NULL */
/* None is open any more. */
void guard_feeds_clear(struct guard_feeds *feeds);

/* MESSAGE_FEED_OPEN; false: it cannot be read or kept, and edge must not have it either. */
bool guard_feeds_open(struct guard_feeds *feeds, struct bytes body);
void guard_feeds_close(struct guard_feeds *feeds, uint32_t feed);
/* MESSAGE_FEED_HEAD: where its server sends us. */
void guard_feeds_head(struct guard_feeds *feeds, struct bytes body);

/* Nothing has been asked about the call of this feed. */
void guard_feeds_begin(struct guard_feeds *feeds, uint32_t feed);
struct guard_case *guard_feeds_case(struct guard_feeds *feeds, uint32_t feed); /* NULL: no such number */
/* The last look at it. Of a feed that is not open: held. */
enum guard_verdict guard_feeds_check(struct guard_feeds *feeds, struct guard *guard,
                                     const struct message_feed_call *call, int64_t now_s,
                                     struct guard_finding *out);
