/* What conditions tell apart: every value that a comparison of some rules names, put into facts, all
 * combinations of them. For review.c alone.
 *
 * Facts that no object can have (a score of personal data without a kind of it) are no combinations. */
#pragma once

#include "policy/table.h"

enum {
    SPACE_AXES = 16,
    SPACE_VALUES = 64,
    SPACE_BITS = 8,               /* tags, sectors, kinds of personal data: each there or not */
    SPACE_COMBINATIONS = 1 << 14, /* of the rules of one space */
};

/* Something that conditions ask about, and the values that they tell apart. */
struct axis {
    uint8_t kind; /* enum op, or OP_HAS for a plain field */
    uint8_t field;
    uint32_t count; /* of options, or of bits (of which 1 << count are tried) */
    int64_t values[SPACE_VALUES];
};

struct space {
    const struct policy *policy;
    struct axis axes[SPACE_AXES];
    size_t count;
    bool opaque; /* not all values can be tried */
};

/* Facts with one combination. Its strings are the policy's, or live here. */
struct made {
    struct policy_facts facts;
    struct str tags[LIMIT_PARTNERS * SPACE_BITS], sectors[SPACE_BITS];
    int64_t now_us;
};

void space_add(struct space *space, const struct rule *rule);
/* How many combinations there are; 0: too many, or their values cannot be listed. */
uint32_t space_size(const struct space *space);
/* Combination `number`; false: no object is so. `made->now_us` is given. */
bool space_make(const struct space *space, uint32_t number, struct made *made);
