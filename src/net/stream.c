#include "net/stream.h"

#include <openssl/err.h>

#include "core/limit.h"
#include "net/loop.h"
#include "net/tls_context.h"

enum { STREAM_PIECES_MAX = 2 }; /* a head and a body */

err_t stream_open(struct stream *stream, int fd, struct tls *tls)
{
    *stream = (struct stream) {.fd = fd, .want = LOOP_READ};
    if (tls == NULL)
        return ERR_OK;
    stream->ssl = SSL_new(tls->context);
    if (stream->ssl == NULL || SSL_set_fd(stream->ssl, fd) != 1 ||
        SSL_set_app_data(stream->ssl, &stream->claimed) != 1)
        return ERR_NOMEM;
    SSL_set_accept_state(stream->ssl);
    return ERR_OK;
}

/* What OpenSSL's answer means; it keeps faults in a queue of the thread that the next call would take for its
 * own. */
static err_t from_ssl(struct stream *stream, int result)
{
    int error = SSL_get_error(stream->ssl, result);
    ERR_clear_error();
    switch (error) {
    case SSL_ERROR_WANT_READ:
        stream->want = LOOP_READ;
        return ERR_BUSY;
    case SSL_ERROR_WANT_WRITE:
        stream->want = LOOP_WRITE;
        return ERR_BUSY;
    case SSL_ERROR_ZERO_RETURN:
        return ERR_CLOSED;
    default:
        stream->broken = true; /* SSL_shutdown may no longer be called */
        return ERR_IO;
    }
}

err_t stream_handshake(struct stream *stream)
{
    if (stream->ssl == NULL)
        return ERR_OK;
    int result = SSL_do_handshake(stream->ssl);
    if (result != 1)
        return from_ssl(stream, result);
    stream->claimed.secure = true;
    stream->peer = stream->claimed; /* possession is proved only now */
    const uint8_t *chosen = NULL;
    unsigned len = 0;
    SSL_get0_alpn_selected(stream->ssl, &chosen, &len);
    stream->http2 = len == 2 && memcmp(chosen, "h2", 2) == 0;
    return ERR_OK;
}

err_t stream_read(struct stream *stream, void *to, size_t size, size_t *out_len)
{
    stream->want = LOOP_READ;
    if (stream->ssl == NULL)
        return os_net_read(stream->fd, to, size, out_len);
    int result = SSL_read_ex(stream->ssl, to, size, out_len);
    return result == 1 ? ERR_OK : from_ssl(stream, result);
}

/* The start of the pieces: at most `most` bytes of them. */
static void cut_pieces(const struct bytes *pieces, size_t count, size_t most, struct bytes *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct bytes) {pieces[i].at, pieces[i].len < most ? pieces[i].len : most};
        most -= out[i].len;
    }
}

/* What the system would take whole goes in parts, so that the reader copies one while we copy the next; where
 * it takes a part of the whole anyway, more calls only cost. */
static err_t write_plain(struct stream *stream, const struct bytes *pieces, size_t count, size_t *out_len)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += pieces[i].len;
    struct bytes parts[STREAM_PIECES_MAX];
    must(count <= STREAM_PIECES_MAX);
    cut_pieces(pieces, count, total <= LIMIT_NET_UNSENT_BYTES ? LIMIT_NET_PART_BYTES : total, parts);
    stream->want = LOOP_WRITE;
    return os_net_write(stream->fd, parts, count, out_len);
}

err_t stream_write(struct stream *stream, const struct bytes *pieces, size_t count, size_t *out_len)
{
    if (stream->ssl == NULL)
        return write_plain(stream, pieces, count, out_len);
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        size_t done = 0;
        while (done < pieces[i].len && total < LIMIT_NET_WRITE_TURN) {
            size_t n = 0; /* one record: 16 KiB at most */
            int result = SSL_write_ex(stream->ssl, pieces[i].at + done, pieces[i].len - done, &n);
            if (result != 1) {
                err_t err = from_ssl(stream, result);
                if (err != ERR_BUSY || total == 0)
                    return err;
                *out_len = total;
                return ERR_OK;
            }
            done += n;
            total += n;
        }
    }
    *out_len = total;
    return ERR_OK;
}

void stream_shut(struct stream *stream)
{
    if (stream->ssl != NULL && !stream->broken)
        (void)SSL_shutdown(stream->ssl);
    ERR_clear_error();
    os_net_shut_write(stream->fd);
}

void stream_close(struct stream *stream)
{
    SSL_free(stream->ssl);
    stream->ssl = NULL;
    os_net_close(stream->fd);
    stream->fd = -1;
}
