/* Searching: find for people, export for programs and files. The node answers in portions; what comes is
 * written at once, whatever its size. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/uuid.h"
#include "os/term.h"

enum { TABLE_ROWS = 500, FIND_LIMIT = 100 };

struct finding {
    struct cli_call *call;
    struct table *table;
    struct buf text; /* of one object or row */
    uint64_t count;
    bool terminal;
};

/* --- formats --- */

/* A table for any number of rows: titles again every so often. */
static void put_row(struct finding *f, struct str json)
{
    if (!table_take(f->table, json)) {
        table_print(f->table);
        print_say(json);
    } else if (table_rows(f->table) == TABLE_ROWS) {
        table_print(f->table);
    }
}

static void put_raw(struct finding *f, struct str json)
{
    (void)f;
    (void)printf("%.*s\n", STR_ARG(json));
}

static void write_clean(struct finding *f, struct str text)
{
    if (f->terminal) {
        buf_clear(&f->text);
        print_clean(&f->text, text);
        text = buf_str(&f->text);
    }
    (void)fwrite(text.at, 1, text.len, stdout);
}

/* The object of a line, NULL when there is none; the caller frees. */
static struct line *object_line(struct str json, struct str *out)
{
    struct line *line = line_read(json);
    if (line == NULL || !line_has(line, "object")) {
        line_free(line);
        return NULL;
    }
    *out = line_str(line, "object");
    return line;
}

/* Line ends between the parts of an object become blanks: inside strings JSON has none. */
static void put_line(struct finding *f, struct str json)
{
    struct str object;
    struct line *line = object_line(json, &object);
    if (line == NULL)
        return;
    buf_clear(&f->text);
    for (size_t i = 0; i < object.len; i++)
        buf_putc(&f->text, object.at[i] == '\n' || object.at[i] == '\r' ? ' ' : object.at[i]);
    (void)fwrite(f->text.at, 1, f->text.len, stdout);
    (void)fputc('\n', stdout);
    line_free(line);
}

static void put_original(struct finding *f, struct str json)
{
    struct str object;
    struct line *line = object_line(json, &object);
    if (line == NULL)
        return;
    write_clean(f, object);
    (void)fputc('\n', stdout);
    line_free(line);
}

static void put_member(struct finding *f, struct str json)
{
    struct str object;
    struct line *line = object_line(json, &object);
    if (line == NULL)
        return;
    (void)fputs(f->count++ == 0 ? "\n" : ",\n", stdout);
    write_clean(f, object);
    line_free(line);
}

static const char *const csv_columns[] = {"id",          "type",   "name",     "created", "modified",
                                          "sources",     "owner",  "received", "marking", "state",
                                          "valid_until", "labels", "tags",     "lsn"};

enum { CSV_COLUMNS = sizeof csv_columns / sizeof csv_columns[0] };

static void put_csv(struct finding *f, struct str json)
{
    struct line *line = line_read(json);
    char number[24];
    if (line != NULL && line_has(line, "id")) {
        buf_clear(&f->text);
        for (size_t i = 0; i < CSV_COLUMNS; i++) {
            struct str text = line_str(line, csv_columns[i]);
            if (i + 1 == CSV_COLUMNS) {
                (void)snprintf(number, sizeof number, "%llu",
                               (unsigned long long)line_u64(line, csv_columns[i]));
                text = str_of(number);
            }
            print_csv_cell(&f->text, text, i + 1 == CSV_COLUMNS);
        }
        (void)fwrite(f->text.at, 1, f->text.len, stdout);
    }
    line_free(line);
}

static bool csv_begin(struct finding *f)
{
    for (size_t i = 0; i < CSV_COLUMNS; i++)
        print_csv_cell(&f->text, str_of(csv_columns[i]), i + 1 == CSV_COLUMNS);
    (void)fwrite(f->text.at, 1, f->text.len, stdout);
    return true;
}

static bool bundle_begin(struct finding *f)
{
    uint8_t random[UUID_SIZE];
    char id[UUID_TEXT_SIZE];
    if (f->call->os->random(f->call->os->ctx, random, sizeof random) != ERR_OK)
        return cli_fail(NULL, "no random numbers to be had") == CLI_OK;
    struct uuid uuid = uuid_v4(random);
    uuid_text(&uuid, id);
    (void)printf("{\"type\":\"bundle\",\"id\":\"bundle--%.*s\",\"objects\":[", UUID_TEXT_SIZE, id);
    return true;
}

static void bundle_end(struct finding *f)
{
    (void)f;
    (void)fputs("\n]}\n", stdout);
}

static const struct format {
    const char *name;
    bool objects; /* the node is to send them */
    bool (*begin)(struct finding *f);
    void (*put)(struct finding *f, struct str json);
    void (*end)(struct finding *f);
} formats[] = {
    {"table", false, NULL, put_row, NULL},
    {"lines", true, NULL, put_line, NULL},
    {"bundle", true, bundle_begin, put_member, bundle_end},
    {"csv", false, csv_begin, put_csv, NULL},
    {"original", true, NULL, put_original, NULL},
    {"json", false, NULL, put_raw, NULL},
};

static const struct format *format_named(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

/* --- running --- */

struct taking {
    struct finding finding;
    const struct format *format;
};

static void take(void *ctx, struct str json)
{
    struct taking *taking = ctx;
    struct line *line;
    taking->format->put(&taking->finding, json);
    if (taking->format->put == put_row || taking->format->put == put_raw)
        return;
    /* What is no object goes to who looks on: the output is a file's. */
    line = line_read(json);
    struct str say = line == NULL ? STR("") : line_str(line, "say");
    if (say.len > 0)
        (void)fprintf(stderr, "%.*s\n", STR_ARG(say));
    line_free(line);
}

static int run_format(struct cli_call *call, const struct format *format, const char *extra)
{
    struct taking taking = {.finding = {.call = call, .terminal = os_term_is(1)}, .format = format};
    struct finding *f = &taking.finding;
    char members[128];
    (void)snprintf(members, sizeof members, "%s%s", format->objects ? ",\"objects\":true" : "", extra);
    call->extra = members[0] == '\0' ? NULL : members;
    buf_init(&f->text, 4 * (LIMIT_OBJECT_BYTES + 4096));
    f->table = table_new(call->command->columns);
    int status = CLI_FAILED;
    if (format->begin == NULL || format->begin(f)) {
        status = control_each(call, take, &taking);
        table_print(f->table);
        if (format->end != NULL && status == CLI_OK)
            format->end(f);
    }
    table_free(f->table);
    buf_deinit(&f->text);
    return status;
}

static int run_as(struct cli_call *call, const char *usual, const char *extra)
{
    const char *name = cli_option(call, "format");
    const struct format *format = format_named(call->json ? "json" : name == NULL ? usual : name);
    if (format == NULL)
        return cli_usage(call, "--format is table, lines, bundle, csv, original or json");
    return run_format(call, format, extra);
}

int run_find(struct cli_call *call)
{
    char limit[40] = "";
    if (cli_option(call, "limit") == NULL)
        (void)snprintf(limit, sizeof limit, ",\"limit\":\"%d\"", FIND_LIMIT);
    return run_as(call, "table", limit);
}

int run_bundle(struct cli_call *call)
{
    return run_format(call, format_named("bundle"), "");
}

int run_export(struct cli_call *call)
{
    return run_as(call, "lines", ",\"oldest\":true,\"wait\":true");
}
