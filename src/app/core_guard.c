/* Core and the guard: what the guard is told of partners and readers, what it asks for, and what it held. */
#include <stdio.h>

#include "app/core_state.h"
#include "app/message_guard.h"
#include "core/rd.h"
#include "core/wr.h"
#include "sync/evidence.h"

enum { RECORD_VERSION = 1, RECORD_MAX = 64 + LIMIT_GUARD_WAIVERS * (HASH_SIZE + 1), KEY_MAX = 96 };

/* --- what is kept about a partner, as a setting of the node --- */

static struct str setting_key(const struct gate_peer *peer, char out[KEY_MAX])
{
    int len = snprintf(out, KEY_MAX, "guard/%.*s", STR_ARG(peer->audience));
    return (struct str) {out, (size_t)len};
}

static err_t record_read(struct bytes wire, struct core_guarded *out)
{
    struct rd rd = rd_of(wire);
    struct core_guarded guarded = {.held = false};
    if (rd_u8(&rd) != RECORD_VERSION)
        return ERR_VERSION;
    guarded.held = rd_u8(&rd) != 0;
    guarded.resumed = rd_u64(&rd);
    guarded.finding.rule = (enum guard_rule)rd_u8(&rd);
    guarded.finding.has_seq = rd_u8(&rd) != 0;
    guarded.finding.seq = rd_u64(&rd);
    rd_copy(&rd, guarded.finding.object.b, HASH_SIZE);
    guarded.when_us = (int64_t)rd_u64(&rd);
    guarded.waivers = bytes_of(rd.at, rd.left);
    if (rd.err != ERR_OK || guarded.finding.rule >= GUARD_RULES || rd.left % (HASH_SIZE + 1) != 0)
        return ERR_CORRUPT;
    *out = guarded;
    return ERR_OK;
}

static void record_write(struct buf *out, const struct core_guarded *guarded)
{
    wr_u8(out, RECORD_VERSION);
    wr_u8(out, guarded->held);
    wr_u64(out, guarded->resumed);
    wr_u8(out, (uint8_t)guarded->finding.rule);
    wr_u8(out, guarded->finding.has_seq);
    wr_u64(out, guarded->finding.seq);
    wr_bytes(out, bytes_of(guarded->finding.object.b, HASH_SIZE));
    wr_u64(out, (uint64_t)guarded->when_us);
    wr_bytes(out, guarded->waivers);
}

void core_guard_get(const struct gate *gate, const struct gate_peer *peer, struct buf *memory,
                    struct core_guarded *out)
{
    char key[KEY_MAX];
    *out = (struct core_guarded) {.held = false};
    buf_clear(memory);
    if (gate_setting_get(gate, setting_key(peer, key), memory) &&
        record_read(buf_bytes(memory), out) != ERR_OK)
        out->held = true; /* nobody knows what was held: nothing goes until an operator says so */
}

err_t core_guard_put(struct gate *gate, const struct gate_peer *peer, const struct core_guarded *guarded,
                     const struct gate_by *by, int64_t now_us)
{
    char key[KEY_MAX];
    struct buf record;
    buf_init(&record, RECORD_MAX);
    record_write(&record, guarded);
    err_t err = buf_err(&record);
    if (err == ERR_OK)
        err = gate_setting_put(gate, setting_key(peer, key), buf_bytes(&record), by, now_us);
    buf_deinit(&record);
    return err;
}

/* --- rules --- */

/* Whom the policy gives no level: AMBER. What is to go higher is said in the policy, partner by partner. */
static const char *ceiling_of(const struct core_role *role, unsigned partner)
{
    const struct policy *policy = gate_policy(role->gate);
    const char *level = policy == NULL ? NULL : policy_partner_tlp_max(policy, partner);
    return level == NULL ? "amber" : level;
}

static void pin_hex(const struct sync_card *card, char out[2 * HASH_SIZE])
{
    struct hash pin = sign_public_pin(&card->key[SYNC_CARD_TLS]);
    str_hex(pin.b, HASH_SIZE, out);
}

/* True: there is a next one as well. */
static bool write_card(struct core_role *role, const struct gate_peer *peer, struct sync_cards *cards,
                       struct buf *out)
{
    struct fault fault = {.code = ERR_OK};
    char hex[2 * HASH_SIZE];
    if (peer->state != GATE_PEER_STARTED ||
        sync_cards_load(role->gate, peer->index, cards, &fault) != ERR_OK) {
        buf_put_str(out, STR(" - -"));
        return false;
    }
    int64_t until_us = cards->present.expires_us;
    if (cards->has_next && cards->next.expires_us > until_us)
        until_us = cards->next.expires_us;
    pin_hex(&cards->present, hex);
    buf_printf(out, " %lld %.*s", (long long)(until_us / 1000000), (int)sizeof hex, hex);
    return cards->has_next;
}

static void write_next(const struct gate_peer *peer, const struct sync_cards *cards, struct buf *out)
{
    char hex[2 * HASH_SIZE];
    pin_hex(&cards->next, hex);
    buf_printf(out, "key %u %.*s\n", peer->index, (int)sizeof hex, hex);
}

static void write_own(const struct sync_card *card, struct buf *out)
{
    char text[UUID_TEXT_SIZE];
    for (size_t i = 0; i < card->identity_count; i++) {
        uuid_text(&card->identities[i], text);
        buf_printf(out, "own identity--%.*s\n", UUID_TEXT_SIZE, text);
    }
}

/* The reader's word, by which the gate leaves names in texts as they stand (docs/decisions/0049). */
static bool texts_name_any(const struct core_role *role, unsigned partner)
{
    static const struct str any = {"any", 3};
    const struct policy *policy = gate_policy(role->gate);
    return policy != NULL &&
           (policy_partners_any(policy, STR("names-in-texts"), (struct policy_list) {&any, 1}) >> partner &
            1) != 0;
}

static void write_partner(struct core_role *role, const struct gate_peer *peer, struct buf *memory,
                          struct buf *out)
{
    struct core_guarded guarded;
    struct sync_cards cards;
    char hex[2 * HASH_SIZE];
    core_guard_get(role->gate, peer, memory, &guarded);
    buf_printf(out, "partner %u %.*s %s %u", peer->index, STR_ARG(peer->audience),
               ceiling_of(role, peer->index), peer->epoch);
    bool has_next = write_card(role, peer, &cards, out);
    buf_printf(out, " %d %llu\n", guarded.held, (unsigned long long)guarded.resumed);
    if (has_next)
        write_next(peer, &cards, out);
    if (gate_vouches(role->gate, peer->index))
        buf_printf(out, "vouch %u\n", peer->index);
    if (texts_name_any(role, peer->index))
        buf_printf(out, "texts %u\n", peer->index);
    struct rd rd = rd_of(guarded.waivers);
    while (rd.left > 0) {
        uint8_t rule = rd_u8(&rd);
        struct bytes object = rd_bytes(&rd, HASH_SIZE);
        if (rd.err != ERR_OK || rule >= GUARD_RULES)
            return;
        str_hex(object.at, HASH_SIZE, hex);
        buf_printf(out, "waive %u %s %.*s\n", peer->index, guard_rule_word((enum guard_rule)rule),
                   (int)sizeof hex, hex);
    }
}

void core_guard_rules(struct core_role *role, struct buf *out)
{
    const struct policy *policy = gate_policy(role->gate);
    struct hash digest = {{0}};
    char hex[2 * HASH_SIZE];
    struct buf memory;
    if (policy != NULL)
        digest = policy_digest(policy);
    str_hex(digest.b, HASH_SIZE, hex);
    buf_printf(out, "bongsu guard 1\npolicy %.*s\n", (int)sizeof hex, hex);
    buf_init(&memory, RECORD_MAX);
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        if (peer->state != GATE_PEER_REMOVED)
            write_partner(role, peer, &memory, out);
    }
    buf_deinit(&memory);
    write_own(&role->own.card, out);
    if (role->own.has_next)
        write_own(&role->own.next, out);
    taxii_readers_write(role->taxii, out);
}

/* What is pushed waits for no clock when an operator lets it go on. */
static void look_at_holds(struct core_role *role)
{
    struct core_guarded guarded;
    struct buf memory;
    uint64_t held = 0;
    buf_init(&memory, RECORD_MAX);
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        core_guard_get(role->gate, gate_peer_get(role->gate, i), &memory, &guarded);
        held |= (uint64_t)guarded.held << i;
    }
    buf_deinit(&memory);
    uint64_t resumed = role->guard_holds & ~held;
    role->guard_holds = held;
    core_feeds_resume(role, resumed);
}

void core_guard_tell(struct core_role *role)
{
    struct buf text;
    if (role->edge == NULL)
        return;
    buf_init(&text, LIMIT_GUARD_RULES_BYTES);
    core_guard_rules(role, &text);
    err_t err = buf_err(&text), sent;
    /* What does not fit must not leave older levels in force: a text that it cannot read stops everything. */
    sent = link_send(role->edge, MESSAGE_GUARD_RULES,
                     err == ERR_OK ? buf_bytes(&text) : bytes_from_str(STR("no rules\n")));
    if (err != ERR_OK || sent != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err != ERR_OK ? err : sent, "core",
                 "withdraw waivers or readers, or restart the node",
                 "the guard could not be told of partners%s: %s",
                 sent == ERR_OK ? ", and nothing leaves until it can" : "",
                 err_text(err != ERR_OK ? err : sent));
    buf_deinit(&text);
    look_at_holds(role);
}

/* --- questions --- */

_Static_assert((int)SYNC_HELD_NOTHING == (int)GUARD_NOTHING &&
                   (int)SYNC_HELD_WITHHELD == (int)GUARD_WITHHELD &&
                   (int)SYNC_HELD_RELEASED == (int)GUARD_RELEASED &&
                   (int)SYNC_HELD_GIVEN == (int)GUARD_GIVEN && (int)SYNC_HELD_OVER == (int)GUARD_OVER &&
                   (int)SYNC_HELD_SOON == (int)MESSAGE_HELD_SOON,
               "the words of both sides are the same numbers");

static void reply(struct core_role *role, const struct message_ask *ask, struct buf *out)
{
    struct message_evidence evidence = {.partner = ask->partner, .id = ask->id};
    enum sync_held held = SYNC_HELD_SOON;
    struct buf leaves;
    buf_init(&leaves, LIMIT_LINK_SMALL_BYTES);
    unsigned run = ask->run < LIMIT_GUARD_RUN ? ask->run : LIMIT_GUARD_RUN;
    bool room = out->len < LIMIT_LINK_MESSAGE_BYTES - 2 * LIMIT_LINK_SMALL_BYTES; /* objects come along */
    if (!room || sync_evidence(role->gate, ask->partner, ask->id, run, &held, &leaves) != ERR_OK ||
        buf_err(&leaves) != ERR_OK)
        held = SYNC_HELD_SOON; /* cannot be told now */
    evidence.held = (uint8_t)held;
    evidence.leaves = buf_bytes(&leaves);
    if (held == SYNC_HELD_SOON) {
        evidence.leaves.len = 0;
        role->polled |= UINT64_C(1) << ask->partner;
    }
    message_evidence_write(out, &evidence);
    buf_deinit(&leaves);
}

static void asked(struct core_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    struct buf out;
    buf_init(&out, LIMIT_LINK_MESSAGE_BYTES);
    wr_u64(&out, rd_u64(&rd));
    while (rd.err == ERR_OK && rd.left > 0) {
        struct message_ask ask = message_ask_next(&rd);
        if (rd.err == ERR_OK && ask.partner < LIMIT_PARTNERS)
            reply(role, &ask, &out);
    }
    /* Unheard, the guard answers that it cannot answer now. */
    if (buf_err(&out) == ERR_OK)
        (void)!link_send(role->edge, MESSAGE_GUARD_EVIDENCE, buf_bytes(&out));
    buf_deinit(&out);
}

/* --- findings --- */

void core_guard_found(struct core_role *role, const struct guard_finding *finding)
{
    struct buf memory;
    struct core_guarded guarded;
    struct gate_by by = {STR("guard"), STR("it held what was to leave")};
    if (finding->partner < 0 || (unsigned)finding->partner >= gate_peer_count(role->gate))
        return;
    const struct gate_peer *peer = gate_peer_get(role->gate, (unsigned)finding->partner);
    buf_init(&memory, RECORD_MAX);
    core_guard_get(role->gate, peer, &memory, &guarded);
    guarded.held = true;
    guarded.finding = *finding;
    guarded.when_us = core_now(role);
    err_t err = core_guard_put(role->gate, peer, &guarded, &by, core_now(role));
    buf_deinit(&memory);
    diag_say(role->diag, DIAG_ERROR, err != ERR_OK ? err : ERR_DENIED, "core",
             "`bongsu status`; after a look at the object `bongsu guard resume`",
             "the guard holds everything for %.*s: rule %s", STR_ARG(peer->audience),
             guard_rule_word(finding->rule));
    role->rights_changed = true; /* pages that edge keeps go as well */
    core_views_take(role, peer->index);
    core_wake(role);
}

static void held(struct core_role *role, struct bytes body)
{
    struct guard_finding finding;
    if (message_held_read(body, &finding) == ERR_OK)
        core_guard_found(role, &finding);
}

bool core_guard_message(struct core_role *role, unsigned kind, struct bytes body)
{
    if (kind == MESSAGE_GUARD_ASK)
        asked(role, body);
    else if (kind == MESSAGE_GUARD_HELD)
        held(role, body);
    else if (kind == MESSAGE_GUARD_COUNT)
        (void)!message_guarded_read(body, &role->guarded);
    else
        return false;
    return true;
}
