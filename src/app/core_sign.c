/* Checkpoints: asked for when a partner waits or a TAXII reader looks, at most every 10 ms (DESIGN 4.7), and
 * logged when they come back. */
#include "app/core_state.h"
#include "core/mem.h"
#include "core/wr.h"

static const int64_t SIGN_EVERY_US = 10000;

static void ask(struct core_role *role, unsigned ledger)
{
    struct buf *wire = &role->signing[ledger];
    if (wire->len > 0 || !gate_sign_next(role->gate, ledger, &role->request))
        return;
    message_sign_write(wire, &role->request);
    err_t err = buf_err(wire);
    if (err == ERR_OK)
        err = link_send(role->keeper, MESSAGE_SIGN, buf_bytes(wire));
    if (err != ERR_OK) {
        gate_sign_abandon(role->gate, ledger);
        buf_clear(wire);
    }
    role->signed_us = core_now(role);
}

static void send_vouch(struct core_role *role, const struct gate_vouching *wanted)
{
    struct buf wire;
    buf_init(&wire, LIMIT_LINK_SMALL_BYTES);
    message_vouch_write(&wire, ++role->vouch_ticket, wanted);
    err_t err = buf_err(&wire);
    if (err == ERR_OK)
        err = link_send(role->keeper, MESSAGE_VOUCH, buf_bytes(&wire));
    if (err != ERR_OK)
        gate_vouch_abandon(role->gate);
    buf_deinit(&wire);
}

/* What entered here, before a checkpoint for this partner covers it. */
static void vouch(struct core_role *role, unsigned partner)
{
    const struct gate_vouching *wanted = gate_vouch_next(role->gate, partner);
    if (wanted != NULL)
        send_vouch(role, wanted);
}

static err_t take_vouched(struct core_role *role, const struct message_vouched *message)
{
    struct signature *made = mem_alloc_array(message->count + 1, sizeof *made);
    struct rd rd = rd_of(message->signatures);
    if (made == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < message->count; i++)
        message_vouched_next(&rd, &made[i]);
    err_t err = gate_vouched(role->gate, message->suite, message->key, made, core_now(role));
    mem_free(made);
    return err;
}

void core_vouched(struct core_role *role, struct bytes body)
{
    const struct gate_vouching *out = gate_vouch_out(role->gate);
    struct message_vouched message;
    if (message_vouched_read(body, &message) != ERR_OK || out == NULL || message.ticket != role->vouch_ticket)
        return;
    role->polled |= UINT64_C(1) << out->partner;
    if (message.err != ERR_OK || message.count != out->count) {
        /* Where nothing is signed at all the checkpoint says so. */
        gate_vouch_skip(role->gate);
        return;
    }
    err_t err = take_vouched(role, &message);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node",
                 "what was signed as having entered here could not be logged: %s", err_text(err));
}

void core_sign_turn(struct core_role *role)
{
    uint64_t mask = sync_serve_waiting(role->serve) | role->polled | core_reads_waiting(role) |
                    gate_sign_anew_wanted(role->gate);
    role->sign_later = role->keeper_up && mask != 0 && core_now(role) - role->signed_us < SIGN_EVERY_US;
    if (!role->keeper_up || mask == 0 || role->sign_later)
        return;
    role->polled = 0;
    for (; mask != 0; mask &= mask - 1) {
        unsigned partner = (unsigned)__builtin_ctzll(mask);
        vouch(role, partner);
        ask(role, gate_urgent(partner));
        ask(role, partner);
    }
}

int64_t core_sign_until(const struct core_role *role)
{
    return role->sign_later ? role->signed_us + SIGN_EVERY_US : INT64_MAX;
}

static void refused(struct core_role *role, const struct message_signed *message)
{
    const struct gate_peer *peer = gate_peer_get(role->gate, gate_ledger_partner(message->ledger));
    role->restored = role->restored || message->err == ERR_WRONGSTATE;
    diag_say(role->diag, DIAG_ERROR, message->err, "core",
             "if the store was restored from a backup, see the guide; nothing new is shown to this partner",
             "the keeper does not sign the ledger for %.*s: it signed size %llu before (%s)",
             STR_ARG(peer->audience), (unsigned long long)message->anchored_size, err_text(message->err));
}

void core_signed(struct core_role *role, struct bytes body)
{
    struct message_signed message;
    err_t err;
    if (message_signed_read(body, &message) != ERR_OK || message.ledger > GATE_NODE_LOG)
        return;
    if (message.ledger == GATE_NODE_LOG) {
        core_log_signed(role, &message);
        return;
    }
    struct buf *wire = &role->signing[message.ledger];
    if (wire->len == 0 || TRY(err, message_sign_read(buf_bytes(wire), &role->request)))
        return;
    if (message.err == ERR_OK && message.count == role->request.count) {
        err = gate_signed(role->gate, &role->request, message.notes, core_now(role));
        if (err != ERR_OK)
            diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node",
                     "a checkpoint could not be logged: %s", err_text(err));
        buf_clear(wire);
        return;
    }
    if (message.err == ERR_CONFLICT && role->request.old_size < message.anchored_size &&
        gate_sign_again(role->gate, message.ledger, message.anchored_size)) {
        buf_clear(wire);
        role->polled |= UINT64_C(1) << gate_ledger_partner(message.ledger);
        return;
    }
    /* The request stays out: this ledger stops, the others go on. */
    refused(role, &message);
}

err_t core_epoch_begins(struct core_role *role, unsigned partner, uint32_t epoch)
{
    uint8_t body[4];
    wr_at(body, epoch, sizeof body);
    if (role->edge == NULL || !role->keeper_up)
        return role->edge == NULL ? ERR_CLOSED : ERR_BUSY;
    buf_clear(&role->signing[partner]); /* what was asked for, and refused, is of the ledgers before */
    buf_clear(&role->signing[gate_urgent(partner)]);
    role->restored = false;
    role->polled |= UINT64_C(1) << partner;
    return link_send(role->keeper, MESSAGE_EPOCH, bytes_of(body, sizeof body));
}

/* The new keeper has not heard what was asked of the old one. */
void core_keeper_fresh(struct core_role *role)
{
    core_receipts_lost(role);
    core_bundles_lost(role);
    core_log_keeper(role);
    const struct gate_vouching *wanted = gate_vouch_out(role->gate);
    if (wanted != NULL)
        send_vouch(role, wanted);
    for (unsigned i = 0; i < GATE_LEDGERS; i++)
        if (role->signing[i].len > 0 &&
            link_send(role->keeper, MESSAGE_SIGN, buf_bytes(&role->signing[i])) != ERR_OK)
            diag_say(role->diag, DIAG_ERROR, ERR_FULL, "core", "restart the node",
                     "a checkpoint could not be sent to the keeper");
}
