/* The tables of STIX 2.1 as data: what properties a shape (object type, nested type, predefined extension)
 * has and what their values must be. Private to stix/. Constant; any thread. */
#pragma once

#include "stix/stix.h"

enum stix_kind {
    STIX_KIND_ANY,
    STIX_KIND_STRING,
    STIX_KIND_BOOL,
    STIX_KIND_INT,
    STIX_KIND_FLOAT,
    STIX_KIND_TIME,
    STIX_KIND_ID, /* the object's own id */
    STIX_KIND_REF,
    STIX_KIND_ENUM,
    STIX_KIND_HEX,
    STIX_KIND_BINARY,
    STIX_KIND_LANG,
    STIX_KIND_SELECTOR,
    STIX_KIND_MAC,
    /* From here on the value is a JSON object. */
    STIX_KIND_SHAPE,
    STIX_KIND_DICT,    /* values free */
    STIX_KIND_STRINGS, /* dictionary of strings */
    STIX_KIND_LISTS,   /* dictionary of lists of strings */
    STIX_KIND_HASHES,
    STIX_KIND_CONTENTS, /* of language-content: a dictionary by language */
    STIX_KIND_EXTENSIONS,
    STIX_KIND_CONTAINER, /* the deprecated objects of observed-data: references in it are local names */
};

enum { STIX_PROP_REQUIRED = 1, STIX_PROP_LIST = 2 };

/* What the reader does with a common property besides checking it. */
enum stix_slot {
    STIX_SLOT_NONE,
    STIX_SLOT_TYPE,
    STIX_SLOT_SPEC_VERSION,
    STIX_SLOT_ID,
    STIX_SLOT_CREATED_BY,
    STIX_SLOT_CREATED,
    STIX_SLOT_MODIFIED,
    STIX_SLOT_REVOKED,
    STIX_SLOT_LABELS,
    STIX_SLOT_CONFIDENCE,
    STIX_SLOT_LANG,
    STIX_SLOT_EXTERNAL_REFERENCES,
    STIX_SLOT_OBJECT_MARKINGS,
    STIX_SLOT_GRANULAR_MARKINGS,
    STIX_SLOT_DEFANGED,
    STIX_SLOT_EXTENSIONS,
};

struct stix_prop {
    const char *name;
    uint8_t len;
    uint8_t kind;     /* enum stix_kind of the value, or of each element */
    uint8_t flags;    /* STIX_PROP_* */
    uint8_t role;     /* enum stix_ref_role of references in it */
    uint8_t bound;    /* which enumeration, range or shape */
    uint8_t slot;     /* enum stix_slot; common properties only */
    uint64_t targets; /* of a REF: bit per enum stix_code; bit 0 stands for types the standard does not define
                       */
};

enum stix_shape_code {
    STIX_SHAPE_NONE,
#define SHAPE(name, ...) STIX_SHAPE_##name,
#define PROP(...)
#define REF(...)
#define SUB(...)
#define VAL(...)
#define END(name)
#include "stix/shapes.inc"
#undef SHAPE
#undef PROP
#undef REF
#undef SUB
#undef VAL
#undef END
    STIX_SHAPE_COUNT
};

struct stix_shape {
    const struct stix_prop *props;
    size_t count;
    const char *section;
    bool some; /* at least one property must be there */
};

const struct stix_shape *stix_shape(enum stix_shape_code code);
enum stix_shape_code stix_shape_code(const struct stix_shape *shape);
const struct stix_shape *stix_shape_of_type(enum stix_code code);
/* "ntfs-ext" and its like; NULL for any other key of `extensions`. */
const struct stix_shape *stix_shape_of_extension(struct str key);

/* NULL when the shape does not define `name`. */
const struct stix_prop *stix_prop_find(const struct stix_shape *shape, struct str name);
/* The properties of section 3.2; NULL for any other name. */
const struct stix_prop *stix_prop_common(struct str name);
/* Bits over enum stix_slot: what section 3.2 requires of, and does not apply to, a type. */
uint32_t stix_common_required(const struct stix_type *type);
uint32_t stix_common_excluded(const struct stix_type *type);

bool stix_enum_has(uint8_t bound, struct str word);
struct stix_range {
    double min, max;
};
struct stix_range stix_range(uint8_t bound);

/* id.c: NULL when `id` is no identifier, else the row of its type. */
const struct stix_type *stix_id_read(struct str id, struct stix_key *out);

/* check.c: what is wrong with a string of that property, or NULL; `*out_section` then names the rule. */
const char *stix_check_text(const struct stix_prop *prop, struct str text, const char **out_section);
/* The value of a hash named `name` (section 2.7). */
const char *stix_check_hash(struct str name, struct str text);
/* A key of a dictionary (section 2.3), a language tag (RFC 5646), a custom property's name (section 11.1.1).
 */
bool stix_check_key(struct str key);
bool stix_check_lang(struct str tag);
bool stix_check_custom_name(struct str name);

/* rule.c: rules between the properties of one shape. `values` are of the properties seen (bits of `seen`, by
 * position in the shape); `extended`: the object has `extensions`. NULL when all hold, else what is wrong. */
const char *stix_check_rules(const struct stix_shape *shape, uint64_t seen, const struct json_val *values,
                             bool extended);
