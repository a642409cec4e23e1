/* Requests that edge hands over, and their answers: which room answers what. */
#include "app/core_state.h"
#include "core/mem.h"
#include "core/rd.h"

void core_respond(struct core_role *role, const struct exchange_response *response)
{
    core_access_answer(role, response);
    buf_clear(&role->wire);
    exchange_response_write(&role->wire, response);
    if (role->edge == NULL)
        return;
    err_t err = buf_err(&role->wire);
    if (err == ERR_OK)
        err = link_send(role->edge, MESSAGE_RESPONSE, buf_bytes(&role->wire));
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "core", "the asker will repeat its request",
                 "an answer of %zu bytes was dropped: %s", response->body.len, err_text(err));
}

/* The answer goes at once, or waits for the commit. */
static void finish(struct core_role *role, struct exchange_response *response, bool wait, enum held_kind kind)
{
    struct held *held = wait ? core_hold(role) : NULL;
    if (held != NULL) {
        held->kind = kind;
        exchange_response_move(&held->response, response);
        return;
    }
    /* Without memory to hold it back it may not go: the asker repeats. */
    if (wait)
        response->status = 503;
    core_respond(role, response);
    exchange_response_deinit(response);
}

static void finish_taxii(struct core_role *role, struct exchange_response *response,
                         enum exchange_method method, const struct taxii_effect *effect)
{
    access_note_write(&response->note, method, &effect->access);
    if (effect->polled >= 0) {
        role->polled |= UINT64_C(1) << effect->polled;
        response->view = 1 + (unsigned)effect->polled;
    }
    core_views_stamp(role, response);
    finish(role, response, effect->needs_commit, HELD_TAXII);
}

void core_taxii(struct core_role *role, const struct exchange_request *request)
{
    struct exchange_response response;
    struct taxii_effect effect;
    exchange_response_init(&response, request->id, LIMIT_TAXII_ANSWER_BYTES);
    taxii_handle(role->taxii, request, core_now(role), &response, &effect);
    finish_taxii(role, &response, request->method, &effect);
}

static void by_taxii(struct core_role *role, const struct exchange_request *request, struct bytes wire)
{
    struct exchange_response response;
    struct taxii_effect effect;
    exchange_response_init(&response, request->id, LIMIT_TAXII_ANSWER_BYTES);
    bool answered = taxii_try(role->taxii, request, core_now(role), &response, &effect);
    if (answered) {
        finish_taxii(role, &response, request->method, &effect);
        return;
    }
    exchange_response_deinit(&response);
    if (!role->keeper_up || core_read_wait(role, (unsigned)effect.polled, request->id, wire) != ERR_OK)
        core_taxii(role, request);
}

static void by_sync(struct core_role *role, const struct exchange_request *request)
{
    struct exchange_response response;
    bool wait = false;
    exchange_response_init(&response, request->id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(role->serve, request, core_now(role), &response, &wait);
    if (response.status == 0) { /* a long poll: core_serve_late answers */
        exchange_response_deinit(&response);
        return;
    }
    core_views_stamp(role, &response);
    finish(role, &response, wait, HELD_SYNC);
}

void core_request(struct core_role *role, struct bytes body)
{
    struct exchange_request request;
    if (exchange_request_read(body, &request) != ERR_OK)
        return;
    role->requests++;
    if (sync_serve_owns(request.path)) {
        by_sync(role, &request);
    } else if (taxii_owns(request.path)) {
        by_taxii(role, &request, body);
    } else {
        struct exchange_response response;
        exchange_response_init(&response, request.id, 64);
        response.status = 404;
        finish(role, &response, false, HELD_SYNC);
    }
}

void core_gone(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint64_t id = rd_u64(&rd);
    if (rd_end(&rd) != ERR_OK)
        return;
    sync_serve_forget(role->serve, id);
    core_reads_forget(role, id);
}

void core_serve_late(struct core_role *role)
{
    struct exchange_response response;
    core_reads_late(role);
    while (sync_serve_next(role->serve, core_now(role), &response)) {
        core_views_stamp(role, &response);
        core_respond(role, &response);
        exchange_response_deinit(&response);
    }
}
