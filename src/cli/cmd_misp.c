/* misp export: a directory that any MISP can subscribe to, of what one partner's view shows. */
#include <stdio.h>

#include "app/file.h"
#include "cli/cli.h"
#include "core/limit.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/uuid.h"
#include "feeds/misp.h"

enum { SIGN_WAIT_US = 2000000 };

/* A file that grows while it is written; gets its name when it is whole. */
struct growing {
    struct os_file *file;
    uint64_t at;
    const char *name;
};

struct feed {
    struct cli_call *call;
    const char *dir;
    struct misp_writer *writer;
    struct map withdrawn;  /* seq of leaves whose object is out of the view */
    struct map written;    /* uuids */
    struct os_file *spill; /* texts until their event is written; has no name any more */
    uint64_t spilled;
    struct growing manifest, hashes;
    struct buf object;
    uint64_t next, to;
    bool more; /* something is about to be signed */
    size_t objects, events, refused;
    bool bad; /* said */
    err_t err;
};

/* --- the view --- */

static void take_object(struct feed *feed, const struct line *line)
{
    uint64_t seq = line_u64(line, "seq");
    struct str object = line_str(line, "object");
    struct fault fault = {0};
    if (map_get(&feed->withdrawn, &seq) != NULL)
        return;
    buf_clear(&feed->object);
    buf_put_str(&feed->object, object);
    uint8_t *padding = buf_extend(&feed->object, JSON_PADDING);
    if (padding == NULL) {
        feed->err = buf_err(&feed->object);
        return;
    }
    memset(padding, 0, JSON_PADDING);
    err_t err = misp_writer_add(feed->writer, bytes_of(feed->object.at, object.len), &fault);
    if (err == ERR_NOMEM || err == ERR_FULL || err == ERR_IO)
        feed->err = err;
    feed->refused += err != ERR_OK;
    feed->objects += err == ERR_OK;
}

static void take_line(struct feed *feed, struct str json)
{
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    if (line_has(line, "withdrawn")) {
        uint64_t seq = line_u64(line, "withdrawn");
        err_t err = map_put(&feed->withdrawn, &seq, 1);
        if (err != ERR_OK)
            feed->err = err;
    } else if (line_has(line, "object")) {
        take_object(feed, line);
    } else if (line_has(line, "next")) {
        feed->next = line_u64(line, "next");
        feed->to = line_u64(line, "to");
        feed->more = line_is(line, "more");
    }
    line_free(line);
}

/* One page; the exit status. */
static int read_page(struct feed *feed, const char *audience, bool withdrawn)
{
    struct control_link link;
    struct buf line;
    struct str answer;
    int status = CLI_FAILED;
    if (!control_connect(feed->call, &link))
        return CLI_FAILED;
    buf_init(&line, 4096);
    buf_put_str(&line, STR("{\"command\":\"misp.view\",\"args\":{\"audience\":"));
    json_write_str(&line, str_of(audience));
    buf_printf(&line, ",\"from\":\"%llu\"", (unsigned long long)feed->next);
    if (feed->to != UINT64_MAX)
        buf_printf(&line, ",\"to\":\"%llu\"", (unsigned long long)feed->to);
    buf_printf(&line, "%s}}\n", withdrawn ? ",\"withdrawn\":true" : "");
    if (buf_err(&line) == ERR_OK && control_send(&link, buf_bytes(&line)) == ERR_OK) {
        while (control_line(&link, &answer) == ERR_OK) {
            if (control_is_done(answer)) {
                status = control_result(answer);
                break;
            }
            take_line(feed, answer);
        }
    }
    buf_deinit(&line);
    control_hang_up(&link);
    return status;
}

/* What is decided becomes visible when it is signed, and it is signed because somebody asks. */
static int await_view(struct feed *feed, const char *audience)
{
    const struct os *os = feed->call->os;
    int64_t until_us = os->mono_us(os->ctx) + SIGN_WAIT_US;
    int status;
    do {
        feed->next = INT64_MAX; /* behind all: nothing is shown */
        feed->to = UINT64_MAX;
        status = read_page(feed, audience, true);
    } while (status == CLI_OK && feed->more && os->mono_us(os->ctx) < until_us);
    feed->to = UINT64_MAX;
    return status;
}

/* All pages up to what is visible when the first one is read. */
static int read_view(struct feed *feed, const char *audience, bool withdrawn)
{
    feed->next = 0;
    do {
        uint64_t before = feed->next;
        int status = read_page(feed, audience, withdrawn);
        if (status != CLI_OK)
            return status;
        if (feed->err != ERR_OK)
            return cli_fail(NULL, "the view could not be read: %s", err_text(feed->err));
        if (feed->next == before && feed->next < feed->to)
            return cli_fail(NULL, "the node broke off");
    } while (feed->next < feed->to);
    return CLI_OK;
}

/* --- the directory --- */

static void put_file(struct feed *feed, const char *name, struct bytes content)
{
    err_t err = feed->err == ERR_OK ? file_replace(feed->call->os, feed->dir, name, content) : feed->err;
    if (err != ERR_OK && !feed->bad) {
        (void)cli_fail(NULL, "%s/%s: %s", feed->dir, name, err_text(err));
        feed->bad = true;
    }
    feed->err = err;
}

static err_t spill_put(void *ctx, struct bytes text)
{
    struct feed *feed = ctx;
    const struct os *os = feed->call->os;
    err_t err = os->file_write(os->ctx, feed->spill, feed->spilled, text.at, text.len);
    feed->spilled += text.len;
    return err;
}

static err_t spill_get(void *ctx, uint64_t offset, uint8_t *to, size_t len)
{
    const struct feed *feed = ctx;
    const struct os *os = feed->call->os;
    return os->file_read(os->ctx, feed->spill, offset, to, len);
}

/* What may stand in the directory may wait there; the name goes at once, so that nothing is left behind. */
static err_t spill_open(struct feed *feed)
{
    const struct os *os = feed->call->os;
    char path[FILE_PATH_SIZE];
    err_t err;
    if (TRY(err, os->dir_make(os->ctx, feed->dir)) || TRY(err, file_path(feed->dir, ".waiting", path)) ||
        TRY(err, os->file_open(os->ctx, path, OS_READ | OS_WRITE | OS_CREATE, &feed->spill)) ||
        TRY(err, os->file_truncate(os->ctx, feed->spill, 0)))
        return err;
    return os->path_unlink(os->ctx, path);
}

static err_t growing_path(const struct feed *feed, const struct growing *growing, char out[FILE_PATH_SIZE])
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s.new", growing->name);
    return file_path(feed->dir, name, out);
}

static void growing_open(struct feed *feed, struct growing *growing)
{
    const struct os *os = feed->call->os;
    char path[FILE_PATH_SIZE];
    err_t err = feed->err;
    if (err == ERR_OK && (err = growing_path(feed, growing, path)) == ERR_OK &&
        (err = os->file_open(os->ctx, path, OS_WRITE | OS_CREATE, &growing->file)) == ERR_OK)
        err = os->file_truncate(os->ctx, growing->file, 0);
    feed->err = err;
}

static void growing_put(struct feed *feed, struct growing *growing, struct str text)
{
    const struct os *os = feed->call->os;
    if (feed->err == ERR_OK && text.len > 0)
        feed->err = os->file_write(os->ctx, growing->file, growing->at, text.at, text.len);
    growing->at += text.len;
}

/* Whole and durable, then in the place of the one before. */
static void growing_close(struct feed *feed, struct growing *growing)
{
    const struct os *os = feed->call->os;
    char path[FILE_PATH_SIZE], beside[FILE_PATH_SIZE];
    err_t err = feed->err;
    if (err == ERR_OK && (err = os->file_sync(os->ctx, growing->file)) == ERR_OK &&
        (err = growing_path(feed, growing, beside)) == ERR_OK &&
        (err = file_path(feed->dir, growing->name, path)) == ERR_OK &&
        (err = os->path_rename(os->ctx, beside, path)) == ERR_OK)
        err = os->dir_sync(os->ctx, feed->dir);
    feed->err = err;
}

static bool put_event(void *ctx, const struct misp_written *written)
{
    struct feed *feed = ctx;
    char name[64];
    growing_put(feed, &feed->manifest, feed->events > 0 ? STR(",\n\"") : STR("\""));
    growing_put(feed, &feed->manifest, written->uuid);
    growing_put(feed, &feed->manifest, STR("\":"));
    growing_put(feed, &feed->manifest, written->manifest);
    growing_put(feed, &feed->hashes, written->hashes);
    (void)snprintf(name, sizeof name, "%.*s.json", STR_ARG(written->uuid));
    put_file(feed, name, bytes_from_str(written->event));
    if (feed->err == ERR_OK)
        feed->err = map_put(&feed->written, written->uuid.at, 1);
    feed->events++;
    return feed->err == ERR_OK;
}

/* An event that the view no longer shows must not lie there either. Nothing but events is touched. */
static err_t drop_old(void *ctx, const char *name)
{
    struct feed *feed = ctx;
    struct uuid uuid;
    char path[FILE_PATH_SIZE];
    struct str text = str_of(name);
    if (text.len != UUID_TEXT_SIZE + 5 || !str_ends(text, STR(".json")) ||
        !uuid_parse((struct str) {name, UUID_TEXT_SIZE}, &uuid) || map_get(&feed->written, name) != NULL)
        return ERR_OK;
    err_t err = file_path(feed->dir, name, path);
    return err != ERR_OK ? err : feed->call->os->path_unlink(feed->call->os->ctx, path);
}

static int write_dir(struct feed *feed)
{
    const struct os *os = feed->call->os;
    growing_open(feed, &feed->hashes);
    growing_open(feed, &feed->manifest);
    growing_put(feed, &feed->manifest, STR("{"));
    err_t err = misp_writer_finish(feed->writer, put_event, feed);
    if (feed->err == ERR_OK)
        feed->err = err;
    growing_put(feed, &feed->manifest, STR("}\n"));
    /* The manifest last but for what it no longer names: a reader in between finds every event it names. */
    growing_close(feed, &feed->hashes);
    growing_close(feed, &feed->manifest);
    if (feed->err != ERR_OK)
        return feed->bad ? CLI_FAILED
                         : cli_fail(NULL, "the events could not be written: %s", err_text(feed->err));
    if ((err = os->dir_list(os->ctx, feed->dir, drop_old, feed)) != ERR_OK)
        return cli_fail("delete by hand what manifest.json does not name", "%s: %s", feed->dir,
                        err_text(err));
    return CLI_OK;
}

static void say(const struct feed *feed)
{
    const char *format = feed->call->json ? "{\"events\":%zu,\"objects\":%zu,\"refused\":%zu}\n"
                                          : "%zu events of %zu objects (%zu could not be read)\n";
    (void)printf(format, feed->events, feed->objects, feed->refused);
}

static int export_feed(struct cli_call *call)
{
    static const struct hash_sip_key sip = {{0}}; /* of our own numbers and names */
    const char *audience = call->args[0];
    struct feed feed = {.call = call,
                        .dir = call->args[1],
                        .to = UINT64_MAX,
                        .manifest.name = "manifest.json",
                        .hashes.name = "hashes.csv"};
    const struct misp_spill spill = {spill_put, spill_get, &feed};
    if (misp_writer_new(&spill, call->os->wall_us(call->os->ctx), &feed.writer) != ERR_OK)
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    map_init(&feed.withdrawn, sizeof(uint64_t), LIMIT_MISP_WRITE_COUNT, &sip);
    map_init(&feed.written, UUID_TEXT_SIZE, LIMIT_MISP_WRITE_COUNT, &sip);
    buf_init(&feed.object, LIMIT_OBJECT_BYTES + JSON_PADDING);
    int status = await_view(&feed, audience);
    err_t err = status == CLI_OK ? spill_open(&feed) : ERR_OK;
    if (err != ERR_OK)
        status = cli_fail(NULL, "%s: %s", feed.dir, err_text(err));
    if (status == CLI_OK)
        status = read_view(&feed, audience, true);
    if (status == CLI_OK)
        status = read_view(&feed, audience, false);
    if (status == CLI_OK)
        status = write_dir(&feed);
    if (status == CLI_OK)
        say(&feed);
    call->os->file_close(call->os->ctx, feed.manifest.file);
    call->os->file_close(call->os->ctx, feed.hashes.file);
    call->os->file_close(call->os->ctx, feed.spill);
    buf_deinit(&feed.object);
    map_deinit(&feed.written);
    map_deinit(&feed.withdrawn);
    misp_writer_free(feed.writer);
    return status;
}

static const struct cli_command commands[] = {
    {.words = "misp export",
     .summary = "write what a partner's view shows as a MISP feed",
     .help =
         "DIR gets manifest.json, hashes.csv and a file an event; serve it by any web server that asks for\n"
         "the partner's credentials, and subscribe to it in MISP as a feed. Run it again to bring it up to\n"
         "date: events that left the view leave the directory.",
     .args = {{"AUDIENCE", CLI_TEXT, NULL, NULL, "the partner's view"},
              {"DIR", CLI_TEXT, NULL, NULL, "is made"}},
     .run = export_feed},
    {.words = "misp sharing-group",
     .summary = "say which partners a MISP sharing group reaches",
     .help = "What is shared with the group goes to these partners and to nobody else, as far as the policy\n"
             "lets it; until this is said it waits. Say it again to change it.",
     .args = {{"UUID", CLI_TEXT, "group", NULL, "of the sharing group"}},
     .options = {{"partners", CLI_TEXT, "partners", "NAME,...", "who is in it here (none: nobody)"},
                 {"as", CLI_TEXT, "as", "tlp:green", "the level that it amounts to for the policy"},
                 {"because", CLI_TEXT, "because", "TEXT", "why: stands in the log"}},
     .control = "misp.group"},
};

const struct cli_group cli_misp = {commands, sizeof commands / sizeof commands[0]};
