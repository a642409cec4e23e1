#include "net/server.h"

#include "core/mem.h"
#include "net/conn.h"

struct listener {
    struct listener *next;
    struct server *server;
    struct tls *tls;
    struct loop_watch watch;
};

static void on_stop_timer(void *ctx)
{
    struct server *server = ctx;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        conn_doom(conn);
}

static void on_stopped(void *ctx)
{
    struct server *server = ctx;
    loop_timer_stop(server->loop, &server->stop_timer);
    if (server->done != NULL)
        server->done(server->done_ctx);
}

static uint64_t or_limit(uint64_t value, uint64_t limit)
{
    return value == 0 ? limit : value;
}

err_t server_open(struct loop *loop, const struct server_conf *conf, struct server **out)
{
    if (conf->route_count > LIMIT_HTTP_ROUTES)
        return ERR_LIMIT;
    struct server *server = mem_alloc(sizeof *server);
    if (server == NULL)
        return ERR_NOMEM;
    server->loop = loop;
    server->conf = *conf;
    server->conf.connections_max = or_limit(conf->connections_max, LIMIT_NET_CONNECTIONS);
    server->conf.head_ms = or_limit(conf->head_ms, LIMIT_HTTP_HEAD_MS);
    server->conf.idle_ms = or_limit(conf->idle_ms, LIMIT_HTTP_IDLE_MS);
    server->conf.stall_ms = or_limit(conf->stall_ms, LIMIT_HTTP_STALL_MS);
    server->conf.stop_ms = or_limit(conf->stop_ms, LIMIT_HTTP_STOP_MS);
    server->next_id = 1;
    server->stop_timer = (struct loop_timer) {on_stop_timer, server, NULL};
    server->done_task = (struct loop_task) {NULL, on_stopped, server, false};
    *out = server;
    return ERR_OK;
}

/* --- accepting --- */

/* The connection that has waited longest without a whole request (of those of one moment the first, which
 * stands last); one whose peer is known goes last. */
static struct conn *find_victim(const struct server *server)
{
    struct conn *victim = NULL;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        bool waits = conn->stage <= CONN_HEAD || (conn->stage == CONN_HTTP2 && conn->requests == NULL);
        if (!waits || conn->doomed)
            continue;
        bool known = conn->stream.peer.known;
        if (victim == NULL || (victim->stream.peer.known && !known) ||
            (victim->stream.peer.known == known && conn->since_ms <= victim->since_ms))
            victim = conn;
    }
    return victim;
}

static void set_listening(struct server *server, bool on)
{
    for (struct listener *listener = server->listeners; listener != NULL; listener = listener->next)
        if (loop_want(server->loop, &listener->watch, on ? LOOP_READ : 0) != ERR_OK)
            continue; /* no memory: the next connection that ends tries again */
}

static bool is_full(const struct server *server)
{
    return server->conn_count >= server->conf.connections_max;
}

static bool make_room(struct server *server)
{
    if (!is_full(server))
        return true;
    struct conn *victim = find_victim(server);
    if (victim == NULL)
        return false;
    conn_free(victim);
    return true;
}

static void on_accept(void *ctx, unsigned ready)
{
    struct listener *listener = ctx;
    struct server *server = listener->server;
    (void)ready;
    for (size_t i = 0; i < LIMIT_NET_ACCEPTS_TURN; i++) {
        /* Somebody is there; whether more are, the next turn knows, and nobody goes for those who are not. */
        if (i > 0 && is_full(server))
            return;
        if (!make_room(server)) {
            set_listening(server, false); /* until one ends */
            return;
        }
        int fd = -1;
        struct os_net_addr address;
        err_t err = os_net_accept(listener->watch.fd, &fd, &address);
        if (err == ERR_FULL && server->conns != NULL) {
            set_listening(server, false); /* no descriptor left: trying again at once would spin */
            return;
        }
        if (err != ERR_OK)
            return;
        conn_open(server, fd, &address, listener->tls); /* failed: the client sees it closed */
    }
}

err_t server_listen(struct server *server, const char *host, uint16_t port, struct tls *tls,
                    uint16_t *out_port)
{
    struct listener *listener = mem_alloc(sizeof *listener);
    if (listener == NULL)
        return ERR_NOMEM;
    *listener = (struct listener) {.server = server, .tls = tls};
    int fd = -1;
    struct os_net_addr local;
    err_t err;
    if (TRY(err, os_net_listen(host, port, &fd)) || TRY(err, os_net_local(fd, &local)) ||
        TRY(err, loop_watch(server->loop, &listener->watch, fd, LOOP_READ, on_accept, listener))) {
        os_net_close(fd);
        mem_free(listener);
        return err;
    }
    listener->next = server->listeners;
    server->listeners = listener;
    if (out_port != NULL)
        *out_port = local.port;
    return ERR_OK;
}

static void close_listeners(struct server *server)
{
    while (server->listeners != NULL) {
        struct listener *listener = server->listeners;
        server->listeners = listener->next;
        loop_unwatch(server->loop, &listener->watch);
        os_net_close(listener->watch.fd);
        mem_free(listener);
    }
}

void server_conn_gone(struct server *server)
{
    if (server->stopping && server->conn_count == 0)
        loop_later(server->loop, &server->done_task);
    else if (!server->stopping)
        set_listening(server, true);
}

/* --- memory --- */

/* The body on its way in that began first; one whose peer is known goes last. */
static struct request *find_slowest(const struct server *server, const struct conn *but)
{
    struct request *found = NULL;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        for (struct request *request = conn == but ? NULL : conn->requests; request != NULL;
             request = request->next) {
            if (request->stage != REQUEST_BODY || request->held == 0)
                continue;
            bool known = conn->stream.peer.known, other = found != NULL && found->conn->stream.peer.known;
            if (found == NULL || (other && !known) || (other == known && request->since_ms < found->since_ms))
                found = request;
        }
    }
    return found;
}

bool server_hold(struct server *server, struct request *request, size_t len)
{
    while (len > LIMIT_HTTP_HELD_BYTES - server->held) {
        struct request *slowest = find_slowest(server, request->conn);
        if (slowest == NULL)
            return false;
        server->held -= slowest->held;
        slowest->held = 0;
        conn_doom(slowest->conn);
    }
    server->held += len;
    request->held += len;
    return true;
}

/* --- ending --- */

void server_stop(struct server *server, void (*done)(void *ctx), void *ctx)
{
    if (server->stopping)
        return;
    server->stopping = true;
    server->done = done;
    server->done_ctx = ctx;
    close_listeners(server);
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn_is_idle(conn))
            conn_doom(conn);
        else
            conn_say_goodbye(conn);
    }
    if (server->conn_count == 0)
        loop_later(server->loop, &server->done_task);
    else if (loop_timer_set(server->loop, &server->stop_timer,
                            loop_now_ms(server->loop) + server->conf.stop_ms) != ERR_OK)
        on_stop_timer(server);
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    server->stopping = true;
    server->done = NULL;
    close_listeners(server);
    while (server->conns != NULL)
        conn_free(server->conns);
    loop_later_cancel(server->loop, &server->done_task);
    loop_timer_stop(server->loop, &server->stop_timer);
    mem_free(server);
}

void server_drop_peer(struct server *server, uint64_t peer)
{
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn->stream.peer.known && conn->stream.peer.id == peer)
            conn_doom(conn);
}

size_t server_break(struct server *server, bool (*over)(void *ctx, const struct answer_ground *ground),
                    void *ctx)
{
    size_t count = 0;
    for (struct conn *conn = server->conns, *next; conn != NULL; conn = next) {
        next = conn->next;
        if (!conn_is_over(conn, over, ctx))
            continue;
        conn_free(conn); /* resets it: something of the answer is left */
        count++;
    }
    return count;
}

size_t server_connections(const struct server *server)
{
    return server->conn_count;
}
