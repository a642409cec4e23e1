#include "search/term.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <stdio.h>

#include "core/hash.h"
#include "stix/pattern.h"

/* Control characters would close a term: they count as blanks. */
static char plain(char c)
{
    return (uint8_t)c < 0x20 ? ' ' : str_lower(c);
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
        char c = str_lower(label.at[i]);
        if (!is_domain_char(c))
            return false;
        out[(*len)++] = c;
    }
    out[(*len)++] = '.';
    return true;
}

/* Labels in other letters, in their ASCII form (RFC 5891 section 4); what cannot be a label stays as it is.
 */
static struct str domain_ascii(struct str text, char out[TERM_BYTES_MAX])
{
    char plain[TERM_BYTES_MAX], *ascii = NULL;
    size_t high = 0;
    while (high < text.len && (uint8_t)text.at[high] < 0x80)
        high++;
    if (high == text.len)
        return text;
    memcpy(plain, text.at, text.len);
    plain[text.len] = '\0';
    if (idn2_to_ascii_8z(plain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return text;
    size_t len = strlen(ascii);
    if (len < TERM_BYTES_MAX)
        text = (struct str) {memcpy(out, ascii, len), len};
    idn2_free(ascii);
    return text;
}

bool term_labels(struct str text, char out[TERM_BYTES_MAX], size_t *out_len)
{
    char ascii[TERM_BYTES_MAX];
    size_t len = 0;
    if (text.len == 0 || text.len >= TERM_BYTES_MAX || memchr(text.at, '\0', text.len) != NULL)
        return false;
    text = domain_ascii(text, ascii);
    if (text.at[text.len - 1] == '.')
        text.len--;
    if (text.len == 0)
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
    return true;
}

bool term_domain(struct str text, char out[TERM_BYTES_MAX], size_t *out_len)
{
    /* Numbers alone are no top level. */
    return term_labels(text, out, out_len) && memchr(out, '.', *out_len - 1) != NULL &&
           (out[0] < '0' || out[0] > '9');
}

bool term_is_hash(struct str text)
{
    if (text.len < 32 || text.len > 128 || text.len % 2 != 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = str_lower(text.at[i]);
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

struct str term_host(struct str value)
{
    struct str host, rest = value;
    if (url_host(value, &host))
        return host;
    (void)str_cut(&rest, '@');
    return rest.at != NULL ? rest : value;
}

void term_put_value(struct buf *out, struct str value)
{
    value = str_trim(value);
    term_put(out, TERM_VALUE, value);
    if (term_is_hash(value))
        term_put(out, TERM_HASH, value);
    else
        put_host(out, term_host(value));
}

/* An autonomous system by both of its spellings. */
void term_put_number(struct buf *out, int64_t number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "as%lld", (long long)number);
    if (len <= 2 || (size_t)len >= sizeof text)
        return;
    term_put(out, TERM_VALUE, (struct str) {text, (size_t)len});
    term_put(out, TERM_VALUE, (struct str) {text + 2, (size_t)len - 2});
}

/* --- patterns --- */

static bool names_values(const struct stix_pattern_node *node)
{
    static const enum stix_pattern_op ops[] = {STIX_PATTERN_EQ, STIX_PATTERN_IN, STIX_PATTERN_ISSUBSET,
                                               STIX_PATTERN_ISSUPERSET};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (node->kind == STIX_PATTERN_COMPARISON && !node->negated && node->op == ops[i])
            return true;
    return false;
}

bool term_put_pattern(struct buf *out, struct str text, struct arena *arena)
{
    struct stix_pattern pattern;
    if (stix_pattern_parse(text, STIX_PATTERN_2_1, arena, &pattern, NULL, NULL) != ERR_OK &&
        stix_pattern_parse(text, STIX_PATTERN_2_0, arena, &pattern, NULL, NULL) != ERR_OK)
        return false;
    for (uint32_t i = 0; i < pattern.node_count; i++) {
        const struct stix_pattern_node *node = &pattern.nodes[i];
        for (uint32_t k = 0; names_values(node) && k < node->constant_count; k++) {
            const struct stix_pattern_constant *constant = &pattern.constants[node->constant + k];
            if (constant->kind == STIX_PATTERN_STRING)
                term_put_value(out, stix_pattern_text(constant->text, constant->escaped, arena));
            else if (constant->kind == STIX_PATTERN_INT && str_eq(node->type, STR("autonomous-system")))
                term_put_number(out, constant->value.integer);
        }
    }
    return true;
}
