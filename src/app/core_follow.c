/* Following partners: sessions, the calls that they make through edge, their receipts through keeper. */
#include "app/core_state.h"
#include "core/rd.h"
#include "core/wr.h"

/* A call's id: partner, generation of its session, the session's own number. */
enum { CALL_PARTNER_SHIFT = 56, CALL_GENERATION_SHIFT = 40 };

static uint64_t call_id(unsigned partner, uint16_t generation, uint64_t send)
{
    return (uint64_t)partner << CALL_PARTNER_SHIFT | (uint64_t)generation << CALL_GENERATION_SHIFT |
           (send & ((UINT64_C(1) << CALL_GENERATION_SHIFT) - 1));
}

static bool cards_of(struct core_role *role, const struct gate_peer *peer, struct sync_cards *out)
{
    struct fault fault = {0};
    if (peer->state != GATE_PEER_STARTED || peer->node.len == 0)
        return false;
    err_t err = sync_cards_load(role->gate, peer->index, out, &fault);
    if (err == ERR_OK && !sync_cards_next_valid(out, core_now(role)))
        err = sync_card_valid(&out->present, core_now(role), &fault);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_WARNING, err, "core", "ask the partner for its present card",
                 "the card of %.*s cannot be used: %s", STR_ARG(peer->audience), fault.what);
    return err == ERR_OK;
}

static void end_follow(struct follow *follow)
{
    sync_session_free(follow->session);
    follow->session = NULL;
    follow->started = follow->wants_commit = false;
    follow->until_us = INT64_MAX;
    follow->generation++;
}

static void begin_follow(struct core_role *role, const struct gate_peer *peer, const struct sync_cards *cards)
{
    struct follow *follow = &role->follows[peer->index];
    const struct sync_card *next = cards->has_next ? &cards->next : NULL;
    uint64_t seed = 0, number = cards->present.number, next_number = next == NULL ? 0 : next->number;
    err_t err;
    if (follow->session != NULL) {
        if (follow->card_number != number || follow->next_number != next_number)
            sync_session_card(follow->session, &cards->present, next);
        follow->card_number = number;
        follow->next_number = next_number;
        return;
    }
    if (TRY(err, role->os->random(role->os->ctx, &seed, sizeof seed)))
        return;
    struct sync_session_setup setup = {.gate = role->gate,
                                       .partner = peer->index,
                                       .card = &cards->present,
                                       .next = next,
                                       .own = &role->own,
                                       .node = str_of(role->conf->node),
                                       .seed = seed,
                                       .diag = role->diag};
    if (TRY(err, sync_session_new(&setup, &follow->session))) {
        diag_say(role->diag, DIAG_ERROR, err, "core", "run `bongsu check`",
                 "following %.*s could not begin: %s", STR_ARG(peer->audience), err_text(err));
        follow->session = NULL;
        return;
    }
    follow->generation++;
    follow->card_number = number;
    follow->next_number = next_number;
    follow->until_us = 0;
}

static void pin_copy(const struct sync_card *card, uint8_t out[EXCHANGE_KEY_SIZE])
{
    struct hash pin = sign_public_pin(&card->key[SYNC_CARD_TLS]);
    memcpy(out, pin.b, EXCHANGE_KEY_SIZE);
}

static void write_peer(struct core_role *role, const struct gate_peer *peer, const struct sync_cards *cards)
{
    const struct sync_card *card = &cards->present;
    char origin[LIMIT_HOST_BYTES + 32];
    struct buf text;
    buf_init(&text, sizeof origin);
    if (card->address_count > 0)
        buf_printf(&text, card->addresses[0].ipv6 ? "https://[%s]:%u" : "https://%s:%u",
                   card->addresses[0].host, card->addresses[0].port);
    struct message_peer row = {.partner = peer->index, .key_count = 1, .origin = buf_str(&text)};
    pin_copy(card, row.keys[0]);
    if (sync_cards_next_valid(cards, core_now(role)))
        pin_copy(&cards->next, row.keys[row.key_count++]);
    message_peer_write(&role->wire, &row);
    buf_deinit(&text);
}

void core_peers_refresh(struct core_role *role)
{
    struct sync_cards cards;
    sync_serve_refresh(role->serve);
    if (role->edge_up)
        core_guard_tell(role);
    buf_clear(&role->wire);
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        if (!cards_of(role, peer, &cards)) {
            end_follow(&role->follows[i]);
            continue;
        }
        write_peer(role, peer, &cards);
        if (role->edge != NULL)
            begin_follow(role, peer, &cards);
    }
    if (role->edge == NULL || !role->edge_up)
        return;
    /* Peers before the sessions that call them. */
    if (buf_err(&role->wire) != ERR_OK ||
        link_send(role->edge, MESSAGE_PEERS, buf_bytes(&role->wire)) != ERR_OK) {
        role->peers_stale = true;
        return;
    }
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        struct follow *follow = &role->follows[i];
        bool again = follow->session != NULL && sync_session_resumable(follow->session);
        if (follow->session != NULL && (!follow->started || again))
            follow->started = sync_session_start(follow->session, core_now(role)) == ERR_OK;
    }
}

static void send_call(struct core_role *role, unsigned partner, const struct sync_send *send)
{
    struct follow *follow = &role->follows[partner];
    struct buf target;
    buf_init(&target, LIMIT_HTTP_TARGET_BYTES);
    buf_put_str(&target, send->path);
    if (send->query.len > 0) {
        buf_putc(&target, '?');
        buf_put_str(&target, send->query);
    }
    struct message_call call = {.id = call_id(partner, follow->generation, send->id),
                                .partner = partner,
                                .method = send->method,
                                .any_key = send->any_key,
                                .target = buf_str(&target),
                                .content_type = str_of(send->content_type),
                                .answer_max = SYNC_ANSWER_BYTES_MAX,
                                .quiet_ms = (uint32_t)(send->quiet_us / 1000),
                                .timeout_ms = (uint32_t)(send->timeout_us / 1000),
                                .body = send->body};
    buf_clear(&role->wire);
    message_call_write(&role->wire, &call);
    err_t err = buf_err(&target);
    if (err == ERR_OK)
        err = buf_err(&role->wire);
    if (err == ERR_OK)
        err = link_send(role->edge, MESSAGE_CALL, buf_bytes(&role->wire));
    buf_deinit(&target);
    if (err != ERR_OK)
        sync_session_failed(follow->session, send->id, err, core_now(role));
}

static void send_receipt(struct core_role *role, unsigned partner, const struct sync_sign *sign)
{
    struct message_receipt receipt = {partner, sign->checkpoint, sign->wanted};
    buf_clear(&role->wire);
    message_receipt_write(&role->wire, &receipt);
    err_t err = buf_err(&role->wire);
    if (err == ERR_OK)
        err = link_send(role->keeper, MESSAGE_RECEIPT, buf_bytes(&role->wire));
    role->follows[partner].signing = err == ERR_OK;
    role->follows[partner].signing_size = sign->wanted.size;
    if (err != ERR_OK)
        sync_session_signed(role->follows[partner].session, err, sign->wanted.size, (struct str) {NULL, 0},
                            (struct str) {NULL, 0}, core_now(role));
}

static void send_answer(struct core_role *role, unsigned partner, const struct sync_recall_done *wanted)
{
    struct message_recall_done done = {partner, *wanted};
    buf_clear(&role->wire);
    message_recall_done_write(&role->wire, &done);
    err_t err = buf_err(&role->wire);
    if (err == ERR_OK)
        err = link_send(role->keeper, MESSAGE_RECALL_DONE, buf_bytes(&role->wire));
    if (err != ERR_OK)
        sync_session_recall_signed(role->follows[partner].session, err, wanted->seq, (struct str) {NULL, 0},
                                   core_now(role));
}

/* Until the session rests, or wants a commit. */
static void run_one(struct core_role *role, unsigned partner)
{
    struct follow *follow = &role->follows[partner];
    struct sync_action action;
    while (follow->session != NULL && !follow->wants_commit) {
        sync_session_next(follow->session, core_now(role), &action);
        switch (action.kind) {
        case SYNC_SEND:
            send_call(role, partner, &action.send);
            break;
        case SYNC_SIGN:
            send_receipt(role, partner, &action.sign);
            break;
        case SYNC_ANSWER:
            send_answer(role, partner, &action.answer);
            break;
        case SYNC_COMMIT:
            follow->wants_commit = true;
            break;
        case SYNC_NOTHING:
            follow->until_us = action.until_us;
            return;
        }
    }
}

void core_follow_turn(struct core_role *role)
{
    if (!role->edge_up)
        return;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        run_one(role, i);
}

bool core_follow_wants_commit(const struct core_role *role)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (role->follows[i].wants_commit)
            return true;
    return false;
}

bool core_follow_committed(struct core_role *role, err_t err)
{
    bool any = false;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        struct follow *follow = &role->follows[i];
        if (!follow->wants_commit || follow->session == NULL)
            continue;
        follow->wants_commit = false;
        sync_session_committed(follow->session, err, core_now(role));
        /* The receipt goes to the keeper at once, the next page is taken over in the next group. */
        run_one(role, i);
        any = any || follow->wants_commit;
    }
    return any;
}

int64_t core_follow_until(const struct core_role *role)
{
    int64_t until_us = INT64_MAX;
    for (unsigned i = 0; role->edge_up && i < LIMIT_PARTNERS; i++) {
        const struct follow *follow = &role->follows[i];
        if (follow->session != NULL && follow->until_us < until_us)
            until_us = follow->until_us;
    }
    return until_us;
}

/* Whose session made the call, and its number there; NULL: that session is over. */
static struct follow *caller_of(struct core_role *role, uint64_t call, uint64_t *out_send)
{
    unsigned partner = (unsigned)(call >> CALL_PARTNER_SHIFT);
    *out_send = call & ((UINT64_C(1) << CALL_GENERATION_SHIFT) - 1);
    if (partner >= LIMIT_PARTNERS)
        return NULL;
    struct follow *follow = &role->follows[partner];
    bool here = follow->session != NULL && call_id(partner, follow->generation, *out_send) == call;
    return here ? follow : NULL;
}

void core_coming(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    uint64_t send, call = rd_u64(&rd);
    struct follow *follow = rd_end(&rd) == ERR_OK ? caller_of(role, call, &send) : NULL;
    if (follow != NULL)
        sync_session_coming(follow->session, send, core_now(role));
}

void core_answer(struct core_role *role, struct bytes body)
{
    struct message_answer answer;
    uint64_t send;
    if (message_answer_read(body, &answer) != ERR_OK)
        return;
    struct follow *follow = caller_of(role, answer.id, &send);
    if (follow == NULL)
        return;
    if (answer.err != ERR_OK) {
        sync_session_failed(follow->session, send, answer.err, core_now(role));
        return;
    }
    struct buf taken;
    buf_init(&taken, SYNC_ANSWER_BYTES_MAX + JSON_PADDING);
    buf_put(&taken, answer.body.at, answer.body.len);
    err_t err = buf_err(&taken);
    if (err == ERR_OK)
        sync_session_answer(follow->session, send, answer.status, &taken, core_now(role));
    else
        sync_session_failed(follow->session, send, err, core_now(role));
    buf_deinit(&taken);
}

/* The new edge knows no partner and makes none of the old one's calls: sessions begin again. */
void core_edge_fresh(struct core_role *role)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (!role->follows[i].wants_commit)
            end_follow(&role->follows[i]);
    role->peers_stale = true;
}

void core_receipted(struct core_role *role, struct bytes body)
{
    struct message_receipted receipt;
    if (message_receipted_read(body, &receipt) != ERR_OK || receipt.partner >= LIMIT_PARTNERS)
        return;
    struct follow *follow = &role->follows[receipt.partner];
    follow->signing = false;
    if (follow->session != NULL)
        sync_session_signed(follow->session, receipt.err, receipt.size, receipt.cosignature,
                            receipt.disposition, core_now(role));
}

void core_recall_signed(struct core_role *role, struct bytes body)
{
    struct message_recall_signed message;
    if (message_recall_signed_read(body, &message) != ERR_OK || message.partner >= LIMIT_PARTNERS)
        return;
    struct follow *follow = &role->follows[message.partner];
    if (follow->session != NULL)
        sync_session_recall_signed(follow->session, message.err, message.seq, message.note, core_now(role));
}

/* The keeper was replaced: what it was asked to sign is asked again after a while. */
void core_receipts_lost(struct core_role *role)
{
    const struct str none = {NULL, 0};
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++) {
        struct follow *follow = &role->follows[i];
        if (follow->session != NULL && follow->signing)
            sync_session_signed(follow->session, ERR_CLOSED, follow->signing_size, none, none,
                                core_now(role));
        follow->signing = false;
    }
}

void core_follow_close(struct core_role *role)
{
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        sync_session_free(role->follows[i].session);
}
