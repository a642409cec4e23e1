/* Names that other bodies give: of platforms, media types and character sets. A registry that the standard
 * pins to one revision is carried whole; of those that grow, the grammar alone is checked. */
#include <string.h>

#include "stix/shape.h"

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (str_lower(c) >= 'a' && str_lower(c) <= 'z');
}

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* --- CPE 2.3 (NISTIR 7695 section 6.2) --- */

/* One component of a formatted string: "*", "-", or text in which only the ends may hold wildcards: any
 * number of "?", or one "*". */
static bool component_ok(struct str text)
{
    size_t at = 0, end = text.len, body = 0;
    if (text.len == 1 && one_of(text.at[0], "*-"))
        return true;
    if (at < end && text.at[at] == '*')
        at++;
    else
        while (at < end && text.at[at] == '?')
            at++;
    for (; at < end; body++) {
        bool quoted = end - at >= 2 && text.at[at] == '\\';
        if (quoted ? !one_of(text.at[at + 1], "\\*?!\"#$%&'()+,/:;<=>@[]^`{|}~")
                   : !is_alnum(text.at[at]) && !one_of(text.at[at], "-._"))
            break;
        at += quoted ? 2 : 1;
    }
    if (at < end && text.at[at] == '*')
        at++;
    else
        while (at < end && text.at[at] == '?')
            at++;
    return at == end && body > 0;
}

static bool part_ok(struct str text)
{
    return text.len == 1 && one_of(text.at[0], "aho*-");
}

/* A language of two or three letters, and a region of two letters or three digits. */
static bool language_ok(struct str text)
{
    struct str region = text, language = str_cut(&region, '-');
    if (part_ok(text))
        return one_of(text.at[0], "*-");
    if (language.len < 2 || language.len > 3)
        return false;
    for (size_t i = 0; i < language.len; i++)
        if (str_lower(language.at[i]) < 'a' || str_lower(language.at[i]) > 'z')
            return false;
    if (region.at == NULL)
        return true;
    if (region.len < 2 || region.len > 3)
        return false;
    for (size_t i = 0; i < region.len; i++)
        if (!is_alnum(region.at[i]) || (region.at[i] <= '9') != (region.len == 3))
            return false;
    return true;
}

/* Up to the next colon that is not quoted. */
static struct str cut_component(struct str *rest)
{
    struct str whole = *rest;
    size_t end = 0;
    while (end < whole.len && whole.at[end] != ':')
        end += whole.at[end] == '\\' && whole.len - end >= 2 ? 2 : 1;
    *rest = end < whole.len ? (struct str) {whole.at + end + 1, whole.len - end - 1} : (struct str) {NULL, 0};
    return (struct str) {whole.at, end};
}

bool stix_check_cpe(struct str text)
{
    static bool (*const components[])(struct str text) = {
        part_ok,     component_ok, component_ok, component_ok, component_ok, component_ok,
        language_ok, component_ok, component_ok, component_ok, component_ok};
    if (!str_starts(text, STR("cpe:2.3:")))
        return false;
    struct str rest = {text.at + 8, text.len - 8};
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++)
        if (rest.at == NULL || !components[i](cut_component(&rest)))
            return false;
    return rest.at == NULL;
}

/* --- media types (RFC 6838) --- */

/* Section 4.2: a name of at most 127 characters that begins with a letter or digit. */
static bool restricted_name(struct str name)
{
    if (name.len == 0 || name.len > 127 || !is_alnum(name.at[0]))
        return false;
    for (size_t i = 1; i < name.len; i++)
        if (!is_alnum(name.at[i]) && !one_of(name.at[i], "!#$&-^_.+"))
            return false;
    return true;
}

/* The top-level types are few and known; which subtypes are registered is not looked at. */
bool stix_check_mime(struct str text)
{
    static const struct str types[] = {{"application", 11}, {"audio", 5}, {"example", 7}, {"font", 4},
                                       {"haptics", 7},      {"image", 5}, {"message", 7}, {"model", 5},
                                       {"multipart", 9},    {"text", 4},  {"video", 5}};
    struct str rest = text;
    struct str type = str_cut(&rest, '/');
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_same(type, types[i]))
            return restricted_name(rest);
    return false;
}

/* --- character sets --- */

static const struct str charsets[] = {
#define CHARSET(name) {name, sizeof name - 1},
#include "stix/charsets.inc"
#undef CHARSET
};

static int order(struct str a, struct str b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++)
        if (str_lower(a.at[i]) != str_lower(b.at[i]))
            return (unsigned char)str_lower(a.at[i]) - (unsigned char)str_lower(b.at[i]);
    return a.len < b.len ? -1 : a.len > b.len;
}

/* The registry tells no cases apart. */
bool stix_check_charset(struct str text)
{
    size_t low = 0, high = sizeof charsets / sizeof charsets[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int compared = order(text, charsets[middle]);
        if (compared == 0)
            return true;
        if (compared < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return false;
}
