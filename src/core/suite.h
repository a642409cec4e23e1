/* The suites (docs/protocol/README.md): which algorithms sign, agree on keys and seal. A suite is a row of
 * the table in suite.c, and whoever signs or seals asks that row: nothing else in bongsu knows which suite it
 * is. This header is of the rows and of core alone; other rooms use sign.h and sealed_stream.h.
 *
 * A number names everything: no key, signature or box says its algorithm anywhere else, so nothing can be
 * talked into another one. A greater number is what a stricter rule asks for (sync/cards.h: minimum).
 *
 * Suites of OpenSSL fetch every algorithm by its name under the default properties, so that an operator's
 * openssl.cnf chooses the provider. Pure; any thread. Secrets are the caller's to wipe. */
#pragma once

#include "core/err.h"
#include "core/str.h"

enum {
    SUITE_1 = 1,      /* Ed25519, X25519, XChaCha20-Poly1305: libsodium */
    SUITE_2 = 2,      /* ECDSA and ECDH over P-256, SHA-256, AES-256-GCM: OpenSSL */
    SUITE_3 = 3,      /* as suite 2, with ARIA-256-GCM (RFC 5794) */
    SUITE_4 = 4,      /* ECDSA and ECDH over P-384, SHA-384, AES-256-GCM: OpenSSL */
    SUITE_5 = 5,      /* as suite 4, with ARIA-256-GCM */
    SUITE_OLDEST = 1, /* what a number in a card or a setting may be */
    SUITE_NEWEST = 5,
};

/* What every suite keeps to. */
enum {
    SUITE_SEED_SIZE = 32,   /* random; all of a private key */
    SUITE_SECRET_SIZE = 64, /* a private key as `sign` wants it */
    SUITE_KEY_SIZE = 32,    /* of symmetric keys */
    SUITE_HEADER_SIZE = 24, /* begins a stream */
    SUITE_TAG_SIZE = 16,
    SUITE_NONCE_SIZE = 12,   /* of GCM */
    SUITE_RECORD_EXTRA = 17, /* a record of a stream: its mark and its tag */
    SUITE_SCALAR_MAX = 48,   /* of P-384 */
    SUITE_PUBLIC_MAX = 97,
    SUITE_SIGNATURE_MAX = 104,
    SUITE_BOX_MAX = SUITE_PUBLIC_MAX + SUITE_KEY_SIZE + SUITE_TAG_SIZE,
    SUITE_STREAM_SIZE = 64,
    SUITE_CIPHER_MAX = 16, /* of OpenSSL's name of a cipher, with its end */
};

/* Suites with the same signer make the same keys and signatures. */
enum suite_signer { SUITE_ED25519, SUITE_ECDSA_P256, SUITE_ECDSA_P384 };

/* A curve, and the digest that goes with it wherever the suite signs or derives. */
struct suite_curve {
    const char *name, *digest; /* OpenSSL's */
    const char *box_label;
    int nid;
    size_t size;                     /* of a scalar and of a coordinate */
    uint8_t order[SUITE_SCALAR_MAX]; /* big-endian */
};
extern const struct suite_curve suite_p256, suite_p384;

/* What a row keeps between the records of a stream. */
struct suite_stream {
    _Alignas(8) uint8_t b[SUITE_STREAM_SIZE];
};

struct suite {
    uint16_t id;
    enum suite_signer signer;
    const char *cipher;              /* OpenSSL's name of the AEAD; NULL: libsodium's */
    const struct suite_curve *curve; /* NULL: libsodium's */
    size_t public_size, box_size;
    struct bytes spki;   /* what stands before a public key in its SubjectPublicKeyInfo (DER) */
    struct bytes pkcs8;  /* and before a private key in its PrivateKeyInfo */
    size_t private_size; /* of that, at the begin of a secret */

    /* Every seed gives a key. ERR_NOMEM. What uses an algorithm that OpenSSL, as it is configured, does not
     * have, answers ERR_UNSUPPORTED. */
    err_t (*key_make)(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE],
                      uint8_t secret[SUITE_SECRET_SIZE], uint8_t *public);
    err_t (*sign)(const struct suite *suite, const uint8_t secret[SUITE_SECRET_SIZE], const uint8_t *public,
                  struct bytes message, uint8_t out[SUITE_SIGNATURE_MAX], size_t *out_len);
    /* ERR_SIGNATURE, also for a key or a signature that is none or is spelled otherwise; ERR_NOMEM. */
    err_t (*verify)(const struct suite *suite, const uint8_t *public, struct bytes message,
                    struct bytes signature);
    /* Is it the one spelling of a key that can be used? */
    bool (*public_ok)(const struct suite *suite, const uint8_t *public);

    err_t (*box_public)(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], uint8_t *public);
    /* `seed` serves this box alone. ERR_INVALID: `to` is no usable key. */
    err_t (*box)(const struct suite *suite, const uint8_t *to, const uint8_t seed[SUITE_SEED_SIZE],
                 const uint8_t key[SUITE_KEY_SIZE], uint8_t *out);
    /* ERR_SIGNATURE: not for us, or changed. */
    err_t (*unbox)(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], const uint8_t *box,
                   uint8_t key[SUITE_KEY_SIZE]);

    /* One message under a secret that serves nothing else but deriving: `out` holds SUITE_TAG_SIZE bytes more
     * than `plain`. What is bound is authenticated, not hidden. */
    err_t (*seal)(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes plain,
                  struct bytes bound, uint8_t *out);
    /* `sealed` has at least SUITE_TAG_SIZE bytes; ERR_SIGNATURE: changed, or another secret's. */
    err_t (*unseal)(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes sealed,
                    struct bytes bound, uint8_t *out);

    err_t (*stream_begin)(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                          const uint8_t header[SUITE_HEADER_SIZE], struct suite_stream *stream);
    /* `mark`: 0 to 2; `out` holds SUITE_RECORD_EXTRA bytes more than `plain`. */
    err_t (*stream_put)(const struct suite *suite, struct suite_stream *stream, struct bytes plain,
                        struct bytes bound, unsigned mark, uint8_t *out);
    /* `sealed` has at least SUITE_RECORD_EXTRA bytes. After a failure the stream stands where it stood. */
    err_t (*stream_take)(const struct suite *suite, struct suite_stream *stream, struct bytes sealed,
                         struct bytes bound, uint8_t *out, unsigned *out_mark);
};

/* Reads OpenSSL's configuration, with its providers, while files can still be read. False: it cannot be. */
bool suite_openssl_start(void);
/* NULL: there is none of that number. */
const struct suite *suite_of(unsigned id);

/* --- the rows' functions --- */

err_t suite_ed25519_make(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE],
                         uint8_t secret[SUITE_SECRET_SIZE], uint8_t *public);
err_t suite_ed25519_sign(const struct suite *suite, const uint8_t secret[SUITE_SECRET_SIZE],
                         const uint8_t *public, struct bytes message, uint8_t out[SUITE_SIGNATURE_MAX],
                         size_t *out_len);
err_t suite_ed25519_verify(const struct suite *suite, const uint8_t *public, struct bytes message,
                           struct bytes signature);
bool suite_ed25519_public_ok(const struct suite *suite, const uint8_t *public);
err_t suite_x25519_public(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], uint8_t *public);
err_t suite_x25519_box(const struct suite *suite, const uint8_t *to, const uint8_t seed[SUITE_SEED_SIZE],
                       const uint8_t key[SUITE_KEY_SIZE], uint8_t *out);
err_t suite_x25519_unbox(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], const uint8_t *box,
                         uint8_t key[SUITE_KEY_SIZE]);
err_t suite_xchacha_seal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes plain,
                         struct bytes bound, uint8_t *out);
err_t suite_xchacha_unseal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE],
                           struct bytes sealed, struct bytes bound, uint8_t *out);
err_t suite_xchacha_begin(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                          const uint8_t header[SUITE_HEADER_SIZE], struct suite_stream *stream);
err_t suite_xchacha_put(const struct suite *suite, struct suite_stream *stream, struct bytes plain,
                        struct bytes bound, unsigned mark, uint8_t *out);
err_t suite_xchacha_take(const struct suite *suite, struct suite_stream *stream, struct bytes sealed,
                         struct bytes bound, uint8_t *out, unsigned *out_mark);

err_t suite_ec_make(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE],
                    uint8_t secret[SUITE_SECRET_SIZE], uint8_t *public);
err_t suite_ec_sign(const struct suite *suite, const uint8_t secret[SUITE_SECRET_SIZE], const uint8_t *public,
                    struct bytes message, uint8_t out[SUITE_SIGNATURE_MAX], size_t *out_len);
/* What a hand that signs digests alone signs of `message`; curve->size bytes. ERR_UNSUPPORTED. */
err_t suite_ec_digest(const struct suite *suite, struct bytes message, uint8_t out[SUITE_SCALAR_MAX]);
/* r and s of curve->size bytes each, as they are spelled in a signature. ERR_NOMEM. */
err_t suite_ec_spell(const struct suite *suite, const uint8_t *numbers, uint8_t out[SUITE_SIGNATURE_MAX],
                     size_t *out_len);
err_t suite_ec_verify(const struct suite *suite, const uint8_t *public, struct bytes message,
                      struct bytes signature);
bool suite_ec_public_ok(const struct suite *suite, const uint8_t *public);
err_t suite_ec_public(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], uint8_t *public);
err_t suite_ec_box(const struct suite *suite, const uint8_t *to, const uint8_t seed[SUITE_SEED_SIZE],
                   const uint8_t key[SUITE_KEY_SIZE], uint8_t *out);
err_t suite_ec_unbox(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], const uint8_t *box,
                     uint8_t key[SUITE_KEY_SIZE]);
/* One message under the suite's cipher: `out` holds SUITE_TAG_SIZE bytes more than `plain`. A key and nonce
 * close one message. ERR_UNSUPPORTED, ERR_NOMEM. */
err_t suite_gcm_close(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                      const uint8_t nonce[SUITE_NONCE_SIZE], struct bytes plain, struct bytes bound,
                      uint8_t *out);
/* `out` holds what `sealed` has but for its tag, and is wiped on failure. ERR_SHORT, ERR_SIGNATURE. */
err_t suite_gcm_open(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                     const uint8_t nonce[SUITE_NONCE_SIZE], struct bytes sealed, struct bytes bound,
                     uint8_t *out);
err_t suite_gcm_seal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes plain,
                     struct bytes bound, uint8_t *out);
err_t suite_gcm_unseal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes sealed,
                       struct bytes bound, uint8_t *out);
err_t suite_gcm_begin(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                      const uint8_t header[SUITE_HEADER_SIZE], struct suite_stream *stream);
err_t suite_gcm_put(const struct suite *suite, struct suite_stream *stream, struct bytes plain,
                    struct bytes bound, unsigned mark, uint8_t *out);
err_t suite_gcm_take(const struct suite *suite, struct suite_stream *stream, struct bytes sealed,
                     struct bytes bound, uint8_t *out, unsigned *out_mark);
