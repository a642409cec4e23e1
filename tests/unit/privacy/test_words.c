/* Addresses, accounts in paths, and the words around a number. */
#include "privacy_test.h"

static void addresses(void **state)
{
    (void)state;
    expect("jane.doe+x@mail.example.com.", "email:jane.doe+x@mail.example.com");
    expect("메일은hong@example.com으로", "email:hong@example.com");
    expect("홍길동@예시.한국에서", "email:홍길동@예시.한국");
    expect("홍길동@example.com", "email:홍길동@example.com");
    expect("a.b@xn--9t4b11yi5a.xn--3e0b707e", "email:a.b@xn--9t4b11yi5a.xn--3e0b707e");
    expect("hong[@]example[.]com hong(at)example(dot)com",
           "email:hong[@]example[.]com email:hong(at)example(dot)com");
    expect("hong [at] example [dot] com", "email:hong [at] example [dot] com");
    expect("hong＠example．com", "email:hong＠example．com");
    expect("<a@example.com>,<b@example.com>", "email:a@example.com email:b@example.com");
    expect("kim@example.com:Passw0rd", "email:kim@example.com");
    expect("01012345678@example.com", "email:01012345678@example.com");
    expect("mailto:kim@example.com?subject=x", "email:kim@example.com");
    expect_none("user@host");
    expect_none("pkg@1.2.3 logo@2x.png getty@tty1.service @handle a@b.c");
    expect_none("https://user:pw@db.example.com/x ssh://git@code.example.org/");
    expect_none("abuse@example.com NoReply@example.com git@code.example.com:org/repo.git");
    expect_none("Message-ID: <1234.5678@mail.example.com>");
    expect("References: <1@mail.example.com>\nTo: <kim@example.com>", "email:kim@example.com");
    expect_none("@@@@ a@@example.com @example.com a@ .@.");
}

static void reasons(void **state)
{
    (void)state;
    struct found found;
    struct buf why;
    buf_init(&why, 1 << 10);
    found_text(&found, STR("x [at] example [dot] com"), "");
    assert_int_equal(found.at[0].reasons, PRIVACY_DEFANGED);
    found_text(&found, STR("주민번호 9001011987650"), "");
    assert_true((found.at[0].reasons & PRIVACY_BEFORE) != 0);
    privacy_reasons(PRIVACY_BEFORE | PRIVACY_CHECKSUM, &why);
    assert_true(str_eq(buf_str(&why), STR("checksum right, a word before it says so")));
    buf_clear(&why);
    privacy_reasons(0, &why);
    assert_true(str_eq(buf_str(&why), STR("the form alone")));
    buf_deinit(&why);
}

static void paths(void **state)
{
    (void)state;
    expect("C:\\Users\\jdoe\\x.exe", "account:jdoe");
    expect("C:\\Users\\x64kim\\x.exe", "account:x64kim"); /* no escapes */
    expect("C:\\Users\\u2013123\\x.exe", "account:u2013123");
    expect("\"C:\\\\Users\\\\jane doe\\\\x\"", "account:jane doe");
    expect("/home/alice/.ssh and /Users/bob", "account:alice account:bob");
    expect("D:\\Documents and Settings\\김민지\\x", "account:김민지");
    expect_none("C:\\Users\\Public\\x C:\\Users\\%USERNAME%\\x /home/ubuntu/x");
    expect_none("https://example.com/home/news GET /home/news /var/home/x ../home/x");
}

static void context(void **state)
{
    (void)state;
    expect_none("9001011987650"); /* wrong checksum, no word */
    expect("주민번호 9001011987650", "kr-rrn:9001011987650");
    expect("RRN=9001011987650", "kr-rrn:9001011987650");
    expect("userRrn 9001011987650", "kr-rrn:9001011987650");
    expect_none("warrnt 9001011987650");
    expect("9001011987650 (주민등록번호)", "kr-rrn:9001011987650");
    expect_none("주민 조회 요청번호 9001011987650"); /* the nearer word decides */
    expect("요청번호 7, 주민번호 9001011987650", "kr-rrn:9001011987650");
    expect_labelled("x_jumin_no", "9001011987650", "kr-rrn:9001011987650");
    expect_labelled("phoneNumber", "2025550143", "us-phone:2025550143");
    expect_labelled("timestamp", "9001011987651", "");
    expect_none("order 010 id 2025550143, phone: none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(reasons),
        cmocka_unit_test(paths),
        cmocka_unit_test(context),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
