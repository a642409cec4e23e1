/* The guard's own reader of JSON: it keeps nothing of a text but what a last look needs: the items in it,
 * what marks them, and every identifier that occurs in any string, key or value, however it is escaped. It
 * checks the structure (brackets, colons, commas, strings) and leaves numbers and words alone.
 *
 * Shares no code with json/ or stix/ (docs/decisions/0110-guard.md). For guard/ only. Borrows; one thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "guard/mark.h"

/* Where an identifier stood. */
enum scan_role {
    SCAN_OWN,     /* `id` of an item */
    SCAN_REF,     /* the whole value of a string: STIX calls that a reference, whatever the property */
    SCAN_MARKING, /* likewise, in object_marking_refs or as marking_ref */
    SCAN_MENTION, /* the whole of a key, or anywhere around the items */
    SCAN_NAMED, /* in an item, a word of a text, of a type of the standard; or the whole of it in capitals */
    SCAN_PROSE, /* in a text, of another type or beside what may make something else of it */
};

enum { SCAN_DEPTH = 80, SCAN_ID_MAX = 300 };

struct scan_item {
    struct bytes bytes;     /* from { to } */
    struct str id;          /* lower case; good until the next item */
    enum guard_level level; /* the strictest TLP that it is marked with, or, a definition, that it states */
};

struct scan_sink {
    /* Answer false to stop. `id` is in lower case, borrowed for the call. */
    bool (*id)(void *ctx, enum scan_role role, struct str id);
    bool (*item)(void *ctx, const struct scan_item *item);
    void *ctx;
};

/* Reads one whole text. `listed`: the items are the members of the list `objects` of the outermost object;
 * otherwise the text is one item. `scratch` is for strings with escapes. False: it is no such text (or the
 * sink said stop); nobody may rely on what was told so far. */
bool scan_json(struct bytes text, bool listed, struct buf *scratch, const struct scan_sink *sink);
/* The same for text that is no JSON: every identifier in it is a mention. */
bool scan_text(struct str text, const struct scan_sink *sink);

/* Is the whole text an identifier? */
bool scan_is_id(struct str text);
/* The same identifier in lower case, in `out`. Only for what scan_is_id says yes to. */
struct str scan_lowered(struct str id, char out[SCAN_ID_MAX]);
