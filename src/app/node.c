/* Roles in this process: all of them, or one. */
#include "app/node.h"

#include "app/confine.h"
#include "app/control.h"
#include "app/core_role.h"
#include "app/edge_role.h"
#include "app/guard_role.h"
#include "app/keeper_role.h"
#include "app/launcher.h"
#include "core/sign.h"
#include "os/local.h"
#include "os/os_net.h"
#include "os/proc.h"
#include "os/sandbox.h"
#include "os/term.h"

enum { STORE_IDLE_MS = 300, CORE_TRIES = 50, CORE_TRY_MS = 100 };

struct node {
    const struct os *os;
    const struct conf *conf;
    struct report report;
    struct loop *loop;
    int signals;
    struct loop_watch signal_watch;
    struct loop_timer idle;
    bool failed, stopping;
    bool bounded;  /* which files it may open */
    bool accounts; /* each role has its own */
    bool told;     /* why it could not start */
    bool quiet;    /* about a store that another has open: who asked tries again, and says so */
    struct os_channel_fds guard_core, edge_guard, edge_marks, keeper_core, parent_core;
    struct control *control;
    struct core_role *core;
    struct edge_role *edge;
    struct guard_role *guard;
    struct keeper_role *keeper;
};

static const struct os_channel_fds no_channel = {-1, {-1, -1}};

static void broken(void *ctx)
{
    struct node *node = ctx;
    node->failed = true;
    loop_stop(node->loop);
}

static void stopped(void *ctx)
{
    struct node *node = ctx;
    loop_stop(node->loop);
}

static void signal_ready(void *ctx, unsigned what)
{
    struct node *node = ctx;
    (void)what;
    for (;;) {
        enum os_signal signal = os_signals_next(node->signals);
        if (signal == OS_SIGNAL_NONE)
            return;
        if (signal != OS_SIGNAL_STOP || node->stopping)
            continue;
        node->stopping = true;
        if (node->edge != NULL)
            edge_role_stop(node->edge, stopped, node);
        else
            loop_stop(node->loop);
    }
}

static err_t node_begin(struct node *node, const struct os *os, const struct conf *conf, const char *role)
{
    err_t err;
    *node = (struct node) {.os = os,
                           .conf = conf,
                           .signals = -1,
                           .guard_core = no_channel,
                           .edge_guard = no_channel,
                           .edge_marks = no_channel,
                           .keeper_core = no_channel,
                           .parent_core = no_channel};
    report_init(&node->report, os, conf->node, role);
    if (TRY(err, os_signals_open(&node->signals)) || TRY(err, sign_start()) ||
        TRY(err, loop_open(&node->loop)))
        return err;
    return loop_watch(node->loop, &node->signal_watch, node->signals, LOOP_READ, signal_ready, node);
}

static void node_end(struct node *node)
{
    /* The door first: who knocks while core closes is not let in and then left standing. */
    control_close(node->control);
    edge_role_close(node->edge);
    guard_role_close(node->guard);
    core_role_close(node->core);
    keeper_role_close(node->keeper);
    if (node->loop != NULL) {
        loop_timer_stop(node->loop, &node->idle);
        loop_unwatch(node->loop, &node->signal_watch);
    }
    loop_close(node->loop);
    os_channel_fds_close(&node->guard_core);
    os_channel_fds_close(&node->edge_guard);
    os_channel_fds_close(&node->edge_marks);
    os_channel_fds_close(&node->keeper_core);
    os_channel_fds_close(&node->parent_core);
}

static int node_run(struct node *node, err_t err)
{
    int status = NODE_NO_START;
    if (err == ERR_OK) {
        loop_run(node->loop);
        status = node->failed ? 1 : 0;
    } else if (node->quiet && err == ERR_BUSY) {
        status = NODE_BUSY;
    } else if (!node->told) {
        diag_say(&node->report.diag, DIAG_ERROR, err, "app", NULL, "this role could not start: %s",
                 err_text(err));
    }
    node_end(node);
    return status;
}

/* --- all in one --- */

static void ready(void *ctx, uint16_t port)
{
    struct node *node = ctx;
    diag_say(&node->report.diag, DIAG_NOTICE, ERR_OK, "app", NULL, "ready, https on %s port %u, accounts one",
             node->conf->listen.host, port);
    os_local_notify("READY=1");
}

static err_t make_channels(struct node *node)
{
    err_t err;
    if (TRY(err, os_channel_make(LIMIT_LINK_RING_BYTES, &node->guard_core)) ||
        TRY(err, os_channel_make(LIMIT_LINK_RING_BYTES, &node->edge_guard)) ||
        TRY(err, os_channel_make(LIMIT_LINK_MARKS_BYTES, &node->edge_marks)) ||
        TRY(err, os_channel_make(LIMIT_LINK_SMALL_BYTES, &node->keeper_core)))
        return err;
    return os_channel_make(LIMIT_LINK_SMALL_BYTES, &node->parent_core);
}

/* A command that found no node may be opening or closing the store still (open_store): it sees our socket, or
 * is done, and ends soon. */
static err_t open_core_room(struct node *node, const struct core_links *links)
{
    err_t err = ERR_BUSY;
    for (int i = 0; err == ERR_BUSY && i < CORE_TRIES; i++) {
        if (i > 0)
            os_term_pause(CORE_TRY_MS);
        err = core_role_open(node->loop, node->os, node->conf, &node->report.diag, links, broken, node,
                             &node->core);
    }
    return err;
}

static err_t open_all(struct node *node)
{
    const struct os *os = node->os;
    const struct diag *diag = &node->report.diag;
    struct core_links links = {&node->guard_core, &node->keeper_core, &node->parent_core, &node->edge_marks};
    struct control_setup control = {.loop = node->loop,
                                    .os = os,
                                    .conf = node->conf,
                                    .diag = diag,
                                    .core = &node->parent_core,
                                    .metrics = true,
                                    .ready = ready,
                                    .ctx = node};
    err_t err;
    if (TRY(err, make_channels(node)) || TRY(err, confine_prepare(os, node->conf->dir)))
        return err;
    err = control_open(&control, &node->control);
    node->told = err != ERR_OK;
    if (err != ERR_OK ||
        TRY(err, keeper_role_open(node->loop, os, node->conf, diag, &node->keeper_core, broken, node,
                                  &node->keeper)) ||
        TRY(err, open_core_room(node, &links)) ||
        TRY(err, guard_role_open(node->loop, os, diag, &node->guard_core, &node->edge_guard, broken, node,
                                 &node->guard)))
        return err;
    return edge_role_open(node->loop, os, node->conf, diag, &node->edge_guard, &node->edge_marks, broken,
                          node, &node->edge);
}

int node_serve_alone(const struct os *os, const struct conf *conf)
{
    struct node node;
    err_t err = node_begin(&node, os, conf, "all");
    if (err == ERR_OK)
        err = open_all(&node);
    int status = node_run(&node, err);
    os_local_notify("STOPPING=1");
    return status;
}

/* --- one role --- */

static struct os_channel_fds inherited(int first)
{
    return (struct os_channel_fds) {first, {first + 1, first + 2}};
}

static err_t open_edge(struct node *node)
{
    node->edge_guard = inherited(LAUNCHER_LINK_FD);
    node->edge_marks = inherited(LAUNCHER_LINK_FD + 3);
    err_t err = edge_role_open(node->loop, node->os, node->conf, &node->report.diag, &node->edge_guard,
                               &node->edge_marks, broken, node, &node->edge);
    return err != ERR_OK ? err : os_sandbox_enter(OS_SANDBOX_NO_WRITING);
}

static err_t open_guard(struct node *node)
{
    node->guard_core = inherited(LAUNCHER_LINK_FD);
    node->edge_guard = inherited(LAUNCHER_LINK_FD + 3);
    err_t err = guard_role_open(node->loop, node->os, &node->report.diag, &node->guard_core,
                                &node->edge_guard, broken, node, &node->guard);
    return err != ERR_OK ? err : os_sandbox_enter(OS_SANDBOX_NO_NETWORK | OS_SANDBOX_NO_WRITING);
}

static err_t open_keeper(struct node *node)
{
    node->keeper_core = inherited(LAUNCHER_LINK_FD);
    err_t err = keeper_role_open(node->loop, node->os, node->conf, &node->report.diag, &node->keeper_core,
                                 broken, node, &node->keeper);
    return err != ERR_OK ? err : os_sandbox_enter(OS_SANDBOX_NO_NETWORK);
}

static err_t open_core(struct node *node)
{
    node->guard_core = inherited(LAUNCHER_LINK_FD);
    node->keeper_core = inherited(LAUNCHER_LINK_FD + 3);
    node->parent_core = inherited(LAUNCHER_LINK_FD + 6);
    node->edge_marks = inherited(LAUNCHER_LINK_FD + 9);
    struct core_links links = {&node->guard_core, &node->keeper_core, &node->parent_core, &node->edge_marks};
    err_t err = open_core_room(node, &links);
    if (err != ERR_OK)
        return err;
    core_role_bounded(node->core, node->bounded, node->accounts);
    return os_sandbox_enter(OS_SANDBOX_NO_NETWORK);
}

/* Ends once nobody is connected. */
static void idle_look(void *ctx)
{
    struct node *node = ctx;
    if (!control_busy(node->control) && control_leave(node->control))
        loop_stop(node->loop);
    else if (loop_timer_set(node->loop, &node->idle, loop_now_ms(node->loop) + STORE_IDLE_MS) != ERR_OK)
        broken(node);
}

static void deserted(void *ctx)
{
    struct node *node = ctx;
    if (loop_timer_set(node->loop, &node->idle, loop_now_ms(node->loop)) != ERR_OK)
        broken(node);
}

static err_t open_store(struct node *node)
{
    const struct diag *diag = &node->report.diag;
    struct core_links links = {NULL, NULL, &node->parent_core, NULL};
    struct control_setup control = {.loop = node->loop,
                                    .os = node->os,
                                    .conf = node->conf,
                                    .diag = diag,
                                    .core = &node->parent_core,
                                    .stopped = true,
                                    .deserted = deserted,
                                    .ctx = node};
    err_t err;
    node->quiet = true;
    if (TRY(err, os_channel_make(LIMIT_LINK_SMALL_BYTES, &node->parent_core)) ||
        TRY(err, core_role_open(node->loop, node->os, node->conf, diag, &links, broken, node, &node->core)) ||
        TRY(err, control_open(&control, &node->control)))
        return err;
    core_role_bounded(node->core, node->bounded, false);
    node->idle = (struct loop_timer) {.fire = idle_look, .ctx = node};
    /* Opening may have taken long: the loop's own time stands still until its first turn. */
    return loop_timer_set(node->loop, &node->idle, os_net_now_ms() + 2 * STORE_IDLE_MS);
}

static const struct {
    const char *name;
    enum confine_role files;
    err_t (*open)(struct node *node);
} roles[] = {{"edge", CONFINE_EDGE, open_edge},
             {"guard", CONFINE_GUARD, open_guard},
             {"core", CONFINE_CORE, open_core},
             {"keeper", CONFINE_KEEPER, open_keeper},
             {"store", CONFINE_STORE, open_store}};

/* Only who was started by a command reads the file itself: the others may not be allowed to. */
static err_t take_conf(const struct os *os, bool handed, const char *dir, struct conf *out,
                       struct fault *fault)
{
    int fd = LAUNCHER_CONF_FD;
    if (!handed)
        return conf_load(os, dir, out, fault);
    err_t err = conf_load_handed(fd, dir, out, fault);
    os_proc_line_close(&fd);
    return err;
}

int node_role(const struct os *os, const char *role, const char *dir, bool accounts)
{
    struct conf conf;
    struct fault fault = {0};
    struct node node;
    if (strcmp(role, "launcher") == 0)
        return launcher_run(os, dir, accounts);
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i].name) != 0)
            continue;
        if (take_conf(os, roles[i].files != CONFINE_STORE, dir, &conf, &fault) != ERR_OK)
            return NODE_NO_START;
        err_t err = node_begin(&node, os, &conf, roles[i].name);
        node.accounts = accounts;
        if (err == ERR_OK && !TRY(err, os_sandbox_hide()) &&
            !TRY(err, confine_files(os, &conf, roles[i].files, &node.bounded)))
            err = roles[i].open(&node);
        return node_run(&node, err);
    }
    return NODE_NO_START;
}
