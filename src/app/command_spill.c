/* Spillage: what must not be here is suspended, and what that leaves to people is said. */
#include <stdio.h>

#include "app/command_word.h"
#include "gate/key_copies.h"
#include "gate/spill.h"

static void say_spill(void *ctx, const struct gate_spill *spill)
{
    struct command_call *call = ctx;
    const struct gate_source *source = gate_source_get(call->host->gate, spill->source);
    static const struct stix_key none;
    struct buf id;
    buf_init(&id, LIMIT_ID_BYTES);
    if (!stix_key_eq(&spill->key, &none)) /* what was refused has none */
        stix_key_print(&spill->key, &id);
    line_begin(call->out);
    line_count(call->out, "number", spill->lsn);
    if (id.len > 0 && buf_err(&id) == ERR_OK)
        line_text(call->out, "id", buf_str(&id));
    buf_deinit(&id);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_word(call->out, "state",
              !spill->destroyed                                   ? "suspended"
              : gate_is_unconfirmed(call->host->gate, spill->lsn) ? "cannot confirm"
                                                                  : "destroyed");
    line_time(call->out, "received", spill->received_us);
    line_time(call->out, "suspended", spill->spilled_us);
    line_hash(call->out, "digest", &spill->digest);
    line_text(call->out, "by", spill->by);
    line_text(call->out, "because", command_words(call, spill->because));
    line_end(call->out);
}

/* Whoever has it, and what has to be done about that. */
static void say_released(struct command_call *call, const struct gate_spill *spill)
{
    for (unsigned p = 0; p < gate_peer_count(call->host->gate); p++) {
        if ((spill->released >> p & 1) == 0)
            continue;
        const struct gate_peer *peer = gate_peer_get(call->host->gate, p);
        line_begin(call->out);
        line_text(call->out, "released_to", peer->audience);
        line_end(call->out);
        line_say(call->out,
                 "%.*s has it, as it came or minted: its ledger says now that it is over and gives no "
                 "content; ask "
                 "them to destroy their copy",
                 STR_ARG(peer->audience));
    }
}

static void say_referrer(void *ctx, const struct gate_edge *edge)
{
    struct command_call *call = ctx;
    struct str from = edge->relationship.len > 0 ? edge->relationship : edge->from;
    if (from.len == 0)
        return;
    line_begin(call->out);
    line_text(call->out, "referrer", from);
    line_text(call->out, "property", edge->property);
    line_end(call->out);
    line_say(call->out, "%.*s names it (%.*s): look whether it says too much itself", STR_ARG(from),
             STR_ARG(edge->property));
}

static err_t spill_one(struct command_call *call, uint64_t lsn, const struct gate_by *by)
{
    struct gate_spill spill;
    err_t err = gate_spill(call->host->gate, lsn, by, call->now_us, &spill);
    if (err != ERR_OK && err != ERR_EXISTS)
        return command_refuse(call, err, "a STIX identifier, or a number of `bongsu quarantine list`",
                              "nothing was suspended: %s", err_text(err));
    say_spill(call, &spill);
    line_say(call->out,
             err == ERR_EXISTS
                 ? "it was suspended before"
                 : "suspended: not found, shown or released any more, and refused when it comes again from "
                   "there");
    say_released(call, &spill);
    return ERR_OK;
}

/* What of it, by number; then who says so, signed if he is to. */
static err_t check_word(struct command_call *call, struct str what, uint64_t *numbers, size_t count,
                        struct word *word)
{
    word_put_text(word, "what", what);
    word_put_numbers(word, "numbers", numbers, count);
    return word_check(call, word);
}

/* All that is held under an identifier. */
static err_t spill_object(struct command_call *call, struct str what, const struct stix_key *key,
                          struct word *word)
{
    uint64_t lsns[LIMIT_COPIES];
    size_t count;
    err_t err = gate_spill_copies(call->host->gate, key, lsns, LIMIT_COPIES, &count);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "nothing was suspended: %s", err_text(err));
    if (TRY(err, check_word(call, what, lsns, count, word)) || word->shown)
        return err;
    for (size_t i = 0; i < count; i++)
        if (TRY(err, spill_one(call, lsns[i], &word->by)))
            return err;
    err = gate_neighbours(call->host->gate, key, true, LIMIT_GRAPH_REFERRERS, say_referrer, call);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t spill_add(struct command_call *call)
{
    struct word word;
    struct command_meant meant;
    struct str what;
    uint64_t lsn;
    err_t err;
    if (TRY(err, command_text(call, "what", &what)))
        return err;
    word_begin(call, WORD_SPILL, &word);
    if (word.by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "suspending something needs a reason");
    if (str_to_u64(what, UINT64_MAX, &lsn)) {
        err = check_word(call, what, &lsn, 1, &word);
        if (err == ERR_OK && !word.shown)
            err = spill_one(call, lsn, &word.by);
    } else if (command_meant_by(call, what, &meant)) {
        if (!command_flag(call, "to_sign"))
            command_say_meant(call, &meant);
        err = spill_object(call, what, &meant.key, &word);
    } else
        return command_refuse(call, ERR_USAGE, "a STIX identifier, or a number of `bongsu quarantine list`",
                              "%.*s is neither", what.len > 100 ? 100 : (int)what.len, what.at);
    if (err != ERR_OK)
        return word_keep_part(call, &word, word_suspended(call, &word), err);
    if (word.shown)
        return ERR_OK;
    line_say(
        call->out,
        "Other copies under its identifier, also what comes later, are held from everybody until a person "
        "approves one (bongsu approve), or all of them (bongsu tag add ID spill:ok). "
        "Its bytes are still here: another operator has them destroyed with `bongsu spill destroy`. Left to "
        "people: whoever searched for it or exported it (bongsu access), and copies of this node's keys "
        "(docs/guide/spillage.md)");
    return word_keep(call, &word);
}

/* --- destroying --- */

struct suspended {
    const struct stix_key *key; /* NULL: the one at `number` */
    uint64_t number;
    const struct command_call *call;
    uint64_t lsns[LIMIT_COPIES];
    bool alone[LIMIT_COPIES]; /* whoever suspended it is no operator */
    size_t count;
    bool more, any;
};

static void take_suspended(void *ctx, const struct gate_spill *spill)
{
    struct suspended *s = ctx;
    if (s->key != NULL ? !stix_key_eq(s->key, &spill->key) : spill->lsn != s->number)
        return;
    s->any = true;
    if (spill->destroyed)
        return;
    if (s->count == LIMIT_COPIES)
        s->more = true;
    else {
        s->alone[s->count] = !operators_has(s->call->host->operators, spill->by);
        s->lsns[s->count++] = spill->lsn;
    }
}

enum { ASKED_BYTES = 32 };

static struct str asked_key(uint64_t lsn, char out[ASKED_BYTES])
{
    int len = snprintf(out, ASKED_BYTES, "spill.asked.%llu", (unsigned long long)lsn);
    return (struct str) {out, (size_t)len};
}

/* Did another operator ask for this as well? Else it is noted that this one does. */
static err_t ask(struct command_call *call, uint64_t lsn, const struct gate_by *by, bool *out_another)
{
    char key[ASKED_BYTES];
    struct buf name;
    err_t err = ERR_OK;
    buf_init(&name, RECORD_TEXT_MAX);
    *out_another = gate_setting_get(call->host->gate, asked_key(lsn, key), &name) &&
                   operators_has(call->host->operators, buf_str(&name)) && !str_eq(buf_str(&name), by->who);
    if (!*out_another)
        err = gate_setting_put(call->host->gate, asked_key(lsn, key), bytes_from_str(by->who), by,
                               call->now_us);
    buf_deinit(&name);
    return err;
}

/* Two operators stand for it: who suspended it and who asks, or two who ask. */
static err_t check_two(struct command_call *call, const struct suspended *s, const struct word *word,
                       bool *out_agreed)
{
    *out_agreed = true;
    for (size_t i = 0; i < s->count; i++) {
        bool another = true;
        err_t err = s->alone[i] ? ask(call, s->lsns[i], &word->by, &another) : ERR_OK;
        if (err != ERR_OK) {
            err = command_refuse(call, err, NULL, "nothing was destroyed: %s", err_text(err));
            return word_keep_part(call, word, !*out_agreed, err);
        }
        *out_agreed &= another;
    }
    if (!*out_agreed)
        line_say(call->out,
                 "noted, and nothing is destroyed yet: who suspended it is no operator, so another operator "
                 "has to ask for this as well (bongsu spill destroy)");
    return ERR_OK;
}

static err_t refuse_destroy(struct command_call *call, err_t err)
{
    switch (err) {
    case ERR_NOTFOUND:
        return command_refuse(call, err, "suspend it first: bongsu spill WHAT --because \"...\"",
                              "nothing of that name is suspended");
    case ERR_EXISTS:
        return command_refuse(call, err, NULL, "it is destroyed already");
    case ERR_DENIED:
        return command_refuse(call, err, "ask another operator to run it",
                              "nobody destroys alone: you suspended it yourself");
    case ERR_WRONGSTATE:
        return command_refuse(call, err,
                              "see `bongsu hold legal list`; whoever answers for the order lifts it",
                              "nothing was destroyed: it is held under an order");
    case ERR_BUSY:
        return command_refuse(
            call, err, "run it again in a moment",
            "nothing was destroyed: the ledgers of those who have it do not say yet that it "
            "is over");
    default:
        return command_refuse(call, err, NULL, "nothing was destroyed: %s", err_text(err));
    }
}

static void say_destroyed(struct command_call *call, const struct gate_destroyed *gone)
{
    line_begin(call->out);
    line_count(call->out, "recall", gone->lsn);
    line_count(call->out, "objects", gone->objects);
    line_count(call->out, "reports", gone->reports);
    line_count(call->out, "quarantined", gone->quarantined);
    line_count(call->out, "minted", gone->minted);
    line_count(call->out, "leaves", gone->leaves);
    line_end(call->out);
    line_say(call->out,
             "gone: %zu objects, %zu reports of the same by others, %zu entries of the quarantine, %zu "
             "copies made "
             "for partners; %zu leaves of ledgers stay without content",
             gone->objects, gone->reports, gone->quarantined, gone->minted, gone->leaves);
}

/* Whose word it is, then whether another's stands beside it. */
static err_t check_destroying(struct command_call *call, struct str what, struct suspended *s,
                              struct word *word, bool *out_agreed)
{
    err_t err = command_two(call, "two operators have it destroyed", STR(""));
    if (err == ERR_OK)
        err = check_word(call, what, s->lsns, s->count, word);
    if (err != ERR_OK || word->shown)
        return err;
    err = check_two(call, s, word, out_agreed);
    return err != ERR_OK || *out_agreed ? err : word_keep(call, word);
}

static err_t spill_destroy(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct word word;
    struct gate_destroyed gone;
    struct stix_key key;
    struct str what;
    bool agreed = true;
    err_t err;
    if (TRY(err, command_text(call, "what", &what)))
        return err;
    word_begin(call, WORD_DESTROY, &word);
    if (word.by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "destroying something needs a reason");
    struct suspended *s = arena_zalloc(call->arena, 1, sizeof *s);
    if (s == NULL)
        return ERR_NOMEM;
    s->call = call;
    if (!str_to_u64(what, UINT64_MAX, &s->number)) {
        if (!stix_id_parse(what, &key))
            return command_refuse(call, ERR_USAGE, "see `bongsu spill list`",
                                  "%.*s is neither an identifier nor a number",
                                  what.len > 100 ? 100 : (int)what.len, what.at);
        s->key = &key;
    }
    err = gate_spills(gate, take_suspended, s);
    if (err == ERR_OK && s->any && s->count == 0)
        err = ERR_EXISTS;
    if (err == ERR_OK && s->any &&
        (TRY(err, check_destroying(call, what, s, &word, &agreed)) || word.shown || !agreed))
        return err;
    if (err != ERR_OK || TRY(err, gate_spill_destroy(gate, s->lsns, s->count, &word.by, call->now_us, &gone)))
        return refuse_destroy(call, err);
    if (TRY(err, word_keep(call, &word)))
        return err;
    err = call->host->purge(call->host->ctx);
    if (err != ERR_OK)
        line_say(call->out, "logged, and not carried out yet (%s): it is tried again every minute",
                 err_text(err));
    else
        say_destroyed(call, &gone);
    command_say_copies(call);
    if (s->more)
        line_say(call->out, "there is more of it: run this again");
    line_say(call->out,
             "Left to people: partners' copies, exports, and copies of keys/secrets.key that are not "
             "registered (docs/guide/spillage.md)");
    return ERR_OK;
}

/* What is called back stands in `recall status`. */
static void list_spill(void *ctx, const struct gate_spill *spill)
{
    if (spill->why == GATE_SPILLED)
        say_spill(ctx, spill);
}

static err_t spill_list(struct command_call *call)
{
    err_t err = gate_spills(call->host->gate, list_spill, call);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
}

const struct command command_spill_rows[] = {
    {"spill.add", true, spill_add},
    {"spill.destroy", true, spill_destroy},
    {"spill.list", false, spill_list},
    {NULL, false, NULL},
};
