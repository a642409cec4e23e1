/* STIX 2.1 objects as the rest of bongsu sees them (OASIS Standard, Errata 01): one read of one parsed object
 * checks the rules of the standard and gathers everything that authority, versions, closure, policy and
 * markings ask for. Section numbers are those of STIX 2.1.
 *
 * Nothing here changes, mends or re-serialises an object: bytes are kept elsewhere, exactly as they came. An
 * object that breaks a MUST is refused with the rule, the section and a JSON pointer; habits of real feeds
 * that break a MUST without making the object ambiguous are warnings (docs/decisions: "What STIX input is
 * refused"). Free of state; any thread. All results borrow from the json_doc and the caller's arena. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/buf.h"
#include "core/err.h"
#include "core/stamp.h"
#include "core/str.h"
#include "json/json.h"

/* --- identifiers (section 2.9) --- */

enum { STIX_KEY_SIZE = 24, STIX_TYPE_DIGEST_SIZE = 8 };

/* An identifier as fixed bytes: the UUID, then the first 8 bytes of SHA-256 over the type's name. Equal keys
 * mean equal identifiers whatever the case of the UUID's digits. */
struct stix_key {
    uint8_t b[STIX_KEY_SIZE];
};

static inline bool stix_key_eq(const struct stix_key *a, const struct stix_key *b)
{
    return memcmp(a->b, b->b, STIX_KEY_SIZE) == 0;
}

/* `object-type--UUID`. ERR_INVALID when `id` is anything else. `fault` may be NULL. */
NODISCARD err_t stix_key_from_id(struct str id, struct stix_key *out, struct fault *fault);
/* The same without a reason: is this string an identifier? */
bool stix_id_parse(struct str id, struct stix_key *out);
/* Appends the identifier in lower case. Of a type that is not the standard's only "*--UUID" is known. */
void stix_key_print(const struct stix_key *key, struct buf *out);
/* The part before "--<UUID>" of a valid identifier. */
struct str stix_id_type(struct str id);

/* --- types --- */

enum stix_category { STIX_CUSTOM, STIX_SDO, STIX_SRO, STIX_SCO, STIX_META };

enum stix_code {
    STIX_TYPE_UNKNOWN, /* a custom type, or one of an extension */
#define STIX_TYPE(code, ...) STIX_TYPE_##code,
#include "stix/types.inc"
#undef STIX_TYPE
    STIX_TYPE_COUNT
};

struct stix_type {
    const char *name; /* "indicator"; empty for STIX_TYPE_UNKNOWN */
    uint8_t digest[STIX_TYPE_DIGEST_SIZE];
    enum stix_category category;
    enum stix_code code;
    bool versioned;      /* (id, modified) is a version; otherwise created, or nothing for SCOs */
    const char *section; /* "4.7" */
};

/* Never NULL: the row of STIX_TYPE_UNKNOWN for names the standard does not define. */
const struct stix_type *stix_type_find(struct str name);
const struct stix_type *stix_type_row(enum stix_code code);

/* --- objects --- */

/* What a reference does in the object that holds it. */
enum stix_ref_role {
    STIX_REF_CREATED_BY,
    STIX_REF_MARKING,          /* object_marking_refs */
    STIX_REF_GRANULAR_MARKING, /* granular_markings[].marking_ref */
    STIX_REF_EXTENSION,        /* a key of `extensions` */
    STIX_REF_SRO_END,          /* relationship source_ref, target_ref; sighting sighting_of_ref,
                                  observed_data_refs, where_sighted_refs */
    STIX_REF_MEMBER,           /* object_refs of grouping, note, observed-data, opinion, report */
    STIX_REF_LANG_TARGET,      /* object_ref of language-content */
    STIX_REF_OTHER, /* any other value or member name of the shape, at any depth, known or custom */
};

struct stix_ref {
    struct stix_key key;
    enum stix_ref_role role;
    struct str id;       /* borrowed text; of a name in passing the plain form, the arena's */
    struct str property; /* member of the root object that the reference stands in or under */
};

enum stix_level {
    STIX_REMARK,  /* a SHOULD is broken */
    STIX_CAUTION, /* no MUST is broken, but intake tells: an id that is not the one that others derive */
    STIX_WARNING, /* a MUST is broken, but one reading is left: a strict source refuses */
    STIX_ERROR    /* the object is refused */
};

/* A broken rule. */
struct stix_warning {
    enum stix_level level;
    const char *what;
    const char *section;
    struct str pointer; /* JSON pointer relative to the object */
};

struct stix_object {
    struct json_val root;
    struct str id;
    struct str type_name;
    const struct stix_type *type;
    struct stix_key key;

    bool has_created, has_modified;
    struct stamp created, modified;
    /* What orders versions of one id (section 3.6): modified, else created (marking-definition), else zero
     * (SCOs are not versioned). */
    struct stamp version;

    bool revoked, defanged;
    bool has_creator;
    struct str creator_id;
    struct stix_key creator;
    int confidence;  /* 0-100, or -1 when absent */
    struct str lang; /* empty when absent */
    bool has_labels; /* then `labels` is a non-empty array of strings */
    struct json_val labels;
    bool has_markings, has_granular_markings; /* non-empty object_marking_refs; granular_markings */
    struct json_val granular_markings;        /* array of valid granular-marking objects */

    /* Every reference by value, found in every property at any depth, the object's own id excepted. Sorted by
     * key, then role; one entry a pair. */
    const struct stix_ref *refs;
    size_t ref_count;
    /* Identifiers of others in the midst of texts and of members' names, in any case and dress, that are no
     * reference by value: in passing, nothing refers to them, but whoever reads the text reads them. Sorted,
     * once each.
     */
    const struct stix_ref *named;
    size_t named_count;
    const struct stix_warning *warnings; /* of stix_read: no remarks */
    size_t warning_count; /* at most LIMIT_STIX_WARNINGS; `warnings_dropped` more were not kept */
    size_t warnings_dropped;
    size_t remarks; /* broken SHOULDs; of stix_read: those that its way leads past, for stix_lint asks more */
};

struct stix_extensions; /* stix/extension.h */

/* Checks and reads one object. `v` is the object itself (not a bundle). `extensions`: those that are
 * registered, or NULL; what breaks their schemas is a warning. On refusal: ERR_INVALID (or
 * ERR_LIMIT, ERR_NOMEM), `fault` with section and pointer relative to `v`; its offset is 0: the caller finds
 * it with json_pointer_offset. Duplicate member names are json_canon's to refuse: here the last one read
 * wins, so canonicalise before trusting. */
NODISCARD err_t stix_read(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                          struct stix_object *out, struct fault *fault);

/* The same of an object that is held. Rules that it breaks are not asked again: they may be newer than the
 * object, and a log that was whole must stay readable. ERR_INVALID only without a usable type and id. */
NODISCARD err_t stix_read_held(struct json_val v, struct arena *arena, struct stix_object *out);

/* Everything that is wrong with one object: where stix_read refuses, this goes on, and keeps remarks too. */
struct stix_findings {
    const struct stix_warning *at; /* in the order of the text, what the whole object shows last */
    size_t count;                  /* at most LIMIT_STIX_FINDINGS; `dropped` more were not kept */
    size_t dropped;
    size_t errors;             /* 0: stix_read takes the object */
    struct stix_object object; /* good for the rest of this room only when errors is 0 */
};

/* ERR_OK when the object was walked to its end, whatever was found; ERR_NOMEM. `fault`: of the first error.
 */
NODISCARD err_t stix_lint(struct json_val v, const struct stix_extensions *extensions, struct arena *arena,
                          struct stix_findings *out, struct fault *fault);

/* --- equality --- */

/* Appends the text that equality of versions and digests are taken over: RFC 8785 with defaults dropped
 * (revoked, defanged, summary of a sighting: false; lang: en; spec_version of an SCO: 2.1), empty lists and
 * dictionaries of known properties dropped, and timestamps of known properties without trailing zeros.
 * Versions that are equal under section 3.6 give equal text. ERR_DUPLICATE_NAME among others from
 * json_canon. */
NODISCARD err_t stix_canon(const struct stix_object *object, struct buf *out, struct fault *fault);

/* --- deterministic identifiers of SCOs (section 2.9) --- */

enum stix_sco_id {
    STIX_SCO_ID_MATCH,
    STIX_SCO_ID_DIFFERS,      /* a UUIDv5 that the contributing properties do not give: all SHOULD, so a
                                 warning, never a refusal */
    STIX_SCO_ID_NOT_DERIVED,  /* not a UUIDv5, or another kind of object */
    STIX_SCO_ID_NOTHING_TO_DO /* the type has no contributing property, or none is present */
};

/* Computes the id and compares. `out_uuid` (16 bytes, may be NULL) is written for MATCH and DIFFERS and for
 * NOT_DERIVED where contributing properties are present. Part of stix_read, which warns. */
NODISCARD err_t stix_sco_id_check(const struct stix_object *object, enum stix_sco_id *out,
                                  uint8_t out_uuid[16]);
