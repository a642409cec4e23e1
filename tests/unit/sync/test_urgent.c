/* What is called back stands in a ledger of its own, and passes everything that was released before: two real
 * gates on virtual disks, of different age, through power failures, backups and other epochs. */
#define _GNU_SOURCE
#include "gate/halt.h"
#include "sites.h"
#include "sync/page.h"

/* --- looking --- */

static struct gate_ledger ledger_of(const struct site *site, bool urgent)
{
    struct gate_ledger ledger;
    unsigned number = urgent ? gate_urgent(site->partner) : site->partner;
    assert_int_equal(gate_ledger(site->gate, number, &ledger), ERR_OK);
    assert_int_equal(ledger.origin.urgent, urgent);
    return ledger;
}

static bool count_recall(void *ctx, const struct gate_leaf *leaf)
{
    *(size_t *)ctx += leaf->leaf.op == LEAF_RECALL;
    return true;
}

static size_t recalls_in(const struct site *site, bool urgent)
{
    size_t count = 0;
    unsigned number = urgent ? gate_urgent(site->partner) : site->partner;
    assert_int_equal(gate_leaves(site->gate, number, 0, count_recall, &count), ERR_OK);
    return count;
}

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

/* --- acting --- */

static void expect_answer(struct pair *pair, struct site *site, uint64_t lsn)
{
    for (int i = 0; i < 60 && holder_of(site, lsn).answered_us == 0; i++) {
        carry_out(pair, site->other);
        act_both(pair, 20);
    }
    assert_true(holder_of(site, lsn).answered_us != 0);
}

static void expect_sound(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bad = 1;
        assert_int_equal(gate_check(pair->site[i].gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
}

/* Both follow each other and hold the other's campaign. */
static struct pair *pair_ready(uint64_t seed)
{
    struct pair *pair = pair_new(seed);
    exchange(pair);
    assert_true(pair_run(pair, 200));
    act_both(pair, 20);
    return pair;
}

/* --- overtaking --- */

static void test_a_recall_overtakes(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(1);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key key = indicator(kr, 0, 0);
    site_add(pair, kr, "samples/campaign/kr-sensor.json");
    site_add(pair, kr, "samples/campaign/jp-taxii.json");
    site_settle(pair, kr);
    uint64_t lsn = call_back(pair, kr, &key);
    int64_t until = INT64_MAX;
    for (int i = 0; i < 20 && shows(us, &key); i++)
        if (!site_act(pair, kr, &until))
            (void)site_act(pair, us, &until);
    assert_false(shows(us, &key));
    assert_true(held_of(us) < ledger_of(kr, false).size); /* what was released before it is not there yet */
    assert_true(pair_run(pair, 400));
    assert_int_equal(held_of(us), ledger_of(kr, false).size);
    assert_int_equal(recalls_in(kr, false), 0);
    assert_int_equal(recalls_in(kr, true), 1);
    expect_answer(pair, kr, lsn);
    assert_true(gate_ledger_is_urgent(holder_of(kr, lsn).ledger));
    assert_int_equal(holder_of(kr, lsn).partner, kr->partner);
    struct gate_recall_owed owed;
    assert_int_equal(gate_recall_owed(us->gate, gate_urgent(us->partner), 0, &owed), ERR_NOTFOUND);
    expect_sound(pair);
    pair_free(pair);
}

/* The page that brings it was on its way when it was called back, and comes last. */
static void test_what_comes_after_its_recall_is_not_shown(void **state)
{
    (void)state;
    for (unsigned broken = 0; broken < 2; broken++) {
        struct pair *pair = pair_ready(2);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        uint64_t from = ledger_of(kr, false).size;
        struct exchange_response page;
        struct gate_cursor cursor;
        site_add(pair, kr, "samples/campaign/jp-taxii.json");
        site_settle(pair, kr);
        site_sign(pair, kr);
        assert_true(sync_serve_next(kr->serve, pair->now_us, &page)); /* of the poll that waits */
        uint64_t call = pair->kept[0][page.id % 16].client_id;
        struct stix_key key = indicator(kr, from, 0);
        assert_false(shows(us, &key));
        uint64_t lsn = call_back(pair, kr, &key);
        expect_answer(pair, kr, lsn); /* nothing of it is here: true, and remembered */
        assert_int_equal(held_of(us), from);
        if (broken == 1) {
            power_fails(pair, us);
            call = 0; /* nobody waits for it any more: the page is asked for again */
        }
        sync_session_answer(us->session, call, page.status, &page.body, pair->now_us);
        exchange_response_deinit(&page);
        for (int i = 0; i < 400; i++) {
            act_both(pair, 1);
            assert_false(shows(us, &key));
        }
        assert_true(pair_run(pair, 400));
        assert_int_equal(held_of(us), ledger_of(kr, false).size);
        /* The leaf counts as refused, by the very code with which it is refused when it comes without
         * content. */
        assert_int_equal(gate_cursor(us->gate, us->partner, &cursor), ERR_OK);
        struct hash digest = disposition_refused_begin();
        struct gate_recall_holder holder = holder_of(kr, lsn);
        assert_int_equal(cursor.refused, 1);
        assert_int_equal(ledger_of(kr, false).refused, 1);
        for (uint64_t seq = from; seq < cursor.edge.size && !hash_eq(&digest, &cursor.refused_digest);
             seq++) {
            digest = disposition_refused_begin();
            digest = disposition_refused_add(&digest, seq, ERR_EXPIRED);
        }
        assert_true(hash_eq(&digest, &cursor.refused_digest) && holder.fetched);
        buf_deinit(&cursor.note);
        power_fails(pair, us);
        assert_false(shows(us, &key));
        expect_sound(pair);
        pair_free(pair);
    }
}

/* A line that was away for long: what has found the issuer again has found it for both ledgers. */
static void test_after_a_long_night(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct pair *pair = pair_ready(seed);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        struct stix_key key = indicator(kr, 0, 0);
        struct sync_status status;
        pair->down = true;
        for (int64_t dawn = pair->now_us + 1000 * SECOND_US; pair->now_us < dawn;)
            act_both(pair, 1);
        (void)call_back(pair, kr, &key);
        pair->down = false;
        do {
            act_both(pair, 1);
            sync_session_status(us->session, &status);
        } while (status.state != SYNC_FEED && shows(us, &key));
        int64_t found_us = pair->now_us;
        for (int i = 0; i < 400 && shows(us, &key); i++)
            act_both(pair, 1);
        assert_false(shows(us, &key));
        assert_in_range(pair->now_us - found_us, 0, SECOND_US);
        pair_free(pair);
    }
}

/* --- of different age --- */

static void greet(struct pair *pair, struct site *site)
{
    sync_session_stop(site->session);
    assert_int_equal(sync_session_start(site->session, pair->now_us), ERR_OK);
    act_both(pair, 40);
}

static void test_an_older_node_is_told_in_the_main_ledger(void **state)
{
    (void)state;
    struct pair *pair = pair_new(3);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    us->old = true;
    exchange(pair);
    assert_true(pair_run(pair, 200));
    struct stix_key key[3];
    for (size_t i = 0; i < 3; i++)
        key[i] = indicator(kr, 0, i);
    static const size_t in_main[3] = {1, 1, 2}, in_urgent[3] = {0, 1, 1};
    for (size_t i = 0; i < 3; i++) {
        us->old = i != 1; /* it is upgraded, and set back */
        greet(pair, us);
        greet(pair, kr);
        assert_true(shows(us, &key[i]));
        uint64_t lsn = call_back(pair, kr, &key[i]);
        expect_answer(pair, kr, lsn);
        assert_false(shows(us, &key[i]));
        assert_int_equal(recalls_in(kr, false), in_main[i]);
        assert_int_equal(recalls_in(kr, true), in_urgent[i]);
        power_fails(pair, kr);
    }
    assert_int_equal(ledger_of(kr, true).receipted, 1);
    assert_true(pair_run(pair, 400));
    expect_sound(pair);
    pair_free(pair);
}

/* --- trouble --- */

/* Recalls while the power goes anywhere; then the indexes are made again from the logs. */
static void test_power_failures(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct pair *pair = pair_ready(seed);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        uint64_t lsns[4];
        struct stix_key key[4];
        for (size_t i = 0; i < 4; i++)
            key[i] = indicator(kr, 0, i);
        for (size_t i = 0; i < 4; i++) {
            lsns[i] = call_back(pair, kr, &key[i]);
            act_both(pair, (unsigned)next_random(pair, 12));
            power_fails(pair, &pair->site[next_random(pair, 2)]);
        }
        for (size_t i = 0; i < 4; i++) {
            expect_answer(pair, kr, lsns[i]);
            assert_false(shows(us, &key[i]));
        }
        assert_true(pair_run(pair, 2000));
        struct gate_ledger before = ledger_of(kr, true);
        assert_int_equal(before.size, 4);
        for (unsigned i = 0; i < 2; i++) {
            struct site *site = &pair->site[i];
            site_close(site);
            site->index->ops->close(site->index);
            assert_int_equal(index_mem_new(&site->index), ERR_OK);
            site_open(pair, site);
            site_link(pair, site);
        }
        struct gate_ledger after = ledger_of(kr, true);
        assert_true(after.visible == 4 && after.receipted == 4 &&
                    hash_eq(&after.visible_root, &before.visible_root));
        expect_sound(pair);
        pair_free(pair);
    }
}

/* Whoever forgot a recall that it had signed is found out as if it had forgotten a release; the two go on
 * under the next epoch, which begins both ledgers. */
static void test_a_backup_is_found_out(void **state)
{
    (void)state;
    static const struct gate_by by = {{"kim", 3}, {"the disk died", 13}};
    struct pair *pair = pair_ready(5);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct disk *backup = disk_copy(kr->disk, 5);
    struct stix_key key = indicator(kr, 0, 0), later = indicator(kr, 0, 1);
    uint64_t size = ledger_of(kr, false).size;
    expect_answer(pair, kr, call_back(pair, kr, &key));
    assert_int_equal(ledger_of(kr, false).size, size); /* the main one says nothing of it */
    site_restore(pair, kr, backup);
    act_both(pair, 60);
    assert_true(gate_is_halted(us->gate, us->partner));
    struct sync_status status;
    sync_session_status(us->session, &status);
    assert_int_equal(status.state, SYNC_ALARM);
    power_fails(pair, us);
    act_both(pair, 20);
    sync_session_status(us->session, &status);
    assert_int_equal(status.state, SYNC_ALARM);
    assert_int_equal(gate_peer_epoch(kr->gate, kr->partner, 1, &by, pair->now_us), ERR_OK);
    assert_int_equal(gate_commit(kr->gate), ERR_OK);
    site_settle(pair, kr);
    assert_int_equal(gate_follow_epoch(us->gate, us->partner, 1, &by, pair->now_us), ERR_OK);
    assert_int_equal(gate_commit(us->gate), ERR_OK);
    assert_int_equal(sync_session_start(us->session, pair->now_us), ERR_OK);
    assert_true(pair_run(pair, 2000));
    act_both(pair, 20);
    assert_int_equal(ledger_of(kr, true).origin.epoch, 1);
    assert_int_equal(ledger_of(kr, true).size, 0);
    expect_answer(pair, kr, call_back(pair, kr, &later));
    assert_false(shows(us, &later));
    assert_int_equal(recalls_in(kr, true), 1);
    expect_sound(pair);
    pair_free(pair);
}

/* Nothing but recalls comes by it. */
static void test_other_leaves_are_refused(void **state)
{
    (void)state;
    struct pair *pair = pair_ready(6);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    for (int urgent = 0; urgent < 2; urgent++) {
        struct exchange_request request = {.id = 99,
                                           .method = EXCHANGE_GET,
                                           .path = STR(SYNC_PATH_FEED),
                                           .query = STR("epoch=0&from=0&max=1000&wait=0"),
                                           .secure = true,
                                           .has_peer_key = true};
        struct exchange_response response;
        struct sync_checked checked;
        struct fault fault = {.code = ERR_OK};
        struct note_key key;
        struct sync_tip tip = {.time_us = -1};
        bool commit;
        struct str origin = STR("bongsu/kr/us-cert/0");
        memcpy(request.peer_key, us->card.key[SYNC_CARD_TLS].b, EXCHANGE_KEY_SIZE);
        exchange_response_init(&response, 99, LIMIT_SYNC_PAGE_BYTES);
        sync_serve_handle(kr->serve, &request, pair->now_us, &response, &commit);
        assert_int_equal(response.status, 200);
        assert_int_equal(sync_card_ledger_key(&kr->card, origin, &key), ERR_OK);
        struct sync_followed followed = {.origin = origin, .key = &key, .urgent = urgent != 0};
        err_t err = sync_page_check(&followed, &tip, &response.body, &checked, &fault);
        assert_int_equal(err, urgent != 0 ? ERR_INVALID : ERR_OK);
        if (err == ERR_OK)
            sync_checked_deinit(&checked);
        else
            assert_non_null(strstr(fault.what, "no recall"));
        exchange_response_deinit(&response);
    }
    pair_free(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recall_overtakes),
        cmocka_unit_test(test_what_comes_after_its_recall_is_not_shown),
        cmocka_unit_test(test_after_a_long_night),
        cmocka_unit_test(test_an_older_node_is_told_in_the_main_ledger),
        cmocka_unit_test(test_power_failures),
        cmocka_unit_test(test_a_backup_is_found_out),
        cmocka_unit_test(test_other_leaves_are_refused),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
