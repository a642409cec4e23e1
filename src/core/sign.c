#include "core/sign.h"

#include <sodium.h>

#include "core/buf.h"
#include "core/mem.h"

enum { MESSAGE_SIZE_MAX = 4 << 20 };

err_t sign_start(void)
{
    return sodium_init() < 0 ? ERR_WRONGSTATE : ERR_OK;
}

struct sign_key sign_key_from_seed(const uint8_t seed[SIGN_SEED_SIZE])
{
    struct sign_key key;
    must(crypto_sign_seed_keypair(key.public.b, key.secret, seed) == 0);
    return key;
}

void sign_key_wipe(struct sign_key *key)
{
    if (key != NULL)
        mem_wipe(key, sizeof *key);
}

struct signature sign_raw(const struct sign_key *key, struct bytes message)
{
    struct signature signature;
    must(crypto_sign_detached(signature.b, NULL, message.at, message.len, key->secret) == 0);
    return signature;
}

err_t sign_raw_verify(const struct sign_public *key, struct bytes message, const struct signature *signature)
{
    if (crypto_sign_verify_detached(signature->b, message.at, message.len, key->b) != 0)
        return ERR_SIGNATURE;
    return ERR_OK;
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
        *out = sign_raw(key, buf_bytes(&buf));
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
    *out = sign_raw(ctx, message);
    return ERR_OK;
}

struct sign_hand sign_hand_of(const struct sign_key *key)
{
    return (struct sign_hand) {&key->public, sign_by_key, key};
}
