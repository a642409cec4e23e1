/* The HTTP/1.1 head and body readers over any bytes, whole and in two pieces: both ways must agree. */
#include "core/err.h"
#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    enum http1_step step;
    size_t used;
    size_t body;
};

static struct outcome read_body(const struct http1_head *head, struct bytes input, size_t piece)
{
    struct outcome got = {HTTP1_NEED, 0, 0};
    struct http1_body body;
    if (http1_body_init(&body, head, 1 << 20) != ERR_OK)
        return (struct outcome) {HTTP1_REFUSED, 0, 0};
    while (got.step == HTTP1_NEED) {
        size_t left = input.len - got.used;
        struct bytes part = {input.at + got.used, left < piece ? left : piece};
        struct bytes out;
        size_t used = 0;
        got.step = http1_body_step(&body, part, &used, &out, NULL);
        if (got.step == HTTP1_REFUSED)
            break;
        must(used <= part.len && out.len <= used);
        must(out.len == 0 || (out.at >= part.at && out.at + out.len <= part.at + part.len));
        got.used += used;
        got.body += out.len;
        if (part.len == 0 || (used == 0 && got.step == HTTP1_NEED))
            break;
    }
    return got;
}

static void check_inside(struct bytes head, struct str s)
{
    const uint8_t *at = (const uint8_t *)s.at;
    must(at == NULL || (at >= head.at && s.len <= head.len && at + s.len <= head.at + head.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t scanned = 0, len = 0;
    struct fault fault;
    enum http1_step whole = http1_head_find((struct bytes) {data, size}, &scanned, &len, &fault);

    size_t drip_scanned = 0, drip_len = 0, end = 0;
    enum http1_step drip = HTTP1_NEED;
    for (end = 0; end <= size && drip == HTTP1_NEED; end++)
        drip = http1_head_find((struct bytes) {data, end}, &drip_scanned, &drip_len, &fault);
    must(drip == whole && drip_len == len);
    if (whole != HTTP1_DONE)
        return 0;

    struct http1_head head;
    struct bytes bytes = {data, len};
    if (http1_head_parse(bytes, &head, &fault) != ERR_OK)
        return 0;
    check_inside(bytes, head.method);
    check_inside(bytes, head.path);
    check_inside(bytes, head.query);
    check_inside(bytes, head.scheme);
    check_inside(bytes, head.host);
    must(head.field_count <= LIMIT_HTTP_FIELDS && head.path.len > 0);
    for (size_t i = 0; i < head.field_count; i++) {
        check_inside(bytes, head.fields[i].name);
        check_inside(bytes, head.fields[i].value);
        must(memchr(head.fields[i].value.at, '\r', head.fields[i].value.len) == NULL);
    }
    struct bytes rest = {data + len, size - len};
    struct outcome one = read_body(&head, rest, SIZE_MAX), many = read_body(&head, rest, 1);
    must(one.step == many.step);
    must(one.step == HTTP1_REFUSED || (one.used == many.used && one.body == many.body));
    return 0;
}
