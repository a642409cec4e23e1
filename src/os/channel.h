/* Messages between two processes of this program (DESIGN 3): a pair of bounded rings in shared memory, one
 * each way, and one wake-up descriptor for each side. A message is a u32 length and its bytes; it arrives
 * whole, once and in order.
 *
 * Neither side believes the other: the memory is sealed against resizing, indices of our own are kept in
 * private memory, and everything read from shared memory is copied once and checked before use. A peer that
 * scribbles makes the channel ERR_CORRUPT for good and does nothing else. A dead peer is noticed by
 * os/proc.h, not here.
 *
 * How a side uses it: wait until os_channel_fd is readable; os_channel_woken; receive until ERR_NOTFOUND;
 * send what is waiting until ERR_BUSY. A side that was told NOTFOUND or BUSY is woken when that changes. One
 * thread a side. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "core/limit.h"

struct os_channel;

/* Inherited by a child: three descriptors. Side 0 waits on wake[0], side 1 on wake[1]. */
struct os_channel_fds {
    int memory;
    int wake[2];
};

/* `ring_size` bytes each way: a power of two, 4 KiB to LIMIT_RING_BYTES. */
NODISCARD err_t os_channel_make(size_t ring_size, struct os_channel_fds *out);
void os_channel_fds_close(struct os_channel_fds *fds);

/* Takes up one side, also in place of a process that died: messages that it had not received are then still
 * there, and what it had sent arrives. Duplicates nothing: the descriptors stay the caller's until both ends
 * are done (memory may be closed at once). ERR_CORRUPT when the memory is not what os_channel_make made. */
NODISCARD err_t os_channel_open(const struct os_channel_fds *fds, int side, struct os_channel **out);
/* Does not close the wake-up descriptors. Accepts NULL. */
void os_channel_close(struct os_channel *channel);

/* Marks: numbers in the shared memory that one side raises and the other reads, without a message. What the
 * peer reads after it could know of anything that we did after the raise (a message, an answer of ours to
 * anybody) is the raised number. They only grow, also when a side is replaced. A peer that scribbles over
 * what we raise deceives itself alone. `mark` is below OS_CHANNEL_MARKS. */
enum { OS_CHANNEL_MARKS = 2 * LIMIT_PARTNERS + 2 }; /* app/message.h says which is what */
void os_channel_raise(struct os_channel *channel, unsigned mark);
/* Raises it to `value`, unless it stands there or above. */
void os_channel_reach(struct os_channel *channel, unsigned mark, uint64_t value);
/* Wakes the peer, so that it looks at our marks. */
void os_channel_ring(struct os_channel *channel);
/* Where ours stands, by our own account. */
uint64_t os_channel_raised(const struct os_channel *channel, unsigned mark);
/* What the peer raised. */
uint64_t os_channel_mark(const struct os_channel *channel, unsigned mark);

int os_channel_fd(const struct os_channel *channel);
void os_channel_woken(struct os_channel *channel);

/* The pieces are one message. ERR_BUSY: no room now. ERR_LIMIT: it would never fit. ERR_CORRUPT. */
NODISCARD err_t os_channel_send(struct os_channel *channel, const struct bytes *pieces, size_t count);
/* Replaces the content of `out` by the next message. ERR_NOTFOUND: none. ERR_LIMIT, ERR_NOMEM: `out` cannot
 * hold it; it stays. ERR_CORRUPT. */
NODISCARD err_t os_channel_receive(struct os_channel *channel, struct buf *out);
