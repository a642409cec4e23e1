/* The last look at what leaves in bundles and exports. They leave by the control socket, past the process
 * that looks at answers to requests; so its reader (guard/guard.h) looks here, told and proved the same. It
 * is its own reader still, and not its own process: whoever has taken core over can leave it out. */
#include "app/core_state.h"
#include "app/message_guard.h"
#include "core/rd.h"
#include "sync/evidence.h"
#include "sync/wire.h"

err_t core_bundle_guard_new(struct core_role *role, struct guard **out)
{
    struct hash_sip_key key;
    struct fault fault;
    struct buf text;
    err_t err;
    if (TRY(err, role->os->random(role->os->ctx, key.b, sizeof key.b)) || TRY(err, guard_new(&key, out)))
        return err;
    buf_init(&text, LIMIT_GUARD_RULES_BYTES);
    core_guard_rules(role, &text);
    err = buf_err(&text);
    if (err == ERR_OK)
        err = guard_rules(*out, buf_str(&text), &fault);
    buf_deinit(&text);
    if (err != ERR_OK) {
        guard_free(*out);
        *out = NULL;
    }
    return err;
}

/* One question. ERR_BUSY: about a leaf that no checkpoint covers yet. */
static err_t answer_one(struct core_role *role, struct guard *guard, const struct message_ask *ask,
                        struct buf *leaves)
{
    unsigned run = ask->run < LIMIT_GUARD_RUN ? ask->run : LIMIT_GUARD_RUN;
    enum sync_held held;
    err_t err;
    buf_clear(leaves);
    if (TRY(err, sync_evidence(role->gate, ask->partner, ask->id, run, &held, leaves)) ||
        TRY(err, buf_err(leaves)))
        return err;
    if (held == SYNC_HELD_SOON) {
        role->polled |= UINT64_C(1) << ask->partner;
        return ERR_BUSY;
    }
    guard_evidence(guard, ask->partner, ask->id, (enum guard_held)held, buf_bytes(leaves));
    return ERR_OK;
}

/* What it asked for: its own words are gone with the first answer, so they are copied. */
static err_t evidence(struct core_role *role, struct guard *guard)
{
    struct buf asks, leaves;
    buf_init(&asks, LIMIT_LINK_SMALL_BYTES);
    buf_init(&leaves, LIMIT_LINK_SMALL_BYTES);
    for (size_t i = 0; i < guard_ask_count(guard); i++) {
        struct guard_ask ask = guard_ask_get(guard, i);
        message_ask_write(&asks, &(struct message_ask) {(uint8_t)ask.partner, (uint16_t)ask.run, ask.id});
    }
    err_t err = buf_err(&asks);
    struct rd rd = rd_of(buf_bytes(&asks));
    while (err == ERR_OK && rd.left > 0) {
        struct message_ask ask = message_ask_next(&rd);
        err = rd.err != ERR_OK ? rd.err : answer_one(role, guard, &ask, &leaves);
    }
    buf_deinit(&asks);
    buf_deinit(&leaves);
    return err;
}

/* What is looked at: an answer to a request, or what is given to somebody's server. */
struct leaving {
    const struct guard_answer *answer;
    const struct guard_call *call;
};

/* ERR_BUSY: what it asks for is not signed yet; ERR_DENIED: it was held, and that is told. */
static err_t last_look(struct core_role *role, struct guard *guard, struct guard_case *asked,
                       const struct leaving *leaving)
{
    struct guard_finding finding;
    err_t err;
    for (;;) { /* it never asks twice for the same: an answer that it was given settles it */
        switch (leaving->call != NULL ? guard_check_call(guard, asked, leaving->call, &finding)
                                      : guard_check(guard, asked, leaving->answer, &finding)) {
        case GUARD_PASS:
            return ERR_OK;
        case GUARD_HOLD:
            core_guard_found(role, &finding);
            return ERR_DENIED;
        case GUARD_ASK:
            break;
        }
        if (TRY(err, evidence(role, guard)))
            return err;
    }
}

err_t core_bundle_guarded(struct core_role *role, struct guard *guard, unsigned partner, struct str query,
                          struct bytes body)
{
    const struct gate_peer *peer = gate_peer_get(role->gate, partner);
    struct guard_case asked;
    struct sync_card card;
    struct fault fault;
    err_t err;
    if (TRY(err, sync_card_parse(str_from_bytes(peer->card), &card, &fault)))
        return err;
    struct hash pin = sign_public_pin(&card.key[SYNC_CARD_TLS]);
    struct guard_request request = {
        .reads = true, .has_key = true, .key = pin.b, .path = STR(SYNC_PATH_FEED), .query = query};
    struct guard_answer answer = {.status = 200, .body = body, .now_s = core_now(role) / 1000000};
    guard_case_open(&asked, &request);
    return last_look(role, guard, &asked, &(struct leaving) {.answer = &answer});
}

err_t core_export_guarded(struct core_role *role, unsigned partner, struct bytes envelope)
{
    static const struct guard_request none = {.reads = false};
    struct guard_call call = {.partner = (int)partner,
                              .method = GUARD_GIVES,
                              .self = STR(""),
                              .given = {STR(""), STR("")},
                              .target = STR(""),
                              .body = envelope,
                              .now_s = core_now(role) / 1000000};
    struct guard_case asked;
    struct guard *guard;
    err_t err;
    if (TRY(err, core_bundle_guard_new(role, &guard)))
        return err;
    guard_case_open(&asked, &none);
    err = last_look(role, guard, &asked, &(struct leaving) {.call = &call});
    guard_free(guard);
    return err;
}
