/* What the index of one node forgot is found by comparing with the other, and taken over again: two real
 * gates on virtual disks. */
#define _GNU_SOURCE
#include "lose.h"
#include "sites.h"

static bool note_shown(void *ctx, const struct gate_object *object)
{
    *(bool *)ctx |= !object->quarantined;
    return true;
}

static bool shows(const struct site *site, const struct stix_key *key)
{
    bool shown = false;
    err_t err = gate_versions(site->gate, key, note_shown, &shown);
    assert_true(err == ERR_OK || err == ERR_NOTFOUND);
    return shown;
}

static struct gate_ledger ledger_of(const struct site *site)
{
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(site->gate, site->partner, &ledger), ERR_OK);
    return ledger;
}

/* Bits of both sides over all that is held, one after the other. */
static void bits_of(const struct site *from, const struct site *to, uint8_t given[512], uint8_t held[512])
{
    uint64_t size = ledger_of(from).size;
    memset(given, 0, 512);
    memset(held, 0, 512);
    assert_true(size <= 4096);
    assert_int_equal(gate_leaves_given(from->gate, from->partner, 0, size, given), ERR_OK);
    assert_int_equal(gate_leaves_held(to->gate, to->partner, 0, 0, size, held), ERR_OK);
}

static unsigned ones(const uint8_t bits[512])
{
    unsigned count = 0;
    for (size_t i = 0; i < 512; i++)
        count += (unsigned)__builtin_popcount(bits[i]);
    return count;
}

static struct pair *pair_ready(uint64_t seed)
{
    struct pair *pair = pair_new(seed);
    exchange(pair);
    assert_true(pair_run(pair, 200));
    act_both(pair, 20);
    return pair;
}

/* A run of `site`, to its end. */
static struct sync_reconciled compare(struct pair *pair, struct site *site)
{
    assert_int_equal(sync_session_reconcile(site->session, pair->now_us), ERR_OK);
    for (unsigned i = 0; i < 200 && sync_session_reconciled(site->session)->running; i++)
        act_both(pair, 1);
    struct sync_reconciled result = *sync_session_reconciled(site->session);
    assert_false(result.running);
    assert_string_equal(result.what, "");
    return result;
}

/* Its index on disk, while it is down. */
static void lose(struct pair *pair, struct site *site, const struct stix_key *key)
{
    size_t rows;
    assert_int_equal(gate_merge(site->gate, true), ERR_OK);
    site_close(site);
    assert_int_equal(lose_object(site->index, key, &rows), ERR_OK);
    assert_true(rows >= 3);
    site_open(pair, site);
    site_link(pair, site);
    act_both(pair, 20);
}

static void test_both_sides_agree(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(1);
    for (unsigned i = 0; i < 2; i++) {
        struct site *site = &pair->site[i];
        uint8_t given[512], held[512];
        bits_of(site->other, site, given, held);
        assert_memory_equal(given, held, sizeof given);
        assert_true(ones(given) > 0);
        struct sync_reconciled result = compare(pair, site);
        assert_int_equal(result.size, ledger_of(site->other).size);
        assert_int_equal(result.round_trips, 1);
        assert_int_equal(result.missing + result.given_no_more, 0);
    }
    pair_free(pair);
}

static void test_what_was_forgotten_comes_again(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(2);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    for (size_t skip = 0; skip < 3; skip++) {
        struct stix_key key = indicator(kr, 0, skip);
        assert_true(shows(us, &key));
        lose(pair, us, &key);
        assert_false(shows(us, &key));
        struct sync_reconciled result = compare(pair, us);
        assert_int_equal(result.missing, 1);
        assert_int_equal(result.mended, 1);
        assert_int_equal(result.fetches, 1);
        assert_true(shows(us, &key));
        result = compare(pair, us);
        assert_int_equal(result.missing + result.given_no_more, 0);
        assert_int_equal(result.round_trips, 1);
    }
    pair_free(pair);
}

static void say_finding(void *ctx, const char *text)
{
    (void)ctx;
    print_message("check: %s\n", text);
}

/* It survives the index's being made anew from the log, which still has the first frame as well. */
static void test_after_the_index_is_made_anew(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(3);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key key = indicator(kr, 0, 0);
    lose(pair, us, &key);
    assert_int_equal(compare(pair, us).mended, 1);
    site_close(us);
    assert_int_equal(index_mem_rollback(us->index, 0), ERR_OK);
    site_open(pair, us);
    site_link(pair, us);
    act_both(pair, 20);
    assert_true(shows(us, &key));
    struct sync_reconciled result = compare(pair, us);
    assert_int_equal(result.missing + result.given_no_more, 0);
    uint64_t bad = 1;
    assert_int_equal(gate_check(us->gate, say_finding, NULL, &bad), ERR_OK);
    assert_int_equal(bad, 0);
    pair_free(pair);
}

/* What was called back is given no more and held no more; what was lost and then called back is not fetched.
 */
static void test_recalls(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(4);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key lost = indicator(kr, 0, 0), other = indicator(kr, 0, 1);
    lose(pair, us, &lost);
    (void)call_back(pair, kr, &lost);
    (void)call_back(pair, kr, &other);
    for (int i = 0; i < 20; i++) {
        carry_out(pair, us);
        act_both(pair, 20);
    }
    assert_false(shows(us, &other));
    struct sync_reconciled result = compare(pair, us);
    assert_int_equal(result.missing + result.given_no_more, 0); /* it was called back: no news */
    assert_false(shows(us, &lost));
    result = compare(pair, us);
    assert_int_equal(result.missing + result.given_no_more + result.fetches, 0);
    assert_int_equal(result.round_trips, 1);
    pair_free(pair);
}

/* What a policy takes back ends by a leaf on both sides. */
static void test_what_is_taken_back_by_a_policy(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(5);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    uint8_t given[512], held[512], before[512];
    bits_of(kr, us, before, held);
    site_policy(
        pair, kr,
        "language 1\ndeny nothing-more if type == indicator to all\nrelease open if tlp <= green to all\n");
    site_settle(pair, kr);
    act_both(pair, 40);
    assert_true(pair_run(pair, 200));
    bits_of(kr, us, given, held);
    assert_true(ones(given) < ones(before));
    assert_memory_equal(given, held, sizeof given);
    struct sync_reconciled result = compare(pair, us);
    assert_int_equal(result.missing + result.given_no_more, 0);
    assert_int_equal(result.round_trips, 1);
    pair_free(pair);
}

/* Ended, and released once more in the same words: nothing is lost, and nothing fetched. */
static void test_what_comes_back(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(7);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    site_policy(pair, kr,
                "language 1\ndeny nothing-more if type == indicator to all\n"
                "release open if tlp <= green to all\n");
    site_settle(pair, kr);
    act_both(pair, 40);
    assert_true(pair_run(pair, 200));
    uint64_t size = ledger_of(kr).size;
    site_policy(pair, kr, "language 1\nrelease open if tlp <= green to all\n");
    site_settle(pair, kr);
    act_both(pair, 40);
    assert_true(pair_run(pair, 200));
    assert_true(ledger_of(kr).size > size);
    for (unsigned i = 0; i < 2; i++) {
        struct sync_reconciled result = compare(pair, us);
        assert_int_equal(result.missing + result.given_no_more + result.fetches, 0);
        assert_true(i == 0 || result.round_trips == 1);
    }
    pair_free(pair);
}

/* An older program is not asked. */
static void test_an_older_program(void **state)
{
    (void)state;
    struct pair *pair = pair_new(6);
    pair->site[0].old = true;
    exchange(pair);
    assert_true(pair_run(pair, 200));
    assert_int_equal(sync_session_reconcile(pair->site[1].session, pair->now_us), ERR_UNSUPPORTED);
    act_both(pair, 200);
    assert_int_equal(sync_session_reconciled(pair->site[1].session)->run, 0);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_sides_agree),
        cmocka_unit_test(test_what_was_forgotten_comes_again),
        cmocka_unit_test(test_after_the_index_is_made_anew),
        cmocka_unit_test(test_recalls),
        cmocka_unit_test(test_what_is_taken_back_by_a_policy),
        cmocka_unit_test(test_what_comes_back),
        cmocka_unit_test(test_an_older_program),
    };
    assert_int_equal(sign_start(), ERR_OK);
    return cmocka_run_group_tests_name("sync mended", tests, NULL, NULL);
}
