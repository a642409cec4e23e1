#include "cli/bundle_file.h"

#include <stdio.h>

#include "core/rd.h"
#include "os/term.h"
#include "json/json.h"

enum { BAR_CELLS = 30, TOLD_EVERY_US = 5000000 };

/* --- a volume --- */

static err_t head_read(const struct os *os, struct bundle_file *file, struct fault *fault)
{
    uint8_t length[BUNDLE_LENGTH_SIZE];
    struct note note;
    err_t err;
    if (file->size < sizeof length || TRY(err, os->file_read(os->ctx, file->file, 0, length, sizeof length)))
        return fault_set(fault, ERR_SHORT, 0, "it is no bundle: it is too short");
    struct rd rd = rd_of(bytes_of(length, sizeof length));
    uint32_t len = rd_u32(&rd);
    if (len > LIMIT_BUNDLE_HEAD_BYTES || len > file->size - sizeof length)
        return fault_set(fault, ERR_SYNTAX, 0, "it is no bundle, or its beginning was changed");
    uint8_t *to = buf_extend(&file->text, len);
    if (to == NULL)
        return fault_set(fault, len == 0 ? ERR_SYNTAX : ERR_NOMEM, 0, "it is no bundle");
    if (TRY(err, os->file_read(os->ctx, file->file, sizeof length, to, len)))
        return fault_set(fault, err, 0, "%s", err_text(err));
    file->at = sizeof length + len;
    if (TRY(err, note_parse(buf_str(&file->text), &note, fault)))
        return err;
    return bundle_head_read(note.text, &file->head, fault);
}

err_t bundle_file_open(const struct os *os, const char *path, struct bundle_file *out, struct fault *fault)
{
    err_t err;
    *out = (struct bundle_file) {.file = NULL};
    buf_init(&out->text, LIMIT_BUNDLE_HEAD_BYTES);
    int len = snprintf(out->path, sizeof out->path, "%s", path);
    if (len < 0 || (size_t)len >= sizeof out->path)
        return fault_set(fault, ERR_LIMIT, 0, "the path is too long");
    if (TRY(err, os->file_open(os->ctx, path, OS_READ, &out->file)) ||
        TRY(err, os->file_size(os->ctx, out->file, &out->size)))
        return fault_set(fault, err, 0, "%s", err_text(err));
    return head_read(os, out, fault);
}

void bundle_file_close(const struct os *os, struct bundle_file *file)
{
    os->file_close(os->ctx, file->file);
    buf_deinit(&file->text);
    file->file = NULL;
}

err_t bundle_file_next(const struct os *os, struct bundle_file *file, struct buf *out)
{
    uint8_t length[BUNDLE_LENGTH_SIZE];
    err_t err;
    if (file->at == file->size)
        return ERR_NOTFOUND;
    if (file->size - file->at < sizeof length)
        return ERR_SHORT;
    if (TRY(err, os->file_read(os->ctx, file->file, file->at, length, sizeof length)))
        return err;
    struct rd rd = rd_of(bytes_of(length, sizeof length));
    uint32_t len = rd_u32(&rd);
    if (len < SEALED_RECORD_EXTRA || len > BUNDLE_SEALED_BYTES)
        return ERR_LIMIT;
    if (len > file->size - file->at - sizeof length)
        return ERR_SHORT;
    buf_clear(out);
    uint8_t *to = buf_extend(out, len);
    if (to == NULL)
        return buf_err(out);
    if (TRY(err, os->file_read(os->ctx, file->file, file->at + sizeof length, to, len)))
        return err;
    file->at += sizeof length + len;
    return ERR_OK;
}

/* --- progress --- */

void bundle_progress_begin(struct bundle_progress *progress, const struct cli_call *call, const char *name,
                           uint64_t from, uint64_t to)
{
    *progress = (struct bundle_progress) {.call = call,
                                          .name = name,
                                          .from = from,
                                          .to = to,
                                          .told_us = call->os->mono_us(call->os->ctx),
                                          .bar = !call->json && os_term_is(2)};
}

void bundle_progress_at(struct bundle_progress *progress, uint64_t at)
{
    const struct os *os = progress->call->os;
    uint64_t all = progress->to - progress->from, done = at > progress->from ? at - progress->from : 0;
    unsigned percent = (unsigned)(all == 0 || done >= all ? 100 : done * 100 / all);
    int64_t now = os->mono_us(os->ctx);
    if (!progress->bar) {
        if (progress->call->json || now - progress->told_us < TOLD_EVERY_US)
            return;
        progress->told_us = now;
        (void)fprintf(stderr, "%s: entry %llu of %llu, %u %%\n", progress->name, (unsigned long long)at,
                      (unsigned long long)progress->to, percent);
        return;
    }
    (void)fprintf(stderr, "\r%-24.24s [", progress->name);
    for (unsigned i = 0; i < BAR_CELLS; i++)
        (void)fputc(i < percent * BAR_CELLS / 100 ? '#' : ' ', stderr);
    (void)fprintf(stderr, "] %3u %%, entry %llu%s", percent, (unsigned long long)at,
                  percent == 100 ? "\n" : "");
}

/* --- small things --- */

void bundle_request(struct buf *out, const char *command, const struct str *pairs, size_t count)
{
    buf_clear(out);
    buf_printf(out, "{\"command\":\"%s\",\"args\":{", command);
    for (size_t i = 0; i + 1 < count; i += 2) {
        if (i > 0)
            buf_putc(out, ',');
        json_write_str(out, pairs[i]);
        buf_putc(out, ':');
        json_write_str(out, pairs[i + 1]);
    }
    buf_put_str(out, STR("}}\n"));
}

void bundle_parent(const char *path, char out[LIMIT_PATH_BYTES])
{
    const char *end = strrchr(path, '/');
    int len = end == NULL ? 1 : end == path ? 1 : (int)(end - path);
    (void)snprintf(out, LIMIT_PATH_BYTES, "%.*s", len, end == NULL ? "." : path);
}
