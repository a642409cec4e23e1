/* The handlers over the real gate: what goes in by TAXII comes out of the workspace, and of the view of
 * whoever the policy lets have it, byte for byte. */
#include "../gate/gate_test.h"

#include "core/sign.h"
#include "gate/quality.h"
#include "os/os.h"
#include "taxii/identity.h"

#define OBJECT                                                                                               \
    "{ \"type\":\"indicator\",\"spec_version\":\"2.1\","                                                     \
    "\"id\":\"indicator--00000000-0000-4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\","   \
    "\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\","             \
    "\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"}"

static const char envelope[1024] = "{\"objects\":[" OBJECT ",{\"type\":\"indicator\",\"id\":\"x\"}]}";

#define LABELS     ",\"labels\":[\"a\"]"
#define MISP       ",\"labels\":[\"a\",\"misp:type=\\\"ip-dst\\\"\"]"
#define INBOX_PATH "/api/collections/inbox/objects/"
#define WORKSPACE  "/api/collections/workspace/objects/"

static struct taxii *serve(struct bench *b)
{
    struct taxii *taxii;
    const struct os *os = os_linux();
    struct taxii_setup setup = {.gate = b->gate,
                                .random = os->random,
                                .random_ctx = os->ctx,
                                .title = STR("kr"),
                                .allow_plain = true};
    assert_int_equal(taxii_open(&setup, b->now_us, &taxii), ERR_OK);
    return taxii;
}

/* The answer's body stays with `response`, which the caller deinitialises. */
static unsigned send(struct bench *b, struct taxii *taxii, const char *token, enum exchange_method method,
                     const char *path, const char *body, struct exchange_response *response)
{
    struct taxii_effect effect;
    struct exchange_request request = {.method = method,
                                       .path = str_of(path),
                                       .content_type = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(token)};
    if (method == EXCHANGE_POST)
        request.body = bytes_of(body, strlen(body));
    exchange_response_init(response, 1, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(taxii, &request, b->now_us, response, &effect);
    if (effect.needs_commit)
        assert_int_equal(gate_commit(b->gate), ERR_OK);
    buf_putc(&response->body, '\0');
    return response->status;
}

static unsigned ask(struct bench *b, struct taxii *taxii, const char *token, enum exchange_method method,
                    const char *path, struct exchange_response *response)
{
    return send(b, taxii, token, method, path, envelope, response);
}

static void R5_what_was_posted_is_read_back_after_a_restart(void **state)
{
    struct bench bench, *b = &bench;
    struct exchange_response response;
    char token[TAXII_TOKEN_SIZE + 8] = "Bearer ", path[128];
    (void)state;
    bench_init(b);
    bench_source(b, "desk", STIX_TLP_CLEAR, true, false);
    struct taxii *taxii = serve(b);
    assert_int_equal(taxii_identity_put(taxii, STR("desk"), STR(""), STR("desk"), 7, &by_test, b->now_us),
                     ERR_OK);
    assert_int_equal(taxii_identity_token(taxii, STR("desk"), &by_test, b->now_us, token + 7), ERR_OK);
    assert_int_equal(ask(b, taxii, token, EXCHANGE_POST, "/api/collections/inbox/objects/", &response), 202);
    const char *body = (const char *)response.body.at;
    assert_non_null(strstr(body, "\"success_count\":1,\"failure_count\":1"));
    assert_non_null(strstr(body, "\"message\":\"/objects/1"));
    (void)snprintf(path, sizeof path, "/api/status/%.36s/", strstr(body, "\"id\":\"") + 6);
    exchange_response_deinit(&response);
    bench_settle(b);
    taxii_close(taxii);
    bench_reopen(b);
    taxii = serve(b);
    assert_int_equal(ask(b, taxii, token, EXCHANGE_GET, path, &response), 200);
    exchange_response_deinit(&response);
    assert_int_equal(ask(b, taxii, token, EXCHANGE_GET, "/api/collections/workspace/objects/", &response),
                     200);
    assert_string_equal((const char *)response.body.at, "{\"objects\":[" OBJECT "]}");
    exchange_response_deinit(&response);
    taxii_close(taxii);
    bench_deinit(b);
}

static void R8_what_the_policy_releases_is_in_the_view_once_signed(void **state)
{
    struct bench bench, *b = &bench;
    struct exchange_response response;
    char token[TAXII_TOKEN_SIZE + 8] = "Bearer ";
    (void)state;
    bench_init(b);
    uint32_t desk = bench_source(b, "desk", STIX_TLP_CLEAR, true, false);
    bench_partner(b, "jp");
    bench_policy(b);
    struct taxii *taxii = serve(b);
    assert_int_equal(
        taxii_identity_put(taxii, STR("jp"), STR("jp"), STR(""), TAXII_READ, &by_test, b->now_us), ERR_OK);
    assert_int_equal(taxii_identity_token(taxii, STR("jp"), &by_test, b->now_us, token + 7), ERR_OK);
    assert_int_equal(bench_accept(b, desk, OBJECT, strlen(OBJECT)), ERR_OK);
    bench_settle(b);
    const char *objects = "/api/collections/release/objects/";
    assert_int_equal(ask(b, taxii, token, EXCHANGE_GET, objects, &response), 200);
    assert_string_equal((const char *)response.body.at, "{}"); /* no checkpoint covers it yet */
    exchange_response_deinit(&response);
    bench_sign(b);
    assert_int_equal(ask(b, taxii, token, EXCHANGE_GET, objects, &response), 200);
    assert_string_equal((const char *)response.body.at, "{\"objects\":[" OBJECT "]}");
    exchange_response_deinit(&response);
    taxii_close(taxii);
    bench_deinit(b);
}

/* --- what a platform gives back of what it has from here --- */

struct platform {
    struct bench bench;
    struct taxii *taxii;
    uint32_t desk, his;
    char token[TAXII_TOKEN_SIZE + 8];
};

/* A partner without a node, who reads his view and hands in under his own source. */
static void platform_init(struct platform *p, bool rewrites)
{
    struct bench *b = &p->bench;
    unsigned partner;
    *p = (struct platform) {.his = 0};
    bench_init(b);
    p->desk = bench_source(b, "desk", STIX_TLP_CLEAR, true, false);
    assert_int_equal(gate_peer_put(b->gate, STR("isac"), STR(""), STR("US"), bytes_of(NULL, 0), &by_test,
                                   b->now_us, &partner),
                     ERR_OK);
    assert_int_equal(gate_peer_set(b->gate, partner, GATE_PEER_STARTED, false, &by_test, b->now_us), ERR_OK);
    const struct gate_peer *peer = gate_peer_get(b->gate, partner);
    struct gate_source source = *gate_source_get(b->gate, peer->source);
    source.rewrites = rewrites;
    assert_int_equal(gate_source_put(b->gate, &source, &by_test, b->now_us, &p->his), ERR_OK);
    bench_policy(b);
    p->taxii = serve(b);
    assert_int_equal(taxii_identity_put(p->taxii, STR("isac"), STR("isac"), STR(""), 7, &by_test, b->now_us),
                     ERR_OK);
    memcpy(p->token, "Bearer ", 8);
    assert_int_equal(taxii_identity_token(p->taxii, STR("isac"), &by_test, b->now_us, p->token + 7), ERR_OK);
}

static void platform_deinit(struct platform *p)
{
    taxii_close(p->taxii);
    bench_deinit(&p->bench);
}

static void desk_says(struct platform *p, const char *object)
{
    assert_int_equal(bench_add(&p->bench, p->desk, object), GATE_NEW);
    bench_settle(&p->bench);
    bench_sign(&p->bench);
}

static uint64_t echoes_of(const struct platform *p)
{
    uint64_t count;
    assert_int_equal(gate_echoes(p->bench.gate, p->his, &count), ERR_OK);
    return count;
}

/* Whatever becomes of it, it is answered as accepted. Echoes that it was; *out_back: it stands in his
 * workspace. */
static uint64_t hands_in(struct platform *p, const char *object, bool *out_back)
{
    struct exchange_response response;
    char body[2 * TEXT_MAX];
    uint64_t before = echoes_of(p);
    (void)snprintf(body, sizeof body, "{\"objects\":[%s]}%*s", object, (int)JSON_PADDING, "");
    p->bench.now_us += 1000;
    assert_int_equal(send(&p->bench, p->taxii, p->token, EXCHANGE_POST, INBOX_PATH, body, &response), 202);
    assert_non_null(strstr((const char *)response.body.at, "\"success_count\":1,\"failure_count\":0"));
    exchange_response_deinit(&response);
    assert_int_equal(ask(&p->bench, p->taxii, p->token, EXCHANGE_GET, WORKSPACE, &response), 200);
    *out_back = strstr((const char *)response.body.at, object) != NULL;
    exchange_response_deinit(&response);
    return echoes_of(p) - before;
}

static void R9_what_a_platform_rewrote_is_an_echo(void **state)
{
    struct platform p;
    char text[TEXT_MAX];
    bool back;
    (void)state;
    platform_init(&p, true);
    desk_says(&p, indicator(text, 1, 10, LABELS));
    assert_int_equal(hands_in(&p, indicator(text, 1, 10, MISP), &back), 1); /* it was a conflict */
    assert_false(back);
    assert_int_equal(hands_in(&p, indicator(text, 1, 30, MISP), &back), 1); /* and this an assertion */
    assert_false(back);
    assert_int_equal(hands_in(&p, indicator(text, 1, 10, LABELS), &back), 1); /* unchanged: reported too */
    assert_true(back);
    /* What he says of it counts, as what he says of anything. */
    assert_int_equal(hands_in(&p, indicator(text, 1, 31, MISP ",\"revoked\":true"), &back), 0);
    assert_true(back);
    assert_int_equal(hands_in(&p, indicator(text, 1, 32, MISP MARKED(TLP_RED)), &back), 0);
    assert_true(back);
    /* The count is of all that was ever handed in. */
    assert_int_equal(gate_repeats_keep(p.bench.gate, p.bench.now_us), ERR_OK);
    assert_int_equal(gate_commit(p.bench.gate), ERR_OK);
    taxii_close(p.taxii);
    bench_reopen(&p.bench);
    p.taxii = serve(&p.bench);
    p.bench.now_us += INT64_C(8) * 86400 * 1000000; /* in another week */
    assert_int_equal(hands_in(&p, indicator(text, 1, 33, MISP), &back), 1);
    assert_int_equal(echoes_of(&p), 4);
    platform_deinit(&p);
}

static void R10_only_where_the_source_rewrites(void **state)
{
    struct platform p;
    char text[TEXT_MAX];
    bool back;
    (void)state;
    platform_init(&p, false);
    desk_says(&p, indicator(text, 1, 10, LABELS));
    assert_int_equal(hands_in(&p, indicator(text, 1, 30, MISP), &back), 0);
    assert_true(back);
    platform_deinit(&p);
}

/* What he has not from here is taken as if nobody held it. */
static void R11_what_is_withheld_is_compared_with_nothing(void **state)
{
    struct platform p;
    char text[TEXT_MAX];
    bool back;
    (void)state;
    platform_init(&p, true);
    desk_says(&p, indicator(text, 1, 10, LABELS MARKED(TLP_RED)));
    assert_int_equal(hands_in(&p, indicator(text, 1, 30, MISP MARKED(TLP_RED)), &back), 0);
    assert_true(back);
    /* He has the older of two versions: what comes back is held against that one. */
    desk_says(&p, indicator(text, 2, 10, LABELS));
    desk_says(&p, indicator(text, 2, 20, LABELS MARKED(TLP_RED)));
    assert_int_equal(hands_in(&p, indicator(text, 2, 30, MISP MARKED(TLP_RED)), &back), 0);
    assert_true(back);
    platform_deinit(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R9_what_a_platform_rewrote_is_an_echo),
        cmocka_unit_test(R10_only_where_the_source_rewrites),
        cmocka_unit_test(R11_what_is_withheld_is_compared_with_nothing),
        cmocka_unit_test(R5_what_was_posted_is_read_back_after_a_restart),
        cmocka_unit_test(R8_what_the_policy_releases_is_in_the_view_once_signed)};
    return sign_start() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
