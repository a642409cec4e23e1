#include "taxii/text.h"

struct range {
    struct str type;
    struct str version; /* empty: none named */
    bool refused;       /* q=0 */
};

static struct str unquoted(struct str s)
{
    if (s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"')
        return (struct str) {s.at + 1, s.len - 2};
    return s;
}

/* "0", "0.", "0.000" */
static bool is_zero(struct str q)
{
    if (q.len == 0 || q.at[0] != '0')
        return false;
    for (size_t i = 1; i < q.len; i++) {
        if (q.at[i] != '0' && q.at[i] != '.')
            return false;
    }
    return true;
}

static struct range range_read(struct str text)
{
    struct range range = {0};
    range.type = str_trim(str_cut(&text, ';'));
    while (text.len > 0) {
        struct str value = str_cut(&text, ';');
        struct str name = str_trim(str_cut(&value, '='));
        value = unquoted(str_trim(value));
        if (str_same(name, STR("version")))
            range.version = value;
        else if (str_same(name, STR("q")))
            range.refused = is_zero(value);
    }
    return range;
}

static bool version_ok(struct str version)
{
    return version.len == 0 || str_eq(version, STR("2.1"));
}

/* How closely a range names TAXII_TYPE; 0: not at all. */
static int nearness(const struct range *range)
{
    if (str_same(range->type, STR("application/taxii+json")) && version_ok(range->version))
        return range->version.len > 0 ? 4 : 3;
    return str_same(range->type, STR("application/*")) ? 2 : str_eq(range->type, STR("*/*")) ? 1 : 0;
}

bool media_accepted(struct str accept)
{
    if (str_trim(accept).len == 0)
        return true;
    int nearest = 0;
    bool accepted = false;
    while (accept.len > 0) {
        struct range range = range_read(str_cut(&accept, ','));
        int near = nearness(&range);
        if (near > nearest || (near == nearest && near > 0 && !range.refused)) {
            nearest = near;
            accepted = !range.refused;
        }
    }
    return accepted;
}

enum media media_of(struct str content_type)
{
    struct range range = range_read(content_type);
    if (!version_ok(range.version))
        return MEDIA_OTHER;
    if (str_same(range.type, STR("application/taxii+json")))
        return range.version.len > 0 ? MEDIA_TAXII : MEDIA_TAXII_BARE;
    return str_same(range.type, STR("application/stix+json")) ? MEDIA_STIX : MEDIA_OTHER;
}
