/* Properties and extensions that the standard does not define (sections 3.1, 7.3, 11). */
#include "stix/reader.h"

/* Section 3.1: the end of a name says what the value is. NULL when it does. */
static const char *check_suffix(struct str name, struct json_val v, const char **out_section)
{
    struct stix_key key;
    struct json_iter iter;
    bool text = json_is(v, JSON_STRING);
    *out_section = "3.1";
    if (text && !str_ends(name, STR("_ref")) && stix_id_read(json_str(v), &key) != NULL)
        return "holds an identifier, and its name does not end in _ref";
    if (json_is(v, JSON_ARRAY) && !str_ends(name, STR("_refs"))) {
        iter = json_array_iter(v);
        if (json_array_next(&iter, &v) && json_is(v, JSON_STRING) && stix_id_read(json_str(v), &key) != NULL)
            return "holds identifiers, and its name does not end in _refs";
    }
    if (!text)
        return NULL;
    if (str_ends(name, STR("_ref")) && stix_id_read(json_str(v), &key) == NULL)
        return "its name ends in _ref, and it holds no identifier";
    *out_section = "2.8";
    if (str_ends(name, STR("_hex")) && !stix_check_hex(json_str(v)))
        return "its name ends in _hex, and it holds no lower-case hexadecimal";
    *out_section = "2.1";
    if (str_ends(name, STR("_bin")) && !stix_check_base64(json_str(v)))
        return "its name ends in _bin, and it holds no base64";
    return NULL;
}

static bool is_reserved(struct str name)
{
    static const struct str reserved[] = {
        {"severity", 8}, {"username", 8}, {"phone_number", 12}, {"action", 6}};
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (str_eq(name, reserved[i]))
            return true;
    return false;
}

/* Sections 3.1 and 3.9.1. */
static err_t check_encoding(struct stix_reader *r, struct str name, struct json_val v)
{
    struct json_val base;
    if (!json_get(r->object->root, (struct str) {name.at, name.len - 4}, &base))
        return stix_warn(r, STIX_WARNING, "3.1", "an encoding without the property that it belongs to");
    return !json_is(v, JSON_STRING) || stix_check_charset(json_str(v))
               ? ERR_OK
               : stix_warn(r, STIX_WARNING, "3.9.1", "not the name of an IANA character set");
}

/* Sections 3.1, 3.8 and 11.1.1: the name of a property of the root that the standard does not know. */
err_t stix_check_custom(struct stix_reader *r, struct str name, struct json_val v)
{
    err_t err = ERR_OK;
    const char *section;
    r->custom++;
    const char *what = check_suffix(name, v, &section);
    if (what != NULL && TRY(err, stix_warn(r, STIX_WARNING, section, what)))
        return err;
    if (stix_extensions_name(r, name))
        return ERR_OK; /* its form was checked when the extension was registered */
    if (is_reserved(name))
        return stix_warn(r, STIX_WARNING, "3.8", "a reserved name");
    if (!stix_check_custom_name(name))
        return stix_warn(r, STIX_WARNING, "11.1.1",
                         "a custom property's name is not a-z, 0-9 and _, 3 to 250");
    if (name.at[0] < 'a')
        return stix_warn(r, STIX_WARNING, "3.1", "a property's name does not begin with a letter");
    if (str_ends(name, STR("_enc")))
        return check_encoding(r, name, v);
    if (r->object->type->code == STIX_TYPE_UNKNOWN || r->extended_freely)
        return ERR_OK;
    if (!str_starts(name, STR("x_")))
        err = stix_warn(r, STIX_REMARK, "11.1.1", "a custom property whose name does not begin with x_");
    return err == ERR_OK && r->thorough ? stix_check_custom_should(r, name, v) : err;
}

/* --- extensions --- */

static bool ext_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Section 11.3: an extension under a name of its own. */
static err_t check_custom_extension(struct stix_reader *r, struct str name, struct json_val v)
{
    err_t err = ERR_OK;
    enum stix_category category = r->object->type->category;
    struct json_iter iter = json_object_iter(v);
    struct str member;
    size_t count = 0;
    bool good = name.len >= 3 && name.len <= 250 && str_ends(name, STR("-ext"));
    for (size_t i = 0; good && i < name.len; i++)
        good = ext_char(name.at[i]);
    if (!good && TRY(err, stix_warn(r, STIX_WARNING, "11.3.1",
                                    "a custom extension's name is not a-z, 0-9 and -, 3 to 250, with -ext")))
        return err;
    if (category != STIX_SCO && category != STIX_CUSTOM &&
        TRY(err, stix_warn(r, STIX_WARNING, "11.3", "a custom extension outside a cyber-observable object")))
        return err;
    if (!str_starts(name, STR("x-")) &&
        TRY(err, stix_warn(r, STIX_REMARK, "11.3.1", "a custom extension's name does not begin with x-")))
        return err;
    if (r->thorough && TRY(err, stix_check_custom_extension_should(r, name)))
        return err;
    for (; json_object_next(&iter, &member, &v); count++)
        if (!stix_check_custom_name(member))
            return stix_warn(r, STIX_WARNING, "11.3.1", "a property's name is not a-z, 0-9 and _, 3 to 250");
    return count > 0 ? ERR_OK : stix_warn(r, STIX_WARNING, "11.3.1", "a custom extension without properties");
}

/* Section 7.3: what stands under the id of an extension definition. */
err_t stix_check_defined_extension(struct stix_reader *r, struct json_val v)
{
    struct str kind, name;
    struct json_val value;
    if (!json_get_str(v, STR("extension_type"), &kind))
        return stix_warn(r, STIX_WARNING, "3.2", "extension_type is missing");
    if (str_starts(kind, STR("new-")) && r->object->type->code != STIX_TYPE_UNKNOWN)
        return stix_warn(r, STIX_WARNING, "7.3", "an extension makes a new type of a standard one");
    struct json_iter iter = json_object_iter(v);
    while (json_object_next(&iter, &name, &value))
        if (!stix_check_custom_name(name))
            return stix_warn(r, STIX_WARNING, "7.3.2", "a property's name is not a-z, 0-9 and _, 3 to 250");
    return ERR_OK;
}

err_t stix_check_named_extension(struct stix_reader *r, const struct stix_shape *shape, struct str name,
                                 struct json_val v)
{
    if (shape == NULL)
        return check_custom_extension(r, name, v);
    const struct stix_frame *owner = &r->frames[r->depth - 2];
    if (owner->shape == stix_shape_of_type(stix_extension_owner(shape)) ||
        r->object->type->code == STIX_TYPE_UNKNOWN)
        return ERR_OK;
    return stix_warn(r, STIX_WARNING, shape->section, "a predefined extension of another type");
}
