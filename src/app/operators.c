#include "app/operators.h"

#include <stdio.h>

#include "os/account.h"
#include "os/term.h"

static const char *name_of(const struct operators *operators, int64_t user)
{
    for (size_t i = 0; i < operators->count; i++)
        if (operators->at[i].user == user)
            return operators->at[i].name;
    return NULL;
}

/* Why this name counts for nothing; NULL: it counts. */
static const char *why_not(const struct operators *operators, const char *name, int64_t *out_user)
{
    if (os_account_find(name, out_user) != ERR_OK)
        return "there is no such account";
    if (*out_user == OS_ACCOUNT_ROOT || *out_user == OS_ACCOUNT_NOBODY)
        return "it is root's or nobody's number";
    if (*out_user == operators->own)
        return "the node runs as it";
    return name_of(operators, *out_user) != NULL ? "it is another name of one before it" : NULL;
}

static void take(struct operators *operators, const char *name, const struct diag *diag)
{
    int64_t user = OS_ACCOUNT_NOBODY;
    const char *why = why_not(operators, name, &user);
    if (why == NULL) {
        operators->names[operators->count] = str_of(name);
        operators->at[operators->count].user = user;
        operators->at[operators->count].name = name;
        operators->persons.count = ++operators->count;
    } else if (diag != NULL) {
        diag_say(diag, DIAG_WARNING, ERR_INVALID, "app", "see operators in " CONF_FILE,
                 "the operator %s counts for nothing: %s", name, why);
    }
}

void operators_open(const struct conf *conf, bool stopped, const struct diag *diag, struct operators *out)
{
    *out = (struct operators) {
        .conf = conf, .stopped = stopped, .real = os_account_real(), .own = os_account_own()};
    out->persons.name = out->names;
    for (size_t i = 0; i < conf->operator_count; i++)
        take(out, conf->operators[i], diag);
    if (diag != NULL && conf->operator_count > 0 && !out->real)
        diag_say(diag, DIAG_WARNING, ERR_DENIED, "app",
                 "run it outside: no PrivateUsers=, no rootless container",
                 "in a user namespace nobody counts as one of two persons");
}

bool operators_admit(const struct operators *operators, int64_t user)
{
    return operators->conf->operator_count == 0 || operators->stopped || user == OS_ACCOUNT_ROOT ||
           user == operators->own || name_of(operators, user) != NULL;
}

enum standing operators_who(const struct operators *operators, int64_t user, char out[WHO_BYTES])
{
    static const char *const behind[STANDING_COUNT] = {"", "", " (node stopped)", " (user namespace)"};
    const char *name = name_of(operators, user);
    enum standing standing = operators->stopped ? STANDING_STOPPED
                             : !operators->real ? STANDING_NAMESPACED
                             : name != NULL     ? STANDING_OPERATOR
                                                : STANDING_ACCOUNT;
    char account[CONF_ACCOUNT_BYTES];
    os_term_user((unsigned)user, account, sizeof account);
    if (standing == STANDING_OPERATOR)
        (void)snprintf(account, sizeof account, "%s", name);
    (void)snprintf(out, WHO_BYTES, "%s%s", account, behind[standing]);
    return standing;
}

bool operators_has(const struct operators *operators, struct str name)
{
    for (size_t i = 0; i < operators->count; i++)
        if (str_eq(name, operators->names[i]))
            return true;
    return false;
}

void operators_names(const struct operators *operators, struct buf *out)
{
    for (size_t i = 0; i < operators->count; i++)
        buf_printf(out, "%s%s", i == 0 ? "" : ", ", operators->at[i].name);
}
