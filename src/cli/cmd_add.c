/* add: files go in batches, several ahead of their acknowledgement; every refusal is told with its place in
 * the file. */
#include <stdio.h>

#include "cli/text.h"
#include "core/mem.h"
#include "core/wr.h"
#include "os/term.h"
#include "json/json.h"

enum { BATCH_OBJECTS = 1000, AHEAD = 4, BAR_CELLS = 30, SLICES_FIRST = 4096, LINE_BYTES_MAX = 16 << 20 };
enum { TOLD_EVERY_US = 5000000 };
#define BATCH_TEXT_BYTES ((size_t)LIMIT_BATCH_BYTES - 64)

struct slices {
    struct json_slice *at;
    size_t count, size;
    bool failed;
};

struct sent {                      /* where the objects of a batch stand */
    size_t first, count;           /* slices */
    uint32_t start[BATCH_OBJECTS]; /* in the batch */
};

struct add {
    struct cli_call *call;
    struct control_link link;
    const char *path;
    struct text text;
    struct buf batch, line; /* line: padded for the parser, then for output */
    struct json_parser *parser;
    struct slices slices;
    enum json_split_kind kind;
    size_t rest;        /* the slice that could not be cut any further: goes alone and as it is */
    struct fault fault; /* why it could not */
    struct sent sent[AHEAD];
    size_t out, back; /* batches sent, batches answered, of this file */
    size_t objects_done;
    uint64_t totals[7];
    int64_t told_us;
    bool bar;
};

static const char *const words[] = {"new",      "duplicate", "seen",    "assertion",
                                    "conflict", "refused",   "warnings"};
enum { WORDS = sizeof words / sizeof words[0], REFUSED = 5 };

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

/* --- progress --- */

static void clear_bar(const struct add *add)
{
    if (add->bar)
        (void)fprintf(stderr, "\r\x1b[K");
}

/* A bar on a terminal, otherwise a line now and then. */
static void show_progress(struct add *add)
{
    size_t all = add->slices.count == 0 ? 1 : add->slices.count;
    int64_t now = add->call->os->mono_us(add->call->os->ctx);
    if (!add->bar) {
        if (now - add->told_us < TOLD_EVERY_US || add->call->json)
            return;
        add->told_us = now;
        (void)fprintf(stderr, "%s: %zu of %zu objects\n", add->path, add->objects_done, add->slices.count);
        return;
    }
    size_t cells = add->objects_done * BAR_CELLS / all;
    (void)fprintf(stderr, "\r%-24.24s [", add->path);
    for (size_t i = 0; i < BAR_CELLS; i++)
        (void)fputc(i < cells ? '#' : ' ', stderr);
    (void)fprintf(stderr, "] %zu of %zu", add->objects_done, add->slices.count);
    if (add->objects_done == add->slices.count)
        (void)fputc('\n', stderr);
}

/* --- refusals --- */

/* One thing that was refused, with its place in the file. */
struct refusal {
    size_t object; /* from 0; counts in the file */
    size_t at;     /* byte of the file where it begins */
    size_t fault;  /* byte of the file where the fault is */
    struct str id, word, what, pointer, section, code;
    uint64_t number; /* of the quarantine; 0: not kept */
};

static void put_text(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, str_is_utf8(value) ? value : STR("(not UTF-8)"));
}

static void say_refusal_json(struct add *add, const struct refusal *refusal)
{
    struct buf *out = &add->line;
    buf_clear(out);
    buf_printf(out, "{\"object\":%zu,\"at\":%zu,\"offset\":%zu,\"number\":%llu", refusal->object, refusal->at,
               refusal->fault, (unsigned long long)refusal->number);
    put_text(out, "file", str_of(add->path));
    put_text(out, "refused", refusal->word);
    put_text(out, "id", refusal->id);
    put_text(out, "pointer", refusal->pointer);
    put_text(out, "code", refusal->code);
    put_text(out, "what", refusal->what);
    put_text(out, "section", refusal->section);
    buf_printf(out, "}\n");
    if (buf_err(out) == ERR_OK)
        (void)printf("%.*s", STR_ARG(buf_str(out)));
}

static void say_refusal(struct add *add, const struct refusal *refusal)
{
    if (add->call->json) {
        say_refusal_json(add, refusal);
        return;
    }
    clear_bar(add);
    (void)fprintf(stderr, "%s: object %zu%s%.*s, byte %zu", add->path, refusal->object,
                  refusal->id.len > 0 ? " " : "", STR_ARG(refusal->id), refusal->fault);
    if (refusal->pointer.len > 0)
        (void)fprintf(stderr, ", %.*s", STR_ARG(refusal->pointer));
    (void)fprintf(stderr, ": %.*s", STR_ARG(refusal->what));
    if (refusal->section.len > 0)
        (void)fprintf(stderr, " (STIX 2.1, %.*s)", STR_ARG(refusal->section));
    if (refusal->number > 0)
        (void)fprintf(stderr, "; kept: bongsu quarantine show %llu\n", (unsigned long long)refusal->number);
    else
        (void)fprintf(stderr, "; not kept\n");
}

/* What this program refuses by itself, because it is too large to be handed to the node. */
static void refuse_here(struct add *add, struct refusal refusal, err_t err)
{
    refusal.word = STR("refused");
    refusal.code = str_of(err_name(err));
    add->totals[REFUSED]++;
    say_refusal(add, &refusal);
}

/* --- answers --- */

static uint64_t number_in(struct json_val root, const char *name)
{
    struct json_val value;
    return json_get(root, str_of(name), &value) && json_is(value, JSON_INT) ? (uint64_t)json_int(value) : 0;
}

static void take_refusal(struct add *add, struct json_val root, struct str word)
{
    const struct sent *sent = &add->sent[add->back % AHEAD];
    size_t index = (size_t)number_in(root, "index"), offset = (size_t)number_in(root, "offset");
    struct refusal refusal = {.word = word, .number = number_in(root, "number")};
    (void)json_get_str(root, STR("id"), &refusal.id);
    (void)json_get_str(root, STR("what"), &refusal.what);
    (void)json_get_str(root, STR("pointer"), &refusal.pointer);
    (void)json_get_str(root, STR("section"), &refusal.section);
    (void)json_get_str(root, STR("code"), &refusal.code);
    /* A text that went whole is cut by the node: then its own count is the right one. */
    size_t mine = index < sent->count ? index : sent->count - 1;
    refusal.object = sent->first + index;
    refusal.at = add->slices.at[sent->first + mine].from;
    refusal.fault = refusal.at + (offset > sent->start[mine] ? offset - sent->start[mine] : 0);
    if (sent->first + mine == add->rest && add->fault.what[0] != '\0') {
        refusal.fault = add->fault.offset;
        refusal.what = str_of(add->fault.what);
    }
    say_refusal(add, &refusal);
}

static err_t parse_line(struct add *add, struct str line, struct json_doc *doc)
{
    struct fault fault;
    buf_clear(&add->line);
    buf_put_str(&add->line, line);
    if (buf_extend(&add->line, JSON_PADDING) == NULL)
        return buf_err(&add->line);
    return json_parse(add->parser, bytes_of(add->line.at, line.len), doc, &fault);
}

/* One line of the node. ERR_CLOSED: it was the last; *status is what it means. */
static err_t take_line(struct add *add, int *status)
{
    struct str line, refused;
    struct json_doc doc;
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
    if (parse_line(add, line, &doc) != ERR_OK || add->back == add->out)
        return ERR_OK;
    struct json_val root = json_root(&doc);
    if (json_get_str(root, STR("refused"), &refused)) {
        take_refusal(add, root, refused);
        return ERR_OK;
    }
    for (size_t i = 0; i < WORDS; i++)
        add->totals[i] += number_in(root, words[i]);
    add->objects_done += add->sent[add->back % AHEAD].count;
    add->back++;
    show_progress(add);
    return ERR_OK;
}

/* --- batches --- */

static void refuse_giant(struct add *add, size_t object)
{
    size_t at = add->slices.at[object].from;
    struct refusal refusal = {
        .object = object, .at = at, .fault = at, .what = STR("an object has at most 2 MiB")};
    refuse_here(add, refusal, ERR_LIMIT);
    add->objects_done++;
}

/* The next objects, as many as go together; what fits no batch is refused on the way. */
static void fill(struct add *add, size_t *next)
{
    while (*next < add->slices.count && add->slices.at[*next].len > LIMIT_OBJECT_BYTES)
        refuse_giant(add, (*next)++);
    struct sent *sent = &add->sent[add->out % AHEAD];
    bool rest = *next == add->rest, list = add->kind == JSON_SPLIT_LIST && !rest;
    sent->first = *next;
    sent->count = 0;
    buf_clear(&add->batch);
    wr_u32(&add->batch, 0);
    if (list)
        buf_put_str(&add->batch, STR("{\"objects\":["));
    while (*next < add->slices.count && sent->count < (rest ? 1 : BATCH_OBJECTS) &&
           (rest || *next != add->rest)) {
        struct json_slice slice = add->slices.at[*next];
        if (slice.len > LIMIT_OBJECT_BYTES)
            break;
        if (sent->count > 0 &&
            (add->batch.len >= BATCH_TEXT_BYTES || slice.len > BATCH_TEXT_BYTES - add->batch.len))
            break;
        if (sent->count > 0)
            buf_putc(&add->batch, list ? ',' : '\n');
        sent->start[sent->count++] = (uint32_t)(add->batch.len - 4);
        buf_put(&add->batch, add->text.bytes.at + slice.from, slice.len);
        (*next)++;
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

/* Cuts the file into objects. What stands behind the last one that could be cut, or the whole text, goes as
 * it is, so that the node refuses it and keeps the bytes; the objects before it are taken in. */
static err_t cut(struct add *add)
{
    struct bytes text = add->text.bytes;
    size_t from = 0;
    add->slices.count = 0;
    add->rest = SIZE_MAX;
    add->fault = (struct fault) {0};
    err_t err = json_split(text, STR("objects"), &add->kind, keep_slice, &add->slices, &add->fault);
    if (add->slices.failed)
        return ERR_NOMEM;
    if (err == ERR_OK && add->slices.count > 0)
        return ERR_OK;
    add->kind = JSON_SPLIT_OBJECT;
    if (add->slices.count > 0) { /* only a list can break off behind an object */
        struct json_slice last = add->slices.at[add->slices.count - 1];
        add->kind = JSON_SPLIT_LIST;
        from = last.from + last.len;
    }
    while (from > 0 && from < text.len && memchr(" \t\r\n,", text.at[from], 5) != NULL)
        from++;
    if (from == text.len || text.len - from > LIMIT_OBJECT_BYTES) {
        struct refusal refusal = {.object = add->slices.count,
                                  .at = from,
                                  .fault = add->fault.offset,
                                  .what = str_of(add->fault.what)};
        refuse_here(add, refusal, err);
        return ERR_OK;
    }
    add->rest = add->slices.count;
    return keep_slice(&add->slices, (struct json_slice) {from, text.len - from}) ? ERR_OK : ERR_NOMEM;
}

/* False: *status says how it ended. */
static bool send_file(struct add *add, int *status)
{
    size_t next = 0;
    while (next < add->slices.count || add->back < add->out) {
        bool may_send = next < add->slices.count && add->out - add->back < AHEAD;
        if (!may_send || control_pending(&add->link)) {
            if (take_line(add, status) != ERR_OK)
                return false;
            continue;
        }
        fill(add, &next);
        if (add->sent[add->out % AHEAD].count == 0)
            continue; /* the last ones were too large */
        err_t err = send_batch(add);
        /* Closed: its last line, still to be read, says why. */
        if (err != ERR_OK && err != ERR_CLOSED) {
            *status = cli_fail(NULL, "the node broke off: %s", err_text(err));
            return false;
        }
    }
    return true;
}

static bool add_file(struct add *add, int *status)
{
    add->out = add->back = add->objects_done = 0;
    if (!text_open(add->path, &add->text)) {
        *status = CLI_FAILED;
        return true; /* the other files all the same */
    }
    bool on = true;
    if (add->text.bytes.len == 0)
        *status = cli_fail("is it the right one?", "%s: it is empty", add->path);
    else if (cut(add) != ERR_OK)
        *status = cli_fail(NULL, "%s: %s", add->path, err_text(ERR_NOMEM));
    else
        on = send_file(add, status);
    text_close(&add->text);
    return on;
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

/* Everything but making and unmaking *add. */
static int add_all(struct add *add, const char *source)
{
    int status = CLI_OK;
    bool on = begin(add, source);
    for (size_t i = 0; on && i < add->call->arg_count; i++) {
        add->path = add->call->args[i];
        on = add_file(add, &status);
    }
    if (!on) {
        say_totals(add);
        return status == CLI_OK ? CLI_FAILED : status;
    }
    int last = finish(add);
    say_totals(add);
    if (last != CLI_OK || status != CLI_OK)
        return last != CLI_OK ? last : status;
    return add->totals[4] + add->totals[REFUSED] > 0 ? CLI_FAILED : CLI_OK;
}

static int run_add(struct cli_call *call)
{
    const char *source = cli_option(call, "source");
    if (source == NULL)
        return cli_usage(call, "--source NAME is needed: where it comes from decides what it may mean");
    if (!str_is_utf8(str_of(source)))
        return cli_usage(call, "--source is not UTF-8");
    struct add *add = mem_alloc(sizeof *add);
    if (add == NULL || json_parser_new(LINE_BYTES_MAX, &add->parser) != ERR_OK) {
        mem_free(add);
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    }
    add->call = call;
    add->bar = !call->json && os_term_is(2);
    add->told_us = call->os->mono_us(call->os->ctx);
    buf_init(&add->batch, LIMIT_BATCH_BYTES + LIMIT_OBJECT_BYTES + 64);
    buf_init(&add->line, LINE_BYTES_MAX + JSON_PADDING);
    int status = CLI_FAILED;
    if (control_connect(call, &add->link)) {
        status = add_all(add, source);
        control_hang_up(&add->link);
    }
    json_parser_free(add->parser);
    buf_deinit(&add->batch);
    buf_deinit(&add->line);
    mem_free(add->slices.at);
    mem_free(add);
    return status;
}

static const struct cli_command commands[] = {
    {.words = "add",
     .summary = "add objects: bundles, single objects, or one object a line",
     .help =
         "gzip and zstd are unpacked. Every object is acknowledged only when it is durable. What is refused\n"
         "is told with its place and kept (bongsu quarantine). Adding again is harmless, so is "
         "interrupting:\n"
         "what was acknowledged stays. Exit status 1 when anything was refused.",
     .args = {{"FILE", CLI_TEXT, NULL, NULL, "- is standard input"}},
     .many = true,
     .options = {{"source", CLI_TEXT, NULL, "NAME", "where it comes from"}},
     .run = run_add},
};

const struct cli_group cli_add = {commands, 1};
