/* Server-sent events as the standard's own examples have them (WHATWG HTML section 9.2.6), in parts of every
 * size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "feeds/sse.h"

static void take(void *ctx, const struct sse_event *event)
{
    buf_printf(ctx, "%.*s|%.*s|%.*s;", STR_ARG(event->type), STR_ARG(event->id), STR_ARG(event->data));
}

static void read_in(const char *text, size_t len, size_t step, struct buf *out)
{
    struct sse sse;
    sse_init(&sse, take, out);
    for (size_t at = 0; at < len; at += step)
        assert_int_equal(sse_feed(&sse, bytes_of(text + at, len - at < step ? len - at : step)), ERR_OK);
    sse_deinit(&sse);
}

static const struct {
    const char *text, *events;
} rows[] = {
    {"data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\n",
     "message||This is the first message.;message||This is the second message, it\nhas two lines.;"},
    {"event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n", "add||73857293;remove||2153;"},
    {"data: YHOO\ndata: +2\ndata: 10\n\n", "message||YHOO\n+2\n10;"},
    {": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
     "message|1|first event;message||second event;message|| third event;"},
    {"data\n\ndata\ndata\n\ndata:", "message||;message||\n;"},
    {"data:test\n\ndata: test\n\n", "message||test;message||test;"},
    {"\xef\xbb\xbf"
     "data: 1\r\n\r\ndata: 2\r\rid: 7\rdata: 3\n\r\n",
     "message||1;message||2;message|7|3;"},
    {"retry: 10\nnothing: x\nevent: a\n\ndata: b\n\n", "message||b;"},
    {"id: 1620249512318-0\nevent: create\ndata: {}\n\nevent: heartbeat\ndata: 2\n\n",
     "create|1620249512318-0|{};heartbeat|1620249512318-0|2;"},
};

static void streams_read_as_the_standard_says_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t step = 1; step <= strlen(rows[i].text); step++) {
            struct buf out;
            buf_init(&out, 4096);
            read_in(rows[i].text, strlen(rows[i].text), step, &out);
            buf_putc(&out, '\0');
            assert_string_equal((const char *)out.at, rows[i].events);
            buf_deinit(&out);
        }
    }
}

static void a_prefix_gives_the_first_events_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            struct buf out;
            buf_init(&out, 4096);
            read_in(rows[i].text, len, len + 1, &out);
            assert_true(str_starts(str_of(rows[i].events), buf_str(&out)));
            buf_deinit(&out);
        }
    }
}

static void an_event_without_end_is_refused(void **state)
{
    static const char piece[1 << 16] = "data: ";
    struct sse sse;
    struct buf out;
    err_t err = ERR_OK;
    (void)state;
    buf_init(&out, 64);
    sse_init(&sse, take, &out);
    for (int i = 0; i < 100 && err == ERR_OK; i++)
        err = sse_feed(&sse, bytes_of(piece, sizeof piece));
    assert_int_equal(err, ERR_LIMIT);
    assert_int_equal(out.len, 0);
    sse_deinit(&sse);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_read_as_the_standard_says_however_they_are_cut),
        cmocka_unit_test(a_prefix_gives_the_first_events_and_no_other),
        cmocka_unit_test(an_event_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
