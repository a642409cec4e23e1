/* Text cut into the words that it is found by, in Korean, English and a mix of both. The same cut makes the
 * index and reads a question.
 *
 * Letters and digits that stand together are a word, in lower case and without accents: `Évil-Corp` is evil,
 * corp. Scripts without spaces between the parts of a word (Hangul, Han, Kana) are cut into overlapping
 * pairs, and the last sign of a run stands alone as well: 공격을 is 공격, 격을, 을. A question for 공격 so
 * finds it under every particle, one for a single sign is a question for the pairs that begin with it. Of a
 * question's run of two or more signs only the pairs count.
 *
 * Composed and decomposed text (NFC, NFD) give the same words, full width Latin the plain one. What is not
 * UTF-8 parts words. Pure; any thread. No memory is taken, no input is refused. */
#pragma once

#include <stdbool.h>

#include "core/str.h"

enum { WORDS_BYTES_MAX = 64 }; /* of one word; the rest of a longer one is not looked at, here as there */

struct words {
    struct str text;
    size_t at;
    bool question; /* else: text for the index */
    bool in_run;   /* the sign at `at` was the second of a pair */
};

struct word {
    char text[WORDS_BYTES_MAX];
    size_t len;
    size_t from, to; /* bytes of the text that it stands for */
    bool beside;     /* the last sign of a run again: it stands where the pair before it stands */
    bool single;     /* one sign of a script without spaces: a question for it means what begins with it */
};

struct words words_of(struct str text, bool question);
bool words_next(struct words *words, struct word *out);
