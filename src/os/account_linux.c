#define _GNU_SOURCE /* getpwnam_r, setresuid, O_PATH */

#include "os/account.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

err_t os_account_read(const char *name, struct os_account *out)
{
    struct passwd entry, *found = NULL;
    char room[4096];
    int why = getpwnam_r(name, &entry, room, sizeof room, &found);
    if (found == NULL)
        return why == 0 || why == ENOENT ? ERR_NOTFOUND : ERR_IO;
    *out = (struct os_account) {(int64_t)found->pw_uid, (int64_t)found->pw_gid};
    return ERR_OK;
}

err_t os_account_find(const char *name, int64_t *out_user)
{
    struct os_account account;
    err_t err = os_account_read(name, &account);
    if (err == ERR_OK)
        *out_user = account.user;
    return err;
}

int64_t os_account_own(void)
{
    return (int64_t)getuid();
}

/* user_namespaces(7): the first namespace maps all numbers to themselves, in one line. */
bool os_account_real(void)
{
    unsigned long inside = 1, outside = 1, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    if (map == NULL)
        return false;
    int read = fscanf(map, "%lu %lu %lu", &inside, &outside, &count);
    (void)fclose(map);
    return read == 3 && inside == 0 && outside == 0 && count == UINT32_MAX;
}

/* --- becoming another --- */

/* capset(2): two words of 32 capabilities each. */
struct capabilities {
    struct __user_cap_header_struct head;
    struct __user_cap_data_struct word[2];
};

bool os_account_may_switch(void)
{
    const uint32_t want = 1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_KILL;
    struct capabilities held = {.head = {.version = _LINUX_CAPABILITY_VERSION_3}};
    return syscall(SYS_capget, &held.head, held.word) == 0 && (held.word[0].effective & want) == want;
}

err_t os_account_drop(void)
{
    struct capabilities none = {.head = {.version = _LINUX_CAPABILITY_VERSION_3}};
    /* The ambient ones, which a program would begin with, go with the permitted ones; the rest of what exec
     * could give is stopped by no_new_privs. */
    return syscall(SYS_capset, &none.head, none.word) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
               ? ERR_OK
               : ERR_DENIED;
}

err_t os_account_become(const struct os_account *account)
{
    gid_t group = (gid_t)account->group;
    uid_t user = (uid_t)account->user;
    /* By number: the C library's functions would tell threads that this process does not have. */
    return syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, group, group, group) == 0 &&
                   syscall(SYS_setresuid, user, user, user) == 0
               ? os_account_drop()
               : ERR_DENIED;
}

/* --- whose a file is --- */

static err_t why(int code)
{
    return code == ENOENT                                                      ? ERR_NOTFOUND
           : code == EACCES || code == EPERM || code == ELOOP || code == EXDEV ? ERR_DENIED
                                                                               : ERR_IO;
}

/* `top` as its name says, which is the administrator's word; what is below it by no link. */
static err_t open_below(const char *top, const char *name, int flags, int *out_fd)
{
    int dir = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                           .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH};
    if (dir < 0)
        return why(errno);
    int fd = (int)syscall(SYS_openat2, dir, name[0] == '\0' ? "." : name, &how, sizeof how);
    err_t err = fd < 0 ? why(errno) : ERR_OK;
    (void)close(dir);
    *out_fd = fd;
    return err;
}

/* A second name of a file may be anybody's: what is given away here would be given away there. */
static err_t facts_of(int fd, struct os_account_file *out)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return ERR_IO;
    *out = (struct os_account_file) {
        {(int64_t)facts.st_uid, (int64_t)facts.st_gid}, facts.st_mode & 07777, S_ISDIR(facts.st_mode)};
    return out->dir || (S_ISREG(facts.st_mode) && facts.st_nlink == 1) ? ERR_OK : ERR_DENIED;
}

err_t os_account_look(const char *top, const char *name, struct os_account_file *out)
{
    int fd;
    err_t err = open_below(top, name, O_PATH, &fd);
    if (err != ERR_OK)
        return err;
    err = facts_of(fd, out);
    (void)close(fd);
    return err;
}

static bool may_take(int64_t user, const struct os_account_file *want, const int64_t *from, size_t count)
{
    bool may = user == want->of.user;
    for (size_t i = 0; i < count; i++)
        may = may || user == from[i];
    return may;
}

err_t os_account_give(const char *top, const char *name, const struct os_account_file *want,
                      const int64_t *from, size_t from_count)
{
    struct os_account_file now;
    int fd;
    /* Nothing that is opened here is read: a pipe must not make us wait. */
    err_t err = open_below(top, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, &fd);
    if (err != ERR_OK)
        return err;
    err = facts_of(fd, &now);
    if (err == ERR_OK && (now.dir != want->dir || !may_take(now.of.user, want, from, from_count)))
        err = ERR_DENIED;
    /* The owner first: a change of owner takes bits away. */
    if (err == ERR_OK &&
        (fchown(fd, (uid_t)want->of.user, (gid_t)want->of.group) != 0 || fchmod(fd, (mode_t)want->mode) != 0))
        err = why(errno);
    (void)close(fd);
    return err;
}
