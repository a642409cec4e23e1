/* Signatures by the suites of core/suite.h: a key says which one it is of, and signs and verifies by it
 * alone. What a signature is for is bound into it: every message starts with a context string that names the
 * use, so that no signature can serve for another. (C2SP notes carry their own context and use sign_raw.)
 * Secret keys are wiped by their owner with sign_key_wipe. Pure; any thread. */
#pragma once

#include "core/buf.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/rd.h"
#include "core/str.h"
#include "core/suite.h"

enum {
    SIGN_SEED_SIZE = SUITE_SEED_SIZE,
    SIGN_SECRET_SIZE = SUITE_SECRET_SIZE,
    SIGN_PUBLIC_MAX = SUITE_PUBLIC_MAX,
    SIGN_MAX = SUITE_SIGNATURE_MAX,
};

/* Signs, or boxes are sealed to it. Behind the bytes of its suite stand zeros. */
struct sign_public {
    uint16_t suite;
    uint8_t b[SIGN_PUBLIC_MAX];
};

/* All of a private key. */
struct sign_seed {
    uint16_t suite;
    uint8_t b[SIGN_SEED_SIZE];
};

struct sign_key {
    uint8_t secret[SIGN_SECRET_SIZE];
    struct sign_public public;
};

struct signature {
    size_t len;
    uint8_t b[SIGN_MAX];
};
static inline struct bytes signature_bytes(const struct signature *signature)
{
    return bytes_of(signature->b, signature->len);
}

/* Once per process before any other crypto call, and before the sandbox: OpenSSL reads its configuration. */
NODISCARD err_t sign_start(void);

/* As it stands in texts and on the wire, where something before it says the suite. A key of no suite: none.
 */
struct bytes sign_public_bytes(const struct sign_public *key);
/* ERR_VERSION: no such suite; ERR_INVALID: not the one spelling of a key of it. */
NODISCARD err_t sign_public_of(unsigned suite, struct bytes bytes, struct sign_public *out);
bool sign_public_eq(const struct sign_public *a, const struct sign_public *b);
/* With its suite: u16, then the bytes. Reading stops `rd` at what is none. */
void sign_public_put(struct buf *out, const struct sign_public *key);
void sign_public_take(struct rd *rd, struct sign_public *out);
/* DER (RFC 5280 section 4.1.2.7). */
enum { SIGN_SPKI_MAX = 26 + SIGN_PUBLIC_MAX };
struct bytes sign_public_spki(const struct sign_public *key, uint8_t out[SIGN_SPKI_MAX]);
/* What a TLS connection knows a key by: an Ed25519 key itself, of others the SHA-256 of their
 * SubjectPublicKeyInfo. */
struct hash sign_public_pin(const struct sign_public *key);

/* ERR_VERSION: no such suite; ERR_NOMEM. */
NODISCARD err_t sign_key_make(const struct sign_seed *seed, struct sign_key *out);
/* DER, for libraries that want a private key whole (RFC 5958). The caller's to wipe. */
enum { SIGN_PKCS8_MAX = 35 + SUITE_SCALAR_MAX };
struct bytes sign_key_pkcs8(const struct sign_key *key, uint8_t out[SIGN_PKCS8_MAX]);
/* Of suite 1, which cannot fail. */
struct sign_key sign_key_from_seed(const uint8_t seed[SIGN_SEED_SIZE]);
void sign_key_wipe(struct sign_key *key);

/* ERR_UNSUPPORTED: OpenSSL, as it is configured, has no such algorithm; ERR_NOMEM; neither with suite 1. */
NODISCARD err_t sign_raw(const struct sign_key *key, struct bytes message, struct signature *out);
/* ERR_SIGNATURE; ERR_NOMEM. */
NODISCARD err_t sign_raw_verify(const struct sign_public *key, struct bytes message,
                                const struct signature *signature);

/* For a private half that is elsewhere and signs digests alone, as tokens do by ECDSA. Size of a digest, and
 * of each of the two numbers that are a signature; 0: such a key signs messages as they are, and its
 * signatures are spelled one way. */
size_t sign_number_size(const struct sign_public *key);
enum { SIGN_NUMBER_MAX = SUITE_SCALAR_MAX };
/* What it signs of `message`, of that size. ERR_UNSUPPORTED as of sign_raw. */
NODISCARD err_t sign_digest(const struct sign_public *key, struct bytes message,
                            uint8_t out[SIGN_NUMBER_MAX]);
/* A signature of the two numbers that it gave, r before s. Whether they sign anything is not looked at. */
NODISCARD err_t sign_spell(const struct sign_public *key, const uint8_t numbers[2 * SIGN_NUMBER_MAX],
                           struct signature *out);

/* Signs `context` (NUL-terminated, fixed per use, such as "bongsu card v1"), a zero byte, then the message.
 * ERR_LIMIT above 4 MiB. */
NODISCARD err_t sign_message(const struct sign_key *key, const char *context, struct bytes message,
                             struct signature *out);
NODISCARD err_t sign_verify(const struct sign_public *key, const char *context, struct bytes message,
                            const struct signature *signature);

/* A private key that stays where it is: in memory, in a token. Borrows; `sign` over the message as it is, as
 * sign_raw. */
struct sign_hand {
    const struct sign_public *public;
    err_t (*sign)(const void *ctx, struct bytes message, struct signature *out);
    const void *ctx;
};
struct sign_hand sign_hand_of(const struct sign_key *key);
