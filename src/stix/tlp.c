#include "core/uuid.h"
#include "stix/marking.h"

/* Section 7.2.1 (TLP 1.0) and the OASIS CTI common objects (TLP 2.0). */
static const struct {
    uint8_t uuid[UUID_SIZE];
    enum stix_tlp tlp;
    bool other; /* not an id that everybody has */
} fixed[] = {
    /* 613f2e26-407d-48c7-9eca-b8e91df99dc9 */
    {{0x61, 0x3f, 0x2e, 0x26, 0x40, 0x7d, 0x48, 0xc7, 0x9e, 0xca, 0xb8, 0xe9, 0x1d, 0xf9, 0x9d, 0xc9},
     STIX_TLP_CLEAR,
     false},
    /* 34098fce-860f-48ae-8e50-ebd3cc5e41da */
    {{0x34, 0x09, 0x8f, 0xce, 0x86, 0x0f, 0x48, 0xae, 0x8e, 0x50, 0xeb, 0xd3, 0xcc, 0x5e, 0x41, 0xda},
     STIX_TLP_GREEN,
     false},
    /* f88d31f6-486f-44da-b317-01333bde0b82 */
    {{0xf8, 0x8d, 0x31, 0xf6, 0x48, 0x6f, 0x44, 0xda, 0xb3, 0x17, 0x01, 0x33, 0x3b, 0xde, 0x0b, 0x82},
     STIX_TLP_AMBER,
     false},
    /* 5e57c739-391a-4eb3-b6be-7d15ca92d5ed */
    {{0x5e, 0x57, 0xc7, 0x39, 0x39, 0x1a, 0x4e, 0xb3, 0xb6, 0xbe, 0x7d, 0x15, 0xca, 0x92, 0xd5, 0xed},
     STIX_TLP_RED,
     false},
    /* 94868c89-83c2-464b-929b-a1a8aa3c8487 */
    {{0x94, 0x86, 0x8c, 0x89, 0x83, 0xc2, 0x46, 0x4b, 0x92, 0x9b, 0xa1, 0xa8, 0xaa, 0x3c, 0x84, 0x87},
     STIX_TLP_CLEAR,
     false},
    /* bab4a63c-aed9-4cf5-a766-dfca5abac2bb */
    {{0xba, 0xb4, 0xa6, 0x3c, 0xae, 0xd9, 0x4c, 0xf5, 0xa7, 0x66, 0xdf, 0xca, 0x5a, 0xba, 0xc2, 0xbb},
     STIX_TLP_GREEN,
     false},
    /* 55d920b0-5e8b-4f79-9ee9-91f868d9b421 */
    {{0x55, 0xd9, 0x20, 0xb0, 0x5e, 0x8b, 0x4f, 0x79, 0x9e, 0xe9, 0x91, 0xf8, 0x68, 0xd9, 0xb4, 0x21},
     STIX_TLP_AMBER,
     false},
    /* 939a9414-2ddd-4d32-a0cd-375ea402b003 */
    {{0x93, 0x9a, 0x94, 0x14, 0x2d, 0xdd, 0x4d, 0x32, 0xa0, 0xcd, 0x37, 0x5e, 0xa4, 0x02, 0xb0, 0x03},
     STIX_TLP_AMBER_STRICT,
     false},
    /* e828b379-4e03-4974-9ac4-e53a884c97c1 */
    {{0xe8, 0x28, 0xb3, 0x79, 0x4e, 0x03, 0x49, 0x74, 0x9a, 0xc4, 0xe5, 0x3a, 0x88, 0x4c, 0x97, 0xc1},
     STIX_TLP_RED,
     false},
    /* 826578e1-40ad-459f-bc73-ede076f81f37: derived by OpenCTI from "TLP" and "TLP:AMBER+STRICT" */
    {{0x82, 0x65, 0x78, 0xe1, 0x40, 0xad, 0x45, 0x9f, 0xbc, 0x73, 0xed, 0xe0, 0x76, 0xf8, 0x1f, 0x37},
     STIX_TLP_AMBER_STRICT,
     true},
};

static const char *const names[] = {
    [STIX_TLP_NONE] = "none",
    [STIX_TLP_CLEAR] = "clear",
    [STIX_TLP_GREEN] = "green",
    [STIX_TLP_AMBER] = "amber",
    [STIX_TLP_AMBER_STRICT] = "amber+strict",
    [STIX_TLP_RED] = "red",
};

/* Position in `fixed`; -1 for any other key. */
static int find(const struct stix_key *key)
{
    const struct stix_type *definition = stix_type_row(STIX_TYPE_MARKING_DEFINITION);
    if (memcmp(key->b + UUID_SIZE, definition->digest, STIX_TYPE_DIGEST_SIZE) != 0)
        return -1;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (memcmp(key->b, fixed[i].uuid, UUID_SIZE) == 0)
            return (int)i;
    return -1;
}

bool stix_tlp_from_key(const struct stix_key *key, enum stix_tlp *out)
{
    int at = find(key);
    if (at >= 0)
        *out = fixed[at].tlp;
    return at >= 0;
}

struct stix_key stix_tlp_key(enum stix_tlp tlp)
{
    struct stix_key key = {0};
    must(tlp > STIX_TLP_NONE && tlp <= STIX_TLP_RED);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) /* those of 2.0 stand behind those of 1.0 */
        if (fixed[i].tlp == tlp && !fixed[i].other)
            memcpy(key.b, fixed[i].uuid, UUID_SIZE);
    memcpy(key.b + UUID_SIZE, stix_type_row(STIX_TYPE_MARKING_DEFINITION)->digest, STIX_TYPE_DIGEST_SIZE);
    return key;
}

bool stix_tlp_is_fixed(const struct stix_key *key)
{
    int at = find(key);
    return at >= 0 && !fixed[at].other;
}

bool stix_tlp_from_label(struct str label, enum stix_tlp *out)
{
    char text[24];
    struct str rest = str_trim(label);
    size_t len = 0;
    if (rest.len >= sizeof text)
        return false;
    for (size_t i = 0; i < rest.len; i++) {
        char c = rest.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        else if (c == ' ' || c == '-' || c == '_')
            c = '+';
        text[len++] = c;
    }
    struct str name = {text, len};
    if (str_starts(name, STR("tlp:")))
        name = str_trim((struct str) {text + 4, len - 4});
    return stix_tlp_from_name(name, out);
}

bool stix_tlp_from_name(struct str name, enum stix_tlp *out)
{
    static const struct {
        struct str name;
        enum stix_tlp tlp;
    } others[] = {{{"white", 5}, STIX_TLP_CLEAR}, {{"amber_strict", 12}, STIX_TLP_AMBER_STRICT}};
    for (unsigned tlp = STIX_TLP_CLEAR; tlp <= STIX_TLP_RED; tlp++) {
        if (str_eq(name, str_of(names[tlp]))) {
            *out = (enum stix_tlp)tlp;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (str_eq(name, others[i].name)) {
            *out = others[i].tlp;
            return true;
        }
    }
    return false;
}

const char *stix_tlp_name(enum stix_tlp tlp)
{
    must((unsigned)tlp <= STIX_TLP_RED);
    return names[tlp];
}
