/* Backups that come back (DESIGN 4 step 15): a node goes on from an earlier copy of its disk, with the
 * keeper's anchor or without. From then on nobody knows what it forgot, so that the exact oracle is not heard
 * any more; what must hold is that it is found out, that no second past is signed, and that all are in step
 * again once operators at both ends have said so. */
#include "gate/epoch.h"
#include "gate/halt.h"
#include "world.h"

static const struct gate_by by_operator = {{"kim", 3}, {"the disk died", 13}};

enum { WITHOUT_ANCHOR = 500, PAUSED = 500 }; /* of 1,000 */

void restores_deinit(struct node *node)
{
    disk_free(node->restores.backup);
    node->restores.backup = NULL;
}

static void keep_backup(struct node *node, struct draw *draw)
{
    if (!node_is_up(node) || !node->set_up || node->pending != NULL)
        return;
    world_say(node->world, "%s: a backup", node->name);
    restores_deinit(node);
    node->restores.backup = disk_copy(node->disk, draw_next(draw));
}

static void come_back(struct node *node, struct draw *draw)
{
    struct restores *r = &node->restores;
    bool anchor = !draw_chance(draw, WITHOUT_ANCHOR), paused = draw_chance(draw, PAUSED);
    if (r->backup == NULL)
        return;
    world_say(node->world, "%s: its backup comes back, %s anchor%s", node->name,
              anchor ? "with its" : "without", paused ? ", paused" : "");
    struct disk *backup = r->backup;
    r->backup = NULL;
    node->world->restored = true;
    node->forgetful = r->waits = true;
    r->pause = paused;
    if (!anchor) {
        r->silent = true;
        r->floor = 0;
        node->anchor_from = node->root_count;
    }
    node->acknowledged_lsn = 0;
    memset(node->followed, 0, sizeof node->followed);
    node_replace(node, backup);
}

bool restore_draw(struct world *world, struct node *node)
{
    struct draw *draw = &world->fault_draw;
    if (!world_has(world, WITH_RESTORES))
        return false;
    unsigned what = draw_below(draw, 1000);
    if (what < 60)
        keep_backup(node, draw);
    else if (what < 100)
        come_back(node, draw);
    else if (what < 140)
        restore_mend(world);
    return what < 140;
}

/* What `bongsu restore` does to a node that does not run yet. */
err_t restore_start(struct node *node)
{
    err_t err = ERR_OK;
    for (unsigned p = 0; node->restores.pause && err == ERR_OK && p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p))
            err = gate_peer_set(node->gate, node->partner[p], GATE_PEER_PAUSED, false, &by_operator,
                                node_now(node));
    if (err == ERR_OK && node->restores.pause)
        err = node_commit(node);
    node->restores.pause &= err != ERR_OK;
    return err;
}

/* --- operators --- */

/* A new epoch for every partner; then it may be served again. */
static err_t begin_anew(struct node *node)
{
    struct restores *r = &node->restores;
    int64_t now_us = node_now(node);
    err_t err = ERR_OK;
    for (unsigned p = 0; err == ERR_OK && p < node->world->node_count; p++) {
        if (!world_linked(node->world, node->number, p))
            continue;
        err = gate_peer_epoch(node->gate, node->partner[p], r->epoch, &by_operator, now_us);
        if (err == ERR_OK || err == ERR_EXISTS)
            err = gate_peer_set(node->gate, node->partner[p], GATE_PEER_STARTED, true, &by_operator, now_us);
    }
    return err == ERR_OK ? node_commit(node) : err;
}

/* The telephone rang: this epoch, and no other. */
static err_t follow(struct node *node, unsigned issuer)
{
    const struct restores *theirs = &node->world->nodes[issuer].restores;
    unsigned partner = node->partner[issuer];
    if (!gate_is_halted(node->gate, partner) || theirs->waits ||
        gate_following(node->gate, partner) >= theirs->epoch)
        return ERR_OK;
    world_say(node->world, "%s: follows epoch %u of %s", node->name, theirs->epoch,
              node->world->nodes[issuer].name);
    err_t err = gate_follow_epoch(node->gate, partner, theirs->epoch, &by_operator, node_now(node));
    node->followed[issuer].agreed = theirs->epoch;
    if (err == ERR_OK)
        err = node_commit(node);
    if (err != ERR_OK)
        return err;
    sync_session_stop(node->session[issuer]);
    return sync_session_start(node->session[issuer], node_now(node));
}

void restore_mend(struct world *world)
{
    for (unsigned n = 0; n < world->node_count && !world->broken; n++) {
        struct node *node = &world->nodes[n];
        struct restores *r = &node->restores;
        if (!node_is_up(node) || !r->waits || r->pause)
            continue;
        r->epoch++;
        world_say(world, "%s: begins epoch %u", node->name, r->epoch);
        disk_time_set(node->disk, node_now(node));
        if (node_failed(node, begin_anew(node), "beginning an epoch"))
            continue;
        r->floor = r->silent ? r->epoch : r->floor;
        r->waits = r->silent = false;
        node_pump(node);
    }
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        for (unsigned p = 0; p < world->node_count && node_is_up(&world->nodes[n]) && !world->broken; p++)
            if (world_linked(world, n, p) &&
                !node_failed(&world->nodes[n], follow(&world->nodes[n], p), "following an epoch"))
                node_pump(&world->nodes[n]);
}

/* --- what must hold --- */

/* Another epoch than the one that is followed, and something of it is held: an operator said so. */
void restore_look(struct node *node, unsigned issuer)
{
    struct followed *known = &node->followed[issuer];
    uint32_t now = gate_following(node->gate, node->partner[issuer]);
    struct sync_status status;
    sync_session_status(node->session[issuer], &status);
    if (now != known->epoch && known->held && now != known->agreed)
        world_break(node->world, "%s follows epoch %u of %s, which nobody agreed to", node->name, now,
                    node->world->nodes[issuer].name);
    *known = (struct followed) {now, known->agreed, status.held > 0};
}

/* Is what `follower` holds more than what the restored node shows it? Then the link stands still. */
static void look_found_out(struct node *issuer, struct node *follower)
{
    struct gate_ledger ledger;
    struct sync_status status;
    const struct gate_peer *peer = gate_peer_get(issuer->gate, issuer->partner[follower->number]);
    unsigned partner = follower->partner[issuer->number];
    if (gate_ledger(issuer->gate, peer->index, &ledger) != ERR_OK || peer->state != GATE_PEER_STARTED)
        return;
    sync_session_status(follower->session[issuer->number], &status);
    if (status.held > 0 && gate_following(follower->gate, partner) == peer->epoch &&
        status.held > ledger.visible && !gate_is_halted(follower->gate, partner))
        world_break(issuer->world,
                    "%s came back with %llu leaves for %s, which holds %llu, and nobody noticed",
                    issuer->name, (unsigned long long)ledger.visible, follower->name,
                    (unsigned long long)status.held);
}

void restore_found_out(struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++)
        for (unsigned p = 0; p < world->node_count && !world->broken; p++)
            if (world_linked(world, n, p) && node_is_up(&world->nodes[n]) && node_is_up(&world->nodes[p]) &&
                world->nodes[n].restores.waits)
                look_found_out(&world->nodes[n], &world->nodes[p]);
}

struct sought {
    struct bytes text;
    bool found;
};

static bool compare_text(void *ctx, const struct gate_object *object)
{
    struct sought *sought = ctx;
    sought->found |= object->bytes.len == sought->text.len &&
                     memcmp(object->bytes.at, sought->text.at, sought->text.len) == 0;
    return !sought->found;
}

struct holding {
    struct node *issuer, *follower;
};

/* What is shown to it, it holds. */
static bool is_held(void *ctx, const struct gate_leaf *leaf)
{
    const struct holding *holding = ctx;
    struct sought sought = {leaf->object, false};
    if (leaf->object.len == 0)
        return true;
    err_t err = gate_versions(holding->follower->gate, &leaf->key, compare_text, &sought);
    if (err != ERR_OK || !sought.found)
        world_break(holding->issuer->world, "%s does not hold leaf %llu of %s", holding->follower->name,
                    (unsigned long long)leaf->leaf.seq, holding->issuer->name);
    return !holding->issuer->world->broken;
}

void restore_settled(struct world *world)
{
    /* What was called back before is barred, and nobody here knows of it any more. */
    for (unsigned n = 0; n < world->node_count && !world_has(world, WITH_RECALLS); n++)
        for (unsigned p = 0; p < world->node_count && !world->broken; p++) {
            struct holding holding = {&world->nodes[n], &world->nodes[p]};
            unsigned partner = holding.issuer->partner[p];
            if (!world_linked(world, n, p) ||
                gate_peer_get(holding.issuer->gate, partner)->state != GATE_PEER_STARTED)
                continue;
            (void)node_failed(holding.issuer,
                              gate_leaves(holding.issuer->gate, partner, 0, is_held, &holding),
                              "showing leaves at the end");
        }
    for (unsigned n = 0; n < world->node_count && !world->broken; n++) {
        uint64_t bad = 0;
        struct node *node = &world->nodes[n];
        if (gate_check(node->gate, NULL, NULL, &bad) != ERR_OK || bad > 0)
            world_break(world, "%s: check finds %llu faults", node->name, (unsigned long long)bad);
    }
}
