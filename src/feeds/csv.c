/* Rows to objects. */
#include "feeds/csv.h"

#include <stdio.h>

#include "core/map.h"
#include "core/stamp.h"
#include "core/uuid.h"
#include "feeds/csv_value.h"
#include "feeds/misp_state.h"
#include "feeds/refang.h"

enum { COLUMN_NONE = LIMIT_CSV_COLUMNS };

/* Section 2.9 of STIX 2.1. */
static const struct uuid sco_space = {
    {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};
/* Of indicators that a list makes. */
static const struct uuid list_space = {
    {0x8a, 0x1f, 0x6d, 0x4e, 0x52, 0xc7, 0x4b, 0x0f, 0x9d, 0x3a, 0x6e, 0x7c, 0x0b, 0x95, 0xf2, 0xd2}};

struct columns {
    size_t type, value, valid_from, valid_until, name, description, confidence;
    size_t labels[LIMIT_CSV_LABELS];
};

struct job {
    const struct csv_setup *setup;
    const struct csv_map *map;
    struct columns columns;
    struct csv_reader reader;
    struct csv_report *report;
    struct map seen; /* uuids of this run's objects */
    struct buf value, pattern, *out;
    size_t count;
    bool gone; /* the previous list is read: what is not seen is revoked */
    err_t err;
};

/* --- columns --- */

static size_t column_of(const struct job *job, struct csv_cell cell, size_t count)
{
    uint64_t number;
    if (!cell.column)
        return COLUMN_NONE;
    for (size_t i = 0; job->map->header && i < count; i++)
        if (str_eq(str_trim(csv_field(&job->reader, i)), cell.text))
            return i;
    if (str_to_u64(cell.text, LIMIT_CSV_COLUMNS, &number) && number > 0)
        return (size_t)number - 1;
    return COLUMN_NONE;
}

static err_t find_columns(struct job *job, size_t count, struct fault *fault)
{
    const struct csv_map *map = job->map;
    struct columns *columns = &job->columns;
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
        *cells[i].column = column_of(job, cells[i].cell, count);
        if (cells[i].cell.column && *cells[i].column == COLUMN_NONE)
            return fault_set(fault, ERR_INVALID, 0, "there is no column %.*s", STR_ARG(cells[i].cell.text));
    }
    for (size_t i = 0; i < map->label_count; i++)
        columns->labels[i] = column_of(job, map->labels[i], count);
    return ERR_OK;
}

static struct str cell(const struct job *job, struct csv_cell cell, size_t column, size_t count)
{
    if (!cell.column)
        return cell.text;
    return column < count ? str_trim(csv_field(&job->reader, column)) : (struct str) {0};
}

/* --- objects --- */

static void put_member(struct buf *out, const char *name, struct str text)
{
    if (text.len == 0)
        return;
    buf_printf(out, ",\"%s\":", name);
    json_write_str(out, text);
}

/* A day alone means its first moment. */
static bool time_of(struct str text, struct misp_time *out)
{
    char day[32];
    if (text.len == 10) {
        int len = snprintf(day, sizeof day, "%.*sT00:00:00Z", STR_ARG(text));
        return misp_time_parse((struct str) {day, (size_t)len}, out);
    }
    return misp_time_parse(text, out);
}

static void put_labels(struct job *job, size_t count)
{
    const char *comma = ",\"labels\":[";
    for (size_t i = 0; i < job->map->label_count; i++) {
        struct str label = cell(job, job->map->labels[i], job->columns.labels[i], count);
        if (label.len == 0)
            continue;
        buf_printf(job->out, "%s", comma);
        json_write_str(job->out, label);
        comma = ",";
    }
    if (comma[1] == '\0')
        buf_putc(job->out, ']');
}

static void put_pattern(struct job *job, const struct csv_kind *kind, struct str value)
{
    buf_clear(&job->pattern);
    buf_printf(&job->pattern, "[%.*s = '", STR_ARG(kind->path));
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\'' || value.at[i] == '\\')
            buf_putc(&job->pattern, '\\');
        buf_putc(&job->pattern, value.at[i]);
    }
    buf_put_str(&job->pattern, STR("']"));
}

static void put_indicator(struct job *job, const char *uuid, size_t count)
{
    const struct csv_map *map = job->map;
    struct misp_time from, until, now;
    char now_text[TIME_TEXT_SIZE];
    uint64_t confidence;
    if (!time_of(cell(job, map->valid_from, job->columns.valid_from, count), &from) &&
        !time_of(map->since, &from))
        from = misp_time_of(0);
    time_text(job->setup->now_us, now_text);
    if (!misp_time_parse(str_of(now_text), &now))
        now = from;
    buf_printf(
        job->out,
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--%.*s\",\"created\":\"%.*s\","
        "\"modified\":\"%.*s\"",
        UUID_TEXT_SIZE, uuid, MISP_TIME_BYTES, from.text, MISP_TIME_BYTES, job->gone ? now.text : from.text);
    if (job->gone)
        buf_put_str(job->out, STR(",\"revoked\":true"));
    put_member(job->out, "name", cell(job, map->name, job->columns.name, count));
    put_member(job->out, "description", cell(job, map->description, job->columns.description, count));
    put_member(job->out, "pattern", buf_str(&job->pattern));
    buf_printf(job->out, ",\"pattern_type\":\"stix\",\"pattern_version\":\"2.1\",\"valid_from\":\"%.*s\"",
               MISP_TIME_BYTES, from.text);
    /* Section 4.7: the end lies behind the beginning, or nothing is said. */
    if (time_of(cell(job, map->valid_until, job->columns.valid_until, count), &until) &&
        memcmp(until.text, from.text, MISP_TIME_BYTES) > 0)
        put_member(job->out, "valid_until", (struct str) {until.text, MISP_TIME_BYTES});
    if (str_to_u64(cell(job, map->confidence, job->columns.confidence, count), 100, &confidence))
        buf_printf(job->out, ",\"confidence\":%llu", (unsigned long long)confidence);
    put_labels(job, count);
    buf_put_str(job->out, STR("},"));
}

static void put_property(const struct csv_kind *kind, struct str value, struct buf *out)
{
    bool hash = kind->digits > 0;
    buf_put_str(out, hash ? STR("\"hashes\":{") : STR(""));
    buf_printf(out, "\"%.*s\":", STR_ARG(kind->member));
    json_write_str(out, value);
    if (hash)
        buf_putc(out, '}');
}

static struct uuid id_of(struct job *job, const struct csv_kind *kind, struct str value)
{
    put_pattern(job, kind, value);
    if (!job->map->observables) {
        struct buf name;
        buf_init(&name, LIMIT_CSV_RECORD_BYTES * 4);
        buf_printf(&name, "%.*s\n", STR_ARG(job->setup->source));
        buf_put_str(&name, buf_str(&job->pattern));
        struct uuid uuid = uuid_v5(&list_space, buf_bytes(&name));
        buf_deinit(&name);
        return uuid;
    }
    buf_clear(&job->pattern);
    buf_putc(&job->pattern, '{');
    put_property(kind, value, &job->pattern);
    buf_putc(&job->pattern, '}');
    return uuid_v5(&sco_space, buf_bytes(&job->pattern));
}

static void put_object(struct job *job, const struct csv_kind *kind, struct str value, size_t count)
{
    char text[UUID_TEXT_SIZE];
    struct uuid uuid = id_of(job, kind, value);
    if (map_get(&job->seen, uuid.b) != NULL)
        return; /* twice in the list, or still in it */
    if ((job->err = map_put(&job->seen, uuid.b, 1)) != ERR_OK)
        return;
    uuid_text(&uuid, text);
    if (!job->map->observables) {
        put_indicator(job, text, count);
    } else {
        buf_printf(job->out, "{\"type\":\"%.*s\",\"spec_version\":\"2.1\",\"id\":\"%.*s--%.*s\",",
                   STR_ARG(kind->sco), STR_ARG(kind->sco), UUID_TEXT_SIZE, text);
        put_property(kind, value, job->out);
        buf_put_str(job->out, STR("},"));
    }
    job->count++;
}

static void refuse(struct job *job, struct str value, const char *what)
{
    if (job->gone)
        return; /* it was refused when it came */
    job->report->refused++;
    if (job->setup->refuse != NULL)
        job->setup->refuse(job->setup->ctx, job->reader.line, value, what);
}

static void take_row(struct job *job, size_t count)
{
    const struct csv_map *map = job->map;
    struct str value = cell(job, map->value, job->columns.value, count);
    struct str type = cell(job, map->type, job->columns.type, count);
    job->report->rows += !job->gone;
    if (value.len == 0 || !str_is_utf8(buf_str(&job->reader.fields))) {
        refuse(job, (struct str) {0}, value.len == 0 ? "there is no value" : "this is not UTF-8");
        return;
    }
    buf_clear(&job->value);
    bool changed = feeds_refang(value, &job->value);
    job->report->refanged += changed && !job->gone;
    const struct csv_kind *kind = csv_kind_of(type, &job->value);
    if (kind == NULL)
        refuse(job, value, "the value is not what its type says, or of no type that could be told");
    else
        put_object(job, kind, buf_str(&job->value), count);
}

static err_t read_text(struct job *job, struct bytes text, struct fault *fault)
{
    struct fault row = {0};
    size_t count = 0;
    csv_reader_init(&job->reader, text, job->map->delimiter, job->map->comment);
    err_t err = ERR_OK;
    if (job->map->header && (err = csv_reader_next(&job->reader, &count, fault)) == ERR_NOTFOUND)
        err = fault_set(fault, ERR_INVALID, 0, "there is no line with the names of the columns");
    if (err == ERR_OK)
        err = find_columns(job, count, fault);
    while (err == ERR_OK && job->err == ERR_OK) {
        err_t next = csv_reader_next(&job->reader, &count, &row);
        if (next == ERR_NOTFOUND)
            break;
        if (next == ERR_OK)
            take_row(job, count);
        else
            refuse(job, (struct str) {0}, row.what);
    }
    csv_reader_deinit(&job->reader);
    return err != ERR_OK ? err : job->err;
}

static err_t read_both(struct job *job, struct bytes text, struct fault *fault)
{
    err_t err = read_text(job, text, fault);
    job->report->objects = job->count;
    /* Observables are facts: they are not taken back. */
    if (err != ERR_OK || job->setup->previous.len == 0 || job->map->observables)
        return err;
    job->gone = true;
    err = read_text(job, job->setup->previous, fault);
    job->report->revoked = job->count - job->report->objects;
    return err;
}

err_t csv_read(struct bytes text, const struct csv_setup *setup, struct buf *out, struct csv_report *report,
               struct fault *fault)
{
    struct hash_sip_key sip;
    struct hash digest = hash_sha256(text);
    memcpy(sip.b, digest.b, sizeof sip.b);
    *report = (struct csv_report) {0};
    struct job job = {.setup = setup, .map = setup->map, .report = report, .out = out};
    buf_init(&job.value, LIMIT_CSV_RECORD_BYTES);
    buf_init(&job.pattern, LIMIT_CSV_RECORD_BYTES * 3);
    map_init(&job.seen, UUID_SIZE, LIMIT_CSV_ROWS, &sip);
    size_t was = out->len;
    buf_put_str(out, STR("{\"type\":\"bundle\",\"id\":\"bundle--8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d2\""));
    size_t empty = out->len;
    buf_put_str(out, STR(",\"objects\":["));
    err_t err = read_both(&job, text, fault);
    if (err == ERR_OK)
        err = buf_err(&job.value) != ERR_OK ? buf_err(&job.value) : buf_err(out);
    if (err == ERR_OK && job.count == 0) {
        out->len = empty; /* a list in STIX is never empty */
        buf_putc(out, '}');
    } else if (err == ERR_OK) {
        out->len--; /* the last comma */
        buf_put_str(out, STR("]}"));
    } else {
        out->len = was;
    }
    map_deinit(&job.seen);
    buf_deinit(&job.pattern);
    buf_deinit(&job.value);
    return err;
}
