#include "core/hash.h"
#include "core/limit.h"
#include "core/uuid.h"
#include "stix/shape.h"

enum { TYPE_NAME_MIN = 3, TYPE_NAME_MAX = 250, ID_TAIL = 2 + UUID_TEXT_SIZE };

/* Section 2.9 with 3.1 and 11.2.1: lower-case ASCII, begins with a letter, no two hyphens in a row. Digits
 * may begin no name, but real extension types do ("5g-..."): only the character set is required here. */
static bool type_name_ok(struct str name)
{
    if (name.len < TYPE_NAME_MIN || name.len > TYPE_NAME_MAX)
        return false;
    char before = '-';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!word && (c != '-' || before == '-'))
            return false;
        before = c;
    }
    return before != '-';
}

static void key_set_type(const struct stix_type *type, struct str name, struct stix_key *key)
{
    if (type->code != STIX_TYPE_UNKNOWN) {
        memcpy(key->b + UUID_SIZE, type->digest, STIX_TYPE_DIGEST_SIZE);
        return;
    }
    struct hash digest = hash_sha256(bytes_from_str(name));
    memcpy(key->b + UUID_SIZE, digest.b, STIX_TYPE_DIGEST_SIZE);
}

/* Value of a hexadecimal digit plus one; 0 for anything else. */
static const uint8_t digit_plus_one[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

/* The same as uuid_parse, whose hyphens were checked before; every reference of every object passes here, and
 * this is several times as fast. A test compares the two. */
static bool read_uuid(const char *text, uint8_t out[UUID_SIZE])
{
    static const uint8_t at[UUID_SIZE] = {0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
    bool good = true;
    for (size_t i = 0; i < UUID_SIZE; i++) {
        uint8_t high = digit_plus_one[(uint8_t)text[at[i]]];
        uint8_t low = digit_plus_one[(uint8_t)text[at[i] + 1]];
        good &= high != 0 && low != 0;
        out[i] = (uint8_t)(((unsigned)high - 1) << 4 | (((unsigned)low - 1) & 15));
    }
    return good;
}

/* The hyphens alone: refuses nearly every string that is no identifier before anything is decoded. */
static bool shape_ok(struct str id)
{
    if (id.len < TYPE_NAME_MIN + ID_TAIL || id.len > TYPE_NAME_MAX + ID_TAIL)
        return false;
    const char *tail = id.at + (id.len - ID_TAIL);
    return tail[0] == '-' && tail[1] == '-' && tail[10] == '-' && tail[15] == '-' && tail[20] == '-' &&
           tail[25] == '-';
}

const struct stix_type *stix_id_read(struct str id, struct stix_key *out)
{
    if (!shape_ok(id))
        return NULL;
    uint8_t uuid[UUID_SIZE];
    if (!read_uuid(id.at + (id.len - UUID_TEXT_SIZE), uuid))
        return NULL;
    struct str name = {id.at, id.len - ID_TAIL};
    const struct stix_type *type = stix_type_find(name);
    if (type->code == STIX_TYPE_UNKNOWN && !type_name_ok(name))
        return NULL;
    memcpy(out->b, uuid, UUID_SIZE);
    key_set_type(type, name, out);
    return type;
}

bool stix_id_parse(struct str id, struct stix_key *out)
{
    return stix_id_read(id, out) != NULL;
}

struct str stix_id_type(struct str id)
{
    return (struct str) {id.at, id.len < ID_TAIL ? 0 : id.len - ID_TAIL};
}

err_t stix_key_from_id(struct str id, struct stix_key *out, struct fault *fault)
{
    if (stix_id_parse(id, out))
        return ERR_OK;
    struct str shown = {id.at, id.len > 80 ? 80 : id.len};
    err_t err = fault_set(fault, ERR_INVALID, 0, "\"%.*s\" is not an identifier of the form type--UUID",
                          STR_ARG(shown));
    if (fault != NULL)
        memcpy(fault->section, "2.9", sizeof "2.9");
    return err;
}
