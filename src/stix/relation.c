#include "stix/bits.h"
#include "stix/shape.h"

static const struct {
    uint8_t source; /* enum stix_code */
    uint8_t len;
    const char *verb;
    uint64_t targets;
} relations[] = {
#define RELATION(source, verb, targets) {STIX_TYPE_##source, sizeof verb - 1, verb, targets},
#include "stix/relations.inc"
#undef RELATION
};

/* Section 3.7: any source with any target, or with one of its own type. */
static bool common(const struct stix_type *source, struct str verb, const struct stix_type *target)
{
    if (str_eq(verb, STR("related-to")))
        return true;
    return source == target && (str_eq(verb, STR("derived-from")) || str_eq(verb, STR("duplicate-of")));
}

bool stix_relation_known(const struct stix_type *source, struct str verb, const struct stix_type *target)
{
    if (source->code == STIX_TYPE_UNKNOWN || target->code == STIX_TYPE_UNKNOWN)
        return true;
    for (size_t i = 0; i < sizeof relations / sizeof relations[0]; i++)
        if (relations[i].source == source->code && relations[i].len == verb.len &&
            (relations[i].targets >> target->code & 1) != 0 &&
            memcmp(relations[i].verb, verb.at, verb.len) == 0)
            return true;
    return common(source, verb, target);
}
