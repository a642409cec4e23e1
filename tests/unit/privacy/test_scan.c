/* The pass over a text: every prefix is safe, hits are ordered and apart, and the steps grow with the length.
 */
#include "privacy_test.h"

static const char report[] =
    "피해자 홍길동(900101-1987651, +82 (0)10-1234-5678, 홍길동@예시.한국)의 카드 4111-1111-1111-1111 이\n"
    "hong[@]example[.]com 과 C:\\Users\\hong gildong\\x 에서 유출. 면허 11-08-123456-70, 서울 12-345678-90,\n"
    "passport M123A4567, SSN 536-22-8714, (202) 555-0143, 220-81-62517, ０１０－１２３４－５６７８, "
    "02)123-4567.";

static void prefixes(void **state)
{
    (void)state;
    struct found found;
    size_t most = 0;
    for (size_t len = 0; len < sizeof report; len++) {
        /* A copy of just that size: a sanitizer sees what is read behind it. */
        char *copy = malloc(len == 0 ? 1 : len);
        assert_non_null(copy);
        memcpy(copy, report, len);
        found_text(&found, (struct str) {copy, len}, "");
        size_t end = 0;
        for (size_t i = 0; i < found.hits.count; i++) {
            assert_true(found.at[i].from >= end && found.at[i].len > 0);
            end = found.at[i].from + found.at[i].len;
            assert_true(end <= len);
        }
        most = found.hits.count > most ? found.hits.count : most;
        free(copy);
    }
    assert_int_equal(most, 14);
}

static uint64_t steps_of(const char *piece, size_t count)
{
    struct found found;
    size_t len = strlen(piece);
    char *text = malloc(len * count);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * len, piece, len);
    found_text(&found, (struct str) {text, len * count}, "");
    free(text);
    return found.hits.steps;
}

/* What is built to make a scanner look again and again. */
static const char *const pieces[] = {
    "1",
    "1 ",
    "1-",
    "900101-",
    "a",
    "a@",
    "@",
    "a.",
    "a@a.",
    ".@",
    "홍",
    "홍@",
    "a[at]",
    "[at]",
    "(",
    "+",
    "+82",
    "/home/",
    "\\Users\\",
    "C:\\Users\\a ",
    "010-1234-5678 ",
    "주민번호 9001011987650 ",
    "Message-ID: a@b.example ",
    "a-a@b-",
    "１",
    "１－",
    "ssn ",
    "1.1.1.1:",
    "://a:b@c.example ",
    "\xc3",
    "\xef\xbc",
    "M123A4567 ",
    "[pseudonym:email:",
    "%25",
    "%2D1",
    "&amp;",
    "amp;",
    "&#4",
    "1 ",
    "\"",
    "\"a",
    "a at a dot a ",
    "1/1_",
    "010_",
    ("\xe2\x80\x8b" /* apart, or the digit would belong to the \x */
     "1"),
    "ssn1",
    "://a",
    "://a@",
    " -pass=a",
    " /user:",
    "http://a:",
    "O",
    "O1",
    "O1O-l234-5678 ",
    "1,",
    "111,",
    "wa.me/",
    "wa.me/821",
    "wa[.]me/",
    "a 골뱅이 a.bc ",
    "zalo[dot]me/0",
    "골뱅이",
    "a골뱅이",
    "a골뱅이a닷",
    "a골뱅이a.",
    "닷",
    "a골뱅이 a.bc",
    "a골뱅이 a닷 컴",
    "a@a 점 컴",
    "①",
    "①1",
    "¹",
    "٣",
    "\\u0039",
    "①010-1234-5678",
    "①kim@a.example",
    "¹9001011987651",
    "010-1234-5678²",
    "1\xe2\x83\xa3",
    "\"¹",
};

static void linear(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        size_t len = strlen(pieces[i]);
        uint64_t small = steps_of(pieces[i], 2000), large = steps_of(pieces[i], 32000);
        /* 16 times the text: 16 times the steps, but for the edges. */
        assert_true(large <= small * 18);
        assert_true(large <= (uint64_t)32000 * len * 400);
    }
}

/* A resident number parted in many ways: found whole, as it is written. */
static void marks(void **state)
{
    (void)state;
    static const char *const between[] = {"-",
                                          " ",
                                          "_",
                                          "/",
                                          ":",
                                          "~",
                                          "--",
                                          "-\n",
                                          "\n",
                                          " - ",
                                          "%2D",
                                          "%252d",
                                          "&#45;",
                                          "&#x2D;",
                                          "&ndash;",
                                          "&amp;#45;",
                                          "%26ndash%3B",
                                          "\\u002d",
                                          "\\\\u2013",
                                          "\\x2D",
                                          "\\xe2\\x80\\x93",
                                          "\xc2\xb7",
                                          "\xc2\xad",
                                          "\xe2\x80\x8b-",
                                          "\xe2\x80\x93",
                                          "\xe2\x81\xa0-",
                                          "\xe3\x83\xbb",
                                          "\xef\xbc\x8f",
                                          "\xef\xbc\x8d"};
    char text[256], wanted[256];
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++) {
        (void)snprintf(text, sizeof text, "주민번호 900101%s1987651 확인", between[i]);
        (void)snprintf(wanted, sizeof wanted, "kr-rrn:900101%s1987651", between[i]);
        expect(text, wanted);
    }
    expect("주민번호 900101(1987651)", "kr-rrn:900101(1987651)");
    expect("주민번호 9 0 0 1 0 1 - 1 9 8 7 6 5 1", "kr-rrn:9 0 0 1 0 1 - 1 9 8 7 6 5 1");
    expect("주민번호 1990-01-01-1987651", "kr-rrn:1990-01-01-1987651");
    expect("SSN536224567", "us-ssn:536224567");
    expect("passport m 12345678", "kr-passport:m 12345678");
    expect("kim AT example DOT co DOT kr", "email:kim AT example DOT co DOT kr");
    expect("\"kim minsu\"@example.co.kr", "email:\"kim minsu\"@example.co.kr");
    expect("주민번호 &#xFF19;00101-1987651", "kr-rrn:&#xFF19;00101-1987651");
    expect("body LIKE '%900101-1987651%'", "kr-rrn:900101-1987651");
    expect("from kim\\u0040example.com", "email:kim\\u0040example.com");
    expect_none("2026/11/22~2026/11/23, v1_2_3456, 900101/1987650");
    expect_none("look at the dot com years");
    expect_none("%2 & &# &#x; &#99999999; &amp %");
}

/* Digits of other scripts and in other dress, letters for digits, thousands, links of messengers, and the
 * Korean words for the signs of an address: found whole, as they are written. */
static void dresses(void **state)
{
    (void)state;
    static const char *const found[] = {
        "kr-phone:𝟎𝟏𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖",
        "kr-phone:𝟘𝟙𝟘-𝟙𝟚𝟛𝟜-𝟝𝟞𝟟𝟠",
        "kr-phone:⓪①⓪-①②③④-⑤⑥⑦⑧",
        "kr-phone:٠١٠-١٢٣٤-٥٦٧٨",
        "kr-phone:०१०-१२३४-५६७८",
        "kr-phone:⁰¹⁰-¹²³⁴-⁵⁶⁷⁸",
        "kr-phone:0①0-1234-5678",
        "kr-phone:O1O-1234-5678",
        "kr-phone:o1o-l234-567O",
        "kr-rrn:9OO1O1-I987654",
        "kr-rrn:\\u0039\\u0030\\u0030101-1987654",
        "kr-phone:+82-1O-1234-5678",
        "kr-phone:O1O.2345.6789",
        "kr-phone:O1O 2345 6789",
        "kr-phone:0l0.2345.6789",
        "kr-phone:O1O 2345 678O",
        "email:kim골뱅이example.com",
        "email:kim[골뱅이]example[닷]com",
        "email:kim 골뱅이 example 닷 com",
        "email:kim(골뱅이)example쩜co쩜kr",
        "email:kim@example닷com",
        "email:골뱅이네골뱅이example.com",
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect(strchr(found[i], ':') + 1, found[i]);
    expect("wa.me/821012345678", "kr-phone:821012345678");
    expect("https://wa.me/14155550132?text=x", "us-phone:14155550132");
    expect("https://wa.me/4915112345678", "phone:4915112345678");
    expect("api.whatsapp.com/send?phone=8221234567", "kr-phone:8221234567");
    expect("주민번호 9,001,011,987,654", "kr-rrn:9,001,011,987,654");
    expect("①010-1234-5678①", "kr-phone:010-1234-5678");
    expect("010-1234-5678¹²", "kr-phone:010-1234-5678");
    expect("전화 O2-123-4567, 01O12345678", "kr-phone:O2-123-4567 kr-phone:01O12345678");
}

/* A digit in another dress also numbers items and notes, or is put there to hide what it is grown together
 * with: what is whole without it is found as if it were not there. */
static void numbered(void **state)
{
    (void)state;
    static const char *const marks[] = {"①", "❶", "➀", "➊", "⑴", "⒈", "⓵", "⓪", "⓿",
                                        "🄁", "¹", "⁰", "₂", "𝟎", "٣", "꘠", "߀"};
    static const char *const values[] = {"kr-phone:010-1234-5678", "kr-phone:01012345678",
                                         "us-phone:202-555-0143",  "kr-rrn:900101-1987651",
                                         "us-ssn:536-22-8714",     "card:4111-1111-1111-1111"};
    char text[256], wanted[256];
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            const char *value = strchr(values[k], ':') + 1;
            (void)snprintf(text, sizeof text, "%s%s%s%s%s", marks[i], value, marks[i], value, marks[i]);
            (void)snprintf(wanted, sizeof wanted, "%s %s", values[k], values[k]);
            expect(text, wanted);
            (void)snprintf(text, sizeof text, "%s%s%s", marks[i], marks[i], value);
            expect(text, values[k]);
            (void)snprintf(text, sizeof text, "%s%s%s", value, marks[i], marks[i]);
            expect(text, values[k]);
        }
    expect("①010-1234-5678②010-2345-6789③010-3456-7890",
           "kr-phone:010-1234-5678 kr-phone:010-2345-6789 kr-phone:010-3456-7890");
    expect("연락처 ①01012345678②01023456789", "kr-phone:01012345678 kr-phone:01023456789");
    expect("①900101-1987651②900202-2987654", "kr-rrn:900101-1987651 kr-rrn:900202-2987654");
    expect("연락처¹010-1234-5678 ²010-2345-6789", "kr-phone:010-1234-5678 kr-phone:010-2345-6789");
    expect("전화²010-1234-5678", "kr-phone:010-1234-5678");
    expect("1\xef\xb8\x8f\xe2\x83\xa3"
           "010-1234-5678 2\xe2\x83\xa3"
           "010-2345-6789",
           "kr-phone:010-1234-5678 kr-phone:010-2345-6789");
    expect("010-1234-5678\\u0031 \\u0031\\u0032-010-1234-5678", "kr-phone:010-1234-5678");
}

/* A run as long as a number of a person is one, whichever of its digits wear what. */
static void in_runs(void **state)
{
    (void)state;
    static const char *const found[] = {
        "kr-rrn:⑼0⑴0⑴⑸-⑴⑵⑶⑷⑸⑹⑻",    "kr-rrn:⒐0⒈0⒈⒌-⒈⒉⒊⒋⒌⒍⒏",  "kr-rrn:⑨01015-1234568",
        "kr-rrn:901015-123456⑧",    "kr-rrn:90101⑤-①234568",  "kr-rrn:90101⑤–①234568",
        "kr-rrn:❾01015-1234568",    "kr-rrn:⑨01015①23456⑧",   "kr-rrn:90101⑤-１234568",
        "kr-phone:010-1234-567⑧",   "kr-phone:01⓪-1234-567⑧", "card:④111-1111-1111-1111",
        "card:4111-1111-1111-111①",
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect(strchr(found[i], ':') + 1, found[i]);
    static const char *const none[] = {
        "① 첫째 ② 둘째",      "①첫째②둘째③셋째", "①12-345678",   "2026-11-2③",  "①2026-11-23",
        "① 901015 ② 1234568", "①②③④⑤⑥⑦⑧⑨①②③④",   "12345678901②", "①9⑨1234-567",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
    expect("②02-123-4567", "kr-phone:02-123-4567");
    expect("①202-555-0143", "us-phone:202-555-0143");
}

static void numbered_addresses(void **state)
{
    (void)state;
    expect("kim@example.com²", "email:kim@example.com");
    expect("kim@example.com¹, lee@example.com²", "email:kim@example.com email:lee@example.com");
    expect("문의: kim@example.com³)", "email:kim@example.com");
    expect("①kim@example.com②lee@example.com③", "email:kim@example.com email:lee@example.com");
    expect("kim@example.com٣ kim@example.com𝟎", "email:kim@example.com email:kim@example.com");
    expect("kim@example.com\\u0032", "email:kim@example.com");
    expect("ki①②m@example.com", "email:ki①②m@example.com");
}

/* Where the two readings differ and both find something: each place once, and all that either found. */
static void overlaps(void **state)
{
    (void)state;
    expect("¹-202-555-0143", "us-phone:¹-202-555-0143");
    expect("kim@a.example.com²lee@b.example.com", "email:kim@a.example.com email:² email:lee@b.example.com");
    expect("⓪①⓪-①②③④-⑤⑥⑦⑧ ①010-1234-5678②", "kr-phone:⓪①⓪-①②③④-⑤⑥⑦⑧ kr-phone:010-1234-5678");
    expect("٠503-555-0171", "kr-phone:٠ us-phone:503-555-0171");
    expect("010-1234-5678 ¹", "kr-phone:010-1234-5678");
    /* A suspicion of one reading hides no hit of the other, nor comes beside it. */
    struct found found;
    found_open(&found);
    found.hits.score_min = 0;
    privacy_text(STR("①9001011987650② ¹010-1234-5678"), STR(""), &found.hits);
    size_t end = 0;
    for (size_t i = 0; i < found.hits.count; i++) {
        assert_true(found.at[i].from >= end);
        end = found.at[i].from + found.at[i].len;
    }
    assert_true(found.hits.count == 2 && found.at[1].kind == PRIVACY_KR_PHONE);
}

static void dresses_of_nobody(void **state)
{
    (void)state;
    static const char *const none[] = {
        "01O12345678",
        "O2-123-4567",
        "OIO-IlIO-OOOO",
        "OIO.IlIO.OOOO",
        "lOl.2345.6789",
        "O1O.2345.678",
        "O1O 2345 67890",
        "vO1O.2345.6789",
        "O2.345.6789",
        "lot O1O-1234-56785",
        "lol-1234-5678",
        "9,001,011,987,654원",
        "주민번호 9,001,011,987,654,321",
        "주민번호 9,001,011,987,65",
        "123,456,789,012",
        "wa.me/message/821",
        "iowa.me/4915112345678",
        "t.me/c/1234567890/12",
        "매운골뱅이무침.진짜맛있다",
        "을지로 골뱅이 naver.com",
        "골뱅이example.com",
        "동해골뱅이 2.5kg",
        "①1234-5678②",
        "2026¹, 1,234²",
        "x² + y² = 10²",
        "H₂O, 10⁻³, m², ⒈ 개요 ⒉ 본문",
        "①②③④⑤⑥⑦⑧⑨",
        "2026①11②23③",
        "kim@example²",
        "file@2x.png²",
        "1️⃣ 2️⃣ 3️⃣",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
    expect("C:\\Users\\u0039abc\\x", "account:u0039abc");
    expect("kim@example.com 닷새", "email:kim@example.com");
}

/* Links that nobody shall click on, and a link that has the number as it is called at home. */
static void links(void **state)
{
    (void)state;
    expect("hxxps://wa[.]me/821023456789", "kr-phone:821023456789");
    expect("https://wa[.]me/821023456789", "kr-phone:821023456789");
    expect("wa(.)me/4915112345678", "phone:4915112345678");
    expect("wa[dot]me/14155550132", "us-phone:14155550132");
    expect("api[.]whatsapp[.]com/send?phone=821023456789", "kr-phone:821023456789");
    expect("https://zalo.me/0912345678", "phone:0912345678");
    expect("hxxps://zalo[.]me/0912345678", "phone:0912345678");
    expect("https://zalo.me/84912345678", "phone:84912345678");
    static const char *const none[] = {
        "iowa[.]me/4915112345678",    "wa[.]com/4915112345678",
        "wa[]me/4915112345678",       "[.]me/4915112345678",
        "wa.me/0912345678",           "https://zalo.me/09123456789",
        "https://zalo.me/0012345678", "zalo.me/g/0912345678",
        "xzalo.me/0912345678",        "https://host.example/0912345678",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
}

/* A snail between two blanks is a sign where something else says so: a word of mail, a dot in words. */
static void snails(void **state)
{
    (void)state;
    static const char *const found[][2] = {
        {"이메일 kim 골뱅이 example.com", "email:kim 골뱅이 example.com"},
        {"메일은 kim 골뱅이 example.com 입니다", "email:kim 골뱅이 example.com"},
        {"email: kim 골뱅이 example.com", "email:kim 골뱅이 example.com"},
        {"연락은 kim 골뱅이 example.com", "email:kim 골뱅이 example.com"},
        {"kim 골뱅이 example.com 으로 메일 바람", "email:kim 골뱅이 example.com"},
        {"주소 kim 골뱅이 example.com", "email:kim 골뱅이 example.com"},
        {"kim 골뱅이 example.com", "email:kim 골뱅이 example.com"}, /* nothing else stands there */
        {"그는 kim 골뱅이 example 닷 com 이다", "email:kim 골뱅이 example 닷 com"},
        {"그는 kim [골뱅이] example.com 이다", "email:kim [골뱅이] example.com"},
        {"그는 kim골뱅이example.com 이다", "email:kim골뱅이example.com"},
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        expect(found[i][0], found[i][1]);
    expect_labelled("contact_email", "그는 kim 골뱅이 example.com", "email:kim 골뱅이 example.com");
    expect_none("best 골뱅이 restaurant.com 추천");
    expect_none("IPA 골뱅이 beer.com 안주");
    expect_none("을지로 best 골뱅이 restaurant.com\n메일 없음");
    expect_labelled("description", "best 골뱅이 restaurant.com 추천", "");
}

/* The sign at a word of ASCII, and behind it a top level that exists: nobody who eats writes so. */
static void signs_in_words(void **state)
{
    (void)state;
    static const char *const found[] = {
        "kim골뱅이 example.com",    "j.doe골뱅이 mail.example.co.kr",
        "kim골뱅이 example닷com",   "kim골뱅이 example 닷 com",
        "kim골뱅이 example닷컴",    "kim골뱅이 네이버닷컴",
        "kim골뱅이네이버닷컴",      "kim골뱅이naver닷컴",
        "kim골뱅이 naver 닷컴",     "kim 골뱅이 example 닷컴",
        "kim 골뱅이 example 닷 컴", "kim 골뱅이 example점컴",
        "kim@example닷컴",          "kim@example 닷컴",
        "kim@example점컴",          "kim@example쩜넷",
        "kim@example닷오알지",      "kim@example닷씨오닷케이알",
        "kim@mail닷example닷컴",    "kim@mail 닷 example 닷컴",
        "kim@네이버닷컴",           "kim@네이버닷com",
        "kim@example점com",         "kim[at]example[점]com",
        "kim골뱅이 예시.한국",      "kim@백화점.한국",
        "kim@example.닷컴",
    };
    char text[256], wanted[256];
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        (void)snprintf(wanted, sizeof wanted, "email:%s", found[i]);
        expect(found[i], wanted);
        (void)snprintf(text, sizeof text, "어제 %s, 오늘은 아니다", found[i]);
        expect(text, wanted);
    }
    expect("그는 kim@example닷컴으로 보냈다", "email:kim@example닷컴");
    expect("연락처kim골뱅이 example.com", "email:kim골뱅이 example.com");
    expect("메일 3골뱅이 example.com", "email:3골뱅이 example.com");
    expect("kim@example.com 닷넷 개발자", "email:kim@example.com");
    expect("메일 kim 골뱅이 네이버닷컴", "email:kim 골뱅이 네이버닷컴");
    expect("메일 kim 골뱅이example.com", "email:kim 골뱅이example.com");
}

static void snails_with_domains(void **state)
{
    (void)state;
    static const char *const none[] = {
        "골뱅이 example.com 식당",
        "을지로골뱅이 example.com 예약",
        "골뱅이 example 닷컴 예약",
        "어제 3골뱅이 food.com 예약",
        "IPA골뱅이 무침.정말 맛있다",
        "IPA골뱅이 3.5kg",
        "IPA골뱅이 file.png",
        "IPA골뱅이 a.b",
        "IPA골뱅이무침.맛있다",
        "맛집 best 골뱅이 을지로닷컴 추천",
        "맛집 best 골뱅이restaurant.com 추천",
        "골뱅이 백화점 닷컴",
        "닷컴 골뱅이",
        "example닷컴 골뱅이",
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        expect_none(none[i]);
}

/* Every beginning of every escape is read, and what is found lies in the text. */
static void cut_escapes(void **state)
{
    (void)state;
    static const char text[] =
        "주민번호 900101%252D1987651 &amp;#x2d;&ndash;\xe2\x80\x8b\xef\xbc\x91\xef\xbd\x81 kim%40example.com";
    struct found found;
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, text, len);
        found_text(&found, (struct str) {copy, len}, "");
        for (size_t i = 0; i < found.hits.count; i++)
            assert_true(found.at[i].from + found.at[i].len <= len && found.at[i].len > 0);
        free(copy);
    }
}

static void room(void **state)
{
    (void)state;
    struct privacy_hit one;
    struct privacy_hits hits = {.at = &one, .size = 1, .score_min = PRIVACY_SCORE_HIT};
    privacy_text(STR("a@example.com b@example.com c@example.com"), STR(""), &hits);
    assert_int_equal(hits.count, 1);
    assert_int_equal(hits.dropped, 2);
    assert_int_equal(privacy_facts(&hits).score, 100);
    /* Suspicions are kept when asked for. */
    struct found found;
    found_open(&found);
    found.hits.score_min = 0;
    privacy_text(STR("9001011987650"), STR(""), &found.hits);
    assert_true(found.hits.count == 1 && found.at[0].score < PRIVACY_SCORE_HIT);
    assert_int_equal(privacy_facts(&found.hits).kinds, 0);
}

static void names(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PRIVACY_KINDS; i++)
        assert_int_equal(privacy_kind_find(str_of(privacy_kind_name((enum privacy_kind)i))), i);
    assert_int_equal(privacy_kind_find(STR("none")), PRIVACY_KINDS);
    for (unsigned i = 0; i < PRIVACY_ROLES; i++)
        assert_true(strlen(privacy_role_name((enum privacy_role)i)) > 3);
}

/* Who logs in somewhere, before a host and behind a switch; what stands in for a name is nobody. */
static void logins(void **state)
{
    (void)state;
    expect("get https://hong.gildong@host/x", "account:hong.gildong");
    expect("hxxps://hong.gildong:Secr3t!@db.example.com:8080/x", "account:hong.gildong credential:Secr3t!");
    expect("ftp://root:Pa55w0rd@198.51.100.7/", "credential:Pa55w0rd");
    expect("https://hong%2Egildong%40corp@host", "account:hong%2Egildong%40corp");
    expect("sftp://홍길동:p4ss@host, smb://k.lee@nas", "account:홍길동 credential:p4ss account:k.lee");
    expect("net use z: \\\\nas\\x /user:CORP\\hong.gildong S3cret", "account:hong.gildong");
    expect("wmic /node:a /user:gildong /pass:hunter2 os get", "account:gildong credential:hunter2");
    expect("wmic /USER:'gildong' /PASSWORD:\"correct horse\"", "account:gildong credential:correct horse");
    expect("curl --user=hong.gildong --password=hunter2 x", "account:hong.gildong credential:hunter2");
    expect("New-X -Username gildong -Password hunter2;", "account:gildong credential:hunter2");
    expect("\"mysql --password=hunter2\"", "credential:hunter2");
    expect("runas /user:gildong@corp.example cmd", "email:gildong@corp.example");
    expect_none("https://medium.example/@jane/x https://cdn.example/a@b");
    expect_none("https://www.bank.com@evil.su/ http://google.com@evil.su");
    expect_none("ftp://anonymous@ftp.example.org ssh://git@code.example.org https://$USER:$PASS@h/");
    expect_none("postgres://app:secret@db.example.com:5432/main");
    expect_none("https://user:****@h/ https://<user>:<password>@h/");
    expect_none("7z x --password=infected a.zip, 7z --password infected");
    expect_none("GET /user:gildong.html pre-user:gildong a/pass:b");
    expect_none("systemctl --user start, pip --user install, the -password switch, --password -");
    expect_none("/user:administrator /pass:%PASS% /user:\"NT AUTHORITY\\SYSTEM\" /login/x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(linear),
        cmocka_unit_test(marks),
        cmocka_unit_test(cut_escapes),
        cmocka_unit_test(room),
        cmocka_unit_test(names),
        cmocka_unit_test(dresses),
        cmocka_unit_test(dresses_of_nobody),
        cmocka_unit_test(numbered),
        cmocka_unit_test(in_runs),
        cmocka_unit_test(numbered_addresses),
        cmocka_unit_test(links),
        cmocka_unit_test(snails),
        cmocka_unit_test(signs_in_words),
        cmocka_unit_test(snails_with_domains),
        cmocka_unit_test(overlaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
