/* Cards that travel and keys that change while two real gates follow each other: nothing is lost, nothing is
 * taken for equivocation, and what was stolen is a stranger's. */
#define _GNU_SOURCE
#include "sites.h"

#define DAY_US (86400 * SECOND_US)

/* --- cards of a site --- */

struct keys {
    struct sign_key at[SYNC_CARD_KEYS];
};

static struct keys keys_of(const struct site *site)
{
    struct keys keys;
    memcpy(keys.at, site->keys, sizeof keys.at);
    return keys;
}

static struct keys keys_new(const struct site *site, uint8_t number)
{
    struct keys keys = keys_of(site);
    for (uint8_t i = SYNC_CARD_TLS; i < SYNC_CARD_KEYS; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {number, i, 99};
        keys.at[i] = sign_key_from_seed(seed);
    }
    return keys;
}

static void card_write(const struct site *site, const struct keys *keys, uint64_t number, int64_t issued_us,
                       struct sync_card *out, struct buf *text)
{
    *out = site->card;
    out->number = number;
    out->issued_us = issued_us;
    out->expires_us = issued_us + 300 * DAY_US;
    for (size_t i = 0; i < SYNC_CARD_KEYS; i++)
        out->key[i] = keys->at[i].public;
    buf_deinit(text);
    buf_init(text, LIMIT_CARD_BYTES);
    assert_int_equal(sync_card_sign(out, &keys->at[SYNC_CARD_ROOT], text, NULL), ERR_OK);
}

/* From now on it shows its cards, and knows that it has a ledger key of its own. */
static void show(struct site *site)
{
    struct keys keys = keys_of(site);
    card_write(site, &keys, site->card.number, site->card.issued_us, &site->own.card, &site->own.card_text);
}

static void plan(struct site *site, const struct keys *keys, uint64_t number, int64_t issued_us)
{
    card_write(site, keys, number, issued_us, &site->own.next, &site->own.next_text);
    site->own.has_next = true;
}

/* As core does it when the time has come: the roles use the other keys from here on. */
static void begin_next(struct site *site, const struct keys *keys)
{
    unsigned ledgers[] = {gate_urgent(site->partner), site->partner};
    struct gate_ledger ledger;
    memcpy(site->keys, keys->at, sizeof site->keys);
    for (size_t i = 0; i < 2; i++)
        if (gate_ledger(site->gate, ledgers[i], &ledger) == ERR_OK)
            (void)gate_sign_anew(site->gate, ledgers[i], ledger.visible);
    site->card = site->own.card = site->own.next;
    buf_clear(&site->own.card_text);
    buf_put(&site->own.card_text, site->own.next_text.at, site->own.next_text.len);
    buf_clear(&site->own.next_text);
    site->own.has_next = false;
}

static void begin_now(struct site *site, const struct keys *keys, uint64_t number, int64_t now_us)
{
    plan(site, keys, number, now_us);
    begin_next(site, keys);
}

/* What core does after each turn. */
static void refresh(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct site *site = &pair->site[i];
        struct sync_cards cards;
        struct fault fault = {.code = ERR_OK};
        bool heard = sync_session_news(site->session), told = sync_serve_news(site->serve);
        assert_int_equal(gate_commit(site->gate), ERR_OK);
        if (!heard && !told)
            continue;
        sync_serve_refresh(site->serve);
        assert_int_equal(sync_cards_load(site->gate, site->partner, &cards, &fault), ERR_OK);
        sync_session_card(site->session, &cards.present, cards.has_next ? &cards.next : NULL);
    }
}

static bool run(struct pair *pair, unsigned steps)
{
    bool done = false;
    for (unsigned i = 0; i < steps && !done; i++) {
        done = pair_run(pair, 1);
        refresh(pair);
    }
    return done;
}

/* Also when both are in step already. */
static void run_on(struct pair *pair, unsigned steps)
{
    while (steps-- > 0) {
        (void)run(pair, 1);
        pair->now_us += SECOND_US / 20;
    }
}

static struct sync_cards cards_of(const struct site *site)
{
    struct sync_cards cards;
    struct fault fault = {.code = ERR_OK};
    assert_int_equal(sync_cards_load(site->gate, site->partner, &cards, &fault), ERR_OK);
    return cards;
}

static void restart(struct pair *pair, struct site *site)
{
    site_close(site);
    site_open(pair, site);
    site_link(pair, site);
}

static void add_more(struct pair *pair, struct site *site)
{
    site_add(pair, site,
             site == &pair->site[0] ? "samples/campaign/kr-sensor.json" : "samples/campaign/us-cert.json");
    site_settle(pair, site);
}

static struct pair *pair_begun(uint64_t seed)
{
    struct pair *pair = pair_new(seed);
    show(&pair->site[0]);
    show(&pair->site[1]);
    exchange(pair);
    assert_true(run(pair, 400));
    return pair;
}

static void pair_close(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        buf_deinit(&pair->site[i].own.card_text);
        buf_deinit(&pair->site[i].own.next_text);
    }
    pair_free(pair);
}

static void pair_end(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sync_status status;
        uint64_t bad = 1;
        sync_session_status(pair->site[i].session, &status);
        assert_int_not_equal(status.state, SYNC_ALARM);
        assert_int_equal(gate_check(pair->site[i].gate, NULL, NULL, &bad), ERR_OK);
        assert_int_equal(bad, 0);
    }
    pair_close(pair);
}

static struct gate_ledger urgent_of(const struct site *site)
{
    struct gate_ledger ledger;
    assert_int_equal(gate_ledger(site->gate, gate_urgent(site->partner), &ledger), ERR_OK);
    return ledger;
}

static uint64_t urgent_held(const struct site *site)
{
    struct gate_cursor cursor;
    assert_int_equal(gate_cursor(site->gate, gate_urgent(site->partner), &cursor), ERR_OK);
    uint64_t size = cursor.edge.size;
    buf_deinit(&cursor.note);
    return size;
}

/* --- somebody calls --- */

static unsigned ask(struct pair *pair, struct site *server, const struct sign_key *tls, const char *path,
                    struct bytes body, struct exchange_response *out)
{
    bool commit = false;
    struct exchange_request request = {.id = ++pair->ids,
                                       .method = EXCHANGE_POST,
                                       .path = str_of(path),
                                       .body = body,
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, tls->public.b, EXCHANGE_KEY_SIZE);
    exchange_response_init(out, request.id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(server->serve, &request, pair->now_us, out, &commit);
    if (commit)
        assert_int_equal(gate_commit(server->gate), ERR_OK);
    return out->status;
}

static unsigned hello_by(struct pair *pair, struct site *server, const struct sign_key *tls)
{
    struct exchange_response response;
    struct sync_hello hello = {
        .version_count = 1, .suite_count = 1, .versions = {1}, .suites = {1}, .root = merkle_empty()};
    struct buf body;
    buf_init(&body, 1024);
    sync_hello_write(&body, &hello);
    unsigned status = ask(pair, server, tls, SYNC_PATH_HELLO, buf_bytes(&body), &response);
    assert_true(status == 200 || (response.body.len == 0 && response.content_type == NULL));
    exchange_response_deinit(&response);
    buf_deinit(&body);
    return status;
}

static unsigned card_by(struct pair *pair, struct site *server, const struct sign_key *tls, struct str card)
{
    struct exchange_response response;
    struct sync_shown shown = {.count = 1, .cards = {card}};
    struct buf body;
    buf_init(&body, 2 * LIMIT_CARD_BYTES);
    sync_shown_write(&body, &shown);
    unsigned status = ask(pair, server, tls, SYNC_PATH_CARD, buf_bytes(&body), &response);
    assert_true(status == 200 || (response.body.len == 0 && response.content_type == NULL));
    exchange_response_deinit(&response);
    buf_deinit(&body);
    return status;
}

/* --- the tests --- */

static void a_renewed_card_travels_by_itself(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(1);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    assert_int_equal(sync_cards_told(kr->gate, kr->partner), 1);
    struct keys keys = keys_of(kr);
    begin_now(kr, &keys, 5, pair->now_us);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    assert_int_equal(cards_of(us).present.number, 5);
    assert_false(cards_of(us).has_next);
    assert_int_equal(sync_cards_told(kr->gate, kr->partner), 5);
    struct sync_status status;
    sync_session_status(us->session, &status);
    assert_int_equal(status.failures, 0);
    /* It outlives a restart, and the older one is no news. */
    restart(pair, us);
    assert_int_equal(cards_of(us).present.number, 5);
    pair_end(pair);
}

static void every_key_changes_on_the_day(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(2);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys old = keys_of(kr), fresh = keys_new(kr, 7);
    struct gate_ledger before, after;
    plan(kr, &fresh, 2, pair->now_us + 3 * DAY_US);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    struct sync_cards held = cards_of(us);
    assert_true(held.present.number == 1 && held.has_next && held.next.number == 2);
    assert_int_equal(sync_cards_told(kr->gate, kr->partner), 2);
    /* Not before its time, and the old keys until then. */
    assert_int_equal(hello_by(pair, us, &fresh.at[SYNC_CARD_TLS]), 404);
    assert_int_equal(hello_by(pair, us, &old.at[SYNC_CARD_TLS]), 200);
    pair->now_us += 3 * DAY_US + SECOND_US;
    assert_int_equal(hello_by(pair, us, &old.at[SYNC_CARD_TLS]), 200);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &before), ERR_OK);
    begin_next(kr, &fresh);
    restart(pair, us); /* it says hello: the checkpoint of now is signed once more */
    run_on(pair, 60);
    held = cards_of(us);
    assert_true(held.present.number == 2 && !held.has_next);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &after), ERR_OK);
    assert_true(before.size == after.size && hash_eq(&before.visible_root, &after.visible_root));
    assert_int_equal(hello_by(pair, us, &old.at[SYNC_CARD_TLS]), 404);
    add_more(pair, us);
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    assert_true(run(pair, 400));
    pair_end(pair);
}

/* Whoever is killed whenever: each step is made again. */
static void whoever_restarts_at_any_step(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 24; step++) {
        struct pair *pair = pair_new(100 + step);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        show(kr);
        show(us);
        struct keys fresh_kr = keys_new(kr, 7), fresh_us = keys_new(us, 8);
        plan(kr, &fresh_kr, 2, pair->now_us + SECOND_US);
        plan(us, &fresh_us, 2, pair->now_us + SECOND_US);
        exchange(pair);
        bool kr_new = false, us_new = false;
        for (unsigned i = 0; i < 60; i++) {
            if (i == step)
                restart(pair, step % 2 == 0 ? kr : us);
            if (!kr_new && (i == step + 2 || pair->now_us > NOW_US + 20 * SECOND_US)) {
                pair->now_us += 2 * SECOND_US;
                begin_next(kr, &fresh_kr);
                kr_new = true;
            }
            if (!us_new && i == step + 5) {
                begin_next(us, &fresh_us);
                us_new = true;
            }
            (void)run(pair, 1);
            if (i == step + 6)
                restart(pair, step % 3 == 0 ? kr : us);
        }
        assert_true(kr_new && us_new);
        assert_true(run(pair, 600));
        run_on(pair, 60);
        assert_int_equal(cards_of(us).present.number, 2);
        assert_int_equal(cards_of(kr).present.number, 2);
        pair_end(pair);
    }
}

/* Half of what is said is lost, while both change every key in the midst of a transfer. */
static void bad_weather_on_the_day(void **state)
{
    (void)state;
    for (uint64_t seed = 200; seed < 230; seed++) {
        struct pair *pair = pair_new(seed);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        show(kr);
        show(us);
        struct keys fresh_kr = keys_new(kr, 7), fresh_us = keys_new(us, 8);
        pair->lost = 300;
        exchange(pair);
        run_on(pair, (unsigned)(seed % 7));
        plan(kr, &fresh_kr, 2, pair->now_us + 3 * SECOND_US);
        plan(us, &fresh_us, 2, pair->now_us + 3 * SECOND_US);
        run_on(pair, (unsigned)(seed % 11));
        pair->now_us = pair->now_us < kr->own.next.issued_us ? kr->own.next.issued_us : pair->now_us;
        begin_next(kr, &fresh_kr);
        run_on(pair, (unsigned)(seed % 5));
        begin_next(us, &fresh_us);
        add_more(pair, kr);
        assert_true(run(pair, 4000));
        run_on(pair, 200);
        pair->lost = 0;
        run_on(pair, 200);
        assert_int_equal(cards_of(us).present.number, 2);
        assert_int_equal(cards_of(kr).present.number, 2);
        pair_end(pair);
    }
}

static void a_stolen_key_ends_when_the_card_is_there(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(3);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys stolen = keys_of(kr), planned = keys_new(kr, 7), fresh = keys_new(kr, 9);
    /* A change was planned already: the compromise overtakes it. */
    plan(kr, &planned, 2, pair->now_us + 3 * DAY_US);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    begin_now(kr, &fresh, 3, pair->now_us);
    assert_int_equal(hello_by(pair, us, &stolen.at[SYNC_CARD_TLS]), 200); /* it is not there yet */
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    assert_true(run(pair, 600)); /* shown under the new key, which was a stranger's */
    struct sync_cards held = cards_of(us);
    assert_true(held.present.number == 3 && !held.has_next);
    assert_int_equal(hello_by(pair, us, &stolen.at[SYNC_CARD_TLS]), 404);
    assert_int_equal(hello_by(pair, us, &planned.at[SYNC_CARD_TLS]), 404);
    pair->now_us += 4 * DAY_US;
    assert_int_equal(hello_by(pair, us, &planned.at[SYNC_CARD_TLS]), 404);
    /* The thief has cards of before: neither brings his key back. */
    assert_int_equal(card_by(pair, us, &stolen.at[SYNC_CARD_TLS], buf_str(&kr->card_text)), 404);
    assert_int_equal(cards_of(us).present.number, 3);
    pair_end(pair);
}

static void a_strangers_card_is_believed_by_its_root_and_its_key_alone(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(4);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh = keys_new(kr, 7), other = keys_new(kr, 8);
    struct buf text;
    struct sync_card card;
    buf_init(&text, LIMIT_CARD_BYTES);
    /* Another root key under the same name. */
    uint8_t seed[SIGN_SEED_SIZE] = {77};
    other.at[SYNC_CARD_ROOT] = sign_key_from_seed(seed);
    card_write(kr, &other, 9, pair->now_us, &card, &text);
    assert_int_equal(card_by(pair, us, &other.at[SYNC_CARD_TLS], buf_str(&text)), 404);
    /* Over the link of the true one it is not taken either. */
    assert_int_equal(card_by(pair, us, &kr->keys[SYNC_CARD_TLS], buf_str(&text)), 200);
    assert_int_equal(cards_of(us).present.number, 1);
    /* The true card, shown by somebody who has not its key. */
    card_write(kr, &fresh, 9, pair->now_us, &card, &text);
    assert_int_equal(card_by(pair, us, &other.at[SYNC_CARD_TLS], buf_str(&text)), 404);
    assert_int_equal(cards_of(us).present.number, 1);
    /* A changed byte. */
    text.at[40] ^= 1;
    assert_int_equal(card_by(pair, us, &fresh.at[SYNC_CARD_TLS], buf_str(&text)), 404);
    text.at[40] ^= 1;
    /* Another country: policies turn on it, so a person takes it. */
    struct sync_card abroad = card;
    memcpy(abroad.country, "XX", 3);
    buf_clear(&text);
    assert_int_equal(sync_card_sign(&abroad, &fresh.at[SYNC_CARD_ROOT], &text, NULL), ERR_OK);
    (void)card_by(pair, us, &fresh.at[SYNC_CARD_TLS], buf_str(&text));
    assert_int_equal(cards_of(us).present.number, 1);
    /* Paused, nobody is heard. */
    card_write(kr, &fresh, 9, pair->now_us, &card, &text);
    assert_int_equal(gate_peer_set(us->gate, us->partner, GATE_PEER_PAUSED, false, &by_test, pair->now_us),
                     ERR_OK);
    assert_int_equal(card_by(pair, us, &fresh.at[SYNC_CARD_TLS], buf_str(&text)), 404);
    assert_int_equal(gate_peer_set(us->gate, us->partner, GATE_PEER_STARTED, false, &by_test, pair->now_us),
                     ERR_OK);
    assert_int_equal(card_by(pair, us, &fresh.at[SYNC_CARD_TLS], buf_str(&text)), 200);
    assert_int_equal(cards_of(us).present.number, 9);
    buf_deinit(&text);
    pair_end(pair);
}

/* The card ran out while nobody looked: the renewed one opens the link by itself. */
static void a_card_that_ended_is_renewed_over_the_line(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(5);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    pair->now_us = kr->card.expires_us + SECOND_US;
    assert_int_equal(hello_by(pair, us, &kr->keys[SYNC_CARD_TLS]), 404);
    struct keys kr_keys = keys_of(kr), us_keys = keys_of(us);
    begin_now(kr, &kr_keys, 2, pair->now_us);
    begin_now(us, &us_keys, 2, pair->now_us);
    add_more(pair, kr);
    assert_int_equal(card_by(pair, us, &kr->keys[SYNC_CARD_TLS], buf_str(&kr->own.card_text)), 200);
    assert_int_equal(card_by(pair, kr, &us->keys[SYNC_CARD_TLS], buf_str(&us->own.card_text)), 200);
    refresh(pair);
    assert_true(run(pair, 600));
    assert_int_equal(cards_of(us).present.number, 2);
    pair_end(pair);
}

/* A follower that begins anew after the change gets everything under the new key. */
static void what_was_signed_before_is_signed_again_for_who_is_behind(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(6);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    for (unsigned i = 0; i < 2; i++) {
        site_add(pair, kr, i == 0 ? "samples/campaign/kr-sensor.json" : "samples/campaign/kr-update.json");
        site_settle(pair, kr);
        assert_true(run(pair, 400)); /* a checkpoint each */
    }
    for (unsigned i = 0; i < 2; i++) {
        struct stix_key key = indicator(kr, 0, i);
        (void)call_back(pair, kr, &key);
        run_on(pair, 40);
    }
    struct keys fresh = keys_new(kr, 7);
    begin_now(kr, &fresh, 2, pair->now_us);
    assert_int_equal(card_by(pair, us, &fresh.at[SYNC_CARD_TLS], buf_str(&kr->own.card_text)), 200);
    /* The other one lost everything: it follows from the first leaf. */
    site_close(us);
    us->index->ops->close(us->index);
    disk_free(us->disk);
    us->disk = disk_new(4711);
    assert_int_equal(index_mem_new(&us->index), ERR_OK);
    site_open(pair, us);
    kr->card_text.len = 0;
    buf_put(&kr->card_text, kr->own.card_text.at, kr->own.card_text.len);
    site_join(pair, us);
    struct sync_status status;
    struct gate_ledger ledger;
    run_on(pair, 200);
    sync_session_status(us->session, &status);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    assert_int_equal(status.held, ledger.size);
    assert_true(ledger.size > 10 && hash_eq(&status.root, &ledger.visible_root));
    assert_int_equal(status.trouble.err, ERR_OK);
    assert_true(urgent_of(kr).size == 2 && urgent_held(us) == 2);
    assert_int_equal(status.failures, 0); /* it was kept waiting for a signature, not turned away */
    pair_close(pair);                     /* that the other one was set back is an alarm here */
}

static unsigned feed_by(struct pair *pair, struct site *server, const struct sign_key *tls, unsigned wait_s,
                        struct exchange_response *out)
{
    bool commit = false;
    struct buf query;
    struct sync_feed feed = {0, 0, 1, wait_s, false};
    buf_init(&query, 256);
    sync_feed_write(&query, &feed);
    struct exchange_request request = {.id = ++pair->ids,
                                       .method = EXCHANGE_GET,
                                       .path = STR(SYNC_PATH_FEED),
                                       .query = buf_str(&query),
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, tls->public.b, EXCHANGE_KEY_SIZE);
    exchange_response_init(out, request.id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(server->serve, &request, pair->now_us, out, &commit);
    buf_deinit(&query);
    return out->status;
}

/* A page that ends where a checkpoint of before stands: it waits for the key of now, and ends there all the
 * same.
 */
static void a_page_of_before_comes_under_the_key_of_now(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(9);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct exchange_response response;
    struct sync_page before, page;
    struct checkpoint checkpoint;
    struct note_key key;
    struct buf kept;
    add_more(pair, kr);
    assert_true(run(pair, 400)); /* a second checkpoint: the first is in the midst */
    assert_int_equal(feed_by(pair, kr, &us->keys[SYNC_CARD_TLS], 0, &response), 200);
    buf_init(&kept, LIMIT_SYNC_PAGE_BYTES);
    buf_put(&kept, response.body.at, response.body.len);
    exchange_response_deinit(&response);
    assert_int_equal(sync_page_read(buf_bytes(&kept), &before, NULL), ERR_OK);
    struct keys fresh = keys_new(kr, 7);
    begin_now(kr, &fresh, 2, pair->now_us);
    run_on(pair, 40);
    struct gate_ledger ledger, after;
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    assert_true(before.count > 0 && before.count < ledger.visible);
    /* Who does not wait is told to come again; who waits gets it as soon as it is signed. */
    assert_int_equal(feed_by(pair, kr, &us->keys[SYNC_CARD_TLS], 0, &response), 503);
    exchange_response_deinit(&response);
    assert_int_equal(feed_by(pair, kr, &us->keys[SYNC_CARD_TLS], 30, &response), 0);
    exchange_response_deinit(&response);
    assert_false(sync_serve_next(kr->serve, pair->now_us, &response));
    site_sign(pair, kr);
    assert_true(sync_serve_next(kr->serve, pair->now_us, &response));
    assert_int_equal(response.status, 200);
    assert_int_equal(sync_page_read(buf_bytes(&response.body), &page, NULL), ERR_OK);
    assert_int_equal(page.count, before.count);
    struct str origin = STR("bongsu/kr/us-cert/0");
    assert_int_equal(sync_card_ledger_key(&kr->card, origin, &key), ERR_OK);
    assert_int_equal(checkpoint_open(page.checkpoint, origin, &key, &checkpoint, NULL, NULL), ERR_OK);
    assert_int_equal(checkpoint_open(before.checkpoint, origin, &key, &checkpoint, NULL, NULL), ERR_NOTFOUND);
    assert_int_equal(checkpoint.size, before.count);
    exchange_response_deinit(&response);
    /* The end is where it was, also for who opens the store again. */
    restart(pair, kr);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &after), ERR_OK);
    assert_true(after.visible == ledger.visible && hash_eq(&after.visible_root, &ledger.visible_root));
    assert_int_equal(feed_by(pair, kr, &us->keys[SYNC_CARD_TLS], 0, &response), 200);
    exchange_response_deinit(&response);
    buf_deinit(&kept);
    pair_end(pair);
}

/* Only the follower's side has a link: the ledger key alone tells that the time has come. */
static void a_follower_turns_by_a_signature_alone(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(10);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh = keys_new(kr, 7);
    plan(kr, &fresh, 2, pair->now_us + 3 * DAY_US);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    assert_int_equal(cards_of(us).next.number, 2);
    pair->now_us += 3 * DAY_US;
    begin_next(kr, &fresh);
    sync_session_stop(kr->session); /* kr calls nobody from now on */
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    run_on(pair, 100);
    assert_int_equal(cards_of(us).present.number, 2);
    struct sync_status status;
    struct gate_ledger ledger;
    sync_session_status(us->session, &status);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    assert_int_equal(status.held, ledger.size);
    pair_end(pair);
}

/* Both change every key while the line is down: neither knows a key of the other's. */
static void both_change_while_nobody_hears(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(11);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh_kr = keys_new(kr, 7), fresh_us = keys_new(us, 8);
    begin_now(kr, &fresh_kr, 2, pair->now_us);
    begin_now(us, &fresh_us, 2, pair->now_us);
    restart(pair, kr);
    restart(pair, us);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    run_on(pair, 100);
    assert_int_equal(cards_of(us).present.number, 2);
    assert_int_equal(cards_of(kr).present.number, 2);
    assert_int_equal(sync_cards_told(kr->gate, kr->partner), 2);
    assert_int_equal(sync_cards_told(us->gate, us->partner), 2);
    pair_end(pair);
}

/* Who is only called cannot show its card by itself: whoever calls finds another key, and asks. */
static void who_is_only_called_is_asked(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(12);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh = keys_new(kr, 7);
    sync_session_stop(kr->session);
    begin_now(kr, &fresh, 2, pair->now_us);
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    run_on(pair, 100);
    assert_int_equal(cards_of(us).present.number, 2);
    struct sync_status status;
    struct gate_ledger ledger;
    sync_session_status(us->session, &status);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    assert_int_equal(status.held, ledger.size);
    pair_end(pair);
}

/* An older program answers the path neutrally, and is followed all the same. */
static void who_knows_nothing_of_cards_is_followed(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(7);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    sync_serve_own(kr->serve, NULL);
    restart(pair, us);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    struct sync_status status;
    sync_session_status(us->session, &status);
    assert_int_equal(status.failures, 0);
    pair_end(pair);
}

/* A root key can sign more cards than a log should keep. */
static void too_many_cards_in_an_hour_are_not_taken(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(8);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys keys = keys_of(kr);
    struct sync_card card;
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    for (unsigned i = 0; i < 2 * LIMIT_CARDS_HOUR; i++) {
        card_write(kr, &keys, 10 + i, pair->now_us, &card, &text);
        assert_int_equal(card_by(pair, us, &kr->keys[SYNC_CARD_TLS], buf_str(&text)), 200);
    }
    assert_int_equal(cards_of(us).present.number, 10 + LIMIT_CARDS_HOUR - 1);
    pair->now_us += 3601 * SECOND_US;
    assert_int_equal(card_by(pair, us, &kr->keys[SYNC_CARD_TLS], buf_str(&text)), 200);
    assert_int_equal(cards_of(us).present.number, 10 + 2 * LIMIT_CARDS_HOUR - 1);
    /* What he says to hold of ours is kept only as far as there is such a card. */
    assert_int_equal(sync_cards_told(us->gate, us->partner), 1);
    buf_deinit(&text);
    pair_end(pair);
}

/* --- with the urgent ledger --- */

static struct keys keys_changed(const struct site *site, const enum sync_card_key *which, size_t count)
{
    struct keys keys = keys_of(site), fresh = keys_new(site, 7);
    for (size_t i = 0; i < count; i++)
        keys.at[which[i]] = fresh.at[which[i]];
    return keys;
}

static void expect_answered(struct pair *pair, struct site *site, uint64_t lsn)
{
    for (unsigned i = 0; i < 60 && holder_of(site, lsn).answered_us == 0; i++) {
        carry_out(pair, site->other);
        run_on(pair, 20);
    }
    assert_true(holder_of(site, lsn).answered_us != 0);
    assert_true(gate_ledger_is_urgent(holder_of(site, lsn).ledger));
}

/* The ledger key alone changes, and a recall is the first that is signed by it. */
static void a_recall_is_the_first_word_under_the_next_key(void **state)
{
    (void)state;
    static const enum sync_card_key which[] = {SYNC_CARD_LEDGER};
    struct pair *pair = pair_begun(7);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key first = indicator(kr, 0, 0), second = indicator(kr, 0, 1);
    struct sync_status before, status;
    struct gate_ledger ledger;
    expect_answered(pair, kr, call_back(pair, kr, &first));
    struct keys fresh = keys_changed(kr, which, 1);
    plan(kr, &fresh, 2, pair->now_us + DAY_US);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    pair->now_us += DAY_US + SECOND_US;
    run_on(pair, 40); /* polls that waited for a day are asked again */
    sync_session_status(us->session, &before);
    begin_next(kr, &fresh);
    run_on(pair, 20);
    assert_int_equal(cards_of(us).present.number, 1); /* nothing came that says it */
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    uint64_t lsn = call_back(pair, kr, &second), size = ledger.size;
    for (unsigned i = 0; i < 100 && cards_of(us).present.number == 1; i++)
        (void)run(pair, 1);
    assert_true(cards_of(us).present.number == 2 && !cards_of(us).has_next);
    assert_int_equal(gate_ledger(kr->gate, kr->partner, &ledger), ERR_OK);
    assert_int_equal(ledger.size, size); /* the main one said nothing since */
    expect_answered(pair, kr, lsn);
    /* The main one goes on under the key that the urgent one showed. */
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    assert_true(run(pair, 400));
    sync_session_status(us->session, &status);
    assert_int_equal(status.failures, before.failures);
    assert_int_equal(status.trouble.err, ERR_OK);
    pair_end(pair);
}

/* The main one saw the next key first: a recall under it is believed at once, not after a refusal. */
static void the_urgent_one_follows_the_switch(void **state)
{
    (void)state;
    static const enum sync_card_key which[] = {SYNC_CARD_LEDGER};
    struct pair *pair = pair_begun(14);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key first = indicator(kr, 0, 0), second = indicator(kr, 0, 1);
    struct sync_status status;
    expect_answered(pair, kr, call_back(pair, kr, &first));
    struct keys fresh = keys_changed(kr, which, 1);
    plan(kr, &fresh, 2, pair->now_us + SECOND_US);
    add_more(pair, kr);
    assert_true(run(pair, 400));
    pair->now_us += 2 * SECOND_US;
    begin_next(kr, &fresh);
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    assert_true(run(pair, 400));
    assert_int_equal(cards_of(us).present.number, 2);
    uint64_t lsn = call_back(pair, kr, &second);
    for (unsigned i = 0; i < 100 && urgent_of(kr).receipted < 2; i++) {
        (void)run(pair, 1);
        sync_session_status(us->session, &status);
        assert_int_equal(status.trouble.err, ERR_OK);
    }
    expect_answered(pair, kr, lsn);
    pair_end(pair);
}

/* Who restarts at the switch signs the end of the urgent ledger once more when it is asked for. */
static void the_urgent_end_is_signed_again_when_it_is_asked_for(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(15);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct stix_key key = indicator(kr, 0, 0);
    struct sync_status status;
    expect_answered(pair, kr, call_back(pair, kr, &key));
    struct keys fresh = keys_new(kr, 7);
    begin_now(kr, &fresh, 2, pair->now_us);
    restart(pair, kr); /* forgets that it is to be signed */
    restart(pair, us);
    run_on(pair, 20);
    assert_int_equal(cards_of(us).present.number, 2);
    sync_session_status(us->session, &status);
    for (unsigned i = 0; i < 100 && status.trouble.err != ERR_OK; i++) { /* until both were answered a poll */
        run_on(pair, 20);
        sync_session_status(us->session, &status);
    }
    assert_int_equal(status.trouble.err, ERR_OK);
    assert_int_equal(urgent_of(kr).receipted, 1);
    pair_end(pair);
}

/* The key for answers alone changes: no receipt shows the next card first. */
static void an_answer_under_the_next_key_is_believed(void **state)
{
    (void)state;
    static const enum sync_card_key which[] = {SYNC_CARD_RECALL};
    struct pair *pair = pair_begun(16);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh = keys_changed(us, which, 1);
    struct stix_key key = indicator(kr, 0, 0);
    plan(us, &fresh, 2, pair->now_us + SECOND_US);
    add_more(pair, us);
    assert_true(run(pair, 400));
    pair->now_us += 2 * SECOND_US;
    begin_next(us, &fresh);
    expect_answered(pair, kr, call_back(pair, kr, &key));
    pair_end(pair);
}

/* What is signed over the urgent ledger shows the next card as well, and its answers are believed. */
static void receipts_and_answers_of_recalls_come_under_the_next_keys(void **state)
{
    (void)state;
    static const enum sync_card_key which[] = {SYNC_CARD_COSIGN, SYNC_CARD_DISPOSITION, SYNC_CARD_RECALL};
    struct pair *pair = pair_begun(8);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys old = keys_of(us), fresh = keys_changed(us, which, 3);
    struct sync_card old_card = us->card, fresh_card;
    struct stix_key key = indicator(kr, 0, 0), other = indicator(kr, 0, 1);
    plan(us, &fresh, 2, pair->now_us + DAY_US);
    add_more(pair, us);
    assert_true(run(pair, 400));
    pair->now_us += DAY_US + SECOND_US;
    run_on(pair, 40);
    /* It answers by the keys of before, which are as good until the others were seen. */
    expect_answered(pair, kr, call_back(pair, kr, &key));
    assert_true(cards_of(kr).present.number == 1 && cards_of(kr).has_next);
    begin_next(us, &fresh);
    expect_answered(pair, kr, call_back(pair, kr, &other));
    assert_true(cards_of(kr).present.number == 2 && !cards_of(kr).has_next);
    assert_int_equal(urgent_of(kr).receipted, urgent_of(kr).size);
    /* From then on those of before are a stranger's. */
    uint64_t refused = sync_serve_status(kr->serve, kr->partner).receipts_refused;
    fresh_card = us->card;
    us->card = old_card;
    memcpy(us->keys, old.at, sizeof us->keys);
    site_add(pair, kr, "samples/campaign/kr-update.json");
    site_settle(pair, kr);
    run_on(pair, 40);
    assert_true(sync_serve_status(kr->serve, kr->partner).receipts_refused > refused);
    us->card = fresh_card;
    memcpy(us->keys, fresh.at, sizeof us->keys);
    run_on(pair, 400);
    assert_true(run(pair, 400));
    pair_end(pair);
}

/* The poll for the main ledger still waits on the connection of before: the urgent one is the first to call.
 */
static void the_urgent_one_finds_another_tls_key(void **state)
{
    (void)state;
    static const enum sync_card_key which[] = {SYNC_CARD_TLS};
    struct pair *pair = pair_begun(13);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct keys fresh = keys_changed(kr, which, 1);
    struct stix_key key = indicator(kr, 0, 0);
    run_on(pair, 20);
    sync_session_stop(kr->session);
    int64_t began_us = pair->now_us;
    begin_now(kr, &fresh, 2, began_us);
    uint64_t lsn = call_back(pair, kr, &key);
    for (unsigned i = 0; i < 200 && cards_of(us).present.number == 1; i++)
        (void)run(pair, 1);
    assert_int_equal(cards_of(us).present.number, 2);
    assert_true(pair->now_us - began_us < 5 * SECOND_US);
    expect_answered(pair, kr, lsn);
    pair_end(pair);
}

/* All keys of both change while recalls are under way, and whoever is killed whenever. */
static void recalls_arrive_while_every_key_changes(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 16; step++) {
        struct pair *pair = pair_begun(200 + step);
        struct site *kr = &pair->site[0], *us = &pair->site[1];
        struct keys fresh_kr = keys_new(kr, 7), fresh_us = keys_new(us, 8);
        struct stix_key first = indicator(kr, 0, 0), second = indicator(kr, 0, 1);
        plan(kr, &fresh_kr, 2, pair->now_us + SECOND_US);
        plan(us, &fresh_us, 2, pair->now_us + SECOND_US);
        uint64_t lsns[] = {call_back(pair, kr, &first), 0};
        for (unsigned i = 0; i < 40; i++) {
            if (i == step)
                restart(pair, step % 2 == 0 ? kr : us);
            if (i == step + 2) {
                pair->now_us = pair->now_us > NOW_US + 2 * SECOND_US ? pair->now_us : NOW_US + 3 * SECOND_US;
                begin_next(kr, &fresh_kr);
            }
            if (i == step + 3)
                lsns[1] = call_back(pair, kr, &second);
            if (i == step + 5)
                begin_next(us, &fresh_us);
            if (i == step + 6)
                restart(pair, step % 3 == 0 ? kr : us);
            (void)run(pair, 1);
        }
        for (size_t i = 0; i < 2; i++)
            expect_answered(pair, kr, lsns[i]);
        assert_true(run(pair, 600));
        run_on(pair, 60);
        assert_int_equal(cards_of(us).present.number, 2);
        assert_int_equal(cards_of(kr).present.number, 2);
        assert_int_equal(urgent_of(kr).receipted, 2);
        pair_end(pair);
    }
}

/* Cards are shown beside the main ledger alone. */
static void no_card_is_taken_beside_the_urgent_ledger(void **state)
{
    (void)state;
    struct pair *pair = pair_begun(9);
    struct site *kr = &pair->site[0], *us = &pair->site[1];
    struct exchange_response response;
    struct sync_shown shown = {.count = 1};
    struct sync_card card;
    struct buf body, text;
    struct keys keys = keys_of(kr);
    buf_init(&text, LIMIT_CARD_BYTES);
    buf_init(&body, 2 * LIMIT_CARD_BYTES);
    card_write(kr, &keys, 9, pair->now_us, &card, &text);
    shown.cards[0] = buf_str(&text);
    sync_shown_write(&body, &shown);
    assert_int_equal(
        ask(pair, us, &keys.at[SYNC_CARD_TLS], SYNC_PATH_URGENT "card", buf_bytes(&body), &response), 404);
    assert_int_equal(cards_of(us).present.number, 1);
    exchange_response_deinit(&response);
    buf_deinit(&text);
    buf_deinit(&body);
    pair_end(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renewed_card_travels_by_itself),
        cmocka_unit_test(every_key_changes_on_the_day),
        cmocka_unit_test(whoever_restarts_at_any_step),
        cmocka_unit_test(bad_weather_on_the_day),
        cmocka_unit_test(a_stolen_key_ends_when_the_card_is_there),
        cmocka_unit_test(a_strangers_card_is_believed_by_its_root_and_its_key_alone),
        cmocka_unit_test(a_card_that_ended_is_renewed_over_the_line),
        cmocka_unit_test(what_was_signed_before_is_signed_again_for_who_is_behind),
        cmocka_unit_test(a_page_of_before_comes_under_the_key_of_now),
        cmocka_unit_test(a_follower_turns_by_a_signature_alone),
        cmocka_unit_test(both_change_while_nobody_hears),
        cmocka_unit_test(who_is_only_called_is_asked),
        cmocka_unit_test(who_knows_nothing_of_cards_is_followed),
        cmocka_unit_test(too_many_cards_in_an_hour_are_not_taken),
        cmocka_unit_test(a_recall_is_the_first_word_under_the_next_key),
        cmocka_unit_test(receipts_and_answers_of_recalls_come_under_the_next_keys),
        cmocka_unit_test(the_urgent_one_follows_the_switch),
        cmocka_unit_test(the_urgent_end_is_signed_again_when_it_is_asked_for),
        cmocka_unit_test(an_answer_under_the_next_key_is_believed),
        cmocka_unit_test(the_urgent_one_finds_another_tls_key),
        cmocka_unit_test(recalls_arrive_while_every_key_changes),
        cmocka_unit_test(no_card_is_taken_beside_the_urgent_ledger),
    };
    if (sign_start() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
