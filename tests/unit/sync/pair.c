#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync/wire.h"

enum { MESSAGES = 256 };

#define COMING_US INT64_C(30000000)

struct message {
    bool used, answer, coming, broken;
    int64_t at_us;
    uint64_t client_id, server_id;
    enum exchange_method method;
    char path[64], query[256];
    unsigned status;
    struct buf body;
};

struct pair {
    uint64_t random;
    struct pair_weather weather;
    int64_t now_us;
    struct fake_keys keys_issuer, keys_follower;
    struct gate *issuer, *follower;
    struct sync_serve *serve;
    struct sync_session *session;
    struct message messages[MESSAGES];
    uint64_t server_ids;
    struct {
        uint64_t server_id, client_id;
        char path[64];
    } kept[MESSAGES];
    void (*meddle)(void *ctx, const char *path, struct buf *body);
    void *meddle_ctx;
    unsigned hellos, feeds, receipts;
};

static uint64_t next_random(struct pair *pair, uint64_t below)
{
    uint64_t z = pair->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % below;
}

static bool chance(struct pair *pair, unsigned permille)
{
    return next_random(pair, 1000) < permille;
}

/* --- life --- */

static void session_start(struct pair *pair)
{
    struct sync_session_setup setup = {.gate = pair->follower,
                                       .partner = 0,
                                       .card = &pair->keys_issuer.card,
                                       .node = STR("us"),
                                       .seed = next_random(pair, UINT64_MAX)};
    assert_int_equal(sync_session_new(&setup, &pair->session), ERR_OK);
    assert_int_equal(sync_session_start(pair->session, pair->now_us), ERR_OK);
}

struct pair *pair_new(uint64_t seed, const struct pair_weather *weather)
{
    struct pair *pair = calloc(1, sizeof *pair);
    assert_non_null(pair);
    pair->random = seed;
    pair->now_us = PAIR_START_US;
    pair->weather = weather != NULL ? *weather : (struct pair_weather) {.delay_us = 1000};
    fake_keys_make(&pair->keys_issuer, "kr", 1, PAIR_START_US);
    fake_keys_make(&pair->keys_follower, "us", 2, PAIR_START_US);
    struct fake_gate_setup issuer = {"kr", "us-cisa", &pair->keys_issuer.ledger,
                                     &pair->keys_follower.card_text};
    struct fake_gate_setup follower = {"us", "kr-ncsc", &pair->keys_follower.ledger,
                                       &pair->keys_issuer.card_text};
    pair->issuer = fake_gate_new(&issuer);
    pair->follower = fake_gate_new(&follower);
    assert_int_equal(sync_serve_new(pair->issuer, NULL, &pair->serve), ERR_OK);
    session_start(pair);
    return pair;
}

static void messages_drop(struct pair *pair)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        buf_deinit(&pair->messages[i].body);
        pair->messages[i].used = false;
    }
}

void pair_free(struct pair *pair)
{
    messages_drop(pair);
    sync_session_free(pair->session);
    sync_serve_free(pair->serve);
    fake_gate_free(pair->issuer);
    fake_gate_free(pair->follower);
    fake_keys_deinit(&pair->keys_issuer);
    fake_keys_deinit(&pair->keys_follower);
    free(pair);
}

void pair_restart_follower(struct pair *pair)
{
    messages_drop(pair);
    sync_session_free(pair->session);
    fake_crash(pair->follower);
    session_start(pair);
}

void pair_restart_issuer(struct pair *pair)
{
    messages_drop(pair);
    sync_serve_free(pair->serve);
    fake_crash(pair->issuer);
    assert_int_equal(sync_serve_new(pair->issuer, NULL, &pair->serve), ERR_OK);
}

struct gate *pair_issuer(struct pair *pair)
{
    return pair->issuer;
}

struct gate *pair_follower(struct pair *pair)
{
    return pair->follower;
}

struct sync_session *pair_session(struct pair *pair)
{
    return pair->session;
}

struct sync_serve *pair_serve(struct pair *pair)
{
    return pair->serve;
}

const struct fake_keys *pair_keys(struct pair *pair, bool issuer)
{
    return issuer ? &pair->keys_issuer : &pair->keys_follower;
}

int64_t pair_now(const struct pair *pair)
{
    return pair->now_us;
}

void pair_meddle(struct pair *pair, void (*meddle)(void *ctx, const char *path, struct buf *body), void *ctx)
{
    pair->meddle = meddle;
    pair->meddle_ctx = ctx;
}

unsigned pair_requests(const struct pair *pair, const char *path)
{
    return strcmp(path, SYNC_PATH_HELLO) == 0  ? pair->hellos
           : strcmp(path, SYNC_PATH_FEED) == 0 ? pair->feeds
                                               : pair->receipts;
}

struct sync_status pair_status(struct pair *pair)
{
    struct sync_status status;
    sync_session_status(pair->session, &status);
    return status;
}

/* --- objects --- */

void pair_object(uint64_t seq, struct buf *out)
{
    buf_init(out, LIMIT_OBJECT_BYTES);
    if (seq % 7 == 6)
        return; /* without content */
    buf_printf(out, "{\"type\":\"indicator\",\"n\":%llu,\"%s\":\"%*d\"}", (unsigned long long)seq,
               seq % 50 == 49 ? "bad" : "good", (int)(seq % 900) + 1, 1);
}

void pair_release(struct pair *pair, unsigned count, unsigned every)
{
    for (unsigned i = 0; i < count; i++) {
        struct buf object;
        pair_object(fake_released(pair->issuer), &object);
        fake_release(pair->issuer, buf_str(&object), pair->now_us);
        buf_deinit(&object);
        if ((i + 1) % every == 0)
            fake_checkpoint(pair->issuer);
    }
    fake_checkpoint(pair->issuer);
}

bool pair_in_step(struct pair *pair)
{
    uint64_t all = fake_released(pair->issuer);
    return fake_held(pair->follower) == all && fake_receipt(pair->issuer).size == all &&
           pair_status(pair).acknowledged == all;
}

void pair_assert_equal(struct pair *pair)
{
    uint64_t all = fake_released(pair->issuer), refused = 0;
    struct sync_status status = pair_status(pair);
    struct hash root = fake_root(pair->issuer, all);
    assert_int_equal(status.held, all);
    assert_memory_equal(status.root.b, root.b, HASH_SIZE);
    assert_int_equal(fake_held(pair->follower), all);
    assert_int_equal(fake_taken_twice(pair->follower), 0);
    for (uint64_t seq = 0; seq < all; seq++) {
        struct buf object;
        pair_object(seq, &object);
        assert_true(fake_holds(pair->follower, seq, buf_str(&object)));
        assert_int_equal(fake_hops(pair->follower, seq), object.len > 0 ? 3 : 0);
        refused += object.len > 0 && seq % 50 == 49;
        buf_deinit(&object);
    }
    assert_int_equal(status.refused, refused);
    assert_int_equal(fake_receipt(pair->issuer).refused, refused);
}

/* --- network --- */

static struct message *slot_free(struct pair *pair)
{
    for (size_t i = 0; i < MESSAGES; i++)
        if (!pair->messages[i].used)
            return &pair->messages[i];
    fail_msg("the network is full");
    return NULL;
}

static void notice(struct pair *pair, uint64_t client_id, int64_t at_us, bool broken)
{
    struct message *message = slot_free(pair);
    *message = (struct message) {
        .used = true, .coming = !broken, .broken = broken, .client_id = client_id, .at_us = at_us};
}

/* When the last byte is there; meanwhile the follower's side hears that some are. 0: it breaks off. */
static int64_t trickle(struct pair *pair, const struct message *answer, size_t bytes)
{
    int64_t takes_us = (int64_t)bytes * 1000000 / pair->weather.bytes_s, from_us = pair->now_us;
    int64_t most_us = pair->weather.breaks_us;
    bool breaks = most_us > 0 && takes_us > most_us;
    int64_t until_us = breaks ? most_us : takes_us;
    for (int64_t at_us = COMING_US; at_us < until_us; at_us += COMING_US)
        notice(pair, answer->client_id, from_us + at_us, false);
    if (breaks)
        notice(pair, answer->client_id, from_us + most_us, true);
    return breaks ? 0 : from_us + takes_us;
}

static void post(struct pair *pair, const struct message *what, struct bytes body)
{
    if (chance(pair, pair->weather.lost))
        return;
    unsigned copies = chance(pair, pair->weather.repeated) ? 2 : 1;
    for (size_t i = 0; i < MESSAGES && copies > 0; i++) {
        struct message *message = &pair->messages[i];
        if (message->used)
            continue;
        *message = *what;
        message->used = true;
        message->at_us = (what->at_us > 0 ? what->at_us : pair->now_us) + pair->weather.delay_us;
        if (pair->weather.jitter_us > 0)
            message->at_us += (int64_t)next_random(pair, (uint64_t)pair->weather.jitter_us);
        buf_init(&message->body, LIMIT_SYNC_PAGE_BYTES);
        buf_put(&message->body, body.at, body.len);
        copies--;
    }
    assert_int_equal(copies, 0);
}

static void answer_post(struct pair *pair, struct exchange_response *response, uint64_t client_id,
                        const char *path)
{
    struct message message = {.answer = true, .client_id = client_id, .status = response->status};
    memcpy(message.path, path, strlen(path) + 1);
    if (pair->meddle != NULL)
        pair->meddle(pair->meddle_ctx, path, &response->body);
    if (pair->weather.bytes_s > 0 && (message.at_us = trickle(pair, &message, response->body.len)) == 0)
        return;
    post(pair, &message, buf_bytes(&response->body));
}

static void request_arrives(struct pair *pair, const struct message *message)
{
    struct exchange_response response;
    bool commit;
    struct exchange_request request = {.id = ++pair->server_ids,
                                       .method = message->method,
                                       .path = str_of(message->path),
                                       .query = str_of(message->query),
                                       .body = buf_bytes(&message->body),
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, pair->keys_follower.tls.public.b, EXCHANGE_KEY_SIZE);
    exchange_response_init(&response, request.id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(pair->serve, &request, pair->now_us, &response, &commit);
    if (commit)
        assert_int_equal(gate_commit(pair->issuer), ERR_OK);
    if (response.status == 0) {
        size_t slot = request.id % MESSAGES;
        pair->kept[slot].server_id = request.id;
        pair->kept[slot].client_id = message->client_id;
        memcpy(pair->kept[slot].path, message->path, sizeof message->path);
    } else {
        answer_post(pair, &response, message->client_id, message->path);
    }
    exchange_response_deinit(&response);
}

static void late_answers(struct pair *pair)
{
    struct exchange_response response;
    while (sync_serve_next(pair->serve, pair->now_us, &response)) {
        size_t slot = response.id % MESSAGES;
        assert_int_equal(pair->kept[slot].server_id, response.id);
        answer_post(pair, &response, pair->kept[slot].client_id, pair->kept[slot].path);
        exchange_response_deinit(&response);
    }
}

static void deliver(struct pair *pair)
{
    for (size_t i = 0; i < MESSAGES; i++) {
        struct message message = pair->messages[i];
        if (!message.used || message.at_us > pair->now_us)
            continue;
        pair->messages[i] = (struct message) {.used = false};
        if (message.coming)
            sync_session_coming(pair->session, message.client_id, pair->now_us);
        else if (message.broken)
            sync_session_failed(pair->session, message.client_id, ERR_CLOSED, pair->now_us);
        else if (message.answer)
            sync_session_answer(pair->session, message.client_id, message.status, &message.body,
                                pair->now_us);
        else
            request_arrives(pair, &message);
        buf_deinit(&message.body);
    }
}

/* --- the follower's actions --- */

static void send_out(struct pair *pair, const struct sync_send *send)
{
    struct message message = {.client_id = send->id, .method = send->method};
    memcpy(message.path, send->path.at, send->path.len);
    if (send->query.len > 0)
        memcpy(message.query, send->query.at, send->query.len);
    pair->hellos += strcmp(message.path, SYNC_PATH_HELLO) == 0;
    pair->feeds += strcmp(message.path, SYNC_PATH_FEED) == 0;
    pair->receipts += strcmp(message.path, SYNC_PATH_RECEIPT) == 0;
    post(pair, &message, send->body);
}

static void sign(struct pair *pair, const struct sync_sign *sign)
{
    if (chance(pair, pair->weather.sign_lost)) {
        sync_session_signed(pair->session, ERR_CLOSED, sign->wanted.size, STR(""), STR(""), pair->now_us);
        return;
    }
    const struct fake_keys *keys = &pair->keys_follower;
    struct note_key cosign, disposition;
    struct buf line, note;
    buf_init(&line, LIMIT_NOTE_BYTES);
    buf_init(&note, LIMIT_NOTE_BYTES);
    sync_card_receipt_key(&keys->card, SYNC_CARD_COSIGN, &cosign);
    sync_card_receipt_key(&keys->card, SYNC_CARD_DISPOSITION, &disposition);
    assert_int_equal(cosign_sign(sign->text, pair->now_us / 1000000, &cosign, &keys->cosign, &line), ERR_OK);
    assert_int_equal(disposition_sign(&sign->wanted, &disposition, &keys->disposition, &note), ERR_OK);
    sync_session_signed(pair->session, ERR_OK, sign->wanted.size, buf_str(&line), buf_str(&note),
                        pair->now_us);
    buf_deinit(&line);
    buf_deinit(&note);
}

/* All actions that are due; answers until when there is nothing. */
static int64_t act(struct pair *pair)
{
    struct sync_action action;
    for (unsigned i = 0; i < 1000; i++) {
        sync_session_next(pair->session, pair->now_us, &action);
        if (action.kind == SYNC_NOTHING) {
            assert_true(action.until_us > pair->now_us); /* no spinning */
            return action.until_us;
        }
        if (action.kind == SYNC_SEND)
            send_out(pair, &action.send);
        else if (action.kind == SYNC_COMMIT)
            sync_session_committed(pair->session, gate_commit(pair->follower), pair->now_us);
        else
            sign(pair, &action.sign);
    }
    fail_msg("the session never comes to rest");
    return 0;
}

bool pair_run(struct pair *pair, int64_t for_us, bool (*until)(struct pair *pair))
{
    int64_t end = pair->now_us + for_us;
    for (;;) {
        deliver(pair);
        late_answers(pair);
        int64_t next = act(pair), deadline = sync_serve_deadline(pair->serve);
        if (until != NULL && until(pair))
            return true;
        next = deadline < next ? deadline : next;
        for (size_t i = 0; i < MESSAGES; i++)
            if (pair->messages[i].used && pair->messages[i].at_us < next)
                next = pair->messages[i].at_us;
        if (next >= end) {
            pair->now_us = end;
            return false;
        }
        pair->now_us = next > pair->now_us ? next : pair->now_us;
    }
}
