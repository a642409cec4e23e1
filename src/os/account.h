/* Accounts of this machine: who they are to the kernel, and whether its word about them can be believed here.
 * The numbers are those of SO_PEERCRED (os_net.h). Any thread; may read files or ask a name service, and
 * wait for it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"

enum {
    OS_ACCOUNT_ROOT = 0,
    OS_ACCOUNT_NOBODY = 65534, /* stands for every account that a user namespace has no number for */
};

/* ERR_NOTFOUND: there is no such account. ERR_IO: it cannot be asked. */
NODISCARD err_t os_account_find(const char *name, int64_t *out_user);
/* Whose this process is. */
int64_t os_account_own(void);
/* Is every number here the machine's own? False in a user namespace, in which whoever made it says who is
 * who, and when it cannot be told. */
bool os_account_real(void);
