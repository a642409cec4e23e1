#include "gate/tile_files.h"

#include <stdio.h>

#include "core/mem.h"

/* The last hashes of level 0 wait here, so that a leaf costs no write of its own. */
enum { PENDING_MAX = 256 };

struct tile_files {
    const struct os *os;
    struct os_file *files[TILE_LEVELS];
    char base[LIMIT_PATH_BYTES - 8];
    char dir[LIMIT_PATH_BYTES - 160];
    bool made;                        /* a file whose name is not durable yet */
    struct hash pending[PENDING_MAX]; /* level 0 */
    uint64_t pending_first;
    size_t pending_count;
    bool dirty;
    struct tile_files *before; /* of the epoch before: a merge that is under way may have them in hand */
};

static err_t level_file(struct tile_files *files, unsigned level, struct os_file **out)
{
    if (files->files[level] == NULL) {
        char path[LIMIT_PATH_BYTES];
        (void)snprintf(path, sizeof path, "%s.%u", files->base, level);
        err_t err = files->os->file_open(files->os->ctx, path, OS_WRITE | OS_CREATE, &files->files[level]);
        if (err != ERR_OK)
            return err;
        files->made = true; /* or it was there: not worth asking */
    }
    *out = files->files[level];
    return ERR_OK;
}

err_t tile_files_flush(struct tile_files *files)
{
    struct os_file *file;
    err_t err;
    if (files->pending_count == 0)
        return ERR_OK;
    if (TRY(err, level_file(files, 0, &file)) ||
        TRY(err, files->os->file_write(files->os->ctx, file, files->pending_first * HASH_SIZE, files->pending,
                                       files->pending_count * HASH_SIZE)))
        return err;
    files->pending_first += files->pending_count;
    files->pending_count = 0;
    return ERR_OK;
}

err_t tile_files_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash)
{
    struct tile_files *files = ctx;
    struct os_file *file;
    err_t err;
    files->dirty = true;
    if (level > 0) {
        if (TRY(err, level_file(files, level, &file)))
            return err;
        return files->os->file_write(files->os->ctx, file, index * HASH_SIZE, hash, HASH_SIZE);
    }
    if (files->pending_count > 0 && index != files->pending_first + files->pending_count &&
        TRY(err, tile_files_flush(files)))
        return err;
    if (files->pending_count == 0)
        files->pending_first = index;
    files->pending[files->pending_count++] = *hash;
    return files->pending_count == PENDING_MAX ? tile_files_flush(files) : ERR_OK;
}

err_t tile_files_read(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out)
{
    struct tile_files *files = ctx;
    struct os_file *file;
    err_t err;
    size_t stored = count;
    if (level == 0 && files->pending_count > 0 && first + count > files->pending_first) {
        stored = first >= files->pending_first ? 0 : (size_t)(files->pending_first - first);
        if (first + count > files->pending_first + files->pending_count)
            return ERR_NOTFOUND;
        memcpy(out + stored, files->pending + (first + stored - files->pending_first),
               (count - stored) * HASH_SIZE);
    }
    if (stored == 0)
        return ERR_OK;
    if (TRY(err, level_file(files, level, &file)))
        return err;
    return files->os->file_read(files->os->ctx, file, first * HASH_SIZE, out, stored * HASH_SIZE);
}

err_t tile_files_collect(struct tile_files *files, struct views_sync *sync)
{
    err_t err;
    if (!files->dirty)
        return ERR_OK;
    if (TRY(err, tile_files_flush(files)))
        return err;
    for (unsigned level = 0; level < TILE_LEVELS; level++)
        if (files->files[level] != NULL)
            sync->files[sync->count++] = files->files[level];
    if (files->made)
        sync->dir = files->dir;
    files->made = false;
    files->dirty = false;
    return ERR_OK;
}

err_t tile_files_open(struct gate *gate, unsigned ledger, struct tile_files **out)
{
    const struct gate_peer *peer = &gate->peers[gate_ledger_partner(ledger)];
    char dir[sizeof(((struct tile_files *)NULL)->dir)];
    if ((size_t)snprintf(dir, sizeof dir, "%s/ledger", gate->dir) >= sizeof dir)
        return ERR_LIMIT;
    err_t err = gate->os->dir_make(gate->os->ctx, dir);
    if (err != ERR_OK || TRY(err, gate->os->dir_sync(gate->os->ctx, gate->dir)))
        return err;
    struct tile_files *files = mem_alloc(sizeof *files);
    if (files == NULL)
        return ERR_NOMEM;
    files->os = gate->os;
    memcpy(files->dir, dir, sizeof dir);
    (void)snprintf(files->base, sizeof files->base, "%s/%.*s-%u%s", dir, STR_ARG(peer->audience), peer->epoch,
                   gate_ledger_is_urgent(ledger) ? "-urgent" : "");
    *out = files;
    return ERR_OK;
}

void tile_files_follow(struct tile_files *files, struct tile_files *before)
{
    files->before = before;
}

void tile_files_close(struct tile_files *files)
{
    while (files != NULL) {
        struct tile_files *before = files->before;
        for (unsigned level = 0; level < TILE_LEVELS; level++)
            files->os->file_close(files->os->ctx, files->files[level]);
        mem_free(files);
        files = before;
    }
}
