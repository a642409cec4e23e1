#include <stdio.h>

#include "core/uuid.h"
#include "stix/marking.h"
#include "stix/reader.h"
#include "stix/selector.h"

/* The property of the root's shape that stands at `at`; false when it is absent. */
static bool get(const struct stix_reader *r, size_t at, struct json_val *out)
{
    if ((r->frames[0].seen >> at & 1) == 0)
        return false;
    *out = r->values[at];
    return true;
}

static struct str get_text(const struct stix_reader *r, size_t at)
{
    struct json_val v;
    return get(r, at, &v) && json_is(v, JSON_STRING) ? json_str(v) : STR("");
}

/* --- identifiers (section 2.9) --- */

/* Says the id that others will derive. */
static err_t warn_differs(struct stix_reader *r, const uint8_t b[UUID_SIZE])
{
    struct uuid uuid;
    char digits[UUID_TEXT_SIZE], what[128];
    memcpy(uuid.b, b, UUID_SIZE);
    uuid_text(&uuid, digits);
    (void)snprintf(what, sizeof what, "the contributing properties give the id %s--%.*s",
                   r->object->type->name, UUID_TEXT_SIZE, digits);
    struct str text = arena_str(r->arena, str_of(what));
    if (text.at == NULL)
        return stix_refuse(r, ERR_NOMEM, "", "no memory for warnings");
    return stix_warn_at(r, STIX_CAUTION, "2.9", text.at, "/id");
}

static err_t check_sco_id(struct stix_reader *r)
{
    const struct stix_object *object = r->object;
    enum stix_sco_id verdict;
    uint8_t uuid[UUID_SIZE];
    if (r->errors > 0)
        return ERR_OK; /* what is broken derives nothing */
    err_t err = stix_sco_id_check(object, &verdict, uuid);
    if (err == ERR_DUPLICATE_NAME || err == ERR_NUMBER)
        return ERR_OK; /* told by whoever takes the canonical text */
    if (err != ERR_OK)
        return stix_refuse(r, err, "", "the identifier could not be derived");
    bool versioned = object->has_created || object->has_modified || object->revoked || object->has_creator;
    switch (verdict) {
    case STIX_SCO_ID_MATCH:
        return !versioned ? ERR_OK
                          : stix_warn_at(r, STIX_WARNING, "3.6",
                                         "versioned, under an id that every producer derives", "/id");
    case STIX_SCO_ID_DIFFERS:
        return warn_differs(r, uuid);
    case STIX_SCO_ID_NOT_DERIVED:
        return stix_warn_at(r, STIX_REMARK, "2.9", "not derived from the contributing properties", "/id");
    case STIX_SCO_ID_NOTHING_TO_DO:
        return object->key.b[6] >> 4 == 4
                   ? ERR_OK
                   : stix_warn_at(r, STIX_WARNING, "2.9",
                                  "without contributing properties it must be a UUIDv4", "/id");
    }
    return ERR_OK;
}

static err_t check_id(struct stix_reader *r)
{
    const struct stix_object *object = r->object;
    unsigned version = object->key.b[6] >> 4;
    struct stix_key key;
    if (r->errors > 0 && !stix_id_parse(object->id, &key))
        return ERR_OK;
    if ((object->key.b[8] & 0xc0) != 0x80 || version < 1 || version > 8)
        return stix_warn_at(r, STIX_WARNING, "2.9", "the UUID has no RFC 4122 version or variant", "/id");
    if (object->type->category == STIX_SCO)
        return check_sco_id(r);
    if (version != 4 && object->type->category != STIX_CUSTOM)
        return stix_warn_at(r, STIX_REMARK, "2.9", "not a UUIDv4", "/id");
    return ERR_OK;
}

/* --- granular markings (section 7.2.3) --- */

static err_t refuse_selector(struct stix_reader *r, const struct stix_granular *granular, size_t steps)
{
    (void)snprintf(r->tail, sizeof r->tail, "/granular_markings/%zu/selectors/%zu", granular->entry,
                   granular->at);
    err_t err = steps == 0 ? stix_refuse(r, ERR_LIMIT, "7.2.3", "the selectors are too many to look up")
                           : stix_refuse(r, ERR_INVALID, "7.2.3",
                                         "the selector \"%.*s\" selects nothing in this object",
                                         STR_ARG(stix_shown(granular->selector)));
    r->tail[0] = '\0';
    return err;
}

/* Only behind markings that are well formed. */
static err_t check_granular_markings(struct stix_reader *r)
{
    struct stix_granular granular;
    err_t err;
    if (!r->object->has_granular_markings || r->errors > 0)
        return ERR_OK;
    struct stix_granular_iter iter = stix_granular_iter(r->object);
    while (stix_granular_next(&iter, &granular)) {
        if (!granular.resolved && TRY(err, refuse_selector(r, &granular, iter.steps)))
            return err;
        if (iter.steps == 0)
            break;
    }
    return ERR_OK;
}

/* --- one type each --- */

/* Sections 7.3.2 and 11.2.1: an object of a type that the standard does not define. */
static err_t check_custom(struct stix_reader *r)
{
    const struct stix_object *object = r->object;
    uint32_t times = UINT32_C(1) << STIX_SLOT_CREATED | UINT32_C(1) << STIX_SLOT_MODIFIED;
    uint32_t seen = r->common_seen & times;
    bool extended = stix_is_extended(r);
    const char *section = extended ? "7.3.2" : "11.2.1";
    err_t err = ERR_OK;
    if (object->type_name.len > 0 && object->type_name.at[0] < 'a')
        err = stix_warn_at(r, STIX_WARNING, "3.1", "a type's name does not begin with a letter", "/type");
    if (err == ERR_OK && r->custom == 0)
        err = stix_warn(r, STIX_WARNING, section, "a custom object without a property of its own");
    if (err == ERR_OK && seen != 0 && seen != times)
        err = stix_warn(r, STIX_WARNING, section, "a custom object with one of created and modified");
    if (err == ERR_OK && !extended && !str_starts(object->type_name, STR("x-")))
        err = stix_warn_at(r, STIX_REMARK, "11.2.1", "a custom type whose name does not begin with x-",
                           "/type");
    if (err == ERR_OK && !extended && r->thorough)
        err = stix_check_custom_type_should(r, object->type_name);
    return err;
}

struct naming {
    struct str source, prefix;
    size_t digits_min; /* of each number behind the prefix; they are parted by hyphens */
    size_t numbers;
    const char *section, *what;
};

static bool names_well(const struct naming *naming, struct str id)
{
    if (!str_starts(id, naming->prefix))
        return false;
    struct str rest = {id.at + naming->prefix.len, id.len - naming->prefix.len};
    for (size_t i = 0; i < naming->numbers; i++) {
        struct str number = str_cut(&rest, '-');
        if (number.len < (i + 1 == naming->numbers ? naming->digits_min : 4))
            return false;
        for (size_t k = 0; k < number.len; k++)
            if (number.at[k] < '0' || number.at[k] > '9')
                return false;
    }
    return rest.at == NULL;
}

/* External references that sections 4.1.1 and 4.19.1 give a form. */
static err_t check_naming(struct stix_reader *r, const struct naming *naming)
{
    struct json_val list, reference;
    struct str source, id;
    err_t err;
    if (!json_get(r->object->root, STR("external_references"), &list) || !json_is(list, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(list);
    for (size_t i = 0; json_array_next(&iter, &reference); i++) {
        if (!json_get_str(reference, STR("source_name"), &source) || !str_eq(source, naming->source) ||
            !json_get_str(reference, STR("external_id"), &id) || names_well(naming, id))
            continue;
        if (TRY(err, stix_warn_at(r, STIX_WARNING, naming->section, naming->what,
                                  "/external_references/%zu/external_id", i)))
            return err;
    }
    return ERR_OK;
}

static err_t check_attack_pattern(struct stix_reader *r)
{
    static const struct naming capec = {
        {"capec", 5}, {"CAPEC-", 6}, 1, 1, "4.1.1", "a CAPEC id is not of the form CAPEC-number"};
    return check_naming(r, &capec);
}

static err_t check_vulnerability(struct stix_reader *r)
{
    static const struct naming cve = {{"cve", 3}, {"CVE-", 4}, 4,
                                      2,          "4.19.1",    "a CVE id is not of the form CVE-year-number"};
    return check_naming(r, &cve);
}

static err_t check_observed_data(struct stix_reader *r)
{
    struct json_val list, id;
    if (!get(r, STIX_AT(observed_data, object_refs), &list) || !json_is(list, JSON_ARRAY))
        return ERR_OK;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &id)) {
        enum stix_category category =
            json_is(id, JSON_STRING) ? stix_type_find(stix_id_type(json_str(id)))->category : STIX_CUSTOM;
        if (category == STIX_SCO || category == STIX_CUSTOM)
            return ERR_OK;
    }
    return stix_warn_at(r, STIX_WARNING, "4.14.1", "object_refs refers to no cyber-observable object",
                        "/object_refs");
}

static err_t check_relationship(struct stix_reader *r)
{
    struct str verb = get_text(r, STIX_AT(relationship, relationship_type));
    struct str source = get_text(r, STIX_AT(relationship, source_ref));
    struct str target = get_text(r, STIX_AT(relationship, target_ref));
    if (stix_relation_known(stix_type_find(stix_id_type(source)), verb, stix_type_find(stix_id_type(target))))
        return ERR_OK;
    return stix_warn_at(r, STIX_REMARK, "5.1.2",
                        "the standard defines no such relationship of these two types", "/relationship_type");
}

/* Section 7.1.1: what can be said without the object that is translated. */
static err_t check_language_content(struct stix_reader *r)
{
    struct json_val contents, texts, v;
    struct str lang, name;
    err_t err;
    if (!get(r, STIX_AT(language_content, contents), &contents) || !json_is(contents, JSON_OBJECT))
        return ERR_OK;
    struct json_iter langs = json_object_iter(contents);
    while (json_object_next(&langs, &lang, &texts)) {
        struct json_iter iter =
            json_is(texts, JSON_OBJECT) ? json_object_iter(texts) : (struct json_iter) {0};
        while (iter.doc != NULL && json_object_next(&iter, &name, &v)) {
            enum json_type type = json_type(v);
            if (type == JSON_STRING || type == JSON_ARRAY || type == JSON_OBJECT || type == JSON_NULL)
                continue; /* null was told before */
            if (TRY(err, stix_warn_at(
                             r, STIX_WARNING, "7.1.1", "a translation is text, or a list or object of it",
                             "/contents/%.*s/%.*s", STR_ARG(stix_shown(lang)), STR_ARG(stix_shown(name)))))
                return err;
        }
    }
    return ERR_OK;
}

/* --- marking definitions (section 7.2.1) --- */

static bool is_fixed_tlp(const struct stix_reader *r, enum stix_tlp level, struct str name)
{
    static const struct {
        struct str name;
        enum stix_tlp level;
    } fixed[] = {{{"TLP:WHITE", 9}, STIX_TLP_CLEAR},
                 {{"TLP:GREEN", 9}, STIX_TLP_GREEN},
                 {{"TLP:AMBER", 9}, STIX_TLP_AMBER},
                 {{"TLP:RED", 7}, STIX_TLP_RED}};
    struct str created;
    if (!json_get_str(r->object->root, STR("created"), &created) ||
        !str_eq(created, STR("2017-01-20T00:00:00.000Z")))
        return false;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (fixed[i].level == level)
            return str_eq(name, fixed[i].name);
    return false;
}

/* TLP is the four definitions of the standard: no other may claim it, and they may not be altered. */
static err_t check_tlp(struct stix_reader *r, struct json_val definition)
{
    enum stix_tlp stated, meant;
    struct str word;
    if (!json_get_str(definition, STR("tlp"), &word))
        return stix_warn_at(r, STIX_WARNING, "7.2.1.4", "a TLP marking without definition.tlp",
                            "/definition");
    if (!stix_tlp_from_key(&r->object->key, &meant))
        return stix_warn_at(r, STIX_WARNING, "7.2.1.4", "a TLP marking under an id that is not TLP's", "/id");
    if (!stix_tlp_from_name(word, &stated) || stated != meant ||
        !is_fixed_tlp(r, meant, get_text(r, STIX_AT(marking_definition, name))))
        return stix_warn_at(r, STIX_WARNING, "7.2.1.4", "an altered copy of a fixed TLP marking",
                            "/definition");
    return ERR_OK;
}

static err_t check_marking_definition(struct stix_reader *r)
{
    struct json_val definition;
    struct str text, type = get_text(r, STIX_AT(marking_definition, definition_type));
    bool has = get(r, STIX_AT(marking_definition, definition), &definition);
    enum stix_tlp meant;
    if (has && str_eq(type, STR("tlp")))
        return check_tlp(r, definition);
    if (has && str_eq(type, STR("statement")))
        return json_get_str(definition, STR("statement"), &text)
                   ? ERR_OK
                   : stix_warn_at(r, STIX_WARNING, "7.2.1.3",
                                  "a statement marking without definition.statement", "/definition");
    if (has && stix_tlp_from_key(&r->object->key, &meant))
        return stix_warn_at(r, STIX_WARNING, "7.2.1.4", "an altered copy of a fixed TLP marking",
                            "/definition");
    if (type.len > 0)
        return stix_warn_at(r, STIX_REMARK, "7.2.1", "a definition_type other than statement and tlp",
                            "/definition_type");
    return ERR_OK;
}

/* --- extension definitions (section 7.3.1) --- */

static bool list_has(struct json_val list, struct str word)
{
    struct json_val v;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v))
        if (json_is(v, JSON_STRING) && str_eq(json_str(v), word))
            return true;
    return false;
}

static err_t check_extension_properties(struct stix_reader *r, struct json_val list)
{
    struct json_val v;
    err_t err;
    struct json_iter iter = json_array_iter(list);
    for (size_t i = 0; json_array_next(&iter, &v); i++)
        if (json_is(v, JSON_STRING) && stix_prop_common(json_str(v)) != NULL &&
            TRY(err,
                stix_warn_at(r, STIX_WARNING, "7.3", "an extension adds a property that the standard has",
                             "/extension_properties/%zu", i)))
            return err;
    return ERR_OK;
}

static err_t check_extension_definition(struct stix_reader *r)
{
    struct json_val types, names;
    err_t err;
    if (!get(r, STIX_AT(extension_definition, extension_types), &types) || !json_is(types, JSON_ARRAY))
        return ERR_OK;
    bool has = get(r, STIX_AT(extension_definition, extension_properties), &names);
    bool top = list_has(types, STR("toplevel-property-extension"));
    if (top && !has)
        return stix_warn(r, STIX_REMARK, "7.3.1",
                         "extension_properties does not say what is added at the top");
    if (!has || !json_is(names, JSON_ARRAY))
        return ERR_OK;
    if (!top && TRY(err, stix_warn_at(r, STIX_WARNING, "7.3.1",
                                      "extension_properties is for toplevel-property-extension alone",
                                      "/extension_properties")))
        return err;
    return check_extension_properties(r, names);
}

static err_t (*const of_type[STIX_TYPE_COUNT])(struct stix_reader *r) = {
    [STIX_TYPE_UNKNOWN] = check_custom,
    [STIX_TYPE_ATTACK_PATTERN] = check_attack_pattern,
    [STIX_TYPE_INDICATOR] = stix_check_indicator,
    [STIX_TYPE_VULNERABILITY] = check_vulnerability,
    [STIX_TYPE_OBSERVED_DATA] = check_observed_data,
    [STIX_TYPE_RELATIONSHIP] = check_relationship,
    [STIX_TYPE_LANGUAGE_CONTENT] = check_language_content,
    [STIX_TYPE_MARKING_DEFINITION] = check_marking_definition,
    [STIX_TYPE_EXTENSION_DEFINITION] = check_extension_definition,
};

err_t stix_check_whole(struct stix_reader *r)
{
    err_t (*const check)(struct stix_reader *) = of_type[r->object->type->code];
    err_t err;
    if (TRY(err, check_id(r)) || TRY(err, check_granular_markings(r)))
        return err;
    if (check != NULL && TRY(err, check(r)))
        return err;
    return (r->common_seen >> STIX_SLOT_EXTENSIONS & 1) != 0 ? stix_extensions_check(r) : ERR_OK;
}
