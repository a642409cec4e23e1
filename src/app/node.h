/* A node as processes (DESIGN 3): the supervising parent with its roles, all roles in one process, or one
 * role alone as the parent starts it. These run until SIGTERM or SIGINT and answer an exit status: 0 a clean
 * stop, 1 a failure (said on standard error), NODE_NO_START when it could not begin, NODE_BUSY when
 * another process has the store (the role "store" alone, which says nothing then). */
#pragma once

#include "app/conf.h"
#include "app/launcher.h"
#include "app/report.h"

enum { NODE_NO_START = 3, NODE_BUSY = 4 };

/* The parent: has edge, guard, core and keeper started, and started again when they crash; stops all within
 * two seconds. The launcher stays the caller's. */
int node_serve(const struct os *os, const struct conf *conf, const struct launcher *launcher);
/* Everything in this process: for tests. */
int node_serve_alone(const struct os *os, const struct conf *conf);
/* `role`: "edge", "guard", "core", "keeper" with descriptors from OS_PROC_FD_FIRST on (launcher.h),
 * `accounts`: in accounts of their own; "launcher"; or "store": core and control socket without edge and
 * keeper, for commands to a node that does not run; it ends when nobody has asked for a while. */
int node_role(const struct os *os, const char *role, const char *dir, bool accounts);
