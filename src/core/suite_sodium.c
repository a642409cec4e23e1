/* The row of libsodium: Ed25519 (RFC 8032), crypto_box_seal over X25519, crypto_secretstream. */
#include <sodium.h>

#include "core/mem.h"
#include "core/suite.h"

_Static_assert(SUITE_SEED_SIZE == crypto_sign_SEEDBYTES && SUITE_SEED_SIZE == crypto_box_SEEDBYTES &&
                   SUITE_SECRET_SIZE == crypto_sign_SECRETKEYBYTES &&
                   SUITE_KEY_SIZE == crypto_secretstream_xchacha20poly1305_KEYBYTES &&
                   SUITE_HEADER_SIZE == crypto_secretstream_xchacha20poly1305_HEADERBYTES &&
                   SUITE_RECORD_EXTRA == crypto_secretstream_xchacha20poly1305_ABYTES &&
                   SUITE_KEY_SIZE + SUITE_TAG_SIZE + 32 == SUITE_KEY_SIZE + crypto_box_SEALBYTES &&
                   SUITE_STREAM_SIZE >= sizeof(crypto_secretstream_xchacha20poly1305_state),
               "libsodium's sizes stand in the formats");

err_t suite_ed25519_make(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE],
                         uint8_t secret[SUITE_SECRET_SIZE], uint8_t *public)
{
    (void)suite;
    must(crypto_sign_seed_keypair(public, secret, seed) == 0);
    return ERR_OK;
}

err_t suite_ed25519_sign(const struct suite *suite, const uint8_t secret[SUITE_SECRET_SIZE],
                         const uint8_t *public, struct bytes message, uint8_t out[SUITE_SIGNATURE_MAX],
                         size_t *out_len)
{
    (void)suite;
    (void)public;
    must(crypto_sign_detached(out, NULL, message.at, message.len, secret) == 0);
    *out_len = crypto_sign_BYTES;
    return ERR_OK;
}

err_t suite_ed25519_verify(const struct suite *suite, const uint8_t *public, struct bytes message,
                           struct bytes signature)
{
    (void)suite;
    bool good = signature.len == crypto_sign_BYTES &&
                crypto_sign_verify_detached(signature.at, message.at, message.len, public) == 0;
    return good ? ERR_OK : ERR_SIGNATURE;
}

/* Weak and misspelled ones are refused where they are used: every verification looks at its key. */
bool suite_ed25519_public_ok(const struct suite *suite, const uint8_t *public)
{
    (void)suite;
    (void)public;
    return true;
}

/* --- boxes --- */

err_t suite_x25519_public(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], uint8_t *public)
{
    (void)suite;
    return crypto_scalarmult_base(public, seed) == 0 ? ERR_OK : ERR_INVALID;
}

/* As crypto_box_seal does, from a seed that the caller brings: the sender's half, then the box under a nonce
 * made of both halves. */
static void box_nonce(const uint8_t from[crypto_box_PUBLICKEYBYTES],
                      const uint8_t to[crypto_box_PUBLICKEYBYTES], uint8_t out[crypto_box_NONCEBYTES])
{
    crypto_generichash_state state;
    must(crypto_generichash_init(&state, NULL, 0, crypto_box_NONCEBYTES) == 0);
    must(crypto_generichash_update(&state, from, crypto_box_PUBLICKEYBYTES) == 0);
    must(crypto_generichash_update(&state, to, crypto_box_PUBLICKEYBYTES) == 0);
    must(crypto_generichash_final(&state, out, crypto_box_NONCEBYTES) == 0);
}

err_t suite_x25519_box(const struct suite *suite, const uint8_t *to, const uint8_t seed[SUITE_SEED_SIZE],
                       const uint8_t key[SUITE_KEY_SIZE], uint8_t *out)
{
    uint8_t secret[crypto_box_SECRETKEYBYTES], nonce[crypto_box_NONCEBYTES];
    (void)suite;
    must(crypto_box_seed_keypair(out, secret, seed) == 0);
    box_nonce(out, to, nonce);
    int bad = crypto_box_easy(out + crypto_box_PUBLICKEYBYTES, key, SUITE_KEY_SIZE, nonce, to, secret);
    mem_wipe(secret, sizeof secret);
    return bad == 0 ? ERR_OK : ERR_INVALID;
}

err_t suite_x25519_unbox(const struct suite *suite, const uint8_t seed[SUITE_SEED_SIZE], const uint8_t *box,
                         uint8_t key[SUITE_KEY_SIZE])
{
    uint8_t public[crypto_box_PUBLICKEYBYTES];
    if (crypto_scalarmult_base(public, seed) != 0 ||
        crypto_box_seal_open(key, box, suite->box_size, public, seed) != 0)
        return ERR_SIGNATURE;
    return ERR_OK;
}

/* --- seals --- */

static const uint8_t no_nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES]; /* a secret seals once */

static void seal_key(const uint8_t secret[SUITE_KEY_SIZE], uint8_t out[SUITE_KEY_SIZE])
{
    static const char label[] = "bongsu seal 1";
    must(crypto_generichash(out, SUITE_KEY_SIZE, (const uint8_t *)label, sizeof label - 1, secret,
                            SUITE_KEY_SIZE) == 0);
}

err_t suite_xchacha_seal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE], struct bytes plain,
                         struct bytes bound, uint8_t *out)
{
    uint8_t key[SUITE_KEY_SIZE];
    (void)suite;
    seal_key(secret, key);
    must(crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain.at, plain.len, bound.at, bound.len, NULL,
                                                    no_nonce, key) == 0);
    mem_wipe(key, sizeof key);
    return ERR_OK;
}

err_t suite_xchacha_unseal(const struct suite *suite, const uint8_t secret[SUITE_KEY_SIZE],
                           struct bytes sealed, struct bytes bound, uint8_t *out)
{
    uint8_t key[SUITE_KEY_SIZE];
    (void)suite;
    seal_key(secret, key);
    int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed.at, sealed.len, bound.at,
                                                            bound.len, no_nonce, key);
    mem_wipe(key, sizeof key);
    return failed != 0 ? ERR_SIGNATURE : ERR_OK;
}

/* --- streams --- */

static crypto_secretstream_xchacha20poly1305_state *state_of(struct suite_stream *stream)
{
    return (void *)stream->b;
}

/* Reading and writing begin alike; init_push would draw the header itself. */
err_t suite_xchacha_begin(const struct suite *suite, const uint8_t key[SUITE_KEY_SIZE],
                          const uint8_t header[SUITE_HEADER_SIZE], struct suite_stream *stream)
{
    (void)suite;
    must(crypto_secretstream_xchacha20poly1305_init_pull(state_of(stream), header, key) == 0);
    return ERR_OK;
}

static const uint8_t tags[] = {crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
                               crypto_secretstream_xchacha20poly1305_TAG_PUSH,
                               crypto_secretstream_xchacha20poly1305_TAG_FINAL};

err_t suite_xchacha_put(const struct suite *suite, struct suite_stream *stream, struct bytes plain,
                        struct bytes bound, unsigned mark, uint8_t *out)
{
    (void)suite;
    must(mark < sizeof tags);
    must(crypto_secretstream_xchacha20poly1305_push(state_of(stream), out, NULL, plain.at, plain.len,
                                                    bound.at, bound.len, tags[mark]) == 0);
    return ERR_OK;
}

err_t suite_xchacha_take(const struct suite *suite, struct suite_stream *stream, struct bytes sealed,
                         struct bytes bound, uint8_t *out, unsigned *out_mark)
{
    uint8_t tag;
    (void)suite;
    if (crypto_secretstream_xchacha20poly1305_pull(state_of(stream), out, NULL, &tag, sealed.at, sealed.len,
                                                   bound.at, bound.len) != 0)
        return ERR_SIGNATURE;
    for (unsigned i = 0; i < sizeof tags; i++)
        if (tags[i] == tag) {
            *out_mark = i;
            return ERR_OK;
        }
    return ERR_SIGNATURE; /* a tag that nobody writes */
}
