#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http1.h"

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        (const uint8_t *)(text), sizeof(text) - 1                                                            \
    }
#define HEAD_OF(text) ((struct bytes)TEXT(text))

static err_t read_head(struct bytes text, struct http1_head *out)
{
    struct fault fault = {.code = ERR_OK};
    size_t scanned = 0, len = 0;
    enum http1_step step = http1_head_find(text, &scanned, &len, &fault);
    if (step == HTTP1_NEED)
        return ERR_SHORT;
    if (step == HTTP1_REFUSED)
        return fault.code;
    return http1_head_parse((struct bytes) {text.at, len}, out, &fault);
}

static void reads_a_request(void **state)
{
    (void)state;
    struct http1_head head;
    assert_int_equal(
        read_head(HEAD_OF("GET /taxii2/c/?added_after=2020&limit=5 HTTP/1.1\r\nHost: kr.example:8443\r\n"
                          "ACCEPT: \t application/taxii+json;version=2.1 \t\r\nX-Empty:\r\n\r\n"),
                  &head),
        ERR_OK);
    assert_true(str_eq(head.method, STR("GET")));
    assert_true(str_eq(head.path, STR("/taxii2/c/")));
    assert_true(str_eq(head.query, STR("added_after=2020&limit=5")));
    assert_true(str_eq(head.host, STR("kr.example:8443")));
    assert_true(str_eq(http1_field_get(&head, STR("accept")), STR("application/taxii+json;version=2.1")));
    assert_non_null(http1_field_get(&head, STR("x-empty")).at);
    assert_null(http1_field_get(&head, STR("x-absent")).at);
    assert_true(head.keep_open);
    assert_int_equal(head.framing, HTTP1_NO_BODY);
}

static void knows_when_to_close(void **state)
{
    (void)state;
    struct http1_head head;
    assert_int_equal(read_head(HEAD_OF("GET / HTTP/1.0\r\n\r\n"), &head), ERR_OK);
    assert_false(head.keep_open);
    assert_int_equal(read_head(HEAD_OF("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), &head), ERR_OK);
    assert_true(head.keep_open);
    assert_int_equal(
        read_head(HEAD_OF("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n"),
                  &head),
        ERR_OK);
    assert_false(head.keep_open);
}

static void joins_a_list(void **state)
{
    (void)state;
    struct http1_head head;
    char out[LIMIT_HTTP_HEAD_BYTES];
    assert_int_equal(
        read_head(HEAD_OF("GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html;q=0.1\r\nX: y\r\n"
                          "ACCEPT: */*\r\nEmpty:\r\nEmpty:\r\naccept:  application/json \r\n\r\n"),
                  &head),
        ERR_OK);
    assert_true(
        str_eq(http1_field_list(&head, STR("accept"), out), STR("text/html;q=0.1, */*, application/json")));
    assert_true(str_eq(http1_field_list(&head, STR("host"), out), STR("a")));
    assert_true(str_eq(http1_field_list(&head, STR("empty"), out), STR(", ")));
    assert_null(http1_field_list(&head, STR("x-none"), out).at);
    /* As many and as long as a head may hold. */
    static char text[LIMIT_HTTP_HEAD_BYTES];
    size_t len = (size_t)snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n"), count = 0;
    while (count < LIMIT_HTTP_FIELDS - 1 && len + 258 < sizeof text - 2) {
        len += (size_t)snprintf(text + len, sizeof text - len, "a:%0253d\r\n", 7);
        count++;
    }
    len += (size_t)snprintf(text + len, sizeof text - len, "\r\n");
    assert_int_equal(read_head(bytes_of(text, len), &head), ERR_OK);
    assert_int_equal(http1_field_list(&head, STR("a"), out).len, count * 253 + (count - 1) * 2);
}

/* Attacks on the border between two requests, and what else no two readers may read differently. */
static const struct refusal {
    struct bytes text;
    err_t err;
} refusals[] = {
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
     ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
     ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3 3\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n"),
     ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"), ERR_UNSUPPORTED},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"), ERR_UNSUPPORTED},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n"), ERR_UNSUPPORTED},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
          "chunked\r\n\r\n"),
     ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: y\rTransfer-Encoding: chunked\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\nHost: a\n\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\n\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"), ERR_SYNTAX},
    {TEXT("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nX: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX(y): z\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX\x80: z\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n"), ERR_UNSUPPORTED},
    {TEXT("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET /\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / http/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.12\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), ERR_VERSION},
    {TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ERR_VERSION},
    {TEXT("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http:// HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://?b HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http:a/b HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET https://:443/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://me@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://a,b/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://a#/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET httpx://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET ://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://a/ HTTP/1.1\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET http://a/ HTTP/1.1\r\nHost: a/b\r\n\r\n"), ERR_SYNTAX},
    {TEXT("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET /\xed\x95\x9c HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"), ERR_SYNTAX},
    {TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: y\x7f\r\n\r\n"), ERR_SYNTAX},
};

static void refuses_what_is_read_differently_elsewhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct http1_head head;
        err_t err = read_head(refusals[i].text, &head);
        if (err != refusals[i].err)
            fail_msg("row %zu: %s instead of %s: %.*s", i, err_name(err), err_name(refusals[i].err),
                     (int)refusals[i].text.len, (const char *)refusals[i].text.at);
    }
}

/* RFC 9112 section 3.2.2: the host of the URL counts, another in Host is no error. */
static void reads_a_url(void **state)
{
    (void)state;
    static const struct {
        const char *target, *scheme, *host, *path, *query;
    } rows[] = {
        {"http://kr.example/taxii2/?limit=5", "http", "kr.example", "/taxii2/", "limit=5"},
        {"HTTPS://[::1]:7443/a//b", "HTTPS", "[::1]:7443", "/a//b", NULL},
        {"http://a", "http", "a", "/", NULL},
        {"http://a?", "http", "a", "/", ""},
        {"https://a?b=http://c/", "https", "a", "/", "b=http://c/"},
        {"http://a/http://b/", "http", "a", "/http://b/", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct http1_head head;
        char text[200];
        int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: other\r\n\r\n", rows[i].target);
        assert_int_equal(read_head(bytes_of(text, (size_t)len), &head), ERR_OK);
        assert_true(str_eq(head.scheme, str_of(rows[i].scheme)) && str_eq(head.host, str_of(rows[i].host)));
        assert_true(str_eq(head.path, str_of(rows[i].path)));
        assert_int_equal(head.query.at != NULL, rows[i].query != NULL);
        assert_true(rows[i].query == NULL || str_eq(head.query, str_of(rows[i].query)));
    }
}

static int status_of(const char *before, size_t many, const char *after)
{
    static char text[3 * LIMIT_HTTP_HEAD_BYTES];
    struct fault fault = {.code = ERR_OK};
    size_t len = strlen(before), scanned = 0, head_len = 0;
    struct http1_head head;
    memcpy(text, before, len);
    memset(text + len, 'a', many);
    memcpy(text + len + many, after, strlen(after));
    struct bytes input = bytes_of(text, len + many + strlen(after));
    enum http1_step step = http1_head_find(input, &scanned, &head_len, &fault);
    err_t err = step == HTTP1_DONE ? http1_head_parse(bytes_of(text, head_len), &head, &fault) : fault.code;
    return err == ERR_OK ? 200 : http1_refusal_status(&fault);
}

static void has_a_status_for_each_refusal(void **state)
{
    (void)state;
    static const char line[] = " HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_int_equal(status_of("GET /", LIMIT_HTTP_TARGET_BYTES - 1, line), 200);
    assert_int_equal(status_of("GET /", LIMIT_HTTP_TARGET_BYTES, line), 414);
    assert_int_equal(status_of("GET http://a/", LIMIT_HTTP_TARGET_BYTES - 8, line), 414);
    assert_int_equal(status_of("GET /", 2 * LIMIT_HTTP_HEAD_BYTES, line), 414);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nX: ", LIMIT_HTTP_HEAD_BYTES, line), 431);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nExpect: ", 3, "\r\n\r\n"), 417);
    assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ", 3, "\r\n\r\n"), 501);
    assert_int_equal(status_of("GET / HTTP/2.", 0, "0\r\nHost: a\r\n\r\n"), 505);
    assert_int_equal(status_of("GET ", 3, line), 400);
}

static void bounds_the_head(void **state)
{
    (void)state;
    static uint8_t text[LIMIT_HTTP_HEAD_BYTES + 64];
    memset(text, 'a', sizeof text);
    memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
    struct http1_head head;
    assert_int_equal(read_head((struct bytes) {text, LIMIT_HTTP_HEAD_BYTES}, &head), ERR_SHORT);
    assert_int_equal(read_head((struct bytes) {text, LIMIT_HTTP_HEAD_BYTES + 1}, &head), ERR_LIMIT);
    memcpy(text + LIMIT_HTTP_HEAD_BYTES - 4, "\r\n\r\n", 4);
    assert_int_equal(read_head((struct bytes) {text, LIMIT_HTTP_HEAD_BYTES}, &head), ERR_OK);

    size_t len = 25;
    for (size_t i = 0; i < LIMIT_HTTP_FIELDS; i++, len += 6)
        memcpy(text + len, "X: y\r\n", 6);
    memcpy(text + len, "\r\n", 2);
    assert_int_equal(read_head((struct bytes) {text, len + 2}, &head), ERR_LIMIT);
    memcpy(text + len - 6, "\r\n", 2);
    assert_int_equal(read_head((struct bytes) {text, len - 4}, &head), ERR_OK);
    assert_int_equal(head.field_count, LIMIT_HTTP_FIELDS);
}

static const char chunked[] = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                              "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\n";

/* Every prefix needs more, and no prefix is taken for the whole. */
static void every_prefix_needs_more(void **state)
{
    (void)state;
    struct bytes text = HEAD_OF(chunked);
    struct http1_head head;
    size_t head_len = 0;
    for (size_t end = 0; end <= text.len; end++) {
        size_t scanned = 0, len = 0;
        enum http1_step step = http1_head_find((struct bytes) {text.at, end}, &scanned, &len, NULL);
        if (step == HTTP1_NEED)
            continue;
        assert_int_equal(step, HTTP1_DONE);
        head_len = head_len == 0 ? end : head_len;
        assert_int_equal(len, head_len);
        struct bytes whole = {text.at, len};
        assert_int_equal(http1_head_parse(whole, &head, NULL), ERR_OK);
        struct http1_body body;
        assert_int_equal(http1_body_init(&body, &head, 13), ERR_OK);
        size_t at = len;
        do {
            size_t used = 0;
            struct bytes data;
            step = http1_body_step(&body, (struct bytes) {text.at + at, end - at}, &used, &data, NULL);
            at += used;
        } while (step == HTTP1_NEED && at < end);
        assert_int_equal(step, end == text.len ? HTTP1_DONE : HTTP1_NEED);
        assert_true(end < text.len || body.total == 13);
    }
    assert_true(head_len > 0);
}

static enum http1_step read_chunks(const char *text, uint64_t max, struct fault *fault)
{
    struct http1_head head = {.framing = HTTP1_CHUNKED};
    struct http1_body body;
    assert_int_equal(http1_body_init(&body, &head, max), ERR_OK);
    size_t at = 0, len = strlen(text);
    enum http1_step step = HTTP1_NEED;
    while (step == HTTP1_NEED && at < len) {
        size_t used = 0;
        struct bytes data;
        step = http1_body_step(&body, bytes_of(text + at, len - at), &used, &data, fault);
        at += used;
    }
    return step;
}

static void refuses_loose_chunks(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "3\nabc\r\n0\r\n\r\n",         "3;x=y\r\nabc\r\n0\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",      " 3\r\nabc\r\n0\r\n\r\n",
        "0x3\r\nabc\r\n0\r\n\r\n",     "+3\r\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",      "3\r\nabc\n0\r\n\r\n",
        "3\r\nabc\rX0\r\n\r\n",        "\r\n",
        "0\r\nX: y\r\n\r\n",           "0\r\n\n",
        "0000000000000003\r\nabc\r\n", "ffffffffffffffffff\r\n",
        "3\rXabc\r\n0\r\n\r\n",        "0\r\n\rX",
        "3;\nabc\r\n0\r\n\r\n",        "g\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct fault fault = {.code = ERR_OK};
        if (read_chunks(wrong[i], 100, &fault) != HTTP1_REFUSED || fault.code != ERR_SYNTAX)
            fail_msg("not refused as syntax: %s", wrong[i]);
    }
    struct fault fault = {.code = ERR_OK};
    assert_int_equal(read_chunks("3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n", 6, &fault), HTTP1_DONE);
    assert_int_equal(read_chunks("3\r\nabc\r\n4\r\nabcd\r\n0\r\n\r\n", 6, &fault), HTTP1_REFUSED);
    assert_int_equal(fault.code, ERR_LIMIT);
    assert_int_equal(read_chunks("fffffffffffffff\r\n", 6, &fault), HTTP1_REFUSED);
    assert_int_equal(fault.code, ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_request),
        cmocka_unit_test(knows_when_to_close),
        cmocka_unit_test(joins_a_list),
        cmocka_unit_test(refuses_what_is_read_differently_elsewhere),
        cmocka_unit_test(bounds_the_head),
        cmocka_unit_test(every_prefix_needs_more),
        cmocka_unit_test(refuses_loose_chunks),
        cmocka_unit_test(reads_a_url),
        cmocka_unit_test(has_a_status_for_each_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
