/* What the files of the pattern parser share. Private to stix/. */
#pragma once

#include "stix/pattern.h"

/* Grows in the arena by doubling. */
struct pattern_list {
    void *at;
    uint32_t count, size;
};

struct pattern {
    struct str text;
    size_t at; /* next byte */
    enum stix_pattern_version version;
    struct stix_pattern_remarks *remarks;
    struct fault *fault;
    struct arena *arena; /* NULL: no tree is made, and every index is STIX_PATTERN_NONE */
    struct pattern_list nodes, steps, constants;
};

/* --- pattern_lex.c: each function skips blanks first --- */

/* 0 at the end, else the next byte; only after pattern_skip. */
static inline char pattern_peek(const struct pattern *p)
{
    return p->at < p->text.len ? p->text.at[p->at] : '\0';
}
/* Blanks (Unicode White_Space) and comments. ERR_INVALID when a comment does not end. */
NODISCARD err_t pattern_skip_blanks(struct pattern *p);
static inline err_t pattern_skip(struct pattern *p)
{
    char c = pattern_peek(p);
    return c > ' ' && c != '/' && c < 0x7f ? ERR_OK : pattern_skip_blanks(p);
}
/* Letters, digits and _ (and - when `hyphen`); empty when none stands there. Moves on. */
struct str pattern_word(struct pattern *p, bool hyphen);
/* The same without moving on. */
struct str pattern_word_ahead(const struct pattern *p, bool hyphen);
/* True and moves on when that punctuation mark is next. */
bool pattern_take(struct pattern *p, char mark);
/* True and moves on when that keyword is next. */
bool pattern_take_word(struct pattern *p, struct str word);
/* 'text': at the apostrophe. */
NODISCARD err_t pattern_quoted(struct pattern *p, struct str *out, bool *out_escaped);
/* Any constant. `what`: what is expected here. */
NODISCARD err_t pattern_constant(struct pattern *p, const char *what, struct stix_pattern_constant *out);

/* "expected WHAT, not FOUND" at the next byte. */
err_t pattern_expected(struct pattern *p, const char *what);
err_t pattern_refuse(struct pattern *p, size_t offset, const char *section, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void pattern_remark(struct pattern *p, bool must, size_t offset, const char *section, const char *what);

/* --- pattern_shape.c: is there such a property in the tables? Advice only. --- */

struct stix_shape;
struct stix_prop;
struct pattern_walk {
    const struct stix_shape *shape; /* of the object in hand; NULL: nothing is known */
    const struct stix_prop *prop;   /* last key that the table knows */
    bool list;                      /* it is a list, and no index followed yet */
    bool silent;                    /* this path was remarked on */
};

void pattern_walk_type(struct pattern *p, struct pattern_walk *walk, struct str type, size_t offset);
void pattern_walk_key(struct pattern *p, struct pattern_walk *walk, struct str key, size_t offset);
void pattern_walk_index(struct pattern *p, struct pattern_walk *walk, size_t offset);
/* The path is whole, and `op` (enum stix_pattern_op) stands behind it. */
void pattern_walk_end(struct pattern *p, struct pattern_walk *walk, uint8_t op, size_t offset);
/* A constant behind the operator: of a type that the property is compared with (section 9.2), and an address
 * where the operator asks for one (9.6.1). */
void pattern_walk_constant(struct pattern *p, const struct pattern_walk *walk, uint8_t op,
                           const struct stix_pattern_constant *constant, size_t offset);
