/* Numbers that a word beside them calls something else, and what such a word must not hide. */
#include "privacy_test.h"

/* A corporation's number is public, and has the form of a resident's. */
static void corporations(void **state)
{
    (void)state;
    static const char *const none[] = {
        "법인등록번호 110111-1707178",
        "법인등록번호: 110111-1707178",
        "법인등록번호는 110111-1707178이다",
        "법인등록번호(110111-1707178)",
        "법인등록번호 1101111707178",
        "법인 등록번호 110111-1707178",
        "법인번호 110111-1707178",
        "법인 번호 110111-1707178",
        "등기번호 110111-1707178",
        "법인등기번호: 110111-1707178",
        "corporate registration number 110111-1707178",
        "Corporate Registration No. 110111-1707178",
        "corporation number is 110111-1707178",
        "company registration number: 110111-1707178",
        "jurir_no=1101111707178",
        "대표자 주민등록번호는 없음. 법인등록번호 110111-1707178",
        "법인등록번호 900101-1987654", /* the sum of a resident's is right, too, one time in ten */
        "| 법인등록번호 | 110111-1707178 |",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
    expect_labelled("corporate_registration_number", "110111-1707178", "");
    expect_labelled("jurir_no", "1101111707178", "");
    expect_labelled("x_법인등록번호", "110111-1707178", "");
}

static void persons_beside_corporations(void **state)
{
    (void)state;
    static const char *const found[][2] = {
        {"주민등록번호 110111-1707178", "kr-rrn:110111-1707178"},
        {"법인등록번호 110111-1707178, 대표 900101-1987650", "kr-rrn:900101-1987650"},
        {"법인등록번호 110111-1707178, 대표 주민등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"법인등록번호 110111-1707178\n대표자 900101-1987650", "kr-rrn:900101-1987650"},
        {"대표 주민등록번호 900101-1987650, 법인등록번호 110111-1707178", "kr-rrn:900101-1987650"},
        {"법인등록번호가 아니라 주민등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"법인등록번호, 대표자 900101-1987650", "kr-rrn:900101-1987650"},
        {"법인등록번호 홍길동 900101-1987650", "kr-rrn:900101-1987650"},
        {"주민(법인)등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"법인(주민)등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"주민등록번호/법인등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"주민등록번호(법인등록번호): 900101-1987650", "kr-rrn:900101-1987650"},
        {"주민등록번호 또는 법인등록번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"resident or corporate registration number 900101-1987650", "kr-rrn:900101-1987650"},
        {"company registration number 220-81-62517", "kr-business:220-81-62517"},
        {"법인번호 연락처 010-2345-6789", "kr-phone:010-2345-6789"},
        {"법인번호 010-2345-6789", "kr-phone:010-2345-6789"},
        {"국내거소신고번호 900101-5987650", "kr-frn:900101-5987650"},
        {"incorporate registration number 900101-1987650", "kr-rrn:900101-1987650"},
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect(found[i][0], found[i][1]);
    expect_labelled("corporate_registration_number", "see 900101-1987650", "kr-rrn:900101-1987650");
    expect_labelled("jurir_no", "주민번호 900101-1987650", "kr-rrn:900101-1987650");
}

/* Without its checksum it is what the word says. */
static void counters(void **state)
{
    (void)state;
    static const char *const none[] = {
        "접수번호 230101-1234567",    "접수 번호: 230101-1234567",
        "송장번호 230101-4123456",    "운송장 번호는 230101-4123456",
        "제조번호 230101-4123456",    "SKU 212-45-6789",
        "sku: 212-45-6789",           "serial number 212-45-6789",
        "Serial No. 212-45-6789",     "일련번호 001231-3999999",
        "일련번호 212-45-6789",       "part no 212-45-6789",
        "malware_210315-1845123.exe", "dump-210315-1845123.pcap",
    };
    static const char *const found[][2] = {
        {"접수번호 900101-1987654", "kr-rrn:900101-1987654"}, /* the checksum */
        {"접수번호 홍길동 900101-1987650", "kr-rrn:900101-1987650"},
        {"접수번호, 900101-1987650", "kr-rrn:900101-1987650"},
        {"접수번호 7, 피해자 900101-1987650", "kr-rrn:900101-1987650"},
        {"접수번호 아닌 주민번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"주민번호/접수번호 900101-1987650", "kr-rrn:900101-1987650"},
        {"접수번호 010-2345-6789", "kr-phone:010-2345-6789"},
        {"송장 010-2345-6789", "kr-phone:010-2345-6789"},
        {"serial no +1 202 555 0143", "us-phone:+1 202 555 0143"},
        {"SKU, SSN 212-45-6789", "us-ssn:212-45-6789"},
        {"order 212-45-6789", "us-ssn:212-45-6789"},
        {"주문번호 4111-1111-1111-1111", "card:4111-1111-1111-1111"},
        {"hong_900101-1987654.exe", "kr-rrn:900101-1987654"},
        {"rrn_900101-1987650.exe", "kr-rrn:900101-1987650"},
        {"홍길동_900101-1987650.exe", "kr-rrn:900101-1987650"},
        {"id_900101-1987650.pdf", "kr-rrn:900101-1987650"},
        {"kim_010-2345-6789.exe", "kr-phone:010-2345-6789"},
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect(found[i][0], found[i][1]);
    expect_labelled("sku", "212-45-6789", "");
    expect_labelled("sku", "of Kim, 212-45-6789", "us-ssn:212-45-6789");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corporations),
        cmocka_unit_test(persons_beside_corporations),
        cmocka_unit_test(counters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
