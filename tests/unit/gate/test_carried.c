/* Observables that nobody marked: what carries them marks them. */
#include "gate/recall.h"
#include "gate/rival.h"
#include "gate/spill.h"

#include "gate_test.h"

#define MINUTE (INT64_C(60) * 1000000)

struct node {
    struct bench b;
    unsigned us;
    uint32_t own;
};

static void node_init(struct node *n)
{
    bench_init(&n->b);
    bench_policy(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
}

/* Settled, and does us have it? */
static bool out(struct node *n, const char *type, int number)
{
    bench_settle(&n->b);
    return bench_is_released(&n->b, n->us, type, number);
}

static void classify(struct node *n, int marking)
{
    struct stix_key key = key_of("marking-definition", marking);
    assert_int_equal(gate_marking_classify(n->b.gate, &key, STIX_TLP_CLEAR, &by_test, n->b.now_us), ERR_OK);
}

/* An unmarked observable is as secret as its strictest carrier; more carriers than are asked hold it. */
static void carriers_mark_observables(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], more[512];
    node_init(&n);
    (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, false);
    static const char carries[] = ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"";
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_GREEN), carries);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_RED), carries);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    assert_false(out(&n, "ipv4-addr", 1));
    assert_false(out(&n, "indicator", 1));
    (void)snprintf(more, sizeof more, "%s,\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000002\"",
                   MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, more));
    (void)bench_add(&n.b, n.own, address(text, 2, ""));
    assert_true(out(&n, "ipv4-addr", 2));
    assert_true(out(&n, "indicator", 3));
    bench_deinit(&n.b);
}

/* Whoever reads for a partner who is paused reads nothing that a carrier denies by now. */
static void a_carrier_binds_while_all_are_paused(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], more[512];
    node_init(&n);
    (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, false);
    static const char carries[] = ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"";
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_GREEN), carries);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    assert_true(out(&n, "ipv4-addr", 1));
    assert_int_equal(gate_peer_set(n.b.gate, n.us, GATE_PEER_PAUSED, false, &by_test, n.b.now_us), ERR_OK);
    (void)snprintf(more, sizeof more, "%s%s", MARKED(TLP_RED), carries);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    assert_false(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* Who reports what another had said binds by it what he says himself, whichever comes first. */
static void a_report_of_a_carrier_binds(void **state)
{
    (void)state;
    static const char carries[] =
        MARKED(TLP_RED) ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"";
    for (int first = 0; first < 2; first++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n);
        bench_policy_text(&n.b, "language 1\nrelease a if type == ipv4-addr and tlp <= green to us-cisa\n");
        uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_CLEAR, true, false);
        assert_int_equal(bench_add(&n.b, n.own, indicator(text, 1, 1, carries)), GATE_NEW);
        if (first)
            assert_int_equal(bench_add(&n.b, feed, indicator(text, 1, 1, carries)), GATE_SEEN);
        (void)bench_add(&n.b, feed, address(text, 1, ""));
        assert_int_equal(out(&n, "ipv4-addr", 1), !first);
        if (!first)
            assert_int_equal(bench_add(&n.b, feed, indicator(text, 1, 1, carries)), GATE_SEEN);
        assert_false(out(&n, "ipv4-addr", 1));
        bench_deinit(&n.b);
    }
}

/* What is suspended lends nobody its marking: what it carried goes back, and nothing more leaves on its word.
 */
static void a_suspended_carrier_marks_nothing(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], more[512];
    struct gate_spill spill;
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)snprintf(
        more, sizeof more,
        "%s,\"x_seen\":[\"ipv4-addr--00000000-0000-4000-8000-000000000001\",\"ipv4-addr--00000000-0000-"
        "4000-8000-000000000002\"]",
        MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    uint64_t lsn = n.b.last_lsn;
    assert_true(out(&n, "ipv4-addr", 1));
    assert_int_equal(gate_spill(n.b.gate, lsn, &by_test, n.b.now_us, &spill), ERR_OK);
    (void)bench_add(&n.b, n.own, address(text, 2, ""));
    assert_false(out(&n, "ipv4-addr", 1));
    assert_false(out(&n, "ipv4-addr", 2));
    bench_deinit(&n.b);
}

/* ...and what it alone keeps back waits until it is destroyed: nothing is unmarked by suspending what marks
 * it.
 */
static void a_suspended_carrier_still_marks(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct gate_spill spill;
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease n if marking none to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own,
                    indicator(text, 1, 1,
                              MARKED(TLP_AMBER) ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-"
                                                "000000000001\""));
    uint64_t lsn = n.b.last_lsn;
    assert_false(out(&n, "ipv4-addr", 1));
    assert_int_equal(gate_spill(n.b.gate, lsn, &by_test, n.b.now_us, &spill), ERR_OK);
    assert_false(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* A newer version of what was spilled waits for a person, and so does what it carries. */
static void what_may_be_spilled_again_lets_nothing_go(void **state)
{
    (void)state;
    static const char carries[] =
        MARKED(TLP_GREEN) ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"";
    struct node n;
    char text[TEXT_MAX];
    struct gate_spill spill;
    struct stix_key key = key_of("indicator", 1);
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, carries));
    uint64_t lsn = n.b.last_lsn;
    assert_true(out(&n, "ipv4-addr", 1));
    assert_int_equal(gate_spill(n.b.gate, lsn, &by_test, n.b.now_us, &spill), ERR_OK);
    assert_false(out(&n, "ipv4-addr", 1));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, carries));
    assert_false(out(&n, "ipv4-addr", 1));
    assert_int_equal(gate_tag(n.b.gate, &key, STR(GATE_SPILL_OK), true, &by_test, n.b.now_us), ERR_OK);
    assert_true(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* What carries an unmarked observable marks it even where it does not speak for its own id. */
static void an_asserted_carrier_marks_observables(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], more[512];
    node_init(&n);
    uint32_t feed = bench_source(&n.b, "feed", STIX_TLP_NONE, false, false);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, feed, address(text, 1, ""));
    assert_false(out(&n, "ipv4-addr", 1));
    (void)snprintf(more, sizeof more, "%s,\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"",
                   MARKED(TLP_GREEN));
    assert_int_equal(bench_add(&n.b, feed, indicator(text, 1, 2, more)), GATE_ASSERTION);
    assert_true(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* So with what marks an unmarked observable: a carrier that is no longer current, one in quarantine. */
static void a_silent_carriers_statement_is_classified(void **state)
{
    (void)state;
    static const char seen[] = ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"";
    struct node n;
    char text[TEXT_MAX], more[512];
    node_init(&n);
    (void)bench_add(&n.b, n.own, statement(text, 1, "ours"));
    (void)bench_add(&n.b, n.own, statement(text, 2, "theirs"));
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)snprintf(more, sizeof more, "%s%s",
                   MARKED("marking-definition--00000000-0000-4000-8000-000000000001"), seen);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, more));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 2, MARKED(TLP_CLEAR)));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_CLEAR)));
    assert_false(out(&n, "ipv4-addr", 1));
    (void)snprintf(more, sizeof more, "%s%s",
                   MARKED("marking-definition--00000000-0000-4000-8000-000000000002"), seen);
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 2, 1, more)), GATE_CONFLICT);
    classify(&n, 1);
    assert_false(out(&n, "ipv4-addr", 1));
    classify(&n, 2);
    assert_true(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* A carrier's marking is classified, and from then on a rule will let the observable go in an hour. */
static void a_carried_observable_has_its_own_timer(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\ndeny it if type == \"indicator\"\n"
                            "release open if tlp <= green to all after 1h\n");
    (void)bench_add(&n.b, n.own, statement(text, 1, "ours"));
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(
        &n.b, n.own,
        indicator(
            text, 1, 1,
            MARKED("marking-definition--00000000-0000-4000-8000-000000000001") ",\"x_seen\":\"ipv4-addr--"
                                                                               "00000000-0000-4000-8000-"
                                                                               "000000000001\""));
    assert_false(out(&n, "ipv4-addr", 1));
    classify(&n, 1);
    assert_false(out(&n, "ipv4-addr", 1));
    n.b.now_us += 60 * MINUTE;
    assert_true(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* What waits in quarantine marks what it carries, with the other copies of its version, and frees nothing. */
static void a_carrier_in_quarantine_only_tightens(void **state)
{
    (void)state;
    static const struct {
        const char *accepted, *quarantined;
        bool goes;
    } rows[] = {{MARKED(TLP_AMBER), MARKED(TLP_RED), false},
                {MARKED(TLP_CLEAR), MARKED(TLP_RED), false},
                {MARKED(TLP_AMBER), MARKED(TLP_GREEN), false},
                {MARKED(TLP_CLEAR), MARKED(TLP_GREEN), true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node n;
        char text[TEXT_MAX], more[512];
        node_init(&n);
        (void)bench_add(&n.b, n.own, address(text, 1, ""));
        (void)bench_add(&n.b, n.own, indicator(text, 1, 1, rows[i].accepted));
        (void)snprintf(more, sizeof more, "%s,\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\"",
                       rows[i].quarantined);
        assert_int_equal(bench_add(&n.b, n.own, indicator(text, 1, 1, more)), GATE_CONFLICT);
        assert_false(out(&n, "ipv4-addr", 1)); /* unmarked still */
        (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, false);
        assert_int_equal(out(&n, "ipv4-addr", 1), rows[i].goes);
        bench_deinit(&n.b);
    }
}

/* Nobody says how secret they are: neither what waits in quarantine nor a marking of some field of what
 * carries them gives them a level by which a rule may let them go. */
static void what_tightens_gives_no_level(void **state)
{
    (void)state;
    static const char seen[] = ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-00000000000%d\"";
    struct node n;
    char text[TEXT_MAX], carries[128], more[512];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease open if tlp <= green to all\n");
    for (int i = 1; i <= 3; i++)
        (void)bench_add(&n.b, n.own, address(text, i, ""));
    (void)snprintf(carries, sizeof carries, seen, 1);
    (void)snprintf(more, sizeof more, "%s%s", carries, MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER)));
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 1, 1, more)), GATE_CONFLICT);
    assert_false(out(&n, "ipv4-addr", 1));
    (void)snprintf(carries, sizeof carries, seen, 2);
    (void)snprintf(more, sizeof more,
                   "%s,\"name\":\"n\",\"granular_markings\":[{\"marking_ref\":\"" TLP_GREEN
                   "\",\"selectors\":[\"name\"]}]",
                   carries);
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    assert_false(out(&n, "ipv4-addr", 2));
    (void)snprintf(carries, sizeof carries, seen, 3);
    (void)snprintf(more, sizeof more, "%s%s", carries, MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, more));
    assert_true(out(&n, "ipv4-addr", 3));
    bench_deinit(&n.b);
}

/* --- another's copy of a carrier --- */

#define SEES_1 ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-8000-000000000001\""

struct rivalry {
    struct node n;
    uint32_t theirs; /* a partner's source, which brings stricter copies */
};

/* Ours carries an address that nobody marked, and both are out. */
static void rivalry_init(struct rivalry *r)
{
    char text[TEXT_MAX];
    node_init(&r->n);
    bench_policy_text(&r->n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    r->theirs = gate_peer_get(r->n.b.gate, bench_partner(&r->n.b, "kr-other"))->source;
    (void)bench_add(&r->n.b, r->n.own, address(text, 1, ""));
    (void)bench_add(&r->n.b, r->n.own, indicator(text, 1, 1, MARKED(TLP_GREEN) SEES_1));
    assert_true(out(&r->n, "ipv4-addr", 1));
}

/* Theirs, of that version, which need not name what ours carries. */
static uint64_t tighten(struct rivalry *r, int version)
{
    char text[TEXT_MAX];
    assert_int_equal(
        bench_add(&r->n.b, r->theirs, indicator(text, 1, version, ",\"name\":\"theirs\"" MARKED(TLP_RED))),
        GATE_CONFLICT);
    uint64_t lsn = r->n.b.last_lsn;
    bench_settle(&r->n.b);
    return lsn;
}

static bool address_is_out(struct rivalry *r)
{
    return out(&r->n, "ipv4-addr", 1);
}

/* The stricter copy of a carrier binds what it carries, as it binds the carrier. */
static void a_rival_of_a_carrier_binds_what_it_carries(void **state)
{
    (void)state;
    struct rivalry r;
    struct gate_rival_word word = {.object = key_of("indicator", 1), .until_us = INT64_MAX};
    bool waits;
    rivalry_init(&r);
    (void)tighten(&r, 1);
    assert_false(out(&r.n, "indicator", 1));
    assert_false(address_is_out(&r));
    bench_reopen(&r.n.b);
    assert_false(address_is_out(&r));
    /* Where the owner's marking stands, it stands for both. */
    assert_int_equal(gate_rival_keep(r.n.b.gate, &word, &by_test, r.n.b.now_us, &waits), ERR_OK);
    assert_true(address_is_out(&r));
    assert_int_equal(gate_rival_lift(r.n.b.gate, &word, &by_test, r.n.b.now_us), ERR_OK);
    assert_false(address_is_out(&r));
    word.until_us = r.n.b.now_us + 60 * MINUTE;
    assert_int_equal(gate_rival_keep(r.n.b.gate, &word, &by_test, r.n.b.now_us, &waits), ERR_OK);
    assert_true(address_is_out(&r));
    r.n.b.now_us += 61 * MINUTE;
    assert_false(address_is_out(&r));
    bench_deinit(&r.n.b);
}

/* What an older version carries is bound by copies of that version. */
static void a_rival_of_an_older_carrier_binds_too(void **state)
{
    (void)state;
    struct rivalry r;
    char text[TEXT_MAX];
    struct gate_rival_word word = {.until_us = INT64_MAX};
    bool waits;
    rivalry_init(&r);
    (void)bench_add(&r.n.b, r.n.own, indicator(text, 1, 2, MARKED(TLP_GREEN)));
    assert_true(address_is_out(&r));
    (void)tighten(&r, 1);
    assert_true(out(&r.n, "indicator", 1));
    assert_false(address_is_out(&r));
    word.source = r.theirs;
    assert_int_equal(gate_rival_keep(r.n.b.gate, &word, &by_test, r.n.b.now_us, &waits), ERR_OK);
    assert_true(address_is_out(&r));
    assert_int_equal(gate_rival_lift(r.n.b.gate, &word, &by_test, r.n.b.now_us), ERR_OK);
    assert_false(address_is_out(&r));
    bench_deinit(&r.n.b);
}

/* So with the source's own copy, which waits in quarantine, and alone names the address. */
static void a_carrier_in_quarantine_is_looked_at(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)bench_source(&n.b, "own", STIX_TLP_CLEAR, true, false);
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_true(out(&n, "ipv4-addr", 1));
    assert_int_equal(bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED) SEES_1)), GATE_CONFLICT);
    assert_false(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* Copies in quarantine bind each other's observables: theirs is bound by a third one's word. */
static void rivals_bind_each_others_observables(void **state)
{
    (void)state;
    struct rivalry r;
    char text[TEXT_MAX];
    rivalry_init(&r);
    uint32_t feed = bench_source(&r.n.b, "feed", STIX_TLP_CLEAR, false, false);
    (void)bench_add(&r.n.b, feed, address(text, 2, ""));
    assert_int_equal(bench_add(&r.n.b, feed,
                               indicator(text, 1, 1,
                                         MARKED(TLP_GREEN) ",\"x_seen\":\"ipv4-addr--00000000-0000-4000-"
                                                           "8000-000000000002\"")),
                     GATE_CONFLICT);
    assert_true(out(&r.n, "ipv4-addr", 2));
    (void)tighten(&r, 1);
    assert_false(address_is_out(&r));
    assert_false(out(&r.n, "ipv4-addr", 2));
    bench_deinit(&r.n.b);
}

/* --- a carrier that is called back --- */

static void recall(struct node *n, uint64_t lsn)
{
    struct gate_recalled told;
    assert_int_equal(
        gate_recall(n->b.gate, &lsn, 1, n->b.now_us + 60 * MINUTE, &by_test, false, n->b.now_us, &told),
        ERR_OK);
    bench_settle(&n->b);
}

static void carry_out(struct node *n, uint64_t lsn)
{
    bool did = true;
    while (did)
        assert_int_equal(gate_recall_step(n->b.gate, n->b.now_us, &did), ERR_OK);
    assert_true(gate_is_destroyed(n->b.gate, lsn));
    assert_int_equal(gate_purge(n->b.gate, NULL, n->b.now_us), ERR_OK);
}

/* What follows from the log is the same when it is read again. */
static void reindex(struct node *n)
{
    uint64_t bad = 1;
    struct gate_setup setup = {
        .os = os_linux(), .dir = n->b.dir, .node_name = STR("kr"), .reindex = true, .diag = &bench_diag};
    gate_close(n->b.gate);
    assert_int_equal(gate_open(&setup, &n->b.gate), ERR_OK);
    assert_int_equal(gate_check(n->b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

/* Nothing marks it any more, so nothing lets it go: it is taken back before the carrier is destroyed. */
static void what_a_recalled_carrier_carried_goes_back(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN) SEES_1));
    uint64_t lsn = n.b.last_lsn;
    assert_true(out(&n, "ipv4-addr", 1));
    recall(&n, lsn);
    assert_false(out(&n, "ipv4-addr", 1));
    carry_out(&n, lsn);
    assert_false(out(&n, "ipv4-addr", 1));
    reindex(&n);
    assert_false(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* It stays where something else lets it go. */
static void what_is_carried_twice_stays(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_GREEN) SEES_1));
    uint64_t lsn = n.b.last_lsn;
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_CLEAR) SEES_1));
    assert_true(out(&n, "ipv4-addr", 1));
    recall(&n, lsn);
    carry_out(&n, lsn);
    assert_true(out(&n, "ipv4-addr", 1));
    struct bench_leaves *leaves = bench_ledger(&n.b, n.us);
    for (size_t i = 0; i < leaves->count; i++)
        assert_int_not_equal(leaves->at[i].leaf.op, LEAF_EXPIRE);
    mem_free(leaves);
    bench_deinit(&n.b);
}

/* As long as it is suspended it binds still: somebody else has to agree, or an order keeps it. When it is
 * gone what it alone kept goes, after a crash too. */
static void what_a_recalled_carrier_kept_goes(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\nrelease g if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, ""));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED) SEES_1));
    uint64_t lsn = n.b.last_lsn;
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(TLP_CLEAR) SEES_1));
    assert_false(out(&n, "ipv4-addr", 1));
    recall(&n, lsn);
    assert_false(out(&n, "ipv4-addr", 1));
    carry_out(&n, lsn);
    bench_reopen(&n.b);
    assert_true(out(&n, "ipv4-addr", 1));
    reindex(&n);
    assert_true(out(&n, "ipv4-addr", 1));
    bench_deinit(&n.b);
}

/* What only a neighbour kept goes when that is destroyed: it referred to the one, and the other to it. */
static void what_a_recalled_neighbour_kept_goes(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX], more[300], id[ID_MAX];
    node_init(&n);
    bench_policy_text(&n.b, "language 1\ndeny near if neighbour.tlp >= amber and tlp <= green to all\n"
                            "release g if tlp <= green to us-cisa\n");
    (void)bench_add(&n.b, n.own, address(text, 1, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_AMBER) SEES_1));
    uint64_t lsn = n.b.last_lsn;
    (void)snprintf(more, sizeof more, "%s,\"x_near\":\"%s\"", MARKED(TLP_GREEN), id_of(id, "indicator", 1));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, more));
    assert_false(out(&n, "ipv4-addr", 1));
    recall(&n, lsn);
    carry_out(&n, lsn);
    assert_true(out(&n, "ipv4-addr", 1));
    struct stix_key near = key_of("indicator", 2);
    struct gate_why why;
    struct arena arena;
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n.b.gate, &near, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(why.effect == POLICY_RELEASE && why.blocked); /* it names what is not here */
    arena_deinit(&arena);
    bench_deinit(&n.b);
}

/* A stricter copy that is destroyed binds nothing any more, neither the carrier nor what it carries. */
static void a_rival_that_is_gone_binds_nothing(void **state)
{
    (void)state;
    struct rivalry r;
    rivalry_init(&r);
    uint64_t lsn = tighten(&r, 1);
    assert_false(out(&r.n, "indicator", 1));
    assert_false(address_is_out(&r));
    recall(&r.n, lsn);
    assert_false(address_is_out(&r));
    carry_out(&r.n, lsn);
    assert_true(out(&r.n, "indicator", 1));
    assert_true(address_is_out(&r));
    reindex(&r.n);
    assert_true(address_is_out(&r));
    bench_deinit(&r.n.b);
}

/* A new policy lets both go, and has not come to them yet: a carrier that comes by and stays here does not
 * put what it carries before the rest. */
static void a_withheld_carrier_sets_no_order(void **state)
{
    (void)state;
    for (int hidden = 0; hidden < 2; hidden++) {
        struct node n;
        char text[TEXT_MAX];
        node_init(&n);
        bench_policy_text(&n.b, "language 1\ndeny shut if tlp <= red to all\nrelease open if own to all\n");
        (void)bench_add(&n.b, n.own, address(text, 1, MARKED(TLP_GREEN)));
        (void)bench_add(&n.b, n.own, identity(text, 1, "organization", MARKED(TLP_GREEN)));
        bench_settle(&n.b);
        bench_policy_text(&n.b, "language 1\nrelease open if tlp <= green to all\n");
        if (hidden)
            (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(TLP_RED) SEES_1));
        struct bench_leaves *leaves = bench_ledger(&n.b, n.us);
        struct stix_key first = key_of("identity", 1), second = key_of("ipv4-addr", 1);
        assert_int_equal(leaves->count, 2);
        assert_true(stix_key_eq(&leaves->at[0].key, &first));
        assert_true(stix_key_eq(&leaves->at[1].key, &second));
        mem_free(leaves);
        bench_deinit(&n.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_withheld_carrier_sets_no_order),
        cmocka_unit_test(carriers_mark_observables),
        cmocka_unit_test(a_carrier_binds_while_all_are_paused),
        cmocka_unit_test(a_report_of_a_carrier_binds),
        cmocka_unit_test(a_suspended_carrier_marks_nothing),
        cmocka_unit_test(a_suspended_carrier_still_marks),
        cmocka_unit_test(what_may_be_spilled_again_lets_nothing_go),
        cmocka_unit_test(an_asserted_carrier_marks_observables),
        cmocka_unit_test(a_silent_carriers_statement_is_classified),
        cmocka_unit_test(a_carried_observable_has_its_own_timer),
        cmocka_unit_test(a_carrier_in_quarantine_only_tightens),
        cmocka_unit_test(what_tightens_gives_no_level),
        cmocka_unit_test(a_rival_of_a_carrier_binds_what_it_carries),
        cmocka_unit_test(a_rival_of_an_older_carrier_binds_too),
        cmocka_unit_test(a_carrier_in_quarantine_is_looked_at),
        cmocka_unit_test(rivals_bind_each_others_observables),
        cmocka_unit_test(what_a_recalled_carrier_carried_goes_back),
        cmocka_unit_test(what_is_carried_twice_stays),
        cmocka_unit_test(what_a_recalled_carrier_kept_goes),
        cmocka_unit_test(what_a_recalled_neighbour_kept_goes),
        cmocka_unit_test(a_rival_that_is_gone_binds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
