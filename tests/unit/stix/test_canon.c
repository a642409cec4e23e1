/* Equality of versions, the order of the tables, and deterministic identifiers. */
#include "stix/shape.h"
#include "stix_test.h"

#define ID "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"

static void canon(struct reading *r, const char *text, struct buf *out)
{
    buf_clear(out);
    if (reading_read(r, str_of(text)) != ERR_OK)
        fail_msg("%s: %s", text, r->fault.what);
    assert_int_equal(stix_canon(&r->object, out, NULL), ERR_OK);
    assert_int_equal(buf_err(out), ERR_OK);
}

struct pair {
    bool equal;
    const char *a, *b;
};

#define TOOL(time, rest)                                                                                     \
    "{\"type\":\"tool\",\"id\":\"tool--" ID "\",\"spec_version\":\"2.1\",\"created\":\"" time                \
    "\",\"modified\":\"" time "\",\"name\":\"t\"" rest "}"
#define T "2016-05-12T08:17:27"

static const struct pair pairs[] = {
    {true, TOOL(T "Z", ""), TOOL(T ".000Z", "")},
    {true, TOOL(T ".5Z", ""), TOOL(T ".500000Z", "")},
    {false, TOOL(T ".5Z", ""), TOOL(T ".05Z", "")},
    {false, TOOL(T ".5Z", ""), TOOL(T ".501Z", "")},
    {true, TOOL(T "Z", ""), TOOL(T "Z", ",\"revoked\":false")},
    {false, TOOL(T "Z", ""), TOOL(T "Z", ",\"revoked\":true")},
    {true, TOOL(T "Z", ""), TOOL(T "Z", ",\"lang\":\"en\"")},
    {false, TOOL(T "Z", ""), TOOL(T "Z", ",\"lang\":\"ko\"")},
    {true, TOOL(T "Z", ""), TOOL(T "Z", ",\"aliases\":[]")},
    {false, TOOL(T "Z", ""), TOOL(T "Z", ",\"x_y\":[]")},
    {false, TOOL(T "Z", ""), TOOL(T "Z", ",\"confidence\":0")},
    {true, TOOL(T "Z", ",\"confidence\":1"), TOOL(T "Z", ",\"confidence\":1")},
    {false, TOOL(T "Z", ",\"x_time\":\"" T ".0Z\""), TOOL(T "Z", ",\"x_time\":\"" T "Z\"")},
    {false, TOOL(T "Z", ",\"x_y\":{\"revoked\":false}"), TOOL(T "Z", ",\"x_y\":{}")},
    {true, "{\"type\":\"url\",\"id\":\"url--" ID "\",\"value\":\"x\"}",
     "{\"value\":\"x\",\"spec_version\":\"2.1\",\"defanged\":false,\"id\":\"url--" ID "\",\"type\":\"url\"}"},
    {true,
     "{\"type\":\"x509-certificate\",\"id\":\"x509-certificate--" ID
     "\",\"x509_v3_extensions\":{\"private_key_usage_period_not_after\":\"" T ".00Z\"}}",
     "{\"type\":\"x509-certificate\",\"id\":\"x509-certificate--" ID
     "\",\"x509_v3_extensions\":{\"private_key_usage_period_not_after\":\"" T "Z\"}}"},
};

static void equal_versions_give_equal_text(void **state)
{
    (void)state;
    struct reading r;
    struct buf a, b;
    reading_open(&r);
    buf_init(&a, 1 << 16);
    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        canon(&r, pairs[i].a, &a);
        canon(&r, pairs[i].b, &b);
        if (str_eq(buf_str(&a), buf_str(&b)) != pairs[i].equal)
            fail_msg("%.*s and %.*s", STR_ARG(buf_str(&a)), STR_ARG(buf_str(&b)));
    }
    buf_deinit(&a);
    buf_deinit(&b);
    reading_close(&r);
}

static void shapes_are_sorted(void **state)
{
    (void)state;
    for (unsigned code = 1; code < STIX_SHAPE_COUNT; code++) {
        const struct stix_shape *shape = stix_shape((enum stix_shape_code)code);
        assert_in_range(shape->count, 1, 64); /* bits of `seen` */
        for (size_t i = 0; i < shape->count; i++)
            assert_ptr_equal(stix_prop_find(shape, str_of(shape->props[i].name)), &shape->props[i]);
    }
    /* No type may hide a common property: those are looked up first. */
    for (unsigned code = 1; code < STIX_TYPE_COUNT; code++) {
        const struct stix_shape *shape = stix_shape_of_type((enum stix_code)code);
        for (size_t i = 0; i < shape->count; i++)
            assert_null(stix_prop_common(str_of(shape->props[i].name)));
    }
}

struct derived {
    const char *text;
    enum stix_sco_id expected;
};

/* MATCH rows are examples of the standard (sections 6.1 to 6.18) whose identifiers it computed itself. */
static const struct derived derived[] = {
    {"{\"type\":\"domain-name\",\"id\":\"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7\","
     "\"value\":\"example.com\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\","
     "\"value\":\"198.51.100.3\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"autonomous-system\",\"id\":\"autonomous-system--3aa27478-50b5-5ab8-9da9-cdc12b657fff\","
     "\"number\":15139,\"name\":\"Slime Industries\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"directory\",\"id\":\"directory--0a58d0c1-59e6-5afd-8252-dcd3f13e5622\","
     "\"path\":\"C:\\\\Windows\\\\System32\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"email-addr\",\"id\":\"email-addr--7165e2a9-671f-585d-b1e1-ca59c671d934\","
     "\"value\":\"john@example.com\",\"display_name\":\"John Doe\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"file\",\"id\":\"file--949eb97a-da1e-5292-8959-03c4249dc9f3\","
     "\"hashes\":{\"SHA-256\":\"fe90a7e910cb3a4739bed9180e807e93fa70c90f25a8915476f5e4bfbac681db\"},\"size\":"
     "25536,\"name\":\"foo.dll\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"mac-addr\",\"id\":\"mac-addr--757b1725-9903-54f5-a855-1240691d7659\","
     "\"value\":\"d2:fb:49:24:37:18\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"mutex\",\"id\":\"mutex--f93fe911-e545-5239-b9b0-597840d0c871\","
     "\"name\":\"__CLEANSWEEP__\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"software\",\"id\":\"software--710b0b41-d4d0-5d6c-a400-fc9254554ffc\","
     "\"name\":\"Word\",\"cpe\":\"cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*\",\"version\":\"2002\","
     "\"vendor\":\"Microsoft\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"url\",\"id\":\"url--47c3cf9a-5027-5bf0-997a-017c7edc7c55\","
     "\"value\":\"https://example.com/research/index.html\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"user-account\",\"id\":\"user-account--f94d689e-707d-58c3-b803-c720bb6ed096\","
     "\"user_id\":\"1001\",\"account_login\":\"jdoe\",\"account_type\":\"unix\",\"display_name\":\"John "
     "Doe\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"windows-registry-key\",\"id\":\"windows-registry-key--1884b770-b679-522a-a9c7-"
     "45fadaaec7bb\","
     "\"key\":\"HKEY_LOCAL_MACHINE\\\\System\\\\Foo\\\\Bar\"}",
     STIX_SCO_ID_MATCH},
    {"{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--28bb3599-77cd-5a82-a950-b5bc3caf07c4\","
     "\"value\":\"198.51.100.4\"}",
     STIX_SCO_ID_DIFFERS},
    {"{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061\","
     "\"value\":\"198.51.100.4\"}",
     STIX_SCO_ID_NOT_DERIVED},
    {"{\"type\":\"process\",\"id\":\"process--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061\","
     "\"pid\":1}",
     STIX_SCO_ID_NOTHING_TO_DO},
    {TOOL(T "Z", ""), STIX_SCO_ID_NOT_DERIVED},
};

static void deterministic_ids_are_computed(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        enum stix_sco_id found;
        assert_int_equal(reading_read(&r, str_of(derived[i].text)), ERR_OK);
        assert_int_equal(stix_sco_id_check(&r.object, &found, NULL), ERR_OK);
        if (found != derived[i].expected)
            fail_msg("%s: %d", derived[i].text, (int)found);
    }
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_versions_give_equal_text),
        cmocka_unit_test(shapes_are_sorted),
        cmocka_unit_test(deterministic_ids_are_computed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
