/* Values as people write them in reports and lists. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "feeds/refang.h"

static void check(const char *from, const char *to, bool changed)
{
    struct buf out;
    buf_init(&out, 1024);
    assert_int_equal(feeds_refang(str_of(from), &out), changed);
    assert_true(str_eq(buf_str(&out), str_of(to)));
    buf_deinit(&out);
}

static void arms_again(void **state)
{
    (void)state;
    check("hxxp://evil[.]example/a", "http://evil.example/a", true);
    check("hXXps://evil(.)example", "https://evil.example", true);
    check("hxxps[:]//evil[dot]example", "https://evil.example", true);
    check("hxxp[://]evil{.}example", "http://evil.example", true);
    check("fxp://a.example", "ftp://a.example", true);
    check("192[.]0[.]2[.]1", "192.0.2.1", true);
    check("user[@]evil[.]example", "user@evil.example", true);
}

static void leaves_the_rest(void **state)
{
    (void)state;
    check("", "", false);
    check("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/", false);
    check("evil.example", "evil.example", false);
    check("a(b)c[d]", "a(b)c[d]", false);
    check("hxx", "hxx", false);
    check("[.", "[.", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(arms_again), cmocka_unit_test(leaves_the_rest)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
