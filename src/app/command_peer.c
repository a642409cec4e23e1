/* Partners: whose node it is, what it will and will not get, started, paused, removed. */
#include "app/command_feed.h"

#include "gate/halt.h"
#include "sync/cards.h"

static const char *state_word(enum gate_peer_state state)
{
    static const char *const words[] = {"paused", "started", "removed"};
    return words[state];
}

static void say_rule(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    struct command_call *call = ctx;
    line_begin(call->out);
    line_text(call->out, "rule", name);
    line_word(call->out, "effect", policy_effect_name(effect));
    line_count(call->out, "objects", count);
    line_end(call->out);
}

/* What a partner who was started gets, as it was decided. */
static err_t say_tally(struct command_call *call, const struct gate_peer *peer)
{
    struct gate_tally tally;
    err_t err = gate_tally(call->host->gate, peer->index, &tally);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "the objects could not be counted: %s", err_text(err));
    line_say(call->out,
             "Of what is held: %llu released, %llu held for a person, %llu wait for what they refer to, "
             "%llu denied.",
             (unsigned long long)tally.released, (unsigned long long)tally.held,
             (unsigned long long)tally.blocked, (unsigned long long)tally.denied);
    return gate_tally_rules(call->host->gate, peer->index, say_rule, call);
}

/* What the partner will and will not get, of what is held. */
static err_t say_outlook(struct command_call *call, const struct gate_peer *peer)
{
    struct gate_outlook outlook;
    err_t err;
    if (gate_policy(call->host->gate) == NULL) {
        line_say(call->out, "There is no policy yet: it gets nothing. Next: bongsu policy activate FILE");
        return ERR_OK;
    }
    if (peer->state == GATE_PEER_STARTED)
        return say_tally(call, peer);
    if (TRY(err, gate_outlook(call->host->gate, peer->index, call->now_us, &outlook, say_rule, call)))
        return command_refuse(call, err, NULL, "the objects could not be counted: %s", err_text(err));
    line_say(
        call->out,
        "Of what is held, the rules would release %llu, hold %llu for a person and deny %llu; what refers "
        "to something withheld stays with it. Started without --history, it gets only what comes from "
        "now on.",
        (unsigned long long)outlook.released, (unsigned long long)outlook.held,
        (unsigned long long)outlook.denied);
    return ERR_OK;
}

/* A node that had a card of a greater suite once, under whatever audience, does not come back with a lower
 * one. */
static err_t no_downgrade(struct command_call *call, const struct sync_card *card)
{
    struct sync_card held;
    for (unsigned i = 0; i < gate_peer_count(call->host->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(call->host->gate, i);
        if (str_eq(peer->node, str_of(card->node)) &&
            sync_card_parse(str_from_bytes(peer->card), &held, NULL) == ERR_OK &&
            sync_card_suite(card) < sync_card_suite(&held))
            return command_refuse(
                call, ERR_UNSUPPORTED, "ask its operators, by another way, whether the card is theirs",
                "the card is refused: %s had a card of suite %u (audience %.*s), and this one "
                "is of suite %u: a downgrade",
                card->node, sync_card_suite(&held), STR_ARG(peer->audience), sync_card_suite(card));
    }
    return ERR_OK;
}

/* Of a partner that is known it may be the one of later. */
static err_t read_card(struct command_call *call, struct str text, bool is_known, struct sync_card *out)
{
    struct fault fault = {0};
    err_t err;
    if (TRY(err, sync_card_parse(text, out, &fault)) ||
        (!is_known && TRY(err, sync_card_valid(out, call->now_us, &fault))))
        return command_refuse(call, err, "ask the partner for its present card (bongsu card)",
                              "the card is refused: %s", fault.what[0] == '\0' ? err_text(err) : fault.what);
    if (str_eq(str_of(out->node), str_of(call->host->conf->node)))
        return command_refuse(call, ERR_CONFLICT, "give the partner's card", "this is our own card");
    return TRY(err, command_card_enough(call, out)) ? err : no_downgrade(call, out);
}

/* A partner that is known already: only a newer card of the same root key takes the place of the old one, at
 * once or when its time has come. */
static err_t take_newer(struct command_call *call, const struct gate_peer *held, struct str text,
                        enum sync_card_taken *out)
{
    struct gate_by by = command_by(call);
    struct fault fault = {0};
    if (held->state == GATE_PEER_REMOVED)
        return command_refuse(call, ERR_EXISTS, "choose another audience name",
                              "a partner of that name was removed");
    if (held->node.len == 0)
        return command_refuse(call, ERR_EXISTS, "choose another audience name",
                              "that audience takes part by TAXII alone");
    if (by.because.len == 0)
        by.because = STR("by hand");
    *out = SYNC_CARD_KNOWN;
    err_t err = sync_cards_take(call->host->gate, held->index, text, NULL, &by, call->now_us, out, &fault);
    if (err == ERR_OK && *out == SYNC_CARD_KNOWN)
        err = fault_set(&fault, ERR_EXISTS, 0, "it is not newer than what is held");
    if (err != ERR_OK)
        return command_refuse(call, err, "an older card, or another root key, is never taken",
                              "the card does not replace the one that is held: %s",
                              fault.what[0] == '\0' ? err_text(err) : fault.what);
    call->host->cards_changed(call->host->ctx);
    return ERR_OK;
}

static void say_added(struct command_call *call, const struct gate_peer *peer, const struct sync_card *card)
{
    char words[SYNC_CARD_WORDS_SIZE];
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_text(call->out, "node", peer->node);
    line_word(call->out, "state", state_word(peer->state));
    if (card != NULL) {
        sync_card_words(card, words);
        line_word(call->out, "words", words);
    }
    line_end(call->out);
    if (card != NULL) {
        line_say(call->out, "Words of its root key: %s", words);
        line_say(call->out, "Compare them with the partner by telephone before you start it.");
    } else {
        line_say(call->out,
                 "It takes part by TAXII: it reads its view and hands in its own. It cannot prove what "
                 "it holds, sign receipts, be told at once, or be made to forget.");
    }
    if (peer->state == GATE_PEER_STARTED)
        line_say(call->out, "Its card is renewed; it stays started.");
    else
        line_say(call->out, "Paused, without history. Next: bongsu peer start %.*s [--history]",
                 STR_ARG(peer->audience));
}

/* --- our own card --- */

static err_t card_take(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct fault fault = {0};
    struct str text;
    err_t err;
    if (TRY(err, command_text(call, "card", &text)))
        return err;
    if (by.because.len == 0)
        by.because = STR("signed by the root key");
    err = call->host->card_take(call->host->ctx, text, &by, &fault);
    if (err == ERR_EXISTS)
        return ERR_OK; /* it was read at the start */
    return err == ERR_OK
               ? ERR_OK
               : command_refuse(call, err, "bongsu card --renew makes one", "the card is not taken: %s",
                                fault.what[0] == '\0' ? err_text(err) : fault.what);
}

/* The identities on a card are at home at that node: only it speaks for them. */
static err_t bind_identities(struct command_call *call, const struct gate_peer *peer,
                             const struct sync_card *card)
{
    struct gate_by by = command_by(call);
    for (size_t i = 0; i < card->identity_count; i++) {
        char id[10 + UUID_TEXT_SIZE];
        struct stix_key key;
        memcpy(id, "identity--", 10);
        uuid_text(&card->identities[i], id + 10);
        if (!stix_id_parse((struct str) {id, sizeof id}, &key))
            continue;
        err_t err = gate_identity_bind(call->host->gate, &key, peer->source, &by, call->now_us);
        if (err == ERR_CONFLICT) { /* one home: it moves once the card of the other no longer names it */
            line_say(call->out,
                     "%.*s is at home elsewhere, and stays there until that node's card lets it go.",
                     (int)sizeof id, id);
            continue;
        }
        if (err != ERR_OK)
            return command_refuse(call, err, NULL, "an identity of the card could not be bound: %s",
                                  err_text(err));
    }
    return ERR_OK;
}

static err_t added(struct command_call *call, unsigned index, const struct sync_card *card)
{
    const struct gate_peer *peer = gate_peer_get(call->host->gate, index);
    err_t err;
    if (card != NULL && TRY(err, bind_identities(call, peer, card)))
        return err;
    call->host->peers_changed(call->host->ctx);
    say_added(call, gate_peer_get(call->host->gate, index), card);
    return say_outlook(call, gate_peer_get(call->host->gate, index));
}

static err_t replaced(struct command_call *call, const struct gate_peer *held, struct str text,
                      const struct sync_card *card)
{
    enum sync_card_taken taken;
    unsigned index = held->index;
    char when[TIME_TEXT_SIZE];
    err_t err = take_newer(call, held, text, &taken);
    if (err != ERR_OK || taken == SYNC_CARD_PRESENT)
        return err != ERR_OK ? err : added(call, index, card);
    time_text(card->issued_us, when);
    line_begin(call->out);
    line_text(call->out, "audience", gate_peer_get(call->host->gate, index)->audience);
    line_count(call->out, "next_card", card->number);
    line_time(call->out, "next_card_from", card->issued_us);
    line_end(call->out);
    line_say(call->out, "Its card %llu is held until %s; the present one goes on until then.",
             (unsigned long long)card->number, when);
    return ERR_OK;
}

static err_t put_peer(struct command_call *call, struct str audience, struct str node, struct str country,
                      struct str card_text, const struct sync_card *card)
{
    struct gate_by by = command_by(call);
    unsigned index;
    err_t err;
    if (TRY(err, gate_peer_put(call->host->gate, audience, node, country, bytes_from_str(card_text), &by,
                               call->now_us, &index)))
        return command_refuse(call, err, "names are of a-z 0-9 . _ -", "the partner was not added: %s",
                              err == ERR_FULL      ? "there is no place for one more, ever"
                              : err == ERR_INVALID ? "its name or country cannot be one"
                                                   : err_text(err));
    return added(call, index, card);
}

/* Without a node: with a server of his, he may be there already. */
static err_t add_taxii(struct command_call *call, struct str audience, const struct gate_peer *held)
{
    struct command_server server;
    err_t err = command_server_read(call, audience, &server);
    if (err != ERR_OK)
        return err;
    if (held != NULL && (server.count == 0 || held->node.len > 0 || held->state == GATE_PEER_REMOVED))
        return command_refuse(call, ERR_EXISTS, "choose another audience name",
                              "there is a partner of that name, or was");
    if (held == NULL &&
        TRY(err, put_peer(call, audience, STR(""), command_text_or_empty(call, "country"), STR(""), NULL)))
        return err;
    return command_server_put(call, &server);
}

static err_t peer_add(struct command_call *call)
{
    struct str audience, text = command_text_or_empty(call, "card");
    struct sync_card card;
    err_t err;
    if (TRY(err, command_text(call, "audience", &audience)))
        return err;
    const struct gate_peer *held = gate_peer_find(call->host->gate, audience);
    if (text.len == 0)
        return add_taxii(call, audience, held);
    if (TRY(err, read_card(call, text, held != NULL, &card)))
        return err;
    if (held != NULL)
        return replaced(call, held, text, &card);
    return put_peer(call, audience, str_of(card.node), str_of(card.country), text, &card);
}

static err_t peer_list(struct command_call *call)
{
    for (unsigned i = 0; i < gate_peer_count(call->host->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(call->host->gate, i);
        if (peer->state == GATE_PEER_REMOVED && !command_flag(call, "all"))
            continue;
        line_begin(call->out);
        line_text(call->out, "audience", peer->audience);
        line_text(call->out, "node", peer->node.len > 0 ? peer->node : STR("(TAXII)"));
        line_text(call->out, "country", peer->country);
        line_word(call->out, "state", state_word(peer->state));
        line_bool(call->out, "vouched", gate_vouches(call->host->gate, i));
        call->host->peer_status(call->host->ctx, i, call->out);
        command_server_say(call, i);
        line_end(call->out);
    }
    return ERR_OK;
}

static err_t set_state(struct command_call *call, enum gate_peer_state state, bool history)
{
    const struct gate_peer *peer;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    unsigned index = peer->index;
    if (TRY(err, gate_peer_set(call->host->gate, index, state, history, &by, call->now_us)))
        return command_refuse(call, err, NULL, "the partner was not changed: %s", err_text(err));
    call->host->peers_changed(call->host->ctx);
    line_begin(call->out);
    line_text(call->out, "audience", gate_peer_get(call->host->gate, index)->audience);
    line_word(call->out, "state", state_word(state));
    line_word(call->out, "say", state_word(state));
    line_end(call->out);
    return ERR_OK;
}

static err_t peer_start(struct command_call *call)
{
    return set_state(call, GATE_PEER_STARTED, command_flag(call, "history"));
}

static err_t peer_pause(struct command_call *call)
{
    return set_state(call, GATE_PEER_PAUSED, false);
}

static err_t peer_remove(struct command_call *call)
{
    const struct gate_peer *peer;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    unsigned index = peer->index;
    err = set_state(call, GATE_PEER_REMOVED, false);
    return err == ERR_OK ? command_server_remove(call, index) : err;
}

/* --- links that stand still --- */

static err_t refuse_free(struct command_call *call, const struct gate_peer *peer)
{
    return command_refuse(call, ERR_NOTFOUND, "bongsu peer list", "the link from %.*s does not stand still",
                          STR_ARG(peer->audience));
}

/* The number of an epoch; `*out` stays when it is not given. */
static err_t epoch_arg(struct command_call *call, uint32_t *out)
{
    struct str text = command_text_or_empty(call, "epoch");
    uint64_t number;
    if (text.len == 0)
        return ERR_OK;
    if (!str_to_u64(text, LIMIT_EPOCH, &number) || number == 0)
        return command_refuse(call, ERR_USAGE, "--epoch N, as the partner's operators said it",
                              "`%.*s` is not the number of an epoch: 1 to %u", STR_ARG(text), LIMIT_EPOCH);
    *out = (uint32_t)number;
    return ERR_OK;
}

/* Above every one that any ledger here has. What the log forgot a partner may know, and says by telephone:
 * whatever its node claims is not believed. */
static uint32_t epoch_next(const struct gate *gate)
{
    uint32_t last = 0;
    for (unsigned p = 0; p < gate_peer_count(gate); p++)
        if (gate_peer_get(gate, p)->epoch > last)
            last = gate_peer_get(gate, p)->epoch;
    return last + 1;
}

static err_t peer_epoch(struct command_call *call)
{
    const struct command_host *host = call->host;
    const struct gate_peer *peer;
    struct gate_by by = command_by(call);
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE,
                              "--because \"which backup came back, and why there is no newer one\"",
                              "a ledger begins anew only with a reason");
    uint32_t epoch = epoch_next(host->gate);
    if (TRY(err, epoch_arg(call, &epoch)))
        return err;
    if (epoch < epoch_next(host->gate))
        return command_refuse(call, ERR_EXISTS, "leave --epoch out",
                              "epoch %u is not above all that were signed: the next is %u", (unsigned)epoch,
                              (unsigned)epoch_next(host->gate));
    unsigned index = peer->index;
    /* First: what the keeper allows and nobody asks for does no harm. */
    err = host->epoch_begins(host->ctx, index, epoch);
    if (err == ERR_CLOSED)
        return command_refuse(call, err, "start the node: bongsu serve",
                              "the node does not run, and only its keeper can begin a ledger anew");
    if (err != ERR_OK ||
        TRY(err, gate_peer_set(host->gate, index, GATE_PEER_PAUSED, false, &by, call->now_us)) ||
        TRY(err, gate_peer_epoch(host->gate, index, epoch, &by, call->now_us)))
        return command_refuse(call, err, "try again", "the ledger did not begin anew: %s", err_text(err));
    host->peers_changed(host->ctx);
    host->reader_gone(host->ctx, index);
    peer = gate_peer_get(host->gate, index);
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_count(call->out, "epoch", epoch);
    line_end(call->out);
    line_say(call->out,
             "The ledger for %.*s begins anew, as epoch %u. The partner is paused: what was said after the "
             "backup is "
             "forgotten here.",
             STR_ARG(peer->audience), (unsigned)epoch);
    line_say(call->out,
             "Next: say again what was recalled, denied, spilled, stopped, and activate the policy that was "
             "in force; "
             "then bongsu peer start %.*s, and what it may have is released again.",
             STR_ARG(peer->audience));
    if (peer->node.len > 0)
        line_say(call->out,
                 "Call the operators of %.*s. They let their link go on by: bongsu peer resume AUDIENCE "
                 "--epoch %u "
                 "--because \"...\"",
                 STR_ARG(peer->node), (unsigned)epoch);
    return ERR_OK;
}

static err_t follow_on(struct command_call *call, const struct gate_peer *peer, const struct gate_by *by,
                       uint32_t epoch)
{
    return epoch == 0 ? gate_resume(call->host->gate, peer->index, by, call->now_us)
                      : gate_follow_epoch(call->host->gate, peer->index, epoch, by, call->now_us);
}

static err_t peer_resume(struct command_call *call)
{
    const struct gate_peer *peer;
    struct gate_by by = command_by(call);
    uint32_t epoch = 0;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)) || TRY(err, epoch_arg(call, &epoch)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "--because \"what the partner said, and who said it\"",
                              "a link that stood still goes on only with a reason");
    err = follow_on(call, peer, &by, epoch);
    if (err == ERR_NOTFOUND)
        return refuse_free(call, peer);
    if (err == ERR_EXISTS)
        return command_refuse(call, err, "bongsu peer evidence shows what the partner signed last",
                              "epoch %u is followed already, or was left behind (now %u)", (unsigned)epoch,
                              (unsigned)gate_following(call->host->gate, peer->index));
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "the link was not resumed: %s", err_text(err));
    call->host->peers_changed(call->host->ctx);
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    if (epoch != 0)
        line_count(call->out, "epoch", epoch);
    line_end(call->out);
    if (epoch != 0)
        line_say(
            call->out,
            "Epoch %u of its ledger is followed from the beginning; what came under the one before stays.",
            (unsigned)epoch);
    line_say(call->out, "The link from %.*s goes on; it stops again when the contradiction is still there.",
             STR_ARG(peer->audience));
    return ERR_OK;
}

static void say_note(struct command_call *call, const char *head, struct str note)
{
    struct str line;
    line_say(call->out, "%s%s", head, note.len == 0 ? " (none)" : "");
    while (note.len > 0) {
        line = str_cut(&note, '\n');
        line_say(call->out, "    %.*s", STR_ARG(line));
    }
}

static err_t peer_evidence(struct command_call *call)
{
    const struct gate_peer *peer;
    struct gate_halt halt;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    err = gate_halted(call->host->gate, peer->index, call->arena, &halt);
    if (err == ERR_NOTFOUND)
        return refuse_free(call, peer);
    if (err != ERR_OK)
        return command_refuse(call, err, "run `bongsu check`", "the evidence cannot be read: %s",
                              err_text(err));
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_time(call->out, "since", halt.at_us);
    line_text(call->out, "what", halt.what);
    line_text(call->out, "held", halt.held);
    line_text(call->out, "shown", halt.shown);
    line_end(call->out);
    line_say(call->out, "The link from %.*s stands still: %.*s", STR_ARG(peer->audience), STR_ARG(halt.what));
    say_note(call, "The checkpoint of its ledger that this node follows:", halt.held);
    say_note(call, "The signed checkpoint that contradicts it:", halt.shown);
    line_say(call->out, "Next: ask the partner and oversight; then bongsu peer resume %.*s --because ...",
             STR_ARG(peer->audience));
    return ERR_OK;
}

/* --- what origins signed --- */

static err_t peer_vouch(struct command_call *call)
{
    const struct gate_peer *peer;
    struct gate_by by = command_by(call);
    bool with = !command_flag(call, "stop");
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    if (peer->node.len == 0)
        return command_refuse(call, ERR_USAGE, "bongsu peer list",
                              "%.*s takes part by TAXII, which brings no signatures",
                              STR_ARG(peer->audience));
    err = gate_vouch(call->host->gate, peer->index, with, &by, call->now_us);
    if (err != ERR_OK && err != ERR_EXISTS)
        return command_refuse(call, err, NULL, "the partner was not changed: %s", err_text(err));
    call->host->peers_changed(call->host->ctx);
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_bool(call->out, "vouched", with);
    line_end(call->out);
    if (with)
        line_say(call->out,
                 "From now on %.*s gets with each object what its origin signed: %s of what entered here, "
                 "others of what it passes on. That names them.",
                 STR_ARG(peer->audience), call->host->conf->node);
    else
        line_say(call->out, "%.*s gets no signatures of origins any more; what it has stays.",
                 STR_ARG(peer->audience));
    return ERR_OK;
}

const struct command command_peer_rows[] = {
    {"peer.add", true, peer_add},
    {"peer.list", false, peer_list},
    {"peer.start", true, peer_start},
    {"peer.pause", true, peer_pause},
    {"peer.remove", true, peer_remove},
    {"peer.evidence", false, peer_evidence},
    {"peer.resume", true, peer_resume},
    {"peer.epoch", true, peer_epoch},
    {"peer.vouch", true, peer_vouch},
    {"card.take", true, card_take},
    {NULL, false, NULL},
};
