#include "core/limit.h"
#include "core/uuid.h"
#include "stix/shape.h"

enum { CONTRIBUTING_MAX = 9 };

/* Section 6: the ID Contributing Properties of each type. */
static const struct {
    enum stix_code code;
    const char *names[CONTRIBUTING_MAX];
} contributing[] = {
    {STIX_TYPE_ARTIFACT, {"hashes", "payload_bin"}},
    {STIX_TYPE_AUTONOMOUS_SYSTEM, {"number"}},
    {STIX_TYPE_DIRECTORY, {"path"}},
    {STIX_TYPE_DOMAIN_NAME, {"value"}},
    {STIX_TYPE_EMAIL_ADDR, {"value"}},
    {STIX_TYPE_EMAIL_MESSAGE, {"from_ref", "subject", "body"}},
    {STIX_TYPE_FILE, {"hashes", "name", "extensions", "parent_directory_ref"}},
    {STIX_TYPE_IPV4_ADDR, {"value"}},
    {STIX_TYPE_IPV6_ADDR, {"value"}},
    {STIX_TYPE_MAC_ADDR, {"value"}},
    {STIX_TYPE_MUTEX, {"name"}},
    {STIX_TYPE_NETWORK_TRAFFIC,
     {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"}},
    {STIX_TYPE_SOFTWARE, {"name", "cpe", "swid", "vendor", "version"}},
    {STIX_TYPE_URL, {"value"}},
    {STIX_TYPE_USER_ACCOUNT, {"account_type", "user_id", "account_login"}},
    {STIX_TYPE_WINDOWS_REGISTRY_KEY, {"key", "values"}},
    {STIX_TYPE_X509_CERTIFICATE, {"hashes", "serial_number"}},
};

/* Section 2.9. */
static const struct uuid name_space = {
    {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}};

struct selection {
    const char *const *names;
    size_t found;
};

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

static enum json_canon_act select_member(void *ctx, unsigned depth, struct str name, struct json_val value,
                                         struct buf *out)
{
    struct selection *selection = ctx;
    if (depth > 0)
        return JSON_CANON_KEEP;
    for (size_t i = 0; i < CONTRIBUTING_MAX && selection->names[i] != NULL; i++) {
        if (!str_eq(name, str_of(selection->names[i])))
            continue;
        selection->found++;
        if (!str_eq(name, STR("hashes")) || !json_is(value, JSON_OBJECT))
            return JSON_CANON_KEEP;
        put_one_hash(value, out);
        return JSON_CANON_TEXT;
    }
    return JSON_CANON_DROP;
}

static const char *const *contributing_of(enum stix_code code)
{
    for (size_t i = 0; i < sizeof contributing / sizeof contributing[0]; i++)
        if (contributing[i].code == code)
            return contributing[i].names;
    return NULL;
}

static err_t compute(const struct stix_object *object, struct selection *selection, struct uuid *out)
{
    struct json_canon_hook hook = {select_member, selection};
    struct buf text;
    buf_init(&text, 2 * LIMIT_OBJECT_BYTES);
    err_t err = json_canon(object->root, &hook, &text, NULL);
    if (err == ERR_OK)
        err = buf_err(&text);
    if (err == ERR_OK)
        *out = uuid_v5(&name_space, buf_bytes(&text));
    buf_deinit(&text);
    return err;
}

err_t stix_sco_id_check(const struct stix_object *object, enum stix_sco_id *out, uint8_t out_uuid[16])
{
    struct selection selection = {contributing_of(object->type->code), 0};
    struct uuid uuid;
    bool version_5 = object->key.b[6] >> 4 == 5;
    if (selection.names == NULL) {
        *out = object->type->category == STIX_SCO ? STIX_SCO_ID_NOTHING_TO_DO : STIX_SCO_ID_NOT_DERIVED;
        return ERR_OK;
    }
    err_t err = compute(object, &selection, &uuid);
    if (err != ERR_OK)
        return err;
    if (selection.found == 0) {
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
