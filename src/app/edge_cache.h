/* Pages that edge keeps: answers of core that it may give again, as bytes (DESIGN 3: only pages already
 * released to an identity's view). What may be kept is core's to say (exchange_answer.cacheable); edge
 * decides nothing about who may see what.
 *
 * The key is a keyed digest over the whole request as core would get it: credentials, certificate key, path,
 * query, Accept and all else, so nothing that an answer could depend on can be forgotten here, and another
 * identity never meets another's page. A kept page is given only while the marks that it was made under
 * stand (exchange_marks). Core raises them before it acknowledges what changed (os/channel.h), so that the
 * first request after the acknowledgement of a stop, a removed token or a new release finds nothing here.
 *
 * A kept page may be asked for packed: it is packed once, and both forms are kept. In what form it goes out
 * is no part of the key, as core never hears of it.
 *
 * Bounded: `bytes_max` over all, EDGE_CACHE_WAYS pages whose keys fall together, the one that was asked for
 * longest ago gives way. One thread. */
#pragma once

#include "app/edge_pack.h"
#include "app/message.h"
#include "core/hash.h"
#include "net/exchange.h"
#include "net/server.h"

enum { EDGE_CACHE_SETS = 64, EDGE_CACHE_WAYS = 8 };

struct edge_cache;

/* Where the marks stand now. */
struct edge_cache_now {
    uint64_t (*mark)(void *ctx, unsigned mark);
    /* So often was a page given again since this was last said of it: when edge_cache_tell asks, or the page
     * goes. */
    void (*used)(void *ctx, const struct message_used *used);
    void *ctx;
};

NODISCARD err_t edge_cache_new(const struct hash *key, size_t bytes_max, const struct edge_cache_now *now,
                               struct edge_cache **out);
void edge_cache_free(struct edge_cache *cache); /* accepts NULL */

/* False: the answer to this request is never kept (not GET, or with a body). `request->id` does not count. */
bool edge_cache_key(struct edge_cache *cache, const struct exchange_request *request, struct hash *out);
/* False: not kept, or no longer true. What *out points to is good until the next call with this cache. */
bool edge_cache_find(struct edge_cache *cache, const struct hash *key, const struct edge_wish *wish,
                     struct answer *out);
/* Keeps a copy, in place of an older one. *out as of edge_cache_find, in the same bytes. False: not kept
 * (core did not allow it, a mark moved meanwhile, it is too large, no memory). */
bool edge_cache_keep(struct edge_cache *cache, const struct hash *key, const struct exchange_answer *answer,
                     const struct edge_wish *wish, struct answer *out);
/* Forgets what is no longer true, and what nobody asked for since the last sweep. True: something is left. */
bool edge_cache_sweep(struct edge_cache *cache);
void edge_cache_clear(struct edge_cache *cache);
/* Calls `used` for each page that was given again since the last time. */
void edge_cache_tell(struct edge_cache *cache);

struct edge_cache_count {
    size_t pages, bytes;
    uint64_t hits, misses, packings;
};
struct edge_cache_count edge_cache_count(const struct edge_cache *cache);
