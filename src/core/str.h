/* Borrowed bytes and text: a pointer and a length, never a terminator, never owned. Valid as long as what it
 * points into. Text is UTF-8. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

struct bytes {
    const uint8_t *at;
    size_t len;
};

#define STR(literal) ((struct str) {(literal), sizeof(literal) - 1})
/* For printf("%.*s", STR_ARG(s)). */
#define STR_ARG(s)   (int)(s).len, (s).at

static inline struct str str_of(const char *text)
{
    return (struct str) {text, text == NULL ? 0 : strlen(text)};
}

static inline struct str str_from_bytes(struct bytes b)
{
    return (struct str) {(const char *)b.at, b.len};
}

static inline struct bytes bytes_of(const void *at, size_t len)
{
    return (struct bytes) {(const uint8_t *)at, len};
}

static inline struct bytes bytes_from_str(struct str s)
{
    return (struct bytes) {(const uint8_t *)s.at, s.len};
}

/* Are `len` bytes the same? Names, words and types are short: two words that overlap settle those without a
 * call. Where both lengths or texts are known to the compiler it folds as memcmp does. */
static inline bool str_eq_bytes(const char *a, const char *b, size_t len)
{
    uint64_t a8, b8, a8_end, b8_end;
    uint32_t a4, b4, a4_end, b4_end;
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8) {
        memcpy(&a8, a, 8);
        memcpy(&b8, b, 8);
        memcpy(&a8_end, a + len - 8, 8);
        memcpy(&b8_end, b + len - 8, 8);
        return ((a8 ^ b8) | (a8_end ^ b8_end)) == 0;
    }
    if (len >= 4) {
        memcpy(&a4, a, 4);
        memcpy(&b4, b, 4);
        memcpy(&a4_end, a + len - 4, 4);
        memcpy(&b4_end, b + len - 4, 4);
        return ((a4 ^ b4) | (a4_end ^ b4_end)) == 0;
    }
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && str_eq_bytes(a.at, b.at, a.len);
}

/* ASCII alone: names of protocols and formats. */
static inline char str_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Equal but for the case of ASCII letters. */
bool str_same(struct str a, struct str b);

static inline bool bytes_eq(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str head)
{
    return s.len >= head.len && str_eq_bytes(s.at, head.at, head.len);
}

static inline bool str_ends(struct str s, struct str tail)
{
    return s.len >= tail.len && str_eq_bytes(s.at + (s.len - tail.len), tail.at, tail.len);
}

/* Byte order, shorter first on a common head: for sorting. */
int str_cmp(struct str a, struct str b);

/* `s` without leading and trailing spaces, tabs and line ends. */
struct str str_trim(struct str s);

/* Cuts `*rest` at the first `mark`: returns what stands before it and moves `*rest` behind it (empty, at
 * NULL, when there is none). */
struct str str_cut(struct str *rest, char mark);

/* Decimal digits only, no sign, no leading blanks; false on anything else or above `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);

/* Lower-case hexadecimal. `out` holds 2 * len bytes, no terminator. str_unhex takes both cases, exactly 2 *
 * len digits. */
void str_hex(const uint8_t *at, size_t len, char *out);
bool str_unhex(struct str hex, uint8_t *out, size_t len);

/* Standard base64 with padding (RFC 4648 section 4). Returns bytes written; `out` holds str_base64_size(len).
 * Decoding is strict: no blanks, canonical padding. */
static inline size_t str_base64_size(size_t len)
{
    return (len / 3 + (len % 3 != 0)) * 4;
}
size_t str_base64(const uint8_t *at, size_t len, char *out);
bool str_unbase64(struct str text, uint8_t *out, size_t size, size_t *out_len);

/* True when all of `s` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms). */
bool str_is_utf8(struct str s);
