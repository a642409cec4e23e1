/* Numbers that all follow from a seed. Streams are kept apart by what they are for, so that one more draw in
 * one place moves nothing elsewhere. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct draw {
    uint64_t state;
};

static inline uint64_t draw_next(struct draw *draw)
{
    uint64_t z = draw->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline unsigned draw_below(struct draw *draw, unsigned below)
{
    return (unsigned)(draw_next(draw) % below);
}

static inline bool draw_chance(struct draw *draw, unsigned permille)
{
    return draw_below(draw, 1000) < permille;
}

/* The stream for use `a`, number `b`, of a seed. */
static inline struct draw draw_of(uint64_t seed, uint64_t a, uint64_t b)
{
    struct draw draw = {seed * UINT64_C(0x9e3779b97f4a7c15) + a};
    draw.state = draw_next(&draw) ^ b * UINT64_C(0xd6e8feb86659fd93);
    (void)draw_next(&draw);
    return draw;
}
