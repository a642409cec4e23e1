#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "stix/pattern_in.h"

enum { NUMBER_TEXT_MAX = 320, SHOWN_MAX = 24 };

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters, digits and _ as bits by byte, the hyphen apart. */
static bool word_char(char c, bool hyphen)
{
    static const uint64_t set[4] = {UINT64_C(0x03ff000000000000), UINT64_C(0x07fffffe87fffffe), 0, 0};
    unsigned byte = (unsigned char)c;
    return (set[byte >> 6] >> (byte & 63) & 1) != 0 || (hyphen && c == '-');
}

/* --- saying what is wrong --- */

err_t pattern_refuse(struct pattern *p, size_t offset, const char *section, const char *fmt, ...)
{
    if (p->fault == NULL)
        return ERR_INVALID;
    va_list args;
    va_start(args, fmt);
    char what[FAULT_WHAT_MAX];
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    fault_set(p->fault, ERR_INVALID, offset, "%s", what);
    snprintf(p->fault->section, sizeof p->fault->section, "%s", section);
    return ERR_INVALID;
}

/* The word, string or mark that stands at the next byte, cut to whole characters. */
static struct str found(const struct pattern *p)
{
    struct str word = pattern_word_ahead(p, true);
    if (word.len == 0)
        word = (struct str) {p->text.at + p->at, 1};
    size_t left = p->text.len - p->at;
    if (word.len == 1 && (unsigned char)word.at[0] >= 0x80)
        while (word.len < left && ((unsigned char)word.at[word.len] & 0xc0) == 0x80)
            word.len++;
    return (struct str) {word.at, word.len > SHOWN_MAX ? SHOWN_MAX : word.len};
}

err_t pattern_expected(struct pattern *p, const char *what)
{
    if (p->at >= p->text.len)
        return pattern_refuse(p, p->text.len, "9", "expected %s, but the pattern ends", what);
    if ((unsigned char)p->text.at[p->at] <= ' ')
        return pattern_refuse(p, p->at, "9", "expected %s, not a blank or control character", what);
    return pattern_refuse(p, p->at, "9", "expected %s, not \"%.*s\"", what, STR_ARG(found(p)));
}

void pattern_remark(struct pattern *p, bool must, size_t offset, const char *section, const char *what)
{
    if (p->remarks == NULL)
        return;
    if (p->remarks->count >= LIMIT_STIX_PATTERN_REMARKS)
        p->remarks->dropped++;
    else
        p->remarks->at[p->remarks->count++] = (struct stix_pattern_remark) {must, what, section, offset};
}

/* --- blanks --- */

/* Bytes of the blank character outside ASCII at `at`; 0 when there is none. White_Space of Unicode 15. */
static size_t wide_blank(struct str text, size_t at)
{
    static const char *const blanks[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80",
                                         "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
                                         "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
                                         "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                         "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
    struct str rest = {text.at + at, text.len - at};
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (str_starts(rest, str_of(blanks[i])))
            return strlen(blanks[i]);
    return 0;
}

static err_t skip_comment(struct pattern *p)
{
    size_t from = p->at;
    bool line = p->text.at[from + 1] == '/';
    pattern_remark(p, false, from, "9", "comments are of the OASIS grammar, not of the standard's text");
    for (p->at += 2; p->at < p->text.len; p->at++) {
        char c = p->text.at[p->at];
        if (line && (c == '\n' || c == '\r'))
            return ERR_OK;
        if (!line && c == '*' && p->text.len - p->at > 1 && p->text.at[p->at + 1] == '/') {
            p->at += 2;
            return ERR_OK;
        }
    }
    return line ? ERR_OK : pattern_refuse(p, from, "9", "the comment that begins here never ends");
}

err_t pattern_skip_blanks(struct pattern *p)
{
    while (p->at < p->text.len) {
        char c = p->text.at[p->at];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            p->at++;
        } else if ((unsigned char)c >= 0x80) {
            size_t len = wide_blank(p->text, p->at);
            if (len == 0)
                return ERR_OK;
            p->at += len;
        } else if (c == '/' && p->text.len - p->at > 1 &&
                   (p->text.at[p->at + 1] == '/' || p->text.at[p->at + 1] == '*')) {
            err_t err = skip_comment(p);
            if (err != ERR_OK)
                return err;
        } else {
            return ERR_OK;
        }
    }
    return ERR_OK;
}

/* --- words and marks --- */

struct str pattern_word_ahead(const struct pattern *p, bool hyphen)
{
    size_t end = p->at;
    while (end < p->text.len && word_char(p->text.at[end], hyphen))
        end++;
    return (struct str) {p->text.at + p->at, end - p->at};
}

struct str pattern_word(struct pattern *p, bool hyphen)
{
    struct str word = pattern_word_ahead(p, hyphen);
    p->at += word.len;
    return word;
}

bool pattern_take(struct pattern *p, char mark)
{
    if (p->at >= p->text.len || p->text.at[p->at] != mark)
        return false;
    p->at++;
    return true;
}

bool pattern_take_word(struct pattern *p, struct str word)
{
    if (pattern_peek(p) != word.at[0] || !str_eq(pattern_word_ahead(p, false), word))
        return false;
    p->at += word.len;
    return true;
}

/* --- strings --- */

/* Only \' and \\ are escapes (section 9.2). On success p->at is behind the closing apostrophe. */
static err_t walk_escapes(struct pattern *p, size_t open)
{
    for (; p->at < p->text.len; p->at++) {
        char c = p->text.at[p->at];
        if (c == '\'') {
            p->at++;
            return ERR_OK;
        }
        if (c != '\\')
            continue;
        char next = p->text.len - p->at > 1 ? p->text.at[p->at + 1] : '\0';
        if (next != '\'' && next != '\\')
            return pattern_refuse(p, p->at, "9.2", "a backslash in a string must be written twice");
        p->at++;
    }
    return pattern_refuse(p, open, "9.2", "the string that begins here never ends");
}

err_t pattern_quoted(struct pattern *p, struct str *out, bool *out_escaped)
{
    size_t open = p->at++;
    const char *from = p->text.at + p->at;
    const char *end = memchr(from, '\'', p->text.len - p->at);
    if (end == NULL)
        return pattern_refuse(p, open, "9.2", "the string that begins here never ends");
    const char *escape = memchr(from, '\\', (size_t)(end - from));
    if (escape == NULL) {
        p->at += (size_t)(end - from) + 1;
    } else {
        p->at += (size_t)(escape - from);
        err_t err = walk_escapes(p, open);
        if (err != ERR_OK)
            return err;
    }
    *out = (struct str) {from, p->at - open - 2};
    *out_escaped = escape != NULL;
    return ERR_OK;
}

/* --- constants --- */

static err_t check_hex(struct pattern *p, struct str text, size_t offset)
{
    bool upper = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c >= 'A' && c <= 'F')
            upper = true;
        else if (!digit(c) && (c < 'a' || c > 'f'))
            return pattern_refuse(p, offset + i, "9.2", "no hexadecimal digit");
    }
    if (text.len % 2 != 0)
        return pattern_refuse(p, offset, "9.2", "an odd number of hexadecimal digits");
    if (upper)
        pattern_remark(p, true, offset, "9.2", "the hexadecimal digits are a to f, in lower case");
    return ERR_OK;
}

/* RFC 4648 section 4 with padding; line feeds are ignored (section 9.2). */
static err_t check_base64(struct pattern *p, struct str text, size_t offset)
{
    size_t count = 0, pad = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '\n')
            continue;
        pad += c == '=';
        if (c == '=' ? pad > 2 : pad > 0 || (!letter(c) && !digit(c) && c != '+' && c != '/'))
            return pattern_refuse(p, offset + i, "9.2", "no character of base64 (RFC 4648)");
        count++;
    }
    if (count % 4 != 0)
        return pattern_refuse(p, offset, "9.2", "base64 that is cut, or lacks its padding");
    return ERR_OK;
}

static err_t check_prefixed(struct pattern *p, size_t offset, struct stix_pattern_constant *c)
{
    if (c->escaped)
        return pattern_refuse(p, offset, "9.2", "a backslash stands only in strings");
    switch (c->kind) {
    case STIX_PATTERN_HEX:
        return check_hex(p, c->text, offset);
    case STIX_PATTERN_BINARY:
        return check_base64(p, c->text, offset);
    default:
        if (stamp_parse(c->text, &c->value.time, NULL) != ERR_OK)
            return pattern_refuse(p, offset, "2.16", "no timestamp YYYY-MM-DDTHH:mm:ss[.s+]Z");
        return ERR_OK;
    }
}

static err_t take_prefixed(struct pattern *p, enum stix_pattern_constant_kind kind,
                           struct stix_pattern_constant *out)
{
    p->at += kind == STIX_PATTERN_STRING ? 0 : 1;
    size_t offset = p->at + 1;
    out->kind = (uint8_t)kind;
    err_t err = pattern_quoted(p, &out->text, &out->escaped);
    return err != ERR_OK || kind == STIX_PATTERN_STRING ? err : check_prefixed(p, offset, out);
}

/* Section 2.10: what every JSON reader holds exactly. */
static err_t set_integer(struct pattern *p, size_t from, struct stix_pattern_constant *out)
{
    const uint64_t max = (UINT64_C(1) << 53) - 1;
    bool minus = out->text.at[0] == '-';
    struct str digits = {out->text.at + minus, out->text.len - minus};
    uint64_t value = 0;
    if (digits.len > 1 && digits.at[0] == '0')
        return pattern_refuse(p, from, "9.2", "a number without needless zeros in front is expected");
    if (!str_to_u64(digits, max, &value))
        return pattern_refuse(p, from, "2.10", "an integer beyond 2^53 - 1");
    out->kind = STIX_PATTERN_INT;
    out->value.integer = minus ? -(int64_t)value : (int64_t)value;
    return ERR_OK;
}

static err_t take_number(struct pattern *p, struct stix_pattern_constant *out)
{
    size_t from = p->at, whole, fraction = 0;
    p->at += p->text.at[p->at] == '-';
    for (whole = p->at; digit(pattern_peek(p)); p->at++)
        ;
    whole = p->at - whole;
    bool point = pattern_take(p, '.');
    for (; point && digit(pattern_peek(p)); p->at++)
        fraction++;
    if (point ? fraction == 0 : whole == 0)
        return pattern_expected(p, "a digit");
    if (p->at - from > NUMBER_TEXT_MAX)
        return pattern_refuse(p, from, "2.6", "a number of more than %d digits", NUMBER_TEXT_MAX);
    out->text = (struct str) {p->text.at + from, p->at - from};
    out->kind = STIX_PATTERN_FLOAT;
    return point ? ERR_OK : set_integer(p, from, out);
}

static err_t take_bool(struct pattern *p, const char *what, struct stix_pattern_constant *out)
{
    out->kind = STIX_PATTERN_BOOL;
    out->text = pattern_word_ahead(p, false);
    out->value.integer = str_eq(out->text, STR("true"));
    if (out->value.integer == 0 && !str_eq(out->text, STR("false")))
        return pattern_expected(p, what);
    p->at += out->text.len;
    return ERR_OK;
}

err_t pattern_constant(struct pattern *p, const char *what, struct stix_pattern_constant *out)
{
    static const struct {
        char prefix;
        enum stix_pattern_constant_kind kind;
    } quoted[] = {{'t', STIX_PATTERN_TIME}, {'h', STIX_PATTERN_HEX}, {'b', STIX_PATTERN_BINARY}};
    *out = (struct stix_pattern_constant) {.kind = STIX_PATTERN_STRING};
    char c = pattern_peek(p);
    if (c == '\'')
        return take_prefixed(p, STIX_PATTERN_STRING, out);
    if (digit(c) || c == '-' || c == '.')
        return take_number(p, out);
    if (p->text.len - p->at > 1 && p->text.at[p->at + 1] == '\'')
        for (size_t i = 0; i < sizeof quoted / sizeof quoted[0]; i++)
            if (quoted[i].prefix == c)
                return take_prefixed(p, quoted[i].kind, out);
    if (c == '+')
        return pattern_refuse(p, p->at, "9.2", "a positive number is written without a plus sign");
    return take_bool(p, what, out);
}

/* --- what readers of the tree ask --- */

struct str stix_pattern_text(struct str raw, bool escaped, struct arena *arena)
{
    if (!escaped)
        return raw;
    struct str text = {NULL, 0};
    char *at = arena_alloc(arena, raw.len);
    if (at == NULL)
        return text;
    for (size_t i = 0; i < raw.len; i++) {
        i += raw.at[i] == '\\';
        must(i < raw.len);
        at[text.len++] = raw.at[i];
    }
    text.at = at;
    return text;
}

double stix_pattern_number(const struct stix_pattern_constant *constant)
{
    char text[NUMBER_TEXT_MAX + 1];
    must(constant->kind == STIX_PATTERN_INT || constant->kind == STIX_PATTERN_FLOAT);
    must(constant->text.len < sizeof text);
    memcpy(text, constant->text.at, constant->text.len);
    text[constant->text.len] = '\0';
    return strtod(text, NULL);
}

struct stix_pattern_place stix_pattern_place(struct str text, size_t offset)
{
    struct stix_pattern_place place = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.at[i] == '\n')
            place = (struct stix_pattern_place) {place.line + 1, 1};
        else if (((unsigned char)text.at[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}
