#include "core/hash.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/md5.h>
#include <openssl/sha.h>
#include <sodium.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/err.h"
#include "core/mem.h"

struct hash_state {
    SHA256_CTX ctx;
};

/* OpenSSL 3 looks the algorithm up behind locks at every EVP call, which costs more than hashing a short
 * message. The functions below it are deprecated as an interface, not as code: same assembly, no look-up. */
struct hash hash_sha256(struct bytes data)
{
    return hash_sha256_parts(&data, 1);
}

struct hash hash_sha256_parts(const struct bytes *parts, size_t count)
{
    SHA256_CTX ctx;
    struct hash hash;
    must(SHA256_Init(&ctx) == 1);
    for (size_t i = 0; i < count; i++)
        must(parts[i].len == 0 || SHA256_Update(&ctx, parts[i].at, parts[i].len) == 1);
    must(SHA256_Final(hash.b, &ctx) == 1);
    return hash;
}

/* One half of RFC 2104: the padded key, then the data. */
static struct hash keyed(const uint8_t block[SHA256_CBLOCK], uint8_t pad, struct bytes data)
{
    uint8_t padded[SHA256_CBLOCK];
    SHA256_CTX state;
    struct hash hash;
    for (size_t i = 0; i < sizeof padded; i++)
        padded[i] = block[i] ^ pad;
    must(SHA256_Init(&state) == 1 && SHA256_Update(&state, padded, sizeof padded) == 1);
    must(data.len == 0 || SHA256_Update(&state, data.at, data.len) == 1);
    must(SHA256_Final(hash.b, &state) == 1);
    sodium_memzero(padded, sizeof padded);
    sodium_memzero(&state, sizeof state);
    return hash;
}

/* By OpenSSL's SHA-256, which uses what the processor has; libsodium's took a tenth of an HTTP request. */
struct hash hash_hmac_sha256(struct bytes key, struct bytes data)
{
    uint8_t block[SHA256_CBLOCK] = {0};
    struct hash folded = {{0}};
    if (key.len > sizeof block) {
        folded = hash_sha256(key);
        key = bytes_of(folded.b, sizeof folded.b);
    }
    if (key.len > 0)
        memcpy(block, key.at, key.len);
    struct hash inner = keyed(block, 0x36, data);
    struct hash outer = keyed(block, 0x5c, bytes_of(inner.b, sizeof inner.b));
    sodium_memzero(block, sizeof block);
    sodium_memzero(&folded, sizeof folded);
    return outer;
}

struct hash_state *hash_state_new(void)
{
    struct hash_state *state = mem_alloc(sizeof *state);
    if (state != NULL)
        must(SHA256_Init(&state->ctx) == 1);
    return state;
}

void hash_state_add(struct hash_state *state, struct bytes data)
{
    must(data.len == 0 || SHA256_Update(&state->ctx, data.at, data.len) == 1);
}

struct hash hash_state_take(struct hash_state *state)
{
    struct hash hash;
    must(SHA256_Final(hash.b, &state->ctx) == 1);
    must(SHA256_Init(&state->ctx) == 1);
    return hash;
}

void hash_state_free(struct hash_state *state)
{
    mem_free(state);
}

void hash_md5(struct bytes data, uint8_t out[HASH_MD5_SIZE])
{
    must(MD5(data.at, data.len, out) != NULL); /* by no provider: one that proves something has none */
}

void hash_sha512(struct bytes data, uint8_t out[HASH_SHA512_SIZE])
{
    must(SHA512(data.at, data.len, out) != NULL);
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
