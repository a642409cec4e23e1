#include "store/index_lmdb.h"

#include <errno.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>

#include "core/limit.h"
#include "core/mem.h"
#include "core/rd.h"
#include "store/frame.h"

enum { READERS_MAX = 64, META_DBI_COUNT = 1 };

/* Address space, not memory and not disk. It can only be changed while nobody reads or writes, so it is
 * chosen when the index is opened: generous at first, and four times what is in use. */
#define MAP_FIRST ((uint64_t)64 << 30)
#define BIRTH_MAP ((uint64_t)1 << 20)

struct index_lmdb {
    struct index index;
    MDB_env *env;
    MDB_dbi tables[TABLE_COUNT];
    MDB_dbi meta;
    atomic_size_t snaps; /* open ones: none may be left at the end */
};

struct index_snap {
    struct index_lmdb *lmdb;
    MDB_txn *txn;
};

struct index_cursor {
    MDB_cursor *cursor;
    MDB_val key;
    bool started;
    uint8_t from[];
};

static const char applied_name[] = "applied_lsn";

static err_t from_mdb(int rc)
{
    switch (rc) {
    case 0:
        return ERR_OK;
    case MDB_NOTFOUND:
        return ERR_NOTFOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_NOMEM;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
    case MDB_INVALID:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_VERSION;
    case MDB_READERS_FULL:
        return ERR_BUSY;
    case EROFS:
        return ERR_READONLY;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case ENOENT:
        return ERR_NOTFOUND;
    default:
        return ERR_IO;
    }
}

static struct index_lmdb *lmdb_of(struct index *index)
{
    return (struct index_lmdb *)index;
}

static MDB_val val_of(struct bytes b)
{
    return (MDB_val) {.mv_size = b.len, .mv_data = (void *)(uintptr_t)b.at};
}

static struct bytes bytes_from(const MDB_val *val)
{
    return bytes_of(val->mv_data, val->mv_size);
}

static void lmdb_close(struct index *index)
{
    if (index == NULL)
        return;
    struct index_lmdb *lmdb = lmdb_of(index);
    must(atomic_load(&lmdb->snaps) == 0);
    if (lmdb->env != NULL)
        mdb_env_close(lmdb->env);
    mem_free(lmdb);
}

/* In a batch most keys go near the one before: a cursor keeps its place. */
static int change_put(MDB_cursor *cursor, const struct index_change *change)
{
    MDB_val key = val_of(change->key);
    MDB_val value = val_of(change->value);
    if (!change->is_delete)
        return mdb_cursor_put(cursor, &key, &value, 0);
    int rc = mdb_cursor_get(cursor, &key, NULL, MDB_SET);
    if (rc == MDB_NOTFOUND)
        return 0;
    return rc == 0 ? mdb_cursor_del(cursor, 0) : rc;
}

static int applied_put(struct index_lmdb *lmdb, MDB_txn *txn, uint64_t lsn)
{
    uint8_t number[8];
    for (size_t i = 0; i < sizeof number; i++)
        number[i] = (uint8_t)(lsn >> (8 * (7 - i)));
    MDB_val key = val_of(bytes_of(applied_name, sizeof applied_name - 1));
    MDB_val value = val_of(bytes_of(number, sizeof number));
    return mdb_put(txn, lmdb->meta, &key, &value, 0);
}

static int batch_put(struct index_lmdb *lmdb, MDB_txn *txn, const struct index_batch *batch)
{
    struct index_change change;
    MDB_cursor *cursor = NULL;
    unsigned table = TABLE_COUNT;
    int rc = 0;
    while (rc == 0 && batch->next(batch->ctx, &change)) {
        if (change.table != table) {
            if (cursor != NULL)
                mdb_cursor_close(cursor);
            cursor = NULL;
            table = change.table;
            rc = mdb_cursor_open(txn, lmdb->tables[table], &cursor);
        }
        if (rc == 0)
            rc = change_put(cursor, &change);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc;
}

static err_t lmdb_apply(struct index *index, const struct index_batch *batch, uint64_t applied_lsn)
{
    struct index_lmdb *lmdb = lmdb_of(index);
    MDB_txn *txn;
    int rc = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
    if (rc != 0)
        return from_mdb(rc);
    rc = batch_put(lmdb, txn, batch);
    if (rc == 0)
        rc = applied_put(lmdb, txn, applied_lsn);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return from_mdb(rc);
    }
    return from_mdb(mdb_txn_commit(txn));
}

static err_t lmdb_reset(struct index *index)
{
    struct index_lmdb *lmdb = lmdb_of(index);
    MDB_txn *txn;
    int rc = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
    if (rc != 0)
        return from_mdb(rc);
    for (size_t t = 0; t < TABLE_COUNT && rc == 0; t++)
        rc = mdb_drop(txn, lmdb->tables[t], 0);
    if (rc == 0)
        rc = mdb_drop(txn, lmdb->meta, 0);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return from_mdb(rc);
    }
    return from_mdb(mdb_txn_commit(txn));
}

static err_t snap_begin(struct index *index, struct index_snap **out)
{
    struct index_lmdb *lmdb = lmdb_of(index);
    struct index_snap *snap = mem_alloc(sizeof *snap);
    if (snap == NULL)
        return ERR_NOMEM;
    *snap = (struct index_snap) {.lmdb = lmdb};
    int rc = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &snap->txn);
    if (rc != 0) {
        mem_free(snap);
        return from_mdb(rc);
    }
    atomic_fetch_add(&lmdb->snaps, 1);
    *out = snap;
    return ERR_OK;
}

static void snap_end(struct index_snap *snap)
{
    if (snap == NULL)
        return;
    mdb_txn_abort(snap->txn);
    atomic_fetch_sub(&snap->lmdb->snaps, 1);
    mem_free(snap);
}

static uint64_t snap_applied(struct index_snap *snap)
{
    MDB_val key = val_of(bytes_of(applied_name, sizeof applied_name - 1));
    MDB_val value;
    if (mdb_get(snap->txn, snap->lmdb->meta, &key, &value) != 0)
        return LSN_NONE;
    struct rd rd = rd_of(bytes_from(&value));
    return rd_u64(&rd);
}

static err_t snap_get(struct index_snap *snap, enum index_table table, struct bytes key, struct bytes *out)
{
    MDB_val k = val_of(key);
    MDB_val v;
    int rc = mdb_get(snap->txn, snap->lmdb->tables[table], &k, &v);
    if (rc == 0)
        *out = bytes_from(&v);
    return from_mdb(rc);
}

static err_t cursor_open(struct index_snap *snap, enum index_table table, struct bytes from,
                         struct index_cursor **out)
{
    struct index_cursor *cursor = mem_alloc(sizeof *cursor + from.len);
    if (cursor == NULL)
        return ERR_NOMEM;
    if (from.len > 0)
        memcpy(cursor->from, from.at, from.len);
    cursor->key = (MDB_val) {from.len, cursor->from};
    int rc = mdb_cursor_open(snap->txn, snap->lmdb->tables[table], &cursor->cursor);
    if (rc != 0) {
        mem_free(cursor);
        return from_mdb(rc);
    }
    *out = cursor;
    return ERR_OK;
}

static err_t cursor_next(struct index_cursor *cursor, struct bytes *out_key, struct bytes *out_value)
{
    MDB_cursor_op op = cursor->started ? MDB_NEXT : cursor->key.mv_size == 0 ? MDB_FIRST : MDB_SET_RANGE;
    MDB_val key = cursor->key;
    MDB_val value;
    int rc = mdb_cursor_get(cursor->cursor, &key, &value, op);
    cursor->started = true;
    if (rc != 0)
        return from_mdb(rc);
    *out_key = bytes_from(&key);
    *out_value = bytes_from(&value);
    return ERR_OK;
}

static void cursor_close(struct index_cursor *cursor)
{
    if (cursor == NULL)
        return;
    mdb_cursor_close(cursor->cursor);
    mem_free(cursor);
}

static int tables_open(struct index_lmdb *lmdb, bool read_only)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(lmdb->env, NULL, read_only ? MDB_RDONLY : 0, &txn);
    if (rc != 0)
        return rc;
    unsigned flags = read_only ? 0 : MDB_CREATE;
    for (unsigned t = 0; t < TABLE_COUNT && rc == 0; t++)
        rc = mdb_dbi_open(txn, index_table_name(t), flags, &lmdb->tables[t]);
    if (rc == 0)
        rc = mdb_dbi_open(txn, "meta", flags, &lmdb->meta);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

static int map_choose(struct index_lmdb *lmdb, uint64_t map_bytes)
{
    MDB_envinfo info;
    MDB_stat stat;
    int rc = mdb_env_info(lmdb->env, &info);
    if (rc == 0)
        rc = mdb_env_stat(lmdb->env, &stat);
    if (rc != 0)
        return rc;
    uint64_t want = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize * 4;
    if (map_bytes == 0 && want > info.me_mapsize)
        return mdb_env_set_mapsize(lmdb->env, want);
    return 0;
}

static const struct index_ops ops = {
    .close = lmdb_close,
    .apply = lmdb_apply,
    .reset = lmdb_reset,
    .snap_begin = snap_begin,
    .snap_end = snap_end,
    .applied_lsn = snap_applied,
    .get = snap_get,
    .cursor_open = cursor_open,
    .cursor_next = cursor_next,
    .cursor_close = cursor_close,
};

static err_t open_at(const char *path, unsigned flags, uint64_t map_bytes, struct index **out)
{
    bool read_only = (flags & MDB_RDONLY) != 0;
    struct index_lmdb *lmdb = mem_alloc(sizeof *lmdb);
    if (lmdb == NULL)
        return ERR_NOMEM;
    lmdb->index.ops = &ops;
    atomic_init(&lmdb->snaps, 0);
    int rc = mdb_env_create(&lmdb->env);
    if (rc == 0)
        rc = mdb_env_set_maxdbs(lmdb->env, TABLE_COUNT + META_DBI_COUNT);
    if (rc == 0)
        rc = mdb_env_set_maxreaders(lmdb->env, READERS_MAX);
    if (rc == 0)
        rc = mdb_env_set_mapsize(lmdb->env, map_bytes == 0 ? MAP_FIRST : map_bytes);
    if (rc == 0)
        rc = mdb_env_open(lmdb->env, path, MDB_NOTLS | MDB_NORDAHEAD | flags, 0600);
    if (rc == 0)
        rc = map_choose(lmdb, map_bytes);
    if (rc == 0)
        rc = tables_open(lmdb, read_only);
    if (rc != 0) {
        lmdb_close(&lmdb->index);
        return from_mdb(rc);
    }
    *out = &lmdb->index;
    return ERR_OK;
}

err_t index_lmdb_open(const char *dir, uint64_t map_bytes, bool read_only, struct index **out)
{
    return open_at(dir, read_only ? MDB_RDONLY : 0, map_bytes, out);
}

/* --- its birth --- */

static err_t path_in(const char *dir, const char *name, char out[LIMIT_PATH_BYTES])
{
    return (size_t)snprintf(out, LIMIT_PATH_BYTES, "%s/%s", dir, name) < LIMIT_PATH_BYTES ? ERR_OK
                                                                                          : ERR_LIMIT;
}

/* LMDB writes the first pages of a file without a sync: it gets its name once they have had one. */
static err_t make_under(const struct os *os, const char *born, const char *born_lock, const char *path,
                        const char *dir)
{
    struct index *index;
    err_t err = os->path_unlink(os->ctx, born);
    if ((err != ERR_OK && err != ERR_NOTFOUND) || TRY(err, open_at(born, MDB_NOSUBDIR, BIRTH_MAP, &index)))
        return err;
    lmdb_close(index);
    if (TRY(err, os->path_unlink(os->ctx, born_lock)) || TRY(err, os->path_rename(os->ctx, born, path)))
        return err;
    return os->dir_sync(os->ctx, dir);
}

/* ERR_NOTFOUND: it is not born yet. */
static err_t stands(const struct os *os, const char *path)
{
    struct os_file *file;
    err_t err = os->file_open(os->ctx, path, OS_READ, &file);
    if (err == ERR_OK)
        os->file_close(os->ctx, file);
    return err;
}

/* Who had the lock in between may have made it. With the name there the lock guards nothing more, and goes.
 */
static err_t make_locked(const struct os *os, struct os_file *file, const char *lock, const char *dir,
                         const char *path)
{
    char born[LIMIT_PATH_BYTES], born_lock[LIMIT_PATH_BYTES];
    err_t err;
    if (TRY(err, path_in(dir, "born.mdb", born)) || TRY(err, path_in(dir, "born.mdb-lock", born_lock)) ||
        TRY(err, os->file_lock(os->ctx, file)))
        return err;
    err = stands(os, path);
    if (err == ERR_NOTFOUND && !TRY(err, make_under(os, born, born_lock, path, dir)))
        err = os->path_unlink(os->ctx, lock);
    return err;
}

err_t index_lmdb_make(const struct os *os, const char *dir)
{
    char path[LIMIT_PATH_BYTES], lock[LIMIT_PATH_BYTES];
    struct os_file *file;
    err_t err;
    if (TRY(err, path_in(dir, "data.mdb", path)) || TRY(err, path_in(dir, "birth.lock", lock)))
        return err;
    err = stands(os, path);
    if (err != ERR_NOTFOUND || TRY(err, os->file_open(os->ctx, lock, OS_WRITE | OS_CREATE, &file)))
        return err;
    err = make_locked(os, file, lock, dir, path);
    os->file_close(os->ctx, file);
    return err;
}
