/* RFC 4180, with LF for CRLF, any delimiter, and comment lines. */
#include "feeds/csv.h"

void csv_reader_init(struct csv_reader *reader, struct bytes text, char delimiter, char comment)
{
    static const uint8_t mark[] = {0xef, 0xbb, 0xbf};
    *reader = (struct csv_reader) {.text = text, .delimiter = delimiter, .comment = comment, .next_line = 1};
    if (text.len >= sizeof mark && memcmp(text.at, mark, sizeof mark) == 0)
        reader->at = sizeof mark;
    buf_init(&reader->fields, LIMIT_CSV_RECORD_BYTES);
}

void csv_reader_deinit(struct csv_reader *reader)
{
    buf_deinit(&reader->fields);
}

struct str csv_field(const struct csv_reader *reader, size_t index)
{
    size_t from = index == 0 ? 0 : reader->ends[index - 1];
    if (reader->fields.at == NULL) /* nothing but empty fields so far */
        return STR("");
    return (struct str) {(const char *)reader->fields.at + from, reader->ends[index] - from};
}

static bool at_end(const struct csv_reader *reader)
{
    return reader->at == reader->text.len;
}

static char look(const struct csv_reader *reader)
{
    return (char)reader->text.at[reader->at];
}

static void skip_line(struct csv_reader *reader)
{
    while (!at_end(reader) && look(reader) != '\n')
        reader->at++;
    reader->at += !at_end(reader);
    reader->next_line++;
}

static bool at_line_end(const struct csv_reader *reader)
{
    if (at_end(reader) || look(reader) == '\n')
        return true;
    return look(reader) == '\r' &&
           (reader->at + 1 == reader->text.len || reader->text.at[reader->at + 1] == '\n');
}

static err_t bad(struct csv_reader *reader, struct fault *fault, const char *what)
{
    size_t at = reader->at;
    skip_line(reader);
    return fault_set(fault, ERR_SYNTAX, at, "%s", what);
}

static err_t read_quoted(struct csv_reader *reader, struct fault *fault)
{
    size_t from = reader->at++;
    for (;; reader->at++) {
        if (at_end(reader)) {
            reader->at = from;
            return bad(reader, fault, "a quoted field does not end");
        }
        char c = look(reader);
        if (c == '"') {
            reader->at++;
            if (at_end(reader) || look(reader) != '"')
                break;
        }
        reader->next_line += c == '\n';
        buf_putc(&reader->fields, c);
    }
    if (!at_line_end(reader) && look(reader) != reader->delimiter)
        return bad(reader, fault, "text stands behind a quoted field");
    return ERR_OK;
}

static err_t read_field(struct csv_reader *reader, struct fault *fault)
{
    if (!at_end(reader) && look(reader) == '"' && reader->delimiter != '\0')
        return read_quoted(reader, fault);
    for (; !at_line_end(reader) && (look(reader) != reader->delimiter || reader->delimiter == '\0');
         reader->at++) {
        if (look(reader) == '"' && reader->delimiter != '\0')
            return bad(reader, fault, "a quotation mark inside a field that is not quoted");
        buf_putc(&reader->fields, look(reader));
    }
    return ERR_OK;
}

/* Empty lines and comments hold no record. */
static void skip_nothing(struct csv_reader *reader)
{
    while (!at_end(reader) &&
           (at_line_end(reader) || (reader->comment != '\0' && look(reader) == reader->comment)))
        skip_line(reader);
}

err_t csv_reader_next(struct csv_reader *reader, size_t *out_count, struct fault *fault)
{
    size_t count = 0;
    buf_clear(&reader->fields);
    skip_nothing(reader);
    if (at_end(reader))
        return ERR_NOTFOUND;
    reader->line = reader->next_line;
    reader->start = reader->at;
    for (;;) {
        err_t err = read_field(reader, fault);
        if (err != ERR_OK)
            return err;
        if (count == LIMIT_CSV_COLUMNS || buf_err(&reader->fields) != ERR_OK) {
            size_t at = reader->at;
            skip_line(reader);
            return fault_set(fault, ERR_LIMIT, at, "a record is too large");
        }
        reader->ends[count++] = reader->fields.len;
        if (at_line_end(reader))
            break;
        reader->at++; /* the delimiter */
    }
    skip_line(reader);
    *out_count = count;
    return ERR_OK;
}
