/* Recalls: what operators call back, and what has to come of it (docs/protocol/RECALL.md). The gate is asked
 * for nothing that is checked here: what goes, from whom, and what stays is worked out from what each source
 * brought; that it is gone is seen in the log itself, by its secrets. */
#include "gate/recall.h"

#include <stdlib.h>

#include "store/store.h"
#include "world.h"

static const struct gate_by by_officer = {{"officer", 7}, {"drawn", 5}};
static const struct gate_by by_second = {{"second", 6}, {"I read it", 9}};
static const struct gate_by by_third = {{"third", 5}, {"so did I", 8}};

enum { SPREE_MAX = 30, RECALL_MINUTES = 20 };

void recalls_init(struct recalls *recalls)
{
    recalls->brought = calloc(HELD_MAX, sizeof *recalls->brought);
    recalls->stones = calloc(HELD_MAX, sizeof *recalls->stones);
    recalls->called = calloc(HELD_MAX, sizeof *recalls->called);
    recalls->again_at_us = NEVER;
    must(recalls->brought != NULL && recalls->stones != NULL && recalls->called != NULL);
}

void recalls_deinit(struct recalls *recalls)
{
    free(recalls->brought);
    free(recalls->stones);
    free(recalls->called);
}

/* --- who brought what, and what may not come again --- */

static bool listed(const struct brought *at, size_t count, uint32_t source, const struct thing *thing)
{
    for (size_t i = 0; i < count; i++)
        if (at[i].source == source && at[i].thing == thing)
            return true;
    return false;
}

bool recall_bars(const struct node *node, uint32_t source, const struct thing *thing)
{
    return listed(node->recalls.stones, node->recalls.stone_count, source, thing);
}

static void bar(struct node *node, uint32_t source, const struct thing *thing)
{
    struct recalls *r = &node->recalls;
    world_say(node->world, "%s: of source %u never again %s", node->name, source, thing->text);
    if (recall_bars(node, source, thing))
        return;
    must(r->stone_count < HELD_MAX);
    r->stones[r->stone_count++] = (struct brought) {.thing = thing, .source = source};
}

void recall_brought(struct node *node, const struct gate_object *object, const struct thing *thing)
{
    struct recalls *r = &node->recalls;
    uint32_t source = object->envelope.source;
    bool mark = object->envelope.about != 0 && !object->quarantined &&
                (object->envelope.flags & RECORD_OBJECT_REWRITE) == 0;
    if (recall_bars(node, source, thing))
        world_break(node->world, "%s takes in again what was called back (lsn %llu of source %u):\n%.400s",
                    node->name, (unsigned long long)object->lsn, source, thing->text);
    for (unsigned p = 0; p < node->world->node_count && object->envelope.seq > 0; p++)
        if (world_linked(node->world, node->number, p) &&
            gate_peer_get(node->gate, node->partner[p])->source == source &&
            recall_came_before(node, p, object->envelope.seq - 1))
            world_break(node->world, "%s takes in what was called back before it came (lsn %llu):\n%.400s",
                        node->name, (unsigned long long)object->lsn, thing->text);
    must(r->brought_count < HELD_MAX);
    world_say(node->world, "%s: source %u brings lsn %llu by leaf %lld about %llu: %s", node->name, source,
              (unsigned long long)object->lsn, (long long)object->envelope.seq - 1,
              (unsigned long long)object->envelope.about, thing->text);
    r->brought[r->brought_count++] =
        (struct brought) {thing, mark ? object->envelope.about : object->lsn, object->envelope.seq, source};
}

/* Somebody whose word was not called back himself, other than these sources. */
static bool others_brought(const struct node *node, uint32_t source, uint32_t beside,
                           const struct thing *thing)
{
    const struct recalls *r = &node->recalls;
    for (size_t i = 0; i < r->brought_count; i++)
        if (r->brought[i].thing == thing && r->brought[i].source != source &&
            r->brought[i].source != beside && !recall_bars(node, r->brought[i].source, thing))
            return true;
    return false;
}

/* --- what goes --- */

/* No other place had this content: whoever was shown it had it from here. */
static bool is_the_only(const struct node *node, const struct held *held)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (&node->held[i] != held && node->held[i].thing == held->thing)
            return false;
    return true;
}

/* An object goes with everybody's reports of it; whoever had it is to be told. */
static void let_go(struct node *node, struct held *held)
{
    struct recalls *r = &node->recalls;
    held->gone = true;
    world_say(node->world, "%s: lsn %llu of source %u (%u speaks for it%s) is called back, %s", node->name,
              (unsigned long long)held->lsn, held->source, held->owner,
              held->assertion ? ", an assertion" : "", held->thing->text);
    bar(node, held->source, held->thing);
    if (held->quarantined)
        return;
    for (size_t i = 0; i < r->brought_count; i++)
        if (r->brought[i].lsn == held->lsn)
            bar(node, r->brought[i].source, held->thing);
    must(r->called_count < HELD_MAX);
    struct called *called = &r->called[r->called_count++];
    called->thing = held->thing;
    called->sure = is_the_only(node, held);
    for (unsigned p = 0; p < node->world->node_count; p++)
        called->seen[p] = node->ledger[p].count;
}

static struct held *held_at(const struct node *node, uint64_t lsn)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (node->held[i].lsn == lsn)
            return &node->held[i];
    return NULL;
}

/* Is this content held still, by anybody's word? */
static bool stays(const struct node *node, const struct thing *thing)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (node->held[i].thing == thing && !node->held[i].gone)
            return true;
    return false;
}

/* What this source brought of it by a leaf before this one. NULL: nothing; *out_unsure: by other ways, and
 * leaves that bring what is there already are not seen. */
static const struct brought *brought_before(const struct node *node, uint32_t source,
                                            const struct thing *thing, uint64_t leaf, bool *out_unsure)
{
    const struct recalls *r = &node->recalls;
    const struct brought *found = NULL;
    *out_unsure = false;
    for (size_t i = 0; i < r->brought_count; i++) {
        const struct brought *at = &r->brought[i];
        if (at->source != source || at->thing != thing)
            continue;
        found = at->leaf != 0 && at->leaf <= leaf ? at : found;
        *out_unsure |= at->leaf == 0;
    }
    return found;
}

/* Something under this identifier went from here, or did not: who speaks for it since, and whose copies are
 * left, can be told neither. */
static bool is_unsure(const struct node *node, uint16_t target)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (node->held[i].thing->target == target && node->held[i].unsure)
            return true;
    return false;
}

void recall_taken(struct node *node, unsigned from, uint64_t subject, uint64_t end)
{
    const struct seen_ledger *ledger = &node->world->nodes[from].ledger[node->number];
    uint32_t source = gate_peer_get(node->gate, node->partner[from])->source;
    const struct thing *thing = subject < ledger->count ? ledger->at[subject].thing : NULL;
    bool unsure;
    if (thing == NULL || recall_bars(node, source, thing))
        return;
    const struct brought *brought = brought_before(node, source, thing, end, &unsure);
    for (size_t i = 0; i < node->held_count && brought == NULL; i++)
        node->held[i].unsure |= unsure && node->held[i].thing == thing;
    struct held *held = brought == NULL ? NULL : held_at(node, brought->lsn);
    if (held == NULL || held->gone)
        return;
    bool home = held->owner == source, others = others_brought(node, source, source, thing);
    held->unsure |= is_unsure(node, thing->target);
    if (held->unsure)
        return;
    if (held->quarantined || home || (held->source == source && !others))
        let_go(node, held);
    else if (held->source == source)
        held->unsaid = true;
    else if (held->unsaid && !others_brought(node, source, held->source, thing))
        held->unsure = true; /* it goes, unless who brought it said it once more: that leaf is not seen */
    else
        bar(node, source, thing); /* his report alone */
}

/* --- operators --- */

static bool is_meant(const struct held *held, const struct recall_word *word)
{
    if (held->gone)
        return false;
    switch (word->by) {
    case RECALL_ID:
        return held->thing->target == word->target;
    case RECALL_SOURCE:
        return held->source == word->source;
    case RECALL_TIME:
        return held->received_us >= word->since_us &&
               held->received_us < word->since_us + RECALL_MINUTES * MINUTE_US;
    default:
        return false;
    }
}

bool recall_draw(const struct node *node, struct draw *draw, struct recall_word *out)
{
    unsigned way = draw_below(draw, 10);
    if (node->held_count == 0)
        return false;
    const struct held *held = &node->held[draw_below(draw, (unsigned)node->held_count)];
    *out = (struct recall_word) {way < 7   ? RECALL_ID
                                 : way < 8 ? RECALL_SOURCE
                                           : RECALL_TIME,
                                 held->thing->target, held->source, held->received_us};
    return true;
}

err_t recall_say(struct node *node, const struct recall_word *word)
{
    uint64_t lsns[SPREE_MAX];
    size_t count = 0;
    struct gate_recalled told;
    for (size_t i = 0; i < node->held_count && count < SPREE_MAX; i++)
        if (is_meant(&node->held[i], word))
            lsns[count++] = node->held[i].lsn;
    err_t err = gate_recall(node->gate, lsns, count, node_now(node) + 10 * MINUTE_US, &by_officer, true,
                            node_now(node), &told);
    return err == ERR_NOTFOUND ? ERR_OK : err; /* all of it, before a crash */
}

void recall_said(struct node *node, const struct recall_word *word)
{
    for (size_t i = 0, count = 0; i < node->held_count && count < SPREE_MAX; i++)
        if (is_meant(&node->held[i], word)) {
            let_go(node, &node->held[i]);
            count++;
        }
}

struct waiting {
    uint64_t lsns[HELD_MAX];
    size_t count;
};

static void find_waiting(void *ctx, const struct gate_spill *spill)
{
    struct waiting *waiting = ctx;
    if (spill->waits)
        waiting->lsns[waiting->count++] = spill->lsn;
}

err_t recall_confirm(struct node *node)
{
    static struct waiting waiting;
    size_t agreed, first;
    waiting.count = 0;
    err_t err = gate_spills(node->gate, find_waiting, &waiting);
    for (size_t i = 0; err == ERR_OK && i < waiting.count; i++) {
        struct gate_recall_which which = {.number = waiting.lsns[i]};
        err = gate_recall_confirm(node->gate, &which, &by_second, node_now(node), &agreed, &first);
        if (err == ERR_OK || err == ERR_DENIED) /* he was the first before a crash */
            err = gate_recall_confirm(node->gate, &which, &by_third, node_now(node), &agreed, &first);
        if (err == ERR_NOTFOUND)
            err = ERR_OK;
    }
    return err;
}

bool recall_work(struct node *node, bool *out_did)
{
    struct recalls *r = &node->recalls;
    err_t err = ERR_OK;
    *out_did = false;
    r->again_at_us = NEVER;
    if (gate_recall_due(node->gate))
        err = gate_recall_step(node->gate, node_now(node), out_did);
    if (err == ERR_OK && gate_purge_due(node->gate))
        err = gate_purge(node->gate, NULL, node_now(node));
    if (err == ERR_BUSY) {
        r->again_at_us = node_now(node) + SECOND_US;
        err = ERR_OK;
    }
    return !node_failed(node, err, "destroying");
}

void recall_answer(struct node *node, struct sync_session *session, const struct sync_recall_done *done)
{
    struct note_key key;
    struct buf note;
    if (draw_chance(&node->keeper_draw, 50)) {
        sync_session_recall_signed(session, ERR_CLOSED, done->seq, STR(""), node_now(node));
        return;
    }
    buf_init(&note, LIMIT_NOTE_BYTES);
    sync_card_receipt_key(&node->card, SYNC_CARD_RECALL, &key);
    must(sync_recall_sign(done, &key, &node->keys[SYNC_CARD_RECALL], &note) == ERR_OK);
    sync_session_recall_signed(session, ERR_OK, done->seq, buf_str(&note), node_now(node));
    buf_deinit(&note);
}

/* --- what must hold --- */

void recall_watch(struct node *node, struct bytes body)
{
    const struct recalls *r = &node->recalls;
    /* A backup of before a recall has it again. */
    for (size_t i = 0; i < r->called_count && !node->world->broken && !node->world->restored; i++) {
        const struct thing *thing = r->called[i].thing;
        if (!stays(node, thing) && memmem(body.at, body.len, thing->text, thing->len) != NULL)
            world_break(node->world, "%s gives what was called back:\n%.400s", node->name, thing->text);
    }
}

struct asking {
    const struct node *node;
    bool all;
};

/* Whoever is asked and can answer has: what he was shown is gone from there. */
static void look_answered(void *ctx, const struct gate_recall_holder *holder)
{
    struct asking *asking = ctx;
    const struct gate_peer *peer = gate_peer_get(asking->node->gate, holder->partner);
    if (peer->state == GATE_PEER_STARTED && !holder->before)
        asking->all &= holder->answered_us != 0;
}

bool recall_in_step(const struct node *node)
{
    static struct waiting waiting;
    struct asking asking = {.node = node, .all = true};
    if (!world_has(node->world, WITH_RECALLS))
        return true;
    waiting.count = 0;
    return gate_recall_holders(node->gate, 0, look_answered, &asking) == ERR_OK && asking.all &&
           gate_spills(node->gate, find_waiting, &waiting) == ERR_OK && waiting.count == 0 &&
           !gate_recall_due(node->gate) && !gate_purge_due(node->gate);
}

static bool calls_back(const struct seen_ledger *ledger, const struct seen *seen, size_t last,
                       const struct thing *thing)
{
    return seen->op == LEAF_RECALL && seen->subject < ledger->count && seen->subject >= last &&
           ledger->at[seen->subject].thing == thing;
}

/* His last leaf with this content before, and whether a later one, or one of the urgent ledger, calls it
 * back.
 */
static bool was_told(const struct seen_ledger *ledger, const struct seen_ledger *urgent,
                     const struct thing *thing, size_t before)
{
    size_t last = SIZE_MAX;
    for (size_t i = 0; i < before; i++)
        if (ledger->at[i].thing == thing)
            last = i;
    for (size_t i = last + 1; last != SIZE_MAX && i < ledger->count; i++)
        if (calls_back(ledger, &ledger->at[i], last, thing))
            return true;
    for (size_t i = 0; last != SIZE_MAX && i < urgent->count; i++)
        if (calls_back(ledger, &urgent->at[i], last, thing))
            return true;
    return last == SIZE_MAX;
}

static void check_told(struct node *node)
{
    const struct recalls *r = &node->recalls;
    for (size_t i = 0; i < r->called_count; i++)
        for (unsigned p = 0; p < node->world->node_count && !node->world->broken; p++)
            if (r->called[i].sure &&
                !was_told(&node->ledger[p], &node->urgent[p], r->called[i].thing, r->called[i].seen[p]))
                world_break(node->world, "%s never told %s that this is called back:\n%.400s", node->name,
                            node->world->nodes[p].name, r->called[i].thing->text);
}

/* A frame whose secret is there. False: destroyed, or it has none. */
static bool opens(struct log *log, const struct frame *frame, struct buf *plain)
{
    buf_clear(plain);
    return frame_kind_sealed(frame->kind) && store_unseal(log->store, frame, plain) == ERR_OK;
}

/* What went does not open; what stays does; and no other frame has the words of what went. */
static void check_frame(struct node *node, struct log *log, const struct frame *frame, struct buf *plain)
{
    const struct recalls *r = &node->recalls;
    const struct held *held = held_at(node, frame->lsn);
    bool open = opens(log, frame, plain);
    if (held != NULL && !held->unsure && held->gone == open && (open || !held->quarantined))
        world_break(node->world, "%s %s (lsn %llu):\n%.400s", node->name,
                    open ? "did not destroy what was called back" : "destroyed what nobody called back",
                    (unsigned long long)frame->lsn, held->thing->text);
    for (size_t i = 0; open && i < r->called_count && !node->world->broken; i++) {
        const struct thing *thing = r->called[i].thing;
        if (!stays(node, thing) && memmem(plain->at, plain->len, thing->text, thing->len) != NULL)
            world_break(node->world, "%s still has the words of what was called back (lsn %llu):\n%.400s",
                        node->name, (unsigned long long)frame->lsn, thing->text);
    }
}

static void check_log(struct node *node)
{
    struct log log;
    struct frame frame;
    struct buf plain;
    if (log_open(node, &log) != ERR_OK)
        return;
    buf_init(&plain, 2 * LIMIT_OBJECT_BYTES);
    struct store_iter iter = store_iter(log.store, LSN_FIRST, store_durable_lsn(log.store));
    while (!node->world->broken && store_iter_next(&iter, &frame) == ERR_OK)
        check_frame(node, &log, &frame, &plain);
    buf_deinit(&plain);
    log_close(&log);
}

/* For whoever reads a failure. */
static void tell_spill(void *ctx, const struct gate_spill *spill)
{
    const struct node *node = ctx;
    world_say(node->world, "%s: lsn %llu of source %u is suspended by %.*s%s%s%s", node->name,
              (unsigned long long)spill->lsn, spill->source, STR_ARG(spill->by),
              spill->waits ? ", waits" : "", spill->report ? ", a report" : "",
              spill->destroyed ? ", destroyed" : "");
}

void recall_settled(struct node *node)
{
    if (!world_has(node->world, WITH_RECALLS))
        return;
    if (node->world->options.verbose)
        (void)node_failed(node, gate_spills(node->gate, tell_spill, node), "listing");
    check_told(node);
    if (!node->world->broken)
        check_log(node);
}
