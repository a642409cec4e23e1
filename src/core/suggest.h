/* "did you mean ...?": the nearest of the words that could have stood there. Pure; any thread. */
#pragma once

#include <stddef.h>

#include "core/str.h"

struct suggest {
    struct str word;
    struct str best;
    unsigned distance; /* of best; also the most that is still taken for a typing error, plus one */
};

struct suggest suggest_for(struct str word);
void suggest_try(struct suggest *suggest, struct str candidate);
void suggest_words(struct suggest *suggest, const char *const *words, unsigned count);
/* Writes "did you mean `best`?"; without a near word `otherwise` (NULL: `out` stays as it is). */
void suggest_put(const struct suggest *suggest, const char *otherwise, char *out, size_t size);

/* Insertions, deletions, replacements and swapped neighbours between the two; `max` when that many or more.
 */
unsigned suggest_distance(struct str a, struct str b, unsigned max);
