/* The policy: checked, explained, compared and taken into force; single objects approved or denied; releases
 * stopped. */
#include <stdio.h>

#include "app/command_word.h"

#include "core/suggest.h"
#include "gate/persons.h"
#include "gate/retention.h"

enum { DIGEST_HEAD_MIN = 8 };

err_t command_refuse_policy(struct command_call *call, err_t err, const struct policy_fault *fault)
{
    return command_refuse(call, err, "the policy in force was not touched", "line %u, column %u: %s%s%s",
                          fault->line, fault->column, fault->what[0] == '\0' ? err_text(err) : fault->what,
                          fault->suggestion[0] == '\0' ? "" : "; ", fault->suggestion);
}

static void put_remark(struct command_call *call, const struct policy_remark *remark, const char *say)
{
    line_begin(call->out);
    line_count(call->out, "line", remark->line);
    line_count(call->out, "column", remark->column);
    line_text(call->out, "warning", str_of(remark->what));
    line_word(call->out, "say", say);
    line_end(call->out);
}

static void say_remark(void *ctx, const struct policy_remark *remark)
{
    char say[COMMAND_TEXT_MAX];
    (void)snprintf(say, sizeof say, "line %u, column %u: %s", remark->line, remark->column, remark->what);
    put_remark(ctx, remark, say);
}

struct naming {
    struct command_call *call;
    struct suggest suggest;
    const struct policy_named *named;
};

static bool knows(struct naming *n, struct str name)
{
    suggest_try(&n->suggest, name);
    return str_eq(name, n->named->name);
}

static bool knows_source(struct naming *n)
{
    const struct gate *gate = n->call->host->gate;
    bool known = false;
    for (uint32_t i = 1; i <= gate_source_count(gate) && !known; i++)
        known = gate_source_get(gate, i) != NULL && knows(n, gate_source_get(gate, i)->name);
    return known;
}

static bool knows_node(struct naming *n)
{
    const struct gate *gate = n->call->host->gate;
    bool known = knows(n, str_of(n->call->host->conf->node));
    for (unsigned p = 0; p < gate_peer_count(gate) && !known; p++)
        known = knows(n, gate_peer_get(gate, p)->node);
    return known;
}

static const struct {
    const char *what;
    bool (*knows)(struct naming *n);
    const char *otherwise; /* when nothing is near */
} namings[] = {
    [POLICY_NAMED_SOURCE] = {"source", knows_source, "bongsu source list"},
    [POLICY_NAMED_OWNER] = {"source", knows_source, "bongsu source list"},
    [POLICY_NAMED_NODE] = {"node", knows_node, "bongsu peer list"},
};

/* A condition over what is not there never matches: `deny` denies nothing then. */
static void say_unknown(void *ctx, const struct policy_named *named)
{
    struct command_call *call = ctx;
    struct naming n = {call, suggest_for(named->name), named};
    struct policy_remark remark = {.line = named->line, .column = named->column};
    char meant[100];
    if (namings[named->kind].knows(&n))
        return;
    suggest_put(&n.suggest, namings[named->kind].otherwise, meant, sizeof meant);
    (void)snprintf(remark.what, sizeof remark.what, "there is no %s `%.*s` here, so this matches nothing; %s",
                   namings[named->kind].what, STR_ARG(named->name), meant);
    say_remark(call, &remark);
}

void command_say_slips(struct command_call *call, const struct policy *policy)
{
    policy_names(policy, say_unknown, call);
    policy_review_redact(policy, say_remark, call);
}

static void say_held_remark(void *ctx, const struct policy_remark *remark)
{
    struct command_call *call = ctx;
    char say[COMMAND_TEXT_MAX];
    (void)snprintf(say, sizeof say, "The policy in force, line %u, column %u: %s", remark->line,
                   remark->column, remark->what);
    put_remark(call, remark, say);
}

void command_say_retired(struct command_call *call)
{
    if (gate_policy(call->host->gate) != NULL)
        policy_retired(gate_policy(call->host->gate), say_held_remark, call);
}

static void say_in_force(struct command_call *call)
{
    const struct policy *policy = gate_policy(call->host->gate);
    struct hash digest = policy_digest(policy);
    command_say_slips(call, policy);
    line_begin(call->out);
    line_count(call->out, "rules", policy_rule_count(policy) - POLICY_RULE_BUILTIN_COUNT);
    line_hash(call->out, "digest", &digest);
    line_word(call->out, "say", "in force; everything held is decided again");
    line_end(call->out);
    command_warn_two(call, policy);
}

/* What waits: proposed anew, it is something else. */
static void put_pending(struct word *word, const struct gate_pending *pending)
{
    char time[TIME_TEXT_SIZE];
    time_text(pending->at_us, time);
    word_put_digest(word, word->kind == WORD_CONFIRM ? "policy" : "instead of", &pending->digest);
    word_put_text(word, "proposed by", pending->who);
    word_put(word, "proposed", "%s", time);
}

/* Which policy takes the place of which, and of which that waits: then an older word fits no more. */
static void put_activation(struct command_call *call, struct word *word, struct str text)
{
    struct gate_pending pending;
    const struct policy *policy = gate_policy(call->host->gate);
    struct hash digest = hash_sha256(bytes_from_str(text));
    word_put_digest(word, "policy", &digest);
    if (policy == NULL)
        word_put(word, "in force", "none");
    else {
        digest = policy_digest(policy);
        word_put_digest(word, "in force", &digest);
    }
    if (gate_policy_pending(call->host->gate, call->arena, &pending) == ERR_OK)
        put_pending(word, &pending);
}

/* The policy in force says how many it takes to replace it. */
static err_t policy_activate(struct command_call *call)
{
    struct str text;
    struct policy_fault fault = {0};
    struct word word;
    struct gate *gate = call->host->gate;
    bool two = gate_policy(gate) != NULL && policy_activation_by(gate_policy(gate)) == 2;
    err_t err;
    if (TRY(err, command_text(call, "text", &text)))
        return err;
    if (two &&
        TRY(err, command_two(call, "the policy in force wants two operators (activation by 2)", STR(""))))
        return err;
    word_begin(call, WORD_ACTIVATE, &word);
    put_activation(call, &word, text);
    if (TRY(err, word_check(call, &word)) || word.shown)
        return err;
    if (two)
        err = gate_policy_propose(gate, text, &word.by, call->now_us, &fault);
    else
        err = gate_policy_activate(gate, text, &word.by, call->now_us, &fault);
    if (err != ERR_OK)
        return command_refuse_policy(call, err, &fault);
    if (TRY(err, word_keep(call, &word)))
        return err;
    if (!two)
        say_in_force(call);
    else if (TRY(err, command_say_pending(call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    return ERR_OK;
}

err_t command_say_pending(struct command_call *call)
{
    struct gate_pending pending;
    char hex[2 * HASH_SIZE];
    err_t err = gate_policy_pending(call->host->gate, call->arena, &pending);
    if (err != ERR_OK)
        return err;
    str_hex(pending.digest.b, HASH_SIZE, hex);
    line_begin(call->out);
    line_text(call->out, "proposed_by", pending.who);
    line_time(call->out, "proposed", pending.at_us);
    line_text(call->out, "sha256", (struct str) {hex, sizeof hex});
    line_end(call->out);
    line_say(call->out,
             "Not in force yet: the policy that %.*s activated waits for another operator "
             "(bongsu policy pending; bongsu policy confirm %.*s).",
             STR_ARG(pending.who), DIGEST_HEAD_MIN, hex);
    return ERR_OK;
}

static err_t policy_pending(struct command_call *call)
{
    struct gate_pending pending;
    struct buf text;
    buf_init(&text, LIMIT_POLICY_BYTES + 1);
    err_t err = gate_policy_pending(call->host->gate, call->arena, &pending);
    if (err == ERR_OK && !TRY(err, gate_policy_pending_text(call->host->gate, &pending, &text))) {
        line_begin(call->out);
        line_text(call->out, "text", buf_str(&text));
        line_text(call->out, "say", buf_str(&text));
        line_end(call->out);
        err = command_say_pending(call);
    }
    buf_deinit(&text);
    if (err == ERR_NOTFOUND)
        line_say(call->out, "No policy waits to be confirmed.");
    else if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    return ERR_OK;
}

/* What he names must be what waits: another may have been proposed since he looked. */
static err_t check_digest(struct command_call *call, struct gate_pending *out)
{
    struct str head;
    char hex[2 * HASH_SIZE];
    err_t err;
    if (TRY(err, command_text(call, "digest", &head)))
        return err;
    if (head.len < DIGEST_HEAD_MIN)
        return command_refuse(call, ERR_USAGE, "`bongsu policy pending` prints it",
                              "the first %d characters of the digest at least", DIGEST_HEAD_MIN);
    if (TRY(err, gate_policy_pending(call->host->gate, call->arena, out)))
        return err;
    str_hex(out->digest.b, HASH_SIZE, hex);
    return str_starts((struct str) {hex, sizeof hex}, head) ? ERR_OK : ERR_CONFLICT;
}

/* Both are operators today: who activated it may have been one once. */
static err_t check_both(struct command_call *call, struct str first)
{
    bool counts = operators_has(call->host->operators, first);
    err_t err = command_two(call, "two operators take a policy into force", counts ? first : STR(""));
    if (err == ERR_OK && !counts)
        err = command_refuse(call, ERR_DENIED,
                             "an operator activates it again (bongsu policy pending), another confirms it",
                             "%.*s, who activated it, is no operator (any more)", STR_ARG(first));
    return err;
}

/* Both may, and the one who asks signed it, if he is to. */
static err_t check_word(struct command_call *call, const struct gate_pending *pending, struct word *word)
{
    err_t err = check_both(call, pending->who);
    if (err != ERR_OK)
        return err;
    word_begin(call, WORD_CONFIRM, word);
    put_pending(word, pending);
    return word_check(call, word);
}

static err_t policy_confirm(struct command_call *call)
{
    struct policy_fault fault = {0};
    struct gate_pending pending = {.who = STR("")};
    struct word word = {.shown = false};
    err_t err = check_digest(call, &pending);
    if (err == ERR_USAGE || (err == ERR_OK && (TRY(err, check_word(call, &pending, &word)) || word.shown)))
        return err;
    if (err == ERR_OK)
        err = gate_policy_confirm(call->host->gate, &pending.digest, &word.by, call->now_us, &fault);
    if (err == ERR_CONFLICT)
        return command_refuse(call, err, "read it: bongsu policy pending",
                              "another policy waits than the one you name: it was proposed anew");
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "bongsu policy activate FILE", "no policy waits to be confirmed");
    if (err == ERR_DENIED)
        return command_refuse(call, err, "another operator has to confirm it",
                              "you activated it yourself: two operators have to agree");
    if (err != ERR_OK)
        return command_refuse_policy(call, err, &fault);
    say_in_force(call);
    return word_keep(call, &word);
}

static err_t policy_check(struct command_call *call)
{
    struct str text;
    struct policy_fault fault = {0};
    struct policy *policy;
    err_t err;
    if (TRY(err, command_text(call, "text", &text)))
        return err;
    if (TRY(err, gate_policy_compile(call->host->gate, text, &policy, &fault)))
        return command_refuse_policy(call, err, &fault);
    policy_review(policy, call->now_us, say_remark, call);
    command_warn_two(call, policy);
    command_say_slips(call, policy);
    line_begin(call->out);
    line_count(call->out, "rules", policy_rule_count(policy) - POLICY_RULE_BUILTIN_COUNT);
    line_word(call->out, "say", "the policy is well formed");
    line_end(call->out);
    policy_unref(policy);
    return ERR_OK;
}

static err_t policy_show(struct command_call *call)
{
    const struct policy *policy = gate_policy(call->host->gate);
    if (policy == NULL)
        return command_refuse(call, ERR_NOTFOUND, "bongsu policy activate FILE",
                              "there is no policy: nothing leaves");
    line_begin(call->out);
    line_text(call->out, "text", policy_text(policy));
    line_text(call->out, "say", policy_text(policy));
    line_end(call->out);
    command_say_retired(call);
    return ERR_OK;
}

static void say_step(void *ctx, const struct policy_step *step)
{
    struct command_call *call = ctx;
    /* Behind the rule that decided only what would keep it as well, and what could let it go, is worth a
     * line. */
    if (!step->addressed || (!step->reached && !step->matched && step->effect != POLICY_RELEASE))
        return;
    line_begin(call->out);
    line_text(call->out, "rule", step->name);
    line_word(call->out, "effect", policy_effect_name(step->effect));
    line_count(call->out, "line", step->line);
    line_word(call->out, "result", step->decided ? "decides" : step->matched ? "matches" : "does not match");
    line_text(call->out, "condition", step->condition);
    line_text(call->out, "because", step->value);
    if (step->waits_until_us != POLICY_TIME_NONE)
        line_time(call->out, "waits_until", step->waits_until_us);
    if (step->deadline_us != POLICY_TIME_NONE)
        line_time(call->out, "deadline", step->deadline_us);
    if (step->duties.len > 0)
        line_text(call->out, "duties", step->duties);
    if (step->change.len > 0)
        line_text(call->out, step->effect == POLICY_RELEASE ? "matches_if" : "ends_if", step->change);
    line_end(call->out);
    if (!step->lapsed)
        return;
    char time[TIME_TEXT_SIZE];
    time_text(step->deadline_us, time);
    line_say(call->out, "Rule %.*s: the deadline passed at %s, its default is %s.", STR_ARG(step->name), time,
             step->lapse == POLICY_LAPSE_RELEASE ? "release: it holds no longer, and all else decides"
                                                 : "deny");
}

static void put_rival(const struct gate_rival *rival, char *to, size_t size)
{
    bool level = rival->tlp != STIX_TLP_NONE;
    (void)snprintf(to, size, "The copy of this version that %.*s brought (number %llu%s) is marked %s%s",
                   STR_ARG(rival->source), (unsigned long long)rival->lsn,
                   rival->quarantined ? ", in quarantine" : "",
                   level ? "tlp:" : "for named readers, or unjudged", level ? stix_tlp_name(rival->tlp) : "");
}

static void say_aside(struct command_call *call, const struct gate_rival *aside)
{
    char text[COMMAND_TEXT_MAX / 2], until[TIME_TEXT_SIZE] = "it is taken back";
    struct buf say;
    put_rival(aside, text, sizeof text);
    if (aside->until_us != INT64_MAX)
        time_text(aside->until_us, until);
    buf_init(&say, COMMAND_TEXT_MAX + 3 * RECORD_TEXT_MAX);
    buf_printf(
        &say, "%s, and does not bind: the owner's marking stands by the word of %.*s%s%.*s, until %s (%.*s).",
        text, STR_ARG(aside->by), aside->second.len > 0 ? " and " : "", STR_ARG(aside->second), until,
        STR_ARG(aside->because));
    line_begin(call->out);
    line_text(call->out, "say", buf_str(&say));
    line_end(call->out);
    buf_deinit(&say);
}

/* Whose word binds beside, or instead of, the one that is shown. */
static void say_copies(struct command_call *call, const struct gate_why *why)
{
    char text[COMMAND_TEXT_MAX / 2];
    if (why->variant_of.len > 0)
        line_say(call->out,
                 "There are several variants of it; the strictest is what %.*s says (number %llu).",
                 STR_ARG(why->variant_of), (unsigned long long)why->lsn);
    put_rival(&why->rival, text, sizeof text);
    if (why->rival.source.len > 0)
        line_say(call->out, "%s, and binds as well: the stricter of both.", text);
    if (why->aside.source.len > 0)
        say_aside(call, &why->aside);
}

/* What ends it, and that no approval does. */
static void put_kept(const struct gate_why *why, char *to, size_t size)
{
    char time[TIME_TEXT_SIZE];
    if (why->beyond == GATE_BEYOND_TIME) {
        (void)snprintf(to, size,
                       "this partner's time with it is over; only a newer version that says something else "
                       "goes to him, with a time of its own");
        return;
    }
    if (why->beyond == GATE_BEYOND_REPEATS) {
        (void)snprintf(to, size, "it was given and taken back too often; a newer version goes");
        return;
    }
    time_text(why->room_us, time);
    (void)snprintf(to, size, "this partner's budget has room again from %s on; what waits longest goes first",
                   time);
}

/* Held: by what a person ends, or by what something else does. */
static void say_held(struct command_call *call, const struct gate_why *why, unsigned partner)
{
    struct gate *gate = call->host->gate;
    struct gate_hold hold;
    char remedy[COMMAND_TEXT_MAX / 2] = "";
    bool queued = gate_hold_find(gate, partner, why->lsn, call->now_us, &hold) == ERR_OK &&
                  str_eq(hold.rule, why->rule);
    bool built_in = str_starts(why->rule, STR("built-in."));
    if (why->beyond != GATE_BEYOND_NOT) {
        put_kept(why, remedy, sizeof remedy);
        line_say(call->out, "Held by rule %.*s, which no approval ends: %s.", STR_ARG(why->rule), remedy);
        return;
    }
    if (!queued || hold.remedy == GATE_REMEDY_APPROVE || hold.remedy == GATE_REMEDY_TIME) {
        line_say(call->out, "Held%s by rule %.*s.", queued || !built_in ? " for a person" : "",
                 STR_ARG(why->rule));
        return;
    }
    if (hold.remedy != GATE_REMEDY_RULE)
        command_put_remedy(&hold, gate_peer_get(gate, partner)->audience, remedy, sizeof remedy);
    line_say(call->out, "Held by rule %.*s, which no approval ends%s%s.", STR_ARG(why->rule),
             remedy[0] == '\0' ? "" : "; what does: ", remedy);
}

static bool has_duties(const struct command_call *call, struct str rule)
{
    const struct policy *policy = gate_policy(call->host->gate);
    int index = policy == NULL ? -1 : policy_rule_find(policy, rule);
    return index >= 0 && policy_rule_duties(policy, (unsigned)index) != NULL;
}

static const char follows[] =
    "Not released by itself: it goes along with what names it, and nothing that names "
    "it goes there.";
static const char untreated[] =
    "Not released: it would go along with what names it, but only as it stands, and a rule asks for it to be "
    "changed for this partner, or holds it for its personal data. What needs it waits with it.";

/* The line for programs. */
static void tell_why(struct command_call *call, const struct gate_why *why)
{
    line_begin(call->out);
    line_version(call->out, why->lsn, why->version);
    line_word(call->out, "effect_of_rules", policy_effect_name(why->effect));
    line_bool(call->out, "released", why->released);
    line_bool(call->out, "blocked", why->blocked);
    line_bool(call->out, "superseded", why->superseded);
    line_bool(call->out, "stopped", why->stopped);
    line_text(call->out, "by_rule", why->rule);
    line_bool(call->out, "follows", why->follows);
    if (why->blocked)
        line_text(call->out, "blocked_by", why->blocked_by);
    if (why->blocked && why->held_as.len > 0)
        line_text(call->out, "held_as", why->held_as);
    line_bool(call->out, "minted", why->minted);
    if (why->without.len > 0)
        line_text(call->out, "without", why->without);
    if (why->unmade != NULL)
        line_word(call->out, "unmade", why->unmade);
    if (why->limit.len > 0) {
        line_text(call->out, "limited_by", why->limited_by);
        line_text(call->out, "limit", why->limit);
    }
    if (why->named.len > 0)
        line_text(call->out, "names_unknown", why->named);
    if (why->rival.source.len > 0) {
        line_text(call->out, "rival", why->rival.source);
        line_count(call->out, "rival_number", why->rival.lsn);
    }
    if (why->beyond == GATE_BEYOND_BUDGET)
        line_time(call->out, "room_at", why->room_us);
    if (why->aside.source.len > 0) {
        line_text(call->out, "aside", why->aside.source);
        line_count(call->out, "aside_number", why->aside.lsn);
    }
    line_end(call->out);
}

static void say_why(struct command_call *call, const struct gate_why *why, unsigned partner)
{
    tell_why(call, why);
    if (why->limit.len > 0)
        line_say(call->out, "%.*s gave it to this node with a limit on passing it on: %.*s.",
                 STR_ARG(why->limited_by), STR_ARG(why->limit));
    if (why->released && why->minted && why->effect == POLICY_RELEASE)
        line_say(call->out, "Released as another object, made for this partner%s (rule %.*s).",
                 why->without.len > 0          ? ": without what it may not have"
                 : has_duties(call, why->rule) ? ", as the duties of its rule ask"
                                               : ", because of what it names",
                 STR_ARG(why->rule));
    else if (why->released && why->follows)
        line_say(call->out, "Released along with what names it.");
    else if (why->released && why->beyond == GATE_BEYOND_TIME)
        line_say(call->out, "Released already; now rule %.*s ends it: it is taken back with the next step.",
                 STR_ARG(why->rule));
    else if (why->released && why->effect != POLICY_RELEASE)
        line_say(call->out, "Released already%s; now rule %.*s would %s it: %s.",
                 why->minted ? ", as another object, made for this partner" : "", STR_ARG(why->rule),
                 why->effect == POLICY_HOLD ? "hold" : "deny",
                 why->effect == POLICY_HOLD ? "it stays, and a newer version would be kept back"
                                            : "it is taken back with the next step");
    else if (why->released)
        line_say(call->out, "Released (rule %.*s).", STR_ARG(why->rule));
    else if (why->blocked)
        line_say(call->out, "Not released: %s%.*s, but it refers to %.*s, which %s%.*s.",
                 why->follows ? "it goes along with what names it" : "it may go by rule ",
                 STR_ARG(why->follows ? STR("") : why->rule), STR_ARG(why->blocked_by),
                 why->held_as.len > 0      ? "is held only minted, as "
                 : why->blocked_by_unknown ? "is not held here"
                                           : "is withheld",
                 STR_ARG(why->held_as));
    else if (why->kept_along) {
        line_say(call->out, "Not released: it would go along with what names it, and a rule holds it for its "
                            "personal data. What needs it waits with it.");
        say_held(call, why, partner);
    } else if (why->follows || why->untreated)
        line_say(call->out, "%s", why->follows ? follows : untreated);
    else if (why->stopped)
        line_say(call->out, "Not released: releases are stopped (bongsu stop-release --lift).");
    else if (why->effect == POLICY_HOLD)
        say_held(call, why, partner);
    else
        line_say(call->out, "%s by rule %.*s.", why->effect == POLICY_RELEASE ? "To be released" : "Denied",
                 STR_ARG(why->rule));
}

/* The profile has a line each, `!` before what is no selector. */
static void say_unmade(struct command_call *call, const struct gate_why *why)
{
    struct str left = why->without;
    struct buf what;
    if (why->unmade == NULL)
        return;
    buf_init(&what, COMMAND_TEXT_MAX);
    while (left.len > 0) {
        struct str line = str_cut(&left, '\n');
        bool named = line.len > 0 && line.at[0] == '!';
        buf_printf(&what, "%s%.*s", what.len > 0 ? ", " : " (", (int)line.len - named, line.at + named);
    }
    line_say(call->out, "What must be taken out of it for this partner%.*s%s cannot be: %s.",
             STR_ARG(buf_str(&what)), what.len > 0 ? ")" : "", why->unmade);
    buf_deinit(&what);
}

static void say_named(struct command_call *call, const struct gate_why *why)
{
    if (why->named.len > 0)
        line_say(call->out,
                 "A text in it names %.*s, which this partner has not: it goes without that text, as another "
                 "object, or waits where it is none without.",
                 STR_ARG(why->named));
}

static void say_approval(struct command_call *call, const struct gate_why *why)
{
    struct buf say;
    bool based = why->basis.len > 0;
    if (why->approvers.len == 0)
        return;
    buf_init(&say, COMMAND_TEXT_MAX + why->approvers.len + why->basis.len);
    buf_printf(&say, "Approved for this partner by %.*s%s%.*s.", STR_ARG(why->approvers),
               based ? ", on the basis of " : ", without a basis", STR_ARG(why->basis));
    line_begin(call->out);
    line_text(call->out, "approved_by", why->approvers);
    line_text(call->out, "basis", why->basis);
    line_text(call->out, "say", buf_str(&say));
    line_end(call->out);
    buf_deinit(&say);
}

struct treating {
    struct command_call *call;
    const char *done;
    bool goes;
    struct str without;
};

static void say_hit(void *ctx, const struct privacy_hit *hit)
{
    struct treating *treating = ctx;
    struct command_call *call = treating->call;
    struct buf why;
    bool related = hit->role == PRIVACY_INDICATOR || hit->role == PRIVACY_SENDER;
    bool out = treating->goes && gate_taken_out(treating->without, hit->pointer);
    const char *done = out ? "taken out" : related ? "stays: the attacker's" : treating->done;
    buf_init(&why, COMMAND_TEXT_MAX);
    privacy_reasons(hit->reasons, &why);
    line_begin(call->out);
    line_word(call->out, "personal", privacy_kind_name(hit->kind));
    line_text(call->out, "pointer", hit->pointer);
    line_count(call->out, "score", hit->score);
    line_word(call->out, "role", privacy_role_name(hit->role));
    line_text(call->out, "reasons", buf_str(&why));
    line_word(call->out, "done", done);
    char say[COMMAND_TEXT_MAX];
    (void)snprintf(say, sizeof say, "Personal data: %s at %.*s, %u (%s; %.*s): %s.",
                   privacy_kind_name(hit->kind), STR_ARG(hit->pointer), hit->score,
                   privacy_role_name(hit->role), STR_ARG(buf_str(&why)), done);
    line_word(call->out, "say", say);
    line_end(call->out);
    buf_deinit(&why);
}

/* Kinds, places and recognisers' reasons, never values, and what becomes of them for this partner. */
static err_t say_personal(struct command_call *call, const struct stix_key *object,
                          const struct gate_why *why)
{
    bool goes = why->released || why->effect == POLICY_RELEASE;
    struct treating treating = {.call = call,
                                .done = goes                         ? "goes as it stands"
                                        : why->effect == POLICY_HOLD ? "held"
                                                                     : "denied",
                                .goes = goes,
                                .without = why->without};
    for (struct str rest = why->without; rest.len > 0;) {
        struct str line = str_cut(&rest, '\n');
        if (str_eq(line, STR("!mask-personal-data")))
            treating.done = "masked";
        else if (str_eq(line, STR("!pseudonymise-personal-data")))
            treating.done = "replaced by a pseudonym";
    }
    return gate_personal(call->host->gate, object, say_hit, &treating);
}

static void say_unsure(struct command_call *call, const struct gate_why *why)
{
    if (why->effect != POLICY_RELEASE && gate_clock_holds(call->host->gate))
        line_say(call->out,
                 "The clock is not believed (bongsu status): what it alone would let go waits, and "
                 "is told as it stood a day after the last run of the retention");
}

static bool say_origin(void *ctx, const struct gate_object *object)
{
    struct command_call *call = ctx;
    if (object->newest)
        command_say_origin(call->out, object);
    return !object->newest;
}

static err_t policy_explain_one(struct command_call *call)
{
    struct stix_key object;
    const struct gate_peer *peer;
    struct gate_why why;
    err_t err;
    if (TRY(err, command_object_meant(call, "id", &object)) ||
        TRY(err, command_partner(call, "audience", &peer)))
        return err;
    if (TRY(err, gate_explain(call->host->gate, &object, peer->index, call->now_us, call->arena, say_step,
                              call, &why)))
        return command_refuse(call, err, NULL, "%s",
                              err == ERR_NOTFOUND ? "no such object is held" : err_text(err));
    if (TRY(err, gate_markings(call->host->gate, &object, (int)peer->index, call->now_us, call->arena,
                               command_say_marking, call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (TRY(err, say_personal(call, &object, &why)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    say_copies(call, &why);
    say_why(call, &why, peer->index);
    say_unsure(call, &why);
    say_unmade(call, &why);
    say_named(call, &why);
    say_approval(call, &why);
    if (TRY(err, gate_versions(call->host->gate, &object, say_origin, call)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    return ERR_OK;
}

/* What an approval is about, and which version of it. */
struct approving {
    struct stix_key object;
    uint64_t lsn; /* as the operator named it; 0: the newest */
    struct stamp version;
};

/* A number of `holds list`. No word lets go what waits for something else. */
static err_t approving_waits(struct command_call *call, const struct gate_peer *peer,
                             enum gate_approval approval, struct approving *out)
{
    struct gate_hold hold;
    char *remedy = arena_alloc(call->arena, COMMAND_TEXT_MAX); /* it outlives the call */
    err_t err = gate_hold_find(call->host->gate, peer->index, out->lsn, call->now_us, &hold);
    if (err == ERR_OK && !stix_id_parse(hold.id, &out->object))
        err = ERR_CORRUPT;
    if (err == ERR_OK && approval == GATE_APPROVE && hold.remedy != GATE_REMEDY_APPROVE &&
        hold.remedy != GATE_REMEDY_TIME) {
        if (remedy == NULL)
            return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
        command_put_remedy(&hold, peer->audience, remedy, COMMAND_TEXT_MAX);
        return command_refuse(call, ERR_WRONGSTATE, remedy, "no approval ends rule %.*s for number %llu",
                              STR_ARG(hold.rule), (unsigned long long)out->lsn);
    }
    return err == ERR_OK ? err
                         : command_refuse(call, err, "bongsu holds list",
                                          "number %llu does not wait for %.*s (any more)",
                                          (unsigned long long)out->lsn, STR_ARG(peer->audience));
}

static err_t refuse_newer(struct command_call *call, const struct approving *newest)
{
    char time[TIME_TEXT_SIZE];
    time_text(stamp_us(newest->version), time);
    return command_refuse(call, ERR_CONFLICT, "read it (`bongsu object show ID`), then name that version",
                          "another version is the newest: number %llu, version %s",
                          (unsigned long long)newest->lsn, time);
}

static err_t approving_of(struct command_call *call, const struct gate_peer *peer,
                          enum gate_approval approval, struct approving *out)
{
    struct str id, version = command_text_or_empty(call, "version");
    struct approving found = {.lsn = 0}, newest;
    struct stamp stamp;
    err_t err;
    if (TRY(err, command_text(call, "id", &id)))
        return err;
    if (str_to_u64(id, UINT64_MAX, &found.lsn))
        err = approving_waits(call, peer, approval, &found);
    else
        err = command_object_meant(call, "id", &found.object);
    if (err != ERR_OK)
        return err;
    newest = found;
    if (TRY(err, gate_approve_which(call->host->gate, &found.object, &newest.lsn, &newest.version)))
        return command_refuse(call, err, NULL, "%s",
                              err == ERR_NOTFOUND ? "no such object is held" : err_text(err));
    if (version.len > 0 && stamp_parse(version, &stamp, NULL) != ERR_OK)
        return command_refuse(call, ERR_USAGE, "2026-11-30T08:00:00Z, as in its modified",
                              "--version is no time");
    if ((found.lsn != 0 && found.lsn != newest.lsn) ||
        (version.len > 0 && stamp_cmp(stamp, newest.version) != 0))
        return refuse_newer(call, &newest);
    *out = newest;
    return ERR_OK;
}

/* Those among "alice, root, bob" who are operators. In the call's arena. */
static struct str counted_of(struct command_call *call, struct str approvers)
{
    struct buf names;
    buf_init(&names, approvers.len + 1);
    while (approvers.len > 0) {
        struct str name = str_trim(str_cut(&approvers, ','));
        if (!operators_has(call->host->operators, name))
            continue;
        buf_put_str(&names, names.len == 0 ? STR("") : STR(", "));
        buf_put_str(&names, name);
    }
    struct str out = arena_str(call->arena, buf_str(&names));
    buf_deinit(&names);
    return out.at == NULL ? STR("") : out;
}

/* Without a basis, or by who counts for nothing, the object would go on waiting, in silence. */
static err_t check_asked(struct command_call *call, const struct stix_key *object, unsigned partner,
                         bool based, struct str *out_rule)
{
    struct gate_asked asked;
    char what[COMMAND_TEXT_MAX];
    err_t err = gate_asked(call->host->gate, object, partner, call->now_us, &asked);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    struct str rule = arena_str(call->arena, asked.rule);
    (void)snprintf(what, sizeof what, "rule %.*s waits for two operators", STR_ARG(rule));
    if (asked.needed == 2 && TRY(err, command_two(call, what, counted_of(call, asked.approvers))))
        return err;
    if (!based && asked.basis)
        return command_refuse(call, ERR_USAGE, "--because \"warrant 12/2026\"",
                              "rule %.*s lets nothing go without a basis: it is logged with your name",
                              STR_ARG(rule));
    *out_rule = rule;
    return ERR_OK;
}

/* No word lets go what waits for the time, or whose time is over. */
static err_t check_kept(struct command_call *call, const struct approving *what, const struct gate_peer *peer)
{
    struct gate_why why;
    char *remedy = arena_alloc(call->arena, COMMAND_TEXT_MAX); /* it outlives the call */
    err_t err = gate_explain(call->host->gate, &what->object, peer->index, call->now_us, call->arena, NULL,
                             NULL, &why);
    if (err == ERR_OK && remedy == NULL)
        err = ERR_NOMEM;
    if (err != ERR_OK && err != ERR_WRONGSTATE) /* no policy is in force: nothing keeps it */
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (err != ERR_OK || why.beyond == GATE_BEYOND_NOT)
        return ERR_OK;
    put_kept(&why, remedy, COMMAND_TEXT_MAX);
    return command_refuse(call, ERR_WRONGSTATE, remedy, "no approval ends rule %.*s for number %llu",
                          STR_ARG(why.rule), (unsigned long long)why.lsn);
}

/* Of two words that the rule asks for this was the first. */
static bool waits_for_another(struct command_call *call, const struct stix_key *object, unsigned partner,
                              struct str rule)
{
    struct gate_asked asked;
    return rule.len > 0 && gate_asked(call->host->gate, object, partner, call->now_us, &asked) == ERR_OK &&
           asked.needed == 2 && str_eq(asked.rule, rule);
}

/* What the word does, for people. */
static void put_effect(enum gate_approval approval, struct str rule, bool waits, char *to, size_t size)
{
    if (waits)
        (void)snprintf(to, size,
                       "rule %.*s asks for two: nothing goes before another operator has said the same",
                       STR_ARG(rule));
    else if (approval == GATE_DENY)
        (void)snprintf(to, size,
                       "it is decided again; what was released of it is taken back; a newer version goes by "
                       "the rules again (a tag and a rule that denies it keep all of them)");
    else if (rule.len > 0)
        (void)snprintf(to, size, "rule %.*s asked; it is decided again", STR_ARG(rule));
    else
        (void)snprintf(to, size,
                       "no rule asks for an approval now: what keeps it says bongsu policy explain");
}

/* What goes to whom, and which question of which policy that answers. */
static err_t check_approval(struct command_call *call, const struct approving *what,
                            const struct gate_peer *peer, struct str rule, struct word *word)
{
    char id[COMMAND_ID_SIZE], time[TIME_TEXT_SIZE];
    const struct policy *policy = gate_policy(call->host->gate);
    command_id_text(&what->object, id);
    time_text(stamp_us(what->version), time);
    word_put(word, "object", "%s", id);
    word_put(word, "version", "%s", time);
    word_put(word, "number", "%llu", (unsigned long long)what->lsn);
    word_put(word, "partner", "%.*s", STR_ARG(peer->audience));
    word_put(word, "rule", "%.*s", STR_ARG(rule.len > 0 ? rule : STR("none")));
    if (policy != NULL) {
        struct hash digest = policy_digest(policy);
        word_put_digest(word, "policy", &digest);
    }
    return word_check(call, word);
}

static err_t approve(struct command_call *call, enum gate_approval approval)
{
    const struct gate_peer *peer;
    struct approving what;
    struct word word;
    struct str rule = STR("");
    char time[TIME_TEXT_SIZE], say[COMMAND_TEXT_MAX], effect[COMMAND_TEXT_MAX / 2];
    err_t err;
    if (TRY(err, command_partner(call, "audience", &peer)) ||
        TRY(err, approving_of(call, peer, approval, &what)))
        return err;
    word_begin(call, WORD_APPROVE, &word); /* to deny needs nobody else, and waits for nothing */
    if (approval == GATE_APPROVE &&
        (TRY(err, check_asked(call, &what.object, peer->index, word.by.because.len > 0, &rule)) ||
         (rule.len == 0 && TRY(err, check_kept(call, &what, peer))) ||
         TRY(err, check_approval(call, &what, peer, rule, &word)) || word.shown))
        return err;
    if (TRY(err, gate_approve(call->host->gate, &what.object, peer->index, approval, what.lsn, &word.by,
                              call->now_us)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    bool versioned = stamp_us(what.version) != 0;
    time_text(stamp_us(what.version), time);
    bool waits = approval == GATE_APPROVE && waits_for_another(call, &what.object, peer->index, rule);
    put_effect(approval, rule, waits, effect, sizeof effect);
    (void)snprintf(say, sizeof say, "%s for %.*s: number %llu%s%s; %s",
                   waits                      ? "approved by one of two"
                   : approval == GATE_APPROVE ? "approved"
                                              : "denied",
                   STR_ARG(peer->audience), (unsigned long long)what.lsn, versioned ? ", version " : "",
                   versioned ? time : "", effect);
    line_begin(call->out);
    line_version(call->out, what.lsn, what.version);
    if (approval == GATE_APPROVE) {
        line_text(call->out, "rule", rule);
        line_bool(call->out, "waits", waits);
    }
    line_word(call->out, "say", say);
    line_end(call->out);
    return word_keep(call, &word);
}

static err_t approve_one(struct command_call *call)
{
    return approve(call, GATE_APPROVE);
}

static err_t deny_one(struct command_call *call)
{
    return approve(call, GATE_DENY);
}

/* A name that nothing bears would stop nothing, in silence. What is gone may still be lifted. */
static err_t check_stop_name(struct command_call *call, enum gate_stop_kind kind, struct str name)
{
    const struct policy *policy = gate_policy(call->host->gate);
    const struct gate_peer *peer;
    switch (kind) {
    case GATE_STOP_PARTNER:
        return command_partner(call, "partner", &peer);
    case GATE_STOP_SOURCE:
        if (gate_source_find(call->host->gate, name) == NULL)
            return command_refuse(call, ERR_NOTFOUND, "`bongsu source list` names them",
                                  "there is no source %.*s", STR_ARG(name));
        return ERR_OK;
    case GATE_STOP_RULE:
        if (policy == NULL || policy_rule_find(policy, name) < 0)
            return command_refuse(call, ERR_NOTFOUND, "`bongsu policy show` names them",
                                  "there is no rule %.*s", STR_ARG(name));
        return ERR_OK;
    case GATE_STOP_ALL:
        break;
    }
    return ERR_OK;
}

static err_t stop_release(struct command_call *call)
{
    static const struct {
        const char *word;
        enum gate_stop_kind kind;
    } kinds[] = {{"partner", GATE_STOP_PARTNER}, {"source", GATE_STOP_SOURCE}, {"rule", GATE_STOP_RULE}};
    enum gate_stop_kind kind = GATE_STOP_ALL;
    struct str name = {NULL, 0};
    struct gate_by by = command_by(call);
    bool stop = !command_flag(call, "lift");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct str given = command_text_or_empty(call, kinds[i].word);
        if (given.len == 0)
            continue;
        if (name.len > 0)
            return command_refuse(call, ERR_USAGE, NULL, "one of partner, source and rule, or none");
        name = given;
        kind = kinds[i].kind;
    }
    err_t err = stop ? check_stop_name(call, kind, name) : ERR_OK;
    if (err != ERR_OK)
        return err;
    if (TRY(err, gate_stop(call->host->gate, kind, name, stop, &by, call->now_us)))
        return command_refuse(call, err, NULL, "%s",
                              err == ERR_NOTFOUND ? "no such stop is in force" : err_text(err));
    line_say(call->out, "%s%s%.*s", stop ? "releases are stopped" : "releases go on",
             name.len > 0 ? ": " : "", STR_ARG(name));
    return ERR_OK;
}

const struct command command_policy_rows[] = {
    {"policy.activate", true, policy_activate},
    {"policy.confirm", true, policy_confirm},
    {"policy.pending", false, policy_pending},
    {"policy.check", false, policy_check},
    {"policy.show", false, policy_show},
    {"policy.explain", false, policy_explain_one},
    {"approve", true, approve_one},
    {"deny", true, deny_one},
    {"stop-release", true, stop_release},
    {NULL, false, NULL},
};
