/* What each role may open of a node's directory, by the system itself. Each look is a child process, since
 * nobody gets out again. */
#include "app_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/confine.h"
#include "app/keys.h"
#include "os/sandbox.h"

enum { NOTHING, READS, WRITES };

#define SAFE "safe"

/* Files of a node, and what edge, guard, core, keeper and the store of a stopped node may do with them. */
static const struct {
    const char *name; /* SAFE: of a folder that key-copies names */
    int may[CONFINE_ROLES];
} files[] = {
    {SAFE "/secrets.key", {NOTHING, NOTHING, WRITES, NOTHING, WRITES}},
    {SAFE "-other/secrets.key", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"root.key", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"bongsu.yaml", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"keys/tls", {READS, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"keys/policy", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"keys/ledger", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"keys/cosign", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"keys/disposition", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"keys/recall", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"keys/sealing", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"keys-edge/tls.0011223344556677", {READS, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"keys-keeper/ledger.0011223344556677", {NOTHING, NOTHING, NOTHING, READS, NOTHING}},
    {"card", {NOTHING, NOTHING, READS, NOTHING, READS}},
    {"card.next", {NOTHING, NOTHING, READS, NOTHING, READS}},
    {"keys/another", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"keeper/anchor", {NOTHING, NOTHING, NOTHING, WRITES, NOTHING}},
    {"feeds/feed-x.json", {READS, NOTHING, WRITES, NOTHING, WRITES}},
    {"store/log/1.seg", {NOTHING, NOTHING, WRITES, NOTHING, WRITES}},
    {"store/keys/secrets.key", {NOTHING, NOTHING, WRITES, NOTHING, WRITES}},
    {"access/1.jsonl", {NOTHING, NOTHING, WRITES, NOTHING, WRITES}},
    {"own.pem", {READS, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"own.key", {READS, NOTHING, NOTHING, NOTHING, NOTHING}},
    {"/etc/passwd", {READS, NOTHING, READS, NOTHING, READS}},
    {"/proc/self/status", {NOTHING, NOTHING, NOTHING, NOTHING, NOTHING}},
};

enum { FILES = sizeof files / sizeof files[0] };

static struct conf conf;

static const char *in(const char *name)
{
    static char path[FILE_PATH_SIZE];
    assert_int_equal(file_path(conf.dir, name, path), ERR_OK);
    return path;
}

static void put(const char *name)
{
    int fd = open(in(name), O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
}

static int make(void **state)
{
    static const char *const dirs[] = {"keys",       "keys-edge", "keys-keeper", "store", "store/log",
                                       "store/keys", "access",    "keeper",      SAFE,    SAFE "-other"};
    char *dir = scratch_new();
    conf = (struct conf) {.node = "kr"};
    assert_non_null(dir);
    /* As an operator may have said it, who stands beside the node. */
    char *cut = strrchr(dir, '/');
    *cut = '\0';
    assert_int_equal(chdir(dir), 0);
    *cut = '/';
    (void)snprintf(conf.dir, sizeof conf.dir, "%s", cut + 1);
    assert_int_equal(file_path(conf.dir, "own.pem", conf.certificate), ERR_OK);
    assert_int_equal(file_path(conf.dir, "own.key", conf.certificate_key), ERR_OK);
    assert_int_equal(file_path(conf.dir, "control.sock", conf.control), ERR_OK);
    (void)snprintf(conf.key_copies[conf.key_copy_count++], LIMIT_PATH_BYTES, "%s/" SAFE, dir);
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        assert_int_equal(mkdir(in(dirs[i]), 0700), 0);
    assert_int_equal(confine_prepare(os_linux(), conf.dir), ERR_OK);
    for (size_t i = 0; i < FILES; i++)
        if (files[i].name[0] != '/')
            put(files[i].name);
    *state = dir;
    return 0;
}

static int end(void **state)
{
    scratch_free(*state);
    return 0;
}

/* A child's answer to the test: which file is not as it should be; 0: none. */
static int wrong_file(enum confine_role role)
{
    bool bounded = false;
    if (confine_files(os_linux(), &conf, role, &bounded) != ERR_OK || !bounded)
        return 200;
    for (int i = 0; i < (int)FILES; i++) {
        int reading = open(in(files[i].name), O_RDONLY), writing = open(in(files[i].name), O_RDWR);
        if ((reading >= 0) != (files[i].may[role] >= READS) ||
            (writing >= 0) != (files[i].may[role] >= WRITES))
            return i + 1;
    }
    return 0;
}

static int as_role(int (*look)(enum confine_role role), enum confine_role role)
{
    int status = 0;
    if (!os_sandbox_files_known())
        skip();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(look(role)); /* no exit handlers: they look at files */
    assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void each_role_opens_its_own_files(void **state)
{
    (void)state;
    for (unsigned role = 0; role < CONFINE_ROLES; role++) {
        int wrong = as_role(wrong_file, role);
        if (wrong != 0)
            fail_msg("role %u: %s", role, wrong <= (int)FILES ? files[wrong - 1].name : "not confined");
    }
}

static bool makes(const char *name)
{
    int fd = open(in(name), O_RDWR | O_CREAT | O_EXCL, 0600);
    return fd >= 0 && close(fd) == 0;
}

static int makes_its_own(enum confine_role role)
{
    bool bounded, core = role == CONFINE_CORE || role == CONFINE_STORE;
    if (confine_files(os_linux(), &conf, role, &bounded) != ERR_OK)
        return 200;
    return makes("store/new") != core          ? 1
           : makes(SAFE "/new") != core        ? 5
           : makes("access/new") != core       ? 2
           : makes("feeds/new") != core        ? 3
           : makes("keys/new") || makes("new") ? 4
                                               : 0;
}

static void only_core_makes_files(void **state)
{
    (void)state;
    for (unsigned role = 0; role < CONFINE_ROLES; role++) {
        assert_int_equal(as_role(makes_its_own, role), 0);
        (void)unlink(in("store/new"));
        (void)unlink(in(SAFE "/new"));
        (void)unlink(in("access/new"));
        (void)unlink(in("feeds/new"));
    }
}

static int makes_anchor(enum confine_role role)
{
    bool bounded;
    if (confine_files(os_linux(), &conf, role, &bounded) != ERR_OK)
        return 200;
    return !makes("keeper/anchor") ? 1 : makes("anchor") ? 2 : 0;
}

/* As `bongsu peer epoch` on a restored node. */
static void a_keeper_without_anchor_makes_one(void **state)
{
    (void)state;
    assert_int_equal(unlink(in("keeper/anchor")), 0);
    assert_int_equal(as_role(makes_anchor, CONFINE_CORE), 1);
    assert_int_equal(as_role(makes_anchor, CONFINE_KEEPER), 0);
}

static int makes_socket(enum confine_role role)
{
    bool bounded;
    if (confine_files(os_linux(), &conf, role, &bounded) != ERR_OK)
        return 200;
    return mknod(conf.control, S_IFSOCK | 0600, 0) == 0 && unlink(conf.control) == 0 ? 0 : 1;
}

static void only_a_stopped_node_makes_its_socket(void **state)
{
    (void)state;
    for (unsigned role = 0; role < CONFINE_ROLES; role++)
        assert_int_equal(as_role(makes_socket, role), role == CONFINE_STORE ? 0 : 1);
}

static void credentials_of_before_move(void **state)
{
    struct stat facts;
    (void)state;
    put("keys/feed-old.json");
    assert_int_equal(confine_prepare(os_linux(), conf.dir), ERR_OK);
    assert_int_equal(stat(in("feeds/feed-old.json"), &facts), 0);
    assert_int_equal(facts.st_mode & 0777, 0600);
    assert_true(stat(in("keys/feed-old.json"), &facts) != 0 && errno == ENOENT);
    assert_int_equal(stat(in("keys/ledger"), &facts), 0);
}

/* And never over one that stands where it belongs. */
static void an_anchor_of_before_moves(void **state)
{
    struct stat facts, moved;
    (void)state;
    put("anchor");
    assert_int_equal(stat(in("anchor"), &facts), 0);
    assert_int_equal(confine_prepare(os_linux(), conf.dir), ERR_OK);
    assert_int_equal(stat(in("anchor"), &moved), 0);
    assert_int_equal(unlink(in("keeper/anchor")), 0);
    assert_int_equal(confine_prepare(os_linux(), conf.dir), ERR_OK);
    assert_true(stat(in("keeper/anchor"), &moved) == 0 && moved.st_ino == facts.st_ino);
    assert_true(stat(in("anchor"), &moved) != 0 && errno == ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_role_opens_its_own_files),     TEST(only_core_makes_files),
        TEST(a_keeper_without_anchor_makes_one), TEST(only_a_stopped_node_makes_its_socket),
        TEST(credentials_of_before_move),        TEST(an_anchor_of_before_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
