/* status: the node itself, its partners, what troubles them; once, or again every second. */
#include <stdio.h>

#include "cli/cli.h"
#include "os/term.h"

enum { WATCH_MS = 1000 };

struct seeing {
    const struct cli_call *call;
    struct table *table;
    struct buf troubles; /* lines for below the table */
};

static void human_bytes(uint64_t bytes, char out[32])
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    size_t unit = 0;
    uint64_t tenths = bytes * 10;
    while (tenths >= 10000 && unit < 4) {
        tenths /= 1000;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(out, 32, "%llu bytes", (unsigned long long)bytes);
    else
        (void)snprintf(out, 32, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                       (unsigned long long)(tenths % 10), units[unit]);
}

static void print_node(const struct line *line)
{
    char log[32];
    struct str node = line_str(line, "node"), country = line_str(line, "country");
    struct str why = line_str(line, "why"), next = line_str(line, "next");
    struct str started = line_str(line, "started");
    if (started.len > 19)
        started.len = 19;
    human_bytes(line_u64(line, "log_bytes"), log);
    (void)printf("%.*s (%.*s): ", STR_ARG(node), STR_ARG(country));
    if (line_is(line, "running"))
        (void)printf("running on port %llu since %.*s UTC", (unsigned long long)line_u64(line, "port"),
                     STR_ARG(started));
    else
        (void)printf("not running (bongsu serve)");
    (void)printf("; %s%.*s\n", why.len > 0 ? "READ-ONLY: " : "healthy", STR_ARG(why));
    if (next.len > 0)
        (void)printf("  what to do: %.*s\n", STR_ARG(next));
    if (line_is(line, "restored"))
        (void)printf("  RESTORED FROM A BACKUP: nothing is signed, so nothing new is shown to partners "
                     "(docs/guide/disk-dies.md)\n");
    (void)printf(
        "%llu objects, %llu in quarantine, %llu jobs waiting, log of %s sealed by suite %llu, %s\n",
        (unsigned long long)line_u64(line, "objects"), (unsigned long long)line_u64(line, "quarantined"),
        (unsigned long long)line_u64(line, "jobs"), log, (unsigned long long)line_u64(line, "store_suite"),
        line_is(line, "policy") ? "a policy is in force"
                                : "no policy: nothing leaves (bongsu policy activate FILE)");
    (void)printf("refused input is kept for %llu days, the access record for %llu (bongsu retention)\n\n",
                 (unsigned long long)line_u64(line, "quarantine_days"),
                 (unsigned long long)line_u64(line, "access_days"));
}

static void keep_trouble(struct seeing *seeing, const struct line *line, const char *what, const char *next)
{
    struct str audience = line_str(line, "audience"), trouble = line_str(line, what);
    struct str advice = line_str(line, next);
    if (trouble.len == 0)
        return;
    buf_printf(&seeing->troubles, "%.*s: %.*s%s%.*s%s\n", STR_ARG(audience), STR_ARG(trouble),
               advice.len > 0 ? " (" : "", STR_ARG(advice), advice.len > 0 ? ")" : "");
}

static void see(void *ctx, struct str json)
{
    struct seeing *seeing = ctx;
    if (seeing->call->json) {
        (void)printf("%.*s\n", STR_ARG(json));
        return;
    }
    struct line *line = line_read(json);
    if (line == NULL)
        return;
    if (line_has(line, "node")) {
        print_node(line);
    } else if (table_take(seeing->table, json)) {
        keep_trouble(seeing, line, "trouble", "trouble_next");
        keep_trouble(seeing, line, "alarm", "alarm_next");
        keep_trouble(seeing, line, "downgrade", "downgrade_next");
    } else {
        buf_put_str(&seeing->troubles, line_str(line, "say"));
        buf_putc(&seeing->troubles, '\n');
    }
    line_free(line);
}

static int look(struct cli_call *call)
{
    struct seeing seeing = {.call = call, .table = table_new(call->command->columns)};
    buf_init(&seeing.troubles, 1 << 20);
    int status = control_each(call, see, &seeing);
    table_print(seeing.table);
    if (seeing.troubles.len > 0)
        (void)printf("\n%.*s", STR_ARG(buf_str(&seeing.troubles)));
    (void)fflush(stdout);
    buf_deinit(&seeing.troubles);
    table_free(seeing.table);
    return status;
}

int run_status(struct cli_call *call)
{
    if (cli_option(call, "watch") == NULL)
        return look(call);
    bool clears = os_term_is(1) && !call->json;
    for (;;) {
        if (clears)
            (void)printf("\x1b[H\x1b[J");
        int status = look(call);
        if (status != CLI_OK)
            return status;
        os_term_pause(WATCH_MS);
    }
}
