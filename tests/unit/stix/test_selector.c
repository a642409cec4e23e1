/* Selectors of granular markings, with the examples of section 7.2.3. */
#include "stix_test.h"

#include "stix/selector.h"

#define HEAD                                                                                                 \
    "{\"id\":\"vulnerability--ee916c28-c7a4-4d0d-ad56-a8d357f89fef\",\"spec_version\":\"2.1\","              \
    "\"created\":\"2016-02-14T00:00:00.000Z\",\"modified\":\"2016-02-14T00:00:00.000Z\","                    \
    "\"type\":\"vulnerability\",\"name\":\"CVE-2014-0160\",\"description\":\"The (1) TLS...\","              \
    "\"external_references\":[{\"source_name\":\"cve\",\"external_id\":\"CVE-2014-0160\"}],"                 \
    "\"labels\":[\"heartbleed\",\"has-logo\"]"

static bool resolves(struct json_val root, const char *selector, struct json_val *out)
{
    size_t steps = LIMIT_STIX_SELECTOR_STEPS;
    return stix_selector_resolve(root, str_of(selector), &steps, out);
}

static void examples_of_the_standard(void **state)
{
    (void)state;
    static const char *const texts[][2] = {{"description", "The (1) TLS..."},
                                           {"external_references.[0].source_name", "cve"},
                                           {"labels.[0]", "heartbleed"},
                                           {"labels.[1]", "has-logo"}};
    static const char *const wrong[] = {"pattern",
                                        "external_references.[3]",
                                        "description.[0]",
                                        "labels.name",
                                        "",
                                        ".",
                                        "labels.",
                                        "labels..[0]",
                                        "labels.[]",
                                        "labels.[-1]",
                                        "labels.0"};
    struct reading r;
    struct json_val value;
    reading_open(&r);
    assert_int_equal(reading_read(&r, STR(HEAD "}")), ERR_OK);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_true(resolves(r.object.root, texts[i][0], &value));
        assert_true(str_eq(json_str(value), str_of(texts[i][1])));
    }
    assert_true(resolves(r.object.root, "labels", &value));
    assert_int_equal(json_array_count(value), 2);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (resolves(r.object.root, wrong[i], &value))
            fail_msg("%s resolves", wrong[i]);
    reading_close(&r);
}

static void walks_marking_by_marking(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    assert_int_equal(
        reading_read(&r, STR(HEAD ",\"granular_markings\":[{\"marking_ref\":\"marking-definition--"
                                  "089a6ecb-cc15-43cc-9494-767639779123\",\"selectors\":[\"name\",\"gone\"]},"
                                  "{\"lang\":\"de\",\"selectors\":[\"labels.[1]\"]}]}")),
        ERR_INVALID);
    /* The reader refuses it; whoever walks a refused object still learns what is there. */
    assert_string_equal(r.fault.pointer, "/granular_markings/0/selectors/1");
    r.object = (struct stix_object) {.root = json_root(&r.doc), .has_granular_markings = true};
    assert_true(json_get(r.object.root, STR("granular_markings"), &r.object.granular_markings));
    struct stix_granular_iter iter = stix_granular_iter(&r.object);
    struct stix_granular g;
    assert_true(stix_granular_next(&iter, &g));
    assert_true(g.resolved && str_eq(json_str(g.value), STR("CVE-2014-0160")));
    assert_true(g.marking_ref.len > 0 && g.lang.len == 0 && g.entry == 0 && g.at == 0);
    assert_true(stix_granular_next(&iter, &g));
    assert_true(!g.resolved && str_eq(g.selector, STR("gone")) && g.entry == 0 && g.at == 1);
    assert_true(stix_granular_next(&iter, &g));
    assert_true(g.resolved && str_eq(json_str(g.value), STR("has-logo")) && str_eq(g.lang, STR("de")));
    assert_true(g.marking_ref.len == 0 && g.entry == 1 && g.at == 0);
    assert_false(stix_granular_next(&iter, &g));
    assert_int_equal(reading_read(&r, STR(HEAD "}")), ERR_OK);
    iter = stix_granular_iter(&r.object);
    assert_false(stix_granular_next(&iter, &g));
    reading_close(&r);
}

/* A name may have dots where nobody looks at names: a selector means each value that it can mean. */
static void names_with_dots(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *values; /* a letter each, in the order of the text; {: an object */
    } rows[] = {{"x_d.a.b", "1234"}, {"x_d.a.b.c", "5"}, {"x_d.e.[1]", "7{"}, {"x_d.e.[1].f", "8"},
                {"x_d.a.x", ""},     {"x_d.g.", "9"},    {"x_d.a.", ""},      {"x_d..h", "0"}};
    struct reading r;
    struct json_val value;
    struct stix_selector_walk walk;
    reading_open(&r);
    assert_int_equal(
        reading_read(&r, STR(HEAD ",\"x_d.a\":{\"b\":\"1\"},\"x_d.a.b\":\"2\",\"x_d\":{\"a.b\":\"3\","
                                  "\"a\":{\"b\":\"4\",\"b.c\":\"5\"},\"e\":[\"6\",\"7\"],"
                                  "\"e.[1]\":{\"f\":\"8\"},\"g.\":\"9\",\".h\":\"0\"}}")),
        ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t steps = LIMIT_STIX_SELECTOR_STEPS, at = 0;
        stix_selector_begin(&walk, r.object.root, str_of(rows[i].selector), &steps);
        for (; stix_selector_next(&walk, &value); at++)
            assert_int_equal(json_is(value, JSON_STRING) ? json_str(value).at[0] : '{', rows[i].values[at]);
        assert_int_equal(at, strlen(rows[i].values));
    }
    reading_close(&r);
}

static void steps_are_bounded(void **state)
{
    (void)state;
    struct reading r;
    struct json_val value;
    reading_open(&r);
    assert_int_equal(reading_read(&r, STR(HEAD "}")), ERR_OK);
    size_t steps = 3;
    assert_false(stix_selector_resolve(r.object.root, STR("labels.[1]"), &steps, &value));
    assert_int_equal(steps, 0);
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_standard),
        cmocka_unit_test(walks_marking_by_marking),
        cmocka_unit_test(names_with_dots),
        cmocka_unit_test(steps_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
