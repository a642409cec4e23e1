/* Private to together.c, which knows where each object is, versions.c (one id, several objects) and pair.c
 * (one object that asks for another). */
#pragma once

#include "core/limit.h"
#include "stix/together.h"

/* An object by the digest of its UUID, which those of all types and versions share. */
struct together_entry {
    uint64_t uuid;
    uint64_t from;
    uint32_t len;
    uint32_t number : 31;
    uint32_t versioned : 1; /* no observable, and it has created or modified */
};

enum together_ask {
    TOGETHER_ASK_LANGUAGE = 1,
    TOGETHER_ASK_VARIANT = 2,
    TOGETHER_ASK_SAMPLES = 4,
    TOGETHER_ASK_MARKING = 8,
    TOGETHER_ASK_EXTENSION = 16
};

struct together_asker {
    struct together_entry entry;
    uint64_t asks; /* enum together_ask */
};

/* Finding: which rule. */
enum together_rule {
    TOGETHER_SAME_VERSION,
    TOGETHER_CREATED,
    TOGETHER_CREATOR,
    TOGETHER_REVOKED,
    TOGETHER_UUID,
    TOGETHER_OBJECT_MODIFIED,
    TOGETHER_NO_TEXT,
    TOGETHER_NO_LIST,
    TOGETHER_NO_OBJECT,
    TOGETHER_LIST_LENGTH,
    TOGETHER_IGNORED,
    TOGETHER_VARIANT,
    TOGETHER_SAMPLE,
    TOGETHER_CIRCLE,
    TOGETHER_EXTENSION
};

/* One object that was read again. Two are in hand at a time: who asks, and who is asked for. */
struct together_hand {
    struct json_parser *parser;
    struct arena arena;
    struct buf padded;
    struct json_doc doc;
    struct stix_object object;
};

/* An extension definition of the text; several versions are one, with the types of all. */
struct together_definition {
    struct stix_key key;
    unsigned types; /* bit per enum stix_extension_type */
    uint32_t number;
};

/* A marking definition and one that it is marked with. */
struct together_edge {
    struct stix_key from, to;
    enum stix_ref_role role;
    uint32_t number; /* of `from` */
};

struct stix_together {
    struct buf entries, askers; /* of struct together_entry, together_asker */
    struct buf noted;           /* findings of versions.c, until they are in order */
    struct together_hand asking, asked;
    struct together_definition definitions[LIMIT_EXTENSIONS];
    struct together_edge edges[LIMIT_STIX_TOGETHER_EDGES];
    size_t definition_count, edge_count;
    struct stix_together_sum sum;
    /* while checking */
    struct bytes text;
    uint64_t budget; /* bytes that may still be read again */
    void (*tell)(void *ctx, const struct stix_told *told);
    void *ctx;
    size_t told; /* of the object in hand */
    err_t err;
};

static inline struct json_slice together_slice(const struct together_entry *entry)
{
    return (struct json_slice) {entry->from, entry->len};
}

/* Reads it again; false when the budget is spent, or on failure (together->err). */
bool together_load(struct stix_together *together, struct together_hand *hand,
                   const struct together_entry *entry);

/* Entries with that UUID, in the order of the text. */
const struct together_entry *together_group(const struct stix_together *together, const struct stix_key *key,
                                            size_t *out_count);

enum together_found { TOGETHER_NONE, TOGETHER_FOUND, TOGETHER_OTHER_VERSION };

/* Brings the object into together->asked: with `modified` that version of it, else its newest. OTHER_VERSION:
 * it is there, and not in that version. */
enum together_found together_find(struct stix_together *together, const struct stix_key *key,
                                  const struct stamp *modified, uint32_t *out_number);

/* `pointer` NULL: the rule's own. `id` and `slice` are those of the object the finding is about. */
void together_tell(struct stix_together *together, const struct together_entry *entry, struct str id,
                   enum together_rule rule, uint32_t other, const char *pointer);

/* pair.c: does this object ask for others? */
unsigned together_asks(const struct stix_object *object);
/* pair.c: `asks` of the object in together->asking. */
void together_ask(struct stix_together *together, const struct together_asker *asker);
/* versions.c: all objects of one UUID. */
NODISCARD err_t together_versions(struct stix_together *together);
