#include "taxii/auth.h"

#include <sodium.h>

#include "core/mem.h"
#include "taxii/text.h"

_Static_assert(SALT_SIZE == crypto_pwhash_SALTBYTES, "the salt of Argon2id");

/* A name's bucket lets PASSWORD_BURST wrong passwords through at once, then one each PASSWORD_EVERY_US. With
 * BUCKET_COUNT buckets all guessing together costs the node under a tenth of one core; names fall into
 * buckets by a keyed hash, known or not, so that nobody learns which names exist. */
enum { PASSWORD_BURST = 4, PASSWORD_EVERY_US = 2000000 };

void auth_forget(struct taxii *taxii)
{
    mem_wipe(taxii->verified, sizeof taxii->verified);
}

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

static const struct account *name_find(const struct taxii *taxii, struct str name)
{
    for (size_t i = 0; i < taxii->account_count; i++) {
        const struct account *account = &taxii->accounts[i];
        if ((account->public.credentials & TAXII_PASSWORD) && str_eq(account->public.name, name))
            return account;
    }
    return NULL;
}

static struct hash proof_of(const struct taxii *taxii, struct str credentials)
{
    return hash_hmac_sha256(bytes_of(taxii->run_key.b, HASH_SIZE), bytes_from_str(credentials));
}

static const struct account *proof_find(const struct taxii *taxii, const struct hash *proof)
{
    for (size_t i = 0; i < VERIFIED_COUNT; i++) {
        const struct verified *verified = &taxii->verified[i];
        if (verified->used && sodium_memcmp(verified->proof.b, proof->b, HASH_SIZE) == 0)
            return &taxii->accounts[verified->account];
    }
    return NULL;
}

static int64_t *bucket_of(struct taxii *taxii, struct str name)
{
    struct hash_sip_key key;
    memcpy(key.b, taxii->run_key.b, sizeof key.b);
    return &taxii->bucket_us[hash_sip(&key, bytes_from_str(name)) % BUCKET_COUNT];
}

/* Counts the try; false when the bucket is empty. */
static bool bucket_take(int64_t *bucket_us, int64_t now_us)
{
    int64_t since_us = *bucket_us > now_us ? *bucket_us : now_us;
    if (since_us - now_us > (int64_t)(PASSWORD_BURST - 1) * PASSWORD_EVERY_US)
        return false;
    *bucket_us = since_us + PASSWORD_EVERY_US;
    return true;
}

/* `credentials` is "name:password". An unknown name costs what a known one costs. */
static enum auth_outcome password_check(struct taxii *taxii, struct str credentials, struct str name,
                                        struct str password, int64_t now_us, const struct account **out)
{
    struct hash proof = proof_of(taxii, credentials);
    const struct account *account = proof_find(taxii, &proof);
    if (account != NULL) {
        *out = account;
        return AUTH_KNOWN;
    }
    int64_t *bucket_us = bucket_of(taxii, name);
    if (!bucket_take(bucket_us, now_us))
        return AUTH_BUSY;
    static const struct account nobody = {.stretch_ops = AUTH_STRETCH_OPS, .stretch_kib = AUTH_STRETCH_KIB};
    account = name_find(taxii, name);
    uint8_t stretched[STRETCHED_SIZE];
    if (auth_stretch(account != NULL ? account : &nobody, password, stretched) != ERR_OK)
        return AUTH_BUSY;
    if (account == NULL || sodium_memcmp(stretched, account->stretched, STRETCHED_SIZE) != 0)
        return AUTH_UNKNOWN;
    *bucket_us -= PASSWORD_EVERY_US;
    taxii->verified[taxii->verified_next++ % VERIFIED_COUNT] =
        (struct verified) {proof, true, (size_t)(account - taxii->accounts)};
    *out = account;
    return AUTH_KNOWN;
}

static enum auth_outcome basic_check(struct taxii *taxii, struct str encoded, int64_t now_us,
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
        struct str password = {colon + 1, len - name.len - 1};
        outcome = password_check(taxii, credentials, name, password, now_us, out);
    }
    mem_wipe(plain, sizeof plain);
    return outcome;
}

/* --- requests --- */

static enum auth_outcome header_check(struct taxii *taxii, struct str header, int64_t now_us,
                                      const struct account **out)
{
    struct str rest = header;
    struct str scheme = str_cut(&rest, ' ');
    rest = str_trim(rest);
    if (str_same(scheme, STR("basic")))
        return basic_check(taxii, rest, now_us, out);
    /* taxii2-client's TokenAuth says Token. */
    if (!str_same(scheme, STR("bearer")) && !str_same(scheme, STR("token")))
        return AUTH_UNKNOWN;
    *out = token_find(taxii, rest);
    return *out != NULL ? AUTH_KNOWN : AUTH_UNKNOWN;
}

enum auth_outcome auth_request(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                               const struct taxii_identity **out)
{
    const struct account *account = NULL;
    enum auth_outcome outcome = AUTH_UNKNOWN;
    if (request->authorization.len > 0)
        outcome = header_check(taxii, request->authorization, now_us, &account);
    else if (request->has_peer_key && (account = auth_certificate(taxii, request->peer_key)) != NULL)
        outcome = AUTH_KNOWN;
    if (outcome == AUTH_KNOWN)
        *out = &account->public;
    return outcome;
}
