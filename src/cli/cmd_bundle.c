/* bundle write: a volume a file, each under a name of its own until it is whole and on the disk. */
#include <stdio.h>

#include "app/file.h"
#include "cli/bundle_file.h"
#include "core/mem.h"
#include "core/wr.h"

struct writer {
    struct cli_call *call;
    const char *out;
    struct bundle_plan plan;
    char audience[LIMIT_NAME_BYTES + 1];
    bool planned, nothing;
    uint64_t visible;
    unsigned stood; /* volumes that were there already */
    struct buf request, records;
};

/* FILE, or FILE.002 of a bundle with more than one volume. False: too long. */
static bool volume_path(const struct writer *w, unsigned volume, unsigned volumes, const char *suffix,
                        char out[LIMIT_PATH_BYTES])
{
    int len = volumes == 1 ? snprintf(out, LIMIT_PATH_BYTES, "%s%s", w->out, suffix)
                           : snprintf(out, LIMIT_PATH_BYTES, "%s.%03u%s", w->out, volume, suffix);
    return len > 0 && len < LIMIT_PATH_BYTES;
}

/* --- what stands already --- */

/* The plan of a bundle that was begun under this name. False: said why it cannot go on. */
static bool plan_found(struct writer *w, const char *path, bool *out_found)
{
    struct fault fault = {0};
    struct ledger_origin origin;
    struct bundle_file *file = mem_alloc(sizeof *file);
    *out_found = false;
    if (file == NULL || !file_exists(w->call->os, path)) {
        mem_free(file);
        return true;
    }
    err_t err = bundle_file_open(w->call->os, path, file, &fault);
    bool good = err == ERR_OK && ledger_origin_parse(file->head.origin, &origin) == ERR_OK &&
                str_eq(origin.audience, str_of(w->audience));
    if (good && w->planned)
        good = memcmp(file->head.plan.id, w->plan.id, BUNDLE_ID_SIZE) == 0;
    if (good)
        w->plan = file->head.plan;
    bundle_file_close(w->call->os, file);
    mem_free(file);
    if (!good)
        return cli_fail("name another file", "%s is there, and is no volume of this bundle", path) == CLI_OK;
    *out_found = w->planned = true;
    return true;
}

static bool resume(struct writer *w)
{
    char path[LIMIT_PATH_BYTES];
    bool found = false;
    if (!volume_path(w, 1, 1, "", path) || !plan_found(w, path, &found))
        return false;
    w->stood = found;
    for (unsigned i = 1; i <= LIMIT_BUNDLE_VOLUMES && (!w->planned || i <= w->plan.volumes); i++) {
        if ((w->planned && w->plan.volumes == 1) || !volume_path(w, i, 2, "", path))
            break;
        if (!plan_found(w, path, &found))
            return false;
        w->stood += found;
    }
    return true;
}

/* --- the plan --- */

static void take_plan(void *ctx, struct str json)
{
    struct writer *w = ctx;
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    struct str id = line_str(line, "bundle");
    if (line_has(line, "say")) {
        print_beside(json);
    } else if (line_has(line, "nothing")) {
        w->nothing = true;
        w->visible = line_u64(line, "visible");
    } else if (id.len == 2 * (size_t)BUNDLE_ID_SIZE && str_unhex(id, w->plan.id, BUNDLE_ID_SIZE)) {
        w->planned = bundle_cuts_read(line_str(line, "cuts"), &w->plan) == ERR_OK;
    }
    line_free(line);
}

/* "650M" as a number. */
static bool size_read(struct cli_call *call, char out[32])
{
    static const char units[] = "KMG";
    for (size_t i = 0; i < CLI_OPTIONS_MAX && call->command->options[i].name != NULL; i++) {
        if (strcmp(call->command->options[i].name, "volume-size") != 0 || call->values[i] == NULL)
            continue;
        struct str text = str_of(call->values[i]);
        const char *unit = text.len > 0 ? strchr(units, text.at[text.len - 1]) : NULL;
        unsigned shift = unit == NULL || *unit == '\0' ? 0 : 10 * (unsigned)(unit - units + 1);
        uint64_t number;
        text.len -= shift > 0;
        if (!str_to_u64(text, UINT64_MAX >> 32, &number) || number == 0)
            return cli_usage(call, "--volume-size is a number of bytes, or 650M, 4G") == CLI_OK;
        (void)snprintf(out, 32, "%llu", (unsigned long long)(number << shift));
        call->values[i] = out;
    }
    return true;
}

/* --- a volume --- */

struct volume {
    struct writer *w;
    struct os_file *file;
    uint64_t offset, at;
    bool head;
    struct bundle_progress progress;
};

static err_t put(struct volume *volume, struct bytes bytes)
{
    const struct os *os = volume->w->call->os;
    err_t err = os->file_write(os->ctx, volume->file, volume->offset, bytes.at, bytes.len);
    volume->offset += bytes.len;
    return err;
}

static err_t take_line(struct volume *volume, const struct line *line)
{
    struct writer *w = volume->w;
    struct str head = line_str(line, "head"), records = line_str(line, "records");
    size_t len;
    buf_clear(&w->records);
    if (head.len > 0 && !volume->head) {
        volume->head = true;
        wr_blob(&w->records, bytes_from_str(head));
        return buf_err(&w->records) != ERR_OK ? buf_err(&w->records) : put(volume, buf_bytes(&w->records));
    }
    uint8_t *to = buf_extend(&w->records, records.len);
    if (to == NULL || !str_unbase64(records, to, records.len, &len))
        return ERR_CORRUPT;
    volume->at = line_u64(line, "at");
    bundle_progress_at(&volume->progress, volume->at);
    return put(volume, bytes_of(to, len));
}

/* Until the node says that it is done. */
static err_t take_all(struct volume *volume, struct control_link *link, int *status)
{
    struct str json;
    err_t err;
    for (;;) {
        if (TRY(err, control_line(link, &json)))
            return err;
        if (control_is_done(json)) {
            *status = control_result(json);
            return ERR_OK;
        }
        struct line *line = line_read(json);
        err = line == NULL ? ERR_CORRUPT : take_line(volume, line);
        line_free(line);
        if (err != ERR_OK)
            return err;
    }
}

static err_t volume_ask(struct writer *w, unsigned number, struct control_link *link)
{
    char id[2 * BUNDLE_ID_SIZE], text[16];
    struct buf cuts;
    buf_init(&cuts, LIMIT_BUNDLE_HEAD_BYTES);
    bundle_cuts_write(&w->plan, &cuts);
    str_hex(w->plan.id, BUNDLE_ID_SIZE, id);
    (void)snprintf(text, sizeof text, "%u", number);
    const struct str pairs[] = {STR("audience"), str_of(w->audience), STR("bundle"), {id, sizeof id},
                                STR("cuts"),     buf_str(&cuts),      STR("volume"), str_of(text)};
    bundle_request(&w->request, "bundle.volume", pairs, sizeof pairs / sizeof pairs[0]);
    buf_deinit(&cuts);
    err_t err = buf_err(&w->request);
    return err == ERR_OK ? control_send(link, buf_bytes(&w->request)) : err;
}

/* Whole, on the disk, and only then under its name. */
static err_t volume_place(struct writer *w, struct volume *volume, const char *part, const char *path)
{
    const struct os *os = w->call->os;
    char parent[LIMIT_PATH_BYTES];
    err_t err;
    bundle_parent(path, parent);
    if (TRY(err, os->file_sync(os->ctx, volume->file)) || TRY(err, os->path_rename(os->ctx, part, path)))
        return err;
    return os->dir_sync(os->ctx, parent);
}

static int volume_fill(struct writer *w, unsigned number, const char *part, const char *path)
{
    const struct os *os = w->call->os;
    struct volume volume = {.w = w};
    struct control_link link;
    int status = CLI_FAILED;
    err_t err = os->file_open(os->ctx, part, OS_WRITE | OS_CREATE, &volume.file);
    if (err == ERR_OK)
        err = os->file_truncate(os->ctx, volume.file, 0);
    if (err == ERR_OK && control_connect(w->call, &link)) {
        bundle_progress_begin(&volume.progress, w->call, path, w->plan.cuts[number - 1],
                              w->plan.cuts[number]);
        if (!TRY(err, volume_ask(w, number, &link)))
            err = take_all(&volume, &link, &status);
        control_hang_up(&link);
        if (err == ERR_OK && status == CLI_OK)
            err = volume.at == w->plan.cuts[number] ? volume_place(w, &volume, part, path) : ERR_CORRUPT;
    }
    if (err != ERR_OK)
        status = cli_fail("give the same command again: what is whole stays", "%s: %s", part, err_text(err));
    os->file_close(os->ctx, volume.file);
    if (status != CLI_OK) /* it is begun anew: half a volume is of no use */
        (void)!os->path_unlink(os->ctx, part);
    return status;
}

static int volumes_write(struct writer *w)
{
    char path[LIMIT_PATH_BYTES], part[LIMIT_PATH_BYTES];
    int status = CLI_OK;
    for (unsigned i = 1; i <= w->plan.volumes && status == CLI_OK; i++) {
        if (!volume_path(w, i, w->plan.volumes, "", path) ||
            !volume_path(w, i, w->plan.volumes, ".part", part))
            return cli_fail(NULL, "%s is too long a name", w->out);
        if (!file_exists(w->call->os, path))
            status = volume_fill(w, i, part, path);
        if (status == CLI_OK && w->call->json)
            print_file(path, "volume", i);
    }
    return status;
}

/* The node remembers how far the bundles reach: where the next one with --overlap begins. */
static int remember(struct writer *w)
{
    struct control_link link;
    struct str json;
    char to[24];
    int status = CLI_FAILED;
    err_t err;
    (void)snprintf(to, sizeof to, "%llu", (unsigned long long)w->plan.cuts[w->plan.volumes]);
    const struct str pairs[] = {STR("audience"), str_of(w->audience), STR("to"),
                                str_of(to),      STR("because"),      STR("a bundle was written")};
    bundle_request(&w->request, "bundle.written", pairs, sizeof pairs / sizeof pairs[0]);
    if (!control_connect(w->call, &link))
        return CLI_FAILED;
    if (TRY(err, control_send(&link, buf_bytes(&w->request))) || TRY(err, control_line(&link, &json)))
        status = cli_fail("the volumes are whole; give the same command again", "%s", err_text(err));
    else
        status = control_result(json);
    control_hang_up(&link);
    return status;
}

static int write_all(struct writer *w)
{
    if (!resume(w))
        return CLI_FAILED;
    if (!w->planned) {
        int status = control_each(w->call, take_plan, w);
        if (status != CLI_OK)
            return status;
        if (w->nothing && !w->call->json)
            (void)printf("nothing to write: %s holds all %llu entries\n", w->audience,
                         (unsigned long long)w->visible);
        if (w->nothing)
            return CLI_OK;
    }
    if (!w->planned)
        return cli_fail(NULL, "the node's answer cannot be read");
    bool whole = w->stood == w->plan.volumes;
    int status = volumes_write(w);
    if (status == CLI_OK)
        status = remember(w);
    if (status == CLI_OK && !w->call->json)
        (void)printf(
            whole
                ? "%s stands already: entries %llu..%llu in %u volume%s; name another file for a new bundle\n"
                : "%s: entries %llu..%llu in %u volume%s, sealed\n",
            w->out, (unsigned long long)w->plan.cuts[0],
            (unsigned long long)(w->plan.cuts[w->plan.volumes] - 1), w->plan.volumes,
            w->plan.volumes == 1 ? "" : "s");
    return status;
}

int run_bundle_write(struct cli_call *call)
{
    char size[32];
    if (cli_option(call, "out") == NULL)
        return cli_usage(call, "--out FILE is needed");
    if (cli_option(call, "from") != NULL && cli_option(call, "overlap") != NULL)
        return cli_usage(call, "--from or --overlap, not both");
    if (strlen(call->args[0]) > LIMIT_NAME_BYTES)
        return cli_usage(call, "%s is no name", call->args[0]);
    if (!size_read(call, size))
        return CLI_USAGE;
    struct writer *w = mem_alloc(sizeof *w);
    if (w == NULL)
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    w->call = call;
    w->out = cli_option(call, "out");
    (void)snprintf(w->audience, sizeof w->audience, "%s", call->args[0]);
    buf_init(&w->request, LIMIT_CONTROL_LINE_BYTES);
    buf_init(&w->records, LIMIT_CONTROL_REPLY_BYTES);
    int status = write_all(w);
    buf_deinit(&w->request);
    buf_deinit(&w->records);
    mem_free(w);
    return status;
}

#define PARTNER                                                                                              \
    {                                                                                                        \
        "PARTNER", CLI_TEXT, "audience", NULL, "name of the partner's view"                                  \
    }

static const struct cli_command bundle_rows[] = {
    {.words = "bundle write",
     .summary = "what was released to a partner, in sealed files for media",
     .help = "For partners without a network between them: the entries of his ledger behind those that he\n"
             "last confirmed, sealed to his node. Given again after an interruption it writes only what is\n"
             "missing. See docs/guide/air-gap.md.",
     .args = {PARTNER},
     .options = {{"out", CLI_TEXT, NULL, "FILE", "the file; with volumes FILE.001, FILE.002, ..."},
                 {"volume-size", CLI_TEXT, "volume_size", "BYTES",
                  "begin a new volume behind so much (650M, 4G)"},
                 {"from", CLI_TEXT, "from", "SEQ", "begin at this entry"},
                 {"overlap", CLI_TEXT, "overlap", "N",
                  "begin N entries before the end of the bundle before: where no receipt comes back"}},
     .control = "bundle.plan",
     .run = run_bundle_write},
    {.words = "bundle read",
     .summary = "take over a partner's bundles, in any order",
     .help =
         "What is held already is passed over; what is missing is named; what was changed is refused. The\n"
         "receipt goes back as a file, or by telephone as the words that are printed.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "a volume"}},
     .many = true,
     .options = {{"receipt", CLI_TEXT, NULL, "FILE", "write the signed receipt there"}},
     .run = run_bundle_read},
    {.words = "bundle receipt",
     .summary = "enter the receipt for a bundle, as it came back",
     .help =
         "The file is signed, and counts as a receipt that came by the network. The number and the words of "
         "a\n"
         "slip or a telephone call are compared with this node's own ledger: the next bundle begins there,\n"
         "and they prove nothing to others.",
     .args = {PARTNER, {"FILE|NUMBER", CLI_TEXT, NULL, NULL, "the file, or the number before the WORDS"}},
     .many = true,
     .control = "bundle.receipt",
     .run = run_bundle_receipt},
    {.words = "bundle watch",
     .summary = "take over every bundle that appears in a directory",
     .help = "A file is read when its size rests. Then it goes to done/, or to refused/ with the reason "
             "beside it; one\n"
             "that waits for an earlier one stays. Runs until it is ended.",
     .args = {{"DIR", CLI_TEXT, NULL, NULL, "where a diode or a courier puts them"}},
     .options = {{"receipts", CLI_TEXT, NULL, "DIR", "write signed receipts there"},
                 {"once", CLI_FLAG, NULL, NULL, "only what is there now"}},
     .run = run_bundle_watch},
};
const struct cli_group cli_bundle = {bundle_rows, sizeof bundle_rows / sizeof bundle_rows[0]};
