/* Exact bytes: of a quarantined entry, of a held object. And a feed with all that a table cuts. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "os/term.h"

struct showing {
    const struct cli_call *call;
    struct table *table;
    bool found, no_voucher;
    uint64_t next; /* piece of what is larger than an object */
};

static void write_bytes(struct bytes bytes, bool last)
{
    (void)fwrite(bytes.at, 1, bytes.len, stdout);
    if (last && os_term_is(1) && bytes.len > 0 && bytes.at[bytes.len - 1] != '\n')
        (void)fputc('\n', stdout);
}

static void write_base64(struct str base64, bool last)
{
    size_t len = 0, size = base64.len / 4 * 3;
    uint8_t *at = mem_alloc(size + 1);
    if (at != NULL && str_unbase64(base64, at, size, &len))
        write_bytes(bytes_of(at, len), last);
    mem_free(at);
}

static void show_member(const struct line *line, const char *name)
{
    struct str value = line_str(line, name);
    if (value.len > 0)
        (void)fprintf(stderr, "%-9s %.*s\n", name, STR_ARG(value));
}

static void show_head(const struct line *line)
{
    static const char *const members[] = {"received", "source",  "reason", "code",
                                          "section",  "pointer", "what"};
    (void)fprintf(stderr, "%-9s %llu\n", "number", (unsigned long long)line_u64(line, "number"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        show_member(line, members[i]);
    (void)fprintf(stderr, "%-9s %llu of %llu\n", "byte", (unsigned long long)line_u64(line, "offset"),
                  (unsigned long long)line_u64(line, "bytes"));
}

static void show_entry(void *ctx, struct str json)
{
    struct showing *showing = ctx;
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    showing->next = line_u64(line, "next_piece");
    if (showing->call->json) {
        (void)printf("%.*s\n", STR_ARG(json));
        line_free(line);
        return;
    }
    if (!showing->found) {
        showing->found = true;
        show_head(line);
    }
    if (line_has(line, "base64"))
        write_base64(line_str(line, "base64"), showing->next == 0);
    else
        write_bytes(bytes_from_str(line_str(line, "text")), showing->next == 0);
    line_free(line);
}

/* What is larger than an object is kept in pieces: they come one after the other. */
int run_quarantine_show(struct cli_call *call)
{
    struct showing showing = {.call = call};
    char number[24];
    int status;
    do {
        showing.next = 0;
        status = control_each(call, show_entry, &showing);
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)showing.next);
        call->args[0] = number;
    } while (status == CLI_OK && showing.next != 0);
    return status;
}

static void show_object(void *ctx, struct str json)
{
    struct showing *showing = ctx;
    struct line *line = line_read(json);
    if (line == NULL || !line_is(line, "newest") || showing->found) {
        line_free(line);
        return;
    }
    showing->found = true;
    if (cli_option(showing->call, "raw") != NULL)
        write_bytes(bytes_from_str(line_str(line, "object")), true);
    else if (line_has(line, "voucher"))
        (void)printf("%.*s\n", STR_ARG(line_str(line, "voucher")));
    else
        showing->no_voucher = true;
    line_free(line);
}

int run_object_show(struct cli_call *call)
{
    struct showing showing = {.call = call};
    if (cli_option(call, "raw") == NULL && cli_option(call, "voucher") == NULL)
        return control_run(call);
    int status = control_each(call, show_object, &showing);
    if (status == CLI_OK && !showing.found)
        status = cli_fail("bongsu object show ID lists its copies", "no copy of it is the newest");
    else if (status == CLI_OK && showing.no_voucher)
        status = cli_fail("whoever passes it on lets it go by `bongsu peer vouch`",
                          "nothing that its origin signed came with the newest copy");
    return status;
}

/* What the table cuts, in full. */
static void show_whole(const struct line *line, const char *name, const char *title)
{
    struct str text = line_str(line, name);
    struct buf clean;
    if (text.len == 0)
        return;
    buf_init(&clean, text.len);
    print_clean(&clean, text);
    (void)printf("%s: %.*s\n", title, STR_ARG(buf_str(&clean)));
    buf_deinit(&clean);
}

static void show_feed(void *ctx, struct str json)
{
    struct showing *showing = ctx;
    struct line *line = showing->call->json ? NULL : line_read(json);
    if (line == NULL) {
        (void)printf("%.*s\n", STR_ARG(json));
        return;
    }
    (void)table_take(showing->table, json);
    table_print(showing->table);
    show_whole(line, "trouble", "trouble");
    show_whole(line, "what_next", "what next");
    line_free(line);
}

int run_feed_show(struct cli_call *call)
{
    struct showing showing = {.call = call, .table = table_new(call->command->columns)};
    int status = control_each(call, show_feed, &showing);
    table_free(showing.table);
    return status;
}
