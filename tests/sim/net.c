/* The network: requests and answers that may be late, lost, repeated, overtaken, or cut off for a while. What
 * happens to a message follows from the seed, its link and its number on that link, so that traffic elsewhere
 * moves nothing. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

#include "ledger/cosign.h"

static struct message *post(struct world *world, unsigned from, unsigned to, struct draw *draw)
{
    if (world->message_count == MESSAGES_MAX) {
        world_break(world, "the network is full");
        return NULL;
    }
    struct message *message = &world->messages[world->message_count++];
    *message = (struct message) {.from = from, .to = to, .order = world->message_orders++};
    message->at_us = world->now_us + 500 + (int64_t)(draw_next(draw) % (uint64_t)(world->jitter_us + 1));
    buf_init(&message->body, LIMIT_SYNC_PAGE_BYTES);
    world->counts.messages++;
    return message;
}

/* How many copies of the next message on this link arrive. */
static unsigned copies(struct world *world, unsigned from, unsigned to, struct draw *out_draw)
{
    *out_draw = draw_of(world->options.seed, 30 + from * world->node_count + to, world->sent[from][to]++);
    unsigned fate = draw_below(out_draw, 1000);
    if (world->cut[from][to] || fate < world->lost)
        return 0;
    return fate < world->lost + world->repeated ? 2 : 1;
}

void net_send(struct node *node, unsigned to, const struct sync_send *send)
{
    struct world *world = node->world;
    struct draw draw;
    for (unsigned n = copies(world, node->number, to, &draw); n > 0; n--) {
        struct message *message = post(world, node->number, to, &draw);
        if (message == NULL)
            return;
        must(send->path.len < sizeof message->path && send->query.len < sizeof message->query);
        message->client_id = send->id;
        message->method = send->method;
        memcpy(message->path, send->path.at, send->path.len);
        if (send->query.len > 0)
            memcpy(message->query, send->query.at, send->query.len);
        buf_put(&message->body, send->body.at, send->body.len);
        liar_asks(world, message);
    }
}

void transcript_note(struct world *world, unsigned to, const struct exchange_response *response)
{
    struct transcript *transcript = &world->transcript[to];
    uint64_t head[2] = {(uint64_t)world->now_us, response->status};
    struct bytes parts[4 + 2 * EXCHANGE_HEADERS_MAX] = {
        bytes_of(transcript->hash.b, HASH_SIZE), bytes_of(head, sizeof head), buf_bytes(&response->body),
        bytes_from_str(str_of(response->content_type))};
    size_t count = 4;
    for (size_t i = 0; i < response->header_count; i++) {
        parts[count++] = bytes_from_str(str_of(response->headers[i].name));
        parts[count++] = bytes_from_str(response->headers[i].value);
    }
    transcript->hash = hash_sha256_parts(parts, count);
    must(transcript->count < TRANSCRIPT_MAX);
    transcript->at[transcript->count].at_us = world->now_us;
    memcpy(&transcript->at[transcript->count++].digest, transcript->hash.b, 8);
}

static void answer(struct world *world, unsigned from, unsigned to, uint64_t client_id, const char *path,
                   const struct exchange_response *response)
{
    struct draw draw;
    if (from == 0)
        transcript_note(world, to, response);
    for (unsigned n = copies(world, from, to, &draw); n > 0; n--) {
        struct message *message = post(world, from, to, &draw);
        if (message == NULL)
            return;
        message->answer = true;
        message->client_id = client_id;
        message->status = response->status;
        buf_put(&message->body, response->body.at, response->body.len);
        liar_answers(world, message, path);
        vouch_bend(world, message);
    }
}

static void keep(struct world *world, const struct message *message, uint64_t server_id)
{
    for (size_t i = 0; i < sizeof world->kept / sizeof *world->kept; i++) {
        if (world->kept[i].server_id != 0)
            continue;
        world->kept[i] =
            (struct kept_request) {server_id, message->client_id, message->from, message->to, {0}};
        (void)snprintf(world->kept[i].path, sizeof world->kept[i].path, "%s", message->path);
        return;
    }
    world_break(world, "%s keeps more requests than it should", world->nodes[message->to].name);
}

static void request_arrives(struct world *world, const struct message *message)
{
    static const uint8_t padding[JSON_PADDING];
    struct node *node = &world->nodes[message->to];
    struct exchange_response response;
    struct buf body;
    bool commit = false;
    buf_init(&body, LIMIT_SYNC_PAGE_BYTES + JSON_PADDING);
    buf_put(&body, message->body.at, message->body.len);
    recall_speak(world, message, &body);
    size_t len = body.len;
    buf_put(&body, padding, sizeof padding);
    struct exchange_request request = {.id = ++world->server_ids,
                                       .method = message->method,
                                       .path = str_of(message->path),
                                       .query = str_of(message->query),
                                       .body = bytes_of(body.at, len),
                                       .secure = true,
                                       .has_peer_key = true};
    memcpy(request.peer_key, world->nodes[message->from].keys[SYNC_CARD_TLS].public.b, EXCHANGE_KEY_SIZE);
    if (message->body.len > 0)
        request.content_type = STR("application/vnd.bongsu.sync");
    exchange_response_init(&response, request.id, LIMIT_SYNC_PAGE_BYTES);
    (void)memory_of(node);
    sync_serve_handle(node->serve, &request, node_now(node), &response, &commit);
    (void)memory_of(NULL);
    if (commit && node_failed(node, node_commit(node), "committing a receipt"))
        goto out;
    if (buf_err(&response.body) != ERR_OK) {
        world_say(world, "%s has no memory for its answer", node->name); /* the connection ends */
    } else if (response.status == 0) {
        keep(world, message, request.id);
    } else {
        watch_answer(node, message->from, &request, &response);
        answer(world, message->to, message->from, message->client_id, message->path, &response);
    }
    node_pump(node);
out:
    exchange_response_deinit(&response);
    buf_deinit(&body);
}

static bool late_answer(struct node *node, struct exchange_response *out)
{
    (void)memory_of(node);
    bool any = sync_serve_next(node->serve, node_now(node), out);
    (void)memory_of(NULL);
    return any;
}

void net_late_answers(struct node *node)
{
    struct world *world = node->world;
    struct exchange_response response;
    while (!world->broken && late_answer(node, &response)) {
        bool found = false;
        for (size_t i = 0; i < sizeof world->kept / sizeof *world->kept; i++) {
            struct kept_request kept = world->kept[i];
            if (kept.server_id != response.id)
                continue;
            found = true;
            world->kept[i].server_id = 0;
            watch_answer(node, kept.client, &(struct exchange_request) {.path = str_of(kept.path)},
                         &response);
            answer(world, node->number, kept.client, kept.client_id, kept.path, &response);
        }
        if (!found)
            world_break(world, "%s answered what nobody asked", node->name);
        exchange_response_deinit(&response);
    }
}

void net_forget(struct world *world, unsigned node)
{
    for (size_t i = 0; i < sizeof world->kept / sizeof *world->kept; i++) {
        struct kept_request *kept = &world->kept[i];
        if (kept->server_id == 0 || (kept->server != node && kept->client != node))
            continue;
        if (kept->server != node && node_is_up(&world->nodes[kept->server]))
            sync_serve_forget(world->nodes[kept->server].serve, kept->server_id);
        kept->server_id = 0;
    }
    /* Connections of a process that ends are gone with it. */
    for (size_t i = 0; i < world->message_count; i++)
        if (world->messages[i].to == node || (world->messages[i].from == node && !world->messages[i].answer))
            world->messages[i].at_us = -1;
}

/* Takes out the next message that is due. */
static bool take(struct world *world, struct message *out)
{
    size_t kept = 0, best = SIZE_MAX;
    for (size_t i = 0; i < world->message_count; i++) {
        if (world->messages[i].at_us < 0)
            buf_deinit(&world->messages[i].body);
        else
            world->messages[kept++] = world->messages[i];
    }
    world->message_count = kept;
    for (size_t i = 0; i < kept; i++) {
        const struct message *message = &world->messages[i];
        const struct message *first = best == SIZE_MAX ? NULL : &world->messages[best];
        if (message->at_us <= world->now_us &&
            (first == NULL || message->at_us < first->at_us ||
             (message->at_us == first->at_us && message->order < first->order)))
            best = i;
    }
    if (best == SIZE_MAX)
        return false;
    *out = world->messages[best];
    world->messages[best] = world->messages[--world->message_count];
    return true;
}

void net_deliver(struct world *world)
{
    struct message message;
    while (!world->broken && take(world, &message)) {
        struct node *node = &world->nodes[message.to];
        if (node_is_up(node)) {
            disk_time_set(node->disk, node_now(node));
            if (message.answer) {
                struct sync_status before;
                sync_session_status(node->session[message.from], &before);
                (void)memory_of(node);
                sync_session_answer(node->session[message.from], message.client_id, message.status,
                                    &message.body, node_now(node));
                (void)memory_of(NULL);
                liar_heard(node, &message, &before);
                node_pump(node);
            } else {
                request_arrives(world, &message);
            }
        }
        buf_deinit(&message.body);
    }
}

int64_t net_next(const struct world *world)
{
    int64_t next = NEVER;
    for (size_t i = 0; i < world->message_count; i++)
        if (world->messages[i].at_us < next)
            next = world->messages[i].at_us;
    return next;
}
