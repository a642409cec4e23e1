/* A mapping in the first line, a list in the others. */
#include "feeds/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, mapping = str_cut(&rest, '\n');
    struct csv_map map;
    struct csv_report report;
    struct fault fault = {0};
    struct buf out;
    if (rest.at == NULL || csv_map_parse(mapping, &map, &fault) != ERR_OK)
        return 0;
    struct csv_setup setup = {
        .map = &map, .source = STR("s"), .previous = bytes_from_str(mapping), .now_us = 1};
    buf_init(&out, 64 << 20);
    if (csv_read(bytes_from_str(rest), &setup, &out, &report, &fault) == ERR_OK)
        must(report.objects <= report.rows && out.len > 0);
    buf_deinit(&out);
    return 0;
}
