#include "feeds/form.h"

#include "feeds/refang.h"
#include "stix/shape.h"

static bool has_form(uint8_t kind, struct str s)
{
    return stix_format(kind)->ok(s);
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

bool form_domain(struct str s)
{
    if (!has_form(STIX_KIND_DOMAIN, s))
        return false;
    if (s.at[s.len - 1] == '.')
        s.len--;
    size_t top = s.len;
    while (top > 0 && s.at[top - 1] != '.')
        top--;
    return top > 0 && !is_number((struct str) {s.at + top, s.len - top});
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

bool form_url(struct str s)
{
    struct str rest = s;
    struct str scheme = str_cut(&rest, ':');
    for (size_t i = 0; i < s.len; i++)
        if ((uint8_t)s.at[i] <= ' ' || s.at[i] == 0x7f)
            return false;
    if (rest.len < 3 || feeds_is_defanged(s) ||
        !has_form(STIX_KIND_URL, (struct str) {s.at, scheme.len + 1}) || !str_starts(rest, STR("//")))
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

bool form_email(struct str s)
{
    size_t at = s.len;
    while (at > 0 && s.at[at - 1] != '@')
        at--;
    if (at < 2 || at > 65 || !form_domain((struct str) {s.at + at, s.len - at}))
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
