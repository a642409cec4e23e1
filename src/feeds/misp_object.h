/* Inside the room: what the table of object templates makes of one MISP object.
 *
 * Its attributes are gathered once, then collected by the rows of its template: each row that takes an
 * attribute leaves a `leaf`, a member of the STIX object or of one that it refers to. Collected from all
 * attributes the leaves are the observable objects (or the one SDO), collected from those that detect they
 * are the pattern. */
#pragma once

#include "core/arena.h"
#include "feeds/misp_reading.h"

enum misp_object_kind {
    MISP_OBJECT_OBSERVED,
    MISP_OBJECT_SDO,
    MISP_OBJECT_CHAIN,
    MISP_OBJECT_RULE,
    MISP_OBJECT_NOTE,
    MISP_OBJECT_PART,
};

/* A row of misp_objects.inc. */
struct misp_template {
    struct str name;
    const char *when;
    enum misp_object_kind kind;
    struct str type;
    const char *need, *fixed;
    size_t first; /* of its fields */
};

struct misp_field;

/* One attribute. `part`: 0, or which of the parts it belongs to, counted from 1. */
struct misp_item {
    struct misp_value value;
    struct str relation;
    struct str custom; /* x_misp_RELATION; of a part's attribute empty */
    char uuid[MISP_UUID_ROOM];
    bool to_ids;
    unsigned part;
};

struct misp_leaf {
    const struct misp_field *field;
    const struct misp_item *item; /* NULL: a default */
    unsigned owner;               /* which of the objects; MISP_OWNER_NONE: taken back */
    struct str path;              /* empty: whole members */
    bool says;                    /* it is a comparison of the pattern */
    size_t index;                 /* among those with its path */
};

#define MISP_OWNER_NONE UINT32_MAX

/* 0 is the object itself. */
struct misp_made {
    struct str type;
    const struct misp_item *item;
    unsigned owner;  /* that refers to it */
    struct str link; /* by this path */
};

struct misp_part {
    const struct misp_template *template;
    size_t index; /* $n */
};

struct misp_parts {
    struct misp_item items[LIMIT_MISP_OBJECT];
    struct misp_leaf leaves[LIMIT_MISP_LEAVES];
    struct misp_made made[LIMIT_MISP_OBJECT + 1];
    struct misp_part parts[LIMIT_MISP_OBJECT];
    size_t item_count, leaf_count, made_count, part_count;
    const struct misp_template *template;
    struct arena arena; /* of paths and types */
    bool over;          /* more than fits: it stays custom */
};

/* The template of that name whose condition holds; NULL: none. */
const struct misp_template *misp_template_find(struct str name, struct json_val attributes);
/* Gathers the attributes of one object (part 0) or of one of its parts. */
void misp_parts_gather(struct misp_parts *parts, struct json_val attributes, unsigned part);
/* Collects anew, from all attributes or from those with to_ids alone. False: what the template needs is not
 * there. */
bool misp_parts_collect(struct misp_parts *parts, bool detecting);
/* Members of made object `owner`, without braces: `"name":"...",...`; of 0 with the custom ones. */
void misp_parts_members(const struct misp_parts *parts, unsigned owner, struct buf *out);
/* The comparisons, with AND between; nothing when there is none. */
void misp_parts_pattern(const struct misp_parts *parts, struct buf *out);
/* After a collection from all: attributes that a row would take, but for what their value is. */
size_t misp_parts_misfits(const struct misp_parts *parts);
