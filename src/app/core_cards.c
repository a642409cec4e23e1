/* Cards: our own, of which the one in force says what keeper and edge sign and show with, and those of
 * partners, as their time comes and goes. */
#include <stdio.h>

#include "app/core_state.h"
#include "app/file.h"
#include "app/init.h"
#include "gate/gate.h"

static const int64_t DAY_US = INT64_C(86400000000);
static const int64_t LOOK_US = INT64_C(3600000000); /* a warning may be so late */

enum { WARN_DAYS = 30 };

#define SETTING      STR("card/own")
#define SETTING_NEXT STR("card/own-next")

static const struct gate_by by_clock = {{"core", 4}, {"the time that the card states", 29}};
static const struct gate_by by_cards = {{"cards", 5}, {"the cards of both nodes", 23}};

static void say_wrong(const struct core_role *role, err_t err, const char *what)
{
    diag_say(role->diag, DIAG_ERROR, err, "core", "look at the disk, then restart the node", "%s: %s", what,
             err_text(err));
}

/* --- our own --- */

static void own_clear(struct buf *text, struct sync_card *card)
{
    buf_clear(text);
    *card = (struct sync_card) {.number = 0};
}

static bool own_read(const struct core_role *role, struct str key, struct buf *text, struct sync_card *card)
{
    own_clear(text, card);
    if (gate_setting_get(role->gate, key, text) && text->len > 0 &&
        sync_card_parse(buf_str(text), card, NULL) == ERR_OK)
        return true;
    own_clear(text, card);
    return false;
}

static err_t own_keep(struct core_role *role, struct str key, const struct buf *text,
                      const struct gate_by *by)
{
    return gate_setting_put(role->gate, key, buf_bytes(text), by, core_now(role));
}

static err_t own_log(struct core_role *role, const struct gate_by *by)
{
    err_t err = own_keep(role, SETTING, &role->own.card_text, by);
    return err != ERR_OK ? err : own_keep(role, SETTING_NEXT, &role->own.next_text, by);
}

static void send_card(struct core_role *role, struct link *link)
{
    struct message_card card = {.number = role->own.card.number};
    struct buf wire;
    if (link == NULL || role->own.card_text.len == 0)
        return;
    memcpy(card.key, role->own.card.key, sizeof card.key);
    buf_init(&wire, LIMIT_LINK_SMALL_BYTES);
    message_card_write(&wire, &card);
    err_t err = buf_err(&wire);
    if (err == ERR_OK)
        err = link_send(link, MESSAGE_CARD, buf_bytes(&wire));
    buf_deinit(&wire);
    if (err != ERR_OK)
        say_wrong(role, err, "a role could not be told which keys are used now");
}

void core_cards_keeper(struct core_role *role)
{
    send_card(role, role->keeper);
}

void core_cards_edge(struct core_role *role)
{
    send_card(role, role->edge);
}

/* What partners look at first is signed by the key of now before they ask. */
static void sign_end(struct core_role *role, unsigned number)
{
    struct gate_ledger ledger;
    if (gate_ledger(role->gate, number, &ledger) == ERR_OK && ledger.visible > 0)
        (void)gate_sign_anew(role->gate, number, ledger.visible);
}

static void sign_ends(struct core_role *role)
{
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        sign_end(role, gate_urgent(i));
        sign_end(role, i);
    }
}

/* Another card is in force. */
static void own_begins(struct core_role *role, const struct sync_card *before)
{
    const struct sync_card *now = &role->own.card;
    bool rekeyed = !sign_public_eq(&before->key[SYNC_CARD_LEDGER], &now->key[SYNC_CARD_LEDGER]);
    if (role->keeper_up)
        core_cards_keeper(role);
    if (role->edge_up)
        core_cards_edge(role);
    if (rekeyed && before->number > 0)
        sign_ends(role);
    role->peers_stale = true;
    core_wake(role);
}

static void move_text(struct buf *from, struct buf *to)
{
    buf_clear(to);
    buf_put(to, from->at, from->len);
    buf_clear(from);
}

/* Its time has come: the next card is the one in force. */
static void own_turn(struct core_role *role)
{
    struct sync_own *own = &role->own;
    struct sync_card before = own->card;
    if (!own->has_next || core_now(role) < own->next.issued_us)
        return;
    own->card = own->next;
    move_text(&own->next_text, &own->card_text);
    own_clear(&own->next_text, &own->next);
    own->has_next = false;
    err_t err = own_log(role, &by_clock);
    if (err != ERR_OK)
        say_wrong(role, err, "that the next card is in force could not be written");
    diag_say(role->diag, DIAG_NOTICE, ERR_OK, "core", NULL,
             "card %llu is in force: its keys are used from now on", (unsigned long long)own->card.number);
    own_begins(role, &before);
}

err_t core_card_take(struct core_role *role, struct str whole, const struct gate_by *by, struct fault *fault)
{
    struct sync_own *own = &role->own;
    struct sync_card card, before = own->card;
    err_t err = sync_card_parse(whole, &card, fault);
    if (err != ERR_OK)
        return err;
    if (strcmp(card.node, role->conf->node) != 0)
        return fault_set(fault, ERR_CONFLICT, 0, "it is a card of %s", card.node);
    if (own->card_text.len > 0 && (TRY(err, sync_card_replaces(&own->card, &card, fault)) ||
                                   (own->has_next && TRY(err, sync_card_replaces(&own->next, &card, fault)))))
        return err;
    bool ahead = own->card_text.len > 0 && card.issued_us > core_now(role);
    struct buf *text = ahead ? &own->next_text : &own->card_text;
    own_clear(&own->next_text, &own->next);
    *(ahead ? &own->next : &own->card) = card;
    own->has_next = ahead;
    buf_clear(text);
    buf_put_str(text, whole);
    if (TRY(err, buf_err(text)) || TRY(err, own_log(role, by)))
        return fault_set(fault, err, 0, "it could not be written: %s", err_text(err));
    if (!ahead)
        own_begins(role, &before);
    core_wake(role); /* partners are shown it */
    role->cards_look_us = 0;
    return ERR_OK;
}

/* What the command line wrote while nobody listened. */
static void take_file(struct core_role *role, const char *name)
{
    static const struct gate_by by = {{"card", 4}, {"signed by the root key", 22}};
    char path[FILE_PATH_SIZE];
    struct fault fault = {.code = ERR_OK};
    struct buf text;
    buf_init(&text, LIMIT_CARD_BYTES);
    err_t err = file_path(role->conf->dir, name, path);
    if (err == ERR_OK && !TRY(err, file_read_all(role->os, path, &text)))
        err = core_card_take(role, buf_str(&text), &by, &fault);
    buf_deinit(&text);
    if (err != ERR_OK && err != ERR_EXISTS && err != ERR_NOTFOUND)
        diag_say(role->diag, DIAG_WARNING, err, "core", "bongsu card --renew makes another",
                 "the card in %s is not taken: %s", name, fault.what[0] != '\0' ? fault.what : err_text(err));
}

void core_cards_open(struct core_role *role)
{
    struct sync_own *own = &role->own;
    buf_init(&own->card_text, LIMIT_CARD_BYTES);
    buf_init(&own->next_text, LIMIT_CARD_BYTES);
    (void)own_read(role, SETTING, &own->card_text, &own->card);
    own->has_next = own_read(role, SETTING_NEXT, &own->next_text, &own->next);
    take_file(role, INIT_CARD_FILE);
    take_file(role, INIT_CARD_NEXT_FILE);
    own->minimum = role->conf->minimum;
    sync_serve_own(role->serve, own);
}

void core_cards_close(struct core_role *role)
{
    buf_deinit(&role->own.card_text);
    buf_deinit(&role->own.next_text);
}

/* --- identities: one home each --- */

static bool names_identity(const struct sync_card *card, const struct uuid *identity)
{
    for (size_t i = 0; i < card->identity_count; i++)
        if (memcmp(card->identities[i].b, identity->b, UUID_SIZE) == 0)
            return true;
    return false;
}

static bool key_of(const struct uuid *identity, struct stix_key *out)
{
    char id[10 + UUID_TEXT_SIZE];
    memcpy(id, "identity--", 10);
    uuid_text(identity, id + 10);
    return stix_id_parse((struct str) {id, sizeof id}, out);
}

/* Does a partner whose source this is still call it its own? Sources of ours never give one up by a card. */
static bool home_keeps(struct core_role *role, uint32_t home, const struct uuid *identity)
{
    const struct gate_source *source = gate_source_get(role->gate, home);
    struct sync_cards cards;
    if (source == NULL || source->partner < 0)
        return true;
    if (sync_cards_load(role->gate, (unsigned)source->partner, &cards, NULL) != ERR_OK)
        return true;
    return names_identity(&cards.present, identity);
}

static void settle_one(struct core_role *role, const struct gate_peer *peer, const struct uuid *identity)
{
    struct stix_key key;
    if (!key_of(identity, &key))
        return;
    uint32_t home = gate_identity_home(role->gate, &key);
    if (home == 0 || home == peer->source || home_keeps(role, home, identity))
        return;
    err_t err = gate_identity_move(role->gate, &key, peer->source, &by_cards, core_now(role));
    if (err != ERR_OK)
        say_wrong(role, err, "an identity could not be given its new home");
    else
        diag_say(
            role->diag, DIAG_NOTICE, ERR_OK, "core", NULL,
            "an identity is at home at %.*s now: its card names it, and that of its home before no longer "
            "does",
            STR_ARG(peer->audience));
}

void core_cards_homes(struct core_role *role)
{
    struct sync_cards cards;
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        if (peer->state == GATE_PEER_REMOVED || sync_cards_load(role->gate, i, &cards, NULL) != ERR_OK)
            continue;
        for (size_t k = 0; k < cards.present.identity_count; k++)
            settle_one(role, peer, &cards.present.identities[k]);
    }
}

/* --- as time goes --- */

static void sooner(int64_t *until, int64_t at_us, int64_t now_us)
{
    if (at_us > now_us && at_us < *until)
        *until = at_us;
}

/* Once when 30 and 7 days are left, and when it is over; `said`: the days that were said last. */
static void warn(struct core_role *role, const char *whose, const struct sync_card *card, unsigned *said)
{
    static const unsigned steps[] = {0, 7, 30};
    int64_t left_us = card->expires_us - core_now(role);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (left_us > steps[i] * DAY_US)
            continue;
        if (*said != steps[i] + 1)
            diag_say(role->diag, steps[i] < 30 ? DIAG_ERROR : DIAG_WARNING, ERR_EXPIRED, "core",
                     "whose it is signs the next one: bongsu card --renew (docs/guide/keys.md)",
                     left_us <= 0 ? "the card of %s is over: the link stands still"
                                  : "the card of %s ends in %lld days",
                     whose, (long long)((left_us + DAY_US - 1) / DAY_US));
        *said = steps[i] + 1;
        return;
    }
    *said = 0;
}

/* One partner: what is overdue, what begins to be believed, what ends. */
static void look_at(struct core_role *role, unsigned partner, int64_t now_us)
{
    struct sync_cards cards;
    const struct gate_peer *peer = gate_peer_get(role->gate, partner);
    char name[LIMIT_NAME_BYTES + 1];
    if (peer->state != GATE_PEER_STARTED || sync_cards_load(role->gate, partner, &cards, NULL) != ERR_OK)
        return;
    if (sync_cards_overdue(&cards, now_us)) {
        err_t err = sync_cards_turn(role->gate, partner, now_us);
        if (err != ERR_OK)
            say_wrong(role, err, "the next card of a partner could not be taken into force");
        role->cards_news = role->cards_news || err == ERR_OK; /* else at the next look */
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(peer->audience));
    warn(role, name, cards.has_next ? &cards.next : &cards.present, &role->cards_warned[partner]);
    sooner(&role->cards_look_us, cards.present.expires_us, now_us);
    if (cards.has_next) {
        sooner(&role->cards_look_us, cards.next.issued_us - DAY_US, now_us);
        sooner(&role->cards_look_us, cards.next.issued_us + DAY_US, now_us);
    }
}

static void look(struct core_role *role)
{
    int64_t now_us = core_now(role);
    role->cards_look_us = now_us + LOOK_US;
    own_turn(role);
    if (role->own.has_next)
        sooner(&role->cards_look_us, role->own.next.issued_us, now_us);
    if (role->own.card_text.len > 0)
        warn(role, "this node", role->own.has_next ? &role->own.next : &role->own.card,
             &role->cards_warned_own);
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++)
        look_at(role, i, now_us);
    role->peers_stale = true; /* whose keys are believed may have changed */
}

void core_cards_turn(struct core_role *role)
{
    role->cards_news = sync_serve_news(role->serve) || role->cards_news;
    for (unsigned i = 0; i < LIMIT_PARTNERS; i++)
        if (role->follows[i].session != NULL)
            role->cards_news = sync_session_news(role->follows[i].session) || role->cards_news;
    if (core_now(role) >= role->cards_look_us)
        look(role);
    if (!role->cards_news)
        return;
    role->cards_news = false;
    role->peers_stale = true;
    role->cards_look_us = 0; /* their times are others now */
    core_cards_homes(role);
    core_wake(role);
}

int64_t core_cards_until(const struct core_role *role)
{
    return role->cards_look_us;
}

/* --- for `status` and metrics --- */

static void say_end(struct buf *out, const char *whose, const struct sync_card *card, int64_t now_us)
{
    int64_t left_us = card->expires_us - now_us;
    char when[TIME_TEXT_SIZE];
    if (left_us > WARN_DAYS * DAY_US)
        return;
    time_text(card->expires_us, when);
    line_say(out,
             left_us <= 0
                 ? "The card of %s was over at %s: nothing passes until its owner signs the next one "
                   "(bongsu card --renew; docs/guide/keys.md)."
                 : "The card of %s ends at %s; then nothing passes any more. Its owner signs the next "
                   "one before: bongsu card --renew (docs/guide/keys.md).",
             whose, when);
}

static uint64_t claimed_of(struct core_role *role, unsigned partner)
{
    struct sync_served served = sync_serve_status(role->serve, partner);
    struct sync_status status = {.our_card = 0};
    if (role->follows[partner].session != NULL)
        sync_session_status(role->follows[partner].session, &status);
    return served.our_card > status.our_card ? served.our_card : status.our_card;
}

/* 0: its program says nothing of cards, or no link was up yet. */
static void say_behind(struct core_role *role, const struct gate_peer *peer, struct buf *out)
{
    uint64_t there = sync_cards_told(role->gate, peer->index), newest = sync_own_number(&role->own);
    uint64_t claimed = claimed_of(role, peer->index);
    if (claimed > newest)
        line_say(out,
                 "%.*s holds card %llu of ours, and the newest here is card %llu: did a backup come back? It "
                 "takes "
                 "none below: bongsu card --renew --above %llu.",
                 STR_ARG(peer->audience), (unsigned long long)claimed, (unsigned long long)newest,
                 (unsigned long long)claimed);
    else if (there > 0 && there < newest)
        line_say(
            out,
            "%.*s holds card %llu of ours, the newest is card %llu. It is shown when the link is up; else "
            "give it by hand (bongsu card%s), and there: bongsu peer add FILE.",
            STR_ARG(peer->audience), (unsigned long long)there, (unsigned long long)newest,
            role->own.has_next ? " --next" : "");
}

void core_cards_say_all(struct core_role *role, struct buf *out)
{
    int64_t now_us = core_now(role);
    struct sync_cards cards;
    char name[LIMIT_NAME_BYTES + 1], when[TIME_TEXT_SIZE];
    if (role->own.card_text.len > 0)
        say_end(out, "this node", role->own.has_next ? &role->own.next : &role->own.card, now_us);
    if (role->own.has_next) {
        time_text(role->own.next.issued_us, when);
        line_say(out, "Card %llu is signed and in force from %s, by itself.",
                 (unsigned long long)role->own.next.number, when);
    }
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        if (peer->state != GATE_PEER_STARTED || sync_cards_load(role->gate, i, &cards, NULL) != ERR_OK)
            continue;
        (void)snprintf(name, sizeof name, "%.*s", STR_ARG(peer->audience));
        if (cards.present.known_as[0] != '\0')
            line_say(out, "%s: the node %s goes by %s now, says its card.", name, cards.present.node,
                     cards.present.known_as);
        say_end(out, name, cards.has_next ? &cards.next : &cards.present, now_us);
        say_behind(role, peer, out);
    }
}

uint64_t core_cards_until_s(const struct core_role *role, unsigned partner)
{
    struct sync_cards cards;
    if (sync_cards_load(role->gate, partner, &cards, NULL) != ERR_OK)
        return 0;
    return (uint64_t)((cards.has_next ? cards.next : cards.present).expires_us / 1000000);
}

uint64_t core_cards_own_until_s(const struct core_role *role)
{
    const struct sync_own *own = &role->own;
    return own->card_text.len == 0 ? 0
                                   : (uint64_t)((own->has_next ? own->next : own->card).expires_us / 1000000);
}

static void say_card(struct buf *out, const char *prefix, const struct sync_card *card)
{
    char name[32];
    (void)snprintf(name, sizeof name, "%s", prefix);
    line_count(out, name, card->number);
    (void)snprintf(name, sizeof name, "%s_from", prefix);
    line_time(out, name, card->issued_us);
    (void)snprintf(name, sizeof name, "%s_until", prefix);
    line_time(out, name, card->expires_us);
}

void core_cards_say_own(const struct core_role *role, struct buf *out)
{
    if (role->own.card_text.len > 0)
        say_card(out, "card", &role->own.card);
    if (role->own.has_next)
        say_card(out, "next_card", &role->own.next);
}

void core_cards_say(const struct core_role *role, unsigned partner, struct buf *out)
{
    struct sync_cards cards;
    if (sync_cards_load(role->gate, partner, &cards, NULL) != ERR_OK)
        return;
    say_card(out, "card", &cards.present);
    if (cards.present.known_as[0] != '\0')
        line_word(out, "known_as", cards.present.known_as);
    if (cards.has_next)
        say_card(out, "next_card", &cards.next);
    line_count(out, "our_card_there", sync_cards_told(role->gate, partner));
}
