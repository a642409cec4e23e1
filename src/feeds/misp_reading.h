/* Inside the room: one event on its way to STIX. */
#pragma once

#include "core/map.h"
#include "feeds/misp_state.h"

enum { MISP_UUID_ROOM = UUID_TEXT_SIZE + 1 };

/* What stands for an element, so that references find it. */
enum misp_main {
    MISP_MAIN_FREE, /* what had it was refused */
    MISP_MAIN_NONE,
    MISP_MAIN_INDICATOR,
    MISP_MAIN_OBSERVED,
    MISP_MAIN_ATTRIBUTE,
    MISP_MAIN_OBJECT,
    MISP_MAIN_ATTACK_PATTERN,
    MISP_MAIN_CAMPAIGN,
    MISP_MAIN_COURSE_OF_ACTION,
    MISP_MAIN_IDENTITY,
    MISP_MAIN_INTRUSION_SET,
    MISP_MAIN_LOCATION,
    MISP_MAIN_MALWARE,
    MISP_MAIN_NOTE,
    MISP_MAIN_TOOL,
    MISP_MAIN_VULNERABILITY,
};

struct misp_parts;

/* An element that cannot be read. */
struct refusal {
    const char *list; /* that it stands in */
    size_t position;
    struct fault fault;
};

struct reading {
    struct json_val event;
    struct buf body; /* objects, each with a comma behind it */
    struct buf refs; /* ids as JSON strings with commas between: the event's members */
    struct buf one, two;
    size_t ref_count;
    struct map mains;    /* uuid -> enum misp_main */
    struct map clusters; /* uuids of galaxy clusters that stand in `body` */
    struct map parts;    /* uuid of an object that another may be told with -> enum misp_use and its place */
    struct misp_parts *objects; /* scratch of misp_object.c */
    struct map refused;         /* places on the tape of elements that cannot be read */
    struct refusal *refusals;   /* in the order of finding */
    size_t refusal_count, refusal_size;
    struct buf added; /* uuids that the element in hand has put into `mains` */
    bool wrapped;     /* the event stands in {"Event": ...} */
    struct misp_marks marks, used;
    struct misp_keep keep;
    char uuid[MISP_UUID_ROOM];
    char creator[MISP_UUID_ROOM]; /* empty: the event names none */
    struct misp_time time;
    struct misp_report *report;
    struct fault *fault;
    err_t err; /* sticky */
};

struct element {
    struct json_val v;
    char uuid[MISP_UUID_ROOM];
    struct misp_time time;
    struct misp_marks marks;
    bool deleted;
};

/* Reads uuid, time and marks of an element below the event; false with r->err set. */
bool misp_element(struct reading *r, struct json_val v, const char *what, struct element *out);
void misp_fail(struct reading *r, err_t err, const char *what, struct str about);
/* It is about one element: the rest of the event can be read all the same. */
bool misp_is_of_element(err_t err);
/* `{"type":...` up to modified and revoked. */
void misp_head(struct reading *r, struct str type, const struct element *element);
/* Marks, and the closing brace with its comma. */
void misp_tail(struct reading *r, const struct element *element);
/* The event's report names it, unless it is narrower than the event: then the report would have to stay. */
void misp_member(struct reading *r, struct str type, const struct element *element);
void misp_string(struct reading *r, const char *name, struct str text);
/* `,"labels":[...]`: these two, then its tags. */
void misp_labels(struct reading *r, struct json_val element, const char *one_name, struct str one,
                 const char *two_name, struct str two);
void misp_relationship(struct reading *r, const struct element *element, struct str type, struct str source,
                       struct str target, struct str uuid);
/* Of the type of an object that stands for an element. */
enum misp_main misp_main_of(struct str type);
/* Keeps back more than the other. */
bool misp_narrower(const struct misp_marks *marks, const struct misp_marks *than);
bool misp_set_main(struct reading *r, const char *uuid, enum misp_main main);
/* "indicator--..." of a uuid that the event has; empty otherwise. */
struct str misp_main_id(const struct reading *r, struct str uuid, char out[96]);

/* misp_refuse.c: `put` for each element of a list of the event that was not refused before; what an element
 * that cannot be read has left is taken back. */
void misp_each(struct reading *r, const char *name,
               void (*put)(struct reading *r, struct json_val v, size_t position));
/* All that were refused, with their bytes out of the text of the event. */
void misp_tell_refused(const struct reading *r, struct bytes event, const struct misp_refuse *refuse);

/* misp_read_attribute.c */
void misp_put_attribute(struct reading *r, struct json_val v, size_t position);
void misp_put_times(struct reading *r, const struct element *element);
void misp_put_category(struct reading *r, struct str category);
void misp_put_based_on(struct reading *r, const struct element *element);
/* misp_object.c: first the parts and who uses them, then the objects, then those that speak of others. */
void misp_note_part(struct reading *r, struct json_val v, size_t position);
void misp_note_use(struct reading *r, struct json_val v, size_t position);
void misp_put_object(struct reading *r, struct json_val v, size_t position);
void misp_put_annotation(struct reading *r, struct json_val v, size_t position);
void misp_objects_free(struct misp_parts *objects);
/* misp_galaxy.c */
void misp_put_galaxies(struct reading *r, struct json_val element, struct str of);
