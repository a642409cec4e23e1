/* A server on loopback, and handlers that answer at once, late or never: what the tests of net and a fuzz
 * target try clients on. What fails here ends the program. One thread. */
#pragma once

#include "core/buf.h"
#include "net/server.h"

enum { RIG_ROUTES_MAX = 8, RIG_BODY_MAX = 1 << 20 };

struct rig {
    struct loop *loop;
    struct server *server;
    uint16_t port;
    struct page *page;       /* of GET /page: a to z, again and again */
    struct request *waiting; /* the last that came to GET /wait; NULL when its client went away */
    size_t waits, gone;
    bool stopped; /* see rig_on_stopped */
    struct route routes[RIG_ROUTES_MAX];
};

/* Serves GET /page, POST /echo, GET /wait, and `more` behind them. `conf` gives the deadlines. */
void rig_open(struct rig *rig, size_t page_bytes, const struct route *more, size_t count,
              struct server_conf conf);
void rig_close(struct rig *rig);
/* The handler of POST /echo, for other paths. */
void rig_echo(void *ctx, struct request *request);
/* For server_stop, with the rig as ctx. */
void rig_on_stopped(void *ctx);
bool rig_has(const struct buf *heard, const char *text);
