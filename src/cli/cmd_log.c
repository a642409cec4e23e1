/* The log of the whole node: how far it is and who witnessed it. */
#include <stdio.h>

#include "cli/cli.h"

struct seeing {
    const struct cli_call *call;
    struct table *table;
};

static void print_log(const struct line *line)
{
    struct str last = line_str(line, "last"), vkey = line_str(line, "vkey");
    if (last.len > 19)
        last.len = 19;
    (void)printf("%.*s: %llu entries, %llu signed, root %.*s\n", STR_ARG(line_str(line, "origin")),
                 (unsigned long long)line_u64(line, "size"), (unsigned long long)line_u64(line, "visible"),
                 STR_ARG(line_str(line, "root")));
    if (line_u64(line, "every_s") > 0)
        (void)printf("one entry every %llu seconds", (unsigned long long)line_u64(line, "every_s"));
    if (line_u64(line, "every_s") > 0 && last.len > 0)
        (void)printf(", the last at %.*s UTC", STR_ARG(last));
    (void)printf("%s", line_u64(line, "every_s") > 0 ? "\n" : "");
    if (vkey.len > 0)
        (void)printf("vkey, for operators of witnesses: %.*s\n", STR_ARG(vkey));
}

static void see(void *ctx, struct str json)
{
    struct seeing *seeing = ctx;
    struct line *line = seeing->call->json ? NULL : line_read(json);
    if (seeing->call->json)
        (void)printf("%.*s\n", STR_ARG(json));
    if (line == NULL)
        return;
    if (line_has(line, "origin"))
        print_log(line);
    else if (!table_take(seeing->table, json))
        print_say(json);
    line_free(line);
}

int run_ledger_log(struct cli_call *call)
{
    const struct cli_command *asked = call->command;
    struct cli_command anew = *asked;
    anew.control = "ledger.log-anew";
    if (cli_option(call, "anew") != NULL)
        call->command = &anew;
    struct seeing seeing = {.call = call, .table = table_new(call->command->columns)};
    int status = control_each(call, see, &seeing);
    table_print(seeing.table);
    table_free(seeing.table);
    call->command = asked;
    return status;
}
