/* Spillage: what must not be here is suspended, and what that leaves to people is said. */
#include "app/command.h"
#include "gate/spill.h"

static void say_spill(void *ctx, const struct gate_spill *spill)
{
    struct command_call *call = ctx;
    const struct gate_source *source = gate_source_get(call->host->gate, spill->source);
    line_begin(call->out);
    line_count(call->out, "number", spill->lsn);
    line_text(call->out, "source", source == NULL ? STR("?") : source->name);
    line_time(call->out, "received", spill->received_us);
    line_time(call->out, "suspended", spill->spilled_us);
    line_hash(call->out, "digest", &spill->digest);
    line_text(call->out, "by", spill->by);
    line_text(call->out, "because", spill->because);
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
    if (edge->relationship.len > 0 || edge->from.len == 0)
        return;
    line_begin(call->out);
    line_text(call->out, "referrer", edge->from);
    line_text(call->out, "property", edge->property);
    line_end(call->out);
    line_say(call->out, "%.*s names it (%.*s): look whether it says too much itself", STR_ARG(edge->from),
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

/* All that is held under an identifier. */
static err_t spill_object(struct command_call *call, const struct stix_key *key, const struct gate_by *by)
{
    uint64_t lsns[LIMIT_COPIES];
    size_t count;
    err_t err = gate_spill_copies(call->host->gate, key, lsns, LIMIT_COPIES, &count);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "nothing was suspended: %s", err_text(err));
    for (size_t i = 0; i < count; i++)
        if (TRY(err, spill_one(call, lsns[i], by)))
            return err;
    err = gate_neighbours(call->host->gate, key, true, LIMIT_GRAPH_REFERRERS, say_referrer, call);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t spill_add(struct command_call *call)
{
    struct gate_by by = command_by(call);
    struct stix_key key;
    struct str what;
    uint64_t lsn;
    err_t err;
    if (TRY(err, command_text(call, "what", &what)))
        return err;
    if (by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "suspending something needs a reason");
    if (str_to_u64(what, UINT64_MAX, &lsn))
        err = spill_one(call, lsn, &by);
    else if (stix_id_parse(what, &key))
        err = spill_object(call, &key, &by);
    else
        return command_refuse(call, ERR_USAGE, "a STIX identifier, or a number of `bongsu quarantine list`",
                              "%.*s is neither", what.len > 100 ? 100 : (int)what.len, what.at);
    if (err != ERR_OK)
        return err;
    line_say(call->out,
             "Left to people: whoever searched for it or exported it (bongsu access), copies of this node's "
             "log and keys, and the sealed bytes here, which bongsu cannot destroy yet "
             "(docs/guide/spillage.md)");
    return ERR_OK;
}

static err_t spill_list(struct command_call *call)
{
    err_t err = gate_spills(call->host->gate, say_spill, call);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
}

const struct command command_spill_rows[] = {
    {"spill.add", true, spill_add},
    {"spill.list", false, spill_list},
    {NULL, false, NULL},
};
