/* One HTTP request and its answer as messages between the role that owns sockets (edge) and the role that
 * owns data (core): what a handler may know of a request, and all that it may say. No sockets, no TLS types:
 * handlers and the simulator use the same structs, and they travel over the rings between processes
 * (exchange.c: encoders and strict decoders).
 *
 * Borrowed strings are good until the handler returns. One thread. */
#pragma once

#include <stdbool.h>

#include "core/buf.h"
#include "core/err.h"
#include "core/str.h"

enum exchange_method {
    EXCHANGE_GET,
    EXCHANGE_HEAD,
    EXCHANGE_POST,
    EXCHANGE_DELETE,
    EXCHANGE_OPTIONS,
    EXCHANGE_OTHER
};

enum { EXCHANGE_HEADERS_MAX = 8, EXCHANGE_KEY_SIZE = 32, EXCHANGE_NOTE_MAX = 512 };

struct exchange_request {
    uint64_t id; /* of the exchange on its connection's server; answers carry it back */
    enum exchange_method method;
    struct str path;  /* percent-decoded, begins with "/", no "." or ".." segments, no NUL */
    struct str query; /* raw, without "?" */
    struct str host;
    struct str accept; /* all values joined with ", "; empty when absent */
    struct str content_type;
    struct str authorization;
    struct str if_none_match;
    struct str origin; /* of the page whose script asks (CORS); empty: no script of another origin */
    struct bytes body; /* followed by JSON_PADDING (64) readable bytes */
    uint64_t network;  /* that it came from: os_net_addr's */
    bool secure;       /* came over TLS */
    bool has_peer_key; /* the client proved possession of this public key in the TLS handshake */
    uint8_t peer_key[EXCHANGE_KEY_SIZE]; /* raw Ed25519 key, or SHA-256 of the SubjectPublicKeyInfo of another
                                            kind */
};

struct exchange_header {
    const char *name; /* static */
    struct str value; /* lives in the response's arena or is static */
};

/* What an answer rests on: marks of the link between core and edge (app/message.h), as they stood when it was
 * made. */
struct exchange_marks {
    unsigned view; /* which mark is the view's; 0: it shows no release view, and the others mean nothing */
    uint64_t who, shown, taken;
};

struct exchange_response {
    uint64_t id;
    unsigned status;          /* 0: not yet; the handler keeps the request and answers later (long poll) */
    const char *content_type; /* static; NULL when there is no body */
    struct exchange_header headers[EXCHANGE_HEADERS_MAX];
    size_t header_count;
    struct buf body;
    unsigned view; /* 1 + number of the partner whose releases are in it; 0: none are */
    /* Edge may give the same answer again to the same request as long as `who` and `shown` stand where
     * `marks` says. */
    bool cacheable;
    struct exchange_marks marks;
    /* What core wants to hear again whenever edge gives this answer from what it keeps (the access record);
     * opaque to edge, at most EXCHANGE_NOTE_MAX bytes, never sent to a client. */
    struct buf note;
    char text[512]; /* room for header values made on the way (dates, ETags) */
    size_t text_used;
};

/* `body_max`: the most the answer may hold. */
void exchange_response_init(struct exchange_response *response, uint64_t id, size_t body_max);
void exchange_response_deinit(struct exchange_response *response);
/* `from` is dead afterwards. A plain copy would leave the values of headers behind. */
void exchange_response_move(struct exchange_response *to, struct exchange_response *from);
/* Copies `value` into the response's text. must() fails when there is no room: headers are ours, not
 * outsiders'. */
void exchange_header_put(struct exchange_response *response, const char *name, struct str value);

/* Over the rings. Decoding is strict and borrows from `wire`; ERR_INVALID on anything that does not add up.
 */
void exchange_request_write(struct buf *out, const struct exchange_request *request);
NODISCARD err_t exchange_request_read(struct bytes wire, struct exchange_request *out);
void exchange_response_write(struct buf *out, const struct exchange_response *response);
struct exchange_answer { /* a response as read: borrowed */
    uint64_t id;
    unsigned status;
    struct str content_type;
    struct {
        struct str name, value;
    } headers[EXCHANGE_HEADERS_MAX];
    size_t header_count;
    struct bytes body;
    bool cacheable;
    struct exchange_marks marks;
    struct bytes note;
};
NODISCARD err_t exchange_answer_read(struct bytes wire, struct exchange_answer *out);

/* The value of `name` in a raw query, percent-decoded into `out` (at most out_size bytes). *out_count: how
 * often it occurs. */
NODISCARD err_t exchange_query(struct str query, struct str name, char *out, size_t out_size, size_t *out_len,
                               unsigned *out_count);
