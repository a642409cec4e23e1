#include "net/server.h"

#include "core/mem.h"
#include "net/answer.h"
#include "net/conn.h"
#include "net/uri.h"

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

/* The connection that has waited longest without a whole request; one whose peer is known goes last. */
static struct conn *find_victim(const struct server *server)
{
    struct conn *victim = NULL;
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->stage > CONN_HEAD || conn->doomed)
            continue;
        bool known = conn->stream.peer.known;
        if (victim == NULL || (victim->stream.peer.known && !known) ||
            (victim->stream.peer.known == known && conn->since_ms < victim->since_ms))
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

static bool make_room(struct server *server)
{
    if (server->conn_count < server->conf.connections_max)
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

/* --- ending --- */

void server_stop(struct server *server, void (*done)(void *ctx), void *ctx)
{
    if (server->stopping)
        return;
    server->stopping = true;
    server->done = done;
    server->done_ctx = ctx;
    close_listeners(server);
    for (struct conn *conn = server->conns; conn != NULL; conn = conn->next)
        if (conn_is_idle(conn))
            conn_doom(conn);
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

size_t server_connections(const struct server *server)
{
    return server->conn_count;
}

/* --- requests --- */

const struct http1_head *request_head(const struct request *request)
{
    return &request->head;
}

struct str request_field(const struct request *request, struct str name)
{
    return http1_field_get(&request->head, name);
}

struct str request_list(const struct request *request, struct str name, char *out)
{
    return http1_field_list(&request->head, name, out);
}

struct str request_path(const struct request *request)
{
    return request->path;
}

struct str request_capture(const struct request *request, size_t index)
{
    return index < request->capture_count ? request->captures[index] : (struct str) {NULL, 0};
}

err_t request_query(struct request *request, struct str name, struct str *out)
{
    struct str rest = request->head.query;
    struct str found = {NULL, 0}, have, value;
    err_t err;
    while ((err = uri_query_next(&request->arena, &rest, &have, &value)) == ERR_OK) {
        if (!str_eq(have, name))
            continue;
        if (found.at != NULL)
            return ERR_DUPLICATE_NAME;
        found = value;
    }
    if (err != ERR_NOTFOUND)
        return err;
    if (found.at == NULL)
        return ERR_NOTFOUND;
    *out = found;
    return ERR_OK;
}

struct bytes request_body(const struct request *request)
{
    return buf_bytes(&request->body);
}

const struct tls_peer *request_peer(const struct request *request)
{
    return &request->conn->stream.peer;
}

const struct os_net_addr *request_address(const struct request *request)
{
    return &request->conn->address;
}

uint64_t request_connection(const struct request *request)
{
    return request->conn->id;
}

struct arena *request_arena(struct request *request)
{
    return &request->arena;
}

void request_set_user(struct request *request, void *user)
{
    request->user = user;
}

void *request_user(const struct request *request)
{
    return request->user;
}

void request_on_gone(struct request *request, void (*gone)(void *ctx), void *ctx)
{
    request->gone = gone;
    request->gone_ctx = ctx;
}

/* `title` is ours or a fault's: quotes and backslashes are escaped, control bytes become blanks. */
static void put_json_text(struct buf *out, const char *title)
{
    for (const char *c = title; *c != 0; c++) {
        if (*c == '"' || *c == '\\')
            buf_putc(out, '\\');
        buf_putc(out, (uint8_t)*c < 0x20 || (uint8_t)*c > 0x7e ? ' ' : *c);
    }
}

void request_refuse(struct request *request, int status, const char *title, const char *type)
{
    struct buf body;
    buf_init(&body, 4096);
    buf_put_str(&body, STR("{\"title\":\""));
    put_json_text(&body, title);
    buf_printf(&body, "\",\"http_status\":\"%d\"}\n", status);
    struct answer answer = {.status = status,
                            .type = type != NULL ? type : "application/json",
                            .body = buf_err(&body) == ERR_OK ? buf_bytes(&body) : (struct bytes) {NULL, 0}};
    request_answer(request, &answer);
    buf_deinit(&body);
}
