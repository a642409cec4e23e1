/* Exact bytes: of a quarantined entry, of a held object. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "os/term.h"

struct showing {
    const struct cli_call *call;
    struct table *table;
    bool found;
};

static void write_bytes(struct bytes bytes)
{
    (void)fwrite(bytes.at, 1, bytes.len, stdout);
    if (os_term_is(1) && bytes.len > 0 && bytes.at[bytes.len - 1] != '\n')
        (void)fputc('\n', stdout);
}

static void write_base64(struct str base64)
{
    size_t len = 0, size = base64.len / 4 * 3;
    uint8_t *at = mem_alloc(size + 1);
    if (at != NULL && str_unbase64(base64, at, size, &len))
        write_bytes(bytes_of(at, len));
    mem_free(at);
}

static void show_member(const struct line *line, const char *name)
{
    struct str value = line_str(line, name);
    if (value.len > 0)
        (void)fprintf(stderr, "%-9s %.*s\n", name, STR_ARG(value));
}

static void show_entry(void *ctx, struct str json)
{
    static const char *const members[] = {"received", "source",  "reason", "code",
                                          "section",  "pointer", "what"};
    struct showing *showing = ctx;
    if (showing->call->json) {
        (void)printf("%.*s\n", STR_ARG(json));
        return;
    }
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    (void)fprintf(stderr, "%-9s %llu\n", "number", (unsigned long long)line_u64(line, "number"));
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        show_member(line, members[i]);
    (void)fprintf(stderr, "%-9s %llu of %llu\n", "byte", (unsigned long long)line_u64(line, "offset"),
                  (unsigned long long)line_u64(line, "bytes"));
    if (line_has(line, "base64"))
        write_base64(line_str(line, "base64"));
    else
        write_bytes(bytes_from_str(line_str(line, "text")));
    line_free(line);
}

int run_quarantine_show(struct cli_call *call)
{
    struct showing showing = {.call = call};
    return control_each(call, show_entry, &showing);
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
    write_bytes(bytes_from_str(line_str(line, "object")));
    line_free(line);
}

int run_object_show(struct cli_call *call)
{
    struct showing showing = {.call = call};
    if (cli_option(call, "raw") == NULL)
        return control_run(call);
    int status = control_each(call, show_object, &showing);
    if (status == CLI_OK && !showing.found)
        status = cli_fail("bongsu object show ID lists its copies", "no copy of it is the newest");
    return status;
}
