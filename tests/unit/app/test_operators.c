/* Who counts as a person, and who reaches the control socket. */
#define _XOPEN_SOURCE 700
#include "app_test.h"

#include <sys/stat.h>

#include "app/control.h"
#include "app/link.h"
#include "app/operators.h"
#include "core/diag.h"
#include "os/account.h"
#include "os/local.h"
#include "os/os_net.h"

struct said {
    size_t lines;
    struct buf text;
};

static void hear(void *ctx, const struct diag_line *line)
{
    struct said *said = ctx;
    said->lines++;
    buf_put_str(&said->text, str_of(line->what));
    buf_putc(&said->text, '\n');
}

static bool heard(struct said *said, const char *words)
{
    buf_putc(&said->text, '\0');
    said->text.len--;
    return strstr((const char *)said->text.at, words) != NULL;
}

static void declare(struct conf *conf, const char *const *names)
{
    *conf = (struct conf) {.node = "kr", .country = "KR"};
    for (; *names != NULL; names++)
        (void)snprintf(conf->operators[conf->operator_count++], CONF_ACCOUNT_BYTES, "%s", *names);
}

static int64_t number_of(const char *name)
{
    int64_t user = -1;
    assert_int_equal(os_account_find(name, &user), ERR_OK);
    return user;
}

static void finds_accounts(void **state)
{
    int64_t user = -1;
    (void)state;
    assert_int_equal(number_of("root"), OS_ACCOUNT_ROOT);
    assert_int_equal(os_account_find("no-such-account-here", &user), ERR_NOTFOUND);
    assert_int_equal(user, -1);
    assert_true(os_account_own() >= 0);
}

/* Each account once, and those that anybody may become or that stand for nobody not at all. */
static void counts_accounts(void **state)
{
    struct conf conf;
    struct operators operators;
    struct said said = {0};
    struct diag diag = {hear, &said};
    char who[WHO_BYTES];
    (void)state;
    buf_init(&said.text, 4096);
    declare(&conf, (const char *const[]) {"daemon", "bin", "nobody", "no-such-account-here", "daemon", NULL});
    operators_open(&conf, false, &diag, &operators);
    if (!operators.real)
        skip();
    assert_int_equal(operators.count, 2);
    assert_int_equal(operators.persons.count, 2);
    assert_int_equal(said.lines, 3);
    assert_true(heard(&said, "nobody counts for nothing: it is root's or nobody's number"));
    assert_true(heard(&said, "no-such-account-here counts for nothing: there is no such account"));
    assert_true(heard(&said, "daemon counts for nothing: it is another name of one before it"));
    assert_int_equal(operators_who(&operators, number_of("daemon"), who), STANDING_OPERATOR);
    assert_string_equal(who, "daemon");
    assert_int_equal(operators_who(&operators, OS_ACCOUNT_ROOT, who), STANDING_ACCOUNT);
    assert_string_equal(who, "root");
    assert_int_equal(operators_who(&operators, OS_ACCOUNT_NOBODY, who), STANDING_ACCOUNT);
    assert_true(operators_has(&operators, STR("bin")) && !operators_has(&operators, STR("nobody")) &&
                !operators_has(&operators, STR("root")) && !operators_has(&operators, STR("")));
    buf_deinit(&said.text);
}

static void admits_operators(void **state)
{
    struct conf conf;
    struct operators operators;
    (void)state;
    declare(&conf, (const char *const[]) {"daemon", NULL});
    operators_open(&conf, false, NULL, &operators);
    assert_true(operators_admit(&operators, number_of("daemon")));
    assert_true(operators_admit(&operators, OS_ACCOUNT_ROOT));
    assert_true(operators_admit(&operators, os_account_own()));
    assert_false(operators_admit(&operators, number_of("bin")));
    assert_false(operators_admit(&operators, OS_ACCOUNT_NOBODY));
    declare(&conf, (const char *const[]) {NULL});
    operators_open(&conf, false, NULL, &operators);
    assert_true(operators_admit(&operators, number_of("bin"))); /* the socket's mode is all there is */
}

/* What counts as his word has his key behind his name; what he says without it, or said with the one before,
 * does not. */
static void a_key_is_part_of_the_name(void **state)
{
    struct conf conf;
    struct operators operators;
    struct said said = {0};
    struct diag diag = {hear, &said};
    char who[WHO_BYTES];
    (void)state;
    buf_init(&said.text, 4096);
    declare(&conf, (const char *const[]) {"daemon", "bin", NULL});
    assert_int_equal(
        sshsig_key_parse(
            STR("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p"),
            &conf.operator_keys[0]),
        ERR_OK);
    operators_open(&conf, false, &diag, &operators);
    if (!operators.real)
        skip();
    assert_int_equal(operators.count, 2);
    assert_int_equal(operators_who(&operators, number_of("daemon"), who), STANDING_OPERATOR);
    assert_string_equal(who, "daemon");
    assert_true(operators_has(&operators, STR("daemon (key QHZsrTGrAzQk+Iu9)")));
    assert_false(operators_has(&operators, STR("daemon")));
    assert_false(operators_has(&operators, STR("daemon (key JT9FRDeF1LfQvLCz)")));
    assert_true(operators_has(&operators, STR("bin")));
    assert_true(str_eq(operators.persons.name[0], STR("daemon (key QHZsrTGrAzQk+Iu9)")));
    const struct operators_row *row = operators_find(&operators, STR("daemon"));
    assert_non_null(row);
    assert_non_null(row->key);
    assert_null(operators_find(&operators, str_of(row->said)));
    assert_null(operators_find(&operators, STR("bin"))->key);
    /* All are to sign: who has no key may still give commands, and is no person. */
    conf.operators_sign = true;
    operators_open(&conf, false, &diag, &operators);
    assert_int_equal(operators.count, 1);
    assert_int_equal(operators.persons.count, 1);
    assert_false(operators_has(&operators, STR("bin")));
    assert_true(operators_admit(&operators, number_of("bin")));
    assert_true(heard(&said, "bin counts for nothing: it has no key, and operators-sign is required"));
    buf_deinit(&said.text);
}

static const char *strange; /* the name of every account that is looked up; NULL: its own */

void __real_os_term_user(unsigned uid, char *out, size_t size);
void __wrap_os_term_user(unsigned uid, char *out, size_t size);
void __wrap_os_term_user(unsigned uid, char *out, size_t size)
{
    if (strange == NULL)
        __real_os_term_user(uid, out, size);
    else
        (void)snprintf(out, size, "%s", strange);
}

/* No account takes the place of an operator's word by what it is called: it is known by its number. */
static void no_account_is_called_like_a_key(void **state)
{
    static const char *const names[] = {"daemon (key QHZsrTGrAzQk+Iu9)", "x (key ", " (key a) b"};
    struct conf conf;
    struct operators operators;
    char who[WHO_BYTES];
    (void)state;
    declare(&conf, (const char *const[]) {"daemon", NULL});
    assert_int_equal(
        sshsig_key_parse(
            STR("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgguwDx1VBVAGwr6R4FW4aJsalrbjtvYi6PZdF9WA6p"),
            &conf.operator_keys[0]),
        ERR_OK);
    operators_open(&conf, false, NULL, &operators);
    if (!operators.real)
        skip();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        strange = names[i];
        assert_int_equal(operators_who(&operators, 4711, who), STANDING_ACCOUNT);
        assert_string_equal(who, "uid 4711");
        assert_false(operators_has(&operators, str_of(who)));
        assert_int_equal(operators_who(&operators, number_of("daemon"), who), STANDING_OPERATOR);
        assert_string_equal(who, "daemon");
    }
    strange = "kim (keys)";
    assert_int_equal(operators_who(&operators, 4711, who), STANDING_ACCOUNT);
    assert_string_equal(who, strange);
    strange = NULL;
}

/* Who asks a store of his own making is said to be nobody's word, and no name of it is an operator's. */
static void believes_nobody_when_stopped(void **state)
{
    struct conf conf;
    struct operators operators;
    char who[WHO_BYTES];
    (void)state;
    declare(&conf, (const char *const[]) {"daemon", "bin", NULL});
    operators_open(&conf, true, NULL, &operators);
    assert_int_equal(operators_who(&operators, number_of("daemon"), who), STANDING_STOPPED);
    assert_string_equal(who, "daemon (node stopped)");
    assert_false(operators_has(&operators, str_of(who)));
    operators.stopped = false;
    operators.real = false;
    assert_int_equal(operators_who(&operators, number_of("daemon"), who), STANDING_NAMESPACED);
    assert_false(operators_has(&operators, str_of(who)));
}

/* Also where the umask takes a group's rights: at no moment more than asked for, at the end no less. */
static unsigned mode_of(const char *const *names, bool stopped)
{
    char *dir = scratch_new();
    struct conf conf;
    struct os_channel_fds fds;
    struct loop *loop;
    struct control *control;
    struct stat stat_;
    struct said said = {0};
    struct diag diag = {hear, &said};
    buf_init(&said.text, 4096);
    mode_t before = umask(077);
    declare(&conf, names);
    (void)snprintf(conf.control, sizeof conf.control, "%s/control.sock", dir);
    assert_int_equal(loop_open(&loop), ERR_OK);
    assert_int_equal(os_channel_make(LIMIT_LINK_SMALL_BYTES, &fds), ERR_OK);
    struct control_setup setup = {
        .loop = loop, .os = os_linux(), .conf = &conf, .diag = &diag, .core = &fds, .stopped = stopped};
    assert_int_equal(control_open(&setup, &control), ERR_OK);
    assert_int_equal(stat(conf.control, &stat_), 0);
    control_close(control);
    loop_close(loop);
    os_channel_fds_close(&fds);
    (void)umask(before);
    buf_deinit(&said.text);
    scratch_free(dir);
    return stat_.st_mode & 07777;
}

static void the_socket_is_the_groups_with_operators(void **state)
{
    (void)state;
    assert_int_equal(mode_of((const char *const[]) {NULL}, false), 0600);
    assert_int_equal(mode_of((const char *const[]) {"daemon", NULL}, false), 0660);
    assert_int_equal(mode_of((const char *const[]) {"daemon", "bin", NULL}, true), 0600);
    assert_int_equal(os_local_share("/no/such/socket"), ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_accounts),
                                       cmocka_unit_test(counts_accounts),
                                       cmocka_unit_test(admits_operators),
                                       cmocka_unit_test(a_key_is_part_of_the_name),
                                       cmocka_unit_test(no_account_is_called_like_a_key),
                                       cmocka_unit_test(believes_nobody_when_stopped),
                                       cmocka_unit_test(the_socket_is_the_groups_with_operators)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
