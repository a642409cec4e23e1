#include "core/hash.h"
#include "core/limit.h"
#include "core/uuid.h"
#include "core/vec.h"
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

/* Values of sixteen digits of hexadecimal. Bytes of `*bad` are set for what is no digit. */
static inline vec read_digits(vec text, vec *bad)
{
    vec digit = text - '0', letter = (text | 0x20) - 'a';
    vec is_digit = (vec)(digit < 10), is_letter = (vec)(letter < 6);
    *bad |= ~(is_digit | is_letter);
    return (digit & is_digit) | ((letter + 10) & is_letter);
}

static inline uint32_t four(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The same as uuid_parse, whose hyphens were checked before: every reference of every object passes here. A
 * test compares the two. */
static bool read_uuid(const char *text, uint8_t out[UUID_SIZE])
{
    vec bad = {0};
    vec_quads head = {four(text), four(text + 4), four(text + 9), four(text + 14)};
    vec_quads tail = {four(text + 19), four(text + 24), four(text + 28), four(text + 32)};
    vec a = read_digits((vec)head, &bad), b = read_digits((vec)tail, &bad);
    vec high = __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    vec low = __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    vec_store(out, high << 4 | low);
    return vec_bits(bad) == 0;
}

const struct stix_type *stix_id_read(struct str id, struct stix_key *out)
{
    if (id.len > TYPE_NAME_MAX + ID_TAIL || !stix_id_hyphened(id))
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

void stix_key_print(const struct stix_key *key, struct buf *out)
{
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];
    struct str name = STR("*");
    for (int code = STIX_TYPE_UNKNOWN + 1; code < STIX_TYPE_COUNT; code++)
        if (memcmp(key->b + UUID_SIZE, stix_type_row((enum stix_code)code)->digest, STIX_TYPE_DIGEST_SIZE) ==
            0)
            name = str_of(stix_type_row((enum stix_code)code)->name);
    memcpy(uuid.b, key->b, UUID_SIZE);
    uuid_text(&uuid, text);
    buf_put_str(out, name);
    buf_put(out, "--", 2);
    buf_put(out, text, sizeof text);
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
