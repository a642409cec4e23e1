/* Identifiers made of digits, and what is made of digits and is none. */
#include "privacy_test.h"

static void registration(void **state)
{
    (void)state;
    expect("주민번호 900101-1987651 확인", "kr-rrn:900101-1987651");
    expect("900101-5987651", "kr-frn:900101-5987651");
    /* Since October 2020 the last digits are chance: no checksum clears. */
    expect("210305-3123456", "kr-rrn:210305-3123456");
    expect("210305-7123456", "kr-frn:210305-7123456");
    expect("９００１０１－１９８７６５１", "kr-rrn:９００１０１－１９８７６５１");
    expect("900101 – 1987651", "kr-rrn:900101 – 1987651");
    expect("번호는900101-1987651입니다", "kr-rrn:900101-1987651");
    expect_none("901301-1987651"); /* no such month */
    expect_none("900230-1987651");
    expect_none("010229-3987651"); /* no leap year */
    expect("000229-3987651", "kr-rrn:000229-3987651");
    expect_none("900101-9987651"); /* of the 19th century */
    expect_none("990101-3987651"); /* 2099 */
}

/* 971013-9019902 is python-stdnum's example, born 1897: nobody alive. With mark 1 the sum asks for a 6. */
static void registration_checksum(void **state)
{
    (void)state;
    struct found found;
    const char *good = NULL;
    char text[16];
    for (unsigned last = 0; last < 10; last++) {
        (void)snprintf(text, sizeof text, "900101198765%u", last);
        found_text(&found, str_of(text), "");
        if (found.hits.count == 1) {
            assert_null(good); /* bare, without words, the checksum alone decides: one of ten */
            good = "one";
            assert_int_equal(found.at[0].kind, PRIVACY_KR_RRN);
            assert_true((found.at[0].reasons & PRIVACY_CHECKSUM) != 0);
        }
    }
    assert_non_null(good);
}

/* Milliseconds: every one of the first half of 2027 whose digits are a date is a child's number by its form.
 */
static void clocks(void **state)
{
    (void)state;
    struct found found;
    char text[64];
    static const char *const frames[] = {"%llu", "\"ts\":%llu", "%llu GET /", "[%llu] x", "시각 %llu 에"};
    static const uint64_t from[] = {UINT64_C(1798761600000), UINT64_C(1598918400000), UINT64_C(1698796800000),
                                    UINT64_C(1898640000000)};
    uint64_t dates = 0;
    for (size_t w = 0; w < sizeof from / sizeof from[0]; w++) {
        for (uint64_t i = 0; i < 4000; i++) {
            uint64_t ms = from[w] + i * UINT64_C(3888001);
            (void)snprintf(text, sizeof text, frames[i % 5], (unsigned long long)ms);
            found_text(&found, str_of(text), "");
            assert_int_equal(found.hits.count, 0);
            (void)snprintf(text, sizeof text, "주민번호 %llu", (unsigned long long)ms);
            found_text(&found, str_of(text), "");
            dates += found.hits.count;
        }
    }
    assert_true(dates > 100); /* so the trap is there: with the word it is one */
}

static void other_korean(void **state)
{
    (void)state;
    expect("면허 11-08-123456-70", "kr-licence:11-08-123456-70");
    expect_none("27-08-123456-70"); /* no such region */
    expect_none("10-08-123456-70");
    expect("28-08-123456-70", "kr-licence:28-08-123456-70");
    expect("경기 12-345678-90", "kr-licence:12-345678-90");
    expect_none("모델 12-345678-90");
    /* Naver's, printed on its pages, and the example of python-stdnum. */
    expect("220-81-62517", "kr-business:220-81-62517");
    expect("116-82-00276", "kr-business:116-82-00276");
    expect_none("220-81-62518");
    expect("사업자 2208162517", "kr-business:2208162517");
    expect_none("1700000000");
    expect("여권 M12345678", "kr-passport:M12345678");
    expect("passport no M123A4567", "kr-passport:M123A4567");
    expect_none("M12345678");
    expect_none("여권 M1234567");
    expect_none("passport X12345678");
}

/* One of ten epoch seconds passes the business checksum. */
static void seconds(void **state)
{
    (void)state;
    struct found found;
    char text[32];
    for (unsigned i = 0; i < 20000; i++) {
        (void)snprintf(text, sizeof text, "%u login", 1600000000u + i * 15013u);
        found_text(&found, str_of(text), "");
        assert_int_equal(found.hits.count, 0);
    }
}

static void phones(void **state)
{
    (void)state;
    expect("010-1234-5678", "kr-phone:010-1234-5678");
    expect("０１０－１２３４－５６７８", "kr-phone:０１０－１２３４－５６７８");
    expect("010.1234.5678 / 010 1234 5678", "kr-phone:010.1234.5678 kr-phone:010 1234 5678");
    expect("01012345678로 연락", "kr-phone:01012345678");
    expect("(02) 123-4567, 02)123-4567", "kr-phone:(02) 123-4567 kr-phone:02)123-4567");
    expect("(010-1234-5678)", "kr-phone:010-1234-5678");
    expect("070-1234-5678 0505-123-4567", "kr-phone:070-1234-5678 kr-phone:0505-123-4567");
    expect("+82-10-1234-5678", "kr-phone:+82-10-1234-5678");
    expect("+821012345678", "kr-phone:+821012345678");
    expect("+82 (0)10-1234-5678", "kr-phone:+82 (0)10-1234-5678");
    expect("+82 2 123 4567", "kr-phone:+82 2 123 4567");
    expect("011-123-4567", "kr-phone:011-123-4567");
    expect("(202) 555-0143", "us-phone:(202) 555-0143");
    expect("+1 202 555 0143", "us-phone:+1 202 555 0143");
    expect("+1 (202) 555-0143.", "us-phone:+1 (202) 555-0143");
    expect("+49 30 90182 0194", "phone:+49 30 90182 0194");
    expect("tel 2025550143", "us-phone:2025550143");
    expect_none("2025550143");
    expect_none("1588-1234");
    expect_none("call 1-800-555-0100");
    expect_none("202-155-0143"); /* no exchange begins with 1 */
    expect_none("911-555-0143");
    expect("phone 911-555-0143", "us-phone:911-555-0143"); /* nobody's, but meant as one */
    expect("202-555-0143x297 (202)555-0143x5110", "us-phone:202-555-0143x297 us-phone:(202)555-0143x5110");
    expect("001-202-555-0143x98", "us-phone:001-202-555-0143x98");
    expect_none("010-1234-5678x297 202-555-0143x1f 1024x768");
    expect_none("033-052-1224");
    expect("전화 033-052-1224", "kr-phone:033-052-1224");
    expect_none("065-123-4567"); /* no such area */
    expect_none("010-1234-5678-9");
    expect_none("1-010-1234-5678");
    expect_none("+0900");
    expect_none("+37.566535");
}

static void american(void **state)
{
    (void)state;
    expect("536-22-8714", "us-ssn:536-22-8714");
    expect("SSN 536228714", "us-ssn:536228714");
    expect_none("000-22-8714 666-22-8714 900-22-8714 987-65-4320");
    expect_none("536-00-8714");
    expect_none("536-22-0000");
    expect_none("078-05-1120");
    expect_none("SSN 111111111");
    expect_none("536228714");
}

/* Test numbers that the issuers publish. */
static void cards(void **state)
{
    (void)state;
    static const char *const numbers[] = {"4111111111111111", "4012888888881881", "5555555555554444",
                                          "5105105105105100", "378282246310005",  "371449635398431",
                                          "6011111111111117", "3530111333300000", "2223003122003222"};
    char wanted[32];
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)snprintf(wanted, sizeof wanted, "card:%s", numbers[i]);
        expect(numbers[i], wanted);
    }
    expect("4111-1111-1111-1111", "card:4111-1111-1111-1111");
    expect("3782 822463 10005", "card:3782 822463 10005");
    expect("카드 30569309025904", "card:30569309025904");
    expect("card 4222222222222", "card:4222222222222");
    expect_none("4111111111111112");
    expect_none("주문번호 4111111111111111");
    expect_none("1234567812345670"); /* Luhn, but nobody issues it */
}

static void boundaries(void **state)
{
    (void)state;
    expect_none("a9001011987651");
    expect_none("900101-1987651a");
    expect_none("3f900101-1987651");
    expect_none("x010-1234-5678");
    expect_none("indicator--01012345-6781-4000-8000-900101198765");
    expect_none("10.0.19041.1415 192.168.10.20:8443 00:1a:2b:3c:4d:5e");
    expect_none("CVE-2021-44228 2026-11-22T09:15:12.123456Z 20261122091512");
    expect_none("978-89-1234-567-8 110-234-567890 9001-0119-8765-1");
    expect_none("1700000000123456789 17000000001234567");
    expect("(900101-1987651),", "kr-rrn:900101-1987651");
    expect("a_900101-1987651.pdf", "kr-rrn:900101-1987651");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registration), cmocka_unit_test(registration_checksum),
        cmocka_unit_test(clocks),       cmocka_unit_test(other_korean),
        cmocka_unit_test(seconds),      cmocka_unit_test(phones),
        cmocka_unit_test(american),     cmocka_unit_test(cards),
        cmocka_unit_test(boundaries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
