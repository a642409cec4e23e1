#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/sandbox.h"

/* What headers of Debian 12 (ABI 2) do not have: landlock(7). */
#define FS_TRUNCATE          (UINT64_C(1) << 14)
#define FS_IOCTL_DEV         (UINT64_C(1) << 15)
#define SCOPE_ABSTRACT_NAMES (UINT64_C(1) << 0)
#define SCOPE_SIGNALS        (UINT64_C(1) << 1)

/* The kernel takes a longer record than it knows when the rest is zero. */
struct ruleset {
    uint64_t fs, net, scoped;
};

/* What each ABI of the kernel brought. */
static const struct {
    int abi;
    uint64_t fs, scoped;
} brought[] = {
    {1, (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, 0},
    {2, LANDLOCK_ACCESS_FS_REFER, 0},
    {3, FS_TRUNCATE, 0},
    {5, FS_IOCTL_DEV, 0},
    {6, 0, SCOPE_ABSTRACT_NAMES | SCOPE_SIGNALS},
};

static const struct {
    unsigned right;
    uint64_t fs;
} means[] = {
    {OS_SANDBOX_READ, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR},
    {OS_SANDBOX_WRITE, LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                           LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
                           LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | FS_TRUNCATE},
    {OS_SANDBOX_NAMES, LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE},
    {OS_SANDBOX_LIST, LANDLOCK_ACCESS_FS_READ_DIR},
};
/* The others are of what a directory contains, and make no sense of a file. */
static const uint64_t of_files = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE;

static int kernel_abi(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool os_sandbox_files_known(void)
{
    return kernel_abi() > 0;
}

static struct ruleset all_of(int abi)
{
    struct ruleset all = {0};
    for (size_t i = 0; i < sizeof brought / sizeof brought[0]; i++) {
        if (abi < brought[i].abi)
            continue;
        all.fs |= brought[i].fs;
        all.scoped |= brought[i].scoped;
    }
    return all;
}

static uint64_t allowed(unsigned rights)
{
    uint64_t fs = 0;
    for (size_t i = 0; i < sizeof means / sizeof means[0]; i++)
        fs |= (rights & means[i].right) != 0 ? means[i].fs : 0;
    return fs;
}

static bool is_nowhere(int code)
{
    return code == ENOENT || code == ENOTDIR || code == EACCES || code == ELOOP;
}

static err_t add(int ruleset, const struct ruleset *all, const struct os_sandbox_path *path)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = allowed(path->rights) & all->fs};
    struct stat facts;
    rule.parent_fd = open(path->path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return is_nowhere(errno) ? ERR_OK : ERR_IO;
    bool failed = fstat(rule.parent_fd, &facts) != 0;
    if (!S_ISDIR(facts.st_mode))
        rule.allowed_access &= of_files;
    if (!failed && rule.allowed_access != 0)
        failed = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0;
    (void)close(rule.parent_fd);
    return failed ? ERR_IO : ERR_OK;
}

err_t os_sandbox_files(const struct os_sandbox_path *paths, size_t count)
{
    struct ruleset all = all_of(kernel_abi());
    err_t err = ERR_OK;
    if (all.fs == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return ERR_UNSUPPORTED;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof all, 0);
    if (ruleset < 0)
        return ERR_UNSUPPORTED;
    for (size_t i = 0; i < count && err == ERR_OK; i++)
        err = add(ruleset, &all, &paths[i]);
    if (err == ERR_OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        err = ERR_UNSUPPORTED;
    (void)close(ruleset);
    return err;
}

err_t os_sandbox_place(const char *path, struct os_sandbox_place *out)
{
    struct stat facts;
    if (stat(path, &facts) != 0)
        return ERR_NOTFOUND;
    *out = (struct os_sandbox_place) {facts.st_dev, facts.st_ino};
    return ERR_OK;
}

err_t os_sandbox_hide(void)
{
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? ERR_OK : ERR_UNSUPPORTED;
}
