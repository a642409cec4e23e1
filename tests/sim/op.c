/* What people and feeds do to nodes, drawn from the seed. An operation that a crash cut off is stated again
 * after the start: every one of them is harmless when it repeats. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static const struct gate_by by_operator = {{"operator", 8}, {"drawn", 5}};

enum op_kind {
    OP_FEED,
    OP_TAG,
    OP_APPROVE,
    OP_ASSUME,
    OP_CLASSIFY,
    OP_STOP,
    OP_PEER,
    OP_MERGE,
    OP_POLICY,
    OP_QUARANTINE,
    OP_BIND,
    OP_RECALL,
    OP_CONFIRM,
    OP_ORDER,
    OP_CLOCK,
    OP_VOUCH,
};

enum { FEED_MAX = 6, FEED_TEXT = FEED_MAX * THING_TEXT + 64 };

struct operation {
    enum op_kind kind;
    int64_t first_us;
    unsigned source, to;
    uint16_t target;
    bool on; /* tag, stop, order: set or lift; peer: start or pause */
    bool history;
    enum gate_approval approval;
    uint8_t answers; /* an approval: rules that asked, in any of its tries */
    enum gate_stop_kind stop;
    enum stix_tlp tlp;
    enum world_policy policy;
    uint64_t lsn; /* in quarantine: try again (on) or drop */
    struct recall_word recall;
    size_t len;
    char text[FEED_TEXT];
};

static void no_answer(void *ctx, const struct gate_answer *answer)
{
    (void)ctx;
    (void)answer;
}

/* --- doing --- */

static err_t do_feed(struct node *node, const struct operation *op)
{
    struct gate_submission submission = {.source = node->source[op->source]};
    struct fault fault = {0};
    return gate_accept(node->gate, &submission, bytes_of(op->text, op->len), node_now(node), no_answer, NULL,
                       &fault);
}

static err_t do_tag(struct node *node, const struct operation *op)
{
    char tag[64];
    struct stix_key key = thing_key(op->target);
    (void)snprintf(tag, sizeof tag, "share:%s", node->world->nodes[op->to].name);
    return gate_tag(node->gate, &key, str_of(tag), op->on, &by_operator, node_now(node));
}

static err_t do_assume(struct node *node, const struct operation *op)
{
    const struct gate_source *held = gate_source_get(node->gate, node->source[op->source]);
    struct gate_source source = *held;
    uint32_t number;
    source.assume = op->tlp;
    return gate_source_put(node->gate, &source, &by_operator, node_now(node), &number);
}

static err_t do_stop(struct node *node, const struct operation *op)
{
    struct str name = STR("");
    if (op->stop == GATE_STOP_SOURCE)
        name = gate_source_get(node->gate, node->source[op->source])->name;
    if (op->stop == GATE_STOP_PARTNER)
        name = str_of(node->world->nodes[op->to].name);
    err_t err = gate_stop(node->gate, op->stop, name, op->on, &by_operator, node_now(node));
    return err == ERR_NOTFOUND ? ERR_OK
                               : err; /* lifted already, by the same operation before a crash perhaps */
}

static err_t do_policy(struct node *node, const struct operation *op)
{
    struct policy_fault fault;
    return gate_policy_activate(node->gate, world_policy(node, op->policy), &by_operator, node_now(node),
                                &fault);
}

static err_t do_quarantine(struct node *node, const struct operation *op)
{
    int64_t now = node_now(node);
    if (op->lsn == 0)
        return ERR_NOTFOUND;
    return op->on ? gate_quarantine_retry(node->gate, op->lsn, &by_operator, now, no_answer, NULL)
                  : gate_quarantine_drop(node->gate, op->lsn, &by_operator, now);
}

/* What an operator reads before. */
static void note_asking(struct node *node, const struct stix_key *key, unsigned partner, struct operation *op)
{
    struct gate_asked asked;
    if (gate_asked(node->gate, key, partner, node_now(node), &asked) != ERR_OK)
        return;
    op->answers |= str_eq(asked.rule, STR("asking")) ? ANSWERED_ASKING : 0;
    op->answers |= str_eq(asked.rule, STR("own-amber")) ? ANSWERED_OWN_AMBER : 0;
    op->answers |= str_eq(asked.rule, STR("late")) ? ANSWERED_LATE : 0;
}

static err_t perform(struct node *node, struct operation *op)
{
    int64_t now = node_now(node);
    struct stix_key key = thing_key(op->target);
    unsigned partner = node->partner[op->to];
    switch (op->kind) {
    case OP_FEED:
        return do_feed(node, op);
    case OP_TAG:
        return do_tag(node, op);
    case OP_APPROVE:
        note_asking(node, &key, partner, op);
        return gate_approve(node->gate, &key, partner, op->approval, 0, &by_operator, now);
    case OP_ASSUME:
        return do_assume(node, op);
    case OP_CLASSIFY:
        return gate_marking_classify(node->gate, &key, op->tlp, &by_operator, now);
    case OP_STOP:
        return do_stop(node, op);
    case OP_PEER:
        return gate_peer_set(node->gate, partner, op->on ? GATE_PEER_STARTED : GATE_PEER_PAUSED, op->history,
                             &by_operator, now);
    case OP_MERGE:
        return gate_merge(node->gate, true);
    case OP_POLICY:
        return do_policy(node, op);
    case OP_QUARANTINE:
        return do_quarantine(node, op);
    case OP_BIND:
        return gate_identity_bind(node->gate, &key, node->source[op->source], &by_operator, now);
    case OP_RECALL:
        return recall_say(node, &op->recall);
    case OP_CONFIRM:
        return recall_confirm(node);
    case OP_ORDER:
        return keep_order(node, op->target, op->on, &by_operator);
    case OP_CLOCK:
        return keep_confirm(node);
    case OP_VOUCH:
        return vouch_say(node, op->to, &by_operator);
    }
    return ERR_OK;
}

/* --- what it means to the oracle --- */

static void approve_newest(struct node *node, const struct operation *op)
{
    struct held *newest = NULL;
    for (size_t i = 0; i < node->held_count; i++) {
        struct held *held = &node->held[i];
        if (held->thing->target != op->target || held->assertion || held->quarantined)
            continue;
        bool sco = held->thing->kind == THING_DOMAIN;
        if (newest == NULL || sco || held->thing->version > newest->thing->version ||
            (held->thing->version == newest->thing->version && held->lsn > newest->lsn))
            newest = held;
    }
    if (newest == NULL)
        return;
    newest->answered[op->to] = op->approval != GATE_APPROVE ? 0
                               : newest->denied[op->to]     ? op->answers
                                                            : newest->answered[op->to] | op->answers;
    newest->denied[op->to] = op->approval == GATE_DENY;
}

static void note_done(struct node *node, const struct operation *op)
{
    switch (op->kind) {
    case OP_TAG:
        if (node->tagged[op->target][op->to] != op->on)
            node->settled_us[op->target] = op->first_us;
        node->tagged[op->target][op->to] = op->on;
        break;
    case OP_APPROVE:
        approve_newest(node, op);
        break;
    case OP_ASSUME:
        node->assume[op->source] = op->tlp;
        break;
    case OP_CLASSIFY:
        node->classified[op->target] = op->tlp;
        break;
    case OP_STOP:
        if (op->stop == GATE_STOP_ALL)
            node->stop_all = op->on;
        else if (op->stop == GATE_STOP_SOURCE)
            node->stop_source[op->source] = op->on;
        else
            node->stop_partner[op->to] = op->on;
        break;
    case OP_POLICY:
        node->policy = op->policy;
        break;
    case OP_BIND:
        node->home[op->target] = node->source[op->source];
        break;
    case OP_RECALL:
        recall_said(node, &op->recall);
        break;
    case OP_ORDER:
        keep_ordered(node, op->target, op->on);
        break;
    case OP_VOUCH:
        vouch_said(node, op->to);
        break;
    default:
        break;
    }
    node->changed = true;
}

/* Does whoever says this say it of an object? */
static bool is_about(const struct operation *op)
{
    return op->kind == OP_TAG || op->kind == OP_APPROVE || op->kind == OP_CLASSIFY || op->kind == OP_BIND ||
           op->kind == OP_ORDER;
}

/* What retention has to know of it; done: it is durable. */
static void note_words(struct node *node, const struct operation *op, bool done, uint64_t before)
{
    if (op->kind == OP_QUARANTINE && op->lsn != 0)
        keep_closes(node, op->lsn, done && !op->on);
    else if (is_about(op) && done)
        keep_said(node, op->target, before);
    else if (is_about(op))
        keep_says(node, op->target);
}

static void run(struct node *node)
{
    struct operation *op = node->pending;
    struct gate_counts before;
    gate_counts(node->gate, &before);
    if (op->first_us > node_now(node)) /* the clock went back meanwhile */
        op->first_us = node_now(node);
    disk_time_set(node->disk, node_now(node));
    note_words(node, op, false, before.durable_lsn);
    (void)memory_of(node);
    err_t err = perform(node, op);
    (void)memory_of(NULL);
    /* About what is not held, or not there, or bound otherwise already. */
    bool nothing = err == ERR_NOTFOUND || err == ERR_DENIED || err == ERR_CONFLICT;
    nothing |= op->kind == OP_QUARANTINE && err == ERR_UNSUPPORTED; /* its origin did not sign it */
    if (nothing)
        err = ERR_OK;
    if (err == ERR_OK)
        err = node_commit(node);
    if (node_failed(node, err, "an operation"))
        return;
    if (!nothing) {
        note_words(node, op, true, before.durable_lsn);
        note_done(node, op);
    }
    op_drop(node);
}

void op_retry(struct node *node)
{
    if (node->pending != NULL)
        run(node);
}

void op_drop(struct node *node)
{
    free(node->pending);
    node->pending = NULL;
}

/* --- drawing --- */

static void say_thing(struct operation *op, const struct thing *thing, bool first)
{
    must(op->len + thing->len + 4 < FEED_TEXT - JSON_PADDING);
    if (!first)
        op->text[op->len++] = ',';
    memcpy(op->text + op->len, thing->text, thing->len);
    op->len += thing->len;
}

const struct thing *op_thing(struct world *world, struct draw *draw, enum thing_parts parts)
{
    static const enum thing_kind often[] = {
        THING_INDICATOR,    THING_INDICATOR,    THING_INDICATOR, THING_MALWARE,   THING_MALWARE,
        THING_ORGANISATION, THING_ORGANISATION, THING_PERSON,    THING_STATEMENT, THING_STATEMENT,
        THING_STRANGE,      THING_REPORT,       THING_REPORT,    THING_RELATION,  THING_RELATION,
        THING_NOTE,         THING_DOMAIN,       THING_DOMAIN,
    };
    enum thing_kind kind = often[draw_below(draw, sizeof often / sizeof *often)];
    unsigned number = draw_below(draw, THING_POOL), version = 1 + draw_below(draw, 3), variant = 0;
    if (draw_chance(draw, 150))
        variant = 1 + draw_below(draw, 3);
    if (thing_is_marking(kind) || kind == THING_DOMAIN)
        version = 1;
    if (thing_is_marking(kind))
        variant = 0;
    return things_get(&world->things, kind, number, version, variant, parts);
}

/* What is fed at node 0 hides something else in the second of two twins. */
static enum thing_parts parts_fed(const struct world *world, const struct node *node)
{
    if (!world->options.duties)
        return PARTS_PLAIN;
    return world->options.extras && node->number == 0 ? PARTS_OTHER : PARTS_HIDDEN;
}

static void draw_feed(struct world *world, const struct node *node, struct operation *op, struct draw *draw)
{
    unsigned count = 1 + draw_below(draw, FEED_MAX);
    static const char head[] = "{\"type\":\"bundle\",\"id\":\"bundle--0b009500-0000-4000-8000-000000000001\","
                               "\"objects\":[";
    unsigned source = draw_below(draw, 10);
    op->source = source < 5 ? 0 : source < 8 ? 1 : 2;
    memcpy(op->text, head, sizeof head - 1);
    op->len = sizeof head - 1;
    for (unsigned i = 0; i < count; i++) {
        const struct thing *thing = op_thing(world, draw, parts_fed(world, node));
        if (op->len + thing->len + 4 >= FEED_TEXT - JSON_PADDING)
            break;
        say_thing(op, thing, i == 0);
        world->counts.fed++;
    }
    memcpy(op->text + op->len, "]}", 2);
    op->len += 2;
}

struct choosing {
    const struct node *node;
    unsigned left;
    uint64_t lsn;
};

static bool choose(void *ctx, const struct gate_quarantined *quarantined)
{
    struct choosing *choosing = ctx;
    const struct thing *thing = things_find(&choosing->node->world->things, quarantined->bytes);
    if (thing == NULL || thing->extra) /* twins do the same to what both have */
        return true;
    choosing->lsn = quarantined->lsn;
    return choosing->left-- > 0;
}

/* The entry of that number, or the last one; 0: there is none. */
static uint64_t draw_quarantined(struct node *node, unsigned number)
{
    struct choosing choosing = {node, number, 0};
    if (node_is_up(node) && node->pending == NULL)
        (void)node_failed(node, gate_quarantine_list(node->gate, 0, choose, &choosing), "listing");
    return choosing.lsn;
}

static unsigned draw_partner(const struct world *world, unsigned number, struct draw *draw)
{
    return world_partner(world, number, draw_below(draw, world_partner_count(world, number)));
}

static struct operation *draw_operation(struct world *world, struct node *node, struct draw *draw)
{
    static const enum op_kind often[] = {
        OP_FEED, OP_FEED,    OP_FEED,   OP_FEED,     OP_FEED,   OP_FEED,       OP_TAG,
        OP_TAG,  OP_APPROVE, OP_ASSUME, OP_CLASSIFY, OP_STOP,   OP_PEER,       OP_MERGE,
        OP_FEED, OP_FEED,    OP_FEED,   OP_FEED,     OP_POLICY, OP_QUARANTINE, OP_BIND};
    static const enum stix_tlp assumed[] = {STIX_TLP_NONE, STIX_TLP_CLEAR, STIX_TLP_GREEN, STIX_TLP_RED};
    struct operation *op = calloc(1, sizeof *op);
    must(op != NULL);
    op->kind = often[draw_below(draw, sizeof often / sizeof *often)];
    op->first_us = node_now(node);
    op->source = draw_below(draw, SOURCES_DRAWN);
    op->to = draw_partner(world, node->number, draw);
    op->target = thing_target((enum thing_kind)draw_below(draw, THING_KINDS), draw_below(draw, THING_POOL));
    op->on = draw_chance(draw, 700);
    op->history = op->on && draw_chance(draw, 300);
    op->approval = (enum gate_approval)draw_below(draw, 3);
    op->stop = (enum gate_stop_kind)draw_below(draw, 3);
    op->tlp = assumed[draw_below(draw, 4)];
    if (op->kind == OP_STOP)
        op->on = draw_chance(draw, 300);
    if (op->kind == OP_PEER && world_has(world, WITH_COLLUDERS) && node->number == THIRD)
        op->on = op->history = false;
    if (op->kind == OP_CLASSIFY) {
        op->target = thing_target(THING_STATEMENT, draw_below(draw, 3));
        op->tlp = draw_chance(draw, 700) ? STIX_TLP_CLEAR : STIX_TLP_AMBER;
    }
    op->policy = (enum world_policy)draw_below(draw, POLICIES);
    if (op->kind == OP_BIND)
        op->target = thing_target(draw_chance(draw, 800) ? THING_ORGANISATION : THING_PERSON,
                                  draw_below(draw, THING_POOL));
    if (op->kind == OP_QUARANTINE)
        op->lsn = draw_quarantined(node, draw_below(draw, 8));
    if (op->kind == OP_FEED)
        draw_feed(world, node, op, draw);
    return op;
}

/* What the operator says of an own AMBER object: not to these two; and then that it may go to one of them. */
static err_t refuse_secret(struct node *node, const struct thing *thing)
{
    struct operation op = {.kind = OP_APPROVE,
                           .first_us = node_now(node),
                           .target = thing->target,
                           .approval = GATE_DENY,
                           .on = true};
    err_t err;
    if (TRY(err, node_commit(node)))
        return err;
    oracle_look(node);
    for (op.to = 1; op.to < node->world->node_count; op.to++) {
        if (!world_linked(node->world, 0, op.to))
            continue;
        if (TRY(err, perform(node, &op))) /* its creator is at home elsewhere: nobody takes it for ours */
            return err == ERR_NOTFOUND ? ERR_OK : err;
        note_done(node, &op);
    }
    op.kind = OP_TAG;
    op.to = draw_partner(node->world, 0, &node->world->extra_draw);
    if (TRY(err, perform(node, &op)))
        return err;
    note_done(node, &op);
    return ERR_OK;
}

/* ...or he gives it to a third partner, and to nobody else. */
static err_t give_third(struct node *node, const struct thing *thing)
{
    struct operation op = {.kind = OP_TAG,
                           .first_us = node_now(node),
                           .target = thing->target,
                           .approval = GATE_APPROVE,
                           .to = THIRD,
                           .on = true};
    err_t err;
    if (TRY(err, node_commit(node)))
        return err;
    oracle_look(node);
    if (TRY(err, perform(node, &op)))
        return err;
    note_done(node, &op);
    op.kind = OP_APPROVE;
    if (TRY(err, perform(node, &op)))
        return err == ERR_NOTFOUND ? ERR_OK : err;
    note_done(node, &op);
    return ERR_OK;
}

/* The second of two twins: node 0 hears of more, none of which may ever leave. */
static void feed_secret(struct world *world)
{
    struct node *node = &world->nodes[0];
    struct draw *draw = &world->extra_draw;
    if (!draw_chance(draw, 700))
        return;
    for (unsigned i = 1 + draw_below(draw, 3); i > 0 && node_is_up(node); i--) {
        enum thing_secret why = (enum thing_secret)draw_below(draw, THING_SECRETS);
        if (world_has(world, WITH_COLLUDERS) && draw_chance(draw, 600))
            why = THING_REFUSED;
        bool give = world_has(world, WITH_COLLUDERS) && why == THING_REFUSED;
        const struct thing *thing = things_secret(&world->things, draw, why);
        unsigned source = draw_below(draw, SOURCES_DRAWN);
        if (why == THING_UNMARKED)
            source = SOURCES - 1;
        else if (why == THING_REFUSED)
            source = 0;
        struct gate_submission submission = {.source = node->source[source]};
        struct fault fault = {0};
        err_t err = gate_accept(node->gate, &submission, bytes_of(thing->text, thing->len), node_now(node),
                                no_answer, NULL, &fault);
        if (err == ERR_OK && why == THING_REFUSED)
            err = give ? give_third(node, thing) : refuse_secret(node, thing);
        if (err == ERR_OK)
            err = node_commit(node);
        if (node_failed(node, err, "accepting"))
            return;
        oracle_look(node); /* before anybody states more */
    }
}

static void draw_weather(struct world *world, struct draw *draw)
{
    unsigned from = draw_below(draw, world->node_count), to = draw_partner(world, from, draw);
    world->cut[from][to] = draw_chance(draw, 300);
    if (draw_chance(draw, 500))
        world->cut[to][from] = world->cut[from][to];
    world->lost = draw_below(draw, 3) * 60;
    world->repeated = draw_below(draw, 3) * 60;
    world->jitter_us = draw_chance(draw, 500) ? 2000 : 900000;
}

/* At one of the next changes of the disk. How many there are depends on what a node holds: node 0 of twins
 * goes down at once, when all that it said is durable. */
static void lose_power(struct node *node, unsigned changes)
{
    bool at_once = node->number == 0 || world_has(node->world, WITH_COLLUDERS);
    if (node->world->options.twin && at_once)
        node_crash(node, changes * 100000);
    else
        disk_faults(node->disk)->power_fails = changes;
}

/* In lives of which that is a part. */
static void draw_recall(struct world *world, const struct node *node, struct operation *op)
{
    unsigned what = draw_below(&world->fault_draw, 1000);
    if (!world_has(world, WITH_RECALLS) || !node_is_up(node))
        return;
    if (what < 150 && recall_draw(node, &world->fault_draw, &op->recall))
        op->kind = OP_RECALL;
    else if (what >= 950)
        op->kind = OP_CONFIRM;
}

static void draw_keeping(struct world *world, const struct node *node, struct operation *op)
{
    bool order, confirm;
    if (!world_has(world, WITH_RETENTION))
        return;
    keep_draw(node, &world->keep_draw, &order, &confirm);
    if (order) {
        op->kind = OP_ORDER;
        op->on = draw_chance(&world->keep_draw, 600);
        op->target = thing_target((enum thing_kind)draw_below(&world->keep_draw, THING_KINDS),
                                  draw_below(&world->keep_draw, THING_POOL));
    } else if (confirm) {
        op->kind = OP_CLOCK;
    }
}

void op_draw(struct world *world)
{
    struct draw *draw = &world->op_draw;
    struct node *node = &world->nodes[draw_below(draw, world->node_count)];
    unsigned what = draw_below(draw, 1000), changes = 1 + draw_below(draw, 40);
    if (restore_draw(world, node) || node_disk_fails(world, node) || node_clock_jumps(world, node) ||
        memory_draw(world, node))
        return;
    struct operation *op = draw_operation(world, node, draw);
    draw_recall(world, node, op);
    draw_keeping(world, node, op);
    if (world_has(world, WITH_VOUCHERS) && draw_chance(&world->vouch_draw, 150))
        op->kind = OP_VOUCH;
    if (world->options.extras)
        feed_secret(world);
    if (what < 60)
        draw_weather(world, draw);
    if (what >= 60 && what < 110 && node_is_up(node))
        lose_power(node, changes);
    if (!node_is_up(node) || node->pending != NULL) {
        free(op); /* nobody is there to hear it */
        return;
    }
    static const char *const words[] = {"feed",    "tag",   "approve", "assume",     "classify", "stop",
                                        "peer",    "merge", "policy",  "quarantine", "bind",     "recall",
                                        "confirm", "order", "clock",   "vouch"};
    world_say(world, "%s: %s", node->name, words[op->kind]);
    node->pending = op;
    run(node);
    if (node_is_up(node))
        node_pump(node);
}
