/* bundle read, receipt and watch: volumes in the order of their entries, a record at a time to the node. */
#include <stdio.h>
#include <stdlib.h>

#include "app/file.h"
#include "cli/bundle_file.h"
#include "core/mem.h"
#include "core/wr.h"
#include "os/term.h"

enum { FILES_MAX = CLI_ARGS_MAX, WHY_BYTES = 600, REST_MS = 1000, WATCH_MS = 2000 };

enum outcome {
    OUTCOME_TAKEN, /* read to its end, or nothing in it was new */
    OUTCOME_WAITS, /* for an earlier volume, or for the node */
    OUTCOME_REFUSED,
    OUTCOME_LOST, /* no node answers */
};

/* A file that was given, by its head. */
struct entry {
    const char *path;
    uint64_t from;
    unsigned volume;
    char origin[LEDGER_ORIGIN_MAX + 1];
    enum outcome outcome;
    char why[WHY_BYTES];
};

struct reading {
    struct cli_call *call;
    struct buf request, record;
    char partner[LIMIT_NAME_BYTES + 1]; /* whose volume was read last */
    uint64_t taken, skipped, refused;
    bool ready; /* the node wants the records */
    struct bundle_file file;
};

static void entry_end(struct entry *entry, enum outcome outcome, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void entry_end(struct entry *entry, enum outcome outcome, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(entry->why, sizeof entry->why, fmt, args);
    va_end(args);
    entry->outcome = outcome;
}

/* --- one volume --- */

/* What the node says of it: the last line. */
static void done_take(struct entry *entry, const struct line *line)
{
    static const char *const wait[] = {"wrongstate", "busy", "closed", "timeout", "readonly", "nomem"};
    struct str code = line_error(line, "code"), what = line_error(line, "what"),
               next = line_error(line, "next");
    if (code.len == 0) {
        entry->outcome = OUTCOME_TAKEN;
        return;
    }
    enum outcome outcome = OUTCOME_REFUSED;
    for (size_t i = 0; i < sizeof wait / sizeof wait[0]; i++)
        if (str_eq(code, str_of(wait[i])))
            outcome = OUTCOME_WAITS;
    entry_end(entry, outcome, "%.*s%s%.*s%s", STR_ARG(what), next.len > 0 ? " (" : "", STR_ARG(next),
              next.len > 0 ? ")" : "");
}

static void counts_take(struct reading *r, const struct line *line)
{
    struct str partner = line_str(line, "partner");
    if (partner.len > 0 && partner.len < sizeof r->partner) {
        memcpy(r->partner, partner.at, partner.len);
        r->partner[partner.len] = '\0';
    }
    r->taken += line_u64(line, "taken");
    r->skipped += line_u64(line, "skipped");
    r->refused += line_u64(line, "refused");
}

/* The next line. False: it was the last one, or none came. */
static bool answer(struct reading *r, struct control_link *link, struct entry *entry,
                   struct bundle_progress *progress)
{
    struct str json;
    err_t err = control_line(link, &json);
    struct line *line = err == ERR_OK ? line_read(json) : NULL;
    if (line == NULL) {
        entry_end(entry, OUTCOME_LOST, "the node broke off: %s", err_text(err));
        return false;
    }
    bool last = control_is_done(json);
    r->ready = r->ready || line_is(line, "ready");
    if (last)
        done_take(entry, line);
    else if (line_is(line, "held_already") || line_is(line, "read"))
        counts_take(r, line);
    else if (line_is(line, "page"))
        bundle_progress_at(progress, line_u64(line, "held"));
    line_free(line);
    return !last;
}

static err_t record_send(struct reading *r, struct control_link *link, struct bytes record)
{
    buf_clear(&r->request);
    wr_blob(&r->request, record);
    return buf_err(&r->request) != ERR_OK ? buf_err(&r->request) : control_send(link, buf_bytes(&r->request));
}

/* Records and answers in turn; the empty one says that there are no more. */
static void records_send(struct reading *r, struct control_link *link, struct entry *entry,
                         struct bundle_progress *progress)
{
    const struct os *os = r->call->os;
    err_t err;
    while (!TRY(err, bundle_file_next(os, &r->file, &r->record))) {
        if (TRY(err, record_send(r, link, buf_bytes(&r->record)))) {
            entry_end(entry, OUTCOME_LOST, "the node broke off: %s", err_text(err));
            return;
        }
        if (!answer(r, link, entry, progress))
            return;
    }
    if (err == ERR_IO) {
        entry_end(entry, OUTCOME_WAITS, "it cannot be read: %s", err_text(err));
    } else if (err == ERR_LIMIT) {
        entry_end(entry, OUTCOME_REFUSED, "a record of it was changed: nothing of that page was taken");
    } else if (TRY(err, record_send(r, link, bytes_of(NULL, 0)))) {
        entry_end(entry, OUTCOME_LOST, "the node broke off: %s", err_text(err));
    } else {
        while (answer(r, link, entry, progress))
            ;
    }
}

/* It is ready, or says at once how it ends: all is held already, or the head is refused. */
static void conversation(struct reading *r, struct control_link *link, struct entry *entry,
                         struct bundle_progress *progress)
{
    r->ready = false;
    while (answer(r, link, entry, progress) && !r->ready)
        ;
    if (r->ready)
        records_send(r, link, entry, progress);
}

static void volume_read(struct reading *r, struct entry *entry)
{
    struct fault fault = {0};
    struct control_link link;
    struct bundle_progress progress;
    err_t err = bundle_file_open(r->call->os, entry->path, &r->file, &fault);
    const struct str pairs[] = {STR("head"), buf_str(&r->file.text)};
    bundle_request(&r->request, "bundle.read", pairs, 2);
    if (err != ERR_OK) {
        entry_end(entry, OUTCOME_REFUSED, "%s", fault.what);
    } else if (!control_connect(r->call, &link)) {
        entry_end(entry, OUTCOME_LOST, "no node answers");
    } else {
        bundle_progress_begin(&progress, r->call, entry->path, bundle_from(&r->file.head),
                              bundle_to(&r->file.head));
        err = buf_err(&r->request) != ERR_OK ? buf_err(&r->request)
                                             : control_send(&link, buf_bytes(&r->request));
        if (err != ERR_OK)
            entry_end(entry, OUTCOME_LOST, "the node broke off: %s", err_text(err));
        else
            conversation(r, &link, entry, &progress);
        control_hang_up(&link);
    }
    bundle_file_close(r->call->os, &r->file);
}

/* --- many --- */

static void entry_look(struct reading *r, const char *path, struct entry *entry)
{
    struct fault fault = {0};
    *entry = (struct entry) {.path = path};
    if (bundle_file_open(r->call->os, path, &r->file, &fault) != ERR_OK) {
        entry_end(entry, OUTCOME_REFUSED, "%s", fault.what);
    } else {
        (void)snprintf(entry->origin, sizeof entry->origin, "%.*s", STR_ARG(r->file.head.origin));
        entry->from = bundle_from(&r->file.head);
        entry->volume = r->file.head.volume;
    }
    bundle_file_close(r->call->os, &r->file);
}

static int by_place(const void *a, const void *b)
{
    const struct entry *one = a, *other = b;
    int order = strcmp(one->origin, other->origin);
    if (order != 0)
        return order;
    return one->from != other->from ? (one->from < other->from ? -1 : 1) : 0;
}

static void entry_say(const struct cli_call *call, const struct entry *entry, const struct reading *r,
                      const struct reading *before)
{
    static const char *const words[] = {"taken", "waits", "refused", "waits"};
    struct buf out;
    if (!call->json) {
        if (entry->outcome == OUTCOME_TAKEN)
            (void)printf("%s: %llu taken, %llu held already, %llu refused by this node's rules\n",
                         entry->path, (unsigned long long)(r->taken - before->taken),
                         (unsigned long long)(r->skipped - before->skipped),
                         (unsigned long long)(r->refused - before->refused));
        else
            (void)cli_fail(NULL, "%s: %s", entry->path, entry->why);
        return;
    }
    buf_init(&out, LIMIT_CONTROL_LINE_BYTES);
    buf_printf(&out, "{\"outcome\":\"%s\",\"taken\":%llu,\"skipped\":%llu,\"refused\":%llu",
               words[entry->outcome], (unsigned long long)(r->taken - before->taken),
               (unsigned long long)(r->skipped - before->skipped),
               (unsigned long long)(r->refused - before->refused));
    print_member(&out, "file", str_of(entry->path));
    if (entry->outcome != OUTCOME_TAKEN)
        print_member(&out, "what", str_of(entry->why));
    (void)printf("%.*s}\n", STR_ARG(buf_str(&out)));
    buf_deinit(&out);
}

/* In the order of their entries, whatever the order they came in. */
static void entries_read(struct reading *r, struct entry *entries, size_t count)
{
    qsort(entries, count, sizeof *entries, by_place);
    for (size_t i = 0; i < count; i++) {
        struct reading before = {.taken = r->taken, .skipped = r->skipped, .refused = r->refused};
        if (entries[i].origin[0] != '\0')
            volume_read(r, &entries[i]);
        entry_say(r->call, &entries[i], r, &before);
    }
}

/* --- the receipt --- */

static int receipt_write(const struct reading *r, const char *path, const struct line *line)
{
    err_t err = file_replace(r->call->os, ".", path, bytes_from_str(line_str(line, "report")));
    return err == ERR_OK ? CLI_OK : cli_fail(NULL, "%s: %s", path, err_text(err));
}

static void receipt_say(const struct reading *r, struct str json, const struct line *line)
{
    if (r->call->json)
        (void)printf("%.*s\n", STR_ARG(json));
    else
        (void)printf("receipt to read out: %llu %.*s\n", (unsigned long long)line_u64(line, "size"),
                     STR_ARG(line_str(line, "words")));
}

/* `path` NULL: only the words; `dir`: under a name of its own there. */
static int receipt_make(struct reading *r, const char *path, const char *dir)
{
    struct control_link link;
    struct str json;
    char name[LIMIT_PATH_BYTES];
    int status = CLI_FAILED;
    err_t err;
    const struct str pairs[] = {STR("audience"), str_of(r->partner)};
    bundle_request(&r->request, "bundle.report", pairs, 2);
    if (!control_connect(r->call, &link))
        return CLI_FAILED;
    err = control_send(&link, buf_bytes(&r->request));
    bool good = true;
    while (err == ERR_OK && !TRY(err, control_line(&link, &json))) {
        if (control_is_done(json)) {
            status = control_result(json);
            break;
        }
        struct line *line = line_read(json);
        if (line == NULL)
            continue;
        receipt_say(r, json, line);
        if (dir != NULL) {
            (void)snprintf(name, sizeof name, "%s/%s-%llu.receipt", dir, r->partner,
                           (unsigned long long)line_u64(line, "size"));
            path = name;
        }
        good = path == NULL || receipt_write(r, path, line) == CLI_OK;
        line_free(line);
    }
    control_hang_up(&link);
    if (err != ERR_OK)
        return cli_fail("read any volume again: it makes the receipt again", "%s", err_text(err));
    return good ? status : CLI_FAILED;
}

static struct reading *reading_new(struct cli_call *call)
{
    struct reading *r = mem_alloc(sizeof *r);
    if (r == NULL)
        return NULL;
    r->call = call;
    buf_init(&r->request, LIMIT_CONTROL_LINE_BYTES);
    buf_init(&r->record, BUNDLE_SEALED_BYTES);
    return r;
}

static void reading_free(struct reading *r)
{
    buf_deinit(&r->request);
    buf_deinit(&r->record);
    mem_free(r);
}

int run_bundle_read(struct cli_call *call)
{
    struct reading *r = reading_new(call);
    struct entry *entries = mem_alloc_array(call->arg_count, sizeof *entries);
    int status = CLI_FAILED;
    if (r == NULL || entries == NULL) {
        status = cli_fail(NULL, "%s", err_text(ERR_NOMEM));
        goto out;
    }
    for (size_t i = 0; i < call->arg_count; i++)
        entry_look(r, call->args[i], &entries[i]);
    entries_read(r, entries, call->arg_count);
    status = r->partner[0] == '\0' ? CLI_FAILED : receipt_make(r, cli_option(call, "receipt"), NULL);
    for (size_t i = 0; i < call->arg_count; i++)
        if (entries[i].outcome != OUTCOME_TAKEN)
            status = CLI_FAILED;
out:
    mem_free(entries);
    if (r != NULL)
        reading_free(r);
    return status;
}

/* --- at the issuer --- */

static bool is_number(const char *text)
{
    uint64_t number;
    return str_to_u64(str_of(text), UINT64_MAX, &number);
}

int run_bundle_receipt(struct cli_call *call)
{
    struct buf text, member;
    bool words = is_number(call->args[1]), good = true;
    if (!words && call->arg_count > 2)
        return cli_usage(call, "a file, or a number and words");
    buf_init(&text, LIMIT_BUNDLE_REPORT_BYTES);
    buf_init(&member, 2 * (size_t)LIMIT_BUNDLE_REPORT_BYTES);
    if (!words)
        good = cli_read(call, call->args[1], &text);
    for (size_t i = 1; words && i < call->arg_count; i++) {
        buf_put_str(&text, str_of(call->args[i]));
        buf_putc(&text, i == 1 ? '\n' : ' ');
    }
    if (good && (buf_err(&text) != ERR_OK || !str_is_utf8(buf_str(&text))))
        good = cli_fail(NULL, "that is no receipt of a bundle") == CLI_OK;
    print_member(&member, words ? "words" : "report", buf_str(&text));
    buf_putc(&member, '\0');
    call->extra = (const char *)member.at;
    call->arg_count = 1;
    int status = good && buf_err(&member) == ERR_OK ? control_run(call) : CLI_FAILED;
    call->extra = NULL;
    buf_deinit(&text);
    buf_deinit(&member);
    return status;
}

/* --- watching --- */

struct seen_file {
    char path[LIMIT_PATH_BYTES];
    uint64_t size;
    bool rests; /* as large as when it was last looked at */
    bool told;  /* that it waits */
    bool there; /* in the last look */
};

struct watching {
    struct reading *r;
    const char *dir, *receipts;
    struct seen_file *files;
    size_t count;
};

/* Parts that are still being written have names of their own. */
static bool name_counts(struct str name)
{
    return name.len > 0 && name.at[0] != '.' && !str_ends(name, STR(".part")) &&
           !str_ends(name, STR(".reason")) && !str_ends(name, STR(".receipt"));
}

static bool file_bytes(const struct os *os, const char *path, uint64_t *out)
{
    struct os_file *file;
    if (os->file_open(os->ctx, path, OS_READ, &file) != ERR_OK)
        return false;
    bool good = os->file_size(os->ctx, file, out) == ERR_OK;
    os->file_close(os->ctx, file);
    return good;
}

static err_t look_at(void *ctx, const char *name)
{
    struct watching *w = ctx;
    char path[LIMIT_PATH_BYTES];
    uint64_t size;
    int len = snprintf(path, sizeof path, "%s/%s", w->dir, name);
    if (!name_counts(str_of(name)) || len < 0 || (size_t)len >= sizeof path ||
        !file_bytes(w->r->call->os, path, &size))
        return ERR_OK;
    struct seen_file *file = NULL;
    for (size_t i = 0; i < w->count && file == NULL; i++)
        if (strcmp(w->files[i].path, path) == 0)
            file = &w->files[i];
    if (file == NULL && w->count == FILES_MAX)
        return ERR_OK; /* the next look, when others are done */
    if (file == NULL) {
        file = &w->files[w->count++];
        *file = (struct seen_file) {.size = UINT64_MAX};
        memcpy(file->path, path, (size_t)len + 1);
    }
    file->rests = file->size == size;
    file->size = size;
    file->there = true;
    return ERR_OK;
}

static err_t look(struct watching *w)
{
    const struct os *os = w->r->call->os;
    for (size_t i = 0; i < w->count; i++)
        w->files[i].there = false;
    err_t err = os->dir_list(os->ctx, w->dir, look_at, w);
    size_t kept = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->files[i].there)
            w->files[kept++] = w->files[i];
    w->count = kept;
    return err;
}

/* Out of the way: done/, or refused/ with the reason beside it. */
static void put_away(struct watching *w, const struct entry *entry)
{
    const struct os *os = w->r->call->os;
    bool taken = entry->outcome == OUTCOME_TAKEN;
    char dir[LIMIT_PATH_BYTES], to[LIMIT_PATH_BYTES], reason[LIMIT_PATH_BYTES];
    struct buf text;
    int len = snprintf(dir, sizeof dir, "%s/%s", w->dir, taken ? "done" : "refused");
    if (len < 0 || (size_t)len >= sizeof dir)
        return;
    len = snprintf(to, sizeof to, "%s%s", dir, strrchr(entry->path, '/'));
    if (len < 0 || (size_t)len >= sizeof to)
        return;
    len = snprintf(reason, sizeof reason, "%s.reason", to);
    err_t err = os->dir_make(os->ctx, dir);
    buf_init(&text, sizeof entry->why + 2);
    buf_printf(&text, "%s\n", entry->why);
    if (err == ERR_OK && !taken && len > 0 && (size_t)len < sizeof reason)
        err = file_replace(os, dir, reason, buf_bytes(&text));
    buf_deinit(&text);
    if (err == ERR_OK && !TRY(err, os->path_rename(os->ctx, entry->path, to)))
        err = os->dir_sync(os->ctx, dir);
    if (err != ERR_OK)
        (void)cli_fail("it is read again, which does no harm", "%s could not be put away: %s", entry->path,
                       err_text(err));
}

static struct seen_file *file_of(struct watching *w, const char *path)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->files[i].path, path) == 0)
            return &w->files[i];
    return NULL;
}

/* What rests is read; told once of what waits. */
static void watch_read(struct watching *w, struct entry *entries)
{
    size_t count = 0;
    for (size_t i = 0; i < w->count; i++)
        if (w->files[i].rests)
            entry_look(w->r, w->files[i].path, &entries[count++]);
    qsort(entries, count, sizeof *entries, by_place);
    uint64_t taken = w->r->taken;
    for (size_t i = 0; i < count; i++) {
        struct reading before = {.taken = w->r->taken, .skipped = w->r->skipped, .refused = w->r->refused};
        struct seen_file *file = file_of(w, entries[i].path);
        if (entries[i].origin[0] != '\0')
            volume_read(w->r, &entries[i]);
        bool waits = entries[i].outcome == OUTCOME_WAITS || entries[i].outcome == OUTCOME_LOST;
        if (!waits || !file->told)
            entry_say(w->r->call, &entries[i], w->r, &before);
        file->told = waits;
        if (!waits)
            put_away(w, &entries[i]);
    }
    (void)fflush(stdout);
    if (w->r->taken > taken && w->receipts != NULL)
        (void)receipt_make(w->r, NULL, w->receipts);
}

static int watch(struct watching *w, struct entry *entries, bool once)
{
    for (;;) {
        err_t err = look(w);
        if (err == ERR_OK && once) {
            os_term_pause(REST_MS);
            err = look(w);
        }
        if (err != ERR_OK)
            return cli_fail("is it there?", "%s: %s", w->dir, err_text(err));
        watch_read(w, entries);
        if (once)
            return CLI_OK;
        os_term_pause(WATCH_MS);
    }
}

int run_bundle_watch(struct cli_call *call)
{
    struct watching w = {
        .r = reading_new(call), .dir = call->args[0], .receipts = cli_option(call, "receipts")};
    struct entry *entries = mem_alloc_array(FILES_MAX, sizeof *entries);
    int status = CLI_FAILED;
    w.files = mem_alloc_array(FILES_MAX, sizeof *w.files);
    if (w.r == NULL || entries == NULL || w.files == NULL)
        status = cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    else
        status = watch(&w, entries, cli_option(call, "once") != NULL);
    mem_free(entries);
    mem_free(w.files);
    if (w.r != NULL)
        reading_free(w.r);
    return status;
}
