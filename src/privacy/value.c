/* Values that are told by their form, wherever they stand. */
#include "privacy/field.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (str_lower(c) >= 'a' && str_lower(c) <= 'f');
}

/* '0' in `shape` stands for a digit, 'x' for one of hex, all else for itself. */
static bool has_shape(const char *at, struct str shape)
{
    for (size_t i = 0; i < shape.len; i++)
        if (shape.at[i] == '0'   ? !is_digit(at[i])
            : shape.at[i] == 'x' ? !is_hex(at[i])
                                 : at[i] != shape.at[i])
            return false;
    return true;
}

enum { FRACTION_MAX = 9 };

bool value_is_time(struct str text)
{
    static const struct str shape = {"0000-00-00T00:00:00", 19};
    if (text.len <= shape.len || text.at[text.len - 1] != 'Z' || !has_shape(text.at, shape))
        return false;
    size_t fraction = text.len - shape.len - 1;
    if (fraction == 0)
        return true;
    if (text.at[shape.len] != '.' || fraction > 1 + FRACTION_MAX)
        return false;
    for (size_t i = 1; i < fraction; i++)
        if (!is_digit(text.at[shape.len + i]))
            return false;
    return true;
}

bool value_is_identifier(struct str text, struct str *out_type)
{
    static const struct str shape = {"--xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", 38};
    if (text.len <= shape.len || !has_shape(text.at + text.len - shape.len, shape))
        return false;
    *out_type = (struct str) {text.at, text.len - shape.len};
    return true;
}

enum { BYTES_MIN = 64 };

bool value_is_bytes(struct str text)
{
    if (text.len < BYTES_MIN || text.len % 4 != 0)
        return false;
    while (text.len > 0 && text.at[text.len - 1] == '=')
        text.len--;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!is_digit(c) && !(str_lower(c) >= 'a' && str_lower(c) <= 'z') && c != '+' && c != '/')
            return false;
    }
    return true;
}
