/* Inside the room: the rows of a table or list one after another, each as the object that it stands for. Who
 * reads decides when that object begins and whether it is over. Pure; borrows text and mapping. */
#pragma once

#include "core/uuid.h"
#include "feeds/csv.h"
#include "feeds/csv_value.h"

struct csv_columns {
    size_t type, value, valid_from, valid_until, name, description, confidence;
    size_t labels[LIMIT_CSV_LABELS];
};

struct csv_rows {
    const struct csv_map *map;
    struct str source; /* whose list it is: part of every id */
    void (*refuse)(void *ctx, size_t line, struct str value, const char *what); /* may be NULL */
    void *ctx;
    struct csv_columns columns;
    struct csv_reader reader;
    const struct csv_kind *kind;
    struct buf value, pattern, body; /* of the row handed out last; body: what it says, without its times */
    size_t rows, refused, refanged;  /* so far */
};

#define CSV_TIME_NONE INT64_MAX

struct csv_row {
    struct uuid id;
    uint64_t content; /* digest of all that the object says; equal: nothing changed */
    int64_t from_us;  /* its own date */
    int64_t until_us; /* its own end, behind from_us; or CSV_TIME_NONE */
    size_t at, line;  /* where its record stands */
};

/* When an object begins: what of a row may differ from one reading to the next. */
struct csv_life {
    int64_t created_us, modified_us;
    int64_t over_us; /* ends it before its own end; or CSV_TIME_NONE */
};

/* Reads the names of the columns. ERR_INVALID: one that the mapping names is not there. csv_rows_close also
 * after a failure. */
NODISCARD err_t csv_rows_open(struct csv_rows *rows, struct bytes text, struct fault *fault);
void csv_rows_close(struct csv_rows *rows);
/* The next row that holds a value; the others are told. ERR_NOTFOUND behind the last. */
NODISCARD err_t csv_rows_next(struct csv_rows *rows, struct csv_row *out);
/* The next row is this one again. */
void csv_rows_seek(struct csv_rows *rows, size_t at, size_t line);
/* Appends the object of the row handed out last. An observable has no times. */
void csv_rows_put(const struct csv_rows *rows, const struct csv_row *row, const struct csv_life *life,
                  struct buf *out);
/* Of a row that is new in a list, and of one whose version before was created and modified then. */
struct csv_life csv_life_new(const struct csv_row *row, int64_t now_us);
struct csv_life csv_life_changed(const struct csv_row *row, int64_t created_us, int64_t modified_us,
                                 int64_t now_us);
/* A version behind one of `held_us`: the later of now, the row's own date, and a millisecond behind that. */
int64_t csv_behind(int64_t held_us, int64_t own_us, int64_t now_us);
