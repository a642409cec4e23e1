#include "stix/marking.h"

#include "core/limit.h"

#define EXT_TLP_2 "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
#define EXT_IEP_2 "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a"
#define EXT_ACS_3 "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce"

/* Everything but these may change without changing what a marking means. */
static enum json_canon_act keep_meaning(void *ctx, unsigned depth, struct str name, struct json_val value,
                                        struct buf *out)
{
    static const struct str meaning[] = {
        {"name", 4}, {"definition", 10}, {"extensions", 10}, {"definition_type", 15}};
    (void)ctx;
    (void)value;
    (void)out;
    if (depth > 0)
        return JSON_CANON_KEEP;
    for (size_t i = 0; i < sizeof meaning / sizeof meaning[0]; i++)
        if (str_eq(name, meaning[i]))
            return JSON_CANON_KEEP;
    return JSON_CANON_DROP;
}

static err_t digest_meaning(const struct stix_object *object, struct hash *out, struct fault *fault)
{
    struct json_canon_hook hook = {keep_meaning, NULL};
    struct buf text;
    buf_init(&text, 2 * LIMIT_OBJECT_BYTES);
    err_t err = json_canon(object->root, &hook, &text, fault);
    if (err == ERR_OK)
        err = buf_err(&text);
    if (err == ERR_OK)
        *out = hash_sha256(buf_bytes(&text));
    buf_deinit(&text);
    return err;
}

/* The one extension of a definition that has exactly one; at is NULL otherwise. */
static struct str only_extension(struct json_val extensions)
{
    struct json_iter iter = json_object_iter(extensions);
    struct str key, other;
    struct json_val value;
    if (!json_object_next(&iter, &key, &value) || json_object_next(&iter, &other, &value))
        return (struct str) {NULL, 0};
    return key;
}

/* What the wire object says its level is; empty when it says none. */
static struct str claimed_level(struct json_val root)
{
    struct json_val definition, extensions, extension;
    struct str level;
    if (json_get(root, STR("definition"), &definition) && json_get_str(definition, STR("tlp"), &level))
        return level;
    if (json_get(root, STR("extensions"), &extensions) && json_get(extensions, STR(EXT_TLP_2), &extension) &&
        json_get_str(extension, STR("tlp_2_0"), &level))
        return level;
    return (struct str) {NULL, 0};
}

static bool claims_tlp(struct json_val root)
{
    struct json_val extensions, extension;
    struct str type;
    if (json_get_str(root, STR("definition_type"), &type) && str_eq(type, STR("tlp")))
        return true;
    return json_get(root, STR("extensions"), &extensions) && json_get(extensions, STR(EXT_TLP_2), &extension);
}

static enum stix_marking_kind kind_by_extension(struct json_val extensions)
{
    struct str key = only_extension(extensions);
    if (key.at == NULL)
        return STIX_MARKING_UNKNOWN;
    if (str_eq(key, STR(EXT_IEP_2)))
        return STIX_MARKING_IEP;
    return str_eq(key, STR(EXT_ACS_3)) ? STIX_MARKING_ACS : STIX_MARKING_UNKNOWN;
}

static enum stix_marking_kind kind_of(struct json_val root, struct str *out_statement)
{
    struct json_val extensions, definition;
    struct str type;
    if (claims_tlp(root))
        return STIX_MARKING_TLP_FOREIGN;
    if (json_get(root, STR("extensions"), &extensions))
        return kind_by_extension(extensions);
    if (json_get_str(root, STR("definition_type"), &type) && str_eq(type, STR("statement")) &&
        json_get(root, STR("definition"), &definition) &&
        json_get_str(definition, STR("statement"), out_statement))
        return STIX_MARKING_STATEMENT;
    return STIX_MARKING_UNKNOWN;
}

err_t stix_marking_read(const struct stix_object *object, struct stix_marking *out, struct fault *fault)
{
    must(object->type->code == STIX_TYPE_MARKING_DEFINITION);
    struct stix_marking marking = {.tlp = STIX_TLP_NONE};
    if (stix_tlp_from_key(&object->key, &marking.tlp)) {
        enum stix_tlp claimed = STIX_TLP_NONE;
        marking.kind = STIX_MARKING_TLP;
        marking.tlp_contradicts =
            !stix_tlp_from_name(claimed_level(object->root), &claimed) || claimed != marking.tlp;
    } else {
        marking.kind = kind_of(object->root, &marking.statement);
    }
    err_t err = digest_meaning(object, &marking.meaning, fault);
    if (err == ERR_OK)
        *out = marking;
    return err;
}

bool stix_marking_stays(const struct stix_key *key)
{
    struct stix_key stays;
    return stix_id_parse(STR(STIX_MARKING_STAYS_ID), &stays) && stix_key_eq(key, &stays);
}
