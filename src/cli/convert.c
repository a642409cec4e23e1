#include "cli/convert.h"

#include <stdio.h>

#include "core/limit.h"
#include "feeds/csv.h"
#include "feeds/misp.h"

struct running {
    struct convert *convert;
    struct json_parser *parser;
    struct buf padded, stix;
    const struct convert_sink *sink;
    size_t number;
    bool stopped;
};

bool convert_known(const char *as)
{
    static const char *const names[] = {"misp", "csv", "list"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(as, names[i]) == 0)
            return true;
    return false;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void say_report(const struct running *running, const struct misp_report *report)
{
    const char *path = running->convert->path;
    if (report->invalid > 0)
        (void)fprintf(stderr, "%s: event %zu: %zu value%s type says; kept as text that detects nothing\n",
                      path, running->number, report->invalid,
                      report->invalid == 1 ? " is not what its" : "s are not what their");
    if (report->kept_here > 0)
        (void)fprintf(stderr, "%s: event %zu: %zu local tags, proposals and the like stay on this node\n",
                      path, running->number, report->kept_here);
    if (!report->published)
        (void)fprintf(stderr, "%s: event %zu is not published: it stays on this node\n", path,
                      running->number);
}

/* The node tells it with the number that it is kept under. */
static void refuse(struct running *running, struct bytes text, const struct fault *fault)
{
    struct fault told = *fault;
    (void)snprintf(told.what, sizeof told.what, "event %zu: %.*s", running->number,
                   (int)sizeof told.what - 40, fault->what[0] != '\0' ? fault->what : err_text(fault->code));
    running->stopped = running->stopped || !running->sink->refused(running->sink->ctx, text, &told);
}

static void refuse_element(void *ctx, struct bytes text, const struct fault *fault)
{
    refuse(ctx, text, fault);
}

static bool take_event(void *ctx, struct bytes event)
{
    struct running *running = ctx;
    const struct misp_refuse to = {refuse_element, running};
    struct misp_report report;
    struct fault fault = {0};
    buf_clear(&running->padded);
    buf_clear(&running->stix);
    buf_put(&running->padded, event.at, event.len);
    uint8_t *padding = buf_extend(&running->padded, JSON_PADDING);
    if (padding != NULL)
        memset(padding, 0, JSON_PADDING);
    running->number++;
    struct bytes text = bytes_of(running->padded.at, event.len);
    err_t err =
        padding == NULL ? ERR_LIMIT : misp_read(running->parser, text, &to, &running->stix, &report, &fault);
    if (err == ERR_OK) {
        say_report(running, &report);
        running->stopped =
            running->stopped || !running->sink->text(running->sink->ctx, buf_bytes(&running->stix));
    } else {
        fault.code = err;
        refuse(running, event, &fault);
    }
    return !running->stopped;
}

static bool run_misp(struct running *running, struct bytes input)
{
    struct buf scratch;
    struct fault fault = {0};
    buf_init(&scratch, LIMIT_MISP_STIX_BYTES);
    err_t err = misp_split(input, &scratch, take_event, running, &fault);
    buf_deinit(&scratch);
    if (err != ERR_OK && !running->stopped) {
        (void)cli_fail("what was read before it is added", "%s: %s", running->convert->path,
                       fault.what[0] != '\0' ? fault.what : err_text(err));
        running->convert->failed = true;
    }
    if (err == ERR_OK && running->number == 0)
        (void)fprintf(stderr, "%s: it holds no events\n", running->convert->path);
    return !running->stopped;
}

/* Of somebody else's file: no control character reaches the terminal. */
static void say_escaped(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.at[i];
        bool c1 = c == 0xc2 && i + 1 < text.len && (uint8_t)text.at[i + 1] < 0xa0;
        (void)fprintf(stderr, c < ' ' || c == 0x7f || c1 ? "\\x%02x" : "%c", c);
    }
}

static void say_row(void *ctx, size_t line, struct str value, const char *what)
{
    struct convert *convert = ctx;
    convert->failed = true;
    (void)fprintf(stderr, "%s: line %zu: ", convert->path, line);
    say_escaped((struct str) {value.at, value.len < 200 ? value.len : 200});
    (void)fprintf(stderr, ": ");
    say_escaped(str_of(what));
    (void)fputc('\n', stderr);
}

/* As a feed does; said here when it is not. */
static bool is_believed(const struct convert *convert, const struct csv_report *report)
{
    size_t now = report->objects + report->unchanged;
    uint64_t least = csv_least(report->before);
    if (convert->least != NULL)
        must(str_to_u64(str_of(convert->least), UINT64_MAX, &least)); /* looked at with the other options */
    if (convert->previous.len == 0 || now >= least)
        return true;
    (void)cli_fail("nothing of it was added, nothing ends; if it is right: --least N",
                   convert->least != NULL ? "%s: the list had %zu value%s and has %zu: fewer than --least"
                                          : "%s: the list had %zu value%s and has %zu: less than half",
                   convert->path, report->before, plural(report->before), now);
    return false;
}

static bool run_table(struct running *running, struct bytes input)
{
    struct convert *convert = running->convert;
    bool list = strcmp(convert->as, "list") == 0;
    struct csv_map map;
    struct csv_report report;
    struct fault fault = {0};
    struct csv_setup setup = {.map = &map,
                              .source = str_of(convert->source),
                              .previous = buf_bytes(&convert->previous),
                              .now_us = convert->now_us,
                              .refuse = say_row,
                              .ctx = convert};
    struct str text = str_of(convert->map == NULL ? "" : convert->map);
    err_t err = list ? csv_map_parse_list(text, &map, &fault) : csv_map_parse(text, &map, &fault);
    if (err == ERR_OK)
        err = csv_read(input, &setup, &running->stix, &report, &fault);
    if (err != ERR_OK) {
        (void)cli_fail("docs/protocol/CSV.md: the mapping of a table", "%s: %s", convert->path,
                       fault.what[0] != '\0' ? fault.what : err_text(err));
        convert->failed = true;
        return true;
    }
    if (!is_believed(convert, &report)) {
        convert->failed = true;
        return true;
    }
    if (report.refanged > 0)
        (void)fprintf(stderr, "%s: %zu value%s defanged (hxxp, [.]) and armed again\n", convert->path,
                      report.refanged, report.refanged == 1 ? " was" : "s were");
    if (setup.previous.len > 0)
        (void)fprintf(stderr,
                      "%s: %zu values are new or changed, %zu are gone and end now, %zu are as they were\n",
                      convert->path, report.objects, report.over, report.unchanged);
    return report.objects + report.over == 0 ||
           running->sink->text(running->sink->ctx, buf_bytes(&running->stix));
}

bool convert_run(struct convert *convert, struct bytes input, const struct convert_sink *sink)
{
    struct running running = {.convert = convert, .sink = sink};
    bool on = true;
    if (json_parser_new(LIMIT_MISP_STIX_BYTES, &running.parser) != ERR_OK) {
        (void)cli_fail(NULL, "%s", err_text(ERR_NOMEM));
        return false;
    }
    buf_init(&running.padded, LIMIT_MISP_STIX_BYTES);
    buf_init(&running.stix, LIMIT_MISP_STIX_BYTES);
    if (strcmp(convert->as, "misp") == 0)
        on = run_misp(&running, input);
    else
        on = run_table(&running, input);
    buf_deinit(&running.stix);
    buf_deinit(&running.padded);
    json_parser_free(running.parser);
    return on;
}
