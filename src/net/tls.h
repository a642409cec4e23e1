/* TLS by OpenSSL 3, and who stands at the other end of a connection.
 *
 * Between nodes: TLS 1.3 only, both sides show a certificate, and the public key inside it is what counts
 * (pinned by the node card, DESIGN 5): names, dates and issuers of such certificates mean nothing. An
 * operator's own CA may be asked instead. For TAXII readers TLS 1.2 with AEAD suites can be allowed and a
 * client certificate is optional. Never: 0-RTT, renegotiation, compression, resumption (a removed peer must
 * not come back on an old session).
 *
 * Nothing is read from files: certificates and keys arrive as bytes. An identity and a tls may be shared by
 * any number of connections of one thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/hash.h"
#include "core/limit.h"
#include "core/sign.h"

/* What the handshake proved. All zero on a plain connection; without has_key the peer showed no certificate.
 */
struct tls_peer {
    bool secure;      /* the connection is under TLS */
    bool has_key;     /* the peer proved that it holds the key of its certificate */
    bool known;       /* `know` named it: `id` is valid */
    uint64_t id;      /* as `know` said */
    struct hash spki; /* SHA-256 of the SubjectPublicKeyInfo (as RFC 7469 section 2.4 takes it) */
    struct hash pin; /* what cards and lists know it by: an Ed25519 key itself (RFC 8410), of others `spki` */
};

/* --- our own certificate --- */

/* Private keys, of connections too, stand from now on in memory of OpenSSL's own that is locked and left out
 * of core dumps. Before the first key of the process; again: nothing. *out_locked false: RLIMIT_MEMLOCK is
 * too small for it (TLS_SECRET_BYTES), and the memory serves all the same. ERR_NOMEM. */
enum { TLS_SECRET_BYTES = LIMIT_NET_CONNECTIONS * 1024 }; /* a handshake holds less; a power of two */
NODISCARD err_t tls_lock_keys(bool *out_locked);

struct tls_identity;

/* A self-signed certificate over the key of `seed`, for `name` (at most 64 bytes, its common name),
 * valid between two times (seconds since 1970). `alt_names` (NULL: none) is "DNS:kr.example,IP:192.0.2.1".
 * Of suite 1 the same arguments give the same certificate, byte for byte; others' signatures differ each
 * time. Memory only. */
NODISCARD err_t tls_identity_make(const struct sign_seed *seed, const char *name, const char *alt_names,
                                  int64_t from_s, int64_t until_s, struct tls_identity **out);
/* From PEM: the certificate with its chain behind it, and its private key without passphrase. ERR_SYNTAX;
 * ERR_CONFLICT when the key is not the certificate's. */
NODISCARD err_t tls_identity_read(struct bytes chain_pem, struct bytes key_pem, struct tls_identity **out);
/* Accepts NULL. */
void tls_identity_free(struct tls_identity *identity);
/* Appends its certificate as PEM: public, to be given to those who must trust it by file. ERR_NOMEM,
 * ERR_LIMIT. */
NODISCARD err_t tls_identity_pem(const struct tls_identity *identity, struct buf *out);
/* What a peer will see of it (has_key, spki, pin). */
struct tls_peer tls_identity_peer(const struct tls_identity *identity);

/* --- contexts --- */

enum tls_trust {
    TLS_TRUST_NONE,    /* server: no certificate is asked for. Client: refused (ERR_USAGE) */
    TLS_TRUST_OFFERED, /* server: a certificate may be shown; `know` may name it; others pass unnamed */
    TLS_TRUST_PINNED,  /* a certificate must be shown, and `know` must name its key */
    TLS_TRUST_CA,      /* it must stem from `ca_pem`; `know`, if there is one, may name it */
};

struct tls_conf {
    bool client;
    bool allow_tls12;
    enum tls_trust trust;
    struct tls_identity *identity; /* a server must have one; borrowed for the life of the context */
    struct bytes ca_pem; /* with TLS_TRUST_CA; borrowed likewise: each connection of a client reads it */
    /* Called during the handshake, before possession is proved: may only look up. */
    bool (*know)(void *ctx, const struct tls_peer *peer, uint64_t *out_id);
    void *ctx;
    unsigned pad_bytes; /* records of TLS 1.3 are filled up to multiples of this (RFC 8446 section 5.4); 0:
                           none; at most TLS_PAD_MAX */
};

enum { TLS_PAD_MAX = 16384 };

struct tls;

NODISCARD err_t tls_open(const struct tls_conf *conf, struct tls **out);
/* Connections that begin from now on show this certificate; those under way keep theirs. Borrowed like the
 * one before. ERR_INVALID. */
NODISCARD err_t tls_show(struct tls *tls, struct tls_identity *identity);
/* After the last connection of it. Accepts NULL. */
void tls_close(struct tls *tls);
