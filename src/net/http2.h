/* HTTP/2 (RFC 9113) by nghttp2, as one more way from bytes to requests and back: frames become a head that
 * net/http1.h's parser judges as strictly as one of HTTP/1.1 (a smuggled line break, a second Authorization
 * or Host, a target that is no path are refused alike), and a body that is gathered as one of HTTP/1.1 is.
 *
 * What a client can make us do is bounded: LIMIT_HTTP2_STREAMS requests side by side; heads of
 * LIMIT_HTTP_HEAD_BYTES unpacked, longer ones are read on for HPACK's table alone and answered 431; frames
 * that carry no work (resets, pings, settings, priorities, window updates, empty data, continuations) are
 * paid for from a purse that time and moved data fill (LIMIT_HTTP2_CALM_*): who empties it is sent
 * ENHANCE_YOUR_CALM and closed. A client that does not read is not read from, and a stream or connection on
 * which too little moves in LIMIT_HTTP_STALL_MS is ended. No push, no priorities, no trailers.
 *
 * For net/ only; the thread of the loop. */
#pragma once

#include "net/conn.h"

/* The connection speaks HTTP/2 from here on; what `in` holds is its beginning. ERR_NOMEM. */
NODISCARD err_t http2_open(struct conn *conn);
/* Accepts NULL. */
void http2_close(struct http2 *http2);
/* As the steps of conn.c: ERR_BUSY waits for the socket, ERR_OK goes on, anything else ends the connection.
 */
NODISCARD err_t http2_step(struct conn *conn);
/* Its part of request_answer. */
void http2_answer(struct request *request, const struct answer *answer);
/* The deadline is over. True: the connection ends. Streams alone at fault are reset. */
bool http2_is_stuck(struct conn *conn);
/* No new requests; what runs may end. */
void http2_say_goodbye(struct conn *conn);
