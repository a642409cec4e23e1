/* The supervising parent: control and metrics sockets, readiness, and four roles that it has started again.
 */
#include "app/accounts.h"
#include "app/confine.h"
#include "app/control.h"
#include "app/launcher.h"
#include "app/node.h"
#include "os/account.h"
#include "os/local.h"
#include "os/proc.h"
#include "os/sandbox.h"

enum {
    ROLES = LAUNCHER_ROLES,
    RESTART_MS = 50,       /* after a crash */
    RESTART_MS_MAX = 5000, /* doubled up to this while it keeps crashing at once */
    STEADY_MS = 3000,      /* having run so long, it is not crashing at once */
    STOP_MS = 1700,        /* in all; then the rest is ended: the program stops within two seconds */
};

struct parent;

struct child {
    struct parent *parent;
    enum launcher_role role;
    bool running;
    uint64_t started_ms, wait_ms;
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
    const struct launcher *launcher;
    struct loop_watch launcher_watch;
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

static void ended(struct child *child, bool by_signal, unsigned code)
{
    struct parent *parent = child->parent;
    child->running = false;
    if (parent->stopping) {
        stop_next(parent);
        return;
    }
    bool hopeless = !by_signal && code == NODE_NO_START && !parent->ready;
    diag_say(&parent->report.diag, DIAG_ERROR, ERR_CLOSED, "app",
             hopeless ? "look at the line above" : "it is started again; nothing acknowledged is lost",
             "the role %s ended %s %u", launcher_role_name(child->role),
             by_signal ? "by signal" : "with status", code);
    if (hopeless)
        begin_stop(parent, 1);
    else
        restart_later(child);
}

static void failed(struct child *child, err_t err)
{
    struct parent *parent = child->parent;
    child->running = false;
    diag_say(&parent->report.diag, DIAG_ERROR, err, "app", "is there memory, are there processes left?",
             "the role %s could not be started: %s", launcher_role_name(child->role), err_text(err));
    if (parent->stopping)
        stop_next(parent);
    else
        restart_later(child);
}

/* Nothing can be started without it, and nothing of it runs any more. */
static void launcher_lost(struct parent *parent)
{
    diag_say(&parent->report.diag, DIAG_ERROR, ERR_CLOSED, "app",
             parent->ready ? "start the node again" : "look at the line above",
             "the launcher ended, and all roles with it");
    parent->stopping = true;
    parent->status = 1;
    loop_stop(parent->loop);
}

static void hear(void *ctx, unsigned what)
{
    struct parent *parent = ctx;
    struct launcher_word word;
    err_t err;
    (void)what;
    while ((err = launcher_hear(parent->launcher, &word)) == ERR_OK) {
        struct child *child = &parent->child[word.role];
        if (word.what == LAUNCHER_FAILED)
            failed(child, (err_t)word.code);
        else if (word.what == LAUNCHER_ENDED)
            ended(child, word.by_signal, word.code);
    }
    if (err == ERR_BUSY)
        return;
    loop_unwatch(parent->loop, &parent->launcher_watch);
    launcher_lost(parent);
}

static void start(struct child *child)
{
    struct parent *parent = child->parent;
    if (parent->stopping)
        return;
    child->started_ms = loop_now_ms(parent->loop);
    child->running = launcher_tell(parent->launcher, LAUNCHER_START, child->role) == ERR_OK;
    if (!child->running)
        restart_later(child);
}

/* In this order: no new requests, then nothing to look at, then nothing to decide, then nothing to sign. */
static void stop_next(struct parent *parent)
{
    for (int i = 0; i < ROLES; i++) {
        loop_timer_stop(parent->loop, &parent->child[i].again);
        if (parent->child[i].running &&
            launcher_tell(parent->launcher, LAUNCHER_STOP, parent->child[i].role) == ERR_OK)
            return;
    }
    loop_stop(parent->loop);
}

static void deadline_over(void *ctx)
{
    struct parent *parent = ctx;
    loop_stop(parent->loop); /* the launcher is closed then, and what runs is killed with it */
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
        diag_say(&parent->report.diag, DIAG_NOTICE, ERR_OK, "app", NULL,
                 "ready, https on %s port %u, accounts %s", parent->conf->listen.host, port,
                 parent->launcher->accounts ? "separate" : "one");
        os_local_notify("READY=1");
    }
    parent->ready = true;
}

static err_t open_parent(struct parent *parent)
{
    struct control_setup control = {.os = parent->os,
                                    .conf = parent->conf,
                                    .diag = &parent->report.diag,
                                    .core = &parent->launcher->parent_core,
                                    .metrics = true,
                                    .ready = ready,
                                    .ctx = parent};
    err_t err;
    for (int i = 0; i < ROLES; i++)
        parent->child[i] = (struct child) {.parent = parent,
                                           .role = (enum launcher_role)i,
                                           .again = {.fire = start_again, .ctx = &parent->child[i]}};
    parent->deadline = (struct loop_timer) {.fire = deadline_over, .ctx = parent};
    if (TRY(err, os_signals_open(&parent->signals)) || TRY(err, loop_open(&parent->loop)) ||
        TRY(err, loop_watch(parent->loop, &parent->signal_watch, parent->signals, LOOP_READ, signal_ready,
                            parent)) ||
        TRY(err, loop_watch(parent->loop, &parent->launcher_watch, parent->launcher->line, LOOP_READ, hear,
                            parent)))
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
        for (int i = 0; i < ROLES; i++)
            loop_timer_stop(parent->loop, &parent->child[i].again);
        loop_unwatch(parent->loop, &parent->launcher_watch);
        loop_timer_stop(parent->loop, &parent->deadline);
        loop_unwatch(parent->loop, &parent->signal_watch);
    }
    loop_close(parent->loop);
}

/* Once, and not by each role. */
static void say_unbounded(const struct parent *parent)
{
    if (!os_sandbox_files_known())
        diag_say(&parent->report.diag, DIAG_WARNING, ERR_UNSUPPORTED, "app",
                 "a kernel from 5.13 on, with landlock among its security modules (lsm=)",
                 "this kernel has no Landlock: each role can open whatever its account can");
}

/* What the unit promised must be so: a node that goes on without would be believed. */
static err_t look_at_accounts(struct parent *parent)
{
    struct accounts accounts;
    struct fault fault = {0};
    err_t err = ERR_OK;
    if (!parent->launcher->accounts)
        return ERR_OK;
    if (!TRY(err, accounts_read(&accounts, &fault)))
        err = accounts_check(&accounts, parent->conf->dir, &fault);
    parent->told = err != ERR_OK;
    if (err != ERR_OK)
        diag_say(&parent->report.diag, DIAG_ERROR, err, "app", "as root: bongsu accounts DIR",
                 "the files of the node are not divided among the accounts of its roles: %s", fault.what);
    return err;
}

int node_serve(const struct os *os, const struct conf *conf, const struct launcher *launcher)
{
    struct parent parent = {.os = os, .conf = conf, .signals = -1, .launcher = launcher};
    report_init(&parent.report, os, conf->node, "parent");
    err_t err = look_at_accounts(&parent);
    if (err == ERR_OK)
        err = open_parent(&parent);
    if (err == ERR_OK) /* before any role shuts itself in: what is not there then it may never open */
        err = confine_prepare(os, conf->dir);
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
