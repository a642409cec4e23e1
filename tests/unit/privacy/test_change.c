/* Masks keep the shape and nothing else; pseudonyms are the same for the same value, and only their key opens
 * them. */
#include "privacy_test.h"

static const struct seal_secret key = {{1, 2, 3}}, other = {{1, 2, 4}};

static void masked(const char *text, const char *wanted)
{
    struct found found;
    struct buf out;
    buf_init(&out, 1 << 16);
    found_text(&found, str_of(text), "");
    privacy_mask(str_of(text), found.at, found.hits.count, &out);
    buf_putc(&out, '\0');
    assert_string_equal((const char *)out.at, wanted);
    assert_true(str_is_utf8(buf_str(&out)));
    found_text(&found, (struct str) {(const char *)out.at, out.len - 1}, "");
    assert_int_equal(found.hits.count, 0);
    buf_deinit(&out);
}

static void masks(void **state)
{
    (void)state;
    masked("주민번호 900101-1987651 확인", "주민번호 ******-******* 확인");
    masked("a.b@example.com, 010-1234-5678", "*.*@*******.***, ***-****-****");
    masked("홍길동@예시.한국", "＊＊＊@＊＊.＊＊");
    masked("０１０－１２３４－５６７８", "＊＊＊＊＊＊＊＊＊＊＊＊＊");
    masked("주민번호 900101%2D1987651 확인", "주민번호 ******%********* 확인");
    masked("주민번호 900101_1987651", "주민번호 ******_*******");
    masked("kim AT example DOT com", "*** ** ******* *** ***");
    masked("전화 O1O-l234-5678", "전화 ***-****-****");
    masked("٠١٠-١٢٣٤-٥٦٧٨", "＊＊＊-＊＊＊＊-＊＊＊＊");
    masked("⓪①⓪-①②③④-⑤⑥⑦⑧", "＊＊＊-＊＊＊＊-＊＊＊＊");
    masked("주민번호 9,001,011,987,654", "주민번호 *,***,***,***,***");
    masked("kim골뱅이example닷com", "***＊＊＊*******＊***");
    masked("그는 kim골뱅이 example닷컴 이다", "그는 ***＊＊＊ *******＊＊ 이다");
    masked("kim [골뱅이] example.com", "*** [＊＊＊] *******.***");
    masked("https://wa.me/821012345678?text=hi", "https://wa.me/************?text=hi");
    masked("\\u0030\\u0031\\u0030-1234-5678", "\\*****\\*****\\*****-****-****");
    masked("①010-1234-5678②010-2345-6789", "①***-****-****②***-****-****");
    masked("kim@example.com¹, lee@example.com²", "***@*******.***¹, ***@*******.***²");
    masked("¹-202-555-0143", "＊-***-***-****");
    masked("kim@a.example.com²lee@b.example.com", "***@*.*******.***＊***@*.*******.***");
    masked("nothing here", "nothing here");
    masked("", "");
}

static void pseudonym(const char *text, const struct seal_secret *with, struct buf *out)
{
    struct found found;
    buf_clear(out);
    found_text(&found, str_of(text), "");
    privacy_pseudonymise(str_of(text), found.at, found.hits.count, with, out);
    assert_int_equal(buf_err(out), ERR_OK);
}

static void pseudonyms(void **state)
{
    (void)state;
    static const char text[] = "kim@example.com and lee@example.com, kim@example.com";
    struct buf out, again, back;
    struct found found;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    buf_init(&back, 1 << 16);
    pseudonym(text, &key, &out);
    pseudonym(text, &key, &again);
    assert_true(str_eq(buf_str(&out), buf_str(&again)));
    /* Equal values, equal tokens; another value of the same length, another token of the same length. */
    size_t len = (out.len - strlen(" and , ")) / 3;
    const char *at = (const char *)out.at;
    assert_memory_equal(at, "[pseudonym:email:", 17);
    assert_memory_equal(at, at + 2 * len + strlen(" and , "), len);
    assert_memory_not_equal(at, at + len + strlen(" and "), len);
    pseudonym(text, &other, &again);
    assert_int_equal(again.len, out.len);
    assert_memory_not_equal(at, again.at, len);
    /* No recogniser finds a token. */
    found_text(&found, buf_str(&out), "");
    assert_int_equal(found.hits.count, 0);
    privacy_reveal(buf_str(&out), &key, &back);
    assert_true(str_eq(buf_str(&back), str_of(text)));
    /* Digits may follow an address directly: they are no part of its token. */
    pseudonym("홍길동@예시.한국12", &key, &again);
    buf_clear(&back);
    privacy_reveal(buf_str(&again), &key, &back);
    assert_true(str_eq(buf_str(&back), STR("홍길동@예시.한국12")));
    buf_clear(&back);
    privacy_reveal(buf_str(&out), &other, &back);
    assert_true(str_eq(buf_str(&back), buf_str(&out)));
    buf_deinit(&out);
    buf_deinit(&again);
    buf_deinit(&back);
}

/* The number of an item or a note is no part of the value. */
static void numbered_values(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"010-1234-5678", "①", "②"}, {"900101-1987651", "¹", ""}, {"kim@example.com", "", "²"}};
    struct buf out, again;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[64], wanted[1024];
        pseudonym(rows[i][0], &key, &out);
        (void)snprintf(wanted, sizeof wanted, "%s%.*s%s", rows[i][1], (int)out.len, (const char *)out.at,
                       rows[i][2]);
        (void)snprintf(text, sizeof text, "%s%s%s", rows[i][1], rows[i][0], rows[i][2]);
        pseudonym(text, &key, &again);
        assert_true(str_eq(buf_str(&again), str_of(wanted)));
    }
    buf_deinit(&out);
    buf_deinit(&again);
}

/* Whichever way a value is written, the token is one; it opens to the value's one form. A token that was made
 * when values were sealed as they stood opens to that. */
static void one_token_for_every_spelling(void **state)
{
    (void)state;
    static const char *const rows[][5] = {
        {"010-1234-5678", "+82-10-1234-5678", "01012345678", "０１０－１２３４－５６７８", "01012345678"},
        {"kim@Example.COM", "kim@example.com", "kim[at]example[.]com", "kim&#64;example.com",
         "kim@example.com"},
        {"주민번호 901015-1234567",
         "주민번호 901015\xe2\x80\x93"
         "1234567",
         "주민번호 9010151234567", "주민번호 901015\xe2\x80\x8b-1234567", "주민번호 9010151234567"},
    };
    static const char before[] =
        "[pseudonym:kr-phone:"
        "9c4cdfadae93f182490819578694b50f3a33a63d9d343a84f9a077cec93b54b1a486a6ec2c2dca2bc80c"
        "6a72c59c5749214924a7b0e24de70a995e80be7a3bc4]";
    struct buf out, again, back;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    buf_init(&back, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pseudonym(rows[i][0], &key, &out);
        assert_true(memchr(out.at, '[', out.len) != NULL);
        for (size_t s = 1; s < 4; s++) {
            pseudonym(rows[i][s], &key, &again);
            if (!str_eq(buf_str(&out), buf_str(&again)))
                fail_msg("%s and %s differ", rows[i][0], rows[i][s]);
        }
        buf_clear(&back);
        privacy_reveal(buf_str(&out), &key, &back);
        assert_true(str_eq(buf_str(&back), str_of(rows[i][4])));
    }
    pseudonym("010-1234-5679", &key, &again);
    pseudonym("010-1234-5678", &key, &out);
    assert_false(str_eq(buf_str(&out), buf_str(&again)));
    assert_false(str_eq(buf_str(&out), STR(before)));
    buf_clear(&back);
    privacy_reveal(STR(before), &key, &back);
    assert_true(str_eq(buf_str(&back), STR("010-1234-5678")));
    buf_deinit(&out);
    buf_deinit(&again);
    buf_deinit(&back);
}

/* A token that was changed anywhere, or cut, stays what it is. */
static void forgeries(void **state)
{
    (void)state;
    struct buf out, back;
    buf_init(&out, 1 << 16);
    buf_init(&back, 1 << 16);
    pseudonym("kim@example.com", &key, &out);
    for (size_t i = 0; i < out.len; i++) {
        buf_clear(&back);
        out.at[i] ^= 1;
        privacy_reveal(buf_str(&out), &key, &back);
        assert_true(str_eq(buf_str(&back), buf_str(&out)));
        out.at[i] ^= 1;
        buf_clear(&back);
        privacy_reveal((struct str) {(const char *)out.at, i}, &key, &back);
        assert_int_equal(back.len, i);
    }
    buf_deinit(&out);
    buf_deinit(&back);
}

/* The longest value, one more, and every length between: sealed whole, or masked. */
static void lengths(void **state)
{
    (void)state;
    char value[PRIVACY_VALUE_MAX + 1];
    struct buf out, back;
    memset(value, 'x', sizeof value);
    buf_init(&out, 1 << 16);
    buf_init(&back, 1 << 16);
    for (size_t len = 1; len <= sizeof value; len++) {
        struct privacy_hit hit = {.kind = PRIVACY_NAME, .len = len};
        struct str text = {value, len};
        buf_clear(&out);
        buf_clear(&back);
        privacy_pseudonymise(text, &hit, 1, &key, &out);
        privacy_reveal(buf_str(&out), &key, &back);
        if (len <= PRIVACY_VALUE_MAX)
            assert_true(str_eq(buf_str(&back), text) && out.at[0] == '[');
        else
            assert_true(out.len == len && out.at[0] == '*');
    }
    buf_deinit(&out);
    buf_deinit(&back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks),      cmocka_unit_test(numbered_values),
        cmocka_unit_test(pseudonyms), cmocka_unit_test(one_token_for_every_spelling),
        cmocka_unit_test(forgeries),  cmocka_unit_test(lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
