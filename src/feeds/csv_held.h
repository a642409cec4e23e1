/* Inside the room: what a node holds of a list's indicators from the same source, and the versions that go
 * behind it. Borrows gate and parser; the gate's thread. */
#pragma once

#include "core/uuid.h"
#include "feeds/csv_row.h"
#include "gate/gate.h"
#include "json/json.h"

struct csv_held {
    struct gate *gate;
    struct json_parser *parser;
    struct json_doc doc; /* of `text` */
    uint32_t source;
    int64_t now_us;
    struct buf text, made; /* init by csv_held_init */
    size_t looked;         /* versions that were looked for */
};

void csv_held_init(struct csv_held *held);
void csv_held_deinit(struct csv_held *held);
/* Appends the row's object and a comma, as a version behind the one that is held; nothing when that one says
 * the same already. `rows` has just handed the row out. */
NODISCARD err_t csv_held_put(struct csv_held *held, const struct csv_rows *rows, const struct csv_row *row,
                             struct buf *out);
/* The indicator is gone from the list: appends the held version with an end now, and a comma. Nothing when
 * none is held (an observable), or it has ended or was revoked. */
NODISCARD err_t csv_held_end(struct csv_held *held, const struct uuid *id, struct buf *out);
