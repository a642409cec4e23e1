/* Registered extensions in a gate: what comes in is checked, what is held is not, and a restart changes
 * nothing. */
#include "gate_test.h"

#define ID "extension-definition--d83fce45-ef58-4c6c-a3f4-1fbc32e98c6e"
#define DEFINITION                                                                                           \
    "{\"id\":\"" ID "\",\"type\":\"extension-definition\",\"spec_version\":\"2.1\",\"name\":\"Foo\","        \
    "\"created\":\"2014-02-20T09:16:08.989Z\",\"modified\":\"2014-02-20T09:16:08.989Z\","                    \
    "\"created_by_ref\":\"identity--11b76a96-5d2b-45e0-8a5a-f6994f370731\",\"schema\":\"a text\","           \
    "\"version\":\"1.2.1\",\"extension_types\":[\"property-extension\"]}"
#define SCHEMA    "{\"properties\":{\"rank\":{\"type\":\"integer\"}}}"
#define SCHEMA_10 "{\"properties\":{\"rank\":{\"type\":\"integer\",\"maximum\":10}}}"

static err_t put(struct bench *b, const char *schema)
{
    const struct stix_extension *extension;
    struct fault fault = {0};
    err_t err = gate_extension_put(b->gate, bytes_from_str(STR(DEFINITION)), str_of(schema), &by_test,
                                   b->now_us, &extension, &fault);
    if (err == ERR_OK) {
        assert_true(str_eq(extension->id, STR(ID)));
        assert_int_equal(gate_commit(b->gate), ERR_OK);
    }
    return err;
}

/* Submits a malware with this rank, each time another one. */
static enum gate_disposition submit(struct bench *b, uint32_t source, int number, const char *rank)
{
    char text[1024];
    int len = snprintf(text, sizeof text,
                       "{\"type\":\"malware\",\"spec_version\":\"2.1\",\"is_family\":false,"
                       "\"id\":\"malware--%08x-0000-4000-8000-000000000000\","
                       "\"created\":\"2014-02-20T09:16:08.989Z\",\"modified\":\"2014-02-20T09:16:08.989Z\","
                       "\"extensions\":{\"" ID "\":{\"extension_type\":\"property-extension\",\"rank\":%s}}}",
                       (unsigned)number, rank);
    assert_int_equal(bench_accept(b, source, text, (size_t)len), ERR_OK);
    for (int d = 0; d <= GATE_REFUSED; d++)
        if (b->answers[d] == 1)
            return (enum gate_disposition)d;
    fail();
    return GATE_REFUSED;
}

static uint32_t strict_source(struct bench *b)
{
    struct gate_source source = {
        .name = STR("strict"), .profile = GATE_PROFILE_STRICT, .assume_until_us = INT64_MAX};
    uint32_t number;
    assert_int_equal(gate_source_put(b->gate, &source, &by_test, b->now_us, &number), ERR_OK);
    return number;
}

static void test_checked_on_the_way_in(void **state)
{
    struct bench b;
    (void)state;
    bench_init(&b);
    uint32_t standard = bench_source(&b, "standard", STIX_TLP_NONE, false, false), strict = strict_source(&b);
    assert_int_equal(submit(&b, strict, 1, "\"high\""), GATE_NEW); /* not registered: nobody knows */
    assert_int_equal(put(&b, SCHEMA), ERR_OK);
    assert_int_equal(submit(&b, strict, 2, "5"), GATE_NEW);
    assert_int_equal(submit(&b, standard, 3, "\"high\""), GATE_NEW); /* a warning */
    assert_int_equal(submit(&b, strict, 4, "\"high\""), GATE_REFUSED);
    assert_string_equal(b.last_fault, "rank must be an integer (Foo)");
    assert_string_equal(b.last_pointer, "/extensions/" ID "/rank");
    /* What is held stays held and readable, whatever it breaks. */
    assert_int_equal(submit(&b, strict, 1, "\"high\""), GATE_REFUSED);
    uint64_t bad;
    assert_int_equal(gate_check(b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&b);
}

static void test_replaced_and_removed(void **state)
{
    struct bench b;
    struct stix_key key = bench_key(ID);
    (void)state;
    bench_init(&b);
    uint32_t strict = strict_source(&b);
    assert_int_equal(gate_extension_remove(b.gate, &key, &by_test, b.now_us), ERR_NOTFOUND);
    assert_int_equal(put(&b, SCHEMA), ERR_OK);
    assert_int_equal(submit(&b, strict, 1, "50"), GATE_NEW);
    assert_int_equal(put(&b, SCHEMA_10), ERR_OK);
    assert_int_equal(gate_extensions(b.gate)->count, 1);
    assert_int_equal(submit(&b, strict, 2, "50"), GATE_REFUSED);
    assert_int_equal(put(&b, "{\"pattern\":\"a\"}"), ERR_UNSUPPORTED); /* changes nothing */
    assert_int_equal(submit(&b, strict, 3, "51"), GATE_REFUSED);
    assert_int_equal(gate_extension_remove(b.gate, &key, &by_test, b.now_us), ERR_OK);
    assert_null(gate_extension_find(b.gate, &key));
    assert_int_equal(submit(&b, strict, 4, "\"high\""), GATE_NEW);
    bench_deinit(&b);
}

/* From the index, and from the log alone. */
static void test_survives_a_restart(void **state)
{
    struct bench b;
    struct stix_key key = bench_key(ID);
    struct bytes definition;
    struct str schema;
    (void)state;
    bench_init(&b);
    uint32_t strict = strict_source(&b);
    assert_int_equal(put(&b, SCHEMA), ERR_OK);
    assert_int_equal(put(&b, SCHEMA_10), ERR_OK);
    for (int round = 0; round < 3; round++) {
        gate_close(b.gate);
        struct gate_setup setup = {.os = os_linux(),
                                   .dir = b.dir,
                                   .node_name = STR("kr"),
                                   .diag = &bench_diag,
                                   .reindex = round == 2};
        assert_int_equal(gate_open(&setup, &b.gate), ERR_OK);
        assert_non_null(gate_extension_find(b.gate, &key));
        assert_int_equal(gate_extension_text(b.gate, &key, &definition, &schema), ERR_OK);
        assert_true(str_eq(str_from_bytes(definition), STR(DEFINITION)) && str_eq(schema, STR(SCHEMA_10)));
        assert_int_equal(submit(&b, strict, 100 + round, "11"), GATE_REFUSED);
        assert_int_equal(submit(&b, strict, 200 + round, "10"), GATE_NEW);
        assert_int_equal(gate_merge(b.gate, true), ERR_OK);
    }
    assert_int_equal(gate_extension_remove(b.gate, &key, &by_test, b.now_us), ERR_OK);
    assert_int_equal(gate_commit(b.gate), ERR_OK);
    bench_reopen(&b);
    assert_null(gate_extension_find(b.gate, &key));
    assert_int_equal(gate_extension_text(b.gate, &key, &definition, &schema), ERR_NOTFOUND);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checked_on_the_way_in),
        cmocka_unit_test(test_replaced_and_removed),
        cmocka_unit_test(test_survives_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
