/* Tables (RFC 4180) and plain lists to STIX 2.1 indicators or observables by a mapping text;
 * docs/protocol/CSV.md.
 *
 *   type=ipv4-addr value=col:ip valid_from=col:first_seen name="scanner" labels=botnet,col:family
 *
 * Ids follow from the source and the value: the same list tomorrow gives the same objects, byte for byte.
 * With the list as it was only the difference is made: what is not in it any more gets an end, and a value
 * that comes back a version without that end. Values are armed again (hxxp, [.]) and counted. One bad line
 * never fails its neighbours. Pure: the time is an argument. Any thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/limit.h"
#include "core/str.h"

/* --- records --- */

/* One record after another. Fields are borrowed until the next call. */
struct csv_reader {
    struct bytes text;
    size_t at;
    size_t line, start; /* of the record handed out last: from 1; its first byte */
    char delimiter;
    char comment; /* a line that begins with it is skipped; NUL: none */
    size_t next_line;
    struct buf fields;
    size_t ends[LIMIT_CSV_COLUMNS];
};

void csv_reader_init(struct csv_reader *reader, struct bytes text, char delimiter, char comment);
void csv_reader_deinit(struct csv_reader *reader);
/* ERR_NOTFOUND behind the last. ERR_SYNTAX: a quotation mark where none may be, or none where one must; the
 * reader then stands behind that line. ERR_LIMIT. */
NODISCARD err_t csv_reader_next(struct csv_reader *reader, size_t *out_count, struct fault *fault);
struct str csv_field(const struct csv_reader *reader, size_t index);

/* --- mapping --- */

/* A value: words of the mapping, or a column. */
struct csv_cell {
    struct str text; /* as written; empty: absent */
    bool column;     /* text names a column, or its number from 1 */
};

struct csv_map {
    struct csv_cell type, value, valid_from, valid_until, name, description, confidence;
    struct csv_cell labels[LIMIT_CSV_LABELS];
    size_t label_count;
    struct str since; /* stands for times that the list does not give */
    bool observables; /* as=observable */
    bool header;
    char delimiter, comment;
};

/* Strings are borrowed from `text`. An empty text: a plain list, one value a line, type by looking at it. */
NODISCARD err_t csv_map_parse(struct str text, struct csv_map *out, struct fault *fault);
/* Of a plain list: ERR_INVALID for what only a table has. */
NODISCARD err_t csv_map_parse_list(struct str text, struct csv_map *out, struct fault *fault);

/* --- conversion --- */

struct csv_report {
    size_t rows, refused, refanged;
    size_t objects;   /* of the list: all, or new and changed ones */
    size_t unchanged; /* since the previous list: not made again */
    size_t over;      /* gone since then: made again with an end */
    size_t before;    /* different values of the previous list */
};

/* What a list that had so many values may come down to: fewer are an error page, a file that was being
 * written, an export that went wrong, and to believe it would end what it lost. */
static inline uint64_t csv_least(size_t before)
{
    return ((uint64_t)before + 1) / 2;
}

struct csv_setup {
    const struct csv_map *map;
    struct str source;     /* whose list it is: part of every id */
    struct bytes previous; /* what it was before: only the difference is made; empty: all of it */
    int64_t now_us;        /* when it differs */
    void (*refuse)(void *ctx, size_t line, struct str value, const char *what); /* may be NULL */
    void *ctx;
};

/* Appends {"type":"bundle",...}. ERR_INVALID: a column that the mapping names is not there. */
NODISCARD err_t csv_read(struct bytes text, const struct csv_setup *setup, struct buf *out,
                         struct csv_report *report, struct fault *fault);
