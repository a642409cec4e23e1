/* The findings of `lint` counted by kind: what was said, how often, and where first. A large file repeats few
 * remarks thousands of times. Kinds are few; those beyond LINT_KINDS_MAX are counted together. One thread. */
#pragma once

#include "core/arena.h"
#include "core/buf.h"

enum { LINT_KINDS_MAX = 512 };

struct lint_kind {
    unsigned level; /* graver first */
    struct str what, section;
    struct str path; /* where it was found first */
    uint64_t line, column, count;
};

struct lint_kinds {
    struct lint_kind at[LINT_KINDS_MAX];
    size_t count;
    uint64_t beyond; /* findings of further kinds */
};

/* Counts one like `kind`, whose texts are copied to the arena when it is the first. ERR_NOMEM. */
NODISCARD err_t lint_kinds_add(struct lint_kinds *kinds, const struct lint_kind *kind, struct arena *arena);
/* The gravest first, and of these the most frequent. */
void lint_kinds_sort(struct lint_kinds *kinds);
