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
        {"010-1234-5678", "010\xe2\x80\x93"
                          "1234\xe2\x88\x92"
                          "5678"},
        {"010-1234-5678", "010&#45;1234&#x2d;5678"},
        {"010-1234-5678", "tel%3A010%2D1234%2D5678"},
        {"010-1234-5678", "010\xe2\x80\x8b-1234-\xe2\x80\x8b"
                          "5678"},
        {"010-1234-5678", "010_1234_5678, 0-1-0"},
        {"010-1234-5678", "010:1234~5678"},
        {"010-1234-5678", "010\n1234\n5678"},
        {"010-1234-5678", "0 1 0 1 2 3 4 5 6 7 8"},
        {"010-1234-5678", "0082 10 1234 5678"},
        {"0082 10-1234-5678", "01012345678"},
        {"010\xe2\x80\x91"
         "1234\xe2\x80\x91"
         "5678",
         "01012345678"},
        {"+1 202 555 0123", "(202) 555-0123"},
        {"202-555-0123", "1-202-555-0123"},
        {"900101-1234568", "19900101-1234568"},
        {"19900101-1234568", "9001011234568"},
        {"900101-1234568", "900101(1234568)"},
        {"900101-1234568", "900101 \xc2\xb7 1234568"},
        {"219-09-9998", "SSN219099998"},
        {"M12345678", "passport m 12345678"},
        {"M12345678", "\xef\xbc\xad"
                      "12345678"},
        {"kim@example.com", "kim[at]example[.]com"},
        {"kim@example.com", "Kim AT Example DOT com"},
        {"kim [at] example [dot] com", "<KIM@example.com>"},
        {"kim@example.com", "kim&#64;example.com"},
        {"kim@example.com", "k\xe2\x80\x8bim%40example%2Ecom"},
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
        {"1234567", "901015-1234567"},
        {"010-1234-5678", "010-1234-5678-9012"},
        {"kim@example.com", "kim at example in com"},
        {"900101-1234568", "21900101-1234568"},
    };
    struct privacy_person person;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (said(rows[i][0], rows[i][1]))
            fail_msg("%s in %s", rows[i][0], rows[i][1]);
    assert_false(privacy_person(STR("ab"), &person));
    assert_false(privacy_person(STR("  "), &person));
}

static void numbers_of_json(void **state)
{
    (void)state;
    struct privacy_person person;
    assert_true(privacy_person(STR("010-1234-5678"), &person));
    assert_true(privacy_person_is(&person, 1012345678));
    assert_false(privacy_person_is(&person, 1012345679) || privacy_person_is(&person, 0));
    assert_true(privacy_person(STR("901015-1234567"), &person));
    assert_true(privacy_person_is(&person, 9010151234567));
    assert_true(privacy_person(STR("kim@example.com"), &person));
    assert_false(privacy_person_is(&person, 1));
}

/* Every prefix of a text that holds it is survived, and none that ends before it says it. */
static void prefixes(void **state)
{
    (void)state;
    static const char text[] = "x%252D010&#45;1234\xe2\x80\x8b-5678";
    struct privacy_person person;
    assert_true(privacy_person(STR("010-1234-5678"), &person));
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + 1); /* so that a sanitizer sees a read beyond the end */
        memcpy(copy, text, len);
        assert_true(privacy_person_said(&person, (struct str) {copy, len}) == (len == sizeof text - 1));
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form_is_found),
                                       cmocka_unit_test(parts_of_others_are_not),
                                       cmocka_unit_test(numbers_of_json), cmocka_unit_test(prefixes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
