/* Reports: a table for people, CSV with every number for spreadsheets. */
#include <stdio.h>

#include "cli/cli.h"

static const char *const csv_columns[] = {"source",        "partner",         "week",
                                          "begins",        "objects",         "versions",
                                          "assertions",    "delivered",       "seen",
                                          "repeated",      "duplicates",      "echoes",
                                          "conflicts",     "conflicts_again", "refused",
                                          "refused_again", "reasons",         "mended",
                                          "opinions",      "opinions_about",  "disagreeing_about",
                                          "sightings",     "sightings_about", "indicators",
                                          "expired",       "unmarked",        "safety",
                                          "unreadable",    "delay_count",     "delay_median_ms",
                                          "delay_p90_ms",  "behind_count",    "behind_median_ms",
                                          "behind_p90_ms", "ahead_count",     "ahead_median_ms",
                                          "ahead_p90_ms"};

enum { CSV_COLUMNS = sizeof csv_columns / sizeof csv_columns[0], ROW_BYTES = 16 << 10 };

/* Texts as they are, numbers in digits, what is absent as an empty cell. */
static void put_value(struct buf *row, const struct line *line, const char *name, bool last)
{
    char number[24] = "";
    struct str text = line_str(line, name);
    if (text.len == 0 && line_has(line, name)) {
        if (strcmp(name, "partner") == 0)
            text = line_is(line, name) ? STR("true") : STR("false");
        else if (strcmp(name, "reasons") != 0)
            (void)snprintf(number, sizeof number, "%llu", (unsigned long long)line_u64(line, name));
    }
    print_csv_cell(row, text.len > 0 ? text : str_of(number), last);
}

static void csv_line(void *ctx, struct str json)
{
    struct buf *row = ctx;
    struct line *line = line_read(json);
    if (line != NULL && line_has(line, "week")) {
        buf_clear(row);
        for (size_t i = 0; i < CSV_COLUMNS; i++)
            put_value(row, line, csv_columns[i], i + 1 == CSV_COLUMNS);
        (void)fwrite(row->at, 1, row->len, stdout);
    }
    line_free(line);
}

int run_report(struct cli_call *call)
{
    const char *format = cli_option(call, "format");
    struct buf row;
    if (call->json || format == NULL || strcmp(format, "table") == 0)
        return control_run(call);
    if (strcmp(format, "csv") != 0)
        return cli_usage(call, "--format is table or csv");
    buf_init(&row, ROW_BYTES);
    for (size_t i = 0; i < CSV_COLUMNS; i++)
        print_csv_cell(&row, str_of(csv_columns[i]), i + 1 == CSV_COLUMNS);
    (void)fwrite(row.at, 1, row.len, stdout);
    int status = control_each(call, csv_line, &row);
    buf_deinit(&row);
    return status;
}
