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
    struct json_canon_hook hook = {.member = keep_meaning};
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

static bool extension_of(struct json_val root, struct str key, struct json_val *out)
{
    struct json_val extensions;
    return json_get(root, STR("extensions"), &extensions) && json_get(extensions, key, out);
}

/* What the wire object says its level is: in the words of TLP 1.0, of TLP 2.0, or of its name. */
static bool claimed_level(struct json_val root, enum stix_tlp *out)
{
    struct json_val definition, extension;
    struct str level;
    if (json_get(root, STR("definition"), &definition) && json_get_str(definition, STR("tlp"), &level))
        return stix_tlp_from_label(level, out);
    if (extension_of(root, STR(EXT_TLP_2), &extension) && json_get_str(extension, STR("tlp_2_0"), &level))
        return stix_tlp_from_label(level, out);
    return json_get_str(root, STR("name"), &level) && stix_tlp_from_label(level, out);
}

static bool claims_tlp(struct json_val root)
{
    struct json_val extension;
    struct str type;
    if (json_get_str(root, STR("definition_type"), &type) &&
        (str_eq(type, STR("tlp")) || str_eq(type, STR("TLP"))))
        return true;
    return extension_of(root, STR(EXT_TLP_2), &extension);
}

/* A level in words that others may have forged or mistyped: believed when it narrows. */
static void take_claim(struct stix_marking *out, bool claimed, enum stix_tlp level, const char *otherwise)
{
    bool narrow = claimed && level >= STIX_TLP_AMBER;
    out->tlp = narrow ? level : STIX_TLP_NONE;
    out->why = narrow ? "TLP in its own words, believed because it narrows" : otherwise;
}

static void read_fixed(const struct stix_object *object, struct stix_marking *out)
{
    enum stix_tlp claimed = STIX_TLP_NONE;
    out->kind = STIX_MARKING_TLP;
    out->tlp_contradicts = !claimed_level(object->root, &claimed) || claimed != out->tlp;
    out->why = out->tlp_contradicts ? "built in; the definition that came says another level" : "built in";
}

static void read_extension(struct json_val extensions, struct stix_marking *out)
{
    static const struct {
        struct str key;
        enum stix_marking_kind kind;
        void (*read)(struct json_val extension, struct stix_marking *out);
    } known[] = {{{EXT_IEP_2, sizeof EXT_IEP_2 - 1}, STIX_MARKING_IEP, stix_iep_read},
                 {{EXT_ACS_3, sizeof EXT_ACS_3 - 1}, STIX_MARKING_ACS, stix_acs_read}};
    struct str key = only_extension(extensions);
    struct json_val extension;
    out->why = "an extension that bongsu does not read, or several";
    for (size_t i = 0; key.at != NULL && i < sizeof known / sizeof known[0]; i++) {
        if (!str_eq(key, known[i].key) || !json_get(extensions, key, &extension))
            continue;
        out->kind = known[i].kind;
        known[i].read(extension, out);
        return;
    }
}

static void read_words(struct json_val root, struct stix_marking *out)
{
    struct json_val extensions, definition;
    struct str type;
    enum stix_tlp level = STIX_TLP_NONE;
    out->why = "a definition_type that bongsu does not read";
    if (claims_tlp(root)) {
        out->kind = STIX_MARKING_TLP_FOREIGN;
        bool claimed = claimed_level(root, &level);
        take_claim(out, claimed, level, "TLP under an id that is not TLP's (section 7.2.1)");
    } else if (json_get(root, STR("extensions"), &extensions)) {
        read_extension(extensions, out);
    } else if (json_get_str(root, STR("definition_type"), &type) && str_eq(type, STR("statement")) &&
               json_get(root, STR("definition"), &definition) &&
               json_get_str(definition, STR("statement"), &out->statement)) {
        out->kind = STIX_MARKING_STATEMENT;
        bool claimed = stix_tlp_from_label(out->statement, &level);
        take_claim(out, claimed, level, "a statement: an operator classifies it (bongsu marking classify)");
    }
}

err_t stix_marking_read(const struct stix_object *object, struct stix_marking *out, struct fault *fault)
{
    must(object->type->code == STIX_TYPE_MARKING_DEFINITION);
    struct stix_marking marking = {.tlp = STIX_TLP_NONE};
    if (stix_tlp_from_key(&object->key, &marking.tlp))
        read_fixed(object, &marking);
    else
        read_words(object->root, &marking);
    err_t err = digest_meaning(object, &marking.meaning, fault);
    if (err == ERR_OK)
        *out = marking;
    return err;
}

enum stix_tlp stix_marking_tlp_at(const struct stix_marking *marking, struct stamp now)
{
    const struct stix_iep *iep = &marking->iep;
    if (marking->kind == STIX_MARKING_IEP && marking->tlp != STIX_TLP_NONE &&
        (stamp_cmp(now, iep->start) < 0 || (iep->has_end && stamp_cmp(now, iep->end) >= 0)))
        return STIX_TLP_NONE;
    return marking->tlp;
}

int stix_marking_word(struct json_val object, const char *name, const char *const *words)
{
    struct str text;
    if (!json_get_str(object, str_of(name), &text))
        return -1;
    for (int i = 0; words[i] != NULL; i++)
        if (str_eq(text, str_of(words[i])))
            return i;
    return -1;
}

bool stix_marking_stays(const struct stix_key *key)
{
    struct stix_key stays;
    return stix_id_parse(STR(STIX_MARKING_STAYS_ID), &stays) && stix_key_eq(key, &stays);
}
