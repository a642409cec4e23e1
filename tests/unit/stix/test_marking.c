/* Markings: built-in TLP, and what a definition says. */
#include "stix_test.h"

#define DEFINITION(id, rest)                                                                                 \
    "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-definition--" id             \
    "\",\"created\":\"2017-01-20T00:00:00.000Z\"," rest "}"
#define OWN      "0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061"
#define RED_1    "5e57c739-391a-4eb3-b6be-7d15ca92d5ed"
#define STRICT_2 "939a9414-2ddd-4d32-a0cd-375ea402b003"
#define EXT(id, in)                                                                                          \
    "\"extensions\":{\"extension-definition--" id "\":{\"extension_type\":\"property-extension\"," in "}}"
#define TLP_2 "60a3c5c5-0d10-413e-aab3-9e08dde9e88d"

struct expectation {
    const char *text;
    enum stix_marking_kind kind;
    enum stix_tlp tlp;
    bool contradicts;
};

static const struct expectation expectations[] = {
    {DEFINITION(RED_1, "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"red\"}"), STIX_MARKING_TLP,
     STIX_TLP_RED, false},
    {DEFINITION(RED_1, "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"white\"}"), STIX_MARKING_TLP,
     STIX_TLP_RED, true},
    {DEFINITION(RED_1, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"free\"}"),
     STIX_MARKING_TLP, STIX_TLP_RED, true},
    {DEFINITION(STRICT_2, EXT(TLP_2, "\"tlp_2_0\":\"amber+strict\"")), STIX_MARKING_TLP,
     STIX_TLP_AMBER_STRICT, false},
    {DEFINITION(OWN, EXT(TLP_2, "\"tlp_2_0\":\"clear\"")), STIX_MARKING_TLP_FOREIGN, STIX_TLP_NONE, false},
    {DEFINITION(OWN, "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"white\"}"),
     STIX_MARKING_TLP_FOREIGN, STIX_TLP_NONE, false},
    {DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"s\"}"),
     STIX_MARKING_STATEMENT, STIX_TLP_NONE, false},
    {DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"text\":\"s\"}"),
     STIX_MARKING_UNKNOWN, STIX_TLP_NONE, false},
    {DEFINITION(OWN, EXT("762e2e97-ee51-43e5-a9ea-165fbb862c4a", "\"tlp\":\"red\"")), STIX_MARKING_IEP,
     STIX_TLP_NONE, false},
    {DEFINITION(OWN, EXT("3a65884d-005a-4290-8335-cb2d778a83ce", "\"name\":\"x\"")), STIX_MARKING_ACS,
     STIX_TLP_NONE, false},
    {DEFINITION(OWN, EXT(OWN, "\"name\":\"x\"")), STIX_MARKING_UNKNOWN, STIX_TLP_NONE, false},
    {DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"s\"}," EXT(
                         OWN, "\"deny\":true")),
     STIX_MARKING_UNKNOWN, STIX_TLP_NONE, false},
};

static void definitions_are_classified(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        struct stix_marking marking;
        const struct expectation *e = &expectations[i];
        if (reading_read(&r, str_of(e->text)) != ERR_OK)
            fail_msg("%s: %s", e->text, r.fault.what);
        assert_int_equal(stix_marking_read(&r.object, &marking, NULL), ERR_OK);
        if (marking.kind != e->kind || marking.tlp != e->tlp || marking.tlp_contradicts != e->contradicts)
            fail_msg("%s: kind %d tlp %d", e->text, (int)marking.kind, (int)marking.tlp);
    }
    reading_close(&r);
}

static struct hash meaning(struct reading *r, const char *text)
{
    struct stix_marking marking;
    assert_int_equal(reading_read(r, str_of(text)), ERR_OK);
    assert_int_equal(stix_marking_read(&r->object, &marking, NULL), ERR_OK);
    return marking.meaning;
}

static void changed_text_changes_the_meaning(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    struct hash a = meaning(
        &r, DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"s\"}"));
    struct hash b = meaning(&r, DEFINITION(OWN, "\"definition\":{\"statement\":\"s\"},\"definition_type\":"
                                                "\"statement\",\"external_references\":[{\"source_name\":"
                                                "\"x\",\"url\":\"y\"}]"));
    struct hash c = meaning(
        &r, DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"t\"}"));
    assert_true(hash_eq(&a, &b));
    assert_false(hash_eq(&a, &c));
    reading_close(&r);
}

static void tlp_ids_are_built_in(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum stix_tlp tlp;
    } ids[] = {
        {"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", STIX_TLP_CLEAR},
        {"marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da", STIX_TLP_GREEN},
        {"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82", STIX_TLP_AMBER},
        {"marking-definition--" RED_1, STIX_TLP_RED},
        {"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487", STIX_TLP_CLEAR},
        {"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb", STIX_TLP_GREEN},
        {"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421", STIX_TLP_AMBER},
        {"marking-definition--" STRICT_2, STIX_TLP_AMBER_STRICT},
        {"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1", STIX_TLP_RED},
    };
    struct stix_key key;
    enum stix_tlp tlp;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_true(stix_id_parse(str_of(ids[i].id), &key));
        assert_true(stix_tlp_from_key(&key, &tlp));
        assert_int_equal(tlp, ids[i].tlp);
    }
    assert_true(stix_id_parse(STR("identity--" RED_1), &key));
    assert_false(stix_tlp_from_key(&key, &tlp));
    assert_true(stix_id_parse(STR("marking-definition--" OWN), &key));
    assert_false(stix_tlp_from_key(&key, &tlp));
}

static void levels_have_names_and_an_order(void **state)
{
    (void)state;
    enum stix_tlp tlp;
    for (unsigned i = STIX_TLP_CLEAR; i <= STIX_TLP_RED; i++) {
        assert_true(stix_tlp_from_name(str_of(stix_tlp_name((enum stix_tlp)i)), &tlp));
        assert_int_equal(tlp, i);
        assert_int_equal(stix_tlp_narrowest((enum stix_tlp)i, (enum stix_tlp)(i - 1)), i);
        assert_int_equal(stix_tlp_narrowest((enum stix_tlp)(i - 1), (enum stix_tlp)i), i);
    }
    assert_true(stix_tlp_from_name(STR("white"), &tlp) && tlp == STIX_TLP_CLEAR);
    assert_false(stix_tlp_from_name(STR("none"), &tlp));
    assert_false(stix_tlp_from_name(STR("RED"), &tlp));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_are_classified),
        cmocka_unit_test(changed_text_changes_the_meaning),
        cmocka_unit_test(tlp_ids_are_built_in),
        cmocka_unit_test(levels_have_names_and_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
