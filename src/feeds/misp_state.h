/* Inside the room: what the parts of the MISP conversion share. */
#pragma once

#include "core/limit.h"
#include "core/uuid.h"
#include "feeds/misp.h"
#include "stix/marking.h"

/* Fixed for ever: docs/protocol/MISP.md. */
#define MISP_EXTENSION "extension-definition--8a1f6d4e-52c7-4b0f-9d3a-6e7c0b95f2d1"
#define MISP_AUTHOR    "identity--0d7f2c93-1e4b-4a58-8b6d-3f9a7c5e2b10"
#define MISP_EPOCH     "2026-01-01T00:00:00.000Z"

enum { MISP_TIME_BYTES = 24, MISP_GROUPS = 4 };

/* Times as the mapping writes them: three decimals. */
struct misp_time {
    char text[MISP_TIME_BYTES];
};

/* --- misp_mark.c --- */

enum misp_mark {
    MISP_MARK_STAYS = 1,     /* distribution 0, unpublished, unreadable */
    MISP_MARK_COMMUNITY = 2, /* distribution 1 */
    MISP_MARK_CONNECTED = 4, /* distribution 2 */
    MISP_MARK_TLP = 8,       /* times 2^level, enum stix_tlp */
};

struct misp_marks {
    unsigned bits;
    struct uuid groups[MISP_GROUPS];

    size_t group_count;
};

void misp_marks_add(struct misp_marks *marks, const struct misp_marks *more);
/* Of one element: its distribution, its sharing group, its tlp tags. `inherits`: distribution 5 and none at
 * all add nothing; else they stay here. */
void misp_marks_of(struct json_val element, bool inherits, struct misp_marks *marks);
/* `,"object_marking_refs":[...]`, or nothing. */
void misp_marks_put(const struct misp_marks *marks, struct buf *out);
/* The marking-definitions that they name, each followed by a comma; TLP is built in everywhere. */
void misp_marks_define(const struct misp_marks *marks, struct buf *out);
/* The tag is about TLP, so it is no label. */
bool misp_tag_tlp(struct str tag, enum stix_tlp *out);

/* --- misp_empty.c --- */

struct misp_empty;

/* Of the objects that are being written, innermost last. */
struct misp_empties {
    struct misp_empty *at;
    size_t count, size;
};

/* From the hook of json_canon: a member that says nothing is noted and must be dropped. ERR_NOMEM;
 * ERR_INVALID: it has the name that the note would get. */
NODISCARD err_t misp_empty_note(struct misp_empties *empties, unsigned depth, struct str name,
                                struct json_val value, bool *out_empty);
NODISCARD err_t misp_empty_note_list(struct misp_empties *empties, unsigned depth, struct str name);
/* At the end of the object: what was noted in it. `base`: so many belong to others. */
void misp_empty_put(struct misp_empties *empties, size_t base, unsigned depth, bool any, struct buf *out);
void misp_empties_deinit(struct misp_empties *empties);

/* The way back: the notes of the objects that are open. */
struct misp_fulls {
    struct json_val at[LIMIT_JSON_DEPTH + 1];
    bool has[LIMIT_JSON_DEPTH + 1];
};

/* True: it is a note, to be dropped. */
bool misp_full_note(struct misp_fulls *fulls, unsigned depth, struct str name, struct json_val value);
/* At the end of the object: the members that it names. `instead` (may be NULL) answers true for what it has
 * written, or leaves out, itself. */
void misp_full_put(struct misp_fulls *fulls, unsigned depth, bool any, struct buf *out,
                   bool (*instead)(void *ctx, struct str name, const char *comma, struct buf *out),
                   void *ctx);

/* --- misp_keep.c --- */

enum misp_level { MISP_EVENT, MISP_ATTRIBUTE, MISP_OBJECT, MISP_EVENT_REPORT, MISP_LEVELS };

struct misp_keep {
    struct str event;  /* uuid */
    struct buf pieces; /* what stays here: entries, each with a comma behind it */
    size_t piece_count;
    struct misp_empties empties;
    struct fault *fault;
    err_t err;
};

/* `,"extensions":{...}` with the element's own members in it. */
void misp_keep_put(struct misp_keep *keep, enum misp_level level, struct json_val element, size_t position,
                   struct buf *out);
/* "event", "attribute", "object", "report". */
struct str misp_level_name(enum misp_level level);

/* --- misp_value.c --- */

struct misp_value {
    struct str type, value;
    struct str uuid;
    struct str data; /* base64; empty when there is none */
};

/* What a value must look like. The numbers say which part around the bar. */
enum misp_check {
    MISP_CHECK_ANY,
    MISP_CHECK_AF, /* address families, socket types, registry types of STIX */
    MISP_CHECK_AS,
    MISP_CHECK_BAR,
    MISP_CHECK_BLOCKING,
    MISP_CHECK_CAPEC,
    MISP_CHECK_CVE,
    MISP_CHECK_DATA,
    MISP_CHECK_DATA2,
    MISP_CHECK_DIGITS,
    MISP_CHECK_DOMAIN,
    MISP_CHECK_DOMAIN1IP2,
    MISP_CHECK_DOMAIN1PORT2,
    MISP_CHECK_EMAIL,
    MISP_CHECK_FLAG,
    MISP_CHECK_HASH1,
    MISP_CHECK_HASH2,
    MISP_CHECK_HEX,
    MISP_CHECK_INT,
    MISP_CHECK_IP1,
    MISP_CHECK_IP1PORT2,
    MISP_CHECK_LATITUDE,
    MISP_CHECK_LISTENING,
    MISP_CHECK_LONGITUDE,
    MISP_CHECK_LOWER,
    MISP_CHECK_MAC,
    MISP_CHECK_MALICIOUS,
    MISP_CHECK_NUMBER, /* not below 0 */
    MISP_CHECK_PATTERN,
    MISP_CHECK_PORT,
    MISP_CHECK_REGTYPE,
    MISP_CHECK_SOCK,
    MISP_CHECK_TIME,
    MISP_CHECK_URL,
};

bool misp_fits(enum misp_check check, const struct misp_value *value);
/* The type is that of a hash, alone or behind "filename|" or "x509-fingerprint-". */
bool misp_is_hash(struct str type);

enum misp_quoting { MISP_QUOTE_NONE, MISP_QUOTE_PATTERN, MISP_QUOTE_JSON };

/* What a template takes its fields from; misp_types.inc and misp_objects.inc say which there are. */
struct misp_fill {
    enum misp_check check; /* that the value passed */
    const struct misp_value *value;
    enum misp_quoting quoting;
    size_t index;   /* $n */
    struct str ref; /* $r */
};

/* The template up to `end` (or a NUL); returns where it stopped. */
const char *misp_fill(const struct misp_fill *fill, const char *from, char end, struct buf *out);

/* --- misp_attribute.c --- */

enum misp_kind { MISP_KIND_CUSTOM, MISP_KIND_OBSERVABLE, MISP_KIND_RULE, MISP_KIND_SDO };

struct misp_row;
/* What the mapping makes of an attribute; NULL: nothing, it becomes x-misp-attribute. `*out_invalid`: there
 * is a row, but the value is not what it asks for. */
const struct misp_row *misp_row_find(const struct misp_value *value, bool *out_invalid);
enum misp_kind misp_row_kind(const struct misp_row *row);
bool misp_row_has_observables(const struct misp_row *row);
bool misp_row_has_pattern(const struct misp_row *row);
/* The STIX pattern, not yet escaped for JSON. */
void misp_row_pattern(const struct misp_row *row, const struct misp_value *value, struct buf *out);
/* "stix", or the language of a rule. */
struct str misp_row_language(const struct misp_row *row);
/* Type and members of an SDO row: `campaign "name":"..."`. */
void misp_row_sdo(const struct misp_row *row, const struct misp_value *value, struct str *out_type,
                  struct buf *out);
/* Each observable object followed by a comma, with `tail` (markings) in it; ids to `refs` as JSON strings,
 * comma-separated. */
void misp_row_observables(const struct misp_row *row, const struct misp_value *value, struct str tail,
                          struct buf *out, struct buf *refs);

/* --- small things --- */

/* A member that is a string, or a number's digits; empty otherwise. */
struct str misp_text(struct json_val element, const char *name, char digits[24]);
bool misp_flag(struct json_val element, const char *name);
/* Seconds since 1970 in text or number; ERR_INVALID when there are none. */
NODISCARD err_t misp_seconds(struct json_val element, const char *name, int64_t *out);
struct misp_time misp_time_of(int64_t seconds);
struct misp_time misp_time_of_us(int64_t time_us); /* rounded down to the millisecond */
/* RFC 3339 with any offset, or epoch seconds; false: neither. */
bool misp_time_parse(struct str text, struct misp_time *out);
