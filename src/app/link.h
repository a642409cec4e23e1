/* A link: how two roles talk (DESIGN 3). An os/channel with a kind on each message, a bounded queue for what
 * does not fit the ring at once, and a way to notice that the other end was replaced.
 *
 * Each end announces itself when it takes the link up (a number of its own); until that is answered, whatever
 * arrives was meant for a predecessor and is thrown away. `fresh` tells that the other end is new: it knows
 * nothing of us, and nothing that was asked by its predecessor will be waited for. At first start both ends
 * get one `fresh`.
 *
 * Lives in one loop, one thread. In a separate process and in --one-process the same code runs. */
#pragma once

#include "core/buf.h"
#include "net/loop.h"
#include "os/channel.h"
#include "os/os.h"

struct link;

struct link_handler {
    void (*message)(void *ctx, unsigned kind, struct bytes body); /* borrowed for the call */
    void (*fresh)(void *ctx);
    void (*drained)(void *ctx); /* everything that had arrived was handed over; may be NULL */
    void (*broken)(void *ctx);  /* the memory does not add up any more: the role ends */
    void (*rung)(void *ctx); /* the other end rang, or began: look at its marks; with link_marks, not NULL */
    void *ctx;
};

/* `fds` stay the caller's. `handler` is copied. Nothing is called before the loop turns. */
NODISCARD err_t link_open(struct loop *loop, const struct os *os, const struct os_channel_fds *fds, int side,
                          const struct link_handler *handler, struct link **out);
void link_close(struct link *link); /* accepts NULL */
/* Announces this end as a new one: the other end gets `fresh`, and whatever it sent before is thrown away.
 * For a role that stands between two others, when the one behind it is new. */
void link_renew(struct link *link);
/* Marks are raised and read, and bells rung, in this channel instead of the link's own, so that a role that
 * stands between does not delay them; no message ever passes there. `fds` stay the caller's. */
NODISCARD err_t link_marks(struct link *link, const struct os_channel_fds *fds, int side);

/* `kind` is the caller's, from 1 to 250. ERR_FULL: LIMIT_LINK_PENDING_BYTES wait already; ERR_LIMIT: too
 * large, ever. */
NODISCARD err_t link_send(struct link *link, unsigned kind, struct bytes body);
/* Marks of os/channel.h: what we raise, where ours stands, and what the other end raised. */
void link_raise(struct link *link, unsigned mark);
uint64_t link_raised(const struct link *link, unsigned mark);
uint64_t link_mark(const struct link *link, unsigned mark);
void link_reach(struct link *link, unsigned mark, uint64_t value);
void link_ring(struct link *link); /* with link_marks alone */
/* Bytes that wait for room in the ring. */
size_t link_pending(const struct link *link);
/* While paused nothing more is handed over (the ring fills up and the other end waits). */
void link_pause(struct link *link, bool paused);
/* Has the other end announced itself yet? */
bool link_up(const struct link *link);
