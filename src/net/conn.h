/* One connection of the server: its state machine. For net/ only; the thread of the loop. */
#pragma once

#include "net/server.h"
#include "net/stream.h"

enum conn_stage {
    CONN_HANDSHAKE,
    CONN_HEAD,
    CONN_BODY,
    CONN_HANDLING, /* the handler has the request */
    CONN_WRITING,
    CONN_LINGER, /* our end is said; what still comes is dropped, so that a reset cannot eat the answer */
};

struct request {
    struct conn *conn;
    struct arena arena;
    struct http1_head head;
    const struct route *route;
    struct str path;
    struct str captures[LIMIT_HTTP_CAPTURES];
    size_t capture_count;
    struct http1_body decoder;
    struct buf body;
    struct bytes offered; /* a piece that the consumer has not taken */
    void *user;
    void (*gone)(void *ctx);
    void *gone_ctx;
};

struct conn {
    struct server *server;
    struct conn *next, *prev;
    uint64_t id;
    enum conn_stage stage;
    struct stream stream;
    struct os_net_addr address;
    struct loop_watch watch;
    struct loop_timer timer;
    uint64_t deadline_ms; /* UINT64_MAX: none */
    uint64_t timer_ms;    /* when the timer will look; UINT64_MAX: not set */
    struct loop_task task;
    uint64_t since_ms; /* begin of the stage */
    size_t moved;      /* bytes since the last look at the deadline */

    struct buf in;
    size_t scanned;
    struct request *request;

    struct buf out; /* head of the answer, with a small body behind it */
    size_t out_sent;
    struct page *page;
    size_t page_sent;

    bool advancing;
    bool body_unread; /* the request has a body that nobody has read to its end */
    bool close_after;
    bool doomed;
};

struct server {
    struct loop *loop;
    struct server_conf conf;
    struct listener *listeners;
    struct conn *conns;
    size_t conn_count;
    uint64_t next_id;
    uint64_t handshake_turn; /* the turn in which `handshakes` were worked on */
    size_t handshakes;
    bool stopping;
    struct loop_timer stop_timer;
    struct loop_task done_task;
    void (*done)(void *ctx);
    void *done_ctx;
};

/* Takes the socket; when memory is out, the client sees it closed. */
void conn_open(struct server *server, int fd, const struct os_net_addr *address, struct tls *tls);
/* Ends it in the next turn: safe from anywhere. */
void conn_doom(struct conn *conn);
/* Ends it now: not from within its own handler. */
void conn_free(struct conn *conn);
/* Nothing of a request has come: it may be closed without a word. */
bool conn_is_idle(const struct conn *conn);
/* Called by conn_free: the server may accept again, or has stopped. */
void server_conn_gone(struct server *server);
