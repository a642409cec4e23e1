/* Recall: what was given out is called back, and who still has it is said (gate/recall.h). */
#include "gate/key_copies.h"
#include "gate/legal.h"
#include "gate/recall.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/command_word.h"
#include "app/recall_choice.h"
#include "core/mem.h"

#define SECOND_US INT64_C(1000000)

enum { DEADLINE_S = 24 * 3600, DEADLINE_S_MAX = 365 * 24 * 3600 };

/* --- calling back --- */

static err_t deadline_of(struct command_call *call, int64_t *out_us)
{
    struct str within = command_text_or_empty(call, "within");
    uint64_t number = DEADLINE_S, unit = within.len == 0 ? 1 : 3600;
    if (within.len > 1 && strchr("hms", within.at[within.len - 1]) != NULL) {
        char last = within.at[--within.len];
        unit = last == 'h' ? 3600 : last == 'm' ? 60 : 1;
    }
    if (within.len > 0 && (!str_to_u64(within, DEADLINE_S_MAX / unit, &number) || number == 0))
        return command_refuse(call, ERR_USAGE, "hours, or 30m, 90s; a year at most", "--within is no time");
    *out_us = call->now_us + (int64_t)(number * unit) * SECOND_US;
    return ERR_OK;
}

static void say_holders(struct command_call *call, uint64_t partners, bool dry)
{
    for (unsigned p = 0; p < gate_peer_count(call->host->gate); p++) {
        if ((partners >> p & 1) == 0)
            continue;
        const struct gate_peer *peer = gate_peer_get(call->host->gate, p);
        line_begin(call->out);
        line_text(call->out, "holder", peer->audience);
        line_end(call->out);
        line_say(call->out, "%.*s %s%s", STR_ARG(peer->audience),
                 dry ? "has or had some of it" : "is told to destroy it",
                 peer->node.len == 0 ? ", and reads by TAXII: it cannot confirm" : "");
    }
}

static void say_reach(struct command_call *call, const struct gate_recalled *reach, size_t stays, bool dry)
{
    line_begin(call->out);
    line_count(call->out, "objects", reach->objects);
    line_count(call->out, "versions", reach->versions);
    line_count(call->out, "partners", (unsigned)__builtin_popcountll(reach->partners));
    line_count(call->out, "leaves", reach->leaves);
    line_count(call->out, "stays", stays);
    line_bool(call->out, "waits", reach->waits);
    line_bool(call->out, "dry_run", dry);
    if (!dry)
        line_count(call->out, "recall", reach->number);
    line_end(call->out);
    say_holders(call, reach->partners, dry);
    if (stays > 0)
        line_say(call->out, "%zu more that it names are at home elsewhere, and stay", stays);
    if (reach->waits)
        line_say(call->out,
                 "More than %u objects a day by the word of one (recall-objects): they %s suspended at once, "
                 "and destroyed when another officer confirms",
                 call->host->conf->recall_objects, dry ? "would be" : "are");
}

static err_t refuse_recall(struct command_call *call, err_t err)
{
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "see `bongsu recall status`",
                              "nothing of it is held that is not called back already");
    if (err == ERR_FULL)
        return command_refuse(call, err, "take less of it", "no more than %u can be suspended in all",
                              LIMIT_SPILLS);
    return command_refuse(call, err, NULL, "not all is called back: %s", err_text(err));
}

/* What was counted when he was asked must be what goes. */
static err_t check_expected(struct command_call *call, const struct recall_choice *choice)
{
    struct str text = command_text_or_empty(call, "expected");
    struct gate_recalled reach;
    uint64_t expected;
    err_t err;
    if (text.len == 0)
        return ERR_OK;
    err = gate_recall_reach(call->host->gate, choice->lsns, choice->count, call->now_us, &reach);
    if (err != ERR_OK)
        return refuse_recall(call, err);
    if (!str_to_u64(text, UINT64_MAX, &expected) || expected != reach.versions)
        return command_refuse(call, ERR_CONFLICT, "look again", "it is %zu versions by now", reach.versions);
    return ERR_OK;
}

static void say_done(struct command_call *call, const struct gate_recalled *told, bool dry)
{
    if (dry)
        line_say(call->out,
                 "%zu objects in %zu versions, given out by %llu leaves, would be called back; nothing was "
                 "changed",
                 told->objects, told->versions, (unsigned long long)told->leaves);
    else
        line_say(call->out,
                 "%zu objects in %zu versions called back: not found, shown or released any more, refused "
                 "when they come again from there, and destroyed here %s (bongsu recall status %llu)",
                 told->objects, told->versions,
                 told->waits ? "when another officer runs `bongsu recall confirm`"
                             : "as soon as every ledger says so",
                 (unsigned long long)told->number);
}

/* Who calls it back, and how much; signed he is the first of two, where two are wanted. */
static err_t check_word(struct command_call *call, const struct recall_choice *choice, int64_t deadline_us,
                        struct word *word)
{
    word_put_numbers(word, "numbers", choice->lsns, choice->count);
    word_put(word, "within", "%lld s", (long long)((deadline_us - call->now_us) / SECOND_US));
    return word_check(call, word);
}

err_t command_recall_add(struct command_call *call)
{
    struct gate *gate = call->host->gate;
    struct word word;
    struct gate_recalled told;
    struct recall_choice choice;
    int64_t deadline_us = 0;
    bool dry = command_flag(call, "dry_run");
    err_t err;
    word_begin(call, WORD_RECALL, &word);
    if (!dry && word.by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"", "a recall needs a reason");
    if (TRY(err, deadline_of(call, &deadline_us)) || TRY(err, recall_choose(call, &choice)) ||
        TRY(err, check_expected(call, &choice)) ||
        (!dry && TRY(err, check_word(call, &choice, deadline_us, &word))) || word.shown)
        return err;
    err = dry ? gate_recall_reach(gate, choice.lsns, choice.count, call->now_us, &told)
              : gate_recall(gate, choice.lsns, choice.count, deadline_us, &word.by, word.counts, call->now_us,
                            &told);
    if (err != ERR_OK)
        return word_keep_part(call, &word, word_suspended(call, &word), refuse_recall(call, err));
    say_reach(call, &told, choice.stays, dry);
    say_done(call, &told, dry);
    return word_keep(call, &word);
}

/* --- what is meant of what is called back --- */

struct meant {
    struct stix_key key;
    struct gate_recall_which which;
};

static err_t read_meant(struct command_call *call, struct str what, struct meant *out)
{
    *out = (struct meant) {0};
    if (str_to_u64(what, UINT64_MAX, &out->which.number) && out->which.number > 0)
        return ERR_OK;
    out->which.number = 0;
    if (!stix_id_parse(what, &out->key))
        return command_refuse(call, ERR_USAGE, "an identifier, or a number of `bongsu recall status`",
                              "%.*s is neither", what.len > 100 ? 100 : (int)what.len, what.at);
    out->which.key = &out->key;
    return ERR_OK;
}

/* --- officers --- */

/* What waits, by number. */
struct waiting {
    const struct gate_recall_which *which;
    uint64_t *numbers; /* NULL: they are counted */
    size_t count, size;
};

static void take_waiting(void *ctx, const struct gate_spill *spill)
{
    struct waiting *w = ctx;
    if (!spill->waits || !gate_recall_is(w->which, spill))
        return;
    if (w->numbers != NULL && w->count < w->size)
        w->numbers[w->count] = spill->lsn;
    w->count++;
}

static err_t put_waiting(struct command_call *call, const struct gate_recall_which *which, struct word *word)
{
    struct waiting w = {.which = which};
    err_t err = gate_spills(call->host->gate, take_waiting, &w);
    if (err != ERR_OK || w.count == 0)
        return err != ERR_OK ? err : ERR_NOTFOUND;
    w.size = w.count;
    w.count = 0;
    w.numbers = mem_alloc_array(w.size, sizeof *w.numbers);
    if (w.numbers == NULL)
        return ERR_NOMEM;
    err = gate_spills(call->host->gate, take_waiting, &w);
    must(err != ERR_OK || w.count == w.size);
    if (err == ERR_OK)
        word_put_numbers(word, "numbers", w.numbers, w.count);
    mem_free(w.numbers);
    return err;
}

static err_t refuse_confirm(struct command_call *call, err_t err)
{
    if (err == ERR_DENIED)
        return command_refuse(call, err, "ask another officer to run it",
                              "nobody destroys so much alone: yours is the first word already");
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "see `bongsu recall status`", "nothing of it waits for officers");
    return command_refuse(call, err, NULL, "not all is confirmed: %s", err_text(err));
}

static err_t check_confirming(struct command_call *call, struct str what,
                              const struct gate_recall_which *which, struct word *word)
{
    word_begin(call, WORD_RECALL_CONFIRM, word);
    word_put_text(word, "what", what);
    err_t err = put_waiting(call, which, word);
    return err == ERR_OK ? word_check(call, word) : refuse_confirm(call, err);
}

static err_t recall_confirm(struct command_call *call)
{
    struct word word;
    struct meant meant;
    struct str what;
    size_t agreed = 0, first = 0;
    err_t err;
    if (TRY(err, command_two(call, "what is called back beyond the budget wants two operators", STR(""))) ||
        TRY(err, command_text(call, "what", &what)) || TRY(err, read_meant(call, what, &meant)) ||
        TRY(err, check_confirming(call, what, &meant.which, &word)) || word.shown)
        return err;
    err = gate_recall_confirm(call->host->gate, &meant.which, &word.by, call->now_us, &agreed, &first);
    if (err != ERR_OK)
        return word_keep_part(call, &word, agreed + first > 0, refuse_confirm(call, err));
    line_begin(call->out);
    line_count(call->out, "agreed", agreed);
    line_count(call->out, "first", first);
    line_end(call->out);
    line_say(call->out,
             first > 0
                 ? "noted: a second officer has to confirm as well"
                 : "confirmed: it is destroyed now, but for what an order keeps (`bongsu recall status`)");
    return word_keep(call, &word);
}

/* --- who has it --- */

struct pushing {
    int partner;
    struct str name;
};

struct telling {
    struct command_call *call;
    struct pushing pushes[LIMIT_FEEDS];
    size_t push_count;
    const struct gate_spill *about;
    uint64_t told; /* partners that a leaf told */
    size_t objects, done, pending, held, overdue, cannot;
    size_t here; /* destroyed, but perhaps not in every copy of the key file */
};

static void line_object(struct telling *t, const struct gate_spill *recall)
{
    static const struct stix_key none;
    char id[COMMAND_ID_SIZE] = "(refused input)";
    if (!stix_key_eq(&recall->key, &none))
        command_id_text(&recall->key, id);
    line_begin(t->call->out);
    line_word(t->call->out, "object", id);
    line_count(t->call->out, "number", recall->lsn);
    if (recall->recall != 0)
        line_count(t->call->out, "recall", recall->recall);
}

/* At a server that his view is pushed to: nobody there answers for it, but the server took our word or did
 * not. Of several servers the first that was told. */
static void say_word(struct telling *t, const struct gate_recall_holder *holder)
{
    static const char *const fates[] = {
        [FEED_FATE_GIVEN] = "given", [FEED_FATE_TAKEN] = "taken", [FEED_FATE_REFUSED] = "refused"};
    struct gate *gate = t->call->host->gate;
    struct feed_taken_back done;
    char text[64];
    err_t err = ERR_NOTFOUND;
    for (size_t i = 0; !holder->before && err != ERR_OK && i < t->push_count; i++)
        if (t->pushes[i].partner == (int)holder->partner)
            err = feed_taken_back(gate, t->pushes[i].name, gate_peer_get(gate, holder->partner)->epoch,
                                  holder->first, &done); /* once an object */
    if (err != ERR_OK)
        return;
    (void)snprintf(text, sizeof text, "%s %s", done.word == FEED_WORD_REVOKED ? "revoked version" : "note",
                   fates[done.fate]);
    line_word(t->call->out, "said_there", text);
    line_time(t->call->out, "said_at", done.at_us);
    if (done.deleted == 0)
        return;
    (void)snprintf(text, sizeof text, "not deleted (status %u)", done.deleted);
    line_word(t->call->out, "there",
              done.deleted / 100 == 2 ? "deleted"
              : done.deleted == 404   ? "not there any more, by its word"
                                      : text);
}

/* Feeds that push, and whose view. */
static void keep_push(void *ctx, struct str name)
{
    struct telling *t = ctx;
    struct feed_conf conf;
    if (t->push_count < LIMIT_FEEDS &&
        feed_conf_get(t->call->host->gate, name, t->call->arena, &conf) == ERR_OK &&
        feed_kind_pushes(conf.kind))
        t->pushes[t->push_count++] =
            (struct pushing) {feed_partner_of(t->call->host->gate, &conf), conf.name};
}

static void say_holder(struct telling *t, unsigned partner, const struct gate_recall_holder *holder)
{
    const struct gate_peer *peer = gate_peer_get(t->call->host->gate, partner);
    const struct gate_spill *recall = t->about;
    bool answered = holder != NULL && holder->answered_us != 0;
    bool held = answered && holder->held, done = answered && !held, cannot = !answered && peer->node.len == 0;
    bool overdue = !cannot && !answered && recall->deadline_us != 0 && t->call->now_us > recall->deadline_us;
    t->done += done;
    t->held += held;
    t->cannot += cannot;
    t->overdue += overdue;
    t->pending += !cannot && !answered && !overdue;
    line_object(t, recall);
    line_text(t->call->out, "holder", peer->audience);
    line_word(t->call->out, "state",
              done      ? "done"
              : held    ? "held under order"
              : cannot  ? "cannot confirm"
              : overdue ? "OVERDUE"
                        : "pending");
    if (holder != NULL) {
        line_count(t->call->out, "leaf", holder->seq);
        line_bool(t->call->out, "fetched", holder->fetched);
        if (cannot && peer->node.len == 0)
            say_word(t, holder);
    }
    if (answered)
        line_time(t->call->out, "answered", holder->answered_us);
    if (recall->deadline_us != 0)
        line_time(t->call->out, "deadline", recall->deadline_us);
    line_end(t->call->out);
}

static void tell_holder(void *ctx, const struct gate_recall_holder *holder)
{
    struct telling *t = ctx;
    t->told |= UINT64_C(1) << holder->partner;
    say_holder(t, holder->partner, holder);
}

/* The object here, then everybody who has it: those first whose ledger says so already. */
static void tell_recall(struct telling *t, const struct gate_spill *recall)
{
    t->about = recall;
    t->told = 0;
    t->objects++;
    bool here_unconfirmed =
        recall->destroyed &&
        gate_is_unconfirmed(t->call->host->gate, recall->lsn); /* a copy of the key file */
    t->here += here_unconfirmed;
    line_object(t, recall);
    line_word(t->call->out, "holder", "this node");
    line_word(t->call->out, "state",
              here_unconfirmed                                   ? "cannot confirm"
              : recall->destroyed                                ? "destroyed"
              : gate_legal_is(t->call->host->gate, &recall->key) ? "held under order"
              : recall->waits                                    ? "waits for officers"
                                                                 : "suspended");
    line_time(t->call->out, "answered", recall->spilled_us);
    line_text(t->call->out, "by", recall->by);
    line_text(t->call->out, "because", command_words(t->call, recall->because));
    line_end(t->call->out);
    err_t err = gate_recall_holders(t->call->host->gate, recall->lsn, tell_holder, t);
    for (unsigned p = 0; err == ERR_OK && p < gate_peer_count(t->call->host->gate); p++)
        if (recall->released & ~t->told & UINT64_C(1) << p)
            say_holder(t, p, NULL);
}

/* gate_spills lends what it shows for the call only. */
struct listed {
    struct command_call *call;
    const struct gate_recall_which *which; /* NULL: all */
    struct gate_spill *at;
    size_t count, size;
};

static void list_one(void *ctx, const struct gate_spill *spill)
{
    struct listed *l = ctx;
    if (spill->why == GATE_SPILLED || spill->report ||
        (l->which != NULL && !gate_recall_is(l->which, spill)) || l->count == l->size)
        return;
    struct gate_spill *kept = &l->at[l->count];
    *kept = *spill;
    kept->by = arena_str(l->call->arena, spill->by);
    kept->because = arena_str(l->call->arena, spill->because);
    if (kept->by.at != NULL && kept->because.at != NULL)
        l->count++;
}

static int by_time(const void *a, const void *b)
{
    const struct gate_spill *left = a, *right = b;
    if (left->spilled_us != right->spilled_us)
        return left->spilled_us < right->spilled_us ? -1 : 1;
    return left->lsn < right->lsn ? -1 : left->lsn > right->lsn;
}

static err_t recall_status(struct command_call *call)
{
    struct listed l = {.call = call, .size = LIMIT_RECALL_LISTED};
    struct telling t = {.call = call};
    struct meant meant;
    struct str all = command_text_or_empty(call, "what"), what = str_cut(&all, '\n');
    err_t err;
    if (all.len > 0)
        return command_refuse(call, ERR_USAGE, NULL, "give one identifier or number, or none");
    if (what.len > 0 && TRY(err, read_meant(call, what, &meant)))
        return err;
    l.which = what.len > 0 ? &meant.which : NULL;
    l.at = arena_zalloc(call->arena, l.size, sizeof *l.at);
    if (l.at == NULL)
        return ERR_NOMEM;
    err = gate_spills(call->host->gate, list_one, &l);
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    if (l.count == 0 && l.which != NULL)
        return command_refuse(call, ERR_NOTFOUND, NULL, "it was never called back");
    if (l.count > 1)
        qsort(l.at, l.count, sizeof *l.at, by_time);
    feed_conf_each(call->host->gate, keep_push, &t);
    for (size_t i = 0; i < l.count && buf_err(call->out) == ERR_OK; i++)
        tell_recall(&t, &l.at[i]);
    line_begin(call->out);
    line_count(call->out, "recalled", t.objects);
    line_count(call->out, "done", t.done);
    line_count(call->out, "pending", t.pending);
    line_count(call->out, "held_under_order", t.held);
    line_count(call->out, "overdue", t.overdue);
    line_count(call->out, "cannot_confirm", t.cannot);
    line_count(call->out, "unconfirmed_here", t.here);
    line_end(call->out);
    line_say(
        call->out,
        "%zu objects called back; of their holders %zu destroyed them, %zu are asked, %zu keep them under "
        "an order, %zu are overdue, %zu cannot confirm",
        t.objects, t.done, t.pending, t.held, t.overdue, t.cannot);
    if (t.here > 0)
        line_say(
            call->out,
            "%zu are destroyed here, but a copy of the key file may still open them (bongsu keys copies)",
            t.here);
    if (l.count == l.size)
        line_say(call->out, "there are more: give an identifier, or the number of a recall");
    return ERR_OK;
}

void command_say_recalls(struct command_call *call)
{
    struct gate_recall_counts counts;
    if (gate_recall_count(call->host->gate, call->now_us, &counts) != ERR_OK || counts.overdue == 0)
        return;
    line_begin(call->out);
    line_count(call->out, "recall_overdue", counts.overdue);
    char say[COMMAND_TEXT_MAX];
    (void)snprintf(
        say, sizeof say,
        "OVERDUE: %zu times somebody has not confirmed by the deadline that what was called back is "
        "destroyed (bongsu recall status)",
        counts.overdue);
    line_word(call->out, "say", say);
    line_end(call->out);
}

/* --- legal hold --- */

/* Whoever asks is one person, by the kernel's word. */
static err_t need_operator(struct command_call *call)
{
    if (call->standing == STANDING_OPERATOR)
        return ERR_OK;
    return command_refuse(call, ERR_DENIED,
                          "an operator of " CONF_FILE
                          " does it, while the node runs (docs/guide/operators.md)",
                          "an order is for a declared operator, and %.*s is none here", STR_ARG(call->who));
}

static err_t legal_put(struct command_call *call, bool hold)
{
    struct gate *gate = call->host->gate;
    struct word word;
    uint64_t lsns[LIMIT_COPIES];
    struct stix_key key;
    char id[COMMAND_ID_SIZE];
    size_t count;
    err_t err;
    if (TRY(err, need_operator(call)) || TRY(err, command_object(call, "id", &key)))
        return err;
    word_begin(call, hold ? WORD_ORDER : WORD_ORDER_LIFT, &word);
    if (word.by.because.len == 0)
        return command_refuse(call, ERR_USAGE, "add --because \"...\"",
                              "an order needs a reason: its reference");
    if (hold && gate_spill_copies(gate, &key, lsns, LIMIT_COPIES, &count) != ERR_OK)
        return command_refuse(call, ERR_NOTFOUND, NULL, "nothing is held under this identifier");
    command_id_text(&key, id);
    word_put(&word, "object", "%s", id);
    if (TRY(err, word_check(call, &word)) || word.shown)
        return err;
    err = gate_legal_put(gate, &key, hold, &word.by, call->now_us);
    if (err == ERR_EXISTS)
        return command_refuse(call, err, "see `bongsu hold legal list`", "an order stands already");
    if (err == ERR_NOTFOUND)
        return command_refuse(call, err, "see `bongsu hold legal list`", "no order stands for it");
    if (err != ERR_OK)
        return command_refuse(call, err, NULL, "%s", err_text(err));
    line_say(call->out,
             hold ? "noted: whatever calls it back, it is suspended and kept, sealed, until the order "
                    "is lifted (bongsu hold legal lift)"
                  : "lifted: what was called back meanwhile is destroyed now, and answered");
    return word_keep(call, &word);
}

static err_t legal_hold(struct command_call *call)
{
    return legal_put(call, true);
}

static err_t legal_lift(struct command_call *call)
{
    return legal_put(call, false);
}

static void say_legal(void *ctx, const struct gate_legal *legal)
{
    struct command_call *call = ctx;
    char id[COMMAND_ID_SIZE];
    command_id_text(&legal->object, id);
    line_begin(call->out);
    line_word(call->out, "object", id);
    line_time(call->out, "since", legal->at_us);
    line_text(call->out, "by", legal->by);
    line_text(call->out, "because", command_words(call, legal->because));
    line_end(call->out);
}

static err_t legal_list(struct command_call *call)
{
    err_t err = gate_legal_each(call->host->gate, say_legal, call);
    return err == ERR_OK ? err : command_refuse(call, err, NULL, "%s", err_text(err));
}

const struct command command_recall_rows[] = {
    {"hold.legal", true, legal_hold},
    {"hold.legal.lift", true, legal_lift},
    {"hold.legal.list", false, legal_list},
    {"recall.add", true, command_recall_add},
    {"recall.confirm", true, recall_confirm},
    {"recall.status", false, recall_status},
    {NULL, false, NULL},
};
