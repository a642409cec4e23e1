#include "stix/shape.h"

#include "stix/bits.h"

#define TARGETS_ANY                   UINT64_MAX
#define TARGETS_IDENTITY              BIT(IDENTITY)
#define TARGETS_MARKINGS              BIT(MARKING_DEFINITION)
#define TARGETS_SDOS                  (SDO_BITS | CUSTOM)
#define TARGETS_SCOS                  (SCO_BITS | CUSTOM)
#define TARGETS_SCOS_AND_SROS         (SCO_BITS | CUSTOM | BIT(RELATIONSHIP) | BIT(SIGHTING))
#define TARGETS_ENDS                  (SDO_BITS | SCO_BITS | CUSTOM)
#define TARGETS_PLACES                (BIT(IDENTITY) | BIT(LOCATION))
#define TARGETS_OBSERVED_DATA         BIT(OBSERVED_DATA)
#define TARGETS_SOFTWARE              BIT(SOFTWARE)
#define TARGETS_SAMPLES               (BIT(FILE) | BIT(ARTIFACT))
#define TARGETS_SAMPLES_AND_TRAFFIC   (BIT(FILE) | BIT(ARTIFACT) | BIT(NETWORK_TRAFFIC))
#define TARGETS_FILES_AND_DIRECTORIES (BIT(FILE) | BIT(DIRECTORY))
#define TARGETS_FILES_AND_ARTIFACTS   (BIT(FILE) | BIT(ARTIFACT))
#define TARGETS_DOMAIN_TARGETS        (BIT(IPV4_ADDR) | BIT(IPV6_ADDR) | BIT(DOMAIN_NAME))
#define TARGETS_NETWORK_ENDS          (BIT(IPV4_ADDR) | BIT(IPV6_ADDR) | BIT(MAC_ADDR) | BIT(DOMAIN_NAME))
#define TARGETS_USER_ACCOUNT          BIT(USER_ACCOUNT)
#define TARGETS_EMAIL_ADDR            BIT(EMAIL_ADDR)
#define TARGETS_ARTIFACT              BIT(ARTIFACT)
#define TARGETS_DIRECTORY             BIT(DIRECTORY)
#define TARGETS_MAC_ADDR              BIT(MAC_ADDR)
#define TARGETS_AUTONOMOUS_SYSTEM     BIT(AUTONOMOUS_SYSTEM)
#define TARGETS_NETWORK_TRAFFIC       BIT(NETWORK_TRAFFIC)
#define TARGETS_FILE                  BIT(FILE)
#define TARGETS_PROCESS               BIT(PROCESS)

#define W(word)                                                                                              \
    {                                                                                                        \
        word, sizeof word - 1                                                                                \
    }
#define TERMS(code, name, section, open, ...) static const struct str words_##code[] = {__VA_ARGS__};
#include "stix/terms.inc"
#undef TERMS

enum { CLOSED = false, OPEN = true };
static const struct stix_terms vocabularies[STIX_TERMS_COUNT] = {
#define TERMS(code, name, section, open, ...)                                                                \
    [STIX_TERMS_##code] = {words_##code, sizeof words_##code / sizeof words_##code[0], section, open,        \
                           "not a term of " name},
#include "stix/terms.inc"
#undef TERMS
};

/* Numbers: integers stay within 53 bits (section 2.10). */
enum {
    RANGE_ANY,
    RANGE_NATURAL,
    RANGE_PORT,
    RANGE_COUNT_OF,
    RANGE_OBSERVED,
    RANGE_CONFIDENCE,
    RANGE_LATITUDE,
    RANGE_LONGITUDE,
    RANGE_LAST
};
#define RANGE_COUNT RANGE_COUNT_OF
#define EXACT_MAX   9007199254740991.0

static const struct stix_range ranges[RANGE_LAST] = {
    [RANGE_ANY] = {-EXACT_MAX, EXACT_MAX}, [RANGE_NATURAL] = {0, EXACT_MAX},  [RANGE_PORT] = {0, 65535},
    [RANGE_COUNT_OF] = {0, 999999999},     [RANGE_OBSERVED] = {1, 999999999}, [RANGE_CONFIDENCE] = {0, 100},
    [RANGE_LATITUDE] = {-90, 90},          [RANGE_LONGITUDE] = {-180, 180},
};

#define REQ  STIX_PROP_REQUIRED
#define LIST STIX_PROP_LIST
#define OPT  0
#define ROW(name, kind_, flags_, role_, bound_, targets_)                                                    \
    {#name, sizeof #name - 1, STIX_KIND_##kind_, flags_, STIX_REF_##role_, bound_, STIX_SLOT_NONE, targets_},

#define SHAPE(name, section, some)      static const struct stix_prop props_##name[] = {
#define PROP(name, kind, flags)         ROW(name, kind, flags, OTHER, 0, TARGETS_ANY)
#define REF(name, flags, role, targets) ROW(name, REF, flags, role, 0, TARGETS_##targets)
#define SUB(name, flags, shape)         ROW(name, SHAPE, flags, OTHER, STIX_SHAPE_##shape, TARGETS_ANY)
#define VAL(name, kind, flags, bound)   ROW(name, kind, flags, OTHER, bound, TARGETS_ANY)
#define WORD(name, flags, terms)        ROW(name, TERM, flags, OTHER, STIX_TERMS_##terms, TARGETS_ANY)
#define END(name)                                                                                            \
    }                                                                                                        \
    ;
#include "stix/shapes.inc"
#undef SHAPE
#undef PROP
#undef REF
#undef SUB
#undef VAL
#undef WORD
#undef END

enum { ANY = false, SOME = true };
static const struct stix_shape shapes[STIX_SHAPE_COUNT] = {
    [STIX_SHAPE_NONE] = {NULL, 0, "11.1", false},
#define SHAPE(name, section, some)                                                                           \
    [STIX_SHAPE_##name] = {props_##name, sizeof props_##name / sizeof props_##name[0], section, some},
#define PROP(...)
#define REF(...)
#define SUB(...)
#define VAL(...)
#define WORD(...)
#define END(name)
#include "stix/shapes.inc"
};

static const uint8_t shape_of_type[STIX_TYPE_COUNT] = {
#define STIX_TYPE(code, name, category, versioned, section, table, ...)                                      \
    [STIX_TYPE_##code] = STIX_SHAPE_##table,
#include "stix/types.inc"
#undef STIX_TYPE
};

static const struct {
    struct str key;
    enum stix_shape_code shape;
    enum stix_code owner;
} extensions[] = {
    {W("archive-ext"), STIX_SHAPE_archive_ext, STIX_TYPE_FILE},
    {W("ntfs-ext"), STIX_SHAPE_ntfs_ext, STIX_TYPE_FILE},
    {W("pdf-ext"), STIX_SHAPE_pdf_ext, STIX_TYPE_FILE},
    {W("raster-image-ext"), STIX_SHAPE_raster_image_ext, STIX_TYPE_FILE},
    {W("windows-pebinary-ext"), STIX_SHAPE_windows_pebinary_ext, STIX_TYPE_FILE},
    {W("http-request-ext"), STIX_SHAPE_http_request_ext, STIX_TYPE_NETWORK_TRAFFIC},
    {W("icmp-ext"), STIX_SHAPE_icmp_ext, STIX_TYPE_NETWORK_TRAFFIC},
    {W("socket-ext"), STIX_SHAPE_socket_ext, STIX_TYPE_NETWORK_TRAFFIC},
    {W("tcp-ext"), STIX_SHAPE_tcp_ext, STIX_TYPE_NETWORK_TRAFFIC},
    {W("windows-process-ext"), STIX_SHAPE_windows_process_ext, STIX_TYPE_PROCESS},
    {W("windows-service-ext"), STIX_SHAPE_windows_service_ext, STIX_TYPE_PROCESS},
    {W("unix-account-ext"), STIX_SHAPE_unix_account_ext, STIX_TYPE_USER_ACCOUNT},
};

#define COMMON(name, kind_, flags_, role_, bound_, slot_, targets_)                                          \
    [STIX_SLOT_##slot_] = {#name,  sizeof #name - 1,  STIX_KIND_##kind_, flags_, STIX_REF_##role_,           \
                           bound_, STIX_SLOT_##slot_, TARGETS_##targets_},
/* clang-format off */
static const struct stix_prop commons[] = {
    COMMON(type, STRING, OPT, OTHER, 0, TYPE, ANY)
    COMMON(spec_version, STRING, OPT, OTHER, 0, SPEC_VERSION, ANY)
    COMMON(id, ID, OPT, OTHER, 0, ID, ANY)
    COMMON(created_by_ref, REF, OPT, CREATED_BY, 0, CREATED_BY, IDENTITY)
    COMMON(created, TIME, OPT, OTHER, 0, CREATED, ANY)
    COMMON(modified, TIME, OPT, OTHER, 0, MODIFIED, ANY)
    COMMON(revoked, BOOL, OPT, OTHER, 0, REVOKED, ANY)
    COMMON(labels, STRING, LIST, OTHER, 0, LABELS, ANY)
    COMMON(confidence, INT, OPT, OTHER, RANGE_CONFIDENCE, CONFIDENCE, ANY)
    COMMON(lang, LANG, OPT, OTHER, 0, LANG, ANY)
    COMMON(external_references, SHAPE, LIST, OTHER, STIX_SHAPE_external_reference, EXTERNAL_REFERENCES, ANY)
    COMMON(object_marking_refs, REF, LIST, MARKING, 0, OBJECT_MARKINGS, MARKINGS)
    COMMON(granular_markings, SHAPE, LIST, OTHER, STIX_SHAPE_granular_marking, GRANULAR_MARKINGS, ANY)
    COMMON(defanged, BOOL, OPT, OTHER, 0, DEFANGED, ANY)
    COMMON(extensions, EXTENSIONS, OPT, OTHER, 0, EXTENSIONS, ANY)
};
/* clang-format on */

enum { COMMON_LEN_MAX = 19 };
/* No two common names of one length begin with the same letter; at most two have the same length. */
static const uint8_t common_by_length[COMMON_LEN_MAX + 1][2] = {
    [2] = {STIX_SLOT_ID},
    [4] = {STIX_SLOT_TYPE, STIX_SLOT_LANG},
    [6] = {STIX_SLOT_LABELS},
    [7] = {STIX_SLOT_CREATED, STIX_SLOT_REVOKED},
    [8] = {STIX_SLOT_MODIFIED, STIX_SLOT_DEFANGED},
    [10] = {STIX_SLOT_CONFIDENCE, STIX_SLOT_EXTENSIONS},
    [12] = {STIX_SLOT_SPEC_VERSION},
    [14] = {STIX_SLOT_CREATED_BY},
    [17] = {STIX_SLOT_GRANULAR_MARKINGS},
    [19] = {STIX_SLOT_EXTERNAL_REFERENCES, STIX_SLOT_OBJECT_MARKINGS},
};

const struct stix_shape *stix_shape(enum stix_shape_code code)
{
    must((unsigned)code < STIX_SHAPE_COUNT);
    return &shapes[code];
}

const struct stix_shape *stix_shape_of_type(enum stix_code code)
{
    must((unsigned)code < STIX_TYPE_COUNT);
    return &shapes[shape_of_type[code]];
}

const struct stix_shape *stix_shape_of_extension(struct str key)
{
    if (!str_ends(key, STR("-ext")))
        return NULL;
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (str_eq(key, extensions[i].key))
            return &shapes[extensions[i].shape];
    return NULL;
}

enum stix_code stix_extension_owner(const struct stix_shape *shape)
{
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++)
        if (shape == &shapes[extensions[i].shape])
            return extensions[i].owner;
    return STIX_TYPE_UNKNOWN;
}

/* Lengths differ far more often than first letters, and those more often than the rest. */
static int order_names(const struct stix_prop *prop, struct str name)
{
    if (prop->len != name.len)
        return prop->len < name.len ? -1 : 1;
    if (prop->name[0] != name.at[0])
        return (uint8_t)prop->name[0] < (uint8_t)name.at[0] ? -1 : 1;
    return str_eq_bytes(prop->name, name.at, name.len) ? 0 : memcmp(prop->name, name.at, name.len);
}

const struct stix_prop *stix_prop_find(const struct stix_shape *shape, struct str name)
{
    size_t low = 0, high = shape->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct stix_prop *prop = &shape->props[middle];
        int order = order_names(prop, name);
        if (order == 0)
            return prop;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct stix_prop *stix_prop_common(struct str name)
{
    if (name.len > COMMON_LEN_MAX)
        return NULL;
    for (size_t i = 0; i < 2; i++) {
        uint8_t slot = common_by_length[name.len][i];
        if (slot != STIX_SLOT_NONE && commons[slot].name[0] == name.at[0] &&
            str_eq_bytes(commons[slot].name, name.at, name.len))
            return &commons[slot];
    }
    return NULL;
}

#define SLOT(name) (UINT32_C(1) << STIX_SLOT_##name)

uint32_t stix_common_required(const struct stix_type *type)
{
    uint32_t always = SLOT(TYPE) | SLOT(ID);
    if (type->category == STIX_SCO || type->category == STIX_CUSTOM)
        return always;
    always |= SLOT(SPEC_VERSION) | SLOT(CREATED);
    if (type->code == STIX_TYPE_MARKING_DEFINITION)
        return always;
    if (type->code == STIX_TYPE_EXTENSION_DEFINITION)
        always |= SLOT(CREATED_BY);
    return always | SLOT(MODIFIED);
}

uint32_t stix_common_excluded(const struct stix_type *type)
{
    static const uint32_t versioning = SLOT(CREATED_BY) | SLOT(REVOKED) | SLOT(LABELS) | SLOT(CONFIDENCE) |
                                       SLOT(LANG) | SLOT(EXTERNAL_REFERENCES);
    if (type->category == STIX_CUSTOM)
        return 0;
    if (type->category == STIX_SCO)
        return versioning | SLOT(CREATED) | SLOT(MODIFIED);
    switch (type->code) {
    case STIX_TYPE_LANGUAGE_CONTENT:
        return SLOT(LANG) | SLOT(DEFANGED);
    case STIX_TYPE_MARKING_DEFINITION:
        return SLOT(MODIFIED) | SLOT(REVOKED) | SLOT(LABELS) | SLOT(CONFIDENCE) | SLOT(LANG) | SLOT(DEFANGED);
    case STIX_TYPE_EXTENSION_DEFINITION:
        return SLOT(CONFIDENCE) | SLOT(LANG) | SLOT(DEFANGED) | SLOT(EXTENSIONS);
    default:
        return SLOT(DEFANGED);
    }
}

const struct stix_terms *stix_terms(uint8_t code)
{
    must(code < STIX_TERMS_COUNT);
    return &vocabularies[code];
}

bool stix_terms_have(const struct stix_terms *terms, struct str word)
{
    for (size_t i = 0; i < terms->count; i++)
        if (str_eq(terms->words[i], word))
            return true;
    return false;
}

struct stix_range stix_range(uint8_t bound)
{
    must(bound < RANGE_LAST);
    return ranges[bound];
}

enum stix_shape_code stix_shape_code(const struct stix_shape *shape)
{
    return (enum stix_shape_code)(shape - shapes);
}
