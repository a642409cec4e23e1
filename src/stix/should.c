/* SHOULDs that are told to people alone: `stix_lint` asks them at the end of each object of a shape. Intake
 * asks none of them, as nothing that it does depends on them. Those that cost it nothing stand with the rules
 * they belong to: check.c, rule.c, custom.c. */
#include "stix/reader.h"

/* --- values and keys --- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return str_lower(c) >= 'a' && str_lower(c) <= 'z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool has(struct str text, bool (*of)(char c))
{
    for (size_t i = 0; i < text.len; i++)
        if (of(text.at[i]))
            return true;
    return false;
}

bool stix_is_lower(struct str text)
{
    return !has(text, is_upper);
}

/* ISO 3166-2: the code of a country, a hyphen, one to three letters or digits. Which of them are given is not
 * looked at: they change every year. */
static bool area_ok(struct str text, size_t beside)
{
    struct str rest = text;
    struct str country = str_cut(&rest, '-');
    (void)beside;
    if (!stix_format(STIX_KIND_COUNTRY)->ok(country) || rest.len < 1 || rest.len > 3)
        return false;
    for (size_t i = 0; i < rest.len; i++)
        if (!is_letter(rest.at[i]) && !is_digit(rest.at[i]))
            return false;
    return true;
}

/* The tagId alone, not the tag that has it. */
static bool swid_ok(struct str text, size_t beside)
{
    (void)beside;
    return text.len == 0 || text.at[0] != '<';
}

/* Hives are named in capitals; of the keys below, only who saw them knows. */
static bool hive_ok(struct str text, size_t beside)
{
    struct str rest = text;
    struct str hive = str_cut(&rest, '\\');
    (void)beside;
    return hive.len < 5 || !str_same((struct str) {hive.at, 5}, STR("HKEY_")) || !has(hive, is_lower);
}

/* Keys of the deprecated container count from 0, without a gap. */
static bool place_ok(struct str key, size_t beside)
{
    uint64_t number;
    return str_to_u64(key, UINT32_MAX, &number) && number < beside && (key.len == 1 || key.at[0] != '0');
}

/* ISO 32000 names nine entries; others may have any name, without the slash of the syntax. */
static bool pdf_entry_ok(struct str key, size_t beside)
{
    static const struct str entries[] = {{"Title", 5},    {"Author", 6},        {"Subject", 7},
                                         {"Keywords", 8}, {"Creator", 7},       {"Producer", 8},
                                         {"Trapped", 7},  {"CreationDate", 12}, {"ModDate", 7}};
    (void)beside;
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++)
        if (str_same(key, entries[i]) && !str_eq(key, entries[i]))
            return false;
    return key.len == 0 || key.at[0] != '/';
}

/* Options of sockets are constants of C, in capitals. */
static bool option_ok(struct str key, size_t beside)
{
    (void)beside;
    return !has(key, is_lower);
}

/* Elements of IPFIX (RFC 7012 section 2.3): words run together, capitals begin all but the first. */
static bool element_ok(struct str key, size_t beside)
{
    (void)beside;
    for (size_t i = 0; i < key.len; i++)
        if (!is_letter(key.at[i]) && !is_digit(key.at[i]))
            return false;
    return has(key, is_lower);
}

struct wish {
    uint8_t shape, at; /* which property */
    bool keys;         /* asked of each key of a dictionary, else of the text */
    /* `beside`: how many keys there are. */
    bool (*ok)(struct str text, size_t beside);
    const char *section; /* NULL: that of the shape */
    const char *what;
};

#define OF(shape, prop) STIX_SHAPE_##shape, STIX_AT(shape, prop)
static const struct wish wishes[] = {
    {OF(location, administrative_area), false, area_ok, NULL, "not a code of the form of ISO 3166-2"},
    {OF(observed_data, objects), true, place_ok, "2.9", "the keys are not 0 and the numbers after it"},
    {OF(pdf_ext, document_info_dict), true, pdf_entry_ok, NULL,
     "not written as the entry of the document information dictionary"},
    {OF(network_traffic, ipfix), true, element_ok, NULL, "not written as an element of IPFIX"},
    {OF(socket_ext, options), true, option_ok, NULL, "not written as the option of a socket"},
    {OF(software, swid), false, swid_ok, NULL, "a SWID tag instead of its tagId"},
    {OF(windows_registry_key, key), false, hive_ok, NULL, "the hive is not written in its capitals"},
};

/* --- telling --- */

/* About a member of the object that ends, or about a member `key` of that one. */
static err_t tell(struct stix_reader *r, struct str name, struct str key, const char *section,
                  const char *what)
{
    struct stix_frame *frame = &r->frames[r->depth - 1];
    size_t depth = r->depth;
    frame->name = name;
    if (key.at != NULL && depth < LIMIT_JSON_DEPTH) {
        r->frames[depth].array = false;
        r->frames[depth].name = key;
        r->depth++;
    }
    err_t err = stix_warn(r, STIX_REMARK, section, what);
    r->depth = depth;
    frame->name = (struct str) {NULL, 0};
    return err;
}

static const struct str no_key = {NULL, 0};

static struct str name_at(const struct stix_frame *frame, size_t at)
{
    const struct stix_prop *prop = &frame->shape->props[at];
    return (struct str) {prop->name, prop->len};
}

static bool get(const struct stix_frame *frame, size_t at, enum json_type type, struct json_val *out)
{
    return (frame->seen >> at & 1) != 0 && json_get(frame->value, name_at(frame, at), out) &&
           json_is(*out, type);
}

/* --- rows --- */

static err_t ask_keys(struct stix_reader *r, const struct stix_frame *frame, const struct wish *wish,
                      const char *section)
{
    struct json_val dictionary, v;
    struct str key;
    size_t count = 0;
    err_t err;
    if (!get(frame, wish->at, JSON_OBJECT, &dictionary))
        return ERR_OK;
    struct json_iter iter = json_object_iter(dictionary);
    while (json_object_next(&iter, &key, &v))
        count++;
    iter = json_object_iter(dictionary);
    while (json_object_next(&iter, &key, &v))
        if (!wish->ok(key, count) && TRY(err, tell(r, name_at(frame, wish->at), key, section, wish->what)))
            return err;
    return ERR_OK;
}

static err_t ask_text(struct stix_reader *r, const struct stix_frame *frame, const struct wish *wish,
                      const char *section)
{
    struct json_val v;
    return !get(frame, wish->at, JSON_STRING, &v) || wish->ok(json_str(v), 0)
               ? ERR_OK
               : tell(r, name_at(frame, wish->at), no_key, section, wish->what);
}

static err_t ask_rows(struct stix_reader *r, const struct stix_frame *frame)
{
    err_t err;
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++) {
        const struct wish *wish = &wishes[i];
        if (frame->shape != stix_shape((enum stix_shape_code)wish->shape))
            continue;
        const char *section = wish->section != NULL ? wish->section : frame->shape->section;
        if (TRY(err, wish->keys ? ask_keys(r, frame, wish, section) : ask_text(r, frame, wish, section)))
            return err;
    }
    return ERR_OK;
}

/* --- hashes, wherever they stand (section 2.7) --- */

static err_t ask_hashes(struct stix_reader *r, const struct stix_frame *frame)
{
    struct json_val hashes, v;
    err_t err;
    for (size_t i = 0; i < frame->shape->count; i++)
        if (frame->shape->props[i].kind == STIX_KIND_HASHES && get(frame, i, JSON_OBJECT, &hashes) &&
            !json_get(hashes, STR("SHA-256"), &v) &&
            TRY(err, tell(r, name_at(frame, i), no_key, "2.7", "no SHA-256 among the hashes")))
            return err;
    return ERR_OK;
}

/* --- the language of text (section 3.2) --- */

static err_t ask_lang(struct stix_reader *r, const struct stix_frame *frame)
{
    static const struct str texts[] = {{"name", 4},     {"description", 11}, {"content", 7},
                                       {"abstract", 8}, {"explanation", 11}, {"objective", 9}};
    uint32_t lang = UINT32_C(1) << STIX_SLOT_LANG;
    struct json_val v;
    if (r->object->type->category == STIX_SCO ||
        ((stix_common_excluded(r->object->type) | r->common_seen) & lang) != 0)
        return ERR_OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (json_get(frame->value, texts[i], &v) && json_is(v, JSON_STRING))
            return stix_warn(r, STIX_REMARK, "3.2", "text, and no lang that says its language");
    return ERR_OK;
}

/* --- the protocols that extensions are of (section 6.12.1) --- */

/* Some element holds the word: http is in https, icmp in ipv6-icmp. */
static bool lists(struct json_val list, struct str word)
{
    struct json_val v;
    struct json_iter iter = json_array_iter(list);
    while (json_array_next(&iter, &v)) {
        struct str text = json_is(v, JSON_STRING) ? json_str(v) : STR("");
        for (size_t i = 0; i + word.len <= text.len; i++)
            if (str_same((struct str) {text.at + i, word.len}, word))
                return true;
    }
    return false;
}

static err_t ask_protocols(struct stix_reader *r, const struct stix_frame *frame)
{
    static const struct {
        struct str extension, protocol;
        const char *what;
    } rows[] = {
        {{"http-request-ext", 16}, {"http", 4}, "http-request-ext, and no http among the protocols"},
        {{"icmp-ext", 8}, {"icmp", 4}, "icmp-ext, and no icmp among the protocols"},
        {{"tcp-ext", 7}, {"tcp", 3}, "tcp-ext, and no tcp among the protocols"},
    };
    size_t at = STIX_AT(network_traffic, protocols);
    struct json_val protocols, extensions, v;
    err_t err;
    if (frame->shape != stix_shape(STIX_SHAPE_network_traffic) || !get(frame, at, JSON_ARRAY, &protocols) ||
        !json_get(frame->value, STR("extensions"), &extensions) || !json_is(extensions, JSON_OBJECT))
        return ERR_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (json_get(extensions, rows[i].extension, &v) && !lists(protocols, rows[i].protocol) &&
            TRY(err, tell(r, name_at(frame, at), no_key, frame->shape->section, rows[i].what)))
            return err;
    return ERR_OK;
}

err_t stix_check_should(struct stix_reader *r, const struct stix_frame *frame)
{
    err_t err;
    if (TRY(err, ask_rows(r, frame)) || TRY(err, ask_hashes(r, frame)) || TRY(err, ask_protocols(r, frame)))
        return err;
    return r->depth == 1 ? ask_lang(r, frame) : ERR_OK;
}

/* --- names that say whose they are (section 11) --- */

bool stix_names_source(struct str name, char parting)
{
    if (name.len < 2 || name.at[0] != 'x' || name.at[1] != parting)
        return false;
    for (size_t i = 3; i + 1 < name.len; i++)
        if (name.at[i] == parting)
            return true;
    return false;
}

static bool is_nested(struct json_val v)
{
    struct json_val first;
    struct json_iter iter;
    if (!json_is(v, JSON_ARRAY))
        return json_is(v, JSON_OBJECT);
    iter = json_array_iter(v);
    return json_array_next(&iter, &first) && (json_is(first, JSON_OBJECT) || json_is(first, JSON_ARRAY));
}

err_t stix_check_custom_should(struct stix_reader *r, struct str name, struct json_val v)
{
    err_t err;
    bool first = !r->custom_told; /* one extension mends them all */
    r->custom_told = true;
    if (first && TRY(err, stix_warn(r, STIX_REMARK, "11.1", "a custom property that no extension adds")))
        return err;
    if (str_starts(name, STR("x_")) && !stix_names_source(name, '_') &&
        TRY(err, stix_warn(r, STIX_REMARK, "11.1.1", "its name is not x_, whose it is, _ and what it is")))
        return err;
    if (r->object->type->category == STIX_SCO && is_nested(v))
        return stix_warn(r, STIX_REMARK, "11", "properties in each other are for an extension");
    return ERR_OK;
}

err_t stix_check_custom_extension_should(struct stix_reader *r, struct str name)
{
    err_t err;
    struct str stem = str_ends(name, STR("-ext")) ? (struct str) {name.at, name.len - 4} : name;
    if (TRY(err,
            stix_warn(r, STIX_REMARK, "11.3", "a custom extension that no extension definition defines")))
        return err;
    if (str_starts(name, STR("x-")) && !stix_names_source(stem, '-'))
        return stix_warn(r, STIX_REMARK, "11.3.1", "its name is not x-, whose it is, - and what it is");
    return ERR_OK;
}

err_t stix_check_custom_type_should(struct stix_reader *r, struct str name)
{
    err_t err;
    if (TRY(err, stix_warn_at(r, STIX_REMARK, "11.2", "a custom object that no extension makes", "/type")))
        return err;
    if (str_starts(name, STR("x-")) && !stix_names_source(name, '-'))
        return stix_warn_at(r, STIX_REMARK, "11.2.1", "its type is not x-, whose it is, - and what it is",
                            "/type");
    return ERR_OK;
}
