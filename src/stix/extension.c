/* Reading the definition of an extension, and finding the registered ones. */
#include "stix/extension.h"

#include <stdio.h>

#include "core/uuid.h"
#include "stix/extension_in.h"

/* --- words --- */

static const struct str type_names[STIX_EXTENSION_TYPES] = {
    [STIX_EXTENSION_NEW_SDO] = {"new-sdo", 7},
    [STIX_EXTENSION_NEW_SCO] = {"new-sco", 7},
    [STIX_EXTENSION_NEW_SRO] = {"new-sro", 7},
    [STIX_EXTENSION_PROPERTY] = {"property-extension", 18},
    [STIX_EXTENSION_TOPLEVEL] = {"toplevel-property-extension", 27}};

const char *stix_extension_type_name(enum stix_extension_type type)
{
    return type_names[type].at;
}

bool extension_type_read(struct str word, enum stix_extension_type *out)
{
    for (size_t i = 0; i < STIX_EXTENSION_TYPES; i++)
        if (str_eq(word, type_names[i])) {
            *out = (enum stix_extension_type)i;
            return true;
        }
    return false;
}

static bool uuid_ok(struct str text)
{
    struct uuid uuid;
    return uuid_parse(text, &uuid);
}

static bool time_ok(struct str text)
{
    struct stamp stamp;
    return stamp_parse(text, &stamp, NULL) == ERR_OK;
}

static bool id_ok(struct str text)
{
    struct stix_key key;
    return stix_id_parse(text, &key);
}

/* `ok` NULL: as the standard's own properties of that kind are checked. */
static const struct form {
    struct str word;
    uint8_t kind;
    bool (*ok)(struct str text);
    const char *what;
} forms[] = {
    {{"", 0}, STIX_KIND_STRING, NULL, "text"},
    {{"identifier", 10}, STIX_KIND_REF, id_ok, "an identifier of the form type--UUID"},
    {{"timestamp", 9}, STIX_KIND_TIME, time_ok, "a timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z"},
    {{"uuid", 4}, STIX_KIND_STRING, uuid_ok, "a UUID"},
    {{"hex", 3}, STIX_KIND_HEX, NULL, "lower-case hexadecimal"},
    {{"binary", 6}, STIX_KIND_BINARY, NULL, "base64"},
    {{"language", 8}, STIX_KIND_LANG, NULL, "an RFC 5646 language code"},
    {{"mac-addr", 8}, STIX_KIND_MAC, NULL, "a lower-case, colon-delimited MAC-48 address"},
    {{"url", 3}, STIX_KIND_URL, NULL, "a URL"},
    {{"domain-name", 11}, STIX_KIND_DOMAIN, NULL, "a domain name"},
    {{"email-addr", 10}, STIX_KIND_EMAIL, NULL, "an e-mail address"},
    {{"ipv4-addr", 9}, STIX_KIND_IPV4, NULL, "an IPv4 address or network"},
    {{"ipv6-addr", 9}, STIX_KIND_IPV6, NULL, "an IPv6 address or network"},
    {{"cpe", 3}, STIX_KIND_CPE, NULL, "a CPE of version 2.3"},
    {{"country", 7}, STIX_KIND_COUNTRY, NULL, "an ISO 3166-1 alpha-2 code"},
};

enum { FORM_IDENTIFIER = 1 };

uint8_t extension_form_find(struct str word)
{
    for (uint8_t i = 1; i < sizeof forms / sizeof forms[0]; i++)
        if (str_eq(forms[i].word, word))
            return i;
    return 0;
}

bool extension_form_holds(uint8_t form, struct str text)
{
    if (forms[form].ok != NULL)
        return forms[form].ok(text);
    const struct stix_format *format = stix_format(forms[form].kind);
    return format == NULL || format->ok(text);
}

const char *extension_form_what(uint8_t form)
{
    return forms[form].what;
}

bool extension_form_is_id(uint8_t form)
{
    return form == FORM_IDENTIFIER;
}

/* --- tables --- */

const struct extension_part *extension_part_find(const struct stix_extension *extension,
                                                 enum stix_extension_type type, struct str object_type)
{
    const struct extension_part *any = NULL;
    for (size_t i = 0; i < extension->table->part_count; i++) {
        const struct extension_part *part = &extension->table->parts[i];
        if (part->type != type)
            continue;
        if (str_eq(part->object_type, object_type))
            return part;
        if (part->object_type.len == 0)
            any = part;
    }
    return any;
}

size_t extension_prop_find(const struct extension_table *table, const struct extension_rule *rule,
                           struct str name)
{
    for (size_t i = 0; i < rule->prop_count; i++)
        if (str_eq(table->props[rule->prop + i].name, name))
            return i;
    return SIZE_MAX;
}

/* --- the registered ones --- */

/* Where it stands, or belongs. */
static size_t place(const struct stix_extensions *extensions, const struct stix_key *key, bool *out_held)
{
    size_t low = 0, high = extensions->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (memcmp(extensions->at[mid]->key.b, key->b, STIX_KEY_SIZE) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *out_held = low < extensions->count && stix_key_eq(&extensions->at[low]->key, key);
    return low;
}

const struct stix_extension *stix_extensions_find(const struct stix_extensions *extensions,
                                                  const struct stix_key *key)
{
    bool held;
    if (extensions == NULL)
        return NULL;
    size_t at = place(extensions, key, &held);
    return held ? extensions->at[at] : NULL;
}

err_t stix_extensions_put(struct stix_extensions *extensions, const struct stix_extension *extension)
{
    bool held;
    size_t at = place(extensions, &extension->key, &held);
    if (!held && extensions->count >= LIMIT_EXTENSIONS)
        return ERR_FULL;
    if (!held) {
        memmove(&extensions->at[at + 1], &extensions->at[at],
                (extensions->count - at) * sizeof extensions->at[0]);
        extensions->count++;
    }
    extensions->at[at] = extension;
    return ERR_OK;
}

void stix_extensions_drop(struct stix_extensions *extensions, const struct stix_key *key)
{
    bool held;
    size_t at = place(extensions, key, &held);
    if (!held)
        return;
    extensions->count--;
    memmove(&extensions->at[at], &extensions->at[at + 1],
            (extensions->count - at) * sizeof extensions->at[0]);
}

/* --- reading --- */

struct source {
    struct json_parser *parser;
    struct arena *arena;
    struct fault *fault;
};

static err_t out_of_memory(const struct source *in)
{
    return fault_set(in->fault, ERR_NOMEM, 0, "no memory for the extension");
}

/* Duplicate names have two readings: nobody shall register one of them. */
static err_t parse(const struct source *in, struct bytes text, struct json_doc *doc)
{
    struct buf canon;
    err_t err;
    if (text.len > LIMIT_EXTENSION_BYTES)
        return fault_set(in->fault, ERR_LIMIT, 0, "larger than %u bytes", LIMIT_EXTENSION_BYTES);
    char *copy = arena_zalloc(in->arena, text.len + JSON_PADDING, 1);
    if (copy == NULL)
        return out_of_memory(in);
    if (text.len > 0)
        memcpy(copy, text.at, text.len);
    if (TRY(err, json_parse(in->parser, bytes_of(copy, text.len), doc, in->fault)))
        return err;
    buf_init(&canon, 8 * LIMIT_EXTENSION_BYTES);
    err = json_canon(json_root(doc), NULL, &canon, in->fault);
    if (err == ERR_OK)
        err = buf_err(&canon);
    buf_deinit(&canon);
    return err;
}

static err_t copy(const struct source *in, struct json_val object, struct str name, struct str *out)
{
    struct str text;
    *out = arena_str(in->arena, json_get_str(object, name, &text) ? text : STR(""));
    return out->at == NULL ? out_of_memory(in) : ERR_OK;
}

static err_t read_types(const struct source *in, struct json_val object, struct stix_extension *extension)
{
    struct json_val list, v;
    enum stix_extension_type type;
    if (!json_get(object, STR("extension_types"), &list) || !json_is(list, JSON_ARRAY))
        return fault_set(in->fault, ERR_INVALID, 0, "extension_types is required");
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v))
        if (json_is(v, JSON_STRING) && extension_type_read(json_str(v), &type))
            extension->types |= 1u << type;
    return ERR_OK;
}

static err_t read_properties(const struct source *in, struct json_val object,
                             struct stix_extension *extension)
{
    struct json_val list, v;
    if (!json_get(object, STR("extension_properties"), &list) || !json_is(list, JSON_ARRAY))
        return ERR_OK;
    struct str *names = arena_zalloc(in->arena, json_array_count(list) + 1, sizeof *names);
    if (names == NULL)
        return out_of_memory(in);
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v)) {
        if (!json_is(v, JSON_STRING))
            continue;
        names[extension->property_count] = arena_str(in->arena, json_str(v));
        if (names[extension->property_count++].at == NULL)
            return out_of_memory(in);
    }
    extension->properties = names;
    return ERR_OK;
}

/* What the definition says, without its schema. */
static err_t read_definition(const struct source *in, struct bytes text, struct stix_extension *extension,
                             struct str *out_schema)
{
    struct json_doc doc;
    struct stix_object object;
    err_t err;
    if (TRY(err, parse(in, text, &doc)))
        return err;
    struct json_val root = json_root(&doc);
    struct str type;
    if (!json_is(root, JSON_OBJECT) || !json_get_str(root, STR("type"), &type) ||
        !str_eq(type, STR("extension-definition")))
        return fault_set(in->fault, ERR_NOTFOUND, 0, "it is no extension-definition");
    if (TRY(err, stix_read(root, NULL, in->arena, &object, in->fault)))
        return err;
    extension->key = object.key;
    if (TRY(err, copy(in, root, STR("id"), &extension->id)) ||
        TRY(err, copy(in, root, STR("name"), &extension->name)) ||
        TRY(err, copy(in, root, STR("version"), &extension->version)) ||
        TRY(err, copy(in, root, STR("schema"), out_schema)) || TRY(err, read_types(in, root, extension)))
        return err;
    return read_properties(in, root, extension);
}

/* A URL or a text for people is no schema; nothing is fetched. */
static err_t choose_schema(const struct source *in, struct str given, struct str held, struct str *out)
{
    *out = given.len > 0 ? given : str_trim(held);
    if (out->len == 0 || (given.len == 0 && out->at[0] != '{'))
        return fault_set(in->fault, ERR_UNSUPPORTED, 0,
                         "its schema is no JSON text, and nothing is fetched: give the schema beside it");
    return ERR_OK;
}

/* A fault of the schema's text, under a pointer that says so. */
static err_t in_schema(const struct source *in, err_t err)
{
    char pointer[FAULT_POINTER_MAX];
    if (in->fault == NULL)
        return err;
    (void)snprintf(pointer, sizeof pointer, "schema:%.*s", FAULT_POINTER_MAX - 8, in->fault->pointer);
    memcpy(in->fault->pointer, pointer, sizeof pointer);
    return err;
}

err_t stix_extension_read(struct json_parser *parser, struct bytes definition, struct str schema,
                          struct arena *arena, const struct stix_extension **out, struct fault *fault)
{
    struct source in = {parser, arena, fault};
    struct json_doc doc;
    struct str held, text;
    err_t err;
    struct stix_extension *extension = arena_zalloc(arena, 1, sizeof *extension);
    struct extension_table *table = arena_zalloc(arena, 1, sizeof *table);
    if (extension == NULL || table == NULL)
        return out_of_memory(&in);
    if (TRY(err, read_definition(&in, definition, extension, &held)) ||
        TRY(err, choose_schema(&in, schema, held, &text)))
        return err;
    if (TRY(err, parse(&in, bytes_from_str(text), &doc)))
        return in_schema(&in, err);
    if (TRY(err, extension_table_build(json_root(&doc), extension->types, arena, table, fault)))
        return err;
    extension->rules = table->prop_count;
    extension->table = table;
    *out = extension;
    return ERR_OK;
}

/* --- cutting --- */

struct cut {
    struct json_parser *parser;
    struct bytes text;
    struct json_slice *out;
    size_t count;
    err_t err;
};

static bool is_definition(struct cut *cut, struct json_slice slice, err_t *out_err)
{
    struct json_doc doc;
    struct str type;
    struct buf copy;
    buf_init(&copy, LIMIT_EXTENSION_BYTES + JSON_PADDING);
    buf_put(&copy, cut->text.at + slice.from, slice.len);
    uint8_t *padding = buf_extend(&copy, JSON_PADDING);
    *out_err = buf_err(&copy);
    if (padding != NULL)
        memset(padding, ' ', JSON_PADDING);
    bool is = *out_err == ERR_OK &&
              json_parse(cut->parser, bytes_of(copy.at, slice.len), &doc, NULL) == ERR_OK &&
              json_get_str(json_root(&doc), STR("type"), &type) && str_eq(type, STR("extension-definition"));
    buf_deinit(&copy);
    return is;
}

static bool take_slice(void *ctx, struct json_slice slice)
{
    struct cut *cut = ctx;
    if (slice.len > LIMIT_EXTENSION_BYTES || !is_definition(cut, slice, &cut->err))
        return cut->err == ERR_OK;
    if (cut->count >= LIMIT_EXTENSIONS) {
        cut->err = ERR_FULL;
        return false;
    }
    cut->out[cut->count++] = slice;
    return true;
}

err_t stix_extension_cut(struct json_parser *parser, struct bytes text,
                         struct json_slice out[LIMIT_EXTENSIONS], size_t *out_count, struct fault *fault)
{
    struct cut cut = {parser, text, out, 0, ERR_OK};
    enum json_split_kind kind;
    err_t err = json_split(text, STR("objects"), &kind, take_slice, &cut, fault);
    if (cut.err != ERR_OK)
        return fault_set(fault, cut.err, 0, "%s", err_text(cut.err));
    if (err == ERR_OK)
        *out_count = cut.count;
    return err;
}
