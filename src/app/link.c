#include "app/link.h"

#include "core/limit.h"
#include "core/mem.h"

/* Kinds of the link's own. */
enum { KIND_HERE = 255, KIND_WELCOME = 254, KIND_MAX = 250 };
enum { MESSAGES_PER_TURN = 4096 };

struct waiting {
    struct waiting *next;
    size_t len;
    uint8_t message[]; /* kind, body */
};

struct link {
    struct loop *loop;
    const struct os *os;
    struct os_channel *channel;
    struct os_channel *marks; /* NULL: the channel's own */
    struct loop_watch watch, marks_watch;
    struct loop_task task;
    struct link_handler handler;
    struct buf in;
    uint8_t name[8]; /* this end's */
    bool welcomed, up, paused, broken;
    struct waiting *first, *last;
    size_t pending;
};

static void drop_waiting(struct link *link)
{
    while (link->first != NULL) {
        struct waiting *next = link->first->next;
        mem_free(link->first);
        link->first = next;
    }
    link->last = NULL;
    link->pending = 0;
}

static void set_broken(struct link *link)
{
    if (link->broken)
        return;
    link->broken = true;
    link->handler.broken(link->handler.ctx);
}

static err_t send_now(struct link *link, uint8_t kind, struct bytes body)
{
    struct bytes pieces[2] = {{&kind, 1}, body};
    return os_channel_send(link->channel, pieces, 2);
}

static err_t keep(struct link *link, uint8_t kind, struct bytes body)
{
    if (body.len > LIMIT_LINK_PENDING_BYTES - link->pending)
        return ERR_FULL;
    struct waiting *waiting = mem_alloc(sizeof *waiting + 1 + body.len);
    if (waiting == NULL)
        return ERR_NOMEM;
    waiting->len = 1 + body.len;
    waiting->message[0] = kind;
    if (body.len > 0)
        memcpy(waiting->message + 1, body.at, body.len);
    if (link->last == NULL)
        link->first = waiting;
    else
        link->last->next = waiting;
    link->last = waiting;
    link->pending += waiting->len;
    return ERR_OK;
}

static err_t put(struct link *link, uint8_t kind, struct bytes body)
{
    if (body.len > LIMIT_LINK_MESSAGE_BYTES)
        return ERR_LIMIT;
    if (link->first != NULL)
        return keep(link, kind, body);
    err_t err = send_now(link, kind, body);
    if (err == ERR_BUSY)
        return keep(link, kind, body);
    if (err == ERR_CORRUPT)
        set_broken(link);
    return err;
}

err_t link_send(struct link *link, unsigned kind, struct bytes body)
{
    must(kind > 0 && kind <= KIND_MAX);
    return put(link, (uint8_t)kind, body);
}

static void send_waiting(struct link *link)
{
    while (link->first != NULL) {
        struct waiting *waiting = link->first;
        err_t err = send_now(link, waiting->message[0], bytes_of(waiting->message + 1, waiting->len - 1));
        if (err == ERR_BUSY)
            return;
        if (err != ERR_OK) {
            set_broken(link);
            return;
        }
        link->first = waiting->next;
        if (link->first == NULL)
            link->last = NULL;
        link->pending -= waiting->len;
        mem_free(waiting);
    }
}

/* The other end is new: what waits was for its predecessor. */
static void meet(struct link *link, struct bytes name)
{
    drop_waiting(link);
    link->up = true;
    if (put(link, KIND_WELCOME, name) != ERR_OK) {
        set_broken(link);
        return;
    }
    link->handler.fresh(link->handler.ctx);
}

/* The other end heard of us. When it has been there for longer than we, this is how we meet. */
static void be_welcome(struct link *link, struct bytes name)
{
    if (link->welcomed || !bytes_eq(name, bytes_of(link->name, sizeof link->name)))
        return;
    link->welcomed = true;
    if (link->up)
        return;
    link->up = true;
    link->handler.fresh(link->handler.ctx);
}

static void take(struct link *link, struct bytes message)
{
    if (message.len == 0)
        return;
    struct bytes body = {message.at + 1, message.len - 1};
    if (message.at[0] == KIND_HERE && body.len == sizeof link->name)
        meet(link, body);
    else if (message.at[0] == KIND_WELCOME)
        be_welcome(link, body);
    else if (link->welcomed)
        link->handler.message(link->handler.ctx, message.at[0], body);
}

static void run(void *ctx)
{
    struct link *link = ctx;
    unsigned count = 0;
    send_waiting(link);
    while (!link->broken && !link->paused && count < MESSAGES_PER_TURN) {
        err_t err = os_channel_receive(link->channel, &link->in);
        if (err == ERR_NOTFOUND)
            break;
        if (err != ERR_OK) {
            set_broken(link);
            return;
        }
        count++;
        /* JSON_PADDING readable bytes behind the message: a body may be parsed where it lies. */
        size_t len = link->in.len;
        if (buf_extend(&link->in, 64) == NULL) {
            set_broken(link);
            return;
        }
        take(link, bytes_of(link->in.at, len));
    }
    if (count == MESSAGES_PER_TURN)
        loop_later(link->loop, &link->task);
    if (count > 0 && link->handler.drained != NULL)
        link->handler.drained(link->handler.ctx);
}

static void ready(void *ctx, unsigned what)
{
    struct link *link = ctx;
    (void)what;
    os_channel_woken(link->channel);
    run(link);
}

err_t link_open(struct loop *loop, const struct os *os, const struct os_channel_fds *fds, int side,
                const struct link_handler *handler, struct link **out)
{
    struct link *link = mem_alloc(sizeof *link);
    err_t err;
    if (link == NULL)
        return ERR_NOMEM;
    link->loop = loop;
    link->os = os;
    link->handler = *handler;
    link->task = (struct loop_task) {.run = run, .ctx = link};
    buf_init(&link->in, LIMIT_LINK_MESSAGE_BYTES + 128);
    if (TRY(err, os->random(os->ctx, link->name, sizeof link->name)) ||
        TRY(err, os_channel_open(fds, side, &link->channel)) ||
        TRY(err, loop_watch(loop, &link->watch, os_channel_fd(link->channel), LOOP_READ, ready, link)) ||
        TRY(err, put(link, KIND_HERE, bytes_of(link->name, sizeof link->name)))) {
        link_close(link);
        return err;
    }
    *out = link;
    return ERR_OK;
}

void link_close(struct link *link)
{
    if (link == NULL)
        return;
    loop_later_cancel(link->loop, &link->task);
    loop_unwatch(link->loop, &link->watch);
    loop_unwatch(link->loop, &link->marks_watch);
    os_channel_close(link->channel);
    os_channel_close(link->marks);
    drop_waiting(link);
    buf_deinit(&link->in);
    mem_free(link);
}

void link_renew(struct link *link)
{
    link->welcomed = false;
    drop_waiting(link);
    if (link->os->random(link->os->ctx, link->name, sizeof link->name) != ERR_OK ||
        put(link, KIND_HERE, bytes_of(link->name, sizeof link->name)) != ERR_OK)
        set_broken(link);
}

static void rung(void *ctx, unsigned what)
{
    struct link *link = ctx;
    (void)what;
    os_channel_woken(link->marks);
    link->handler.rung(link->handler.ctx);
}

err_t link_marks(struct link *link, const struct os_channel_fds *fds, int side)
{
    must(link->marks == NULL && link->handler.rung != NULL);
    err_t err = os_channel_open(fds, side, &link->marks);
    return err != ERR_OK ? err
                         : loop_watch(link->loop, &link->marks_watch, os_channel_fd(link->marks), LOOP_READ,
                                      rung, link);
}

static struct os_channel *marks_of(const struct link *link)
{
    return link->marks != NULL ? link->marks : link->channel;
}

void link_raise(struct link *link, unsigned mark)
{
    os_channel_raise(marks_of(link), mark);
}

uint64_t link_raised(const struct link *link, unsigned mark)
{
    return os_channel_raised(marks_of(link), mark);
}

uint64_t link_mark(const struct link *link, unsigned mark)
{
    return os_channel_mark(marks_of(link), mark);
}

void link_reach(struct link *link, unsigned mark, uint64_t value)
{
    os_channel_reach(marks_of(link), mark, value);
}

void link_ring(struct link *link)
{
    must(link->marks != NULL);
    os_channel_ring(link->marks);
}

size_t link_pending(const struct link *link)
{
    return link->pending;
}

void link_pause(struct link *link, bool paused)
{
    bool again = link->paused && !paused;
    link->paused = paused;
    if (again)
        loop_later(link->loop, &link->task);
}

bool link_up(const struct link *link)
{
    return link->up;
}
