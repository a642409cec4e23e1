/* Inside the room: sixteen bytes at a time, in the vector notation that gcc and clang share, so that one
 * source serves every processor. Loads are unaligned and read exactly sixteen bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { VEC_SIZE = 16 };

typedef uint8_t vec __attribute__((vector_size(VEC_SIZE)));
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

static inline unsigned vec_first_of_word(uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (unsigned)__builtin_ctzll(word) / 8;
#else
    return (unsigned)__builtin_clzll(word) / 8;
#endif
}

/* Index of the first byte of `mask` (each 0 or 255) that is set; VEC_SIZE when none is. */
static inline unsigned vec_first(vec mask)
{
    vec_words words = (vec_words)mask;
    if (words[0] != 0)
        return vec_first_of_word(words[0]);
    if (words[1] != 0)
        return 8 + vec_first_of_word(words[1]);
    return VEC_SIZE;
}

/* What cannot stand unescaped in a string, and its end. */
static inline unsigned vec_first_special(vec v)
{
    return vec_first((vec)((v < 0x20) | (v == '"') | (v == '\\')));
}
