#include "search/term.h"

#include <arpa/inet.h>

#include "core/hash.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 0x20) : c;
}

/* Control characters would close a term: they count as blanks. */
static char plain(char c)
{
    return (uint8_t)c < 0x20 ? ' ' : lower(c);
}

void term_put(struct buf *out, enum term_kind kind, struct str value)
{
    enum { DIGEST = 32 };
    char text[TERM_BYTES_MAX + 2];
    size_t len = value.len, at = 0;
    if (len == 0)
        return;
    if (len > TERM_BYTES_MAX)
        len = TERM_BYTES_MAX - DIGEST;
    text[at++] = (char)kind;
    for (size_t i = 0; i < len; i++)
        text[at++] = plain(value.at[i]);
    if (len < value.len) {
        /* By the bytes as they came: only values that are longer than any usual one feel the letter case. */
        struct hash digest = hash_sha256(bytes_from_str(value));
        str_hex(digest.b, DIGEST / 2, text + at);
        at += DIGEST;
    }
    text[at++] = TERM_END;
    if (at <= out->size_max - out->len)
        buf_put(out, text, at);
}

/* --- addresses --- */

static bool parse_address(struct str text, struct term_network *out)
{
    char copy[INET6_ADDRSTRLEN + 1];
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.at, 0, text.len) != NULL)
        return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    *out = (struct term_network) {.size = 32, .bits = 32};
    if (inet_pton(AF_INET, copy, out->bytes) == 1)
        return true;
    out->size = out->bits = 128;
    if (inet_pton(AF_INET6, copy, out->bytes) != 1)
        return false;
    if (memcmp(out->bytes, mapped, sizeof mapped) == 0) {
        memmove(out->bytes, out->bytes + sizeof mapped, 4);
        out->size = out->bits = 32;
    }
    return true;
}

bool term_network_parse(struct str text, struct term_network *out)
{
    struct str rest = text, address = str_cut(&rest, '/');
    struct term_network network;
    uint64_t bits;
    bool v6 = address.len > 0 && memchr(address.at, ':', address.len) != NULL;
    if (!parse_address(address, &network))
        return false;
    if (rest.at != NULL) {
        if (rest.len > 3 || !str_to_u64(rest, v6 ? 128 : 32, &bits))
            return false;
        if (v6 && network.size == 32) { /* of a mapped address the prefix counts 96 bits more */
            if (bits < 96)
                return false;
            bits -= 96;
        }
        network.bits = (unsigned)bits;
    }
    *out = network;
    return true;
}

size_t term_network_text(const struct term_network *network, unsigned bits, bool dot,
                         char out[TERM_NETWORK_TEXT_MAX])
{
    size_t len = 0;
    for (unsigned i = 0; i < bits && i < network->size; i++)
        out[len++] = (network->bytes[i / 8] >> (7 - i % 8) & 1) != 0 ? '1' : '0';
    if (dot)
        out[len++] = '.';
    return len;
}

static void put_network(struct buf *out, const struct term_network *network)
{
    char text[TERM_NETWORK_TEXT_MAX];
    bool host = network->bits == network->size, v4 = network->size == 32;
    size_t len = term_network_text(network, network->bits, !host, text);
    enum term_kind kind = host ? (v4 ? TERM_ADDRESS4 : TERM_ADDRESS6) : v4 ? TERM_NETWORK4 : TERM_NETWORK6;
    term_put(out, kind, (struct str) {text, len});
}

/* --- names --- */

static bool is_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || (uint8_t)c >= 0x80;
}

/* Room for one more label; labels go in from the right. */
static bool put_label(struct str label, char out[TERM_BYTES_MAX], size_t *len)
{
    if (label.len == 0 || label.len > 63 || label.len + 1 > TERM_BYTES_MAX - *len)
        return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = lower(label.at[i]);
        if (!is_domain_char(c))
            return false;
        out[(*len)++] = c;
    }
    out[(*len)++] = '.';
    return true;
}

bool term_domain(struct str text, char out[TERM_BYTES_MAX], size_t *out_len)
{
    size_t len = 0;
    if (text.len > 0 && text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0 || text.len >= TERM_BYTES_MAX || memchr(text.at, '.', text.len) == NULL)
        return false;
    while (text.len > 0) {
        size_t from = text.len;
        while (from > 0 && text.at[from - 1] != '.')
            from--;
        if (!put_label((struct str) {text.at + from, text.len - from}, out, &len))
            return false;
        if (from == 1)
            return false; /* begins with a dot */
        text.len = from == 0 ? 0 : from - 1;
    }
    *out_len = len;
    /* Numbers alone are no top level. */
    return out[0] < '0' || out[0] > '9';
}

bool term_is_hash(struct str text)
{
    if (text.len < 32 || text.len > 128 || text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = lower(text.at[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    return true;
}

static bool find_text(struct str text, struct str what, size_t *out)
{
    for (size_t i = 0; i < text.len && what.len <= text.len - i; i++)
        if (memcmp(text.at + i, what.at, what.len) == 0) {
            *out = i;
            return true;
        }
    return false;
}

/* The host of "scheme://user@host:port/path". False: no such. */
static bool url_host(struct str url, struct str *out)
{
    size_t at;
    if (!find_text(url, STR("://"), &at) || at > 16)
        return false;
    struct str host = {url.at + at + 3, url.len - at - 3};
    for (size_t i = 0; i < host.len; i++)
        if (host.at[i] == '/' || host.at[i] == '?' || host.at[i] == '#')
            host.len = i;
    for (size_t i = host.len; i > 0; i--)
        if (host.at[i - 1] == '@') {
            host = (struct str) {host.at + i, host.len - i};
            break;
        }
    if (host.len > 0 && host.at[0] == '[') {
        host = (struct str) {host.at + 1, host.len - 1};
        *out = str_cut(&host, ']');
        return true;
    }
    *out = str_cut(&host, ':');
    return out->len > 0;
}

/* Address, network or domain. */
static void put_host(struct buf *out, struct str host)
{
    struct term_network network;
    char domain[TERM_BYTES_MAX];
    size_t len;
    if (term_network_parse(host, &network))
        put_network(out, &network);
    else if (term_domain(host, domain, &len))
        term_put(out, TERM_DOMAIN, (struct str) {domain, len});
}

void term_put_value(struct buf *out, struct str value)
{
    struct str host, rest = value;
    value = str_trim(value);
    term_put(out, TERM_VALUE, value);
    if (term_is_hash(value))
        term_put(out, TERM_HASH, value);
    else if (url_host(value, &host))
        put_host(out, host);
    else if ((void)str_cut(&rest, '@'), rest.at != NULL)
        put_host(out, rest);
    else
        put_host(out, value);
}

/* --- patterns --- */

/* Where the comparison stands: what the words before a literal said. */
struct scan {
    struct str pattern;
    size_t at;
    bool negated, other, list; /* NOT or !=; LIKE, MATCHES, < and >; inside the brackets of IN */
};

static struct str take_literal(struct scan *scan, char out[TERM_BYTES_MAX])
{
    size_t len = 0;
    bool whole = false;
    for (scan->at++; scan->at < scan->pattern.len && !whole; scan->at++) {
        char c = scan->pattern.at[scan->at];
        whole = c == '\'';
        if (c == '\\' && scan->pattern.len - scan->at > 1)
            c = scan->pattern.at[++scan->at];
        if (!whole && len < TERM_BYTES_MAX)
            out[len++] = c;
    }
    return (struct str) {out, whole ? len : 0};
}

static void take_word(struct scan *scan)
{
    size_t from = scan->at;
    while (scan->at < scan->pattern.len &&
           ((scan->pattern.at[scan->at] >= 'A' && scan->pattern.at[scan->at] <= 'Z')))
        scan->at++;
    struct str word = {scan->pattern.at + from, scan->at - from};
    scan->negated |= str_eq(word, STR("NOT"));
    scan->other |= str_eq(word, STR("LIKE")) || str_eq(word, STR("MATCHES"));
    scan->list |= str_eq(word, STR("IN"));
    if (str_eq(word, STR("AND")) || str_eq(word, STR("OR")) || str_eq(word, STR("FOLLOWEDBY")))
        scan->negated = scan->other = scan->list = false;
    if (word.len == 0)
        scan->at++;
}

void term_put_pattern(struct buf *out, struct str pattern)
{
    struct scan scan = {.pattern = pattern};
    char literal[TERM_BYTES_MAX];
    bool value = false; /* after an operator: a literal is what is compared with */
    while (scan.at < pattern.len) {
        char c = pattern.at[scan.at];
        if (c == '\'') {
            struct str text = take_literal(&scan, literal);
            if (value && !scan.negated && !scan.other && text.len > 0)
                term_put_value(out, text);
            value = value && scan.list;
            continue;
        }
        if (c == '!')
            scan.negated = true;
        if (c == '<' || c == '>')
            scan.other = true;
        if (c == '=' || (c == '(' && scan.list))
            value = true;
        if (c == '[' || c == ']' || (c == ')' && scan.list))
            scan.negated = scan.other = scan.list = value = false;
        take_word(&scan);
    }
}
