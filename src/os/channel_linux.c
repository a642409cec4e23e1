#define _GNU_SOURCE /* memfd_create, seals */

#include "os/channel.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/mem.h"
#include "os/os_net.h"

enum { HEADER_SIZE = 4096, RING_SIZE_MIN = 4096, LENGTH_SIZE = 4 };
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

/* In shared memory. Each index has its own cache line; both only grow. A flag is set by who goes to sleep and
 * taken by who wakes: stored and read in one total order, so that one of the two always sees the other. */
struct shared {
    _Alignas(64) _Atomic uint64_t head; /* bytes ever written */
    _Alignas(64) _Atomic uint64_t tail; /* bytes ever read */
    _Alignas(64) _Atomic uint32_t reader_sleeps;
    _Alignas(64) _Atomic uint32_t writer_sleeps;
    _Alignas(64) _Atomic uint64_t marks[OS_CHANNEL_MARKS]; /* the writer's */
};

_Static_assert(sizeof(struct shared) <= HEADER_SIZE, "the header fits its page");

struct ring {
    struct shared *shared;
    uint8_t *data;
    uint64_t mine; /* our own index: never read back from shared memory */
    uint64_t peer; /* the peer's, as last seen: it never goes back */
};

struct os_channel {
    uint8_t *memory;
    size_t memory_size;
    size_t ring_size;
    struct ring out;
    struct ring in;
    int own_wake;
    int peer_wake;
    uint64_t raised[OS_CHANNEL_MARKS]; /* our own marks: never read back from shared memory */
    bool corrupt;
};

static bool size_fits(size_t size)
{
    return size >= RING_SIZE_MIN && size <= LIMIT_RING_BYTES && (size & (size - 1)) == 0;
}

static size_t memory_size(size_t ring_size)
{
    return 2 * HEADER_SIZE + 2 * ring_size;
}

static err_t make_memory(size_t ring_size, int *out_fd)
{
    int fd = memfd_create("bongsu-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return ERR_FULL;
    /* Unsealed, a peer could cut the memory under us, and reading it would end the process. */
    if (ftruncate(fd, (off_t)memory_size(ring_size)) != 0 || fcntl(fd, F_ADD_SEALS, SEALS) != 0) {
        close(fd);
        return ERR_FULL;
    }
    *out_fd = fd;
    return ERR_OK;
}

err_t os_channel_make(size_t ring_size, struct os_channel_fds *out)
{
    if (!size_fits(ring_size))
        return ERR_USAGE;
    struct os_channel_fds fds = {-1, {-1, -1}};
    err_t err;
    if (TRY(err, make_memory(ring_size, &fds.memory)) || TRY(err, os_wake_open(&fds.wake[0])) ||
        TRY(err, os_wake_open(&fds.wake[1]))) {
        os_channel_fds_close(&fds);
        return err;
    }
    /* Both start asleep: the first message wakes. */
    os_wake_up(fds.wake[0]);
    os_wake_up(fds.wake[1]);
    *out = fds;
    return ERR_OK;
}

void os_channel_fds_close(struct os_channel_fds *fds)
{
    os_net_close(fds->memory);
    os_net_close(fds->wake[0]);
    os_net_close(fds->wake[1]);
    *fds = (struct os_channel_fds) {-1, {-1, -1}};
}

static struct ring ring_at(uint8_t *memory, size_t ring_size, int number)
{
    return (struct ring) {(struct shared *)(void *)(memory + (size_t)number * HEADER_SIZE),
                          memory + 2 * HEADER_SIZE + (size_t)number * ring_size, 0, 0};
}

/* A side that takes the place of a dead one goes on where that one stopped. What the dead one may have
 * scribbled there hurts nobody else: the peer trusts its own copies. */
static void resume(struct ring *ring, bool writes)
{
    uint64_t head = atomic_load(&ring->shared->head), tail = atomic_load(&ring->shared->tail);
    ring->mine = writes ? head : tail;
    ring->peer = tail;
}

err_t os_channel_open(const struct os_channel_fds *fds, int side, struct os_channel **out)
{
    must(side == 0 || side == 1);
    struct stat stat;
    if (fstat(fds->memory, &stat) != 0 || stat.st_size <= 2 * HEADER_SIZE ||
        (fcntl(fds->memory, F_GET_SEALS) & SEALS) != SEALS)
        return ERR_CORRUPT;
    size_t ring_size = ((size_t)stat.st_size - 2 * HEADER_SIZE) / 2;
    if (!size_fits(ring_size) || memory_size(ring_size) != (size_t)stat.st_size)
        return ERR_CORRUPT;
    struct os_channel *channel = mem_alloc(sizeof *channel);
    if (channel == NULL)
        return ERR_NOMEM;
    void *memory = mmap(NULL, memory_size(ring_size), PROT_READ | PROT_WRITE, MAP_SHARED, fds->memory, 0);
    if (memory == MAP_FAILED) {
        mem_free(channel);
        return ERR_NOMEM;
    }
    channel->memory = memory;
    channel->memory_size = memory_size(ring_size);
    channel->ring_size = ring_size;
    channel->out = ring_at(memory, ring_size, side);
    channel->in = ring_at(memory, ring_size, 1 - side);
    channel->own_wake = fds->wake[side];
    channel->peer_wake = fds->wake[1 - side];
    resume(&channel->out, true);
    resume(&channel->in, false);
    for (unsigned i = 0; i < OS_CHANNEL_MARKS; i++)
        channel->raised[i] = atomic_load(&channel->out.shared->marks[i]);
    /* The dead one may have been about to wake somebody. */
    os_wake_up(channel->own_wake);
    os_wake_up(channel->peer_wake);
    *out = channel;
    return ERR_OK;
}

void os_channel_close(struct os_channel *channel)
{
    if (channel == NULL)
        return;
    (void)munmap(channel->memory, channel->memory_size);
    mem_free(channel);
}

void os_channel_raise(struct os_channel *channel, unsigned mark)
{
    must(mark < OS_CHANNEL_MARKS);
    os_channel_reach(channel, mark, channel->raised[mark] + 1);
}

void os_channel_reach(struct os_channel *channel, unsigned mark, uint64_t value)
{
    must(mark < OS_CHANNEL_MARKS);
    if (value <= channel->raised[mark])
        return;
    channel->raised[mark] = value;
    atomic_store(&channel->out.shared->marks[mark], value);
}

void os_channel_ring(struct os_channel *channel)
{
    os_wake_up(channel->peer_wake);
}

uint64_t os_channel_raised(const struct os_channel *channel, unsigned mark)
{
    must(mark < OS_CHANNEL_MARKS);
    return channel->raised[mark];
}

uint64_t os_channel_mark(const struct os_channel *channel, unsigned mark)
{
    must(mark < OS_CHANNEL_MARKS);
    return atomic_load(&channel->in.shared->marks[mark]);
}

int os_channel_fd(const struct os_channel *channel)
{
    return channel->own_wake;
}

void os_channel_woken(struct os_channel *channel)
{
    os_wake_drain(channel->own_wake);
}

static err_t corrupt(struct os_channel *channel)
{
    channel->corrupt = true;
    return ERR_CORRUPT;
}

static void put(const struct os_channel *channel, uint64_t index, struct bytes from)
{
    size_t at = (size_t)index & (channel->ring_size - 1);
    size_t first = channel->ring_size - at < from.len ? channel->ring_size - at : from.len;
    if (first > 0)
        memcpy(channel->out.data + at, from.at, first);
    if (from.len > first)
        memcpy(channel->out.data, from.at + first, from.len - first);
}

static void get(const struct os_channel *channel, uint64_t index, uint8_t *to, size_t len)
{
    size_t at = (size_t)index & (channel->ring_size - 1);
    size_t first = channel->ring_size - at < len ? channel->ring_size - at : len;
    memcpy(to, channel->in.data + at, first);
    memcpy(to + first, channel->in.data, len - first);
}

/* How much the reader has not yet read, by its own word; ERR_CORRUPT when that cannot be. */
static err_t used(struct os_channel *channel, size_t *out)
{
    struct ring *ring = &channel->out;
    uint64_t tail = atomic_load(&ring->shared->tail);
    if (tail - ring->peer > ring->mine - ring->peer)
        return corrupt(channel);
    ring->peer = tail;
    *out = (size_t)(ring->mine - tail);
    return ERR_OK;
}

/* ERR_BUSY after saying that we sleep, and looking once more. */
static err_t await_room(struct os_channel *channel, size_t need)
{
    size_t filled = 0;
    err_t err = used(channel, &filled);
    if (err != ERR_OK || need <= channel->ring_size - filled)
        return err;
    atomic_store(&channel->out.shared->writer_sleeps, 1);
    err = used(channel, &filled);
    if (err != ERR_OK || need <= channel->ring_size - filled)
        return err;
    return ERR_BUSY;
}

err_t os_channel_send(struct os_channel *channel, const struct bytes *pieces, size_t count)
{
    if (channel->corrupt)
        return ERR_CORRUPT;
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len > channel->ring_size - LENGTH_SIZE - len)
            return ERR_LIMIT;
        len += pieces[i].len;
    }
    err_t err = await_room(channel, LENGTH_SIZE + len);
    if (err != ERR_OK)
        return err;
    struct ring *ring = &channel->out;
    const uint32_t length = (uint32_t)len;
    put(channel, ring->mine, bytes_of(&length, LENGTH_SIZE));
    uint64_t at = ring->mine + LENGTH_SIZE;
    for (size_t i = 0; i < count; i++) {
        put(channel, at, pieces[i]);
        at += pieces[i].len;
    }
    ring->mine = at;
    atomic_store(&ring->shared->head, at);
    if (atomic_exchange(&ring->shared->reader_sleeps, 0) != 0)
        os_wake_up(channel->peer_wake);
    return ERR_OK;
}

static err_t waiting(struct os_channel *channel, size_t *out)
{
    struct ring *ring = &channel->in;
    uint64_t head = atomic_load(&ring->shared->head);
    if (head - ring->peer > channel->ring_size - (ring->peer - ring->mine))
        return corrupt(channel);
    ring->peer = head;
    *out = (size_t)(head - ring->mine);
    return ERR_OK;
}

err_t os_channel_receive(struct os_channel *channel, struct buf *out)
{
    if (channel->corrupt)
        return ERR_CORRUPT;
    struct ring *ring = &channel->in;
    size_t have = 0;
    err_t err = waiting(channel, &have);
    if (err == ERR_OK && have == 0) {
        atomic_store(&ring->shared->reader_sleeps, 1);
        err = waiting(channel, &have);
    }
    if (err != ERR_OK)
        return err;
    if (have == 0)
        return ERR_NOTFOUND;
    uint32_t length = 0; /* read once: the peer may change it meanwhile */
    if (have < LENGTH_SIZE)
        return corrupt(channel);
    get(channel, ring->mine, (uint8_t *)&length, LENGTH_SIZE);
    if (length > have - LENGTH_SIZE)
        return corrupt(channel);
    buf_clear(out);
    uint8_t *to = buf_extend(out, length);
    if (to == NULL)
        return buf_err(out);
    get(channel, ring->mine + LENGTH_SIZE, to, length);
    ring->mine += LENGTH_SIZE + (uint64_t)length;
    atomic_store(&ring->shared->tail, ring->mine);
    if (atomic_exchange(&ring->shared->writer_sleeps, 0) != 0)
        os_wake_up(channel->peer_wake);
    return ERR_OK;
}
