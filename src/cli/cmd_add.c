/* add: files go in batches, several ahead of their acknowledgement; every refusal is told with its place in
 * the file. */
#include <stdio.h>

#include "app/message.h"
#include "cli/convert.h"
#include "cli/text.h"
#include "core/hash.h"
#include "core/mem.h"
#include "core/wr.h"
#include "os/term.h"
#include "json/json.h"

enum { BATCH_OBJECTS = 1000, AHEAD = 4, BAR_CELLS = 30, LINE_BYTES_MAX = 16 << 20 };
enum { TOLD_EVERY_US = 5000000, LENGTH_BYTES = 4, MIB = 1 << 20 };
#define BATCH_TEXT_BYTES ((size_t)LIMIT_BATCH_BYTES - 64)

/* One batch: what of the file it holds, for its answer. */
struct sent {
    size_t first, count;           /* number of its first object in the file, from 0, and how many */
    size_t end;                    /* the file up to here is in it, or was sent before */
    bool foreign;                  /* refused by its conversion */
    bool rest;                     /* what could not be cut into objects: goes alone and as it is */
    size_t whole;                  /* a piece: bytes of what it is a piece of; 0 otherwise */
    size_t at[BATCH_OBJECTS];      /* where the objects stand in the file */
    uint32_t start[BATCH_OBJECTS]; /* and in the batch */
};

struct add {
    struct cli_call *call;
    struct control_link link;
    const char *path;
    struct text text;
    struct buf batch, line; /* line: padded for the parser, then for output */
    struct json_parser *parser;
    size_t objects;     /* cut so far, in this file */
    size_t cut_end;     /* where the last one ended */
    bool list;          /* they are elements of a list, otherwise lines or the whole text */
    struct fault fault; /* why the rest could not be cut */
    struct sent sent[AHEAD];
    size_t out, back; /* batches sent, batches answered, of this file; sent[out % AHEAD] is being filled */
    size_t bytes_done, objects_done;
    uint64_t totals[9]; /* by words[] */
    int64_t told_us;
    bool bar;
    bool source_new; /* nobody had declared the source */
    char source_nearest[LIMIT_NAME_BYTES + 1];
    bool broken;            /* the conversation is over: `status` says how */
    struct convert convert; /* its `as` is NULL for STIX */
    int status;
};

static const char *const words[] = {"new",      "duplicate", "seen",   "assertion", "echo",
                                    "conflict", "refused",   "mended", "warnings"};
enum { WORDS = sizeof words / sizeof words[0], CONFLICT = 5, REFUSED, WARNINGS = 8 };

/* --- progress --- */

static void clear_bar(const struct add *add)
{
    if (add->bar)
        (void)fprintf(stderr, "\r\x1b[K");
}

/* A bar on a terminal, otherwise a line now and then. */
static void show_progress(struct add *add)
{
    size_t all = add->text.bytes.len, percent = (size_t)((uint64_t)add->bytes_done * 100 / all);
    int64_t now = add->call->os->mono_us(add->call->os->ctx);
    if (!add->bar) {
        if (now - add->told_us < TOLD_EVERY_US || add->call->json)
            return;
        add->told_us = now;
        (void)fprintf(stderr, "%s: %zu object%s, %zu %%\n", add->path, add->objects_done,
                      add->objects_done == 1 ? "" : "s", percent);
        return;
    }
    size_t cells = percent * BAR_CELLS / 100;
    (void)fprintf(stderr, "\r%-24.24s [", add->path);
    for (size_t i = 0; i < BAR_CELLS; i++)
        (void)fputc(i < cells ? '#' : ' ', stderr);
    (void)fprintf(stderr, "] %3zu %%, %zu object%s", percent, add->objects_done,
                  add->objects_done == 1 ? "" : "s");
    if (add->bytes_done == all)
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
    size_t whole;    /* larger than an object: so many bytes, kept in pieces; 0: as one */
    bool foreign;    /* of another format: what it is stands in `what` */
};

static void say_refusal_json(struct add *add, const struct refusal *refusal)
{
    struct buf *out = &add->line;
    buf_clear(out);
    buf_printf(out, "{\"object\":%zu,\"at\":%zu,\"offset\":%zu,\"number\":%llu", refusal->object, refusal->at,
               refusal->fault, (unsigned long long)refusal->number);
    print_member(out, "file", str_of(add->path));
    print_member(out, "refused", refusal->word);
    print_member(out, "id", refusal->id);
    print_member(out, "pointer", refusal->pointer);
    print_member(out, "code", refusal->code);
    print_member(out, "what", refusal->what);
    print_member(out, "section", refusal->section);
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
    if (refusal->foreign)
        (void)fprintf(stderr, "%s", add->path);
    else
        (void)fprintf(stderr, "%s: object %zu%s%.*s, byte %zu", add->path, refusal->object,
                      refusal->id.len > 0 ? " " : "", STR_ARG(refusal->id), refusal->fault);
    if (refusal->pointer.len > 0)
        (void)fprintf(stderr, "%s%.*s", refusal->foreign ? ": " : ", ", STR_ARG(refusal->pointer));
    (void)fprintf(stderr, ": %.*s", STR_ARG(refusal->what));
    if (refusal->section.len > 0)
        (void)fprintf(stderr, " (STIX 2.1, %.*s)", STR_ARG(refusal->section));
    if (refusal->number == 0)
        (void)fprintf(stderr, "; there is nothing of it to keep\n");
    else if (refusal->whole > LIMIT_REFUSED_BYTES)
        (void)fprintf(
            stderr,
            "; its first %llu MiB are kept (no more is, of one refusal): bongsu quarantine show %llu\n",
            (unsigned long long)LIMIT_REFUSED_BYTES / MIB, (unsigned long long)refusal->number);
    else
        (void)fprintf(stderr, "; kept: bongsu quarantine show %llu\n", (unsigned long long)refusal->number);
}

/* The file ends too early and nothing stands behind its last object: no bytes that the node could keep. */
static void refuse_end(struct add *add, size_t at, err_t err)
{
    struct refusal refusal = {.object = add->objects,
                              .at = at,
                              .fault = add->fault.offset,
                              .word = STR("refused"),
                              .what = str_of(add->fault.what),
                              .code = str_of(err_name(err))};
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
    if (sent->count == 0)
        return;
    /* A text that went whole is cut by the node: then its own count is the right one. */
    size_t mine = index < sent->count ? index : sent->count - 1;
    refusal.object = sent->first + index;
    refusal.at = sent->at[mine];
    refusal.fault = refusal.at + (offset > sent->start[mine] ? offset - sent->start[mine] : 0);
    refusal.whole = sent->whole;
    refusal.foreign = sent->foreign;
    if (sent->whole > 0)
        refusal.what = STR("an object has at most 2 MiB");
    if (sent->rest && add->fault.what[0] != '\0') {
        refusal.fault = add->fault.offset;
        refusal.what = str_of(add->fault.what);
    }
    say_refusal(add, &refusal);
}

static void take_new_source(struct add *add, struct json_val root)
{
    struct json_val value;
    struct str nearest = STR("");
    if (!json_get(root, STR("source_new"), &value) || !json_is(value, JSON_TRUE))
        return;
    add->source_new = true;
    (void)json_get_str(root, STR("source_nearest"), &nearest);
    (void)snprintf(add->source_nearest, sizeof add->source_nearest, "%.*s", STR_ARG(nearest));
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

/* One line of the node. False: it was the last; `status` is what it means. */
static bool take_line(struct add *add)
{
    struct str line, refused;
    struct json_doc doc;
    err_t err = control_line(&add->link, &line);
    if (err != ERR_OK) {
        add->status = cli_fail("add it again: what was acknowledged is a duplicate then",
                               "the node broke off: %s", err_text(err));
        return false;
    }
    if (control_is_done(line)) {
        add->status = control_result(line);
        return false;
    }
    if (parse_line(add, line, &doc) != ERR_OK || add->back == add->out)
        return true;
    struct json_val root = json_root(&doc);
    if (json_get_str(root, STR("refused"), &refused)) {
        take_refusal(add, root, refused);
        return true;
    }
    const struct sent *sent = &add->sent[add->back++ % AHEAD];
    for (size_t i = 0; i < WORDS; i++)
        add->totals[i] += number_in(root, words[i]);
    take_new_source(add, root);
    add->objects_done += sent->count;
    add->bytes_done = sent->end;
    show_progress(add);
    return true;
}

/* --- batches --- */

static bool broke(struct add *add, err_t err)
{
    add->status = cli_fail(NULL, "the node broke off: %s", err_text(err));
    return false;
}

/* Takes answers until at most `ahead` batches wait for theirs, and while more answers are there. */
static bool take_answers(struct add *add, size_t ahead)
{
    while (add->out - add->back > ahead || (add->out > add->back && control_pending(&add->link)))
        if (!take_line(add))
            return false;
    return true;
}

/* Sends what was filled in, with its length in front. */
static bool send_batch(struct add *add, uint32_t flag)
{
    err_t err = buf_err(&add->batch);
    if (err != ERR_OK)
        return broke(add, err);
    wr_at(add->batch.at, (add->batch.len - LENGTH_BYTES) | flag, LENGTH_BYTES);
    add->out++;
    err = control_send(&add->link, buf_bytes(&add->batch));
    buf_clear(&add->batch);
    /* Closed: its last line, still to be read, says why. */
    return err == ERR_OK || err == ERR_CLOSED || broke(add, err);
}

static bool flush(struct add *add)
{
    struct sent *sent = &add->sent[add->out % AHEAD];
    if (add->batch.len == 0)
        return true;
    if (add->list && !sent->rest)
        buf_put_str(&add->batch, STR("]}"));
    return send_batch(add, 0);
}

/* Begins a batch, once there is room for its answer. */
static bool begin_batch(struct add *add, bool rest)
{
    if (!take_answers(add, AHEAD - 1))
        return false;
    struct sent *sent = &add->sent[add->out % AHEAD];
    sent->first = add->objects;
    sent->count = sent->whole = 0;
    sent->rest = rest;
    sent->foreign = false;
    buf_clear(&add->batch);
    wr_u32(&add->batch, 0);
    return true;
}

static void note(struct add *add, struct json_slice slice, size_t start)
{
    struct sent *sent = &add->sent[add->out % AHEAD];
    sent->at[sent->count] = slice.from;
    sent->start[sent->count++] = (uint32_t)start;
    add->objects++;
}

/* More than an object may hold: the node refuses it piece by piece and keeps the bytes. */
static bool put_pieces(struct add *add, struct json_slice slice, bool rest)
{
    struct bytes whole = {add->text.bytes.at + slice.from, slice.len};
    size_t kept = whole.len < LIMIT_REFUSED_BYTES ? whole.len : (size_t)LIMIT_REFUSED_BYTES;
    struct hash digest = hash_sha256(whole);
    for (size_t at = 0; at < kept; at += LIMIT_OBJECT_BYTES) {
        if (!begin_batch(add, rest))
            return false;
        struct sent *sent = &add->sent[add->out % AHEAD];
        size_t len = kept - at < LIMIT_OBJECT_BYTES ? kept - at : LIMIT_OBJECT_BYTES;
        sent->whole = whole.len;
        sent->end = slice.from + at + len;
        wr_u64(&add->batch, whole.len);
        wr_u64(&add->batch, at);
        buf_put(&add->batch, digest.b, sizeof digest.b);
        buf_put(&add->batch, whole.at + at, len);
        if (at == 0)
            note(add, slice, 0);
        if (!send_batch(add, CONTROL_PIECE))
            return false;
    }
    add->sent[(add->out - 1) % AHEAD].end = slice.from + slice.len;
    return true;
}

static bool put_slice(struct add *add, struct json_slice slice, bool rest)
{
    struct sent *sent = &add->sent[add->out % AHEAD];
    size_t room = add->batch.len < BATCH_TEXT_BYTES ? BATCH_TEXT_BYTES - add->batch.len : 0;
    bool full = add->batch.len > 0 && (sent->count == BATCH_OBJECTS || slice.len > room);
    if ((full || rest || slice.len > LIMIT_OBJECT_BYTES) && !flush(add))
        return false;
    if (slice.len > LIMIT_OBJECT_BYTES)
        return put_pieces(add, slice, rest);
    bool list = add->list && !rest, first = add->batch.len == 0;
    if (first && !begin_batch(add, rest))
        return false;
    if (list)
        buf_put_str(&add->batch, first ? STR("{\"objects\":[") : STR(","));
    else if (!first)
        buf_putc(&add->batch, '\n');
    note(add, slice, add->batch.len - LENGTH_BYTES);
    add->sent[add->out % AHEAD].end = slice.from + slice.len;
    buf_put(&add->batch, add->text.bytes.at + slice.from, slice.len);
    return true;
}

static size_t skip(struct bytes text, size_t from, const char *what)
{
    while (from < text.len && text.at[from] != '\0' && strchr(what, text.at[from]) != NULL)
        from++;
    return from;
}

static bool take_slice(void *ctx, struct json_slice slice)
{
    struct add *add = ctx;
    /* What does not begin where the text does is an element of a list, or a line behind the first. */
    if (add->objects == 0)
        add->list = slice.from != skip(add->text.bytes, 0, " \t\r\n");
    add->cut_end = slice.from + slice.len;
    add->broken = !put_slice(add, slice, false);
    return !add->broken;
}

/* Cuts the file into objects and sends them on the way: memory stays small whatever its size. What stands
 * behind the last one that could be cut, or the whole text, goes as it is, so that the node refuses it and
 * keeps the bytes. */
static bool send_file(struct add *add)
{
    struct bytes text = add->text.bytes;
    enum json_split_kind kind;
    err_t err = json_split(text, STR("objects"), &kind, take_slice, add, &add->fault);
    if (add->broken)
        return false;
    if (err != ERR_OK || add->objects == 0) {
        size_t from = add->objects == 0 ? 0 : skip(text, add->cut_end, " \t\r\n,");
        if (from == text.len)
            refuse_end(add, from, err);
        else if (!put_slice(add, (struct json_slice) {from, text.len - from}, true))
            return false;
    }
    return flush(add) && take_answers(add, 0);
}

static void reset(struct add *add)
{
    add->out = add->back = add->objects = add->objects_done = add->cut_end = add->bytes_done = 0;
    add->fault = (struct fault) {0};
    buf_clear(&add->batch);
}

/* One text that a conversion made stands where the file would. */
static bool send_converted(void *ctx, struct bytes text)
{
    struct add *add = ctx;
    struct bytes file = add->text.bytes;
    reset(add);
    add->text.bytes = text;
    bool on = send_file(add);
    add->text.bytes = file;
    return on;
}

/* What a conversion refuses goes with its reason; what is larger than an object in pieces, which the node
 * gives its own. */
static bool send_refused(void *ctx, struct bytes text, const struct fault *fault)
{
    struct add *add = ctx;
    reset(add);
    if (text.len > LIMIT_OBJECT_BYTES) {
        (void)cli_fail(NULL, "%s: %s", add->path, fault->what);
        struct bytes file = add->text.bytes;
        add->text.bytes = text;
        bool on = put_pieces(add, (struct json_slice) {0, text.len}, false);
        add->text.bytes = file;
        return on && take_answers(add, 0);
    }
    if (!begin_batch(add, false))
        return false;
    add->sent[add->out % AHEAD].foreign = true;
    message_foreign_write(&add->batch, &(struct message_foreign) {*fault, text});
    note(add, (struct json_slice) {0, text.len}, 0);
    return send_batch(add, CONTROL_FOREIGN) && take_answers(add, 0);
}

static bool send_as(struct add *add)
{
    const struct convert_sink sink = {send_converted, send_refused, add};
    add->convert.path = add->path;
    add->convert.failed = false;
    bool on = convert_run(&add->convert, add->text.bytes, &sink);
    if (add->convert.failed)
        add->status = CLI_FAILED;
    return on;
}

static bool add_file(struct add *add)
{
    reset(add);
    if (!text_open(add->path, "nothing of it was added", &add->text)) {
        add->status = CLI_FAILED;
        return true; /* the other files all the same */
    }
    bool on = true;
    if (add->text.bytes.len == 0)
        add->status = cli_fail("is it the right one?", "%s: it is empty", add->path);
    else
        on = add->convert.as != NULL ? send_as(add) : send_file(add);
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

static void say_new_source(const struct add *add)
{
    const char *name = add->convert.source, *near = add->source_nearest;
    if (!add->source_new)
        return;
    (void)printf(
        "%s is a new source: nothing is assumed of it, and it speaks for nobody; bongsu source add %s\n",
        name, name);
    if (near[0] != '\0')
        (void)printf("did you mean %s? (bongsu source list)\n", near);
}

static void say_totals(const struct add *add)
{
    if (add->call->json) {
        (void)printf("{");
        for (size_t i = 0; i < WORDS; i++)
            (void)printf("%s\"%s\":%llu", i == 0 ? "" : ",", words[i], (unsigned long long)add->totals[i]);
        (void)printf("%s}\n", add->source_new ? ",\"source_new\":true" : "");
        return;
    }
    const char *comma = "";
    for (size_t i = 0; i < WORDS; i++) {
        if (i > 0 && add->totals[i] == 0)
            continue;
        bool one = i == WARNINGS && add->totals[i] == 1;
        (void)printf("%s%llu %s", comma, (unsigned long long)add->totals[i], one ? "warning" : words[i]);
        comma = ", ";
    }
    (void)printf(add->totals[WARNINGS] > 0 && add->convert.as == NULL ? " (bongsu lint FILE shows them)\n"
                                                                      : "\n");
    say_new_source(add);
}

static int finish(struct add *add)
{
    static const uint8_t end[LENGTH_BYTES] = {0};
    if (control_send(&add->link, bytes_of(end, sizeof end)) != ERR_OK)
        return cli_fail(NULL, "the node broke off");
    while (take_line(add))
        ;
    return add->status;
}

/* Everything but making and unmaking *add. */
static int add_all(struct add *add, const char *source)
{
    bool on = begin(add, source);
    for (size_t i = 0; on && i < add->call->arg_count; i++) {
        add->path = add->call->args[i];
        on = add_file(add);
    }
    int status = add->status;
    if (!on) {
        say_totals(add);
        return status == CLI_OK ? CLI_FAILED : status;
    }
    int last = finish(add);
    say_totals(add);
    if (last != CLI_OK || status != CLI_OK)
        return last != CLI_OK ? last : status;
    return add->totals[CONFLICT] + add->totals[REFUSED] > 0 ? CLI_FAILED : CLI_OK;
}

/* --as and what belongs to it. */
static int read_convert(struct cli_call *call, const char *source, struct convert *out)
{
    const char *as = cli_option(call, "as"), *previous = cli_option(call, "previous");
    *out = (struct convert) {.as = as,
                             .map = cli_option(call, "map"),
                             .least = cli_option(call, "least"),
                             .source = source,
                             .now_us = call->os->wall_us(call->os->ctx)};
    buf_init(&out->previous, LIMIT_MISP_STIX_BYTES);
    bool table = as != NULL && strcmp(as, "misp") != 0;
    if (!table && (out->map != NULL || previous != NULL))
        return cli_usage(call, "--map and --previous belong to --as csv or --as list");
    uint64_t least;
    if (out->least != NULL && (previous == NULL || !str_to_u64(str_of(out->least), UINT64_MAX, &least)))
        return cli_usage(call, "--least N, a number of values, belongs to --previous");
    if (as != NULL && !convert_known(as))
        return cli_usage(call, "--as takes misp, csv or list");
    if (as != NULL && strcmp(as, "csv") == 0 && out->map == NULL)
        return cli_usage(call, "--as csv needs --map 'type=... value=col:NAME'");
    return previous == NULL || cli_read(call, previous, &out->previous) ? CLI_OK : CLI_FAILED;
}

static int run_add(struct cli_call *call)
{
    const char *source = cli_option(call, "source");
    if (source == NULL)
        return cli_usage(call, "--source NAME is needed: where it comes from decides what it may mean");
    if (!str_is_utf8(str_of(source)))
        return cli_usage(call, "--source is not UTF-8");
    struct convert convert;
    int usage = read_convert(call, source, &convert);
    if (usage != CLI_OK)
        return usage;
    struct add *add = mem_alloc(sizeof *add);
    if (add == NULL || json_parser_new(LINE_BYTES_MAX, &add->parser) != ERR_OK) {
        mem_free(add);
        buf_deinit(&convert.previous);
        return cli_fail(NULL, "%s", err_text(ERR_NOMEM));
    }
    add->call = call;
    add->convert = convert;
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
    buf_deinit(&add->convert.previous);
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
     .options = {{"source", CLI_TEXT, NULL, "NAME", "where it comes from"},
                 {"as", CLI_TEXT, NULL, "FORMAT", "misp (events), csv (a table), list (one value a line)"},
                 {"map", CLI_TEXT, NULL, "TEXT",
                  "type=ipv4-addr value=col:ip labels=botnet; a list has no columns"},
                 {"previous", CLI_TEXT, NULL, "FILE",
                  "the list as it was: only what differs goes in, what is gone gets an end"},
                 {"least", CLI_TEXT, NULL, "N",
                  "with --previous: fewer values than this are not believed; else half of what it had"}},
     .run = run_add},
};

const struct cli_group cli_add = {commands, 1};
