/* SHA-256 of several messages (FIPS 180-4). One message is a chain of steps that wait for each other; the
 * instructions that amd64 has for it are free half of that time, so two messages go through them side by
 * side. Where the processor has none, one goes after the other through hash.c. */
#include "core/hash.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <sys/platform/x86.h> /* what the loader found out: asking the processor itself costs a microsecond */

#define WITH_SHA __attribute__((target("sha,sse4.1")))

enum { BLOCK = 64, LENGTH = 8, WORDS = 64, STEPS = 16 };

/* The eight words, in the order that the instructions want. */
struct state {
    __m128i abef, cdgh;
};

/* One message on its way; none: `out` is NULL. */
struct lane {
    struct state state;
    const uint8_t *at; /* whole blocks of the message, then those of `tail` */
    size_t blocks, tail_blocks;
    uint8_t tail[2 * BLOCK] __attribute__((aligned(sizeof(__m128i))));
    struct hash *out;
};

struct queue {
    const struct bytes *data;
    struct hash *out;
    size_t next, count;
};

/* Section 4.2.2 */
static const uint32_t constants[WORDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Big-endian words, either way. */
WITH_SHA static inline __m128i swapped(__m128i words)
{
    return _mm_shuffle_epi8(words, _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203));
}

WITH_SHA static inline __m128i load(const void *at)
{
    return _mm_loadu_si128((const __m128i *)at);
}

/* Four rounds, and four words of the message in the place of those that were used. */
WITH_SHA static inline void step(struct state *state, __m128i words[4], unsigned i)
{
    __m128i w = words[i % 4], last = words[(i + 3) % 4];
    __m128i sum = _mm_add_epi32(w, load(constants + i * sizeof w / sizeof *constants));
    state->cdgh = _mm_sha256rnds2_epu32(state->cdgh, state->abef, sum);
    state->abef = _mm_sha256rnds2_epu32(state->abef, state->cdgh, _mm_shuffle_epi32(sum, 0x0e));
    __m128i made = _mm_add_epi32(_mm_sha256msg1_epu32(w, words[(i + 1) % 4]),
                                 _mm_alignr_epi8(last, words[(i + 2) % 4], 4));
    words[i % 4] = _mm_sha256msg2_epu32(made, last);
}

WITH_SHA static inline void add(struct state *to, const struct state *from)
{
    to->abef = _mm_add_epi32(to->abef, from->abef);
    to->cdgh = _mm_add_epi32(to->cdgh, from->cdgh);
}

WITH_SHA static inline void compress(struct state *a, const uint8_t *a_block, struct state *b,
                                     const uint8_t *b_block)
{
    struct state a_new = *a, b_new = *b;
    __m128i a_words[4], b_words[4];
    for (size_t i = 0; i < 4; i++) {
        a_words[i] = swapped(load(a_block + i * sizeof *a_words));
        b_words[i] = swapped(load(b_block + i * sizeof *b_words));
    }
#pragma GCC unroll 16
    for (unsigned i = 0; i < STEPS; i++) {
        step(&a_new, a_words, i);
        step(&b_new, b_words, i);
    }
    add(a, &a_new);
    add(b, &b_new);
}

/* As many blocks as both have. A lane that is left alone is given twice: then both do the same. */
WITH_SHA static void run(struct lane *first, struct lane *second)
{
    struct state a = first->state, b = second->state;
    const uint8_t *a_at = first->at, *b_at = second->at;
    size_t count = first->blocks < second->blocks ? first->blocks : second->blocks;
    size_t a_left = first->blocks - count, b_left = second->blocks - count;
    for (; count > 0; count--, a_at += BLOCK, b_at += BLOCK)
        compress(&a, a_at, &b, b_at);
    first->state = a;
    first->at = a_at;
    first->blocks = a_left;
    second->state = b;
    second->at = b_at;
    second->blocks = b_left;
}

static void begin(struct lane *lane, struct bytes data, struct hash *out)
{
    size_t rest = data.len % BLOCK;
    uint64_t bits = __builtin_bswap64((uint64_t)data.len * 8);
    lane->state.abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
    lane->state.cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    lane->at = data.at;
    lane->blocks = data.len / BLOCK;
    lane->tail_blocks = rest + 1 + LENGTH <= BLOCK ? 1 : 2;
    lane->out = out;
    for (size_t i = 0; i < sizeof lane->tail; i += sizeof(__m128i))
        _mm_store_si128((__m128i *)(lane->tail + i), _mm_setzero_si128());
    if (rest > 0)
        memcpy(lane->tail, data.at + data.len - rest, rest);
    lane->tail[rest] = 0x80;
    memcpy(lane->tail + lane->tail_blocks * BLOCK - LENGTH, &bits, LENGTH);
}

WITH_SHA static void finish(struct lane *lane)
{
    __m128i abcd = _mm_unpackhi_epi64(lane->state.cdgh, lane->state.abef);
    __m128i efgh = _mm_unpacklo_epi64(lane->state.cdgh, lane->state.abef);
    abcd = swapped(_mm_shuffle_epi32(abcd, 0x1b));
    efgh = swapped(_mm_shuffle_epi32(efgh, 0x1b));
    memcpy(lane->out->b, &abcd, sizeof abcd);
    memcpy(lane->out->b + sizeof abcd, &efgh, sizeof efgh);
    lane->out = NULL;
}

/* Gives the lane blocks: of its message, or of the next one; false when there is none. */
static bool fill(struct lane *lane, struct queue *queue)
{
    while (lane->blocks == 0) {
        if (lane->out != NULL && lane->tail_blocks > 0) {
            lane->at = lane->tail;
            lane->blocks = lane->tail_blocks;
            lane->tail_blocks = 0;
            continue;
        }
        if (lane->out != NULL)
            finish(lane);
        if (queue->next == queue->count)
            return false;
        begin(lane, queue->data[queue->next], &queue->out[queue->next]);
        queue->next++;
    }
    return true;
}

static void side_by_side(struct queue *queue)
{
    struct lane first, second;
    first.blocks = second.blocks = 0;
    first.out = second.out = NULL;
    for (;;) {
        bool one = fill(&first, queue), other = fill(&second, queue);
        if (!one && !other)
            return;
        run(one ? &first : &second, other ? &second : &first);
    }
}
#endif

void hash_sha256_each(const struct bytes *data, size_t count, struct hash *out)
{
#if defined(__x86_64__)
    if (count > 1 && x86_cpu_active(x86_cpu_SHA)) {
        side_by_side(&(struct queue) {data, out, 0, count});
        return;
    }
#endif
    for (size_t i = 0; i < count; i++)
        out[i] = hash_sha256(data[i]);
}
