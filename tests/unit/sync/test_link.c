/* A session against the server in one process: convergence, loss, repetition, reordering, restarts at every
 * step, and every way in which an issuer can contradict itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gate/halt.h"
#include "pair.h"
#include "sync/wire.h"

#define SECOND_US INT64_C(1000000)
#define MINUTE_US (60 * SECOND_US)

static void test_converges(void **state)
{
    (void)state;
    struct pair *pair = pair_new(1, NULL);
    pair_release(pair, 2500, 100);
    assert_true(pair_run(pair, 10 * SECOND_US, pair_in_step));
    pair_assert_equal(pair);
    /* Three pages of at most a thousand leaves, and not one request more than needed. */
    assert_int_equal(pair_status(pair).pages, 3);
    assert_int_equal(pair_requests(pair, SYNC_PATH_HELLO), 1);
    assert_true(pair_requests(pair, SYNC_PATH_RECEIPT) <= 3);
    pair_free(pair);
}

static void test_live(void **state)
{
    (void)state;
    struct pair *pair = pair_new(2, NULL);
    for (unsigned i = 0; i < 20; i++) {
        assert_false(pair_run(pair, 7 * SECOND_US, NULL));
        pair_release(pair, 3, 3);
        int64_t released = pair_now(pair);
        assert_true(pair_run(pair, SECOND_US, pair_in_step));
        /* Long poll: the answer is on its way at once. One delay to arrive, two for the receipt. */
        assert_true(pair_now(pair) - released <= 4000);
    }
    pair_assert_equal(pair);
    struct sync_status status = pair_status(pair);
    assert_int_equal(status.times.count, 60);
    int64_t p99 = sync_latency_quantile(&status.times, 990);
    assert_in_range(p99, 1000, 1100); /* the network's delay, and the bucket's width */
    assert_int_equal(status.failures, 0);
    pair_free(pair);
}

static void test_idle_is_quiet(void **state)
{
    (void)state;
    struct pair *pair = pair_new(3, NULL);
    assert_false(pair_run(pair, 10 * MINUTE_US, NULL));
    assert_int_equal(pair_requests(pair, SYNC_PATH_HELLO), 1);
    assert_in_range(pair_requests(pair, SYNC_PATH_FEED), 19, 21); /* one every thirty seconds */
    assert_int_equal(pair_status(pair).state, SYNC_FEED);
    pair_free(pair);
}

static void test_bad_weather(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct pair_weather weather = {.lost = (unsigned)(seed * 10),
                                       .repeated = 200,
                                       .sign_lost = 100,
                                       .delay_us = 50000,
                                       .jitter_us = 2 * SECOND_US};
        struct pair *pair = pair_new(seed, &weather);
        for (unsigned i = 0; i < 8; i++) {
            pair_release(pair, (unsigned)(seed * 37 % 400), (unsigned)(seed % 90) + 1);
            assert_int_equal(pair_run(pair, 20 * SECOND_US, NULL), false);
        }
        assert_true(pair_run(pair, 24 * 60 * MINUTE_US, pair_in_step));
        pair_assert_equal(pair);
        pair_free(pair);
    }
}

/* A page of half a megabyte takes nine minutes: as long as it comes, it is waited for. */
static void test_slow_line(void **state)
{
    (void)state;
    struct pair *pair = pair_new(31, &(struct pair_weather) {.delay_us = 300000, .bytes_s = 1000});
    pair_release(pair, 2000, 1000);
    assert_true(pair_run(pair, 30 * MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    assert_int_equal(pair_status(pair).failures, 0);
    assert_int_equal(pair_status(pair).pages, 2);
    pair_free(pair);
}

/* Nothing that takes a hundred seconds arrives: shorter pages are asked for, and those do. */
static void test_breaking_line(void **state)
{
    (void)state;
    struct pair_weather weather = {.delay_us = 300000, .bytes_s = 1000, .breaks_us = 100 * SECOND_US};
    struct pair *pair = pair_new(32, &weather);
    pair_release(pair, 2000, 20);
    assert_true(pair_run(pair, 120 * MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    pair_free(pair);
}

/* The polls of both ledgers, behind the two requests by which the session said hello. */
enum { FIRST_FEED = 3, LAST_FEED = 4 };

static void feeds_coming(struct sync_session *session, int64_t now_us)
{
    for (uint64_t id = FIRST_FEED; id <= LAST_FEED; id++)
        sync_session_coming(session, id, now_us);
}

/* The answer began and no more of it comes: given up as late as one that never began, and asked for again. */
static void test_line_hangs(void **state)
{
    (void)state;
    struct pair *pair = pair_new(33, NULL);
    assert_false(pair_run(pair, SECOND_US, NULL));
    struct sync_session *session = pair_session(pair);
    struct sync_action action;
    pair_restart_issuer(pair); /* it forgot the long poll that is out */
    int64_t began = pair_now(pair);
    feeds_coming(session, began);
    sync_session_coming(session, 77, began); /* of no request */
    sync_session_next(session, began + 89 * SECOND_US, &action);
    assert_int_equal(action.kind, SYNC_NOTHING);
    assert_int_equal(pair_status(pair).failures, 0);
    assert_int_equal(action.until_us, began + 90 * SECOND_US);
    sync_session_next(session, began + 90 * SECOND_US, &action);
    assert_int_equal(pair_status(pair).failures, 1);
    assert_int_equal(pair_status(pair).trouble.err, ERR_TIMEOUT);
    pair_free(pair);
}

/* A clock that was ten years ahead when the link failed, and is set right: it waits for a minute at most. */
static void test_clock_set_back(void **state)
{
    (void)state;
    struct pair *pair = pair_new(35, NULL);
    assert_false(pair_run(pair, SECOND_US, NULL));
    struct sync_session *session = pair_session(pair);
    struct sync_action action;
    int64_t now = pair_now(pair), ahead = now + INT64_C(3650) * 24 * 60 * MINUTE_US;
    sync_session_next(session, ahead, &action); /* the long poll is given up */
    assert_int_equal(pair_status(pair).failures, 1);
    assert_int_equal(pair_status(pair).state, SYNC_WAITING);
    sync_session_next(session, now, &action);
    assert_int_equal(action.kind, SYNC_NOTHING);
    assert_in_range(action.until_us, now, now + MINUTE_US);
    for (int i = 0; i < 2; i++) /* the urgent ledger says hello first */
        sync_session_next(session, now + MINUTE_US, &action);
    assert_int_not_equal(pair_status(pair).state, SYNC_WAITING);
    pair_free(pair);
}

/* Bytes that trickle in below any line a node is run over do not hold the link for ever. */
static void test_trickle_ends(void **state)
{
    (void)state;
    struct pair *pair = pair_new(34, NULL);
    assert_false(pair_run(pair, SECOND_US, NULL));
    struct sync_session *session = pair_session(pair);
    struct sync_action action;
    pair_restart_issuer(pair);
    int64_t began = pair_now(pair), now = began;
    while (pair_status(pair).failures == 0 && now < began + 24 * 60 * MINUTE_US) {
        now += MINUTE_US;
        feeds_coming(session, now);
        sync_session_next(session, now, &action);
    }
    assert_in_range(now - began, 4 * 60 * MINUTE_US, 5 * 60 * MINUTE_US);
    pair_free(pair);
}

static unsigned steps_left;

static bool steps_over(struct pair *pair)
{
    (void)pair;
    return steps_left-- == 0;
}

/* Either side ends after any number of steps and starts again. */
static void test_restart_at_every_step(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 24; step++)
        for (unsigned who = 0; who < 3; who++) {
            struct pair_weather weather = {.delay_us = 1000, .jitter_us = 3000};
            struct pair *pair = pair_new(step, &weather);
            pair_release(pair, 1700, 60);
            steps_left = step;
            (void)pair_run(pair, MINUTE_US, steps_over);
            if (who != 1)
                pair_restart_follower(pair);
            if (who != 0)
                pair_restart_issuer(pair);
            assert_true(pair_run(pair, 10 * MINUTE_US, pair_in_step));
            pair_assert_equal(pair);
            pair_free(pair);
        }
}

/* The receipt was lost, the process too, and nothing new is released: it is made again from the cursor. */
static void test_lost_receipt(void **state)
{
    (void)state;
    struct pair *pair = pair_new(5, NULL);
    pair_release(pair, 1500, 70);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    pair_release(pair, 120, 120);
    /* Run only until the objects are held; then everything under way is lost. */
    while (fake_held(pair_follower(pair)) < 1620)
        (void)pair_run(pair, 500, NULL);
    assert_int_equal(fake_receipt(pair_issuer(pair)).size, 1500);
    pair_restart_follower(pair);
    assert_true(pair_run(pair, 5 * MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    pair_free(pair);
}

static void test_busy_gate(void **state)
{
    (void)state;
    struct pair *pair = pair_new(6, NULL);
    fake_busy(pair_follower(pair), 5);
    pair_release(pair, 2500, 100);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    assert_int_equal(pair_status(pair).failures, 0);
    pair_free(pair);
}

static void test_commit_fails(void **state)
{
    (void)state;
    struct pair *pair = pair_new(7, NULL);
    fake_commit_fails(pair_follower(pair), true);
    pair_release(pair, 10, 10);
    assert_false(pair_run(pair, MINUTE_US, pair_in_step));
    assert_int_equal(pair_status(pair).state, SYNC_IDLE);
    assert_int_equal(pair_status(pair).trouble.err, ERR_IO);
    assert_int_equal(pair_status(pair).held, 0);
    assert_int_equal(fake_receipt(pair_issuer(pair)).size, 0); /* never receipted what is not durable */
    fake_commit_fails(pair_follower(pair), false);
    pair_restart_follower(pair);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    pair_free(pair);
}

static void test_paused(void **state)
{
    (void)state;
    struct pair *pair = pair_new(8, NULL);
    fake_gate_state(pair_issuer(pair), GATE_PEER_PAUSED);
    pair_release(pair, 10, 10);
    assert_false(pair_run(pair, 5 * MINUTE_US, pair_in_step));
    assert_int_equal(pair_status(pair).held, 0);
    assert_int_equal(pair_status(pair).trouble.err, ERR_DENIED);
    assert_in_range(pair_requests(pair, SYNC_PATH_HELLO), 10, 20); /* waits double up to a minute */
    fake_gate_state(pair_issuer(pair), GATE_PEER_STARTED);
    assert_true(pair_run(pair, 2 * MINUTE_US, pair_in_step));
    /* Paused while a long poll is out: it ends at once, and nothing more arrives. */
    assert_false(pair_run(pair, SECOND_US, NULL));
    fake_gate_state(pair_issuer(pair), GATE_PEER_PAUSED);
    pair_release(pair, 10, 10);
    assert_false(pair_run(pair, MINUTE_US, pair_in_step));
    assert_int_equal(fake_held(pair_follower(pair)), 10);
    pair_free(pair);
}

/* --- issuers that contradict themselves --- */

static struct pair *followed(uint64_t seed)
{
    struct pair *pair = pair_new(seed, NULL);
    pair_release(pair, 300, 30);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    return pair;
}

static void assert_alarm(struct pair *pair, err_t err)
{
    assert_false(pair_run(pair, 10 * MINUTE_US, NULL));
    struct sync_status status = pair_status(pair);
    assert_int_equal(status.state, SYNC_ALARM);
    assert_int_equal(status.trouble.err, err);
    assert_non_null(status.trouble.next);
    unsigned requests = pair_requests(pair, SYNC_PATH_HELLO) + pair_requests(pair, SYNC_PATH_FEED);
    assert_false(pair_run(pair, 60 * MINUTE_US, NULL));
    /* Stopped means stopped. */
    assert_int_equal(pair_requests(pair, SYNC_PATH_HELLO) + pair_requests(pair, SYNC_PATH_FEED), requests);
    assert_int_equal(fake_held(pair_follower(pair)), 300);
}

/* Not one request, and the evidence is at hand. */
static void assert_stands(struct pair *pair, uint64_t size)
{
    struct note note;
    struct checkpoint shown;
    unsigned requests = pair_requests(pair, SYNC_PATH_HELLO);
    assert_false(pair_run(pair, 10 * MINUTE_US, NULL));
    assert_int_equal(pair_status(pair).state, SYNC_ALARM);
    assert_false(sync_session_resumable(pair_session(pair)));
    assert_int_equal(pair_requests(pair, SYNC_PATH_HELLO), requests);
    assert_int_equal(note_parse(sync_session_evidence(pair_session(pair)), &note, NULL), ERR_OK);
    assert_int_equal(checkpoint_parse(note.text, &shown, NULL), ERR_OK);
    assert_int_equal(shown.size, size);
}

static void resume(struct pair *pair)
{
    static const struct gate_by by = {{"kim", 3}, {"the partner restored its newest log", 35}};
    assert_false(sync_session_resumable(pair_session(pair)));
    assert_int_equal(gate_resume(pair_follower(pair), 0, &by, pair_now(pair)), ERR_OK);
    assert_true(sync_session_resumable(pair_session(pair)));
    assert_int_equal(sync_session_start(pair_session(pair), pair_now(pair)), ERR_OK);
}

static void test_fork_while_following(void **state)
{
    (void)state;
    struct pair *pair = followed(10);
    fake_fork(pair_issuer(pair));
    pair_release(pair, 5, 5);
    assert_alarm(pair, ERR_PROOF);
    /* What it signed is kept, and nobody else can have signed it. */
    struct note_key key;
    struct checkpoint told;
    assert_int_equal(sync_card_ledger_key(&pair_keys(pair, true)->card, STR("bongsu/kr/us-cisa/0"), &key),
                     ERR_OK);
    assert_int_equal(checkpoint_open(sync_session_evidence(pair_session(pair)), STR("bongsu/kr/us-cisa/0"),
                                     &key, &told, NULL, NULL),
                     ERR_OK);
    assert_int_equal(told.size, 305);
    /* It stands still whoever starts it, and after a restart. */
    assert_int_equal(sync_session_start(pair_session(pair), pair_now(pair)), ERR_OK);
    assert_stands(pair, 305);
    pair_restart_follower(pair);
    assert_stands(pair, 305);
    /* Resumed it compares, and stops again; the issuer learns of it as well. */
    resume(pair);
    assert_alarm(pair, ERR_PROOF);
    assert_non_null(sync_serve_status(pair_serve(pair), 0).alarm);
    pair_free(pair);
}

static void test_fork_between_sessions(void **state)
{
    (void)state;
    struct pair *pair = followed(11);
    fake_fork(pair_issuer(pair));
    pair_restart_follower(pair);
    assert_alarm(pair, ERR_PROOF);
    pair_free(pair);
}

static void test_set_back(void **state)
{
    (void)state;
    struct pair *pair = followed(12);
    fake_set_back(pair_issuer(pair), 200);
    pair_restart_follower(pair);
    assert_alarm(pair, ERR_PROOF);
    pair_free(pair);
}

/* The partner's card ends while it is followed: nothing more is asked until a newer one is there. */
static void test_card_ends(void **state)
{
    (void)state;
    struct pair *pair = followed(15);
    const struct fake_keys *keys = pair_keys(pair, true);
    struct sync_card card = keys->card;
    (void)pair_run(pair, card.expires_us - pair_now(pair), NULL);
    pair_release(pair, 10, 10);
    unsigned feeds = pair_requests(pair, SYNC_PATH_FEED);
    assert_false(pair_run(pair, 10 * MINUTE_US, pair_in_step));
    assert_in_range(pair_requests(pair, SYNC_PATH_FEED), feeds, feeds + 1);
    assert_int_equal(pair_status(pair).trouble.err, ERR_EXPIRED);
    card.number++;
    card.expires_us += 1000 * SECOND_US * 1000;
    sync_session_card(pair_session(pair), &card, NULL);
    /* Ours ended on the same day: the issuer needs a newer one as well. */
    struct fake_keys ours = *pair_keys(pair, false);
    ours.card.expires_us = card.expires_us;
    ours.card.number++;
    buf_init(&ours.card_text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(&ours.card, &ours.root, &ours.card_text, NULL), ERR_OK);
    fake_gate_card(pair_issuer(pair), &ours.card_text);
    sync_serve_refresh(pair_serve(pair));
    assert_true(pair_run(pair, 5 * MINUTE_US, pair_in_step));
    pair_free(pair);
    buf_deinit(&ours.card_text);
}

static void test_other_epoch(void **state)
{
    (void)state;
    struct pair *pair = followed(13);
    fake_epoch(pair_issuer(pair), 1);
    pair_restart_follower(pair);
    assert_alarm(pair, ERR_VERSION);
    pair_free(pair);
}

/* Says "go on" over a history that does not contain ours: the follower finds out by itself. */
static void lie(void *ctx, const char *path, struct buf *body)
{
    struct pair *pair = ctx;
    struct sync_welcome welcome;
    if (strcmp(path, SYNC_PATH_HELLO) != 0)
        return;
    assert_int_equal(sync_welcome_read(buf_bytes(body), &welcome), ERR_OK);
    struct hash root = fake_root(pair_issuer(pair), welcome.size);
    struct buf note, lied;
    buf_init(&note, LIMIT_NOTE_BYTES);
    buf_init(&lied, LIMIT_SYNC_BODY_BYTES);
    root.b[0] ^= 1;
    fake_sign(pair_issuer(pair), welcome.size, &root, &note);
    welcome.checkpoint = buf_str(&note);
    sync_welcome_write(&lied, &welcome);
    buf_clear(body);
    buf_put(body, lied.at, lied.len);
    buf_deinit(&note);
    buf_deinit(&lied);
}

static void test_equivocating_hello(void **state)
{
    (void)state;
    struct pair *pair = followed(14);
    pair_meddle(pair, lie, pair);
    pair_restart_follower(pair);
    assert_alarm(pair, ERR_PROOF);
    /* Somebody told the truth again: that alone lets nothing go on. */
    pair_meddle(pair, NULL, NULL);
    pair_release(pair, 10, 10);
    pair_restart_follower(pair);
    assert_stands(pair, 300);
    resume(pair);
    assert_true(pair_run(pair, MINUTE_US, pair_in_step));
    pair_assert_equal(pair);
    pair_free(pair);
}

/* The power goes between the alarm and its commit: it is found anew. */
static void test_alarm_lost(void **state)
{
    (void)state;
    struct pair *pair = followed(16);
    fake_fork(pair_issuer(pair));
    fake_commit_fails(pair_follower(pair), true);
    pair_release(pair, 5, 5);
    assert_alarm(pair, ERR_PROOF);
    fake_commit_fails(pair_follower(pair), false);
    pair_restart_follower(pair);
    assert_alarm(pair, ERR_PROOF);
    assert_true(gate_is_halted(pair_follower(pair), 0));
    unsigned requests = pair_requests(pair, SYNC_PATH_HELLO);
    pair_restart_follower(pair);
    assert_false(pair_run(pair, MINUTE_US, NULL));
    assert_int_equal(pair_requests(pair, SYNC_PATH_HELLO), requests);
    pair_free(pair);
}

/* --- any changed byte of any answer --- */

struct flip {
    const char *path;
    size_t at;
    bool done;
    size_t len;
};

static void flip(void *ctx, const char *path, struct buf *body)
{
    struct flip *flip = ctx;
    if (flip->done || strcmp(path, flip->path) != 0 || body->len < 64)
        return;
    flip->len = body->len;
    flip->done = true;
    if (flip->at < body->len)
        body->at[flip->at] ^= (uint8_t)(1u << flip->at % 8);
}

/* Where the first entry's hop count stands: guarded by TLS alone, and the only byte that may change. */
enum { HOPS_AT = 19 + LEAF_SIZE + 1 };

static void test_changed_byte(void **state)
{
    (void)state;
    static const char *const paths[] = {SYNC_PATH_FEED, SYNC_PATH_HELLO};
    for (size_t p = 0; p < 2; p++) {
        size_t len = 1;
        for (size_t at = 0; at < len; at++) {
            struct pair *pair = pair_new(20, NULL);
            struct flip what = {.path = paths[p], .at = at};
            pair_release(pair, 1, 1);
            if (p == 0 && at == HOPS_AT) { /* 3 becomes another number: taken, and harmless */
                pair_free(pair);
                continue;
            }
            pair_meddle(pair, flip, &what);
            assert_false(pair_run(pair, 20000, NULL));
            assert_true(what.done);
            len = what.len;
            struct sync_status status = pair_status(pair);
            bool receipted_byte = p == 1 && status.state == SYNC_FEED; /* "receipted" may not exceed size */
            if (!receipted_byte) {
                assert_true(status.failures >= 1);
                assert_int_equal(fake_held(pair_follower(pair)), 0);
            }
            if (status.state == SYNC_ALARM) {
                pair_free(pair);
                continue;
            }
            assert_true(pair_run(pair, MINUTE_US, pair_in_step));
            pair_assert_equal(pair);
            pair_free(pair);
        }
        assert_true(len > 200);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_converges),
        cmocka_unit_test(test_live),
        cmocka_unit_test(test_idle_is_quiet),
        cmocka_unit_test(test_bad_weather),
        cmocka_unit_test(test_slow_line),
        cmocka_unit_test(test_breaking_line),
        cmocka_unit_test(test_line_hangs),
        cmocka_unit_test(test_clock_set_back),
        cmocka_unit_test(test_trickle_ends),
        cmocka_unit_test(test_restart_at_every_step),
        cmocka_unit_test(test_lost_receipt),
        cmocka_unit_test(test_busy_gate),
        cmocka_unit_test(test_commit_fails),
        cmocka_unit_test(test_paused),
        cmocka_unit_test(test_fork_while_following),
        cmocka_unit_test(test_fork_between_sessions),
        cmocka_unit_test(test_set_back),
        cmocka_unit_test(test_card_ends),
        cmocka_unit_test(test_other_epoch),
        cmocka_unit_test(test_equivocating_hello),
        cmocka_unit_test(test_alarm_lost),
        cmocka_unit_test(test_changed_byte),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
