/* The rows of OpenSSL: ECDSA (FIPS 186-5) and ECDH over P-256 with SHA-256 or over P-384 with SHA-384, HKDF
 * (RFC 5869), and an AEAD in GCM by its name. A public key is the uncompressed point; a signature is strict
 * DER, which OpenSSL itself holds every signature to that it verifies. Either s is taken: modules and tokens
 * give both, and nothing here is known by the bytes of its signature. */
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <stdio.h>

#include "core/hash.h"
#include "core/mem.h"
#include "core/suite.h"

enum { SCALAR_MAX = SUITE_SCALAR_MAX, POINT_MAX = SUITE_PUBLIC_MAX, NONCE_SIZE = SUITE_NONCE_SIZE };
enum { UNCOMPRESSED = 4, DIGEST_NAME_MAX = 8, LABEL_MAX = 16 };

/* SP 800-186 sections 3.2.1.3 and 3.2.1.4. */
const struct suite_curve suite_p256 = {
    "P-256", "SHA256", "bongsu box 2", NID_X9_62_prime256v1, 32, {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00,
                                                                  0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                                  0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
                                                                  0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2,
                                                                  0xfc, 0x63, 0x25, 0x51}};
const struct suite_curve suite_p384 = {
    "P-384", "SHA384", "bongsu box 4", NID_secp384r1, 48, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                           0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
                                                           0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
                                                           0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73}};

static size_t point_size(const struct suite_curve *curve)
{
    return 1 + 2 * curve->size;
}

static err_t derive(const struct suite_curve *curve, struct bytes from, struct bytes salt, struct bytes info,
                    uint8_t *out, size_t len);

bool suite_openssl_start(void)
{
    return OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1;
}

/* --- keys --- */

/* What a seed begins with: itself where a scalar is as long, and else what HKDF makes of it. */
static err_t seed_stretch(const struct suite_curve *curve, const uint8_t seed[SUITE_SEED_SIZE],
                          uint8_t out[SCALAR_MAX])
{
    static const char label[] = "bongsu scalar 4"; /* with its terminating zero */
    memcpy(out, seed, SUITE_SEED_SIZE);
    return curve->size == SUITE_SEED_SIZE ? ERR_OK
                                          : derive(curve, bytes_of(seed, SUITE_SEED_SIZE), bytes_of(NULL, 0),
                                                   bytes_of(label, sizeof label), out, curve->size);
}

/* By testing candidates (FIPS 186-5 appendix A.2.2), and should one be zero or too large, which of P-256 one
 * in 2^32 is and of P-384 one in 2^194, the digest of the one before. Comparing tells whether that happened,
 * and nothing else. */
static err_t scalar_of(const struct suite_curve *curve, const uint8_t seed[SUITE_SEED_SIZE],
                       uint8_t out[SCALAR_MAX])
{
    static const uint8_t zero[SCALAR_MAX];
    err_t err = seed_stretch(curve, seed, out);
    while (err == ERR_OK &&
           (memcmp(out, zero, curve->size) == 0 || memcmp(out, curve->order, curve->size) >= 0)) {
        uint8_t next[EVP_MAX_MD_SIZE];
        if (EVP_Q_digest(NULL, curve->digest, NULL, out, curve->size, next, NULL) != 1)
            err = ERR_UNSUPPORTED;
        else
            memcpy(out, next, curve->size);
        mem_wipe(next, sizeof next);
    }
    return err;
}

static err_t point_of(const struct suite_curve *curve, const uint8_t *scalar, uint8_t *out)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
    EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
    BIGNUM *number = BN_secure_new();
    size_t size = point_size(curve);
    bool made = point != NULL && number != NULL && BN_bin2bn(scalar, (int)curve->size, number) != NULL;
    if (made)
        BN_set_flags(number, BN_FLG_CONSTTIME);
    made = made && EC_POINT_mul(group, point, number, NULL, NULL, NULL) == 1 &&
           EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, out, size, NULL) == size;
    BN_clear_free(number);
    EC_POINT_free(point);
    EC_GROUP_free(group);
    return made ? ERR_OK : ERR_NOMEM;
}

/* `scalar` NULL: the public half alone. NULL: no point of the curve, or no memory. */
static EVP_PKEY *key_of(const struct suite_curve *curve, const uint8_t *scalar, const uint8_t *point)
{
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *number = scalar == NULL ? NULL : BN_secure_new();
    OSSL_PARAM *params = NULL;
    bool good =
        ctx != NULL && build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve->name, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, point_size(curve)) == 1;
    if (good && scalar != NULL)
        good = number != NULL && BN_bin2bn(scalar, (int)curve->size, number) != NULL &&
               OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
    if (good && (params = OSSL_PARAM_BLD_to_param(build)) != NULL && EVP_PKEY_fromdata_init(ctx) == 1)
        (void)EVP_PKEY_fromdata(ctx, &key, scalar == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params);
    OSSL_PARAM_free(params);
    BN_clear_free(number);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return key;
}

static EVP_PKEY *public_of(const struct suite_curve *curve, const uint8_t *point)
{
    return point[0] == UNCOMPRESSED ? key_of(curve, NULL, point) : NULL;
}

err_t suite_ec_make(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE],
                    uint8_t secret[SUITE_SECRET_SIZE], uint8_t *public)
{
    memset(secret, 0, SUITE_SECRET_SIZE);
    err_t err = scalar_of(suite->curve, seed, secret);
    return err == ERR_OK ? point_of(suite->curve, secret, public) : err;
}

err_t suite_ec_public(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], uint8_t *public)
{
    uint8_t secret[SUITE_SECRET_SIZE];
    err_t err = suite_ec_make(suite, seed, secret, public);
    mem_wipe(secret, sizeof secret);
    return err;
}

bool suite_ec_public_ok(const struct suite *suite, const uint8_t *public)
{
    EVP_PKEY *key = public_of(suite->curve, public);
    EVP_PKEY_free(key);
    return key != NULL;
}

/* --- signatures --- */

/* RFC 6979 where OpenSSL has it (3.2 and later); before, nonces of its own, which it makes from the private
 * key, the message and its random generator together. */
static void nonce_by_message(EVP_PKEY_CTX *ctx)
{
    static const char name[] = "nonce-type";
    const OSSL_PARAM *known = EVP_PKEY_CTX_settable_params(ctx);
    unsigned deterministic = 1;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_uint(name, &deterministic), OSSL_PARAM_construct_end()};
    if (known != NULL && OSSL_PARAM_locate_const(known, name) != NULL)
        (void)EVP_PKEY_CTX_set_params(ctx, params);
}

err_t suite_ec_sign(const struct suite *suite, const uint8_t secret[SUITE_SECRET_SIZE], const uint8_t *public,
                    struct bytes message, uint8_t out[SUITE_SIGNATURE_MAX], size_t *out_len)
{
    EVP_PKEY *key = key_of(suite->curve, secret, public);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *signer = NULL;
    size_t len = SUITE_SIGNATURE_MAX;
    bool made = key != NULL && ctx != NULL &&
                EVP_DigestSignInit_ex(ctx, &signer, suite->curve->digest, NULL, NULL, key, NULL) == 1;
    if (made)
        nonce_by_message(signer);
    made = made && EVP_DigestSign(ctx, out, &len, message.at, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    if (made)
        *out_len = len;
    return made ? ERR_OK : key == NULL ? ERR_UNSUPPORTED : ERR_NOMEM;
}

err_t suite_ec_digest(const struct suite *suite, struct bytes message, uint8_t out[SUITE_SCALAR_MAX])
{
    size_t len = 0;
    bool made = EVP_Q_digest(NULL, suite->curve->digest, NULL, message.at, message.len, out, &len) == 1;
    ERR_clear_error();
    return made && len == suite->curve->size ? ERR_OK : ERR_UNSUPPORTED;
}

err_t suite_ec_spell(const struct suite *suite, const uint8_t *numbers, uint8_t out[SUITE_SIGNATURE_MAX],
                     size_t *out_len)
{
    int size = (int)suite->curve->size;
    ECDSA_SIG *both = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(numbers, size, NULL), *s = BN_bin2bn(numbers + size, size, NULL);
    err_t err = ERR_NOMEM;
    if (both != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(both, r, s) == 1) {
        int len = i2d_ECDSA_SIG(both, &out);
        *out_len = len > 0 ? (size_t)len : 0;
        err = len > 0 ? ERR_OK : ERR_NOMEM;
    } else {
        BN_free(r);
        BN_free(s);
    }
    ECDSA_SIG_free(both);
    ERR_clear_error();
    return err;
}

err_t suite_ec_verify(const struct suite *suite, const uint8_t *public, struct bytes message,
                      struct bytes signature)
{
    EVP_PKEY *key = public_of(suite->curve, public);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    err_t err = ctx == NULL ? ERR_NOMEM : ERR_SIGNATURE;
    if (key != NULL && ctx != NULL && signature.len <= SUITE_SIGNATURE_MAX &&
        EVP_DigestVerifyInit_ex(ctx, NULL, suite->curve->digest, NULL, NULL, key, NULL) == 1 &&
        EVP_DigestVerify(ctx, signature.at, signature.len, message.at, message.len) == 1)
        err = ERR_OK;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return err;
}

/* --- the AEAD --- */

/* With what is bound taken in already. *out is the caller's to free, and NULL on failure. */
static err_t cipher_begin(const struct suite *suite, int closing, const uint8_t *key,
                          const uint8_t nonce[NONCE_SIZE], struct bytes bound, EVP_CIPHER_CTX **out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, suite->cipher, NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    err_t err = cipher == NULL ? ERR_UNSUPPORTED : ctx == NULL ? ERR_NOMEM : ERR_OK;
    int len;
    must(bound.len <= INT32_MAX);
    if (err == ERR_OK &&
        (EVP_CipherInit_ex2(ctx, cipher, key, nonce, closing, NULL) != 1 ||
         (bound.len > 0 && EVP_CipherUpdate(ctx, NULL, &len, bound.at, (int)bound.len) != 1)))
        err = ERR_NOMEM;
    if (err != ERR_OK) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
        ERR_clear_error();
    }
    EVP_CIPHER_free(cipher);
    *out = ctx;
    return err;
}

static bool cipher_add(EVP_CIPHER_CTX *ctx, struct bytes in, uint8_t *out)
{
    int len;
    must(in.len <= INT32_MAX);
    return in.len == 0 ||
           (EVP_CipherUpdate(ctx, out, &len, in.at, (int)in.len) == 1 && (size_t)len == in.len);
}

static bool cipher_close(EVP_CIPHER_CTX *ctx, uint8_t tag[SUITE_TAG_SIZE])
{
    uint8_t none[SUITE_TAG_SIZE];
    int len;
    return EVP_CipherFinal_ex(ctx, none, &len) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SUITE_TAG_SIZE, tag) == 1;
}

static bool cipher_open(EVP_CIPHER_CTX *ctx, const uint8_t tag[SUITE_TAG_SIZE])
{
    uint8_t copy[SUITE_TAG_SIZE], none[SUITE_TAG_SIZE];
    int len;
    memcpy(copy, tag, sizeof copy);
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SUITE_TAG_SIZE, copy) == 1 &&
           EVP_CipherFinal_ex(ctx, none, &len) == 1;
}

err_t suite_gcm_close(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                      const uint8_t nonce[NONCE_SIZE], struct bytes plain, struct bytes bound, uint8_t *out)
{
    EVP_CIPHER_CTX *ctx;
    err_t err = cipher_begin(suite, 1, key, nonce, bound, &ctx);
    if (err == ERR_OK && !(cipher_add(ctx, plain, out) && cipher_close(ctx, out + plain.len)))
        err = ERR_NOMEM;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return err;
}

err_t suite_gcm_open(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                     const uint8_t nonce[NONCE_SIZE], struct bytes sealed, struct bytes bound, uint8_t *out)
{
    if (sealed.len < SUITE_TAG_SIZE)
        return ERR_SHORT;
    EVP_CIPHER_CTX *ctx;
    size_t len = sealed.len - SUITE_TAG_SIZE;
    err_t err = cipher_begin(suite, 0, key, nonce, bound, &ctx);
    if (err == ERR_OK &&
        !(cipher_add(ctx, bytes_of(sealed.at, len), out) && cipher_open(ctx, sealed.at + len)))
        err = ERR_SIGNATURE;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (err != ERR_OK && len > 0)
        mem_wipe(out, len); /* nothing that was not whole is seen */
    return err;
}

/* HKDF with the digest of the curve. */
static err_t derive(const struct suite_curve *curve, struct bytes from, struct bytes salt, struct bytes info,
                    uint8_t *out, size_t len)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    char digest[DIGEST_NAME_MAX];
    (void)snprintf(digest, sizeof digest, "%s", curve->digest);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)from.at, from.len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.at, info.len),
        salt.len == 0 ? OSSL_PARAM_construct_end()
                      : OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.at, salt.len),
        OSSL_PARAM_construct_end(),
    };
    bool made = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
    err_t err = made ? ERR_OK : kdf == NULL ? ERR_UNSUPPORTED : ERR_NOMEM;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    ERR_clear_error();
    return err;
}

/* --- seals --- */

static const uint8_t no_nonce[NONCE_SIZE]; /* what is sealed so has a key of its own */

/* Of the secret, the cipher and all that is bound: a secret that came from outside twice makes another key in
 * each place where it is kept. */
static err_t seal_key(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes bound,
                      uint8_t out[SUITE_KEY_SIZE])
{
    static const char label[] = "bongsu seal "; /* the name ends it, with its terminating zero */
    uint8_t info[sizeof label + SUITE_CIPHER_MAX + HASH_SIZE];
    size_t name = strlen(suite->cipher) + 1, len = sizeof label - 1;
    struct hash digest = hash_sha256(bound);
    must(name <= SUITE_CIPHER_MAX);
    memcpy(info, label, len);
    memcpy(info + len, suite->cipher, name);
    memcpy(info + len + name, digest.b, HASH_SIZE);
    return derive(suite->curve, bytes_of(secret, SUITE_KEY_SIZE), bytes_of(NULL, 0),
                  bytes_of(info, len + name + HASH_SIZE), out, SUITE_KEY_SIZE);
}

err_t suite_gcm_seal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes plain,
                     struct bytes bound, uint8_t *out)
{
    uint8_t key[SUITE_KEY_SIZE];
    err_t err = seal_key(suite, secret, bound, key);
    if (err == ERR_OK)
        err = suite_gcm_close(suite, key, no_nonce, plain, bound, out);
    mem_wipe(key, sizeof key);
    return err;
}

err_t suite_gcm_unseal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes sealed,
                       struct bytes bound, uint8_t *out)
{
    uint8_t key[SUITE_KEY_SIZE];
    err_t err = seal_key(suite, secret, bound, key);
    if (err == ERR_OK)
        err = suite_gcm_open(suite, key, no_nonce, sealed, bound, out);
    mem_wipe(key, sizeof key);
    return err;
}

/* --- boxes --- */

/* The x coordinate that both sides come to (SP 800-56A section 5.7.1.2). */
static err_t agree(const struct suite_curve *curve, const uint8_t *scalar, const uint8_t *own,
                   const uint8_t *other, uint8_t out[SCALAR_MAX])
{
    EVP_PKEY *ours = key_of(curve, scalar, own), *theirs = public_of(curve, other);
    EVP_PKEY_CTX *ctx = ours == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
    size_t len = curve->size;
    bool made = ctx != NULL && theirs != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
                EVP_PKEY_derive_set_peer(ctx, theirs) == 1 && EVP_PKEY_derive(ctx, out, &len) == 1 &&
                len == curve->size;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
    ERR_clear_error();
    return made ? ERR_OK : ERR_INVALID;
}

/* The key of a box: of what both come to, and of both halves. */
static err_t box_key(const struct suite_curve *curve, const uint8_t *shared, const uint8_t *from,
                     const uint8_t *to, uint8_t out[SUITE_KEY_SIZE])
{
    uint8_t info[LABEL_MAX + 2 * POINT_MAX];
    size_t label = strlen(curve->box_label) + 1, point = point_size(curve); /* with its terminating zero */
    must(label <= LABEL_MAX);
    memcpy(info, curve->box_label, label);
    memcpy(info + label, from, point);
    memcpy(info + label + point, to, point);
    return derive(curve, bytes_of(shared, curve->size), bytes_of(NULL, 0), bytes_of(info, label + 2 * point),
                  out, SUITE_KEY_SIZE);
}

err_t suite_ec_box(const struct suite *suite, const uint8_t *to, const uint8_t seed[SUITE_SEED_SIZE],
                   const uint8_t key[SUITE_KEY_SIZE], uint8_t *out)
{
    const struct suite_curve *curve = suite->curve;
    uint8_t secret[SUITE_SECRET_SIZE], shared[SCALAR_MAX], wrap[SUITE_KEY_SIZE];
    err_t err;
    if (!TRY(err, suite_ec_make(suite, seed, secret, out)) &&
        !TRY(err, agree(curve, secret, out, to, shared)) && !TRY(err, box_key(curve, shared, out, to, wrap)))
        err = suite_gcm_close(suite, wrap, no_nonce, bytes_of(key, SUITE_KEY_SIZE), bytes_of(NULL, 0),
                              out + point_size(curve));
    mem_wipe(secret, sizeof secret);
    mem_wipe(shared, sizeof shared);
    mem_wipe(wrap, sizeof wrap);
    return err;
}

err_t suite_ec_unbox(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], const uint8_t *box,
                     uint8_t key[SUITE_KEY_SIZE])
{
    const struct suite_curve *curve = suite->curve;
    uint8_t secret[SUITE_SECRET_SIZE], own[POINT_MAX], shared[SCALAR_MAX], wrap[SUITE_KEY_SIZE];
    err_t err;
    if (!TRY(err, suite_ec_make(suite, seed, secret, own)) &&
        !TRY(err, agree(curve, secret, own, box, shared)) &&
        !TRY(err, box_key(curve, shared, box, own, wrap)))
        err = suite_gcm_open(suite, wrap, no_nonce,
                             bytes_of(box + point_size(curve), SUITE_KEY_SIZE + SUITE_TAG_SIZE),
                             bytes_of(NULL, 0), key);
    mem_wipe(secret, sizeof secret);
    mem_wipe(shared, sizeof shared);
    mem_wipe(wrap, sizeof wrap);
    return err == ERR_INVALID ? ERR_SIGNATURE : err;
}

/* --- streams --- */

/* A key and a first nonce of the stream's key and header; each record counts the nonce on, so that none can
 * be lost, repeated or moved. The mark is the first byte that is sealed. */
struct gcm {
    uint8_t key[SUITE_KEY_SIZE], nonce[NONCE_SIZE];
    uint32_t count;
};
_Static_assert(sizeof(struct gcm) <= SUITE_STREAM_SIZE, "it fits where a stream is kept");

err_t suite_gcm_begin(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                      const uint8_t header[SUITE_HEADER_SIZE], struct suite_stream *stream)
{
    static const char label[] = "bongsu stream 2"; /* with its terminating zero */
    uint8_t made[SUITE_KEY_SIZE + NONCE_SIZE];
    struct gcm *gcm = (void *)stream->b;
    err_t err = derive(suite->curve, bytes_of(key, SUITE_KEY_SIZE), bytes_of(header, SUITE_HEADER_SIZE),
                       bytes_of(label, sizeof label), made, sizeof made);
    if (err == ERR_OK) {
        memcpy(gcm->key, made, SUITE_KEY_SIZE);
        memcpy(gcm->nonce, made + SUITE_KEY_SIZE, NONCE_SIZE);
        gcm->count = 0;
    }
    mem_wipe(made, sizeof made);
    return err;
}

/* The first nonce with the record's number, big-endian, over its last four bytes (as RFC 8446 section 5.3).
 */
static err_t record_begin(const struct suite *suite, const struct gcm *gcm, int closing, struct bytes bound,
                          EVP_CIPHER_CTX **out)
{
    uint8_t nonce[NONCE_SIZE];
    memcpy(nonce, gcm->nonce, NONCE_SIZE);
    for (unsigned i = 0; i < 4; i++)
        nonce[NONCE_SIZE - 1 - i] ^= (uint8_t)(gcm->count >> (8 * i));
    return cipher_begin(suite, closing, gcm->key, nonce, bound, out);
}

err_t suite_gcm_put(const struct suite *suite, struct suite_stream *stream, struct bytes plain,
                    struct bytes bound, unsigned mark, uint8_t *out)
{
    struct gcm *gcm = (void *)stream->b;
    const uint8_t first = (uint8_t)mark;
    if (gcm->count == UINT32_MAX)
        return ERR_LIMIT;
    EVP_CIPHER_CTX *ctx;
    err_t err = record_begin(suite, gcm, 1, bound, &ctx);
    if (err == ERR_OK && !(cipher_add(ctx, bytes_of(&first, 1), out) && cipher_add(ctx, plain, out + 1) &&
                           cipher_close(ctx, out + 1 + plain.len)))
        err = ERR_NOMEM;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    gcm->count += err == ERR_OK;
    return err;
}

err_t suite_gcm_take(const struct suite *suite, struct suite_stream *stream, struct bytes sealed,
                     struct bytes bound, uint8_t *out, unsigned *out_mark)
{
    enum { MARKS = 3 };
    struct gcm *gcm = (void *)stream->b;
    size_t len = sealed.len - SUITE_RECORD_EXTRA;
    uint8_t mark = MARKS;
    if (gcm->count == UINT32_MAX)
        return ERR_SIGNATURE;
    EVP_CIPHER_CTX *ctx;
    err_t err = record_begin(suite, gcm, 0, bound, &ctx);
    if (err != ERR_OK)
        return err;
    bool good = cipher_add(ctx, bytes_of(sealed.at, 1), &mark) &&
                cipher_add(ctx, bytes_of(sealed.at + 1, len), out) && cipher_open(ctx, sealed.at + 1 + len) &&
                mark < MARKS;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (!good && len > 0)
        mem_wipe(out, len);
    if (!good)
        return ERR_SIGNATURE;
    gcm->count++;
    *out_mark = mark;
    return ERR_OK;
}
