/* STIX patterns (section 9 of STIX 2.1): one pass over the text checks every rule of the grammar and, when
 * asked, leaves a compact tree for whoever compiles it.
 *
 * Nothing is copied: names and constants stay slices of the text, escapes included. A pattern is refused when
 * it cannot be read (then it MUST NOT match anything: section 9.4); one that can be read but breaks a rule,
 * or can never match, is remarked on. Fault and remark offsets are bytes of the pattern's text. No recursion;
 * parentheses nest at most LIMIT_STIX_PATTERN_DEPTH. Pure; any thread. The text must be UTF-8. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/err.h"
#include "core/limit.h"
#include "core/stamp.h"
#include "core/str.h"

/* STIX 2.0 (Part 5) writes START and STOP with plain strings, and lacks some rules of 2.1: their breach is
 * then no remark. */
enum stix_pattern_version { STIX_PATTERN_2_1, STIX_PATTERN_2_0 };

/* --- remarks --- */

struct stix_pattern_remark {
    bool must;           /* a MUST is broken, yet the pattern has one reading; else advice */
    const char *what;    /* static */
    const char *section; /* static */
    size_t offset;
};

struct stix_pattern_remarks {
    size_t count;
    size_t dropped; /* so many more were not kept */
    struct stix_pattern_remark at[LIMIT_STIX_PATTERN_REMARKS];
};

/* --- the tree --- */

#define STIX_PATTERN_NONE UINT32_MAX

enum stix_pattern_kind {
    STIX_PATTERN_COMPARISON,
    STIX_PATTERN_AND, /* of comparison expressions: all on one object */
    STIX_PATTERN_OR,
    STIX_PATTERN_OBSERVATION, /* [ ]: one child */
    STIX_PATTERN_ALSO,        /* AND of observation expressions */
    STIX_PATTERN_EITHER,      /* OR of observation expressions */
    STIX_PATTERN_THEN,        /* FOLLOWEDBY */
    STIX_PATTERN_REPEATS,     /* one child; the constant is the number of times */
    STIX_PATTERN_WITHIN,      /* one child; the constant is the number of seconds */
    STIX_PATTERN_START_STOP,  /* one child; two timestamps */
};

enum stix_pattern_op {
    STIX_PATTERN_EQ,
    STIX_PATTERN_NE,
    STIX_PATTERN_LT,
    STIX_PATTERN_LE,
    STIX_PATTERN_GT,
    STIX_PATTERN_GE,
    STIX_PATTERN_IN,
    STIX_PATTERN_LIKE,
    STIX_PATTERN_MATCHES,
    STIX_PATTERN_ISSUBSET,
    STIX_PATTERN_ISSUPERSET,
    STIX_PATTERN_EXISTS, /* no constant */
};

/* Operators that associate are flat: a AND b AND c is one node with three children in order. Children come
 * before their parent in the array. */
struct stix_pattern_node {
    uint8_t kind;         /* enum stix_pattern_kind */
    uint8_t op;           /* of a comparison: enum stix_pattern_op */
    bool negated;         /* NOT stands before the operator */
    uint32_t first, last; /* children, linked by `next` */
    uint32_t next;
    uint32_t offset; /* where it begins in the text: a comparison's path, an operator's or qualifier's word */
    struct str type; /* of a comparison: the object type its path starts at */
    uint32_t step, step_count;         /* in `steps`: the path behind the colon */
    uint32_t constant, constant_count; /* in `constants` */
};

enum stix_pattern_step_kind {
    STIX_PATTERN_KEY,
    STIX_PATTERN_INDEX, /* [n] */
    STIX_PATTERN_ANY,   /* [*] */
};

struct stix_pattern_step {
    uint8_t kind;
    bool escaped;   /* the key was quoted and has escapes: read it with stix_pattern_text */
    bool follows;   /* a key whose name ends in _ref or _refs: what comes next is of the referenced object */
    uint32_t index; /* of INDEX; UINT32_MAX also stands for anything larger */
    struct str key; /* of KEY, without quotes */
};

enum stix_pattern_constant_kind {
    STIX_PATTERN_STRING,
    STIX_PATTERN_INT,
    STIX_PATTERN_FLOAT,
    STIX_PATTERN_BOOL,
    STIX_PATTERN_TIME,
    STIX_PATTERN_HEX,
    STIX_PATTERN_BINARY,
};

struct stix_pattern_constant {
    uint8_t kind;
    bool escaped;    /* a string with escapes: read it with stix_pattern_text */
    struct str text; /* between the quotes, else the literal */
    union {
        int64_t integer; /* of INT; 0 or 1 of BOOL */
        struct stamp time;
    } value;
};

struct stix_pattern {
    struct str text;
    const struct stix_pattern_node *nodes;
    const struct stix_pattern_step *steps;
    const struct stix_pattern_constant *constants;
    uint32_t node_count, step_count, constant_count;
    uint32_t root;
};

/* Checks alone: no memory. `remarks` (may be NULL) is written on success. ERR_INVALID, or ERR_LIMIT when it
 * is longer than an object may be or nests too deeply. */
NODISCARD err_t stix_pattern_check(struct str text, enum stix_pattern_version version,
                                   struct stix_pattern_remarks *remarks, struct fault *fault);
/* The same, and the tree, in the arena, borrowing from `text`. Also ERR_NOMEM. */
NODISCARD err_t stix_pattern_parse(struct str text, enum stix_pattern_version version, struct arena *arena,
                                   struct stix_pattern *out, struct stix_pattern_remarks *remarks,
                                   struct fault *fault);

/* A key or string without its escapes, in the arena when it has some. at is NULL when memory is out. */
struct str stix_pattern_text(struct str raw, bool escaped, struct arena *arena);
/* Of an INT or FLOAT constant. */
double stix_pattern_number(const struct stix_pattern_constant *constant);

/* Line and column, both from 1, the column in characters, of a byte of `text`. */
struct stix_pattern_place {
    size_t line, column;
};
struct stix_pattern_place stix_pattern_place(struct str text, size_t offset);
