/* The supervising parent: control and metrics sockets, readiness, and four children that it restarts. */
#include "app/confine.h"
#include "app/control.h"
#include "app/node.h"
#include "os/channel.h"
#include "os/local.h"
#include "os/proc.h"
#include "os/sandbox.h"

enum { EDGE, GUARD, CORE, KEEPER, ROLES };
enum {
    CHANNELS_MAX = 4,      /* of one role */
    RESTART_MS = 50,       /* after a crash */
    RESTART_MS_MAX = 5000, /* doubled up to this while it keeps crashing at once */
    STEADY_MS = 3000,      /* having run so long, it is not crashing at once */
    STOP_MS = 1700,        /* in all; then the rest is ended: the program stops within two seconds */
};

struct parent;

struct child {
    struct parent *parent;
    const char *name;
    struct os_proc proc;
    bool running;
    uint64_t started_ms, wait_ms;
    struct loop_watch watch;
    struct loop_timer again;
};

struct parent {
    const struct os *os;
    const struct conf *conf;
    struct report report;
    struct loop *loop;
    struct control *control;
    int signals;
    struct loop_watch signal_watch;
    struct loop_timer deadline;
    struct os_channel_fds guard_core, edge_guard, edge_marks, keeper_core, parent_core;
    bool stopping, ready;
    bool told; /* why it could not start */
    int status;
    struct child child[ROLES];
};

static void stop_next(struct parent *parent);

static void start(struct child *child);

static void start_again(void *ctx)
{
    start(ctx);
}

static void restart_later(struct child *child)
{
    struct parent *parent = child->parent;
    uint64_t now = loop_now_ms(parent->loop);
    bool steady = now - child->started_ms > STEADY_MS;
    child->wait_ms = steady || child->wait_ms == 0         ? RESTART_MS
                     : child->wait_ms * 2 > RESTART_MS_MAX ? RESTART_MS_MAX
                                                           : child->wait_ms * 2;
    if (loop_timer_set(parent->loop, &child->again, now + child->wait_ms) != ERR_OK)
        start(child);
}

static void begin_stop(struct parent *parent, int status)
{
    if (parent->stopping)
        return;
    parent->stopping = true;
    parent->status = status;
    os_local_notify("STOPPING=1");
    stop_next(parent);
}

static void ended(void *ctx, unsigned what)
{
    struct child *child = ctx;
    struct parent *parent = child->parent;
    struct os_proc_end end;
    int fd = child->proc.fd;
    (void)what;
    (void)fd;
    loop_unwatch(parent->loop, &child->watch);
    if (os_proc_reap(&child->proc, &end) == ERR_BUSY) {
        if (loop_watch(parent->loop, &child->watch, child->proc.fd, LOOP_READ, ended, child) == ERR_OK)
            return;
        os_proc_kill(&child->proc);
    }
    child->running = false;
    if (parent->stopping) {
        stop_next(parent);
        return;
    }
    bool hopeless = !end.by_signal && end.code == NODE_NO_START && !parent->ready;
    diag_say(&parent->report.diag, DIAG_ERROR, ERR_CLOSED, "app",
             hopeless ? "look at the line above" : "it is started again; nothing acknowledged is lost",
             "the role %s ended %s %d", child->name, end.by_signal ? "by signal" : "with status", end.code);
    if (hopeless)
        begin_stop(parent, 1);
    else
        restart_later(child);
}

static size_t fds_of(const struct parent *parent, int role, int out[OS_PROC_FDS_MAX])
{
    /* In the order in which node.c takes them up. */
    const struct os_channel_fds *const all[ROLES][CHANNELS_MAX] = {
        [EDGE] = {&parent->edge_guard, &parent->edge_marks},
        [GUARD] = {&parent->guard_core, &parent->edge_guard},
        [CORE] = {&parent->guard_core, &parent->keeper_core, &parent->parent_core, &parent->edge_marks},
        [KEEPER] = {&parent->keeper_core},
    };
    size_t fds = 0;
    for (size_t i = 0; i < CHANNELS_MAX && all[role][i] != NULL; i++) {
        out[fds++] = all[role][i]->memory;
        out[fds++] = all[role][i]->wake[0];
        out[fds++] = all[role][i]->wake[1];
    }
    return fds;
}

static void start(struct child *child)
{
    struct parent *parent = child->parent;
    int fds[OS_PROC_FDS_MAX];
    const char *args[] = {"bongsu", "--role", child->name, parent->conf->dir, NULL};
    size_t count = fds_of(parent, (int)(child - parent->child), fds);
    err_t err;
    if (parent->stopping)
        return;
    child->started_ms = loop_now_ms(parent->loop);
    if (TRY(err, os_proc_spawn(args, fds, count, &child->proc))) {
        diag_say(&parent->report.diag, DIAG_ERROR, err, "app", "is there memory, are there processes left?",
                 "the role %s could not be started: %s", child->name, err_text(err));
        restart_later(child);
        return;
    }
    child->running = true;
    if (loop_watch(parent->loop, &child->watch, child->proc.fd, LOOP_READ, ended, child) != ERR_OK)
        begin_stop(parent, 1);
}

/* In this order: no new requests, then nothing to look at, then nothing to decide, then nothing to sign. */
static void stop_next(struct parent *parent)
{
    for (int i = 0; i < ROLES; i++) {
        loop_timer_stop(parent->loop, &parent->child[i].again);
        if (parent->child[i].running) {
            os_proc_stop(&parent->child[i].proc);
            return;
        }
    }
    loop_stop(parent->loop);
}

static void deadline_over(void *ctx)
{
    struct parent *parent = ctx;
    for (int i = 0; i < ROLES; i++)
        if (parent->child[i].running)
            os_proc_kill(&parent->child[i].proc);
    loop_stop(parent->loop);
}

static void signal_ready(void *ctx, unsigned what)
{
    struct parent *parent = ctx;
    (void)what;
    for (;;) {
        enum os_signal signal = os_signals_next(parent->signals);
        if (signal == OS_SIGNAL_NONE)
            return;
        if (signal != OS_SIGNAL_STOP || parent->stopping)
            continue;
        if (loop_timer_set(parent->loop, &parent->deadline, loop_now_ms(parent->loop) + STOP_MS) != ERR_OK)
            deadline_over(parent);
        begin_stop(parent, 0);
    }
}

static void ready(void *ctx, uint16_t port)
{
    struct parent *parent = ctx;
    if (!parent->ready) {
        diag_say(&parent->report.diag, DIAG_NOTICE, ERR_OK, "app", NULL, "ready, https on %s port %u",
                 parent->conf->listen.host, port);
        os_local_notify("READY=1");
    }
    parent->ready = true;
}

static err_t open_parent(struct parent *parent)
{
    static const char *const names[ROLES] = {
        [EDGE] = "edge", [GUARD] = "guard", [CORE] = "core", [KEEPER] = "keeper"};
    struct control_setup control = {.os = parent->os,
                                    .conf = parent->conf,
                                    .diag = &parent->report.diag,
                                    .core = &parent->parent_core,
                                    .metrics = true,
                                    .ready = ready,
                                    .ctx = parent};
    err_t err;
    for (int i = 0; i < ROLES; i++)
        parent->child[i] = (struct child) {
            .parent = parent, .name = names[i], .again = {.fire = start_again, .ctx = &parent->child[i]}};
    parent->deadline = (struct loop_timer) {.fire = deadline_over, .ctx = parent};
    if (TRY(err, os_signals_open(&parent->signals)) || TRY(err, loop_open(&parent->loop)) ||
        TRY(err, loop_watch(parent->loop, &parent->signal_watch, parent->signals, LOOP_READ, signal_ready,
                            parent)) ||
        TRY(err, os_channel_make(LIMIT_LINK_RING_BYTES, &parent->guard_core)) ||
        TRY(err, os_channel_make(LIMIT_LINK_RING_BYTES, &parent->edge_guard)) ||
        TRY(err, os_channel_make(LIMIT_LINK_MARKS_BYTES, &parent->edge_marks)) ||
        TRY(err, os_channel_make(LIMIT_LINK_SMALL_BYTES, &parent->keeper_core)) ||
        TRY(err, os_channel_make(LIMIT_LINK_SMALL_BYTES, &parent->parent_core)))
        return err;
    control.loop = parent->loop;
    err = control_open(&control, &parent->control);
    parent->told = err != ERR_OK;
    return err;
}

static void close_parent(struct parent *parent)
{
    control_close(parent->control);
    if (parent->loop != NULL) {
        for (int i = 0; i < ROLES; i++) {
            loop_timer_stop(parent->loop, &parent->child[i].again);
            loop_unwatch(parent->loop, &parent->child[i].watch);
        }
        loop_timer_stop(parent->loop, &parent->deadline);
        loop_unwatch(parent->loop, &parent->signal_watch);
    }
    loop_close(parent->loop);
    os_channel_fds_close(&parent->guard_core);
    os_channel_fds_close(&parent->edge_guard);
    os_channel_fds_close(&parent->edge_marks);
    os_channel_fds_close(&parent->keeper_core);
    os_channel_fds_close(&parent->parent_core);
}

/* Once, and not by each role. */
static void say_unbounded(const struct parent *parent)
{
    if (!os_sandbox_files_known())
        diag_say(&parent->report.diag, DIAG_WARNING, ERR_UNSUPPORTED, "app",
                 "a kernel from 5.13 on, with landlock among its security modules (lsm=)",
                 "this kernel has no Landlock: each role can open whatever its account can");
}

int node_serve(const struct os *os, const struct conf *conf)
{
    static const struct os_channel_fds none = {-1, {-1, -1}};
    struct parent parent = {.os = os,
                            .conf = conf,
                            .signals = -1,
                            .guard_core = none,
                            .edge_guard = none,
                            .edge_marks = none,
                            .keeper_core = none,
                            .parent_core = none};
    report_init(&parent.report, os, conf->node, "parent");
    err_t err = open_parent(&parent);
    if (err == ERR_OK) /* before any role shuts itself in: what is not there then it may never open */
        err = confine_prepare(os, conf);
    if (err == ERR_OK) {
        say_unbounded(&parent);
        for (int i = ROLES; i-- > 0;)
            start(&parent.child[i]);
        loop_run(parent.loop);
    } else {
        if (!parent.told)
            diag_say(&parent.report.diag, DIAG_ERROR, err, "app", NULL, "the node could not start: %s",
                     err_text(err));
        parent.status = 1;
    }
    close_parent(&parent);
    return parent.status;
}
