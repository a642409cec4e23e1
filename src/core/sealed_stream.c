#include "core/sealed_stream.h"

#include "core/mem.h"

struct sealed_stream {
    const struct suite *suite;
    struct suite_stream state;
};

/* --- the key --- */

size_t sealed_box_size(unsigned number)
{
    const struct suite *suite = suite_of(number);
    return suite == NULL ? 0 : suite->box_size;
}

err_t sealed_public(const struct sign_seed *secret, struct sign_public *out)
{
    const struct suite *suite = suite_of(secret->suite);
    if (suite == NULL)
        return ERR_VERSION;
    *out = (struct sign_public) {.suite = suite->id};
    return suite->box_public(suite, secret->b, out->b);
}

err_t sealed_box(const struct sign_public *to, const uint8_t seed[SEALED_SEED_SIZE],
                 const struct sealed_key *key, uint8_t out[SEALED_BOX_MAX])
{
    const struct suite *suite = suite_of(to->suite);
    if (suite == NULL || key->suite != to->suite)
        return ERR_INVALID;
    return suite->box(suite, to->b, seed, key->b, out);
}

err_t sealed_unbox(const struct sign_seed *secret, const uint8_t box[SEALED_BOX_MAX], struct sealed_key *out)
{
    const struct suite *suite = suite_of(secret->suite);
    if (suite == NULL)
        return ERR_SIGNATURE;
    out->suite = suite->id;
    return suite->unbox(suite, secret->b, box, out->b);
}

/* --- records --- */

struct sealed_stream *sealed_new(const struct sealed_key *key, const uint8_t header[SEALED_HEADER_SIZE])
{
    const struct suite *suite = suite_of(key->suite);
    struct sealed_stream *stream = suite == NULL ? NULL : mem_alloc(sizeof *stream);
    if (stream == NULL)
        return NULL;
    stream->suite = suite;
    if (suite->stream_begin(suite, key->b, header, &stream->state) != ERR_OK) {
        sealed_free(stream);
        return NULL;
    }
    return stream;
}

void sealed_free(struct sealed_stream *stream)
{
    if (stream != NULL)
        mem_free_secret(stream, sizeof *stream);
}

err_t sealed_put(struct sealed_stream *stream, struct bytes plain, struct bytes bound, enum sealed_mark mark,
                 uint8_t *out)
{
    return stream->suite->stream_put(stream->suite, &stream->state, plain, bound, mark, out);
}

err_t sealed_take(struct sealed_stream *stream, struct bytes sealed, struct bytes bound, uint8_t *out,
                  enum sealed_mark *out_mark)
{
    unsigned mark = SEALED_MORE;
    if (sealed.len < SEALED_RECORD_EXTRA)
        return ERR_SHORT;
    err_t err = stream->suite->stream_take(stream->suite, &stream->state, sealed, bound, out, &mark);
    if (err == ERR_OK)
        *out_mark = (enum sealed_mark)mark;
    return err;
}
