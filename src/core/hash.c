#include "core/hash.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/err.h"
#include "core/mem.h"

struct hash_state {
    EVP_MD_CTX *ctx;
};

struct hash hash_sha256(struct bytes data)
{
    struct hash hash;
    must(SHA256(data.at, data.len, hash.b) != NULL);
    return hash;
}

struct hash hash_sha256_parts(const struct bytes *parts, size_t count)
{
    struct hash_state *state = hash_state_new();
    must(state != NULL);
    for (size_t i = 0; i < count; i++)
        hash_state_add(state, parts[i]);
    struct hash hash = hash_state_take(state);
    hash_state_free(state);
    return hash;
}

struct hash hash_hmac_sha256(struct bytes key, struct bytes data)
{
    crypto_auth_hmacsha256_state state;
    struct hash hash;
    crypto_auth_hmacsha256_init(&state, key.at, key.len);
    crypto_auth_hmacsha256_update(&state, data.at, data.len);
    crypto_auth_hmacsha256_final(&state, hash.b);
    sodium_memzero(&state, sizeof state);
    return hash;
}

struct hash_state *hash_state_new(void)
{
    struct hash_state *state = mem_alloc(sizeof *state);
    if (state == NULL)
        return NULL;
    state->ctx = EVP_MD_CTX_new();
    if (state->ctx == NULL || EVP_DigestInit_ex(state->ctx, EVP_sha256(), NULL) != 1) {
        hash_state_free(state);
        return NULL;
    }
    return state;
}

void hash_state_add(struct hash_state *state, struct bytes data)
{
    must(EVP_DigestUpdate(state->ctx, data.at, data.len) == 1);
}

struct hash hash_state_take(struct hash_state *state)
{
    struct hash hash;
    must(EVP_DigestFinal_ex(state->ctx, hash.b, NULL) == 1);
    must(EVP_DigestInit_ex(state->ctx, NULL, NULL) == 1);
    return hash;
}

void hash_state_free(struct hash_state *state)
{
    if (state == NULL)
        return;
    EVP_MD_CTX_free(state->ctx);
    mem_free(state);
}

uint64_t hash_xxh3(struct bytes data)
{
    return XXH3_64bits(data.at, data.len);
}

uint64_t hash_sip(const struct hash_sip_key *key, struct bytes data)
{
    uint64_t out;
    _Static_assert(crypto_shorthash_BYTES == sizeof out, "SipHash-2-4 gives 64 bits");
    crypto_shorthash((uint8_t *)&out, data.at, data.len, key->b);
    return out;
}
