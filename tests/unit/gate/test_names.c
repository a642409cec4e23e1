/* Names in passing: what a text may tell its reader of. */
#include "texts.h"

#define NAMED(n)    "indicator--00000000-0000-4000-8000-00000000000" n
#define SAYS(words) ",\"description\":\"" words "\""

static const char *report(char out[TEXT_MAX], int n, const char *of, const char *name)
{
    char id[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"name\":\"%s\",\"published\":\"2026-01-01T00:00:00Z\",\"object_refs\":[\"%s\"]}",
                   id_of(id, "report", n), name, of);
    return out;
}

/* Of indicator number `n`. */
static const char *translation(char out[TEXT_MAX], int n, const char *name)
{
    char id[ID_MAX], about[ID_MAX];
    (void)snprintf(out, TEXT_MAX,
                   "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\","
                   "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"object_ref\":\"%s\",\"contents\":{\"ko\":{\"name\":\"%s\"}}}",
                   id_of(id, "language-content", n), id_of(about, "indicator", n), name);
    return out;
}

/* What each partner has may be named to him; anything else goes, and comes back when he gets it. */
static void a_text_names_what_its_reader_has(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    uint64_t bad = 1;
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, SAYS("the victim is told in " NAMED("1"))));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(jp->count, 2); /* nobody made anything for him */
    assert_string_equal(text_with(jp, "the victim"), text);
    assert_int_equal(us->count, 2);
    assert_null(text_with(us, "the victim"));
    assert_null(text_with(us, id_of(id, "indicator", 1)));
    assert_null(text_with(us, id_of(id, "indicator", 2)));
    assert_non_null(text_with(us, "198.51.100.2"));
    mem_free(us);
    /* It may go at last, and with it the text. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    us = texts_of(&n, n.us);
    assert_non_null(text_with(us, "the victim"));
    assert_non_null(text_with(us, id_of(id, "indicator", 2)));
    mem_free(us);
    /* The log alone gives the same, and the index is as it was. */
    bench_reopen(&n.b);
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 5);
    assert_int_equal(gate_check(n.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* However it stands there. */
static void no_way_of_writing_hides_a_name(void **state)
{
    (void)state;
    static const char *const ways[] = {
        SAYS("see " NAMED("9")),
        SAYS("INDICATOR--00000000-0000-4000-8000-000000000009"),
        SAYS(" " NAMED("9")),
        SAYS("https://kb.example/" NAMED("9") ".json?x"),
        SAYS("indicator\\u002d-00000000\\u002d0000-4000-8000-000000000009!"),
        SAYS("\\uc9c0\\ud45c " NAMED("9") "\\uc744 \\ubcf4\\uc2ed\\uc2dc\\uc624"),
        SAYS("and another-" NAMED("9")),
        SAYS("indicator\\u201300000000-0000-4000-8000-000000000009"),
        SAYS("indicator\xe2\x80\x94"
             "00000000\xe2\x80\x91"
             "0000\xe2\x88\x92"
             "4000-8000-000000000009"),
        SAYS("https://kb.example/?id=indicator%2D%2D00000000-0000-4000-8000-000000000009"),
        SAYS("indicator%252D%252D00000000-0000-4000-8000-000000000009"),
        SAYS("indicator&#45;&#x2d;00000000-0000-4000-8000-000000000009"),
        SAYS("indicator&ndash;00000000-0000-4000-8000-000000000009"),
        SAYS("in\\u00addi\\u200bcator--00000000-0000-4000-8000-0000\\u00ad00000009"),
        SAYS("indicator\\\\u002d\\\\u002d00000000-0000-4000-8000-000000000009"),
        SAYS("indicator--\\r\\n00000000-0000-4000-8000-000000000009"),
        SAYS("see indicator 00000000-0000-4000-8000-000000000009"),
        SAYS("/objects/indicator/00000000-0000-4000-8000-000000000009/"),
        SAYS("Indicator: 00000000-0000-4000-8000-000000000009"),
        SAYS("indicator_00000000-0000-4000-8000-000000000009"),
        SAYS("indicator--\xef\xbc\x90\xef\xbc\x90"
             "000000-0000-4000-8000-000000000009"),
        SAYS("see aW5kaWNhdG9yLS0wMDAwMDAwMC0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDk="),
        SAYS("\xd1\x96n\xd4\x81\xd1\x96\xd1\x81\xd0\xb0t\xd0\xber--00000000-0000-4000-8000-000000000009"),
        SAYS("i n d i c a t o r - - 0 0 0 0 0 0 0 0 - 0 0 0 0 - 4 0 0 0 - 8 0 0 0 - 0 0 0 0 0 0 0 0 0 0 0 9"),
        ",\"x_by\":{\"of indicator%2D%2D00000000-0000-4000-8000-000000000009\":true}",
        ",\"labels\":[\"of " NAMED("9") "\"]",
        ",\"x_log\":[{\"line\":\"- " NAMED("9") " hit\"}]",
        ",\"x_by\":{\"of " NAMED("9") "\":true}",
        ",\"external_references\":[{\"source_name\":\"s\",\"url\":\"https://kb.example/" NAMED("9") "\"}]",
    };
    struct node n;
    char text[TEXT_MAX], token[32];
    node_init(&n);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        (void)bench_add(&n.b, n.own, indicator(text, (int)i + 10, 1, ways[i]));
    struct texts *us = texts_of(&n, n.us);
    assert_null(text_with(us, "00000009"));
    assert_null(text_with(us, "000000000009"));
    assert_null(text_with(us, "MDAwMDk="));
    assert_null(text_with(us, "0 0 9"));
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        (void)snprintf(token, sizeof token, "198.51.100.%d'", (int)i + 10);
        if (text_with(us, token) == NULL)
            print_message("# stuck: %s\n", ways[i]);
        assert_non_null(text_with(us, token));
    }
    mem_free(us);
    bench_deinit(&n.b);
}

/* What may not be taken out waits for what it names, as for anything that it refers to; so does a definition,
 * which is never made anew. */
static void what_cannot_be_cleaned_waits(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, report(text, 1, NAMED("2"), "after " NAMED("1")));
    (void)bench_add(&n.b, n.own, statement(text, 5, "as " NAMED("1") " has it"));
    struct stix_key key = key_of("marking-definition", 5);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ""));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 3, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000005")));
    assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(us->count, 1);
    assert_non_null(text_with(us, "198.51.100.2"));
    mem_free(us);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ""));
    us = texts_of(&n, n.us);
    assert_non_null(text_with(us, "after " NAMED("1")));
    assert_non_null(text_with(us, "198.51.100.3"));
    mem_free(us);
    bench_deinit(&n.b);
}

/* The policy may say of a partner that texts name what they like. */
static void a_partner_may_be_told_any_name(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "partner jp-nisc { names-in-texts any }\n"
                            "release open if tlp <= green to all\n");
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, SAYS("see " NAMED("1"))));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "see "));
    assert_int_equal(us->count, 2);
    assert_int_equal(jp->count, 1);
    assert_string_equal(jp->at[0].text, text);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

#define ANY_NAME                                                                                             \
    "language 1\npartner jp-nisc { names-in-texts any }\n"                                                   \
    "release open if tlp <= green to jp-nisc\n"
#define KNOWN_NAMES                                                                                          \
    "language 1\ndeny old if has confidence and confidence < 9\n"                                            \
    "release open if tlp <= green to jp-nisc\n"

static bool count_given(void *ctx, const struct gate_leaf *leaf)
{
    size_t *seen = ctx;
    *seen += leaf->object.len > 0;
    return true;
}

/* Where a partner may be told any name no more, what tells him of something that he never had is taken back,
 * and goes without that; where the text cannot go it waits. What he had once he knows. */
static void names_that_left_are_taken_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], kept[TEXT_MAX], past[TEXT_MAX], id[ID_MAX];
    size_t seen = 0;
    node_init(&n);
    bench_policy_text(&n.b, ANY_NAME);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_GREEN) ",\"confidence\":5"));
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, SAYS("the victim is told in " NAMED("1"))));
    (void)bench_add(&n.b, n.own, indicator(kept, 5, 1, SAYS("as good as " NAMED("2"))));
    (void)bench_add(&n.b, n.own, indicator(past, 6, 1, SAYS("as bad as " NAMED("3"))));
    (void)bench_add(&n.b, n.own, report(text, 1, NAMED("2"), "after " NAMED("1")));
    struct texts *jp = texts_of(&n, n.jp);
    assert_int_equal(jp->count, 6);
    assert_non_null(text_with(jp, "after "));
    mem_free(jp);
    bench_policy_text(&n.b, KNOWN_NAMES);
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    /* No step was made, and it is given to nobody already. */
    assert_int_equal(gate_leaves(n.b.gate, n.jp, 2, count_given, &seen), ERR_BUSY);
    assert_int_equal(seen, 0);
    jp = texts_of(&n, n.jp);
    assert_null(text_with(jp, "the victim"));
    assert_null(text_with(jp, id_of(id, "indicator", 1)));
    assert_null(text_with(jp, "after "));
    assert_null(text_with(jp, "198.51.100.3'"));
    assert_non_null(text_with(jp, "198.51.100.4'"));
    assert_string_equal(text_with(jp, "as good as"), kept);
    assert_string_equal(text_with(jp, "as bad as"), past);
    /* Six of before; indicators 3 and 4 and the report end; who made it, and the fourth anew. */
    assert_int_equal(jp->count, 11);
    mem_free(jp);
    /* A second policy takes nothing more. */
    bench_policy_text(&n.b, KNOWN_NAMES "release more if tlp <= clear to us-cisa\n");
    jp = texts_of(&n, n.jp);
    assert_int_equal(jp->count, 11);
    mem_free(jp);
    /* Any name again: all of it comes back whole. */
    bench_policy_text(&n.b, ANY_NAME);
    jp = texts_of(&n, n.jp);
    assert_non_null(text_with(jp, "the victim"));
    assert_non_null(text_with(jp, "after "));
    mem_free(jp);
    bench_deinit(&n.b);
}

/* What was minted because of another's name, and not for its own text, names what it likes as well. */
static void names_in_what_was_minted_are_taken_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    static const char redacts[] = "release red if type == indicator and tlp <= green to jp-nisc with redact "
                                  "\"labels\"\nrelease open if tlp <= green to jp-nisc\n";
    char rules[512];
    node_init(&n);
    (void)snprintf(rules, sizeof rules, "language 1\npartner jp-nisc { names-in-texts any }\n%s", redacts);
    bench_policy_text(&n.b, rules);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, report(text, 1, NAMED("2"), "a name that nobody takes out"));
    (void)bench_add(&n.b, n.own, relationship(text, 7, 2, 2, SAYS("of " NAMED("1"))));
    struct texts *jp = texts_of(&n, n.jp);
    assert_non_null(text_with(jp, NAMED("1")));
    mem_free(jp);
    (void)snprintf(rules, sizeof rules, "language 1\n%s", redacts);
    bench_policy_text(&n.b, rules);
    jp = texts_of(&n, n.jp);
    assert_null(text_with(jp, NAMED("1")));
    assert_int_equal(ids_of(jp, "relationship--"), 1);
    assert_int_equal(ids_of(jp, "report--"), 1);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* --- twins --- */

/* What us-cisa reads where texts name indicator 1: `held`, it is there and withheld; else nobody ever heard
 * of it. `first`: it comes before what names it. */
static struct texts *twin(bool held, bool first)
{
    static const uint8_t secret[HASH_SIZE] = {4, 5, 6};
    struct node n;
    char text[TEXT_MAX], hidden[TEXT_MAX];
    bool more = true;
    int64_t next;
    bench_init(&n.b);
    struct bytes key = bytes_of(secret, sizeof secret);
    assert_int_equal(gate_setting_put(n.b.gate, STR("gate/mint"), key, &by_test, n.b.now_us), ERR_OK);
    node_begin(&n);
    (void)indicator(hidden, 1, 1, MARKED(TLP_AMBER));
    for (int i = 0; i < 3; i++) {
        n.b.now_us += 1000000;
        if (held && (first ? i == 0 : i == 2))
            (void)bench_add(&n.b, n.own, hidden);
        (void)bench_add(
            &n.b, n.own,
            indicator(text, 10 + i, 1, i == 1 ? SAYS("like indicator 10") : SAYS("see " NAMED("1"))));
        (void)bench_add(&n.b, n.own, report(text, i, NAMED("1"), "of it"));
        (void)bench_add(&n.b, n.own, relationship(text, i, 10, 10 + i, SAYS("as " NAMED("1") " says")));
        for (more = true; more;)
            assert_int_equal(gate_step(n.b.gate, n.b.now_us, &more, &next), ERR_OK);
        assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    }
    struct texts *us = texts_of(&n, n.us);
    bench_deinit(&n.b);
    return us;
}

static void what_is_held_shows_in_no_text(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        struct texts *one = twin(false, first), *two = twin(true, first);
        assert_int_equal(one->count, 7); /* three indicators, three relationships, and who made them */
        assert_int_equal(one->count, two->count);
        for (size_t i = 0; i < one->count; i++) {
            assert_string_equal(one->at[i].text, two->at[i].text);
            assert_int_equal(one->at[i].op, two->at[i].op);
        }
        mem_free(one);
        mem_free(two);
    }
}

/* --- translations --- */

/* Who may not be named may stand in any text of a translation. It waits for somebody who has read it; whether
 * this node knows the creator's name, or whether there is one, is not asked. */
static void a_translation_may_name_whom_nobody_names(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "release quiet if tlp <= green and type == indicator to us-cisa with "
                            "anonymise-creator\n"
                            "release open if tlp <= green to all\n"
                            "release inner if tlp <= amber to jp-nisc\n");
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1, ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000007\""));
    (void)bench_add(&n.b, n.own, identity(text, 7, "organization", MARKED(TLP_AMBER)));
    (void)bench_add(&n.b, n.own, translation(text, 1, "number 7 \\ubcf4\\uace0"));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ""));
    (void)bench_add(&n.b, n.own, translation(text, 2, "\\ubcf4\\uace0"));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "number 7"));
    assert_int_equal(ids_of(us, "language-content--"), 0);
    assert_int_equal(ids_of(us, "indicator--"), 2);
    assert_non_null(text_with(jp, id_of(id, "language-content", 1)));
    mem_free(us);
    mem_free(jp);
    struct stix_key key = key_of("language-content", 1);
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
    us = texts_of(&n, n.us);
    assert_int_equal(ids_of(us, "language-content--"), 1);
    assert_non_null(text_with(us, "number 7"));
    mem_free(us);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_names_what_its_reader_has),
        cmocka_unit_test(no_way_of_writing_hides_a_name),
        cmocka_unit_test(what_cannot_be_cleaned_waits),
        cmocka_unit_test(a_partner_may_be_told_any_name),
        cmocka_unit_test(names_that_left_are_taken_back),
        cmocka_unit_test(names_in_what_was_minted_are_taken_back),
        cmocka_unit_test(what_is_held_shows_in_no_text),
        cmocka_unit_test(a_translation_may_name_whom_nobody_names),
    };
    return cmocka_run_group_tests_name("gate names", tests, NULL, NULL);
}
