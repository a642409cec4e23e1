/* Heads of bundles at the keeper, who signs those that leave and opens those that came. */
#include "app/core_state.h"
#include "core/mem.h"

static struct bundle_ask *ask_of(struct core_role *role, uint32_t ticket)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->bundle_asks[i].ticket == ticket)
            return &role->bundle_asks[i];
    return NULL;
}

uint32_t core_bundle_ask(struct core_role *role, bool open, struct str head)
{
    struct bundle_ask *ask = ask_of(role, 0);
    if (ask == NULL || role->keeper == NULL || !role->keeper_up)
        return 0;
    uint32_t ticket = ++role->bundle_tickets;
    if (ticket == 0)
        ticket = ++role->bundle_tickets;
    struct message_bundle message = {ticket, open, head};
    buf_clear(&role->wire);
    message_bundle_write(&role->wire, &message);
    if (buf_err(&role->wire) != ERR_OK ||
        link_send(role->keeper, MESSAGE_BUNDLE, buf_bytes(&role->wire)) != ERR_OK)
        return 0;
    *ask = (struct bundle_ask) {.ticket = ticket};
    buf_init(&ask->answer, LIMIT_BUNDLE_HEAD_BYTES);
    return ticket;
}

/* What it held may have been a key. */
static void ask_end(struct bundle_ask *ask)
{
    if (ask->answer.at != NULL)
        mem_wipe(ask->answer.at, ask->answer.size);
    buf_deinit(&ask->answer);
    *ask = (struct bundle_ask) {.ticket = 0};
}

err_t core_bundle_answer(struct core_role *role, uint32_t ticket, struct buf *out)
{
    struct bundle_ask *ask = ticket == 0 ? NULL : ask_of(role, ticket);
    if (ask == NULL)
        return ERR_CLOSED;
    if (!ask->done)
        return ERR_BUSY;
    err_t err = ask->err;
    if (err == ERR_OK) {
        buf_put(out, ask->answer.at, ask->answer.len);
        err = buf_err(out);
    }
    ask_end(ask);
    return err;
}

void core_bundle_drop(struct core_role *role, uint32_t ticket)
{
    struct bundle_ask *ask = ticket == 0 ? NULL : ask_of(role, ticket);
    if (ask != NULL)
        ask_end(ask);
}

void core_bundled(struct core_role *role, struct bytes body)
{
    struct message_bundled message;
    if (message_bundled_read(body, &message) != ERR_OK || message.ticket == 0)
        return;
    struct bundle_ask *ask = ask_of(role, message.ticket);
    if (ask == NULL || ask->done)
        return;
    buf_put(&ask->answer, message.answer.at, message.answer.len);
    ask->err = message.err != ERR_OK ? message.err : buf_err(&ask->answer);
    ask->done = true;
    core_wake(role);
}

void core_bundles_lost(struct core_role *role)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (role->bundle_asks[i].ticket != 0 && !role->bundle_asks[i].done) {
            role->bundle_asks[i].done = true;
            role->bundle_asks[i].err = ERR_CLOSED;
        }
}
