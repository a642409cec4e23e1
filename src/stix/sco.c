#include "core/limit.h"
#include "core/uuid.h"
#include "stix/cut.h"
#include "stix/shape.h"

enum { CONTRIBUTING_MAX = 9 };

/* Section 6: the ID Contributing Properties of each type, in the order of RFC 8785. */
static const struct {
    enum stix_code code;
    const char *names[CONTRIBUTING_MAX];
} contributing[] = {
    {STIX_TYPE_ARTIFACT, {"hashes", "payload_bin"}},
    {STIX_TYPE_AUTONOMOUS_SYSTEM, {"number"}},
    {STIX_TYPE_DIRECTORY, {"path"}},
    {STIX_TYPE_DOMAIN_NAME, {"value"}},
    {STIX_TYPE_EMAIL_ADDR, {"value"}},
    {STIX_TYPE_EMAIL_MESSAGE, {"body", "from_ref", "subject"}},
    {STIX_TYPE_FILE, {"extensions", "hashes", "name", "parent_directory_ref"}},
    {STIX_TYPE_IPV4_ADDR, {"value"}},
    {STIX_TYPE_IPV6_ADDR, {"value"}},
    {STIX_TYPE_MAC_ADDR, {"value"}},
    {STIX_TYPE_MUTEX, {"name"}},
    {STIX_TYPE_NETWORK_TRAFFIC,
     {"dst_port", "dst_ref", "end", "extensions", "protocols", "src_port", "src_ref", "start"}},
    {STIX_TYPE_SOFTWARE, {"cpe", "name", "swid", "vendor", "version"}},
    {STIX_TYPE_URL, {"value"}},
    {STIX_TYPE_USER_ACCOUNT, {"account_login", "account_type", "user_id"}},
    {STIX_TYPE_WINDOWS_REGISTRY_KEY, {"key", "values"}},
    {STIX_TYPE_X509_CERTIFICATE, {"hashes", "serial_number"}},
};

/* Section 2.9. */
static const struct uuid name_space = {
    {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};

/* One hash only: the first of this list, else the first in byte order (the standard leaves that open;
 * python-stix2 takes the first written, which canonical order cannot know). */
static void put_one_hash(struct json_val hashes, struct buf *out)
{
    static const char *const preference[] = {"MD5", "SHA-1", "SHA-256", "SHA-512"};
    struct str name = {NULL, 0}, text = {NULL, 0}, other;
    struct json_val value;
    for (size_t i = 0; name.at == NULL && i < sizeof preference / sizeof preference[0]; i++)
        if (json_get_str(hashes, str_of(preference[i]), &text))
            name = str_of(preference[i]);
    bool preferred = name.at != NULL;
    struct json_iter iter = json_object_iter(hashes);
    while (!preferred && json_object_next(&iter, &other, &value)) {
        if (json_is(value, JSON_STRING) && (name.at == NULL || str_cmp(other, name) < 0)) {
            name = other;
            text = json_str(value);
        }
    }
    buf_putc(out, '{');
    json_write_str(out, name);
    buf_putc(out, ':');
    json_write_str(out, text);
    buf_putc(out, '}');
}

static const char *const *contributing_of(enum stix_code code)
{
    for (size_t i = 0; i < sizeof contributing / sizeof contributing[0]; i++)
        if (contributing[i].code == code)
            return contributing[i].names;
    return NULL;
}

static err_t put_value(struct json_val value, bool hashes, struct buf *out)
{
    if (json_is(value, JSON_STRING)) {
        json_write_str(out, json_str(value));
        return ERR_OK;
    }
    if (!hashes || !json_is(value, JSON_OBJECT))
        return json_canon(value, NULL, out, NULL);
    put_one_hash(value, out);
    return ERR_OK;
}

/* The canonical object of the contributing properties that are there. */
static err_t put_name(struct json_val root, const char *const *names, struct buf *out, size_t *out_found)
{
    struct json_val value;
    size_t found = 0;
    err_t err;
    buf_putc(out, '{');
    for (size_t i = 0; i < CONTRIBUTING_MAX && names[i] != NULL; i++) {
        struct str name = str_of(names[i]);
        if (!json_get(root, name, &value))
            continue;
        if (found++ > 0)
            buf_putc(out, ',');
        json_write_str(out, name);
        buf_putc(out, ':');
        if (TRY(err, put_value(value, str_eq(name, STR("hashes")), out)))
            return err;
    }
    buf_putc(out, '}');
    *out_found = found;
    return buf_err(out);
}

static err_t compute(const struct stix_object *object, const char *const *names, size_t *out_found,
                     struct uuid *out)
{
    struct buf text;
    buf_init(&text, 2 * LIMIT_OBJECT_BYTES);
    err_t err = put_name(object->root, names, &text, out_found);
    if (err == ERR_OK && *out_found > 0)
        *out = uuid_v5(&name_space, buf_bytes(&text));
    buf_deinit(&text);
    return err;
}

err_t stix_sco_id_check(const struct stix_object *object, enum stix_sco_id *out, uint8_t out_uuid[16])
{
    const char *const *names = contributing_of(object->type->code);
    size_t found = 0;
    struct uuid uuid;
    bool version_5 = object->key.b[6] >> 4 == 5;
    if (names == NULL) {
        *out = object->type->category == STIX_SCO ? STIX_SCO_ID_NOTHING_TO_DO : STIX_SCO_ID_NOT_DERIVED;
        return ERR_OK;
    }
    err_t err = compute(object, names, &found, &uuid);
    if (err != ERR_OK)
        return err;
    if (found == 0) {
        *out = STIX_SCO_ID_NOTHING_TO_DO;
        return ERR_OK;
    }
    if (out_uuid != NULL)
        memcpy(out_uuid, uuid.b, UUID_SIZE);
    if (memcmp(uuid.b, object->key.b, UUID_SIZE) == 0)
        *out = STIX_SCO_ID_MATCH;
    else
        *out = version_5 ? STIX_SCO_ID_DIFFERS : STIX_SCO_ID_NOT_DERIVED;
    return ERR_OK;
}

bool stix_sco_id_refers(const struct stix_object *object)
{
    const char *const *names = contributing_of(object->type->code);
    bool others = false;
    struct json_val value;
    for (size_t i = 0; i < object->ref_count; i++)
        others |= object->refs[i].role == STIX_REF_OTHER;
    for (size_t k = 0; others && names != NULL && k < CONTRIBUTING_MAX && names[k] != NULL; k++) {
        struct str name = str_of(names[k]);
        if ((str_ends(name, STR("_ref")) || str_eq(name, STR("extensions"))) &&
            json_get(object->root, name, &value))
            return true;
    }
    return false;
}
