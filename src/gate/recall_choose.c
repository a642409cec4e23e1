/* What a recall is about: everything that some decision let go, or an object with what belongs to it. */
#include "core/mem.h"
#include "gate/mint.h"
#include "gate/query.h"
#include "gate/recall.h"

/* --- by what let it go --- */

struct releases {
    struct gate *gate;
    const struct gate_released *wanted;
    void (*each)(void *ctx, uint64_t lsn);
    void *ctx;
    struct arena arena;              /* of the decision at hand */
    uint64_t before[LIMIT_PARTNERS]; /* its main ledger's leaves before this entry */
};

/* Does the leaf that this entry gave to `partner` fit? */
static bool leaf_fits(const struct releases *r, const struct record_decide *decide,
                      const struct record_entry *entry, unsigned partner)
{
    const struct gate_released *wanted = r->wanted;
    const struct record_start *start = record_decide_start(decide, partner);
    if (start == NULL || (wanted->partners >> partner & 1) == 0)
        return false;
    int64_t time_us = start->time_us + (int64_t)r->before[partner];
    if (time_us < wanted->since_us || time_us >= wanted->until_us)
        return false;
    uint16_t name = decide->classes[entry->class].rule[partner];
    return wanted->rule.len == 0 || (name < decide->name_count && str_eq(decide->names[name], wanted->rule));
}

static err_t entry_look(struct releases *r, const struct record_decide *decide,
                        const struct record_entry *entry)
{
    struct mint mint;
    bool fits = false;
    for (unsigned p = 0; p < r->gate->peer_count; p++) {
        if ((entry->release >> p & 1) == 0)
            continue;
        fits = fits || (!entry_contentless(entry) && leaf_fits(r, decide, entry, p));
        r->before[p] += record_entry_in(decide, entry, p);
    }
    if (!fits)
        return ERR_OK;
    err_t err = mint_any(r->gate) ? mint_at(r->gate, entry->lsn, &r->arena, &mint) : ERR_NOTFOUND;
    if (err != ERR_OK && err != ERR_NOTFOUND)
        return err;
    r->each(r->ctx, err == ERR_OK ? mint.obj : entry->lsn);
    return ERR_OK;
}

static err_t decide_look(struct releases *r, const struct frame *frame)
{
    struct record_decide decide;
    err_t err;
    arena_reset(&r->arena);
    memset(r->before, 0, sizeof r->before);
    if (TRY(err, record_decide_read(frame->payload, &r->arena, &decide)) ||
        memcmp(decide.policy_digest.b, r->wanted->policy.b, r->wanted->policy_bytes) != 0)
        return err;
    for (size_t e = 0; e < decide.entry_count && err == ERR_OK; e++)
        err = entry_look(r, &decide, &decide.entries[e]);
    return err;
}

err_t gate_recall_released(struct gate *gate, const struct gate_released *wanted,
                           void (*each)(void *ctx, uint64_t lsn), void *ctx)
{
    struct releases r = {.gate = gate, .wanted = wanted, .each = each, .ctx = ctx};
    struct store_iter iter = store_iter(gate->store, LSN_FIRST, store_durable_lsn(gate->store));
    struct frame frame;
    err_t err;
    must(wanted->policy_bytes <= HASH_SIZE);
    arena_init(&r.arena, LIMIT_FRAME_BYTES * 8u);
    while ((err = store_iter_next(&iter, &frame)) == ERR_OK)
        if (frame.kind == FRAME_DECIDE && TRY(err, decide_look(&r, &frame)))
            break;
    arena_deinit(&r.arena);
    store_view_end(gate->store);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* --- an object and what belongs to it --- */

struct around {
    struct str id; /* its own */
    struct stix_key *keys;
    size_t count;
};

static void around_add(struct around *a, const struct stix_key *key)
{
    for (size_t i = 0; i < a->count; i++)
        if (stix_key_eq(&a->keys[i], key))
            return;
    if (a->count < LIMIT_RECALL_AROUND + 1)
        a->keys[a->count++] = *key;
}

static void edge_look(void *ctx, const struct gate_edge *edge)
{
    struct around *a = ctx;
    struct stix_key key;
    if (edge->relationship.len > 0 && stix_id_parse(edge->relationship, &key))
        around_add(a, &key);
    if (edge->relationship.len > 0 || str_eq(edge->from, a->id))
        around_add(a, &edge->other);
}

/* Its copies for which `owner` speaks. */
static err_t copies_give(struct gate *gate, const struct stix_key *key, unsigned owner,
                         void (*each)(void *ctx, uint64_t lsn), void *ctx, size_t *stays)
{
    struct copies copies;
    bool given = false;
    err_t err = copies_load(gate, key, &copies);
    for (size_t i = 0; err == ERR_OK && i < copies.count; i++) {
        if ((copies.at[i].flags & COPY_SEEN) != 0 || copies.at[i].owner != owner)
            continue;
        each(ctx, copies.at[i].lsn);
        given = true;
    }
    *stays += err == ERR_OK && copies.count > 0 && !given;
    return err;
}

err_t gate_recall_around(struct gate *gate, const struct stix_key *object,
                         void (*each)(void *ctx, uint64_t lsn), void *ctx, size_t *out_stays)
{
    struct around a = {.count = 0};
    struct gate_found found;
    size_t stays = 0;
    err_t err;
    if (TRY(err, gate_newest(gate, object, &found)))
        return err;
    unsigned owner = found.owner;
    char id[LIMIT_ID_BYTES];
    if (found.stix->id.len > sizeof id)
        return ERR_INVALID;
    memcpy(id, found.stix->id.at, found.stix->id.len);
    a.id = (struct str) {id, found.stix->id.len};
    a.keys = mem_alloc_array(LIMIT_RECALL_AROUND + 1, sizeof *a.keys);
    if (a.keys == NULL)
        return ERR_NOMEM;
    around_add(&a, object);
    err = gate_neighbours(gate, object, false, LIMIT_RECALL_AROUND, edge_look, &a);
    if (err == ERR_OK && a.count == LIMIT_RECALL_AROUND + 1)
        err = ERR_LIMIT;
    for (size_t i = 0; i < a.count && err == ERR_OK; i++)
        err = copies_give(gate, &a.keys[i], owner, each, ctx, &stays);
    mem_free(a.keys);
    if (err == ERR_OK)
        *out_stays = stays;
    return err;
}
