/* The HTTP server: listeners with or without TLS, a table of routes, and requests that are answered now or
 * later. HTTP/1.1, and HTTP/2 where TLS agreed on it (ALPN "h2") or, on a listener without TLS, where the
 * client begins with it (RFC 9113 section 3.3). Handlers see no difference.
 *
 * One thread: the one that runs the loop; only pages (net/page.h) may be shared with others. An HTTP/1.1
 * connection serves one request after another, in order; what a client sends ahead waits
 * (LIMIT_HTTP_INPUT_BYTES). An HTTP/2 connection serves LIMIT_HTTP2_STREAMS side by side. Bodies packed by
 * gzip or zstd (Content-Encoding) reach the handler unpacked, within net/coding.h's bounds. A
 * request is a handle: it is valid until request_answer, or until its connection goes, which the
 * request_on_gone callback tells (afterwards the handle is dead). Connections that send nothing, or too
 * slowly, cost memory for their deadline (LIMIT_HTTP_*_MS) and no work; when the table of connections is
 * full, the one that has waited longest without a whole request makes room. The server never prints and never
 * reads a file. */
#pragma once

#include "core/arena.h"
#include "core/buf.h"
#include "net/http1.h"
#include "net/loop.h"
#include "net/page.h"
#include "net/tls.h"
#include "os/os_net.h"

struct server;
struct request;

struct route {
    const char *method;  /* "GET" (serves HEAD as well), "POST" ...; "*": any */
    const char *pattern; /* as uri_match: literals, "{}" for one segment, a last "**" for the rest */
    uint64_t body_max;   /* bytes of body accepted, packed or not, at most LIMIT_HTTP_BODY_BYTES; 0: none */
    /* Called once the body is whole (request_body). Answers now or later. */
    void (*handle)(void *ctx, struct request *request);
    void *ctx;
};

struct server_conf {
    const struct route *routes; /* first match wins; borrowed for the server's life */
    size_t route_count;
    size_t connections_max; /* 0 means the limit of core/limit.h, here and below */
    uint64_t head_ms;
    uint64_t idle_ms;
    uint64_t stall_ms;
    uint64_t stop_ms;
    const char *refusal_type; /* Content-Type of the server's own refusals; NULL: application/json */
    const char
        *methods; /* Allow of "OPTIONS *" (RFC 9110 section 9.3.7), the same for everybody; NULL: 404 */
    /* Our own clock, for the field Date (RFC 9110 section 6.6.1); NULL: answers carry none. */
    int64_t (*wall_us)(void *ctx);
    void *wall_ctx;
};

NODISCARD err_t server_open(struct loop *loop, const struct server_conf *conf, struct server **out);
/* `tls` is borrowed until server_close; NULL: plain. *out_port tells which port the system chose for 0. */
NODISCARD err_t server_listen(struct server *server, const char *host, uint16_t port, struct tls *tls,
                              uint16_t *out_port);
/* Stops accepting, lets what is in flight finish for stop_ms, ends the rest, then calls `done` once from the
 * loop. */
void server_stop(struct server *server, void (*done)(void *ctx), void *ctx);
/* Ends everything at once and frees. Not from within a handler. Accepts NULL. */
void server_close(struct server *server);
/* Ends all connections of this peer in the next turn (DESIGN 5: `peer remove` acts within a second). */
void server_drop_peer(struct server *server, uint64_t peer);
size_t server_connections(const struct server *server);

/* What an answer stands on: numbers of the handler's, which the server only carries. view 0: on nothing. */
struct answer_ground {
    unsigned view;
    uint64_t taken;
};

/* Breaks off, at whatever point, every answer that stands on what is over: its connection is reset, HTTP/2
 * with all that runs on it. Its client sees that the answer is not whole; and nothing of it is sent any more
 * once this returns, neither what waits here, packed into frames and records of many streams, nor what the
 * system holds for the socket. What was sent whole is left alone. Not from within a handler. Returns how many
 * connections it was. */
size_t server_break(struct server *server, bool (*over)(void *ctx, const struct answer_ground *ground),
                    void *ctx);

/* --- a request: everything borrowed until the answer --- */

const struct http1_head *request_head(const struct request *request);
struct str request_field(const struct request *request, struct str name); /* at NULL when absent */
/* As http1_field_list. */
struct str request_list(const struct request *request, struct str name, char *out);
struct str request_path(const struct request *request);                  /* decoded */
struct str request_capture(const struct request *request, size_t index); /* decoded; at NULL when absent */
/* The decoded value of a query parameter. ERR_NOTFOUND; ERR_DUPLICATE_NAME when it stands twice; ERR_SYNTAX.
 */
NODISCARD err_t request_query(struct request *request, struct str name, struct str *out);
/* Not empty, it is followed by 64 readable bytes. */
struct bytes request_body(const struct request *request);
const struct tls_peer *request_peer(const struct request *request);
const struct os_net_addr *request_address(const struct request *request);
/* A number never used again by this server. */
uint64_t request_connection(const struct request *request);
/* Memory that lives as long as the request. */
struct arena *request_arena(struct request *request);
/* For the handler's own use; the server does not look at it. */
void request_set_user(struct request *request, void *user);
void *request_user(const struct request *request);

/* Called at most once, when the connection goes before the answer; not after an answer. */
void request_on_gone(struct request *request, void (*gone)(void *ctx), void *ctx);

enum { ANSWER_FIELDS_MAX = 13 }; /* of a handler 12: the last is the server's, for Date */

struct answer {
    int status;
    const char *type;                             /* Content-Type; NULL: none */
    struct http1_field fields[ANSWER_FIELDS_MAX]; /* further fields, up to the first without a name; copied */
    struct bytes body;                            /* copied; for small answers */
    struct page *page;                            /* instead of body: the server takes its own reference */
    struct answer_ground ground;
    bool close; /* close the connection afterwards; HTTP/2 has other requests on it and does not */
};

/* Answers; the handle is dead afterwards. Content-Length, Connection and the absence of a body on HEAD are
 * the server's affair. A field with a control byte turns the answer into status 500: it is never sent. */
void request_answer(struct request *request, const struct answer *answer);
/* Answers with a small JSON object {"title": ..., "http_status": ...} in the given media type (NULL:
 * the server's refusal_type). */
void request_refuse(struct request *request, int status, const char *title, const char *type);
