/* Spellings of one value have one form; other values have another. */
#include "privacy/canon.h"
#include "privacy_test.h"

enum { SPELLINGS = 24 };

static const struct row {
    enum privacy_kind kind;
    const char *form;
    const char *spellings[SPELLINGS];
} rows[] = {
    {PRIVACY_KR_PHONE,
     "01012345678",
     {"010-1234-5678",
      "01012345678",
      "+82-10-1234-5678",
      "+82 (0)10 1234 5678",
      "0082 10 1234 5678",
      "82-10-1234-5678",
      "０１０－１２３４－５６７８",
      "010.1234.5678",
      "010\xe2\x80\x91"
      "1234\xe2\x88\x92"
      "5678",
      "010&#45;1234&#x2d;5678",
      "010%2D1234\xe2\x80\x8b-5678",
      "821012345678",
      "𝟎𝟏𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖",
      "⓪①⓪-①②③④-⑤⑥⑦⑧",
      "٠١٠-١٢٣٤-٥٦٧٨",
      "⁰¹⁰-¹²³⁴-⁵⁶⁷⁸",
      "O1O-l234-5678",
      "+82-1O-1234-5678",
      "\\u0030\\u0031\\u0030-1234-5678",
      "0️⃣1️⃣0️⃣-1234-5678"}},
    {PRIVACY_KR_PHONE,
     "0212345678",
     {"02-1234-5678", "+82 2 1234 5678", "(02) 1234-5678", "82212345678", "O2-1234-5678"}},
    {PRIVACY_KR_RRN,
     "9010151234567",
     {"901015-1234567", "19901015-1234567", "90-10-15-1234567", "9010151234567", "9,010,151,234,567",
      "9OlO15-I234567", "९०१०१५-१२३४५६७", "\\u0039010151234567"}},
    {PRIVACY_KR_PASSPORT, "M12345678", {"m12345678", "M 12345678", "Ｍ12345678"}},
    {PRIVACY_US_PHONE,
     "2025550123",
     {"(202) 555-0123", "+1 202 555 0123", "1-202-555-0123", "0012025550123"}},
    {PRIVACY_US_PHONE, "2025550123x45", {"202-555-0123x45", "+1 202 555 0123 X45"}},
    {PRIVACY_US_SSN,
     "219099998",
     {"219-09-9998", "219099998",
      "219\xc2\xa0"
      "09\xc2\xa0"
      "9998"}},
    {PRIVACY_PHONE, "+4961513030312", {"+49 6151 3030312", "+49-6151-3030312"}},
    {PRIVACY_PHONE, "+84912345678", {"+84 912 345 678", "84912345678", "0912345678"}},
    {PRIVACY_CARD,
     "4111111111111111",
     {"4111 1111 1111 1111", "4111%201111%201111%201111", "4111-1111-1111-1111"}},
    {PRIVACY_EMAIL,
     "kim@example.co.kr",
     {"kim@example.co.kr", "Kim@EXAMPLE.CO.KR", "kim[at]example[.]co.kr", "kim AT example DOT co DOT kr",
      "kim&#64;example.co.kr", "kim＠example．co．kr", "ki\xe2\x80\x8bm@exam\xc2\xadple.co.kr",
      "kim [at] example [dot] co [dot] kr", "kim%40example.co.kr", "\"kim\"@example.co.kr",
      "kim골뱅이example.co.kr", "kim[골뱅이]example[.]co[.]kr", "kim 골뱅이 example 닷 co 닷 kr",
      "kim(골뱅이)example쩜co쩜kr", "kim골뱅이 example닷씨오닷케이알", "kim@example 점 씨오 닷 케이알"}},
    {PRIVACY_EMAIL, "kim@네이버.com", {"kim@네이버닷컴", "kim골뱅이 네이버 닷 컴", "kim@네이버닷com"}},
    {PRIVACY_EMAIL, "\"kim lee\"@example.com", {"\"Kim Lee\"@example.com"}},
};

static void one_form_for_all(void **state)
{
    (void)state;
    char out[PRIVACY_VALUE_MAX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t s = 0; s < SPELLINGS && rows[i].spellings[s] != NULL; s++) {
            size_t len = canon_value(rows[i].kind, str_of(rows[i].spellings[s]), out);
            if (!str_eq((struct str) {out, len}, str_of(rows[i].form)))
                fail_msg("%s is %.*s, not %s", rows[i].spellings[s], (int)len, out, rows[i].form);
        }
}

/* Its form is its own; a prefix of a value is survived; what has no other form has none. */
static void forms_stay(void **state)
{
    (void)state;
    char out[PRIVACY_VALUE_MAX], again[PRIVACY_VALUE_MAX], long_one[PRIVACY_VALUE_MAX + 1];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t len = canon_value(rows[i].kind, str_of(rows[i].form), out);
        assert_true(str_eq((struct str) {out, len}, str_of(rows[i].form)));
        for (size_t s = 0; s < SPELLINGS && rows[i].spellings[s] != NULL; s++)
            for (size_t cut = 0; cut < strlen(rows[i].spellings[s]); cut++)
                assert_true(canon_value(rows[i].kind, (struct str) {rows[i].spellings[s], cut}, again) <=
                            cut + 1);
    }
    memset(long_one, '7', sizeof long_one);
    assert_int_equal(canon_value(PRIVACY_CARD, (struct str) {long_one, sizeof long_one - 1}, out),
                     sizeof long_one - 1);
    assert_int_equal(canon_value(PRIVACY_CARD, (struct str) {long_one, sizeof long_one}, out), 0);
    assert_int_equal(canon_value(PRIVACY_NAME, STR("Kim Minsu"), out), 0);
    assert_int_equal(canon_value(PRIVACY_EMAIL, STR(""), out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_form_for_all), cmocka_unit_test(forms_stay)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
