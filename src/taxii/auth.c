#include "taxii/auth.h"

#include <sodium.h>

#include "core/mem.h"
#include "taxii/quota.h"
#include "taxii/text.h"

_Static_assert(SALT_SIZE == crypto_pwhash_SALTBYTES, "the salt of Argon2id");

/* Guessing is slowed by where it comes from, never by whose name it tries: a stranger who guesses at a name
 * would lock its owner out until the owner's password is proven again, after each restart. A network's bucket
 * lets LIMIT_TAXII_TRY_BURST wrong passwords through, then one in LIMIT_TAXII_TRY_US; one bucket for all
 * bounds what stretching costs the node, however many networks take part. What is right gives its try back,
 * and what was right in this run, tokens and certificates pass without one. Names that exist and names that
 * do not cost the same. */

err_t auth_stretch(const struct account *account, struct str password, uint8_t out[STRETCHED_SIZE])
{
    int failed =
        crypto_pwhash(out, STRETCHED_SIZE, password.at, password.len, account->salt, account->stretch_ops,
                      (size_t)account->stretch_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
    return failed ? ERR_NOMEM : ERR_OK;
}

const struct account *auth_certificate(const struct taxii *taxii, const uint8_t key[EXCHANGE_KEY_SIZE])
{
    for (size_t i = 0; i < taxii->account_count; i++) {
        const struct account *account = &taxii->accounts[i];
        if ((account->public.credentials & TAXII_CERTIFICATE) &&
            memcmp(account->certificate, key, EXCHANGE_KEY_SIZE) == 0)
            return account;
    }
    return NULL;
}

static const struct account *token_find(const struct taxii *taxii, struct str token)
{
    struct hash digest = hash_sha256(bytes_from_str(token));
    for (size_t i = 0; i < taxii->account_count; i++) {
        const struct account *account = &taxii->accounts[i];
        if ((account->public.credentials & TAXII_TOKEN) && hash_eq(&account->token, &digest))
            return account;
    }
    return NULL;
}

/* --- passwords --- */

/* Where and when somebody tries. */
struct from {
    uint64_t network;
    int64_t now_us;
};

static struct account *name_find(struct taxii *taxii, struct str name)
{
    for (size_t i = 0; i < taxii->account_count; i++) {
        struct account *account = &taxii->accounts[i];
        if ((account->public.credentials & TAXII_PASSWORD) && str_eq(account->public.name, name))
            return account;
    }
    return NULL;
}

static struct hash proof_of(const struct taxii *taxii, struct str credentials)
{
    return hash_hmac_sha256(bytes_of(taxii->run_key.b, HASH_SIZE), bytes_from_str(credentials));
}

static int64_t *bucket_of(struct taxii *taxii, uint64_t network)
{
    struct hash_sip_key key;
    memcpy(key.b, taxii->run_key.b, sizeof key.b);
    return &taxii->try_us[hash_sip(&key, bytes_of(&network, sizeof network)) % LIMIT_TAXII_TRY_NETWORKS];
}

/* Counts the try; false when it has to wait. */
static bool try_take(struct taxii *taxii, int64_t *bucket_us, int64_t now_us)
{
    int64_t wait_us;
    if (!quota_take(bucket_us, now_us, 1, LIMIT_TAXII_TRY_BURST, LIMIT_TAXII_TRY_BURST * LIMIT_TAXII_TRY_US,
                    &wait_us))
        return false;
    if (quota_take(&taxii->tries_us, now_us, 1, LIMIT_TAXII_TRIES_BURST,
                   LIMIT_TAXII_TRIES_BURST * LIMIT_TAXII_TRIES_US, &wait_us))
        return true;
    *bucket_us -= LIMIT_TAXII_TRY_US;
    return false;
}

/* `credentials` is "name:password". */
static enum auth_outcome password_check(struct taxii *taxii, struct str credentials, struct str name,
                                        const struct from *from, const struct account **out)
{
    static const struct account nobody = {.stretch_ops = AUTH_STRETCH_OPS, .stretch_kib = AUTH_STRETCH_KIB};
    struct account *account = name_find(taxii, name);
    struct hash proof = proof_of(taxii, credentials);
    struct str password = {credentials.at + name.len + 1, credentials.len - name.len - 1};
    uint8_t stretched[STRETCHED_SIZE];
    if (account == NULL || !account->proven || sodium_memcmp(account->proof.b, proof.b, HASH_SIZE) != 0) {
        int64_t *bucket_us = bucket_of(taxii, from->network);
        if (!try_take(taxii, bucket_us, from->now_us) ||
            auth_stretch(account != NULL ? account : &nobody, password, stretched) != ERR_OK)
            return AUTH_BUSY;
        if (account == NULL || sodium_memcmp(stretched, account->stretched, STRETCHED_SIZE) != 0)
            return AUTH_UNKNOWN;
        *bucket_us -= LIMIT_TAXII_TRY_US;
        taxii->tries_us -= LIMIT_TAXII_TRIES_US;
        account->proven = true;
        account->proof = proof;
    }
    *out = account;
    return AUTH_KNOWN;
}

static enum auth_outcome basic_check(struct taxii *taxii, struct str encoded, const struct from *from,
                                     const struct account **out)
{
    uint8_t plain[LIMIT_NAME_BYTES + 1 + LIMIT_TAXII_PASSWORD_MAX];
    size_t len;
    if (!str_unbase64(encoded, plain, sizeof plain, &len))
        return AUTH_UNKNOWN;
    struct str credentials = {(const char *)plain, len};
    const char *colon = memchr(plain, ':', len);
    enum auth_outcome outcome = AUTH_UNKNOWN;
    if (colon != NULL) {
        struct str name = {credentials.at, (size_t)(colon - credentials.at)};
        outcome = password_check(taxii, credentials, name, from, out);
    }
    mem_wipe(plain, sizeof plain);
    return outcome;
}

/* --- requests --- */

static enum auth_outcome header_check(struct taxii *taxii, struct str header, const struct from *from,
                                      const struct account **out)
{
    struct str rest = header;
    struct str scheme = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (str_same(scheme, STR("basic")))
        return basic_check(taxii, rest, from, out);
    /* taxii2-client's TokenAuth says Token. */
    if (!str_same(scheme, STR("bearer")) && !str_same(scheme, STR("token")))
        return AUTH_UNKNOWN;
    *out = token_find(taxii, rest);
    return *out != NULL ? AUTH_KNOWN : AUTH_UNKNOWN;
}

enum auth_outcome auth_request(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                               const struct taxii_identity **out)
{
    const struct from from = {request->network, now_us};
    const struct account *account = NULL;
    enum auth_outcome outcome = AUTH_UNKNOWN;
    if (request->authorization.len > 0)
        outcome = header_check(taxii, request->authorization, &from, &account);
    else if (request->has_peer_key && (account = auth_certificate(taxii, request->peer_key)) != NULL)
        outcome = AUTH_KNOWN;
    if (outcome == AUTH_KNOWN)
        *out = &account->public;
    return outcome;
}
