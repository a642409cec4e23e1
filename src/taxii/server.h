/* The TAXII 2.1 server (OASIS Standard, section numbers below are its own) as a pure function from requests
 * to answers: a partner without bongsu reads its view and hands in its own findings with the tools that it
 * has.
 *
 * Every identity sees at most three collections under the one API root "/api/":
 *   release    read: what the node's gate released to the identity's audience, in the order of release
 *   inbox      write: submissions, under the source that the identity speaks for
 *   workspace  both: what came from that source, read back
 * date_added is the time of release in that view (of arrival in a workspace), unique and increasing.
 *
 * It must never: look past the gate; answer differently about what lies outside the identity's view than
 * about what does not exist; change a byte of an object; acknowledge a submission before it is durable.
 *
 * One thread at a time; the gate's. Nothing here knows sockets, clocks or random sources: they are arguments.
 * DELETE (section 5.7) takes an object out of the identity's workspace. It is no recall: the node keeps what
 * it was given, and what was released stays released. */
#pragma once

#include <stdbool.h>

#include "gate/gate.h"
#include "net/exchange.h"

struct taxii;

struct taxii_setup {
    struct gate *gate;                                 /* borrowed, outlives the server */
    err_t (*random)(void *ctx, void *out, size_t len); /* fit for keys: os->random, os->ctx */
    void *random_ctx;
    struct str title;          /* of the server, for people; copied; public */
    struct str description;    /* may be empty */
    const struct str *origins; /* of web pages whose scripts may read answers (CORS); copied; no "*" */
    size_t origin_count;       /* at most LIMIT_TAXII_ORIGINS; 0: no CORS at all */
    bool allow_plain;          /* answer without TLS: for tests and a proxy on the same machine */
};

/* Reads the node key and the identities from the gate's settings; makes the key at the first start, which is
 * durable after the caller's gate_commit. ERR_CORRUPT when a setting cannot be read. */
NODISCARD err_t taxii_open(const struct taxii_setup *setup, int64_t now_us, struct taxii **out);
/* Accepts NULL. */
void taxii_close(struct taxii *taxii);

/* Is this path the server's to answer? "/taxii2/", "/api/" and what stands below them. */
bool taxii_owns(struct str path);

/* For the access record. Strings are good until the next fact. */
struct taxii_access {
    struct str who;         /* identity; empty: nobody that is known */
    const char *what;       /* resource: "objects", "status" ...; "" for none */
    const char *collection; /* alias; "" for none */
    struct str audience;    /* of the release view; of the other collections the source */
    size_t objects;         /* that the answer carries, or names, or took in, or deleted */
};

struct taxii_effect {
    bool needs_commit; /* hold the answer back until gate_commit said ERR_OK */
    int polled;        /* partner whose view was read: have its ledger signed up to date; -1: none */
    struct taxii_access access;
};

/* Fills in the answer; response->status is never 0 afterwards. `response` is freshly initialised and should
 * hold LIMIT_TAXII_ANSWER_BYTES. When effect->needs_commit, and gate_commit then fails, send what
 * taxii_uncommitted makes of the response instead. */
void taxii_handle(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                  struct exchange_response *response, struct taxii_effect *effect);
/* The same, unless the release view that is asked for has leaves which no checkpoint covers yet: then false,
 * nothing is answered, effect->polled says whose ledger is to be signed up to date, and the request comes
 * again, to taxii_handle. So what was released before somebody asks is in the answer. */
NODISCARD bool taxii_try(struct taxii *taxii, const struct exchange_request *request, int64_t now_us,
                         struct exchange_response *response, struct taxii_effect *effect);
void taxii_uncommitted(struct exchange_response *response);
