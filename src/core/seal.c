#include "core/seal.h"

#include <sodium.h>

static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

static void derive(const struct seal_secret *secret, uint8_t key[SEAL_SECRET_SIZE])
{
    static const char label[] = "bongsu seal 1";
    must(crypto_generichash(key, SEAL_SECRET_SIZE, (const uint8_t *)label, sizeof label - 1, secret->b,
                            SEAL_SECRET_SIZE) == 0);
}

void seal_close(const struct seal_secret *secret, struct bytes plain, struct bytes bound, uint8_t *out)
{
    uint8_t key[SEAL_SECRET_SIZE];
    derive(secret, key);
    must(crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.at, plain.len, bound.at, bound.len, NULL,
                                                    nonce, key) == 0);
    sodium_memzero(key, sizeof key);
}

err_t seal_open(const struct seal_secret *secret, struct bytes sealed, struct bytes bound, uint8_t *out)
{
    if (sealed.len < SEAL_TAG_SIZE)
        return ERR_SHORT;
    uint8_t key[SEAL_SECRET_SIZE];
    derive(secret, key);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at, sealed.len, bound.at,
                                                            bound.len, nonce, key);
    sodium_memzero(key, sizeof key);
    return failed != 0 ? ERR_SIGNATURE : ERR_OK;
}

struct seal_salts seal_salts(const struct seal_secret *secret, const char *label, struct bytes context)
{
    uint8_t both[2 * HASH_SIZE];
    struct seal_salts salts;
    crypto_generichash_state state;
    must(crypto_generichash_init(&state, secret->b, SEAL_SECRET_SIZE, sizeof both) == 0);
    must(crypto_generichash_update(&state, (const uint8_t *)label, strlen(label) + 1) == 0);
    must(crypto_generichash_update(&state, context.at, context.len) == 0);
    must(crypto_generichash_final(&state, both, sizeof both) == 0);
    memcpy(salts.a.b, both, HASH_SIZE);
    memcpy(salts.b.b, both + HASH_SIZE, HASH_SIZE);
    sodium_memzero(&state, sizeof state);
    return salts;
}

int seal_secret_destroyed(const struct seal_secret *secret)
{
    return sodium_is_zero(secret->b, SEAL_SECRET_SIZE);
}
