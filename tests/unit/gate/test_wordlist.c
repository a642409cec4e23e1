/* Words with unknown characters: what is found is what a look at every word finds, within what may be spent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/limit.h"
#include "gate/wordlist.h"

enum { WORDS = 200, WORD_MAX = 8 };

struct some {
    char text[WORDS][WORD_MAX + 2];
    const char *words[WORDS];
};

static uint64_t state_of = 20261123;

static unsigned roll(unsigned below)
{
    state_of = state_of * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(state_of >> 33) % below;
}

static void draw(char *out, const char *letters)
{
    size_t len = 1 + roll(WORD_MAX);
    for (size_t i = 0; i < len; i++)
        out[i] = letters[roll((unsigned)strlen(letters))];
    out[len] = '\n';
}

static void draw_all(struct some *some)
{
    for (size_t i = 0; i < WORDS; i++) {
        draw(some->text[i], "ab-.1\xc3\xff");
        some->words[i] = some->text[i];
    }
    qsort(some->words, WORDS, sizeof *some->words, wordlist_order);
}

static bool spells(const char *asked, const char *word)
{
    size_t i = 0;
    for (; asked[i] != '\n' && word[i] != '\n'; i++)
        if (asked[i] == WORDLIST_UNKNOWN ? word[i] == '.' : asked[i] != word[i])
            return false;
    return asked[i] == '\n' && word[i] == '\n';
}

static void as_an_oracle_says(void **state)
{
    static struct some some;
    char asked[WORD_MAX + 2];
    size_t both[2] = {0};
    (void)state;
    for (unsigned round = 0; round < 50; round++) {
        draw_all(&some);
        for (unsigned i = 0; i < 400; i++) {
            unsigned searches = LIMIT_LIST_SEARCHES;
            bool wanted = false;
            draw(asked, "ab-.1\xc3__");
            for (size_t k = 0; k < WORDS && !wanted; k++)
                wanted = spells(asked, some.words[k]);
            assert_int_equal(wordlist_match(some.words, WORDS, asked, &searches), wanted);
            assert_true(searches + WORDS + 1 >= LIMIT_LIST_SEARCHES); /* a search for each word at most */
            both[wanted]++;
        }
    }
    assert_true(both[0] > 1000 && both[1] > 1000);
}

static void spent(void **state)
{
    static const char *const words[] = {"a1b\n", "a2b\n", "a3b\n", "a4b\n"};
    unsigned searches = 3;
    (void)state;
    assert_true(wordlist_match(words, 4, "a_c\n", &searches)); /* nobody knows */
    assert_int_equal(searches, 0);
    searches = 100;
    assert_false(wordlist_match(words, 4, "a_c\n", &searches));
    assert_true(wordlist_match(words, 4, "a_b\n", &searches));
    assert_false(wordlist_match(words, 0, "___\n", &searches));
    assert_true(searches > 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_an_oracle_says), cmocka_unit_test(spent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
