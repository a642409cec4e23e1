/* What the type that stands in an object's key says to deciding. */
#include "gate/state.h"

static bool type_is(const struct stix_key *key, enum stix_code code)
{
    return memcmp(key->b + 16, stix_type_row(code)->digest, STIX_TYPE_DIGEST_SIZE) == 0;
}

bool key_is_observable(const struct stix_key *key)
{
    for (int code = STIX_TYPE_UNKNOWN + 1; code < STIX_TYPE_COUNT; code++)
        if (stix_type_row((enum stix_code)code)->category == STIX_SCO && type_is(key, (enum stix_code)code))
            return true;
    return false;
}

bool key_is_marking(const struct stix_key *key)
{
    return type_is(key, STIX_TYPE_MARKING_DEFINITION);
}

bool key_is_definition(const struct stix_key *key)
{
    return key_is_marking(key) || type_is(key, STIX_TYPE_EXTENSION_DEFINITION);
}

bool key_comes_along(const struct stix_key *key)
{
    return key_is_definition(key) || type_is(key, STIX_TYPE_IDENTITY) || key_is_observable(key);
}

int key_rank(const struct stix_key *key)
{
    static const enum stix_code containers[] = {STIX_TYPE_GROUPING,      STIX_TYPE_NOTE,
                                                STIX_TYPE_OBSERVED_DATA, STIX_TYPE_OPINION,
                                                STIX_TYPE_REPORT,        STIX_TYPE_LANGUAGE_CONTENT};
    if (key_is_definition(key))
        return 0;
    if (type_is(key, STIX_TYPE_IDENTITY))
        return 1;
    if (key_comes_along(key))
        return 2;
    if (type_is(key, STIX_TYPE_RELATIONSHIP) || type_is(key, STIX_TYPE_SIGHTING))
        return 4;
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (type_is(key, containers[i]))
            return 5;
    return 3;
}
