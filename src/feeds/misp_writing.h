/* Inside the room: objects of one view on their way to MISP events. */
#pragma once

#include "core/map.h"
#include "core/stamp.h"
#include "feeds/misp.h"
#include "feeds/misp_state.h"

enum { MISP_LOCAL = MISP_LEVELS, MISP_LOOSE, MISP_GONE };

/* One object that was added; its text lies where the writer puts it. */
struct kept {
    struct uuid event;    /* that it belongs to */
    unsigned level;       /* enum misp_level, MISP_LOCAL, MISP_LOOSE, MISP_GONE: a later one took its place */
    uint64_t position;    /* among its kind; of a loose one its order of arrival */
    struct stamp version; /* of the STIX object */
    int64_t changed_s;    /* by it, or by its end */
    struct uuid uuid;     /* of its id */
    uint64_t at;          /* in the spill: its own members (or "[pieces]"); of a loose object itself */
    uint32_t len;
    bool report; /* loose: others stand in its object_refs */
    bool ended;  /* an indicator whose valid_until is over */
};

struct misp_writer {
    struct misp_spill spill;
    int64_t now_us;
    struct buf memory; /* what a writer without a spill puts there */
    uint64_t end;      /* of what was put */
    struct kept *kept;
    size_t count, size;
    struct map ids;      /* SHA-256 of an id -> index + 1 */
    struct map elements; /* uuids of what events have, also inside objects: observables carry them */
    struct json_parser *parser, *second;
    struct buf text;
};

/* misp_write.c: parses what was kept of an object; good until the next call with the same parser. */
NODISCARD err_t misp_writer_parse(struct misp_writer *writer, struct json_parser *parser,
                                  const struct kept *kept, struct json_doc *doc);

/* misp_event.c: appends the event whose parts these are, sorted. */
NODISCARD err_t misp_event_write(struct misp_writer *writer, const struct kept *from, const struct kept *end,
                                 struct buf *out);

/* misp_loose.c: an object that no MISP event left behind, as attributes (each with a comma behind it). */
void misp_loose_attributes(struct json_val object, const struct kept *kept, struct buf *out);
/* `,"Tag":[...]` of the TLP among its markings. */
void misp_loose_tags(struct json_val object, struct buf *out);
