#include "gate/reach.h"

#include <string.h>

#include "search/term.h"

static const char digits[] = "0123456789abcdef";

static struct str from(struct str text, size_t at)
{
    return (struct str) {text.at + at, text.len - at};
}

static bool is_slash(char c, bool back)
{
    return c == '/' || (back && c == '\\');
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return true;
}

/* --- spans --- */

static void put_span(struct reach *reach, const struct reach_span *span)
{
    if (reach->span_count < REACH_SPANS_MAX)
        reach->spans[reach->span_count++] = *span;
}

/* Where IPv4 addresses stand within those of IPv6. */
static const struct within {
    uint8_t at, len; /* of what tells */
    uint8_t told[12];
    uint8_t inner; /* where the four bytes begin */
    bool inverted;
} withins[] = {
    {0, 12, {0}, 12, false},                                  /* ::a.b.c.d, RFC 4291 section 2.5.5.1 */
    {0, 12, {0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 12, false}, /* ::ffff:0:a.b.c.d, RFC 2765 */
    {0, 12, {0, 0x64, 0xff, 0x9b}, 12, false},                /* NAT64, RFC 6052 */
    {0, 2, {0x20, 0x02}, 2, false},                           /* 6to4, RFC 3056 */
    {0, 4, {0x20, 0x01, 0, 0}, 12, true},                     /* Teredo's client, RFC 4380 */
    {8, 4, {0, 0, 0x5e, 0xfe}, 12, false},                    /* ISATAP, RFC 5214 */
    {8, 4, {0x02, 0, 0x5e, 0xfe}, 12, false},
};

static void put_within(struct reach *reach, const struct reach_span *span)
{
    for (size_t i = 0; i < sizeof withins / sizeof *withins; i++) {
        const struct within *row = &withins[i];
        struct reach_span inner = {.size = 32};
        if (memcmp(span->low + row->at, row->told, row->len) != 0 ||
            memcmp(span->low, span->high, row->inner) != 0)
            continue;
        memcpy(inner.low, (row->inverted ? span->high : span->low) + row->inner, 4);
        memcpy(inner.high, (row->inverted ? span->low : span->high) + row->inner, 4);
        for (size_t k = 0; row->inverted && k < 4; k++) {
            inner.low[k] ^= 0xff;
            inner.high[k] ^= 0xff;
        }
        put_span(reach, &inner);
    }
}

static void put_network(struct reach *reach, const struct term_network *network)
{
    struct reach_span span = {.size = (uint8_t)network->size};
    memcpy(span.low, network->bytes, network->size / 8u);
    memcpy(span.high, network->bytes, network->size / 8u);
    for (unsigned bit = network->bits; bit < network->size; bit++) {
        span.low[bit / 8u] &= (uint8_t) ~(0x80u >> bit % 8u);
        span.high[bit / 8u] |= (uint8_t)(0x80u >> bit % 8u);
    }
    put_span(reach, &span);
    if (span.size == 128)
        put_within(reach, &span);
}

/* --- numbers --- */

/* One part of an address: 127, 0x7f, 0177 (`decimal`: 0127 is 127, as some read it). */
static bool number_part(struct str text, bool decimal, uint64_t *out)
{
    unsigned base = 10;
    uint64_t number = 0;
    if (text.len > 1 && text.at[0] == '0' && str_lower(text.at[1]) == 'x') {
        base = 16;
        text = from(text, 2);
    } else if (text.len > 1 && text.at[0] == '0' && !decimal) {
        base = 8;
    } else if (text.len == 0) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        const char *digit = memchr(digits, str_lower(text.at[i]), base);
        if (digit == NULL || number > UINT32_MAX)
            return false;
        number = number * base + (uint64_t)(digit - digits);
    }
    *out = number;
    return true;
}

/* "2130706433", "0x7f.1", "0177.1": what programs take for an IPv4 address besides four decimal numbers
 * (WHATWG URL section 3.5): the last of up to four parts fills what the others leave. */
static bool number_address(struct str host, bool decimal, struct term_network *out)
{
    struct term_network network = {.size = 32, .bits = 32};
    uint64_t part = 0;
    for (unsigned i = 0; i < 4 && host.at != NULL; i++) {
        if (!number_part(str_cut(&host, '.'), decimal, &part) || (host.at != NULL && part > 255))
            return false;
        if (host.at != NULL)
            network.bytes[i] = (uint8_t)part;
        else if (part >> 8 * (4 - i) != 0)
            return false;
        for (unsigned k = i; k < 4 && host.at == NULL; k++)
            network.bytes[k] = (uint8_t)(part >> 8 * (3 - k));
    }
    *out = network;
    return host.at == NULL;
}

/* --- many addresses --- */

/* "192.0.2" of "192.0.2.*": so many parts, so many bytes. */
static bool open_end4(struct str text, struct term_network *out)
{
    uint64_t part;
    *out = (struct term_network) {.size = 32};
    for (; text.at != NULL && out->bits < 32; out->bits += 8) {
        struct str one = str_cut(&text, '.');
        if (one.len == 0 || one.len > 3 || !str_to_u64(one, 255, &part))
            return false;
        out->bytes[out->bits / 8] = (uint8_t)part;
    }
    return text.at == NULL;
}

/* "2001:db8:" of "2001:db8:*": the groups before are told, or all but the last one. */
static bool open_end6(struct str text, struct term_network *out)
{
    char whole[48];
    unsigned colons = 0;
    bool gap = false;
    if (text.len < 2 || text.len > sizeof whole - 2 || text.at[text.len - 1] != ':')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        colons += text.at[i] == ':';
        gap |= i > 0 && text.at[i] == ':' && text.at[i - 1] == ':';
    }
    memcpy(whole, text.at, text.len);
    whole[text.len] = gap ? '0' : ':';
    if (colons > 7 || !term_network_parse((struct str) {whole, text.len + 1}, out) || out->size != 128)
        return false;
    out->bits = gap ? 112 : 16 * colons;
    return true;
}

/* 192.0.2.*, 192.0.*.*, 2001:db8:*. */
static bool wildcard(struct str text, struct term_network *out)
{
    size_t stars = 0;
    while (text.len > 0 && (text.at[text.len - 1] == '*' || (stars > 0 && text.at[text.len - 1] == '.')))
        stars += text.at[--text.len] == '*';
    return stars > 0 && text.len > 0 && (open_end4(text, out) || open_end6(text, out));
}

/* 192.0.2.0/255.255.255.0. */
static bool masked(struct str text, struct term_network *out)
{
    struct term_network mask;
    struct str rest = text, address = str_cut(&rest, '/');
    unsigned bits = 0;
    if (rest.at == NULL || !term_network_parse(address, out) || !term_network_parse(rest, &mask) ||
        out->size != 32 || mask.size != 32 || mask.bits != 32)
        return false;
    while (bits < 32 && (mask.bytes[bits / 8] >> (7 - bits % 8) & 1) != 0)
        bits++;
    out->bits = bits;
    return true;
}

/* 192.0.2.0-192.0.2.255, 192.0.2.0-255. */
static bool range(struct str text, struct reach_span *out)
{
    struct term_network low, high;
    struct str rest = text, first = str_trim(str_cut(&rest, '-')), last = str_trim(rest);
    uint64_t part;
    if (rest.at == NULL || !term_network_parse(first, &low))
        return false;
    if (low.size == 32 && str_to_u64(last, 255, &part)) {
        high = low;
        high.bytes[3] = (uint8_t)part;
    } else if (!term_network_parse(last, &high)) {
        return false;
    }
    *out = (struct reach_span) {.size = (uint8_t)low.size};
    memcpy(out->low, low.bytes, low.size / 8u);
    memcpy(out->high, high.bytes, high.size / 8u);
    return low.size == high.size && low.bits == low.size && high.bits == high.size &&
           memcmp(out->low, out->high, sizeof out->low) <= 0;
}

/* --- the host --- */

static bool put_many(struct reach *reach, struct str text)
{
    struct term_network network;
    struct reach_span span;
    if (range(text, &span)) {
        put_span(reach, &span);
        if (span.size == 128)
            put_within(reach, &span);
        return true;
    }
    if (!masked(text, &network) && !wildcard(text, &network))
        return false;
    put_network(reach, &network);
    return true;
}

static struct str without_end(struct str host)
{
    while (host.len > 1 && (host.at[host.len - 1] == '.' || host.at[host.len - 1] == '>'))
        host.len--;
    return host;
}

/* Without its brackets, its port and a dot at the end. `sure`: a colon can be nothing else. */
static struct str without_port(struct str host, bool sure)
{
    struct term_network network;
    struct str rest = host, first = str_cut(&rest, ':'), zone = host;
    if (host.len > 0 && host.at[0] == '[') {
        rest = from(host, 1);
        return without_end(str_cut(&rest, ']'));
    }
    bool one = rest.at != NULL && memchr(rest.at, ':', rest.len) == NULL;
    bool port = one ? sure || is_number(rest)
                    : rest.at != NULL && sure && !term_network_parse(str_cut(&zone, '%'), &network);
    return without_end(port ? first : host);
}

/* *.example.com, .example.com. */
static struct str without_any_label(struct str name)
{
    if (name.len > 1 && name.at[0] == '.')
        name = from(name, 1);
    while (name.len > 2 && name.at[0] == '*' && name.at[1] == '.')
        name = from(name, 2);
    return name;
}

static void put_host(struct reach *reach, struct str host, bool belongs)
{
    struct term_network network;
    struct str rest = host, address = str_cut(&rest, '%'); /* fe80::1%eth0 */
    if (host.len == 0 || reach->name_count == REACH_NAMES_MAX)
        return;
    reach->names[reach->name_count++] = without_any_label(host);
    if (term_network_parse(address, &network)) {
        put_network(reach, &network);
        return;
    }
    for (int decimal = 0; belongs && decimal < 2; decimal++)
        if (number_address(host, decimal != 0, &network))
            put_network(reach, &network);
    if (belongs)
        (void)put_many(reach, host);
}

/* --- URLs --- */

enum { SCHEME_MAX = 16 };

/* Those whose slashes nobody counts (WHATWG URL section 3.1). */
static bool is_special(struct str scheme)
{
    static const struct str names[] = {{"http", 4}, {"https", 5}, {"ftp", 3}, {"ws", 2}, {"wss", 3}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_same(scheme, names[i]))
            return true;
    return false;
}

static size_t count_slashes(struct str text, size_t at)
{
    size_t count = 0;
    while (at + count < text.len && is_slash(text.at[at + count], true))
        count++;
    return count;
}

static bool is_scheme_char(char c)
{
    return (str_lower(c) >= 'a' && str_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

/* Where a URL's user and host begin, behind scheme and slashes; 0: it names no scheme. */
static size_t behind_scheme(struct str text, bool belongs)
{
    size_t word = 0; /* view-source:http://example.com has two */
    for (size_t i = 0; i < text.len && i <= SCHEME_MAX; i++) {
        if (is_scheme_char(text.at[i]))
            continue;
        if (text.at[i] != ':')
            return 0;
        size_t slashes = count_slashes(text, i + 1);
        if (is_special((struct str) {text.at + word, i - word}) &&
            (slashes > 0 || (belongs && !is_number(from(text, i + 1)))))
            return i + 1 + slashes;
        if (slashes >= 2)
            return i + 3;
        word = i + 1;
    }
    return 0;
}

/* What stands before the path and behind the user; `back`: a backslash begins a path. */
static struct str authority(struct str text, bool back)
{
    size_t end = 0, at = 0;
    while (end < text.len && !is_slash(text.at[end], back) && text.at[end] != '?' && text.at[end] != '#')
        end++;
    for (size_t i = 0; i < end; i++)
        if (text.at[i] == '@')
            at = i + 1;
    return (struct str) {text.at + at, end - at};
}

static void put_url(struct reach *reach, struct str text)
{
    reach->url = true;
    for (int back = 0; back < 2; back++) {
        struct str host = authority(text, back != 0);
        bool same = back != 0 && authority(text, false).len == host.len;
        if (!same)
            put_host(reach, without_port(host, true), true);
    }
}

/* a/b@example.com is an address, too. */
static void put_behind_sign(struct reach *reach, struct str text)
{
    size_t at = text.len;
    while (text.at[at - 1] != '@')
        at--;
    put_host(reach, without_port(authority(from(text, at), true), true), true);
}

void reach_read(struct str text, bool belongs, struct reach *out)
{
    struct term_network network;
    *out = (struct reach) {.span_count = 0};
    text = str_trim(text);
    size_t behind = behind_scheme(text, belongs), slashes = count_slashes(text, 0);
    if (behind == 0 && belongs && slashes >= 2)
        behind = slashes;
    if (behind > 0) {
        put_url(out, from(text, behind));
    } else if (term_network_parse(text, &network)) {
        put_network(out, &network);
        out->whole = text;
    } else if (text.len > 0 && memchr(text.at, '@', text.len) != NULL) {
        put_url(out, text);
        put_behind_sign(out, text);
    } else if (!belongs || !put_many(out, text)) {
        struct str host = belongs ? authority(text, true) : text;
        bool whole = host.len == text.len;
        host = without_port(host, belongs);
        put_host(out, host, belongs);
        out->whole = whole ? host : STR("");
    }
}

bool reach_begins_address(struct str text)
{
    struct term_network network;
    for (size_t i = text.len; i > 0; i--)
        if (text.at[i - 1] == '/' || text.at[i - 1] == '@') {
            text = from(text, i);
            break;
        }
    if (text.len == 0 || memchr(text.at, '.', text.len) == NULL)
        return open_end6(text, &network);
    text.len -= text.at[text.len - 1] == '.';
    return open_end4(text, &network) && network.bits < 32;
}
