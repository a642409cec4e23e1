#include "core/sealed_stream.h"

#include <sodium.h>

#include "core/mem.h"

_Static_assert(SEALED_KEY_SIZE == crypto_secretstream_xchacha20poly1305_KEYBYTES &&
                   SEALED_HEADER_SIZE == crypto_secretstream_xchacha20poly1305_HEADERBYTES &&
                   SEALED_RECORD_EXTRA == crypto_secretstream_xchacha20poly1305_ABYTES &&
                   SEALED_SEED_SIZE == crypto_box_SEEDBYTES &&
                   SEALED_BOX_SIZE == SEALED_KEY_SIZE + crypto_box_SEALBYTES,
               "libsodium's sizes stand in the format");

struct sealed_stream {
    crypto_secretstream_xchacha20poly1305_state state;
};

/* --- the key --- */

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

err_t sealed_box(const struct sign_public *to, const uint8_t seed[SEALED_SEED_SIZE],
                 const struct sealed_key *key, uint8_t out[SEALED_BOX_SIZE])
{
    uint8_t secret[crypto_box_SECRETKEYBYTES], nonce[crypto_box_NONCEBYTES];
    must(crypto_box_seed_keypair(out, secret, seed) == 0);
    box_nonce(out, to->b, nonce);
    int bad = crypto_box_easy(out + crypto_box_PUBLICKEYBYTES, key->b, sizeof key->b, nonce, to->b, secret);
    mem_wipe(secret, sizeof secret);
    return bad == 0 ? ERR_OK : ERR_INVALID;
}

err_t sealed_unbox(const uint8_t secret[SEALED_SEED_SIZE], const uint8_t box[SEALED_BOX_SIZE],
                   struct sealed_key *out)
{
    uint8_t public[crypto_box_PUBLICKEYBYTES];
    if (crypto_scalarmult_base(public, secret) != 0 ||
        crypto_box_seal_open(out->b, box, SEALED_BOX_SIZE, public, secret) != 0)
        return ERR_SIGNATURE;
    return ERR_OK;
}

/* --- records --- */

/* Reading and writing begin alike; init_push would draw the header itself. */
struct sealed_stream *sealed_new(const struct sealed_key *key, const uint8_t header[SEALED_HEADER_SIZE])
{
    struct sealed_stream *stream = mem_alloc(sizeof *stream);
    if (stream != NULL)
        must(crypto_secretstream_xchacha20poly1305_init_pull(&stream->state, header, key->b) == 0);
    return stream;
}

void sealed_free(struct sealed_stream *stream)
{
    if (stream != NULL)
        mem_free_secret(stream, sizeof *stream);
}

static const uint8_t tags[] = {[SEALED_MORE] = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
                               [SEALED_PART] = crypto_secretstream_xchacha20poly1305_TAG_PUSH,
                               [SEALED_LAST] = crypto_secretstream_xchacha20poly1305_TAG_FINAL};

void sealed_put(struct sealed_stream *stream, struct bytes plain, struct bytes bound, enum sealed_mark mark,
                uint8_t *out)
{
    must(crypto_secretstream_xchacha20poly1305_push(&stream->state, out, NULL, plain.at, plain.len, bound.at,
                                                    bound.len, tags[mark]) == 0);
}

err_t sealed_take(struct sealed_stream *stream, struct bytes sealed, struct bytes bound, uint8_t *out,
                  enum sealed_mark *out_mark)
{
    uint8_t tag;
    if (sealed.len < SEALED_RECORD_EXTRA)
        return ERR_SHORT;
    if (crypto_secretstream_xchacha20poly1305_pull(&stream->state, out, NULL, &tag, sealed.at, sealed.len,
                                                   bound.at, bound.len) != 0)
        return ERR_SIGNATURE;
    for (size_t i = 0; i < sizeof tags; i++)
        if (tags[i] == tag) {
            *out_mark = (enum sealed_mark)i;
            return ERR_OK;
        }
    return ERR_SIGNATURE; /* a tag that nobody writes */
}
