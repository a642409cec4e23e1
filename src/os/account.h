/* Accounts of this machine: who they are to the kernel, whether its word about them can be believed here,
 * whose a file is, and how a process becomes another's. The numbers are those of SO_PEERCRED (os_net.h). Any
 * thread; finding one may read files or ask a name service, and wait for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
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

struct os_account {
    int64_t user, group;
};

/* With its group, as the machine's list has it. ERR_NOTFOUND, ERR_IO. */
NODISCARD err_t os_account_read(const char *name, struct os_account *out);

/* --- becoming another: a process with one thread --- */

/* May this process become other accounts and signal theirs (CAP_SETUID, CAP_SETGID, CAP_KILL)? */
bool os_account_may_switch(void);
/* No capability is left, and no program that it runs gets one back. */
NODISCARD err_t os_account_drop(void);
/* This account for ever: its group and no other, no capability. Whatever fails, the process must end. Between
 * fork and exec. */
NODISCARD err_t os_account_become(const struct os_account *account);

/* --- whose a file is --- */

struct os_account_file {
    struct os_account of;
    unsigned mode; /* permissions, with the sticky and the group's bit */
    bool dir;
};

/* `name` below `top`, by no symbolic link; "" is `top` itself. ERR_NOTFOUND; ERR_DENIED: a link, or something
 * that is neither a directory nor a file with one name. */
NODISCARD err_t os_account_look(const char *top, const char *name, struct os_account_file *out);
/* Makes it `want`'s, whatever somebody puts in its place meanwhile: only if it is such a directory or file,
 * and belongs to one of `from` (or to want->of already). ERR_DENIED else. For root. */
NODISCARD err_t os_account_give(const char *top, const char *name, const struct os_account_file *want,
                                const int64_t *from, size_t from_count);
