/* A server under TLS and the libcurl client on one loop: who gets in, and who is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/client.h"
#include "net/server.h"

enum { PAGE_BYTES = 4 << 20, NOBODY = 0, KR = 1, US = 2 };

static const int64_t FROM_S = 0, UNTIL_S = 4102444800;

struct rig {
    struct loop *loop;
    struct server *server;
    uint16_t port;
    struct page *page;
    struct tls_identity *identities[4]; /* by the numbers above; 3 is a stranger */
    struct tls *server_tls, *client_tls;
    struct client *client;
    struct route routes[3];
    struct request *waiting;
    size_t gone;
    uint64_t last_connection;
    uint64_t expect; /* the identity that the client wants at the other end */
    size_t done;
    size_t coming; /* parts of bodies that were said to come */
    err_t err;
    int status;
    char body[200];
    size_t body_len;
    bool body_is_page;
};

static uint64_t number_of(const struct rig *rig, const struct tls_peer *peer)
{
    for (uint64_t i = KR; i <= US; i++) {
        struct tls_peer self = tls_identity_peer(rig->identities[i]);
        if (hash_eq(&peer->pin, &self.pin))
            return i;
    }
    return NOBODY;
}

static bool server_knows(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    *out_id = number_of(ctx, peer);
    return *out_id != NOBODY;
}

static bool client_knows(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    struct rig *rig = ctx;
    *out_id = number_of(rig, peer);
    return *out_id == rig->expect;
}

static void say_who(void *ctx, struct request *request)
{
    struct rig *rig = ctx;
    const struct tls_peer *peer = request_peer(request);
    char text[64];
    int len = snprintf(text, sizeof text, "secure %d key %d known %d id %d", peer->secure, peer->has_key,
                       peer->known, (int)peer->id);
    rig->last_connection = request_connection(request);
    request_answer(request, &(struct answer) {.status = 200, .body = bytes_of(text, (size_t)len)});
}

static void say_page(void *ctx, struct request *request)
{
    request_answer(request, &(struct answer) {.status = 200, .page = ((struct rig *)ctx)->page});
}

static void on_gone(void *ctx)
{
    ((struct rig *)ctx)->gone++;
}

static void wait_long(void *ctx, struct request *request)
{
    struct rig *rig = ctx;
    rig->waiting = request;
    request_on_gone(request, on_gone, rig);
}

static void on_done(void *ctx, struct client_call *call, struct client_answer *answer)
{
    struct rig *rig = ctx;
    (void)call;
    rig->done++;
    rig->err = answer->err;
    rig->status = answer->status;
    rig->body_is_page = bytes_eq(buf_bytes(answer->body), page_bytes(rig->page));
    rig->body_len = answer->body->len;
    size_t len = answer->body->len < sizeof rig->body - 1 ? answer->body->len : sizeof rig->body - 1;
    memcpy(rig->body, answer->body->len == 0 ? (const uint8_t *)"" : answer->body->at, len);
    rig->body[len] = 0;
}

static int start(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct buf page;
    static const char *const names[] = {"", "kr", "us", "stranger"};
    for (uint8_t i = KR; i < 4; i++) {
        struct sign_seed seed = {i == US ? SUITE_2 : i == KR ? SUITE_1 : SUITE_4, {i}};
        assert_int_equal(
            tls_identity_make(&seed, names[i], "IP:127.0.0.1", FROM_S, UNTIL_S, &rig->identities[i]), ERR_OK);
    }
    buf_init(&page, PAGE_BYTES);
    memset(buf_extend(&page, PAGE_BYTES), 'p', PAGE_BYTES);
    rig->page = page_new(&page);
    rig->routes[0] = (struct route) {"GET", "/who", 0, say_who, rig};
    rig->routes[1] = (struct route) {"GET", "/page", 0, say_page, rig};
    rig->routes[2] = (struct route) {"GET", "/wait", 0, wait_long, rig};
    assert_int_equal(loop_open(&rig->loop), ERR_OK);
    *state = rig;
    return 0;
}

static void serve(struct rig *rig, struct tls_conf tls)
{
    struct server_conf conf = {.routes = rig->routes, .route_count = 3, .head_ms = 500};
    tls.identity = rig->identities[KR];
    tls.know = server_knows;
    tls.ctx = rig;
    assert_int_equal(tls_open(&tls, &rig->server_tls), ERR_OK);
    assert_int_equal(server_open(rig->loop, &conf, &rig->server), ERR_OK);
    assert_int_equal(server_listen(rig->server, "127.0.0.1", 0, rig->server_tls, &rig->port), ERR_OK);
}

static void connect_with(struct rig *rig, size_t who, struct tls_conf tls)
{
    client_close(rig->client);
    tls_close(rig->client_tls);
    tls.client = true;
    tls.identity = who == NOBODY ? NULL : rig->identities[who];
    tls.ctx = rig;
    char origin[64];
    snprintf(origin, sizeof origin, "https://127.0.0.1:%u", rig->port);
    assert_int_equal(tls_open(&tls, &rig->client_tls), ERR_OK);
    struct client_conf conf = {.origin = origin, .tls = rig->client_tls};
    assert_int_equal(client_open(rig->loop, &conf, &rig->client), ERR_OK);
}

static void connect_as(struct rig *rig, size_t who, uint64_t expect)
{
    rig->expect = expect;
    connect_with(rig, who, (struct tls_conf) {.trust = TLS_TRUST_PINNED, .know = client_knows});
}

static void call(struct rig *rig, const char *target, size_t max, uint64_t timeout_ms)
{
    struct client_request request = {.method = "GET",
                                     .target = target,
                                     .answer_max = max,
                                     .timeout_ms = timeout_ms,
                                     .done = on_done,
                                     .ctx = rig};
    assert_int_equal(client_call(rig->client, &request, NULL), ERR_OK);
}

static void ask(struct rig *rig, const char *target)
{
    size_t before = rig->done;
    call(rig, target, PAGE_BYTES, 5000);
    for (size_t i = 0; i < 2000 && rig->done == before; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->done, before + 1);
}

static int finish(void **state)
{
    struct rig *rig = *state;
    client_close(rig->client);
    server_close(rig->server);
    tls_close(rig->client_tls);
    tls_close(rig->server_tls);
    loop_close(rig->loop);
    for (size_t i = KR; i < 4; i++)
        tls_identity_free(rig->identities[i]);
    page_unref(rig->page);
    free(rig);
    return 0;
}

static void nodes_know_each_other_by_key(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    connect_as(rig, US, KR);
    ask(rig, "/who");
    assert_int_equal(rig->err, ERR_OK);
    assert_string_equal(rig->body, "secure 1 key 1 known 1 id 2");
    uint64_t connection = rig->last_connection;
    ask(rig, "/page");
    assert_true(rig->body_is_page);
    ask(rig, "/who");
    assert_int_equal(rig->last_connection, connection); /* kept */
}

static void strangers_stay_outside(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    connect_as(rig, 3, KR);
    ask(rig, "/who");
    assert_int_not_equal(rig->err, ERR_OK);
    connect_as(rig, NOBODY, KR);
    ask(rig, "/who");
    assert_int_not_equal(rig->err, ERR_OK);
    assert_int_equal(rig->last_connection, 0); /* no handler ever ran */
    connect_as(rig, US, US);                   /* the server is not who was meant */
    ask(rig, "/who");
    assert_int_equal(rig->err, ERR_DENIED);
    assert_int_equal(rig->last_connection, 0);
}

static void readers_may_come_without_certificate(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_OFFERED, .allow_tls12 = true});
    connect_as(rig, NOBODY, KR);
    ask(rig, "/who");
    assert_string_equal(rig->body, "secure 1 key 0 known 0 id 0");
    connect_as(rig, 3, KR);
    ask(rig, "/who");
    assert_string_equal(rig->body, "secure 1 key 1 known 0 id 0");
    connect_as(rig, US, KR);
    ask(rig, "/who");
    assert_string_equal(rig->body, "secure 1 key 1 known 1 id 2");
}

/* An operator's own authority; here each certificate is its own. */
static void an_authority_decides_instead_of_keys(void **state)
{
    struct rig *rig = *state;
    struct buf us, kr;
    buf_init(&us, 10000);
    buf_init(&kr, 10000);
    assert_int_equal(tls_identity_pem(rig->identities[US], &us), ERR_OK);
    assert_int_equal(tls_identity_pem(rig->identities[KR], &kr), ERR_OK);
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_CA, .ca_pem = buf_bytes(&us)});
    connect_with(rig, US, (struct tls_conf) {.trust = TLS_TRUST_CA, .ca_pem = buf_bytes(&kr)});
    ask(rig, "/who");
    assert_int_equal(rig->err, ERR_OK);
    assert_string_equal(rig->body, "secure 1 key 1 known 1 id 2");
    rig->last_connection = 0;
    connect_with(rig, 3, (struct tls_conf) {.trust = TLS_TRUST_CA, .ca_pem = buf_bytes(&kr)});
    ask(rig, "/who");
    assert_int_not_equal(rig->err, ERR_OK);
    connect_with(rig, US, (struct tls_conf) {.trust = TLS_TRUST_CA, .ca_pem = buf_bytes(&us)});
    ask(rig, "/who");
    assert_int_equal(rig->err, ERR_DENIED);
    assert_int_equal(rig->last_connection, 0);
    struct tls_conf empty = {.client = true, .trust = TLS_TRUST_CA};
    struct tls *tls = NULL;
    assert_int_equal(tls_open(&empty, &tls), ERR_INVALID);
    buf_deinit(&us);
    buf_deinit(&kr);
}

static void a_removed_peer_is_dropped_at_once(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    connect_as(rig, US, KR);
    call(rig, "/wait", 100, 5000);
    for (size_t i = 0; i < 200 && rig->waiting == NULL; i++)
        loop_turn(rig->loop, 20);
    assert_non_null(rig->waiting);
    server_drop_peer(rig->server, KR);
    loop_turn(rig->loop, 20);
    assert_int_equal(rig->gone, 0);
    server_drop_peer(rig->server, US);
    for (size_t i = 0; i < 50 && rig->done == 0; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->gone, 1);
    assert_int_equal(rig->err, ERR_CLOSED);
}

static void calls_are_bounded(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    connect_as(rig, US, KR);
    call(rig, "/page", PAGE_BYTES - 1, 5000);
    for (size_t i = 0; i < 500 && rig->done == 0; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->err, ERR_LIMIT);
    call(rig, "/wait", 100, 200);
    for (size_t i = 0; i < 100 && rig->done == 1; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->err, ERR_TIMEOUT);
    for (size_t i = 0; i < 50 && rig->gone == 0; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->gone, 1);

    struct client_request bad = {.method = "GET", .target = "/x", .done = on_done, .ctx = rig};
    bad.fields[0] = (struct http1_field) {STR("X"), STR("a\r\nY: b")};
    assert_int_equal(client_call(rig->client, &bad, NULL), ERR_USAGE);
    struct client_call *cancelled = NULL;
    struct client_request wait = {
        .method = "GET", .target = "/wait", .answer_max = 1, .timeout_ms = 5000, .done = on_done, .ctx = rig};
    assert_int_equal(client_call(rig->client, &wait, &cancelled), ERR_OK);
    loop_turn(rig->loop, 20);
    client_cancel(cancelled);
    for (size_t i = 0; i < 10; i++)
        loop_turn(rig->loop, 10);
    assert_int_equal(rig->done, 2);
}

static void on_coming(void *ctx)
{
    ((struct rig *)ctx)->coming++;
}

/* What moves has all its time; what stands still is given up long before that is over. */
static void a_quiet_call_is_given_up(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    connect_as(rig, US, KR);
    struct client_request request = {.method = "GET",
                                     .target = "/page",
                                     .answer_max = PAGE_BYTES,
                                     .timeout_ms = 3600000,
                                     .quiet_ms = 1000,
                                     .coming = on_coming,
                                     .done = on_done,
                                     .ctx = rig};
    assert_int_equal(client_call(rig->client, &request, NULL), ERR_OK);
    for (size_t i = 0; i < 500 && rig->done == 0; i++)
        loop_turn(rig->loop, 20);
    assert_true(rig->body_is_page);
    assert_true(rig->coming > 0);
    request.target = "/wait";
    assert_int_equal(client_call(rig->client, &request, NULL), ERR_OK);
    for (size_t i = 0; i < 1500 && rig->done == 1; i++)
        loop_turn(rig->loop, 20);
    assert_int_equal(rig->done, 2);
    assert_int_equal(rig->err, ERR_TIMEOUT);
}

static void three_bytes_of_hello_cost_nothing(void **state)
{
    struct rig *rig = *state;
    serve(rig, (struct tls_conf) {.trust = TLS_TRUST_PINNED});
    int fds[20];
    for (size_t i = 0; i < 20; i++) {
        assert_int_equal(os_net_connect("127.0.0.1", rig->port, &fds[i]), ERR_OK);
        loop_turn(rig->loop, 5);
        struct bytes hello = bytes_of("\x16\x03\x01", 3);
        size_t n = 0;
        assert_int_equal(os_net_write(fds[i], &hello, 1, &n), ERR_OK);
        loop_turn(rig->loop, 5);
    }
    assert_int_equal(server_connections(rig->server), 20);
    uint64_t turns = loop_turns(rig->loop), began = os_net_now_ms();
    while (os_net_now_ms() - began < 200)
        loop_turn(rig->loop, 200);
    assert_true(loop_turns(rig->loop) - turns < 10);
    while (server_connections(rig->server) > 0 && os_net_now_ms() - began < 3000)
        loop_turn(rig->loop, 20);
    assert_int_equal(server_connections(rig->server), 0);
    for (size_t i = 0; i < 20; i++)
        os_net_close(fds[i]);
}

/* An Ed25519 key is known by itself, a P-256 one by the digest of its SubjectPublicKeyInfo. */
static void identities_are_known_by_their_keys(void **state)
{
    struct rig *rig = *state;
    for (uint8_t i = KR; i <= US; i++) {
        struct sign_seed seed = {i == US ? SUITE_2 : i == KR ? SUITE_1 : SUITE_4, {i}};
        struct sign_key key;
        assert_int_equal(sign_key_make(&seed, &key), ERR_OK);
        struct tls_peer self = tls_identity_peer(rig->identities[i]);
        struct hash pin = sign_public_pin(&key.public);
        assert_true(self.has_key && hash_eq(&self.pin, &pin));
        assert_int_equal(hash_eq(&self.pin, &self.spki), i == US);
        assert_int_equal(memcmp(self.pin.b, key.public.b, sizeof self.pin.b) == 0, i == KR);
    }
    struct tls_identity *none = NULL;
    assert_int_equal(tls_identity_read(bytes_of("x", 1), bytes_of("y", 1), &none), ERR_SYNTAX);
    struct tls_conf bad = {.client = true, .trust = TLS_TRUST_NONE};
    struct tls *tls = NULL;
    assert_int_equal(tls_open(&bad, &tls), ERR_USAGE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nodes_know_each_other_by_key),
        TEST(strangers_stay_outside),
        TEST(a_quiet_call_is_given_up),
        TEST(readers_may_come_without_certificate),
        TEST(an_authority_decides_instead_of_keys),
        TEST(a_removed_peer_is_dropped_at_once),
        TEST(calls_are_bounded),
        TEST(three_bytes_of_hello_cost_nothing),
        TEST(identities_are_known_by_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
