/* bench_net FILE PORT: answers every request on loopback with the bytes of FILE, without TLS, until it is
 * ended. What the server of src/net costs by itself, to be measured against another server of the same bytes
 * (tests/bench/node.py): a node never listens without TLS. Prints no row of its own. */
#include "bench_out.h"
#include "core/buf.h"
#include "net/server.h"

enum { FILE_MAX = 64 << 20 };

static void handle(void *ctx, struct request *request)
{
    struct answer answer = {.status = 200, .type = "application/taxii+json;version=2.1", .page = ctx};
    request_answer(request, &answer);
}

static struct page *read_page(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct buf content;
    buf_init(&content, FILE_MAX);
    bench_check(file == NULL ? ERR_IO : ERR_OK, path);
    for (size_t n = 1; n > 0;) {
        uint8_t part[65536];
        n = fread(part, 1, sizeof part, file);
        buf_put(&content, part, n);
    }
    (void)fclose(file);
    bench_check(buf_err(&content), path);
    return page_new(&content);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: bench_net FILE PORT\n");
        return 2;
    }
    struct page *page = read_page(argv[1]);
    bench_check(page == NULL ? ERR_NOMEM : ERR_OK, "page");
    const struct route route = {.method = "GET", .pattern = "/**", .handle = handle, .ctx = page};
    struct server_conf conf = {.routes = &route, .route_count = 1};
    struct server *server;
    struct loop *loop;
    bench_check(loop_open(&loop), "loop");
    bench_check(server_open(loop, &conf, &server), "server");
    bench_check(server_listen(server, "127.0.0.1", (uint16_t)strtoul(argv[2], NULL, 10), NULL, NULL),
                "listen");
    loop_run(loop);
    return 0;
}
