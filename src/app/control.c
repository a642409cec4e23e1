#include "app/control.h"

#include <stdio.h>

#include "app/core_state.h"
#include "app/link.h"
#include "app/message.h"
#include "app/operators.h"
#include "core/mem.h"
#include "core/rd.h"
#include "core/wr.h"
#include "net/server.h"
#include "os/local.h"
#include "json/json.h"

enum {
    BATCHES_AHEAD = 4, /* sent to core and not yet answered, for one client */
    READ_BYTES = 256 << 10,
    METRICS_WAITING = 8,
};

struct client {
    struct control *control;
    bool used, greeted, last, hung_up;
    bool stranger; /* nobody who may give commands: hears so, in answer to the first */
    uint32_t id;
    int fd;
    uint8_t standing; /* enum standing */
    char who[WHO_BYTES];
    unsigned ahead; /* batches that core has */
    bool more;      /* core has more, and waits until `out` was read */
    struct loop_watch watch;
    struct buf in, out;
};

struct scrape {
    struct request *request; /* NULL: free */
    uint32_t id;
    struct buf text;
};

struct control {
    struct control_setup setup;
    struct operators operators;
    struct link *core;
    int listener;
    struct loop_watch watch;
    struct server *metrics;
    struct route routes[1];
    uint32_t next_id;
    struct buf wire;
    struct client clients[LIMIT_CONTROL_CLIENTS];
    struct scrape scrapes[METRICS_WAITING];
};

static err_t send_core(struct control *control, unsigned kind, uint32_t id, struct bytes body)
{
    buf_clear(&control->wire);
    wr_u32(&control->wire, id);
    buf_put(&control->wire, body.at, body.len);
    err_t err = buf_err(&control->wire);
    return err != ERR_OK ? err : link_send(control->core, kind, buf_bytes(&control->wire));
}

static void drop(struct client *client)
{
    struct control *control = client->control;
    if (!client->last && client->greeted)
        (void)!send_core(control, MESSAGE_CLIENT_GONE, client->id, bytes_of(NULL, 0));
    loop_unwatch(control->setup.loop, &client->watch);
    os_net_close(client->fd);
    buf_deinit(&client->in);
    buf_deinit(&client->out);
    *client = (struct client) {.control = control, .fd = -1};
    if (control->setup.deserted != NULL && !control_busy(control))
        control->setup.deserted(control->setup.ctx);
}

static void want(struct client *client)
{
    bool reads = !client->last && !client->hung_up && client->ahead < BATCHES_AHEAD &&
                 client->in.len < LIMIT_CONTROL_BATCH_BYTES;
    unsigned what = (reads ? LOOP_READ : 0u) | (client->out.len > 0 ? LOOP_WRITE : 0u);
    if (loop_want(client->control->setup.loop, &client->watch, what) != ERR_OK)
        client->hung_up = true;
}

static void say_error(struct client *client, const char *code, const char *what)
{
    buf_printf(&client->out, "{\"done\":true,\"error\":{\"code\":\"%s\",\"what\":\"%s\",\"next\":null}}\n",
               code, what);
    client->last = true;
}

/* False when the client is gone. */
static bool write_out(struct client *client)
{
    while (client->out.len > 0) {
        struct bytes piece = buf_bytes(&client->out);
        size_t put = 0;
        err_t err = os_net_write(client->fd, &piece, 1, &put);
        if (err == ERR_BUSY)
            break;
        if (err != ERR_OK) {
            drop(client);
            return false;
        }
        buf_drop(&client->out, put);
    }
    if (client->out.len == 0 && client->last) {
        drop(client);
        return false;
    }
    if (client->out.len == 0 && client->more) {
        client->more = false;
        if (send_core(client->control, MESSAGE_MORE, client->id, bytes_of(NULL, 0)) != ERR_OK)
            say_error(client, "busy", "the node is too busy; try again");
    }
    return true;
}

/* Of the group that reaches the socket, and yet no operator. */
static void refuse_stranger(struct client *client)
{
    bool real = client->control->operators.real;
    buf_printf(&client->out, "{\"done\":true,\"error\":{\"code\":\"denied\",\"what\":");
    char what[WHO_BYTES + 40];
    (void)snprintf(what, sizeof what, "%s is no operator of this node", client->who);
    json_write_str(&client->out, str_of(what));
    buf_printf(&client->out, ",\"next\":\"%s\"}}\n",
               real ? "operators in " CONF_FILE " names them, as it was when the node started"
                    : "it runs in a user namespace, where accounts have no numbers of their own");
    client->last = true;
}

static bool take_line(struct client *client)
{
    const uint8_t *end = memchr(client->in.at, '\n', client->in.len);
    if (end == NULL) {
        if (client->in.len > LIMIT_CONTROL_LINE_BYTES)
            say_error(client, "limit", "the request line is too long");
        return false;
    }
    if (client->stranger) {
        refuse_stranger(client);
        return false;
    }
    size_t len = (size_t)(end - client->in.at);
    struct buf body;
    buf_init(&body, LIMIT_CONTROL_LINE_BYTES + 128);
    wr_blob(&body, bytes_from_str(str_of(client->who)));
    wr_u8(&body, client->standing);
    buf_put(&body, client->in.at, len);
    err_t err = buf_err(&body);
    if (err == ERR_OK)
        err = send_core(client->control, MESSAGE_COMMAND, client->id, buf_bytes(&body));
    buf_deinit(&body);
    if (err != ERR_OK)
        say_error(client, err_name(err), "the node is too busy; try again");
    buf_drop(&client->in, len + 1);
    client->greeted = true;
    return err == ERR_OK;
}

static bool take_batch(struct client *client)
{
    struct rd rd = rd_of(buf_bytes(&client->in));
    uint32_t len = rd_u32(&rd);
    if (rd.err != ERR_OK || client->ahead >= BATCHES_AHEAD)
        return false;
    unsigned kind = (len & CONTROL_PIECE) != 0     ? MESSAGE_PIECE
                    : (len & CONTROL_FOREIGN) != 0 ? MESSAGE_FOREIGN
                                                   : MESSAGE_BATCH;
    len &= ~(CONTROL_PIECE | CONTROL_FOREIGN);
    if (len > LIMIT_CONTROL_BATCH_BYTES) {
        say_error(client, "limit", "a batch is too large");
        return false;
    }
    struct bytes batch = rd_bytes(&rd, len);
    if (rd.err != ERR_OK)
        return false;
    if (send_core(client->control, kind, client->id, batch) != ERR_OK) {
        say_error(client, "busy", "the node is too busy; try again");
        return false;
    }
    client->ahead++;
    buf_drop(&client->in, 4 + (size_t)len);
    return true;
}

static void take_in(struct client *client)
{
    if (!client->greeted && !take_line(client))
        return;
    while (!client->last && take_batch(client))
        ;
}

static void read_in(struct client *client)
{
    uint8_t *to = buf_extend(&client->in, READ_BYTES);
    size_t got = 0;
    if (to == NULL) {
        say_error(client, "nomem", "out of memory");
        return;
    }
    err_t err = os_net_read(client->fd, to, READ_BYTES, &got);
    client->in.len -= READ_BYTES - (err == ERR_OK ? got : 0);
    if (err != ERR_OK && err != ERR_BUSY)
        client->hung_up = true;
}

static void client_ready(void *ctx, unsigned what)
{
    struct client *client = ctx;
    if ((what & LOOP_READ) != 0) {
        read_in(client);
        if (client->hung_up && !client->greeted) {
            drop(client);
            return;
        }
        take_in(client);
        /* Whoever hangs up in the middle wants no answer; what it had handed in stays. */
        if (client->hung_up) {
            drop(client);
            return;
        }
    }
    if (write_out(client))
        want(client);
}

static void accept_one(struct control *control, int fd, int64_t user)
{
    struct client *client = NULL;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS && client == NULL; i++)
        if (!control->clients[i].used)
            client = &control->clients[i];
    if (client == NULL) {
        os_net_close(fd);
        return;
    }
    *client = (struct client) {.control = control, .used = true, .id = control->next_id++, .fd = fd};
    client->stranger = !operators_admit(&control->operators, user);
    client->standing = (uint8_t)operators_who(&control->operators, user, client->who);
    buf_init(&client->in, LIMIT_CONTROL_BATCH_BYTES + 2 * READ_BYTES);
    buf_init(&client->out, LIMIT_CONTROL_REPLY_BYTES + READ_BYTES);
    if (loop_watch(control->setup.loop, &client->watch, fd, LOOP_READ, client_ready, client) != ERR_OK)
        drop(client);
}

static void listener_ready(void *ctx, unsigned what)
{
    struct control *control = ctx;
    struct os_net_addr peer;
    int fd;
    (void)what;
    while (os_net_accept(control->listener, &fd, &peer) == ERR_OK)
        accept_one(control, fd, peer.user);
}

/* --- from core --- */

static void client_lines(struct client *client, uint8_t flags, struct bytes text)
{
    buf_put(&client->out, text.at, text.len);
    if ((flags & LINES_BATCH) != 0 && client->ahead > 0)
        client->ahead--;
    client->last = client->last || (flags & LINES_LAST) != 0;
    client->more = (flags & LINES_MORE) != 0;
    if (buf_err(&client->out) != ERR_OK) {
        drop(client);
        return;
    }
    if (!client->last)
        take_in(client);
    if (write_out(client))
        want(client);
}

static void scrape_lines(struct scrape *scrape, uint8_t flags, struct bytes text)
{
    buf_put(&scrape->text, text.at, text.len);
    if ((flags & LINES_LAST) == 0)
        return;
    struct answer answer = {
        .status = 200, .type = "text/plain; version=0.0.4; charset=utf-8", .body = buf_bytes(&scrape->text)};
    struct request *request = scrape->request;
    scrape->request = NULL;
    request_answer(request, &answer);
    buf_deinit(&scrape->text);
}

static void from_core(void *ctx, unsigned kind, struct bytes body)
{
    struct control *control = ctx;
    struct rd rd = rd_of(body);
    if (kind == MESSAGE_READY) {
        uint16_t port = rd_u16(&rd);
        if (control->setup.ready != NULL)
            control->setup.ready(control->setup.ctx, port);
        return;
    }
    if (kind != MESSAGE_LINES)
        return;
    uint32_t id = rd_u32(&rd);
    uint8_t flags = rd_u8(&rd);
    if (rd.err != ERR_OK)
        return;
    struct bytes text = {rd.at, rd.left};
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (control->clients[i].used && control->clients[i].id == id)
            client_lines(&control->clients[i], flags, text);
    for (size_t i = 0; i < METRICS_WAITING; i++)
        if (control->scrapes[i].request != NULL && control->scrapes[i].id == id)
            scrape_lines(&control->scrapes[i], flags, text);
}

/* A new core: what the old one was asked will not be answered. Re-adding is harmless. */
static void core_fresh(void *ctx)
{
    struct control *control = ctx;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        struct client *client = &control->clients[i];
        if (!client->used || !client->greeted)
            continue;
        say_error(client, "closed",
                  "the node restarted meanwhile; what was not acknowledged is to be sent again");
        if (write_out(client))
            want(client);
    }
    for (size_t i = 0; i < METRICS_WAITING; i++) {
        struct request *request = control->scrapes[i].request;
        if (request == NULL)
            continue;
        control->scrapes[i].request = NULL;
        buf_deinit(&control->scrapes[i].text);
        request_refuse(request, 503, "not now; try again", NULL);
    }
}

static void core_broken(void *ctx)
{
    struct control *control = ctx;
    diag_say(control->setup.diag, DIAG_ERROR, ERR_CORRUPT, "control", "restart the node",
             "another role wrote nonsense into shared memory");
}

/* --- metrics --- */

static void scrape_gone(void *ctx)
{
    struct scrape *scrape = ctx;
    scrape->request = NULL;
    buf_deinit(&scrape->text);
}

static void scrape_begin(void *ctx, struct request *request)
{
    struct control *control = ctx;
    for (size_t i = 0; i < METRICS_WAITING; i++) {
        struct scrape *scrape = &control->scrapes[i];
        if (scrape->request != NULL)
            continue;
        scrape->id = control->next_id++;
        if (send_core(control, MESSAGE_METRICS, scrape->id, bytes_of(NULL, 0)) != ERR_OK)
            break;
        scrape->request = request;
        buf_init(&scrape->text, LIMIT_LINK_SMALL_BYTES);
        request_on_gone(request, scrape_gone, scrape);
        return;
    }
    request_refuse(request, 503, "not now; try again", NULL);
}

/* Listens at `path`, in place of a socket that nobody serves any more. */
static err_t claim(const struct os *os, const char *path)
{
    int fd;
    err_t err = os_local_connect(path, &fd);
    if (err == ERR_OK) {
        os_net_close(fd);
        return ERR_BUSY;
    }
    err = os->path_unlink(os->ctx, path);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static err_t unix_name(const char *path, char out[LIMIT_PATH_BYTES])
{
    int len = snprintf(out, LIMIT_PATH_BYTES, "unix:%s", path);
    return len < 0 || len >= LIMIT_PATH_BYTES ? ERR_LIMIT : ERR_OK;
}

static err_t open_metrics(struct control *control)
{
    char name[LIMIT_PATH_BYTES];
    const struct conf *conf = control->setup.conf;
    uint16_t port;
    err_t err;
    control->routes[0] =
        (struct route) {.method = "GET", .pattern = "/metrics", .handle = scrape_begin, .ctx = control};
    struct server_conf server = {.routes = control->routes, .route_count = 1, .connections_max = 16};
    if (TRY(err, claim(control->setup.os, conf->metrics)) || TRY(err, unix_name(conf->metrics, name)) ||
        TRY(err, server_open(control->setup.loop, &server, &control->metrics)))
        return err;
    return server_listen(control->metrics, name, 0, NULL, &port);
}

/* --- life --- */

static err_t open_listener(struct control *control)
{
    char name[LIMIT_PATH_BYTES];
    const struct conf *conf = control->setup.conf;
    err_t err;
    if (TRY(err, claim(control->setup.os, conf->control)) || TRY(err, unix_name(conf->control, name)) ||
        TRY(err, os_net_listen(name, 0, &control->listener)) ||
        (conf->operator_count > 0 && !control->setup.stopped && TRY(err, os_local_share(conf->control))))
        return err;
    return loop_watch(control->setup.loop, &control->watch, control->listener, LOOP_READ, listener_ready,
                      control);
}

err_t control_open(const struct control_setup *setup, struct control **out)
{
    struct control *control = mem_alloc(sizeof *control);
    err_t err;
    if (control == NULL)
        return ERR_NOMEM;
    control->setup = *setup;
    operators_open(setup->conf, setup->stopped, setup->stopped ? NULL : setup->diag, &control->operators);
    control->listener = -1;
    control->next_id = 1;
    buf_init(&control->wire, LIMIT_LINK_SMALL_BYTES);
    struct link_handler handler = {from_core, core_fresh, NULL, core_broken, NULL, control};
    if (TRY(err, open_listener(control)) || (setup->metrics && TRY(err, open_metrics(control))) ||
        TRY(err, link_open(setup->loop, setup->os, setup->core, 0, &handler, &control->core))) {
        diag_say(setup->diag, DIAG_ERROR, err, "control",
                 err == ERR_BUSY ? "stop the other one first" : "a socket's path has at most 107 bytes",
                 err == ERR_BUSY ? "a node of this directory runs already"
                                 : "the control or metrics socket could not be made: %s",
                 err_text(err));
        control_close(control);
        return err;
    }
    *out = control;
    return ERR_OK;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    const struct os *os = control->setup.os;
    control->setup.deserted = NULL;
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++) {
        if (!control->clients[i].used)
            continue;
        control->clients[i].last = true; /* core is not told: it is gone or going */
        drop(&control->clients[i]);
    }
    loop_unwatch(control->setup.loop, &control->watch);
    if (control->listener >= 0) {
        os_net_close(control->listener);
        (void)!os->path_unlink(os->ctx, control->setup.conf->control);
    }
    server_close(control->metrics);
    for (size_t i = 0; i < METRICS_WAITING; i++)
        buf_deinit(&control->scrapes[i].text);
    if (control->metrics != NULL)
        (void)!os->path_unlink(os->ctx, control->setup.conf->metrics);
    link_close(control->core);
    buf_deinit(&control->wire);
    mem_free(control);
}

bool control_busy(const struct control *control)
{
    for (size_t i = 0; i < LIMIT_CONTROL_CLIENTS; i++)
        if (control->clients[i].used)
            return true;
    return false;
}

bool control_leave(struct control *control)
{
    const struct os *os = control->setup.os;
    if (control->listener < 0)
        return !control_busy(control);
    loop_unwatch(control->setup.loop, &control->watch);
    os_net_refuse(control->listener);
    listener_ready(control, 0);
    if (!control_busy(control))
        return true;
    os_net_close(control->listener);
    control->listener = -1;
    (void)!os->path_unlink(os->ctx, control->setup.conf->control);
    err_t err = open_listener(control);
    if (err != ERR_OK)
        diag_say(control->setup.diag, DIAG_WARNING, err, "control", "the next command opens it again",
                 "the control socket could not be made again: %s", err_text(err));
    return false;
}
