/* The edge role (DESIGN 3): sockets, TLS and HTTP in both directions, and nothing else. It turns requests
 * into messages for core and core's messages into answers and calls; it opens no store file and knows no key
 * but the TLS key. Who a peer is, it hears from core (MESSAGE_PEERS).
 *
 * When core is away, or too much waits, requests are answered with 503. One thread, one loop. */
#pragma once

#include "app/conf.h"
#include "core/diag.h"
#include "net/loop.h"
#include "os/channel.h"

struct edge_role;

/* Reads keys/tls (or the operator's certificate) and listens. `core` is side 1 of the link, at whose other
 * end the guard stands; `marks` side 1 of core's own. */
NODISCARD err_t edge_role_open(struct loop *loop, const struct os *os, const struct conf *conf,
                               const struct diag *diag, const struct os_channel_fds *core,
                               const struct os_channel_fds *marks, void (*broken)(void *ctx), void *ctx,
                               struct edge_role **out);
/* Accepts no more, lets what is in flight finish for a moment, ends long polls; then calls `done`. */
void edge_role_stop(struct edge_role *role, void (*done)(void *ctx), void *ctx);
void edge_role_close(struct edge_role *role); /* accepts NULL */
