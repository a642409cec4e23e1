/* Personal data: what rules see of it, and what partners get instead. */
#include "gate_test.h"

#include "gate/handled.h"
#include "gate/mint.h"
#include "gate/personal.h"
#include "gate/persons.h"
#include "gate/query.h"

#define MAIL "kim.minsu@example.co.kr"
#define RRN  "900101-1234568"

struct node {
    struct bench b;
    unsigned us, jp;
    uint32_t own;
};

static void node_init(struct node *n, const char *policy)
{
    bench_init(&n->b);
    n->us = bench_partner(&n->b, "us-cisa");
    n->jp = bench_partner(&n->b, "jp-nisc");
    bench_policy_text(&n->b, policy);
    n->own = bench_source(&n->b, "own", STIX_TLP_CLEAR, true, false);
}

/* What follows from the log alone is the same. */
static void expect_whole_again(struct node *n)
{
    uint64_t bad = 1;
    bench_reopen(&n->b);
    assert_int_equal(gate_check(n->b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
}

/* Every text that a partner ever got, a line each. */
static bool take_text(void *ctx, const struct gate_leaf *leaf)
{
    struct buf *all = ctx;
    buf_put(all, leaf->object.at, leaf->object.len);
    buf_putc(all, '\n');
    return buf_err(all) == ERR_OK;
}

static char *view(struct node *n, unsigned partner)
{
    struct buf all;
    buf_init(&all, 1 << 20);
    bench_settle(&n->b);
    bench_sign(&n->b);
    assert_int_equal(gate_leaves(n->b.gate, partner, 0, take_text, &all), ERR_OK);
    buf_putc(&all, '\0');
    char *text = mem_alloc(all.len);
    assert_non_null(text);
    memcpy(text, all.at, all.len);
    buf_deinit(&all);
    return text;
}

static const char treat[] = "language 1\n"
                            "release masked if always to us-cisa with mask-personal-data\n"
                            "release tokens if always to jp-nisc with pseudonymise-personal-data\n";

static void a_text_is_masked_and_the_indicator_stays(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    uint64_t bad = 1;
    node_init(&n, treat);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"description\":\"call " MAIL ", RRN " RRN "\""));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ",\"description\":\"nobody\""));
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    assert_null(strstr(us, MAIL));
    assert_null(strstr(us, RRN));
    assert_non_null(strstr(us, "call ***.*****@*******.**.**"));
    assert_non_null(strstr(us, "RRN ******-*******"));
    assert_non_null(strstr(us, "198.51.100.1"));
    assert_non_null(strstr(us, "nobody"));
    assert_non_null(strstr(us, "indicator--00000000-0000-4000-8000-000000000002")); /* has none: as it came */
    assert_null(strstr(us, "indicator--00000000-0000-4000-8000-000000000001"));
    assert_null(strstr(jp, MAIL));
    assert_non_null(strstr(jp, "[pseudonym:email:"));
    assert_non_null(strstr(jp, "[pseudonym:kr-rrn:"));
    /* A second reading from the log alone gives the same. */
    bench_reopen(&n.b);
    char *again = view(&n, n.jp);
    assert_string_equal(jp, again);
    assert_int_equal(gate_check(n.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    mem_free(us);
    mem_free(jp);
    mem_free(again);
    bench_deinit(&n.b);
}

/* The token in `text`, up to its bracket. */
static struct str token_of(const char *text)
{
    const char *from = strstr(text, "[pseudonym:email:");
    assert_non_null(from);
    return (struct str) {from, (size_t)(strchr(from, ']') - from) + 1};
}

static void pseudonyms_are_one_audiences_and_ours_to_open(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct buf opened;
    struct seal_secret key;
    node_init(&n, "language 1 release tokens if always to all with pseudonymise-personal-data");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"description\":\"call " MAIL "\""));
    (void)bench_add(&n.b, n.own, indicator(text, 2, 1, ",\"description\":\"again " MAIL "\""));
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    struct str token = token_of(us), other = token_of(jp);
    assert_false(str_eq(token, other));
    /* The same person is the same token in everything that this partner gets. */
    assert_true(str_eq(token, token_of(strchr(strstr(us, "[pseudonym:"), ']') + 1)));
    buf_init(&opened, 4096);
    assert_int_equal(personal_key(n.b.gate, n.us, &key), ERR_OK);
    privacy_reveal(token, &key, &opened);
    assert_true(str_eq(buf_str(&opened), STR(MAIL)));
    buf_clear(&opened);
    privacy_reveal(other, &key, &opened);
    assert_true(str_eq(buf_str(&opened), other));
    buf_deinit(&opened);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

static struct gate_why why_of(struct node *n, unsigned partner, const char *type, int number)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of(type, number);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, partner, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    arena_deinit(&arena);
    return why;
}

/* What cannot be said without the value stays here: a pattern with the recipient's address, an observable
 * that is the value. A reference to a victim goes. */
static void what_cannot_be_masked_is_held(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, treat);
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"indicator\",\"spec_version\":\"2.1\",\"id\":\"indicator--00000000-0000-4000-8000-"
        "000000000009\",\"created\":\"2026-01-01T00:00:00Z\",\"modified\":\"2026-01-01T00:00:00Z\","
        "\"pattern\":\"[email-message:to_refs[*].value = '" MAIL "']\",\"pattern_type\":\"stix\","
        "\"valid_from\":\"2026-01-01T00:00:00Z\"}");
    (void)bench_add(&n.b, n.own, text);
    (void)snprintf(
        text, sizeof text,
        "{\"type\":\"email-addr\",\"spec_version\":\"2.1\",\"id\":\"email-addr--90f7b2b1-1f52-5b6f-"
        "9a86-4f0b0f2ce0c1\",\"value\":\"" MAIL "\"}");
    (void)bench_add(&n.b, n.own, text);
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    assert_string_equal(us, "");
    assert_string_equal(why_of(&n, n.us, "indicator", 9).unmade, "it would be no object without");
    assert_null(strstr(jp, "pattern"));
    assert_null(strstr(jp, MAIL));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

static void an_approval_lets_it_go(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key;
    struct gate_by by = {STR("alice"), STR("warrant 12/2026")};
    node_init(&n, "language 1\nhold pii if personal-data until approved\nrelease open if always to all\n");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"description\":\"call " MAIL "\""));
    char *before = view(&n, n.us);
    assert_string_equal(before, "");
    assert_true(stix_id_parse(STR("indicator--00000000-0000-4000-8000-000000000001"), &key));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by, n.b.now_us), ERR_OK);
    char *after = view(&n, n.us), *jp = view(&n, n.jp);
    assert_non_null(strstr(after, MAIL));
    assert_string_equal(jp, "");
    mem_free(before);
    mem_free(after);
    mem_free(jp);
    bench_deinit(&n.b);
}

static struct gate_handled_row row_of(struct node *n, enum gate_handled_kind kind)
{
    struct gate_handled handled;
    struct gate_handled_row found = {.objects = 0};
    gate_handled_init(n->b.gate, &handled);
    while (!handled.end)
        assert_int_equal(gate_handled_next(&handled, 16), ERR_OK);
    for (size_t i = 0; i < handled.count; i++)
        if (handled.rows[i].kind == kind)
            found = handled.rows[i];
    gate_handled_deinit(&handled);
    return found;
}

/* A policy that asks on what basis gets one, and it is told with the approver; without, nothing leaves. */
static void nothing_leaves_without_a_basis(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key;
    struct gate_why why;
    struct arena arena;
    struct gate_by silent = {STR("bob"), STR("  ")}, by = {STR("alice"), STR("warrant 12/2026")};
    arena_init(&arena, 64 << 20);
    node_init(&n, "language 1\nhold pii if personal-data until approved with basis\nrelease open if always "
                  "to all\n");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"description\":\"call " MAIL "\""));
    assert_true(stix_id_parse(STR("indicator--00000000-0000-4000-8000-000000000001"), &key));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &silent, n.b.now_us), ERR_OK);
    char *before = view(&n, n.us);
    assert_string_equal(before, "");
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by, n.b.now_us), ERR_OK);
    char *after = view(&n, n.us);
    assert_non_null(strstr(after, MAIL));
    assert_int_equal(gate_explain(n.b.gate, &key, n.us, n.b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    assert_true(str_eq(why.approvers, STR("bob, alice")));
    assert_true(str_eq(why.basis, STR("alice: warrant 12/2026")));
    struct gate_handled_row row = row_of(&n, GATE_HANDLED_RELEASED);
    assert_int_equal(row.objects, 1);
    assert_int_equal(row.based, 1);
    /* The leaf's reason leads to it, also from the log alone. */
    struct leaf leaf;
    struct buf reason;
    struct str basis;
    uint64_t lsn;
    bench_reopen(&n.b);
    buf_init(&reason, LIMIT_PROOF_EXTRA_BYTES);
    assert_int_equal(gate_leaf_reason(n.b.gate, n.us, 0, &leaf, &lsn, &reason), ERR_OK);
    assert_int_equal(gate_basis(n.b.gate, lsn, n.us, &arena, &basis), ERR_OK);
    assert_true(str_eq(basis, STR("alice: warrant 12/2026")));
    buf_deinit(&reason);
    /* A denial takes everybody's word back. */
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_DENY, 0, &silent, n.b.now_us), ERR_OK);
    assert_int_equal(gate_basis(n.b.gate, lsn, n.us, &arena, &basis), ERR_OK);
    assert_true(basis.len == 0);
    arena_deinit(&arena);
    mem_free(before);
    mem_free(after);
    bench_deinit(&n.b);
}

/* What goes masked goes by somebody's word as well, and the report and the leaf's reason name him. */
static void who_approved_what_is_masked_is_named(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key;
    struct gate_by by = {STR("alice"), STR("warrant 12/2026")};
    struct leaf leaf;
    struct buf reason;
    uint64_t lsn;
    node_init(&n, "language 1\nhold pii if personal-data until approved with basis\nrelease open if always "
                  "with mask-personal-data to all\n");
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, ",\"description\":\"call " MAIL "\""));
    assert_true(stix_id_parse(STR("indicator--00000000-0000-4000-8000-000000000001"), &key));
    char *before = view(&n, n.us);
    assert_string_equal(before, "");
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by, n.b.now_us), ERR_OK);
    char *after = view(&n, n.us);
    assert_non_null(strstr(after, "call "));
    assert_null(strstr(after, MAIL));
    struct gate_handled_row row = row_of(&n, GATE_HANDLED_MASKED);
    assert_int_equal(row.objects, 1);
    assert_int_equal(row.based, 1);
    buf_init(&reason, LIMIT_PROOF_EXTRA_BYTES);
    bench_reopen(&n.b);
    /* The first is the node's own identity, whom what is minted names. */
    assert_int_equal(gate_leaf_reason(n.b.gate, n.us, 1, &leaf, &lsn, &reason), ERR_OK);
    assert_true(bytes_contain(buf_bytes(&reason), bytes_from_str(STR("alice"))));
    buf_deinit(&reason);
    mem_free(before);
    mem_free(after);
    bench_deinit(&n.b);
}

/* What a partner sees of a masked object is a function of what may be seen: two nodes whose objects differ in
 * the person alone, of a shape, show the same. */
static void another_person_of_the_same_shape_shows_nothing(void **state)
{
    (void)state;
    struct node a, b;
    char text[TEXT_MAX];
    node_init(&a, treat);
    node_init(&b, treat);
    (void)bench_add(&a.b, a.own, indicator(text, 1, 1, ",\"description\":\"call 010-2345-6789 now\""));
    (void)bench_add(&b.b, b.own, indicator(text, 1, 1, ",\"description\":\"call 010-9876-5432 now\""));
    char *one = view(&a, a.us), *two = view(&b, b.us);
    assert_non_null(strstr(one, "call ***-****-**** now"));
    char *tail_one = strstr(one, "\"pattern\""), *tail_two = strstr(two, "\"pattern\"");
    assert_non_null(tail_one);
    assert_non_null(tail_two);
    assert_string_equal(tail_one, tail_two);
    mem_free(one);
    mem_free(two);
    bench_deinit(&a.b);
    bench_deinit(&b.b);
}

#define FIRST  "marking-definition--00000000-0000-4000-8000-000000000001"
#define SECOND "marking-definition--00000000-0000-4000-8000-000000000002"

static bool definition_waits(struct node *n, unsigned partner, int number)
{
    struct gate_why why;
    struct arena arena;
    struct stix_key key = key_of("marking-definition", number);
    arena_init(&arena, 64 << 20);
    assert_int_equal(gate_explain(n->b.gate, &key, partner, n->b.now_us, &arena, NULL, NULL, &why), ERR_OK);
    arena_deinit(&arena);
    assert_int_equal(why.untreated, !why.follows);
    return why.untreated;
}

/* A definition that holds personal data does not come along past a mask, a pseudonym or a hold for it, and
 * what carries it waits; another one goes as before. */
static void a_definition_carries_nobody_past_the_rules(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    static const char *const policies[] = {"language 1\nrelease masked if always to us-cisa with "
                                           "mask-personal-data\nrelease r if always to jp-nisc\n",
                                           "language 1\nrelease tokens if marking known to us-cisa with "
                                           "pseudonymise-personal-data\nrelease r if "
                                           "marking known to jp-nisc\n",
                                           "language 1\nhold pii if personal-data to us-cisa until approved "
                                           "with basis\nrelease r if always to all\n",
                                           "language 1\nrelease r if always to us-cisa with redact "
                                           "\"definition\"\nrelease r2 if always to jp-nisc\n"};
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        bool redacts = strstr(policies[i], "redact") != NULL;
        node_init(&n, policies[i]);
        for (int k = 1; k <= 2; k++) {
            struct stix_key key = key_of("marking-definition", k);
            (void)bench_add(&n.b, n.own,
                            statement(text, k, k == 1 ? "ask " MAIL ", RRN " RRN : "for us alone"));
            assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_GREEN, &by_test, n.b.now_us),
                             ERR_OK);
        }
        (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(FIRST)));
        (void)bench_add(&n.b, n.own, indicator(text, 2, 1, MARKED(SECOND)));
        char *us = view(&n, n.us), *jp = view(&n, n.jp);
        assert_null(strstr(us, MAIL));
        assert_null(strstr(us, RRN));
        assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
        assert_int_equal(bench_is_released(&n.b, n.us, "indicator", 2), !redacts);
        assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
        assert_non_null(strstr(jp, MAIL));
        assert_true(definition_waits(&n, n.us, 1));
        assert_false(definition_waits(&n, n.jp, 1));
        mem_free(us);
        mem_free(jp);
        bench_deinit(&n.b);
    }
}

struct listed {
    size_t count;
    struct gate_hold last;
    char id[ID_MAX], rule[64];
};

static bool list_hold(void *ctx, const struct gate_hold *hold)
{
    struct listed *listed = ctx;
    listed->count++;
    listed->last = *hold;
    (void)snprintf(listed->id, ID_MAX, "%.*s", STR_ARG(hold->id));
    (void)snprintf(listed->rule, sizeof listed->rule, "%.*s", STR_ARG(hold->rule));
    return true;
}

static struct listed holds_of(struct node *n, unsigned partner)
{
    struct listed listed = {.count = 0};
    struct gate_queue at = {0};
    while (!at.end)
        assert_int_equal(gate_holds(n->b.gate, partner, n->b.now_us, &at, 16, list_hold, &listed), ERR_OK);
    assert_int_equal(gate_holds_count(n->b.gate, partner), listed.count);
    return listed;
}

static const char *asked_of(struct node *n, const struct stix_key *key, unsigned partner)
{
    static char rule[64];
    struct gate_asked asked;
    assert_int_equal(gate_asked(n->b.gate, key, partner, n->b.now_us, &asked), ERR_OK);
    (void)snprintf(rule, sizeof rule, "%.*s", STR_ARG(asked.rule));
    return rule;
}

/* A definition with personal data, classified, and what carries it. */
static struct stix_key definition_in(struct node *n)
{
    char text[TEXT_MAX];
    struct stix_key key = key_of("marking-definition", 1);
    (void)bench_add(&n->b, n->own, statement(text, 1, "ask " MAIL));
    assert_int_equal(gate_marking_classify(n->b.gate, &key, STIX_TLP_GREEN, &by_test, n->b.now_us), ERR_OK);
    (void)bench_add(&n->b, n->own, indicator(text, 1, 1, MARKED(FIRST)));
    bench_settle(&n->b);
    return key;
}

/* A definition that a hold keeps for its personal data stands in the queue, and whoever approves it for a
 * partner lets it come along to him: on a basis where the rule wants one. */
static void an_approval_lets_a_definition_come_along(void **state)
{
    (void)state;
    struct node n;
    struct gate_by blank = {STR("alice"), STR(" ")}, by = {STR("alice"), STR("warrant 12/2026")};
    node_init(&n,
              "language 1\nhold pii if personal-data until approved with basis\nrelease open if always to "
              "all\n");
    struct stix_key key = definition_in(&n);
    struct listed listed = holds_of(&n, n.us);
    assert_int_equal(listed.count, 1);
    assert_string_equal(listed.id, FIRST);
    assert_string_equal(listed.rule, "pii");
    assert_int_equal(listed.last.remedy, GATE_REMEDY_APPROVE);
    assert_true(listed.last.basis);
    assert_true(why_of(&n, n.us, "marking-definition", 1).kept_along);
    assert_string_equal(asked_of(&n, &key, n.us), "pii");
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &blank, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by, n.b.now_us), ERR_OK);
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    assert_non_null(strstr(us, MAIL));
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_string_equal(jp, "");
    assert_int_equal(holds_of(&n, n.us).count, 0);
    assert_int_equal(holds_of(&n, n.jp).count, 1);
    assert_string_equal(asked_of(&n, &key, n.us), "");
    /* The log alone gives the same, and a word taken back keeps it from whoever has it not. */
    expect_whole_again(&n);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Where no word ends the hold there is nothing to approve; where a duty would change it, neither. */
static void not_every_wait_of_a_definition_is_approved(void **state)
{
    (void)state;
    struct node n;
    static const char *const policies[] = {
        "language 1\nhold pii if personal-data\nrelease open if always to all\n",
        "language 1\nhold pii if personal-data until approved\nrelease open if always to all with "
        "mask-personal-data\n"};
    for (size_t i = 0; i < 2; i++) {
        node_init(&n, policies[i]);
        struct stix_key key = definition_in(&n);
        assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
        bench_settle(&n.b);
        assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
        assert_true(why_of(&n, n.us, "marking-definition", 1).untreated);
        assert_int_equal(why_of(&n, n.us, "marking-definition", 1).kept_along, i == 0);
        bench_deinit(&n.b);
    }
}

/* A definition in wait has a deadline like anything else. */
static void a_deadline_lets_a_definition_come_along(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nhold pii if personal-data until approved deadline 2h default release\n"
                  "release open if always to all\n");
    (void)definition_in(&n);
    assert_int_equal(holds_of(&n, n.us).count, 1);
    n.b.now_us += INT64_C(7200) * 1000000;
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_int_equal(holds_of(&n, n.us).count, 0);
    bench_deinit(&n.b);
}

#define MADE_BY(number) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-00000000000" number "\""

/* Two organisations, the first with an address, and what each made. */
static void makers_in(struct node *n)
{
    char text[TEXT_MAX];
    uint32_t feed = bench_source(&n->b, "feed", STIX_TLP_NONE, true, false);
    (void)bench_add(&n->b, feed, identity(text, 1, "organization", ",\"contact_information\":\"" MAIL "\""));
    (void)bench_add(&n->b, feed, identity(text, 2, "organization", ""));
    (void)bench_add(&n->b, n->own, indicator(text, 1, 1, MARKED(TLP_GREEN) MADE_BY("1")));
    (void)bench_add(&n->b, n->own, indicator(text, 2, 1, MARKED(TLP_GREEN) MADE_BY("2")));
    bench_settle(&n->b);
}

/* An organisation that comes along has its personal data treated like anybody's: what it made names it as it
 * leaves. */
static void a_creator_comes_along_masked(void **state)
{
    (void)state;
    struct node n;
    node_init(&n, "language 1\nrelease g if marking known to us-cisa with mask-personal-data\n"
                  "release j if marking known to jp-nisc\n");
    makers_in(&n);
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    assert_null(strstr(us, MAIL));
    assert_non_null(strstr(us, "***.*****@*******.**.**"));
    assert_non_null(strstr(us, "number 1"));
    assert_non_null(strstr(us, "198.51.100.1'"));
    assert_null(strstr(us, "identity--00000000-0000-4000-8000-000000000001"));
    assert_non_null(strstr(us, "identity--00000000-0000-4000-8000-000000000002"));
    assert_non_null(strstr(us, "indicator--00000000-0000-4000-8000-000000000002"));
    assert_non_null(strstr(jp, MAIL));
    assert_true(why_of(&n, n.us, "identity", 1).minted);
    expect_whole_again(&n);
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Where a hold of the text keeps its personal data it waits, and what names it; who may not be named anyhow
 * keeps nothing back. An approval ends the wait. */
static void a_creator_carries_nobody_past_a_hold(void **state)
{
    (void)state;
    struct node n;
    struct stix_key key = key_of("identity", 1);
    node_init(&n,
              "language 1\nhold pii if personal-data until approved\nrelease g if marking known to us-cisa\n"
              "release j if marking known to jp-nisc with anonymise-creator\n");
    makers_in(&n);
    char *us = view(&n, n.us), *jp = view(&n, n.jp);
    assert_null(strstr(us, MAIL));
    assert_null(strstr(jp, MAIL));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_true(bench_is_released(&n.b, n.jp, "indicator", 1));
    assert_true(why_of(&n, n.us, "identity", 1).kept_along);
    struct listed listed = holds_of(&n, n.us);
    assert_int_equal(listed.count, 1);
    assert_string_equal(listed.rule, "pii");
    assert_string_equal(asked_of(&n, &key, n.us), "pii");
    assert_int_equal(gate_approve(n.b.gate, &key, n.us, GATE_APPROVE, 0, &by_test, n.b.now_us), ERR_OK);
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    assert_true(bench_is_released(&n.b, n.us, "identity", 1));
    mem_free(us);
    mem_free(jp);
    bench_deinit(&n.b);
}

/* Where it cannot be masked it does not come at all; another hold says nothing of creators, as ever. */
static void a_creator_waits_where_it_cannot_be_masked(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    node_init(&n, "language 1\nhold other if type == identity\n"
                  "release g if marking known to us-cisa with mask-personal-data\n");
    makers_in(&n);
    (void)bench_add(&n.b, n.own, identity(text, 3, "organization", ",\"x_by\":{\"" MAIL "\":true}"));
    (void)bench_add(&n.b, n.own, indicator(text, 3, 1, MARKED(TLP_GREEN) MADE_BY("3")));
    char *us = view(&n, n.us);
    assert_null(strstr(us, MAIL));
    assert_non_null(strstr(us, "***.*****@*******.**.**"));
    assert_true(bench_is_released(&n.b, n.us, "indicator", 2));
    assert_false(bench_is_released(&n.b, n.us, "indicator", 3));
    assert_true(why_of(&n, n.us, "identity", 3).untreated);
    mem_free(us);
    bench_deinit(&n.b);
}

/* A hold that keeps it with and without its personal data says nothing of definitions. */
static void another_hold_keeps_no_definition(void **state)
{
    (void)state;
    struct node n;
    char text[TEXT_MAX];
    struct stix_key key = key_of("marking-definition", 1);
    node_init(&n, "language 1\nhold other if personal-data or type == marking-definition\nrelease r if "
                  "always to all\n");
    (void)bench_add(&n.b, n.own, statement(text, 1, "ask " MAIL));
    assert_int_equal(gate_marking_classify(n.b.gate, &key, STIX_TLP_GREEN, &by_test, n.b.now_us), ERR_OK);
    (void)bench_add(&n.b, n.own, indicator(text, 1, 1, MARKED(FIRST)));
    bench_settle(&n.b);
    assert_true(bench_is_released(&n.b, n.us, "indicator", 1));
    bench_deinit(&n.b);
}

/* A place is gone when it, or what holds it, is cut; a name that begins alike is not. */
static void what_is_taken_out_is_told(void **state)
{
    (void)state;
    struct str without = STR("!creator\ndescription\nexternal_references.[0]\ncontents.ko.name\n");
    static const char *const gone[] = {"/description", "/external_references/0/url", "/contents/ko/name",
                                       "/external_references/0"};
    static const char *const stay[] = {"/descriptions", "/external_references/1/url", "/contents/ko", "",
                                       "/creator",      "/external_references"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_true(gate_taken_out(without, str_of(gone[i])));
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        assert_false(gate_taken_out(without, str_of(stay[i])));
    assert_false(gate_taken_out(STR(""), STR("/description")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_out_is_told),
        cmocka_unit_test(a_text_is_masked_and_the_indicator_stays),
        cmocka_unit_test(pseudonyms_are_one_audiences_and_ours_to_open),
        cmocka_unit_test(what_cannot_be_masked_is_held),
        cmocka_unit_test(an_approval_lets_it_go),
        cmocka_unit_test(nothing_leaves_without_a_basis),
        cmocka_unit_test(who_approved_what_is_masked_is_named),
        cmocka_unit_test(a_definition_carries_nobody_past_the_rules),
        cmocka_unit_test(an_approval_lets_a_definition_come_along),
        cmocka_unit_test(not_every_wait_of_a_definition_is_approved),
        cmocka_unit_test(a_deadline_lets_a_definition_come_along),
        cmocka_unit_test(a_creator_comes_along_masked),
        cmocka_unit_test(a_creator_carries_nobody_past_a_hold),
        cmocka_unit_test(a_creator_waits_where_it_cannot_be_masked),
        cmocka_unit_test(another_hold_keeps_no_definition),
        cmocka_unit_test(another_person_of_the_same_shape_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
