#include "taxii/server.h"

#include "core/mem.h"
#include "taxii/answer.h"
#include "taxii/auth.h"
#include "taxii/cors.h"
#include "taxii/quota.h"
#include "taxii/route.h"

struct hash taxii_mac(const struct taxii *taxii, const char *label, struct bytes context)
{
    struct hash key = hash_hmac_sha256(bytes_of(taxii->key.b, HASH_SIZE), bytes_from_str(str_of(label)));
    return hash_hmac_sha256(bytes_of(key.b, HASH_SIZE), context);
}

/* --- life --- */

static err_t key_load(struct taxii *taxii, int64_t now_us)
{
    static const struct gate_by by = {{"taxii", 5}, {"first start", 11}};
    uint8_t raw[HASH_SIZE]; /* short of memory, another key would be drawn */
    struct buf value = {.at = raw, .size = sizeof raw, .size_max = sizeof raw};
    bool held = gate_setting_get(taxii->gate, STR("taxii/key"), &value);
    err_t err = buf_err(&value);
    if (!held && err == ERR_OK) {
        err = taxii->random(taxii->random_ctx, taxii->key.b, HASH_SIZE);
        if (err == ERR_OK)
            err = gate_setting_put(taxii->gate, STR("taxii/key"), bytes_of(taxii->key.b, HASH_SIZE), &by,
                                   now_us);
    } else if (err == ERR_OK && value.len == HASH_SIZE) {
        memcpy(taxii->key.b, raw, HASH_SIZE);
    } else if (err == ERR_OK || err == ERR_LIMIT) {
        err = ERR_CORRUPT;
    }
    mem_wipe(raw, sizeof raw);
    return err;
}

static void text_keep(char out[LIMIT_TAXII_TITLE_BYTES], struct str text)
{
    size_t len = text.len < LIMIT_TAXII_TITLE_BYTES ? text.len : LIMIT_TAXII_TITLE_BYTES - 1;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = '\0';
}

err_t taxii_open(const struct taxii_setup *setup, int64_t now_us, struct taxii **out)
{
    struct taxii *taxii = mem_alloc(sizeof *taxii);
    if (taxii == NULL)
        return ERR_NOMEM;
    taxii->gate = setup->gate;
    taxii->random = setup->random;
    taxii->random_ctx = setup->random_ctx;
    taxii->allow_plain = setup->allow_plain;
    text_keep(taxii->title, setup->title);
    text_keep(taxii->description, setup->description);
    cors_keep(taxii, setup->origins, setup->origin_count);
    taxii->accounts = mem_alloc_array(LIMIT_TAXII_IDENTITIES, sizeof *taxii->accounts);
    err_t err = taxii->accounts == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK)
        err = json_parser_new(LIMIT_TAXII_CONTENT_BYTES + JSON_PADDING, &taxii->parser);
    if (err == ERR_OK)
        err = taxii->random(taxii->random_ctx, taxii->run_key.b, HASH_SIZE);
    if (err == ERR_OK)
        err = key_load(taxii, now_us);
    if (err == ERR_OK)
        err = taxii_accounts_load(taxii);
    if (err == ERR_OK)
        *out = taxii;
    else
        taxii_close(taxii);
    return err;
}

void taxii_close(struct taxii *taxii)
{
    if (taxii == NULL)
        return;
    for (size_t i = 0; i < taxii->workspace_count; i++)
        mem_free(taxii->workspaces[i].marks);
    json_parser_free(taxii->parser);
    if (taxii->accounts != NULL)
        mem_free_secret(taxii->accounts, LIMIT_TAXII_IDENTITIES * sizeof *taxii->accounts);
    mem_free_secret(taxii, sizeof *taxii);
}

/* --- the door --- */

bool taxii_owns(struct str path)
{
    return str_eq(path, STR("/taxii2")) || str_starts(path, STR("/taxii2/")) || str_eq(path, STR("/api")) ||
           str_starts(path, STR("/api/"));
}

static void answer_stranger(struct exchange_response *response, enum auth_outcome outcome)
{
    if (outcome == AUTH_BUSY) {
        answer_error(response, 429, "Too many attempts", STR(""));
        exchange_header_put(response, "Retry-After", STR("8"));
        return;
    }
    answer_error(response, 401, "Who are you?", STR("Basic, Bearer, or a client certificate"));
    exchange_header_put(response, "WWW-Authenticate", STR("Basic realm=\"bongsu\", charset=\"UTF-8\""));
    exchange_header_put(response, "WWW-Authenticate", STR("Bearer realm=\"bongsu\""));
}

static void answer(struct call *call)
{
    enum auth_outcome outcome = auth_request(call->taxii, call->request, call->now_us, &call->identity);
    if (outcome != AUTH_KNOWN) {
        answer_stranger(call->response, outcome);
        return;
    }
    call->effect->access.who = call->identity->name;
    if (!quota_request(call))
        return;
    route(call);
    if (call->response->status == 0)
        quota_return(call); /* it comes again */
    /* What edge gives again by itself is not counted here. */
    if (call->identity->requests != 0)
        call->response->cacheable = false;
}

static void handle(struct call *call)
{
    struct exchange_response *response = call->response;
    struct taxii_effect *effect = call->effect;
    *effect = (struct taxii_effect) {.polled = -1, .access = {.what = "", .collection = ""}};
    if (!call->request->secure && !call->taxii->allow_plain)
        answer_error(response, 403, "TAXII is served over TLS", STR(""));
    else if (!cors_preflight(call))
        answer(call);
    if (buf_err(&response->body) != ERR_OK) {
        response->header_count = 0;
        answer_failed(response, buf_err(&response->body));
        effect->needs_commit = false;
    }
    if (response->status != 0)
        cors_allow(call);
}

void taxii_handle(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                  struct exchange_response *response, struct taxii_effect *effect)
{
    struct call call = {taxii, request, now_us, NULL, response, effect, false};
    handle(&call);
}

bool taxii_try(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
               struct exchange_response *response, struct taxii_effect *effect)
{
    struct call call = {taxii, request, now_us, NULL, response, effect, true};
    handle(&call);
    return response->status != 0;
}

void taxii_uncommitted(struct exchange_response *response)
{
    response->header_count = 0;
    answer_failed(response, ERR_READONLY);
}
