#define _GNU_SOURCE /* uv.h wants pthread_rwlock_t */

#include "net/loop.h"

#include <stdatomic.h>
#include <uv.h>

#include "core/mem.h"
#include "os/os_net.h"

/* libuv closes a handle in a later turn: each lives in a piece of its own, cut loose from its owner first. */
struct loop_poll_handle {
    uv_poll_t uv;
    struct loop_watch *watch; /* NULL: closing */
};

struct loop_timer_handle {
    uv_timer_t uv;
    struct loop_timer *timer; /* NULL: closing */
};

struct loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_timer_t guard; /* ends a turn that waits for a limited time */
    uv_idle_t busy;   /* active while tasks wait: libuv then does not sleep. A timer that was due before the
                         turn   fires inside uv_run and may queue one; nobody would wake us for it. */
    bool opened;
    uint64_t turns;
    void (*woken)(void *ctx);
    void *woken_ctx;
    atomic_bool stop;
    struct loop_task *first_task;
    struct loop_task **last_task;
};

static err_t from_uv(int status)
{
    switch (status) {
    case 0:
        return ERR_OK;
    case UV_ENOMEM:
        return ERR_NOMEM;
    case UV_EMFILE:
    case UV_ENFILE:
        return ERR_FULL;
    default:
        return ERR_IO;
    }
}

static void on_wake(uv_async_t *wake)
{
    struct loop *loop = wake->data;
    if (loop->woken != NULL)
        loop->woken(loop->woken_ctx);
}

/* Timers that are due by now fire before the wait: the turn must not wait for the next one then. */
static void on_guard(uv_timer_t *guard)
{
    uv_stop(guard->loop);
}

static void on_busy(uv_idle_t *busy)
{
    (void)busy;
}

err_t loop_open(struct loop **out)
{
    os_net_start();
    struct loop *loop = mem_alloc(sizeof *loop);
    if (loop == NULL)
        return ERR_NOMEM;
    loop->last_task = &loop->first_task;
    err_t err = from_uv(uv_loop_init(&loop->uv));
    if (err != ERR_OK) {
        mem_free(loop);
        return err;
    }
    must(uv_timer_init(&loop->uv, &loop->guard) == 0 && uv_idle_init(&loop->uv, &loop->busy) == 0);
    err = from_uv(uv_async_init(&loop->uv, &loop->wake, on_wake));
    loop->opened = err == ERR_OK;
    loop->wake.data = loop;
    if (err != ERR_OK) {
        loop_close(loop);
        return err;
    }
    *out = loop;
    return ERR_OK;
}

void loop_close(struct loop *loop)
{
    if (loop == NULL)
        return;
    if (loop->opened)
        uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->guard, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    must(uv_loop_close(&loop->uv) == 0); /* else an owner still has a watch or a timer */
    mem_free(loop);
}

uint64_t loop_now_ms(const struct loop *loop)
{
    return uv_now(&loop->uv);
}

/* --- descriptors --- */

static void free_handle(uv_handle_t *handle)
{
    mem_free(handle->data);
}

static int uv_events(unsigned want)
{
    return ((want & LOOP_READ) != 0 ? UV_READABLE : 0) | ((want & LOOP_WRITE) != 0 ? UV_WRITABLE : 0);
}

static void on_poll(uv_poll_t *uv, int status, int events)
{
    struct loop_watch *watch = ((struct loop_poll_handle *)uv->data)->watch;
    if (watch == NULL)
        return;
    unsigned ready = status < 0 ? watch->want : 0;
    if ((events & UV_READABLE) != 0)
        ready |= LOOP_READ;
    if ((events & UV_WRITABLE) != 0)
        ready |= LOOP_WRITE;
    if (ready != 0)
        watch->ready(watch->ctx, ready);
}

err_t loop_watch(struct loop *loop, struct loop_watch *watch, int fd, unsigned want,
                 void (*ready)(void *ctx, unsigned ready), void *ctx)
{
    struct loop_poll_handle *handle = mem_alloc(sizeof *handle);
    if (handle == NULL)
        return ERR_NOMEM;
    err_t err = from_uv(uv_poll_init(&loop->uv, &handle->uv, fd));
    if (err != ERR_OK) {
        mem_free(handle);
        return err;
    }
    handle->uv.data = handle;
    handle->watch = watch;
    *watch = (struct loop_watch) {fd, 0, ready, ctx, handle};
    err = loop_want(loop, watch, want);
    if (err != ERR_OK)
        loop_unwatch(loop, watch);
    return err;
}

err_t loop_want(struct loop *loop, struct loop_watch *watch, unsigned want)
{
    (void)loop;
    must(watch->handle != NULL);
    if (watch->want == want)
        return ERR_OK;
    int status = want == 0 ? uv_poll_stop(&watch->handle->uv)
                           : uv_poll_start(&watch->handle->uv, uv_events(want), on_poll);
    if (status == 0)
        watch->want = want;
    return from_uv(status);
}

void loop_unwatch(struct loop *loop, struct loop_watch *watch)
{
    (void)loop;
    if (watch->handle == NULL)
        return;
    watch->handle->watch = NULL;
    uv_close((uv_handle_t *)&watch->handle->uv, free_handle);
    watch->handle = NULL;
}

/* --- timers --- */

static void on_timer(uv_timer_t *uv)
{
    struct loop_timer *timer = ((struct loop_timer_handle *)uv->data)->timer;
    if (timer != NULL)
        timer->fire(timer->ctx);
}

err_t loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t due_ms)
{
    if (timer->handle == NULL) {
        struct loop_timer_handle *handle = mem_alloc(sizeof *handle);
        if (handle == NULL)
            return ERR_NOMEM;
        must(uv_timer_init(&loop->uv, &handle->uv) == 0);
        handle->uv.data = handle;
        handle->timer = timer;
        timer->handle = handle;
    }
    uint64_t now = uv_now(&loop->uv);
    return from_uv(uv_timer_start(&timer->handle->uv, on_timer, due_ms > now ? due_ms - now : 0, 0));
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
    (void)loop;
    if (timer->handle == NULL)
        return;
    timer->handle->timer = NULL;
    uv_close((uv_handle_t *)&timer->handle->uv, free_handle);
    timer->handle = NULL;
}

/* --- tasks --- */

void loop_later(struct loop *loop, struct loop_task *task)
{
    if (task->queued)
        return;
    if (loop->first_task == NULL)
        must(uv_idle_start(&loop->busy, on_busy) == 0);
    task->queued = true;
    task->next = NULL;
    *loop->last_task = task;
    loop->last_task = &task->next;
}

void loop_later_cancel(struct loop *loop, struct loop_task *task)
{
    if (!task->queued)
        return;
    struct loop_task **link = &loop->first_task;
    while (*link != task)
        link = &(*link)->next;
    *link = task->next;
    if (loop->last_task == &task->next)
        loop->last_task = link;
    task->queued = false;
}

static void run_tasks(struct loop *loop)
{
    /* Only those queued by now: a task that queues itself again gives way to the descriptors. */
    struct loop_task end = {.queued = true};
    *loop->last_task = &end;
    loop->last_task = &end.next;
    while (loop->first_task != &end) {
        struct loop_task *task = loop->first_task;
        loop->first_task = task->next;
        task->queued = false;
        task->run(task->ctx);
    }
    loop->first_task = end.next;
    if (loop->first_task != NULL)
        return;
    loop->last_task = &loop->first_task;
    (void)uv_idle_stop(&loop->busy);
}

/* --- turning --- */

uint64_t loop_turns(const struct loop *loop)
{
    return loop->turns;
}

uint64_t loop_clock_us(void)
{
    return uv_hrtime() / 1000;
}

void loop_turn(struct loop *loop, int wait_ms)
{
    loop->turns++;
    bool wait = wait_ms != 0 && loop->first_task == NULL;
    if (wait && wait_ms > 0)
        must(uv_timer_start(&loop->guard, on_guard, (uint64_t)wait_ms, 0) == 0);
    (void)uv_run(&loop->uv, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    (void)uv_timer_stop(&loop->guard);
    run_tasks(loop);
}

void loop_run(struct loop *loop)
{
    while (!atomic_exchange(&loop->stop, false))
        loop_turn(loop, -1);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stop, true);
    loop_wake(loop);
}

void loop_on_wake(struct loop *loop, void (*woken)(void *ctx), void *ctx)
{
    loop->woken = woken;
    loop->woken_ctx = ctx;
}

void loop_wake(struct loop *loop)
{
    (void)uv_async_send(&loop->wake);
}
