/* add: files go in batches, several ahead of their acknowledgement; every refusal is told with its place in
 * the file. */
#include <stdio.h>

#include "app/file.h"
#include "cli/cli.h"
#include "core/mem.h"
#include "core/wr.h"
#include "os/term.h"
#include "json/json.h"

enum { BATCH_OBJECTS = 1000, AHEAD = 4, BAR_CELLS = 30, SLICES_FIRST = 4096, BATCH_HEAD = 12 };
#define FILE_BYTES_MAX ((size_t)4 << 30)

struct slices {
    struct json_slice *at;
    size_t count, size;
    bool failed;
};

struct sent {            /* where the objects of a batch stand in the file */
    size_t first, count; /* slices */
};

struct add {
    struct cli_call *call;
    struct control_link link;
    const char *path;
    struct buf text, batch;
    struct slices slices;
    enum json_split_kind kind;
    size_t rest;        /* the slice that could not be cut any further: goes alone and as it is */
    struct fault fault; /* why it could not */
    struct sent sent[AHEAD];
    size_t out, back; /* batches sent, batches answered, of this file */
    size_t objects_done;
    uint64_t totals[7];
    bool bar;
};

static const char *const words[] = {"new",      "duplicate", "seen",    "assertion",
                                    "conflict", "refused",   "warnings"};
enum { WORDS = sizeof words / sizeof words[0] };

static bool keep_slice(void *ctx, struct json_slice slice)
{
    struct slices *slices = ctx;
    if (slices->count == slices->size) {
        size_t size = slices->size == 0 ? SLICES_FIRST : slices->size * 2;
        struct json_slice *at = mem_grow(slices->at, size * sizeof *at);
        if (at == NULL) {
            slices->failed = true;
            return false;
        }
        slices->at = at;
        slices->size = size;
    }
    slices->at[slices->count++] = slice;
    return true;
}

/* What stands behind the last object that could be cut, or the whole text, goes as it is, so that the node
 * refuses it and keeps the bytes; the objects before it are taken in. */
static void cut(struct add *add)
{
    size_t from = 0;
    add->slices.count = 0;
    add->rest = SIZE_MAX;
    add->fault = (struct fault) {0};
    err_t err =
        json_split(buf_bytes(&add->text), STR("objects"), &add->kind, keep_slice, &add->slices, &add->fault);
    if ((err == ERR_OK && add->slices.count > 0) || add->slices.failed)
        return;
    add->kind = JSON_SPLIT_OBJECT;
    if (add->slices.count > 0) { /* only a list can break off behind an object */
        add->kind = JSON_SPLIT_LIST;
        from = add->slices.at[add->slices.count - 1].from + add->slices.at[add->slices.count - 1].len;
    }
    while (from > 0 && from < add->text.len && memchr(" \t\r\n,", add->text.at[from], 5) != NULL)
        from++;
    add->rest = add->slices.count;
    if (from < add->text.len) /* an empty batch would be the end */
        (void)keep_slice(&add->slices, (struct json_slice) {from, add->text.len - from});
}

static void draw(const struct add *add)
{
    if (!add->bar)
        return;
    size_t all = add->slices.count == 0 ? 1 : add->slices.count;
    size_t cells = add->objects_done * BAR_CELLS / all;
    (void)fprintf(stderr, "\r%-24.24s [", add->path);
    for (size_t i = 0; i < BAR_CELLS; i++)
        (void)fputc(i < cells ? '#' : ' ', stderr);
    (void)fprintf(stderr, "] %zu of %zu", add->objects_done, add->slices.count);
    if (add->objects_done == add->slices.count)
        (void)fputc('\n', stderr);
}

/* --- answers --- */

static uint64_t number_in(struct json_val root, const char *name)
{
    struct json_val value;
    return json_get(root, str_of(name), &value) && json_is(value, JSON_INT) ? (uint64_t)json_int(value) : 0;
}

static void say_refusal(const struct add *add, struct json_val root, struct str line)
{
    const struct sent *sent = &add->sent[add->back % AHEAD];
    struct str id = {NULL, 0}, what = {NULL, 0}, pointer = {NULL, 0}, section = {NULL, 0};
    size_t index = (size_t)number_in(root, "index");
    const struct json_slice *slice = index < sent->count ? &add->slices.at[sent->first + index] : NULL;
    (void)json_get_str(root, STR("id"), &id);
    (void)json_get_str(root, STR("what"), &what);
    (void)json_get_str(root, STR("pointer"), &pointer);
    (void)json_get_str(root, STR("section"), &section);
    if (add->call->json) {
        (void)printf("{\"file\":\"%s\",\"object\":%zu,\"at\":%zu,\"answer\":%.*s}\n", add->path,
                     sent->first + index, slice == NULL ? 0 : slice->from, STR_ARG(line));
        return;
    }
    (void)fprintf(stderr, "%s%s: object %zu at byte %zu%s%.*s: %.*s%s%.*s%s%.*s (quarantine %llu)\n",
                  add->bar ? "\r" : "", add->path, sent->first + index, slice == NULL ? 0 : slice->from,
                  id.len > 0 ? ", " : "", STR_ARG(id), STR_ARG(what), pointer.len > 0 ? " at " : "",
                  STR_ARG(pointer), section.len > 0 ? ", section " : "", STR_ARG(section),
                  (unsigned long long)number_in(root, "number"));
}

/* One line of the node. ERR_CLOSED: it was the last; *status is what it means. */
static err_t take_line(struct add *add, int *status)
{
    struct str line, refused;
    struct buf padded;
    struct json_doc doc;
    struct json_parser *parser = NULL;
    struct fault fault;
    err_t err = control_line(&add->link, &line);
    if (err != ERR_OK) {
        *status = cli_fail("add it again: what was acknowledged is a duplicate then",
                           "the node broke off: %s", err_text(err));
        return ERR_CLOSED;
    }
    if (control_is_done(line)) {
        *status = control_result(line);
        return ERR_CLOSED;
    }
    buf_init(&padded, line.len + 2 * JSON_PADDING);
    buf_put_str(&padded, line);
    if (buf_extend(&padded, JSON_PADDING) != NULL && json_parser_new(line.len + 64, &parser) == ERR_OK &&
        json_parse(parser, bytes_of(padded.at, line.len), &doc, &fault) == ERR_OK) {
        struct json_val root = json_root(&doc);
        if (json_get_str(root, STR("refused"), &refused)) {
            say_refusal(add, root, line);
        } else {
            for (size_t i = 0; i < WORDS; i++)
                add->totals[i] += number_in(root, words[i]);
            add->objects_done += add->sent[add->back % AHEAD].count;
            add->back++;
            draw(add);
        }
    }
    json_parser_free(parser);
    buf_deinit(&padded);
    return ERR_OK;
}

/* --- batches --- */

static void fill(struct add *add, size_t *next)
{
    struct sent *sent = &add->sent[add->out % AHEAD];
    bool rest = *next == add->rest;
    bool list = add->kind == JSON_SPLIT_LIST && !rest;
    *sent = (struct sent) {.first = *next};
    buf_clear(&add->batch);
    wr_u32(&add->batch, 0);
    if (list)
        buf_put_str(&add->batch, STR("{\"objects\":["));
    while (*next < add->slices.count && sent->count < BATCH_OBJECTS && (rest || *next != add->rest)) {
        struct json_slice slice = add->slices.at[*next];
        if (sent->count > 0 && slice.len > LIMIT_BATCH_BYTES - 64 - add->batch.len)
            break;
        if (sent->count > 0)
            buf_put(&add->batch, list ? "," : "\n", 1);
        buf_put(&add->batch, add->text.at + slice.from, slice.len);
        sent->count++;
        (*next)++;
        /* One that is too large costs only itself. */
        if (buf_err(&add->batch) != ERR_OK || add->batch.len >= LIMIT_BATCH_BYTES - 64)
            break;
    }
    if (list)
        buf_put_str(&add->batch, STR("]}"));
}

static err_t send_batch(struct add *add)
{
    err_t err = buf_err(&add->batch);
    if (err != ERR_OK)
        return err;
    size_t len = add->batch.len - 4;
    for (size_t i = 0; i < 4; i++)
        add->batch.at[i] = (uint8_t)(len >> (8 * (3 - i)));
    add->out++;
    return control_send(&add->link, buf_bytes(&add->batch));
}

/* What the node does not get to see. */
static int say_unsent(const struct add *add, size_t slice)
{
    if (slice == add->rest)
        return cli_fail("what stands before it is taken in", "%s: cut off at byte %zu: %s", add->path,
                        add->fault.offset, add->fault.what);
    return cli_fail("objects have at most 2 MiB", "%s: object %zu at byte %zu is too large", add->path, slice,
                    add->slices.at[slice].from);
}

/* False: *status says how it ended. */
static bool add_file(struct add *add, int *status)
{
    size_t next = 0;
    add->out = add->back = add->objects_done = 0;
    buf_clear(&add->text);
    if (!cli_read(add->call, add->path, &add->text)) {
        *status = CLI_FAILED;
        return true; /* the other files all the same */
    }
    cut(add);
    if (add->slices.failed) {
        *status = cli_fail(NULL, "%s: %s", add->path, err_text(ERR_NOMEM));
        return true;
    }
    if (add->rest == add->slices.count)
        *status = say_unsent(add, add->rest);
    while (next < add->slices.count || add->back < add->out) {
        bool may_send = next < add->slices.count && add->out - add->back < AHEAD;
        if (may_send && !control_pending(&add->link)) {
            fill(add, &next);
            err_t err = send_batch(add);
            if (err == ERR_LIMIT) { /* larger than any batch */
                *status = say_unsent(add, next - 1);
                continue;
            }
            if (err != ERR_OK && err != ERR_CLOSED) {
                *status = cli_fail(NULL, "the node broke off: %s", err_text(err));
                return false;
            }
        } else if (take_line(add, status) != ERR_OK) {
            return false;
        }
    }
    return true;
}

static bool begin(struct add *add, const char *source)
{
    struct buf line;
    buf_init(&line, 4096);
    buf_printf(&line, "{\"command\":\"add\",\"args\":{\"source\":");
    json_write_str(&line, str_of(source));
    buf_printf(&line, "}}\n");
    err_t err = buf_err(&line);
    if (err == ERR_OK)
        err = control_send(&add->link, buf_bytes(&line));
    buf_deinit(&line);
    return err == ERR_OK;
}

static void say_totals(const struct add *add)
{
    if (add->call->json) {
        (void)printf("{");
        for (size_t i = 0; i < WORDS; i++)
            (void)printf("%s\"%s\":%llu", i == 0 ? "" : ",", words[i], (unsigned long long)add->totals[i]);
        (void)printf("}\n");
        return;
    }
    const char *comma = "";
    for (size_t i = 0; i < WORDS; i++) {
        if (i > 0 && add->totals[i] == 0)
            continue;
        (void)printf("%s%llu %s", comma, (unsigned long long)add->totals[i], words[i]);
        comma = ", ";
    }
    (void)printf("\n");
}

static int finish(struct add *add)
{
    static const uint8_t end[4] = {0};
    int status = CLI_FAILED;
    if (control_send(&add->link, bytes_of(end, sizeof end)) != ERR_OK)
        return cli_fail(NULL, "the node broke off");
    while (take_line(add, &status) == ERR_OK)
        ;
    return status;
}

static int run_add(struct cli_call *call)
{
    int status = CLI_OK, last = CLI_FAILED;
    const char *source = cli_option(call, "source");
    if (source == NULL)
        return cli_usage(call, "--source NAME is needed: where it comes from decides what it may mean");
    struct add add = {.call = call, .bar = !call->json && os_term_is(2)};
    buf_init(&add.text, FILE_BYTES_MAX);
    buf_init(&add.batch, LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + 64);
    if (!control_connect(call, &add.link))
        return CLI_FAILED;
    bool on = begin(&add, source);
    for (size_t i = 0; on && i < call->arg_count; i++) {
        add.path = call->args[i];
        on = add_file(&add, &status);
    }
    if (on) {
        last = finish(&add);
        say_totals(&add);
    }
    control_hang_up(&add.link);
    buf_deinit(&add.text);
    buf_deinit(&add.batch);
    mem_free(add.slices.at);
    if (last != CLI_OK)
        return last;
    return status != CLI_OK ? status : add.totals[4] + add.totals[5] > 0 ? CLI_FAILED : CLI_OK;
}

static const struct cli_command commands[] = {
    {.words = "add",
     .summary = "add objects: bundles, single objects, or one object a line",
     .help = "Every object is acknowledged only when it is durable. What is refused is told with its place "
             "and kept\n"
             "(bongsu quarantine). Adding again is harmless. Exit status 1 when anything was refused.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "- is standard input"}},
     .many = true,
     .options = {{"source", CLI_TEXT, NULL, "NAME", "where it comes from"}},
     .run = run_add},
};

const struct cli_group cli_add = {commands, 1};
