/* Rules that span two objects: what is told, of which object, because of which other one. */
#include <stdio.h>

#include "stix_test.h"

#include "stix/together.h"

enum { OBJECTS_MAX = 400, SAID_MAX = 8192, LINE_BYTES = 512 };

#define A     "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
#define B     "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"
#define OLD   "\"created\":\"2016-01-01T00:00:00.000Z\",\"modified\":\"2016-01-01T00:00:00.000Z\""
#define NEW   "\"created\":\"2016-01-01T00:00:00.000Z\",\"modified\":\"2017-01-01T00:00:00.000Z\""
#define NEWER "\"created\":\"2016-01-01T00:00:00.000Z\",\"modified\":\"2018-01-01T00:00:00.000Z\""

#define THING(type, uuid, times, more)                                                                       \
    "{\"type\":\"" type "\",\"spec_version\":\"2.1\",\"id\":\"" type "--" uuid "\"," times "," more "}"
#define TOOL(uuid, times, more)     THING("tool", uuid, times, "\"name\":\"t\"" more)
#define CAMPAIGN(uuid, times, more) THING("campaign", uuid, times, "\"name\":\"c\"" more)
#define MALWARE(uuid, more)         THING("malware", uuid, OLD, "\"name\":\"m\"," more)
#define TRANSLATION(more, contents)                                                                          \
    THING("language-content", B, OLD,                                                                        \
          "\"object_ref\":\"campaign--" A "\"" more ",\"contents\":{\"ko\":{" contents "}}")
#define VARIANT(from, to)                                                                                    \
    THING("relationship", A, OLD,                                                                            \
          "\"relationship_type\":\"variant-of\",\"source_ref\":\"malware--" from                             \
          "\",\"target_ref\":\"malware--" to "\"")
#define MARKING(uuid, by)                                                                                    \
    "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-definition--" uuid           \
    "\",\"created\":\"2016-01-01T00:00:00.000Z\",\"definition_type\":\"statement\","                         \
    "\"definition\":{\"statement\":\"s\"},\"object_marking_refs\":[\"marking-definition--" by "\"]}"

/* "number>other section pointer level;" for each finding. */
struct said {
    size_t len;
    char text[SAID_MAX];
};

static void say(void *ctx, const struct stix_told *told)
{
    struct said *said = ctx;
    char line[LINE_BYTES];
    int len = snprintf(line, sizeof line, "%u>%u %s %.*s %d;", told->number, told->other,
                       told->warning.section, STR_ARG(told->warning.pointer), (int)told->warning.level);
    assert_true(len > 0 && (size_t)len < sizeof line && said->len + (size_t)len < sizeof said->text);
    memcpy(said->text + said->len, line, (size_t)len + 1);
    said->len += (size_t)len;
}

static void add(struct stix_together *together, const char *object, struct json_slice slice, uint32_t number)
{
    struct reading r;
    struct stix_findings findings;
    reading_open(&r);
    reading_parse(&r, str_of(object));
    assert_int_equal(stix_lint(json_root(&r.doc), NULL, &r.arena, &findings, &r.fault), ERR_OK);
    if (findings.errors > 0)
        fail_msg("object %u: %s", number, r.fault.what);
    assert_int_equal(stix_together_add(together, &findings.object, slice, number), ERR_OK);
    reading_close(&r);
}

static struct stix_together_sum check(struct stix_together *together, const char *const *objects,
                                      size_t count, struct said *out)
{
    struct json_slice slices[OBJECTS_MAX];
    struct stix_together_sum sum;
    struct buf text;
    assert_true(count <= OBJECTS_MAX);
    buf_init(&text, 16u << 20);
    for (size_t i = 0; i < count; i++) {
        slices[i] = (struct json_slice) {text.len, strlen(objects[i])};
        buf_put_str(&text, str_of(objects[i]));
        buf_putc(&text, '\n');
    }
    assert_int_equal(buf_err(&text), ERR_OK);
    stix_together_clear(together);
    for (size_t i = 0; i < count; i++)
        add(together, objects[i], slices[i], (uint32_t)i);
    *out = (struct said) {0};
    assert_int_equal(stix_together_check(together, buf_bytes(&text), say, out, &sum), ERR_OK);
    buf_deinit(&text);
    return sum;
}

static uint64_t beyond(const struct stix_together_sum *sum)
{
    uint64_t all = 0;
    for (size_t i = 0; i < STIX_TOGETHER_LIMITS; i++)
        all += sum->beyond[i];
    return all;
}

struct example {
    const char *objects[4];
    const char *said;
};

static void each_says(const struct example *examples, size_t count)
{
    struct stix_together *together;
    struct said said;
    assert_int_equal(stix_together_new(&together), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        size_t objects = 0;
        while (objects < 4 && examples[i].objects[objects] != NULL)
            objects++;
        struct stix_together_sum sum = check(together, examples[i].objects, objects, &said);
        assert_int_equal(beyond(&sum) + sum.dropped, 0);
        if (strcmp(said.text, examples[i].said) != 0)
            fail_msg("example %zu: said \"%s\", not \"%s\"", i, said.text, examples[i].said);
    }
    stix_together_free(together);
}

static void versions_of_one_id(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{TOOL(A, OLD, ""), TOOL(A, OLD, "")}, ""},
        {{TOOL(A, OLD, ""), TOOL(A, OLD, ",\"revoked\":false")}, ""},
        {{TOOL(A, OLD, ""), TOOL(A, OLD, ",\"description\":\"d\"")}, "1>0 3.6 /id 3;"},
        {{TOOL(A, OLD, ""), TOOL(A, NEW, ",\"description\":\"d\"")}, ""},
        {{TOOL(A, OLD, ""), TOOL(A, OLD, ",\"description\":\"d\""), TOOL(A, OLD, "")}, "1>0 3.6 /id 3;"},
        /* In whatever order they come: */
        {{TOOL(A, NEWER, ""), TOOL(A, NEW, ",\"revoked\":true"), TOOL(A, OLD, "")}, "0>1 3.6 /modified 2;"},
        {{TOOL(A, OLD, ""), TOOL(A, NEW, ",\"revoked\":true")}, ""},
        {{TOOL(A, NEW, ""),
          TOOL(A, "\"created\":\"2015-01-01T00:00:00.000Z\",\"modified\":\"2018-01-01T00:00:00.000Z\"", "")},
         "1>0 3.2 /created 2;"},
        {{TOOL(A, OLD, ""), TOOL(A, NEW, ",\"created_by_ref\":\"identity--" A "\"")}, ""},
        {{TOOL(A, OLD, ",\"created_by_ref\":\"identity--" B "\""),
          TOOL(A, NEW, ",\"created_by_ref\":\"identity--" A "\"")},
         "1>0 3.6 /created_by_ref 2;"},
    };
    each_says(examples, sizeof examples / sizeof examples[0]);
}

static void one_uuid_two_types(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {{TOOL(A, OLD, ""), CAMPAIGN(A, OLD, "")}, ""},
        {{TOOL(A, OLD, ",\"created_by_ref\":\"identity--" B "\""),
          CAMPAIGN(A, OLD, ",\"created_by_ref\":\"identity--" B "\"")},
         "1>0 2.9 /id 2;"},
        /* Observables are said by whoever saw them. */
        {{"{\"type\":\"file\",\"id\":\"file--" A "\",\"name\":\"a\"}",
          "{\"type\":\"file\",\"id\":\"file--" A "\",\"name\":\"b\"}"},
         ""},
    };
    each_says(examples, sizeof examples / sizeof examples[0]);
}

static void translations(void **state)
{
    (void)state;
#define ORIGINAL                                                                                             \
    CAMPAIGN(A, NEW,                                                                                         \
             ",\"aliases\":[\"a\",\"b\"],\"x_n\":1,\"external_references\":[{\"source_name\":\"s\","         \
             "\"description\":\"d\"}]")
    static const struct example examples[] = {
        {{ORIGINAL, TRANSLATION("", "\"name\":\"n\",\"aliases\":[\"\",\"b\"]")}, ""},
        {{TRANSLATION("", "\"name\":[\"n\"]")}, ""},
        {{TRANSLATION("", "\"name\":[\"n\"]"), ORIGINAL}, "0>1 7.1.1 /contents/ko/name 2;"},
        {{ORIGINAL, TRANSLATION("", "\"aliases\":\"a\"")}, "1>0 7.1.1 /contents/ko/aliases 2;"},
        {{ORIGINAL, TRANSLATION("", "\"aliases\":[\"a\"]")}, "1>0 7.1.1 /contents/ko/aliases 2;"},
        {{ORIGINAL, TRANSLATION("", "\"aliases\":[\"a\",{\"x\":\"b\"}]")},
         "1>0 7.1.1 /contents/ko/aliases/1 2;"},
        {{ORIGINAL, TRANSLATION("", "\"external_references\":[{\"description\":\"e\"}]")}, ""},
        {{ORIGINAL, TRANSLATION("", "\"external_references\":[{\"description\":[\"e\"]}]")},
         "1>0 7.1.1 /contents/ko/external_references/0/description 2;"},
        {{ORIGINAL, TRANSLATION("", "\"external_references\":[\"e\"]")},
         "1>0 7.1.1 /contents/ko/external_references/0 2;"},
        {{ORIGINAL, TRANSLATION("", "\"gone/~\":\"e\"")}, "1>0 7.1.1 /contents/ko/gone~1~0 0;"},
        {{ORIGINAL, TRANSLATION("", "\"x_n\":\"e\",\"id\":\"e\",\"modified\":\"e\"")},
         "1>0 7.1.1 /contents/ko/x_n 0;1>0 7.1.1 /contents/ko/id 0;1>0 7.1.1 /contents/ko/modified 0;"},
        {{ORIGINAL, TRANSLATION(",\"object_modified\":\"2017-01-01T00:00:00Z\"", "\"name\":\"n\"")}, ""},
        {{ORIGINAL, TRANSLATION(",\"object_modified\":\"2016-01-01T00:00:00Z\"", "\"name\":\"n\"")},
         "1>0 7.1.1 /object_modified 2;"},
        {{ORIGINAL, TRANSLATION(",\"object_modified\":\"2016-01-01T00:00:00Z\"", "\"name\":[\"n\"]"),
          CAMPAIGN(A, OLD, "")},
         "1>2 7.1.1 /contents/ko/name 2;"},
        /* Without object_modified the newest is meant. */
        {{CAMPAIGN(A, OLD, ""), ORIGINAL, TRANSLATION("", "\"aliases\":[\"a\"]"), CAMPAIGN(A, OLD, "")},
         "2>1 7.1.1 /contents/ko/aliases 2;"},
    };
    each_says(examples, sizeof examples / sizeof examples[0]);
}

static void families_and_samples(void **state)
{
    (void)state;
#define SAMPLE_REFS     "\"sample_refs\":[\"file--" A "\",\"artifact--" B "\"]"
#define SAMPLED         MALWARE(A, "\"is_family\":false," SAMPLE_REFS)
#define FILE_OF(hashes) "{\"type\":\"file\",\"id\":\"file--" A "\",\"hashes\":{" hashes "}}"
#define ARTIFACT_OF(hashes)                                                                                  \
    "{\"type\":\"artifact\",\"id\":\"artifact--" B "\",\"url\":\"https://x.test/\",\"hashes\":{" hashes "}}"
#define FOURS "\"MD5\":\"44444444444444444444444444444444\""
#define FIVES "\"MD5\":\"55555555555555555555555555555555\""
    static const struct example examples[] = {
        {{MALWARE(A, "\"is_family\":false"), MALWARE(B, "\"is_family\":true"), VARIANT(A, B)}, ""},
        {{MALWARE(A, "\"is_family\":false"), MALWARE(B, "\"is_family\":true"), VARIANT(B, A)},
         "2>0 4.11.2 /target_ref 2;"},
        {{MALWARE(A, "\"is_family\":false"), VARIANT(B, A)}, ""},
        {{SAMPLED, FILE_OF(FOURS), ARTIFACT_OF(FOURS)}, ""},
        {{SAMPLED, FILE_OF(FOURS), ARTIFACT_OF("\"SHA-1\":\"0000000000000000000000000000000000000000\"")},
         ""},
        {{SAMPLED, FILE_OF(FOURS), ARTIFACT_OF(FIVES)}, "0>1 4.11.1 /sample_refs/1 2;"},
        {{SAMPLED, FILE_OF(FOURS)}, ""},
    };
    each_says(examples, sizeof examples / sizeof examples[0]);
}

static void circles_and_extensions(void **state)
{
    (void)state;
#define C "f88d31f6-1111-4f4d-aa9d-feb398cd0061"
#define DEFINITION                                                                                           \
    THING("extension-definition", C, OLD,                                                                    \
          "\"created_by_ref\":\"identity--" A "\",\"name\":\"e\",\"schema\":\"s\",\"version\":\"1\","        \
          "\"extension_types\":[\"property-extension\"]")
#define EXTENDED(type)                                                                                       \
    TOOL(A, OLD,                                                                                             \
         ",\"extensions\":{\"extension-definition--" C "\":{\"extension_type\":\"" type "\",\"abc\":1}}")
    static const struct example examples[] = {
        {{MARKING(A, B), MARKING(B, C)}, ""},
        {{MARKING(A, B), MARKING(B, A)}, "0>1 3.2 /object_marking_refs 2;1>0 3.2 /object_marking_refs 2;"},
        /* It leads into the circle and is not in it. */
        {{MARKING(C, A), MARKING(A, B), MARKING(B, A)},
         "1>2 3.2 /object_marking_refs 2;2>1 3.2 /object_marking_refs 2;"},
        {{EXTENDED("property-extension"), DEFINITION}, ""},
        {{EXTENDED("toplevel-property-extension")}, ""},
        {{EXTENDED("toplevel-property-extension"), DEFINITION},
         "0>1 7.3.1 /extensions/extension-definition--" C "/extension_type 2;"},
    };
    each_says(examples, sizeof examples / sizeof examples[0]);
}

static void what_is_not_compared_is_counted(void **state)
{
    (void)state;
    static const char *objects[LIMIT_STIX_TOGETHER_EDGES + 2];
    struct stix_together *together;
    struct said said;
    size_t count = LIMIT_STIX_TOGETHER_VERSIONS + 2;
    assert_int_equal(stix_together_new(&together), ERR_OK);
    for (size_t i = 0; i < count; i++)
        objects[i] = TOOL(A, OLD, "");
    objects[count - 1] = TOOL(A, OLD, ",\"description\":\"d\"");
    struct stix_together_sum sum = check(together, objects, count, &said);
    assert_int_equal(sum.beyond[STIX_TOGETHER_VERSIONS], 2);
    assert_int_equal(beyond(&sum), 2);
    assert_string_equal(said.text, "");
    objects[1] = TOOL(A, OLD, ",\"description\":\"d\"");
    sum = check(together, objects, count, &said);
    assert_int_equal(sum.beyond[STIX_TOGETHER_VERSIONS], 2);
    assert_string_equal(said.text, "1>0 3.6 /id 3;");
    for (size_t i = 0; i < LIMIT_STIX_TOGETHER_EDGES + 2; i++)
        objects[i] = MARKING(A, B);
    sum = check(together, objects, LIMIT_STIX_TOGETHER_EDGES + 2, &said);
    assert_int_equal(sum.beyond[STIX_TOGETHER_MARKINGS], 2);
    /* What was there before is forgotten. */
    sum = check(together, objects, 1, &said);
    assert_int_equal(beyond(&sum), 0);
    stix_together_free(together);
    stix_together_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_of_one_id),     cmocka_unit_test(one_uuid_two_types),
        cmocka_unit_test(translations),           cmocka_unit_test(families_and_samples),
        cmocka_unit_test(circles_and_extensions), cmocka_unit_test(what_is_not_compared_is_counted),
    };
    return cmocka_run_group_tests_name("stix together", tests, NULL, NULL);
}
