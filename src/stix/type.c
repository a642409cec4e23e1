#include "stix/stix.h"

enum { NAME_LEN_MAX = 20, SAME_LEN_MAX = 9 };

static const struct stix_type rows[STIX_TYPE_COUNT] = {
    [STIX_TYPE_UNKNOWN] = {"", {0}, STIX_CUSTOM, STIX_TYPE_UNKNOWN, true, "11.2"},
#define STIX_TYPE(code, name, category, versioned, section, table, ...)                                      \
    [STIX_TYPE_##code] = {name, {__VA_ARGS__}, STIX_##category, STIX_TYPE_##code, versioned, section},
#include "stix/types.inc"
#undef STIX_TYPE
};

/* By length of the name, closed by STIX_TYPE_UNKNOWN: one comparison settles most look-ups. A test finds
 * every row. */
static const uint8_t by_length[NAME_LEN_MAX + 1][SAME_LEN_MAX] = {
    [3] = {STIX_TYPE_URL},
    [4] = {STIX_TYPE_NOTE, STIX_TYPE_TOOL, STIX_TYPE_FILE},
    [5] = {STIX_TYPE_MUTEX},
    [6] = {STIX_TYPE_REPORT},
    [7] = {STIX_TYPE_MALWARE, STIX_TYPE_OPINION, STIX_TYPE_PROCESS},
    [8] = {STIX_TYPE_CAMPAIGN, STIX_TYPE_GROUPING, STIX_TYPE_IDENTITY, STIX_TYPE_INCIDENT, STIX_TYPE_LOCATION,
           STIX_TYPE_SIGHTING, STIX_TYPE_ARTIFACT, STIX_TYPE_MAC_ADDR, STIX_TYPE_SOFTWARE},
    [9] = {STIX_TYPE_INDICATOR, STIX_TYPE_DIRECTORY, STIX_TYPE_IPV4_ADDR, STIX_TYPE_IPV6_ADDR},
    [10] = {STIX_TYPE_EMAIL_ADDR},
    [11] = {STIX_TYPE_DOMAIN_NAME},
    [12] = {STIX_TYPE_THREAT_ACTOR, STIX_TYPE_RELATIONSHIP, STIX_TYPE_USER_ACCOUNT},
    [13] = {STIX_TYPE_INTRUSION_SET, STIX_TYPE_OBSERVED_DATA, STIX_TYPE_VULNERABILITY,
            STIX_TYPE_EMAIL_MESSAGE},
    [14] = {STIX_TYPE_ATTACK_PATTERN, STIX_TYPE_INFRASTRUCTURE},
    [15] = {STIX_TYPE_NETWORK_TRAFFIC},
    [16] = {STIX_TYPE_COURSE_OF_ACTION, STIX_TYPE_MALWARE_ANALYSIS, STIX_TYPE_X509_CERTIFICATE,
            STIX_TYPE_LANGUAGE_CONTENT},
    [17] = {STIX_TYPE_AUTONOMOUS_SYSTEM},
    [18] = {STIX_TYPE_MARKING_DEFINITION},
    [20] = {STIX_TYPE_WINDOWS_REGISTRY_KEY, STIX_TYPE_EXTENSION_DEFINITION},
};

const struct stix_type *stix_type_find(struct str name)
{
    if (name.len > NAME_LEN_MAX)
        return &rows[STIX_TYPE_UNKNOWN];
    for (const uint8_t *code = by_length[name.len]; *code != STIX_TYPE_UNKNOWN; code++)
        if (rows[*code].name[0] == name.at[0] && str_eq_bytes(rows[*code].name, name.at, name.len))
            return &rows[*code];
    return &rows[STIX_TYPE_UNKNOWN];
}

const struct stix_type *stix_type_row(enum stix_code code)
{
    must((unsigned)code < STIX_TYPE_COUNT);
    return &rows[code];
}
