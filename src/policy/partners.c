/* Partners by one attribute against a list. */
#include "policy/table.h"

static bool listed(struct policy_list list, struct str value)
{
    for (size_t i = 0; i < list.count; i++)
        if (str_eq(list.at[i], value))
            return true;
    return false;
}

/* USA.DHS.CISA is a part of USA.DHS, and what is said of the part may mean the whole. */
static bool touches(struct policy_list list, struct str value)
{
    for (size_t i = 0; i < list.count; i++) {
        struct str a = list.at[i], b = value;
        size_t len = a.len < b.len ? a.len : b.len;
        bool apart = len == 0 || memcmp(a.at, b.at, len) != 0;
        if (!apart && (a.len == b.len || (a.len > len ? a.at[len] : b.at[len]) == '.'))
            return true;
    }
    return false;
}

struct found {
    uint64_t has, in, out, touched; /* some value at all; in the list; not in it; perhaps meant */
};

static struct found look(const struct policy *policy, struct str key, struct policy_list list)
{
    struct found found = {0, 0, 0, 0};
    for (uint32_t i = 0; policy != NULL && i < policy->attributes.count; i++) {
        const struct attribute *attribute = &policy->attributes.at[i];
        if (attribute->of != OF_PARTNER || !str_eq(attribute->key, key))
            continue;
        uint64_t bit = 1ull << attribute->holder;
        bool in = listed(list, attribute->value);
        found.has |= bit;
        found.in |= in ? bit : 0;
        found.out |= in ? 0 : bit;
        found.touched |= touches(list, attribute->value) ? bit : 0;
    }
    return found;
}

uint64_t policy_partners_within(const struct policy *policy, struct str key, struct policy_list list)
{
    struct found found = look(policy, key, list);
    return found.in & ~found.out;
}

uint64_t policy_partners_any(const struct policy *policy, struct str key, struct policy_list list)
{
    return look(policy, key, list).in;
}

uint64_t policy_partners_touched(const struct policy *policy, struct str key, struct policy_list list)
{
    struct found found = look(policy, key, list);
    return found.touched | ~found.has;
}

uint64_t policy_partners_holding(const struct policy *policy, struct str key, struct policy_list list)
{
    uint64_t holding = UINT64_MAX;
    for (size_t i = 0; i < list.count; i++)
        holding &= look(policy, key, (struct policy_list) {&list.at[i], 1}).in;
    return holding;
}

uint64_t policy_partners_beside(const struct policy *policy, struct str key, unsigned partner)
{
    uint64_t mask = 0;
    for (uint32_t i = 0; policy != NULL && i < policy->attributes.count; i++) {
        const struct attribute *attribute = &policy->attributes.at[i];
        if (attribute->of == OF_PARTNER && attribute->holder == partner && str_eq(attribute->key, key))
            mask |= policy_partners_any(policy, key, (struct policy_list) {&attribute->value, 1});
    }
    return mask;
}
