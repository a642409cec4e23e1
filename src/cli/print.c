/* Lines of JSON as tables and sentences. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "json/json.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 96, ROWS_MAX = 100000, LINE_BYTES_MAX = 40 << 20 };

struct row {
    char cell[COLUMNS_MAX][CELL_MAX];
};

struct table {
    const struct cli_column *columns;
    size_t column_count;
    struct json_parser *parser;
    struct buf padded;
    struct row *rows;
    size_t count, size;
};

struct table *table_new(const struct cli_column *columns)
{
    struct table *table = mem_alloc(sizeof *table);
    if (table == NULL)
        return NULL;
    table->columns = columns;
    while (table->column_count < COLUMNS_MAX && columns[table->column_count].title != NULL)
        table->column_count++;
    buf_init(&table->padded, LINE_BYTES_MAX + JSON_PADDING);
    if (json_parser_new(LINE_BYTES_MAX, &table->parser) != ERR_OK)
        table->parser = NULL;
    return table;
}

void table_free(struct table *table)
{
    if (table == NULL)
        return;
    json_parser_free(table->parser);
    buf_deinit(&table->padded);
    mem_free(table->rows);
    mem_free(table);
}

static void cell_text(struct json_val value, char out[CELL_MAX])
{
    switch (json_type(value)) {
    case JSON_STRING:
        (void)snprintf(out, CELL_MAX, "%.*s", STR_ARG(json_str(value)));
        break;
    case JSON_INT:
        (void)snprintf(out, CELL_MAX, "%lld", (long long)json_int(value));
        break;
    case JSON_UINT:
        (void)snprintf(out, CELL_MAX, "%llu", (unsigned long long)json_uint(value));
        break;
    case JSON_TRUE:
        (void)snprintf(out, CELL_MAX, "yes");
        break;
    case JSON_FALSE:
        (void)snprintf(out, CELL_MAX, "no");
        break;
    default:
        out[0] = '\0';
        break;
    }
}

static bool parse(struct table *table, struct str line, struct json_doc *doc)
{
    struct fault fault;
    buf_clear(&table->padded);
    buf_put_str(&table->padded, line);
    return table->parser != NULL && buf_extend(&table->padded, JSON_PADDING) != NULL &&
           json_parse(table->parser, bytes_of(table->padded.at, line.len), doc, &fault) == ERR_OK;
}

static struct row *row_new(struct table *table)
{
    if (table->count == table->size) {
        size_t size = table->size == 0 ? 64 : table->size * 2;
        struct row *rows = size > ROWS_MAX * 2 ? NULL : mem_grow(table->rows, size * sizeof *rows);
        if (rows == NULL)
            return NULL;
        table->rows = rows;
        table->size = size;
    }
    struct row *row = &table->rows[table->count++];
    memset(row, 0, sizeof *row);
    return row;
}

bool table_take(struct table *table, struct str line)
{
    struct json_doc doc;
    struct json_val value;
    if (table == NULL || table->column_count == 0 || !parse(table, line, &doc))
        return false;
    struct json_val root = json_root(&doc);
    if (!json_get(root, str_of(table->columns[0].key), &value))
        return false;
    struct row *row = row_new(table);
    if (row == NULL)
        return false;
    for (size_t c = 0; c < table->column_count; c++)
        if (json_get(root, str_of(table->columns[c].key), &value))
            cell_text(value, row->cell[c]);
    return true;
}

/* Columns of a terminal that a UTF-8 text takes: Korean and Japanese letters are two wide. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        if ((*at & 0xc0u) == 0x80u)
            continue;
        width += *at >= 0xe1u && *at <= 0xedu && !(*at == 0xe2u) ? 2 : 1;
    }
    return width;
}

static void print_cell(const char *text, size_t width, bool last)
{
    (void)fputs(text, stdout);
    for (size_t w = width_of(text); !last && w < width + 2; w++)
        (void)fputc(' ', stdout);
}

void table_print(struct table *table)
{
    size_t width[COLUMNS_MAX] = {0};
    if (table == NULL || table->count == 0)
        return;
    for (size_t c = 0; c < table->column_count; c++) {
        width[c] = width_of(table->columns[c].title);
        for (size_t r = 0; r < table->count; r++)
            if (width_of(table->rows[r].cell[c]) > width[c])
                width[c] = width_of(table->rows[r].cell[c]);
    }
    for (size_t c = 0; c < table->column_count; c++)
        print_cell(table->columns[c].title, width[c], c + 1 == table->column_count);
    (void)fputc('\n', stdout);
    for (size_t r = 0; r < table->count; r++) {
        for (size_t c = 0; c < table->column_count; c++)
            print_cell(table->rows[r].cell[c], width[c], c + 1 == table->column_count);
        (void)fputc('\n', stdout);
    }
    table->count = 0;
}

void print_say(struct str line)
{
    static const struct cli_column none[1];
    struct table *table = table_new(none);
    struct json_doc doc;
    struct str say;
    if (table != NULL && parse(table, line, &doc) && json_get_str(json_root(&doc), STR("say"), &say))
        (void)printf("%.*s\n", STR_ARG(say));
    table_free(table);
}
