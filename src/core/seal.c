#include "core/seal.h"

#include <sodium.h>

#include "core/suite.h"

_Static_assert((int)SEAL_SECRET_SIZE == (int)SUITE_KEY_SIZE && (int)SEAL_TAG_SIZE == (int)SUITE_TAG_SIZE,
               "of every suite");

err_t seal_close(unsigned number, const struct seal_secret *secret, struct bytes plain, struct bytes bound,
                 uint8_t *out)
{
    const struct suite *suite = suite_of(number);
    return suite == NULL ? ERR_VERSION : suite->seal(suite, secret->b, plain, bound, out);
}

err_t seal_open(unsigned number, const struct seal_secret *secret, struct bytes sealed, struct bytes bound,
                uint8_t *out)
{
    const struct suite *suite = suite_of(number);
    if (suite == NULL)
        return ERR_VERSION;
    if (sealed.len < SEAL_TAG_SIZE)
        return ERR_SHORT;
    return suite->unseal(suite, secret->b, sealed, bound, out);
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
