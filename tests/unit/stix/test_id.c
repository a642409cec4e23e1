/* Identifiers and types. */
#include "core/uuid.h"
#include "stix_test.h"

static void keys_hold_uuid_and_type(void **state)
{
    (void)state;
    struct stix_key a, b;
    assert_int_equal(stix_key_from_id(STR("indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), &a, NULL),
                     ERR_OK);
    assert_int_equal(a.b[0], 0x8e);
    assert_int_equal(a.b[15], 0x3f);
    struct hash digest = hash_sha256(bytes_from_str(STR("indicator")));
    assert_memory_equal(a.b + 16, digest.b, STIX_TYPE_DIGEST_SIZE);
    assert_int_equal(stix_key_from_id(STR("indicator--8E2E2D2B-17D4-4CBF-938F-98EE46B3CD3F"), &b, NULL),
                     ERR_OK);
    assert_true(stix_key_eq(&a, &b));
    assert_int_equal(stix_key_from_id(STR("malware--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), &b, NULL),
                     ERR_OK);
    assert_false(stix_key_eq(&a, &b));
    assert_int_equal(stix_key_from_id(STR("x-acme--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"), &b, NULL), ERR_OK);
    digest = hash_sha256(bytes_from_str(STR("x-acme")));
    assert_memory_equal(b.b + 16, digest.b, STIX_TYPE_DIGEST_SIZE);
}

static void every_digit_is_read_as_core_does(void **state)
{
    (void)state;
    char id[] = "tool--01234567-89ab-4def-8ABC-DEF012345678";
    for (size_t at = 6; at < sizeof id - 1; at++) {
        char before = id[at];
        for (unsigned c = 0; c < 256; c++) {
            struct uuid uuid;
            struct stix_key key;
            id[at] = (char)c;
            bool want = uuid_parse((struct str) {id + 6, UUID_TEXT_SIZE}, &uuid);
            assert_int_equal(stix_id_parse((struct str) {id, sizeof id - 1}, &key), want);
            if (want)
                assert_memory_equal(key.b, uuid.b, UUID_SIZE);
        }
        id[at] = before;
    }
}

static void the_table_of_types_is_right(void **state)
{
    (void)state;
    for (unsigned code = STIX_TYPE_UNKNOWN + 1; code < STIX_TYPE_COUNT; code++) {
        const struct stix_type *row = stix_type_row((enum stix_code)code);
        struct hash digest = hash_sha256(bytes_from_str(str_of(row->name)));
        assert_memory_equal(row->digest, digest.b, STIX_TYPE_DIGEST_SIZE);
        assert_ptr_equal(stix_type_find(str_of(row->name)), row);
        assert_int_equal(row->code, code);
    }
    assert_int_equal(STIX_TYPE_COUNT - 1, 19 + 2 + 18 + 3);
    assert_int_equal(stix_type_find(STR("tools"))->code, STIX_TYPE_UNKNOWN);
    assert_int_equal(stix_type_find(STR(""))->code, STIX_TYPE_UNKNOWN);
}

static void other_strings_are_no_identifiers(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "indicator",
        "indicator--",
        "8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "ab--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "Indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "x--y--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "x_acme--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "indicator-8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3",
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3g",
        "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f ",
        "indicator--8e2e2d2b017d4-4cbf-938f-98ee46b3cd3f",
    };
    struct stix_key key;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fault fault = {0};
        assert_int_equal(stix_key_from_id(str_of(wrong[i]), &key, &fault), ERR_INVALID);
        assert_string_equal(fault.section, "2.9");
        assert_false(stix_id_parse(str_of(wrong[i]), &key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_hold_uuid_and_type),
        cmocka_unit_test(every_digit_is_read_as_core_does),
        cmocka_unit_test(the_table_of_types_is_right),
        cmocka_unit_test(other_strings_are_no_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
