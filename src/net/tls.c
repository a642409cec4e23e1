#include "net/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/mem.h"
#include "net/tls_context.h"

struct tls_identity {
    X509 *certificate;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};

/* --- identities --- */

err_t tls_lock_keys(bool *out_locked)
{
    enum { SMALLEST_BYTES = 32, UNLOCKED = 2 }; /* OPENSSL_secure_malloc(3) */
    _Static_assert((TLS_SECRET_BYTES & (TLS_SECRET_BYTES - 1)) == 0, "a power of two");
    int made =
        CRYPTO_secure_malloc_initialized() ? 1 : CRYPTO_secure_malloc_init(TLS_SECRET_BYTES, SMALLEST_BYTES);
    if (made == 0)
        return ERR_NOMEM;
    *out_locked = made != UNLOCKED;
    return ERR_OK;
}

static bool read_key(X509 *certificate, struct tls_peer *out)
{
    EVP_PKEY *key = certificate == NULL ? NULL : X509_get0_pubkey(certificate);
    uint8_t *spki = NULL;
    int len = key == NULL ? -1 : i2d_PUBKEY(key, &spki);
    if (len <= 0)
        return false;
    out->spki = hash_sha256((struct bytes) {spki, (size_t)len});
    OPENSSL_free(spki);
    size_t raw = sizeof out->pin.b;
    bool is_raw = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 &&
                  EVP_PKEY_get_raw_public_key(key, out->pin.b, &raw) == 1 && raw == sizeof out->pin.b;
    if (!is_raw)
        out->pin = out->spki;
    out->has_key = true;
    return true;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

/* The serial number is the key's digest: 127 bits, positive, and the same every time. */
static bool set_serial(X509 *certificate)
{
    struct tls_peer self = {.secure = false};
    if (!read_key(certificate, &self))
        return false;
    self.spki.b[0] = (uint8_t)((self.spki.b[0] & 0x7f) | 0x40);
    BIGNUM *number = BN_bin2bn(self.spki.b, 16, NULL);
    bool set = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return set;
}

static bool fill_certificate(X509 *certificate, EVP_PKEY *key, const char *name, const char *alt_names,
                             int64_t from_s, int64_t until_s)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) == 1 && X509_set_pubkey(certificate, key) == 1 &&
           set_serial(certificate) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0) == 1 &&
           X509_set_issuer_name(certificate, subject) == 1 &&
           ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)from_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)until_s) != NULL &&
           add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
           add_extension(certificate, NID_ext_key_usage, "serverAuth,clientAuth") &&
           (alt_names == NULL || add_extension(certificate, NID_subject_alt_name, alt_names));
}

static EVP_PKEY *private_of(const struct sign_seed *seed)
{
    struct sign_key key;
    uint8_t der[SIGN_PKCS8_MAX];
    EVP_PKEY *made = NULL;
    if (sign_key_make(seed, &key) == ERR_OK) {
        struct bytes whole = sign_key_pkcs8(&key, der);
        made = d2i_AutoPrivateKey(NULL, &(const unsigned char *) {whole.at}, (long)whole.len);
    }
    sign_key_wipe(&key);
    mem_wipe(der, sizeof der);
    return made;
}

/* The digest of the key's suite; Ed25519 hashes for itself. */
static bool sign_certificate(X509 *certificate, EVP_PKEY *key, unsigned number)
{
    const struct suite *suite = suite_of(number);
    const char *name = suite->curve == NULL ? NULL : suite->curve->digest;
    return X509_sign(certificate, key, name == NULL ? NULL : EVP_get_digestbyname(name)) > 0;
}

err_t tls_identity_make(const struct sign_seed *seed, const char *name, const char *alt_names, int64_t from_s,
                        int64_t until_s, struct tls_identity **out)
{
    struct tls_identity *identity = mem_alloc(sizeof *identity);
    if (identity == NULL)
        return ERR_NOMEM;
    identity->key = private_of(seed);
    identity->certificate = X509_new();
    if (identity->key == NULL || identity->certificate == NULL ||
        !fill_certificate(identity->certificate, identity->key, name, alt_names, from_s, until_s) ||
        !sign_certificate(identity->certificate, identity->key, seed->suite)) {
        tls_identity_free(identity);
        ERR_clear_error();
        return ERR_USAGE;
    }
    *out = identity;
    return ERR_OK;
}

static BIO *bio_of(struct bytes pem)
{
    return pem.len > INT32_MAX ? NULL : BIO_new_mem_buf(pem.at, (int)pem.len);
}

/* A PEM without passphrase: nobody is asked on a terminal. */
static int no_passphrase(char *to, int size, int writing, void *ctx)
{
    (void)to;
    (void)size;
    (void)writing;
    (void)ctx;
    return -1;
}

static STACK_OF(X509) * read_certificates(struct bytes pem)
{
    BIO *bio = bio_of(pem);
    STACK_OF(X509) *all = sk_X509_new_null();
    X509 *next = NULL;
    while (bio != NULL && all != NULL && (next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL)
        if (sk_X509_push(all, next) <= 0)
            X509_free(next);
    BIO_free(bio);
    ERR_clear_error();
    return all;
}

err_t tls_identity_read(struct bytes chain_pem, struct bytes key_pem, struct tls_identity **out)
{
    struct tls_identity *identity = mem_alloc(sizeof *identity);
    if (identity == NULL)
        return ERR_NOMEM;
    err_t err = ERR_SYNTAX;
    BIO *bio = bio_of(key_pem);
    identity->chain = read_certificates(chain_pem);
    if (bio != NULL)
        identity->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (identity->chain != NULL)
        identity->certificate = sk_X509_shift(identity->chain);
    if (identity->key != NULL && identity->certificate != NULL)
        err = X509_check_private_key(identity->certificate, identity->key) == 1 ? ERR_OK : ERR_CONFLICT;
    ERR_clear_error();
    if (err == ERR_OK)
        *out = identity;
    else
        tls_identity_free(identity);
    return err;
}

void tls_identity_free(struct tls_identity *identity)
{
    if (identity == NULL)
        return;
    X509_free(identity->certificate);
    EVP_PKEY_free(identity->key);
    sk_X509_pop_free(identity->chain, X509_free);
    mem_free(identity);
}

err_t tls_identity_pem(const struct tls_identity *identity, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;
    err_t err = ERR_NOMEM;
    if (bio != NULL && PEM_write_bio_X509(bio, identity->certificate) == 1) {
        long len = BIO_get_mem_data(bio, &at);
        buf_put(out, at, (size_t)len);
        err = buf_err(out);
    }
    BIO_free(bio);
    return err;
}

struct tls_peer tls_identity_peer(const struct tls_identity *identity)
{
    struct tls_peer self = {.secure = false};
    must(read_key(identity->certificate, &self));
    return self;
}

/* --- contexts --- */

/* Stands in the place of OpenSSL's chain check: the key decides, or the chain and then the key. */
static int judge(X509_STORE_CTX *store, void *arg)
{
    const struct tls *tls = arg;
    const struct tls_conf *conf = &tls->conf;
    struct tls_peer seen = {.secure = true};
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    if (!read_key(X509_STORE_CTX_get0_cert(store), &seen))
        return 0;
    if (conf->trust == TLS_TRUST_CA) {
        X509_STORE_CTX_set_error(store, X509_V_OK);
        if (X509_verify_cert(store) != 1)
            return 0;
    }
    seen.known = conf->know != NULL && conf->know(conf->ctx, &seen, &seen.id);
    if (conf->trust == TLS_TRUST_PINNED && !seen.known)
        return 0;
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    /* libcurl's connections have its own data there. */
    struct tls_peer *place = ssl == NULL || conf->client ? NULL : SSL_get_app_data(ssl);
    if (place != NULL)
        *place = seen;
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

static int choose_protocol(SSL *ssl, const uint8_t **out, uint8_t *out_len, const uint8_t *offered,
                           unsigned offered_len, void *arg)
{
    (void)ssl;
    (void)arg;
    static const uint8_t ours[] = "\x02h2\x08http/1.1";
    uint8_t *chosen = NULL;
    int found = SSL_select_next_proto(&chosen, out_len, ours, sizeof ours - 1, offered, offered_len);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int verify_mode(const struct tls_conf *conf)
{
    switch (conf->trust) {
    case TLS_TRUST_NONE:
        return SSL_VERIFY_NONE;
    case TLS_TRUST_OFFERED:
        return SSL_VERIFY_PEER;
    default:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    }
}

static bool set_identity(SSL_CTX *context, const struct tls_identity *identity)
{
    if (SSL_CTX_use_certificate(context, identity->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, identity->key) != 1)
        return false;
    return identity->chain == NULL || SSL_CTX_set1_chain(context, identity->chain) == 1;
}

static bool set_authorities(SSL_CTX *context, struct bytes pem)
{
    STACK_OF(X509) *all = read_certificates(pem);
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    bool set = all != NULL && sk_X509_num(all) > 0;
    for (int i = 0; set && i < sk_X509_num(all); i++)
        set = X509_STORE_add_cert(store, sk_X509_value(all, i)) == 1;
    sk_X509_pop_free(all, X509_free);
    return set;
}

err_t tls_setup(const struct tls *tls, SSL_CTX *context)
{
    const struct tls_conf *conf = &tls->conf;
    bool good =
        SSL_CTX_set_min_proto_version(context, conf->allow_tls12 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
        SSL_CTX_set_num_tickets(context, 0) == 1 && SSL_CTX_set_max_early_data(context, 0) == 1 &&
        SSL_CTX_set_session_id_context(context, (const uint8_t *)"bongsu", 6) == 1;
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    if (!conf->client)
        SSL_CTX_set_read_ahead(
            context, 1); /* a record in one call of the system, not two; we read until there is none */
    SSL_CTX_set_verify(context, verify_mode(conf), NULL);
    SSL_CTX_set_cert_verify_callback(context, judge, (void *)(uintptr_t)tls);
    if (!conf->client)
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    if (conf->pad_bytes > 0)
        good = good && SSL_CTX_set_block_padding(context, conf->pad_bytes) == 1;
    good = good && (conf->identity == NULL || set_identity(context, conf->identity)) &&
           (conf->trust != TLS_TRUST_CA || set_authorities(context, conf->ca_pem));
    ERR_clear_error();
    return good ? ERR_OK : ERR_INVALID;
}

static bool conf_fits(const struct tls_conf *conf)
{
    if ((conf->trust == TLS_TRUST_PINNED && conf->know == NULL) || conf->pad_bytes > TLS_PAD_MAX)
        return false;
    if (conf->client)
        return conf->trust == TLS_TRUST_PINNED || conf->trust == TLS_TRUST_CA;
    return conf->identity != NULL;
}

err_t tls_open(const struct tls_conf *conf, struct tls **out)
{
    if (!conf_fits(conf))
        return ERR_USAGE;
    struct tls *tls = mem_alloc(sizeof *tls);
    if (tls == NULL)
        return ERR_NOMEM;
    tls->conf = *conf;
    tls->context = SSL_CTX_new(conf->client ? TLS_client_method() : TLS_server_method());
    err_t err = tls->context == NULL ? ERR_NOMEM : tls_setup(tls, tls->context);
    if (err == ERR_OK)
        *out = tls;
    else
        tls_close(tls);
    return err;
}

err_t tls_show(struct tls *tls, struct tls_identity *identity)
{
    bool set = set_identity(tls->context, identity);
    ERR_clear_error();
    tls->conf.identity = identity; /* a client's connections are set up one by one */
    return set ? ERR_OK : ERR_INVALID;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    mem_free(tls);
}
