/* What leaves changed: cut along granular markings, under names of its own, with all that names it. */
#include "texts.h"

#include "gate/mint.h"
#include "gate/query.h"

static void a_field_is_cut_for_whom_it_is_not(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    uint64_t bad = 1;
    node_init(&n);
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1,
                              ",\"description\":\"the secret part\"" MARKED(TLP_GREEN)
                                  CUT(TLP_AMBER, "\"description\"")));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    (void)id_of(id, "indicator", 1);
    assert_non_null(text_with(us, "198.51.100.1"));
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, id));
    assert_null(text_with(us, "granular_markings"));
    assert_null(text_with(us, "2026-01-01T00:00:01.000Z")); /* when the source changed is the source's */
    assert_int_equal(us->count, 2);                         /* and who minted it */
    assert_memory_equal(us->at[0].id, "identity--", 10);
    assert_non_null(strstr(us->at[1].text, us->at[0].id));
    assert_int_equal(jp->count, 1);
    assert_non_null(strstr(jp->at[0].text, "secret"));
    assert_string_equal(jp->at[0].id, id);
    /* A second reading from the log alone gives the same leaves. */
    bench_reopen(&n.b);
    struct texts *again = texts_of(&n, n.us);
    assert_int_equal(again->count, us->count);
    assert_string_equal(again->at[1].text, us->at[1].text);
    assert_int_equal(gate_check(n.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    mem_free(again);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* An operator asks what a partner's identifier stands for, and back. */
static void operators_look_it_up(void **state)
{
    (void)state;
    struct node n;
    struct gate_minted minted;
    struct stix_key key, source = key_of("indicator", 1), other = key_of("indicator", 2);
    struct arena arena;
    struct str as;
    char text[TEXT_MAX];
    arena_init(&arena, 1 << 20);
    node_init(&n);
    assert_int_equal(gate_minted(n.b.gate, &source, &minted), ERR_NOTFOUND); /* nothing was minted at all */
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1,
                              ",\"description\":\"the secret part\"" MARKED(TLP_GREEN)
                                  CUT(TLP_AMBER, "\"description\"")));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ""));
    struct texts *us = texts_of(&n, n.us);
    const char *name = NULL;
    for (size_t i = 0; i < us->count; i++)
        if (strstr(us->at[i].text, "198.51.100.1") != NULL)
            name = us->at[i].id;
    assert_non_null(name);
    assert_true(stix_id_parse(str_of(name), &key));
    for (int life = 0; life < 2; life++) {
        assert_int_equal(gate_minted(n.b.gate, &key, &minted), ERR_OK);
        assert_true(stix_key_eq(&minted.source, &source));
        assert_int_equal(minted.partners, UINT64_C(1) << n.us);
        assert_false(minted.others);
        assert_int_equal(gate_minted_as(n.b.gate, &source, n.us, &arena, &as), ERR_OK);
        assert_true(str_eq(as, str_of(name)));
        assert_int_equal(gate_minted_as(n.b.gate, &source, n.jp, &arena, &as), ERR_NOTFOUND);
        assert_int_equal(gate_minted(n.b.gate, &source, &minted), ERR_NOTFOUND);
        assert_int_equal(gate_minted(n.b.gate, &other, &minted), ERR_NOTFOUND);
        bench_reopen(&n.b);
    }
    mem_free(us);
    arena_deinit(&arena);
    bench_deinit(&n.b);
}

/* Nothing is assumed of its source: what one field is marked with lets nobody have the rest. */
static void a_granular_marking_only_tightens(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    uint32_t silent = bench_source(&n.b, "silent", STIX_TLP_NONE, true, false);
    (void)bench_add(&n.b, silent,
                    indicator(text, 1, 1, ",\"description\":\"shared\"" CUT(TLP_GREEN, "\"description\"")));
    (void)bench_add(&n.b, silent, indicator(text, 2, 1, MARKED(TLP_GREEN)));
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(us->count, 1);
    assert_non_null(text_with(us, "198.51.100.2"));
    mem_free(us);
    bench_deinit(&n.b);
}

/* Whatever names what was minted is minted too; reports within reports, relationships, circles. */
static void what_names_it_is_minted_too(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1,
                  ",\"description\":\"the secret part\",\"x_peer\":\"indicator--00000000-0000-4000-8000-"
                  "000000000002\"" CUT(TLP_AMBER, "\"description\"")));
    /* A circle: the second names the first, within a text as well. */
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 2, 1,
                  ",\"x_peer\":\"indicator--00000000-0000-4000-8000-000000000001\",\"x_note\":\"see "
                  "indicator--00000000-0000-4000-8000-000000000001.\""));
    (void)bench_add(&n.b, n.own, relationship(text, 1, 1, 3, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 4, 1, ""));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(jp->count, 5);
    assert_int_equal(us->count, 6); /* and who minted it */
    assert_int_equal(ids_of(us, "indicator--"), 4);
    for (int i = 1; i <= 2; i++)
        assert_null(text_with(us, id_of(id, "indicator", i)));
    assert_null(text_with(us, id_of(id, "relationship", 1)));
    for (int i = 3; i <= 4; i++)
        assert_non_null(text_with(us, id_of(id, "indicator", i)));
    assert_null(text_with(us, "secret"));
    /* The relationship's source is the first one, by its new name, and so is what the second names twice. */
    char first[ID_MAX] = "", named[ID_MAX + 16];
    for (size_t i = 0; i < us->count; i++)
        if (strstr(us->at[i].text, "198.51.100.1'") != NULL)
            (void)snprintf(first, sizeof first, "%s", us->at[i].id);
    (void)snprintf(named, sizeof named, "\"source_ref\":\"%s\"", first);
    assert_non_null(text_with(us, named));
    (void)snprintf(named, sizeof named, "see %s.", first);
    assert_non_null(text_with(us, named));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Duties of the rule that lets it go. */
static void rules_have_things_taken_out(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    bench_policy_text(
        &n.b, "language 1\n"
              "release open if tlp <= green and not type == identity to us-cisa with anonymise-creator, "
              "redact \"description\", redact \"labels.[0]\"\n"
              "release whole if tlp <= red to jp-nisc\n");
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", ""));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1,
                  ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\",\"description\":"
                  "\"secret\",\"labels\":[\"secret\",\"open\"],\"x_by\":\"by identity--00000000-0000-4000-"
                  "8000-000000000001\""));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, "")); /* has none of it */
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(us->count, 3);
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, id_of(id, "identity", 1)));
    assert_non_null(text_with(us, "[\"open\"]"));
    assert_non_null(text_with(us, "198.51.100.2")); /* minted all the same: it says nothing of who has what */
    assert_null(text_with(us, id_of(id, "indicator", 2)));
    assert_int_equal(jp->count, 3);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

static const char *report(char out[TEXT_MAX], int n, const char *refs, const char *more)
{
    char id[ID_MAX];
    (void)snprintf(
        out, TEXT_MAX,
        "{\"type\":\"report\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-01T00:00:00."
        "000Z\","
        "\"modified\":\"2026-01-01T00:00:00.000Z\",\"name\":\"r\",\"published\":\"2026-01-01T00:00:00Z\","
        "\"object_refs\":[%s]%s}",
        id_of(id, "report", n), refs, more);
    return out;
}

#define IND(n) "\"indicator--00000000-0000-4000-8000-00000000000" n "\""

/* Containers leave without what is withheld where the rule says so, and get it when it comes. */
static void containers_leave_without(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], id[ID_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "release open if tlp <= green to us-cisa with drop-references\n"
                            "release same if tlp <= green to jp-nisc\n");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ""));
    (void)bench_add(&n.b, n.own, report(text, 1, IND("1") "," IND("2"), ""));
    (void)bench_add(&n.b, n.own, report(text, 2, IND("1"), ""));              /* nothing would be left */
    (void)bench_add(&n.b, n.own, report(text, 3, IND("2"), ""));              /* nothing is missing */
    (void)bench_add(&n.b, n.own, report(text, 4, IND("2") "," IND("3"), "")); /* not here yet */
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(jp->count, 2); /* report 3 and what it names */
    assert_int_equal(ids_of(us, "report--"), 3);
    assert_null(text_with(us, id_of(id, "indicator", 1)));
    assert_null(text_with(us, id_of(id, "indicator", 3)));
    assert_null(text_with(us, id_of(id, "report", 1)));
    assert_null(text_with(us, id_of(id, "report", 2)));
    assert_non_null(text_with(us, id_of(id, "report", 3)));
    mem_free(us);
    /* It comes, and the report is what it was; he is told that the other is not current. */
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, ""));
    us = texts_of(&n, n.us);
    assert_non_null(text_with(us, id_of(id, "indicator", 3)));
    assert_non_null(text_with(us, id_of(id, "report", 4)));
    assert_int_equal(us->at[us->count - 1].op, LEAF_RELEASE);
    assert_int_equal(us->at[us->count - 2].op, LEAF_SUPERSEDE);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* "modified" of what he reads at `i`, as text. */
static const char *modified_at(const struct texts *texts, size_t i, char out[32])
{
    const char *at = strstr(texts->at[i].text, "\"modified\":\"");
    assert_non_null(at);
    (void)snprintf(out, 32, "%.24s", at + strlen("\"modified\":\""));
    return out;
}

/* The same id, whatever is cut; a later version when what he sees changes, and only then. */
static void versions_follow_what_he_sees(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], first[ID_MAX], before[32], after[32];
    node_init(&n);
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1, ",\"description\":\"a\"" CUT(TLP_AMBER, "\"description\"")));
    struct texts *us = texts_of(&n, n.us);
    assert_int_equal(us->count, 2);
    (void)snprintf(first, sizeof first, "%s", us->at[1].id);
    mem_free(us);
    /* Only what is hidden changes. */
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 2, ",\"description\":\"b\"" CUT(TLP_AMBER, "\"description\"")));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 2);
    mem_free(us);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 3, ",\"name\":\"n\",\"description\":\"b\"" CUT(TLP_AMBER, "\"description\"")));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 3);
    assert_string_equal(us->at[2].id, first);
    assert_int_equal(us->at[2].op, LEAF_SUPERSEDE);
    assert_int_equal(us->at[2].subject, 1);
    mem_free(us);
    /* Another cut is another version. */
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 4,
                  ",\"name\":\"n\",\"description\":\"b\"" CUT(TLP_AMBER, "\"description\",\"name\"")));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 4);
    assert_int_equal(us->at[3].op, LEAF_SUPERSEDE);
    assert_int_equal(us->at[3].subject, 2);
    assert_string_equal(us->at[3].id, first);
    assert_true(strcmp(modified_at(us, 2, before), modified_at(us, 3, after)) < 0);
    mem_free(us);
    /* Nothing is cut any more: the object itself. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 5, ",\"name\":\"n\""));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 6);
    assert_int_equal(us->at[4].op, LEAF_SUPERSEDE);
    assert_int_equal(us->at[4].subject, 3);
    assert_string_equal(us->at[5].text, text);
    mem_free(us);
    /* And withheld: he is told. */
    (void)bench_add(&n.b, n.own, indicator(text, 1, 6, MARKED(TLP_RED)));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 7);
    assert_string_equal(us->at[6].text, "");
    mem_free(us);
    /* A part again, of the same name as before, and later than everything that had it. */
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 7, ",\"description\":\"b\"" CUT(TLP_AMBER, "\"description\"")));
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 8);
    assert_string_equal(us->at[7].id, first);
    (void)modified_at(us, 3, before);
    assert_true(strcmp(before, modified_at(us, 7, after)) < 0);
    mem_free(us);
    bench_deinit(&n.b);
}

/* Another policy takes out something else: what was told ends, and the same object comes in a later version.
 */
static void a_policy_changes_no_name(void **state)
{
    (void)state;
    static const char *const rules[] = {"redact \"description\"", "redact \"description\", redact \"name\"",
                                        "redact \"name\", anonymise-creator", "redact \"x_none\""};
    struct node n;
    char text[TEXT_MAX], next[TEXT_MAX], first[ID_MAX] = "", before[32] = "", after[32];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"n\",\"description\":\"d\""));
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        (void)snprintf(next, sizeof next, "language 1\nrelease open if tlp <= green to us-cisa with %s\n",
                       rules[i]);
        bench_policy_text(&n.b, next);
        struct texts *us = texts_of(&n, n.us);
        const char *minted = us->at[us->count - 1].text;
        assert_int_equal(strstr(minted, "\"description\"") != NULL, i >= 2);
        assert_int_equal(strstr(minted, "\"name\"") != NULL, i == 0 || i == 3);
        if (i == 0)
            (void)snprintf(first, sizeof first, "%s", us->at[us->count - 1].id);
        assert_string_equal(us->at[us->count - 1].id, first);
        assert_true(strcmp(before, modified_at(us, us->count - 1, after)) < 0);
        (void)snprintf(before, sizeof before, "%s", after);
        mem_free(us);
    }
    bench_deinit(&n.b);
}

/* What a required property, or the pattern, would be cut from stays. */
static void what_is_required_stays(void **state)
{
    (void)state;
    static const char *const selectors[] = {"\"pattern\"", "\"valid_from\"", "\"created\"", "\"id\"",
                                            "\"pattern_type\""};
    struct node n;
    char text[TEXT_MAX], more[256];
    node_init(&n);
    for (int i = 0; i < 5; i++) {
        (void)snprintf(more, sizeof more, CUT(TLP_AMBER, "%s"), selectors[i]);
        (void)bench_add(&n.b, n.own, indicator(text, i + 1, 1, more));
    }
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(us->count, 0);
    assert_int_equal(jp->count, 5);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Observables: their identifiers follow from what is left, or from nothing that anybody could guess. */
static void observables_confirm_no_guess(void **state)
{
    (void)state;
    struct node n;
    struct texts *us;
    node_init(&n);
    static const char file[] =
        "{\"type\":\"file\",\"spec_version\":\"2.1\",\"id\":\"file--5956efbb-a7b0-566d-a7f9-a202eb05c70f\","
        "\"name\":\"secret.exe\",\"size\":7,\"hashes\":{\"MD5\":\"1717b7fff97d37a1e1a0029d83492de1\"}" CUT(
            TLP_AMBER, "\"name\"") "}";
    static const char account[] =
        "{\"type\":\"user-account\",\"spec_version\":\"2.1\",\"id\":\"user-account--00000000-0000-5000-8000-"
        "000000000001\","
        "\"user_id\":\"secret\",\"display_name\":\"d\"" CUT(TLP_AMBER, "\"user_id\"") "}";
    static const char sender[] =
        "{\"type\":\"email-addr\",\"spec_version\":\"2.1\",\"id\":\"email-addr--00000000-0000-4000-8000-"
        "000000000001\","
        "\"value\":\"a@example.com\",\"display_name\":\"secret\"" CUT(TLP_AMBER, "\"display_name\"") "}";
    static const char message[] = "{\"type\":\"email-message\",\"spec_version\":\"2.1\",\"id\":\"email-"
                                  "message--00000000-0000-4000-8000-"
                                  "000000000001\",\"is_multipart\":false,\"body\":\"hello\",\"from_ref\":"
                                  "\"email-addr--00000000-0000-4000-8000-"
                                  "000000000001\"}";
    assert_int_equal(bench_add(&n.b, n.own, file), GATE_NEW);
    assert_int_equal(bench_add(&n.b, n.own, account), GATE_NEW);
    assert_int_equal(bench_add(&n.b, n.own, sender), GATE_NEW);
    assert_int_equal(bench_add(&n.b, n.own, message), GATE_NEW);
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 5);
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, "5956efbb-a7b0-566d-a7f9-a202eb05c7"));
    assert_null(text_with(us, "-8000-00000000000"));
    /* Derived (section 2.9) from what is left: by an MD5, and by an address, as anybody would. */
    assert_non_null(text_with(us, "file--1c001469-339d-5f8f-b4d2-295a22de9012"));
    assert_non_null(text_with(us, "\"from_ref\":\"email-addr--8f5f7fba-cc24-5e3f-aca4-f7194112e042"));
    for (size_t i = 0; i < us->count; i++)
        assert_true(strstr(us->at[i].text, "created") == NULL || i == 0);
    mem_free(us);
    bench_deinit(&n.b);
}

/* Two sources' words about one observable, cut differently: each goes once, whatever is decided again, and
 * what names them keeps one name. */
static void variants_do_not_take_turns(void **state)
{
    (void)state;
    static const char *const told[] = {"\"size\":7,\"mime_type\":\"secret\"" CUT(TLP_AMBER, "\"mime_type\""),
                                       "\"size\":8,\"name\":\"secret\"" CUT(TLP_AMBER, "\"name\""),
                                       "\"size\":7,\"mime_type\":\"hidden\"" CUT(TLP_AMBER, "\"mime_type\"")};
    static const char about[] = "file--00000000-0000-4000-8000-000000000001";
    struct node n;
    char text[TEXT_MAX];
    uint64_t bad = 1;
    node_init(&n);
    for (int i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "source-%d", i);
        uint32_t source = bench_source(&n.b, name, STIX_TLP_CLEAR, true, false);
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"file\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"hashes\":{\"MD5\":"
                       "\"1717b7fff97d37a1e1a0029d83492de%d\"},%s}",
                       about, i == 1 ? 2 : 1, told[i]);
        assert_int_equal(bench_add(&n.b, source, text), GATE_NEW);
        if (i == 1)
            bench_settle(&n.b);
    }
    (void)snprintf(text, sizeof text, ",\"x_file\":\"%s\"", about);
    char named[TEXT_MAX];
    (void)bench_add(&n.b, n.own, indicator(named, 1, 1, text));
    struct texts *us = texts_of(&n, n.us);
    size_t count = us->count;
    assert_int_equal(ids_of(us, "file--"), 2); /* the third says to him what the first said */
    assert_int_equal(ids_of(us, "indicator--"), 1);
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, about));
    mem_free(us);
    for (int again = 0; again < 4; again++) { /* jobs over everything */
        char rules[512];
        (void)snprintf(rules, sizeof rules, "%shold none%d if tag none%d to all\n", policy, again, again);
        bench_policy_text(&n.b, rules);
        if (again == 2)
            bench_reopen(&n.b);
        us = texts_of(&n, n.us);
        assert_int_equal(us->count, count);
        mem_free(us);
    }
    assert_int_equal(gate_check(n.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&n.b);
}

/* A translation of a cut field goes with it, and speaks of the minted version. */
static void translations_are_cut_as_well(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct texts *us;
    node_init(&n);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1,
                  ",\"name\":\"open\",\"description\":\"secret\",\"labels\":[\"one\",\"two\"]" CUT(
                      TLP_AMBER, "\"description\",\"labels.[0]\"")));
    (void)bench_add(
        &n.b, n.own,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-0000-"
        "4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:"
        "00."
        "000Z\",\"object_ref\":\"indicator--00000000-0000-4000-8000-000000000001\",\"object_modified\":"
        "\"2026-"
        "01-01T00:00:01.000Z\",\"contents\":{\"de\":{\"name\":\"offen\",\"description\":\"geheim\","
        "\"labels\":"
        "[\"eins\",\"zwei\"]},\"ko\":{\"description\":\"bimil\"}}}");
    us = texts_of(&n, n.us);
    const char *content = text_with(us, "\"contents\"");
    assert_non_null(content);
    assert_null(text_with(us, "geheim"));
    assert_null(text_with(us, "bimil"));
    assert_null(text_with(us, "eins"));
    assert_non_null(strstr(content, "{\"de\":{\"name\":\"offen\",\"labels\":[\"zwei\"]}}"));
    const char *minted = text_with(us, "198.51.100.1");
    const char *modified = strstr(minted, "\"modified\":\"") + strlen("\"modified\":\"");
    char wanted[64];
    (void)snprintf(wanted, sizeof wanted, "\"object_modified\":\"%.24s\"", modified);
    assert_non_null(strstr(content, wanted));
    mem_free(us);
    bench_deinit(&n.b);
}

/* What is told of the items of a list stays with its item: of one that is cut in part, and where the
 * translation marks an item itself, the list is not told. */
static void lists_of_translations_stay_in_step(void **state)
{
    (void)state;
    static const char told[] =
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-0000-"
        "4000-"
        "8000-00000000000%d\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
        "000Z\","
        "\"object_ref\":\"indicator--00000000-0000-4000-8000-000000000001\",\"object_modified\":"
        "\"2026-01-01T00:00:01.000Z\",\"contents\":{\"ko\":{\"name\":\"gonggae%d\",%s}}%s}";
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1,
                  ",\"name\":\"open\",\"labels\":[\"one\",\"two\"],\"external_references\":[{"
                  "\"source_name\":\"s0\",\"url\":\"http://"
                  "x.example\",\"description\":\"secret\"},{\"source_name\":\"s1\","
                  "\"description\":\"plain\"}]" CUT(TLP_AMBER, "\"external_references.[0].description\"")));
    (void)snprintf(text, sizeof text, told, 1, 1,
                   "\"external_references\":[{\"description\":\"bimil\"},{\"description\":\"second\"}]", "");
    assert_int_equal(bench_add(&n.b, n.own, text), GATE_NEW);
    (void)snprintf(text, sizeof text, told, 2, 2, "\"labels\":[\"hana\",\"dul\"]",
                   CUT(TLP_AMBER, "\"contents.ko.labels.[0]\""));
    assert_int_equal(bench_add(&n.b, n.own, text), GATE_NEW);
    struct texts *us = texts_of(&n, n.us);
    assert_null(text_with(us, "bimil"));
    assert_null(text_with(us, "second")); /* it would be told of s0 */
    assert_non_null(text_with(us, "gonggae1"));
    assert_null(text_with(us, "hana"));
    assert_null(text_with(us, "dul"));
    assert_non_null(text_with(us, "gonggae2"));
    mem_free(us);
    bench_deinit(&n.b);
}

static void count_edge(void *ctx, const struct gate_edge *edge)
{
    size_t *count = ctx;
    *count += strncmp(edge->from.at, "sighting--", 10) == 0;
}

/* What a partner says of a minted id is about its source; what he sends back is an echo, and rewritten it is
 * somebody else's word. */
static void what_comes_back_is_known(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], minted[TEXT_BYTES], id[ID_MAX];
    size_t edges = 0;
    node_init(&n);
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1,
                  ",\"name\":\"n\",\"description\":\"secret\"" CUT(TLP_AMBER, "\"description\"")));
    struct texts *us = texts_of(&n, n.us);
    (void)snprintf(minted, sizeof minted, "%s", us->at[1].text);
    (void)snprintf(id, sizeof id, "%s", us->at[1].id);
    mem_free(us);
    uint32_t theirs = gate_peer_get(n.b.gate, n.us)->source;
    (void)snprintf(text, sizeof text,
                   "{\"type\":\"sighting\",\"spec_version\":\"2.1\",\"id\":\"sighting--00000000-0000-4000-"
                   "8000-000000000001"
                   "\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","
                   "\"sighting_of_ref\":\"%s\"}",
                   id);
    assert_int_equal(bench_add(&n.b, theirs, text), GATE_NEW);
    struct stix_key source = key_of("indicator", 1);
    assert_int_equal(gate_neighbours(n.b.gate, &source, false, 100, count_edge, &edges), ERR_OK);
    assert_int_equal(edges, 1);
    assert_int_equal(bench_add(&n.b, theirs, minted), GATE_DUPLICATE);
    char *name = strstr(minted, "\"name\":\"n\"");
    assert_non_null(name);
    name[strlen("\"name\":\"")] = 'm';
    assert_int_equal(bench_add(&n.b, theirs, minted), GATE_ASSERTION);
    /* After a restart as well, and nothing of it goes to anybody else. */
    bench_reopen(&n.b);
    assert_int_equal(bench_add(&n.b, theirs, minted), GATE_DUPLICATE);
    struct texts *jp = texts_of(&n, n.jp);
    assert_null(text_with(jp, id));
    mem_free(jp);
    bench_deinit(&n.b);
}

/* What marks it was made by whom it must not name, and is never minted: it stays, however far away the name
 * is. */
static void a_hidden_creator_comes_along_with_nothing(void **state)
{
    (void)state;
    static const char by[] = "\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"";
    struct node n;
    char text[TEXT_MAX], more[256], id[ID_MAX], marking[TEXT_MAX];
    node_init(&n);
    bench_policy_text(
        &n.b, "language 1\n"
              "release open if tlp <= green and not type == identity to us-cisa with anonymise-creator\n"
              "release whole if tlp <= red to jp-nisc\n");
    for (int i = 1; i <= 3; i++) {
        /* The first is the creator's, the second somebody's whom he made, the third a stranger's. */
        static const char *const makers[] = {"1", "2", "3"};
        (void)snprintf(more, sizeof more, "%s%s", i == 2 ? "," : "", i == 2 ? by : "");
        (void)bench_add(&n.b, n.own, identity(text, i, "organization", more));
        (void)snprintf(
            marking, sizeof marking,
            "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":"
            "\"2026-01-01T00:00:00.000Z\",\"created_by_ref\":\"identity--00000000-0000-4000-8000-"
            "00000000000%s\",\"definition_type\":\"statement\",\"definition\":{\"statement\":\"(c)\"}}",
            id_of(id, "marking-definition", i), makers[i - 1]);
        (void)bench_add(&n.b, n.own, marking);
        struct stix_key key = key_of("marking-definition", i);
        assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
        (void)snprintf(more, sizeof more, ",%s,\"object_marking_refs\":[\"%s\"]", by, id);
        (void)bench_add(&n.b, n.own, indicator(text, i, 1, more));
    }
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "identity--00000000-0000-4000-8000-000000000001"));
    assert_null(text_with(us, "198.51.100.1"));
    assert_null(text_with(us, "198.51.100.2"));
    assert_non_null(text_with(us, "198.51.100.3"));
    assert_non_null(text_with(us, id_of(id, "marking-definition", 3)));
    for (int i = 1; i <= 3; i++)
        assert_non_null(text_with(jp, id_of(id, "indicator", i)));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* What a rule would have taken out of it does not come along by itself; what it does not touch does. */
static void does_not_evade(const char *marked)
{
    static const char by[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-00000000000%d\"";
    struct node n;
    char text[TEXT_MAX], more[256], rules[TEXT_MAX];
    node_init(&n);
    (void)snprintf(rules, sizeof rules,
                   "language 1\n"
                   "release open if type == indicator and tlp <= green to all\n"
                   "release makers if type == identity and %s to us-cisa with redact "
                   "\"contact_information\"\n"
                   "hold new if type == identity and tag new to us-cisa\n",
                   marked);
    bench_policy_text(&n.b, rules);
    uint32_t silent = bench_source(&n.b, "silent", STIX_TLP_NONE, false, false);
    for (int i = 1; i <= 2; i++) {
        (void)bench_add(
            &n.b, silent,
            identity(text, i, "organization", i == 1 ? ",\"contact_information\":\"secret\"" : ""));
        (void)snprintf(more, sizeof more, by, i);
        (void)bench_add(&n.b, n.own, indicator(text, i, 1, more));
    }
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "secret"));
    assert_null(text_with(us, "198.51.100.1"));
    assert_non_null(text_with(us, "198.51.100.2"));
    assert_int_equal(us->count, 2);
    assert_int_equal(jp->count, 4);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* The rule is asked as though it were marked, with all that follows from the marking: others' AMBER is not
 * onward. */
static void a_creator_does_not_evade_its_duties(void **state)
{
    (void)state;
    does_not_evade("tlp <= green");
    does_not_evade("tlp >= amber");
    does_not_evade("not onward");
}

static const char *translation(char out[TEXT_MAX], int n, const char *about, const char *name)
{
    char id[ID_MAX];
    (void)snprintf(
        out, TEXT_MAX,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-"
        "01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"object_ref\":\"indicator--"
        "00000000-0000-4000-8000-000000000001\"%s%s%s,\"contents\":{\"ko\":{\"name\":\"%s\","
        "\"description\":\"d\"}}}",
        id_of(id, "language-content", n), about[0] == '\0' ? "" : ",\"object_modified\":\"", about,
        about[0] == '\0' ? "" : "\"", name);
    return out;
}

/* A translation speaks of one version: what was withheld there is not told because a later one has nothing to
 * hide. */
static void a_translation_is_bound_by_its_version(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"secret\"" MARKED(TLP_RED)));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 2, ",\"name\":\"secret\",\"description\":\"x\"" CUT(TLP_AMBER, "\"name\"")));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 3, ",\"name\":\"open\",\"description\":\"x\""));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, translation(text, 1, "2026-01-01T00:00:01.000Z", "bimil-red"));
    (void)bench_add(&n.b, n.own, translation(text, 2, "2026-01-01T00:00:02.000Z", "bimil-cut"));
    (void)bench_add(&n.b, n.own, translation(text, 3, "2026-01-01T00:00:03.000Z", "gonggae"));
    (void)bench_add(&n.b, n.own, translation(text, 4, "2026-01-01T00:00:09.000Z", "bimil-unheld"));
    (void)bench_add(&n.b, n.own, translation(text, 5, "", "bimil-unsaid"));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_null(text_with(us, "bimil"));
    assert_non_null(text_with(us, "gonggae"));
    assert_int_equal(ids_of(us, "language-content"), 2); /* of the cut version, what was not cut */
    assert_non_null(text_with(jp, "bimil-cut"));
    assert_null(text_with(jp, "bimil-red"));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* A definition is never minted; where nothing of it has to be left out it goes as it came. */
static void a_definition_leaves_whole_or_not_at_all(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa with drop-references\n");
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"marking-definition\",\"spec_version\":\"2.1\",\"id\":\"marking-definition--00000000-"
        "0000-4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\",\"definition_type\":"
        "\"statement\",\"definition\":{\"statement\":\"s\"},\"object_marking_refs\":[\"" TLP_GREEN "\"]}");
    (void)bench_add(&n.b, n.own, text);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "marking-definition", 1));
    bench_deinit(&n.b);
}

/* A creator whom a rule would change, were it marked, does not come along: a policy that says so takes it
 * back. */
static void an_untreated_creator_is_taken_back(void **state)
{
    (void)state;
    struct node n;
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if always to us-cisa\n");
    (void)bench_add(
        &n.b, n.own,
        "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--00000000-0000-4000-8000-"
        "000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00."
        "000Z\",\"name\":\"n\",\"identity_class\":\"organization\",\"description\":\"d\"}");
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "identity", 1));
    bench_policy_text(&n.b, "language 1\nrelease r if marking known and tlp <= green to us-cisa with redact "
                            "\"description\"\n");
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "identity", 1));
    bench_deinit(&n.b);
}

/* Another source's copy of its target keeps it too, until something is assumed of that source. */
static void a_translation_waits_for_other_copies(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa\n");
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, false);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"open\""));
    (void)bench_add(&n.b, feed, indicator(text, 1, 1, ",\"name\":\"other\""));
    (void)bench_add(&n.b, n.own, translation(text, 1, "", "gonggae"));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    (void)bench_source(&n.b, "feed", STIX_TLP_GREEN, false, false);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 1));
    bench_deinit(&n.b);
}

/* What keeps a translation is lifted from its target alone, which its reader has already: it goes then. */
static void a_translation_waits_for_its_target(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key target = key_of("indicator", 1);
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nhold ask if tag ask\nrelease r if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"name\":\"open\""));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(gate_tag(n.b.gate, &target, STR("ask"), true, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, translation(text, 1, "", "gonggae"));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    assert_int_equal(gate_tag(n.b.gate, &target, STR("ask"), false, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 1));
    bench_deinit(&n.b);
}

/* An older version, of which it may speak, may be told at last. */
static void a_translation_waits_for_older_versions(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key marking = key_of("marking-definition", 1);
    node_init(&n);
    (void)bench_add(&n.b, n.own, statement(text, 1, "ours"));
    (void)bench_add(
        &n.b, n.own,
        indicator(text, 1, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000001")));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, translation(text, 1, "", "gonggae"));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 1));
    bench_deinit(&n.b);
}

/* A creator who would have to be treated, and cannot be, is not told of by a translation either. */
static void a_translation_evades_no_duty(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", ""));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "identity", 1));
    bench_policy_text(&n.b, "language 1\nrelease r if tlp <= green to us-cisa with redact \"name\"\n");
    (void)bench_add(
        &n.b, n.own,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-"
        "0000-4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":"
        "\"2026-01-01T00:00:00.000Z\",\"object_ref\":\"identity--00000000-0000-4000-8000-"
        "000000000001\",\"contents\":{\"ko\":{\"description\":\"gonggae\"}}}");
    struct texts *us = texts_of(&n, n.us);
    assert_null(text_with(us, "gonggae"));
    mem_free(us);
    bench_deinit(&n.b);
}

/* A rule keeps the node's own identity for a time, and so all that is minted: it goes when that is over. */
static void what_is_minted_waits_for_its_maker(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\n"
                            "deny us if type == \"identity\" to us-cisa until 2027-01-16T00:00:00Z\n"
                            "release open if tlp <= green to all\n");
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1,
                              ",\"description\":\"the secret part\"" MARKED(TLP_GREEN)
                                  CUT(TLP_AMBER, "\"description\"")));
    struct texts *us = texts_of(&n, n.us), *jp = texts_of(&n, n.jp);
    assert_int_equal(us->count, 0);
    assert_int_equal(jp->count, 2);
    mem_free(us);
    n.b.now_us += INT64_C(24) * 3600 * 1000000;
    us = texts_of(&n, n.us);
    assert_int_equal(us->count, 2);
    assert_null(text_with(us, "secret"));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Whoever is not to be named is not named by name: such a text stays, or goes without that text. */
static void a_creators_name_is_not_said(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    static const char by[] = ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"";
    static const struct {
        const char *more;
        bool leaves;
    } rows[] = {{"\"description\":\"seen by nobody\"", true},
                {"\"description\":\"seen by KR Center.\"", false},
                {"\"description\":\"kr centers\"", true},
                {"\"x_deep\":[{\"say\":\"kr\\u0020center told us\"}]", false},
                {"\"description\":\"\\uc13c\\ud130\\uac00 saw it\"", false},
                {"\"x_inner\":\"kr center says so\"", true},
                {"\"description\":\"once called old center\"", false},
                {"\"description\":\"by **KR**\\n> Center\"", false},
                {"\"description\":\"the KR&nbsp;Cen\\u00adter\"", false},
                {"\"description\":\"\\uff2b\\uff32 Center, K\\u200bR_Center\"", false},
                {"\"description\":\"\\u1109\\u1166\\u11ab\\u1110\\u1165\"", false},
                {"\"x_d\":{\"KR Center\":1}", false},
                {"\"x_by_krcenter\":true", false},
                {"\"x_d\":{\"kr\":\"center\"}", true}};
    node_init(&n);
    bench_policy_text(&n.b,
                      "language 1\nrelease open if tlp <= green and not type == identity to us-cisa with "
                      "anonymise-creator, redact \"x_inner\"\n");
    static const char *const names[] = {"old center", "KR center"};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":\"identity--00000000-0000-"
                       "4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":"
                       "\"2026-01-01T00:00:0%d.000Z\",\"name\":\"%s\",\"identity_class\":\"organization\","
                       "\"aliases\":[\"\\uc13c\\ud130\"]}",
                       i, names[i]);
        (void)bench_add(&n.b, n.own, text);
    }
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++) {
        char more[512];
        (void)snprintf(more, sizeof more, ",%s%s", rows[i].more, by);
        (void)bench_add(&n.b, n.own, indicator(text, i + 1, 1, more));
    }
    mem_free(texts_of(&n, n.us));
    for (int i = 0; i < (int)(sizeof rows / sizeof rows[0]); i++)
        assert_int_equal(bench_is_released(&n.b, n.us, "indicator", i + 1), rows[i].leaves);
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_cut_for_whom_it_is_not),
        cmocka_unit_test(operators_look_it_up),
        cmocka_unit_test(what_names_it_is_minted_too),
        cmocka_unit_test(rules_have_things_taken_out),
        cmocka_unit_test(containers_leave_without),
        cmocka_unit_test(versions_follow_what_he_sees),
        cmocka_unit_test(a_policy_changes_no_name),
        cmocka_unit_test(what_is_required_stays),
        cmocka_unit_test(observables_confirm_no_guess),
        cmocka_unit_test(variants_do_not_take_turns),
        cmocka_unit_test(translations_are_cut_as_well),
        cmocka_unit_test(lists_of_translations_stay_in_step),
        cmocka_unit_test(what_comes_back_is_known),
        cmocka_unit_test(a_granular_marking_only_tightens),
        cmocka_unit_test(a_hidden_creator_comes_along_with_nothing),
        cmocka_unit_test(a_creator_does_not_evade_its_duties),
        cmocka_unit_test(a_translation_is_bound_by_its_version),
        cmocka_unit_test(a_translation_waits_for_other_copies),
        cmocka_unit_test(a_translation_waits_for_its_target),
        cmocka_unit_test(a_definition_leaves_whole_or_not_at_all),
        cmocka_unit_test(an_untreated_creator_is_taken_back),
        cmocka_unit_test(a_translation_evades_no_duty),
        cmocka_unit_test(what_is_minted_waits_for_its_maker),
        cmocka_unit_test(a_translation_waits_for_older_versions),
        cmocka_unit_test(a_creators_name_is_not_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
