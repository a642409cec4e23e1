/* The handlers over the real gate: what goes in by TAXII comes out of the workspace, and of the view of
 * whoever the policy lets have it, byte for byte. */
#include "../gate/gate_test.h"

#include "core/sign.h"
#include "os/os.h"
#include "taxii/identity.h"

#define OBJECT                                                                                               \
    "{ \"type\":\"indicator\",\"spec_version\":\"2.1\","                                                     \
    "\"id\":\"indicator--00000000-0000-4000-8000-000000000001\",\"created\":\"2026-01-01T00:00:00.000Z\","   \
    "\"modified\":\"2026-01-01T00:00:00.000Z\",\"pattern\":\"[ipv4-addr:value = '192.0.2.1']\","             \
    "\"pattern_type\":\"stix\",\"valid_from\":\"2026-01-01T00:00:00Z\"}"

static const char envelope[1024] = "{\"objects\":[" OBJECT ",{\"type\":\"indicator\",\"id\":\"x\"}]}";

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
static unsigned ask(struct bench *b, struct taxii *taxii, const char *token, enum exchange_method method,
                    const char *path, struct exchange_response *response)
{
    struct taxii_effect effect;
    struct exchange_request request = {.method = method,
                                       .path = str_of(path),
                                       .content_type = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(token)};
    if (method == EXCHANGE_POST)
        request.body = bytes_of(envelope, strlen(envelope));
    exchange_response_init(response, 1, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(taxii, &request, b->now_us, response, &effect);
    if (effect.needs_commit)
        assert_int_equal(gate_commit(b->gate), ERR_OK);
    buf_putc(&response->body, '\0');
    return response->status;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(R5_what_was_posted_is_read_back_after_a_restart),
        cmocka_unit_test(R8_what_the_policy_releases_is_in_the_view_once_signed)};
    return sign_start() != ERR_OK || cmocka_run_group_tests(tests, NULL, NULL);
}
