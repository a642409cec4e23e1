/* Digests. SHA-256 is the only digest that leaves the node or is signed over (RFC 6962, C2SP); xxh3 guards
 * against accidents on disk; SipHash keys tables whose keys outsiders choose. Pure; any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/str.h"

enum { HASH_SIZE = 32 };

struct hash {
    uint8_t b[HASH_SIZE];
};

struct hash hash_sha256(struct bytes data);
/* Digest of several pieces in order, as if they stood in one. */
struct hash hash_sha256_parts(const struct bytes *parts, size_t count);
/* Of each of `count` messages, which costs little more than half where the processor can do two at once. Not
 * for secrets: their last bytes are left behind on the stack. */
void hash_sha256_each(const struct bytes *data, size_t count, struct hash *out);
struct hash hash_hmac_sha256(struct bytes key, struct bytes data);

/* Incremental form. hash_state_new gives NULL when memory is out. */
struct hash_state;
struct hash_state *hash_state_new(void);
void hash_state_add(struct hash_state *state, struct bytes data);
/* Finishes, and makes the state ready for another digest. */
struct hash hash_state_take(struct hash_state *state);
void hash_state_free(struct hash_state *state);

/* MD5, for formats of others that name a value by it (hashes.csv of MISP). It proves nothing. */
enum { HASH_MD5_SIZE = 16 };
void hash_md5(struct bytes data, uint8_t out[HASH_MD5_SIZE]);

/* SHA-512, which signatures of OpenSSH are over (core/sshsig.h). */
enum { HASH_SHA512_SIZE = 64 };
void hash_sha512(struct bytes data, uint8_t out[HASH_SHA512_SIZE]);

uint64_t hash_xxh3(struct bytes data);

struct hash_sip_key {
    uint8_t b[16];
};
uint64_t hash_sip(const struct hash_sip_key *key, struct bytes data);

static inline int hash_eq(const struct hash *a, const struct hash *b)
{
    return memcmp(a->b, b->b, HASH_SIZE) == 0;
}
