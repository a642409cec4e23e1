/* The oracle: looks at what a node holds, computes from nothing and by brute force what the default policy
 * lets each partner have, and compares with what the partner can see. It knows the objects as they were drawn
 * and the operators' statements; of the gate it asks only what is held and what is shown. */
#include "world.h"

#include <stdlib.h>

/* --- what the node holds --- */

/* Who speaks for the id of what arrives now: its own home, the home of its creator, who spoke first. */
static uint16_t owner_of(const struct node *node, const struct thing *thing, uint32_t source)
{
    const struct held *first = NULL;
    uint32_t home = thing->has_creator ? node->home[thing->creator] : 0;
    if (thing->kind == THING_DOMAIN)
        return (uint16_t)source;
    if (node->home[thing->target] != 0)
        return (uint16_t)node->home[thing->target];
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *held = &node->held[i];
        if (held->thing->target == thing->target && !held->assertion && !held->quarantined && !held->gone &&
            (first == NULL || held->lsn < first->lsn))
            first = held;
    }
    bool same = first != NULL && first->thing->has_creator == thing->has_creator &&
                (!thing->has_creator || first->thing->creator == thing->creator);
    if (home != 0 && (first == NULL || same))
        return (uint16_t)home;
    return first != NULL ? first->owner : (uint16_t)source;
}

struct looking {
    struct node *node;
    size_t first;
};

/* What a partner's people submit as its node comes from it, like what its ledger brings. A leaf whose content
 * was taken back before it was fetched brings nothing. */
static void look_submitted(struct node *node, const struct gate_object *object, const struct thing *thing)
{
    const struct gate_source *source = gate_source_get(node->gate, object->envelope.source);
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p) && source->partner == (int)node->partner[p]) {
            node->reported[thing->number] |= (uint16_t)(1u << p);
            node->counted[thing->number] |= (uint16_t)((object->quarantined ? 0u : 1u) << p);
        }
}

static bool look_object(void *ctx, const struct gate_object *object)
{
    struct looking *looking = ctx;
    struct node *node = looking->node;
    const struct thing *thing = things_find(&node->world->things, object->bytes);
    if (thing == NULL && node->world->options.duties) { /* minted, by itself or by a partner */
        collude_held(node, object);
        return true;
    }
    if (thing == NULL) {
        world_break(node->world, "%s holds bytes that nobody ever gave it", node->name);
        return false;
    }
    reader_look(node, object, thing);
    recall_brought(node, object, thing);
    liar_brought(node, object->envelope.seq, object->envelope.source, thing);
    look_submitted(node, object, thing);
    /* Conflicts are told by the quarantine itself; a mark that somebody else reported the same is no copy. */
    bool mark = object->envelope.about != 0 && (object->envelope.flags & RECORD_OBJECT_REWRITE) == 0;
    if (object->quarantined || mark)
        return true;
    must(node->held_count < HELD_MAX);
    node->held[node->held_count++] = (struct held) {.thing = thing,
                                                    .lsn = object->lsn,
                                                    .leaf = object->envelope.seq,
                                                    .received_us = object->envelope.received_us,
                                                    .earliest_us = object->envelope.received_us,
                                                    .source = (uint16_t)object->envelope.source,
                                                    .assertion = object->assertion};
    return true;
}

static bool look_quarantined(void *ctx, const struct gate_quarantined *quarantined)
{
    struct looking *looking = ctx;
    struct node *node = looking->node;
    const struct thing *thing = things_find(&node->world->things, quarantined->bytes);
    if (thing == NULL && node->world->options.duties)
        return true;
    if (quarantined->bytes.len == 0 && world_has(node->world, WITH_RECALLS))
        return true; /* it was called back, and is not kept again */
    if (thing != NULL && thing->valid && quarantined->fault.code == ERR_SIGNATURE &&
        vouch_may_refuse(node, quarantined->bytes)) {
        vouch_refused(node);
        return true;
    }
    if (thing == NULL || (quarantined->reason == RECORD_QUARANTINE_REFUSED) == thing->valid) {
        world_break(node->world, "%s refused what is right, or took what is wrong: %s:\n%.*s", node->name,
                    quarantined->fault.what,
                    (int)(quarantined->bytes.len < 400 ? quarantined->bytes.len : 400),
                    (const char *)quarantined->bytes.at);
        return false;
    }
    if (quarantined->reason == RECORD_QUARANTINE_REFUSED)
        return true;
    must(node->held_count < HELD_MAX);
    node->held[node->held_count++] = (struct held) {.thing = thing,
                                                    .lsn = quarantined->lsn,
                                                    .received_us = quarantined->received_us,
                                                    .source = (uint16_t)quarantined->source,
                                                    .quarantined = true};
    return true;
}

static int by_lsn(const void *a, const void *b)
{
    const struct held *left = a, *right = b;
    return left->lsn < right->lsn ? -1 : left->lsn > right->lsn;
}

/* In the order in which they came. What is another's to say is an assertion. */
static void look_at_owners(struct node *node, size_t first)
{
    size_t end = node->held_count;
    for (node->held_count = first; node->held_count < end; node->held_count++) {
        struct held *held = &node->held[node->held_count];
        held->owner = owner_of(node, held->thing, held->source);
        if (!held->quarantined && !world_has(node->world, WITH_RECALLS) &&
            held->assertion != (held->owner != held->source))
            world_break(node->world, "%s: who speaks for this is mistaken (lsn %llu):\n%.400s", node->name,
                        (unsigned long long)held->lsn, held->thing->text);
    }
}

static void look_at_objects(struct node *node)
{
    struct looking looking = {node, node->held_count};
    struct gate_counts counts;
    gate_counts(node->gate, &counts);
    if (counts.durable_lsn == node->held_from)
        return;
    node->changed = true;
    err_t err = gate_quarantine_list(node->gate, node->held_from, look_quarantined, &looking);
    for (uint32_t s = 1; err == ERR_OK && s <= gate_source_count(node->gate); s++)
        err = gate_source_objects(node->gate, s, node->held_from, look_object, &looking);
    if (node_failed(node, err, "looking"))
        return;
    qsort(node->held + looking.first, node->held_count - looking.first, sizeof *node->held, by_lsn);
    look_at_owners(node, looking.first);
    node->held_from = counts.durable_lsn;
}

/* A leaf without content says of an earlier one that it is no longer current: also of what the partner's
 * people had handed in before that leaf said the same. */
static void take_told(struct node *node, unsigned from, const struct seen *seen)
{
    const struct thing *thing = node->world->nodes[from].ledger[node->number].at[seen->subject].thing;
    for (size_t i = 0; i < node->held_count; i++) {
        struct held *held = &node->held[i];
        const struct gate_source *source = gate_source_get(node->gate, held->source);
        if (source->partner == (int)node->partner[from] &&
            (held->leaf == seen->subject + 1 || (held->leaf == 0 && held->thing == thing && thing != NULL)))
            held->told = true;
    }
}

static void look_at_arrivals(struct node *node)
{
    for (unsigned p = 0; p < node->world->node_count; p++) {
        struct sync_status status;
        if (!world_linked(node->world, node->number, p) || node->world->nodes[p].forgetful)
            continue;
        const struct seen_ledger *ledger = &node->world->nodes[p].ledger[node->number];
        sync_session_status(node->session[p], &status);
        if (status.held > ledger->count) {
            world_break(node->world, "%s took over %llu leaves of %s, which showed %zu", node->name,
                        (unsigned long long)status.held, node->world->nodes[p].name, ledger->count);
            return;
        }
        for (; node->taken[p] < status.held; node->taken[p]++) {
            const struct seen *seen = &ledger->at[node->taken[p]];
            if (seen->op == LEAF_RECALL && seen->subject < ledger->count)
                recall_taken(node, p, seen->subject, node->taken[p]);
            else if (seen->thing == NULL && seen->subject != LEAF_SUBJECT_NONE)
                take_told(node, p, seen);
            node->changed = true;
        }
        recall_arrivals(node, p);
    }
}

/* --- what the rules say --- */

enum { ITEMS_MAX = 1024 };

struct item {
    struct held *held;
    bool base, on_demand, in;
    bool along; /* its own rules do not let it go */
};

struct oracle {
    struct node *node;
    unsigned to;
    struct moment when;
    bool surely; /* what may have been let go by now, or may not, was not */
    bool lag;    /* more is decided than is shown */
    bool ahead;  /* with what the leaves that are yet to be looked at take back */
    struct item at[ITEMS_MAX];
    size_t count;
};

static bool speaks(const struct held *held)
{
    return !held->assertion && !held->quarantined;
}

/* What its source now says. */
static bool is_current(const struct node *node, const struct held *held)
{
    if (!speaks(held))
        return false;
    bool sco = held->thing->kind == THING_DOMAIN;
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *other = &node->held[i];
        if (other == held || !speaks(other) || other->thing->target != held->thing->target ||
            (sco && other->source != held->source))
            continue;
        if (other->lsn > held->lsn && (sco || other->thing->version >= held->thing->version))
            return false;
        if (!sco && other->thing->version > held->thing->version)
            return false;
    }
    return true;
}

struct facts {
    enum stix_tlp tlp;
    bool unresolved, statement, unknown, unmarked, any;
    bool definition; /* without a marking: goes along, and has no word of its own */
};

static bool is_held(const struct node *node, uint16_t target)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (node->held[i].thing->target == target && speaks(&node->held[i]))
            return true;
    return false;
}

static void add_marks(const struct node *node, const struct thing *thing, bool with_parts,
                      struct facts *facts)
{
    enum stix_tlp tlp = with_parts || !thing->parted ? thing->tlp : thing->whole_tlp;
    size_t count = with_parts || !thing->parted ? thing->mark_count : thing->whole_mark_count;
    facts->tlp = stix_tlp_narrowest(facts->tlp, tlp);
    facts->any |= tlp != STIX_TLP_NONE || count > 0;
    for (size_t i = 0; i < count; i++) {
        uint16_t mark = thing->marks[i];
        if (!is_held(node, mark))
            facts->unresolved = true;
        else if (node->classified[mark] != STIX_TLP_NONE)
            facts->tlp = stix_tlp_narrowest(facts->tlp, node->classified[mark]);
        else if (thing_target_kind(mark) == THING_STATEMENT)
            facts->statement = true;
        else
            facts->unknown = true;
    }
}

static enum stix_tlp assumed(const struct node *node, unsigned source)
{
    for (unsigned s = 0; s < SOURCES; s++)
        if (node->source[s] == source)
            return node->assume[s];
    return STIX_TLP_NONE;
}

/* Copies of the same version bind each other, whoever brought them. */
static void add_rivals(const struct node *node, const struct held *held, struct facts *facts)
{
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *other = &node->held[i];
        if (other != held && !other->assertion && other->thing->target == held->thing->target &&
            other->thing->version == held->thing->version)
            add_marks(node, other->thing, true, facts);
    }
}

/* Did this source say it, or report what another had said before? */
static bool was_said_by(const struct node *node, const struct held *held, uint16_t source)
{
    bool said = held->source == source;
    for (size_t i = 0; i < node->recalls.brought_count && !said; i++)
        said = node->recalls.brought[i].thing == held->thing && node->recalls.brought[i].source == source;
    return said;
}

/* What carries an unmarked observable by the word of its source binds it, and what binds that. */
static struct facts facts_by(const struct node *node, const struct held *held, bool with_parts)
{
    struct facts facts = {.tlp = STIX_TLP_NONE};
    const struct thing *thing = held->thing;
    bool marked = thing->marked, sco = thing->kind == THING_DOMAIN;
    add_marks(node, thing, with_parts, &facts);
    if (!sco)
        add_rivals(node, held, &facts);
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *other = &node->held[i];
        if (other == held || !sco || thing->marked || !was_said_by(node, other, held->source) ||
            other->thing->kind == THING_DOMAIN)
            continue;
        for (size_t r = 0; r < other->thing->ref_count; r++)
            if (other->thing->refs[r].target == thing->target) {
                add_marks(node, other->thing, true, &facts);
                add_rivals(node, other, &facts);
                marked |= other->thing->marked && !other->quarantined; /* which only tightens */
                break;
            }
    }
    facts.definition = thing_is_marking(thing->kind) && !facts.any;
    if (!marked && !facts.definition) {
        enum stix_tlp tlp = assumed(node, held->source);
        facts.unmarked = tlp == STIX_TLP_NONE;
        facts.tlp = stix_tlp_narrowest(facts.tlp, tlp);
    }
    return facts;
}

static struct facts facts_of(const struct node *node, const struct held *held)
{
    return facts_by(node, held, true);
}

static bool is_own(const struct node *node, const struct held *held)
{
    return held->owner == node->source[0];
}

/* By the partner's own ceiling. */
static bool is_above(const struct node *node, unsigned to, enum stix_tlp tlp)
{
    return node->policy == POLICY_CEILING && to == node_ceiling(node) && tlp > STIX_TLP_CLEAR;
}

/* Of what waits for a time: at this one. */
static bool is_sealed(const struct oracle *oracle, const struct held *held, const struct facts *facts,
                      int64_t at_us)
{
    return world_is_timed(oracle->node->world) && facts->tlp == STIX_TLP_CLEAR &&
           held->thing->kind == THING_NOTE && at_us < SEALED_UNTIL;
}

/* A hold that ends by a time takes nothing back. */
static bool may_wait(enum thing_kind kind)
{
    return kind == THING_MALWARE || kind == THING_REPORT || kind == THING_INDICATOR;
}

static bool waits(const struct oracle *oracle, const struct held *held, const struct facts *facts,
                  int64_t at_us)
{
    enum { YOUNG_MINUTES = 20, LATE_MINUTES = 40 };
    enum thing_kind kind = held->thing->kind;
    bool green = facts->tlp == STIX_TLP_GREEN;
    if (!world_is_timed(oracle->node->world))
        return false;
    /* Since when it waits nobody knows who did not see its first decision: not for longer than that. */
    bool late = (held->answered[oracle->to] & ANSWERED_LATE) == 0 &&
                (oracle->surely || at_us - held->earliest_us < LATE_MINUTES * MINUTE_US);
    return (green && kind == THING_MALWARE && at_us < EMBARGO_UNTIL) ||
           (kind == THING_REPORT && at_us - held->received_us < YOUNG_MINUTES * MINUTE_US) ||
           (green && kind == THING_INDICATOR && late);
}

static bool is_denied(const struct oracle *oracle, const struct held *held, const struct facts *facts,
                      bool own)
{
    const struct node *node = oracle->node;
    /* A feed of the node's own that says nothing forbids nothing: its objects wait as unmarked. */
    bool silent = facts->definition ||
                  (facts->tlp == STIX_TLP_NONE && gate_source_get(node->gate, held->source)->partner < 0);
    bool onward = own || silent || facts->tlp == STIX_TLP_CLEAR || facts->tlp == STIX_TLP_GREEN;
    return facts->tlp == STIX_TLP_RED || facts->tlp == STIX_TLP_AMBER_STRICT || facts->unknown || !onward ||
           is_above(node, oracle->to, facts->tlp) || held->denied[oracle->to] ||
           is_sealed(oracle, held, facts, oracle->when.now_us) ||
           is_sealed(oracle, held, facts, oracle->when.believed_us) ||
           (node->reported[held->thing->number] >> oracle->to & 1);
}

static bool is_stopped(const struct oracle *oracle, const struct held *held)
{
    const struct node *node = oracle->node;
    for (unsigned s = 0; s < SOURCES; s++)
        if (node->stop_source[s] && node->source[s] == held->source)
            return true;
    return node->stop_all || node->stop_partner[oracle->to];
}

static bool is_let_go(const struct oracle *oracle, const struct held *held, const struct facts *facts,
                      bool own, int64_t at_us)
{
    const struct node *node = oracle->node;
    uint16_t target = held->thing->target;
    if (facts->unresolved || facts->statement || facts->unmarked || facts->definition)
        return false;
    if (facts->tlp <= STIX_TLP_GREEN && waits(oracle, held, facts, at_us))
        return false;
    if (facts->tlp == STIX_TLP_CLEAR)
        return true;
    if (facts->tlp == STIX_TLP_GREEN)
        return node->policy == POLICY_USUAL || node->policy == POLICY_CEILING ||
               (node->policy == POLICY_ASKING && (held->answered[oracle->to] & ANSWERED_ASKING));
    int64_t since =
        held->received_us > node->settled_us[target] ? held->received_us : node->settled_us[target];
    return own && facts->tlp == STIX_TLP_AMBER && node->tagged[target][oracle->to] &&
           ((held->answered[oracle->to] & ANSWERED_OWN_AMBER) || at_us >= since + 10 * MINUTE_US);
}

static void judge(struct oracle *oracle, struct held *held, const struct gate_peer *peer)
{
    struct node *node = oracle->node;
    bool follows = thing_follows(held->thing->kind);
    if (!is_current(node, held) || (!follows && held->lsn < peer->since_lsn))
        return;
    struct facts facts = facts_of(node, held);
    bool own = is_own(node, held);
    if (is_denied(oracle, held, &facts, own) || is_stopped(oracle, held) ||
        (held->told && gate_source_get(node->gate, held->source)->partner >= 0))
        return;
    /* Markings of parts only tighten: what the whole is kept back for stays. */
    struct facts whole = held->thing->parted ? facts_by(node, held, false) : facts;
    if (whole.definition)
        whole = facts;
    bool right = is_let_go(oracle, held, &facts, own, oracle->when.now_us) &&
                 is_let_go(oracle, held, &facts, own, oracle->when.believed_us) &&
                 is_let_go(oracle, held, &whole, own, oracle->when.now_us) &&
                 is_let_go(oracle, held, &whole, own, oracle->when.believed_us);
    bool comes_along = follows && !facts.any;
    must(oracle->count < ITEMS_MAX);
    if (right || comes_along)
        oracle->at[oracle->count++] = (struct item) {held, true, !right, true, !right};
}

/* --- closure --- */

/* A policy took it back, or somebody called it back. */
static bool has_ended(const struct seen_ledger *ledger, size_t leaf)
{
    if (ledger->at[leaf].called)
        return true;
    for (size_t i = leaf + 1; i < ledger->count; i++)
        if ((ledger->at[i].op == LEAF_EXPIRE || ledger->at[i].op == LEAF_RECALL) &&
            ledger->at[i].subject == leaf)
            return true;
    return false;
}

static bool is_ending(const struct seen_ledger *ledger, const struct thing *thing)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->at[i].thing == thing && ledger->at[i].ends)
            return true;
    return false;
}

/* Does the partner have something under this id already? */
static bool partner_has(const struct oracle *oracle, uint16_t target)
{
    const struct node *node = oracle->node;
    const struct seen_ledger *ledger = &node->ledger[oracle->to];
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->at[i].thing != NULL && ledger->at[i].thing->target == target && !has_ended(ledger, i) &&
            !(oracle->ahead && ledger->at[i].ends))
            return true;
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *held = &node->held[i];
        if (held->thing->target != target || held->quarantined)
            continue;
        if ((node->counted[held->thing->number] >> oracle->to & 1) ||
            (oracle->lag && (node->allowed[held->thing->number] >> oracle->to & 1) &&
             !(oracle->ahead && is_ending(ledger, held->thing))))
            return true;
    }
    return false;
}

/* As its creator, marking or extension in one of its references; and a definition in any, unless a partner
 * says it. */
static bool takes_along(const struct oracle *oracle, const struct held *held, uint16_t target)
{
    bool along = thing_is_marking(thing_target_kind(target)) &&
                 gate_source_get(oracle->node->gate, held->source)->partner < 0;
    for (size_t r = 0; r < held->thing->ref_count; r++)
        along |= held->thing->refs[r].target == target && held->thing->refs[r].follows;
    return along;
}

static bool leaves_with(const struct oracle *oracle, const struct thing_ref *ref, bool along)
{
    for (size_t i = 0; i < oracle->count; i++) {
        const struct item *item = &oracle->at[i];
        if (item->held->thing->target == ref->target && item->in && (along || !item->on_demand))
            return true;
    }
    return partner_has(oracle, ref->target);
}

static bool may_leave(const struct oracle *oracle, const struct item *item)
{
    const struct thing *thing = item->held->thing;
    for (size_t r = 0; r < thing->ref_count; r++)
        if (thing->refs[r].target != thing->target &&
            !leaves_with(oracle, &thing->refs[r], takes_along(oracle, item->held, thing->refs[r].target)))
            return false;
    return true;
}

/* Followers that something which leaves refers to leave by right from then on. True when that gave any. */
static bool demand(struct oracle *oracle)
{
    bool gave = false;
    for (size_t i = 0; i < oracle->count; i++) {
        const struct item *item = &oracle->at[i];
        for (size_t r = 0; item->in && !item->on_demand && r < item->held->thing->ref_count; r++)
            for (size_t k = 0; k < oracle->count; k++) {
                struct item *other = &oracle->at[k];
                uint16_t target = item->held->thing->refs[r].target;
                if (!other->in || !other->on_demand || other->held->thing->target != target ||
                    partner_has(oracle, target))
                    continue;
                other->on_demand = false;
                gave = true;
            }
    }
    return gave;
}

static void close_over(struct oracle *oracle)
{
    do {
        bool changed = true;
        for (size_t i = 0; i < oracle->count; i++)
            oracle->at[i].in = true;
        while (changed) {
            changed = false;
            for (size_t i = 0; i < oracle->count; i++)
                if (oracle->at[i].in && !may_leave(oracle, &oracle->at[i])) {
                    oracle->at[i].in = false;
                    changed = true;
                }
        }
    } while (demand(oracle));
}

static void solve(struct oracle *oracle, struct node *node, unsigned to, struct moment when)
{
    const struct gate_peer *peer = gate_peer_get(node->gate, node->partner[to]);
    struct gate_ledger ledger;
    must(gate_ledger(node->gate, node->partner[to], &ledger) == ERR_OK);
    oracle->node = node;
    oracle->to = to;
    oracle->when = when;
    oracle->lag = ledger.size != node->ledger[to].count;
    oracle->count = 0;
    if (peer->state != GATE_PEER_STARTED)
        return;
    for (size_t i = 0; i < node->held_count; i++)
        judge(oracle, &node->held[i], peer);
    close_over(oracle);
}

static void no_step(void *ctx, const struct policy_step *step)
{
    (void)ctx;
    (void)step;
}

/* The gate's own words, for whoever reads a failure. */
static void tell_why(struct node *node, unsigned to, const struct held *held)
{
    struct stix_key key = thing_key(held->thing->target);
    struct gate_why why;
    struct arena arena;
    if (!node->world->options.verbose)
        return;
    arena_init(&arena, 64u << 20);
    err_t err =
        gate_explain(node->gate, &key, node->partner[to], node_now(node), &arena, no_step, NULL, &why);
    if (err == ERR_OK)
        world_say(node->world, "%s for %s: %s by %.*s%s%s%s, blocked by %.*s; %s", node->name,
                  node->world->nodes[to].name, policy_effect_name(why.effect), STR_ARG(why.rule),
                  why.released ? ", released" : "", why.blocked ? ", blocked" : "",
                  why.stopped ? ", stopped" : "", STR_ARG(why.blocked_by),
                  held->quarantined ? "quarantined" : "held");
    arena_deinit(&arena);
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *other = &node->held[i];
        for (size_t r = 0; r < other->thing->ref_count; r++)
            if (other->thing->refs[r].target == held->thing->target)
                world_say(node->world, "    referred to by lsn %llu of source %u%s%s: %s",
                          (unsigned long long)other->lsn, other->source,
                          is_current(node, other) ? "" : ", not current",
                          other->assertion ? ", an assertion" : "", other->thing->text);
    }
}

/* --- what the partner sees --- */

struct showing {
    struct node *node;
    unsigned to;
};

static bool says(struct bytes text, const char *what)
{
    return memmem(text.at, text.len, what, strlen(what)) != NULL;
}

/* What the rule that lets go an object of this kind has taken out of it, and stands in `text` all the same;
 * NULL: nothing. */
static const char *undone(const struct thing *source, struct bytes text)
{
    if (source->kind == THING_MALWARE && says(text, "\"name\":"))
        return "a name";
    if (source->kind == THING_INDICATOR && says(text, "\"created_by_ref\":\"identity--0b009500-"))
        return "its creator";
    return source->kind == THING_NOTE && says(text, "2345") ? "a number" : NULL;
}

/* In a life with duties: nothing of what nobody may have, and, of what the rules with duties let go, nothing
 * that they have taken out. Looking `again`: what says nothing of itself may have been let go by an
 * assumption that ended since, and a hold takes nothing back. */
static void look_text(struct node *node, unsigned to, const struct gate_leaf *leaf, bool again)
{
    const struct world *world = node->world;
    struct bytes text = leaf->object;
    if (!world->options.duties || guard_is_alone(world) || text.len == 0)
        return;
    const char *wrong = things_hidden(text);
    if (wrong != NULL && world_has(world, WITH_COLLUDERS) && to == THIRD && strcmp(wrong, "hidden") != 0)
        wrong = NULL; /* what the others do not have */
    const struct thing *source = things_source(&world->things, text);
    /* AMBER, and what may be, goes by another rule. */
    if (wrong == NULL && source != NULL && (source->tlp != STIX_TLP_NONE || !again) &&
        node_has_duties(node, node->policy) && source->tlp <= STIX_TLP_GREEN && source->mark_count == 0 &&
        !node->tagged[source->target][to])
        wrong = undone(source, text);
    for (size_t i = 0; wrong != NULL && i < node->held_count; i++)
        if (node->held[i].thing == source)
            tell_why(node, to, &node->held[i]);
    if (wrong != NULL)
        world_break(node->world, "%s gives %s %s (leaf %llu):\n%.*s", node->name, world->nodes[to].name,
                    wrong, (unsigned long long)leaf->leaf.seq, (int)(text.len < 400 ? text.len : 400),
                    (const char *)text.at);
}

/* Content comes again only to somebody who was told that it is no longer current. */
static bool is_outdated(const struct seen_ledger *ledger, size_t leaf)
{
    for (size_t i = leaf + 1; i < ledger->count; i++)
        if (ledger->at[i].subject == leaf)
            return true;
    return false;
}

static bool look_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct showing *showing = ctx;
    struct node *node = showing->node;
    struct seen_ledger *ledger = &node->ledger[showing->to];
    const char *to = node->world->nodes[showing->to].name;
    struct seen seen = {.op = leaf->leaf.op,
                        .subject = leaf->opening.subject_seq,
                        .time_us = leaf->leaf.time_us,
                        .leaf = leaf_hash(&leaf->leaf)};
    must(ledger->count < LEDGER_MAX);
    if (node->world->options.verbose)
        world_say(node->world, "%s shows %s leaf %zu: operation %d, about %lld, %.*s", node->name, to,
                  ledger->count, (int)leaf->leaf.op, (long long)seen.subject, STR_ARG(leaf->id));
    if (ledger->count > 0 && seen.time_us <= ledger->at[ledger->count - 1].time_us)
        world_blame(node->world, "%s dated leaf %zu for %s no later than the one before", node->name,
                    ledger->count, to);
    look_text(node, showing->to, leaf, false);
    if (leaf->object.len > 0) {
        seen.thing = things_find(&node->world->things, leaf->object);
        seen.source = things_source(&node->world->things, leaf->object);
        collude_shown(node, leaf, &seen);
        vouch_shown(node, showing->to, leaf, &seen);
        bool third = world_has(node->world, WITH_COLLUDERS) && showing->to == THIRD;
        if (seen.thing == NULL || (seen.thing->extra && !third))
            world_blame(node->world, "%s showed %s what it must never see:\n%.*s", node->name, to,
                        (int)(leaf->object.len < 400 ? leaf->object.len : 400),
                        (const char *)leaf->object.at);
        else if ((node->allowed[seen.thing->number] >> showing->to & 1) == 0) {
            for (size_t i = 0; i < node->held_count; i++)
                if (node->held[i].thing == seen.thing)
                    tell_why(node, showing->to, &node->held[i]);
            world_blame(node->world, "%s released to %s what nothing lets go (leaf %zu):\n%.*s", node->name,
                        to, ledger->count, (int)(seen.thing->len < 400 ? seen.thing->len : 400),
                        seen.thing->text);
        }
        for (size_t i = 0; i < ledger->count; i++)
            if (ledger->at[i].thing == seen.thing && !is_outdated(ledger, i))
                world_blame(node->world, "%s released to %s twice what is leaf %zu already", node->name, to,
                            i);
    }
    ledger->at[ledger->count++] = seen;
    recall_shown(node, showing->to, ledger->count - 1);
    node->world->counts.leaves++;
    node->world->counts.minted += seen.thing == NULL && seen.source != NULL;
    return !node->world->broken;
}

/* Under the policy that keeps GREEN here: is this content GREEN by its own word, and does no copy of it come
 * down to something else, or to a hold? (What became GREEN by a later fact is not taken back.) */
static bool is_kept_here(const struct node *node, const struct thing *thing)
{
    bool any = false;
    if (world_is_timed(node->world) && may_wait(thing->kind))
        return false;
    for (size_t i = 0; i < node->held_count && thing->tlp == STIX_TLP_GREEN; i++) {
        const struct held *held = &node->held[i];
        if (held->thing != thing || held->quarantined)
            continue;
        struct facts facts = facts_of(node, held);
        bool holds = facts.unresolved || facts.statement || facts.unmarked || facts.definition || held->told;
        if (facts.tlp != STIX_TLP_GREEN || holds || (thing_follows(thing->kind) && !facts.any))
            return false;
        any = true;
    }
    return any;
}

/* A policy that came into force binds what was let go before, seen or not, signed or not. */
static bool look_again(void *ctx, const struct gate_leaf *leaf)
{
    const struct showing *showing = ctx;
    struct node *node = showing->node;
    const struct thing *thing = leaf->object.len > 0 ? things_find(&node->world->things, leaf->object) : NULL;
    look_text(node, showing->to, leaf, true);
    if (thing == NULL)
        return true;
    bool kept = node->policy == POLICY_NARROW && is_kept_here(node, thing);
    if (kept || is_above(node, showing->to, thing->tlp))
        world_blame(node->world, "%s still gives %s what its policy denies (leaf %llu):\n%.400s", node->name,
                    node->world->nodes[showing->to].name, (unsigned long long)leaf->leaf.seq, thing->text);
    return !node->world->broken;
}

static bool policy_binds(struct node *node, struct showing *showing)
{
    if ((node->policy != POLICY_NARROW && node->policy != POLICY_CEILING) || !node->changed)
        return true;
    err_t err = gate_leaves(node->gate, node->partner[showing->to], 0, look_again, showing);
    return !node->world->broken && (err == ERR_BUSY || !node_failed(node, err, "showing leaves again"));
}

static bool look_ahead(void *ctx, const struct gate_leaf *leaf)
{
    struct showing *showing = ctx;
    struct seen_ledger *ledger = &showing->node->ledger[showing->to];
    if (leaf->leaf.op == LEAF_EXPIRE && leaf->opening.subject_seq < ledger->count)
        ledger->at[leaf->opening.subject_seq].ends = true;
    return true;
}

/* What is new was decided before or after something was taken back: what either lets go may be seen. */
static void allow(struct node *node, struct showing *showing, struct moment when)
{
    static struct oracle oracle;
    unsigned to = showing->to;
    err_t err = gate_leaves(node->gate, node->partner[to], node->ledger[to].count, look_ahead, showing);
    if (err != ERR_BUSY && node_failed(node, err, "looking ahead"))
        return;
    oracle.surely = false;
    for (unsigned ahead = 0; ahead <= 1; ahead++) {
        oracle.ahead = ahead != 0;
        solve(&oracle, node, to, when);
        for (size_t i = 0; i < oracle.count; i++)
            if (oracle.at[i].in && !oracle.at[i].on_demand)
                node->allowed[oracle.at[i].held->thing->number] |= (uint16_t)(1u << to);
    }
}

/* When a deadline can have begun. */
static void look_at_times(struct node *node)
{
    const struct keeping *k = &node->keeping;
    for (size_t m = 0; m < k->moment_count; m++)
        for (size_t i = 0; i < node->held_count; i++)
            if (k->moments[m].now_us < node->held[i].earliest_us)
                node->held[i].earliest_us = k->moments[m].now_us;
}

void oracle_look(struct node *node)
{
    if (node->forgetful)
        return;
    keep_learn(node);
    look_at_objects(node);
    if (!node_is_up(node) || node->world->broken)
        return;
    look_at_arrivals(node);
    look_at_times(node);
    for (unsigned p = 0; p < node->world->node_count && !node->world->broken; p++) {
        struct showing showing = {node, p};
        struct gate_ledger ledger;
        if (world_linked(node->world, node->number, p))
            recall_look(node, p);
        if (!node_is_up(node) || !world_linked(node->world, node->number, p) ||
            gate_ledger(node->gate, node->partner[p], &ledger) != ERR_OK ||
            (!node->changed && ledger.visible == node->ledger[p].count && ledger.size == node->decided[p]))
            continue;
        node->decided[p] = ledger.size;
        if (!policy_binds(node, &showing))
            return;
        for (size_t i = 0; i < node->keeping.moment_count; i++)
            allow(node, &showing, node->keeping.moments[i]);
        allow(node, &showing, keep_moment(node));
        err_t err = gate_leaves(node->gate, node->partner[p], node->ledger[p].count, look_leaf, &showing);
        if (err != ERR_BUSY && node_failed(node, err, "showing leaves"))
            return; /* busy: a new policy takes back, and the rest is shown after the next step */
    }
    node->keeping.moment_count = 0;
    node->changed = false;
}

/* --- at the end --- */

static bool is_source(const struct thing *source, const struct thing *thing)
{
    return source != NULL && source->target == thing->target && source->version == thing->version;
}

static bool is_shown(const struct node *node, unsigned to, const struct thing *thing)
{
    const struct seen *at = node->ledger[to].at;
    for (size_t i = 0; i < node->ledger[to].count; i++)
        if ((at[i].thing == thing || is_source(at[i].source, thing)) && !has_ended(&node->ledger[to], i))
            return true;
    return false;
}

static bool holds(const struct node *node, const struct thing *thing)
{
    for (size_t i = 0; i < node->held_count; i++)
        if (node->held[i].thing == thing)
            return true;
    return false;
}

/* In a life with duties, of what the rules let go: surely what names nothing but its creator. (A marking may
 * bring a creator along who must not be named; an observable inherits parts of its carriers' markings.) */
static bool must_leave_somehow(const struct node *node, const struct held *held)
{
    const struct thing *thing = held->thing;
    bool alone = thing->mark_count == 0 &&
                 things_source(&node->world->things, bytes_of(thing->text, thing->len)) != NULL;
    for (size_t r = 0; r < thing->ref_count; r++)
        alone = alone && thing->refs[r].follows;
    for (size_t i = 0; i < node->held_count; i++) /* parts of a rival's markings bind all of it */
        alone = alone && (node->held[i].thing == thing || !is_source(node->held[i].thing, thing));
    return alone && node->world->options.duties && !guard_is_alone(node->world) &&
           gate_source_get(node->gate, held->source)->partner < 0;
}

/* Whatever denies it by now takes it back: a copy with a stricter marking, another classification, a no. */
static bool must_be_over(const struct oracle *oracle, const struct held *held)
{
    const struct node *node = oracle->node;
    struct facts facts = facts_of(node, held);
    bool said_no = facts.tlp == STIX_TLP_RED || facts.tlp == STIX_TLP_AMBER_STRICT || facts.unknown ||
                   held->denied[oracle->to];
    return is_current(node, held) && said_no && !(thing_follows(held->thing->kind) && !facts.any);
}

/* An observable that another source says in the same words: each variant is judged for itself. */
static bool goes_as_another(const struct oracle *oracle, const struct held *held)
{
    const struct node *node = oracle->node;
    for (size_t i = 0; i < node->held_count && held->thing->kind == THING_DOMAIN; i++) {
        const struct held *other = &node->held[i];
        if (other->thing == held->thing && other->source != held->source && is_current(node, other) &&
            !must_be_over(oracle, other))
            return true;
    }
    return false;
}

/* What names it has left long ago, and brings nothing along again. */
static bool came_and_went(const struct seen_ledger *ledger, uint16_t target)
{
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->at[i].thing != NULL && ledger->at[i].thing->target == target && has_ended(ledger, i))
            return true;
    return false;
}

static void check_pair(struct node *node, unsigned to)
{
    static struct oracle oracle;
    const struct node *other = &node->world->nodes[to];
    uint32_t source = gate_peer_get(other->gate, other->partner[node->number])->source;
    oracle.surely = true;
    oracle.ahead = false;
    solve(&oracle, node, to, keep_moment(node));
    for (size_t i = 0; i < oracle.count && !node->world->broken; i++) {
        const struct thing *thing = oracle.at[i].held->thing;
        if (!oracle.at[i].in || oracle.at[i].on_demand || is_shown(node, to, thing) ||
            (oracle.at[i].along && came_and_went(&node->ledger[to], thing->target)))
            continue;
        tell_why(node, to, oracle.at[i].held);
        if (must_leave_somehow(node, oracle.at[i].held))
            world_break(node->world, "%s gives %s in no form what may go:\n%.700s", node->name, other->name,
                        thing->text);
        world_blame(node->world, "%s never released to %s what may go (lsn %llu):\n%.*s", node->name,
                    other->name, (unsigned long long)oracle.at[i].held->lsn,
                    (int)(thing->len < 700 ? thing->len : 700), thing->text);
    }
    for (size_t i = 0; i < node->held_count && !node->world->broken; i++) {
        if (!is_shown(node, to, node->held[i].thing) || !must_be_over(&oracle, &node->held[i]) ||
            goes_as_another(&oracle, &node->held[i]))
            continue;
        tell_why(node, to, &node->held[i]);
        world_blame(node->world, "%s still gives %s what is denied now:\n%.700s", node->name, other->name,
                    node->held[i].thing->text);
    }
    for (size_t i = 0; i < node->ledger[to].count && !node->world->broken; i++) {
        const struct seen *seen = &node->ledger[to].at[i];
        if (i < other->taken[node->number] && seen->thing != NULL && !has_ended(&node->ledger[to], i) &&
            !holds(other, seen->thing) && !recall_bars(other, source, seen->thing) &&
            !vouch_may_refuse(other, bytes_of(seen->thing->text, seen->thing->len)))
            world_break(node->world, "%s does not hold leaf %zu of %s", other->name, i, node->name);
    }
}

void oracle_settled(struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++)
        for (unsigned p = 0; p < world->node_count && !world->broken; p++)
            if (world_linked(world, n, p))
                check_pair(&world->nodes[n], p);
}
