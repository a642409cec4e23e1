#include "app/edge_role.h"

#include <stdio.h>

#include "app/certificate.h"
#include "app/edge_cache.h"
#include "app/edge_feed.h"
#include "app/file.h"
#include "app/keys.h"
#include "app/link.h"
#include "app/message.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "net/client.h"
#include "net/server.h"
#include "sync/wire.h"

enum {
    PEM_BYTES_MAX = 1 << 20,
    LINGER_MS = 300,  /* at a stop core may still answer what it has in hand */
    COMING_MS = 1000, /* core is told so often that an answer is coming */
};

struct waiting { /* a request that core has */
    struct edge_role *role;
    struct request *request; /* NULL: free */
    uint64_t id;
    struct edge_wish wish;
    bool keyed; /* the answer may be kept under `key` */
    struct hash key;
};

struct partner { /* one that may call us and that we may call */
    bool known;
    struct edge_role *role;
    /* Of its present card and of the next one. A key keeps its place for as long as it is one. */
    struct {
        bool used;
        uint8_t at[EXCHANGE_KEY_SIZE];
    } keys[MESSAGE_PEER_KEYS];
    char origin[LIMIT_HOST_BYTES + 32];
    struct line {
        struct tls *tls;
        struct client *client;
    } line, any; /* by its keys; by whatever key, to show cards, made when it is wanted */
};

struct calling { /* a call to a partner under way */
    struct edge_role *role;
    struct client_call *call; /* NULL: free */
    uint64_t id;
    uint64_t said_ms; /* when core was told that the answer is coming, or the call began */
    uint32_t partner;
};

struct edge_role {
    struct loop *loop;
    const struct os *os;
    const struct conf *conf;
    const struct diag *diag;
    void (*broken)(void *ctx);
    void *broken_ctx;
    struct tls_identity *identity, *node_identity; /* what the server shows; what we show to partners */
    struct tls *tls;
    struct route routes[1];
    struct server *server;
    struct link *core;
    struct edge_cache *cache;
    struct edge_feeds *feeds;
    struct loop_timer linger, sweep, tell;
    uint16_t port;
    bool stopping, sweeping, telling;
    struct buf used; /* what MESSAGE_ACCESS is to say */
    uint64_t next_id;
    struct buf wire;
    /* Lists of the request in hand. */
    char accept[LIMIT_HTTP_HEAD_BYTES], none_match[LIMIT_HTTP_HEAD_BYTES], codings[LIMIT_HTTP_HEAD_BYTES];
    struct waiting waiting[LIMIT_EDGE_REQUESTS];
    struct partner partners[LIMIT_PARTNERS];
    struct calling calling[LIMIT_EDGE_CALLS];
};

/* --- requests --- */

static struct waiting *waiting_of(struct edge_role *role, uint64_t id)
{
    struct waiting *waiting = &role->waiting[id % LIMIT_EDGE_REQUESTS];
    return waiting->request != NULL && waiting->id == id ? waiting : NULL;
}

/* Ids rise; the place is id modulo the table, so that an answer finds it at once. */
static struct waiting *waiting_new(struct edge_role *role)
{
    for (size_t tries = 0; tries < LIMIT_EDGE_REQUESTS; tries++) {
        uint64_t id = role->next_id++;
        struct waiting *waiting = &role->waiting[id % LIMIT_EDGE_REQUESTS];
        if (waiting->request == NULL) {
            waiting->id = id;
            waiting->role = role;
            return waiting;
        }
    }
    return NULL;
}

static enum exchange_method method_of(struct str method)
{
    static const struct {
        const char *word;
        enum exchange_method method;
    } words[] = {{"GET", EXCHANGE_GET},
                 {"HEAD", EXCHANGE_HEAD},
                 {"POST", EXCHANGE_POST},
                 {"DELETE", EXCHANGE_DELETE},
                 {"OPTIONS", EXCHANGE_OPTIONS}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(method, str_of(words[i].word)))
            return words[i].method;
    return EXCHANGE_OTHER;
}

static void fill_peer(struct exchange_request *out, const struct tls_peer *peer)
{
    out->secure = peer->secure;
    out->has_peer_key = peer->has_key;
    if (!peer->has_key)
        return;
    memcpy(out->peer_key, peer->pin.b, EXCHANGE_KEY_SIZE);
}

static void describe(struct edge_role *role, struct request *request, uint64_t id,
                     struct exchange_request *out)
{
    const struct http1_head *head = request_head(request);
    *out = (struct exchange_request) {
        .id = id,
        .method = method_of(head->method),
        .path = request_path(request),
        .query = head->query,
        .host = request_field(request, STR("host")),
        .accept = request_list(request, STR("accept"), role->accept),
        .content_type = request_field(request, STR("content-type")),
        .authorization = request_field(request, STR("authorization")),
        .if_none_match = request_list(request, STR("if-none-match"), role->none_match),
        .origin = request_field(request, STR("origin")),
        .body = request_body(request),
        .network = request_address(request)->network,
    };
    fill_peer(out, request_peer(request));
}

static void gone(void *ctx)
{
    struct waiting *waiting = ctx;
    struct edge_role *role = waiting->role;
    waiting->request = NULL;
    buf_clear(&role->wire);
    wr_u64(&role->wire, waiting->id);
    /* Unheard, core answers in vain. */
    (void)!link_send(role->core, MESSAGE_GONE, buf_bytes(&role->wire));
}

/* --- the access record: core writes it --- */

static void tell_send(struct edge_role *role)
{
    if (role->used.len == 0)
        return;
    if (buf_err(&role->used) != ERR_OK ||
        link_send(role->core, MESSAGE_ACCESS, buf_bytes(&role->used)) != ERR_OK)
        diag_say(role->diag, DIAG_WARNING, ERR_FULL, "edge", NULL,
                 "answers given again are missing from the access record: core is too far behind");
    buf_clear(&role->used);
}

static void page_used(void *ctx, const struct message_used *used)
{
    struct edge_role *role = ctx;
    if (role->used.len > LIMIT_ACCESS_PENDING_BYTES - 2 * EXCHANGE_NOTE_MAX)
        tell_send(role);
    message_used_write(&role->used, used);
}

static void tell(void *ctx)
{
    struct edge_role *role = ctx;
    role->telling = false;
    edge_cache_tell(role->cache);
    tell_send(role);
}

static void tell_later(struct edge_role *role)
{
    if (role->telling)
        return;
    /* Without memory for a timer the next page tries again. */
    role->telling =
        loop_timer_set(role->loop, &role->tell, loop_now_ms(role->loop) + LIMIT_ACCESS_TELL_MS) == ERR_OK;
}

static void handle(void *ctx, struct request *request)
{
    struct edge_role *role = ctx;
    struct exchange_request wanted;
    struct answer kept;
    struct edge_wish wish;
    struct hash key = {0};
    if (coding_choose(request_list(request, STR("accept-encoding"), role->codings), role->conf->compress,
                      &wish.coding, &wish.plain) != ERR_OK) {
        request_refuse(request, 406, "none of the accepted codings is known here", NULL);
        return;
    }
    describe(role, request, 0, &wanted);
    bool keyed = edge_cache_key(role->cache, &wanted, &key);
    if (keyed && edge_cache_find(role->cache, &key, &wish, &kept)) {
        tell_later(role);
        request_answer(request, &kept);
        return;
    }
    struct waiting *waiting =
        role->stopping || !link_up(role->core) || link_pending(role->core) > LIMIT_LINK_MESSAGE_BYTES
            ? NULL
            : waiting_new(role);
    if (waiting == NULL) {
        request_refuse(request, 503, "not now; try again", NULL);
        return;
    }
    waiting->wish = wish;
    waiting->keyed = keyed;
    waiting->key = key;
    wanted.id = waiting->id;
    buf_clear(&role->wire);
    exchange_request_write(&role->wire, &wanted);
    if (buf_err(&role->wire) != ERR_OK ||
        link_send(role->core, MESSAGE_REQUEST, buf_bytes(&role->wire)) != ERR_OK) {
        request_refuse(request, 503, "not now; try again", NULL);
        return;
    }
    waiting->request = request;
    request_on_gone(request, gone, waiting);
}

static bool ground_over(void *ctx, const struct answer_ground *ground)
{
    const struct edge_role *role = ctx;
    unsigned partner = ground->view - MARK_VIEWS;
    return partner >= LIMIT_PARTNERS || link_mark(role->core, MARK_TAKEN + partner) != ground->taken;
}

/* Something was taken back. What is broken off here is all that is left of answers made before: those on
 * their way to here, and those that come to be packed, meet the marks in `respond`. */
static void core_rung(void *ctx)
{
    struct edge_role *role = ctx;
    uint64_t round = link_mark(role->core, MARK_ROUND);
    if (round <= link_raised(role->core, MARK_ROUND))
        return;
    size_t count = server_break(role->server, ground_over, role);
    if (count > 0)
        diag_say(role->diag, DIAG_NOTICE, ERR_OK, "edge", NULL,
                 "%zu connections were reset: what they were sending may not be sent any more", count);
    link_reach(role->core, MARK_ROUND, round);
    link_ring(role->core);
}

static void sweep_later(struct edge_role *role);

/* What nobody asks for any more does not stay in memory. */
static void sweep(void *ctx)
{
    struct edge_role *role = ctx;
    role->sweeping = false;
    if (edge_cache_sweep(role->cache))
        sweep_later(role);
}

static void sweep_later(struct edge_role *role)
{
    if (role->sweeping)
        return;
    /* Without memory for a timer the next page that is kept tries again. */
    role->sweeping =
        loop_timer_set(role->loop, &role->sweep, loop_now_ms(role->loop) + LIMIT_EDGE_CACHE_SWEEP) == ERR_OK;
}

static void respond(struct edge_role *role, struct bytes body)
{
    struct exchange_answer answer;
    if (exchange_answer_read(body, &answer) != ERR_OK)
        return;
    struct waiting *waiting = waiting_of(role, answer.id);
    if (waiting == NULL || answer.status == 0)
        return;
    struct request *request = waiting->request;
    waiting->request = NULL;
    char type[128];
    struct answer out;
    struct answer_ground ground = {answer.marks.view, answer.marks.taken};
    if (ground.view != 0 && ground_over(role, &ground)) {
        request_refuse(request, 503, "not now; try again", NULL);
        return;
    }
    if (waiting->keyed && edge_cache_keep(role->cache, &waiting->key, &answer, &waiting->wish, &out)) {
        request_answer(request, &out);
        sweep_later(role);
        return;
    }
    out = (struct answer) {.status = (int)answer.status, .body = answer.body, .ground = ground};
    if (answer.content_type.len > 0 && answer.content_type.len < sizeof type) {
        memcpy(type, answer.content_type.at, answer.content_type.len);
        type[answer.content_type.len] = '\0';
        out.type = type;
    }
    for (size_t i = 0; i < answer.header_count && i < ANSWER_FIELDS_MAX; i++)
        out.fields[i] = (struct http1_field) {answer.headers[i].name, answer.headers[i].value};
    out.page = edge_pack_pays(&waiting->wish, answer.body.len)
                   ? edge_pack_page(waiting->wish.coding, answer.body)
                   : NULL; /* without memory it goes plain */
    edge_pack_say(out.page != NULL ? waiting->wish.coding : CODING_IDENTITY, &out);
    request_answer(request, &out);
    page_unref(out.page);
}

/* Core is new, or we stop: nobody will answer these any more. */
static void refuse_waiting(struct edge_role *role)
{
    for (size_t i = 0; i < LIMIT_EDGE_REQUESTS; i++) {
        struct request *request = role->waiting[i].request;
        role->waiting[i].request = NULL;
        if (request != NULL)
            request_refuse(request, 503, "not now; try again", NULL);
    }
}

/* --- partners --- */

static bool same_key(const struct tls_peer *peer, const uint8_t key[EXCHANGE_KEY_SIZE])
{
    return memcmp(peer->pin.b, key, EXCHANGE_KEY_SIZE) == 0;
}

/* By which of its keys? MESSAGE_PEER_KEYS: by none. */
static size_t which_key(const struct partner *partner, const struct tls_peer *peer)
{
    size_t which = 0;
    while (which < MESSAGE_PEER_KEYS &&
           !(partner->known && partner->keys[which].used && same_key(peer, partner->keys[which].at)))
        which++;
    return which;
}

/* Who calls us, and by which key: connections end with it. */
static bool know_caller(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    const struct edge_role *role = ctx;
    for (size_t i = 0; i < LIMIT_PARTNERS; i++) {
        size_t which = which_key(&role->partners[i], peer);
        if (which < MESSAGE_PEER_KEYS) {
            *out_id = i * MESSAGE_PEER_KEYS + which;
            return true;
        }
    }
    return false;
}

/* Whom we called. */
static bool know_called(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    const struct partner *partner = ctx;
    *out_id = 0;
    return which_key(partner, peer) < MESSAGE_PEER_KEYS;
}

/* Whoever is there: cards alone are shown, and what comes back is believed by its signature. */
static bool know_anybody(void *ctx, const struct tls_peer *peer, uint64_t *out_id)
{
    (void)ctx;
    (void)peer;
    *out_id = 0;
    return true;
}

static void say_answer(struct edge_role *role, const struct message_answer *answer);

static void close_line(struct line *line)
{
    client_close(line->client);
    tls_close(line->tls);
    *line = (struct line) {NULL, NULL};
}

/* Core hears that no answer comes: it need not wait for as long as a slow line takes. */
static void close_client(struct edge_role *role, uint32_t index)
{
    struct partner *partner = &role->partners[index];
    for (size_t i = 0; i < LIMIT_EDGE_CALLS; i++) {
        struct calling *calling = &role->calling[i];
        if (calling->call == NULL || calling->partner != index)
            continue;
        calling->call = NULL;
        say_answer(role, &(struct message_answer) {.id = calling->id, .err = ERR_CLOSED});
    }
    close_line(&partner->line);
    close_line(&partner->any);
}

static void drop_key(struct edge_role *role, uint32_t index, size_t which)
{
    if (role->partners[index].keys[which].used && role->server != NULL)
        server_drop_peer(role->server, (uint64_t)index * MESSAGE_PEER_KEYS + which);
    role->partners[index].keys[which].used = false;
}

static void forget(struct edge_role *role, uint32_t index)
{
    close_client(role, index);
    for (size_t which = 0; which < MESSAGE_PEER_KEYS; which++)
        drop_key(role, index, which);
    role->partners[index].known = false;
}

static err_t open_client(struct edge_role *role, struct partner *partner, bool any, struct line *out)
{
    struct tls_conf tls = {.client = true,
                           .trust = TLS_TRUST_PINNED,
                           .identity = role->node_identity,
                           .know = any ? know_anybody : know_called,
                           .ctx = partner,
                           .pad_bytes = role->conf->pad_records};
    err_t err = tls_open(&tls, &out->tls);
    if (err != ERR_OK)
        return err;
    struct client_conf conf = {.origin = partner->origin, .tls = out->tls};
    return client_open(role->loop, &conf, &out->client);
}

static bool names_key(const struct message_peer *peer, const uint8_t key[EXCHANGE_KEY_SIZE])
{
    for (size_t i = 0; i < peer->key_count; i++)
        if (memcmp(peer->keys[i], key, EXCHANGE_KEY_SIZE) == 0)
            return true;
    return false;
}

static bool has_key(const struct partner *partner, const uint8_t key[EXCHANGE_KEY_SIZE])
{
    for (size_t i = 0; i < MESSAGE_PEER_KEYS; i++)
        if (partner->keys[i].used && memcmp(partner->keys[i].at, key, EXCHANGE_KEY_SIZE) == 0)
            return true;
    return false;
}

/* True when one that was known is a stranger's now. */
static bool take_keys(struct edge_role *role, const struct message_peer *peer)
{
    struct partner *partner = &role->partners[peer->partner];
    bool lost = false;
    for (size_t which = 0; which < MESSAGE_PEER_KEYS; which++)
        if (partner->keys[which].used && !names_key(peer, partner->keys[which].at)) {
            drop_key(role, peer->partner, which);
            lost = true;
        }
    for (size_t i = 0; i < peer->key_count; i++)
        for (size_t which = 0; which < MESSAGE_PEER_KEYS && !has_key(partner, peer->keys[i]); which++)
            if (!partner->keys[which].used) {
                partner->keys[which].used = true;
                memcpy(partner->keys[which].at, peer->keys[i], EXCHANGE_KEY_SIZE);
            }
    return lost;
}

static void meet(struct edge_role *role, const struct message_peer *peer)
{
    struct partner *partner = &role->partners[peer->partner];
    bool lost = take_keys(role, peer);
    bool same = partner->known && !lost && str_eq(str_of(partner->origin), peer->origin);
    partner->known = true;
    partner->role = role;
    if (same)
        return;
    close_client(role, peer->partner);
    (void)snprintf(partner->origin, sizeof partner->origin, "%.*s", STR_ARG(peer->origin));
    if (peer->origin.len == 0)
        return;
    err_t err = open_client(role, partner, false, &partner->line);
    if (err != ERR_OK) {
        diag_say(role->diag, DIAG_ERROR, err, "edge", "look at the address on its card",
                 "a partner at %s cannot be called: %s", partner->origin, err_text(err));
        close_client(role, peer->partner);
    }
}

static void take_peers(struct edge_role *role, struct bytes body)
{
    struct rd rd = rd_of(body);
    bool named[LIMIT_PARTNERS] = {false};
    while (rd.left > 0) {
        struct message_peer peer = message_peer_next(&rd);
        if (rd.err != ERR_OK || peer.partner >= LIMIT_PARTNERS)
            return;
        named[peer.partner] = true;
        meet(role, &peer);
    }
    for (uint32_t i = 0; i < LIMIT_PARTNERS; i++)
        if (!named[i])
            forget(role, i);
}

/* --- calls --- */

static void say_answer(struct edge_role *role, const struct message_answer *answer)
{
    buf_clear(&role->wire);
    message_answer_write(&role->wire, answer);
    if (buf_err(&role->wire) != ERR_OK ||
        link_send(role->core, MESSAGE_ANSWER, buf_bytes(&role->wire)) != ERR_OK)
        diag_say(role->diag, DIAG_WARNING, ERR_FULL, "edge", "the call is made again",
                 "a partner's answer was dropped: core is too far behind");
}

/* Core's patience is for a line that carries nothing. Unsaid, it ends the earlier. */
static void call_coming(void *ctx)
{
    struct calling *calling = ctx;
    struct edge_role *role = calling->role;
    uint64_t now_ms = loop_now_ms(role->loop);
    if (now_ms - calling->said_ms < COMING_MS)
        return;
    calling->said_ms = now_ms;
    buf_clear(&role->wire);
    wr_u64(&role->wire, calling->id);
    (void)!link_send(role->core, MESSAGE_COMING, buf_bytes(&role->wire));
}

static void call_done(void *ctx, struct client_call *call, struct client_answer *got)
{
    struct calling *calling = ctx;
    (void)call;
    struct message_answer answer = {.id = calling->id, .err = got->err, .status = (unsigned)got->status};
    if (got->err == ERR_OK)
        answer.body = buf_bytes(got->body);
    calling->call = NULL;
    say_answer(calling->role, &answer);
}

/* NULL: there is none. */
static struct client *client_for(struct edge_role *role, const struct message_call *wanted)
{
    struct partner *partner = wanted->partner < LIMIT_PARTNERS ? &role->partners[wanted->partner] : NULL;
    if (partner == NULL || partner->line.client == NULL || !wanted->any_key)
        return partner == NULL ? NULL : partner->line.client;
    if (!str_eq(wanted->target, STR(SYNC_PATH_CARD)))
        return NULL;
    if (partner->any.client == NULL && open_client(role, partner, true, &partner->any) != ERR_OK)
        close_line(&partner->any);
    return partner->any.client;
}

static err_t start_call(struct edge_role *role, const struct message_call *wanted)
{
    char target[LIMIT_HTTP_TARGET_BYTES + 1];
    struct calling *calling = NULL;
    struct client *client = client_for(role, wanted);
    for (size_t i = 0; i < LIMIT_EDGE_CALLS && calling == NULL; i++)
        if (role->calling[i].call == NULL)
            calling = &role->calling[i];
    if (client == NULL || calling == NULL || role->stopping)
        return client == NULL ? ERR_NOTFOUND : ERR_FULL;
    memcpy(target, wanted->target.at, wanted->target.len);
    target[wanted->target.len] = '\0';
    *calling = (struct calling) {
        .role = role, .id = wanted->id, .said_ms = loop_now_ms(role->loop), .partner = wanted->partner};
    struct client_request request = {.method = wanted->method == EXCHANGE_POST ? "POST" : "GET",
                                     .target = target,
                                     .body = wanted->body,
                                     .answer_max = wanted->answer_max,
                                     .timeout_ms = wanted->timeout_ms,
                                     .quiet_ms = wanted->quiet_ms,
                                     .coming = call_coming,
                                     .done = call_done,
                                     .ctx = calling};
    if (wanted->content_type.len > 0)
        request.fields[0] = (struct http1_field) {STR("content-type"), wanted->content_type};
    return client_call(client, &request, &calling->call);
}

static void call(struct edge_role *role, struct bytes body)
{
    struct message_call wanted;
    if (message_call_read(body, &wanted) != ERR_OK)
        return;
    err_t err = start_call(role, &wanted);
    if (err != ERR_OK)
        say_answer(role, &(struct message_answer) {.id = wanted.id, .err = err});
}

/* --- our own card --- */

/* Partners see the new key by connections that begin with it. */
static void call_anew(struct edge_role *role)
{
    for (uint32_t i = 0; i < LIMIT_PARTNERS; i++) {
        struct partner *partner = &role->partners[i];
        if (partner->line.client == NULL)
            continue;
        close_client(role, i);
        err_t err = open_client(role, partner, false, &partner->line);
        if (err != ERR_OK)
            diag_say(role->diag, DIAG_ERROR, err, "edge", "restart the node", "%s cannot be called: %s",
                     partner->origin, err_text(err));
    }
}

static err_t show_key(struct edge_role *role, const struct sign_public *public)
{
    struct tls_identity *fresh = NULL, *before = role->node_identity;
    struct tls_peer shown = tls_identity_peer(before);
    struct hash wanted = sign_public_pin(public);
    if (hash_eq(&shown.pin, &wanted))
        return ERR_OK;
    err_t err = certificate_make(role->os, role->conf, public, &fresh);
    if (err == ERR_OK && role->identity == NULL)
        err = tls_show(role->tls, fresh);
    if (err != ERR_OK) {
        tls_identity_free(fresh);
        return err;
    }
    role->node_identity = fresh;
    call_anew(role);
    tls_identity_free(before);
    return ERR_OK;
}

static void take_card(struct edge_role *role, struct bytes body)
{
    struct message_card card;
    if (message_card_read(body, &card) != ERR_OK)
        return;
    err_t err = show_key(role, &card.key[SYNC_CARD_TLS]);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "edge",
                 "bring back " KEYS_EDGE "/ from the newest backup, or make other keys: bongsu card --renew "
                 "--rotate all --from now",
                 "the TLS key that card %llu names is not here, and partners will refuse the one before: %s",
                 (unsigned long long)card.number, err_text(err));
}

/* --- the link --- */

static void from_core(void *ctx, unsigned kind, struct bytes body)
{
    struct edge_role *role = ctx;
    switch (kind) {
    case MESSAGE_RESPONSE:
        respond(role, body);
        break;
    case MESSAGE_PEERS:
        take_peers(role, body);
        break;
    case MESSAGE_CARD:
        take_card(role, body);
        break;
    case MESSAGE_CALL:
        call(role, body);
        break;
    default:
        (void)edge_feeds_message(role->feeds, kind, body);
        break;
    }
}

static err_t open_feeds(struct edge_role *role)
{
    struct edge_feeds_setup setup = {role->loop, role->os, role->conf, role->diag, role->core};
    return edge_feeds_new(&setup, &role->feeds);
}

static void core_fresh(void *ctx)
{
    struct edge_role *role = ctx;
    refuse_waiting(role);
    edge_cache_clear(role->cache);
    edge_feeds_clear(role->feeds);
    for (size_t i = 0; i < LIMIT_EDGE_CALLS; i++) {
        if (role->calling[i].call != NULL)
            client_cancel(role->calling[i].call);
        role->calling[i].call = NULL;
    }
    buf_clear(&role->wire);
    wr_u16(&role->wire, role->port);
    (void)!link_send(role->core, MESSAGE_LISTENING, buf_bytes(&role->wire));
}

static void core_broken(void *ctx)
{
    struct edge_role *role = ctx;
    diag_say(role->diag, DIAG_ERROR, ERR_CORRUPT, "edge", "the node restarts this role",
             "another role wrote nonsense into shared memory");
    role->broken(role->broken_ctx);
}

/* --- life --- */

static err_t read_operator_identity(struct edge_role *role)
{
    struct buf chain, key;
    err_t err;
    buf_init(&chain, PEM_BYTES_MAX);
    buf_init(&key, PEM_BYTES_MAX);
    if (!TRY(err, file_read_all(role->os, role->conf->certificate, &chain)) &&
        !TRY(err, file_read_all(role->os, role->conf->certificate_key, &key)))
        err = tls_identity_read(buf_bytes(&chain), buf_bytes(&key), &role->identity);
    if (key.at != NULL)
        mem_wipe(key.at, key.size);
    buf_deinit(&chain);
    buf_deinit(&key);
    return err;
}

static err_t lock_keys(const struct edge_role *role)
{
    bool locked = true;
    err_t err = tls_lock_keys(&locked);
    if (!locked)
        diag_say(role->diag, DIAG_WARNING, ERR_LIMIT, "edge", "LimitMEMLOCK= of the unit, or `ulimit -l`",
                 "the TLS keys cannot be locked in memory: they may be written to swap");
    return err;
}

static err_t open_tls(struct edge_role *role)
{
    err_t err = lock_keys(role);
    if (err == ERR_OK)
        err = certificate_make(role->os, role->conf, NULL, &role->node_identity);
    if (err == ERR_OK && role->conf->certificate[0] != '\0')
        err = read_operator_identity(role);
    if (err != ERR_OK)
        return err;
    struct tls_conf conf = {.allow_tls12 = true,
                            .trust = TLS_TRUST_OFFERED,
                            .identity = role->identity != NULL ? role->identity : role->node_identity,
                            .know = know_caller,
                            .ctx = role,
                            .pad_bytes = role->conf->pad_records};
    return tls_open(&conf, &role->tls);
}

static err_t open_server(struct edge_role *role)
{
    role->routes[0] = (struct route) {.method = "*",
                                      .pattern = "/**",
                                      .body_max = LIMIT_TAXII_CONTENT_BYTES,
                                      .handle = handle,
                                      .ctx = role};
    struct server_conf conf = {.routes = role->routes,
                               .route_count = 1,
                               .refusal_type = "application/taxii+json;version=2.1",
                               .methods = "GET, HEAD, POST, DELETE, OPTIONS",
                               .wall_us = role->os->wall_us,
                               .wall_ctx = role->os->ctx};
    err_t err = server_open(role->loop, &conf, &role->server);
    if (err == ERR_OK)
        err = server_listen(role->server, role->conf->listen.host, role->conf->listen.port, role->tls,
                            &role->port);
    if (err != ERR_OK)
        diag_say(role->diag, DIAG_ERROR, err, "edge", "is the address ours, and the port free?",
                 "cannot listen on %s port %u: %s", role->conf->listen.host, role->conf->listen.port,
                 err_text(err));
    return err;
}

static uint64_t mark_now(void *ctx, unsigned mark)
{
    const struct edge_role *role = ctx;
    return link_mark(role->core, mark);
}

static err_t open_cache(struct edge_role *role)
{
    struct edge_cache_now now = {mark_now, page_used, role};
    struct hash key;
    err_t err = role->os->random(role->os->ctx, key.b, sizeof key.b);
    if (err == ERR_OK)
        err = edge_cache_new(&key, LIMIT_EDGE_CACHE_BYTES, &now, &role->cache);
    mem_wipe(&key, sizeof key);
    return err;
}

err_t edge_role_open(struct loop *loop, const struct os *os, const struct conf *conf, const struct diag *diag,
                     const struct os_channel_fds *core, const struct os_channel_fds *marks,
                     void (*broken)(void *ctx), void *ctx, struct edge_role **out)
{
    struct edge_role *role = mem_alloc(sizeof *role);
    err_t err;
    if (role == NULL)
        return ERR_NOMEM;
    role->loop = loop;
    role->os = os;
    role->conf = conf;
    role->diag = diag;
    role->broken = broken;
    role->broken_ctx = ctx;
    role->next_id = 1;
    role->sweep = (struct loop_timer) {.fire = sweep, .ctx = role};
    role->tell = (struct loop_timer) {.fire = tell, .ctx = role};
    buf_init(&role->used, LIMIT_ACCESS_PENDING_BYTES);
    buf_init(&role->wire, LIMIT_LINK_MESSAGE_BYTES);
    struct link_handler handler = {from_core, core_fresh, NULL, core_broken, core_rung, role};
    if (TRY(err, open_tls(role))) {
        diag_say(diag, DIAG_ERROR, err, "edge", "look at keys/tls and at certificate in bongsu.yaml",
                 "the TLS key or certificate cannot be used: %s", err_text(err));
        goto out;
    }
    if (TRY(err, open_cache(role)) || TRY(err, open_server(role)) ||
        TRY(err, link_open(loop, os, core, 1, &handler, &role->core)) ||
        TRY(err, link_marks(role->core, marks, 1)) || TRY(err, open_feeds(role)))
        goto out;
    *out = role;
    return ERR_OK;
out:
    edge_role_close(role);
    return err;
}

static void linger_over(void *ctx)
{
    refuse_waiting(ctx);
}

void edge_role_stop(struct edge_role *role, void (*done)(void *ctx), void *ctx)
{
    role->stopping = true;
    tell(role);
    role->linger = (struct loop_timer) {.fire = linger_over, .ctx = role};
    if (loop_timer_set(role->loop, &role->linger, loop_now_ms(role->loop) + LINGER_MS) != ERR_OK)
        refuse_waiting(role);
    server_stop(role->server, done, ctx);
}

void edge_role_close(struct edge_role *role)
{
    if (role == NULL)
        return;
    loop_timer_stop(role->loop, &role->linger);
    loop_timer_stop(role->loop, &role->sweep);
    loop_timer_stop(role->loop, &role->tell);
    for (uint32_t i = 0; i < LIMIT_PARTNERS; i++)
        close_client(role, i);
    edge_feeds_free(role->feeds);
    server_close(role->server);
    edge_cache_free(role->cache);
    link_close(role->core);
    tls_close(role->tls);
    tls_identity_free(role->identity);
    tls_identity_free(role->node_identity);
    buf_deinit(&role->used);
    buf_deinit(&role->wire);
    mem_free(role);
}
