#include "app/accounts.h"

#include <stdio.h>

#include "app/access.h"
#include "app/confine.h"
#include "app/core_role.h"
#include "app/feed_secret.h"
#include "app/file.h"
#include "app/init.h"
#include "app/keeper.h"
#include "app/keys.h"

enum {
    ROOT = ACCOUNTS_ROOT,
    NODE = ACCOUNTS_NODE,
    EDGE = ACCOUNTS_EDGE,
    KEEPER = ACCOUNTS_KEEPER,
    TOP_MODE = 01771, /* the node's group makes names, nobody takes another's away, all pass through */
    JOINED_TOP_MODE = 0711,
    JOINED_DIR_MODE = 0700,
    JOINED_FILE_MODE = 0600,
};

static const char *const names[ACCOUNTS_COUNT] = {
    [ACCOUNTS_ROOT] = "root",          [ACCOUNTS_NODE] = "bongsu",          [ACCOUNTS_EDGE] = "bongsu-edge",
    [ACCOUNTS_GUARD] = "bongsu-guard", [ACCOUNTS_KEEPER] = "bongsu-keeper",
};

struct right {
    unsigned user, group; /* enum accounts_who */
    unsigned mode;
};

/* Directories, with the files in them. `keys` last: that it is keeper's says that all is divided. */
static const struct place {
    const char *dir;
    struct right itself, files;
    bool may_lack;
} places[] = {
    {CORE_STORE_DIR, {NODE, NODE, 0700}, {NODE, NODE, 0600}, false},
    {CORE_STORE_DIR "/log", {NODE, NODE, 0700}, {NODE, NODE, 0600}, true},
    {CORE_STORE_DIR "/keys", {NODE, NODE, 0700}, {NODE, NODE, 0600}, true},
    {CORE_STORE_DIR "/ledger", {NODE, NODE, 0700}, {NODE, NODE, 0600}, true},
    {CORE_STORE_DIR "/index", {NODE, NODE, 0700}, {NODE, NODE, 0600}, true},
    {ACCESS_DIR, {NODE, NODE, 0700}, {NODE, NODE, 0600}, false},
    {INIT_CARDS_DIR, {NODE, NODE, 0700}, {NODE, NODE, 0600}, true},
    /* core writes, edge reads; what core makes there takes the directory's group. */
    {FEED_SECRET_DIR, {NODE, EDGE, 02750}, {NODE, EDGE, 0640}, false},
    {KEYS_EDGE, {EDGE, EDGE, 0700}, {EDGE, EDGE, 0600}, false},
    {KEYS_KEEPER, {KEEPER, KEEPER, 0700}, {KEEPER, KEEPER, 0600}, false},
    {KEEPER_DIR, {KEEPER, KEEPER, 0700}, {KEEPER, KEEPER, 0600}, false},
    /* edge passes through to its key. */
    {KEYS_DIR, {KEEPER, KEEPER, 0711}, {KEEPER, KEEPER, 0600}, false},
};

/* Files of other accounts than their directory says; in the first column as they are looked at. */
static const struct special {
    const char *name;
    struct right right;
    bool may_lack;
} specials[] = {
    /* What says how the node runs is not core's to rewrite. */
    {CONF_FILE, {ROOT, NODE, 0640}, false},
    {KEYS_ROOT, {ROOT, ROOT, 0600}, true},
    {INIT_CARD_FILE, {NODE, NODE, 0600}, true},
    {INIT_CARD_NEXT_FILE, {NODE, NODE, 0600}, true},
    {KEYS_DIR "/tls", {EDGE, EDGE, 0600}, true},
    {KEYS_DIR "/ledger", {KEEPER, KEEPER, 0600}, true},
    {KEYS_DIR "/cosign", {KEEPER, KEEPER, 0600}, true},
    {KEYS_DIR "/disposition", {KEEPER, KEEPER, 0600}, true},
    {KEYS_DIR "/recall", {KEEPER, KEEPER, 0600}, true},
    {KEYS_DIR "/sealing", {KEEPER, KEEPER, 0600}, true},
};

enum { PLACES = sizeof places / sizeof places[0], SPECIALS = sizeof specials / sizeof specials[0] };

err_t accounts_read(struct accounts *out, struct fault *fault)
{
    struct accounts found = {.of = {{OS_ACCOUNT_ROOT, OS_ACCOUNT_ROOT}}};
    err_t err;
    for (size_t i = NODE; i < ACCOUNTS_COUNT; i++) {
        if (TRY(err, os_account_read(names[i], &found.of[i])))
            return fault_set(fault, err, 0, "there is no account %s on this machine", names[i]);
        for (size_t j = 0; j < i; j++)
            if (found.of[i].user == found.of[j].user || found.of[i].group == found.of[j].group)
                return fault_set(fault, ERR_CONFLICT, 0, "%s and %s are one account, or of one group",
                                 names[j], names[i]);
    }
    *out = found;
    return ERR_OK;
}

static struct os_account_file wanted(const struct accounts *accounts, const struct right *right, bool dir)
{
    return (struct os_account_file) {
        {accounts->of[right->user].user, accounts->of[right->group].group}, right->mode, dir};
}

/* --- looking --- */

/* Nobody but the account has more than the table says. */
static err_t check_one(const struct accounts *accounts, const char *dir, const char *name,
                       const struct right *right, bool is_dir, struct fault *fault)
{
    struct os_account_file want = wanted(accounts, right, is_dir), now;
    err_t err = os_account_look(dir, name, &now);
    if (err != ERR_OK)
        return fault_set(fault, err, 0, "%s: %s", name, err_text(err));
    if (now.dir != is_dir || now.of.user != want.of.user)
        return fault_set(fault, ERR_CONFLICT, 0, "%s does not belong to %s", name, names[right->user]);
    if ((now.mode & ~want.mode & 0077) != 0 || ((want.mode & 0070) != 0 && now.of.group != want.of.group))
        return fault_set(fault, ERR_CONFLICT, 0, "%s can be opened by others than %s", name,
                         names[right->user]);
    return ERR_OK;
}

err_t accounts_check(const struct accounts *accounts, const char *dir, struct fault *fault)
{
    static const struct right top = {ROOT, NODE, TOP_MODE};
    struct os_account_file now;
    err_t err;
    if (TRY(err, check_one(accounts, dir, "", &top, true, fault)))
        return err;
    if (os_account_look(dir, "", &now) != ERR_OK || (now.mode & 01000) == 0)
        return fault_set(fault, ERR_CONFLICT, 0, "the directory is not sticky (mode %o)", TOP_MODE);
    for (size_t i = 0; i < PLACES; i++)
        if (TRY(err, check_one(accounts, dir, places[i].dir, &places[i].itself, true, fault)) &&
            !(err == ERR_NOTFOUND && places[i].may_lack))
            return err;
    for (size_t i = 0; i < SPECIALS; i++)
        if (TRY(err, check_one(accounts, dir, specials[i].name, &specials[i].right, false, fault)) &&
            !(err == ERR_NOTFOUND && specials[i].may_lack))
            return err;
    return ERR_OK;
}

bool accounts_divided(const struct accounts *accounts, const char *dir)
{
    struct os_account_file now;
    return os_account_look(dir, KEYS_DIR, &now) == ERR_OK && now.dir &&
           now.of.user == accounts->of[KEEPER].user;
}

/* --- giving --- */

struct giving {
    const struct os *os;
    const struct accounts *accounts;
    const char *dir;
    const struct place *place;
    int64_t from[ACCOUNTS_COUNT]; /* whose files may be given away */
    size_t from_count;
    int64_t own[2]; /* ...and whose those that the node has by the table: nobody gains by them */
    bool join;
    struct fault *fault;
};

static err_t give(const struct giving *g, const char *name, const struct right *right, bool dir)
{
    static const struct right joined[] = {{NODE, NODE, JOINED_FILE_MODE}, {NODE, NODE, JOINED_DIR_MODE}};
    struct os_account_file want = wanted(g->accounts, g->join ? &joined[dir] : right, dir);
    bool own = !g->join && right->user == NODE;
    err_t err = os_account_give(g->dir, name, &want, own ? g->own : g->from, own ? 2 : g->from_count);
    if (err == ERR_DENIED)
        return fault_set(
            g->fault, err, 0,
            "%s is a link, has two names, or belongs to an account that should not have made it: "
            "look at it, then give it to %s",
            name, names[g->join ? NODE : right->user]);
    return err == ERR_OK ? err : fault_set(g->fault, err, 0, "%s: %s", name, err_text(err));
}

static const struct right *right_of(const struct place *place, const char *name)
{
    for (size_t i = 0; i < SPECIALS; i++)
        if (strcmp(specials[i].name, name) == 0)
            return &specials[i].right;
    return &place->files;
}

static err_t give_file(void *ctx, const char *name)
{
    const struct giving *g = ctx;
    char path[FILE_PATH_SIZE];
    err_t err = file_path(g->place->dir, name, path);
    return err != ERR_OK ? err : give(g, path, right_of(g->place, path), false);
}

static err_t give_place(struct giving *g, const struct place *place)
{
    char path[FILE_PATH_SIZE];
    err_t err = file_path(g->dir, place->dir, path);
    g->place = place;
    if (err != ERR_OK)
        return err;
    err = g->os->dir_list(g->os->ctx, path, give_file, g);
    if (err == ERR_NOTFOUND && place->may_lack)
        return ERR_OK;
    return err != ERR_OK ? err : give(g, place->dir, &place->itself, true);
}

static err_t give_all(struct giving *g)
{
    err_t err;
    for (size_t i = 0; i < SPECIALS; i++)
        if (strchr(specials[i].name, '/') == NULL &&
            TRY(err, give(g, specials[i].name, &specials[i].right, false)) && err != ERR_NOTFOUND)
            return err;
    for (size_t i = 0; i < PLACES; i++)
        if (TRY(err, give_place(g, &places[i])))
            return err;
    return ERR_OK;
}

static err_t give_top(const struct giving *g)
{
    const struct accounts *a = g->accounts;
    struct os_account_file top = {
        {a->of[g->join ? NODE : ROOT].user, a->of[NODE].group}, g->join ? JOINED_TOP_MODE : TOP_MODE, true};
    err_t err = os_account_give(g->dir, "", &top, g->own, 2);
    return err == ERR_OK ? err : fault_set(g->fault, err, 0, "%.150s: %s", g->dir, err_text(err));
}

/* Nothing is given away by a mistyped name. */
static err_t is_node(const struct giving *g)
{
    struct os_account_file found;
    err_t err = os_account_look(g->dir, CONF_FILE, &found);
    return err == ERR_OK ? err : fault_set(g->fault, err, 0, "there is no node in %.150s", g->dir);
}

static err_t prepare(const struct giving *g)
{
    err_t err = confine_prepare(g->os, g->dir);
    return err == ERR_OK
               ? err
               : fault_set(g->fault, err, 0, "directories of the node could not be made: %s", err_text(err));
}

static struct giving giving(const struct os *os, const struct accounts *accounts, const char *dir,
                            struct fault *fault)
{
    return (struct giving) {.os = os,
                            .accounts = accounts,
                            .dir = dir,
                            .own = {OS_ACCOUNT_ROOT, accounts->of[NODE].user},
                            .fault = fault};
}

err_t accounts_divide(const struct os *os, const struct accounts *accounts, const char *dir,
                      struct fault *fault)
{
    struct giving g = giving(os, accounts, dir, fault);
    err_t err;
    g.from[g.from_count++] = OS_ACCOUNT_ROOT;
    /* The first time all is the node's. Later what is the node's among the keys is nobody's word. */
    if (!accounts_divided(accounts, dir))
        for (size_t i = NODE; i < ACCOUNTS_COUNT; i++)
            g.from[g.from_count++] = accounts->of[i].user;
    if (TRY(err, is_node(&g)) || TRY(err, give_top(&g)) || TRY(err, prepare(&g)))
        return err;
    return give_all(&g);
}

err_t accounts_join(const struct os *os, const struct accounts *accounts, const char *dir,
                    struct fault *fault)
{
    struct giving g = giving(os, accounts, dir, fault);
    err_t err;
    g.join = true;
    for (size_t i = 0; i < ACCOUNTS_COUNT; i++)
        g.from[g.from_count++] = accounts->of[i].user;
    if (TRY(err, is_node(&g)) || TRY(err, prepare(&g)) || TRY(err, give_all(&g)))
        return err;
    return give_top(&g);
}

err_t accounts_keep(const struct os *os, const char *dir, struct fault *fault)
{
    struct accounts accounts;
    if (os_account_own() != OS_ACCOUNT_ROOT || accounts_read(&accounts, NULL) != ERR_OK ||
        !accounts_divided(&accounts, dir))
        return ERR_OK;
    return accounts_divide(os, &accounts, dir, fault);
}
