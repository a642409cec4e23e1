#include "app/report.h"

#include <stdio.h>

#include "core/buf.h"
#include "core/stamp.h"
#include "os/term.h"
#include "json/json.h"

enum { LINE_MAX_BYTES = 8 << 10 };

static const char *const levels[] = {
    [DIAG_ERROR] = "error", [DIAG_WARNING] = "warning", [DIAG_NOTICE] = "notice", [DIAG_DEBUG] = "debug"};

static void member(struct buf *out, const char *name, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, str_of(value));
}

static void as_json(const struct report *report, const struct diag_line *line, const char *time,
                    struct buf *out)
{
    buf_printf(out, "{\"time\":\"%s\",\"level\":\"%s\"", time, levels[line->level]);
    member(out, "node", report->node);
    member(out, "role", report->role);
    member(out, "room", line->room);
    if (line->err != ERR_OK)
        member(out, "error", err_name(line->err));
    member(out, "what", line->what);
    member(out, "next", line->next);
    buf_printf(out, "}\n");
}

static void as_text(const struct report *report, const struct diag_line *line, const char *time,
                    struct buf *out)
{
    buf_printf(out, "%.19s %s %s %s/%s: %s", time, levels[line->level], report->node, report->role,
               line->room, line->what);
    if (line->next != NULL)
        buf_printf(out, " (%s)", line->next);
    buf_putc(out, '\n');
}

static void say(void *ctx, const struct diag_line *line)
{
    const struct report *report = ctx;
    char time[TIME_TEXT_SIZE];
    struct buf out;
    if (line->level == DIAG_DEBUG)
        return;
    time_text(report->os->wall_us(report->os->ctx), time);
    buf_init(&out, LINE_MAX_BYTES);
    (report->json ? as_json : as_text)(report, line, time, &out);
    if (buf_err(&out) == ERR_OK)
        (void)fwrite(out.at, 1, out.len, stderr);
    buf_deinit(&out);
}

void report_init(struct report *report, const struct os *os, const char *node, const char *role)
{
    *report = (struct report) {os, node, role, !os_term_is(2), {say, report}};
}
