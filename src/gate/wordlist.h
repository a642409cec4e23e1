/* Sorted words of a list, asked for one, or for any that another spells with unknown characters. A word is
 * in lower case and ends with a line end, which no word holds. Inside src/gate; pure; any thread. */
#pragma once

#include "search/term.h"

enum { WORDLIST_UNKNOWN = '_', WORDLIST_BYTES_MAX = TERM_BYTES_MAX + 3 };

/* For qsort over pointers to words. */
int wordlist_order(const void *a, const void *b);
bool wordlist_have(const char *const *words, size_t count, const char *word);
size_t wordlist_len(const char *word); /* without its line end */
/* Those that begin so, a line end behind: from the index returned to *end. */
size_t wordlist_range(const char *const *words, size_t count, const char *prefix, size_t *end);
/* As wordlist_have, where each WORDLIST_UNKNOWN of `word` (at most WORDLIST_BYTES_MAX) is any one character
 * but a dot. Each step is one search by halves, which goes on behind all words that the last one ruled out.
 * `searches` is what may be spent, and is counted down; when nothing is left: true, for nobody knows. */
bool wordlist_match(const char *const *words, size_t count, const char *word, unsigned *searches);
