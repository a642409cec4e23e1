#include "app/launcher.h"

#include "app/accounts.h"
#include "app/file.h"
#include "app/node.h"
#include "app/report.h"
#include "os/account.h"
#include "os/sandbox.h"

enum { LINK_FDS = 3, ROLE_LINKS_MAX = 4, WORD_BYTES = 4 };
enum { LINE_FD = OS_PROC_FD_FIRST, CONF_FD, LINK_FD /* three of each, in the order of enum link */ };

enum link { GUARD_CORE, EDGE_GUARD, EDGE_MARKS, KEEPER_CORE, PARENT_CORE, LINKS };

static const size_t link_bytes[LINKS] = {
    [GUARD_CORE] = LIMIT_LINK_RING_BYTES,   [EDGE_GUARD] = LIMIT_LINK_RING_BYTES,
    [EDGE_MARKS] = LIMIT_LINK_MARKS_BYTES,  [KEEPER_CORE] = LIMIT_LINK_SMALL_BYTES,
    [PARENT_CORE] = LIMIT_LINK_SMALL_BYTES,
};

static const struct {
    const char *name;
    enum accounts_who as; /* where roles have accounts; ACCOUNTS_NODE: that of the node */
    size_t link_count;
    enum link links[ROLE_LINKS_MAX]; /* in the order in which node.c takes them up */
} roles[LAUNCHER_ROLES] = {
    [LAUNCHER_EDGE] = {"edge", ACCOUNTS_EDGE, 2, {EDGE_GUARD, EDGE_MARKS}},
    [LAUNCHER_GUARD] = {"guard", ACCOUNTS_GUARD, 2, {GUARD_CORE, EDGE_GUARD}},
    [LAUNCHER_CORE] = {"core", ACCOUNTS_NODE, 4, {GUARD_CORE, KEEPER_CORE, PARENT_CORE, EDGE_MARKS}},
    [LAUNCHER_KEEPER] = {"keeper", ACCOUNTS_KEEPER, 1, {KEEPER_CORE}},
};

const char *launcher_role_name(enum launcher_role role)
{
    return roles[role].name;
}

/* --- the words: what, role, by a signal, code --- */

static err_t send_word(int line, const struct launcher_word *word)
{
    const uint8_t bytes[WORD_BYTES] = {(uint8_t)word->what, (uint8_t)word->role, word->by_signal,
                                       (uint8_t)word->code};
    return os_proc_line_send(line, bytes_of(bytes, sizeof bytes));
}

static err_t take_word(int line, struct launcher_word *out)
{
    uint8_t bytes[WORD_BYTES];
    err_t err = os_proc_line_take(line, bytes, sizeof bytes);
    if (err != ERR_OK)
        return err;
    if (bytes[0] >= LAUNCHER_WORDS || bytes[1] >= LAUNCHER_ROLES)
        return ERR_CORRUPT;
    *out = (struct launcher_word) {(enum launcher_what)bytes[0], (enum launcher_role)bytes[1], bytes[2] != 0,
                                   bytes[3]};
    return ERR_OK;
}

/* --- the supervisor's end --- */

static const struct os_channel_fds none = {-1, {-1, -1}};

static void put_link(const struct os_channel_fds *link, int *to)
{
    to[0] = link->memory;
    to[1] = link->wake[0];
    to[2] = link->wake[1];
}

static err_t spawn(const char *dir, bool accounts, int line, int conf, const struct os_channel_fds *links,
                   struct os_proc *out)
{
    const char *args[] = {"bongsu", "--role", "launcher", dir, accounts ? LAUNCHER_ACCOUNTS : NULL, NULL};
    int fds[2 + LINKS * LINK_FDS] = {line, conf};
    for (size_t i = 0; i < LINKS; i++)
        put_link(&links[i], &fds[2 + i * LINK_FDS]);
    return os_proc_spawn(args, fds, sizeof fds / sizeof fds[0], out);
}

err_t launcher_open(const char *dir, bool accounts, struct launcher *out)
{
    struct launcher launcher = {{-1, -1}, -1, none, accounts};
    struct os_channel_fds links[LINKS] = {none, none, none, none, none};
    char path[FILE_PATH_SIZE];
    int line[2] = {-1, -1}, conf = -1;
    err_t err;
    if (TRY(err, file_path(dir, CONF_FILE, path)) || TRY(err, os_proc_file_open(path, &conf)) ||
        TRY(err, os_proc_line(line)))
        goto out;
    for (size_t i = 0; i < LINKS && err == ERR_OK; i++)
        err = os_channel_make(link_bytes[i], &links[i]);
    if (err == ERR_OK && !TRY(err, spawn(dir, accounts, line[1], conf, links, &launcher.proc)) && accounts)
        err = os_account_drop();
    if (err != ERR_OK) {
        os_proc_kill(&launcher.proc);
        os_proc_leave(&launcher.proc);
        goto out;
    }
    launcher.line = line[0];
    launcher.parent_core = links[PARENT_CORE];
    line[0] = -1;
    links[PARENT_CORE] = none;
    *out = launcher;
out:
    for (size_t i = 0; i < LINKS; i++)
        os_channel_fds_close(&links[i]);
    os_proc_line_close(&line[0]);
    os_proc_line_close(&line[1]);
    os_proc_line_close(&conf);
    return err;
}

void launcher_close(struct launcher *launcher)
{
    os_proc_line_close(&launcher->line);
    os_proc_kill(&launcher->proc);
    os_proc_leave(&launcher->proc);
    os_channel_fds_close(&launcher->parent_core);
}

err_t launcher_tell(const struct launcher *launcher, enum launcher_what what, enum launcher_role role)
{
    const struct launcher_word word = {.what = what, .role = role};
    return send_word(launcher->line, &word);
}

err_t launcher_hear(const struct launcher *launcher, struct launcher_word *out)
{
    return take_word(launcher->line, out);
}

/* --- the launcher: no loop of events, no thread; it waits for its line and its children --- */

struct launching {
    const char *dir;
    bool divided;
    struct accounts accounts;
    struct report report;
    int line;
    struct os_proc proc[LAUNCHER_ROLES];
};

static err_t hear_end(struct launching *l, enum launcher_role role)
{
    struct os_proc_end end;
    err_t err = os_proc_reap(&l->proc[role], &end);
    const struct launcher_word word = {LAUNCHER_ENDED, role, end.by_signal, (unsigned)end.code};
    return err == ERR_OK ? send_word(l->line, &word) : err == ERR_BUSY ? ERR_OK : err;
}

static err_t spawn_role(struct launching *l, enum launcher_role role)
{
    const char *args[] = {"bongsu", "--role", roles[role].name, l->dir, l->divided ? LAUNCHER_ACCOUNTS : NULL,
                          NULL};
    enum accounts_who who = roles[role].as;
    int fds[1 + ROLE_LINKS_MAX * LINK_FDS] = {CONF_FD};
    size_t count = 1;
    for (size_t i = 0; i < roles[role].link_count; i++)
        for (int j = 0; j < LINK_FDS; j++)
            fds[count++] = LINK_FD + (int)roles[role].links[i] * LINK_FDS + j;
    if (!l->divided)
        return os_proc_spawn(args, fds, count, &l->proc[role]);
    return os_proc_spawn_as(args, fds, count, who == ACCOUNTS_NODE ? NULL : &l->accounts.of[who],
                            &l->proc[role]);
}

static err_t obey(struct launching *l, const struct launcher_word *word)
{
    struct os_proc *proc = &l->proc[word->role];
    if (word->what == LAUNCHER_START && proc->fd < 0) {
        err_t err = spawn_role(l, word->role);
        const struct launcher_word failed = {LAUNCHER_FAILED, word->role, false, (unsigned)err};
        return err == ERR_OK ? ERR_OK : send_word(l->line, &failed);
    }
    if (word->what == LAUNCHER_STOP)
        os_proc_stop(proc);
    else if (word->what == LAUNCHER_KILL)
        os_proc_kill(proc);
    return ERR_OK;
}

static err_t hear_line(struct launching *l)
{
    struct launcher_word word;
    err_t err;
    while ((err = take_word(l->line, &word)) == ERR_OK)
        if (TRY(err, obey(l, &word)))
            return err;
    return err == ERR_BUSY ? ERR_OK : err;
}

/* Until nobody is at the other end. What runs then is killed with us. */
static err_t run(struct launching *l)
{
    bool ready[LAUNCHER_ROLES + 1];
    err_t err = ERR_OK;
    while (err == ERR_OK) {
        int fds[LAUNCHER_ROLES + 1];
        fds[LAUNCHER_ROLES] = l->line;
        for (size_t i = 0; i < LAUNCHER_ROLES; i++)
            fds[i] = l->proc[i].fd;
        err = os_proc_wait(fds, LAUNCHER_ROLES + 1, ready);
        for (size_t i = 0; i < LAUNCHER_ROLES && err == ERR_OK; i++)
            if (ready[i])
                err = hear_end(l, (enum launcher_role)i);
        if (err == ERR_OK && ready[LAUNCHER_ROLES])
            err = hear_line(l);
    }
    return err;
}

/* Looked at here as well, and not only by who wrote the unit: half of it would be none. */
static err_t begin_accounts(struct launching *l, struct fault *fault)
{
    static const char next[] = "the unit grants CAP_SETUID, CAP_SETGID and CAP_KILL (AmbientCapabilities=)";
    int64_t own = os_account_own();
    err_t err = accounts_read(&l->accounts, fault);
    if (err != ERR_OK)
        return err;
    if (own != l->accounts.of[ACCOUNTS_NODE].user)
        return fault_set(fault, ERR_DENIED, 0, "accounts for roles are those of a node that runs as bongsu");
    if (!os_account_may_switch())
        return fault_set(fault, ERR_DENIED, 0, "this process may not change accounts: %s", next);
    return os_sandbox_accounts(&l->accounts.of[ACCOUNTS_EDGE], ACCOUNTS_COUNT - ACCOUNTS_EDGE);
}

static err_t begin(struct launching *l)
{
    struct fault fault = {0};
    int signals;
    err_t err;
    if (TRY(err, os_sandbox_hide()))
        return err;
    if (l->divided && TRY(err, begin_accounts(l, &fault))) {
        diag_say(&l->report.diag, DIAG_ERROR, err, "app",
                 "the package makes the accounts (systemd-sysusers); without --accounts roles share one",
                 "the roles cannot have accounts of their own: %s",
                 fault.what[0] != '\0' ? fault.what : err_text(err));
        return err;
    }
    /* SIGTERM and SIGINT of a whole group are for the supervisor: blocked, and never looked at. */
    return os_signals_open(&signals);
}

int launcher_run(const struct os *os, const char *dir, bool accounts)
{
    struct launching l = {.dir = dir, .divided = accounts, .line = LINE_FD};
    report_init(&l.report, os, "", "launcher");
    for (size_t i = 0; i < LAUNCHER_ROLES; i++)
        l.proc[i] = (struct os_proc) {-1, -1};
    if (begin(&l) != ERR_OK)
        return NODE_NO_START;
    return run(&l) == ERR_CLOSED ? 0 : 1;
}
