/* One connected socket, plain or under TLS, that never blocks. For net/ only. */
#pragma once

#include "net/tls.h"
#include "os/os_net.h"

struct ssl_st;

struct stream {
    int fd;
    struct ssl_st *ssl;      /* NULL: plain */
    unsigned want;           /* after ERR_BUSY: LOOP_READ or LOOP_WRITE, what to wait for */
    struct tls_peer peer;    /* proven: zero until the handshake stands */
    struct tls_peer claimed; /* while it runs */
    bool http2;              /* TLS agreed on it */
    bool broken;
};

/* Takes the socket in every case; the stream may not move afterwards. `tls` may be NULL. */
NODISCARD err_t stream_open(struct stream *stream, int fd, struct tls *tls);
/* Drives the handshake: ERR_OK when it stands (at once when plain), ERR_BUSY, else the stream is dead. */
NODISCARD err_t stream_handshake(struct stream *stream);
/* ERR_BUSY, ERR_CLOSED (the peer said its end), ERR_IO. */
NODISCARD err_t stream_read(struct stream *stream, void *to, size_t size, size_t *out_len);
/* Writes from the start of the pieces (2 at most), at most LIMIT_NET_WRITE_TURN bytes; *out_len is at
 * least 1. ERR_BUSY, ERR_CLOSED. After ERR_BUSY the same bytes come again (OpenSSL), possibly at another
 * place. */
NODISCARD err_t stream_write(struct stream *stream, const struct bytes *pieces, size_t count,
                             size_t *out_len);
/* Says the end of our side. */
void stream_shut(struct stream *stream);
void stream_close(struct stream *stream);
