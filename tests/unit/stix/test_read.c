/* stix_read: what is required, what is refused and where, what is gathered. The minimal objects and their
 * required properties stand in tests/vectors/stix_minimal.jsonl, taken from the text of the standard and not
 * from the tables under test. */
#include <stdio.h>

#include "stix_test.h"

enum { LINE_MAX_BYTES = 8192 };

#define U1 "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"
#define U2 "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
#define U3 "f431f809-377b-45e0-aa1c-6a4751cae5ff"
#define HEAD                                                                                                 \
    "\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27.000Z\",\"modified\":\"2016-05-12T08:17:27."  \
    "000Z\""
#define TOOL(rest) "{\"type\":\"tool\",\"id\":\"tool--" U1 "\"," HEAD ",\"name\":\"t\"" rest "}"

static enum json_canon_act drop_one(void *ctx, unsigned depth, struct str name, struct json_val value,
                                    struct buf *out)
{
    const struct str *dropped = ctx;
    (void)value;
    (void)out;
    return depth == 0 && str_eq(name, *dropped) ? JSON_CANON_DROP : JSON_CANON_KEEP;
}

static void check_vector(struct reading *vector, struct reading *r)
{
    struct json_val object, required, name;
    assert_true(json_get(json_root(&vector->doc), STR("object"), &object));
    assert_true(json_get(json_root(&vector->doc), STR("required"), &required));
    struct buf text;
    buf_init(&text, LINE_MAX_BYTES);
    assert_int_equal(json_canon(object, NULL, &text, NULL), ERR_OK);
    if (reading_read(r, buf_str(&text)) != ERR_OK)
        fail_msg("%.*s: %s", STR_ARG(buf_str(&text)), r->fault.what);
    struct json_iter iter = json_array_iter(required);
    while (json_array_next(&iter, &name)) {
        struct str dropped = json_str(name);
        struct json_canon_hook hook = {.member = drop_one, .ctx = &dropped};
        buf_clear(&text);
        assert_int_equal(json_canon(object, &hook, &text, NULL), ERR_OK);
        if (reading_read(r, buf_str(&text)) != ERR_INVALID)
            fail_msg("read without %.*s: %.*s", STR_ARG(dropped), STR_ARG(buf_str(&text)));
        assert_int_equal(strncmp(r->fault.what, dropped.at, dropped.len), 0);
        assert_string_equal(r->fault.pointer, "");
        assert_true(r->fault.section[0] != '\0');
    }
    buf_deinit(&text);
}

static void required_properties_are_required(void **state)
{
    (void)state;
    struct reading vector, r;
    char line[LINE_MAX_BYTES];
    unsigned count = 0;
    FILE *file = fopen(VECTORS, "r");
    assert_non_null(file);
    reading_open(&vector);
    reading_open(&r);
    while (fgets(line, sizeof line, file) != NULL) {
        reading_parse(&vector, str_trim(str_of(line)));
        check_vector(&vector, &r);
        count++;
    }
    assert_int_equal(count, STIX_TYPE_COUNT - 1); /* every type of the standard */
    reading_close(&r);
    reading_close(&vector);
    fclose(file);
}

struct refusal {
    const char *text;
    const char *section;
    const char *pointer;
};

static const struct refusal refusals[] = {
    {"[]", "3", ""},
    {"{\"id\":\"tool--" U1 "\"}", "3.2", ""},
    {"{\"type\":\"bundle\",\"id\":\"bundle--" U1 "\",\"objects\":[]}", "8", ""},
    {"{\"type\":\"tool\",\"id\":\"malware--" U1 "\"," HEAD ",\"name\":\"t\"}", "2.9", "/id"},
    {"{\"type\":\"tool\",\"id\":\"tool--1\"," HEAD ",\"name\":\"t\"}", "2.9", "/id"},
    {TOOL(",\"confidence\":101"), "3.2", "/confidence"},
    {TOOL(",\"confidence\":-1"), "3.2", "/confidence"},
    {TOOL(",\"confidence\":50.5"), "2.10", "/confidence"},
    {TOOL(",\"revoked\":\"true\""), "2.2", "/revoked"},
    {TOOL(",\"description\":null"), "2.15", "/description"},
    {TOOL(",\"aliases\":\"x\""), "2.12", "/aliases"},
    {TOOL(",\"aliases\":[\"x\",1]"), "2.15", "/aliases/1"},
    {TOOL(",\"lang\":\"not a tag\""), "3.2", "/lang"},
    {TOOL(",\"created_by_ref\":\"tool--" U2 "\""), "3.2", "/created_by_ref"},
    {TOOL(",\"created_by_ref\":\"ACME\""), "2.9", "/created_by_ref"},
    {TOOL(",\"object_marking_refs\":[\"tool--" U2 "\"]"), "3.2", "/object_marking_refs/0"},
    {TOOL(",\"external_references\":[{\"source_name\":\"x\"}]"), "2.5.1", "/external_references/0"},
    {TOOL(",\"external_references\":[{\"url\":\"x\"}]"), "2.5.1", "/external_references/0"},
    {TOOL(",\"granular_markings\":[{\"selectors\":[\"name\"]}]"), "7.2.3", "/granular_markings/0"},
    {TOOL(",\"granular_markings\":[{\"lang\":\"ko\",\"marking_ref\":\"marking-definition--" U2
          "\",\"selectors\":[\"name\"]}]"),
     "7.2.3", "/granular_markings/0"},
    {TOOL(",\"granular_markings\":[{\"lang\":\"ko\",\"selectors\":[]}]"), "7.2.3", "/granular_markings/0"},
    {TOOL(",\"granular_markings\":[{\"lang\":\"ko\",\"selectors\":[\"a..b\"]}]"), "7.2.3",
     "/granular_markings/0/selectors/0"},
    {TOOL(",\"extensions\":{\"tool--" U2 "\":{\"x\":1}}"), "3.2", "/extensions/tool--" U2},
    {"{\"type\":\"tool\",\"id\":\"tool--" U1 "\",\"spec_version\":\"2.0\",\"created\":\"2016-05-12T08:17:27."
     "000Z\",\"modified\":\"2016-05-12T08:17:27."
     "000Z\",\"name\":\"t\"}",
     "3.2", "/spec_version"},
    {"{\"type\":\"tool\",\"id\":\"tool--" U1 "\",\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27."
     "001Z\",\"modified\":\"2016-05-12T08:17:27."
     "000Z\",\"name\":\"t\"}",
     "3.6.1", ""},
    {"{\"type\":\"tool\",\"id\":\"tool--" U1 "\",\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27+"
     "00:00\",\"modified\":\"2016-05-12T08:17:27."
     "000Z\",\"name\":\"t\"}",
     "2.16", "/created"},
    {"{\"type\":\"file\",\"id\":\"file--" U1 "\",\"hashes\":{\"MD5\":\"xyz\"}}", "2.7", "/hashes/MD5"},
    {"{\"type\":\"file\",\"id\":\"file--" U1 "\",\"size\":1}", "6.7.1", ""},
    {"{\"type\":\"file\",\"id\":\"file--" U1 "\",\"name\":\"f\",\"size\":-1}", "6.7.1", "/size"},
    {"{\"type\":\"file\",\"id\":\"file--" U1
     "\",\"name\":\"f\",\"extensions\":{\"windows-pebinary-ext\":{\"pe_type\":\"exe\"}}}",
     "6.7.6", "/extensions/windows-pebinary-ext"},
    {"{\"type\":\"artifact\",\"id\":\"artifact--" U1 "\",\"url\":\"http://x.test/\"}", "6.1.1", ""},
    {"{\"type\":\"artifact\",\"id\":\"artifact--" U1 "\",\"payload_bin\":\"!\"}", "2.1", "/payload_bin"},
    {"{\"type\":\"marking-definition\",\"id\":\"marking-definition--" U1
     "\",\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27.000Z\",\"name\":\"n\"}",
     "7.2.1", ""},
    {"{\"type\":\"marking-definition\",\"id\":\"marking-definition--" U1
     "\",\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27.000Z\",\"name\":\"n\",\"extensions\":{}}",
     "7.2.1", ""},
    {"{\"type\":\"marking-definition\",\"id\":\"marking-definition--" U1
     "\",\"spec_version\":\"2.1\",\"created\":\"2016-05-12T08:17:27.000Z\",\"definition_type\":\"statement\","
     "\"definition\":{\"statement\":\"s\"},\"object_marking_refs\":[\"marking-definition--" U1 "\"]}",
     "3.2", "/object_marking_refs/0"},
};

static void refusals_name_the_rule_and_the_place(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        if (reading_read(&r, str_of(refusals[i].text)) != ERR_INVALID)
            fail_msg("read: %s", refusals[i].text);
        if (strcmp(r.fault.section, refusals[i].section) != 0 ||
            strcmp(r.fault.pointer, refusals[i].pointer) != 0)
            fail_msg("%s: section %s pointer %s (%s)", refusals[i].text, r.fault.section, r.fault.pointer,
                     r.fault.what);
    }
    reading_close(&r);
}

static void habits_of_feeds_are_warnings(void **state)
{
    (void)state;
    static const struct refusal habits[] = {
        {TOOL(",\"aliases\":[]"), "2.12", "/aliases"},
        {TOOL(",\"x_y\":{\"deep\":[[]]}"), "2.12", "/x_y/deep/0"},
        {TOOL(",\"Bad-Name\":1"), "11.1.1", "/Bad-Name"},
        {TOOL(",\"x_null\":null"), "2", "/x_null"},
        {TOOL(",\"defanged\":false"), "3.2", "/defanged"},
        {"{\"type\":\"url\",\"id\":\"url--00000000-0000-0000-0000-000000000001\",\"value\":\"x:y\"}", "2.9",
         "/id"},
    };
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof habits / sizeof habits[0]; i++) {
        if (reading_read(&r, str_of(habits[i].text)) != ERR_OK)
            fail_msg("%s: %s", habits[i].text, r.fault.what);
        assert_int_equal(r.object.warning_count, 1);
        assert_string_equal(r.object.warnings[0].section, habits[i].section);
        assert_true(str_eq(r.object.warnings[0].pointer, str_of(habits[i].pointer)));
    }
    reading_close(&r);
}

static void warnings_are_bounded(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    struct buf text;
    buf_init(&text, 1 << 16);
    buf_put_str(&text, STR("{\"type\":\"tool\",\"id\":\"tool--" U1 "\"," HEAD ",\"name\":\"t\",\"x_y\":[[]"));
    for (int i = 0; i < 99; i++)
        buf_put_str(&text, STR(",[]"));
    buf_put_str(&text, STR("]}"));
    assert_int_equal(reading_read(&r, buf_str(&text)), ERR_OK);
    assert_int_equal(r.object.warning_count, LIMIT_STIX_WARNINGS);
    assert_int_equal(r.object.warnings_dropped, 100 - LIMIT_STIX_WARNINGS);
    buf_deinit(&text);
    reading_close(&r);
}

static bool has_ref(const struct stix_object *object, const char *id, enum stix_ref_role role)
{
    struct stix_key key;
    assert_true(stix_id_parse(str_of(id), &key));
    for (size_t i = 0; i < object->ref_count; i++)
        if (stix_key_eq(&object->refs[i].key, &key) && object->refs[i].role == role)
            return true;
    return false;
}

/* What looks like one to the last look is one here as well (docs/decisions/0110-guard.md). */
static void references_hide_nowhere(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    const char *text =
        "{\"type\":\"observed-data\",\"id\":\"observed-data--" U1 "\"," HEAD ",\"number_observed\":1,"
        "\"first_observed\":\"2016-05-12T08:17:27Z\",\"last_observed\":\"2016-05-12T08:17:27Z\","
        "\"objects\":{\"0\":{\"type\":\"file\",\"id\":\"file--" U2 "\",\"name\":\"x\",\"hashes\":{\"x-h\":"
        "\"tool--" U3 "\"},\"parent_directory_ref\":\"directory--" U2 "\"},"
        "\"tool--" U2 "\":{\"type\":\"url\",\"value\":\"x:y\"}}}";
    if (reading_read(&r, str_of(text)) != ERR_OK)
        fail_msg("%s", r.fault.what);
    assert_true(has_ref(&r.object, "file--" U2, STIX_REF_OTHER));
    assert_true(has_ref(&r.object, "tool--" U3, STIX_REF_OTHER));
    assert_true(has_ref(&r.object, "directory--" U2, STIX_REF_OTHER));
    assert_true(has_ref(&r.object, "tool--" U2, STIX_REF_OTHER));
    assert_int_equal(r.object.ref_count, 4);
    reading_close(&r);
}

static void references_are_found_by_value(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    const char *text =
        "{\"type\":\"report\",\"id\":\"report--" U1 "\"," HEAD ",\"name\":\"r\","
        "\"published\":\"2016-05-12T08:17:27Z\",\"created_by_ref\":\"identity--" U3 "\","
        "\"description\":\"not a reference: malware--" U2 "\",\"labels\":[\"x\"],\"revoked\":true,"
        "\"confidence\":70,\"lang\":\"ko\","
        "\"object_marking_refs\":[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"],"
        "\"granular_markings\":[{\"selectors\":[\"name\"],\"marking_ref\":\"marking-definition--" U2 "\"}],"
        "\"extensions\":{\"extension-definition--" U2 "\":{\"extension_type\":\"property-extension\","
        "\"deep\":[{\"x\":[\"x-thing--" U2 "\"]}]}},"
        "\"object_refs\":[\"tool--" U2 "\",\"tool--" U2 "\",\"report--" U1 "\"],"
        "\"x_map\":{\"tool--" U3 "\":1}}";
    assert_int_equal(reading_read(&r, str_of(text)), ERR_OK);
    const struct stix_object *o = &r.object;
    assert_int_equal(o->warning_count, 0);
    assert_int_equal(o->ref_count, 7);
    assert_true(has_ref(o, "identity--" U3, STIX_REF_CREATED_BY));
    assert_true(has_ref(o, "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", STIX_REF_MARKING));
    assert_true(has_ref(o, "marking-definition--" U2, STIX_REF_GRANULAR_MARKING));
    assert_true(has_ref(o, "extension-definition--" U2, STIX_REF_EXTENSION));
    assert_true(has_ref(o, "x-thing--" U2, STIX_REF_OTHER));
    assert_true(has_ref(o, "tool--" U2, STIX_REF_MEMBER));
    assert_true(has_ref(o, "tool--" U3, STIX_REF_OTHER));
    for (size_t i = 1; i < o->ref_count; i++)
        assert_true(memcmp(&o->refs[i - 1].key, &o->refs[i].key, STIX_KEY_SIZE) <= 0);
    assert_true(o->has_creator && o->revoked && o->has_labels && o->has_markings && o->has_granular_markings);
    assert_int_equal(o->confidence, 70);
    assert_true(str_eq(o->lang, STR("ko")));
    assert_int_equal(o->version.seconds, o->modified.seconds);
    assert_true(o->has_modified && o->version.seconds == 1463041047);
    reading_close(&r);
}

static void many_references_are_sorted_and_bounded(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    struct buf text;
    buf_init(&text, 8u << 20);
    for (unsigned count = 1000; count <= LIMIT_REFS_PER_OBJECT + 1;
         count += LIMIT_REFS_PER_OBJECT + 1 - 1000) {
        buf_clear(&text);
        buf_put_str(&text,
                    STR("{\"type\":\"tool\",\"id\":\"tool--" U1 "\"," HEAD ",\"name\":\"t\",\"x_y\":["));
        for (unsigned i = 0; i < count; i++)
            buf_printf(&text, "%s\"tool--%08x-0000-4000-8000-000000000000\"", i == 0 ? "" : ",",
                       (i % 700) * 2654435761u);
        buf_put_str(&text, STR("]}"));
        err_t err = reading_read(&r, buf_str(&text));
        assert_int_equal(err, count > LIMIT_REFS_PER_OBJECT ? ERR_LIMIT : ERR_OK);
        if (err != ERR_OK)
            continue;
        assert_int_equal(r.object.ref_count, 700);
        for (size_t i = 1; i < r.object.ref_count; i++)
            assert_true(memcmp(&r.object.refs[i - 1].key, &r.object.refs[i].key, STIX_KEY_SIZE) < 0);
    }
    buf_deinit(&text);
    reading_close(&r);
}

static void versions_of_the_unversioned(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    assert_int_equal(reading_read(&r, STR("{\"type\":\"url\",\"id\":\"url--" U1 "\",\"value\":\"x\"}")),
                     ERR_OK);
    assert_int_equal(r.object.version.seconds, 0);
    assert_int_equal(r.object.confidence, -1);
    assert_int_equal(reading_read(&r, STR("{\"type\":\"x-custom\",\"id\":\"x-custom--" U1
                                          "\",\"created\":\"2016-05-12T08:17:27.000Z\"}")),
                     ERR_OK);
    assert_int_equal(r.object.type->code, STIX_TYPE_UNKNOWN);
    assert_int_equal(r.object.version.seconds, 1463041047);
    reading_close(&r);
}

/* What an older bongsu took in is read again, whatever the rules of today say; nothing that deciding needs is
 * missing. */
static void held_objects_read_again(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--5b0d3c6e-1f7a-4c52-9e21-"
        "84b3d7602af9\","
        "\"created\":\"2020-01-02T03:04:05.678Z\",\"modified\":\"2020-01-02T03:04:05.678Z\",\"pattern\":\"["
        "no pattern\","
        "\"pattern_type\":\"stix\",\"valid_from\":\"2020-01-02T03:04:05Z\",\"created_by_ref\":"
        "\"identity--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\",\"object_marking_refs\":[\"marking-definition--"
        "613f2e26-407d-48c7-9eca-b8e91df99dc9\"]}",
        "{\"type\":\"indicator\",\"id\":\"indicator--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\",\"object_marking_"
        "refs\":"
        "[\"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9\"],\"created_by_ref\":"
        "\"identity--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9\",\"modified\":\"2020-01-02T03:04:05.678Z\"}"};
    struct reading r;
    struct stix_key creator;
    reading_open(&r);
    assert_true(stix_id_parse(STR("identity--5b0d3c6e-1f7a-4c52-9e21-84b3d7602af9"), &creator));
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_int_equal(reading_read(&r, str_of(broken[i])), ERR_INVALID);
        reading_parse(&r, str_of(broken[i]));
        assert_int_equal(stix_read_held(json_root(&r.doc), &r.arena, &r.object), ERR_OK);
        assert_true(r.object.has_creator && stix_key_eq(&r.object.creator, &creator));
        assert_true(r.object.has_markings && r.object.ref_count == 2);
        assert_int_equal(r.object.version.seconds, 1577934245);
    }
    reading_parse(&r, STR("{\"type\":\"indicator\"}"));
    assert_int_equal(stix_read_held(json_root(&r.doc), &r.arena, &r.object), ERR_INVALID);
    reading_close(&r);
}

/* SHOULDs that only people are told of cost intake nothing, and change nothing of what it finds. */
static void intake_asks_less_than_lint(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{\"type\":\"mutex\",\"id\":\"mutex--eba44954-d4e4-5d3b-814c-2b17dd8de300\",\"name\":\"__CLEANSWEEP__"
        "\","
        "\"x_a\":{\"B\":{\"c\":1}}}",
        "{\"type\":\"file\",\"id\":\"file--" U1
        "\",\"hashes\":{\"MD5\":\"44444444444444444444444444444444\"}}",
    };
    static const size_t more[] = {4, 1}; /* 2.3, 11, 11.1 and 11.1.1; 2.7 */
    struct reading r;
    struct stix_findings findings;
    reading_open(&r);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(reading_read(&r, str_of(texts[i])), ERR_OK);
        size_t remarks = r.object.remarks, warnings = r.object.warning_count;
        assert_int_equal(stix_lint(json_root(&r.doc), NULL, &r.arena, &findings, &r.fault), ERR_OK);
        assert_int_equal(findings.errors, 0);
        assert_int_equal(findings.object.remarks, remarks + more[i]);
        assert_int_equal(findings.count, warnings + findings.object.remarks);
        assert_int_equal(stix_read_held(json_root(&r.doc), &r.arena, &r.object), ERR_OK);
        assert_true(r.object.remarks <= remarks);
    }
    reading_close(&r);
}

/* Names within texts are told apart from references, and from the object's own. */
static void names_in_texts(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    const char *text = TOOL(",\"description\":\"as TOOL--" U2 ", report--" U1 " and tool--" U1 "\","
                            "\"labels\":[\"report--" U1 "\",\"no-type--" U2 "x\",\"report-" U2 "\"],"
                            "\"x_by\":{\"of note--" U2 "\":1}");
    assert_int_equal(reading_read(&r, str_of(text)), ERR_OK);
    assert_int_equal(r.object.ref_count, 1); /* the report: a reference by value is no name in passing */
    static const char *const named[] = {"tool--" U2, "note--" U2, "no-type--" U2};
    for (size_t i = 0; i < 3; i++) {
        struct stix_key key;
        size_t found = 0;
        assert_true(stix_id_parse(str_of(named[i]), &key));
        for (size_t k = 0; k < r.object.named_count; k++)
            found += stix_key_eq(&r.object.named[k].key, &key);
        assert_int_equal(found, 1);
    }
    assert_int_equal(r.object.named_count, 3);
    reading_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(held_objects_read_again),
        cmocka_unit_test(intake_asks_less_than_lint),
        cmocka_unit_test(required_properties_are_required),
        cmocka_unit_test(refusals_name_the_rule_and_the_place),
        cmocka_unit_test(habits_of_feeds_are_warnings),
        cmocka_unit_test(warnings_are_bounded),
        cmocka_unit_test(references_hide_nowhere),
        cmocka_unit_test(references_are_found_by_value),
        cmocka_unit_test(names_in_texts),
        cmocka_unit_test(many_references_are_sorted_and_bounded),
        cmocka_unit_test(versions_of_the_unversioned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
