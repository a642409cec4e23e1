/* Lines of JSON as tables and sentences. */
#include <stdio.h>

#include "cli/cli.h"
#include "core/mem.h"
#include "json/json.h"

enum { COLUMNS_MAX = 16, CELL_MAX = 96, ROWS_MAX = 100000, LINE_BYTES_MAX = 40 << 20 };

struct row {
    char cell[COLUMNS_MAX][CELL_MAX];
    bool number[COLUMNS_MAX];
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

/* The next character; what is not UTF-8 counts a byte at a time. */
uint32_t print_take_char(struct str *text)
{
    const uint8_t *at = (const uint8_t *)text->at;
    size_t more = *at >= 0xf0 ? 3 : *at >= 0xe0 ? 2 : *at >= 0xc0 ? 1 : 0;
    if (more >= text->len)
        more = 0;
    uint32_t c = more == 0 ? *at : *at & (0x3fu >> more);
    for (size_t i = 1; i <= more; i++)
        c = c << 6 | (at[i] & 0x3fu);
    *text = (struct str) {text->at + 1 + more, text->len - 1 - more};
    return c;
}

/* Unicode 15, UAX 11, the ranges that matter in names and texts: wide (2) and combining (0) characters. */
static size_t char_width(uint32_t c)
{
    static const struct {
        uint32_t from, to;
        size_t width;
    } ranges[] = {
        {0x0300, 0x036f, 0},   /* combining marks */
        {0x1100, 0x115f, 2},   /* Hangul initial letters */
        {0x1160, 0x11ff, 0},   /* Hangul vowels and finals: join the initial */
        {0x200b, 0x200f, 0},   /* zero width */
        {0x20d0, 0x20ff, 0},   /* combining marks */
        {0x2e80, 0x303e, 2},   /* CJK */
        {0x3041, 0xa4cf, 2},   /* kana to Yi */
        {0xa960, 0xa97f, 2},   /* Hangul extended */
        {0xac00, 0xd7a3, 2},   /* Hangul syllables */
        {0xf900, 0xfaff, 2},   /* CJK compatibility */
        {0xfe00, 0xfe0f, 0},   /* variation selectors */
        {0xfe30, 0xfe6f, 2},   /* CJK forms */
        {0xff00, 0xff60, 2},   /* full width */
        {0xffe0, 0xffe6, 2},   /* full width signs */
        {0x1f300, 0x1f64f, 2}, /* pictographs */
        {0x1f680, 0x1f6ff, 2}, /* transport */
        {0x1f900, 0x1f9ff, 2}, /* more pictographs */
        {0x20000, 0x3fffd, 2}, /* CJK extensions */
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return ranges[i].width;
    return 1;
}

size_t print_width(struct str text)
{
    size_t width = 0;
    while (text.len > 0)
        width += char_width(print_take_char(&text));
    return width;
}

static size_t width_of(const char *text)
{
    return print_width(str_of(text));
}

/* Also what has no width or turns the direction: a name must not show as another. */
bool print_is_hidden(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

void print_clean(struct buf *out, struct str text)
{
    while (text.len > 0) {
        struct str before = text;
        if (print_is_hidden(print_take_char(&text)))
            buf_putc(out, ' ');
        else
            buf_put(out, before.at, before.len - text.len);
    }
}

void print_csv_cell(struct buf *out, struct str text, bool last)
{
    static const char formulas[] = "=+-@\t\r";
    buf_putc(out, '"');
    if (text.len > 0 && memchr(formulas, text.at[0], sizeof formulas - 1) != NULL)
        buf_putc(out, '\'');
    size_t from = out->len;
    print_clean(out, text);
    size_t quotes = 0;
    for (size_t i = from; i < out->len; i++)
        quotes += out->at[i] == '"';
    size_t end = out->len;
    if (quotes > 0 && buf_extend(out, quotes) != NULL)
        for (size_t i = end; quotes > 0; i--) {
            out->at[i - 1 + quotes] = out->at[i - 1];
            if (out->at[i - 1] == '"') {
                quotes--;
                out->at[i - 1 + quotes] = '"';
            }
        }
    buf_put_str(out, last ? STR("\"\r\n") : STR("\","));
}

void print_member(struct buf *out, const char *name, struct str value)
{
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, str_is_utf8(value) ? value : STR("(not UTF-8)"));
}

/* A table is lines: what a sender wrote may not begin another, nor drive the terminal. Cut between
 * characters. */
static void copy_cell(struct str from, char out[CELL_MAX])
{
    size_t len = 0;
    while (from.len > 0) {
        struct str before = from;
        uint32_t c = print_take_char(&from);
        size_t bytes = before.len - from.len;
        if (bytes > CELL_MAX - 1 - len)
            break;
        if (print_is_hidden(c)) {
            out[len++] = ' ';
            continue;
        }
        memcpy(out + len, before.at, bytes);
        len += bytes;
    }
    out[len] = '\0';
}

static void cell_text(struct json_val value, char out[CELL_MAX])
{
    switch (json_type(value)) {
    case JSON_STRING:
        copy_cell(json_str(value), out);
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
    for (size_t c = 0; c < table->column_count; c++) {
        if (!json_get(root, str_of(table->columns[c].key), &value))
            continue;
        cell_text(value, row->cell[c]);
        row->number[c] = json_is(value, JSON_INT) || json_is(value, JSON_UINT);
    }
    return true;
}

size_t table_rows(const struct table *table)
{
    return table == NULL ? 0 : table->count;
}

static void put_spaces(size_t count)
{
    while (count-- > 0)
        (void)fputc(' ', stdout);
}

/* Numbers stand to the right of their column. */
static void print_cell(const char *text, size_t width, bool right, bool last)
{
    size_t own = width_of(text), gap = own < width ? width - own : 0;
    if (right)
        put_spaces(gap);
    (void)fputs(text, stdout);
    if (!last)
        put_spaces((right ? 0 : gap) + 2);
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
        print_cell(table->columns[c].title, width[c], table->rows[0].number[c], c + 1 == table->column_count);
    (void)fputc('\n', stdout);
    for (size_t r = 0; r < table->count; r++) {
        for (size_t c = 0; c < table->column_count; c++)
            print_cell(table->rows[r].cell[c], width[c], table->rows[r].number[c],
                       c + 1 == table->column_count);
        (void)fputc('\n', stdout);
    }
    table->count = 0;
}

static void say_to(FILE *to, struct str line)
{
    static const struct cli_column none[1];
    struct table *table = table_new(none);
    struct json_doc doc;
    struct str say;
    if (table != NULL && parse(table, line, &doc) && json_get_str(json_root(&doc), STR("say"), &say))
        (void)fprintf(to, "%.*s\n", STR_ARG(say));
    table_free(table);
}

void print_say(struct str line)
{
    say_to(stdout, line);
}

void print_beside(struct str line)
{
    say_to(stderr, line);
}
