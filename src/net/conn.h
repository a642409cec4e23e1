/* One connection of the server, its state machine, and the requests on it. For net/ only; the thread of the
 * loop. */
#pragma once

#include "core/stamp.h"
#include "net/coding.h"
#include "net/server.h"
#include "net/stream.h"

struct http2;

enum conn_stage {
    CONN_HANDSHAKE,
    CONN_HEAD,
    CONN_BODY,
    CONN_HANDLING, /* the handler has the request */
    CONN_WRITING,
    CONN_HTTP2,  /* requests side by side: net/http2.h */
    CONN_LINGER, /* our end is said; what still comes is dropped, so that a reset cannot eat the answer */
};

enum request_stage { REQUEST_BODY, REQUEST_HANDLING, REQUEST_ANSWERED };

struct request {
    struct conn *conn;
    struct request *next, *prev; /* of one connection: HTTP/1.1 has one at a time */
    int32_t stream;              /* its number in HTTP/2; 0: HTTP/1.1 */
    enum request_stage stage;
    uint64_t since_ms; /* begin of the stage */
    size_t dropped;    /* bytes of a body that came after the answer */
    size_t moved;      /* bytes of body since the last look at HTTP/2's deadlines */
    struct arena arena;
    struct http1_head head;
    const struct route *route;
    struct str path;
    struct str captures[LIMIT_HTTP_CAPTURES];
    size_t capture_count;
    enum coding coding;
    struct buf body;
    size_t held;       /* bytes of it, of a copied answer and of a stream that count in server.held */
    bool body_unread;  /* it has a body that nobody has read to its end */
    bool close;        /* HTTP/1.1: nothing after this one can be trusted */
    struct page *page; /* of the answer */
    size_t sent;
    struct answer_ground ground; /* of the answer */
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
    struct request *requests;
    struct http1_body decoder;
    struct http2 *http2;

    struct buf out; /* HTTP/1.1: head of the answer, with a small body behind it; HTTP/2: frames */
    size_t out_sent;

    /* Of answers that are written to their end: the system may not have sent them yet. `mixed`: of several.
     */
    struct answer_ground ground;
    bool mixed;
    size_t unsent; /* when the timer looked last */

    bool advancing;
    bool used;   /* a request has come */
    bool served; /* one was answered well: no stranger any more */
    bool close_after;
    bool doomed;
};

struct server {
    struct loop *loop;
    struct server_conf conf;
    struct listener *listeners;
    struct conn *conns;
    size_t conn_count;
    size_t held; /* bytes of bodies gathered, answers copied and streams, LIMIT_HTTP_HELD_BYTES at most */
    uint64_t next_id;
    uint64_t strangers_turn; /* the turn in which strangers had `strangers_us` */
    uint64_t strangers_us;
    int64_t date_s; /* second that `date` tells */
    char date[HTTP_DATE_SIZE];
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
/* Something on it stands on what is over, and is not sent whole. */
bool conn_is_over(const struct conn *conn, bool (*over)(void *ctx, const struct answer_ground *ground),
                  void *ctx);
/* An answer that stands on this was written to its end. */
void conn_written(struct conn *conn, const struct answer_ground *ground);
/* HTTP/2: no new requests; what runs may end. */
void conn_say_goodbye(struct conn *conn);
/* Called by conn_free: the server may accept again, or has stopped. */
void server_conn_gone(struct server *server);
/* Room for `len` more bytes held for `request`. The oldest body that still comes in on another connection
 * gives way, one whose peer is known last. False: none gave way. */
bool server_hold(struct server *server, struct request *request, size_t len);

/* --- what the versions of HTTP share (conn.c, request.c) --- */

/* UINT64_MAX: none. */
void conn_deadline(struct conn *conn, uint64_t ms);
void conn_enter(struct conn *conn, enum conn_stage stage, uint64_t ms);
/* Reads what there is into `in`. ERR_FULL: it is full. */
NODISCARD err_t conn_fill(struct conn *conn);
/* Writes pieces from their start, `*out_len` bytes of them; counts them. */
NODISCARD err_t conn_write(struct conn *conn, const struct bytes *pieces, size_t count, size_t *out_len);
/* What of `out` is not sent yet. */
struct bytes conn_left(const struct conn *conn);
/* Our end is said; waits a little for the client to read. */
void conn_linger(struct conn *conn);
/* HTTP/1.1's part of request_answer. */
void conn_answer(struct request *request, const struct answer *answer);

/* NULL: no memory. */
struct request *request_new(struct conn *conn, int32_t stream);
/* Does not call `gone`. */
void request_free(struct request *request);
/* The same, and tells the handler when it has not answered. */
void request_abandon(struct request *request);
/* The head is in `request->head`: finds the route. True: the body may come; false: it was answered. */
bool request_begin(struct request *request, bool has_body);
/* Takes a piece of the body; what does not fit is answered. False: it was answered. */
bool request_gather(struct request *request, struct bytes piece);
/* The body is whole: unpacks it and calls the handler, or answers. */
void request_complete(struct request *request);
/* A refusal after which an HTTP/1.1 connection closes. */
void request_reject(struct request *request, int status, const char *title);
/* Keeps the answer's body until it is sent: the page, or a copy. ERR_FULL: too much is held; ERR_NOMEM. */
NODISCARD err_t request_keep(struct request *request, const struct answer *answer);
/* The rest of it. */
struct bytes request_left(const struct request *request);
