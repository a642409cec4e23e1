/* os/account.h and os_sandbox_accounts: a process becomes the account that it was told, for good, and no
 * other; a file is given away only if it is what it seems. Each look at processes is a child, since nobody
 * comes back. Root's rights are needed; else nothing is looked at. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/account.h"
#include "os/sandbox.h"

enum { NODE = 64900, EDGE, KEEPER, STRANGER };

static const struct os_account edge = {EDGE, EDGE + 10}, keeper = {KEEPER, KEEPER + 10};
static char base[512];

static const char *in(const char *name)
{
    static char paths[4][1024];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof paths[0], "%s/%s", base, name);
    return path;
}

static int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(base, sizeof base, "%s/bongsu-test-XXXXXX", tmp == NULL ? P_tmpdir : tmp);
    *state = mkdtemp(base);
    return *state == NULL || mkdir(in("keys"), 0700) != 0 ? -1 : 0;
}

static int teardown(void **state)
{
    static const char *const names[] = {"keys/ledger", "keys/other", "keys/pipe", "far", "way", "keys"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (unlink(in(names[i])) != 0)
            (void)rmdir(in(names[i]));
    return rmdir(base);
}

static void as_child(int (*look)(void))
{
    int status = 0;
    if (geteuid() != 0)
        skip();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look());
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* By number: a C library's own call would ask every thread of the sanitizers too, and end where they differ.
 */
static bool refused(long call, long first, long second, long third)
{
    return syscall(call, first, second, third) != 0;
}

static int becomes_it(void)
{
    uid_t user[3];
    gid_t group[3], more[4];
    if (setgroups(2, (gid_t[]) {0, 27}) != 0 || os_account_become(&edge) != ERR_OK)
        return 1;
    if (getresuid(&user[0], &user[1], &user[2]) != 0 || getresgid(&group[0], &group[1], &group[2]) != 0)
        return 2;
    for (int i = 0; i < 3; i++)
        if (user[i] != EDGE || group[i] != EDGE + 10)
            return 3;
    if (getgroups(4, more) != 0)
        return 4;
    if (!refused(SYS_setresuid, 0, 0, 0) || !refused(SYS_setresgid, 0, 0, 0) ||
        syscall(SYS_setgroups, 1, group) == 0)
        return 5;
    return os_account_may_switch() ? 6 : 0;
}

static void who_became_another_stays_it(void **state)
{
    (void)state;
    as_child(becomes_it);
}

static int drops_all(void)
{
    if (!os_account_may_switch())
        return 1;
    return os_account_drop() != ERR_OK || os_account_may_switch() || !refused(SYS_setresuid, EDGE, EDGE, EDGE)
               ? 2
               : 0;
}

static void without_capabilities_nobody_changes(void **state)
{
    (void)state;
    as_child(drops_all);
}

/* With every capability of root, but the filter. */
static int becomes_others(void)
{
    const struct os_account both[] = {edge, keeper};
    const gid_t group = 27;
    if (os_sandbox_accounts(both, 2) != ERR_OK)
        return 1;
    if (setresuid(STRANGER, STRANGER, STRANGER) == 0 || errno != EPERM || setresuid(0, 0, 0) == 0 ||
        setresuid(EDGE, KEEPER, EDGE) == 0 || setresuid(EDGE, EDGE, (uid_t)-1) == 0)
        return 2;
    if (setresgid(STRANGER, STRANGER, STRANGER) == 0 || setresgid(EDGE, EDGE, EDGE) == 0)
        return 3;
    if (setuid(EDGE) == 0 || seteuid(EDGE) == 0 || setreuid(EDGE, EDGE) == 0 || setgid(EDGE + 10) == 0 ||
        setregid(EDGE + 10, EDGE + 10) == 0)
        return 4;
    if (setfsuid(EDGE) != -1 || setgroups(1, &group) == 0)
        return 5;
    return os_account_become(&keeper) != ERR_OK || getuid() != KEEPER ? 6 : 0;
}

static void the_filter_lets_through_what_it_was_told(void **state)
{
    (void)state;
    as_child(becomes_others);
}

static int filters_nothing(void)
{
    struct os_account many[OS_SANDBOX_ACCOUNTS_MAX + 1] = {{0, 0}};
    return os_sandbox_accounts(many, OS_SANDBOX_ACCOUNTS_MAX + 1) == ERR_OK ? 1
           : os_sandbox_accounts(many, OS_SANDBOX_ACCOUNTS_MAX) == ERR_OK   ? 0
                                                                            : 2;
}

static void a_filter_has_room_for_so_many(void **state)
{
    (void)state;
    as_child(filters_nothing);
}

/* --- files --- */

static const struct os_account_file key = {{KEEPER, KEEPER}, 0600, false};
static const int64_t from[] = {0, NODE};

static void put(const char *name, uid_t owner, mode_t mode)
{
    int fd = open(in(name), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0 && close(fd) == 0 && chown(in(name), owner, owner) == 0 &&
                chmod(in(name), mode) == 0);
}

static void is(const char *name, uid_t owner, mode_t mode)
{
    struct stat facts;
    assert_int_equal(lstat(in(name), &facts), 0);
    assert_int_equal(facts.st_uid, owner);
    assert_int_equal(facts.st_mode & 07777, mode);
}

static void a_file_is_given(void **state)
{
    struct os_account_file now;
    (void)state;
    if (geteuid() != 0)
        skip();
    put("keys/ledger", NODE, 0644);
    assert_int_equal(os_account_give(base, "keys/ledger", &key, from, 2), ERR_OK);
    is("keys/ledger", KEEPER, 0600);
    assert_int_equal(os_account_give(base, "keys/ledger", &key, from, 0), ERR_OK); /* it is his already */
    assert_int_equal(os_account_look(base, "keys/ledger", &now), ERR_OK);
    assert_true(!now.dir && now.of.user == KEEPER && now.of.group == KEEPER && now.mode == 0600);
    assert_int_equal(os_account_look(base, "", &now), ERR_OK);
    assert_true(now.dir && now.of.user == 0);
    assert_int_equal(os_account_give(base, "keys/none", &key, from, 2), ERR_NOTFOUND);
}

static void what_belongs_to_others_stays_theirs(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    put("keys/ledger", STRANGER, 0600);
    assert_int_equal(os_account_give(base, "keys/ledger", &key, from, 2), ERR_DENIED);
    is("keys/ledger", STRANGER, 0600);
    put("keys/other", NODE, 0600);
    assert_int_equal(os_account_give(base, "keys/other", &key, from, 1), ERR_DENIED); /* of root alone */
    is("keys/other", NODE, 0600);
}

static void no_link_leads_to_another_file(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    put("far", 0, 0600);
    assert_int_equal(symlink(in("far"), in("keys/ledger")), 0);
    assert_int_equal(os_account_give(base, "keys/ledger", &key, from, 2), ERR_DENIED);
    assert_int_equal(link(in("far"), in("keys/other")), 0);
    assert_int_equal(os_account_give(base, "keys/other", &key, from, 2), ERR_DENIED);
    assert_int_equal(symlink(base, in("way")), 0);
    assert_int_equal(os_account_give(base, "way/far", &key, from, 2), ERR_DENIED);
    assert_int_equal(os_account_give(in("keys"), "../far", &key, from, 2), ERR_DENIED);
    is("far", 0, 0600);
}

static void what_is_no_file_is_not_waited_for(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkfifo(in("keys/pipe"), 0600), 0);
    assert_int_equal(os_account_give(base, "keys/pipe", &key, from, 2), ERR_DENIED);
    assert_int_equal(os_account_give(base, "keys", &key, from, 2), ERR_DENIED); /* a directory for a file */
    is("keys", 0, 0700);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_became_another_stays_it),
        TEST(without_capabilities_nobody_changes),
        TEST(the_filter_lets_through_what_it_was_told),
        TEST(a_filter_has_room_for_so_many),
        TEST(a_file_is_given),
        TEST(what_belongs_to_others_stays_theirs),
        TEST(no_link_leads_to_another_file),
        TEST(what_is_no_file_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
