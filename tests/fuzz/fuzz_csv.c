/* A mapping in the first line, a list in the others; read alone, against what it begins with, and each row
 * once more from where it stands. */
#include "feeds/csv_row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct csv_map *map, struct bytes text)
{
    struct csv_rows rows = {.map = map, .source = STR("s")};
    struct csv_row row, again;
    struct fault fault = {0};
    err_t err = csv_rows_open(&rows, text, &fault);
    while (err == ERR_OK && (err = csv_rows_next(&rows, &row)) == ERR_OK) {
        csv_rows_seek(&rows, row.at, row.line);
        err = csv_rows_next(&rows, &again);
        must(err == ERR_OK && again.content == row.content && again.at == row.at && again.line == row.line);
    }
    csv_rows_close(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, mapping = str_cut(&rest, '\n');
    struct csv_map map;
    struct csv_report report;
    struct fault fault = {0};
    struct buf out;
    if (rest.at == NULL || csv_map_parse(mapping, &map, &fault) != ERR_OK)
        return 0;
    struct csv_setup setup = {.map = &map, .source = STR("s"), .now_us = 1};
    buf_init(&out, 64 << 20);
    for (size_t before = 0; before <= rest.len; before += rest.len / 2 + 1) {
        setup.previous = bytes_of(rest.at, before);
        buf_clear(&out);
        if (csv_read(bytes_from_str(rest), &setup, &out, &report, &fault) == ERR_OK)
            must(report.objects + report.unchanged <= report.rows && out.len > 0);
    }
    buf_deinit(&out);
    read_again(&map, bytes_from_str(rest));
    return 0;
}
