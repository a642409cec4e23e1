#include "json/pointer.h"

#include <stdio.h>

#include "json/json.h"
#include "json/skip.h"

/* True when the pointer already ends in the three dots. */
static bool is_cut(struct str pointer)
{
    return pointer.len >= FAULT_POINTER_MAX - 4 && str_ends(pointer, STR("..."));
}

/* Appends one piece that must not be torn (an escape); gives up with "..." when it does not fit. */
static bool add_piece(struct fault *fault, size_t *len, const char *piece, size_t piece_len)
{
    const size_t room = FAULT_POINTER_MAX - 4;
    if (piece_len > room - *len) {
        memcpy(fault->pointer + *len, "...", 4);
        return false;
    }
    memcpy(fault->pointer + *len, piece, piece_len);
    *len += piece_len;
    fault->pointer[*len] = '\0';
    return true;
}

static size_t utf8_size(uint8_t lead)
{
    return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void pointer_add_name(struct fault *fault, struct str name)
{
    if (fault == NULL)
        return;
    size_t len = strlen(fault->pointer);
    if (is_cut((struct str) {fault->pointer, len}) || len > FAULT_POINTER_MAX - 4)
        return;
    if (!add_piece(fault, &len, "/", 1))
        return;
    for (size_t i = 0; i < name.len;) {
        size_t size = utf8_size((uint8_t)name.at[i]);
        size = size < name.len - i ? size : name.len - i;
        struct str piece = {name.at + i, size};
        if (*piece.at == '~')
            piece = STR("~0");
        else if (*piece.at == '/')
            piece = STR("~1");
        if (!add_piece(fault, &len, piece.at, piece.len))
            return;
        i += size;
    }
}

void pointer_add_index(struct fault *fault, size_t index)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%zu", index);
    pointer_add_name(fault, (struct str) {text, (size_t)len});
}

enum { TOKEN_MAX = 1024 };

/* One token with ~1 and ~0 read; false when it is malformed or longer than any name we would look for. */
static bool read_token(struct str token, char out[TOKEN_MAX], struct str *out_name)
{
    size_t len = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.at[i];
        if (len == TOKEN_MAX)
            return false;
        if (c == '~') {
            if (i + 1 == token.len || (token.at[i + 1] != '0' && token.at[i + 1] != '1'))
                return false;
            c = token.at[++i] == '0' ? '~' : '/';
        }
        out[len++] = c;
    }
    *out_name = (struct str) {out, len};
    return true;
}

/* Behind the value at `at` to the next element, or false when the container ends here. */
static bool next_element(struct bytes text, size_t *at)
{
    size_t end;
    if (!skip_value(text, *at, &end))
        return false;
    end = skip_space(text, end);
    if (skip_peek(text, end) != ',')
        return false;
    *at = skip_space(text, end + 1);
    return true;
}

static bool find_member(struct bytes text, size_t object, struct str name, size_t *out)
{
    size_t at = skip_space(text, object + 1);
    do {
        size_t end;
        if (skip_peek(text, at) != '"' || !skip_string(text, at + 1, &end))
            return false;
        bool found = skip_string_is((struct bytes) {text.at + at + 1, end - at - 2}, name);
        at = skip_space(text, end);
        if (skip_peek(text, at) != ':')
            return false;
        at = skip_space(text, at + 1);
        if (found) {
            *out = at;
            return at < text.len;
        }
    } while (next_element(text, &at));
    return false;
}

static bool find_element(struct bytes text, size_t array, struct str index, size_t *out)
{
    uint64_t left;
    if (!str_to_u64(index, UINT32_MAX, &left) || (index.len > 1 && index.at[0] == '0'))
        return false;
    size_t at = skip_space(text, array + 1);
    if (skip_peek(text, at) == ']')
        return false;
    for (; left > 0; left--)
        if (!next_element(text, &at))
            return false;
    *out = at;
    return at < text.len;
}

size_t json_pointer_offset(struct bytes text, struct str pointer)
{
    size_t at = skip_space(text, 0);
    if (pointer.len == 0 || pointer.at[0] != '/')
        return at;
    struct str rest = {pointer.at + 1, pointer.len - 1};
    while (rest.at != NULL) {
        char unescaped[TOKEN_MAX];
        struct str name;
        if (!read_token(str_cut(&rest, '/'), unescaped, &name))
            break;
        uint8_t c = skip_peek(text, at);
        bool found =
            (c == '{' && find_member(text, at, name, &at)) || (c == '[' && find_element(text, at, name, &at));
        if (!found)
            break;
    }
    return at;
}
