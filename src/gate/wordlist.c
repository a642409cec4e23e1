#include "gate/wordlist.h"

#include <stdlib.h>
#include <string.h>

/* Of what labels are made of. Only a dot, which parts them, stands between the first two. */
enum { LOWEST = '-', BEHIND_DOT = '0' };

static int cmp(const char *a, const char *b)
{
    while (*a == *b && *a != '\n') {
        a++;
        b++;
    }
    return (int)(unsigned char)*a - (int)(unsigned char)*b;
}

int wordlist_order(const void *a, const void *b)
{
    return cmp(*(const char *const *)a, *(const char *const *)b);
}

bool wordlist_have(const char *const *words, size_t count, const char *word)
{
    return count > 0 && bsearch(&word, words, count, sizeof *words, wordlist_order) != NULL;
}

static size_t first_at_least(const char *const *words, size_t count, const char *word)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (cmp(words[mid], word) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

size_t wordlist_len(const char *word)
{
    size_t len = 0;
    while (word[len] != '\n')
        len++;
    return len;
}

size_t wordlist_range(const char *const *words, size_t count, const char *prefix, size_t *end)
{
    char beyond[WORDLIST_BYTES_MAX];
    size_t len = 0;
    for (; prefix[len] != '\n'; len++)
        beyond[len] = prefix[len];
    must(len > 0 && len < sizeof beyond - 1);
    beyond[len - 1]++; /* no word has 0xff there: it is a letter, a digit, a dash or a dot */
    beyond[len] = '\n';
    *end = first_at_least(words, count, beyond);
    return first_at_least(words, count, prefix);
}

/* Where `word` first is not what `asked` spells; its length: nowhere. */
static size_t deviation(const char *asked, size_t len, const char *word)
{
    size_t i = 0;
    while (i < len && (asked[i] == WORDLIST_UNKNOWN ? word[i] != '.' && (uint8_t)word[i] >= LOWEST
                                                    : word[i] == asked[i]))
        i++;
    return i;
}

static void fill_lowest(const char *asked, size_t from, size_t len, char *next)
{
    for (size_t i = from; i < len; i++)
        next[i] = asked[i] == WORDLIST_UNKNOWN ? LOWEST : asked[i];
}

/* The least that `asked` spells and that stands behind `word`, which differs from it at `at`. False: nothing
 * does. */
static bool go_behind(const char *asked, size_t len, const char *word, size_t at, char *next)
{
    memcpy(next, word, at);
    if (asked[at] == WORDLIST_UNKNOWN) {
        next[at] = word[at] == '.' ? BEHIND_DOT : LOWEST;
    } else if ((uint8_t)word[at] < (uint8_t)asked[at]) {
        next[at] = asked[at];
    } else {
        do
            if (at-- == 0)
                return false;
        while (asked[at] != WORDLIST_UNKNOWN || (uint8_t)word[at] == UINT8_MAX);
        next[at] = word[at] == LOWEST ? BEHIND_DOT : (char)(word[at] + 1);
    }
    fill_lowest(asked, at + 1, len, next);
    return true;
}

bool wordlist_match(const char *const *words, size_t count, const char *word, unsigned *searches)
{
    char next[WORDLIST_BYTES_MAX];
    size_t len = 0;
    while (word[len++] != '\n')
        must(len < sizeof next);
    fill_lowest(word, 0, len, next);
    for (; *searches > 0; --*searches) {
        size_t found = first_at_least(words, count, next);
        if (found == count)
            return false;
        size_t at = deviation(word, len, words[found]);
        if (at == len)
            return true;
        if (!go_behind(word, len, words[found], at, next))
            return false;
    }
    return true;
}
