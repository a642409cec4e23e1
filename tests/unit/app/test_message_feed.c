/* What core and edge say of feeds: whatever is written reads the same, every prefix is refused, and so is
 * what would reach beyond a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/message_feed.h"
#include "core/limit.h"

static void same_str(struct str a, struct str b)
{
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.at, b.at, a.len);
}

static void opened(void **state)
{
    struct message_feed_open sent = {.feed = MESSAGE_FEEDS_MAX - 1,
                                     .name = STR("out"),
                                     .origin = STR("https://far.example:8443"),
                                     .private = true,
                                     .secrets = true,
                                     .partner = -1,
                                     .target = STR("/api1/?x=y"),
                                     .self = STR("identity--00000000-0000-4000-8000-000000000001")},
                             got;
    struct buf wire;
    (void)state;
    buf_init(&wire, 4096);
    message_feed_open_write(&wire, &sent);
    assert_int_equal(message_feed_open_read(buf_bytes(&wire), &got), ERR_OK);
    same_str(got.name, sent.name);
    same_str(got.origin, sent.origin);
    same_str(got.target, sent.target);
    same_str(got.self, sent.self);
    assert_true(got.feed == sent.feed && got.private && got.secrets && got.partner == -1);
    for (size_t i = 0; i < wire.len; i++)
        assert_int_not_equal(message_feed_open_read(bytes_of(wire.at, i), &got), ERR_OK);
    sent.partner = LIMIT_PARTNERS - 1;
    buf_clear(&wire);
    message_feed_open_write(&wire, &sent);
    assert_int_equal(message_feed_open_read(buf_bytes(&wire), &got), ERR_OK);
    assert_int_equal(got.partner, LIMIT_PARTNERS - 1);
    sent.partner = LIMIT_PARTNERS;
    buf_clear(&wire);
    message_feed_open_write(&wire, &sent);
    assert_int_equal(message_feed_open_read(buf_bytes(&wire), &got), ERR_INVALID);
    sent.partner = -1;
    sent.feed = MESSAGE_FEEDS_MAX;
    buf_clear(&wire);
    message_feed_open_write(&wire, &sent);
    assert_int_equal(message_feed_open_read(buf_bytes(&wire), &got), ERR_INVALID);
    buf_deinit(&wire);
}

static void called(void **state)
{
    struct message_feed_call sent = {.feed = 3,
                                     .id = UINT64_C(1) << 40,
                                     .method = EXCHANGE_POST,
                                     .target = STR("/api1/collections/one/objects/"),
                                     .fields = {{STR("accept"), STR("a")}, {STR("content-type"), STR("b")}},
                                     .field_count = 2,
                                     .answer_max = 77,
                                     .timeout_ms = 5,
                                     .body = {(const uint8_t *)"{}", 2}},
                             got;
    struct buf wire;
    (void)state;
    buf_init(&wire, 4096);
    message_feed_call_write(&wire, &sent);
    assert_int_equal(message_feed_call_read(buf_bytes(&wire), &got), ERR_OK);
    same_str(got.target, sent.target);
    same_str(got.fields[1].name, sent.fields[1].name);
    same_str(got.fields[1].value, sent.fields[1].value);
    same_str(str_from_bytes(got.body), STR("{}"));
    assert_true(got.id == sent.id && got.method == EXCHANGE_POST && got.field_count == 2);
    assert_true(got.answer_max == 77 && got.timeout_ms == 5);
    for (size_t i = 0; i < wire.len; i++)
        assert_int_not_equal(message_feed_call_read(bytes_of(wire.at, i), &got), ERR_OK);
    sent.method = EXCHANGE_OTHER + 1;
    buf_clear(&wire);
    message_feed_call_write(&wire, &sent);
    assert_int_equal(message_feed_call_read(buf_bytes(&wire), &got), ERR_INVALID);
    buf_deinit(&wire);
}

static void answered(void **state)
{
    struct message_feed_head sent = {.feed = 1, .id = 9, .status = 202, .field_count = FEED_FIELDS_MAX}, got;
    struct message_feed_over over = {.feed = 1, .id = 9, .err = ERR_TIMEOUT, .what = STR("late")}, got_over;
    struct buf wire;
    (void)state;
    buf_init(&wire, 4096);
    for (size_t i = 0; i < FEED_FIELDS_MAX; i++)
        sent.fields[i] = (struct feed_field) {STR("etag"), STR("\"1\"")};
    message_feed_head_write(&wire, &sent);
    assert_int_equal(message_feed_head_read(buf_bytes(&wire), &got), ERR_OK);
    assert_true(got.status == 202 && got.id == 9 && got.field_count == FEED_FIELDS_MAX);
    same_str(got.fields[FEED_FIELDS_MAX - 1].value, STR("\"1\""));
    for (size_t i = 0; i < wire.len; i++)
        assert_int_not_equal(message_feed_head_read(bytes_of(wire.at, i), &got), ERR_OK);
    wire.at[14] = FEED_FIELDS_MAX + 1; /* behind feed, id and status: how many fields */
    assert_int_not_equal(message_feed_head_read(buf_bytes(&wire), &got), ERR_OK);
    buf_clear(&wire);
    message_feed_over_write(&wire, &over);
    assert_int_equal(message_feed_over_read(buf_bytes(&wire), &got_over), ERR_OK);
    assert_int_equal(got_over.err, ERR_TIMEOUT);
    same_str(got_over.what, over.what);
    wire.at[12] = 255; /* a code that is none */
    assert_int_equal(message_feed_over_read(buf_bytes(&wire), &got_over), ERR_OK);
    assert_int_equal(got_over.err, ERR_INVALID);
    for (size_t i = 0; i < wire.len; i++)
        assert_int_not_equal(message_feed_over_read(bytes_of(wire.at, i), &got_over), ERR_OK);
    buf_deinit(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opened),
        cmocka_unit_test(called),
        cmocka_unit_test(answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
