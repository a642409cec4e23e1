/* The launcher (0160): the small process that starts the roles, and tells of their end. Where they run in
 * accounts of their own it alone has the capabilities for that; it begins before the supervisor reads
 * anything, has two words for each of four roles to do, by a table, and neither sockets nor a file beside the
 * links.
 *
 * The supervisor's end: one thread. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "os/channel.h"
#include "os/proc.h"

enum launcher_role { LAUNCHER_EDGE, LAUNCHER_GUARD, LAUNCHER_CORE, LAUNCHER_KEEPER, LAUNCHER_ROLES };

enum launcher_what {
    LAUNCHER_START, /* to it */
    LAUNCHER_STOP,  /* SIGTERM */
    LAUNCHER_KILL,
    LAUNCHER_ENDED,  /* from it: `code` is the exit status or the signal */
    LAUNCHER_FAILED, /* could not be started: `code` is an err_t */
    LAUNCHER_WORDS
};

struct launcher_word {
    enum launcher_what what;
    enum launcher_role role;
    bool by_signal;
    unsigned code;
};

struct launcher {
    struct os_proc proc;
    int line; /* readable: something to hear */
    struct os_channel_fds parent_core;
    bool accounts;
};

/* Starts it for the node in `dir`, with bongsu.yaml open and all links. `accounts`: roles get accounts of
 * their own, and this process keeps no capability. ERR_NOTFOUND, ERR_DENIED: of bongsu.yaml. */
NODISCARD err_t launcher_open(const char *dir, bool accounts, struct launcher *out);
/* It ends, with whatever still runs. */
void launcher_close(struct launcher *launcher);
NODISCARD err_t launcher_tell(const struct launcher *launcher, enum launcher_what what,
                              enum launcher_role role);
/* ERR_BUSY: nothing now. ERR_CLOSED: it has ended. */
NODISCARD err_t launcher_hear(const struct launcher *launcher, struct launcher_word *out);
const char *launcher_role_name(enum launcher_role role);

/* The launcher itself, as launcher_open starts it. Its exit status. */
int launcher_run(const struct os *os, const char *dir, bool accounts);

/* What a role begins with: its configuration, then its links in the order of the table in launcher.c. */
enum { LAUNCHER_CONF_FD = OS_PROC_FD_FIRST, LAUNCHER_LINK_FD };
/* The word behind a role's directory where roles run in accounts of their own. */
#define LAUNCHER_ACCOUNTS "accounts"
