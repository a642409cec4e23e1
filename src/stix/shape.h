/* The tables of STIX 2.1 as data: what properties a shape (object type, nested type, predefined extension)
 * has and what their values must be. Private to stix/. Constant; any thread. */
#pragma once

#include <stddef.h>

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
    STIX_KIND_TERM, /* a word of terms.inc */
    /* Text with a form: a row of check.c each. */
    STIX_KIND_HEX,
    STIX_KIND_BINARY,
    STIX_KIND_LANG,
    STIX_KIND_SELECTOR,
    STIX_KIND_MAC,
    STIX_KIND_URL,
    STIX_KIND_DOMAIN,
    STIX_KIND_EMAIL,
    STIX_KIND_IPV4,
    STIX_KIND_IPV6,
    STIX_KIND_CPE,
    STIX_KIND_MIME,
    STIX_KIND_CHARSET,
    STIX_KIND_VERB,   /* relationship_type */
    STIX_KIND_PHASE,  /* a kill chain, a phase of one */
    STIX_KIND_HIVE,   /* a registry key */
    STIX_KIND_HEADER, /* of a message, decoded */
    STIX_KIND_COUNTRY,
    STIX_KIND_PRODUCT,
    STIX_KIND_PRIORITY, /* of a Windows process */
    STIX_KIND_PROTOCOL,
    STIX_KIND_NEW_NAME, /* a property that an extension adds */
    /* From here on the value is a JSON object. */
    STIX_KIND_SHAPE,
    STIX_KIND_DICT,    /* values free */
    STIX_KIND_STRINGS, /* dictionary of strings */
    STIX_KIND_LISTS,   /* dictionary of lists of strings */
    STIX_KIND_SCALARS, /* dictionary of integers and strings */
    STIX_KIND_INTS,    /* dictionary of integers */
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
    uint8_t bound;    /* which vocabulary, range or shape */
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
#define WORD(...)
#define END(name)
#include "stix/shapes.inc"
#undef SHAPE
#undef PROP
#undef REF
#undef SUB
#undef VAL
#undef WORD
#undef END
    STIX_SHAPE_COUNT
};

/* STIX_AT(indicator, pattern): where a property stands in its shape, for tables that name properties. */
#define SHAPE(name, ...) struct stix_at_##name {
#define PROP(name, ...)  char name;
#define REF(name, ...)   char name;
#define SUB(name, ...)   char name;
#define VAL(name, ...)   char name;
#define WORD(name, ...)  char name;
#define END(name)                                                                                            \
    }                                                                                                        \
    ;
#include "stix/shapes.inc"
#undef SHAPE
#undef PROP
#undef REF
#undef SUB
#undef VAL
#undef WORD
#undef END
#define STIX_AT(shape, prop) offsetof(struct stix_at_##shape, prop)

/* The vocabularies of section 10. */
enum stix_terms_code {
#define TERMS(code, ...) STIX_TERMS_##code,
#include "stix/terms.inc"
#undef TERMS
    STIX_TERMS_COUNT
};

struct stix_terms {
    const struct str *words;
    size_t count;
    const char *section;
    bool open;        /* other words are allowed, but SHOULD not be used */
    const char *what; /* of any other word: "not a term of ..." */
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
/* The type that such an extension belongs to. */
enum stix_code stix_extension_owner(const struct stix_shape *shape);

/* NULL when the shape does not define `name`. */
const struct stix_prop *stix_prop_find(const struct stix_shape *shape, struct str name);
/* The properties of section 3.2; NULL for any other name. */
const struct stix_prop *stix_prop_common(struct str name);
/* Bits over enum stix_slot: what section 3.2 requires of, and does not apply to, a type. */
uint32_t stix_common_required(const struct stix_type *type);
uint32_t stix_common_excluded(const struct stix_type *type);

const struct stix_terms *stix_terms(uint8_t code);
bool stix_terms_have(const struct stix_terms *terms, struct str word);
struct stix_range {
    double min, max;
};
struct stix_range stix_range(uint8_t bound);

/* id.c: NULL when `id` is no identifier, else the row of its type. */
const struct stix_type *stix_id_read(struct str id, struct stix_key *out);
/* The hyphens of an identifier alone: false for nearly every text that is none, before anything is decoded.
 */
static inline bool stix_id_hyphened(struct str id)
{
    const size_t tail_len = 38, name_len_min = 3; /* "--" and the UUID; section 11.2.1 */
    if (id.len < name_len_min + tail_len)
        return false;
    const char *tail = id.at + (id.len - tail_len);
    return tail[0] == '-' && tail[1] == '-' && tail[10] == '-' && tail[15] == '-' && tail[20] == '-' &&
           tail[25] == '-';
}

/* check.c: the form that a kind of text has. `section` NULL: that of the shape it stands in. */
struct stix_format {
    bool (*ok)(struct str text);
    enum stix_level level;
    bool defangs; /* defanged text does not keep the form */
    const char *section;
    const char *what; /* of an error: follows the text; otherwise a sentence */
};
/* NULL: any text will do. */
const struct stix_format *stix_format(uint8_t kind);
bool stix_check_hex(struct str text);
bool stix_check_base64(struct str text);
/* The value of a hash named `name` (section 2.7). */
const char *stix_check_hash(struct str name, struct str text);
/* A key of a dictionary (section 2.3), a language tag (RFC 5646), a custom property's name (section 11.1.1).
 */
bool stix_check_key(struct str key);
bool stix_check_lang(struct str tag);
bool stix_check_custom_name(struct str name);
/* registry.c: a CPE of version 2.3 as a formatted string, a media type (RFC 6838), a character set of the
 * IANA registry, in any case. */
bool stix_check_cpe(struct str text);
bool stix_check_mime(struct str text);
bool stix_check_charset(struct str text);

/* rule.c: rules between the properties of one shape. */
struct stix_ruling {
    const struct stix_shape *shape;
    uint64_t seen;              /* bits by position in the shape */
    struct json_val object;     /* that has the shape */
    const struct stamp *stamps; /* of its timestamps, by position; NULL: not read yet */
    bool extended;              /* the object has `extensions` */
    size_t next;                /* zero before the first call */
};
/* In the place of a timestamp that was refused. */
#define STIX_NO_STAMP ((struct stamp) {0, UINT64_MAX})
static inline bool stix_is_stamp(struct stamp stamp)
{
    return stamp.fraction != UINT64_MAX;
}
struct stix_breach {
    enum stix_level level;
    const char *section, *what;
};
/* The next rule that does not hold; false when there is none left. */
bool stix_rule_broken(struct stix_ruling *ruling, struct stix_breach *out);

/* relation.c: does the standard define this relationship (sections 3.7, 4, 6)? Custom types: always true. */
bool stix_relation_known(const struct stix_type *source, struct str verb, const struct stix_type *target);
