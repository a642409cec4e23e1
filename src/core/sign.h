/* Signatures of suite 1: Ed25519 (RFC 8032) by libsodium. What a signature is for is bound into it: every
 * message starts with a context string that names the use, so that no signature can serve for another. (C2SP
 * notes carry their own context and use sign_raw.) Secret keys are wiped by their owner with sign_key_wipe.
 * Pure; any thread. */
#pragma once

#include "core/err.h"
#include "core/str.h"

enum { SIGN_SUITE_1 = 1, SIGN_PUBLIC_SIZE = 32, SIGN_SECRET_SIZE = 64, SIGN_SEED_SIZE = 32, SIGN_SIZE = 64 };

struct sign_public {
    uint8_t b[SIGN_PUBLIC_SIZE];
};

struct sign_key {
    uint8_t secret[SIGN_SECRET_SIZE];
    struct sign_public public;
};

struct signature {
    uint8_t b[SIGN_SIZE];
};

/* Once per process before any other crypto call. */
NODISCARD err_t sign_start(void);

struct sign_key sign_key_from_seed(const uint8_t seed[SIGN_SEED_SIZE]);
void sign_key_wipe(struct sign_key *key);

struct signature sign_raw(const struct sign_key *key, struct bytes message);
NODISCARD err_t sign_raw_verify(const struct sign_public *key, struct bytes message,
                                const struct signature *signature);

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
