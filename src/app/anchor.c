#include "app/anchor.h"

#include "core/buf.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"

/* A slot: digest of the rest, turn, number of rows, rows of origin (length and room), size, root. */
enum {
    ROW_SIZE = 2 + LIMIT_KEY_NAME_BYTES + 8 + HASH_SIZE,
    HEAD_SIZE = HASH_SIZE + 8 + 4,
    SLOT_SIZE = (HEAD_SIZE + LIMIT_ANCHOR_ROWS * ROW_SIZE + 4095) / 4096 * 4096,
};

struct row {
    char origin[LIMIT_KEY_NAME_BYTES];
    size_t origin_len;
    struct anchor_row value;
};

struct anchor {
    const struct os *os;
    struct os_file *file;
    uint64_t turn;
    size_t count;
    bool dead;
    struct row rows[LIMIT_ANCHOR_ROWS];
    uint8_t slot[SLOT_SIZE];
};

static err_t read_rows(struct rd *rd, struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        rows[i].origin_len = rd_u16(rd);
        rd_copy(rd, rows[i].origin, sizeof rows[i].origin);
        rows[i].value.size = rd_u64(rd);
        rd_copy(rd, rows[i].value.root.b, HASH_SIZE);
        if (rd->err != ERR_OK || rows[i].origin_len > sizeof rows[i].origin)
            return ERR_CORRUPT;
    }
    return ERR_OK;
}

/* ERR_NOTFOUND: this slot is not whole, or older than what we have. */
static err_t read_slot(struct anchor *anchor, unsigned number)
{
    const struct os *os = anchor->os;
    err_t err = os->file_read(os->ctx, anchor->file, (uint64_t)number * SLOT_SIZE, anchor->slot, SLOT_SIZE);
    if (err != ERR_OK)
        return err;
    struct hash digest = hash_sha256(bytes_of(anchor->slot + HASH_SIZE, SLOT_SIZE - HASH_SIZE));
    if (memcmp(digest.b, anchor->slot, HASH_SIZE) != 0)
        return ERR_NOTFOUND;
    struct rd rd = rd_of(bytes_of(anchor->slot + HASH_SIZE, SLOT_SIZE - HASH_SIZE));
    uint64_t turn = rd_u64(&rd);
    uint32_t count = rd_u32(&rd);
    if (turn <= anchor->turn || count > LIMIT_ANCHOR_ROWS)
        return ERR_NOTFOUND;
    if ((err = read_rows(&rd, anchor->rows, count)) != ERR_OK)
        return err;
    anchor->turn = turn;
    anchor->count = count;
    return ERR_OK;
}

static err_t write_slot(struct anchor *anchor)
{
    const struct os *os = anchor->os;
    struct buf out;
    err_t err;
    buf_init(&out, SLOT_SIZE);
    wr_u64(&out, anchor->turn + 1);
    wr_u32(&out, (uint32_t)anchor->count);
    for (size_t i = 0; i < anchor->count; i++) {
        const struct row *row = &anchor->rows[i];
        wr_u16(&out, (uint16_t)row->origin_len);
        buf_put(&out, row->origin, sizeof row->origin);
        wr_u64(&out, row->value.size);
        buf_put(&out, row->value.root.b, HASH_SIZE);
    }
    if (TRY(err, buf_err(&out)))
        goto out;
    memset(anchor->slot, 0, SLOT_SIZE);
    memcpy(anchor->slot + HASH_SIZE, out.at, out.len);
    struct hash digest = hash_sha256(bytes_of(anchor->slot + HASH_SIZE, SLOT_SIZE - HASH_SIZE));
    memcpy(anchor->slot, digest.b, HASH_SIZE);
    uint64_t at = ((anchor->turn + 1) & 1) * SLOT_SIZE;
    if (TRY(err, os->file_write(os->ctx, anchor->file, at, anchor->slot, SLOT_SIZE)) ||
        TRY(err, os->file_sync(os->ctx, anchor->file)))
        goto out;
    anchor->turn++;
out:
    buf_deinit(&out);
    return err;
}

static err_t create(struct anchor *anchor, const char *path)
{
    const struct os *os = anchor->os;
    char dir[LIMIT_PATH_BYTES];
    err_t err;
    const char *cut = strrchr(path, '/');
    if (cut == NULL || (size_t)(cut - path) >= sizeof dir)
        return ERR_USAGE;
    memcpy(dir, path, (size_t)(cut - path));
    dir[cut - path] = '\0';
    if (TRY(err, os->file_open(os->ctx, path, OS_WRITE | OS_CREATE, &anchor->file)) ||
        TRY(err, os->file_reserve(os->ctx, anchor->file, 2 * SLOT_SIZE)) || TRY(err, write_slot(anchor)))
        return err;
    return os->dir_sync(os->ctx, dir);
}

static err_t load(struct anchor *anchor)
{
    err_t first = read_slot(anchor, 0), second = read_slot(anchor, 1);
    if (anchor->turn > 0)
        return ERR_OK;
    return first != ERR_NOTFOUND ? first : second != ERR_NOTFOUND ? second : ERR_CORRUPT;
}

static struct anchor *fresh(const struct os *os)
{
    struct anchor *anchor = mem_alloc(sizeof *anchor);
    if (anchor != NULL)
        anchor->os = os;
    return anchor;
}

err_t anchor_make(const struct os *os, const char *path)
{
    struct anchor *anchor = fresh(os);
    if (anchor == NULL)
        return ERR_NOMEM;
    err_t err = os->file_open(os->ctx, path, OS_READ, &anchor->file);
    err = err == ERR_OK ? ERR_EXISTS : err == ERR_NOTFOUND ? create(anchor, path) : err;
    anchor_close(anchor);
    return err;
}

err_t anchor_open(const struct os *os, const char *path, struct anchor **out)
{
    struct anchor *anchor = fresh(os);
    if (anchor == NULL)
        return ERR_NOMEM;
    err_t err = os->file_open(os->ctx, path, OS_WRITE, &anchor->file);
    if (err != ERR_OK || TRY(err, load(anchor))) {
        anchor_close(anchor);
        return err;
    }
    *out = anchor;
    return ERR_OK;
}

void anchor_close(struct anchor *anchor)
{
    if (anchor == NULL)
        return;
    anchor->os->file_close(anchor->os->ctx, anchor->file);
    mem_free(anchor);
}

static struct row *find(const struct anchor *anchor, struct str origin)
{
    for (size_t i = 0; i < anchor->count; i++) {
        const struct row *row = &anchor->rows[i];
        if (str_eq((struct str) {row->origin, row->origin_len}, origin))
            return (struct row *)(uintptr_t)row;
    }
    return NULL;
}

bool anchor_get(const struct anchor *anchor, struct str origin, struct anchor_row *out)
{
    const struct row *row = find(anchor, origin);
    if (row != NULL)
        *out = row->value;
    return row != NULL;
}

err_t anchor_put(struct anchor *anchor, struct str origin, const struct anchor_row *value)
{
    if (anchor->dead)
        return ERR_READONLY;
    if (origin.len > LIMIT_KEY_NAME_BYTES)
        return ERR_LIMIT;
    struct row *row = find(anchor, origin);
    if (row == NULL) {
        if (anchor->count == LIMIT_ANCHOR_ROWS)
            return ERR_FULL;
        row = &anchor->rows[anchor->count++];
        memset(row, 0, sizeof *row);
        memcpy(row->origin, origin.at, origin.len);
        row->origin_len = origin.len;
    }
    row->value = *value;
    err_t err = write_slot(anchor);
    anchor->dead = err != ERR_OK;
    return err;
}
