/* The log, read by itself at the end of a life; and the same log replayed from nothing. */
#include "world.h"

#include <stdlib.h>

#include "core/hash.h"
#include "store/index.h"
#include "store/index_mem.h"
#include "store/store.h"

struct replaying {
    struct node *node;
    struct store *store;
    struct arena arena;
    uint64_t decided;
    uint64_t leaves[NODES_MAX];
    uint16_t *came; /* [thing] partners (by index) whose copy stands earlier in the log */
    uint16_t *gave; /* [thing] partners that got its content */
};

static void wrong(struct replaying *r, uint64_t lsn, const char *what)
{
    world_blame(r->node->world, "%s: log position %llu: %s", r->node->name, (unsigned long long)lsn, what);
}

static const struct thing *thing_at(struct replaying *r, uint64_t lsn)
{
    struct frame frame;
    struct fault fault;
    struct buf plain;
    buf_init(&plain, 2 * LIMIT_OBJECT_BYTES);
    const struct thing *thing = NULL;
    if (store_read(r->store, lsn, &frame) == ERR_OK && store_unseal(r->store, &frame, &plain) == ERR_OK) {
        struct bytes bytes = buf_bytes(&plain);
        if (frame.kind != FRAME_QUAR || record_fault_read(bytes, &fault, &bytes) == ERR_OK)
            thing = things_find(&r->node->world->things, bytes);
    }
    buf_deinit(&plain);
    return thing;
}

static void object(struct replaying *r, const struct frame *frame)
{
    struct record_envelope envelope;
    struct bytes head = frame->kind == FRAME_SEEN ? frame->payload : frame->envelope;
    if (record_envelope_read(head, &envelope) != ERR_OK) {
        wrong(r, frame->lsn, "an envelope that cannot be read");
        return;
    }
    const struct thing *thing = thing_at(r, frame->kind == FRAME_SEEN ? envelope.about : frame->lsn);
    const struct gate_source *source = gate_source_get(r->node->gate, envelope.source);
    if (thing == NULL || source == NULL)
        wrong(r, frame->lsn, "an object that nobody gave");
    else if (source->partner >= 0)
        r->came[thing->number] |= (uint16_t)(1u << source->partner);
}

static void entry(struct replaying *r, uint64_t lsn, const struct record_decide *decide,
                  const struct record_entry *entry)
{
    for (unsigned p = 0; p < NODES_MAX; p++)
        r->leaves[p] += record_entry_in(decide, entry, p);
    const struct thing *about = entry->about != 0 ? thing_at(r, entry->about) : NULL;
    if (about != NULL) /* told that it is no longer current: its source may say it again */
        r->gave[about->number] &= (uint16_t)~entry->release;
    if (entry->about == entry->lsn || entry->release == 0)
        return;
    const struct thing *thing = thing_at(r, entry->lsn);
    if (thing == NULL)
        wrong(r, lsn, "a release of what is not there");
    else if (r->gave[thing->number] & entry->release)
        wrong(r, lsn, "content is released twice to one partner");
    else if (r->came[thing->number] & entry->release)
        wrong(r, lsn, "content goes back to the partner that sent it");
    else
        r->gave[thing->number] |= (uint16_t)entry->release;
}

static void decision(struct replaying *r, const struct frame *frame)
{
    struct record_decide decide;
    arena_reset(&r->arena);
    if (record_decide_read(frame->payload, &r->arena, &decide) != ERR_OK) {
        wrong(r, frame->lsn, "a decision that cannot be read");
        return;
    }
    if (decide.from != r->decided || decide.to < decide.from || decide.to > frame->lsn)
        wrong(r, frame->lsn, "a position is decided twice, or left out");
    r->decided = decide.to;
    for (size_t i = 0; i < decide.start_count; i++)
        if (decide.starts[i].ledger < NODES_MAX && decide.starts[i].seq != r->leaves[decide.starts[i].ledger])
            wrong(r, frame->lsn, "leaves are numbered with a gap, or twice");
    for (size_t e = 0; e < decide.entry_count; e++)
        entry(r, frame->lsn, &decide, &decide.entries[e]);
}

static void read_log(struct replaying *r)
{
    struct store_iter iter = store_iter(r->store, LSN_FIRST, store_durable_lsn(r->store));
    struct frame frame;
    err_t err = ERR_OK;
    while (!r->node->world->broken && (err = store_iter_next(&iter, &frame)) == ERR_OK) {
        if (frame.kind == FRAME_DECIDE)
            decision(r, &frame);
        else if (frame.kind == FRAME_OBJ || frame.kind == FRAME_SEEN)
            object(r, &frame);
    }
    if (err != ERR_OK && err != ERR_NOTFOUND)
        wrong(r, iter.lsn, "a frame that cannot be read");
    for (unsigned p = 0; p < r->node->world->node_count && !r->node->world->broken; p++)
        if (world_linked(r->node->world, r->node->number, p) &&
            r->leaves[r->node->partner[p]] != r->node->ledger[p].count)
            wrong(r, 0, "the ledger has other leaves than the decisions gave it");
}

/* A second reader beside the node: read-only, with an index of its own. */
err_t log_open(struct node *node, struct log *out)
{
    must(index_mem_new(&out->index) == ERR_OK);
    struct node_id id;
    struct hash hash = hash_sha256(bytes_from_str(str_of(node->name)));
    memcpy(id.b, hash.b, NODE_ID_SIZE);
    struct store_options options = {.os = disk_os(node->disk),
                                    .dir = "store",
                                    .index = out->index,
                                    .node = id,
                                    .read_only = true,
                                    .filter_keys = 1024};
    err_t err = store_open(&options, &out->store);
    if (err == ERR_OK)
        return ERR_OK;
    world_break(node->world, "%s: the log cannot be opened by itself: %s", node->name, err_text(err));
    out->index->ops->close(out->index);
    return err;
}

void log_close(struct log *log)
{
    store_close(log->store);
    log->index->ops->close(log->index);
}

static void log_check(struct node *node)
{
    struct replaying r = {.node = node, .decided = LSN_FIRST};
    struct log log;
    if (log_open(node, &log) != ERR_OK)
        return;
    r.store = log.store;
    r.came = calloc(THINGS_MAX, sizeof *r.came);
    r.gave = calloc(THINGS_MAX, sizeof *r.gave);
    must(r.came != NULL && r.gave != NULL);
    arena_init(&r.arena, 64u << 20);
    read_log(&r);
    arena_deinit(&r.arena);
    log_close(&log);
    free(r.came);
    free(r.gave);
}

struct comparing {
    struct node *node;
    unsigned to;
    size_t count;
};

static bool compare_leaf(void *ctx, const struct gate_leaf *leaf)
{
    struct comparing *c = ctx;
    struct hash hash = leaf_hash(&leaf->leaf);
    const struct seen_ledger *ledger = &c->node->ledger[c->to];
    if (c->count >= ledger->count || !hash_eq(&hash, &ledger->at[c->count].leaf))
        world_break(c->node->world, "%s: leaf %zu for %s is another one after replay", c->node->name,
                    c->count, c->node->world->nodes[c->to].name);
    c->count++;
    return !c->node->world->broken;
}

static void compare(struct node *node)
{
    uint64_t bad = 0;
    for (unsigned p = 0; p < node->world->node_count && !node->world->broken; p++) {
        struct comparing c = {node, p, 0};
        struct gate_ledger ledger;
        if (!world_linked(node->world, node->number, p))
            continue;
        recall_compare(node, p);
        if (gate_leaves(node->gate, node->partner[p], 0, compare_leaf, &c) != ERR_OK ||
            (c.count != node->ledger[p].count && !node->world->broken))
            world_break(node->world, "%s: %zu of %zu leaves for %s came back by replay", node->name, c.count,
                        node->ledger[p].count, node->world->nodes[p].name);
        for (size_t i = 0; i < node->root_count && !node->world->broken; i++) {
            struct hash root;
            const struct signed_root *signed_root = &node->roots[i];
            bool urgent = gate_ledger_is_urgent(signed_root->to);
            unsigned number = urgent ? gate_urgent(node->partner[p]) : node->partner[p];
            if (gate_ledger_partner(signed_root->to) == p &&
                (gate_ledger(node->gate, number, &ledger) != ERR_OK ||
                 gate_root(node->gate, number, signed_root->size, &root) != ERR_OK ||
                 !hash_eq(&root, &signed_root->root)))
                world_break(node->world, "%s signed a root of %llu leaves for %s that is not its past",
                            node->name, (unsigned long long)signed_root->size, node->world->nodes[p].name);
        }
    }
    if (!node->world->broken && (gate_check(node->gate, NULL, NULL, &bad) != ERR_OK || bad > 0))
        world_break(node->world, "%s: check finds %llu faults", node->name, (unsigned long long)bad);
}

void replay_check(struct node *node)
{
    log_check(node);
    if (node->world->broken)
        return;
    node_crash(node, 0);
    must(index_mem_rollback(node->index, 0) == ERR_OK);
    node_start(node);
    if (!node_is_up(node) || node->world->broken) {
        world_break(node->world, "%s does not come back at the end", node->name);
        return;
    }
    compare(node);
}
