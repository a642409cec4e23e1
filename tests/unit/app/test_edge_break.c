/* Edge between a client and a core of this test's: what it does with answers that something was taken back
 * from. */
#define _XOPEN_SOURCE 700
#include "app_test.h"

#include "app/edge_role.h"
#include "app/keys.h"
#include "app/link.h"
#include "app/message.h"
#include "net/client.h"

enum { VIEW = MARK_VIEWS, OTHER = MARK_VIEWS + 1, TURNS_MAX = 4000, BODY_BYTES = 1 << 20 };

struct kit {
    char *dir;
    struct loop *loop;
    struct os_channel_fds fds, marks;
    struct conf conf;
    struct edge_role *edge;
    struct link *core; /* the other end of edge's */
    uint16_t port;
    uint64_t asked; /* the request that came last */
    unsigned rung;
    struct tls_identity *identity;
    struct tls *tls;
    struct client *client;
    int status; /* of the answer that came last; 0: none yet */
    size_t body;
    uint8_t page[BODY_BYTES];
};

/* --- core --- */

static void on_message(void *ctx, unsigned kind, struct bytes body)
{
    struct kit *kit = ctx;
    struct exchange_request request;
    if (kind == MESSAGE_LISTENING)
        kit->port = (uint16_t)(body.at[0] << 8 | body.at[1]);
    else if (kind == MESSAGE_REQUEST && exchange_request_read(body, &request) == ERR_OK)
        kit->asked = request.id;
}

static void on_fresh(void *ctx)
{
    (void)ctx;
}

static void on_broken(void *ctx)
{
    (void)ctx;
    fail();
}

static void on_rung(void *ctx)
{
    ((struct kit *)ctx)->rung++;
}

static void answer(struct kit *kit, const struct exchange_marks *marks)
{
    struct exchange_response response;
    struct buf wire;
    exchange_response_init(&response, kit->asked, BODY_BYTES);
    response.status = 200;
    response.content_type = "text/plain";
    response.marks = *marks;
    response.cacheable = true;
    buf_put(&response.body, kit->page, BODY_BYTES);
    buf_init(&wire, 2 * BODY_BYTES);
    exchange_response_write(&wire, &response);
    assert_int_equal(link_send(kit->core, MESSAGE_RESPONSE, buf_bytes(&wire)), ERR_OK);
    buf_deinit(&wire);
    exchange_response_deinit(&response);
}

static struct exchange_marks marks_now(const struct kit *kit, unsigned view)
{
    return (struct exchange_marks) {.view = view,
                                    .who = link_raised(kit->core, MARK_WHO),
                                    .shown = link_raised(kit->core, view),
                                    .taken = link_raised(kit->core, view + MARK_TAKEN - MARK_VIEWS)};
}

static bool is_confirmed(struct kit *kit)
{
    return link_mark(kit->core, MARK_ROUND) == link_raised(kit->core, MARK_ROUND);
}

/* Something is taken back from this view; back when edge has said that it knows. */
static void take(struct kit *kit, unsigned view)
{
    unsigned rung = kit->rung;
    link_raise(kit->core, view + MARK_TAKEN - MARK_VIEWS);
    link_raise(kit->core, MARK_ROUND);
    assert_false(is_confirmed(kit));
    link_ring(kit->core);
    for (size_t i = 0; i < TURNS_MAX && (kit->rung == rung || !is_confirmed(kit)); i++)
        loop_turn(kit->loop, 2);
    assert_true(is_confirmed(kit));
}

/* --- the client --- */

static bool know(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    (void)ctx;
    *out_id = 0;
    return peer->has_key;
}

static void on_answer(void *ctx, struct client_call *call, struct client_answer *got)
{
    struct kit *kit = ctx;
    (void)call;
    assert_int_equal(got->err, ERR_OK);
    kit->status = got->status;
    kit->body = got->body->len;
}

/* A request is at core, or was answered without it. */
static void ask(struct kit *kit, const char *target)
{
    const struct client_request request = {.method = "GET",
                                           .target = target,
                                           .answer_max = 2 * BODY_BYTES,
                                           .timeout_ms = 60000,
                                           .done = on_answer,
                                           .ctx = kit};
    struct client_call *call;
    kit->asked = 0;
    kit->status = 0;
    assert_int_equal(client_call(kit->client, &request, &call), ERR_OK);
    for (size_t i = 0; i < TURNS_MAX && kit->asked == 0 && kit->status == 0; i++)
        loop_turn(kit->loop, 2);
}

static int await(struct kit *kit)
{
    for (size_t i = 0; i < TURNS_MAX && kit->status == 0; i++)
        loop_turn(kit->loop, 2);
    return kit->status;
}

/* --- */

static void open_client(struct kit *kit)
{
    const struct sign_seed seed = {SUITE_1, {7}};
    char origin[64];
    assert_int_equal(tls_identity_make(&seed, "reader", NULL, 0, INT64_C(4000000000), &kit->identity),
                     ERR_OK);
    struct tls_conf tls = {
        .client = true, .trust = TLS_TRUST_PINNED, .identity = kit->identity, .know = know, .ctx = kit};
    assert_int_equal(tls_open(&tls, &kit->tls), ERR_OK);
    (void)snprintf(origin, sizeof origin, "https://127.0.0.1:%u", kit->port);
    const struct client_conf conf = {.origin = origin, .tls = kit->tls};
    assert_int_equal(client_open(kit->loop, &conf, &kit->client), ERR_OK);
}

static int setup(void **state)
{
    struct kit *kit = calloc(1, sizeof *kit);
    const struct os *os = os_linux();
    static const struct diag quiet = {NULL, NULL};
    kit->dir = scratch_new();
    kit->conf = (struct conf) {.node = "kr", .country = "KR"};
    (void)snprintf(kit->conf.dir, sizeof kit->conf.dir, "%s", kit->dir);
    assert_int_equal(conf_address_parse(STR("127.0.0.1:0"), &kit->conf.listen), ERR_OK);
    assert_int_equal(sign_start(), ERR_OK);
    assert_int_equal(keys_make(os, kit->dir, SUITE_1), ERR_OK);
    assert_int_equal(loop_open(&kit->loop), ERR_OK);
    assert_int_equal(os_channel_make(LIMIT_LINK_RING_BYTES, &kit->fds), ERR_OK);
    assert_int_equal(os_channel_make(LIMIT_LINK_MARKS_BYTES, &kit->marks), ERR_OK);
    struct link_handler handler = {on_message, on_fresh, NULL, on_broken, on_rung, kit};
    assert_int_equal(link_open(kit->loop, os, &kit->fds, 0, &handler, &kit->core), ERR_OK);
    assert_int_equal(link_marks(kit->core, &kit->marks, 0), ERR_OK);
    assert_int_equal(
        edge_role_open(kit->loop, os, &kit->conf, &quiet, &kit->fds, &kit->marks, on_broken, kit, &kit->edge),
        ERR_OK);
    for (size_t i = 0; i < TURNS_MAX && kit->port == 0; i++)
        loop_turn(kit->loop, 2);
    open_client(kit);
    *state = kit;
    return 0;
}

static int teardown(void **state)
{
    struct kit *kit = *state;
    client_close(kit->client);
    tls_close(kit->tls);
    tls_identity_free(kit->identity);
    edge_role_close(kit->edge);
    link_close(kit->core);
    loop_close(kit->loop);
    os_channel_fds_close(&kit->fds);
    os_channel_fds_close(&kit->marks);
    scratch_free(kit->dir);
    free(kit);
    return 0;
}

static void answers_on_their_way(void **state)
{
    struct kit *kit = *state;
    ask(kit, "/api/one");
    struct exchange_marks before = marks_now(kit, VIEW);
    take(kit, VIEW);
    answer(kit, &before);
    assert_int_equal(await(kit), 503);
    assert_true(kit->body < 1000);
    ask(kit, "/api/one");
    before = marks_now(kit, VIEW);
    answer(kit, &before);
    assert_int_equal(await(kit), 200);
    assert_int_equal(kit->body, BODY_BYTES);
}

/* Neither what is taken from another view, nor a release, nor another command. */
static void answers_that_may_go(void **state)
{
    struct kit *kit = *state;
    ask(kit, "/api/one");
    struct exchange_marks before = marks_now(kit, VIEW);
    take(kit, OTHER);
    link_raise(kit->core, VIEW);
    link_raise(kit->core, MARK_WHO);
    answer(kit, &before);
    assert_int_equal(await(kit), 200);
    assert_int_equal(kit->body, BODY_BYTES);
    ask(kit, "/api/one");
    answer(kit, &(struct exchange_marks) {.view = 0}); /* shows no view */
    assert_int_equal(await(kit), 200);
}

static void answers_that_were_kept(void **state)
{
    struct kit *kit = *state;
    ask(kit, "/api/one");
    struct exchange_marks before = marks_now(kit, VIEW);
    answer(kit, &before);
    assert_int_equal(await(kit), 200);
    ask(kit, "/api/one");
    assert_int_equal(kit->asked, 0); /* edge had it */
    assert_int_equal(await(kit), 200);
    take(kit, VIEW);
    ask(kit, "/api/one");
    assert_int_not_equal(kit->asked, 0);
}

/* What names a mark that there is not stands on nothing that could be looked up. */
static void marks_that_are_none(void **state)
{
    struct kit *kit = *state;
    ask(kit, "/api/one");
    answer(kit, &(struct exchange_marks) {.view = MARK_TAKEN});
    assert_int_equal(await(kit), 503);
    ask(kit, "/api/one");
    answer(kit, &(struct exchange_marks) {.view = 65535});
    assert_int_equal(await(kit), 503);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(answers_on_their_way), TEST(answers_that_may_go),
                                       TEST(answers_that_were_kept), TEST(marks_that_are_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
