/* Registered extensions: what a schema may be, and what of an object breaks it. The definitions and objects
 * are the examples of STIX 2.1, section 7.3. */
#include "stix_test.h"

#include <stdio.h>

#include "stix/extension.h"

enum { TEXT_MAX = 16384 };

#define ID_NEW    "extension-definition--9c59fd79-4215-4ba2-920d-3e4f320e1e62"
#define ID_NESTED "extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e"
#define ID_TOP    "extension-definition--71736db5-10db-43d3-b0e3-65cf81601fe1"
#define ID_HYBRID "extension-definition--c5333451-c08c-4c48-be5e-9ad4c947776a"
#define TIMES     "\"created\":\"2014-02-20T09:16:08.989000Z\",\"modified\":\"2014-02-20T09:16:08.989000Z\","

#define TWO_NUMBERS                                                                                          \
    "{\"type\":\"object\",\"required\":[\"rank\"],\"additionalProperties\":false,\"properties\":{"           \
    "\"rank\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":10},\"toxicity\":{\"type\":\"number\"}}}"

struct kit {
    struct reading reading;
    struct arena arena; /* of the extensions */
    struct stix_extensions extensions;
    struct fault fault;
};

static void kit_open(struct kit *kit)
{
    memset(kit, 0, sizeof *kit);
    reading_open(&kit->reading);
    arena_init(&kit->arena, 16u << 20);
}

static void kit_close(struct kit *kit)
{
    reading_close(&kit->reading);
    arena_deinit(&kit->arena);
}

static const char *definition(char out[TEXT_MAX], const char *id, const char *types)
{
    (void)snprintf(
        out, TEXT_MAX,
        "{\"id\":\"%s\",\"type\":\"extension-definition\",\"spec_version\":\"2.1\",\"name\":\"Foo\"," TIMES
        "\"created_by_ref\":\"identity--11b76a96-5d2b-45e0-8a5a-f6994f370731\","
        "\"schema\":\"https://www.example.com/schema-foo-1/v1/\",\"version\":\"1.2.1\","
        "\"extension_types\":[%s]}",
        id, types);
    return out;
}

static err_t put(struct kit *kit, const char *id, const char *types, const char *schema)
{
    char text[TEXT_MAX];
    const struct stix_extension *extension;
    memset(&kit->fault, 0, sizeof kit->fault);
    definition(text, id, types);
    err_t err = stix_extension_read(kit->reading.parser, bytes_from_str(str_of(text)), str_of(schema),
                                    &kit->arena, &extension, &kit->fault);
    return err != ERR_OK ? err : stix_extensions_put(&kit->extensions, extension);
}

static void must_put(struct kit *kit, const char *id, const char *types, const char *schema)
{
    if (put(kit, id, types, schema) != ERR_OK)
        fail_msg("%s %s", kit->fault.pointer, kit->fault.what);
}

/* Reads the object; the warnings of section 7.3 are counted, and the text of the first one is kept. */
static unsigned breaches(struct kit *kit, const char *text, struct stix_warning *out_first)
{
    struct reading *r = &kit->reading;
    unsigned count = 0;
    arena_reset(&r->arena);
    memset(&r->fault, 0, sizeof r->fault);
    reading_parse(r, str_of(text));
    err_t err = stix_read(json_root(&r->doc), &kit->extensions, &r->arena, &r->object, &r->fault);
    if (err != ERR_OK)
        fail_msg("%s %s", r->fault.pointer, r->fault.what);
    for (size_t i = 0; i < r->object.warning_count; i++) {
        const struct stix_warning *warning = &r->object.warnings[i];
        if (strcmp(warning->section, "7.3") != 0)
            continue;
        assert_int_equal(warning->level, STIX_WARNING);
        if (count++ == 0 && out_first != NULL)
            *out_first = *warning;
    }
    return count;
}

static const char *indicator(char out[TEXT_MAX], const char *members, const char *id, const char *extension)
{
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
                   "\"id\":\"indicator--66a63e16-92d7-4b2f-bd3d-21540d6b3fc7\"," TIMES
                   "\"pattern\":\"[file:size = 1]\",\"pattern_type\":\"stix\","
                   "\"valid_from\":\"2014-02-20T09:00:00Z\",%s\"extensions\":{\"%s\":{%s}}}",
                   members, id, extension);
    return out;
}

/* --- what an object breaks --- */

static unsigned nested(struct kit *kit, const char *content, struct stix_warning *out)
{
    char text[TEXT_MAX], all[TEXT_MAX / 2];
    (void)snprintf(all, sizeof all, "\"extension_type\":\"property-extension\"%s%s",
                   content[0] == '\0' ? "" : ",", content);
    return breaches(kit, indicator(text, "", ID_NESTED, all), out);
}

static bool says(const struct stix_warning *warning, const char *pointer, const char *what)
{
    bool good = str_eq(warning->pointer, str_of(pointer)) && strcmp(warning->what, what) == 0;
    if (!good)
        print_message("# %.*s: %s\n", STR_ARG(warning->pointer), warning->what);
    return good;
}

static void test_nested(void **state)
{
    struct kit kit;
    struct stix_warning first;
    (void)state;
    kit_open(&kit);
    assert_int_equal(nested(&kit, "\"rank\":500", NULL), 0); /* nobody knows it */
    must_put(&kit, ID_NESTED, "\"property-extension\"", TWO_NUMBERS);
    assert_int_equal(nested(&kit, "\"rank\":5,\"toxicity\":8", NULL), 0);
    assert_int_equal(nested(&kit, "\"rank\":5.0,\"toxicity\":0.5", NULL), 0);
    assert_int_equal(nested(&kit, "\"rank\":11", &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED "/rank", "rank is above 10 (Foo)"));
    assert_int_equal(nested(&kit, "\"rank\":0", &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED "/rank", "rank is below 1 (Foo)"));
    assert_int_equal(nested(&kit, "\"rank\":1.5", &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED "/rank", "rank must be an integer (Foo)"));
    assert_int_equal(nested(&kit, "\"rank\":5,\"toxicity\":\"8\"", &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED "/toxicity", "toxicity must be a number (Foo)"));
    assert_int_equal(nested(&kit, "", &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED, "the extension lacks rank (Foo)"));
    assert_int_equal(nested(&kit, "\"rank\":5,\"color\":1", &first), 1);
    assert_true(
        says(&first, "/extensions/" ID_NESTED "/color", "color is no property that the schema names (Foo)"));
    kit_close(&kit);
}

/* One property `value` of that schema. */
static void value_of(struct kit *kit, const char *schema)
{
    char text[TEXT_MAX];
    (void)snprintf(text, sizeof text, "{\"properties\":{\"value\":%s}}", schema);
    must_put(kit, ID_NESTED, "\"property-extension\"", text);
}

static void test_keywords(void **state)
{
    static const struct {
        const char *schema, *good, *bad;
    } rows[] = {
        {"{\"type\":\"string\"}", "\"x\"", "1"},
        {"{\"type\":[\"string\",\"null\"]}", "null", "true"},
        {"{\"type\":\"boolean\"}", "false", "\"false\""},
        {"{\"type\":\"integer\"}", "-3", "0.25"},
        {"{\"type\":\"number\"}", "18446744073709551615", "[]"},
        {"{\"type\":\"array\",\"minItems\":1,\"maxItems\":2}", "[1,2]", "[1,2,3]"},
        {"{\"minItems\":1}", "{}", "[]"},
        {"{\"items\":{\"type\":\"string\"}}", "[\"a\"]", "[\"a\",1]"},
        {"{\"items\":{\"items\":{\"enum\":[1,2]}}}", "[[1],[2,1]]", "[[1],[3]]"},
        {"{\"enum\":[\"a\",2,true,null]}", "2.0", "\"b\""},
        {"{\"enum\":[\"a\",2,true]}", "true", "false"},
        {"{\"const\":\"a\"}", "\"a\"", "\"A\""},
        {"{\"minLength\":2,\"maxLength\":3}", "\"\\ud55c\\uad6d\\uc5b4\"", "\"\\ud55c\""},
        {"{\"maxLength\":1}", "12345", "\"12\""},
        {"{\"minimum\":-1.5}", "-1.5", "-1.6"},
        {"{\"type\":\"object\",\"required\":[\"any\"]}", "{\"any\":null}", "{\"other\":1}"},
        {"{\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}", "{\"a\":\"\"}",
         "{\"b\":\"\"}"},
        {"{\"format\":\"timestamp\"}", "\"2014-02-20T09:16:08Z\"", "\"2014-02-20T09:16:08+01:00\""},
        {"{\"format\":\"identifier\"}", "\"malware--00000000-0000-4000-8000-000000000001\"",
         "\"malware--1\""},
        {"{\"format\":\"identifier tool x-camera\"}", "\"x-camera--00000000-0000-4000-8000-000000000001\"",
         "\"malware--00000000-0000-4000-8000-000000000001\""},
        {"{\"format\":\"uuid\"}", "\"00000000-0000-4000-8000-000000000001\"", "\"0000\""},
        {"{\"format\":\"hex\"}", "\"00ff\"", "\"0xff\""},
        {"{\"format\":\"ipv4-addr\"}", "\"192.0.2.0/24\"", "\"192.0.2\""},
        {"{\"format\":\"domain-name\"}", "\"example.com\"", "\"-.com\""},
        {"{\"format\":\"hex\"}", "5", "\"x\""}, /* as JSON Schema has it: formats are of strings alone */
    };
    struct kit kit;
    (void)state;
    kit_open(&kit);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char good[256], bad[256];
        value_of(&kit, rows[i].schema);
        (void)snprintf(good, sizeof good, "\"value\":%s", rows[i].good);
        (void)snprintf(bad, sizeof bad, "\"value\":%s", rows[i].bad);
        if (nested(&kit, good, NULL) != 0 || nested(&kit, bad, NULL) != 1)
            fail_msg("row %zu: %s", i, rows[i].schema);
    }
    kit_close(&kit);
}

static void test_pointer_into_lists(void **state)
{
    struct kit kit;
    struct stix_warning first;
    (void)state;
    kit_open(&kit);
    value_of(&kit, "{\"items\":{\"properties\":{\"a/b\":{\"items\":{\"type\":\"string\"}}}}}");
    assert_int_equal(nested(&kit, "\"value\":[{},{\"a/b\":[\"x\",7]}]", &first), 1);
    assert_true(
        says(&first, "/extensions/" ID_NESTED "/value/1/a~1b/1", "an element of a/b must be a string (Foo)"));
    kit_close(&kit);
}

/* --- properties at the top --- */

static size_t remarks(struct kit *kit, const char *text)
{
    assert_int_equal(breaches(kit, text, NULL), 0);
    return kit->reading.object.remarks;
}

static void test_toplevel(void **state)
{
    static const char schema[] =
        "{\"properties\":{\"rank\":{\"type\":\"integer\"},\"toxicity\":{\"maximum\":8}},"
        "\"required\":[\"toxicity\"],\"additionalProperties\":false}";
    char text[TEXT_MAX];
    struct kit kit;
    struct stix_warning first;
    const char *type = "\"extension_type\":\"toplevel-property-extension\"";
    (void)state;
    kit_open(&kit);
    indicator(text, "\"rank\":1,\"toxicity\":2,", ID_TOP, type);
    size_t before = remarks(&kit, text);
    must_put(&kit, ID_TOP, "\"toplevel-property-extension\"", schema);
    assert_int_equal(remarks(&kit, text), before);
    indicator(text, "\"rank\":\"1\",\"toxicity\":9,", ID_TOP, type);
    assert_int_equal(breaches(&kit, text, &first), 2);
    assert_true(says(&first, "/rank", "rank must be an integer (Foo)"));
    indicator(text, "\"rank\":1,", ID_TOP, type);
    assert_int_equal(breaches(&kit, text, &first), 1);
    assert_true(says(&first, "", "the object lacks toxicity (Foo)"));
    /* What the standard has is no surprise; what nobody named is, and is remarked on as any custom property.
     */
    indicator(text, "\"toxicity\":2,\"confidence\":5,\"odd\":1,", ID_TOP, type);
    assert_int_equal(breaches(&kit, text, &first), 1);
    assert_true(says(&first, "/odd", "odd is no property that the schema names (Foo)"));
    assert_int_equal(kit.reading.object.remarks, before + 1);
    kit_close(&kit);
}

/* extension_properties are known as well, without a schema for each. */
static void test_extension_properties(void **state)
{
    char text[TEXT_MAX], object[TEXT_MAX];
    struct kit kit;
    const struct stix_extension *extension;
    (void)state;
    kit_open(&kit);
    definition(text, ID_TOP, "\"toplevel-property-extension\"],\"extension_properties\":[\"rank\"");
    assert_int_equal(stix_extension_read(kit.reading.parser, bytes_from_str(str_of(text)),
                                         STR("{\"properties\":{\"toxicity\":true}}"), &kit.arena, &extension,
                                         NULL),
                     ERR_OK);
    assert_int_equal(extension->property_count, 1);
    indicator(object, "\"rank\":1,\"toxicity\":2,", ID_TOP,
              "\"extension_type\":\"toplevel-property-extension\"");
    size_t free_remarks = remarks(&kit, object);
    assert_int_equal(stix_extensions_put(&kit.extensions, extension), ERR_OK);
    assert_int_equal(remarks(&kit, object), free_remarks);
    indicator(object, "\"rank\":1,\"other\":2,", ID_TOP,
              "\"extension_type\":\"toplevel-property-extension\"");
    assert_int_equal(remarks(&kit, object), free_remarks + 1);
    kit_close(&kit);
}

/* --- new types, and several in one --- */

#define HYBRID                                                                                               \
    "{\"new-sdo\":{\"required\":[\"some_field\"],\"properties\":{\"some_field\":{\"type\":\"string\"}}},"    \
    "\"new-sco\":true,\"property-extension:indicator\":" TWO_NUMBERS "}"

static const char *favorite(char out[TEXT_MAX], const char *times, const char *members)
{
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"my-favorite-sdo\",\"spec_version\":\"2.1\","
                   "\"id\":\"my-favorite-sdo--a5461d2e-7ba9-43ef-9b3e-11471d1ad8da\",%s"
                   "\"name\":\"This is the name of my favorite\",%s\"extensions\":{\"" ID_HYBRID
                   "\":{\"extension_type\":\"new-sdo\"}}}",
                   times, members);
    return out;
}

static void test_hybrid(void **state)
{
    char text[TEXT_MAX];
    struct kit kit;
    struct stix_warning first;
    (void)state;
    kit_open(&kit);
    must_put(&kit, ID_HYBRID, "\"new-sdo\",\"new-sco\",\"property-extension\"", HYBRID);
    assert_int_equal(breaches(&kit, favorite(text, TIMES, "\"some_field\":\"value\","), NULL), 0);
    assert_int_equal(breaches(&kit, favorite(text, TIMES, "\"some_field\":5,"), &first), 1);
    assert_true(says(&first, "/some_field", "some_field must be a string (Foo)"));
    assert_int_equal(breaches(&kit, favorite(text, TIMES, ""), NULL), 1);
    assert_int_equal(breaches(&kit, favorite(text, "", "\"some_field\":\"value\","), &first), 1);
    assert_true(says(&first, "", "the object is a new SDO or SRO, and lacks created or modified (Foo)"));
    indicator(text, "", ID_HYBRID, "\"extension_type\":\"property-extension\",\"rank\":5");
    assert_int_equal(breaches(&kit, text, NULL), 0);
    indicator(text, "", ID_HYBRID, "\"extension_type\":\"toplevel-property-extension\"");
    assert_int_equal(breaches(&kit, text, &first), 1);
    assert_true(
        says(&first, "/extensions/" ID_HYBRID,
             "the extension is of a type that its definition does not have: toplevel-property-extension "
             "(Foo)"));
    kit_close(&kit);
}

static void test_for_no_such_type(void **state)
{
    char text[TEXT_MAX];
    struct kit kit;
    struct stix_warning first;
    (void)state;
    kit_open(&kit);
    must_put(&kit, ID_NESTED, "\"property-extension\"", "{\"property-extension:malware\":true}");
    indicator(text, "", ID_NESTED, "\"extension_type\":\"property-extension\"");
    assert_int_equal(breaches(&kit, text, &first), 1);
    assert_true(says(&first, "/extensions/" ID_NESTED, "the extension is for no indicator (Foo)"));
    kit_close(&kit);
}

/* --- what is refused at registration --- */

static void test_refused_schemas(void **state)
{
    static const struct {
        const char *schema, *pointer;
        err_t err;
    } rows[] = {
        {"{\"pattern\":\"^a\"}", "schema:/pattern", ERR_UNSUPPORTED},
        {"{\"$ref\":\"#\"}", "schema:/$ref", ERR_UNSUPPORTED},
        {"{\"properties\":{\"rank\":{\"oneOf\":[]}}}", "schema:/properties/rank/oneOf", ERR_UNSUPPORTED},
        {"{\"properties\":{\"rank\":{\"items\":{\"typ\":1}}}}", "schema:/properties/rank/items/typ",
         ERR_UNSUPPORTED},
        {"{\"type\":\"int\"}", "schema:/type", ERR_INVALID},
        {"{\"type\":[]}", "schema:/type", ERR_INVALID},
        {"{\"properties\":[]}", "schema:/properties", ERR_INVALID},
        {"{\"properties\":{\"rank\":false}}", "schema:/properties", ERR_INVALID},
        {"{\"required\":[1]}", "schema:/required", ERR_INVALID},
        {"{\"enum\":[]}", "schema:/enum", ERR_INVALID},
        {"{\"enum\":[0.5]}", "schema:/enum", ERR_UNSUPPORTED},
        {"{\"minimum\":\"1\"}", "schema:/minimum", ERR_INVALID},
        {"{\"minLength\":-1}", "schema:/minLength", ERR_INVALID},
        {"{\"minItems\":3,\"maxItems\":2}", "schema:", ERR_INVALID},
        {"{\"additionalProperties\":{}}", "schema:/additionalProperties", ERR_UNSUPPORTED},
        {"{\"format\":\"date-time\"}", "schema:/format", ERR_UNSUPPORTED},
        {"{\"format\":\"hex malware\"}", "schema:/format", ERR_INVALID},
        {"{\"properties\":{\"Rank\":true}}", "schema:/properties", ERR_INVALID},
        {"{\"properties\":{\"ab\":true}}", "schema:/properties", ERR_INVALID},
        {"{\"new-sdo\":true}", "schema:/new-sdo", ERR_INVALID},
        {"{\"property-extension\":true,\"title\":1}", "schema:/title", ERR_INVALID},
        {"{\"type\":\"object\",\"type\":\"object\"}", "schema:/type", ERR_DUPLICATE_NAME},
        {"[]", "schema:", ERR_INVALID},
        {"{", "schema:", ERR_SHORT},
    };
    struct kit kit;
    (void)state;
    kit_open(&kit);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err_t err = put(&kit, ID_NESTED, "\"property-extension\"", rows[i].schema);
        if (err != rows[i].err || strcmp(kit.fault.pointer, rows[i].pointer) != 0 ||
            kit.fault.what[0] == '\0')
            fail_msg("row %zu: %s %s %s", i, err_name(err), kit.fault.pointer, kit.fault.what);
    }
    assert_int_equal(
        put(&kit, ID_TOP, "\"toplevel-property-extension\"", "{\"properties\":{\"labels\":true}}"),
        ERR_INVALID);
    assert_int_equal(put(&kit, ID_HYBRID, "\"new-sdo\",\"property-extension\"", TWO_NUMBERS), ERR_INVALID);
    assert_int_equal(put(&kit, ID_HYBRID, "\"new-sdo\",\"property-extension\"", "{\"new-sdo\":true}"),
                     ERR_INVALID);
    assert_int_equal(put(&kit, ID_NESTED, "\"property-extension\"", ""), ERR_UNSUPPORTED); /* a URL */
    assert_int_equal(put(&kit, "indicator--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e", "\"new-sdo\"", "{}"),
                     ERR_INVALID);
    assert_int_equal(kit.extensions.count, 0);
    kit_close(&kit);
}

/* Nested deeper, wider or longer than is kept. */
static void test_limits(void **state)
{
    static char text[LIMIT_EXTENSION_BYTES + 64];
    struct kit kit;
    size_t len = 0;
    (void)state;
    kit_open(&kit);
    for (int depth = 1; depth < LIMIT_EXTENSION_DEPTH; depth++)
        len += (size_t)snprintf(text + len, sizeof text - len, "{\"items\":");
    (void)snprintf(text + len, sizeof text - len, "{%.*s", LIMIT_EXTENSION_DEPTH,
                   "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}");
    assert_int_equal(put(&kit, ID_NESTED, "\"property-extension\"", text), ERR_OK);
    (void)snprintf(text + len, sizeof text - len, "{\"items\":{%.*s", LIMIT_EXTENSION_DEPTH + 1,
                   "}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}");
    assert_int_equal(put(&kit, ID_NESTED, "\"property-extension\"", text), ERR_LIMIT);
    len = (size_t)snprintf(text, sizeof text, "{\"properties\":{\"p000\":true");
    for (int i = 1; i <= LIMIT_EXTENSION_PROPS; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, ",\"p%03d\":true", i);
    (void)snprintf(text + len, sizeof text - len, "}}");
    assert_int_equal(put(&kit, ID_NESTED, "\"property-extension\"", text), ERR_LIMIT);
    memset(text, ' ', sizeof text - 1);
    assert_int_equal(put(&kit, ID_NESTED, "\"property-extension\"", text), ERR_LIMIT);
    kit_close(&kit);
}

/* Every beginning of a good schema, and of a good definition, is refused and registers nothing. */
static void test_truncated(void **state)
{
    char text[TEXT_MAX], inline_text[TEXT_MAX];
    struct kit kit;
    const struct stix_extension *extension;
    (void)state;
    kit_open(&kit);
    for (size_t len = 1; len < strlen(HYBRID); len++) {
        char schema[sizeof HYBRID] = {0};
        memcpy(schema, HYBRID, len);
        arena_reset(&kit.arena);
        assert_int_not_equal(put(&kit, ID_HYBRID, "\"new-sdo\",\"new-sco\",\"property-extension\"", schema),
                             ERR_OK);
    }
    definition(text, ID_NESTED, "\"property-extension\"");
    const char *at = strstr(text, "https");
    (void)snprintf(inline_text, sizeof inline_text, "%.*s{\\\"required\\\":[\\\"rank\\\"]}%s",
                   (int)(at - text), text, strchr(at, '"'));
    struct bytes whole = bytes_from_str(str_of(inline_text));
    for (size_t len = 0; len <= whole.len; len++) {
        arena_reset(&kit.arena);
        err_t err = stix_extension_read(kit.reading.parser, bytes_of(whole.at, len), STR(""), &kit.arena,
                                        &extension, &kit.fault);
        assert_int_equal(err == ERR_OK, len == whole.len);
    }
    assert_int_equal(extension->rules, 1);
    kit_close(&kit);
}

/* --- the set --- */

static void test_set(void **state)
{
    char id[80];
    struct kit kit;
    (void)state;
    kit_open(&kit);
    for (int i = 0; i < LIMIT_EXTENSIONS; i++) {
        (void)snprintf(id, sizeof id, "extension-definition--%08x-0000-4000-8000-000000000000",
                       i * 7919 % 1000);
        must_put(&kit, id, "\"new-sco\"", "{}");
    }
    assert_int_equal(put(&kit, ID_NESTED, "\"new-sco\"", "{}"), ERR_FULL);
    assert_int_equal(put(&kit, id, "\"new-sco\"", "{}"), ERR_OK); /* another version of one */
    assert_int_equal(kit.extensions.count, LIMIT_EXTENSIONS);
    while (kit.extensions.count > 0) {
        struct stix_key key = kit.extensions.at[kit.extensions.count / 2]->key;
        assert_non_null(stix_extensions_find(&kit.extensions, &key));
        stix_extensions_drop(&kit.extensions, &key);
        assert_null(stix_extensions_find(&kit.extensions, &key));
    }
    kit_close(&kit);
}

/* So many breaches that they are counted alone take no more memory. */
static void test_many_breaches(void **state)
{
    static char text[1u << 20], content[1u << 19];
    struct kit kit;
    (void)state;
    kit_open(&kit);
    value_of(&kit, "{\"items\":{\"type\":\"string\"}}");
    size_t len = (size_t)snprintf(content, sizeof content, "\"value\":[0");
    while (len < sizeof content - 64)
        len += (size_t)snprintf(content + len, sizeof content - len, ",0");
    (void)snprintf(content + len, sizeof content - len, "]");
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"malware\",\"spec_version\":\"2.1\",\"is_family\":false,"
                   "\"id\":\"malware--66a63e16-92d7-4b2f-bd3d-21540d6b3fc7\"," TIMES
                   "\"extensions\":{\"" ID_NESTED "\":{\"extension_type\":\"property-extension\",%s}}}",
                   content);
    arena_deinit(&kit.reading.arena);
    arena_init(&kit.reading.arena, 256u << 10);
    assert_int_equal(breaches(&kit, text, NULL), LIMIT_STIX_WARNINGS);
    assert_true(kit.reading.object.warnings_dropped > 200000);
    kit_close(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_keywords),
        cmocka_unit_test(test_pointer_into_lists),
        cmocka_unit_test(test_toplevel),
        cmocka_unit_test(test_extension_properties),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_for_no_such_type),
        cmocka_unit_test(test_refused_schemas),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_set),
        cmocka_unit_test(test_many_breaches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
