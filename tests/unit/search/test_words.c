#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "search/words.h"

/* The words of a text with a bar behind each. */
static void cut(struct str text, bool question, char *out, size_t size)
{
    struct words words = words_of(text, question);
    struct word word;
    size_t len = 0;
    out[0] = '\0';
    while (words_next(&words, &word)) {
        assert_true(word.to > word.from && word.to <= text.len && word.len > 0);
        len += (size_t)snprintf(out + len, size - len, "%.*s|", (int)word.len, word.text);
    }
}

static void expect(const char *text, bool question, const char *words)
{
    char out[512];
    cut(str_of(text), question, out, sizeof out);
    assert_string_equal(out, words);
}

static void latin_words(void **state)
{
    (void)state;
    expect("Supply-chain ATTACK, 2026!", false, "supply|chain|attack|2026|");
    expect("Évil café Łódź øl", false, "evil|cafe|lodz|ol|");
    expect("e\xcc\x81vil", false, "evil|");                                                  /* decomposed */
    expect("\xef\xbc\xa1\xef\xbc\xb0\xef\xbc\xb4\xef\xbc\x93\xef\xbc\x97", false, "apt37|"); /* full width */
    expect("CVE-2024-1234", true, "cve|2024|1234|");
    expect("\xd0\x90\xd1\x82\xd0\xb0\xd0\xba\xd0\xb0", false, "\xd0\xb0\xd1\x82\xd0\xb0\xd0\xba\xd0\xb0|");
    expect(" .,- \xe2\x80\x94 \xf0\x9f\x94\xa5", false, "");
}

static void korean_words(void **state)
{
    (void)state;
    expect("공격을", false, "공격|격을|을|");
    expect("공격", true, "공격|");
    expect("공급망 공격", true, "공급|급망|공격|");
    expect("망", true, "망|");
    expect("망", false, "망|");
    expect("供給網 攻撃", false, "供給|給網|網|攻撃|撃|");
}

static void mixed_words(void **state)
{
    (void)state;
    expect("APT37의 공격", false, "apt37|의|공격|격|");
    expect("C2서버(Server)", false, "c2|서버|버|server|");
}

/* Jamo one by one give the syllables that they make. */
static void decomposed_korean(void **state)
{
    (void)state;
    expect("\xe1\x84\x80\xe1\x85\xa9\xe1\x86\xbc\xe1\x84\x80\xe1\x85\xa7\xe1\x86\xa8", false, "공격|격|");
    expect("\xe1\x84\x80\xe1\x85\xa9\xe1\x86\xbc\xe1\x84\x80\xe1\x85\xa7\xe1\x86\xa8", true, "공격|");
    expect("\xea\xb3\xa0\xe1\x86\xbc", false, "공|"); /* 고 and a final consonant */
}

/* A question for a text always finds that text: its words are among those of the index, next to each other.
 */
static void questions_find(void **state)
{
    static const char *const texts[] = {"공격", "공급망", "APT37의", "해킹 그룹 Lazarus", "가", "a가b나다"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char whole[256], long_text[256], question[256];
        (void)snprintf(long_text, sizeof long_text, "%s을 x", texts[i]);
        cut(str_of(long_text), false, whole, sizeof whole);
        cut(str_of(texts[i]), true, question, sizeof question);
        for (char *at = question, *end; (end = strchr(at, '|')) != NULL; at = end + 1) {
            *end = '\0';
            if (strstr(whole, at) == NULL)
                fail_msg("%s: %s is not in %s", texts[i], at, whole);
        }
    }
}

static void cut_anywhere(void **state)
{
    static const char text[] =
        "가\xe1\x84\x80\xe1\x85\xa9\xe1\x86\xbc Evil\xc3\xa9 \xf0\xa0\x80\x80\xf0\xa0\x80\x81 \xff\xc0z";
    char out[512];
    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        cut((struct str) {text, len}, false, out, sizeof out);
        cut((struct str) {text, len}, true, out, sizeof out);
    }
    expect("a\xff"
           "b\xc0"
           "c",
           false, "a|b|c|");
}

static void long_words(void **state)
{
    char text[300], out[512];
    (void)state;
    memset(text, 'q', sizeof text);
    cut((struct str) {text, sizeof text}, false, out, sizeof out);
    assert_int_equal(strlen(out), WORDS_BYTES_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latin_words),       cmocka_unit_test(korean_words),   cmocka_unit_test(mixed_words),
        cmocka_unit_test(decomposed_korean), cmocka_unit_test(questions_find), cmocka_unit_test(cut_anywhere),
        cmocka_unit_test(long_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
