/* `peer reconcile`: compares now what is held of a partner's ledger with what he gives, and what `status` and
 * the figures tell of the last time. */
#include "app/core_state.h"
#include "core/mem.h"

/* A run takes seconds; over a bad line with much to fetch minutes. */
#define WAIT_US (15 * 60 * INT64_C(1000000))

static const struct sync_session *session_of(const struct core_role *role, unsigned partner)
{
    return role->follows[partner].session;
}

void core_reconcile_figures(const struct core_role *role, unsigned partner, struct sync_reconciled *out)
{
    const struct sync_session *session = session_of(role, partner);
    *out = session == NULL ? (struct sync_reconciled) {.ended_us = 0} : *sync_session_reconciled(session);
}

/* --- status --- */

void core_reconcile_say(const struct core_role *role, unsigned partner, struct buf *out)
{
    struct sync_reconciled last;
    core_reconcile_figures(role, partner, &last);
    if (last.ended_us > 0)
        line_time(out, "compared", last.ended_us);
    if (last.missing > 0) {
        line_count(out, "lost", last.missing);
        line_count(out, "fetched_again", last.mended);
    }
    if (last.given_no_more > 0)
        line_count(out, "given_no_more", last.given_no_more);
}

void core_reconcile_say_lost(const struct core_role *role, struct buf *out)
{
    struct sync_reconciled last;
    char when[TIME_TEXT_SIZE];
    for (unsigned i = 0; i < gate_peer_count(role->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(role->gate, i);
        core_reconcile_figures(role, i, &last);
        if (last.missing == 0 || last.running || peer->state != GATE_PEER_STARTED)
            continue;
        time_text(last.ended_us, when);
        line_say(out,
                 "Of what %.*s gave, %llu were not here any more when it was compared at %s, and %llu were "
                 "fetched "
                 "again. If it happens again: bongsu check, and a look at the disk.",
                 STR_ARG(peer->audience), (unsigned long long)last.missing, when,
                 (unsigned long long)last.mended);
    }
}

/* --- the command --- */

struct comparing {
    unsigned partner;
    uint64_t run; /* whose end is waited for */
    int64_t until_us;
};

static err_t refuse_start(struct command_call *call, const struct gate_peer *peer, err_t err)
{
    return command_refuse(call, err,
                          err == ERR_UNSUPPORTED ? "the partner upgrades its bongsu"
                                                 : "bongsu serve, bongsu peer start; then bongsu status",
                          err == ERR_UNSUPPORTED
                              ? "the program of %.*s answers no such questions"
                              : "the ledger of %.*s is not followed now, or nothing is held of it",
                          STR_ARG(peer->audience));
}

static err_t compare_begin(struct command_call *call, void **out_state)
{
    struct core_role *role = call->host->ctx;
    const struct gate_peer *peer;
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)))
        return err;
    struct sync_session *session = role->follows[peer->index].session;
    err = session == NULL ? ERR_WRONGSTATE : sync_session_reconcile(session, call->now_us);
    if (err != ERR_OK && err != ERR_BUSY) /* a run that is under way is waited for */
        return refuse_start(call, peer, err);
    struct comparing *comparing = mem_alloc(sizeof *comparing);
    if (comparing == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *comparing = (struct comparing) {.partner = peer->index,
                                     .run = sync_session_reconciled(session)->run,
                                     .until_us = call->now_us + WAIT_US};
    *out_state = comparing;
    return ERR_OK;
}

static void say_figures(struct command_call *call, const struct gate_peer *peer,
                        const struct sync_reconciled *result)
{
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_count(call->out, "leaves", result->size);
    line_count(call->out, "round_trips", result->round_trips);
    line_count(call->out, "bytes", result->find_bytes);
    line_count(call->out, "missing", result->missing);
    line_count(call->out, "fetched", result->mended);
    line_count(call->out, "refused", result->refused);
    line_count(call->out, "taken_back", result->moved);
    line_count(call->out, "left", result->left);
    line_count(call->out, "given_no_more", result->given_no_more);
    line_count(call->out, "fetches", result->fetches);
    line_count(call->out, "fetch_bytes", result->sent_bytes + result->received_bytes - result->find_bytes);
    line_end(call->out);
}

static void say_result(struct command_call *call, const struct gate_peer *peer,
                       const struct sync_reconciled *result)
{
    say_figures(call, peer, result);
    line_say(call->out, "Compared %llu leaves of %.*s in %u round trip%s and %llu bytes: %s",
             (unsigned long long)result->size, STR_ARG(peer->audience), result->round_trips,
             result->round_trips == 1 ? "" : "s", (unsigned long long)result->find_bytes,
             result->missing + result->given_no_more == 0 ? "nothing differs." : "they differ.");
    if (result->missing > 0)
        line_say(
            call->out,
            "%llu were given and are not here any more: %llu were fetched again, %llu refused by what is "
            "accepted here, %llu taken back meanwhile, %llu left for the next time.",
            (unsigned long long)result->missing, (unsigned long long)result->mended,
            (unsigned long long)result->refused, (unsigned long long)result->moved,
            (unsigned long long)result->left);
    if (result->given_no_more > 0)
        line_say(call->out, "%llu are held here that %.*s gives no more, and has not called back: they stay.",
                 (unsigned long long)result->given_no_more, STR_ARG(peer->audience));
}

static err_t compare_next(struct command_call *call, void *state, bool *out_end)
{
    const struct comparing *comparing = state;
    const struct core_role *role = call->host->ctx;
    const struct sync_session *session = session_of(role, comparing->partner);
    if (session == NULL)
        return command_refuse(call, ERR_CLOSED, "bongsu status", "the link ended meanwhile");
    const struct sync_reconciled *result = sync_session_reconciled(session);
    call->pause = result->running && call->now_us < comparing->until_us && result->run == comparing->run;
    if (call->pause)
        return ERR_OK;
    if (result->running)
        return command_refuse(call, ERR_TIMEOUT, "bongsu status says how it ended", "it goes on");
    if (result->err != ERR_OK)
        return command_refuse(call, result->err, "try again; what was found until then stays",
                              "comparing did not come to its end: %s", result->what);
    say_result(call, gate_peer_get(role->gate, comparing->partner), result);
    *out_end = true;
    return ERR_OK;
}

const struct command_stream command_reconcile_stream = {"peer.reconcile", compare_begin, compare_next,
                                                        mem_free};
