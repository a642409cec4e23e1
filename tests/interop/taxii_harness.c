/* Serves the TAXII handlers over plain HTTP on loopback with the unit tests' gate behind them, so that real
 * clients can run against them before and beside the whole node. Prints one JSON line (port, credentials),
 * then serves until standard input ends. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/sign.h"
#include "fake_gate.h"
#include "net/exchange.h"
#include "net/loop.h"
#include "net/server.h"
#include "os/os.h"
#include "taxii/identity.h"
#include "json/json.h"

enum { OBJECTS = 25 };

struct harness {
    struct gate *gate;
    struct taxii *taxii;
    struct loop *loop;
    struct loop_watch input;
};

static const struct {
    const char *word;
    enum exchange_method method;
} methods[] = {{"GET", EXCHANGE_GET},
               {"HEAD", EXCHANGE_HEAD},
               {"POST", EXCHANGE_POST},
               {"DELETE", EXCHANGE_DELETE},
               {"OPTIONS", EXCHANGE_OPTIONS}};

static enum exchange_method method_of(struct str word)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (str_eq(word, str_of(methods[i].word)))
            return methods[i].method;
    }
    return EXCHANGE_OTHER;
}

static void handle(void *ctx, struct request *request)
{
    struct harness *harness = ctx;
    const struct http1_head *head = request_head(request);
    struct bytes body = request_body(request);
    uint8_t *padded = mem_alloc(body.len + JSON_PADDING);
    must(padded != NULL);
    if (body.len > 0)
        memcpy(padded, body.at, body.len);
    struct exchange_request asked = {.method = method_of(head->method),
                                     .path = request_path(request),
                                     .query = head->query,
                                     .host = head->host,
                                     .accept = request_field(request, STR("accept")),
                                     .content_type = request_field(request, STR("content-type")),
                                     .authorization = request_field(request, STR("authorization")),
                                     .body = {padded, body.len}};
    struct exchange_response response;
    struct taxii_effect effect;
    exchange_response_init(&response, 1, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(harness->taxii, &asked, os_linux()->wall_us(os_linux()->ctx), &response, &effect);
    struct answer answer = {.status = (int)response.status, .type = response.content_type};
    for (size_t i = 0; i < response.header_count; i++)
        answer.fields[i] = (struct http1_field) {str_of(response.headers[i].name), response.headers[i].value};
    answer.page = page_new(&response.body);
    must(answer.page != NULL);
    request_answer(request, &answer);
    page_unref(answer.page);
    exchange_response_deinit(&response);
    mem_free(padded);
}

static void input_ready(void *ctx, unsigned ready)
{
    struct harness *harness = ctx;
    char bytes[64];
    (void)ready;
    if (read(STDIN_FILENO, bytes, sizeof bytes) <= 0)
        loop_stop(harness->loop);
}

static void fill(struct gate *gate, unsigned partner, int64_t now_us)
{
    char text[512];
    for (int i = 0; i < OBJECTS; i++) {
        (void)snprintf(text, sizeof text,
                       "{\"type\":\"indicator\",\"spec_version\":\"2.1\","
                       "\"id\":\"indicator--00000000-0000-4000-8000-%012d\","
                       "\"created\":\"2026-01-01T00:00:00.000Z\",\"modified\":\"2026-01-01T00:00:0%d.000Z\","
                       "\"indicator_types\":[\"malicious-activity\"],\"pattern_type\":\"stix\","
                       "\"pattern\":\"[ipv4-addr:value = '192.0.2.%d']\","
                       "\"valid_from\":\"2026-01-01T00:00:00Z\"}",
                       i % 20, i / 20, i);
        fake_leaf(gate, partner, LEAF_RELEASE, now_us + i, text, LEAF_SUBJECT_NONE);
    }
}

static void start(struct harness *harness, char token[TAXII_TOKEN_SIZE])
{
    const struct os *os = os_linux();
    const struct gate_by by = {STR("harness"), STR("interop")};
    int64_t now_us = os->wall_us(os->ctx);
    harness->gate = fake_new();
    uint32_t source = fake_source(harness->gate, "jp-cert");
    unsigned partner = fake_peer(harness->gate, "jp", source);
    fill(harness->gate, partner, now_us - 1000000);
    struct taxii_setup setup = {.gate = harness->gate,
                                .random = os->random,
                                .random_ctx = os->ctx,
                                .title = STR("harness"),
                                .allow_plain = true};
    must(taxii_open(&setup, now_us, &harness->taxii) == ERR_OK);
    must(taxii_identity_put(harness->taxii, STR("jp"), STR("jp"), STR(""), 7, &by, now_us) == ERR_OK);
    must(taxii_identity_password(harness->taxii, STR("jp"), STR("correct horse battery"), &by, now_us) ==
         ERR_OK);
    must(taxii_identity_token(harness->taxii, STR("jp"), &by, now_us, token) == ERR_OK);
}

int main(void)
{
    struct harness harness = {0};
    struct server *server;
    char token[TAXII_TOKEN_SIZE];
    uint16_t port;
    const struct route routes[] = {
        {.method = "*", .pattern = "/**", .body_max = 16u << 20, .handle = handle, .ctx = &harness}};
    struct server_conf conf = {.routes = routes, .route_count = 1};
    must(sign_start() == ERR_OK);
    start(&harness, token);
    must(loop_open(&harness.loop) == ERR_OK);
    must(server_open(harness.loop, &conf, &server) == ERR_OK);
    must(server_listen(server, "127.0.0.1", 0, NULL, &port) == ERR_OK);
    must(loop_watch(harness.loop, &harness.input, STDIN_FILENO, LOOP_READ, input_ready, &harness) == ERR_OK);
    (void)printf("{\"port\":%u,\"user\":\"jp\",\"password\":\"correct horse battery\",\"token\":\"%.*s\"}\n",
                 port, TAXII_TOKEN_SIZE, token);
    (void)fflush(stdout);
    loop_run(harness.loop);
    loop_unwatch(harness.loop, &harness.input);
    server_close(server);
    loop_close(harness.loop);
    taxii_close(harness.taxii);
    fake_free(harness.gate);
    return 0;
}
