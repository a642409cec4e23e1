/* Reads a refused text again, strictly by RFC 8259, to say what is wrong and where. Never quick, never
 * recursive. */
#include "json/refuse.h"

#include <stdio.h>

#include "core/limit.h"
#include "json/number.h"
#include "json/pointer.h"
#include "json/skip.h"

struct level {
    bool is_object;
    struct str name; /* of the member being read, escapes as written */
    size_t index;    /* of the element being read */
};

struct scan {
    struct bytes text;
    size_t at;
    struct fault *fault;
    unsigned depth;
    struct level levels[LIMIT_JSON_DEPTH];
};

static err_t wrong(struct scan *s, err_t code, size_t at, const char *what)
{
    for (unsigned i = 0; i < s->depth && s->fault != NULL; i++) {
        if (s->levels[i].is_object && s->levels[i].name.at != NULL)
            pointer_add_name(s->fault, s->levels[i].name);
        else if (!s->levels[i].is_object)
            pointer_add_index(s->fault, s->levels[i].index);
    }
    return fault_set(s->fault, code, at, "%s", what);
}

/* ERR_SHORT behind the end, ERR_SYNTAX inside. */
static err_t unexpected(struct scan *s, const char *wanted)
{
    bool ended = s->at >= s->text.len;
    char what[120];
    (void)snprintf(what, sizeof what, "%s%s%s", ended ? "the text ends where " : "", wanted,
                   ended ? " has to follow" : " has to stand here");
    return wrong(s, ended ? ERR_SHORT : ERR_SYNTAX, ended ? s->text.len : s->at, what);
}

static bool read_hex4(struct scan *s, size_t at, unsigned *out)
{
    uint8_t b[2];
    if (at > s->text.len || s->text.len - at < 4 ||
        !str_unhex((struct str) {(const char *)s->text.at + at, 4}, b, 2))
        return false;
    *out = (unsigned)b[0] << 8 | b[1];
    return true;
}

static err_t scan_unicode_escape(struct scan *s)
{
    unsigned high, low;
    if (!read_hex4(s, s->at + 2, &high))
        return wrong(s, ERR_SYNTAX, s->at, "\\u must be followed by four hexadecimal digits");
    if (high < 0xd800 || high > 0xdfff) {
        s->at += 6;
        return ERR_OK;
    }
    bool paired = high < 0xdc00 && skip_peek(s->text, s->at + 6) == '\\' &&
                  skip_peek(s->text, s->at + 7) == 'u' && read_hex4(s, s->at + 8, &low) && low >= 0xdc00 &&
                  low <= 0xdfff;
    if (!paired)
        return wrong(s, ERR_ENCODING, s->at, "a lone surrogate is no character");
    s->at += 12;
    return ERR_OK;
}

static err_t scan_utf8(struct scan *s)
{
    uint8_t lead = s->text.at[s->at];
    size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > s->text.len - s->at || !str_is_utf8((struct str) {(const char *)s->text.at + s->at, size}))
        return wrong(s, ERR_ENCODING, s->at, "bytes that are not UTF-8");
    s->at += size;
    return ERR_OK;
}

static err_t scan_escape(struct scan *s)
{
    uint8_t c = skip_peek(s->text, s->at + 1);
    if (c == 'u')
        return scan_unicode_escape(s);
    if (c == 0 || strchr("\"\\/bfnrt", c) == NULL)
        return wrong(s, ERR_SYNTAX, s->at, "an escape that JSON does not have");
    s->at += 2;
    return ERR_OK;
}

/* From the opening quote to behind the closing one. */
static err_t scan_string(struct scan *s)
{
    size_t from = s->at++;
    while (s->at < s->text.len) {
        uint8_t c = s->text.at[s->at];
        err_t err = ERR_OK;
        if (c == '"') {
            s->at++;
            return ERR_OK;
        }
        if (c == '\\')
            err = scan_escape(s);
        else if (c < 0x20)
            return wrong(s, ERR_SYNTAX, s->at, "a control character inside a string must be escaped");
        else if (c >= 0x80)
            err = scan_utf8(s);
        else
            s->at++;
        if (err != ERR_OK)
            return err;
    }
    return wrong(s, ERR_SHORT, from, "the text ends inside the string that starts here");
}

/* A member's name and colon; the cursor then stands on its value. */
static err_t scan_name(struct scan *s)
{
    struct level *level = &s->levels[s->depth - 1];
    level->name = (struct str) {NULL, 0};
    s->at = skip_space(s->text, s->at);
    if (skip_peek(s->text, s->at) != '"')
        return unexpected(s, "a member name");
    size_t from = s->at + 1;
    err_t err = scan_string(s);
    if (err != ERR_OK)
        return err;
    level->name = (struct str) {(const char *)s->text.at + from, s->at - 1 - from};
    s->at = skip_space(s->text, s->at);
    if (skip_peek(s->text, s->at) != ':')
        return unexpected(s, "a colon");
    s->at++;
    return ERR_OK;
}

static err_t scan_number(struct scan *s)
{
    size_t len = number_scan(s->text, s->at);
    if (len == 0)
        return wrong(s, ERR_SYNTAX, s->at, "a malformed number");
    struct bytes number = {s->text.at + s->at, len};
    bool whole = memchr(number.at, '.', len) == NULL && memchr(number.at, 'e', len) == NULL &&
                 memchr(number.at, 'E', len) == NULL;
    bool negative = number.at[0] == '-';
    uint64_t magnitude;
    struct str digits = {(const char *)number.at + negative, len - negative};
    if (whole && !str_to_u64(digits, negative ? UINT64_C(1) << 63 : UINT64_MAX, &magnitude))
        return wrong(s, ERR_NUMBER, s->at, "an integer that does not fit 64 bits");
    if (!whole && number_overflows(number))
        return wrong(s, ERR_NUMBER, s->at, "a number beyond what a double holds");
    s->at += len;
    return ERR_OK;
}

static err_t scan_word(struct scan *s)
{
    static const struct str words[] = {{"true", 4}, {"false", 5}, {"null", 4}};
    struct str rest = {(const char *)s->text.at + s->at, s->text.len - s->at};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_starts(rest, words[i])) {
            s->at += words[i].len;
            return ERR_OK;
        }
    }
    return unexpected(s, "a value");
}

/* An opening bracket. *out_open is false when the container is empty and closed again. */
static err_t scan_open(struct scan *s, bool *out_open)
{
    bool is_object = s->text.at[s->at] == '{';
    size_t from = s->at;
    s->at = skip_space(s->text, s->at + 1);
    *out_open = skip_peek(s->text, s->at) != (is_object ? '}' : ']');
    if (!*out_open) {
        s->at++;
        return ERR_OK;
    }
    if (s->depth == LIMIT_JSON_DEPTH) {
        char what[80];
        (void)snprintf(what, sizeof what, "nested deeper than %d levels", LIMIT_JSON_DEPTH);
        return wrong(s, ERR_LIMIT, from, what);
    }
    s->levels[s->depth++] = (struct level) {.is_object = is_object};
    return is_object ? scan_name(s) : ERR_OK;
}

static err_t scan_value(struct scan *s, bool *out_open)
{
    s->at = skip_space(s->text, s->at);
    uint8_t c = skip_peek(s->text, s->at);
    *out_open = false;
    if (c == '{' || c == '[')
        return scan_open(s, out_open);
    if (c == '"')
        return scan_string(s);
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(s);
    return scan_word(s);
}

/* Behind a value: closes what closes; *out_more says that another value follows. */
static err_t scan_after(struct scan *s, bool *out_more)
{
    *out_more = false;
    while (s->depth > 0) {
        struct level *level = &s->levels[s->depth - 1];
        s->at = skip_space(s->text, s->at);
        uint8_t c = skip_peek(s->text, s->at);
        if (c == ',') {
            s->at++;
            level->index++;
            *out_more = true;
            return level->is_object ? scan_name(s) : ERR_OK;
        }
        if (c != (level->is_object ? '}' : ']'))
            return unexpected(s, level->is_object ? "a comma or the end of the object"
                                                  : "a comma or the end of the list");
        s->at++;
        s->depth--;
    }
    return ERR_OK;
}

static err_t scan_document(struct scan *s)
{
    const char *mark = skip_foreign_mark(s->text);
    if (mark != NULL)
        return wrong(s, ERR_SYNTAX, 0, mark);
    bool more = true;
    while (more) {
        err_t err;
        if (TRY(err, scan_value(s, &more)))
            return err;
        if (!more && TRY(err, scan_after(s, &more)))
            return err;
    }
    s->at = skip_space(s->text, s->at);
    if (s->at < s->text.len)
        return wrong(s, ERR_SYNTAX, s->at, "more text stands behind the end of the value");
    return ERR_OK;
}

err_t json_refuse(struct bytes text, struct fault *fault)
{
    if (fault != NULL)
        fault->pointer[0] = '\0';
    struct scan s = {.text = text, .fault = fault};
    err_t err = scan_document(&s);
    if (err != ERR_OK)
        return err;
    return fault_set(fault, ERR_SYNTAX, 0, "the text is not well formed");
}
