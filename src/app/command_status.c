/* How the node is: counts, health, each partner. */
#include <stdio.h>

#include "app/command_feed.h"
#include "gate/query.h"
#include "gate/retention.h"

/* For a person, to all partners together. */
static uint64_t waiting_in_all(const struct gate *gate)
{
    uint64_t count = 0;
    for (unsigned p = 0; p < gate_peer_count(gate); p++)
        count += gate_waiting_count(gate, p);
    return count;
}

static void say_node(struct command_call *call)
{
    struct gate_health health = gate_health(call->host->gate);
    struct gate_counts counts;
    struct gate_kept kept;
    gate_counts(call->host->gate, &counts);
    line_begin(call->out);
    line_word(call->out, "node", call->host->conf->node);
    line_word(call->out, "country", call->host->conf->country);
    line_word(call->out, "health", health.read_only ? "read-only" : "good");
    if (health.read_only) {
        line_word(call->out, "why", health.why);
        line_word(call->out, "next", health.what_next);
    }
    line_count(call->out, "objects", counts.objects);
    line_count(call->out, "quarantined", counts.quarantined);
    line_count(call->out, "jobs", counts.jobs);
    line_count(call->out, "log_bytes", counts.log_bytes);
    line_count(call->out, "store_suite", counts.suite);
    line_count(call->out, "durable_lsn", counts.durable_lsn);
    line_count(call->out, "decided_lsn", counts.decided_lsn);
    line_count(call->out, "applied_lsn", counts.applied_lsn);
    line_count(call->out, "stops", gate_stop_count(call->host->gate));
    line_count(call->out, "waiting", waiting_in_all(call->host->gate));
    line_count(call->out, "quarantine_days", call->host->conf->quarantine_days);
    line_count(call->out, "access_days", call->host->conf->access_days);
    if (gate_kept_get(call->host->gate, &kept) == ERR_OK) {
        line_count(call->out, "forgotten_quarantined", kept.quarantined);
        line_count(call->out, "forgotten_access_files", kept.access_files);
    }
    line_bool(call->out, "policy", gate_policy(call->host->gate) != NULL);
    call->host->node_status(call->host->ctx, call->out);
    line_end(call->out);
}

static void say_stop(struct command_call *call, size_t index)
{
    static const char *const kinds[] = {"all", "partner", "source", "rule"};
    struct str name;
    const char *kind = kinds[gate_stop_get(call->host->gate, index, &name)];
    line_begin(call->out);
    line_word(call->out, "stop", kind);
    line_text(call->out, "name", name);
    char say[256];
    int len =
        name.len == 0
            ? snprintf(say, sizeof say, "STOPPED: nothing is released (go on: bongsu stop-release --lift)")
            : snprintf(
                  say, sizeof say,
                  "STOPPED: nothing is released %s %s %.*s (go on: bongsu stop-release --%s %.*s --lift)",
                  kind[0] == 'p'   ? "to"
                  : kind[0] == 's' ? "from"
                                   : "by",
                  kind, STR_ARG(name), kind, STR_ARG(name));
    must(len > 0 && (size_t)len < sizeof say);
    line_word(call->out, "say", say);
    line_end(call->out);
}

/* Newest versions that wait or are denied by a rule that looks at personal data. */
struct personal_counts {
    const struct policy *policy;
    uint64_t held, denied;
};

static void count_personal(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    struct personal_counts *counts = ctx;
    int rule = counts->policy == NULL ? -1 : policy_rule_find(counts->policy, name);
    if (rule < 0 || !policy_rule_asks_personal(counts->policy, (unsigned)rule))
        return;
    counts->held += effect == POLICY_HOLD ? count : 0;
    counts->denied += effect == POLICY_DENY ? count : 0;
}

static struct personal_counts personal_of(struct command_call *call, unsigned partner)
{
    struct personal_counts counts = {.policy = gate_policy(call->host->gate)};
    if (gate_tally_rules(call->host->gate, partner, count_personal, &counts) != ERR_OK)
        counts.held = counts.denied = 0;
    return counts;
}

static void say_partner(struct command_call *call, const struct gate_peer *peer)
{
    struct personal_counts personal = personal_of(call, peer->index);
    static const char *const states[] = {"paused", "started", "removed"};
    struct gate_ledger ledger;
    struct gate_tally tally;
    struct gate_late late;
    line_begin(call->out);
    line_text(call->out, "audience", peer->audience);
    line_text(call->out, "peer", peer->node.len > 0 ? peer->node : STR("(TAXII)"));
    line_word(call->out, "state", states[peer->state]);
    if (gate_tally(call->host->gate, peer->index, &tally) == ERR_OK) {
        line_count(call->out, "released", tally.released);
        line_count(call->out, "held", tally.held);
        line_count(call->out, "blocked", tally.blocked);
        line_count(call->out, "denied", tally.denied);
    }
    line_count(call->out, "waiting", gate_waiting_count(call->host->gate, peer->index));
    line_count(call->out, "queued", gate_holds_count(call->host->gate, peer->index));
    if (gate_late(call->host->gate, peer->index, call->now_us, &late) == ERR_OK) {
        line_count(call->out, "reminded", late.reminded);
        if (late.deadline_us != 0)
            line_time(call->out, "next_deadline", late.deadline_us);
    }
    line_count(call->out, "personal_held", personal.held);
    line_count(call->out, "personal_denied", personal.denied);
    if (gate_ledger(call->host->gate, peer->index, &ledger) == ERR_OK) {
        line_count(call->out, "ledger_size", ledger.size);
        line_count(call->out, "ledger_visible", ledger.visible);
        line_hash(call->out, "ledger_root", &ledger.visible_root);
        line_count(call->out, "receipted", ledger.receipted);
        line_count(call->out, "refused_there", ledger.refused);
    }
    call->host->peer_status(call->host->ctx, peer->index, call->out);
    command_server_say(call, peer->index);
    line_end(call->out);
}

/* Nobody decided since the reminder, and at the deadline the rule's default does. */
static void say_late(struct command_call *call, const struct gate_peer *peer)
{
    struct gate_late late;
    char deadline[TIME_TEXT_SIZE];
    if (gate_late(call->host->gate, peer->index, call->now_us, &late) != ERR_OK || late.reminded == 0)
        return;
    time_text(late.deadline_us, deadline);
    line_say(
        call->out,
        "%llu%s of them are past their reminder; the nearest deadline is %s (bongsu holds list --audience "
        "%.*s)",
        (unsigned long long)late.reminded, late.more ? " or more" : "", deadline, STR_ARG(peer->audience));
}

/* What waits for somebody: a policy for a second operator, objects for people. */
static void say_people(struct command_call *call)
{
    command_say_operators(call);
    command_warn_two(call, gate_policy(call->host->gate));
    (void)!command_say_pending(call); /* mostly none waits */
    for (unsigned p = 0; p < gate_peer_count(call->host->gate); p++) {
        uint64_t count = gate_waiting_count(call->host->gate, p),
                 rest = gate_holds_count(call->host->gate, p) - count;
        if (count > 0)
            line_say(call->out, "%llu wait for a person before they go to %.*s (bongsu holds list)",
                     (unsigned long long)count, STR_ARG(gate_peer_get(call->host->gate, p)->audience));
        if (count > 0)
            say_late(call, gate_peer_get(call->host->gate, p));
        if (rest > 0)
            line_say(call->out,
                     "%llu%s are held before %.*s by other rules (bongsu holds list says what ends each)",
                     (unsigned long long)rest, count > 0 ? " more" : "",
                     STR_ARG(gate_peer_get(call->host->gate, p)->audience));
        struct personal_counts personal = personal_of(call, p);
        if (personal.held + personal.denied > 0)
            line_say(
                call->out,
                "%llu are held and %llu denied for the personal data in them before %.*s (bongsu privacy "
                "report)",
                (unsigned long long)personal.held, (unsigned long long)personal.denied,
                STR_ARG(gate_peer_get(call->host->gate, p)->audience));
    }
}

/* Nothing new goes to him; what he has stays his (docs/decisions/0122). */
static void say_agreement(struct command_call *call, const struct gate_peer *peer)
{
    const struct policy *policy = gate_policy(call->host->gate);
    struct policy_agreement last = {.until_us = INT64_MIN, .name = STR("")}, one;
    char ended[TIME_TEXT_SIZE];
    for (unsigned i = 0; policy != NULL && i < policy_agreement_count(policy); i++) {
        policy_agreement(policy, i, &one);
        if ((one.partners >> peer->index & 1) && one.until_us > last.until_us)
            last = one;
    }
    if (last.name.len == 0 || last.until_us > call->now_us || peer->state != GATE_PEER_STARTED)
        return;
    time_text(last.until_us, ended);
    line_say(call->out,
             "The agreement %.*s with %.*s ended %s: nothing new goes there. What was released before may "
             "still be "
             "read (bongsu peer pause %.*s ends that too). Contacts: %.*s",
             STR_ARG(last.name), STR_ARG(peer->audience), ended, STR_ARG(peer->audience),
             STR_ARG(last.contacts.len > 0 ? last.contacts : STR("none stated")));
}

static err_t status(struct command_call *call)
{
    say_node(call);
    say_people(call);
    command_say_retired(call);
    for (unsigned i = 0; i < gate_peer_count(call->host->gate); i++)
        say_agreement(call, gate_peer_get(call->host->gate, i));
    command_say_clock(call);
    call->host->links_say(call->host->ctx, call->out);
    command_say_recalls(call);
    command_say_copies(call);
    command_say_tightened(call);
    command_say_witnesses(call);
    for (size_t i = 0; i < gate_stop_count(call->host->gate); i++)
        say_stop(call, i);
    for (unsigned i = 0; i < gate_peer_count(call->host->gate); i++)
        command_say_guarded(call, gate_peer_get(call->host->gate, i));
    for (unsigned i = 0; i < gate_peer_count(call->host->gate); i++) {
        const struct gate_peer *peer = gate_peer_get(call->host->gate, i);
        if (peer->state != GATE_PEER_REMOVED)
            say_partner(call, peer);
    }
    return ERR_OK;
}

struct rules {
    struct command_call *call;
    const struct gate_peer *peer;
};

static void say_rule(void *ctx, struct str name, enum policy_effect effect, uint64_t count)
{
    const struct rules *rules = ctx;
    struct buf *out = rules->call->out;
    line_begin(out);
    line_text(out, "audience", rules->peer->audience);
    line_text(out, "rule", name);
    line_word(out, "effect", policy_effect_name(effect));
    line_count(out, "objects", count);
    line_end(out);
}

/* Withheld, with the rule's name. */
static err_t status_rules(struct command_call *call)
{
    struct rules rules = {.call = call};
    err_t err;
    if (TRY(err, command_partner(call, "audience", &rules.peer)))
        return err;
    err = gate_tally_rules(call->host->gate, rules.peer->index, say_rule, &rules);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
}

static void say_finding(void *ctx, const char *text)
{
    struct command_call *call = ctx;
    line_say(call->out, "%s", text);
}

static err_t check(struct command_call *call)
{
    uint64_t bad = 0;
    err_t err = gate_check(call->host->gate, say_finding, call, &bad);
    if (err != ERR_OK || bad > 0)
        return command_refuse(
            call, err != ERR_OK ? err : ERR_CORRUPT,
            "stop the node, keep a copy, run `bongsu reindex`; if the log itself is damaged, see "
            "the guide",
            "%llu findings", (unsigned long long)bad);
    line_say(call->out, "every frame, every index entry and every root is whole");
    return ERR_OK;
}

const struct command command_status_rows[] = {
    {"status", false, status},
    {"status.rules", false, status_rules},
    {"check", false, check},
    {NULL, false, NULL},
};
