#include "kit.h"

#include <stdio.h>

#include "core/mem.h"
#include "core/sign.h"
#include "json/json.h"

const struct gate_by kit_by = {{"test", 4}, {"a test", 6}};

static err_t kit_random(void *ctx, void *out, size_t len)
{
    uint8_t *seed = ctx;
    memset(out, 0, len);
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)(++*seed * 37);
    return ERR_OK;
}

static void kit_identity(struct kit *kit, const char *name, const char *audience, const char *source,
                         unsigned roles, char *token)
{
    struct str audience_name = str_of(audience == NULL ? "" : audience);
    must(taxii_identity_put(kit->taxii, str_of(name), audience_name, str_of(source), roles, &kit_by,
                            kit->now_us) == ERR_OK);
    memcpy(token, "Bearer ", 7);
    must(taxii_identity_token(kit->taxii, str_of(name), &kit_by, kit->now_us, token + 7) == ERR_OK);
    token[7 + TAXII_TOKEN_SIZE] = '\0';
}

static int setup(void **state, bool strict)
{
    struct kit *kit = mem_alloc(sizeof *kit);
    must(kit != NULL && sign_start() == ERR_OK);
    kit->now_us = KIT_T0_US;
    kit->gate = fake_new();
    kit->jp_source = fake_source(kit->gate, "jp-cert");
    kit->ca_source = fake_source(kit->gate, "ca-cccs");
    kit->desk_source = fake_source(kit->gate, "desk");
    kit->jp = fake_peer(kit->gate, "jp", kit->jp_source);
    kit->ca = fake_peer(kit->gate, "ca", kit->ca_source);
    struct taxii_setup conf = {
        .gate = kit->gate, .random = kit_random, .random_ctx = &kit->seed, .title = STR("kr")};
    must(taxii_open(&conf, kit->now_us, &kit->taxii) == ERR_OK);
    kit_identity(kit, "jp", "jp", "", 7 | (strict ? TAXII_STRICT : 0u), kit->jp_token);
    kit_identity(kit, "ca", "ca", "", 7, kit->ca_token);
    kit_identity(kit, "desk", NULL, "desk", TAXII_SUBMIT, kit->desk_token);
    exchange_response_init(&kit->response, 0, LIMIT_TAXII_ANSWER_BYTES);
    *state = kit;
    return 0;
}

void kit_origins(struct kit *kit, const struct str *origins, size_t count)
{
    struct taxii_setup conf = {.gate = kit->gate,
                               .random = kit_random,
                               .random_ctx = &kit->seed,
                               .title = STR("kr"),
                               .origins = origins,
                               .origin_count = count};
    taxii_close(kit->taxii);
    must(taxii_open(&conf, kit->now_us, &kit->taxii) == ERR_OK);
}

int kit_setup(void **state)
{
    return setup(state, false);
}

int kit_setup_strict(void **state)
{
    return setup(state, true);
}

int kit_teardown(void **state)
{
    struct kit *kit = *state;
    exchange_response_deinit(&kit->response);
    taxii_close(kit->taxii);
    fake_free(kit->gate);
    mem_free(kit);
    return 0;
}

unsigned kit_send(struct kit *kit, const struct exchange_request *request)
{
    struct exchange_request full = *request;
    full.secure = true;
    if (full.authorization.at == NULL && !full.has_peer_key)
        full.authorization = str_of(kit->jp_token);
    exchange_response_deinit(&kit->response);
    exchange_response_init(&kit->response, 1, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(kit->taxii, &full, kit->now_us, &kit->response, &kit->effect);
    /* The text ends for the tests' sake only. */
    buf_putc(&kit->response.body, '\0');
    return kit->response.status;
}

unsigned kit_get_as(struct kit *kit, const char *token, const char *path, const char *query)
{
    struct exchange_request request = {.method = EXCHANGE_GET,
                                       .path = str_of(path),
                                       .query = str_of(query == NULL ? "" : query),
                                       .accept = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(token)};
    return kit_send(kit, &request);
}

unsigned kit_get(struct kit *kit, const char *path, const char *query)
{
    return kit_get_as(kit, kit->jp_token, path, query);
}

unsigned kit_post_as(struct kit *kit, const char *token, const char *path, const char *body)
{
    size_t len = strlen(body);
    uint8_t *padded = mem_alloc(len + JSON_PADDING);
    must(padded != NULL);
    memcpy(padded, body, len);
    struct exchange_request request = {.method = EXCHANGE_POST,
                                       .path = str_of(path),
                                       .accept = STR("application/taxii+json;version=2.1"),
                                       .content_type = STR("application/taxii+json;version=2.1"),
                                       .authorization = str_of(token),
                                       .body = {padded, len}};
    unsigned status = kit_send(kit, &request);
    mem_free(padded);
    return status;
}

unsigned kit_post(struct kit *kit, const char *path, const char *body)
{
    return kit_post_as(kit, kit->jp_token, path, body);
}

const char *kit_body(const struct kit *kit)
{
    return (const char *)kit->response.body.at;
}

const char *kit_header(const struct kit *kit, const char *name)
{
    static char text[512];
    for (size_t i = 0; i < kit->response.header_count; i++) {
        const struct exchange_header *header = &kit->response.headers[i];
        if (strcmp(header->name, name) == 0) {
            (void)snprintf(text, sizeof text, "%.*s", STR_ARG(header->value));
            return text;
        }
    }
    return NULL;
}

bool kit_says(const struct kit *kit, const char *text)
{
    return strstr(kit_body(kit), text) != NULL;
}

size_t kit_occurs(const struct kit *kit, const char *text)
{
    size_t count = 0;
    for (const char *at = kit_body(kit); (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

void kit_member(const struct kit *kit, const char *name, char *out, size_t size)
{
    char head[64];
    (void)snprintf(head, sizeof head, "\"%s\":\"", name);
    const char *at = strstr(kit_body(kit), head);
    assert_non_null(at);
    at += strlen(head);
    size_t len = strcspn(at, "\"");
    assert_true(len < size);
    memcpy(out, at, len);
    out[len] = '\0';
}

const char *kit_object(unsigned number, unsigned version, const char *note)
{
    static char texts[8][512];
    static unsigned turn;
    char *text = texts[turn++ % 8];
    (void)snprintf(text, 512,
                   "{ \"type\":\"indicator\",\"spec_version\":\"2.1\", "
                   "\"id\":\"indicator--00000000-0000-4000-8000-%012u\",\"created\":\"2026-01-01T00:00:00Z\","
                   "\"modified\":\"2026-01-01T00:%02u:%02u.000Z\",\"x_note\":\"%s\"}",
                   number, version / 60 % 60, version % 60, note);
    return text;
}

const char *kit_sco(unsigned number, const char *note)
{
    static char texts[4][256];
    static unsigned turn;
    char *text = texts[turn++ % 4];
    (void)snprintf(text, 256,
                   "{\"type\":\"ipv4-addr\",\"id\":\"ipv4-addr--00000000-0000-5000-8000-%012u\","
                   "\"value\":\"192.0.2.1\",\"x_note\":\"%s\"}",
                   number, note);
    return text;
}

void kit_release(struct kit *kit, const char *text)
{
    kit->now_us += 1000000;
    fake_leaf(kit->gate, kit->jp, LEAF_RELEASE, kit->now_us, text, LEAF_SUBJECT_NONE);
}
