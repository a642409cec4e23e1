/* Sealing what a node keeps (docs/protocol/LOG.md): under a key derived from one version's 32-byte secret
 * (DESIGN: one secret per version), by the AEAD of the store's suite (core/suite.h; of suite 1 libsodium's
 * XChaCha20-Poly1305). A secret seals exactly one message, so the nonce is all zero; sealing a second message
 * under it is forbidden. Which suite it was stands beside the sealed bytes, and another one does not open
 * them. The same secret gives the salts of the ledger's commitments (seal_salts): destroying
 * it destroys payload and openings together. Pure; any thread. Secrets never reach a diagnostic. */
#pragma once

#include "core/err.h"
#include "core/hash.h"
#include "core/str.h"

enum { SEAL_SECRET_SIZE = 32, SEAL_TAG_SIZE = 16 };

struct seal_secret {
    uint8_t b[SEAL_SECRET_SIZE];
};

/* out holds plain.len + SEAL_TAG_SIZE bytes. `bound` is authenticated, not hidden. ERR_VERSION: no such
 * suite; ERR_UNSUPPORTED: OpenSSL, as it is configured, does not have it; ERR_NOMEM. Neither with suite 1. */
NODISCARD err_t seal_close(unsigned suite, const struct seal_secret *secret, struct bytes plain,
                           struct bytes bound, uint8_t *out);
/* out holds sealed.len - SEAL_TAG_SIZE bytes. ERR_SIGNATURE when anything was changed, ERR_SHORT when too
 * small; as seal_close. */
NODISCARD err_t seal_open(unsigned suite, const struct seal_secret *secret, struct bytes sealed,
                          struct bytes bound, uint8_t *out);

/* Two values of 32 bytes each that only the holder of the secret can compute and that tell nothing of each
 * other; `label` separates uses, `context` instances. One BLAKE2b call gives both: a ledger takes two salts
 * for every leaf. */
struct seal_salts {
    struct hash a, b;
};
struct seal_salts seal_salts(const struct seal_secret *secret, const char *label, struct bytes context);

/* True when every byte is zero: a destroyed secret. */
int seal_secret_destroyed(const struct seal_secret *secret);
