/* What LIKE and MATCHES match, as an automaton that can be walked over what a list has (gate/overlap.h): a
 * stranger's expression is never run by a matcher of its own. It is built from the parts of a pattern as they
 * are read: one position for each character that the pattern takes, and which position may follow which.
 *
 * It matches at least what the pattern matches. Where it cannot say what a part takes, where there are more
 * positions than AUTOMATON_POSITIONS, and of capitals it says more: letters are small, and characters beyond
 * ASCII are their first byte. Bounded: AUTOMATON_STATES sets of positions are remembered; when one more is
 * met, or `steps` are spent, the walk is lost, and so is every later one.
 * No recursion; pure; one thread. Inside src/gate, and tests. */
#pragma once

#include "core/arena.h"
#include "core/limit.h"
#include "core/str.h"

enum { AUTOMATON_POSITIONS = 256, AUTOMATON_STATES = 512, AUTOMATON_DEPTH = LIMIT_BROAD_DEPTH + 2 };

/* Stand before and behind a text that is walked; in no text that comes. */
enum { AUTOMATON_BEGIN = 0x01, AUTOMATON_END = 0x02 };

struct automaton_set {
    uint64_t at[AUTOMATON_POSITIONS / 64];
};

/* Of a pattern: what may come first, what last; its positions are those from `from`. */
struct automaton_part {
    struct automaton_set first, last;
    unsigned from;
    bool nothing; /* may be left out */
};

/* A group, or the whole: alternatives before, what is read of this one, and its last part. */
struct automaton_level {
    struct automaton_part before, row, last;
    bool choice; /* there are alternatives before */
};

struct automaton {
    struct automaton_set follow[AUTOMATON_POSITIONS]; /* position 0 stands before everything */
    struct automaton_set takes[256];                  /* which positions take this byte */
    struct automaton_set last;
    unsigned count;
    struct automaton_level levels[AUTOMATON_DEPTH];
    unsigned depth;
    /* While walked. */
    struct automaton_set *states; /* 0: nothing can follow any more */
    uint16_t *next;               /* 256 of each state */
    unsigned state_count;
    uint64_t *steps; /* left; counted down by whoever walks */
    bool lost;
    bool spent; /* ...because the steps were: with more of them it might be told */
};

/* --- building --- */

enum { AUTOMATON_ANY_TIMES = 0x7fffffff };

void automaton_begin(struct automaton *a);
/* A part that takes one byte: one of these, or any, but no mark of begin or end. */
void automaton_put(struct automaton *a, const struct automaton_set *bytes);
void automaton_put_byte(struct automaton *a, uint8_t byte);
void automaton_put_any(struct automaton *a);
/* Any text, with its begin and end. */
void automaton_put_all(struct automaton *a);
/* The last part, so many times. */
void automaton_repeat(struct automaton *a, size_t least, size_t most);
/* A group; `nothing`: what was in it demands nothing. Depth is the caller's to bound: AUTOMATON_DEPTH - 1. */
void automaton_open(struct automaton *a);
void automaton_close(struct automaton *a, bool nothing);
void automaton_alternative(struct automaton *a);

/* Of LIKE: % is any text, _ any character. */
void automaton_of_like(struct automaton *a, struct str like);

/* --- walking --- */

/* Behind the last part. ERR_NOMEM. */
NODISCARD err_t automaton_end(struct automaton *a, struct arena *arena, uint64_t *steps);

/* Whoever walks says what it costs. */
static inline void automaton_spend(struct automaton *a, uint64_t steps)
{
    a->spent |= !a->lost && *a->steps < steps;
    a->lost |= a->spent;
    *a->steps -= a->lost ? 0 : steps;
}

/* A state is a number, 0 is dead. The state before everything: */
unsigned automaton_start(struct automaton *a);
unsigned automaton_step_far(struct automaton *a, unsigned state, uint8_t byte);
static inline unsigned automaton_step(struct automaton *a, unsigned state, uint8_t byte)
{
    enum { NOT_YET = UINT16_MAX };
    unsigned next = a->next[state * 256 + byte];
    return next != NOT_YET ? next : automaton_step_far(a, state, byte);
}
unsigned automaton_walk(struct automaton *a, unsigned state, struct str text);
unsigned automaton_union(struct automaton *a, unsigned one, unsigned other);
/* After any text from there that has none of these. */
unsigned automaton_anything(struct automaton *a, unsigned state, const char *but);
/* After any name of a host from there, or any part of one. */
unsigned automaton_any_name(struct automaton *a, unsigned state);
/* Does the text end well here? */
bool automaton_accepts(struct automaton *a, unsigned state);
/* Can nothing follow here that cannot follow there? */
bool automaton_within(const struct automaton *a, unsigned here, unsigned there);
/* What every text that it matches ends with, as far as it is told; into the end of `out`, returned. */
struct str automaton_tail(const struct automaton *a, char *out, size_t size);
