/* HTTP/1.1 requests from strangers (RFC 9112), strictly: what two readers could understand differently is
 * refused, not mended. Pure step functions: bytes in, DONE, REFUSED or NEED (more) out; no memory of their
 * own, no system.
 *
 * Refused beyond the grammar of RFC 9112: a bare CR or LF anywhere; Transfer-Encoding together with
 * Content-Length, in HTTP/1.0, or other than exactly "chunked"; a repeated or listed Content-Length, Host,
 * Transfer-Encoding, Expect or Authorization; a missing Host in HTTP/1.1; folded fields; blanks before a
 * colon; control bytes, NUL and bytes beyond ASCII in the target; fragments; targets other than a path
 * ("/..."), a URL of http or https (section 3.2.2), or "*"; chunk extensions and trailers (their permitted
 * length here is zero: RFC 9112 section 7.1.1).
 *
 * The sizes are in core/limit.h (LIMIT_HTTP_*). Strings borrow from the head's bytes. Any thread. */
#pragma once

#include <stdbool.h>

#include "core/err.h"
#include "core/limit.h"
#include "core/str.h"

enum http1_step { HTTP1_NEED, HTTP1_DONE, HTTP1_REFUSED };

struct http1_field {
    struct str name;  /* as it came; names compare without case */
    struct str value; /* without the blanks around it */
};

enum http1_framing { HTTP1_NO_BODY, HTTP1_LENGTH, HTTP1_CHUNKED };

struct http1_head {
    struct str method;
    struct str path;  /* "/..." still percent-encoded, or "*" */
    struct str query; /* behind the "?", still percent-encoded; at NULL: there was no "?" */
    struct http1_field fields[LIMIT_HTTP_FIELDS];
    size_t field_count;
    struct str scheme; /* of a target that is a URL; at NULL: it is a path */
    struct str host;   /* of the URL, else of the field Host */
    enum http1_framing framing;
    uint64_t content_length; /* with HTTP1_LENGTH */
    unsigned minor;          /* HTTP/1.minor, 0 or 1 */
    bool keep_open;          /* the client lets the connection stand */
    bool expect_continue;    /* waits for "100 Continue" before it sends the body */
};

/* Looks for the end of a head at the start of `input`. `*scanned` (start with 0) remembers how far the same
 * bytes were seen, so that a dripping client costs nothing twice. DONE: *out_len is the head's length with
 * its empty line. REFUSED: see fault; empty lines before a request are refused too. `fault` may be NULL here
 * and below. */
enum http1_step http1_head_find(struct bytes input, size_t *scanned, size_t *out_len, struct fault *fault);

/* Reads a whole head as http1_head_find measured it. ERR_SYNTAX, ERR_LIMIT (too long or too many),
 * ERR_UNSUPPORTED (a transfer coding or expectation), ERR_VERSION; the fault's section is of RFC 9110. `out`
 * is written only on success. */
NODISCARD err_t http1_head_parse(struct bytes head, struct http1_head *out, struct fault *fault);

/* The status code to answer a refusal with: 400, 414, 417, 431, 501 or 505. */
int http1_refusal_status(const struct fault *fault);

/* The value of the first field of that name; at NULL when absent. `name` in any case. */
struct str http1_field_get(const struct http1_head *head, struct str name);
/* The same for a field whose value is a list: several of that name are joined by ", " (RFC 9110 section 5.3),
 * in `out`, which has room for LIMIT_HTTP_HEAD_BYTES. */
struct str http1_field_list(const struct http1_head *head, struct str name, char *out);

/* --- bodies --- */

struct http1_body {
    int state;
    uint64_t left;   /* of the length or of the chunk in hand */
    uint64_t total;  /* data bytes so far */
    uint64_t max;    /* more than this is ERR_LIMIT */
    unsigned digits; /* of the chunk size in hand */
};

/* ERR_LIMIT when the announced length is more than `max`. */
NODISCARD err_t http1_body_init(struct http1_body *body, const struct http1_head *head, uint64_t max);

/* Takes from `input`: *out_used bytes are used up, and *out_data (a part of them, may be empty) is body. Call
 * again with the rest until it answers NEED with all input used, DONE (nothing behind the body is touched) or
 * REFUSED. */
enum http1_step http1_body_step(struct http1_body *body, struct bytes input, size_t *out_used,
                                struct bytes *out_data, struct fault *fault);
