/* The HTTP/1.1 client by libcurl, on the loop: calls to one server, over kept connections, without waiting.
 *
 * One client speaks to one origin as one identity and has a connection pool of its own, so that no connection
 * that was checked against one peer's key can serve for another. No redirects, no cookies, no proxy unless
 * named, nothing from the environment. Names are resolved by libcurl's resolver thread. One thread: the
 * loop's. */
#pragma once

#include "core/buf.h"
#include "net/http1.h"
#include "net/loop.h"
#include "net/tls.h"

struct client;
struct client_call;

struct client_conf {
    const char *origin;  /* "https://kr.example:8443", no path; "http://..." only without tls. Copied */
    struct tls *tls;     /* made with `client` set; borrowed until client_close; NULL: plain */
    const char *proxy;   /* NULL: none */
    uint64_t connect_ms; /* name, TCP and TLS; 0: LIMIT_CLIENT_CONNECT_MS */
    bool public_only; /* never to an address of this machine or network (os/os_address.h): then ERR_DENIED */
};

NODISCARD err_t client_open(struct loop *loop, const struct client_conf *conf, struct client **out);
/* Ends all calls without calling back. Not from within a callback. Accepts NULL. */
void client_close(struct client *client);

#define CLIENT_PRIVATE "an address of this machine or network"

struct client_answer {
    err_t err; /* ERR_OK: an answer came, whatever its status; ERR_DENIED: the peer's key or certificate was
                  not accepted, or TLS failed; ERR_TIMEOUT, ERR_CLOSED, ERR_LIMIT (body too long), ERR_NOMEM,
                  ERR_IO */
    int status;
    struct buf *body; /* the callback may move its content out */
    const char *what; /* libcurl's words on a failure, for diagnostics; "" when there are none; CLIENT_PRIVATE
                         where `public_only` stood against it */
};

enum { CLIENT_FIELDS_MAX = 12 };

struct client_request {
    const char *method;                           /* "GET", "POST" ... */
    const char *target;                           /* "/path?query", encoded */
    struct http1_field fields[CLIENT_FIELDS_MAX]; /* up to the first without a name; copied */
    struct bytes body;                            /* copied */
    size_t answer_max;                            /* bytes of body accepted */
    uint64_t timeout_ms;                          /* of the whole call; a long poll's plus its waiting time;
                                                     0: none */
    uint64_t quiet_ms; /* without a byte either way; kept to the second; 0: timeout_ms alone */
    bool unpack;       /* gzip may be asked for; answer_max counts what comes out */
    /* NULL: the body is gathered. Else it is handed over as it comes and the answer's is empty; false ends
     * the call with ERR_FULL. With answer_max 0 it may be endless. */
    bool (*part)(void *ctx, struct client_call *call, struct bytes part);
    /* More of the body has come. May be NULL. Not to cancel the call in. */
    void (*coming)(void *ctx);
    /* Called once, from the loop, unless cancelled. The answer and the call are gone when it returns. */
    void (*done)(void *ctx, struct client_call *call, struct client_answer *answer);
    void *ctx;
};

/* ERR_USAGE: a method, target or field that is not clean. */
NODISCARD err_t client_call(struct client *client, const struct client_request *request,
                            struct client_call **out);
/* No callback will come. Not from within its own callback. */
void client_cancel(struct client_call *call);
/* Within a callback: the answer's status. */
int client_status(struct client_call *call);
/* A field of the answer, valid within the callback; at NULL when absent. */
struct str client_field(struct client_call *call, const char *name);
