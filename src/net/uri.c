#include "net/uri.h"

static bool unescape(const struct str from, bool plus, struct str *to, char *at)
{
    size_t len = 0;
    for (size_t i = 0; i < from.len; i++) {
        uint8_t byte = (uint8_t)from.at[i];
        if (byte == '%') {
            if (from.len - i < 3 || !str_unhex((struct str) {from.at + i + 1, 2}, &byte, 1))
                return false;
            i += 2;
        } else if (byte == '+' && plus) {
            byte = ' ';
        }
        if (byte < 0x20 || byte == 0x7f)
            return false;
        at[len++] = (char)byte;
    }
    *to = (struct str) {at, len};
    return true;
}

static err_t decode(struct arena *arena, struct str from, bool plus, struct str *out)
{
    char *at = arena_alloc(arena, from.len + 1);
    if (at == NULL)
        return ERR_NOMEM;
    struct str to;
    if (!unescape(from, plus, &to, at))
        return ERR_SYNTAX;
    if (!str_is_utf8(to))
        return ERR_ENCODING;
    *out = to;
    return ERR_OK;
}

static size_t count_byte(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] == c;
    return n;
}

err_t uri_path(struct arena *arena, struct str path, struct str *out)
{
    struct str decoded;
    err_t err = decode(arena, path, false, &decoded);
    if (err != ERR_OK)
        return err;
    if (count_byte(decoded, '/') != count_byte(path, '/'))
        return ERR_SYNTAX;
    struct str rest = decoded;
    while (rest.at != NULL) {
        struct str segment = str_cut(&rest, '/');
        if (str_eq(segment, STR(".")) || str_eq(segment, STR("..")))
            return ERR_SYNTAX;
    }
    *out = decoded;
    return ERR_OK;
}

bool uri_match(struct str pattern, struct str path, struct str *captures, size_t max, size_t *out_count)
{
    size_t count = 0;
    while (pattern.at != NULL) {
        struct str want = str_cut(&pattern, '/');
        if (str_eq(want, STR("**")) && pattern.at == NULL) {
            *out_count = count;
            return true;
        }
        if (path.at == NULL)
            return false;
        struct str have = str_cut(&path, '/');
        if (str_eq(want, STR("{}"))) {
            if (have.len == 0 || count == max)
                return false;
            captures[count++] = have;
        } else if (!str_eq(want, have)) {
            return false;
        }
    }
    *out_count = count;
    return path.at == NULL;
}

err_t uri_query_next(struct arena *arena, struct str *query, struct str *out_name, struct str *out_value)
{
    struct str pair = {NULL, 0};
    while (query->at != NULL && pair.len == 0)
        pair = str_cut(query, '&');
    if (pair.len == 0)
        return ERR_NOTFOUND;
    struct str name, value, rest = pair;
    struct str raw_name = str_cut(&rest, '=');
    if (rest.at == NULL)
        rest = (struct str) {pair.at + pair.len, 0};
    err_t err;
    if (TRY(err, decode(arena, raw_name, true, &name)) || TRY(err, decode(arena, rest, true, &value)))
        return err;
    *out_name = name;
    *out_value = value;
    return ERR_OK;
}
