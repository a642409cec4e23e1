/* Who stands at the other end of a connection, and TLS. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/hash.h"
#include "core/sign.h"

struct tls;

/* What the handshake proved. All zero on a plain connection or when the peer showed no certificate. */
struct tls_peer {
    bool secure;                /* the connection is under TLS */
    bool has_key;               /* the peer proved that it holds the key of its certificate */
    bool known;                 /* `know` named it: `id` is valid */
    bool is_ed25519;            /* `ed25519` is valid */
    uint64_t id;                /* as `know` said */
    struct hash spki;           /* SHA-256 of the SubjectPublicKeyInfo (as RFC 7469 section 2.4 takes it) */
    struct sign_public ed25519; /* the raw key, RFC 8410 */
};
