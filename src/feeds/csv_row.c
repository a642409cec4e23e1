#include "feeds/csv_row.h"

#include <stdio.h>

#include "core/rd.h"
#include "core/stamp.h"
#include "core/wr.h"
#include "feeds/misp_state.h"
#include "feeds/refang.h"

enum { COLUMN_NONE = LIMIT_CSV_COLUMNS };

#define MILLISECOND_US INT64_C(1000)

/* Section 2.9 of STIX 2.1. */
static const struct uuid sco_space = {
    {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};
/* Of indicators that a list makes. */
static const struct uuid list_space = {
    {0x8a, 0x1f, 0x6d, 0x4e, 0x52, 0xc7, 0x4b, 0x0f, 0x9d, 0x3a, 0x6e, 0x7c, 0x0b, 0x95, 0xf2, 0xd2}};

/* --- columns --- */

static size_t column_of(const struct csv_rows *rows, struct csv_cell cell, size_t count)
{
    uint64_t number;
    if (!cell.column)
        return COLUMN_NONE;
    for (size_t i = 0; rows->map->header && i < count; i++)
        if (str_eq(str_trim(csv_field(&rows->reader, i)), cell.text))
            return i;
    if (str_to_u64(cell.text, LIMIT_CSV_COLUMNS, &number) && number > 0)
        return (size_t)number - 1;
    return COLUMN_NONE;
}

static err_t find_columns(struct csv_rows *rows, size_t count, struct fault *fault)
{
    const struct csv_map *map = rows->map;
    struct csv_columns *columns = &rows->columns;
    const struct {
        struct csv_cell cell;
        size_t *column;
    } cells[] = {
        {map->type, &columns->type},
        {map->value, &columns->value},
        {map->valid_from, &columns->valid_from},
        {map->valid_until, &columns->valid_until},
        {map->name, &columns->name},
        {map->description, &columns->description},
        {map->confidence, &columns->confidence},
    };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        *cells[i].column = column_of(rows, cells[i].cell, count);
        if (cells[i].cell.column && *cells[i].column == COLUMN_NONE)
            return fault_set(fault, ERR_INVALID, 0, "there is no column %.*s", STR_ARG(cells[i].cell.text));
    }
    for (size_t i = 0; i < map->label_count; i++)
        columns->labels[i] = column_of(rows, map->labels[i], count);
    return ERR_OK;
}

static struct str cell(const struct csv_rows *rows, struct csv_cell cell, size_t column, size_t count)
{
    if (!cell.column)
        return cell.text;
    return column < count ? str_trim(csv_field(&rows->reader, column)) : (struct str) {0};
}

err_t csv_rows_open(struct csv_rows *rows, struct bytes text, struct fault *fault)
{
    size_t count = 0;
    csv_reader_init(&rows->reader, text, rows->map->delimiter, rows->map->comment);
    buf_init(&rows->value, LIMIT_CSV_RECORD_BYTES);
    buf_init(&rows->pattern, LIMIT_CSV_RECORD_BYTES * 3);
    buf_init(&rows->body, LIMIT_OBJECT_BYTES);
    rows->rows = rows->refused = rows->refanged = 0;
    err_t err = ERR_OK;
    if (rows->map->header && (err = csv_reader_next(&rows->reader, &count, fault)) == ERR_NOTFOUND)
        err = fault_set(fault, ERR_INVALID, 0, "there is no line with the names of the columns");
    return err == ERR_OK ? find_columns(rows, count, fault) : err;
}

void csv_rows_close(struct csv_rows *rows)
{
    csv_reader_deinit(&rows->reader);
    buf_deinit(&rows->value);
    buf_deinit(&rows->pattern);
    buf_deinit(&rows->body);
}

/* --- times --- */

static int64_t us_of(const struct misp_time *time)
{
    struct stamp stamp;
    must(stamp_parse((struct str) {time->text, MISP_TIME_BYTES}, &stamp, NULL) == ERR_OK);
    return stamp_us(stamp);
}

/* A day alone means its first moment. */
static bool time_of(struct str text, int64_t *out)
{
    char day[32];
    struct misp_time time;
    if (text.len == 10) {
        int len = snprintf(day, sizeof day, "%.*sT00:00:00Z", STR_ARG(text));
        text = (struct str) {day, (size_t)len};
    }
    if (!misp_time_parse(text, &time))
        return false;
    *out = us_of(&time);
    return true;
}

static void read_times(const struct csv_rows *rows, size_t count, struct csv_row *row)
{
    const struct csv_map *map = rows->map;
    if (!time_of(cell(rows, map->valid_from, rows->columns.valid_from, count), &row->from_us) &&
        !time_of(map->since, &row->from_us))
        row->from_us = 0;
    /* Section 4.7: the end lies behind the beginning, or nothing is said. */
    if (!time_of(cell(rows, map->valid_until, rows->columns.valid_until, count), &row->until_us) ||
        row->until_us <= row->from_us)
        row->until_us = CSV_TIME_NONE;
}

int64_t csv_behind(int64_t held_us, int64_t own_us, int64_t now_us)
{
    int64_t later = own_us > now_us ? own_us : now_us;
    return later > held_us + MILLISECOND_US ? later : held_us + MILLISECOND_US;
}

struct csv_life csv_life_new(const struct csv_row *row, int64_t now_us)
{
    return (struct csv_life) {row->from_us, row->from_us > now_us ? row->from_us : now_us, CSV_TIME_NONE};
}

struct csv_life csv_life_changed(const struct csv_row *row, int64_t created_us, int64_t modified_us,
                                 int64_t now_us)
{
    return (struct csv_life) {created_us, csv_behind(modified_us, row->from_us, now_us), CSV_TIME_NONE};
}

/* --- what an object says --- */

static void put_member(struct buf *out, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, text);
}

static void put_time(struct buf *out, const char *name, int64_t time_us)
{
    struct misp_time time = misp_time_of_us(time_us);
    buf_printf(out, ",\"%s\":\"%.*s\"", name, MISP_TIME_BYTES, time.text);
}

static void put_labels(struct csv_rows *rows, size_t count)
{
    const char *comma = ",\"labels\":[";
    for (size_t i = 0; i < rows->map->label_count; i++) {
        struct str label = cell(rows, rows->map->labels[i], rows->columns.labels[i], count);
        if (label.len == 0)
            continue;
        buf_printf(&rows->body, "%s", comma);
        json_write_str(&rows->body, label);
        comma = ",";
    }
    if (comma[1] == '\0')
        buf_putc(&rows->body, ']');
}

static void put_pattern(struct csv_rows *rows)
{
    struct str value = buf_str(&rows->value);
    buf_clear(&rows->pattern);
    buf_printf(&rows->pattern, "[%.*s = '", STR_ARG(rows->kind->path));
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\'' || value.at[i] == '\\')
            buf_putc(&rows->pattern, '\\');
        buf_putc(&rows->pattern, value.at[i]);
    }
    buf_put_str(&rows->pattern, STR("']"));
}

static void put_indicator(struct csv_rows *rows, size_t count, int64_t from_us)
{
    const struct csv_map *map = rows->map;
    const struct csv_columns *columns = &rows->columns;
    struct buf *out = &rows->body;
    uint64_t confidence;
    put_member(out, "name", cell(rows, map->name, columns->name, count));
    put_member(out, "description", cell(rows, map->description, columns->description, count));
    put_member(out, "pattern", buf_str(&rows->pattern));
    buf_put_str(out, STR(",\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\""));
    put_time(out, "valid_from", from_us);
    if (str_to_u64(cell(rows, map->confidence, columns->confidence, count), 100, &confidence))
        buf_printf(out, ",\"confidence\":%llu", (unsigned long long)confidence);
    put_labels(rows, count);
}

static void put_observable(struct csv_rows *rows)
{
    bool hash = rows->kind->digits > 0;
    buf_put_str(&rows->body, hash ? STR("\"hashes\":{") : STR(""));
    buf_printf(&rows->body, "\"%.*s\":", STR_ARG(rows->kind->member));
    json_write_str(&rows->body, buf_str(&rows->value));
    if (hash)
        buf_putc(&rows->body, '}');
}

/* --- rows --- */

static struct uuid indicator_id(const struct csv_rows *rows)
{
    struct buf name;
    buf_init(&name, LIMIT_CSV_RECORD_BYTES * 4);
    buf_printf(&name, "%.*s\n", STR_ARG(rows->source));
    buf_put_str(&name, buf_str(&rows->pattern));
    struct uuid uuid = uuid_v5(&list_space, buf_bytes(&name));
    buf_deinit(&name);
    return uuid;
}

static struct uuid observable_id(struct csv_rows *rows)
{
    buf_clear(&rows->pattern);
    buf_putc(&rows->pattern, '{');
    buf_put_str(&rows->pattern, buf_str(&rows->body));
    buf_putc(&rows->pattern, '}');
    return uuid_v5(&sco_space, buf_bytes(&rows->pattern));
}

static void make_row(struct csv_rows *rows, size_t count, struct csv_row *out)
{
    uint8_t times[sizeof out->until_us];
    buf_clear(&rows->body);
    read_times(rows, count, out);
    if (rows->map->observables) {
        put_observable(rows);
        out->id = observable_id(rows);
        out->until_us = CSV_TIME_NONE;
    } else {
        put_pattern(rows);
        put_indicator(rows, count, out->from_us);
        out->id = indicator_id(rows);
    }
    wr_at_u64(times, (uint64_t)out->until_us);
    struct bytes parts[] = {buf_bytes(&rows->body), bytes_of(times, sizeof times)};
    struct hash digest = hash_sha256_parts(parts, 2);
    struct rd rd = rd_of(bytes_of(digest.b, sizeof digest.b));
    out->content = rd_u64(&rd);
    out->at = rows->reader.start;
    out->line = rows->reader.line;
}

static bool refuse(struct csv_rows *rows, struct str value, const char *what)
{
    rows->refused++;
    if (rows->refuse != NULL)
        rows->refuse(rows->ctx, rows->reader.line, value, what);
    return false;
}

static bool refuse_kind(struct csv_rows *rows, struct str value, struct str type)
{
    char what[FAULT_WHAT_MAX];
    int len = type.len > LIMIT_NAME_BYTES ? LIMIT_NAME_BYTES : (int)type.len;
    if (str_eq(type, STR("auto")))
        return refuse(rows, value, "no type could be told from it; the mapping can name one");
    (void)snprintf(what, sizeof what,
                   csv_kind_known(type) ? "it is not of type %.*s" : "a table has no type %.*s", len,
                   type.at);
    return refuse(rows, value, what);
}

/* False: it holds no value, and that is told. */
static bool take_row(struct csv_rows *rows, size_t count, struct csv_row *out)
{
    const struct csv_map *map = rows->map;
    struct str value = cell(rows, map->value, rows->columns.value, count);
    struct str type = cell(rows, map->type, rows->columns.type, count);
    rows->rows++;
    if (value.len == 0 || !str_is_utf8(buf_str(&rows->reader.fields)))
        return refuse(rows, (struct str) {0}, value.len == 0 ? "there is no value" : "this is not UTF-8");
    buf_clear(&rows->value);
    rows->refanged += feeds_refang(value, &rows->value);
    rows->kind = csv_kind_of(type, &rows->value);
    if (rows->kind == NULL)
        return refuse_kind(rows, value, type);
    make_row(rows, count, out);
    return buf_err(&rows->body) == ERR_OK || refuse(rows, value, "it makes an object that is too large");
}

err_t csv_rows_next(struct csv_rows *rows, struct csv_row *out)
{
    for (;;) {
        struct fault fault = {0};
        size_t count;
        err_t err = csv_reader_next(&rows->reader, &count, &fault);
        if (err == ERR_NOTFOUND)
            return err;
        if (err != ERR_OK)
            (void)refuse(rows, (struct str) {0}, fault.what);
        else if (take_row(rows, count, out))
            return ERR_OK;
        if (buf_err(&rows->value) == ERR_NOMEM || buf_err(&rows->body) == ERR_NOMEM)
            return ERR_NOMEM;
    }
}

void csv_rows_seek(struct csv_rows *rows, size_t at, size_t line)
{
    rows->reader.at = at;
    rows->reader.next_line = line;
}

void csv_rows_put(const struct csv_rows *rows, const struct csv_row *row, const struct csv_life *life,
                  struct buf *out)
{
    char id[UUID_TEXT_SIZE];
    struct str type = rows->map->observables ? rows->kind->sco : STR("indicator");
    uuid_text(&row->id, id);
    buf_printf(out, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%.*s\"", STR_ARG(type),
               STR_ARG(type), UUID_TEXT_SIZE, id);
    if (rows->map->observables) {
        buf_putc(out, ',');
        buf_put_str(out, buf_str(&rows->body));
    } else {
        int64_t until_us = life->over_us < row->until_us ? life->over_us : row->until_us;
        put_time(out, "created", life->created_us);
        put_time(out, "modified", life->modified_us);
        buf_put_str(out, buf_str(&rows->body));
        if (until_us != CSV_TIME_NONE)
            put_time(out, "valid_until", until_us);
    }
    buf_putc(out, '}');
}
