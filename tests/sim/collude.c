/* Partners who pool what they got. In the second of two twins a third partner gets more, and neither what the
 * two are told nor when may depend on it; and what a node makes anew for each of them cannot be matched by
 * its identifier. */
#include "core/hash.h"
#include "world.h"

void collude_held(struct node *node, const struct gate_object *object)
{
    if (gate_source_get(node->gate, object->envelope.source)->partner < 0 || node->passed_count == PASSED_MAX)
        return;
    node->passed[node->passed_count++] = hash_sha256(object->bytes);
}

/* Somebody else made it: it goes on as it came, to everybody. */
static bool is_passed_on(const struct node *node, const struct hash *bytes)
{
    for (size_t i = 0; i < node->passed_count; i++)
        if (hash_eq(&node->passed[i], bytes))
            return true;
    return false;
}

void collude_shown(const struct node *node, const struct gate_leaf *leaf, struct seen *seen)
{
    struct hash bytes = hash_sha256(leaf->object);
    if (seen->source != NULL && seen->thing == NULL && !is_passed_on(node, &bytes))
        seen->made = hash_sha256(bytes_from_str(leaf->id));
}

static void compare(struct node *node, unsigned a, unsigned b)
{
    static const struct hash none;
    const struct seen_ledger *one = &node->ledger[a], *two = &node->ledger[b];
    for (size_t i = 0; i < one->count; i++)
        for (size_t k = 0; k < two->count && !hash_eq(&one->at[i].made, &none); k++)
            if (hash_eq(&one->at[i].made, &two->at[k].made)) {
                world_break(node->world, "%s made the same for %s (leaf %zu) and %s (leaf %zu), of\n%.400s",
                            node->name, node->world->nodes[a].name, i, node->world->nodes[b].name, k,
                            one->at[i].source->text);
                return;
            }
}

void collude_settled(struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++)
        for (unsigned a = 0; a < world->node_count; a++)
            for (unsigned b = a + 1; b < world->node_count && world->options.duties && !world->broken; b++)
                if (world_linked(world, n, a) && world_linked(world, n, b) && !guard_is_alone(world))
                    compare(&world->nodes[n], a, b);
}
