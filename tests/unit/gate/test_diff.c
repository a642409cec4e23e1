/* What another policy would do is what it does: told before it is in force. */
#include "gate_test.h"

#include "gate/query.h"

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t own;
};

struct told {
    size_t counts[GATE_DIFF_KINDS][2];
    size_t all;
    char shown[256], hidden[256], rule[64]; /* of the last line */
    enum gate_diff_word now, then;
    size_t named_by; /* of all */
};

static void node_init(struct node *n, const char *policy)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    n->own = bench_source(&n->b, "own", STIX_TLP_NONE, true, false);
    bench_policy_text(&n->b, policy);
    bench_settle(&n->b);
}

static void add(struct node *n, int number, const char *more)
{
    char text[TEXT_MAX];
    (void)bench_add(&n->b, n->own, indicator(text, number, 1, more));
}

static bool tell(void *ctx, const struct gate_diff_line *line)
{
    struct told *told = ctx;
    assert_true(line->partner < 2);
    told->counts[line->change][line->partner]++;
    told->all++;
    (void)snprintf(told->shown, sizeof told->shown, "%.*s", STR_ARG(line->shown));
    (void)snprintf(told->hidden, sizeof told->hidden, "%.*s", STR_ARG(line->hidden));
    told->now = line->now;
    told->then = line->then;
    told->named_by += line->named_by;
    (void)snprintf(told->rule, sizeof told->rule, "%.*s", STR_ARG(line->then_rule));
    return true;
}

/* `most` frames at a time: the answer must not depend on it. */
static struct told differences(struct node *n, const char *policy, size_t most)
{
    struct told told = {0};
    struct policy *other;
    struct policy_fault fault;
    uint64_t cursor = 0;
    bench_settle(&n->b);
    assert_int_equal(gate_policy_compile(n->b.gate, str_of(policy), &other, &fault), ERR_OK);
    for (size_t rounds = 0; cursor != UINT64_MAX; rounds++) {
        assert_in_range(rounds, 0, 1000);
        assert_int_equal(gate_policy_diff(n->b.gate, other, n->b.now_us, &cursor, most, tell, &told), ERR_OK);
    }
    policy_unref(other);
    return told;
}

#define PLAIN    "language 1\nrelease g if tlp <= green to us-cisa\n"
#define REDACTED "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\"\n"
#define HIDDEN   "language 1\nrelease g if tlp <= green to us-cisa with anonymise-creator\n"
#define EXPIRING "language 1\nrelease g if tlp <= green to us-cisa with expire 30d\n"
#define BRIEF    "language 1\nrelease g if tlp <= green to us-cisa with redact \"description\", expire 1d\n"

static void forms_are_told(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, PLAIN);
    add(&n, 1, MARKED(TLP_GREEN) ",\"description\":\"a\"");
    add(&n, 2, MARKED(TLP_GREEN) ",\"description\":\"b\"");
    struct told told = differences(&n, REDACTED, 1000);
    assert_int_equal(told.counts[GATE_DIFF_PART][n.us], 2);
    assert_int_equal(told.all, 2);
    assert_string_equal(told.hidden, "description\n");
    assert_string_equal(told.shown, "");
    assert_int_equal(differences(&n, PLAIN, 1000).all, 0);
    bench_policy_text(&n.b, REDACTED);
    bench_settle(&n.b);
    told = differences(&n, PLAIN, 1);
    assert_int_equal(told.counts[GATE_DIFF_WHOLE][n.us], 2);
    assert_int_equal(told.all, 2);
    assert_string_equal(told.shown, "description\n");
    told = differences(&n, HIDDEN, 1000);
    assert_int_equal(told.counts[GATE_DIFF_OTHER][n.us], 2);
    assert_string_equal(told.shown, "description\n");
    assert_string_equal(told.hidden, "!creator\n");
    assert_int_equal(differences(&n, REDACTED, 1000).all, 0);
    bench_deinit(&n.b);
}

static void duties_alone_are_told(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, PLAIN);
    add(&n, 1, MARKED(TLP_GREEN));
    struct told told = differences(&n, EXPIRING, 1000);
    assert_int_equal(told.counts[GATE_DIFF_DUTIES][n.us], 1);
    assert_int_equal(told.all, 1);
    told = differences(&n, "language 1\nrelease g if tlp <= green to us-cisa with reshare never\n", 1000);
    assert_int_equal(told.counts[GATE_DIFF_DUTIES][n.us], 1);
    bench_policy_text(&n.b, EXPIRING);
    bench_settle(&n.b);
    assert_int_equal(differences(&n, PLAIN, 1000).counts[GATE_DIFF_DUTIES][n.us], 1);
    assert_int_equal(differences(&n, EXPIRING, 1000).all, 0);
    bench_deinit(&n.b);
}

/* What is minted and has to expire is told like what is minted. */
static void what_expires_in_part_goes_otherwise(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, BRIEF);
    add(&n, 1, MARKED(TLP_GREEN) ",\"description\":\"a\"");
    struct told told = differences(&n, PLAIN, 1000);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 0);
    assert_int_equal(told.all, 1);
    assert_string_equal(told.shown, "description\n");
    bench_policy_text(&n.b, PLAIN);
    bench_settle(&n.b);
    told = differences(&n, BRIEF, 1000);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 0);
    assert_string_equal(told.hidden, "description\n");
    bench_deinit(&n.b);
}

#define INDICATORS "language 1\nrelease i if type == indicator and tlp <= green to all\n"
#define ALL_GREEN  "language 1\nrelease a if tlp <= green to all\n"

/* A chain: a relationship over indicators 1 and 2, and one over 1 and 3, which is RED. */
static void what_names_what_stays_is_not_counted(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, INDICATORS);
    (void)bench_add(&n.b, n.own, relationship(text, 7, 1, 2, MARKED(TLP_GREEN)));
    (void)bench_add(&n.b, n.own, relationship(text, 8, 1, 3, MARKED(TLP_GREEN)));
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN));
    add(&n, 3, MARKED(TLP_RED));
    for (size_t most = 1; most < 1000; most += 499) {
        struct told told = differences(&n, ALL_GREEN, most);
        assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 1);
        assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.jp], 1);
        assert_int_equal(told.counts[GATE_DIFF_KEPT][n.us], 1);
        assert_int_equal(told.all, 4);
    }
    bench_policy_text(&n.b, ALL_GREEN);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "relationship", 7));
    assert_false(bench_is_released(&n.b, n.us, "relationship", 8));
    /* RED goes, and with it what named it, by no other rule than before. */
    struct told told = differences(&n,
                                   "language 1\nrelease a if tlp <= green to all\n"
                                   "release r if tlp <= red to us-cisa\n",
                                   1000);
    assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 2);
    assert_int_equal(told.all, 2);
    bench_deinit(&n.b);
}

/* What a partner has, and would be taken back, is nothing that others may name. */
static void what_is_taken_back_is_had_no_more(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, INDICATORS);
    add(&n, 1, MARKED(TLP_GREEN));
    add(&n, 2, MARKED(TLP_GREEN) ",\"confidence\":5");
    (void)bench_add(&n.b, n.own, relationship(text, 7, 1, 2, MARKED(TLP_GREEN)));
    struct told told = differences(&n,
                                   "language 1\ndeny d if has confidence and confidence < 9\n"
                                   "release a if tlp <= green to all\n",
                                   1000);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 1);
    assert_int_equal(told.counts[GATE_DIFF_KEPT][n.us], 1);
    assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 0);
    bench_deinit(&n.b);
}

#define NAMING(number) ",\"description\":\"see indicator--00000000-0000-4000-8000-00000000000" number "\""
#define GIVES          "release g if tlp <= green to us-cisa\n"
#define KNOWN          "language 1\n" GIVES
#define ANY_NAME       "language 1\npartner us-cisa { names-in-texts any }\n" GIVES

/* What texts may name is told like any other form: there, and back; what waits for a name as well. */
static void names_in_texts_are_told(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, KNOWN);
    add(&n, 1, MARKED(TLP_RED));
    add(&n, 2, MARKED(TLP_GREEN) NAMING("1"));
    add(&n, 3, MARKED(TLP_GREEN) NAMING("2"));
    (void)bench_add(&n.b, n.own, relationship(text, 7, 2, 3, MARKED(TLP_GREEN) NAMING("3")));
    /* Of a pattern nothing can go. */
    (void)bench_add(&n.b, n.own,
                    "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":"
                    "\"indicator--00000000-0000-4000-8000-000000000009\",\"created\":"
                    "\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":"
                    "\"[url:value = 'indicator--00000000-0000-4000-8000-000000000001']\",\"pattern_type\":"
                    "\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"" MARKED(TLP_GREEN) "}");
    struct told told = differences(&n, ANY_NAME, 1000);
    assert_int_equal(told.counts[GATE_DIFF_WHOLE][n.us], 3); /* the second; what names it; what binds it */
    assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 1);
    assert_int_equal(told.all, 4);
    assert_int_equal(differences(&n, KNOWN, 1000).all, 0);
    bench_policy_text(&n.b, ANY_NAME);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 9));
    for (size_t most = 1; most < 1000; most += 499) {
        told = differences(&n, KNOWN, most);
        assert_int_equal(told.counts[GATE_DIFF_PART][n.us], 1);
        assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 1);
        assert_int_equal(told.all, 2);
    }
    assert_int_equal(differences(&n, ANY_NAME, 1000).all, 0);
    bench_policy_text(&n.b, KNOWN);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 9));
    bench_deinit(&n.b);
}

/* Who says it himself does not lose what he was given, whatever the policy: nothing is said of it. */
static void what_is_said_by_himself_is_not_withdrawn(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, PLAIN);
    add(&n, 1, MARKED(TLP_GREEN));
    bench_settle(&n.b);
    (void)bench_add(&n.b, gate_peer_get(n.b.gate, n.us)->source, indicator(text, 1, 1, MARKED(TLP_GREEN)));
    assert_int_equal(differences(&n, PLAIN, 1000).all, 0);
    assert_int_equal(differences(&n, "language 1\n", 1000).counts[GATE_DIFF_WITHDRAWN][n.us], 1);
    bench_deinit(&n.b);
}

/* An older version of a creator that would have to be masked does not come along any more: told as it is
 * done. */
static void an_older_creator_is_withdrawn_as_told(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    static const char mask[] = "language 1\nrelease i if type == indicator to us-cisa\nrelease m if type == "
                               "identity and marking known to us-cisa with mask-personal-data\n";
    node_init(&n, "language 1\nrelease i if type == indicator to us-cisa\n");
    (void)bench_add(
        &n.b, n.own,
        identity(text, 7, "organization", ",\"contact_information\":\"kim.chulsoo@corp.example\""));
    add(&n, 1, ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000007\"");
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "identity", 7));
    (void)bench_add(&n.b, n.own,
                    "{\"type\":\"identity\",\"spec_version\":\"2.1\",\"id\":"
                    "\"identity--00000000-0000-4000-8000-000000000007\",\"created\":"
                    "\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-02T00:00:00.000Z\",\"name\":\"n\","
                    "\"identity_class\":\"organization\"}");
    struct told told = differences(&n, mask, 1000);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 1);
    struct bench_leaves *before = bench_ledger(&n.b, n.us);
    bench_policy_text(&n.b, mask);
    struct bench_leaves *after = bench_ledger(&n.b, n.us);
    size_t ended = 0;
    for (size_t i = before->count; i < after->count; i++)
        ended += after->at[i].leaf.op == LEAF_EXPIRE;
    assert_int_equal(ended, 1);
    mem_free(before);
    mem_free(after);
    bench_deinit(&n.b);
}

/* What the clock lets go by the other policy is told, and what it would let go by both is not. */
static void what_goes_later_is_told(void **state)
{
    (void)state;
    static const char held[] = "language 1\nhold h if tlp == amber until approved to us-cisa\n"
                               "release g if tlp <= amber to us-cisa with redact \"description\"\n";
    static const char later[] = "language 1\nrelease g if tlp <= amber to us-cisa after 1h\n";
    static const char both[] = "language 1\nrelease other if tlp <= amber to us-cisa after 1h\n";
    struct node n;
    node_init(&n, held);
    add(&n, 1, MARKED(TLP_AMBER));
    add(&n, 2, MARKED(TLP_GREEN) ",\"description\":\"b\"");
    struct told told = differences(&n, later, 1000);
    assert_int_equal(told.counts[GATE_DIFF_LATER][n.us], 2); /* one that waits, one that went in part */
    assert_int_equal(told.all, 2);
    bench_policy_text(&n.b, later);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(differences(&n, both, 1000).all, 0);
    n.b.now_us += INT64_C(3700) * 1000000;
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_deinit(&n.b);
}

/* What is taken back is lost, and what names it stays: that is told, since nobody would look for it. */
static void what_stays_and_names_it_is_told(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key = key_of("marking-definition", 1);
    node_init(&n, "language 1\nrelease r if marking known to all\n");
    (void)bench_add(&n.b, n.own, statement(text, 1, "of it"));
    assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    add(&n, 1, MARKED("marking-definition--00000000-0000-4000-8000-000000000001"));
    add(&n, 2, MARKED("marking-definition--00000000-0000-4000-8000-000000000001"));
    add(&n, 3, MARKED(TLP_GREEN));
    struct told told = differences(
        &n,
        "language 1\ndeny d if type == marking-definition to us-cisa\nrelease r if marking known to all\n",
        1000);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 1);
    assert_int_equal(told.all, 1);
    assert_int_equal(told.named_by, 2);
    told = differences(&n,
                       "language 1\ndeny d if type == marking-definition or type == indicator to us-cisa\n"
                       "release r if marking known to all\n",
                       1);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 4);
    assert_int_equal(told.named_by, 0);
    bench_deinit(&n.b);
}

/* An organisation that must be masked comes back under another name; what it made names the one that went. */
static void a_name_that_is_lost_is_told(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nrelease g if marking known to us-cisa\n");
    (void)bench_add(
        &n.b, n.own,
        identity(text, 1, "organization", ",\"contact_information\":\"ask kim.cheolsu@agency.go.kr\""));
    add(&n, 1, MARKED(TLP_GREEN) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"");
    add(&n, 2, MARKED(TLP_GREEN));
    static const char masked[] =
        "language 1\nrelease g if marking known to us-cisa with mask-personal-data\n";
    for (size_t most = 1; most <= 1000; most += 999) { /* also where what names it is in another portion */
        struct told told = differences(&n, masked, most);
        assert_int_equal(told.counts[GATE_DIFF_PART][n.us], 1); /* it comes along again */
        assert_int_equal(told.all, 1);
        assert_int_equal(told.named_by, 1);
    }
    struct stix_key key = key_of("identity", 1);
    struct arena arena;
    struct str name;
    arena_init(&arena, 1 << 20);
    assert_int_equal(gate_minted_as(n.b.gate, &key, n.us, &arena, &name), ERR_NOTFOUND);
    bench_policy_text(&n.b, masked);
    bench_settle(&n.b);
    assert_int_equal(gate_minted_as(n.b.gate, &key, n.us, &arena, &name), ERR_OK);
    arena_deinit(&arena);
    bench_deinit(&n.b);
}

/* What waits, and whether it may ever go, is told as it is. */
static void waiting_and_denied_are_told_apart(void **state)
{
    (void)state;
    static const char held[] = "language 1\nhold h if tlp == green until approved\nrelease g if tlp <= green "
                               "to us-cisa\n";
    static const char denied[] = "language 1\ndeny d if tlp == green\nrelease g if tlp <= green to us-cisa\n";
    struct node n;
    node_init(&n, held);
    add(&n, 1, MARKED(TLP_GREEN));
    struct told told = differences(&n, denied, 1000);
    assert_int_equal(told.counts[GATE_DIFF_DENIED][n.us], 1);
    assert_int_equal(told.now, GATE_DIFF_WAITS);
    assert_int_equal(told.then, GATE_DIFF_DENY);
    assert_string_equal(told.rule, "d");
    told = differences(&n, PLAIN, 1000);
    assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 1);
    assert_int_equal(told.counts[GATE_DIFF_DENIED][n.jp], 1); /* built-in.default: nothing is said of him */
    assert_int_equal(differences(&n, held, 1000).all, 0);
    bench_policy_text(&n.b, denied);
    bench_settle(&n.b);
    told = differences(&n, held, 1000);
    assert_int_equal(told.counts[GATE_DIFF_HELD][n.us], 1);
    assert_int_equal(told.then, GATE_DIFF_WAITS);
    bench_policy_text(&n.b, PLAIN);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    told = differences(&n, held, 1000);
    assert_int_equal(told.counts[GATE_DIFF_STAYS][n.us], 1);
    assert_int_equal(told.counts[GATE_DIFF_HELD][n.jp], 1);
    assert_int_equal(told.all, 2);
    bench_policy_text(&n.b, held);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_deinit(&n.b);
}

static const char *translation(char out[TEXT_MAX], int number, int of)
{
    char id[ID_MAX], target[ID_MAX];
    (void)snprintf(
        out, TEXT_MAX,
        "{\"type\":\"language-content\",\"spec_version\":\"2.1\",\"id\":\"%s\",\"created\":\"2026-01-"
        "01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:00.000Z\",\"object_ref\":\"%s\","
        "\"object_modified\":\"2026-01-01T00:00:01.000Z\",\"contents\":{\"ko\":{\"name\":\"t\"}}"
        ",\"object_marking_refs\":[\"" TLP_GREEN "\"]}",
        id_of(id, "language-content", number), id_of(target, "indicator", of));
    return out;
}

/* What is denied takes its translations along, also those that wait and are had. */
static void a_translation_is_withdrawn_with_what_it_speaks_of(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, PLAIN);
    add(&n, 1, MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, translation(text, 1, 1));
    bench_settle(&n.b);
    bench_policy_text(&n.b, "language 1\nhold h if type == indicator until approved\n"
                            "release g if tlp <= green to us-cisa\n");
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 1));
    static const char denied[] =
        "language 1\ndeny d if type == indicator\nrelease g if tlp <= green to us-cisa\n";
    struct told told = differences(&n, denied, 1000);
    assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 2);
    bench_policy_text(&n.b, denied);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    bench_deinit(&n.b);
}

/* What it speaks of comes anew, since its creator is not to be named, though he was not: the translation
 * speaks of the version that comes. */
static void a_translation_of_the_anonymous_is_told(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key = key_of("language-content", 1);
    static const char minted[] = "language 1\nrelease g if tlp <= green to us-cisa with redact \"x_none\"\n";
    node_init(&n, HIDDEN);
    (void)bench_add(&n.b, n.own, identity(text, 1, "organization", MARKED(TLP_RED)));
    add(&n, 1, ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-000000000001\"" MARKED(TLP_GREEN));
    (void)bench_add(&n.b, n.own, translation(text, 1, 1));
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "language-content", 1));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "language-content", 1));
    bench_policy_text(&n.b, minted);
    for (size_t most = 1; most <= 1000; most += 999) {
        struct told told = differences(&n, HIDDEN, most);
        assert_int_equal(told.counts[GATE_DIFF_OTHER][n.us], 1);
        assert_int_equal(told.counts[GATE_DIFF_WITHDRAWN][n.us], 0);
        assert_int_equal(told.counts[GATE_DIFF_RELEASED][n.us], 0);
    }
    bench_deinit(&n.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_translation_is_withdrawn_with_what_it_speaks_of),
        cmocka_unit_test(a_translation_of_the_anonymous_is_told),
        cmocka_unit_test(what_stays_and_names_it_is_told),
        cmocka_unit_test(a_name_that_is_lost_is_told),
        cmocka_unit_test(waiting_and_denied_are_told_apart),
        cmocka_unit_test(forms_are_told),
        cmocka_unit_test(duties_alone_are_told),
        cmocka_unit_test(what_expires_in_part_goes_otherwise),
        cmocka_unit_test(what_names_what_stays_is_not_counted),
        cmocka_unit_test(what_is_taken_back_is_had_no_more),
        cmocka_unit_test(names_in_texts_are_told),
        cmocka_unit_test(what_goes_later_is_told),
        cmocka_unit_test(what_is_said_by_himself_is_not_withdrawn),
        cmocka_unit_test(an_older_creator_is_withdrawn_as_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
