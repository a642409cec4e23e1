/* One person's identifier in the forms in which people write it. */
#include "privacy_test.h"

static bool said(const char *value, const char *text)
{
    struct privacy_person person;
    assert_true(privacy_person(str_of(value), &person));
    return privacy_person_said(&person, str_of(text));
}

static void every_form_is_found(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"010-1234-5678", "call 01012345678."},
        {"01012345678", "call 010 1234 5678"},
        {"+82 10-1234-5678", "010.1234.5678"},
        {"010-1234-5678", "(+82) 10-1234-5678 now"},
        {"010-1234-5678", "+82-010-1234-5678"},
        {"010-1234-5678", "821012345678"},
        {"010-1234-5678", "\xef\xbc\x90\xef\xbc\x91\xef\xbc\x90-1234-5678"},
        {"9001011234568", "RRN 900101-1234568"},
        {"900101-1234568", "9001011234568\xec\x9e\x85\xeb\x8b\x88\xeb\x8b\xa4"},
        {"Kim@Example.com", "<kim@example.COM>"},
        {"\xea\xb9\x80\xeb\xaf\xbc\xec\x88\x98", "\xea\xb9\x80\xeb\xaf\xbc\xec\x88\x98\xec\x9d\x98"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!said(rows[i][0], rows[i][1]))
            fail_msg("%s in %s", rows[i][0], rows[i][1]);
}

static void parts_of_others_are_not(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"010-1234-5678", "010-1234-56789"},
        {"010-1234-5678", "x01012345678"},
        {"010-1234-5678", "010-1234-5679"},
        {"010-1234-5678", "010---1234-5678"},
        {"kim@example.com", "akim@example.com"},
        {"kim@example.com", "kim@example.community"},
        {"900101-1234568", "9001011234568000000"},
        {"010-1234-5678", ""},
        {"010-1234-5678", "8"},
    };
    struct privacy_person person;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (said(rows[i][0], rows[i][1]))
            fail_msg("%s in %s", rows[i][0], rows[i][1]);
    assert_false(privacy_person(STR("ab"), &person));
    assert_false(privacy_person(STR("  "), &person));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_is_found),
                                       cmocka_unit_test(parts_of_others_are_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
