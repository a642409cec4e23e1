/* Extension definitions that an operator registered (STIX 2.1 section 7.3), so that objects that use them are
 * checked: which properties the extension adds, and what their values must be.
 *
 * The rules are a subset of JSON Schema 2020-12 (docs/protocol/EXTENSIONS.md), made once into flat tables:
 * nothing of it is evaluated by recursion, no regular expression is run, nothing is fetched. What the subset
 * does not have is refused at registration and never ignored. A breach in an object is a warning that a
 * strict source refuses: what was accepted before stays readable whatever is registered later.
 *
 * Constant once made; any thread. Memory is the arena's. */
#pragma once

#include "core/limit.h"
#include "stix/stix.h"

enum stix_extension_type {
    STIX_EXTENSION_NEW_SDO,
    STIX_EXTENSION_NEW_SCO,
    STIX_EXTENSION_NEW_SRO,
    STIX_EXTENSION_PROPERTY, /* what stands in extensions.<id> */
    STIX_EXTENSION_TOPLEVEL, /* properties of the object itself */
    STIX_EXTENSION_TYPES
};

struct stix_extension {
    struct stix_key key;
    struct str id, name, version;
    unsigned types;               /* bit per enum stix_extension_type */
    const struct str *properties; /* extension_properties */
    size_t property_count;
    size_t rules; /* properties that the schema describes, at any depth */
    const struct extension_table *table;
};

/* Those that are registered, in the order of their keys. */
struct stix_extensions {
    const struct stix_extension *at[LIMIT_EXTENSIONS];
    size_t count;
};

/* Reads the definition (one object's text) and the schema: `schema`, or when that is empty the JSON text in
 * the definition's own `schema`. Both are copied. ERR_NOTFOUND: the object is no extension-definition;
 * otherwise as stix_read and json_parse. `parser`'s document is gone afterwards. `fault`: the pointer is that
 * of the definition, or begins with "schema:" and is that of the schema. */
NODISCARD err_t stix_extension_read(struct json_parser *parser, struct bytes definition, struct str schema,
                                    struct arena *arena, const struct stix_extension **out,
                                    struct fault *fault);

/* Where the extension-definitions are in a bundle, a list, lines, or a single object: at most
 * LIMIT_EXTENSIONS. What is no JSON object, or larger than LIMIT_EXTENSION_BYTES, is passed over. ERR_FULL.
 */
NODISCARD err_t stix_extension_cut(struct json_parser *parser, struct bytes text,
                                   struct json_slice out[LIMIT_EXTENSIONS], size_t *out_count,
                                   struct fault *fault);

const char *stix_extension_type_name(enum stix_extension_type type);

/* NULL when it is not registered. `extensions` may be NULL. */
const struct stix_extension *stix_extensions_find(const struct stix_extensions *extensions,
                                                  const struct stix_key *key);
/* Adds, or puts in the place of the one with the same key. ERR_FULL. */
NODISCARD err_t stix_extensions_put(struct stix_extensions *extensions,
                                    const struct stix_extension *extension);
void stix_extensions_drop(struct stix_extensions *extensions, const struct stix_key *key);
