#include "core/str.h"

bool str_same(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (str_lower(a.at[i]) != str_lower(b.at[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.at, b.at, common);
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.at[0])) {
        s.at++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.at[s.len - 1]))
        s.len--;
    return s;
}

struct str str_cut(struct str *rest, char mark)
{
    const char *found = rest->len == 0 ? NULL : memchr(rest->at, mark, rest->len);
    struct str head = *rest;
    if (found == NULL) {
        *rest = (struct str) {NULL, 0};
        return head;
    }
    head.len = (size_t)(found - rest->at);
    rest->at = found + 1;
    rest->len -= head.len + 1;
    return head;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.at[i] - '0');
        if (value > (max - digit) / 10 || digit > max)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

void str_hex(const uint8_t *at, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[at[i] >> 4];
        out[2 * i + 1] = digits[at[i] & 15];
    }
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool str_unhex(struct str hex, uint8_t *out, size_t len)
{
    if (hex.len / 2 != len || hex.len % 2 != 0)
        return false;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(hex.at[2 * i]);
        int low = hex_value(hex.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t str_base64(const uint8_t *at, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)at[i] << 16;
        if (have > 1)
            v |= (uint32_t)at[i + 1] << 8;
        if (have > 2)
            v |= at[i + 2];
        out[n++] = base64_digits[v >> 18];
        out[n++] = base64_digits[(v >> 12) & 63];
        out[n++] = have > 1 ? base64_digits[(v >> 6) & 63] : '=';
        out[n++] = have > 2 ? base64_digits[v & 63] : '=';
    }
    return n;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+')
        return 62;
    return c == '/' ? 63 : -1;
}

/* One quantum of four characters; returns the bytes it holds, 0 when it is malformed. */
static size_t unbase64_quad(const char *in, bool last, uint8_t out[3])
{
    size_t chars = 4;
    if (last && in[3] == '=')
        chars = in[2] == '=' ? 2 : 3;
    uint32_t v = 0;
    for (size_t i = 0; i < chars; i++) {
        int digit = base64_value(in[i]);
        if (digit < 0)
            return 0;
        v |= (uint32_t)digit << (18 - 6 * i);
    }
    /* Bits that no byte takes must be zero, or one value would have several spellings. */
    if ((chars == 2 && (v & 0xffff) != 0) || (chars == 3 && (v & 0xff) != 0))
        return 0;
    out[0] = (uint8_t)(v >> 16);
    out[1] = (uint8_t)(v >> 8);
    out[2] = (uint8_t)v;
    return chars - 1;
}

bool str_unbase64(struct str text, uint8_t *out, size_t size, size_t *out_len)
{
    size_t n = 0;
    if (text.len % 4 != 0)
        return false;
    for (size_t i = 0; i < text.len; i += 4) {
        uint8_t quad[3];
        size_t got = unbase64_quad(text.at + i, i + 4 == text.len, quad);
        if (got == 0 || got > size - n)
            return false;
        memcpy(out + n, quad, got);
        n += got;
    }
    *out_len = n;
    return true;
}

/* Length of the well-formed sequence at `at`, 0 when there is none (RFC 3629 section 4). */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    uint8_t c = at[0];
    if (c < 0x80)
        return 1;
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || len > left)
        return 0;
    uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool str_is_utf8(struct str s)
{
    const uint8_t *at = (const uint8_t *)s.at;
    size_t i = 0;
    while (i < s.len) {
        size_t len = utf8_length(at + i, s.len - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}
