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

#define IEP_(level, attribute, rest)                                                                         \
    EXT("762e2e97-ee51-43e5-a9ea-165fbb862c4a",                                                              \
        "\"encrypt_in_transit\":\"must\",\"permitted_actions\":\"internally-visible-actions\","              \
        "\"affected_party_notifications\":\"must-not\",\"tlp\":\"" level                                     \
        "\",\"provider_attribution\":\"" attribute "\",\"unmodified_resale\":\"must-not\","                  \
        "\"iep_id\":\"0224bfdf-ea3a-49c3-96f6-66d908bb1845\",\"iep_version\":2.0,\"description\":\"d\","     \
        "\"start_date\":\"2022-10-01T00:00:00Z\"" rest)
#define ACS_(controls, defaults, rest)                                                                       \
    EXT("3a65884d-005a-4290-8335-cb2d778a83ce",                                                              \
        "\"identifier\":\"isa:guide.19001.ACS3-a526c69f-1468-4f4e-96eb-cdbf302cc0e3\",\"name\":\"n\","       \
        "\"create_date_time\":\"2018-05-27T14:10:26.723Z\",\"responsible_entity_custodian\":\"USA.DHS\","    \
        "\"policy_reference\":\"urn:isa:policy:acs:ns:v3.0?" defaults "\",\"control_set\":{" controls        \
        "}" rest)
#define PERMIT "privdefault=permit&sharedefault=permit"
#define U      "\"classification\":\"U\""

/* What each model comes down to. NONE: denied. */
static const struct {
    const char *text;
    enum stix_marking_kind kind;
    enum stix_tlp tlp;
} ceilings[] = {
    {DEFINITION(OWN, IEP_("amber", "may", "")), STIX_MARKING_IEP, STIX_TLP_AMBER},
    {DEFINITION(OWN, IEP_("white", "must", "")), STIX_MARKING_IEP, STIX_TLP_CLEAR},
    {DEFINITION(OWN, IEP_("green", "must-not", "")), STIX_MARKING_IEP, STIX_TLP_RED},
    {DEFINITION(OWN, IEP_("clear", "may", "")), STIX_MARKING_IEP, STIX_TLP_NONE},
    {DEFINITION(OWN, IEP_("green", "never", "")), STIX_MARKING_IEP, STIX_TLP_NONE},
    {DEFINITION(OWN, IEP_("green", "may", ",\"more\":1")), STIX_MARKING_IEP, STIX_TLP_NONE},
    {DEFINITION(OWN, IEP_("green", "may", ",\"end_date\":\"soon\"")), STIX_MARKING_IEP, STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"formal_determination\":[\"PUBREL\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_CLEAR},
    {DEFINITION(OWN, ACS_(U, PERMIT, "")), STIX_MARKING_ACS, STIX_TLP_RED},
    {DEFINITION(OWN, ACS_("\"classification\":\"S\"", PERMIT, "")), STIX_MARKING_ACS, STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"formal_determination\":[\"PUBREL\",\"NF\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"formal_determination\":[\"OTHER\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"permitted_nationalities\":[\"USA\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"permitted_nationalities\":[\"ALL\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_RED},
    {DEFINITION(OWN, ACS_(U ",\"permitted_nationalities\":[\"ALL\",\"USA\"]", PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U, "privdefault=deny&sharedefault=permit", "")), STIX_MARKING_ACS, STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U, PERMIT " urn:isa:policy:acs:ns:v3.0?" PERMIT, "")), STIX_MARKING_ACS,
     STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U, PERMIT,
                          ",\"further_sharing\":[{\"sharing_scope\":[\"FOREIGNGOV\"],"
                          "\"rule_effect\":\"deny\"}]")),
     STIX_MARKING_ACS, STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U, PERMIT, ",\"unheard_of\":1")), STIX_MARKING_ACS, STIX_TLP_NONE},
    {DEFINITION(OWN, ACS_(U ",\"unheard_of\":1", PERMIT, "")), STIX_MARKING_ACS, STIX_TLP_NONE},
    /* TLP in other words: what narrows is believed, what widens is not. */
    {DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"tlp:amber+strict\"}"),
     STIX_MARKING_STATEMENT, STIX_TLP_AMBER_STRICT},
    {DEFINITION(OWN, "\"definition_type\":\"statement\",\"definition\":{\"statement\":\"TLP:CLEAR\"}"),
     STIX_MARKING_STATEMENT, STIX_TLP_NONE},
    {DEFINITION(OWN, "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"RED\"}"),
     STIX_MARKING_TLP_FOREIGN, STIX_TLP_RED},
    {DEFINITION(OWN, "\"definition_type\":\"tlp\",\"definition\":{\"tlp\":\"green\"}"),
     STIX_MARKING_TLP_FOREIGN, STIX_TLP_NONE},
    {DEFINITION("826578e1-40ad-459f-bc73-ede076f81f37",
                "\"definition_type\":\"TLP\",\"name\":\"TLP:CLEAR\"," EXT(OWN, "\"order\":3")),
     STIX_MARKING_TLP, STIX_TLP_AMBER_STRICT},
};

static void models_come_down_to_a_level(void **state)
{
    (void)state;
    struct reading r;
    reading_open(&r);
    for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++) {
        struct stix_marking marking;
        if (reading_read(&r, str_of(ceilings[i].text)) != ERR_OK)
            fail_msg("%s: %s", ceilings[i].text, r.fault.what);
        assert_int_equal(stix_marking_read(&r.object, &marking, NULL), ERR_OK);
        if (marking.kind != ceilings[i].kind || marking.tlp != ceilings[i].tlp || marking.why == NULL)
            fail_msg("%s: kind %d tlp %s", ceilings[i].text, (int)marking.kind, stix_tlp_name(marking.tlp));
    }
    reading_close(&r);
}

static void policies_hold_for_their_time(void **state)
{
    (void)state;
    static const struct {
        const char *now;
        enum stix_tlp tlp;
    } times[] = {{"2022-09-30T23:59:59Z", STIX_TLP_NONE},
                 {"2022-10-01T00:00:00Z", STIX_TLP_GREEN},
                 {"2022-10-31T23:59:59.9Z", STIX_TLP_GREEN},
                 {"2022-11-01T00:00:00Z", STIX_TLP_NONE}};
    struct reading r;
    struct stix_marking marking;
    struct stamp now;
    reading_open(&r);
    assert_int_equal(reading_read(&r, STR(DEFINITION(OWN, IEP_("green", "may",
                                                               ",\"end_date\":\"2022-11-01T00:00:00Z\"")))),
                     ERR_OK);
    assert_int_equal(stix_marking_read(&r.object, &marking, NULL), ERR_OK);
    assert_true(marking.iep.encrypt == STIX_IEP_MUST && marking.iep.notify == STIX_IEP_MUST_NOT &&
                marking.iep.actions == STIX_IEP_INTERNAL && marking.iep.attribute == STIX_IEP_MAY);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        assert_int_equal(stamp_parse(str_of(times[i].now), &now, NULL), ERR_OK);
        assert_int_equal(stix_marking_tlp_at(&marking, now), times[i].tlp);
    }
    reading_close(&r);
}

static void labels_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        enum stix_tlp tlp;
    } labels[] = {{"TLP:CLEAR", STIX_TLP_CLEAR},
                  {"tlp:white", STIX_TLP_CLEAR},
                  {"Amber+Strict", STIX_TLP_AMBER_STRICT},
                  {"TLP:AMBER STRICT", STIX_TLP_AMBER_STRICT},
                  {" tlp:amber-strict", STIX_TLP_AMBER_STRICT},
                  {"RED", STIX_TLP_RED},
                  {"TLP:AMBER_STRICT", STIX_TLP_AMBER_STRICT},
                  {"tlp: green", STIX_TLP_NONE}};
    static const char *const wrong[] = {"",           "tlp:", "tlp:none", "clear of it", "amber+strictest",
                                        "tlp:tlp:red"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        enum stix_tlp tlp = STIX_TLP_NONE;
        bool read = stix_tlp_from_label(str_of(labels[i].label), &tlp);
        if (read != (labels[i].tlp != STIX_TLP_NONE) || tlp != labels[i].tlp)
            fail_msg("%s", labels[i].label);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        enum stix_tlp tlp;
        assert_false(stix_tlp_from_label(str_of(wrong[i]), &tlp));
    }
}

static void the_id_of_opencti_is_no_fixed_one(void **state)
{
    (void)state;
    struct stix_key key;
    enum stix_tlp tlp;
    assert_true(stix_id_parse(STR("marking-definition--826578e1-40ad-459f-bc73-ede076f81f37"), &key));
    assert_true(stix_tlp_from_key(&key, &tlp) && tlp == STIX_TLP_AMBER_STRICT);
    assert_false(stix_tlp_is_fixed(&key));
    assert_true(stix_id_parse(STR("marking-definition--" RED_1), &key));
    assert_true(stix_tlp_is_fixed(&key));
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
        cmocka_unit_test(models_come_down_to_a_level),
        cmocka_unit_test(policies_hold_for_their_time),
        cmocka_unit_test(labels_are_read_as_people_write_them),
        cmocka_unit_test(the_id_of_opencti_is_no_fixed_one),
        cmocka_unit_test(changed_text_changes_the_meaning),
        cmocka_unit_test(tlp_ids_are_built_in),
        cmocka_unit_test(levels_have_names_and_an_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
