#include "app/access.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/file.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/stamp.h"
#include "core/wr.h"
#include "json/json.h"

#define DAY_US ((int64_t)86400 * 1000000)

enum { STRANGERS = 4, LINE_MAX = 1024, NOTE_FIELD_MAX = 128, SPANS = 24 };

static const char *const methods[] = {
    [EXCHANGE_GET] = "GET",       [EXCHANGE_HEAD] = "HEAD",       [EXCHANGE_POST] = "POST",
    [EXCHANGE_DELETE] = "DELETE", [EXCHANGE_OPTIONS] = "OPTIONS", [EXCHANGE_OTHER] = "OTHER"};

struct access {
    const struct os *os;
    const struct diag *diag;
    char dir[FILE_PATH_SIZE];
    int64_t keep_us;
    int64_t span_us;                        /* what one file covers at most */
    int64_t starts[LIMIT_ACCESS_FILES + 1]; /* of the files, rising: their names */
    size_t count;
    struct os_file *file; /* the last one, for writing; NULL: not opened yet */
    uint64_t size;
    struct buf pending;
    struct { /* what people that nobody knows asked, since the last tick */
        unsigned status;
        uint64_t requests;
    } strangers[STRANGERS];
    bool dirty, failed;
};

/* --- notes --- */

void access_note_write(struct buf *out, enum exchange_method method, const struct taxii_access *access)
{
    wr_u8(out, (uint8_t)method);
    wr_u64(out, access->objects);
    wr_blob(out, bytes_from_str(access->who));
    wr_blob(out, bytes_from_str(str_of(access->what)));
    wr_blob(out, bytes_from_str(str_of(access->collection)));
    wr_blob(out, bytes_from_str(access->audience));
}

err_t access_note_read(struct bytes note, struct access_entry *out)
{
    struct rd rd = rd_of(note);
    struct access_entry entry = {.requests = 1};
    uint8_t method = rd_u8(&rd);
    entry.objects = rd_u64(&rd);
    entry.who = str_from_bytes(rd_blob(&rd, NOTE_FIELD_MAX));
    entry.what = str_from_bytes(rd_blob(&rd, NOTE_FIELD_MAX));
    entry.collection = str_from_bytes(rd_blob(&rd, NOTE_FIELD_MAX));
    entry.audience = str_from_bytes(rd_blob(&rd, NOTE_FIELD_MAX));
    if (rd_end(&rd) != ERR_OK || method > EXCHANGE_OTHER)
        return ERR_INVALID;
    entry.method = (enum exchange_method)method;
    *out = entry;
    return ERR_OK;
}

/* --- files --- */

static err_t path_of(const struct access *access, int64_t start_us, char out[FILE_PATH_SIZE])
{
    int len = snprintf(out, FILE_PATH_SIZE, "%s/%016llx.jsonl", access->dir, (unsigned long long)start_us);
    return len > 0 && len < FILE_PATH_SIZE ? ERR_OK : ERR_LIMIT;
}

static int by_start(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static err_t name_add(void *ctx, const char *name)
{
    struct access *access = ctx;
    unsigned long long start = 0;
    int used = 0;
    if (sscanf(name, "%16llx.jsonl%n", &start, &used) != 1 || (size_t)used != strlen(name) ||
        access->count == LIMIT_ACCESS_FILES + 1)
        return ERR_OK;
    access->starts[access->count++] = (int64_t)start;
    return ERR_OK;
}

err_t access_open(const struct os *os, const char *dir, unsigned days, const struct diag *diag,
                  struct access **out)
{
    struct access *access = mem_alloc(sizeof *access);
    err_t err;
    if (access == NULL)
        return ERR_NOMEM;
    access->os = os;
    access->diag = diag;
    access->keep_us = (int64_t)days * DAY_US;
    access->span_us = access->keep_us / SPANS;
    buf_init(&access->pending, LIMIT_ACCESS_PENDING_BYTES);
    if (!TRY(err, file_path(dir, ACCESS_DIR, access->dir)) &&
        TRY(err, os->dir_list(os->ctx, access->dir, name_add, access)) && err == ERR_NOTFOUND)
        err = ERR_OK;
    if (err != ERR_OK) {
        access_close(access);
        return err;
    }
    qsort(access->starts, access->count, sizeof *access->starts, by_start);
    *out = access;
    return ERR_OK;
}

static void drop_first(struct access *access)
{
    char path[FILE_PATH_SIZE];
    if (path_of(access, access->starts[0], path) == ERR_OK)
        (void)!access->os->path_unlink(access->os->ctx, path);
    memmove(access->starts, access->starts + 1, --access->count * sizeof *access->starts);
}

/* A file's lines end where the next one begins, and a span after its own begin. */
size_t access_forget(struct access *access, int64_t now_us)
{
    size_t dropped = 0;
    while (access->count > 0 &&
           (access->count > 1 ? access->starts[1] : access->starts[0] + access->span_us) <
               now_us - access->keep_us) {
        if (access->count == 1) {
            access->os->file_close(access->os->ctx, access->file);
            access->file = NULL;
        }
        drop_first(access);
        dropped++;
    }
    return dropped;
}

bool access_oldest(const struct access *access, int64_t *out_us)
{
    if (access->count > 0)
        *out_us = access->starts[0];
    return access->count > 0;
}

static err_t file_begin(struct access *access, int64_t now_us)
{
    char path[FILE_PATH_SIZE];
    const struct os *os = access->os;
    int64_t last_us = access->count > 0 ? access->starts[access->count - 1] : 0;
    int64_t start_us = now_us > last_us ? now_us : last_us + 1; /* names rise, whatever the clock does */
    err_t err;
    os->file_close(os->ctx, access->file);
    access->file = NULL;
    if (TRY(err, os->dir_make(os->ctx, access->dir)) || TRY(err, path_of(access, start_us, path)) ||
        TRY(err, os->file_open(os->ctx, path, OS_WRITE | OS_CREATE, &access->file)) ||
        TRY(err, os->dir_sync(os->ctx, access->dir)))
        return err;
    access->size = 0;
    access->starts[access->count++] = start_us;
    while (access->count > LIMIT_ACCESS_FILES)
        drop_first(access);
    return ERR_OK;
}

/* Goes on where the last run ended. A line that a power cut left unfinished is finished by this one's end. */
static err_t file_resume(struct access *access)
{
    char path[FILE_PATH_SIZE];
    const struct os *os = access->os;
    err_t err;
    uint8_t last = '\n';
    if (TRY(err, path_of(access, access->starts[access->count - 1], path)) ||
        TRY(err, os->file_open(os->ctx, path, OS_WRITE, &access->file)) ||
        TRY(err, os->file_size(os->ctx, access->file, &access->size)) ||
        (access->size > 0 && TRY(err, os->file_read(os->ctx, access->file, access->size - 1, &last, 1))))
        return err;
    if (last == '\n')
        return ERR_OK;
    err = os->file_write(os->ctx, access->file, access->size, "\n", 1);
    access->size++;
    return err;
}

/* A new file when the last one is full or as old as a span: what is kept is told by files. */
static err_t file_ready(struct access *access, int64_t now_us)
{
    err_t err;
    if (access->file == NULL && access->count > 0 && TRY(err, file_resume(access)))
        return err;
    if (access->file != NULL && access->size < LIMIT_ACCESS_FILE_BYTES &&
        now_us - access->starts[access->count - 1] < access->span_us)
        return ERR_OK;
    return file_begin(access, now_us);
}

/* --- writing --- */

static void member(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, value);
}

static void line_write(struct buf *out, const struct access_entry *entry)
{
    char time[TIME_TEXT_SIZE];
    time_text(entry->time_us, time);
    buf_printf(out, "{\"time\":\"%s\"", time);
    member(out, "who", entry->who);
    member(out, "method", str_of(methods[entry->method]));
    member(out, "what", entry->what);
    member(out, "collection", entry->collection);
    /* Of the collections that are written to, the name is a source's. */
    bool of_source = str_eq(entry->collection, STR("inbox")) || str_eq(entry->collection, STR("workspace"));
    member(out, of_source ? "source" : "audience", entry->audience);
    buf_printf(out, ",\"status\":%u,\"requests\":%llu,\"objects\":%llu,\"bytes\":%llu,\"by\":\"%s\"}\n",
               entry->status, (unsigned long long)entry->requests, (unsigned long long)entry->objects,
               (unsigned long long)entry->bytes, entry->by_edge ? "edge" : "core");
}

/* They cost a number, not a line: whoever knocks without a name must not push out what others did. */
static void count_stranger(struct access *access, unsigned status)
{
    size_t slot = 0;
    while (slot < STRANGERS - 1 && access->strangers[slot].requests > 0 &&
           access->strangers[slot].status != status)
        slot++;
    access->strangers[slot].status = status;
    access->strangers[slot].requests++;
}

void access_put(struct access *access, const struct access_entry *entry)
{
    if (entry->who.len == 0)
        count_stranger(access, entry->status);
    if (entry->who.len == 0)
        return;
    if (access->pending.len > LIMIT_ACCESS_PENDING_BYTES - LINE_MAX)
        (void)access_flush(access, entry->time_us);
    line_write(&access->pending, entry);
}

static err_t write_pending(struct access *access, int64_t now_us)
{
    err_t err;
    if (TRY(err, buf_err(&access->pending)) || TRY(err, file_ready(access, now_us)) ||
        TRY(err, access->os->file_write(access->os->ctx, access->file, access->size, access->pending.at,
                                        access->pending.len)))
        return err;
    access->size += access->pending.len;
    access->dirty = true;
    return ERR_OK;
}

bool access_flush(struct access *access, int64_t now_us)
{
    err_t err = access->pending.len == 0 ? ERR_OK : write_pending(access, now_us);
    if (err != ERR_OK && !access->failed)
        diag_say(access->diag, DIAG_ERROR, err, "access", "is the disk full? requests are still answered",
                 "the access record cannot be written: %s", err_text(err));
    access->failed = err != ERR_OK;
    buf_clear(&access->pending);
    return access->dirty || access->strangers[0].requests > 0;
}

void access_tick(struct access *access, int64_t now_us)
{
    for (size_t i = 0; i < STRANGERS && access->strangers[i].requests > 0; i++) {
        const struct access_entry entry = {.time_us = now_us,
                                           .method = EXCHANGE_OTHER,
                                           .status = access->strangers[i].status,
                                           .requests = access->strangers[i].requests};
        line_write(&access->pending, &entry);
        access->strangers[i].requests = 0;
    }
    (void)access_flush(access, now_us);
    /* After a failure what stands there is anybody's guess: the next lines go to another file. */
    if (access->dirty && access->os->file_sync(access->os->ctx, access->file) != ERR_OK)
        (void)!file_begin(access, now_us);
    access->dirty = false;
}

void access_close(struct access *access)
{
    if (access == NULL)
        return;
    access_tick(access, access->os->wall_us(access->os->ctx));
    access->os->file_close(access->os->ctx, access->file);
    buf_deinit(&access->pending);
    mem_free(access);
}

/* --- reading --- */

struct reading {
    int64_t since_us;
    bool (*visit)(void *ctx, struct str line);
    void *ctx;
    bool over;
};

/* Every line begins {"time":"2026-11-22T05:00:00.000000Z" */
static bool line_time(struct str line, int64_t *out_us)
{
    static const char head[] = "{\"time\":\"";
    size_t at = sizeof head - 1;
    struct stamp stamp;
    if (line.len < at + TIME_TEXT_SIZE - 1 || !str_starts(line, str_of(head)) ||
        stamp_parse((struct str) {line.at + at, TIME_TEXT_SIZE - 1}, &stamp, NULL) != ERR_OK)
        return false;
    *out_us = stamp_us(stamp);
    return true;
}

static void read_lines(struct reading *reading, struct str text)
{
    while (text.len > 0 && !reading->over) {
        size_t end = text.at[text.len - 1] == '\n' ? text.len - 1 : text.len, begin = end;
        int64_t time_us;
        while (begin > 0 && text.at[begin - 1] != '\n')
            begin--;
        struct str line = {text.at + begin, end - begin};
        text.len = begin;
        if (!line_time(line, &time_us))
            continue;
        reading->over = time_us < reading->since_us || !reading->visit(reading->ctx, line);
    }
}

static err_t read_file(struct access *access, size_t index, struct reading *reading)
{
    char path[FILE_PATH_SIZE];
    struct buf text;
    err_t err;
    buf_init(&text, LIMIT_ACCESS_FILE_BYTES + LIMIT_ACCESS_PENDING_BYTES);
    if (!TRY(err, path_of(access, access->starts[index], path)) &&
        !TRY(err, file_read_all(access->os, path, &text)))
        read_lines(reading, buf_str(&text));
    buf_deinit(&text);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

err_t access_each(struct access *access, int64_t since_us, bool (*visit)(void *ctx, struct str line),
                  void *ctx)
{
    struct reading reading = {.since_us = since_us, .visit = visit, .ctx = ctx};
    err_t err = ERR_OK;
    access_tick(access, access->os->wall_us(access->os->ctx));
    for (size_t i = access->count; i > 0 && err == ERR_OK && !reading.over; i--)
        err = read_file(access, i - 1, &reading);
    return err;
}
