/* What a client may send on a connection that speaks HTTP/2, over a real server on loopback: any bytes behind
 * the preface, in pieces. Whatever they are, the connection ends within its deadlines, every request that a
 * handler got is answered or told gone, and nothing stays behind. */
#include "rig.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS_MAX = 400 };

static struct rig *rig_of(void)
{
    static const struct route more[] = {{"*", "/**", 1 << 16, rig_echo, NULL}};
    static struct rig rig;
    if (rig.loop == NULL)
        rig_open(&rig, 1 << 16, more, 1, (struct server_conf) {.head_ms = 0});
    return &rig;
}

/* Sends; reads and drops what comes back. False: the server has closed. */
static bool send_all(struct rig *rig, int fd, struct bytes bytes)
{
    static uint8_t drop[65536];
    for (size_t turns = 0; bytes.len > 0 && turns < TURNS_MAX; turns++) {
        size_t n = 0, got = 0;
        err_t err = os_net_write(fd, &bytes, 1, &n);
        if (err != ERR_OK && err != ERR_BUSY)
            return false;
        bytes = (struct bytes) {bytes.at + n, bytes.len - n};
        loop_turn(rig->loop, 0);
        if (os_net_read(fd, drop, sizeof drop, &got) == ERR_CLOSED)
            return false;
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct rig *rig = rig_of();
    int fd = -1;
    if (size == 0 || os_net_connect("127.0.0.1", rig->port, &fd) != ERR_OK)
        return 0;
    rig->waits = rig->gone = 0;
    size_t piece = data[0] == 0 ? size : data[0]; /* how the bytes fall into reads */
    bool open = send_all(rig, fd, (struct bytes) {(const uint8_t *)preface, sizeof preface - 1});
    for (size_t at = 1; open && at < size; at += piece)
        open = send_all(rig, fd, (struct bytes) {data + at, size - at < piece ? size - at : piece});
    os_net_close(fd);
    for (size_t turns = 0; server_connections(rig->server) > 0 && turns < TURNS_MAX; turns++)
        loop_turn(rig->loop, 1);
    must(server_connections(rig->server) == 0);
    must(rig->gone == rig->waits);
    return 0;
}
