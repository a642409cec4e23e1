/* Forms of values: those of stix/check.c, and what a list needs beyond them. */
#include "feeds/csv_value.h"

#include "feeds/form.h"
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

static bool is_domain(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return form_domain(s);
}

static bool is_url(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return form_url(s);
}

static bool is_email(const struct csv_kind *kind, struct str s)
{
    (void)kind;
    return form_email(s);
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

bool csv_kind_known(struct str name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(kinds[i].name, name))
            return true;
    return false;
}
