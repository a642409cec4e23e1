#include "json/skip.h"

#include "core/err.h"

/* First quote or backslash at or behind `at`; text.len when there is none. */
static inline size_t seek_string_mark(struct bytes text, size_t at)
{
    for (; text.len - at >= VEC_SIZE; at += VEC_SIZE) {
        vec v = vec_load(text.at + at);
        unsigned first = vec_first((vec)((v == '"') | (v == '\\')));
        if (first < VEC_SIZE)
            return at + first;
    }
    while (at < text.len && text.at[at] != '"' && text.at[at] != '\\')
        at++;
    return at;
}

bool skip_string(struct bytes text, size_t at, size_t *out_end)
{
    for (;;) {
        at = seek_string_mark(text, at);
        if (at == text.len)
            return false;
        if (text.at[at] == '"') {
            *out_end = at + 1;
            return true;
        }
        if (text.len - at < 2)
            return false;
        at += 2;
    }
}

/* First quote or bracket of any kind: setting bit 5 makes "[" of "{" and "]" of "}" one. */
static inline size_t seek_nesting(struct bytes text, size_t at)
{
    for (; text.len - at >= VEC_SIZE; at += VEC_SIZE) {
        vec v = vec_load(text.at + at);
        vec folded = v | 0x20;
        unsigned first = vec_first((vec)((v == '"') | (folded == '{') | (folded == '}')));
        if (first < VEC_SIZE)
            return at + first;
    }
    for (; at < text.len; at++) {
        uint8_t folded = text.at[at] | 0x20;
        if (text.at[at] == '"' || folded == '{' || folded == '}')
            return at;
    }
    return at;
}

static bool skip_container(struct bytes text, size_t at, size_t *out_end)
{
    size_t depth = 0;
    for (;;) {
        at = seek_nesting(text, at);
        if (at == text.len)
            return false;
        uint8_t c = text.at[at++];
        if (c == '"') {
            if (!skip_string(text, at, &at))
                return false;
        } else if ((c | 0x20) == '{') {
            depth++;
        } else if (--depth == 0) {
            *out_end = at;
            return true;
        }
    }
}

static bool skip_scalar(struct bytes text, size_t at, size_t *out_end)
{
    size_t from = at;
    for (; at < text.len; at++) {
        uint8_t c = text.at[at];
        if (c == ',' || c == ':' || c == '"' || (c | 0x20) == '{' || (c | 0x20) == '}' || skip_is_space(c))
            break;
    }
    *out_end = at;
    return at > from;
}

bool skip_value(struct bytes text, size_t at, size_t *out_end)
{
    uint8_t c = skip_peek(text, at);
    if (c == '"')
        return skip_string(text, at + 1, out_end);
    if (c == '{' || c == '[')
        return skip_container(text, at, out_end);
    return skip_scalar(text, at, out_end);
}

static bool hex4(const uint8_t *at, uint32_t *out)
{
    uint8_t b[2];
    if (!str_unhex((struct str) {(const char *)at, 4}, b, 2))
        return false;
    *out = (uint32_t)b[0] << 8 | b[1];
    return true;
}

static size_t encode_utf8(uint32_t point, uint8_t out[4])
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, point >>= 6)
        out[i] = (uint8_t)(0x80 | (point & 0x3f));
    out[0] = (uint8_t)(leads[len] | point);
    return len;
}

/* The \u escape at the front of `raw`, with its second half when it has one. Bytes taken; 0 when malformed.
 */
static size_t read_unicode(struct bytes raw, uint32_t *out)
{
    uint32_t low;
    if (raw.len < 6 || !hex4(raw.at + 2, out))
        return 0;
    if (*out < 0xd800 || *out > 0xdfff)
        return 6;
    if (*out > 0xdbff || raw.len < 12 || raw.at[6] != '\\' || raw.at[7] != 'u' || !hex4(raw.at + 8, &low) ||
        low < 0xdc00 || low > 0xdfff)
        return 0;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

/* One escape; bytes taken from `raw`, 0 when malformed. */
static size_t read_escape(struct bytes raw, uint32_t *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (raw.len < 2)
        return 0;
    if (raw.at[1] == 'u')
        return read_unicode(raw, out);
    const char *found = raw.at[1] == 0 ? NULL : strchr(from, raw.at[1]);
    if (found == NULL)
        return 0;
    *out = (uint8_t)to[found - from];
    return 2;
}

bool skip_string_is(struct bytes raw, struct str name)
{
    if (raw.len == 0 || memchr(raw.at, '\\', raw.len) == NULL)
        return str_eq(str_from_bytes(raw), name);
    while (raw.len > 0) {
        uint8_t utf8[4] = {raw.at[0]};
        size_t taken = 1, len = 1;
        if (raw.at[0] == '\\') {
            uint32_t point;
            taken = read_escape(raw, &point);
            if (taken == 0)
                return false;
            len = encode_utf8(point, utf8);
        }
        if (len > name.len || memcmp(utf8, name.at, len) != 0)
            return false;
        name.at += len;
        name.len -= len;
        raw.at += taken;
        raw.len -= taken;
    }
    return name.len == 0;
}
