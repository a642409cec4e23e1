/* A session that compares what it holds with what the issuer gives: what is lost is found and taken over
 * again, what cannot be brought together is remembered, and an issuer that lies changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/wr.h"
#include "pair.h"
#include "sync/reconcile.h"
#include "sync/wire.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)
#define DAY_US    (24 * 60 * MINUTE_US)

static bool is_over(struct pair *pair)
{
    return !sync_session_reconciled(pair_session(pair))->running;
}

/* Both in step over so many leaves. */
static struct pair *pair_ready(uint64_t seed, unsigned leaves)
{
    struct pair *pair = pair_new(seed, NULL);
    pair_release(pair, leaves, 100);
    assert_true(pair_run(pair, 10 * SECOND_US, pair_in_step));
    return pair;
}

static struct sync_reconciled run(struct pair *pair)
{
    assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_OK);
    assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_BUSY);
    assert_true(pair_run(pair, 20 * MINUTE_US, is_over));
    return *sync_session_reconciled(pair_session(pair));
}

static struct sync_reconciled run_well(struct pair *pair)
{
    struct sync_reconciled result = run(pair);
    assert_string_equal(result.what, "");
    assert_int_equal(result.err, ERR_OK);
    assert_int_equal(result.size, fake_held(pair_follower(pair)));
    return result;
}

static void expect_nothing(const struct sync_reconciled *result)
{
    assert_int_equal(result->missing, 0);
    assert_int_equal(result->given_no_more, 0);
    assert_int_equal(result->round_trips, 1);
    assert_int_equal(result->fetches, 0);
}

static void test_nothing_differs(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(1, 2500);
    struct sync_reconciled result = run_well(pair);
    expect_nothing(&result);
    assert_true(result.sent_bytes + result.received_bytes < 200);
    assert_int_equal(result.ended_us, pair_now(pair));
    pair_free(pair);
}

/* Leaves 6, 13, 20 ... have no content, 49, 99 ... are refused. */
static void test_what_is_lost_comes_again(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(2, 3000);
    static const uint64_t lost[] = {0, 1, 1500, 2047, 2048, 2998};
    for (size_t i = 0; i < sizeof lost / sizeof lost[0]; i++)
        fake_lose(pair_follower(pair), lost[i], false);
    struct sync_reconciled result = run_well(pair);
    assert_int_equal(result.missing, 6);
    assert_int_equal(result.mended, 6);
    assert_int_equal(result.refused + result.moved + result.left + result.given_no_more, 0);
    assert_int_equal(result.fetches, 1);
    assert_int_equal(fake_again(pair_follower(pair)), 6);
    pair_assert_equal(pair);
    result = run_well(pair);
    expect_nothing(&result);
    assert_int_equal(result.run, 2);
    pair_free(pair);
}

/* More than one request takes; also while pages come in. */
static void test_many_are_lost(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(3, 2000);
    uint64_t lost = 0;
    for (uint64_t seq = 0; seq < 2000; seq++)
        if (seq % 7 != 6) {
            fake_lose(pair_follower(pair), seq, false);
            lost++;
        }
    assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_OK);
    pair_release(pair, 500, 100);
    assert_true(pair_run(pair, 20 * MINUTE_US, is_over));
    struct sync_reconciled result = *sync_session_reconciled(pair_session(pair));
    assert_int_equal(result.mended, lost);
    assert_true(result.fetches >= lost / LIMIT_FETCH_LEAVES);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    pair_free(pair);
}

/* By itself, a day after the last time. */
static void test_once_a_day(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(4, 300);
    fake_lose(pair_follower(pair), 8, false);
    assert_false(pair_run(pair, 50 * MINUTE_US, NULL));
    assert_int_equal(sync_session_reconciled(pair_session(pair))->run, 0);
    assert_false(pair_run(pair, 4 * 60 * MINUTE_US, NULL));
    assert_int_equal(sync_session_reconciled(pair_session(pair))->run, 1);
    assert_int_equal(sync_session_reconciled(pair_session(pair))->mended, 1);
    int64_t first = sync_session_reconciled(pair_session(pair))->ended_us;
    pair_restart_follower(pair); /* it is remembered when that was */
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    assert_int_equal(sync_session_reconciled(pair_session(pair))->ended_us, first);
    assert_int_equal(sync_session_reconciled(pair_session(pair))->mended, 1);
    assert_false(pair_run(pair, 20 * 60 * MINUTE_US, NULL));
    assert_int_equal(sync_session_reconciled(pair_session(pair))->run, 0);
    assert_false(pair_run(pair, 7 * 60 * MINUTE_US, NULL));
    assert_int_equal(sync_session_reconciled(pair_session(pair))->run, 1);
    pair_free(pair);
}

/* --- what cannot be brought together --- */

static void test_what_is_given_no_more_stays(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(5, 1000);
    fake_withhold(pair_issuer(pair), 11, true);
    fake_withhold(pair_issuer(pair), 500, true);
    struct sync_reconciled result = run_well(pair);
    assert_int_equal(result.given_no_more, 2);
    assert_int_equal(result.missing + result.fetches, 0);
    pair_assert_equal(pair);
    assert_false(pair_run(pair, 2 * 60 * MINUTE_US, NULL));
    result = run_well(pair); /* known by now */
    expect_nothing(&result);
    pair_restart_follower(pair);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    result = run_well(pair);
    expect_nothing(&result);
    fake_withhold(pair_issuer(pair), 11, false); /* it is given again, and here */
    assert_false(pair_run(pair, 2 * 60 * MINUTE_US, NULL));
    result = run_well(pair);
    assert_int_equal(result.missing + result.given_no_more + result.fetches, 0);
    assert_false(pair_run(pair, 2 * 60 * MINUTE_US, NULL));
    result = run_well(pair);
    expect_nothing(&result);
    pair_free(pair);
}

static void test_what_is_refused_again_is_known(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(6, 1000);
    fake_lose(pair_follower(pair), 700, true);
    struct sync_reconciled result = run_well(pair);
    assert_int_equal(result.missing, 1);
    assert_int_equal(result.mended, 0);
    assert_int_equal(result.refused, 1);
    result = run_well(pair);
    expect_nothing(&result);
    fake_withhold(pair_issuer(pair), 700, true); /* nobody has it by now */
    assert_false(pair_run(pair, 2 * 60 * MINUTE_US, NULL));
    result = run_well(pair);
    assert_int_equal(result.missing + result.given_no_more, 0);
    pair_free(pair);
}

static void withhold_at_fetch(void *ctx, const char *path, struct buf *body)
{
    struct pair *pair = ctx;
    (void)body;
    if (strcmp(path, SYNC_PATH_RECONCILE) == 0)
        fake_withhold(pair_issuer(pair), 123, true);
}

static void test_what_is_taken_back_meanwhile(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(7, 1000);
    fake_lose(pair_follower(pair), 123, false);
    pair_meddle(pair, withhold_at_fetch, pair);
    struct sync_reconciled result = run_well(pair);
    assert_int_equal(result.missing, 1);
    assert_int_equal(result.moved, 1);
    assert_int_equal(result.mended + result.refused, 0);
    assert_int_equal(fake_again(pair_follower(pair)), 0);
    pair_free(pair);
}

/* --- liars and bad lines --- */

struct lie {
    const char *path;
    size_t at; /* of the answer, from its end when `back` */
    bool back, cut;
};

static void tell(void *ctx, const char *path, struct buf *body)
{
    const struct lie *lie = ctx;
    if (strcmp(path, lie->path) != 0 || body->len <= lie->at)
        return;
    if (lie->cut)
        body->len -= lie->at;
    else
        body->at[lie->back ? body->len - 1 - lie->at : lie->at] ^= 1;
}

static void test_who_lies_changes_nothing(void **state)
{
    (void)state;
    static const struct lie lies[] = {
        {SYNC_PATH_RECONCILE, 0, false, false},  {SYNC_PATH_RECONCILE, 4, false, false},
        {SYNC_PATH_RECONCILE, 12, false, false}, {SYNC_PATH_RECONCILE, 14, false, false},
        {SYNC_PATH_RECONCILE, 19, false, false}, {SYNC_PATH_RECONCILE, 25, false, false},
        {SYNC_PATH_RECONCILE, 1, true, true},    {SYNC_PATH_FETCH, 0, false, false},
        {SYNC_PATH_FETCH, 6, false, false},      {SYNC_PATH_FETCH, 0, true, false}, /* the proof */
        {SYNC_PATH_FETCH, 400, true, false},                                        /* the object */
        {SYNC_PATH_FETCH, 1, true, true}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct lie lie = lies[i];
        struct pair *pair = pair_ready(8, 1000);
        fake_lose(pair_follower(pair), 123, false);
        pair_meddle(pair, tell, &lie);
        struct sync_reconciled result = run(pair);
        assert_int_not_equal(result.err, ERR_OK);
        assert_true(result.what[0] != '\0');
        assert_int_equal(fake_again(pair_follower(pair)), 0);
        assert_int_equal(pair_status(pair).state, SYNC_FEED); /* the ledger goes on */
        pair_meddle(pair, NULL, NULL);
        result = run_well(pair);
        assert_int_equal(result.mended, 1);
        pair_free(pair);
    }
}

static void test_bad_weather(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct pair_weather weather = {
            .lost = (unsigned)(seed * 5), .repeated = 200, .delay_us = 50000, .jitter_us = 2 * SECOND_US};
        struct pair *pair = pair_new(seed, &weather);
        pair_release(pair, 900, 50);
        assert_true(pair_run(pair, DAY_US, pair_in_step));
        for (uint64_t seq = 100; seq < 104; seq++)
            fake_lose(pair_follower(pair), seq, false);
        for (unsigned i = 0; i < 50 && fake_again(pair_follower(pair)) < 4; i++) {
            err_t err = sync_session_reconcile(pair_session(pair), pair_now(pair));
            assert_true(err == ERR_OK || err == ERR_BUSY || err == ERR_WRONGSTATE);
            (void)pair_run(pair, 60 * MINUTE_US, err == ERR_WRONGSTATE ? NULL : is_over);
        }
        assert_int_equal(fake_again(pair_follower(pair)), 4);
        pair_assert_equal(pair);
        pair_free(pair);
    }
}

/* A crash at any moment of a run. */
static void test_restarts(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 12; step++) {
        struct pair *pair = pair_ready(9, 600);
        fake_lose(pair_follower(pair), 301, false);
        assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_OK);
        (void)pair_run(pair, (int64_t)step * 500, NULL);
        if (step % 2 == 0)
            pair_restart_follower(pair);
        else
            pair_restart_issuer(pair);
        (void)pair_run(pair, 30 * MINUTE_US, NULL);
        assert_true(pair_run(pair, 10 * MINUTE_US, pair_in_step));
        struct sync_reconciled result = run_well(pair);
        assert_int_equal(result.missing,
                         fake_again(pair_follower(pair)) == result.missing ? result.missing : 0);
        pair_assert_equal(pair);
        pair_free(pair);
    }
}

static void test_a_full_index_is_waited_for(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(10, 600);
    fake_lose(pair_follower(pair), 301, false);
    fake_busy(pair_follower(pair), 5);
    struct sync_reconciled result = run_well(pair);
    assert_int_equal(result.mended, 1);
    pair_free(pair);
}

/* --- the issuer's bounds --- */

static unsigned ask(struct pair *pair, struct bytes body)
{
    struct exchange_request request = {.id = 1,
                                       .method = EXCHANGE_POST,
                                       .path = STR(SYNC_PATH_RECONCILE),
                                       .body = body,
                                       .secure = true,
                                       .has_peer_key = true};
    struct exchange_response response;
    bool commit;
    memcpy(request.peer_key, pair_keys(pair, false)->tls.public.b, EXCHANGE_KEY_SIZE);
    exchange_response_init(&response, request.id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(pair_serve(pair), &request, pair_now(pair), &response, &commit);
    unsigned status = response.status;
    exchange_response_deinit(&response);
    return status;
}

static unsigned ask_size(struct pair *pair, uint32_t epoch, uint64_t size)
{
    struct reconcile_node top = reconcile_top(size);
    struct buf body;
    buf_init(&body, 4096);
    reconcile_question_write(&body, epoch, size, &top, 1);
    unsigned status = ask(pair, buf_bytes(&body));
    buf_deinit(&body);
    return status;
}

static void test_the_issuer_bounds_its_work(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(11, 1000);
    assert_int_equal(ask(pair, bytes_of(NULL, 0)), 400);
    assert_int_equal(ask_size(pair, 1, 1000), 409);
    assert_int_equal(ask_size(pair, 0, 1001), 409);
    assert_int_equal(ask_size(pair, 0, 1000), 200);
    assert_int_equal(ask_size(pair, 0, 1000), 200); /* of what is made */
    assert_int_equal(ask_size(pair, 0, 999), 503);  /* another set, at once */
    assert_int_equal(ask_size(pair, 0, 1000), 200);
    assert_false(pair_run(pair, SECOND_US, NULL));
    assert_int_equal(ask_size(pair, 0, 999), 200);
    fake_gate_state(pair_issuer(pair), GATE_PEER_PAUSED);
    assert_int_equal(ask_size(pair, 0, 1000), 404);
    pair_free(pair);
}

static void test_when_it_cannot_be(void **state)
{
    (void)state;
    struct pair *pair = pair_new(12, NULL);
    assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_WRONGSTATE);
    assert_false(pair_run(pair, SECOND_US, NULL)); /* nothing is held */
    assert_int_equal(sync_session_reconcile(pair_session(pair), pair_now(pair)), ERR_WRONGSTATE);
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_differs),
        cmocka_unit_test(test_what_is_lost_comes_again),
        cmocka_unit_test(test_many_are_lost),
        cmocka_unit_test(test_once_a_day),
        cmocka_unit_test(test_what_is_given_no_more_stays),
        cmocka_unit_test(test_what_is_refused_again_is_known),
        cmocka_unit_test(test_what_is_taken_back_meanwhile),
        cmocka_unit_test(test_who_lies_changes_nothing),
        cmocka_unit_test(test_bad_weather),
        cmocka_unit_test(test_restarts),
        cmocka_unit_test(test_a_full_index_is_waited_for),
        cmocka_unit_test(test_the_issuer_bounds_its_work),
        cmocka_unit_test(test_when_it_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
