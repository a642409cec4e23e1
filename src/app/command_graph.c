/* What an object is connected with, step by step outwards: a portion of objects at a time. */
#include "app/command.h"
#include "core/map.h"
#include "core/mem.h"

enum { STEP_NODES = 16 };

struct node {
    struct stix_key key;
    unsigned depth;
};

struct graph {
    struct node *nodes; /* in the order in which they were met; those before `at` were asked */
    size_t count, at;
    struct map met;   /* key -> 1 */
    struct map edges; /* digest of an edge -> 1: both its ends tell of it */
    unsigned depth;   /* to go */
    bool all, cut;    /* cut: there is more than LIMIT_GRAPH_NODES */
    /* With the objects themselves: the relationships that stand between nodes, said behind these. */
    bool objects;
    struct stix_key *between;
    size_t between_count, between_at;
    uint64_t edge_count;
    struct command_meant meant;
    bool told; /* what is meant */
    struct command_call *call;
};

static bool meet(struct graph *g, const struct stix_key *key, unsigned depth)
{
    if (map_get(&g->met, key->b) != NULL)
        return true;
    if (g->count == LIMIT_GRAPH_NODES || map_put(&g->met, key->b, 1) != ERR_OK) {
        g->cut = true;
        return false;
    }
    g->nodes[g->count++] = (struct node) {*key, depth};
    return true;
}

static bool edge_is_new(struct graph *g, const struct gate_edge *edge)
{
    struct buf text;
    buf_init(&text, LIMIT_OBJECT_BYTES);
    const struct str parts[] = {edge->from, edge->to, edge->property, edge->relationship};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_put_str(&text, parts[i]);
        buf_putc(&text, '\n');
    }
    struct hash digest = hash_sha256(buf_bytes(&text));
    buf_deinit(&text);
    if (map_get(&g->edges, digest.b) != NULL)
        return false;
    bool put = map_put(&g->edges, digest.b, 1) == ERR_OK;
    g->cut |= !put;
    return put;
}

/* Once for its edge; as a node it is said already. */
static void keep_between(struct graph *g, struct str relationship)
{
    struct stix_key key;
    if (!g->objects || !stix_id_parse(relationship, &key))
        return;
    if (g->between_count == LIMIT_GRAPH_NODES)
        g->cut = true;
    else
        g->between[g->between_count++] = key;
}

static void visit(void *ctx, const struct gate_edge *edge)
{
    struct graph *g = ctx;
    const struct node *node = &g->nodes[g->at];
    bool inside = node->depth < g->depth ? meet(g, &edge->other, node->depth + 1)
                                         : map_get(&g->met, edge->other.b) != NULL;
    if (!inside || !edge_is_new(g, edge))
        return;
    g->edge_count++;
    keep_between(g, edge->relationship);
    line_begin(g->call->out);
    line_text(g->call->out, "from", edge->from);
    line_text(g->call->out, "to", edge->to);
    line_text(g->call->out, "property", edge->property);
    if (edge->relationship.len > 0)
        line_text(g->call->out, "relationship", edge->relationship);
    line_end(g->call->out);
}

static void say_node(struct graph *g, const struct stix_key *key, unsigned depth)
{
    struct gate_found found;
    struct str name = {"", 0};
    if (gate_newest(g->call->host->gate, key, &found) != ERR_OK)
        return; /* referred to, not held: its edge names it */
    (void)(json_get_str(found.stix->root, STR("name"), &name) ||
           json_get_str(found.stix->root, STR("value"), &name) ||
           json_get_str(found.stix->root, STR("relationship_type"), &name));
    line_begin(g->call->out);
    line_text(g->call->out, "id", found.stix->id);
    line_text(g->call->out, "type", found.stix->type_name);
    line_text(g->call->out, "name", name);
    line_count(g->call->out, "depth", depth);
    if (g->objects)
        line_text(g->call->out, "object", str_from_bytes(found.object.bytes));
    line_end(g->call->out);
}

static bool portion_is_full(const struct graph *g)
{
    return g->call->out->len >= LIMIT_STREAM_CHUNK_BYTES;
}

static void say_between(struct graph *g)
{
    for (; g->between_at < g->between_count && !portion_is_full(g); g->between_at++)
        if (map_get(&g->met, g->between[g->between_at].b) == NULL)
            say_node(g, &g->between[g->between_at], g->depth);
}

void command_graph_end(void *state)
{
    struct graph *g = state;
    if (g == NULL)
        return;
    map_deinit(&g->met);
    map_deinit(&g->edges);
    mem_free(g->between);
    mem_free(g->nodes);
    mem_free(g);
}

err_t command_graph_begin(struct command_call *call, void **out)
{
    struct str depth = command_text_or_empty(call, "depth");
    struct command_meant meant;
    struct gate_found found;
    struct hash_sip_key sip;
    uint64_t steps = 1;
    err_t err;
    if (TRY(err, command_meant(call, "id", &meant)))
        return err;
    if (depth.len > 0 && !str_to_u64(depth, LIMIT_GRAPH_DEPTH, &steps))
        return command_refuse(call, ERR_USAGE, NULL, "--depth is a number up to %u", LIMIT_GRAPH_DEPTH);
    if (TRY(err, gate_newest(call->host->gate, &meant.key, &found)))
        return command_refuse(call, err, NULL, err == ERR_NOTFOUND ? "no such object is held" : "%s",
                              err_text(err));
    if (TRY(err, call->host->os->random(call->host->os->ctx, &sip, sizeof sip)))
        return command_refuse(call, err, NULL, "%s", err_text(err));
    struct graph *g = mem_alloc(sizeof *g);
    if (g != NULL) {
        *g = (struct graph) {.nodes = mem_alloc_array(LIMIT_GRAPH_NODES, sizeof *g->nodes),
                             .between = mem_alloc_array(LIMIT_GRAPH_NODES, sizeof *g->between)};
    }
    if (g == NULL || g->nodes == NULL || g->between == NULL) {
        command_graph_end(g);
        return command_refuse(call, ERR_NOMEM, NULL, "%s", err_text(ERR_NOMEM));
    }
    map_init(&g->met, STIX_KEY_SIZE, LIMIT_GRAPH_NODES, &sip);
    map_init(&g->edges, HASH_SIZE, LIMIT_GRAPH_EDGES, &sip);
    g->depth = (unsigned)steps;
    g->all = command_flag(call, "all");
    g->objects = command_flag(call, "objects");
    g->meant = meant;
    (void)meet(g, &meant.key, 0);
    *out = g;
    return ERR_OK;
}

static void say_end(struct command_call *call, const struct graph *g)
{
    line_begin(call->out);
    line_count(call->out, "nodes", g->count);
    line_count(call->out, "edges", g->edge_count);
    line_bool(call->out, "complete", !g->cut);
    if (g->cut)
        line_word(call->out, "say", "(there is more: ask for fewer steps, or from another object)");
    line_end(call->out);
}

err_t command_graph_next(struct command_call *call, void *state, bool *out_end)
{
    struct graph *g = state;
    g->call = call;
    if (!g->told)
        command_say_meant(call, &g->meant);
    g->told = true;
    for (unsigned i = 0; i < STEP_NODES && g->at < g->count; i++, g->at++) {
        say_node(g, &g->nodes[g->at].key, g->nodes[g->at].depth);
        err_t err =
            gate_neighbours(call->host->gate, &g->nodes[g->at].key, g->all, LIMIT_GRAPH_REFERRERS, visit, g);
        if (err != ERR_OK && err != ERR_NOTFOUND)
            return command_refuse(call, err, NULL, "%s", err_text(err));
        if (portion_is_full(g)) {
            g->at++;
            break;
        }
    }
    if (g->at == g->count)
        say_between(g);
    *out_end = g->at == g->count && g->between_at == g->between_count;
    if (*out_end)
        say_end(call, g);
    return ERR_OK;
}
