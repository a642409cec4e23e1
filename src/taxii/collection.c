#include "taxii/collection.h"

#include "taxii/text.h"
#include "json/json.h"

static const struct collection kinds[COLLECTION_KINDS] = {
    {.role = TAXII_READ,
     .can_read = true,
     .alias = "release",
     .title = "Release",
     .description = "What this node released to you, in the order of release."},
    {.role = TAXII_SUBMIT,
     .can_write = true,
     .alias = "inbox",
     .title = "Inbox",
     .description = "Submissions to this node."},
    {.role = TAXII_WORKSPACE,
     .can_read = true,
     .can_write = true,
     .alias = "workspace",
     .title = "Workspace",
     .description = "Your own submissions, to write and to read back."},
};

static struct uuid id_of(const struct taxii *taxii, const struct collection *kind, struct str name)
{
    char context[16 + LIMIT_NAME_BYTES];
    size_t len = strlen(kind->alias) + 1;
    must(name.len <= LIMIT_NAME_BYTES);
    memcpy(context, kind->alias, len);
    memcpy(context + len, name.at, name.len);
    struct hash mac = taxii_mac(taxii, "collection", bytes_of(context, len + name.len));
    return uuid_v4(mac.b);
}

/* The name that the id is made of; empty: the identity has no such collection. */
static struct str place_of(const struct taxii *taxii, const struct taxii_identity *identity,
                           enum taxii_role role)
{
    if (!(identity->roles & role))
        return STR("");
    if (role != TAXII_READ) {
        const struct gate_source *source = gate_source_get(taxii->gate, identity->source);
        return source == NULL ? STR("") : source->name;
    }
    if (identity->partner < 0 || (unsigned)identity->partner >= gate_peer_count(taxii->gate))
        return STR("");
    const struct gate_peer *peer = gate_peer_get(taxii->gate, (unsigned)identity->partner);
    return peer == NULL || peer->state == GATE_PEER_REMOVED ? STR("") : peer->audience;
}

static bool collection_of(const struct taxii *taxii, const struct taxii_identity *identity, size_t kind,
                          struct collection *out)
{
    struct str name = place_of(taxii, identity, kinds[kind].role);
    if (name.len == 0)
        return false;
    *out = kinds[kind];
    out->partner = identity->partner;
    out->source = identity->source;
    out->name = name;
    out->id = id_of(taxii, &kinds[kind], name);
    return true;
}

size_t collections_of(const struct taxii *taxii, const struct taxii_identity *identity,
                      struct collection out[COLLECTION_KINDS])
{
    size_t count = 0;
    for (size_t kind = 0; kind < COLLECTION_KINDS; kind++) {
        struct collection collection;
        if (!collection_of(taxii, identity, kind, &collection))
            continue;
        size_t at = count++;
        for (; at > 0 && memcmp(out[at - 1].id.b, collection.id.b, UUID_SIZE) > 0; at--)
            out[at] = out[at - 1];
        out[at] = collection;
    }
    return count;
}

bool collection_find(const struct taxii *taxii, const struct taxii_identity *identity, struct str name,
                     struct collection *out)
{
    struct uuid id;
    bool is_id = uuid_parse(name, &id);
    for (size_t kind = 0; kind < COLLECTION_KINDS; kind++) {
        struct collection collection;
        if (!collection_of(taxii, identity, kind, &collection))
            continue;
        if (is_id ? memcmp(id.b, collection.id.b, UUID_SIZE) == 0 : str_eq(name, str_of(collection.alias))) {
            *out = collection;
            return true;
        }
    }
    return false;
}

static void text_member(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "\"%s\":", name);
    json_write_str(out, str_of(value));
    buf_putc(out, ',');
}

void collection_write(struct buf *out, const struct collection *collection)
{
    char id[UUID_TEXT_SIZE];
    uuid_text(&collection->id, id);
    buf_printf(out, "{\"id\":\"%.*s\",", UUID_TEXT_SIZE, id);
    text_member(out, "title", collection->title);
    text_member(out, "description", collection->description);
    text_member(out, "alias", collection->alias);
    buf_printf(out, "\"can_read\":%s,\"can_write\":%s,", collection->can_read ? "true" : "false",
               collection->can_write ? "true" : "false");
    buf_put_str(out, STR("\"media_types\":[\"" STIX_TYPE_TEXT "\"]}"));
}

static void write_secret(struct buf *out, bool there, const uint8_t at[HASH_SIZE])
{
    char hex[2 * HASH_SIZE];
    str_hex(at, HASH_SIZE, hex);
    buf_putc(out, ' ');
    buf_put_str(out, there ? (struct str) {hex, sizeof hex} : STR("-"));
}

static void write_reader(const struct taxii *taxii, const struct account *account, struct buf *out)
{
    const struct taxii_identity *identity = &account->public;
    struct collection release;
    char id[UUID_TEXT_SIZE];
    buf_printf(out, "reader %.*s ", STR_ARG(identity->name));
    if (collection_of(taxii, identity, 0, &release)) {
        uuid_text(&release.id, id);
        buf_printf(out, "%d ", release.partner);
        buf_put(out, id, sizeof id);
    } else {
        buf_put_str(out, STR("- -"));
    }
    write_secret(out, (identity->credentials & TAXII_TOKEN) != 0, account->token.b);
    write_secret(out, (identity->credentials & TAXII_CERTIFICATE) != 0, account->certificate);
    buf_putc(out, '\n');
}

void taxii_readers_write(const struct taxii *taxii, struct buf *out)
{
    for (size_t i = 0; i < taxii->account_count; i++)
        write_reader(taxii, &taxii->accounts[i], out);
}
