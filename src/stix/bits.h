/* Sets of object types: a bit per enum stix_code, bit 0 for types the standard does not define. Private to
 * stix/. */
#pragma once

#include "stix/stix.h"

#define BIT(code) (UINT64_C(1) << STIX_TYPE_##code)
#define CUSTOM    BIT(UNKNOWN)
#define SDO_BITS                                                                                             \
    (BIT(ATTACK_PATTERN) | BIT(CAMPAIGN) | BIT(COURSE_OF_ACTION) | BIT(GROUPING) | BIT(IDENTITY) |           \
     BIT(INCIDENT) | BIT(INDICATOR) | BIT(INFRASTRUCTURE) | BIT(INTRUSION_SET) | BIT(LOCATION) |             \
     BIT(MALWARE) | BIT(MALWARE_ANALYSIS) | BIT(NOTE) | BIT(OBSERVED_DATA) | BIT(OPINION) | BIT(REPORT) |    \
     BIT(THREAT_ACTOR) | BIT(TOOL) | BIT(VULNERABILITY))
#define SCO_BITS                                                                                             \
    (BIT(ARTIFACT) | BIT(AUTONOMOUS_SYSTEM) | BIT(DIRECTORY) | BIT(DOMAIN_NAME) | BIT(EMAIL_ADDR) |          \
     BIT(EMAIL_MESSAGE) | BIT(FILE) | BIT(IPV4_ADDR) | BIT(IPV6_ADDR) | BIT(MAC_ADDR) | BIT(MUTEX) |         \
     BIT(NETWORK_TRAFFIC) | BIT(PROCESS) | BIT(SOFTWARE) | BIT(URL) | BIT(USER_ACCOUNT) |                    \
     BIT(WINDOWS_REGISTRY_KEY) | BIT(X509_CERTIFICATE))
