/* Vouchers: what origins sign of an object, and who passes it on, to partners for whom an operator said so
 * (docs/protocol/SYNC.md section 4, "Vouchers"). What was signed is remembered here, by whom and of what: no
 * node shows, holds or believes another one where it knows the origin, and its limits bind whoever has the
 * object by it. On the way some are bent: who knows the origin refuses what comes with them, and says so. */
#include "core/hash.h"
#include "ledger/voucher.h"
#include "world.h"

#include <stdlib.h>

enum { VOUCHED_MAX = 8192, BENT_OF_1000 = 40 };

struct vouched {
    struct hash content;
    unsigned origin;
    unsigned bent_to; /* 1 + who was sent it bent; 0: it is as it was signed */
    uint16_t let;     /* nodes that its limits let have the object */
    size_t len;
    uint8_t wire[LIMIT_VOUCHER_BYTES];
};

void vouch_init(struct world *world)
{
    if (!world_has(world, WITH_VOUCHERS))
        return;
    world->vouched = calloc(VOUCHED_MAX, sizeof *world->vouched);
    must(world->vouched != NULL);
}

void vouch_deinit(struct world *world)
{
    free(world->vouched);
    world->vouched = NULL;
    world->vouched_count = 0;
}

static struct vouched *remember(struct world *world, const struct vouched *vouched)
{
    for (size_t i = 0; i < world->vouched_count; i++) {
        struct vouched *at = &world->vouched[i];
        if (at->len == vouched->len && at->bent_to == vouched->bent_to &&
            hash_eq(&at->content, &vouched->content) && memcmp(at->wire, vouched->wire, at->len) == 0)
            return at;
    }
    must(world->vouched_count < VOUCHED_MAX);
    world->vouched[world->vouched_count] = *vouched;
    return &world->vouched[world->vouched_count++];
}

/* --- who gets them --- */

err_t vouch_say(struct node *node, unsigned to, const struct gate_by *by)
{
    err_t err = gate_vouch(node->gate, node->partner[to], true, by, node_now(node));
    return err == ERR_EXISTS ? ERR_OK : err;
}

/* Leaves from here on have them. */
void vouch_said(struct node *node, unsigned to)
{
    struct gate_ledger ledger;
    if (node->vouches[to])
        return;
    must(gate_ledger(node->gate, node->partner[to], &ledger) == ERR_OK);
    node->vouches[to] = true;
    node->vouches_from[to] = ledger.size;
}

/* --- the keeper's part --- */

/* `partners kr us`: these alone; nothing: all. Others are not drawn here. */
static uint16_t let_by(const struct world *world, struct str limits)
{
    uint16_t let = UINT16_MAX;
    while (limits.len > 0) {
        struct str line = str_cut(&limits, '\n');
        uint16_t named = 0;
        bool partners = str_eq(str_cut(&line, ' '), STR("partners"));
        while (partners && line.len > 0) {
            struct str name = str_cut(&line, ' ');
            for (unsigned n = 0; n < world->node_count; n++)
                if (str_eq(name, str_of(world->nodes[n].name)))
                    named |= (uint16_t)(1u << n);
        }
        let &= named;
    }
    return let;
}

static void sign(struct node *node, const struct gate_vouch *vouch, struct signature *out)
{
    const struct sign_key *key = &node->keys[SYNC_CARD_LEDGER];
    struct vouched vouched = {
        .content = vouch->content, .origin = node->number, .let = let_by(node->world, vouch->limits)};
    struct buf wire = {.at = vouched.wire, .size = sizeof vouched.wire, .size_max = sizeof vouched.wire};
    must(voucher_sign(str_of(node->name), &vouch->content, vouch->limits, key, out) == ERR_OK);
    struct voucher voucher = {.suite = key->public.suite,
                              .node = str_of(node->name),
                              .key = voucher_key_id(&key->public),
                              .limits = vouch->limits,
                              .signature = signature_bytes(out)};
    voucher_write(&wire, &voucher);
    must(buf_err(&wire) == ERR_OK);
    vouched.len = wire.len;
    (void)remember(node->world, &vouched);
}

bool vouch_sign(struct node *node, unsigned to, bool fails)
{
    static struct signature signatures[LIMIT_CHECKPOINT_LEAVES];
    const struct sign_public *key = &node->keys[SYNC_CARD_LEDGER].public;
    const struct gate_vouching *wanted;
    err_t err = ERR_OK;
    while (err == ERR_OK && (wanted = gate_vouch_next(node->gate, node->partner[to])) != NULL) {
        if (fails) {
            gate_vouch_abandon(node->gate);
            node->sign_again_at = node->world->now_us + 10000;
            return true;
        }
        for (size_t i = 0; i < wanted->count; i++)
            sign(node, &wanted->at[i], &signatures[i]);
        err = gate_vouched(node->gate, key->suite, voucher_key_id(key), signatures, node_now(node));
        if (err == ERR_OK)
            err = node_commit(node);
    }
    return !node_failed(node, err, "logging vouchers");
}

/* --- what is shown --- */

static bool knows(const struct node *node, unsigned origin)
{
    return origin != node->number && world_linked(node->world, node->number, origin);
}

/* What was signed of this, or is what somebody sent bent to whom that tells nothing; NULL. */
static const struct vouched *find(const struct node *node, struct bytes wire, const struct hash *content)
{
    const struct world *world = node->world;
    for (size_t i = 0; i < world->vouched_count; i++) {
        const struct vouched *at = &world->vouched[i];
        if (at->len == wire.len && hash_eq(&at->content, content) &&
            memcmp(at->wire, wire.at, wire.len) == 0 && (at->bent_to == 0 || !knows(node, at->origin)))
            return at;
    }
    return NULL;
}

/* Does everything that is held of these words stand there by leaves whose voucher keeps it from `to`? */
static bool is_bound(const struct node *node, unsigned to, const struct thing *thing)
{
    bool bound = false;
    for (size_t i = 0; i < node->held_count; i++) {
        const struct held *held = &node->held[i];
        if (held->thing != thing || held->quarantined)
            continue;
        const int partner = gate_source_get(node->gate, held->source)->partner;
        unsigned p = 0;
        while (p < node->world->node_count && (!world_linked(node->world, node->number, p) || partner < 0 ||
                                               (unsigned)partner != node->partner[p]))
            p++;
        if (p == node->world->node_count || held->leaf == 0)
            return false;
        const struct seen_ledger *ledger = &node->world->nodes[p].ledger[node->number];
        if (held->leaf > ledger->count || (ledger->at[held->leaf - 1].kept_from >> to & 1) == 0)
            return false;
        bound = true;
    }
    return bound;
}

void vouch_shown(struct node *node, unsigned to, const struct gate_leaf *leaf, struct seen *seen)
{
    const char *name = node->world->nodes[to].name;
    if (!world_has(node->world, WITH_VOUCHERS) || leaf->object.len == 0 || node_stands_still(node))
        return;
    struct hash content = hash_sha256(leaf->object);
    bool wanted = node->vouches[to] && leaf->entered_here && leaf->leaf.seq >= node->vouches_from[to];
    if (leaf->voucher.len == 0 && wanted)
        world_break(node->world, "%s gives %s leaf %llu without its signature", node->name, name,
                    (unsigned long long)leaf->leaf.seq);
    if (seen->thing != NULL && is_bound(node, to, seen->thing))
        world_break(node->world, "%s gives %s what its origin keeps from it (leaf %llu):\n%.400s", node->name,
                    name, (unsigned long long)leaf->leaf.seq, seen->thing->text);
    if (leaf->voucher.len == 0)
        return;
    const struct vouched *vouched = find(node, leaf->voucher, &content);
    if (!node->vouches[to])
        world_break(node->world, "%s gives %s a voucher that nobody let it have", node->name, name);
    else if (vouched == NULL)
        world_break(node->world, "%s gives %s a voucher that no origin signed (leaf %llu)", node->name, name,
                    (unsigned long long)leaf->leaf.seq);
    else
        seen->kept_from = (uint16_t)~vouched->let;
    node->world->counts.vouched++;
}

/* --- what is bent on the way --- */

void vouch_bend(struct world *world, struct message *message)
{
    struct draw *draw = &world->vouch_draw;
    if (!world_has(world, WITH_VOUCHERS) || message->body.len == 0 || world->vouched_count == 0 ||
        world->ops_left == 0 || !draw_chance(draw, BENT_OF_1000))
        return;
    size_t first = draw_below(draw, (unsigned)world->vouched_count);
    for (size_t i = 0; i < world->vouched_count; i++) {
        struct vouched bent = world->vouched[(first + i) % world->vouched_count];
        uint8_t *at = memmem(message->body.at, message->body.len, bent.wire, bent.len);
        if (at == NULL || bent.bent_to != 0)
            continue;
        at[bent.len - 1] ^= 1; /* the end of its signature */
        memcpy(bent.wire, at, bent.len);
        bent.bent_to = message->to + 1;
        (void)remember(world, &bent);
        world_say(world, "a voucher of %s is bent on its way from %s to %s", world->nodes[bent.origin].name,
                  world->nodes[message->from].name, world->nodes[message->to].name);
        return;
    }
}

bool vouch_may_refuse(const struct node *node, struct bytes text)
{
    const struct world *world = node->world;
    struct hash content = hash_sha256(text);
    for (size_t i = 0; i < world->vouched_count; i++)
        if (world->vouched[i].bent_to != 0 && hash_eq(&world->vouched[i].content, &content))
            return true; /* to whomever: who cannot tell passes it on as it is */
    return false;
}

void vouch_refused(struct node *node)
{
    node->refused_false = true;
    node->world->counts.bent++;
}

/* --- at the end --- */

static bool check_object(void *ctx, const struct gate_object *object)
{
    struct node *node = ctx;
    struct hash content = hash_sha256(object->bytes);
    if (object->voucher.wire.len == 0)
        return true;
    const struct vouched *vouched = find(node, object->voucher.wire, &content);
    if (vouched == NULL || object->voucher.state == GATE_VOUCHED_FALSE)
        world_break(node->world, "%s holds something by a voucher that its origin never signed (lsn %llu)",
                    node->name, (unsigned long long)object->lsn);
    else if ((object->voucher.state == GATE_VOUCHED_VERIFIED) != knows(node, vouched->origin))
        world_break(node->world, "%s: whether %s signed it is mistaken (lsn %llu)", node->name,
                    node->world->nodes[vouched->origin].name, (unsigned long long)object->lsn);
    return !node->world->broken;
}

void vouch_settled(struct node *node)
{
    if (!world_has(node->world, WITH_VOUCHERS))
        return;
    for (uint16_t target = 0; target < THING_TARGETS && !node->world->broken; target++) {
        struct stix_key key = thing_key(target);
        err_t err = gate_versions(node->gate, &key, check_object, node);
        if (err != ERR_NOTFOUND && node_failed(node, err, "looking at vouchers"))
            return;
    }
    if (node->refused_false && !node->told_false)
        world_break(node->world, "%s refused what its origin never signed, and told nobody", node->name);
}
