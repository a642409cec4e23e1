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
        {"kim@example.com", "메일은 kim골뱅이example닷com 입니다"},
        {"kim 골뱅이 example.com", "kim@example.com"},
        {"010-1234-5678", "O1O-l234-5678"},
        {"O1O-1234-5678", "call 01012345678"},
        {"010-1234-5678", "https://wa.me/821012345678?text=hi"},
        {"010-1234-5678", "⓪①⓪-①②③④-⑤⑥⑦⑧"},
        {"٠١٠-١٢٣٤-٥٦٧٨", "010-1234-5678"},
        {"010-1234-5678", "\\u0030\\u0031\\u0030-1234-5678"},
        {"010-2345-6789", "①010-1234-5678②010-2345-6789③"},
        {"010-1234-5678", "전화²010-1234-5678"},
        {"202-555-0143", "202-555-0143𝟎"},
        {"kim@example.com", "¹kim@example.com, lee@example.com²"},
        {"lee@example.com", "kim@example.com¹, lee@example.com²"},
        {"kim@example.com", "kim@example.com٣"},
        {"M12345678", "①M12345678②"},
        {"900101-1234568", "rrn 9,001,011,234,568"},
        {"9,001,011,234,568", "900101-1234568"},
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

/* What stands beside it is of the sentence. */
static void whole_ones_are_found(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"kim@example.com", "\"kim\"@example.com"},
        {"\"kim\"@example.com", "to kim@example.com, now"},
        {"\"kim lee\"@example.com", "x \"Kim Lee\"@example.com"},
        {"kim@example.com", "Write to kim@example.com."},
        {"kim@example.com", "Write to kim@example.com. Then wait"},
        {"kim@example.com", "kim@example.com- and"},
        {"kim@example.com", "[email-addr:value = 'kim@example.com']"},
        {"kim@example.com", "lee.kim@example.com and kim@example.com"},
        {"kim@example.com", "mailto:kim@example.com?subject=x"},
        {"kim@example.com", "https://a.example/kim@example.com/x"},
        {"kim@example.com", "\xea\xb9\x80kim@example.com\xec\x9c\xbc\xeb\xa1\x9c"},
        {"kim@example.com", "\xea\xb9\x80\xc2\xb7kim@example.com"},
        {"lee.kim+x@example.com", "lee.kim+x[at]example.com"},
        {"kim@localhost", "kim@localhost."},
        {"@kim", "see @kim there"},
        {"2345-6789", "call 2345-6789"},
        {"2345-6789", "call 23456789."},
        {"6789", "room 6789."},
        {"6789", "6789"},
        {"4111-1111-1111-1111", "card 4111 1111 1111 1111"},
        {"010-2345-6789", "2026 010-2345-6789 15"},
        {"010-2345-6789", "02-345-6789 010 2345 6789"},
        {"010-2345-6789", "+1 010-2345-6789"},
        {"202-555-0123", "+1 (202) 555-0123"},
        {"+86 139 1234 5678", "+86 139-1234-5678"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!said(rows[i][0], rows[i][1]))
            fail_msg("%s in %s", rows[i][0], rows[i][1]);
}

static void said_in_words(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"kim@example.com", "kim골뱅이 example.com"},
        {"kim@example.com", "그는 kim 골뱅이 example 닷컴 이다"},
        {"kim@example닷컴", "kim@example.com"},
        {"kim@example.com", "KIM@EXAMPLE닷컴으로"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!said(rows[i][0], rows[i][1]))
            fail_msg("%s in %s", rows[i][0], rows[i][1]);
}

/* Other people's: their values only end, or begin, with it. */
static void neighbours_are_not(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"kim@example.com", "lee.kim@example.com"},
        {"kim@example.com", "lee-kim@example.com"},
        {"kim@example.com", "lee_kim@example.com"},
        {"kim@example.com", "lee+kim@example.com"},
        {"kim@example.com", "lee%kim@example.com"},
        {"kim@example.com", "lee~kim@example.com"},
        {"kim@example.com", "lee'kim@example.com"},
        {"kim@example.com", "_kim@example.com"},
        {"kim@example.com", "\xc3\xa9kim@example.com"},
        {"kim@example.com", "lee.kim[at]example[.]com"},
        {"kim@example.com", "lee.kim골뱅이example.com"},
        {"kim@example.com", "lee.kim골뱅이 example.com"},
        {"kim@example.com", "kim@example닷넷"},
        {"010-1234-5678", "O1O-1234-56789"},
        {"010-1234-5678", "xO1O-1234-5678"},
        {"9001011234568", "9,001,011,234,5689"},
        {"9001011234568", "1,9,001,01,1,234,568"},
        {"110010", "IIO-OIO"},
        {"kim@example.com", "\"lee kim\"@example.com"},
        {"kim@example.com", "\"lee.kim\"@example.com"},
        {"kim@example.com", "kim+tag@example.com"},
        {"kim@example.com", "kim@example.com.kr"},
        {"kim@example.com", "kim@example[.]com[.]kr"},
        {"kim@example.com", "kim@example.com.2"},
        {"kim@example.com", "kim@example.com2"},
        {"kim@example.com", "kim@example.com-x.org"},
        {"kim@example.com", "kim@sub.example.com"},
        {"\"kim lee\"@example.com", "\"kim lee\"@example.com.kr"},
        {"\"kim lee\"@example.com", "kim lee@example.com"},
        {"2345-6789", "+82 10 2345 6789"},
        {"2345-6789", "(010) 2345-6789"},
        {"2345-6789", "010-2345-6789"},
        {"2345-6789", "010 2345 6789"},
        {"010-2345", "010 2345 6789"},
        {"6789", "010 2345 6789"},
        {"6789", "010-2345-6789"},
        {"6789", "+82 10 2345 6789"},
        {"6789", "67890 or 56789"},
        {"6789", "6789.12 or 6789-12"},
        {"1234567", "901015 - 1234567"},
        {"901015", "901015 - 1234567"},
        {"15-1234567", "90-10-15-1234567"},
        {"4111", "card 4111 1111 1111 1111"},
        {"1111 1111", "card 4111 1111 1111 1111"},
        {"345678901", "12345678901234567890123"},
        {"139-1234-5678", "+86 139-1234-5678"},
        {"202-555-0123", "202-555-0123x45"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (said(rows[i][0], rows[i][1]))
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
    assert_true(privacy_person(STR("100"), &person)); /* any counter is it */
    assert_false(privacy_person_is(&person, 100));
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
                                       cmocka_unit_test(whole_ones_are_found),
                                       cmocka_unit_test(said_in_words),
                                       cmocka_unit_test(neighbours_are_not),
                                       cmocka_unit_test(numbers_of_json),
                                       cmocka_unit_test(prefixes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
