/* bench_net PORT FILE...: answers on loopback, without TLS, /0 with the bytes of the first file, /1 with the
 * next ..., until it is ended. What the server of src/net costs by itself, to be measured against another
 * server of the same bytes (tests/bench/node.py): a node never listens without TLS. Prints no row of its own.
 */
#include "bench_out.h"
#include "core/buf.h"
#include "net/server.h"

enum { FILE_MAX = 64 << 20, FILES_MAX = 10 };

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
    static const char *const paths[FILES_MAX] = {"/0", "/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9"};
    struct route routes[FILES_MAX];
    size_t count = argc < 2 ? 0 : (size_t)argc - 2;
    if (count == 0 || count > FILES_MAX) {
        fprintf(stderr, "usage: bench_net PORT FILE... (at most %d)\n", FILES_MAX);
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        struct page *page = read_page(argv[i + 2]);
        bench_check(page == NULL ? ERR_NOMEM : ERR_OK, "page");
        routes[i] = (struct route) {.method = "GET", .pattern = paths[i], .handle = handle, .ctx = page};
    }
    struct server_conf conf = {.routes = routes, .route_count = count};
    struct server *server;
    struct loop *loop;
    bench_check(loop_open(&loop), "loop");
    bench_check(server_open(loop, &conf, &server), "server");
    bench_check(server_listen(server, "127.0.0.1", (uint16_t)strtoul(argv[1], NULL, 10), NULL, NULL),
                "listen");
    loop_run(loop);
    return 0;
}
