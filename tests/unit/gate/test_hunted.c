/* What the leak hunt found (docs/leak-hunt.md), small: what stayed though it may go, and what has to stay. */
#include "texts.h"

#define MAKER "identity--00000000-0000-4000-8000-000000000001"
#define OTHER "identity--00000000-0000-4000-8000-000000000002"
#define KNOWN ",\"confidence\":90"
#define BY    ",\"created_by_ref\":\"" MAKER "\""

/* Identity `n` as of second `version` of its life. */
static const char *maker(char out[TEXT_MAX], int n, int version, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:%02d.000Z\","
                   "\"name\":\"number %d\",\"identity_class\":\"organization\"%s}",
                   id_of(id, "identity", n), version, n, more);
    return out;
}

static const char *report(char out[TEXT_MAX], int n, const char *name, const char *ref)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"%s\"" BY ",\"created\":"
                   "\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"%s\","
                   "\"published\":\"2026-01-01T00:00:00Z\",\"object_refs\":[\"%s\"]}",
                   id_of(id, "report", n), name, ref);
    return out;
}

/* Minted it has another creator; where it names its own one otherwise it waits for him, and goes with him. */
static void a_creator_is_waited_for(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa with drop-references, redact "
                            "\"x_none\"\n");
    (void)bench_add(&n.b, n.own, maker(text, 1, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ""));
    (void)bench_add(&n.b, n.own, report(text, 1, "the only member", MAKER));
    (void)bench_add(&n.b, n.own, report(text, 2, "by " MAKER, id_of(id, "indicator", 1)));
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(ids_of(us, "report--"), 0);
    mem_free(us);
    (void)bench_add(&n.b, n.own, maker(text, 1, 2, MARKED(TLP_GREEN)));
    us = texts_of(&n, n.us);
    assert_non_null(text_with(us, "the only member"));
    assert_int_equal(ids_of(us, "report--"), 2);
    assert_null(text_with(us, MAKER));
    mem_free(us);
    bench_deinit(&n.b);
}

/* What comes along named the creator who is not to be named, at once or through another one; a newer version
 * does not. */
static void a_name_that_is_gone_keeps_nothing(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "release made if type == indicator to us-cisa with anonymise-creator\n"
                            "release makers if type == identity and confidence > 50 to us-cisa\n");
    (void)bench_add(&n.b, n.own, maker(text, 1, 1, ""));
    (void)bench_add(&n.b, n.own, maker(text, 2, 1, KNOWN BY));
    (void)bench_add(&n.b, n.own, maker(text, 3, 1, KNOWN ",\"x_of\":\"" OTHER "\""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, BY ",\"x_for\":\"" OTHER "\""));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 2, 1, BY ",\"x_for\":\"identity--00000000-0000-4000-8000-000000000003\""));
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(ids_of(us, "indicator--"), 0);
    mem_free(us);
    (void)bench_add(&n.b, n.own, maker(text, 2, 2, KNOWN));
    us = texts_of(&n, n.us);
    assert_int_equal(ids_of(us, "indicator--"), 2);
    mem_free(us);
    bench_deinit(&n.b);
}

/* A rival copy of the same version binds by its marking, and gives none to what has none (DESIGN 5). */
static void a_rival_copy_gives_no_level(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t silent = bench_source(&n.b, "silent", STIX_TLP_NONE, true, false);
    bench_policy_text(&n.b, "language 1\n"
                            "release open if tlp <= green to us-cisa\n"
                            "release said if marking known to jp-nisc\n");
    /* Nothing is assumed of the first; of the second CLEAR is, which nobody said either. */
    (void)bench_add(&n.b, silent, indicator(text, 1, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ""));
    (void)bench_add(&n.b, silent, indicator(text, 3, 1, MARKED(TLP_GREEN)));
    for (int i = 1; i <= 3; i++)
        assert_int_equal(bench_add(&n.b, i == 2 ? n.own : silent,
                                   indicator(text, i, 1, ",\"name\":\"rival\"" MARKED(TLP_CLEAR))),
                         GATE_CONFLICT);
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "rival"));
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(bench_is_released(&n.b, n.us, "indicator", i), i >= 2);
        assert_int_equal(bench_is_released(&n.b, n.jp, "indicator", i), i == 3);
    }
    /* One that says RED takes back what had left. */
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ",\"name\":\"other\"" MARKED(TLP_RED)));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

static const char *translation(char out[TEXT_MAX], int n, const char *about, const char *contents)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":"
                   "\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"object_ref\":"
                   "\"%s\",\"contents\":%s}",
                   id_of(id, "language-content", n), about, contents);
    return out;
}

/* What is cut goes from translations of translations, however far, also where those between say nothing of
 * it; what is kept as a whole is told by none of them. */
static void translations_of_translations(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1, ",\"name\":\"n\",\"description\":\"x\"" CUT(TLP_AMBER, "\"description\"")));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ",\"name\":\"n\"" MARKED(TLP_AMBER)));
    (void)bench_add(&n.b, n.own,
                    translation(text, 1, id_of(id, "indicator", 1), "{\"ko\":{\"name\":\"gonggae\"}}"));
    (void)bench_add(
        &n.b, n.own,
        translation(text, 2, id_of(id, "language-content", 1),
                    "{\"fr\":{\"contents\":{\"ko\":{\"name\":\"ouvert\"},\"de\":{\"description\":"
                    "\"secret\"}}},\"en\":{\"contents\":{\"ko\":{\"description\":\"secret\"}}}}"));
    (void)bench_add(&n.b, n.own,
                    translation(text, 3, id_of(id, "language-content", 2),
                                "{\"ja\":{\"contents\":{\"fr\":{\"contents\":{\"ko\":{\"name\":\"kokai\","
                                "\"description\":\"secret\"}}}}}}"));
    (void)bench_add(&n.b, n.own,
                    translation(text, 4, id_of(id, "indicator", 2), "{\"ko\":{\"name\":\"bimil\"}}"));
    (void)bench_add(&n.b, n.own,
                    translation(text, 5, id_of(id, "language-content", 4),
                                "{\"fr\":{\"contents\":{\"ko\":{\"name\":\"bimil\"}}}}"));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, "bimil"));
    assert_null(text_with(us, "\"de\""));
    assert_non_null(text_with(us, "gonggae"));
    assert_non_null(text_with(us, "ouvert"));
    assert_non_null(text_with(us, "kokai"));
    assert_int_equal(ids_of(us, "language-content--"), 3);
    assert_int_equal(ids_of(jp, "language-content--"), 5);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* What speaks of itself, through others, says what nobody knows: it stays. */
static void a_circle_of_translations_stays(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    for (int i = 1; i <= 3; i++) /* 1 of 2 of 3 of 2 */
        (void)bench_add(&n.b, n.own,
                        translation(text, i, id_of(id, "language-content", i == 2 ? 3 : 2),
                                    "{\"ko\":{\"lang\":\"ko\"}}"));
    (void)bench_add(&n.b, n.own,
                    translation(text, 4, id_of(id, "language-content", 4), "{\"ko\":{\"lang\":\"ko\"}}"));
    bench_settle(&n.b);
    for (int i = 1; i <= 4; i++)
        assert_false(bench_is_released(&n.b, n.jp, "language-content", i));
    bench_deinit(&n.b);
}

/* A name that is hidden where it stands is hidden in every translation of a translation. */
static void a_masked_name_stays_masked(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa with mask-personal-data\n");
    (void)bench_add(&n.b, n.own, identity(text, 1, "individual", ""));
    (void)bench_add(&n.b, n.own,
                    translation(text, 1, id_of(id, "identity", 1), "{\"ko\":{\"name\":\"Hong Gildong\"}}"));
    (void)bench_add(&n.b, n.own,
                    translation(text, 2, id_of(id, "language-content", 1),
                                "{\"fr\":{\"contents\":{\"ko\":{\"name\":\"Hong Gildong\"}}}}"));
    struct texts *us = texts_of(&n, n.us);
    assert_null(text_with(us, "Gildong"));
    mem_free(us);
    bench_deinit(&n.b);
}

#define FOLDER "directory--8e55d420-1bde-59e7-8a37-722d44ec7bf0"

static const char *file(char out[TEXT_MAX], const char *id, const char *name, const char *more)
{
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"file\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"name\":\"%s\","
                   "\"parent_directory_ref\":\"" FOLDER "\"%s}",
                   id, name, more);
    return out;
}

/* What is left of an observable gives it another identifier, and that may go beside a mask that is none of
 * it; where the mask itself would give it, two observables could become one: it stays. */
static void a_mask_gives_no_identifier(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa with mask-personal-data\n");
    (void)bench_add(
        &n.b, n.own,
        file(text, "file--81d42cb8-c98f-51bd-a26b-9306c4340d6c", "report.bin",
             ",\"x_note\":\"write to kim.minsu@example.co.kr\"" CUT(TLP_RED, "\"parent_directory_ref\"")));
    (void)bench_add(&n.b, n.own,
                    file(text, "file--228a465b-ed12-5815-8b01-d6a2cd5c7d03", "for kim.minsu@example.co.kr",
                         CUT(TLP_RED, "\"parent_directory_ref\"")));
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(ids_of(us, "file--"), 1);
    assert_non_null(text_with(us, "file--b2d82d8e-c97e-512b-9767-e330a280d385"));
    assert_null(text_with(us, "minsu"));
    assert_null(text_with(us, "directory--"));
    mem_free(us);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creator_is_waited_for),      cmocka_unit_test(a_rival_copy_gives_no_level),
        cmocka_unit_test(translations_of_translations), cmocka_unit_test(a_circle_of_translations_stays),
        cmocka_unit_test(a_masked_name_stays_masked),   cmocka_unit_test(a_name_that_is_gone_keeps_nothing),
        cmocka_unit_test(a_mask_gives_no_identifier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
