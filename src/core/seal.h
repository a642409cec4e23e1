/* Sealing of suite 1: XChaCha20-Poly1305 under a key derived from one version's 32-byte secret (DESIGN: one
 * secret per version). A secret seals exactly one message, so the nonce is all zero; sealing a second message
 * under it is forbidden. The same secret gives the salts of the ledger's commitments (seal_salt): destroying
 * it destroys payload and openings together. Pure; any thread. Secrets never reach a diagnostic. */
#pragma once

#include "core/err.h"
#include "core/hash.h"
#include "core/str.h"

enum { SEAL_SECRET_SIZE = 32, SEAL_TAG_SIZE = 16 };

struct seal_secret {
    uint8_t b[SEAL_SECRET_SIZE];
};

/* out holds plain.len + SEAL_TAG_SIZE bytes. `bound` is authenticated, not hidden. */
void seal_close(const struct seal_secret *secret, struct bytes plain, struct bytes bound, uint8_t *out);
/* out holds sealed.len - SEAL_TAG_SIZE bytes. ERR_SIGNATURE when anything was changed, ERR_SHORT when too
 * small. */
NODISCARD err_t seal_open(const struct seal_secret *secret, struct bytes sealed, struct bytes bound,
                          uint8_t *out);

/* 32 bytes that only the holder of the secret can compute; `label` separates uses, `context` instances. */
struct hash seal_salt(const struct seal_secret *secret, const char *label, struct bytes context);

/* True when every byte is zero: a destroyed secret. */
int seal_secret_destroyed(const struct seal_secret *secret);
