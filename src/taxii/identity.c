#include "taxii/identity.h"

#include <sodium.h>
#include <stdio.h>

#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "taxii/auth.h"
#include "taxii/state.h"

/* The names of all identities, one a line: settings cannot be listed. */
static const struct str NAMES_KEY = {"taxii/identities", 16};
enum { RECORD_VERSION = 2, RECORD_MAX = 512, KEY_MAX = 96, ACCOUNT_PARTNER_NONE = 0xffff };

static bool name_ok(struct str name)
{
    if (name.len == 0 || name.len > LIMIT_NAME_BYTES || name.at[0] == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static struct str setting_key(struct str name, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "taxii/identity/%.*s", STR_ARG(name));
    return (struct str) {out, (size_t)len};
}

static void name_set(struct account *account, struct str name)
{
    memcpy(account->public.name_text, name.at, name.len);
    account->public.name = (struct str) {NULL, name.len};
}

/* Accounts move when one is removed: the borrowed name follows. */
static void names_anchor(struct taxii *taxii)
{
    for (size_t i = 0; i < taxii->account_count; i++)
        taxii->accounts[i].public.name.at = taxii->accounts[i].public.name_text;
}

/* --- the record --- */

static void account_write(struct buf *out, const struct account *account)
{
    const struct taxii_identity *identity = &account->public;
    wr_u8(out, RECORD_VERSION);
    wr_u8(out, (uint8_t)identity->roles);
    wr_u16(out, identity->partner < 0 ? ACCOUNT_PARTNER_NONE : (uint16_t)identity->partner);
    wr_u32(out, identity->source);
    wr_u8(out, (uint8_t)identity->credentials);
    wr_u32(out, account->stretch_ops);
    wr_u32(out, account->stretch_kib);
    wr_bytes(out, bytes_of(account->salt, SALT_SIZE));
    wr_bytes(out, bytes_of(account->stretched, STRETCHED_SIZE));
    wr_bytes(out, bytes_of(account->token.b, HASH_SIZE));
    wr_bytes(out, bytes_of(account->certificate, EXCHANGE_KEY_SIZE));
    wr_u32(out, identity->requests);
    wr_u32(out, identity->objects);
}

static err_t account_read(struct bytes record, struct str name, struct account *out)
{
    struct rd rd = rd_of(record);
    struct account account = {0};
    uint8_t version = rd_u8(&rd);
    if (version == 0 || version > RECORD_VERSION)
        return ERR_CORRUPT;
    account.public.roles = rd_u8(&rd);
    uint16_t partner = rd_u16(&rd);
    account.public.partner = partner == ACCOUNT_PARTNER_NONE ? -1 : (int)partner;
    account.public.source = rd_u32(&rd);
    account.public.credentials = rd_u8(&rd);
    account.stretch_ops = rd_u32(&rd);
    account.stretch_kib = rd_u32(&rd);
    rd_copy(&rd, account.salt, SALT_SIZE);
    rd_copy(&rd, account.stretched, STRETCHED_SIZE);
    rd_copy(&rd, account.token.b, HASH_SIZE);
    rd_copy(&rd, account.certificate, EXCHANGE_KEY_SIZE);
    if (version > 1) {
        account.public.requests = rd_u32(&rd);
        account.public.objects = rd_u32(&rd);
    }
    if (rd_end(&rd) != ERR_OK)
        return ERR_CORRUPT;
    name_set(&account, name);
    *out = account;
    return ERR_OK;
}

static struct account *account_find(const struct taxii *taxii, struct str name)
{
    for (size_t i = 0; i < taxii->account_count; i++) {
        if (str_eq(taxii->accounts[i].public.name, name))
            return &taxii->accounts[i];
    }
    return NULL;
}

static err_t account_load(struct taxii *taxii, struct str name)
{
    char key[KEY_MAX];
    struct buf record;
    buf_init(&record, RECORD_MAX);
    err_t err = ERR_CORRUPT;
    bool room = taxii->account_count < LIMIT_TAXII_IDENTITIES;
    bool held = room && name_ok(name) && gate_setting_get(taxii->gate, setting_key(name, key), &record);
    if (buf_err(&record) != ERR_OK)
        err = buf_err(&record);
    else if (held)
        err = account_read(buf_bytes(&record), name, &taxii->accounts[taxii->account_count]);
    buf_deinit(&record);
    if (err == ERR_OK) {
        taxii->account_count++;
        names_anchor(taxii);
    }
    return err;
}

err_t taxii_accounts_load(struct taxii *taxii)
{
    struct buf names;
    buf_init(&names, LIMIT_TAXII_IDENTITIES * (LIMIT_NAME_BYTES + 1));
    err_t err = ERR_OK;
    if (gate_setting_get(taxii->gate, NAMES_KEY, &names)) {
        struct str rest = buf_str(&names);
        while (rest.len > 0 && err == ERR_OK)
            err = account_load(taxii, str_cut(&rest, '\n'));
    } else {
        err = buf_err(&names);
    }
    buf_deinit(&names);
    return err;
}

/* --- changes --- */

static err_t account_store(struct taxii *taxii, const struct account *account, const struct gate_by *by,
                           int64_t now_us)
{
    char key[KEY_MAX];
    struct buf record;
    buf_init(&record, RECORD_MAX);
    account_write(&record, account);
    err_t err = buf_err(&record);
    if (err == ERR_OK)
        err = gate_setting_put(taxii->gate, setting_key(account->public.name, key), buf_bytes(&record), by,
                               now_us);
    mem_wipe(record.at, record.len);
    buf_deinit(&record);
    return err;
}

static err_t names_store(struct taxii *taxii, struct str added, struct str left_out, const struct gate_by *by,
                         int64_t now_us)
{
    struct buf names;
    buf_init(&names, LIMIT_TAXII_IDENTITIES * (LIMIT_NAME_BYTES + 1));
    for (size_t i = 0; i < taxii->account_count; i++) {
        struct str name = taxii->accounts[i].public.name;
        if (str_eq(name, left_out))
            continue;
        buf_put_str(&names, name);
        buf_putc(&names, '\n');
    }
    if (added.len > 0) {
        buf_put_str(&names, added);
        buf_putc(&names, '\n');
    }
    err_t err = buf_err(&names);
    if (err == ERR_OK)
        err = gate_setting_put(taxii->gate, NAMES_KEY, buf_bytes(&names), by, now_us);
    buf_deinit(&names);
    return err;
}

/* Stores the changed copy, then takes it into force. */
static err_t account_change(struct taxii *taxii, struct account *changed, const struct gate_by *by,
                            int64_t now_us)
{
    struct account *present = account_find(taxii, changed->public.name);
    err_t err;
    if (TRY(err, account_store(taxii, changed, by, now_us)))
        return err;
    changed->proven = false;
    *present = *changed;
    names_anchor(taxii);
    return ERR_OK;
}

static err_t account_add(struct taxii *taxii, struct account *account, const struct gate_by *by,
                         int64_t now_us)
{
    if (taxii->account_count == LIMIT_TAXII_IDENTITIES)
        return ERR_FULL;
    err_t err;
    if (TRY(err, account_store(taxii, account, by, now_us)) ||
        TRY(err, names_store(taxii, account->public.name, STR(""), by, now_us)))
        return err;
    taxii->accounts[taxii->account_count++] = *account;
    names_anchor(taxii);
    return ERR_OK;
}

static err_t place_find(const struct taxii *taxii, struct str audience, struct str source, int *out_partner,
                        uint32_t *out_source)
{
    int partner = -1;
    uint32_t number = GATE_SOURCE_NONE;
    if (audience.len > 0) {
        const struct gate_peer *peer = gate_peer_find(taxii->gate, audience);
        if (peer == NULL)
            return ERR_NOTFOUND;
        partner = (int)peer->index;
        number = peer->source;
    }
    if (source.len > 0) {
        const struct gate_source *found = gate_source_find(taxii->gate, source);
        if (found == NULL)
            return ERR_NOTFOUND;
        number = found->number;
    }
    if (partner < 0 && number == GATE_SOURCE_NONE)
        return ERR_INVALID;
    *out_partner = partner;
    *out_source = number;
    return ERR_OK;
}

err_t taxii_identity_put(struct taxii *taxii, struct str name, struct str audience, struct str source,
                         unsigned roles, const struct gate_by *by, int64_t now_us)
{
    if (!name_ok(name) || (roles & ~(unsigned)TAXII_ROLES) != 0)
        return ERR_INVALID;
    const struct account *present = account_find(taxii, name);
    struct account account = {0};
    if (present != NULL)
        account = *present;
    err_t err;
    if (TRY(err, place_find(taxii, audience, source, &account.public.partner, &account.public.source)))
        return err;
    name_set(&account, name);
    account.public.name.at = account.public.name_text;
    account.public.roles = roles;
    return present != NULL ? account_change(taxii, &account, by, now_us)
                           : account_add(taxii, &account, by, now_us);
}

err_t taxii_identity_remove(struct taxii *taxii, struct str name, const struct gate_by *by, int64_t now_us)
{
    struct account *account = account_find(taxii, name);
    if (account == NULL)
        return ERR_NOTFOUND;
    char key[KEY_MAX];
    err_t err;
    /* First the list: were only the record gone, the next start would call the list corrupt. */
    if (TRY(err, names_store(taxii, STR(""), name, by, now_us)) ||
        TRY(err, gate_setting_put(taxii->gate, setting_key(name, key), bytes_of(NULL, 0), by, now_us)))
        return err;
    size_t index = (size_t)(account - taxii->accounts);
    taxii->account_count--;
    memmove(account, account + 1, (taxii->account_count - index) * sizeof *account);
    mem_wipe(&taxii->accounts[taxii->account_count], sizeof *account);
    names_anchor(taxii);
    return ERR_OK;
}

/* A copy to change; its name points into itself. */
static err_t account_copy(struct taxii *taxii, struct str name, struct account *out)
{
    const struct account *present = account_find(taxii, name);
    if (present == NULL)
        return ERR_NOTFOUND;
    *out = *present;
    out->public.name.at = out->public.name_text;
    return ERR_OK;
}

err_t taxii_identity_password(struct taxii *taxii, struct str name, struct str password,
                              const struct gate_by *by, int64_t now_us)
{
    if (password.len < LIMIT_TAXII_PASSWORD_MIN || password.len > LIMIT_TAXII_PASSWORD_MAX)
        return ERR_INVALID;
    struct account account;
    err_t err;
    if (TRY(err, account_copy(taxii, name, &account)) ||
        TRY(err, taxii->random(taxii->random_ctx, account.salt, SALT_SIZE)))
        return err;
    account.stretch_ops = AUTH_STRETCH_OPS;
    account.stretch_kib = AUTH_STRETCH_KIB;
    account.public.credentials |= TAXII_PASSWORD;
    if (!TRY(err, auth_stretch(&account, password, account.stretched)))
        err = account_change(taxii, &account, by, now_us);
    mem_wipe(&account, sizeof account);
    return err;
}

err_t taxii_identity_token(struct taxii *taxii, struct str name, const struct gate_by *by, int64_t now_us,
                           char out[TAXII_TOKEN_SIZE])
{
    static const char head[] = "bongsu-taxii-";
    struct account account;
    uint8_t secret[32];
    char text[TAXII_TOKEN_SIZE];
    err_t err;
    if (TRY(err, account_copy(taxii, name, &account)) ||
        TRY(err, taxii->random(taxii->random_ctx, secret, sizeof secret)))
        return err;
    memcpy(text, head, sizeof head - 1);
    str_hex(secret, sizeof secret, text + sizeof head - 1);
    account.token = hash_sha256(bytes_of(text, sizeof text));
    account.public.credentials |= TAXII_TOKEN;
    err = account_change(taxii, &account, by, now_us);
    if (err == ERR_OK)
        memcpy(out, text, sizeof text);
    mem_wipe(secret, sizeof secret);
    mem_wipe(text, sizeof text);
    return err;
}

err_t taxii_identity_certificate(struct taxii *taxii, struct str name, const uint8_t key[EXCHANGE_KEY_SIZE],
                                 const struct gate_by *by, int64_t now_us)
{
    struct account account;
    err_t err;
    if (TRY(err, account_copy(taxii, name, &account)))
        return err;
    const struct account *holder = auth_certificate(taxii, key);
    if (holder != NULL && !str_eq(holder->public.name, name))
        return ERR_EXISTS;
    memcpy(account.certificate, key, EXCHANGE_KEY_SIZE);
    account.public.credentials |= TAXII_CERTIFICATE;
    return account_change(taxii, &account, by, now_us);
}

err_t taxii_identity_revoke(struct taxii *taxii, struct str name, unsigned credentials,
                            const struct gate_by *by, int64_t now_us)
{
    struct account account;
    err_t err;
    if (TRY(err, account_copy(taxii, name, &account)))
        return err;
    account.public.credentials &= ~credentials;
    if (credentials & TAXII_PASSWORD)
        mem_wipe(account.stretched, STRETCHED_SIZE);
    if (credentials & TAXII_TOKEN)
        mem_wipe(account.token.b, HASH_SIZE);
    if (credentials & TAXII_CERTIFICATE)
        mem_wipe(account.certificate, EXCHANGE_KEY_SIZE);
    return account_change(taxii, &account, by, now_us);
}

err_t taxii_identity_limit(struct taxii *taxii, struct str name, uint32_t requests, uint32_t objects,
                           const struct gate_by *by, int64_t now_us)
{
    struct account account;
    err_t err;
    if (TRY(err, account_copy(taxii, name, &account)))
        return err;
    account.public.requests = requests;
    account.public.objects = objects;
    account.requests_us = account.objects_us = 0;
    return account_change(taxii, &account, by, now_us);
}

size_t taxii_identity_count(const struct taxii *taxii)
{
    return taxii->account_count;
}

const struct taxii_identity *taxii_identity_at(const struct taxii *taxii, size_t index)
{
    must(index < taxii->account_count);
    return &taxii->accounts[index].public;
}

const struct taxii_identity *taxii_identity_find(const struct taxii *taxii, struct str name)
{
    const struct account *account = account_find(taxii, name);
    return account == NULL ? NULL : &account->public;
}
