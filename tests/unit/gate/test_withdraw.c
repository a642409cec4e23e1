/* What is denied is taken back: by a new policy, and by anything else. */
#include "acts.h"

/* --- taking back --- */

static bool count_content(void *ctx, const struct gate_leaf *leaf)
{
    size_t *seen = ctx;
    *seen += leaf->object.len > 0;
    return true;
}

static void nothing_denied_is_given_once_the_policy_is_in_force(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_CLEAR));
    bench_settle(&n.b);
    bench_sign(&n.b);
    add(&n, 3, MARKED(TLP_GREEN)); /* decided, in the ledger, not signed */
    bench_settle(&n.b);
    bench_policy_text(&n.b, "language 1\nrelease clear if tlp <= clear to us-cisa\n");
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    bench_sign(&n.b); /* what was decided is signed all the same; no step was made */
    size_t seen = 0;
    assert_int_equal(gate_leaves(n.b.gate, n.us, 0, count_content, &seen), ERR_BUSY);
    assert_int_equal(seen, 0);
    assert_int_equal(gate_leaves(n.b.gate, n.us, 1, count_content, &seen), ERR_BUSY);
    assert_int_equal(seen, 1); /* what stays allowed is given meanwhile */
    assert_int_equal(gate_leaf_objects(n.b.gate, n.us, 2, count_content, &seen), ERR_BUSY);
    assert_int_equal(seen, 1);
    bench_settle(&n.b);
    expect_bytes(&n, 5, (bool[]) {false, true, false, false, false});
    struct bench_leaves *leaves = read_now(&n, n.us);
    assert_int_equal(leaves->at[3].leaf.op, LEAF_EXPIRE);
    assert_int_equal(leaves->at[3].opening.subject_seq, 0);
    assert_int_equal(leaves->at[4].opening.subject_seq, 2);
    mem_free(leaves);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    /* It comes back with a leaf of its own; the old one stays empty. */
    bench_policy_text(&n.b, GREEN_TO_US);
    bench_settle(&n.b);
    expect_bytes(&n, 7, (bool[]) {false, true, false, false, false, true, true});
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_policy_text(&n.b, "language 1\n");
    bench_settle(&n.b);
    leaves = read_now(&n, n.us);
    assert_int_equal(leaves->count, 10);
    assert_int_equal(leaves->at[7].opening.subject_seq, 5); /* of the first indicator, the leaf it has now */
    mem_free(leaves);
    node_end(&n);
}

static void what_is_held_is_not_taken_back(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    bench_policy_text(&n.b,
                      "language 1\nhold h if always until approved\nrelease g if tlp <= green to us-cisa\n");
    bench_settle(&n.b);
    expect_bytes(&n, 1, (bool[]) {true});
    assert_int_equal(gate_holds_count(n.b.gate, n.us), 0); /* who has it waits for nobody */
    node_end(&n);
}

/* It keeps back what would leave; what left is judged all the same. */
static void a_stop_keeps_nothing_whole(void **state)
{
    (void)state;
    static const char *const taken_out[] = {"valid_from",
                                            "description"}; /* the former it cannot be without */
    for (int i = 0; i < 2; i++) {
        struct node n;
        char rules[256];
        node_init(&n, GREEN_TO_US);
        add(&n, 1, MARKED(TLP_GREEN));
        bench_settle(&n.b);
        assert_int_equal(gate_stop(n.b.gate, GATE_STOP_ALL, STR(""), true, &by_test, n.b.now_us), ERR_OK);
        (void)snprintf(
            rules, sizeof rules,
            "language 1\nrelease g if tlp <= green to us-cisa with redact \"labels\", redact \"%s\"\n",
            taken_out[i]);
        bench_policy_text(&n.b, rules);
        bench_settle(&n.b);
        expect_bytes(&n, 2, (bool[]) {false, false});
        node_end(&n);
    }
}

static void older_versions_are_taken_back_too(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR)));
    bench_settle(&n.b);
    bench_policy_text(&n.b, "language 1\nrelease clear if tlp <= clear to us-cisa\n");
    bench_settle(&n.b);
    expect_bytes(&n, 3, (bool[]) {false, true, false});
    node_end(&n);
}

static void a_paused_partner_loses_it_too(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    bench_sign(&n.b);
    assert_int_equal(gate_peer_set(n.b.gate, n.us, GATE_PEER_PAUSED, false, &by_test, n.b.now_us), ERR_OK);
    bench_policy_text(&n.b, "language 1\n");
    assert_int_equal(gate_commit(n.b.gate), ERR_OK);
    size_t seen = 0;
    assert_int_equal(gate_leaves(n.b.gate, n.us, 0, count_content, &seen), ERR_BUSY);
    assert_int_equal(seen, 0);
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {false, false});
    node_end(&n);
}

/* --- taking back what something else than a policy denies --- */

#define STATEMENT_1 "marking-definition--00000000-0000-4000-8000-000000000001"

/* Nothing of it is given any more, to nobody who asks again; the tail of the ledger says so. */
static void expect_all_over(struct node *n, size_t count)
{
    struct bench_leaves *leaves = read_now(n, n->us);
    assert_int_equal(leaves->count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(leaves->at[i].bytes, 0);
    assert_int_equal(leaves->at[count - 1].leaf.op, LEAF_EXPIRE);
    mem_free(leaves);
    assert_false(bench_is_released(&n->b, n->us, "indicator", 1));
}

static uint64_t taken_of(struct node *n)
{
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(n->b.gate, n->us, &ledger), ERR_OK);
    return ledger.taken;
}

static void a_stricter_copy_takes_it_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    uint32_t other = bench_source(&n.b, "other", STIX_TLP_NONE, false, false);
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    uint64_t taken = taken_of(&n);
    (void)bench_add(&n.b, other, indicator(text, 1, 1, MARKED(TLP_RED)));
    bench_settle(&n.b);
    expect_bytes(&n, 3, (bool[]) {false, true, false});
    assert_true(taken_of(&n) > taken); /* answers under way are broken off */
    node_end(&n);
}

/* ...also an older version, when nothing else comes with it. */
static void a_stricter_copy_of_an_older_version_takes_it_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    uint32_t other = bench_source(&n.b, "other", STIX_TLP_NONE, false, false);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {true, true});
    (void)bench_add(&n.b, other, indicator(text, 1, 1, MARKED(TLP_RED)));
    bench_settle(&n.b);
    expect_bytes(&n, 3, (bool[]) {false, true, false});
    node_end(&n);
}

/* He has it from us, and says it too: that takes nothing away from those who read in his name. */
static void who_says_it_too_keeps_it(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, gate_peer_get(n.b.gate, n.us)->source, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    say(&n, 1, GATE_APPROVE, "ana"); /* looked at again */
    expect_bytes(&n, 1, (bool[]) {true});
    bench_policy_text(&n.b, "language 1\nrelease g2 if tlp <= green to us-cisa\n");
    bench_settle(&n.b);
    expect_bytes(&n, 1, (bool[]) {true});
    say(&n, 1, GATE_DENY, "ana");
    expect_all_over(&n, 2);
    node_end(&n);
}

static void an_operators_word_takes_it_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, GREEN_TO_US);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    say(&n, 1, GATE_DENY, "ana");
    expect_all_over(&n, 4); /* the older version as well */
    say(&n, 1, GATE_DENY, "ana");
    expect_all_over(&n, 4); /* and once */
    node_end(&n);
}

/* Whoever reads for a partner who is paused reads nothing that is denied by now, though no partner is started
 * for whom anything would be decided. */
static void it_goes_back_while_all_are_paused(void **state)
{
    (void)state;
    for (int by = 0; by < 3; by++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n, GREEN_TO_US);
        n.own = bench_source(&n.b, "assumed", STIX_TLP_GREEN, true, false);
        add(&n, 1, "");
        bench_settle(&n.b);
        expect_bytes(&n, 1, (bool[]) {true});
        for (unsigned p = 0; p < gate_peer_count(n.b.gate); p++)
            assert_int_equal(gate_peer_set(n.b.gate, p, GATE_PEER_PAUSED, false, &by_test, n.b.now_us),
                             ERR_OK);
        if (by == 0)
            (void)bench_source(&n.b, "assumed", STIX_TLP_RED, true, false);
        else if (by == 1)
            say(&n, 1, GATE_DENY, "ana");
        else
            (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED)));
        bench_settle(&n.b);
        expect_all_over(&n, 2);
        node_end(&n);
    }
}

static void a_marking_that_is_classified_again_takes_it_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key marking = bench_key(STATEMENT_1);
    node_init(&n, GREEN_TO_US);
    (void)bench_add(&n.b, n.own, statement(text, 1, "for friends"));
    add(&n, 1, MARKED(STATEMENT_1));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_RED, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    /* The version that carries it, though it is no longer current; not the one that does not. */
    struct bench_leaves *leaves = read_now(&n, n.us);
    size_t given = 0;
    for (size_t i = 0; i < leaves->count; i++)
        given += leaves->at[i].bytes > 0 && leaves->at[i].opening.subject_seq == 0;
    assert_int_equal(leaves->at[leaves->count - 1].leaf.op, LEAF_EXPIRE);
    mem_free(leaves);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(given <= 1); /* the marking itself */
    node_end(&n);
}

static void what_is_minted_is_taken_back_too(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\"\n");
    add(&n, 1, ",\"description\":\"one\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 2, ",\"description\":\"two\",\"labels\":[\"x\"]" MARKED(TLP_GREEN)));
    bench_settle(&n.b);
    struct bench_leaves *leaves = read_now(&n, n.us);
    size_t before = leaves->count, given = 0;
    for (size_t i = 0; i < before; i++)
        given += leaves->at[i].bytes > 0;
    assert_int_equal(given, 3); /* the node's identity, and two versions */
    mem_free(leaves);
    say(&n, 1, GATE_DENY, "ana");
    leaves = read_now(&n, n.us);
    assert_int_equal(leaves->count, before + 2);
    given = 0;
    for (size_t i = 0; i < leaves->count; i++)
        given += leaves->at[i].bytes > 0;
    assert_int_equal(given, 1);
    mem_free(leaves);
    node_end(&n);
}

#define ASKS "hold ask if type == indicator until approved\n"

/* A hold takes nothing back; what the rules beneath it take out is nobody's, held or not. What has nothing of
 * that stays. */
static void what_would_go_in_part_alone_is_taken_back_under_a_hold(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, GREEN_TO_US);
    add(&n, 1, ",\"description\":\"one\"" MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    bench_policy_text(&n.b, "language 1\n" ASKS
                            "release g if tlp <= green to us-cisa with redact \"description\"\n");
    bench_settle(&n.b);
    expect_bytes(&n, 3, (bool[]) {false, true, false});
    assert_int_equal(effect_of(&n, 1), POLICY_HOLD);
    assert_int_equal(gate_holds_count(n.b.gate, n.us), 1);
    say(&n, 1, GATE_APPROVE, "ana");
    /* Who made it, and the part. */
    expect_bytes(&n, 5, (bool[]) {false, true, false, true, true});
    assert_int_equal(minted_of(&n, n.us, "\"one\""), 0);
    node_end(&n);
}

/* So it is with a part: it stays where no more is taken out than it lacks, and goes where more is. */
static void a_part_is_taken_back_under_a_hold_for_what_it_has(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\"\n");
    add(&n, 1, ",\"description\":\"one\",\"labels\":[\"x\"]" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {true, true});
    bench_policy_text(&n.b, "language 1\n" ASKS "release g if tlp <= green to us-cisa\n");
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {true, true});
    bench_policy_text(&n.b, "language 1\n" ASKS
                            "release g if tlp <= green to us-cisa with redact \"description\", redact "
                            "\"labels\"\n");
    bench_settle(&n.b);
    expect_bytes(&n, 3, (bool[]) {true, false, false});
    node_end(&n);
}

/* A granular marking only tightens: what is denied without the part that it marks is not held for that part.
 */
static void a_marked_part_holds_nothing_that_is_denied(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, GREEN_TO_US);
    (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, false);
    add(&n, 1,
        ",\"description\":\"one\",\"granular_markings\":[{\"marking_ref\":\"" TLP_GREEN
        "\",\"selectors\":[\"description\"]}]");
    bench_settle(&n.b);
    expect_bytes(&n, 1, (bool[]) {true});
    bench_policy_text(&n.b, "language 1\ndeny c if tlp == clear to all\n" ASKS
                            "release g if tlp <= green to all\n");
    bench_settle(&n.b);
    assert_int_equal(effect_of(&n, 1), POLICY_DENY);
    expect_bytes(&n, 2, (bool[]) {false, false});
    node_end(&n);
}

/* --- what speaks of it --- */

#define SPEAKS_OF(ref, more)                                                                                 \
    "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"language-content--00000000-0000-4000-" \
    "8000-"                                                                                                  \
    "000000000009\",\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\","     \
    "\"object_ref\":\"" ref "\",\"contents\":{\"ko\":{" more "}}" MARKED(TLP_GREEN) "}"
#define FIRST "indicator--00000000-0000-4000-8000-000000000001"

/* Nothing of it may still be read, not even by who reads for the first time. */
static void expect_unread(struct node *n, const char *part)
{
    bench_settle(&n->b);
    assert_int_equal(minted_of(n, n->us, part), 0);
}

/* What is denied is not told in another language, whatever denies it. */
static void what_translates_it_is_taken_back(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct node n;
        node_init(&n, GREEN_TO_US);
        add(&n, 1, ",\"name\":\"secret\"" MARKED(TLP_GREEN));
        (void)bench_add(&n.b, n.own, SPEAKS_OF(FIRST, "\"name\":\"bimil\""));
        bench_settle(&n.b);
        assert_int_equal(minted_of(&n, n.us, "bimil"), 1);
        if (how == 0)
            bench_policy_text(
                &n.b, "language 1\ndeny d if type == indicator\nrelease green if tlp <= green to us-cisa\n");
        else if (how == 1)
            say(&n, 1, GATE_DENY, "kim");
        else
            add(&n, 1, ",\"name\":\"secret\",\"description\":\"x\"" MARKED(TLP_RED));
        expect_unread(&n, "secret");
        expect_unread(&n, "bimil");
        node_end(&n);
    }
}

/* A field that is marked more strictly than before goes in all languages. */
static void a_cut_field_is_not_told_in_another_language(void **state)
{
    (void)state;
    struct stix_key marking = bench_key(STATEMENT_1);
    for (int rest = 0; rest < 2; rest++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n, GREEN_TO_US);
        (void)bench_add(&n.b, n.own, statement(text, 1, "for friends"));
        assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_CLEAR, &by_test, n.b.now_us),
                         ERR_OK);
        add(&n, 1,
            ",\"name\":\"secret\",\"granular_markings\":[{\"marking_ref\":\"" STATEMENT_1
            "\",\"selectors\":[\"name\"]}]" MARKED(TLP_GREEN));
        (void)bench_add(&n.b, n.own,
                        rest ? SPEAKS_OF(FIRST, "\"name\":\"bimil\",\"x_a\":\"gonggae\"")
                             : SPEAKS_OF(FIRST, "\"name\":\"bimil\""));
        bench_settle(&n.b);
        assert_int_equal(minted_of(&n, n.us, "bimil"), 1);
        assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_RED, &by_test, n.b.now_us),
                         ERR_OK);
        expect_unread(&n, "secret");
        expect_unread(&n, "bimil");
        assert_int_equal(minted_of(&n, n.us, "gonggae"), rest);
        node_end(&n);
    }
}

static uint64_t size_to(struct node *n, unsigned partner)
{
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(n->b.gate, partner, &ledger), ERR_OK);
    return ledger.size;
}

/* A creator who waits stays as he has it, since nothing of it is to be taken out. What would be is told in
 * no other language either: once and for all, and not given and taken back again. */
static void what_waits_is_translated_in_part(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease g if tlp <= green or marking none to us-cisa\n");
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", ""));
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1,
                              ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"" MARKED(
                                  TLP_GREEN)));
    (void)bench_add(&n.b, n.own,
                    SPEAKS_OF("identity--00000000-0000-4000-8000-000000000001",
                              "\"name\":\"irum\",\"description\":\"bimil\""));
    bench_settle(&n.b);
    bench_policy_text(&n.b, "language 1\nhold m if marking none to us-cisa\n"
                            "release g if tlp <= green or marking none with redact \"description\" "
                            "to us-cisa\n");
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "irum"), 1);
    expect_unread(&n, "bimil");
    struct stix_key creator = key_of("identity", 1);
    assert_int_equal(gate_approve(n.b.gate, &creator, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    expect_unread(&n, "bimil");
    assert_int_equal(minted_of(&n, n.us, "irum"), 1);
    uint64_t said = size_to(&n, n.us);
    n.b.now_us += INT64_C(86400) * 1000000;
    bench_settle(&n.b);
    assert_int_equal(size_to(&n, n.us), said);
    node_end(&n);
}

/* A translation that went in part, and whose target waits now: what new duties take out of it is gone all the
 * same, and what they do not touch stays. */
static void a_part_of_a_translation_is_bound_by_new_duties(void **state)
{
    (void)state;
    static const struct {
        const char *rules;
        bool stays;
    } rows[] = {
        {"hold h if type == indicator until approved\nrelease g if tlp <= green to us-cisa with "
         "mask-personal-data\n",
         false},
        {"hold h if type == indicator until approved\nrelease g if tlp <= green to us-cisa with redact "
         "\"name\"\n",
         false},
        {"release i if type == indicator to us-cisa with anonymise-creator\nrelease g if tlp <= green to "
         "us-cisa\n",
         false},
        {"hold h if type == indicator until approved\nrelease g if tlp <= green to us-cisa with redact "
         "\"x_none\"\n",
         true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node n;
        char rules[512];
        node_init(&n, GREEN_TO_US);
        add(&n, 1,
            ",\"name\":\"n\",\"description\":\"secret\",\"granular_markings\":[{\"marking_ref\":\"" TLP_RED
            "\",\"selectors\":[\"description\"]}]" MARKED(TLP_GREEN));
        (void)bench_add(&n.b, n.own,
                        SPEAKS_OF(FIRST, "\"name\":\"jeonhwa 010-2345-6789\",\"description\":\"x\""));
        bench_settle(&n.b);
        assert_int_equal(minted_of(&n, n.us, "jeonhwa 010-2345-6789"), 1);
        (void)snprintf(rules, sizeof rules, "language 1\n%s", rows[i].rules);
        bench_policy_text(&n.b, rules);
        bench_settle(&n.b);
        assert_int_equal(minted_of(&n, n.us, "jeonhwa 010-2345-6789"), rows[i].stays);
        node_end(&n);
    }
}

/* A definition that came along, and that a new duty would change: no rule lets it go so, and it is never made
 * anew. What carries it waits from now on. */
static void a_definition_is_bound_by_new_duties(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key marking = bench_key(STATEMENT_1);
    node_init(&n, GREEN_TO_US);
    (void)bench_add(&n.b, n.own, statement(text, 1, "ask Hong 010-2345-6789"));
    assert_int_equal(gate_marking_classify(n.b.gate, &marking, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    add(&n, 1, MARKED(STATEMENT_1));
    bench_settle(&n.b);
    assert_int_equal(minted_of(&n, n.us, "010-2345-6789"), 1);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa with mask-personal-data\n");
    expect_unread(&n, "010-2345-6789");
    add(&n, 2, MARKED(STATEMENT_1));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 2));
    node_end(&n);
}

/* What a rule takes out, and what cannot be without it: nobody has it by a rule any more. */
static void what_cannot_be_made_in_part_is_taken_back(void **state)
{
    (void)state;
    static const char *const policies[] = {
        "language 1\nrelease g if tlp <= green to us-cisa with redact \"pattern\"\n",
        "language 1\nhold h if always until approved\nrelease g if tlp <= green to us-cisa with redact "
        "\"pattern\"\n",
    };
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        struct node n;
        node_init(&n, GREEN_TO_US);
        add(&n, 1, MARKED(TLP_GREEN));
        (void)bench_add(&n.b, n.own, SPEAKS_OF(FIRST, "\"pattern\":\"bimil\""));
        bench_settle(&n.b);
        bench_policy_text(&n.b, policies[i]);
        expect_unread(&n, "198.51.100.1");
        expect_unread(&n, "bimil");
        node_end(&n);
    }
}

/* Not only a policy brings a hold and a duty. */
static void a_tag_brings_both(void **state)
{
    (void)state;
    struct node n;
    struct stix_key key = key_of("indicator", 1);
    node_init(&n, "language 1\nhold ask if tag secret until approved\nrelease g if tlp <= green to us-cisa\n"
                  "release s if tag secret to us-cisa with redact \"description\"\n");
    add(&n, 1, ",\"description\":\"one\"" MARKED(TLP_GREEN));
    bench_settle(&n.b);
    expect_bytes(&n, 1, (bool[]) {true});
    assert_int_equal(gate_tag(n.b.gate, &key, STR("secret"), true, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    expect_bytes(&n, 2, (bool[]) {false, false});
    node_end(&n);
}

/* --- a restart behind every step --- */

enum { MANY = 2500, STEPS_MAX = 64 }; /* three pages, and the same of the job that decides */

struct ended {
    uint64_t next; /* behind the last leaf that was read */
    size_t green;  /* denied ones that were given */
    uint8_t *told; /* by leaf: how often it was ended */
};

static bool read_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct ended *e = ctx;
    bool content = leaf->object.len > 0;
    assert_true(leaf->leaf.seq < 2 * MANY);
    e->next = leaf->leaf.seq + 1;
    e->green += content && memmem(leaf->object.at, leaf->object.len, TLP_GREEN, strlen(TLP_GREEN)) != NULL;
    if (leaf->leaf.op == LEAF_EXPIRE)
        e->told[leaf->opening.subject_seq]++;
    return true;
}

/* All leaves that are given now; those that nobody looked at yet are passed over. */
static void read_all(struct node *n, struct ended *e)
{
    err_t err = ERR_BUSY;
    bench_sign(&n->b);
    e->green = 0;
    memset(e->told, 0, 2 * MANY);
    for (uint64_t from = 0; err == ERR_BUSY; from = e->next + 1) {
        e->next = from;
        err = gate_leaves(n->b.gate, n->us, from, read_leaf, e);
        assert_true(err == ERR_OK || err == ERR_BUSY);
    }
}

/* Steps that were made durable, and, `lost`, between them such as a crash undid. Returns how many it took. */
static unsigned step_by_step(struct node *n, bool lost, struct ended *e)
{
    bool more = true;
    int64_t next_us;
    unsigned steps = 0;
    for (; more; steps++) {
        assert_in_range(steps, 0, STEPS_MAX);
        n->b.now_us += 1000;
        assert_int_equal(gate_step(n->b.gate, n->b.now_us, &more, &next_us), ERR_OK);
        if (lost && steps % 2 == 0)
            more = true;
        else
            assert_int_equal(gate_commit(n->b.gate), ERR_OK);
        bench_reopen(&n->b);
        read_all(n, e);
        assert_int_equal(e->green, 0);
    }
    return steps;
}

static void a_restart_behind_every_step_gives_and_tells_the_same(void **state)
{
    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        struct node n;
        struct ended e = {.told = mem_alloc(2 * MANY)};
        size_t told = 0;
        assert_non_null(e.told);
        node_init(&n, GREEN_TO_US);
        for (int i = 0; i < MANY; i++)
            add(&n, i, i % 2 == 0 ? MARKED(TLP_GREEN) : MARKED(TLP_CLEAR));
        bench_settle(&n.b);
        read_all(&n, &e);
        assert_int_equal(e.green, MANY / 2);
        bench_policy_text(&n.b, "language 1\nrelease clear if tlp <= clear to us-cisa\n");
        assert_int_equal(gate_commit(n.b.gate), ERR_OK);
        assert_true(step_by_step(&n, lost != 0, &e) >= 3);
        assert_int_equal(e.next, MANY + MANY / 2);
        for (int i = 0; i < 2 * MANY; i++) {
            assert_in_range(e.told[i], 0, 1);
            told += e.told[i];
        }
        assert_int_equal(told, MANY / 2); /* each once, and none that stays */
        mem_free(e.told);
        bench_deinit(&n.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_denied_is_given_once_the_policy_is_in_force),
        cmocka_unit_test(what_is_held_is_not_taken_back),
        cmocka_unit_test(a_stop_keeps_nothing_whole),
        cmocka_unit_test(older_versions_are_taken_back_too),
        cmocka_unit_test(a_paused_partner_loses_it_too),
        cmocka_unit_test(it_goes_back_while_all_are_paused),
        cmocka_unit_test(a_stricter_copy_takes_it_back),
        cmocka_unit_test(a_stricter_copy_of_an_older_version_takes_it_back),
        cmocka_unit_test(who_says_it_too_keeps_it),
        cmocka_unit_test(an_operators_word_takes_it_back),
        cmocka_unit_test(a_marking_that_is_classified_again_takes_it_back),
        cmocka_unit_test(what_is_minted_is_taken_back_too),
        cmocka_unit_test(what_would_go_in_part_alone_is_taken_back_under_a_hold),
        cmocka_unit_test(a_part_is_taken_back_under_a_hold_for_what_it_has),
        cmocka_unit_test(a_marked_part_holds_nothing_that_is_denied),
        cmocka_unit_test(what_translates_it_is_taken_back),
        cmocka_unit_test(a_cut_field_is_not_told_in_another_language),
        cmocka_unit_test(what_waits_is_translated_in_part),
        cmocka_unit_test(a_part_of_a_translation_is_bound_by_new_duties),
        cmocka_unit_test(a_definition_is_bound_by_new_duties),
        cmocka_unit_test(what_cannot_be_made_in_part_is_taken_back),
        cmocka_unit_test(a_tag_brings_both),
        cmocka_unit_test(a_restart_behind_every_step_gives_and_tells_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
