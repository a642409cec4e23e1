/* A thief who has one working key of a node, and speaks for it: its TLS key, its ledger key or its recall
 * key, each alone. Until the node changes its keys by a new card the first one lets him read what that node
 * may read, and nothing lets him say anything in its name; afterwards he is a stranger. */
#include <stdio.h>
#include <stdlib.h>

#include "ledger/checkpoint.h"
#include "sync/recall.h"
#include "sync/wire.h"
#include "world.h"

static const struct gate_by by_telephone = {{"operator", 8}, {"they called", 11}};

enum { TURNS_OFTEN = 400 };

void thief_init(struct world *world)
{
    static const enum sync_card_key keys[] = {SYNC_CARD_TLS, SYNC_CARD_LEDGER, SYNC_CARD_RECALL};
    struct thief *thief = &world->thief;
    thief->draw = draw_of(world->options.seed, 43, 0);
    thief->victim = draw_below(&thief->draw, world->node_count);
    thief->which = keys[draw_below(&thief->draw, 3)];
    thief->key = world->nodes[thief->victim].keys[thief->which];
    thief->ops_left = world->ops_left * (10 + draw_below(&thief->draw, 60)) / 100;
    if (world_has(world, WITH_THIEVES))
        world_say(world, "somebody has key %d of %s, until %u operations are left", (int)thief->which,
                  world->nodes[thief->victim].name, thief->ops_left);
}

/* --- what he asks --- */

enum asked { ASKED_HELLO, ASKED_FEED, ASKED_RECEIPT, ASKED_DONE, ASKED_TREE, ASKED };

struct request {
    const char *path;
    char query[64];
    struct buf body;
    bool says; /* something that only the victim's other keys can sign */
};

static void note_by_thief(const struct thief *thief, struct str text, struct str name, struct buf *out)
{
    struct note_key key;
    must(note_key_make(name, NOTE_SIGNATURE, &thief->key.public, &key) == ERR_OK &&
         note_begin(text, out) == ERR_OK && note_sign(text, &key, &thief->key, out) == ERR_OK);
}

static void write_receipt(struct world *world, struct node *node, struct buf *body)
{
    const struct thief *thief = &world->thief;
    const struct node *victim = &world->nodes[thief->victim];
    struct gate_ledger ledger;
    struct note_key key;
    struct buf origin, note;
    must(gate_ledger(node->gate, node->partner[thief->victim], &ledger) == ERR_OK);
    buf_init(&origin, LEDGER_ORIGIN_MAX);
    buf_init(&note, LIMIT_NOTE_BYTES);
    must(ledger_origin_print(&ledger.origin, &origin) == ERR_OK);
    sync_card_receipt_key(&victim->card, SYNC_CARD_DISPOSITION, &key);
    struct disposition held = {.origin = buf_str(&origin),
                               .holder = str_of(victim->name),
                               .size = ledger.visible,
                               .root = ledger.visible_root,
                               .refused = disposition_refused_begin()};
    must(note_key_make(note_key_name(&key), NOTE_SIGNATURE, &thief->key.public, &key) == ERR_OK &&
         disposition_sign(&held, &key, &thief->key, &note) == ERR_OK);
    struct sync_receipt receipt = {.epoch = ledger.origin.epoch,
                                   .size = ledger.visible,
                                   .cosignature = buf_str(&note),
                                   .disposition = buf_str(&note),
                                   .before = held.refused};
    sync_receipt_write(body, &receipt, NULL);
    buf_deinit(&origin);
    buf_deinit(&note);
}

static void write_request(struct world *world, struct node *node, enum asked what, struct request *out)
{
    static const char *const paths[ASKED] = {"/bongsu/v1/hello", "/bongsu/v1/feed", "/bongsu/v1/receipt",
                                             "/bongsu/v1/recall-done", "/bongsu/v1/ledger/checkpoint"};
    struct sync_hello hello = {.version_count = 1,
                               .suite_count = 1,
                               .versions = {SYNC_VERSION_MAIN},
                               .suites = {SYNC_SUITE},
                               .root = merkle_empty()};
    *out = (struct request) {.path = paths[what], .says = what == ASKED_RECEIPT || what == ASKED_DONE};
    buf_init(&out->body, LIMIT_SYNC_PAGE_BYTES);
    if (what == ASKED_HELLO)
        sync_hello_write(&out->body, &hello);
    if (what == ASKED_FEED)
        (void)snprintf(out->query, sizeof out->query, "epoch=0&from=0&max=1000&wait=0");
    if (what == ASKED_RECEIPT)
        write_receipt(world, node, &out->body);
    if (what == ASKED_DONE) {
        struct buf note;
        buf_init(&note, LIMIT_NOTE_BYTES);
        note_by_thief(&world->thief, STR("bongsu/recall-done/v1/suite1\nx\ny\n0\n"), STR("bongsu/x/recall"),
                      &note);
        sync_recall_write(&out->body, 0, buf_str(&note));
        buf_deinit(&note);
    }
}

/* Under this TLS key. False: the node went down, or has no answer yet. */
static bool ask(struct node *node, const struct request *request, const uint8_t tls[EXCHANGE_KEY_SIZE],
                struct exchange_response *out)
{
    static const uint8_t padding[JSON_PADDING];
    struct world *world = node->world;
    struct buf body;
    bool commit = false;
    buf_init(&body, LIMIT_SYNC_PAGE_BYTES + JSON_PADDING);
    buf_put(&body, request->body.at, request->body.len);
    buf_put(&body, padding, sizeof padding);
    struct exchange_request asked = {.id = ++world->server_ids,
                                     .method = request->body.len > 0 ? EXCHANGE_POST : EXCHANGE_GET,
                                     .path = str_of(request->path),
                                     .query = str_of(request->query),
                                     .body = bytes_of(body.at, request->body.len),
                                     .secure = true,
                                     .has_peer_key = true};
    memcpy(asked.peer_key, tls, EXCHANGE_KEY_SIZE);
    if (request->body.len > 0)
        asked.content_type = STR("application/vnd.bongsu.sync");
    exchange_response_init(out, asked.id, LIMIT_SYNC_PAGE_BYTES);
    sync_serve_handle(node->serve, &asked, node_now(node), out, &commit);
    bool good = !commit || !node_failed(node, node_commit(node), "committing");
    if (good && out->status == 0)
        sync_serve_forget(node->serve, asked.id);
    buf_deinit(&body);
    return good && out->status != 0;
}

static bool is_neutral(const struct exchange_response *response)
{
    return response->status == 404 && response->body.len == 0 && response->header_count == 0 &&
           response->content_type == NULL;
}

/* What he gets is what the victim may have while his key is its TLS key, and nothing else ever. */
static void try_one(struct world *world, struct node *node, enum asked what)
{
    const struct thief *thief = &world->thief;
    struct exchange_response response;
    struct request request;
    bool his = thief->which == SYNC_CARD_TLS && !thief->over;
    write_request(world, node, what, &request);
    if (ask(node, &request, thief->key.public.b, &response)) {
        struct exchange_request seen = {.method = request.body.len > 0 ? EXCHANGE_POST : EXCHANGE_GET,
                                        .path = str_of(request.path),
                                        .query = str_of(request.query)};
        if (!his && !is_neutral(&response))
            world_break(world, "%s answers a thief %s with %u", node->name, request.path, response.status);
        else if (request.says && response.status == 200)
            world_break(world, "%s believes a thief who has key %d of %s: %s", node->name, (int)thief->which,
                        world->nodes[thief->victim].name, request.path);
        else if (his)
            watch_answer(node, thief->victim, &seen, &response);
    }
    exchange_response_deinit(&response);
    buf_deinit(&request.body);
    if (node_is_up(node))
        node_pump(node);
}

/* --- the victim changes its keys --- */

/* What an operator adds by hand: durable at each partner, and known to its link. */
void thief_card_again(struct node *node)
{
    struct world *world = node->world;
    unsigned victim = world->thief.victim;
    struct node *other = &world->nodes[victim];
    enum sync_card_taken taken;
    struct fault fault = {0};
    if (!world_has(world, WITH_THIEVES) || !world->thief.over || node->number == victim ||
        !world_linked(world, node->number, victim))
        return;
    err_t err = sync_cards_take(node->gate, node->partner[victim], buf_str(&other->card_text), NULL,
                                &by_telephone, node_now(node), &taken, &fault);
    if (err == ERR_OK)
        err = node_commit(node);
    if (node_failed(node, err, "taking a card"))
        return;
    if (node->serve != NULL)
        sync_serve_refresh(node->serve);
    if (node->session[victim] != NULL)
        sync_session_card(node->session[victim], &other->card, NULL);
}

static bool all_hear(const struct world *world)
{
    for (unsigned n = 0; n < world->node_count; n++)
        if (!node_is_up(&world->nodes[n]) || node_stands_still(&world->nodes[n]))
            return false;
    return true;
}

static void change_keys(struct world *world)
{
    struct node *node = &world->nodes[world->thief.victim];
    world_say(world, "%s changes its keys", node->name);
    for (uint8_t i = 0; i < SYNC_CARD_KEYS; i++) {
        uint8_t seed[SIGN_SEED_SIZE] = {(uint8_t)(node->number + 1), i, 2};
        if (i == SYNC_CARD_ROOT)
            continue;
        node->keys[i] = sign_key_from_seed(seed);
        node->card.key[i] = node->keys[i].public;
    }
    node->card.number++;
    node->card.issued_us -= 12 * 60 * MINUTE_US; /* in force at once, also where clocks are behind */
    buf_clear(&node->card_text);
    must(sync_card_sign(&node->card, &node->keys[SYNC_CARD_ROOT], &node->card_text, NULL) == ERR_OK);
    world->thief.over = true;
    node->own.card = node->card;
    buf_init(&node->own.card_text, LIMIT_CARD_BYTES);
    buf_put(&node->own.card_text, node->card_text.at, node->card_text.len);
    sync_serve_own(node->serve, &node->own);
    for (unsigned n = 0; n < world->node_count; n++)
        thief_card_again(&world->nodes[n]);
}

void thief_turn(struct world *world)
{
    struct thief *thief = &world->thief;
    if (!world_has(world, WITH_THIEVES))
        return;
    if (!thief->over && world->ops_left <= thief->ops_left && all_hear(world))
        change_keys(world);
    struct node *node = &world->nodes[world_partner(
        world, thief->victim, draw_below(&thief->draw, world_partner_count(world, thief->victim)))];
    enum asked what = (enum asked)draw_below(&thief->draw, ASKED);
    if (draw_chance(&thief->draw, TURNS_OFTEN) && node_is_up(node) && !node_stands_still(node) &&
        !world->broken)
        try_one(world, node, what);
}

void thief_settled(struct world *world)
{
    struct thief *thief = &world->thief;
    if (!world_has(world, WITH_THIEVES) || world->broken || guard_is_alone(world))
        return;
    if (!thief->over)
        change_keys(world);
    for (unsigned i = 0; i < world_partner_count(world, thief->victim); i++)
        for (unsigned what = 0; what < ASKED && !world->broken; what++)
            try_one(world, &world->nodes[world_partner(world, thief->victim, i)], (enum asked)what);
}

void thief_deinit(struct node *node)
{
    buf_deinit(&node->own.card_text);
}
