/* What waits for people, and what another policy would do: answers of any size, in portions. */
#include "app/command.h"
#include "core/mem.h"

enum { HOLDS_A_PORTION = 64, OBJECTS_A_PORTION = 500, EXAMPLES = 5 };

/* --- holds --- */

struct listing {
    struct command_call *call;
    unsigned partner, last; /* of those that are asked for */
    struct gate_hold after;
    bool going; /* behind `after` of this partner */
    size_t said;
    uint64_t total;
};

static const char *lapse_word(enum policy_lapse lapse)
{
    return lapse == POLICY_LAPSE_DENY ? "deny" : lapse == POLICY_LAPSE_RELEASE ? "release" : "wait on";
}

static bool say_hold(void *ctx, const struct gate_hold *hold)
{
    struct listing *listing = ctx;
    struct buf *out = listing->call->out;
    line_begin(out);
    line_version(out, hold->lsn, hold->version);
    line_text(out, "id", hold->id);
    line_text(out, "audience", gate_peer_get(listing->call->host->gate, hold->partner)->audience);
    line_text(out, "rule", hold->rule);
    line_time(out, "since", hold->since_us);
    if (hold->deadline_us != 0) {
        line_time(out, "deadline", hold->deadline_us);
        line_word(out, "default", lapse_word(hold->lapse));
    }
    line_bool(out, "reminded", hold->remind_us != 0 && listing->call->now_us >= hold->remind_us);
    line_count(out, "approvals_needed", hold->approvals);
    line_count(out, "approvals", hold->approved);
    line_bool(out, "basis_needed", hold->basis);
    line_text(out, "approved_by", hold->approvers);
    line_end(out);
    listing->after = *hold;
    listing->total++;
    return ++listing->said < HOLDS_A_PORTION;
}

static err_t holds_begin(struct command_call *call, void **out)
{
    const struct gate_peer *peer = NULL;
    err_t err;
    if (command_text_or_empty(call, "audience").len > 0 && TRY(err, command_partner(call, "audience", &peer)))
        return err;
    struct listing *listing = mem_alloc(sizeof *listing);
    if (listing == NULL)
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    *listing = (struct listing) {.partner = peer == NULL ? 0 : peer->index,
                                 .last = peer == NULL ? gate_peer_count(call->host->gate) : peer->index + 1};
    *out = listing;
    return ERR_OK;
}

static err_t holds_next(struct command_call *call, void *state, bool *out_end)
{
    struct listing *listing = state;
    listing->call = call;
    listing->said = 0;
    while (listing->partner < listing->last && listing->said < HOLDS_A_PORTION) {
        err_t err = gate_holds(call->host->gate, listing->partner, listing->going ? &listing->after : NULL,
                               say_hold, listing);
        if (err != ERR_OK)
            return command_refuse(call, err, NULL, "the queue cannot be read: %s", err_text(err));
        listing->going = listing->said == HOLDS_A_PORTION;
        listing->partner += !listing->going;
    }
    *out_end = listing->partner == listing->last;
    if (*out_end && listing->total == 0)
        line_say(call->out, "Nothing waits for a person.");
    return ERR_OK;
}

/* --- policy diff --- */

struct comparing {
    struct command_call *call;
    struct policy *other;
    uint64_t cursor, looked;
    uint64_t counts[GATE_DIFF_KINDS][LIMIT_PARTNERS];
    bool all;
};

static const char *const change_words[GATE_DIFF_KINDS] = {"released", "held back", "withdrawn"};

static bool say_diff(void *ctx, const struct gate_diff_line *diff)
{
    struct comparing *comparing = ctx;
    struct command_call *call = comparing->call;
    uint64_t *count = &comparing->counts[diff->change][diff->partner];
    if (++*count > EXAMPLES && !comparing->all)
        return true;
    line_begin(call->out);
    line_text(call->out, "id", diff->id);
    line_text(call->out, "audience", gate_peer_get(call->host->gate, diff->partner)->audience);
    line_word(call->out, "change", change_words[diff->change]);
    line_text(call->out, "now", diff->now_rule);
    line_text(call->out, "then", diff->then_rule);
    line_end(call->out);
    return buf_err(call->out) == ERR_OK;
}

static err_t diff_begin(struct command_call *call, void **out)
{
    struct str text;
    struct policy_fault fault = {0};
    struct policy *other;
    err_t err;
    if (TRY(err, command_text(call, "text", &text)))
        return err;
    if (TRY(err, gate_policy_compile(call->host->gate, text, &other, &fault)))
        return command_refuse_policy(call, err, &fault);
    struct comparing *comparing = mem_alloc(sizeof *comparing);
    if (comparing == NULL) {
        policy_unref(other);
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    }
    *comparing = (struct comparing) {.other = other, .all = command_flag(call, "all")};
    *out = comparing;
    return ERR_OK;
}

static void say_counts(struct command_call *call, const struct comparing *comparing)
{
    bool any = false;
    for (unsigned p = 0; p < gate_peer_count(call->host->gate); p++) {
        uint64_t sum = 0;
        for (int kind = 0; kind < GATE_DIFF_KINDS; kind++)
            sum += comparing->counts[kind][p];
        any |= sum > 0;
        if (sum > 0)
            line_say(call->out,
                     "%.*s: %llu would newly go out, %llu that it has would be withdrawn, %llu that wait to "
                     "go would stay.",
                     STR_ARG(gate_peer_get(call->host->gate, p)->audience),
                     (unsigned long long)comparing->counts[GATE_DIFF_RELEASED][p],
                     (unsigned long long)comparing->counts[GATE_DIFF_WITHDRAWN][p],
                     (unsigned long long)comparing->counts[GATE_DIFF_HELD_BACK][p]);
    }
    if (!any)
        line_say(call->out, "Nothing that is held would be decided otherwise.");
}

static err_t diff_next(struct command_call *call, void *state, bool *out_end)
{
    struct comparing *comparing = state;
    comparing->call = call;
    err_t err = gate_policy_diff(call->host->gate, comparing->other, call->now_us, &comparing->cursor,
                                 OBJECTS_A_PORTION, say_diff, comparing);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "the policies could not be compared: %s", err_text(err));
    *out_end = comparing->cursor == UINT64_MAX;
    if (*out_end)
        say_counts(call, comparing);
    return ERR_OK;
}

static void diff_end(void *state)
{
    struct comparing *comparing = state;
    policy_unref(comparing->other);
    mem_free(comparing);
}

const struct command_stream command_holds_stream = {"holds.list", holds_begin, holds_next, mem_free};
const struct command_stream command_diff_stream = {"policy.diff", diff_begin, diff_next, diff_end};
