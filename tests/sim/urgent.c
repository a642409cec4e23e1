/* Recalls by the urgent ledger (docs/protocol/LEDGER.md section 1), which overtake what stands in the main
 * one: what was shown there, what was taken over, and that nothing comes in after its recall. */
#include "gate/halt.h"
#include "world.h"

/* The body of a hello: format, how many versions, each of them. */
void recall_speak(const struct world *world, const struct message *message, struct buf *body)
{
    static const uint8_t one[] = {1, 1, 1};
    size_t all = body->len >= sizeof one ? 2 + (size_t)body->at[1] : 0;
    if ((!world->nodes[message->from].old && !world->nodes[message->to].old) ||
        !str_eq(str_of(message->path), STR("/bongsu/v1/hello")) || all < sizeof one || all > body->len ||
        body->at[0] != 1 || body->at[2] != 1)
        return;
    memcpy(body->at, one, sizeof one);
    memmove(body->at + sizeof one, body->at + all, body->len - all);
    body->len -= all - sizeof one;
}

/* --- the issuer --- */

struct showing {
    struct node *node;
    unsigned to;
};

static bool look_leaf(void *ctx, const struct gate_leaf *leaf)
{
    const struct showing *showing = ctx;
    struct node *node = showing->node;
    struct seen_ledger *urgent = &node->urgent[showing->to], *main = &node->ledger[showing->to];
    struct seen seen = {.op = leaf->leaf.op,
                        .subject = leaf->opening.subject_seq,
                        .time_us = leaf->leaf.time_us,
                        .leaf = leaf_hash(&leaf->leaf)};
    must(urgent->count < LEDGER_MAX);
    world_say(node->world, "%s shows %s urgent leaf %zu: operation %d, about %lld", node->name,
              node->world->nodes[showing->to].name, urgent->count, (int)seen.op, (long long)seen.subject);
    if (seen.op != LEAF_RECALL || leaf->object.len > 0)
        world_break(node->world, "%s: leaf %zu of an urgent ledger calls nothing back", node->name,
                    urgent->count);
    if (urgent->count > 0 && seen.time_us <= urgent->at[urgent->count - 1].time_us)
        world_break(node->world, "%s dated urgent leaf %zu no later than the one before", node->name,
                    urgent->count);
    urgent->at[urgent->count++] = seen;
    if (seen.subject < main->count)
        main->at[seen.subject].called = true;
    return !node->world->broken;
}

void recall_look(struct node *node, unsigned to)
{
    struct showing showing = {node, to};
    struct gate_ledger ledger;
    unsigned number = gate_urgent(node->partner[to]);
    if (!world_has(node->world, WITH_RECALLS) || gate_ledger(node->gate, number, &ledger) != ERR_OK ||
        ledger.visible == node->urgent[to].count)
        return;
    err_t err = gate_leaves(node->gate, number, node->urgent[to].count, look_leaf, &showing);
    if (err != ERR_BUSY)
        (void)node_failed(node, err, "showing urgent leaves");
}

/* Recalls overtake what they call back. */
void recall_shown(struct node *node, unsigned to, size_t leaf)
{
    const struct seen_ledger *urgent = &node->urgent[to];
    for (size_t i = 0; i < urgent->count; i++)
        node->ledger[to].at[leaf].called |= urgent->at[i].subject == leaf;
}

/* --- the receiver --- */

static uint64_t held_of(const struct node *node, unsigned from)
{
    struct gate_cursor cursor;
    if (gate_cursor(node->gate, gate_urgent(node->partner[from]), &cursor) != ERR_OK)
        return 0;
    bool present = cursor.epoch == gate_following(node->gate, node->partner[from]);
    uint64_t size = cursor.edge.size;
    buf_deinit(&cursor.note);
    return present ? size : 0; /* it begins anew with the main one */
}

void recall_arrivals(struct node *node, unsigned from)
{
    if (!world_has(node->world, WITH_RECALLS) ||
        node_stands_still(node)) /* what is not durable stands there */
        return;
    const struct node *issuer = &node->world->nodes[from];
    const struct seen_ledger *urgent = &issuer->urgent[node->number];
    uint64_t held = held_of(node, from);
    if (held > urgent->count) {
        world_break(node->world, "%s took over %llu urgent leaves of %s, which showed %zu", node->name,
                    (unsigned long long)held, issuer->name, urgent->count);
        return;
    }
    for (; node->taken_urgent[from] < held; node->taken_urgent[from]++) {
        const struct seen *seen = &urgent->at[node->taken_urgent[from]];
        world_say(node->world, "%s: %s calls back leaf %llu of %llu", node->name, issuer->name,
                  (unsigned long long)seen->subject, (unsigned long long)node->taken[from]);
        recall_taken(node, from, seen->subject, seen->subject + 1);
        node->changed = true;
    }
}

bool recall_came_before(const struct node *node, unsigned from, uint64_t leaf)
{
    const struct seen_ledger *urgent = &node->world->nodes[from].urgent[node->number];
    for (size_t i = 0; i < node->taken_urgent[from]; i++)
        if (urgent->at[i].subject == leaf)
            return true;
    return false;
}

/* --- what must hold --- */

bool recall_pair_in_step(const struct node *issuer, const struct node *follower)
{
    struct gate_ledger ledger;
    if (!world_has(issuer->world, WITH_RECALLS))
        return true;
    /* Of one that began anew, empty, he keeps the cursor of before. */
    return gate_ledger(issuer->gate, gate_urgent(issuer->partner[follower->number]), &ledger) == ERR_OK &&
           ledger.visible == ledger.size && ledger.receipted == ledger.size &&
           (ledger.size == 0 || held_of(follower, issuer->number) == ledger.size);
}

void recall_nothing_lost(struct node *node, unsigned to)
{
    struct gate_ledger ledger;
    size_t shown = node->urgent[to].count;
    if (shown > 0 && (gate_ledger(node->gate, gate_urgent(node->partner[to]), &ledger) != ERR_OK ||
                      ledger.visible < shown))
        world_break(node->world, "%s had shown %zu urgent leaves to %s, and came back with fewer", node->name,
                    shown, node->world->nodes[to].name);
}

static bool compare_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct showing *showing = ctx;
    struct node *node = showing->node;
    const struct seen_ledger *urgent = &node->urgent[showing->to];
    struct hash hash = leaf_hash(&leaf->leaf);
    if (leaf->leaf.seq >= urgent->count || !hash_eq(&hash, &urgent->at[leaf->leaf.seq].leaf))
        world_break(node->world, "%s: urgent leaf %llu is another one after replay", node->name,
                    (unsigned long long)leaf->leaf.seq);
    return !node->world->broken;
}

void recall_compare(struct node *node, unsigned to)
{
    struct showing showing = {node, to};
    if (node->urgent[to].count > 0)
        (void)node_failed(node,
                          gate_leaves(node->gate, gate_urgent(node->partner[to]), 0, compare_leaf, &showing),
                          "comparing urgent leaves");
}
