/* What waits for people, and what another policy would do: answers of any size, in portions. */
#include <stdio.h>

#include "app/command.h"
#include "core/mem.h"

enum { HOLDS_A_PORTION = 64, LOOKED_A_PORTION = 5000, OBJECTS_A_PORTION = 500, EXAMPLES = 5 };

/* --- holds --- */

struct listing {
    struct command_call *call;
    unsigned partner, last; /* of those that are asked for */
    struct gate_queue at;   /* of this partner's */
    size_t said;
};

static const char *lapse_word(enum policy_lapse lapse)
{
    return lapse == POLICY_LAPSE_DENY ? "deny" : lapse == POLICY_LAPSE_RELEASE ? "release" : "wait on";
}

void command_put_remedy(const struct gate_hold *hold, struct str audience, char *to, size_t size)
{
    unsigned long long number = hold->lsn;
    switch (hold->remedy) {
    case GATE_REMEDY_APPROVE:
        (void)snprintf(to, size, "bongsu holds approve %llu %.*s%s", number, STR_ARG(audience),
                       hold->basis ? " --because BASIS" : "");
        return;
    case GATE_REMEDY_TIME:
        (void)snprintf(to, size, "it goes when its time has come; sooner: bongsu holds approve %llu %.*s",
                       number, STR_ARG(audience));
        return;
    case GATE_REMEDY_CLASSIFY:
        (void)snprintf(to, size, "bongsu marking classify %.*s --as LEVEL", STR_ARG(hold->about));
        return;
    case GATE_REMEDY_ARRIVE:
        (void)snprintf(to, size, "%.*s has to arrive", STR_ARG(hold->about));
        return;
    case GATE_REMEDY_RENEW:
        (void)snprintf(to, size,
                       hold->about.len > 0 ? "a policy in which agreement %.*s goes on (valid-until)"
                                           : "a policy in which an agreement%.*s names this partner",
                       STR_ARG(hold->about));
        return;
    case GATE_REMEDY_LIFT:
        (void)snprintf(to, size, "bongsu stop-release --lift (bongsu status says which)");
        return;
    case GATE_REMEDY_NEWER:
        (void)snprintf(to, size, "its origin said that it is outdated: a newer version");
        return;
    case GATE_REMEDY_RULE:
    case GATE_REMEDIES:
        break;
    }
    (void)snprintf(to, size, "bongsu policy explain %.*s %.*s says what would end it", STR_ARG(hold->id),
                   STR_ARG(audience));
}

static bool say_hold(void *ctx, const struct gate_hold *hold)
{
    struct listing *listing = ctx;
    struct buf *out = listing->call->out;
    struct str audience = gate_peer_get(listing->call->host->gate, hold->partner)->audience;
    char remedy[COMMAND_TEXT_MAX];
    command_put_remedy(hold, audience, remedy, sizeof remedy);
    line_begin(out);
    line_version(out, hold->lsn, hold->version);
    line_text(out, "id", hold->id);
    line_text(out, "audience", audience);
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
    line_word(out, "ended_by", remedy);
    line_end(out);
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
    for (size_t looks = 0; listing->partner < listing->last && listing->said < HOLDS_A_PORTION && looks < 2;
         looks++) {
        err_t err = gate_holds(call->host->gate, listing->partner, call->now_us, &listing->at,
                               LOOKED_A_PORTION, say_hold, listing);
        if (err != ERR_OK)
            return command_refuse(call, err, NULL, "the queue cannot be read: %s", err_text(err));
        if (listing->at.end) {
            listing->at = (struct gate_queue) {.end = false};
            listing->partner++;
            looks = 0;
        }
    }
    *out_end = listing->partner == listing->last;
    return ERR_OK;
}

/* --- policy diff --- */

enum { NAMES_MAX = 64, NAME_MAX = 80, FORM_BYTES = 4 * LIMIT_MINT_PROFILE_BYTES };

struct comparing {
    struct command_call *call;
    struct policy *other;
    uint64_t cursor, looked;
    bool told; /* what the other policy names that is not here */
    uint64_t counts[GATE_DIFF_KINDS][LIMIT_PARTNERS];
    uint64_t namers[LIMIT_PARTNERS]; /* references that stay, to what he would lose */
    bool all;
    struct {
        unsigned partner;
        char name[NAME_MAX];
    } shown[NAMES_MAX]; /* what would newly be shown, each once a partner */
    size_t shown_count;
    uint64_t more_shown; /* partners to whom more than has room here */
};

static const char *const change_words[GATE_DIFF_KINDS] = {
    "released",     "held back", "withdrawn", "whole",  "in part", "in other parts",
    "other duties", "kept",      "later",     "denied", "held",    "stays"};
static const char *const said_words[] = {"none", "release", "hold", "deny"};

/* A line of what is taken out, for people. */
static struct str part_name(struct str line)
{
    static const struct {
        struct str line, name;
    } names[] = {{{"!creator", 8}, {"its creator", 11}},
                 {{"!mask-personal-data", 19}, {"personal data", 13}},
                 {{"!pseudonymise-personal-data", 27}, {"personal data behind pseudonyms", 31}},
                 {{GATE_DIFF_LACKING, sizeof GATE_DIFF_LACKING - 1},
                  {"what names objects that it does not have", 40}}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(line, names[i].line))
            return names[i].name;
    return line;
}

static bool next_line(struct str *text, struct str *out)
{
    if (text->len == 0)
        return false;
    const char *end = memchr(text->at, '\n', text->len);
    size_t len = end == NULL ? text->len : (size_t)(end - text->at);
    size_t past = end == NULL ? len : len + 1;
    *out = (struct str) {text->at, len};
    *text = (struct str) {text->at + past, text->len - past};
    return true;
}

static void note_shown(struct comparing *comparing, const struct gate_diff_line *diff)
{
    struct str text = diff->shown, line;
    while (next_line(&text, &line)) {
        struct str name = part_name(line);
        char cut[NAME_MAX];
        size_t i = 0;
        (void)snprintf(cut, sizeof cut, "%.*s", STR_ARG(name));
        while (i < comparing->shown_count && (comparing->shown[i].partner != diff->partner ||
                                              !str_eq(str_of(comparing->shown[i].name), str_of(cut))))
            i++;
        if (i == NAMES_MAX) {
            comparing->more_shown |= UINT64_C(1) << diff->partner;
        } else if (i == comparing->shown_count) {
            comparing->shown[i].partner = diff->partner;
            memcpy(comparing->shown[i].name, cut, sizeof cut);
            comparing->shown_count++;
        }
    }
}

static void put_parts(struct buf *out, struct str text)
{
    struct str line;
    for (bool first = true; next_line(&text, &line); first = false)
        buf_printf(out, "%s%.*s", first ? "" : ", ", STR_ARG(part_name(line)));
}

/* One sentence about the form: nothing where that stays what it is. */
static void line_form(struct buf *out, const struct gate_diff_line *diff)
{
    struct buf text;
    buf_init(&text, FORM_BYTES);
    if (diff->shown.len > 0) {
        buf_put_str(&text, STR("newly shows "));
        put_parts(&text, diff->shown);
    }
    if (diff->hidden.len > 0) {
        buf_put_str(&text, text.len > 0 ? STR("; without ") : STR("without "));
        put_parts(&text, diff->hidden);
    }
    if (diff->change == GATE_DIFF_DUTIES)
        buf_printf(&text, "%s%.*s in the place of %.*s", text.len > 0 ? "; " : "",
                   STR_ARG(diff->then_duties.len > 0 ? diff->then_duties : STR("no duty")),
                   STR_ARG(diff->now_duties.len > 0 ? diff->now_duties : STR("none")));
    if (diff->named_by > 0)
        buf_printf(&text, "%s%zu that stay%s name it", text.len > 0 ? "; " : "", diff->named_by,
                   diff->named_by == 1 ? "s" : "");
    if (diff->named_minted > 0)
        buf_printf(&text, "%s%zu made for it name it, until they are made anew", text.len > 0 ? "; " : "",
                   diff->named_minted);
    if (diff->named_more)
        buf_printf(&text, "; more name it than were counted");
    if (text.len > 0 && buf_err(&text) == ERR_OK)
        line_text(out, "form", buf_str(&text));
    buf_deinit(&text);
}

static void line_parts(struct buf *out, const char *key, struct str text)
{
    struct buf parts;
    buf_init(&parts, FORM_BYTES);
    put_parts(&parts, text);
    if (parts.len > 0 && buf_err(&parts) == ERR_OK)
        line_text(out, key, buf_str(&parts));
    buf_deinit(&parts);
}

static bool say_diff(void *ctx, const struct gate_diff_line *diff)
{
    struct comparing *comparing = ctx;
    struct command_call *call = comparing->call;
    uint64_t *count = &comparing->counts[diff->change][diff->partner];
    note_shown(comparing, diff);
    comparing->namers[diff->partner] += diff->named_by + diff->named_minted;
    if (++*count > EXAMPLES && !comparing->all)
        return true;
    line_begin(call->out);
    line_text(call->out, "id", diff->id);
    line_text(call->out, "audience", gate_peer_get(call->host->gate, diff->partner)->audience);
    line_word(call->out, "change", change_words[diff->change]);
    line_text(call->out, "now", diff->now_rule);
    line_text(call->out, "then", diff->then_rule);
    line_word(call->out, "now_effect", said_words[diff->now]);
    line_word(call->out, "then_effect", said_words[diff->then]);
    if (diff->named_by > 0)
        line_count(call->out, "named_by", diff->named_by);
    if (diff->named_minted > 0)
        line_count(call->out, "named_by_minted", diff->named_minted);
    if (diff->named_more)
        line_bool(call->out, "named_by_more", true);
    if (diff->change == GATE_DIFF_LATER)
        line_time(call->out, "at", diff->at_us);
    line_form(call->out, diff);
    line_parts(call->out, "newly_shown", diff->shown);
    line_parts(call->out, "newly_taken_out", diff->hidden);
    if (!str_eq(diff->now_duties, diff->then_duties)) {
        line_text(call->out, "duties_now", diff->now_duties);
        line_text(call->out, "duties_then", diff->then_duties);
    }
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

static unsigned long long count_of(const struct comparing *comparing, enum gate_diff_kind kind,
                                   unsigned partner)
{
    return comparing->counts[kind][partner];
}

/* What goes, or went, in another form. */
static void say_forms(struct command_call *call, const struct comparing *comparing, unsigned p)
{
    unsigned long long whole = count_of(comparing, GATE_DIFF_WHOLE, p),
                       part = count_of(comparing, GATE_DIFF_PART, p),
                       other = count_of(comparing, GATE_DIFF_OTHER, p),
                       duties = count_of(comparing, GATE_DIFF_DUTIES, p);
    struct buf names;
    if (whole + part + other + duties == 0)
        return;
    line_say(
        call->out,
        "%.*s: %llu would leave in another form: %llu newly whole, %llu newly in part, %llu in other parts, "
        "%llu under other duties.",
        STR_ARG(gate_peer_get(call->host->gate, p)->audience), whole + part + other + duties, whole, part,
        other, duties);
    buf_init(&names, NAMES_MAX * (NAME_MAX + 2));
    for (size_t i = 0; i < comparing->shown_count; i++)
        if (comparing->shown[i].partner == p)
            buf_printf(&names, "%s%s", names.len == 0 ? "" : ", ", comparing->shown[i].name);
    if (names.len > 0 || (comparing->more_shown >> p & 1))
        line_say(call->out, "%.*s: what was taken out and would newly be shown: %.*s%s.",
                 STR_ARG(gate_peer_get(call->host->gate, p)->audience), STR_ARG(buf_str(&names)),
                 (comparing->more_shown >> p & 1) ? " and more" : "");
    buf_deinit(&names);
}

/* What would stay where it is, and for another reason. */
static void say_waits(struct command_call *call, const struct comparing *comparing, unsigned p)
{
    static const struct {
        enum gate_diff_kind kind;
        const char *words;
    } rows[] = {
        {GATE_DIFF_LATER, "would stay for now and be let go, or more of them, when a time is over"},
        {GATE_DIFF_KEPT,
         "more would be let go by the rules, but stay: they name what stays, or cannot be made "
         "as the duties say"},
        {GATE_DIFF_DENIED, "that wait would be denied: they leave the queue, and no approval lets them go"},
        {GATE_DIFF_HELD, "that are denied would wait: bongsu holds list then says for what"},
        {GATE_DIFF_STAYS, "that it has would stay with it, and what comes of them from then on would wait"},
    };
    struct str audience = gate_peer_get(call->host->gate, p)->audience;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (count_of(comparing, rows[i].kind, p) > 0)
            line_say(call->out, "%.*s: %llu %s.", STR_ARG(audience), count_of(comparing, rows[i].kind, p),
                     rows[i].words);
    if (comparing->namers[p] > 0)
        line_say(
            call->out,
            "%.*s: %llu times what stays with it names what it would lose: that is not taken back for it; "
            "deny it too where it must go.",
            STR_ARG(audience), (unsigned long long)comparing->namers[p]);
}

static void say_counts(struct command_call *call, const struct comparing *comparing)
{
    bool any = false;
    for (unsigned p = 0; p < gate_peer_count(call->host->gate); p++) {
        struct str audience = gate_peer_get(call->host->gate, p)->audience;
        uint64_t sum = 0;
        for (int kind = 0; kind < GATE_DIFF_KINDS; kind++)
            sum += comparing->counts[kind][p];
        any |= sum > 0;
        if (sum == 0)
            continue;
        line_say(call->out,
                 "%.*s: %llu would newly go out, %llu that it has would be withdrawn, %llu that wait to "
                 "go would stay.",
                 STR_ARG(audience), count_of(comparing, GATE_DIFF_RELEASED, p),
                 count_of(comparing, GATE_DIFF_WITHDRAWN, p), count_of(comparing, GATE_DIFF_HELD_BACK, p));
        say_forms(call, comparing, p);
        say_waits(call, comparing, p);
    }
    if (!any)
        line_say(call->out, "Nothing here would be decided otherwise.");
}

static err_t diff_next(struct command_call *call, void *state, bool *out_end)
{
    struct comparing *comparing = state;
    comparing->call = call;
    if (!comparing->told)
        command_say_slips(call, comparing->other);
    comparing->told = true;
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
