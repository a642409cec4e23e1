#include "app/confine.h"

#include "app/access.h"
#include "app/core_role.h"
#include "app/feed_secret.h"
#include "app/file.h"
#include "app/init.h"
#include "app/keeper.h"
#include "app/keys.h"
#include "os/sandbox.h"

enum {
    EDGE = 1 << CONFINE_EDGE,
    CORE = 1 << CONFINE_CORE | 1 << CONFINE_STORE,
    KEEPER = 1 << CONFINE_KEEPER,
    STORE = 1 << CONFINE_STORE,
    READ = OS_SANDBOX_READ,
    WRITE = OS_SANDBOX_WRITE,
};

enum standing_at {
    ITSELF,
    ABOVE, /* the directory that it stands in */
};

/* Whoever is in no row opens nothing: guard. */
static const struct place {
    int roles;
    const char *path; /* from the node's directory, or absolute; NULL: */
    size_t conf_at;   /* char[LIMIT_PATH_BYTES] of the configuration, by its offset there; empty: none */
    unsigned rights;
    enum standing_at at;
} places[] = {
    /* What the C library reads for names of accounts, hosts and time zones. /etc whole: resolv.conf, hosts
     * and passwd are replaced by new files while we run, which a rule for the old one does not reach. Nothing
     * of a node stands there but, perhaps, its certificate. */
    {EDGE | CORE, "/etc", 0, READ, ITSELF},
    {EDGE | CORE, "/lib", 0, READ, ITSELF},
    {EDGE | CORE, "/lib64", 0, READ, ITSELF},
    {EDGE | CORE, "/usr/lib", 0, READ, ITSELF},
    {EDGE | CORE, "/usr/lib64", 0, READ, ITSELF},
    {EDGE | CORE, "/usr/share/zoneinfo", 0, READ, ITSELF},
    {EDGE | CORE, "/dev/urandom", 0, READ, ITSELF},
    /* /etc/resolv.conf leads there. */
    {EDGE, "/run/systemd/resolve", 0, READ, ITSELF},
    {EDGE, "/run/NetworkManager", 0, READ, ITSELF},
    {EDGE, "/run/resolvconf", 0, READ, ITSELF},
    /* And /etc/ssl/certs there. */
    {EDGE, "/usr/share/ca-certificates", 0, READ, ITSELF},
    {EDGE, "/usr/local/share/ca-certificates", 0, READ, ITSELF},
    {EDGE, KEYS_DIR "/tls", 0, READ, ITSELF},
    {EDGE, KEYS_EDGE, 0, READ, ITSELF},
    {EDGE, FEED_SECRET_DIR, 0, READ, ITSELF},
    {EDGE, NULL, offsetof(struct conf, certificate), READ, ITSELF},
    {EDGE, NULL, offsetof(struct conf, certificate_key), READ, ITSELF},
    {CORE, "/var/lib/sss/mc", 0, READ, ITSELF},    /* accounts, where sssd knows them */
    {CORE, "/proc/self/uid_map", 0, READ, ITSELF}, /* do their numbers mean what they say? */
    {CORE, ".", 0, OS_SANDBOX_LIST, ITSELF},       /* the store makes its own name durable */
    {CORE, INIT_CARD_FILE, 0, READ, ITSELF},
    {CORE, INIT_CARD_NEXT_FILE, 0, READ, ITSELF},
    {CORE, CORE_STORE_DIR, 0, WRITE, ITSELF},
    {CORE, ACCESS_DIR, 0, WRITE, ITSELF},
    {CORE, FEED_SECRET_DIR, 0, WRITE, ITSELF},
    {KEEPER, KEYS_DIR "/ledger", 0, READ, ITSELF},
    {KEEPER, KEYS_DIR "/cosign", 0, READ, ITSELF},
    {KEEPER, KEYS_DIR "/disposition", 0, READ, ITSELF},
    {KEEPER, KEYS_DIR "/recall", 0, READ, ITSELF},
    {KEEPER, KEYS_DIR "/sealing", 0, READ, ITSELF},
    {KEEPER, KEYS_KEEPER, 0, READ, ITSELF},
    {KEEPER, KEEPER_DIR, 0, WRITE, ITSELF},
    /* The control socket is its own. */
    {STORE, NULL, offsetof(struct conf, control), OS_SANDBOX_NAMES, ABOVE},
};

enum { PLACES = sizeof places / sizeof places[0] };

/* An anchor that stands nowhere is not lost here: keeper says so. */
static err_t move_anchor(const struct os *os, const char *dir)
{
    char from[FILE_PATH_SIZE], to[FILE_PATH_SIZE], below[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, file_path(dir, KEEPER_ANCHOR_OLD, from)) || TRY(err, file_path(dir, KEEPER_DIR, below)) ||
        TRY(err, file_path(dir, KEEPER_ANCHOR_FILE, to)))
        return err;
    if (!file_exists(os, from) || file_exists(os, to))
        return ERR_OK;
    if (TRY(err, os->path_rename(os->ctx, from, to)) || TRY(err, os->dir_sync(os->ctx, below)))
        return err;
    return os->dir_sync(os->ctx, dir);
}

err_t confine_prepare(const struct os *os, const char *dir)
{
    static const char *const dirs[] = {CORE_STORE_DIR, ACCESS_DIR, KEYS_EDGE, KEYS_KEEPER, KEEPER_DIR};
    char path[FILE_PATH_SIZE];
    err_t err;
    for (size_t i = 0; i < sizeof dirs / sizeof dirs[0]; i++)
        if (TRY(err, file_path(dir, dirs[i], path)) || TRY(err, os->dir_make(os->ctx, path)))
            return err;
    return TRY(err, move_anchor(os, dir)) ? err : feed_secret_settle(os, dir);
}

static void go_up(char path[FILE_PATH_SIZE])
{
    char *cut = strrchr(path, '/');
    if (cut == NULL)
        memcpy(path, ".", 2);
    else
        cut[cut == path] = '\0';
}

/* false: there is none. */
static bool path_of(const struct conf *conf, const struct place *place, char out[FILE_PATH_SIZE])
{
    const char *of_conf = (const char *)conf + place->conf_at; /* from where we stand */
    if (place->path == NULL)
        memcpy(out, of_conf, FILE_PATH_SIZE);
    else if (file_path(conf->dir, place->path, out) != ERR_OK)
        return false;
    if (out[0] == '\0')
        return false;
    if (place->at == ABOVE)
        go_up(out);
    return true;
}

/* Whoever writes the key file writes its copies. */
static size_t add_copies(const struct conf *conf, enum confine_role role, struct os_sandbox_path *out)
{
    size_t count = (CORE & 1 << role) != 0 ? conf->key_copy_count : 0;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct os_sandbox_path) {conf->key_copies[i], OS_SANDBOX_WRITE};
    return count;
}

err_t confine_files(const struct os *os, const struct conf *conf, enum confine_role role, bool *out_bounded)
{
    char text[PLACES][FILE_PATH_SIZE];
    struct os_sandbox_path paths[PLACES + LIMIT_KEY_COPIES];
    size_t count = 0;
    err_t err = (CORE & 1 << role) != 0 ? confine_prepare(os, conf->dir) : ERR_OK;
    for (size_t i = 0; i < PLACES; i++) {
        if ((places[i].roles & 1 << role) == 0 || !path_of(conf, &places[i], text[count]))
            continue;
        paths[count] = (struct os_sandbox_path) {text[count], places[i].rights};
        count++;
    }
    count += add_copies(conf, role, paths + count);
    if (err == ERR_OK)
        err = os_sandbox_files(paths, count);
    *out_bounded = err == ERR_OK;
    return err == ERR_UNSUPPORTED ? ERR_OK : err;
}
