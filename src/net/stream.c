#include "net/stream.h"

#include "core/limit.h"
#include "net/loop.h"

err_t stream_open(struct stream *stream, int fd, struct tls *tls)
{
    (void)tls;
    *stream = (struct stream) {.fd = fd};
    return ERR_OK;
}

err_t stream_handshake(struct stream *stream)
{
    (void)stream;
    return ERR_OK;
}

err_t stream_read(struct stream *stream, void *to, size_t size, size_t *out_len)
{
    stream->want = LOOP_READ;
    return os_net_read(stream->fd, to, size, out_len);
}

err_t stream_write(struct stream *stream, const struct bytes *pieces, size_t count, size_t *out_len)
{
    stream->want = LOOP_WRITE;
    return os_net_write(stream->fd, pieces, count, out_len);
}

void stream_shut(struct stream *stream)
{
    os_net_shut_write(stream->fd);
}

void stream_close(struct stream *stream)
{
    os_net_close(stream->fd);
    stream->fd = -1;
}
