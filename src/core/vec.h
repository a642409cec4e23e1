/* Sixteen bytes at a time, in the vector notation that gcc and clang share, so that one
 * source serves every processor. Loads are unaligned and read exactly sixteen bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { VEC_SIZE = 16 };

typedef uint8_t vec __attribute__((vector_size(VEC_SIZE)));
typedef uint32_t vec_quads __attribute__((vector_size(VEC_SIZE)));
typedef uint64_t vec_words __attribute__((vector_size(VEC_SIZE)));

static inline vec vec_load(const void *at)
{
    vec v;
    memcpy(&v, at, sizeof v);
    return v;
}

static inline void vec_store(void *at, vec v)
{
    memcpy(at, &v, sizeof v);
}

/* Bit i is byte i of `mask`, whose bytes are each 0 or 255. */
static inline unsigned vec_bits(vec mask)
{
#if defined(__SSE2__)
    return (unsigned)_mm_movemask_epi8((__m128i)mask);
#elif __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    /* Byte i keeps only bit i; the multiplication adds all bytes up in the top one. */
    vec_words words = (vec_words)mask & UINT64_C(0x8040201008040201);
    words = words * UINT64_C(0x0101010101010101) >> 56;
    return (unsigned)(words[0] | words[1] << 8);
#else
#error "vec_bits has not been written for big-endian processors"
#endif
}

/* Index of the first byte of `mask` that is set; VEC_SIZE when none is. */
static inline unsigned vec_first(vec mask)
{
    return (unsigned)__builtin_ctz(vec_bits(mask) | 1u << VEC_SIZE);
}

/* What cannot stand unescaped in a string, and its end. */
static inline unsigned vec_first_special(vec v)
{
    return vec_first((vec)((v < 0x20) | (v == '"') | (v == '\\')));
}
