/* Life of the search file, and what goes in. Reading is find.c. */
#include <stdio.h>

#include "core/limit.h"
#include "core/mem.h"
#include "search/state.h"

/* Another number throws files of before away: whenever words or terms are cut in another way. */
#define FORM "3"

err_t search_err(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return ERR_OK;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
        return ERR_CORRUPT;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_READONLY:
        return ERR_READONLY;
    case SQLITE_ERROR:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

void part_name(uint32_t part, char out[PART_NAME_SIZE])
{
    (void)snprintf(out, PART_NAME_SIZE, "p%u", part);
}

static err_t run(sqlite3 *db, const char *sql)
{
    return search_err(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static err_t run_on_part(sqlite3 *db, const char *format, uint32_t part)
{
    char sql[256], name[PART_NAME_SIZE];
    part_name(part, name);
    (void)snprintf(sql, sizeof sql, format, name, name);
    return run(db, sql);
}

static err_t make_part(sqlite3 *db, uint32_t part)
{
    err_t err = run_on_part(
        db, "CREATE VIRTUAL TABLE %s USING fts5(t, w, content='', columnsize=0, tokenize='bongsu')", part);
    return err != ERR_OK ? err
                         : run_on_part(db, "INSERT INTO %s(%s, rank) VALUES('hashsize', 8388608)", part);
}

static int64_t position(uint64_t lsn)
{
    return lsn > INT64_MAX ? INT64_MAX : (int64_t)lsn;
}

static err_t save_part(sqlite3 *db, uint32_t number, const struct part *part)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(db, "REPLACE INTO part VALUES(?1, ?2, ?3, ?4, ?5)", -1, &statement, NULL);
    if (code != SQLITE_OK)
        return ERR_CORRUPT;
    (void)sqlite3_bind_int64(statement, 1, number);
    (void)sqlite3_bind_int64(statement, 2, position(part->from));
    (void)sqlite3_bind_int64(statement, 3, position(part->until));
    (void)sqlite3_bind_int64(statement, 4, position(part->done));
    (void)sqlite3_bind_int64(statement, 5, (int64_t)part->docs);
    (void)sqlite3_step(statement);
    return search_err(sqlite3_finalize(statement));
}

static err_t add_part(struct search *search, const struct part *part)
{
    struct part *parts = mem_grow(search->parts, (search->part_count + 1) * sizeof *parts);
    if (parts == NULL)
        return ERR_NOMEM;
    search->parts = parts;
    search->parts[search->part_count++] = *part;
    return ERR_OK;
}

/* --- connections --- */

static err_t connect_one(const char *path, sqlite3 **out)
{
    sqlite3 *db = NULL;
    int code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    err_t err = search_err(code);
    char cache[64];
    if (err == ERR_OK)
        err = tokens_register(db);
    (void)snprintf(cache, sizeof cache, "PRAGMA cache_size=-%d", LIMIT_SEARCH_CACHE_KIB);
    /* Before anything else: what is deleted is overwritten. */
    if (err == ERR_OK)
        err =
            run(db, "PRAGMA secure_delete=ON; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA temp_store=MEMORY; PRAGMA busy_timeout=2000; PRAGMA journal_size_limit=16777216");
    if (err == ERR_OK)
        err = run(db, cache);
    if (err != ERR_OK) {
        (void)sqlite3_close(db);
        return err;
    }
    *out = db;
    return ERR_OK;
}

static void disconnect(struct search *search)
{
    (void)sqlite3_close(search->reader);
    (void)sqlite3_close(search->writer);
    search->reader = search->writer = NULL;
}

static err_t connect_both(struct search *search)
{
    err_t err;
    if (TRY(err, connect_one(search->path, &search->writer)) ||
        TRY(err, connect_one(search->path, &search->reader)))
        disconnect(search);
    return err;
}

/* --- opening --- */

static err_t begin_empty(struct search *search)
{
    struct part first = {.from = search->first_lsn, .until = UINT64_MAX, .done = search->first_lsn};
    sqlite3_stmt *statement;
    err_t err;
    search->part_count = 0;
    if (TRY(err,
            run(search->writer, "BEGIN; CREATE TABLE meta(form TEXT, node TEXT);"
                                "CREATE TABLE part(number INTEGER PRIMARY KEY, first INTEGER, until INTEGER,"
                                " done INTEGER, docs INTEGER)")))
        return err;
    if (sqlite3_prepare_v2(search->writer, "INSERT INTO meta VALUES(" FORM ", ?1)", -1, &statement, NULL) !=
        SQLITE_OK)
        return ERR_CORRUPT;
    (void)sqlite3_bind_text(statement, 1, search->node, (int)search->node_len, SQLITE_STATIC);
    (void)sqlite3_step(statement);
    if (TRY(err, search_err(sqlite3_finalize(statement))) || TRY(err, make_part(search->writer, 0)) ||
        TRY(err, save_part(search->writer, 0, &first)) || TRY(err, run(search->writer, "COMMIT")))
        return err;
    return add_part(search, &first);
}

static err_t check_owner(struct search *search)
{
    sqlite3_stmt *statement;
    struct str node = {search->node, search->node_len};
    err_t err = ERR_CORRUPT;
    if (sqlite3_prepare_v2(search->reader, "SELECT node FROM meta WHERE form = " FORM, -1, &statement,
                           NULL) != SQLITE_OK)
        return ERR_CORRUPT;
    if (sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL &&
        str_eq(node, str_of((const char *)sqlite3_column_text(statement, 0))))
        err = ERR_OK;
    (void)sqlite3_finalize(statement);
    return err;
}

static uint64_t column(sqlite3_stmt *statement, int number)
{
    int64_t value = sqlite3_column_int64(statement, number);
    return value < 0 ? 0 : value == INT64_MAX ? UINT64_MAX : (uint64_t)value;
}

/* Parts follow one another without gaps; the last one is open. */
static err_t check_parts(const struct search *search, uint64_t end_lsn)
{
    uint64_t from = search->first_lsn;
    for (uint32_t i = 0; i < search->part_count; i++) {
        const struct part *part = &search->parts[i];
        bool last = i + 1 == search->part_count;
        if (part->from != from || part->done < from || part->done > part->until || part->done > end_lsn ||
            last != (part->until == UINT64_MAX))
            return ERR_CORRUPT;
        from = part->until;
    }
    return search->part_count == 0 ? ERR_CORRUPT : ERR_OK;
}

static err_t load(struct search *search, uint64_t end_lsn)
{
    sqlite3_stmt *statement;
    err_t err = check_owner(search);
    search->part_count = 0;
    if (err != ERR_OK)
        return err;
    if (sqlite3_prepare_v2(search->reader, "SELECT first, until, done, docs FROM part ORDER BY number", -1,
                           &statement, NULL) != SQLITE_OK)
        return ERR_CORRUPT;
    while (err == ERR_OK && sqlite3_step(statement) == SQLITE_ROW) {
        struct part part = {column(statement, 0), column(statement, 1), column(statement, 2),
                            column(statement, 3)};
        err = add_part(search, &part);
    }
    err_t end = search_err(sqlite3_finalize(statement));
    if (err == ERR_OK)
        err = end;
    return err != ERR_OK ? err : check_parts(search, end_lsn);
}

enum { SIDE_FILES = 3 };
static const char *const side[SIDE_FILES] = {"", "-wal", "-shm"};

static void side_path(const struct search *search, unsigned which, char out[LIMIT_PATH_BYTES])
{
    (void)snprintf(out, LIMIT_PATH_BYTES, "%s%s", search->path, side[which]);
}

static err_t remove_files(const struct search *search)
{
    char path[LIMIT_PATH_BYTES];
    err_t err = ERR_OK;
    for (unsigned i = 0; i < SIDE_FILES && err == ERR_OK; i++) {
        side_path(search, i, path);
        err = search->os->path_unlink(search->os->ctx, path);
        err = err == ERR_NOTFOUND ? ERR_OK : err;
    }
    return err;
}

/* The file first, by us: with mode 0600, which its companions take over. */
static err_t make_file(const struct search *search, bool *out_new)
{
    struct os_file *file;
    const struct os *os = search->os;
    err_t err = os->file_open(os->ctx, search->path, OS_WRITE | OS_CREATE | OS_EXCLUSIVE, &file);
    *out_new = err == ERR_OK;
    if (err == ERR_OK)
        os->file_close(os->ctx, file);
    return err == ERR_EXISTS ? ERR_OK : err;
}

err_t search_reset(struct search *search)
{
    bool fresh;
    err_t err;
    disconnect(search);
    if (TRY(err, remove_files(search)) || TRY(err, make_file(search, &fresh)) ||
        TRY(err, connect_both(search)))
        return err;
    return begin_empty(search);
}

err_t search_open(const struct search_setup *setup, struct search **out, bool *out_remade)
{
    struct str path = str_of(setup->path);
    bool fresh = false;
    err_t err = ERR_LIMIT;
    struct search *search = mem_alloc(sizeof *search);
    if (search == NULL)
        return ERR_NOMEM;
    search->os = setup->os;
    search->first_lsn = setup->first_lsn;
    search->path = mem_alloc(path.len + 1);
    if (search->path == NULL || setup->node.len > sizeof search->node ||
        path.len + sizeof "-wal" > LIMIT_PATH_BYTES)
        goto out;
    memcpy(search->path, path.at, path.len);
    memcpy(search->node, setup->node.at, setup->node.len);
    search->node_len = setup->node.len;
    if (TRY(err, make_file(search, &fresh)))
        goto out;
    err = connect_both(search);
    if (err == ERR_OK)
        err = fresh ? begin_empty(search) : load(search, setup->end_lsn);
    if (err == ERR_CORRUPT || err == ERR_INVALID) {
        err = search_reset(search);
        fresh = false;
        *out_remade = true;
    } else if (err == ERR_OK) {
        *out_remade = false;
    }
out:
    if (err != ERR_OK) {
        search_close(search);
        return err;
    }
    *out = search;
    return ERR_OK;
}

void search_close(struct search *search)
{
    if (search == NULL)
        return;
    disconnect(search);
    mem_free(search->parts);
    mem_free(search->path);
    mem_free(search);
}

/* --- how far it has come --- */

struct search_range search_next(const struct search *search)
{
    uint32_t part = 0;
    while (part + 1 < search->part_count && search->parts[part].done == search->parts[part].until)
        part++;
    return (struct search_range) {part, search->parts[part].done, search->parts[part].until};
}

uint64_t search_applied(const struct search *search)
{
    return search->parts[search->part_count - 1].done;
}

unsigned search_holes(const struct search *search)
{
    unsigned holes = 0;
    for (uint32_t i = 0; i + 1 < search->part_count; i++)
        holes += search->parts[i].done < search->parts[i].until;
    return holes;
}

/* --- in --- */

/* What becomes of a part by a batch; true: it is full, the next one begins behind it. */
static bool part_after(const struct search *search, const struct search_batch *batch, struct part *out)
{
    *out = search->parts[batch->range.part];
    out->docs += batch->count;
    out->done = batch->to;
    if (out->until != UINT64_MAX || out->docs < LIMIT_SEARCH_PART_DOCS)
        return false;
    out->until = batch->to;
    return true;
}

/* Text is never taken for terms, whatever a sender lets it begin with. */
static struct str plain_text(struct str text)
{
    while (text.len > 0 && text.at[0] == TERM_BEGIN)
        text = (struct str) {text.at + 1, text.len - 1};
    return text.len == 0 ? STR("") : text;
}

static err_t put_docs(sqlite3 *db, const struct search_batch *batch)
{
    char sql[128], name[PART_NAME_SIZE];
    uint8_t begin = TERM_BEGIN;
    struct buf terms;
    sqlite3_stmt *statement;
    part_name(batch->range.part, name);
    (void)snprintf(sql, sizeof sql, "INSERT INTO %s(rowid, t, w) VALUES(?1, ?2, ?3)", name);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        return ERR_CORRUPT;
    buf_init(&terms, LIMIT_SEARCH_TERM_BYTES + 1);
    err_t err = ERR_OK;
    for (size_t i = 0; i < batch->count && err == ERR_OK; i++) {
        const struct search_doc *doc = &batch->docs[i];
        buf_clear(&terms);
        buf_put(&terms, &begin, 1);
        buf_put_str(&terms, doc->terms);
        (void)sqlite3_bind_int64(statement, 1, position(doc->lsn));
        (void)sqlite3_bind_text(statement, 2, (const char *)terms.at, (int)terms.len, SQLITE_STATIC);
        struct str text = plain_text(doc->text);
        (void)sqlite3_bind_text(statement, 3, text.at, (int)text.len, SQLITE_STATIC);
        (void)sqlite3_step(statement);
        err = search_err(sqlite3_reset(statement));
    }
    buf_deinit(&terms);
    (void)sqlite3_finalize(statement);
    return err;
}

static err_t add_inside(struct search *search, const struct search_batch *batch)
{
    struct part part;
    bool full = part_after(search, batch, &part);
    err_t err;
    if (TRY(err, put_docs(search->writer, batch)) ||
        TRY(err, save_part(search->writer, batch->range.part, &part)))
        return err;
    if (part.done == part.until) /* nothing more comes: one piece is read faster than several */
        err = run_on_part(search->writer, "INSERT INTO %s(%s) VALUES('optimize')", batch->range.part);
    if (err != ERR_OK || !full)
        return err;
    struct part next = {.from = batch->to, .until = UINT64_MAX, .done = batch->to};
    err = make_part(search->writer, batch->range.part + 1);
    return err != ERR_OK ? err : save_part(search->writer, batch->range.part + 1, &next);
}

err_t search_add(struct search *search, const struct search_batch *batch)
{
    err_t err;
    must(batch->range.part < search->part_count && batch->to >= batch->range.from);
    if (TRY(err, run(search->writer, "BEGIN IMMEDIATE")))
        return err;
    if (TRY(err, add_inside(search, batch)) || TRY(err, run(search->writer, "COMMIT")))
        (void)!run(search->writer, "ROLLBACK");
    return err;
}

err_t search_added(struct search *search, const struct search_batch *batch, err_t err)
{
    struct part part;
    if (err != ERR_OK)
        return err;
    bool full = part_after(search, batch, &part);
    search->parts[batch->range.part] = part;
    if (!full)
        return ERR_OK;
    struct part next = {.from = batch->to, .until = UINT64_MAX, .done = batch->to};
    return add_part(search, &next);
}

/* --- forgetting --- */

static err_t empty_part(struct search *search, uint32_t number, struct part *part)
{
    err_t err;
    part->done = part->from;
    part->docs = 0;
    if (TRY(err, run_on_part(search->writer, "DROP TABLE %s", number)) ||
        TRY(err, make_part(search->writer, number)))
        return err;
    return save_part(search->writer, number, part);
}

/* The journal beside the file holds pages of before: overwritten while nobody has it open. */
static err_t scrub(const struct search *search)
{
    enum { BLOCK = 64 << 10 };
    char path[LIMIT_PATH_BYTES];
    const struct os *os = search->os;
    struct os_file *file;
    uint64_t size = 0;
    side_path(search, 1, path);
    err_t err = os->file_open(os->ctx, path, OS_WRITE, &file);
    if (err != ERR_OK)
        return err == ERR_NOTFOUND ? ERR_OK : err;
    uint8_t *zeros = mem_alloc(BLOCK);
    err = zeros == NULL ? ERR_NOMEM : os->file_size(os->ctx, file, &size);
    for (uint64_t at = 0; err == ERR_OK && at < size; at += BLOCK)
        err = os->file_write(os->ctx, file, at, zeros, size - at < BLOCK ? (size_t)(size - at) : BLOCK);
    if (err == ERR_OK)
        err = os->file_sync(os->ctx, file);
    mem_free(zeros);
    os->file_close(os->ctx, file);
    return err != ERR_OK ? err : os->path_unlink(os->ctx, path);
}

static err_t forget_inside(struct search *search, struct part *parts, const uint64_t *lsns, size_t count)
{
    err_t err = ERR_OK;
    for (uint32_t i = 0; i < search->part_count && err == ERR_OK; i++) {
        bool holds = false;
        for (size_t k = 0; k < count; k++)
            holds |= lsns[k] >= parts[i].from && lsns[k] < parts[i].until;
        if (holds)
            err = empty_part(search, i, &parts[i]);
    }
    return err;
}

err_t search_forget(struct search *search, const uint64_t *lsns, size_t count)
{
    int keep = 1;
    err_t err;
    struct part *parts = mem_alloc_array(search->part_count, sizeof *parts);
    if (parts == NULL)
        return ERR_NOMEM;
    memcpy(parts, search->parts, search->part_count * sizeof *parts);
    if (TRY(err, run(search->writer, "BEGIN IMMEDIATE")))
        goto out;
    if (TRY(err, forget_inside(search, parts, lsns, count)) || TRY(err, run(search->writer, "COMMIT"))) {
        (void)!run(search->writer, "ROLLBACK");
        goto out;
    }
    memcpy(search->parts, parts, search->part_count * sizeof *parts);
    /* Closing writes everything into the file; the journal is to stay for us to overwrite. */
    (void)sqlite3_file_control(search->writer, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    disconnect(search);
    if (!TRY(err, scrub(search)))
        err = connect_both(search);
out:
    mem_free(parts);
    return err;
}
