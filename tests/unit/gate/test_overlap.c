/* What LIKE and MATCHES match, and what lists have: the automaton takes what others' matchers take, and hits
 * what the pattern is about. */
#include "gate/overlap.h"

#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/mem.h"
#include "gate/broad.h"
#include "gate/list.h"
#include "json/json.h"

enum { STEPS = 1 << 24 };

static const struct list *read_list(struct arena *arena, enum gate_list_kind kind, const char *text)
{
    const struct list *list = NULL;
    size_t len = strlen(text);
    char *padded = mem_alloc(len + JSON_PADDING);
    memcpy(padded, text, len);
    assert_int_equal(list_read(kind, bytes_of(padded, len), arena, &list, NULL), ERR_OK);
    mem_free(padded);
    return list;
}

static struct automaton *automaton_of(struct arena *arena, const char *pattern, bool like, uint64_t *steps)
{
    struct automaton *a = arena_alloc(arena, sizeof *a);
    assert_non_null(a);
    if (like)
        automaton_of_like(a, str_of(pattern));
    else
        (void)broad_regex_automaton(str_of(pattern), a);
    assert_int_equal(automaton_end(a, arena, steps), ERR_OK);
    return a;
}

static bool takes(struct automaton *a, const char *text)
{
    unsigned state = automaton_step(a, automaton_start(a), AUTOMATON_BEGIN);
    return automaton_accepts(a, automaton_walk(a, state, str_of(text)));
}

static bool matches(const char *pattern, bool like, const char *text)
{
    struct arena arena;
    uint64_t steps = STEPS;
    arena_init(&arena, 1 << 20);
    bool is = takes(automaton_of(&arena, pattern, like, &steps), text);
    arena_deinit(&arena);
    return is;
}

struct vector {
    const char *pattern, *text;
    bool is;
};

static void like_takes_what_it_says(void **state)
{
    static const struct vector rows[] = {
        {"", "", true},
        {"", "a", false},
        {"%", "", true},
        {"_", "", false},
        {"a%c", "abbc", true},
        {"a%c", "abbd", false},
        {"BAD._xample", "bad.example", true},
        {"bad.%", "bad", false},
        {"%%__", "a", false},
        {"%%__", "ab", true},
        {"\xeb\x82\x98_.kr", "\xeb\x82\x98\xec\x81\x9c.kr", true}, /* one character, three bytes */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (matches(rows[i].pattern, true, rows[i].text) != rows[i].is)
            fail_msg("LIKE '%s': %s", rows[i].pattern, rows[i].text);
}

static void matches_takes_what_it_says(void **state)
{
    static const struct vector rows[] = {
        {"b.d", "abade", true}, /* anywhere */
        {"^b.d$", "abad", false},
        {"^(www\\.)?bad\\.example$", "bad.example", true},
        {"^(www\\.)?bad\\.example$", "ww.bad.example", false},
        {"(^|\\.)bad$", "x.bad", true},
        {"(^|\\.)bad$", "xbad", false},
        {"^a{2,3}$", "a", false},
        {"^a{2,3}$", "aaa", true},
        {"^a{2,3}$", "aaaa", false},
        {"^(a|bc){2}$", "abc", true},
        {"^(a|bc){2}$", "bc", false},
        {"^a{2,}$", "aaaaa", true},
        {"^(a{2}b){2}$", "aabaab", true},
        {"^(a{2}b){2}$", "aabab", false},
        {"^a{0}b$", "b", true},
        {"^a{0}b$", "ab", false},
        {"^[^/]+$", "a/b", false},
        {"^[^a\\d]$", "7", false},
        {"^[]a]$", "]", true},
        {"^[a-c-]$", "-", true},
        {"^[a-c]$", "-", false},
        {"^\\x61\\x{62}$", "ab", true},
        {"^\\x61\\x{62}$", "xb", false},
        {"^\\w+\\s\\D$", "ab c", true},
        {"^\\w+\\s\\D$", "ab 7", false},
        {"\\Aab\\z", "ab", true},
        {"\\Aab\\z", "abc", false},
        {"(?i)^AB$", "ab", true},
        {"^(?>ab)c$", "abc", true},
        {"^(?>ab)c$", "xc", false},
        {"^(?=.{3})ab", "ab", true}, /* what looks around is not asked */
        {"^(.)\\1$", "ab", true},    /* nor is what was matched before */
        {"^\\p{L}b$",
         "\xc3\xa9"
         "b",
         true},
        {"^[[:alpha:]]$", "7", true},
        {"^[^[:alpha:]]$", "7", true},
        {"^(?R)$", "anything", true},
        {"(", "anything", true}, /* cannot be read */
        {"\\Qa.b\\E", "anything", true},
        {"*a", "a", true},
        {"^a|b$", "ac", true},
        {"^a|b$", "cb", true},
        {"^a|b$", "ca", false},
        {"^(|a)b$", "b", true},
        {"^(a*)*b$", "aab", true},
        {"^\\d{1,3}(\\.\\d{1,3}){3}$", "8.8.8.8", true},
        {"^\\d{1,3}(\\.\\d{1,3}){3}$", "8.8.8", false},
        {"^[a-z]{250}x[a-z]{300}$", "7", false}, /* more than there are positions: at least what it matches */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (matches(rows[i].pattern, false, rows[i].text) != rows[i].is)
            fail_msg("MATCHES '%s': %s", rows[i].pattern, rows[i].text);
}

static uint64_t rolled = 20261123;

static unsigned roll(unsigned below)
{
    rolled = rolled * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(rolled >> 33) % below;
}

/* An expression that the C library reads as we do: no empty alternatives, no quantifier of one. */
static size_t draw_expression(char *out, size_t size)
{
    static const char *const atoms[] = {"a", "b", ".", "[ab]", "[^a]", "\\.", "c"};
    static const char *const counts[] = {"", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}"};
    size_t len = 0;
    unsigned depth = 0, parts = 1 + roll(6);
    bool begun = false;
    if (roll(2) == 0)
        out[len++] = '^';
    for (unsigned i = 0; i < parts || depth > 0; i++) {
        if (i < parts && roll(4) == 0) {
            out[len++] = '(';
            depth++;
            begun = false;
        }
        if (begun && roll(5) == 0)
            out[len++] = '|';
        len += (size_t)snprintf(out + len, size - len, "%s%s", atoms[roll(7)], counts[roll(9)]);
        begun = true;
        if (depth > 0 && (i >= parts || roll(2) == 0)) {
            len += (size_t)snprintf(out + len, size - len, ")%s", counts[roll(9)]);
            depth--;
        }
    }
    if (roll(2) == 0)
        out[len++] = '$';
    out[len] = '\0';
    return len;
}

static void draw_text(char *out)
{
    size_t len = roll(8);
    for (size_t i = 0; i < len; i++)
        out[i] = "abc."[roll(4)];
    out[len] = '\0';
}

/* Byte by byte what the C library says. */
static void the_same_as_the_c_library(void **state)
{
    char expression[512], text[16];
    unsigned yes = 0, no = 0;
    (void)state;
    for (int i = 0; i < 3000; i++) {
        regex_t regex;
        struct arena arena;
        uint64_t steps = STEPS;
        (void)draw_expression(expression, sizeof expression);
        if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB) != 0)
            fail_msg("%s is none", expression);
        arena_init(&arena, 4 << 20);
        struct automaton *a = automaton_of(&arena, expression, false, &steps);
        for (int k = 0; k < 30; k++) {
            draw_text(text);
            bool is = regexec(&regex, text, 0, NULL, 0) == 0;
            yes += is;
            no += !is;
            if (takes(a, text) != is && (is || a->count < AUTOMATON_POSITIONS - 1))
                fail_msg("%s: %s", expression, text);
        }
        arena_deinit(&arena);
        regfree(&regex);
    }
    assert_true(yes > 10000 && no > 10000);
}

static void a_tail_is_what_all_end_with(void **state)
{
    static const struct {
        const char *pattern, *tail;
        bool like;
    } rows[] = {
        {"%.evil.su", ".evil.su", true},
        {"a_b", "b", true},
        {"evil%", "", true},
        {"evil.su", "evil.su", true},
        {"^[a-z]+\\.su$", ".su", false},
        {"\\.su", "", false},
        {"(a|b)\\.su$", ".su", false},
        {"^evil\\.su$", "evil.su", false},
        {"\\.s+u$", "su", false},
        {"(\\.su|\\.eu)$", "u", false},
        {"^(evil)?\\.su$", ".su", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        uint64_t steps = STEPS;
        char out[32];
        arena_init(&arena, 1 << 20);
        struct str tail =
            automaton_tail(automaton_of(&arena, rows[i].pattern, rows[i].like, &steps), out, sizeof out);
        if (!str_eq(tail, str_of(rows[i].tail)))
            fail_msg("%s: %.*s", rows[i].pattern, STR_ARG(tail));
        arena_deinit(&arena);
    }
}

/* --- lists --- */

struct asked {
    enum overlap_place place;
    bool like;
    const char *pattern;
};

static bool meets(const struct list *list, const struct asked *asked, uint64_t steps, bool *out_lost)
{
    struct overlap overlap;
    overlap_open(&overlap, asked->place, str_of(asked->pattern), asked->like, &steps);
    bool hit = overlap_hits(&overlap, list);
    *out_lost = overlap_lost(&overlap);
    overlap_close(&overlap);
    return hit;
}

static void all_meet(const struct list *list, const struct asked *rows, size_t count, bool wanted)
{
    for (size_t i = 0; i < count; i++) {
        bool lost;
        if (meets(list, &rows[i], STEPS, &lost) != wanted || lost)
            fail_msg("%s: %d, lost %d", rows[i].pattern, !wanted, lost);
    }
}

static void names_in_any_dress(void **state)
{
    static const struct asked hit[] = {
        {OVERLAP_NAME, true, "%d.example"},
        {OVERLAP_NAME, true, "bad.%"},
        {OVERLAP_NAME, true, "%bad.example"},
        {OVERLAP_NAME, true, "b__.%"},
        {OVERLAP_NAME, true, "www.%.example"},
        {OVERLAP_NAME, true, "%.bad.example"},
        {OVERLAP_NAME, true, "%x.b_d.example"},
        {OVERLAP_NAME, false, "^b.d\\.example$"},
        {OVERLAP_NAME, false, "^[a-z]+\\.bad\\.example$"},
        {OVERLAP_NAME, false, "^[a-z]+\\.example$"},
        {OVERLAP_NAME, true, "_%.corp"},
        {OVERLAP_NAME, true, "printer.corp"},
        {OVERLAP_NAME, false, "^[a-z]+\\.evil\\.corp$"}, /* below what lies above */
        {OVERLAP_URL, true, "http://%d.example/x"},
        {OVERLAP_URL, true, "%bad.example/x%"},
        {OVERLAP_URL, true, "https://www.b_d.example%"},
        {OVERLAP_URL, true, "bad.exampl_"},
        {OVERLAP_URL, true, "http://x.bad.example:8_/%"},
        {OVERLAP_URL, false, "^https?://[a-z]*\\.?bad\\.example/[a-z]+$"},
        {OVERLAP_URL, false, "bad\\.example\\?id=\\d+"},
        {OVERLAP_MAIL, true, "%@b_d.example"},
        {OVERLAP_MAIL, true, "%@%d.example"},
        {OVERLAP_HOST, true, "%@b_d.example"},
        {OVERLAP_HOST, true, "b_d.example"},
    };
    static const struct asked left[] = {
        {OVERLAP_NAME, true, "%.evil.su"},
        {OVERLAP_NAME, true, "evil%"},
        {OVERLAP_NAME, true, "%evil%"},
        {OVERLAP_NAME, true, "%evil%.example"}, /* would match evil.bad.example, as it would all others */
        {OVERLAP_NAME, true, "bad.example.%"},
        {OVERLAP_NAME, true, "%xbad.example"},
        {OVERLAP_NAME, false, "^[a-z]{12,16}\\.example$"},
        {OVERLAP_NAME, false, "^bad\\.example\\.[a-z]+$"},
        {OVERLAP_URL, true, "%/gate.php"},
        {OVERLAP_URL, true, "http://%/gate.php"},
        {OVERLAP_URL, true, "http://%/wp-content/%/x.exe"},
        {OVERLAP_URL, true, "%evil%/gate.php"},
        {OVERLAP_URL, true, "%bad.example.evil.su%"},
        {OVERLAP_URL, true, "http://evil.su/bad_example"},
        {OVERLAP_URL, false, "^https?://[^/]+/[a-z]{5}\\.php$"},
        {OVERLAP_URL, false, "/bad\\.exampl/"},
        {OVERLAP_URL, false, "\\.php\\?id=[0-9]+$"},
        {OVERLAP_MAIL, true, "billing%"},
        {OVERLAP_MAIL, true, "bad.example@evil.su"},
        {OVERLAP_ADDRESS, true, "%d.example"}, /* stands where no name does */
        {OVERLAP_VALUE, true, "%d.example"},
        {OVERLAP_HASH, true, "%d.example"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct list *list = read_list(&arena, GATE_LIST_DOMAIN, "bad.example\ncorp\n");
    all_meet(list, hit, sizeof hit / sizeof *hit, true);
    all_meet(list, left, sizeof left / sizeof *left, false);
    arena_deinit(&arena);
}

static void addresses_by_their_digits(void **state)
{
    static const struct asked hit[] = {
        {OVERLAP_ADDRESS, true, "198.51.100._"},
        {OVERLAP_ADDRESS, true, "198.51.100.__"},
        {OVERLAP_ADDRESS, true, "198.51.100.%"},
        {OVERLAP_ADDRESS, true, "198.%.7"},
        {OVERLAP_ADDRESS, true, "_72.2_.0.1"},
        {OVERLAP_ADDRESS, true, "172.31.%"},
        {OVERLAP_ADDRESS, false, "^198\\.5[0-9]\\.\\d+\\.\\d+$"},
        {OVERLAP_ADDRESS, false, "^172\\.(1[6-9]|2[0-9]|3[01])\\."},
        {OVERLAP_ADDRESS, true, "fe80::_"},
        {OVERLAP_ADDRESS, true, "fe80:%"},
        {OVERLAP_ADDRESS, true, "FEB_::1"},
        {OVERLAP_ADDRESS, true, "2001:db8:1::_"},
        {OVERLAP_ADDRESS, true, "2001:0db8:0001:0:0:0:0:_"},
        {OVERLAP_ADDRESS, true, "2001:db8:1:%:1"},
        {OVERLAP_ADDRESS, true, "2001:db8:1:_::"},
        {OVERLAP_URL, true, "http://198.51.100._/x"},
        {OVERLAP_URL, true, "http://198.51.100.7:8_/x"},
        {OVERLAP_URL, true, "%//198.51.100.%/gate.php"},
        {OVERLAP_URL, true, "http://[fe80::_]/x"},
        {OVERLAP_URL, false, "^https?://198\\.51\\.\\d+\\.\\d+/"},
        {OVERLAP_HOST, true, "198.51.100._"},
    };
    static const struct asked left[] = {
        {OVERLAP_ADDRESS, true, "198.51.99.%"},
        {OVERLAP_ADDRESS, true, "198.51.100"},
        {OVERLAP_ADDRESS, true, "198.51.100.3__"}, /* no number has these digits */
        {OVERLAP_ADDRESS, true, "172.3_.0.1%x"},
        {OVERLAP_ADDRESS, true, "172.32.%"},
        {OVERLAP_ADDRESS, false, "^172\\.[4-9][0-9]\\."},
        {OVERLAP_ADDRESS, true, "2001:db8:2:%"},
        {OVERLAP_ADDRESS, true, "fec_::1"},
        {OVERLAP_ADDRESS, true, "fe8_:1"},
        {OVERLAP_URL, true, "http://_/x"},
        {OVERLAP_URL, false, "^http://\\d+\\.\\d+\\.\\d+\\.\\d+/gate\\.php$"}, /* all addresses: about none */
        {OVERLAP_URL, true, "http://evil.su/198.51.100._"},
        {OVERLAP_NAME, true, "198.51.100._"},
        {OVERLAP_VALUE, true, "198.51.100._"},
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct list *list =
        read_list(&arena, GATE_LIST_CIDR, "198.51.100.0/24\n172.16.0.0/12\nfe80::/10\n2001:db8:1::/48\n");
    all_meet(list, hit, sizeof hit / sizeof *hit, true);
    all_meet(list, left, sizeof left / sizeof *left, false);
    arena_deinit(&arena);
}

static void hashes_and_values(void **state)
{
    static const struct asked hashes[] = {
        {OVERLAP_HASH, true, "d41d8cd98f00b204%"},
        {OVERLAP_HASH, true, "D41D8CD98F00B204E9800998ECF8427_"},
        {OVERLAP_HASH, false, "^d41d8cd9"},
    };
    static const struct asked none[] = {
        {OVERLAP_HASH, true, "d41d8cd98f00b205%"},
        {OVERLAP_VALUE, true, "d41d8cd98f00b204%"},
        {OVERLAP_HASH, true, "evil%"},
    };
    static const struct asked strings[] = {
        {OVERLAP_VALUE, true, "a _"},
        {OVERLAP_URL, true, "http://evil.su/_"},
        {OVERLAP_NAME, true, "g__gle.com"},
    };
    static const struct asked no_strings[] = {
        {OVERLAP_NAME, true, "%.g__gle.com"}, /* itself, and nothing below */
        {OVERLAP_URL, true, "http://g__gle.com/"},
        {OVERLAP_VALUE, true, "%oogle%"}, /* a name, which a file's name is not */
    };
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct list *list = read_list(&arena, GATE_LIST_HASH, "d41d8cd98f00b204e9800998ecf8427e\n");
    all_meet(list, hashes, sizeof hashes / sizeof *hashes, true);
    all_meet(list, none, sizeof none / sizeof *none, false);
    list = read_list(&arena, GATE_LIST_STRING, "a b\nhttp://evil.su/x\ngoogle.com\n");
    all_meet(list, strings, sizeof strings / sizeof *strings, true);
    all_meet(list, no_strings, sizeof no_strings / sizeof *no_strings, false);
    arena_deinit(&arena);
}

/* Every address of a network, and the ones beside it, one by one. */
static void each_address_of_a_network(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1 << 20);
    const struct list *list = read_list(&arena, GATE_LIST_CIDR, "10.9.176.0/21\n");
    for (unsigned i = 170; i < 190; i++)
        for (unsigned k = 0; k < 256; k += 51) {
            char pattern[32];
            bool lost;
            (void)snprintf(pattern, sizeof pattern, "10._.%u.%u", i, k);
            if (meets(list, &(struct asked) {OVERLAP_ADDRESS, true, pattern}, STEPS, &lost) !=
                (i >= 176 && i < 184))
                fail_msg("%s", pattern);
        }
    arena_deinit(&arena);
}

/* Too much to tell is a hit, and is said. */
static void what_cannot_be_told_is_hit(void **state)
{
    static const struct asked hostile[] = {
        {OVERLAP_NAME, true, "%a___________________________z"}, /* more states than are remembered */
        {OVERLAP_NAME, false, "a.{20}z\\.[a-q]$"},
    };
    struct buf text;
    struct arena arena;
    bool lost;
    (void)state;
    arena_init(&arena, 8 << 20);
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < 4000; i++) {
        for (unsigned k = 0; k < 40; k++)
            buf_putc(&text, "ab"[roll(2)]);
        buf_printf(&text, ".example\n");
    }
    buf_put(&text, "", 1);
    const struct list *list = read_list(&arena, GATE_LIST_DOMAIN, (const char *)text.at);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        assert_true(meets(list, &hostile[i], STEPS, &lost));
        assert_true(lost);
    }
    struct asked plain = {OVERLAP_NAME, true, "%evil%"};
    assert_false(meets(list, &plain, STEPS, &lost));
    assert_true(meets(list, &plain, 50000, &lost)); /* the steps of fewer words than there are */
    assert_true(lost);
    buf_deinit(&text);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_takes_what_it_says),    cmocka_unit_test(matches_takes_what_it_says),
        cmocka_unit_test(the_same_as_the_c_library),  cmocka_unit_test(a_tail_is_what_all_end_with),
        cmocka_unit_test(names_in_any_dress),         cmocka_unit_test(addresses_by_their_digits),
        cmocka_unit_test(hashes_and_values),          cmocka_unit_test(each_address_of_a_network),
        cmocka_unit_test(what_cannot_be_told_is_hit),
    };
    return cmocka_run_group_tests_name("gate overlap", tests, NULL, NULL);
}
