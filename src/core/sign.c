#include "core/sign.h"

#include <sodium.h>

#include "core/mem.h"
#include "core/wr.h"

enum { MESSAGE_SIZE_MAX = 4 << 20 };

err_t sign_start(void)
{
    return sodium_init() < 0 || !suite_openssl_start() ? ERR_WRONGSTATE : ERR_OK;
}

/* --- public keys --- */

struct bytes sign_public_bytes(const struct sign_public *key)
{
    const struct suite *suite = suite_of(key->suite);
    return bytes_of(key->b, suite == NULL ? 0 : suite->public_size);
}

err_t sign_public_of(unsigned number, struct bytes bytes, struct sign_public *out)
{
    const struct suite *suite = suite_of(number);
    if (suite == NULL)
        return ERR_VERSION;
    if (bytes.len != suite->public_size || !suite->public_ok(suite, bytes.at))
        return ERR_INVALID;
    *out = (struct sign_public) {.suite = suite->id};
    memcpy(out->b, bytes.at, bytes.len);
    return ERR_OK;
}

bool sign_public_eq(const struct sign_public *a, const struct sign_public *b)
{
    return a->suite == b->suite && memcmp(a->b, b->b, sizeof a->b) == 0;
}

void sign_public_put(struct buf *out, const struct sign_public *key)
{
    wr_u16(out, key->suite);
    wr_bytes(out, sign_public_bytes(key));
}

void sign_public_take(struct rd *rd, struct sign_public *out)
{
    unsigned number = rd_u16(rd);
    const struct suite *suite = suite_of(number);
    struct bytes bytes = rd_bytes(rd, suite == NULL ? 0 : suite->public_size);
    if (rd->err == ERR_OK)
        rd->err = sign_public_of(number, bytes, out);
}

struct bytes sign_public_spki(const struct sign_public *key, uint8_t out[SIGN_SPKI_MAX])
{
    const struct suite *suite = suite_of(key->suite);
    must(suite != NULL && suite->spki.len + suite->public_size <= SIGN_SPKI_MAX);
    memcpy(out, suite->spki.at, suite->spki.len);
    memcpy(out + suite->spki.len, key->b, suite->public_size);
    return bytes_of(out, suite->spki.len + suite->public_size);
}

struct hash sign_public_pin(const struct sign_public *key)
{
    const struct suite *suite = suite_of(key->suite);
    uint8_t spki[SIGN_SPKI_MAX];
    struct hash pin;
    if (suite == NULL || suite->public_size != sizeof pin.b)
        return hash_sha256(sign_public_spki(key, spki));
    memcpy(pin.b, key->b, sizeof pin.b);
    return pin;
}

/* --- private keys --- */

err_t sign_key_make(const struct sign_seed *seed, struct sign_key *out)
{
    const struct suite *suite = suite_of(seed->suite);
    if (suite == NULL)
        return ERR_VERSION;
    out->public = (struct sign_public) {.suite = suite->id};
    return suite->key_make(suite, seed->b, out->secret, out->public.b);
}

struct bytes sign_key_pkcs8(const struct sign_key *key, uint8_t out[SIGN_PKCS8_MAX])
{
    const struct suite *suite = suite_of(key->public.suite);
    must(suite != NULL && suite->pkcs8.len + suite->private_size <= SIGN_PKCS8_MAX);
    memcpy(out, suite->pkcs8.at, suite->pkcs8.len);
    memcpy(out + suite->pkcs8.len, key->secret, suite->private_size);
    return bytes_of(out, suite->pkcs8.len + suite->private_size);
}

struct sign_key sign_key_from_seed(const uint8_t seed[SIGN_SEED_SIZE])
{
    struct sign_key key = {.public = {.suite = SUITE_1}};
    must(suite_of(SUITE_1)->key_make(suite_of(SUITE_1), seed, key.secret, key.public.b) == ERR_OK);
    return key;
}

void sign_key_wipe(struct sign_key *key)
{
    if (key != NULL)
        mem_wipe(key, sizeof *key);
}

/* --- signatures --- */

err_t sign_raw(const struct sign_key *key, struct bytes message, struct signature *out)
{
    const struct suite *suite = suite_of(key->public.suite);
    return suite == NULL ? ERR_VERSION
                         : suite->sign(suite, key->secret, key->public.b, message, out->b, &out->len);
}

err_t sign_raw_verify(const struct sign_public *key, struct bytes message, const struct signature *signature)
{
    const struct suite *suite = suite_of(key->suite);
    return suite == NULL ? ERR_SIGNATURE : suite->verify(suite, key->b, message, signature_bytes(signature));
}

size_t sign_number_size(const struct sign_public *key)
{
    const struct suite *suite = suite_of(key->suite);
    return suite == NULL || suite->curve == NULL ? 0 : suite->curve->size;
}

err_t sign_digest(const struct sign_public *key, struct bytes message, uint8_t out[SIGN_NUMBER_MAX])
{
    must(sign_number_size(key) != 0);
    return suite_ec_digest(suite_of(key->suite), message, out);
}

err_t sign_spell(const struct sign_public *key, const uint8_t numbers[2 * SIGN_NUMBER_MAX],
                 struct signature *out)
{
    must(sign_number_size(key) != 0);
    return suite_ec_spell(suite_of(key->suite), numbers, out->b, &out->len);
}

static void bind(struct buf *buf, const char *context, struct bytes message)
{
    buf_init(buf, MESSAGE_SIZE_MAX);
    buf_put(buf, context, strlen(context) + 1);
    buf_put(buf, message.at, message.len);
}

err_t sign_message(const struct sign_key *key, const char *context, struct bytes message,
                   struct signature *out)
{
    struct buf buf;
    bind(&buf, context, message);
    err_t err = buf_err(&buf);
    if (err == ERR_OK)
        err = sign_raw(key, buf_bytes(&buf), out);
    buf_deinit(&buf);
    return err;
}

err_t sign_verify(const struct sign_public *key, const char *context, struct bytes message,
                  const struct signature *signature)
{
    struct buf buf;
    bind(&buf, context, message);
    err_t err = buf_err(&buf);
    if (err == ERR_OK)
        err = sign_raw_verify(key, buf_bytes(&buf), signature);
    buf_deinit(&buf);
    return err;
}

static err_t sign_by_key(const void *ctx, struct bytes message, struct signature *out)
{
    return sign_raw(ctx, message, out);
}

struct sign_hand sign_hand_of(const struct sign_key *key)
{
    return (struct sign_hand) {&key->public, sign_by_key, key};
}
