/* Forms of values: those of stix/check.c, and what a list needs beyond them. */
#include "feeds/csv_value.h"

#include "stix/shape.h"

static bool has_form(uint8_t kind, struct str s)
{
    return stix_format(kind)->ok(s);
}

static bool only(struct str s, const char *letters)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] == '\0' || strchr(letters, s.at[i]) == NULL)
            return false;
    return s.len > 0;
}

static bool is_ipv4(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return has_form(STIX_KIND_IPV4, s);
}

static bool is_ipv6(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return has_form(STIX_KIND_IPV6, s);
}

/* At least two labels, the last of them no number: 1.2.3 and 999.999.999.999 are no names. */
static bool is_domain(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    if (!has_form(STIX_KIND_DOMAIN, s))
        return false;
    if (s.at[s.len - 1] == '.')
        s.len--;
    size_t top = s.len;
    while (top > 0 && s.at[top - 1] != '.')
        top--;
    return top > 0 && !only((struct str) {s.at + top, s.len - top}, "0123456789");
}

/* host [":" port] of RFC 3986 section 3.2, what stands before "@" already gone. */
static bool is_authority(struct str s)
{
    struct str host, rest = s;
    if (s.len > 0 && s.at[0] == '[') {
        host = str_cut(&rest, ']');
        host = (struct str) {host.at + 1, host.len - 1};
        if (memchr(host.at, '/', host.len) != NULL || !has_form(STIX_KIND_IPV6, host))
            return false;
        if (rest.len == 0)
            return s.at[s.len - 1] == ']';
        if (rest.at[0] != ':')
            return false;
        rest = (struct str) {rest.at + 1, rest.len - 1};
    } else {
        host = str_cut(&rest, ':');
        if (!has_form(STIX_KIND_DOMAIN, host))
            return false;
    }
    uint64_t port;
    return rest.len == 0 || str_to_u64(rest, UINT16_MAX, &port);
}

/* scheme "://" host, and no blank or control character anywhere. The rest may have what RFC 3986 wants
 * encoded: such addresses are seen. */
static bool is_url(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    struct str rest = s;
    struct str scheme = str_cut(&rest, ':');
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] <= ' ' || s.at[i] == 0x7f)
            return false;
    if (rest.len < 3 || !has_form(STIX_KIND_URL, (struct str) {s.at, scheme.len + 1}) ||
        !str_starts(rest, STR("//")))
        return false;
    rest = (struct str) {rest.at + 2, rest.len - 2};
    size_t end = 0, from = 0;
    while (end < rest.len && strchr("/?#", rest.at[end]) == NULL)
        end++;
    for (size_t i = 0; i < end; i++)
        if (rest.at[i] == '@')
            from = i + 1;
    return is_authority((struct str) {rest.at + from, end - from});
}

/* A dot-atom or a quoted string, "@" and a domain name. */
static bool is_email(const struct csv_kind *kind, struct str s)
{
    size_t at = s.len;
    while (at > 0 && s.at[at - 1] != '@')
        at--;
    if (at < 2 || at > 65 || !is_domain(kind, (struct str) {s.at + at, s.len - at}))
        return false;
    struct str local = {s.at, at - 1};
    if (local.at[0] == '"')
        return local.len > 2 && local.at[local.len - 1] == '"';
    for (size_t i = 0; i < local.len; i++)
        if ((uint8_t)local.at[i] <= ' ' || strchr("\x7f()<>[]:;@\\,\"", local.at[i]) != NULL)
            return false;
    if (local.at[local.len - 1] == '.')
        return false;
    for (struct str rest = local; rest.len > 0;)
        if (str_cut(&rest, '.').len == 0)
            return false;
    return true;
}

static bool is_mac(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return has_form(STIX_KIND_MAC, s);
}

static bool is_hex(const struct csv_kind *kind, struct str s)
{
    return s.len == kind->digits && only(s, "0123456789abcdefABCDEF");
}

static bool is_text(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return s.len > 0;
}

/* What a value can be: the path of its pattern, and the property of its observable. */
static const struct csv_kind kinds[] = {
    {{"ipv4-addr", 9}, {"ipv4-addr", 9}, {"ipv4-addr:value", 15}, {"value", 5}, 0, is_ipv4},
    {{"ipv6-addr", 9}, {"ipv6-addr", 9}, {"ipv6-addr:value", 15}, {"value", 5}, 0, is_ipv6},
    {{"url", 3}, {"url", 3}, {"url:value", 9}, {"value", 5}, 0, is_url},
    {{"email-addr", 10}, {"email-addr", 10}, {"email-addr:value", 16}, {"value", 5}, 0, is_email},
    {{"domain-name", 11}, {"domain-name", 11}, {"domain-name:value", 17}, {"value", 5}, 0, is_domain},
    {{"mac-addr", 8}, {"mac-addr", 8}, {"mac-addr:value", 14}, {"value", 5}, 0, is_mac},
    {{"mutex", 5}, {"mutex", 5}, {"mutex:name", 10}, {"name", 4}, 0, is_text},
    {{"md5", 3}, {"file", 4}, {"file:hashes.MD5", 15}, {"MD5", 3}, 32, is_hex},
    {{"sha1", 4}, {"file", 4}, {"file:hashes.'SHA-1'", 19}, {"SHA-1", 5}, 40, is_hex},
    {{"sha256", 6}, {"file", 4}, {"file:hashes.'SHA-256'", 21}, {"SHA-256", 7}, 64, is_hex},
    {{"sha512", 6}, {"file", 4}, {"file:hashes.'SHA-512'", 21}, {"SHA-512", 7}, 128, is_hex},
};

/* Changes only what has the shape of a MAC-48 address, with one separator throughout. */
static void mend_mac(struct buf *value)
{
    enum { MAC_BYTES = 17 };
    if (value->len != MAC_BYTES || (value->at[2] != ':' && value->at[2] != '-'))
        return;
    char mended[MAC_BYTES];
    for (size_t i = 0; i < MAC_BYTES; i++) {
        if (i % 3 == 2 && value->at[i] != value->at[2])
            return;
        mended[i] = i % 3 == 2 ? ':' : str_lower((char)value->at[i]);
    }
    if (has_form(STIX_KIND_MAC, (struct str) {mended, MAC_BYTES}))
        memcpy(value->at, mended, MAC_BYTES);
}

const struct csv_kind *csv_kind_of(struct str name, struct buf *value)
{
    bool automatic = str_eq(name, STR("auto"));
    if (automatic || str_eq(name, STR("mac-addr")))
        mend_mac(value);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bool mine = automatic ? kinds[i].ok != is_text : str_eq(kinds[i].name, name);
        if (mine && kinds[i].ok(&kinds[i], buf_str(value)))
            return &kinds[i];
    }
    return NULL;
}
