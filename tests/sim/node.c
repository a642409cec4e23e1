/* One node: life, death, keeper, and the loop that `bongsu serve` runs around gate, server and sessions. */
#include "world.h"

#include <stdlib.h>

#include "core/mem.h"
#include "gate/recall.h"
#include "store/index.h"
#include "store/index_mem.h"

static const struct gate_by by_node = {{"sim", 3}, {"because", 7}};
static const char *const names[NODES_MAX] = {"kr", "us", "jp", "au", "ca", "gb", "de", "fr", "nz"};
static const char *const source_names[SOURCES] = {"own", "feed", "plain", "silent"};

static void line(void *ctx, const struct diag_line *line)
{
    struct node *node = ctx;
    node->told_false |= line->err == ERR_SIGNATURE && strcmp(line->room, "sync") == 0;
    world_say(node->world, "%s: %s: %s (%s)", node->name, line->room, line->what, err_text(line->err));
}

/* --- keys --- */

static void keys_make(struct node *node)
{
    node->card = (struct sync_card) {.country = "KR",
                                     .number = 1,
                                     .issued_us = WORLD_START,
                                     .expires_us = WORLD_START + 300 * 24 * 60 * MINUTE_US};
    memcpy(node->card.node, node->name, strlen(node->name) + 1);
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {(uint8_t)(node->number + 1), i};
        node->keys[i] = sign_key_from_seed(seed);
        node->card.key[i] = node->keys[i].public;
    }
    node->reader_key = node->keys[SYNC_CARD_TLS].public;
    buf_init(&node->card_text, LIMIT_CARD_BYTES);
    must(sync_card_sign(&node->card, &node->keys[SYNC_CARD_ROOT], &node->card_text, NULL) == ERR_OK);
}

static void *zeroed(size_t count, size_t size)
{
    void *at = calloc(count, size);
    must(at != NULL);
    return at;
}

void node_init(struct world *world, unsigned number)
{
    struct node *node = &world->nodes[number];
    uint64_t seed = world->options.seed;
    *node = (struct node) {
        .world = world, .number = number, .name = names[number], .wake_at = NEVER, .restart_at = NEVER};
    node->crash_draw = draw_of(seed, 20, number);
    node->keeper_draw = draw_of(seed, 21, number);
    struct draw disk = draw_of(seed, 22, number);
    node->disk = disk_new(draw_next(&disk));
    disk_faults(node->disk)->sync_lies = world->options.bug == BUG_NO_SYNC;
    disk_same_secrets(node->disk, world->options.twin);
    must(index_mem_new(&node->index) == ERR_OK);
    keys_make(node);
    recalls_init(&node->recalls);
    keep_init(node);
    node->roots = zeroed(SIGNED_MAX, sizeof *node->roots);
    node->held = zeroed(HELD_MAX, sizeof *node->held);
    node->reported = zeroed(THINGS_MAX, sizeof *node->reported);
    node->counted = zeroed(THINGS_MAX, sizeof *node->counted);
    node->allowed = zeroed(THINGS_MAX, sizeof *node->allowed);
    node->passed = zeroed(PASSED_MAX, sizeof *node->passed);
    for (unsigned p = 0; p < world->node_count; p++) {
        node->ledger[p].at = zeroed(LEDGER_MAX, sizeof *node->ledger[p].at);
        node->urgent[p].at = zeroed(LEDGER_MAX, sizeof *node->urgent[p].at);
        struct draw own = draw_of(seed, 25, number * world->node_count + p);
        reader_init(&node->reader[p], draw_chance(&own, 500));
        node->want_started[p] = world_linked(world, number, p) && !draw_chance(&node->crash_draw, 150);
        node->want_started[p] &= !world_has(world, WITH_COLLUDERS) || number != THIRD; /* it only takes */
    }
    node->assume[1] = STIX_TLP_CLEAR;
    struct draw program = draw_of(seed, 26, number);
    node->old = world_has(world, WITH_RECALLS) && draw_chance(&program, 250);
}

static void close_all(struct node *node)
{
    for (unsigned p = 0; p < node->world->node_count; p++) {
        sync_session_free(node->session[p]);
        node->session[p] = NULL;
    }
    sync_serve_free(node->serve);
    node->serve = NULL;
    taxii_close(node->taxii);
    node->taxii = NULL;
    gate_close(node->gate);
    node->gate = NULL;
    node->open = false;
}

void node_deinit(struct node *node)
{
    close_all(node);
    watch_end(node);
    op_drop(node);
    if (node->index != NULL)
        node->index->ops->close(node->index);
    disk_free(node->disk);
    buf_deinit(&node->card_text);
    thief_deinit(node);
    for (unsigned p = 0; p < node->world->node_count; p++) {
        free(node->ledger[p].at);
        free(node->urgent[p].at);
        reader_deinit(&node->reader[p]);
    }
    free(node->roots);
    free(node->held);
    free(node->reported);
    free(node->counted);
    free(node->allowed);
    free(node->passed);
    recalls_deinit(&node->recalls);
    keep_deinit(node);
    restores_deinit(node);
}

/* --- death and life --- */

void node_crash(struct node *node, int64_t down_us)
{
    struct world *world = node->world;
    world_say(world, "%s crashes", node->name);
    net_forget(world, node->number);
    close_all(node);
    memory_heal(node);
    disk_crash(node->disk);
    node->restart_at = NEVER;
    disk_same_secrets(node->disk, world->options.twin);
    size_t states = index_mem_states(node->index);
    bool back = draw_chance(&node->crash_draw, 500);
    uint64_t which = draw_next(&node->crash_draw); /* as many draws whatever it holds */
    if (states > 0 && back)
        must(index_mem_rollback(node->index, which % (states + 1)) == ERR_OK);
    int64_t minute = (int64_t)draw_below(&node->crash_draw, 240) - 120;
    if (draw_chance(&node->crash_draw, 300)) /* nobody kept its clock right */
        node->clock_off_us = minute * MINUTE_US;
    node->up_at = world->now_us + down_us;
    node->wake_at = NEVER;
    node->crashes++;
    world->counts.crashes++;
}

void node_replace(struct node *node, struct disk *disk)
{
    net_forget(node->world, node->number);
    close_all(node);
    watch_end(node);
    op_drop(node);
    node->index->ops->close(node->index);
    disk_free(node->disk);
    node->disk = disk;
    node->restart_at = NEVER;
    must(index_mem_new(&node->index) == ERR_OK);
    node->up_at = node->world->now_us + SECOND_US;
    node->wake_at = NEVER;
    node->crashes++;
    for (unsigned p = 0; p < node->world->node_count; p++)
        node->reader[p].has_errand = false;
}

/* --- a clock that is wrong --- */

bool node_clock_jumps(struct world *world, struct node *node)
{
    static const int64_t off[] = {10 * YEAR_US, -10 * YEAR_US, -MINUTE_US,    -60 * MINUTE_US,
                                  YEAR_US / 12, YEAR_US / 180, -YEAR_US / 180};
    enum { JUMPS = sizeof off / sizeof *off, DRIFT_MAX = 1000 };
    struct draw *draw = &world->fault_draw;
    unsigned what = draw_below(draw, 1000), which = draw_below(draw, JUMPS + 2);
    int64_t drift = (int64_t)draw_below(draw, 2 * DRIFT_MAX) - DRIFT_MAX;
    if (!world_has(world, WITH_CLOCKS) || what >= 80)
        return false;
    if (which < JUMPS)
        node->clock_off_us += off[which];
    else if (which == JUMPS)
        node->drift = drift; /* so many us in each second */
    else
        node->clock_off_us = node->drift = 0;
    world->jumped = true;
    world_say(world, "%s: its clock is %lld s off, and drifts by %lld", node->name,
              (long long)(node->clock_off_us / SECOND_US), (long long)node->drift);
    if (node_is_up(node))
        node->wake_at = world->now_us; /* it notices: the loop never sleeps for longer than a minute */
    return true;
}

/* --- a disk that fails --- */

bool node_disk_fails(struct world *world, struct node *node)
{
    struct draw *draw = &world->fault_draw;
    unsigned what = draw_below(draw, 1000), kind = draw_below(draw, 6);
    uint64_t when = 1 + draw_below(draw, 30);
    if (!world_has(world, WITH_DISKS) || what >= 120 || !node_is_up(node) || world->options.sweep != 0)
        return false;
    bool unheard = world->options.bug == BUG_UNHEARD;
    struct disk_faults *faults = disk_faults(node->disk);
    faults->unheard = unheard;
    if (kind == 0)
        faults->write_fails = when;
    else if (kind == 1 || unheard)
        faults->sync_fails = when;
    else
        faults->change_fails = when;
    faults->change_err = kind % 2 == 0 ? ERR_IO : ERR_FULL;
    faults->change_stays = kind >= 4;
    return true;
}

/* Somebody starts it again, or the whole machine; the disk is well by then. */
static void restart(struct node *node)
{
    struct world *world = node->world;
    if (draw_chance(&node->crash_draw, 500)) {
        node_crash(node, 1000000);
        return;
    }
    world_say(world, "%s is started again", node->name);
    net_forget(world, node->number);
    close_all(node);
    memory_heal(node);
    disk_heal(node->disk);
    node->restart_at = NEVER;
    node->up_at = world->now_us + SECOND_US;
    node->wake_at = NEVER;
    node->crashes++;
}

/* What is durable is served until then; what could not open stays down. */
static void stand_still(struct node *node, err_t err, const char *what)
{
    int64_t at = node->world->now_us + 1000 + (int64_t)(draw_next(&node->crash_draw) % (30 * SECOND_US));
    if (node_stands_still(node))
        return;
    world_say(node->world, "%s: %s failed: %s", node->name, what, err_text(err));
    node->world->counts.failures++;
    node->restart_at = node->wake_at = at;
    if (!node->open)
        restart(node);
}

void node_heal(struct node *node)
{
    if (world_has(node->world, WITH_CLOCKS)) {
        node->clock_off_us = node->drift = 0;
        node->wake_at = node_is_up(node) ? node->world->now_us : node->wake_at;
    }
    disk_faults(node->disk)->power_fails = 0;
    if (!node_stands_still(node))
        memory_heal(node);
    if (node_stands_still(node))
        node->restart_at = node->wake_at = node->world->now_us;
    else if (!disk_failed(node->disk))
        disk_heal(node->disk);
}

bool node_failed(struct node *node, err_t err, const char *what)
{
    if (err == ERR_OK)
        return false;
    if (disk_dead(node->disk))
        node_crash(node, 10000 + draw_below(&node->crash_draw, 3000000));
    else if (disk_failed(node->disk) || node->memory.struck)
        stand_still(node, err, what);
    else
        world_break(node->world, "%s: %s failed on a healthy disk: %s", node->name, what, err_text(err));
    return true;
}

err_t node_commit(struct node *node)
{
    struct node *before = memory_of(node);
    err_t err = gate_commit(node->gate);
    (void)memory_of(before);
    struct gate_counts counts;
    if (err != ERR_OK)
        return err;
    gate_counts(node->gate, &counts);
    node->acknowledged_lsn = counts.durable_lsn;
    return ERR_OK;
}

/* Stated anew after every start until all of it is durable: each statement is harmless when it repeats. */
static err_t set_up(struct node *node)
{
    struct policy_fault fault;
    err_t err;
    int64_t now = node_now(node);
    if (gate_policy(node->gate) == NULL &&
        TRY(err, gate_policy_activate(node->gate, world_policy(node, node->policy), &by_node, now, &fault)))
        return err;
    for (unsigned s = 0; s < SOURCES; s++) {
        struct gate_source source = {.name = str_of(source_names[s]),
                                     .own = s == 0,
                                     .rewrites = s == 1,
                                     .assume = node->assume[s],
                                     .assume_until_us = INT64_MAX};
        if (TRY(err, gate_source_put(node->gate, &source, &by_node, now, &node->source[s])))
            return err;
    }
    for (unsigned p = 0; p < node->world->node_count; p++) {
        const struct node *other = &node->world->nodes[p];
        if (world_linked(node->world, node->number, p) &&
            TRY(err, gate_peer_put(node->gate, str_of(other->name), str_of(other->name), STR("KR"),
                                   buf_bytes(&other->card_text), &by_node, now, &node->partner[p])))
            return err;
    }
    if (TRY(err, reader_set_up(node, now)) || TRY(err, node_commit(node)))
        return err;
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (node->want_started[p] &&
            TRY(err, gate_peer_set(node->gate, node->partner[p], GATE_PEER_STARTED, false, &by_node, now)))
            return err;
    return node_commit(node);
}

static void find_again(struct node *node)
{
    for (unsigned s = 0; s < SOURCES; s++)
        node->source[s] = gate_source_find(node->gate, str_of(source_names[s]))->number;
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p))
            node->partner[p] = gate_peer_find(node->gate, str_of(node->world->nodes[p].name))->index;
    reader_find_again(node);
}

static bool sessions_open(struct node *node)
{
    const unsigned count = node->world->node_count, stride = count == NODES ? 16 : 128;
    (void)memory_of(node);
    err_t err = sync_serve_new(node->gate, &node->diag, &node->serve);
    for (unsigned p = 0; err == ERR_OK && p < count; p++) {
        if (!world_linked(node->world, node->number, p))
            continue;
        struct draw draw =
            draw_of(node->world->options.seed, 23, node->number * count + p + stride * node->crashes);
        struct sync_session_setup setup = {.gate = node->gate,
                                           .partner = node->partner[p],
                                           .card = &node->world->nodes[p].card,
                                           .node = str_of(node->name),
                                           .diag = &node->diag,
                                           .seed = draw_next(&draw)};
        if (TRY(err, sync_session_new(&setup, &node->session[p])))
            break;
        err = sync_session_start(node->session[p], node_now(node));
    }
    (void)memory_of(NULL);
    node->open = err == ERR_OK;
    if (err == ERR_OK && node->own.card.number > 0)
        sync_serve_own(node->serve, &node->own);
    return !node_failed(node, err, "opening the links");
}

static err_t draw_bytes(void *ctx, void *out, size_t len)
{
    struct draw *draw = ctx;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)out)[i] = (uint8_t)draw_next(draw);
    return ERR_OK;
}

static bool taxii_opens(struct node *node)
{
    node->taxii_draw = draw_of(node->world->options.seed, 24, node->number + 16 * node->crashes);
    struct taxii_setup setup = {.gate = node->gate,
                                .random = draw_bytes,
                                .random_ctx = &node->taxii_draw,
                                .title = str_of(node->name)};
    (void)memory_of(node);
    err_t err = taxii_open(&setup, node_now(node), &node->taxii);
    (void)memory_of(NULL);
    return !node_failed(node, err, "opening TAXII");
}

/* What was durable or shown before must be there. */
static void check_nothing_lost(struct node *node)
{
    struct gate_counts counts;
    gate_counts(node->gate, &counts);
    if (counts.durable_lsn < node->acknowledged_lsn)
        world_break(node->world, "%s lost what it had acknowledged: %llu of %llu bytes of log came back",
                    node->name, (unsigned long long)counts.durable_lsn,
                    (unsigned long long)node->acknowledged_lsn);
    if (!node->world->broken)
        find_again(node);
    for (unsigned p = 0; p < node->world->node_count; p++) {
        struct gate_ledger ledger;
        if (!node->world->broken && !node->forgetful)
            recall_nothing_lost(node, p);
        if (node->ledger[p].count == 0 || node->world->broken || node->forgetful)
            continue;
        if (gate_ledger(node->gate, node->partner[p], &ledger) != ERR_OK ||
            ledger.visible < node->ledger[p].count)
            world_break(node->world, "%s had shown %zu leaves to %s and came back with %llu", node->name,
                        node->ledger[p].count, node->world->nodes[p].name,
                        (unsigned long long)ledger.visible);
    }
}

void node_start(struct node *node)
{
    struct draw program = draw_of(node->world->options.seed, 27, node->number + 16 * node->crashes);
    node->old = node->old && (node->crashes == 0 || draw_chance(&program, 600)); /* else it is upgraded */
    node->diag = (struct diag) {line, node};
    disk_time_set(node->disk, node_now(node));
    struct gate_setup setup = {.os = disk_os(node->disk),
                               .dir = "store",
                               .node_name = str_of(node->name),
                               .index = node->index,
                               .diag = &node->diag};
    (void)memory_of(node);
    err_t err = gate_open(&setup, &node->gate);
    (void)memory_of(NULL);
    if (node_failed(node, err, "opening"))
        return;
    if (world_has(node->world, WITH_RECALLS))
        gate_recall_budget(node->gate, RECALL_BUDGET);
    struct gate_health health = gate_health(node->gate);
    if (health.read_only && (disk_failed(node->disk) || node->memory.struck)) {
        (void)node_failed(node, ERR_READONLY, "opening");
        return;
    }
    if (health.read_only && !disk_dead(node->disk)) {
        world_break(node->world, "%s came back read-only: %s", node->name, health.why);
        return;
    }
    if (!taxii_opens(node))
        return;
    if (!node->set_up && !node->world->broken) {
        (void)memory_of(node);
        err = set_up(node);
        (void)memory_of(NULL);
        if (node_failed(node, err, "setting up"))
            return;
        node->set_up = true;
    }
    check_nothing_lost(node);
    if (node->world->broken || node_failed(node, restore_start(node), "pausing partners") ||
        !sessions_open(node))
        return;
    thief_card_again(node);
    if (!node_is_up(node))
        return;
    node->changed = true;
    oracle_look(node); /* before anything else is stated: what it finds came before */
    if (node_is_up(node) && !node->world->broken)
        op_retry(node);
    if (node_is_up(node) && !node->world->broken)
        errand_retry(node);
    if (node_is_up(node))
        node_pump(node);
}

/* --- the keeper --- */

/* The root that was signed under this size, of those from `from` on; NULL: none was. */
static const struct hash *root_signed(const struct node *node, size_t from, unsigned to, uint32_t epoch,
                                      uint64_t size)
{
    for (size_t i = node->root_count; i-- > from;)
        if (node->roots[i].to == to && node->roots[i].epoch == epoch && node->roots[i].size == size)
            return &node->roots[i].root;
    return NULL;
}

static uint64_t last_signed(const struct node *node, unsigned to, uint32_t epoch)
{
    uint64_t last = 0;
    for (size_t i = node->anchor_from; i < node->root_count; i++)
        if (node->roots[i].to == to && node->roots[i].epoch == epoch && node->roots[i].size > last)
            last = node->roots[i].size;
    return last;
}

/* The same once more, by a new key. */
static bool signed_all(const struct node *node, unsigned to, const struct gate_sign_request *request)
{
    bool all = request->count > 0;
    for (size_t i = 0; i < request->count && all; i++) {
        const struct hash *known =
            root_signed(node, node->anchor_from, to, request->origin.epoch, request->at[i].size);
        all = known != NULL && hash_eq(known, &request->at[i].root);
    }
    return all;
}

/* Signs only what grows out of what it signed before. */
static bool keeper_agrees(const struct node *node, unsigned to, const struct gate_sign_request *request)
{
    struct hash empty = merkle_empty();
    uint32_t epoch = request->origin.epoch;
    size_t from = node->anchor_from;
    if (node->own.card.number > 0 && signed_all(node, to, request))
        return true;
    const struct hash *before =
        request->old_size == 0 ? &empty : root_signed(node, from, to, epoch, request->old_size);
    uint64_t size = request->old_size;
    for (size_t i = 0; before != NULL && i < request->count; i++) {
        const struct hash *known = root_signed(node, from, to, epoch, request->at[i].size);
        if (known != NULL && !hash_eq(known, &request->at[i].root))
            return false;
        if (merkle_consistency_verify(&request->at[i].proof, size, request->at[i].size, before,
                                      &request->at[i].root) != ERR_OK)
            return false;
        before = &request->at[i].root;
        size = request->at[i].size;
    }
    return before != NULL;
}

static void keeper_notes(struct node *node, unsigned to, const struct gate_sign_request *request,
                         struct buf *texts, struct str *notes)
{
    struct buf origin;
    struct note_key key;
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    must(ledger_origin_print(&request->origin, &origin) == ERR_OK);
    must(note_key_make(buf_str(&origin), NOTE_SIGNATURE, &node->keys[SYNC_CARD_LEDGER].public, &key) ==
         ERR_OK);
    for (size_t i = 0; i < request->count; i++) {
        struct checkpoint checkpoint = {.origin = buf_str(&origin),
                                        .size = request->at[i].size,
                                        .root = request->at[i].root,
                                        .extension = STR("")};
        buf_init(&texts[i], LIMIT_NOTE_BYTES);
        must(checkpoint_sign(&checkpoint, &key, &node->keys[SYNC_CARD_LEDGER], &texts[i]) == ERR_OK);
        notes[i] = buf_str(&texts[i]);
        const struct hash *known = root_signed(node, 0, to, request->origin.epoch, checkpoint.size);
        if (known != NULL && !hash_eq(known, &checkpoint.root))
            world_break(node->world, "%s signed a second past of %llu leaves for %s", node->name,
                        (unsigned long long)checkpoint.size,
                        node->world->nodes[gate_ledger_partner(to)].name);
        if (root_signed(node, node->anchor_from, to, request->origin.epoch, checkpoint.size) == NULL) {
            must(node->root_count < SIGNED_MAX);
            node->roots[node->root_count++] =
                (struct signed_root) {to, request->origin.epoch, checkpoint.size, checkpoint.root};
        }
    }
    buf_deinit(&origin);
}

/* The gate's commit after a signature. Planted: the checkpoint is shown, and its sync left out. */
static err_t commit_signed(struct node *node)
{
    bool lie = node->world->options.bug == BUG_EARLY_RELEASE;
    disk_faults(node->disk)->sync_lies |= lie;
    err_t err = node_commit(node);
    if (lie)
        disk_faults(node->disk)->sync_lies = false;
    return err;
}

/* Is its answer lost? Not where somebody gets more in one of two lives: more would be signed for him, and
 * what is asked again is asked when the next message comes. */
static bool keeper_fails(struct node *node, unsigned permille)
{
    return draw_chance(&node->keeper_draw, permille) && !world_has(node->world, WITH_COLLUDERS);
}

/* Without its anchor a keeper signs nothing until an operator gave it a floor. Planted: what it is asked. */
static bool keeper_trusts(const struct node *node, unsigned to, const struct gate_sign_request *request)
{
    if (node->world->options.bug == BUG_NO_FLOOR)
        return true;
    return !node->restores.silent && request->origin.epoch >= node->restores.floor &&
           keeper_agrees(node, to, request);
}

static bool asks_for(const struct gate_sign_request *request, uint64_t size)
{
    for (size_t i = 0; i < request->count; i++)
        if (request->at[i].size == size)
            return true;
    return false;
}

static bool sign_for(struct node *node, unsigned to, bool urgent)
{
    unsigned partner = node->partner[to], ledger = urgent ? gate_urgent(partner) : partner;
    unsigned number = urgent ? gate_urgent(to) : to;
    static struct gate_sign_request request;
    struct str notes[16];
    struct buf texts[16];
    err_t err;
    if (!urgent && node->vouches[to] && !vouch_sign(node, to, keeper_fails(node, 30)))
        return false;
    if (!gate_sign_next(node->gate, ledger, &request))
        return true;
    if (keeper_fails(node, 60)) {
        gate_sign_abandon(node->gate, ledger);
        node->sign_again_at = node->world->now_us + 10000;
        return true;
    }
    /* A crash took the checkpoint: it is made again, so that the keeper can see that it is the same. */
    uint64_t last = last_signed(node, number, request.origin.epoch);
    if (request.old_size < last && !asks_for(&request, last)) {
        if (gate_sign_again(node->gate, ledger, last))
            node->sign_again_at = node->world->now_us + 1;
        else if (!node->forgetful)
            world_break(node->world, "%s asks for less than was signed for %s", node->name,
                        node->world->nodes[to].name);
        return true; /* a log from a backup: the request stays out, and nothing more is signed */
    }
    if (node->forgetful && !keeper_trusts(node, number, &request))
        return true;
    if (!node->forgetful && !keeper_agrees(node, number, &request)) {
        world_break(node->world, "%s wanted a second past signed for %s", node->name,
                    node->world->nodes[to].name);
        return false;
    }
    keeper_notes(node, number, &request, texts, notes);
    (void)memory_of(node);
    err = gate_signed(node->gate, &request, notes, node_now(node));
    (void)memory_of(NULL);
    if (err == ERR_OK)
        err = commit_signed(node);
    for (size_t i = 0; i < request.count; i++)
        buf_deinit(&texts[i]);
    return !node_failed(node, err, "logging a checkpoint");
}

static bool sign_all(struct node *node)
{
    node->sign_again_at = NEVER;
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p) &&
            (!sign_for(node, p, true) || !sign_for(node, p, false)))
            return false;
    return true;
}

static void signed_by_keeper(struct node *node, struct sync_session *session, err_t err, uint64_t size,
                             struct str cosigned, struct str disposition)
{
    (void)memory_of(node);
    sync_session_signed(session, err, size, cosigned, disposition, node_now(node));
    (void)memory_of(NULL);
}

static void sign_receipt(struct node *node, struct sync_session *session, const struct sync_sign *sign)
{
    int64_t now = node_now(node);
    struct note_key cosign, disposition;
    struct buf text, note;
    if (keeper_fails(node, 50)) {
        signed_by_keeper(node, session, ERR_CLOSED, sign->wanted.size, STR(""), STR(""));
        return;
    }
    buf_init(&text, LIMIT_NOTE_BYTES);
    buf_init(&note, LIMIT_NOTE_BYTES);
    sync_card_receipt_key(&node->card, SYNC_CARD_COSIGN, &cosign);
    sync_card_receipt_key(&node->card, SYNC_CARD_DISPOSITION, &disposition);
    must(cosign_sign(sign->text, now / SECOND_US, &cosign, &node->keys[SYNC_CARD_COSIGN], &text) == ERR_OK);
    must(disposition_sign(&sign->wanted, &disposition, &node->keys[SYNC_CARD_DISPOSITION], &note) == ERR_OK);
    signed_by_keeper(node, session, ERR_OK, sign->wanted.size, buf_str(&text), buf_str(&note));
    buf_deinit(&text);
    buf_deinit(&note);
}

/* --- work --- */

/* The time that decisions are dated by. Planted: one clock for the node, which moves with everything that it
 * does, so that a date tells of what was done for others. */
static int64_t decide_time(struct node *node)
{
    int64_t now = node_now(node);
    for (unsigned p = 0; p < node->world->node_count && node->world->options.bug == BUG_OTHERS_DATE; p++)
        now += (int64_t)node->ledger[p].count;
    if (node->world->options.bug != BUG_NODE_DATE)
        return now;
    node->clock_us = node->clock_us >= now ? node->clock_us + 1 : now;
    return node->clock_us;
}

static bool decide(struct node *node, int64_t *out_next)
{
    bool more = true;
    keep_step(node);
    while (more) {
        (void)memory_of(node);
        err_t err = gate_step(node->gate, decide_time(node), &more, out_next);
        (void)memory_of(NULL);
        if (node_failed(node, err, "deciding"))
            return false;
        if (node_failed(node, node_commit(node), "committing"))
            return false;
        if (!more && !recall_work(node, &more))
            return false;
    }
    return true;
}

/* One action of one session; false when there was none, or the node went down. */
static bool act(struct node *node, unsigned p, int64_t *wake, bool *out_committed)
{
    struct sync_action action;
    struct world *world = node->world;
    (void)memory_of(node);
    sync_session_next(node->session[p], node_now(node), &action);
    (void)memory_of(NULL);
    if (action.kind == SYNC_NOTHING) {
        if (action.until_us <= node_now(node))
            world_break(world, "%s spins on its link to %s", node->name, world->nodes[p].name);
        *wake = action.until_us < *wake ? action.until_us : *wake;
        return false;
    }
    if (action.kind == SYNC_SEND) {
        net_send(node, p, &action.send);
    } else if (action.kind == SYNC_SIGN) {
        sign_receipt(node, node->session[p], &action.sign);
    } else if (action.kind == SYNC_ANSWER) {
        recall_answer(node, node->session[p], &action.answer);
    } else {
        err_t err = node_commit(node);
        (void)memory_of(node);
        sync_session_committed(node->session[p], err, node_now(node));
        (void)memory_of(NULL);
        *out_committed = true;
        world->counts.syncs++;
        if (node_failed(node, err, "committing a page"))
            return false;
    }
    return !world->broken;
}

static bool act_all(struct node *node, int64_t *wake, bool *out_committed)
{
    for (unsigned p = 0; p < node->world->node_count; p++) {
        if (!world_linked(node->world, node->number, p))
            continue;
        unsigned rounds = 0;
        while (act(node, p, wake, out_committed))
            if (++rounds > 1000)
                world_break(node->world, "%s never comes to rest with its link to %s", node->name,
                            node->world->nodes[p].name);
        struct sync_status status;
        if (!node_is_up(node) || node->world->broken)
            return false;
        restore_look(node, p);
        sync_session_status(node->session[p], &status);
        if (status.state == SYNC_ALARM && !node->world->nodes[p].forgetful)
            liar_stopped(node, p, &status);
    }
    return !node->world->broken;
}

static void pump(struct node *node)
{
    struct world *world = node->world;
    if (node_stands_still(node) && node->restart_at <= world->now_us)
        restart(node);
    for (unsigned round = 0; !world->broken && node_is_up(node); round++) {
        if (node_stands_still(node)) {
            node->wake_at = node->restart_at;
            return;
        }
        int64_t wake = NEVER, next = NEVER;
        bool committed = false;
        if (round > 100)
            world_break(world, "%s never comes to rest", node->name);
        disk_time_set(node->disk, node_now(node));
        if (!keep_turn(node) || !decide(node, &next) || !sign_all(node))
            return;
        if (gate_health(node->gate).read_only) {
            (void)node_failed(node, ERR_READONLY, "the gate");
            return;
        }
        oracle_look(node);
        net_late_answers(node);
        if (!act_all(node, &wake, &committed))
            return;
        if (committed)
            continue;
        int64_t serve = sync_serve_deadline(node->serve);
        wake = next < wake ? next : wake;
        wake = serve < wake ? serve : wake;
        wake = node->recalls.again_at_us < wake ? node->recalls.again_at_us : wake;
        if (wake != NEVER)
            wake -= node_now(node) - world->now_us;
        node->wake_at = node->sign_again_at < wake ? node->sign_again_at : wake;
        if (world_has(world, WITH_RETENTION) && node->keeping.next_us < node->wake_at)
            node->wake_at = node->keeping.next_us;
        if (node->wake_at <= world->now_us)
            node->wake_at = world->now_us + 1;
        return;
    }
}

void node_pump(struct node *node)
{
    pump(node);
    /* What became durable before the disk failed is shown. */
    if (node_is_up(node) && node_stands_still(node) && !node->world->broken)
        oracle_look(node);
}
