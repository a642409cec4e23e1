/* Names of other registries: CPE, media types, character sets. */
#include "stix_test.h"

#include "stix/shape.h"

struct verdict {
    const char *text;
    bool good;
};

static void each_is(bool (*check)(struct str text), const struct verdict *verdicts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (check(str_of(verdicts[i].text)) != verdicts[i].good)
            fail_msg("\"%s\" is %staken", verdicts[i].text, verdicts[i].good ? "not " : "");
}

static void platforms(void **state)
{
    (void)state;
    /* The first four are examples of NISTIR 7695 section 6.2.3. */
    static const struct verdict verdicts[] = {
        {"cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*", true},
        {"cpe:2.3:a:microsoft:internet_explorer:8.*:sp?:*:*:*:*:*:*", true},
        {"cpe:2.3:a:hp:insight_diagnostics:7.4.0.1570:-:*:*:online:win2003:x64:*", true},
        {"cpe:2.3:a:foo\\\\bar:big\\$money_2010:*:*:*:*:special:ipod_touch:80gb:*", true},
        {"cpe:2.3:-:*:*:*:*:*:*:*:*:*:*", true},
        {"cpe:2.3:h:a:b:*:*:*:en-us:*:*:*:*", true},
        {"cpe:2.3:h:a:b:*:*:*:kor-410:*:*:*:*", true},
        {"cpe:2.3:h:a:b:??c??:*:*:-:*:*:*:*", true},
        {"cpe:2.3:x:a:b:*:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:*:*:*:*:", false},
        {"cpe:2.3:a:a b:c:*:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:1*2:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:**:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:?:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:1!:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:1\\-2:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:\xc3\xa9:*:*:*:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:english:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:en-:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:en-4a:*:*:*:*", false},
        {"cpe:2.3:a:a:b:*:*:*:*:*:*:*:\\", false},
        {"cpe:/a:microsoft:internet_explorer", false},
        {"", false},
    };
    each_is(stix_check_cpe, verdicts, sizeof verdicts / sizeof verdicts[0]);
}

/* Every prefix of a formatted string but itself lacks something. */
static void a_platform_cut_short_is_none(void **state)
{
    (void)state;
    struct str whole =
        STR("cpe:2.3:a:foo\\\\bar:big\\$money_2010:1.?:sp1*:-:en-us:special:ipod_touch:80gb:x");
    assert_true(stix_check_cpe(whole));
    for (size_t len = 0; len < whole.len; len++)
        if (stix_check_cpe((struct str) {whole.at, len}))
            fail_msg("the first %zu bytes are taken", len);
}

static void media_types(void **state)
{
    (void)state;
    static const struct verdict verdicts[] = {
        {"text/plain", true},
        {"application/vnd.api+json", true},
        {"image/svg+xml", true},
        {"Image/PNG", true},
        {"application/x-dosexec", true},
        {"text", false},
        {"text/", false},
        {"/plain", false},
        {"chemical/x-pdb", false},
        {"text/.plain", false},
        {"text/plain; charset=a", false},
        {"text/pl ain", false},
        {"text/plain/more", false},
        {"", false},
    };
    each_is(stix_check_mime, verdicts, sizeof verdicts / sizeof verdicts[0]);
}

static const char *const names[] = {
#define CHARSET(name) name,
#include "stix/charsets.inc"
#undef CHARSET
};

static void character_sets(void **state)
{
    (void)state;
    static const struct verdict verdicts[] = {
        {"UTF-8", true},        {"utf-8", true},           {"ISO-8859-1", true}, {"EUC-KR", true},
        {"windows-1252", true}, {"IBM850", true},          {"US-ASCII", true},   {"KS_C_5601-1987", true},
        {"UTF8", false},        {"latin1", false},         {"ASCII", false},     {"ISO_8859-1:1987", false},
        {"cp949", false},       {"ANSI_X3.4-1968", false}, {"UTF-8 ", false},    {"", false},
        {"zzz", false},         {"windows-125", false},
    };
    assert_int_equal(sizeof names / sizeof names[0], 257); /* of the revision */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!stix_check_charset(str_of(names[i])))
            fail_msg("%s is not found: is the table sorted?", names[i]);
    each_is(stix_check_charset, verdicts, sizeof verdicts / sizeof verdicts[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(platforms),
        cmocka_unit_test(a_platform_cut_short_is_none),
        cmocka_unit_test(media_types),
        cmocka_unit_test(character_sets),
    };
    return cmocka_run_group_tests_name("stix registry", tests, NULL, NULL);
}
