#include "stix/shape.h"

enum { NAME_LEN_MAX = 250, NAME_LEN_MIN = 3 };

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool alnum(char c)
{
    return digit(c) || lower(c) || (c >= 'A' && c <= 'Z');
}

static bool lower_hex(char c)
{
    return digit(c) || (c >= 'a' && c <= 'f');
}

static bool any_hex(char c)
{
    return lower_hex(c) || (c >= 'A' && c <= 'F');
}

static bool all(struct str text, bool (*of)(char c))
{
    for (size_t i = 0; i < text.len; i++)
        if (!of(text.at[i]))
            return false;
    return true;
}

static bool key_char(char c)
{
    return alnum(c) || c == '-' || c == '_';
}

static bool custom_char(char c)
{
    return lower(c) || digit(c) || c == '_';
}

bool stix_check_key(struct str key)
{
    return key.len > 0 && key.len <= NAME_LEN_MAX && all(key, key_char);
}

bool stix_check_custom_name(struct str name)
{
    return name.len >= NAME_LEN_MIN && name.len <= NAME_LEN_MAX && all(name, custom_char);
}

/* RFC 5646 section 2.1, the shape alone: subtags of 1 to 8 letters or digits; the registry is not consulted.
 */
bool stix_check_lang(struct str tag)
{
    struct str rest = tag;
    if (tag.len == 0 || tag.at[tag.len - 1] == '-')
        return false;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '-');
        if (part.len == 0 || part.len > 8 || !all(part, alnum))
            return false;
    }
    return true;
}

/* Section 7.2.3: names or keys and "[n]", separated by dots, a name first. */
static bool selector_ok(struct str selector)
{
    struct str rest = selector;
    if (selector.len == 0 || selector.at[0] == '[' || selector.at[selector.len - 1] == '.')
        return false;
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '.');
        if (part.len > 2 && part.at[0] == '[' && part.at[part.len - 1] == ']') {
            if (!all((struct str) {part.at + 1, part.len - 2}, digit))
                return false;
        } else if (part.len == 0 || !all(part, key_char)) {
            return false;
        }
    }
    return true;
}

/* RFC 4648 section 4 with padding; nothing is decoded. */
static bool base64_ok(struct str text)
{
    if (text.len % 4 != 0)
        return false;
    size_t pad = 0;
    while (pad < 2 && pad < text.len && text.at[text.len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < text.len - pad; i++)
        if (!alnum(text.at[i]) && text.at[i] != '+' && text.at[i] != '/')
            return false;
    return true;
}

static bool mac_ok(struct str text)
{
    static const char shape[] = "hh:hh:hh:hh:hh:hh";
    if (text.len != sizeof shape - 1)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (shape[i] == 'h' ? !lower_hex(text.at[i]) : text.at[i] != ':')
            return false;
    return true;
}

const char *stix_check_text(const struct stix_prop *prop, struct str text, const char **out_section)
{
    struct stamp stamp;
    switch (prop->kind) {
    case STIX_KIND_TIME:
        *out_section = "2.16";
        return stamp_parse(text, &stamp, NULL) == ERR_OK ? NULL : "is no timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z";
    case STIX_KIND_ENUM:
        *out_section = "2.4";
        return stix_enum_has(prop->bound, text) ? NULL : "is not a term of its enumeration";
    case STIX_KIND_HEX:
        *out_section = "2.8";
        return text.len % 2 == 0 && all(text, lower_hex) ? NULL : "is not lower-case hexadecimal";
    case STIX_KIND_BINARY:
        *out_section = "2.1";
        return base64_ok(text) ? NULL : "is not base64";
    case STIX_KIND_LANG:
        *out_section = "3.2";
        return stix_check_lang(text) ? NULL : "is no RFC 5646 language code";
    case STIX_KIND_SELECTOR:
        *out_section = "7.2.3";
        return selector_ok(text) ? NULL : "is no selector";
    case STIX_KIND_MAC:
        *out_section = "6.10.1";
        return mac_ok(text) ? NULL : "is not a lower-case, colon-delimited MAC-48 address";
    default:
        return NULL;
    }
}

const char *stix_check_hash(struct str name, struct str text)
{
    static const struct {
        const char *name;
        size_t digits;
    } known[] = {{"MD5", 32},      {"SHA-1", 40},    {"SHA-256", 64},
                 {"SHA-512", 128}, {"SHA3-256", 64}, {"SHA3-512", 128}};
    if (name.len < NAME_LEN_MIN || !stix_check_key(name))
        return "has a name that is no hash algorithm's";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(name, str_of(known[i].name)))
            return text.len == known[i].digits && all(text, any_hex) ? NULL
                                                                     : "is not a value of its algorithm";
    return NULL;
}
