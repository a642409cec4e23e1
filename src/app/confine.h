/* Which files each role may open (0131, os/sandbox.h), one table a role. The supervisor and a node in one
 * process are not confined. */
#pragma once

#include "app/conf.h"

enum confine_role { CONFINE_EDGE, CONFINE_GUARD, CONFINE_CORE, CONFINE_KEEPER, CONFINE_STORE, CONFINE_ROLES };

/* Makes what roles write to and what is not there before the first start, in the node's directory `dir`, and
 * moves what older versions kept elsewhere. */
NODISCARD err_t confine_prepare(const struct os *os, const char *dir);
/* Before the first thread and before any secret is read. Where the kernel has no Landlock *out_bounded is
 * false, and all goes on. */
NODISCARD err_t confine_files(const struct os *os, const struct conf *conf, enum confine_role role,
                              bool *out_bounded);
