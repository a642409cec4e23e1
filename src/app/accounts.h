/* Accounts of roles (0160): whose a node's files are when edge, guard and keeper run as others than the node.
 * One table says file, account, rights. Root gives the files (`bongsu accounts`, before each start of the
 * unit); the supervisor, who is the node's account, only looks.
 *
 * The directory itself is root's and sticky, and the node's group may make names in it: so nobody puts a file
 * of his own where another role's stands. Any thread. */
#pragma once

#include "core/err.h"
#include "os/account.h"
#include "os/os.h"

/* Accounts of the machine, by the names that the package makes (bongsu.sysusers.conf). */
enum accounts_who {
    ACCOUNTS_ROOT,
    ACCOUNTS_NODE,
    ACCOUNTS_EDGE,
    ACCOUNTS_GUARD,
    ACCOUNTS_KEEPER,
    ACCOUNTS_COUNT
};

struct accounts {
    struct os_account of[ACCOUNTS_COUNT];
};

/* ERR_NOTFOUND: one of them is not there; ERR_CONFLICT: two are the same, or root. The fault names it. */
NODISCARD err_t accounts_read(struct accounts *out, struct fault *fault);
/* Does the node's directory belong to them as it should? ERR_CONFLICT: the fault names the first that does
 * not. */
NODISCARD err_t accounts_check(const struct accounts *accounts, const char *dir, struct fault *fault);
/* Is it divided among them already? */
bool accounts_divided(const struct accounts *accounts, const char *dir);
/* By root: divides it, makes what is missing, moves what older versions kept elsewhere. Done again it takes
 * in what root made meanwhile. What belongs to an account that could have planted it is refused (ERR_DENIED).
 */
NODISCARD err_t accounts_divide(const struct os *os, const struct accounts *accounts, const char *dir,
                                struct fault *fault);
/* By root: everything is the node's account's again. */
NODISCARD err_t accounts_join(const struct os *os, const struct accounts *accounts, const char *dir,
                              struct fault *fault);
/* After a command that wrote into the node's directory: where root ran it and the directory is divided,
 * divides it again. Where it is not, nothing. */
NODISCARD err_t accounts_keep(const struct os *os, const char *dir, struct fault *fault);
