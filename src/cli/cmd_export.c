/* A ledger to files (docs/protocol/LEDGER.md section 10), for auditors: the tiles are made here again from
 * the leaves that the node sends, at constant memory, and the checkpoint is written last, when their root is
 * the one that it signs. */
#include <stdio.h>

#include "app/file.h"
#include "cli/cli.h"
#include "core/mem.h"
#include "ledger/checkpoint.h"
#include "ledger/leaf.h"
#include "ledger/tile.h"

struct exporter {
    const struct os *os;
    const char *dir;
    struct tile_tree tree;
    struct hash level[TILE_LEVELS][TILE_WIDTH]; /* of the tile that grows */
    uint64_t size;
    struct buf checkpoint, file;
    uint8_t leaves[TILE_WIDTH * LEAF_SIZE], openings[TILE_WIDTH * LEAF_OPENING_SIZE];
    err_t err;
};

/* `path` below the directory, with the folders that it needs. */
static err_t put(struct exporter *x, struct str path, struct bytes content)
{
    char whole[FILE_PATH_SIZE];
    err_t err;
    int len = snprintf(whole, sizeof whole, "%s/%.*s", x->dir, STR_ARG(path));
    if (len < 0 || (size_t)len >= sizeof whole)
        return ERR_LIMIT;
    for (char *at = whole + strlen(x->dir); (at = strchr(at + 1, '/')) != NULL; *at = '/') {
        *at = '\0';
        if (TRY(err, x->os->dir_make(x->os->ctx, whole)))
            return err;
    }
    return file_replace(x->os, x->dir, whole + strlen(x->dir) + 1, content);
}

static err_t put_tile(struct exporter *x, const struct tile_id *id, struct bytes content)
{
    struct buf path;
    buf_init(&path, FILE_PATH_SIZE);
    tile_path_print(id, &path);
    err_t err = buf_err(&path);
    if (err == ERR_OK)
        err = put(x, buf_str(&path), content);
    buf_deinit(&path);
    return err;
}

static err_t level_append(void *ctx, unsigned level, uint64_t index, const struct hash *hash)
{
    struct exporter *x = ctx;
    struct tile_id id = {.level = level, .index = index / TILE_WIDTH, .width = TILE_WIDTH};
    x->level[level][index % TILE_WIDTH] = *hash;
    return index % TILE_WIDTH < TILE_WIDTH - 1
               ? ERR_OK
               : put_tile(x, &id, bytes_of(x->level[level], sizeof x->level[level]));
}

/* The tree is only grown: nothing is asked back. */
static err_t level_read(void *ctx, unsigned level, uint64_t first, size_t count, struct hash *out)
{
    (void)ctx, (void)level, (void)first, (void)count, (void)out;
    return ERR_UNSUPPORTED;
}

/* --- what the node sends --- */

static err_t take_head(struct exporter *x, const struct line *line)
{
    err_t err = ERR_OK;
    x->size = line_u64(line, "size");
    buf_put_str(&x->checkpoint, line_str(line, "checkpoint"));
    if (line_has(line, "receipt_checkpoint") &&
        !TRY(err, put(x, STR("receipt/checkpoint"), bytes_from_str(line_str(line, "receipt_checkpoint")))))
        err = put(x, STR("receipt/disposition"), bytes_from_str(line_str(line, "receipt_disposition")));
    return err == ERR_OK ? buf_err(&x->checkpoint) : err;
}

static err_t put_bundle(struct exporter *x, uint64_t first, size_t count)
{
    struct tile_id id = {.entries = true, .index = first / TILE_WIDTH, .width = (unsigned)count};
    struct buf path;
    err_t err;
    buf_clear(&x->file);
    for (size_t i = 0; i < count; i++)
        tile_entry_put(&x->file, bytes_of(x->leaves + i * LEAF_SIZE, LEAF_SIZE));
    if (TRY(err, buf_err(&x->file)) || TRY(err, put_tile(x, &id, buf_bytes(&x->file))))
        return err;
    buf_init(&path, FILE_PATH_SIZE);
    tile_path_print(&id, &path);
    struct str rest = buf_str(&path);
    rest.at += sizeof "tile/entries/" - 1;
    rest.len -= sizeof "tile/entries/" - 1;
    buf_clear(&x->file);
    buf_printf(&x->file, "openings/%.*s", STR_ARG(rest));
    if (!TRY(err, buf_err(&x->file)))
        err = put(x, buf_str(&x->file), bytes_of(x->openings, count * LEAF_OPENING_SIZE));
    buf_deinit(&path);
    return err;
}

static err_t take_bundle(struct exporter *x, const struct line *line)
{
    uint64_t first = line_u64(line, "first");
    size_t leaves, openings, count = (size_t)line_u64(line, "count");
    err_t err;
    if (first != x->tree.edge.size || first % TILE_WIDTH != 0 || count == 0 || count > TILE_WIDTH ||
        !str_unbase64(line_str(line, "leaves"), x->leaves, sizeof x->leaves, &leaves) ||
        !str_unbase64(line_str(line, "openings"), x->openings, sizeof x->openings, &openings) ||
        leaves != count * LEAF_SIZE || openings != count * LEAF_OPENING_SIZE)
        return ERR_CORRUPT;
    for (size_t i = 0; i < count; i++) {
        struct hash hash = merkle_leaf(bytes_of(x->leaves + i * LEAF_SIZE, LEAF_SIZE));
        if (TRY(err, tile_tree_append(&x->tree, &hash)))
            return err;
    }
    return put_bundle(x, first, count);
}

static void take(void *ctx, struct str json)
{
    struct exporter *x = ctx;
    struct line *line = x->err == ERR_OK ? line_read(json) : NULL;
    if (line != NULL && line_has(line, "checkpoint"))
        x->err = take_head(x, line);
    else if (line != NULL && line_has(line, "leaves"))
        x->err = take_bundle(x, line);
    line_free(line);
}

/* --- the end --- */

static err_t finish(struct exporter *x)
{
    struct note note;
    struct checkpoint checkpoint;
    struct hash root = tile_tree_root(&x->tree);
    err_t err;
    for (unsigned level = 0; level < TILE_LEVELS; level++) {
        uint64_t total = x->tree.edge.size >> (TILE_HEIGHT * level);
        struct tile_id id = {
            .level = level, .index = total / TILE_WIDTH, .width = (unsigned)(total % TILE_WIDTH)};
        if (id.width > 0 && TRY(err, put_tile(x, &id, bytes_of(x->level[level], id.width * HASH_SIZE))))
            return err;
    }
    if (TRY(err, note_parse(buf_str(&x->checkpoint), &note, NULL)) ||
        TRY(err, checkpoint_parse(note.text, &checkpoint, NULL)))
        return err;
    if (checkpoint.size != x->tree.edge.size || !hash_eq(&checkpoint.root, &root))
        return ERR_PROOF;
    return put(x, STR("checkpoint"), buf_bytes(&x->checkpoint));
}

static int export_run(struct cli_call *call, struct exporter *x)
{
    char path[FILE_PATH_SIZE];
    if (file_path(x->dir, "checkpoint", path) != ERR_OK || file_exists(x->os, path))
        return cli_fail("name a new directory", "%s holds a ledger already", x->dir);
    x->err = x->os->dir_make(x->os->ctx, x->dir);
    int status = x->err == ERR_OK ? control_each(call, take, x) : CLI_OK;
    if (status != CLI_OK)
        return status;
    if (x->err == ERR_OK)
        x->err = finish(x);
    if (x->err != ERR_OK)
        return cli_fail("nothing in it is a whole ledger", "%s: %s", x->dir, err_text(x->err));
    if (call->json)
        print_file(x->dir, "leaves", x->size);
    else
        (void)printf("%llu leaves in %s; bongsu-verify ledger --card CARD %s verifies them\n",
                     (unsigned long long)x->size, x->dir, x->dir);
    return CLI_OK;
}

int run_ledger_export(struct cli_call *call)
{
    struct exporter *x = mem_alloc(sizeof *x);
    if (x == NULL)
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    *x = (struct exporter) {.os = call->os, .dir = call->args[1]};
    struct tile_store store = {x, level_append, level_read};
    tile_tree_init(&x->tree, &store);
    buf_init(&x->checkpoint, LIMIT_NOTE_BYTES);
    buf_init(&x->file, 64 << 10);
    int status = export_run(call, x);
    buf_deinit(&x->checkpoint);
    buf_deinit(&x->file);
    mem_free(x);
    return status;
}
