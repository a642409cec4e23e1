#include "lose.h"

#include <stdlib.h>
#include <string.h>

#include "core/wr.h"

enum { ROWS = 256, KEY_MAX = 128, ID_STAMP = 16, LSN_SIZE = 8 };

struct losing {
    struct index_snap *snap;
    struct row {
        enum index_table table;
        uint8_t key[KEY_MAX];
        size_t len;
    } rows[ROWS];
    size_t count, at;
    uint8_t lsns[ROWS][LSN_SIZE];
    size_t lsn_count;
};

static void lose_row(struct losing *losing, enum index_table table, struct bytes key)
{
    must(losing->count < ROWS && key.len <= KEY_MAX);
    struct row *row = &losing->rows[losing->count++];
    row->table = table;
    row->len = key.len;
    memcpy(row->key, key.at, key.len);
}

static bool is_lost(const struct losing *losing, const uint8_t *lsn)
{
    for (size_t i = 0; i < losing->lsn_count; i++)
        if (memcmp(losing->lsns[i], lsn, LSN_SIZE) == 0)
            return true;
    return false;
}

/* The rows of a table from `from` on, until `take` answers false. */
static err_t walk(struct losing *losing, struct index *index, enum index_table table, struct bytes from,
                  bool (*take)(struct losing *losing, struct bytes key, struct bytes value,
                               struct bytes from))
{
    struct index_cursor *cursor;
    struct bytes key, value;
    err_t err = index->ops->cursor_open(losing->snap, table, from, &cursor);
    if (err != ERR_OK)
        return err;
    while (!TRY(err, index->ops->cursor_next(cursor, &key, &value)) && take(losing, key, value, from))
        continue;
    index->ops->cursor_close(cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static bool take_copy(struct losing *losing, struct bytes key, struct bytes value, struct bytes from)
{
    (void)value;
    if (key.len != from.len + ID_STAMP + LSN_SIZE || memcmp(key.at, from.at, from.len) != 0)
        return false;
    memcpy(losing->lsns[losing->lsn_count++], key.at + key.len - LSN_SIZE, LSN_SIZE);
    lose_row(losing, TABLE_ID, key);
    return losing->lsn_count < ROWS / 4;
}

/* 'I' source, leaf: which of a partner's leaves brought it. */
static bool take_received(struct losing *losing, struct bytes key, struct bytes value, struct bytes from)
{
    if (key.len == 0 || key.at[0] != from.at[0])
        return false;
    if (value.len == LSN_SIZE && is_lost(losing, value.at))
        lose_row(losing, TABLE_FACT, key);
    return true;
}

static bool take_source(struct losing *losing, struct bytes key, struct bytes value, struct bytes from)
{
    (void)value;
    (void)from;
    if (is_lost(losing, key.at + key.len - LSN_SIZE))
        lose_row(losing, TABLE_SOURCE, key);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct row *one = a, *other = b;
    return one->table != other->table
               ? (one->table > other->table) - (one->table < other->table)
               : index_key_cmp(bytes_of(one->key, one->len), bytes_of(other->key, other->len));
}

static bool next_change(void *ctx, struct index_change *out)
{
    struct losing *losing = ctx;
    if (losing->at == losing->count)
        return false;
    const struct row *row = &losing->rows[losing->at++];
    *out =
        (struct index_change) {.table = row->table, .is_delete = true, .key = bytes_of(row->key, row->len)};
    return true;
}

err_t lose_object(struct index *index, const struct stix_key *key, size_t *out_rows)
{
    static const uint8_t received[] = {'I'}, first[] = {0};
    struct losing *losing = calloc(1, sizeof *losing);
    must(losing != NULL);
    err_t err = index->ops->snap_begin(index, &losing->snap);
    if (err == ERR_OK)
        err = walk(losing, index, TABLE_ID, bytes_of(key->b, STIX_KEY_SIZE), take_copy);
    if (err == ERR_OK && losing->lsn_count > 0)
        err = walk(losing, index, TABLE_FACT, bytes_of(received, 1), take_received);
    if (err == ERR_OK && losing->lsn_count > 0)
        err = walk(losing, index, TABLE_SOURCE, bytes_of(first, 1), take_source);
    uint64_t applied = err == ERR_OK ? index->ops->applied_lsn(losing->snap) : 0;
    index->ops->snap_end(losing->snap);
    qsort(losing->rows, losing->count, sizeof losing->rows[0], by_place);
    struct index_batch batch = {next_change, losing};
    if (err == ERR_OK && losing->count > 0)
        err = index->ops->apply(index, &batch, applied);
    *out_rows = losing->count;
    free(losing);
    return err;
}
