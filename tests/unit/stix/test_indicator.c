/* Patterns of indicators on the way in (section 4.7.1 and 9). */
#include "stix_test.h"

#define INDICATOR(pattern, type, more)                                                                       \
    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--"                                  \
    "26ffb872-1dd9-446e-b6f5-d58527e5b5d2\",\"created\":\"2017-12-21T19:59:11.000Z\",\"modified\":"          \
    "\"2017-12-21T19:59:11.000Z\",\"valid_from\":\"2017-12-21T19:59:11.000Z\",\"pattern\":\"" pattern        \
    "\",\"pattern_type\":\"" type "\"" more "}"
#define VERSION(version) ",\"pattern_version\":\"" version "\""

struct expectation {
    const char *text;
    const char *refused; /* section; NULL: it is read */
    size_t warnings;     /* broken MUSTs */
};

static const struct expectation expectations[] = {
    {INDICATOR("[file:name = 'a']", "stix", ""), NULL, 0},
    {INDICATOR("[file:name = 'a'", "stix", ""), "9.5", 0},
    {INDICATOR("[file:name = 'a'", "stix", VERSION("2.0")), "9.5", 0},
    {INDICATOR("[file:name = 'a'", "yara", ""), NULL, 0},
    {INDICATOR("rule a { condition: true }", "yara", ""), NULL, 0},
    {INDICATOR("title: x", "sigma", ""), NULL, 0},
    {INDICATOR("[file:name = 'C:\\\\Windows']", "stix", ""), "9.2", 0},
    {INDICATOR("[file:name = 'C:\\\\\\\\Windows']", "stix", ""), NULL, 0},
    {INDICATOR("[file:name = 'a' AND url:value = 'b']", "stix", ""), NULL, 1},
    {INDICATOR("[file:name = 'a' AND url:value = 'b']", "stix", VERSION("2.1")), NULL, 1},
    {INDICATOR("[file:name = 'a' AND url:value = 'b']", "stix", VERSION("2.0")), NULL, 0},
    {INDICATOR("[file:name = 'a'] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z'", "stix", ""),
     "9.5.1", 0},
    {INDICATOR("[file:name = 'a'] START '2020-01-01T00:00:00Z' STOP '2021-01-01T00:00:00Z'", "stix",
               VERSION("2.0")),
     NULL, 0},
    {INDICATOR("[file:name = 'a'] REPEATS 2 TIMES REPEATS 2 TIMES", "stix", ""), "9.5.1", 0},
};

static size_t musts(const struct stix_object *object)
{
    size_t count = 0;
    for (size_t i = 0; i < object->warning_count; i++)
        count += object->warnings[i].level == STIX_WARNING;
    return count;
}

static void patterns_are_checked(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        const struct expectation *e = &expectations[i];
        err_t err = reading_read(&r, str_of(e->text));
        if (err != (e->refused == NULL ? ERR_OK : ERR_INVALID))
            fail_msg("%s: %s", e->text, r.fault.what);
        if (err == ERR_OK && musts(&r.object) != e->warnings)
            fail_msg("%s: %s", e->text,
                     r.object.warning_count > 0 ? r.object.warnings[0].what : "no warning");
        if (err != ERR_OK)
            assert_string_equal(r.fault.section, e->refused);
    }
    reading_close(&r);
}

static void the_place_is_told(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    assert_int_equal(reading_read(&r, STR(INDICATOR("[file:name = 'a'\\n OR url:value == 'b']", "stix", ""))),
                     ERR_INVALID);
    assert_string_equal(r.fault.pointer, "/pattern");
    assert_non_null(strstr(r.fault.what, "line 2, column 15 of the pattern: no operator"));
    assert_int_equal(reading_read(&r, STR(INDICATOR("[file:name = 'a' AND url:value = 'b']", "stix", ""))),
                     ERR_OK);
    assert_int_equal(r.object.warning_count, 1);
    assert_true(str_eq(r.object.warnings[0].pointer, STR("/pattern")));
    assert_non_null(strstr(r.object.warnings[0].what, "line 1, column 22 of the pattern"));
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_checked),
        cmocka_unit_test(the_place_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
