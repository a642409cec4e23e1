/* The guard of a simulated node, in line: every answer passes it before anybody sees it, its questions are
 * answered by the node's own gate. Without a planted bug it holds nothing. */
#include "world.h"

#include <stdlib.h>

#include "guard/guard.h"
#include "sync/evidence.h"
#include "taxii/identity.h"

enum { RULES_MAX = 64 << 10, ROUNDS_MAX = 64 };

static void write_partner(struct node *node, unsigned p, struct buf *out)
{
    const struct gate_peer *peer = gate_peer_get(node->gate, node->partner[p]);
    char hex[2 * HASH_SIZE];
    const char *level = policy_partner_tlp_max(gate_policy(node->gate), peer->index);
    str_hex(node->world->nodes[p].keys[SYNC_CARD_TLS].public.b, HASH_SIZE, hex);
    buf_printf(out, "partner %u %.*s %s %u %lld %.*s 0 0\n", peer->index, STR_ARG(peer->audience),
               level == NULL ? "amber" : level, peer->epoch,
               (long long)(node->world->nodes[p].card.expires_us / SECOND_US), (int)sizeof hex, hex);
    if (gate_vouches(node->gate, peer->index))
        buf_printf(out, "vouch %u\n", peer->index);
}

static void tell(struct node *node)
{
    struct buf text;
    char hex[2 * HASH_SIZE];
    struct fault fault = {.code = ERR_OK};
    struct hash digest = policy_digest(gate_policy(node->gate));
    str_hex(digest.b, HASH_SIZE, hex);
    buf_init(&text, RULES_MAX);
    buf_printf(&text, "bongsu guard 1\npolicy %.*s\n", (int)sizeof hex, hex);
    for (unsigned p = 0; p < node->world->node_count; p++)
        if (world_linked(node->world, node->number, p))
            write_partner(node, p, &text);
    taxii_readers_write(node->taxii, &text);
    if (guard_rules(node->guard, buf_str(&text), &fault) != ERR_OK)
        world_break(node->world, "guard of %s: %s", node->name, fault.what);
    buf_deinit(&text);
}

/* False: it cannot be told now (a signature is missing, the disk dies). */
static bool reply(struct node *node, const struct guard_ask *ask)
{
    struct buf leaves;
    enum sync_held held;
    char id[LIMIT_ID_BYTES];
    memcpy(id, ask->id.at, ask->id.len);
    struct str copy = {id, ask->id.len};
    buf_init(&leaves, 8 << 20);
    held = SYNC_HELD_NOTHING;
    bool told = sync_evidence(node->gate, ask->partner, copy, ask->run, &held, &leaves) == ERR_OK &&
                buf_err(&leaves) == ERR_OK && held != SYNC_HELD_SOON;
    if (held == SYNC_HELD_NOTHING || held == SYNC_HELD_WITHHELD)
        world_say(node->world, "guard of %s: the one at %u has nothing of %.*s", node->name, ask->partner,
                  STR_ARG(copy));
    if (told)
        guard_evidence(node->guard, ask->partner, copy, (enum guard_held)held, buf_bytes(&leaves));
    buf_deinit(&leaves);
    return told;
}

static bool reply_all(struct node *node)
{
    for (size_t i = 0; i < guard_ask_count(node->guard); i++) {
        struct guard_ask ask = guard_ask_get(node->guard, i);
        if (!reply(node, &ask))
            return false;
    }
    return true;
}

static void judge(struct node *node, struct guard_case *c, const struct guard_answer *answer,
                  const char *path)
{
    struct guard_finding finding;
    enum guard_verdict verdict = guard_check(node->guard, c, answer, &finding);
    for (unsigned round = 0; verdict == GUARD_ASK; round++) {
        if (round == ROUNDS_MAX) {
            world_break(node->world, "guard of %s: does not stop asking about %s", node->name, path);
            return;
        }
        if (!reply_all(node))
            return;
        verdict = guard_check(node->guard, c, answer, &finding);
    }
    if (verdict != GUARD_HOLD)
        return;
    node->world->held_by = guard_rule_word(finding.rule);
    world_break(node->world, "guard of %s: holds %s by the rule %s", node->name, path, node->world->held_by);
}

void watch_answer(struct node *node, unsigned who, const struct exchange_request *request,
                  const struct exchange_response *response)
{
    static const struct hash_sip_key key = {{4}};
    struct world *world = node->world;
    static struct guard_case c;
    struct buf headers;
    if (world->broken || !node_is_up(node) || disk_dead(node->disk))
        return;
    if (node->guard == NULL)
        must(guard_new(&key, &node->guard) == ERR_OK);
    recall_watch(node, buf_bytes(&response->body));
    tell(node);
    buf_init(&headers, 4096);
    for (size_t i = 0; i < response->header_count; i++)
        buf_printf(&headers, "%s %.*s\n", response->headers[i].name, STR_ARG(response->headers[i].value));
    bool feed = sync_serve_owns(request->path);
    struct guard_request said = {.reads = request->method == EXCHANGE_GET || request->method == EXCHANGE_HEAD,
                                 .has_key = true,
                                 .key = feed ? world->nodes[who].keys[SYNC_CARD_TLS].public.b
                                             : world->nodes[who].reader_key.b,
                                 .path = request->path,
                                 .query = request->query};
    struct guard_answer answer = {.status = response->status,
                                  .headers = buf_str(&headers),
                                  .body = buf_bytes(&response->body),
                                  .now_s = node_now(node) / SECOND_US};
    guard_case_open(&c, &said);
    judge(node, &c, &answer, said.path.at);
    buf_deinit(&headers);
}

void watch_end(struct node *node)
{
    guard_free(node->guard);
    node->guard = NULL;
}
