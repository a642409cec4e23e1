/* Inside the room: the tape that simdjson 3 writes, and the three doors to C++. Nobody else includes this.
 *
 * A tape word is a type in the top byte and a payload of 56 bits. Word 0 is the root: its payload is the
 * number of words. A container's payload is, in its low 32 bits, the index behind its closing word, and above
 * that the number of members, saturated at 2^24 - 1. A string's payload is its offset in the string buffer: a
 * native uint32_t length, the bytes, a NUL. Numbers take a second word with the bits. tape.cpp asserts what
 * can be asserted at build time, tests/unit/json/test_tape.c the rest. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
    TAPE_ROOT = 'r',
    TAPE_OBJECT = '{',
    TAPE_OBJECT_END = '}',
    TAPE_ARRAY = '[',
    TAPE_ARRAY_END = ']',
    TAPE_STRING = '"',
    TAPE_INT = 'l',
    TAPE_UINT = 'u',
    TAPE_DOUBLE = 'd',
    TAPE_TRUE = 't',
    TAPE_FALSE = 'f',
    TAPE_NULL = 'n',
};

/* The string buffer stays readable this far behind the last string. */
enum { TAPE_STRINGS_PADDING = 32 };

enum tape_result { TAPE_OK, TAPE_NOMEM, TAPE_REFUSED };

/* Shortest text of a finite double in scientific form, "-1.5e-07": at most 24 characters. */
enum { TAPE_SHORTEST_SIZE = 32 };

struct tape_view {
    const uint64_t *tape;
    const uint8_t *strings;
};

#ifdef __cplusplus
extern "C" {
#endif

/* NULL when memory is out. `size_max`: the largest text ever. */
void *tape_parser_new(size_t size_max, unsigned depth_max);
void tape_parser_free(void *parser);
/* Makes room for texts of `size` bytes; keeps what is larger. */
enum tape_result tape_parser_reserve(void *parser, size_t size);
/* `size` at most what was reserved; JSON_PADDING readable bytes follow. */
enum tape_result tape_parse(void *parser, const uint8_t *text, size_t size, struct tape_view *out);

size_t tape_shortest(double v, char out[TAPE_SHORTEST_SIZE]);
/* False when `text` is no finite double, or not zero and rounded to zero. */
int tape_read_double(const char *text, size_t len, double *out);

#ifdef __cplusplus
}
#else

static inline unsigned tape_type(uint64_t word)
{
    return (unsigned)(word >> 56);
}

static inline uint64_t tape_payload(uint64_t word)
{
    return word & UINT64_C(0x00ffffffffffffff);
}

/* Index behind the value at `at`. */
static inline size_t tape_after(const uint64_t *tape, size_t at)
{
    switch (tape_type(tape[at])) {
    case TAPE_OBJECT:
    case TAPE_ARRAY:
        return (uint32_t)tape[at];
    case TAPE_INT:
    case TAPE_UINT:
    case TAPE_DOUBLE:
        return at + 2;
    default:
        return at + 1;
    }
}

#endif
