/* Authority, not arrival, resolves conflicts: who may supersede, revoke or block what (DESIGN 5). */
#include "gate_test.h"

#include "gate/query.h"

#define CREATED_BY(n) ",\"created_by_ref\":\"identity--00000000-0000-4000-8000-00000000000" #n "\""

/* Home 1 speaks for identity 1, home 2 for identity 2. */
struct two {
    struct bench b;
    uint32_t home, other;
};

static void two_init(struct two *t)
{
    bench_init(&t->b);
    t->home = bench_source(&t->b, "home", STIX_TLP_CLEAR, true, false);
    t->other = bench_source(&t->b, "other", STIX_TLP_CLEAR, false, false);
    struct stix_key one = key_of("identity", 1), two = key_of("identity", 2);
    assert_int_equal(gate_identity_bind(t->b.gate, &one, t->home, &by_test, NOW), ERR_OK);
    assert_int_equal(gate_identity_bind(t->b.gate, &two, t->other, &by_test, NOW), ERR_OK);
    assert_int_equal(gate_commit(t->b.gate), ERR_OK);
}

static void one_home_only(void **state)
{
    (void)state;
    struct two t;
    two_init(&t);
    struct stix_key one = key_of("identity", 1);
    assert_int_equal(gate_identity_bind(t.b.gate, &one, t.home, &by_test, NOW), ERR_OK);
    assert_int_equal(gate_identity_bind(t.b.gate, &one, t.other, &by_test, NOW), ERR_CONFLICT);
    bench_deinit(&t.b);
}

static bool newest_version(void *ctx, const struct gate_object *object)
{
    if (object->newest)
        *(uint64_t *)ctx = object->lsn;
    return true;
}

static uint64_t newest(struct bench *b, const char *type, int n)
{
    uint64_t lsn = 0;
    struct stix_key key = key_of(type, n);
    assert_int_equal(gate_versions(b->gate, &key, newest_version, &lsn), ERR_OK);
    return lsn;
}

static void strangers_version_is_an_assertion(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, CREATED_BY(1))), GATE_NEW);
    uint64_t first = newest(&t.b, "indicator", 1);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 2, CREATED_BY(1) ",\"revoked\":true")),
                     GATE_ASSERTION);
    assert_int_equal(newest(&t.b, "indicator", 1), first);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 2, CREATED_BY(1) ",\"revoked\":true")),
                     GATE_DUPLICATE);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 3, CREATED_BY(1))), GATE_NEW);
    assert_int_not_equal(newest(&t.b, "indicator", 1), first);
    bench_deinit(&t.b);
}

static bool speaks(struct two *t, const char *type, int n, uint32_t source)
{
    struct stix_key key = key_of(type, n);
    bool speaks = true;
    assert_int_equal(gate_speaks(t->b.gate, &key, source, &speaks), ERR_OK);
    return speaks;
}

/* Its home speaks for an object, also while only others said it; who came first, for what has no home. */
static void who_speaks(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    assert_false(speaks(&t, "indicator", 1, t.home));
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 1, CREATED_BY(1))), GATE_ASSERTION);
    assert_true(speaks(&t, "indicator", 1, t.home));
    assert_false(speaks(&t, "indicator", 1, t.other));
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 2, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 2, 2, "")), GATE_ASSERTION);
    assert_true(speaks(&t, "indicator", 2, t.other));
    assert_false(speaks(&t, "indicator", 2, t.home));
    bench_deinit(&t.b);
}

/* The creator of an object does not change: naming oneself is no way to take it over. */
static void creator_cannot_be_swapped(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, CREATED_BY(1))), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 2, CREATED_BY(2) ",\"revoked\":true")),
                     GATE_ASSERTION);
    /* Nor of one whose creator nobody is bound to, or that names none. */
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 2, 1, CREATED_BY(7))), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 2, 2, CREATED_BY(2))), GATE_ASSERTION);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 3, 1, "")), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 3, 2, CREATED_BY(2))), GATE_ASSERTION);
    bench_deinit(&t.b);
}

static void bound_identity_speaks_for_itself(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    /* Before its home ever sent it, and with somebody else's name as creator. */
    assert_int_equal(bench_add(&t.b, t.other, identity(text, 1, "organization", "")), GATE_ASSERTION);
    assert_int_equal(bench_add(&t.b, t.home, identity(text, 1, "organization", ",\"lang\":\"ko\"")),
                     GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.other, identity(text, 1, "organization", CREATED_BY(2))),
                     GATE_CONFLICT);
    bench_deinit(&t.b);
}

/* A relay brought it first; the binding comes later and the creator is the same. */
static void later_binding_speaks(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    uint32_t third = bench_source(&t.b, "third", STIX_TLP_CLEAR, false, false);
    struct stix_key three = key_of("identity", 3);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 1, CREATED_BY(3))), GATE_NEW);
    assert_int_equal(gate_identity_bind(t.b.gate, &three, third, &by_test, NOW), ERR_OK);
    assert_int_equal(bench_add(&t.b, third, indicator(text, 1, 2, CREATED_BY(3))), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 3, CREATED_BY(3))), GATE_ASSERTION);
    bench_deinit(&t.b);
}

/* What others said first is no duplicate when the owner says it. */
static void owner_after_assertion(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    bench_policy(&t.b);
    unsigned us = bench_partner(&t.b, "us-cisa");
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 1, CREATED_BY(1))), GATE_ASSERTION);
    (void)bench_add(&t.b, t.home, identity(text, 1, "organization", ""));
    bench_settle(&t.b);
    assert_int_equal(newest(&t.b, "indicator", 1), 0);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, CREATED_BY(1))), GATE_NEW);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, CREATED_BY(1))), GATE_DUPLICATE);
    bench_settle(&t.b);
    assert_true(bench_is_released(&t.b, us, "indicator", 1));
    bench_deinit(&t.b);
}

/* No number of a stranger's versions pushes out what the owner said, nor stops the deciding. */
static void many_assertions(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    bench_policy(&t.b);
    unsigned us = bench_partner(&t.b, "us-cisa");
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, "")), GATE_NEW);
    uint64_t first = newest(&t.b, "indicator", 1);
    for (int i = 0; i < LIMIT_COPIES + 10; i++)
        assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 2 + i, "")), GATE_ASSERTION);
    assert_int_equal(newest(&t.b, "indicator", 1), first);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 1000, "")), GATE_ASSERTION);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1001, "")), GATE_NEW);
    bench_settle(&t.b);
    bench_policy(&t.b); /* decides all of it again */
    bench_settle(&t.b);
    assert_true(bench_is_released(&t.b, us, "indicator", 1));
    uint64_t bad = 1;
    assert_int_equal(gate_check(t.b.gate, NULL, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    bench_deinit(&t.b);
}

/* A variant of an observable belongs to its source: another's AMBER one is not ours to share. */
static void variants_are_their_sources_own(void **state)
{
    (void)state;
    struct bench b;
    char text[TEXT_MAX];
    bench_init(&b);
    bench_policy(&b);
    unsigned us = bench_partner(&b, "us-cisa"), jp = bench_partner(&b, "jp-nisc");
    uint32_t own = bench_source(&b, "own", STIX_TLP_NONE, true, false);
    uint32_t theirs = gate_peer_get(b.gate, us)->source;
    struct stix_key key = key_of("ipv4-addr", 1);
    assert_int_equal(bench_add(&b, own, address(text, 1, MARKED(TLP_RED))), GATE_NEW);
    assert_int_equal(bench_add(&b, theirs, address(text, 1, MARKED(TLP_AMBER))), GATE_NEW);
    assert_int_equal(bench_add(&b, theirs, address(text, 1, MARKED(TLP_AMBER))), GATE_DUPLICATE);
    assert_int_equal(gate_tag(b.gate, &key, STR("share:jp-nisc"), true, &by_test, b.now_us), ERR_OK);
    b.now_us += INT64_C(3600) * 1000000;
    struct bench_leaves *leaves = bench_ledger(&b, jp);
    assert_int_equal(leaves->count, 0);
    mem_free(leaves);
    /* Ours goes where we say, although theirs came first. */
    assert_int_equal(bench_add(&b, theirs, address(text, 2, MARKED(TLP_AMBER))), GATE_NEW);
    assert_int_equal(bench_add(&b, own, address(text, 2, MARKED(TLP_AMBER) ",\"defanged\":true")), GATE_NEW);
    struct stix_key two = key_of("ipv4-addr", 2);
    assert_int_equal(gate_tag(b.gate, &two, STR("share:jp-nisc"), true, &by_test, b.now_us), ERR_OK);
    bench_settle(&b);
    b.now_us += INT64_C(3600) * 1000000;
    leaves = bench_ledger(&b, jp);
    assert_int_equal(leaves->count, 1);
    mem_free(leaves);
    bench_deinit(&b);
}

/* The sample's forged revocation: said by somebody who is not Korea. */
static void forged_revocation(void **state)
{
    (void)state;
    struct bench b;
    size_t len = 0;
    bench_init(&b);
    uint32_t cert = bench_source(&b, "kr-cert", STIX_TLP_NONE, true, false);
    uint32_t rumour = bench_source(&b, "us-rumour", STIX_TLP_NONE, false, false);
    char *text = bench_file("samples/campaign/kr-cert.json", &len);
    assert_non_null(text);
    assert_int_equal(bench_accept(&b, cert, text, len), ERR_OK);
    assert_int_equal(b.answers[GATE_NEW], 174);
    mem_free(text);
    text = bench_file("samples/campaign/us-forged.json", &len);
    assert_non_null(text);
    assert_int_equal(bench_accept(&b, rumour, text, len), ERR_OK);
    assert_int_equal(b.answers[GATE_ASSERTION], 1);
    assert_int_equal(b.answers[GATE_NEW] + b.answers[GATE_ASSERTION] + b.answers[GATE_SEEN], 2);
    mem_free(text);
    bench_deinit(&b);
}

/* A stranger's version that a third one repeated is still not what the owner said; and the log of it all can
 * be replayed. */
static void owner_after_repeated_assertion(void **state)
{
    (void)state;
    struct two t;
    char text[TEXT_MAX];
    two_init(&t);
    uint32_t third = bench_source(&t.b, "third", STIX_TLP_CLEAR, false, false);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 1, CREATED_BY(1))), GATE_NEW);
    uint64_t first = newest(&t.b, "indicator", 1);
    assert_int_equal(bench_add(&t.b, t.other, indicator(text, 1, 2, CREATED_BY(1))), GATE_ASSERTION);
    assert_int_equal(bench_add(&t.b, third, indicator(text, 1, 2, CREATED_BY(1))), GATE_SEEN);
    assert_int_equal(bench_add(&t.b, third, indicator(text, 1, 2, CREATED_BY(1))), GATE_DUPLICATE);
    assert_int_equal(bench_add(&t.b, t.home, indicator(text, 1, 2, CREATED_BY(1))), GATE_NEW);
    assert_true(newest(&t.b, "indicator", 1) > first);
    bench_reopen(&t.b);
    assert_true(newest(&t.b, "indicator", 1) > first);
    bench_deinit(&t.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_home_only),
        cmocka_unit_test(strangers_version_is_an_assertion),
        cmocka_unit_test(who_speaks),
        cmocka_unit_test(creator_cannot_be_swapped),
        cmocka_unit_test(bound_identity_speaks_for_itself),
        cmocka_unit_test(later_binding_speaks),
        cmocka_unit_test(owner_after_assertion),
        cmocka_unit_test(owner_after_repeated_assertion),
        cmocka_unit_test(many_assertions),
        cmocka_unit_test(variants_are_their_sources_own),
        cmocka_unit_test(forged_revocation),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("gate authority", tests, NULL, NULL);
}
