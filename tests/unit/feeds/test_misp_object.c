/* MISP objects by the table of templates: what is left out, what is told with another, what stays custom. */
#include "misp_test.h"

#define UUID(n) "5e000000-0000-4000-8000-00000000000" #n
#define HEAD                                                                                                 \
    "{`uuid`:`" UUID(0) "`,`info`:`i`,`timestamp`:`1760000000`,`published`:true,`distribution`:`3`,`Object`" \
                        ":"
#define OBJECT(n, name, more) "{`uuid`:`" UUID(n) "`,`name`:`" name "`" more ",`Attribute`:["
#define VALUE(n, type, relation, value, more)                                                                \
    "{`uuid`:`" UUID(n) "`,`type`:`" type "`,`object_relation`:`" relation "`,`value`:`" value               \
                        "`,`to_ids`:true" more "}"
#define MD5   "8764605c6f388c89096b534d33565802"
#define STAYS "marking-definition--4b0c9e17-2f8d-4d36-a1e5-9c7b3d60f842"

/* Grave accents stand for quotation marks. */
static void read_event(struct kit *kit, const char *text)
{
    char *copy = padded(str_of(text));
    for (char *at = copy; *at != '\0'; at++)
        if (*at == '`')
            *at = '"';
    kit_init(kit);
    err_t err = kit_read(kit, str_of(copy));
    if (err != ERR_OK)
        print_message("# %s\n", kit->fault.what);
    assert_int_equal(err, ERR_OK);
    free(copy);
}

static bool has(const struct kit *kit, const char *text)
{
    return memmem(kit->stix.at, kit->stix.len, text, strlen(text)) != NULL;
}

static void a_bad_value_is_left_out(void **state)
{
    (void)state;
    struct kit kit;
    read_event(&kit, HEAD "[" OBJECT(1, "file", "") VALUE(2, "md5", "md5", "12", "") "," VALUE(
                         3, "filename", "filename", "a.exe",
                         "") "," VALUE(4, "size-in-bytes", "size-in-bytes", "007", "") "]}]}");
    assert_true(has(&kit, "\"pattern\":\"[file:name = 'a.exe']\""));
    assert_true(has(&kit, "\"name\":\"a.exe\",\"x_misp_md5\":\"12\",\"x_misp_size_in_bytes\":\"007\""));
    kit_deinit(&kit);
}

static void without_what_its_type_needs_it_stays_custom(void **state)
{
    (void)state;
    struct kit kit;
    read_event(&kit, HEAD "[" OBJECT(1, "ip-port", "") VALUE(2, "ip-dst", "ip", "nowhere", "") "," VALUE(
                         3, "port", "dst-port", "80", "") "]}]}");
    assert_true(has(&kit, "{\"type\":\"x-misp-object\""));
    assert_false(has(&kit, "\"pattern\":"));
    assert_false(has(&kit, "{\"type\":\"network-traffic\""));
    kit_deinit(&kit);
}

static void half_an_extension_is_none(void **state)
{
    (void)state;
    struct kit kit;
    read_event(&kit, HEAD "[" OBJECT(1, "http-request", "") VALUE(2, "ip-dst", "ip-dst", "::1", "") "," VALUE(
                         3, "http-method", "method", "POST", "") "]}]}");
    assert_true(has(&kit, "\"dst_ref\":\"ipv6-addr--" UUID(2) "\""));
    assert_false(has(&kit, "\"http-request-ext\""));
    assert_true(has(&kit, "\"x_misp_method\":\"POST\""));
    kit_deinit(&kit);
}

static void a_deleted_attribute_says_nothing(void **state)
{
    (void)state;
    struct kit kit;
    read_event(&kit, HEAD "[" OBJECT(1, "file", "") VALUE(2, "md5", "md5", MD5, ",`deleted`:true") "," VALUE(
                         3, "filename", "filename", "a.exe", "") "]}]}");
    assert_true(has(&kit, "\"pattern\":\"[file:name = 'a.exe']\""));
    assert_false(has(&kit, "\"hashes\""));
    assert_true(has(&kit, "\"deleted\":true")); /* among the object's own members */
    kit_deinit(&kit);
}

#define FILE_WITH_PE(more)                                                                                   \
    HEAD "[{`uuid`:`" UUID(1) "`,`name`:`file`,`Attribute`:[" VALUE(                                         \
        2, "filename", "filename", "a.exe",                                                                  \
        "") "],`ObjectReference`:[{`uuid`:`" UUID(3) "`,`referenced_uuid`:`" UUID(4) "`,`relationship_type`" \
                                                                                     ":`includes`}]}"        \
                                                                                     "," OBJECT(4, "pe",     \
                                                                                                more)        \
                                                                                         VALUE(5, "text",    \
                                                                                               "type",       \
                                                                                               "exe",        \
                                                                                               "") "]}]}"

static void a_part_is_told_unless_it_is_narrower(void **state)
{
    (void)state;
    struct kit kit;
    read_event(&kit, FILE_WITH_PE(""));
    assert_true(has(&kit, "\"extensions\":{\"windows-pebinary-ext\":{\"pe_type\":\"exe\"}}"));
    assert_true(has(&kit, "file:extensions.'windows-pebinary-ext'.pe_type = 'exe'"));
    kit_deinit(&kit);
    read_event(&kit, FILE_WITH_PE(",`distribution`:`0`"));
    assert_true(has(&kit, STAYS));
    assert_false(has(&kit, "windows-pebinary-ext"));
    assert_true(has(&kit, "\"pattern\":\"[file:name = 'a.exe']\""));
    kit_deinit(&kit);
}

static void what_has_too_many_attributes_stays_custom(void **state)
{
    (void)state;
    struct kit kit;
    struct buf text;
    buf_init(&text, TEXT_MAX);
    buf_put_str(&text, STR(HEAD "[" OBJECT(1, "file", "")));
    for (unsigned i = 0; i <= LIMIT_MISP_OBJECT; i++)
        buf_printf(&text,
                   "%s{`uuid`:`5e000000-0000-4000-8000-%012x`,`type`:`filename`,`object_relation`:`filename`,"
                   "`value`:`a`}",
                   i > 0 ? "," : "", 0x1000 + i);
    buf_put(&text, "]}]}", 5);
    read_event(&kit, (const char *)text.at);
    assert_true(has(&kit, "{\"type\":\"x-misp-object\""));
    assert_false(has(&kit, "{\"type\":\"file\""));
    buf_deinit(&text);
    kit_deinit(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_value_is_left_out),
        cmocka_unit_test(without_what_its_type_needs_it_stays_custom),
        cmocka_unit_test(half_an_extension_is_none),
        cmocka_unit_test(a_deleted_attribute_says_nothing),
        cmocka_unit_test(a_part_is_told_unless_it_is_narrower),
        cmocka_unit_test(what_has_too_many_attributes_stays_custom),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
