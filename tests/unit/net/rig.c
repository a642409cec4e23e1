#include "rig.h"

static void say_page(void *ctx, struct request *request)
{
    const struct rig *rig = ctx;
    request_answer(request, &(struct answer) {.status = 200, .type = "text/plain", .page = rig->page});
}

void rig_echo(void *ctx, struct request *request)
{
    (void)ctx;
    request_answer(request, &(struct answer) {.status = 200, .body = request_body(request)});
}

static void on_gone(void *ctx)
{
    struct rig *rig = ctx;
    rig->gone++;
    rig->waiting = NULL;
}

static void wait_long(void *ctx, struct request *request)
{
    struct rig *rig = ctx;
    rig->waits++;
    rig->waiting = request;
    request_on_gone(request, on_gone, rig);
}

void rig_on_stopped(void *ctx)
{
    struct rig *rig = ctx;
    rig->stopped = true;
}

static struct page *page_of(size_t bytes)
{
    struct buf page;
    buf_init(&page, bytes + 1);
    for (size_t i = 0; i < bytes; i++)
        buf_putc(&page, (char)('a' + i % 26));
    return page_new(&page);
}

void rig_open(struct rig *rig, size_t page_bytes, const struct route *more, size_t count,
              struct server_conf conf)
{
    const struct route own[] = {{"GET", "/page", 0, say_page, rig},
                                {"POST", "/echo", RIG_BODY_MAX, rig_echo, NULL},
                                {"GET", "/wait", 0, wait_long, rig}};
    const size_t owned = sizeof own / sizeof own[0];
    must(count <= RIG_ROUTES_MAX - owned);
    *rig = (struct rig) {.page = page_of(page_bytes)};
    must(rig->page != NULL);
    memcpy(rig->routes, own, sizeof own);
    memcpy(rig->routes + owned, more, count * sizeof *more);
    conf.routes = rig->routes;
    conf.route_count = owned + count;
    must(loop_open(&rig->loop) == ERR_OK && server_open(rig->loop, &conf, &rig->server) == ERR_OK);
    must(server_listen(rig->server, "127.0.0.1", 0, NULL, &rig->port) == ERR_OK);
}

void rig_close(struct rig *rig)
{
    server_close(rig->server);
    loop_close(rig->loop);
    page_unref(rig->page);
}

bool rig_has(const struct buf *heard, const char *text)
{
    size_t len = strlen(text);
    for (size_t i = 0; i + len <= heard->len; i++)
        if (memcmp(heard->at + i, text, len) == 0)
            return true;
    return false;
}
