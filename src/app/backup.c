#include "app/backup.h"

#include <stdio.h>

#include "app/conf.h"
#include "app/core_role.h"
#include "app/feed_secret.h"
#include "app/file.h"
#include "app/init.h"
#include "app/keys.h"
#include "core/mem.h"
#include "store/index_mem.h"
#include "store/store.h"

#define LOG_DIR     CORE_STORE_DIR "/log"
#define SECRETS_DIR CORE_STORE_DIR "/keys"

enum {
    CHUNK_BYTES = 1 << 20,
    SUMS_BYTES_MAX = 16 << 20, /* a line for each 64 MiB of log */
    SEGMENT_HEAD_BYTES = 4096, /* docs/protocol/LOG.md */
    SEGMENT_NAME_LEN = 16 + 4, /* digits, ".seg" */
    HEX_LEN = 2 * HASH_SIZE,
    TRIES = 5,
};

static bool is_conf(const char *name)
{
    return strcmp(name, CONF_FILE) == 0 || strcmp(name, INIT_CARD_FILE) == 0 ||
           strcmp(name, INIT_CARD_NEXT_FILE) == 0;
}

static bool is_key(const char *name)
{
    return strcmp(name, KEYS_ROOT) != 0 && name[0] != '.' && name[0] != '\0' && strchr(name, '/') == NULL &&
           strlen(name) <= LIMIT_NAME_BYTES;
}

static bool is_segment(const char *name)
{
    return strlen(name) == SEGMENT_NAME_LEN && strspn(name, "0123456789abcdef") == 16 &&
           strcmp(name + 16, ".seg") == 0;
}

static bool is_secrets(const char *name)
{
    return strcmp(name, "secrets.key") == 0;
}

/* What is copied, and what of it can be kept apart. */
enum {
    PART_SECRETS,
    PART_KEYS,
    PART_KEYS_EDGE,
    PART_KEYS_KEEPER,
    PART_FEEDS,
    PART_CONF,
    PART_CARDS,
    PART_LOG,
    PARTS
};
static const struct part {
    const char *dir; /* below the node's; "": itself */
    bool secret;
    bool (*takes)(const char *name);
    bool may_lack; /* not every node has the directory */
} parts[] = {
    [PART_SECRETS] = {SECRETS_DIR, true, is_secrets, false},
    [PART_KEYS] = {KEYS_DIR, true, is_key, false},
    [PART_FEEDS] = {FEED_SECRET_DIR, true, is_key, true},
    [PART_CONF] = {"", false, is_conf, false},
    [PART_KEYS_EDGE] = {KEYS_EDGE, true, is_key, true},
    [PART_KEYS_KEEPER] = {KEYS_KEEPER, true, is_key, true},
    [PART_CARDS] = {INIT_CARDS_DIR, false, is_key, true},
    [PART_LOG] = {LOG_DIR, false, is_segment, false},
};

/* The part that this path of a list belongs to, and its name there; NULL: to none. */
static const struct part *part_of(struct str path, char name[FILE_PATH_SIZE])
{
    size_t cut = path.len;
    while (cut > 0 && path.at[cut - 1] != '/')
        cut--;
    struct str dir = {path.at, cut == 0 ? 0 : cut - 1}, file = {path.at + cut, path.len - cut};
    if (file.len >= FILE_PATH_SIZE || memchr(path.at, '\0', path.len) != NULL)
        return NULL;
    memcpy(name, file.at, file.len);
    name[file.len] = '\0';
    for (size_t i = 0; i < PARTS; i++)
        if (str_eq(dir, str_of(parts[i].dir)) && parts[i].takes(name))
            return &parts[i];
    return NULL;
}

/* --- sums --- */

/* One SHA256SUMS: that of before, and the one that is being written. */
struct sums {
    const char *folder;
    struct buf before, now;
};

static bool sums_line(struct str *rest, struct str *out_hex, struct str *out_path)
{
    struct str line = str_cut(rest, '\n');
    if (line.len <= HEX_LEN + 2 || memcmp(line.at + HEX_LEN, "  ", 2) != 0)
        return false;
    *out_hex = (struct str) {line.at, HEX_LEN};
    *out_path = (struct str) {line.at + HEX_LEN + 2, line.len - HEX_LEN - 2};
    return true;
}

static bool sums_find(struct str sums, struct str path, struct str *out_hex)
{
    struct str found;
    while (sums.len > 0 && sums_line(&sums, out_hex, &found))
        if (str_eq(found, path))
            return true;
    return false;
}

static void sums_add(struct sums *sums, struct str hex, const char *path)
{
    buf_printf(&sums->now, "%.*s  %s\n", STR_ARG(hex), path);
}

static void hex_of(const struct hash *hash, char out[HEX_LEN + 1])
{
    for (size_t i = 0; i < HASH_SIZE; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash->b[i]);
}

/* --- one file --- */

struct copying {
    const struct backup *backup;
    struct backup_told *told;
    struct fault *fault;
    uint8_t *chunk;
    struct hash_state *hash;
};

struct copy {
    const char *from, *to; /* whole paths */
    uint64_t until;        /* zeros from here on */
    char hex[HEX_LEN + 1]; /* of what was written */
};

static err_t copy_bytes(struct copying *c, struct os_file *from, struct os_file *to, uint64_t size,
                        uint64_t until)
{
    const struct os *os = c->backup->os;
    err_t err = ERR_OK;
    for (uint64_t at = 0; at < size && err == ERR_OK; at += CHUNK_BYTES) {
        size_t len = size - at < CHUNK_BYTES ? (size_t)(size - at) : CHUNK_BYTES;
        size_t kept = at >= until ? 0 : until - at < len ? (size_t)(until - at) : len;
        memset(c->chunk + kept, 0, len - kept);
        if (kept > 0 && TRY(err, os->file_read(os->ctx, from, at, c->chunk, kept)))
            break;
        hash_state_add(c->hash, bytes_of(c->chunk, len));
        err = os->file_write(os->ctx, to, at, c->chunk, len);
    }
    mem_wipe(c->chunk, CHUNK_BYTES);
    return err == ERR_OK ? os->file_sync(os->ctx, to) : err;
}

/* Under another name first: what stands there is whole, old or new. */
static err_t copy_file(struct copying *c, struct copy *copy)
{
    const struct os *os = c->backup->os;
    struct os_file *from = NULL, *to = NULL;
    char beside[FILE_PATH_SIZE];
    uint64_t size;
    err_t err;
    int len = snprintf(beside, sizeof beside, "%s.new", copy->to);
    if (len < 0 || (size_t)len >= sizeof beside)
        return fault_set(c->fault, ERR_LIMIT, 0, "%s: the path is too long", copy->to);
    if (TRY(err, os->file_open(os->ctx, copy->from, OS_READ, &from)) ||
        TRY(err, os->file_size(os->ctx, from, &size)) ||
        TRY(err, os->file_open(os->ctx, beside, OS_WRITE | OS_CREATE, &to)) ||
        TRY(err, os->file_truncate(os->ctx, to, 0)) || TRY(err, copy_bytes(c, from, to, size, copy->until)) ||
        TRY(err, os->path_rename(os->ctx, beside, copy->to)))
        (void)fault_set(c->fault, err, 0, "%s could not be copied to %s: %s", copy->from, copy->to,
                        err_text(err));
    struct hash hash = hash_state_take(c->hash);
    hex_of(&hash, copy->hex);
    os->file_close(os->ctx, from);
    os->file_close(os->ctx, to);
    c->told->files += err == ERR_OK;
    c->told->bytes += err == ERR_OK ? size : 0;
    return err;
}

static err_t below(const char *dir, const char *part, const char *name, char out[FILE_PATH_SIZE])
{
    int len = snprintf(out, FILE_PATH_SIZE, "%s%s%s%s%s", dir, dir[0] == '\0' ? "" : "/", part,
                       part[0] == '\0' || name[0] == '\0' ? "" : "/", name);
    return len < 0 || len >= FILE_PATH_SIZE ? ERR_LIMIT : ERR_OK;
}

/* Folders of a part, and that their names last. */
static err_t part_dirs(const struct os *os, const char *top, const struct part *part)
{
    char path[FILE_PATH_SIZE];
    err_t err = os->dir_make(os->ctx, top);
    if (err == ERR_OK && strchr(part->dir, '/') != NULL && !TRY(err, below(top, CORE_STORE_DIR, "", path)))
        err = os->dir_make(os->ctx, path);
    if (err == ERR_OK && part->dir[0] != '\0' && !TRY(err, below(top, part->dir, "", path)))
        err = os->dir_make(os->ctx, path);
    return err == ERR_OK ? os->dir_sync(os->ctx, top) : err;
}

/* --- the moment --- */

struct moment {
    uint64_t lsn;   /* end of the log */
    bool destroyed; /* something was, at or behind the position asked about */
};

/* What a running node writes meanwhile looks torn now and then: asked again. */
static err_t look_once(const struct backup *backup, uint64_t since, struct moment *out)
{
    char dir[FILE_PATH_SIZE];
    struct index *index;
    struct store *store = NULL;
    struct frame frame;
    err_t err;
    if (TRY(err, below(backup->node, CORE_STORE_DIR, "", dir)) || TRY(err, index_mem_new(&index)))
        return err;
    struct store_options options = {.os = backup->os,
                                    .dir = dir,
                                    .index = index,
                                    .node = node_id_of(str_of(backup->name)),
                                    .read_only = true};
    if (!TRY(err, store_open(&options, &store)) && store_alarm(store) != NULL)
        err = ERR_BUSY;
    if (err == ERR_OK) {
        *out = (struct moment) {.lsn = store_durable_lsn(store)};
        struct store_iter iter = store_iter(store, since == 0 ? out->lsn : since, out->lsn);
        while (!out->destroyed && (err = store_iter_next(&iter, &frame)) == ERR_OK)
            out->destroyed = frame.kind == FRAME_RECALL;
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    store_close(store);
    index->ops->close(index);
    return err;
}

static err_t look(struct copying *c, uint64_t since, struct moment *out)
{
    err_t err = ERR_BUSY;
    for (int i = 0; i < TRIES && err == ERR_BUSY; i++)
        err = look_once(c->backup, since, out);
    return err == ERR_BUSY
               ? fault_set(c->fault, ERR_CORRUPT, 0, "the log of the node is damaged: bongsu check")
           : err != ERR_OK
               ? fault_set(c->fault, err, 0, "the log of the node cannot be read: %s", err_text(err))
               : ERR_OK;
}

/* --- making one --- */

struct making {
    struct copying c;
    struct sums sums[2]; /* of the folder, of that of the secrets */
    struct sums *to;
    const struct part *part;
    uint64_t lsn;  /* end of what is copied of the log */
    uint64_t last; /* first position of its last segment */
};

static uint64_t segment_first(const char *name)
{
    uint64_t first = 0;
    for (size_t i = 0; i < 16; i++)
        first = first << 4 | (uint64_t)(name[i] <= '9' ? name[i] - '0' : name[i] - 'a' + 10);
    return first;
}

static err_t find_last(void *ctx, const char *name)
{
    struct making *m = ctx;
    uint64_t first = is_segment(name) ? segment_first(name) : 0;
    if (first < m->lsn && first > m->last)
        m->last = first;
    return ERR_OK;
}

/* A segment that is full never changes: a backup that has it has it. */
static bool stands(struct making *m, const char *path, const char *to, const char *name)
{
    struct str hex;
    if (m->part != &parts[PART_LOG] || segment_first(name) == m->last || !file_exists(m->c.backup->os, to) ||
        !sums_find(buf_str(&m->to->before), str_of(path), &hex))
        return false;
    sums_add(m->to, hex, path);
    m->c.told->kept++;
    return true;
}

static err_t take(void *ctx, const char *name)
{
    struct making *m = ctx;
    char path[FILE_PATH_SIZE], from[FILE_PATH_SIZE], to[FILE_PATH_SIZE];
    struct copy copy = {.from = from, .to = to, .until = UINT64_MAX};
    err_t err;
    if (!m->part->takes(name))
        return ERR_OK;
    if (m->part == &parts[PART_LOG]) {
        uint64_t first = segment_first(name);
        if (first >= m->lsn)
            return ERR_OK;
        if (first == m->last)
            copy.until = SEGMENT_HEAD_BYTES + (m->lsn - first);
    }
    if (TRY(err, below("", m->part->dir, name, path)) || TRY(err, below(m->c.backup->node, path, "", from)) ||
        TRY(err, below(m->to->folder, path, "", to)))
        return fault_set(m->c.fault, err, 0, "%s: the path is too long", name);
    if (stands(m, path, to, name))
        return ERR_OK;
    if (TRY(err, copy_file(&m->c, &copy)))
        return err;
    sums_add(m->to, str_of(copy.hex), path);
    return ERR_OK;
}

static err_t take_part(struct making *m, int which)
{
    const struct os *os = m->c.backup->os;
    char from[FILE_PATH_SIZE], to[FILE_PATH_SIZE];
    err_t err;
    m->part = &parts[which];
    m->to = &m->sums[m->part->secret];
    if (TRY(err, below(m->c.backup->node, m->part->dir, "", from)) ||
        TRY(err, below(m->to->folder, m->part->dir, "", to)) ||
        TRY(err, part_dirs(os, m->to->folder, m->part)))
        return fault_set(m->c.fault, err, 0, "%s cannot be made: %s", m->to->folder, err_text(err));
    if (TRY(err, os->dir_list(os->ctx, from, take, m)) &&
        !(m->part->may_lack && err == ERR_NOTFOUND && m->c.fault->code == ERR_OK))
        return m->c.fault->code == ERR_OK ? fault_set(m->c.fault, err, 0, "%s: %s", from, err_text(err))
                                          : err;
    return os->dir_sync(os->ctx, to);
}

/* Secrets first, up to a moment; then the log up to the same. What was destroyed in between is gone from the
 * secrets, and the log that is copied would not say so: then all over. */
static err_t take_moment(struct making *m)
{
    struct moment before, after = {.destroyed = true};
    err_t err = ERR_OK;
    for (int i = 0; i < TRIES && after.destroyed; i++) {
        size_t sums = m->sums[1].now.len;
        if (TRY(err, look(&m->c, 0, &before)) || TRY(err, take_part(m, PART_SECRETS)) ||
            TRY(err, look(&m->c, before.lsn, &after)))
            return err;
        if (after.destroyed)
            m->sums[1].now.len = sums;
    }
    if (after.destroyed)
        return fault_set(m->c.fault, ERR_BUSY, 0, "the node destroys contents while it is copied");
    m->lsn = m->c.told->lsn = before.lsn;
    return ERR_OK;
}

static err_t take_log(struct making *m)
{
    const struct os *os = m->c.backup->os;
    char dir[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, below(m->c.backup->node, LOG_DIR, "", dir)) ||
        TRY(err, os->dir_list(os->ctx, dir, find_last, m)))
        return err;
    return take_part(m, PART_LOG);
}

static err_t nothing_there(void *ctx, const char *name)
{
    (void)ctx;
    return name[0] == '.' ? ERR_OK : ERR_EXISTS;
}

/* Does this list name something of a part that is, or is not, secret? */
static bool sums_have(struct str sums, bool secret)
{
    struct str hex, path;
    char name[FILE_PATH_SIZE];
    while (sums.len > 0 && sums_line(&sums, &hex, &path)) {
        const struct part *part = part_of(path, name);
        if (part != NULL && part->secret == secret)
            return true;
    }
    return false;
}

/* Whose card lies there? Not the node's: another's backup. */
static bool is_anothers(const struct backup *backup, const char *folder)
{
    struct sync_card mine, theirs;
    struct buf text;
    bool other = false;
    buf_init(&text, LIMIT_CARD_BYTES);
    bool has = init_card_read(backup->os, folder, &theirs, &text, NULL) == ERR_OK;
    buf_clear(&text);
    if (has)
        other = init_card_read(backup->os, backup->node, &mine, &text, NULL) != ERR_OK ||
                strcmp(mine.node, theirs.node) != 0 ||
                !sign_public_eq(&mine.key[SYNC_CARD_ROOT], &theirs.key[SYNC_CARD_ROOT]);
    buf_deinit(&text);
    return other;
}

/* One backup is made in one way for as long as it lives: what is secret does not stay behind where it does
 * not belong. */
static err_t same_kind(struct making *m, int which)
{
    const struct sums *sums = &m->sums[which];
    struct str before = buf_str(&sums->before);
    bool apart = m->c.backup->secrets != NULL;
    if (before.len == 0)
        return ERR_OK;
    if (is_anothers(m->c.backup, sums->folder))
        return fault_set(m->c.fault, ERR_EXISTS, 0, "%s is a backup of another node", sums->folder);
    bool fits = apart ? !sums_have(before, which == 0) : sums_have(before, true) && sums_have(before, false);
    return fits ? ERR_OK
                : fault_set(m->c.fault, ERR_EXISTS, 0, "%s was made %s --secrets: take another folder",
                            sums->folder, apart ? "without" : "with");
}

/* Is `path` this folder, or below it? By their names. */
static bool is_within(const char *path, const char *folder)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    return strncmp(path, folder, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static err_t apart_enough(const struct backup *backup, struct fault *fault)
{
    const char *folder = backup->folder, *secrets = backup->secrets;
    if (is_within(folder, backup->node) || (secrets != NULL && is_within(secrets, backup->node)))
        return fault_set(fault, ERR_USAGE, 0, "a backup does not lie in the node's own directory");
    if (secrets != NULL && (is_within(secrets, folder) || is_within(folder, secrets)))
        return fault_set(fault, ERR_USAGE, 0,
                         "the folder of the secrets lies within the other: they are not apart");
    return ERR_OK;
}

/* A folder is made, or holds a backup of before: another's files are not written over. */
static err_t sums_begin(struct making *m, int which, const char *folder)
{
    const struct os *os = m->c.backup->os;
    struct sums *sums = &m->sums[which];
    char path[FILE_PATH_SIZE];
    err_t err;
    sums->folder = folder;
    if (TRY(err, os->dir_make(os->ctx, folder)) || TRY(err, file_path(folder, BACKUP_SUMS, path)))
        return fault_set(m->c.fault, err, 0, "%s cannot be made: %s", folder, err_text(err));
    err = file_read_all(os, path, &sums->before);
    if (err == ERR_NOTFOUND && os->dir_list(os->ctx, folder, nothing_there, NULL) != ERR_OK)
        return fault_set(m->c.fault, ERR_EXISTS, 0, "%s holds something, and no backup", folder);
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return fault_set(m->c.fault, err, 0, "%s: %s", path, err_text(err));
    return same_kind(m, which);
}

static err_t sums_end(struct making *m, int which)
{
    struct sums *sums = &m->sums[which];
    err_t err = buf_err(&sums->now);
    if (err == ERR_OK)
        err = file_replace(m->c.backup->os, sums->folder, BACKUP_SUMS, buf_bytes(&sums->now));
    return err == ERR_OK ? ERR_OK
                         : fault_set(m->c.fault, err, 0, "%s/" BACKUP_SUMS " could not be written: %s",
                                     sums->folder, err_text(err));
}

static err_t copying_begin(struct copying *c)
{
    c->chunk = mem_alloc(CHUNK_BYTES);
    c->hash = hash_state_new();
    *c->told = (struct backup_told) {0};
    c->fault->code = ERR_OK;
    return c->chunk == NULL || c->hash == NULL ? fault_set(c->fault, ERR_NOMEM, 0, "out of memory") : ERR_OK;
}

static void copying_end(struct copying *c)
{
    mem_free(c->chunk);
    hash_state_free(c->hash);
}

err_t backup_make(const struct backup *backup, struct backup_told *out, struct fault *fault)
{
    struct making m = {.c = {.backup = backup, .told = out, .fault = fault}};
    bool apart = backup->secrets != NULL;
    err_t err;
    for (size_t i = 0; i < 2; i++) {
        buf_init(&m.sums[i].before, SUMS_BYTES_MAX);
        buf_init(&m.sums[i].now, SUMS_BYTES_MAX);
    }
    if (!TRY(err, copying_begin(&m.c)) && !TRY(err, apart_enough(backup, fault)) &&
        !TRY(err, sums_begin(&m, 0, backup->folder)) &&
        !TRY(err, sums_begin(&m, 1, apart ? backup->secrets : backup->folder)) &&
        !TRY(err, take_moment(&m)) && !TRY(err, take_part(&m, PART_KEYS)) &&
        !TRY(err, take_part(&m, PART_KEYS_EDGE)) && !TRY(err, take_part(&m, PART_KEYS_KEEPER)) &&
        !TRY(err, take_part(&m, PART_FEEDS)) && !TRY(err, take_part(&m, PART_CONF)) &&
        !TRY(err, take_part(&m, PART_CARDS)) && !TRY(err, take_log(&m))) {
        if (!apart) /* one list */
            buf_put_str(&m.sums[0].now, buf_str(&m.sums[1].now));
        err = sums_end(&m, 0);
        if (err == ERR_OK && apart)
            err = sums_end(&m, 1);
    }
    for (size_t i = 0; i < 2; i++) {
        buf_deinit(&m.sums[i].before);
        buf_deinit(&m.sums[i].now);
    }
    copying_end(&m.c);
    return err;
}

/* --- going back --- */

static err_t give_back(struct copying *c, const char *folder, struct str path, struct str hex)
{
    char name[FILE_PATH_SIZE], whole[FILE_PATH_SIZE], from[FILE_PATH_SIZE], to[FILE_PATH_SIZE];
    struct copy copy = {.from = from, .to = to, .until = UINT64_MAX};
    const struct part *part = part_of(path, name);
    err_t err;
    if (part == NULL)
        return fault_set(c->fault, ERR_CORRUPT, 0, BACKUP_SUMS " names what no backup holds: %.*s",
                         STR_ARG(path));
    if (TRY(err, below("", part->dir, name, whole)) || TRY(err, below(folder, whole, "", from)) ||
        TRY(err, below(c->backup->node, whole, "", to)) ||
        TRY(err, part_dirs(c->backup->os, c->backup->node, part)))
        return fault_set(c->fault, err, 0, "%s cannot be made: %s", c->backup->node, err_text(err));
    if (TRY(err, copy_file(c, &copy)))
        return err;
    if (!str_eq(str_of(copy.hex), hex))
        return fault_set(c->fault, ERR_CORRUPT, 0, "%s is not what was backed up", from);
    return ERR_OK;
}

/* `conf`: the configuration alone, which makes a node of it and comes last. */
static err_t give_folder(struct copying *c, const char *folder, bool conf)
{
    char path[FILE_PATH_SIZE];
    struct buf sums;
    err_t err;
    buf_init(&sums, SUMS_BYTES_MAX);
    if (TRY(err, file_path(folder, BACKUP_SUMS, path)) || TRY(err, file_read_all(c->backup->os, path, &sums)))
        (void)fault_set(c->fault, err, 0, "%s: no finished backup: %s", folder, err_text(err));
    struct str rest = buf_str(&sums), hex, file;
    while (err == ERR_OK && rest.len > 0) {
        if (!sums_line(&rest, &hex, &file))
            err = fault_set(c->fault, ERR_CORRUPT, 0, "%s is not a list of sums", path);
        else if (str_eq(file, STR(CONF_FILE)) == conf)
            err = give_back(c, folder, file, hex);
    }
    buf_deinit(&sums);
    return err;
}

/* All that a node needs is there, or it is half a backup. */
static err_t whole_node(struct copying *c)
{
    static const char *const files[] = {INIT_CARD_FILE, SECRETS_DIR "/secrets.key"};
    char path[FILE_PATH_SIZE];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (file_path(c->backup->node, files[i], path) != ERR_OK || !file_exists(c->backup->os, path))
            return fault_set(c->fault, ERR_NOTFOUND, 0, "%s was not among it", files[i]);
    return ERR_OK;
}

err_t backup_restore(const struct backup *backup, struct backup_told *out, struct fault *fault)
{
    struct copying c = {.backup = backup, .told = out, .fault = fault};
    const struct os *os = backup->os;
    err_t err = copying_begin(&c);
    if (err == ERR_OK && (TRY(err, os->dir_make(os->ctx, backup->node)) ||
                          TRY(err, os->dir_list(os->ctx, backup->node, nothing_there, NULL))))
        err = fault_set(fault, err, 0, "%s is not to be had: %s", backup->node,
                        err == ERR_EXISTS ? "something is in it" : err_text(err));
    if (err == ERR_OK && !TRY(err, give_folder(&c, backup->folder, false)) && backup->secrets != NULL)
        err = give_folder(&c, backup->secrets, false);
    if (err == ERR_OK && !TRY(err, whole_node(&c)))
        err = give_folder(&c, backup->folder, true);
    copying_end(&c);
    return err;
}
