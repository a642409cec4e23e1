/* The flat tables of a registered extension: extension_build.c makes them, extension_check.c reads them.
 * Private to stix/. Numbers are places in the arrays of struct extension_table. */
#pragma once

#include "stix/extension.h"
#include "stix/shape.h"

/* What a value may be, as bits. */
enum {
    EXTENSION_NULL = 1,
    EXTENSION_BOOL = 2,
    EXTENSION_INTEGER = 4,
    EXTENSION_FRACTION = 8, /* any number is one of the two */
    EXTENSION_STRING = 16,
    EXTENSION_ARRAY = 32,
    EXTENSION_OBJECT = 64,
    EXTENSION_ANY = 127,
};

enum { EXTENSION_ANYTHING = 0 }; /* the rule that everything keeps */

/* One schema. */
struct extension_rule {
    uint8_t types;
    uint8_t form; /* of a string: extension_form_find; 0: any */
    bool closed;  /* no other properties than those named */
    uint8_t depth;
    uint16_t item; /* rule of each element */
    uint16_t prop, prop_count;
    uint16_t word, word_count; /* `enum`; of an identifier: the types */
    uint32_t length_min, length_max;
    uint32_t items_min, items_max;
    double min, max;
};

struct extension_prop {
    struct str name;
    uint16_t rule;
    bool required;
};

struct extension_word {
    enum json_type type; /* NULL, TRUE, FALSE, INT, STRING */
    struct str text;
    int64_t number;
};

/* Which rule holds for which objects. */
struct extension_part {
    enum stix_extension_type type;
    struct str object_type; /* empty: any without a part of its own */
    uint16_t rule;
};

struct extension_table {
    const struct extension_part *parts;
    const struct extension_rule *rules;
    const struct extension_prop *props;
    const struct extension_word *words;
    size_t part_count, rule_count, prop_count, word_count;
};

/* The part for such an object; NULL when there is none. */
const struct extension_part *extension_part_find(const struct stix_extension *extension,
                                                 enum stix_extension_type type, struct str object_type);
/* Place of the property in its rule; SIZE_MAX. */
size_t extension_prop_find(const struct extension_table *table, const struct extension_rule *rule,
                           struct str name);
/* The form that `format` names; 0: there is none of that name. */
uint8_t extension_form_find(struct str word);
bool extension_form_holds(uint8_t form, struct str text);
const char *extension_form_what(uint8_t form); /* "a timestamp" */
bool extension_form_is_id(uint8_t form);
bool extension_type_read(struct str word, enum stix_extension_type *out);
/* extension_build.c: `types` as in struct stix_extension. Nothing of `schema` is borrowed. */
NODISCARD err_t extension_table_build(struct json_val schema, unsigned types, struct arena *arena,
                                      struct extension_table *out, struct fault *fault);
