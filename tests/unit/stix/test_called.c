/* Names of somebody in what others say. */
#include "stix_test.h"

#include <stdio.h>

#include "core/mem.h"
#include "stix/called.h"

#define AGENCY                                                                                               \
    "\xed\x95\x9c\xea\xb5\xad\xec\x9d\xb8\xed\x84\xb0\xeb\x84\xb7\xec\xa7\x84\xed\x9d\xa5\xec\x9b\x90"
#define KOREA      "\xed\x95\x9c\xea\xb5\xad"
#define INTERNET   "\xec\x9d\xb8\xed\x84\xb0\xeb\x84\xb7"
#define PROMOTION  "\xec\xa7\x84\xed\x9d\xa5\xec\x9b\x90"
#define SERVICE    "\xea\xb5\xad\xec\xa0\x95\xec\x9b\x90"
/* "Hanguk" in jamo, as macOS writes names of files. */
#define KOREA_JAMO "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8"

/* In memory of just its size. */
static bool says(struct stix_called *called, struct str text)
{
    bool heard;
    char *copy = mem_alloc(text.len + 1);
    assert_non_null(copy);
    memcpy(copy, text.at, text.len);
    assert_int_equal(stix_called_in_text(called, 1, (struct str) {copy, text.len}, &heard), ERR_OK);
    mem_free(copy);
    return heard;
}

static const struct {
    const char *name, *text;
    bool heard;
} cases[] = {
    {"KISA Center", "KISA Center", true},
    {"KISA Center", "by kisa center today", true},
    {"KISA Center", "KISA  Center", true},
    {"KISA Center", "KISA\nCenter", true},
    {"KISA Center", "> KISA\r\n>   Center", true},
    {"KISA Center",
     "KISA\xc2\xa0"
     "Center",
     true},
    {"KISA Center",
     "KIS\xe2\x80\x8b"
     "A Center",
     true},
    {"KISA Center",
     "KISA Cen\xc2\xad"
     "ter",
     true},
    {"KISA Center", "KISA Cen&shy;ter", true},
    {"KISA Center",
     "\xef\xbc\xab\xef\xbc\xa9\xef\xbc\xb3\xef\xbc\xa1 \xef\xbc\xa3"
     "enter",
     true},
    {"KISA Center", "KISA-Center's", true},
    {"KISA Center", "(KISA_Center)", true},
    {"KISA Center", "KISACenter", true},
    {"KISA Center", "KISA%20Center", true},
    {"KISA Center", "KISA&#32;Center", true},
    {"KISA Center", "KISA&nbsp;Center", true},
    {"KISA Center", "KISA+Center", true},
    {"KISA Center", "\\u004bISA Center", true},
    {"KISA Center", "**KISA** Center", true},
    {"KISA Center", "<b>KISA</b> Center", true},
    {"KISA Center", "KIS\xd0\x90 Center", true},
    {"KISA Center", "K I S A Center", true},
    {"KISA Center", "k\xc4\xb1sa center", true},
    {"KISA Center", "K\xc4\xb0SA center", true},
    {"KISA Center", "K\xcc\xb6ISA Center", true},
    {"KISA Center", "\xf0\x9d\x90\x8aISA Center", true},
    {"KISA Center", KOREA "KISA Center" KOREA, true},
    {"KISA Center", "KISA Center-2024", true},
    {"KISA Center", "a kisa kisa center", true},
    {"KISA Center", "KISA Center2", false},
    {"KISA Center", "xKISA Center", false},
    {"KISA Center", "KISA Centers", false},
    {"KISA Center", "KISA Centre", false},
    {"KISA Center", "KISA", false},
    {"KISA Center", "", false},
    {"  KISA -- Center ", "kisa center", true},
    {"KISACenter", "KISA Center", true},
    {"Bongsu-Lab",
     "bongsu\xe2\x80\x91"
     "lab",
     true},
    {"Bongsu-Lab", "Bongsu\xe2\x80\x93Lab", true},
    {"Bongsu-Lab", "Bongsu - Lab.", true},
    {"Bongsu-Lab", "Bongsu-Labs", false},
    /* letters with marks, in either form */
    {"Soci\xc3\xa9t\xc3\xa9 \xc3\x85kesson", "SOCIE\xcc\x81TE\xcc\x81 A\xcc\x8akesson", true},
    {"Soci\xc3\xa9t\xc3\xa9 \xc3\x85kesson", "societe akesson", true},
    /* capitals of other scripts */
    {"\xd0\x92\xd0\xb5\xd0\xb4\xd0\xbe\xd0\xbc\xd1\x81\xd1\x82\xd0\xb2\xd0\xbe",
     "\xd0\x92\xd0\x95\xd0\x94\xd0\x9e\xd0\x9c\xd0\xa1\xd0\xa2\xd0\x92\xd0\x9e", true},
    {"\xce\x91\xce\x93\xce\xa9\xce\x9d", "\xce\xb1\xce\xb3\xcf\x89\xce\xbd", true},
    /* short ones stand together */
    {"KISA", "KISA", true},
    {"KISA", "by **kisa**, today", true},
    {"KISA", "KI\xe2\x80\x8bSA", true},
    {"KISA", "ki sa", false},
    {"KISA", "k.i.s.a.", false},
    {"AS", "A. S. Kim", false},
    {"AS", "as", true},
    {"A B", "a-b", true},
    {"A B", "ab", false},
    {"A", "a", true},
    {"A", "b", false},
    {"Ann Lee", "plan Lee", false},
    {"aab aab", "aab aaab aab", false},
    {"aab aab", "aab aab aab", true},
    {"aab aac", "aab aab aac", true},
    /* Hangul, without blanks where there were some and with some where there were none */
    {AGENCY, AGENCY, true},
    {AGENCY, AGENCY "\xec\x9d\x80", true},
    {AGENCY, "\xec\x9d\x80" AGENCY, true},
    {AGENCY, "by " KOREA " " INTERNET " " PROMOTION, true},
    {AGENCY, KOREA "\n" INTERNET PROMOTION, true},
    {AGENCY, KOREA "\xe2\x80\x8b" INTERNET PROMOTION, true},
    {AGENCY, KOREA_JAMO INTERNET PROMOTION, true},
    {AGENCY, KOREA_JAMO "_" INTERNET PROMOTION, true},
    {KOREA_JAMO INTERNET, KOREA INTERNET, true},
    {AGENCY,
     "\xe1\x84\x92\xe1\x85\xa1 \xe1\x86\xab"
     "\xea\xb5\xad" INTERNET PROMOTION,
     false},
    {AGENCY, "\xed\x95\x98\xe1\x86\xab\xea\xb5\xad" INTERNET PROMOTION,
     true}, /* a syllable and a consonant */
    {AGENCY, KOREA INTERNET, false},
    {KOREA " " INTERNET, KOREA INTERNET, true},
    {SERVICE, SERVICE "\xec\x9d\x80", true},
    {SERVICE, "\xea\xb5\xad \xec\xa0\x95\xec\x9b\x90", true},
    {SERVICE, KOREA " \xec\xa0\x95\xec\x9b\x90", false}, /* a garden in Korea */
    {KOREA, "\xed\x95\x9c \xea\xb5\xad", false},
    /* signs */
    {"\xf0\x9f\x94\x92", "the \xf0\x9f\x94\x92 team", true},
    {"\xf0\x9f\x94\x92", "the team", false},
    {"!?", "what!?", true},
    {"!?", "what?!", false},
};

static void names_are_heard(void **state)
{
    struct arena arena;
    struct stix_called called;
    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(stix_called_new(str_of(cases[i].name), &arena, &called), ERR_OK);
        bool heard = says(&called, str_of(cases[i].text));
        if (heard != cases[i].heard)
            print_message("# %s, of %s: %s\n", cases[i].text, cases[i].name, heard ? "heard" : "not heard");
        assert_int_equal(heard, cases[i].heard);
        /* The name in itself, whatever it is; and of no part of a text more than of the whole. */
        assert_true(says(&called, str_of(cases[i].name)));
        for (size_t len = strlen(cases[i].text); len > 0; len--)
            (void)says(&called, (struct str) {cases[i].text, len - 1});
    }
    arena_deinit(&arena);
}

/* A long name is said by as many of its letters as are compared, and any name takes time as the text is long.
 */
static void long_names_and_texts(void **state)
{
    enum { SIZE = 1 << 20, NAME = 300 };
    static const char *const parts[] = {"a",     "a ", "aaaaaaaa ", "ab", "\xea\xb0\x80", "\xea\xb0\x80 ",
                                        "&#32;a"};
    struct arena arena;
    struct stix_called called;
    char *text = mem_alloc(SIZE), name[NAME + 1];
    (void)state;
    assert_non_null(text);
    arena_init(&arena, 1 << 20);
    memset(name, 'a', NAME);
    name[NAME] = '\0';
    assert_int_equal(stix_called_new(str_of(name), &arena, &called), ERR_OK);
    assert_true(says(&called, str_of(name)));
    assert_false(says(&called, (struct str) {name, 100}));
    assert_int_equal(stix_called_new(STR("aaaaaaaaaaaaaaaaaaaaaaaaaab"), &arena, &called), ERR_OK);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t len = strlen(parts[i]), at = 0;
        for (; at + len <= SIZE; at += len)
            memcpy(text + at, parts[i], len);
        assert_false(says(&called, (struct str) {text, at}));
    }
    arena_deinit(&arena);
    mem_free(text);
}

/* Values and names of members, however deep; not its head, and no word of the standard's. */
static void objects_are_walked(void **state)
{
    static const struct {
        const char *name, *members;
        bool heard;
    } rows[] = {
        {"Red Team", "\"x_a\":[{\"b\":[1,null,\"the red-team\"]}]", true},
        {"Red Team", "\"x_d\":{\"RED TEAM\":1}", true},
        {"Red Team", "\"x_red_team\":true", true},
        {"Red Team", "\"x_redteam\":true", true},
        {"Red Team", "\"x_d\":[{\"a\":{\"redteam\":{}}}]", true},
        {"Red Team", "\"x_d\":{\"red\":\"team\"}", false},
        {"Red Team", "\"name\":\"n\"", false},
        {"Name", "\"name\":\"n\",\"x_v\":{\"name\":1}", false},
        {"Name", "\"name\":\"the name\"", true},
        {"kill chain name", "\"kill_chain_phases\":[{\"kill_chain_name\":\"a\",\"phase_name\":\"b\"}]",
         false},
        {"Report", "\"name\":\"n\"", false},
        {"Created", "\"x_v\":1", false},
    };
    struct reading r;
    struct stix_called called[2];
    char text[1024];
    bool heard;
    (void)state;
    reading_open(&r);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        arena_reset(&r.arena);
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"report\",\"id\":\"report--00000000-0000-4000-8000-000000000001\","
                       "\"created\":\"2026-01-01T00:00:00Z\",%s}",
                       rows[i].members);
        reading_parse(&r, str_of(text));
        assert_int_equal(stix_called_new(STR("nobody"), &r.arena, &called[0]), ERR_OK);
        assert_int_equal(stix_called_new(str_of(rows[i].name), &r.arena, &called[1]), ERR_OK);
        assert_int_equal(stix_called_in(called, 2, json_root(&r.doc), &heard), ERR_OK);
        if (heard != rows[i].heard)
            print_message("# %s in %s\n", rows[i].name, rows[i].members);
        assert_int_equal(heard, rows[i].heard);
        assert_int_equal(stix_called_in(called, 1, json_root(&r.doc), &heard), ERR_OK);
        assert_false(heard);
        assert_int_equal(stix_called_in(called, 0, json_root(&r.doc), &heard), ERR_OK);
        assert_false(heard);
    }
    /* A type of one's own. */
    arena_reset(&r.arena);
    reading_parse(
        &r, STR("{\"type\":\"x-red-team\",\"id\":\"x-red-team--00000000-0000-4000-8000-000000000001\"}"));
    assert_int_equal(stix_called_new(STR("Red Team"), &r.arena, called), ERR_OK);
    assert_int_equal(stix_called_in(called, 1, json_root(&r.doc), &heard), ERR_OK);
    assert_true(heard);
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_heard),
        cmocka_unit_test(long_names_and_texts),
        cmocka_unit_test(objects_are_walked),
    };
    return cmocka_run_group_tests_name("stix called", tests, NULL, NULL);
}
