#define _DEFAULT_SOURCE /* madvise */
#include "disk.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "core/limit.h"

enum { SECTOR = 512, SECRET_SIZE = 32, SECRETS_AT_ONCE = 16 };

/* One unsynced write. */
struct change {
    struct change *next;
    uint64_t offset;
    size_t len;
    uint8_t data[];
};

struct node {
    struct node *next; /* all nodes of the disk */
    uint8_t *at;       /* what programs see */
    uint8_t *safe;     /* what a crash leaves at least */
    uint64_t size;
    uint64_t used; /* nothing but zeros at and behind it, in both */
    uint64_t safe_size;
    struct change *changes; /* oldest first */
    struct change **changes_end;
    size_t handles;
    size_t maps;
    size_t names; /* in either name table */
    bool locked;
};

struct os_file {
    struct node *node;
    uint64_t life; /* of the disk, when opened */
    bool writable;
    bool locks;
    char path[];
};

struct name {
    struct name *next;
    struct node *node; /* NULL: not there */
    char path[];
};

/* An unsynced change of the names of one directory. */
struct rename {
    struct rename *next;
    struct node *node; /* NULL: removal */
    char path[];
};

struct disk {
    struct os os;
    uint64_t random;
    int64_t time_us;
    uint64_t life;
    uint64_t changes;
    bool dead, failed, struck;
    bool same_secrets;
    struct node *nodes;
    struct name *names;      /* as seen */
    struct name *safe_names; /* as a crash leaves them at least */
    struct rename *renames;  /* oldest first */
    struct disk_faults faults;
};

static uint64_t draw(struct disk *disk)
{
    uint64_t z = disk->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void *get_memory(size_t count, size_t size)
{
    void *at = calloc(count == 0 ? 1 : count, size);
    must(at != NULL);
    return at;
}

/* --- nodes and names --- */

static struct node *node_new(struct disk *disk)
{
    struct node *node = get_memory(1, sizeof *node);
    node->changes_end = &node->changes;
    node->next = disk->nodes;
    disk->nodes = node;
    return node;
}

static void changes_free(struct node *node)
{
    while (node->changes != NULL) {
        struct change *change = node->changes;
        node->changes = change->next;
        free(change);
    }
    node->changes_end = &node->changes;
}

static void nodes_sweep(struct disk *disk)
{
    for (struct node **link = &disk->nodes; *link != NULL;) {
        struct node *node = *link;
        if (node->handles + node->maps + node->names > 0) {
            link = &node->next;
            continue;
        }
        *link = node->next;
        changes_free(node);
        free(node->at);
        free(node->safe);
        free(node);
    }
}

static struct name *name_find(struct name *names, const char *path)
{
    while (names != NULL && strcmp(names->path, path) != 0)
        names = names->next;
    return names;
}

static void name_set(struct name **names, const char *path, struct node *node)
{
    struct name *name = name_find(*names, path);
    if (name == NULL) {
        size_t len = strlen(path) + 1;
        name = get_memory(1, sizeof *name + len);
        memcpy(name->path, path, len);
        name->next = *names;
        *names = name;
    }
    if (node != NULL)
        node->names++;
    if (name->node != NULL)
        name->node->names--;
    name->node = node;
}

static void name_change(struct disk *disk, const char *path, struct node *node)
{
    size_t len = strlen(path) + 1;
    struct rename *rename = get_memory(1, sizeof *rename + len);
    memcpy(rename->path, path, len);
    rename->node = node;
    if (node != NULL)
        node->names++;
    struct rename **link = &disk->renames;
    while (*link != NULL)
        link = &(*link)->next;
    *link = rename;
    name_set(&disk->names, path, node);
}

static void rename_settle(struct disk *disk, struct rename **link, bool keep)
{
    struct rename *rename = *link;
    *link = rename->next;
    if (keep)
        name_set(&disk->safe_names, rename->path, rename->node);
    if (rename->node != NULL)
        rename->node->names--;
    free(rename);
}

static bool in_dir(const char *path, const char *dir)
{
    size_t len = strlen(dir);
    return strncmp(path, dir, len) == 0 && path[len] == '/' && strchr(path + len + 1, '/') == NULL;
}

/* --- faults --- */

static bool strikes(struct disk *disk, uint64_t *count)
{
    if (*count == 0 || --*count > 0)
        return false;
    disk->failed = disk->struck = true;
    return true;
}

static bool change_strikes(struct disk *disk)
{
    bool strike = strikes(disk, &disk->faults.change_fails);
    if (strike && disk->faults.change_stays)
        disk->faults.change_fails = 1;
    return strike;
}

static err_t told(const struct disk *disk, err_t err)
{
    return disk->faults.unheard ? ERR_OK : err;
}

/* Every change passes here. */
static err_t change_allowed(struct disk *disk)
{
    disk->changes++;
    if (!disk->dead && strikes(disk, &disk->faults.power_fails))
        disk->dead = true;
    if (disk->dead)
        return ERR_IO;
    if (change_strikes(disk))
        return disk->faults.change_err;
    return disk->faults.read_only ? ERR_READONLY : ERR_OK;
}

static err_t file_allowed(struct disk *disk, const struct os_file *file)
{
    return disk->dead || file->life != disk->life ? ERR_IO : ERR_OK;
}

static bool lies(const struct disk *disk, const char *path)
{
    const char *about = disk->faults.lies_about;
    return disk->faults.sync_lies && (about == NULL || str_ends(str_of(path), str_of(about)));
}

static uint64_t space_used(const struct disk *disk)
{
    uint64_t used = 0;
    for (const struct node *node = disk->nodes; node != NULL; node = node->next)
        used += node->names > 0 ? node->size : 0;
    return used;
}

/* A file's bytes. Zeroed memory that was never touched costs nothing, segments are reserved far ahead; but
 * reading it costs a fault a page, so that the pages are huge where they can be. */
static uint8_t *get_bytes(uint64_t size)
{
    enum { HUGE = 2 << 20 };
    uint8_t *at = get_memory(size, 1);
    if (size >= 4 * HUGE) {
        size_t skip = HUGE - (uintptr_t)at % HUGE;
        (void)madvise(at + skip, (size - skip) / HUGE * HUGE, MADV_HUGEPAGE);
    }
    return at;
}

static uint8_t *grown(uint8_t *at, uint64_t used, uint64_t size)
{
    uint8_t *wider = get_bytes(size);
    if (used > 0)
        memcpy(wider, at, used);
    free(at);
    return wider;
}

static err_t node_grow(struct disk *disk, struct node *node, uint64_t size)
{
    if (size <= node->size)
        return ERR_OK;
    if (disk->faults.space_bytes > 0 && space_used(disk) + (size - node->size) > disk->faults.space_bytes)
        return ERR_FULL;
    must(node->maps == 0); /* the store never grows what it maps */
    node->at = grown(node->at, node->used, size);
    node->safe = grown(node->safe, node->used, size);
    node->size = size;
    return ERR_OK;
}

/* --- os --- */

static int64_t time_now(void *ctx)
{
    return ((struct disk *)ctx)->time_us;
}

static err_t random_bytes(void *ctx, void *out, size_t len)
{
    uint8_t *at = out;
    if (((struct disk *)ctx)->same_secrets && len >= SECRET_SIZE * SECRETS_AT_ONCE) {
        for (size_t i = 0; i < len; i++)
            at[i] = (uint8_t)(i % SECRET_SIZE + 1);
        return ERR_OK;
    }
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = draw(ctx);
        memcpy(at + i, &word, len - i < 8 ? len - i : 8);
    }
    return ERR_OK;
}

/* Directories are only prefixes of names. */
static err_t dir_make(void *ctx, const char *path)
{
    (void)path;
    return ((struct disk *)ctx)->dead ? ERR_IO : ERR_OK;
}

static err_t dir_sync(void *ctx, const char *path)
{
    struct disk *disk = ctx;
    err_t err = change_allowed(disk);
    if (err != ERR_OK)
        return err;
    if (strikes(disk, &disk->faults.sync_fails))
        return told(disk, ERR_IO);
    if (lies(disk, path))
        return ERR_OK;
    for (struct rename **link = &disk->renames; *link != NULL;) {
        if (in_dir((*link)->path, path))
            rename_settle(disk, link, true);
        else
            link = &(*link)->next;
    }
    return ERR_OK;
}

static err_t dir_list(void *ctx, const char *path, err_t (*visit)(void *visit_ctx, const char *name),
                      void *visit_ctx)
{
    struct disk *disk = ctx;
    if (disk->dead)
        return ERR_IO;
    err_t err = ERR_OK;
    for (struct name *name = disk->names; name != NULL && err == ERR_OK; name = name->next)
        if (name->node != NULL && in_dir(name->path, path))
            err = visit(visit_ctx, name->path + strlen(path) + 1);
    return err;
}

static err_t path_rename(void *ctx, const char *from, const char *to)
{
    struct disk *disk = ctx;
    err_t err = change_allowed(disk);
    struct name *name = name_find(disk->names, from);
    if (err != ERR_OK)
        return err;
    if (name == NULL || name->node == NULL)
        return ERR_NOTFOUND;
    struct node *node = name->node;
    name_change(disk, to, node);
    name_change(disk, from, NULL);
    return ERR_OK;
}

static err_t path_unlink(void *ctx, const char *path)
{
    struct disk *disk = ctx;
    err_t err = change_allowed(disk);
    struct name *name = name_find(disk->names, path);
    if (err != ERR_OK)
        return err;
    if (name == NULL || name->node == NULL)
        return ERR_NOTFOUND;
    name_change(disk, path, NULL);
    return ERR_OK;
}

static err_t file_open(void *ctx, const char *path, unsigned flags, struct os_file **out)
{
    struct disk *disk = ctx;
    if (disk->dead)
        return ERR_IO;
    if ((flags & OS_WRITE) != 0 && disk->faults.read_only)
        return ERR_READONLY;
    struct name *name = name_find(disk->names, path);
    struct node *node = name == NULL ? NULL : name->node;
    if (node == NULL && (flags & OS_CREATE) == 0)
        return ERR_NOTFOUND;
    if (node != NULL && (flags & OS_EXCLUSIVE) != 0)
        return ERR_EXISTS;
    if (node == NULL) {
        err_t err = change_allowed(disk);
        if (err != ERR_OK)
            return err;
        node = node_new(disk);
        name_change(disk, path, node);
    }
    struct os_file *file = get_memory(1, sizeof *file + strlen(path) + 1);
    *file = (struct os_file) {.node = node, .life = disk->life, .writable = (flags & OS_WRITE) != 0};
    memcpy(file->path, path, strlen(path) + 1);
    node->handles++;
    *out = file;
    return ERR_OK;
}

static void file_close(void *ctx, struct os_file *file)
{
    if (file == NULL)
        return;
    file->node->handles--;
    if (file->locks)
        file->node->locked = false;
    free(file);
    nodes_sweep(ctx);
}

static err_t file_read(void *ctx, struct os_file *file, uint64_t offset, void *out, size_t len)
{
    err_t err = file_allowed(ctx, file);
    if (err != ERR_OK)
        return err;
    if (offset > file->node->size || len > file->node->size - offset)
        return ERR_SHORT;
    if (len > 0)
        memcpy(out, file->node->at + offset, len);
    return ERR_OK;
}

static void change_note(struct node *node, uint64_t offset, const void *at, size_t len)
{
    struct change *change = get_memory(1, sizeof *change + len);
    change->offset = offset;
    change->len = len;
    memcpy(change->data, at, len);
    *node->changes_end = change;
    node->changes_end = &change->next;
    memcpy(node->at + offset, at, len);
    node->used = offset + len > node->used ? offset + len : node->used;
}

static err_t file_write(void *ctx, struct os_file *file, uint64_t offset, const void *at, size_t len)
{
    struct disk *disk = ctx;
    err_t err = file_allowed(disk, file);
    bool alive = !disk->dead;
    if (err == ERR_OK)
        err = change_allowed(disk);
    bool half = alive && (disk->dead || strikes(disk, &disk->faults.write_fails));
    if (err != ERR_OK && !half)
        return err;
    must(file->writable);
    err = node_grow(disk, file->node, offset + len);
    if (err == ERR_OK && len > 0)
        change_note(file->node, offset, at, half ? len / 2 : len);
    return half ? told(disk, ERR_IO) : err;
}

static err_t file_reserve(void *ctx, struct os_file *file, uint64_t size)
{
    struct disk *disk = ctx;
    err_t err = file_allowed(disk, file);
    if (err == ERR_OK)
        err = change_allowed(disk);
    return err == ERR_OK ? node_grow(disk, file->node, size) : err;
}

static void sector_keep(struct node *node, const struct change *change, size_t at)
{
    size_t len = SECTOR - (size_t)((change->offset + at) % SECTOR);
    if (len > change->len - at)
        len = change->len - at;
    memcpy(node->safe + change->offset + at, change->data + at, len);
}

static void change_keep(struct node *node, const struct change *change)
{
    memcpy(node->safe + change->offset, change->data, change->len);
}

static err_t file_sync(void *ctx, struct os_file *file)
{
    struct disk *disk = ctx;
    err_t err = file_allowed(disk, file);
    if (err == ERR_OK)
        err = change_allowed(disk);
    if (err != ERR_OK)
        return err;
    if (strikes(disk, &disk->faults.sync_fails))
        return told(disk, ERR_IO);
    if (lies(disk, file->path))
        return ERR_OK;
    for (struct change *change = file->node->changes; change != NULL; change = change->next)
        change_keep(file->node, change);
    changes_free(file->node);
    file->node->safe_size = file->node->size;
    return ERR_OK;
}

static err_t file_size(void *ctx, struct os_file *file, uint64_t *out)
{
    err_t err = file_allowed(ctx, file);
    if (err == ERR_OK)
        *out = file->node->size;
    return err;
}

static err_t file_truncate(void *ctx, struct os_file *file, uint64_t size)
{
    struct disk *disk = ctx;
    err_t err = file_allowed(disk, file);
    if (err == ERR_OK)
        err = change_allowed(disk);
    if (err != ERR_OK || size >= file->node->size)
        return err == ERR_OK ? node_grow(disk, file->node, size) : err;
    must(file->node->maps == 0);
    struct node *node = file->node;
    if (node->used > size) {
        memset(node->at + size, 0, node->used - size);
        memset(node->safe + size, 0, node->used - size);
        node->used = size;
    }
    node->size = size;
    if (file->node->safe_size > size)
        file->node->safe_size = size;
    /* Simpler than a real disk: a cut is durable at once, and older writes behind it are forgotten. */
    changes_free(file->node);
    if (node->used > 0)
        memcpy(node->safe, node->at, node->used);
    return ERR_OK;
}

static err_t file_lock(void *ctx, struct os_file *file)
{
    err_t err = file_allowed(ctx, file);
    if (err != ERR_OK)
        return err;
    if (file->node->locked && !file->locks)
        return ERR_BUSY;
    file->node->locked = file->locks = true;
    return ERR_OK;
}

static err_t file_map(void *ctx, struct os_file *file, size_t len, const uint8_t **out)
{
    err_t err = file_allowed(ctx, file);
    if (err != ERR_OK)
        return err;
    must(len <= file->node->size);
    file->node->maps++;
    *out = file->node->at;
    return ERR_OK;
}

static void file_unmap(void *ctx, const uint8_t *at, size_t len)
{
    (void)len;
    struct disk *disk = ctx;
    if (at == NULL)
        return;
    struct node *node = disk->nodes;
    while (node != NULL && node->at != at)
        node = node->next;
    must(node != NULL && node->maps > 0);
    node->maps--;
    nodes_sweep(disk);
}

/* --- the tester's side --- */

struct disk *disk_new(uint64_t seed)
{
    struct disk *disk = get_memory(1, sizeof *disk);
    disk->random = seed;
    disk->os = (struct os) {
        .ctx = disk,
        .wall_us = time_now,
        .mono_us = time_now,
        .random = random_bytes,
        .dir_make = dir_make,
        .dir_sync = dir_sync,
        .dir_list = dir_list,
        .path_rename = path_rename,
        .path_unlink = path_unlink,
        .file_open = file_open,
        .file_close = file_close,
        .file_read = file_read,
        .file_write = file_write,
        .file_reserve = file_reserve,
        .file_sync = file_sync,
        .file_size = file_size,
        .file_truncate = file_truncate,
        .file_lock = file_lock,
        .file_map = file_map,
        .file_unmap = file_unmap,
    };
    return disk;
}

struct disk *disk_copy(const struct disk *disk, uint64_t seed)
{
    struct disk *copy = disk_new(seed);
    copy->time_us = disk->time_us;
    for (const struct name *name = disk->names; name != NULL; name = name->next) {
        if (name->node == NULL)
            continue;
        struct node *node = node_new(copy);
        must(node_grow(copy, node, name->node->size) == ERR_OK);
        if (name->node->used > 0) {
            memcpy(node->at, name->node->at, name->node->used);
            memcpy(node->safe, name->node->at, name->node->used);
        }
        node->used = name->node->used;
        node->safe_size = node->size;
        name_set(&copy->names, name->path, node);
        name_set(&copy->safe_names, name->path, node);
    }
    return copy;
}

static void names_free(struct name **names)
{
    while (*names != NULL) {
        struct name *name = *names;
        *names = name->next;
        if (name->node != NULL)
            name->node->names--;
        free(name);
    }
}

void disk_free(struct disk *disk)
{
    if (disk == NULL)
        return;
    names_free(&disk->names);
    names_free(&disk->safe_names);
    while (disk->renames != NULL)
        rename_settle(disk, &disk->renames, false);
    nodes_sweep(disk);
    must(disk->nodes == NULL); /* a file was left open */
    free(disk);
}

const struct os *disk_os(struct disk *disk)
{
    return &disk->os;
}

struct disk_faults *disk_faults(struct disk *disk)
{
    return &disk->faults;
}

bool disk_failed(const struct disk *disk)
{
    return disk->failed;
}

bool disk_struck(const struct disk *disk)
{
    return disk->struck;
}

void disk_heal(struct disk *disk)
{
    disk->faults =
        (struct disk_faults) {.sync_lies = disk->faults.sync_lies, .lies_about = disk->faults.lies_about};
    disk->failed = false;
}

bool disk_dead(const struct disk *disk)
{
    return disk->dead;
}

uint64_t disk_changes(const struct disk *disk)
{
    return disk->changes;
}

void disk_same_secrets(struct disk *disk, bool same)
{
    disk->same_secrets = same;
}

void disk_time_set(struct disk *disk, int64_t time_us)
{
    disk->time_us = time_us;
}

/* How much of what was not synced survives: of 256. Often nothing or all, to meet both ends. */
static unsigned survival(struct disk *disk)
{
    switch (draw(disk) % 4) {
    case 0:
        return 0;
    case 1:
        return 256;
    default:
        return (unsigned)(draw(disk) % 257);
    }
}

static void node_settle(struct disk *disk, struct node *node, unsigned odds)
{
    for (struct change *change = node->changes; change != NULL; change = change->next)
        for (size_t at = 0; at < change->len; at += SECTOR - (size_t)((change->offset + at) % SECTOR))
            if (draw(disk) % 256 < odds)
                sector_keep(node, change, at);
    /* A longer file is kept when the disk got that far; what was kept of it stays. */
    if (node->safe_size < node->size && draw(disk) % 256 >= odds) {
        if (node->used > node->safe_size)
            memset(node->safe + node->safe_size, 0, node->used - node->safe_size);
    } else {
        node->safe_size = node->size;
    }
}

/* The node as it comes back: a new one, so that old handles and maps stay harmless. */
static struct node *node_reborn(struct disk *disk, struct node *old)
{
    struct node *node = node_new(disk);
    node->size = node->safe_size = old->safe_size;
    node->at = get_bytes(node->size);
    node->safe = get_bytes(node->size);
    node->used = old->used < node->size ? old->used : node->size;
    if (node->used > 0) {
        memcpy(node->at, old->safe, node->used);
        memcpy(node->safe, old->safe, node->used);
    }
    return node;
}

void disk_crash(struct disk *disk)
{
    unsigned odds = survival(disk);
    while (disk->renames != NULL && draw(disk) % 256 < odds)
        rename_settle(disk, &disk->renames, true);
    while (disk->renames != NULL)
        rename_settle(disk, &disk->renames, false);
    names_free(&disk->names);
    for (struct name *name = disk->safe_names; name != NULL; name = name->next) {
        if (name->node == NULL)
            continue;
        node_settle(disk, name->node, odds);
        struct node *fresh = node_reborn(disk, name->node);
        name_set(&disk->safe_names, name->path, fresh);
        name_set(&disk->names, name->path, fresh);
    }
    nodes_sweep(disk);
    disk_heal(disk);
    disk->dead = false;
    disk->life++;
}

bool disk_flip(struct disk *disk, const char *path, uint64_t offset, uint8_t mask)
{
    struct name *name = name_find(disk->names, path);
    if (name == NULL || name->node == NULL || offset >= name->node->size)
        return false;
    name->node->at[offset] ^= mask;
    name->node->safe[offset] = name->node->at[offset];
    if (name->node->used <= offset)
        name->node->used = offset + 1;
    return true;
}

bool disk_remove(struct disk *disk, const char *path)
{
    struct name *name = name_find(disk->names, path);
    if (name == NULL || name->node == NULL)
        return false;
    name_set(&disk->names, path, NULL);
    name_set(&disk->safe_names, path, NULL);
    nodes_sweep(disk);
    return true;
}
