#include "app/operators.h"

#include <stdio.h>
#include <string.h>

#include "os/account.h"
#include "os/term.h"

_Static_assert(CONF_ACCOUNT_BYTES + sizeof " (key QHZsrTGrAzQk+Iu9)" - 1 <= WHO_BYTES, "no name is cut");

#define KEY_HEAD " (key " /* between a name and the key behind it */

static const char *name_of(const struct operators *operators, int64_t user)
{
    for (size_t i = 0; i < operators->known; i++)
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

static void name_said(struct operators_row *row)
{
    static const char head[] = "SHA256:";
    char fingerprint[SSHSIG_FINGERPRINT_SIZE];
    if (row->key == NULL) {
        (void)snprintf(row->said, WHO_BYTES, "%s", row->name);
        return;
    }
    sshsig_fingerprint(row->key, fingerprint);
    (void)snprintf(row->said, WHO_BYTES, "%s" KEY_HEAD "%.16s)", row->name, fingerprint + sizeof head - 1);
}

static void take(struct operators *operators, size_t row, const struct diag *diag)
{
    const char *name = operators->conf->operators[row];
    const struct sshsig_key *key = &operators->conf->operator_keys[row];
    int64_t user = OS_ACCOUNT_NOBODY;
    const char *why = why_not(operators, name, &user);
    if (why == NULL) {
        struct operators_row *found = &operators->at[operators->known++];
        *found = (struct operators_row) {.user = user, .name = name, .key = key->len > 0 ? key : NULL};
        found->counts = found->key != NULL || !operators->conf->operators_sign;
        name_said(found);
        if (found->counts)
            operators->names[operators->count++] = str_of(found->said);
        else
            why = "it has no key, and operators-sign is required";
        operators->persons.count = operators->count;
    }
    if (why != NULL && diag != NULL) {
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
        take(out, i, diag);
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
    if (strstr(account, KEY_HEAD) != NULL) /* only what was signed is called so */
        (void)snprintf(account, sizeof account, "uid %u", (unsigned)user);
    if (standing == STANDING_OPERATOR)
        (void)snprintf(account, sizeof account, "%s", name);
    (void)snprintf(out, WHO_BYTES, "%s%s", account, behind[standing]);
    return standing;
}

const struct operators_row *operators_find(const struct operators *operators, struct str name)
{
    for (size_t i = 0; i < operators->known; i++)
        if (str_eq(name, str_of(operators->at[i].name)))
            return &operators->at[i];
    return NULL;
}

struct str operators_account(struct str said)
{
    size_t head = sizeof KEY_HEAD - 1;
    for (size_t i = 0; i + head <= said.len; i++)
        if (memcmp(said.at + i, KEY_HEAD, head) == 0)
            return (struct str) {said.at, i};
    return said;
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
    size_t start = out->len;
    for (size_t i = 0; i < operators->known; i++)
        if (operators->at[i].counts)
            buf_printf(out, "%s%s", out->len == start ? "" : ", ", operators->at[i].name);
}
