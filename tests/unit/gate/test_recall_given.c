/* What partners call back: what goes by whose word, when several brought the same. */
#include "recall_test.h"

/* It goes here, is not taken in again, travels on, and is answered when it is gone. */
static void called_back_by_its_giver(void **state)
{
    (void)state;
    struct bench b;
    struct giver us;
    char text[TEXT_MAX];
    uint64_t seq;
    bench_init(&b);
    giver_init(&b, &us, "us-cisa");
    unsigned jp = bench_partner(&b, "jp-nisc");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    uint64_t at = give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t kept = give(&b, &us, indicator(text, 2, 1, MARKED(TLP_CLEAR)));
    assert_int_equal(ops(&b, jp, LEAF_RELEASE), 2);
    assert_false(call_back(&b, &us, at).refused);
    assert_int_equal(shown(&b, 1), 0); /* at once, before anything is decided */
    assert_int_equal(shown(&b, 2), 1);
    assert_int_equal(owed(&b, &us, &seq), ERR_NOTFOUND); /* not gone yet */
    assert_int_equal(carry_out(&b), 1);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(ops(&b, jp, LEAF_RECALL), 1);
        assert_int_equal(owed(&b, &us, &seq), ERR_OK);
        assert_int_equal(seq, 2);
        expect_whole(&b);
        if (round == 1)
            bench_reopen(&b);
        else
            bench_reindex(&b);
    }
    /* The same words again, in a leaf of their own. */
    (void)give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    assert_int_equal(shown(&b, 1), 0);
    assert_int_equal(gate_recall_acknowledged(b.gate, us.partner, 2, false, b.now_us), ERR_OK);
    assert_int_equal(owed(&b, &us, &seq), ERR_NOTFOUND);
    (void)kept;
    buf_deinit(&us.cursor.note);
    bench_deinit(&b);
}

/* What another brought as well stays his, the giver is answered all the same; and a leaf of one ledger calls
 * back nothing of another. */
static void nobody_takes_what_others_gave(void **state)
{
    (void)state;
    struct bench b;
    struct giver us, fr;
    char text[TEXT_MAX];
    uint64_t seq;
    bench_init(&b);
    giver_init(&b, &us, "us-cisa");
    giver_init(&b, &fr, "fr-anssi");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    uint64_t his = give(&b, &fr, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t same = give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    assert_int_equal(his, same);
    /* A number that he has no leaf of. */
    assert_false(call_back(&b, &us, 17).refused);
    assert_int_equal(shown(&b, 1), 1);
    assert_false(call_back(&b, &us, same).refused);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(shown(&b, 1), 1);
    assert_int_equal(owed(&b, &us, &seq), ERR_OK);
    assert_int_equal(seq, 1);
    assert_int_equal(gate_recall_acknowledged(b.gate, us.partner, 1, false, b.now_us), ERR_OK);
    assert_int_equal(owed(&b, &us, &seq), ERR_OK);
    assert_int_equal(seq, 2);
    /* Whose it is may: everything goes. */
    assert_false(call_back(&b, &fr, his).refused);
    assert_int_equal(shown(&b, 1), 0);
    assert_int_equal(carry_out(&b), 1);
    assert_int_equal(owed(&b, &fr, &seq), ERR_OK);
    expect_whole(&b);
    buf_deinit(&us.cursor.note);
    buf_deinit(&fr.cursor.note);
    bench_deinit(&b);
}

/* Whose it was destroyed his copy: what another said of it is not that one's since, after a reindex either.
 */
static void who_spoke_second_is_not_at_home(void **state)
{
    (void)state;
    struct bench b;
    struct giver us, fr;
    char text[TEXT_MAX];
    struct gate_recalled told;
    bench_init(&b);
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    giver_init(&b, &us, "us-cisa");
    giver_init(&b, &fr, "fr-anssi");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    (void)bench_add(&b, own, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t first = b.last_lsn;
    uint64_t his = give(&b, &us, indicator(text, 1, 3, MARKED(TLP_CLEAR)));
    assert_int_equal(gate_recall(b.gate, &first, 1, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(carry_out(&b), 1);
    bench_reindex(&b);
    (void)give(&b, &fr, indicator(text, 1, 3, MARKED(TLP_CLEAR)));
    size_t held = shown(&b, 1);
    assert_false(call_back(&b, &us, his).refused);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(shown(&b, 1), held);
    expect_whole(&b);
    buf_deinit(&us.cursor.note);
    buf_deinit(&fr.cursor.note);
    bench_deinit(&b);
}

/* Who called back his own report of it says it no more: the other's recall takes the rest. */
static void the_last_word(void **state)
{
    (void)state;
    struct bench b;
    struct giver us, fr;
    char text[TEXT_MAX];
    struct stix_key owner = key_of("identity", 9);
    char by[256], id[ID_MAX];
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    giver_init(&b, &us, "us-cisa");
    giver_init(&b, &fr, "fr-anssi");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(gate_identity_bind(b.gate, &owner, feed, &officer, b.now_us), ERR_OK);
    (void)id_of(id, "identity", 9);
    (void)snprintf(by, sizeof by, ",\"created_by_ref\":\"%s\"" MARKED(TLP_CLEAR), id);
    uint64_t first = give(&b, &us, indicator(text, 1, 1, by)), again = give(&b, &fr, text);
    assert_false(call_back(&b, &fr, again).refused);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(shown(&b, 1), 1);
    assert_false(call_back(&b, &us, first).refused);
    assert_int_equal(shown(&b, 1), 0);
    assert_int_equal(carry_out(&b), 1);
    expect_whole(&b);
    buf_deinit(&us.cursor.note);
    buf_deinit(&fr.cursor.note);
    bench_deinit(&b);
}

/* The other way round: his bytes stay while another says the same, and go when that one calls it back too,
 * also after the index was made again. */
static void last_word_of_a_report(bool says_it_again)
{
    struct bench b;
    struct giver us, fr, jp;
    char text[TEXT_MAX];
    struct stix_key owner = key_of("identity", 9);
    char by[256], id[ID_MAX];
    uint64_t seq;
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, false);
    giver_init(&b, &us, "us-cisa");
    giver_init(&b, &fr, "fr-anssi");
    giver_init(&b, &jp, "jp-npa");
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    assert_int_equal(gate_identity_bind(b.gate, &owner, feed, &officer, b.now_us), ERR_OK);
    (void)id_of(id, "identity", 9);
    (void)snprintf(by, sizeof by, ",\"created_by_ref\":\"%s\"" MARKED(TLP_CLEAR), id);
    uint64_t first = give(&b, &us, indicator(text, 1, 1, by));
    uint64_t again = give(&b, &fr, text), third = give(&b, &jp, text);
    assert_false(call_back(&b, &us, first).refused);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(owed(&b, &us, &seq), ERR_OK);
    bench_reindex(&b);
    assert_false(call_back(&b, &fr, again).refused);
    assert_int_equal(carry_out(&b), 0);
    assert_int_equal(shown(&b, 1), 1);
    if (says_it_again) { /* then it is his last word that counts */
        first = give(&b, &us, text);
        assert_false(call_back(&b, &jp, third).refused);
        assert_int_equal(shown(&b, 1), 1);
        assert_false(call_back(&b, &us, first).refused);
    } else {
        assert_false(call_back(&b, &jp, third).refused);
    }
    assert_int_equal(shown(&b, 1), 0);
    assert_int_equal(carry_out(&b), 1);
    assert_int_equal(owed(&b, &jp, &seq), ERR_OK);
    expect_whole(&b);
    bench_reindex(&b);
    assert_int_equal(shown(&b, 1), 0);
    buf_deinit(&us.cursor.note);
    buf_deinit(&fr.cursor.note);
    buf_deinit(&jp.cursor.note);
    bench_deinit(&b);
}

static void the_last_word_of_a_report(void **state)
{
    (void)state;
    last_word_of_a_report(false);
    last_word_of_a_report(true);
}

/* The same words of the same source, with others between: both places go, also after a restart. */
static void brought_twice(void **state)
{
    (void)state;
    struct bench b;
    struct gate_recalled told;
    uint64_t lsns[3];
    static const char *const texts[3] = {"", ",\"defanged\":true", ""};
    bench_init(&b);
    uint32_t feed = bench_source(&b, "feed", STIX_TLP_CLEAR, true, true);
    bench_policy_text(&b, "language 1\nrelease open if tlp <= green to all\n");
    for (size_t i = 0; i < 3; i++) {
        char text[TEXT_MAX], id[ID_MAX];
        (void)id_of(id, "domain-name", 1);
        (void)snprintf(
            text, sizeof text,
            "{\"type\":\"domain-name\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"value\":\"a.test\"%s}", id,
            texts[i]);
        assert_int_equal(bench_add(&b, feed, text), GATE_NEW);
        lsns[i] = b.last_lsn;
    }
    bench_settle(&b);
    assert_int_equal(gate_recall(b.gate, lsns, 3, DEADLINE, &officer, true, b.now_us, &told), ERR_OK);
    assert_int_equal(told.versions, 3);
    bench_reopen(&b);
    (void)carry_out(&b);
    for (size_t i = 0; i < 3; i++)
        assert_true(gate_is_destroyed(b.gate, lsns[i]));
    bench_reindex(&b);
    expect_whole(&b);
    bench_deinit(&b);
}

/* What came again, and what was refused, is found by its leaf. */
static void again_and_refused(void **state)
{
    (void)state;
    struct bench b;
    struct giver us;
    char text[TEXT_MAX];
    bench_init(&b);
    giver_init(&b, &us, "us-cisa");
    (void)give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t again = give(&b, &us, indicator(text, 1, 1, MARKED(TLP_CLEAR)));
    uint64_t bad = give(&b, &us, "{\"type\":\"indicator\",\"name\":\"secret\"}");
    bench_reindex(&b);
    assert_false(call_back(&b, &us, again).refused);
    assert_false(call_back(&b, &us, bad).refused);
    assert_int_equal(shown(&b, 1), 0);
    struct gate_counts counts;
    assert_int_equal(carry_out(&b), 1);
    gate_counts(b.gate, &counts);
    assert_int_equal(counts.quarantined, 0);
    assert_int_equal(counts.objects, 0);
    for (int i = 0; i < 2; i++) {
        uint64_t seq;
        assert_int_equal(owed(&b, &us, &seq), ERR_OK);
        assert_int_equal(gate_recall_acknowledged(b.gate, us.partner, seq, false, b.now_us), ERR_OK);
    }
    expect_whole(&b);
    buf_deinit(&us.cursor.note);
    bench_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_back_by_its_giver),
        cmocka_unit_test(nobody_takes_what_others_gave),
        cmocka_unit_test(the_last_word),
        cmocka_unit_test(the_last_word_of_a_report),
        cmocka_unit_test(who_spoke_second_is_not_at_home),
        cmocka_unit_test(brought_twice),
        cmocka_unit_test(again_and_refused),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
