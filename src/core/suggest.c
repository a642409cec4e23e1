#include "core/suggest.h"

#include <stdio.h>

#include "core/limit.h"

struct suggest suggest_for(struct str word)
{
    /* One slip in three letters, at least one: "tpl" means "tlp", but "x" means nothing. */
    unsigned slips = word.len < 2 ? 0 : word.len < 6 ? 1 : word.len < 9 ? 2 : 3;
    return (struct suggest) {.word = word, .distance = slips + 1};
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned min = a < b ? a : b;
    return min < c ? min : c;
}

/* Optimal string alignment, three rows of the table at a time. */
unsigned suggest_distance(struct str a, struct str b, unsigned max)
{
    unsigned rows[3][LIMIT_NAME_BYTES + 1];
    if (a.len > LIMIT_NAME_BYTES || b.len > LIMIT_NAME_BYTES)
        return max;
    if ((a.len > b.len ? a.len - b.len : b.len - a.len) >= max)
        return max;
    for (unsigned j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i + 2) % 3], *twice_above = rows[(i + 1) % 3];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned differs = a.at[i - 1] != b.at[j - 1];
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
            bool swapped = i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1];
            if (swapped && twice_above[j - 2] + 1 < row[j])
                row[j] = twice_above[j - 2] + 1;
        }
    }
    unsigned distance = rows[a.len % 3][b.len];
    return distance < max ? distance : max;
}

void suggest_try(struct suggest *suggest, struct str candidate)
{
    unsigned distance = suggest_distance(suggest->word, candidate, suggest->distance);
    if (distance < suggest->distance) {
        suggest->distance = distance;
        suggest->best = candidate;
    }
}

void suggest_words(struct suggest *suggest, const char *const *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        suggest_try(suggest, str_of(words[i]));
}

void suggest_put(const struct suggest *suggest, const char *otherwise, char *out, size_t size)
{
    if (suggest->best.at != NULL)
        (void)snprintf(out, size, "did you mean `%.*s`?", STR_ARG(suggest->best));
    else if (otherwise != NULL)
        (void)snprintf(out, size, "%s", otherwise);
}
