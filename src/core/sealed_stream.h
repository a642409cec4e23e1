/* A stream of records sealed to one recipient, for files that travel on media: the stream's key in an
 * anonymous box to the recipient's key, the records by the recipient's suite (core/suite.h; of suite 1
 * libsodium's crypto_box_seal and crypto_secretstream_xchacha20poly1305). Each record is bound to all before
 * it: none can be lost, repeated, moved or changed unseen, and the last one says that it is the last. It does
 * not say who sealed it: the issuer signs what goes before (sync/bundle.h).
 *
 * Random bytes arrive as arguments, so that a seed replays; each pair of key and header serves one stream.
 * One thread. Secrets are the caller's to wipe. */
#pragma once

#include "core/err.h"
#include "core/sign.h"

enum {
    SEALED_KEY_SIZE = SUITE_KEY_SIZE,
    SEALED_HEADER_SIZE = SUITE_HEADER_SIZE,
    SEALED_RECORD_EXTRA = SUITE_RECORD_EXTRA, /* a sealed record is that much longer */
    SEALED_SEED_SIZE = SUITE_SEED_SIZE,
    SEALED_BOX_MAX = SUITE_BOX_MAX,
};

struct sealed_key {
    uint16_t suite;
    uint8_t b[SEALED_KEY_SIZE];
};

/* Bytes of a box of this suite; 0: there is no such suite. */
size_t sealed_box_size(unsigned suite);
/* The public half that others seal to. ERR_VERSION, ERR_INVALID, ERR_NOMEM. */
NODISCARD err_t sealed_public(const struct sign_seed *secret, struct sign_public *out);

/* The key for whoever holds the secret half of `to`, in sealed_box_size(to->suite) bytes; `seed` is random
 * and serves this box alone. ERR_INVALID: `to` is no usable key, or the key is of another suite. */
NODISCARD err_t sealed_box(const struct sign_public *to, const uint8_t seed[SEALED_SEED_SIZE],
                           const struct sealed_key *key, uint8_t out[SEALED_BOX_MAX]);
/* ERR_SIGNATURE: not for us, or changed. */
NODISCARD err_t sealed_unbox(const struct sign_seed *secret, const uint8_t box[SEALED_BOX_MAX],
                             struct sealed_key *out);

enum sealed_mark {
    SEALED_MORE, /* what this record is part of goes on */
    SEALED_PART, /* ends with it */
    SEALED_LAST, /* and nothing follows */
};

/* One direction. NULL from sealed_new: no memory, or no such suite here. */
struct sealed_stream;
struct sealed_stream *sealed_new(const struct sealed_key *key, const uint8_t header[SEALED_HEADER_SIZE]);
void sealed_free(struct sealed_stream *stream); /* wipes; accepts NULL */

/* `bound` is authenticated, not hidden. `out` holds plain.len + SEALED_RECORD_EXTRA bytes. ERR_NOMEM;
 * ERR_LIMIT after 2^32 - 1 records; never with suite 1. */
NODISCARD err_t sealed_put(struct sealed_stream *stream, struct bytes plain, struct bytes bound,
                           enum sealed_mark mark, uint8_t *out);
/* `out` holds sealed.len - SEALED_RECORD_EXTRA bytes. ERR_SHORT; ERR_SIGNATURE: changed, or not the next one.
 * After a failure the stream stands where it stood. */
NODISCARD err_t sealed_take(struct sealed_stream *stream, struct bytes sealed, struct bytes bound,
                            uint8_t *out, enum sealed_mark *out_mark);
