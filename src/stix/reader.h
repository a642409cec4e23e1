/* One object while it is read: read.c walks it, value.c takes its single values, report.c keeps what is found
 * wrong, whole.c checks what only the whole object shows. Private to stix/. Memory is the arena's and the
 * caller's stack. */
#pragma once

#include "core/limit.h"
#include "stix/extension.h"
#include "stix/refs.h"
#include "stix/shape.h"

/* One container that is being read. The reader walks without recursion. */
struct stix_frame {
    struct json_iter iter;
    struct json_val value;          /* the container itself */
    const struct stix_shape *shape; /* of an object with known members, else NULL */
    const struct stix_prop *prop;   /* of an array: what each element is, or NULL */
    uint64_t seen;                  /* properties of `shape` that are there */
    struct str name;                /* member in hand; at is NULL before the first and after the last */
    size_t index;                   /* element in hand; SIZE_MAX before the first */
    uint8_t kind;                   /* of an object: enum stix_kind from SHAPE on, or ANY */
    bool array;
    bool object; /* the root, or an object of the deprecated container: common properties are known in it */
};

/* A registered extension that the object uses. */
struct stix_used_extension {
    const struct stix_extension *extension;
    struct str id;
    struct json_val value;         /* what stands under the id */
    enum stix_extension_type type; /* STIX_EXTENSION_TYPES: it does not say */
};

struct stix_reader {
    struct stix_object *object;
    struct fault *fault; /* of the first refusal */
    struct arena *arena;
    struct stix_refs refs, named;
    struct stix_warning *warnings;
    size_t warning_size, warning_max;
    bool all;       /* go on behind refusals, and keep remarks */
    bool held;      /* with `all`: it was taken in before; gather, and ask no rule of the whole */
    bool thorough;  /* with `all`: ask what no intake asks (should.c) */
    bool refs_full; /* told already */
    size_t errors;  /* with `all` */
    char tail[LIMIT_STIX_POINTER];            /* appended to every pointer: what the frames do not say */
    struct str property;                      /* member of the root in hand */
    const struct stix_extensions *extensions; /* registered; NULL: none */
    bool gathered;                            /* the five below are known */
    bool extended;        /* an extension adds properties beside the standard's, or makes the type */
    bool extended_freely; /* ...and which is not known */
    bool used_dropped;
    size_t used_count;
    struct stix_used_extension used[LIMIT_EXTENSIONS_USED];
    uint32_t common_seen; /* bits of enum stix_slot */
    unsigned custom;      /* properties of the root that no table knows */
    bool custom_told;     /* that no extension adds one of them */
    size_t container;     /* depth of the deprecated container's frame, plus one; 0 outside of it */
    size_t depth;
    struct json_val values[64]; /* of the root's shape, by position: valid where seen */
    struct stamp stamps[64];    /* of timestamps among them */
    struct stix_frame frames[LIMIT_JSON_DEPTH];
};

/* Answers `code`; with `all` keeps the refusal among the findings and answers ERR_OK where reading can go on.
 */
NODISCARD err_t stix_refuse(struct stix_reader *r, err_t code, const char *section, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* `what` is static, or the arena's. ERR_NOMEM alone. */
NODISCARD err_t stix_warn(struct stix_reader *r, enum stix_level level, const char *section,
                          const char *what);
/* The same about another place than the one in hand: pointer `fmt` is appended. */
NODISCARD err_t stix_warn_at(struct stix_reader *r, enum stix_level level, const char *section,
                             const char *what, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* At most 60 bytes of a text from outside, for messages. */
struct str stix_shown(struct str text);

/* value.c: single values of the property `prop`, checked and gathered. A string of any property that is an
 * identifier refers, wherever it stands; one that has some in its midst names them. */
NODISCARD err_t stix_take_string(struct stix_reader *r, const struct stix_prop *prop, struct json_val v);
NODISCARD err_t stix_take_free_string(struct stix_reader *r, struct str text);
NODISCARD err_t stix_take_number(struct stix_reader *r, const struct stix_prop *prop, struct json_val v);
NODISCARD err_t stix_take_bool(struct stix_reader *r, const struct stix_prop *prop, enum json_type type);
NODISCARD err_t stix_add_ref(struct stix_reader *r, struct str id, const struct stix_key *key,
                             enum stix_ref_role role);
/* Refuses what is of another JSON type than `wanted`, which is words: "a list". */
NODISCARD err_t stix_wrong_type(struct stix_reader *r, const struct stix_prop *prop, const char *wanted,
                                enum json_type found);
const char *stix_json_type_name(enum json_type type);
/* The section of the table that describes what is in hand. */
const char *stix_section_here(const struct stix_reader *r, const struct stix_prop *prop);

/* extension_check.c: what the object's `extensions` are; done once, when first asked for. */
void stix_extensions_gather(struct stix_reader *r);
/* Does a registered extension of the object say that it adds this property? */
bool stix_extensions_name(struct stix_reader *r, struct str name);
/* The object against the schemas of its registered extensions. After the walk. */
NODISCARD err_t stix_extensions_check(struct stix_reader *r);
/* Do the extensions of the object add properties beside the standard's, or make its type? */
static inline bool stix_is_extended(struct stix_reader *r)
{
    stix_extensions_gather(r);
    return r->extended;
}
/* Warnings of a property of the root that no table knows; of an extension under a name, `shape` NULL when it
 * is not a predefined one; of one under the id of its definition. The member is in hand. */
NODISCARD err_t stix_check_custom(struct stix_reader *r, struct str name, struct json_val v);
NODISCARD err_t stix_check_named_extension(struct stix_reader *r, const struct stix_shape *shape,
                                           struct str name, struct json_val v);
NODISCARD err_t stix_check_defined_extension(struct stix_reader *r, struct json_val v);

/* indicator.c: the pattern of an indicator whose pattern_type is stix (section 9). */
NODISCARD err_t stix_check_indicator(struct stix_reader *r);

/* should.c: SHOULDs that no intake asks, of an object of a shape that is at its end (its frame the
 * innermost); of a custom property, extension or type of the object. Where `thorough` alone. */
NODISCARD err_t stix_check_should(struct stix_reader *r, const struct stix_frame *frame);
NODISCARD err_t stix_check_custom_should(struct stix_reader *r, struct str name, struct json_val v);
NODISCARD err_t stix_check_custom_extension_should(struct stix_reader *r, struct str name);
NODISCARD err_t stix_check_custom_type_should(struct stix_reader *r, struct str name);
/* Are there no capitals of ASCII? */
bool stix_is_lower(struct str text);
/* "x", the character, a source, the character, a name. */
bool stix_names_source(struct str name, char parting);

/* whole.c: after the walk, references gathered: what no single value shows. */
NODISCARD err_t stix_check_whole(struct stix_reader *r);
