/* The clock, the order of events, and how a life ends: healed, drained, and looked through. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void break_with(struct world *world, const char *fmt, va_list args)
{
    if (world->broken)
        return;
    world->broken = true;
    (void)vsnprintf(world->broken_what, sizeof world->broken_what, fmt, args);
    world_say(world, "BROKEN: %s", world->broken_what);
}

void world_break(struct world *world, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    break_with(world, fmt, args);
    va_end(args);
}

void world_blame(struct world *world, const char *fmt, ...)
{
    va_list args;
    if (!world_is_exact(world)) {
        world->unheard++;
        return;
    }
    va_start(args, fmt);
    break_with(world, fmt, args);
    va_end(args);
}

void world_say(const struct world *world, const char *fmt, ...)
{
    va_list args;
    if (!world->options.verbose)
        return;
    (void)printf("%12.6f ", (double)(world->now_us - WORLD_START) / 1e6);
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    (void)printf("\n");
}

enum { POLICY_TEXT = 16384 };

static void read_policy(char *out)
{
    FILE *file = fopen(BONGSU_ROOT "/share/default.policy", "rb");
    must(file != NULL);
    size_t len = fread(out, 1, POLICY_TEXT / 2, file);
    (void)fclose(file);
    must(len > 0 && len < POLICY_TEXT / 2);
    out[len] = '\0';
}

static char *find(char *text, const char *what)
{
    char *at = strstr(text, what);
    must(at != NULL);
    return at;
}

static const char duties[] =
    "release hide  if tlp <= green and type == malware and onward to all with redact \"name\"\n"
    "release quiet if tlp <= green and type == indicator and onward to all with anonymise-creator\n"
    "release loose if tlp <= green and type == report and onward to all with drop-references\n"
    "release mask  if tlp <= green and type == note and onward to all with mask-personal-data\n";

/* Of the rules that release, the first that matches counts. */
static void say(char *text, const char *before, const char *what)
{
    size_t size = strlen(what);
    char *at = find(text, before);
    must(strlen(text) + size < POLICY_TEXT);
    memmove(at + size, at, strlen(at) + 1);
    memcpy(at, what, size);
}

/* What waits for a time; the oracle knows these rules (oracle.c). */
static const char timed[] =
    "deny sealed if tlp == clear and type == note until %s\n"
    "hold embargo if tlp == green and type == malware until %s\n"
    "hold young if tlp <= green and type == report and age < 20m\n"
    "hold late if tlp == green and type == indicator until approved deadline 40m default release\n";

/* Two nodes behind this one, in a row, and no others may have what is its own. */
static void say_limited(const struct node *node, char *text)
{
    const struct world *world = node->world;
    const unsigned next = node->number + 1, count = world->node_count;
    char rule[128];
    (void)snprintf(rule, sizeof rule,
                   "release tight if tlp <= green and own to all with reshare partners [%s %s]\n",
                   world->nodes[next % count].name, world->nodes[(next + 1) % count].name);
    say(text, "release open", rule);
}

static void say_timed(char *text)
{
    char rules[sizeof timed + 64], sealed[32], embargo[32];
    shelf_date(SEALED_UNTIL, sealed);
    shelf_date(EMBARGO_UNTIL, embargo);
    (void)snprintf(rules, sizeof rules, timed, sealed, embargo);
    say(text, "deny ", rules);
}

struct str world_policy(const struct node *node, enum world_policy which)
{
    static const char open[] = "tlp <= green", narrow[] = "tlp <= clear";
    static char texts[2][2][NODES_MAX][POLICIES][POLICY_TEXT];
    const struct world *world = node->world;
    char *text = texts[world_is_timed(world)][world->options.duties][node->number][which], block[64];
    if (text[0] != '\0')
        return str_of(text);
    read_policy(text);
    if (node_has_duties(node, which))
        say(text, "release open", duties);
    if (world_is_timed(world))
        say_timed(text);
    if (world_is_limited(world))
        say_limited(node, text);
    if (which == POLICY_CEILING) { /* partners stand before the rules */
        (void)snprintf(block, sizeof block, "partner %s { tlp-max clear }\n",
                       world->nodes[node_ceiling(node)].name);
        say(text, "deny ", block);
    }
    if (which == POLICY_ASKING)
        say(text, "release ", "hold asking if tlp == green until approved\n");
    for (char *at = text; which == POLICY_NARROW && (at = strstr(at, open)) != NULL;)
        memcpy(at, narrow, sizeof narrow - 1);
    return str_of(text);
}

/* --- who is whose partner --- */

static void link_nodes(struct world *world, unsigned a, unsigned b)
{
    world->linked[a][b] = world->linked[b][a] = true;
}

enum shape { SHAPE_RING, SHAPE_STAR, SHAPE_MESH, SHAPE_FULL, SHAPES };

/* In each shape everybody reaches everybody. */
static void link_by(struct world *world, enum shape shape, struct draw *draw)
{
    const unsigned count = world->node_count;
    for (unsigned a = 1; a < count; a++) {
        if (shape == SHAPE_RING || shape == SHAPE_MESH)
            link_nodes(world, a - 1, a);
        for (unsigned b = 0; b < a; b++)
            if (shape == SHAPE_FULL || (shape == SHAPE_STAR && b == 0) ||
                (shape == SHAPE_MESH && draw_chance(draw, 300)))
                link_nodes(world, a, b);
    }
    if (shape == SHAPE_RING)
        link_nodes(world, 0, count - 1);
}

static void draw_links(struct world *world)
{
    static const char *const words[SHAPES] = {"a ring", "a star", "a mesh", "all with all"};
    enum shape shape = SHAPE_FULL;
    struct draw draw = draw_of(world->options.seed, 14, 0);
    world->node_count = NODES;
    if (world_has(world, WITH_NODES)) {
        world->node_count = NODES + draw_below(&draw, NODES_MAX - NODES + 1);
        shape = (enum shape)draw_below(&draw, SHAPES);
        world_say(world, "%u nodes, %s", world->node_count, words[shape]);
    }
    if (world_has(world, WITH_COLLUDERS)) {
        world->node_count = THIRD + 1;
        shape = SHAPE_FULL;
    }
    if (world_is_limited(world) && !world_has(world, WITH_NODES)) {
        world->node_count = NODES + 1;
        shape = SHAPE_RING;
    }
    link_by(world, shape, &draw);
}

unsigned world_partner_count(const struct world *world, unsigned number)
{
    unsigned count = 0;
    for (unsigned p = 0; p < world->node_count; p++)
        count += world_linked(world, number, p);
    return count;
}

unsigned world_partner(const struct world *world, unsigned number, unsigned which)
{
    for (unsigned i = 1; i < world->node_count; i++) {
        unsigned p = (number + i) % world->node_count;
        if (world_linked(world, number, p) && which-- == 0)
            return p;
    }
    must(false);
    return number;
}

static void world_init(struct world *world, const struct world_options *options)
{
    *world = (struct world) {.options = *options, .now_us = WORLD_START, .jitter_us = 2000};
    draw_links(world);
    things_init(&world->things, options->seed);
    world->things.duties = options->duties;
    world->op_draw = draw_of(options->seed, 10, 0);
    world->extra_draw = draw_of(options->seed, 11, 0);
    world->ask_draw = draw_of(options->seed, 12, 0);
    world->fault_draw = draw_of(options->seed, 13, 0);
    world->keep_draw = draw_of(options->seed, 30, 0);
    world->vouch_draw = draw_of(options->seed, 32, 0);
    world->ops_left = (40 + draw_below(&world->op_draw, 80)) * world->node_count / NODES;
    if (options->sweep != 0)
        world->ops_left = SWEEP_OPS;
    world->next_op_at = WORLD_START + SECOND_US;
    world->messages = calloc(MESSAGES_MAX, sizeof *world->messages);
    must(world->messages != NULL);
    for (unsigned n = 0; n < world->node_count; n++) {
        world->transcript[n].at = calloc(TRANSCRIPT_MAX, sizeof *world->transcript[n].at);
        must(world->transcript[n].at != NULL);
        node_init(world, n);
    }
    plant(options->bug);
    liar_init(world);
    vouch_init(world);
    thief_init(world);
    if (options->sweep_memory) {
        world->nodes[0].memory.fails = options->sweep;
        world->nodes[0].memory.stays = options->sweep_stays;
        return;
    }
    disk_faults(world->nodes[0].disk)->change_fails = options->sweep;
    disk_faults(world->nodes[0].disk)->change_err = options->sweep_err;
}

void world_deinit(struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++) {
        node_deinit(&world->nodes[n]);
        free(world->transcript[n].at);
    }
    for (size_t i = 0; i < world->message_count; i++)
        buf_deinit(&world->messages[i].body);
    free(world->messages);
    liar_deinit(world);
    vouch_deinit(world);
    things_deinit(&world->things);
    plant(BUG_NONE);
}

/* --- time --- */

static void sooner(int64_t *next, int64_t at)
{
    if (at < *next)
        *next = at;
}

static int64_t next_event(const struct world *world)
{
    int64_t next = net_next(world);
    for (unsigned n = 0; n < world->node_count; n++)
        sooner(&next, node_is_up(&world->nodes[n]) ? world->nodes[n].wake_at : world->nodes[n].up_at);
    if (world->ops_left > 0)
        sooner(&next, world->next_op_at);
    return next;
}

static void draw_pause(struct world *world)
{
    unsigned what = draw_below(&world->op_draw, 100);
    int64_t pause = 1000 + (int64_t)(draw_next(&world->op_draw) % 300000);
    if (what >= 75)
        pause *= 10;
    if (what >= 96)
        pause += 11 * MINUTE_US;
    if (what == 99 &&
        draw_chance(&world->ask_draw, 500)) { /* the clock jumps ahead: a day went by unnoticed */
        world_say(world, "the clock jumps");
        world->now_us += (20 + draw_below(&world->ask_draw, 10)) * 60 * MINUTE_US;
    }
    if (world_has(world, WITH_RETENTION) && draw_chance(&world->keep_draw, 60)) {
        world_say(world, "hours go by");
        world->now_us += (1 + (int64_t)draw_below(&world->keep_draw, 30)) * 60 * MINUTE_US;
    }
    world->next_op_at = world->now_us + pause;
}

/* Everything that is due now, in a fixed order. */
static void work(struct world *world)
{
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        if (!node_is_up(&world->nodes[n]) && world->nodes[n].up_at <= world->now_us)
            node_start(&world->nodes[n]);
    net_deliver(world);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        if (node_is_up(&world->nodes[n]) && world->nodes[n].wake_at <= world->now_us)
            node_pump(&world->nodes[n]);
    if (world->ops_left > 0 && world->next_op_at <= world->now_us && !world->broken) {
        world->ops_left--;
        op_draw(world);
        if (!world->broken)
            reader_visit(world);
        if (!world->broken)
            liar_compare(world);
        if (!world->broken)
            thief_turn(world);
        draw_pause(world);
    }
}

static void run_until(struct world *world, int64_t until_us, bool (*done)(const struct world *world))
{
    while (!world->broken && (done == NULL || !done(world))) {
        int64_t next = next_event(world);
        if (next > until_us) {
            world->now_us = until_us;
            return;
        }
        world->now_us = next > world->now_us ? next : world->now_us;
        work(world);
    }
}

/* --- the end of a life --- */

static bool no_ops_left(const struct world *world)
{
    return world->ops_left == 0;
}

static void heal(struct world *world)
{
    world->lost = 0;
    world->repeated = 0;
    liar_heal(world);
    for (unsigned a = 0; a < world->node_count; a++) {
        node_heal(&world->nodes[a]);
        for (unsigned b = 0; b < world->node_count; b++)
            world->cut[a][b] = false;
    }
}

/* Of what operators left to be done, the rest. It may make more to do at their partners. */
static void finish(struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++) {
        struct node *node = &world->nodes[n];
        if (!node_is_up(node) || world->broken)
            continue;
        if (world_has(world, WITH_RECALLS) && node_failed(node, recall_confirm(node), "confirming"))
            continue;
        if (keep_finish(node))
            node_pump(node);
    }
}

static bool pair_in_step(const struct node *issuer, const struct node *follower)
{
    struct gate_ledger ledger;
    struct sync_status status;
    const struct gate_peer *peer = gate_peer_get(issuer->gate, issuer->partner[follower->number]);
    if (liar_stands_still(follower, issuer->number))
        return true;
    if (gate_ledger(issuer->gate, peer->index, &ledger) != ERR_OK || ledger.visible != ledger.size)
        return false;
    sync_session_status(follower->session[issuer->number], &status);
    /* A paused link stands still: what was shown before it was paused may not have arrived. */
    if (peer->state != GATE_PEER_STARTED)
        return true;
    return status.held == ledger.size && ledger.receipted == ledger.size &&
           recall_pair_in_step(issuer, follower) &&
           (ledger.size == 0 || hash_eq(&status.root, &ledger.visible_root));
}

static bool in_step(const struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++)
        if (!node_is_up(&world->nodes[n]) || !recall_in_step(&world->nodes[n]))
            return false;
    for (unsigned a = 0; a < world->node_count; a++)
        for (unsigned b = 0; b < world->node_count; b++)
            if (world_linked(world, a, b) && !pair_in_step(&world->nodes[a], &world->nodes[b]))
                return false;
    return true;
}

static void explain_out_of_step(struct world *world)
{
    for (unsigned a = 0; a < world->node_count; a++)
        if (node_is_up(&world->nodes[a]) && !recall_in_step(&world->nodes[a]))
            world_break(world, "%s has not come to an end with what it called back", world->nodes[a].name);
    for (unsigned a = 0; a < world->node_count; a++)
        for (unsigned b = 0; b < world->node_count; b++) {
            struct gate_ledger ledger;
            struct sync_status status;
            const struct node *issuer = &world->nodes[a], *follower = &world->nodes[b];
            if (!node_is_up(issuer) || !node_is_up(follower)) {
                world_break(world, "a node stays down");
                return;
            }
            if (!world_linked(world, a, b) || pair_in_step(issuer, follower))
                continue;
            must(gate_ledger(issuer->gate, issuer->partner[b], &ledger) == ERR_OK);
            sync_session_status(follower->session[a], &status);
            world_break(
                world,
                "%s and %s do not come into step: %llu leaves, %llu shown, %llu held, %llu receipted; %s: %s",
                issuer->name, follower->name, (unsigned long long)ledger.size,
                (unsigned long long)ledger.visible, (unsigned long long)status.held,
                (unsigned long long)ledger.receipted, sync_state_word(status.state), status.trouble.what);
        }
}

bool world_run(struct world *world, const struct world_options *options)
{
    world_init(world, options);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        node_start(&world->nodes[n]);
    run_until(world, NEVER, no_ops_left);
    heal(world);
    run_until(world, world->now_us + 12 * MINUTE_US, NULL); /* whatever waits for a time */
    restore_found_out(world);
    for (unsigned minute = 0; minute < 10 && !world->broken && (minute == 0 || !in_step(world)); minute++) {
        finish(world);
        restore_mend(world);
        run_until(world, world->now_us + MINUTE_US, in_step);
    }
    for (unsigned n = 0; n < world->node_count; n++)
        world->nodes[n].memory.fails = 0; /* who looks through it all has enough */
    if (guard_is_alone(world))
        return !world->broken;
    if (!world->broken && !in_step(world))
        explain_out_of_step(world);
    if (world->restored) {
        restore_settled(world);
        return !world->broken;
    }
    thief_settled(world);
    liar_settled(world);
    collude_settled(world);
    if (!world->broken)
        oracle_settled(world);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        recall_settled(&world->nodes[n]);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        keep_settled(&world->nodes[n]);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        vouch_settled(&world->nodes[n]);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        reader_settled(&world->nodes[n]);
    for (unsigned n = 0; n < world->node_count && !world->broken; n++)
        replay_check(&world->nodes[n]);
    return !world->broken;
}
